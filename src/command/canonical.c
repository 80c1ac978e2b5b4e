/* SPDX-License-Identifier: Apache-2.0 */
/*
 * canonical.c - the scan. It stands before every decoder, so it trusts nothing.
 *
 * One pass over the headers; payloads are stepped over (canonical rules read str for UTF-8). The
 * stack holds the open containers. Invariants, between two items:
 *
 *   1. owed is the sum of items_left over the open containers (and 1 for the object itself before
 *      its first header), and owed <= size_max - offset: what must still come can still come. So
 *      a header that declares more than the bytes that are left fails at once: nobody waits, and
 *      nobody allocates, for items that cannot arrive.
 *   2. elements <= LIMIT_ELEMENTS, depth <= LIMIT_DEPTH, each open container has items_left > 0.
 *   3. offset never goes back, so a stream of n bytes costs O(n) however it is cut.
 */
#include "src/command/canonical.h"

#include <string.h>

#include "src/base/check.h"
#include "src/command/header.h"

void scan_init(struct scan *s, enum scan_rules rules, size_t size_max)
{
    *s = (struct scan){.rules = rules, .size_max = size_max, .owed = 1, .status = RSM_OK};
}

/* The length of the sequence that `text` begins with, 0 when it is not UTF-8 (RFC 3629, 4). */
static size_t utf8_sequence(const uint8_t *text, size_t size)
{
    uint8_t first = text[0];
    if (first < 0x80)
        return 1;
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || length > size)
        return 0;
    /* The second byte's range is what excludes overlong forms, surrogates and above U+10FFFF. */
    uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

/* How many of the first bytes are ASCII, by eights; the rest is looked at byte for byte. */
static size_t ascii_size(struct bytes text)
{
    size_t offset = 0;
    uint64_t eight;
    for (; text.size - offset >= sizeof eight; offset += sizeof eight) {
        memcpy(&eight, text.data + offset, sizeof eight);
        if ((eight & UINT64_C(0x8080808080808080)) != 0)
            break;
    }
    return offset;
}

bool scan_is_utf8(struct bytes text)
{
    size_t offset = ascii_size(text);
    while (offset < text.size) {
        size_t length = utf8_sequence(text.data + offset, text.size - offset);
        if (length == 0)
            return false;
        offset += length;
    }
    return true;
}

static bool is_key_next(const struct scan_level *level)
{
    return level->is_map && level->items_left % 2 == 0;
}

/* The rules that only canonical bytes obey; the payload is there. */
static bool is_canonical(struct scan *s, struct bytes data, const struct header *h)
{
    if (!h->is_shortest || h->type == UNPACK_FLOAT || h->type == UNPACK_EXT)
        return false;
    struct bytes payload = {data.data + s->offset + h->size, (size_t)header_payload(h)};
    if (h->type == UNPACK_STR && !scan_is_utf8(payload))
        return false;
    struct scan_level *level = s->depth > 0 ? &s->levels[s->depth - 1] : NULL;
    if (level == NULL || !is_key_next(level))
        return true;
    if (h->type != UNPACK_STR)
        return false;
    struct bytes before = {data.data + level->key_offset, level->key_size};
    if (level->has_key && bytes_compare(before, payload) >= 0)
        return false;
    level->has_key = true;
    level->key_offset = s->offset + h->size;
    level->key_size = payload.size;
    return true;
}

/* The innermost open container has one item less to come; those that have none are not open. */
static inline void count_item(struct scan *s)
{
    if (s->depth == 0)
        return;
    s->levels[s->depth - 1].items_left--;
    while (s->depth > 0 && s->levels[s->depth - 1].items_left == 0)
        s->depth--;
}

/* Counts a container of so many items as begun. */
static inline enum rsm_status enter_container(struct scan *s, bool is_map, uint64_t items)
{
    if (s->depth == LIMIT_DEPTH)
        return RSM_TOO_DEEP;
    if (items > LIMIT_ELEMENTS - s->elements)
        return RSM_TOO_MANY;
    s->owed = s->owed - 1 + items;
    s->elements += items;
    if (items == 0) {
        count_item(s);
        return RSM_OK;
    }
    if (s->depth > 0)
        s->levels[s->depth - 1].items_left--;
    s->levels[s->depth++] = (struct scan_level){.items_left = items, .is_map = is_map};
    return RSM_OK;
}

static inline enum rsm_status enter_item(struct scan *s, const struct header *h)
{
    if (h->type == UNPACK_ARRAY || h->type == UNPACK_MAP)
        return enter_container(s, h->type == UNPACK_MAP, header_items(h));
    s->owed--;
    count_item(s);
    return RSM_OK;
}

/*
 * Bytes of what a command mostly is made of: a number of up to 16 bits in its shortest form, text
 * of less than 32 bytes, a binary string of less than 256, nil, false and true; 0: it is none of
 * them.
 */
static inline size_t small_size(const uint8_t *at, size_t left)
{
    if (at[0] < 0x80)
        return 1;
    if ((at[0] & 0xe0) == 0xa0)
        return 1u + (at[0] & 0x1fu);
    if (at[0] == 0xc4 && left >= 2)
        return 2u + at[1];
    if (at[0] == 0xcc && left >= 2 && at[1] >= 0x80)
        return 2;
    if (at[0] == 0xc0 || (at[0] & 0xfe) == 0xc2)
        return 1;
    return at[0] == 0xcd && left >= 3 && at[1] > 0 ? 3 : 0;
}

/*
 * The same as scan_item, for the values of small_size that are all there, and for arrays and maps
 * of less than 16 items. They are canonical whenever they are no map's key and text is UTF-8.
 * False: it is none of them, nothing was done.
 */
static inline bool scan_small(struct scan *s, struct bytes data)
{
    if (s->offset >= data.size ||
        (s->rules == SCAN_CANONICAL && s->depth > 0 && is_key_next(&s->levels[s->depth - 1])))
        return false;
    const uint8_t *at = data.data + s->offset;
    size_t left = data.size - s->offset;
    if (left > s->size_max - s->offset)
        left = s->size_max - s->offset;
    if ((at[0] & 0xe0) == 0x80 && left > 0) {
        bool is_map = at[0] < 0x90;
        s->offset++;
        s->status = enter_container(s, is_map, is_map ? 2 * (at[0] & 0x0fu) : at[0] & 0x0fu);
        return true;
    }
    size_t size = left > 0 ? small_size(at, left) : 0;
    if (size == 0 || size > left)
        return false;
    if ((at[0] & 0xe0) == 0xa0 && s->rules == SCAN_CANONICAL &&
        !scan_is_utf8(bytes_make(at + 1, size - 1)))
        return false;
    s->offset += size;
    s->owed--;
    count_item(s);
    return true;
}

/* One item. *more_out: its bytes are not all there that must be looked at, nothing was done. */
static enum rsm_status scan_item(struct scan *s, struct bytes data, bool *more_out)
{
    struct header h;
    *more_out =
        s->offset >= data.size || !header_read(data.data + s->offset, data.size - s->offset, &h);
    if (*more_out)
        return RSM_OK;
    if (h.type == 0)
        return RSM_MALFORMED;
    uint64_t payload = header_payload(&h);
    if (h.size > s->size_max - s->offset || payload > s->size_max - s->offset - h.size)
        return RSM_TOO_LARGE;
    if (s->rules == SCAN_CANONICAL) {
        *more_out = h.type == UNPACK_STR && payload > data.size - s->offset - h.size;
        if (*more_out)
            return RSM_OK;
        if (!is_canonical(s, data, &h))
            return RSM_NOT_CANONICAL;
    }
    s->offset += h.size + (size_t)payload;
    return enter_item(s, &h);
}

enum rsm_status scan_continue(struct scan *s, struct bytes data, size_t *size_out)
{
    CHECK(s->rules == SCAN_WELL_FORMED || s->rules == SCAN_CANONICAL);
    *size_out = 0;
    bool more = false;
    while (s->status == RSM_OK && s->owed > 0 && !more) {
        if (s->owed > s->size_max - s->offset)
            s->status = RSM_TOO_LARGE; /* invariant 1 */
        else if (!scan_small(s, data))
            s->status = scan_item(s, data, &more);
    }
    if (s->status != RSM_OK)
        return s->status;
    if (s->owed == 0 && s->offset <= data.size)
        *size_out = s->offset;
    return RSM_OK;
}

enum rsm_status scan_whole(enum scan_rules rules, struct bytes data, size_t size_max)
{
    if (data.size > size_max)
        return RSM_TOO_LARGE;
    struct scan s;
    size_t size;
    scan_init(&s, rules, data.size);
    enum rsm_status status = scan_continue(&s, data, &size);
    if (status == RSM_TOO_LARGE || (status == RSM_OK && size == 0))
        return RSM_MALFORMED; /* the bytes end before the object does */
    if (status == RSM_OK && size < data.size)
        return rules == SCAN_CANONICAL ? RSM_NOT_CANONICAL : RSM_MALFORMED;
    return status;
}
