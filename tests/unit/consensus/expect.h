/* SPDX-License-Identifier: GPL-3.0-or-later */
/* expect.h - a core in a situation, one line handed in, and the whole trace of what it does. */
#ifndef RSM_TESTS_UNIT_CONSENSUS_EXPECT_H
#define RSM_TESTS_UNIT_CONSENSUS_EXPECT_H

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/script.h"

/* Replica 1 of three voters. It has promised ballot 3.2 and voted `old` in slot 1 under 2.3. */
#define ACCEPTOR "record accept 1 2.3 old; record promise 3.2; start"

/* Replica 1 leads under 1.1; slot 1, the no-op of its election, is chosen and applied. */
#define LEADER                                                                                     \
    "start; tick 20; from 2 prevote-answer 1.1 granted; flush;"                                    \
    "from 2 promise 1.1 first=1 end=none; flush; from 2 accepted 1.1 slots=1; applied 1"

/* Replica 1 follows replica 2, which leads under 1.2. */
#define FOLLOWER "start; from 2 heartbeat 1.2"

struct expectation {
    const char *sentence; /* what the case is about */
    const char *setup;
    const char *lines;
    const char *trace;
};

static inline void expect(const struct expectation *e)
{
    struct script s;
    script_init(&s);
    const char *setup = script_run(&s, e->setup);
    cr_assert(strstr(setup, "not a command") == NULL, "%s: %s", e->sentence, setup);
    const char *trace = script_run(&s, e->lines);
    cr_assert_str_eq(trace, e->trace, "%s\n--- wanted\n%s--- got\n%s", e->sentence, e->trace,
                     trace);
    script_deinit(&s);
}

static inline void expect_all(const struct expectation *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect(&list[i]);
}

#define EXPECT_ALL(list) expect_all((list), sizeof(list) / sizeof((list)[0]))

#endif
