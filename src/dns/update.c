/* SPDX-License-Identifier: GPL-3.0-or-later */
/* update.c - see update.h. */
#include "src/dns/update.h"

#include <stdio.h>
#include <string.h>

#include <rsm/update.h>

#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/command/public.h"
#include "src/rr/data.h"

static void reply(struct update_reply *out, enum packet_rcode rcode, enum packet_ede ede,
                  const char *text)
{
    out->rcode = rcode;
    out->ede = ede;
    (void)snprintf(out->text, sizeof out->text, "%s", text);
}

void update_reply_failure(struct update_reply *out, enum packet_ede ede, const char *text)
{
    reply(out, RCODE_SERVFAIL, ede, text);
}

/* ---- a message as a body ---- */

struct records {
    struct rsm_record *items; /* owned */
    size_t count;
};

static bool collect(const struct packet *p, enum packet_section section, struct records *out)
{
    struct packet_record r;
    while (out->count < LIMIT_UPDATE_RECORDS &&
           packet_record(p, section, (uint32_t)out->count, &r)) {
        out->items[out->count++] = (struct rsm_record){.owner = bytes_to_public(r.owner),
                                                       .record_class = r.class,
                                                       .type = r.type,
                                                       .ttl = r.ttl,
                                                       .rdata = bytes_to_public(r.rdata)};
    }
    return !packet_record(p, section, (uint32_t)out->count, &r);
}

static bool build(const struct packet *p, const char *principal, struct rsm_bytes request,
                  struct records sections[2], struct rsm_buffer *body_out,
                  struct update_reply *reply_out)
{
    const struct packet_head *head = packet_head(p);
    for (size_t i = 0; i < 2; i++) {
        sections[i].items = mem_try_alloc(LIMIT_UPDATE_RECORDS * sizeof *sections[i].items);
        if (sections[i].items == NULL) {
            update_reply_failure(reply_out, PACKET_EDE_OTHER, "out of memory");
            return false;
        }
    }
    if (!collect(p, PACKET_ANSWER, &sections[0]) || !collect(p, PACKET_AUTHORITY, &sections[1])) {
        reply(reply_out, RCODE_FORMERR, PACKET_EDE_OTHER, "more records than a message can hold");
        return false;
    }
    struct rsm_update update = {.principal = rsm_text(principal),
                                .request = request,
                                .zone = bytes_to_public(head->name),
                                .prerequisites = sections[0].items,
                                .prerequisite_count = sections[0].count,
                                .updates = sections[1].items,
                                .update_count = sections[1].count};
    enum rsm_status status = rsm_body_rrset_update(&update, body_out);
    if (status == RSM_NO_MEMORY)
        update_reply_failure(reply_out, PACKET_EDE_OTHER, "out of memory");
    else if (status != RSM_OK)
        reply(reply_out, RCODE_FORMERR, PACKET_EDE_OTHER,
              "a prerequisite or an update has none of the forms of RFC 2136 2.4 and 2.5");
    return status == RSM_OK;
}

bool update_build(const struct packet *p, const char *principal, struct rsm_bytes request,
                  struct rsm_buffer *body_out, struct update_reply *reply_out)
{
    const struct packet_head *head = packet_head(p);
    struct records sections[2] = {{NULL, 0}, {NULL, 0}};
    *body_out = (struct rsm_buffer){NULL, 0};
    if (!head->has_question || head->type != RR_TYPE_SOA) {
        reply(reply_out, RCODE_FORMERR, PACKET_EDE_OTHER,
              "the zone section has one record, of type SOA (RFC 2136 2.3)");
        return false;
    }
    if (head->class != PACKET_CLASS_IN) {
        reply(reply_out, RCODE_NOTAUTH, PACKET_EDE_NOT_AUTHORITATIVE, "only class IN is served");
        return false;
    }
    bool is_good = build(p, principal, request, sections, body_out, reply_out);
    mem_free(sections[0].items);
    mem_free(sections[1].items);
    return is_good;
}

/* ---- a verdict as an answer ---- */

/* From the strongest on. Rules that are not here: REFUSED, the weakest. */
enum strength { WEAKEST = 0, FORM, PREREQUISITE, RIGHTS, ZONE, AUTHOR, DONE };

struct meaning {
    enum rsm_rule rule;
    enum strength strength;
    enum packet_rcode rcode;
    enum packet_ede ede;
};

static const struct meaning MEANINGS[] = {
    /* The gateway's own line, or a state that moved on: the client may ask again. */
    {RSM_RULE_KEY_INVALID, AUTHOR, RCODE_SERVFAIL, PACKET_EDE_OTHER},
    {RSM_RULE_KEY_REVOKED, AUTHOR, RCODE_SERVFAIL, PACKET_EDE_OTHER},
    {RSM_RULE_COUNTER_GAP, AUTHOR, RCODE_SERVFAIL, PACKET_EDE_NOT_READY},
    {RSM_RULE_COUNTER_USED, AUTHOR, RCODE_SERVFAIL, PACKET_EDE_NOT_READY},
    {RSM_RULE_LAMPORT_ORDER, AUTHOR, RCODE_SERVFAIL, PACKET_EDE_NOT_READY},
    {RSM_RULE_LAMPORT_JUMP, AUTHOR, RCODE_SERVFAIL, PACKET_EDE_NOT_READY},
    {RSM_RULE_CLOCK_FUTURE, AUTHOR, RCODE_SERVFAIL, PACKET_EDE_NOT_READY},
    {RSM_RULE_TIME_BOUND, AUTHOR, RCODE_SERVFAIL, PACKET_EDE_NOT_READY},
    {RSM_RULE_STALE, AUTHOR, RCODE_SERVFAIL, PACKET_EDE_NOT_READY},
    {RSM_RULE_CONCURRENT, AUTHOR, RCODE_SERVFAIL, PACKET_EDE_NOT_READY},
    {RSM_RULE_REQUEST_DONE, DONE, RCODE_NOERROR, PACKET_EDE_NONE},
    {RSM_RULE_ZONE_UNKNOWN, ZONE, RCODE_NOTAUTH, PACKET_EDE_NOT_AUTHORITATIVE},
    {RSM_RULE_OUT_OF_ZONE, ZONE, RCODE_NOTZONE, PACKET_EDE_OTHER},
    {RSM_RULE_RIGHTS, RIGHTS, RCODE_REFUSED, PACKET_EDE_PROHIBITED},
    {RSM_RULE_AUTOMATON_SCOPE, RIGHTS, RCODE_REFUSED, PACKET_EDE_PROHIBITED},
    {RSM_RULE_PRINCIPAL_UNKNOWN, RIGHTS, RCODE_REFUSED, PACKET_EDE_PROHIBITED},
    {RSM_RULE_FROZEN, RIGHTS, RCODE_REFUSED, PACKET_EDE_PROHIBITED},
    {RSM_RULE_UPDATE_CLASS, RIGHTS, RCODE_REFUSED, PACKET_EDE_PROHIBITED},
    {RSM_RULE_PREREQ_NXDOMAIN, PREREQUISITE, RCODE_NXDOMAIN, PACKET_EDE_OTHER},
    {RSM_RULE_PREREQ_YXDOMAIN, PREREQUISITE, RCODE_YXDOMAIN, PACKET_EDE_OTHER},
    {RSM_RULE_PREREQ_NXRRSET, PREREQUISITE, RCODE_NXRRSET, PACKET_EDE_OTHER},
    {RSM_RULE_PREREQ_YXRRSET, PREREQUISITE, RCODE_YXRRSET, PACKET_EDE_OTHER},
    {RSM_RULE_TYPE_FORBIDDEN, FORM, RCODE_FORMERR, PACKET_EDE_OTHER},
    {RSM_RULE_RDATA_BAD, FORM, RCODE_FORMERR, PACKET_EDE_OTHER},
};

static struct meaning meaning_of(uint32_t rule)
{
    for (size_t i = 0; i < sizeof MEANINGS / sizeof MEANINGS[0]; i++) {
        if ((uint32_t)MEANINGS[i].rule == rule)
            return MEANINGS[i];
    }
    return (struct meaning){.strength = WEAKEST, .rcode = RCODE_REFUSED, .ede = PACKET_EDE_OTHER};
}

/* Evidence is UTF-8 and may be longer than the room: half a character at the end goes. */
static void cut_character(char text[PACKET_ERROR_TEXT_MAX])
{
    size_t size = strlen(text);
    size_t begin = size;
    if (size + 1 < PACKET_ERROR_TEXT_MAX)
        return;
    while (begin > 0 && ((unsigned char)text[begin - 1] & 0xc0u) == 0x80u)
        begin--;
    if (begin > 0 && ((unsigned char)text[begin - 1] & 0xc0u) == 0xc0u)
        text[begin - 1] = '\0';
}

void update_reply_of(const struct verdict *v, struct update_reply *out)
{
    struct reader reader = reader_make(v->reasons);
    struct meaning best = {.rcode = RCODE_SERVFAIL, .ede = PACKET_EDE_OTHER};
    struct bytes evidence, words = {NULL, 0};
    uint32_t rule, named = 0;
    *out = (struct update_reply){.rcode = RCODE_NOERROR, .ede = PACKET_EDE_NONE};
    if (v->kind == VERDICT_APPLIED)
        return;
    while (verdict_reason_next(&reader, &rule, &evidence)) {
        struct meaning m = meaning_of(rule);
        if (named != 0 && m.strength <= best.strength)
            continue;
        best = m;
        named = rule;
        words = evidence;
    }
    out->rcode = best.rcode;
    out->ede = best.ede;
    (void)snprintf(out->text, sizeof out->text, "%s: %.*s", rsm_rule_id(named), (int)words.size,
                   (const char *)words.data);
    cut_character(out->text);
}
