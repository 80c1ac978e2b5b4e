/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * author_plane.c - what authors say of the control plane: dynamic updates with prerequisites (RFC
 * 2136), services that need names and each other, labels of zones that the policy makes critical.
 * Some of it has to be refused: recount_plane.h says when.
 */
#include "tests/sim/sim_node.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rsm/service.h>
#include <rsm/update.h>

#include "src/base/check.h"
#include "src/command/pack.h"

#define TYPE_A 1
#define TYPE_ANY 255
#define NAME_SIZE 35u
#define SERVICES_EACH 2u

/* A name in the author's zone, of two letters. */
static struct rsm_bytes name_in(const struct node_cluster *c, uint32_t index, char first,
                                char second, uint8_t buffer[NAME_SIZE])
{
    struct rsm_bytes zone = author_zone(c, index);
    CHECK(zone.size + 3 <= NAME_SIZE);
    buffer[0] = 2;
    buffer[1] = (uint8_t)first;
    buffer[2] = (uint8_t)second;
    memcpy(buffer + 3, zone.data, zone.size);
    return rsm_bytes_make(buffer, zone.size + 3);
}

/* The address that the author's command with that counter adds. */
static void address_of(uint32_t index, uint64_t counter, uint8_t out[4])
{
    out[0] = 10;
    out[1] = (uint8_t)index;
    out[2] = (uint8_t)(counter >> 8);
    out[3] = (uint8_t)counter;
}

/* Of the forms of RFC 2136 2.4 one, about the name; whether it holds depends on what was before. */
static struct rsm_record prerequisite(struct sim *sim, struct rsm_bytes name, struct rsm_bytes old)
{
    static const struct rsm_record forms[] = {
        {.record_class = RSM_CLASS_ANY, .type = TYPE_A},    /* the set is there */
        {.record_class = RSM_CLASS_NONE, .type = TYPE_A},   /* it is not */
        {.record_class = RSM_CLASS_ANY, .type = TYPE_ANY},  /* the name is in use */
        {.record_class = RSM_CLASS_NONE, .type = TYPE_ANY}, /* it is not */
        {.record_class = RSM_CLASS_IN, .type = TYPE_A},     /* the set is this one */
    };
    struct rsm_record out = forms[sim_range(sim, 0, sizeof(forms) / sizeof(*forms) - 1)];
    out.owner = name;
    if (out.record_class == RSM_CLASS_IN)
        out.rdata = old;
    return out;
}

void plane_update(struct node_cluster *c, uint32_t index, uint64_t counter, struct rsm_buffer *body)
{
    struct sim *sim = &c->sim;
    uint8_t owner[NAME_SIZE], now[4], before[4];
    struct rsm_bytes name = name_in(c, index, 'u', (char)('a' + counter % 3), owner);
    address_of(index, counter, now);
    address_of(index, counter >= 3 ? counter - 3 : 0, before);
    struct rsm_bytes added = rsm_bytes_make(now, 4), old = rsm_bytes_make(before, 4);
    const struct rsm_record all_go = {.owner = name, .type = TYPE_A, .record_class = RSM_CLASS_ANY};
    const struct rsm_record one_goes = {
        .owner = name, .type = TYPE_A, .record_class = RSM_CLASS_NONE, .rdata = old};
    const struct rsm_record one_comes = {
        .owner = name, .type = TYPE_A, .record_class = RSM_CLASS_IN, .ttl = 60, .rdata = added};
    struct rsm_record records[2] = {all_go, one_comes};
    size_t count = 2;
    switch (sim_range(sim, 0, 4)) {
    case 0:
        records[0] = one_goes; /* one for another */
        break;
    case 1:
        records[0] = one_comes;
        count = 1;
        break;
    case 2:
        count = 1; /* all go, and nothing comes */
        break;
    default:
        break;
    }
    struct rsm_record wanted = prerequisite(sim, name, old);
    struct rsm_update update = {.zone = author_zone(c, index),
                                .prerequisites = &wanted,
                                .prerequisite_count = sim_chance(sim, 500000) ? 1 : 0,
                                .updates = records,
                                .update_count = count};
    CHECK(rsm_body_rrset_update(&update, body) == RSM_OK);
}

/* "s3-1" */
static struct rsm_bytes service_name(uint32_t index, uint64_t number, char out[16])
{
    snprintf(out, 16, "s%u-%u", index, (unsigned)(number % SERVICES_EACH));
    return rsm_text(out);
}

enum rsm_kind plane_service(struct node_cluster *c, uint32_t index, struct rsm_buffer *body)
{
    struct sim *sim = &c->sim;
    char text[16], other[16];
    uint8_t owner[NAME_SIZE], server[NAME_SIZE];
    uint32_t of = (uint32_t)sim_range(sim, 1, c->options.author_count - 1);
    struct rsm_bytes name = service_name(index, sim_range(sim, 0, 1), text);
    struct rsm_bytes needed = service_name(of, sim_range(sim, 0, 1), other);
    if (sim_chance(sim, 250000)) {
        CHECK(rsm_body_service_delete(name, body) == RSM_OK);
        return RSM_KIND_SERVICE_DELETE;
    }
    struct rsm_service_name names[] = {
        {name_in(c, index, 'w', (char)('a' + sim_range(sim, 0, 4)), owner), false}};
    const struct rsm_service_need needs[] = {
        {.name = name_in(c, index, 'n', 's', server), .service = rsm_text("")},
        {.name = {NULL, 0}, .service = needed}};
    struct rsm_service service = {.name = name,
                                  .owner = rsm_text("team"),
                                  .tier = rsm_text(sim_chance(sim, 500000) ? "critical" : "low"),
                                  .names = names,
                                  .name_count = 1,
                                  .needs = needs,
                                  .need_count = sim_chance(sim, 600000) ? 2 : 1};
    CHECK(rsm_body_service_set(&service, body) == RSM_OK);
    return RSM_KIND_SERVICE_SET;
}

void plane_label(struct node_cluster *c, uint32_t index, struct rsm_buffer *body)
{
    char round[24];
    snprintf(round, sizeof(round), "%" PRIu64, sim_range(&c->sim, 0, 1000000));
    struct rsm_label labels[] = {
        {rsm_text("round"), rsm_text(round)},
        {rsm_text("tier"), rsm_text(sim_chance(&c->sim, 400000) ? "critical" : "low")}};
    CHECK(rsm_body_zone_label(author_zone(c, index), labels, 2, body) == RSM_OK);
}

void plane_pack_classes(struct writer *map)
{
    pack_text(map, "classes");
    pack_array(map, 1);
    pack_map(map, 3);
    pack_text(map, "class");
    pack_text(map, "critical");
    pack_text(map, "label");
    pack_text(map, "tier");
    pack_text(map, "value");
    pack_text(map, "critical");
}
