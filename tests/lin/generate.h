/* SPDX-License-Identifier: GPL-3.0-or-later */
/* generate.h - legal histories, made by executing a register at a moment inside each call. */
#ifndef LIN_GENERATE_H
#define LIN_GENERATE_H

#include "tests/lin/history.h"

struct lin_mix {
    uint64_t seed;
    unsigned clients, keys, operations;
    unsigned unknown_ppm; /* of answers that are lost: half of those changes never happen */
};

/* Fills an empty history. */
void lin_generate(struct lin_history *h, const struct lin_mix *mix);

#endif
