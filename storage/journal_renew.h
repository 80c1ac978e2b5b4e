/* SPDX-License-Identifier: GPL-3.0-or-later */
/* journal_renew.h - the journal of a new incarnation, made beside the one in force. */
#ifndef RSM_STORAGE_JOURNAL_RENEW_H
#define RSM_STORAGE_JOURNAL_RENEW_H

#include "storage/journal.h"

/* What a fresh journal begins with. */
struct journal_renewal {
    struct ballot promise;
    uint64_t chosen_end;    /* slots below are chosen; 0: nothing known */
    uint64_t store_slot;    /* the store holds every slot up to here, durably */
    uint64_t next_sequence; /* of the first record, above 0 */
    /* The next vote to keep: slot, ballot and value (borrowed until the next call). False: no more.
       May be NULL. They are visited later in this order, and then the chosen end. */
    bool (*next_vote)(void *context, struct record *vote_out);
    void *context;
};

/*
 * For a replica that comes back under a new incarnation: builds the journal of `identity` (the new
 * one) beside what is on the disk, in segments with higher numbers, and makes it durable. The
 * votes, and the chosen end when it is above 0, are its records; promise and store slot stand in
 * its checkpoint. journal_durable_seq(*journal_out) + 1 is the next sequence.
 *
 * `old` is what journal_open gave for the incarnation in force (borrowed; read-only from now on),
 * or NULL when there is none. Until the caller has made the new incarnation durable in the identity
 * file, a crash leaves the old journal in force, and what was made here is a left-over that is
 * ignored. From then on the new one is in force and the old one a left-over: the caller calls
 * journal_set_others_aside and closes the old one. (If it dies before, journal_open does the
 * first.) Nobody hears a vote of the new incarnation before the identity file has it.
 *
 * RSM_DISK_FULL: nothing was changed but that what earlier renewals had set aside is gone; it can
 * be tried again. RSM_TOO_MANY: no segment number is free. RSM_IO: the process should end.
 */
enum rsm_status journal_renew(struct disk *disk, struct journal *old,
                              const struct journal_identity *identity,
                              const struct journal_options *options,
                              const struct journal_renewal *renewal, struct journal **journal_out);

/* Takes files that are not of this journal out of the way (disk_set_aside). RSM_IO: see flush. */
enum rsm_status journal_set_others_aside(struct journal *j);

#endif
