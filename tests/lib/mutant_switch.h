/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mutant_switch.h - in the build with switches (VARIANT=switch, header made by
 * tests/sim/switches.sh): which planted mistake is on. In every other build there are none.
 *
 * RSM_MUTANT=NAME in the environment switches one on before main(); a name that is none ends the
 * program with status 2.
 */
#ifndef RSM_TESTS_MUTANT_SWITCH_H
#define RSM_TESTS_MUTANT_SWITCH_H

#include <stdbool.h>

/* Switches `name` on, and any other off; false: this build has none of that name. */
bool mutant_set(const char *name);

#endif
