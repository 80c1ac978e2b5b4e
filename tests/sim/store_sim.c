/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_sim.c - see store_sim.h. */
#include "tests/sim/store_sim.h"

#include <string.h>

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/machine/logtable.h"
#include "src/machine/tables.h"
#include "storage/store.h"
#include "tests/lib/temp_dir.h"

struct store_sim {
    struct store_identity identity;
    struct kv *memory;   /* owned; NULL: real */
    struct store *store; /* owned; NULL: in memory */
    struct temp_dir dir; /* of a real one */
};

static void open_real(struct store_sim *s)
{
    struct store_options options = {.map_size = 64u << 20};
    CHECK(store_open(s->dir.path, &s->identity, &options, &s->store) == RSM_OK);
}

struct store_sim *store_sim_new(const uint8_t cluster[CLUSTER_ID_SIZE], uint32_t replica, bool real)
{
    struct store_sim *s = mem_alloc(sizeof(*s));
    memcpy(s->identity.cluster, cluster, CLUSTER_ID_SIZE);
    s->identity.replica = replica;
    if (!real) {
        s->memory = kv_mem_new();
        return s;
    }
    temp_dir_make_in_memory(&s->dir);
    open_real(s);
    return s;
}

void store_sim_free(struct store_sim *s)
{
    kv_free(s->memory);
    store_close(s->store);
    if (s->memory == NULL)
        temp_dir_remove(&s->dir);
    mem_free(s);
}

struct kv *store_sim_kv(struct store_sim *s)
{
    return s->memory != NULL ? s->memory : store_kv(s->store);
}

static enum rsm_status write_one(void *context, const struct kv_write *w)
{
    struct kv *kv = context;
    return w->deleted ? kv_del(kv, w->table, w->key) : kv_put(kv, w->table, w->key, w->value);
}

void store_sim_commit(struct store_sim *s, struct kv *overlay)
{
    if (s->memory != NULL) {
        CHECK(kv_overlay_visit(overlay, write_one, s->memory) == RSM_OK);
        return;
    }
    CHECK(store_commit(s->store, overlay) == RSM_OK);
    CHECK(store_refresh(s->store) == RSM_OK);
}

static void copy_all(struct kv *from, struct kv *to)
{
    for (uint8_t table = 1; table < TABLE_END; table++) {
        struct bytes key, value;
        uint8_t last[LIMIT_KEY_SIZE];
        size_t size = 0;
        while (kv_next(from, table, bytes_make(last, size), size > 0, &key, &value) == RSM_OK) {
            CHECK(kv_put(to, table, key, value) == RSM_OK);
            size = key.size;
            memcpy(last, key.data, size);
        }
    }
}

struct kv *store_sim_cut(struct store_sim *s)
{
    if (s->memory == NULL)
        return store_cut(s->store);
    struct kv *cut = kv_mem_new();
    copy_all(s->memory, cut);
    return cut;
}

void store_sim_crash(struct store_sim *s)
{
    if (s->memory != NULL)
        return;
    store_close(s->store);
    open_real(s);
}

void store_sim_wipe(struct store_sim *s)
{
    if (s->memory != NULL) {
        kv_free(s->memory);
        s->memory = kv_mem_new();
        return;
    }
    store_close(s->store);
    temp_dir_remove(&s->dir);
    temp_dir_make_in_memory(&s->dir);
    open_real(s);
}

uint64_t store_sim_applied(struct store_sim *s)
{
    uint64_t slot = 0;
    return log_get_applied(store_sim_kv(s), &slot) == RSM_OK ? slot : 0;
}

void store_sim_install(struct store_sim *s, struct kv *content)
{
    if (s->memory != NULL) {
        kv_free(s->memory);
        s->memory = content;
        return;
    }
    store_sim_wipe(s);
    struct kv *rows = kv_overlay_new(store_kv(s->store));
    copy_all(content, rows);
    store_sim_commit(s, rows);
    kv_free(rows);
    kv_free(content);
}
