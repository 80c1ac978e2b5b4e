/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_kv.c - the store's snapshot as a read-only kv; every row is checked when it is read. */
#include <stdio.h>
#include <string.h>

#include "src/base/mem.h"
#include "storage/store_state.h"

#include "src/base/check.h"
#include "src/base/crc32c.h"
#include "src/base/limits.h"

void store_make_key(uint8_t table, struct bytes key, uint8_t *buffer, MDB_val *out)
{
    CHECK(key.size <= LIMIT_KEY_SIZE);
    CHECK(key.data != NULL || key.size == 0);
    buffer[0] = table;
    if (key.size > 0)
        memcpy(buffer + 1, key.data, key.size);
    *out = (MDB_val){key.size + 1, buffer};
}

uint32_t store_check(uint8_t table, struct bytes key, struct bytes value)
{
    uint8_t head[5];

    CHECK(key.size <= LIMIT_KEY_SIZE);
    CHECK(value.data != NULL || value.size == 0);
    head[0] = table;
    put_u32(head + 1, (uint32_t)key.size);
    uint32_t check = crc32c(0, head, sizeof(head));
    check = crc32c(check, key.data, key.size);
    return crc32c(check, value.data, value.size);
}

/* Takes a row apart and checks it. */
static enum rsm_status open_row(const MDB_val *k, const MDB_val *v, uint8_t *table_out,
                                struct bytes *key_out, struct bytes *value_out)
{
    if (k->mv_size < 1 || k->mv_size > LIMIT_KEY_SIZE + 1 || v->mv_size < STORE_CHECK_SIZE)
        return RSM_DAMAGED;
    const uint8_t *key = k->mv_data;
    const uint8_t *value = v->mv_data;
    *table_out = key[0];
    *key_out = bytes_make(key + 1, k->mv_size - 1);
    *value_out = bytes_make(value + STORE_CHECK_SIZE, v->mv_size - STORE_CHECK_SIZE);
    return store_check(*table_out, *key_out, *value_out) == get_u32(value) ? RSM_OK : RSM_DAMAGED;
}

static enum rsm_status store_kv_get(struct kv *kv, uint8_t table, struct bytes key,
                                    struct bytes *value_out);

/* A store, or a cut of one: no other kv has these. */
static struct store *from_kv(struct kv *kv)
{
    CHECK(kv->ops->get == store_kv_get);
    struct store *s = (struct store *)kv;
    CHECK((s->txn == NULL) == (s->cursor == NULL));
    CHECK(s->env != NULL || s->txn == NULL);
    return s;
}

static enum rsm_status store_kv_get(struct kv *kv, uint8_t table, struct bytes key,
                                    struct bytes *value_out)
{
    struct store *s = from_kv(kv);
    uint8_t buffer[LIMIT_KEY_SIZE + 1];
    uint8_t found_table = 0;
    struct bytes found_key;
    MDB_val k = {0, NULL};
    MDB_val v = {0, NULL};

    *value_out = bytes_make(NULL, 0);
    if (s->txn == NULL)
        return RSM_IO;
    store_make_key(table, key, buffer, &k);
    int error = mdb_get(s->txn, s->database, &k, &v);
    if (error != MDB_SUCCESS)
        return store_status(s->path, error);
    /* The key that was asked for: a row of another key that LMDB found here does not check. */
    enum rsm_status status = open_row(&k, &v, &found_table, &found_key, value_out);
    CHECK(status != RSM_OK || (found_table == table && bytes_equal(found_key, key)));
    if (status != RSM_OK)
        *value_out = bytes_make(NULL, 0);
    return status;
}

static enum rsm_status store_kv_put(struct kv *kv, uint8_t table, struct bytes key,
                                    struct bytes value)
{
    CHECK(kv->ops->put == store_kv_put);
    (void)table;
    (void)key;
    (void)value;
    return RSM_READ_ONLY; /* store_commit writes */
}

static enum rsm_status store_kv_del(struct kv *kv, uint8_t table, struct bytes key)
{
    CHECK(kv->ops->del == store_kv_del);
    (void)table;
    (void)key;
    return RSM_READ_ONLY;
}

/* The row under the cursor, if it belongs to `table`. */
static enum rsm_status cursor_row(struct store *s, int error, const MDB_val *k, const MDB_val *v,
                                  uint8_t table, struct bytes *key_out, struct bytes *value_out)
{
    uint8_t found_table = 0;
    enum rsm_status status = store_status(s->path, error);

    if (status == RSM_OK)
        status = open_row(k, v, &found_table, key_out, value_out);
    if (status == RSM_OK && found_table != table)
        status = RSM_NOT_FOUND;
    if (status != RSM_OK) {
        *key_out = bytes_make(NULL, 0);
        *value_out = bytes_make(NULL, 0);
    }
    CHECK(key_out->size <= LIMIT_KEY_SIZE); /* what a search may ask for */
    return status;
}

static bool is_key(const MDB_val *found, const MDB_val *wanted)
{
    CHECK(wanted->mv_size >= 1 && wanted->mv_data != NULL); /* a table at least */
    return found->mv_size == wanted->mv_size &&
           memcmp(found->mv_data, wanted->mv_data, wanted->mv_size) == 0;
}

static enum rsm_status store_kv_next(struct kv *kv, uint8_t table, struct bytes key, bool after,
                                     struct bytes *key_out, struct bytes *value_out)
{
    struct store *s = from_kv(kv);
    uint8_t buffer[LIMIT_KEY_SIZE + 1];
    MDB_val wanted = {0, NULL};
    MDB_val v = {0, NULL};

    if (s->txn == NULL)
        return RSM_IO;
    store_make_key(table, key, buffer, &wanted);
    MDB_val k = wanted;
    int error = mdb_cursor_get(s->cursor, &k, &v, MDB_SET_RANGE);
    if (error == MDB_SUCCESS && after && is_key(&k, &wanted))
        error = mdb_cursor_get(s->cursor, &k, &v, MDB_NEXT);
    return cursor_row(s, error, &k, &v, table, key_out, value_out);
}

static enum rsm_status store_kv_prev(struct kv *kv, uint8_t table, struct bytes key, bool before,
                                     struct bytes *key_out, struct bytes *value_out)
{
    struct store *s = from_kv(kv);
    uint8_t buffer[LIMIT_KEY_SIZE + 1];
    MDB_val wanted = {0, NULL};
    MDB_val v = {0, NULL};

    if (s->txn == NULL)
        return RSM_IO;
    store_make_key(table, key, buffer, &wanted);
    MDB_val k = wanted;
    int error = mdb_cursor_get(s->cursor, &k, &v, MDB_SET_RANGE);
    if (error == MDB_NOTFOUND)
        error = mdb_cursor_get(s->cursor, &k, &v, MDB_LAST);
    else if (error == MDB_SUCCESS && (before || !is_key(&k, &wanted)))
        error = mdb_cursor_get(s->cursor, &k, &v, MDB_PREV);
    return cursor_row(s, error, &k, &v, table, key_out, value_out);
}

static void store_kv_free(struct kv *kv)
{
    CHECK(kv->ops == store_kv_ops()); /* the store owns it: store_close. A cut has cut_free */
}

static bool store_kv_stamp(const struct kv *kv, uint8_t table, struct kv_stamp *stamp)
{
    const struct store *s = (const struct store *)kv;
    (void)table;
    CHECK(kv->ops->stamp == store_kv_stamp);
    CHECK(s->txn == NULL || s->source != 0); /* 0 is nobody's */
    return s->txn != NULL && kv_stamp_add(stamp, s->source, 1);
}

const struct kv_ops *store_kv_ops(void)
{
    static const struct kv_ops ops = {store_kv_get,  store_kv_put,  store_kv_del,  store_kv_next,
                                      store_kv_prev, store_kv_free, store_kv_stamp};

    return &ops;
}

struct kv *store_kv(struct store *s)
{
    CHECK(s->kv.ops == store_kv_ops());
    return &s->kv;
}

static void cut_free(struct kv *kv)
{
    struct store *cut = (struct store *)kv;
    CHECK(cut->read_only && cut->kv.ops != store_kv_ops()); /* a store is closed */
    CHECK(cut->env != NULL);                                /* borrowed: its store outlives it */
    store_end_snapshot(cut);
    mem_free(cut->path);
    mem_free(cut);
}

struct kv *store_cut(struct store *s)
{
    static const struct kv_ops ops = {store_kv_get,  store_kv_put, store_kv_del,  store_kv_next,
                                      store_kv_prev, cut_free,     store_kv_stamp};
    struct store *cut = mem_alloc(sizeof(*cut));

    CHECK(s->env != NULL && s->kv.ops == store_kv_ops()); /* of a store, not of another cut */
    *cut = (struct store){.kv = {&ops},
                          .path = mem_copy_string(s->path),
                          .env = s->env,
                          .database = s->database,
                          .read_only = true};
    if (store_refresh(cut) == RSM_OK) {
        CHECK(cut->txn != NULL && cut->txn != s->txn); /* it stays when the store's moves on */
        CHECK(cut->source != s->source); /* what is kept of the one is not good for the other */
        return &cut->kv;
    }
    cut_free(&cut->kv);
    return NULL;
}

void store_end_snapshot(struct store *s)
{
    CHECK(s->env != NULL || s->txn == NULL);
    if (s->cursor != NULL)
        mdb_cursor_close(s->cursor);
    if (s->txn != NULL)
        mdb_txn_abort(s->txn);
    s->cursor = NULL;
    s->txn = NULL;
    CHECK(!s->read_only || s->sum.rows == 0); /* only who commits keeps a sum */
}

enum rsm_status store_refresh(struct store *s)
{
    int error = MDB_SUCCESS;
    uint64_t before = s->source;

    s->source = kv_source_new();
    CHECK(s->source != before); /* or what was kept of the one before would seem good */
    if (s->txn != NULL) {
        mdb_txn_reset(s->txn);
        error = mdb_txn_renew(s->txn);
        if (error == MDB_SUCCESS)
            error = mdb_cursor_renew(s->txn, s->cursor);
    } else {
        error = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &s->txn);
        if (error == MDB_SUCCESS)
            error = mdb_cursor_open(s->txn, s->database, &s->cursor);
    }
    if (error != MDB_SUCCESS)
        store_end_snapshot(s);
    CHECK((s->txn == NULL) == (s->cursor == NULL)); /* a snapshot has both, or there is none */
    CHECK((s->txn != NULL) == (error == MDB_SUCCESS));
    return store_status(s->path, error);
}

bool store_is_empty(struct store *s)
{
    MDB_val k = {0, NULL};
    MDB_val v = {0, NULL};

    CHECK(s->txn != NULL && s->cursor != NULL);
    return mdb_cursor_get(s->cursor, &k, &v, MDB_FIRST) == MDB_NOTFOUND;
}

/* Asked for by its key it is found, in its place: a damaged branch page leads a walk and a search
 * different ways. */
static bool is_found(struct store *s, const MDB_val *key, const MDB_val *value)
{
    MDB_val k = *key;
    MDB_val v = {0, NULL};

    CHECK(s->txn != NULL && s->cursor != NULL);
    CHECK(key->mv_data != NULL && value->mv_data != NULL);
    return mdb_get(s->txn, s->database, &k, &v) == MDB_SUCCESS && v.mv_data == value->mv_data;
}

/* Rows that are missing, or as an earlier commit left them, check one by one: not together. */
static enum rsm_status compare_sum(struct store *s, const struct store_sum *found, char *text_out,
                                   size_t text_size)
{
    struct store_sum expected;
    CHECK(text_size > 0);
    enum rsm_status status = store_read_sum(s, &expected);

    CHECK(status == RSM_OK || (expected.rows == 0 && expected.checks == 0));
    if (status == RSM_NOT_FOUND && found->rows == 0)
        return RSM_OK;
    if (status == RSM_OK && found->rows == expected.rows && found->checks == expected.checks)
        return RSM_OK;
    snprintf(text_out, text_size, "%llu rows, not %llu; or some of them are older ones",
             (unsigned long long)found->rows, (unsigned long long)expected.rows);
    return RSM_DAMAGED;
}

void store_watch_rows(struct store *s, void (*on_row)(void *context, size_t bytes), void *context)
{
    CHECK(s->kv.ops == store_kv_ops());
    s->on_row = on_row;
    s->on_row_context = context;
}

enum rsm_status store_verify(struct store *s, char *text_out, size_t text_size, uint64_t *count_out)
{
    uint8_t last[LIMIT_KEY_SIZE + 1];
    MDB_val before = {0, last};
    MDB_val k = {0, NULL};
    MDB_val v = {0, NULL};
    uint8_t table = 0;
    struct bytes key = {NULL, 0};
    struct bytes value = {NULL, 0};
    struct store_sum sum = {0, 0};

    CHECK(text_size > 0);
    CHECK(s->kv.ops == store_kv_ops()); /* a cut has no rows of its own */
    *count_out = 0;
    snprintf(text_out, text_size, "%s", "");
    int error = mdb_cursor_get(s->cursor, &k, &v, MDB_FIRST);
    for (; error == MDB_SUCCESS; error = mdb_cursor_get(s->cursor, &k, &v, MDB_NEXT)) {
        char hex[2 * 24 + 1];
        bool in_order = *count_out == 0 || mdb_cmp(s->txn, s->database, &before, &k) < 0;
        bool in_place = in_order && is_found(s, &k, &v);
        if (open_row(&k, &v, &table, &key, &value) == RSM_OK && in_place) {
            CHECK(k.mv_size <= sizeof(last));
            memcpy(last, k.mv_data, k.mv_size);
            before.mv_size = k.mv_size;
            sum.rows += table != 0;
            sum.checks += table != 0 ? get_u32(v.mv_data) : 0;
            (*count_out)++;
            if (s->on_row != NULL)
                s->on_row(s->on_row_context, k.mv_size + v.mv_size);
            continue;
        }
        hex_encode(hex, bytes_make(key.data, key.size < 24 ? key.size : 24));
        snprintf(text_out, text_size, "row %llu (table %u, key %s): %s",
                 (unsigned long long)*count_out + 1, table, hex,
                 in_place   ? "its check is wrong"
                 : in_order ? "not found by its key"
                            : "out of order");
        return RSM_DAMAGED;
    }
    CHECK(sum.rows <= *count_out); /* those of the store itself are not in it */
    if (error == MDB_NOTFOUND)
        return compare_sum(s, &sum, text_out, text_size);
    snprintf(text_out, text_size, "behind row %llu: %s", (unsigned long long)*count_out,
             mdb_strerror(error));
    return store_status(s->path, error);
}
