/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recount_plane.h - dynamic updates, services and labels of zones, counted again from what the log
 * holds, without a line of src/machine.
 *
 *   I32  an update whose prerequisites do not hold is refused by one of them, and no other is; the
 *        addresses of its name are what RFC 2136 makes of them
 *   I33  a service is applied only when what it needs is there and leads back to it nowhere, and
 *        goes only when none needs it; dangling and cycle refuse none else
 *   I34  in a zone that the policy makes critical by its label nothing takes effect without votes,
 *        and nothing waits elsewhere that did not ask for it
 */
#ifndef RSM_TESTS_SIM_RECOUNT_PLANE_H
#define RSM_TESTS_SIM_RECOUNT_PLANE_H

#include "tests/sim/recount_read.h"
#include "tests/sim/sim.h"

#define PLANE_ADDRESSES 64u

struct plane_book;

/* What the verdict of a command says. */
struct plane_verdict {
    bool is_applied, is_staged; /* neither: refused */
    bool names_prerequisite, names_dangling, names_cycle;
};

struct plane_book *plane_book_new(struct sim *sim);
void plane_book_free(struct plane_book *b);
/* Standard, critical: 1 or 2, what the command's zone makes of it. */
uint32_t plane_class(const struct plane_book *b, const struct told *t);
/* The next command that is judged. */
void plane_on_command(struct plane_book *b, const struct told *t, const struct plane_verdict *v,
                      uint64_t slot);
/* One that waited takes effect. */
void plane_on_live(struct plane_book *b, const struct told *t);
/* Calls `visit` for each name that updates wrote, with its addresses now, in no order. */
void plane_visit(const struct plane_book *b,
                 void (*visit)(void *context, struct bytes zone, struct bytes owner,
                               const uint32_t *addresses, size_t count),
                 void *context);
/* And for each service that is there. False: some other one is, or one lacks. */
size_t plane_service_count(const struct plane_book *b);

#endif
