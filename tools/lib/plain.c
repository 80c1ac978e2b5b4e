/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plain.c - see plain.h. */
#include "tools/lib/plain.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "src/command/canonical.h"

/* Of the code points behind ASCII. */
static bool is_command(uint32_t code)
{
    return (code >= 0x80 && code <= 0x9f) ||     /* C1: U+009B begins what ESC [ does */
           code == 0x61c ||                      /* and what turns the direction of writing: */
           (code >= 0x200e && code <= 0x200f) || /* marks, */
           (code >= 0x2028 && code <= 0x202e) || /* ends of lines and paragraphs, embeddings, */
           (code >= 0x2066 && code <= 0x2069);   /* isolates */
}

/* The code point and size of what begins with a byte above ASCII; 0: no UTF-8, or cut off. */
static uint32_t decode(const char *at, size_t *size_out)
{
    const uint8_t *c = (const uint8_t *)at;
    size_t size = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
    uint32_t code = c[0] & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((c[i] & 0xc0) != 0x80)
            return 0; /* the end of the text, too */
        code = code << 6 | (c[i] & 0x3fu);
    }
    if (!scan_is_utf8(bytes_make(c, size)))
        return 0;
    *size_out = size;
    return code;
}

char *plain_text(char *text, const char *allowed)
{
    char *to = text;
    size_t size;
    for (const char *from = text; *from != '\0'; from += size) {
        unsigned char c = (unsigned char)*from;
        size = 1;
        uint32_t code = c < 0x80 ? c : decode(from, &size);
        bool shows = c < 0x80 ? (c >= ' ' && c != 0x7f) || strchr(allowed, c) != NULL
                              : code != 0 && !is_command(code);
        if (shows)
            memmove(to, from, size);
        else
            *to = '?';
        to += shows ? size : 1;
    }
    *to = '\0';
    return text;
}
