/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * planned_recover.c - two of three disks are gone, and the third goes on alone, under two
 * signatures (planned.h).
 *
 *     number = what the others chose last * DEATHS + when it dies
 *
 * What it had applied, and what it had voted for, is there; what the others chose without it is
 * lost, and nothing else. Its evidence stays, automata stand still, and who comes back is not
 * talked to.
 */
#include "tests/sim/planned.h"

#include <inttypes.h>

#include "src/base/check.h"
#include "src/command/keyfile.h"
#include "src/command/recovery.h"
#include "src/machine/query.h"
#include "src/machine/recovery.h"
#include "tests/sim/fork_node.h"
#include "tests/sim/replica_node.h"

#define SURVIVOR 3u
#define DEADLINE (13 * SIM_SECOND)
#define LAST_OCTET 77u
#define LATER_OCTET 78u

enum last_change {
    KNOWN_TO_ALL = 0, /* applied everywhere */
    JUST_ANSWERED,    /* perhaps the survivor has it, perhaps its vote, perhaps nothing */
    WITHOUT_IT,       /* the survivor was cut off */
    LAST_CHANGES,
};

enum death {
    NO_DEATH = 0,
    IN_ITS_FIRST_START,
    WITH_A_NEW_JOURNAL, /* which has its votes, and nothing says yet that it goes on alone */
    DEATHS,
};

uint64_t planned_recover_count(void)
{
    return (uint64_t)DEATHS * LAST_CHANGES;
}

static bool is_even(struct planned *p)
{
    return replica_applied(&p->cluster, 1) == replica_applied(&p->cluster, SURVIVOR) &&
           replica_applied(&p->cluster, 2) == replica_applied(&p->cluster, SURVIVOR);
}

static bool another_leads(struct planned *p)
{
    struct node_status s;
    uint32_t leader = planned_leader(p);
    replica_status(&p->cluster, SURVIVOR, &s);
    return leader != 0 && leader != SURVIVOR && !s.is_leader;
}

static void cut_off(struct planned *p)
{
    for (uint32_t id = 1; id < SURVIVOR; id++) {
        net_cut(&p->cluster.net, id, SURVIVOR);
        net_cut(&p->cluster.net, SURVIVOR, id);
    }
    if (!planned_until(p, another_leads, DEADLINE))
        planned_fail(p, "the two that are left have no leader");
}

/* Carol may sign a recovery; the administrator may anyway. */
static void make_rescuer(struct planned *p)
{
    struct rsm_grant grant = {.verb = rsm_text("cluster.recover")};
    struct rsm_bytes key = rsm_bytes_make(rsm_key_public(p->keys[PLANNED_CAROL]), 32);
    struct rsm_bytes role = rsm_text("rescuer");
    struct rsm_buffer body;
    CHECK(rsm_body_role_set(role, &grant, 1, &body) == RSM_OK);
    if (planned_do(p, PLANNED_ADMIN, RSM_KIND_ROLE_SET, &body) != CHANGE_LIVE)
        planned_fail(p, "no role");
    CHECK(rsm_body_principal_set(rsm_text("carol"), RSM_PRINCIPAL_PERSON, rsm_text("Carol"),
                                 rsm_text(""), &key, 1, &role, 1, NULL, &body) == RSM_OK);
    if (planned_do(p, PLANNED_ADMIN, RSM_KIND_PRINCIPAL_SET, &body) != CHANGE_LIVE)
        planned_fail(p, "no rescuer");
}

/* The statement that the disk makes, signed by two; what it says in *said_out. */
static void sign_recovery(struct planned *p, struct recovery *said_out, struct writer *statement,
                          struct rsm_buffer *body_out)
{
    static const enum planned_person who[] = {PLANNED_ADMIN, PLANNED_CAROL};
    uint8_t signatures[2][SIGNATURE_SIZE];
    struct recovery_approval approvals[2];
    CHECK(recovery_decode(writer_result(statement), said_out) == RSM_OK);
    for (size_t i = 0; i < 2; i++) {
        const struct rsm_key *key = p->keys[who[i]];
        CHECK(recovery_sign(key, said_out, signatures[i]) == RSM_OK);
        approvals[i] =
            (struct recovery_approval){bytes_of_string(rsm_key_name(key)), signatures[i]};
    }
    CHECK(body_recover_encode(said_out->raw, approvals, 2, body_out) == RSM_OK);
}

static bool has_new_journal(struct planned *p)
{
    const struct replica *r = replica_at(&p->cluster, SURVIVOR);
    struct body_recover body;
    CHECK(body_recover_decode(blob_bytes(r->recovery), &body) == RSM_OK);
    return r->node != NULL && r->incarnation == body.statement.incarnation;
}

static void go_on(struct planned *p, enum death death, struct bytes body)
{
    struct node_cluster *c = &p->cluster;
    if (death == IN_ITS_FIRST_START)
        replica_at(c, SURVIVOR)->dies_in_recovery = 1 + c->sim.seed % 7;
    fork_begin(c, SURVIVOR, body);
    p->survivor = SURVIVOR;
    if (c->sim.failed || death != WITH_A_NEW_JOURNAL)
        return;
    if (!planned_until(p, has_new_journal, DEADLINE))
        planned_fail(p, "it gets no new journal");
    else
        replica_crash(c, SURVIVOR, DISK_SIM_KEEPS_SOME);
}

static bool has_recovered(struct planned *p)
{
    struct recovery_record row;
    return planned_leader(p) == SURVIVOR &&
           recovery_newest(replica_state(&p->cluster, SURVIVOR), &row) == RSM_OK && row.epoch == 2;
}

static void check_evidence(struct planned *p, const struct recovery *said)
{
    struct recovery_record row;
    struct freeze_record freeze;
    struct bytes name;
    struct kv *kv = replica_state(&p->cluster, SURVIVOR);
    CHECK(recovery_newest(kv, &row) == RSM_OK);
    if (freeze_load(kv, bytes_of_string("recovered-2"), &freeze) != RSM_OK ||
        freeze.scope != RSM_FREEZE_GLOBAL)
        planned_fail(p, "automata go on as if nothing had been lost");
    if (row.replica != SURVIVOR || row.from_slot != said->slot ||
        row.incarnation != said->incarnation || row.slot <= said->slot)
        planned_fail(p, "the evidence is of another recovery");
    if (!recovery_signer_next(&row.signers, &name) ||
        !bytes_equal(name, bytes_of_string("admin")) ||
        !recovery_signer_next(&row.signers, &name) || !bytes_equal(name, bytes_of_string("carol")))
        planned_fail(p, "the evidence does not name who signed");
}

/* Of the authors, what it knows; what is lost can be said again under the same counters. */
static void learn_counters(struct planned *p)
{
    struct query_clock clock;
    for (size_t who = 0; who < PLANNED_PERSONS; who++) {
        struct bytes name = bytes_of_string(rsm_key_name(p->keys[who]));
        CHECK(query_clock(replica_state(&p->cluster, SURVIVOR), name, &clock) == RSM_OK);
        p->counters[who] = clock.counter;
    }
}

static void change_to(struct planned *p, uint8_t octet)
{
    planned_stage(p, RSM_CLASS_STANDARD, octet);
    if (!p->cluster.sim.failed && planned_octet(p, SURVIVOR) != octet)
        planned_fail(p, "a change has no effect at the survivor");
}

/* Those who come back have a majority of the old members, and no word for it. */
static void others_return(struct planned *p)
{
    struct node_cluster *c = &p->cluster;
    for (uint32_t id = 1; id < SURVIVOR && !c->sim.failed; id++) {
        uint64_t before = replica_applied(c, SURVIVOR);
        replica_return(c, id);
        (void)planned_until(p, NULL, 3 * SIM_SECOND);
        if (c->sim.failed)
            return;
        if (replica_applied(c, SURVIVOR) != before || planned_leader(p) != SURVIVOR)
            planned_fail(p, "one that came back changes something");
    }
    change_to(p, LATER_OCTET + 1);
    for (uint32_t id = 1; id < SURVIVOR && !c->sim.failed; id++)
        if (planned_octet(p, id) > LAST_OCTET)
            planned_fail(p, "one that came back was told something");
}

void planned_recover_run(struct planned *p, uint64_t number)
{
    struct node_cluster *c = &p->cluster;
    enum last_change last = (enum last_change)(number / DEATHS);
    struct recovery said;
    struct writer statement;
    struct rsm_buffer body = {NULL, 0};
    make_rescuer(p);
    if (!planned_until(p, is_even, DEADLINE))
        planned_fail(p, "not even");
    if (last == WITHOUT_IT && !c->sim.failed)
        cut_off(p);
    if (c->sim.failed)
        return;
    planned_stage(p, RSM_CLASS_STANDARD, LAST_OCTET);
    if (last == KNOWN_TO_ALL && !planned_until(p, is_even, DEADLINE))
        planned_fail(p, "not even with the last change");
    uint64_t slot = planned_leader(p) != 0 ? replica_applied(c, planned_leader(p)) : 0;
    for (uint32_t id = 1; id < SURVIVOR; id++)
        replica_leave(c, id);
    net_uncut(&c->net);
    writer_init(&statement, RECOVERY_SIZE_MAX);
    if (!c->sim.failed)
        fork_statement(c, SURVIVOR, &statement);
    if (!c->sim.failed) {
        sign_recovery(p, &said, &statement, &body);
        sim_note(&c->sim,
                 "the last change is in slot %" PRIu64 "; applied %" PRIu64
                 ", votes below %" PRIu64,
                 slot, said.slot, said.votes_end);
        if (last == KNOWN_TO_ALL && said.slot < slot && said.votes_end <= slot)
            planned_fail(p, "what all had is said to be lost");
        if (last == WITHOUT_IT && said.votes_end > slot)
            planned_fail(p, "it has what it cannot have");
        go_on(p, (enum death)(number % DEATHS), bytes_make(body.data, body.size));
    }
    if (!c->sim.failed && !planned_until(p, has_recovered, DEADLINE))
        planned_fail(p, "it does not go on");
    if (!c->sim.failed) {
        bool is_kept = said.votes_end > slot;
        if ((planned_octet(p, SURVIVOR) == LAST_OCTET) != is_kept)
            planned_fail(p, is_kept ? "what it had voted for is lost" : "what is lost is there");
        check_evidence(p, &said);
        learn_counters(p);
        change_to(p, LATER_OCTET);
    }
    if (!c->sim.failed)
        others_return(p);
    if (!c->sim.failed) {
        audit_check_state(c->audit, SURVIVOR, replica_state(c, SURVIVOR));
        audit_check_replay(c->audit, SURVIVOR, replica_state(c, SURVIVOR));
    }
    rsm_buffer_free(&body);
    writer_deinit(&statement);
}
