/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stores.h - opens the replica's store; a damaged one is moved aside, for an empty one. */
#ifndef RSM_DAEMON_STORES_H
#define RSM_DAEMON_STORES_H

#include <rsm/status.h>

#include "src/io/data_dir.h"
#include "storage/store.h"

/*
 * The store is closed, nothing was left undone: the next start need not look at all of it, if the
 * file is the very same one then. A failure costs time alone, and is logged.
 */
void stores_note_clean(const struct data_dir *dir, const char *path);

/*
 * Checks the store of `dir` (whose path is `path`) in a child process, since damage under LMDB can
 * end a process, and opens it; after a clean stop it is opened at once, however large it is. A
 * damaged one becomes store.damaged-1; then the replica has an empty one, and gets its state from
 * its peers (node_open says what that means for its votes). While there is one thread. On failure
 * *why_out has words, static memory.
 */
enum rsm_status stores_open(const struct data_dir *dir, const char *path, uint64_t map_size,
                            struct store **store_out, const char **why_out);

/*
 * The store beside it, for a snapshot: begun empty; put into the place of *store, which is closed
 * then, as *incoming is. RSM_IO leaves *store NULL: the process must end.
 */
enum rsm_status stores_begin_incoming(const struct data_dir *dir, const char *path,
                                      uint64_t map_size, struct store **incoming_out);
/* Writes an overlay, durably. RSM_DISK_FULL, RSM_IO. */
enum rsm_status stores_put_incoming(struct store *incoming, const struct kv *rows);
enum rsm_status stores_install_incoming(const struct data_dir *dir, const char *path,
                                        uint64_t map_size, struct store **store,
                                        struct store **incoming);
/* Closes it and removes it; NULL is ignored. */
void stores_drop_incoming(const struct data_dir *dir, struct store **incoming);

#endif
