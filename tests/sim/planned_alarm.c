/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * planned_alarm.c - each cause that makes a replica read-only is injected: its alarm comes, that
 * replica takes no commands, the cause goes, and so does the alarm (docs/operations.md).
 *
 * What needs real disks and processes is injected there: heads that differ, a damaged state, a
 * damaged journal (tests/cluster/test_damage.py).
 */
#include "tests/sim/planned.h"

#include <string.h>

#include "src/base/check.h"
#include "src/daemon/node_internal.h"
#include "src/machine/entry.h"
#include "tests/sim/replica_node.h"

#define WAIT (10 * SIM_SECOND)

static uint32_t patient; /* the replica that it is done to, and the alarm */
static uint32_t alarm_bit;

static bool has_alarm(struct planned *p)
{
    struct node_status s;
    if (!replica_is_up(&p->cluster, patient))
        return false;
    replica_status(&p->cluster, patient, &s);
    return (s.alarms & alarm_bit) != 0;
}

static bool is_well(struct planned *p)
{
    return replica_is_up(&p->cluster, patient) && !has_alarm(p);
}

static bool is_led_by_another(struct planned *p)
{
    uint32_t leader = planned_leader(p);
    return leader != 0 && leader != patient;
}

static void comes(struct planned *p)
{
    if (!planned_until(p, has_alarm, WAIT) && !p->cluster.sim.failed)
        sim_fail(&p->cluster.sim, "planned: no alarm %s", node_alarm_name(alarm_bit));
}

static void goes(struct planned *p)
{
    if (!planned_until(p, is_well, WAIT) && !p->cluster.sim.failed)
        sim_fail(&p->cluster.sim, "planned: the alarm %s stays", node_alarm_name(alarm_bit));
}

/* A command that is handed in there now gets that answer. */
static void answers(struct planned *p, enum rsm_status status)
{
    struct node_cluster *c = &p->cluster;
    if (c->sim.failed)
        return;
    struct blob *envelope = planned_envelope(p);
    audit_on_submitted(c->audit, blob_bytes(envelope));
    c->status_last = RSM_USAGE; /* nobody answers so */
    c->tokens_given_up++;
    replica_submit(c, patient, c->token_next++, envelope);
    blob_unref(envelope);
    for (int i = 0; i < 5000 && c->status_last == RSM_USAGE && !c->sim.failed; i++)
        sim_run_until(&c->sim, c->sim.now + SIM_MS);
    if (c->status_last != status && !c->sim.failed)
        sim_fail(&c->sim, "planned: with %s the answer is %s, not %s", node_alarm_name(alarm_bit),
                 rsm_status_text(c->status_last), rsm_status_text(status));
}

static void begin(struct planned *p, uint32_t bit, bool is_leader)
{
    uint32_t leader = planned_leader(p);
    alarm_bit = bit;
    patient = is_leader ? leader : leader % p->cluster.options.node_count + 1;
    if (has_alarm(p))
        planned_fail(p, "the alarm is there before its cause");
}

static void no_quorum(struct planned *p)
{
    begin(p, NODE_ALARM_NO_QUORUM, true);
    for (uint32_t id = 1; id <= PLANNED_REPLICAS; id++)
        if (id != patient)
            replica_pause(&p->cluster, id, 8 * SIM_SECOND);
    comes(p);
    answers(p, RSM_NO_QUORUM);
    goes(p);
    answers(p, RSM_OK);
}

static void clock_bound(struct planned *p, bool is_leader)
{
    begin(p, NODE_ALARM_CLOCK, is_leader);
    struct replica *r = replica_at(&p->cluster, patient);
    r->wall_offset_ms += 60000;
    comes(p);
    answers(p, RSM_READ_ONLY);
    if (is_leader) { /* the others' clients do not notice */
        uint32_t leader = patient;
        patient = leader % p->cluster.options.node_count + 1;
        answers(p, RSM_OK);
        patient = leader;
        sim_run_until(&p->cluster.sim, p->cluster.sim.now + SIM_SECOND);
        if (is_led_by_another(p))
            planned_fail(p, "a wall clock made an election");
    }
    r->wall_offset_ms -= 60000;
    goes(p);
    answers(p, RSM_OK);
}

static void clock_of_a_follower(struct planned *p)
{
    clock_bound(p, false);
}

static void clock_of_the_leader(struct planned *p)
{
    clock_bound(p, true);
}

static void disk_low(struct planned *p)
{
    begin(p, NODE_ALARM_DISK_LOW, false);
    replica_at(&p->cluster, patient)->store_full_until = p->cluster.sim.now + 4 * SIM_SECOND;
    planned_stage(p, RSM_CLASS_STANDARD, 9); /* something to be stored */
    comes(p);
    answers(p, RSM_DISK_FULL);
    goes(p);
    answers(p, RSM_OK);
}

/* The others' clients do not notice: who cannot store does not lead. */
static void disk_low_of_the_leader(struct planned *p)
{
    begin(p, NODE_ALARM_DISK_LOW, true);
    uint32_t leader = patient;
    replica_at(&p->cluster, leader)->store_full_until = p->cluster.sim.now + 8 * SIM_SECOND;
    planned_stage(p, RSM_CLASS_STANDARD, 9); /* something to be stored */
    comes(p);
    if (!planned_until(p, is_led_by_another, WAIT))
        planned_fail(p, "a replica that takes no commands leads on");
    answers(p, RSM_DISK_FULL);
    patient = leader % p->cluster.options.node_count + 1;
    answers(p, RSM_OK);
    patient = leader;
    goes(p);
    answers(p, RSM_OK);
}

static uint64_t leader_changes(struct planned *p)
{
    struct node_status s;
    uint64_t most = 0;
    for (uint32_t id = 1; id <= PLANNED_REPLICAS; id++) {
        replica_status(&p->cluster, id, &s);
        most = s.leader_changes > most ? s.leader_changes : most;
    }
    return most;
}

/* When all are low somebody leads all the same, and the lead does not go round and round. */
static void disk_low_everywhere(struct planned *p)
{
    begin(p, NODE_ALARM_DISK_LOW, true);
    uint64_t end = p->cluster.sim.now + 25 * SIM_SECOND;
    for (uint32_t id = 1; id <= PLANNED_REPLICAS; id++)
        replica_at(&p->cluster, id)->store_full_until = end;
    planned_stage(p, RSM_CLASS_STANDARD, 9);
    comes(p);
    uint64_t before = leader_changes(p);
    sim_run_until(&p->cluster.sim, end);
    /* Three replicas that each give up once in ten seconds; a change is "none", then the next. */
    if (leader_changes(p) - before > 2 * 3 * 3)
        planned_fail(p, "the lead goes round and round");
    goes(p);
    if (planned_leader(p) == 0)
        planned_fail(p, "nobody leads");
    answers(p, RSM_OK);
}

static void audit_mismatch(struct planned *p)
{
    begin(p, NODE_ALARM_AUDIT, false);
    replica_at(&p->cluster, patient)->spoils_commit = true;
    planned_stage(p, RSM_CLASS_STANDARD, 9);
    comes(p);
    answers(p, RSM_READ_ONLY);
    replica_at(&p->cluster, patient)->spoils_commit = false;
    planned_stage(p, RSM_CLASS_STANDARD, 10); /* the next commit writes the row anew */
    goes(p);
    answers(p, RSM_OK);
}

static bool has_tripped(struct planned *p)
{
    return planned_trips(p) == 1;
}

/* What one replica finds in its store stops the automata that come back, at all replicas. */
static void trips(struct planned *p, bool is_leader)
{
    planned_freeze(p);
    planned_resume(p);
    begin(p, NODE_ALARM_AUDIT, is_leader);
    replica_at(&p->cluster, patient)->spoils_commit = true;
    planned_stage(p, RSM_CLASS_STANDARD, 9);
    comes(p);
    if (!planned_until(p, has_tripped, WAIT))
        planned_fail(p, "automata come back while a replica is in doubt");
    replica_at(&p->cluster, patient)->spoils_commit = false;
    planned_stage(p, RSM_CLASS_STANDARD, 10);
    goes(p);
    if (planned_trips(p) != 1)
        planned_fail(p, "one trip is enough");
}

static void trip_by_a_follower(struct planned *p)
{
    trips(p, false);
}

static void trip_by_the_leader(struct planned *p)
{
    trips(p, true);
}

static bool is_stored(struct planned *p)
{
    return store_sim_applied(replica_at(&p->cluster, patient)->store) ==
           replica_applied(&p->cluster, patient);
}

/* A number that this version does not know, as a newer one would write it; NULL: as it was. */
static void write_policy(struct planned *p, struct writer *kept)
{
    static const uint8_t unknown[] = "\x81\xa7unknown\x01";
    struct kv *kv = store_sim_kv(replica_at(&p->cluster, patient)->store);
    struct bytes name = bytes_of_string("policy"), value, now = bytes_make(unknown, 10);
    if (kept->size > 0) {
        now = writer_result(kept);
    } else {
        CHECK(kv_get(kv, TABLE_POLICY, name, &value) == RSM_OK);
        writer_bytes(kept, value);
    }
    CHECK(kv_put(kv, TABLE_POLICY, name, now) == RSM_OK);
}

static void policy_unreadable(struct planned *p)
{
    struct writer kept;
    begin(p, NODE_ALARM_POLICY, false);
    writer_init(&kept, LIMIT_VALUE_SIZE);
    if (!planned_until(p, is_stored, WAIT))
        planned_fail(p, "nothing is stored");
    for (int turn = 0; turn < 2 && !p->cluster.sim.failed; turn++) {
        write_policy(p, &kept);
        replica_crash(&p->cluster, patient, DISK_SIM_KEEPS_ALL);
        if (turn == 0) {
            comes(p);
            answers(p, RSM_READ_ONLY);
        }
    }
    goes(p);
    answers(p, RSM_OK);
    writer_deinit(&kept);
}

/*
 * While it cannot read the policy the others go on: it judges nothing that they propose, and takes
 * nothing for damage. With a policy that can be read it comes after.
 */
static void policy_unreadable_under_load(struct planned *p)
{
    struct writer kept;
    begin(p, NODE_ALARM_POLICY, false);
    writer_init(&kept, LIMIT_VALUE_SIZE);
    if (!planned_until(p, is_stored, WAIT))
        planned_fail(p, "nothing is stored");
    write_policy(p, &kept);
    replica_crash(&p->cluster, patient, DISK_SIM_KEEPS_ALL);
    comes(p);
    uint32_t ill = patient;
    uint64_t applied = replica_applied(&p->cluster, ill);
    patient = ill % p->cluster.options.node_count + 1;
    for (int i = 0; i < 20 && !p->cluster.sim.failed; i++)
        answers(p, RSM_OK);
    patient = ill;
    if (!has_alarm(p) || replica_applied(&p->cluster, patient) != applied)
        planned_fail(p, "it applied what it cannot judge");
    write_policy(p, &kept);
    replica_crash(&p->cluster, patient, DISK_SIM_KEEPS_ALL);
    goes(p);
    answers(p, RSM_OK);
    writer_deinit(&kept);
}

/* How many slots its journal, or its memory, has behind its store. */
static uint64_t slots_behind_store(struct planned *p)
{
    return replica_applied(&p->cluster, patient) -
           store_sim_applied(replica_at(&p->cluster, patient)->store);
}

/*
 * The journal goes on where the store ends: chosen slots that would be judged by the policy. They
 * are held, as when the policy came while it ran; with one that can be read they are applied.
 */
static void policy_unreadable_with_slots_behind(struct planned *p)
{
    struct writer kept;
    begin(p, NODE_ALARM_POLICY, false);
    writer_init(&kept, LIMIT_VALUE_SIZE);
    uint32_t ill = patient;
    if (!planned_until(p, is_stored, WAIT))
        planned_fail(p, "nothing is stored");
    /* A few: the mark that says of a slot that it is chosen comes with a later one. */
    for (int i = 0; i < 200 && slots_behind_store(p) < 4 && !p->cluster.sim.failed; i++) {
        patient = ill % p->cluster.options.node_count + 1;
        answers(p, RSM_OK);
        patient = ill;
    }
    uint64_t stored = store_sim_applied(replica_at(&p->cluster, ill)->store);
    uint64_t applied = replica_applied(&p->cluster, ill);
    if (applied < stored + 4)
        planned_fail(p, "everything is stored");
    write_policy(p, &kept);
    replica_crash(&p->cluster, patient, DISK_SIM_KEEPS_ALL);
    comes(p);
    answers(p, RSM_READ_ONLY);
    if (replica_applied(&p->cluster, patient) != stored)
        planned_fail(p, "it applied what it cannot judge");
    write_policy(p, &kept);
    replica_crash(&p->cluster, patient, DISK_SIM_KEEPS_ALL);
    goes(p);
    answers(p, RSM_OK);
    if (replica_applied(&p->cluster, patient) < applied)
        planned_fail(p, "what was held is gone");
    writer_deinit(&kept);
}

/* The only voter chooses an entry of format 2. */
static void newer_format(struct planned *p)
{
    uint8_t bytes[ENTRY_HEAD_SIZE] = {2, ENTRY_TICK};
    begin(p, NODE_ALARM_NEWER_FORMAT, true);
    struct replica *r = replica_at(&p->cluster, patient);
    uint64_t applied = replica_applied(&p->cluster, patient);
    struct blob *value = blob_new(bytes_make(bytes, sizeof bytes));
    struct paxos_proposal proposal = {.value = value, .cookie = UINT64_MAX - 1};
    struct paxos_event event = {
        .type = PAXOS_EVENT_PROPOSE, .proposals = &proposal, .proposal_count = 1};
    node_step(r->node, &event);
    replica_end_turn(r);
    blob_unref(value);
    comes(p);
    answers(p, RSM_READ_ONLY);
    if (replica_applied(&p->cluster, patient) != applied)
        planned_fail(p, "what cannot be read was applied");
    sim_run_until(&p->cluster.sim, p->cluster.sim.now + SIM_SECOND); /* the mark is written */
    replica_crash(&p->cluster, patient, DISK_SIM_KEEPS_ALL);
    if (has_alarm(p))
        planned_fail(p, "a replica that is down has an alarm");
    comes(p); /* it is in the journal, and chosen */
    answers(p, RSM_READ_ONLY);
    if (replica_applied(&p->cluster, patient) != applied)
        planned_fail(p, "what cannot be read was applied at a start");
}

static void (*const alarms[])(struct planned *p) = {
    no_quorum,
    clock_of_a_follower,
    clock_of_the_leader,
    disk_low,
    disk_low_of_the_leader,
    disk_low_everywhere,
    audit_mismatch,
    policy_unreadable,
    policy_unreadable_under_load,
    policy_unreadable_with_slots_behind,
    trip_by_a_follower,
    trip_by_the_leader,
    newer_format, /* the last one has a single voter */
};

uint64_t planned_alarm_count(void)
{
    return sizeof alarms / sizeof *alarms;
}

void planned_alarm_run(struct planned *p, uint64_t number)
{
    CHECK(number < planned_alarm_count());
    alarms[number](p);
}
