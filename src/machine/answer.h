/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * answer.h - what an authoritative server says of a name and a type, one step of it: the algorithm
 * of RFC 1034 4.3.2 with wildcards and empty non-terminals (RFC 4592), DNAME (RFC 6672) and
 * delegations. Rules ask it whether a target is there, plans what a resolver gets before and after.
 */
#ifndef RSM_MACHINE_ANSWER_H
#define RSM_MACHINE_ANSWER_H

#include "src/machine/record.h"
#include "src/machine/tables.h"

enum answer_kind {
    ANSWER_ELSEWHERE = 1, /* in no zone of ours */
    ANSWER_REFERRAL,      /* below a delegation, or at it: `owner` has the NS */
    ANSWER_DNAME,         /* `owner`, above the name, has the DNAME */
    ANSWER_CNAME,         /* `owner` has the CNAME */
    ANSWER_DATA,          /* `owner` has the record set */
    ANSWER_NODATA,        /* the name is there, the type is not */
    ANSWER_NXDOMAIN,
};

struct answer {
    enum answer_kind kind;
    bool is_wildcard;  /* `owner` is a wildcard that matched */
    bool is_empty;     /* nothing at the name itself: it is there for the names below it alone */
    struct bytes zone; /* the end of the name that was asked for; empty: ANSWER_ELSEWHERE */
    uint64_t zone_id;
    struct bytes owner; /* in owner_buffer */
    uint16_t type;      /* of the set that decides; 0: none does */
    uint8_t owner_buffer[LIMIT_NAME_SIZE];
};

/* Type 0 asks for the name alone: ANSWER_NODATA when it is there. RSM_DAMAGED and as the kv. */
enum rsm_status answer_step(struct kv *kv, struct bytes name, uint16_t type, struct answer *out);

/* What the step leads to: the target of a CNAME, the name rewritten by a DNAME. `out`: room for a
 * name. RSM_NOT_FOUND: to nothing, or to a name that would be too long. */
enum rsm_status answer_next(struct kv *kv, const struct answer *step, struct bytes name,
                            uint8_t out[LIMIT_NAME_SIZE], struct bytes *next_out);

#endif
