/* SPDX-License-Identifier: GPL-3.0-or-later */
/* clock.c - wall and monotonic time. */
#include "src/io/clock.h"

#include <time.h>

static struct timespec now(clockid_t id)
{
    struct timespec t = {0, 0};

    (void)clock_gettime(id, &t); /* cannot fail for these two */
    return t;
}

uint64_t clock_wall_ms(void)
{
    struct timespec t = now(CLOCK_REALTIME);

    if (t.tv_sec < 0)
        return 0;
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t clock_monotonic_us(void)
{
    struct timespec t = now(CLOCK_MONOTONIC);

    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t clock_monotonic_ms(void)
{
    return clock_monotonic_us() / 1000;
}
