/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rule_floor.c - protected endpoints keep their addresses, whoever asks and whatever for.
 *
 * Policy names record sets and how many records each keeps at least. No command takes one below
 * that number; one that is below already (for it was protected later) may only grow. Deleting the
 * zone, and putting a delegation above the name, take the addresses away as well.
 */
#include "src/machine/judge.h"

#include <inttypes.h>

#include "src/base/check.h"

static void check_count(struct judge *j, const struct change_context *c, const struct change *item)
{
    uint32_t floor;
    if (MUTANT(NO_FLOOR) || item->count_after >= item->count_before ||
        !judge_found(j, policy_floor(j->kv, c->zone, item->owner, item->type, &floor)) ||
        item->count_after >= floor)
        return;
    char words[WORDS_SIZE];
    judge_refuse(
        j, RSM_RULE_ENDPOINT_EMPTY,
        "%s is protected: it would have %" PRIu32 " of %" PRIu32 " records, its floor is %" PRIu32,
        words_rrset(item->owner, item->type, words), item->count_after, item->count_before, floor);
}

static uint32_t live_count(struct judge *j, uint64_t zone_id, const struct policy_protected *p)
{
    struct rrset_record record;
    bool is_there = judge_found(j, rrset_load(j->kv, zone_id, p->owner, p->type, &record));
    return is_there && !record.deleted ? record.rdata_count : 0;
}

/* A delegation at or above a protected name hides it. */
static void check_delegation(struct judge *j, const struct change_context *c,
                             const struct change *item)
{
    struct key place = {.size = 0};
    struct policy_protected p;
    while (judge_found(j, policy_next_protected(j->kv, c->zone, &place, &p))) {
        if (!name_is_at_or_below(p.owner, item->owner) || live_count(j, c->row->id, &p) == 0)
            continue;
        char words[WORDS_SIZE], above[WORDS_SIZE];
        judge_refuse(j, RSM_RULE_ENDPOINT_EMPTY, "%s is protected and would be hidden by %s",
                     words_rrset(p.owner, p.type, words),
                     words_rrset(item->owner, item->type, above));
    }
}

void rule_floor(struct judge *j, const struct change_context *c)
{
    const struct changes *all = &j->m->changes;
    for (size_t i = 0; i < all->count && j->fault == RSM_OK; i++) {
        const struct change *item = &all->items[i];
        if (!item->is_written)
            continue;
        check_count(j, c, item);
        if (!MUTANT(NO_FLOOR) && item->type == RR_TYPE_NS && item->count_before == 0 &&
            !bytes_equal(item->owner, c->zone))
            check_delegation(j, c, item);
    }
}

void rule_floor_zone(struct judge *j, struct bytes zone, uint64_t zone_id)
{
    struct key place = {.size = 0};
    struct policy_protected p;
    while (!MUTANT(NO_FLOOR) && judge_found(j, policy_next_protected(j->kv, zone, &place, &p))) {
        uint32_t count = live_count(j, zone_id, &p);
        char words[WORDS_SIZE];
        if (count > 0)
            judge_refuse(j, RSM_RULE_ENDPOINT_EMPTY,
                         "%s is protected: its %" PRIu32 " records would go with the zone",
                         words_rrset(p.owner, p.type, words), count);
    }
}
