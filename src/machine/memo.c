/* SPDX-License-Identifier: GPL-3.0-or-later */
/* memo.c - see memo.h. */
#include "src/machine/memo.h"

#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/machine/judge.h"

#define PRINCIPALS 64u /* a power of two */

/* What an item was read from; without `is_there` the item is nothing. */
struct basis {
    bool is_there;
    struct kv_stamp stamp;
};

struct rows_item {
    struct basis basis;
    enum rsm_status status;
};

struct list_item {
    struct basis basis;
    enum rsm_status status;
    struct writer raw;
};

struct principal_item {
    struct basis principals, roles;
    enum rsm_status status;
    uint8_t name[LIMIT_PRINCIPAL_SIZE];
    size_t name_size;
    struct writer row; /* owned: `is` points into it */
    struct writer grants;
    struct memo_principal is;
};

struct memo {
    bool is_off;
    struct rows_item rows[TABLE_END];
    struct basis numbers_basis;
    struct policy numbers;
    struct list_item lists[POLICY_LIST_END];
    struct principal_item principals[PRINCIPALS];
};

struct memo *memo_new(void)
{
    struct memo *m = mem_alloc(sizeof *m);
    for (size_t i = 0; i < POLICY_LIST_END; i++)
        writer_init(&m->lists[i].raw, LIMIT_VALUE_SIZE);
    for (size_t i = 0; i < PRINCIPALS; i++) {
        writer_init(&m->principals[i].row, LIMIT_VALUE_SIZE);
        writer_init(&m->principals[i].grants, LIMIT_ROLES_PER_PRINCIPAL * LIMIT_VALUE_SIZE);
    }
    return m;
}

void memo_free(struct memo *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < POLICY_LIST_END; i++)
        writer_deinit(&m->lists[i].raw);
    for (size_t i = 0; i < PRINCIPALS; i++) {
        writer_deinit(&m->principals[i].row);
        writer_deinit(&m->principals[i].grants);
    }
    mem_free(m);
}

void memo_switch_off(struct memo *m)
{
    m->is_off = true;
}

/* Whether the item may be taken as it is; else it is read now, and stands on what is there now. */
static bool is_good(const struct memo *m, struct kv *kv, enum table table, struct basis *basis)
{
    struct kv_stamp now;
    bool has_stamp = !m->is_off && kv_stamp_of(kv, (uint8_t)table, &now);
    if (has_stamp && basis->is_there && kv_stamp_is(&basis->stamp, &now))
        return true;
    basis->is_there = has_stamp;
    if (has_stamp)
        basis->stamp = now;
    return false;
}

/* A fault is asked about again. */
static enum rsm_status keep(struct basis *basis, enum rsm_status status)
{
    if (status != RSM_OK && status != RSM_NOT_FOUND)
        basis->is_there = false;
    return status;
}

enum rsm_status memo_has_rows(struct memo *m, struct kv *kv, enum table table)
{
    struct rows_item *item = &m->rows[table];
    struct bytes key, value;
    if (!is_good(m, kv, table, &item->basis))
        item->status = keep(&item->basis, kv_next(kv, (uint8_t)table, (struct bytes){NULL, 0},
                                                  false, &key, &value));
    return item->status;
}

enum rsm_status memo_policy(struct memo *m, struct kv *kv, struct policy *out)
{
    enum rsm_status status = RSM_OK;
    if (!is_good(m, kv, TABLE_POLICY, &m->numbers_basis))
        status = keep(&m->numbers_basis, policy_load(kv, &m->numbers));
    *out = m->numbers;
    return status;
}

enum rsm_status memo_list(struct memo *m, struct kv *kv, enum policy_list list,
                          struct bytes *list_out)
{
    struct list_item *item = &m->lists[list];
    struct bytes raw;
    if (!is_good(m, kv, TABLE_POLICY, &item->basis)) {
        writer_reset(&item->raw);
        item->status = keep(&item->basis, policy_list(kv, list, &raw));
        if (item->status == RSM_OK)
            writer_bytes(&item->raw, raw);
    }
    *list_out = writer_result(&item->raw);
    return item->status;
}

/* ---- principals ---- */

static struct principal_item *item_of(struct memo *m, struct bytes name)
{
    uint32_t hash = 5381;
    for (size_t i = 0; i < name.size; i++)
        hash = hash * 33 ^ name.data[i];
    return &m->principals[(hash ^ hash >> 16) % PRINCIPALS];
}

static enum rsm_status load_grants(struct kv *kv, struct principal_item *item)
{
    struct memo_principal *is = &item->is;
    struct bytes roles = is->row.roles, role, array;
    while (role_next(&roles, &role)) {
        is->is_administrator |= bytes_equal(role, bytes_of_string("admin"));
        is->is_root |= bytes_equal(role, bytes_of_string("root"));
        enum rsm_status status = kv_get(kv, TABLE_ROLE, role, &array);
        if (status == RSM_OK)
            grants_append(&item->grants, role, array);
        else if (status != RSM_NOT_FOUND)
            return status;
    }
    is->grants = writer_result(&item->grants);
    return RSM_OK;
}

static enum rsm_status load_principal(struct kv *kv, struct bytes name, struct principal_item *item)
{
    struct bytes row;
    CHECK(name.size <= sizeof item->name);
    memcpy(item->name, name.data, name.size);
    item->name_size = name.size;
    item->is = (struct memo_principal){.is_root = false};
    writer_reset(&item->row);
    writer_reset(&item->grants);
    enum rsm_status status = kv_get(kv, TABLE_PRINCIPAL, name, &row);
    if (status != RSM_OK)
        return status;
    writer_bytes(&item->row, row);
    status = principal_decode(writer_result(&item->row), &item->is.row);
    return status == RSM_OK ? load_grants(kv, item) : status;
}

enum rsm_status memo_principal(struct memo *m, struct kv *kv, struct bytes name,
                               struct memo_principal *out)
{
    struct principal_item *item = item_of(m, name);
    bool is_it = bytes_equal(name, bytes_make(item->name, item->name_size));
    bool has_row = is_good(m, kv, TABLE_PRINCIPAL, &item->principals);
    bool has_roles = is_good(m, kv, TABLE_ROLE, &item->roles);
    if (!is_it || !has_row || !has_roles) {
        item->status = keep(&item->principals, load_principal(kv, name, item));
    }
    *out = item->is;
    return item->status;
}
