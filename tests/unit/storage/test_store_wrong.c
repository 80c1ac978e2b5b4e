/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_store_wrong.c - an LMDB that fails, or answers what it should not: each call goes through a
 * wrapper here (-Wl,--wrap), which one test at a time lets fail. A wrong answer is damage, a
 * failure a status; neither is other data, and the next commit does not build on it.
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "src/base/kv.h"
#include "storage/store_state.h"
#include "tests/lib/temp_dir.h"

/* The call with this name, the `skip`-th from now on being let through. NULL: none. */
static struct {
    const char *call;
    unsigned skip;
    int error;
    size_t size; /* when error is MDB_SUCCESS: the size that the value is said to have */
    void *place; /* and of a get, not NULL: only where it is said to be */
} wrong;

static bool is_wrong(const char *call)
{
    if (wrong.call == NULL || strcmp(wrong.call, call) != 0 || wrong.skip-- > 0)
        return false;
    wrong.call = NULL;
    return true;
}

static void go_wrong(const char *call, unsigned skip, int error)
{
    wrong.call = call;
    wrong.skip = skip;
    wrong.error = error;
    wrong.size = 0;
    wrong.place = NULL;
}

int __real_mdb_txn_begin(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **txn);
int __wrap_mdb_txn_begin(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **txn);
int __wrap_mdb_txn_begin(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **txn)
{
    return is_wrong("begin") ? wrong.error : __real_mdb_txn_begin(env, parent, flags, txn);
}

int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn)
{
    if (!is_wrong("commit"))
        return __real_mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return wrong.error;
}

int __real_mdb_cursor_open(MDB_txn *txn, MDB_dbi dbi, MDB_cursor **cursor);
int __wrap_mdb_cursor_open(MDB_txn *txn, MDB_dbi dbi, MDB_cursor **cursor);
int __wrap_mdb_cursor_open(MDB_txn *txn, MDB_dbi dbi, MDB_cursor **cursor)
{
    return is_wrong("cursor") ? wrong.error : __real_mdb_cursor_open(txn, dbi, cursor);
}

int __real_mdb_txn_renew(MDB_txn *txn);
int __wrap_mdb_txn_renew(MDB_txn *txn);
int __wrap_mdb_txn_renew(MDB_txn *txn)
{
    return is_wrong("renew") ? wrong.error : __real_mdb_txn_renew(txn);
}

int __real_mdb_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value);
int __wrap_mdb_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value);
int __wrap_mdb_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value)
{
    int error = __real_mdb_get(txn, dbi, key, value);
    if (!is_wrong("get"))
        return error;
    if (wrong.place != NULL) {
        value->mv_data = wrong.place;
        return error;
    }
    value->mv_size = wrong.size;
    return wrong.error;
}

int __real_mdb_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op op);
int __wrap_mdb_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op op);
int __wrap_mdb_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op op)
{
    int error = __real_mdb_cursor_get(cursor, key, value, op);
    if (!is_wrong("cursor_get"))
        return error;
    value->mv_size = wrong.size;
    return wrong.error;
}

int __real_mdb_cursor_put(MDB_cursor *cursor, MDB_val *key, MDB_val *value, unsigned flags);
int __wrap_mdb_cursor_put(MDB_cursor *cursor, MDB_val *key, MDB_val *value, unsigned flags);
int __wrap_mdb_cursor_put(MDB_cursor *cursor, MDB_val *key, MDB_val *value, unsigned flags)
{
    if (!is_wrong("cursor_put"))
        return __real_mdb_cursor_put(cursor, key, value, flags);
    value->mv_size = wrong.size;
    return wrong.error;
}

int __real_mdb_dbi_open(MDB_txn *txn, const char *name, unsigned flags, MDB_dbi *dbi);
int __wrap_mdb_dbi_open(MDB_txn *txn, const char *name, unsigned flags, MDB_dbi *dbi);
int __wrap_mdb_dbi_open(MDB_txn *txn, const char *name, unsigned flags, MDB_dbi *dbi)
{
    return is_wrong("dbi") ? wrong.error : __real_mdb_dbi_open(txn, name, flags, dbi);
}

int __real_mdb_env_info(MDB_env *env, MDB_envinfo *info);
int __wrap_mdb_env_info(MDB_env *env, MDB_envinfo *info);
int __wrap_mdb_env_info(MDB_env *env, MDB_envinfo *info)
{
    return is_wrong("info") ? wrong.error : __real_mdb_env_info(env, info);
}

int __real_mdb_env_stat(MDB_env *env, MDB_stat *stat);
int __wrap_mdb_env_stat(MDB_env *env, MDB_stat *stat);
int __wrap_mdb_env_stat(MDB_env *env, MDB_stat *stat)
{
    return is_wrong("stat") ? wrong.error : __real_mdb_env_stat(env, stat);
}

/* -------------------------------------------------------------------------------------------- */

static const struct store_identity own = {.cluster = {1, 2, 3}, .replica = 2};

struct rig {
    struct temp_dir dir;
    struct store *store;
    struct kv *overlay;
};

static enum rsm_status open_again(struct rig *r)
{
    struct store_options options = {.map_size = 1 << 20};
    return store_open(r->dir.path, &own, &options, &r->store);
}

static void change(struct rig *r, const char *key, const char *value)
{
    enum rsm_status status =
        value == NULL ? kv_del(r->overlay, 1, bytes_of_string(key))
                      : kv_put(r->overlay, 1, bytes_of_string(key), bytes_of_string(value));
    cr_assert_eq(status, RSM_OK);
}

static enum rsm_status commit(struct rig *r)
{
    enum rsm_status status = store_commit(r->store, r->overlay);
    kv_overlay_clear(r->overlay);
    return status;
}

/* With the rows a, b and c. */
static void begin(struct rig *r)
{
    wrong.call = NULL;
    temp_dir_make(&r->dir);
    cr_assert_eq(open_again(r), RSM_OK);
    r->overlay = kv_overlay_new(store_kv(r->store));
    change(r, "a", "1");
    change(r, "b", "2");
    change(r, "c", "3");
    cr_assert_eq(commit(r), RSM_OK);
    cr_assert_eq(store_refresh(r->store), RSM_OK);
}

static void end(struct rig *r)
{
    wrong.call = NULL;
    kv_free(r->overlay);
    store_close(r->store);
    temp_dir_remove(&r->dir);
}

/* Every row is there and checks, one by one and together. */
static void assert_sound(struct rig *r, uint64_t rows)
{
    char text[200];
    uint64_t count = 0;
    cr_assert_eq(store_refresh(r->store), RSM_OK);
    cr_assert_eq(store_verify(r->store, text, sizeof text, &count), RSM_OK, "%s", text);
    cr_assert_eq(count, rows + 3); /* format, identity, sum */
}

Test(store_wrong, the_sum_follows_every_row_that_comes_goes_and_changes)
{
    struct rig r;
    begin(&r);
    assert_sound(&r, 3);
    change(&r, "a", NULL);
    change(&r, "b", "another");
    change(&r, "d", "");
    change(&r, "never", NULL);
    cr_assert_eq(commit(&r), RSM_OK);
    assert_sound(&r, 3);
    store_close(r.store);
    cr_assert_eq(open_again(&r), RSM_OK);
    change(&r, "b", NULL);
    cr_assert_eq(commit(&r), RSM_OK);
    assert_sound(&r, 2);
    end(&r);
}

/* What a failed commit would have made of the sum is forgotten with it. */
Test(store_wrong, a_commit_that_fails_changes_nothing_that_is_kept)
{
    static const char *const calls[] = {"begin", "cursor", "cursor_put", "commit"};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        struct rig r;
        begin(&r);
        change(&r, "d", "4");
        go_wrong(calls[i], 0, EACCES);
        cr_assert_eq(commit(&r), RSM_NOT_ALLOWED, "%s", calls[i]);
        assert_sound(&r, 3);
        change(&r, "e", "5");
        cr_assert_eq(commit(&r), RSM_OK);
        assert_sound(&r, 4);
        end(&r);
    }
}

/* A row without room for its own check: nothing is counted by it, and the commit does not go on. */
Test(store_wrong, a_row_that_is_too_short_is_damage)
{
    struct rig r;
    struct bytes key, value;
    begin(&r);
    change(&r, "b", NULL);
    go_wrong("cursor_get", 0, MDB_SUCCESS);
    cr_assert_eq(commit(&r), RSM_DAMAGED);
    change(&r, "b", NULL);
    go_wrong("cursor_get", 0, MDB_CORRUPTED);
    cr_assert_eq(commit(&r), RSM_DAMAGED);
    change(&r, "b", "4");
    go_wrong("cursor_put", 0, MDB_KEYEXIST);
    cr_assert_eq(commit(&r), RSM_DAMAGED);
    assert_sound(&r, 3);
    go_wrong("get", 0, MDB_SUCCESS);
    cr_assert_eq(kv_get(store_kv(r.store), 1, bytes_of_string("a"), &value), RSM_DAMAGED);
    cr_assert_eq(value.size, 0);
    go_wrong("cursor_get", 0, MDB_SUCCESS);
    cr_assert_eq(kv_next(store_kv(r.store), 1, bytes_make(NULL, 0), false, &key, &value),
                 RSM_DAMAGED);
    end(&r);
}

/* The store's own rows: of another size, or one of them gone. */
Test(store_wrong, a_store_whose_own_rows_are_wrong_is_not_opened)
{
    for (unsigned n = 0; n < 3; n++) { /* format, identity, sum */
        struct rig r;
        begin(&r);
        store_close(r.store);
        go_wrong("get", n, MDB_SUCCESS);
        wrong.size = STORE_CHECK_SIZE; /* the check does not cover this much */
        cr_assert_eq(open_again(&r), RSM_DAMAGED, "%u", n);
        go_wrong("get", n, MDB_NOTFOUND);
        enum rsm_status status = open_again(&r);
        cr_assert_eq(status, n == 2 ? RSM_OK : RSM_DAMAGED, "%u", n); /* before the first commit */
        end(&r);
    }
}

Test(store_wrong, a_new_store_that_cannot_be_begun_is_an_answer)
{
    static const char *const calls[] = {"begin", "dbi", "cursor", "commit"};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        for (unsigned skip = 0; skip < 3; skip++) {
            struct rig r = {.store = NULL};
            temp_dir_make(&r.dir);
            go_wrong(calls[i], skip, EACCES);
            enum rsm_status status = open_again(&r);
            cr_assert_eq(status, wrong.call == NULL ? RSM_NOT_ALLOWED : RSM_OK, "%s %u", calls[i],
                         skip);
            store_close(r.store);
            wrong.call = NULL;
            cr_assert_eq(open_again(&r), RSM_OK); /* what was left is begun anew */
            store_close(r.store);
            temp_dir_remove(&r.dir);
        }
    }
}

/* Without a snapshot nothing is read: no old row, and no crash. */
Test(store_wrong, a_snapshot_that_cannot_be_had_is_none)
{
    static const char *const calls[] = {"renew", "cursor", "begin"};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        struct rig r;
        struct bytes key, value;
        begin(&r);
        if (i > 0)
            store_end_snapshot(r.store);
        go_wrong(calls[i], 0, MDB_READERS_FULL);
        cr_assert_eq(store_refresh(r.store), RSM_LOCKED);
        cr_assert_eq(kv_get(store_kv(r.store), 1, bytes_of_string("a"), &value), RSM_IO);
        cr_assert_eq(kv_next(store_kv(r.store), 1, bytes_make(NULL, 0), false, &key, &value),
                     RSM_IO);
        cr_assert_eq(kv_prev(store_kv(r.store), 1, bytes_of_string("b"), true, &key, &value),
                     RSM_IO);
        assert_sound(&r, 3);
        end(&r);
    }
}

/* A walk and a search that lead to different places, and a search that fails on the way back. */
Test(store_wrong, a_row_that_a_search_does_not_lead_to_is_damage)
{
    for (unsigned n = 0; n < 3; n++) {
        struct rig r;
        struct bytes key, value;
        char text[200];
        uint64_t count = 0;
        uint8_t elsewhere[64] = {0};
        begin(&r);
        go_wrong("get", n, MDB_SUCCESS);
        wrong.place = elsewhere;
        cr_assert_eq(store_verify(r.store, text, sizeof text, &count), RSM_DAMAGED);
        cr_assert_eq(count, n);
        go_wrong("get", n, MDB_NOTFOUND);
        cr_assert_eq(store_verify(r.store, text, sizeof text, &count), RSM_DAMAGED);
        go_wrong("cursor_get", 0, MDB_CORRUPTED);
        cr_assert_eq(kv_prev(store_kv(r.store), 1, bytes_of_string("b"), true, &key, &value),
                     RSM_DAMAGED);
        cr_assert_eq(value.size, 0);
        assert_sound(&r, 3);
        end(&r);
    }
}

Test(store_wrong, a_grown_store_is_read_from_as_before)
{
    struct rig r;
    struct bytes value;
    uint64_t used, before, after;
    begin(&r);
    store_sizes(r.store, &used, &before);
    go_wrong("info", 0, EACCES);
    cr_assert_eq(store_grow(r.store), RSM_NOT_ALLOWED);
    cr_assert_eq(store_refresh(r.store), RSM_OK);
    cr_assert_eq(store_grow(r.store), RSM_OK);
    cr_assert_eq(kv_get(store_kv(r.store), 1, bytes_of_string("a"), &value), RSM_OK);
    cr_assert(bytes_equal(value, bytes_of_string("1")));
    store_sizes(r.store, &used, &after);
    cr_assert_eq(after, 2 * before);
    cr_assert_gt(used, 0);
    go_wrong("info", 0, EACCES);
    store_sizes(r.store, &used, &after);
    cr_assert(used == 0 && after == 0);
    go_wrong("stat", 0, EACCES);
    store_sizes(r.store, &used, &after);
    cr_assert(used == 0 && after == 0);
    end(&r);
}
