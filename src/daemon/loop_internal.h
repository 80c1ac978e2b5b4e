/* SPDX-License-Identifier: GPL-3.0-or-later */
/* loop_internal.h - for src/daemon/loop*.c alone. */
#ifndef RSM_DAEMON_LOOP_INTERNAL_H
#define RSM_DAEMON_LOOP_INTERNAL_H

#include <event2/event.h>

#include <rsm/command.h>
#include <rsm/key.h>

#include "src/command/genesis.h"
#include "src/daemon/approvers.h"
#include "src/daemon/dns.h"
#include "src/daemon/incarnations.h"
#include "src/daemon/look_ahead.h"
#include "src/daemon/loop.h"
#include "src/daemon/membership.h"
#include "src/daemon/methods.h"
#include "src/daemon/totp.h"
#include "src/io/store_thread.h"
#include "src/io/watchdog.h"
#include "src/net/peer_link.h"
#include "src/daemon/verify.h"
#include "src/net/rpc.h"
#include "storage/store.h"

#define SIGNALS 2

struct loop {
    const struct config *config;
    struct event_base *base;
    struct event *tick;
    struct event *committed;
    struct event *flushed;
    struct event *signals[SIGNALS];
    struct rsm_key *key;
    struct rsm_key *vote_key; /* the same, by the name under which this replica votes */
    struct blob *genesis_bytes;
    struct genesis genesis;
    struct blob *recovery; /* the file `recovery`, or NULL */
    struct data_dir *dir;
    bool created; /* the data directory was made in this run */
    struct incarnations incarnations;
    struct membership membership;
    char self_texts[MEMBERSHIP_TEXTS_SIZE];
    struct disk *disk;
    struct store *store;
    struct store *incoming; /* a snapshot that is being received, or NULL */
    struct store_thread *store_thread;
    struct kv *committing;  /* given to the store's thread */
    struct node *committer; /* whose it is: `node`, which is not there yet while it is opened */
    struct watchdog *watchdog;
    struct peer_links *links;
    uint64_t rejoin_as; /* in doubt: the incarnation that the peers are told; 0: the identity's */
    struct rpc_server *rpc;
    struct methods *methods;
    struct verify *verify;
    struct dns *dns;             /* NULL: no dns_listen */
    struct approvers *approvers; /* NULL: no approval_hook */
    struct totp *totp;           /* NULL: no totp_file */
    struct scrub *scrub;
    struct node *node;
    struct look_ahead *ahead; /* while the node opens, with threads that verify; else NULL */
    uint64_t stop_at_ms;      /* 0: not stopping */
    bool done;
    bool is_over; /* loop_run has returned */
    enum rsm_status result;
    char *text; /* during loop_new */
};

/* loop_env.c */
/* What a node asks of its surroundings: all of it leads here. */
void loop_fill_env(struct loop *l, struct node_env *env);
/* True when the commit has ended, and what node_on_committed is to hear; the store is refreshed. */
bool loop_end_commit(struct loop *l, enum rsm_status *status_out);
/* An earlier run was in doubt and did not come to its end. */
bool loop_is_in_doubt(const struct loop *l);
/* Above 0, at random. */
uint64_t loop_draw_incarnation(void);
/* What the peers are told. */
struct incarnation loop_incarnation(const struct loop *l);

#endif
