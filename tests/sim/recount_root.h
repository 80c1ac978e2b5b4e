/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recount_root.h - the root role, counted again from what the log holds: who holds it, who agreed
 * to what, as different persons; without a line of src/machine.
 *
 *   I35  policy.set, role.* and principal.* take effect when as many persons with the role agree as
 *        the policy says, and wait until then: whoever signs counts, a person counts once however
 *        many names it has, and who has lost the role does not. As many as have to agree remain,
 *        and root-holders refuses nothing else
 */
#ifndef RSM_TESTS_SIM_RECOUNT_ROOT_H
#define RSM_TESTS_SIM_RECOUNT_ROOT_H

#include "src/base/ids.h"
#include "tests/sim/recount_read.h"
#include "tests/sim/sim.h"

struct root_book;

/* What the verdict of a command says. */
struct root_verdict {
    bool is_applied, is_staged; /* neither: refused */
    bool names_holders;         /* by root-holders too */
    const uint8_t *digest;
};

struct root_book *root_book_new(struct sim *sim);
void root_book_free(struct root_book *b);
/* The next command that is judged. */
void root_on_command(struct root_book *b, const struct told *t, const struct root_verdict *v,
                     uint64_t slot);
/* A change that waited ended; when it is live, `t` takes effect. */
void root_on_settled(struct root_book *b, const uint8_t *digest, const struct told *t, bool is_live,
                     uint64_t slot);
/* A change waits for persons of the role. */
bool root_is_asked(const struct root_book *b, const uint8_t *digest);
/* Nothing that enough have agreed to still waits. */
void root_end_slot(struct root_book *b, uint64_t slot);

#endif
