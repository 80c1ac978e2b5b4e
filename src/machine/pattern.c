/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pattern.c - patterns of owners (see pattern.h). */
#include "src/machine/pattern.h"

#include <string.h>

#include "src/base/check.h"
#include "src/rr/name.h"

#define LABELS_MAX 128u

/* Where each label begins, the root's left out; wire names have at most 127 others. */
static size_t find_labels(struct bytes name, uint8_t starts[LABELS_MAX])
{
    size_t count = 0;
    for (size_t offset = 0; name.data[offset] != 0; offset += 1u + name.data[offset]) {
        CHECK(count < LABELS_MAX);
        starts[count++] = (uint8_t)offset;
    }
    return count;
}

/* Both with their length octets. Greedy, and back to the last `*` when it was too greedy. */
static bool label_matches(const uint8_t *pattern, const uint8_t *label)
{
    size_t pattern_end = 1u + pattern[0], label_end = 1u + label[0];
    size_t p = 1, l = 1, star = 0, back = 0;
    while (l < label_end) {
        if (p < pattern_end && pattern[p] == '*') {
            star = p++;
            back = l;
        } else if (p < pattern_end && pattern[p] == label[l]) {
            p++;
            l++;
        } else if (star != 0) {
            p = star + 1;
            l = ++back;
        } else {
            return false;
        }
    }
    while (p < pattern_end && pattern[p] == '*')
        p++;
    return p == pattern_end;
}

bool pattern_covers(struct bytes pattern, struct bytes owner)
{
    uint8_t pattern_starts[LABELS_MAX], owner_starts[LABELS_MAX];
    if (pattern.size == 0 || memchr(pattern.data, '*', pattern.size) == NULL)
        return pattern.size == 0 || name_is_at_or_below(owner, pattern);
    size_t pattern_count = find_labels(pattern, pattern_starts);
    size_t owner_count = find_labels(owner, owner_starts);
    for (size_t i = 1; i <= pattern_count; i++) {
        if (i > owner_count || !label_matches(pattern.data + pattern_starts[pattern_count - i],
                                              owner.data + owner_starts[owner_count - i]))
            return false;
    }
    return true;
}
