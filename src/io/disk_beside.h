/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * disk_beside.h - zeros for the journal's next segment, written and flushed by a thread, so that
 * the commits of the main loop do not wait behind them.
 *
 *     IDLE  --begin--> RUNNING  --the thread is done, settle--> ENDED  --take, forget--> IDLE
 *                         ^------------------another begin-------'
 *
 * One piece of one file is under way at a time. The descriptors stay the owner's, who settles the
 * file before anything else is done with it: so nothing else is written to it meanwhile, and its
 * descriptors are not closed. Thread: the owner's, but for `run`.
 */
#ifndef RSM_IO_DISK_BESIDE_H
#define RSM_IO_DISK_BESIDE_H

#include <stdbool.h>
#include <stdint.h>

#include <rsm/status.h>

struct beside;

/* What is to be zeroed. */
struct beside_piece {
    uint64_t file;
    uint64_t first, end;
    int descriptor; /* borrowed until the file is settled */
    int direct;     /* for whole sectors past the page cache; -1: none */
};

/* RSM_IO: no thread is to be had. */
enum rsm_status beside_start(struct beside **beside_out);
/* Waits for what is under way. NULL is ignored. */
void beside_stop(struct beside *b);

/*
 * RSM_BUSY: it has begun, or goes on; ask again. Else it is over: RSM_OK when the zeros are
 * durable, or what went wrong. Told once; a piece with other numbers begins anew.
 */
enum rsm_status beside_zero(struct beside *b, const struct beside_piece *piece);
/* Returns when nothing is under way in the file. What came of it can still be asked for. */
void beside_settle(struct beside *b, uint64_t file);
/* The same, and it cannot: the file goes, and a new one may have its number. */
void beside_forget(struct beside *b, uint64_t file);

#endif
