/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * staging.c - a change that no rule is against, and that has to wait.
 *
 * What it would have written is thrown away; its hash, the *basis*, stays: a replica that makes the
 * effect again in the state of the same slot must get the same hash. The author's counter is used:
 * the change has had its place in the author's line, whatever becomes of it.
 */
#include "src/command/body_change.h"
#include "src/machine/judge.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/check.h"
#include "src/command/pack.h"
#include "src/machine/staged.h"

enum rsm_status effect_hash(const struct kv *overlay, uint8_t hash_out[HASH_SIZE])
{
    struct effects effects = {.kept = NULL};
    effects_begin(&effects);
    enum rsm_status status = effects_add_overlay(&effects, overlay);
    effects_end(&effects, hash_out);
    return status;
}

static bool has_room(struct judge *j)
{
    const struct command *c = j->command;
    uint32_t before = j->m->reasons.count;
    uint64_t waiting = pending_count(j->kv);
    if (waiting >= LIMIT_STAGED)
        judge_refuse(j, RSM_RULE_QUOTA,
                     "%" PRIu64 " changes wait for votes, at most %u may; try again when one ended",
                     waiting, LIMIT_STAGED);
    if (c->raw.size > LIMIT_STAGED_SIZE)
        judge_refuse(j, RSM_RULE_QUOTA, "a %s change has at most %u bytes, this one %zu; split it",
                     body_class_text(j->class), LIMIT_STAGED_SIZE, c->raw.size);
    if (c->author.size > LIMIT_PRINCIPAL_SIZE - strlen(EFFECT_AUTHOR))
        judge_refuse(j, RSM_RULE_QUOTA, "the author's name is too long for a %s change",
                     body_class_text(j->class));
    return j->m->reasons.count == before;
}

static void put_overrides(struct writer *out, const struct judge *j)
{
    for (uint32_t i = 0; i < j->override_count; i++)
        writer_u32(out, j->overrides[i]);
}

/* {"class": text, "deadline_ms": n, "state": "staged", "why": text} */
static void add_result(struct judge *j, uint64_t deadline_ms)
{
    struct writer *result = &j->m->result;
    writer_reset(result);
    pack_map(result, 4);
    pack_text(result, "class");
    pack_text(result, body_class_text(j->class));
    pack_text(result, "deadline_ms");
    pack_uint(result, deadline_ms);
    pack_text(result, "state");
    pack_text(result, change_state_text(CHANGE_STAGED));
    pack_text(result, "why");
    pack_text(result, j->class_why);
}

static void put_rows(struct judge *j, const uint8_t basis[HASH_SIZE])
{
    const struct command *c = j->command;
    struct principal_record author = {.person = {NULL, 0}};
    struct member_config members = {.version = 0};
    struct writer overrides;
    bool needs_people = j->class == RSM_CLASS_EMERGENCY || j->waits_for_root;
    uint64_t wait_ms = j->deadline_ms > 0 ? j->deadline_ms
                       : needs_people     ? j->policy.emergency_request_ms
                                          : j->policy.critical_deadline_ms;
    (void)judge_found(j, machine_members_at(j->kv, NULL, j->slot, &members));
    (void)judge_found(j, principal_load(j->kv, c->author, &author));
    writer_init(&overrides, 4 * LIMIT_OVERRIDES);
    put_overrides(&overrides, j);
    struct staged_record row = {.state = CHANGE_STAGED,
                                .class = j->class,
                                .root_needed = (uint32_t)j->root_needed,
                                .zones_least = (uint32_t)j->policy.vote_zones_least,
                                .slot = j->slot,
                                .index = j->index,
                                .staged_ms = j->now_ms,
                                .deadline_ms = j->now_ms + wait_ms,
                                .approved_ms = needs_people ? 0 : j->now_ms,
                                .voting_ms = needs_people ? 0 : j->now_ms,
                                .members = members.version,
                                .token_ms = j->policy.emergency_token_ms,
                                .basis = basis,
                                .key = j->key,
                                .kind = c->kind,
                                .counter = c->counter,
                                .author = c->author,
                                .person = author.person,
                                .overrides = writer_result(&overrides)};
    writer_reset(&j->m->value);
    staged_encode(&j->m->value, &row);
    struct bytes digest = bytes_make(j->digest, HASH_SIZE);
    judge_put_writer(j, TABLE_STAGED, digest, &j->m->value);
    judge_put(j, TABLE_STAGED_COMMAND, digest, c->raw);
    struct key key;
    key_pending(&key, j->slot, j->index);
    judge_put(j, TABLE_PENDING, key_bytes(&key), digest);
    pending_add(j, 1);
    add_result(j, row.deadline_ms);
    writer_deinit(&overrides);
}

void pending_add(struct judge *j, int64_t step)
{
    uint8_t count[8];
    put_u64(count, pending_count(j->kv) + (uint64_t)step);
    judge_put(j, TABLE_META, bytes_of_string(META_PENDING), bytes_make(count, sizeof count));
}

void stage_change(struct judge *j)
{
    uint8_t basis[HASH_SIZE];
    if (!has_room(j))
        return;
    (void)judge_found(j, effect_hash(j->m->inner, basis));
    kv_overlay_clear(j->m->inner);
    put_rows(j, basis);
    stage_skip(&j->m->stages, RSM_STAGE_QUORUM, STAGE_WHY_WAITS);
    j->is_staged = true;
}
