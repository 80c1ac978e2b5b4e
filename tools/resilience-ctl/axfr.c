/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * axfr.c - the messages of a zone transfer (see axfr.h). Sockets: axfr_fetch.c.
 *
 * Records are collected as master-file text and read by the one reader that imports files have: it
 * sorts, finds doubles and TTLs that differ, and keeps its limits.
 *
 * States: EMPTY -> OPEN with the first SOA -> DONE with the second one, the same. Nothing may
 * follow.
 */
#include "tools/resilience-ctl/axfr.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/rr/data.h"
#include "src/rr/name.h"

enum state { EMPTY = 1, OPEN, DONE };

struct axfr {
    uint8_t zone_buffer[NAME_SIZE_MAX];
    struct bytes zone;
    uint16_t id;
    enum state state;
    struct draft *draft; /* owned; has the question */
    struct tsig_stream stream;
    struct writer text; /* owned: a master file */
    struct writer soa;  /* owned: its data */
    uint32_t soa_ttl;
    uint64_t record_count;
    uint32_t message_count;
};

struct axfr *axfr_new(struct bytes zone, const struct tsig_key *key, struct bytes *question_out)
{
    struct axfr *a = mem_alloc(sizeof *a);
    struct tsig_exchange exchange;
    memcpy(a->zone_buffer, zone.data, zone.size);
    a->zone = bytes_make(a->zone_buffer, zone.size);
    a->id = (uint16_t)randombytes_uniform(65536);
    a->state = EMPTY;
    a->draft = draft_new();
    writer_init(&a->text, ZONEFILE_SIZE_MAX);
    writer_init(&a->soa, PACKET_SIZE_MAX);
    tsig_begin(key, &exchange);
    draft_begin_question(a->draft, a->id, PACKET_QUERY, a->zone, PACKET_TYPE_AXFR, PACKET_CLASS_IN,
                         tsig_size(&exchange));
    enum rsm_status status = tsig_sign(&exchange, a->draft, question_out);
    CHECK(status == RSM_OK || status == RSM_NO_MEMORY);
    tsig_stream_init(&a->stream, &exchange);
    return a;
}

void axfr_free(struct axfr *a)
{
    if (a == NULL)
        return;
    draft_free(a->draft);
    tsig_stream_deinit(&a->stream);
    writer_deinit(&a->text);
    writer_deinit(&a->soa);
    mem_free(a);
}

static enum rsm_status fail(char *error, enum rsm_status status, const char *text)
{
    (void)snprintf(error, AXFR_ERROR_SIZE, "%s", text);
    return status;
}

static enum rsm_status check_head(const struct axfr *a, const struct packet *p, char *error)
{
    static const char *const rcodes[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                         "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
                                         "NXRRSET", "NOTAUTH", "NOTZONE"};
    const struct packet_head *h = packet_head(p);
    if (!h->is_response || h->id != a->id || h->opcode != PACKET_QUERY ||
        (h->has_question && (h->type != PACKET_TYPE_AXFR || !name_equal(h->name, a->zone))))
        return fail(error, RSM_MALFORMED, "the server sent an answer to something else");
    if (h->rcode != RCODE_NOERROR) {
        (void)snprintf(error, AXFR_ERROR_SIZE, "the server says %s",
                       h->rcode < sizeof rcodes / sizeof rcodes[0] ? rcodes[h->rcode]
                                                                   : "an RCODE of its own");
        return RSM_REFUSED;
    }
    return RSM_OK;
}

static enum rsm_status add_record(struct axfr *a, const struct packet_record *r, char *error)
{
    char owner[NAME_TEXT_MAX];
    enum rsm_status status = zonefile_write(&a->text, r->owner, r->type, r->ttl, r->rdata);
    if (status == RSM_TOO_LARGE)
        return fail(error, status, "the zone is larger than 256 MiB of text");
    if (status != RSM_OK) {
        (void)snprintf(error, AXFR_ERROR_SIZE, "a record of %.200s has data that is none",
                       name_to_text(r->owner, owner));
        return status;
    }
    a->record_count++;
    return RSM_OK;
}

static enum rsm_status take_soa(struct axfr *a, const struct packet_record *r, char *error)
{
    if (!name_equal(r->owner, a->zone) || rr_data_check(RR_TYPE_SOA, r->rdata) != RSM_OK)
        return fail(error, RSM_MALFORMED, "a SOA that is not the zone's own");
    if (a->state == EMPTY) {
        writer_bytes(&a->soa, r->rdata);
        a->soa_ttl = r->ttl;
        a->state = OPEN;
        return add_record(a, r, error);
    }
    if (!bytes_equal(writer_result(&a->soa), r->rdata))
        return fail(error, RSM_MALFORMED, "it ends with another SOA than it began with");
    a->state = DONE;
    return RSM_OK;
}

static enum rsm_status take_record(struct axfr *a, const struct packet_record *r, char *error)
{
    char owner[NAME_TEXT_MAX];
    if (a->state == DONE)
        return fail(error, RSM_MALFORMED, "records behind the last SOA");
    if (r->class != PACKET_CLASS_IN || !name_is_at_or_below(r->owner, a->zone) ||
        !rr_type_is_storable(r->type)) {
        (void)snprintf(error, AXFR_ERROR_SIZE, "a record of %.200s that no zone of ours can have",
                       name_to_text(r->owner, owner));
        return RSM_MALFORMED;
    }
    if (r->type == RR_TYPE_SOA)
        return take_soa(a, r, error);
    if (a->state == EMPTY)
        return fail(error, RSM_MALFORMED, "it does not begin with a SOA");
    return add_record(a, r, error);
}

enum rsm_status axfr_take(struct axfr *a, struct bytes message, bool *is_done_out, char *error)
{
    struct packet *p;
    struct packet_record record;
    *is_done_out = false;
    enum rsm_status status = packet_parse(message, &p);
    if (status != RSM_OK)
        return fail(error, status, "the server sent what is no DNS message");
    if (a->state == DONE)
        status = fail(error, RSM_MALFORMED, "a message behind the last SOA");
    if (status == RSM_OK)
        status = check_head(a, p, error);
    if (status == RSM_OK && !tsig_stream_check(&a->stream, p))
        status = fail(error, RSM_BAD_SIGNATURE,
                      a->stream.exchange.key != NULL
                          ? "the signature of an answer is not good, or missing"
                          : "the answer is signed by a key that we do not have");
    for (uint32_t i = 0; status == RSM_OK && packet_record(p, PACKET_ANSWER, i, &record); i++)
        status = take_record(a, &record, error);
    packet_free(p);
    if (status != RSM_OK)
        return status;
    a->message_count++;
    if (a->state == DONE && !tsig_stream_is_closed(&a->stream))
        return fail(error, RSM_BAD_SIGNATURE, "the last message is not signed");
    *is_done_out = a->state == DONE;
    return RSM_OK;
}

enum rsm_status axfr_end(struct axfr *a, struct axfr_result *out, char *error)
{
    if (a->state != DONE)
        return fail(error, RSM_CLOSED, "the transfer was cut before its end: nothing was taken");
    out->serial = rr_soa_serial(writer_result(&a->soa));
    out->message_count = a->message_count;
    enum rsm_status status = zonefile_parse(writer_result(&a->text), a->zone, 0, &out->zone);
    if (status != RSM_OK)
        (void)snprintf(error, AXFR_ERROR_SIZE, "record %llu of the transfer: %s",
                       (unsigned long long)out->zone.errors[0].line, out->zone.errors[0].text);
    out->record_count = out->zone.record_count;
    return status;
}
