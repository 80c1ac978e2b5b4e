/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * update.h - RFC 2136's arithmetic: do the prerequisites hold, and what do the updates leave.
 *
 * For kind_update.c, which is about rights and rules. Reads the state, writes nothing.
 */
#ifndef RSM_MACHINE_UPDATE_H
#define RSM_MACHINE_UPDATE_H

#include "src/machine/judge.h"

/* Memory that is used again by each update. */
struct update_work;

struct update_work *update_work_new(void);
void update_work_free(struct update_work *work);

/*
 * Reports each prerequisite that does not hold (RFC 2136 3.2), those about names and those that
 * want or forbid a set in their order, then the value-dependent ones. The zone's row is there.
 */
void update_check_prerequisites(struct judge *j, const struct zone_record *row,
                                const struct body_update *body);

/* The principal's request was applied before, and is not forgotten yet: reports it (request-done).
 */
bool update_is_done(struct judge *j, const struct body_update *body);
/* This command is the request's from now on; forgets some that are old. */
void update_remember(struct judge *j, const struct body_update *body);

/*
 * Makes the changes (changes_add) that the update section comes to (RFC 2136 3.4.2), against the
 * record sets as they are now. Reports a plan's content that no prerequisite names.
 */
void update_add_changes(struct judge *j, const struct zone_record *row,
                        const struct body_update *body);

#endif
