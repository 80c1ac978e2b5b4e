/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * octodns_read.c - YAML into master-file text (see octodns.h), which the one reader of zones takes.
 *
 * Values come from somebody's file: a word that is not one, or a text with what a master file would
 * read as its end, is refused here, so that one value is always one record. Aliases in the YAML can
 * make a small file large; the writer's limit ends that.
 */
#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "src/base/mem.h"
#include "src/rr/data.h"
#include "src/rr/name.h"
#include "tools/resilience-ctl/octodns.h"

#define STRING_MAX 255u /* of one string of a TXT */

static const struct octodns_type types[] = {
    {1, false, false, {{NULL, OCTODNS_WORD}}},                                        /* A */
    {28, false, false, {{NULL, OCTODNS_WORD}}},                                       /* AAAA */
    {5, true, false, {{NULL, OCTODNS_WORD}}},                                         /* CNAME */
    {39, true, false, {{NULL, OCTODNS_WORD}}},                                        /* DNAME */
    {2, false, false, {{NULL, OCTODNS_WORD}}},                                        /* NS */
    {12, false, false, {{NULL, OCTODNS_WORD}}},                                       /* PTR */
    {16, false, true, {{NULL, OCTODNS_TEXT}}},                                        /* TXT */
    {99, false, true, {{NULL, OCTODNS_TEXT}}},                                        /* SPF */
    {15, false, false, {{"preference", OCTODNS_NUMBER}, {"exchange", OCTODNS_WORD}}}, /* MX */
    {33,                                                                              /* SRV */
     false,
     false,
     {{"priority", OCTODNS_NUMBER},
      {"weight", OCTODNS_NUMBER},
      {"port", OCTODNS_NUMBER},
      {"target", OCTODNS_WORD}}},
    {257, /* CAA */
     false,
     false,
     {{"flags", OCTODNS_NUMBER}, {"tag", OCTODNS_WORD}, {"value", OCTODNS_TEXT}}},
    {44, /* SSHFP */
     false,
     false,
     {{"algorithm", OCTODNS_NUMBER},
      {"fingerprint_type", OCTODNS_NUMBER},
      {"fingerprint", OCTODNS_REST}}},
    {52, /* TLSA */
     false,
     false,
     {{"certificate_usage", OCTODNS_NUMBER},
      {"selector", OCTODNS_NUMBER},
      {"matching_type", OCTODNS_NUMBER},
      {"certificate_association_data", OCTODNS_REST}}},
    {43, /* DS */
     false,
     false,
     {{"key_tag", OCTODNS_NUMBER},
      {"algorithm", OCTODNS_NUMBER},
      {"digest_type", OCTODNS_NUMBER},
      {"digest", OCTODNS_REST}}},
    {35, /* NAPTR */
     false,
     false,
     {{"order", OCTODNS_NUMBER},
      {"preference", OCTODNS_NUMBER},
      {"flags", OCTODNS_TEXT},
      {"service", OCTODNS_TEXT},
      {"regexp", OCTODNS_TEXT},
      {"replacement", OCTODNS_WORD}}},
};

const struct octodns_type *octodns_find(uint16_t type)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (types[i].type == type)
            return &types[i];
    }
    return NULL;
}

struct reading {
    yaml_document_t document;
    struct writer *out;
    char *error;
    char owner[NAME_TEXT_MAX];
};

static bool complain(struct reading *r, const yaml_node_t *node, const char *what)
{
    if (r->error[0] == '\0')
        (void)snprintf(r->error, OCTODNS_ERROR_SIZE, "line %zu: %s",
                       node != NULL ? node->start_mark.line + 1 : 0, what);
    return false;
}

static yaml_node_t *node_of(struct reading *r, int index)
{
    return yaml_document_get_node(&r->document, index);
}

/* The value of a key; NULL: there is none. A key that stands twice is the first one. */
static yaml_node_t *find(struct reading *r, const yaml_node_t *map, const char *key)
{
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
         p++) {
        const yaml_node_t *name = node_of(r, p->key);
        if (name != NULL && name->type == YAML_SCALAR_NODE &&
            name->data.scalar.length == strlen(key) &&
            memcmp(name->data.scalar.value, key, strlen(key)) == 0)
            return node_of(r, p->value);
    }
    return NULL;
}

static struct bytes scalar(const yaml_node_t *node)
{
    if (node == NULL || node->type != YAML_SCALAR_NODE)
        return (struct bytes){NULL, 0};
    return bytes_make(node->data.scalar.value, node->data.scalar.length);
}

/* ---- one value ---- */

/* Letters, digits and what names, addresses and hexadecimal have besides. */
static bool is_word(struct bytes word)
{
    for (size_t i = 0; i < word.size; i++) {
        uint8_t c = word.data[i];
        if (c <= 0x20 || c >= 0x7f || strchr("\"();", c) != NULL)
            return false;
    }
    return word.size > 0;
}

static bool is_number(struct bytes number)
{
    for (size_t i = 0; i < number.size; i++) {
        if (number.data[i] < '0' || number.data[i] > '9')
            return false;
    }
    return number.size > 0 && number.size <= 10;
}

static void put_character(struct writer *out, uint8_t c)
{
    if (c == '"' || c == '\\')
        writer_format(out, "\\%c", c);
    else if (c < 0x20 || c >= 0x7f)
        writer_format(out, "\\%03u", c);
    else
        writer_u8(out, c);
}

/* One text as strings of 255 bytes; "\;" is ";". */
static void put_text(struct writer *out, struct bytes text, bool is_escaped)
{
    size_t in_string = 0;
    writer_u8(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        if (is_escaped && text.data[i] == '\\' && i + 1 < text.size && text.data[i + 1] == ';')
            i++;
        if (in_string++ == STRING_MAX) {
            writer_bytes(out, bytes_of_string("\" \""));
            in_string = 1;
        }
        put_character(out, text.data[i]);
    }
    writer_u8(out, '"');
}

static bool put_field(struct reading *r, const struct octodns_type *type,
                      const struct octodns_field *field, const yaml_node_t *node)
{
    struct bytes text = scalar(node);
    if (node == NULL || node->type != YAML_SCALAR_NODE)
        return complain(r, node, "a value of that type has other parts");
    if (field->kind == OCTODNS_TEXT) {
        put_text(r->out, text, type->is_text);
        return true;
    }
    if (field->kind == OCTODNS_NUMBER ? !is_number(text) : !is_word(text))
        return complain(r, node, "no value for that type");
    writer_bytes(r->out, text);
    return true;
}

static bool put_value(struct reading *r, const struct octodns_type *type, uint64_t ttl,
                      const yaml_node_t *node)
{
    char type_text[RR_TYPE_TEXT_MAX];
    if (node == NULL)
        return complain(r, node, "an empty value");
    writer_format(r->out, "%s %llu IN %s", r->owner, (unsigned long long)ttl,
                  rr_type_to_text(type->type, type_text));
    for (size_t i = 0; i < OCTODNS_FIELDS_MAX && type->fields[i].kind != 0; i++) {
        const struct octodns_field *field = &type->fields[i];
        const yaml_node_t *part = node;
        if (field->name != NULL && node->type != YAML_MAPPING_NODE)
            return complain(r, node, "a value of that type has parts with names");
        if (field->name != NULL)
            part = find(r, node, field->name);
        if (part == NULL)
            return complain(r, node, "a part of the value is missing");
        writer_u8(r->out, ' ');
        if (!put_field(r, type, field, part))
            return false;
    }
    writer_u8(r->out, '\n');
    return r->out->failed ? complain(r, node, "more than 256 MiB of records") : true;
}

/* ---- sets, names, the document ---- */

static bool put_set(struct reading *r, const yaml_node_t *node)
{
    char type_text[RR_TYPE_TEXT_MAX];
    uint16_t type_code;
    uint64_t ttl = OCTODNS_TTL;
    if (node == NULL || node->type != YAML_MAPPING_NODE)
        return complain(r, node, "a record set is a mapping with type and value or values");
    struct bytes name = scalar(find(r, node, "type"));
    (void)snprintf(type_text, sizeof type_text, "%.*s", (int)(name.size < 16 ? name.size : 0),
                   (const char *)name.data);
    const struct octodns_type *type =
        rr_type_from_text(type_text, &type_code) == RSM_OK ? octodns_find(type_code) : NULL;
    if (type == NULL)
        return complain(r, node, "a type that this tool does not know in octoDNS's form");
    const yaml_node_t *ttl_node = find(r, node, "ttl");
    if (ttl_node != NULL && (!is_number(scalar(ttl_node)) ||
                             sscanf((const char *)scalar(ttl_node).data, "%10lu", &ttl) != 1))
        return complain(r, ttl_node, "a TTL is a number of seconds");
    const yaml_node_t *one = find(r, node, "value"), *list = find(r, node, "values");
    if ((one != NULL) == (list != NULL))
        return complain(r, node, "either value or values");
    if (one != NULL || list->type != YAML_SEQUENCE_NODE)
        return put_value(r, type, ttl, one != NULL ? one : list);
    for (yaml_node_item_t *i = list->data.sequence.items.start; i < list->data.sequence.items.top;
         i++) {
        if (!put_value(r, type, ttl, node_of(r, *i)))
            return false;
    }
    return true;
}

static bool take_owner(struct reading *r, const yaml_node_t *node, struct bytes zone)
{
    char text[NAME_TEXT_MAX];
    uint8_t buffer[NAME_SIZE_MAX];
    struct bytes name = zone, relative = scalar(node);
    if (node == NULL || node->type != YAML_SCALAR_NODE || relative.size >= sizeof text)
        return complain(r, node, "a name is wanted");
    (void)snprintf(text, sizeof text, "%.*s", (int)relative.size, (const char *)relative.data);
    if (relative.size > 0 && (relative.data[relative.size - 1] == '.' ||
                              name_from_text(text, zone, buffer, &name) != RSM_OK))
        return complain(r, node, "no name below the zone");
    (void)name_to_text(name, r->owner);
    return true;
}

static bool put_name(struct reading *r, const yaml_node_pair_t *pair, struct bytes zone)
{
    const yaml_node_t *node = node_of(r, pair->value);
    if (!take_owner(r, node_of(r, pair->key), zone))
        return false;
    if (node == NULL || node->type != YAML_SEQUENCE_NODE)
        return put_set(r, node);
    for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top;
         i++) {
        if (!put_set(r, node_of(r, *i)))
            return false;
    }
    return true;
}

static bool put_document(struct reading *r, struct bytes zone)
{
    const yaml_node_t *root = yaml_document_get_root_node(&r->document);
    if (root == NULL || root->type != YAML_MAPPING_NODE)
        return complain(r, root, "a mapping of names to record sets is wanted");
    for (yaml_node_pair_t *p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top;
         p++) {
        if (!put_name(r, p, zone))
            return false;
    }
    return true;
}

enum rsm_status octodns_to_master(struct rsm_bytes yaml, struct bytes zone, struct writer *out,
                                  char *error)
{
    yaml_parser_t parser;
    struct reading *r = mem_alloc(sizeof *r);
    bool is_good = false;
    r->out = out;
    r->error = error;
    error[0] = '\0';
    if (!yaml_parser_initialize(&parser)) {
        mem_free(r);
        return RSM_NO_MEMORY;
    }
    /* libyaml asserts that there is a pointer; an empty file has none. */
    yaml_parser_set_input_string(&parser, yaml.data != NULL ? yaml.data : (const uint8_t *)"",
                                 yaml.size);
    if (yaml_parser_load(&parser, &r->document) == 1) {
        is_good = put_document(r, zone);
        yaml_document_delete(&r->document);
    } else {
        (void)snprintf(error, OCTODNS_ERROR_SIZE, "line %zu: %s", parser.problem_mark.line + 1,
                       parser.problem != NULL ? parser.problem : "not YAML");
    }
    yaml_parser_delete(&parser);
    mem_free(r);
    return is_good ? RSM_OK : RSM_MALFORMED;
}
