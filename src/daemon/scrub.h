/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scrub.h - when the scrubber runs, and what comes of its findings.
 *
 *   a damaged store      the process begins again: the start moves it aside and fetches the state
 *   a damaged journal    the memory still knows what was promised and voted: a new segment begins
 *                        with a checkpoint, the store takes what is applied, and the damaged
 *                        segments are dropped; another pass then says whether all is well
 *
 * The alarm disk-damaged stands from the finding until a pass finds nothing.
 */
#ifndef RSM_DAEMON_SCRUB_H
#define RSM_DAEMON_SCRUB_H

#include "src/daemon/node.h"
#include "src/io/scrubber.h"

struct scrub;

struct scrub_status {
    bool running;
    uint64_t passes;   /* that ended, since the process began */
    uint64_t ended_ms; /* wall clock, of the last one; 0 none */
    struct scrub_result last;
};

/*
 * The first pass comes `days` after the start (which looks at everything itself); 0: never. `rate`:
 * KiB a second.
 */
struct scrub *scrub_new(const char *data, uint32_t days, uint32_t rate, struct node *node);
/* NULL is ignored. */
void scrub_free(struct scrub *s);
/* Once a tick. True when a store's reader ended: its slot can be looked after. */
bool scrub_on_tick(struct scrub *s);
/* A pass now; RSM_EXISTS when one runs. */
enum rsm_status scrub_now(struct scrub *s);
void scrub_get_status(const struct scrub *s, struct scrub_status *status_out);

#endif
