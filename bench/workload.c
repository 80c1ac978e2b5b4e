/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * workload.c - what a client signs and asks for.
 *
 * Key k of client c is a group of record sets rJJJJ.kKKKKKK.cCCCC below zone (k + c) % zones. A key
 * is written by its own client alone: two that write the same record set would be told `stale`, as
 * they should.
 */
#include <stdio.h>
#include <string.h>

#include <rsm/body.h>

#include "bench/world.h"
#include "src/base/check.h"
#include "src/base/mem.h"

#define SEQUENCE_DIGITS 12u
#define FILL_CHANGES 512u
#define LABEL_SIZE 12 /* a letter and a number of 32 bits */
#define RDATA_SIZE (LOAD_SIZE_MAX + LOAD_SIZE_MAX / 200 + 32)

void world_name(struct world_name *out, const char *const *labels, const struct world_name *suffix)
{
    out->size = 0;
    for (; *labels != NULL; labels++) {
        size_t size = strlen(*labels);
        CHECK(out->size + size + 2 + (suffix != NULL ? suffix->size : 1) <= WORLD_NAME_SIZE);
        out->data[out->size++] = (uint8_t)size;
        memcpy(out->data + out->size, *labels, size);
        out->size += size;
    }
    if (suffix != NULL) {
        memcpy(out->data + out->size, suffix->data, suffix->size);
        out->size += suffix->size;
    } else {
        out->data[out->size++] = 0;
    }
}

static const struct world_name *zone_of(const struct load_world *world, uint32_t client,
                                        uint32_t key)
{
    return &world->zones[(client + key) % world->shape.zones];
}

/* The letter, and the number in so many digits at least, by hand: each operation makes three. */
static void make_label(char out[LABEL_SIZE], char letter, int digits, uint32_t number)
{
    char backwards[10];
    int count = 0, size = 0;
    for (; number > 0 || count < digits; number /= 10)
        backwards[count++] = (char)('0' + number % 10);
    out[size++] = letter;
    while (count > 0)
        out[size++] = backwards[--count];
    out[size] = 0;
}

static void owner_of(const struct load_world *world, uint32_t client, uint32_t key, uint32_t change,
                     struct world_name *out)
{
    char set[LABEL_SIZE], group[LABEL_SIZE], mine[LABEL_SIZE];
    const char *const labels[] = {set, group, mine, NULL};
    make_label(set, 'r', 4, change);
    make_label(group, 'k', 6, key);
    make_label(mine, 'c', 4, client);
    world_name(out, labels, zone_of(world, client, key));
}

static struct rsm_bytes name_bytes(const struct world_name *name)
{
    return rsm_bytes_make(name->data, name->size);
}

/* TXT record data: the sequence number and filler, in strings of up to 255 bytes. */
static size_t make_rdata(uint8_t *out, uint64_t sequence, uint32_t filler_size)
{
    char number[SEQUENCE_DIGITS + 1];
    size_t size = 0;
    uint32_t left = SEQUENCE_DIGITS + filler_size;
    (void)snprintf(number, sizeof number, "%012llu", (unsigned long long)sequence);
    for (bool is_first = true; left > 0; is_first = false) {
        uint32_t piece = left < 255 ? left : 255;
        out[size] = (uint8_t)piece;
        memset(out + size + 1, 'x', piece);
        if (is_first)
            memcpy(out + size + 1, number, SEQUENCE_DIGITS);
        size += 1 + piece;
        left -= piece;
    }
    return size;
}

/* One record set, new. All that are made until the body is built share the data of one sequence. */
static struct rsm_change change_of(struct load_client *c, uint32_t key, uint32_t change,
                                   struct world_name *owner, const struct rsm_bytes *rdata)
{
    owner_of(c->world, c->index, key, change, owner);
    return (struct rsm_change){name_bytes(owner), WORLD_TYPE_TXT, 300, rdata, 1};
}

static uint32_t next_key(struct load_client *c)
{
    return c->world->shape.is_once ? c->next_key++ : draw_key(&c->world->draw, &c->world->prng);
}

bool workload_has_more(const struct load_client *c)
{
    return !c->world->shape.is_once || c->next_key < c->world->shape.keys;
}

/* Where in a key a change set begins that is smaller than it. */
static uint32_t draw_first(struct load_world *world)
{
    uint32_t more = world->sets - world->shape.changes;
    return more > 0 ? (uint32_t)prng_below(&world->prng, more + 1) : 0;
}

/* `group_count` keys of one zone, from `key` on in steps of the number of zones. */
static struct rsm_buffer make_body(struct load_client *c, uint32_t key, uint32_t group_count)
{
    static uint8_t data[RDATA_SIZE];
    const struct load_shape *shape = &c->world->shape;
    uint32_t count = group_count * shape->changes, at = 0, first = draw_first(c->world);
    struct world_name *owners = mem_alloc(count * sizeof owners[0]);
    struct rsm_change *changes = mem_alloc(count * sizeof changes[0]);
    const struct rsm_bytes rdata =
        rsm_bytes_make(data, make_rdata(data, c->sequence++, c->world->filler_size));
    struct rsm_buffer body;
    for (uint32_t g = 0; g < group_count; g++)
        for (uint32_t i = 0; i < shape->changes; i++, at++)
            changes[at] = change_of(c, key + g * shape->zones, first + i, &owners[at], &rdata);
    CHECK(rsm_body_rrset_change(name_bytes(zone_of(c->world, c->index, key)), changes, count,
                                &body) == RSM_OK);
    mem_free(changes);
    mem_free(owners);
    return body;
}

static struct rsm_buffer sign_body(struct load_client *c, struct rsm_buffer *body)
{
    struct rsm_buffer envelope;
    CHECK(rsm_author_sign(c->author, RSM_KIND_RRSET_CHANGE, rsm_buffer_bytes(body), "", NULL, 0,
                          &envelope) == RSM_OK);
    rsm_buffer_free(body);
    return envelope;
}

static struct rsm_buffer sign_bundle(struct load_client *c, uint32_t count)
{
    static struct rsm_buffer commands[LOAD_BUNDLE_MAX];
    static struct rsm_bytes views[LOAD_BUNDLE_MAX];
    struct rsm_buffer envelope;
    for (uint32_t i = 0; i < count; i++) {
        struct rsm_buffer body = make_body(c, next_key(c), 1);
        CHECK(rsm_author_command(c->author, RSM_KIND_RRSET_CHANGE, rsm_buffer_bytes(&body), "",
                                 NULL, 0, &commands[i]) == RSM_OK);
        rsm_buffer_free(&body);
        views[i] = rsm_buffer_bytes(&commands[i]);
    }
    CHECK(rsm_author_bundle(c->author, views, count, &envelope) == RSM_OK);
    for (uint32_t i = 0; i < count; i++)
        rsm_buffer_free(&commands[i]);
    return envelope;
}

struct rsm_buffer workload_body(struct load_client *c)
{
    return make_body(c, next_key(c), 1);
}

struct rsm_buffer workload_sign(struct load_client *c)
{
    if (c->world->shape.bundle > 1)
        return sign_bundle(c, c->world->shape.bundle);
    struct rsm_buffer body = workload_body(c);
    return sign_body(c, &body);
}

uint32_t workload_fill(struct load_client *c, uint32_t first, struct rsm_buffer *envelope_out)
{
    const struct load_shape *shape = &c->world->shape;
    uint32_t most = FILL_CHANGES / shape->changes, count = 0;
    for (uint32_t key = first; key < shape->keys && (count == 0 || count < most);
         key += shape->zones)
        count++;
    if (count == 0)
        return 0;
    struct rsm_buffer body = make_body(c, first, count);
    *envelope_out = sign_body(c, &body);
    return count;
}

void workload_size(struct load_world *world)
{
    struct rsm_author *throw_away;
    struct load_client probe = world->clients[0];
    CHECK(rsm_author_new(probe.key, rsm_author_cluster_id(probe.author), &throw_away) == RSM_OK);
    rsm_author_set_counter(throw_away, 1000);
    probe.author = throw_away;
    world->filler_size = 0;
    struct rsm_buffer body = make_body(&probe, 0, 1), envelope = sign_body(&probe, &body);
    if (world->shape.envelope_size > envelope.size)
        world->filler_size =
            (world->shape.envelope_size - (uint32_t)envelope.size) / world->shape.changes;
    world->filler_size -= world->filler_size / 256; /* each 255 of them have a byte in front */
    rsm_buffer_free(&envelope);
    rsm_author_free(throw_away);
}

struct rsm_pack *workload_read(struct load_world *world, uint32_t client_count, bool is_stale)
{
    uint32_t client = (uint32_t)prng_below(&world->prng, client_count);
    uint32_t key = draw_key(&world->draw, &world->prng);
    struct rsm_pack *params = rsm_pack_new();
    struct world_name owner;
    owner_of(world, client, key, (uint32_t)prng_below(&world->prng, world->sets), &owner);
    CHECK(params != NULL);
    rsm_pack_array(params, 4);
    rsm_pack_bin(params, name_bytes(zone_of(world, client, key)));
    rsm_pack_bin(params, name_bytes(&owner));
    rsm_pack_uint(params, WORLD_TYPE_TXT);
    rsm_pack_map(params, 1);
    rsm_pack_text(params, "level");
    rsm_pack_text(params, is_stale ? "stale" : "linearizable");
    return params;
}
