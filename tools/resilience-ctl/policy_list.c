/* SPDX-License-Identifier: GPL-3.0-or-later */
/* policy_list.c - see policy_list.h; what each item means: src/machine/policy.h and its lists. */
#include "tools/resilience-ctl/policy_list.h"

#include <string.h>

#include "src/command/pack.h"
#include "src/machine/policy.h"

static const struct bytes NO_NAME = {NULL, 0};

void policy_pack_protected(struct yaml_reading *r, struct writer *out, yaml_node_t *item)
{
    static const char *const keys[] = {"zone", "owner", "type", "floor", NULL};
    uint8_t zone_buffer[NAME_SIZE_MAX], owner_buffer[NAME_SIZE_MAX];
    if (!yaml_check_map(r, item, keys))
        return;
    struct bytes zone = yaml_name(r, yaml_get(r, item, "zone"), NO_NAME, zone_buffer);
    struct bytes owner = yaml_name(r, yaml_get(r, item, "owner"), zone, owner_buffer);
    pack_array(out, 4);
    pack_bin(out, zone);
    pack_bin(out, owner);
    pack_uint(out, yaml_type(r, yaml_get(r, item, "type")));
    pack_uint(out, yaml_number(r, yaml_get(r, item, "floor"), LIMIT_RRSET_RECORDS));
}

void policy_pack_group(struct yaml_reading *r, struct writer *out, yaml_node_t *item)
{
    static const char *const keys[] = {"role", "least", NULL};
    if (!yaml_check_map(r, item, keys))
        return;
    pack_array(out, 2);
    pack_text(out, yaml_text(r, yaml_get(r, item, "role")));
    pack_uint(out, yaml_number(r, yaml_get(r, item, "least"), LIMIT_APPROVERS));
}

/* "NAME=VALUE"; nothing: no label is asked for. */
static void split_label(struct yaml_reading *r, const yaml_node_t *node, struct bytes *name_out,
                        struct bytes *value_out)
{
    const char *text = node != NULL ? yaml_text(r, node) : "";
    const char *equals = strchr(text, '=');
    if (node != NULL && (equals == NULL || equals == text))
        yaml_fail(r, node, "\"%s\" is no label such as tier=critical", text);
    *name_out = bytes_make(text, equals != NULL ? (size_t)(equals - text) : 0);
    *value_out = bytes_of_string(equals != NULL ? equals + 1 : "");
}

static void pack_label(struct yaml_reading *r, struct writer *out, const yaml_node_t *node)
{
    struct bytes name, value;
    split_label(r, node, &name, &value);
    pack_str(out, name);
    pack_str(out, value);
}

/* An absent zone is every zone. */
static void pack_zone(struct yaml_reading *r, struct writer *out, const yaml_node_t *node)
{
    uint8_t buffer[NAME_SIZE_MAX];
    pack_bin(out, node != NULL ? yaml_name(r, node, NO_NAME, buffer) : NO_NAME);
}

static uint64_t take_bits(struct yaml_reading *r, yaml_node_t *node, const char *const *words)
{
    uint64_t bits = 0;
    size_t count = yaml_count(r, node, 64);
    for (size_t i = 0; i < count && yaml_is_good(r); i++)
        bits |= UINT64_C(1) << yaml_choice(r, yaml_item(r, node, i), words);
    return bits;
}

void policy_pack_limit(struct yaml_reading *r, struct writer *out, yaml_node_t *item)
{
    static const char *const keys[] = {"name",  "who",   "acts",   "zone",     "label",
                                       "count", "share", "within", "existing", NULL};
    static const char *const whos[] = {"change", "author", "automata", NULL};
    static const char *const acts[] = {"add", "alter", "delete", NULL};
    if (!yaml_check_map(r, item, keys))
        return;
    const yaml_node_t *count = yaml_get(r, item, "count"), *share = yaml_get(r, item, "share");
    const yaml_node_t *within = yaml_get(r, item, "within");
    const yaml_node_t *existing = yaml_get(r, item, "existing");
    pack_array(out, 10);
    pack_text(out, yaml_text(r, yaml_get(r, item, "name")));
    pack_text(out, whos[yaml_choice(r, yaml_get(r, item, "who"), whos)]);
    pack_uint(out, take_bits(r, yaml_get(r, item, "acts"), acts));
    pack_zone(r, out, yaml_get(r, item, "zone"));
    pack_label(r, out, yaml_get(r, item, "label"));
    pack_uint(out, count != NULL ? yaml_number(r, count, UINT32_MAX) : 0);
    pack_uint(out, share != NULL ? yaml_share(r, share) : 0);
    pack_uint(out, within != NULL ? yaml_duration(r, within) : 0);
    pack_uint(out, existing != NULL ? yaml_number(r, existing, UINT32_MAX) : 0);
}

void policy_pack_time(struct yaml_reading *r, struct writer *out, yaml_node_t *item)
{
    static const char *const keys[] = {"zone", "who",    "days",  "from",
                                       "to",   "offset", "label", NULL};
    static const char *const whos[] = {"all", "automata", NULL};
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};
    if (!yaml_check_map(r, item, keys))
        return;
    yaml_node_t *day = yaml_get(r, item, "days");
    const yaml_node_t *offset = yaml_get(r, item, "offset");
    pack_array(out, 8);
    pack_zone(r, out, yaml_get(r, item, "zone"));
    pack_text(out, whos[yaml_choice(r, yaml_get(r, item, "who"), whos)]);
    pack_uint(out, day != NULL ? take_bits(r, day, days) : 127);
    pack_uint(out, yaml_minute(r, yaml_get(r, item, "from")));
    pack_uint(out, yaml_minute(r, yaml_get(r, item, "to")));
    pack_uint(out, offset != NULL ? yaml_offset(r, offset) : 1440);
    pack_label(r, out, yaml_get(r, item, "label"));
}

static void pack_texts(struct yaml_reading *r, struct writer *out, yaml_node_t *node, size_t most)
{
    size_t count = yaml_count(r, node, most);
    pack_array(out, (uint32_t)count);
    for (size_t i = 0; i < count && yaml_is_good(r); i++)
        pack_text(out, yaml_text(r, yaml_item(r, node, i)));
}

static void pack_types(struct yaml_reading *r, struct writer *out, yaml_node_t *node)
{
    size_t count = yaml_count(r, node, LIMIT_TYPES_PER_GRANT);
    pack_array(out, (uint32_t)count);
    for (size_t i = 0; i < count && yaml_is_good(r); i++)
        pack_uint(out, yaml_type(r, yaml_item(r, node, i)));
}

/* The value under one key of the map that policy.set wants. */
static void pack_class_field(struct yaml_reading *r, struct writer *out, yaml_node_t *item,
                             const char *key, yaml_node_t *node)
{
    static const char *const yes[] = {"no", "yes", NULL};
    uint8_t buffer[NAME_SIZE_MAX], zone_buffer[NAME_SIZE_MAX];
    const yaml_node_t *zone = yaml_get(r, item, "zone");
    pack_text(out, strcmp(key, "deadline") == 0 ? "deadline_ms" : key);
    if (strcmp(key, "deadline") == 0)
        pack_uint(out, yaml_duration(r, node));
    else if (strcmp(key, "kinds") == 0)
        pack_texts(r, out, node, LIMIT_CLASS_KINDS);
    else if (strcmp(key, "types") == 0)
        pack_types(r, out, node);
    else if (strcmp(key, "reach") == 0 || strcmp(key, "risk") == 0)
        pack_uint(out, yaml_number(r, node, UINT32_MAX));
    else if (strcmp(key, "root") == 0)
        pack_bool(out, yaml_choice(r, node, yes) == 1);
    else if (strcmp(key, "zone") == 0)
        pack_bin(out, yaml_name(r, node, NO_NAME, buffer));
    else if (strcmp(key, "suffix") == 0)
        pack_bin(out, yaml_name(r, node,
                                zone != NULL ? yaml_name(r, zone, NO_NAME, zone_buffer) : NO_NAME,
                                buffer));
    else
        pack_text(out, yaml_text(r, node));
}

/* A label is two keys of the map, with others between them. */
void policy_pack_class(struct yaml_reading *r, struct writer *out, yaml_node_t *item)
{
    /* As the map wants them: sorted. */
    static const char *const keys[] = {"class", "deadline", "kinds",  "label", "reach",
                                       "risk",  "root",     "suffix", "tier",  "types",
                                       "value", "zone",     NULL};
    struct bytes label, value;
    uint32_t count = 0;
    if (!yaml_check_map(r, item, keys))
        return;
    split_label(r, yaml_get(r, item, "label"), &label, &value);
    for (size_t i = 0; keys[i] != NULL; i++)
        count += yaml_get(r, item, keys[i]) != NULL;
    if (yaml_get(r, item, "value") != NULL)
        yaml_fail(r, item, "a label is written as one: tier=critical");
    pack_map(out, count + (label.size > 0 ? 1u : 0u));
    for (size_t i = 0; keys[i] != NULL && yaml_is_good(r); i++) {
        yaml_node_t *node = yaml_get(r, item, keys[i]);
        bool is_value = strcmp(keys[i], "value") == 0;
        if (strcmp(keys[i], "label") == 0 ? label.size > 0 : is_value && label.size > 0) {
            pack_text(out, keys[i]);
            pack_str(out, is_value ? value : label);
        } else if (node != NULL) {
            pack_class_field(r, out, item, keys[i], node);
        }
    }
}
