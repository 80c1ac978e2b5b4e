/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_internal.h - the parts of a node, for the files src/daemon/node*.c alone.
 *
 * Invariants, true between two calls of node.h:
 *   1. Everything the core appended is in the journal's current group, under way or durable.
 *   2. `held` has only frames whose record is not durable yet, in the order of their sequence.
 *   3. `applied` (overlay) over `frozen` (or nothing) over `base` is the state up to core-applied.
 *   4. The speculation covers slots (applied, spec.end): each value is the one that the core has
 *      accepted there, or the speculation is thrown away before it is used again.
 */
#ifndef RSM_DAEMON_NODE_INTERNAL_H
#define RSM_DAEMON_NODE_INTERNAL_H

#include "consensus/paxos.h"
#include "src/command/envelope.h"
#include "src/command/genesis.h"
#include "src/command/signature.h"
#include "src/daemon/doubled.h"
#include "src/daemon/heads.h"
#include "src/daemon/held.h"
#include "src/daemon/learned.h"
#include "src/daemon/audit.h"
#include "src/daemon/node.h"
#include "src/daemon/node_snapshot.h"
#include "src/daemon/node_spec.h"
#include "src/daemon/stages.h"
#include "src/daemon/submissions.h"
#include "src/machine/machine.h"
#include "src/machine/verdict.h"
#include "storage/chain.h"
#include "storage/journal.h"

#define NODE_MEMO_SIZE 4096u /* a power of two; a window of slots and a little more */
#define NODE_TEXT_SIZE 512u

/* What votes would take of the journal. */
struct space {
    uint64_t bytes;
    uint64_t largest; /* of one of them */
};

struct node {
    /* fixed after node_open */
    struct node_config config;
    struct node_env env;
    struct genesis genesis; /* borrows from genesis_bytes */
    struct blob *genesis_bytes;
    struct disk *disk;
    struct kv *base;

    struct {
        uint64_t incarnation;
        uint64_t seq;
    } seen[REPLICA_MAX + 1]; /* of the peers' journals: what their stamps said */
    struct doubled doubled[REPLICA_MAX + 1];
    uint32_t members; /* bit i: replica i; now or next, learners too */
    uint64_t members_version;
    uint64_t joined_version;    /* the first configuration that counts this disk; 0: all do */
    uint64_t members_next_slot; /* then the ones before are forgotten; 0: none on its way */
    uint64_t recovery_epoch;    /* node_recover.c: not 0 while it goes on alone */
    uint64_t recovery_tried;    /* applied when the recovery was proposed last; 0: not yet */

    /* the parts, owned */
    struct paxos *paxos;
    struct journal *journal;
    struct machine *machine;
    struct submissions *submissions;
    struct kv *applied;
    struct kv *frozen; /* being committed, or NULL */
    struct speculation spec;

    /* journal */
    uint64_t seq_last;     /* appended */
    uint64_t seq_durable;  /* flushed, and said to the core */
    uint64_t seq_at_tick;  /* appended when the last tick came */
    bool flush_wanted;     /* something not lazy was appended */
    uint64_t flushing_seq; /* a flush up to here is under way beside the loop; 0: none is */
    uint64_t flushing_ns;  /* since then */
    bool journal_writable;
    uint64_t repair_segment;   /* segments up to this one are damaged; 0: none */
    bool has_lost;             /* in doubt, and something acknowledged is known to be gone */
    uint64_t incarnation_next; /* in doubt: the one to rejoin under; 0: not in doubt */
    bool rejoin_due;           /* everybody has answered: the fresh journal is to be written */
    bool rejoin_blocked;       /* as logged last */
    uint32_t rejoin_told;      /* who was waited for, as logged last */
    /*
     * Not 0: the store lacks slots that the journal relies on (it was lost, or taken back). Then
     * the journal is closed, and this replica says nothing of what it promised or voted, not even
     * that it did not, until the store holds every slot up to here again.
     */
    uint64_t missing_slot;
    struct held held; /* what waits for a flush */
    struct {
        struct ballot ballot; /* the last that was prepared here */
        uint64_t slot_end;    /* its promises reported votes below */
        struct space space;   /* of journal that these take beyond the own votes */
    } found;

    /* applying */
    struct learned learned;
    struct chain_heads chain;
    uint64_t applied_slot;
    uint64_t applied_told; /* env.applied was called for slots up to here */
    uint64_t log_time_ms;
    uint64_t stored_slot;
    struct audit audit;
    uint64_t frozen_slot; /* what the running commit covers */
    uint64_t last_commit_ms;
    bool commit_now;
    bool commit_again;  /* the running commit found the disk full */
    bool is_store_full; /* so did the last one that ended */
    bool is_replaying;  /* the journal is being opened */
    struct snapshot_sender sending;
    struct snapshot_receiver receiving;
    struct writer scratch;
    struct verdicts verdicts; /* of the slot applied last */

    /* doubts */
    uint32_t alarms;
    uint64_t alarm_slot;
    struct heads_table heads;
    int64_t peer_clock_ms[REPLICA_MAX + 1]; /* its clock above our monotonic one, by its heads */
    bool dead;                              /* env.fatal was called */
    bool stopping;                          /* takes no more commands */
    bool chosen_to_announce;                /* to the followers: node.c */
    bool announce_now;                      /* one of them waits for it */

    uint8_t own_digest[HASH_SIZE]; /* envelope of the last command of its own (node_own.c) */
    /* verified envelopes, by digest: a direct-mapped memo */
    uint8_t (*memo)[HASH_SIZE];

    /* time */
    uint64_t tick;
    uint64_t rejection_window_ms; /* beginning of the minute that is counted */
    uint64_t rejections_in_window;

    /* counters */
    struct {
        uint64_t submitted, applied_commands;
        uint64_t refused_commands;
        uint64_t store_commits;
        uint64_t leader_changes;
        uint64_t bad_frames, sent[PAXOS_MESSAGE_TYPE_END]; /* sent: messages, by type */
    } counters;
    struct stages *stages; /* owned */
    uint64_t contact_ms;
    uint64_t resigned_ms; /* because its disk is low; 0: never */
    uint64_t peer_heard_ms[REPLICA_MAX + 1];
    uint64_t leader_asked_ms; /* last time queued commands were looked at for forwarding */
    char text[NODE_TEXT_SIZE];
};

static inline uint64_t node_now_ns(struct node *n)
{
    return n->env.monotonic_ns(n->env.context);
}
static inline uint64_t node_now_ms(struct node *n)
{
    return node_now_ns(n) / 1000000;
}
#include "src/daemon/node_parts.h"

#endif
