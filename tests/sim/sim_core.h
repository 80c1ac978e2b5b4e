/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim_core.h - a cluster of real cores over simulated disks and a simulated network.
 *
 * The shell here is as small as can be: a journal that loses what was not flushed, a store that is
 * behind, a machine that applies late, clients that write unique values and read.
 */
#ifndef RSM_TESTS_SIM_SIM_CORE_H
#define RSM_TESTS_SIM_SIM_CORE_H

#include "consensus/paxos.h"
#include "tests/sim/checker.h"
#include "tests/sim/net_sim.h"
#include "tests/sim/plan.h"

/* What a seed draws. A rate of 0 switches the fault off: each is off in half of the seeds. */
struct core_options {
    uint32_t voter_count;
    uint32_t learner_count;
    struct paxos_config config; /* but self and seed */
    struct net_options net;
    uint64_t flush_us_min;
    uint64_t flush_us_max;
    uint64_t apply_us_max;
    uint64_t store_us; /* between commits of the store */
    uint32_t refuse_ppm;
    uint32_t wait_ppm;
    uint32_t snapshot_lag; /* a peer further behind gets a snapshot */
    uint32_t client_count;
    uint64_t think_us_max;
    uint32_t read_ppm;
    bool announce;
    uint32_t victim;   /* whose disk may lose what was durable */
    bool losses_known; /* any disk may then, for each replica knows what happened to it */
    uint32_t spare;    /* replicas that are no members at first */
    bool change_members;
};

/* A fault that stays when all others stop: the rest has to finish without that replica. */
enum core_lasting {
    LASTING_NONE = 1,
    LASTING_DOWN,
    LASTING_ISOLATED,
    LASTING_DEAF, /* it can speak, and hears nobody */
    LASTING_MUTE,
    LASTING_LINK, /* one link to one other replica, both ways */
    LASTING_HALF_LINK,
    LASTING_DISK, /* its flushes never end */
};

struct core_node;
struct core_client;

struct core_cluster {
    struct sim sim;
    struct net net;
    struct checker *checker;
    struct core_options options;
    struct plan plan;
    struct core_node *nodes;     /* by replica, 1..node_count */
    struct core_client *clients; /* client_count */
    uint32_t node_count;
    struct members members; /* the newest that anybody has applied, */
    uint64_t members_slot;  /* in this slot */
    uint64_t value_next;
    uint64_t read_next;
    bool faults; /* the first phase */
    bool clients_stop;
    enum core_lasting lasting;
    uint32_t excluded; /* set of replicas that need not keep up, because of the lasting fault */
    struct sim_report *report;
};

/* Draws the options of a seed. */
void core_options_draw(struct core_options *o, struct sim *sim);
/* Starts replicas and clients, and the faults that the options name; the zeroed cluster has a
 * report, options, and a sim. */
void core_cluster_begin(struct core_cluster *c);
/* Adds to the report and frees everything. */
void core_cluster_end(struct core_cluster *c);

/* node_core.c: one replica */
size_t core_node_size(void);
void core_node_init(struct core_cluster *c, uint32_t replica);
void core_node_deinit(struct core_cluster *c, uint32_t replica);
void core_node_start(struct core_cluster *c, uint32_t replica);
void core_node_crash(struct core_cluster *c, uint32_t replica);
void core_node_pause(struct core_cluster *c, uint32_t replica, uint64_t duration);
/* It crashes, and loses some of what was durable; or only cannot tell. */
void core_node_lose_memory(struct core_cluster *c, uint32_t replica, uint64_t salt);
void core_node_doubt(struct core_cluster *c, uint32_t replica);
/* Flushes take until then. */
void core_node_slow_disk(struct core_cluster *c, uint32_t replica, uint64_t until);
void core_node_peer_lost(struct core_cluster *c, uint32_t replica, uint32_t peer);
bool core_node_waits_for_change(const struct core_cluster *c, uint32_t replica);
bool core_node_is_in_doubt(const struct core_cluster *c, uint32_t replica);
/* It knows that its disk lost something, and has not rejoined yet. */
bool core_node_has_lost(const struct core_cluster *c, uint32_t replica);
/* It knows of other members, and none of them is among these. */
bool core_node_is_lonely(const struct core_cluster *c, uint32_t replica, replica_set members);
bool core_node_is_up(const struct core_cluster *c, uint32_t replica);
const struct paxos *core_node_paxos(const struct core_cluster *c, uint32_t replica);
uint64_t core_node_applied(const struct core_cluster *c, uint32_t replica);
/* A flush is under way. */
bool core_node_is_flushing(const struct core_cluster *c, uint32_t replica);
/* Compares the whole log with what the checker knows. */
void core_node_check_log(struct core_cluster *c, uint32_t replica);
/* False when it cannot propose now; the client then asks elsewhere. */
bool core_node_propose(struct core_cluster *c, uint32_t replica, uint64_t cookie,
                       struct blob *value);
void core_node_read(struct core_cluster *c, uint32_t replica, uint64_t read_id);
/* The net's calls. */
extern const struct net_calls core_net_calls;

/* client_core.c */
void core_client_init(struct core_cluster *c, uint32_t index);
void core_client_deinit(struct core_cluster *c, uint32_t index);
void core_client_change_members(struct core_cluster *c, uint32_t replica, uint32_t member);
/* Nothing is under way. */
bool core_client_is_idle(const struct core_cluster *c, uint32_t index);
void core_client_on_learned(struct core_cluster *c, uint32_t replica, uint64_t cookie,
                            uint64_t slot);
void core_client_on_lost(struct core_cluster *c, uint64_t cookie);
void core_client_on_applied(struct core_cluster *c, uint32_t replica, uint64_t applied);
void core_client_on_read_end(struct core_cluster *c, uint32_t replica, uint64_t read_id,
                             bool confirmed);
void core_client_on_crash(struct core_cluster *c, uint32_t replica);

#endif
