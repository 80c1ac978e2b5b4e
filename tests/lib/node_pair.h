/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_pair.h - two whole nodes without sockets, threads or a clock of the machine, of which both
 * have to vote: what a turn does can be counted. Or one, or three, of which two have to. Disks and
 * stores are in memory. What must not happen (a node's fatal error, a lost frame) ends the test
 * program.
 */
#ifndef RSM_TESTS_LIB_NODE_PAIR_H
#define RSM_TESTS_LIB_NODE_PAIR_H

#include <rsm/command.h>
#include <rsm/key.h>

#include "src/command/genesis.h"
#include "src/daemon/node.h"
#include "tests/lib/disk_mem.h"

enum { NODE_PAIR_FRAMES_MAX = 4096, NODE_PAIR_REPLICAS_MAX = 3 };

struct node_pair_replica {
    struct node_pair *pair;
    uint32_t id;
    struct node *node;
    struct disk_mem *disk;
    struct kv *base, *committing, *incoming;
    struct node_config config;                /* as it was opened with */
    uint64_t incarnation_next;                /* drawn in doubt; 0: none */
    uint64_t commit_calls;                    /* commits that were begun */
    enum rsm_status commit_status;            /* what its commits end with */
    bool holds_commits;                       /* they do not end as long as this is set */
    struct blob *inbox[NODE_PAIR_FRAMES_MAX]; /* from the other ones */
    uint32_t inbox_from[NODE_PAIR_FRAMES_MAX];
    size_t inbox_count;
    int64_t clock_ms;       /* its wall clock is so much ahead of the true time */
    uint32_t deaf_to;       /* bit i: what replica i sends to it is lost */
    uint64_t applied_calls; /* how often it told that slots were applied */
    uint64_t reads_ended;
    enum rsm_status read_status; /* of the last one */
};

struct node_pair {
    /* set before node_pair_open */
    void *context;
    void (*submitted)(void *context, uint64_t token, const struct node_outcome *outcome);
    void (*pushed)(void *context, struct node_pair_replica *by); /* NULL: nobody wants to know */
    uint32_t count;                                              /* of members; 0: two */
    /* A fatal error, or that of a start, comes into `failed`, instead of ending the program. */
    bool may_fail;
    bool has_keys; /* members sign commands of their own: votes */
    /* made by it */
    struct node_pair_replica replicas[NODE_PAIR_REPLICAS_MAX];
    struct node_pair_replica *leader;
    enum rsm_status failed;
    uint64_t now_ms;
    uint32_t tick_ms;
    uint8_t cluster_id[CLUSTER_ID_SIZE];
    struct writer genesis;
    struct rsm_key *admin;                        /* of the principal "admin" */
    struct rsm_key *keys[NODE_PAIR_REPLICAS_MAX]; /* of the members */
};

/* `config` for all: ids, incarnations and seeds are set here. Turns until one of them leads. */
void node_pair_open(struct node_pair *p, const struct node_config *config);
void node_pair_close(struct node_pair *p);
/*
 * Ends `r` as a clean stop does and opens it again on the disk and the store that it had, with what
 * `r->config` says now; what was on its way to it is lost.
 */
void node_pair_restart(struct node_pair_replica *r);
/* The same as it dies: what its journal holds back for the next flush is not there. */
void node_pair_kill(struct node_pair_replica *r);
/* The same, and its store is gone meanwhile. */
void node_pair_lose_store(struct node_pair_replica *r);
/* A new disk under its number, which waits to be added: under this incarnation. */
void node_pair_replace_disk(struct node_pair_replica *r, uint64_t incarnation);
/* What waits for `r` is lost. */
void node_pair_lose(struct node_pair_replica *r);
/* Of two. */
struct node_pair_replica *node_pair_other(struct node_pair_replica *r);
/* What has come for it, then the end of its turn; a commit of its store ends at once, unless held.
 */
void node_pair_handle(struct node_pair_replica *r);
/* A tick for all; the leader first, so that what it has sent is answered in the same turn. */
void node_pair_turn(struct node_pair *p);
/* Signs the command as one envelope of `key` and hands it in at `r`. Frees `command`. */
void node_pair_submit(struct node_pair_replica *r, uint64_t token, const struct rsm_key *key,
                      struct rsm_buffer *command);
/* A command without dependencies and clock. Frees `body`. */
struct rsm_buffer node_pair_command(const char *author, uint64_t counter, enum rsm_kind kind,
                                    struct rsm_buffer body);
/* The administrator's next command at `r`, the `counter`-th: a role of its own, so that it applies.
 */
void node_pair_submit_role(struct node_pair_replica *r, uint64_t counter);
void node_pair_turns(struct node_pair *p, unsigned count);
struct node_status node_pair_status(const struct node_pair_replica *r);

#endif
