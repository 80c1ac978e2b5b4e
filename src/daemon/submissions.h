/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * submissions.h - envelopes on their way: who waits for them, and where they are.
 *
 * One submission for one envelope digest, however often and by whomever it was handed in: tokens
 * are requests of own clients, origins are replicas that forwarded it. Its states:
 *
 *     QUEUED     not handled since it came, since it was lost, or since the leader changed
 *     PROPOSED   in a slot of the own window (leader)             -> QUEUED when the proposal is
 * lost FORWARDED  a frame went to the leader                        -> QUEUED when the leader
 * changes
 *
 * and it ends (submissions_remove) when its digest is applied, refused without a log entry, or
 * when nobody waits any longer. The order of the queue is the order of arrival.
 */
#ifndef RSM_DAEMON_SUBMISSIONS_H
#define RSM_DAEMON_SUBMISSIONS_H

#include <stdbool.h>

#include <rsm/status.h>

#include "src/base/blob.h"
#include "src/base/ids.h"

enum submission_state {
    SUBMISSION_QUEUED = 1,
    SUBMISSION_PROPOSED,
    SUBMISSION_FORWARDED,
};

struct submission {
    uint8_t digest[HASH_SIZE];
    struct blob *envelope; /* owned reference */
    uint64_t id;           /* the cookie of its proposal; never used again */
    uint64_t since_ms;     /* arrival, monotonic */
    uint64_t came_ns;      /* the same, of its first request; 0: nobody asked here */
    uint64_t queued_ns;    /* it was verified */
    uint64_t sent_ms;      /* last time it was forwarded, monotonic; 0 never */
    enum submission_state state;
    uint32_t handed;    /* times it was proposed here or forwarded */
    bool is_own;        /* made here: it is forwarded though no client waits for it */
    bool may_be_chosen; /* it left this replica, or was proposed: a time-out is "unknown" */
    uint32_t origins;   /* bit i: replica i forwarded it */
    uint64_t *tokens;   /* owned */
    uint32_t token_count;
    uint32_t token_capacity;
    struct submission *bucket_next;
    struct submission *older, *newer; /* all, by arrival */
};

struct submissions;

struct submissions *submissions_new(void);
void submissions_free(struct submissions *s);

/* By digest or by id; NULL when there is none. */
struct submission *submissions_find(struct submissions *s, const uint8_t digest[HASH_SIZE]);
struct submission *submissions_find_id(struct submissions *s, uint64_t id);

/* One of `size` bytes more would pass LIMIT_PENDING_COUNT or LIMIT_PENDING_BYTES. */
bool submissions_is_full(const struct submissions *s, size_t size);

/*
 * Adds one in state QUEUED and takes a reference to the envelope. The digest is not there yet.
 * RSM_BUSY when submissions_is_full.
 */
enum rsm_status submissions_add(struct submissions *s, const uint8_t digest[HASH_SIZE],
                                struct blob *envelope, uint64_t now_ms,
                                struct submission **submission_out);

void submission_add_token(struct submission *submission, uint64_t token);

/* Frees it; pointers to it are gone. */
void submissions_remove(struct submissions *s, struct submission *submission);

/* The oldest, then submission->newer: read `newer` before removing. */
struct submission *submissions_oldest(struct submissions *s);
uint64_t submissions_count(const struct submissions *s);
/* Submissions for which an own client waits. */
bool submissions_has_tokens(const struct submissions *s);

#endif
