/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * octodns.c - files of octoDNS's YamlProvider: loading, and a zone written as one (see octodns.h).
 *
 * Written so that octoDNS takes it as it is: names in its natural order (runs of digits compare as
 * numbers), keys of a mapping in order of their letters.
 */
#include "tools/resilience-ctl/octodns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/rr/data.h"

enum rsm_status octodns_load(const char *path, struct bytes zone, struct zonefile *out)
{
    char error[OCTODNS_ERROR_SIZE];
    struct rsm_buffer yaml;
    struct writer text;
    *out = (struct zonefile){0};
    if (!ctl_read_file(path, OCTODNS_SIZE_MAX, &yaml))
        return RSM_FAILED;
    writer_init(&text, ZONEFILE_SIZE_MAX);
    enum rsm_status status = octodns_to_master(rsm_buffer_bytes(&yaml), zone, &text, error);
    rsm_buffer_free(&yaml);
    if (status == RSM_OK) {
        status = zonefile_parse(writer_result(&text), zone, OCTODNS_TTL, out);
        if (status != RSM_OK)
            (void)snprintf(error, sizeof error, "record %llu of it: %s",
                           (unsigned long long)out->errors[0].line, out->errors[0].text);
    }
    writer_deinit(&text);
    if (status != RSM_OK)
        ctl_fail(status, "%s: %s; nothing was imported", path, error);
    return status;
}

/* ---- writing ---- */

/* A name below the zone, "" for the zone's own. */
static void relative_name(struct bytes owner, struct bytes zone, char out[NAME_TEXT_MAX])
{
    char zone_text[NAME_TEXT_MAX];
    (void)name_to_text(owner, out);
    if (name_equal(owner, zone)) {
        out[0] = '\0';
        return;
    }
    size_t size = strlen(out), tail = strlen(name_to_text(zone, zone_text));
    out[zone.size == 1 ? size - 1 : size - tail - 1] = '\0';
}

struct named {
    char name[NAME_TEXT_MAX];
    const struct zone_set *set;
};

/* Runs of digits compare as numbers of ten digits, as octoDNS does it. */
static int compare_named(const void *left, const void *right)
{
    const struct named *a = left, *b = right;
    const char *x = a->name, *y = b->name;
    while (*x != '\0' && *y != '\0') {
        size_t n = strspn(x, "0123456789"), m = strspn(y, "0123456789");
        if (n > 0 && m > 0) {
            unsigned long long u = strtoull(x, NULL, 10), v = strtoull(y, NULL, 10);
            if (u != v)
                return u < v ? -1 : 1;
            x += n;
            y += m;
            continue;
        }
        if (*x != *y)
            return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
        x++;
        y++;
    }
    if (*x != *y)
        return *x == '\0' ? -1 : 1;
    return a->set->type < b->set->type ? -1 : a->set->type > b->set->type;
}

static void put_quoted(struct writer *out, struct bytes text)
{
    writer_u8(out, '\'');
    for (size_t i = 0; i < text.size; i++) {
        writer_u8(out, text.data[i]);
        if (text.data[i] == '\'')
            writer_u8(out, '\'');
    }
    writer_u8(out, '\'');
}

/* Strings of a record's text, without their quotes, into one. False: octoDNS has no word for it. */
static bool join_strings(const char *text, bool has_escapes, struct writer *out)
{
    bool is_inside = false;
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            is_inside = !is_inside;
            continue;
        }
        if (!is_inside && *text == ' ')
            continue;
        if (*text == '\\' && text[1] == '"')
            text++;
        else if (*text == '\\' || (unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
            return false;
        if (*text == ';' && has_escapes)
            writer_u8(out, '\\');
        writer_u8(out, (uint8_t)*text);
    }
    return true;
}

/* The next part of a record's text: a word, a string with its quotes, or all that is left. */
static bool next_part(const char **text, int kind, char *out, size_t size)
{
    const char *at = *text + strspn(*text, " ");
    size_t length = strcspn(at, " ");
    if (kind == OCTODNS_REST) {
        length = strlen(at);
    } else if (*at == '"') {
        length = 1;
        while (at[length] != '\0' && at[length] != '"')
            length += at[length] == '\\' && at[length + 1] != '\0' ? 2 : 1;
        length += at[length] == '"' ? 1 : 0;
    }
    if (length == 0 || length >= size)
        return false;
    memcpy(out, at, length);
    out[length] = '\0';
    *text = at + length;
    return true;
}

static bool put_part(struct writer *out, const struct octodns_type *type,
                     const struct octodns_field *field, const char *part)
{
    struct writer text;
    bool is_good = true;
    writer_init(&text, 2u * LIMIT_RDATA_SIZE);
    if (field->kind == OCTODNS_TEXT) {
        is_good = join_strings(part, type->is_text, &text);
    } else {
        for (; *part != '\0'; part++) {
            if (*part != ' ')
                writer_u8(&text, (uint8_t)*part); /* hexadecimal comes in groups */
        }
    }
    if (field->kind == OCTODNS_NUMBER)
        writer_bytes(out, writer_result(&text));
    else
        put_quoted(out, writer_result(&text));
    writer_deinit(&text);
    return is_good;
}

/* The parts in order of their names. */
static bool put_mapping(struct writer *out, const struct octodns_type *type,
                        char parts[OCTODNS_FIELDS_MAX][2048])
{
    const char *last = "";
    bool is_good = true;
    for (size_t done = 0; done < OCTODNS_FIELDS_MAX; done++) {
        const struct octodns_field *best = NULL;
        for (size_t i = 0; i < OCTODNS_FIELDS_MAX && type->fields[i].kind != 0; i++) {
            const struct octodns_field *f = &type->fields[i];
            if (strcmp(f->name, last) > 0 && (best == NULL || strcmp(f->name, best->name) < 0))
                best = f;
        }
        if (best == NULL)
            break;
        writer_format(out, "%s%s: ", done == 0 ? "      - " : "        ", best->name);
        is_good &= put_part(out, type, best, parts[best - type->fields]);
        writer_u8(out, '\n');
        last = best->name;
    }
    return is_good;
}

static bool put_value(struct writer *out, const struct octodns_type *type, const char *text)
{
    char parts[OCTODNS_FIELDS_MAX][2048];
    if (type->fields[0].name == NULL) {
        writer_format(out, type->is_single ? "    value: " : "      - ");
        bool is_good = put_part(out, type, &type->fields[0], text);
        writer_u8(out, '\n');
        return is_good;
    }
    for (size_t i = 0; i < OCTODNS_FIELDS_MAX && type->fields[i].kind != 0; i++) {
        if (!next_part(&text, (int)type->fields[i].kind, parts[i], sizeof parts[i]))
            return false;
    }
    return put_mapping(out, type, parts);
}

static bool put_set(struct writer *out, const struct zone_set *set)
{
    char type_text[RR_TYPE_TEXT_MAX];
    struct rr_text texts;
    const char *text;
    const struct octodns_type *type = octodns_find(set->type);
    struct rsm_walk walk = rsm_walk_begin(set->rdatas);
    struct rsm_value rdata;
    bool is_good = type != NULL;
    rr_text_init(&texts);
    writer_format(out, "  - ttl: %u\n    type: %s\n", set->ttl,
                  rr_type_to_text(set->type, type_text));
    if (is_good && !type->is_single)
        writer_format(out, "    values:\n");
    while (is_good && rsm_walk_next(&walk, &rdata)) {
        struct rsm_bytes bytes = rsm_value_octets(rdata);
        is_good =
            rr_text_of(&texts, set->type, bytes_make(bytes.data, bytes.size), &text) == RSM_OK &&
            put_value(out, type, text);
    }
    rr_text_deinit(&texts);
    return is_good;
}

enum rsm_status octodns_write(const struct zone_content *content, struct bytes zone,
                              struct writer *out)
{
    char type_text[RR_TYPE_TEXT_MAX];
    struct named *list = mem_alloc((content->set_count + 1) * sizeof *list);
    enum rsm_status status = RSM_OK;
    size_t count = 0;
    for (size_t i = 0; i < content->set_count; i++) {
        if (content->sets[i].type == RR_TYPE_SOA)
            continue; /* octoDNS knows none: the server counts it */
        list[count].set = &content->sets[i];
        relative_name(content->sets[i].owner, zone, list[count++].name);
    }
    if (count > 0)
        qsort(list, count, sizeof *list, compare_named);
    writer_format(out, "---\n%s", count == 0 ? "{}\n" : "");
    for (size_t i = 0; status == RSM_OK && i < count; i++) {
        if (i == 0 || strcmp(list[i].name, list[i - 1].name) != 0) {
            put_quoted(out, bytes_of_string(list[i].name));
            writer_format(out, ":\n");
        }
        if (!put_set(out, list[i].set)) {
            status = RSM_MALFORMED;
            ctl_fail(status, "%s %s has no form in octoDNS's YAML: nothing was written",
                     list[i].name[0] != '\0' ? list[i].name : "@",
                     rr_type_to_text(list[i].set->type, type_text));
        }
    }
    mem_free(list);
    return status == RSM_OK && out->failed ? RSM_TOO_LARGE : status;
}
