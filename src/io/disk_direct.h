/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * disk_direct.h - writes past the page cache (O_DIRECT), for disk_posix.c.
 *
 * They save copying into pages, finding the dirty ones again at the flush, and the pages. Places
 * and sizes are multiples of a sector of the device, and memory is aligned, which is made so here.
 */
#ifndef RSM_IO_DISK_DIRECT_H
#define RSM_IO_DISK_DIRECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsm/status.h>

#include "storage/disk.h"

#define DIRECT_CHUNK_MAX (1u << 20)

/* Aligned memory for what is written; zeroed, made when first needed. */
struct direct_buffer {
    uint8_t *memory; /* owned */
    uint8_t *data;   /* the aligned place in it, DIRECT_CHUNK_MAX bytes */
};

/* Its memory, DIRECT_CHUNK_MAX bytes; stays the buffer's. */
uint8_t *direct_buffer_get(struct direct_buffer *b);
/* Frees it. One that was never used: nothing. */
void direct_buffer_deinit(struct direct_buffer *b);

/*
 * A second descriptor of the file `name`, opened for direct writes of whole sectors of 512 bytes;
 * -1 where file system or device refuse that.
 */
int direct_open(int directory, const char *name);

/*
 * Exactly `size` bytes; offset and size are multiples of 512. *refused_out: the system does not
 * take such writes after all, and nothing was written; the status is then RSM_OK.
 */
enum rsm_status direct_write(int descriptor, uint64_t offset, const void *data, size_t size,
                             struct direct_buffer *buffer, bool *refused_out);

/*
 * The parts one behind the other in `buffer`, each where a device takes memory. False: no room, or
 * not for all.
 */
bool direct_place(const struct disk_part *parts, size_t count, struct direct_buffer *buffer,
                  uint8_t *places_out[DISK_PARTS_MAX]);
/* Whether a write with this result (bytes, or a negative errno) is to be completed. */
bool direct_may_complete(int64_t result);
/*
 * The end of a write of `size` bytes of aligned memory that was handed over with others, by its
 * result: what is missing is written here, and whoever cannot says why. *refused_out as above.
 */
enum rsm_status direct_complete(int descriptor, uint64_t offset, const uint8_t *place, size_t size,
                                int64_t result, bool *refused_out);

/* Writes that are under way together (io_submit); made when first needed. */
struct direct_queue {
    unsigned long context; /* 0: none; the system may refuse it, then they go one by one */
    bool is_tried;
};

/* Gives the system's part back. Nothing may be under way. */
void direct_queue_deinit(struct direct_queue *queue);
/*
 * direct_write of each part, all handed to the device before the first one is waited for: a write
 * past the page cache sleeps until the device has it, and two in turn sleep twice.
 */
enum rsm_status direct_write_parts(struct direct_queue *queue, int descriptor,
                                   const struct disk_part *parts, size_t count,
                                   struct direct_buffer *buffer, bool *refused_out);
/* Zeros in [first, end), multiples of 512; `zeros` is never written to. */
enum rsm_status direct_zero(int descriptor, uint64_t first, uint64_t end,
                            struct direct_buffer *zeros, bool *refused_out);

#endif
