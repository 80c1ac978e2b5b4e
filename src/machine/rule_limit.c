/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rule_limit.c - how much of a zone is changed at once and in a time, and when (policy_limit.h).
 *
 * What counts are record sets that are written: made, altered, deleted. A zone that is deleted is
 * all of its record sets. Windows are in log time, and only what is applied is counted.
 */
#include "src/machine/judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/machine/policy_limit.h"

struct tally {
    struct bytes zone, labels;
    uint64_t added, altered, deleted;
    uint64_t existing; /* record sets of the zone before */
};

static struct tally count(const struct judge *j, struct bytes zone, const struct zone_record *row)
{
    const struct changes *all = &j->m->changes;
    struct tally t = {.zone = zone, .labels = row->labels, .deleted = all->gone};
    for (size_t i = 0; i < all->count; i++) {
        const struct change *item = &all->items[i];
        t.added += item->is_written && item->count_before == 0;
        t.deleted += item->is_written && item->count_before > 0 && item->count_after == 0;
        t.altered += item->is_written && item->count_before > 0 && item->count_after > 0;
    }
    t.existing = all->gone > 0 ? all->gone : row->rrset_count + t.deleted - t.added;
    return t;
}

bool zone_has_label(struct bytes labels, struct bytes label, struct bytes value)
{
    struct unpack u = unpack_make(labels);
    for (uint32_t left = unpack_map(&u); left > 0; left--) {
        struct bytes name = unpack_str(&u, LIMIT_LABEL_SIZE);
        struct bytes is = unpack_str(&u, LIMIT_LABEL_SIZE);
        if (unpack_ok(&u) && bytes_equal(name, label) && bytes_equal(is, value))
            return true;
    }
    return false;
}

static bool is_for(const struct judge *j, const struct policy_limit *limit, const struct tally *t)
{
    return (limit->zone.size == 0 || bytes_equal(limit->zone, t->zone)) &&
           (limit->label.size == 0 || zone_has_label(t->labels, limit->label, limit->value)) &&
           (limit->who != LIMIT_AUTOMATA || j->m->actor.is_automaton);
}

static uint64_t acts_of(const struct policy_limit *limit, const struct tally *t)
{
    return ((limit->acts & LIMIT_ADD) != 0 ? t->added : 0) +
           ((limit->acts & LIMIT_ALTER) != 0 ? t->altered : 0) +
           ((limit->acts & LIMIT_DELETE) != 0 ? t->deleted : 0);
}

/* "10", "300 in 1000 of them", or both. */
static void bound_words(const struct policy_limit *limit, char *out, size_t size)
{
    if (limit->share == 0)
        (void)snprintf(out, size, "%" PRIu64, limit->count);
    else if (limit->count == 0)
        (void)snprintf(out, size, "%" PRIu64 " in 1000 of them", limit->share);
    else
        (void)snprintf(out, size, "%" PRIu64 ", and %" PRIu64 " in 1000 of them", limit->count,
                       limit->share);
}

static void refuse(struct judge *j, const struct policy_limit *limit, const struct tally *t,
                   uint64_t now, uint64_t before)
{
    char words[WORDS_SIZE], bound[96], past[96] = "";
    const char *by = limit->who == LIMIT_CHANGE   ? "one change"
                     : limit->who == LIMIT_AUTHOR ? "one author"
                                                  : "all automata";
    bound_words(limit, bound, sizeof bound);
    if (limit->who != LIMIT_CHANGE)
        (void)snprintf(past, sizeof past, ", after %" PRIu64 " within %" PRIu64 " ms", before,
                       limit->window_ms);
    judge_refuse(j, RSM_RULE_LIMIT,
                 "limit %.*s%s: %" PRIu64 " of the %" PRIu64 " record sets of %s (adds %" PRIu64
                 ", alters %" PRIu64 ", deletes %" PRIu64
                 ")%s; by %s at most %s; make it smaller%s",
                 TEXT_ARGUMENTS(limit->name),
                 j->is_watched ? " (tightened, the author comes back from a freeze)" : "", now,
                 t->existing, words_object(OBJECT_ZONE, t->zone, words), t->added, t->altered,
                 t->deleted, past, by, bound, limit->who == LIMIT_CHANGE ? "" : ", or wait");
}

static void key_velocity(struct key *k, const struct policy_limit *limit, struct bytes author,
                         struct bytes zone)
{
    key_event(k, limit->name, 0);
    k->size -= 8;
    CHECK(k->size + 1 + author.size + zone.size <= LIMIT_KEY_SIZE + 12);
    k->data[k->size++] = (uint8_t)author.size;
    if (author.size > 0)
        memcpy(k->data + k->size, author.data, author.size);
    memcpy(k->data + k->size + author.size, zone.data, zone.size);
    k->size += author.size + zone.size;
}

/* Automata that come back from a freeze get a part of the limit; at least 1, for 0 is no limit. */
static uint64_t tightened(const struct judge *j, uint64_t bound)
{
    uint64_t part = bound * j->policy.resume_limit_percent / 100;
    if (!j->is_watched || bound == 0 || MUTANT(RESUME_FULL_LIMITS))
        return bound;
    return part > 0 ? part : 1;
}

static void check_limit(struct judge *j, const struct policy_limit *whole, const struct tally *t)
{
    struct policy_limit part = *whole, *limit = &part;
    part.count = tightened(j, whole->count);
    part.share = tightened(j, whole->share);
    uint64_t now = acts_of(limit, t), before = 0;
    struct velocity v = {.period = 0};
    struct key key;
    struct bytes value;
    if (now == 0 || !is_for(j, limit, t))
        return;
    if (limit->who != LIMIT_CHANGE) {
        bool is_own = limit->who == LIMIT_AUTHOR;
        key_velocity(&key, limit, is_own ? j->command->author : (struct bytes){NULL, 0}, t->zone);
        if (judge_found(j, kv_get(j->kv, TABLE_VELOCITY, key_bytes(&key), &value)))
            (void)judge_found(j, velocity_decode(value, &v));
        before = velocity_sum(&v, limit->window_ms, j->now_ms);
    }
    uint64_t sum = now + before;
    bool is_over = (limit->count > 0 && sum > limit->count) ||
                   (limit->share > 0 && t->existing >= limit->existing &&
                    sum * 1000 > limit->share * t->existing);
    if (is_over && !MUTANT(NO_LIMIT))
        refuse(j, limit, t, now, before);
    if (limit->who == LIMIT_CHANGE)
        return;
    v.counts[0] += now;
    writer_reset(&j->m->value);
    velocity_encode(&j->m->value, &v);
    judge_put_writer(j, TABLE_VELOCITY, key_bytes(&key), &j->m->value);
}

/* The list outlives the writes. Each walk begins at its first item. */
static struct unpack load_list(struct judge *j, enum policy_list which, uint32_t *left_out)
{
    struct bytes raw;
    *left_out = 0;
    if (!judge_found(j, memo_list(j->m->memo, j->kv, which, &raw)))
        return unpack_make((struct bytes){NULL, 0});
    struct unpack list = unpack_make(raw);
    *left_out = unpack_array(&list);
    return list;
}

static void check_times(struct judge *j, struct bytes zone, struct bytes labels)
{
    uint32_t left;
    uint64_t next_ms = UINT64_MAX;
    bool is_in = false, is_any = false;
    struct unpack list = load_list(j, POLICY_LIST_TIMES, &left);
    for (; left > 0 && !is_in; left--) {
        struct policy_time time;
        uint64_t at_ms = 0;
        if (!policy_time_take(&list, &time)) {
            j->fault = RSM_DAMAGED;
            return;
        }
        if ((time.zone.size > 0 && !bytes_equal(time.zone, zone)) ||
            (time.label.size > 0 && !zone_has_label(labels, time.label, time.value)) ||
            (time.is_for_automata && !j->m->actor.is_automaton))
            continue;
        is_any = true;
        is_in = policy_time_is_in(&time, j->now_ms, &at_ms);
        next_ms = at_ms < next_ms ? at_ms : next_ms;
    }
    char words[WORDS_SIZE];
    if (is_any && !is_in && !MUTANT(NO_TIMES))
        judge_refuse(j, RSM_RULE_TIME_WINDOW,
                     "%s is not changed at log time %" PRIu64 " by %.*s; the next time that the "
                     "policy allows begins at log time %" PRIu64 ", in %" PRIu64 " ms",
                     words_object(OBJECT_ZONE, zone, words), j->now_ms,
                     TEXT_ARGUMENTS(j->command->author), next_ms, next_ms - j->now_ms);
}

void rule_limit(struct judge *j, struct bytes zone, const struct zone_record *row)
{
    uint32_t left;
    struct tally t = count(j, zone, row);
    if (t.added + t.altered + t.deleted == 0)
        return;
    check_times(j, zone, row->labels);
    struct unpack list = load_list(j, POLICY_LIST_LIMITS, &left);
    for (; left > 0 && j->fault == RSM_OK; left--) {
        struct policy_limit limit;
        if (policy_limit_take(&list, &limit))
            check_limit(j, &limit, &t);
        else
            j->fault = RSM_DAMAGED;
    }
}
