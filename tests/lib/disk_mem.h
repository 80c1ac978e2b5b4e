/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * disk_mem.h - a struct disk in memory for tests: it knows what is durable, crashes by sectors,
 * fails the n-th call, counts calls, and lets a test reach into its bytes.
 */
#ifndef RSM_TESTS_LIB_DISK_MEM_H
#define RSM_TESTS_LIB_DISK_MEM_H

#include <stdbool.h>

#include "storage/disk.h"

#define DISK_MEM_FILES_MAX 64u

struct disk_mem_file {
    uint64_t file;
    bool exists;         /* as the process sees it */
    bool exists_durably; /* after a crash */
    bool aside;          /* set aside, as the process sees it */
    bool aside_durably;
    uint8_t *now; /* owned; as the process sees it */
    size_t now_size;
    uint8_t *durable; /* owned; as of the last flush */
    size_t durable_size;
    uint8_t *believed; /* owned; a byte a sector: the system takes it for written (cache_stays) */
    size_t believed_count;
};

struct disk_mem {
    struct disk disk; /* first */
    struct disk_mem_file files[DISK_MEM_FILES_MAX];
    size_t file_count;
    uint64_t calls;   /* all so far */
    uint64_t flushes; /* of files */
    uint64_t writes;
    uint64_t fail_at; /* the call with this number fails once; 0 never */
    enum rsm_status fail_with;
    uint64_t fail_second; /* and after that the call with this number as well; 0: none */
    enum rsm_status fail_second_with;
    bool failed;       /* the first did */
    bool failed_twice; /* and the second */
    bool cache_stays;  /* a failed flush leaves the bytes to be read, and no flush tries again */
    bool dies;         /* the call that fails is the last: a flush leaves its bytes to the crash */
    bool names_are_eager; /* a crash finds every creation and removal done, flushed or not */
    bool is_beside;       /* disk_write_begin goes on until is_over is set, or its owner waits */
    bool is_over;
    uint64_t under_way;  /* the file of one that was begun; 0: none is */
    uint64_t space;      /* bytes of all files together; 0: no bound */
    uint64_t bad_file;   /* reads of this file that touch ... */
    uint64_t bad_sector; /* ... this sector fail; bad_file 0: none */
};

/* Freed with disk_free. */
struct disk_mem *disk_mem_new(void);
/* A copy of all bytes, without faults. */
struct disk_mem *disk_mem_clone(const struct disk_mem *d);
/* Bytes of a file as they are now, or NULL. */
struct disk_mem_file *disk_mem_file(struct disk_mem *d, uint64_t file);
/* Sets the bytes of a file, durable as well. */
void disk_mem_set(struct disk_mem *d, uint64_t file, const void *data, size_t size);
/* Cuts or extends (with zeros) a file, durable as well. */
void disk_mem_resize(struct disk_mem *d, uint64_t file, size_t size);

/* The call that comes so many from now on (1: the next one) fails once, with `status`. */
void disk_mem_fail(struct disk_mem *d, uint64_t ahead, enum rsm_status status);

/* How many files are set aside. */
size_t disk_mem_aside(const struct disk_mem *d);
/* How many sectors were written and not flushed: what a crash decides over. */
size_t disk_mem_unflushed(const struct disk_mem *d);
/*
 * Power loss: of the unflushed sectors, in order of file and place, `keep(context, index)` says
 * which reached the disk. Files that were created and not flushed with the directory are gone.
 */
void disk_mem_crash(struct disk_mem *d, bool (*keep)(void *context, size_t index), void *context);
/* Equal names and bytes. */
bool disk_mem_equal(const struct disk_mem *a, const struct disk_mem *b);

#endif
