/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * graph_order.c - the topological order of the edges that decide (see graph.h).
 *
 *     before        to ... ... ... from            an edge from -> to does not fit
 *                   |F      B   F  B  |
 *     after         B ... ... B F ... F            the same labels, given out anew
 *
 * F is what `to` leads to below the label of `from`, B what leads to `from` above that of `to`:
 * only these change places. `from` among F is a cycle. A node without a label has no edge that
 * decides yet; a new end gets a label outside all others, so that a graph that grows at its ends is
 * never searched.
 */
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/machine/graph.h"
#include "src/machine/names.h"

#define LABEL_MIDDLE (UINT64_C(1) << 63)

struct visit {
    uint64_t id, label;
    uint32_t parent; /* the visit that led here */
};

struct graph {
    struct name_set *seen; /* ids as bytes; the place of each is its visit */
    struct visit *visits;  /* owned */
    size_t count, capacity;
    struct visit *moved; /* owned: B and F by label */
    size_t moved_capacity;
    uint64_t *pool; /* owned: their labels */
    uint64_t *path; /* owned */
    size_t path_count, path_capacity;
    uint64_t total;
};

struct graph *graph_new(void)
{
    struct graph *g = mem_alloc(sizeof *g);
    g->seen = name_set_new();
    return g;
}

void graph_free(struct graph *g)
{
    if (g == NULL)
        return;
    name_set_free(g->seen);
    mem_free(g->visits);
    mem_free(g->moved);
    mem_free(g->pool);
    mem_free(g->path);
    mem_free(g);
}

size_t graph_path_count(const struct graph *g)
{
    return g->path_count;
}

uint64_t graph_path_at(const struct graph *g, size_t index)
{
    CHECK(index < g->path_count);
    return g->path[index];
}

uint64_t graph_visits(const struct graph *g)
{
    return g->total;
}

/* ---- labels ---- */

static enum rsm_status load_label(struct kv *kv, uint64_t id, uint64_t *label_out)
{
    struct bytes node;
    return graph_node_row(kv, id, label_out, &node);
}

static enum rsm_status save_label(struct kv *kv, uint64_t id, uint64_t label)
{
    struct bytes value;
    uint8_t key[8], row[8 + sizeof((struct key *)0)->data];
    put_u64(key, id);
    enum rsm_status status = kv_get(kv, TABLE_NODE_ROW, bytes_make(key, sizeof key), &value);
    if (status != RSM_OK)
        return status;
    if (value.size > sizeof row)
        return RSM_DAMAGED;
    memcpy(row, value.data, value.size);
    put_u64(row, label);
    return kv_put(kv, TABLE_NODE_ROW, bytes_make(key, sizeof key), bytes_make(row, value.size));
}

/* The next label outside all others: below them, or above. */
static enum rsm_status outer_label(struct kv *kv, const char *name, bool is_below,
                                   uint64_t *label_out)
{
    struct bytes value;
    uint8_t bytes[8];
    uint64_t last = LABEL_MIDDLE;
    enum rsm_status status = kv_get(kv, TABLE_META, bytes_of_string(name), &value);
    if (status == RSM_OK && value.size != 8)
        return RSM_DAMAGED;
    if (status == RSM_OK)
        last = get_u64(value.data);
    else if (status != RSM_NOT_FOUND)
        return status;
    *label_out = is_below ? last - 1 : last + 1;
    put_u64(bytes, *label_out);
    return kv_put(kv, TABLE_META, bytes_of_string(name), bytes_make(bytes, sizeof bytes));
}

static enum rsm_status give_label(struct kv *kv, uint64_t id, bool is_below)
{
    uint64_t label;
    enum rsm_status status =
        outer_label(kv, is_below ? META_LABEL_LOW : META_LABEL_HIGH, is_below, &label);
    return status == RSM_OK ? save_label(kv, id, label) : status;
}

/* ---- searches ---- */

/* False: it was seen already. */
static bool visit(struct graph *g, uint64_t id, uint64_t label, uint32_t parent)
{
    uint8_t bytes[8];
    size_t index;
    uint32_t walk;
    put_u64(bytes, id);
    if (!name_set_add(g->seen, bytes_make(bytes, sizeof bytes), 0, &index, &walk))
        return false;
    if (g->count == g->capacity) {
        g->capacity = g->capacity == 0 ? 64 : 2 * g->capacity;
        g->visits = mem_realloc(g->visits, g->capacity * sizeof *g->visits);
    }
    CHECK(index == g->count);
    g->visits[g->count++] = (struct visit){id, label, parent};
    g->total++;
    return true;
}

/* The way to the last visit, which is `from`. */
static void keep_path(struct graph *g)
{
    size_t count = 1;
    for (size_t at = g->count - 1; at != 0; at = g->visits[at].parent)
        count++;
    if (count > g->path_capacity) {
        g->path_capacity = count;
        g->path = mem_realloc(g->path, count * sizeof *g->path);
    }
    g->path_count = count;
    for (size_t at = g->count - 1; count > 0; at = g->visits[at].parent)
        g->path[--count] = g->visits[at].id;
}

/*
 * From visit `first` (the last one) on: forward up to label `bound`, or backward down to it. In the
 * order in which nodes were found, so that a path is one of the shortest.
 */
static enum rsm_status search(struct graph *g, struct kv *kv, bool is_backward, uint64_t bound,
                              uint64_t goal, enum graph_order *order_out)
{
    for (size_t at = g->count - 1; at < g->count; at++) {
        struct graph_walk walk = {
            .id = g->visits[at].id, .is_backward = is_backward, .class = EDGE_DECIDES};
        enum rsm_status status;
        while ((status = graph_next(kv, &walk)) == RSM_OK) {
            uint64_t label;
            uint64_t next = is_backward ? walk.edge.from : walk.edge.to;
            status = load_label(kv, next, &label);
            if (status != RSM_OK)
                return status;
            if (is_backward ? label < bound : label > bound)
                continue;
            if (!visit(g, next, label, (uint32_t)at))
                continue;
            if (next == goal) {
                keep_path(g);
                *order_out = GRAPH_CYCLE;
                return RSM_OK;
            }
            if (g->count > GRAPH_VISITS_MAX) {
                *order_out = GRAPH_TOO_LARGE;
                return RSM_OK;
            }
        }
        if (status != RSM_NOT_FOUND)
            return status;
    }
    return RSM_OK;
}

/* ---- changing places ---- */

/* Shell sort: no recursion, and the same work for the same input. */
static void sort_visits(struct visit *items, size_t count)
{
    for (size_t gap = count / 2; gap > 0; gap /= 2) {
        for (size_t i = gap; i < count; i++) {
            struct visit item = items[i];
            size_t at = i;
            while (at >= gap && items[at - gap].label > item.label) {
                items[at] = items[at - gap];
                at -= gap;
            }
            items[at] = item;
        }
    }
}

/* Visits [0, forward) are F, the others B. */
static enum rsm_status change_places(struct graph *g, struct kv *kv, size_t forward)
{
    size_t count = g->count;
    if (count > g->moved_capacity) {
        g->moved_capacity = count;
        g->moved = mem_realloc(g->moved, count * sizeof *g->moved);
        g->pool = mem_realloc(g->pool, count * sizeof *g->pool);
    }
    memcpy(g->moved, g->visits, count * sizeof *g->moved);
    sort_visits(g->moved, count);
    for (size_t i = 0; i < count; i++)
        g->pool[i] = g->moved[i].label;
    size_t backward = count - forward;
    memcpy(g->moved, g->visits + forward, backward * sizeof *g->moved);
    memcpy(g->moved + backward, g->visits, forward * sizeof *g->moved);
    sort_visits(g->moved, backward);
    sort_visits(g->moved + backward, forward);
    enum rsm_status status = RSM_OK;
    for (size_t i = 0; i < count && status == RSM_OK; i++) {
        if (g->moved[i].label != g->pool[i] && !MUTANT(KEEP_LABELS))
            status = save_label(kv, g->moved[i].id, g->pool[i]);
    }
    return status;
}

static enum rsm_status reorder(struct graph *g, struct kv *kv, const struct visit *from,
                               const struct visit *to, enum graph_order *order_out)
{
    name_set_clear(g->seen);
    g->count = 0;
    (void)visit(g, to->id, to->label, 0);
    enum rsm_status status = search(g, kv, false, from->label, from->id, order_out);
    if (status != RSM_OK || *order_out != GRAPH_ORDERED)
        return status;
    size_t forward = g->count;
    (void)visit(g, from->id, from->label, 0);
    status = search(g, kv, true, to->label, 0, order_out);
    if (status != RSM_OK || *order_out != GRAPH_ORDERED)
        return status;
    return change_places(g, kv, forward);
}

enum rsm_status graph_order(struct graph *g, struct kv *kv, uint64_t from, uint64_t to,
                            enum graph_order *order_out)
{
    struct visit a = {.id = from};
    struct visit b = {.id = to};
    *order_out = GRAPH_ORDERED;
    g->path_count = 0;
    if (from == to) {
        name_set_clear(g->seen);
        g->count = 0;
        (void)visit(g, from, 0, 0);
        keep_path(g);
        *order_out = GRAPH_CYCLE;
        return RSM_OK;
    }
    enum rsm_status status = load_label(kv, from, &a.label);
    if (status == RSM_OK)
        status = load_label(kv, to, &b.label);
    if (status != RSM_OK)
        return status;
    g->total += 2;
    if (b.label == 0)
        status = give_label(kv, to, false);
    if (status == RSM_OK && a.label == 0)
        return give_label(kv, from, true);
    if (status != RSM_OK || b.label == 0 || a.label < b.label)
        return status;
    return reorder(g, kv, &a, &b, order_out);
}
