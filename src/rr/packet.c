/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * packet.c - messages through libknot (see packet.h).
 *
 * libknot's traps that are handled here: knot_pkt_new leaves the header as the memory was;
 * parsing cuts the TSIG record off and changes ARCOUNT, so it needs a copy that may be written to;
 * a record that did not fit may have moved the place that names are compressed against, so that
 * nothing may follow it.
 */
#include "src/rr/packet.h"

#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/rr/name.h"
#include "src/rr/packet_internal.h"

static void *take_memory(void *context, size_t size)
{
    (void)context;
    return mem_try_alloc(size);
}

knot_mm_t packet_memory = {NULL, take_memory, mem_free};

/* -------------------------------------------------------------------------------------------- */
/* Messages that came in. */

static struct bytes wire_name(const knot_dname_t *name)
{
    return bytes_make(name, knot_dname_size(name));
}

static void read_head(struct packet *p)
{
    const knot_pkt_t *pkt = p->pkt;
    struct packet_head *h = &p->head;
    h->id = knot_wire_get_id(pkt->wire);
    h->opcode = knot_wire_get_opcode(pkt->wire);
    h->rcode = knot_wire_get_rcode(pkt->wire);
    h->is_response = knot_wire_get_qr(pkt->wire) != 0;
    h->is_authoritative = knot_wire_get_aa(pkt->wire) != 0;
    h->is_truncated = knot_wire_get_tc(pkt->wire) != 0;
    h->recursion_desired = knot_wire_get_rd(pkt->wire) != 0;
    h->has_question = pkt->qname_size > 0;
    if (h->has_question) {
        h->type = knot_pkt_qtype(pkt);
        h->class = knot_pkt_qclass(pkt);
        h->name = wire_name(knot_pkt_qname(pkt));
    }
    h->has_edns = knot_pkt_has_edns(pkt);
    if (h->has_edns) {
        h->edns_version = knot_edns_get_version(pkt->opt_rr);
        h->edns_size = knot_edns_get_payload(pkt->opt_rr);
    }
    h->has_tsig = knot_pkt_has_tsig(pkt);
}

enum rsm_status packet_parse(struct bytes wire, struct packet **packet_out)
{
    *packet_out = NULL;
    if (wire.size < PACKET_HEADER_SIZE || wire.size > PACKET_SIZE_MAX)
        return RSM_MALFORMED;
    struct packet *p = mem_try_alloc(sizeof *p);
    if (p == NULL)
        return RSM_NO_MEMORY;
    p->wire = mem_try_alloc(wire.size);
    if (p->wire != NULL) {
        memcpy(p->wire, wire.data, wire.size);
        p->pkt = knot_pkt_new(p->wire, (uint16_t)wire.size, &packet_memory);
    }
    int error = p->pkt == NULL ? KNOT_ENOMEM : knot_pkt_parse(p->pkt, 0);
    /* libknot takes an OPT record of any name; it is the root's (RFC 6891, 6.1.2). */
    if (error == KNOT_EOK && knot_pkt_has_edns(p->pkt) && p->pkt->opt_rr->owner[0] != 0)
        error = KNOT_EMALF;
    if (error != KNOT_EOK) {
        packet_free(p);
        return error == KNOT_ENOMEM ? RSM_NO_MEMORY : RSM_MALFORMED;
    }
    read_head(p);
    *packet_out = p;
    return RSM_OK;
}

void packet_free(struct packet *p)
{
    if (p == NULL)
        return;
    knot_pkt_free(p->pkt);
    mem_free(p->wire);
    mem_free(p);
}

const struct packet_head *packet_head(const struct packet *p)
{
    return &p->head;
}

static knot_section_t section_of(enum packet_section section)
{
    return section == PACKET_ANSWER      ? KNOT_ANSWER
           : section == PACKET_AUTHORITY ? KNOT_AUTHORITY
                                         : KNOT_ADDITIONAL;
}

bool packet_record(const struct packet *p, enum packet_section section, uint32_t index,
                   struct packet_record *out)
{
    CHECK(section != PACKET_ADDITIONAL); /* it has OPT and TSIG among the rest */
    const knot_pktsection_t *records = knot_pkt_section(p->pkt, section_of(section));
    if (index >= records->count)
        return false;
    const knot_rrset_t *rrset = knot_pkt_rr(records, (uint16_t)index);
    *out = (struct packet_record){.owner = wire_name(rrset->owner),
                                  .type = rrset->type,
                                  .class = rrset->rclass,
                                  .ttl = rrset->ttl};
    if (rrset->rrs.count > 0)
        out->rdata = bytes_make(rrset->rrs.rdata->data, rrset->rrs.rdata->len);
    return true;
}

size_t packet_udp_limit(const struct packet *p)
{
    if (!p->head.has_edns || p->head.edns_size < PACKET_UDP_SIZE)
        return PACKET_UDP_SIZE;
    return p->head.edns_size < PACKET_EDNS_SIZE ? p->head.edns_size : PACKET_EDNS_SIZE;
}

/* -------------------------------------------------------------------------------------------- */
/* Messages in the making. */

struct draft *draft_new(void)
{
    struct draft *m = mem_alloc(sizeof *m);
    m->wire = mem_alloc(PACKET_SIZE_MAX);
    m->rdata = mem_alloc(2 + (size_t)LIMIT_RDATA_SIZE + 1);
    m->pkt = knot_pkt_new(m->wire, PACKET_SIZE_MAX, &packet_memory);
    CHECK(m->pkt != NULL);
    return m;
}

void draft_free(struct draft *m)
{
    if (m == NULL)
        return;
    knot_pkt_free(m->pkt);
    mem_free(m->wire);
    mem_free(m->rdata);
    mem_free(m);
}

static void begin(struct draft *m, size_t limit, size_t reserve)
{
    CHECK(limit >= PACKET_UDP_SIZE && limit <= PACKET_SIZE_MAX);
    knot_pkt_clear(m->pkt);
    m->pkt->max_size = limit;
    m->pkt->reserved = 0;
    m->pkt->opt_rr = NULL;
    m->pkt->tsig_rr = NULL;
    m->limit = limit;
    m->reserve = reserve;
    m->has_edns = false;
    m->rcode = RCODE_NOERROR;
    m->ede = PACKET_EDE_NONE;
}

static void reserve(struct draft *m)
{
    m->pkt->reserved = 0;
    size_t edns = m->has_edns ? KNOT_EDNS_MIN_SIZE : 0;
    CHECK(knot_pkt_reserve(m->pkt, (uint16_t)(m->reserve + edns)) == KNOT_EOK);
}

void draft_begin_answer(struct draft *m, const struct packet *q, size_t limit, size_t kept)
{
    size_t least = PACKET_HEADER_SIZE + knot_pkt_question_size(q->pkt) + KNOT_EDNS_MIN_SIZE + kept;
    begin(m, limit > least ? limit : least, kept);
    m->has_edns = q->head.has_edns;
    CHECK(knot_pkt_init_response(m->pkt, q->pkt) == KNOT_EOK);
    m->pkt->compr = (knot_compr_t){.wire = m->wire}; /* the rest at the first record */
    reserve(m);
}

void draft_begin_question(struct draft *m, uint16_t id, enum packet_opcode opcode,
                          struct bytes name, uint16_t type, uint16_t class, size_t kept)
{
    begin(m, PACKET_UDP_SIZE, kept);
    knot_wire_set_id(m->wire, id);
    knot_wire_set_opcode(m->wire, (uint8_t)opcode);
    CHECK(knot_pkt_put_question(m->pkt, name.data, class, type) == KNOT_EOK);
    reserve(m);
}

bool draft_begin_failure(struct draft *m, struct bytes wire, enum packet_rcode rcode)
{
    if (wire.size < PACKET_HEADER_SIZE || knot_wire_get_qr(wire.data) != 0)
        return false;
    begin(m, PACKET_UDP_SIZE, 0);
    knot_wire_set_id(m->wire, knot_wire_get_id(wire.data));
    knot_wire_set_opcode(m->wire, knot_wire_get_opcode(wire.data));
    knot_wire_set_qr(m->wire);
    m->rcode = rcode;
    return true;
}

void draft_set_authoritative(struct draft *m)
{
    knot_wire_set_aa(m->wire);
}

void draft_set_error(struct draft *m, enum packet_rcode rcode, enum packet_ede ede,
                     const char *text)
{
    m->rcode = rcode;
    m->ede = ede;
    snprintf(m->ede_text, sizeof m->ede_text, "%s", text == NULL ? "" : text);
}

bool draft_put(struct draft *m, enum packet_section section, struct bytes owner, uint16_t type,
               uint16_t class, uint32_t ttl, struct bytes rdata)
{
    knot_rrset_t rrset;
    uint8_t name[NAME_SIZE_MAX];
    knot_section_t wanted = section_of(section);
    CHECK(owner.size <= sizeof name && rdata.size <= LIMIT_RDATA_SIZE);
    if (m->pkt->current != wanted && knot_pkt_begin(m->pkt, wanted) != KNOT_EOK)
        return false;
    memcpy(name, owner.data, owner.size); /* libknot only reads it; its type cannot say so */
    knot_rrset_init(&rrset, name, type, class, ttl);
    knot_rdata_init((knot_rdata_t *)m->rdata, (uint16_t)rdata.size, rdata.data);
    rrset.rrs = (knot_rdataset_t){.count = 1,
                                  .size = (uint32_t)knot_rdata_size((uint16_t)rdata.size),
                                  .rdata = (knot_rdata_t *)m->rdata};
    return knot_pkt_put(m->pkt, KNOT_COMPR_HINT_NONE, &rrset, KNOT_PF_NOTRUNC) == KNOT_EOK;
}

/* Back to header and question. */
static void empty(struct draft *m)
{
    uint8_t head[PACKET_HEADER_SIZE];
    memcpy(head, m->wire, sizeof head);
    size_t question = knot_pkt_question_size(m->pkt);
    uint16_t qname_size = m->pkt->qname_size;
    knot_dname_storage_t qname;
    memcpy(qname, m->pkt->lower_qname, sizeof qname);
    knot_pkt_clear(m->pkt);
    memcpy(m->wire, head, sizeof head);
    knot_wire_set_qdcount(m->wire, question > 0 ? 1 : 0);
    knot_wire_set_ancount(m->wire, 0);
    knot_wire_set_nscount(m->wire, 0);
    knot_wire_set_arcount(m->wire, 0);
    memcpy(m->pkt->lower_qname, qname, sizeof qname);
    m->pkt->qname_size = qname_size;
    m->pkt->size = PACKET_HEADER_SIZE + question;
    m->pkt->opt_rr = NULL;
    reserve(m);
}

void draft_truncate(struct draft *m)
{
    empty(m);
    knot_wire_set_tc(m->wire);
}

size_t draft_size(const struct draft *m)
{
    return m->pkt->size;
}

/* The extended error, as much of its text as there is room for; UTF-8 is cut between characters. */
static void add_ede(struct draft *m, knot_rrset_t *opt)
{
    uint8_t option[2 + PACKET_ERROR_TEXT_MAX];
    size_t used = m->pkt->size + knot_edns_wire_size(opt) + m->reserve + KNOT_EDNS_EDE_MIN_LENGTH;
    if (m->ede == PACKET_EDE_NONE || used > m->limit)
        return;
    size_t size = strlen(m->ede_text);
    if (size > m->limit - used)
        size = m->limit - used;
    while (size > 0 && ((uint8_t)m->ede_text[size] & 0xc0u) == 0x80u)
        size--;
    put_u16(option, (uint16_t)m->ede);
    memcpy(option + 2, m->ede_text, size);
    (void)knot_edns_add_option(opt, KNOT_EDNS_OPTION_EDE, (uint16_t)(2 + size), option,
                               &packet_memory);
}

struct bytes draft_finish(struct draft *m)
{
    knot_rrset_t opt;
    uint16_t rcode = (uint16_t)m->rcode;
    knot_wire_set_rcode(m->wire, KNOT_EDNS_RCODE_LO(rcode));
    m->pkt->reserved = 0;
    if (!m->has_edns || knot_edns_init(&opt, PACKET_EDNS_SIZE, (uint8_t)KNOT_EDNS_RCODE_HI(rcode),
                                       KNOT_EDNS_VERSION, &packet_memory) != KNOT_EOK)
        return bytes_make(m->wire, m->pkt->size);
    add_ede(m, &opt);
    if (m->pkt->current != KNOT_ADDITIONAL)
        CHECK(knot_pkt_begin(m->pkt, KNOT_ADDITIONAL) == KNOT_EOK);
    (void)knot_pkt_put(m->pkt, KNOT_COMPR_HINT_NONE, &opt, KNOT_PF_NOTRUNC);
    knot_rrset_clear(&opt, &packet_memory);
    m->has_edns = false;
    return bytes_make(m->wire, m->pkt->size);
}
