/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * axfr.h - a zone as a DNS server really serves it (RFC 5936), for import and comparison.
 *
 * All or nothing: a transfer that ends before its second SOA, whose signature does not check to the
 * last message, or that has a record that cannot be ours, is no zone.
 */
#ifndef RSM_CTL_AXFR_H
#define RSM_CTL_AXFR_H

#include "src/rr/tsig.h"
#include "src/rr/zonefile.h"

#define AXFR_ERROR_SIZE 256u

struct axfr_source {
    const char *server;         /* "ip", "ip:port", "[ip]:port"; port 53 when none is named */
    const struct tsig_key *key; /* NULL: unsigned */
    uint32_t timeout_ms;        /* to connect, and without a byte of the answer */
};

struct axfr_result {
    struct zonefile zone; /* the SOA as it was served */
    uint32_t serial;
    uint64_t record_count; /* without the SOA at the end; each once */
    uint32_t message_count;
};

/*
 * On failure `error` (AXFR_ERROR_SIZE) says why: RSM_USAGE (a name), RSM_CANNOT_CONNECT,
 * RSM_TIMED_OUT, RSM_CLOSED (cut), RSM_REFUSED (the server's RCODE), RSM_BAD_SIGNATURE,
 * RSM_MALFORMED, RSM_TOO_LARGE. Free the zone in every case.
 */
enum rsm_status axfr_fetch(const struct axfr_source *source, struct bytes zone,
                           struct axfr_result *out, char *error);

/*
 * A key out of a file, readable to its owner alone: `hmac-sha256:name:base64`, as kdig and
 * knsupdate have it, or the `key "name" { algorithm ...; secret "..."; };` of tsig-keygen. The
 * caller's.
 */
enum rsm_status axfr_key_load(const char *path, struct tsig_key **key_out, char *error);

/*
 * The messages of an answer, one after the other; for tests and the fuzzer. axfr_new, then for each
 * message axfr_take, until *is_done_out; then axfr_end, and axfr_free.
 */
struct axfr;

/* The question, to be sent; borrowed until axfr_free. */
struct axfr *axfr_new(struct bytes zone, const struct tsig_key *key, struct bytes *question_out);
void axfr_free(struct axfr *a);
enum rsm_status axfr_take(struct axfr *a, struct bytes message, bool *is_done_out, char *error);
enum rsm_status axfr_end(struct axfr *a, struct axfr_result *out, char *error);

#endif
