/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rule_absent.c - absence is not deletion: what automata delete was missed for long enough before.
 *
 * A source that answers with an empty list, a time-out taken for one, a page left out: for one run
 * of a controller everything is gone. Policy `absent_times` (0, unless said: nobody asks) and
 * `absent_ms`: an automaton deletes a record set only when it was reported absent so many times,
 * the first of them so long ago. A report is a command, rrset.observe, which names what its author
 * did not find, and what it found again: that ends the count, and so does any write of the set.
 *
 *     TABLE_ABSENT   record set -> version slot u64 | times u32 | first ms u64 | last slot u64 |
 *                    last index u32
 *
 * The row is about the version of the set that was written in that slot, and of no other.
 */
#include "src/machine/absent.h"

#include <inttypes.h>

#include "src/base/check.h"
#include "src/machine/judge.h"

void absent_encode(struct writer *out, const struct absent_record *a)
{
    writer_u64(out, a->version_slot);
    writer_u32(out, a->times);
    writer_u64(out, a->first_ms);
    writer_u64(out, a->last_slot);
    writer_u32(out, a->last_index);
}

enum rsm_status absent_decode(struct bytes value, struct absent_record *out)
{
    struct reader r = reader_make(value);
    out->version_slot = reader_u64(&r);
    out->times = reader_u32(&r);
    out->first_ms = reader_u64(&r);
    out->last_slot = reader_u64(&r);
    out->last_index = reader_u32(&r);
    return reader_done(&r) ? RSM_OK : RSM_DAMAGED;
}

/* What was reported of this version of the set; zeros: nothing. */
static struct absent_record load(struct judge *j, struct bytes rrset_key, uint64_t version_slot)
{
    struct absent_record a = {.times = 0};
    struct bytes value;
    if (!judge_found(j, kv_get(j->kv, TABLE_ABSENT, rrset_key, &value)) ||
        !judge_found(j, absent_decode(value, &a)) || a.version_slot != version_slot)
        return (struct absent_record){.version_slot = version_slot};
    return a;
}

void rule_absent(struct judge *j, struct bytes rrset_key, const struct rrset_record *old,
                 struct bytes owner, uint16_t type)
{
    if (j->policy.absent_times == 0 || !j->m->actor.is_automaton || MUTANT(NO_ABSENT))
        return;
    struct absent_record a = load(j, rrset_key, old->version.slot);
    uint64_t since_ms = a.times > 0 ? j->now_ms - a.first_ms : 0;
    char words[WORDS_SIZE];
    if (a.times >= j->policy.absent_times && since_ms >= j->policy.absent_ms)
        return;
    judge_refuse(j, RSM_RULE_ABSENT,
                 "%s: reported absent %" PRIu32 " times since %" PRIu64
                 " ms, automata delete after %" PRIu64 " times and %" PRIu64
                 " ms; look again, report it (rrset.observe), or a person deletes it",
                 words_rrset(owner, type, words), a.times, since_ms, j->policy.absent_times,
                 j->policy.absent_ms);
}

void rule_absent_zone(struct judge *j, struct bytes zone)
{
    char words[WORDS_SIZE];
    if (j->policy.absent_times > 0 && j->m->actor.is_automaton && !MUTANT(NO_ABSENT))
        judge_refuse(j, RSM_RULE_ABSENT,
                     "%s: automata delete no whole zone while the policy absent_times is set",
                     words_object(OBJECT_ZONE, zone, words));
}

static void observe(struct judge *j, const struct zone_record *row, const struct body_rrset_id *id,
                    bool is_present)
{
    char words[WORDS_SIZE];
    struct key key;
    struct bytes value;
    struct rrset_record old = {.deleted = true};
    (void)words_rrset(id->owner, id->type, words);
    if (!key_rrset(&key, row->id, id->owner, id->type) ||
        !judge_found(j, kv_get(j->kv, TABLE_RRSET, key_bytes(&key), &value)) ||
        !judge_found(j, rrset_decode(value, &old)) || old.deleted) {
        judge_refuse(j, RSM_RULE_RRSET_UNKNOWN, "%s is not there", words);
        return;
    }
    if (is_present) {
        judge_del(j, TABLE_ABSENT, key_bytes(&key));
        return;
    }
    struct absent_record a = load(j, key_bytes(&key), old.version.slot);
    if (a.times > 0 && a.last_slot == j->slot && a.last_index == j->index) {
        judge_refuse(j, RSM_RULE_DUPLICATE_CHANGE, "%s is named twice", words);
        return;
    }
    a.first_ms = a.times > 0 ? a.first_ms : j->now_ms;
    a.times = a.times < UINT32_MAX ? a.times + 1 : a.times;
    a.last_slot = j->slot;
    a.last_index = j->index;
    writer_reset(&j->m->value);
    absent_encode(&j->m->value, &a);
    judge_put_writer(j, TABLE_ABSENT, key_bytes(&key), &j->m->value);
}

void kind_rrset_observe(struct judge *j)
{
    struct body_observe body;
    enum rsm_status status = body_observe_decode(j->command->body, &body);
    CHECK(status == RSM_OK);
    char words[WORDS_SIZE];
    struct zone_record row;
    struct body_rrset_id id;
    rule_freeze(j, body.zone);
    if (body.absent.left + body.present.left == 0)
        judge_refuse(j, RSM_RULE_NO_CHANGE, "no record set is named");
    bool is_there = zone_copy(j, body.zone, &row);
    if (!is_there) {
        rule_rights_zone(j, body.zone);
        judge_refuse(j, RSM_RULE_ZONE_UNKNOWN, "there is no %s",
                     words_object(OBJECT_ZONE, body.zone, words));
        return;
    }
    for (int present = 0; present < 2; present++) {
        struct body_walk walk = present != 0 ? body.present : body.absent;
        while (body_next_rrset_id(&walk, &id) && j->fault == RSM_OK) {
            rule_rights_rrset(j, body.zone, id.owner, id.type);
            observe(j, &row, &id, present != 0);
        }
    }
}
