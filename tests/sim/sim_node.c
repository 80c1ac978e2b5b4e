/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim_node.c - a run of whole nodes: faults, then none, then all logs and both heads are equal and
 * every acknowledged command is in them exactly once.
 */
#include "tests/sim/sim_node.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/command/genesis.h"

#define FAULT_PHASE (5 * SIM_SECOND)
#define QUIET_BOUND (20 * SIM_SECOND)
#define QUIET_WRITES 5u

static uint64_t draw_or_off(struct sim *sim, uint64_t first, uint64_t last)
{
    uint64_t value = sim_range(sim, first, last);
    return sim_chance(sim, 500000) ? value : 0;
}

static void options_draw(struct node_options *o, struct sim *sim)
{
    memset(o, 0, sizeof(*o));
    o->node_count = sim_chance(sim, 200000) ? 5 : 3;
    node_config_default(&o->config);
    o->config.window = (uint32_t)sim_range(sim, 1, 64);
    o->config.heartbeat_ticks = (uint32_t)sim_range(sim, 2, 5);
    /* A leader wants room for a batch besides, in its current segment and those prepared. */
    o->config.segment_size = 1u << 20;
    o->config.store_commit_ms = (uint32_t)sim_range(sim, 20, 1000);
    o->config.submit_timeout_ms = (uint32_t)sim_range(sim, 500, 3000);
    o->config.incarnation = 1;
    if (sim_chance(sim, 500000))
        o->config.snapshot_lag = (uint32_t)sim_range(sim, 3, 60);
    o->net.loss_ppm = (uint32_t)draw_or_off(sim, 1000, 200000);
    o->net.duplicate_ppm = (uint32_t)draw_or_off(sim, 1000, 200000);
    o->net.late_ppm = (uint32_t)draw_or_off(sim, 1000, 50000);
    o->net.delay_us_min = sim_range(sim, 50, 500);
    o->net.delay_us_max = o->net.delay_us_min + sim_range(sim, 1, 10 * SIM_MS);
    o->net.late_us_max = sim_range(sim, 100 * SIM_MS, 2 * SIM_SECOND);
    o->flush_us_max = sim_range(sim, 10, 5 * SIM_MS);
    o->commit_us_max = sim_range(sim, 100, 500 * SIM_MS);
    o->crash_us = draw_or_off(sim, 100 * SIM_MS, 2 * SIM_SECOND);
    o->partition_us = draw_or_off(sim, 50 * SIM_MS, SIM_SECOND);
    o->pause_us = draw_or_off(sim, 200 * SIM_MS, 2 * SIM_SECOND);
    o->crash_all_ppm = (uint32_t)draw_or_off(sim, 10000, 300000);
    o->kill_in_flush = sim_chance(sim, 500000);
    o->power_cut = sim_chance(sim, 300000);
    o->skew_ms_max = (int64_t)sim_range(sim, 1, 4000);
    o->author_count = (uint32_t)sim_range(sim, 2, 8);
    o->think_us_max = sim_range(sim, 10 * SIM_MS, 100 * SIM_MS);
    o->read_ppm = (uint32_t)sim_range(sim, 0, 500000);
}

static void make_genesis(struct node_cluster *c)
{
    static const uint8_t salt[GENESIS_SALT_SIZE] = {1};
    char peers[LIMIT_REPLICAS][32];
    uint8_t keys[LIMIT_REPLICAS][GENESIS_KEY_SIZE];
    struct genesis g = {.name = bytes_of_string("sim"),
                        .salt = salt,
                        .member_count = c->options.node_count,
                        .admin_principal = bytes_of_string("admin"),
                        .admin_person = bytes_of_string("Admin"),
                        .admin_key = rsm_key_public(author_key(c, 0)),
                        .created_ms = UINT64_C(1780000000000)};
    for (uint32_t i = 0; i < g.member_count; i++) {
        snprintf(peers[i], sizeof(peers[i]), "127.0.0.1:%u", 7000 + i);
        memset(keys[i], (int)i + 100, GENESIS_KEY_SIZE);
        g.members[i] = (struct genesis_member){.id = i + 1,
                                               .zone = bytes_of_string("az"),
                                               .key = keys[i],
                                               .peer_address = bytes_of_string(peers[i]),
                                               .client_address = bytes_of_string(peers[i])};
    }
    struct genesis parsed;
    writer_init(&c->genesis, GENESIS_SIZE_MAX);
    CHECK(genesis_encode(&g, &c->genesis) == RSM_OK);
    CHECK(genesis_parse(writer_result(&c->genesis), &parsed) == RSM_OK);
    memcpy(c->cluster_id, parsed.cluster_id, CLUSTER_ID_SIZE);
}

/* ------------------------------------------------------------------------------------------- */

static void again(struct node_cluster *c, uint64_t mean_us, sim_run *run)
{
    sim_after(&c->sim, sim_range(&c->sim, mean_us / 2, mean_us * 3 / 2), run, NULL, c, NULL);
}

static void restart(void *context, void *argument)
{
    struct node_cluster *c = context;
    uint32_t id = (uint32_t)(uintptr_t)argument;
    if (!replica_is_up(c, id))
        replica_start(c, id);
}

static void fault_crash(void *context, void *argument)
{
    struct node_cluster *c = context;
    (void)argument;
    if (!c->faults)
        return;
    bool all = sim_chance(&c->sim, c->options.crash_all_ppm);
    uint32_t one = (uint32_t)sim_range(&c->sim, 1, c->options.node_count);
    for (uint32_t r = 1; r <= c->options.node_count; r++) {
        if (!all && r != one)
            continue;
        if (c->options.power_cut && c->torn == 0)
            replica_crash_in_flush(c, r, true);
        else if (c->options.kill_in_flush && sim_chance(&c->sim, 500000))
            replica_crash_in_flush(c, r, false);
        else
            replica_crash(c, r);
        sim_after(&c->sim, sim_range(&c->sim, 100 * SIM_MS, SIM_SECOND), restart, NULL, c,
                  (void *)(uintptr_t)r);
    }
    again(c, c->options.crash_us, fault_crash);
}

static void fault_partition(void *context, void *argument)
{
    struct node_cluster *c = context;
    (void)argument;
    if (!c->faults)
        return;
    if (sim_chance(&c->sim, 600000))
        net_uncut(&c->net);
    if (sim_chance(&c->sim, 700000)) {
        net_cut_some(&c->net, c->options.node_count);
        c->report->partitions++;
    }
    again(c, c->options.partition_us, fault_partition);
}

static void fault_pause(void *context, void *argument)
{
    struct node_cluster *c = context;
    (void)argument;
    if (!c->faults)
        return;
    replica_pause(c, (uint32_t)sim_range(&c->sim, 1, c->options.node_count),
                  sim_range(&c->sim, 10 * SIM_MS, SIM_SECOND));
    again(c, c->options.pause_us, fault_pause);
}

static void begin(struct node_cluster *c)
{
    const struct node_options *o = &c->options;
    c->token_next = 1;
    c->authors = mem_alloc(author_size() * o->author_count);
    c->replicas = mem_alloc(replica_size() * (o->node_count + 1));
    net_init(&c->net, &c->sim, &o->net, &replica_net_calls, c);
    for (uint32_t i = 0; i < o->author_count; i++)
        author_init(c, i);
    make_genesis(c);
    for (uint32_t r = 1; r <= o->node_count; r++)
        replica_init(c, r);
    for (uint32_t r = 1; r <= o->node_count; r++)
        replica_start(c, r);
    c->faults = true;
    if (o->crash_us > 0)
        again(c, o->crash_us, fault_crash);
    if (o->partition_us > 0)
        again(c, o->partition_us, fault_partition);
    if (o->pause_us > 0)
        again(c, o->pause_us, fault_pause);
}

/* All replicas applied the same, no author waits, and nobody has an alarm but a torn journal. */
static bool is_settled(const struct node_cluster *c)
{
    uint64_t applied = 0;
    for (uint32_t r = 1; r <= c->options.node_count; r++) {
        if (!replica_is_up(c, r))
            return false;
        if (applied == 0)
            applied = replica_applied(c, r);
        if (replica_applied(c, r) != applied)
            return false;
    }
    for (uint32_t i = 0; i < c->options.author_count; i++) {
        if (!author_is_idle(c, i))
            return false;
    }
    return applied >= c->acknowledged_last;
}

static void describe_unsettled(struct node_cluster *c, const char *what)
{
    char text[300] = "";
    int size = 0;
    for (uint32_t r = 1; r <= c->options.node_count && size < 240; r++) {
        struct node_status s;
        if (!replica_is_up(c, r))
            continue;
        replica_status(c, r, &s);
        size += snprintf(text + size, sizeof(text) - (size_t)size,
                         " %u: leader %u applied %" PRIu64 " waiting %" PRIu64 " alarms %u;", r,
                         s.leader, s.applied, s.waiting, s.alarms);
    }
    sim_fail(&c->sim, "L: %s:%s", what, text);
}

static void stop_faults(struct node_cluster *c)
{
    c->faults = false;
    net_heal(&c->net);
    sim_note(&c->sim, "all faults stop");
    for (uint32_t r = 1; r <= c->options.node_count; r++) {
        replica_disarm(c, r);
        if (!replica_is_up(c, r))
            replica_start(c, r);
        else
            replica_pause(c, r, 0);
    }
}

static void check_alarms(struct node_cluster *c)
{
    for (uint32_t r = 1; r <= c->options.node_count && !c->sim.failed; r++) {
        struct node_status s;
        uint32_t allowed =
            r == c->torn ? NODE_ALARM_JOURNAL_DAMAGED | NODE_ALARM_JOURNAL_UNCERTAIN : 0;
        replica_status(c, r, &s);
        if ((s.alarms & ~allowed) != 0)
            describe_unsettled(c, "an alarm stays without a fault");
    }
}

static void finish(struct node_cluster *c)
{
    uint64_t bound = c->sim.now + QUIET_BOUND;
    uint64_t writes = c->report->writes_acknowledged + QUIET_WRITES;
    while (!c->sim.failed && c->sim.now < bound && c->report->writes_acknowledged < writes)
        sim_run_until(&c->sim, c->sim.now + 10 * SIM_MS);
    if (!c->sim.failed && c->report->writes_acknowledged < writes)
        describe_unsettled(c, "no progress without faults");
    c->stop = true;
    bound = c->sim.now + QUIET_BOUND;
    while (!c->sim.failed && c->sim.now < bound && !is_settled(c))
        sim_run_until(&c->sim, c->sim.now + 10 * SIM_MS);
    if (!c->sim.failed && !is_settled(c))
        describe_unsettled(c, "it does not settle");
    sim_run_until(&c->sim, c->sim.now + 3 * SIM_SECOND);
    if (!c->sim.failed)
        check_alarms(c);
    for (uint32_t r = 1; r <= c->options.node_count && !c->sim.failed; r++)
        author_check_log(c, r);
}

static void end(struct node_cluster *c)
{
    c->report->seeds++;
    c->report->events += c->sim.event_count;
    c->report->simulated_us += c->sim.now;
    c->report->messages += c->net.sent;
    c->sim.failed = true; /* nothing is judged any more */
    for (uint32_t r = 1; r <= c->options.node_count; r++)
        replica_deinit(c, r);
    for (uint32_t i = 0; i < c->options.author_count; i++)
        author_deinit(c, i);
    sim_deinit(&c->sim);
    writer_deinit(&c->genesis);
    mem_free(c->authors);
    mem_free(c->replicas);
    mem_free(c->facts);
}

bool sim_node_run(uint64_t seed, bool trace, struct sim_report *report, uint64_t *hash_out,
                  char failure_out[400])
{
    struct node_cluster c;
    memset(&c, 0, sizeof(c));
    c.report = report;
    CHECK(rsm_crypto_init() == RSM_OK);
    log_configure(trace ? 1 : -1, LOG_INFO, 0);
    sim_init(&c.sim, seed, trace);
    options_draw(&c.options, &c.sim);
    begin(&c);
    sim_run_until(&c.sim, FAULT_PHASE);
    if (!c.sim.failed) {
        stop_faults(&c);
        finish(&c);
    }
    bool passed = !c.sim.failed;
    *hash_out = c.sim.hash;
    memcpy(failure_out, c.sim.failure, sizeof(c.sim.failure));
    end(&c);
    return passed;
}
