/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * data.h - record data: types, wire form, text. libknot does the work and is named nowhere else
 * than in src/rr.
 *
 * Same bytes, same answer: no clock, no locale, no state kept between calls.
 */
#ifndef RSM_RR_DATA_H
#define RSM_RR_DATA_H

#include <rsm/status.h>

#include "src/base/bytes.h"

#define RR_TYPE_TEXT_MAX 32u
#define RR_DATA_TEXT_MAX (4u * 65536u + 256u) /* every octet of TXT as \DDD */

enum {
    RR_TYPE_A = 1,
    RR_TYPE_NS = 2,
    RR_TYPE_CNAME = 5,
    RR_TYPE_SOA = 6,
    RR_TYPE_AAAA = 28,
    RR_TYPE_DNAME = 39,
    RR_TYPE_ZONEMD = 63,
};

/* "A", or "TYPE65280" (RFC 3597); returns `out`. */
const char *rr_type_to_text(uint16_t type, char out[RR_TYPE_TEXT_MAX]);
/* RSM_MALFORMED. Case does not matter. */
enum rsm_status rr_type_from_text(const char *text, uint16_t *type_out);
/* False for 0, OPT, and types of questions and transactions (TSIG, AXFR, ANY ...). */
bool rr_type_is_storable(uint16_t type);
/* CNAME, SOA, DNAME: one record in a set. */
bool rr_type_is_singleton(uint16_t type);

/* The bytes are record data of that type, whole and in canonical form; RSM_MALFORMED when not. */
enum rsm_status rr_data_check(uint16_t type, struct bytes rdata);
/*
 * Lower-cases the names inside, for the types of RFC 4034 6.2; `out` has room for rdata.size bytes.
 * RSM_MALFORMED when the names are none.
 */
enum rsm_status rr_data_canonical(uint16_t type, struct bytes rdata, uint8_t *out);
/* Presentation form. RSM_MALFORMED; RSM_TOO_LARGE for a small `out`. */
enum rsm_status rr_data_to_text(uint16_t type, struct bytes rdata, char *out, size_t size);
/*
 * The text of one record's data after another's: nearly all are short and stand in the object, so
 * that nobody pays for the longest that there may be. On the stack; not to be moved.
 */
struct rr_text {
    char *large; /* owned; RR_DATA_TEXT_MAX bytes, once a text needed them; NULL before */
    char small[1024];
};

/* Needs no deinit before the first rr_text_of. */
void rr_text_init(struct rr_text *t);
void rr_text_deinit(struct rr_text *t);
/*
 * Presentation form; *text_out is borrowed until the next call with `t`, or its end. RSM_MALFORMED;
 * RSM_TOO_LARGE for more than RR_DATA_TEXT_MAX. "" then.
 */
enum rsm_status rr_text_of(struct rr_text *t, uint16_t type, struct bytes rdata,
                           const char **text_out);
/* Appends the wire form of one record's data. RSM_MALFORMED: `error` has words. */
enum rsm_status rr_data_from_text(uint16_t type, const char *text, struct bytes origin,
                                  struct writer *rdata_out, char *error, size_t error_size);
/* Canonical order within a set (RFC 4034 6.3). */
int rr_data_compare(struct bytes a, struct bytes b);
/* The name that a record points at: CNAME, DNAME, NS, PTR, MX, SRV, SVCB, HTTPS. */
bool rr_data_target(uint16_t type, struct bytes rdata, struct bytes *name_out);

/* rdata is a SOA's, checked (CHECKed for its least size). */
uint32_t rr_soa_serial(struct bytes rdata);
uint32_t rr_soa_expire(struct bytes rdata);
uint32_t rr_soa_minimum(struct bytes rdata);
void rr_soa_set_serial(uint8_t *rdata, size_t size, uint32_t serial);

#endif
