/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * impact_reach.h - what a change reaches: names and services, over any number of steps.
 *
 * Reached are the names that change; whoever points at what is reached (the graph's edges); the
 * services that a reached name belongs to, and those that need what is reached; the names that a
 * DNAME makes of a reached one; and what is below a delegation, a DNAME or a wildcard that is
 * reached, for it answers there. A set in judge.m->names, of keys:
 *
 *     1 | name key       a name (key_node_name)
 *     2 | service text   a service (key_node_service)
 *     3 | name key       all below that name: a mark, nothing that is counted
 *     4 | name key       a name that a DNAME makes and that nothing points at: not counted either
 *
 * At most GRAPH_VISITS_MAX of them, so that judging ends soon; where there are more, `is_cut` says
 * so, and the caller takes it for the worst.
 */
#ifndef RSM_MACHINE_IMPACT_REACH_H
#define RSM_MACHINE_IMPACT_REACH_H

#include "src/base/bytes.h"

struct judge;

struct impact_reach {
    struct judge *j;
    bool has_services, has_dnames;
    bool is_cut;
    bool has_below;  /* a mark has come since services were last looked for below marks */
    size_t marks;    /* of all that is reached, so many are marks */
    size_t looked;   /* so many were looked at: what points at them is reached as well */
    size_t services; /* of what is reached */
};

/* Nothing is reached. Uses judge.m->names until the end. */
void impact_reach_begin(struct impact_reach *r, struct judge *j);
/* A record set of that zone changes. */
void impact_reach_change(struct impact_reach *r, struct bytes zone, struct bytes owner,
                         uint16_t type);
/* The name and all below it. */
void impact_reach_below(struct impact_reach *r, struct bytes name);
/* The services of what is there so far. */
void impact_reach_services(struct impact_reach *r);
/* All the rest. */
void impact_reach_run(struct impact_reach *r);
/* Names and services that are reached. */
size_t impact_reach_count(const struct impact_reach *r);
/* The next service from *at on, which is advanced; borrowed. False: there is no other one. */
bool impact_reach_next_service(const struct impact_reach *r, size_t *at, struct bytes *service_out);

#endif
