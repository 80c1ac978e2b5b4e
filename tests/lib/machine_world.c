/* SPDX-License-Identifier: GPL-3.0-or-later */
/* machine_world.c - see machine_world.h. */
#include "tests/lib/machine_world.h"

#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/command/genesis.h"
#include "src/command/pack.h"
#include "src/machine/effects.h"
#include "src/machine/entry.h"
#include "src/machine/policy.h"
#include "src/rr/data.h"

static const uint8_t test_cluster[CLUSTER_ID_SIZE] = {7};

void world_genesis_members(struct genesis *genesis)
{
    static const uint8_t keys[3][RSM_PUBLIC_KEY_SIZE] = {{101}, {102}, {103}};
    static const char *const peers[] = {"127.0.0.1:7001", "127.0.0.1:7002", "127.0.0.1:7003"};
    static const char *const clients[] = {"127.0.0.1:8001", "127.0.0.1:8002", "unix:/tmp/c"};
    static const char *const zones[] = {"us-east-1a", "us-east-1b", "us-east-1c"};
    genesis->member_count = 3;
    for (uint32_t i = 0; i < 3; i++)
        genesis->members[i] =
            (struct genesis_member){.id = i + 1,
                                    .zone = bytes_of_string(zones[i]),
                                    .key = keys[i],
                                    .peer_address = bytes_of_string(peers[i]),
                                    .client_address = bytes_of_string(clients[i])};
}

/* Without it changes of delegations would wait for votes, which is not what most tests are about.
 */
static void nothing_waits(struct world *w)
{
    struct writer map;
    struct reasons reasons;
    bool is_changed;
    writer_init(&map, 64);
    reasons_init(&reasons);
    pack_map(&map, 1);
    pack_text(&map, "classes");
    pack_array(&map, 1);
    pack_map(&map, 1);
    pack_text(&map, "class");
    pack_text(&map, "standard");
    CHECK(policy_set(w->kv, writer_result(&map), &reasons, &is_changed) == RSM_OK && is_changed);
    writer_deinit(&map);
    reasons_deinit(&reasons);
}

static void start(struct world *w)
{
    struct genesis genesis = {.admin_principal = bytes_of_string("root"),
                              .admin_person = bytes_of_string("Root"),
                              .admin_key = w->actors[0].key,
                              .created_ms = WORLD_START_MS};
    world_genesis_members(&genesis);
    w->kv = kv_mem_new();
    w->machine = machine_new();
    w->plain = machine_new();
    machine_without_memo(w->plain);
    verdicts_init(&w->plainly);
    w->now_ms = WORLD_START_MS;
    verdicts_init(&w->last);
    CHECK(machine_genesis(w->kv, &genesis) == RSM_OK);
    nothing_waits(w);
}

struct world *world_new(void)
{
    struct world *w = mem_alloc(sizeof *w);
    (void)world_actor(w, "root");
    start(w);
    return w;
}

struct world *world_empty_copy(const struct world *from)
{
    struct world *w = mem_alloc(sizeof *w);
    memcpy(w->actors, from->actors, sizeof w->actors);
    w->actor_count = from->actor_count;
    for (size_t i = 0; i < w->actor_count; i++)
        w->actors[i].world = w;
    start(w);
    return w;
}

void world_free(struct world *w)
{
    kv_free(w->kv);
    machine_free(w->machine);
    machine_free(w->plain);
    verdicts_deinit(&w->last);
    verdicts_deinit(&w->plainly);
    for (uint64_t i = 0; i < w->slot; i++)
        blob_unref(w->log[i]);
    mem_free(w->log);
    mem_free(w);
}

struct actor *world_actor(struct world *w, const char *name)
{
    CHECK(w->actor_count < ACTORS_MAX);
    struct actor *a = &w->actors[w->actor_count++];
    a->world = w;
    a->name = name;
    memset(a->key, (int)w->actor_count, sizeof a->key);
    return a;
}

struct actor *world_principal(struct world *w, const char *name, enum rsm_principal_kind kind,
                              const char *role)
{
    struct actor *a = world_actor(w, name);
    struct rsm_bytes key = {a->key, sizeof a->key};
    struct rsm_bytes roles = text_bytes(role);
    struct rsm_buffer body;
    const struct rsm_budget much = {UINT64_C(1) << 40, UINT64_C(1) << 40};
    const struct rsm_budget budget[RSM_BUDGETS] = {much, much, much, much};
    CHECK(rsm_body_principal_set(text_bytes(name), kind, text_bytes(name), rsm_text(""), &key, 1,
                                 &roles, 1, kind == RSM_PRINCIPAL_AUTOMATON ? budget : NULL,
                                 &body) == RSM_OK);
    actor_see_all(&w->actors[0]);
    CHECK(actor_do(&w->actors[0], RSM_KIND_PRINCIPAL_SET, body));
    return a;
}

struct actor *world_automaton(struct world *w, const char *name, const char *az, const char *role)
{
    struct actor *a = world_actor(w, name);
    struct rsm_bytes key = {a->key, RSM_PUBLIC_KEY_SIZE}, roles = text_bytes(role);
    struct rsm_budget budget[RSM_BUDGETS] = {{1000, 1000}, {1000, 1000}, {0, 0}, {0, 0}};
    struct rsm_buffer body;
    actor_see_all(&w->actors[0]);
    CHECK(rsm_body_principal_set(text_bytes(name), RSM_PRINCIPAL_AUTOMATON, text_bytes(""),
                                 text_bytes(az), &key, 1, &roles, 1, budget, &body) == RSM_OK);
    CHECK(actor_do(&w->actors[0], RSM_KIND_PRINCIPAL_SET, body));
    return a;
}

void world_role(struct world *w, const char *role, const char *verb, const char *zone)
{
    struct rsm_grant grant = {.verb = text_bytes(verb),
                              .zone = zone != NULL ? wire(zone) : (struct rsm_bytes){NULL, 0}};
    struct rsm_buffer body;
    CHECK(rsm_body_role_set(text_bytes(role), &grant, 1, &body) == RSM_OK);
    actor_see_all(&w->actors[0]);
    CHECK(actor_do(&w->actors[0], RSM_KIND_ROLE_SET, body));
}

void actor_see(struct actor *a, const struct actor *other)
{
    size_t index = (size_t)(other - a->world->actors);
    a->seen[index] = other->counter;
}

void world_policy(struct world *w, const char *name, uint64_t value)
{
    actor_see_all(&w->actors[0]);
    CHECK(actor_do(&w->actors[0], RSM_KIND_POLICY_SET, body_policy(name, value)));
}

void world_class(struct world *w, const char *class, const char *suffix, const char *tier)
{
    actor_see_all(&w->actors[0]);
    CHECK(actor_do(&w->actors[0], RSM_KIND_POLICY_SET, body_class(class, suffix, tier)));
}

void actor_see_all(struct actor *a)
{
    for (size_t i = 0; i < a->world->actor_count; i++)
        a->seen[i] = a->world->actors[i].counter;
}

/* ---- building ---- */

struct blob *actor_command(struct actor *a, enum rsm_kind kind, struct rsm_buffer *body,
                           const char *reason)
{
    struct world *w = a->world;
    struct rsm_event clock[ACTORS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < w->actor_count; i++) {
        if (a->seen[i] > 0)
            clock[count++] = (struct rsm_event){text_bytes(w->actors[i].name), a->seen[i]};
    }
    struct rsm_command command = {.id = {text_bytes(a->name), a->counter + 1},
                                  .lamport = a->lamport > 0 ? a->lamport : w->lamport + 1,
                                  .clock = clock,
                                  .clock_count = count,
                                  .kind = kind,
                                  .body = {body->data, body->size},
                                  .reason = text_bytes(reason)};
    struct rsm_buffer encoded;
    CHECK(rsm_command_encode(&command, &encoded) == RSM_OK);
    if (command.lamport > w->lamport && a->lamport == 0)
        w->lamport = command.lamport;
    rsm_buffer_free(body);
    struct blob *blob = blob_new(bytes_make(encoded.data, encoded.size));
    rsm_buffer_free(&encoded);
    return blob;
}

struct blob *actor_seal(struct actor *a, struct blob **commands, size_t count, bool is_bundle)
{
    static const uint8_t signature[RSM_SIGNATURE_SIZE];
    struct writer payload, envelope;
    writer_init(&payload, LIMIT_ENVELOPE_SIZE);
    writer_init(&envelope, LIMIT_ENVELOPE_SIZE);
    if (is_bundle)
        pack_array(&payload, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        pack_raw(&payload, blob_bytes(commands[i]));
        blob_unref(commands[i]);
    }
    pack_array(&envelope, 7);
    pack_uint(&envelope, 1);
    pack_uint(&envelope, is_bundle ? 2 : 1);
    pack_bin(&envelope, bytes_make(test_cluster, sizeof test_cluster));
    pack_text(&envelope, a->name);
    pack_bin(&envelope, bytes_make(a->key, sizeof a->key));
    pack_bin(&envelope, bytes_make(signature, sizeof signature));
    pack_bin(&envelope, writer_result(&payload));
    CHECK(!envelope.failed);
    struct blob *blob = blob_new(writer_result(&envelope));
    writer_deinit(&payload);
    writer_deinit(&envelope);
    return blob;
}

struct blob *actor_envelope(struct actor *a, enum rsm_kind kind, struct rsm_buffer *body)
{
    struct blob *command = actor_command(a, kind, body, "test");
    return actor_seal(a, &command, 1, false);
}

/* ---- applying ---- */

static void learn(struct world *w)
{
    struct verdict_walk walk = verdict_walk(verdicts_bytes(&w->last));
    struct verdict v;
    while (verdict_next(&walk, &v)) {
        for (size_t i = 0; i < w->actor_count; i++) {
            struct actor *a = &w->actors[i];
            if ((v.kind == VERDICT_APPLIED || v.kind == VERDICT_STAGED) &&
                bytes_equal(v.author, bytes_of_string(a->name)) && v.counter > a->counter)
                a->counter = v.counter;
        }
    }
}

/* What a machine without a memo makes of it; nothing stays of it but what it said. */
static void apply_plainly(struct world *w, struct bytes value,
                          const struct machine_signatures *signatures)
{
    struct kv *overlay = kv_overlay_new(w->kv);
    CHECK(machine_apply(w->plain, overlay, w->slot, value, signatures, &w->plainly) == RSM_OK);
    kv_free(overlay);
}

bool world_apply_value(struct world *w, struct bytes value, bool is_verified)
{
    struct machine_signatures signatures = {.verified = is_verified};
    if (w->slot == w->log_capacity) {
        w->log_capacity = 2 * w->log_capacity + 16;
        w->log = mem_realloc(w->log, w->log_capacity * sizeof *w->log);
    }
    w->log[w->slot++] = blob_new(value);
    apply_plainly(w, value, &signatures);
    CHECK(machine_apply(w->machine, w->kv, w->slot, value, &signatures, &w->last) == RSM_OK);
    CHECK(memcmp(w->last.effects, w->plainly.effects, HASH_SIZE) == 0);
    CHECK(bytes_equal(verdicts_bytes(&w->last), verdicts_bytes(&w->plainly)));
    CHECK(verdicts_check(verdicts_bytes(&w->last)) == RSM_OK);
    memset(&w->verdict, 0, sizeof w->verdict);
    (void)verdict_at(verdicts_bytes(&w->last), 0, &w->verdict);
    learn(w);
    return w->last.count > 0 && w->last.applied_count == w->last.count;
}

struct blob *world_value(const struct world *w, struct blob *envelope)
{
    struct writer value;
    writer_init(&value, LIMIT_VALUE_SIZE);
    entry_encode(&value, ENTRY_COMMANDS, w->now_ms, blob_bytes(envelope));
    struct blob *blob = blob_new(writer_result(&value));
    writer_deinit(&value);
    return blob;
}

bool world_apply(struct world *w, struct blob *envelope)
{
    struct blob *value = world_value(w, envelope);
    bool is_applied = world_apply_value(w, blob_bytes(value), true);
    blob_unref(value);
    return is_applied;
}

enum machine_judgement world_judge(struct world *w, struct blob *envelope, struct verdicts *out)
{
    struct machine_signatures signatures = {.verified = true};
    struct kv *overlay = kv_overlay_new(w->kv);
    struct blob *value = world_value(w, envelope);
    enum machine_judgement judgement;
    CHECK(machine_judge(w->machine, overlay, w->slot + 1, blob_bytes(value), &signatures, out,
                        &judgement) == RSM_OK);
    CHECK(judgement == MACHINE_ACCEPT || kv_overlay_count(overlay) == 0);
    blob_unref(value);
    kv_free(overlay);
    return judgement;
}

struct blob *world_rejection(const struct world *w, struct blob *envelope,
                             const struct verdicts *verdicts)
{
    struct writer payload, value;
    uint8_t digest[HASH_SIZE];
    writer_init(&payload, LIMIT_VALUE_SIZE);
    writer_init(&value, LIMIT_VALUE_SIZE);
    envelope_digest(blob_bytes(envelope), digest);
    rejection_encode(&payload, blob_bytes(envelope), digest, verdicts);
    entry_encode(&value, ENTRY_REJECTION, w->now_ms, writer_result(&payload));
    struct blob *blob = blob_new(writer_result(&value));
    writer_deinit(&payload);
    writer_deinit(&value);
    return blob;
}

bool actor_do(struct actor *a, enum rsm_kind kind, struct rsm_buffer body)
{
    struct blob *envelope = actor_envelope(a, kind, &body);
    bool is_applied = world_apply(a->world, envelope);
    blob_unref(envelope);
    return is_applied;
}

void actor_request(struct actor *a, enum rsm_class least, const char *zone,
                   const struct rsm_change *change, uint8_t digest_out[HASH_SIZE])
{
    actor_see_all(a);
    (void)actor_do(a, RSM_KIND_CHANGE_REQUEST, body_request(least, zone, change));
    CHECK(a->world->verdict.kind == VERDICT_STAGED);
    memcpy(digest_out, a->world->verdict.digest, HASH_SIZE);
}

void world_tick(struct world *w, uint64_t ms)
{
    struct writer value;
    w->now_ms += ms;
    writer_init(&value, 64);
    entry_encode(&value, ENTRY_TICK, w->now_ms, (struct bytes){NULL, 0});
    (void)world_apply_value(w, writer_result(&value), false);
    writer_deinit(&value);
}

/* ---- looking ---- */

bool world_refused(struct world *w, enum rsm_rule rule)
{
    return w->verdict.kind == VERDICT_REFUSED && verdict_names(&w->verdict, rule);
}

bool world_refused_only(struct world *w, enum rsm_rule rule)
{
    struct reader r = reader_make(w->verdict.reasons);
    uint32_t number;
    struct bytes evidence;
    while (verdict_reason_next(&r, &number, &evidence)) {
        if (number != (uint32_t)rule)
            return false;
    }
    return world_refused(w, rule);
}

uint32_t world_reason_count(struct world *w)
{
    return w->verdict.reason_count;
}

const char *world_evidence(struct world *w, enum rsm_rule rule)
{
    static char text[EVIDENCE_SIZE_MAX + 1];
    struct reader r = reader_make(w->verdict.reasons);
    uint32_t number;
    struct bytes evidence;
    text[0] = '\0';
    while (verdict_reason_next(&r, &number, &evidence)) {
        if (number == (uint32_t)rule)
            (void)snprintf(text, sizeof text, "%.*s", (int)evidence.size,
                           (const char *)evidence.data);
    }
    return text;
}

const char *world_words(struct world *w)
{
    static char text[4096];
    verdicts_describe(&w->last, text, sizeof text);
    return text;
}

void world_hash(struct kv *kv, uint8_t hash_out[HASH_SIZE])
{
    struct effects effects = {.kept = NULL};
    effects_begin(&effects);
    for (uint8_t table = 1; table < TABLE_END; table++) {
        struct key place = {.size = 0};
        struct bytes key, value;
        while (kv_next(kv, table, key_bytes(&place), place.size > 0, &key, &value) == RSM_OK) {
            struct kv_write row = {.table = table, .key = key, .value = value};
            effects_add(&effects, &row);
            place.size = key.size;
            memcpy(place.data, key.data, key.size);
        }
    }
    effects_end(&effects, hash_out);
}

uint32_t world_count(struct world *w, const char *zone, const char *owner, uint16_t type)
{
    struct query_rrset found;
    enum rsm_status status =
        query_rrset(w->kv, wire_bytes(zone), wire_bytes(owner), type, QUERY_NOW, &found);
    return status == RSM_OK ? found.record.rdata_count : 0;
}

uint8_t world_address(struct world *w, const char *zone, const char *owner, uint64_t slot)
{
    struct query_rrset found;
    struct bytes rdata;
    if (query_rrset(w->kv, wire_bytes(zone), wire_bytes(owner), RR_TYPE_A, slot, &found) != RSM_OK)
        return 0;
    struct bytes rdatas = found.record.rdatas;
    return rrset_rdata_next(&rdatas, &rdata) && rdata.size == 4 ? rdata.data[3] : 0;
}

uint32_t world_serial(struct world *w, const char *zone)
{
    struct zone_record row;
    return query_zone(w->kv, wire_bytes(zone), QUERY_NOW, &row) == RSM_OK ? row.serial : 0;
}
