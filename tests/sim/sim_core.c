/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim_core.c - a run: ten seconds of faults, drawn swarm-style; then all faults stop, everything
 * must finish, all logs must be equal, and one leader must stay.
 */
#include "tests/sim/sim_core.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/mem.h"

#define FAULT_PHASE (10 * SIM_SECOND)
/* Ten election timeouts, and room for queues and back-off. */
#define QUIET_BOUND (10 * SIM_SECOND)
#define QUIET_WRITES 3u
#define BIT(kind) (UINT64_C(1) << FAULT_##kind)
#define KINDS                                                                                      \
    (BIT(CRASH) | BIT(CRASH_ALL) | BIT(CUT) | BIT(UNCUT) | BIT(BURST) | BIT(REPLAY) | BIT(PAUSE) | \
     BIT(HUNG_DISK) | BIT(PEER_LOST) | BIT(POWER) | BIT(SITE_POWER) | BIT(LOST_WRITE) |            \
     BIT(MEMBER))

/* One of two halves of the seeds has this fault. */
static uint64_t draw_or_off(struct sim *sim, uint64_t first, uint64_t last)
{
    uint64_t value = sim_range(sim, first, last);
    return sim_chance(sim, 500000) ? value : 0;
}

static void draw_config(struct core_options *o, struct sim *sim)
{
    struct paxos_config *p = &o->config;
    uint64_t draw = sim_range(sim, 1, 20);
    o->voter_count = draw == 1 ? 1 : draw == 2 ? 2 : draw == 3 ? 4 : draw <= 8 ? 5 : 3;
    o->learner_count = sim_chance(sim, 150000) ? 1 : 0;
    for (uint32_t i = 0; i < o->voter_count; i++)
        p->voters[i] = i + 1;
    p->voter_count = o->voter_count;
    p->learners[0] = o->voter_count + 1;
    p->learner_count = o->learner_count;
    p->window = (uint32_t)sim_range(sim, 1, 12);
    p->capacity = p->window + (uint32_t)sim_range(sim, 0, 12);
    p->batch_entries = (uint32_t)sim_range(sim, 1, 8);
    p->batch_bytes = (uint32_t)sim_range(sim, 4, 64);
    p->heartbeat_ticks = (uint32_t)sim_range(sim, 2, 4);
    p->election_ticks_min = (uint32_t)sim_range(sim, 10, 20);
    p->election_ticks_max = 2 * p->election_ticks_min;
    p->resend_ticks = (uint32_t)sim_range(sim, 2, 6);
    p->stall_ticks = (uint32_t)sim_range(sim, 10, 40);
}

void core_options_draw(struct core_options *o, struct sim *sim)
{
    memset(o, 0, sizeof(*o));
    draw_config(o, sim);
    o->net.loss_ppm = (uint32_t)draw_or_off(sim, 1000, 300000);
    o->net.duplicate_ppm = (uint32_t)draw_or_off(sim, 1000, 300000);
    o->net.late_ppm = (uint32_t)draw_or_off(sim, 1000, 50000);
    o->net.delay_us_min = sim_range(sim, 50, 500);
    o->net.delay_us_max = o->net.delay_us_min + sim_range(sim, 1, 20 * SIM_MS);
    o->net.late_us_max = sim_range(sim, 100 * SIM_MS, 3 * SIM_SECOND);
    o->flush_us_min = sim_range(sim, 10, 1000);
    o->flush_us_max = o->flush_us_min + sim_range(sim, 1, 20 * SIM_MS);
    o->apply_us_max = sim_range(sim, 1, 50 * SIM_MS);
    o->store_us = sim_range(sim, 10 * SIM_MS, 3 * SIM_SECOND);
    o->refuse_ppm = (uint32_t)draw_or_off(sim, 1000, 300000);
    o->wait_ppm = (uint32_t)draw_or_off(sim, 1000, 300000);
    o->snapshot_lag = (uint32_t)sim_range(sim, 1, 200);
    o->client_count = (uint32_t)sim_range(sim, 1, 12);
    o->think_us_max = sim_range(sim, 1 * SIM_MS, 100 * SIM_MS);
    o->read_ppm = (uint32_t)sim_range(sim, 0, 800000);
    o->announce = sim_chance(sim, 700000);
    o->victim = (uint32_t)sim_range(sim, 1, o->voter_count);
    /* With two voters each other one is needed, and the lone one has nobody to ask. */
    o->change_members = o->voter_count >= 3 && sim_chance(sim, 300000);
    o->losses_known = sim_chance(sim, 100000);
    o->spare = o->change_members ? (uint32_t)sim_range(sim, 0, 3) : 0;
    o->config.distance = (uint32_t)sim_range(sim, o->config.window, o->config.capacity);
}

static void restart(void *context, void *argument)
{
    struct core_cluster *c = context;
    uint32_t replica = (uint32_t)(uintptr_t)argument;
    bool stays_down = c->lasting == LASTING_DOWN && ((c->excluded >> replica) & 1) != 0;
    if (!core_node_is_up(c, replica) && !stays_down)
        core_node_start(c, replica);
}

static void crash(struct core_cluster *c, uint32_t replica)
{
    core_node_crash(c, replica);
    sim_after(&c->sim, sim_range(&c->sim, 1, SIM_SECOND), restart, NULL, c,
              (void *)(uintptr_t)replica);
    /* The others notice a broken connection, at once or never. */
    for (uint32_t r = 1; r <= c->node_count; r++) {
        if (r != replica && core_node_is_up(c, r) && sim_chance(&c->sim, 500000))
            core_node_peer_lost(c, r, replica);
    }
}

/* The power of some of one place's nodes, or of all: what was not flushed is in doubt. */
static void fault_power(struct core_cluster *c, const struct fault *fault)
{
    if (c->options.voter_count == 1)
        return;
    if (fault->kind == FAULT_POWER) {
        core_node_doubt(c, fault->replica);
        crash(c, fault->replica);
        return;
    }
    for (uint32_t r = 1; r <= c->node_count; r++) {
        if (((fault->salt >> r) & 1) != 0)
            core_node_doubt(c, r);
        crash(c, r);
    }
}

static void fault_lost_write(struct core_cluster *c, const struct fault *fault)
{
    if (c->options.voter_count == 1)
        return;
    uint32_t victim = c->options.losses_known ? fault->replica : c->options.victim;
    core_node_lose_memory(c, victim, fault->salt);
    crash(c, victim);
}

static void fault_run(void *context, void *argument)
{
    struct core_cluster *c = context;
    const struct fault *fault = argument;
    uint64_t while_us = SIM_MS * (10 + fault->salt % 1000);
    if (!c->faults)
        return;
    c->report->faults[fault->kind]++;
    switch (fault->kind) {
    case FAULT_CRASH:
        crash(c, fault->replica);
        break;
    case FAULT_CRASH_ALL:
        for (uint32_t r = 1; r <= c->node_count; r++)
            crash(c, r);
        break;
    case FAULT_CUT:
        net_cut_by(&c->net, c->node_count, fault->salt);
        c->report->partitions++;
        sim_note(&c->sim, "links are cut");
        break;
    case FAULT_UNCUT:
        net_uncut(&c->net);
        break;
    case FAULT_BURST:
        c->net.burst_until = c->sim.now + while_us;
        c->net.burst_us = SIM_MS * (1 + (fault->salt >> 16) % 300);
        break;
    case FAULT_REPLAY:
        for (uint64_t i = 0; i < 1 + fault->salt % 8; i++)
            net_replay(&c->net, (fault->salt >> 8) + i);
        break;
    case FAULT_PAUSE:
        core_node_pause(c, fault->replica, while_us);
        break;
    case FAULT_HUNG_DISK:
        core_node_slow_disk(c, fault->replica, c->sim.now + while_us);
        break;
    case FAULT_POWER:
    case FAULT_SITE_POWER:
        fault_power(c, fault);
        break;
    case FAULT_LOST_WRITE:
        fault_lost_write(c, fault);
        break;
    case FAULT_MEMBER:
        if (c->options.change_members)
            core_client_change_members(c, fault->replica,
                                       1 + (uint32_t)(fault->salt % c->node_count));
        break;
    case FAULT_PEER_LOST:
        if (core_node_is_up(c, fault->replica) && fault->replica != fault->other)
            core_node_peer_lost(c, fault->replica, fault->other);
        break;
    default:
        break;
    }
}

void core_cluster_begin(struct core_cluster *c)
{
    const struct core_options *o = &c->options;
    c->value_next = 1;
    c->read_next = 1;
    c->checker = checker_new(&c->sim, ((UINT32_C(1) << o->voter_count) - 1) << 1);
    net_init(&c->net, &c->sim, &o->net, &core_net_calls, c);
    c->node_count = o->voter_count + o->learner_count + o->spare;
    c->members.now.voters = ((UINT32_C(1) << o->voter_count) - 1) << 1;
    c->members.now.learners = o->learner_count > 0 ? quorum_bit(o->voter_count + 1) : 0;
    c->nodes = mem_alloc(core_node_size() * (c->node_count + 1));
    for (uint32_t r = 1; r <= c->node_count; r++) {
        core_node_init(c, r);
        core_node_start(c, r);
    }
    for (uint32_t i = 0; i < o->client_count; i++)
        core_client_init(c, i);
    c->faults = true;
}

/* The leader, as most of the time it is the leader whose fault is hard to bear; or anybody. */
static uint32_t draw_victim(struct core_cluster *c)
{
    uint32_t victim = (uint32_t)sim_range(&c->sim, 1, c->options.voter_count);
    bool leader = sim_chance(&c->sim, 700000);
    for (uint32_t r = 1; leader && r <= c->node_count; r++) {
        if (core_node_is_up(c, r) && paxos_role(core_node_paxos(c, r)) == PAXOS_LEADER)
            victim = r;
    }
    return victim;
}

static void cut_lasting(struct core_cluster *c, uint32_t victim, uint32_t other)
{
    for (uint32_t r = 1; r <= c->node_count; r++) {
        if (c->lasting == LASTING_ISOLATED || c->lasting == LASTING_DEAF)
            net_cut(&c->net, r, victim);
        if (c->lasting == LASTING_ISOLATED || c->lasting == LASTING_MUTE)
            net_cut(&c->net, victim, r);
    }
    if (c->lasting != LASTING_LINK && c->lasting != LASTING_HALF_LINK)
        return;
    net_cut(&c->net, victim, other);
    if (c->lasting == LASTING_LINK)
        net_cut(&c->net, other, victim);
    c->excluded |= UINT32_C(1) << other;
}

/* Whoever is in doubt waits for all other voters. */
static bool somebody_is_in_doubt(const struct core_cluster *c)
{
    for (uint32_t r = 1; r <= c->node_count; r++) {
        if (core_node_is_in_doubt(c, r))
            return true;
    }
    return false;
}

static void begin_lasting(struct core_cluster *c)
{
    c->lasting = LASTING_NONE;
    if (c->options.voter_count < 3 || sim_chance(&c->sim, 400000) || c->members_slot != 0 ||
        somebody_is_in_doubt(c))
        return;
    c->lasting = (enum core_lasting)sim_range(&c->sim, LASTING_DOWN, LASTING_DISK);
    uint32_t victim = draw_victim(c);
    uint32_t other = victim % c->options.voter_count + 1;
    c->excluded = UINT32_C(1) << victim;
    sim_note(&c->sim, "but one that lasts: kind %d at %u", (int)c->lasting, victim);
    cut_lasting(c, victim, other);
    if (c->lasting == LASTING_DOWN)
        core_node_crash(c, victim);
    if (c->lasting == LASTING_DISK)
        core_node_slow_disk(c, victim, UINT64_MAX / 2);
}

static const struct quorum *newest_members(const struct core_cluster *c)
{
    return c->members.next_first != 0 ? &c->members.next : &c->members.now;
}

/*
 * No member, now or soon, need keep up either; nor one all of whose acquaintances have left: it
 * takes nobody's word (docs/operations.md "A lost disk"). Here also a voter may be one that has
 * never heard anybody, for nobody asks before it is promoted whether it does (node_ready.c).
 */
static bool is_excluded(const struct core_cluster *c, uint32_t replica)
{
    const struct quorum *q = newest_members(c);
    bool is_lonely = core_node_is_lonely(c, replica, q->voters | q->learners);
    return ((c->excluded >> replica) & 1) != 0 || !quorum_is_member(q, replica) || is_lonely;
}

static void stop_faults(struct core_cluster *c)
{
    c->faults = false;
    net_heal(&c->net);
    sim_note(&c->sim, "all faults stop");
    for (uint32_t r = 1; r <= c->node_count; r++)
        core_node_slow_disk(c, r, 0);
    begin_lasting(c);
    if (c->lasting == LASTING_NONE)
        c->excluded = 0;
    for (uint32_t r = 1; r <= c->node_count; r++) {
        bool stays_down = c->lasting == LASTING_DOWN && is_excluded(c, r);
        if (!core_node_is_up(c, r) && !stays_down)
            core_node_start(c, r);
    }
}

/* The first replica that has to keep up. */
static uint32_t first_included(const struct core_cluster *c)
{
    uint32_t r = 1;
    while (is_excluded(c, r))
        r++;
    return r;
}

/* One leader that is ready, known to all; all logs equally long; no client waits. What has a
 * lasting fault need not keep up, but owes its clients an answer; and does not lead with a disk
 * that hangs in a flush. */
static bool is_settled(const struct core_cluster *c)
{
    uint32_t leader = paxos_leader(core_node_paxos(c, first_included(c)));
    if (leader == 0 || !core_node_is_up(c, leader) || !paxos_is_ready(core_node_paxos(c, leader)))
        return false;
    if (c->lasting == LASTING_DISK && is_excluded(c, leader) && core_node_is_flushing(c, leader))
        return false;
    for (uint32_t r = 1; r <= c->node_count; r++) {
        if (is_excluded(c, r))
            continue;
        if (paxos_leader(core_node_paxos(c, r)) != leader ||
            core_node_applied(c, r) != core_node_applied(c, leader))
            return false;
    }
    for (uint32_t i = 0; i < c->options.client_count; i++) {
        if (!core_client_is_idle(c, i))
            return false;
    }
    return core_node_applied(c, leader) >= checker_acknowledged_last(c->checker);
}

static void describe_unsettled(struct core_cluster *c, const char *what)
{
    char text[300];
    int size = 0;
    for (uint32_t r = 1; r <= c->node_count && size < 240; r++) {
        const struct paxos *p = core_node_paxos(c, r);
        if (p == NULL)
            continue;
        size += snprintf(text + size, sizeof(text) - (size_t)size,
                         " %u: role %d leader %u applied %" PRIu64 ";", r, (int)paxos_role(p),
                         paxos_leader(p), core_node_applied(c, r));
    }
    sim_fail(&c->sim, "L: %s:%s", what, text);
}

/* Those whose disks lost something are a quorum among themselves. */
static bool too_many_have_lost(const struct core_cluster *c)
{
    replica_set lost = 0;
    for (uint32_t r = 1; r <= c->node_count; r++) {
        if (core_node_has_lost(c, r))
            lost |= quorum_bit(r);
    }
    bool of_next = c->members.next_first != 0 && quorum_has(&c->members.next, lost);
    return of_next || quorum_has(&c->members.now, lost);
}

/*
 * The oracle: a voter in doubt waits until a promotion that it has a vote for is decided, and with
 * few voters that cannot be without it. Then nothing goes on until a person helps.
 */
static bool is_rightly_blocked(const struct core_cluster *c)
{
    replica_set fit = newest_members(c)->voters & ~(replica_set)c->excluded;
    if (too_many_have_lost(c) ||
        !quorum_has(newest_members(c), fit)) /* removed while a fault began that lasts */
        return true;
    for (uint32_t r = 1; r <= c->node_count; r++) {
        if (core_node_waits_for_change(c, r))
            return true;
    }
    return false;
}

static void finish(struct core_cluster *c)
{
    uint64_t bound = c->sim.now + QUIET_BOUND;
    uint64_t writes = c->report->writes_acknowledged + QUIET_WRITES;
    while (!c->sim.failed && c->sim.now < bound && c->report->writes_acknowledged < writes)
        sim_run_until(&c->sim, c->sim.now + 10 * SIM_MS);
    if (!c->sim.failed && c->report->writes_acknowledged < writes && is_rightly_blocked(c)) {
        c->report->blocked++;
        return;
    }
    if (!c->sim.failed && c->report->writes_acknowledged < writes)
        describe_unsettled(c, "no progress without faults");
    c->clients_stop = true;
    bound = c->sim.now + QUIET_BOUND;
    while (!c->sim.failed && c->sim.now < bound && !is_settled(c))
        sim_run_until(&c->sim, c->sim.now + 10 * SIM_MS);
    if (!c->sim.failed && !is_settled(c) && is_rightly_blocked(c)) {
        c->report->blocked++;
        return;
    }
    if (!c->sim.failed && !is_settled(c))
        describe_unsettled(c, "it does not settle");
    if (c->sim.failed)
        return;
    for (uint32_t r = 1; r <= c->node_count; r++)
        core_node_check_log(c, r);
    /* Nothing that was sent in the faulty phase is still under way. */
    sim_run_until(&c->sim, c->sim.now + 5 * SIM_SECOND);
    uint32_t one = first_included(c);
    struct ballot ballot = paxos_ballot(core_node_paxos(c, one));
    sim_run_until(&c->sim, c->sim.now + 3 * SIM_SECOND);
    if (!c->sim.failed && !ballot_equal(ballot, paxos_ballot(core_node_paxos(c, one))))
        describe_unsettled(c, "the leader changed without a fault");
}

void core_cluster_end(struct core_cluster *c)
{
    c->report->seeds++;
    c->report->events += c->sim.event_count;
    c->report->simulated_us += c->sim.now;
    c->report->messages += c->net.sent;
    c->report->node_marks[SIM_MARK_RECOGNISED] += c->net.recognised;
    for (uint32_t i = 0; i < c->options.client_count; i++)
        core_client_deinit(c, i);
    for (uint32_t r = 1; r <= c->node_count; r++)
        core_node_deinit(c, r);
    sim_deinit(&c->sim);
    net_deinit(&c->net);
    plan_deinit(&c->plan);
    c->report->paxos_events += checker_events(c->checker);
    checker_free(c->checker);
    mem_free(c->nodes);
    mem_free(c->clients);
}

bool sim_core_run(const struct sim_request *request, struct sim_report *report,
                  struct sim_result *result)
{
    struct core_cluster c;
    memset(&c, 0, sizeof(c));
    c.report = report;
    sim_init(&c.sim, request->seed, request->trace);
    core_options_draw(&c.options, &c.sim);
    sim_salt(&c.sim, request->salt);
    if (request->cut.calm_network)
        c.options.net.loss_ppm = c.options.net.duplicate_ppm = c.options.net.late_ppm = 0;
    core_cluster_begin(&c);
    plan_draw(&c.plan, request->seed, KINDS, FAULT_PHASE, c.node_count);
    plan_note(&c.plan, &c.sim);
    plan_arm(&c.plan, &c.sim, &request->cut, fault_run, &c);
    sim_run_until(&c.sim, FAULT_PHASE);
    if (!c.sim.failed) {
        stop_faults(&c);
        finish(&c);
    }
    bool passed = !c.sim.failed;
    result->hash = c.sim.hash;
    result->fault_count = c.plan.count;
    memcpy(result->failure, c.sim.failure, sizeof(result->failure));
    if (request->list_faults)
        plan_print(&c.plan, &request->cut);
    core_cluster_end(&c);
    return passed;
}
