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
    bool cut[REPLICA_MAX + 1][REPLICA_MAX + 1]; /* [from][to] */
    uint64_t sent;
    uint64_t delivered;
};

void net_init(struct net *net, struct sim *sim, const struct net_options *options,
              const struct net_calls *calls, void *context);
/* Takes the payload over. */
void net_send(struct net *net, uint32_t from, uint32_t to, void *payload);
/* All links as good as new, and no loss from now on. What travels already still arrives late. */
void net_heal(struct net *net);
/* Cuts links in one of the shapes that hurt: a replica, one direction, one link, two halves. */
void net_cut_some(struct net *net, uint32_t node_count);
void net_uncut(struct net *net);
/* Cuts one direction of one link. */
void net_cut(struct net *net, uint32_t from, uint32_t to);

#endif
