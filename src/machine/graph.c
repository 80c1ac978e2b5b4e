/* SPDX-License-Identifier: GPL-3.0-or-later */
/* graph.c - nodes and edges (see graph.h). */
#include "src/machine/graph.h"

#include <string.h>

#include "src/base/check.h"

#define EDGE_KEY_SIZE 27u

static enum rsm_status next_id(struct kv *kv, uint64_t *id_out)
{
    struct bytes value;
    uint8_t bytes[8];
    uint64_t id = 0;
    enum rsm_status status = kv_get(kv, TABLE_META, bytes_of_string(META_NODE_ID), &value);
    if (status == RSM_OK && value.size != 8)
        return RSM_DAMAGED;
    if (status == RSM_OK)
        id = get_u64(value.data);
    else if (status != RSM_NOT_FOUND)
        return status;
    *id_out = id + 1;
    put_u64(bytes, id + 1);
    return kv_put(kv, TABLE_META, bytes_of_string(META_NODE_ID), bytes_make(bytes, sizeof bytes));
}

enum rsm_status graph_node(struct kv *kv, struct bytes node, bool make, uint64_t *id_out)
{
    struct bytes value;
    uint8_t id[8], row[8 + sizeof((struct key *)0)->data];
    enum rsm_status status = kv_get(kv, TABLE_NODE, node, &value);
    if (status == RSM_OK && value.size != 8)
        return RSM_DAMAGED;
    if (status == RSM_OK)
        *id_out = get_u64(value.data);
    if (status != RSM_NOT_FOUND || !make)
        return status;
    status = next_id(kv, id_out);
    put_u64(id, *id_out);
    if (status == RSM_OK)
        status = kv_put(kv, TABLE_NODE, node, bytes_make(id, sizeof id));
    CHECK(node.size <= sizeof row - 8);
    put_u64(row, 0);
    memcpy(row + 8, node.data, node.size);
    if (status == RSM_OK)
        status =
            kv_put(kv, TABLE_NODE_ROW, bytes_make(id, sizeof id), bytes_make(row, 8 + node.size));
    return status;
}

enum rsm_status graph_node_row(struct kv *kv, uint64_t id, uint64_t *label_out,
                               struct bytes *node_out)
{
    struct bytes value;
    uint8_t key[8];
    put_u64(key, id);
    enum rsm_status status = kv_get(kv, TABLE_NODE_ROW, bytes_make(key, sizeof key), &value);
    if (status == RSM_NOT_FOUND || (status == RSM_OK && value.size < 9))
        return RSM_DAMAGED;
    if (status != RSM_OK)
        return status;
    *label_out = get_u64(value.data);
    *node_out = bytes_make(value.data + 8, value.size - 8);
    return RSM_OK;
}

enum rsm_status graph_node_bytes(struct kv *kv, uint64_t id, struct bytes *node_out)
{
    uint64_t label;
    return graph_node_row(kv, id, &label, node_out);
}

static enum rsm_status has_edge(struct kv *kv, enum table table, uint64_t id)
{
    struct bytes key, value;
    uint8_t prefix[8];
    put_u64(prefix, id);
    struct bytes from = bytes_make(prefix, sizeof prefix);
    enum rsm_status status = kv_next(kv, (uint8_t)table, from, false, &key, &value);
    return status == RSM_OK && !key_begins_with(key, from) ? RSM_NOT_FOUND : status;
}

enum rsm_status graph_drop_lonely(struct kv *kv, uint64_t id)
{
    struct bytes node;
    struct key key;
    uint8_t row[8];
    enum rsm_status status = has_edge(kv, TABLE_EDGE, id);
    if (status == RSM_NOT_FOUND)
        status = has_edge(kv, TABLE_EDGE_BACK, id);
    if (status != RSM_NOT_FOUND)
        return status;
    status = graph_node_bytes(kv, id, &node);
    if (status != RSM_OK)
        return status;
    CHECK(node.size <= sizeof key.data);
    key.size = node.size;
    memcpy(key.data, node.data, node.size);
    put_u64(row, id);
    status = kv_del(kv, TABLE_NODE, key_bytes(&key));
    return status == RSM_OK ? kv_del(kv, TABLE_NODE_ROW, bytes_make(row, sizeof row)) : status;
}

/* ---- edges ---- */

static struct bytes edge_key(const struct graph_edge *e, bool is_backward,
                             uint8_t key[EDGE_KEY_SIZE])
{
    put_u64(key, is_backward ? e->to : e->from);
    key[8] = (uint8_t)e->class;
    put_u16(key + 9, e->type);
    put_u64(key + 11, e->zone_id);
    put_u64(key + 19, is_backward ? e->from : e->to);
    return bytes_make(key, EDGE_KEY_SIZE);
}

enum rsm_status graph_has(struct kv *kv, const struct graph_edge *edge)
{
    uint8_t key[EDGE_KEY_SIZE];
    struct bytes value;
    return kv_get(kv, TABLE_EDGE, edge_key(edge, false, key), &value);
}

enum rsm_status graph_link(struct kv *kv, const struct graph_edge *edge)
{
    uint8_t key[EDGE_KEY_SIZE];
    struct bytes none = {NULL, 0};
    enum rsm_status status = kv_put(kv, TABLE_EDGE, edge_key(edge, false, key), none);
    return status == RSM_OK ? kv_put(kv, TABLE_EDGE_BACK, edge_key(edge, true, key), none) : status;
}

enum rsm_status graph_unlink(struct kv *kv, const struct graph_edge *edge)
{
    uint8_t key[EDGE_KEY_SIZE];
    enum rsm_status status = kv_del(kv, TABLE_EDGE, edge_key(edge, false, key));
    if (status != RSM_OK || MUTANT(ONE_WAY_EDGES))
        return status;
    return kv_del(kv, TABLE_EDGE_BACK, edge_key(edge, true, key));
}

/* What all keys of the walk begin with. */
static void walk_prefix(const struct graph_walk *w, struct key *prefix)
{
    put_u64(prefix->data, w->id);
    prefix->size = 8;
    if (w->class == 0)
        return;
    prefix->data[8] = (uint8_t)w->class;
    prefix->size = 9;
    if (!w->one_set && !w->one_type)
        return;
    put_u16(prefix->data + 9, w->type);
    prefix->size = 11;
    if (!w->one_set)
        return;
    put_u64(prefix->data + 11, w->zone_id);
    prefix->size = 19;
}

enum rsm_status graph_next(struct kv *kv, struct graph_walk *w)
{
    enum table table = w->is_backward ? TABLE_EDGE_BACK : TABLE_EDGE;
    struct key prefix;
    struct bytes key, value;
    walk_prefix(w, &prefix);
    bool is_first = w->place.size == 0;
    enum rsm_status status = kv_next(kv, (uint8_t)table, key_bytes(is_first ? &prefix : &w->place),
                                     !is_first, &key, &value);
    if (status != RSM_OK)
        return status;
    if (!key_begins_with(key, key_bytes(&prefix)))
        return RSM_NOT_FOUND;
    if (key.size != EDGE_KEY_SIZE || key.data[8] < EDGE_DECIDES || key.data[8] > EDGE_REFERS)
        return RSM_DAMAGED;
    uint64_t other = get_u64(key.data + 19);
    w->edge = (struct graph_edge){.from = w->is_backward ? other : w->id,
                                  .to = w->is_backward ? w->id : other,
                                  .class = (enum edge_class)key.data[8],
                                  .type = get_u16(key.data + 9),
                                  .zone_id = get_u64(key.data + 11)};
    w->place.size = key.size;
    memcpy(w->place.data, key.data, key.size);
    return RSM_OK;
}
