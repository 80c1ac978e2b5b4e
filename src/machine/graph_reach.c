/* SPDX-License-Identifier: GPL-3.0-or-later */
/* graph_reach.c - a search over the graph in one direction (see graph.h); no recursion. */
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/machine/graph.h"
#include "src/machine/names.h"

struct graph_reach {
    struct name_set *ids; /* eight bytes each */
};

struct graph_reach *graph_reach_new(void)
{
    struct graph_reach *r = mem_alloc(sizeof *r);
    r->ids = name_set_new();
    return r;
}

void graph_reach_free(struct graph_reach *r)
{
    if (r == NULL)
        return;
    name_set_free(r->ids);
    mem_free(r);
}

void graph_reach_clear(struct graph_reach *r)
{
    name_set_clear(r->ids);
}

bool graph_reach_add(struct graph_reach *r, uint64_t id)
{
    uint8_t bytes[8];
    size_t index;
    uint32_t walk;
    put_u64(bytes, id);
    return name_set_add(r->ids, bytes_make(bytes, sizeof bytes), 0, &index, &walk);
}

bool graph_reach_has(const struct graph_reach *r, uint64_t id)
{
    uint8_t bytes[8];
    put_u64(bytes, id);
    return name_set_has(r->ids, bytes_make(bytes, sizeof bytes));
}

size_t graph_reach_count(const struct graph_reach *r)
{
    return name_set_count(r->ids);
}

uint64_t graph_reach_at(const struct graph_reach *r, size_t index)
{
    return get_u64(name_set_at(r->ids, index).data);
}

enum rsm_status graph_reach_add_below(struct graph_reach *r, struct kv *kv, struct bytes name,
                                      size_t max)
{
    struct key prefix, place;
    struct bytes key, value;
    enum rsm_status status = RSM_OK;
    if (!key_node_name(&prefix, name))
        return RSM_OK;
    place = prefix;
    for (bool is_first = true; graph_reach_count(r) < max; is_first = false) {
        status = kv_next(kv, TABLE_NODE, key_bytes(&place), !is_first, &key, &value);
        if (status != RSM_OK || !key_begins_with(key, key_bytes(&prefix)))
            break;
        if (value.size != 8 || key.size > sizeof place.data)
            return RSM_DAMAGED;
        (void)graph_reach_add(r, get_u64(value.data));
        place.size = key.size;
        memcpy(place.data, key.data, key.size);
    }
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

enum rsm_status graph_reach_run(struct graph_reach *r, struct kv *kv, bool is_backward, size_t max)
{
    for (size_t at = 0; at < graph_reach_count(r) && graph_reach_count(r) < max; at++) {
        struct graph_walk walk = {.id = graph_reach_at(r, at), .is_backward = is_backward};
        enum rsm_status status = RSM_OK;
        while (graph_reach_count(r) < max && (status = graph_next(kv, &walk)) == RSM_OK)
            (void)graph_reach_add(r, is_backward ? walk.edge.from : walk.edge.to);
        if (status != RSM_OK && status != RSM_NOT_FOUND)
            return status;
    }
    return RSM_OK;
}
