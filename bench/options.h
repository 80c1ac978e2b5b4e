/* SPDX-License-Identifier: GPL-3.0-or-later */
/* options.h - "--name value" by a table, for every subcommand. */
#ifndef RSM_BENCH_OPTIONS_H
#define RSM_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NUMBERS_MAX 16u

/* "1,8,64" */
struct numbers {
    uint64_t values[NUMBERS_MAX];
    uint32_t count;
};

/* One target is set; it says what kind of value the option takes. A flag takes none. */
struct option {
    const char *name; /* with its dashes */
    const char **text;
    uint64_t *number; /* min..max, as each of `numbers` */
    struct numbers *numbers;
    double *real; /* min..max as well */
    bool *flag;
    uint64_t min, max;
    const char *words; /* of a text, if only some are good: "table|json" */
};

enum options_end {
    OPTIONS_GOOD,
    OPTIONS_HELP, /* --help was among them */
    OPTIONS_BAD,  /* said on stderr */
};

/*
 * `plain` gets what does not begin with dashes, up to `plain_max`; borrowed from `arguments`.
 */
enum options_end options_parse(const struct option *rows, size_t row_count, int count,
                               char **arguments, const char **plain, uint32_t plain_max,
                               uint32_t *plain_count_out);

/* Decimal digits alone, within the bounds. */
bool options_number(const char *text, uint64_t min, uint64_t max, uint64_t *out);

#endif
