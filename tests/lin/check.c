/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check.c - lin-check [--states N] FILE...: both checks over each history. A line for each file;
 * the exit status is 0 only when all are linearizable, undecided ones count as not.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lin/history.h"

#define STATES_MAX 20000000u

static bool check_file(const char *path, uint64_t states_max)
{
    struct lin_history h;
    char error[256];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        printf("%s: cannot be opened\n", path);
        return false;
    }
    lin_history_init(&h);
    bool good = lin_history_read(&h, file, error);
    if (good && ferror(file)) {
        good = false;
        (void)snprintf(error, sizeof error, "cannot be read");
    } else if (good && h.count == 0) { /* nothing is right of nothing */
        good = false;
        (void)snprintf(error, sizeof error, "without an operation");
    }
    fclose(file);
    if (!good)
        printf("%s: %s\n", path, error);
    uint64_t before = lin_blackbox_states;
    const char *verdict = "NOT A HISTORY";
    if (good) {
        bool by_slots = lin_witness(&h, stdout) == LIN_GOOD;
        enum lin_result by_outcomes = lin_blackbox(&h, states_max, stdout);
        good = by_slots && by_outcomes == LIN_GOOD;
        verdict = good                                       ? "linearizable"
                  : by_slots && by_outcomes == LIN_UNDECIDED ? "UNDECIDED"
                                                             : "NOT LINEARIZABLE";
    }
    uint64_t unknown = 0;
    for (size_t i = 0; i < h.count; i++)
        unknown += h.ops[i].outcome == LIN_UNKNOWN;
    printf("%s: %s, %zu operations (%" PRIu64 " unknown), %" PRIu32 " keys, %" PRIu64 " states\n",
           path, verdict, h.count, unknown, h.keys.count, lin_blackbox_states - before);
    lin_history_deinit(&h);
    return good;
}

int main(int argc, char **argv)
{
    uint64_t states_max = STATES_MAX;
    int first = 1, status = argc > 1 ? 0 : 2;
    if (argc > 2 && strcmp(argv[1], "--states") == 0) {
        states_max = strtoull(argv[2], NULL, 10);
        first = 3;
    }
    for (int i = first; i < argc; i++)
        if (!check_file(argv[i], states_max))
            status = 1;
    return status;
}
