/* SPDX-License-Identifier: GPL-3.0-or-later */
/* node_pair.c - see node_pair.h. */
#include "tests/lib/node_pair.h"

#include <stdio.h>
#include <string.h>

#include <rsm/body.h>

#include "src/base/check.h"
#include "src/base/mem.h"

/* ---- surroundings ---- */

static void env_send(void *context, uint32_t replica, struct blob *frame)
{
    struct node_pair_replica *to =
        &((struct node_pair_replica *)context)->pair->replicas[replica - 1];
    CHECK(to->inbox_count < NODE_PAIR_FRAMES_MAX);
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

static void env_push(void *context)
{
    struct node_pair_replica *r = context;
    if (r->pair->pushed != NULL)
        r->pair->pushed(r->pair->context, r);
}

static uint64_t env_wall_ms(void *context)
{
    return UINT64_C(1780000000000) + ((struct node_pair_replica *)context)->pair->now_ms;
}

static uint64_t env_monotonic_ns(void *context)
{
    return ((struct node_pair_replica *)context)->pair->now_ms * 1000000;
}

static void env_commit(void *context, struct node *node, struct kv *frozen)
{
    (void)node;
    ((struct node_pair_replica *)context)->committing = frozen;
}

static void env_sign(void *context, struct bytes text, uint8_t signature_out[64])
{
    (void)context, (void)text;
    memset(signature_out, 0, 64);
}

static void env_submitted(void *context, uint64_t token, const struct node_outcome *outcome)
{
    struct node_pair *p = ((struct node_pair_replica *)context)->pair;
    p->submitted(p->context, token, outcome);
}

static void env_read_ready(void *context, uint64_t token, enum rsm_status status, uint64_t slot)
{
    (void)context, (void)token, (void)status, (void)slot;
}

static void env_applied(void *context, uint64_t slot)
{
    (void)slot;
    ((struct node_pair_replica *)context)->applied_calls++;
}

static void env_fatal(void *context, enum rsm_status status, const char *text)
{
    struct node_pair *p = ((struct node_pair_replica *)context)->pair;
    (void)text;
    CHECK(p->may_fail);
    p->failed = status;
}

static const struct node_env surroundings = {.send = env_send,
                                             .backlog = env_backlog,
                                             .push = env_push,
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

static void make_genesis(struct node_pair *p)
{
    struct writer *file = &p->genesis;
    static const uint8_t salt[GENESIS_SALT_SIZE] = {1};
    static const uint8_t keys[2][RSM_PUBLIC_KEY_SIZE] = {{1}, {2}};
    static const char *const addresses[] = {"127.0.0.1:7001", "127.0.0.1:7002"};
    struct genesis g = {.name = bytes_of_string("pair"),
                        .salt = salt,
                        .member_count = p->is_alone ? 1 : 2,
                        .admin_principal = bytes_of_string("admin"),
                        .admin_person = bytes_of_string("Admin"),
                        .created_ms = UINT64_C(1780000000000)};
    CHECK(rsm_key_generate("admin", &p->admin) == RSM_OK);
    g.admin_key = rsm_key_public(p->admin);
    for (uint32_t i = 0; i < g.member_count; i++)
        g.members[i] = (struct genesis_member){.id = i + 1,
                                               .zone = bytes_of_string("a"),
                                               .key = keys[i],
                                               .peer_address = bytes_of_string(addresses[i]),
                                               .client_address = bytes_of_string(addresses[i])};
    writer_init(file, GENESIS_SIZE_MAX);
    CHECK(genesis_encode(&g, file) == RSM_OK);
    CHECK(genesis_parse(writer_result(file), &g) == RSM_OK);
    memcpy(p->cluster_id, g.cluster_id, CLUSTER_ID_SIZE);
}

static void open_node(struct node_pair_replica *r)
{
    struct node_env env = surroundings;
    const char *why = "";
    env.context = r;
    CHECK(node_open(&r->node, &r->config, &env, writer_result(&r->pair->genesis), &r->disk->disk,
                    r->base, &why) == RSM_OK);
}

static void open_replica(struct node_pair *p, uint32_t id, const struct node_config *given)
{
    struct node_pair_replica *r = &p->replicas[id - 1];
    *r = (struct node_pair_replica){
        .pair = p, .id = id, .base = kv_mem_new(), .disk = disk_mem_new(), .config = *given};
    r->config.self = id;
    r->config.incarnation = id;
    r->config.fresh = true;
    r->config.seed = id;
    open_node(r);
}

struct node_pair_replica *node_pair_other(struct node_pair_replica *r)
{
    return &r->pair->replicas[2 - r->id];
}

void node_pair_handle(struct node_pair_replica *r)
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
    if (r->commit_status != RSM_OK) {
        r->committing = NULL;
        node_on_committed(r->node, r->commit_status);
        return;
    }
    CHECK(kv_overlay_visit(r->committing, write_row, r->base) == RSM_OK);
    node_read_back(r->node, r->committing, r->base);
    r->committing = NULL;
    node_on_committed(r->node, RSM_OK);
}

void node_pair_turn(struct node_pair *p)
{
    struct node_pair_replica *first = p->leader != NULL ? p->leader : &p->replicas[0];
    struct node_pair_replica *second = node_pair_other(first);
    p->now_ms += p->tick_ms;
    node_tick(first->node);
    if (second->node != NULL)
        node_tick(second->node);
    node_pair_handle(first);
    if (second->node != NULL)
        node_pair_handle(second);
}

void node_pair_open(struct node_pair *p, const struct node_config *config)
{
    struct node_status status = {.is_ready = false};
    make_genesis(p);
    p->now_ms = 1000;
    p->tick_ms = config->tick_ms;
    for (uint32_t id = 1; id <= (p->is_alone ? 1 : 2); id++)
        open_replica(p, id, config);
    for (int i = 0; i < 200 && !(status.is_leader && status.is_ready); i++) {
        node_pair_turn(p);
        struct node_pair_replica *looked_at = &p->replicas[p->is_alone ? 0 : i % 2];
        node_get_status(looked_at->node, &status);
        p->leader = status.is_leader ? looked_at : NULL;
    }
    CHECK(p->leader != NULL);
}

void node_pair_lose(struct node_pair_replica *r)
{
    while (r->inbox_count > 0)
        blob_unref(r->inbox[--r->inbox_count]);
}

static void open_again(struct node_pair_replica *r)
{
    node_pair_lose(r);
    r->committing = NULL;
    r->config.fresh = false;
    open_node(r);
}

void node_pair_restart(struct node_pair_replica *r)
{
    node_close(r->node);
    open_again(r);
}

void node_pair_kill(struct node_pair_replica *r)
{
    struct disk_mem *left = disk_mem_clone(r->disk);
    node_close(r->node);
    disk_free(&r->disk->disk);
    r->disk = left;
    open_again(r);
}

void node_pair_close(struct node_pair *p)
{
    for (uint32_t i = 0; i < 2; i++)
        node_close(p->replicas[i].node);
    for (uint32_t i = 0; i < (p->is_alone ? 1 : 2); i++) {
        node_pair_lose(&p->replicas[i]);
        disk_free(&p->replicas[i].disk->disk);
        kv_free(p->replicas[i].base);
    }
    writer_deinit(&p->genesis);
    rsm_key_free(p->admin);
}

void node_pair_submit(struct node_pair_replica *r, uint64_t token, const struct rsm_key *key,
                      struct rsm_buffer *command)
{
    struct rsm_buffer envelope;
    CHECK(rsm_command_sign(key, r->pair->cluster_id, rsm_buffer_bytes(command), &envelope) ==
          RSM_OK);
    struct blob *blob = blob_new(bytes_make(envelope.data, envelope.size));
    node_submit(r->node, token, blob);
    blob_unref(blob);
    rsm_buffer_free(&envelope);
    rsm_buffer_free(command);
}

struct rsm_buffer node_pair_command(const char *author, uint64_t counter, enum rsm_kind kind,
                                    struct rsm_buffer body)
{
    struct rsm_command command = {.id = {rsm_text(author), counter},
                                  .lamport = 10 + counter,
                                  .kind = kind,
                                  .body = rsm_buffer_bytes(&body)};
    struct rsm_buffer bytes;
    CHECK(rsm_command_encode(&command, &bytes) == RSM_OK);
    rsm_buffer_free(&body);
    return bytes;
}

void node_pair_submit_role(struct node_pair_replica *r, uint64_t counter)
{
    const struct rsm_grant grant = {.verb = rsm_text("rrset.change")};
    char name[24];
    struct rsm_buffer body;
    (void)snprintf(name, sizeof name, "r%llu", (unsigned long long)counter);
    CHECK(rsm_body_role_set(rsm_text(name), &grant, 1, &body) == RSM_OK);
    struct rsm_buffer command = node_pair_command("admin", counter, RSM_KIND_ROLE_SET, body);
    node_pair_submit(r, counter, r->pair->admin, &command);
}

struct node_status node_pair_status(const struct node_pair_replica *r)
{
    struct node_status status;
    node_get_status(r->node, &status);
    return status;
}
