/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - vector clocks in memory: author -> highest counter seen (Fidge 1988, Mattern 1989).
 *
 * Sorted by author's bytes, so that it is encoded in one pass and two clocks are compared in one.
 * "vector_clock_" because libc and src/io have clocks too. Owns copies of the names. For a parsed
 * command's clock, ask the command (command/envelope.h).
 */
#ifndef RSM_COMMAND_CLOCK_H
#define RSM_COMMAND_CLOCK_H

#include <rsm/status.h>

#include "src/base/bytes.h"
#include "src/command/envelope.h"

struct vector_clock_entry {
    char *author; /* owned */
    size_t author_size;
    uint64_t counter;
};

struct vector_clock {
    struct vector_clock_entry *entries; /* owned, sorted */
    size_t count;
    size_t capacity;
};

enum vector_clock_order {
    VECTOR_CLOCK_EQUAL = 1,
    VECTOR_CLOCK_BEFORE,     /* covered by the other, which has more */
    VECTOR_CLOCK_AFTER,      /* covers the other, and has more */
    VECTOR_CLOCK_CONCURRENT, /* each has something that the other lacks */
};

void vector_clock_init(struct vector_clock *c);
void vector_clock_deinit(struct vector_clock *c);

/* Raises an author's counter; lower ones change nothing. RSM_TOO_MANY at LIMIT_CLOCK_ENTRIES. */
enum rsm_status vector_clock_see(struct vector_clock *c, struct bytes author, uint64_t counter);
/* Sees all that the other saw. On RSM_TOO_MANY some of it. */
enum rsm_status vector_clock_merge(struct vector_clock *c, const struct vector_clock *other);
bool vector_clock_covers(const struct vector_clock *c, struct bytes author, uint64_t counter);
enum vector_clock_order vector_clock_compare(const struct vector_clock *a,
                                             const struct vector_clock *b);
/* As a canonical map. */
void vector_clock_pack(const struct vector_clock *c, struct writer *out);
/* Reads such a map; replaces what `c` held. RSM_WRONG_TYPE, RSM_TOO_LARGE, RSM_TOO_MANY. */
enum rsm_status vector_clock_unpack(struct vector_clock *c, struct unpack *source);

#endif
