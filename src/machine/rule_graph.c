/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rule_graph.c - the graph of dependencies follows the record sets, and what it shows: a cycle, and
 * a target that is not there.
 *
 * Edges come from CNAME, DNAME, NS, MX, SRV, SVCB and HTTPS; PTR says nothing about what is needed.
 * First all edges that go are taken out, then the new ones put in, so that a change set may turn a
 * dependency round. What is looked at is the state after the change: a target that the same change
 * set adds is there.
 *
 * Dangling is a name inside our zones that answers NXDOMAIN, or has nothing of its own, or that a
 * delegation needs as glue and has no address. Names in zones of others are not judged. A change is
 * looked at from both ends: where its own records point to, and who points at the names that it
 * makes come or go. Policy `dangling_allowed` = 1 lets both pass.
 */
#include "src/machine/judge.h"

#include <string.h>

#include "src/base/check.h"
#include "src/command/body_service.h"
#include "src/machine/answer.h"

/* Pointers looked at for one command. 65,536 changes and four times as many others. */
#define POINTERS_MAX (1u << 18)
#define DANGLING_SHOWN_MAX 8u
#define PATH_SHOWN_MAX 8u

struct looking {
    struct judge *j;
    uint32_t looked;
    uint32_t shown;
};

/* ---- words ---- */

static const char *words_node(struct bytes node, char out[WORDS_SIZE])
{
    uint8_t buffer[LIMIT_NAME_SIZE];
    struct bytes name;
    if (key_parse_node(node, buffer, &name))
        return words_name(name, out);
    return words_object(OBJECT_SERVICE, bytes_make(node.data + 1, node.size - 1), out);
}

static void add_node(struct judge *j, struct writer *text, uint64_t id)
{
    char words[WORDS_SIZE];
    struct bytes node;
    if (judge_found(j, graph_node_bytes(j->kv, id, &node)))
        writer_format(text, "%s -> ", words_node(node, words));
}

/* "a. -> b. -> a."; the middle of a long path is counted. */
static void refuse_cycle(struct judge *j, uint64_t from)
{
    const struct graph *g = j->m->graph;
    size_t count = graph_path_count(g);
    struct writer text;
    writer_init(&text, 1u << 16);
    if (count > 1)
        add_node(j, &text, from);
    for (size_t i = 0; i < count; i++) {
        if (count > PATH_SHOWN_MAX && i == PATH_SHOWN_MAX - 1) {
            writer_format(&text, "(%zu more) -> ", count - PATH_SHOWN_MAX);
            i = count - 1;
        }
        add_node(j, &text, graph_path_at(g, i));
    }
    if (count == 1)
        add_node(j, &text, from);
    struct bytes path = writer_result(&text);
    path.size -= path.size >= 4 ? 4 : 0; /* the last arrow */
    judge_refuse(j, RSM_RULE_CYCLE, "dependencies lead back: %.*s", TEXT_ARGUMENTS(path));
    writer_deinit(&text);
}

/* ---- edges of one record set ---- */

static bool points(uint16_t type)
{
    return type == RR_TYPE_CNAME || type == RR_TYPE_DNAME || type == RR_TYPE_NS ||
           type == TYPE_MX || type == TYPE_SRV || type == TYPE_SVCB || type == TYPE_HTTPS;
}

/* Where one record points; false: nowhere ("." says so for MX, SRV, SVCB). */
static bool target_of(uint16_t type, struct bytes rdata, struct bytes *target_out,
                      enum edge_class *class_out)
{
    bool is_alias_mode =
        (type == TYPE_SVCB || type == TYPE_HTTPS) && rdata.size >= 2 && get_u16(rdata.data) == 0;
    *class_out = type == RR_TYPE_CNAME || is_alias_mode ? EDGE_DECIDES : EDGE_REFERS;
    return points(type) && rr_data_target(type, rdata, target_out) && target_out->size > 1;
}

static bool node_id(struct judge *j, struct bytes name, bool make, uint64_t *id_out)
{
    struct key node;
    return key_node_name(&node, name) &&
           judge_found(j, graph_node(j->kv, key_bytes(&node), make, id_out));
}

/* The change's records point at that node, in that class. */
static bool is_wanted(struct judge *j, const struct change *item, const struct graph_edge *edge)
{
    struct body_walk walk = item->rdatas;
    struct bytes rdata, target;
    enum edge_class class;
    uint64_t id;
    for (uint32_t i = 0; i < item->rdata_count && body_next_octets(&walk, &rdata); i++) {
        if (target_of(item->type, rdata, &target, &class) && class == edge->class &&
            node_id(j, target, false, &id) && id == edge->to)
            return true;
    }
    return false;
}

/* So many DNAMEs point somewhere: without any nobody looks for the names that they make. */
static void count_dname(struct judge *j, const struct graph_edge *edge, int64_t step)
{
    uint8_t count[8];
    if (edge->type != RR_TYPE_DNAME || j->fault != RSM_OK)
        return;
    j->m->writes_dnames = true;
    put_u64(count, graph_dnames(j) + (uint64_t)step);
    judge_put(j, TABLE_META, bytes_of_string(META_DNAMES), bytes_make(count, sizeof count));
}

uint64_t graph_dnames(struct judge *j)
{
    struct machine *m = j->m;
    struct bytes value;
    if (m->knows_dnames && !m->writes_dnames)
        return m->dnames;
    m->knows_dnames = true;
    m->dnames = 0;
    if (!judge_found(j, kv_get(j->kv, TABLE_META, bytes_of_string(META_DNAMES), &value)))
        return 0;
    if (value.size == 8)
        m->dnames = get_u64(value.data);
    else
        j->fault = RSM_DAMAGED;
    return m->dnames;
}

static void drop_edge(struct judge *j, const struct graph_edge *edge)
{
    count_dname(j, edge, -1);
    (void)judge_found(j, graph_unlink(j->kv, edge));
    if (j->fault == RSM_OK)
        (void)judge_found(j, graph_drop_lonely(j->kv, edge->to));
}

/* Takes edges of one record set out; with `item` those that it does not have any more. */
static void drop_edges(struct judge *j, struct bytes owner, uint16_t type, uint64_t zone_id,
                       const struct change *item)
{
    uint64_t from;
    if (!node_id(j, owner, false, &from))
        return;
    for (int class = EDGE_DECIDES; class <= EDGE_REFERS; class ++) {
        struct graph_walk walk = {.id = from,
                                  .class = (enum edge_class) class,
                                  .one_set = true,
                                  .type = type,
                                  .zone_id = zone_id};
        while (judge_found(j, graph_next(j->kv, &walk))) {
            if (item == NULL || !is_wanted(j, item, &walk.edge))
                drop_edge(j, &walk.edge);
        }
    }
    if (j->fault == RSM_OK)
        (void)judge_found(j, graph_drop_lonely(j->kv, from));
}

/* `what`: the node that it comes from, for evidence. */
static void link_edge(struct judge *j, struct graph_edge edge, const char *what)
{
    enum graph_order order = GRAPH_ORDERED;
    if (judge_found(j, graph_has(j->kv, &edge)) || j->fault != RSM_OK)
        return;
    if (edge.class == EDGE_DECIDES &&
        !judge_found(j, graph_order(j->m->graph, j->kv, edge.from, edge.to, &order)))
        return;
    if (order == GRAPH_ORDERED) {
        (void)judge_found(j, graph_link(j->kv, &edge));
        count_dname(j, &edge, 1);
    } else if (order == GRAPH_TOO_LARGE) {
        judge_refuse(j, RSM_RULE_QUOTA, "%s: more than %u names on the ways from its target", what,
                     GRAPH_VISITS_MAX);
    } else if (!j->has_cycle) {
        refuse_cycle(j, edge.from);
    }
    j->has_cycle |= order == GRAPH_CYCLE;
}

static void add_edge(struct judge *j, struct bytes owner, struct bytes target,
                     struct graph_edge edge)
{
    char words[WORDS_SIZE];
    if (node_id(j, owner, true, &edge.from) && node_id(j, target, true, &edge.to))
        link_edge(j, edge, words_name(owner, words));
}

static void add_edges(struct judge *j, const struct change_context *c, const struct change *item)
{
    struct body_walk walk = item->rdatas;
    struct bytes rdata, target;
    enum edge_class class;
    for (uint32_t i = 0; i < item->rdata_count && body_next_octets(&walk, &rdata); i++) {
        if (target_of(item->type, rdata, &target, &class))
            add_edge(
                j, item->owner, target,
                (struct graph_edge){.class = class, .type = item->type, .zone_id = c->row->id});
    }
}

/* ---- dangling ---- */

static bool has_address(struct judge *j, uint64_t zone_id, struct bytes name)
{
    static const uint16_t types[] = {RR_TYPE_A, RR_TYPE_AAAA};
    for (size_t i = 0; i < 2; i++) {
        struct rrset_record record;
        if (judge_found(j, rrset_load(j->kv, zone_id, name, types[i], &record)) && !record.deleted)
            return true;
    }
    return false;
}

/* Whether the target of a record set `type` at `owner` is there. */
static bool is_there(struct judge *j, uint16_t type, struct bytes owner, struct bytes target)
{
    struct answer a;
    if (!judge_found(j, answer_step(j->kv, target, 0, &a)))
        return true; /* a fault is told elsewhere */
    switch (a.kind) {
    case ANSWER_ELSEWHERE:
    case ANSWER_DNAME:
    case ANSWER_CNAME:
    case ANSWER_DATA:
        return true;
    case ANSWER_REFERRAL: /* glue is ours to give, the rest is the child's */
        return type != RR_TYPE_NS || !bytes_equal(a.owner, owner) ||
               has_address(j, a.zone_id, target);
    case ANSWER_NODATA:
        return !a.is_empty || type == RR_TYPE_DNAME;
    case ANSWER_NXDOMAIN:
        return false;
    }
    return false;
}

/* `pointer`: a name with a type, or a service. */
static void refuse_dangling(struct looking *l, const char *pointer, struct bytes target)
{
    char words[WORDS_SIZE];
    if (++l->shown > DANGLING_SHOWN_MAX)
        return;
    judge_refuse(l->j, RSM_RULE_DANGLING,
                 "%s -> %s, which would not be there: add it in the same change, take the pointer "
                 "away first, or allow it (policy dangling_allowed)",
                 pointer, words_name(target, words));
}

static bool may_look(struct looking *l)
{
    if (l->looked == POINTERS_MAX)
        judge_refuse(l->j, RSM_RULE_QUOTA, "more than %u pointers at the names that change",
                     POINTERS_MAX);
    return l->looked++ < POINTERS_MAX && l->j->fault == RSM_OK && l->shown <= DANGLING_SHOWN_MAX;
}

/* Where the records of the change point to; inside a new zone check_below looks. */
static void check_targets(struct looking *l, const struct change_context *c,
                          const struct change *item)
{
    struct body_walk walk = item->rdatas;
    struct bytes rdata, target;
    enum edge_class class;
    char words[WORDS_SIZE];
    for (uint32_t i = 0; i < item->rdata_count && body_next_octets(&walk, &rdata); i++) {
        if (!target_of(item->type, rdata, &target, &class) || !may_look(l) ||
            (c->is_new_zone && name_is_at_or_below(target, c->zone)))
            continue;
        if (!is_there(l->j, item->type, item->owner, target))
            refuse_dangling(l, words_rrset(item->owner, item->type, words), target);
    }
}

/* Who points at one node. */
static void check_pointers(struct looking *l, uint64_t id, struct bytes target)
{
    struct judge *j = l->j;
    struct graph_walk walk = {.id = id, .is_backward = true};
    char words[WORDS_SIZE];
    while (may_look(l) && judge_found(j, graph_next(j->kv, &walk))) {
        uint8_t buffer[LIMIT_NAME_SIZE];
        struct bytes node;
        struct bytes owner = {NULL, 0};
        if (!judge_found(j, graph_node_bytes(j->kv, walk.edge.from, &node)))
            return;
        bool is_name = key_parse_node(node, buffer, &owner);
        (void)(is_name ? words_rrset(owner, walk.edge.type, words) : words_node(node, words));
        if (!is_there(j, walk.edge.type, owner, target))
            refuse_dangling(l, words, target);
    }
}

/* Who points at the name, and at those below it. */
static void check_below(struct looking *l, struct bytes name, bool with_below)
{
    struct judge *j = l->j;
    struct key prefix, place;
    struct bytes key, value;
    if (MUTANT(FORGET_POINTERS) || !key_node_name(&prefix, name))
        return;
    place = prefix;
    for (bool is_first = true;; is_first = false) {
        uint8_t buffer[LIMIT_NAME_SIZE];
        struct bytes target;
        if (!judge_found(j,
                         kv_next(j->kv, TABLE_NODE, key_bytes(&place), !is_first, &key, &value)) ||
            !key_begins_with(key, key_bytes(&prefix)) || (!with_below && key.size != prefix.size))
            return;
        CHECK(key.size <= sizeof place.data);
        place.size = key.size;
        memcpy(place.data, key.data, key.size);
        if (value.size != 8 || !key_parse_node(key_bytes(&place), buffer, &target)) {
            j->fault = RSM_DAMAGED;
            return;
        }
        check_pointers(l, get_u64(value.data), target);
        if (!may_look(l))
            return;
    }
}

/* The graph knows the name, or one below it: else nobody points there, whatever comes or goes. */
static bool is_pointed_at(struct judge *j, struct bytes name)
{
    struct key prefix;
    struct bytes key, value;
    return key_node_name(&prefix, name) &&
           judge_found(j, kv_next(j->kv, TABLE_NODE, key_bytes(&prefix), false, &key, &value)) &&
           key_begins_with(key, key_bytes(&prefix));
}

/* Some wildcard above the name answered for names below it before it was there. */
static bool is_below_wildcard(struct judge *j, struct bytes zone, struct bytes name)
{
    while (name.size > zone.size) {
        uint8_t buffer[LIMIT_NAME_SIZE + 2] = {1, 1}; /* a label that nobody has */
        struct answer a;
        name = name_parent(name);
        memcpy(buffer + 2, name.data, name.size);
        struct bytes probe = bytes_make(buffer, name.size + 2);
        if (probe.size <= LIMIT_NAME_SIZE && judge_found(j, answer_step(j->kv, probe, 0, &a)) &&
            a.is_wildcard)
            return true;
    }
    return false;
}

/* A record set came or went: names that it made be there, or hid. */
static void check_change(struct looking *l, const struct change_context *c,
                         const struct change *item)
{
    struct bytes owner = item->owner;
    struct answer a;
    bool is_wildcard = name_is_wildcard(owner);
    bool is_cut = item->type == RR_TYPE_NS || item->type == RR_TYPE_DNAME;
    if ((item->count_before == 0) == (item->count_after == 0))
        return;
    if (is_wildcard)
        owner = name_parent(owner);
    if (bytes_equal(owner, c->zone) && !is_cut && !is_wildcard)
        return; /* the apex is there whatever becomes of it */
    if (!is_pointed_at(l->j, owner))
        return;
    bool with_below = is_wildcard || is_cut;
    /* Else only where the name, by coming or going, changes who answers for those below. */
    if (!with_below && item->count_before == 0)
        with_below = is_below_wildcard(l->j, c->zone, owner);
    else if (!with_below && judge_found(l->j, answer_step(l->j->kv, owner, 0, &a)))
        with_below = a.kind == ANSWER_NXDOMAIN || a.is_wildcard;
    check_below(l, owner, with_below);
}

/* ---- the rule ---- */

void rule_graph(struct judge *j, const struct change_context *c)
{
    const struct changes *all = &j->m->changes;
    struct looking l = {.j = j};
    for (size_t i = 0; i < all->count && j->fault == RSM_OK; i++) {
        const struct change *item = &all->items[i];
        if (item->is_written && points(item->type) && item->count_before > 0)
            drop_edges(j, item->owner, item->type, c->row->id, item);
    }
    for (size_t i = 0; i < all->count && j->fault == RSM_OK; i++) {
        const struct change *item = &all->items[i];
        if (item->is_written && points(item->type))
            add_edges(j, c, item);
    }
    if (j->policy.dangling_allowed != 0)
        return;
    if (c->is_new_zone)
        check_below(&l, c->zone, true);
    for (size_t i = 0; i < all->count && j->fault == RSM_OK; i++) {
        const struct change *item = &all->items[i];
        if (!item->is_written)
            continue;
        check_targets(&l, c, item);
        if (!c->is_new_zone)
            check_change(&l, c, item);
    }
}

void rule_graph_drop(struct judge *j, uint64_t zone_id, struct bytes owner, uint16_t type)
{
    if (points(type))
        drop_edges(j, owner, type, zone_id, NULL);
}

/* Names of the zone at which others point: with the zone they would be nobody's. */
static void refuse_pointers(struct looking *l, uint64_t id, struct bytes target)
{
    struct judge *j = l->j;
    struct graph_walk walk = {.id = id, .is_backward = true};
    char words[WORDS_SIZE];
    while (may_look(l) && judge_found(j, graph_next(j->kv, &walk))) {
        uint8_t buffer[LIMIT_NAME_SIZE];
        struct bytes node, owner;
        if (!judge_found(j, graph_node_bytes(j->kv, walk.edge.from, &node)))
            return;
        bool is_name = key_parse_node(node, buffer, &owner);
        refuse_dangling(
            l, is_name ? words_rrset(owner, walk.edge.type, words) : words_node(node, words),
            target);
    }
}

void rule_graph_zone(struct judge *j, struct bytes zone)
{
    struct looking l = {.j = j};
    struct key prefix, place;
    struct bytes key, value;
    if (j->policy.dangling_allowed != 0 || MUTANT(FORGET_POINTERS) || !key_node_name(&prefix, zone))
        return;
    place = prefix;
    for (bool is_first = true;; is_first = false) {
        uint8_t buffer[LIMIT_NAME_SIZE];
        struct bytes target, inner;
        struct zone_record row;
        if (!judge_found(j,
                         kv_next(j->kv, TABLE_NODE, key_bytes(&place), !is_first, &key, &value)) ||
            !key_begins_with(key, key_bytes(&prefix)))
            return;
        place.size = key.size;
        memcpy(place.data, key.data, key.size);
        if (value.size != 8 || !key_parse_node(key_bytes(&place), buffer, &target)) {
            j->fault = RSM_DAMAGED;
            return;
        }
        uint64_t id = get_u64(value.data);
        /* A name of a zone below this one is still there. */
        if (zone_of_name(j, target, &inner, &row) && inner.size > zone.size)
            continue;
        refuse_pointers(&l, id, target);
    }
}

/* ---- services ---- */

static bool service_is_there(struct judge *j, struct bytes service)
{
    struct bytes value;
    return judge_found(j, kv_get(j->kv, TABLE_SERVICE, service, &value));
}

static void drop_needs(struct judge *j, uint64_t from)
{
    struct graph_walk walk = {.id = from};
    while (judge_found(j, graph_next(j->kv, &walk)))
        drop_edge(j, &walk.edge);
}

/* It is gone: whoever needs it is told. */
static void check_needed(struct looking *l, uint64_t id, struct bytes service)
{
    struct judge *j = l->j;
    struct graph_walk walk = {.id = id, .is_backward = true};
    char words[WORDS_SIZE], own[WORDS_SIZE];
    while (may_look(l) && judge_found(j, graph_next(j->kv, &walk))) {
        struct bytes node;
        if (judge_found(j, graph_node_bytes(j->kv, walk.edge.from, &node)))
            judge_refuse(j, RSM_RULE_DANGLING,
                         "%s -> %s, which would not be there: take that need away first",
                         words_node(node, words), words_object(OBJECT_SERVICE, service, own));
    }
}

static void add_need(struct judge *j, uint64_t from, const char *what,
                     const struct body_service_need *need)
{
    struct graph_edge edge = {.from = from, .class = EDGE_DECIDES};
    struct key node;
    char words[WORDS_SIZE];
    bool is_name = need->name.size > 0;
    if (!is_name)
        key_node_service(&node, need->service);
    else if (!key_node_name(&node, need->name))
        return; /* longer than any name that can be there */
    if (!judge_found(j, graph_node(j->kv, key_bytes(&node), true, &edge.to)))
        return;
    link_edge(j, edge, what);
    bool is_there_now = is_name ? is_there(j, 0, (struct bytes){NULL, 0}, need->name)
                                : service_is_there(j, need->service);
    if (!is_there_now && j->policy.dangling_allowed == 0 && !MUTANT(SERVICE_LACKS))
        judge_refuse(j, RSM_RULE_DANGLING,
                     "%s -> %s, which is not there: make it first, or allow it (policy "
                     "dangling_allowed)",
                     what,
                     is_name ? words_name(need->name, words)
                             : words_object(OBJECT_SERVICE, need->service, words));
}

void rule_graph_service(struct judge *j, struct bytes service, const struct body_walk *needs)
{
    struct looking l = {.j = j};
    struct key node;
    uint64_t id;
    char words[WORDS_SIZE];
    struct body_walk walk = *needs;
    struct body_service_need need;
    key_node_service(&node, service);
    (void)words_object(OBJECT_SERVICE, service, words);
    if (!judge_found(j, graph_node(j->kv, key_bytes(&node), walk.left > 0, &id)))
        return;
    drop_needs(j, id);
    while (body_next_service_need(&walk, &need) && j->fault == RSM_OK)
        add_need(j, id, words, &need);
    if (!service_is_there(j, service) && j->policy.dangling_allowed == 0 && !MUTANT(SERVICE_LEFT))
        check_needed(&l, id, service);
    if (j->fault == RSM_OK)
        (void)judge_found(j, graph_drop_lonely(j->kv, id));
}
