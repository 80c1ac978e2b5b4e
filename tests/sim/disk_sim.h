/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * disk_sim.h - the disk of a simulated replica: files in memory that know which of their sectors
 * are not durable, and everything that a disk does wrong.
 *
 * A file holds its bytes as the process sees them, and for each sector that was written since the
 * last flush what was there before. So a flush forgets, a crash puts back, and both cost only what
 * was written. After a flush of a file its bytes *are* the durable image.
 *
 * Faults, all armed from outside:
 *   fail_at        the n-th call fails, once (an error, or the process dies there)
 *   space          bytes of all files; beyond: RSM_DISK_FULL
 *   lie            the next flush of a file says yes, and its sectors are gone with the next crash
 *   bad sector     reads of it fail until it is written again
 *   rot            bytes of a durable sector change
 */
#ifndef RSM_TESTS_SIM_DISK_SIM_H
#define RSM_TESTS_SIM_DISK_SIM_H

#include <stdbool.h>

#include "src/base/prng.h"
#include "storage/disk.h"

#define DISK_SIM_FILES_MAX 256u
#define DISK_SIM_FULL_WHEN_EMPTY 1u /* `space` of an empty disk that is full */

struct disk_sim_sector; /* what a sector held before it was written */

struct disk_sim_file {
    uint64_t file;
    bool exists;         /* as the process sees it */
    bool exists_durably; /* after a crash */
    uint8_t *data;       /* owned; NULL: a name that was used */
    size_t size;
    size_t capacity;
    size_t durable_size;
    uint8_t *is_dirty; /* owned; a byte for each sector of `capacity` */
    struct disk_sim_sector *dirty;
    size_t dirty_count;
    size_t dirty_capacity;
    struct disk_sim_sector *lies; /* what a crash puts back though it was flushed */
    size_t lie_count;
    size_t lie_capacity;
};

struct disk_sim {
    struct disk disk; /* first */
    struct disk_sim_file files[DISK_SIM_FILES_MAX];
    size_t file_count;
    uint64_t calls;
    uint64_t flushes;
    uint64_t fail_at; /* the call with this number fails once; 0: never */
    enum rsm_status fail_with;
    bool dies_in_flush; /* the next flush of a file is the last thing that the process did */
    bool fail_once;     /* else all calls from then on fail: the process is dying */
    bool failed;        /* it did */
    uint64_t space;     /* 0: no limit */
    /*
     * With `is_beside` a disk_write_begin is under way until `is_over` is set, or its owner waits:
     * its sectors may be on the disk or not, and nothing else is done with its file meanwhile.
     */
    bool is_beside;
    bool is_over;
    uint64_t under_way; /* the file; 0: nothing is */
    /*
     * The next flush of a file lies: the sectors that begin in [lie_first, lie_end) are gone with
     * the next power cut. When that is all of them, the next flush is the process's last: later
     * groups would show it.
     */
    bool lie;
    uint64_t lie_first;
    uint64_t lie_end;
    bool lied;
    bool lied_whole;   /* of some flush nothing will be left */
    uint64_t bad_file; /* 0: none */
    uint64_t bad_sector;
    bool bad_was_read;
    /* May be NULL. The file's bytes are durable now; it is removed now, and still has its bytes. */
    void (*on_flushed)(void *context, uint64_t file);
    void (*on_removed)(void *context, uint64_t file);
    void *context;
};

/* Freed with disk_free. */
struct disk_sim *disk_sim_new(void);
/* As the process sees it; NULL when there is none. */
struct disk_sim_file *disk_sim_file(struct disk_sim *d, uint64_t file);
/* The next higher file number that exists; 0: none. */
uint64_t disk_sim_next(const struct disk_sim *d, uint64_t after);
/* What a crash keeps of the sectors that are not durable. */
enum disk_sim_crash {
    DISK_SIM_KEEPS_ALL = 1, /* the process died, the machine did not */
    DISK_SIM_KEEPS_SOME,    /* power: each for itself */
    DISK_SIM_KEEPS_NONE,
};
/* The number of sectors that were lost. */
size_t disk_sim_crash(struct disk_sim *d, enum disk_sim_crash how, struct prng *prng);
enum disk_sim_rot {
    DISK_SIM_FLIPS_BIT = 1,
    DISK_SIM_ZEROES,
    DISK_SIM_SCRAMBLES,
    DISK_SIM_COPIES_OTHER, /* a misdirected write: another sector's bytes */
};
/* All files are gone, durably. */
void disk_sim_wipe(struct disk_sim *d);
/* Damages one durable sector; false when there is no such sector. */
bool disk_sim_rot(struct disk_sim *d, uint64_t file, uint64_t sector, enum disk_sim_rot how,
                  struct prng *prng);

#endif
