/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.h - borrowed byte strings; the cursors that read and write them are in base/cursor.h. */
#ifndef RSM_BASE_BYTES_H
#define RSM_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed: valid as long as the owner says. */
struct bytes {
    const uint8_t *data;
    size_t size;
};

static inline struct bytes bytes_make(const void *data, size_t size)
{
    return (struct bytes){(const uint8_t *)data, size};
}

/* The bytes of a C string, without its end. */
static inline struct bytes bytes_of_string(const char *text)
{
    return bytes_make(text, strlen(text));
}

/* A part of `b`, which may be NULL and empty: nothing is counted from there (C11 6.5.6 p. 8). */
static inline struct bytes bytes_part(struct bytes b, size_t offset, size_t size)
{
    return bytes_make(offset > 0 ? b.data + offset : b.data, size);
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Below 0, 0, above 0: memcmp order, a prefix before what it begins. */
static inline int bytes_compare(struct bytes a, struct bytes b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    if (order != 0)
        return order;
    return (a.size > b.size) - (a.size < b.size);
}

/* ---- integers in fixed places ---- */

static inline void put_u16(uint8_t *out, uint16_t value)
{
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
}

static inline void put_u32(uint8_t *out, uint32_t value)
{
    put_u16(out, (uint16_t)(value >> 16));
    put_u16(out + 2, (uint16_t)value);
}

static inline void put_u64(uint8_t *out, uint64_t value)
{
    put_u32(out, (uint32_t)(value >> 32));
    put_u32(out + 4, (uint32_t)value);
}

static inline uint16_t get_u16(const uint8_t *in)
{
    return (uint16_t)((unsigned)in[0] << 8 | in[1]);
}

static inline uint32_t get_u32(const uint8_t *in)
{
    return (uint32_t)get_u16(in) << 16 | get_u16(in + 2);
}

static inline uint64_t get_u64(const uint8_t *in)
{
    return (uint64_t)get_u32(in) << 32 | get_u32(in + 4);
}

/* Lower-case hexadecimal; `out` has room for 2 * size + 1 characters. */
void hex_encode(char *out, struct bytes value);
/* True when `text` is exactly 2 * size hexadecimal digits. */
bool hex_decode(uint8_t *out, size_t size, const char *text);

/* Numbers at fixed places, and what a cursor takes, are in one order: whoever has one has both. */
#include "src/base/cursor.h"

#endif
