/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lines.h - a state as a sorted list of lines: to print, and to compare. */
#ifndef RSM_TOOLS_LINES_H
#define RSM_TOOLS_LINES_H

#include "src/base/kv.h"

#include <jansson.h>

/* One object of the state. */
struct line {
    const char *kind; /* "zone", "rrset", "principal" ... static */
    unsigned order;   /* of the kind */
    char *name;       /* owned */
    char *value;      /* owned */
};

struct lines {
    struct line *items; /* owned; sorted by order, then name */
    size_t count;
    size_t capacity;
};

/* All objects of the state in `kv`; `zone` (wire form) empty: of all zones. RSM_DAMAGED, RSM_IO. */
enum rsm_status lines_collect(struct kv *kv, struct bytes zone, struct lines *out);
void lines_deinit(struct lines *lines);
/* Below 0, 0, above 0: order of two lines by kind and name. */
int lines_compare(const struct line *a, const struct line *b);
json_t *lines_json(const struct line *line);

#endif
