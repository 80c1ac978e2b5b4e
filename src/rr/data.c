/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * data.c - record data through libknot.
 *
 * How foreign wire data is checked: first its blocks by libknot's descriptor of the type (names
 * whole and uncompressed, fixed parts there) and by its form (form.h), then libknot must be able to
 * say it as text, and the zone scanner must make the same bytes of that text again. What only looks
 * like a record does not survive the round trip. Types that are most of any zone have a short way.
 */
#include "src/rr/data.h"

#include <stdio.h>
#include <string.h>

#include <libknot/libknot.h>
#include <libzscanner/scanner.h>

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/rr/form.h"
#include "src/rr/name.h"

/* Timestamps as numbers: their other form depends on what year it is. */
static const knot_dump_style_t style = {.human_timestamp = false};
/* Types whose form is not known here, as RFC 3597 writes them. */
static const knot_dump_style_t opaque_style = {.generic = true};

const char *rr_type_to_text(uint16_t type, char out[RR_TYPE_TEXT_MAX])
{
    /* libzscanner does not read "NULL": RFC 1035 3.3.10 keeps it out of master files. */
    if (type == KNOT_RRTYPE_NULL || knot_rrtype_to_string(type, out, RR_TYPE_TEXT_MAX) < 0)
        snprintf(out, RR_TYPE_TEXT_MAX, "TYPE%u", type);
    return out;
}

enum rsm_status rr_type_from_text(const char *text, uint16_t *type_out)
{
    return knot_rrtype_from_string(text, type_out) == 0 ? RSM_OK : RSM_MALFORMED;
}

bool rr_type_is_storable(uint16_t type)
{
    return type != 0 && type != KNOT_RRTYPE_OPT && knot_rrtype_is_metatype(type) == 0 &&
           (type < 128 || type > 255);
}

bool rr_type_is_singleton(uint16_t type)
{
    return type == RR_TYPE_CNAME || type == RR_TYPE_SOA || type == RR_TYPE_DNAME;
}

/* -------------------------------------------------------------------------------------------- */
/* Blocks. */

/* Size of the whole name at the beginning of the bytes; 0: there is none. */
static size_t name_size_at(struct bytes bytes)
{
    size_t at = 0;
    while (at < bytes.size && at < NAME_SIZE_MAX && bytes.data[at] != 0) {
        if (bytes.data[at] > 63)
            return 0;
        at += 1u + bytes.data[at];
    }
    return at < bytes.size && at < NAME_SIZE_MAX ? at + 1 : 0;
}

/* NAPTR before its name: two numbers and three character strings; 0: too short. */
static size_t naptr_head_size(struct bytes bytes)
{
    size_t at = 4;
    for (int i = 0; i < 3; i++) {
        if (at >= bytes.size)
            return 0;
        at += 1u + bytes.data[at];
    }
    return at <= bytes.size ? at : 0;
}

struct block {
    size_t offset, size;
    bool is_name;
};

/* The next block by the type's descriptor. False: the data is too short for it. */
static bool next_block(int kind, struct bytes rdata, size_t offset, struct block *out)
{
    struct bytes rest = bytes_part(rdata, offset, rdata.size - offset);
    *out = (struct block){.offset = offset};
    switch (kind) {
    case KNOT_RDATA_WF_FIXED_DNAME:
    case KNOT_RDATA_WF_COMPRESSIBLE_DNAME:
    case KNOT_RDATA_WF_DECOMPRESSIBLE_DNAME:
        out->is_name = true;
        out->size = name_size_at(rest);
        return out->size > 0;
    case KNOT_RDATA_WF_NAPTR_HEADER:
        out->size = naptr_head_size(rest);
        return out->size > 0;
    case KNOT_RDATA_WF_REMAINDER:
        out->size = rest.size;
        return true;
    }
    out->size = (size_t)kind;
    return kind > 0 && out->size <= rest.size;
}

/* Calls `on_name` with each name that is to be folded. RSM_MALFORMED: the blocks do not fit. */
static enum rsm_status walk_names(uint16_t type, struct bytes rdata,
                                  void (*on_name)(void *context, size_t offset, struct bytes name),
                                  void *context)
{
    const knot_rdata_descriptor_t *descriptor = knot_get_rdata_descriptor(type);
    bool fold = knot_rrtype_should_be_lowercased(type);
    size_t offset = 0;
    for (size_t i = 0; i < KNOT_MAX_RDATA_BLOCKS; i++) {
        int kind = descriptor->block_types[i];
        struct block block;
        if (kind == KNOT_RDATA_WF_END)
            break;
        if (!next_block(kind, rdata, offset, &block))
            return RSM_MALFORMED;
        if (block.is_name && fold)
            on_name(context, block.offset, bytes_make(rdata.data + block.offset, block.size));
        offset += block.size;
    }
    return offset == rdata.size ? RSM_OK : RSM_MALFORMED;
}

static void fold_name(void *context, size_t offset, struct bytes name)
{
    name_lower(name, (uint8_t *)context + offset);
}

enum rsm_status rr_data_canonical(uint16_t type, struct bytes rdata, uint8_t *out)
{
    if (rdata.size > 0)
        memmove(out, rdata.data, rdata.size);
    return walk_names(type, rdata, fold_name, out);
}

/* -------------------------------------------------------------------------------------------- */
/* Text. */

static enum rsm_status dump(uint16_t type, struct bytes rdata, char *out, size_t size)
{
    static const uint8_t root[1] = {0};
    knot_rrset_t rrset;
    /* libknot never writes to an owner that it was given; its type cannot say so. */
    uint8_t owner[1] = {root[0]};
    knot_rrset_init(&rrset, owner, type, KNOT_CLASS_IN, 0);
    if (rdata.size > LIMIT_RDATA_SIZE || !form_check(type, rdata) ||
        knot_rrset_add_rdata(&rrset, rdata.data, (uint16_t)rdata.size, NULL) != KNOT_EOK)
        return RSM_MALFORMED;
    int length = knot_rrset_txt_dump_data(&rrset, 0, out, size,
                                          form_is_known(type) ? &style : &opaque_style);
    knot_rdataset_clear(&rrset.rrs, NULL);
    if (length == KNOT_ESPACE)
        return RSM_TOO_LARGE;
    if (length < 0 || (size_t)length >= size)
        return length < 0 ? RSM_MALFORMED : RSM_TOO_LARGE;
    while (length > 0 && out[length - 1] == ' ') /* CAA and others end with one */
        length--;
    out[length] = '\0';
    return RSM_OK;
}

enum rsm_status rr_data_to_text(uint16_t type, struct bytes rdata, char *out, size_t size)
{
    return dump(type, rdata, out, size);
}

void rr_text_init(struct rr_text *t)
{
    t->large = NULL;
    t->small[0] = '\0';
}

void rr_text_deinit(struct rr_text *t)
{
    mem_free(t->large);
    t->large = NULL;
}

enum rsm_status rr_text_of(struct rr_text *t, uint16_t type, struct bytes rdata,
                           const char **text_out)
{
    char *text = t->small;
    enum rsm_status status = dump(type, rdata, text, sizeof t->small);
    if (status == RSM_TOO_LARGE) {
        if (t->large == NULL)
            t->large = mem_alloc_unset(RR_DATA_TEXT_MAX);
        text = t->large;
        status = dump(type, rdata, text, RR_DATA_TEXT_MAX);
    }
    if (status != RSM_OK)
        text[0] = '\0'; /* libknot may have begun one */
    *text_out = text;
    return status;
}

/* Scans "@ 0 IN TYPE text"; one record and nothing else may come of it. */
static enum rsm_status scan_line(zs_scanner_t *scanner, uint16_t type, const char *line,
                                 size_t size, struct writer *rdata_out, const char **error_out)
{
    bool found = false;
    *error_out = "no record data";
    if (zs_set_input_string(scanner, line, size) != 0)
        return RSM_MALFORMED;
    while (zs_parse_record(scanner) == 0) {
        switch (scanner->state) {
        case ZS_STATE_DATA:
            if (found || scanner->r_type != type) {
                *error_out = "more than one record";
                return RSM_MALFORMED;
            }
            found = true;
            /* "\\# 3 012001" as MINFO: the scanner looks inside for some types only. */
            if (!form_check(type, bytes_make(scanner->r_data, scanner->r_data_length))) {
                *error_out = "the record data is malformed";
                return RSM_MALFORMED;
            }
            writer_bytes(rdata_out, bytes_make(scanner->r_data, scanner->r_data_length));
            break;
        case ZS_STATE_ERROR:
            *error_out = zs_strerror(scanner->error.code);
            return RSM_MALFORMED;
        case ZS_STATE_INCLUDE:
            *error_out = "$INCLUDE is not followed";
            return RSM_MALFORMED;
        case ZS_STATE_EOF:
        case ZS_STATE_STOP:
            return found ? RSM_OK : RSM_MALFORMED;
        case ZS_STATE_NONE:
            break;
        }
    }
    return RSM_MALFORMED;
}

enum rsm_status rr_data_from_text(uint16_t type, const char *text, struct bytes origin,
                                  struct writer *rdata_out, char *error, size_t error_size)
{
    char type_text[RR_TYPE_TEXT_MAX];
    char origin_text[NAME_TEXT_MAX];
    const char *why = "out of memory";
    enum rsm_status status = RSM_NO_MEMORY;
    struct writer line;
    zs_scanner_t *scanner = mem_alloc(sizeof *scanner); /* 200 KiB: not for a stack */
    writer_init(&line, RR_DATA_TEXT_MAX + 256u);
    writer_format(&line, "@ 0 IN %s %s\n", rr_type_to_text(type, type_text), text);
    if (!line.failed &&
        zs_init(scanner, name_to_text(origin, origin_text), KNOT_CLASS_IN, 0) == 0) {
        status = scan_line(scanner, type, (const char *)line.data, line.size, rdata_out, &why);
        if (status != RSM_OK)
            snprintf(error, error_size, "%s", why);
        zs_deinit(scanner);
    } else {
        snprintf(error, error_size, "%s", line.failed ? "too long" : why);
        status = line.failed ? RSM_TOO_LARGE : status;
    }
    writer_deinit(&line);
    mem_free(scanner);
    return status;
}

/* -------------------------------------------------------------------------------------------- */
/* Checks. */

static enum rsm_status round_trip(uint16_t type, struct bytes rdata)
{
    static const uint8_t root[1] = {0};
    char error[64];
    const char *text;
    struct rr_text texts;
    struct writer again;
    rr_text_init(&texts);
    writer_init(&again, LIMIT_RDATA_SIZE);
    enum rsm_status status = rr_text_of(&texts, type, rdata, &text);
    if (status == RSM_OK)
        status = rr_data_from_text(type, text, bytes_make(root, 1), &again, error, sizeof error);
    if (status == RSM_OK && !bytes_equal(writer_result(&again), rdata))
        status = RSM_MALFORMED;
    writer_deinit(&again);
    rr_text_deinit(&texts);
    return status == RSM_OK ? RSM_OK : RSM_MALFORMED;
}

static void look_at_name(void *context, size_t offset, struct bytes name)
{
    bool *is_folded = context;
    uint8_t folded[NAME_SIZE_MAX];
    (void)offset;
    *is_folded = *is_folded && bytes_equal(name_lower(name, folded), name);
}

/* The names inside are; all else of it cannot differ from its canonical form. */
static bool is_folded(uint16_t type, struct bytes rdata)
{
    bool is_folded = true;
    return walk_names(type, rdata, look_at_name, &is_folded) == RSM_OK && is_folded;
}

/* Types whose form leaves room for what is no record: values out of range, tags, parameters. */
static bool needs_round_trip(uint16_t type)
{
    switch (type) {
    case KNOT_RRTYPE_LOC:
    case KNOT_RRTYPE_NAPTR:
    case KNOT_RRTYPE_CERT:
    case KNOT_RRTYPE_RRSIG:
    case KNOT_RRTYPE_APL:
    case KNOT_RRTYPE_IPSECKEY:
    case KNOT_RRTYPE_NSEC:
    case KNOT_RRTYPE_CSYNC:
    case KNOT_RRTYPE_NSEC3:
    case KNOT_RRTYPE_NSEC3PARAM:
    case KNOT_RRTYPE_SVCB:
    case KNOT_RRTYPE_HTTPS:
    case KNOT_RRTYPE_URI:
    case KNOT_RRTYPE_CAA:
        return true;
    }
    return !form_is_known(type); /* some cannot be written at all, as NULL */
}

enum rsm_status rr_data_check(uint16_t type, struct bytes rdata)
{
    if (rdata.size > LIMIT_RDATA_SIZE || !form_check(type, rdata) || !is_folded(type, rdata))
        return RSM_MALFORMED;
    return needs_round_trip(type) ? round_trip(type, rdata) : RSM_OK;
}

int rr_data_compare(struct bytes a, struct bytes b)
{
    return bytes_compare(a, b);
}

bool rr_data_target(uint16_t type, struct bytes rdata, struct bytes *name_out)
{
    size_t offset = 0;
    switch (type) {
    case RR_TYPE_NS:
    case RR_TYPE_CNAME:
    case RR_TYPE_DNAME:
    case KNOT_RRTYPE_PTR:
        break;
    case KNOT_RRTYPE_MX:
    case KNOT_RRTYPE_SVCB:
    case KNOT_RRTYPE_HTTPS:
        offset = 2;
        break;
    case KNOT_RRTYPE_SRV:
        offset = 6;
        break;
    default:
        return false;
    }
    if (rdata.size <= offset)
        return false;
    struct bytes rest = bytes_make(rdata.data + offset, rdata.size - offset);
    size_t size = name_size_at(rest);
    *name_out = bytes_make(rest.data, size);
    return size > 0;
}

/* A SOA ends with serial, refresh, retry, expire, minimum: five numbers. */
uint32_t rr_soa_serial(struct bytes rdata)
{
    CHECK(rdata.size >= 22);
    return get_u32(rdata.data + rdata.size - 20);
}

uint32_t rr_soa_expire(struct bytes rdata)
{
    CHECK(rdata.size >= 22);
    return get_u32(rdata.data + rdata.size - 8);
}

uint32_t rr_soa_minimum(struct bytes rdata)
{
    CHECK(rdata.size >= 22);
    return get_u32(rdata.data + rdata.size - 4);
}

void rr_soa_set_serial(uint8_t *rdata, size_t size, uint32_t serial)
{
    CHECK(size >= 22);
    put_u32(rdata + size - 20, serial);
}
