/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk_flush.h - the ways in which the journal's bytes become durable. */
#ifndef RSM_IO_DISK_FLUSH_H
#define RSM_IO_DISK_FLUSH_H

#include <stdbool.h>

/*
 * What a write and a flush are. All keep what storage/disk.h promises; docs/performance.md has
 * figures.
 *
 *   fdatasync   writes go to the page cache, a flush writes the dirty pages and the device's cache
 *   odsync      each write is durable when it ends (O_DSYNC); a flush does nothing more
 *   odirect     writes of whole sectors go to the device (O_DIRECT), the parts of one together
 *               (io_submit, where the system has it); a flush writes the device's cache
 *   io_uring    as odirect, but a group's writes and the flush behind them are one call
 */
enum disk_flush {
    DISK_FLUSH_FDATASYNC = 1,
    DISK_FLUSH_ODSYNC,
    DISK_FLUSH_ODIRECT,
    DISK_FLUSH_IO_URING,
};

/* By its name above; false for another one. */
bool disk_flush_parse(const char *name, enum disk_flush *flush_out);
const char *disk_flush_name(enum disk_flush flush);
/* Whether its writes of whole sectors go past the page cache. */
bool disk_flush_is_direct(enum disk_flush flush);
/*
 * Whether it is to be had in `directory`, of whose file system and of the system below it depends,
 * or something else would take its place. Tried with a file that is removed again.
 */
bool disk_flush_is_had(enum disk_flush flush, const char *directory);

#endif
