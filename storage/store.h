/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store.h - the durable state: LMDB, and only here.
 *
 * One environment per directory and process, one unnamed database. A key is the table's number (one
 * byte) and the key; a value is its checksum (u32) and the value. The checksum is a CRC-32C over
 * table, key and value, so that a value that LMDB returns for another key, or whose bits have
 * changed, is RSM_DAMAGED and never other data: LMDB itself notices nothing. Table 0 is the store's
 * own: "format" (u32) and "identity" (cluster id, replica).
 *
 * Commits are synchronous (no MDB_NOSYNC): RSM_OK means durable, data and "applied" slot together.
 *
 * What a damaged file can do: LMDB may raise SIGBUS, abort or loop. Whoever reads a store that is
 * not known to be sound does so in a child process (src/io/child.h).
 *
 * Threads: store_commit, and behind it a store_cut of its own, may run in another thread than
 * everything else (one at a time); all else, the snapshot included, belongs to the main thread.
 * store_grow and store_close want that no commit runs.
 */
#ifndef RSM_STORAGE_STORE_H
#define RSM_STORAGE_STORE_H

#include <stdbool.h>

#include <rsm/status.h>

#include "src/base/ids.h"
#include "src/base/kv.h"

#define STORE_FORMAT 1u

struct store;

struct store_identity {
    uint8_t cluster[CLUSTER_ID_SIZE];
    uint32_t replica;
};

struct store_options {
    uint64_t map_size; /* address space, not disk; 0: 64 GiB. Rounded up to whole pages */
};

/*
 * Opens the store in the directory `path` (which exists), makes it when it is new.
 *
 * RSM_WRONG_IDENTITY (of another cluster or replica), RSM_NEWER_FORMAT, RSM_DAMAGED (not an LMDB
 * file, or its meta values do not check), RSM_DISK_FULL, RSM_IO, RSM_LOCKED (this process has it
 * open already, or too many readers). On failure *store_out is NULL.
 */
enum rsm_status store_open(const char *path, const struct store_identity *identity,
                           const struct store_options *options, struct store **store_out);

/*
 * Opens an existing store for reading. `live`: a running replica may be writing, so register as a
 * reader (this touches the lock file, never the data). Without `live` nothing at all is written.
 * Whose it is comes back in *identity_out. RSM_NOT_FOUND when there is none. Never for a store that
 * this process has open.
 */
enum rsm_status store_open_read_only(const char *path, bool live,
                                     struct store_identity *identity_out, struct store **store_out);

/* NULL is ignored. */
void store_close(struct store *s);

/*
 * The state as of the last refresh: a read-only kv, owned by the store. Bytes that it returns are
 * valid until the next store_refresh, store_grow or store_close.
 */
struct kv *store_kv(struct store *s);
/* Moves the snapshot to the last commit. RSM_IO, RSM_LOCKED (no reader slot is free). */
enum rsm_status store_refresh(struct store *s);

/*
 * Another snapshot, of the last commit, that stays as it is until kv_free: for sending it away.
 * Owned by the caller, read-only, used and freed by one thread, the main one or the one that
 * commits; none is open when store_grow or store_close is called. NULL when no reader slot is to be
 * had.
 */
struct kv *store_cut(struct store *s);

/*
 * Writes all that `overlay` holds in one synchronous transaction. All or nothing.
 *
 * RSM_TOO_LARGE: the map is full; nothing was written; let the main thread store_grow, then try
 * again. RSM_DISK_FULL: nothing was written; try again when there is space. Anything else is
 * fatal: end the process, a second attempt could believe a flush that never happened.
 */
enum rsm_status store_commit(struct store *s, const struct kv *overlay);

/* Doubles the map. No transaction is open meanwhile: no commit runs, the snapshot is renewed. */
enum rsm_status store_grow(struct store *s);

/* Frees the slots of readers that died; RSM_OK even when there were none. */
enum rsm_status store_check_readers(struct store *s, uint32_t *freed_out);

/* From now on store_verify tells of each row's bytes, before it reads the next: to be paced by. */
void store_watch_rows(struct store *s, void (*on_row)(void *context, size_t bytes), void *context);

/*
 * Reads every key and value of the snapshot and checks it, and then all of them against the sum
 * that the last commit left. RSM_DAMAGED at the first that does not; `text_out` (at least 160
 * bytes) says which. Only in a child process, see above.
 */
enum rsm_status store_verify(struct store *s, char *text_out, size_t text_size,
                             uint64_t *count_out);

/* Bytes of the file in use, and of the map. */
void store_sizes(const struct store *s, uint64_t *used_out, uint64_t *map_out);

#endif
