/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack.h - a typed cursor over MessagePack bytes.
 *
 * Reads in place: no allocation, nothing copied, strings borrow from the source. The source should
 * have been scanned (command/canonical.h); if it was not, the cursor still stays inside it and
 * fails. The error is sticky: read a whole record, then ask once. After an error reads give zeros.
 *
 * Tolerant about width and signedness, since clients are: any integer form that holds the value
 * will do. unpack_str and unpack_bin take their own type only, unpack_octets takes both.
 *
 * Why a cursor of our own and not msgpack_unpack_next: msgpack-c decodes into an object tree, at 24
 * bytes and more for each element, calls a nesting of 33 "out of memory", and takes duplicate keys
 * and invalid UTF-8, so that all checks have to be made before it anyway. After the scan nothing is
 * left for it to do but to allocate. msgpack-c writes (command/pack.h), and in the tests every
 * object that the cursor reads is read by msgpack-c as well and compared.
 */
#ifndef RSM_COMMAND_UNPACK_H
#define RSM_COMMAND_UNPACK_H

#include <rsm/status.h>

#include "src/base/bytes.h"

enum unpack_type {
    UNPACK_NIL = 1,
    UNPACK_BOOL,
    UNPACK_UINT, /* a non-negative integer in any form */
    UNPACK_INT,  /* a negative integer */
    UNPACK_FLOAT,
    UNPACK_STR,
    UNPACK_BIN,
    UNPACK_ARRAY,
    UNPACK_MAP,
    UNPACK_EXT,
};

struct unpack {
    const uint8_t *data;
    size_t size;
    size_t offset;
    enum rsm_status status; /* RSM_OK, RSM_WRONG_TYPE, RSM_TOO_LARGE or RSM_MALFORMED (bytes end) */
};

/* Fails by hand, with the first status kept. */
void unpack_fail(struct unpack *u, enum rsm_status status);

static inline struct unpack unpack_make(struct bytes source)
{
    return (struct unpack){.data = source.data, .size = source.size, .status = RSM_OK};
}

static inline bool unpack_ok(const struct unpack *u)
{
    return u->status == RSM_OK;
}

/* True when nothing failed and nothing is left. */
static inline bool unpack_done(const struct unpack *u)
{
    return u->status == RSM_OK && u->offset == u->size;
}

/* The type of the next object; 0 after an error or at the end. */
enum unpack_type unpack_peek(const struct unpack *u);

/* True, and one further, when the next object is nil; never fails. */
bool unpack_nil(struct unpack *u);
bool unpack_bool(struct unpack *u);
static inline uint64_t unpack_uint(struct unpack *u);
/* As unpack_uint; RSM_TOO_LARGE above `max`. */
uint64_t unpack_uint_max(struct unpack *u, uint64_t max);
/* RSM_TOO_LARGE for a uint above INT64_MAX. */
int64_t unpack_int(struct unpack *u);
/* Strings of at most `size_max` bytes, else RSM_TOO_LARGE. Borrowed from the source. */
static inline struct bytes unpack_str(struct unpack *u, size_t size_max);
static inline struct bytes unpack_bin(struct unpack *u, size_t size_max);
struct bytes unpack_octets(struct unpack *u, size_t size_max);
/* bin of exactly `size` bytes, else RSM_WRONG_TYPE; NULL on failure. */
const uint8_t *unpack_bin_exactly(struct unpack *u, size_t size);
/* The header; the items follow. Counts are at most the bytes left. */
static inline uint32_t unpack_array(struct unpack *u);
static inline uint32_t unpack_map(struct unpack *u);
/* An array of exactly `count` items, else RSM_WRONG_TYPE. */
static inline void unpack_array_exactly(struct unpack *u, uint32_t count);
/*
 * The head of what has a format of its own: an array of `count` items, the first one its number.
 * RSM_NEWER_FORMAT: a higher one, of any count; RSM_MALFORMED: a lower one.
 */
void unpack_format(struct unpack *u, uint64_t format, uint32_t count);
/* The bytes of the next whole object, whatever it is. */
struct bytes unpack_raw(struct unpack *u);
/*
 * All that is left, at least a byte. When the source was scanned as one object, and its last member
 * is next, that is this member's bytes, without a walk through it.
 */
struct bytes unpack_rest(struct unpack *u);

/* Looks up a str (or bin) key in the bytes of a map; *value_out then reads its value, and only it.
 */
bool unpack_find(struct bytes map, const char *key, struct unpack *value_out);
/* As unpack_find for common types; false when there is no such key or another type. */
bool unpack_find_uint(struct bytes map, const char *key, uint64_t *value_out);
bool unpack_find_octets(struct bytes map, const char *key, struct bytes *value_out);

#include "src/command/unpack_small.h"

#endif
