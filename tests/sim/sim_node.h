/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim_node.h - clusters of whole nodes (src/daemon/node.c and all below it), over disks that do all
 * that is wrong, a store that is taken back to its last commit, and the simulated network.
 *
 * The judges (checker.h, refpaxos.h, audit.h, recount.h) see each frame as it leaves, each group as
 * it becomes durable, each commit of a store, each applied slot and each call of a client.
 */
#ifndef RSM_TESTS_SIM_SIM_NODE_H
#define RSM_TESTS_SIM_SIM_NODE_H

#include <rsm/body.h>
#include <rsm/command.h>
#include <rsm/key.h>
#include <rsm/wire.h>

#include "consensus/quorum.h"
#include "src/command/genesis.h"
#include "src/daemon/node.h"
#include "tests/sim/audit.h"
#include "tests/sim/disk_sim.h"
#include "tests/sim/net_sim.h"
#include "tests/sim/plan.h"

struct node_options {
    uint32_t node_count;       /* replicas there are; those above voter_count are spare at first */
    uint32_t voter_count;      /* of the genesis */
    struct node_config config; /* but self, incarnation and seed */
    struct net_options net;
    uint64_t flush_us_max; /* a flush takes so long: the turn with it, or beside the turns */
    bool flushes_beside;
    uint64_t commit_us_max;
    int64_t skew_ms_max;
    uint32_t author_count;
    uint64_t think_us_max;
    uint32_t read_ppm;
    uint32_t shared_ppm;   /* writes to a zone that all authors write to */
    uint32_t critical_ppm; /* requests of a higher class, which wait for votes */
    uint32_t critical_ms;  /* the policy's deadline */
    uint32_t zones_least;  /* and how many zones are enough then */
    uint32_t update_ppm;   /* dynamic updates */
    uint32_t plane_ppm;    /* services, updates of every form; with `labels` labels of zones */
    bool labels;           /* that make changes of a zone critical */
    bool robots;           /* every other author is an automaton, now and then frozen */
    bool robots_standard;  /* and its grants allow what is standard alone */
    bool root;             /* persons hold the root role, and agree to what needs it */
    uint32_t victim;       /* whose disk may lose what it said was durable */
    bool real_store;
    bool real_signatures; /* each replica verifies for itself */
};

struct replica;
struct author;

/* Who the members are, as the replica that has applied most says. */
struct node_members {
    uint64_t slot; /* applied there */
    uint64_t version;
    uint64_t next_first; /* UINT64_MAX: no change is under way */
    replica_set voters;
    replica_set all;
    replica_set next_voters;
    replica_set next_all;
    uint32_t steady; /* stays for good */
};

struct node_cluster {
    struct sim sim;
    struct net net;
    struct checker *checker;
    struct audit *audit;
    struct checker *left_checker; /* of those that one goes on without (fork_node.h), or NULL */
    struct audit *left_audit;
    struct node_options options;
    struct plan plan;
    struct replica *replicas; /* by id */
    struct author *authors;
    struct writer genesis;
    struct genesis genesis_parsed;
    struct node_members members;
    const struct fault *member_wish; /* a change that some author shall ask for; NULL: none */
    uint8_t cluster_id[CLUSTER_ID_SIZE];
    uint64_t acknowledged_last;
    uint64_t read_floor;
    uint64_t lamport_highest; /* of what was acknowledged */
    uint64_t token_next;
    enum rsm_status status_last; /* of such an answer */
    uint64_t tokens_given_up;    /* their clients died; answers to them go nowhere */
    bool faults;
    bool stop;
    bool is_beyond; /* a disk lost a whole flush and left no trace of it: see sim_node.c */
    struct sim_report *report;
};

static inline void sim_mark(struct node_cluster *c, enum sim_mark mark)
{
    c->report->node_marks[mark]++;
}

/* sim_node.c: a cluster by its options, and kinds of faults as in plan.h; and its end. */
void cluster_options_calm(struct node_options *o);
void cluster_begin(struct node_cluster *c, const struct sim_request *request, uint64_t faults);
void cluster_end(struct node_cluster *c);

/* What a replica says of changes that wait: planned.h. */
enum replica_voice {
    VOICE_YES = 0,
    VOICE_NO,     /* its scrubber has found something */
    VOICE_SILENT, /* it signs nothing */
};
void replica_set_voice(struct node_cluster *c, uint32_t id, enum replica_voice voice);
const struct rsm_key *replica_key(const struct node_cluster *c, uint32_t id);

/* replica_node.c: life and death */
size_t replica_size(void);
/* Before the genesis: its key, and where it stands. Five replicas stand in three zones. */
void replica_make_key(struct node_cluster *c, uint32_t id);
const uint8_t *replica_public_key(const struct node_cluster *c, uint32_t id);
#define REPLICA_ZONE_SIZE 16
void replica_zone(uint32_t id, char out[REPLICA_ZONE_SIZE]);
void replica_init(struct node_cluster *c, uint32_t id);
void replica_deinit(struct node_cluster *c, uint32_t id);
void replica_start(struct node_cluster *c, uint32_t id);
/* It dies now, and starts again some time later; of what is not durable `how` says what is kept. */
void replica_crash(struct node_cluster *c, uint32_t id, enum disk_sim_crash how);
/* It dies at one of the next calls to its disk; with 0 in its next flush. */
void replica_crash_in_flush(struct node_cluster *c, uint32_t id, enum disk_sim_crash how,
                            uint64_t calls);
/* And again while it starts. */
void replica_crash_in_recovery(struct node_cluster *c, uint32_t id, uint64_t calls);
void replica_pause(struct node_cluster *c, uint32_t id, uint64_t duration);
bool replica_is_up(const struct node_cluster *c, uint32_t id);
bool replica_is_busy(const struct node_cluster *c, uint32_t id);
void replica_submit(struct node_cluster *c, uint32_t id, uint64_t token, struct blob *envelope);
void replica_read(struct node_cluster *c, uint32_t id, uint64_t token);
void replica_peer_lost(struct node_cluster *c, uint32_t id, uint32_t peer);
/* A client was told this slot by this replica: it is chosen. */
void replica_judge_acknowledged(struct node_cluster *c, uint32_t id, uint64_t slot);
/* What a read sees there now is what the recount has for what that replica has applied. */
void replica_judge_read(struct node_cluster *c, uint32_t id, struct bytes zone, struct bytes owner);
uint64_t replica_applied(const struct node_cluster *c, uint32_t id);
/* Its wall clock. */
uint64_t replica_clock_ms(const struct node_cluster *c, uint32_t id);
void replica_status(const struct node_cluster *c, uint32_t id, struct node_status *status_out);
struct kv *replica_state(const struct node_cluster *c, uint32_t id);
/* Faults of its own end; what is armed does not happen any more. */
void replica_heal(struct node_cluster *c, uint32_t id);
/* A disk lost something, or might have: it may say that it does not vote. */
bool replica_may_doubt(const struct node_cluster *c, uint32_t id);
extern const struct net_calls replica_net_calls;

/* member_node.c: members that come and go */
void member_begin(struct node_cluster *c);
void member_wish(struct node_cluster *c, const struct fault *fault);
/* The command that the wish asks for, made of what replica `at` knows. */
enum rsm_kind member_body(struct node_cluster *c, uint32_t at, struct rsm_buffer *body_out);
/* Those of the configuration in force, and of the one that waits for its slot. */
replica_set member_all(const struct node_cluster *c);
bool member_is_quorum(const struct node_cluster *c, replica_set set);

/* replica_fault.c: what goes wrong with one replica */
void replica_fault(struct node_cluster *c, const struct fault *fault);

/* faults_node.c: obeys the plan */
void node_fault_run(void *context, void *argument);

/* author_node.c */
size_t author_size(void);
void author_init(struct node_cluster *c, uint32_t index);
void author_deinit(struct node_cluster *c, uint32_t index);
bool author_is_idle(const struct node_cluster *c, uint32_t index);
void author_on_outcome(struct node_cluster *c, uint64_t token, const struct node_outcome *outcome);
void author_on_read(struct node_cluster *c, uint32_t replica, uint64_t token,
                    enum rsm_status status);
void author_on_crash(struct node_cluster *c, uint32_t replica);
/* The process of a client dies; it comes back and asks again for what it does not know. */
void author_die(struct node_cluster *c, uint64_t salt);
struct rsm_bytes author_zone(const struct node_cluster *c, uint32_t index);
const struct rsm_key *author_key(const struct node_cluster *c, uint32_t index);
/* Every acknowledged command is where its author was told, says the recount. */
void author_check_log(struct node_cluster *c);

/* author_robot.c: automata, and what the administrator does with them */
bool author_is_robot(const struct node_cluster *c, uint32_t index);
void robot_role(const struct node_cluster *c, struct rsm_buffer *body);
void robot_principal(const struct node_cluster *c, uint32_t index, const char *name,
                     struct rsm_bytes key, bool has_root, struct rsm_buffer *body);
enum rsm_kind robot_operation(struct node_cluster *c, uint32_t at, struct rsm_buffer *body);

/* author_plane.c: updates with prerequisites, services, labels */
void plane_update(struct node_cluster *c, uint32_t index, uint64_t counter,
                  struct rsm_buffer *body);
enum rsm_kind plane_service(struct node_cluster *c, uint32_t index, struct rsm_buffer *body);
void plane_label(struct node_cluster *c, uint32_t index, struct rsm_buffer *body);
void plane_pack_classes(struct writer *map);

/* verify_sim.c: verification, once for each envelope in the process */
void verify_sim_begin(bool real);

#endif
