/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recount_read.c - see recount_read.h. */
#include "tests/sim/recount_read.h"

static uint64_t sized(struct reader *r, unsigned width)
{
    switch (width) {
    case 0:
        return reader_u8(r);
    case 1:
        return reader_u16(r);
    case 2:
        return reader_u32(r);
    default:
        return reader_u64(r);
    }
}

uint64_t read_uint(struct reader *r)
{
    uint8_t head = reader_u8(r);
    if (head < 0x80)
        return head;
    if (head >= 0xcc && head <= 0xcf)
        return sized(r, head - 0xccu);
    r->failed = true;
    return 0;
}

struct bytes read_bytes(struct reader *r)
{
    uint8_t head = reader_u8(r);
    if (head >= 0xa0 && head <= 0xbf)
        return reader_bytes(r, head & 0x1fu);
    if (head >= 0xd9 && head <= 0xdb)
        return reader_bytes(r, sized(r, head - 0xd9u));
    if (head >= 0xc4 && head <= 0xc6)
        return reader_bytes(r, sized(r, head - 0xc4u));
    r->failed = true;
    return (struct bytes){NULL, 0};
}

uint32_t read_count(struct reader *r)
{
    uint8_t head = reader_u8(r);
    if ((head >= 0x90 && head <= 0x9f) || (head >= 0x80 && head <= 0x8f))
        return head & 0x0fu;
    if (head == 0xdc || head == 0xde)
        return reader_u16(r);
    if (head == 0xdd || head == 0xdf)
        return reader_u32(r);
    r->failed = true;
    return 0;
}

void skip_value(struct reader *r)
{
    for (uint64_t left = 1; left > 0 && !r->failed; left--) {
        struct reader here = *r;
        uint8_t head = reader_u8(&here);
        if (head == 0xc0 || head == 0xc2 || head == 0xc3) {
            (void)reader_u8(r);
        } else if ((head >= 0x80 && head <= 0x9f) || (head >= 0xdc && head <= 0xdf)) {
            bool is_map = (head >= 0x80 && head <= 0x8f) || head >= 0xde;
            left += (is_map ? 2u : 1u) * (uint64_t)read_count(r);
        } else if (head < 0x80 || (head >= 0xcc && head <= 0xcf)) {
            (void)read_uint(r);
        } else {
            (void)read_bytes(r);
        }
    }
}

bool find_value(struct bytes map, const char *key, struct reader *out)
{
    *out = reader_make(map);
    for (uint32_t left = read_count(out); left > 0 && !out->failed; left--) {
        if (bytes_equal(read_bytes(out), bytes_of_string(key)))
            return !out->failed;
        skip_value(out);
    }
    return false;
}

bool read_bool(struct reader *r)
{
    uint8_t head = reader_u8(r);
    r->failed |= head != 0xc2 && head != 0xc3;
    return head == 0xc3;
}

bool told_is(const struct told *t, const char *kind)
{
    return bytes_equal(t->kind, bytes_of_string(kind));
}

struct told read_command(struct reader *r)
{
    struct told t = {.raw = bytes_make(r->data, r->size)};
    (void)read_count(r);
    t.author = read_bytes(r);
    t.counter = read_uint(r);
    (void)read_uint(r);
    t.clock_count = read_count(r);
    t.clock = *r;
    for (uint32_t i = 0; i < t.clock_count; i++) {
        (void)read_bytes(r);
        (void)read_uint(r);
    }
    uint32_t dependencies = read_count(r);
    for (uint32_t i = 0; i < dependencies && !r->failed; i++) {
        (void)read_count(r);
        (void)read_bytes(r);
        (void)read_uint(r);
    }
    t.kind = read_bytes(r);
    t.body_count = read_count(r);
    t.body = *r;
    if (bytes_equal(t.kind, bytes_of_string("change.request"))) {
        t.asked = read_bytes(&t.body);
        for (uint32_t left = read_count(&t.body); left > 0; left--)
            (void)read_bytes(&t.body);
        t.kind = read_bytes(&t.body);
        t.body_count = read_count(&t.body);
    }
    return t;
}
