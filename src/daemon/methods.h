/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * methods.h - what clients can ask for: docs/protocol.md has each method with its parameters.
 *
 * A method either answers at once from the applied state, or waits for the node (a verdict, a
 * confirmed read, a new slot) and answers when its token comes back.
 */
#ifndef RSM_DAEMON_METHODS_H
#define RSM_DAEMON_METHODS_H

#include "src/command/genesis.h"
#include "src/daemon/node.h"
#include "src/net/rpc.h"

struct methods;
struct peer_links;
struct data_dir;
struct dns;
struct incarnations;
struct scrub;
struct verify;
struct totp;

/* What this process is, or would be as a member. Borrowed, as all of it; the texts are not NULL. */
struct methods_self {
    const char *zone;
    const uint8_t *key; /* RSM_PUBLIC_KEY_SIZE bytes */
    const char *peer_address;
    const char *client_address;
    const struct data_dir *dir; /* its identity has the incarnation, which may change */
    const struct incarnations *peers;
};

/* All is borrowed and outlives it; `self` is copied. */
struct methods *methods_new(struct node *node, const struct genesis *genesis, uint32_t tick_ms,
                            const struct methods_self *self);
/*
 * After the node was closed. Answers whoever still waits, ends all watches. Connections may go on
 * closing until methods_free: so the server of the requests is freed in between. Both ignore NULL.
 */
void methods_stop(struct methods *m);
void methods_free(struct methods *m);

/* Sets the callbacks and their context. */
void methods_fill_rpc(struct methods *m, struct rpc_config *config);
/* For the counters in `status`. */
void methods_set_network(struct methods *m, const struct rpc_server *rpc,
                         const struct peer_links *links);

/* Where envelopes are handed in. */
void methods_set_verify(struct methods *m, struct verify *verify);

/* Envelopes in a second of one connection; 0, as at first: no limit. */
void methods_set_submit_rate(struct methods *m, uint32_t rate);

/* For `factor.attest`; NULL: this replica checks no codes. */
void methods_set_totp(struct methods *m, struct totp *totp);

/* For `scrub` and its part of `status`. */
void methods_set_scrub(struct methods *m, struct scrub *scrub);

/* For the secondaries and its part of `status`; NULL: this replica serves no DNS. */
void methods_set_dns(struct methods *m, const struct dns *dns);

/* From the node's environment. */
void methods_on_submitted(struct methods *m, uint64_t token, const struct node_outcome *outcome);
void methods_on_read_ready(struct methods *m, uint64_t token, enum rsm_status status,
                           uint64_t slot);
void methods_on_applied(struct methods *m, uint64_t slot);
/* Once a tick: long polls that have waited long enough. */
void methods_on_tick(struct methods *m);

#endif
