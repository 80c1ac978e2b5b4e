/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim_main.c - runs seeds: sim [--mode core|links|node|planned] [--seed N] [--seeds N|all]
 * [--trace] [--marks]
 * [--keep-going] [--mutant NAME] [--shrink] [--calm] [--faults 3,17]
 * [--salt N] [--all-marks]. Planned scenarios have an end: --seeds all goes up to it.
 *
 * A seed that fails prints one line that replays it exactly. One seed in fifty runs twice: both
 * runs must be equal, step by step. The last line has the counts.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "consensus/paxos.h"
#include "tests/lib/mutant_switch.h"
#include "tests/sim/plan.h"
#include "tests/sim/planned.h"
#include "tests/sim/sim.h"

#define SEEDS_ALL UINT64_MAX

struct arguments {
    uint64_t seed;
    uint64_t seeds; /* SEEDS_ALL: from `seed` to the last planned scenario */
    const char *mode;
    const char *mutant; /* NULL: none */
    const char *faults; /* "3,17": these of the plan alone; NULL: all */
    bool calm;
    uint64_t salt;
    bool shrink;
    bool trace;
    bool marks;
    bool keep_going;
    bool all_marks; /* a mark or a fault that was never hit is a failure */
};

static const struct {
    const char *name;
    sim_mode *run;
} modes[] = {
    {"core", sim_core_run},
    {"links", sim_links_run},
    {"node", sim_node_run},
    {"planned", sim_planned_run},
};

static bool parse(struct arguments *a, int count, char **list)
{
    *a = (struct arguments){.seed = 1, .seeds = 1, .mode = "core"};
    for (int i = 1; i < count; i++) {
        bool has_value = i + 1 < count;
        if (strcmp(list[i], "--trace") == 0)
            a->trace = true;
        else if (strcmp(list[i], "--marks") == 0)
            a->marks = true;
        else if (strcmp(list[i], "--all-marks") == 0)
            a->all_marks = true;
        else if (strcmp(list[i], "--keep-going") == 0)
            a->keep_going = true;
        else if (strcmp(list[i], "--seed") == 0 && has_value)
            a->seed = strtoull(list[++i], NULL, 10);
        else if (strcmp(list[i], "--seeds") == 0 && has_value)
            a->seeds = strcmp(list[++i], "all") == 0 ? SEEDS_ALL : strtoull(list[i], NULL, 10);
        else if (strcmp(list[i], "--mode") == 0 && has_value)
            a->mode = list[++i];
        else if (strcmp(list[i], "--shrink") == 0)
            a->shrink = true;
        else if (strcmp(list[i], "--calm") == 0)
            a->calm = true;
        else if (strcmp(list[i], "--salt") == 0 && has_value)
            a->salt = strtoull(list[++i], NULL, 10);
        else if (strcmp(list[i], "--faults") == 0 && has_value)
            a->faults = list[++i];
        else if (strcmp(list[i], "--mutant") == 0 && has_value)
            a->mutant = list[++i];
        else
            return false;
    }
    if (a->seeds == SEEDS_ALL) {
        if (strcmp(a->mode, "planned") != 0 || a->seed > planned_count())
            return false;
        a->seeds = planned_count() + 1 - a->seed;
    }
    return true;
}

static sim_mode *find_mode(const char *name)
{
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(modes[i].name, name) == 0)
            return modes[i].run;
    }
    return NULL;
}

/* A condition of the program itself did not hold: the seed is told, then it ends as it would. */
static uint64_t present_seed;
static const char *present_mode;

static void on_abort(int number)
{
    char text[160];
    int size = snprintf(text, sizeof(text),
                        "seed %" PRIu64 " failed: a CHECK of the program\nrepeat with: make sim "
                        "MODE=%s SEED=%" PRIu64 " SEEDS=1 SIMFLAGS=--trace\n",
                        present_seed, present_mode, present_seed);
    ssize_t ignored = write(STDOUT_FILENO, text, (size_t)size);
    (void)ignored;
    signal(number, SIG_DFL);
    raise(number);
}

/* --faults and --calm, as the shrinker prints them. */
static struct sim_cut cut_of(const struct arguments *a, bool skip[PLAN_FAULTS_MAX])
{
    struct sim_cut cut = {.calm_network = a->calm};
    if (a->faults == NULL)
        return cut;
    memset(skip, true, PLAN_FAULTS_MAX * sizeof(bool));
    cut.skip = skip;
    cut.skip_count = PLAN_FAULTS_MAX;
    for (const char *at = a->faults; *at != '\0';) {
        char *end = NULL;
        unsigned long long index = strtoull(at, &end, 10);
        if (end == at)
            break;
        if (index < PLAN_FAULTS_MAX)
            skip[index] = false;
        at = *end == ',' ? end + 1 : end;
    }
    return cut;
}

static bool run_seed(const struct arguments *a, sim_mode *mode, uint64_t seed,
                     struct sim_report *report)
{
    static bool skip[PLAN_FAULTS_MAX];
    struct sim_request request = {.seed = seed, .trace = a->trace};
    request.cut = cut_of(a, skip);
    request.salt = a->salt;
    struct sim_result result = {0};
    struct sim_result again = {0};
    present_seed = seed;
    present_mode = a->mode;
    bool passed = mode(&request, report, &result);
    if (passed && seed % 50 == 0) {
        request.trace = false;
        passed = mode(&request, report, &again);
        if (passed && result.hash != again.hash) {
            passed = false;
            snprintf(result.failure, sizeof(result.failure), "I17: two runs of the seed differ");
        }
    }
    if (!passed)
        printf("seed %" PRIu64 " failed: %s\nrepeat with: make sim MODE=%s SEED=%" PRIu64
               " SEEDS=1 SIMFLAGS=--trace\n",
               seed, result.failure, a->mode, seed);
    fflush(stdout);
    return passed;
}

static void print_report(const struct sim_report *r, double seconds, bool marks)
{
    printf("note: %" PRIu64 " runs, %.0f s simulated in %.1f s of one core (%.0f x), %" PRIu64
           " events, %" PRIu64 " messages, %" PRIu64 " writes, %" PRIu64 " reads, %" PRIu64
           " crashes, %" PRIu64 " partitions, %" PRIu64 " elections\n",
           r->seeds, (double)r->simulated_us / 1e6, seconds,
           (double)r->simulated_us / 1e6 / (seconds > 0 ? seconds : 1), r->events, r->messages,
           r->writes_acknowledged, r->reads_confirmed, r->crashes, r->partitions, r->elections);
    printf("note: %" PRIu64 " actions replayed by the reference, %" PRIu64
           " changes of members, %" PRIu64 " doubts, %" PRIu64 " rejoined, %" PRIu64
           " runs rightly blocked, %" PRIu64 " beyond the model\n",
           r->paxos_events, r->member_changes, r->doubts, r->rejoins, r->blocked, r->beyond);
    for (unsigned i = FAULT_NONE + 1; i < FAULT_END; i++) {
        if (marks)
            printf("note: fault %-26s %" PRIu64 "\n", fault_name((enum fault_kind)i), r->faults[i]);
    }
    for (unsigned i = 0; i < SIM_MARK_COUNT; i++) {
        if (marks)
            printf("note: mark %-26s %" PRIu64 "\n", sim_mark_name((enum sim_mark)i),
                   r->node_marks[i]);
    }
    for (size_t i = 0; i < r->mark_count; i++) {
        if (marks)
            printf("note: mark %-26s %" PRIu64 "\n", paxos_mark_name((enum paxos_mark)i),
                   r->marks[i]);
    }
}

/* Of each kind of fault a long batch makes many. */
#define MANY_SEEDS 2000u
#define MANY_FAULTS 100u

/* Rare paths that no seed of a long batch came to: nobody has tested them. */
static uint64_t count_missing(const struct sim_report *r, const char *mode)
{
    uint64_t missing = 0;
    uint64_t least = r->seeds >= MANY_SEEDS ? MANY_FAULTS : 1;
    for (unsigned i = FAULT_NONE + 1; i < FAULT_END; i++) {
        bool is_drawn = strcmp(mode, "node") == 0 || r->faults[i] > 0;
        if (is_drawn && r->faults[i] < least) {
            printf("fault %s: made %" PRIu64 " times, not %" PRIu64 "\n",
                   fault_name((enum fault_kind)i), r->faults[i], least);
            missing++;
        }
    }
    for (size_t i = 0; strcmp(mode, "core") == 0 && i < r->mark_count; i++) {
        /* Only a mistake comes to the first; the second takes more than a step of these seeds has,
         * and has its unit test. */
        bool excused = i == PAXOS_MARK_ACCEPT_CONFLICT || i == PAXOS_MARK_SEND_DROPPED;
        if (r->marks[i] == 0 && !excused) {
            printf("mark never hit: %s\n", paxos_mark_name((enum paxos_mark)i));
            missing++;
        }
    }
    for (unsigned i = 0; i < SIM_MARK_COUNT; i++) {
        /* Of whole nodes but for this one, for which a batch of them is too short. */
        const char *of = i == SIM_MARK_RECOGNISED ? "core" : "node";
        if (strcmp(mode, of) == 0 && r->node_marks[i] == 0) {
            printf("mark never hit: %s\n", sim_mark_name((enum sim_mark)i));
            missing++;
        }
    }
    return missing;
}

int main(int count, char **list)
{
    struct arguments a;
    struct timespec began;
    struct timespec ended;
    uint64_t marks[PAXOS_MARK_COUNT] = {0};
    uint64_t faults[FAULT_END] = {0};
    struct sim_report report = {.marks = marks, .mark_count = PAXOS_MARK_COUNT, .faults = faults};
    uint64_t passed = 0;
    uint64_t failed = 0;
    if (!parse(&a, count, list) || find_mode(a.mode) == NULL) {
        fprintf(stderr, "usage: sim [--mode core|links|node|planned] [--seed N] [--seeds N|all] "
                        "[--trace] [--marks] "
                        "[--keep-going] [--mutant NAME] [--shrink] [--calm] [--faults 3,17] "
                        "[--salt N] [--all-marks]\n");
        return 2;
    }
    if (a.mutant != NULL && !mutant_set(a.mutant)) {
        fprintf(stderr, "sim: no switch for %s in this build\n", a.mutant);
        return 2;
    }
    signal(SIGABRT, on_abort);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
    for (uint64_t seed = a.seed; seed < a.seed + a.seeds; seed++) {
        if (a.shrink) {
            failed += sim_shrink(find_mode(a.mode), a.mode, seed, &report) ? 1 : 0;
            continue;
        }
        if (run_seed(&a, find_mode(a.mode), seed, &report))
            passed++;
        else
            failed++;
        if (failed > 0 && !a.keep_going)
            break;
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended);
    print_report(&report,
                 (double)(ended.tv_sec - began.tv_sec) +
                     (double)(ended.tv_nsec - began.tv_nsec) / 1e9,
                 a.marks);
    if (a.all_marks)
        failed += count_missing(&report, a.mode);
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", passed, failed);
    return failed > 0 ? 1 : 0;
}
