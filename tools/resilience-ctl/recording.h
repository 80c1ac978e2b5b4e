/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recording.h - a recorded terminal as a file: an asciicast (v2), encrypted, in chunks.
 *
 *     "rsm recording v1" 00 | session 16 | secretstream header 24 | chunks
 *     chunk: size u32 | ciphertext (XChaCha20-Poly1305, libsodium's secretstream), the last one
 *     with the tag FINAL
 *
 * The hash of chunk n is SHA-256 over its size and ciphertext; of chunk 0 over all that stands
 * before it as well. The key is a file of 64 hexadecimal digits, mode 0600.
 */
#ifndef RSM_CTL_RECORDING_H
#define RSM_CTL_RECORDING_H

#include <sodium.h>

#include "src/base/bytes.h"
#include "tools/resilience-ctl/ctl.h"

#define RECORDING_MAGIC "rsm recording v1"
#define RECORDING_HEAD_SIZE                                                                        \
    (sizeof(RECORDING_MAGIC) + 16u + crypto_secretstream_xchacha20poly1305_HEADERBYTES)
#define RECORDING_SILENT_S 150u /* so long without a chunk: nobody records any more */
#define RECORDING_CHUNK_MAX (1u << 20)
#define RECORDING_KEY_SIZE crypto_secretstream_xchacha20poly1305_KEYBYTES

struct recorder;

/* A new file, and its first chunk. Prints what is wrong; NULL then. */
struct recorder *recorder_new(struct ctl *ctl, const char *path, const char *key_path);
/* Adds to the chunk in hand. */
void recorder_add(struct recorder *r, const char *kind, const char *text, size_t size);
/*
 * Encrypts what there is, writes it durably, and logs its hash; `state` as
 * rsm_body_override_record. False: it cannot (said); in the log or in the file the chunk is
 * missing, so the session must end.
 */
bool recorder_flush(struct recorder *r, uint32_t state);
/* So much waits to be flushed. */
size_t recorder_pending(const struct recorder *r);
struct ctl *recorder_ctl(const struct recorder *r);
void recorder_free(struct recorder *r);
/* 64 hexadecimal digits of a private file; prints what is wrong. */
bool recording_load_key(const char *path, uint8_t key_out[RECORDING_KEY_SIZE]);

#endif
