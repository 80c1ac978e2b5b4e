/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * disk_uring.h - a group's direct writes and the flush behind them as one call (io_uring), for
 * disk_group.c.
 *
 * The writes are under way together; the flush begins when all of them ended (IOSQE_IO_DRAIN), and
 * the caller sleeps once, until it ended as well. A ring is used by one thread at a time, and
 * nothing is under way between two calls.
 */
#ifndef RSM_IO_DISK_URING_H
#define RSM_IO_DISK_URING_H

#include <stdbool.h>

#include "src/io/disk_group.h"

struct uring;

/*
 * Makes a ring: 0, or the error of the system, which has none (ENOSYS), forbids it (EPERM:
 * kernel.io_uring_disabled, or a filter of system calls), or is short of something (ENOMEM,
 * EMFILE). *ring_out is then NULL.
 */
int uring_open(struct uring **ring_out);
/* NULL is ignored. */
void uring_close(struct uring *ring);
/*
 * Writes the parts at `places`, aligned memory with their bytes, through g->direct, and flushes:
 * RSM_OK, it is durable. Otherwise the first error of a write, or else that of the flush.
 * *refused_out: the system takes no such writes, and nothing is durable; the status is then RSM_OK.
 * What the ring does not take is done without it, and so is the rest of a short write. The
 * descriptor is one whose writes are not durable by themselves.
 */
enum rsm_status uring_write(struct uring *ring, const struct disk_group *g,
                            uint8_t *const places[DISK_PARTS_MAX], bool *refused_out);

#endif
