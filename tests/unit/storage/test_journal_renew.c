/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_journal_renew.c - a fresh journal beside an old one: at every moment of a crash exactly one
 * of the two is in force, whole, and it is the one that the identity names.
 */
#include <criterion/criterion.h>

#include <string.h>

#include "src/base/mem.h"
#include "src/base/prng.h"
#include "storage/journal_renew.h"
#include "storage/scan.h"
#include "tests/lib/journal_rig.h"

#define VOTES 40u
#define VOTE_SIZE 3000u

enum before {
    BEFORE_CLEAN,
    BEFORE_DAMAGED,
    BEFORE_UNCERTAIN,
    BEFORE_NOTHING,
    BEFORE_COUNT,
};

struct renewal_rig {
    struct journal_rig rig;
    struct journal_identity renewed;
    struct journal_renewal renewal;
    unsigned given;
    unsigned votes;
    size_t vote_size;
    uint8_t value[VOTE_SIZE];
    /* What a recovery of the new journal saw. */
    unsigned seen;
    uint64_t seen_end;
    bool wrong;
};

static void make_vote(struct renewal_rig *r, unsigned i, struct record *vote)
{
    memset(r->value, (int)(i + 1), r->vote_size);
    vote->slot = 1000 + i;
    vote->ballot = (struct ballot){7 + i % 3, 2};
    vote->value = bytes_make(r->value, r->vote_size);
}

static bool next_vote(void *context, struct record *vote_out)
{
    struct renewal_rig *r = context;

    if (r->given == r->votes)
        return false;
    make_vote(r, r->given++, vote_out);
    return true;
}

static enum rsm_status see(void *context, const struct record *record, bool is_evidence)
{
    struct renewal_rig *r = context;
    struct record expected = {0};

    if (is_evidence)
        return RSM_OK;
    if (record->kind == RECORD_CHECKPOINT) {
        r->wrong |= !ballot_equal(record->ballot, r->renewal.promise) ||
                    record->store_slot != r->renewal.store_slot;
        return RSM_OK;
    }
    if (record->kind == RECORD_CHOSEN) {
        r->seen_end = record->end;
        return RSM_OK;
    }
    make_vote(r, r->seen++, &expected);
    r->wrong |= record->kind != RECORD_ACCEPT || record->slot != expected.slot ||
                !ballot_equal(record->ballot, expected.ballot) ||
                !bytes_equal(record->value, expected.value);
    return RSM_OK;
}

static enum rsm_status expected_status(enum before before)
{
    switch (before) {
    case BEFORE_CLEAN:
        return RSM_OK;
    case BEFORE_UNCERTAIN:
        return RSM_UNCERTAIN;
    default:
        return RSM_DAMAGED;
    }
}

static void damage(struct journal_rig *rig)
{
    struct disk_mem_file *f = disk_mem_file(rig->disk, 2);
    uint8_t *copy = mem_copy(f->now, f->now_size);

    copy[12288 + 700] ^= 1;
    disk_mem_set(rig->disk, 2, copy, f->now_size);
    mem_free(copy);
}

/* The last group is gone, its mark is not. */
static void lose_tail(struct journal_rig *rig, const struct disk_mem *before)
{
    for (uint64_t file = 1; file < 6; file++) {
        struct disk_mem_file *now = disk_mem_file(rig->disk, file);
        const struct disk_mem_file *old = disk_mem_file((struct disk_mem *)(uintptr_t)before, file);
        if (now == NULL || old == NULL)
            continue;
        uint8_t *copy = mem_copy(old->now, old->now_size);
        memcpy(copy, now->now, 12288);
        disk_mem_set(rig->disk, file, copy, old->now_size);
        mem_free(copy);
    }
}

static void set_up(struct renewal_rig *r, enum before before, unsigned votes, size_t vote_size)
{
    struct journal_rig *rig = &r->rig;

    *r = (struct renewal_rig){0};
    rig_init(rig);
    rig->value_size = 150;
    if (before != BEFORE_NOTHING) {
        cr_assert_eq(rig_open(rig), RSM_OK);
        cr_assert_eq(rig_write(rig, 300), RSM_OK);
        cr_assert_eq(journal_prepare_next(rig->journal), RSM_OK);
        struct disk_mem *kept = disk_mem_clone(rig->disk);
        cr_assert_eq(rig_write(rig, 3), RSM_OK);
        rig_close(rig);
        if (before == BEFORE_DAMAGED)
            damage(rig);
        if (before == BEFORE_UNCERTAIN)
            lose_tail(rig, kept);
        disk_free(&kept->disk);
        cr_assert_eq(rig_open(rig), expected_status(before));
    }
    r->renewed = rig->identity;
    r->renewed.incarnation ^= UINT64_C(0xff00ff00);
    r->votes = votes;
    r->vote_size = vote_size;
    r->renewal = (struct journal_renewal){.promise = {77, 3},
                                          .chosen_end = 1002,
                                          .store_slot = 999,
                                          .next_sequence = 5001,
                                          .next_vote = next_vote,
                                          .context = r};
}

static enum rsm_status renew(struct renewal_rig *r, struct journal **out)
{
    r->given = 0;
    return journal_renew(&r->rig.disk->disk, r->rig.journal, &r->renewed, &r->rig.options,
                         &r->renewal, out);
}

/* A recovery under the new incarnation: all that was given, and it takes more. */
static void assert_renewed(struct renewal_rig *r)
{
    struct journal_options options = r->rig.options;
    struct journal_report report;
    struct journal *j = NULL;

    options.create = false;
    r->seen = 0;
    r->seen_end = 0;
    r->wrong = false;
    cr_assert_eq(journal_open(&r->rig.disk->disk, &r->renewed, &options, see, r, &report, &j),
                 RSM_OK);
    cr_assert_eq(report.verdict, JOURNAL_CLEAN);
    cr_assert_eq(r->seen, r->votes);
    cr_assert_eq(r->seen_end, 1002);
    cr_assert_not(r->wrong);
    cr_assert_eq(report.promise.round, 77);
    cr_assert_eq(report.last_sequence, 5001 + r->votes);
    struct record more = {
        .kind = RECORD_PROMISE, .sequence = report.last_sequence + 1, .ballot = {78, 1}};
    cr_assert_eq(journal_append(j, &more), RSM_OK);
    cr_assert_eq(journal_flush(j), RSM_OK);
    journal_close(j);
}

Test(journal_renew, takes_the_place_of_any_journal)
{
    for (unsigned before = 0; before < BEFORE_COUNT; before++) {
        struct renewal_rig r;
        struct journal *j = NULL;
        uint64_t numbers[64];
        size_t count = 0;
        set_up(&r, (enum before)before, VOTES, VOTE_SIZE);
        cr_assert_eq(disk_list(&r.rig.disk->disk, numbers, 64, &count), RSM_OK);
        uint64_t highest = count == 0 ? 0 : numbers[count - 1];
        cr_assert_eq(renew(&r, &j), RSM_OK);
        cr_assert_eq(journal_durable_seq(j), 5001 + VOTES);
        cr_assert_eq(journal_set_others_aside(j), RSM_OK);
        journal_close(j);
        cr_assert_eq(disk_mem_aside(r.rig.disk), count);
        size_t others = count;
        cr_assert_eq(disk_list(&r.rig.disk->disk, numbers, 64, &count), RSM_OK);
        cr_assert_eq(numbers[0], highest + 1);
        cr_assert_gt(count, 3);
        assert_renewed(&r);
        cr_assert_eq(disk_mem_aside(r.rig.disk), others);
        rig_deinit(&r.rig);
    }
}

Test(journal_renew, without_votes_it_remembers_the_promise)
{
    struct renewal_rig r;
    struct journal *j = NULL;
    struct journal_report report;

    set_up(&r, BEFORE_DAMAGED, 0, 0);
    r.renewal.next_vote = NULL;
    r.renewal.chosen_end = 0;
    r.renewal.store_slot = 0;
    cr_assert_eq(renew(&r, &j), RSM_OK);
    cr_assert_eq(journal_durable_seq(j), 5000);
    journal_close(j);
    cr_assert_eq(journal_open(&r.rig.disk->disk, &r.renewed, &r.rig.options, see, &r, &report, &j),
                 RSM_OK);
    cr_assert_eq(report.promise.round, 77);
    cr_assert_eq(report.last_sequence, 5000);
    cr_assert_eq(r.seen, 0);
    journal_close(j);
    rig_deinit(&r.rig);
}

Test(journal_renew, the_old_one_takes_nothing_any_more)
{
    struct renewal_rig r;
    struct journal *j = NULL;

    set_up(&r, BEFORE_CLEAN, 1, 10);
    cr_assert_eq(renew(&r, &j), RSM_OK);
    cr_assert_eq(rig_append(&r.rig, 1), RSM_READ_ONLY);
    journal_close(j);
    rig_deinit(&r.rig);
}

/* One generation is kept: the next renewal drops what the one before had set aside. */
Test(journal_renew, keeps_one_generation_aside)
{
    struct renewal_rig r;
    struct journal *j = NULL;

    set_up(&r, BEFORE_DAMAGED, 3, 10);
    cr_assert_eq(renew(&r, &j), RSM_OK);
    cr_assert_eq(journal_set_others_aside(j), RSM_OK);
    rig_close(&r.rig);
    r.rig.journal = j;
    size_t first = disk_mem_aside(r.rig.disk);
    r.renewed.incarnation++;
    cr_assert_eq(renew(&r, &j), RSM_OK);
    cr_assert_eq(disk_mem_aside(r.rig.disk), 0);
    cr_assert_eq(journal_set_others_aside(j), RSM_OK);
    cr_assert_lt(disk_mem_aside(r.rig.disk), first);
    cr_assert_gt(disk_mem_aside(r.rig.disk), 0);
    journal_close(j);
    assert_renewed(&r);
    rig_deinit(&r.rig);
}

Test(journal_renew, a_full_disk_changes_nothing)
{
    for (uint64_t spare = 0; spare < 200000; spare += 8192) {
        struct renewal_rig r;
        struct journal *j = NULL;
        uint64_t used = 0;
        set_up(&r, BEFORE_UNCERTAIN, VOTES, VOTE_SIZE);
        struct disk_mem *before = disk_mem_clone(r.rig.disk);
        for (size_t i = 0; i < r.rig.disk->file_count; i++)
            used += r.rig.disk->files[i].exists ? r.rig.disk->files[i].now_size : 0;
        r.rig.disk->space = used + spare + 1;
        enum rsm_status status = renew(&r, &j);
        cr_assert(status == RSM_DISK_FULL || (status == RSM_OK && spare > 120000), "%d",
                  (int)status);
        if (status == RSM_DISK_FULL) {
            cr_assert_null(j);
            cr_assert(disk_mem_equal(before, r.rig.disk));
            r.rig.disk->space = 0;
            cr_assert_eq(renew(&r, &j), RSM_OK);
        }
        journal_close(j);
        assert_renewed(&r);
        disk_free(&before->disk);
        rig_deinit(&r.rig);
    }
}

/* The disk is full, and then a call of the way back fails: the next attempt clears it away. */
Test(journal_renew, a_full_disk_and_a_failure_of_the_way_back)
{
    unsigned pairs = 0;

    for (uint64_t n = 1; n < 400; n += 3) {
        for (uint64_t m = 1; m <= 8; m++) {
            struct renewal_rig r;
            struct journal *j = NULL;
            set_up(&r, BEFORE_UNCERTAIN, VOTES, VOTE_SIZE);
            disk_mem_fail(r.rig.disk, n, RSM_DISK_FULL);
            r.rig.disk->fail_second = r.rig.disk->fail_at + m;
            r.rig.disk->fail_second_with = RSM_IO;
            enum rsm_status status = renew(&r, &j);
            bool failed = r.rig.disk->failed, failed_twice = r.rig.disk->failed_twice;
            cr_assert(status == RSM_OK || (failed && j == NULL), "%d", (int)status);
            pairs += failed_twice;
            r.rig.disk->fail_at = r.rig.disk->fail_second = 0;
            if (status != RSM_OK) {
                cr_assert_eq(renew(&r, &j), RSM_OK, "calls %d and %d", (int)n, (int)(n + m));
            }
            journal_close(j);
            assert_renewed(&r);
            rig_deinit(&r.rig);
            if (!failed)
                n = 400;
            if (!failed_twice)
                break;
        }
    }
    cr_assert_gt(pairs, 50, "%u", pairs);
}

/* More votes than wait in memory at once: they are flushed in between. */
Test(journal_renew, takes_more_votes_than_it_holds_in_memory)
{
    struct renewal_rig r;
    struct journal *j = NULL;

    set_up(&r, BEFORE_NOTHING, 1600, VOTE_SIZE);
    r.rig.options.segment_size = 1 << 20;
    cr_assert_eq(renew(&r, &j), RSM_OK);
    journal_close(j);
    assert_renewed(&r);
    rig_deinit(&r.rig);
}

/* The renewal is done and the identity file does not say so yet. */
Test(journal_renew, the_old_one_stays_in_force_until_the_identity_says_otherwise)
{
    for (unsigned before = 0; before < BEFORE_NOTHING; before++) {
        struct renewal_rig r;
        struct journal *j = NULL;
        set_up(&r, (enum before)before, VOTES, VOTE_SIZE);
        uint64_t visited = r.rig.visited;
        cr_assert_eq(renew(&r, &j), RSM_OK);
        journal_close(j);
        rig_close(&r.rig);
        cr_assert_eq(rig_open(&r.rig), expected_status((enum before)before));
        cr_assert_eq(r.rig.visited, visited);
        cr_assert_not(r.rig.wrong);
        if (before == BEFORE_CLEAN) {
            cr_assert_eq(r.rig.report.verdict, JOURNAL_CLEAN);
            cr_assert_eq(rig_write(&r.rig, 100), RSM_OK);
            cr_assert_eq(disk_mem_aside(r.rig.disk), 0);
        }
        rig_deinit(&r.rig);
    }
}

Test(journal_renew, no_number_is_left)
{
    struct renewal_rig r;
    struct journal *j = NULL;

    set_up(&r, BEFORE_CLEAN, 1, 10);
    disk_mem_set(r.rig.disk, UINT64_MAX - 3, "x", 1);
    cr_assert_eq(renew(&r, &j), RSM_TOO_MANY);
    cr_assert_null(j);
    rig_deinit(&r.rig);
}

static bool keep_by_chance(void *context, size_t index)
{
    (void)index;
    return prng_below(context, 2) == 0;
}

/*
 * Dies at the n-th call of the renewal and of setting aside, for every n; what was not flushed is
 * there or not. False when it did not die any more.
 */
static bool die_at(enum before before, unsigned n, uint64_t seed)
{
    struct renewal_rig r;
    struct journal *j = NULL;
    struct prng prng;
    bool renewed = false;

    prng_init(&prng, seed * 1000003 + n);
    set_up(&r, before, VOTES, VOTE_SIZE);
    uint64_t visited = r.rig.visited;
    disk_mem_fail(r.rig.disk, n, RSM_IO);
    r.rig.disk->names_are_eager = seed % 2 == 1;
    if (renew(&r, &j) == RSM_OK) {
        renewed = true; /* and here the identity becomes durable */
        (void)journal_set_others_aside(j);
    }
    bool died = r.rig.disk->failed;
    r.rig.disk->fail_at = 0;
    journal_close(j);
    rig_close(&r.rig);
    disk_mem_crash(r.rig.disk, keep_by_chance, &prng);
    if (renewed) {
        assert_renewed(&r);
    } else if (before == BEFORE_NOTHING) {
        cr_assert(rig_open(&r.rig) == RSM_OK || r.rig.report.verdict == JOURNAL_DAMAGED);
        cr_assert_eq(r.rig.visited, 0);
    } else {
        enum rsm_status status = rig_open(&r.rig);
        cr_assert_eq(status, expected_status(before), "call %u: %d", n, (int)status);
        cr_assert_eq(r.rig.visited, visited);
        cr_assert_not(r.rig.wrong);
        /* And again, under yet another incarnation. */
        r.renewed.incarnation++;
        cr_assert_eq(renew(&r, &j), RSM_OK);
        cr_assert_eq(journal_set_others_aside(j), RSM_OK);
        journal_close(j);
        assert_renewed(&r);
    }
    rig_deinit(&r.rig);
    return died;
}

static void die_everywhere(enum before before)
{
    for (uint64_t seed = 0; seed < 6; seed++) {
        unsigned n = 1;
        while (die_at(before, n, seed))
            n++;
        cr_assert_gt(n, 30);
    }
}

Test(journal_renew, a_crash_at_every_call_beside_a_clean_one)
{
    die_everywhere(BEFORE_CLEAN);
}

Test(journal_renew, a_crash_at_every_call_beside_a_damaged_one)
{
    die_everywhere(BEFORE_DAMAGED);
}

Test(journal_renew, a_crash_at_every_call_beside_an_uncertain_one)
{
    die_everywhere(BEFORE_UNCERTAIN);
}

Test(journal_renew, a_crash_at_every_call_on_an_empty_disk)
{
    die_everywhere(BEFORE_NOTHING);
}
