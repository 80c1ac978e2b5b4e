/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scrubber.h - everything on the disk is read and checked, in the background.
 *
 * A pass is a process of its own (this program again, at the lowest priority), since damaged pages
 * can end whoever reads them. It reads a running replica's data: the journal up to the place that
 * was durable when the pass began, and the store as of one commit, registered as a reader.
 */
#ifndef RSM_IO_SCRUBBER_H
#define RSM_IO_SCRUBBER_H

#include <stdbool.h>
#include <stdint.h>

#include <rsm/status.h>

#include "storage/journal.h"

#define SCRUB_TEXT_SIZE 200u
/* The option that makes a pass of this program: --scrub DIR SEGMENT OFFSET RATE. */
#define SCRUB_OPTION "scrub"

/* What a pass found. */
struct scrub_result {
    bool complete;     /* everything was read, or a finding ended it */
    uint64_t records;  /* of the journal, that check */
    uint64_t rows;     /* of the store, that check */
    uint32_t findings; /* in both */
    bool store_damaged;
    uint64_t journal_segment;   /* the highest in which something is wrong; 0 none */
    char text[SCRUB_TEXT_SIZE]; /* of the first finding, or why it is not complete */
};

/*
 * The pass itself, in its process: writes lines to stdout, returns the exit status. `rate`: bytes a
 * second, above 1; of values, not of pages.
 */
int scrub_run(const char *data, uint64_t segment, uint64_t offset, uint64_t rate);

/* What a pass waits by. */
struct scrub_clock {
    void *context;
    uint64_t (*now_us)(void *context);
    void (*wait_ms)(void *context, uint32_t ms); /* about so long, or longer */
};

/* The same by another clock, for tests. */
int scrub_run_by(const struct scrub_clock *clock, const char *data, uint64_t segment,
                 uint64_t offset, uint64_t rate);

struct scrubber;

/* `data` is the data directory (copied), `rate` bytes a second. */
struct scrubber *scrubber_new(const char *data, uint64_t rate);
/* Ends a pass that runs. NULL is ignored. */
void scrubber_free(struct scrubber *s);
/* RSM_EXISTS: one runs already. RSM_IO: no process to be had. */
enum rsm_status scrubber_start(struct scrubber *s, struct journal_extent extent);
/* Started, and not collected. */
bool scrubber_is_running(const struct scrubber *s);
/* Never blocks. True once, when the pass that ran has ended. */
bool scrubber_collect(struct scrubber *s, struct scrub_result *result_out);

#endif
