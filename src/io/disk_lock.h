/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * disk_lock.h - a file of the journal is one process's until the last of its writes has ended.
 *
 * What was handed to a ring outlives the process (io_submit and pwrite do not: its end waits for
 * them). Without a lock:
 *
 *   1. a replica is killed while a group is under way through its ring
 *   2. it is started again; the group is not there yet, so its place is free
 *   3. the next group is written to the same place, flushed, and answered for
 *   4. the first group's write reaches the device, over it
 *
 * The lock is the open file's, which a request under way keeps open, not the process's.
 */
#ifndef RSM_IO_DISK_LOCK_H
#define RSM_IO_DISK_LOCK_H

#include <stdbool.h>

/*
 * Locks the file of this descriptor, and waits, which is logged, while a process before this one
 * has writes to it under way. False: its file system has no locks. It is held until the descriptor
 * is closed and nothing is under way through it.
 */
bool disk_lock(int descriptor);

#endif
