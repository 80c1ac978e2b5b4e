/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * zonefile.h - master files (RFC 1035 5) in both directions.
 *
 * Reading is all or nothing: with one error there is no content, and all errors (up to
 * ZONEFILE_ERRORS_MAX, the rest is counted) are told with their lines. $INCLUDE is refused: text
 * from somebody else must not open our files. What a zone must have besides (a SOA, names inside
 * it, no CNAME beside other data) is for the rules of src/machine.
 */
#ifndef RSM_RR_ZONEFILE_H
#define RSM_RR_ZONEFILE_H

#include <rsm/status.h>

#include "src/base/bytes.h"

#define ZONEFILE_ERRORS_MAX 20u
#define ZONEFILE_ERROR_SIZE 160u
#define ZONEFILE_SIZE_MAX (256u << 20) /* a million records are about 60 MiB */

struct zonefile_error {
    uint64_t line;
    char text[ZONEFILE_ERROR_SIZE];
};

struct zonefile_rrset {
    struct bytes owner; /* wire form, lower case */
    uint16_t type;
    uint32_t ttl;
    uint32_t count;
    struct bytes *rdatas; /* canonical, sorted, unique */
};

/* Owns all that its members point at. */
struct zonefile {
    struct zonefile_rrset *rrsets; /* in canonical order of owners, then types */
    size_t rrset_count;
    uint64_t record_count;
    uint64_t error_count;
    struct zonefile_error errors[ZONEFILE_ERRORS_MAX];
    void *memory; /* internal */
};

/*
 * `origin` is a wire name, `default_ttl` counts until a $TTL. RSM_MALFORMED: out->errors say why,
 * out has no record sets. RSM_TOO_LARGE, RSM_NO_MEMORY. Call zonefile_free in every case.
 */
enum rsm_status zonefile_parse(struct bytes text, struct bytes origin, uint32_t default_ttl,
                               struct zonefile *out);
/* Frees its content; again: nothing. */
void zonefile_free(struct zonefile *z);

/*
 * Appends a line for each record, with absolute names: what named-checkzone and kzonecheck take.
 * RSM_MALFORMED when some record data is none; RSM_TOO_LARGE by the writer.
 */
enum rsm_status zonefile_write(struct writer *out, struct bytes owner, uint16_t type, uint32_t ttl,
                               struct bytes rdata);

#endif
