/* SPDX-License-Identifier: GPL-3.0-or-later */
/* policy_yaml.c - see policy_yaml.h. */
#include "tools/resilience-ctl/policy_yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/rr/data.h"
#include "tools/resilience-ctl/ctl.h"

void yaml_fail(struct yaml_reading *r, const yaml_node_t *node, const char *format, ...)
{
    va_list arguments;
    if (r->error[0] != '\0')
        return;
    int size = snprintf(r->error, POLICY_FILE_ERROR_SIZE, "%s:%zu: ", r->path,
                        node != NULL ? node->start_mark.line + 1 : 1);
    if (size < 0 || (size_t)size >= POLICY_FILE_ERROR_SIZE)
        return;
    va_start(arguments, format);
    (void)vsnprintf(r->error + size, POLICY_FILE_ERROR_SIZE - (size_t)size, format, arguments);
    va_end(arguments);
}

bool yaml_is_good(const struct yaml_reading *r)
{
    return r->error[0] == '\0';
}

const char *yaml_text(struct yaml_reading *r, const yaml_node_t *node)
{
    if (node != NULL && node->type == YAML_SCALAR_NODE &&
        strlen((const char *)node->data.scalar.value) == node->data.scalar.length)
        return (const char *)node->data.scalar.value;
    yaml_fail(r, node, "a text is wanted here");
    return "";
}

char *yaml_copy(struct yaml_reading *r, const yaml_node_t *node)
{
    const char *text = yaml_text(r, node);
    return yaml_is_good(r) ? mem_copy_text(text, strlen(text)) : NULL;
}

enum rsm_status yaml_read(const char *path, struct bytes text, size_t size_max, char *error,
                          void (*take)(struct yaml_reading *r, void *context), void *context)
{
    yaml_parser_t parser;
    yaml_document_t document;
    struct yaml_reading r = {.document = &document, .path = path, .error = error};
    error[0] = '\0';
    if (text.size > size_max || !yaml_parser_initialize(&parser)) {
        yaml_fail(&r, NULL, "the file is too large");
        return RSM_USAGE;
    }
    /* libyaml asserts that there is a pointer; an empty file has none. */
    yaml_parser_set_input_string(&parser, text.data != NULL ? text.data : (const uint8_t *)"",
                                 text.size);
    if (yaml_parser_load(&parser, &document) == 1) {
        take(&r, context);
        yaml_document_delete(&document);
    } else {
        (void)snprintf(error, POLICY_FILE_ERROR_SIZE, "%s:%zu: %s", path,
                       parser.problem_mark.line + 1,
                       parser.problem != NULL ? parser.problem : "not YAML");
    }
    yaml_parser_delete(&parser);
    return error[0] == '\0' ? RSM_OK : RSM_USAGE;
}

yaml_node_t *yaml_get(struct yaml_reading *r, yaml_node_t *map, const char *key)
{
    for (yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top;
         pair++) {
        const yaml_node_t *name = yaml_document_get_node(r->document, pair->key);
        if (strcmp(yaml_text(r, name), key) == 0)
            return yaml_document_get_node(r->document, pair->value);
    }
    return NULL;
}

bool yaml_check_map(struct yaml_reading *r, yaml_node_t *node, const char *const *keys)
{
    if (node == NULL || node->type != YAML_MAPPING_NODE) {
        yaml_fail(r, node, "a mapping is wanted here, with %s and so on", keys[0]);
        return false;
    }
    uint64_t seen = 0;
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top && yaml_is_good(r); pair++) {
        const yaml_node_t *name = yaml_document_get_node(r->document, pair->key);
        const char *text = yaml_text(r, name);
        size_t i = 0;
        while (keys[i] != NULL && strcmp(keys[i], text) != 0)
            i++;
        if (keys[i] == NULL)
            yaml_fail(r, name, "\"%s\" means nothing here", text);
        else if ((seen >> i & 1u) != 0)
            yaml_fail(r, name, "%s stands here twice", text);
        seen |= UINT64_C(1) << i;
    }
    return yaml_is_good(r);
}

size_t yaml_count(struct yaml_reading *r, yaml_node_t *node, size_t most)
{
    if (node == NULL)
        return 0;
    if (node->type == YAML_SCALAR_NODE)
        return 1;
    if (node->type != YAML_SEQUENCE_NODE) {
        yaml_fail(r, node, "a list is wanted here");
        return 0;
    }
    size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (count <= most)
        return count;
    yaml_fail(r, node, "%zu items, at most %zu", count, most);
    return 0;
}

yaml_node_t *yaml_item(struct yaml_reading *r, yaml_node_t *node, size_t index)
{
    if (node->type == YAML_SCALAR_NODE)
        return node;
    return yaml_document_get_node(r->document, node->data.sequence.items.start[index]);
}

uint64_t yaml_number(struct yaml_reading *r, const yaml_node_t *node, uint64_t most)
{
    uint64_t value = 0;
    const char *text = yaml_text(r, node);
    if (!ctl_parse_number(text, &value) || value > most) {
        yaml_fail(r, node, "\"%s\" is no number of at most %llu", text, (unsigned long long)most);
        return 0;
    }
    return value;
}

uint64_t yaml_duration(struct yaml_reading *r, const yaml_node_t *node)
{
    uint64_t ms = 0;
    const char *text = yaml_text(r, node);
    if (!ctl_parse_duration(text, &ms))
        yaml_fail(r, node, "\"%s\" is no time such as 30s, 5m, 2h or 7d", text);
    return ms;
}

uint64_t yaml_share(struct yaml_reading *r, const yaml_node_t *node)
{
    unsigned whole = 0, part = 0;
    int end = 0;
    const char *text = yaml_text(r, node);
    bool is_read = (sscanf(text, "%3u%%%n", &whole, &end) == 1 && end > 0 && text[end] == '\0') ||
                   (sscanf(text, "%3u.%1u%%%n", &whole, &part, &end) == 2 && text[end] == '\0');
    uint64_t share = UINT64_C(10) * whole + part;
    if (is_read && share >= 1 && share <= 1000)
        return share;
    yaml_fail(r, node, "\"%s\" is no share such as 30%% or 2.5%%", text);
    return 0;
}

uint64_t yaml_minute(struct yaml_reading *r, const yaml_node_t *node)
{
    unsigned hour = 0, minute = 0;
    int end = 0;
    const char *text = yaml_text(r, node);
    if (sscanf(text, "%2u:%2u%n", &hour, &minute, &end) == 2 && text[end] == '\0' && minute < 60 &&
        hour * 60 + minute <= 1440)
        return hour * 60 + minute;
    yaml_fail(r, node, "\"%s\" is no time of the day such as 08:30", text);
    return 0;
}

uint64_t yaml_offset(struct yaml_reading *r, const yaml_node_t *node)
{
    unsigned hour = 0, minute = 0;
    char sign = '+';
    int end = 0;
    const char *text = yaml_text(r, node);
    if (strcmp(text, "Z") == 0)
        return 1440;
    if (sscanf(text, "%c%2u:%2u%n", &sign, &hour, &minute, &end) == 3 && text[end] == '\0' &&
        (sign == '+' || sign == '-') && minute < 60 && hour * 60 + minute <= 14 * 60)
        return sign == '+' ? 1440 + hour * 60 + minute : 1440 - hour * 60 - minute;
    yaml_fail(r, node,
              "\"%s\" is no offset from UTC such as +01:00 or Z; names of zones have "
              "rules that change, so they are not taken",
              text);
    return 1440;
}

size_t yaml_choice(struct yaml_reading *r, const yaml_node_t *node, const char *const *words)
{
    const char *text = yaml_text(r, node);
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0)
            return i;
    }
    yaml_fail(r, node, "\"%s\" is none of %s, ...", text, words[0]);
    return 0;
}

struct bytes yaml_name(struct yaml_reading *r, const yaml_node_t *node, struct bytes origin,
                       uint8_t buffer[NAME_SIZE_MAX])
{
    struct bytes name = {NULL, 0};
    const char *text = yaml_text(r, node);
    enum rsm_status status = strcmp(text, "@") == 0 && origin.size > 0
                                 ? RSM_OK
                                 : name_from_text(text, origin, buffer, &name);
    if (status != RSM_OK)
        yaml_fail(r, node, "\"%s\" is no domain name", text);
    else if (name.size == 0)
        name = name_lower(origin, buffer);
    return name;
}

uint16_t yaml_type(struct yaml_reading *r, const yaml_node_t *node)
{
    uint16_t type = 0;
    const char *text = yaml_text(r, node);
    if (rr_type_from_text(text, &type) != RSM_OK)
        yaml_fail(r, node, "\"%s\" is no record type", text);
    return type;
}
