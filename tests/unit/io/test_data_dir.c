/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_data_dir.c - whose directory it is, who holds it, and what is refused. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/io/child.h"
#include "src/io/data_dir.h"
#include "storage/chain.h"
#include "tests/lib/temp_dir.h"

#define GENESIS "the genesis of a test"

static void make(struct temp_dir *dir, struct identity *identity, char path[TEMP_DIR_SIZE + 64])
{
    temp_dir_make(dir);
    *identity = (struct identity){.replica = 2, .incarnation = 77};
    chain_cluster_id(bytes_of_string(GENESIS), identity->cluster);
    temp_dir_path(dir, "data", path);
    cr_assert_eq(data_dir_create(path, identity, bytes_of_string(GENESIS)), RSM_OK);
}

static enum rsm_status try_open(const char *path, const struct identity *expected)
{
    struct data_dir *d = NULL;
    char text[400];
    enum rsm_status status = data_dir_open(path, expected, &d, text, sizeof(text));

    cr_assert_eq(d == NULL, status != RSM_OK);
    cr_assert_gt(strlen(text), 0);
    data_dir_close(d);
    return status;
}

static void write_file(const char *path, const char *name, const char *text)
{
    char full[TEMP_DIR_SIZE + 128];

    snprintf(full, sizeof(full), "%s/%s", path, name);
    FILE *file = fopen(full, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

static bool exists(const char *path, const char *name)
{
    char full[TEMP_DIR_SIZE + 128];

    snprintf(full, sizeof(full), "%s/%s", path, name);
    return access(full, F_OK) == 0;
}

Test(data_dir, a_damaged_store_is_kept_once)
{
    struct temp_dir dir;
    struct identity identity;
    struct data_dir *d = NULL;
    char path[TEMP_DIR_SIZE + 64];
    char full[TEMP_DIR_SIZE + 128];

    make(&dir, &identity, path);
    cr_assert_eq(data_dir_open(path, &identity, &d, NULL, 0), RSM_OK);
    write_file(path, "store/data.mdb", "first");
    cr_assert_eq(data_dir_set_store_aside(d), RSM_OK);
    cr_assert(exists(path, "store.damaged-1/data.mdb"));
    cr_assert(exists(path, "store"));
    cr_assert_not(exists(path, "store/data.mdb"));
    write_file(path, "store/lock.mdb", "second");
    cr_assert_eq(data_dir_set_store_aside(d), RSM_OK);
    cr_assert(exists(path, "store.damaged-1/lock.mdb"));
    cr_assert_not(exists(path, "store.damaged-1/data.mdb"), "the first one is gone");
    /* A crash between the renaming and the new directory. */
    snprintf(full, sizeof(full), "%s/store", path);
    cr_assert_eq(rmdir(full), 0);
    cr_assert_eq(data_dir_make_store(d), RSM_OK);
    cr_assert_eq(data_dir_make_store(d), RSM_OK);
    cr_assert(exists(path, "store"));
    /* Something that is none of ours: nothing is removed, and the store stays. */
    write_file(path, "store/data.mdb", "third");
    snprintf(full, sizeof(full), "%s/store.damaged-1/folder", path);
    cr_assert_eq(mkdir(full, 0700), 0);
    cr_assert_neq(data_dir_set_store_aside(d), RSM_OK);
    cr_assert(exists(path, "store/data.mdb"));
    data_dir_close(d);
    temp_dir_remove(&dir);
}

/* A snapshot's store takes the place of the old one; a crash at any moment leaves one of them. */
Test(data_dir, an_incoming_store_takes_the_place)
{
    struct temp_dir dir;
    struct identity identity;
    struct data_dir *d = NULL;
    char path[TEMP_DIR_SIZE + 64];
    char from[TEMP_DIR_SIZE + 128];
    char to[TEMP_DIR_SIZE + 128];

    make(&dir, &identity, path);
    cr_assert_eq(data_dir_open(path, &identity, &d, NULL, 0), RSM_OK);
    write_file(path, "store/data.mdb", "old");
    cr_assert_eq(data_dir_make_incoming(d), RSM_OK);
    write_file(path, "store.incoming/data.mdb", "half");
    cr_assert_eq(data_dir_make_incoming(d), RSM_OK, "begun again");
    cr_assert_not(exists(path, "store.incoming/data.mdb"));
    write_file(path, "store.incoming/lock.mdb", "new");
    cr_assert_eq(data_dir_install_incoming(d), RSM_OK);
    cr_assert(exists(path, "store/lock.mdb") && !exists(path, "store/data.mdb"));
    cr_assert_not(exists(path, "store.incoming") || exists(path, "store.old"));
    /* A crash while it is received: a left-over. */
    cr_assert_eq(data_dir_make_incoming(d), RSM_OK);
    write_file(path, "store.incoming/data.mdb", "half");
    cr_assert_eq(data_dir_make_store(d), RSM_OK);
    cr_assert(exists(path, "store/lock.mdb") && !exists(path, "store.incoming"));
    /* A crash between the renames: the old one is in force. */
    cr_assert_eq(data_dir_make_incoming(d), RSM_OK);
    write_file(path, "store.incoming/data.mdb", "whole");
    snprintf(from, sizeof(from), "%s/store", path);
    snprintf(to, sizeof(to), "%s/store.old", path);
    cr_assert_eq(rename(from, to), 0);
    cr_assert_eq(data_dir_make_store(d), RSM_OK);
    cr_assert(exists(path, "store/lock.mdb"));
    cr_assert_not(exists(path, "store.incoming") || exists(path, "store.old"));
    /* A crash behind both: the new one is. */
    cr_assert_eq(rename(from, to), 0);
    cr_assert_eq(mkdir(from, 0700), 0);
    write_file(path, "store/data.mdb", "new");
    cr_assert_eq(data_dir_make_store(d), RSM_OK);
    cr_assert(exists(path, "store/data.mdb") && !exists(path, "store.old"));
    data_dir_close(d);
    temp_dir_remove(&dir);
}

Test(data_dir, made_opened_and_made_only_once)
{
    struct temp_dir dir;
    struct identity identity;
    struct data_dir *d = NULL;
    char path[TEMP_DIR_SIZE + 64];

    make(&dir, &identity, path);
    cr_assert_eq(data_dir_create(path, &identity, bytes_of_string("other")), RSM_EXISTS);
    cr_assert_eq(data_dir_open(path, &identity, &d, NULL, 0), RSM_OK);
    cr_assert_eq(data_dir_identity(d)->incarnation, 77);
    cr_assert(bytes_equal(data_dir_genesis(d), bytes_of_string(GENESIS)));
    cr_assert_geq(data_dir_descriptor(d), 0);
    identity.incarnation = 78;
    cr_assert_eq(data_dir_set_identity(d, &identity), RSM_OK);
    data_dir_close(d);
    cr_assert_eq(data_dir_open(path, NULL, &d, NULL, 0), RSM_OK);
    cr_assert_eq(data_dir_identity(d)->incarnation, 78);
    data_dir_close(d);
    temp_dir_remove(&dir);
}

/* A crash before the identity was written leaves something that can be made again. */
Test(data_dir, an_interrupted_creation_is_done_again)
{
    struct temp_dir dir;
    struct identity identity;
    char path[TEMP_DIR_SIZE + 64];
    char name[TEMP_DIR_SIZE + 128];

    make(&dir, &identity, path);
    snprintf(name, sizeof(name), "%s/identity", path);
    cr_assert_eq(unlink(name), 0);
    cr_assert_eq(try_open(path, NULL), RSM_NOT_FOUND);
    write_file(path, "identity.tmp", "rsm data dir");
    cr_assert_eq(data_dir_create(path, &identity, bytes_of_string(GENESIS)), RSM_OK);
    cr_assert_eq(try_open(path, &identity), RSM_OK);
    temp_dir_remove(&dir);
}

struct second {
    const char *path;
    bool *live;
};

static int open_second(void *context)
{
    const struct second *s = context;
    struct data_dir *d = NULL;
    struct identity identity;
    struct blob *genesis = NULL;
    bool live = false;

    if (data_dir_open(s->path, NULL, &d, NULL, 0) != RSM_LOCKED)
        return 1;
    if (data_dir_inspect(s->path, &identity, &genesis, &live) != RSM_OK || !live)
        return 2;
    return identity.replica == 2 && genesis != NULL ? 0 : 3;
}

Test(data_dir, a_second_process_is_refused_and_rsm_dump_sees_that_it_is_live)
{
    struct temp_dir dir;
    struct identity identity;
    struct data_dir *d = NULL;
    struct blob *genesis = NULL;
    struct child_end end;
    bool live = true;
    char path[TEMP_DIR_SIZE + 64];

    make(&dir, &identity, path);
    cr_assert_eq(data_dir_inspect(path, &identity, &genesis, &live), RSM_OK);
    cr_assert_not(live);
    blob_unref(genesis);
    cr_assert_eq(data_dir_open(path, NULL, &d, NULL, 0), RSM_OK);
    struct second second = {path, &live};
    cr_assert_eq(child_run(open_second, &second, 20, &end), RSM_OK);
    cr_assert(end.exited);
    cr_assert_eq(end.exit_status, 0);
    data_dir_close(d);
    cr_assert_eq(try_open(path, NULL), RSM_OK, "the lock goes with its holder");
    temp_dir_remove(&dir);
}

Test(data_dir, everything_else_that_is_refused)
{
    struct temp_dir dir;
    struct identity identity;
    struct identity other;
    char path[TEMP_DIR_SIZE + 64];

    make(&dir, &identity, path);
    other = identity;
    other.replica = 3;
    cr_assert_eq(try_open(path, &other), RSM_WRONG_IDENTITY);
    other = identity;
    other.cluster[0] ^= 1;
    cr_assert_eq(try_open(path, &other), RSM_WRONG_IDENTITY);
    cr_assert_eq(chmod(path, 0750), 0);
    cr_assert_eq(try_open(path, &identity), RSM_KEY_EXPOSED);
    cr_assert_eq(chmod(path, 0700), 0);
    cr_assert_eq(try_open("/nonexistent/rsm", &identity), RSM_NOT_FOUND);
    cr_assert_eq(try_open("/etc/passwd", &identity), RSM_NOT_FOUND);
    cr_assert_eq(try_open(dir.path, &identity), RSM_NOT_FOUND);
    write_file(path, "genesis", "another genesis");
    cr_assert_eq(try_open(path, &identity), RSM_DAMAGED);
    write_file(path, "genesis", GENESIS);
    cr_assert_eq(try_open(path, &identity), RSM_OK);
    write_file(path, "identity", "rsm data directory\nformat = 9\n");
    cr_assert_eq(try_open(path, &identity), RSM_NEWER_FORMAT);
    write_file(path, "identity", "rubbish");
    cr_assert_eq(try_open(path, &identity), RSM_DAMAGED);
    temp_dir_remove(&dir);
}
