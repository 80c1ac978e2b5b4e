/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * world.c - makes what a run needs, through the front door: a role, zones, a principal for each
 * client, and what reads shall find; and takes it away again.
 */
#include "bench/world.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <rsm/body.h>

#include "bench/kept.h"
#include "src/base/check.h"
#include "src/base/mem.h"

#define BUNDLE_SIZE 64u
#define TYPE_A 1u
#define TYPE_NS 2u
#define BUDGET (UINT64_C(1) << 40)
#define TYPE_SOA 6u

/* The words of a submission that did not go well. */
static enum rsm_status explain(const struct load_world *world, enum rsm_status status,
                               struct rsm_bytes result, const char *what, char *text)
{
    struct rsm_verdict verdict;
    struct rsm_walk walk = rsm_verdicts(result);
    if (status != RSM_OK) {
        (void)snprintf(text, 256, "%s: %s (%.150s)", what, rsm_status_sentence(status),
                       rsm_client_error(world->control));
        return status;
    }
    while (rsm_verdict_next(&walk, &verdict)) {
        if (verdict.applied || verdict.staged) /* a zone goes when the votes are there */
            continue;
        struct rsm_value rule = rsm_value_at(verdict.rules, 0);
        struct rsm_bytes id = rsm_value_octets(rsm_value_get(rule, "rule"));
        struct rsm_bytes evidence = rsm_value_octets(rsm_value_get(rule, "evidence"));
        (void)snprintf(text, 256, "%s: refused by %.*s: %.*s", what, (int)id.size,
                       (const char *)id.data, (int)evidence.size, (const char *)evidence.data);
        return RSM_REFUSED;
    }
    return RSM_OK;
}

/* Signs the commands as one bundle, submits them, frees them. None may be refused. */
static enum rsm_status submit_bundle(struct load_world *world, struct rsm_buffer *commands,
                                     uint32_t count, const char *what, char *text)
{
    struct rsm_bytes views[BUNDLE_SIZE] = {{NULL, 0}};
    struct rsm_buffer envelope = {NULL, 0}, result = {NULL, 0};
    for (uint32_t i = 0; i < count; i++)
        views[i] = rsm_buffer_bytes(&commands[i]);
    enum rsm_status status = rsm_author_bundle(world->admin, views, count, &envelope);
    if (status == RSM_OK)
        status = rsm_client_submit(world->control, rsm_buffer_bytes(&envelope),
                                   world->shape.timeout_ms, &result);
    if (status == RSM_OK)
        rsm_author_learn(world->admin, rsm_buffer_bytes(&result));
    status = explain(world, status, rsm_buffer_bytes(&result), what, text);
    for (uint32_t i = 0; i < count; i++)
        rsm_buffer_free(&commands[i]);
    rsm_buffer_free(&envelope);
    rsm_buffer_free(&result);
    return status;
}

/* Takes the body. */
static struct rsm_buffer admin_command(struct load_world *world, enum rsm_kind kind,
                                       struct rsm_buffer *body)
{
    struct rsm_buffer command;
    CHECK(rsm_author_command(world->admin, kind, rsm_buffer_bytes(body), "rsm-bench", NULL, 0,
                             &command) == RSM_OK);
    rsm_buffer_free(body);
    return command;
}

static struct rsm_bytes zone_bytes(const struct load_world *world, uint32_t zone)
{
    return rsm_bytes_make(world->zones[zone].data, world->zones[zone].size);
}

static enum rsm_status make_role(struct load_world *world, char *text)
{
    struct rsm_grant grants[LOAD_ZONES_MAX];
    struct rsm_buffer body, command;
    for (uint32_t i = 0; i < world->shape.zones; i++)
        grants[i] = (struct rsm_grant){.verb = rsm_text("rrset.*"), .zone = zone_bytes(world, i)};
    CHECK(rsm_body_role_set(rsm_text(world->word), grants, world->shape.zones, &body) == RSM_OK);
    command = admin_command(world, RSM_KIND_ROLE_SET, &body);
    return submit_bundle(world, &command, 1, "creating the role", text);
}

static struct rsm_buffer zone_body(const struct world_name *zone)
{
    static const char *const labels[] = {"ns", NULL};
    static const uint8_t timers[20] = {0, 0,    0, 1,    0,    0, 0x0e, 0x10, 0,    0,
                                       3, 0x84, 0, 0x12, 0x75, 0, 0,    0,    0x0e, 0x10};
    uint8_t soa[2 * WORLD_NAME_SIZE + 20] = {0};
    struct world_name server;
    struct rsm_buffer body;
    world_name(&server, labels, zone);
    memcpy(soa, server.data, server.size);
    memcpy(soa + server.size, zone->data, zone->size);
    memcpy(soa + server.size + zone->size, timers, sizeof timers);
    const struct rsm_bytes soa_rdata =
        rsm_bytes_make(soa, server.size + zone->size + sizeof timers);
    const struct rsm_bytes ns_rdata = rsm_bytes_make(server.data, server.size);
    const struct rsm_bytes name = rsm_bytes_make(zone->data, zone->size);
    static const uint8_t address[4] = {192, 0, 2, 1};
    const struct rsm_bytes address_rdata = rsm_bytes_make(address, sizeof address);
    const struct rsm_change changes[] = {{name, TYPE_SOA, 3600, &soa_rdata, 1},
                                         {name, TYPE_NS, 3600, &ns_rdata, 1},
                                         {ns_rdata, TYPE_A, 3600, &address_rdata, 1}};
    CHECK(rsm_body_zone_create(name, NULL, 0, changes, 3, &body) == RSM_OK);
    return body;
}

static enum rsm_status make_zones(struct load_world *world, char *text)
{
    struct rsm_buffer commands[LOAD_ZONES_MAX], body;
    for (uint32_t i = 0; i < world->shape.zones; i++) {
        body = zone_body(&world->zones[i]);
        commands[i] = admin_command(world, RSM_KIND_ZONE_CREATE, &body);
    }
    enum rsm_status status =
        submit_bundle(world, commands, world->shape.zones, "creating the zones", text);
    if (status == RSM_OK)
        world->zone_count = world->shape.zones;
    return status;
}

static enum rsm_status make_client(struct load_world *world, uint32_t index, char *text)
{
    struct load_client *c = &world->clients[index];
    char name[32];
    (void)snprintf(name, sizeof name, "%s-%u", world->word, index);
    c->world = world;
    c->index = index;
    enum rsm_status status = rsm_key_generate(name, &c->key);
    if (status == RSM_OK)
        status = rsm_author_new(c->key, rsm_author_cluster_id(world->admin), &c->author);
    if (status != RSM_OK)
        (void)snprintf(text, 256, "a key: %s", rsm_status_sentence(status));
    return status;
}

static enum rsm_status make_principals(struct load_world *world, char *text)
{
    const struct rsm_bytes role = rsm_text(world->word);
    /* What is measured is not the budget. */
    const struct rsm_budget budget[RSM_BUDGETS] = {
        [RSM_BUDGET_COMMANDS] = {BUDGET, BUDGET},
        [RSM_BUDGET_CHANGES] = {BUDGET, BUDGET},
    };
    enum rsm_status status = RSM_OK;
    while (status == RSM_OK && world->principal_count < world->shape.client_count) {
        struct rsm_buffer commands[BUNDLE_SIZE], body;
        uint32_t count = 0;
        while (count < BUNDLE_SIZE && world->principal_count + count < world->shape.client_count) {
            const struct rsm_key *key = world->clients[world->principal_count + count].key;
            const struct rsm_bytes public_key =
                rsm_bytes_make(rsm_key_public(key), RSM_PUBLIC_KEY_SIZE);
            CHECK(rsm_body_principal_set(rsm_text(rsm_key_name(key)), RSM_PRINCIPAL_AUTOMATON,
                                         rsm_text(""), rsm_text(""), &public_key, 1, &role, 1,
                                         budget, &body) == RSM_OK);
            commands[count++] = admin_command(world, RSM_KIND_PRINCIPAL_SET, &body);
        }
        status = submit_bundle(world, commands, count, "creating the principals", text);
        if (status == RSM_OK)
            world->principal_count += count;
    }
    return status;
}

/* Every key once, so that reads find them and all later changes are of one form. */
static enum rsm_status fill_client(struct load_client *client, char *text)
{
    struct load_world *world = client->world;
    struct load_client filler = *client, *c = &filler;
    enum rsm_status status = RSM_OK;
    if (world->shape.is_shared)
        c->author = world->clients[0].author; /* who will write them again */
    for (uint32_t zone = 0; zone < world->shape.zones; zone++) {
        struct rsm_buffer envelope, result = {NULL, 0};
        uint32_t first = zone, count;
        while (status == RSM_OK && (count = workload_fill(c, first, &envelope)) > 0) {
            status = rsm_client_submit(world->control, rsm_buffer_bytes(&envelope),
                                       world->shape.timeout_ms, &result);
            if (status == RSM_OK)
                rsm_author_learn(c->author, rsm_buffer_bytes(&result));
            status = explain(world, status, rsm_buffer_bytes(&result), "writing the keys", text);
            rsm_buffer_free(&envelope);
            rsm_buffer_free(&result);
            first += count * world->shape.zones;
        }
    }
    client->sequence = filler.sequence; /* the same data again would change nothing */
    return status;
}

static enum rsm_status open_control(struct load_world *world, const struct rsm_key *admin_key,
                                    char *text)
{
    enum rsm_status status = rsm_client_new(world->shape.endpoints, &world->control);
    if (status != RSM_OK) {
        (void)snprintf(text, 256, "endpoints: %s", rsm_status_sentence(status));
        return status;
    }
    status = rsm_author_open(world->control, admin_key, world->shape.timeout_ms, &world->admin);
    if (status != RSM_OK)
        (void)snprintf(text, 256, "the cluster: %s (%.150s)", rsm_status_sentence(status),
                       rsm_client_error(world->control));
    return status;
}

/* The name of an administrator's object is written again by the same author: nothing to see. */
static enum rsm_status make_world(struct load_world *world, char *text)
{
    world->sets = world->shape.changes;
    enum rsm_status status = make_zones(world, text);
    if (status == RSM_OK)
        status = make_role(world, text);
    for (uint32_t i = 0; i < world->shape.client_count && status == RSM_OK; i++)
        status = make_client(world, i, text);
    if (status == RSM_OK)
        status = make_principals(world, text);
    if (status == RSM_OK && world->shape.kept != NULL)
        status = kept_save(world, text);
    return status;
}

static void name_zones(struct load_world *world)
{
    char label[16];
    for (uint32_t i = 0; i < world->shape.zones; i++) {
        const char *const labels[] = {label, world->word, "example", NULL};
        (void)snprintf(label, sizeof label, "z%03u", i);
        world_name(&world->zones[i], labels, NULL);
    }
}

/* An author goes on behind its last command; what it writes is numbered behind that as well. */
static enum rsm_status find_authors(struct load_world *world, char *text)
{
    enum rsm_status status = RSM_OK;
    for (uint32_t i = 0; i < world->shape.client_count && status == RSM_OK; i++) {
        struct load_client *c = &world->clients[i];
        status = rsm_author_open(world->control, c->key, world->shape.timeout_ms, &c->author);
        if (status == RSM_OK)
            c->sequence = rsm_author_counter(c->author);
        else
            (void)snprintf(text, 256, "%s, whose key is in %.100s: %s", rsm_key_name(c->key),
                           world->shape.kept, rsm_status_sentence(status));
    }
    return status;
}

static enum rsm_status make_or_find_world(struct load_world *world, char *text)
{
    enum rsm_status status = world->shape.kept != NULL ? kept_load(world, text) : RSM_NOT_FOUND;
    name_zones(world);
    if (status == RSM_NOT_FOUND)
        return make_world(world, text);
    return status == RSM_OK ? find_authors(world, text) : status;
}

static enum rsm_status fill_world(struct load_world *world, const struct rsm_key *admin_key,
                                  char *text)
{
    enum rsm_status status = open_control(world, admin_key, text);
    if (status == RSM_OK)
        status = make_or_find_world(world, text);
    if (status == RSM_OK)
        workload_size(world);
    for (uint32_t i = 0; i < world->shape.client_count && status == RSM_OK && world->shape.fills;
         i++)
        status = fill_client(&world->clients[i], text);
    if (status == RSM_OK && world->shape.is_shared) {
        status = shared_open(world->shape.endpoints, world->clients[0].key, world->shape.timeout_ms,
                             &world->shared);
        if (status != RSM_OK)
            (void)snprintf(text, 256, "the shared client: %s", rsm_status_sentence(status));
    }
    return status;
}

enum rsm_status load_prepare(const struct load_shape *shape, const struct rsm_key *admin_key,
                             struct load_world **world_out, char *text)
{
    uint16_t number;
    CHECK(shape->client_count >= 1);
    CHECK(shape->client_count <= LOAD_CLIENTS_MAX);
    CHECK(shape->zones >= 1);
    CHECK(shape->zones <= LOAD_ZONES_MAX);
    struct load_world *world = mem_alloc(sizeof *world);
    world->shape = *shape;
    world->connection_count = shape->connections > 0 && shape->connections < shape->client_count
                                  ? shape->connections
                                  : shape->client_count;
    world->clients = mem_alloc(shape->client_count * sizeof world->clients[0]);
    world->connections = mem_alloc(world->connection_count * sizeof(struct rsm_client *));
    draw_init(&world->draw, shape->keys, shape->is_zipf);
    prng_init(&world->prng, shape->seed);
    for (uint32_t i = 0; i < shape->client_count; i++)
        world->clients[i].next_key = shape->first_key;
    CHECK(getrandom(&number, sizeof number, 0) == (ssize_t)sizeof number);
    (void)snprintf(world->word, sizeof world->word, "b%04x", number);
    enum rsm_status status = fill_world(world, admin_key, text);
    *world_out = world;
    if (status != RSM_OK) {
        load_clean_up(world, true);
        *world_out = NULL;
    }
    return status;
}

/* ---- taking it away ---- */

static void see_zone(struct load_world *world, uint32_t zone)
{
    struct rsm_pack *params = rsm_pack_new();
    struct rsm_buffer result;
    rsm_pack_array(params, 1);
    rsm_pack_bin(params, zone_bytes(world, zone));
    if (rsm_client_call(world->control, "zone.get", rsm_value_of(rsm_pack_result(params)),
                        world->shape.timeout_ms, &result) == RSM_OK) {
        (void)rsm_author_see_result(world->admin, rsm_value_of(rsm_buffer_bytes(&result)));
        rsm_buffer_free(&result);
    }
    rsm_pack_free(params);
}

static void delete_principals(struct load_world *world)
{
    char text[256];
    struct rsm_buffer commands[BUNDLE_SIZE], body;
    uint32_t at = 0;
    while (at < world->principal_count) {
        uint32_t count = 0;
        for (; count < BUNDLE_SIZE && at < world->principal_count; at++) {
            CHECK(rsm_body_principal_delete(rsm_text(rsm_key_name(world->clients[at].key)),
                                            &body) == RSM_OK);
            commands[count++] = admin_command(world, RSM_KIND_PRINCIPAL_DELETE, &body);
        }
        if (submit_bundle(world, commands, count, "deleting principals", text) != RSM_OK)
            (void)fprintf(stderr, "rsm-bench: %s\n", text);
    }
}

/*
 * Best effort: the records of this run go with their zones, the history stays as all history does.
 * A zone is deleted by who has seen its last change.
 */
static void delete_world(struct load_world *world)
{
    char text[256];
    struct rsm_buffer body, command;
    delete_principals(world);
    for (uint32_t i = 0; i < world->zone_count; i++) {
        see_zone(world, i);
        CHECK(rsm_body_zone_delete(zone_bytes(world, i), &body) == RSM_OK);
        command = admin_command(world, RSM_KIND_ZONE_DELETE, &body);
        if (submit_bundle(world, &command, 1, "deleting a zone", text) != RSM_OK)
            (void)fprintf(stderr, "rsm-bench: %s\n", text);
    }
    CHECK(rsm_body_role_delete(rsm_text(world->word), &body) == RSM_OK);
    command = admin_command(world, RSM_KIND_ROLE_DELETE, &body);
    if (submit_bundle(world, &command, 1, "deleting the role", text) != RSM_OK)
        (void)fprintf(stderr, "rsm-bench: %s\n", text);
}

void load_clean_up(struct load_world *world, bool deletes)
{
    if (world == NULL)
        return;
    shared_close(world->shared);
    for (uint32_t i = 0; i < world->connection_count; i++)
        rsm_client_free(world->connections[i]);
    if (deletes && world->admin != NULL && world->zone_count > 0)
        delete_world(world);
    for (uint32_t i = 0; i < world->shape.client_count; i++) {
        rsm_buffer_free(&world->clients[i].envelope);
        rsm_author_free(world->clients[i].author);
        rsm_key_free(world->clients[i].key);
    }
    rsm_author_free(world->admin);
    rsm_client_free(world->control);
    draw_deinit(&world->draw);
    mem_free(world->connections);
    mem_free(world->clients);
    mem_free(world);
}
