/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tsig.c - TSIG through libknot (see tsig.h). */
#include "src/rr/tsig.h"

#include <string.h>
#include <time.h>

#include <libdnssec/tsig.h>
#include <libknot/tsig-op.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/rr/name.h"
#include "src/rr/packet_internal.h"

#define TSIG_MAC_MIN 10u /* RFC 8945 5.2.2.1 */

struct tsig_key {
    knot_tsig_key_t knot; /* owned, by libknot's heap */
    uint32_t purposes;
    struct bytes name; /* in `knot` */
};

/* -------------------------------------------------------------------------------------------- */
/* Keys. */

enum rsm_status tsig_key_new(const char *name, const char *algorithm, const char *secret,
                             uint32_t purposes, struct tsig_key **key_out, const char **why_out)
{
    uint8_t wire[NAME_SIZE_MAX];
    char text[NAME_TEXT_MAX];
    struct bytes folded;
    *key_out = NULL;
    *why_out = "the name is no domain name";
    if (name_from_text(name, (struct bytes){NULL, 0}, wire, &folded) != RSM_OK)
        return RSM_MALFORMED;
    *why_out = "the algorithm is neither hmac-sha256 nor hmac-sha512";
    if (strcmp(algorithm, "hmac-sha256") != 0 && strcmp(algorithm, "hmac-sha512") != 0)
        return RSM_MALFORMED;
    struct tsig_key *key = mem_alloc(sizeof *key);
    int error = knot_tsig_key_init(&key->knot, algorithm, name_to_text(folded, text), secret);
    *why_out = error == KNOT_ENOMEM ? "out of memory" : "the secret is not base64";
    if (error != KNOT_EOK) {
        mem_free(key);
        return error == KNOT_ENOMEM ? RSM_NO_MEMORY : RSM_MALFORMED;
    }
    key->purposes = purposes;
    key->name = bytes_make(key->knot.name, knot_dname_size(key->knot.name));
    *why_out = "the secret has less than 16 bytes";
    if (key->knot.secret.size < TSIG_SECRET_SIZE_MIN) {
        tsig_key_free(key);
        return RSM_MALFORMED;
    }
    *key_out = key;
    return RSM_OK;
}

void tsig_key_free(struct tsig_key *key)
{
    if (key == NULL)
        return;
    explicit_bzero(key->knot.secret.data, key->knot.secret.size);
    knot_tsig_key_deinit(&key->knot);
    mem_free(key);
}

struct bytes tsig_key_name(const struct tsig_key *key)
{
    return key->name;
}

uint32_t tsig_key_purposes(const struct tsig_key *key)
{
    return key->purposes;
}

const struct tsig_key *tsig_find(const struct tsig_keys *keys, struct bytes name)
{
    for (uint32_t i = 0; i < keys->count; i++)
        if (name_equal(keys->keys[i]->name, name))
            return keys->keys[i];
    return NULL;
}

/* -------------------------------------------------------------------------------------------- */
/* The answering side. */

static void keep_mac(struct tsig_exchange *x, const knot_rrset_t *tsig)
{
    x->mac_size = knot_tsig_rdata_mac_length(tsig);
    if (x->mac_size > TSIG_MAC_MAX)
        x->mac_size = 0; /* no hash of ours is so long: the check fails */
    if (x->mac_size > 0)
        memcpy(x->mac, knot_tsig_rdata_mac(tsig), x->mac_size);
}

/* What can be said of a TSIG record without its MAC being right. */
static enum tsig_verdict check_form(const knot_rrset_t *tsig, const struct tsig_key *key)
{
    size_t size = knot_tsig_rdata_mac_length(tsig);
    size_t whole = dnssec_tsig_algorithm_size(key->knot.algorithm);
    size_t least = whole / 2 > TSIG_MAC_MIN ? whole / 2 : TSIG_MAC_MIN;
    if (size > whole || size < least)
        return TSIG_BAD_FORM;
    return size < whole ? TSIG_BAD_TRUNC : TSIG_GOOD;
}

/*
 * libknot has looked at the time as the client's fudge allows. A larger one than ours would keep an
 * update alive for longer than it is remembered that it was applied, for whoever recorded it.
 */
static bool is_in_time(const knot_rrset_t *tsig)
{
    uint64_t now = (uint64_t)time(NULL);
    uint64_t then = knot_tsig_rdata_time_signed(tsig);
    return (now > then ? now - then : then - now) <= TSIG_FUDGE_S;
}

/* The error of an answer that is not signed; 0: the answer has no TSIG then. */
static uint16_t bare_error(enum tsig_verdict verdict)
{
    switch (verdict) {
    case TSIG_BAD_KEY:
        return KNOT_RCODE_BADKEY;
    case TSIG_BAD_SIG:
        return KNOT_RCODE_BADSIG;
    case TSIG_BAD_TRUNC:
        return KNOT_RCODE_BADTRUNC;
    case TSIG_NONE:
    case TSIG_GOOD:
    case TSIG_BAD_TIME:
    case TSIG_BAD_FORM:
        return 0;
    }
    return 0;
}

enum tsig_verdict tsig_check_question(const struct packet *q, const struct tsig_keys *keys,
                                      struct tsig_exchange *x)
{
    *x = (struct tsig_exchange){.question = q, .verdict = TSIG_NONE};
    const knot_rrset_t *tsig = q->pkt->tsig_rr;
    if (tsig == NULL)
        return x->verdict;
    x->verdict = TSIG_BAD_FORM;
    if (tsig->rclass != KNOT_CLASS_ANY || tsig->ttl != 0)
        return x->verdict;
    const struct tsig_key *key =
        tsig_find(keys, bytes_make(tsig->owner, knot_dname_size(tsig->owner)));
    x->verdict = TSIG_BAD_KEY;
    if (key == NULL || knot_tsig_rdata_alg(tsig) != key->knot.algorithm)
        return x->verdict;
    x->verdict = check_form(tsig, key);
    if (x->verdict != TSIG_GOOD)
        return x->verdict;
    switch (knot_tsig_server_check(tsig, q->pkt->wire, q->pkt->size, &key->knot)) {
    case KNOT_EOK:
        x->verdict = is_in_time(tsig) ? TSIG_GOOD : TSIG_BAD_TIME;
        break;
    case KNOT_TSIG_EBADTIME:
        x->verdict = TSIG_BAD_TIME;
        break;
    case KNOT_TSIG_EBADKEY:
        x->verdict = TSIG_BAD_KEY;
        return x->verdict;
    default: /* a foreign list of codes: whatever else it is, the signature is not good */
        x->verdict = TSIG_BAD_SIG;
        return x->verdict;
    }
    x->key = key;
    keep_mac(x, tsig);
    return x->verdict;
}

size_t tsig_size(const struct tsig_exchange *x)
{
    if (x->key != NULL)
        return knot_tsig_wire_maxsize(&x->key->knot);
    if (bare_error(x->verdict) == 0)
        return 0;
    /* The name and the algorithm of the question's own TSIG, without a MAC. */
    const knot_rrset_t *tsig = x->question->pkt->tsig_rr;
    return knot_dname_size(tsig->owner) + 10 + knot_dname_size(knot_tsig_rdata_alg_name(tsig)) +
           16 + 6;
}

/* A signed answer: the first over the question's MAC, each other over the one before it. */
static int sign_answer(struct tsig_exchange *x, struct draft *m, size_t *size)
{
    size_t mac_size = sizeof x->mac;
    int error;
    if (x->message_count > 0) {
        error = knot_tsig_sign_next(m->wire, size, m->limit, x->mac, x->mac_size, x->mac, &mac_size,
                                    &x->key->knot, m->wire, *size);
    } else {
        bool is_late = x->verdict == TSIG_BAD_TIME;
        uint64_t time = is_late ? knot_tsig_rdata_time_signed(x->question->pkt->tsig_rr) : 0;
        error =
            knot_tsig_sign(m->wire, size, m->limit, x->mac, x->mac_size, x->mac, &mac_size,
                           &x->key->knot, is_late ? KNOT_RCODE_BADTIME : KNOT_RCODE_NOERROR, time);
    }
    if (error == KNOT_EOK) {
        x->mac_size = mac_size;
        x->message_count++;
    }
    return error;
}

static int sign_question(struct tsig_exchange *x, struct draft *m, size_t *size)
{
    size_t mac_size = sizeof x->mac;
    int error = knot_tsig_sign(m->wire, size, m->limit, NULL, 0, x->mac, &mac_size, &x->key->knot,
                               KNOT_RCODE_NOERROR, 0);
    x->mac_size = error == KNOT_EOK ? mac_size : 0;
    return error;
}

enum rsm_status tsig_sign(struct tsig_exchange *x, struct draft *m, struct bytes *wire_out)
{
    struct bytes wire = draft_finish(m);
    size_t size = wire.size;
    int error = KNOT_EOK;
    if (x->key != NULL)
        error = x->question != NULL ? sign_answer(x, m, &size) : sign_question(x, m, &size);
    else if (bare_error(x->verdict) != 0)
        error = knot_tsig_add(m->wire, &size, m->limit, bare_error(x->verdict),
                              x->question->pkt->tsig_rr);
    *wire_out = bytes_make(wire.data, size);
    return error == KNOT_EOK ? RSM_OK : error == KNOT_ENOMEM ? RSM_NO_MEMORY : RSM_TOO_LARGE;
}

/* -------------------------------------------------------------------------------------------- */
/* The asking side. */

void tsig_begin(const struct tsig_key *key, struct tsig_exchange *x)
{
    *x = (struct tsig_exchange){.key = key, .verdict = TSIG_NONE};
}

static bool is_by(const knot_rrset_t *tsig, const struct tsig_key *key)
{
    return name_equal(bytes_make(tsig->owner, knot_dname_size(tsig->owner)), key->name) &&
           knot_tsig_rdata_alg(tsig) == key->knot.algorithm;
}

bool tsig_check_answer(const struct tsig_exchange *x, const struct packet *answer)
{
    const knot_rrset_t *tsig = answer->pkt->tsig_rr;
    if (x->key == NULL)
        return tsig == NULL;
    if (tsig == NULL || !is_by(tsig, x->key))
        return false;
    return knot_tsig_client_check(tsig, answer->pkt->wire, answer->pkt->size, x->mac, x->mac_size,
                                  &x->key->knot, 0) == KNOT_EOK;
}

void tsig_stream_init(struct tsig_stream *s, const struct tsig_exchange *exchange)
{
    *s = (struct tsig_stream){.exchange = *exchange};
    writer_init(&s->unsigned_wires, (size_t)(TSIG_UNSIGNED_MAX + 1) * PACKET_SIZE_MAX);
}

void tsig_stream_deinit(struct tsig_stream *s)
{
    writer_deinit(&s->unsigned_wires);
}

static bool check_next(struct tsig_stream *s, const struct packet *answer)
{
    const struct tsig_exchange *x = &s->exchange;
    const knot_rrset_t *tsig = answer->pkt->tsig_rr;
    writer_bytes(&s->unsigned_wires, bytes_make(answer->pkt->wire, answer->pkt->size));
    if (tsig == NULL)
        return ++s->unsigned_count <= TSIG_UNSIGNED_MAX && !s->unsigned_wires.failed;
    return is_by(tsig, x->key) && !s->unsigned_wires.failed &&
           knot_tsig_client_check_next(tsig, s->unsigned_wires.data, s->unsigned_wires.size, x->mac,
                                       x->mac_size, &x->key->knot, s->time_signed) == KNOT_EOK;
}

bool tsig_stream_check(struct tsig_stream *s, const struct packet *answer)
{
    struct tsig_exchange *x = &s->exchange;
    const knot_rrset_t *tsig = answer->pkt->tsig_rr;
    if (x->key == NULL)
        return tsig == NULL;
    if (x->message_count++ == 0 ? !tsig_check_answer(x, answer) : !check_next(s, answer))
        return false;
    if (tsig != NULL) {
        keep_mac(x, tsig);
        s->time_signed = knot_tsig_rdata_time_signed(tsig);
        s->unsigned_count = 0;
        writer_reset(&s->unsigned_wires);
    }
    return true;
}

bool tsig_stream_is_closed(const struct tsig_stream *s)
{
    return s->exchange.key == NULL || (s->exchange.message_count > 0 && s->unsigned_count == 0);
}
