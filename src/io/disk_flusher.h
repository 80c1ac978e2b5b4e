/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * disk_flusher.h - a thread that writes a journal's group and flushes it, so that the main loop
 * takes, judges and sends what comes meanwhile.
 *
 *     IDLE  --begin--> RUNNING  --the thread is done, settle--> ENDED  --end--> IDLE
 *
 * One group is under way at a time; its bytes and the file's descriptors stay as they are from
 * begin to end. The descriptors are the owner's, who settles the file before anything else is done
 * with it. Thread: the owner's, but for `run`.
 */
#ifndef RSM_IO_DISK_FLUSHER_H
#define RSM_IO_DISK_FLUSHER_H

#include <stdbool.h>
#include <stdint.h>

#include <rsm/status.h>

#include "src/io/disk_flush.h"
#include "src/io/disk_group.h"

struct flusher;
struct watchdog;

/* `watchdog` (borrowed; may be NULL) ends the process when a job hangs. RSM_IO: no thread. */
enum rsm_status flusher_start(struct watchdog *watchdog, enum disk_flush flush,
                              struct flusher **flusher_out);
/* Waits for what is under way. NULL is ignored. */
void flusher_stop(struct flusher *f);

/* Begins; nothing may be under way. */
void flusher_begin(struct flusher *f, const struct disk_group *group);
/*
 * Of what was begun, once: RSM_BUSY while it runs, unless the caller waits. *refused_out: the
 * system takes no direct writes, so it was written and flushed in the other way.
 */
enum rsm_status flusher_end(struct flusher *f, bool waits, bool *refused_out);
/* Returns when nothing is under way in the file. What came of it is still to be asked for. */
void flusher_settle(struct flusher *f, uint64_t file);
/* Readable when flusher_end may have an answer. Owned by the flusher. */
int flusher_descriptor(const struct flusher *f);

#endif
