/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_journal_edges.c - the rare ends of the journal: records larger than a segment on a full
 * disk, calls on what is dead or closed, every call of an opening that fails, too many files.
 */
#include <criterion/criterion.h>

#include <string.h>

#include "src/base/limits.h"
#include "src/base/mem.h"
#include "storage/journal_renew.h"
#include "storage/segment.h"
#include "storage/journal_state.h"
#include "tests/unit/storage/rig_expect.h"

static uint8_t huge[200000];

static enum rsm_status append_huge(struct journal_rig *rig, size_t size)
{
    struct record record = {.kind = RECORD_ACCEPT,
                            .sequence = journal_durable_seq(rig->journal) + 1,
                            .ballot = {500, 1},
                            .slot = 7,
                            .value = bytes_make(huge, size)};
    return journal_append(rig->journal, &record);
}

static uint64_t used_bytes(const struct disk_mem *d)
{
    uint64_t used = 0;

    for (size_t i = 0; i < d->file_count; i++)
        used += d->files[i].exists ? d->files[i].now_size : 0;
    return used;
}

static enum rsm_status see_huge(void *context, const struct record *record, bool is_evidence)
{
    (void)is_evidence;
    if (record->kind == RECORD_ACCEPT && record->value.size > 60000)
        *(size_t *)context = record->value.size;
    return RSM_OK;
}

static void prepare_all(struct journal_rig *rig)
{
    while (journal_is_idle_work_due(rig->journal))
        cr_assert_eq(journal_prepare_next(rig->journal), RSM_OK);
}

/* Open, with ten records, and with `count` segments ready. */
static void begin_prepared(struct journal_rig *rig, uint32_t count)
{
    rig_init(rig);
    rig->options.prepared_count = count;
    cr_assert_eq(rig_open(rig), RSM_OK);
    cr_assert_eq(rig_write(rig, 10), RSM_OK);
    prepare_all(rig);
}

Test(journal_edges, a_prepared_segment_is_made_larger_for_a_large_record)
{
    for (unsigned prepared = 1; prepared <= 3; prepared++) {
        struct journal_rig rig;
        size_t seen = 0;
        begin_prepared(&rig, prepared);
        cr_assert_eq(append_huge(&rig, 100000), RSM_OK);
        cr_assert_eq(journal_flush(rig.journal), RSM_OK);
        cr_assert_gt(disk_mem_file(rig.disk, 2)->now_size, 100000);
        rig_close(&rig);
        cr_assert_eq(journal_open(&rig.disk->disk, &rig.identity, &rig.options, see_huge, &seen,
                                  &rig.report, &rig.journal),
                     RSM_OK);
        cr_assert_eq(seen, 100000);
        rig_deinit(&rig);
    }
}

/* On a full disk it is refused; what was prepared stays, or goes without leaving a gap. */
Test(journal_edges, a_large_record_on_a_full_disk_is_refused)
{
    unsigned refused = 0;

    for (uint64_t spare = 0; spare <= 300000; spare += 4096) {
        struct journal_rig rig;
        begin_prepared(&rig, 3);
        rig.disk->space = used_bytes(rig.disk) + spare;
        enum rsm_status status = append_huge(&rig, 100000);
        cr_assert(status == RSM_OK || status == RSM_DISK_FULL, "%d", (int)status);
        refused += status == RSM_DISK_FULL;
        if (status == RSM_DISK_FULL)
            cr_assert_neq(journal_space(rig.journal), UINT64_MAX);
        cr_assert_eq(journal_flush(rig.journal), RSM_OK);
        rig_close(&rig);
        rig.disk->space = 0;
        cr_assert_eq(rig_open(&rig), RSM_OK);
        cr_assert_eq(rig.report.verdict, JOURNAL_CLEAN);
        cr_assert_eq(rig.report.last_sequence, status == RSM_OK ? 11 : 10);
        rig_deinit(&rig);
    }
    cr_assert_gt(refused, 10);
}

/* Each call of the enlarging fails, for good and as a full disk. */
Test(journal_edges, enlarging_fails_at_every_call)
{
    static const enum rsm_status with[] = {RSM_IO, RSM_DISK_FULL};

    for (unsigned kind = 0; kind < 2; kind++) {
        for (unsigned n = 1;; n++) {
            struct journal_rig rig;
            begin_prepared(&rig, 2);
            disk_mem_fail(rig.disk, n, with[kind]);
            enum rsm_status status = append_huge(&rig, 100000);
            bool failed = rig.disk->failed;
            cr_assert(status == RSM_OK || status == RSM_IO || status == RSM_DISK_FULL);
            cr_assert_eq(status != RSM_OK, failed);
            rig_close(&rig);
            rig.disk->fail_at = 0;
            cr_assert_eq(rig_open(&rig), RSM_OK);
            cr_assert_eq(rig.report.last_sequence, 10);
            cr_assert_not(rig.wrong);
            rig_deinit(&rig);
            if (!failed)
                break;
        }
    }
}

/* The disk is full, and then a call of the way back fails as well. True: there was such a call. */
static bool enlarge_and_fail_twice(unsigned n, unsigned m, enum rsm_status second)
{
    struct journal_rig rig;

    begin_prepared(&rig, 3);
    disk_mem_fail(rig.disk, n, RSM_DISK_FULL);
    rig.disk->fail_second = rig.disk->fail_at + m;
    rig.disk->fail_second_with = second;
    enum rsm_status status = append_huge(&rig, 100000);
    bool failed = rig.disk->failed, failed_twice = rig.disk->failed_twice;
    cr_assert_eq(status == RSM_OK, !failed);
    cr_assert(!failed_twice || status == RSM_IO || status == RSM_DISK_FULL, "%d", (int)status);
    /* Without space it goes on, with the disk broken it does not. */
    if (failed_twice && status == RSM_DISK_FULL) {
        rig.disk->fail_at = rig.disk->fail_second = 0;
        cr_assert_eq(rig_write(&rig, 1), RSM_OK);
    } else if (failed) {
        cr_assert_eq(journal_flush(rig.journal) == RSM_OK, status == RSM_DISK_FULL);
    }
    uint64_t expected = rig.acknowledged;
    rig_close(&rig);
    rig.disk->fail_at = rig.disk->fail_second = 0;
    cr_assert_eq(rig_open(&rig), RSM_OK);
    cr_assert_eq(rig.report.verdict, JOURNAL_CLEAN);
    cr_assert_eq(rig.report.last_sequence, expected); /* the large one was not flushed */
    cr_assert_not(rig.wrong);
    rig_deinit(&rig);
    return failed_twice;
}

Test(journal_edges, two_calls_of_an_enlarging_fail)
{
    static const enum rsm_status with[] = {RSM_IO, RSM_DISK_FULL};
    unsigned pairs = 0;

    for (unsigned kind = 0; kind < 2; kind++) {
        for (unsigned n = 1; n < 20; n++) {
            for (unsigned m = 1; enlarge_and_fail_twice(n, m, with[kind]); m++)
                pairs++;
        }
    }
    cr_assert_gt(pairs, 10);
}

Test(journal_edges, a_dead_journal_says_so_to_every_call)
{
    struct journal_rig rig;

    rig_begin(&rig);
    cr_assert_eq(rig_append(&rig, 3), RSM_OK);
    disk_mem_fail(rig.disk, 1, RSM_IO);
    cr_assert_eq(journal_flush(rig.journal), RSM_IO);
    cr_assert_eq(journal_flush(rig.journal), RSM_IO);
    cr_assert_eq(rig_append(&rig, 1), RSM_IO);
    cr_assert_eq(journal_prepare_next(rig.journal), RSM_IO);
    cr_assert_eq(journal_drop_below(rig.journal, 1), RSM_IO);
    cr_assert_eq(journal_turn(rig.journal), RSM_IO);
    cr_assert_eq(journal_set_others_aside(rig.journal), RSM_IO);
    cr_assert_eq(journal_space(rig.journal), 0);
    cr_assert_not(journal_is_idle_work_due(rig.journal));
    rig_deinit(&rig);
}

Test(journal_edges, a_doubtful_journal_takes_nothing)
{
    struct journal_rig rig;
    struct journal_counters counters;

    rig_begin(&rig);
    cr_assert_eq(rig_write(&rig, 900), RSM_OK);
    rig_close(&rig);
    disk_remove(&rig.disk->disk, 1);
    cr_assert_eq(rig_open(&rig), RSM_DAMAGED);
    cr_assert_eq(rig_append(&rig, 1), RSM_READ_ONLY);
    cr_assert_eq(journal_flush(rig.journal), RSM_OK);
    cr_assert_eq(journal_prepare_next(rig.journal), RSM_READ_ONLY);
    cr_assert_eq(journal_drop_below(rig.journal, 1), RSM_READ_ONLY);
    cr_assert_eq(journal_make_room(rig.journal, 1, 1), RSM_READ_ONLY);
    cr_assert_eq(journal_set_others_aside(rig.journal), RSM_READ_ONLY);
    cr_assert_eq(journal_space(rig.journal), 0);
    cr_assert_not(journal_is_idle_work_due(rig.journal));
    journal_get_counters(rig.journal, &counters);
    cr_assert_eq(counters.prepared, 0);
    cr_assert_gt(counters.segments, 0);
    rig_deinit(&rig);
}

Test(journal_edges, options_may_be_left_out)
{
    struct journal_rig rig;
    struct journal_options none = {.create = true};

    rig_init(&rig);
    cr_assert_eq(
        journal_open(&rig.disk->disk, &rig.identity, NULL, NULL, NULL, &rig.report, &rig.journal),
        RSM_NOT_FOUND);
    cr_assert_null(rig.journal);
    cr_assert_eq(
        journal_open(&rig.disk->disk, &rig.identity, &none, NULL, NULL, &rig.report, &rig.journal),
        RSM_OK);
    cr_assert_eq(disk_mem_file(rig.disk, 1)->now_size, SEGMENT_SIZE_DEFAULT);
    rig_close(&rig);
    cr_assert_eq(
        journal_open(&rig.disk->disk, &rig.identity, NULL, NULL, NULL, &rig.report, &rig.journal),
        RSM_OK);
    journal_close(NULL);
    rig_deinit(&rig);
}

struct stop {
    unsigned after;
    unsigned seen;
};

static enum rsm_status stop_visit(void *context, const struct record *record, bool is_evidence)
{
    struct stop *stop = context;

    (void)record;
    (void)is_evidence;
    return ++stop->seen > stop->after ? RSM_TOO_LARGE : RSM_OK;
}

Test(journal_edges, what_the_visit_says_ends_the_opening)
{
    struct journal_rig rig;

    rig_begin(&rig);
    cr_assert_eq(rig_write(&rig, 700), RSM_OK);
    rig_close(&rig);
    for (unsigned after = 0; after < 700; after += 13) {
        struct stop stop = {.after = after};
        cr_assert_eq(journal_open(&rig.disk->disk, &rig.identity, &rig.options, stop_visit, &stop,
                                  &rig.report, &rig.journal),
                     RSM_TOO_LARGE);
        cr_assert_null(rig.journal);
        cr_assert_eq(stop.seen, after + 1);
    }
    cr_assert_eq(rig_open(&rig), RSM_OK);
    rig_deinit(&rig);
}

/* A journal with everything that an opening mends: a torn tail, a bad head, a left-over. */
static void make_work(struct journal_rig *rig)
{
    rig_init(rig);
    rig->options.prepared_count = 1;
    cr_assert_eq(rig_open(rig), RSM_OK);
    cr_assert_eq(rig_write(rig, 470), RSM_OK);
    cr_assert_eq(rig_write(rig, 35), RSM_OK);
    struct disk_mem *kept = disk_mem_clone(rig->disk);
    uint64_t current = journal_extent(rig->journal).segment;
    uint64_t end = journal_extent(rig->journal).offset;
    cr_assert_eq(rig_write(rig, 30), RSM_OK);
    cr_assert_eq(journal_extent(rig->journal).segment, current);
    rig_close(rig);
    struct disk_mem_file *f = disk_mem_file(rig->disk, current);
    uint8_t *torn = mem_copy(f->now, f->now_size);
    memcpy(torn + 4096, disk_mem_file(kept, current)->now + 4096, 8192);
    memset(torn + end + 512, 0, f->now_size - end - 512);
    torn[100] ^= 1;
    disk_mem_set(rig->disk, current, torn, f->now_size);
    disk_mem_set(rig->disk, current + 1, "left over", 9);
    mem_free(torn);
    disk_free(&kept->disk);
    rig->acknowledged = 505;
}

Test(journal_edges, each_call_of_an_opening_fails)
{
    static const enum rsm_status with[] = {RSM_IO, RSM_NOT_FOUND, RSM_DISK_FULL, RSM_READ_ONLY};
    unsigned cases = 0;

    for (unsigned kind = 0; kind < 4; kind++) {
        for (unsigned n = 1;; n++, cases++) {
            struct journal_rig rig;
            make_work(&rig);
            disk_mem_fail(rig.disk, n, with[kind]);
            enum rsm_status status = rig_open(&rig);
            bool failed = rig.disk->failed;
            cr_assert_not(rig.wrong);
            if (!failed)
                cr_assert_eq(status, RSM_OK);
            if (status == RSM_OK)
                cr_assert_eq(rig.report.last_sequence, 505);
            rig_close(&rig);
            rig.disk->fail_at = 0;
            status = rig_open(&rig);
            cr_assert_eq(status, RSM_OK, "after call %u: %d, %s", n, (int)status,
                         journal_finding_name(rig.report.findings[0].kind));
            cr_assert_eq(rig.report.last_sequence, 505);
            rig_deinit(&rig);
            if (!failed)
                break;
        }
    }
    cr_assert_gt(cases, 60);
}

/* A disk that lists more files than a journal may have. */
static enum rsm_status list_many(struct disk *disk, uint64_t *files_out, size_t capacity,
                                 size_t *count_out)
{
    (void)disk;
    for (size_t i = 0; i < capacity; i++)
        files_out[i] = i + 1;
    *count_out = LIMIT_SEGMENTS + 1;
    return RSM_OK;
}

static enum rsm_status drop_nothing(struct disk *disk, uint64_t file)
{
    (void)disk;
    return file == 7 ? RSM_OK : RSM_IO;
}

Test(journal_edges, too_many_files_are_refused)
{
    static const struct disk_ops ops = {.list = list_many, .remove = drop_nothing};
    struct disk many = {&ops};
    struct journal_identity identity = {.replica = 1, .incarnation = 5};
    struct journal_renewal renewal = {.next_sequence = 1};
    struct journal_report report;
    struct journal *j = NULL;
    uint64_t base = 0;

    cr_assert_eq(journal_open(&many, &identity, NULL, NULL, NULL, &report, &j), RSM_TOO_MANY);
    cr_assert_eq(journal_base(&many, &identity, &base), RSM_TOO_MANY);
    cr_assert_eq(journal_renew(&many, NULL, &identity, NULL, &renewal, &j), RSM_TOO_MANY);
    cr_assert_null(j);
    /* A disk that keeps nothing aside removes. */
    cr_assert_eq(disk_set_aside(&many, 7), RSM_OK);
    cr_assert_eq(disk_set_aside(&many, 8), RSM_IO);
    cr_assert_eq(disk_drop_aside(&many), RSM_OK);
    disk_free(NULL);
}

/* Each segment but the first has a head of another replica over marks of its own: two findings. */
Test(journal_edges, more_findings_than_are_kept_are_counted)
{
    struct journal_rig rig;
    uint8_t sector[DISK_SECTOR_SIZE];

    rig_init(&rig);
    rig.value_size = 4000;
    cr_assert_eq(rig_open(&rig), RSM_OK);
    struct journal_identity other = rig.identity;
    other.replica++;
    while (journal_extent(rig.journal).segment < 40)
        cr_assert_eq(rig_write(&rig, 2), RSM_OK);
    rig_close(&rig);
    for (uint64_t file = 2; file <= 40; file++) {
        segment_head_encode(&other, file, 32768, sector);
        cr_assert_eq(disk_write(&rig.disk->disk, file, 0, sector, sizeof(sector)), RSM_OK);
    }
    cr_assert_eq(rig_open(&rig), RSM_DAMAGED);
    cr_assert_gt(rig.report.finding_count, JOURNAL_FINDINGS_MAX);
    cr_assert_not(rig.wrong);
    rig_deinit(&rig);
}

Test(journal_edges, every_name_is_a_name)
{
    unsigned harmless = 0;

    for (int kind = JOURNAL_TORN_TAIL; kind <= JOURNAL_LEFTOVER; kind++) {
        cr_assert_str_neq(journal_finding_name((enum journal_finding_kind)kind), "unknown");
        harmless += journal_finding_is_harmless((enum journal_finding_kind)kind);
    }
    cr_assert_eq(harmless, 4);
    cr_assert_str_eq(journal_finding_name((enum journal_finding_kind)99), "unknown");
    cr_assert_not(journal_finding_is_harmless((enum journal_finding_kind)99));
    for (int verdict = JOURNAL_CLEAN; verdict <= JOURNAL_DAMAGED; verdict++)
        cr_assert_str_neq(journal_verdict_name((enum journal_verdict)verdict), "unknown");
    cr_assert_str_eq(journal_verdict_name((enum journal_verdict)0), "unknown");
    for (int kind = RECORD_PROMISE; kind <= RECORD_CHECKPOINT; kind++)
        cr_assert_str_neq(record_kind_name((enum record_kind)kind), "unknown");
    cr_assert_str_eq(record_kind_name((enum record_kind)77), "unknown");
}

/* The promise stands in the checkpoint of the current segment: nothing goes before that is written.
 */
Test(journal_edges, nothing_is_dropped_while_the_current_segment_is_empty)
{
    struct journal_rig rig;

    rig_begin(&rig);
    cr_assert_eq(journal_turn(rig.journal), RSM_OK, "it is new as it is");
    cr_assert_eq(journal_drop_below(rig.journal, 1000), RSM_OK);
    prepare_all(&rig);
    struct journal_counters counters;
    journal_get_counters(rig.journal, &counters);
    cr_assert_eq(counters.prepared, 1);
    cr_assert_eq(counters.dropped, 0);
    rig_deinit(&rig);
}
