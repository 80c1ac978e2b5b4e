/* SPDX-License-Identifier: GPL-3.0-or-later */
/* expect.h - what a test of the machine expects of its world `w` after a command. */
#ifndef RSM_TESTS_UNIT_MACHINE_EXPECT_H
#define RSM_TESTS_UNIT_MACHINE_EXPECT_H

#include <criterion/criterion.h>

#include <string.h>

#include "tests/lib/machine_world.h"

/* The first verdict of the last slot names the rule, with `part` in its evidence. */
#define EXPECT(rule, part)                                                                         \
    do {                                                                                           \
        cr_assert(world_refused(w, (rule)), "%s", world_words(w));                                 \
        cr_assert(strstr(world_evidence(w, (rule)), (part)) != NULL, "%s", world_words(w));        \
    } while (0)

/* And no other rule. */
#define EXPECT_ONLY(rule, part)                                                                    \
    do {                                                                                           \
        cr_assert(world_refused_only(w, (rule)), "%s", world_words(w));                            \
        cr_assert(strstr(world_evidence(w, (rule)), (part)) != NULL, "%s", world_words(w));        \
    } while (0)

#endif
