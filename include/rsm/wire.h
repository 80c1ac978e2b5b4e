/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.h - bytes, and MessagePack values: what calls take and what they return.
 *
 * Reading is in place: a struct rsm_value is a view of one object inside bytes that somebody else
 * owns, and lives as long as they do. Nothing here allocates but the writer.
 */
#ifndef RSM_WIRE_H
#define RSM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsm/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RSM_CLUSTER_ID_SIZE 16

/* Borrowed. */
struct rsm_bytes {
    const uint8_t *data;
    size_t size;
};

/* The bytes of a C string, without its end; empty for NULL. */
struct rsm_bytes rsm_text(const char *text);
/* A view of so many bytes, which stay the caller's. */
struct rsm_bytes rsm_bytes_make(const void *data, size_t size);

/* Owned. {NULL, 0} is empty and needs no free. */
struct rsm_buffer {
    uint8_t *data;
    size_t size;
};

/* Borrowed from the buffer. */
struct rsm_bytes rsm_buffer_bytes(const struct rsm_buffer *buffer);
/* Frees and empties; again: nothing. */
void rsm_buffer_free(struct rsm_buffer *buffer);

/* MessagePack-RPC: [0, id, method, params], [1, id, error, result], [2, method, params]. */
enum rsm_message {
    RSM_MESSAGE_REQUEST = 0,
    RSM_MESSAGE_RESPONSE = 1,
    RSM_MESSAGE_NOTIFICATION = 2,
};

enum rsm_type {
    RSM_TYPE_NONE = 0, /* no value: absent, or behind the last one */
    RSM_TYPE_NIL,
    RSM_TYPE_BOOL,
    RSM_TYPE_UINT, /* a non-negative integer in any form */
    RSM_TYPE_INT,  /* a negative integer */
    RSM_TYPE_FLOAT,
    RSM_TYPE_STR,
    RSM_TYPE_BIN,
    RSM_TYPE_ARRAY,
    RSM_TYPE_MAP,
    RSM_TYPE_EXT,
};

/* One object, as its bytes; size 0 is "no value". Trivially copied. */
struct rsm_value {
    struct rsm_bytes raw;
};

/*
 * The value of one whole, well-formed object: RSM_MALFORMED, RSM_TOO_DEEP, RSM_TOO_MANY when it is
 * not. Results that librsm hands over were checked already: use rsm_value_of.
 */
enum rsm_status rsm_value_parse(struct rsm_bytes bytes, struct rsm_value *value_out);
struct rsm_value rsm_value_of(struct rsm_bytes checked);

enum rsm_type rsm_value_type(struct rsm_value v);
/*
 * Each gives 0, false or empty for a value of another type: ask rsm_value_type where it matters.
 * rsm_value_int takes both types of integers, but gives 0 for one above INT64_MAX.
 */
bool rsm_value_bool(struct rsm_value v);
uint64_t rsm_value_uint(struct rsm_value v);
int64_t rsm_value_int(struct rsm_value v);
/* The content of a str or a bin, borrowed; no end mark. */
struct rsm_bytes rsm_value_octets(struct rsm_value v);
/* Items of an array, or pairs of a map; 0 for others. */
uint32_t rsm_value_count(struct rsm_value v);
/* The value of a key of a map; "no value" when absent. Takes time in proportion to the map. */
struct rsm_value rsm_value_get(struct rsm_value map, const char *key);
/* The item of an array; "no value" when there is none. In proportion to `index`: to walk, use: */
struct rsm_value rsm_value_at(struct rsm_value array, uint32_t index);

/* Walks an array, or the keys and values of a map in turn. */
struct rsm_walk {
    struct rsm_bytes rest;
    uint64_t left;
};

/* Of another type: a walk that is at its end. */
struct rsm_walk rsm_walk_begin(struct rsm_value container);
/* False at the end. */
bool rsm_walk_next(struct rsm_walk *walk, struct rsm_value *value_out);

/* Writes values: parameters of calls, policies. Opaque, owned by the caller. */
struct rsm_pack;

/* NULL when memory is short. */
struct rsm_pack *rsm_pack_new(void);
/* NULL is ignored. */
void rsm_pack_free(struct rsm_pack *p);
/*
 * One value each, copied; integers in their shortest form. No status: what does not fit makes
 * rsm_pack_result empty. `text` ends with a 0 byte, NULL is empty.
 */
void rsm_pack_nil(struct rsm_pack *p);
void rsm_pack_bool(struct rsm_pack *p, bool value);
void rsm_pack_uint(struct rsm_pack *p, uint64_t value);
void rsm_pack_int(struct rsm_pack *p, int64_t value);
void rsm_pack_text(struct rsm_pack *p, const char *text);
void rsm_pack_str(struct rsm_pack *p, struct rsm_bytes text);
void rsm_pack_bin(struct rsm_pack *p, struct rsm_bytes value);
/* The header; the items, or keys and values in turn, follow. */
void rsm_pack_array(struct rsm_pack *p, uint32_t count);
void rsm_pack_map(struct rsm_pack *p, uint32_t count);
/* What was written, borrowed until the next write; empty when it grew above 16 MiB. */
struct rsm_bytes rsm_pack_result(const struct rsm_pack *p);

#ifdef __cplusplus
}
#endif
#endif
