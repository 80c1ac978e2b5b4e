/* SPDX-License-Identifier: Apache-2.0 */
/*
 * submitter.h - many callers share one author: their changes are bundled by themselves.
 *
 * A replica verifies a signature in some 50 us, so that one signature a change bounds what a
 * cluster can take. A submitter signs what waits as one bundle and has several bundles in flight;
 * each change keeps its own id and gets its own verdict. There is no timer: when nothing is in
 * flight a change leaves at once and alone, and bundles grow with the number of callers by
 * themselves.
 *
 * All functions but rsm_submitter_new and rsm_submitter_free may be called from any thread, also
 * from callbacks (but rsm_submitter_submit, which waits). A submitter has a thread of its own, in
 * which all callbacks run; they must not wait for long.
 *
 *     struct rsm_submitter *s;
 *     if (rsm_submitter_new("10.0.0.1:4001,10.0.0.2:4001", key, NULL, &s) != RSM_OK) ...
 *     // in any number of threads:
 *     struct rsm_request request = {RSM_KIND_RRSET_CHANGE, rsm_buffer_bytes(&body), "scale out",
 * read}; enum rsm_status status = rsm_submitter_submit(s, &request, &verdict);
 *
 * What a change has seen is its own: `seen` is the result of the read that its caller made, and
 * nobody else's. Changes of one submitter are ordered as they were started; own earlier ones count
 * as seen. When one is refused, those behind it that are on their way would be refused for the gap
 * in the author's counter alone; these are signed again under other counters, as their content was
 * not judged. Anything else that a rule says is the caller's to decide.
 */
#ifndef RSM_SUBMITTER_H
#define RSM_SUBMITTER_H

#include <rsm/client.h>
#include <rsm/command.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rsm_submitter;

/* 0 anywhere: the usual. */
struct rsm_submitter_options {
    uint32_t bundle_max;    /* changes under one signature, up to 1024; usual: 256 */
    uint32_t in_flight_max; /* bundles without an answer, up to 64; usual: 4 */
    uint32_t timeout_ms;    /* from the start of a change to its answer, about; usual: 10000 */
};

/* One change. All is borrowed until the function returns. */
struct rsm_request {
    enum rsm_kind kind;
    struct rsm_bytes body; /* from body.h */
    const char *reason;    /* NULL: none */
    struct rsm_value seen; /* a read's result (rsm_author_see_result), or "no value" */
};

/* What became of a change. */
struct rsm_answer {
    /*
     * RSM_OK: applied in `slot`. RSM_REFUSED: verdict.rules say why. RSM_OUTCOME_UNKNOWN: it may
     * have been applied or be later; ask "outcome" by `digest`. RSM_TIMED_OUT, RSM_CANNOT_CONNECT,
     * RSM_CLOSED (the submitter was freed first) and others: it was not applied and will not be.
     */
    enum rsm_status status;
    uint64_t slot;
    struct rsm_event id;             /* of the command; its author is borrowed */
    uint8_t digest[RSM_DIGEST_SIZE]; /* of the command; zeros when none was made */
    struct rsm_verdict verdict; /* RSM_OK and RSM_REFUSED; borrowed until the callback returns */
    const char *detail;         /* words for other statuses; borrowed as well */
};

typedef void (*rsm_on_answer)(void *context, const struct rsm_answer *answer);

/*
 * Connects, asks for the author's counter, and starts the thread. `key` is borrowed and must
 * outlive the submitter; no other author uses it meanwhile. `options` may be NULL. Statuses as
 * rsm_client_new and rsm_author_open; RSM_USAGE for options out of bounds; RSM_IO: no thread.
 */
enum rsm_status rsm_submitter_new(const char *endpoints, const struct rsm_key *key,
                                  const struct rsm_submitter_options *options,
                                  struct rsm_submitter **submitter_out);
/* Ends what is open with RSM_CLOSED, or RSM_OUTCOME_UNKNOWN when it was sent. NULL is ignored. */
void rsm_submitter_free(struct rsm_submitter *submitter);

/*
 * Starts a change; `on_answer` is called once. RSM_BUSY when 65,536 are open, RSM_TOO_LARGE,
 * RSM_NO_MEMORY: then it is not.
 */
enum rsm_status rsm_submitter_start(struct rsm_submitter *submitter,
                                    const struct rsm_request *request, rsm_on_answer on_answer,
                                    void *context);

/*
 * Starts a change and waits for its answer: answer->status, or as rsm_submitter_start. `rules_out`
 * (may be NULL): the verdict's rules when it is RSM_REFUSED, else empty; the caller's to free.
 */
enum rsm_status rsm_submitter_submit(struct rsm_submitter *submitter,
                                     const struct rsm_request *request, uint64_t *slot_out,
                                     struct rsm_buffer *rules_out);

/* Counted since it was made. */
struct rsm_submitter_counters {
    uint64_t changes; /* with an answer */
    uint64_t bundles; /* with an answer */
    uint64_t again;   /* changes that were signed again */
};

/* A copy as of now; from any thread. */
void rsm_submitter_count(struct rsm_submitter *submitter,
                         struct rsm_submitter_counters *counters_out);

#ifdef __cplusplus
}
#endif
#endif
