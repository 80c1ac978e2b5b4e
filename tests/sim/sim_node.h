/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim_node.h - clusters of whole nodes: src/daemon/node.c with consensus, state machine and
 * journal, over disks in memory that lose sectors, a store that commits late, and the simulated
 * network.
 */
#ifndef RSM_TESTS_SIM_SIM_NODE_H
#define RSM_TESTS_SIM_SIM_NODE_H

#include <rsm/key.h>
#include <rsm/wire.h>

#include "src/daemon/node.h"
#include "tests/lib/disk_mem.h"
#include "tests/sim/net_sim.h"

struct node_options {
    uint32_t node_count;
    struct node_config config; /* but self and seed */
    struct net_options net;
    uint64_t flush_us_max; /* a turn with a flush keeps the replica busy so long */
    uint64_t commit_us_max;
    uint64_t crash_us; /* mean times, 0: never; as in sim_core.h */
    uint64_t partition_us;
    uint64_t pause_us;
    uint32_t crash_all_ppm;
    bool kill_in_flush; /* crashes also in the middle of a turn; what was written stays */
    bool power_cut;     /* one replica loses unflushed sectors in the middle of a turn, once */
    int64_t skew_ms_max;
    uint32_t author_count;
    uint64_t think_us_max;
    uint32_t read_ppm;
};

/* What is known of a slot, from whoever applied it first. */
struct slot_fact {
    bool known;
    uint8_t entry_head[HASH_SIZE];
    uint8_t verdict_head[HASH_SIZE];
};

struct replica;
struct author;

struct node_cluster {
    struct sim sim;
    struct net net;
    struct node_options options;
    struct replica *replicas; /* by id */
    struct author *authors;
    struct writer genesis;
    uint8_t cluster_id[CLUSTER_ID_SIZE];
    struct slot_fact *facts; /* by slot */
    uint64_t fact_capacity;
    uint64_t acknowledged_last;
    uint64_t read_floor;
    uint64_t token_next;
    uint32_t torn; /* the replica whose disk lost sectors, 0: none; it may not vote any more */
    bool faults;
    bool stop;
    struct sim_report *report;
};

/* replica_node.c */
size_t replica_size(void);
void replica_init(struct node_cluster *c, uint32_t id);
void replica_deinit(struct node_cluster *c, uint32_t id);
void replica_start(struct node_cluster *c, uint32_t id);
void replica_crash(struct node_cluster *c, uint32_t id);
/* Dies at one of the next calls to its disk; with `torn` the disk loses unflushed sectors. */
void replica_crash_in_flush(struct node_cluster *c, uint32_t id, bool torn);
/* A death that was set and has not come does not come any more. */
void replica_disarm(struct node_cluster *c, uint32_t id);
void replica_pause(struct node_cluster *c, uint32_t id, uint64_t duration);
bool replica_is_up(const struct node_cluster *c, uint32_t id);
bool replica_is_busy(const struct node_cluster *c, uint32_t id);
void replica_submit(struct node_cluster *c, uint32_t id, uint64_t token, struct blob *envelope);
void replica_read(struct node_cluster *c, uint32_t id, uint64_t token);
uint64_t replica_applied(const struct node_cluster *c, uint32_t id);
void replica_status(const struct node_cluster *c, uint32_t id, struct node_status *status_out);
struct kv *replica_state(const struct node_cluster *c, uint32_t id);
extern const struct net_calls replica_net_calls;

/* author_node.c */
size_t author_size(void);
void author_init(struct node_cluster *c, uint32_t index);
void author_deinit(struct node_cluster *c, uint32_t index);
bool author_is_idle(const struct node_cluster *c, uint32_t index);
void author_on_outcome(struct node_cluster *c, uint64_t token, const struct node_outcome *outcome);
void author_on_read(struct node_cluster *c, uint32_t replica, uint64_t token,
                    enum rsm_status status);
void author_on_crash(struct node_cluster *c, uint32_t replica);
const struct rsm_key *author_key(const struct node_cluster *c, uint32_t index);
/* Every acknowledged command is in this log exactly once, where its author was told. */
void author_check_log(struct node_cluster *c, uint32_t replica);

#endif
