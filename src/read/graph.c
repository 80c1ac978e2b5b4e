/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * graph.c - `graph`: what a zone's names depend on and who depends on them, one step; of a
 * single name or service both, all the way.
 */
#include <stdio.h>
#include <string.h>

#include "src/machine/graph.h"
#include "src/machine/service.h"
#include "src/read/read.h"
#include "src/read/render.h"
#include "src/rr/data.h"
#include "src/rr/name.h"

#define GRAPH_NODES_MAX 100000u
#define SERVICE_PREFIX "service:"

struct answer_edges {
    struct writer items;
    uint32_t count;
    uint64_t limit;
    bool is_full;
};

static void pack_node(struct writer *out, const char *key, struct bytes node)
{
    char text[NAME_TEXT_MAX];
    uint8_t buffer[LIMIT_NAME_SIZE];
    struct bytes name;
    pack_key(out, key);
    if (key_parse_node(node, buffer, &name))
        pack_text(out, name_to_text(name, text));
    else {
        (void)snprintf(text, sizeof text, "service:%.*s", (int)node.size - 1,
                       (const char *)node.data + 1);
        pack_text(out, text);
    }
}

static enum rsm_status add_edge(struct kv *kv, struct answer_edges *e,
                                const struct graph_edge *edge)
{
    char type[RR_TYPE_TEXT_MAX];
    struct bytes node;
    e->is_full = e->count >= e->limit || e->items.size >= PAGE_BYTES;
    if (e->is_full)
        return RSM_OK;
    pack_map(&e->items, 4);
    enum rsm_status status = graph_node_bytes(kv, edge->from, &node);
    if (status != RSM_OK)
        return status;
    pack_node(&e->items, "from", node);
    status = graph_node_bytes(kv, edge->to, &node);
    if (status != RSM_OK)
        return status;
    pack_node(&e->items, "to", node);
    pack_key(&e->items, "type");
    pack_text(&e->items, edge->type == 0 ? "service" : rr_type_to_text(edge->type, type));
    pack_key(&e->items, "decides");
    pack_bool(&e->items, edge->class == EDGE_DECIDES);
    e->count++;
    return RSM_OK;
}

/* The edges of all nodes; of those that go back to one in `other` its own side has told. */
static enum rsm_status add_edges(struct kv *kv, struct answer_edges *e,
                                 const struct graph_reach *nodes, bool is_backward,
                                 const struct graph_reach *other)
{
    for (size_t i = 0; i < graph_reach_count(nodes); i++) {
        struct graph_walk walk = {.id = graph_reach_at(nodes, i), .is_backward = is_backward};
        enum rsm_status status = RSM_OK;
        while (!e->is_full && (status = graph_next(kv, &walk)) == RSM_OK) {
            if (is_backward && graph_reach_has(other, walk.edge.from))
                continue;
            status = add_edge(kv, e, &walk.edge);
            if (status != RSM_OK)
                return status;
        }
        if (status != RSM_OK && status != RSM_NOT_FOUND)
            return status;
    }
    return RSM_OK;
}

/* All that the node needs, and all that needs it; what has no edge is no node. */
static enum rsm_status collect_node(struct kv *kv, struct bytes node, struct answer_edges *e,
                                    struct graph_reach *onward, struct graph_reach *back)
{
    uint64_t id;
    enum rsm_status status = graph_node(kv, node, false, &id);
    if (status != RSM_OK)
        return status == RSM_NOT_FOUND ? RSM_OK : status;
    (void)graph_reach_add(onward, id);
    (void)graph_reach_add(back, id);
    status = graph_reach_run(onward, kv, false, GRAPH_NODES_MAX);
    if (status == RSM_OK)
        status = graph_reach_run(back, kv, true, GRAPH_NODES_MAX);
    if (status == RSM_OK)
        status = add_edges(kv, e, onward, false, NULL);
    return status == RSM_OK ? add_edges(kv, e, back, true, onward) : status;
}

/* `zone` not empty: a zone's names, one step. */
static enum rsm_status collect(struct kv *kv, struct bytes zone, const struct key *node,
                               struct answer_edges *e, struct graph_reach *onward,
                               struct graph_reach *back)
{
    if (zone.size == 0)
        return collect_node(kv, key_bytes(node), e, onward, back);
    enum rsm_status status = graph_reach_add_below(onward, kv, zone, GRAPH_NODES_MAX);
    if (status == RSM_OK)
        status = add_edges(kv, e, onward, false, NULL);
    return status == RSM_OK ? add_edges(kv, e, onward, true, onward) : status;
}

/* "service:NAME": RSM_OK and true in `is_out`; anything else is left where it is. */
static enum rsm_status take_service(struct call *call, struct key *node, bool *is_out)
{
    static const size_t prefix = sizeof SERVICE_PREFIX - 1;
    struct body_service service;
    struct unpack ahead = call->params;
    struct bytes text = unpack_octets(&ahead, NAME_TEXT_MAX);
    *is_out = unpack_ok(&ahead) && unpack_peek(&call->params) == UNPACK_STR && text.size > prefix &&
              memcmp(text.data, SERVICE_PREFIX, prefix) == 0;
    if (!*is_out)
        return RSM_OK;
    call->params = ahead;
    struct bytes name = bytes_make(text.data + prefix, text.size - prefix);
    enum rsm_status status = RSM_NOT_FOUND;
    if (name.size <= LIMIT_LABEL_SIZE)
        status = service_load(call->kv, name, &service);
    if (status == RSM_NOT_FOUND)
        return call_fail(call, status, "there is no service %.*s", (int)name.size,
                         (const char *)name.data);
    key_node_service(node, name);
    return status;
}

/* Where the graph is looked at from: a zone's name in `zone_out`, else one node. */
static enum rsm_status take_start(struct call *call, uint8_t buffer[LIMIT_NAME_SIZE],
                                  struct bytes *zone_out, struct key *node)
{
    struct zone_record row;
    struct bytes name;
    bool is_service;
    enum rsm_status status = take_service(call, node, &is_service);
    if (status != RSM_OK || is_service)
        return status;
    status = param_name(call, "the zone or the name", buffer, &name);
    if (status != RSM_OK)
        return status;
    status = query_zone(call->kv, name, QUERY_NOW, &row);
    if (status == RSM_OK)
        *zone_out = name;
    else if (status == RSM_NOT_FOUND && key_node_name(node, name))
        status = RSM_OK;
    return status;
}

enum rsm_status read_graph(struct call *call, struct writer *out)
{
    uint8_t buffer[LIMIT_NAME_SIZE];
    struct bytes zone = {NULL, 0};
    struct key node;
    enum rsm_status status = take_start(call, buffer, &zone, &node);
    if (status != RSM_OK)
        return status;
    struct answer_edges edges = {.limit = option_limit(call)};
    struct graph_reach *onward = graph_reach_new();
    struct graph_reach *back = graph_reach_new();
    writer_init(&edges.items, LIMIT_ANSWER_SIZE);
    status = collect(call->kv, zone, &node, &edges, onward, back);
    result_begin(call, out, 2);
    pack_key(out, "edges");
    pack_array(out, edges.count);
    writer_bytes(out, writer_result(&edges.items));
    pack_key(out, "truncated");
    pack_bool(out, edges.is_full);
    out->failed |= edges.items.failed;
    writer_deinit(&edges.items);
    graph_reach_free(onward);
    graph_reach_free(back);
    return status;
}
