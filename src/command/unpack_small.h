/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack_small.h - what the cursor reads without a call (see unpack.h, which includes this).
 *
 * Nearly all that a command is made of has a header of one byte, or of two: numbers up to 127,
 * arrays of up to 15 items, text of up to 31 bytes, binary strings of up to 255; the numbers up to
 * 65,535 are times to live. Whatever else there is, an error included, is the affair of unpack.c.
 */
#ifndef RSM_COMMAND_UNPACK_SMALL_H
#define RSM_COMMAND_UNPACK_SMALL_H

#include "src/command/unpack.h"

uint64_t unpack_wide_uint(struct unpack *u);
struct bytes unpack_long_string(struct unpack *u, enum unpack_type type, size_t size_max);
uint32_t unpack_long_container(struct unpack *u, enum unpack_type type);

/* The byte at the cursor; c1, which is no header of anything, after an error or at the end. */
static inline uint8_t unpack_first(const struct unpack *u)
{
    return u->status == RSM_OK && u->offset < u->size ? u->data[u->offset] : 0xc1;
}

static inline uint64_t unpack_uint(struct unpack *u)
{
    uint8_t first = unpack_first(u);
    if (first < 0x80) {
        u->offset++;
        return first;
    }
    if (first == 0xcd && u->size - u->offset >= 3) {
        u->offset += 3;
        return get_u16(u->data + u->offset - 2);
    }
    return unpack_wide_uint(u);
}

/* The string behind a header of `head` bytes, if it is there and not too long. */
static inline bool unpack_short_string(struct unpack *u, size_t head, size_t size, size_t size_max,
                                       struct bytes *out)
{
    if (size > u->size - u->offset - head || size > size_max)
        return false;
    *out = (struct bytes){u->data + u->offset + head, size};
    u->offset += head + size;
    return true;
}

static inline struct bytes unpack_str(struct unpack *u, size_t size_max)
{
    struct bytes out;
    uint8_t first = unpack_first(u);
    if ((first & 0xe0) == 0xa0 && unpack_short_string(u, 1, first & 0x1fu, size_max, &out))
        return out;
    return unpack_long_string(u, UNPACK_STR, size_max);
}

static inline struct bytes unpack_bin(struct unpack *u, size_t size_max)
{
    struct bytes out;
    if (unpack_first(u) == 0xc4 && u->size - u->offset >= 2 &&
        unpack_short_string(u, 2, u->data[u->offset + 1], size_max, &out))
        return out;
    return unpack_long_string(u, UNPACK_BIN, size_max);
}

/* Each item takes a byte at least. */
static inline uint32_t unpack_array(struct unpack *u)
{
    uint8_t first = unpack_first(u);
    uint32_t count = first & 0x0fu;
    if ((first & 0xf0) == 0x90 && count < u->size - u->offset) {
        u->offset++;
        return count;
    }
    return unpack_long_container(u, UNPACK_ARRAY);
}

static inline uint32_t unpack_map(struct unpack *u)
{
    uint8_t first = unpack_first(u);
    uint32_t count = first & 0x0fu;
    if ((first & 0xf0) == 0x80 && 2 * count < u->size - u->offset) {
        u->offset++;
        return count;
    }
    return unpack_long_container(u, UNPACK_MAP);
}

static inline void unpack_array_exactly(struct unpack *u, uint32_t count)
{
    if (unpack_array(u) != count)
        unpack_fail(u, RSM_WRONG_TYPE);
}

#endif
