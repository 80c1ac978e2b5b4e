/* SPDX-License-Identifier: GPL-3.0-or-later */
/* commands.h - the subcommands of rsm-bench, and what they share. Each returns the exit status. */
#ifndef RSM_BENCH_COMMANDS_H
#define RSM_BENCH_COMMANDS_H

#include <stdbool.h>
#include <stdio.h>

#include "bench/options.h"

int command_run(int count, char **arguments);
int command_floor(int count, char **arguments);
int command_compare(int count, char **arguments);
int command_sweep(int count, char **arguments);

extern const char HELP_RUN[], HELP_FLOOR[], HELP_COMPARE[], HELP_SWEEP[];

/*
 * For OPTIONS_HELP, prints the help; for OPTIONS_BAD, behind what was said of it, where the help
 * is: "rsm-bench run [options]..." begins with its name. The exit status.
 */
int command_help(enum options_end end, const char *help);

/* $TMPDIR, else /tmp. */
const char *command_temporary(void);

/*
 * Before anything is measured: false (said on stderr) when a file is there already and not `force`,
 * or could not be written where it is to be.
 */
bool command_may_write(const char *path, bool force);
/* A file for results; NULL (said on stderr) when it cannot be made, or is there and not `force`. */
FILE *command_output(const char *path, bool force);

#endif
