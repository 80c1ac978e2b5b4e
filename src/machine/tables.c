/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tables.c - keys of the state's tables (see tables.h). */
#include "src/machine/tables.h"

#include <string.h>

#include "src/base/check.h"

#define LABELS_MAX 128u

static void add(struct key *k, const void *data, size_t size)
{
    CHECK(size <= sizeof k->data - k->size);
    if (size > 0)
        memcpy(k->data + k->size, data, size);
    k->size += size;
}

static void add_u64(struct key *k, uint64_t value)
{
    uint8_t out[8];
    put_u64(out, value);
    add(k, out, sizeof out);
}

static void add_u16(struct key *k, uint16_t value)
{
    uint8_t out[2];
    put_u16(out, value);
    add(k, out, sizeof out);
}

static void add_text(struct key *k, struct bytes text)
{
    CHECK(text.size <= UINT8_MAX);
    uint8_t size = (uint8_t)text.size;
    add(k, &size, 1);
    add(k, text.data, text.size);
}

void key_slot(struct key *k, uint64_t slot)
{
    k->size = 0;
    add_u64(k, slot);
}

void key_event(struct key *k, struct bytes author, uint64_t counter)
{
    k->size = 0;
    add_text(k, author);
    add_u64(k, counter);
}

void key_object(struct key *k, enum object_kind kind, struct bytes name)
{
    uint8_t byte = (uint8_t)kind;
    k->size = 0;
    add(k, &byte, 1);
    add(k, name.data, name.size);
}

void key_zone_version(struct key *k, struct bytes zone, uint64_t slot, uint32_t index)
{
    k->size = 0;
    add(k, zone.data, zone.size);
    add_u64(k, slot);
    add_u16(k, (uint16_t)index);
}

void key_change(struct key *k, uint64_t slot, uint32_t index, struct bytes rrset_key)
{
    key_slot(k, slot);
    add_u16(k, (uint16_t)index);
    if (rrset_key.size > 0)
        add(k, rrset_key.data, rrset_key.size);
}

/* An octet of a label: 0 and 1 have two in the key. */
static inline uint8_t *put_octet(uint8_t *at, uint8_t octet)
{
    if (octet <= 1) {
        *at++ = 1;
        octet++;
    }
    *at = octet;
    return at + 1;
}

/* One label and its end mark; false when the name key gets too long. */
static bool add_label(struct key *k, size_t size_max, const uint8_t *label, size_t size)
{
    uint8_t *at = k->data + k->size;
    const uint8_t *end = k->data + size_max;
    bool is_near_end = (size_t)(end - at) < 2 * size + 1;
    for (size_t i = 0; i < size; i++) {
        if (is_near_end && end - at < 3)
            return false;
        at = put_octet(at, label[i]);
    }
    *at++ = 0;
    k->size = (size_t)(at - k->data);
    return true;
}

static bool add_name(struct key *k, struct bytes name)
{
    uint8_t starts[LABELS_MAX];
    size_t count = 0;
    size_t offset = 0;
    while (offset < name.size && name.data[offset] != 0) {
        CHECK(count < LABELS_MAX && offset < LIMIT_NAME_SIZE);
        starts[count++] = (uint8_t)offset;
        offset += 1u + name.data[offset];
    }
    CHECK(offset + 1 == name.size);
    size_t size_max = k->size + NAME_KEY_SIZE_MAX;
    while (count > 0) {
        const uint8_t *label = name.data + starts[--count];
        if (!add_label(k, size_max, label + 1, label[0])) {
            k->size = 0;
            return false;
        }
    }
    return true;
}

void key_zone_id(struct key *k, uint64_t zone_id)
{
    k->size = 0;
    add_u64(k, zone_id);
}

bool key_owner(struct key *k, uint64_t zone_id, struct bytes owner, bool below)
{
    key_zone_id(k, zone_id);
    if (!add_name(k, owner))
        return false;
    if (!below)
        add(k, "\0", 1);
    return true;
}

bool key_rrset(struct key *k, uint64_t zone_id, struct bytes owner, uint16_t type)
{
    if (!key_owner(k, zone_id, owner, false))
        return false;
    add_u16(k, type);
    return true;
}

void key_add_version(struct key *k, uint64_t slot, uint32_t index)
{
    add_u64(k, slot);
    add_u16(k, (uint16_t)index);
}

void key_protected(struct key *k, struct bytes zone, struct bytes owner, uint16_t type)
{
    /* Two names and a type: 512 at most would pass LIMIT_KEY_SIZE, so the owner goes without what
     * it shares with the zone when it is inside it. */
    k->size = 0;
    add(k, zone.data, zone.size);
    size_t shared = owner.size >= zone.size ? zone.size : 0;
    add(k, owner.data, owner.size - shared);
    add_u16(k, type);
}

void key_generation(struct key *k, struct bytes plan, uint64_t generation)
{
    k->size = 0;
    add_text(k, plan);
    add_u64(k, generation);
}

void key_request(struct key *k, struct bytes author, struct bytes identity)
{
    k->size = 0;
    add(k, "\0", 1);
    add_text(k, author);
    add(k, identity.data, identity.size);
}

void key_request_time(struct key *k, uint64_t time_ms, struct bytes author, struct bytes identity)
{
    k->size = 0;
    add(k, "\1", 1);
    add_u64(k, time_ms);
    add_text(k, author);
    add(k, identity.data, identity.size);
}

void key_live(struct key *k, struct bytes plan, uint64_t generation, struct bytes rrset_key)
{
    key_generation(k, plan, generation);
    add(k, rrset_key.data, rrset_key.size);
}

/* The first byte of a node: 1 a name, 2 a service. */
bool key_node_name(struct key *k, struct bytes name)
{
    k->size = 0;
    add(k, "\1", 1);
    return add_name(k, name);
}

void key_node_service(struct key *k, struct bytes service)
{
    k->size = 0;
    add(k, "\2", 1);
    add(k, service.data, service.size);
}

bool key_begins_with(struct bytes key, struct bytes prefix)
{
    return key.size >= prefix.size &&
           (prefix.size == 0 || memcmp(key.data, prefix.data, prefix.size) == 0);
}

/* Reads one label of a name key into wire form; 0 at bad bytes. */
static size_t parse_label(struct bytes name_key, size_t *offset, uint8_t label[63])
{
    const uint8_t *at = name_key.data + *offset;
    const uint8_t *end = name_key.data + name_key.size;
    size_t size = 0;
    for (; at < end && *at != 0; at++) {
        uint8_t less = *at == 1 ? 1 : 0;
        at += less;
        if (at == end || size == 63)
            return 0;
        label[size++] = (uint8_t)(*at - less);
    }
    if (at == end)
        return 0; /* no end mark */
    *offset = (size_t)(at + 1 - name_key.data);
    return size;
}

static bool parse_name(struct bytes name_key, uint8_t *buffer, struct bytes *name_out)
{
    uint8_t wire[LIMIT_NAME_SIZE]; /* filled from its end */
    size_t begin = sizeof wire - 1;
    size_t offset = 0;
    wire[begin] = 0;
    while (offset < name_key.size) {
        uint8_t label[63];
        size_t size = parse_label(name_key, &offset, label);
        if (size == 0 || size + 1 > begin)
            return false;
        begin -= size;
        memcpy(wire + begin, label, size);
        wire[--begin] = (uint8_t)size;
    }
    memcpy(buffer, wire + begin, sizeof wire - begin);
    *name_out = bytes_make(buffer, sizeof wire - begin);
    return true;
}

bool key_parse_rrset(struct bytes key, uint8_t *owner_out, struct rrset_key *out)
{
    if (key.size < 11 || key.data[key.size - 3] != 0)
        return false;
    out->zone_id = get_u64(key.data);
    out->type = get_u16(key.data + key.size - 2);
    return parse_name(bytes_make(key.data + 8, key.size - 11), owner_out, &out->owner);
}

bool key_parse_node(struct bytes node, uint8_t buffer[LIMIT_NAME_SIZE], struct bytes *name_out)
{
    return node.size > 0 && node.data[0] == 1 &&
           parse_name(bytes_make(node.data + 1, node.size - 1), buffer, name_out);
}

bool key_parse_version(struct bytes key, struct bytes *rrset_out, uint64_t *slot_out,
                       uint32_t *index_out)
{
    if (key.size < 11 + 10)
        return false;
    size_t size = key.size - 10;
    *rrset_out = bytes_make(key.data, size);
    *slot_out = get_u64(key.data + size);
    *index_out = get_u16(key.data + size + 8);
    return true;
}
