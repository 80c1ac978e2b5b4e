/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * audit.h - stage 7: what the store was given, read back from it after the commit.
 *
 * The heads and the applied slot are read back of every commit, and of the other rows up to
 * AUDIT_ROWS_MAX, evenly spread; the rest is the scrubber's. A row that is not what was written is
 * kept: the replica takes no commands until that row reads as it should, or was written anew and
 * read back well.
 *
 * Thread: the one that commits, until node_on_committed; then the owner of the node.
 */
#ifndef RSM_DAEMON_AUDIT_H
#define RSM_DAEMON_AUDIT_H

#include "src/base/kv.h"

#define AUDIT_ROWS_MAX 2048u /* some two milliseconds of the thread that commits */

struct audit {
    bool has_failed;
    uint8_t table;       /* of the row that failed */
    struct writer key;   /* owned */
    struct writer value; /* what was written; a deletion has is_deleted */
    bool is_deleted;
    uint64_t rows; /* read back in all */
    uint64_t commits;
};

void audit_init(struct audit *a);
void audit_deinit(struct audit *a);

/*
 * `written` was committed to `store`. False: some row of it, or the one that failed before, does
 * not read as it was written; or it could not be read.
 */
bool audit_commit(struct audit *a, const struct kv *written, struct kv *store);

#endif
