/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * world.c - makes what a run needs, through the front door: a role, a zone, a principal for each
 * client; and takes it away again.
 */
#include "bench/world.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <rsm/body.h>

#include "src/base/check.h"
#include "src/base/mem.h"

#define CALL_TIMEOUT_MS 15000u
#define BUNDLE_SIZE 64u
#define TYPE_NS 2u
#define TYPE_SOA 6u

/* A wire name of labels in front of `suffix`, which is a wire name or empty (the root). */
static size_t make_name(uint8_t *out, const char *const *labels, const uint8_t *suffix,
                        size_t suffix_size)
{
    size_t size = 0;
    for (; *labels != NULL; labels++) {
        size_t label_size = strlen(*labels);
        CHECK(size + label_size + suffix_size + 2 <= WORLD_NAME_SIZE);
        out[size++] = (uint8_t)label_size;
        memcpy(out + size, *labels, label_size);
        size += label_size;
    }
    if (suffix_size > 0)
        memcpy(out + size, suffix, suffix_size);
    else
        out[size] = 0;
    return size + (suffix_size > 0 ? suffix_size : 1);
}

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
        if (verdict.applied)
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

/* Signs the commands as one bundle, submits them, frees them. All must be applied. */
static enum rsm_status submit_bundle(struct load_world *world, struct rsm_buffer *commands,
                                     uint32_t count, const char *what, char *text)
{
    struct rsm_bytes views[BUNDLE_SIZE];
    struct rsm_buffer envelope = {NULL, 0}, result = {NULL, 0};
    for (uint32_t i = 0; i < count; i++)
        views[i] = rsm_buffer_bytes(&commands[i]);
    enum rsm_status status = rsm_author_bundle(world->admin, views, count, &envelope);
    if (status == RSM_OK)
        status = rsm_client_submit(world->control, rsm_buffer_bytes(&envelope), CALL_TIMEOUT_MS,
                                   &result);
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

static enum rsm_status make_role_and_zone(struct load_world *world, char *text)
{
    uint8_t server[WORLD_NAME_SIZE], soa[2 * WORLD_NAME_SIZE + 20] = {0};
    static const char *const labels[] = {"ns", NULL};
    static const uint8_t timers[20] = {0, 0,    0, 1,    0,    0, 0x0e, 0x10, 0,    0,
                                       3, 0x84, 0, 0x12, 0x75, 0, 0,    0,    0x0e, 0x10};
    struct rsm_bytes zone = rsm_bytes_make(world->zone, world->zone_size);
    size_t server_size = make_name(server, labels, world->zone, world->zone_size);
    memcpy(soa, server, server_size);
    memcpy(soa + server_size, world->zone, world->zone_size);
    memcpy(soa + server_size + world->zone_size, timers, sizeof timers);
    const struct rsm_bytes soa_rdata =
        rsm_bytes_make(soa, server_size + world->zone_size + sizeof timers);
    const struct rsm_bytes ns_rdata = rsm_bytes_make(server, server_size);
    const struct rsm_change changes[] = {{zone, TYPE_SOA, 3600, &soa_rdata, 1},
                                         {zone, TYPE_NS, 3600, &ns_rdata, 1}};
    const struct rsm_grant grant = {.verb = rsm_text("rrset.*"), .zone = zone};
    struct rsm_buffer bodies[2], commands[2];
    CHECK(rsm_body_zone_create(zone, NULL, 0, changes, 2, &bodies[0]) == RSM_OK);
    CHECK(rsm_body_role_set(rsm_text(world->word), &grant, 1, &bodies[1]) == RSM_OK);
    commands[0] = admin_command(world, RSM_KIND_ZONE_CREATE, &bodies[0]);
    commands[1] = admin_command(world, RSM_KIND_ROLE_SET, &bodies[1]);
    return submit_bundle(world, commands, 2, "creating the zone and the role", text);
}

static enum rsm_status make_client(struct load_world *world, uint32_t index, char *text)
{
    struct load_client *c = &world->clients[index];
    char name[32], label[16];
    const char *labels[] = {label, NULL};
    (void)snprintf(name, sizeof name, "%s-%u", world->word, index);
    (void)snprintf(label, sizeof label, "r%u", index);
    c->world = world;
    c->owner_size = make_name(c->owner, labels, world->zone, world->zone_size);
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
    enum rsm_status status = RSM_OK;
    while (status == RSM_OK && world->principal_count < world->client_count) {
        struct rsm_buffer commands[BUNDLE_SIZE], body;
        uint32_t count = 0;
        while (count < BUNDLE_SIZE && world->principal_count + count < world->client_count) {
            const struct rsm_key *key = world->clients[world->principal_count + count].key;
            const struct rsm_bytes public_key =
                rsm_bytes_make(rsm_key_public(key), RSM_PUBLIC_KEY_SIZE);
            CHECK(rsm_body_principal_set(rsm_text(rsm_key_name(key)), RSM_PRINCIPAL_AUTOMATON,
                                         rsm_text(""), &public_key, 1, &role, 1, &body) == RSM_OK);
            commands[count++] = admin_command(world, RSM_KIND_PRINCIPAL_SET, &body);
        }
        status = submit_bundle(world, commands, count, "creating the principals", text);
        if (status == RSM_OK)
            world->principal_count += count;
    }
    return status;
}

/* The name of an administrator's object is written again by the same author: nothing to see. */
static enum rsm_status fill_world(struct load_world *world, const struct rsm_key *admin_key,
                                  char *text)
{
    enum rsm_status status = rsm_client_new(world->endpoints, &world->control);
    if (status != RSM_OK) {
        (void)snprintf(text, 256, "endpoints: %s", rsm_status_sentence(status));
        return status;
    }
    status = rsm_author_open(world->control, admin_key, CALL_TIMEOUT_MS, &world->admin);
    if (status != RSM_OK) {
        (void)snprintf(text, 256, "the cluster: %s (%.150s)", rsm_status_sentence(status),
                       rsm_client_error(world->control));
        return status;
    }
    status = make_role_and_zone(world, text);
    for (uint32_t i = 0; i < world->client_count && status == RSM_OK; i++)
        status = make_client(world, i, text);
    return status == RSM_OK ? make_principals(world, text) : status;
}

enum rsm_status load_prepare(const char *endpoints, const struct rsm_key *admin_key,
                             uint32_t client_count_max, struct load_world **world_out, char *text)
{
    uint16_t number;
    const char *labels[] = {NULL, "example", NULL};
    CHECK(client_count_max <= LOAD_CLIENTS_MAX);
    struct load_world *world = mem_alloc(sizeof *world);
    world->endpoints = endpoints;
    world->client_count = client_count_max;
    world->clients = mem_alloc(client_count_max * sizeof world->clients[0]);
    CHECK(getrandom(&number, sizeof number, 0) == (ssize_t)sizeof number);
    (void)snprintf(world->word, sizeof world->word, "b%04x", number);
    labels[0] = world->word;
    world->zone_size = make_name(world->zone, labels, NULL, 0);
    enum rsm_status status = fill_world(world, admin_key, text);
    *world_out = world;
    if (status != RSM_OK) {
        load_clean_up(world, true);
        *world_out = NULL;
    }
    return status;
}

/* ---- taking it away ---- */

static void see_zone(struct load_world *world)
{
    struct rsm_pack *params = rsm_pack_new();
    struct rsm_buffer result;
    rsm_pack_array(params, 1);
    rsm_pack_bin(params, rsm_bytes_make(world->zone, world->zone_size));
    if (rsm_client_call(world->control, "zone.get", rsm_value_of(rsm_pack_result(params)),
                        CALL_TIMEOUT_MS, &result) == RSM_OK) {
        (void)rsm_author_see_result(world->admin, rsm_value_of(rsm_buffer_bytes(&result)));
        rsm_buffer_free(&result);
    }
    rsm_pack_free(params);
}

/* Best effort: the records of this run go with the zone, the history stays as all history does. */
static void delete_world(struct load_world *world)
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
    see_zone(world);
    CHECK(rsm_body_zone_delete(rsm_bytes_make(world->zone, world->zone_size), &body) == RSM_OK);
    commands[0] = admin_command(world, RSM_KIND_ZONE_DELETE, &body);
    CHECK(rsm_body_role_delete(rsm_text(world->word), &body) == RSM_OK);
    commands[1] = admin_command(world, RSM_KIND_ROLE_DELETE, &body);
    if (submit_bundle(world, commands, 2, "deleting the zone and the role", text) != RSM_OK)
        (void)fprintf(stderr, "rsm-bench: %s\n", text);
}

void load_clean_up(struct load_world *world, bool deletes)
{
    if (world == NULL)
        return;
    for (uint32_t i = 0; i < world->client_count; i++)
        rsm_client_free(world->clients[i].client);
    if (deletes && world->admin != NULL && world->principal_count > 0)
        delete_world(world);
    for (uint32_t i = 0; i < world->client_count; i++) {
        rsm_author_free(world->clients[i].author);
        rsm_key_free(world->clients[i].key);
    }
    rsm_author_free(world->admin);
    rsm_client_free(world->control);
    mem_free(world->clients);
    mem_free(world);
}
