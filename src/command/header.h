/* SPDX-License-Identifier: Apache-2.0 */
/* header.h - one MessagePack header, decoded. For the scan and the cursor only. */
#ifndef RSM_COMMAND_HEADER_H
#define RSM_COMMAND_HEADER_H

#include "src/base/bytes.h"
#include "src/command/unpack.h"

struct header {
    enum unpack_type type; /* 0: the byte c1, which is nothing */
    bool is_shortest;      /* no shorter or other header says the same */
    size_t size;           /* of the header, integers included */
    uint64_t length;       /* payload bytes of strings, floats and exts; items (pairs of a map) */
    uint64_t value;        /* integers (negative ones as two's complement) and bools */
};

/* First bytes that say all by themselves: everything but c0..df. */
static inline struct header header_fixed(uint8_t first)
{
    struct header h = {.is_shortest = true, .size = 1};
    if (first < 0x80) {
        h.type = UNPACK_UINT;
        h.value = first;
    } else if (first < 0x90) {
        h.type = UNPACK_MAP;
        h.length = first & 0x0fu;
    } else if (first < 0xa0) {
        h.type = UNPACK_ARRAY;
        h.length = first & 0x0fu;
    } else if (first < 0xc0) {
        h.type = UNPACK_STR;
        h.length = first & 0x1fu;
    } else {
        h.type = UNPACK_INT;
        h.value = UINT64_MAX << 8 | first;
    }
    return h;
}

/* The other first bytes, which a form of the table stands behind; `size` is at least 1. */
bool header_read_form(const uint8_t *data, size_t size, struct header *out);

/* False when the header is not whole yet; nothing is read behind `size`. */
static inline bool header_read(const uint8_t *data, size_t size, struct header *out)
{
    if (size == 0)
        return false;
    if (data[0] >= 0xc0 && data[0] < 0xe0)
        return header_read_form(data, size, out);
    *out = header_fixed(data[0]);
    return true;
}

/* Bytes that follow the header and belong to it alone: 0 for containers. */
static inline uint64_t header_payload(const struct header *h)
{
    return h->type == UNPACK_ARRAY || h->type == UNPACK_MAP ? 0 : h->length;
}

/* Items that follow the header: keys and values of a map count apart. */
static inline uint64_t header_items(const struct header *h)
{
    if (h->type == UNPACK_ARRAY)
        return h->length;
    return h->type == UNPACK_MAP ? 2 * h->length : 0;
}

#endif
