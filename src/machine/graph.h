/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * graph.h - what depends on what: nodes and edges in state tables, kept with every change.
 *
 *     TABLE_NODE       node -> id u64
 *     TABLE_NODE_ROW   id u64 -> label u64, node
 *     TABLE_EDGE       from id u64 | class u8 | type u16 | zone id u64 | to id u64 -> nothing
 *     TABLE_EDGE_BACK  to id u64 | class u8 | type u16 | zone id u64 | from id u64 -> nothing
 *     node             kind u8 | 1: a name, its name key (tables.h) | 2: a service, its text
 *
 * "a -> b" says that a depends on b. An edge of class EDGE_DECIDES is followed by whoever resolves
 * a (CNAME, SVCB and HTTPS in alias mode, what a service declares): such edges may form no cycle.
 * Edges of class EDGE_REFERS (NS, MX, SRV, DNAME, other SVCB) only say who points where: that two
 * domains take each other's mail is no cycle, and aliases by DNAME are followed by rule_cycle.c.
 *
 * Invariants: an edge is in both tables or in none; a node is there while it has an edge; over
 * EDGE_DECIDES the label of `from` is below that of `to`. The last one is a topological order, kept
 * as edges come (Pearce and Kelly, "A dynamic topological sort algorithm for directed acyclic
 * graphs", 2006): an edge that fits the order costs two reads; one that does not makes the nodes
 * between its ends change places. Labels are nowhere shown. No recursion.
 */
#ifndef RSM_MACHINE_GRAPH_H
#define RSM_MACHINE_GRAPH_H

#include <rsm/status.h>

#include "src/base/bytes.h"
#include "src/base/kv.h"
#include "src/machine/tables.h"

/* Nodes looked at for one edge. More is refused (quota): judging must end soon. */
#define GRAPH_VISITS_MAX (1u << 18)

enum edge_class {
    EDGE_DECIDES = 1,
    EDGE_REFERS,
};

struct graph_edge {
    uint64_t from, to;
    enum edge_class class;
    uint16_t type;    /* of the record set; 0: declared by a service */
    uint64_t zone_id; /* of the record set; 0 likewise */
};

/* Scratch memory of searches, kept over commands. One thread. */
struct graph;

struct graph *graph_new(void);
void graph_free(struct graph *g);

/* The id of a node. RSM_NOT_FOUND; with `make` it is made. */
enum rsm_status graph_node(struct kv *kv, struct bytes node, bool make, uint64_t *id_out);
/* The node of an id, borrowed. RSM_DAMAGED when there is none. */
enum rsm_status graph_node_bytes(struct kv *kv, uint64_t id, struct bytes *node_out);
/* Likewise, and its place in the order. */
enum rsm_status graph_node_row(struct kv *kv, uint64_t id, uint64_t *label_out,
                               struct bytes *node_out);
/* Drops the node when it has no edge left. */
enum rsm_status graph_drop_lonely(struct kv *kv, uint64_t id);

/* True when the edge is there; a status other than RSM_OK and RSM_NOT_FOUND is a fault. */
enum rsm_status graph_has(struct kv *kv, const struct graph_edge *edge);
/* Writes both rows. An EDGE_DECIDES edge was ordered before. */
enum rsm_status graph_link(struct kv *kv, const struct graph_edge *edge);
enum rsm_status graph_unlink(struct kv *kv, const struct graph_edge *edge);

enum graph_order {
    GRAPH_ORDERED = 1, /* from is before to now: the edge may be linked */
    GRAPH_CYCLE,       /* `to` leads to `from` already: graph_path_* */
    GRAPH_TOO_LARGE,   /* GRAPH_VISITS_MAX */
};

/* Makes room in the order for an edge of class EDGE_DECIDES. Statuses of the kv. */
enum rsm_status graph_order(struct graph *g, struct kv *kv, uint64_t from, uint64_t to,
                            enum graph_order *order_out);
/* After GRAPH_CYCLE: the nodes from `to` to `from`, along the edges. */
size_t graph_path_count(const struct graph *g);
uint64_t graph_path_at(const struct graph *g, size_t index);
/* Nodes that all searches since graph_new have looked at. */
uint64_t graph_visits(const struct graph *g);

/* Walks the edges of one node. Zero it and set its fixed part. */
struct graph_walk {
    uint64_t id;           /* fixed */
    bool is_backward;      /* fixed: who points at it */
    enum edge_class class; /* fixed; 0: both */
    uint16_t type;         /* fixed, with class and zone_id: those of one record set only */
    uint64_t zone_id;      /* fixed */
    bool one_set;          /* fixed: type and zone_id count */
    bool one_type;         /* fixed, with class and type: those of that type, of every zone */
    struct key place;
    struct graph_edge edge; /* of the last step */
};

/* RSM_NOT_FOUND at the end. The edge that was given may be unlinked before the next call. */
enum rsm_status graph_next(struct kv *kv, struct graph_walk *w);

/* ---- graph_reach.c: everything that depends on something, or that it depends on ---- */

/* Nodes, each once, in the order in which they were found; owns its memory. */
struct graph_reach;

struct graph_reach *graph_reach_new(void);
void graph_reach_free(struct graph_reach *r);
void graph_reach_clear(struct graph_reach *r);
/* False: it is there already. */
bool graph_reach_add(struct graph_reach *r, uint64_t id);
bool graph_reach_has(const struct graph_reach *r, uint64_t id);
/* All names at and below one, that have a node; up to `max` nodes in all. */
enum rsm_status graph_reach_add_below(struct graph_reach *r, struct kv *kv, struct bytes name,
                                      size_t max);
/* What the nodes lead to over edges of both classes, or (backward) what leads to them; at most
 * `max` nodes in all. */
enum rsm_status graph_reach_run(struct graph_reach *r, struct kv *kv, bool is_backward, size_t max);
size_t graph_reach_count(const struct graph_reach *r);
uint64_t graph_reach_at(const struct graph_reach *r, size_t index);

#endif
