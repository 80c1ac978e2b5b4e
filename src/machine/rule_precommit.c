/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rule_precommit.c - the effect is read back from the overlay before it joins the state.
 *
 * Leader and acceptors judged against a speculation; here, at apply, everything was computed again
 * from the exact state, and what would be written is held against what the author signed. A
 * difference is a mistake of this program, not of the author: better a refused change than one that
 * nobody asked for. Both the row and its version in the history are looked at.
 */
#include "src/machine/judge.h"

#include <string.h>

/* Octets of all the data of a change. */
static size_t data_size(const struct change *change)
{
    size_t size = 0;
    struct body_walk walk = change->rdatas;
    struct bytes rdata;
    while (body_next_octets(&walk, &rdata))
        size += 2 + rdata.size;
    return size;
}

const char *precommit_difference(const struct change *change, const struct rrset_record *record,
                                 const struct version *version)
{
    if (record->deleted != (change->rdata_count == 0))
        return record->deleted ? "deleted" : "not deleted";
    if (record->rdata_count != change->rdata_count)
        return "another number of records";
    if (!record->deleted && record->ttl != change->ttl)
        return "another TTL";
    if (!record->deleted && record->rdatas.size != data_size(change))
        return "other data";
    if (record->version.counter != version->counter || record->version.slot != version->slot ||
        !bytes_equal(record->version.author, version->author))
        return "another author";
    return NULL;
}

/* `good` is a value that there is nothing against, of this change; the value itself when it is. */
static const char *look(struct judge *j, enum table table, struct bytes key,
                        const struct change *change, const struct version *version,
                        struct bytes *good)
{
    struct rrset_record record;
    struct bytes value;
    if (!judge_found(j, kv_get(j->kv, (uint8_t)table, key, &value)))
        return "no row";
    if (good->size > 0 && bytes_equal(value, *good))
        return NULL;
    if (!judge_found(j, rrset_decode(value, &record)))
        return "no record";
    const char *why = precommit_difference(change, &record, version);
    if (why == NULL)
        *good = value;
    return why;
}

void rule_precommit(struct judge *j)
{
    const struct changes *all = &j->m->changes;
    struct version version = judge_version(j);
    char words[WORDS_SIZE];
    for (size_t i = 0; i < all->count && j->fault == RSM_OK; i++) {
        const struct change *item = &all->items[i];
        if (!item->is_written)
            continue;
        struct bytes key = change_key(j, item);
        struct key row = {.size = key.size};
        memcpy(row.data, key.data, key.size);
        struct bytes good = {NULL, 0};
        const char *why = look(j, TABLE_RRSET, key_bytes(&row), item, &version, &good);
        key_add_version(&row, j->slot, j->index);
        if (why == NULL)
            why = look(j, TABLE_RRSET_VERSION, key_bytes(&row), item, &version, &good);
        if (why != NULL)
            judge_refuse(j, RSM_RULE_EFFECT_MISMATCH, "%s: what would be written has %s",
                         words_rrset(item->owner, item->type, words), why);
    }
    stage_ran(&j->m->stages, RSM_STAGE_PRECOMMIT);
    stage_note(&j->m->stages, RSM_STAGE_PRECOMMIT, STAGE_FIGURE_WRITES, kv_overlay_count(j->kv));
}
