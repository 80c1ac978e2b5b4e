/* SPDX-License-Identifier: GPL-3.0-or-later */
/* audit.c - see audit.h. */
#include "src/daemon/audit.h"

#include "src/base/limits.h"
#include "src/machine/tables.h"

struct reading {
    struct audit *audit;
    struct kv *store;
    uint64_t step, place;
};

void audit_init(struct audit *a)
{
    *a = (struct audit){.has_failed = false};
    writer_init(&a->key, LIMIT_KEY_SIZE);
    writer_init(&a->value, LIMIT_VALUE_SIZE);
}

void audit_deinit(struct audit *a)
{
    writer_deinit(&a->key);
    writer_deinit(&a->value);
}

static bool reads_as(struct kv *store, const struct kv_write *w)
{
    struct bytes value;
    enum rsm_status status = kv_get(store, w->table, w->key, &value);
    if (w->deleted)
        return status == RSM_NOT_FOUND;
    return status == RSM_OK && bytes_equal(value, w->value);
}

static void keep(struct audit *a, const struct kv_write *w)
{
    a->has_failed = true;
    a->table = w->table;
    a->is_deleted = w->deleted;
    writer_reset(&a->key);
    writer_bytes(&a->key, w->key);
    writer_reset(&a->value);
    writer_bytes(&a->value, w->value);
}

/* The row that failed before is written anew: this one is looked at in its stead. */
static bool is_failed_row(const struct audit *a, const struct kv_write *w)
{
    return a->has_failed && a->table == w->table && bytes_equal(writer_result(&a->key), w->key);
}

static void read_one(void *context, const struct kv_write *w)
{
    struct reading *r = context;
    bool is_again = is_failed_row(r->audit, w);
    if (r->place++ % r->step != 0 && w->table != TABLE_META && !is_again)
        return;
    r->audit->rows++;
    if (is_again)
        r->audit->has_failed = false;
    if (!reads_as(r->store, w) && !r->audit->has_failed)
        keep(r->audit, w);
}

bool audit_commit(struct audit *a, const struct kv *written, struct kv *store)
{
    struct reading r = {
        .audit = a, .store = store, .step = kv_overlay_count(written) / AUDIT_ROWS_MAX + 1};
    a->commits++;
    if (a->has_failed) {
        struct kv_write w = {.table = a->table,
                             .deleted = a->is_deleted,
                             .key = writer_result(&a->key),
                             .value = writer_result(&a->value)};
        a->has_failed = !reads_as(store, &w);
    }
    kv_overlay_each(written, read_one, &r);
    return !a->has_failed;
}
