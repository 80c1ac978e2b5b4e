/* SPDX-License-Identifier: GPL-3.0-or-later */
/* growth.h - whether a checkpoint extends the one that is kept (tools/lib/kept.h), in findings. */
#ifndef RSM_TOOLS_GROWTH_H
#define RSM_TOOLS_GROWTH_H

#include "tools/lib/kept.h"
#include "tools/rsm-dump/dump.h"

/* A fork, or another log: never good. True: one of the other relations, which is *relation_out. */
bool growth_compare(struct dump *d, const struct kept *k, const struct note_checkpoint *seen,
                    enum kept_relation *relation_out);

/*
 * Takes a checkpoint that was found good, in `raw`, for the kept one when it extends that. Growth
 * is shown by a proof from `old` (NULL: none), which was checked, or by --growth. False: a finding.
 */
bool growth_take(struct dump *d, struct kept *k, const struct note_checkpoint *seen,
                 struct bytes raw, const struct note_checkpoint *old);

/* Puts it into the file and says so on stderr. */
bool growth_put(struct dump *d, struct kept *k, const struct note_checkpoint *seen,
                struct bytes raw);

#endif
