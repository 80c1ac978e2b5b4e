/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_ready.c - a learner is promoted when it has caught up, not before.
 *
 * A voter that lacks slots can promise and vote all the same, but a majority that needs it waits
 * for it: with three voters and one of them far behind, one more failure stops the cluster until
 * the slow one is there. How far a replica is stands in no log, so no rule of the state can ask for
 * it; the leader does, once, before it proposes. Nothing is logged: try again later.
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

bool node_is_not_ready(struct node *n, struct bytes envelope, char *text, size_t size)
{
    static const char kind[] = "member.promote";
    struct envelope e;
    struct command command;
    struct body_member body;
    /* Most envelopes have not even the word in them: those are not parsed again. */
    if (memmem(envelope.data, envelope.size, kind, sizeof kind - 1) == NULL ||
        envelope_parse(envelope, &e) != RSM_OK)
        return false;
    struct envelope_walk walk = envelope_commands(&e);
    while (envelope_next(&walk, &command)) {
        if (command.kind == RSM_KIND_MEMBER_PROMOTE &&
            body_member_decode(command.kind, command.body, &body) == RSM_OK &&
            is_behind(n, body.id, text, size))
            return true;
    }
    return false;
}
