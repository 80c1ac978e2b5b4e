/* SPDX-License-Identifier: GPL-3.0-or-later */
/* faults_node.c - obeys the plan in a cluster of whole nodes: what hits more than one replica. */

#include "src/base/mem.h"
#include "tests/sim/sim_node.h"

/* A link goes down and up, some times. */
struct flap {
    struct node_cluster *cluster;
    uint32_t from;
    uint32_t to;
    uint32_t left;
    uint64_t period;
};

static void flap_free(void *context, void *argument)
{
    (void)context;
    mem_free(argument);
}

static void flap_run(void *context, void *argument)
{
    struct node_cluster *c = context;
    struct flap *flap = argument;
    bool down = flap->left % 2 == 0;
    if (flap->from != flap->to)
        c->net.cut[flap->from][flap->to] = down && c->faults;
    if (!c->faults || flap->left-- == 0) {
        if (flap->from != flap->to)
            c->net.cut[flap->from][flap->to] = false;
        mem_free(flap);
        return;
    }
    sim_after(&c->sim, flap->period, flap_run, flap_free, c, flap);
}

static void begin_flap(struct node_cluster *c, const struct fault *fault)
{
    struct flap *flap = mem_alloc(sizeof(*flap));
    *flap = (struct flap){c, fault->replica, fault->other, 4 + (uint32_t)(fault->salt % 8),
                          SIM_MS * (20 + (fault->salt >> 8) % 400)};
    flap_run(c, flap);
}

/* One replica after the other is clogged, and released in another order. */
static void begin_swizzle(struct node_cluster *c, const struct fault *fault)
{
    for (uint32_t r = 1; r <= c->options.node_count; r++) {
        if (((fault->salt >> r) & 1) == 0)
            continue;
        struct flap *flap = mem_alloc(sizeof(*flap));
        uint32_t other = r % c->options.node_count + 1;
        *flap = (struct flap){c, r, other, 2, SIM_MS * (50 + (fault->salt >> (8 + 4 * r)) % 500)};
        sim_after(&c->sim, SIM_MS * ((fault->salt >> (4 + 3 * r)) % 200), flap_run, flap_free, c,
                  flap);
    }
}

static void crash_all(struct node_cluster *c, enum disk_sim_crash how)
{
    sim_note(&c->sim, "all replicas die");
    for (uint32_t r = 1; r <= c->options.node_count; r++)
        replica_crash(c, r, how);
}

static void fault_in_process(struct node_cluster *c, const struct fault *fault)
{
    enum disk_sim_crash how =
        (fault->salt >> 32) % 2 == 0 ? DISK_SIM_KEEPS_SOME : DISK_SIM_KEEPS_ALL;
    switch (fault->kind) {
    case FAULT_CRASH:
        replica_crash(c, fault->replica, DISK_SIM_KEEPS_ALL);
        break;
    case FAULT_CRASH_ALL:
        crash_all(c, DISK_SIM_KEEPS_ALL);
        break;
    case FAULT_POWER:
        replica_crash_in_flush(c, fault->replica, DISK_SIM_KEEPS_SOME, fault->salt % 4);
        break;
    case FAULT_SITE_POWER:
        for (uint32_t r = 1; r <= c->options.node_count; r++)
            replica_crash_in_flush(c, r, DISK_SIM_KEEPS_SOME, 0);
        break;
    case FAULT_DIE_IN_FLUSH:
        replica_crash_in_flush(c, fault->replica, how, 1 + fault->salt % 8);
        break;
    case FAULT_DIE_IN_RECOVERY:
        replica_crash_in_recovery(c, fault->replica, 1 + fault->salt % 30);
        break;
    case FAULT_PAUSE:
        replica_pause(c, fault->replica, SIM_MS * (10 + fault->salt % 1000));
        break;
    case FAULT_PEER_LOST:
        replica_peer_lost(c, fault->replica, fault->other);
        break;
    case FAULT_CLIENT_DEATH:
        author_die(c, fault->salt);
        break;
    default:
        replica_fault(c, fault);
        break;
    }
}

void node_fault_run(void *context, void *argument)
{
    struct node_cluster *c = context;
    const struct fault *fault = argument;
    char text[120];
    if (!c->faults || c->sim.failed)
        return;
    plan_describe(fault, text, sizeof(text));
    sim_note(&c->sim, "fault:%s", text);
    c->report->faults[fault->kind]++;
    switch (fault->kind) {
    case FAULT_CUT:
        net_cut_by(&c->net, c->options.node_count, fault->salt);
        c->report->partitions++;
        break;
    case FAULT_UNCUT:
        net_uncut(&c->net);
        break;
    case FAULT_FLAP:
        begin_flap(c, fault);
        break;
    case FAULT_SWIZZLE:
        begin_swizzle(c, fault);
        break;
    case FAULT_MEMBER:
        member_wish(c, fault);
        break;
    case FAULT_BURST:
        c->net.burst_until = c->sim.now + SIM_MS * (10 + fault->salt % 500);
        c->net.burst_us = SIM_MS * (1 + (fault->salt >> 16) % 300);
        break;
    case FAULT_REPLAY:
        for (uint64_t i = 0; i < 1 + fault->salt % 8; i++)
            net_replay(&c->net, (fault->salt >> 8) + i);
        break;
    default:
        fault_in_process(c, fault);
        break;
    }
}
