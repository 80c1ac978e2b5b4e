/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.c - what of cursors is more than a field, and hexadecimal digits. */
#include "src/base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"

void reader_copy(struct reader *r, void *out, size_t size)
{
    if (size == 0)
        return;
    const uint8_t *at = reader_take(r, size);
    if (at != NULL)
        memcpy(out, at, size);
    else
        memset(out, 0, size);
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

/* One byte more is always there: the end mark that vsnprintf writes, also behind a text that ends
 * at size_max. */
bool writer_make_room(struct writer *w, size_t size)
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

void writer_format(struct writer *w, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    uint8_t *at = size >= 0 ? writer_grow(w, (size_t)size) : NULL;
    if (at != NULL)
        vsnprintf((char *)at, (size_t)size + 1, format, again);
    else
        w->failed = true;
    va_end(again);
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
