/* SPDX-License-Identifier: Apache-2.0 */
/*
 * submitter.h - the inside of a submitter, for submitter.c and submitter_bundle.c alone.
 *
 * A request is in one place at a time:
 *
 *     waiting   in `incoming` (under the lock), then in `queue` (the thread's)
 *     bundled   in a bundle that is in flight
 *     answered  its callback has run; freed
 *
 * The queue is in the order of their starts; what is signed again goes back to its front.
 *
 * The author's counter is right when nothing is in flight or each bundle so far was applied whole.
 * After anything else `is_off` holds new bundles back until all is answered. Then the verdicts have
 * said what the counter is; or, when a bundle had no verdict (`is_in_doubt`), the cluster is asked.
 */
#ifndef RSM_CLIENT_SUBMITTER_INTERNAL_H
#define RSM_CLIENT_SUBMITTER_INTERNAL_H

#include <pthread.h>

#include <rsm/author.h>
#include <rsm/submitter.h>

#include "src/base/limits.h"

#define SUBMITTER_OPEN_MAX 65536u
#define SUBMITTER_BUNDLE_BYTES                                                                     \
    (1u << 20) /* of bodies; what waits longer goes with the next one                              \
                */

struct request {
    struct request *next;
    rsm_on_answer on_answer;
    void *context;
    enum rsm_kind kind;
    uint64_t deadline_ms;
    uint64_t counter; /* of the command that was made of it last */
    uint8_t digest[RSM_DIGEST_SIZE];
    size_t body_size, seen_size, reason_size;
    uint8_t bytes[]; /* body, seen, reason with its end */
};

struct request_list {
    struct request *first, *last;
    size_t count;
};

struct bundle {
    struct rsm_submitter *submitter;
    struct bundle *next;
    struct request_list requests; /* owned */
};

struct rsm_submitter {
    /* Fixed. */
    struct rsm_submitter_options options;
    const struct rsm_key *key;
    int wake; /* an eventfd */
    pthread_t thread;

    /* Under the lock. */
    pthread_mutex_t lock;
    struct request_list incoming;
    size_t open_count;
    bool is_stopping;
    bool is_awake; /* the thread looks at `incoming` before it sleeps */
    struct rsm_submitter_counters counters;

    /* The thread's. */
    struct rsm_client *client;
    struct rsm_author *author;
    struct request_list queue;
    struct bundle *in_flight; /* owned, any order */
    uint32_t in_flight_count;
    bool is_off;
    bool is_in_doubt;
    bool is_asking;
    bool is_ending; /* callbacks of bundles are not to start anything */
    struct rsm_buffer commands[LIMIT_BUNDLE_COMMANDS]; /* scratch */
    struct rsm_bytes views[LIMIT_BUNDLE_COMMANDS];
};

void request_push(struct request_list *list, struct request *request);
struct request *request_pop(struct request_list *list);

/* submitter.c: runs the callback and frees the request. */
void submitter_answer(struct rsm_submitter *s, struct request *request,
                      const struct rsm_answer *answer);
/* The same without a verdict. */
void submitter_fail(struct rsm_submitter *s, struct request *request, enum rsm_status status,
                    const char *detail);

/* submitter_bundle.c: sends what can be sent. */
void submitter_send(struct rsm_submitter *s);

#endif
