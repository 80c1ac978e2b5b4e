/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verdict.c - verdicts of a slot (see verdict.h). */
#include "src/machine/verdict.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/check.h"

/* What one verdict may take besides its reasons and result; both are bounded by their makers. */
#define VERDICTS_SIZE_MAX LIMIT_ENVELOPE_SIZE
#define SPACIOUS_SIZE 65536u
#define REASONS_SIZE_MAX (LIMIT_REASONS_PER_VERDICT * (EVIDENCE_SIZE_MAX + 8u))

void verdicts_init(struct verdicts *v)
{
    memset(v, 0, sizeof *v);
    writer_init(&v->bytes, VERDICTS_SIZE_MAX);
    writer_u32(&v->bytes, 0);
}

void verdicts_deinit(struct verdicts *v)
{
    writer_deinit(&v->bytes);
    memset(v, 0, sizeof *v);
}

void verdicts_reset(struct verdicts *v)
{
    struct writer bytes = v->bytes;
    memset(v, 0, sizeof *v);
    v->bytes = bytes;
    writer_reset(&v->bytes);
    writer_u32(&v->bytes, 0);
}

void verdicts_set(struct verdicts *v, const struct verdicts *from, struct bytes bytes)
{
    struct writer kept = v->bytes;
    *v = *from;
    v->bytes = kept;
    writer_reset(&v->bytes);
    writer_bytes(&v->bytes, bytes);
}

struct bytes verdicts_bytes(const struct verdicts *v)
{
    return writer_result(&v->bytes);
}

/* ---- reading ---- */

struct verdict_walk verdict_walk(struct bytes encoded)
{
    struct verdict_walk walk = {.reader = reader_make(encoded)};
    walk.left = reader_u32(&walk.reader);
    return walk;
}

bool verdict_reason_next(struct reader *reader, uint32_t *rule_out, struct bytes *evidence_out)
{
    if (reader_left(reader) == 0)
        return false;
    *rule_out = reader_u32(reader);
    *evidence_out = reader_blob(reader, EVIDENCE_SIZE_MAX);
    return !reader->failed;
}

static void read_reasons(struct reader *r, struct verdict *out)
{
    out->reason_count = reader_u16(r);
    out->omitted = reader_u32(r);
    size_t begin = r->offset;
    for (uint32_t i = 0; i < out->reason_count; i++) {
        (void)reader_u32(r);
        (void)reader_blob(r, EVIDENCE_SIZE_MAX);
    }
    if (!r->failed)
        out->reasons = bytes_make(r->data + begin, r->offset - begin);
}

static bool read_verdict(struct reader *r, struct verdict *out)
{
    memset(out, 0, sizeof *out);
    uint8_t kind = reader_u8(r);
    if (kind < VERDICT_APPLIED || kind > VERDICT_SETTLED)
        r->failed = true;
    out->kind = r->failed ? VERDICT_REFUSED : (enum verdict_kind)kind;
    out->first_slot = reader_u64(r);
    out->first_index = reader_u32(r);
    out->counter = reader_u64(r);
    out->digest = reader_bytes(r, HASH_SIZE).data;
    out->author = reader_blob(r, LIMIT_PRINCIPAL_SIZE);
    out->stages = reader_blob(r, STAGES_SIZE_MAX);
    r->failed |= !stages_check(out->stages);
    if (out->kind == VERDICT_REFUSED)
        read_reasons(r, out);
    else
        out->result = reader_blob(r, VERDICTS_SIZE_MAX);
    return !r->failed;
}

bool verdict_next(struct verdict_walk *walk, struct verdict *out)
{
    if (walk->left == 0)
        return false;
    walk->left--;
    struct verdict v;
    if (!read_verdict(&walk->reader, &v))
        return false;
    *out = v;
    return true;
}

enum rsm_status verdicts_check(struct bytes encoded)
{
    struct verdict_walk walk = verdict_walk(encoded);
    struct verdict v;
    while (verdict_next(&walk, &v))
        continue;
    return walk.left == 0 && reader_done(&walk.reader) ? RSM_OK : RSM_DAMAGED;
}

enum rsm_status verdict_at(struct bytes encoded, uint32_t index, struct verdict *out)
{
    struct verdict_walk walk = verdict_walk(encoded);
    for (uint32_t i = 0; verdict_next(&walk, out); i++) {
        if (i == index)
            return RSM_OK;
    }
    return walk.reader.failed ? RSM_DAMAGED : RSM_NOT_FOUND;
}

bool verdict_names(const struct verdict *v, enum rsm_rule rule)
{
    struct reader r = reader_make(v->reasons);
    uint32_t number;
    struct bytes evidence;
    while (verdict_reason_next(&r, &number, &evidence)) {
        if (number == (uint32_t)rule)
            return true;
    }
    return false;
}

const char *verdict_kind_text(enum verdict_kind kind)
{
    static const char *const texts[] = {[VERDICT_APPLIED] = "applied",
                                        [VERDICT_REFUSED] = "refused",
                                        [VERDICT_STAGED] = "staged",
                                        [VERDICT_SETTLED] = "settled"};
    return texts[kind];
}

/* ---- in words ---- */

struct text {
    char *data;
    size_t size, used;
};

static void text_add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void text_add(struct text *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(t->data + t->used, t->size - t->used, format, arguments);
    va_end(arguments);
    if (size > 0)
        t->used += (size_t)size < t->size - t->used ? (size_t)size : t->size - t->used - 1;
}

static void describe(struct text *t, const struct verdict *v)
{
    text_add(t, "%.*s %" PRIu64 ":", (int)v->author.size, (const char *)v->author.data, v->counter);
    if (v->kind != VERDICT_REFUSED)
        text_add(t, " %s", verdict_kind_text(v->kind));
    struct reader r = reader_make(v->reasons);
    uint32_t rule;
    struct bytes evidence;
    for (uint32_t i = 0; verdict_reason_next(&r, &rule, &evidence); i++) {
        text_add(t, "%s %s: %.*s", i == 0 ? "" : ";", rsm_rule_id(rule), (int)evidence.size,
                 (const char *)evidence.data);
    }
    if (v->omitted > 0)
        text_add(t, "; %" PRIu32 " more reasons", v->omitted);
    if (verdict_is_duplicate(v))
        text_add(t, " (first in slot %" PRIu64 ")", v->first_slot);
}

void verdict_describe(const struct verdict *v, char *text, size_t size)
{
    CHECK(size > 0);
    text[0] = '\0';
    struct text t = {text, size, 0};
    describe(&t, v);
}

void verdicts_describe(const struct verdicts *v, char *text, size_t size)
{
    CHECK(size > 0);
    text[0] = '\0';
    struct text t = {text, size, 0};
    struct verdict_walk walk = verdict_walk(verdicts_bytes(v));
    struct verdict one;
    for (uint32_t i = 0; verdict_next(&walk, &one); i++) {
        if (i > 0)
            text_add(&t, " | ");
        describe(&t, &one);
    }
}

/* ---- building ---- */

void reasons_init(struct reasons *r)
{
    memset(r, 0, sizeof *r);
    writer_init(&r->bytes, REASONS_SIZE_MAX);
}

void reasons_deinit(struct reasons *r)
{
    writer_deinit(&r->bytes);
}

void reasons_reset(struct reasons *r)
{
    writer_reset(&r->bytes);
    r->count = 0;
    r->omitted = 0;
    r->failed = 0;
}

/* Evidence goes into MessagePack str: cut before a character that does not fit whole. */
static size_t cut(const uint8_t *text, size_t size)
{
    if (size <= EVIDENCE_SIZE_MAX)
        return size;
    size = EVIDENCE_SIZE_MAX;
    while (size > 0 && (text[size] & 0xc0) == 0x80)
        size--;
    return size;
}

void reasons_add_bytes(struct reasons *r, uint32_t rule, struct bytes evidence)
{
    r->failed |= 1u << rsm_rule_stage(rule);
    if (r->count == LIMIT_REASONS_PER_VERDICT) {
        r->omitted++;
        return;
    }
    r->count++;
    writer_u32(&r->bytes, rule);
    writer_blob(&r->bytes, bytes_make(evidence.data, cut(evidence.data, evidence.size)));
    CHECK(!r->bytes.failed);
}

void reasons_add(struct reasons *r, enum rsm_rule rule, const char *format, ...)
{
    char text[2 * EVIDENCE_SIZE_MAX];
    if (r->count == LIMIT_REASONS_PER_VERDICT) {
        r->failed |= 1u << rsm_rule_stage(rule);
        r->omitted++;
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    CHECK(size >= 0);
    size_t used = (size_t)size < sizeof text ? (size_t)size : sizeof text - 1;
    reasons_add_bytes(r, rule, bytes_make(text, used));
}

static void add_head(struct verdicts *v, enum verdict_kind kind, const struct verdict_id *id,
                     uint64_t first_slot, uint32_t first_index)
{
    struct writer *w = &v->bytes;
    writer_u8(w, (uint8_t)kind);
    writer_u64(w, first_slot);
    writer_u32(w, first_index);
    writer_u64(w, id->counter);
    writer_bytes(w, bytes_make(id->digest, HASH_SIZE));
    writer_blob(w, id->author);
    writer_blob(w, id->stages);
}

static void added(struct verdicts *v)
{
    CHECK(!v->bytes.failed);
    v->count++;
    put_u32(v->bytes.data, v->count);
}

static void add_reasons(struct verdicts *v, uint32_t count, uint32_t omitted, struct bytes reasons)
{
    writer_u16(&v->bytes, (uint16_t)count);
    writer_u32(&v->bytes, omitted);
    writer_bytes(&v->bytes, reasons);
}

void reasons_drop(struct reasons *r, const uint32_t *rules, uint32_t count)
{
    struct reader old = reader_make(writer_result(&r->bytes));
    struct writer kept;
    uint32_t rule, kept_count = 0;
    struct bytes evidence;
    if (count == 0 || r->omitted > 0)
        return;
    writer_init(&kept, REASONS_SIZE_MAX);
    r->failed = 0;
    while (verdict_reason_next(&old, &rule, &evidence)) {
        bool is_named = false;
        for (uint32_t i = 0; i < count; i++)
            is_named |= rules[i] == rule;
        if (is_named)
            continue;
        r->failed |= 1u << rsm_rule_stage(rule);
        writer_u32(&kept, rule);
        writer_blob(&kept, evidence);
        kept_count++;
    }
    writer_reset(&r->bytes);
    writer_bytes(&r->bytes, writer_result(&kept));
    r->count = kept_count;
    writer_deinit(&kept);
}

static void add_result(struct verdicts *v, enum verdict_kind kind, const struct verdict_id *id,
                       struct bytes result)
{
    add_head(v, kind, id, 0, 0);
    writer_blob(&v->bytes, result);
    added(v);
}

void verdicts_add_applied(struct verdicts *v, const struct verdict_id *id, struct bytes result)
{
    add_result(v, VERDICT_APPLIED, id, result);
    v->applied_count++;
}

void verdicts_add_staged(struct verdicts *v, const struct verdict_id *id, struct bytes result)
{
    add_result(v, VERDICT_STAGED, id, result);
    v->staged_count++;
}

void verdicts_add_settled(struct verdicts *v, const struct verdict_id *id, struct bytes result)
{
    add_result(v, VERDICT_SETTLED, id, result);
    v->settled_count++;
}

bool verdicts_are_spacious(const struct verdicts *v)
{
    return v->bytes.size < SPACIOUS_SIZE;
}

/*
 * A bundle of 1024 commands with 64 long reasons each is 64 MiB of words. Behind the first
 * SPACIOUS_SIZE bytes a verdict keeps its first reason and the count of the others, so that all
 * verdicts of a slot, and a rejection that holds them, stay below 2 MiB.
 */
static struct bytes fitting(const struct verdicts *v, const struct reasons *reasons,
                            uint32_t *count_out, uint32_t *omitted_out)
{
    struct reader r = reader_make(writer_result(&reasons->bytes));
    bool is_spacious = verdicts_are_spacious(v);
    uint32_t rule;
    struct bytes evidence;
    size_t end = 0;
    *count_out = 0;
    while ((is_spacious || *count_out == 0) && verdict_reason_next(&r, &rule, &evidence)) {
        end = r.offset;
        (*count_out)++;
    }
    *omitted_out = reasons->omitted + (reasons->count - *count_out);
    return bytes_make(reasons->bytes.data, end);
}

void verdicts_add_refused(struct verdicts *v, const struct verdict_id *id,
                          const struct reasons *reasons)
{
    CHECK(reasons->count > 0);
    uint32_t count, omitted;
    struct bytes bytes = fitting(v, reasons, &count, &omitted);
    add_head(v, VERDICT_REFUSED, id, 0, 0);
    add_reasons(v, count, omitted, bytes);
    v->refused_count++;
    added(v);
}

void verdicts_add_duplicate(struct verdicts *v, const struct verdict *first, uint64_t slot,
                            uint32_t index)
{
    struct verdict_id id = {first->author, first->counter, first->digest, first->stages};
    add_head(v, first->kind, &id, verdict_is_duplicate(first) ? first->first_slot : slot,
             verdict_is_duplicate(first) ? first->first_index : index);
    if (first->kind == VERDICT_REFUSED)
        add_reasons(v, first->reason_count, first->omitted, first->reasons);
    else
        writer_blob(&v->bytes, first->result);
    v->duplicate_count++;
    added(v);
}
