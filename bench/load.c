/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * load.c - the loops; see load.h. Clients without an operation stand in a list, and begin one when
 * the pace or the closed loop lets them.
 */
#include "bench/load.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/floor.h"
#include "bench/pace.h"
#include "bench/world.h"
#include "src/base/check.h"

#define PROBE_INTERVAL_NS UINT64_C(20000000)
#define SWEEP_INTERVAL_NS UINT64_C(50000000)
#define PROGRESS_INTERVAL_NS UINT64_C(1000000000)
#define DRAIN_SECONDS_MIN                                                                          \
    10.0 /* for what should have begun in time, as long as it was measured                         \
          */
#define WAIT_NS_MAX UINT64_C(10000000)

struct load_run {
    struct load_world *world;
    const struct load_options *options;
    struct load_result *result;
    struct pace pace;
    uint64_t measure_from_ns, end_ns, give_up_ns;
    uint64_t sweep_ns, progress_ns;
    struct load_client *idle; /* without an operation */
    uint32_t in_flight;
    bool is_ending; /* nothing begins any more */

    struct rsm_client *probe; /* the control connection */
    uint64_t probe_begin_ns;  /* 0: none is on its way */
    uint64_t probe_next_ns;
};

static volatile sig_atomic_t interrupted;

void load_interrupt(void)
{
    interrupted = 1;
}

bool load_is_interrupted(void)
{
    return interrupted != 0;
}

static void note_trouble(struct load_result *result, const char *what, struct rsm_bytes detail)
{
    if (result->trouble[0] == 0)
        (void)snprintf(result->trouble, sizeof result->trouble, "%s: %.*s", what,
                       (int)(detail.size < 180 ? detail.size : 180), (const char *)detail.data);
}

static struct rsm_client *connection_of(const struct load_client *c)
{
    return c->world->connections[c->index % c->world->connection_count];
}

/* ---- what came of an operation ---- */

static bool is_measured(const struct load_run *run, const struct load_client *c)
{
    return c->begin_ns >= run->measure_from_ns && c->begin_ns < run->end_ns;
}

static bool is_in_time(const struct load_run *run, uint64_t now_ns)
{
    return now_ns >= run->measure_from_ns && now_ns < run->end_ns;
}

static void count_verdict(struct load_client *c, const struct rsm_verdict *verdict, uint64_t now_ns)
{
    struct load_run *run = c->run;
    struct load_result *result = run->result;
    result->operations++;
    if (!verdict->applied) {
        struct rsm_value rule = rsm_value_at(verdict->rules, 0);
        result->refused++;
        note_trouble(result, "refused", rsm_value_octets(rsm_value_get(rule, "evidence")));
        return;
    }
    if (is_measured(run, c)) {
        result->applied++;
        histogram_add(&result->write, now_ns - c->begin_ns);
    }
    if (is_in_time(run, now_ns))
        result->writes_in_time++;
}

static void count_verdicts(struct load_client *c, const struct rsm_result *answer, uint64_t now_ns)
{
    uint32_t count = 0, bundle = c->world->shape.bundle;
    struct rsm_verdict verdict;
    struct rsm_walk walk = rsm_verdicts(answer->value.raw);
    for (; rsm_verdict_next(&walk, &verdict); count++)
        count_verdict(c, &verdict, now_ns);
    if (count < bundle)
        c->run->result->failed += bundle - count;
    c->run->result->all_writes++;
    c->run->result->all_writes_ns += now_ns - c->begin_ns;
    rsm_author_learn(c->author, answer->value.raw);
}

/* `count` change sets or reads that were not done: a replica that has no room says so. */
static void count_undone(struct load_client *c, enum rsm_status status, uint64_t count)
{
    struct load_result *result = c->run->result;
    if (status != RSM_BUSY)
        result->failed += count;
    else if (is_measured(c->run, c))
        result->busy += count;
}

static void make_idle(struct load_client *c)
{
    struct load_run *run = c->run;
    rsm_buffer_free(&c->envelope);
    run->in_flight--;
    c->next = run->idle;
    run->idle = c;
}

static void end_now(struct load_run *run, uint64_t now_ns)
{
    if (!run->is_ending && now_ns < run->end_ns)
        run->end_ns = now_ns;
    run->is_ending = true;
}

static void check_count(struct load_run *run, uint64_t now_ns)
{
    uint64_t done = run->result->write.count + run->result->read.count;
    if (run->options->count > 0 && done >= run->options->count)
        end_now(run, now_ns);
}

static void on_written(void *context, const struct rsm_result *answer);

/* False: nothing was sent, and nothing will be. */
static bool submit(struct load_client *c)
{
    enum rsm_status status =
        rsm_client_start_submit(connection_of(c), rsm_buffer_bytes(&c->envelope),
                                c->run->options->timeout_ms, on_written, c, NULL);
    if (status != RSM_OK)
        note_trouble(c->run->result, rsm_status_text(status), rsm_text("nothing was sent"));
    return status == RSM_OK;
}

static void on_written(void *context, const struct rsm_result *answer)
{
    struct load_client *c = context;
    struct load_run *run = c->run;
    uint64_t now_ns = bench_now_ns();
    if (answer->status == RSM_OK) {
        count_verdicts(c, answer, now_ns);
    } else {
        note_trouble(run->result, rsm_status_text(answer->status), rsm_text(answer->detail));
        if (answer->status == RSM_OUTCOME_UNKNOWN && now_ns < run->give_up_ns && submit(c)) {
            run->result->repeated++;
            return;
        }
        count_undone(c, answer->status, c->world->shape.bundle);
        if (answer->status == RSM_OUTCOME_UNKNOWN)
            run->is_ending = true; /* its author's counter is in doubt for good */
        else
            rsm_author_set_counter(c->author, c->counter_before);
    }
    make_idle(c);
    check_count(run, now_ns);
}

static void on_read(void *context, const struct rsm_result *answer)
{
    struct load_client *c = context;
    struct load_run *run = c->run;
    uint64_t now_ns = bench_now_ns();
    run->result->operations++;
    if (answer->status != RSM_OK) {
        count_undone(c, answer->status, 1);
        note_trouble(run->result, rsm_status_text(answer->status), rsm_text(answer->detail));
    } else {
        if (is_measured(run, c))
            histogram_add(&run->result->read, now_ns - c->begin_ns);
        if (is_in_time(run, now_ns))
            run->result->reads_in_time++;
    }
    make_idle(c);
    check_count(run, now_ns);
}

/* Of a change that the shared client signed. */
static void count_shared(struct load_client *c, const struct shared_end *end)
{
    struct load_run *run = c->run;
    struct load_result *result = run->result;
    result->operations++;
    if (end->status == RSM_REFUSED)
        result->refused++;
    else if (end->status != RSM_OK)
        count_undone(c, end->status, 1);
    if (end->status != RSM_OK) {
        note_trouble(result, rsm_status_text(end->status), rsm_text(end->detail));
        return;
    }
    result->all_writes++;
    result->all_writes_ns += end->ended_ns - c->begin_ns;
    if (is_measured(run, c)) {
        result->applied++;
        histogram_add(&result->write, end->ended_ns - c->begin_ns);
    }
    if (is_in_time(run, end->ended_ns))
        result->writes_in_time++;
}

static void take_shared(struct load_run *run)
{
    struct shared_end end;
    while (shared_next(run->world->shared, &end)) {
        count_shared(end.context, &end);
        make_idle(end.context);
        check_count(run, end.ended_ns);
    }
}

/* ---- beginning one ---- */

static bool begin_shared(struct load_client *c, uint64_t intended_ns)
{
    struct rsm_buffer body = workload_body(c);
    c->run->result->change_size = c->world->shape.envelope_size; /* were it signed alone */
    c->begin_ns = intended_ns != 0 ? intended_ns : bench_now_ns();
    enum rsm_status status = shared_start(c->world->shared, rsm_buffer_bytes(&body), c);
    rsm_buffer_free(&body);
    if (status != RSM_OK)
        note_trouble(c->run->result, rsm_status_text(status), rsm_text("nothing was sent"));
    return status == RSM_OK;
}

/* `intended_ns` 0: it begins when it is signed (closed loop). */
static bool begin_write(struct load_client *c, uint64_t intended_ns)
{
    if (c->world->shared != NULL)
        return begin_shared(c, intended_ns);
    c->counter_before = rsm_author_counter(c->author) - 1;
    c->envelope = workload_sign(c);
    c->run->result->change_size = (uint32_t)c->envelope.size / c->world->shape.bundle;
    c->begin_ns = intended_ns != 0 ? intended_ns : bench_now_ns();
    return submit(c);
}

static bool begin_read(struct load_client *c, uint64_t intended_ns)
{
    const struct load_options *options = c->run->options;
    struct rsm_pack *params = workload_read(c->world, options->client_count, options->is_stale);
    c->begin_ns = intended_ns != 0 ? intended_ns : bench_now_ns();
    enum rsm_status status =
        rsm_client_start(connection_of(c), "rrset.get", rsm_value_of(rsm_pack_result(params)),
                         options->timeout_ms, on_read, c, NULL);
    rsm_pack_free(params);
    if (status != RSM_OK)
        note_trouble(c->run->result, rsm_status_text(status), rsm_text("nothing was sent"));
    return status == RSM_OK;
}

static void begin(struct load_run *run, uint64_t intended_ns)
{
    struct load_client *c = run->idle;
    run->idle = c->next;
    run->in_flight++;
    c->is_read = run->options->reads_percent > 0 &&
                 prng_below(&run->world->prng, 100) < run->options->reads_percent;
    if (c->is_read ? begin_read(c, intended_ns) : begin_write(c, intended_ns))
        return;
    run->result->failed++;
    run->is_ending = true;
    make_idle(c);
}

static void begin_due(struct load_run *run)
{
    uint64_t intended_ns = 0, now_ns = bench_now_ns();
    bool is_open = run->options->rate > 0;
    if (!is_open && now_ns >= run->end_ns)
        run->is_ending = true;
    while (run->idle != NULL && !run->is_ending) {
        if (!workload_has_more(run->idle)) {
            run->idle = run->idle->next;
            continue;
        }
        if (is_open && !pace_take(&run->pace, now_ns, &intended_ns))
            break;
        run->result->offered += is_open && intended_ns >= run->measure_from_ns ? 1 : 0;
        begin(run, intended_ns);
    }
    if (run->idle == NULL && run->in_flight == 0 && run->world->shape.is_once)
        end_now(run, now_ns);
}

/* What should have begun and never did has waited until now at least. */
static void count_late(struct load_run *run)
{
    uint64_t intended_ns, now_ns = bench_now_ns();
    while (run->options->rate > 0 && interrupted == 0 && run->options->count == 0 &&
           pace_take(&run->pace, now_ns, &intended_ns)) {
        if (intended_ns < run->measure_from_ns)
            continue;
        run->result->late++;
        run->result->offered++;
        histogram_add(run->options->reads_percent == 100 ? &run->result->read : &run->result->write,
                      now_ns - intended_ns);
    }
}

/* ---- beside the operations ---- */

static void on_probe(void *context, const struct rsm_result *answer)
{
    struct load_run *run = context;
    uint64_t now_ns = bench_now_ns();
    if (answer->status == RSM_OK && is_in_time(run, now_ns))
        histogram_add(&run->result->round_trip, now_ns - run->probe_begin_ns);
    run->probe_begin_ns = 0;
}

static void probe(struct load_run *run, uint64_t now_ns)
{
    const struct rsm_value none = {{NULL, 0}};
    if (run->probe_begin_ns != 0 || now_ns < run->probe_next_ns || run->is_ending)
        return;
    run->probe_next_ns = now_ns + PROBE_INTERVAL_NS;
    run->probe_begin_ns = now_ns;
    if (rsm_client_start(run->probe, "hello", none, run->options->timeout_ms, on_probe, run,
                         NULL) != RSM_OK)
        run->probe_begin_ns = 0;
}

static void report_progress(struct load_run *run, uint64_t now_ns)
{
    if (run->options->on_progress == NULL || now_ns < run->progress_ns)
        return;
    const struct load_progress progress = {((double)now_ns - (double)run->measure_from_ns) / 1e9,
                                           run->result};
    run->progress_ns = now_ns + PROGRESS_INTERVAL_NS;
    run->options->on_progress(run->options->context, &progress);
}

/* Starting, reconnecting and deadlines make no descriptor readable. */
static void sweep(struct load_run *run, uint64_t now_ns)
{
    if (now_ns >= run->measure_from_ns && now_ns - run->sweep_ns < SWEEP_INTERVAL_NS)
        return;
    run->sweep_ns = now_ns;
    for (uint32_t i = 0; i < run->world->connection_count; i++) {
        struct rsm_client *connection = run->world->connections[i];
        if (connection != NULL && rsm_client_timeout_ms(connection) == 0)
            rsm_client_process(connection, 0);
    }
}

static uint64_t wait_ns(const struct load_run *run, uint64_t now_ns)
{
    uint64_t next_ns = now_ns + WAIT_NS_MAX;
    if (run->options->rate > 0 && run->idle != NULL && pace_next_ns(&run->pace) < next_ns)
        next_ns = pace_next_ns(&run->pace);
    return next_ns > now_ns ? next_ns - now_ns : 0;
}

static bool is_over(const struct load_run *run, uint64_t now_ns)
{
    if (run->in_flight > 0)
        return false;
    return run->is_ending || now_ns >= run->give_up_ns ||
           (run->options->rate > 0 && pace_next_ns(&run->pace) == UINT64_MAX);
}

/* Kernels before 5.11, and valgrind, have no epoll_pwait2: arrivals are late by 1 ms at most then.
 */
static int wait_for_events(int poll, struct epoll_event *events, int count, uint64_t ns)
{
    const struct timespec time = {.tv_sec = (time_t)(ns / 1000000000),
                                  .tv_nsec = (long)(ns % 1000000000)};
    int ready = epoll_pwait2(poll, events, count, &time, NULL);
    if (ready < 0 && errno == ENOSYS)
        ready = epoll_wait(poll, events, count, (int)((ns + 999999) / 1000000));
    return ready;
}

static void drive(struct load_run *run, int poll)
{
    struct epoll_event events[64];
    for (uint64_t now_ns = bench_now_ns(); !is_over(run, now_ns); now_ns = bench_now_ns()) {
        int ready = wait_for_events(poll, events, 64, wait_ns(run, now_ns));
        for (int i = 0; i < ready; i++)
            if (events[i].data.ptr != NULL)
                rsm_client_process(events[i].data.ptr, 0);
            else
                take_shared(run);
        run->is_ending = run->is_ending || interrupted != 0 || now_ns >= run->give_up_ns;
        begin_due(run);
        probe(run, now_ns);
        sweep(run, now_ns);
        report_progress(run, now_ns);
    }
}

/* ---- a run ---- */

static enum rsm_status watch(struct rsm_client *connection, int poll)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    return epoll_ctl(poll, EPOLL_CTL_ADD, rsm_client_descriptor(connection), &event) == 0 ? RSM_OK
                                                                                          : RSM_IO;
}

static enum rsm_status open_clients(struct load_run *run, int poll)
{
    struct load_world *world = run->world;
    enum rsm_status status = watch(world->control, poll);
    if (status == RSM_OK && world->shared != NULL) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, shared_descriptor(world->shared), &event) != 0)
            status = RSM_IO;
    }
    for (uint32_t i = run->options->client_count; i-- > 0;) {
        world->clients[i].run = run;
        world->clients[i].next = run->idle;
        run->idle = &world->clients[i];
    }
    for (uint32_t i = 0;
         i < world->connection_count && i < run->options->client_count && status == RSM_OK; i++) {
        if (world->connections[i] == NULL)
            status = rsm_client_new(world->shape.endpoints, &world->connections[i]);
        if (status == RSM_OK)
            status = watch(world->connections[i], poll);
    }
    return status;
}

static void use_of_process(uint64_t *cpu_ns, uint64_t *switches)
{
    struct rusage usage;
    CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
    *cpu_ns = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000 +
              (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
    *switches = (uint64_t)(usage.ru_nvcsw + usage.ru_nivcsw);
}

static void set_times(struct load_run *run)
{
    const struct load_options *o = run->options;
    uint64_t now_ns = bench_now_ns();
    double drain = o->seconds > DRAIN_SECONDS_MIN ? o->seconds : DRAIN_SECONDS_MIN;
    run->measure_from_ns = now_ns + (uint64_t)(o->warm_up * 1e9);
    run->end_ns = run->measure_from_ns + (uint64_t)(o->seconds * 1e9);
    run->give_up_ns = run->end_ns + (uint64_t)(drain * 1e9);
    run->progress_ns = now_ns + PROGRESS_INTERVAL_NS;
    if (o->rate > 0)
        pace_init(&run->pace, now_ns, run->end_ns, o->rate);
}

enum rsm_status load_run(struct load_world *world, const struct load_options *options,
                         struct load_result *result_out)
{
    struct load_run run = {.world = world, .options = options, .result = result_out};
    uint64_t cpu_ns, switches;
    CHECK(options->client_count >= 1);
    CHECK(options->client_count <= world->shape.client_count);
    memset(result_out, 0, sizeof *result_out);
    int poll = epoll_create1(EPOLL_CLOEXEC);
    if (poll < 0)
        return RSM_IO;
    (void)prctl(PR_SET_TIMERSLACK, 1ul); /* ns: an arrival is not to wait for the next one */
    run.probe = world->control;
    enum rsm_status status = open_clients(&run, poll);
    use_of_process(&cpu_ns, &switches);
    if (status == RSM_OK) {
        set_times(&run);
        begin_due(&run);
        drive(&run, poll);
        count_late(&run);
        result_out->seconds = (double)(run.end_ns - run.measure_from_ns) / 1e9;
    }
    while (run.probe_begin_ns != 0) /* its context is ours */
        rsm_client_process(run.probe, 10);
    use_of_process(&result_out->cpu_ns, &result_out->switches);
    result_out->cpu_ns -= cpu_ns;
    result_out->switches -= switches;
    (void)close(poll);
    return status == RSM_OK && interrupted != 0 ? RSM_FAILED : status;
}
