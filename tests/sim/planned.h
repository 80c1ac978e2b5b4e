/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * planned.h - scenarios of changes that wait: each combination of what the replicas say and of what
 * happens between the staging and the effect, one after the other. The seed is the number.
 */
#ifndef RSM_TESTS_SIM_PLANNED_H
#define RSM_TESTS_SIM_PLANNED_H

#include "src/machine/staged.h"
#include "tests/sim/sim_node.h"

#define PLANNED_REPLICAS 3u

enum planned_event {
    PLANNED_NOTHING = 0,
    PLANNED_LEADER_PAUSES,  /* another one leads meanwhile */
    PLANNED_LEADER_CRASHES, /* and comes back */
    PLANNED_FOLLOWER_CRASHES,
    PLANNED_EVENTS,
};

/* Who says what in a scenario; the administrator is author 0. */
enum planned_person {
    PLANNED_ADMIN = 0,
    PLANNED_ALICE, /* writes */
    PLANNED_BOB,   /* approves, as do the next two */
    PLANNED_CAROL,
    PLANNED_ALICE2, /* the same person as alice */
    PLANNED_ROBOT,  /* an automaton, which writes as alice does */
    PLANNED_PERSONS,
};

struct planned {
    struct node_cluster cluster;
    struct rsm_key *keys[PLANNED_PERSONS];
    uint64_t counters[PLANNED_PERSONS];
    uint64_t votes[PLANNED_REPLICAS + 1]; /* made here, by replica */
    uint64_t lamport;
    uint32_t survivor; /* who goes on alone: then nobody else counts as a leader; 0: nobody does */
    uint8_t digest[HASH_SIZE]; /* of the change in hand */
};

/* planned_node.c */
/* Runs until `is_done` or for so long; false: it is not. */
typedef bool planned_condition(struct planned *p);
bool planned_until(struct planned *p, planned_condition *is_done, uint64_t us);
void planned_fail(struct planned *p, const char *what);
uint32_t planned_leader(struct planned *p); /* 0: none is ready */
/* Signed by a person, handed to the leader, applied. The state of the verdict, 0: no verdict. */
enum change_state planned_do(struct planned *p, enum planned_person who, enum rsm_kind kind,
                             struct rsm_buffer *body);
/* A vote by hand, beside what the replica says itself. */
enum change_state planned_vote(struct planned *p, uint32_t replica, bool yes);
/* The change in hand, as the leader has it; 0: unknown. */
enum change_state planned_state(struct planned *p);
void planned_expect(struct planned *p, enum change_state state);
/* A change of the record set, of that class: staged, and the one in hand. */
void planned_stage(struct planned *p, enum rsm_class class, uint8_t octet);
void planned_stage_as(struct planned *p, enum planned_person who, enum rsm_class class,
                      uint8_t octet);
/* All automata are frozen. */
void planned_freeze(struct planned *p);
/* They come back, slowly; and how often they were stopped again. */
void planned_resume(struct planned *p);
uint64_t planned_trips(struct planned *p);
void planned_approve(struct planned *p, enum planned_person who, bool is_good);
void planned_apply(struct planned *p, bool is_good);
/* The administrator takes the key of a person away. */
void planned_revoke(struct planned *p, enum planned_person who);
uint8_t planned_octet(struct planned *p, uint32_t replica);

/* Alice's next change, signed and not handed in. The caller's. */
struct blob *planned_envelope(struct planned *p);

/* planned_alarm.c: from 0 on; the last one is for a cluster of one voter. */
uint64_t planned_alarm_count(void);
void planned_alarm_run(struct planned *p, uint64_t number);

/* planned_recover.c: from 0 on */
uint64_t planned_recover_count(void);
void planned_recover_run(struct planned *p, uint64_t number);

/* planned_list.c */
uint64_t planned_count(void);
bool planned_is_single(uint64_t number); /* one voter */
void planned_run(struct planned *p, uint64_t number);

#endif
