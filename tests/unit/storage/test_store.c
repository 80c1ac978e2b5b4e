/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_store.c - the LMDB store: commits, snapshots, growth, whose it is, and damaged bytes. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/kv.h"
#include "src/base/mem.h"
#include "src/base/prng.h"
#include "src/io/child.h"
#include "storage/store_state.h"
#include "tests/lib/temp_dir.h"

#define TABLE_A 1
#define TABLE_B 2

static const struct store_identity own = {.cluster = {1, 2, 3}, .replica = 2};

static void open_store(const struct temp_dir *dir, uint64_t map_size, struct store **out)
{
    struct store_options options = {.map_size = map_size};

    cr_assert_eq(store_open(dir->path, &own, &options, out), RSM_OK);
}

static void put(struct kv *kv, uint8_t table, const char *key, const char *value)
{
    cr_assert_eq(kv_put(kv, table, bytes_of_string(key), bytes_of_string(value)), RSM_OK);
}

static void assert_value(struct kv *kv, uint8_t table, const char *key, const char *value)
{
    struct bytes found;
    enum rsm_status status = kv_get(kv, table, bytes_of_string(key), &found);

    cr_assert_eq(status, value == NULL ? RSM_NOT_FOUND : RSM_OK, "%s: %d", key, (int)status);
    if (value != NULL)
        cr_assert(bytes_equal(found, bytes_of_string(value)), "%s", key);
}

Test(store, what_was_committed_is_there_after_reopening)
{
    struct temp_dir dir;
    struct store *store = NULL;

    temp_dir_make(&dir);
    open_store(&dir, 1 << 20, &store);
    struct kv *overlay = kv_overlay_new(store_kv(store));
    put(overlay, TABLE_A, "one", "1");
    put(overlay, TABLE_A, "empty", "");
    put(overlay, TABLE_B, "one", "other table");
    cr_assert_eq(store_commit(store, overlay), RSM_OK);
    assert_value(store_kv(store), TABLE_A, "one", NULL); /* the snapshot is older */
    cr_assert_eq(store_refresh(store), RSM_OK);
    assert_value(store_kv(store), TABLE_A, "one", "1");
    kv_overlay_clear(overlay);
    cr_assert_eq(kv_del(overlay, TABLE_A, bytes_of_string("one")), RSM_OK);
    cr_assert_eq(kv_del(overlay, TABLE_A, bytes_of_string("never was")), RSM_OK);
    cr_assert_eq(store_commit(store, overlay), RSM_OK);
    kv_free(overlay);
    store_close(store);

    open_store(&dir, 1 << 20, &store);
    assert_value(store_kv(store), TABLE_A, "one", NULL);
    assert_value(store_kv(store), TABLE_A, "empty", "");
    assert_value(store_kv(store), TABLE_B, "one", "other table");
    cr_assert_eq(kv_put(store_kv(store), TABLE_A, bytes_of_string("x"), bytes_of_string("y")),
                 RSM_READ_ONLY);
    cr_assert_eq(kv_del(store_kv(store), TABLE_A, bytes_of_string("x")), RSM_READ_ONLY);
    store_close(store);
    temp_dir_remove(&dir);
}

struct seen {
    uint64_t rows;
    uint64_t bytes;
};

static void see_row(void *context, size_t bytes)
{
    struct seen *seen = context;

    seen->rows++;
    seen->bytes += bytes;
}

/* What paces the scrubber hears of each row once, with all its bytes. */
Test(store, a_pass_tells_of_each_rows_bytes)
{
    struct temp_dir dir;
    struct store *store = NULL;
    struct seen seen = {0, 0};
    uint64_t rows = 0;
    char text[100];

    temp_dir_make(&dir);
    open_store(&dir, 1 << 20, &store);
    store_watch_rows(store, see_row, &seen);
    cr_assert_eq(store_verify(store, text, sizeof(text), &rows), RSM_OK);
    struct seen own_rows = seen;
    cr_assert_eq(own_rows.rows, rows);
    struct kv *overlay = kv_overlay_new(store_kv(store));
    put(overlay, TABLE_A, "three", "12345");
    put(overlay, TABLE_B, "y", "12");
    put(overlay, TABLE_B, "x", "");
    cr_assert_eq(store_commit(store, overlay), RSM_OK);
    cr_assert_eq(store_refresh(store), RSM_OK);
    kv_free(overlay);
    seen = (struct seen){0, 0};
    cr_assert_eq(store_verify(store, text, sizeof(text), &rows), RSM_OK, "%s", text);
    cr_assert_eq(seen.rows, rows);
    /* A row is the table's number, the key, the check and the value; the sum of rows may be new. */
    uint64_t added = 3 * (1 + 4) + 5 + 1 + 1 + 5 + 2;
    uint64_t sum = seen.rows - own_rows.rows - 3;
    cr_assert_leq(sum, 1);
    cr_assert_geq(seen.bytes, own_rows.bytes + added);
    cr_assert(sum == 1 || seen.bytes == own_rows.bytes + added);
    store_close(store);
    temp_dir_remove(&dir);
}

/* The store walks its tables exactly as the map in memory does. */
Test(store, walks_like_the_map_in_memory)
{
    struct temp_dir dir;
    struct store *store = NULL;
    struct prng random;
    struct kv *model = kv_mem_new();

    temp_dir_make(&dir);
    prng_init(&random, 7);
    open_store(&dir, 4 << 20, &store);
    for (unsigned round = 0; round < 6; round++) {
        struct kv *overlay = kv_overlay_new(store_kv(store));
        for (unsigned i = 0; i < 60; i++) {
            uint8_t table = (uint8_t)(1 + prng_below(&random, 3));
            uint8_t key[4];
            size_t size = 1 + prng_below(&random, 3);
            for (size_t k = 0; k < sizeof(key); k++)
                key[k] = (uint8_t)(prng_below(&random, 3) * 127);
            if (prng_chance(&random, 300000)) {
                (void)kv_del(overlay, table, bytes_make(key, size));
                (void)kv_del(model, table, bytes_make(key, size));
            } else {
                (void)kv_put(overlay, table, bytes_make(key, size), bytes_make(&round, 4));
                (void)kv_put(model, table, bytes_make(key, size), bytes_make(&round, 4));
            }
        }
        cr_assert_eq(store_commit(store, overlay), RSM_OK);
        kv_free(overlay);
        cr_assert_eq(store_refresh(store), RSM_OK);
        for (unsigned i = 0; i < 3000; i++) {
            uint8_t table = (uint8_t)(1 + prng_below(&random, 4));
            uint8_t key[4];
            size_t size = prng_below(&random, 5);
            bool strict = prng_chance(&random, 500000);
            bool forward = prng_chance(&random, 500000);
            struct bytes k1;
            struct bytes v1;
            struct bytes k2;
            struct bytes v2;
            for (size_t k = 0; k < sizeof(key); k++)
                key[k] = (uint8_t)(prng_below(&random, 4) * 85);
            struct bytes at = bytes_make(key, size);
            enum rsm_status a = forward ? kv_next(model, table, at, strict, &k1, &v1)
                                        : kv_prev(model, table, at, strict, &k1, &v1);
            enum rsm_status b = forward ? kv_next(store_kv(store), table, at, strict, &k2, &v2)
                                        : kv_prev(store_kv(store), table, at, strict, &k2, &v2);
            cr_assert_eq(a, b);
            cr_assert(a != RSM_OK || (bytes_equal(k1, k2) && bytes_equal(v1, v2)));
        }
    }
    kv_free(model);
    store_close(store);
    temp_dir_remove(&dir);
}

/* What is kept of rows beside a stamp (kv.h) is read anew when the snapshot has moved. */
Test(store, another_snapshot_has_another_stamp)
{
    struct temp_dir dir;
    struct store *store = NULL;
    struct kv_stamp first, now;

    temp_dir_make(&dir);
    open_store(&dir, 1 << 20, &store);
    struct kv *overlay = kv_overlay_new(store_kv(store));
    cr_assert(kv_stamp_of(overlay, TABLE_A, &first));
    put(overlay, TABLE_A, "one", "1");
    cr_assert_eq(store_commit(store, overlay), RSM_OK);
    kv_overlay_clear(overlay);
    cr_assert(kv_stamp_of(overlay, TABLE_A, &now) && kv_stamp_is(&first, &now));
    assert_value(overlay, TABLE_A, "one", NULL); /* the snapshot is the same */
    cr_assert_eq(store_refresh(store), RSM_OK);
    cr_assert(kv_stamp_of(overlay, TABLE_A, &now) && !kv_stamp_is(&first, &now));
    struct kv *cut = store_cut(store);
    first = now;
    cr_assert(kv_stamp_of(cut, TABLE_A, &now) && !kv_stamp_is(&first, &now));
    kv_free(cut);
    kv_free(overlay);
    store_close(store);
    temp_dir_remove(&dir);
}

Test(store, a_full_map_refuses_whole_and_grows)
{
    struct temp_dir dir;
    struct store *store = NULL;
    uint8_t *value = mem_alloc(200000);
    unsigned grown = 0;

    temp_dir_make(&dir);
    open_store(&dir, 256 << 10, &store);
    struct kv *overlay = kv_overlay_new(store_kv(store));
    put(overlay, TABLE_A, "small", "1");
    cr_assert_eq(kv_put(overlay, TABLE_B, bytes_of_string("big"), bytes_make(value, 200000)),
                 RSM_OK);
    cr_assert_eq(kv_put(overlay, TABLE_B, bytes_of_string("bigger"), bytes_make(value, 200000)),
                 RSM_OK);
    enum rsm_status status = store_commit(store, overlay);
    cr_assert_eq(status, RSM_TOO_LARGE);
    cr_assert_eq(store_refresh(store), RSM_OK);
    assert_value(store_kv(store), TABLE_A, "small", NULL);
    for (; status == RSM_TOO_LARGE && grown < 10; grown++) {
        cr_assert_eq(store_grow(store), RSM_OK);
        status = store_commit(store, overlay);
    }
    cr_assert_eq(status, RSM_OK);
    cr_assert_eq(store_refresh(store), RSM_OK);
    assert_value(store_kv(store), TABLE_A, "small", "1");
    kv_free(overlay);
    store_close(store);
    open_store(&dir, 256 << 10, &store);
    assert_value(store_kv(store), TABLE_A, "small", "1");
    store_close(store);
    mem_free(value);
    temp_dir_remove(&dir);
}

Test(store, of_another_replica_or_cluster_is_refused)
{
    struct temp_dir dir;
    struct store *store = NULL;
    struct store_identity other = own;

    temp_dir_make(&dir);
    open_store(&dir, 1 << 20, &store);
    store_close(store);
    other.replica = 3;
    cr_assert_eq(store_open(dir.path, &other, NULL, &store), RSM_WRONG_IDENTITY);
    cr_assert_null(store);
    other = own;
    other.cluster[15] ^= 1;
    cr_assert_eq(store_open(dir.path, &other, NULL, &store), RSM_WRONG_IDENTITY);
    cr_assert_eq(store_open_read_only(dir.path, false, &other, &store), RSM_OK);
    cr_assert_eq(other.replica, own.replica);
    store_close(store);
    temp_dir_remove(&dir);
}

/* Replaces bytes wherever they are in the store's file; false when they are nowhere. */
static bool patch(const struct temp_dir *dir, const void *old, const void *new, size_t size)
{
    char path[TEMP_DIR_SIZE + 64];
    struct stat info;
    bool found = false;

    int file = open(temp_dir_path(dir, "data.mdb", path), O_RDWR | O_CLOEXEC);
    cr_assert_geq(file, 0);
    cr_assert_eq(fstat(file, &info), 0);
    uint8_t *bytes = mem_alloc((size_t)info.st_size);
    cr_assert_eq(pread(file, bytes, (size_t)info.st_size, 0), info.st_size);
    for (size_t i = 0; i + size <= (size_t)info.st_size; i++) {
        if (memcmp(bytes + i, old, size) != 0)
            continue;
        cr_assert_eq(pwrite(file, new, size, (off_t)i), (ssize_t)size);
        found = true;
    }
    mem_free(bytes);
    close(file);
    return found;
}

Test(store, a_newer_format_is_refused)
{
    struct temp_dir dir;
    struct store *store = NULL;
    struct store_identity found;
    /* The row "format" = 2, with the check that a newer program would have written. */
    uint8_t old[7 + 4 + 4] = {0, 'f', 'o', 'r', 'm', 'a', 't'};
    uint8_t new[sizeof(old)] = {0, 'f', 'o', 'r', 'm', 'a', 't'};

    temp_dir_make(&dir);
    open_store(&dir, 1 << 20, &store);
    store_close(store);
    put_u32(old + 11, 1);
    put_u32(old + 7, store_check(0, bytes_of_string("format"), bytes_make(old + 11, 4)));
    put_u32(new + 11, 2);
    put_u32(new + 7, store_check(0, bytes_of_string("format"), bytes_make(new + 11, 4)));
    cr_assert(patch(&dir, old, new, sizeof(old)));
    cr_assert_eq(store_open(dir.path, &own, NULL, &store), RSM_NEWER_FORMAT);
    cr_assert_eq(store_open_read_only(dir.path, false, &found, &store), RSM_NEWER_FORMAT);
    temp_dir_remove(&dir);
}

#define ROWS 300u

static void row(unsigned i, char key[16], char value[64])
{
    snprintf(key, 16, "key-%04u", i);
    snprintf(value, 64, "the value of row %u, and no other %u", i, i * 7919);
}

/* Exit status of the child that reads a damaged store: bits of what it saw. */
#define SAW_OTHER_DATA 1
#define SAW_DAMAGE 2

/* Reads every row by its key and by walking. */
static int read_damaged(void *context)
{
    struct store *store = NULL;
    struct store_identity found;
    struct bytes key = {NULL, 0};
    struct bytes value;
    char text[160];
    uint64_t count = 0;
    int seen = 0;

    if (freopen("/dev/null", "w", stderr) == NULL)
        return 8; /* LMDB prints its assertions */
    if (store_open_read_only(context, false, &found, &store) != RSM_OK)
        return SAW_DAMAGE;
    if (memcmp(found.cluster, own.cluster, sizeof(own.cluster)) != 0 || found.replica != 2)
        seen |= SAW_OTHER_DATA;
    for (unsigned i = 0; i < ROWS; i++) {
        char k[16];
        char v[64];
        row(i, k, v);
        enum rsm_status status = kv_get(store_kv(store), TABLE_A, bytes_of_string(k), &value);
        if (status != RSM_OK)
            seen |= SAW_DAMAGE;
        else if (!bytes_equal(value, bytes_of_string(v)))
            seen |= SAW_OTHER_DATA;
    }
    if (store_verify(store, text, sizeof(text), &count) != RSM_OK)
        seen |= SAW_DAMAGE;
    while (kv_next(store_kv(store), TABLE_A, key, key.size > 0, &key, &value) == RSM_OK) {
        char k[16];
        char v[64];
        unsigned number = 0;
        char name[16] = {0};
        if (key.size != 8)
            return seen | SAW_OTHER_DATA;
        memcpy(name, key.data, key.size);
        number = (unsigned)atoi(name + 4);
        row(number, k, v);
        if (strcmp(name, k) != 0 || !bytes_equal(value, bytes_of_string(v)))
            seen |= SAW_OTHER_DATA;
    }
    store_close(store);
    return seen;
}

/* LMDB notices little; the rows' own checks notice what it lets through. */
Test(store, flipped_bits_and_zeroed_sectors_never_become_other_data)
{
    struct temp_dir dir;
    struct store *store = NULL;
    struct prng random;
    char path[TEMP_DIR_SIZE + 64];
    struct stat info;
    unsigned noticed = 0;

    temp_dir_make(&dir);
    prng_init(&random, 1);
    open_store(&dir, 1 << 20, &store);
    struct kv *overlay = kv_overlay_new(store_kv(store));
    for (unsigned i = 0; i < ROWS; i++) {
        char k[16];
        char v[64];
        row(i, k, v);
        put(overlay, TABLE_A, k, v);
    }
    cr_assert_eq(store_commit(store, overlay), RSM_OK);
    kv_free(overlay);
    store_close(store);
    int file = open(temp_dir_path(&dir, "data.mdb", path), O_RDWR | O_CLOEXEC);
    cr_assert_eq(fstat(file, &info), 0);
    size_t size = (size_t)info.st_size;
    uint8_t *good = mem_alloc(size);
    cr_assert_eq(pread(file, good, size, 0), info.st_size);
    for (unsigned i = 0; i < 400; i++) {
        size_t at = prng_below(&random, size);
        uint8_t sector[512] = {0};
        struct child_end end;
        if (i % 4 == 3) {
            at = at / sizeof(sector) * sizeof(sector);
            cr_assert_eq(pwrite(file, sector, sizeof(sector), (off_t)at), (ssize_t)512);
        } else {
            sector[0] = good[at] ^ (uint8_t)(1u << prng_below(&random, 8));
            cr_assert_eq(pwrite(file, sector, 1, (off_t)at), 1);
        }
        cr_assert_eq(child_run(read_damaged, dir.path, 20, &end), RSM_OK);
        cr_assert(!end.exited || (end.exit_status & ~SAW_DAMAGE) == 0, "change %u at %zu: %d", i,
                  at, end.exit_status);
        noticed += !end.exited || end.exit_status != 0;
        cr_assert_eq(pwrite(file, good, size, 0), info.st_size);
    }
    cr_assert_gt(noticed, 50);
    struct child_end end;
    cr_assert_eq(child_run(read_damaged, dir.path, 20, &end), RSM_OK);
    cr_assert(end.exited && end.exit_status == 0, "the good one is good");
    mem_free(good);
    close(file);
    temp_dir_remove(&dir);
}

Test(store, a_store_that_is_none_or_cut_short_is_an_answer)
{
    struct temp_dir dir;
    struct store *store = NULL;
    char path[TEMP_DIR_SIZE + 64];

    temp_dir_make(&dir);
    cr_assert_eq(child_verify_store(dir.path, 20), RSM_OK, "none yet");
    open_store(&dir, 1 << 20, &store);
    store_close(store);
    cr_assert_eq(child_verify_store(dir.path, 20), RSM_OK);
    temp_dir_path(&dir, "data.mdb", path);
    cr_assert_eq(truncate(path, 5000), 0);
    cr_assert_eq(child_verify_store(dir.path, 20), RSM_DAMAGED);
    cr_assert_eq(truncate(path, 0), 0);
    FILE *junk = fopen(path, "w");
    for (unsigned i = 0; i < 9000; i++)
        fputc((int)(i * 31 & 0xff), junk);
    fclose(junk);
    cr_assert_eq(child_verify_store(dir.path, 20), RSM_DAMAGED);
    temp_dir_remove(&dir);
}

Test(store, what_cannot_be_done_is_refused)
{
    struct store_identity found;
    struct temp_dir dir;
    struct store *store = NULL;
    struct bytes key;
    struct bytes value;
    uint64_t used = 0;
    uint64_t map = 0;
    uint32_t freed = 0;

    temp_dir_make(&dir);
    cr_assert_eq(store_open_read_only(dir.path, false, &found, &store), RSM_NOT_FOUND);
    char missing[TEMP_DIR_SIZE + 64];
    temp_dir_path(&dir, "missing", missing);
    cr_assert_eq(store_open(missing, &own, NULL, &store), RSM_IO);
    cr_assert_eq(store_open(dir.path, &own, NULL, &store), RSM_OK, "with the usual map");
    store_sizes(store, &used, &map);
    cr_assert_gt(used, 0);
    cr_assert_eq(map, UINT64_C(64) << 30);
    cr_assert_eq(store_check_readers(store, &freed), RSM_OK);
    cr_assert_eq(freed, 0);
    struct kv *overlay = kv_overlay_new(store_kv(store));
    put(overlay, TABLE_A, "one", "1");
    cr_assert_eq(store_commit(store, overlay), RSM_OK);
    store_end_snapshot(store); /* as after a refresh that failed */
    cr_assert_eq(kv_get(store_kv(store), TABLE_A, bytes_of_string("one"), &value), RSM_IO);
    cr_assert_eq(kv_next(store_kv(store), TABLE_A, bytes_make(NULL, 0), false, &key, &value),
                 RSM_IO);
    cr_assert_eq(kv_prev(store_kv(store), TABLE_A, bytes_make(NULL, 0), false, &key, &value),
                 RSM_IO);
    cr_assert_eq(store_refresh(store), RSM_OK);
    assert_value(store_kv(store), TABLE_A, "one", "1");
    struct kv *cut = store_cut(store);
    assert_value(cut, TABLE_A, "one", "1");
    kv_free(cut);
    store_close(store);
    cr_assert_eq(store_open_read_only(dir.path, true, &found, &store), RSM_OK);
    cr_assert_eq(found.replica, 2);
    cr_assert_eq(store_commit(store, overlay), RSM_READ_ONLY);
    assert_value(store_kv(store), TABLE_A, "one", "1");
    kv_free(overlay);
    store_close(store);
    store_close(NULL);
    temp_dir_remove(&dir);
}

/* A file with rows, and none of the two that every store begins with. */
Test(store, a_file_that_is_no_store)
{
    struct store_identity found;
    struct temp_dir dir;
    struct store *store = NULL;
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi database;
    MDB_val key = {4, (void *)(uintptr_t) "some"};
    MDB_val value = {1, (void *)(uintptr_t) "x"};

    temp_dir_make(&dir);
    cr_assert_eq(mdb_env_create(&env), 0);
    cr_assert_eq(mdb_env_open(env, dir.path, 0, 0600), 0);
    cr_assert_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
    cr_assert_eq(mdb_dbi_open(txn, NULL, 0, &database), 0);
    cr_assert_eq(mdb_put(txn, database, &key, &value, 0), 0);
    cr_assert_eq(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    cr_assert_eq(store_open(dir.path, &own, NULL, &store), RSM_DAMAGED);
    cr_assert_eq(store_open_read_only(dir.path, false, &found, &store), RSM_DAMAGED);
    temp_dir_remove(&dir);
}

Test(store, errors_are_translated)
{
    static const struct {
        int error;
        enum rsm_status status;
    } cases[] = {{MDB_SUCCESS, RSM_OK},
                 {MDB_NOTFOUND, RSM_NOT_FOUND},
                 {MDB_MAP_FULL, RSM_TOO_LARGE},
                 {MDB_READERS_FULL, RSM_LOCKED},
                 {EBUSY, RSM_LOCKED},
                 {MDB_CORRUPTED, RSM_DAMAGED},
                 {MDB_PANIC, RSM_DAMAGED},
                 {MDB_INVALID, RSM_DAMAGED},
                 {ENOENT, RSM_NOT_FOUND},
                 {EACCES, RSM_NOT_ALLOWED},
                 {EROFS, RSM_READ_ONLY},
                 {ENOSPC, RSM_DISK_FULL},
                 {EDQUOT, RSM_DISK_FULL},
                 {EIO, RSM_IO},
                 {EMFILE, RSM_IO}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_assert_eq(store_status("/", cases[i].error), cases[i].status, "error %d",
                     cases[i].error);
    cr_assert_eq(store_status("/no/such/file/system", EIO), RSM_IO);
    cr_assert_eq(store_status("/proc", EIO), RSM_DISK_FULL, "a file system without any space");
}
