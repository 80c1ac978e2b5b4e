/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_own.c - commands of this replica's own, "replica:N", signed with the key that it is a member
 * with.
 *
 * One is on its way at a time, for each has the next counter. Cast twice all the same (it was on
 * its way when the process ended), one of the two has the counter, and the other is refused.
 */
#include <stdio.h>

#include <rsm/command.h>

#include "src/daemon/node_internal.h"
#include "src/machine/query.h"
#include "src/machine/staged.h"

bool own_may_submit(struct node *n)
{
    return !n->dead && !n->stopping && n->env.sign_command != NULL && !apply_is_held(n) &&
           submissions_find(n->submissions, n->own_digest) == NULL;
}

struct blob *own_make(struct node *n, enum rsm_kind kind, const struct rsm_buffer *body,
                      const struct rsm_event *dependency, const char *reason)
{
    char author[16];
    struct query_clock clock;
    struct rsm_buffer command;
    (void)snprintf(author, sizeof author, REPLICA_AUTHOR "%u", n->config.self);
    if (query_clock(n->applied, bytes_of_string(author), &clock) != RSM_OK)
        return NULL;
    struct rsm_command c = {.id = {rsm_text(author), clock.counter + 1},
                            .lamport = clock.lamport_highest + 1,
                            .dependencies = dependency,
                            .dependency_count = dependency != NULL ? 1 : 0,
                            .kind = kind,
                            .body = rsm_buffer_bytes(body),
                            .reason = rsm_text(reason)};
    if (rsm_command_encode(&c, &command) != RSM_OK)
        return NULL;
    struct blob *envelope =
        n->env.sign_command(n->env.context, bytes_make(command.data, command.size));
    rsm_buffer_free(&command);
    return envelope;
}

bool own_submit(struct node *n, enum rsm_kind kind, struct rsm_buffer *body,
                const struct rsm_event *dependency, const char *reason)
{
    struct submission *s;
    struct blob *envelope = own_make(n, kind, body, dependency, reason);
    rsm_buffer_free(body);
    if (envelope == NULL)
        return false;
    envelope_digest(blob_bytes(envelope), n->own_digest);
    enum rsm_status status =
        submissions_add(n->submissions, n->own_digest, envelope, node_now_ms(n), &s);
    blob_unref(envelope);
    if (status != RSM_OK)
        return false;
    s->is_own = true;
    s->queued_ns = node_now_ns(n);
    return true;
}
