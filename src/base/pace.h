/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pace.h - no more than so many bytes a second, over any time but for one burst.
 *
 * Each thing that is taken has its time; the next one may be taken when that is over. Who comes
 * late, for its clock is coarse or it did not run, makes up for at most `burst_us` of it: the rest
 * is lost, or what was saved in an idle hour would go out in one. Fractions of microseconds are
 * kept, so that many small pieces take as long as few large ones.
 */
#ifndef RSM_BASE_PACE_H
#define RSM_BASE_PACE_H

#include <stdint.h>

struct pace {
    /* Fixed. */
    uint64_t rate; /* bytes a second, above 0 */
    uint64_t burst_us;
    /* Changing; begins as zeros. */
    uint64_t free_us; /* the next piece may be taken from then on */
    uint64_t rest;    /* of a microsecond, in parts of `rate` */
};

/* `bytes`, below 2^40, are taken at `now_us`, whether it is time or not. */
void pace_take(struct pace *pace, uint64_t bytes, uint64_t now_us);

/* How long to wait before the next piece; 0: none. */
static inline uint64_t pace_wait_us(const struct pace *pace, uint64_t now_us)
{
    return pace->free_us > now_us ? pace->free_us - now_us : 0;
}

#endif
