/* SPDX-License-Identifier: GPL-3.0-or-later */
/* impact_reach.c - see impact_reach.h; no recursion. */
#include "src/machine/impact_reach.h"

#include <string.h>

#include "src/machine/graph.h"
#include "src/machine/judge.h"
#include "src/machine/names.h"
#include "src/machine/service.h"

#define IS_NAME 1u
#define IS_SERVICE 2u
#define IS_BELOW 3u
#define IS_MADE 4u

static bool has_services(struct judge *j)
{
    return judge_found(j, memo_has_rows(j->m->memo, j->kv, TABLE_SERVICE));
}

void impact_reach_begin(struct impact_reach *r, struct judge *j)
{
    *r = (struct impact_reach){
        .j = j, .has_services = has_services(j), .has_dnames = graph_dnames(j) > 0};
    name_set_clear(j->m->names);
}

/* True: it is new. */
static bool add(struct impact_reach *r, struct bytes key)
{
    size_t index;
    uint32_t walk;
    struct name_set *all = r->j->m->names;
    if (name_set_count(all) >= GRAPH_VISITS_MAX) {
        r->is_cut |= !name_set_has(all, key);
        return false;
    }
    if (!name_set_add(all, key, 1, &index, &walk))
        return false;
    r->marks += key.data[0] >= IS_BELOW ? 1 : 0;
    r->services += key.data[0] == IS_SERVICE ? 1 : 0;
    return true;
}

static void add_name(struct impact_reach *r, struct bytes name)
{
    struct key key;
    if (key_node_name(&key, name))
        (void)add(r, key_bytes(&key));
}

static void add_service(struct impact_reach *r, struct bytes service)
{
    struct key key;
    key_node_service(&key, service);
    (void)add(r, key_bytes(&key));
}

/* What is below the name is reached when it is looked at. */
static void mark_below(struct impact_reach *r, struct bytes name)
{
    struct key key;
    if (!key_node_name(&key, name))
        return;
    key.data[0] = IS_BELOW;
    r->has_below |= add(r, key_bytes(&key));
}

void impact_reach_change(struct impact_reach *r, struct bytes zone, struct bytes owner,
                         uint16_t type)
{
    add_name(r, owner);
    if (name_is_wildcard(owner))
        mark_below(r, name_parent(owner));
    else if (type == RR_TYPE_DNAME || (type == RR_TYPE_NS && !bytes_equal(owner, zone)))
        mark_below(r, owner);
}

/* ---- services ---- */

static void add_services_of(struct impact_reach *r, struct bytes name)
{
    struct service_walk walk = {.name = name};
    while (judge_found(r->j, service_next(r->j->kv, &walk)))
        add_service(r, walk.service);
}

static size_t wire_size(struct bytes key)
{
    size_t offset = 0;
    while (offset < key.size && key.data[offset] != 0)
        offset += 1u + key.data[offset];
    return offset < key.size ? offset + 1 : 0;
}

static bool is_below_mark(const struct impact_reach *r, struct bytes name)
{
    for (;; name = name_parent(name)) {
        struct key key;
        if (key_node_name(&key, name)) {
            key.data[0] = IS_BELOW;
            if (name_set_has(r->j->m->names, key_bytes(&key)))
                return true;
        }
        if (name.size <= 1)
            return false;
    }
}

/* One walk over the names of all services, whatever number of marks there is. */
static void add_services_below(struct impact_reach *r)
{
    struct judge *j = r->j;
    struct key place = {.size = 0};
    struct bytes key, value;
    r->has_below = false;
    if (!r->has_services)
        return;
    while (judge_found(j, kv_next(j->kv, TABLE_SERVICE_NAME, key_bytes(&place), place.size > 0,
                                  &key, &value)) &&
           key.size <= sizeof place.data) {
        place.size = key.size;
        memcpy(place.data, key.data, key.size);
        size_t size = wire_size(key_bytes(&place));
        if (size > 0 && is_below_mark(r, bytes_make(place.data, size)))
            add_service(r, bytes_make(place.data + size, place.size - size));
    }
}

/* ---- over the graph ---- */

static bool is_apex(struct impact_reach *r, struct bytes name)
{
    struct zone_record row;
    return judge_found(r->j, zone_load(r->j->kv, name, &row));
}

/* Whoever points at the node; a delegation whose server is reached answers for all below it. */
static void add_pointing(struct impact_reach *r, struct bytes node)
{
    struct judge *j = r->j;
    struct graph_walk walk = {.is_backward = true};
    if (!judge_found(j, graph_node(j->kv, node, false, &walk.id)))
        return;
    while (!r->is_cut && judge_found(j, graph_next(j->kv, &walk))) {
        struct bytes from, name;
        uint8_t buffer[LIMIT_NAME_SIZE];
        struct key key;
        if (!judge_found(j, graph_node_bytes(j->kv, walk.edge.from, &from)))
            return;
        key.size = from.size <= sizeof key.data ? from.size : 0;
        memcpy(key.data, from.data, key.size);
        (void)add(r, key_bytes(&key));
        if (walk.edge.type == RR_TYPE_NS && key_parse_node(key_bytes(&key), buffer, &name) &&
            !is_apex(r, name))
            mark_below(r, name);
    }
}

static void add_made(struct impact_reach *r, struct bytes name)
{
    struct key key;
    uint64_t id;
    if (!key_node_name(&key, name))
        return;
    if (!judge_found(r->j, graph_node(r->j->kv, key_bytes(&key), false, &id)))
        key.data[0] = IS_MADE;
    (void)add(r, key_bytes(&key));
}

/* x.d for x.t, where d has a DNAME to t: for each name t above. */
static void add_made_by_dname(struct impact_reach *r, struct bytes name)
{
    struct judge *j = r->j;
    for (struct bytes above = name; above.size > 1;) {
        struct key key;
        struct graph_walk walk = {
            .is_backward = true, .class = EDGE_REFERS, .one_type = true, .type = RR_TYPE_DNAME};
        above = name_parent(above);
        if (!key_node_name(&key, above) ||
            !judge_found(j, graph_node(j->kv, key_bytes(&key), false, &walk.id)))
            continue;
        while (!r->is_cut && judge_found(j, graph_next(j->kv, &walk))) {
            uint8_t buffer[LIMIT_NAME_SIZE], made[LIMIT_NAME_SIZE];
            struct bytes from, owner;
            size_t head = name.size - above.size;
            if (!judge_found(j, graph_node_bytes(j->kv, walk.edge.from, &from)) ||
                !key_parse_node(from, buffer, &owner) || head + owner.size > sizeof made)
                continue;
            memcpy(made, name.data, head);
            memcpy(made + head, owner.data, owner.size);
            add_made(r, bytes_make(made, head + owner.size));
        }
    }
}

static void add_nodes_below(struct impact_reach *r, struct bytes name)
{
    struct judge *j = r->j;
    struct key prefix, place;
    struct bytes key, value;
    bool is_first = true;
    if (!key_node_name(&prefix, name))
        return;
    place = prefix;
    while (!r->is_cut &&
           judge_found(j, kv_next(j->kv, TABLE_NODE, key_bytes(&place), !is_first, &key, &value)) &&
           key_begins_with(key, key_bytes(&prefix)) && key.size <= sizeof place.data) {
        is_first = false;
        place.size = key.size;
        memcpy(place.data, key.data, key.size);
        if (place.size > prefix.size)
            (void)add(r, key_bytes(&place));
    }
}

void impact_reach_below(struct impact_reach *r, struct bytes name)
{
    add_name(r, name);
    mark_below(r, name);
    add_nodes_below(r, name);
}

static void look_at(struct impact_reach *r, struct bytes entry)
{
    struct key key = {.size = entry.size};
    uint8_t buffer[LIMIT_NAME_SIZE];
    struct bytes name;
    uint8_t kind = entry.data[0];
    memcpy(key.data, entry.data, entry.size); /* the set moves when it grows */
    if (kind == IS_SERVICE) {
        add_pointing(r, key_bytes(&key));
        return;
    }
    key.data[0] = IS_NAME;
    if (kind != IS_BELOW)
        add_pointing(r, key_bytes(&key));
    if (kind != IS_BELOW && !r->has_dnames && !r->has_services)
        return; /* nobody wants the name */
    if (!key_parse_node(key_bytes(&key), buffer, &name))
        return;
    if (kind == IS_BELOW) {
        add_nodes_below(r, name);
        return;
    }
    if (r->has_dnames)
        add_made_by_dname(r, name);
    if (r->has_services)
        add_services_of(r, name);
}

void impact_reach_services(struct impact_reach *r)
{
    struct judge *j = r->j;
    size_t count = name_set_count(j->m->names);
    for (size_t at = 0; r->has_services && at < count; at++) {
        uint8_t buffer[LIMIT_NAME_SIZE];
        struct bytes name;
        if (key_parse_node(name_set_at(j->m->names, at), buffer, &name))
            add_services_of(r, name);
    }
    if (r->has_below)
        add_services_below(r);
}

void impact_reach_run(struct impact_reach *r)
{
    struct judge *j = r->j;
    for (;;) {
        for (; !r->is_cut && j->fault == RSM_OK && r->looked < name_set_count(j->m->names);
             r->looked++)
            look_at(r, name_set_at(j->m->names, r->looked));
        if (!r->has_below || r->is_cut || j->fault != RSM_OK)
            return;
        add_services_below(r);
    }
}

size_t impact_reach_count(const struct impact_reach *r)
{
    return name_set_count(r->j->m->names) - r->marks;
}

bool impact_reach_next_service(const struct impact_reach *r, size_t *at, struct bytes *service_out)
{
    for (; *at < name_set_count(r->j->m->names); (*at)++) {
        struct bytes entry = name_set_at(r->j->m->names, *at);
        if (entry.data[0] != IS_SERVICE)
            continue;
        *service_out = bytes_make(entry.data + 1, entry.size - 1);
        (*at)++;
        return true;
    }
    return false;
}
