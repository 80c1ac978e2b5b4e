/* SPDX-License-Identifier: Apache-2.0 */
/*
 * envelope.h - signed envelopes and the commands in them, parsed once, at the edge.
 *
 *     envelope  [1, form, cluster_id bin16, author str, key bin32, signature bin64, payload bin]
 *     command   [author str, counter uint, lamport uint, clock {str: uint}, deps [[str, uint]...],
 *                kind str, body array, reason str]
 *     form 1    payload is one command;      signed: "rsm command v1\0" cluster_id payload
 *     form 2    payload is [command...];     signed: "rsm bundle v1\0"  cluster_id payload
 *
 * All of it canonical MessagePack, the payload for itself too. The structs below exist only for
 * bytes that passed every check of form, limits and bodies; they borrow from those bytes.
 */
#ifndef RSM_COMMAND_ENVELOPE_H
#define RSM_COMMAND_ENVELOPE_H

#include <rsm/command.h>

#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/command/signature.h"
#include "src/command/unpack.h"

#define ENVELOPE_KEY_SIZE 32u
#define ENVELOPE_SIGNATURE_SIZE 64u
#define ENVELOPE_COUNTER_MAX SLOT_MAX /* counters and Lamport clocks: below 2^53, as slots are */

enum envelope_form {
    ENVELOPE_COMMAND = 1,
    ENVELOPE_BUNDLE = 2,
};

struct envelope {
    enum envelope_form form;
    uint32_t command_count; /* 1 for ENVELOPE_COMMAND */
    const uint8_t *cluster_id;
    const uint8_t *key;
    const uint8_t *signature;
    struct bytes author;
    struct bytes payload;
    struct bytes raw; /* the whole envelope */
};

struct command {
    struct bytes author;
    uint64_t counter;   /* 1..ENVELOPE_COUNTER_MAX */
    uint64_t lamport;   /* 1..ENVELOPE_COUNTER_MAX */
    struct bytes clock; /* walk: command_clock */
    uint32_t clock_count;
    struct bytes dependencies;
    uint32_t dependency_count;
    enum rsm_kind kind;
    struct bytes body; /* checked: the decoders of command/body.h do not fail on it */
    struct bytes reason;
    struct bytes raw; /* the command's own array: what its digest is over */
};

/*
 * Parses and checks everything but cluster and signature. `data` must outlive *out.
 * RSM_MALFORMED, RSM_NOT_CANONICAL, RSM_TOO_DEEP, RSM_TOO_MANY, RSM_TOO_LARGE, RSM_WRONG_TYPE,
 * RSM_NEWER_FORMAT (first item above 1), RSM_UNKNOWN_KIND; RSM_WRONG_IDENTITY when a command in it
 * names another author than the envelope.
 */
enum rsm_status envelope_parse(struct bytes data, struct envelope *out);

/* RSM_WRONG_CLUSTER, RSM_BAD_SIGNATURE. That the key is the author's is the state's business. */
enum rsm_status envelope_verify(const struct envelope *e,
                                const uint8_t cluster_id[CLUSTER_ID_SIZE]);

/* The domain tag of a form. */
struct signature_tag envelope_tag(enum envelope_form form);

/* The commands of a parsed envelope, in order. */
struct envelope_walk {
    struct unpack cursor;
    uint32_t left;
};

struct envelope_walk envelope_commands(const struct envelope *e);
/* False behind the last one. */
bool envelope_next(struct envelope_walk *walk, struct command *out);

/* One command that stands alone: same checks, same statuses. */
enum rsm_status command_parse(struct bytes data, struct command *out);

/* Clock entries and dependencies, in order (clock: author; dependencies: author, counter). */
struct command_event {
    struct bytes author;
    uint64_t counter;
};

struct command_event_walk {
    struct unpack cursor;
    uint32_t left;
    bool is_map;
};

struct command_event_walk command_clock(const struct command *c);
struct command_event_walk command_dependencies(const struct command *c);
bool command_event_next(struct command_event_walk *walk, struct command_event *out);
/* What the command's vector clock says of an author; 0 when the author is not in it. */
uint64_t command_clock_of(const struct command *c, struct bytes author);

void command_digest(struct bytes command, const uint8_t key[ENVELOPE_KEY_SIZE],
                    uint8_t digest_out[HASH_SIZE]);
void envelope_digest(struct bytes envelope, uint8_t digest_out[HASH_SIZE]);

/* rsm_crypto_init by the name that the daemon uses. */
enum rsm_status command_crypto_init(void);

#endif
