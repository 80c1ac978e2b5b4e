/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_scrub_rate.c - a pass of the scrubber over a journal and a store, by a clock of the test's
 * own: it takes as long as scrub_rate says, at any moment it has not read more than that, and it
 * reads all of it.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/io/data_dir.h"
#include "src/io/disk_posix.h"
#include "src/io/scrubber.h"
#include "storage/chain.h"
#include "storage/journal.h"
#include "storage/store.h"
#include "tests/lib/temp_dir.h"

#define GENESIS "the genesis of a test"
#define VOTES 200u
#define ROWS 300u
#define VALUE 4000u
#define BURST_US 20000u /* of scrub_run.c, as the next */
#define SAVED_US 2000u

/* A replica's data, with a journal of VOTES votes and a store of ROWS rows. */
struct data {
    struct temp_dir dir;
    char path[TEMP_DIR_SIZE + 64];
    struct identity identity;
    struct journal_extent extent;
    uint64_t bytes; /* of values and rows, as a pass counts them */
};

/* Time passes where the pass waits, and `read_us` wherever it looks. */
struct clock {
    uint64_t now_us;
    uint64_t read_us;
    uint64_t oversleeps_us; /* once, at the next wait */
    uint64_t waited_us;
    uint64_t waits;
};

static uint64_t on_now(void *context)
{
    struct clock *c = context;
    c->now_us += c->read_us;
    return c->now_us;
}

static void on_wait(void *context, uint32_t ms)
{
    struct clock *c = context;
    cr_assert_gt(ms, 0, "a wait of nothing");
    c->now_us += UINT64_C(1000) * ms + c->oversleeps_us;
    c->waited_us += UINT64_C(1000) * ms;
    c->oversleeps_us = 0;
    c->waits++;
}

static void see_row(void *context, size_t bytes)
{
    struct data *d = context;
    d->bytes += bytes;
}

static void make_journal(struct data *d)
{
    struct journal_identity identity = {.replica = 2, .incarnation = 77};
    struct journal_options options = {.segment_size = 1u << 20, .create = true};
    static uint8_t value[VALUE];
    struct journal_report report;
    struct journal *journal = NULL;
    struct disk *disk = NULL;

    memcpy(identity.cluster, d->identity.cluster, CLUSTER_ID_SIZE);
    int directory = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(disk_posix_open(directory, "journal", true, &disk), RSM_OK);
    close(directory);
    cr_assert_eq(journal_open(disk, &identity, &options, NULL, NULL, &report, &journal), RSM_OK);
    for (uint64_t i = 1; i <= VOTES; i++) {
        struct record vote = {.kind = RECORD_ACCEPT,
                              .sequence = i,
                              .ballot = {1, 2},
                              .slot = i,
                              .value = bytes_make(value, VALUE)};
        cr_assert_eq(journal_append(journal, &vote), RSM_OK);
        if (i % 10 == 0)
            cr_assert_eq(journal_flush(journal), RSM_OK);
        d->bytes += VALUE;
    }
    d->extent = journal_extent(journal);
    journal_close(journal);
    disk_free(disk);
}

static void make_store(struct data *d)
{
    struct store_identity owner = {.replica = 2};
    struct store_options options = {.map_size = 16u << 20};
    static uint8_t value[VALUE];
    struct store *store = NULL;
    char path[TEMP_DIR_SIZE + 128];
    char text[200];
    uint64_t rows = 0;

    memcpy(owner.cluster, d->identity.cluster, CLUSTER_ID_SIZE);
    snprintf(path, sizeof(path), "%s/store", d->path);
    cr_assert_eq(store_open(path, &owner, &options, &store), RSM_OK);
    struct kv *overlay = kv_overlay_new(store_kv(store));
    for (uint32_t i = 0; i < ROWS; i++) {
        uint8_t key[4];
        put_u32(key, i);
        cr_assert_eq(kv_put(overlay, 7, bytes_make(key, 4), bytes_make(value, VALUE)), RSM_OK);
    }
    cr_assert_eq(store_commit(store, overlay), RSM_OK);
    cr_assert_eq(store_refresh(store), RSM_OK);
    kv_free(overlay);
    store_watch_rows(store, see_row, d);
    cr_assert_eq(store_verify(store, text, sizeof(text), &rows), RSM_OK);
    store_close(store);
}

static void make(struct data *d)
{
    *d = (struct data){.identity = {.replica = 2, .incarnation = 77}};
    temp_dir_make(&d->dir);
    temp_dir_path(&d->dir, "data", d->path);
    chain_cluster_id(bytes_of_string(GENESIS), d->identity.cluster);
    cr_assert_eq(data_dir_create(d->path, &d->identity, bytes_of_string(GENESIS)), RSM_OK);
    make_journal(d);
    make_store(d);
}

/* One pass; how long it took. Its lines go to a file, and say that all was read. */
static uint64_t pass(struct data *d, struct clock *c, uint64_t rate)
{
    struct scrub_clock clock = {.context = c, .now_us = on_now, .wait_ms = on_wait};
    char path[TEMP_DIR_SIZE + 64];
    char said[400] = "";
    char expected[100];
    uint64_t began_us = c->now_us;

    temp_dir_path(&d->dir, "said", path);
    cr_assert_not_null(freopen(path, "w", stdout));
    cr_assert_eq(scrub_run_by(&clock, d->path, d->extent.segment, d->extent.offset, rate), 0);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    cr_assert_gt(fread(said, 1, sizeof(said) - 1, file), 0);
    fclose(file);
    /* With the checkpoint at the head of each segment. */
    snprintf(expected, sizeof(expected), "journal-records %u\n", VOTES + 1);
    cr_assert(strncmp(said, expected, strlen(expected)) == 0, "%s", said);
    cr_assert_null(strstr(said, "finding"), "%s", said);
    cr_assert_not_null(strstr(said, "\nend\n"), "%s", said);
    return c->now_us - began_us;
}

Test(scrub_rate, a_pass_takes_what_the_rate_says)
{
    static const struct {
        uint64_t rate;
        uint64_t read_us;
    } cases[] = {
        {64u << 10, 0}, /* the least that a configuration may say */
        {1u << 20, 0},  {1u << 20, 100}, {4u << 20, 700}, /* reading nearly fills its time */
        {64u << 20, 0}, {64u << 20, 10},
    };
    struct data d;
    make(&d);
    cr_assert_gt(d.bytes, (VOTES + ROWS) * VALUE);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct clock c = {.now_us = 5000000, .read_us = cases[i].read_us};
        uint64_t due_us = d.bytes * 1000000 / cases[i].rate;
        uint64_t took_us = pass(&d, &c, cases[i].rate);
        /* The first reading may go out of the burst, the last waits may have been saved up. */
        uint64_t most_us = due_us + due_us / 100 + SAVED_US;
        cr_expect_leq(took_us, most_us, "case %zu: %lu us, due %lu", i, (unsigned long)took_us,
                      (unsigned long)due_us);
        cr_expect_geq(took_us + BURST_US + SAVED_US + VALUE * 1000000 / cases[i].rate, due_us,
                      "case %zu: %lu us, due %lu", i, (unsigned long)took_us,
                      (unsigned long)due_us);
        cr_expect_gt(c.waits, 0);
    }
    temp_dir_remove(&d.dir);
}

/* A disk that is slower than the rate is waited for by nobody. */
Test(scrub_rate, who_reads_slowly_does_not_wait)
{
    struct data d;
    make(&d);
    struct clock c = {.now_us = 5000000, .read_us = 10000};
    (void)pass(&d, &c, 1u << 20); /* 4,000 bytes take 3.8 ms of it */
    cr_expect_eq(c.waits, 0, "%lu waits", (unsigned long)c.waits);
    temp_dir_remove(&d.dir);
}

/* A wait that was much too long is made up for by a burst, and no more. */
Test(scrub_rate, a_wait_that_was_too_long_is_not_made_up_for)
{
    struct data d;
    make(&d);
    struct clock c = {.now_us = 5000000, .oversleeps_us = 500000};
    uint64_t due_us = d.bytes * 1000000 / (1u << 20);
    uint64_t took_us = pass(&d, &c, 1u << 20);
    cr_expect_geq(took_us, due_us + 500000 - 2 * BURST_US - 2 * SAVED_US);
    cr_expect_leq(took_us, due_us + due_us / 100 + 500000 + SAVED_US);
    temp_dir_remove(&d.dir);
}

Test(scrub_rate, no_rate_is_wrong_usage)
{
    struct clock c = {.now_us = 1};
    struct scrub_clock clock = {.context = &c, .now_us = on_now, .wait_ms = on_wait};
    cr_expect_eq(scrub_run_by(&clock, "/nowhere", 1, 0, 0), 2);
}
