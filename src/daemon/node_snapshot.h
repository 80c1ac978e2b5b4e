/* SPDX-License-Identifier: GPL-3.0-or-later */
/* node_snapshot.h - what is kept of a snapshot that is on its way: node_snapshot.c says how. */
#ifndef RSM_DAEMON_NODE_SNAPSHOT_H
#define RSM_DAEMON_NODE_SNAPSHOT_H

#include "src/base/blob.h"
#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/base/kv.h"
#include "src/base/limits.h"
#include "src/base/pace.h"

#define CHECKPOINT_SIZE (8u + 3u * HASH_SIZE) /* encoded */
#define SNAPSHOT_FORGET_MS 10000u             /* a transfer that does not move is given up */

/* A snapshot on its way to a peer. */
struct snapshot_sender {
    uint32_t to;    /* 0: none */
    struct kv *cut; /* owned */
    uint64_t slot;
    uint64_t made;      /* pieces made so far; `piece` is the last of them */
    struct blob *piece; /* owned frame, sent again when asked for again */
    uint8_t hash[HASH_SIZE];
    struct writer row; /* the one that is being sent, of which */
    size_t row_sent;   /* bytes are in pieces already */
    uint8_t table;     /* the row after which to go on */
    uint8_t key[LIMIT_KEY_SIZE];
    size_t key_size;
    uint64_t moved_ms;
    struct pace pace;
    bool is_wanted; /* a new piece was asked for, and waits for its time */
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
    struct writer part;           /* the beginning of a row whose rest is in the next pieces */
    bool complete;
    uint64_t asked_ms, moved_ms;
};

#endif
