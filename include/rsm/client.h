/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.h - librsm: talk to a cluster of replicas.
 *
 * A client holds one connection at a time, to any of its endpoints: any replica takes any call.
 * When the connection is lost, or the replica says NO_LEADER, NO_QUORUM, UNAVAILABLE or BUSY, it
 * goes on to another endpoint and sends again what has no answer yet, byte for byte, until each
 * call's own deadline. So a submitted envelope's outcome is doubtful no longer than the outage:
 * a replica that sees it twice returns the first verdict. An envelope whose deadline passes after
 * it was sent at least once ends with RSM_OUTCOME_UNKNOWN; ask for it later by its digest
 * ("outcome"), or submit the same bytes again.
 *
 * Asynchronous underneath: rsm_client_start, rsm_client_watch, and one descriptor to poll. The
 * blocking forms do the polling themselves; both may be mixed.
 *
 * A client and its callbacks belong to one thread at a time. Callbacks run inside
 * rsm_client_process and the blocking calls, never inside rsm_client_start; they may start and
 * cancel calls, but must not free the client. SIGPIPE is never raised.
 */
#ifndef RSM_CLIENT_H
#define RSM_CLIENT_H

#include <rsm/command.h>
#include <rsm/status.h>
#include <rsm/wire.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rsm_client;

/*
 * `endpoints`: "10.0.0.1:4001,[::1]:4001,unix:/run/rsm/client.sock", 1 to 16 of them; the order
 * in which they are tried begins at a random one. Connects when first needed.
 * RSM_USAGE: an endpoint that is not of that form. RSM_NO_MEMORY, RSM_IO (no descriptors).
 */
enum rsm_status rsm_client_new(const char *endpoints, struct rsm_client **client_out);
/* Calls that are open end without a callback. NULL is ignored. */
void rsm_client_free(struct rsm_client *client);

/* ---- blocking ---- */

/*
 * Calls a method. `params` is a MessagePack array ("no value": an empty one). RSM_OK: *result_out
 * (owned by the caller, may be NULL) holds one checked value. Else the server's status, or
 * RSM_CANNOT_CONNECT (no endpoint could be reached until the deadline), RSM_TIMED_OUT,
 * RSM_TOO_LARGE, RSM_NO_MEMORY; rsm_client_error has the words.
 */
enum rsm_status rsm_client_call(struct rsm_client *client, const char *method,
                                struct rsm_value params, uint32_t timeout_ms,
                                struct rsm_buffer *result_out);

/*
 * Submits a signed envelope. RSM_OK: a verdict was reached, of any sort; see rsm_verdicts.
 * RSM_OUTCOME_UNKNOWN: see above. Other statuses as rsm_client_call; each of them means that
 * nothing was changed by this envelope, nor will be.
 */
enum rsm_status rsm_client_submit(struct rsm_client *client, struct rsm_bytes envelope,
                                  uint32_t timeout_ms, struct rsm_buffer *result_out);

/* What the last failed blocking call was told, in words. Borrowed until the next call. */
const char *rsm_client_error(const struct rsm_client *client);

/* ---- asynchronous ---- */

struct rsm_result {
    enum rsm_status status;
    const char *detail;     /* words; empty when RSM_OK */
    struct rsm_value value; /* when RSM_OK */
};

/* All of `result` is borrowed until the callback returns. */
typedef void (*rsm_on_result)(void *context, const struct rsm_result *result);

/*
 * Starts a call; parameters are copied. *call_out (may be NULL) names it for rsm_client_cancel.
 * RSM_TOO_MANY above 1024 open calls, RSM_TOO_LARGE, RSM_NO_MEMORY: then there is no callback.
 */
enum rsm_status rsm_client_start(struct rsm_client *client, const char *method,
                                 struct rsm_value params, uint32_t timeout_ms,
                                 rsm_on_result on_result, void *context, uint64_t *call_out);
/* As rsm_client_submit, with a callback. Statuses as rsm_client_start. */
enum rsm_status rsm_client_start_submit(struct rsm_client *client, struct rsm_bytes envelope,
                                        uint32_t timeout_ms, rsm_on_result on_result, void *context,
                                        uint64_t *call_out);
/* Its callback will not run. An envelope that was sent may still be chosen. Ended ones: nothing. */
void rsm_client_cancel(struct rsm_client *client, uint64_t call);

/* Readable when rsm_client_process has something to do. Stays the same for the client's life. */
int rsm_client_descriptor(const struct rsm_client *client);
/* When it has something to do at the latest, in ms from now; -1: never. */
int rsm_client_timeout_ms(const struct rsm_client *client);
/* Does what there is to do, after waiting up to `wait_ms` for it (0: not at all). */
void rsm_client_process(struct rsm_client *client, uint32_t wait_ms);

/* ---- watching the log ---- */

/*
 * One event of a watch. RSM_OK: `value` is the server's event and `slot` its slot; each slot's
 * events come once and in order, over reconnections as well. RSM_COMPACTED: slots before `slot`
 * are gone; the watch goes on from there. RSM_RESET: what was derived of the events is to be read
 * again, as it is right after `slot` (option at_slot); `value` says of which zone, when it has a
 * `zone`: it was restored, and the event of that slot follows. Without one it is everything: the
 * log that was watched is not this one, and the events from the slot behind `slot` on follow, which
 * may come a second time under their numbers. Other statuses: the watch has ended.
 */
struct rsm_notice {
    enum rsm_status status;
    uint64_t slot;
    const char *detail;
    struct rsm_value value;
};

typedef void (*rsm_on_notice)(void *context, const struct rsm_notice *notice);

/*
 * Watches from slot `slot_first` on (0: from now). `filter` is a map ("no value": all):
 * docs/protocol.md. RSM_TOO_MANY above 16 watches, RSM_TOO_LARGE, RSM_NO_MEMORY.
 */
enum rsm_status rsm_client_watch(struct rsm_client *client, struct rsm_value filter,
                                 uint64_t slot_first, rsm_on_notice on_notice, void *context,
                                 uint64_t *watch_out);
/* Ends a watch: its callback does not run again. One that has ended: nothing. */
void rsm_client_unwatch(struct rsm_client *client, uint64_t watch);

/* ---- verdicts: results of "submit" and "outcome" ---- */

struct rsm_verdict {
    struct rsm_event id;
    bool applied;
    bool staged;  /* good, and waits for votes or approvals: not in effect */
    bool settled; /* not of this envelope: a change that waited has ended in the same slot */
    struct rsm_value digest; /* of the command */
    struct rsm_value rules;  /* refused: [{"rule": id, "evidence": text}...] */
    struct rsm_value result; /* not refused: what the command brought, a map */
};

/* The verdicts of a result, in the order of the commands; borrowed from it. */
struct rsm_walk rsm_verdicts(struct rsm_bytes result);
/* The next one; false at the end. What is no map comes as a verdict that says nothing. */
bool rsm_verdict_next(struct rsm_walk *walk, struct rsm_verdict *verdict_out);

#ifdef __cplusplus
}
#endif
#endif
