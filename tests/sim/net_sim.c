/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net_sim.c - a message is an event in the queue; a link that is cut loses it at either end. */
#include "tests/sim/net_sim.h"

#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"

void net_init(struct net *net, struct sim *sim, const struct net_options *options,
              const struct net_calls *calls, void *context)
{
    memset(net, 0, sizeof(*net));
    net->sim = sim;
    net->options = *options;
    net->calls = *calls;
    net->context = context;
    net->history = mem_alloc(NET_HISTORY * sizeof(*net->history));
}

void net_deinit(struct net *net)
{
    for (size_t i = 0; i < NET_HISTORY; i++) {
        if (net->history[i].payload != NULL)
            net->calls.free(net->context, net->history[i].payload);
    }
    mem_free(net->history);
}

static void packet_drop(void *context, void *argument)
{
    struct net *net = context;
    struct net_packet *packet = argument;
    net->calls.free(net->context, packet->payload);
    mem_free(packet);
}

/* A replica closes its links to one that is no member any more. */
static bool are_members(const struct net *net, uint32_t a, uint32_t b)
{
    uint32_t of_a = net->ends[a].members;
    uint32_t of_b = net->ends[b].members;
    return (of_a == 0 || ((of_a >> b) & 1) != 0) && (of_b == 0 || ((of_b >> a) & 1) != 0);
}

static void packet_arrive(void *context, void *argument)
{
    struct net *net = context;
    struct net_packet *packet = argument;
    bool is_open = packet->life_from == net->ends[packet->from].announced &&
                   packet->life_to == net->ends[packet->to].announced;
    is_open =
        (is_open || MUTANT(TALK_TO_ANY_INCARNATION)) && are_members(net, packet->from, packet->to);
    net->outlived += is_open ? 0 : 1;
    if (!net->cut[packet->from][packet->to] && is_open) {
        net->delivered++;
        net->calls.deliver(net->context, packet->from, packet->to, packet->payload);
    }
    packet_drop(net, packet);
}

static void net_schedule(struct net *net, const struct net_packet *one, uint64_t wait)
{
    const struct net_options *o = &net->options;
    struct net_packet *packet = mem_copy(one, sizeof(*one));
    uint64_t delay = wait + sim_range(net->sim, o->delay_us_min, o->delay_us_max);
    if (sim_chance(net->sim, o->late_ppm))
        delay += sim_range(net->sim, 0, o->late_us_max);
    if (net->burst_until > net->sim->now)
        delay += sim_range(net->sim, 0, net->burst_us);
    sim_after(net->sim, delay, packet_arrive, packet_drop, net, packet);
}

static void net_remember(struct net *net, const struct net_packet *packet)
{
    struct net_packet *place = &net->history[net->history_count++ % NET_HISTORY];
    if (place->payload != NULL)
        net->calls.free(net->context, place->payload);
    *place = *packet;
    place->payload = net->calls.copy(net->context, packet->payload);
}

static void meet(struct net_end *one, uint32_t other, uint64_t announced)
{
    uint64_t *former = one->former[other];
    if (one->known[other] != announced) {
        memmove(former + 1, former, (NET_FORMER - 1) * sizeof(*former));
        former[0] = one->known[other];
    }
    one->known[other] = announced;
}

void net_announce(struct net *net, uint32_t replica, uint64_t announced, bool rejoins)
{
    struct net_end *end = &net->ends[replica];
    if (rejoins) {
        if (end->known[replica] == 0)
            end->known[replica] = end->announced;
        meet(end, replica, announced);
    }
    end->announced = announced;
    end->rejoins = rejoins;
}

void net_set_members(struct net *net, uint32_t at, uint32_t members)
{
    net->ends[at].members = members;
}

void net_pin(struct net *net, uint32_t at, uint32_t replica, uint64_t incarnation)
{
    struct net_end *end = &net->ends[at];
    if (incarnation == 0 || end->pinned[replica] == incarnation)
        return;
    end->pinned[replica] = incarnation;
    if (end->known[replica] == incarnation)
        return;
    for (uint32_t i = 0; i < NET_FORMER; i++)
        if (end->former[replica][i] == incarnation) /* it has rejoined since */
            return;
    end->known[replica] = incarnation;
    memset(end->former[replica], 0, sizeof(end->former[replica]));
}

void net_forget(struct net *net, uint32_t at)
{
    struct net_end *end = &net->ends[at];
    memset(end->known, 0, sizeof(end->known));
    memset(end->pinned, 0, sizeof(end->pinned));
    memset(end->former, 0, sizeof(end->former));
}

/* What the other end says that it was before it rejoined. */
static bool was(const struct net_end *end, uint32_t replica, uint64_t incarnation)
{
    bool is_found = false;
    if (incarnation == 0)
        return false;
    for (uint32_t i = 0; i < NET_FORMER && end->known[replica] == end->announced; i++)
        is_found = is_found || end->former[replica][i] == incarnation;
    return is_found;
}

/* Would `one` talk to the other end as what that says it is? */
static bool accepts(const struct net_end *one, uint32_t other, const struct net_end *end)
{
    uint64_t known = one->known[other];
    return MUTANT(TALK_TO_ANY_INCARNATION) || known == 0 || known == end->announced ||
           ((end->rejoins || one->is_stranger || was(end, other, known)) && end->announced > known);
}

static bool is_by_former(const struct net_end *one, uint32_t other, const struct net_end *end)
{
    uint64_t known = one->known[other];
    return known != end->announced && was(end, other, known) && !end->rejoins && !one->is_stranger;
}

/* A connection is there, or can be made: then both have met each other as what they are now. */
static bool shake_hands(struct net *net, uint32_t a, uint32_t b)
{
    struct net_end *one = &net->ends[a];
    struct net_end *two = &net->ends[b];
    if (one->announced == 0 || two->announced == 0)
        return true;
    if (!are_members(net, a, b))
        return false;
    if (one->known[b] == two->announced && two->known[a] == one->announced)
        return true;
    if (net->cut[a][b] || net->cut[b][a] || !accepts(one, b, two) || !accepts(two, a, one))
        return false;
    net->recognised += is_by_former(one, b, two) || is_by_former(two, a, one) ? 1 : 0;
    meet(one, b, two->announced);
    meet(two, a, one->announced);
    return true;
}

void net_send(struct net *net, uint32_t from, uint32_t to, uint64_t wait, void *payload)
{
    struct net_packet packet = {.from = from, .to = to, .payload = payload};
    packet.life_from = net->ends[from].announced;
    packet.life_to = net->ends[to].announced;
    net->sent++;
    if (!shake_hands(net, from, to)) {
        net->calls.free(net->context, payload);
        return;
    }
    if (net->sent % 8 == 0)
        net_remember(net, &packet);
    if (sim_chance(net->sim, net->options.duplicate_ppm)) {
        struct net_packet copy = packet;
        copy.payload = net->calls.copy(net->context, payload);
        net_schedule(net, &copy, wait);
    }
    if (net->cut[from][to] || sim_chance(net->sim, net->options.loss_ppm)) {
        net->calls.free(net->context, payload);
        return;
    }
    net_schedule(net, &packet, wait);
}

void net_replay(struct net *net, uint64_t salt)
{
    struct net_packet packet = net->history[salt % NET_HISTORY];
    if (packet.payload == NULL)
        return;
    packet.payload = net->calls.copy(net->context, packet.payload);
    net->replayed++;
    net_schedule(net, &packet, 0);
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
    net->burst_until = 0;
}

void net_cut(struct net *net, uint32_t from, uint32_t to)
{
    if (from != to)
        net->cut[from][to] = true;
}

void net_cut_by(struct net *net, uint32_t node_count, uint64_t salt)
{
    uint32_t one = 1 + (uint32_t)(salt % node_count);
    uint32_t other = 1 + (uint32_t)((salt >> 8) % node_count);
    uint64_t shape = 1 + (salt >> 16) % 6;
    uint64_t half = salt >> 24;
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
