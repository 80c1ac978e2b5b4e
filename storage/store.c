/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store.c - opening the LMDB environment, commits, growth. store_kv.c has the snapshot.
 *
 * LMDB's rules that shape this (0.9.24): one environment per process and file; no transaction open
 * while the map's size is set; MDB_NOTLS, so that the snapshot is not bound to a thread; never
 * MDB_NOSYNC (a crash would reorder pages), never MDB_WRITEMAP (a full disk is SIGBUS), no sorted
 * duplicates. A full disk arrives as EIO, for LMDB does not look behind a short write.
 */
#include "storage/store.h"

#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/base/mem.h"
#include "storage/store_state.h"

#define MAP_SIZE_DEFAULT (UINT64_C(64) << 30)
#define MAP_SIZE_MAX (UINT64_C(1) << 46)
#define READERS_MAX 64u
#define PATH_SIZE 4112u
/* With less than this left, an error of a write is taken for a full disk. */
#define FREE_SPACE_MIN (UINT64_C(1) << 20)

#define KEY_FORMAT "format"
#define KEY_IDENTITY "identity"

_Static_assert(LIMIT_KEY_SIZE + 1 <= 511, "LMDB's largest key");

enum rsm_status store_status(const char *path, int error)
{
    struct statvfs info;

    switch (error) {
    case MDB_SUCCESS:
        return RSM_OK;
    case MDB_NOTFOUND:
        return RSM_NOT_FOUND;
    case MDB_MAP_FULL:
        return RSM_TOO_LARGE;
    case MDB_READERS_FULL:
    case EBUSY:
        return RSM_LOCKED;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_PANIC:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_BAD_TXN:
        return RSM_DAMAGED;
    case ENOENT:
        return RSM_NOT_FOUND;
    case EACCES:
    case EPERM:
        return RSM_NOT_ALLOWED;
    case EROFS:
        return RSM_READ_ONLY;
    case ENOSPC:
    case EDQUOT:
        return RSM_DISK_FULL;
    case EIO:
        if (statvfs(path, &info) == 0 && (uint64_t)info.f_bavail * info.f_frsize < FREE_SPACE_MIN)
            return RSM_DISK_FULL;
        return RSM_IO;
    default:
        return RSM_IO;
    }
}

/* One value of table 0, in a transaction of its own. */
static enum rsm_status read_meta(struct store *s, const char *name, uint8_t *out, size_t size)
{
    struct bytes value;
    CHECK(size > 0 && s->kv.ops == store_kv_ops());
    CHECK(s->txn != NULL); /* of the snapshot */
    enum rsm_status status = kv_get(&s->kv, 0, bytes_of_string(name), &value);

    if (status == RSM_OK && value.size != size)
        status = RSM_DAMAGED;
    if (status == RSM_OK)
        memcpy(out, value.data, size);
    return status;
}

enum rsm_status store_read_sum(struct store *s, struct store_sum *sum_out)
{
    uint8_t bytes[STORE_SUM_SIZE];

    *sum_out = (struct store_sum){0, 0};
    enum rsm_status status = read_meta(s, STORE_KEY_SUM, bytes, sizeof(bytes));
    if (status == RSM_OK)
        *sum_out = (struct store_sum){get_u64(bytes), get_u64(bytes + 8)};
    return status;
}

static enum rsm_status put_row(struct store *s, MDB_txn *txn, uint8_t table, struct bytes key,
                               struct bytes value)
{
    uint8_t buffer[LIMIT_KEY_SIZE + 1];
    MDB_val k = {0, NULL};
    MDB_val v = {value.size + STORE_CHECK_SIZE, NULL};

    CHECK(table == 0); /* all other rows are counted: write_row */
    CHECK(value.size > 0);
    store_make_key(table, key, buffer, &k);
    int error = mdb_put(txn, s->database, &k, &v, MDB_RESERVE);
    if (error != MDB_SUCCESS)
        return store_status(s->path, error);
    CHECK(v.mv_size == value.size + STORE_CHECK_SIZE && v.mv_data != NULL);
    put_u32(v.mv_data, store_check(table, key, value));
    memcpy((uint8_t *)v.mv_data + STORE_CHECK_SIZE, value.data, value.size);
    return RSM_OK;
}

/* The two rows of a new store. */
static enum rsm_status write_meta(struct store *s, const struct store_identity *identity)
{
    uint8_t format[4];
    uint8_t who[CLUSTER_ID_SIZE + 4];
    MDB_txn *txn = NULL;

    CHECK(!s->read_only);
    CHECK(identity->replica >= 1 && identity->replica <= REPLICA_MAX);
    put_u32(format, STORE_FORMAT);
    memcpy(who, identity->cluster, CLUSTER_ID_SIZE);
    put_u32(who + CLUSTER_ID_SIZE, identity->replica);
    int error = mdb_txn_begin(s->env, NULL, 0, &txn);
    if (error != MDB_SUCCESS)
        return store_status(s->path, error);
    enum rsm_status status =
        put_row(s, txn, 0, bytes_of_string(KEY_FORMAT), bytes_make(format, sizeof(format)));
    if (status == RSM_OK)
        status = put_row(s, txn, 0, bytes_of_string(KEY_IDENTITY), bytes_make(who, sizeof(who)));
    if (status != RSM_OK) {
        mdb_txn_abort(txn);
        return status;
    }
    return store_status(s->path, mdb_txn_commit(txn));
}

/* Format and identity of an existing store. */
static enum rsm_status check_meta(struct store *s, struct store_identity *found_out)
{
    uint8_t format[4];
    uint8_t who[CLUSTER_ID_SIZE + 4];

    *found_out = (struct store_identity){0};
    enum rsm_status status = read_meta(s, KEY_FORMAT, format, sizeof(format));
    if (status != RSM_OK)
        return status;
    if (get_u32(format) > STORE_FORMAT)
        return RSM_NEWER_FORMAT;
    status = read_meta(s, KEY_IDENTITY, who, sizeof(who));
    if (status != RSM_OK)
        return status == RSM_NOT_FOUND ? RSM_DAMAGED : status;
    memcpy(found_out->cluster, who, CLUSTER_ID_SIZE);
    found_out->replica = get_u32(who + CLUSTER_ID_SIZE);
    return RSM_OK;
}

/* The environment and the one database in it. Flags beside MDB_NOTLS. */
static enum rsm_status open_environment(struct store *s, const char *path, unsigned flags,
                                        uint64_t map_size)
{
    MDB_txn *txn = NULL;
    int dead = 0;

    CHECK((flags & (MDB_NOSYNC | MDB_NOMETASYNC | MDB_MAPASYNC | MDB_WRITEMAP)) == 0);
    CHECK(s->env == NULL && s->path == NULL && s->txn == NULL);
    CHECK(map_size % 4096 == 0);
    s->path = mem_copy_string(path);
    int error = mdb_env_create(&s->env);
    if (error == MDB_SUCCESS && map_size > 0)
        error = mdb_env_set_mapsize(s->env, map_size);
    if (error == MDB_SUCCESS)
        error = mdb_env_set_maxreaders(s->env, READERS_MAX);
    if (error == MDB_SUCCESS)
        error = mdb_env_open(s->env, path, MDB_NOTLS | flags, 0600);
    if (error == MDB_SUCCESS && (flags & MDB_RDONLY) == 0)
        error = mdb_reader_check(s->env, &dead);
    if (error == MDB_SUCCESS)
        error = mdb_txn_begin(s->env, NULL, flags & MDB_RDONLY, &txn);
    if (error == MDB_SUCCESS)
        error = mdb_dbi_open(txn, NULL, 0, &s->database);
    if (error == MDB_SUCCESS) {
        error = mdb_txn_commit(txn);
        txn = NULL;
    }
    CHECK(error != MDB_SUCCESS || txn == NULL); /* none stays open: a map grows without any */
    CHECK(error != MDB_SUCCESS || s->env != NULL);
    if (txn != NULL)
        mdb_txn_abort(txn);
    return store_status(path, error);
}

enum rsm_status store_open(const char *path, const struct store_identity *identity,
                           const struct store_options *options, struct store **store_out)
{
    uint64_t map_size =
        options != NULL && options->map_size != 0 ? options->map_size : MAP_SIZE_DEFAULT;
    struct store *s = mem_alloc(sizeof(*s));
    struct store_identity found;

    CHECK(identity->replica >= 1 && identity->replica <= REPLICA_MAX);
    *store_out = NULL;
    s->kv.ops = store_kv_ops();
    enum rsm_status status = open_environment(s, path, 0, (map_size + 4095) / 4096 * 4096);
    if (status == RSM_NOT_FOUND) /* the directory; a new file is made */
        status = RSM_IO;
    if (status == RSM_OK)
        status = store_refresh(s);
    if (status == RSM_OK)
        status = check_meta(s, &found);
    if (status == RSM_NOT_FOUND) { /* new, or a crash came before the first commit */
        status = store_is_empty(s) ? write_meta(s, identity) : RSM_DAMAGED;
        if (status == RSM_OK)
            status = store_refresh(s);
    } else if (status == RSM_OK &&
               (memcmp(found.cluster, identity->cluster, CLUSTER_ID_SIZE) != 0 ||
                found.replica != identity->replica)) {
        status = RSM_WRONG_IDENTITY;
    }
    if (status == RSM_OK) {
        status = store_read_sum(s, &s->sum);
        if (status == RSM_NOT_FOUND) /* nothing was committed yet */
            status = RSM_OK;
    }
    CHECK(status != RSM_OK || (s->txn != NULL && !s->read_only));
    CHECK(status != RSM_OK || (s->env != NULL && s->path != NULL));
    if (status == RSM_OK)
        *store_out = s;
    else
        store_close(s);
    return status;
}

static bool file_is_empty(const char *path)
{
    char file[PATH_SIZE];
    struct stat info;

    snprintf(file, sizeof(file), "%s/data.mdb", path);
    return stat(file, &info) == 0 && info.st_size == 0;
}

enum rsm_status store_open_read_only(const char *path, bool live,
                                     struct store_identity *identity_out, struct store **store_out)
{
    struct store *s = mem_alloc(sizeof(*s));

    *store_out = NULL;
    *identity_out = (struct store_identity){0};
    s->kv.ops = store_kv_ops();
    s->read_only = true;
    enum rsm_status status = open_environment(s, path, MDB_RDONLY | (live ? 0 : MDB_NOLOCK), 0);
    if (status == RSM_IO && file_is_empty(path)) /* LMDB wants to map it, which fails */
        status = RSM_NOT_FOUND;
    if (status == RSM_OK)
        status = store_refresh(s);
    if (status == RSM_OK)
        status = check_meta(s, identity_out);
    if (status == RSM_NOT_FOUND && s->txn != NULL)
        status =
            RSM_DAMAGED; /* there is a file, without the two rows that the first commit makes */
    CHECK(status != RSM_OK || s->txn != NULL);
    CHECK(s->read_only && s->sum.rows == 0); /* nobody commits on top of it */
    if (status == RSM_OK)
        *store_out = s;
    else
        store_close(s);
    return status;
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    CHECK(s->kv.ops == store_kv_ops()); /* a cut ends by kv_free: the environment is not its own */
    CHECK(s->env != NULL || s->txn == NULL);
    store_end_snapshot(s);
    if (s->env != NULL)
        mdb_env_close(s->env);
    mem_free(s->path);
    mem_free(s);
}

struct commit {
    struct store *store;
    MDB_txn *txn;
    /* Rows come sorted: a cursor finds the next one near the last, without a search from the root.
     */
    MDB_cursor *cursor;
    struct store_sum sum;
};

/* The cursor is at a row that was there. */
static enum rsm_status forget_row(struct commit *c, const MDB_val *old)
{
    CHECK(c->txn != NULL && c->cursor != NULL);
    if (old->mv_size < STORE_CHECK_SIZE)
        return RSM_DAMAGED;
    c->sum.rows--;
    c->sum.checks -= get_u32(old->mv_data);
    return RSM_OK;
}

static enum rsm_status delete_row(struct commit *c, MDB_val *k)
{
    MDB_val old = {0, NULL};
    CHECK(k->mv_size >= 2 && ((const uint8_t *)k->mv_data)[0] != 0);
    int error = mdb_cursor_get(c->cursor, k, &old, MDB_SET);
    if (error == MDB_NOTFOUND)
        return RSM_OK;
    enum rsm_status status = store_status(c->store->path, error);
    if (status == RSM_OK)
        status = forget_row(c, &old);
    return status == RSM_OK ? store_status(c->store->path, mdb_cursor_del(c->cursor, 0)) : status;
}

/* Most rows are new, and take one search. */
static enum rsm_status write_row(struct commit *c, MDB_val *k, const struct kv_write *w)
{
    size_t size = w->value.size + STORE_CHECK_SIZE;
    MDB_val v = {size, NULL};
    CHECK(k->mv_size >= 2 && ((const uint8_t *)k->mv_data)[0] != 0);
    int error = mdb_cursor_put(c->cursor, k, &v, MDB_RESERVE | MDB_NOOVERWRITE);
    if (error == MDB_KEYEXIST) {
        enum rsm_status status = forget_row(c, &v);
        if (status != RSM_OK)
            return status;
        v = (MDB_val){size, NULL};
        error = mdb_cursor_put(c->cursor, k, &v, MDB_RESERVE);
    }
    if (error != MDB_SUCCESS)
        return store_status(c->store->path, error);
    CHECK(v.mv_size == size && v.mv_data != NULL);
    uint32_t check = store_check(w->table, w->key, w->value);
    put_u32(v.mv_data, check);
    if (w->value.size > 0)
        memcpy((uint8_t *)v.mv_data + STORE_CHECK_SIZE, w->value.data, w->value.size);
    c->sum.rows++;
    c->sum.checks += check;
    return RSM_OK;
}

static enum rsm_status commit_row(void *context, const struct kv_write *w)
{
    struct commit *c = context;
    uint8_t buffer[LIMIT_KEY_SIZE + 1];
    MDB_val k = {0, NULL};

    CHECK(w->table != 0); /* the store's own */
    CHECK(!w->deleted || w->value.size == 0);
    CHECK(mdb_cursor_txn(c->cursor) == c->txn);
    CHECK(w->key.size >= 1 && w->key.size <= LIMIT_KEY_SIZE);
    store_make_key(w->table, w->key, buffer, &k);
    return w->deleted ? delete_row(c, &k) : write_row(c, &k, w);
}

static enum rsm_status commit_sum(const struct commit *c)
{
    uint8_t bytes[STORE_SUM_SIZE];

    CHECK(c->txn != NULL && c->txn != c->store->txn); /* the writer's, not the snapshot's */
    CHECK(!c->store->read_only);
    put_u64(bytes, c->sum.rows);
    put_u64(bytes + 8, c->sum.checks);
    return put_row(c->store, c->txn, 0, bytes_of_string(STORE_KEY_SUM),
                   bytes_make(bytes, sizeof(bytes)));
}

enum rsm_status store_commit(struct store *s, const struct kv *overlay)
{
    struct commit commit = {.store = s, .sum = s->sum};

    CHECK(overlay != NULL && overlay != &s->kv);
    CHECK(s->env != NULL && s->kv.ops == store_kv_ops()); /* a store, not a cut of one */
    if (s->read_only)
        return RSM_READ_ONLY;
    int error = mdb_txn_begin(s->env, NULL, 0, &commit.txn);
    if (error != MDB_SUCCESS)
        return store_status(s->path, error);
    CHECK(commit.txn != NULL && commit.txn != s->txn);
    enum rsm_status status =
        store_status(s->path, mdb_cursor_open(commit.txn, s->database, &commit.cursor));
    if (status == RSM_OK)
        status = kv_overlay_visit(overlay, commit_row, &commit);
    if (commit.cursor != NULL)
        mdb_cursor_close(commit.cursor);
    if (status == RSM_OK)
        status = commit_sum(&commit);
    if (status != RSM_OK) {
        mdb_txn_abort(commit.txn);
        return status;
    }
    status = store_status(s->path, mdb_txn_commit(commit.txn));
    if (status == RSM_OK)
        s->sum = commit.sum;
    return status;
}

enum rsm_status store_grow(struct store *s)
{
    MDB_envinfo info;

    CHECK(s->env != NULL && s->kv.ops == store_kv_ops()); /* no cut of one: it shares the map */
    store_end_snapshot(s);
    CHECK(s->txn == NULL && s->cursor == NULL); /* or LMDB moves the map under a reader */
    int error = mdb_env_info(s->env, &info);
    if (error == MDB_SUCCESS && info.me_mapsize > MAP_SIZE_MAX / 2)
        return RSM_TOO_LARGE;
    CHECK(error != MDB_SUCCESS || info.me_mapsize > 0);
    if (error == MDB_SUCCESS)
        error = mdb_env_set_mapsize(s->env, info.me_mapsize * 2);
    return error == MDB_SUCCESS ? store_refresh(s) : store_status(s->path, error);
}

enum rsm_status store_check_readers(struct store *s, uint32_t *freed_out)
{
    int dead = 0;
    CHECK(s->env != NULL);
    int error = mdb_reader_check(s->env, &dead);

    CHECK(dead >= 0);
    *freed_out = (uint32_t)dead;
    return store_status(s->path, error);
}

void store_sizes(const struct store *s, uint64_t *used_out, uint64_t *map_out)
{
    MDB_envinfo info;
    MDB_stat stat;

    CHECK(s->env != NULL);
    *used_out = 0;
    *map_out = 0;
    if (mdb_env_info(s->env, &info) != MDB_SUCCESS || mdb_env_stat(s->env, &stat) != MDB_SUCCESS)
        return;
    *used_out = (info.me_last_pgno + 1) * stat.ms_psize;
    *map_out = info.me_mapsize;
}
