/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * methods_check.c - `check`: what a signed command would get, without submitting it: its verdict,
 * its stages, and what resolvers would get before and after.
 *
 * Answers are looked at for the names that change, for those that lead to them (aliases), and for
 * what a new or vanished delegation or DNAME hides or shows; CHECK_ASKED_MAX of them.
 */
#include <string.h>

#include "src/base/mem.h"
#include "src/command/body.h"
#include "src/daemon/methods_internal.h"
#include "src/daemon/node_check.h"
#include "src/machine/answer.h"
#include "src/machine/graph.h"
#include "src/rr/data.h"
#include "src/rr/name.h"

#define CHECK_ASKED_MAX 512u
#define CHECK_BELOW_MAX 64u
#define CHAIN_MAX 8u
#define ANSWER_TEXT_MAX 4096u

struct asking {
    struct kv *before, *after;
    struct graph_reach *dependants;
    struct writer items;
    struct writer texts[2]; /* before, after */
    uint32_t asked, count;
    bool is_full;
};

static enum rsm_status add_data(struct kv *kv, const struct answer *a, struct writer *text)
{
    struct rrset_record record;
    char type[RR_TYPE_TEXT_MAX];
    enum rsm_status status = rrset_load(kv, a->zone_id, a->owner, a->type, &record);
    if (status != RSM_OK)
        return status;
    struct bytes rdatas = record.rdatas;
    struct bytes rdata;
    struct rr_text texts;
    const char *data;
    rr_text_init(&texts);
    writer_format(text, "%s", rr_type_to_text(a->type, type));
    /* A SOA differs by its serial with every change: that is no news. */
    while (a->type != RR_TYPE_SOA && rrset_rdata_next(&rdatas, &rdata)) {
        if (rr_text_of(&texts, a->type, rdata, &data) == RSM_OK)
            writer_format(text, " %.200s", data);
    }
    rr_text_deinit(&texts);
    writer_format(text, " (%u s)", record.ttl);
    return RSM_OK;
}

static enum rsm_status add_step(struct kv *kv, const struct answer *a, struct writer *text)
{
    char name[NAME_TEXT_MAX];
    switch (a->kind) {
    case ANSWER_ELSEWHERE:
        writer_format(text, "in no zone of ours");
        return RSM_OK;
    case ANSWER_NXDOMAIN:
        writer_format(text, "NXDOMAIN");
        return RSM_OK;
    case ANSWER_NODATA:
        writer_format(text, "NODATA");
        break;
    case ANSWER_REFERRAL:
        writer_format(text, "referral at %s ", name_to_text(a->owner, name));
        return add_data(kv, a, text);
    case ANSWER_DNAME:
        writer_format(text, "by DNAME at %s", name_to_text(a->owner, name));
        return RSM_OK;
    case ANSWER_CNAME:
    case ANSWER_DATA: {
        enum rsm_status status = add_data(kv, a, text);
        if (status != RSM_OK)
            return status;
        break;
    }
    }
    if (a->is_wildcard)
        writer_format(text, " from %s", name_to_text(a->owner, name));
    return RSM_OK;
}

/* "CNAME b. (60 s) -> A 192.0.2.1 (60 s)" */
static enum rsm_status say(struct kv *kv, struct bytes name, uint16_t type, struct writer *text)
{
    uint8_t buffer[LIMIT_NAME_SIZE];
    writer_reset(text);
    for (uint32_t i = 0; i < CHAIN_MAX; i++) {
        struct answer a;
        enum rsm_status status = answer_step(kv, name, type, &a);
        if (status == RSM_OK)
            status = add_step(kv, &a, text);
        if (status == RSM_OK)
            status = answer_next(kv, &a, name, buffer, &name);
        if (status == RSM_NOT_FOUND)
            return RSM_OK;
        if (status != RSM_OK)
            return status;
        writer_format(text, " -> ");
    }
    writer_format(text, "...");
    return RSM_OK;
}

static enum rsm_status ask(struct asking *w, struct bytes name, uint16_t type)
{
    char text[NAME_TEXT_MAX], type_text[RR_TYPE_TEXT_MAX];
    if (++w->asked > CHECK_ASKED_MAX) {
        w->is_full = true;
        return RSM_OK;
    }
    enum rsm_status status = say(w->before, name, type, &w->texts[0]);
    if (status == RSM_OK)
        status = say(w->after, name, type, &w->texts[1]);
    struct bytes before = writer_result(&w->texts[0]);
    struct bytes after = writer_result(&w->texts[1]);
    if (status != RSM_OK || bytes_equal(before, after))
        return status;
    pack_map(&w->items, 4);
    pack_key(&w->items, "name");
    pack_text(&w->items, name_to_text(name, text));
    pack_key(&w->items, "type");
    pack_text(&w->items, rr_type_to_text(type, type_text));
    pack_key(&w->items, "before");
    pack_str(&w->items, before);
    pack_key(&w->items, "after");
    pack_str(&w->items, after);
    w->count++;
    return RSM_OK;
}

/* What a delegation or a DNAME hides or shows: the zone's sets below it. */
static enum rsm_status ask_below(struct asking *w, struct bytes zone, struct bytes owner)
{
    struct query_rrsets *q = mem_alloc(sizeof *q);
    enum rsm_status status = RSM_OK;
    *q = (struct query_rrsets){.zone = zone, .slot = QUERY_NOW};
    query_rrset_after(w->before, q, owner, UINT16_MAX);
    for (uint32_t i = 0; i < CHECK_BELOW_MAX && status == RSM_OK; i++) {
        status = query_rrset_next(w->before, q);
        if (status != RSM_OK || !name_is_at_or_below(q->item.owner, owner))
            break;
        status = ask(w, q->item.owner, q->item.type);
    }
    mem_free(q);
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

/* Whoever leads to the name by aliases gets what it gets. */
static enum rsm_status ask_dependants(struct asking *w, struct bytes owner, uint16_t type)
{
    struct key node;
    uint64_t id;
    enum rsm_status status = RSM_NOT_FOUND;
    if (key_node_name(&node, owner))
        status = graph_node(w->before, key_bytes(&node), false, &id);
    if (status != RSM_OK)
        return status == RSM_NOT_FOUND ? RSM_OK : status;
    graph_reach_clear(w->dependants);
    (void)graph_reach_add(w->dependants, id);
    status = graph_reach_run(w->dependants, w->before, true, CHECK_BELOW_MAX);
    for (size_t i = 1; i < graph_reach_count(w->dependants) && status == RSM_OK; i++) {
        uint8_t buffer[LIMIT_NAME_SIZE];
        struct bytes bytes, name;
        status = graph_node_bytes(w->before, graph_reach_at(w->dependants, i), &bytes);
        if (status == RSM_OK && key_parse_node(bytes, buffer, &name))
            status = ask(w, name, type);
    }
    return status;
}

static enum rsm_status ask_all(struct asking *w, const struct command *c)
{
    struct body_zone body;
    struct body_change change;
    enum rsm_status status = RSM_OK;
    if ((c->kind != RSM_KIND_RRSET_CHANGE && c->kind != RSM_KIND_ZONE_CREATE) ||
        body_zone_decode(c->kind, c->body, &body) != RSM_OK)
        return RSM_OK;
    while (status == RSM_OK && !w->is_full && body_next_change(&body.changes, &change)) {
        bool is_alias = change.type == RR_TYPE_CNAME || change.type == RR_TYPE_DNAME;
        bool is_cut = change.type == RR_TYPE_NS || change.type == RR_TYPE_DNAME;
        status = ask(w, change.owner, is_alias ? RR_TYPE_A : change.type);
        if (status == RSM_OK && is_cut && !bytes_equal(change.owner, body.zone))
            status = ask_below(w, body.zone, change.owner);
        if (status == RSM_OK)
            status = ask_dependants(w, change.owner, is_alias ? RR_TYPE_A : change.type);
    }
    return status;
}

static void pack_result(struct call *call, struct writer *out, const struct verdict *v,
                        const struct asking *w)
{
    result_begin(call, out, 4);
    pack_key(out, "verdict");
    pack_verdict(out, call->applied + 1, v);
    pack_key(out, "stages");
    pack_stages(out, v, NULL);
    pack_key(out, "answers");
    pack_array(out, w->count);
    writer_bytes(out, writer_result(&w->items));
    pack_key(out, "answers_truncated");
    pack_bool(out, w->is_full);
    out->failed |= w->items.failed;
}

static enum rsm_status check(struct call *call, struct bytes raw, struct kv *overlay,
                             struct writer *out)
{
    struct node *node = serving(call)->m->node;
    struct verdicts verdicts;
    struct verdict verdict;
    enum machine_judgement judgement;
    struct asking w = {.before = node_state(node), .after = overlay};
    verdicts_init(&verdicts);
    writer_init(&w.items, LIMIT_ANSWER_SIZE);
    writer_init(&w.texts[0], ANSWER_TEXT_MAX * CHAIN_MAX);
    writer_init(&w.texts[1], ANSWER_TEXT_MAX * CHAIN_MAX);
    w.dependants = graph_reach_new();
    enum rsm_status status = node_check(node, raw, overlay, &verdicts, &judgement);
    if (status == RSM_OK)
        status = verdict_at(verdicts_bytes(&verdicts), 0, &verdict);
    if (status == RSM_OK && judgement == MACHINE_ACCEPT) {
        struct envelope envelope;
        struct command command;
        status = envelope_parse(raw, &envelope);
        struct envelope_walk walk = envelope_commands(&envelope);
        if (status == RSM_OK && envelope_next(&walk, &command))
            status = ask_all(&w, &command);
    }
    if (status == RSM_OK)
        pack_result(call, out, &verdict, &w);
    graph_reach_free(w.dependants);
    writer_deinit(&w.texts[0]);
    writer_deinit(&w.texts[1]);
    writer_deinit(&w.items);
    verdicts_deinit(&verdicts);
    return status;
}

enum rsm_status read_check(struct call *call, struct writer *out)
{
    struct bytes raw = unpack_octets(&call->params, LIMIT_ENVELOPE_SIZE);
    if (!unpack_ok(&call->params))
        return call_fail(call, RSM_BAD_PARAMS, "check takes one envelope, a bin");
    struct kv *overlay = kv_overlay_new(call->kv);
    enum rsm_status status = check(call, raw, overlay, out);
    kv_free(overlay);
    if (status == RSM_TOO_MANY)
        return call_fail(call, status, "check judges one command, not a bundle");
    return status;
}
