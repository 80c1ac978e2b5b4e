/* SPDX-License-Identifier: GPL-3.0-or-later */
/* methods_internal.h - for src/daemon/methods*.c alone. */
#ifndef RSM_DAEMON_METHODS_INTERNAL_H
#define RSM_DAEMON_METHODS_INTERNAL_H

#include "src/daemon/admission.h"
#include "src/daemon/node_change.h"
#include "src/daemon/methods.h"
#include "src/read/read.h"
#include "src/read/render.h"

struct waiting;
struct watch;
struct poll;

struct methods {
    struct node *node;
    const struct genesis *genesis;
    const struct rpc_server *rpc;
    const struct peer_links *links;
    struct totp *totp; /* NULL: this replica checks no codes */
    struct scrub *scrub;
    const struct dns *dns;         /* NULL: none is served */
    struct waiting *waiting[1024]; /* by token */
    uint64_t next_token;
    struct watch *watches;
    uint64_t next_watch;
    uint64_t watch_changes; /* watches that went with their connection */
    struct poll *polls;
    uint32_t tick_ms;
    uint64_t ticks; /* so many have passed: the time of `admission` */
    struct admission admission;
    struct verify *verify; /* where envelopes are handed in */
    struct methods_self self;
    struct writer out;
};

/* What is behind the `process` of a call that this replica answers. */
struct serving {
    struct methods *m;
    struct rpc_request *request;
};

static inline const struct serving *serving(const struct call *call)
{
    return call->process->context;
}

/* methods_member.c: of call_process */
void methods_pack_member(void *context, struct writer *out, const struct member *m);

/* methods_dns.c: three fields of `status`, maps; empty when no DNS is served. */
void pack_dns_counters(struct writer *out, const struct methods *m);

/* A member of the newest configuration, or still one of the present one. */
bool methods_find_member(struct methods *m, uint32_t id, struct member *out);

call_method read_status, read_hello, read_genesis, read_rr_parse, read_member_self, run_scrub,
    read_stages, read_check, read_secondary_list, read_factor_attest, read_outcome_here;

/* methods_watch.c: they take the request over. */
void watch_begin(struct methods *m, struct rpc_request *request);
/* Whether its first slot is behind the log as it is here: a majority has to say how far that is. */
bool watch_needs_majority(struct methods *m, struct rpc_request *request);
void watch_end(struct methods *m, struct rpc_request *request);
void poll_begin(struct methods *m, struct rpc_request *request);
void watch_on_closed(struct methods *m, struct rpc_connection *connection);
void watch_on_applied(struct methods *m);
void watch_on_tick(struct methods *m);
void watch_free_all(struct methods *m);

#endif
