/* SPDX-License-Identifier: GPL-3.0-or-later */
/* policy_show.c - a policy as the YAML file that makes it (see policy_file.h). */
#include "tools/resilience-ctl/policy_file.h"

#include <inttypes.h>
#include <string.h>

#include <rsm/wire.h>

#include "src/machine/policy.h"
#include "src/machine/policy_limit.h"
#include "src/rr/data.h"

/* In quotes: names and labels may be what YAML takes for something else. */
static void write_quoted(struct writer *out, struct bytes text)
{
    writer_format(out, "\"");
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\')
            writer_format(out, "\\");
        writer_u8(out, text.data[i]);
    }
    writer_format(out, "\"");
}

static void write_name(struct writer *out, struct bytes name)
{
    char text[NAME_TEXT_MAX];
    const char *is = name_to_text(name, text);
    write_quoted(out, bytes_of_string(is));
}

static struct bytes octets(struct rsm_value item, uint32_t index)
{
    struct rsm_bytes b = rsm_value_octets(rsm_value_at(item, index));
    return bytes_make(b.data, b.size);
}

static uint64_t number(struct rsm_value item, uint32_t index)
{
    return rsm_value_uint(rsm_value_at(item, index));
}

static void write_group(struct writer *out, struct rsm_value item)
{
    writer_format(out, "  - {role: ");
    write_quoted(out, octets(item, 0));
    writer_format(out, ", least: %" PRIu64 "}\n", number(item, 1));
}

static void write_protected(struct writer *out, struct rsm_value item)
{
    char type[RR_TYPE_TEXT_MAX];
    writer_format(out, "  - {zone: ");
    write_name(out, octets(item, 0));
    writer_format(out, ", owner: ");
    write_name(out, octets(item, 1));
    writer_format(out, ", type: %s, floor: %" PRIu64 "}\n",
                  rr_type_to_text((uint16_t)number(item, 2), type), number(item, 3));
}

static void write_words(struct writer *out, uint64_t bits, const char *const *words)
{
    const char *separator = "";
    writer_format(out, "[");
    for (size_t i = 0; words[i] != NULL; i++) {
        if ((bits >> i & 1u) == 0)
            continue;
        writer_format(out, "%s%s", separator, words[i]);
        separator = ", ";
    }
    writer_format(out, "]");
}

static void write_zone(struct writer *out, struct bytes zone)
{
    if (zone.size == 0)
        return;
    writer_format(out, ", zone: ");
    write_name(out, zone);
}

static void write_limit(struct writer *out, struct rsm_value item)
{
    static const char *const acts[] = {"add", "alter", "delete", NULL};
    struct bytes who = octets(item, 1), label = octets(item, 4), value = octets(item, 5);
    writer_format(out, "  - {name: ");
    write_quoted(out, octets(item, 0));
    writer_format(out, ", who: %.*s, acts: ", (int)who.size, (const char *)who.data);
    write_words(out, number(item, 2), acts);
    write_zone(out, octets(item, 3));
    if (label.size > 0)
        writer_format(out, ", label: \"%.*s=%.*s\"", (int)label.size, (const char *)label.data,
                      (int)value.size, (const char *)value.data);
    if (number(item, 6) > 0)
        writer_format(out, ", count: %" PRIu64, number(item, 6));
    if (number(item, 7) > 0)
        writer_format(out, ", share: %" PRIu64 ".%" PRIu64 "%%", number(item, 7) / 10,
                      number(item, 7) % 10);
    if (number(item, 8) > 0)
        writer_format(out, ", within: %" PRIu64 "ms", number(item, 8));
    if (number(item, 9) > 0)
        writer_format(out, ", existing: %" PRIu64, number(item, 9));
    writer_format(out, "}\n");
}

static void write_time(struct writer *out, struct rsm_value item)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};
    struct bytes who = octets(item, 1);
    uint64_t from = number(item, 3), to = number(item, 4), offset = number(item, 5);
    uint64_t away = offset >= 1440 ? offset - 1440 : 1440 - offset;
    writer_format(out, "  - {who: %.*s, days: ", (int)who.size, (const char *)who.data);
    write_words(out, number(item, 2), days);
    write_zone(out, octets(item, 0));
    if (octets(item, 6).size > 0)
        writer_format(out, ", label: \"%.*s=%.*s\"", (int)octets(item, 6).size,
                      (const char *)octets(item, 6).data, (int)octets(item, 7).size,
                      (const char *)octets(item, 7).data);
    writer_format(out,
                  ", from: \"%02" PRIu64 ":%02" PRIu64 "\", to: \"%02" PRIu64 ":%02" PRIu64
                  "\", offset: \"%c%02" PRIu64 ":%02" PRIu64 "\"}\n",
                  from / 60, from % 60, to / 60, to % 60, offset >= 1440 ? '+' : '-', away / 60,
                  away % 60);
}

static void write_items(struct writer *out, struct rsm_value list, bool are_types)
{
    struct rsm_walk walk = rsm_walk_begin(list);
    struct rsm_value item;
    const char *separator = "";
    writer_format(out, "[");
    while (rsm_walk_next(&walk, &item)) {
        char type[RR_TYPE_TEXT_MAX];
        struct rsm_bytes text = rsm_value_octets(item);
        writer_format(out, "%s", separator);
        if (are_types)
            writer_format(out, "%s", rr_type_to_text((uint16_t)rsm_value_uint(item), type));
        else
            write_quoted(out, bytes_make(text.data, text.size));
        separator = ", ";
    }
    writer_format(out, "]");
}

static void write_class(struct writer *out, struct rsm_value item)
{
    static const char *const numbers[] = {"risk", "reach"};
    static const char *const names[] = {"zone", "suffix"};
    struct rsm_bytes class = rsm_value_octets(rsm_value_get(item, "class"));
    struct rsm_bytes label = rsm_value_octets(rsm_value_get(item, "label"));
    struct rsm_bytes value = rsm_value_octets(rsm_value_get(item, "value"));
    uint64_t deadline_ms = rsm_value_uint(rsm_value_get(item, "deadline_ms"));
    writer_format(out, "  - {class: %.*s", (int)class.size, (const char *)class.data);
    if (rsm_value_count(rsm_value_get(item, "kinds")) > 0) {
        writer_format(out, ", kinds: ");
        write_items(out, rsm_value_get(item, "kinds"), false);
    }
    for (size_t i = 0; i < 2; i++) {
        struct rsm_bytes name = rsm_value_octets(rsm_value_get(item, names[i]));
        if (name.size == 0)
            continue;
        writer_format(out, ", %s: ", names[i]);
        write_name(out, bytes_make(name.data, name.size));
    }
    if (rsm_value_count(rsm_value_get(item, "types")) > 0) {
        writer_format(out, ", types: ");
        write_items(out, rsm_value_get(item, "types"), true);
    }
    if (label.size > 0)
        writer_format(out, ", label: \"%.*s=%.*s\"", (int)label.size, (const char *)label.data,
                      (int)value.size, (const char *)value.data);
    if (rsm_value_octets(rsm_value_get(item, "tier")).size > 0) {
        struct rsm_bytes tier = rsm_value_octets(rsm_value_get(item, "tier"));
        writer_format(out, ", tier: ");
        write_quoted(out, bytes_make(tier.data, tier.size));
    }
    for (size_t i = 0; i < 2; i++) {
        uint64_t least = rsm_value_uint(rsm_value_get(item, numbers[i]));
        if (least > 0)
            writer_format(out, ", %s: %" PRIu64, numbers[i], least);
    }
    if (rsm_value_bool(rsm_value_get(item, "root")))
        writer_format(out, ", root: yes");
    if (deadline_ms > 0)
        writer_format(out, ", deadline: %" PRIu64 "ms", deadline_ms);
    writer_format(out, "}\n");
}

static void write_list(struct writer *out, struct rsm_value map, const char *name,
                       void (*write)(struct writer *out, struct rsm_value item))
{
    struct rsm_value list = rsm_value_get(map, name);
    struct rsm_walk walk = rsm_walk_begin(list);
    struct rsm_value item;
    if (rsm_value_count(list) == 0)
        return;
    writer_format(out, "%s:\n", name);
    while (rsm_walk_next(&walk, &item))
        write(out, item);
}

enum rsm_status policy_file_write(struct writer *out, struct bytes bytes)
{
    struct rsm_value map = rsm_value_of(rsm_bytes_make(bytes.data, bytes.size));
    writer_format(out, "numbers:\n");
#define WRITE_NUMBER(name, least, most, initial)                                                   \
    writer_format(out, "  " #name ": %" PRIu64 "\n", rsm_value_uint(rsm_value_get(map, #name)));
    POLICY_LIST(WRITE_NUMBER)
#undef WRITE_NUMBER
    write_list(out, map, "approval_groups", write_group);
    write_list(out, map, "classes", write_class);
    write_list(out, map, "protected", write_protected);
    write_list(out, map, "limits", write_limit);
    write_list(out, map, "times", write_time);
    return out->failed ? RSM_TOO_LARGE : RSM_OK;
}
