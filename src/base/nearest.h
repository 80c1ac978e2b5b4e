/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nearest.h - which of some words somebody may have meant who mistyped one.
 *
 * The distance is that of optimal string alignment: letters left out, put in, exchanged for another
 * one, or two neighbours in the wrong order. A word is near when at most a third of its letters is
 * wrong, one at least. Words of NEAREST_SIZE letters or more are near to none. ASCII.
 */
#ifndef RSM_BASE_NEAREST_H
#define RSM_BASE_NEAREST_H

#include <stddef.h>

#define NEAREST_SIZE 64u

struct nearest {
    const char *word; /* borrowed, as all that is offered */
    const char *best; /* NULL: nothing is near */
    size_t distance;  /* of the best; only nearer ones take its place */
};

/* Nothing is offered yet. `word` is what was typed. */
struct nearest nearest_begin(const char *word);
/* The word itself may be offered: then it is the best. */
void nearest_offer(struct nearest *n, const char *candidate);

struct option; /* of getopt_long */

/*
 * Behind getopt_long's '?': the name of the long option that is near to the argument that it was
 * about. NULL: none, or it is one (its value is wrong), or the beginning of some.
 */
const char *nearest_option(const struct option *options, const char *argument);

#endif
