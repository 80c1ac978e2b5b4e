/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_internal.h - the parts of a node, for the files src/daemon/node*.c alone.
 *
 * Invariants, true between two calls of node.h:
 *   1. Everything the core appended is in the journal's current group or durable.
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
#include "src/daemon/heads.h"
#include "src/daemon/node.h"
#include "src/daemon/submissions.h"
#include "src/machine/machine.h"
#include "src/machine/verdict.h"
#include "storage/chain.h"
#include "storage/journal.h"

#define NODE_MEMO_SIZE 4096u /* a power of two; a window of slots and a little more */
#define NODE_TEXT_SIZE 512u
#define CHECKPOINT_SIZE (8u + 3u * HASH_SIZE) /* encoded */
#define SNAPSHOT_FORGET_MS 10000u             /* a transfer that does not move is given up */

/* A frame that waits for the journal. */
struct held_frame {
    uint64_t durable_seq;
    uint32_t to;
    struct blob *frame; /* owned reference */
};

/* A slot that was learned and is not applied yet. */
struct learned_slot {
    uint64_t slot;
    struct blob *value; /* owned reference, NULL for a no-op */
};

struct speculation {
    struct kv *overlay;   /* owned, over the applied overlay */
    uint64_t end;         /* slots below are in it */
    struct blob **values; /* owned, slot n at n % LIMIT_WINDOW; references */
};

/* A snapshot on its way to a peer. */
struct snapshot_sender {
    uint32_t to;    /* 0: none */
    struct kv *cut; /* owned */
    uint64_t slot;
    uint64_t made;      /* pieces made so far; `piece` is the last of them */
    struct blob *piece; /* owned frame, sent again when asked for again */
    uint8_t hash[HASH_SIZE];
    uint8_t table; /* the row after which to go on */
    uint8_t key[LIMIT_KEY_SIZE];
    size_t key_size;
    uint64_t moved_ms;
};

/* What a replica signs of a state: node_snapshot.c. */
struct checkpoint {
    uint64_t slot;
    uint8_t entry_head[HASH_SIZE];
    uint8_t verdict_head[HASH_SIZE];
    uint8_t hash[HASH_SIZE]; /* over all pieces of the snapshot */
};

/* A snapshot on its way to us. */
struct snapshot_receiver {
    uint32_t from; /* 0: none */
    uint64_t slot;
    uint64_t next; /* the piece that is asked for */
    uint8_t hash[HASH_SIZE];
    struct checkpoint checkpoint; /* once complete */
    struct kv *empty;             /* owned, below `rows` */
    struct kv *rows;              /* owned overlay: not written down yet */
    bool complete;
    uint64_t asked_ms, moved_ms;
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
    uint32_t members;        /* bit i: replica i; now or next, learners too */
    uint64_t members_version;
    uint64_t members_next_slot; /* then the ones before are forgotten; 0: none on its way */

    /* the parts, owned */
    struct paxos *paxos;
    struct journal *journal;
    struct machine *machine;
    struct submissions *submissions;
    struct kv *applied;
    struct kv *frozen; /* being committed, or NULL */
    struct speculation spec;

    /* journal */
    uint64_t seq_last;    /* appended */
    uint64_t seq_durable; /* flushed, and said to the core */
    bool flush_wanted;    /* something not lazy was appended */
    bool journal_writable;
    uint64_t repair_segment;   /* segments up to this one are damaged; 0: none */
    uint64_t incarnation_next; /* in doubt: the one to rejoin under; 0: not in doubt */
    bool rejoin_due;           /* everybody has answered: the fresh journal is to be written */
    uint32_t rejoin_told;      /* who was waited for, as logged last */
    /*
     * Not 0: the store lacks slots that the journal relies on (it was lost, or taken back). Then
     * the journal is closed, and this replica says nothing of what it promised or voted, not even
     * that it did not, until the store holds every slot up to here again.
     */
    uint64_t missing_slot;
    struct held_frame *held; /* a ring would do; it is emptied at each flush */
    size_t held_count, held_capacity;

    /* applying */
    struct learned_slot *learned;
    size_t learned_count, learned_capacity;
    struct chain_heads chain;
    uint64_t applied_slot;
    uint64_t applied_told; /* env.applied was called for slots up to here */
    uint64_t log_time_ms;
    uint64_t stored_slot;
    uint64_t frozen_slot; /* what the running commit covers */
    uint64_t last_commit_ms;
    bool commit_now;
    bool commit_again; /* the running commit found the disk full */
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
    bool chosen_to_announce;

    /* verified envelopes, by digest: a direct-mapped memo */
    uint8_t (*memo)[HASH_SIZE];

    /* time */
    uint64_t tick;
    uint64_t rejection_window_ms; /* beginning of the minute that is counted */
    uint64_t rejections_in_window;

    /* counters */
    struct {
        uint64_t submitted;
        uint64_t applied_commands;
        uint64_t refused_commands;
        uint64_t store_commits;
        uint64_t leader_changes;
        uint64_t bad_frames;
    } counters;
    uint64_t contact_ms;
    uint64_t peer_heard_ms[REPLICA_MAX + 1];
    uint64_t leader_asked_ms; /* last time queued commands were looked at for forwarding */
    char text[NODE_TEXT_SIZE];
};

static inline uint64_t node_now_ms(struct node *n)
{
    return n->env.monotonic_us(n->env.context) / 1000;
}

/* node.c */
void node_step(struct node *n, const struct paxos_event *event);
void node_fail(struct node *n, enum rsm_status status, const char *text);
void node_raise(struct node *n, uint32_t alarm, uint64_t slot);
void node_clear(struct node *n, uint32_t alarm);
/*
 * The store holds the missing slots again, and everything that is applied: the journal is opened
 * after all, the core begins anew from both.
 */
void node_resume(struct node *n);
/* Why no command can be taken now: RSM_OK when it can. */
enum rsm_status node_refuses(const struct node *n);

/* node_spec.c: the speculation */
enum judgement {
    JUDGED_OK = 1, /* it is in the speculation now */
    JUDGED_REFUSED,
    JUDGED_DUPLICATE, /* every command in it has its verdict already */
    JUDGED_WAIT,      /* a slot below is not known yet */
    JUDGED_BAD,       /* no such entry can be: malformed, wrong cluster, bad signature */
};

void spec_init(struct node *n);
void spec_deinit(struct node *n);
/* Throws it away; it begins again behind what is applied. */
void spec_reset(struct node *n);
/* A slot was applied: keeps, empties or throws away what was speculated. */
void spec_on_applied(struct node *n, uint64_t slot, struct blob *value);
/* Throws it away when it holds another value for one of these slots than the core accepted. */
void spec_compare(struct node *n, const struct paxos_message *message);
/*
 * What the rules say of `value` in `slot`, behind everything accepted below. On JUDGED_REFUSED the
 * verdicts are in *verdicts_out (owned by the caller, verdicts_deinit).
 */
enum judgement spec_judge(struct node *n, uint64_t slot, struct blob *value,
                          struct verdicts *verdicts_out);

/* Takes the next slot's value whatever the rules say of it. False when the state is damaged. */
bool spec_take(struct node *n, struct blob *value);

/* What the machine is told of the envelope in a slot's value. */
struct machine_signatures node_signatures(struct node *n, struct bytes value);

/* node_members.c: the members, told to the core when applying changed them */
enum rsm_status members_read(struct node *n, struct members *members_out);
/* Before the core is told that slots are applied, or a snapshot is installed. */
void members_follow(struct node *n);

/* node_rejoin.c */
/* The journal is damaged, uncertain or gone. */
void rejoin_begin_doubt(struct node *n, uint32_t alarm);
/* The core has heard everybody: a fresh journal, the new incarnation, and votes again. */
void rejoin_finish(struct node *n);
void rejoin_on_heartbeat(struct node *n);

/* node_verify.c: form, cluster and signature, remembered by digest */
enum rsm_status node_verify_envelope(struct node *n, struct bytes raw,
                                     const uint8_t digest[HASH_SIZE], struct envelope *out);

/* node_submit.c */
void submit_propose(struct node *n);
/* Proposes a tick when a deadline has passed and nothing else moves log time. */
void submit_time(struct node *n);
void submit_forward(struct node *n);
void submit_expire(struct node *n);
/* Answers what has its verdict already, after slots were skipped by a snapshot. */
void submit_answer_known(struct node *n);
void submit_on_lost(struct node *n, const struct paxos_lost *lost);
void submit_on_leader_changed(struct node *n);
/* A slot's verdicts are known: answers who waits. */
void submit_on_applied(struct node *n, const uint8_t digest[HASH_SIZE], uint64_t slot,
                       const struct verdicts *verdicts);
void submit_on_forward(struct node *n, uint32_t from, struct bytes envelope);
void submit_on_forward_failed(struct node *n, const uint8_t digest[HASH_SIZE],
                              enum rsm_status status, const char *text);
void submit_fail_all(struct node *n, enum rsm_status status, const char *text);

/* node_apply.c */
void apply_learned(struct node *n);
/* What was learned waits: for a snapshot, for a commit, or for ever. */
bool apply_is_held(const struct node *n);
enum rsm_status apply_slot(struct node *n, uint64_t slot, struct blob *value);
void apply_commit_when_due(struct node *n);
/* The store holds everything up to stored_slot. */
void apply_on_stored(struct node *n);
/* A commit that found the disk full is tried again. */
void apply_commit_again(struct node *n);
bool apply_heads_at(void *context, uint64_t slot, struct heads *heads_out);

/* node_snapshot.c */
bool snapshot_offer(struct node *n, const struct paxos_range *range);
void snapshot_on_offer(struct node *n, uint32_t from, uint64_t slot);
void snapshot_on_want(struct node *n, uint32_t from, uint64_t slot, uint64_t number);
void snapshot_on_chunk(struct node *n, uint32_t from, uint64_t slot, uint64_t number,
                       struct bytes chunk);
void snapshot_install_when_due(struct node *n);
void snapshot_on_tick(struct node *n);
void receive_on_tick(struct node *n);
void snapshot_drop_sender(struct node *n);
void snapshot_drop_receiver(struct node *n);
/* Both sides make these: the next piece's hash, and what is signed. */
void snapshot_hash_piece(uint8_t hash[HASH_SIZE], uint64_t slot, uint64_t number,
                         struct bytes rows);
void snapshot_put_checkpoint(const struct checkpoint *c, uint8_t out[CHECKPOINT_SIZE]);

/* node_repair.c */
void repair_on_tick(struct node *n);

/* node_peer.c */
void peer_send_message(struct node *n, const struct paxos_send *send);
void peer_release_held(struct node *n);
void peer_send_range(struct node *n, const struct paxos_range *range);
/* node_clock.c: the time for a leader's stamps, the median of the members' clocks. */
uint64_t node_clock_ms(struct node *n);
void peer_send_heads(struct node *n);
void peer_judge_heads(struct node *n);

#endif
