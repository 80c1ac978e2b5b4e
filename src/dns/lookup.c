/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lookup.c - what src/machine/answer.h finds, as a message: step by step along CNAMEs and DNAMEs,
 * over the applied state as it is now. A step says:
 *
 *     elsewhere     REFUSED, or the end of a chain that left our zones
 *     a referral    NS and glue; not authoritative
 *     a DNAME       DNAME, the CNAME made of it, and again with the new name
 *     a CNAME       it, and again with its target
 *     data          the record set
 *     no data       the SOA; for ANY the first record set of the name
 *     no name       NXDOMAIN, the SOA
 */
#include "src/dns/lookup.h"

#include <string.h>

#include "src/machine/answer.h"
#include "src/rr/data.h"
#include "src/rr/name.h"

struct lookup {
    struct kv *kv;
    struct draft *draft;
    struct bytes name; /* in name_buffer: changes along a chain */
    uint16_t type;
    uint32_t chain;
    bool is_full; /* something had no room: the answer is truncated */
    bool again;   /* the step ended with a new name */
    struct answer step;
    uint8_t name_buffer[NAME_SIZE_MAX];
};

static enum rsm_status find_set(struct lookup *l, struct bytes owner, uint16_t type,
                                struct query_rrset *out)
{
    return query_rrset(l->kv, l->step.zone, owner, type, QUERY_NOW, out);
}

/* -------------------------------------------------------------------------------------------- */
/* Writing. */

static void put_one(struct lookup *l, enum packet_section section, struct bytes owner,
                    uint16_t type, uint32_t ttl, struct bytes rdata)
{
    if (!l->is_full)
        l->is_full = !draft_put(l->draft, section, owner, type, PACKET_CLASS_IN, ttl, rdata);
}

static void put_set(struct lookup *l, enum packet_section section, struct bytes owner,
                    const struct query_rrset *set)
{
    struct bytes rdatas = set->record.rdatas;
    struct bytes rdata;
    while (rrset_rdata_next(&rdatas, &rdata))
        put_one(l, section, owner, set->type, set->record.ttl, rdata);
}

/* NXDOMAIN and NODATA: the SOA, for as long as they may be kept (RFC 2308 3). */
static enum rsm_status put_negative(struct lookup *l, enum packet_rcode rcode)
{
    struct query_rrset soa;
    struct bytes rdata;
    enum rsm_status status = find_set(l, l->step.zone, RR_TYPE_SOA, &soa);
    if (status != RSM_OK)
        return status;
    struct bytes rdatas = soa.record.rdatas;
    draft_set_error(l->draft, rcode, PACKET_EDE_NONE, NULL);
    if (rrset_rdata_next(&rdatas, &rdata)) {
        uint32_t minimum = rr_soa_minimum(rdata);
        uint32_t ttl = soa.record.ttl < minimum ? soa.record.ttl : minimum;
        put_one(l, PACKET_AUTHORITY, l->step.zone, RR_TYPE_SOA, ttl, rdata);
    }
    return RSM_OK;
}

/* -------------------------------------------------------------------------------------------- */
/* The cases. */

/* The set that decides, said of the name that was asked for: another one but for wildcards. */
static enum rsm_status put_deciding(struct lookup *l, enum packet_section section,
                                    struct bytes owner)
{
    struct query_rrset set;
    enum rsm_status status = find_set(l, l->step.owner, l->step.type, &set);
    if (status == RSM_OK)
        put_set(l, section, owner, &set);
    return status;
}

static enum rsm_status put_glue(struct lookup *l, const struct query_rrset *ns)
{
    static const uint16_t types[] = {RR_TYPE_A, RR_TYPE_AAAA};
    struct bytes rdatas = ns->record.rdatas;
    struct bytes target;
    while (rrset_rdata_next(&rdatas, &target)) {
        if (!name_is_at_or_below(target, l->step.owner))
            continue;
        for (size_t i = 0; i < 2; i++) {
            struct query_rrset glue;
            enum rsm_status status = find_set(l, target, types[i], &glue);
            if (status == RSM_OK)
                put_set(l, PACKET_ADDITIONAL, target, &glue);
            else if (status != RSM_NOT_FOUND)
                return status;
        }
    }
    return RSM_OK;
}

static enum rsm_status refer(struct lookup *l)
{
    struct query_rrset ns;
    enum rsm_status status = find_set(l, l->step.owner, RR_TYPE_NS, &ns);
    if (status != RSM_OK)
        return status;
    put_set(l, PACKET_AUTHORITY, l->step.owner, &ns);
    return put_glue(l, &ns); /* RFC 9471: without the glue it is truncated */
}

/* Goes on with the next name, unless the chain is long enough. */
static void go_on_with(struct lookup *l, struct bytes name)
{
    memmove(l->name_buffer, name.data, name.size);
    l->name = bytes_make(l->name_buffer, name.size);
    l->again = ++l->chain < LOOKUP_CHAIN_MAX;
}

static enum rsm_status follow_dname(struct lookup *l)
{
    struct query_rrset dname;
    struct bytes next;
    uint8_t buffer[LIMIT_NAME_SIZE];
    enum rsm_status status = find_set(l, l->step.owner, RR_TYPE_DNAME, &dname);
    if (status != RSM_OK)
        return status;
    uint32_t ttl = dname.record.ttl;
    put_set(l, PACKET_ANSWER, l->step.owner, &dname);
    status = answer_next(l->kv, &l->step, l->name, buffer, &next);
    if (status == RSM_NOT_FOUND) { /* too long */
        draft_set_error(l->draft, RCODE_YXDOMAIN, PACKET_EDE_NONE, NULL);
        return RSM_OK;
    }
    if (status != RSM_OK)
        return status;
    put_one(l, PACKET_ANSWER, l->name, RR_TYPE_CNAME, ttl, next);
    if (l->type != RR_TYPE_CNAME && l->type != PACKET_TYPE_ANY)
        go_on_with(l, next);
    return RSM_OK;
}

/* ANY: the first record set of the name (RFC 8482 4.1). */
static enum rsm_status put_any(struct lookup *l)
{
    struct query_rrsets q = {.zone = l->step.zone, .slot = QUERY_NOW, .only_owner = l->step.owner};
    enum rsm_status status = query_rrset_next(l->kv, &q);
    if (status == RSM_OK)
        put_set(l, PACKET_ANSWER, l->name, &q.item);
    return status == RSM_NOT_FOUND ? put_negative(l, RCODE_NOERROR) : status;
}

static enum rsm_status follow_cname(struct lookup *l)
{
    struct bytes next;
    uint8_t buffer[LIMIT_NAME_SIZE];
    if (l->type == PACKET_TYPE_ANY)
        return put_any(l);
    enum rsm_status status = put_deciding(l, PACKET_ANSWER, l->name);
    if (status == RSM_OK)
        status = answer_next(l->kv, &l->step, l->name, buffer, &next);
    if (status == RSM_OK)
        go_on_with(l, next);
    return status;
}

static enum rsm_status put_nowhere(struct lookup *l)
{
    if (l->chain == 0)
        draft_set_error(l->draft, RCODE_REFUSED, PACKET_EDE_NOT_AUTHORITATIVE,
                        "the name is in no zone of this server");
    return RSM_OK;
}

static enum rsm_status put_step(struct lookup *l)
{
    if (l->step.kind != ANSWER_ELSEWHERE && l->step.kind != ANSWER_REFERRAL)
        draft_set_authoritative(l->draft);
    switch (l->step.kind) {
    case ANSWER_ELSEWHERE:
        return put_nowhere(l);
    case ANSWER_REFERRAL:
        return refer(l);
    case ANSWER_DNAME:
        return follow_dname(l);
    case ANSWER_CNAME:
        return follow_cname(l);
    case ANSWER_DATA:
        return put_deciding(l, PACKET_ANSWER, l->name);
    case ANSWER_NODATA:
        return l->type == PACKET_TYPE_ANY && !l->step.is_empty ? put_any(l)
                                                               : put_negative(l, RCODE_NOERROR);
    case ANSWER_NXDOMAIN:
        return put_negative(l, RCODE_NXDOMAIN);
    }
    return RSM_DAMAGED;
}

enum rsm_status lookup_answer(struct kv *kv, struct bytes name, uint16_t type, struct draft *draft)
{
    struct lookup l = {.kv = kv, .draft = draft, .type = type};
    enum rsm_status status = RSM_OK;
    memcpy(l.name_buffer, name.data, name.size);
    l.name = bytes_make(l.name_buffer, name.size);
    l.again = true;
    while (status == RSM_OK && l.again) {
        l.again = false;
        status = answer_step(kv, l.name, type == PACKET_TYPE_ANY ? 0 : type, &l.step);
        if (status == RSM_OK)
            status = put_step(&l);
    }
    if (l.is_full)
        draft_truncate(draft);
    return status;
}
