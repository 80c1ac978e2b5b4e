/* SPDX-License-Identifier: GPL-3.0-or-later */
/* clock.c - wall and monotonic time. */
#include "src/io/clock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int offset_descriptor = -1;

static struct timespec now(clockid_t id)
{
    struct timespec t = {0, 0};

    (void)clock_gettime(id, &t); /* cannot fail for these two */
    return t;
}

bool clock_follow(const char *path)
{
    offset_descriptor = open(path, O_RDONLY | O_CLOEXEC);
    return offset_descriptor >= 0;
}

static int64_t offset_ms(void)
{
    char text[32] = {0};
    if (offset_descriptor < 0 || pread(offset_descriptor, text, sizeof text - 1, 0) <= 0)
        return 0;
    return strtoll(text, NULL, 10);
}

uint64_t clock_wall_ms(void)
{
    struct timespec t = now(CLOCK_REALTIME);
    int64_t ms = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + offset_ms();
    return ms > 0 ? (uint64_t)ms : 0;
}

uint64_t clock_monotonic_ns(void)
{
    struct timespec t = now(CLOCK_MONOTONIC);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t clock_monotonic_us(void)
{
    return clock_monotonic_ns() / 1000;
}

uint64_t clock_monotonic_ms(void)
{
    return clock_monotonic_us() / 1000;
}
