/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_incarnations.c - under which number each peer is talked to, over restarts. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/base/crc32c.h"
#include "src/daemon/incarnations.h"
#include "storage/identity.h"
#include "tests/lib/temp_dir.h"

#define GENESIS "genesis"

struct world {
    struct temp_dir temp;
    char path[TEMP_DIR_SIZE + 64];
    struct data_dir *dir;
    struct incarnations table;
};

static struct identity identity_of(uint64_t incarnation)
{
    struct identity identity = {.replica = 1, .incarnation = incarnation};
    crypto_generichash(identity.cluster, CLUSTER_ID_SIZE, (const uint8_t *)GENESIS, strlen(GENESIS),
                       NULL, 0);
    return identity;
}

static void world_open(struct world *w)
{
    char text[512];
    struct identity identity = identity_of(0);
    cr_assert_eq(data_dir_open(w->path, &identity, &w->dir, text, sizeof text), RSM_OK, "%s", text);
    cr_assert_eq(incarnations_open(&w->table, w->dir), RSM_OK);
}

static void world_make(struct world *w)
{
    struct identity identity = identity_of(77);
    temp_dir_make(&w->temp);
    temp_dir_path(&w->temp, "data", w->path);
    cr_assert_eq(data_dir_create(w->path, &identity, bytes_of_string(GENESIS)), RSM_OK);
    world_open(w);
}

static void world_reopen(struct world *w)
{
    data_dir_close(w->dir);
    world_open(w);
}

static void world_free(struct world *w)
{
    data_dir_close(w->dir);
    temp_dir_remove(&w->temp);
}

static bool meet(struct incarnations *table, uint32_t replica, uint64_t number)
{
    return incarnations_accept(table, replica, &(struct incarnation){.number = number}, false);
}

/* It says that it is in doubt. */
static bool doubt(struct incarnations *table, uint32_t replica, uint64_t number)
{
    const struct incarnation its = {.number = number, .rejoins = true};
    return incarnations_accept(table, replica, &its, false);
}

Test(incarnations, the_first_one_met_is_the_one)
{
    struct world w;
    world_make(&w);
    cr_assert(meet(&w.table, 2, 5));
    cr_assert(meet(&w.table, 2, 5));
    cr_assert(doubt(&w.table, 2, 5));
    cr_assert_not(meet(&w.table, 2, 6));
    cr_assert_not(doubt(&w.table, 2, 0));
    cr_assert(meet(&w.table, 9, 6), "another replica");
    world_reopen(&w);
    cr_assert_not(meet(&w.table, 2, 6), "also after a restart");
    cr_assert(meet(&w.table, 2, 5));
    world_free(&w);
}

Test(incarnations, one_in_doubt_takes_another_and_the_old_one_is_over)
{
    struct world w;
    world_make(&w);
    cr_assert(meet(&w.table, 3, 5));
    cr_assert(doubt(&w.table, 3, 8));
    world_reopen(&w);
    cr_assert_not(meet(&w.table, 3, 5));
    cr_assert(meet(&w.table, 3, 8), "it has its vote again");
    world_free(&w);
}

Test(incarnations, the_log_names_one_once)
{
    struct world w;
    world_make(&w);
    cr_assert(meet(&w.table, 4, 5));
    cr_assert_eq(incarnations_pin(&w.table, 4, 0), RSM_OK, "a member of the genesis");
    cr_assert(meet(&w.table, 4, 5));
    cr_assert_eq(incarnations_pin(&w.table, 4, 9), RSM_OK, "removed, and added with a new disk");
    cr_assert_not(meet(&w.table, 4, 5));
    cr_assert(meet(&w.table, 4, 9));
    /* Later it is in doubt: what the log said is told again at each start, and changes nothing. */
    cr_assert(doubt(&w.table, 4, 12));
    world_reopen(&w);
    cr_assert_eq(incarnations_pin(&w.table, 4, 9), RSM_OK);
    cr_assert(meet(&w.table, 4, 12));
    cr_assert_not(meet(&w.table, 4, 9));
    world_free(&w);
}

/* Who was no voter when a peer rejoined was asked for nothing, and knows it by a number that it had
 * before. */
Test(incarnations, one_that_rejoined_is_known_by_what_it_was)
{
    struct world w;
    struct incarnation its = {.number = 11, .former = {9, 8}};
    world_make(&w);
    cr_assert(meet(&w.table, 2, 8));
    cr_assert(meet(&w.table, 3, 7));
    cr_assert(incarnations_accept(&w.table, 2, &its, false));
    cr_assert_not(incarnations_accept(&w.table, 3, &its, false), "another disk's list");
    world_reopen(&w);
    cr_assert(meet(&w.table, 2, 11));
    cr_assert_not(meet(&w.table, 2, 8), "that life is over");
    its = (struct incarnation){.number = 8, .former = {11}};
    cr_assert_not(incarnations_accept(&w.table, 2, &its, false),
                  "what it was goes on from nothing");
    cr_assert_eq(incarnations_pin(&w.table, 2, 20), RSM_OK, "removed and added");
    its = (struct incarnation){.number = 12, .former = {11, 9, 8}};
    cr_assert_not(incarnations_accept(&w.table, 2, &its, false), "the disk that it had before");
    world_free(&w);
}

/* A restored copy of a disk knows no more of it than it was when it was copied. */
Test(incarnations, an_old_copy_goes_on_from_nothing_that_is_known)
{
    struct world w;
    world_make(&w);
    cr_assert(doubt(&w.table, 2, 5));
    cr_assert(doubt(&w.table, 2, 6));
    cr_assert(doubt(&w.table, 2, 7));
    const struct incarnation its = {.number = 6, .former = {5}};
    cr_assert_not(incarnations_accept(&w.table, 2, &its, false));
    cr_assert(incarnations_accept(&w.table, 4, &its, true), "it is met");
    cr_assert(incarnations_accept(&w.table, 4, &(struct incarnation){.number = 99}, true),
              "by one without a vote");
    world_free(&w);
}

static void assert_own(const struct world *w, uint64_t number, uint64_t first, uint64_t second)
{
    struct incarnation own = incarnations_own(&w->table, 1, number, false);
    cr_assert(own.number == number && !own.rejoins);
    cr_assert(own.former[0] == first && own.former[1] == second, "%lu: %lu %lu", (long)number,
              (long)own.former[0], (long)own.former[1]);
}

Test(incarnations, what_a_replica_says_of_itself)
{
    struct world w;
    world_make(&w);
    assert_own(&w, 77, 0, 0);
    cr_assert_eq(incarnations_rename(&w.table, 1, 77, 78), RSM_OK);
    cr_assert_eq(incarnations_rename(&w.table, 1, 77, 79), RSM_OK,
                 "in doubt again before it ended");
    world_reopen(&w);
    assert_own(&w, 79, 78, 77);
    assert_own(&w, 77, 0, 0);
    cr_assert(incarnations_own(&w.table, 1, 79, true).rejoins);
    cr_assert_eq(incarnations_rename(&w.table, 1, 77, 79), RSM_OK, "begun once more");
    assert_own(&w, 79, 78, 77);
    cr_assert_eq(incarnations_rename(&w.table, 1, 79, 80), RSM_OK);
    assert_own(&w, 80, 79, 78);
    /* The log names another disk: this one does not go on from that. */
    cr_assert_eq(incarnations_pin(&w.table, 1, 90), RSM_OK);
    assert_own(&w, 80, 0, 0);
    cr_assert_eq(incarnations_rename(&w.table, 1, 80, 81), RSM_OK);
    assert_own(&w, 81, 80, 0);
    world_free(&w);
}

/* A command that was written before a peer rejoined does not bring its former life back. */
Test(incarnations, the_log_may_be_behind_a_rejoin)
{
    struct world w;
    world_make(&w);
    cr_assert(meet(&w.table, 2, 5));
    cr_assert(doubt(&w.table, 2, 8));
    cr_assert_eq(incarnations_pin(&w.table, 2, 5), RSM_OK);
    world_reopen(&w);
    cr_assert(meet(&w.table, 2, 8));
    cr_assert_not(meet(&w.table, 2, 5));
    cr_assert_eq(incarnations_pin(&w.table, 2, 8), RSM_OK);
    cr_assert(meet(&w.table, 2, 8));
    cr_assert_eq(incarnations_pin(&w.table, 2, 13), RSM_OK, "removed and added");
    cr_assert(meet(&w.table, 2, 13));
    cr_assert_not(meet(&w.table, 2, 8));
    world_free(&w);
}

/* Several times: each start in doubt is one, and a command may wait for votes meanwhile. */
Test(incarnations, the_log_may_be_behind_several_rejoins)
{
    struct world w;
    world_make(&w);
    for (uint64_t life = 5; life < 5 + FORMER_MAX; life++)
        cr_assert(doubt(&w.table, 2, life));
    world_reopen(&w);
    uint64_t now = 5 + FORMER_MAX - 1;
    cr_assert_eq(incarnations_pin(&w.table, 2, now), RSM_OK,
                 "as it is known: nothing is forgotten");
    cr_assert_eq(incarnations_pin(&w.table, 2, 5), RSM_OK);
    cr_assert_eq(incarnations_pin(&w.table, 2, 7), RSM_OK);
    cr_assert(meet(&w.table, 2, now));
    cr_assert_not(meet(&w.table, 2, 5));
    for (uint64_t life = now + 1; life < now + 30; life++)
        cr_assert(doubt(&w.table, 2, life), "the oldest are dropped");
    world_reopen(&w);
    cr_assert(meet(&w.table, 2, now + 29));
    cr_assert_eq(incarnations_pin(&w.table, 2, 99), RSM_OK, "removed and added");
    cr_assert(meet(&w.table, 2, 99));
    world_free(&w);
}

static void write_peers(const struct world *w, const char *lines)
{
    char path[TEMP_DIR_SIZE + 128], text[512], whole[600];
    snprintf(path, sizeof path, "%s/peers", w->path);
    int size = snprintf(text, sizeof text, "rsm peers\nformat = %s", lines);
    int all = snprintf(whole, sizeof whole, "%scheck = %08x\n", text,
                       crc32c(0, (const uint8_t *)text, (size_t)size));
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert_eq(write(file, whole, (size_t)all), all);
    close(file);
}

/* What an earlier version wrote is read, and a later one's is not guessed at. */
Test(incarnations, formats)
{
    struct incarnations table;
    struct world w;
    world_make(&w);
    write_peers(&w, "1\n2 = 8 0 5\n4 = 9 9 0\n");
    world_reopen(&w);
    cr_assert(meet(&w.table, 2, 8));
    cr_assert_eq(incarnations_pin(&w.table, 2, 5), RSM_OK);
    cr_assert(meet(&w.table, 2, 8));
    cr_assert_not(meet(&w.table, 4, 8));
    world_reopen(&w);
    cr_assert(meet(&w.table, 2, 8), "written anew as it is written today");
    cr_assert_not(meet(&w.table, 4, 8));
    static const char *const wrong[] = {"1\n2 = 8 0\n",
                                        "1\n2 = 8 0 5 4\n",
                                        "2\n2 = 8 0 0\n",
                                        "2\n2 = 8\n",
                                        "2\n0 = 8 0\n",
                                        "2\n10 = 8 0\n",
                                        "2\n2 = 8 0 1 x\n",
                                        "2\n2 = 8 0 \n",
                                        "2\n2 = 8 0  1\n",
                                        "2\n3 = 8 0\n2 = 8 0\n",
                                        "2\n2 = 8 0 1 2 3 4 5 6 7 8 9\n",
                                        "0\n",
                                        "02\n",
                                        "+2\n",
                                        "\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        write_peers(&w, wrong[i]);
        cr_assert_eq(incarnations_open(&table, w.dir), RSM_DAMAGED, "%s", wrong[i]);
    }
    write_peers(&w, "3\nanything\n");
    cr_assert_eq(incarnations_open(&table, w.dir), RSM_NEWER_FORMAT);
    world_free(&w);
}

/* A table that could not be written down must not be believed. */
Test(incarnations, a_file_that_is_damaged_is_said_so)
{
    struct world w;
    char path[TEMP_DIR_SIZE + 128];
    world_make(&w);
    cr_assert(meet(&w.table, 2, 5));
    cr_assert_eq(incarnations_pin(&w.table, 3, 6), RSM_OK);
    snprintf(path, sizeof path, "%s/peers", w.path);
    int file = open(path, O_RDWR | O_CLOEXEC);
    char byte;
    for (off_t at = 0; pread(file, &byte, 1, at) == 1; at++) {
        char other = (char)(byte ^ 1);
        cr_assert_eq(pwrite(file, &other, 1, at), 1);
        struct incarnations table;
        enum rsm_status status = incarnations_open(&table, w.dir);
        cr_assert(status == RSM_DAMAGED || status == RSM_NEWER_FORMAT, "byte %ld: %s", (long)at,
                  rsm_status_text(status));
        cr_assert_eq(pwrite(file, &byte, 1, at), 1);
    }
    close(file);
    cr_assert_eq(incarnations_open(&w.table, w.dir), RSM_OK);
    world_free(&w);
}
