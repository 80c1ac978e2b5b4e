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
#include <rsm/key.h>

#include "src/base/mem.h"
#include "src/command/genesis.h"
#include "src/daemon/node.h"
#include "tests/lib/disk_mem.h"

enum {
    SERVED = 4,  /* in a turn, at most */
    OFFERED = 8, /* in a turn */
    TURNS = 120,
    AUTHORS = OFFERED * TURNS,
    TURN_MS = 10,
    TIMEOUT_MS = 200,
    FRAMES_MAX = 4096,
    WAITING_MOST = (TIMEOUT_MS / TURN_MS + 3) * OFFERED,
};

enum end { WAITS = 0, APPLIED, EXPIRED };

struct replica {
    struct rig *rig;
    uint32_t id;
    struct node *node;
    struct disk_mem *disk;
    struct kv *base, *committing;
    struct blob *inbox[FRAMES_MAX]; /* from the other one */
    size_t inbox_count;
};

struct rig {
    struct replica replicas[2];
    struct replica *leader;
    uint64_t now_ms;
    uint8_t cluster_id[CLUSTER_ID_SIZE];
    struct rsm_key *admin;
    struct rsm_key *authors[AUTHORS];
    uint64_t applied, expired, setup_applied;
    uint64_t expired_last; /* tokens are in the order of arrival */
    enum end ends[AUTHORS + 1];
};

/* ---- surroundings ---- */

static void env_send(void *context, uint32_t replica, struct blob *frame)
{
    struct replica *to = &((struct replica *)context)->rig->replicas[replica - 1];
    cr_assert_lt(to->inbox_count, FRAMES_MAX);
    to->inbox[to->inbox_count++] = blob_ref(frame);
}

static uint64_t env_incarnation_of(void *context, uint32_t replica)
{
    (void)context;
    return replica;
}

static size_t env_backlog(void *context, uint32_t replica)
{
    (void)context, (void)replica;
    return 0;
}

static void env_nothing(void *context)
{
    (void)context;
}

static uint64_t env_wall_ms(void *context)
{
    return UINT64_C(1780000000000) + ((struct replica *)context)->rig->now_ms;
}

static uint64_t env_monotonic_ns(void *context)
{
    return ((struct replica *)context)->rig->now_ms * 1000000;
}

static void env_commit(void *context, struct kv *frozen)
{
    ((struct replica *)context)->committing = frozen;
}

static void env_sign(void *context, struct bytes text, uint8_t signature_out[64])
{
    (void)context, (void)text;
    memset(signature_out, 0, 64);
}

static void env_submitted(void *context, uint64_t token, const struct node_outcome *outcome)
{
    struct rig *r = ((struct replica *)context)->rig;
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

static void env_read_ready(void *context, uint64_t token, enum rsm_status status, uint64_t slot)
{
    (void)context, (void)token, (void)status, (void)slot;
}

static void env_applied(void *context, uint64_t slot)
{
    (void)context, (void)slot;
}

static void env_fatal(void *context, enum rsm_status status, const char *text)
{
    (void)context;
    cr_assert_fail("%s: %s", rsm_status_text(status), text);
}

static const struct node_env surroundings = {.send = env_send,
                                             .backlog = env_backlog,
                                             .push = env_nothing,
                                             .wall_ms = env_wall_ms,
                                             .monotonic_ns = env_monotonic_ns,
                                             .commit = env_commit,
                                             .incoming_drop = env_nothing,
                                             .sign = env_sign,
                                             .submitted = env_submitted,
                                             .read_ready = env_read_ready,
                                             .applied = env_applied,
                                             .incarnation_of = env_incarnation_of,
                                             .fatal = env_fatal};

static enum rsm_status write_row(void *context, const struct kv_write *w)
{
    return w->deleted ? kv_del(context, w->table, w->key)
                      : kv_put(context, w->table, w->key, w->value);
}

/* ---- two replicas ---- */

static void make_genesis(struct rig *r, struct writer *file)
{
    static const uint8_t salt[GENESIS_SALT_SIZE] = {1};
    static const uint8_t keys[2][RSM_PUBLIC_KEY_SIZE] = {{1}, {2}};
    static const char *const addresses[] = {"127.0.0.1:7001", "127.0.0.1:7002"};
    struct genesis g = {.name = bytes_of_string("overload"),
                        .salt = salt,
                        .member_count = 2,
                        .admin_principal = bytes_of_string("admin"),
                        .admin_person = bytes_of_string("Admin"),
                        .created_ms = UINT64_C(1780000000000)};
    cr_assert_eq(rsm_key_generate("admin", &r->admin), RSM_OK);
    g.admin_key = rsm_key_public(r->admin);
    for (uint32_t i = 0; i < 2; i++)
        g.members[i] = (struct genesis_member){.id = i + 1,
                                               .zone = bytes_of_string("a"),
                                               .key = keys[i],
                                               .peer_address = bytes_of_string(addresses[i]),
                                               .client_address = bytes_of_string(addresses[i])};
    writer_init(file, GENESIS_SIZE_MAX);
    cr_assert_eq(genesis_encode(&g, file), RSM_OK);
    cr_assert_eq(genesis_parse(writer_result(file), &g), RSM_OK);
    memcpy(r->cluster_id, g.cluster_id, CLUSTER_ID_SIZE);
}

static void open_replica(struct rig *rig, uint32_t id, struct bytes genesis)
{
    struct replica *r = &rig->replicas[id - 1];
    struct node_config config;
    struct node_env env = surroundings;
    const char *why = "";
    node_config_default(&config);
    config.self = id;
    config.incarnation = id;
    config.fresh = true;
    config.seed = id;
    config.tick_ms = TURN_MS;
    config.heartbeat_ticks = 1;
    config.election_ticks_min = 3;
    config.election_ticks_max = 8;
    config.window = SERVED;
    config.submit_timeout_ms = TIMEOUT_MS;
    config.segment_size = 1u << 20;
    env.context = r;
    *r = (struct replica){.rig = rig, .id = id, .base = kv_mem_new(), .disk = disk_mem_new()};
    cr_assert_eq(node_open(&r->node, &config, &env, genesis, &r->disk->disk, r->base, &why), RSM_OK,
                 "%s", why);
}

static void handle(struct replica *r)
{
    size_t count = r->inbox_count;
    for (size_t i = 0; i < count; i++) {
        node_on_frame(r->node, 3 - r->id, blob_bytes(r->inbox[i]));
        blob_unref(r->inbox[i]);
    }
    r->inbox_count -= count;
    memmove(r->inbox, r->inbox + count, r->inbox_count * sizeof r->inbox[0]);
    node_flush(r->node);
    if (r->committing == NULL)
        return;
    cr_assert_eq(kv_overlay_visit(r->committing, write_row, r->base), RSM_OK);
    r->committing = NULL;
    node_on_committed(r->node, RSM_OK);
}

/* What the leader has sent is answered in the same turn. */
static void turn(struct rig *r)
{
    struct replica *first = r->leader != NULL ? r->leader : &r->replicas[0];
    struct replica *second = &r->replicas[2 - first->id];
    r->now_ms += TURN_MS;
    node_tick(first->node);
    node_tick(second->node);
    handle(first);
    handle(second);
}

static void open_rig(struct rig *r)
{
    struct writer genesis;
    struct node_status status = {.is_ready = false};
    make_genesis(r, &genesis);
    r->now_ms = 1000;
    for (uint32_t id = 1; id <= 2; id++)
        open_replica(r, id, writer_result(&genesis));
    writer_deinit(&genesis);
    for (int i = 0; i < 200 && !(status.is_leader && status.is_ready); i++) {
        turn(r);
        node_get_status(r->replicas[i % 2].node, &status);
        r->leader = status.is_leader ? &r->replicas[i % 2] : NULL;
    }
    cr_assert_not_null(r->leader);
}

static void close_rig(struct rig *r)
{
    for (uint32_t i = 0; i < 2; i++)
        node_close(r->replicas[i].node);
    for (uint32_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < r->replicas[i].inbox_count; k++)
            blob_unref(r->replicas[i].inbox[k]);
        disk_free(&r->replicas[i].disk->disk);
        kv_free(r->replicas[i].base);
    }
    rsm_key_free(r->admin);
    for (size_t i = 0; i < AUTHORS; i++)
        rsm_key_free(r->authors[i]);
}

static void submit(struct rig *r, uint64_t token, struct rsm_buffer *envelope)
{
    struct blob *blob = blob_new(bytes_make(envelope->data, envelope->size));
    node_submit(r->leader->node, token, blob);
    blob_unref(blob);
    rsm_buffer_free(envelope);
}

static struct rsm_buffer command_of(const char *author, uint64_t counter, enum rsm_kind kind,
                                    struct rsm_buffer body)
{
    struct rsm_command command = {.id = {rsm_text(author), counter},
                                  .lamport = 10 + counter,
                                  .kind = kind,
                                  .body = rsm_buffer_bytes(&body)};
    struct rsm_buffer bytes;
    cr_assert_eq(rsm_command_encode(&command, &bytes), RSM_OK);
    rsm_buffer_free(&body);
    return bytes;
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
        commands[i] = command_of("admin", i + 1, RSM_KIND_PRINCIPAL_SET, body);
        list[i] = rsm_buffer_bytes(&commands[i]);
    }
    cr_assert_eq(rsm_bundle_sign(r->admin, r->cluster_id, list, AUTHORS, &envelope), RSM_OK);
    for (size_t i = 0; i < AUTHORS; i++)
        rsm_buffer_free(&commands[i]);
    submit(r, AUTHORS + 1, &envelope);
    for (int i = 0; i < 100 && r->setup_applied == 0; i++)
        turn(r);
    cr_assert_eq(r->setup_applied, 1);
}

static void hand_in(struct rig *r, size_t author)
{
    const struct rsm_grant grant = {.verb = rsm_text("rrset.change")};
    const char *name = rsm_key_name(r->authors[author]);
    struct rsm_buffer body, envelope;
    cr_assert_eq(rsm_body_role_set(rsm_text(name), &grant, 1, &body), RSM_OK);
    struct rsm_buffer command = command_of(name, 1, RSM_KIND_ROLE_SET, body);
    cr_assert_eq(
        rsm_command_sign(r->authors[author], r->cluster_id, rsm_buffer_bytes(&command), &envelope),
        RSM_OK);
    rsm_buffer_free(&command);
    submit(r, author + 1, &envelope);
}

static uint64_t commands_applied(struct rig *r)
{
    struct node_status status;
    node_get_status(r->leader->node, &status);
    return status.applied_commands;
}

static uint64_t waiting(struct rig *r)
{
    struct node_status status;
    node_get_status(r->leader->node, &status);
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
