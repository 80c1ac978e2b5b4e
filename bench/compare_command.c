/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare_command.c - rsm-bench compare. */
#include <string.h>

#include "bench/commands.h"
#include "bench/compare.h"

#define EXIT_SLOWER 1
#define EXIT_UNKNOWN 3

const char HELP_COMPARE[] =
    "rsm-bench compare A.json B.json [options]\n"
    "\n"
    "Is B slower than A, or is it chance? Takes the repetitions of two results of `run --json` (or "
    "of\n"
    "several on each side: A1.json,A2.json) and gives, for each figure, the ratio of B to A as "
    "Hodges\n"
    "and Lehmann estimate it, with the confidence interval of the Mann-Whitney test. The "
    "confidence holds\n"
    "for all figures together. Results on a machine that other things share should have been made "
    "in\n"
    "turns: make bench-check BASE=REVISION does that.\n"
    "\n"
    "  --confidence N     percent, 50 to 99 (95)\n"
    "  --threshold N      percent; a smaller difference is none that matters (2)\n"
    "  --relative         latencies by the floor's median of the same repetition: for results that "
    "were\n"
    "                     made at different times\n"
    "  --output table|json\n"
    "\n"
    "exit status: 0 no difference, or faster; 1 slower in something; 2 wrong usage, or files that "
    "have\n"
    "nothing in common; 3 too few repetitions to say.\n"
    "\n"
    "example: rsm-bench compare before.json after.json --threshold 5\n";

struct compare_command {
    const char *sides[COMPARE_SIDES];
    uint64_t confidence, threshold;
    const char *output;
    bool is_relative;
};

static bool add_file(struct comparison *c, unsigned side, const char *path)
{
    json_error_t error;
    json_t *result = json_load_file(path, 0, &error);
    if (result == NULL) {
        (void)fprintf(stderr, "rsm-bench: %s: %s\n", path, error.text);
        return false;
    }
    enum rsm_status status = compare_add(c, side, result);
    json_decref(result);
    if (status != RSM_OK)
        (void)fprintf(stderr, "rsm-bench: %s: %s\n", path,
                      status == RSM_MALFORMED ? "is no result of rsm-bench run --json"
                                              : rsm_status_sentence(status));
    return status == RSM_OK;
}

/* "a.json,b.json" */
static bool add_files(struct comparison *c, unsigned side, const char *paths)
{
    char path[1024];
    for (const char *at = paths; *at != 0;) {
        size_t size = strcspn(at, ",");
        (void)snprintf(path, sizeof path, "%.*s", (int)size, at);
        if (size >= sizeof path || !add_file(c, side, path))
            return false;
        at += size + (at[size] == ',' ? 1 : 0);
    }
    return true;
}

static void print_table(const struct comparison *c)
{
    printf("%-22s %-16s %12s %12s %7s  %-17s\n", "", "", "A", "B", "B/A", "interval");
    for (uint32_t i = 0; i < c->row_count; i++) {
        const struct compare_row *row = &c->rows[i];
        struct stats_ratio ratio;
        enum compare_verdict verdict = compare_judge(c, row, &ratio);
        char interval[32] = "-";
        if (ratio.has_interval)
            (void)snprintf(interval, sizeof interval, "%.3f to %.3f", ratio.low, ratio.high);
        printf("%-22s %-16s %12.2f %12.2f %7.3f  %-17s %s\n", row->point, row->figure,
               stats_median(row->values[0], row->counts[0]),
               stats_median(row->values[1], row->counts[1]), ratio.ratio, interval,
               compare_word(verdict));
    }
    printf("\n%u repetitions on each side are the least for so many figures\n",
           stats_least(compare_confidence(c)));
    printf("medians of %u and %u repetitions%s; intervals hold for all rows together with %.0f "
           "%%; below "
           "%.0f %% no difference matters\n%s\n",
           c->rows[0].counts[0], c->rows[0].counts[1],
           c->is_relative ? ", latencies by the floor's median" : "", 100 * c->confidence,
           100 * c->threshold, compare_word(compare_judge_all(c)));
}

static void print_json(const struct comparison *c)
{
    json_t *rows = json_array();
    for (uint32_t i = 0; i < c->row_count; i++) {
        const struct compare_row *row = &c->rows[i];
        struct stats_ratio ratio;
        enum compare_verdict verdict = compare_judge(c, row, &ratio);
        json_t *object =
            json_pack("{s:s, s:s, s:f, s:f, s:i, s:i, s:f, s:s}", "point", row->point, "figure",
                      row->figure, "a", stats_median(row->values[0], row->counts[0]), "b",
                      stats_median(row->values[1], row->counts[1]), "a_repetitions",
                      (int)row->counts[0], "b_repetitions", (int)row->counts[1], "ratio",
                      ratio.ratio, "verdict", compare_word(verdict));
        (void)json_object_set_new(object, "low",
                                  ratio.has_interval ? json_real(ratio.low) : json_null());
        (void)json_object_set_new(object, "high",
                                  ratio.has_interval ? json_real(ratio.high) : json_null());
        (void)json_array_append_new(rows, object);
    }
    json_t *root = json_pack("{s:f, s:f, s:b, s:s, s:o}", "confidence", c->confidence, "threshold",
                             c->threshold, "relative", (int)c->is_relative, "verdict",
                             compare_word(compare_judge_all(c)), "rows", rows);
    (void)json_dumpf(root, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(8));
    printf("\n");
    json_decref(root);
}

static int compare(const struct compare_command *command)
{
    struct comparison c;
    int result = rsm_status_exit(RSM_USAGE);
    compare_init(&c);
    c.confidence = (double)command->confidence / 100;
    c.threshold = (double)command->threshold / 100;
    c.is_relative = command->is_relative;
    if (!add_files(&c, 0, command->sides[0]) || !add_files(&c, 1, command->sides[1]))
        goto out;
    if (compare_match(&c) == 0) {
        (void)fprintf(stderr, "rsm-bench: these results have no point in common\n");
        goto out;
    }
    compare_print_settings(&c, stderr);
    if (strcmp(command->output, "json") == 0)
        print_json(&c);
    else
        print_table(&c);
    enum compare_verdict verdict = compare_judge_all(&c);
    result = verdict == COMPARE_SLOWER    ? EXIT_SLOWER
             : verdict == COMPARE_UNKNOWN ? EXIT_UNKNOWN
                                          : 0;
out:
    compare_deinit(&c);
    return result;
}

int command_compare(int count, char **arguments)
{
    struct compare_command c = {.confidence = 95, .threshold = 2, .output = "table"};
    const struct option rows[] = {
        {.name = "--confidence", .number = &c.confidence, .min = 50, .max = 99},
        {.name = "--threshold", .number = &c.threshold, .max = 1000},
        {.name = "--relative", .flag = &c.is_relative},
        {.name = "--output", .text = &c.output, .words = "table|json"},
    };
    uint32_t plain_count;
    enum options_end end = options_parse(rows, sizeof rows / sizeof rows[0], count, arguments,
                                         c.sides, COMPARE_SIDES, &plain_count);
    if (end == OPTIONS_GOOD && plain_count != COMPARE_SIDES) {
        (void)fprintf(stderr, "rsm-bench: compare wants two files\n");
        end = OPTIONS_BAD;
    }
    return end == OPTIONS_GOOD ? compare(&c) : command_help(end, HELP_COMPARE);
}
