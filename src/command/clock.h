/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - the vector clock of an author at work: other author -> highest counter seen (Fidge
 * 1988, Mattern 1989).
 *
 * Sorted by author's bytes, as a command has it, so that it is encoded in one pass. The clock of a
 * command that came is not copied into one of these: command/envelope.h walks it where it lies, and
 * machine/rule_causal.c compares two of them so. "vector_clock_" because libc and src/io have
 * clocks too. Of one thread.
 */
#ifndef RSM_COMMAND_CLOCK_H
#define RSM_COMMAND_CLOCK_H

#include <rsm/status.h>

#include "src/base/bytes.h"

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

/* Empty. */
void vector_clock_init(struct vector_clock *c);
/* Frees what it owns; empty again. */
void vector_clock_deinit(struct vector_clock *c);

/*
 * Raises an author's counter; lower ones change nothing, and 0 is no event. Copies the name.
 * RSM_TOO_MANY: LIMIT_CLOCK_ENTRIES authors are in it, and this is none of them; as it was.
 */
enum rsm_status vector_clock_see(struct vector_clock *c, struct bytes author, uint64_t counter);

#endif
