/* SPDX-License-Identifier: GPL-3.0-or-later */
/* replica_node.h - one simulated replica, for replica_*.c alone. */
#ifndef RSM_TESTS_SIM_REPLICA_NODE_H
#define RSM_TESTS_SIM_REPLICA_NODE_H

#include "tests/sim/image.h"
#include "tests/sim/sim_node.h"
#include "tests/sim/store_sim.h"

struct replica {
    struct node_cluster *cluster;
    uint32_t id;
    struct rsm_key *key;      /* of its votes, and as a member */
    struct node *node;        /* NULL: down */
    struct look_ahead *ahead; /* while it opens, without threads; else NULL */
    uint64_t life;
    uint64_t incarnation;      /* of the identity on the disk */
    uint64_t joined;           /* 0: a member from the genesis on, as storage/identity.h has it */
    uint64_t announced;        /* what the peers are told; another one while in doubt */
    uint64_t doubted;          /* the last one announced in doubt, durably; 0: never */
    uint64_t announced_before; /* `doubted` as it was at the last start */
    uint64_t incarnation_last; /* drawn so far */
    bool is_old;               /* it was started before */
    uint64_t busy_until;
    uint64_t tick_us;
    struct disk_sim *disk;   /* survives */
    struct store_sim *store; /* survives: as of the last commit */
    struct image image;      /* of what is durable on `disk` */
    struct kv *committing;   /* the node's, while a commit runs */
    struct node *committer;  /* that node; it may be on its way to open */
    struct kv *incoming;     /* a snapshot on its way here; owned, lost in a crash */
    uint64_t checked;        /* slots up to here were audited in this life */
    uint64_t flushes;
    bool audits_store;  /* was committed while the node opened: after its first turn */
    bool awaits_flush;  /* an event for the end of one is set */
    uint64_t turn_wait; /* frames of this turn leave so much later */
    bool dying;         /* its last words go nowhere */
    bool doomed;        /* env.fatal was called: dies at the end of the turn */
    bool restarts;      /* an event for it is set */

    /* members */
    uint64_t members_version; /* that its links know; 0: none yet */
    uint64_t members_next;    /* slot in which the next configuration comes into force */
    bool was_member;
    uint32_t moves; /* of its address */

    /* clocks */
    int64_t wall_offset_ms;
    int64_t skew_ms; /* what wall_offset_ms is without a fault */
    uint64_t rate_permille;
    uint64_t rate_since;     /* simulated time at which the rate was set */
    uint64_t monotonic_then; /* and what the monotonic clock said */

    /* faults that are armed */
    enum disk_sim_crash dies_how;
    bool dies_in_flush;
    uint64_t dies_in_recovery; /* at the call with this number after a start; 0: no */
    uint64_t slow_until;
    uint64_t hung_until;
    uint64_t store_full_until;
    uint64_t disk_full_until;
    bool may_doubt;     /* its journal may rightly be found uncertain or damaged */
    bool lost_silently; /* its own disk cannot tell: it hears of it before it can speak */
    bool has_lost;      /* and it has: it must not speak as an acceptor */
    bool may_fail;      /* an error was planted: it may end by itself, and not start at once */
    uint64_t fail_starts;
    enum replica_voice voice;
    bool spoils_commit; /* a row of the next commits is another one when it is read back */

    /* going on alone: fork_node.c */
    bool is_gone; /* does not start by itself */
    bool is_left; /* its log is not the cluster's any more: judged with those left behind */
    struct blob *recovery; /* owned; the file of that name, of its disk */
    uint64_t fork_slot;    /* slots up to here were judged before; 0: it never went on alone */
};

static inline struct replica *replica_at(const struct node_cluster *c, uint32_t id)
{
    return &c->replicas[id];
}

uint64_t replica_monotonic_us(const struct replica *r);
uint64_t replica_wall_ms(const struct replica *r);
/* What is durable is read; a new acceptor's memory goes to the judges. */
void replica_on_flushed(void *context, uint64_t file);
void replica_on_removed(void *context, uint64_t file);
void replica_on_record(void *context, const struct memory_record *record);
/* Calls `run` later, with the replica, if it lives the same life then. */
void replica_after(struct replica *r, uint64_t delay, sim_run *run);
/* The replica of such a call; NULL: dead, or busy, then it comes again. */
struct replica *replica_take(void *call, sim_run *again);
void replica_end_turn(struct replica *r);
/* Ends the process, and has it started again some time later. */
void replica_die(struct replica *r, enum disk_sim_crash how);
/* A disk that holds nothing, and an incarnation of its own. It starts again by itself. */
void replica_replace(struct replica *r);
/* member_node.c: `r` has applied `slot`; and its links follow what it has applied */
void member_on_applied(struct replica *r, uint64_t slot);
void member_follow(struct replica *r);
static inline struct checker *replica_checker(const struct replica *r)
{
    return r->is_left ? r->cluster->left_checker : r->cluster->checker;
}

static inline struct audit *replica_audit(const struct replica *r)
{
    return r->is_left ? r->cluster->left_audit : r->cluster->audit;
}

/* replica_env.c */
extern const struct node_env replica_env;

#endif
