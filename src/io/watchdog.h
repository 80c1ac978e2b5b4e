/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * watchdog.h - a thread that ends the process when the main loop hangs, or a flush beside it.
 *
 * A disk that never answers leaves the main loop inside a write or a flush for ever, and nobody
 * would notice: the other replicas elect a leader without this one, but a process that neither
 * works nor dies is not restarted. So the loop says which step begins, and is in one all the time:
 * a disk is touched in many places, by ticks, by frames and by clients' calls. A step that lasts
 * longer than the deadline is logged and the process ends at once with WATCHDOG_EXIT_STATUS,
 * without running any handler: those could hang as well. Time in which the process did not run does
 * not count.
 */
#ifndef RSM_IO_WATCHDOG_H
#define RSM_IO_WATCHDOG_H

#include <stdint.h>

#include <rsm/status.h>

#define WATCHDOG_EXIT_STATUS 71

struct watchdog;

/* `deadline_ms` above 0. RSM_IO when there is no thread to be had. */
enum rsm_status watchdog_start(uint32_t deadline_ms, struct watchdog **watchdog_out);
/* NULL is ignored. */
void watchdog_stop(struct watchdog *watchdog);
/* Whose steps: each thread has its own. */
enum watchdog_line {
    WATCHDOG_LOOP,  /* the main loop */
    WATCHDOG_FLUSH, /* the journal's flushes beside it */
    WATCHDOG_LINES
};

/*
 * A step begins, and the one of that line before is over; NULL: none begins. `name` is static
 * memory and goes into the log line, for example "turn". Cheap: no system call but reading the
 * clock. By the thread whose line it is; a NULL `watchdog` is ignored.
 */
void watchdog_step(struct watchdog *watchdog, enum watchdog_line line, const char *name);

#endif
