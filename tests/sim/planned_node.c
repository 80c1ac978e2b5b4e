/* SPDX-License-Identifier: GPL-3.0-or-later */
/* planned_node.c - a calm cluster that is told what to do, step by step (planned.h). */
#include "tests/sim/planned.h"

#include <stdio.h>
#include <string.h>

#include <rsm/change.h>

#include "src/base/check.h"
#include "src/base/log.h"
#include "src/command/envelope.h"
#include "src/command/keyfile.h"
#include "src/command/pack.h"
#include "src/machine/query.h"
#include "src/rr/data.h"

#define STEP (2 * SIM_MS)
#define PATIENCE (5 * SIM_SECOND)

static const char *const names[PLANNED_PERSONS] = {"admin", "alice",  "bob",
                                                   "carol", "alice2", "robot"};
static const char *const persons[PLANNED_PERSONS] = {"Admin", "Alice", "Bob", "Carol", "Alice", ""};
static const uint8_t zone[] = "\1z\4test";
static const uint8_t owner[] = "\3www\1z\4test";

static struct rsm_bytes the_zone(void)
{
    return rsm_bytes_make(zone, sizeof zone);
}

static struct rsm_bytes the_change(const struct planned *p)
{
    return rsm_bytes_make(p->digest, HASH_SIZE);
}

bool planned_until(struct planned *p, planned_condition *is_done, uint64_t us)
{
    struct sim *sim = &p->cluster.sim;
    uint64_t end = sim->now + us;
    while (!sim->failed && sim->now < end) {
        if (is_done != NULL && is_done(p))
            return true;
        sim_run_until(sim, sim->now + STEP);
    }
    return !sim->failed && is_done != NULL && is_done(p);
}

void planned_fail(struct planned *p, const char *what)
{
    sim_fail(&p->cluster.sim, "planned: %s", what);
}

uint32_t planned_leader(struct planned *p)
{
    for (uint32_t id = 1; id <= p->cluster.options.node_count; id++) {
        struct node_status s;
        if (!replica_is_up(&p->cluster, id) || replica_is_busy(&p->cluster, id) ||
            (p->survivor != 0 && p->survivor != id))
            continue;
        replica_status(&p->cluster, id, &s);
        if (s.is_leader)
            return id;
    }
    return 0;
}

static bool has_leader(struct planned *p)
{
    return planned_leader(p) != 0;
}

/* ---- commands ---- */

static struct blob *sign(struct planned *p, const struct rsm_key *key, const char *author,
                         uint64_t counter, enum rsm_kind kind, struct rsm_buffer *body)
{
    struct rsm_buffer command, envelope;
    struct rsm_event seen[PLANNED_PERSONS + 1];
    size_t count = 0;
    struct query_clock clock;
    uint32_t leader = planned_leader(p);
    struct kv *kv = replica_state(&p->cluster, leader != 0 ? leader : 1);
    for (size_t i = 0; i < PLANNED_PERSONS; i++)
        if (p->counters[i] > 0)
            seen[count++] = (struct rsm_event){rsm_text(names[i]), p->counters[i]};
    CHECK(query_clock(kv, bytes_of_string("effect:alice"), &clock) == RSM_OK);
    if (clock.counter > 0)
        seen[count++] = (struct rsm_event){rsm_text("effect:alice"), clock.counter};
    p->lamport = clock.lamport_highest > p->lamport ? clock.lamport_highest : p->lamport;
    struct rsm_command c = {.id = {rsm_text(author), counter},
                            .lamport = ++p->lamport,
                            .clock = seen,
                            .clock_count = count,
                            .kind = kind,
                            .body = rsm_buffer_bytes(body),
                            .reason = rsm_text("planned")};
    CHECK(rsm_command_encode(&c, &command) == RSM_OK);
    CHECK(rsm_command_sign(key, p->cluster.cluster_id, rsm_buffer_bytes(&command), &envelope) ==
          RSM_OK);
    struct blob *blob = blob_new(bytes_make(envelope.data, envelope.size));
    rsm_buffer_free(body);
    rsm_buffer_free(&command);
    rsm_buffer_free(&envelope);
    return blob;
}

static bool verdict_of(struct planned *p, const uint8_t digest[HASH_SIZE], struct verdict *out)
{
    uint64_t slot;
    uint32_t index;
    uint32_t leader = planned_leader(p);
    return leader != 0 &&
           query_outcome(replica_state(&p->cluster, leader), digest, &slot, &index, out) == RSM_OK;
}

/* Takes the envelope; waits for its verdict at the leader. */
static enum change_state hand_in(struct planned *p, struct blob *envelope,
                                 uint8_t digest_out[HASH_SIZE])
{
    struct node_cluster *c = &p->cluster;
    struct envelope e;
    struct command command;
    struct verdict verdict;
    CHECK(envelope_parse(blob_bytes(envelope), &e) == RSM_OK);
    struct envelope_walk walk = envelope_commands(&e);
    CHECK(envelope_next(&walk, &command));
    command_digest(command.raw, e.key, digest_out);
    audit_on_submitted(c->audit, blob_bytes(envelope));
    uint64_t end = c->sim.now + PATIENCE;
    c->tokens_given_up++;
    replica_submit(c, planned_leader(p), c->token_next++, envelope);
    while (!c->sim.failed && c->sim.now < end && !verdict_of(p, digest_out, &verdict))
        sim_run_until(&c->sim, c->sim.now + STEP);
    blob_unref(envelope);
    if (c->sim.failed || !verdict_of(p, digest_out, &verdict))
        return 0;
    return verdict.kind == VERDICT_REFUSED  ? CHANGE_REFUSED
           : verdict.kind == VERDICT_STAGED ? CHANGE_STAGED
                                            : CHANGE_LIVE;
}

enum change_state planned_do(struct planned *p, enum planned_person who, enum rsm_kind kind,
                             struct rsm_buffer *body)
{
    uint8_t digest[HASH_SIZE];
    if (!planned_until(p, has_leader, PATIENCE)) {
        rsm_buffer_free(body);
        return 0;
    }
    struct blob *envelope = sign(p, p->keys[who], names[who], p->counters[who] + 1, kind, body);
    enum change_state state = hand_in(p, envelope, digest);
    if (state == CHANGE_LIVE || state == CHANGE_STAGED)
        p->counters[who]++;
    if (kind == RSM_KIND_CHANGE_REQUEST)
        memcpy(p->digest, digest, HASH_SIZE);
    return state;
}

static void must(struct planned *p, enum planned_person who, enum rsm_kind kind,
                 struct rsm_buffer *body, enum change_state wanted)
{
    enum change_state state = planned_do(p, who, kind, body);
    if (state != wanted && !p->cluster.sim.failed)
        sim_fail(&p->cluster.sim, "planned: %s of %s is %s, not %s", rsm_kind_text(kind),
                 names[who], change_state_text(state), change_state_text(wanted));
}

enum change_state planned_vote(struct planned *p, uint32_t replica, bool yes)
{
    struct staged_record row;
    struct rsm_buffer body;
    struct query_clock clock;
    char author[16];
    uint8_t digest[HASH_SIZE];
    if (!planned_until(p, has_leader, PATIENCE))
        return 0;
    struct kv *kv = replica_state(&p->cluster, planned_leader(p));
    snprintf(author, sizeof author, REPLICA_AUTHOR "%u", replica);
    CHECK(staged_load(kv, p->digest, &row) == RSM_OK);
    CHECK(rsm_body_change_vote(the_change(p), yes, row.slot, rsm_bytes_make(row.basis, HASH_SIZE),
                               &body) == RSM_OK);
    CHECK(query_clock(kv, bytes_of_string(author), &clock) == RSM_OK);
    struct blob *envelope = sign(p, replica_key(&p->cluster, replica), author, clock.counter + 1,
                                 RSM_KIND_CHANGE_VOTE, &body);
    return hand_in(p, envelope, digest);
}

/* ---- the change in hand ---- */

enum change_state planned_state(struct planned *p)
{
    struct staged_record row;
    uint32_t leader = planned_leader(p);
    if (leader == 0 || staged_load(replica_state(&p->cluster, leader), p->digest, &row) != RSM_OK)
        return 0;
    return row.state;
}

void planned_expect(struct planned *p, enum change_state state)
{
    if (!p->cluster.sim.failed && planned_state(p) != state)
        sim_fail(&p->cluster.sim, "planned: the change is %s, not %s",
                 change_state_text(planned_state(p)), change_state_text(state));
}

static struct rsm_buffer body_of_address(uint8_t octet)
{
    uint8_t address[4] = {192, 0, 2, octet};
    struct rsm_bytes data = rsm_bytes_make(address, sizeof address);
    struct rsm_change change = {.owner = rsm_bytes_make(owner, sizeof owner),
                                .type = RR_TYPE_A,
                                .ttl = 60,
                                .rdatas = &data,
                                .rdata_count = 1};
    struct rsm_buffer body;
    CHECK(rsm_body_rrset_change(the_zone(), &change, 1, &body) == RSM_OK);
    return body;
}

void planned_stage_as(struct planned *p, enum planned_person who, enum rsm_class class,
                      uint8_t octet)
{
    struct rsm_buffer inner = body_of_address(octet), body;
    if (class == RSM_CLASS_STANDARD) {
        must(p, who, RSM_KIND_RRSET_CHANGE, &inner, CHANGE_LIVE);
        return;
    }
    CHECK(rsm_body_change_request(class, NULL, 0, "rrset.change", rsm_buffer_bytes(&inner),
                                  &body) == RSM_OK);
    rsm_buffer_free(&inner);
    must(p, who, RSM_KIND_CHANGE_REQUEST, &body, CHANGE_STAGED);
}

void planned_stage(struct planned *p, enum rsm_class class, uint8_t octet)
{
    planned_stage_as(p, PLANNED_ALICE, class, octet);
}

void planned_freeze(struct planned *p)
{
    struct rsm_buffer body;
    CHECK(rsm_body_freeze_set(rsm_text("automation"), RSM_FREEZE_GLOBAL, rsm_text(""), false, 0,
                              &body) == RSM_OK);
    must(p, PLANNED_ADMIN, RSM_KIND_FREEZE_SET, &body, CHANGE_LIVE);
}

void planned_resume(struct planned *p)
{
    struct rsm_buffer body;
    CHECK(rsm_body_freeze_resume(rsm_text("automation"), rsm_text(""), true, 0, &body) == RSM_OK);
    must(p, PLANNED_ADMIN, RSM_KIND_FREEZE_RESUME, &body, CHANGE_LIVE);
}

uint64_t planned_trips(struct planned *p)
{
    struct freeze_record row;
    uint32_t leader = planned_leader(p);
    return leader != 0 && freeze_load(replica_state(&p->cluster, leader),
                                      bytes_of_string("automation"), &row) == RSM_OK
               ? row.trips
               : 0;
}

struct blob *planned_envelope(struct planned *p)
{
    struct rsm_buffer body = body_of_address((uint8_t)(100 + p->counters[PLANNED_ALICE] % 100));
    return sign(p, p->keys[PLANNED_ALICE], names[PLANNED_ALICE], p->counters[PLANNED_ALICE] + 1,
                RSM_KIND_RRSET_CHANGE, &body);
}

void planned_approve(struct planned *p, enum planned_person who, bool is_good)
{
    struct rsm_buffer body;
    CHECK(rsm_body_change_approve(the_change(p), NULL, &body) == RSM_OK);
    must(p, who, RSM_KIND_CHANGE_APPROVE, &body, is_good ? CHANGE_LIVE : CHANGE_REFUSED);
}

void planned_apply(struct planned *p, bool is_good)
{
    struct rsm_buffer body;
    CHECK(rsm_body_change_apply(the_change(p), NULL, 0, &body) == RSM_OK);
    must(p, PLANNED_ALICE, RSM_KIND_CHANGE_APPLY, &body, is_good ? CHANGE_LIVE : CHANGE_REFUSED);
}

void planned_revoke(struct planned *p, enum planned_person who)
{
    struct rsm_bytes key = rsm_bytes_make(rsm_key_public(p->keys[who]), RSM_PUBLIC_KEY_SIZE);
    struct rsm_buffer body;
    CHECK(rsm_body_principal_key_revoke(rsm_text(names[who]), key, &body) == RSM_OK);
    must(p, PLANNED_ADMIN, RSM_KIND_PRINCIPAL_KEY_REVOKE, &body, CHANGE_LIVE);
}

uint8_t planned_octet(struct planned *p, uint32_t replica)
{
    struct query_rrset q;
    struct bytes rdatas, rdata;
    if (query_rrset(replica_state(&p->cluster, replica), bytes_make(zone, sizeof zone),
                    bytes_make(owner, sizeof owner), RR_TYPE_A, QUERY_NOW, &q) != RSM_OK)
        return 0;
    rdatas = q.record.rdatas;
    return rrset_rdata_next(&rdatas, &rdata) && rdata.size == 4 ? rdata.data[3] : 0;
}

/* ---- before the change ---- */

static void make_person(struct planned *p, enum planned_person who)
{
    struct rsm_bytes key = rsm_bytes_make(rsm_key_public(p->keys[who]), RSM_PUBLIC_KEY_SIZE);
    const struct rsm_budget budget[RSM_BUDGETS] = {{100, 100}, {100, 100}, {0, 0}, {0, 0}};
    bool is_robot = who == PLANNED_ROBOT;
    struct rsm_bytes role = rsm_text(is_robot               ? "robots"
                                     : who == PLANNED_ALICE ? "operator"
                                                            : "approver");
    struct rsm_buffer body;
    CHECK(rsm_body_principal_set(rsm_text(names[who]),
                                 is_robot ? RSM_PRINCIPAL_AUTOMATON : RSM_PRINCIPAL_PERSON,
                                 rsm_text(persons[who]), rsm_text(""), &key, 1, &role, 1,
                                 is_robot ? budget : NULL, &body) == RSM_OK);
    must(p, PLANNED_ADMIN, RSM_KIND_PRINCIPAL_SET, &body, CHANGE_LIVE);
}

static void make_role(struct planned *p)
{
    struct rsm_grant grant = {.verb = rsm_text("rrset.*"), .zone = the_zone()};
    struct rsm_buffer body;
    CHECK(rsm_body_role_set(rsm_text("robots"), &grant, 1, &body) == RSM_OK);
    must(p, PLANNED_ADMIN, RSM_KIND_ROLE_SET, &body, CHANGE_LIVE);
}

static void make_policy(struct planned *p)
{
    static const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {{"critical_deadline_ms", 12000},
                   {"emergency_request_ms", 60000},
                   {"emergency_token_ms", 60000},
                   {"ownership", 0},
                   {"second_factor", 0}};
    struct writer map;
    struct rsm_buffer body;
    writer_init(&map, 256);
    pack_map(&map, 5);
    for (size_t i = 0; i < 5; i++) {
        pack_text(&map, numbers[i].name);
        pack_uint(&map, numbers[i].value);
    }
    CHECK(rsm_body_policy_set(rsm_bytes_make(map.data, map.size), &body) == RSM_OK);
    writer_deinit(&map);
    must(p, PLANNED_ADMIN, RSM_KIND_POLICY_SET, &body, CHANGE_LIVE);
}

static void make_zone(struct planned *p)
{
    uint8_t soa[2 * sizeof zone + 20] = {0}, address[4] = {192, 0, 2, 1};
    uint8_t server[sizeof zone + 3] = {2, 'n', 's'};
    struct rsm_buffer body;
    memcpy(soa, zone, sizeof zone);
    memcpy(soa + sizeof zone, zone, sizeof zone);
    memcpy(server + 3, zone, sizeof zone);
    for (size_t i = 0; i < 5; i++)
        put_u32(soa + 2 * sizeof zone + 4 * i, i == 0 ? 1 : 3600);
    struct rsm_bytes soa_data = rsm_bytes_make(soa, sizeof soa);
    struct rsm_bytes ns_data = rsm_bytes_make(server, sizeof server);
    struct rsm_bytes a_data = rsm_bytes_make(address, sizeof address);
    struct rsm_bytes www = rsm_bytes_make(owner, sizeof owner);
    struct rsm_change changes[] = {
        {.owner = the_zone(),
         .type = RR_TYPE_SOA,
         .ttl = 3600,
         .rdatas = &soa_data,
         .rdata_count = 1},
        {.owner = the_zone(),
         .type = RR_TYPE_NS,
         .ttl = 3600,
         .rdatas = &ns_data,
         .rdata_count = 1},
        {.owner = ns_data, .type = RR_TYPE_A, .ttl = 3600, .rdatas = &a_data, .rdata_count = 1},
        {.owner = www, .type = RR_TYPE_A, .ttl = 60, .rdatas = &a_data, .rdata_count = 1},
    };
    CHECK(rsm_body_zone_create(the_zone(), NULL, 0, changes, 4, &body) == RSM_OK);
    must(p, PLANNED_ALICE, RSM_KIND_ZONE_CREATE, &body, CHANGE_LIVE);
}

static void make_world(struct planned *p)
{
    if (!planned_until(p, has_leader, PATIENCE))
        planned_fail(p, "nobody leads");
    if (!p->cluster.sim.failed)
        make_role(p);
    for (int who = PLANNED_ALICE; who < PLANNED_PERSONS && !p->cluster.sim.failed; who++)
        make_person(p, (enum planned_person)who);
    if (!p->cluster.sim.failed)
        make_policy(p);
    if (!p->cluster.sim.failed)
        make_zone(p);
}

static void make_keys(struct planned *p)
{
    for (int who = 0; who < (int)PLANNED_PERSONS; who++) {
        uint8_t seed[KEYFILE_SEED_SIZE];
        memset(seed, who + 1, sizeof seed); /* the administrator's is that of author 0 */
        CHECK(key_from_seed(names[who], seed, &p->keys[who]) == RSM_OK);
    }
}

bool sim_planned_run(const struct sim_request *request, struct sim_report *report,
                     struct sim_result *result)
{
    struct planned p;
    struct node_cluster *c = &p.cluster;
    memset(&p, 0, sizeof p);
    c->report = report;
    CHECK(rsm_crypto_init() == RSM_OK);
    log_configure(request->trace ? 1 : -1, LOG_INFO, 0);
    sim_init(&c->sim, request->seed, request->trace);
    verify_sim_begin(false);
    make_keys(&p);
    cluster_options_calm(&c->options);
    if (planned_is_single(request->seed))
        c->options.voter_count = c->options.node_count = 1;
    cluster_begin(c, request, 0);
    c->stop = true; /* its own authors say nothing */
    make_world(&p);
    if (!c->sim.failed)
        planned_run(&p, request->seed);
    bool passed = !c->sim.failed;
    result->hash = c->sim.hash;
    result->fault_count = 0;
    memcpy(result->failure, c->sim.failure, sizeof(result->failure));
    cluster_end(c);
    for (size_t i = 0; i < PLANNED_PERSONS; i++)
        rsm_key_free(p.keys[i]);
    return passed;
}
