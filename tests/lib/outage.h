/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * outage.h - October 2025, replayed against the state machine alone: a slow enactor with an old
 * plan, a fast one with a new plan, the clean-up of old plans, and the next plan.
 */
#ifndef RSM_TESTS_OUTAGE_H
#define RSM_TESTS_OUTAGE_H

#include <stdio.h>

/*
 * Runs steps 0 to 8, writes a line for each command and its verdict to `out` (NULL: none). NULL:
 * everything went as it should; else the step at which it did not, static memory; why is in `out`.
 */
const char *outage_run(FILE *out);

#endif
