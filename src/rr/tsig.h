/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tsig.h - signatures of transactions (RFC 8945) with hmac-sha256 and hmac-sha512.
 *
 * An *exchange* is one question and its answer of any number of messages, each of which is signed
 * (the RFC allows gaps; some clients do not, and nothing needs them). libknot reads the wall clock
 * itself: signatures may be TSIG_FUDGE_S seconds off, or less when the client says so.
 */
#ifndef RSM_RR_TSIG_H
#define RSM_RR_TSIG_H

#include "src/rr/packet.h"

#define TSIG_MAC_MAX 64u
#define TSIG_FUDGE_S 300u
#define TSIG_KEYS_MAX 64u
#define TSIG_SECRET_SIZE_MIN 16u /* bytes; RFC 8945 8 wants as many as the hash has */

/* What a key is good for: the key of one thing does not open another. */
enum tsig_purpose {
    TSIG_TRANSFER = 1u << 0, /* SOA, AXFR, IXFR, and queries */
    TSIG_UPDATE = 1u << 1,
    TSIG_NOTIFY = 1u << 2, /* signs what we send */
};

struct tsig_key;

/*
 * `name` is a domain name as text, `algorithm` hmac-sha256 or hmac-sha512, `secret` base64 text.
 * Owned by the caller. On failure *why_out says what is wrong, in static words: RSM_MALFORMED,
 * RSM_NO_MEMORY.
 */
enum rsm_status tsig_key_new(const char *name, const char *algorithm, const char *secret,
                             uint32_t purposes, struct tsig_key **key_out, const char **why_out);
/* Wipes the secret. NULL is ignored. */
void tsig_key_free(struct tsig_key *key);
/* Lower case, wire form. */
struct bytes tsig_key_name(const struct tsig_key *key);
/* Bits of enum tsig_purpose. */
uint32_t tsig_key_purposes(const struct tsig_key *key);

/* Borrowed keys, no name twice. */
struct tsig_keys {
    struct tsig_key *keys[TSIG_KEYS_MAX];
    uint32_t count;
};

/* NULL: none of that name. */
const struct tsig_key *tsig_find(const struct tsig_keys *keys, struct bytes name);

enum tsig_verdict {
    TSIG_NONE = 1, /* not signed */
    TSIG_GOOD,
    TSIG_BAD_KEY,   /* answered NOTAUTH, as are the next three; not signed */
    TSIG_BAD_SIG,   /* not signed */
    TSIG_BAD_TRUNC, /* not signed: a MAC that was cut; ours are whole (RFC 8945 5.2.4) */
    TSIG_BAD_TIME,  /* signed: with our time, so that the client can see how far it is off */
    TSIG_BAD_FORM,  /* answered FORMERR, without any: a MAC of no size that may be (5.2.2.1), or a
                       class or TTL that a TSIG record has not (4.2) */
};

struct tsig_exchange {
    const struct tsig_key *key;    /* NULL: messages are not signed */
    const struct packet *question; /* borrowed: whose TSIG an unsigned refusal repeats */
    enum tsig_verdict verdict;
    uint32_t message_count; /* signed by the answering side so far */
    size_t mac_size;
    uint8_t mac[TSIG_MAC_MAX]; /* of the last message */
};

/* Checks a question that came in and begins the exchange; `q` and keys outlive it. */
enum tsig_verdict tsig_check_question(const struct packet *q, const struct tsig_keys *keys,
                                      struct tsig_exchange *exchange_out);
/* Bytes that tsig_sign will add to each message. */
size_t tsig_size(const struct tsig_exchange *x);
/*
 * draft_finish, and the signature that the verdict asks for; the bytes are borrowed until the
 * message is begun again. RSM_NO_MEMORY, RSM_TOO_LARGE (the room was not kept).
 */
enum rsm_status tsig_sign(struct tsig_exchange *x, struct draft *m, struct bytes *wire_out);

/* Begins an exchange for a question of our own: tsig_sign signs it. NULL: nothing is signed. */
void tsig_begin(const struct tsig_key *key, struct tsig_exchange *exchange_out);
/* The first answer to that question is signed as it must be. Without a key: is not signed. */
bool tsig_check_answer(const struct tsig_exchange *x, const struct packet *answer);

/*
 * An answer of many messages, as the asking side checks it (RFC 8945 5.3.1): the first is signed,
 * later ones may be without, at most TSIG_UNSIGNED_MAX one after the other, and the last is signed.
 */
#define TSIG_UNSIGNED_MAX 99u

struct tsig_stream {
    struct tsig_exchange exchange; /* begun by tsig_begin, the question signed */
    struct writer unsigned_wires;  /* since the last signature, which will cover them */
    uint32_t unsigned_count;
    uint64_t time_signed; /* of the last one */
};

/* Takes over the exchange. */
void tsig_stream_init(struct tsig_stream *s, const struct tsig_exchange *exchange);
/* Frees the messages that it keeps. */
void tsig_stream_deinit(struct tsig_stream *s);
/* The next message. False: its signature is bad, or it should have one (without a key: has one). */
bool tsig_stream_check(struct tsig_stream *s, const struct packet *answer);
/* The last message was signed: nothing was added behind. True without a key. */
bool tsig_stream_is_closed(const struct tsig_stream *s);

#endif
