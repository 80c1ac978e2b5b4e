/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * past.h - the state as it was after a slot, made here.
 *
 * A replica keeps zones and record sets as they were; all else it knows as it is now. For that the
 * log is fetched and judged again, from the genesis on, by the real state machine (tools/lib/
 * ledger.h), and the question is answered by the code that the replica answers it with (src/read).
 * Every signature, verdict and chain head is checked on the way: a replica can leave out the newest
 * slots, as in any answer, and cannot change one.
 */
#ifndef RSM_CTL_PAST_H
#define RSM_CTL_PAST_H

#include "src/read/read.h"
#include "tools/resilience-ctl/ctl.h"

/* --at of a method that no replica answers as of then; NULL: it is for a replica to answer. */
const struct method *past_method(const struct ctl *ctl, const char *method);

/* When --at is. */
struct past_moment {
    bool is_slot;
    uint64_t value; /* the slot, or the last millisecond */
};

/*
 * As ctl_call, which calls it; the state is made at the first call and kept in ctl->past. What is
 * wrong has been printed, but RSM_NOT_FOUND: past_words. `params` empty: none.
 */
enum rsm_status past_call(struct ctl *ctl, const struct method *method, struct past_moment moment,
                          struct rsm_bytes params, struct rsm_buffer *result_out);
/* Why the last call found nothing. */
const char *past_words(const struct past *past);

void past_free(struct past *past);

#endif
