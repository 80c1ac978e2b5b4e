/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes.h - borrowed byte strings, and cursors that read and write them.
 *
 * All integers are big-endian: keys then sort as their numbers do. A cursor's error is sticky: read
 * or write a whole record, then ask once. After an error reads give zeros and empty strings.
 */
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

/* ---- cursors ---- */

/* Reads from borrowed bytes. */
struct reader {
    const uint8_t *data;
    size_t size;
    size_t offset;
    bool failed;
};

struct reader reader_make(struct bytes source);
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
/* Borrows `size` bytes of the source; empty and failed when there are fewer. */
struct bytes reader_bytes(struct reader *r, size_t size);
/* A length as u32, then as many bytes; failed when the length is above `size_max`. */
struct bytes reader_blob(struct reader *r, size_t size_max);
/* Copies `size` bytes, zeros on failure. */
void reader_copy(struct reader *r, void *out, size_t size);
size_t reader_left(const struct reader *r);
/* True when nothing failed and nothing is left. */
bool reader_done(const struct reader *r);

/* Owns a growing buffer. Fails (sticky) rather than grow above `size_max`. */
struct writer {
    uint8_t *data; /* owned */
    size_t size;
    size_t capacity;
    size_t size_max;
    bool failed;
};

void writer_init(struct writer *w, size_t size_max);
void writer_deinit(struct writer *w);
/* Empties it, keeps the memory, clears the error. */
void writer_reset(struct writer *w);
/* Takes the first `size` bytes away, which are there. */
void writer_drop_front(struct writer *w, size_t size);
void writer_u8(struct writer *w, uint8_t value);
void writer_u16(struct writer *w, uint16_t value);
void writer_u32(struct writer *w, uint32_t value);
void writer_u64(struct writer *w, uint64_t value);
void writer_bytes(struct writer *w, struct bytes value);
/* A length as u32, then the bytes. */
void writer_blob(struct writer *w, struct bytes value);
/* printf into the buffer, without an end mark. */
void writer_format(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The bytes so far, borrowed until the next write. */
struct bytes writer_result(const struct writer *w);

/* Lower-case hexadecimal; `out` has room for 2 * size + 1 characters. */
void hex_encode(char *out, struct bytes value);
/* True when `text` is exactly 2 * size hexadecimal digits. */
bool hex_decode(uint8_t *out, size_t size, const char *text);

#endif
