/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_state.h - the inside of a store, shared by store.c and store_kv.c only. */
#ifndef RSM_STORAGE_STORE_STATE_H
#define RSM_STORAGE_STORE_STATE_H

#include <lmdb.h>

#include "storage/store.h"

#define STORE_CHECK_SIZE 4u
#define STORE_SUM_SIZE 16u
#define STORE_KEY_SUM "sum"

/* Over all rows but those of table 0: kept with each commit, compared by store_verify. */
struct store_sum {
    uint64_t rows;
    uint64_t checks; /* sum of their checks */
};

struct store {
    struct kv kv; /* first: the snapshot */
    /* Fixed after opening. */
    char *path; /* owned */
    MDB_env *env;
    MDB_dbi database;
    bool read_only;
    struct store_sum sum;                        /* of the last commit; whoever commits */
    void (*on_row)(void *context, size_t bytes); /* of store_verify; may be NULL */
    void *on_row_context;
    /* The snapshot; main thread. */
    MDB_txn *txn; /* NULL: none */
    MDB_cursor *cursor;
    uint64_t source; /* another one for each snapshot: kv_source_new */
};

/* `error` is LMDB's or the system's. Looks at the free space of `path` for EIO. */
enum rsm_status store_status(const char *path, int error);
/* The row's key: table, key. `buffer` has room for LIMIT_KEY_SIZE + 1 bytes. */
void store_make_key(uint8_t table, struct bytes key, uint8_t *buffer, MDB_val *out);
/* CRC-32C over table, size of the key, key and value. */
uint32_t store_check(uint8_t table, struct bytes key, struct bytes value);
const struct kv_ops *store_kv_ops(void);
/* The sum that the last commit left in table 0. RSM_NOT_FOUND: none, the store is empty. */
enum rsm_status store_read_sum(struct store *s, struct store_sum *sum_out);
/* Ends the snapshot's transaction. */
void store_end_snapshot(struct store *s);
/* No row at all in the snapshot. */
bool store_is_empty(struct store *s);

#endif
