/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * disk_group.h - a group's parts and the flush behind them, in whichever way (disk_flush.h); for
 * disk_posix.c, which has one writer, and for the thread of disk_flusher.c, which has another one.
 */
#ifndef RSM_IO_DISK_GROUP_H
#define RSM_IO_DISK_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsm/status.h>

#include "src/io/disk_direct.h"
#include "storage/disk.h"

/* What is to be written, and where. The descriptors and the parts' bytes are borrowed. */
struct disk_group {
    uint64_t file;
    int descriptor;
    int direct;      /* for whole sectors past the page cache; -1: none */
    bool is_durable; /* once it is written: the descriptor has O_DSYNC */
    bool takes_ring; /* where the writer has one: the file is locked (disk_lock.h) */
    struct disk_part parts[DISK_PARTS_MAX];
    size_t count;
};

struct uring;

/* What one thread at a time writes with; all zeros before its first use. */
struct group_writer {
    struct uring *uring; /* owned; NULL: groups do without */
    struct direct_queue queue;
    struct direct_buffer buffer;
};

/* From now on groups of whole sectors go through io_uring. False: the system has none; logged. */
bool group_writer_open_ring(struct group_writer *w);
/* Gives back what it has. Nothing may be under way. */
void group_writer_deinit(struct group_writer *w);
/*
 * Writes the parts, and then flushes: RSM_OK, it is durable. *refused_out: the system takes no
 * direct writes after all, so it was written and flushed in the other way; the answer is that of
 * the latter. On any error nobody knows what was written, and it is not tried again.
 */
enum rsm_status group_write(struct group_writer *w, const struct disk_group *g, bool *refused_out);

/* pwrite until all of it is written. */
enum rsm_status group_write_plain(int descriptor, const struct disk_part *part);

#endif
