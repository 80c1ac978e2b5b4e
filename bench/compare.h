/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare.h - two results of `run` beside each other. */
#ifndef RSM_BENCH_COMPARE_H
#define RSM_BENCH_COMPARE_H

#include <stdio.h>

#include <jansson.h>

#include <rsm/status.h>

#include "bench/stats.h"

#define COMPARE_SIDES 2u
#define COMPARE_ROWS_MAX 160u

/* One figure of one point. */
struct compare_row {
    char point[64];  /* "64 clients" */
    char figure[32]; /* "write median" */
    bool more_is_better;
    double values[COMPARE_SIDES][STATS_SAMPLES_MAX];
    uint32_t counts[COMPARE_SIDES];
};

enum compare_verdict {
    COMPARE_SAME = 1, /* no difference, or none that matters */
    COMPARE_FASTER,
    COMPARE_SLOWER,
    COMPARE_UNKNOWN, /* too few repetitions */
};

struct comparison {
    struct compare_row *rows; /* owned, COMPARE_ROWS_MAX of them */
    uint32_t row_count;
    double confidence;               /* of all rows together: each is held to more */
    double threshold;                /* differences below it do not matter: 0.02 is 2 % */
    json_t *settings[COMPARE_SIDES]; /* owned: of the first result of each side; NULL: none */
    bool is_relative;                /* latencies as ratios to the floor of the same repetition */
};

void compare_init(struct comparison *c);
void compare_deinit(struct comparison *c);
/*
 * Takes the repetitions of one result, side 0 or 1, as rows; may be called again for more of them.
 * RSM_MALFORMED: it is no result of `run`. RSM_TOO_MANY: above STATS_SAMPLES_MAX repetitions.
 */
enum rsm_status compare_add(struct comparison *c, unsigned side, const json_t *result);
/* Says on `out` which settings are not the same on both sides; none of it is a mistake. */
void compare_print_settings(const struct comparison *c, FILE *out);
/* Takes away the rows that one side has not; how many are left. */
uint32_t compare_match(struct comparison *c);

/* What each of the rows is held to, so that c->confidence holds for all (Bonferroni). */
double compare_confidence(const struct comparison *c);
/* Of one row, with compare_confidence. */
enum compare_verdict compare_judge(const struct comparison *c, const struct compare_row *row,
                                   struct stats_ratio *ratio_out);
/* Of all: slower when one is; else faster when one is; else unknown when one is; else the same. */
enum compare_verdict compare_judge_all(const struct comparison *c);
const char *compare_word(enum compare_verdict verdict);

#endif
