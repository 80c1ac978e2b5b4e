/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare.c - see compare.h. */
#include "bench/compare.h"

#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"

void compare_init(struct comparison *c)
{
    *c = (struct comparison){.rows = mem_alloc(COMPARE_ROWS_MAX * sizeof(struct compare_row)),
                             .confidence = 0.95,
                             .threshold = 0.02};
}

void compare_deinit(struct comparison *c)
{
    mem_free(c->rows);
    c->rows = NULL;
    for (unsigned side = 0; side < COMPARE_SIDES; side++)
        json_decref(c->settings[side]);
}

/* NULL: there are too many. */
static struct compare_row *find(struct comparison *c, const char *point, const char *figure)
{
    for (uint32_t i = 0; i < c->row_count; i++)
        if (strcmp(c->rows[i].point, point) == 0 && strcmp(c->rows[i].figure, figure) == 0)
            return &c->rows[i];
    if (c->row_count == COMPARE_ROWS_MAX)
        return NULL;
    struct compare_row *row = &c->rows[c->row_count++];
    (void)snprintf(row->point, sizeof row->point, "%s", point);
    (void)snprintf(row->figure, sizeof row->figure, "%s", figure);
    return row;
}

static enum rsm_status add_value(struct comparison *c, unsigned side, const char *point,
                                 const char *figure, bool more_is_better, double value)
{
    if (!(value > 0))
        return RSM_OK; /* not measured */
    struct compare_row *row = find(c, point, figure);
    if (row == NULL || row->counts[side] == STATS_SAMPLES_MAX)
        return RSM_TOO_MANY;
    row->more_is_better = more_is_better;
    row->values[side][row->counts[side]++] = value;
    return RSM_OK;
}

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static enum rsm_status add_latencies(struct comparison *c, unsigned side, const char *point,
                                     const json_t *repetition, const char *what)
{
    static const struct {
        const char *key, *word;
    } figures[] = {{"median_us", "median"}, {"p99_us", "p99"}};
    const json_t *latency = json_object_get(repetition, what);
    double unit = c->is_relative ? number(json_object_get(repetition, "floor"), "median_us") : 1;
    enum rsm_status status = RSM_OK;
    for (size_t i = 0; i < sizeof figures / sizeof figures[0] && status == RSM_OK; i++) {
        char figure[32];
        (void)snprintf(figure, sizeof figure, "%s %s", what, figures[i].word);
        status = add_value(c, side, point, figure, false,
                           unit > 0 ? number(latency, figures[i].key) / unit : 0);
    }
    return status;
}

static enum rsm_status add_repetition(struct comparison *c, unsigned side, const char *point,
                                      const json_t *repetition, bool is_open)
{
    enum rsm_status status = add_latencies(c, side, point, repetition, "write");
    if (status == RSM_OK)
        status = add_latencies(c, side, point, repetition, "read");
    if (status == RSM_OK && !is_open && !c->is_relative)
        status = add_value(c, side, point, "writes a second", true,
                           number(repetition, "writes_per_second"));
    if (status == RSM_OK && !is_open && !c->is_relative)
        status = add_value(c, side, point, "reads a second", true,
                           number(repetition, "reads_per_second"));
    return status;
}

enum rsm_status compare_add(struct comparison *c, unsigned side, const json_t *result)
{
    const json_t *runs = json_object_get(result, "runs");
    CHECK(side < COMPARE_SIDES);
    if (json_integer_value(json_object_get(result, "format")) != 1 || json_array_size(runs) == 0)
        return RSM_MALFORMED;
    if (c->settings[side] == NULL)
        c->settings[side] = json_incref(json_object_get(result, "settings"));
    for (size_t i = 0; i < json_array_size(runs); i++) {
        char point[64];
        const json_t *run = json_array_get(runs, i);
        const json_t *repetitions = json_object_get(run, "repetitions");
        double rate = number(run, "rate");
        if (json_array_size(repetitions) == 0)
            return RSM_MALFORMED;
        int used = snprintf(point, sizeof point, "%.0f clients", number(run, "clients"));
        if (rate > 0)
            (void)snprintf(point + used, sizeof point - (size_t)used, " at %.0f/s", rate);
        for (size_t k = 0; k < json_array_size(repetitions); k++) {
            enum rsm_status status =
                add_repetition(c, side, point, json_array_get(repetitions, k), rate > 0);
            if (status != RSM_OK)
                return status;
        }
    }
    return RSM_OK;
}

void compare_print_settings(const struct comparison *c, FILE *out)
{
    const char *key;
    json_t *a;
    json_object_foreach(c->settings[0], key, a)
    {
        json_t *b = json_object_get(c->settings[1], key);
        if (b == NULL || json_equal(a, b) == 1)
            continue;
        (void)fprintf(out, "rsm-bench: not measured alike: %s: ", key);
        (void)json_dumpf(a, out, JSON_ENCODE_ANY);
        (void)fputs(" and ", out);
        (void)json_dumpf(b, out, JSON_ENCODE_ANY);
        (void)fputc('\n', out);
    }
}

uint32_t compare_match(struct comparison *c)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < c->row_count; i++)
        if (c->rows[i].counts[0] > 0 && c->rows[i].counts[1] > 0)
            c->rows[kept++] = c->rows[i];
    c->row_count = kept;
    return kept;
}

double compare_confidence(const struct comparison *c)
{
    return 1 - (1 - c->confidence) / (c->row_count > 0 ? c->row_count : 1);
}

enum compare_verdict compare_judge(const struct comparison *c, const struct compare_row *row,
                                   struct stats_ratio *ratio_out)
{
    double confidence = 1 - (1 - c->confidence) / (c->row_count > 0 ? c->row_count : 1);
    *ratio_out =
        stats_compare(row->values[0], row->counts[0], row->values[1], row->counts[1], confidence);
    if (!ratio_out->has_interval)
        return COMPARE_UNKNOWN;
    bool is_above = ratio_out->low > 1 && ratio_out->ratio > 1 + c->threshold;
    bool is_below = ratio_out->high < 1 && ratio_out->ratio < 1 - c->threshold;
    if (!is_above && !is_below)
        return COMPARE_SAME;
    return is_above == row->more_is_better ? COMPARE_FASTER : COMPARE_SLOWER;
}

enum compare_verdict compare_judge_all(const struct comparison *c)
{
    bool seen[COMPARE_UNKNOWN + 1] = {false};
    for (uint32_t i = 0; i < c->row_count; i++) {
        struct stats_ratio ratio;
        seen[compare_judge(c, &c->rows[i], &ratio)] = true;
    }
    if (seen[COMPARE_SLOWER])
        return COMPARE_SLOWER;
    if (seen[COMPARE_FASTER])
        return COMPARE_FASTER;
    return seen[COMPARE_UNKNOWN] ? COMPARE_UNKNOWN : COMPARE_SAME;
}

const char *compare_word(enum compare_verdict verdict)
{
    switch (verdict) {
    case COMPARE_SAME:
        return "no difference";
    case COMPARE_FASTER:
        return "faster";
    case COMPARE_SLOWER:
        return "slower";
    case COMPARE_UNKNOWN:
        return "too few repetitions to say";
    }
    return "";
}
