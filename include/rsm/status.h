/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.h - the one list of operating errors.
 *
 * Each has a name, a stable text (the code at the beginning of a MessagePack-RPC error string, a
 * promise to clients) and the exit status that a command line tool ends with when it fails for
 * that reason. Refusals by a rule are not errors: they are verdicts, see rule.h.
 */
#ifndef RSM_STATUS_H
#define RSM_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, stable text, exit status of a tool, sentence for people) */
#define RSM_STATUS_LIST(X)                                                                         \
    X(OK, "OK", 0, "done")                                                                         \
    X(FAILED, "FAILED", 1, "failed")                                                               \
    X(USAGE, "USAGE", 2, "wrong usage")                                                            \
    X(NOT_FOUND, "NOT_FOUND", 3, "there is no such thing")                                         \
    X(REFUSED, "REFUSED", 4, "refused by a rule")                                                  \
    X(NO_LEADER, "NO_LEADER", 5, "no leader is known")                                             \
    X(NO_QUORUM, "NO_QUORUM", 5, "no contact with a majority")                                     \
    X(NOT_LEADER, "NOT_LEADER", 5, "this replica is not the leader")                               \
    X(UNAVAILABLE, "UNAVAILABLE", 5, "the replica cannot do this now")                             \
    X(CANNOT_CONNECT, "CANNOT_CONNECT", 6, "cannot connect")                                       \
    X(CLOSED, "CLOSED", 6, "the connection was closed")                                            \
    X(NOT_ALLOWED, "NOT_ALLOWED", 7, "not allowed")                                                \
    X(UNKNOWN_PRINCIPAL, "UNKNOWN_PRINCIPAL", 7, "no such principal")                              \
    X(UNKNOWN_KEY, "UNKNOWN_KEY", 7, "the principal has no such key")                              \
    X(BAD_SIGNATURE, "BAD_SIGNATURE", 7, "the signature is not good")                              \
    X(WRONG_CLUSTER, "WRONG_CLUSTER", 7, "made for another cluster")                               \
    X(KEY_EXPOSED, "KEY_EXPOSED", 7, "others can read the key file")                               \
    X(BAD_PASSPHRASE, "BAD_PASSPHRASE", 7, "the passphrase is wrong")                              \
    X(OUTCOME_UNKNOWN, "OUTCOME_UNKNOWN", 124, "timed out, the outcome is unknown")                \
    X(TIMED_OUT, "TIMED_OUT", 124, "timed out")                                                    \
    X(MALFORMED, "MALFORMED", 1, "not well-formed")                                                \
    X(NOT_CANONICAL, "NOT_CANONICAL", 1, "not the canonical encoding")                             \
    X(WRONG_TYPE, "WRONG_TYPE", 1, "a value has the wrong type")                                   \
    X(UNKNOWN_METHOD, "UNKNOWN_METHOD", 1, "no such method")                                       \
    X(UNKNOWN_KIND, "UNKNOWN_KIND", 1, "no such kind of command")                                  \
    X(BAD_PARAMS, "BAD_PARAMS", 1, "wrong parameters")                                             \
    X(TOO_LARGE, "TOO_LARGE", 1, "larger than the limit")                                          \
    X(TOO_DEEP, "TOO_DEEP", 1, "nested deeper than the limit")                                     \
    X(TOO_MANY, "TOO_MANY", 1, "more than the limit")                                              \
    X(BUSY, "BUSY", 1, "too much is waiting")                                                      \
    X(RATE_LIMITED, "RATE_LIMITED", 1, "too many in too short a time")                             \
    X(READ_ONLY, "READ_ONLY", 1, "the replica is read-only")                                       \
    X(COMPACTED, "COMPACTED", 1, "that history is gone")                                           \
    X(NO_MEMORY, "NO_MEMORY", 1, "out of memory")                                                  \
    X(IO, "IO", 1, "an input or output error")                                                     \
    X(DISK_FULL, "DISK_FULL", 1, "the disk is full")                                               \
    X(DAMAGED, "DAMAGED", 1, "stored bytes are damaged")                                           \
    X(UNCERTAIN, "UNCERTAIN", 1, "the end of the journal is uncertain")                            \
    X(LOCKED, "LOCKED", 1, "another process holds it")                                             \
    X(WRONG_IDENTITY, "WRONG_IDENTITY", 1, "belongs to another replica or cluster")                \
    X(NEWER_FORMAT, "NEWER_FORMAT", 1, "written by a newer version")                               \
    X(EXISTS, "EXISTS", 1, "is there already")                                                     \
    X(NOT_READY, "NOT_READY", 1, "has not caught up yet")                                          \
    X(STAGED, "STAGED", 8, "waits for votes or approvals")                                         \
    X(NO_SUCH_STATE, "NO_SUCH_STATE", 3, "that slot is not there yet, or nothing was then")        \
    X(RESET, "RESET", 1, "what was read before is to be read again")

enum rsm_status {
#define RSM_STATUS_ENUM(name, text, exit_status, sentence) RSM_##name,
    RSM_STATUS_LIST(RSM_STATUS_ENUM)
#undef RSM_STATUS_ENUM
        RSM_STATUS_COUNT
};

/* The stable text, such as "NOT_LEADER"; "UNKNOWN" for a number outside the list. Static memory. */
const char *rsm_status_text(enum rsm_status status);

/* The sentence for people. Static memory. */
const char *rsm_status_sentence(enum rsm_status status);

/* The exit status that a tool ends with; 1 for a number outside the list. */
int rsm_status_exit(enum rsm_status status);

/*
 * The status whose stable text is at the beginning of `text` (up to its end, a blank or a colon).
 * RSM_FAILED when there is none: a newer server may know codes that we do not.
 */
enum rsm_status rsm_status_parse(const char *text);

#ifdef __cplusplus
}
#endif
#endif
