/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_journal_crash.c - power losses and failing calls: what was acknowledged stays, what was
 * never acknowledged may go, and a crash alone is never called damage.
 */
#include <criterion/criterion.h>

#include "src/base/mem.h"
#include "src/base/prng.h"
#include "storage/journal_renew.h"
#include "tests/unit/storage/rig_expect.h"

static bool keep_by_mask(void *context, size_t index)
{
    return index < 32 && (*(uint32_t *)context >> index & 1u) != 0;
}

/* The disk `before` a write, with the writes of `after` not yet flushed. */
static struct disk_mem *in_flight(const struct disk_mem *before, const struct disk_mem *after)
{
    struct disk_mem *d = disk_mem_clone(after);

    for (size_t i = 0; i < d->file_count; i++) {
        struct disk_mem_file *f = &d->files[i];
        const struct disk_mem_file *old = &before->files[i];
        cr_assert_eq(f->file, old->file);
        mem_free(f->durable);
        f->durable = mem_copy(old->now, old->now_size + (old->now_size == 0));
        f->durable_size = old->now_size;
    }
    return d;
}

/* Goes on with a journal that survived a crash: it must take more, and hold it. */
static void go_on(struct journal_rig *rig)
{
    rig->acknowledged = rig->report.last_sequence;
    cr_assert_eq(rig_write(rig, 2), RSM_OK);
    rig_reopen(rig);
    cr_assert_eq(rig->report.verdict, JOURNAL_CLEAN);
    cr_assert_eq(rig->visited, rig->acknowledged);
    cr_assert_not(rig->wrong);
}

/*
 * The last group is torn: every subset of its sectors and its mark reached the disk. The mark is
 * the first of the unflushed sectors, since it lies before the groups.
 */
static void tear(unsigned records, unsigned sectors)
{
    struct journal_rig rig;
    unsigned cut = 0;
    unsigned uncertain = 0;

    rig_init(&rig);
    rig.value_size = 150;
    cr_assert_eq(rig_open(&rig), RSM_OK);
    cr_assert_eq(journal_prepare_next(rig.journal), RSM_OK);
    for (unsigned i = 0; i < 5; i++)
        cr_assert_eq(rig_write(&rig, 3), RSM_OK);
    struct disk_mem *before = disk_mem_clone(rig.disk);
    cr_assert_eq(rig_write(&rig, records), RSM_OK);
    rig_close(&rig);
    struct disk_mem *after = rig.disk;
    struct disk_mem *probe = in_flight(before, after);
    cr_assert_eq(disk_mem_unflushed(probe), sectors + 1);
    disk_free(&probe->disk);
    for (uint32_t mask = 0; mask < 1u << (sectors + 1); mask++) {
        bool whole = mask >> 1 == (1u << sectors) - 1;
        rig.disk = in_flight(before, after);
        disk_mem_crash(rig.disk, keep_by_mask, &mask);
        enum rsm_status status = rig_open(&rig);
        cr_assert_not(rig.wrong);
        if (whole || (mask & 1) == 0) {
            cr_assert_eq(status, RSM_OK, "mask %x: %d", mask, (int)status);
            cr_assert_eq(rig.visited, whole ? 15 + records : 15);
            cr_assert_eq(rig.report.verdict == JOURNAL_CUT, !whole && mask != 0);
            cut += rig.report.verdict == JOURNAL_CUT;
            go_on(&rig);
        } else {
            cr_assert_eq(status, RSM_UNCERTAIN, "mask %x: %d", mask, (int)status);
            cr_assert_eq(rig.visited, 15);
            uncertain++;
        }
        rig_close(&rig);
        disk_free(&rig.disk->disk);
    }
    cr_assert_eq(cut, (1u << sectors) - 2);
    cr_assert_eq(uncertain, (1u << sectors) - 1);
    disk_free(&before->disk);
    rig.disk = after;
    rig_deinit(&rig);
}

Test(journal_crash, every_subset_of_the_last_group_of_two_sectors)
{
    tear(5, 2);
}

Test(journal_crash, every_subset_of_the_last_group_of_seven_sectors)
{
    tear(22, 7);
}

/*
 * Crash, cut, a shorter group over the same place, crash: what was behind the cut must not come
 * back as part of a later group.
 */
Test(journal_crash, a_cut_tail_never_comes_back)
{
    struct journal_rig rig;

    for (uint32_t mask = 0; mask < 128; mask++) {
        uint32_t torn = mask << 1; /* never the mark */
        rig_init(&rig);
        rig.value_size = 150;
        cr_assert_eq(rig_open(&rig), RSM_OK);
        cr_assert_eq(journal_prepare_next(rig.journal), RSM_OK);
        cr_assert_eq(rig_write(&rig, 3), RSM_OK);
        struct disk_mem *before = disk_mem_clone(rig.disk);
        cr_assert_eq(rig_write(&rig, 21), RSM_OK);
        rig_close(&rig);
        struct disk_mem *after = rig.disk;
        rig.disk = in_flight(before, after);
        disk_mem_crash(rig.disk, keep_by_mask, &torn);
        cr_assert_eq(rig_open(&rig), RSM_OK);
        uint64_t begin = rig.appended;
        for (unsigned i = 0; i < 3; i++) {
            cr_assert_eq(rig_write(&rig, 1), RSM_OK);
            rig_close(&rig);
            cr_assert_eq(rig_open(&rig), RSM_OK, "mask %x", mask);
            cr_assert_eq(rig.report.verdict, JOURNAL_CLEAN);
            cr_assert_eq(rig.visited, begin + i + 1);
        }
        disk_free(&before->disk);
        disk_free(&after->disk);
        rig_deinit(&rig);
    }
}

/* All that the journal does, once; stops at the first failure. */
static enum rsm_status script(struct journal_rig *rig)
{
    enum rsm_status status = rig_open(rig);

    for (unsigned i = 0; i < 40 && status == RSM_OK; i++) {
        status = rig_write(rig, 1 + i % 30);
        if (status == RSM_OK && i % 5 == 0)
            status = journal_prepare_next(rig->journal);
        if (status == RSM_OK && i % 11 == 10)
            status = journal_drop_below(rig->journal, rig->acknowledged / 2);
        if (status == RSM_OK && i % 13 == 12) {
            rig_close(rig);
            status = rig_open(rig);
        }
    }
    return status;
}

/*
 * The n-th call of the disk fails, and one `second` calls later as well (0: none does); the journal
 * is dead, and a restart finds everything.
 */
static void fail_each_call(enum rsm_status fail_with, uint64_t second, uint32_t keep)
{
    uint64_t failures = 0;

    for (uint64_t n = 1;; n++) {
        struct journal_rig rig;
        rig_init(&rig);
        rig.disk->fail_at = n;
        rig.disk->fail_with = fail_with;
        rig.disk->fail_second = second == 0 ? 0 : n + second;
        rig.disk->fail_second_with = RSM_IO;
        enum rsm_status status = script(&rig);
        if (!rig.disk->failed) {
            cr_assert_eq(status, RSM_OK);
            rig_deinit(&rig);
            break;
        }
        failures++;
        if (status == RSM_IO && rig.journal != NULL) {
            struct record record = {.kind = RECORD_PROMISE, .sequence = rig.appended + 1};
            record.ballot = (struct ballot){1, 1};
            uint64_t flushes = rig.disk->flushes;
            cr_assert_eq(journal_append(rig.journal, &record), RSM_IO);
            cr_assert_eq(journal_flush(rig.journal), RSM_IO);
            cr_assert_eq(journal_prepare_next(rig.journal), RSM_IO);
            cr_assert_eq(rig.disk->flushes, flushes, "a failed flush is never tried again");
        }
        rig_close(&rig);
        rig.disk->fail_second = 0;
        disk_mem_crash(rig.disk, keep_by_mask, &keep);
        status = rig_open(&rig);
        cr_assert(status == RSM_OK || status == RSM_UNCERTAIN, "call %d: %d", (int)n, (int)status);
        cr_assert_not(rig.wrong);
        cr_assert_geq(rig.report.last_sequence, rig.acknowledged, "call %d", (int)n);
        rig_deinit(&rig);
    }
    cr_assert_gt(failures, 150);
}

Test(journal_crash, each_call_fails_with_an_error)
{
    fail_each_call(RSM_IO, 0, 0);
    fail_each_call(RSM_IO, 0, 0xffffffffu);
    fail_each_call(RSM_IO, 0, 0x5555);
}

Test(journal_crash, each_call_fails_with_a_full_disk)
{
    fail_each_call(RSM_DISK_FULL, 0, 0);
    fail_each_call(RSM_DISK_FULL, 0, 0xaaaaaaaau);
}

/* No space, and then the disk breaks while that is dealt with. */
Test(journal_crash, two_calls_fail)
{
    for (uint64_t second = 1; second <= 4; second++)
        fail_each_call(RSM_DISK_FULL, second, 0x5555);
}

static bool keep_by_chance(void *context, size_t index)
{
    (void)index;
    return prng_chance(context, 500000);
}

/* Random work, a crash at a random call with a random part of the sectors, and on it goes. */
Test(journal_crash, a_life_of_crashes)
{
    struct prng random;
    unsigned verdicts[JOURNAL_DAMAGED + 1] = {0};
    struct journal_rig rig;

    prng_init(&random, 20251020);
    rig_init(&rig);
    for (unsigned life = 0; life < 1500; life++) {
        enum rsm_status status = rig_open(&rig);
        cr_assert(status == RSM_OK || status == RSM_UNCERTAIN, "life %u: %d", life, (int)status);
        cr_assert_not(rig.wrong, "life %u", life);
        cr_assert_geq(rig.report.last_sequence, rig.acknowledged, "life %u", life);
        verdicts[rig.report.verdict]++;
        if (status == RSM_UNCERTAIN || rig.report.last_sequence > 4000) {
            rig_deinit(&rig);
            rig_init(&rig);
            continue;
        }
        rig.acknowledged = rig.report.last_sequence;
        disk_mem_fail(rig.disk, 1 + prng_below(&random, 60), RSM_IO);
        while (status == RSM_OK) {
            status = rig_write(&rig, (unsigned)prng_range(&random, 1, 40));
            if (status == RSM_OK && prng_chance(&random, 200000))
                status = journal_prepare_next(rig.journal);
            if (status == RSM_OK && prng_chance(&random, 100000))
                status = journal_drop_below(rig.journal, rig.acknowledged * 3 / 4);
        }
        cr_assert_eq(status, RSM_IO);
        rig_close(&rig);
        rig.disk->fail_at = 0;
        disk_mem_crash(rig.disk, keep_by_chance, &random);
    }
    cr_assert_gt(verdicts[JOURNAL_CUT], 10);
    cr_assert_gt(verdicts[JOURNAL_CLEAN], 10);
    rig_deinit(&rig);
}

/* Crash during recovery, at each of its calls: the next one comes to the same records. */
Test(journal_crash, recovery_can_be_interrupted_at_every_call)
{
    struct journal_rig rig;
    uint32_t torn = 0x36;

    rig_init(&rig);
    rig.value_size = 150;
    cr_assert_eq(rig_open(&rig), RSM_OK);
    cr_assert_eq(rig_write(&rig, 500), RSM_OK);
    struct disk_mem *before = disk_mem_clone(rig.disk);
    cr_assert_eq(rig_write(&rig, 14), RSM_OK);
    rig_close(&rig);
    struct disk_mem *after = rig.disk;
    struct disk_mem *crashed = in_flight(before, after);
    disk_mem_crash(crashed, keep_by_mask, &torn);
    for (uint64_t n = 1; n < 1000; n++) {
        rig.disk = disk_mem_clone(crashed);
        rig.disk->fail_at = n;
        rig.disk->fail_with = RSM_IO;
        (void)rig_open(&rig);
        bool done = !rig.disk->failed;
        rig_close(&rig);
        disk_mem_crash(rig.disk, keep_by_mask, &torn);
        rig.disk->fail_at = 0;
        cr_assert_eq(rig_open(&rig), RSM_OK, "call %d", (int)n);
        cr_assert_not(rig.wrong);
        cr_assert_eq(rig.visited, 500);
        rig_close(&rig);
        disk_free(&rig.disk->disk);
        if (done)
            break;
        cr_assert_lt(n, 999);
    }
    disk_free(&before->disk);
    disk_free(&crashed->disk);
    rig.disk = after;
    rig_deinit(&rig);
}

/* -------------------------------------------------------------------------------------------- */
/* Power loss of a whole site: all three journals with a group on its way. */

struct site {
    struct journal_rig rigs[3];
    uint64_t held; /* by any of them: the last sequence */
    uint64_t next; /* of the vote that next_vote looks at */
    uint8_t value[64];
    unsigned doubtful;
};

/* What all of them together still hold, as the exchange would give it. */
static bool held_vote(void *context, struct record *vote_out)
{
    struct site *s = context;

    while (s->next <= s->held) {
        rig_record(&s->rigs[0], s->next++, s->value, vote_out);
        if (vote_out->kind == RECORD_ACCEPT)
            return true;
    }
    return false;
}

static void come_back(struct site *s, struct journal_rig *rig)
{
    struct journal_identity renewed = rig->identity;
    struct journal_renewal renewal = {
        .promise = {99, 1}, .next_sequence = s->held + 1, .next_vote = held_vote, .context = s};
    struct journal *j = NULL;

    renewed.incarnation += 1;
    s->next = 1;
    cr_assert_eq(
        journal_renew(&rig->disk->disk, rig->journal, &renewed, &rig->options, &renewal, &j),
        RSM_OK);
    cr_assert_eq(journal_set_others_aside(j), RSM_OK);
    journal_close(j);
    rig_close(rig);
    cr_assert_eq(journal_open(&rig->disk->disk, &renewed, &rig->options, NULL, NULL, &rig->report,
                              &rig->journal),
                 RSM_OK);
    cr_assert_eq(rig->report.verdict, JOURNAL_CLEAN);
    cr_assert_eq(rig->report.promise.round, 99);
}

static void cut_power(struct site *s, uint64_t seed)
{
    struct prng prng;

    prng_init(&prng, seed);
    for (unsigned i = 0; i < 3; i++) {
        struct journal_rig *rig = &s->rigs[i];
        rig_init(rig);
        rig->identity.replica = i + 1;
        cr_assert_eq(rig_open(rig), RSM_OK);
        cr_assert_eq(rig_write(rig, 30), RSM_OK);
        cr_assert_eq(journal_prepare_next(rig->journal), RSM_OK);
        struct disk_mem *before = disk_mem_clone(rig->disk);
        cr_assert_eq(rig_write(rig, 20), RSM_OK);
        rig_close(rig);
        struct disk_mem *after = in_flight(before, rig->disk);
        disk_mem_crash(after, keep_by_chance, &prng);
        disk_free(&rig->disk->disk);
        disk_free(&before->disk);
        rig->disk = after;
        enum rsm_status status = rig_open(rig);
        cr_assert(status == RSM_OK || status == RSM_UNCERTAIN, "seed %u: %d", (unsigned)seed,
                  (int)status);
        cr_assert_not(rig->wrong);
        cr_assert_geq(rig->visited, 30);
        if (rig->visited > s->held)
            s->held = rig->visited;
        s->doubtful += status == RSM_UNCERTAIN;
    }
}

Test(journal_crash, a_whole_site_comes_back_from_what_it_holds)
{
    unsigned all_doubtful = 0;

    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct site s = {.held = 0};
        cut_power(&s, seed);
        all_doubtful += s.doubtful == 3;
        for (unsigned i = 0; i < 3; i++) {
            if (s.rigs[i].report.verdict == JOURNAL_UNCERTAIN)
                come_back(&s, &s.rigs[i]);
            rig_deinit(&s.rigs[i]);
        }
    }
    cr_assert_gt(all_doubtful, 10);
}
