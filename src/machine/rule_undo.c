/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rule_undo.c - a change that takes another one's effect back, and names it (change.request).
 *
 * It is a change as any other, and passes all other rules. Beyond them, what it leaves must be what
 * was there before the change that it names: each record set that this one wrote, content and TTL.
 * Then the other one is *rolled-back*, for good:
 *
 *     TABLE_UNDONE   digest of the change -> slot u64 | index u32 | digest 32 of who took it back
 *
 * Whoever wrote one of these record sets after it is not written over: causal rules see to that.
 *
 * A restore names a slot that was: who watches the log is told, and may read it again.
 */
#include "src/machine/judge.h"

#include <string.h>

#include "src/base/check.h"
#include "src/machine/staged.h"
#include "src/machine/undone.h"

void undone_encode(struct writer *out, const struct undone_record *u)
{
    writer_u64(out, u->slot);
    writer_u32(out, u->index);
    writer_bytes(out, bytes_make(u->by, HASH_SIZE));
}

enum rsm_status undone_load(struct kv *kv, const uint8_t digest[HASH_SIZE],
                            struct undone_record *out)
{
    struct bytes value;
    enum rsm_status status = kv_get(kv, TABLE_UNDONE, bytes_make(digest, HASH_SIZE), &value);
    if (status != RSM_OK)
        return status;
    struct reader r = reader_make(value);
    out->slot = reader_u64(&r);
    out->index = reader_u32(&r);
    struct bytes by = reader_bytes(&r, HASH_SIZE);
    if (!reader_done(&r))
        return RSM_DAMAGED;
    memcpy(out->by, by.data, HASH_SIZE);
    return RSM_OK;
}

enum change_state change_state_of(struct kv *kv, const uint8_t digest[HASH_SIZE],
                                  enum change_state before)
{
    struct undone_record undone;
    if (before != CHANGE_LIVE || undone_load(kv, digest, &undone) != RSM_OK)
        return before;
    CHECK(change_state_may_follow(before, CHANGE_ROLLED_BACK));
    return CHANGE_ROLLED_BACK;
}

/* ---- where its effect is ---- */

struct place {
    uint64_t slot;
    uint32_t index;
    enum change_state state;
};

/* False: no such change was ever applied. Keeps the author in j->undone_author. */
static bool find(struct judge *j, struct place *out)
{
    struct digest_record record;
    struct staged_record row;
    struct verdict_walk walk;
    struct verdict verdict;
    if (!judge_found(j, digest_load(j->kv, j->undoes, &record)))
        return false;
    walk = (struct verdict_walk){.reader = reader_make(record.verdict), .left = 1};
    if (!verdict_next(&walk, &verdict) || verdict.author.size > sizeof j->undone_author) {
        j->fault = RSM_DAMAGED;
        return false;
    }
    *out = (struct place){record.slot, record.index,
                          verdict.kind == VERDICT_REFUSED ? CHANGE_REFUSED : CHANGE_LIVE};
    j->undone_author_size = verdict.author.size;
    memcpy(j->undone_author, verdict.author.data, verdict.author.size);
    if (verdict.kind == VERDICT_STAGED && judge_found(j, staged_load(j->kv, j->undoes, &row)))
        *out = (struct place){row.settled_slot, (uint32_t)row.settled_index, row.state};
    out->state = change_state_of(j->kv, j->undoes, out->state);
    return j->fault == RSM_OK;
}

/* ---- what is there, and what was ---- */

/* A record set's content; not there: nothing. */
struct content {
    bool is_there;
    uint32_t ttl;
    struct writer *rdatas;
};

static void take(struct judge *j, struct bytes value, struct content *out)
{
    struct rrset_record record;
    if (!judge_found(j, rrset_decode(value, &record)))
        return;
    out->is_there = !record.deleted;
    out->ttl = record.deleted ? 0 : record.ttl;
    if (!record.deleted)
        writer_bytes(out->rdatas, record.rdatas);
}

/* Its last version before (slot, index). */
static void load_before(struct judge *j, struct bytes rrset, const struct place *place,
                        struct content *out)
{
    struct key key = {.size = rrset.size};
    struct bytes found, value;
    memcpy(key.data, rrset.data, rrset.size);
    key_add_version(&key, place->slot, place->index);
    if (judge_found(j,
                    kv_prev(j->kv, TABLE_RRSET_VERSION, key_bytes(&key), true, &found, &value)) &&
        found.size == key.size && key_begins_with(found, rrset))
        take(j, value, out);
}

static bool is_as_before(struct judge *j, struct bytes rrset, const struct place *place)
{
    struct bytes value;
    struct content now = {.rdatas = &j->m->content}, before = {.rdatas = &j->m->copy};
    writer_reset(now.rdatas);
    writer_reset(before.rdatas);
    if (judge_found(j, kv_get(j->kv, TABLE_RRSET, rrset, &value)))
        take(j, value, &now);
    load_before(j, rrset, place, &before);
    return now.is_there == before.is_there && now.ttl == before.ttl &&
           bytes_equal(writer_result(now.rdatas), writer_result(before.rdatas));
}

static void refuse_content(struct judge *j, struct bytes rrset, const struct place *place)
{
    struct rrset_key parsed;
    uint8_t owner[LIMIT_NAME_SIZE];
    char words[WORDS_SIZE];
    if (!key_parse_rrset(rrset, owner, &parsed)) {
        j->fault = RSM_DAMAGED;
        return;
    }
    judge_refuse(j, RSM_RULE_UNDO,
                 "%s would not be what it was before slot %llu, which wrote it; write all that the "
                 "change wrote as it was, or do not name the change",
                 words_rrset(parsed.owner, parsed.type, words), (unsigned long long)place->slot);
}

/* Every record set that the change wrote. */
static void check_content(struct judge *j, const struct place *place)
{
    struct key key, prefix;
    struct bytes found, zone;
    bool is_any = false;
    key_change(&prefix, place->slot, place->index, (struct bytes){NULL, 0});
    key = prefix;
    while (judge_found(j, kv_next(j->kv, TABLE_CHANGE, key_bytes(&key), is_any, &found, &zone)) &&
           key_begins_with(found, key_bytes(&prefix)) && found.size <= sizeof key.data) {
        key.size = found.size;
        memcpy(key.data, found.data, found.size);
        is_any = true;
        struct bytes rrset = bytes_make(key.data + prefix.size, key.size - prefix.size);
        if (!is_as_before(j, rrset, place) && !MUTANT(UNDO_WITHOUT_CONTENT))
            refuse_content(j, rrset, place);
    }
    if (!is_any)
        judge_refuse(j, RSM_RULE_UNDO, "the change of slot %llu wrote no record set",
                     (unsigned long long)place->slot);
}

void rule_undo(struct judge *j)
{
    struct place place = {.slot = 0};
    char hex[2 * 8 + 1];
    if (j->restores >= j->slot && j->fault == RSM_OK)
        judge_refuse(j, RSM_RULE_UNDO, "it restores slot %llu, which is not before its own, %llu",
                     (unsigned long long)j->restores, (unsigned long long)j->slot);
    if (j->undoes == NULL || j->fault != RSM_OK)
        return;
    hex_encode(hex, bytes_make(j->undoes, 8));
    if (!find(j, &place)) {
        judge_refuse(j, RSM_RULE_UNDO, "there is no change with digest %s...", hex);
        return;
    }
    if (place.state != CHANGE_LIVE && !MUTANT(UNDO_TWICE)) {
        judge_refuse(j, RSM_RULE_UNDO, "the change %s... is %s; only a live one is taken back", hex,
                     change_state_text(place.state));
        return;
    }
    check_content(j, &place);
    struct undone_record undone = {.slot = j->slot, .index = j->index};
    memcpy(undone.by, j->digest, HASH_SIZE);
    writer_reset(&j->m->value);
    undone_encode(&j->m->value, &undone);
    judge_put_writer(j, TABLE_UNDONE, bytes_make(j->undoes, HASH_SIZE), &j->m->value);
}
