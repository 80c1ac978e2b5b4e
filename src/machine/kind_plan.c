/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind_plan.c - causal rule 4: content and execution are signed apart.
 *
 * A planner publishes generations of a plan: what the record sets of its scope shall be. An enactor
 * says "execute generation g, for these record sets, under this lease", and signs no content.
 *
 *     generation:  published --a newer one is published--> superseded --collect--> collected
 *
 * What is refused as stale-plan, whatever the clocks say:
 *   publish   a generation that is not above all before it
 *   execute   a generation below one that was executed before, anywhere; one that a newer one has
 *             superseded (policy plan_superseded = 1 allows that); one below what a record set has
 *             from the same plan
 * So an enactor that slept and then refreshes its clocks, takes a new lease and signs again still
 * cannot bring back old content.
 *
 * Where a record set has content of the same plan, generation and token order the writers and rule
 * 3 is not asked; content of anybody else must have been seen. Nothing is said of what the content
 * was: a newer generation applies over an empty, unknown or hand-edited target.
 *
 * Collection is by reachability: content that a record set now has from a generation, and the
 * newest one (which is all that can still be executed), are pinned. A rollback needs no old
 * generation: it is a new one, with the older content, which the history of the record sets keeps.
 */
#include "src/machine/judge.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/check.h"
#include "src/command/pack.h"
#include "src/machine/names.h"

#define COLLECT_MAX 4096u /* generations of one collect; more need another */

static struct body_plan decode(struct judge *j)
{
    struct body_plan body;
    enum rsm_status status = body_plan_decode(j->command->kind, j->command->body, &body);
    CHECK(status == RSM_OK);
    return body;
}

static struct bytes walk_bytes(const struct body_walk *walk)
{
    return bytes_make(walk->cursor.data, walk->cursor.size);
}

static struct body_walk walk_of(struct bytes array)
{
    struct body_walk walk = {.cursor = unpack_make(array)};
    walk.left = unpack_array(&walk.cursor);
    return walk;
}

static void put_plan(struct judge *j, struct bytes name, const struct plan_record *plan)
{
    writer_reset(&j->m->value);
    plan_encode(&j->m->value, plan);
    judge_put_writer(j, TABLE_PLAN, name, &j->m->value);
}

static void put_generation(struct judge *j, struct bytes plan, uint64_t generation,
                           const struct generation_record *record)
{
    struct key key;
    key_generation(&key, plan, generation);
    writer_reset(&j->m->value);
    generation_encode(&j->m->value, record);
    judge_put_writer(j, TABLE_GENERATION, key_bytes(&key), &j->m->value);
}

/* A record set as a key, to look it up among others: type, then owner. */
static bool add_id(struct name_set *set, struct bytes owner, uint16_t type)
{
    uint8_t key[2 + LIMIT_NAME_SIZE];
    size_t index;
    uint32_t walk;
    put_u16(key, type);
    memcpy(key + 2, owner.data, owner.size);
    return name_set_add(set, bytes_make(key, 2 + owner.size), 1, &index, &walk);
}

/* True when it was in the set, which it then is in any case. */
static bool has_id(struct name_set *set, struct bytes owner, uint16_t type)
{
    return !add_id(set, owner, type);
}

static void load_scope(struct name_set *set, struct body_walk scope)
{
    struct body_rrset_id id;
    name_set_clear(set);
    while (body_next_rrset_id(&scope, &id))
        (void)add_id(set, id.owner, id.type);
}

/* ---- publish ---- */

static void check_scope(struct judge *j, const struct body_plan *body)
{
    char words[WORDS_SIZE];
    struct body_walk walk = body->scope;
    struct body_rrset_id id;
    if (body->scope.left == 0)
        judge_refuse(j, RSM_RULE_PLAN_SCOPE, "plan %.*s declares no scope",
                     TEXT_ARGUMENTS(body->plan));
    name_set_clear(j->m->names);
    while (body_next_rrset_id(&walk, &id)) {
        rule_rights_rrset(j, body->zone, id.owner, id.type);
        if (!name_is_at_or_below(id.owner, body->zone))
            judge_refuse(j, RSM_RULE_OUT_OF_ZONE, "scope: %s is not in the plan's zone",
                         words_rrset(id.owner, id.type, words));
        if (has_id(j->m->names, id.owner, id.type))
            judge_refuse(j, RSM_RULE_DUPLICATE_CHANGE, "scope: %s is named twice",
                         words_rrset(id.owner, id.type, words));
    }
}

/* The scope is in m->names. Content is judged as a change set is, but not written. */
static void check_content(struct judge *j, const struct body_plan *body,
                          const struct change_context *context)
{
    char words[WORDS_SIZE];
    struct body_walk walk = body->content;
    struct body_change change;
    while (body_next_change(&walk, &change)) {
        changes_add(j, &change, true);
        if (change.rdata_count == 0 && !body->complete)
            judge_refuse(j, RSM_RULE_PLAN_INCOMPLETE, "%s would be deleted by an incomplete source",
                         words_rrset(change.owner, change.type, words));
        if (!has_id(j->m->names, change.owner, change.type))
            judge_refuse(j, RSM_RULE_PLAN_SCOPE, "%s is not in the declared scope",
                         words_rrset(change.owner, change.type, words));
    }
    changes_check(j, context);
}

static void check_generation(struct judge *j, const struct body_plan *body,
                             const struct plan_record *plan)
{
    if (body->generation <= plan->newest && !MUTANT(NO_GENERATION_CHECK))
        judge_refuse(j, RSM_RULE_STALE_PLAN,
                     "generation %" PRIu64 " of plan %.*s, but %" PRIu64 " was published before",
                     body->generation, TEXT_ARGUMENTS(body->plan), plan->newest);
    if (body->generation == 0)
        judge_refuse(j, RSM_RULE_STALE_PLAN, "generations count from 1");
    if (body->parent != plan->newest)
        judge_refuse(j, RSM_RULE_PLAN_PARENT,
                     "generation %" PRIu64 " of plan %.*s names parent %" PRIu64
                     ", the highest before it is %" PRIu64,
                     body->generation, TEXT_ARGUMENTS(body->plan), body->parent, plan->newest);
    char words[WORDS_SIZE];
    if (plan->zone.size > 0 && !bytes_equal(plan->zone, body->zone))
        judge_refuse(j, RSM_RULE_PLAN_SCOPE, "plan %.*s is for %s", TEXT_ARGUMENTS(body->plan),
                     words_object(OBJECT_ZONE, plan->zone, words));
}

/* The generation that was the newest is superseded. */
static void supersede(struct judge *j, struct bytes plan, uint64_t generation)
{
    struct generation_record record;
    struct machine *m = j->m;
    if (generation == 0 || !judge_found(j, generation_load(j->kv, plan, generation, &record)))
        return;
    record.status = GENERATION_SUPERSEDED;
    struct key key;
    key_generation(&key, plan, generation);
    writer_reset(&m->value);
    generation_encode(&m->value, &record);
    judge_put_writer(j, TABLE_GENERATION, key_bytes(&key), &m->value);
}

static void write_generation(struct judge *j, const struct body_plan *body)
{
    uint8_t hash[HASH_SIZE];
    struct bytes scope = walk_bytes(&body->scope);
    struct bytes content = walk_bytes(&body->content);
    effects_hash_parts("rsm plan v1", scope, content, hash);
    struct generation_record record = {.status = GENERATION_PUBLISHED,
                                       .parent = body->parent,
                                       .complete = body->complete,
                                       .zone = body->zone,
                                       .planner = j->command->author,
                                       .counter = j->command->counter,
                                       .slot = j->slot,
                                       .hash = hash,
                                       .scope = scope,
                                       .content = content};
    put_generation(j, body->plan, body->generation, &record);
    pack_map(&j->m->result, 2);
    pack_text(&j->m->result, "generation");
    pack_uint(&j->m->result, body->generation);
    pack_text(&j->m->result, "hash");
    pack_bin(&j->m->result, bytes_make(hash, sizeof hash));
}

void kind_plan_publish(struct judge *j)
{
    struct body_plan body = decode(j);
    char words[WORDS_SIZE];
    struct plan_record plan = {.newest = 0};
    struct zone_record row;
    rule_freeze(j, body.zone);
    rule_causal_object(j, OBJECT_PLAN, body.plan, NULL);
    (void)judge_found(j, plan_load(j->kv, body.plan, &plan));
    check_generation(j, &body, &plan);
    uint64_t before = plan.newest, executed = plan.executed, collected = plan.collected_below;
    check_scope(j, &body);
    if (!zone_copy(j, body.zone, &row)) {
        judge_refuse(j, RSM_RULE_ZONE_UNKNOWN, "there is no %s",
                     words_object(OBJECT_ZONE, body.zone, words));
        return;
    }
    struct change_context context = {.zone = body.zone, .row = &row};
    judge_touch(j, body.zone, row.labels);
    check_content(j, &body, &context);
    supersede(j, body.plan, before);
    write_generation(j, &body);
    struct plan_record next = {.zone = body.zone,
                               .planner = j->command->author,
                               .newest = body.generation,
                               .executed = executed,
                               .collected_below = collected};
    put_plan(j, body.plan, &next);
    object_write(j, OBJECT_PLAN, body.plan);
}

/* ---- execute ---- */

static void check_execution(struct judge *j, const struct body_plan *body,
                            const struct plan_record *plan)
{
    if (MUTANT(NO_GENERATION_CHECK))
        return;
    if (body->generation < plan->executed)
        judge_refuse(j, RSM_RULE_STALE_PLAN,
                     "generation %" PRIu64 " of plan %.*s, but %" PRIu64 " was executed before",
                     body->generation, TEXT_ARGUMENTS(body->plan), plan->executed);
    else if (body->generation < plan->newest && j->policy.plan_superseded == 0)
        judge_refuse(j, RSM_RULE_STALE_PLAN,
                     "generation %" PRIu64 " of plan %.*s was superseded, the newest is %" PRIu64,
                     body->generation, TEXT_ARGUMENTS(body->plan), plan->newest);
}

static void check_lease(struct judge *j, const struct body_plan *body)
{
    if (!MUTANT(NO_TOKEN_CHECK))
        (void)lease_check(j, body->lease, body->token);
}

/* The generation's row, copied to m->content. False: unknown or collected. */
static bool copy_generation(struct judge *j, const struct body_plan *body,
                            struct generation_record *out)
{
    struct key key;
    struct bytes value;
    key_generation(&key, body->plan, body->generation);
    if (!judge_found(j, kv_get(j->kv, TABLE_GENERATION, key_bytes(&key), &value))) {
        judge_refuse(j, RSM_RULE_PLAN_UNKNOWN, "plan %.*s has no generation %" PRIu64,
                     TEXT_ARGUMENTS(body->plan), body->generation);
        return false;
    }
    writer_reset(&j->m->content);
    writer_bytes(&j->m->content, value);
    CHECK(!j->m->content.failed);
    if (!judge_found(j, generation_decode(writer_result(&j->m->content), out)))
        return false;
    if (out->status == GENERATION_COLLECTED)
        judge_refuse(j, RSM_RULE_PLAN_UNKNOWN, "generation %" PRIu64 " of plan %.*s was collected",
                     body->generation, TEXT_ARGUMENTS(body->plan));
    return out->status != GENERATION_COLLECTED;
}

/* The record sets that are asked for: each in the generation's scope, or all of it. */
static void check_subset(struct judge *j, const struct body_plan *body,
                         const struct generation_record *generation, struct body_walk asked)
{
    char words[WORDS_SIZE];
    struct body_rrset_id id;
    load_scope(j->m->names, walk_of(generation->scope));
    while (body_next_rrset_id(&asked, &id)) {
        rule_rights_rrset(j, generation->zone, id.owner, id.type);
        if (!has_id(j->m->names, id.owner, id.type))
            judge_refuse(j, RSM_RULE_PLAN_SCOPE,
                         "%s is not in the scope of generation %" PRIu64 " of plan %.*s",
                         words_rrset(id.owner, id.type, words), body->generation,
                         TEXT_ARGUMENTS(body->plan));
    }
}

/* Takes from the content what is asked for; what a complete plan does not name is deleted. */
static void add_content(struct judge *j, const struct generation_record *generation,
                        struct body_walk asked)
{
    struct name_set *names = j->m->names;
    struct body_walk walk = walk_of(generation->content);
    struct body_change change;
    struct body_rrset_id id;
    load_scope(names, asked);
    while (body_next_change(&walk, &change)) {
        if (has_id(names, change.owner, change.type))
            changes_add(j, &change, true);
    }
    if (!generation->complete)
        return;
    name_set_clear(names);
    walk = walk_of(generation->content);
    while (body_next_change(&walk, &change))
        (void)add_id(names, change.owner, change.type);
    while (body_next_rrset_id(&asked, &id)) {
        struct body_change gone = {.owner = id.owner, .type = id.type};
        if (!has_id(names, id.owner, id.type))
            changes_add(j, &gone, true);
    }
}

static void mark_executed(struct judge *j, const struct body_plan *body,
                          struct generation_record *generation)
{
    struct plan_record plan;
    generation->executed_slot = j->slot;
    put_generation(j, body->plan, body->generation, generation);
    if (!judge_found(j, plan_load(j->kv, body->plan, &plan)))
        return;
    if (plan.executed < body->generation)
        plan.executed = body->generation;
    put_plan(j, body->plan, &plan);
}

static void execute(struct judge *j, const struct body_plan *body,
                    struct generation_record *generation, struct zone_record *row)
{
    struct body_walk asked = body->scope.left > 0 ? body->scope : walk_of(generation->scope);
    struct change_context context = {.zone = generation->zone,
                                     .row = row,
                                     .plan = body->plan,
                                     .generation = body->generation,
                                     .token = body->token};
    judge_touch(j, generation->zone, row->labels);
    check_subset(j, body, generation, asked);
    add_content(j, generation, asked);
    changes_make(j, &context);
    mark_executed(j, body, generation);
    pack_map(&j->m->result, 1);
    pack_text(&j->m->result, "serial");
    pack_uint(&j->m->result, row->serial);
}

void kind_plan_execute(struct judge *j)
{
    struct body_plan body = decode(j);
    char words[WORDS_SIZE];
    struct plan_record plan;
    struct generation_record generation;
    struct zone_record row;
    check_lease(j, &body);
    if (!judge_found(j, plan_load(j->kv, body.plan, &plan))) {
        rule_rights_general(j);
        rule_freeze(j, (struct bytes){NULL, 0});
        judge_refuse(j, RSM_RULE_PLAN_UNKNOWN, "there is no plan %.*s", TEXT_ARGUMENTS(body.plan));
        return;
    }
    rule_freeze(j, plan.zone);
    check_execution(j, &body, &plan);
    if (!copy_generation(j, &body, &generation)) {
        rule_rights_general(j);
        return;
    }
    if (!zone_copy(j, generation.zone, &row)) {
        rule_rights_general(j);
        judge_refuse(j, RSM_RULE_ZONE_UNKNOWN, "there is no %s",
                     words_object(OBJECT_ZONE, generation.zone, words));
        return;
    }
    execute(j, &body, &generation, &row);
}

/* ---- collect ---- */

/* Some record set whose content came from the generation. */
static bool find_live(struct judge *j, struct bytes plan, uint64_t generation,
                      char words[WORDS_SIZE])
{
    struct key prefix;
    struct bytes key, value;
    key_generation(&prefix, plan, generation);
    if (!judge_found(j, kv_next(j->kv, TABLE_LIVE, key_bytes(&prefix), false, &key, &value)) ||
        !key_begins_with(key, key_bytes(&prefix)))
        return false;
    struct rrset_key parts;
    uint8_t owner[LIMIT_NAME_SIZE];
    struct bytes rrset = bytes_make(key.data + prefix.size, key.size - prefix.size);
    if (!key_parse_rrset(rrset, owner, &parts)) {
        j->fault = RSM_DAMAGED;
        return false;
    }
    (void)words_rrset(parts.owner, parts.type, words);
    return true;
}

static void collect_one(struct judge *j, const struct body_plan *body, uint64_t generation,
                        uint64_t newest, struct generation_record *record, uint64_t *count)
{
    char words[WORDS_SIZE];
    struct bytes none = {(const uint8_t *)"\x90", 1}; /* an empty array */
    if (generation == newest && !MUTANT(COLLECT_BY_AGE))
        judge_refuse(j, RSM_RULE_PLAN_PINNED, "generation %" PRIu64 " of plan %.*s is the newest",
                     generation, TEXT_ARGUMENTS(body->plan));
    if (!MUTANT(COLLECT_BY_AGE) && find_live(j, body->plan, generation, words))
        judge_refuse(j, RSM_RULE_PLAN_PINNED, "generation %" PRIu64 " of plan %.*s is live: %s",
                     generation, TEXT_ARGUMENTS(body->plan), words);
    record->status = GENERATION_COLLECTED;
    record->scope = none;
    record->content = none;
    put_generation(j, body->plan, generation, record);
    (*count)++;
}

static void collect_all(struct judge *j, const struct body_plan *body,
                        const struct plan_record *plan, uint64_t *count)
{
    struct key prefix, place;
    struct bytes key, value;
    key_generation(&prefix, body->plan, 0);
    prefix.size -= 8;
    key_generation(&place, body->plan, plan->collected_below);
    bool after = false;
    while (
        *count < COLLECT_MAX &&
        judge_found(j, kv_next(j->kv, TABLE_GENERATION, key_bytes(&place), after, &key, &value)) &&
        key_begins_with(key, key_bytes(&prefix)) && key.size == prefix.size + 8) {
        struct generation_record record;
        uint64_t generation = get_u64(key.data + prefix.size);
        if (generation >= body->generation || !judge_found(j, generation_decode(value, &record)))
            return;
        after = true;
        key_generation(&place, body->plan, generation);
        if (record.status != GENERATION_COLLECTED)
            collect_one(j, body, generation, plan->newest, &record, count);
    }
}

void kind_plan_collect(struct judge *j)
{
    struct body_plan body = decode(j);
    struct plan_record plan;
    uint64_t count = 0;
    if (!judge_found(j, plan_load(j->kv, body.plan, &plan))) {
        rule_rights_general(j);
        judge_refuse(j, RSM_RULE_PLAN_UNKNOWN, "there is no plan %.*s", TEXT_ARGUMENTS(body.plan));
        return;
    }
    writer_reset(&j->m->copy); /* the plan's row outlives the writes */
    plan_encode(&j->m->copy, &plan);
    if (!judge_found(j, plan_decode(writer_result(&j->m->copy), &plan)))
        return;
    rule_rights_zone(j, plan.zone);
    rule_freeze(j, plan.zone);
    judge_touch_zone(j, plan.zone);
    collect_all(j, &body, &plan, &count);
    if (count == 0)
        judge_refuse(j, RSM_RULE_NO_CHANGE, "plan %.*s has no content below generation %" PRIu64,
                     TEXT_ARGUMENTS(body.plan), body.generation);
    if (count < COLLECT_MAX && body.generation > plan.collected_below)
        plan.collected_below = body.generation;
    put_plan(j, body.plan, &plan);
    pack_map(&j->m->result, 1);
    pack_text(&j->m->result, "collected");
    pack_uint(&j->m->result, count);
}
