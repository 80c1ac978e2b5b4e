/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_audit.c - what was committed is read back, and a row that is not so is not forgotten. */
#include <criterion/criterion.h>

#include <stdio.h>

#include "src/daemon/audit.h"
#include "src/machine/tables.h"

static struct kv *written, *store;
static struct audit audit;

static void set_up(void)
{
    written = kv_overlay_new(NULL);
    store = kv_mem_new();
    audit_init(&audit);
}

static void tear_down(void)
{
    audit_deinit(&audit);
    kv_free(written);
    kv_free(store);
}

TestSuite(audit, .init = set_up, .fini = tear_down);

static void put(struct kv *kv, enum table table, const char *key, const char *value)
{
    cr_assert_eq(kv_put(kv, (uint8_t)table, bytes_of_string(key), bytes_of_string(value)), RSM_OK);
}

static void put_both(enum table table, const char *key, const char *value)
{
    put(written, table, key, value);
    put(store, table, key, value);
}

/* A commit that reads as it was written passes, deletions too. */
Test(audit, what_reads_as_written_passes)
{
    put_both(TABLE_META, "applied", "1");
    put_both(TABLE_ZONE, "a", "one");
    cr_assert_eq(kv_del(written, TABLE_ZONE, bytes_of_string("b")), RSM_OK);
    cr_assert(audit_commit(&audit, written, store));
    cr_assert_eq(audit.rows, 3);
}

/* A lost row, another value, a row that should be gone: each is found. */
Test(audit, each_difference_is_found)
{
    put(written, TABLE_ZONE, "a", "one");
    cr_assert(!audit_commit(&audit, written, store));
    put(store, TABLE_ZONE, "a", "two");
    cr_assert(!audit_commit(&audit, written, store));
    put(store, TABLE_ZONE, "a", "one");
    cr_assert(audit_commit(&audit, written, store));
    cr_assert_eq(kv_del(written, TABLE_ZONE, bytes_of_string("a")), RSM_OK);
    cr_assert(!audit_commit(&audit, written, store));
}

/* A row that failed is looked at again with each commit, until it is right or written anew. */
Test(audit, a_failure_is_not_forgotten)
{
    put(written, TABLE_ZONE, "a", "one");
    cr_assert(!audit_commit(&audit, written, store));
    kv_overlay_clear(written);
    put_both(TABLE_ZONE, "b", "other");
    cr_assert(!audit_commit(&audit, written, store));
    kv_overlay_clear(written);
    put_both(TABLE_ZONE, "a", "three");
    cr_assert(audit_commit(&audit, written, store));
    kv_overlay_clear(written);
    put_both(TABLE_ZONE, "c", "more");
    cr_assert(audit_commit(&audit, written, store));
}

/* Of a large commit a part is read back, and the heads always. */
Test(audit, a_large_commit_is_read_in_part)
{
    char key[8];
    for (unsigned i = 0; i < 3 * AUDIT_ROWS_MAX; i++) {
        (void)snprintf(key, sizeof key, "%06u", i);
        put_both(TABLE_ZONE, key, "x");
    }
    put(written, TABLE_META, "verdict-head", "good");
    put(store, TABLE_META, "verdict-head", "bad");
    cr_assert(!audit_commit(&audit, written, store));
    cr_assert_leq(audit.rows, AUDIT_ROWS_MAX + 1);
}
