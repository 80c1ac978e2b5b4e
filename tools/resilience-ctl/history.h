/* SPDX-License-Identifier: GPL-3.0-or-later */
/* history.h - what undo and restore share (history.c). */
#ifndef RSM_CTL_HISTORY_H
#define RSM_CTL_HISTORY_H

#include "tools/resilience-ctl/changes.h"

/* A zone right after a slot, or as `at` says (NULL: now). RSM_NOT_FOUND is not printed. */
enum rsm_status history_read_at(struct ctl *ctl, struct bytes zone, const char *at,
                                struct zone_content *out);
/* The author has seen what is in it. */
void history_see_content(struct ctl *ctl, const struct zone_content *content);
/* Those that are not there have been deleted by somebody, who has to be seen as well. */
enum rsm_status history_see_targets(struct ctl *ctl, struct bytes zone,
                                    const struct change_list *list);
/* Signs and submits the list; the exit status. */
int history_submit(struct ctl *ctl, struct bytes zone, const struct change_list *list,
                   const char *done);

#endif
