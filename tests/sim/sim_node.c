/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim_node.c - a run of whole nodes: faults, then none; then everything that was asked for gets
 * done, all replicas have equal states, and every acknowledged command is where it was told.
 *
 * A disk that loses a whole flush, group and mark, leaves no trace: the replica cannot know. Peers
 * who have seen more of its journal tell it, with the first frame; but it may come to others first,
 * and then no rule helps. That is beyond the model of faults (one place of two is lost): such a run
 * shows that it is told, and is not judged when it was too late.
 *
 * The oracle: with too many voters in doubt about their own disks nothing can be decided, and
 * rightly so. Then the run ends after the faults, and only what it said is judged.
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
#define ALL_FAULTS UINT64_MAX

static uint64_t draw_or_off(struct sim *sim, uint64_t first, uint64_t last)
{
    uint64_t value = sim_range(sim, first, last);
    return sim_chance(sim, 500000) ? value : 0;
}

static void options_draw(struct node_options *o, struct sim *sim)
{
    static const uint32_t segment_sizes[] = {32u << 10, 64u << 10, 256u << 10, 1u << 20};
    memset(o, 0, sizeof(*o));
    o->voter_count = sim_chance(sim, 200000) ? 5 : 3;
    o->node_count = o->voter_count + (uint32_t)sim_range(sim, 0, 2);
    node_config_default(&o->config);
    o->config.window = (uint32_t)sim_range(sim, 1, 64);
    o->config.heartbeat_ticks = (uint32_t)sim_range(sim, 2, 5);
    o->config.segment_size = segment_sizes[sim_range(sim, 0, 3)];
    o->config.store_commit_ms = (uint32_t)sim_range(sim, 20, 1000);
    /* No draw of its own: 4 KiB to 4 MiB. */
    o->config.store_commit_bytes = 4096u << (o->config.store_commit_ms % 11);
    o->config.submit_timeout_ms = (uint32_t)sim_range(sim, 500, 3000);
    if (sim_chance(sim, 500000))
        o->config.snapshot_lag = (uint32_t)sim_range(sim, 3, 60);
    o->config.snapshot_piece = (uint32_t)sim_range(sim, 1000, 16000);
    o->config.snapshot_rate = (uint32_t)sim_range(sim, 512, 16384);
    o->net.loss_ppm = (uint32_t)draw_or_off(sim, 1000, 200000);
    o->net.duplicate_ppm = (uint32_t)draw_or_off(sim, 1000, 200000);
    o->net.late_ppm = (uint32_t)draw_or_off(sim, 1000, 50000);
    o->net.delay_us_min = sim_range(sim, 50, 500);
    o->net.delay_us_max = o->net.delay_us_min + sim_range(sim, 1, 10 * SIM_MS);
    o->net.late_us_max = sim_range(sim, 100 * SIM_MS, 2 * SIM_SECOND);
    o->flush_us_max = sim_range(sim, 10, 5 * SIM_MS);
    o->commit_us_max = sim_range(sim, 100, 500 * SIM_MS);
    o->skew_ms_max = (int64_t)sim_range(sim, 1, 4000);
    o->author_count = (uint32_t)sim_range(sim, 2, 8);
    o->think_us_max = sim_range(sim, 10 * SIM_MS, 100 * SIM_MS);
    o->read_ppm = (uint32_t)sim_range(sim, 0, 500000);
    o->shared_ppm = (uint32_t)draw_or_off(sim, 10000, 500000);
    o->critical_ppm = (uint32_t)draw_or_off(sim, 10000, 300000);
    o->critical_ms = (uint32_t)sim_range(sim, 1000, 6000);
    o->zones_least = sim_chance(sim, 300000) ? 2 : 0;
    o->robots = sim_chance(sim, 400000);
    o->update_ppm = (uint32_t)draw_or_off(sim, 10000, 300000);
    o->plane_ppm = (uint32_t)draw_or_off(sim, 50000, 400000);
    o->labels = o->plane_ppm > 0 && sim_chance(sim, 300000);
    /* No draws of their own: the seeds that have them not are what they were. */
    o->flushes_beside = o->config.store_commit_ms % 3 != 0;
    o->root = o->author_count >= 4 && o->config.store_commit_ms % 4 == 0;
    o->robots_standard = o->robots && sim_chance(sim, 500000);
    o->victim = (uint32_t)sim_range(sim, 1, o->voter_count);
    o->real_store = sim->seed % 25 == 0;
    o->real_signatures = sim->seed % 20 == 0;
}

void cluster_options_calm(struct node_options *o)
{
    memset(o, 0, sizeof(*o));
    o->voter_count = 3;
    o->node_count = 3;
    node_config_default(&o->config);
    o->config.segment_size = 1u << 20;
    o->config.submit_timeout_ms = 2000;
    o->net.delay_us_min = 100;
    o->net.delay_us_max = 2 * SIM_MS;
    o->net.late_us_max = SIM_SECOND;
    o->flush_us_max = SIM_MS;
    o->commit_us_max = 10 * SIM_MS;
    o->skew_ms_max = 100;
    o->author_count = 1;
    o->think_us_max = SIM_SECOND;
    o->critical_ms = 12000;
    o->victim = 1;
}

static void note_options(struct node_cluster *c)
{
    const struct node_options *o = &c->options;
    sim_note(&c->sim,
             "%u voters of %u replicas, window %u, segments of %u, snapshot lag %u, loss %u ppm, "
             "duplicates %u, "
             "late %u; %u authors, shared %u, critical %u (%u ms, zones %u), reads %u; victim %u; "
             "%s store",
             o->voter_count, o->node_count, o->config.window, o->config.segment_size,
             o->config.snapshot_lag, o->net.loss_ppm, o->net.duplicate_ppm, o->net.late_ppm,
             o->author_count, o->shared_ppm, o->critical_ppm, o->critical_ms, o->zones_least,
             o->read_ppm, o->victim, o->real_store ? "real" : "simulated");
    plan_note(&c->plan, &c->sim);
}

static void make_genesis(struct node_cluster *c)
{
    static const uint8_t salt[GENESIS_SALT_SIZE] = {1};
    char peers[LIMIT_REPLICAS][32];
    char zones[LIMIT_REPLICAS][REPLICA_ZONE_SIZE];
    struct genesis g = {.name = bytes_of_string("sim"),
                        .salt = salt,
                        .member_count = c->options.voter_count,
                        .admin_principal = bytes_of_string("admin"),
                        .admin_person = bytes_of_string("Admin"),
                        .admin_key = rsm_key_public(author_key(c, 0)),
                        .created_ms = UINT64_C(1780000000000)};
    for (uint32_t i = 0; i < g.member_count; i++) {
        snprintf(peers[i], sizeof(peers[i]), "127.0.0.1:%u", 7000 + i);
        replica_zone(i + 1, zones[i]);
        g.members[i] = (struct genesis_member){.id = i + 1,
                                               .zone = bytes_of_string(zones[i]),
                                               .key = replica_public_key(c, i + 1),
                                               .peer_address = bytes_of_string(peers[i]),
                                               .client_address = bytes_of_string(peers[i])};
    }
    writer_init(&c->genesis, GENESIS_SIZE_MAX);
    CHECK(genesis_encode(&g, &c->genesis) == RSM_OK);
    CHECK(genesis_parse(writer_result(&c->genesis), &c->genesis_parsed) == RSM_OK);
    memcpy(c->cluster_id, c->genesis_parsed.cluster_id, CLUSTER_ID_SIZE);
}

void cluster_begin(struct node_cluster *c, const struct sim_request *request, uint64_t faults)
{
    const struct node_options *o = &c->options;
    if (request->cut.calm_network) {
        c->options.net.loss_ppm = 0;
        c->options.net.duplicate_ppm = 0;
        c->options.net.late_ppm = 0;
    }
    c->token_next = 1;
    c->authors = mem_alloc(author_size() * o->author_count);
    c->replicas = mem_alloc(replica_size() * (o->node_count + 1));
    net_init(&c->net, &c->sim, &o->net, &replica_net_calls, c);
    for (uint32_t i = 0; i < o->author_count; i++)
        author_init(c, i);
    for (uint32_t id = 1; id <= o->node_count; id++)
        replica_make_key(c, id);
    make_genesis(c);
    member_begin(c);
    c->checker = checker_new(&c->sim, c->members.voters);
    c->audit = audit_new(&c->sim, c->checker, writer_result(&c->genesis));
    stage_set_voters(recount_stages(audit_recount(c->audit)), 1, c->members.voters);
    plan_draw(&c->plan, c->sim.seed, faults, FAULT_PHASE, o->node_count);
    if (c->plan.mean_us[FAULT_DISK_FULL] != 0) /* the reserve is segments: as small as rsmd takes */
        c->options.config.segment_size = 1u << 20;
    note_options(c);
    c->faults = true;
    for (uint32_t r = 1; r <= o->node_count; r++)
        replica_init(c, r);
    for (uint32_t r = 1; r <= o->node_count; r++)
        replica_start(c, r);
    plan_arm(&c->plan, &c->sim, &request->cut, node_fault_run, c);
}

static bool is_member(const struct node_cluster *c, uint32_t r)
{
    return (member_all(c) & quorum_bit(r)) != 0;
}

/* All members applied the same, no change waits for its slot, and no author waits. */
static bool is_settled(const struct node_cluster *c)
{
    uint64_t applied = 0;
    for (uint32_t r = 1; r <= c->options.node_count; r++) {
        if (!is_member(c, r))
            continue;
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
    return applied >= c->acknowledged_last && c->members.next_all == 0 &&
           stage_waiting(recount_stages(audit_recount(c->audit))) == 0;
}

static void describe_unsettled(struct node_cluster *c, const char *what)
{
    char text[300] = "";
    int size = 0;
    for (uint32_t r = 1; r <= c->options.node_count && size < 240; r++) {
        struct node_status s;
        if (!is_member(c, r))
            continue;
        if (!replica_is_up(c, r)) {
            size += snprintf(text + size, sizeof(text) - (size_t)size, " %u: down;", r);
            continue;
        }
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
    c->member_wish = NULL;
    net_heal(&c->net);
    sim_note(&c->sim, "all faults stop");
    for (uint32_t r = 1; r <= c->options.node_count; r++)
        replica_heal(c, r);
}

/* Voters that may not vote, and rightly so, are so many that nothing can be decided. */
static bool is_rightly_blocked(struct node_cluster *c)
{
    replica_set voting = 0;
    for (uint32_t r = 1; r <= c->options.node_count; r++) {
        struct node_status s;
        if (!replica_is_up(c, r))
            continue;
        replica_status(c, r, &s);
        voting |= s.is_voting ? quorum_bit(r) : 0;
    }
    return !member_is_quorum(c, voting);
}

static void check_alarms(struct node_cluster *c)
{
    for (uint32_t r = 1; r <= c->options.node_count && !c->sim.failed; r++) {
        struct node_status s;
        uint32_t allowed =
            replica_may_doubt(c, r) ? NODE_ALARM_JOURNAL_DAMAGED | NODE_ALARM_JOURNAL_UNCERTAIN : 0;
        if (!is_member(c, r))
            continue;
        replica_status(c, r, &s);
        allowed |= NODE_ALARM_PEER_DOUBLED; /* this network reorders what one link says */
        if ((s.alarms & ~allowed) != 0)
            describe_unsettled(c, "an alarm stays without a fault");
    }
}

static void mark_ends(struct node_cluster *c)
{
    static const struct {
        const char *state;
        enum sim_mark mark;
    } ends[] = {{"live", SIM_MARK_CHANGE_LIVE},
                {"expired", SIM_MARK_CHANGE_EXPIRED},
                {"refused", SIM_MARK_CHANGE_REFUSED},
                {"superseded", SIM_MARK_CHANGE_SUPERSEDED}};
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
        c->report->node_marks[ends[i].mark] +=
            stage_ended(recount_stages(audit_recount(c->audit)), ends[i].state);
}

static void check_states(struct node_cluster *c)
{
    mark_ends(c);
    uint32_t steady = c->members.steady;
    author_check_log(c);
    for (uint32_t r = 1; r <= c->options.node_count && !c->sim.failed; r++) {
        if (!is_member(c, r))
            continue;
        audit_check_state(c->audit, r, replica_state(c, r));
        if (r != steady)
            audit_check_equal(c->audit, steady, replica_state(c, steady), r, replica_state(c, r));
    }
    if (c->options.real_store)
        sim_mark(c, SIM_MARK_REAL_STORE);
    if (c->sim.seed % 10 == 0)
        sim_mark(c, SIM_MARK_REPLAYED_LOG);
    if (c->sim.seed % 10 == 0 && !c->sim.failed)
        audit_check_replay(c->audit, steady, replica_state(c, steady));
}

/* What waits for a deadline waits until the clocks have come to where a fault had taken log time.
 */
static uint64_t log_time_ahead_us(struct node_cluster *c)
{
    uint64_t ahead_ms = 0;
    for (uint32_t r = 1; r <= c->options.node_count; r++) {
        struct node_status s;
        if (!is_member(c, r) || !replica_is_up(c, r))
            continue;
        replica_status(c, r, &s);
        uint64_t clock = replica_clock_ms(c, r);
        if (s.log_time_ms > clock && s.log_time_ms - clock > ahead_ms)
            ahead_ms = s.log_time_ms - clock;
    }
    return ahead_ms * SIM_MS;
}

/* Nobody hands in anything; what waits for a deadline, and what that deadline sets off, ends. */
static void settle(struct node_cluster *c)
{
    uint64_t bound = c->sim.now + QUIET_BOUND + log_time_ahead_us(c);
    while (!c->sim.failed && c->sim.now < bound && !is_settled(c))
        sim_run_until(&c->sim, c->sim.now + 10 * SIM_MS);
    if (!c->sim.failed && !is_settled(c))
        describe_unsettled(c, "it does not settle");
}

static void finish(struct node_cluster *c)
{
    sim_run_until(&c->sim, c->sim.now + SIM_SECOND);
    if (!c->sim.failed && is_rightly_blocked(c)) {
        sim_note(&c->sim, "too many voters are in doubt: nothing can be decided");
        c->report->blocked++;
        return;
    }
    uint64_t bound = c->sim.now + QUIET_BOUND;
    uint64_t writes = c->report->writes_acknowledged + QUIET_WRITES;
    while (!c->sim.failed && c->sim.now < bound && c->report->writes_acknowledged < writes)
        sim_run_until(&c->sim, c->sim.now + 10 * SIM_MS);
    if (!c->sim.failed && c->report->writes_acknowledged < writes)
        describe_unsettled(c, "no progress without faults");
    c->stop = true;
    settle(c);
    sim_run_until(&c->sim, c->sim.now + 3 * SIM_SECOND);
    if (!c->sim.failed)
        check_alarms(c);
    settle(c); /* log time went on: a tick may be on its way */
    if (!c->sim.failed)
        check_states(c);
}

void cluster_end(struct node_cluster *c)
{
    c->report->seeds++;
    c->report->events += c->sim.event_count;
    c->report->simulated_us += c->sim.now;
    c->report->messages += c->net.sent;
    c->report->node_marks[SIM_MARK_OLD_FRAME] += c->net.outlived;
    c->report->paxos_events += checker_events(c->checker);
    c->sim.failed = true; /* nothing is judged any more */
    for (uint32_t r = 1; r <= c->options.node_count; r++)
        replica_deinit(c, r);
    for (uint32_t i = 0; i < c->options.author_count; i++)
        author_deinit(c, i);
    sim_deinit(&c->sim);
    net_deinit(&c->net);
    plan_deinit(&c->plan);
    audit_free(c->audit);
    checker_free(c->checker);
    if (c->left_audit != NULL)
        audit_free(c->left_audit);
    if (c->left_checker != NULL)
        checker_free(c->left_checker);
    writer_deinit(&c->genesis);
    mem_free(c->authors);
    mem_free(c->replicas);
}

bool sim_node_run(const struct sim_request *request, struct sim_report *report,
                  struct sim_result *result)
{
    struct node_cluster c;
    memset(&c, 0, sizeof(c));
    c.report = report;
    CHECK(rsm_crypto_init() == RSM_OK);
    log_configure(request->trace ? 1 : -1, LOG_INFO, 0);
    sim_init(&c.sim, request->seed, request->trace);
    options_draw(&c.options, &c.sim);
    sim_salt(&c.sim, request->salt);
    verify_sim_begin(c.options.real_signatures);
    cluster_begin(&c, request, ALL_FAULTS);
    sim_run_until(&c.sim, FAULT_PHASE);
    if (!c.sim.failed) {
        stop_faults(&c);
        finish(&c);
    }
    bool passed = !c.sim.failed || c.is_beyond;
    if (c.sim.failed && c.is_beyond)
        report->beyond++;
    result->hash = c.sim.hash;
    result->fault_count = c.plan.count;
    memcpy(result->failure, c.sim.failure, sizeof(result->failure));
    if (request->list_faults)
        plan_print(&c.plan, &request->cut);
    cluster_end(&c);
    return passed;
}
