/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net_sim.c - a message is an event in the queue; a link that is cut loses it at either end. */
#include "tests/sim/net_sim.h"

#include <string.h>

#include "src/base/mem.h"

struct packet {
    uint32_t from;
    uint32_t to;
    void *payload;
};

void net_init(struct net *net, struct sim *sim, const struct net_options *options,
              const struct net_calls *calls, void *context)
{
    memset(net, 0, sizeof(*net));
    net->sim = sim;
    net->options = *options;
    net->calls = *calls;
    net->context = context;
}

static void packet_drop(void *context, void *argument)
{
    struct net *net = context;
    struct packet *packet = argument;
    net->calls.free(net->context, packet->payload);
    mem_free(packet);
}

static void packet_arrive(void *context, void *argument)
{
    struct net *net = context;
    struct packet *packet = argument;
    if (!net->cut[packet->from][packet->to]) {
        net->delivered++;
        net->calls.deliver(net->context, packet->from, packet->to, packet->payload);
    }
    packet_drop(net, packet);
}

static void net_schedule(struct net *net, uint32_t from, uint32_t to, void *payload)
{
    const struct net_options *o = &net->options;
    struct packet *packet = mem_alloc(sizeof(*packet));
    *packet = (struct packet){from, to, payload};
    uint64_t delay = sim_range(net->sim, o->delay_us_min, o->delay_us_max);
    if (sim_chance(net->sim, o->late_ppm))
        delay += sim_range(net->sim, 0, o->late_us_max);
    sim_after(net->sim, delay, packet_arrive, packet_drop, net, packet);
}

void net_send(struct net *net, uint32_t from, uint32_t to, void *payload)
{
    net->sent++;
    if (sim_chance(net->sim, net->options.duplicate_ppm))
        net_schedule(net, from, to, net->calls.copy(net->context, payload));
    if (net->cut[from][to] || sim_chance(net->sim, net->options.loss_ppm)) {
        net->calls.free(net->context, payload);
        return;
    }
    net_schedule(net, from, to, payload);
}

void net_uncut(struct net *net)
{
    memset(net->cut, 0, sizeof(net->cut));
}

void net_heal(struct net *net)
{
    net_uncut(net);
    net->options.loss_ppm = 0;
    net->options.duplicate_ppm = 0;
    net->options.late_ppm = 0;
}

void net_cut(struct net *net, uint32_t from, uint32_t to)
{
    if (from != to)
        net->cut[from][to] = true;
}

void net_cut_some(struct net *net, uint32_t node_count)
{
    uint32_t one = (uint32_t)sim_range(net->sim, 1, node_count);
    uint32_t other = (uint32_t)sim_range(net->sim, 1, node_count);
    uint64_t shape = sim_range(net->sim, 1, 6);
    uint64_t half = sim_range(net->sim, 0, (UINT64_C(1) << node_count) - 1);
    for (uint32_t n = 1; n <= node_count; n++) {
        if (shape == 1 || shape == 2) /* one replica hears nobody; nobody hears it */
            net_cut(net, n, one);
        if (shape == 1 || shape == 3)
            net_cut(net, one, n);
        for (uint32_t m = 1; shape == 6 && m <= node_count; m++) { /* two halves */
            if (((half >> (n - 1)) & 1) != ((half >> (m - 1)) & 1))
                net_cut(net, n, m);
        }
    }
    if (shape == 4 || shape == 5) /* one link, in one direction or both */
        net_cut(net, one, other);
    if (shape == 5)
        net_cut(net, other, one);
}
