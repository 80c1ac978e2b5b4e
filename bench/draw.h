/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * draw.h - which key comes next.
 *
 *   uniform   every key as likely as any other
 *   zipf      key k (from 0) with a chance in proportion to 1 / (k + 1)^0.99, as YCSB has it
 * ("Benchmarking Cloud Serving Systems with YCSB", 2010, section 4.2): a few keys get most of the
 * load
 */
#ifndef RSM_BENCH_DRAW_H
#define RSM_BENCH_DRAW_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/prng.h"

#define DRAW_KEYS_MAX 1000000u
#define DRAW_ZIPF_EXPONENT 0.99

struct draw {
    uint32_t key_count;
    double *cumulative; /* owned; NULL: uniform. Entry k: the chance of a key up to k */
};

/* 1 to DRAW_KEYS_MAX keys. Freed with draw_deinit. */
void draw_init(struct draw *d, uint32_t key_count, bool is_zipf);
void draw_deinit(struct draw *d);
/* In [0, key_count). */
uint32_t draw_key(const struct draw *d, struct prng *prng);

#endif
