/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * totp.h - codes of apps (RFC 6238: HMAC-SHA1, 30 s, six digits) that a replica checks and attests.
 *
 * The secrets are in a file of this replica's, mode 0600, a line each: PRINCIPAL ID BASE32. They
 * are not in the log, not even sealed: the log is kept for ever, is copied to auditors and backups,
 * and one key would open all secrets of all times. The file is read for each code, and wiped from
 * memory behind it.
 *
 * Six digits can be tried: TOTP_TRIES wrong ones of a principal within TOTP_LOCK_MS, and this
 * replica answers no more for it until the time is over.
 *
 * The loop's thread.
 */
#ifndef RSM_DAEMON_TOTP_H
#define RSM_DAEMON_TOTP_H

#include <rsm/key.h>

#include "src/command/body_factor.h"

#define TOTP_TRIES 5u
#define TOTP_LOCK_MS 900000u
#define TOTP_SECRET_MAX 64u
#define TOTP_PRINCIPALS_MAX 256u

struct totp;

/* `path` is copied; `key` is the one that this replica is a member with, borrowed. */
struct totp *totp_new(const char *path, const struct rsm_key *key, uint32_t replica);
/* NULL is ignored. */
void totp_free(struct totp *t);

struct totp_question {
    struct bytes principal, id, code;
    const uint8_t *over;            /* RSM_FACTOR_HASH_SIZE bytes: what is said yes to */
    uint64_t wall_ms, monotonic_ms; /* the time of the code; the time of the lock */
};

/*
 * RSM_OK: data_out (TOTP_DATA_SIZE) and its signature, for rsm_factor. RSM_NOT_FOUND: the file has
 * no such line. RSM_REFUSED: wrong code. RSM_RATE_LIMITED: too many wrong ones. RSM_KEY_EXPOSED,
 * RSM_MALFORMED, RSM_IO: the file.
 */
enum rsm_status totp_attest(struct totp *t, const struct totp_question *q,
                            uint8_t data_out[TOTP_DATA_SIZE],
                            uint8_t signature_out[RSM_FACTOR_SIGNATURE_SIZE]);

/* RFC 4226 5.3 with six digits; the counter is the step. */
uint32_t totp_code(struct bytes secret, uint64_t step);
/* RFC 4648 6, in capitals or not, without padding. 0: it is none, or too long. */
size_t totp_secret_decode(const char *text, uint8_t out[TOTP_SECRET_MAX]);

#endif
