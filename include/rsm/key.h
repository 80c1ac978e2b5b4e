/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key.h - Ed25519 keys of principals, and the files they rest in. Form: docs/formats-commands.md.
 *
 * The secret half lives in locked memory that is wiped and left out of core dumps. A person's key
 * file is encrypted with a passphrase (Argon2id); an automaton's may be plain. Either has mode
 * 0600.
 */
#ifndef RSM_KEY_H
#define RSM_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsm/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RSM_PUBLIC_KEY_SIZE 32

/*
 * Call once before all else, before threads start. Starts libsodium and checks that its notion of
 * a valid signature is ours (vectors: good, S + L, small-order key, non-canonical point).
 * RSM_FAILED: do not go on, this library would judge differently from the other replicas.
 */
enum rsm_status rsm_crypto_init(void);

/* Immutable once made; used from any number of threads. */
struct rsm_key;

/* A new key. `name` is the principal's, 1 to 128 bytes of UTF-8 without control characters. */
enum rsm_status rsm_key_generate(const char *name, struct rsm_key **key_out);

/*
 * Reads a key file. RSM_NOT_FOUND, RSM_NOT_ALLOWED, RSM_IO; RSM_KEY_EXPOSED: group or others may
 * read or write it, it belongs to another user than us or root, or is no plain file (symbolic links
 * are not followed); RSM_MALFORMED; RSM_NEWER_FORMAT; RSM_BAD_PASSPHRASE: it is encrypted and
 * `passphrase` is NULL or wrong, or the file was altered; RSM_NO_MEMORY. The passphrase is not
 * kept.
 */
enum rsm_status rsm_key_load(const char *path, const char *passphrase, size_t passphrase_size,
                             struct rsm_key **key_out);

/* Whether a key file asks for a passphrase; the statuses of rsm_key_load up to RSM_NEWER_FORMAT. */
enum rsm_status rsm_key_is_encrypted(const char *path, bool *encrypted_out);

/*
 * Writes a new file, mode 0600, durably. With a passphrase (of at least 8 bytes, else
 * RSM_BAD_PASSPHRASE) it is encrypted; NULL writes it plain. RSM_EXISTS: nothing is overwritten.
 */
enum rsm_status rsm_key_save(const struct rsm_key *key, const char *path, const char *passphrase,
                             size_t passphrase_size);

/* The principal's name, and the public half: RSM_PUBLIC_KEY_SIZE bytes. Borrowed from the key. */
const char *rsm_key_name(const struct rsm_key *key);
const uint8_t *rsm_key_public(const struct rsm_key *key);

/* False when the system did not let us lock the key's memory: it may reach the swap space. */
bool rsm_key_is_locked(const struct rsm_key *key);

/* Wipes and frees. NULL is ignored. */
void rsm_key_free(struct rsm_key *key);

#ifdef __cplusplus
}
#endif
#endif
