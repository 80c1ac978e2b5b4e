/* SPDX-License-Identifier: Apache-2.0 */
/*
 * canonical.h - a bounded scan of MessagePack bytes that allocates nothing and recurses nowhere.
 *
 * Two rules of judging:
 *   SCAN_WELL_FORMED  what a client may send around a call: any MessagePack within the limits.
 *   SCAN_CANONICAL    one encoding for one value: shortest integers (non-negative ones unsigned),
 *                     shortest headers, str is UTF-8 (RFC 3629), map keys are str in ascending byte
 *                     order and unique, no float, no ext, nothing after the end.
 *
 * Bounds, in both: containers inside containers (LIMIT_DEPTH), elements declared by all headers
 * (LIMIT_ELEMENTS, and never more than the bytes that can still come), total size.
 *
 * A scan of a stream keeps its place: bytes that arrive in small pieces are looked at once each.
 */
#ifndef RSM_COMMAND_CANONICAL_H
#define RSM_COMMAND_CANONICAL_H

#include <rsm/status.h>

#include "src/base/bytes.h"
#include "src/base/limits.h"

enum scan_rules {
    SCAN_WELL_FORMED = 1,
    SCAN_CANONICAL,
};

/* A container that is open. */
struct scan_level {
    uint64_t items_left; /* keys and values count apart */
    size_t key_offset;   /* the map key before this one; canonical only */
    size_t key_size;
    bool is_map;
    bool has_key;
};

/* The place of a scan. Plain data: may be copied and dropped at any time. */
struct scan {
    enum scan_rules rules;
    size_t size_max;

    size_t offset;     /* the next header; may lie behind the bytes that are there */
    uint64_t elements; /* declared so far */
    uint64_t owed;     /* items that open containers still wait for: a byte each at least */
    uint32_t depth;
    enum rsm_status status; /* sticky */
    struct scan_level levels[LIMIT_DEPTH];
};

/* Begins at the first byte of an object that may take up to `size_max` bytes. */
void scan_init(struct scan *s, enum scan_rules rules, size_t size_max);

/*
 * Goes on. `data` holds all bytes since the object's first one, those of earlier calls included (it
 * may have moved); bytes of the next object may follow.
 *
 * RSM_OK, *size_out above 0: the object is whole and takes so many bytes; call scan_init for the
 * next. RSM_OK, *size_out == 0: more bytes are needed. RSM_MALFORMED (byte c1), RSM_TOO_DEEP,
 * RSM_TOO_MANY (elements), RSM_TOO_LARGE (does or must end behind size_max), RSM_NOT_CANONICAL:
 * final, framing is lost.
 */
enum rsm_status scan_continue(struct scan *s, struct bytes data, size_t *size_out);

/*
 * One whole object with nothing after it, of at most `size_max` bytes. Statuses as above;
 * RSM_MALFORMED when bytes are missing or (well-formed rules) follow, RSM_NOT_CANONICAL when bytes
 * follow a canonical object.
 */
enum rsm_status scan_whole(enum scan_rules rules, struct bytes data, size_t size_max);

/* True when the bytes are UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). */
bool scan_is_utf8(struct bytes text);

#endif
