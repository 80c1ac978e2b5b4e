/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * admission.h - how fast one connection may hand commands in, asked before anything is verified.
 *
 * A signature costs this replica some 50 microseconds, a flood of them all of its time; the budgets
 * of principals are in the state and say nothing before a signature is known to be good. So each
 * connection has a bucket of one second of the configured rate. An envelope costs 1, and 1 more for
 * each 64 KiB; one whose signature was not good, or whose key nobody has, costs 100 more. The key
 * that an envelope names is not looked at: whoever sends it chooses it, and would block another.
 *
 * Local and without a trace: what is turned away was never judged, and may be sent again.
 */
#ifndef RSM_DAEMON_ADMISSION_H
#define RSM_DAEMON_ADMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/limits.h"

#define ADMISSION_BAD_COST 100u

struct admission {
    uint32_t rate; /* in a second; 0: no limit */
    struct admission_bucket {
        uint64_t connection; /* 0: unused */
        uint64_t level;      /* thousandths */
        uint64_t at_ms;
    } buckets[LIMIT_CLIENT_CONNECTIONS]; /* by the connection's number; a newer one takes its place
                                          */
};

void admission_init(struct admission *a, uint32_t rate);
/* False: *wait_ms_out until it would be taken. `now_ms` never goes back. */
bool admission_take(struct admission *a, uint64_t connection, size_t size, uint64_t now_ms,
                    uint64_t *wait_ms_out);
/* What it handed in was not worth the look. */
void admission_punish(struct admission *a, uint64_t connection);

#endif
