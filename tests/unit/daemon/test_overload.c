/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_overload.c - twice as much is handed in as can be done: by counts, on a clock of its own.
 *
 * Two replicas, of which both have to vote, and a window of four: so four commands a turn of 10 ms
 * are done. Eight come in each. Whoever waits 200 ms is told.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include <rsm/body.h>
#include <rsm/command.h>

#include "src/base/mem.h"
#include "tests/lib/node_pair.h"

enum {
    SERVED = 4,  /* in a turn, at most */
    OFFERED = 8, /* in a turn */
    TURNS = 120,
    AUTHORS = OFFERED * TURNS,
    TURN_MS = 10,
    TIMEOUT_MS = 200,
    WAITING_MOST = (TIMEOUT_MS / TURN_MS + 3) * OFFERED,
};

enum end { WAITS = 0, APPLIED, EXPIRED };

struct rig {
    struct node_pair pair;
    struct rsm_key *authors[AUTHORS];
    uint64_t applied, expired, setup_applied;
    uint64_t expired_last; /* tokens are in the order of arrival */
    enum end ends[AUTHORS + 1];
};

static void on_submitted(void *context, uint64_t token, const struct node_outcome *outcome)
{
    struct rig *r = context;
    if (token > AUTHORS) {
        cr_assert_eq(outcome->status, RSM_OK);
        r->setup_applied++;
        return;
    }
    cr_assert_eq(r->ends[token], WAITS, "%d is told once", (int)token);
    r->ends[token] = outcome->status == RSM_OK ? APPLIED : EXPIRED;
    if (outcome->status == RSM_OK) {
        r->applied++;
        return;
    }
    /* It was not handled, and that is certain: nobody has to ask later. */
    cr_assert_eq(outcome->status, RSM_BUSY, "%s", rsm_status_text(outcome->status));
    cr_assert_gt(token, r->expired_last, "the oldest first");
    r->expired_last = token;
    r->expired++;
}

static void open_rig(struct rig *r)
{
    struct node_config config;
    node_config_default(&config);
    config.tick_ms = TURN_MS;
    config.heartbeat_ticks = 1;
    config.election_ticks_min = 3;
    config.election_ticks_max = 8;
    config.window = SERVED;
    config.submit_timeout_ms = TIMEOUT_MS;
    config.segment_size = 1u << 20;
    r->pair.context = r;
    r->pair.submitted = on_submitted;
    node_pair_open(&r->pair, &config);
}

static void close_rig(struct rig *r)
{
    node_pair_close(&r->pair);
    for (size_t i = 0; i < AUTHORS; i++)
        rsm_key_free(r->authors[i]);
}

static void turn(struct rig *r)
{
    node_pair_turn(&r->pair);
}

/* Each author writes one command, so that what is dropped leaves no gap in anybody's counters. */
static void make_authors(struct rig *r)
{
    struct rsm_buffer commands[AUTHORS];
    struct rsm_bytes list[AUTHORS];
    struct rsm_buffer envelope;
    for (size_t i = 0; i < AUTHORS; i++) {
        char name[16];
        struct rsm_buffer body;
        const struct rsm_bytes role = rsm_text("admin");
        (void)snprintf(name, sizeof name, "w%04zu", i);
        cr_assert_eq(rsm_key_generate(name, &r->authors[i]), RSM_OK);
        const struct rsm_bytes key = {rsm_key_public(r->authors[i]), RSM_PUBLIC_KEY_SIZE};
        cr_assert_eq(rsm_body_principal_set(rsm_text(name), RSM_PRINCIPAL_PERSON, rsm_text(name),
                                            (struct rsm_bytes){NULL, 0}, &key, 1, &role, 1, NULL,
                                            &body),
                     RSM_OK);
        commands[i] = node_pair_command("admin", i + 1, RSM_KIND_PRINCIPAL_SET, body);
        list[i] = rsm_buffer_bytes(&commands[i]);
    }
    cr_assert_eq(rsm_bundle_sign(r->pair.admin, r->pair.cluster_id, list, AUTHORS, &envelope),
                 RSM_OK);
    for (size_t i = 0; i < AUTHORS; i++)
        rsm_buffer_free(&commands[i]);
    struct blob *blob = blob_new(bytes_make(envelope.data, envelope.size));
    node_submit(r->pair.leader->node, AUTHORS + 1, blob);
    blob_unref(blob);
    rsm_buffer_free(&envelope);
    for (int i = 0; i < 100 && r->setup_applied == 0; i++)
        turn(r);
    cr_assert_eq(r->setup_applied, 1);
}

static void hand_in(struct rig *r, size_t author)
{
    const struct rsm_grant grant = {.verb = rsm_text("rrset.change")};
    const char *name = rsm_key_name(r->authors[author]);
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_role_set(rsm_text(name), &grant, 1, &body), RSM_OK);
    struct rsm_buffer command = node_pair_command(name, 1, RSM_KIND_ROLE_SET, body);
    node_pair_submit(r->pair.leader, author + 1, r->authors[author], &command);
}

static uint64_t commands_applied(struct rig *r)
{
    struct node_status status;
    node_get_status(r->pair.leader->node, &status);
    return status.applied_commands;
}

static uint64_t waiting(struct rig *r)
{
    struct node_status status;
    node_get_status(r->pair.leader->node, &status);
    return status.waiting;
}

/* Goodput stays what it is without overload, what waits is bounded, everybody is told the truth. */
Test(overload, twice_as_much_as_can_be_done)
{
    struct rig *r = mem_alloc(sizeof *r);
    open_rig(r);
    make_authors(r);
    uint64_t before = commands_applied(r);
    size_t next = 0;
    for (int i = 0; i < TURNS; i++) {
        for (int k = 0; k < OFFERED; k++)
            hand_in(r, next++);
        turn(r);
        cr_assert_leq(waiting(r), WAITING_MOST, "turn %d", i);
    }
    cr_assert_geq(r->applied, (uint64_t)SERVED * TURNS * 9 / 10);
    cr_assert_gt(r->expired, (uint64_t)(OFFERED - SERVED) * (TURNS - 2 * TIMEOUT_MS / TURN_MS));
    for (int i = 0; i < 3 * TIMEOUT_MS / TURN_MS; i++)
        turn(r);
    cr_assert_eq(waiting(r), 0);
    cr_assert_eq(r->applied + r->expired, AUTHORS, "everybody is told");
    cr_assert_eq(commands_applied(r) - before, r->applied,
                 "what was told to have been dropped is not done later");
    close_rig(r);
    mem_free(r);
}
