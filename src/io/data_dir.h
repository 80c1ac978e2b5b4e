/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * data_dir.h - a replica's directory: who it belongs to, and who holds it.
 *
 *   identity   text, see storage/identity.h; written last when the directory is made
 *   lock       held by the running replica (an open file description lock, F_OFD_SETLK: it vanishes
 *              with the process, and rsm-dump can ask for it without taking it)
 *   genesis    the cluster's genesis, as bytes
 *   peers      incarnations of the other replicas, see src/daemon/incarnations.h
 *   recovery   the body of a cluster.recover, signed by persons: src/daemon/recover.h
 *   left-behind  the same, of another replica that goes on without this disk:
 * src/daemon/left_behind.h journal/   segments          store/   LMDB
 *
 * The directory is 0700, files 0600. Files are made as "name.tmp", flushed, renamed, and the
 * directory flushed.
 */
#ifndef RSM_IO_DATA_DIR_H
#define RSM_IO_DATA_DIR_H

#include <stdbool.h>

#include "src/base/blob.h"
#include "storage/identity.h"

struct data_dir;

/*
 * Makes the directory (its parent exists) with genesis, journal/ and store/, and writes `identity`.
 * RSM_EXISTS when it holds an identity already. What an interrupted earlier try left is used again.
 */
enum rsm_status data_dir_create(const char *path, const struct identity *identity,
                                struct bytes genesis);

/*
 * Opens and locks it. RSM_NOT_FOUND (no such directory, or no identity in it), RSM_LOCKED,
 * RSM_NEWER_FORMAT, RSM_DAMAGED (identity or genesis do not check), RSM_KEY_EXPOSED (others may
 * enter: chmod 700), RSM_WRONG_IDENTITY (`expected` is not NULL and another cluster or replica),
 * RSM_IO. `text_out` (may be NULL) gets words that name the file.
 */
enum rsm_status data_dir_open(const char *path, const struct identity *expected,
                              struct data_dir **dir_out, char *text_out, size_t text_size);
/* Gives the lock back. NULL is ignored. */
void data_dir_close(struct data_dir *dir);

/* Descriptor of the directory, for openat. Owned by the data_dir. */
int data_dir_descriptor(const struct data_dir *dir);
/* Whose directory it is, as stored. Borrowed until data_dir_close. */
const struct identity *data_dir_identity(const struct data_dir *dir);
/* The genesis as stored. Borrowed until data_dir_close. */
struct bytes data_dir_genesis(const struct data_dir *dir);
/* Replaces the identity file: for a new incarnation. */
enum rsm_status data_dir_set_identity(struct data_dir *dir, const struct identity *identity);

/* Makes store/ when it is not there; ends what a crash left half done. */
enum rsm_status data_dir_make_store(const struct data_dir *dir);
/*
 * A damaged store becomes store.damaged-1 (what had that name before is removed), and store/ is
 * empty. A crash in between leaves it missing at worst: see data_dir_make_store.
 */
enum rsm_status data_dir_set_store_aside(const struct data_dir *dir);

/* Makes store.incoming/, empty. */
enum rsm_status data_dir_make_incoming(const struct data_dir *dir);
/* Removes it; RSM_OK when there is none. */
enum rsm_status data_dir_remove_incoming(const struct data_dir *dir);
/*
 * store.incoming/ takes the place of store/ (which nobody has open): after a crash store/ is the
 * one or the other, once data_dir_make_store has been called.
 */
enum rsm_status data_dir_install_incoming(const struct data_dir *dir);

/* A small file of the directory: RSM_NOT_FOUND, RSM_DAMAGED (no plain file, or larger), RSM_IO. */
enum rsm_status data_dir_read_file(const struct data_dir *dir, const char *name, size_t size_max,
                                   struct blob **blob_out);
/* Writes it anew, durably: after a crash it is the old one or the new. */
enum rsm_status data_dir_write_file(const struct data_dir *dir, const char *name,
                                    struct bytes data);

/*
 * For rsm-dump: reads identity and genesis of a directory, or a copy of one, without writing or
 * locking. *live_out: a process holds it. What is missing or damaged leaves its pointer NULL or
 * `identity_out->replica` 0, and the status says why.
 */
enum rsm_status data_dir_inspect(const char *path, struct identity *identity_out,
                                 struct blob **genesis_out, bool *live_out);

#endif
