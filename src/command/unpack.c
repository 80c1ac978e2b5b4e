/* SPDX-License-Identifier: Apache-2.0 */
/* unpack.c - the cursor. Each read is one header, checked against the bytes that are left. */
#include "src/command/unpack.h"

#include <string.h>

#include "src/base/check.h"
#include "src/command/header.h"

void unpack_fail(struct unpack *u, enum rsm_status status)
{
    CHECK(status != RSM_OK);
    if (u->status == RSM_OK)
        u->status = status;
}

/* The header at the cursor, which stays; payload and items are within the bytes that are left. */
static inline bool peek_header(const struct unpack *u, struct header *out)
{
    if (u->status != RSM_OK || u->offset == u->size) /* there may be no bytes at all: NULL */
        return false;
    if (!header_read(u->data + u->offset, u->size - u->offset, out))
        return false;
    size_t left = u->size - u->offset - out->size;
    return out->type != 0 && header_payload(out) <= left && header_items(out) <= left;
}

/* As peek_header, and steps behind the header when the type is right. */
static inline bool take_header(struct unpack *u, enum unpack_type type, struct header *out)
{
    if (!peek_header(u, out)) {
        unpack_fail(u, RSM_MALFORMED);
        return false;
    }
    if (out->type != type) {
        unpack_fail(u, RSM_WRONG_TYPE);
        return false;
    }
    u->offset += out->size;
    return true;
}

static struct bytes take_payload(struct unpack *u, const struct header *h)
{
    struct bytes payload = {u->data + u->offset, (size_t)h->length};
    u->offset += payload.size;
    return payload;
}

enum unpack_type unpack_peek(const struct unpack *u)
{
    struct header h;
    return peek_header(u, &h) ? h.type : 0;
}

bool unpack_nil(struct unpack *u)
{
    if (unpack_peek(u) != UNPACK_NIL)
        return false;
    u->offset++;
    return true;
}

bool unpack_bool(struct unpack *u)
{
    struct header h;
    return take_header(u, UNPACK_BOOL, &h) && h.value != 0;
}

uint64_t unpack_wide_uint(struct unpack *u)
{
    struct header h;
    return take_header(u, UNPACK_UINT, &h) ? h.value : 0;
}

uint64_t unpack_uint_max(struct unpack *u, uint64_t max)
{
    uint64_t value = unpack_uint(u);
    if (value <= max)
        return value;
    unpack_fail(u, RSM_TOO_LARGE);
    return 0;
}

int64_t unpack_int(struct unpack *u)
{
    struct header h;
    if (unpack_peek(u) == UNPACK_INT && take_header(u, UNPACK_INT, &h)) {
        CHECK(h.value > INT64_MAX); /* header_read sets the sign bit of negative ones */
        return -(int64_t)~h.value - 1;
    }
    return (int64_t)unpack_uint_max(u, INT64_MAX);
}

struct bytes unpack_long_string(struct unpack *u, enum unpack_type type, size_t size_max)
{
    struct header h;
    if (!take_header(u, type, &h))
        return (struct bytes){NULL, 0};
    if (h.length > size_max) {
        unpack_fail(u, RSM_TOO_LARGE);
        return (struct bytes){NULL, 0};
    }
    return take_payload(u, &h);
}

struct bytes unpack_octets(struct unpack *u, size_t size_max)
{
    bool is_text = unpack_first(u) != 0xc4 && unpack_peek(u) == UNPACK_STR;
    return is_text ? unpack_str(u, size_max) : unpack_bin(u, size_max);
}

const uint8_t *unpack_bin_exactly(struct unpack *u, size_t size)
{
    struct bytes value = unpack_bin(u, SIZE_MAX);
    if (u->status == RSM_OK && value.size == size)
        return value.data;
    unpack_fail(u, RSM_WRONG_TYPE);
    return NULL;
}

uint32_t unpack_long_container(struct unpack *u, enum unpack_type type)
{
    struct header h;
    return take_header(u, type, &h) ? (uint32_t)h.length : 0;
}

void unpack_format(struct unpack *u, uint64_t format, uint32_t count)
{
    uint32_t found = unpack_array(u);
    uint64_t number = unpack_uint(u);
    if (!unpack_ok(u))
        return;
    if (number != format)
        unpack_fail(u, number > format ? RSM_NEWER_FORMAT : RSM_MALFORMED);
    else if (found != count)
        unpack_fail(u, RSM_WRONG_TYPE);
}

/*
 * Small values whose first byte says all, numbers, and strings of up to 255 bytes: nearly all that
 * a command is made of. Their bytes, and their items; 0: it is none of them.
 */
static inline size_t small_span(const uint8_t *data, size_t left, uint32_t *items_out)
{
    uint8_t first = data[0];
    *items_out = 0;
    if (first < 0x80)
        return 1;
    if (first >= 0xa0 && first < 0xc0)
        return 1u + (first & 0x1fu);
    if (first < 0xa0) {
        *items_out = first < 0x90 ? 2 * (first & 0x0fu) : first & 0x0fu;
        return 1;
    }
    if ((first & 0xfc) == 0xcc)
        return 1u + (1u << (first & 3u));
    return (first == 0xc4 || first == 0xd9) && left >= 2 ? 2u + data[1] : 0;
}

/* One value, or a container's header, whatever form it has. */
static bool skip_one(struct unpack *u, uint64_t *owed)
{
    struct header h;
    if (!peek_header(u, &h))
        return false;
    u->offset += h.size + (size_t)header_payload(&h);
    *owed = *owed + header_items(&h) - 1;
    return true;
}

/* `owed` objects from the cursor on; what is left must be enough for what is owed at any time. */
static bool skip_all(struct unpack *u, uint64_t owed)
{
    while (owed > 0) {
        size_t left = u->size - u->offset;
        uint32_t items = 0;
        size_t size = left > 0 ? small_span(u->data + u->offset, left, &items) : 0;
        if (size > left)
            return false;
        u->offset += size;
        owed += items;
        if (size > 0)
            owed--;
        else if (!skip_one(u, &owed))
            return false;
        if (owed > u->size - u->offset)
            return false;
    }
    return true;
}

struct bytes unpack_raw(struct unpack *u)
{
    size_t first = u->offset;
    if (u->status == RSM_OK && !skip_all(u, 1))
        unpack_fail(u, RSM_MALFORMED);
    if (u->status != RSM_OK)
        return (struct bytes){NULL, 0};
    return (struct bytes){u->data + first, u->offset - first};
}

struct bytes unpack_rest(struct unpack *u)
{
    struct bytes rest = {NULL, 0};
    if (u->status == RSM_OK && u->offset == u->size)
        unpack_fail(u, RSM_MALFORMED);
    if (u->status != RSM_OK)
        return rest;
    rest = bytes_make(u->data + u->offset, u->size - u->offset);
    u->offset = u->size;
    return rest;
}

bool unpack_find(struct bytes map, const char *key, struct unpack *value_out)
{
    struct bytes wanted = bytes_of_string(key);
    struct unpack u = unpack_make(map);
    uint32_t count = unpack_map(&u);
    for (uint32_t i = 0; i < count && unpack_ok(&u); i++) {
        enum unpack_type type = unpack_peek(&u);
        bool is_text = type == UNPACK_STR || type == UNPACK_BIN;
        struct unpack name = unpack_make(unpack_raw(&u));
        struct bytes value = unpack_raw(&u);
        if (is_text && bytes_equal(unpack_octets(&name, SIZE_MAX), wanted) && unpack_ok(&u)) {
            *value_out = unpack_make(value);
            return true;
        }
    }
    return false;
}

bool unpack_find_uint(struct bytes map, const char *key, uint64_t *value_out)
{
    struct unpack u;
    if (!unpack_find(map, key, &u) || unpack_peek(&u) != UNPACK_UINT)
        return false;
    *value_out = unpack_uint(&u);
    return true;
}

bool unpack_find_octets(struct bytes map, const char *key, struct bytes *value_out)
{
    struct unpack u;
    if (!unpack_find(map, key, &u))
        return false;
    *value_out = unpack_octets(&u, SIZE_MAX);
    return unpack_ok(&u);
}
