/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kept.h - a world that stays: a directory with a key file of each client and the file `world`, so
 * that a later run changes the same record sets as the same authors.
 *
 *   world           one line: "rsm-bench-world 1 WORD clients N zones N changes N"; written last
 *   WORD-N.key      of client N, plain
 */
#ifndef RSM_BENCH_KEPT_H
#define RSM_BENCH_KEPT_H

#include "bench/world.h"

/*
 * Takes the word, the record sets of a key and the clients' keys from shape.kept.
 *
 * RSM_NOT_FOUND: there is none yet (nothing is said). RSM_USAGE: it is not what the shape asks for;
 * RSM_MALFORMED, RSM_IO and those of rsm_key_load: `text` (256 bytes) says why.
 */
enum rsm_status kept_load(struct load_world *world, char *text);

/* Makes the directory if need be. RSM_IO and the statuses of rsm_key_save: `text` says why. */
enum rsm_status kept_save(const struct load_world *world, char *text);

#endif
