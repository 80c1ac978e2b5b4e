/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rule_catalog.c - a catalog is not emptied, and nobody writes into it by hand.
 *
 * What leaves the catalog is deleted by every secondary, with all its data. So the catalog keeps a
 * least number of zones (policy catalog_least), and within a window of log time only so many leave
 * it (catalog_leave_max, catalog_window_ms), whoever deletes them.
 */
#include "src/machine/catalog.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/check.h"
#include "src/machine/policy_limit.h"

void rule_catalog_changes(struct judge *j, const struct change_context *c)
{
    struct changes *all = &j->m->changes;
    char words[WORDS_SIZE], zone[WORDS_SIZE];
    for (size_t i = 0; c->row->is_catalog && i < all->count; i++) {
        struct change *item = &all->items[i];
        bool is_apex = bytes_equal(item->owner, c->zone);
        if ((is_apex && (item->type == RR_TYPE_SOA || item->type == RR_TYPE_NS)) ||
            MUTANT(CATALOG_BY_HAND))
            continue;
        judge_refuse(j, RSM_RULE_CATALOG,
                     "%s: %s is the catalog, which has what zones there are; make, delete, or set "
                     "the zone itself",
                     words_rrset(item->owner, item->type, words),
                     words_object(OBJECT_ZONE, c->zone, zone));
        item->is_bad = true;
    }
}

/* As a limit without a name, which no limit of the policy is. */
static void key_velocity(struct key *key, struct bytes catalog)
{
    key->size = 2;
    key->data[0] = key->data[1] = 0;
    CHECK(catalog.size <= sizeof key->data - key->size);
    memcpy(key->data + key->size, catalog.data, catalog.size);
    key->size += catalog.size;
}

void rule_catalog_leave(struct judge *j, struct bytes catalog, const struct zone_record *row,
                        struct bytes zone)
{
    struct velocity v = {.period = 0};
    struct key key;
    struct bytes value;
    char words[WORDS_SIZE], name[WORDS_SIZE];
    uint64_t members = row->rrset_count - CATALOG_OWN_SETS;
    (void)words_object(OBJECT_ZONE, catalog, words);
    (void)words_name(zone, name);
    if (members <= j->policy.catalog_least && !MUTANT(EMPTY_CATALOG))
        judge_refuse(j, RSM_RULE_CATALOG,
                     "%s has %" PRIu64 " zones and keeps %" PRIu64
                     "; without %s every secondary would delete more (policy catalog_least)",
                     words, members, j->policy.catalog_least, name);
    key_velocity(&key, catalog);
    if (judge_found(j, kv_get(j->kv, TABLE_VELOCITY, key_bytes(&key), &value)))
        (void)judge_found(j, velocity_decode(value, &v));
    uint64_t before = velocity_sum(&v, j->policy.catalog_window_ms, j->now_ms);
    if (j->policy.catalog_leave_max > 0 && before >= j->policy.catalog_leave_max &&
        !MUTANT(CATALOG_LEFT_FAST))
        judge_refuse(j, RSM_RULE_CATALOG,
                     "%s: %" PRIu64 " zones have left it within %" PRIu64 " ms, at most %" PRIu64
                     " may; let %s wait (policy catalog_leave_max)",
                     words, before, j->policy.catalog_window_ms, j->policy.catalog_leave_max, name);
    v.counts[0]++;
    writer_reset(&j->m->value);
    velocity_encode(&j->m->value, &v);
    judge_put_writer(j, TABLE_VELOCITY, key_bytes(&key), &j->m->value);
}
