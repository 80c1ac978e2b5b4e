/* SPDX-License-Identifier: Apache-2.0 */
/*
 * note.h - signed notes, checkpoints of a log and proofs about it, in the forms that witnesses of
 * transparency logs know (C2SP: signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof). A log
 * that speaks them can be witnessed by programs that know nothing of us.
 *
 *   note        text, each line ended | empty line | one signature line or more
 *   signature   "— " key name " " base64(key id u32 | signature)
 *   checkpoint  a note whose text is: origin | size in decimal | base64(root)
 *   key         name "+" key id in hex "+" base64(type u8 | public key)
 *   inclusion   "c2sp.org/tlog-proof@v1" | "extra " base64 (optional) | "index " n | hashes in
 *               base64, a line each, from the leaf up | empty line | checkpoint
 *   consistency "old " size | hashes | empty line | checkpoint
 *
 * Two types of signature: 1, Ed25519 over the text; 4, Ed25519 with the witness's time, over
 * "cosignature/v1\ntime <seconds>\n" and the text. A note has no control characters but line ends,
 * so that nothing that is signed for another purpose here can be taken for one: our other tags end
 * with a zero byte.
 *
 * What comes from outside is bounded (NOTE_SIZE_MAX ...) and has one spelling: what is read and
 * written again has the same bytes. All results are borrowed from the input.
 */
#ifndef RSM_COMMAND_NOTE_H
#define RSM_COMMAND_NOTE_H

#include <rsm/key.h>

#include "src/base/bytes.h"

#define NOTE_SIZE_MAX 65536u
#define NOTE_SIGNATURES_MAX 64u /* witnesses; C2SP wants at least 16 to be taken */
#define NOTE_NAME_SIZE 256u
#define NOTE_HASH_SIZE 32u
#define NOTE_HASHES_MAX 64u
#define NOTE_EXTRA_MAX (48u << 20) /* a leaf: an entry and its verdicts, as base64 */

enum note_key_type {
    NOTE_ED25519 = 1,     /* of the log itself, or anybody */
    NOTE_COSIGNATURE = 4, /* of a witness, with its time */
};

struct note {
    struct bytes text;       /* with its last line end */
    struct bytes signatures; /* the lines */
    uint32_t signature_count;
};

struct note_key {
    char name[NOTE_NAME_SIZE];
    enum note_key_type type;
    uint32_t id;
    uint8_t public_key[RSM_PUBLIC_KEY_SIZE];
};

struct note_checkpoint {
    struct bytes origin; /* which log */
    uint64_t size;       /* leaves */
    uint8_t root[NOTE_HASH_SIZE];
};

/* RSM_MALFORMED, RSM_TOO_LARGE, RSM_TOO_MANY. Says nothing of the signatures' truth. */
enum rsm_status note_parse(struct bytes raw, struct note *out);

/* RSM_MALFORMED; RSM_UNKNOWN_KEY: a type that we cannot check. */
enum rsm_status note_key_parse(const char *text, struct note_key *out);
/* The key of a signer, under its principal's name. RSM_MALFORMED: the name has blanks or a "+". */
enum rsm_status note_key_of(const struct rsm_key *key, struct note_key *out);
/* Appends the key as text. */
void note_key_format(const struct note_key *key, struct writer *out);

/*
 * RSM_OK: signed by `key`, *seconds_out is the witness's time (0 for NOTE_ED25519). RSM_NOT_FOUND:
 * no signature of that name and id; RSM_BAD_SIGNATURE: one that is not good, the note is not to be
 * used.
 */
enum rsm_status note_verify(const struct note *note, const struct note_key *key,
                            uint64_t *seconds_out);

/* Appends `text` (lines, the last one ended) and a signature to `out`. RSM_MALFORMED as above. */
enum rsm_status note_sign(const struct rsm_key *key, struct bytes text, struct writer *out);

/* The text of a checkpoint; `origin` without line end. RSM_MALFORMED for lines that follow. */
void note_checkpoint_write(const struct note_checkpoint *checkpoint, struct writer *out);
enum rsm_status note_checkpoint_parse(struct bytes text, struct note_checkpoint *out);

enum note_proof_kind {
    NOTE_INCLUSION = 1,
    NOTE_CONSISTENCY,
};

struct note_proof {
    enum note_proof_kind kind;
    uint64_t number;    /* index of the leaf, or size of the older tree */
    struct bytes extra; /* base64 as it stands, only with an inclusion; empty: none */
    uint32_t hash_count;
    uint8_t hashes[NOTE_HASHES_MAX][NOTE_HASH_SIZE];
    struct bytes checkpoint; /* a note */
};

/* RSM_MALFORMED, RSM_TOO_LARGE, RSM_TOO_MANY; does not look into the checkpoint. */
enum rsm_status note_proof_parse(struct bytes raw, struct note_proof *out);
void note_proof_write(const struct note_proof *proof, struct writer *out);

/* Appends base64 (RFC 4648 4, with padding). */
void note_base64_write(struct bytes data, struct writer *out);
/* Appends the bytes of canonical base64; false for anything else. */
bool note_base64_read(struct bytes text, struct writer *out);

#endif
