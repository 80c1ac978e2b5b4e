/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lists.h - lists of the state, for the terminal. */
#ifndef RSM_CTL_LISTS_H
#define RSM_CTL_LISTS_H

#include "tools/resilience-ctl/ctl.h"

/* Calls a method that lists a table, page by page, and prints the array `key` of its results. */
int ctl_show_list(struct ctl *ctl, const char *method, const char *key,
                  const struct ctl_column *columns, unsigned count);

/* A line for each grant, as role set takes it; one for a role that has none. */
void ctl_print_role(struct rsm_value name, struct rsm_value grants, FILE *out);

#endif
