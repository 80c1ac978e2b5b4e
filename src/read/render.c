/* SPDX-License-Identifier: GPL-3.0-or-later */
/* render.c - pieces of results: names, record sets, verdicts, slots of the log. */
#include <string.h>

#include "src/machine/entry.h"
#include "src/machine/logtable.h"
#include "src/read/render.h"
#include "src/rr/data.h"
#include "src/rr/name.h"

void pack_key(struct writer *out, const char *key)
{
    pack_text(out, key);
}

void pack_number(struct writer *out, const char *key, uint64_t value)
{
    pack_key(out, key);
    pack_uint(out, value);
}

void pack_hash(struct writer *out, const uint8_t hash[HASH_SIZE])
{
    pack_bin(out, bytes_make(hash, HASH_SIZE));
}

void pack_name_fields(struct writer *out, const char *key, const char *wire_key, struct bytes name)
{
    char text[NAME_TEXT_MAX];
    pack_key(out, key);
    pack_text(out, name_to_text(name, text));
    pack_key(out, wire_key);
    pack_bin(out, name);
}

void pack_version(struct writer *out, const struct version *v)
{
    pack_map(out, 4);
    pack_key(out, "author");
    pack_str(out, v->author);
    pack_number(out, "counter", v->counter);
    pack_number(out, "lamport", v->lamport);
    pack_number(out, "slot", v->slot);
}

static void pack_rdatas(struct writer *out, uint16_t type, const struct rrset_record *record)
{
    struct rr_text texts;
    const char *text;
    struct bytes rdatas = record->rdatas;
    struct bytes rdata;
    pack_key(out, "rdata");
    pack_array(out, record->rdata_count);
    rr_text_init(&texts);
    while (rrset_rdata_next(&rdatas, &rdata)) {
        (void)rr_text_of(&texts, type, rdata, &text); /* none: the wire form is beside it */
        pack_text(out, text);
    }
    rr_text_deinit(&texts);
    pack_key(out, "rdata_wire");
    pack_array(out, record->rdata_count);
    rdatas = record->rdatas;
    while (rrset_rdata_next(&rdatas, &rdata))
        pack_bin(out, rdata);
}

void pack_rrset(struct writer *out, struct bytes owner, uint16_t type, uint64_t slot,
                const struct rrset_record *record)
{
    char type_text[RR_TYPE_TEXT_MAX];
    pack_map(out, 13);
    pack_name_fields(out, "owner", "owner_wire", owner);
    pack_key(out, "type");
    pack_text(out, rr_type_to_text(type, type_text));
    pack_number(out, "type_code", type);
    pack_number(out, "ttl", record->ttl);
    pack_key(out, "deleted");
    pack_bool(out, record->deleted);
    pack_number(out, "changed_slot", slot);
    pack_key(out, "version");
    pack_version(out, &record->version);
    pack_key(out, "reason");
    pack_str(out, record->reason);
    pack_key(out, "held_by");
    pack_str(out, record->holder);
    pack_key(out, "plan");
    if (record->plan.size > 0) {
        pack_map(out, 3);
        pack_number(out, "generation", record->generation);
        pack_key(out, "name");
        pack_str(out, record->plan);
        pack_number(out, "token", record->token);
    } else {
        pack_nil(out);
    }
    pack_rdatas(out, type, record);
}

static void pack_rules(struct writer *out, const struct verdict *v)
{
    struct reader reasons = reader_make(v->reasons);
    uint32_t rule;
    struct bytes evidence;
    pack_array(out, v->kind == VERDICT_REFUSED ? v->reason_count : 0);
    while (v->kind == VERDICT_REFUSED && verdict_reason_next(&reasons, &rule, &evidence)) {
        pack_map(out, 3);
        pack_key(out, "rule");
        pack_text(out, rsm_rule_id(rule));
        pack_key(out, "evidence");
        pack_str(out, evidence);
        pack_key(out, "next");
        pack_text(out, rsm_rule_next(rule));
    }
}

void pack_verdict(struct writer *out, uint64_t slot, const struct verdict *v)
{
    bool duplicate = verdict_is_duplicate(v);
    pack_map(out, 9);
    pack_key(out, "author");
    pack_str(out, v->author);
    pack_number(out, "counter", v->counter);
    pack_key(out, "digest");
    pack_hash(out, v->digest);
    pack_key(out, "verdict");
    pack_text(out, verdict_kind_text(v->kind));
    pack_number(out, "slot", duplicate ? v->first_slot : slot);
    pack_key(out, "duplicate");
    pack_bool(out, duplicate);
    pack_key(out, "rules");
    pack_rules(out, v);
    pack_number(out, "omitted", v->kind == VERDICT_REFUSED ? v->omitted : 0);
    pack_key(out, "result");
    if (v->kind != VERDICT_REFUSED && v->result.size > 0)
        pack_raw(out, v->result);
    else
        pack_map(out, 0);
}

void pack_verdicts(struct writer *out, uint64_t slot, struct bytes encoded)
{
    struct verdict v;
    struct verdict_walk walk = verdict_walk(encoded);
    pack_array(out, walk.left);
    while (verdict_next(&walk, &v))
        pack_verdict(out, slot, &v);
}

static void pack_event(struct writer *out, struct command_event_walk walk)
{
    struct command_event event;
    uint32_t count = walk.left;
    pack_array(out, count);
    while (command_event_next(&walk, &event)) {
        pack_array(out, 2);
        pack_str(out, event.author);
        pack_uint(out, event.counter);
    }
}

static void pack_command(struct writer *out, const struct command *c)
{
    pack_map(out, 8);
    pack_key(out, "author");
    pack_str(out, c->author);
    pack_number(out, "counter", c->counter);
    pack_number(out, "lamport", c->lamport);
    pack_key(out, "clock");
    pack_event(out, command_clock(c));
    pack_key(out, "deps");
    pack_event(out, command_dependencies(c));
    pack_key(out, "kind");
    pack_text(out, rsm_kind_text(c->kind));
    pack_key(out, "reason");
    pack_str(out, c->reason);
    pack_key(out, "body");
    pack_bin(out, c->body);
}

/* The envelope in a slot, if it has one; `size` 0: none. */
static struct bytes envelope_in(const struct entry *entry)
{
    struct rejection rejection;
    if (entry->kind == ENTRY_COMMANDS)
        return entry->payload;
    if (entry->kind == ENTRY_REJECTION && rejection_parse(entry->payload, &rejection) == RSM_OK)
        return rejection.envelope;
    return (struct bytes){NULL, 0};
}

static const char *kind_text(enum entry_kind kind)
{
    switch (kind) {
    case ENTRY_NOOP:
        return "noop";
    case ENTRY_TICK:
        return "tick";
    case ENTRY_COMMANDS:
        return "commands";
    case ENTRY_REJECTION:
        return "rejection";
    }
    return "unknown";
}

static void pack_commands(struct writer *out, const struct envelope *e)
{
    struct envelope_walk walk = envelope_commands(e);
    struct command command;
    pack_array(out, e->command_count);
    while (envelope_next(&walk, &command))
        pack_command(out, &command);
}

enum rsm_status pack_slot(struct writer *out, struct kv *kv, uint64_t slot, struct bytes author,
                          uint64_t watch)
{
    struct bytes value;
    struct log_verdict row;
    struct entry entry;
    struct envelope envelope;
    enum rsm_status status = log_get_entry(kv, slot, &value);
    if (status == RSM_OK)
        status = log_get_verdict(kv, slot, &row);
    if (status != RSM_OK)
        return status;
    if (entry_parse(value, &entry) != RSM_OK)
        entry = (struct entry){.kind = ENTRY_NOOP};
    struct bytes raw = envelope_in(&entry);
    bool has_commands = raw.size > 0 && envelope_parse(raw, &envelope) == RSM_OK;
    if (author.size > 0 && (!has_commands || !bytes_equal(envelope.author, author)))
        return RSM_NOT_FOUND;
    pack_map(out, watch != 0 ? 8 : 7);
    if (watch != 0) {
        pack_number(out, "watch", watch);
    }
    pack_number(out, "slot", slot);
    pack_key(out, "kind");
    pack_text(out, kind_text(entry.kind));
    pack_number(out, "time_ms", row.log_time_ms);
    pack_key(out, "entry_head");
    pack_hash(out, row.entry_head);
    pack_key(out, "verdict_head");
    pack_hash(out, row.verdict_head);
    pack_key(out, "commands");
    if (has_commands)
        pack_commands(out, &envelope);
    else
        pack_array(out, 0);
    pack_key(out, "verdicts");
    pack_verdicts(out, slot, row.verdicts);
    return RSM_OK;
}
