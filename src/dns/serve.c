/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * serve.c - states: judged (serve_begin) -> answering (serve_next: first message) -> done. A
 * transfer stays in answering for as many messages as it has; everything else has one.
 */
#include "src/dns/serve.h"

#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/dns/lookup.h"
#include "src/dns/transfer.h"
#include "src/rr/data.h"
#include "src/rr/name.h"

struct serve {
    const struct serve_policy *policy;
    enum serve_transport transport;
    enum serve_kind kind;
    struct packet *packet; /* owned; NULL: malformed, only `head` of it is there */
    uint8_t head[PACKET_HEADER_SIZE];
    struct tsig_exchange tsig;
    enum packet_rcode rcode; /* of a refusal */
    enum packet_ede ede;
    const char *text;
    uint64_t slot;
    bool is_fresh, is_done;
    struct transfer *transfer; /* owned */
    bool has_told;             /* the next two are of a SOA that was the whole answer */
    uint32_t told_serial, told_expire_s;
    uint64_t message_count;
};

/* -------------------------------------------------------------------------------------------- */
/* Judging. */

static void refuse(struct serve *s, enum packet_rcode rcode, enum packet_ede ede, const char *text)
{
    s->kind = SERVE_REFUSAL;
    s->rcode = rcode;
    s->ede = ede;
    s->text = text;
}

static bool is_transfer_type(uint16_t type)
{
    return type == PACKET_TYPE_AXFR || type == PACKET_TYPE_IXFR;
}

static bool has_key_for(const struct serve *s, uint32_t purposes)
{
    return s->tsig.verdict == TSIG_GOOD && (tsig_key_purposes(s->tsig.key) & purposes) != 0;
}

static bool may_transfer(const struct serve *s)
{
    return has_key_for(s, TSIG_TRANSFER) ||
           (s->tsig.verdict == TSIG_NONE && s->policy->allow_unsigned_transfers);
}

static void judge_query(struct serve *s, const struct packet_head *h)
{
    s->kind = SERVE_READ;
    if (h->class != PACKET_CLASS_IN) {
        refuse(s, RCODE_REFUSED, PACKET_EDE_OTHER, "only class IN is served");
        return;
    }
    if (is_transfer_type(h->type)) {
        if (h->type == PACKET_TYPE_AXFR && s->transport == SERVE_UDP)
            refuse(s, RCODE_FORMERR, PACKET_EDE_OTHER, "AXFR comes over TCP (RFC 5936)");
        else if (!may_transfer(s))
            refuse(s, RCODE_REFUSED, PACKET_EDE_PROHIBITED,
                   "a transfer needs a signature by a key for transfers");
        return;
    }
    if ((h->type >= 128 && h->type < PACKET_TYPE_ANY) || h->type == 41) {
        refuse(s, RCODE_NOTIMP, PACKET_EDE_NONE, NULL);
        return;
    }
    if (!has_key_for(s, TSIG_TRANSFER | TSIG_UPDATE) &&
        !(s->tsig.verdict == TSIG_NONE && s->policy->allow_unsigned_queries))
        refuse(s, RCODE_REFUSED, PACKET_EDE_PROHIBITED, "queries need a signature here");
}

static void judge(struct serve *s)
{
    const struct packet_head *h = packet_head(s->packet);
    enum tsig_verdict verdict = tsig_check_question(s->packet, &s->policy->keys, &s->tsig);
    if (h->has_edns && h->edns_version > 0)
        refuse(s, RCODE_BADVERS, PACKET_EDE_NONE, NULL);
    else if (verdict == TSIG_BAD_FORM)
        refuse(s, RCODE_FORMERR, PACKET_EDE_OTHER, "the TSIG record has no form that may be");
    else if (verdict != TSIG_NONE && verdict != TSIG_GOOD)
        refuse(s, RCODE_NOTAUTH, PACKET_EDE_NONE, NULL);
    else if (!h->has_question)
        refuse(s, RCODE_FORMERR, PACKET_EDE_NONE, NULL);
    else if (h->opcode == PACKET_QUERY)
        judge_query(s, h);
    else if (h->opcode == PACKET_NOTIFY)
        refuse(s, RCODE_NOTAUTH, PACKET_EDE_NOT_AUTHORITATIVE, "this server is no secondary");
    else if (h->opcode != PACKET_UPDATE)
        refuse(s, RCODE_NOTIMP, PACKET_EDE_NONE, NULL);
    else if (!has_key_for(s, TSIG_UPDATE))
        refuse(s, RCODE_REFUSED, PACKET_EDE_PROHIBITED,
               "an update needs a signature by a key for updates");
    else
        s->kind = SERVE_UPDATE;
}

struct serve *serve_begin(const struct serve_policy *policy, struct bytes wire,
                          enum serve_transport transport)
{
    struct packet *packet;
    enum rsm_status status = packet_parse(wire, &packet);
    bool has_header = wire.size >= PACKET_HEADER_SIZE;
    /* An answer to an answer would be answered, and so on. */
    if (status == RSM_NO_MEMORY || !has_header || (wire.data[2] & 0x80u) != 0) {
        packet_free(packet);
        return NULL;
    }
    struct serve *s = mem_alloc(sizeof *s);
    s->policy = policy;
    s->transport = transport;
    s->packet = packet;
    s->tsig.verdict = TSIG_NONE;
    memcpy(s->head, wire.data, sizeof s->head);
    if (packet == NULL)
        refuse(s, RCODE_FORMERR, PACKET_EDE_NONE, NULL);
    else
        judge(s);
    return s;
}

void serve_free(struct serve *s)
{
    if (s == NULL)
        return;
    transfer_free(s->transfer);
    packet_free(s->packet);
    mem_free(s);
}

enum serve_kind serve_kind(const struct serve *s)
{
    return s->kind;
}

const struct packet *serve_packet(const struct serve *s)
{
    return s->packet;
}

struct bytes serve_signature(const struct serve *s)
{
    CHECK(s->kind == SERVE_UPDATE && s->tsig.mac_size > 0 && s->message_count == 0);
    return bytes_make(s->tsig.mac, s->tsig.mac_size);
}

void serve_set_slot(struct serve *s, uint64_t slot, bool is_fresh)
{
    s->slot = slot;
    s->is_fresh = is_fresh;
}

/* -------------------------------------------------------------------------------------------- */
/* Answering. */

static void begin_message(struct serve *s, struct draft *draft)
{
    size_t limit = s->transport == SERVE_TCP ? PACKET_SIZE_MAX : packet_udp_limit(s->packet);
    draft_begin_answer(draft, s->packet, limit, tsig_size(&s->tsig));
}

static bool finish_message(struct serve *s, struct draft *draft, struct bytes *wire_out)
{
    if (tsig_sign(&s->tsig, draft, wire_out) != RSM_OK)
        return false;
    s->message_count++;
    return true;
}

bool serve_answer(struct serve *s, struct draft *draft, enum packet_rcode rcode,
                  enum packet_ede ede, const char *text, struct bytes *wire_out)
{
    s->is_done = true;
    if (s->packet == NULL) {
        if (!draft_begin_failure(draft, bytes_make(s->head, sizeof s->head), rcode))
            return false;
        *wire_out = draft_finish(draft);
        s->message_count++;
        return true;
    }
    begin_message(s, draft);
    draft_set_error(draft, rcode, ede, text);
    return finish_message(s, draft, wire_out);
}

/* The serial that an IXFR has in its authority section (RFC 1995 3). */
static bool asked_serial(const struct packet *q, uint32_t *serial_out)
{
    struct packet_record record;
    if (!packet_record(q, PACKET_AUTHORITY, 0, &record) || record.type != RR_TYPE_SOA ||
        record.rdata.size < 22)
        return false;
    *serial_out = rr_soa_serial(record.rdata);
    return true;
}

/* RSM_MALFORMED: an IXFR without a SOA. */
static enum rsm_status open_transfer(struct serve *s, struct kv *kv)
{
    const struct packet_head *h = packet_head(s->packet);
    uint32_t serial = 0;
    bool is_difference = h->type == PACKET_TYPE_IXFR;
    if (is_difference && !asked_serial(s->packet, &serial))
        return RSM_MALFORMED;
    return transfer_begin(kv, h->name, s->slot, is_difference ? &serial : NULL, &s->transfer);
}

bool serve_wants_digest(struct serve *s, struct kv *kv, struct transfer_want *out)
{
    if (s->kind != SERVE_READ || !s->is_fresh || !is_transfer_type(packet_head(s->packet)->type))
        return false;
    if (s->transfer == NULL && open_transfer(s, kv) != RSM_OK)
        return false; /* serve_next meets it again, and says why */
    return transfer_wants_digest(s->transfer, out);
}

void serve_give_digest(struct serve *s, const uint8_t rdata[ZONEMD_RDATA_SIZE])
{
    transfer_give_digest(s->transfer, rdata);
}

static bool begin_transfer(struct serve *s, struct kv *kv, struct draft *draft,
                           struct bytes *wire_out, enum rsm_status *status_out)
{
    *status_out = open_transfer(s, kv);
    if (*status_out == RSM_OK)
        return true;
    if (*status_out == RSM_MALFORMED) {
        *status_out = RSM_OK;
        (void)serve_answer(s, draft, RCODE_FORMERR, PACKET_EDE_OTHER, "IXFR without a SOA",
                           wire_out);
        return false;
    }
    if (*status_out == RSM_NOT_FOUND) {
        *status_out = RSM_OK;
        (void)serve_answer(s, draft, RCODE_NOTAUTH, PACKET_EDE_NOT_AUTHORITATIVE,
                           "there is no such zone", wire_out);
    } else {
        (void)serve_answer(s, draft, RCODE_SERVFAIL, PACKET_EDE_NONE, NULL, wire_out);
    }
    return false;
}

/* One message. False: the transfer cannot go on. */
static bool next_transfer_message(struct serve *s, struct kv *kv, struct draft *draft,
                                  struct bytes *wire_out, enum rsm_status *status_out)
{
    for (;;) {
        begin_message(s, draft);
        draft_set_authoritative(draft);
        *status_out = transfer_fill(s->transfer, kv, draft, &s->is_done);
        if (*status_out != RSM_OK)
            return false;
        if (s->is_done || s->transport == SERVE_TCP)
            return finish_message(s, draft, wire_out);
        transfer_shorten(s->transfer); /* over UDP it is one message or none */
    }
}

/* Who may transfer asks for a SOA to see whether it has to. */
static void note_soa(struct serve *s, struct kv *kv, struct bytes zone)
{
    struct query_rrset soa;
    struct bytes rdata;
    if (!may_transfer(s) || query_rrset(kv, zone, zone, RR_TYPE_SOA, QUERY_NOW, &soa) != RSM_OK)
        return;
    struct bytes rdatas = soa.record.rdatas;
    s->has_told = rrset_rdata_next(&rdatas, &rdata);
    if (s->has_told) {
        s->told_serial = rr_soa_serial(rdata);
        s->told_expire_s = rr_soa_expire(rdata);
    }
}

static bool next_read(struct serve *s, struct kv *kv, struct draft *draft, struct bytes *wire_out,
                      enum rsm_status *status_out)
{
    const struct packet_head *h = packet_head(s->packet);
    if (!s->is_fresh)
        return serve_answer(s, draft, RCODE_SERVFAIL, PACKET_EDE_NOT_READY,
                            "this replica has no contact with a quorum; ask another one", wire_out);
    if (is_transfer_type(h->type)) {
        if (s->transfer == NULL && !begin_transfer(s, kv, draft, wire_out, status_out))
            return true;
        return next_transfer_message(s, kv, draft, wire_out, status_out);
    }
    s->is_done = true;
    begin_message(s, draft);
    *status_out = lookup_answer(kv, h->name, h->type, draft);
    if (*status_out != RSM_OK)
        return serve_answer(s, draft, RCODE_SERVFAIL, PACKET_EDE_NONE, NULL, wire_out);
    if (h->type == RR_TYPE_SOA)
        note_soa(s, kv, h->name);
    return finish_message(s, draft, wire_out);
}

bool serve_next(struct serve *s, struct kv *kv, struct draft *draft, struct bytes *wire_out,
                bool *is_broken_out, enum rsm_status *status_out)
{
    bool has_message;
    *is_broken_out = false;
    *status_out = RSM_OK;
    if (s->is_done)
        return false;
    if (s->kind == SERVE_REFUSAL)
        has_message = serve_answer(s, draft, s->rcode, s->ede, s->text, wire_out);
    else
        has_message = next_read(s, kv, draft, wire_out, status_out);
    if (!has_message) {
        s->is_done = true;
        *is_broken_out = true;
    }
    return has_message;
}

void serve_get_summary(const struct serve *s, struct serve_summary *out)
{
    *out = (struct serve_summary){.message_count = s->message_count};
    if (s->packet != NULL && packet_head(s->packet)->has_question)
        out->zone = packet_head(s->packet)->name;
    if (s->tsig.key != NULL)
        out->key = tsig_key_name(s->tsig.key);
    out->has_serial = s->has_told || s->transfer != NULL;
    out->serial = s->told_serial;
    out->expire_s = s->told_expire_s;
    if (s->transfer == NULL)
        return;
    out->is_transfer = true;
    out->is_refresh =
        transfer_kind(s->transfer) != TRANSFER_CURRENT || transfer_is_held(s->transfer);
    out->expire_s = transfer_expire(s->transfer);
    out->is_whole = transfer_kind(s->transfer) == TRANSFER_WHOLE;
    out->serial = transfer_serial(s->transfer);
    out->record_count = transfer_record_count(s->transfer);
}
