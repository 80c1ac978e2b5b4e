/* SPDX-License-Identifier: GPL-3.0-or-later */
/* clock.h - the only place that asks the system for the time. Thread-safe. */
#ifndef RSM_IO_CLOCK_H
#define RSM_IO_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds since 1970-01-01T00:00:00Z; jumps when somebody sets the clock. For timestamps. */
uint64_t clock_wall_ms(void);
/*
 * For tests: from now on clock_wall_ms adds the number in the file, milliseconds and perhaps a
 * minus sign, and looks each time, so that a test can set this process's clock and no other's.
 * False when the file cannot be opened. Before there are threads.
 */
bool clock_follow(const char *path);
/* Since some moment of the past, never going back. For ages, timeouts and statistics. */
uint64_t clock_monotonic_ms(void);
uint64_t clock_monotonic_us(void);
uint64_t clock_monotonic_ns(void);

#endif
