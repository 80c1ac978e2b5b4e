/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recount_rights.h - of what class the roles' grants let their holders write, counted again from
 * what the log holds, without a line of src/machine. In a run all grants of a role say the same.
 *
 *   I31  class-granted refuses exactly those that ask for a class above that of their role's grants
 */
#ifndef RSM_TESTS_SIM_RECOUNT_RIGHTS_H
#define RSM_TESTS_SIM_RECOUNT_RIGHTS_H

#include "tests/sim/recount_read.h"
#include "tests/sim/sim.h"

struct rights_book;

struct rights_book *rights_book_new(struct sim *sim);
void rights_book_free(struct rights_book *b);
/*
 * The next command that is judged: taken (applied or staged), or refused, by class-granted too;
 * `class`: 1 or 2, what its zone makes of it (recount_plane.h).
 */
void rights_on_command(struct rights_book *b, const struct told *t, uint32_t class, bool is_taken,
                       bool is_above_grants, uint64_t slot);

#endif
