/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_ready.c - a learner is promoted when it has caught up, not before.
 *
 * A voter that lacks slots can promise and vote all the same, but a majority that needs it waits
 * for it: with three voters and one of them far behind, one more failure stops the cluster until
 * the slow one is there. How far a replica is stands in no log, so no rule of the state can ask for
 * it; the leader does, once, before it proposes. Nothing is logged: try again later.
 *
 * The same goes for what an addition or a promotion says of the others' incarnations: it must be
 * what the leader knows, or a newcomer would refuse a member that rejoined, and perhaps take its
 * former life for it.
 */
#include "src/daemon/node_ready.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/command/body.h"

/* Slots that a promoted replica may lack: as many as the cluster may have open anyway. */
#define BEHIND_MAX MEMBER_DISTANCE

static bool is_behind(struct node *n, uint32_t id, char *text, size_t size)
{
    uint64_t chosen_end = paxos_chosen_end(n->paxos);
    struct paxos_progress progress = paxos_peer_progress(n->paxos, id);
    if (id == n->config.self)
        return false;
    if (!progress.heard) {
        snprintf(text, size, "replica %u was not heard lately; it must run, and learn, first", id);
        return true;
    }
    if (progress.chosen_end + BEHIND_MAX >= chosen_end)
        return false;
    snprintf(text, size,
             "replica %u is %" PRIu64 " slots behind (at %" PRIu64 " of %" PRIu64
             "); it is promoted when it lacks %u at most",
             id, chosen_end - progress.chosen_end, progress.chosen_end - 1, chosen_end - 1,
             BEHIND_MAX);
    return true;
}

static uint64_t incarnation_of(struct node *n, uint32_t id)
{
    return id == n->config.self ? n->config.incarnation : n->env.incarnation_of(n->env.context, id);
}

/* Every member that the leader knows is in the list as it knows it; the one that is added is none.
 */
static bool is_outdated(struct node *n, const struct body_member *body, bool is_add, char *text,
                        size_t size)
{
    uint64_t given[REPLICA_MAX + 1] = {0};
    struct body_walk known = body->known;
    struct body_incarnation item;
    if (n->env.incarnation_of == NULL)
        return false;
    while (body_next_incarnation(&known, &item))
        given[item.id] = item.incarnation;
    for (uint32_t id = 1; id <= REPLICA_MAX; id++) {
        if ((n->members & (1u << id)) == 0 || (is_add && id == body->id) ||
            incarnation_of(n, id) == 0 || incarnation_of(n, id) == given[id])
            continue;
        snprintf(text, size,
                 "replica %u has incarnation %" PRIu64 ", the command says %" PRIu64
                 "; look at the members again",
                 id, incarnation_of(n, id), given[id]);
        return true;
    }
    return false;
}

static bool is_not_ready(struct node *n, const struct command *c, char *text, size_t size)
{
    struct body_member body;
    bool is_add = c->kind == RSM_KIND_MEMBER_ADD;
    if ((!is_add && c->kind != RSM_KIND_MEMBER_PROMOTE) ||
        body_member_decode(c->kind, c->body, &body) != RSM_OK)
        return false;
    return is_outdated(n, &body, is_add, text, size) ||
           (!is_add && is_behind(n, body.id, text, size));
}

bool node_is_not_ready(struct node *n, struct bytes envelope, char *text, size_t size)
{
    static const char noun[] = "member.";
    struct envelope e;
    struct command command;
    /* Most envelopes have not even the word in them: those are not parsed again. */
    if (memmem(envelope.data, envelope.size, noun, sizeof noun - 1) == NULL ||
        envelope_parse(envelope, &e) != RSM_OK)
        return false;
    struct envelope_walk walk = envelope_commands(&e);
    while (envelope_next(&walk, &command))
        if (is_not_ready(n, &command, text, size))
            return true;
    return false;
}
