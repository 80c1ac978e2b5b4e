/* SPDX-License-Identifier: GPL-3.0-or-later */
/* node_core.h - one simulated replica, for node_core.c and disk_core.c alone. */
#ifndef RSM_TESTS_SIM_NODE_CORE_H
#define RSM_TESTS_SIM_NODE_CORE_H

#include "tests/sim/sim_core.h"

struct waiting_send {
    uint64_t durable_seq;
    uint32_t to;
    struct paxos_message *message;
};

struct core_node {
    struct core_cluster *cluster;
    uint32_t replica;
    struct paxos *core; /* NULL: down */
    uint64_t life;      /* counts starts: events of an earlier life are ignored */
    uint64_t paused_until;
    uint64_t slow_until;
    uint64_t tick_us;

    /* The journal; survives a crash up to durable_count. */
    struct paxos_append *records;
    size_t record_count;
    size_t record_capacity;
    size_t durable_count;
    size_t flush_count; /* what the running flush covers; 0: none runs */
    uint64_t seq_durable;
    struct ballot promise_kept; /* of the records that were dropped */
    uint64_t seq_next;

    /* The log; survives a crash up to `stored`. */
    struct blob **log; /* by slot */
    uint64_t log_capacity;
    uint64_t learned;
    uint64_t applied;
    uint64_t stored;
    bool apply_runs;

    /* See life_core.c. */
    struct members members; /* as of `applied` */
    struct members members_stored;
    uint64_t incarnation; /* of the identity on the disk */
    uint64_t announced;   /* what the peers are told; another one while in doubt */
    uint64_t incarnation_last;
    bool in_doubt;
    bool has_lost; /* and knows it */

    struct waiting_send *waiting;
    size_t waiting_count;
    size_t waiting_capacity;
};

/* Adds a record behind the last; not durable yet. */
void disk_append(struct core_node *n, const struct paxos_append *record);
/* The same, and the checker is not told. */
void disk_push(struct core_node *n, const struct paxos_append *record);
/* The first `count` records are durable now. */
void disk_make_durable(struct core_node *n, size_t count);
/* Drops the oldest records that the store covers. */
void disk_drop(struct core_node *n);
/* Some of the records of a running flush may have reached the disk, a run of the first. */
void disk_crash(struct core_node *n);
/* Keeps the value of a slot in the store's log. */
void store_put(struct core_node *n, uint64_t slot, struct blob *value);

/* life_core.c */
/* A value is applied: true when it changes the members. */
bool life_take_value(struct core_node *n, uint64_t slot, const struct blob *value);
/* Whether it is a voter, as far as it knows. */
void life_tell_links(struct core_node *n);
/* The replica is down: its disk keeps only a part of what was durable, chosen by `salt`. */
void life_lose_memory(struct core_node *n, uint64_t salt);
enum paxos_standing life_standing(const struct core_node *n);
/* It starts: what is it called? */
void life_begin(struct core_node *n);
/* All others have told: a fresh journal, durable at once. False: not yet. */
bool life_renew(struct core_node *n);
/* It could, but for a change of the members that nobody has decided yet. */
bool life_waits_for_change(const struct core_node *n);

#endif
