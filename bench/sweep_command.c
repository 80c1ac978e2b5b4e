/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sweep_command.c - rsm-bench sweep: rounds, and in each round every variant once, against a fresh
 * cluster; then each variant's repetitions beside those without a setting (compare.h).
 */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "bench/commands.h"
#include "bench/compare.h"
#include "bench/run_options.h"
#include "bench/sweep.h"
#include "src/base/check.h"
#include "src/base/mem.h"

const char HELP_SWEEP[] =
    "rsm-bench sweep [options]\n"
    "\n"
    "Tries one setting at a time, in turns, each against a fresh cluster of its own, and says "
    "which\n"
    "differ from the replicas' own settings beyond chance, which are best on this machine, and "
    "which\n"
    "setting moved p99 most.\n"
    "\n"
    "  --knobs LIST       \"window=1,64;tick_ms=5\": keys of rsmd.conf, and pin=spread|one "
    "(processors),\n"
    "                     bundle=N (change sets under one signature). Without it: all that the "
    "replicas know\n"
    "                     of window, batch_entries, journal_flush, verify_threads, "
    "store_commit_ms,\n"
    "                     segment_size, tick_ms, pin, bundle\n"
    "  --repeat N         rounds (8); --confidence and --threshold as in compare\n"
    "  --output table|json\n"
    "\n"
    "and what `run` takes, but for a cluster that runs already: --clients (1,64) --seconds (3) "
    "--rate\n"
    "--size --changes --reads --replicas ..., see rsm-bench run --help.\n"
    "\n"
    "example: rsm-bench sweep --knobs 'journal_flush=fdatasync,odirect' --clients 1 --repeat 6\n";

struct sweep_command {
    struct run_options run;
    struct sweep sweep;
    struct report *reports;         /* owned, one for each variant */
    struct comparison *comparisons; /* owned; that of variant 0 is empty */
    const char *knobs, *output;
    uint64_t confidence, threshold;
    bool is_quiet;
};

#define MORE_OPTIONS 5u

static enum options_end parse(struct sweep_command *c, int count, char **arguments)
{
    struct option rows[RUN_OPTION_COUNT + MORE_OPTIONS] = {{.name = NULL}};
    const struct option more[MORE_OPTIONS] = {
        {.name = "--knobs", .text = &c->knobs},
        {.name = "--output", .text = &c->output, .words = "table|json"},
        {.name = "--confidence", .number = &c->confidence, .min = 50, .max = 99},
        {.name = "--threshold", .number = &c->threshold, .max = 1000},
        {.name = "--quiet", .flag = &c->is_quiet},
    };
    uint32_t plain_count;
    *c = (struct sweep_command){.output = "table", .confidence = 95, .threshold = 2};
    run_options_default(&c->run);
    c->run.session.clients = (struct numbers){{1, 64}, 2};
    c->run.session.seconds = 3;
    c->run.session.floor_count = 0;
    c->run.repeat = 8;
    run_options_rows(&c->run, rows);
    memcpy(rows + RUN_OPTION_COUNT, more, sizeof more);
    enum options_end end = options_parse(rows, RUN_OPTION_COUNT + MORE_OPTIONS, count, arguments,
                                         NULL, 0, &plain_count);
    if (end != OPTIONS_GOOD)
        return end;
    if (!run_options_check(&c->run))
        return OPTIONS_BAD;
    if (c->run.endpoints != NULL || c->run.dir != NULL) {
        (void)fprintf(stderr, "rsm-bench: sweep starts clusters of its own, in $TMPDIR or /tmp\n");
        return OPTIONS_BAD;
    }
    if (!sweep_parse(&c->sweep, c->knobs)) {
        (void)fprintf(stderr, "rsm-bench: --knobs %s: \"key=value,value;key=value\"\n", c->knobs);
        return OPTIONS_BAD;
    }
    return OPTIONS_GOOD;
}

/* Pins, or takes over what is no setting of the daemon's. */
static bool apply(const struct sweep_variant *v, const struct run_place *place,
                  struct session_options *options)
{
    uint64_t bundle;
    if (strcmp(v->knob, "pin") == 0)
        return sweep_pin(v->value, place->where.processes, CLUSTER_REPLICAS_MAX);
    if (strcmp(v->knob, "bundle") != 0)
        return true;
    if (!options_number(v->value, 1, LOAD_BUNDLE_MAX, &bundle))
        return false;
    options->shape.bundle = (uint32_t)bundle;
    return true;
}

static enum rsm_status measure_in(struct sweep_command *c, uint32_t index, struct run_place *place)
{
    const struct sweep_variant *v = &c->sweep.variants[index];
    struct session_options options = c->run.session;
    struct session session = {.world = NULL};
    struct report *r = &c->reports[index];
    if (!apply(v, place, &options)) {
        (void)fprintf(stderr, "rsm-bench: %s=%s cannot be done here\n", v->knob, v->value);
        return RSM_USAGE;
    }
    enum rsm_status status = RSM_OK;
    if (r->points == NULL)
        status = session_make_report(r, &options, place->where.endpoints);
    if (status == RSM_OK) {
        status = session_open(&session, &options, &place->where);
        if (status == RSM_OK)
            status = session_repeat(&session, r);
        session_close(&session);
    }
    return status;
}

static enum rsm_status measure(struct sweep_command *c, uint32_t index)
{
    const struct sweep_variant *v = &c->sweep.variants[index];
    struct run_place place;
    char line[128];
    enum rsm_status status = run_place_open(&place, &c->run);
    if (status == RSM_OK && sweep_config_line(v, line, sizeof line)) {
        status = cluster_configure(&place.cluster, line);
        cluster_processes(&place.cluster, place.where.processes);
    }
    if (status == RSM_OK)
        status = measure_in(c, index, &place);
    run_place_close(&place);
    return status;
}

/* With the default list, what these replicas do not know, or cannot do here, is left out. */
static enum rsm_status leave_out_unknown(struct sweep_command *c)
{
    struct run_place place;
    uint32_t kept = 1;
    enum rsm_status status = run_place_open(&place, &c->run);
    for (uint32_t i = 1; i < c->sweep.count && status == RSM_OK; i++) {
        const struct sweep_variant *v = &c->sweep.variants[i];
        char line[128], why[512];
        bool is_taken = !sweep_config_line(v, line, sizeof line) ||
                        cluster_takes(&place.cluster, line, why, sizeof why);
        bool is_had = !is_taken || sweep_is_had(v, place.cluster.directory, why, sizeof why);
        if (!is_taken || !is_had) {
            if (!is_had && c->knobs == NULL && !c->is_quiet)
                (void)fprintf(stderr, "rsm-bench: without %s=%s: %s\n", v->knob, v->value, why);
            if (c->knobs != NULL) {
                (void)fprintf(stderr, "rsm-bench: %s=%s: %s\n", v->knob, v->value, why);
                status = RSM_USAGE;
            }
            continue;
        }
        c->sweep.variants[kept++] = *v;
    }
    if (status == RSM_OK)
        c->sweep.count = kept;
    run_place_close(&place);
    return status;
}

static enum rsm_status measure_all(struct sweep_command *c)
{
    enum rsm_status status = leave_out_unknown(c);
    for (uint64_t round = 0; round < c->run.repeat && status == RSM_OK; round++)
        for (uint32_t i = 0; i < c->sweep.count && status == RSM_OK; i++) {
            if (!c->is_quiet)
                (void)fprintf(stderr, "rsm-bench: round %llu of %llu, %u of %u: %s%s%s\n",
                              (unsigned long long)round + 1, (unsigned long long)c->run.repeat,
                              i + 1, c->sweep.count, c->sweep.variants[i].knob,
                              i > 0 ? "=" : "as they are", c->sweep.variants[i].value);
            status = load_is_interrupted() ? RSM_FAILED : measure(c, i);
        }
    return status;
}

/* ---- what came of it ---- */

static void compare_with_first(struct sweep_command *c, uint32_t index)
{
    struct comparison *to = &c->comparisons[index];
    json_t *first = report_json(&c->reports[0]), *this = report_json(&c->reports[index]);
    to->confidence = (double)c->confidence / 100;
    to->threshold = (double)c->threshold / 100;
    CHECK(compare_add(to, 0, first) == RSM_OK);
    CHECK(compare_add(to, 1, this) == RSM_OK);
    (void)compare_match(to);
    json_decref(first);
    json_decref(this);
}

/* The logarithm of how p99 moved, all points together; *is_real: beyond chance in one of them. */
static double p99_of(const struct comparison *c, bool *is_real)
{
    double sum = 0;
    uint32_t count = 0;
    *is_real = false;
    for (uint32_t i = 0; i < c->row_count; i++) {
        struct stats_ratio ratio;
        enum compare_verdict verdict = compare_judge(c, &c->rows[i], &ratio);
        if (strstr(c->rows[i].figure, "p99") == NULL)
            continue;
        *is_real = *is_real || verdict == COMPARE_FASTER || verdict == COMPARE_SLOWER;
        sum += log(ratio.ratio);
        count++;
    }
    return count > 0 ? sum / count : 0;
}

struct conclusion {
    uint32_t mover; /* variant that moved p99 most; 0: none beyond chance */
    double moved;   /* its ratio of p99 */
    uint32_t recommended[SWEEP_VARIANTS_MAX]; /* variants: the best of their knobs */
    uint32_t count;
};

/*
 * Of a knob's variants that are faster in something and slower in nothing, the one with the lowest
 * p99. What a bundle brings is the callers' to choose, and is not recommended to the replicas.
 */
static void conclude(const struct sweep_command *c, struct conclusion *out)
{
    double most = 0;
    *out = (struct conclusion){.moved = 1};
    for (uint32_t i = 1; i < c->sweep.count; i++) {
        const struct sweep_variant *v = &c->sweep.variants[i];
        bool is_real;
        double moved = p99_of(&c->comparisons[i], &is_real);
        if (is_real && fabs(moved) > most) {
            most = fabs(moved);
            out->mover = i;
            out->moved = exp(moved);
        }
        if (compare_judge_all(&c->comparisons[i]) != COMPARE_FASTER ||
            strcmp(v->knob, "bundle") == 0)
            continue;
        uint32_t *last = out->count > 0 ? &out->recommended[out->count - 1] : NULL;
        bool same_knob = last != NULL && strcmp(c->sweep.variants[*last].knob, v->knob) == 0;
        if (!same_knob)
            out->recommended[out->count++] = i;
        else if (moved < p99_of(&c->comparisons[*last], &is_real))
            *last = i;
    }
}

static void print_variant(const struct sweep_command *c, uint32_t index)
{
    const struct sweep_variant *v = &c->sweep.variants[index];
    const struct comparison *to = &c->comparisons[index];
    char name[96];
    (void)snprintf(name, sizeof name, "%s=%s", v->knob, v->value);
    for (uint32_t i = 0; i < to->row_count; i++) {
        struct stats_ratio ratio;
        const struct compare_row *row = &to->rows[i];
        enum compare_verdict verdict = compare_judge(to, row, &ratio);
        printf("%-26s %-14s %-15s %11.1f %11.1f %7.3f  %s\n", i == 0 ? name : "", row->point,
               row->figure, stats_median(row->values[0], row->counts[0]),
               stats_median(row->values[1], row->counts[1]), ratio.ratio, compare_word(verdict));
    }
}

static void print_table(const struct sweep_command *c, const struct conclusion *end)
{
    printf("%-26s %-14s %-15s %11s %11s %7s\n", "setting", "", "", "without", "with", "ratio");
    for (uint32_t i = 1; i < c->sweep.count; i++)
        print_variant(c, i);
    if (end->mover != 0)
        printf("\np99 was moved most by %s (%s: times %.2f)\n", c->sweep.variants[end->mover].knob,
               c->sweep.variants[end->mover].value, end->moved);
    else
        printf("\nno setting moved p99 beyond chance\n");
    for (uint32_t i = 0; i < end->count; i++)
        printf("recommended here: %s = %s\n", c->sweep.variants[end->recommended[i]].knob,
               c->sweep.variants[end->recommended[i]].value);
    if (end->count == 0)
        printf("recommended here: the settings as they are\n");
}

static void print_json(const struct sweep_command *c, const struct conclusion *end)
{
    json_t *variants = json_array(), *recommended = json_array();
    for (uint32_t i = 1; i < c->sweep.count; i++) {
        json_t *rows = json_array();
        for (uint32_t k = 0; k < c->comparisons[i].row_count; k++) {
            struct stats_ratio ratio;
            const struct compare_row *row = &c->comparisons[i].rows[k];
            enum compare_verdict verdict = compare_judge(&c->comparisons[i], row, &ratio);
            (void)json_array_append_new(
                rows,
                json_pack("{s:s, s:s, s:f, s:f, s:f, s:s}", "point", row->point, "figure",
                          row->figure, "without", stats_median(row->values[0], row->counts[0]),
                          "with", stats_median(row->values[1], row->counts[1]), "ratio",
                          ratio.ratio, "verdict", compare_word(verdict)));
        }
        (void)json_array_append_new(variants,
                                    json_pack("{s:s, s:s, s:o}", "knob", c->sweep.variants[i].knob,
                                              "value", c->sweep.variants[i].value, "rows", rows));
    }
    for (uint32_t i = 0; i < end->count; i++) {
        const struct sweep_variant *v = &c->sweep.variants[end->recommended[i]];
        (void)json_array_append_new(recommended,
                                    json_pack("{s:s, s:s}", "knob", v->knob, "value", v->value));
    }
    json_t *root = json_pack("{s:i, s:o, s:o, s:o, s:s, s:s, s:f}", "rounds", (int)c->run.repeat,
                             "machine", report_json_machine(), "variants", variants, "recommended",
                             recommended, "p99_moved_most_by", c->sweep.variants[end->mover].knob,
                             "value", c->sweep.variants[end->mover].value, "times", end->moved);
    (void)json_dumpf(root, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(8));
    printf("\n");
    json_decref(root);
}

static int sweep(struct sweep_command *c)
{
    uint32_t count = c->sweep.count;
    c->reports = mem_alloc(count * sizeof c->reports[0]);
    c->comparisons = mem_alloc(count * sizeof c->comparisons[0]);
    enum rsm_status status = measure_all(c);
    for (uint32_t i = 0; i < count; i++)
        compare_init(&c->comparisons[i]);
    if (status == RSM_OK) {
        struct conclusion end;
        for (uint32_t i = 1; i < c->sweep.count; i++)
            compare_with_first(c, i);
        conclude(c, &end);
        if (strcmp(c->output, "json") == 0)
            print_json(c, &end);
        else
            print_table(c, &end);
    }
    for (uint32_t i = 0; i < count; i++) {
        compare_deinit(&c->comparisons[i]);
        session_free_report(&c->reports[i]);
    }
    mem_free(c->comparisons);
    mem_free(c->reports);
    return rsm_status_exit(status);
}

int command_sweep(int count, char **arguments)
{
    struct sweep_command *c = mem_alloc(sizeof *c);
    enum options_end end = parse(c, count, arguments);
    int result = end == OPTIONS_GOOD ? sweep(c) : command_help(end, HELP_SWEEP);
    mem_free(c);
    return result;
}
