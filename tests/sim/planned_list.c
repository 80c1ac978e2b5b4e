/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * planned_list.c - the scenarios (planned.h).
 *
 *     number - 1 = ((class * EVENTS + event) * 3 + voice of 3) * 3 + ...    all combinations
 *     and behind them, some that the combinations do not have, recoveries, and the alarms
 *
 * What has to come of it is told by three lines: a no refuses; a yes of every zone makes it live;
 * else it expires.
 */
#include "tests/sim/planned.h"

#include "src/base/check.h"
#include "tests/sim/replica_node.h"

#define VOICES 3u
#define COMBINATIONS (2u * PLANNED_EVENTS * VOICES * VOICES * VOICES)
#define DEADLINE (13 * SIM_SECOND)
#define NEW_OCTET 77u

static bool is_settled(struct planned *p)
{
    enum change_state state = planned_state(p);
    return state != 0 && state != CHANGE_STAGED;
}

/* All are up, and have applied the same. */
static bool is_even(struct planned *p)
{
    for (uint32_t id = 1; id <= PLANNED_REPLICAS; id++)
        if (!replica_is_up(&p->cluster, id) || replica_is_busy(&p->cluster, id) ||
            replica_applied(&p->cluster, id) != replica_applied(&p->cluster, 1))
            return false;
    return true;
}

static void set_voices(struct planned *p, enum replica_voice a, enum replica_voice b,
                       enum replica_voice c)
{
    replica_set_voice(&p->cluster, 1, a);
    replica_set_voice(&p->cluster, 2, b);
    replica_set_voice(&p->cluster, 3, c);
}

/* The change in hand ends as `state`, and everybody has what follows from it. */
static void ends(struct planned *p, enum change_state state)
{
    if (!planned_until(p, is_settled, DEADLINE))
        planned_fail(p, "the change does not end");
    planned_expect(p, state);
    if (!planned_until(p, is_even, DEADLINE))
        planned_fail(p, "the replicas do not come to the same slot");
    for (uint32_t id = 1; id <= PLANNED_REPLICAS && !p->cluster.sim.failed; id++) {
        if ((planned_octet(p, id) == NEW_OCTET) != (state == CHANGE_LIVE))
            sim_fail(&p->cluster.sim, "planned: replica %u has the address .%u", id,
                     planned_octet(p, id));
        audit_check_state(p->cluster.audit, id, replica_state(&p->cluster, id));
    }
}

static void happens(struct planned *p, enum planned_event event)
{
    uint32_t leader = planned_leader(p);
    uint32_t other = leader % PLANNED_REPLICAS + 1;
    if (leader == 0)
        return;
    switch (event) {
    case PLANNED_NOTHING:
    case PLANNED_EVENTS:
        return;
    case PLANNED_LEADER_PAUSES:
        replica_pause(&p->cluster, leader, 2 * SIM_SECOND);
        return;
    case PLANNED_LEADER_CRASHES:
        replica_crash(&p->cluster, leader, DISK_SIM_KEEPS_SOME);
        return;
    case PLANNED_FOLLOWER_CRASHES:
        replica_crash(&p->cluster, other, DISK_SIM_KEEPS_SOME);
        return;
    }
}

static void run_combination(struct planned *p, uint64_t number)
{
    enum replica_voice voices[PLANNED_REPLICAS];
    uint32_t yes = 0, no = 0;
    for (size_t i = 0; i < PLANNED_REPLICAS; i++, number /= VOICES) {
        voices[i] = (enum replica_voice)(number % VOICES);
        yes += voices[i] == VOICE_YES ? 1 : 0;
        no += voices[i] == VOICE_NO ? 1 : 0;
    }
    enum planned_event event = (enum planned_event)(number % PLANNED_EVENTS);
    bool is_emergency = number / PLANNED_EVENTS > 0;
    if (!is_emergency)
        set_voices(p, voices[0], voices[1], voices[2]);
    planned_stage(p, is_emergency ? RSM_CLASS_EMERGENCY : RSM_CLASS_CRITICAL, NEW_OCTET);
    if (is_emergency && !p->cluster.sim.failed) {
        planned_approve(p, PLANNED_BOB, true);
        planned_approve(p, PLANNED_CAROL, true);
        set_voices(p, voices[0], voices[1], voices[2]);
        planned_apply(p, true);
    }
    if (!p->cluster.sim.failed)
        happens(p, event);
    ends(p, no > 0 ? CHANGE_REFUSED : yes == PLANNED_REPLICAS ? CHANGE_LIVE : CHANGE_EXPIRED);
}

/* ---- some more ---- */

/* A replica that has voted yes says no with its next counter: it has voted. */
static void second_thoughts(struct planned *p)
{
    set_voices(p, VOICE_SILENT, VOICE_SILENT, VOICE_SILENT);
    planned_stage(p, RSM_CLASS_CRITICAL, NEW_OCTET);
    if (planned_vote(p, 1, true) != CHANGE_LIVE)
        planned_fail(p, "a vote was refused");
    if (planned_vote(p, 1, false) != CHANGE_REFUSED)
        planned_fail(p, "a replica votes twice");
    set_voices(p, VOICE_YES, VOICE_YES, VOICE_YES);
    ends(p, CHANGE_LIVE);
}

/* The author writes the record set again before its own change has its votes. */
static void own_later(struct planned *p)
{
    set_voices(p, VOICE_SILENT, VOICE_SILENT, VOICE_SILENT);
    planned_stage(p, RSM_CLASS_CRITICAL, NEW_OCTET);
    planned_stage(p, RSM_CLASS_STANDARD, 5);
    for (uint32_t id = 1; id <= PLANNED_REPLICAS; id++) /* by themselves they would say no */
        (void)planned_vote(p, id, true);
    ends(p, CHANGE_SUPERSEDED);
}

/* An emergency that nobody approved: votes for it are refused, and it never is live. */
static void no_approvals(struct planned *p)
{
    planned_stage(p, RSM_CLASS_EMERGENCY, NEW_OCTET);
    for (uint32_t id = 1; id <= PLANNED_REPLICAS && !p->cluster.sim.failed; id++)
        if (planned_vote(p, id, true) != CHANGE_REFUSED)
            planned_fail(p, "an emergency is voted on before it was approved");
    planned_expect(p, CHANGE_STAGED);
}

/* One of the two who approve is the author's person under another name. */
static void author_approves(struct planned *p)
{
    planned_stage(p, RSM_CLASS_EMERGENCY, NEW_OCTET);
    planned_approve(p, PLANNED_BOB, true);
    planned_approve(p, PLANNED_ALICE2, false);
    planned_approve(p, PLANNED_BOB, false);
    planned_expect(p, CHANGE_STAGED);
}

/* Votes behind the deadline are logged, and count for nothing. */
static void late_votes(struct planned *p)
{
    set_voices(p, VOICE_SILENT, VOICE_YES, VOICE_YES);
    planned_stage(p, RSM_CLASS_CRITICAL, NEW_OCTET);
    ends(p, CHANGE_EXPIRED);
    if (!p->cluster.sim.failed && planned_vote(p, 1, true) != CHANGE_LIVE)
        planned_fail(p, "a late vote is not logged");
    ends(p, CHANGE_EXPIRED);
}

/* What the approvals give is used once. */
static void applied_twice(struct planned *p)
{
    planned_stage(p, RSM_CLASS_EMERGENCY, NEW_OCTET);
    planned_approve(p, PLANNED_BOB, true);
    planned_approve(p, PLANNED_CAROL, true);
    set_voices(p, VOICE_SILENT, VOICE_SILENT, VOICE_SILENT);
    planned_apply(p, true);
    planned_apply(p, false);
    set_voices(p, VOICE_YES, VOICE_YES, VOICE_YES);
    ends(p, CHANGE_LIVE);
}

/* An approval with a key that was taken away meanwhile has approved nothing. */
static void stale_approval(struct planned *p)
{
    planned_stage(p, RSM_CLASS_EMERGENCY, NEW_OCTET);
    planned_approve(p, PLANNED_BOB, true);
    planned_revoke(p, PLANNED_BOB);
    planned_approve(p, PLANNED_CAROL, true);
    planned_apply(p, false);
    planned_expect(p, CHANGE_STAGED);
}

/* The time to apply it counts from the last approval: approved late, applied behind the request's.
 */
static void approved_late(struct planned *p)
{
    planned_stage(p, RSM_CLASS_EMERGENCY, NEW_OCTET);
    (void)planned_until(p, NULL, 50 * SIM_SECOND);
    planned_approve(p, PLANNED_BOB, true);
    planned_approve(p, PLANNED_CAROL, true);
    (void)planned_until(p, NULL, 20 * SIM_SECOND);
    planned_apply(p, true);
    ends(p, CHANGE_LIVE);
}

/* An automaton's change is staged, then all automata are frozen: all votes do not make it live. */
static void frozen_meanwhile(struct planned *p)
{
    set_voices(p, VOICE_SILENT, VOICE_SILENT, VOICE_SILENT);
    planned_stage_as(p, PLANNED_ROBOT, RSM_CLASS_CRITICAL, NEW_OCTET);
    planned_freeze(p);
    for (uint32_t id = 1; id <= PLANNED_REPLICAS; id++) /* by themselves they would say no */
        (void)planned_vote(p, id, true);
    ends(p, CHANGE_REFUSED);
}

static bool is_led(struct planned *p)
{
    return planned_leader(p) != 0;
}

/* Two empty disks that wait to be added, under numbers of the genesis; who knows them is away. */
static void strangers_wait(struct planned *p)
{
    uint32_t leader = planned_leader(p);
    uint32_t away = leader % PLANNED_REPLICAS + 1;
    replica_pause(&p->cluster, away, 20 * SIM_SECOND);
    for (uint32_t id = 1; id <= PLANNED_REPLICAS; id++)
        if (id != away)
            replica_replace(replica_at(&p->cluster, id));
    if (planned_until(p, is_led, 10 * SIM_SECOND))
        planned_fail(p, "empty disks elect each other");
}

static void (*const more[])(struct planned *p) = {
    second_thoughts, own_later,      no_approvals,  author_approves,  late_votes,
    applied_twice,   stale_approval, approved_late, frozen_meanwhile, strangers_wait,
};

#define MORE (sizeof more / sizeof *more)

uint64_t planned_count(void)
{
    return COMBINATIONS + MORE + planned_recover_count() + planned_alarm_count();
}

bool planned_is_single(uint64_t number)
{
    return number % planned_count() == 0;
}

void planned_run(struct planned *p, uint64_t number)
{
    CHECK(number >= 1);
    number = (number - 1) % planned_count();
    if (number < COMBINATIONS)
        run_combination(p, number);
    else if (number < COMBINATIONS + MORE)
        more[number - COMBINATIONS](p);
    else if (number < COMBINATIONS + MORE + planned_recover_count())
        planned_recover_run(p, number - COMBINATIONS - MORE);
    else
        planned_alarm_run(p, number - COMBINATIONS - MORE - planned_recover_count());
}
