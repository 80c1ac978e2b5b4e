/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * names.h - a set of names, each with the walk that found it; for the search for cycles.
 *
 * A hash table over an arena. What it answers depends on what was put in alone, never on the order
 * of its slots. One thread.
 */
#ifndef RSM_MACHINE_NAMES_H
#define RSM_MACHINE_NAMES_H

#include "src/base/bytes.h"

struct name_set;

struct name_set *name_set_new(void);
void name_set_free(struct name_set *set);
/* Empties it, at the cost of what is in it. */
void name_set_clear(struct name_set *set);
size_t name_set_count(const struct name_set *set);

/*
 * Puts a name in under a walk's number. True: it was new. False: it is there, and *index_out and
 * *walk_out are its place (in the order of putting in) and its walk.
 */
bool name_set_add(struct name_set *set, struct bytes name, uint32_t walk, size_t *index_out,
                  uint32_t *walk_out);
/* True when it is there. */
bool name_set_has(const struct name_set *set, struct bytes name);
/* The name at a place; borrowed until the next add. */
struct bytes name_set_at(const struct name_set *set, size_t index);

#endif
