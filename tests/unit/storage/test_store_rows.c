/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_store_rows.c - stores whose own rows were written by something else: their checks are right,
 * and their sizes and sums are not. And places where LMDB cannot open anything.
 */
#include <criterion/criterion.h>

#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "src/base/kv.h"
#include "storage/store_state.h"
#include "tests/lib/temp_dir.h"

static const struct store_identity own = {.cluster = {7}, .replica = 2};

struct rig {
    struct temp_dir dir;
    struct store *store;
};

static enum rsm_status open_again(struct rig *r, size_t map_size)
{
    struct store_options options = {.map_size = map_size};
    return store_open(r->dir.path, &own, &options, &r->store);
}

/* A closed store with one row, or none. */
static void begin(struct rig *r, bool has_row)
{
    temp_dir_make(&r->dir);
    cr_assert_eq(open_again(r, 1 << 20), RSM_OK);
    struct kv *overlay = kv_overlay_new(store_kv(r->store));
    if (has_row)
        cr_assert_eq(kv_put(overlay, 1, bytes_of_string("a"), bytes_of_string("1")), RSM_OK);
    cr_assert_eq(store_commit(r->store, overlay), RSM_OK);
    kv_free(overlay);
    store_close(r->store);
    r->store = NULL;
}

static void end(struct rig *r)
{
    store_close(r->store);
    temp_dir_remove(&r->dir);
}

/* A row of table 0 as it shall be, with a right check; `size` SIZE_MAX: none. */
static void set_row(struct rig *r, const char *name, const void *data, size_t size)
{
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi database;
    uint8_t key[64], value[64];
    MDB_val k, v;
    struct bytes n = bytes_of_string(name);
    store_make_key(0, n, key, &k);
    cr_assert_eq(mdb_env_create(&env), 0);
    cr_assert_eq(mdb_env_open(env, r->dir.path, 0, 0600), 0);
    cr_assert_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
    cr_assert_eq(mdb_dbi_open(txn, NULL, 0, &database), 0);
    if (size == SIZE_MAX) {
        cr_assert_eq(mdb_del(txn, database, &k, NULL), 0);
    } else {
        put_u32(value, store_check(0, n, bytes_make(data, size)));
        memcpy(value + STORE_CHECK_SIZE, data, size);
        v = (MDB_val){size + STORE_CHECK_SIZE, value};
        cr_assert_eq(mdb_put(txn, database, &k, &v, 0), 0);
    }
    cr_assert_eq(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

Test(store_rows, a_row_of_the_store_of_another_size_is_damage)
{
    static const uint8_t bytes[32] = {0, 0, 0, 1};
    static const char *const names[] = {"format", "identity", STORE_KEY_SUM};
    for (size_t i = 0; i < 3; i++) {
        struct rig r;
        begin(&r, true);
        set_row(&r, names[i], bytes, 5);
        cr_assert_eq(open_again(&r, 1 << 20), RSM_DAMAGED, "%s", names[i]);
        cr_assert_null(r.store);
        end(&r);
    }
}

/* The sum of all rows: of another count, of other checks, of no use, and not there. */
Test(store_rows, a_wrong_sum_is_damage)
{
    uint8_t sum[STORE_SUM_SIZE];
    struct store_identity found;
    struct store_sum right;
    struct rig r;
    char text[200];
    uint64_t count = 0;
    begin(&r, true);
    cr_assert_eq(open_again(&r, 1 << 20), RSM_OK);
    cr_assert_eq(store_read_sum(r.store, &right), RSM_OK);
    cr_assert_eq(right.rows, 1);
    store_close(r.store);
    for (unsigned i = 0; i < 5; i++) {
        put_u64(sum, right.rows + (i == 1));
        put_u64(sum + 8, right.checks + (i == 2));
        set_row(&r, STORE_KEY_SUM, sum, i == 3 ? 7 : STORE_SUM_SIZE);
        if (i == 4)
            set_row(&r, STORE_KEY_SUM, NULL, SIZE_MAX);
        cr_assert_eq(store_open_read_only(r.dir.path, false, &found, &r.store), RSM_OK);
        cr_assert_eq(store_verify(r.store, text, sizeof text, &count),
                     i == 0 ? RSM_OK : RSM_DAMAGED, "%u: %s", i, text);
        store_close(r.store);
        r.store = NULL;
    }
    end(&r);
}

Test(store_rows, without_rows_there_may_be_no_sum)
{
    struct store_identity found;
    struct rig r;
    char text[200];
    uint64_t count = 0;
    begin(&r, false);
    set_row(&r, STORE_KEY_SUM, NULL, SIZE_MAX);
    cr_assert_eq(store_open_read_only(r.dir.path, false, &found, &r.store), RSM_OK);
    cr_assert_eq(store_verify(r.store, text, sizeof text, &count), RSM_OK, "%s", text);
    cr_assert_eq(count, 2);
    end(&r);
}

Test(store_rows, what_lmdb_cannot_open_is_no_empty_store)
{
    struct store_identity found;
    struct store *store = NULL;
    struct temp_dir dir;
    char path[TEMP_DIR_SIZE + 64], long_path[600];
    temp_dir_make(&dir);
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    cr_assert_eq(store_open_read_only(long_path, false, &found, &store), RSM_IO);
    FILE *file = fopen(temp_dir_path(&dir, "data.mdb", path), "w");
    cr_assert_not_null(file);
    fclose(file);
    for (unsigned live = 0; live < 2; live++)
        cr_assert_eq(store_open_read_only(dir.path, live != 0, &found, &store), RSM_NOT_FOUND);
    cr_assert_eq(remove(path), 0);
    cr_assert_eq(mkdir(temp_dir_path(&dir, "data.mdb", path), 0700), 0);
    cr_assert_eq(store_open_read_only(dir.path, false, &found, &store), RSM_IO);
    cr_assert_eq(store_open(dir.path, &own, NULL, &store), RSM_IO);
    cr_assert_null(store);
    temp_dir_remove(&dir);
}

Test(store_rows, a_map_has_a_largest_size)
{
    struct rig r;
    uint64_t used = 0, map = 0;
    begin(&r, true);
    cr_assert_eq(open_again(&r, 0), RSM_OK, "0 is the usual one");
    store_sizes(r.store, &used, &map);
    cr_assert_eq(map, UINT64_C(64) << 30);
    store_close(r.store);
    cr_assert_eq(open_again(&r, ((size_t)1 << 45) + 4096), RSM_OK);
    cr_assert_eq(store_grow(r.store), RSM_TOO_LARGE);
    end(&r);
}

/* What is kept of a row that was read has a stamp; where there is none, nothing is kept. */
Test(store_rows, no_snapshot_or_no_room_is_no_stamp)
{
    struct rig r;
    struct kv_stamp stamp = {.count = 0};
    begin(&r, true);
    cr_assert_eq(open_again(&r, 1 << 20), RSM_OK);
    struct kv *kv = store_kv(r.store);
    cr_assert(kv->ops->stamp(kv, 1, &stamp));
    stamp.count = KV_STAMP_MARKS;
    cr_assert_not(kv->ops->stamp(kv, 1, &stamp));
    stamp.count = 0;
    store_end_snapshot(r.store);
    cr_assert_not(kv->ops->stamp(kv, 1, &stamp));
    end(&r);
}
