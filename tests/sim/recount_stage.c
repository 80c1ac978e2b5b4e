/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recount_stage.c - see recount_stage.h. */
#include "tests/sim/recount_stage.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "tests/sim/sim_node.h"

#define ZONES 3u
#define STATES 4u

static const char *const states[STATES] = {"live", "expired", "refused", "superseded"};

struct voters_from {
    uint64_t slot;
    uint32_t voters;
};

struct stage_book {
    struct sim *sim;
    struct stage_change *changes; /* owned */
    size_t count;
    struct voters_from *voters; /* owned; by slot */
    size_t voters_count;
    uint32_t zones_least;
    uint64_t deadline_ms, token_ms;
    uint64_t waiting;
    uint64_t ended[STATES];
};

struct stage_book *stage_book_new(struct sim *sim)
{
    struct stage_book *b = mem_alloc(sizeof(*b));
    b->sim = sim;
    return b;
}

void stage_book_free(struct stage_book *b)
{
    for (size_t i = 0; i < b->count; i++) {
        mem_free((void *)(uintptr_t)b->changes[i].author.data);
        mem_free((void *)(uintptr_t)b->changes[i].command.data);
    }
    mem_free(b->changes);
    mem_free(b->voters);
    mem_free(b);
}

void stage_set_voters(struct stage_book *b, uint64_t slot_first, uint32_t voters)
{
    b->voters = mem_realloc(b->voters, (b->voters_count + 1) * sizeof(*b->voters));
    b->voters[b->voters_count++] = (struct voters_from){slot_first, voters};
}

void stage_set_zones_least(struct stage_book *b, uint32_t zones_least)
{
    b->zones_least = zones_least;
}

void stage_set_deadline(struct stage_book *b, uint64_t ms)
{
    b->deadline_ms = ms;
}

static uint32_t voters_at(const struct stage_book *b, uint64_t slot)
{
    uint32_t voters = 0;
    for (size_t i = 0; i < b->voters_count; i++)
        if (b->voters[i].slot <= slot)
            voters = b->voters[i].voters;
    return voters;
}

static struct stage_change *find(struct stage_book *b, const uint8_t *digest)
{
    for (size_t i = b->count; i > 0; i--)
        if (memcmp(b->changes[i - 1].digest, digest, HASH_SIZE) == 0)
            return &b->changes[i - 1];
    return NULL;
}

static struct bytes copy(struct bytes from)
{
    uint8_t *data = mem_alloc(from.size + 1);
    memcpy(data, from.data, from.size);
    return bytes_make(data, from.size);
}

void stage_on_staged(struct stage_book *b, const struct stage_change *change)
{
    if (find(b, change->digest) != NULL)
        sim_fail(b->sim, "I28: slot %" PRIu64 ": a change is staged twice", change->slot);
    b->changes = mem_realloc(b->changes, (b->count + 1) * sizeof(*b->changes));
    struct stage_change *c = &b->changes[b->count++];
    *c = *change;
    c->author = copy(change->author);
    c->command = copy(change->command);
    c->voters = voters_at(b, change->slot);
    c->zones_least = b->zones_least;
    b->waiting += c->is_root ? 0 : 1;
}

void stage_set_token(struct stage_book *b, uint64_t ms)
{
    b->token_ms = ms;
}

void stage_on_approved(struct stage_book *b, const uint8_t *digest, uint64_t slot, uint64_t now_ms)
{
    struct stage_change *c = find(b, digest);
    bool is_asked = c != NULL && (c->is_root ? !c->is_approved : c->is_emergency && !c->is_applied);
    if (!is_asked || c->is_over || now_ms >= c->deadline_ms) {
        sim_fail(b->sim, "I30: slot %" PRIu64 ": what is approved waits for nobody", slot);
        return;
    }
    c->is_approved = true;
    c->deadline_ms = now_ms + (c->is_root ? b->deadline_ms : b->token_ms);
}

void stage_on_applied(struct stage_book *b, const uint8_t *digest, uint64_t slot, uint64_t now_ms)
{
    struct stage_change *c = find(b, digest);
    if (c == NULL || !c->is_emergency || c->is_applied || c->is_over || now_ms >= c->deadline_ms) {
        sim_fail(b->sim, "I30: slot %" PRIu64 ": what is applied is no emergency that waits", slot);
        return;
    }
    c->is_applied = true;
    c->deadline_ms = now_ms + b->deadline_ms;
}

void stage_on_vote(struct stage_book *b, const uint8_t *digest, uint32_t replica, bool yes,
                   bool is_late, uint64_t slot, uint64_t now_ms)
{
    struct stage_change *c = find(b, digest);
    if (c == NULL || replica > REPLICA_MAX || (c->voters & (1u << replica)) == 0) {
        sim_fail(b->sim, "I29: slot %" PRIu64 ": replica %u has no vote there", slot, replica);
        return;
    }
    if (c->is_emergency && !c->is_applied && !c->is_over)
        sim_fail(b->sim, "I30: slot %" PRIu64 ": replica %u votes before it is approved", slot,
                 replica);
    if ((c->voted & (1u << replica)) != 0)
        sim_fail(b->sim, "I29: slot %" PRIu64 ": replica %u votes twice", slot, replica);
    if (is_late != (c->is_over || now_ms >= c->deadline_ms))
        sim_fail(b->sim, "I29: slot %" PRIu64 ": a vote of replica %u is %s late", slot, replica,
                 is_late ? "called" : "not called");
    c->voted |= 1u << replica;
    if (is_late)
        return;
    c->yes |= yes ? 1u << replica : 0;
    c->no |= yes ? 0 : 1u << replica;
}

static uint32_t zones_of(uint32_t replicas)
{
    uint32_t zones = 0;
    for (uint32_t id = 1; id <= REPLICA_MAX; id++)
        zones |= (replicas & (1u << id)) != 0 ? 1u << (id - 1) % ZONES : 0;
    return zones;
}

static unsigned count_of(uint32_t set)
{
    unsigned count = 0;
    for (; set != 0; set &= set - 1)
        count++;
    return count;
}

static bool has_all(const struct stage_change *c)
{
    return (zones_of(c->voters) & ~zones_of(c->yes)) == 0;
}

static bool may_take_effect(const struct stage_change *c, uint64_t now_ms)
{
    bool is_due = now_ms >= c->deadline_ms;
    if (c->no != 0 || (c->is_emergency && !c->is_applied))
        return false;
    if (c->is_root)
        return c->is_approved && !is_due;
    if (!is_due)
        return has_all(c);
    return c->zones_least > 0 && count_of(zones_of(c->yes)) >= c->zones_least;
}

static bool is_state(struct bytes state, const char *text)
{
    return bytes_equal(state, bytes_of_string(text));
}

const struct stage_change *stage_on_settled(struct stage_book *b, const uint8_t *digest,
                                            struct bytes state, uint64_t slot, uint64_t now_ms)
{
    struct stage_change *c = find(b, digest);
    if (c == NULL || c->is_over) {
        sim_fail(b->sim, "I28: slot %" PRIu64 ": a change ends that does not wait", slot);
        return NULL;
    }
    c->is_over = true;
    b->waiting -= c->is_root ? 0 : 1;
    for (size_t i = 0; i < STATES; i++)
        b->ended[i] += is_state(state, states[i]) ? 1 : 0;
    bool may = may_take_effect(c, now_ms);
    bool is_right = is_state(state, "live") || is_state(state, "superseded") ? may
                    : is_state(state, "expired")
                        ? c->no == 0 && !may && now_ms >= c->deadline_ms
                        : is_state(state, "refused") && (c->no != 0 || may);
    if (!is_right)
        sim_fail(b->sim,
                 "I28: slot %" PRIu64 ": a change is %.*s with voters %x, yes %x, no %x, %s its "
                 "deadline",
                 slot, (int)state.size, (const char *)state.data, c->voters, c->yes, c->no,
                 now_ms >= c->deadline_ms ? "behind" : "before");
    return c;
}

void stage_end_slot(struct stage_book *b, uint64_t slot, uint64_t now_ms)
{
    for (size_t i = b->count; i > 0; i--) {
        const struct stage_change *c = &b->changes[i - 1];
        if (!c->is_over && (c->no != 0 || now_ms >= c->deadline_ms || may_take_effect(c, now_ms)))
            sim_fail(b->sim, "I28: slot %" PRIu64 ": the change of slot %" PRIu64 " waits on", slot,
                     c->slot);
    }
}

uint64_t stage_waiting(const struct stage_book *b)
{
    return b->waiting;
}

uint64_t stage_ended(const struct stage_book *b, const char *state)
{
    for (size_t i = 0; i < STATES; i++)
        if (strcmp(states[i], state) == 0)
            return b->ended[i];
    return 0;
}
