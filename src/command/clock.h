/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - vector clocks in memory: author -> highest counter seen (Fidge 1988, Mattern 1989).
 *
 * Sorted by author's bytes, so that it is encoded in one pass and two clocks are compared in one.
 * Owns copies of the names. For a parsed command's clock, ask the command (command/envelope.h).
 */
#ifndef RSM_COMMAND_CLOCK_H
#define RSM_COMMAND_CLOCK_H

#include <rsm/status.h>

#include "src/base/bytes.h"
#include "src/command/envelope.h"

struct clock_entry {
    char *author; /* owned */
    size_t author_size;
    uint64_t counter;
};

struct clock {
    struct clock_entry *entries; /* owned, sorted */
    size_t count;
    size_t capacity;
};

enum clock_order {
    CLOCK_EQUAL = 1,
    CLOCK_BEFORE,     /* covered by the other, which has more */
    CLOCK_AFTER,      /* covers the other, and has more */
    CLOCK_CONCURRENT, /* each has something that the other lacks */
};

void clock_init(struct clock *c);
void clock_deinit(struct clock *c);

/* Raises an author's counter; lower ones change nothing. RSM_TOO_MANY at LIMIT_CLOCK_ENTRIES. */
enum rsm_status clock_see(struct clock *c, struct bytes author, uint64_t counter);
/* 0 for an author that is not in it. */
uint64_t clock_get(const struct clock *c, struct bytes author);
/* Sees all that the other saw. On RSM_TOO_MANY some of it. */
enum rsm_status clock_merge(struct clock *c, const struct clock *other);
enum rsm_status clock_merge_command(struct clock *c, const struct command *command);
bool clock_covers(const struct clock *c, struct bytes author, uint64_t counter);
enum clock_order clock_compare(const struct clock *a, const struct clock *b);
/* As a canonical map. */
void clock_pack(const struct clock *c, struct writer *out);
/* Reads such a map; replaces what `c` held. RSM_WRONG_TYPE, RSM_TOO_LARGE, RSM_TOO_MANY. */
enum rsm_status clock_unpack(struct clock *c, struct unpack *source);

#endif
