/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim_links.c - every static pattern of links, not drawn but enumerated: 3 voters have 64 patterns
 * of one-way links, 5 voters 1,024 of two-way links. The cluster works, then the links are cut.
 *
 * If some voter has links both ways with a majority (itself counted), there must be progress within
 * ten election timeouts and at most three changes of the leader; else nobody may be told that a
 * write was done. This holds the cases in which Raft, as published, stands still: quorum loss at
 * the leader, a constrained election, a chain.
 */
#include "tests/sim/sim_core.h"

#include <inttypes.h>
#include <string.h>

#define WARM_UP (3 * SIM_SECOND)
#define TIMEOUT_TICKS_MAX 20u
#define TEN_TIMEOUTS (10 * TIMEOUT_TICKS_MAX * 11 * SIM_MS)
#define LEADER_CHANGES_MAX 3u

static void links_options(struct core_options *o, uint32_t voter_count)
{
    memset(o, 0, sizeof(*o));
    o->voter_count = voter_count;
    o->config = (struct paxos_config){.voter_count = voter_count,
                                      .window = 16,
                                      .capacity = 32,
                                      .batch_entries = 8,
                                      .batch_bytes = 1000,
                                      .heartbeat_ticks = 2,
                                      .election_ticks_min = 10,
                                      .election_ticks_max = TIMEOUT_TICKS_MAX,
                                      .resend_ticks = 3,
                                      .stall_ticks = 30};
    for (uint32_t i = 0; i < voter_count; i++)
        o->config.voters[i] = i + 1;
    o->net = (struct net_options){.delay_us_min = 100, .delay_us_max = 2000};
    o->flush_us_min = 50;
    o->flush_us_max = 500;
    o->apply_us_max = 100;
    o->store_us = SIM_SECOND;
    o->snapshot_lag = 1000;
    o->client_count = 5;
    o->think_us_max = 40 * SIM_MS;
    o->read_ppm = 200000;
    o->announce = true;
}

/* Cuts what the pattern's bits name. */
static void links_cut(struct core_cluster *c, uint64_t pattern)
{
    uint32_t n = c->node_count;
    uint32_t bit = 0;
    for (uint32_t a = 1; a <= n; a++) {
        for (uint32_t b = n == 3 ? 1 : a + 1; b <= n; b++) {
            if (a == b)
                continue;
            bool cut = ((pattern >> bit++) & 1) != 0;
            if (cut)
                net_cut(&c->net, a, b);
            if (cut && n != 3)
                net_cut(&c->net, b, a);
        }
    }
}

static bool links_allow_progress(const struct core_cluster *c)
{
    for (uint32_t a = 1; a <= c->node_count; a++) {
        uint32_t both_ways = 0;
        for (uint32_t b = 1; b <= c->node_count; b++)
            both_ways += !c->net.cut[a][b] && !c->net.cut[b][a] ? 1 : 0;
        if (both_ways > c->node_count / 2)
            return true;
    }
    return false;
}

static void links_judge(struct core_cluster *c, uint64_t pattern)
{
    sim_run_until(&c->sim, WARM_UP);
    if (!c->sim.failed && c->report->writes_acknowledged == 0)
        sim_fail(&c->sim, "no progress with all links");
    links_cut(c, pattern);
    /* What is under way when the links break still arrives. */
    sim_run_until(&c->sim, c->sim.now + 50 * SIM_MS);
    uint64_t writes = c->report->writes_acknowledged;
    uint64_t elections = c->report->elections;
    sim_run_until(&c->sim, c->sim.now + TEN_TIMEOUTS);
    bool progressed = c->report->writes_acknowledged > writes;
    if (progressed != links_allow_progress(c))
        sim_fail(&c->sim, "pattern %" PRIu64 " of %u voters: %s", pattern, c->node_count,
                 progressed ? "a write was acknowledged" : "no progress");
    if (c->report->elections > elections + LEADER_CHANGES_MAX)
        sim_fail(&c->sim, "pattern %" PRIu64 " of %u voters: %" PRIu64 " changes of the leader",
                 pattern, c->node_count, c->report->elections - elections);
}

bool sim_links_run(const struct sim_request *request, struct sim_report *report,
                   struct sim_result *result)
{
    struct core_cluster c;
    uint64_t number = (request->seed - 1) % (64 + 1024);
    struct sim_report own = {
        .marks = report->marks, .mark_count = report->mark_count, .faults = report->faults};
    memset(&c, 0, sizeof(c));
    c.report = &own;
    sim_init(&c.sim, request->seed, request->trace);
    links_options(&c.options, number < 64 ? 3 : 5);
    core_cluster_begin(&c);
    c.faults = false;
    links_judge(&c, number < 64 ? number : number - 64);
    result->hash = c.sim.hash;
    result->fault_count = 0;
    bool passed = !c.sim.failed;
    memcpy(result->failure, c.sim.failure, sizeof(result->failure));
    core_cluster_end(&c);
    report->seeds += own.seeds;
    report->events += own.events;
    report->simulated_us += own.simulated_us;
    report->messages += own.messages;
    report->writes_acknowledged += own.writes_acknowledged;
    report->reads_confirmed += own.reads_confirmed;
    report->elections += own.elections;
    return passed;
}
