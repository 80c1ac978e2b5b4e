/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stage.c - the record of a command's stages (see stage.h). */
#include "src/machine/stage.h"

#include <string.h>

#include "src/base/check.h"

const char *stage_outcome_text(uint32_t outcome)
{
    switch (outcome) {
    case STAGE_PASSED:
        return "pass";
    case STAGE_FAILED:
        return "fail";
    case STAGE_SKIPPED:
        return "skipped";
    }
    return "unknown";
}

const char *stage_why_text(uint32_t why)
{
    switch (why) {
#define WHY_TEXT(name, number, words)                                                              \
    case number:                                                                                   \
        return words;
        STAGE_WHY_LIST(WHY_TEXT)
#undef WHY_TEXT
    }
    return "unknown";
}

const char *stage_figure_id(uint32_t figure)
{
    switch (figure) {
#define FIGURE_ID(name, number, id)                                                                \
    case number:                                                                                   \
        return id;
        STAGE_FIGURE_LIST(FIGURE_ID)
#undef FIGURE_ID
    }
    return "unknown";
}

/* ---- in the making ---- */

static struct stage_entry *entry_of(struct stages_made *s, enum rsm_stage stage)
{
    CHECK(stage >= RSM_STAGE_PREFLIGHT && stage <= STAGE_COUNT_RECORDED);
    return &s->entries[stage];
}

void stages_begin(struct stages_made *s)
{
    memset(s->entries, 0, sizeof s->entries);
    s->service_count = 0;
    s->is_brief = false;
    for (uint32_t i = 1; i <= STAGE_COUNT_RECORDED; i++)
        s->entries[i].why = STAGE_WHY_NOT_REACHED;
}

void stage_ran(struct stages_made *s, enum rsm_stage stage)
{
    entry_of(s, stage)->has_run = true;
}

void stage_skip(struct stages_made *s, enum rsm_stage stage, enum stage_why why)
{
    struct stage_entry *e = entry_of(s, stage);
    e->has_run = false;
    e->why = why;
}

void stage_note(struct stages_made *s, enum rsm_stage stage, enum stage_figure key, uint64_t value)
{
    struct stage_entry *e = entry_of(s, stage);
    uint32_t at = 0;
    while (at < e->figure_count && e->figures[at].key != key)
        at++;
    CHECK(at < STAGE_FIGURES_MAX);
    if (at == e->figure_count)
        e->figure_count++;
    e->figures[at].key = key;
    e->figures[at].value = value;
}

void stage_name_service(struct stages_made *s, struct bytes service)
{
    CHECK(service.size > 0 && service.size <= LIMIT_LABEL_SIZE);
    if (s->service_count == 0)
        s->services_size = 0;
    if ((s->is_brief && s->service_count == STAGE_SERVICES_BRIEF) ||
        s->services_size + 1 + service.size > sizeof s->services)
        return;
    s->services[s->services_size++] = (uint8_t)service.size;
    memcpy(s->services + s->services_size, service.data, service.size);
    s->services_size += service.size;
    s->service_count++;
}

static void encode_services(struct writer *out, const struct stages_made *s)
{
    if (s->service_count == 0)
        return;
    writer_u8(out, 0);
    writer_u16(out, (uint16_t)s->service_count);
    writer_bytes(out, bytes_make(s->services, s->services_size));
}

/* The number without the zeros in front of it. */
static void encode_figure(struct writer *out, enum stage_figure key, uint64_t value)
{
    uint8_t bytes[8];
    size_t size = value == 0 ? 0 : 8 - (size_t)__builtin_clzll(value) / 8;
    put_u64(bytes, value);
    uint8_t *at = writer_grow(out, 2 + size);
    if (at == NULL)
        return;
    at[0] = (uint8_t)key;
    at[1] = (uint8_t)size;
    memcpy(at + 2, bytes + 8 - size, size);
}

void stages_encode(struct writer *out, const struct stages_made *s, uint32_t failed)
{
    for (uint32_t i = 1; i <= STAGE_COUNT_RECORDED; i++) {
        const struct stage_entry *e = &s->entries[i];
        enum stage_outcome outcome = STAGE_SKIPPED;
        if ((failed & 1u << i) != 0)
            outcome = STAGE_FAILED;
        else if (e->has_run)
            outcome = STAGE_PASSED;
        writer_u8(out, (uint8_t)(i * 16 + outcome));
        writer_u8(out, outcome == STAGE_SKIPPED ? (uint8_t)e->why : 0);
        writer_u8(out, (uint8_t)e->figure_count);
        for (uint32_t k = 0; k < e->figure_count; k++)
            encode_figure(out, e->figures[k].key, e->figures[k].value);
    }
    encode_services(out, s);
}

/* ---- reading ---- */

static bool read_figure(struct reader *r, uint32_t *key_out, uint64_t *value_out)
{
    uint8_t key = reader_u8(r);
    struct bytes number = reader_bytes(r, reader_u8(r));
    uint64_t value = 0;
    if (r->failed || key == 0 || number.size > 8 || (number.size > 0 && number.data[0] == 0))
        return false;
    for (size_t i = 0; i < number.size; i++)
        value = value << 8 | number.data[i];
    *key_out = key;
    *value_out = value;
    return true;
}

bool stage_next(struct bytes *record, struct stage_row *out)
{
    struct reader r = reader_make(*record);
    uint32_t key;
    uint64_t value;
    if (record->size == 0)
        return false;
    uint8_t head = reader_u8(&r);
    uint8_t why = reader_u8(&r);
    uint8_t count = reader_u8(&r);
    size_t begin = r.offset;
    uint32_t outcome = head & 15u;
    if (r.failed || count > STAGE_FIGURES_MAX || outcome < STAGE_PASSED || outcome > STAGE_SKIPPED)
        return false;
    if ((outcome == STAGE_SKIPPED) != (why != 0))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!read_figure(&r, &key, &value))
            return false;
    }
    out->stage = (enum rsm_stage)(head >> 4);
    out->outcome = (enum stage_outcome)outcome;
    out->why = why;
    out->figure_count = count;
    out->figures = bytes_make(r.data + begin, r.offset - begin);
    *record = bytes_make(record->data + r.offset, record->size - r.offset);
    return true;
}

bool stage_figure_next(struct bytes *figures, uint32_t *key_out, uint64_t *value_out)
{
    struct reader r = reader_make(*figures);
    if (figures->size == 0 || !read_figure(&r, key_out, value_out))
        return false;
    *figures = bytes_make(figures->data + r.offset, figures->size - r.offset);
    return true;
}

struct bytes stages_services(struct bytes record)
{
    struct stage_row row;
    while (stage_next(&record, &row))
        ;
    bool is_list = record.size > 3 && record.data[0] == 0;
    return is_list ? bytes_make(record.data + 3, record.size - 3) : bytes_make(NULL, 0);
}

bool stage_service_next(struct bytes *services, struct bytes *service_out)
{
    struct reader r = reader_make(*services);
    if (services->size == 0)
        return false;
    *service_out = reader_bytes(&r, reader_u8(&r));
    if (r.failed || service_out->size == 0 || service_out->size > LIMIT_LABEL_SIZE)
        return false;
    *services = bytes_make(services->data + r.offset, services->size - r.offset);
    return true;
}

/* Nothing, or the list of affected services as it is written. */
static bool is_services(struct bytes rest)
{
    struct bytes names, name;
    uint32_t count = 0;
    if (rest.size == 0)
        return true;
    names = stages_services(rest);
    while (names.size > 0 && stage_service_next(&names, &name))
        count++;
    return rest.size > 3 && names.size == 0 && count > 0 && rest.data[0] == 0 &&
           get_u16(rest.data + 1) == count;
}

bool stages_check(struct bytes record)
{
    struct stage_row row;
    if (record.size > STAGES_SIZE_MAX)
        return false;
    for (uint32_t i = 1; i <= STAGE_COUNT_RECORDED; i++) {
        if (!stage_next(&record, &row) || (uint32_t)row.stage != i)
            return false;
    }
    return is_services(record);
}

bool stages_figure(struct bytes record, enum rsm_stage stage, enum stage_figure key,
                   uint64_t *value_out)
{
    struct stage_row row;
    uint32_t found;
    while (stage_next(&record, &row)) {
        while (row.stage == stage && stage_figure_next(&row.figures, &found, value_out)) {
            if (found == (uint32_t)key)
                return true;
        }
    }
    return false;
}
