/* SPDX-License-Identifier: GPL-3.0-or-later */
/* machine_data.c - see machine_data.h. */
#include "tests/lib/machine_data.h"

#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/command/pack.h"
#include "src/rr/data.h"
#include "src/rr/name.h"

struct bytes wire_bytes(const char *text)
{
    static uint8_t ring[64][NAME_SIZE_MAX];
    static size_t next;
    struct bytes name;
    uint8_t *buffer = ring[next++ % 64];
    CHECK(name_from_text(text, (struct bytes){NULL, 0}, buffer, &name) == RSM_OK);
    if (name.data != buffer)
        memcpy(buffer, name.data, name.size);
    return bytes_make(buffer, name.size);
}

struct rsm_bytes wire(const char *text)
{
    struct bytes name = wire_bytes(text);
    return (struct rsm_bytes){name.data, name.size};
}

struct rsm_bytes text_bytes(const char *text)
{
    return (struct rsm_bytes){(const uint8_t *)text, strlen(text)};
}

static const struct rsm_bytes *addresses(uint8_t first)
{
    static uint8_t octets[256][4];
    static struct rsm_bytes all[256];
    for (unsigned n = 0; n < 256 && all[0].data == NULL; n++) {
        uint8_t one[4] = {192, 0, 2, (uint8_t)n};
        memcpy(octets[n], one, sizeof one);
    }
    for (unsigned n = 0; n < 256; n++)
        all[n] = (struct rsm_bytes){octets[n], 4};
    return &all[first];
}

struct rsm_bytes address(uint8_t n)
{
    return *addresses(n);
}

struct rsm_change change_a(const char *owner, uint8_t first, size_t count)
{
    return (struct rsm_change){.owner = wire(owner),
                               .type = RR_TYPE_A,
                               .ttl = count > 0 ? 300 : 0,
                               .rdatas = addresses(first),
                               .rdata_count = count};
}

struct rsm_change change_name(const char *owner, uint16_t type, const char *target)
{
    static struct rsm_bytes ring[64];
    static size_t next;
    struct rsm_bytes *rdata = &ring[next++ % 64];
    *rdata = wire(target);
    return (struct rsm_change){
        .owner = wire(owner), .type = type, .ttl = 300, .rdatas = rdata, .rdata_count = 1};
}

struct rsm_bytes soa_rdata(uint32_t serial)
{
    static uint8_t ring[16][64];
    static size_t next;
    uint8_t *out = ring[next++ % 16];
    struct bytes ns = wire_bytes("ns.example.");
    memcpy(out, ns.data, ns.size);
    memcpy(out + ns.size, ns.data, ns.size);
    uint8_t *numbers = out + 2 * ns.size;
    static const uint32_t rest[4] = {3600, 600, 86400, 300};
    put_u32(numbers, serial);
    for (size_t i = 0; i < 4; i++)
        put_u32(numbers + 4 + 4 * i, rest[i]);
    return (struct rsm_bytes){out, 2 * ns.size + 20};
}

struct rsm_change change_soa(const char *zone, uint32_t serial)
{
    static struct rsm_bytes ring[16];
    static size_t next;
    struct rsm_bytes *rdata = &ring[next++ % 16];
    *rdata = soa_rdata(serial);
    return (struct rsm_change){
        .owner = wire(zone), .type = RR_TYPE_SOA, .ttl = 300, .rdatas = rdata, .rdata_count = 1};
}

struct rsm_buffer body_zone(const char *zone, uint32_t serial, const struct rsm_change *more,
                            size_t count)
{
    struct rsm_change *all = mem_alloc((count + 2) * sizeof *all);
    struct rsm_buffer body;
    all[0] = change_soa(zone, serial);
    all[1] = change_name(zone, RR_TYPE_NS, "ns.invalid.");
    if (count > 0)
        memcpy(all + 2, more, count * sizeof *all);
    CHECK(rsm_body_zone_create(wire(zone), NULL, 0, all, count + 2, &body) == RSM_OK);
    mem_free(all);
    return body;
}

struct rsm_buffer body_change(const char *zone, const struct rsm_change *changes, size_t count)
{
    struct rsm_buffer body;
    CHECK(rsm_body_rrset_change(wire(zone), changes, count, &body) == RSM_OK);
    return body;
}

struct rsm_buffer body_request(enum rsm_class least, const char *zone,
                               const struct rsm_change *change)
{
    struct rsm_buffer inner = body_change(zone, change, 1), body;
    CHECK(rsm_body_change_request(least, NULL, 0, "rrset.change",
                                  (struct rsm_bytes){inner.data, inner.size}, &body) == RSM_OK);
    rsm_buffer_free(&inner);
    return body;
}

static struct rsm_buffer body_of_policy(struct writer *map)
{
    struct rsm_buffer body;
    CHECK(rsm_body_policy_set((struct rsm_bytes){map->data, map->size}, &body) == RSM_OK);
    writer_deinit(map);
    return body;
}

struct rsm_buffer body_policy(const char *name, uint64_t value)
{
    struct writer map;
    writer_init(&map, 4096);
    pack_map(&map, 1);
    pack_text(&map, name);
    pack_uint(&map, value);
    return body_of_policy(&map);
}

struct rsm_buffer body_class(const char *class, const char *suffix, const char *tier)
{
    struct writer map;
    writer_init(&map, 4096);
    pack_map(&map, 1);
    pack_text(&map, "classes");
    pack_array(&map, 1);
    pack_map(&map, suffix != NULL && tier != NULL ? 3 : 2);
    pack_text(&map, "class");
    pack_text(&map, class);
    if (suffix != NULL) {
        pack_text(&map, "suffix");
        pack_bin(&map, wire_bytes(suffix));
    }
    if (tier != NULL) {
        pack_text(&map, "tier");
        pack_text(&map, tier);
    }
    return body_of_policy(&map);
}
