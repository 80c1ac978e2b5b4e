/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyfile.h - what the rest of the program needs of keys beyond rsm/key.h.
 *
 * A key file is text, at most 4096 bytes, lines of "name = value", each name once, in any order but
 * for the first and, when encrypted, the last; blank lines and # comments are free:
 *
 *     rsm-key = 1                         the format; first line
 *     principal = alice@company.com
 *     public = <64 hex digits>
 *     cipher = none | argon2id-xchacha20poly1305
 *   plain:
 *     seed = <64 hex digits>
 *   encrypted:
 *     ops = 3                             Argon2id passes
 *     memory = 268435456                  bytes
 *     salt = <32 hex digits>
 *     nonce = <48 hex digits>
 *     box = <96 hex digits>               the seed, sealed; authenticates all lines above it
 *
 * The seed is RFC 8032's private key. Public half and seed are compared when it is read: a pair
 * that does not match would leak the secret with the first signature.
 */
#ifndef RSM_COMMAND_KEYFILE_H
#define RSM_COMMAND_KEYFILE_H

#include <rsm/key.h>

#include "src/base/bytes.h"
#include "src/command/signature.h"

#define KEYFILE_SIZE_MAX 4096u
#define KEYFILE_SEED_SIZE 32u
#define KEYFILE_MEMORY_MAX (UINT64_C(1) << 30) /* what a foreign file may make us allocate */
#define KEYFILE_OPS_MAX 16u

/* Ed25519 over tag || prefix || payload (command/signature.h). RSM_NO_MEMORY. */
enum rsm_status key_sign(const struct rsm_key *key, struct signature_tag tag, struct bytes prefix,
                         struct bytes payload, uint8_t signature_out[SIGNATURE_SIZE]);

/* A key from a seed, for replica identities and tests. Wipe the seed afterwards. */
enum rsm_status key_from_seed(const char *name, const uint8_t seed[KEYFILE_SEED_SIZE],
                              struct rsm_key **key_out);

/* Reads the text of a key file; statuses of rsm_key_load from RSM_MALFORMED on. */
enum rsm_status keyfile_parse(struct bytes text, const char *passphrase, size_t passphrase_size,
                              struct rsm_key **key_out);

/* What keyfile_format spends on a passphrase: interactive tools wait about half a second. */
struct keyfile_cost {
    uint64_t ops;
    uint64_t memory;
};

/*
 * The text, for rsm_key_save: `out` has room for KEYFILE_SIZE_MAX bytes and is wiped by the caller.
 * NULL passphrase: plain; NULL cost: the usual one. RSM_BAD_PASSPHRASE: shorter than 8 bytes.
 */
enum rsm_status keyfile_format(const struct rsm_key *key, const char *passphrase,
                               size_t passphrase_size, const struct keyfile_cost *cost, char *out,
                               size_t *size_out);

/* Whether the text asks for a passphrase; RSM_MALFORMED, RSM_NEWER_FORMAT. */
enum rsm_status keyfile_is_encrypted(struct bytes text, bool *encrypted_out);

#endif
