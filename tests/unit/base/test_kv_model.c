/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_kv_model.c - ordered tables against a naive model.
 *
 * The model is an array: one cell for each (level, table, key), keys sorted by a comparison of its
 * own. Three real tables are stacked, two overlays over a map; each level is written, read, walked,
 * cleared and merged at random, and must agree with the model after every step.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/kv.h"
#include "src/base/kv_list.h"
#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/base/prng.h"

enum { LEVELS = 3, TABLES = 3, KEYS = 120, KEY_SIZE = 4, VALUE_SIZE = 48, LARGE_SIZE = 9000 };

enum cell_state { CELL_ABSENT = 0, CELL_DELETED, CELL_VALUE };

struct cell {
    enum cell_state state;
    uint8_t fill;
    uint16_t size;
};

struct key {
    uint8_t data[KEY_SIZE];
    uint8_t size;
};

struct world {
    struct prng prng;
    struct key keys[KEYS]; /* sorted */
    struct cell cells[LEVELS][TABLES][KEYS];
    struct kv *kv[LEVELS]; /* 0 is the map, the others overlays */
};

static int key_order(const void *a_void, const void *b_void)
{
    const struct key *a = a_void;
    const struct key *b = b_void;
    for (size_t i = 0; i < a->size && i < b->size; i++)
        if (a->data[i] != b->data[i])
            return a->data[i] < b->data[i] ? -1 : 1;
    return (int)a->size - (int)b->size;
}

/* All strings of 1 to 4 of three bytes: many are prefixes of others, and 0 and 255 are among them.
 */
static void make_keys(struct key keys[KEYS])
{
    static const uint8_t letters[3] = {0x00, 0x61, 0xff};
    size_t count = 0;
    size_t words = 3;
    for (uint8_t size = 1; size <= KEY_SIZE; size++, words *= 3)
        for (size_t word = 0; word < words; word++) {
            size_t rest = word;
            keys[count].size = size;
            for (uint8_t i = 0; i < size; i++, rest /= 3)
                keys[count].data[i] = letters[rest % 3];
            count++;
        }
    cr_assert_eq(count, KEYS);
    qsort(keys, KEYS, sizeof keys[0], key_order);
}

static struct bytes key_bytes(const struct world *w, int index)
{
    return bytes_make(w->keys[index].data, w->keys[index].size);
}

static struct world *world_new(uint64_t seed)
{
    struct world *w = mem_alloc(sizeof *w);
    prng_init(&w->prng, seed);
    make_keys(w->keys);
    w->kv[0] = kv_mem_new();
    for (int level = 1; level < LEVELS; level++)
        w->kv[level] = kv_overlay_new(w->kv[level - 1]);
    return w;
}

static void world_free(struct world *w)
{
    for (int level = LEVELS; level-- > 0;)
        kv_free(w->kv[level]);
    mem_free(w);
}

/* What level `level` shows for a key: its own word, or that of the nearest level below. */
static const struct cell *model_get(const struct world *w, int level, int table, int index)
{
    for (; level >= 0; level--) {
        const struct cell *cell = &w->cells[level][table][index];
        if (cell->state == CELL_VALUE)
            return cell;
        if (cell->state == CELL_DELETED)
            return NULL;
    }
    return NULL;
}

static bool value_is(struct bytes value, const struct cell *cell)
{
    if (cell == NULL || value.size != cell->size)
        return false;
    for (size_t i = 0; i < value.size; i++)
        if (value.data[i] != cell->fill)
            return false;
    return true;
}

static int draw(struct world *w, int bound)
{
    return (int)prng_below(&w->prng, (uint64_t)bound);
}

static void step_put(struct world *w, int level, int table, int index)
{
    uint8_t value[LARGE_SIZE];
    struct cell *cell = &w->cells[level][table][index];
    int bound = draw(w, 8) > 0 ? VALUE_SIZE : LARGE_SIZE; /* with and without memory of its own */
    *cell = (struct cell){CELL_VALUE, (uint8_t)draw(w, 256), (uint16_t)draw(w, bound)};
    memset(value, cell->fill, sizeof value);
    cr_assert_eq(
        kv_put(w->kv[level], (uint8_t)table, key_bytes(w, index), bytes_make(value, cell->size)),
        RSM_OK);
}

static void step_del(struct world *w, int level, int table, int index)
{
    w->cells[level][table][index] = (struct cell){level == 0 ? CELL_ABSENT : CELL_DELETED, 0, 0};
    cr_assert_eq(kv_del(w->kv[level], (uint8_t)table, key_bytes(w, index)), RSM_OK);
}

static void step_get(struct world *w, int level, int table, int index)
{
    struct bytes value;
    const struct cell *cell = model_get(w, level, table, index);
    enum rsm_status status = kv_get(w->kv[level], (uint8_t)table, key_bytes(w, index), &value);
    cr_assert_eq(status, cell != NULL ? RSM_OK : RSM_NOT_FOUND);
    if (cell != NULL)
        cr_assert(value_is(value, cell));
}

/* `index` -1 is the empty key, below all others. */
static void step_walk(struct world *w, int level, int table, int index, bool beyond, int sign)
{
    struct bytes from = index < 0 ? (struct bytes){NULL, 0} : key_bytes(w, index);
    struct bytes key;
    struct bytes value;
    int wanted = beyond || index < 0 ? index + sign : index;
    while (wanted >= 0 && wanted < KEYS && model_get(w, level, table, wanted) == NULL)
        wanted += sign;
    bool found = wanted >= 0 && wanted < KEYS;
    enum rsm_status status =
        sign > 0 ? kv_next(w->kv[level], (uint8_t)table, from, beyond, &key, &value)
                 : kv_prev(w->kv[level], (uint8_t)table, from, beyond, &key, &value);
    cr_assert_eq(status, found ? RSM_OK : RSM_NOT_FOUND);
    if (!found)
        return;
    cr_assert(bytes_equal(key, key_bytes(w, wanted)));
    cr_assert(value_is(value, model_get(w, level, table, wanted)));
}

static void step_clear(struct world *w, int level)
{
    memset(w->cells[level], 0, sizeof w->cells[level]);
    kv_overlay_clear(w->kv[level]);
    cr_assert_eq(kv_overlay_count(w->kv[level]), 0);
    cr_assert_eq(kv_overlay_size(w->kv[level]), 0);
}

static void step_merge(struct world *w, int level)
{
    for (int table = 0; table < TABLES; table++)
        for (int index = 0; index < KEYS; index++) {
            struct cell *cell = &w->cells[level][table][index];
            if (cell->state == CELL_ABSENT)
                continue;
            w->cells[level - 1][table][index] = *cell;
            if (level == 1 && cell->state == CELL_DELETED)
                w->cells[0][table][index].state = CELL_ABSENT;
            cell->state = CELL_ABSENT;
        }
    cr_assert_eq(kv_overlay_merge(w->kv[level], w->kv[level - 1]), RSM_OK);
    cr_assert_eq(kv_overlay_count(w->kv[level]), 0);
}

struct visitor {
    const struct world *world;
    int level;
    int place; /* table * KEYS + index of the next cell to look at */
    size_t seen;
};

static enum rsm_status visit(void *context, const struct kv_write *write)
{
    struct visitor *v = context;
    const struct cell *cells = &v->world->cells[v->level][0][0];
    while (v->place < TABLES * KEYS && cells[v->place].state == CELL_ABSENT)
        v->place++;
    cr_assert_lt(v->place, TABLES * KEYS);
    const struct cell *cell = &cells[v->place];
    cr_assert_eq(write->table, v->place / KEYS);
    cr_assert(bytes_equal(write->key, key_bytes(v->world, v->place % KEYS)));
    cr_assert_eq(write->deleted, cell->state == CELL_DELETED);
    cr_assert(value_is(write->value, cell));
    v->place++;
    v->seen++;
    return RSM_OK;
}

/* An overlay gives its own writes, in order, none twice and none left out. */
static void step_visit(struct world *w, int level)
{
    struct visitor v = {.world = w, .level = level};
    cr_assert_eq(kv_overlay_visit(w->kv[level], visit, &v), RSM_OK);
    cr_assert_eq(v.seen, kv_overlay_count(w->kv[level]));
    for (; v.place < TABLES * KEYS; v.place++)
        cr_assert_eq((&w->cells[level][0][0])[v.place].state, CELL_ABSENT);
}

static void step(struct world *w)
{
    int level = draw(w, LEVELS);
    int table = draw(w, TABLES);
    int index = draw(w, KEYS);
    int dice = draw(w, 1000);
    if (dice < 250)
        step_put(w, level, table, index);
    else if (dice < 400)
        step_del(w, level, table, index);
    else if (dice < 600)
        step_get(w, level, table, index);
    else if (dice < 780)
        step_walk(w, level, table, draw(w, KEYS + 1) - 1, draw(w, 2) == 1, 1);
    else if (dice < 990)
        step_walk(w, level, table, index, draw(w, 2) == 1, -1);
    else if (level > 0 && dice < 994)
        step_visit(w, level);
    else if (level > 0 && dice < 997)
        step_clear(w, level);
    else if (level > 0)
        step_merge(w, level);
}

/* 100,000 operations on three levels, in ten worlds of different seeds. */
Test(kv, agrees_with_a_naive_model)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        uint64_t live = mem_live_count();
        struct world *w = world_new(seed);
        cr_log_info("seed %d", (int)seed);
        for (int i = 0; i < 10000; i++)
            step(w);
        world_free(w);
        cr_assert_eq(mem_live_count(), live, "everything is freed, seed %d", (int)seed);
    }
}

/* ---- stamps ---- */

enum { STAMPS = 256 };

/* A stamp, and what the kv that it was of showed of the table then. */
struct seen {
    struct kv_stamp stamp;
    struct cell cells[KEYS];
};

static void look(const struct world *w, int level, int table, struct seen *out)
{
    memset(out, 0, sizeof *out);
    cr_assert(kv_stamp_of(w->kv[level], (uint8_t)table, &out->stamp));
    for (int index = 0; index < KEYS; index++) {
        const struct cell *cell = model_get(w, level, table, index);
        if (cell != NULL)
            out->cells[index] = *cell;
    }
}

/* Each stamp that was ever given stands for one set of rows, of whichever level it was. */
Test(kv, equal_stamps_stand_for_equal_rows)
{
    static struct seen all[STAMPS];
    size_t equal = 0;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct world *w = world_new(seed);
        memset(all, 0, sizeof all);
        for (int i = 0; i < 4000; i++) {
            struct seen now;
            step(w);
            look(w, draw(w, LEVELS), draw(w, TABLES), &now);
            for (size_t s = 0; s < STAMPS && s < (size_t)i; s++) {
                if (now.stamp.count == 0 || !kv_stamp_is(&now.stamp, &all[s].stamp))
                    continue;
                cr_assert_arr_eq(now.cells, all[s].cells, sizeof now.cells, "seed %d, step %d",
                                 (int)seed, i);
                equal++;
            }
            all[i % STAMPS] = now;
        }
        world_free(w);
    }
    cr_assert_gt(equal, 1000);
}

/* What changes a table of a kv, and whether its stamp says so; table 1 of the upper layer. */
Test(kv, a_stamp_is_another_when_its_table_was_written)
{
    struct kv *map = kv_mem_new(), *other = kv_mem_new(), *overlay = kv_overlay_new(map);
    struct kv_stamp empty, first, now;
    struct bytes key = bytes_of_string("k"), value = bytes_of_string("v");
    cr_assert(kv_stamp_of(overlay, 1, &empty));
    kv_put(map, 1, key, value);
    cr_assert(kv_stamp_of(overlay, 1, &first));
    cr_assert(!kv_stamp_is(&empty, &first), "a row below");
    kv_put(overlay, 2, key, value);
    cr_assert(kv_stamp_of(overlay, 1, &now) && kv_stamp_is(&now, &first), "another table");
    kv_put(map, 1, key, value);
    cr_assert(kv_stamp_of(overlay, 1, &now) && !kv_stamp_is(&now, &first), "written over");
    first = now;
    kv_del(overlay, 1, key);
    cr_assert(kv_stamp_of(overlay, 1, &now) && !kv_stamp_is(&now, &first), "hidden");
    kv_overlay_clear(overlay);
    cr_assert(kv_stamp_of(overlay, 1, &now) && kv_stamp_is(&now, &first), "as it was");
    kv_del(map, 1, key);
    cr_assert(kv_stamp_of(overlay, 1, &now) && !kv_stamp_is(&now, &first), "deleted below");
    first = now;
    kv_put(other, 1, key, value);
    kv_overlay_set_below(overlay, other);
    cr_assert(kv_stamp_of(overlay, 1, &now) && !kv_stamp_is(&now, &first), "another kv below");
    first = now;
    kv_put(overlay, 1, key, value);
    cr_assert_eq(kv_overlay_merge(overlay, other), RSM_OK);
    cr_assert(kv_stamp_of(overlay, 1, &now) && !kv_stamp_is(&now, &first), "merged");
    kv_free(overlay);
    kv_free(map);
    kv_free(other);
}

/* Where the value of key "k" in table 1 lies. */
static const uint8_t *place_of(struct kv *kv)
{
    struct bytes value;
    cr_assert_eq(kv_get(kv, 1, bytes_of_string("k"), &value), RSM_OK);
    return value.data;
}

/*
 * From KV_LARGE_SIZE on a value goes from layer to layer without a copy, also one that has become
 * small or takes the place of another; all memory comes back with the layer that has it.
 */
Test(kv, a_large_value_moves_and_its_bytes_stand_still)
{
    static const uint8_t bytes[KV_LARGE_SIZE] = {1};
    const struct bytes key = bytes_of_string("k"), large = bytes_make(bytes, sizeof bytes);
    uint64_t live = mem_live_count();
    struct kv *map = kv_mem_new(), *lower = kv_overlay_new(map), *upper = kv_overlay_new(lower);
    for (int round = 0; round < 3; round++) {
        kv_put(upper, 1, key, large);
        if (round == 2)
            kv_put(upper, 1, key, bytes_make("few", 3));
        const uint8_t *place = place_of(upper);
        size_t size = kv_overlay_size(upper), below = kv_overlay_size(lower);
        cr_assert_eq(kv_overlay_merge(upper, lower), RSM_OK);
        cr_assert(place_of(lower) == place && place_of(upper) == place);
        cr_assert_eq(kv_overlay_size(upper), 0);
        cr_assert(kv_overlay_size(lower) > below && kv_overlay_size(lower) <= below + size);
    }
    kv_put(upper, 1, key, bytes_make(bytes, sizeof bytes - 1));
    const uint8_t *place = place_of(upper);
    cr_assert_eq(kv_overlay_merge(upper, lower), RSM_OK);
    cr_assert(place_of(lower) != place, "less than that is copied");
    kv_put(upper, 1, key, large);
    kv_del(upper, 1, key);
    cr_assert_eq(kv_overlay_merge(upper, lower), RSM_OK);
    struct bytes gone;
    cr_assert_eq(kv_get(lower, 1, key, &gone), RSM_NOT_FOUND);
    kv_overlay_clear(lower);
    kv_free(upper);
    kv_free(lower);
    kv_free(map);
    cr_assert_eq(mem_live_count(), live);
}

/* More layers than marks: no stamp, rather than one that leaves a layer out. */
Test(kv, too_many_layers_have_no_stamp)
{
    struct kv *layers[KV_STAMP_MARKS + 1];
    struct kv_stamp stamp;
    for (size_t i = 0; i <= KV_STAMP_MARKS; i++) {
        layers[i] = i == 0 ? kv_mem_new() : kv_overlay_new(layers[i - 1]);
        kv_put(layers[i], 1, bytes_of_string("k"), bytes_of_string("v"));
        cr_assert_eq(kv_stamp_of(layers[i], 1, &stamp), i < KV_STAMP_MARKS);
    }
    for (size_t i = KV_STAMP_MARKS + 1; i-- > 0;)
        kv_free(layers[i]);
}

/* An empty key is below every key, so nothing is at or below it. */
Test(kv, nothing_is_before_the_empty_key)
{
    struct kv *map = kv_mem_new();
    struct kv *overlay = kv_overlay_new(map);
    struct bytes empty = {NULL, 0};
    struct bytes key;
    struct bytes value;
    kv_put(map, 1, bytes_of_string("a"), bytes_of_string("1"));
    cr_assert_eq(kv_prev(map, 1, empty, false, &key, &value), RSM_NOT_FOUND);
    cr_assert_eq(kv_prev(overlay, 1, empty, true, &key, &value), RSM_NOT_FOUND);
    cr_assert_eq(kv_next(overlay, 0, empty, false, &key, &value), RSM_NOT_FOUND,
                 "a walk stays in its table");
    kv_free(overlay);
    kv_free(map);
}

/* What was read may be written back, also when the place it is borrowed from is overwritten. */
Test(kv, a_borrowed_value_may_be_written)
{
    static const char text[] = "a value that is written over itself";
    struct kv *map = kv_mem_new();
    struct bytes key = bytes_of_string("k");
    struct bytes value;
    kv_put(map, 1, key, bytes_of_string(text));
    for (size_t drop = 0; drop < 3; drop++) {
        cr_assert_eq(kv_get(map, 1, key, &value), RSM_OK);
        kv_put(map, 1, key, bytes_make(value.data + 1, value.size - 1));
    }
    cr_assert_eq(kv_get(map, 1, key, &value), RSM_OK);
    cr_assert(bytes_equal(value, bytes_of_string(text + 3)));
    kv_free(map);
}

/* A kv that is broken: every call gives the same status. */
struct broken {
    struct kv kv;
    enum rsm_status status;
};

static enum rsm_status broken_get(struct kv *kv, uint8_t table, struct bytes key,
                                  struct bytes *value_out)
{
    (void)table, (void)key, (void)value_out;
    return ((struct broken *)kv)->status;
}

static enum rsm_status broken_put(struct kv *kv, uint8_t table, struct bytes key,
                                  struct bytes value)
{
    (void)table, (void)key, (void)value;
    return ((struct broken *)kv)->status;
}

static enum rsm_status broken_del(struct kv *kv, uint8_t table, struct bytes key)
{
    (void)table, (void)key;
    return ((struct broken *)kv)->status;
}

static enum rsm_status broken_walk(struct kv *kv, uint8_t table, struct bytes key, bool beyond,
                                   struct bytes *key_out, struct bytes *value_out)
{
    (void)table, (void)key, (void)beyond, (void)key_out, (void)value_out;
    return ((struct broken *)kv)->status;
}

static void broken_free(struct kv *kv)
{
    (void)kv;
}

static const struct kv_ops broken_ops = {broken_get,  broken_put,  broken_del, broken_walk,
                                         broken_walk, broken_free, NULL};

/* "No" and "broken" never share a value: damage below is not taken for absence. */
Test(kv, an_error_below_comes_through)
{
    struct broken broken = {{&broken_ops}, RSM_DAMAGED};
    struct kv *overlay = kv_overlay_new(&broken.kv);
    struct bytes key = bytes_of_string("k");
    struct bytes value;
    kv_put(overlay, 1, bytes_of_string("other"), bytes_of_string("v"));
    cr_assert_eq(kv_get(overlay, 1, key, &value), RSM_DAMAGED);
    cr_assert_eq(kv_next(overlay, 1, key, false, &key, &value), RSM_DAMAGED);
    cr_assert_eq(kv_prev(overlay, 1, key, false, &key, &value), RSM_DAMAGED);
    struct kv_stamp stamp;
    cr_assert(!kv_stamp_of(overlay, 1, &stamp), "what cannot say has no stamp");
    cr_assert_eq(kv_get(overlay, 1, bytes_of_string("other"), &value), RSM_OK,
                 "what the overlay holds itself needs nobody");
    kv_free(overlay);
}

/* A merge that fails keeps what it could not write. */
Test(kv, a_failed_merge_forgets_nothing)
{
    struct broken broken = {{&broken_ops}, RSM_READ_ONLY};
    struct kv *overlay = kv_overlay_new(&broken.kv);
    kv_put(overlay, 1, bytes_of_string("a"), bytes_of_string("1"));
    kv_del(overlay, 2, bytes_of_string("b"));
    cr_assert_eq(kv_overlay_merge(overlay, &broken.kv), RSM_READ_ONLY);
    cr_assert_eq(kv_overlay_count(overlay), 2);
    kv_free(overlay);
}

Test(kv, an_overlay_can_be_put_over_another_kv)
{
    struct kv *first = kv_mem_new();
    struct kv *second = kv_mem_new();
    struct kv *overlay = kv_overlay_new(first);
    struct bytes key = bytes_of_string("k");
    struct bytes value;
    kv_put(second, 1, key, bytes_of_string("second"));
    cr_assert_eq(kv_get(overlay, 1, key, &value), RSM_NOT_FOUND);
    kv_overlay_set_below(overlay, second);
    cr_assert_eq(kv_get(overlay, 1, key, &value), RSM_OK);
    cr_assert(bytes_equal(value, bytes_of_string("second")));
    kv_free(overlay);
    kv_free(second);
    kv_free(first);
}

/* The memory that an overlay says it takes grows with what it holds: commits are cut by it. */
Test(kv, the_size_of_an_overlay_counts_keys_and_values)
{
    static const uint8_t value[1000];
    uint8_t key[LIMIT_KEY_SIZE] = {0};
    struct kv *map = kv_mem_new();
    struct kv *overlay = kv_overlay_new(map);
    cr_assert_eq(kv_overlay_size(overlay), 0);
    for (uint8_t i = 0; i < 100; i++) {
        key[0] = i;
        kv_put(overlay, 1, bytes_make(key, sizeof key), bytes_make(value, sizeof value));
    }
    cr_assert_geq(kv_overlay_size(overlay), 100 * (sizeof value + sizeof key));
    size_t before = kv_overlay_size(overlay);
    kv_put(overlay, 1, bytes_make(key, sizeof key), bytes_make(value, sizeof value));
    cr_assert_eq(kv_overlay_size(overlay), before, "writing over itself takes nothing");
    kv_free(overlay);
    kv_free(map);
}

Test(kv, keys_and_values_at_their_limits)
{
    uint8_t key[LIMIT_KEY_SIZE];
    struct kv *map = kv_mem_new();
    uint8_t *large = mem_alloc(LIMIT_VALUE_SIZE);
    struct bytes value;
    memset(key, 0xff, sizeof key);
    large[LIMIT_VALUE_SIZE - 1] = 1;
    cr_assert_eq(kv_put(map, 255, bytes_make(key, sizeof key), bytes_make(large, LIMIT_VALUE_SIZE)),
                 RSM_OK);
    cr_assert_eq(kv_get(map, 255, bytes_make(key, sizeof key), &value), RSM_OK);
    cr_assert_eq(value.size, LIMIT_VALUE_SIZE);
    cr_assert_eq(value.data[LIMIT_VALUE_SIZE - 1], 1);
    mem_free(large);
    kv_free(map);
}

/* A key that is too long is a bug of the caller: keys are made by us, bounded at the edge. */
Test(kv, a_key_above_its_limit_aborts, .signal = SIGABRT)
{
    static const uint8_t key[LIMIT_KEY_SIZE + 1];
    struct kv *map = kv_mem_new();
    kv_put(map, 1, bytes_make(key, sizeof key), (struct bytes){NULL, 0});
}

/* The state may have a million keys; a walk passes them all, in order. */
Test(kv, a_hundred_thousand_keys_in_order)
{
    enum { COUNT = 100000 };
    struct kv *map = kv_mem_new();
    struct prng prng;
    uint8_t key[8];
    prng_init(&prng, 3);
    for (int i = 0; i < COUNT; i++) {
        put_u64(key, prng_next(&prng));
        kv_put(map, 1, bytes_make(key, sizeof key), bytes_make(key, 4));
    }
    struct bytes at = {NULL, 0};
    struct bytes value;
    uint64_t last = 0;
    int seen = 0;
    while (kv_next(map, 1, at, seen > 0, &at, &value) == RSM_OK) {
        cr_assert(seen == 0 || get_u64(at.data) > last);
        last = get_u64(at.data);
        seen++;
    }
    cr_assert_eq(seen, COUNT);
    kv_free(map);
}
