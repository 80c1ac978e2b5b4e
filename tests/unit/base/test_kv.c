/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_kv.c - the ordered map and two overlays on it against a plain array. */
#include <criterion/criterion.h>
#include <string.h>

#include "src/base/kv.h"
#include "src/base/mem.h"
#include "src/base/prng.h"

#define TABLES 3u
#define KEYS 300u

struct model {
    bool present[TABLES][KEYS];
    uint32_t value[TABLES][KEYS];
};

struct world {
    struct prng prng;
    struct model model;
    struct kv *bottom, *middle, *top;
    uint8_t table;
    unsigned key;
    uint8_t key_buffer[3];
    struct bytes key_bytes;
};

/* Keys of two sizes, so that one may be the beginning of another's neighbour. */
static void draw_key(struct world *w)
{
    w->table = (uint8_t)prng_below(&w->prng, TABLES);
    w->key = (unsigned)prng_below(&w->prng, KEYS);
    w->key_buffer[0] = (uint8_t)(w->key >> 4);
    w->key_buffer[1] = (uint8_t)(w->key & 15);
    w->key_buffer[2] = 7;
    w->key_bytes = bytes_make(w->key_buffer, 2 + (w->key & 1));
}

static void put(struct world *w)
{
    uint8_t value[24] = {0};
    uint32_t number = (uint32_t)prng_next(&w->prng);
    memcpy(value, &number, sizeof number);
    cr_assert_eq(kv_put(w->top, w->table, w->key_bytes, bytes_make(value, 4 + number % 20)),
                 RSM_OK);
    w->model.present[w->table][w->key] = true;
    w->model.value[w->table][w->key] = number;
}

static void del(struct world *w)
{
    cr_assert_eq(kv_del(w->top, w->table, w->key_bytes), RSM_OK);
    w->model.present[w->table][w->key] = false;
}

static void get(struct world *w)
{
    struct bytes value;
    bool present = w->model.present[w->table][w->key];
    cr_assert_eq(kv_get(w->top, w->table, w->key_bytes, &value), present ? RSM_OK : RSM_NOT_FOUND);
    if (present)
        cr_assert_eq(memcmp(value.data, &w->model.value[w->table][w->key], 4), 0);
}

/* `step` 1: kv_next, -1: kv_prev. */
static void seek(struct world *w, int step, bool beyond)
{
    struct bytes key, value;
    int expected = (int)w->key + (beyond ? step : 0);
    while (expected >= 0 && expected < (int)KEYS && !w->model.present[w->table][expected])
        expected += step;
    enum rsm_status status = step > 0
                                 ? kv_next(w->top, w->table, w->key_bytes, beyond, &key, &value)
                                 : kv_prev(w->top, w->table, w->key_bytes, beyond, &key, &value);
    bool found = expected >= 0 && expected < (int)KEYS;
    cr_assert_eq(status, found ? RSM_OK : RSM_NOT_FOUND);
    if (!found)
        return;
    cr_assert_eq(key.data[0] * 16 + key.data[1], expected);
    cr_assert_eq(memcmp(value.data, &w->model.value[w->table][expected], 4), 0);
}

static void step(struct world *w)
{
    uint64_t what = prng_below(&w->prng, 1000);
    draw_key(w);
    if (what < 400)
        put(w);
    else if (what < 600)
        del(w);
    else if (what < 700)
        get(w);
    else if (what < 850)
        seek(w, 1, what & 1);
    else if (what < 998)
        seek(w, -1, what & 1);
    else if (what == 998)
        cr_assert_eq(kv_overlay_merge(w->top, w->middle), RSM_OK);
    else
        cr_assert_eq(kv_overlay_merge(w->middle, w->bottom), RSM_OK);
}

Test(kv, two_overlays_behave_as_one_map)
{
    struct world *w = mem_alloc(sizeof *w);
    prng_init(&w->prng, 42);
    w->bottom = kv_mem_new();
    w->middle = kv_overlay_new(w->bottom);
    w->top = kv_overlay_new(w->middle);
    for (unsigned i = 0; i < 100000; i++)
        step(w);
    kv_free(w->top);
    kv_free(w->middle);
    kv_free(w->bottom);
    mem_free(w);
    cr_assert_eq(mem_live_count(), 0);
}

static enum rsm_status visit(void *context, const struct kv_write *w)
{
    struct writer *out = context;
    writer_format(out, "%u%c%c%.*s ", w->table, w->deleted ? '-' : '+', w->key.data[0],
                  (int)w->value.size, (const char *)w->value.data);
    return RSM_OK;
}

Test(kv, an_overlay_shows_its_writes_in_order)
{
    struct kv *below = kv_mem_new();
    struct kv *overlay = kv_overlay_new(below);
    struct writer seen;
    writer_init(&seen, 1024);
    kv_put(below, 1, bytes_of_string("z"), bytes_of_string("0"));
    kv_put(overlay, 2, bytes_of_string("a"), bytes_of_string("2"));
    kv_del(overlay, 1, bytes_of_string("z"));
    kv_put(overlay, 1, bytes_of_string("b"), bytes_of_string("1"));
    cr_assert_eq(kv_overlay_visit(overlay, visit, &seen), RSM_OK);
    cr_assert(bytes_equal(writer_result(&seen), bytes_of_string("1+b1 1-z 2+a2 ")), "%.*s",
              (int)seen.size, (char *)seen.data);
    cr_assert_eq(kv_overlay_count(overlay), 3);
    kv_overlay_clear(overlay);
    struct bytes value;
    cr_assert_eq(kv_get(overlay, 1, bytes_of_string("z"), &value), RSM_OK);
    writer_deinit(&seen);
    kv_free(overlay);
    kv_free(below);
}
