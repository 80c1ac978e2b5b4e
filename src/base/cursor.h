/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cursor.h - cursors that read and write byte strings.
 *
 * All integers are big-endian: keys then sort as their numbers do. A cursor's error is sticky: read
 * or write a whole record, then ask once. After an error reads give zeros and empty strings.
 *
 * What reads or writes one field is here, to become part of whoever reads or writes a record: a
 * call for each field cost more than the field.
 */
#ifndef RSM_BASE_CURSOR_H
#define RSM_BASE_CURSOR_H

#include "src/base/bytes.h"

/* ---- reading ---- */

/* Reads from borrowed bytes. */
struct reader {
    const uint8_t *data;
    size_t size;
    size_t offset;
    bool failed;
};

static inline struct reader reader_make(struct bytes source)
{
    return (struct reader){.data = source.data, .size = source.size};
}

/* The next `size` bytes, or NULL and failed. */
static inline const uint8_t *reader_take(struct reader *r, size_t size)
{
    if (r->failed || size > r->size - r->offset) {
        r->failed = true;
        return NULL;
    }
    const uint8_t *at = r->data + r->offset;
    r->offset += size;
    return at;
}

static inline uint8_t reader_u8(struct reader *r)
{
    const uint8_t *at = reader_take(r, 1);
    return at != NULL ? at[0] : 0;
}

static inline uint16_t reader_u16(struct reader *r)
{
    const uint8_t *at = reader_take(r, 2);
    return at != NULL ? get_u16(at) : 0;
}

static inline uint32_t reader_u32(struct reader *r)
{
    const uint8_t *at = reader_take(r, 4);
    return at != NULL ? get_u32(at) : 0;
}

static inline uint64_t reader_u64(struct reader *r)
{
    const uint8_t *at = reader_take(r, 8);
    return at != NULL ? get_u64(at) : 0;
}

/* Borrows `size` bytes of the source; empty and failed when there are fewer. */
static inline struct bytes reader_bytes(struct reader *r, size_t size)
{
    if (size == 0)
        return (struct bytes){NULL, 0};
    const uint8_t *at = reader_take(r, size);
    return at != NULL ? bytes_make(at, size) : (struct bytes){NULL, 0};
}

/* A length as u32, then as many bytes; failed when the length is above `size_max`. */
static inline struct bytes reader_blob(struct reader *r, size_t size_max)
{
    uint32_t size = reader_u32(r);
    if (size > size_max)
        r->failed = true;
    if (r->failed)
        return (struct bytes){NULL, 0};
    return reader_bytes(r, size);
}

/* Copies `size` bytes, zeros on failure. */
void reader_copy(struct reader *r, void *out, size_t size);

static inline size_t reader_left(const struct reader *r)
{
    return r->failed ? 0 : r->size - r->offset;
}

/* True when nothing failed and nothing is left. */
static inline bool reader_done(const struct reader *r)
{
    return !r->failed && r->offset == r->size;
}

/* ---- writing ---- */

/* Owns a growing buffer. Fails (sticky) rather than grow above `size_max`. */
struct writer {
    uint8_t *data; /* owned */
    size_t size;
    size_t capacity; /* what there is room for is within size_max */
    size_t size_max;
    bool failed;
};

/* Empty, without memory yet; what would make it larger than `size_max` bytes sets `failed`. */
void writer_init(struct writer *w, size_t size_max);
/* Frees its memory; to be initialised again before it is used. */
void writer_deinit(struct writer *w);
/* Empties it, keeps the memory, clears the error. */
void writer_reset(struct writer *w);
/* Takes the first `size` bytes away, which are there. */
void writer_drop_front(struct writer *w, size_t size);
/* Room for `size` bytes more and an end mark; false, and failed, when that is above size_max. */
bool writer_make_room(struct writer *w, size_t size);

/* The place of the next `size` bytes, which count as written; NULL: it has failed. */
static inline uint8_t *writer_grow(struct writer *w, size_t size)
{
    if ((w->failed || size >= w->capacity - w->size) && !writer_make_room(w, size))
        return NULL;
    uint8_t *at = w->data + w->size;
    w->size += size;
    return at;
}

static inline void writer_u8(struct writer *w, uint8_t value)
{
    uint8_t *at = writer_grow(w, 1);
    if (at != NULL)
        at[0] = value;
}

static inline void writer_u16(struct writer *w, uint16_t value)
{
    uint8_t *at = writer_grow(w, 2);
    if (at != NULL)
        put_u16(at, value);
}

static inline void writer_u32(struct writer *w, uint32_t value)
{
    uint8_t *at = writer_grow(w, 4);
    if (at != NULL)
        put_u32(at, value);
}

static inline void writer_u64(struct writer *w, uint64_t value)
{
    uint8_t *at = writer_grow(w, 8);
    if (at != NULL)
        put_u64(at, value);
}

static inline void writer_bytes(struct writer *w, struct bytes value)
{
    if (value.size == 0)
        return;
    uint8_t *at = writer_grow(w, value.size);
    if (at != NULL)
        memcpy(at, value.data, value.size);
}

/* A length as u32, then the bytes. */
static inline void writer_blob(struct writer *w, struct bytes value)
{
    if (value.size > UINT32_MAX) {
        w->failed = true;
        return;
    }
    writer_u32(w, (uint32_t)value.size);
    writer_bytes(w, value);
}

/* printf into the buffer, without an end mark. */
void writer_format(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The bytes so far, borrowed until the next write. */
static inline struct bytes writer_result(const struct writer *w)
{
    return bytes_make(w->data, w->size);
}

#endif
