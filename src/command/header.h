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

/* False when the header is not whole yet; nothing is read behind `size`. */
bool header_read(const uint8_t *data, size_t size, struct header *out);

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
