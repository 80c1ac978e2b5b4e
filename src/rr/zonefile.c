/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * zonefile.c - the zone scanner's records, sorted into record sets.
 *
 * Records gather in one array that points into blocks of memory; when all are there they are
 * sorted by (owner, type, data), and a set is a run of them.
 */
#include "src/rr/zonefile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>
#include <libzscanner/scanner.h>

#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/rr/data.h"
#include "src/rr/name.h"

#define BLOCK_SIZE (1u << 18)

struct block {
    struct block *next;
    size_t used, capacity;
    uint8_t data[];
};

struct record {
    struct bytes owner;
    struct bytes rdata;
    uint64_t line;
    uint32_t ttl;
    uint16_t type;
};

struct memory {
    struct block *blocks;
    struct record *records;
    size_t count, capacity;
    struct bytes *rdatas;
};

struct parse {
    struct zonefile *out;
    struct memory *memory;
    zs_scanner_t *scanner;
};

static void *take(struct memory *m, size_t size)
{
    if (m->blocks == NULL || m->blocks->capacity - m->blocks->used < size) {
        size_t capacity = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        struct block *block = mem_alloc(sizeof *block + capacity);
        block->capacity = capacity;
        block->next = m->blocks;
        m->blocks = block;
    }
    void *memory = m->blocks->data + m->blocks->used;
    m->blocks->used += size;
    return memory;
}

static void add_error(struct parse *p, uint64_t line, const char *text, const char *more)
{
    if (p->out->error_count < ZONEFILE_ERRORS_MAX) {
        struct zonefile_error *e = &p->out->errors[p->out->error_count];
        e->line = line;
        snprintf(e->text, sizeof e->text, "%s%s%s", text, more != NULL ? ": " : "",
                 more != NULL ? more : "");
    }
    p->out->error_count++;
}

static void add_record(struct parse *p)
{
    zs_scanner_t *s = p->scanner;
    struct memory *m = p->memory;
    char type[RR_TYPE_TEXT_MAX];
    if (s->r_class != KNOT_CLASS_IN) {
        add_error(p, s->line_counter, "only class IN is kept", NULL);
        return;
    }
    if (!rr_type_is_storable(s->r_type)) {
        add_error(p, s->line_counter, "a type that no zone has", rr_type_to_text(s->r_type, type));
        return;
    }
    if (m->count == m->capacity) {
        m->capacity = m->capacity * 2 + 256;
        m->records = mem_realloc(m->records, m->capacity * sizeof *m->records);
    }
    struct bytes data = bytes_make(s->r_data, s->r_data_length);
    uint8_t *owner = take(m, s->r_owner_length);
    uint8_t *rdata = take(m, s->r_data_length);
    struct record *r = &m->records[m->count];
    *r = (struct record){.line = s->line_counter, .ttl = s->r_ttl, .type = s->r_type};
    r->owner = name_lower(bytes_make(s->r_owner, s->r_owner_length), owner);
    r->rdata = bytes_make(rdata, s->r_data_length);
    /* As the rules of the state machine ask: also that it can be written, and read again. */
    if (rr_data_canonical(s->r_type, data, rdata) != RSM_OK ||
        rr_data_check(s->r_type, r->rdata) != RSM_OK) {
        add_error(p, s->line_counter, "the record data is malformed",
                  rr_type_to_text(s->r_type, type));
        return;
    }
    m->count++;
}

/* One step of the scanner. False at the end of the text. */
static bool scan(struct parse *p)
{
    zs_scanner_t *s = p->scanner;
    if (zs_parse_record(s) != 0) {
        add_error(p, s->line_counter, zs_strerror(s->error.code), NULL);
        return false;
    }
    switch (s->state) {
    case ZS_STATE_DATA:
        add_record(p);
        return true;
    case ZS_STATE_ERROR:
        add_error(p, s->line_counter, zs_strerror(s->error.code), NULL);
        return !s->error.fatal;
    case ZS_STATE_INCLUDE:
        add_error(p, s->line_counter, "$INCLUDE is not followed", NULL);
        return false;
    case ZS_STATE_EOF:
    case ZS_STATE_STOP:
        return false;
    case ZS_STATE_NONE:
        return true;
    }
    return false;
}

/* Canonical order of names (RFC 4034 6.1): label by label from the root's side. */
static int compare_names(struct bytes a, struct bytes b)
{
    uint8_t at_a[128], at_b[128];
    size_t count_a = 0, count_b = 0;
    for (size_t i = 0; a.data[i] != 0; i += 1u + a.data[i])
        at_a[count_a++] = (uint8_t)i;
    for (size_t i = 0; b.data[i] != 0; i += 1u + b.data[i])
        at_b[count_b++] = (uint8_t)i;
    while (count_a > 0 && count_b > 0) {
        const uint8_t *label_a = a.data + at_a[--count_a];
        const uint8_t *label_b = b.data + at_b[--count_b];
        int order =
            bytes_compare(bytes_make(label_a + 1, label_a[0]), bytes_make(label_b + 1, label_b[0]));
        if (order != 0)
            return order;
    }
    return (count_a > 0) - (count_b > 0);
}

static int compare_records(const void *left, const void *right)
{
    const struct record *a = left;
    const struct record *b = right;
    int order = compare_names(a->owner, b->owner);
    if (order == 0)
        order = (a->type > b->type) - (a->type < b->type);
    if (order == 0)
        order = rr_data_compare(a->rdata, b->rdata);
    if (order == 0)
        order = (a->line > b->line) - (a->line < b->line);
    return order;
}

static bool same_set(const struct record *a, const struct record *b)
{
    return a->type == b->type && name_equal(a->owner, b->owner);
}

static void close_set(struct parse *p, struct zonefile_rrset *set)
{
    char type[RR_TYPE_TEXT_MAX];
    if (set->count > LIMIT_RRSET_RECORDS)
        add_error(p, 0, "a record set has too many records", rr_type_to_text(set->type, type));
}

static void collect_sets(struct parse *p)
{
    struct memory *m = p->memory;
    struct zonefile *z = p->out;
    m->rdatas = mem_alloc((m->count + 1) * sizeof *m->rdatas);
    z->rrsets = mem_alloc((m->count + 1) * sizeof *z->rrsets);
    struct zonefile_rrset *set = NULL;
    for (size_t i = 0; i < m->count; i++) {
        const struct record *r = &m->records[i];
        if (i == 0 || !same_set(&m->records[i - 1], r)) {
            if (set != NULL)
                close_set(p, set);
            set = &z->rrsets[z->rrset_count++];
            *set = (struct zonefile_rrset){.owner = r->owner,
                                           .type = r->type,
                                           .ttl = r->ttl,
                                           .rdatas = &m->rdatas[z->record_count]};
        } else if (r->ttl != set->ttl) {
            add_error(p, r->line, "its TTL differs from that of the other records of its set",
                      NULL);
        } else if (bytes_equal(m->records[i - 1].rdata, r->rdata)) {
            continue; /* the same record twice is one (RFC 2181 5) */
        }
        set->rdatas[set->count++] = r->rdata;
        z->record_count++;
    }
    if (set != NULL)
        close_set(p, set);
}

static void drop_content(struct zonefile *z)
{
    struct memory *m = z->memory;
    if (m != NULL) {
        while (m->blocks != NULL) {
            struct block *next = m->blocks->next;
            mem_free(m->blocks);
            m->blocks = next;
        }
        mem_free(m->records);
        mem_free(m->rdatas);
        mem_free(m);
    }
    mem_free(z->rrsets);
    z->memory = NULL;
    z->rrsets = NULL;
    z->rrset_count = 0;
    z->record_count = 0;
}

enum rsm_status zonefile_parse(struct bytes text, struct bytes origin, uint32_t default_ttl,
                               struct zonefile *out)
{
    char origin_text[NAME_TEXT_MAX];
    *out = (struct zonefile){0};
    if (text.size > ZONEFILE_SIZE_MAX)
        return RSM_TOO_LARGE;
    out->memory = mem_alloc(sizeof(struct memory));
    struct parse p = {.out = out, .memory = out->memory};
    p.scanner = mem_alloc(sizeof *p.scanner);
    if (zs_init(p.scanner, name_to_text(origin, origin_text), KNOT_CLASS_IN, default_ttl) != 0) {
        mem_free(p.scanner);
        return RSM_NO_MEMORY;
    }
    /* An empty text is a zone without records; the scanner calls it an error. */
    if (text.size > 0) {
        if (zs_set_input_string(p.scanner, (const char *)text.data, text.size) != 0)
            add_error(&p, 0, zs_strerror(p.scanner->error.code), NULL);
        else
            while (scan(&p))
                ;
    }
    zs_deinit(p.scanner);
    mem_free(p.scanner);
    if (out->error_count == 0) {
        if (p.memory->count > 0)
            qsort(p.memory->records, p.memory->count, sizeof(struct record), compare_records);
        collect_sets(&p);
    }
    if (out->error_count == 0)
        return RSM_OK;
    drop_content(out);
    return RSM_MALFORMED;
}

void zonefile_free(struct zonefile *z)
{
    drop_content(z);
}

enum rsm_status zonefile_write(struct writer *out, struct bytes owner, uint16_t type, uint32_t ttl,
                               struct bytes rdata)
{
    char owner_text[NAME_TEXT_MAX];
    char type_text[RR_TYPE_TEXT_MAX];
    struct rr_text texts;
    const char *text;
    rr_text_init(&texts);
    enum rsm_status status = rr_text_of(&texts, type, rdata, &text);
    if (status == RSM_OK)
        writer_format(out, "%s\t%u\tIN\t%s\t%s\n", name_to_text(owner, owner_text), ttl,
                      rr_type_to_text(type, type_text), text);
    rr_text_deinit(&texts);
    return status == RSM_OK && out->failed ? RSM_TOO_LARGE : status;
}
