/* SPDX-License-Identifier: GPL-3.0-or-later */
/* node_pair.c - see node_pair.h. */
#include "tests/lib/node_pair.h"

#include <stdio.h>
#include <string.h>

#include <rsm/body.h>

#include "src/base/check.h"
#include "src/machine/tables.h"

/* ---- surroundings ---- */

static void env_send(void *context, uint32_t replica, struct blob *frame)
{
    struct node_pair_replica *from = context;
    struct node_pair_replica *to = &from->pair->replicas[replica - 1];
    CHECK(to->inbox_count < NODE_PAIR_FRAMES_MAX);
    if (to->node == NULL || (to->deaf_to & (1u << from->id)) != 0)
        return;
    to->inbox_from[to->inbox_count] = from->id;
    to->inbox[to->inbox_count++] = blob_ref(frame);
}

/* The peers hear of a new one when it is drawn. */
static uint64_t env_incarnation_of(void *context, uint32_t replica)
{
    const struct node_pair_replica *r =
        &((struct node_pair_replica *)context)->pair->replicas[replica - 1];
    return r->incarnation_next != 0     ? r->incarnation_next
           : r->config.incarnation != 0 ? r->config.incarnation
                                        : replica;
}

static uint64_t env_doubt(void *context)
{
    struct node_pair_replica *r = context;
    r->incarnation_next = r->config.incarnation + 10;
    return r->incarnation_next;
}

static enum rsm_status env_renewed(void *context, uint64_t incarnation, uint64_t joined)
{
    struct node_pair_replica *r = context;
    CHECK(incarnation == r->incarnation_next);
    r->config.incarnation = incarnation;
    r->config.joined = joined;
    r->config.in_doubt = false;
    r->incarnation_next = 0;
    return RSM_OK;
}

static size_t env_backlog(void *context, uint32_t replica)
{
    (void)context, (void)replica;
    return 0;
}

static void env_push(void *context)
{
    struct node_pair_replica *r = context;
    if (r->pair->pushed != NULL)
        r->pair->pushed(r->pair->context, r);
}

static uint64_t env_wall_ms(void *context)
{
    const struct node_pair_replica *r = context;
    return UINT64_C(1780000000000) + r->pair->now_ms + (uint64_t)r->clock_ms;
}

static uint64_t env_monotonic_ns(void *context)
{
    return ((struct node_pair_replica *)context)->pair->now_ms * 1000000;
}

static void env_commit(void *context, struct node *node, struct kv *frozen)
{
    struct node_pair_replica *r = context;
    (void)node;
    r->commit_calls++;
    r->committing = frozen;
}

static enum rsm_status write_row(void *context, const struct kv_write *w)
{
    return w->deleted ? kv_del(context, w->table, w->key)
                      : kv_put(context, w->table, w->key, w->value);
}

static struct kv *env_snapshot(void *context)
{
    struct kv *base = ((struct node_pair_replica *)context)->base;
    struct kv *copy = kv_mem_new();
    for (uint8_t table = TABLE_META; table < TABLE_END; table++) {
        struct bytes key = {NULL, 0}, value;
        enum rsm_status status = kv_next(base, table, key, false, &key, &value);
        for (; status == RSM_OK; status = kv_next(base, table, key, true, &key, &value))
            CHECK(kv_put(copy, table, key, value) == RSM_OK);
    }
    return copy;
}

static void env_incoming_drop(void *context)
{
    struct node_pair_replica *r = context;
    kv_free(r->incoming);
    r->incoming = NULL;
}

static enum rsm_status env_incoming_begin(void *context)
{
    env_incoming_drop(context);
    ((struct node_pair_replica *)context)->incoming = kv_mem_new();
    return RSM_OK;
}

static enum rsm_status env_incoming_put(void *context, struct kv *rows)
{
    return kv_overlay_visit(rows, write_row, ((struct node_pair_replica *)context)->incoming);
}

static struct kv *env_incoming_state(void *context)
{
    return ((struct node_pair_replica *)context)->incoming;
}

static enum rsm_status env_incoming_install(void *context, struct kv **base_out)
{
    struct node_pair_replica *r = context;
    kv_free(r->base);
    r->base = r->incoming;
    r->incoming = NULL;
    *base_out = r->base;
    return RSM_OK;
}

static bool env_verify(void *context, uint32_t replica, struct bytes text,
                       const uint8_t signature[64])
{
    (void)context, (void)replica, (void)text, (void)signature;
    return true;
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
    struct node_pair_replica *r = context;
    (void)token, (void)slot;
    r->reads_ended++;
    r->read_status = status;
}

static struct blob *env_sign_command(void *context, struct bytes command)
{
    const struct node_pair_replica *r = context;
    struct rsm_buffer envelope;
    CHECK(rsm_command_sign(r->pair->keys[r->id - 1], r->pair->cluster_id,
                           rsm_bytes_make(command.data, command.size), &envelope) == RSM_OK);
    struct blob *blob = blob_new(bytes_make(envelope.data, envelope.size));
    rsm_buffer_free(&envelope);
    return blob;
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
                                             .snapshot = env_snapshot,
                                             .incoming_begin = env_incoming_begin,
                                             .incoming_put = env_incoming_put,
                                             .incoming_state = env_incoming_state,
                                             .incoming_install = env_incoming_install,
                                             .incoming_drop = env_incoming_drop,
                                             .sign = env_sign,
                                             .verify = env_verify,
                                             .submitted = env_submitted,
                                             .read_ready = env_read_ready,
                                             .applied = env_applied,
                                             .doubt = env_doubt,
                                             .renewed = env_renewed,
                                             .incarnation_of = env_incarnation_of,
                                             .fatal = env_fatal};

static uint32_t count_of(const struct node_pair *p)
{
    return p->count != 0 ? p->count : 2;
}

/* ---- the replicas ---- */

static void make_genesis(struct node_pair *p)
{
    struct writer *file = &p->genesis;
    static const uint8_t salt[GENESIS_SALT_SIZE] = {1};
    static const char *const names[] = {"replica:1", "replica:2", "replica:3"};
    static const char *const addresses[] = {"127.0.0.1:7001", "127.0.0.1:7002", "127.0.0.1:7003"};
    struct genesis g = {.name = bytes_of_string("pair"),
                        .salt = salt,
                        .member_count = count_of(p),
                        .admin_principal = bytes_of_string("admin"),
                        .admin_person = bytes_of_string("Admin"),
                        .created_ms = UINT64_C(1780000000000)};
    CHECK(rsm_key_generate("admin", &p->admin) == RSM_OK);
    g.admin_key = rsm_key_public(p->admin);
    for (uint32_t i = 0; i < g.member_count; i++) {
        CHECK(rsm_key_generate(names[i], &p->keys[i]) == RSM_OK);
        g.members[i] = (struct genesis_member){.id = i + 1,
                                               .zone = bytes_of_string("a"),
                                               .key = rsm_key_public(p->keys[i]),
                                               .peer_address = bytes_of_string(addresses[i]),
                                               .client_address = bytes_of_string(addresses[i])};
    }
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
    if (r->pair->has_keys)
        env.sign_command = env_sign_command;
    enum rsm_status status = node_open(&r->node, &r->config, &env, writer_result(&r->pair->genesis),
                                       &r->disk->disk, r->base, &why);
    CHECK(status == RSM_OK || r->pair->may_fail);
    if (status == RSM_OK)
        return;
    r->pair->failed = status;
    r->node = NULL;
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
        node_on_frame(r->node, r->inbox_from[i], blob_bytes(r->inbox[i]));
        blob_unref(r->inbox[i]);
    }
    r->inbox_count -= count;
    memmove(r->inbox, r->inbox + count, r->inbox_count * sizeof r->inbox[0]);
    memmove(r->inbox_from, r->inbox_from + count, r->inbox_count * sizeof r->inbox_from[0]);
    node_flush(r->node);
    if (r->committing == NULL || r->holds_commits)
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
    struct node_pair_replica *order[NODE_PAIR_REPLICAS_MAX];
    uint32_t count = 0;
    if (p->leader != NULL)
        order[count++] = p->leader;
    for (uint32_t i = 0; i < count_of(p); i++)
        if (&p->replicas[i] != p->leader)
            order[count++] = &p->replicas[i];
    p->now_ms += p->tick_ms;
    for (uint32_t i = 0; i < count; i++)
        node_tick(order[i]->node);
    for (uint32_t i = 0; i < count; i++)
        node_pair_handle(order[i]);
}

void node_pair_turns(struct node_pair *p, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        node_pair_turn(p);
}

void node_pair_open(struct node_pair *p, const struct node_config *config)
{
    struct node_status status = {.is_ready = false};
    make_genesis(p);
    p->now_ms = 1000;
    p->tick_ms = config->tick_ms;
    for (uint32_t id = 1; id <= count_of(p); id++)
        open_replica(p, id, config);
    for (int i = 0; i < 200 && !(status.is_leader && status.is_ready); i++) {
        node_pair_turn(p);
        struct node_pair_replica *looked_at = &p->replicas[(uint32_t)i % count_of(p)];
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
    r->incarnation_next = 0;
    r->config.fresh = false;
    open_node(r);
}

void node_pair_restart(struct node_pair_replica *r)
{
    node_close(r->node);
    open_again(r);
}

void node_pair_lose_store(struct node_pair_replica *r)
{
    node_close(r->node);
    kv_free(r->base);
    r->base = kv_mem_new();
    open_again(r);
}

void node_pair_replace_disk(struct node_pair_replica *r, uint64_t incarnation)
{
    node_close(r->node);
    kv_free(r->base);
    disk_free(&r->disk->disk);
    node_pair_lose(r);
    r->base = kv_mem_new();
    r->disk = disk_mem_new();
    r->committing = NULL;
    r->incarnation_next = 0;
    r->config.fresh = true;
    r->config.incarnation = incarnation;
    r->config.joined = incarnation;
    open_node(r);
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
    for (uint32_t i = 0; i < count_of(p); i++)
        node_close(p->replicas[i].node);
    for (uint32_t i = 0; i < count_of(p); i++) {
        node_pair_lose(&p->replicas[i]);
        kv_free(p->replicas[i].incoming);
        disk_free(&p->replicas[i].disk->disk);
        kv_free(p->replicas[i].base);
    }
    writer_deinit(&p->genesis);
    rsm_key_free(p->admin);
    for (uint32_t i = 0; i < count_of(p); i++)
        rsm_key_free(p->keys[i]);
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
