/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * slots.c - the ring behind the window.
 *
 * Invariants: a place outside [first, first + capacity) does not exist; a place that slots_advance
 * leaves behind is all zero when its next number comes round; each pointer counts one reference.
 */
#include "consensus/slots.h"

#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"

void slots_check(const struct slots *s)
{
    CHECK(s->ring != NULL && s->retired != NULL);
    CHECK(s->capacity >= 1 && s->capacity <= LIMIT_WINDOW);
    CHECK(s->first >= 1); /* slot 0 is the genesis */
    CHECK(s->first <= UINT64_MAX - s->capacity);
    CHECK(s->retired_capacity >= s->capacity);
    CHECK(s->retired_count <= s->retired_capacity);
}

void slots_init(struct slots *s, uint32_t capacity)
{
    CHECK(capacity > 0 && capacity <= LIMIT_WINDOW);
    memset(s, 0, sizeof(*s));
    s->ring = mem_alloc(sizeof(*s->ring) * capacity);
    s->capacity = capacity;
    s->first = 1;
    /* A step replaces each slot's vote and find at most once, and may then forget both. */
    s->retired_capacity = 4 * capacity;
    s->retired = mem_alloc(sizeof(struct blob *) * s->retired_capacity);
    slots_check(s);
}

void slots_deinit(struct slots *s)
{
    CHECK(s->ring != NULL);
    slots_release(s);
    for (uint32_t i = 0; i < s->capacity; i++) {
        CHECK(s->ring[i].value == NULL || slot_has_vote(&s->ring[i]));
        blob_unref(s->ring[i].value);
        blob_unref(s->ring[i].found_value);
    }
    mem_free(s->ring);
    mem_free(s->retired);
    memset(s, 0, sizeof(*s));
}

uint64_t slots_end(const struct slots *s)
{
    return s->first + s->capacity;
}

bool slots_contains(const struct slots *s, uint64_t number)
{
    VERIFY(s->first >= 1 && s->capacity >= 1);
    return number >= s->first && number < slots_end(s);
}

struct slot *slots_at(const struct slots *s, uint64_t number)
{
    CHECK(slots_contains(s, number));
    return &s->ring[number % s->capacity];
}

bool slot_has_vote(const struct slot *slot)
{
    VERIFY(slot->ballot.replica <= REPLICA_MAX);
    VERIFY(slot->ballot.replica != 0 || slot->value == NULL);
    return slot->ballot.replica != 0;
}

static void slots_retire(struct slots *s, struct blob *value)
{
    if (value == NULL)
        return;
    CHECK(s->retired_count < s->retired_capacity);
    s->retired[s->retired_count++] = value;
}

void slots_advance(struct slots *s, uint64_t first)
{
    if (first <= s->first)
        return;
    slots_check(s);
    uint64_t end = first < slots_end(s) ? first : slots_end(s);
    for (uint64_t n = s->first; n < end; n++) {
        struct slot *slot = slots_at(s, n);
        CHECK(slot->cookie == 0); /* somebody waits for word of it */
        slots_retire(s, slot->value);
        slots_retire(s, slot->found_value);
        memset(slot, 0, sizeof(*slot));
    }
    s->first = first;
    slots_check(s);
}

void slots_set_vote(struct slots *s, struct slot *slot, struct ballot ballot, struct blob *value)
{
    CHECK(ballot.replica != 0 || value == NULL);
    CHECK(slot >= s->ring && slot < s->ring + s->capacity);
    CHECK(ballot.replica <= REPLICA_MAX);
    CHECK(slot->ballot.replica != 0 || slot->value == NULL); /* the one that goes */
    slots_retire(s, slot->value);
    slot->value = blob_ref(value);
    slot->ballot = ballot;
}

void slots_set_found(struct slots *s, struct slot *slot, struct ballot ballot, struct blob *value)
{
    CHECK(ballot.replica != 0 || value == NULL);
    CHECK(slot >= s->ring && slot < s->ring + s->capacity);
    CHECK(ballot.replica <= REPLICA_MAX);
    CHECK(slot->found_ballot.replica != 0 || slot->found_value == NULL);
    slots_retire(s, slot->found_value);
    slot->found_value = blob_ref(value);
    slot->found_ballot = ballot;
}

void slots_release(struct slots *s)
{
    for (uint32_t i = 0; i < s->retired_count; i++)
        blob_unref(s->retired[i]);
    s->retired_count = 0;
}

bool value_equal(const struct blob *a, const struct blob *b)
{
    return a == b || bytes_equal(blob_bytes(a), blob_bytes(b));
}
