/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * entry.h - what a slot's value is, byte by byte. Consensus looks at none of it.
 *
 *     no-op    no bytes at all
 *     else     format u8 (1) | kind u8 | timestamp_ms u64 | payload
 *
 *     kind 1   tick: no payload; moves log time
 *     kind 2   commands: one signed envelope (a command or a bundle), as received
 *     kind 3   rejection: canonical MessagePack [envelope bin (empty when above 64 KiB), envelope
 *              digest bin32, author str, refused [[counter uint, command digest bin32,
 *              stages bin (stage.h), rules [[number uint, evidence str]...]]...]], in the order of
 *              the envelope
 *
 * The timestamp is the leader's clock, at least all timestamps before it; a slot's log time is the
 * highest timestamp up to it. A rejection takes the place of an envelope of which no command would
 * have been applied; its words are the leader's, and are kept as the verdicts. Reasons stand beside
 * each command and not once for the envelope, because the commands of a bundle have their own.
 */
#ifndef RSM_MACHINE_ENTRY_H
#define RSM_MACHINE_ENTRY_H

#include <rsm/status.h>

#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/base/limits.h"
#include "src/command/unpack.h"

#define ENTRY_FORMAT 1u
#define ENTRY_HEAD_SIZE 10u
#define REJECTION_ENVELOPE_MAX 65536u /* larger ones are known by their digest */

enum entry_kind {
    ENTRY_NOOP = 0, /* the empty value: a no-op has no kind byte */
    ENTRY_TICK = 1,
    ENTRY_COMMANDS = 2,
    ENTRY_REJECTION = 3,
};

/* Borrows from the value. */
struct entry {
    enum entry_kind kind;
    uint64_t timestamp_ms; /* 0 for a no-op */
    struct bytes payload;
};

/* Appends; `kind` is not ENTRY_NOOP. */
void entry_encode(struct writer *out, enum entry_kind kind, uint64_t timestamp_ms,
                  struct bytes payload);

/*
 * Takes a slot's value apart; the payload is not looked into. RSM_MALFORMED, RSM_NEWER_FORMAT,
 * RSM_TOO_LARGE (a timestamp above 2^53).
 */
enum rsm_status entry_parse(struct bytes value, struct entry *out);
/* The envelope in the entry, not looked into: what is let in or refused. False: there is none. */
bool entry_envelope(struct bytes value, struct bytes *raw_out);

struct verdicts;

/*
 * The payload of a rejection: `verdicts` are all the verdicts of the envelope, from machine_judge.
 * Appends; the writer's error is the caller's to ask for.
 */
void rejection_encode(struct writer *out, struct bytes envelope, const uint8_t digest[HASH_SIZE],
                      const struct verdicts *verdicts);

/* Borrows from the payload. */
struct rejection {
    struct bytes envelope; /* empty: it was larger than REJECTION_ENVELOPE_MAX */
    const uint8_t *digest; /* of the envelope */
    struct bytes author;
    uint32_t refused_count; /* 1..LIMIT_BUNDLE_COMMANDS */
    struct unpack refused;  /* at the first: rejection_next */
};

struct rejection_item {
    uint64_t counter;
    const uint8_t *digest; /* of the command */
    struct bytes stages;   /* well-formed: stages_check */
    uint32_t reason_count; /* 1..LIMIT_REASONS_PER_VERDICT */
    struct unpack reasons; /* at the first: rejection_reason_next */
};

/* Checks all of it. RSM_MALFORMED, RSM_NOT_CANONICAL, RSM_WRONG_TYPE, RSM_TOO_LARGE, RSM_TOO_MANY.
 */
enum rsm_status rejection_parse(struct bytes payload, struct rejection *out);
/* False behind the last; after a good rejection_parse nothing else ends it. */
bool rejection_next(struct rejection *r, struct rejection_item *out);
bool rejection_reason_next(struct rejection_item *item, uint32_t *rule_out,
                           struct bytes *evidence_out);

#endif
