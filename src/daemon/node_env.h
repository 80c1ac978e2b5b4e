/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_env.h - what a node asks of its surroundings: the daemon's loop (loop_env.c) or a simulator.
 */
#ifndef RSM_DAEMON_NODE_ENV_H
#define RSM_DAEMON_NODE_ENV_H

#include <stdbool.h>

#include <rsm/status.h>

#include "src/base/blob.h"
#include "src/base/ids.h"
#include "src/base/kv.h"

struct machine_signatures;
struct node;

/* What came of node_submit. Borrowed during the call. */
struct node_outcome {
    enum rsm_status status; /* RSM_OK: there are verdicts (applied or refused by rule) */
    const char *text;       /* words for a status that is not RSM_OK, else NULL */
    uint64_t slot;
    bool duplicate;        /* the verdicts are those of an earlier time */
    struct bytes verdicts; /* as in TABLE_VERDICT: src/machine/verdict.h decodes it */
};

/* What the node asks of its surroundings. None of these may call back into the node. */
struct node_env {
    void *context;
    /* Sends a frame (src/net/peer_codec.h) to a peer, or drops it. Takes no reference. */
    void (*send)(void *context, uint32_t replica, struct blob *frame);
    /* Bytes that were handed to `send` for the peer and that it has not got yet, as far as known.
     */
    size_t (*backlog)(void *context, uint32_t replica);
    /* What was handed to `send` shall leave now: the own flush is about to begin. */
    void (*push)(void *context);
    /* Wall clock in ms since 1970: for timestamps only. */
    uint64_t (*wall_ms)(void *context);
    /* Monotonic clock in ns, for ages and statistics. */
    uint64_t (*monotonic_ns)(void *context);
    /*
     * Begins to commit `frozen` (an overlay) to the store. It is not written to any more until
     * node_on_committed is called (from the main loop, later). Before that, when it went well,
     * node_read_back is called for `node`, by whichever thread commits. NULL, and commit_wait with
     * it: for a node that is opened and not run; what its journal has stays in memory.
     */
    void (*commit)(void *context, struct node *node, struct kv *frozen);
    /*
     * Waits for the commit that runs, and ends it: the base shows it then. What it gives is for
     * node_on_committed, which is not called for this commit. While a journal is replayed.
     */
    enum rsm_status (*commit_wait)(void *context);
    /*
     * While a journal is replayed: the value will be applied soon, what does not depend on the
     * state may be found out beside; and what was found out of a value (look_ahead.h), false:
     * nothing. NULL, both: nobody looks ahead.
     */
    void (*look_ahead)(void *context, struct blob *value);
    bool (*looked_ahead)(void *context, struct bytes value, struct machine_signatures *out);
    /*
     * A read-only cut of the store as last committed, to be sent to a peer; the node frees it
     * (kv_free). NULL when none is to be had.
     */
    struct kv *(*snapshot)(void *context);
    /*
     * A snapshot from a peer is collected in a store beside the one in use: begun empty, rows
     * (an overlay) put durably, RSM_DISK_FULL as for commits; its state, read-only, NULL when there
     * is none; dropped, also when there is none. Installed: it takes the place of the store, at
     * once also if the process dies in the middle; *base_out is the new base. No commit runs then,
     * and no cut is open.
     */
    enum rsm_status (*incoming_begin)(void *context);
    enum rsm_status (*incoming_put)(void *context, struct kv *rows);
    struct kv *(*incoming_state)(void *context);
    enum rsm_status (*incoming_install)(void *context, struct kv **base_out);
    void (*incoming_drop)(void *context);
    /* Signs a checkpoint with the replica's own key; and whether that member did (loop.c). */
    void (*sign)(void *context, struct bytes text, uint8_t signature_out[64]);
    bool (*verify)(void *context, uint32_t replica, struct bytes text, const uint8_t signature[64]);
    /*
     * The envelope around a command of the replica itself (author "replica:N"), signed with its
     * member's key; owned by the caller. NULL when it cannot be made. NULL as a function: this
     * replica never votes on changes.
     */
    struct blob *(*sign_command)(void *context, struct bytes command);
    /* Ends a node_submit. Called once for each, perhaps from inside node_submit's caller's turn. */
    void (*submitted)(void *context, uint64_t token, const struct node_outcome *outcome);
    /* Ends a node_read: the state of this replica is now as new as the read's beginning. */
    void (*read_ready)(void *context, uint64_t token, enum rsm_status status, uint64_t slot);
    /* Slots up to `slot` are applied; called once a batch. */
    void (*applied)(void *context, uint64_t slot);
    /*
     * The journal is in doubt: draws a new incarnation, under which the peers are talked to from
     * now on (they hear nothing of the old one any more), and gives it. NULL: never rejoins.
     */
    uint64_t (*doubt)(void *context);
    /*
     * The fresh journal is durable: makes the incarnation that doubt() gave the identity's, with
     * `joined` as in storage/identity.h.
     */
    enum rsm_status (*renewed)(void *context, uint64_t incarnation, uint64_t joined);
    /* The incarnation that a peer is talked to under; 0: not met. NULL: nobody knows. */
    uint64_t (*incarnation_of)(void *context, uint32_t replica);
    /* Something failed that only a restart mends (a failed flush): end the process. */
    void (*fatal)(void *context, enum rsm_status status, const char *text);
};

/*
 * `frozen` was committed, and `store` is a snapshot of the store with it: whether it reads as it
 * was written (audit.h). Touches nothing else of the node, so that it may run beside its owner.
 */
void node_read_back(struct node *node, const struct kv *frozen, struct kv *store);

/* The disk may have an answer of disk_write_end. When nothing is under way it is ignored. */
void node_on_flushed(struct node *node);

#endif
