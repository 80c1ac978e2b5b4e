/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * net_sim.h - the simulated network: loses, delays (and so reorders), doubles, and is cut link by
 * link, each direction for itself. It never changes a message and never invents one.
 */
#ifndef RSM_TESTS_SIM_NET_SIM_H
#define RSM_TESTS_SIM_NET_SIM_H

#include "src/base/ids.h"
#include "tests/sim/sim.h"

struct net_options {
    uint32_t loss_ppm;
    uint32_t duplicate_ppm;
    uint32_t late_ppm; /* this share is delayed up to late_us_max: long after its ballot */
    uint64_t delay_us_min;
    uint64_t delay_us_max;
    uint64_t late_us_max;
};

#define NET_HISTORY 128u
#define NET_FORMER 8u /* lives of a peer that are kept in mind */

struct net_packet {
    uint32_t from;
    uint32_t to;
    uint64_t life_from; /* what the ends of the link were called when it was sent */
    uint64_t life_to;
    void *payload; /* owned */
};

/*
 * One end of the links. As the daemon does it (src/net/peer_handshake.c,
 * src/daemon/incarnations.c): a peer is talked to as what it was first met as, or as what it says
 * when it rejoins, and what is of an earlier life is on a connection that is closed. Here a higher
 * number is a later life.
 */
struct net_end {
    bool rejoins;                     /* it is in doubt, and new */
    bool is_stranger;                 /* no voter: it talks to whatever life its peers are in */
    uint64_t announced;               /* 0: nobody asks */
    uint64_t known[REPLICA_MAX + 1];  /* of the others; 0: not met. Survives crashes */
    uint64_t pinned[REPLICA_MAX + 1]; /* what the log named last */
    uint64_t former[REPLICA_MAX + 1][NET_FORMER]; /* what it was before it rejoined, last first */
    uint32_t members;                             /* bit i: it talks to replica i; 0: to all */
};

/* What travels is the owner's business. */
struct net_calls {
    void *(*copy)(void *context, const void *payload);
    void (*free)(void *context, void *payload);
    void (*deliver)(void *context, uint32_t from, uint32_t to, void *payload); /* not taken over */
};

struct net {
    struct sim *sim;
    struct net_options options;
    struct net_calls calls;
    void *context;
    struct net_end ends[REPLICA_MAX + 1];
    bool cut[REPLICA_MAX + 1][REPLICA_MAX + 1]; /* [from][to] */
    uint64_t burst_until; /* till then everything takes up to burst_us longer */
    uint64_t burst_us;
    struct net_packet *history; /* owned; what travelled, to be sent again: a ring */
    size_t history_count;
    uint64_t sent;
    uint64_t delivered;
    uint64_t replayed;
    uint64_t outlived;   /* of an earlier life, and dropped */
    uint64_t recognised; /* by what they were before, after they had rejoined */
};

void net_init(struct net *net, struct sim *sim, const struct net_options *options,
              const struct net_calls *calls, void *context);
void net_deinit(struct net *net);
/* What a replica is called from now on. */
void net_announce(struct net *net, uint32_t replica, uint64_t announced, bool rejoins);
/* `at` talks to these alone, and has heard from the log what the disk of one of them is called. */
void net_set_members(struct net *net, uint32_t at, uint32_t members);
void net_pin(struct net *net, uint32_t at, uint32_t replica, uint64_t incarnation);
/* A replica has a new disk: it has met nobody. */
void net_forget(struct net *net, uint32_t at);
/* Takes the payload over. It leaves after `wait` microseconds. */
void net_send(struct net *net, uint32_t from, uint32_t to, uint64_t wait, void *payload);
/* Something old comes again: one of the last messages, chosen by `salt`. */
void net_replay(struct net *net, uint64_t salt);
/* All links as good as new, and no loss from now on. What travels already still arrives late. */
void net_heal(struct net *net);
/* Cuts links in one of the shapes that hurt: a replica, one direction, one link, two halves; the
 * choice is in `salt`. */
void net_cut_by(struct net *net, uint32_t node_count, uint64_t salt);
void net_uncut(struct net *net);
/* Cuts one direction of one link. */
void net_cut(struct net *net, uint32_t from, uint32_t to);

#endif
