/* SPDX-License-Identifier: GPL-3.0-or-later */
/* change.c - in which state a change is, and the changes that wait. */
#include <string.h>

#include "src/base/limits.h"
#include "src/command/body.h"
#include "src/command/body_change.h"
#include "src/machine/logtable.h"
#include "src/machine/settle.h"
#include "src/machine/undone.h"
#include "src/read/read.h"
#include "src/read/render.h"

static void pack_votes(struct kv *kv, struct writer *out, const uint8_t *digest,
                       const struct member_config *config)
{
    uint32_t voters = 0;
    for (uint32_t i = 0; i < config->count; i++)
        voters += config->members[i].voter ? 1 : 0;
    pack_array(out, voters);
    for (uint32_t i = 0; i < config->count; i++) {
        const struct member *m = &config->members[i];
        struct vote_record vote = {.reason = {NULL, 0}};
        if (!m->voter)
            continue;
        bool is_there = vote_load(kv, digest, m->id, &vote) == RSM_OK;
        pack_map(out, 6);
        pack_number(out, "replica", m->id);
        pack_key(out, "zone");
        pack_text(out, m->zone);
        pack_key(out, "vote");
        pack_text(out, !is_there ? "silent" : vote.yes ? "yes" : "no");
        pack_key(out, "late");
        pack_bool(out, is_there && vote.late);
        pack_number(out, "slot", vote.slot);
        pack_key(out, "reason");
        pack_str(out, vote.reason);
    }
}

static void pack_approvals(struct kv *kv, struct writer *out, const uint8_t *digest)
{
    struct writer items;
    struct key place = {.size = 0};
    struct bytes person;
    struct approval_record a;
    uint32_t count = 0;
    writer_init(&items, LIMIT_ANSWER_SIZE);
    while (approval_next(kv, digest, &place, &person, &a) == RSM_OK) {
        pack_map(&items, 6);
        pack_key(&items, "factor");
        pack_str(&items, a.factor);
        pack_key(&items, "person");
        pack_str(&items, person);
        pack_key(&items, "principal");
        pack_str(&items, a.principal);
        pack_key(&items, "reason");
        pack_str(&items, a.reason);
        pack_number(&items, "slot", a.slot);
        pack_number(&items, "time_ms", a.ms);
        count++;
    }
    pack_array(out, count);
    writer_bytes(out, writer_result(&items));
    writer_deinit(&items);
}

static void pack_reasons(struct writer *out, struct bytes reasons)
{
    struct reader r = reader_make(reasons);
    uint32_t rule, count = 0;
    struct bytes evidence;
    while (verdict_reason_next(&r, &rule, &evidence))
        count++;
    pack_array(out, count);
    r = reader_make(reasons);
    while (verdict_reason_next(&r, &rule, &evidence)) {
        pack_map(out, 3);
        pack_key(out, "rule");
        pack_text(out, rsm_rule_id(rule));
        pack_key(out, "evidence");
        pack_str(out, evidence);
        pack_key(out, "next");
        pack_text(out, rsm_rule_next(rule));
    }
}

static void pack_overrides(struct writer *out, struct bytes overrides)
{
    pack_array(out, (uint32_t)(overrides.size / 4));
    for (size_t i = 0; i + 4 <= overrides.size; i += 4)
        pack_text(out, rsm_rule_id(get_u32(overrides.data + i)));
}

/* "undone_by": the digest of the change that took it back; empty: none. */
static void pack_undone(struct kv *kv, struct writer *out, const uint8_t *digest)
{
    struct undone_record undone;
    bool is_there = undone_load(kv, digest, &undone) == RSM_OK;
    pack_key(out, "undone_by");
    pack_bin(out, bytes_make(undone.by, is_there ? HASH_SIZE : 0));
    pack_number(out, "undone_slot", is_there ? undone.slot : 0);
}

/* The row's own fields; its bytes are gone with the next read of the state. */
static void pack_row(struct writer *out, const uint8_t *digest, const struct staged_record *row,
                     enum change_state state)
{
    pack_key(out, "digest");
    pack_hash(out, digest);
    pack_key(out, "state");
    pack_text(out, change_state_text(state));
    pack_key(out, "class");
    pack_text(out, body_class_text(row->class));
    pack_key(out, "author");
    pack_str(out, row->author);
    pack_number(out, "counter", row->counter);
    pack_key(out, "kind");
    pack_text(out, rsm_kind_text(row->kind));
    pack_number(out, "slot", row->slot);
    pack_number(out, "deadline_ms", row->deadline_ms);
    pack_number(out, "approved_ms", row->approved_ms);
    pack_number(out, "voting_ms", row->voting_ms);
    pack_number(out, "index", row->index);
    pack_key(out, "person");
    pack_str(out, row->person);
    pack_number(out, "settled_slot", row->settled_slot);
    pack_number(out, "zones_least", row->zones_least);
    pack_key(out, "overrides");
    pack_overrides(out, row->overrides);
    pack_key(out, "rules");
    pack_reasons(out, row->reasons);
}

/* RSM_NOT_FOUND: it never waited. */
static enum rsm_status pack_staged(struct kv *kv, struct writer *out, const uint8_t *digest)
{
    struct staged_record row;
    struct member_config config;
    uint8_t copy[HASH_SIZE];
    memcpy(copy, digest, HASH_SIZE);
    enum rsm_status status = staged_load(kv, copy, &row);
    if (status != RSM_OK)
        return status;
    uint64_t members = row.members;
    enum change_state state = row.state;
    struct undone_record undone;
    if (state == CHANGE_LIVE && undone_load(kv, copy, &undone) == RSM_OK) {
        state = change_state_of(kv, copy, state);
        status = staged_load(kv, copy, &row); /* the read has taken the row's bytes away */
    }
    if (status != RSM_OK)
        return status;
    pack_map(out, 20);
    pack_row(out, copy, &row, state);
    pack_undone(kv, out, copy);
    status = members_below(kv, members + 1, &config);
    if (status != RSM_OK)
        return status == RSM_NOT_FOUND ? RSM_DAMAGED : status;
    pack_key(out, "votes");
    pack_votes(kv, out, copy, &config);
    pack_key(out, "approvals");
    pack_approvals(kv, out, copy);
    return RSM_OK;
}

enum rsm_status pack_change(struct kv *kv, struct writer *out, const uint8_t *digest, uint64_t slot,
                            enum change_state state)
{
    uint8_t copy[HASH_SIZE];
    memcpy(copy, digest, HASH_SIZE);
    enum rsm_status status = pack_staged(kv, out, copy);
    if (status != RSM_NOT_FOUND)
        return status;
    pack_map(out, 5);
    pack_key(out, "digest");
    pack_hash(out, copy);
    pack_key(out, "state");
    pack_text(out, change_state_text(change_state_of(kv, copy, state)));
    pack_undone(kv, out, copy);
    pack_number(out, "slot", slot);
    return RSM_OK;
}

static bool is_emergency(struct kv *kv, const uint8_t *digest)
{
    struct staged_record row;
    return staged_load(kv, digest, &row) == RSM_OK && row.class == RSM_CLASS_EMERGENCY;
}

static enum rsm_status list(struct call *call, struct writer *out, const char *name,
                            bool only_emergencies)
{
    struct kv *kv = call->kv;
    struct key place = {.size = 0};
    uint8_t digest[HASH_SIZE];
    struct writer items;
    uint32_t count = 0;
    enum rsm_status status;
    writer_init(&items, LIMIT_ANSWER_SIZE);
    while ((status = pending_next(kv, &place, digest)) == RSM_OK) {
        if (only_emergencies && !is_emergency(kv, digest))
            continue;
        status = pack_staged(kv, &items, digest);
        if (status != RSM_OK)
            break;
        count++;
    }
    result_begin(call, out, 1);
    pack_key(out, name);
    pack_array(out, count);
    writer_bytes(out, writer_result(&items));
    out->failed |= items.failed;
    writer_deinit(&items);
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

enum rsm_status read_change_list(struct call *call, struct writer *out)
{
    return list(call, out, "changes", false);
}

enum rsm_status read_override_list(struct call *call, struct writer *out)
{
    return list(call, out, "overrides", true);
}
