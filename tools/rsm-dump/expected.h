/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * expected.h - what the caller of check-proof says that a proof is of: --log, --slot, --change,
 * --verdict. A good proof of something else is no damage, and not what was asked for: it has a
 * status of its own, EXIT_UNEXPECTED.
 */
#ifndef RSM_TOOLS_EXPECTED_H
#define RSM_TOOLS_EXPECTED_H

#include "src/command/note.h"
#include "storage/tree.h"
#include "tools/lib/proof.h"
#include "tools/rsm-dump/dump.h"

struct expected {
    bool has_log, has_slot, has_digest, has_author;
    uint8_t cluster[CLUSTER_ID_SIZE];
    uint64_t slot;
    uint8_t digest[HASH_SIZE];
    struct bytes author; /* with `counter`; borrowed from the command line */
    uint64_t counter;
    const char *verdict; /* NULL: any */
};

/* From the options. False: said on stderr what is wrong. */
bool expected_parse(const struct options *o, struct expected *out);

/* False: it is not, said on stderr, and d->is_unexpected. */
bool expected_log(struct dump *d, const struct expected *e, const struct note_checkpoint *c);
bool expected_leaf(struct dump *d, const struct expected *e, const struct tree_leaf *leaf);
/* A proof of growth is of no slot and no change. */
bool expected_growth(struct dump *d, const struct expected *e);

#endif
