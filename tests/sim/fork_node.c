/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fork_node.c - one replica goes on alone, because persons signed it (src/daemon/node_recover.h).
 *
 * From then on there are two logs that begin alike. What the others alone had chosen may be lost,
 * nothing else: the judges of the one that goes on know every slot up to the statement's, and the
 * votes on its disk; those of the others, should they come back, know what they knew.
 */
#include "tests/sim/fork_node.h"

#include "src/base/check.h"
#include "src/command/recovery.h"
#include "src/daemon/node_recover.h"
#include "tests/sim/replica_node.h"

void replica_leave(struct node_cluster *c, uint32_t id)
{
    replica_at(c, id)->is_gone = true;
    replica_crash(c, id, DISK_SIM_KEEPS_ALL);
}

void replica_return(struct node_cluster *c, uint32_t id)
{
    struct replica *r = replica_at(c, id);
    CHECK(r->node == NULL);
    r->is_gone = false;
    replica_start(c, id);
}

/* A start reads the directory as rsmd recover does, and nobody is there to tell it more. */
static void open_alone(struct node_cluster *c, struct replica *r)
{
    for (uint32_t other = 1; other <= c->options.node_count; other++)
        CHECK(other == r->id || !replica_is_up(c, other));
    replica_leave(c, r->id);
    replica_return(c, r->id);
}

static uint32_t others_of(const struct node_cluster *c, const struct replica *r,
                          struct body_incarnation out[LIMIT_REPLICAS])
{
    uint32_t count = 0;
    for (uint32_t id = 1; id <= c->options.node_count; id++)
        if (id != r->id && c->net.ends[r->id].known[id] != 0)
            out[count++] = (struct body_incarnation){id, c->net.ends[r->id].known[id]};
    return count;
}

void fork_statement(struct node_cluster *c, uint32_t id, struct writer *statement_out)
{
    struct replica *r = replica_at(c, id);
    struct node_status status;
    struct body_incarnation others[LIMIT_REPLICAS];
    open_alone(c, r);
    if (c->sim.failed)
        return;
    node_get_status(r->node, &status);
    struct recovery statement = {.cluster = c->cluster_id,
                                 .replica = id,
                                 .former = r->incarnation,
                                 .epoch = 2,
                                 .slot = status.applied,
                                 .entry_head = status.entry_head,
                                 .votes_end = node_votes_end(r->node)};
    statement.incarnation = recovery_incarnation(&statement);
    recovery_encode(statement_out, &statement, others, others_of(c, r, others));
}

/* Their memory of this replica is its journal, as it is now. */
static void give_judges(struct node_cluster *c, struct replica *r, uint64_t slot)
{
    c->left_checker = c->checker;
    c->left_audit = c->audit;
    for (uint32_t other = 1; other <= c->options.node_count; other++)
        replica_at(c, other)->is_left = other != r->id;
    c->checker = checker_new(&c->sim, quorum_bit(r->id));
    c->audit = audit_fork(c->left_audit, c->checker, slot, node_state(r->node), c->members.voters);
    c->members.slot = slot;
    c->acknowledged_last = 0;
}

void fork_begin(struct node_cluster *c, uint32_t id, struct bytes body)
{
    struct replica *r = replica_at(c, id);
    struct body_recover decoded;
    CHECK(body_recover_decode(body, &decoded) == RSM_OK);
    give_judges(c, r, decoded.statement.slot);
    replica_leave(c, id);
    checker_on_rejoin(c->checker, id);
    image_begin(&r->image, r->incarnation);
    CHECK(image_reread(&r->image, r->disk));
    checker_on_rejoined(c->checker, id);
    r->fork_slot = decoded.statement.slot;
    r->recovery = blob_new(body);
    r->may_doubt = true; /* it says so until its journal is the new one */
    replica_return(c, id);
}
