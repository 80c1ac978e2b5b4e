/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_disk.c - what a disk may answer, and that nothing else goes on from it. */
#include <criterion/criterion.h>

#include <stdlib.h>

#include "storage/record.h"
#include "tests/lib/dies.h"
#include "tests/lib/disk_mem.h"

Test(disk, every_answer_of_a_disk_is_passed_on)
{
    static const enum rsm_status answers[] = {RSM_NOT_FOUND, RSM_EXISTS,      RSM_DISK_FULL,
                                              RSM_READ_ONLY, RSM_NOT_ALLOWED, RSM_IO};
    struct disk_mem *d = disk_mem_new();
    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        disk_mem_fail(d, 1, answers[i]);
        d->failed = false;
        cr_assert_eq(disk_create(&d->disk, 7), answers[i]);
    }
    cr_assert_eq(disk_create(&d->disk, 7), RSM_OK);
    disk_free(&d->disk);
}

static void create(void *context)
{
    struct disk_mem *d = context;
    disk_mem_fail(d, 1, RSM_STAGED);
    (void)disk_create(&d->disk, 8);
}

static enum rsm_status durably_answer;

static enum rsm_status write_durably(struct disk *disk, uint64_t file,
                                     const struct disk_part *parts, size_t count)
{
    (void)disk;
    cr_assert(file == 7 && parts[0].offset == 512 && count == 1);
    return durably_answer;
}

static enum rsm_status write_one(struct disk *disk)
{
    const struct disk_part part = {512, "x", 1};
    return disk_write_durably(disk, 7, &part, 1);
}

static void write_with_odd_answer(void *context)
{
    durably_answer = RSM_BUSY; /* what is under way is not durable */
    (void)write_one(context);
}

/* In one where the disk can do that, else written and flushed. */
Test(disk, a_durable_write)
{
    struct disk_mem *d = disk_mem_new();
    struct disk_ops ops = *d->disk.ops;
    struct disk whole = {.ops = &ops};
    cr_assert_eq(disk_create(&d->disk, 7), RSM_OK);
    cr_assert_eq(write_one(&d->disk), RSM_OK);
    cr_assert_eq(disk_mem_unflushed(d), 0);
    cr_assert(d->writes == 1 && d->flushes == 1);
    d->fail_at = d->calls + 1;
    d->fail_with = RSM_IO;
    cr_assert_eq(write_one(&d->disk), RSM_IO);
    cr_assert_eq(d->flushes, 1, "not flushed then");
    ops.write_durably = write_durably;
    durably_answer = RSM_DISK_FULL;
    cr_assert_eq(write_one(&whole), RSM_DISK_FULL);
    cr_assert(dies(write_with_odd_answer, &whole));
    disk_free(&d->disk);
}

static enum rsm_status list_backwards(struct disk *disk, uint64_t *files_out, size_t capacity,
                                      size_t *count_out)
{
    (void)disk;
    for (size_t i = 0; i < 3 && i < capacity; i++)
        files_out[i] = 9 - i;
    *count_out = 3;
    return RSM_OK;
}

static void list(void *context)
{
    uint64_t files[8];
    size_t count = 0;
    (void)disk_list(context, files, 8, &count);
#if !defined(RSM_VERIFY) || !RSM_VERIFY
    abort(); /* it is looked at in checked builds */
#endif
}

static void nothing(void *context)
{
    (void)context;
}

static void encode_of_no_kind(void *context)
{
    struct writer w;
    const struct record record = {.kind = (enum record_kind)9};
    (void)context;
    writer_init(&w, 100);
    record_encode(&record, &w);
}

Test(disk, what_no_disk_may_answer_ends_the_process)
{
    struct disk_mem *d = disk_mem_new();
    struct disk_ops ops = *d->disk.ops;
    struct disk backwards = {.ops = &ops};
    ops.list = list_backwards;
    cr_assert_not(dies(nothing, NULL));
    cr_assert(dies(create, d));
    cr_assert(dies(list, &backwards));
    cr_assert(dies(encode_of_no_kind, NULL));
    disk_free(&d->disk);
}

static size_t parts_seen;

static enum rsm_status take_parts(struct disk *disk, uint64_t file, const struct disk_part *parts,
                                  size_t count)
{
    (void)disk;
    (void)parts;
    parts_seen += count;
    return file == 7 ? RSM_OK : RSM_IO;
}

/* A disk that writes several parts at once is asked once, and flushed behind it alone. */
Test(disk, parts_go_to_the_disk_together_where_it_takes_them_so)
{
    struct disk_mem *d = disk_mem_new();
    struct disk_ops ops = *d->disk.ops;
    const struct disk_part parts[] = {{512, "b", 1}, {0, "a", 1}};
    cr_assert_eq(disk_create(&d->disk, 7), RSM_OK);
    ops.write_parts = take_parts;
    ops.write_durably = NULL;
    d->disk.ops = &ops;
    uint64_t flushes = d->flushes;
    cr_assert_eq(disk_write_durably(&d->disk, 7, parts, 2), RSM_OK);
    cr_assert_eq(parts_seen, 2);
    cr_assert_eq(d->writes, 0, "not one by one as well");
    cr_assert_eq(d->flushes, flushes + 1);
    cr_assert_eq(disk_write_durably(&d->disk, 8, parts, 2), RSM_IO);
    cr_assert_eq(d->flushes, flushes + 1, "what was not written is not flushed");
    disk_free(&d->disk);
}
