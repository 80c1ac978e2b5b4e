/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * apply.c - one slot into the state (see machine.h).
 *
 *     kv, as handed in        <- the slot's own writes: log time, applied slot, refused digests
 *       ^ merged if applied
 *     inner overlay           <- one command, judged in it (judge.c)
 *
 * Applied commands of a bundle are merged one by one, so that the next sees them. The slot's own
 * writes come last: when nothing of an entry was applied, machine_judge can still leave `kv` alone.
 */
#include "src/machine/machine.h"

#include <string.h>

#include "src/base/blob.h"
#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/machine/entry.h"
#include "src/machine/judge.h"
#include "src/machine/names.h"
#include "src/machine/resume.h"
#include "src/machine/settle.h"
#include "src/machine/update.h"

#define PENDING_SIZE_MAX (2u * LIMIT_VALUE_SIZE)

struct machine *machine_new(void)
{
    struct machine *m = mem_alloc_aligned(_Alignof(struct machine), sizeof *m); /* effects.h */
    m->inner = kv_overlay_new(NULL);
    m->memo = memo_new();
    m->names = name_set_new();
    m->graph = graph_new();
    m->update = update_work_new();
    reasons_init(&m->reasons);
    writer_init(&m->stage_record, STAGES_SIZE_MAX);
    verdicts_init(&m->verdicts);
    writer_init(&m->changes.keys, LIMIT_CHANGES * RRSET_KEY_SIZE_MAX);
    writer_init(&m->result, LIMIT_REASON_SIZE);
    writer_init(&m->value, LIMIT_VALUE_SIZE);
    writer_init(&m->copy, LIMIT_VALUE_SIZE);
    writer_init(&m->catalog, LIMIT_VALUE_SIZE);
    writer_init(&m->content, LIMIT_VALUE_SIZE);
    writer_init(&m->pending, PENDING_SIZE_MAX);
    writer_init(&m->bad, PENDING_SIZE_MAX);
    writer_init(&m->sorted, LIMIT_VALUE_SIZE);
    writer_init(&m->classes, LIMIT_VALUE_SIZE);
    writer_init(&m->labels, LIMIT_VALUE_SIZE);
    writer_init(&m->tiers, LIMIT_VALUE_SIZE);
    return m;
}

void machine_free(struct machine *m)
{
    if (m == NULL)
        return;
    kv_free(m->inner);
    memo_free(m->memo);
    name_set_free(m->names);
    graph_free(m->graph);
    update_work_free(m->update);
    reasons_deinit(&m->reasons);
    writer_deinit(&m->stage_record);
    verdicts_deinit(&m->verdicts);
    writer_deinit(&m->changes.keys);
    writer_deinit(&m->result);
    writer_deinit(&m->value);
    writer_deinit(&m->copy);
    writer_deinit(&m->catalog);
    writer_deinit(&m->content);
    writer_deinit(&m->pending);
    writer_deinit(&m->bad);
    writer_deinit(&m->sorted);
    writer_deinit(&m->classes);
    writer_deinit(&m->labels);
    writer_deinit(&m->tiers);
    mem_free(m->changes.items);
    mem_free(m->changes.rdatas);
    mem_free(m);
}

void machine_without_memo(struct machine *m)
{
    memo_switch_off(m->memo);
}

/* One slot in the making. */
struct slot_work {
    struct machine *m;
    struct kv *kv;
    uint64_t slot;
    uint64_t now_ms;
    bool is_verified;
    const struct envelope *parsed; /* the entry's envelope, when the caller has parsed it */
    const uint8_t *digests;        /* of its commands, when the caller has them */
    bool only_judge;               /* nothing is written when nothing is applied */
    bool is_bad;
    struct verdicts *out;
    enum rsm_status fault;
};

/* A write of the slot itself. */
static void slot_put(struct slot_work *w, enum table table, struct bytes key, struct bytes value)
{
    if (w->fault != RSM_OK)
        return;
    struct kv_write write = {.table = (uint8_t)table, .key = key, .value = value};
    effects_add(&w->m->effects, &write);
    w->fault = kv_put(w->kv, write.table, key, value);
}

/* ---- verdicts by digest ---- */

/* The verdict that was added last, as its bytes. */
static struct bytes last_verdict(const struct verdicts *v, size_t before)
{
    return bytes_make(v->bytes.data + before, v->bytes.size - before);
}

static bool add_duplicate(struct slot_work *w, const uint8_t digest[HASH_SIZE])
{
    struct digest_record record;
    enum rsm_status status = digest_load(w->kv, digest, &record);
    if (status != RSM_OK) {
        if (status != RSM_NOT_FOUND)
            w->fault = status;
        return false;
    }
    struct writer one; /* a list of one verdict, so that it can be read */
    struct verdict first;
    writer_init(&one, LIMIT_VALUE_SIZE);
    writer_u32(&one, 1);
    writer_bytes(&one, record.verdict);
    status = one.failed ? RSM_DAMAGED : verdict_at(writer_result(&one), 0, &first);
    if (status == RSM_OK && first.kind == VERDICT_REFUSED && MUTANT(FRESH_VERDICT)) {
        writer_deinit(&one);
        return false;
    }
    if (status == RSM_OK)
        verdicts_add_duplicate(w->out, &first, record.slot, record.index);
    else
        w->fault = RSM_DAMAGED;
    writer_deinit(&one);
    return w->fault == RSM_OK;
}

static void encode_digest(struct writer *out, const struct slot_work *w, uint32_t index,
                          struct bytes verdict)
{
    struct digest_record record = {.slot = w->slot, .index = index, .verdict = verdict};
    digest_encode(out, &record);
}

/* Keeps a refused verdict for the slot's end: digest, then a blob. */
static void remember_refused(struct slot_work *w, const uint8_t digest[HASH_SIZE], uint32_t index,
                             struct bytes verdict)
{
    struct writer *value = &w->m->value;
    writer_reset(value);
    encode_digest(value, w, index, verdict);
    writer_bytes(&w->m->pending, bytes_make(digest, HASH_SIZE));
    writer_blob(&w->m->pending, writer_result(value));
    CHECK(!w->m->pending.failed && !value->failed);
}

static void write_pending(struct slot_work *w)
{
    struct reader r = reader_make(writer_result(&w->m->pending));
    while (reader_left(&r) > 0 && w->fault == RSM_OK) {
        struct bytes digest = reader_bytes(&r, HASH_SIZE);
        struct bytes value = reader_blob(&r, LIMIT_VALUE_SIZE);
        CHECK(!r.failed);
        slot_put(w, TABLE_DIGEST, digest, value);
    }
}

/* ---- commands ---- */

static void merge(struct slot_work *w)
{
    struct machine *m = w->m;
    w->fault = effects_add_overlay(&m->effects, m->inner);
    if (w->fault == RSM_OK)
        w->fault = kv_overlay_merge(m->inner, w->kv);
}

/* The planted mistakes about refused commands (mutants.h). */
static void leave_traces(struct slot_work *w, struct judge *j)
{
    if (MUTANT(PARTIAL_CHANGES) && j->m->changes.count > 1)
        merge(w);
    if (!MUTANT(REFUSED_TRACE))
        return;
    kv_overlay_clear(j->m->inner);
    judge_remember(j);
    merge(w);
}

static void digest_of(const struct slot_work *w, const struct envelope *e, const struct command *c,
                      uint32_t index, uint8_t digest_out[HASH_SIZE])
{
    if (w->digests != NULL)
        memcpy(digest_out, w->digests + (size_t)index * HASH_SIZE, HASH_SIZE);
    else
        command_digest(c->raw, e->key, digest_out);
}

static void apply_command(struct slot_work *w, const struct envelope *e, const struct command *c,
                          uint32_t index)
{
    struct machine *m = w->m;
    struct judge j = {.m = m,
                      .kv = m->inner,
                      .slot = w->slot,
                      .index = index,
                      .now_ms = w->now_ms,
                      .is_brief = !verdicts_are_spacious(w->out),
                      .command = c,
                      .key = e->key};
    digest_of(w, e, c, index, j.digest);
    if (add_duplicate(w, j.digest) || w->fault != RSM_OK)
        return;
    w->fault = judge_command(&j, w->is_verified);
    if (w->fault != RSM_OK)
        return;
    struct verdict_id id = {c->author, c->counter, j.digest, writer_result(&m->stage_record)};
    size_t before = w->out->bytes.size;
    if (m->reasons.count > 0) {
        verdicts_add_refused(w->out, &id, &m->reasons);
        if (w->is_verified)
            remember_refused(w, j.digest, index, last_verdict(w->out, before));
        if (w->is_verified)
            resume_note_refused(m, judge_subject(&j));
        leave_traces(w, &j);
        return;
    }
    CHECK(!m->result.failed);
    if (j.undoes != NULL && !j.is_staged)
        resume_note_undone(m, bytes_make(j.undone_author, j.undone_author_size));
    if (j.is_staged)
        verdicts_add_staged(w->out, &id, writer_result(&m->result));
    else
        verdicts_add_applied(w->out, &id, writer_result(&m->result));
    writer_reset(&m->value);
    encode_digest(&m->value, w, index, last_verdict(w->out, before));
    judge_put_writer(&j, TABLE_DIGEST, bytes_make(j.digest, HASH_SIZE), &m->value);
    w->fault = j.fault;
    if (w->fault == RSM_OK)
        merge(w);
}

/* The envelope in those bytes; parsing once is dear enough. False: it is none. */
static bool take_envelope(const struct slot_work *w, struct bytes raw, struct envelope *out)
{
    if (w->parsed == NULL)
        return envelope_parse(raw, out) == RSM_OK;
    *out = *w->parsed;
    CHECK(out->raw.data == raw.data && out->raw.size == raw.size);
    return true;
}

static void apply_commands(struct slot_work *w, struct bytes payload)
{
    struct envelope envelope;
    if (!take_envelope(w, payload, &envelope)) {
        w->is_bad = true;
        return;
    }
    struct envelope_walk walk = envelope_commands(&envelope);
    struct command command;
    w->is_bad = !w->is_verified;
    for (uint32_t i = 0; w->fault == RSM_OK && envelope_next(&walk, &command); i++)
        apply_command(w, &envelope, &command, i);
}

/* ---- rejections ---- */

/* The leader says that nothing of the envelope would be applied; the rules must say so as well. */
static bool is_sound(struct slot_work *w, const struct rejection *r)
{
    struct envelope envelope;
    if (r->envelope.size == 0)
        return true;
    if (!take_envelope(w, r->envelope, &envelope) || !w->is_verified)
        return false;
    struct envelope_walk walk = envelope_commands(&envelope);
    struct command command;
    for (uint32_t i = 0; w->fault == RSM_OK && envelope_next(&walk, &command); i++) {
        struct judge j = {.m = w->m,
                          .kv = w->m->inner,
                          .slot = w->slot,
                          .index = i,
                          .now_ms = w->now_ms,
                          .command = &command,
                          .key = envelope.key};
        struct digest_record known;
        command_digest(command.raw, envelope.key, j.digest);
        if (digest_load(w->kv, j.digest, &known) == RSM_OK)
            continue;
        w->fault = judge_command(&j, true);
        if (w->m->reasons.count == 0)
            return false;
    }
    return true;
}

/* Whose command it was: the author's, or of the automaton for which a gateway speaks. */
static struct bytes subject_of(const struct rejection *r, uint64_t counter)
{
    struct envelope envelope;
    struct command command;
    struct body_update update;
    if (r->envelope.size == 0 || envelope_parse(r->envelope, &envelope) != RSM_OK)
        return r->author;
    struct envelope_walk walk = envelope_commands(&envelope);
    while (envelope_next(&walk, &command))
        if (command.counter == counter && command.kind == RSM_KIND_RRSET_UPDATE &&
            body_update_decode(command.body, &update) == RSM_OK && update.principal.size > 0)
            return update.principal;
    return r->author;
}

static void apply_rejection(struct slot_work *w, struct bytes payload)
{
    struct rejection rejection;
    struct rejection_item item;
    struct machine *m = w->m;
    if (rejection_parse(payload, &rejection) != RSM_OK) {
        w->is_bad = true;
        return;
    }
    bool is_trusted = rejection.envelope.size == 0 || w->is_verified;
    w->is_bad = !is_trusted || (w->only_judge && !is_sound(w, &rejection));
    for (uint32_t i = 0; w->fault == RSM_OK && rejection_next(&rejection, &item); i++) {
        uint32_t rule;
        struct bytes evidence;
        if (add_duplicate(w, item.digest) || w->fault != RSM_OK)
            continue;
        reasons_reset(&m->reasons);
        while (rejection_reason_next(&item, &rule, &evidence))
            reasons_add_bytes(&m->reasons, rule, evidence);
        struct verdict_id id = {rejection.author, item.counter, item.digest, item.stages};
        size_t before = w->out->bytes.size;
        verdicts_add_refused(w->out, &id, &m->reasons);
        if (is_trusted)
            remember_refused(w, item.digest, i, last_verdict(w->out, before));
        if (is_trusted)
            resume_note_refused(m, subject_of(&rejection, item.counter));
    }
}

/* ---- slots ---- */

static uint64_t load_time(struct slot_work *w, uint64_t timestamp_ms)
{
    struct bytes value;
    uint64_t before = 0;
    enum rsm_status status = kv_get(w->kv, TABLE_META, bytes_of_string(META_LOG_TIME), &value);
    if (status == RSM_OK && value.size == 8)
        before = get_u64(value.data);
    else
        w->fault = status == RSM_OK || status == RSM_NOT_FOUND ? RSM_DAMAGED : status;
    if (MUTANT(LEADER_TIME) && timestamp_ms > 0)
        return timestamp_ms;
    return timestamp_ms > before ? timestamp_ms : before;
}

static enum rsm_status put_applied(struct kv *kv, uint64_t slot)
{
    uint8_t bytes[8];
    put_u64(bytes, slot);
    return kv_put(kv, TABLE_META, bytes_of_string(META_APPLIED), bytes_make(bytes, sizeof bytes));
}

static void write_slot(struct slot_work *w)
{
    if (w->fault != RSM_OK)
        return;
    uint8_t slot[8], now[8];
    put_u64(slot, w->slot);
    put_u64(now, w->now_ms);
    write_pending(w);
    slot_put(w, TABLE_META, bytes_of_string(META_LOG_TIME), bytes_make(now, sizeof now));
    slot_put(w, TABLE_TIME, bytes_make(now, sizeof now), bytes_make(slot, sizeof slot));
    if (w->fault == RSM_OK)
        w->fault = put_applied(w->kv, w->slot);
}

static void apply_payload(struct slot_work *w, const struct entry *entry)
{
    switch (entry->kind) {
    case ENTRY_NOOP:
    case ENTRY_TICK:
        return;
    case ENTRY_COMMANDS:
        apply_commands(w, entry->payload);
        return;
    case ENTRY_REJECTION:
        apply_rejection(w, entry->payload);
        return;
    }
}

static enum machine_judgement judgement_of(const struct slot_work *w, enum entry_kind kind)
{
    if (w->is_bad)
        return MACHINE_BAD_ENTRY;
    if (kind != ENTRY_COMMANDS)
        return w->out->count > 0 && w->out->count == w->out->duplicate_count ? MACHINE_DUPLICATE
                                                                             : MACHINE_ACCEPT;
    if (w->out->applied_count + w->out->staged_count > 0)
        return MACHINE_ACCEPT;
    return w->out->refused_count > 0 ? MACHINE_REFUSE : MACHINE_DUPLICATE;
}

static enum rsm_status run(struct slot_work *w, struct bytes value,
                           enum machine_judgement *judgement_out)
{
    struct entry entry;
    struct machine *m = w->m;
    verdicts_reset(w->out);
    writer_reset(&m->pending);
    writer_reset(&m->bad);
    effects_begin(&m->effects);
    kv_overlay_clear(m->inner);
    kv_overlay_set_below(m->inner, w->kv);
    m->knows_dnames = m->writes_dnames = false;
    if (entry_parse(value, &entry) != RSM_OK) {
        entry = (struct entry){.kind = ENTRY_NOOP};
        w->is_bad = true;
    }
    w->now_ms = load_time(w, entry.timestamp_ms);
    if (w->fault == RSM_OK)
        apply_payload(w, &entry);
    *judgement_out = judgement_of(w, entry.kind);
    if (w->fault == RSM_OK && (!w->only_judge || *judgement_out == MACHINE_ACCEPT)) {
        w->fault = settle_slot(m, w->kv, w->slot, w->now_ms, w->out);
        if (w->fault == RSM_OK)
            w->fault = resume_slot(m, w->kv, w->slot, w->now_ms);
        write_slot(w);
    }
    w->out->log_time_ms = w->now_ms;
    effects_end(&m->effects, w->out->effects);
    kv_overlay_clear(m->inner);
    kv_overlay_set_below(m->inner, NULL);
    return w->fault;
}

enum rsm_status machine_apply(struct machine *m, struct kv *kv, uint64_t slot, struct bytes entry,
                              const struct machine_signatures *sigs, struct verdicts *out)
{
    enum machine_judgement judgement;
    struct slot_work work = {.m = m,
                             .kv = kv,
                             .slot = slot,
                             .is_verified = sigs->verified,
                             .parsed = sigs->envelope,
                             .digests = sigs->digests,
                             .out = out};
    return run(&work, entry, &judgement);
}

enum rsm_status machine_judge(struct machine *m, struct kv *kv, uint64_t slot, struct bytes entry,
                              const struct machine_signatures *sigs, struct verdicts *out,
                              enum machine_judgement *judgement_out)
{
    struct slot_work work = {.m = m,
                             .kv = kv,
                             .slot = slot,
                             .is_verified = sigs->verified,
                             .parsed = sigs->envelope,
                             .digests = sigs->digests,
                             .only_judge = true,
                             .out = out != NULL ? out : &m->verdicts};
    return run(&work, entry, judgement_out);
}

void machine_keep_writes(struct machine *m, struct writer *writes)
{
    m->effects.kept = writes;
}

enum rsm_status machine_replay(struct kv *kv, uint64_t slot, struct bytes writes)
{
    enum rsm_status status = effects_replay(writes, kv);
    return status == RSM_OK ? put_applied(kv, slot) : status;
}

/* With `keep` what it would write joins `kv`, when no rule is against it. */
static enum rsm_status check_staged(struct machine *m, struct kv *kv,
                                    const uint8_t digest[HASH_SIZE], uint64_t now_ms,
                                    uint8_t effect_out[HASH_SIZE], bool keep)
{
    struct staged_record row;
    struct bytes bytes;
    struct command command;
    enum rsm_status status = staged_load(kv, digest, &row);
    if (status == RSM_OK)
        status = kv_get(kv, TABLE_STAGED_COMMAND, bytes_make(digest, HASH_SIZE), &bytes);
    if (status != RSM_OK)
        return status;
    struct blob *copy = blob_new(bytes); /* reads of the rules may take the row's bytes away */
    uint8_t key[RSM_PUBLIC_KEY_SIZE];
    memcpy(key, row.key, sizeof key);
    struct judge j = {.m = m,
                      .kv = m->inner,
                      .slot = row.slot,
                      .index = row.index,
                      .now_ms = now_ms,
                      .command = &command,
                      .key = key};
    memcpy(j.digest, digest, HASH_SIZE);
    kv_overlay_clear(m->inner);
    kv_overlay_set_below(m->inner, kv);
    m->knows_dnames = m->writes_dnames = false;
    status = command_parse(blob_bytes(copy), &command) == RSM_OK ? RSM_OK : RSM_DAMAGED;
    if (status == RSM_OK) {
        judge_dry(&j);
        status = j.fault == RSM_OK ? effect_hash(m->inner, effect_out) : j.fault;
    }
    if (status == RSM_OK && keep && m->reasons.count == 0)
        status = kv_overlay_merge(m->inner, kv);
    kv_overlay_clear(m->inner);
    kv_overlay_set_below(m->inner, NULL);
    blob_unref(copy);
    return status;
}

enum rsm_status machine_check_staged(struct machine *m, struct kv *kv,
                                     const uint8_t digest[HASH_SIZE], uint64_t now_ms,
                                     uint8_t effect_out[HASH_SIZE], const struct reasons **why_out)
{
    enum rsm_status status = check_staged(m, kv, digest, now_ms, effect_out, false);
    *why_out = &m->reasons;
    return status;
}

enum rsm_status machine_preview_staged(struct machine *m, struct kv *kv,
                                       const uint8_t digest[HASH_SIZE], uint64_t now_ms)
{
    uint8_t effect[HASH_SIZE];
    return check_staged(m, kv, digest, now_ms, effect, true);
}
