/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.c - cursors over byte strings. */
#include "src/base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"

struct reader reader_make(struct bytes source)
{
    return (struct reader){.data = source.data, .size = source.size};
}

/* The next `size` bytes, or NULL and failed. */
static const uint8_t *take(struct reader *r, size_t size)
{
    if (r->failed || size > r->size - r->offset) {
        r->failed = true;
        return NULL;
    }
    const uint8_t *at = r->data + r->offset;
    r->offset += size;
    return at;
}

uint8_t reader_u8(struct reader *r)
{
    const uint8_t *at = take(r, 1);
    return at != NULL ? at[0] : 0;
}

uint16_t reader_u16(struct reader *r)
{
    const uint8_t *at = take(r, 2);
    return at != NULL ? get_u16(at) : 0;
}

uint32_t reader_u32(struct reader *r)
{
    const uint8_t *at = take(r, 4);
    return at != NULL ? get_u32(at) : 0;
}

uint64_t reader_u64(struct reader *r)
{
    const uint8_t *at = take(r, 8);
    return at != NULL ? get_u64(at) : 0;
}

struct bytes reader_bytes(struct reader *r, size_t size)
{
    if (size == 0)
        return (struct bytes){NULL, 0};
    const uint8_t *at = take(r, size);
    return at != NULL ? bytes_make(at, size) : (struct bytes){NULL, 0};
}

struct bytes reader_blob(struct reader *r, size_t size_max)
{
    uint32_t size = reader_u32(r);
    if (size > size_max)
        r->failed = true;
    if (r->failed)
        return (struct bytes){NULL, 0};
    return reader_bytes(r, size);
}

void reader_copy(struct reader *r, void *out, size_t size)
{
    if (size == 0)
        return;
    const uint8_t *at = take(r, size);
    if (at != NULL)
        memcpy(out, at, size);
    else
        memset(out, 0, size);
}

size_t reader_left(const struct reader *r)
{
    return r->failed ? 0 : r->size - r->offset;
}

bool reader_done(const struct reader *r)
{
    return !r->failed && r->offset == r->size;
}

void writer_init(struct writer *w, size_t size_max)
{
    *w = (struct writer){.size_max = size_max};
}

void writer_deinit(struct writer *w)
{
    mem_free(w->data);
    *w = (struct writer){0};
}

void writer_reset(struct writer *w)
{
    w->size = 0;
    w->failed = false;
}

void writer_drop_front(struct writer *w, size_t size)
{
    CHECK(size <= w->size);
    w->size -= size;
    if (w->size > 0)
        memmove(w->data, w->data + size, w->size);
}

/*
 * Room for `size` more bytes, or NULL and failed. One byte more is always there behind them: the
 * end mark that vsnprintf writes, also behind a text that ends at size_max.
 */
static bool make_room(struct writer *w, size_t size)
{
    if (w->failed || size > w->size_max - w->size) {
        w->failed = true;
        return false;
    }
    size_t capacity = w->capacity < 64 ? 64 : w->capacity;
    while (capacity - w->size <= size)
        capacity *= 2;
    if (capacity > w->size_max)
        capacity = w->size_max + 1;
    w->data = mem_realloc(w->data, capacity);
    w->capacity = capacity;
    return true;
}

/* What there is room for is within size_max. */
static inline uint8_t *grow(struct writer *w, size_t size)
{
    if ((w->failed || size >= w->capacity - w->size) && !make_room(w, size))
        return NULL;
    uint8_t *at = w->data + w->size;
    w->size += size;
    return at;
}

void writer_u8(struct writer *w, uint8_t value)
{
    uint8_t *at = grow(w, 1);
    if (at != NULL)
        at[0] = value;
}

void writer_u16(struct writer *w, uint16_t value)
{
    uint8_t *at = grow(w, 2);
    if (at != NULL)
        put_u16(at, value);
}

void writer_u32(struct writer *w, uint32_t value)
{
    uint8_t *at = grow(w, 4);
    if (at != NULL)
        put_u32(at, value);
}

void writer_u64(struct writer *w, uint64_t value)
{
    uint8_t *at = grow(w, 8);
    if (at != NULL)
        put_u64(at, value);
}

void writer_bytes(struct writer *w, struct bytes value)
{
    if (value.size == 0)
        return;
    uint8_t *at = grow(w, value.size);
    if (at != NULL)
        memcpy(at, value.data, value.size);
}

void writer_blob(struct writer *w, struct bytes value)
{
    if (value.size > UINT32_MAX) {
        w->failed = true;
        return;
    }
    writer_u32(w, (uint32_t)value.size);
    writer_bytes(w, value);
}

void writer_format(struct writer *w, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    uint8_t *at = size >= 0 ? grow(w, (size_t)size) : NULL;
    if (at != NULL)
        vsnprintf((char *)at, (size_t)size + 1, format, again);
    else
        w->failed = true;
    va_end(again);
}

struct bytes writer_result(const struct writer *w)
{
    return bytes_make(w->data, w->size);
}

void hex_encode(char *out, struct bytes value)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < value.size; i++) {
        out[2 * i] = digits[value.data[i] >> 4];
        out[2 * i + 1] = digits[value.data[i] & 15];
    }
    out[2 * value.size] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hex_decode(uint8_t *out, size_t size, const char *text)
{
    if (strlen(text) != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
