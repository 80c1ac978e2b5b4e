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

Test(incarnations, the_first_one_met_is_the_one)
{
    struct world w;
    world_make(&w);
    cr_assert(incarnations_accept(&w.table, 2, 5, false));
    cr_assert(incarnations_accept(&w.table, 2, 5, false));
    cr_assert(incarnations_accept(&w.table, 2, 5, true));
    cr_assert_not(incarnations_accept(&w.table, 2, 6, false));
    cr_assert_not(incarnations_accept(&w.table, 2, 0, true));
    cr_assert(incarnations_accept(&w.table, 9, 6, false), "another replica");
    world_reopen(&w);
    cr_assert_not(incarnations_accept(&w.table, 2, 6, false), "also after a restart");
    cr_assert(incarnations_accept(&w.table, 2, 5, false));
    world_free(&w);
}

Test(incarnations, one_in_doubt_takes_another_and_the_old_one_is_over)
{
    struct world w;
    world_make(&w);
    cr_assert(incarnations_accept(&w.table, 3, 5, false));
    cr_assert(incarnations_accept(&w.table, 3, 8, true));
    world_reopen(&w);
    cr_assert_not(incarnations_accept(&w.table, 3, 5, false));
    cr_assert(incarnations_accept(&w.table, 3, 8, false), "it has its vote again");
    world_free(&w);
}

Test(incarnations, the_log_names_one_once)
{
    struct world w;
    world_make(&w);
    cr_assert(incarnations_accept(&w.table, 4, 5, false));
    cr_assert_eq(incarnations_pin(&w.table, 4, 0), RSM_OK, "a member of the genesis");
    cr_assert(incarnations_accept(&w.table, 4, 5, false));
    cr_assert_eq(incarnations_pin(&w.table, 4, 9), RSM_OK, "removed, and added with a new disk");
    cr_assert_not(incarnations_accept(&w.table, 4, 5, false));
    cr_assert(incarnations_accept(&w.table, 4, 9, false));
    /* Later it is in doubt: what the log said is told again at each start, and changes nothing. */
    cr_assert(incarnations_accept(&w.table, 4, 12, true));
    world_reopen(&w);
    cr_assert_eq(incarnations_pin(&w.table, 4, 9), RSM_OK);
    cr_assert(incarnations_accept(&w.table, 4, 12, false));
    cr_assert_not(incarnations_accept(&w.table, 4, 9, false));
    world_free(&w);
}

/* A command that was written before a peer rejoined does not bring its former life back. */
Test(incarnations, the_log_may_be_behind_a_rejoin)
{
    struct world w;
    world_make(&w);
    cr_assert(incarnations_accept(&w.table, 2, 5, false));
    cr_assert(incarnations_accept(&w.table, 2, 8, true));
    cr_assert_eq(incarnations_pin(&w.table, 2, 5), RSM_OK);
    world_reopen(&w);
    cr_assert(incarnations_accept(&w.table, 2, 8, false));
    cr_assert_not(incarnations_accept(&w.table, 2, 5, false));
    cr_assert_eq(incarnations_pin(&w.table, 2, 8), RSM_OK);
    cr_assert(incarnations_accept(&w.table, 2, 8, false));
    cr_assert_eq(incarnations_pin(&w.table, 2, 13), RSM_OK, "removed and added");
    cr_assert(incarnations_accept(&w.table, 2, 13, false));
    cr_assert_not(incarnations_accept(&w.table, 2, 8, false));
    world_free(&w);
}

/* Several times: each start in doubt is one, and a command may wait for votes meanwhile. */
Test(incarnations, the_log_may_be_behind_several_rejoins)
{
    struct world w;
    world_make(&w);
    for (uint64_t life = 5; life < 5 + FORMER_MAX; life++)
        cr_assert(incarnations_accept(&w.table, 2, life, true));
    world_reopen(&w);
    uint64_t now = 5 + FORMER_MAX - 1;
    cr_assert_eq(incarnations_pin(&w.table, 2, now), RSM_OK,
                 "as it is known: nothing is forgotten");
    cr_assert_eq(incarnations_pin(&w.table, 2, 5), RSM_OK);
    cr_assert_eq(incarnations_pin(&w.table, 2, 7), RSM_OK);
    cr_assert(incarnations_accept(&w.table, 2, now, false));
    cr_assert_not(incarnations_accept(&w.table, 2, 5, false));
    for (uint64_t life = now + 1; life < now + 30; life++)
        cr_assert(incarnations_accept(&w.table, 2, life, true), "the oldest are dropped");
    world_reopen(&w);
    cr_assert(incarnations_accept(&w.table, 2, now + 29, false));
    cr_assert_eq(incarnations_pin(&w.table, 2, 99), RSM_OK, "removed and added");
    cr_assert(incarnations_accept(&w.table, 2, 99, false));
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
    cr_assert(incarnations_accept(&w.table, 2, 8, false));
    cr_assert_eq(incarnations_pin(&w.table, 2, 5), RSM_OK);
    cr_assert(incarnations_accept(&w.table, 2, 8, false));
    cr_assert_not(incarnations_accept(&w.table, 4, 8, false));
    world_reopen(&w);
    cr_assert(incarnations_accept(&w.table, 2, 8, false), "written anew as it is written today");
    cr_assert_not(incarnations_accept(&w.table, 4, 8, false));
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
    cr_assert(incarnations_accept(&w.table, 2, 5, false));
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
