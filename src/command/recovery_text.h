/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recovery_text.h - the files that go from a replica's machine to persons and back.
 *
 *     # words for people, any number of lines
 *     statement = <the statement's bytes, hexadecimal>
 *     digest = <SHA-256 of them>
 *
 *     digest = <SHA-256 of the statement that was signed>
 *     principal = <who>
 *     signature = <hexadecimal>
 */
#ifndef RSM_COMMAND_RECOVERY_TEXT_H
#define RSM_COMMAND_RECOVERY_TEXT_H

#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/base/limits.h"
#include "src/command/signature.h"

#define RECOVERY_TEXT_MAX 32768u

struct recovery_approval_text {
    uint8_t digest[HASH_SIZE];
    char principal[LIMIT_PRINCIPAL_SIZE + 1];
    uint8_t signature[SIGNATURE_SIZE];
};

void recovery_digest(struct bytes statement, uint8_t digest_out[HASH_SIZE]);
void recovery_text_encode(struct writer *out, struct bytes statement);
/* Appends the statement's bytes, whose digest is right. RSM_MALFORMED, RSM_DAMAGED. */
enum rsm_status recovery_text_decode(struct bytes text, struct writer *statement_out);
void recovery_approval_encode(struct writer *out, const struct recovery_approval_text *approval);
enum rsm_status recovery_approval_decode(struct bytes text, struct recovery_approval_text *out);

#endif
