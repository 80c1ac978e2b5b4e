/* SPDX-License-Identifier: GPL-3.0-or-later */
/* name.c - see name.h. */
#include "src/rr/name.h"

#include <stdio.h>
#include <string.h>

bool name_check(struct bytes name)
{
    size_t at = 0;
    if (name.size == 0 || name.size > NAME_SIZE_MAX)
        return false;
    while (name.data[at] != 0) {
        if (name.data[at] > 63)
            return false;
        at += 1u + name.data[at];
        if (at >= name.size)
            return false;
    }
    return at + 1 == name.size;
}

static uint8_t lower(uint8_t octet)
{
    return octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet + ('a' - 'A')) : octet;
}

struct bytes name_lower(struct bytes name, uint8_t out[NAME_SIZE_MAX])
{
    /* Sizes of labels are below 64, so folding all octets alike changes none of them. */
    for (size_t i = 0; i < name.size; i++)
        out[i] = lower(name.data[i]);
    return bytes_make(out, name.size);
}

bool name_equal(struct bytes a, struct bytes b)
{
    return bytes_equal(a, b);
}

bool name_is_at_or_below(struct bytes name, struct bytes ancestor)
{
    while (name.size > ancestor.size && name.data[0] != 0) {
        size_t step = 1u + name.data[0];
        name.data += step;
        name.size -= step;
    }
    return bytes_equal(name, ancestor);
}

bool name_is_wildcard(struct bytes name)
{
    return name.size > 2 && name.data[0] == 1 && name.data[1] == '*';
}

/* One octet of text, escapes included; *text moves on. False for a bad escape. */
static bool take_octet(const char **text, uint8_t *octet_out)
{
    const char *t = *text;
    if (*t != '\\') {
        *octet_out = (uint8_t)*t;
        *text = t + 1;
        return true;
    }
    if (t[1] == '\0')
        return false;
    if (t[1] < '0' || t[1] > '9') {
        *octet_out = (uint8_t)t[1];
        *text = t + 2;
        return true;
    }
    unsigned value = 0;
    for (int i = 1; i <= 3; i++) {
        if (t[i] < '0' || t[i] > '9')
            return false;
        value = value * 10 + (unsigned)(t[i] - '0');
    }
    if (value > 255)
        return false;
    *octet_out = (uint8_t)value;
    *text = t + 4;
    return true;
}

static enum rsm_status finish(uint8_t *out, size_t size, struct bytes tail, struct bytes *name_out)
{
    static const uint8_t root = 0;
    if (tail.size == 0)
        tail = bytes_make(&root, 1);
    if (size + tail.size > NAME_SIZE_MAX)
        return RSM_TOO_LARGE;
    memcpy(out + size, tail.data, tail.size);
    *name_out = bytes_make(out, size + tail.size);
    return RSM_OK;
}

enum rsm_status name_from_text(const char *text, struct bytes origin, uint8_t out[NAME_SIZE_MAX],
                               struct bytes *name_out)
{
    size_t size = 0;
    if (strcmp(text, ".") == 0)
        return finish(out, 0, (struct bytes){NULL, 0}, name_out);
    if (strcmp(text, "@") == 0 && origin.size > 0)
        return finish(out, 0, origin, name_out);
    while (*text != '\0') {
        size_t label = size++;
        size_t count = 0;
        while (*text != '\0' && *text != '.') {
            uint8_t octet;
            if (!take_octet(&text, &octet))
                return RSM_MALFORMED;
            if (count == 63 || size >= NAME_SIZE_MAX)
                return RSM_TOO_LARGE;
            out[size++] = lower(octet);
            count++;
        }
        if (count == 0)
            return RSM_MALFORMED;
        out[label] = (uint8_t)count;
        if (*text == '.' && *++text == '\0')
            return finish(out, size, (struct bytes){NULL, 0}, name_out);
        if (*text != '\0' && size >= NAME_SIZE_MAX)
            return RSM_TOO_LARGE;
    }
    if (size == 0)
        return RSM_MALFORMED;
    return finish(out, size, origin, name_out);
}

/*
 * The octets that libzscanner reads in a name without a backslash. It refuses all others, so a zone
 * written with a bare ']' could not be read again. Not isalnum: that asks the locale.
 */
static bool is_plain(uint8_t octet)
{
    return (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z') ||
           (octet >= '0' && octet <= '9') || octet == '-' || octet == '_' || octet == '*' ||
           octet == '/';
}

const char *name_to_text(struct bytes name, char out[NAME_TEXT_MAX])
{
    size_t used = 0;
    if (name.size <= 1) {
        memcpy(out, ".", 2);
        return out;
    }
    for (size_t at = 0; at < name.size && name.data[at] != 0;) {
        size_t end = at + 1u + name.data[at];
        for (at++; at < end && at < name.size; at++) {
            uint8_t octet = name.data[at];
            if (octet <= ' ' || octet >= 127) {
                used += (size_t)snprintf(out + used, NAME_TEXT_MAX - used, "\\%03u", octet);
                continue;
            }
            if (!is_plain(octet))
                out[used++] = '\\';
            out[used++] = (char)octet;
        }
        out[used++] = '.';
    }
    out[used] = '\0';
    return out;
}
