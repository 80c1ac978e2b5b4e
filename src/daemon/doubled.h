/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * doubled.h - sees that two processes speak as one peer: a copy of its directory runs beside it.
 *
 * Both have the key and the incarnation, and each takes the link from the other. But the heads that
 * they send say how far their journals are durable, and that never falls: not over a connection,
 * which keeps the order, and not over a restart, for it was durable. A copy is behind. So what
 * comes falls and rises again, time after time. A disk that was put back from an older copy falls
 * once: then it is told so, and comes back under another incarnation.
 */
#ifndef RSM_DAEMON_DOUBLED_H
#define RSM_DAEMON_DOUBLED_H

#include <stdbool.h>
#include <stdint.h>

/* That many falls are no accident. */
#define DOUBLED_FALLS 3u
/* Without a fall for so long, the other one is gone. */
#define DOUBLED_CALM_MS 10000u

/* Of one peer; begins as zeros. */
struct doubled {
    uint64_t incarnation;
    uint64_t highest;
    bool is_low; /* the last one was below the highest */
    uint32_t falls;
    uint64_t fell_ms;
};

/* Heads came of `incarnation` that say `sequence`. True: this is the fall that makes it certain. */
bool doubled_note(struct doubled *d, uint64_t incarnation, uint64_t sequence, uint64_t now_ms);
/* Two processes speak. Forgets the falls when there was none for a while. */
bool doubled_is(struct doubled *d, uint64_t now_ms);

#endif
