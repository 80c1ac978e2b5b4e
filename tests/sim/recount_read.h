/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recount_read.h - entries of the log read a second time, without a line of src/command: the part
 * of MessagePack that commands use, and a command as far as the recount looks at it.
 */
#ifndef RSM_TESTS_SIM_RECOUNT_READ_H
#define RSM_TESTS_SIM_RECOUNT_READ_H

#include "src/base/bytes.h"

/* One command, as far as it is looked at. */
struct told {
    struct bytes author;
    uint64_t counter;
    struct reader clock; /* at the first entry */
    uint32_t clock_count;
    struct bytes kind;  /* what a request wraps counts as the command */
    struct bytes asked; /* the class that a request asks for; else empty */
    struct reader body; /* at its first element */
    uint32_t body_count;
    struct bytes raw;
};

/* Each sets r->failed where something else stands. */
uint64_t read_uint(struct reader *r);
/* Text or bytes. */
struct bytes read_bytes(struct reader *r);
/* The head of an array or a map. */
uint32_t read_count(struct reader *r);
/* True or false. */
bool read_bool(struct reader *r);
/* Jumps over one value, whatever it is. */
void skip_value(struct reader *r);
/* At the value of a key of a map; false: it has none. */
bool find_value(struct bytes map, const char *key, struct reader *out);
struct told read_command(struct reader *r);
/* It is of that kind. */
bool told_is(const struct told *t, const char *kind);

#endif
