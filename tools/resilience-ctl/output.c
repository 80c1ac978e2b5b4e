/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * output.c - results for people (tables) and for programs (JSON; the keys are a promise).
 *
 * Binary values come as hexadecimal text in both. In tables points in time are dates, and the maps
 * that lists are full of (a version, an approval, a vote) are what people call them.
 */
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "src/base/mem.h"
#include "tools/lib/plain.h"
#include "tools/lib/when.h"
#include "tools/resilience-ctl/ctl.h"

#define CELL_SIZE 4096u
#define COLUMNS_MAX 12u

static char *hex_of(struct rsm_bytes b)
{
    char *text = mem_alloc(2 * b.size + 1);
    hex_encode(text, bytes_make(b.data, b.size));
    return text;
}

static json_t *to_json(struct rsm_value value, unsigned depth);

static json_t *container_to_json(struct rsm_value value, unsigned depth)
{
    bool is_map = rsm_value_type(value) == RSM_TYPE_MAP;
    json_t *out = is_map ? json_object() : json_array();
    struct rsm_walk walk = rsm_walk_begin(value);
    struct rsm_value item;
    while (rsm_walk_next(&walk, &item)) {
        if (!is_map) {
            json_array_append_new(out, to_json(item, depth + 1));
            continue;
        }
        struct rsm_bytes key = rsm_value_octets(item);
        char *name = mem_copy_text(key.data, key.size);
        struct rsm_value content;
        if (rsm_walk_next(&walk, &content))
            json_object_set_new(out, name, to_json(content, depth + 1));
        mem_free(name);
    }
    return out;
}

/* Depth is bounded by the client library's own scan. */
static json_t *to_json(struct rsm_value value, unsigned depth)
{
    struct rsm_bytes octets = rsm_value_octets(value);
    json_t *out;
    switch (rsm_value_type(value)) {
    case RSM_TYPE_BOOL:
        return json_boolean(rsm_value_bool(value));
    case RSM_TYPE_UINT:
        return json_integer((json_int_t)rsm_value_uint(value));
    case RSM_TYPE_INT:
        return json_integer((json_int_t)rsm_value_int(value));
    case RSM_TYPE_STR:
        out = json_stringn((const char *)octets.data, octets.size);
        return out != NULL ? out : json_string("");
    case RSM_TYPE_BIN: {
        char *hex = hex_of(octets);
        out = json_string(hex);
        mem_free(hex);
        return out;
    }
    case RSM_TYPE_ARRAY:
    case RSM_TYPE_MAP:
        return depth < 32 ? container_to_json(value, depth) : json_null();
    case RSM_TYPE_NONE:
    case RSM_TYPE_NIL:
    case RSM_TYPE_FLOAT:
    case RSM_TYPE_EXT:
        break;
    }
    return json_null();
}

static void print_json(struct rsm_value value, size_t format)
{
    json_t *json = to_json(value, 0);
    /* In ASCII: a terminal obeys some of what stands behind it. */
    json_dumpf(json, stdout, format | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    putchar('\n');
    json_decref(json);
}

void ctl_print_json(struct rsm_value value)
{
    print_json(value, JSON_COMPACT);
}

/* -------------------------------------------------------------------------------------------- */

static bool has_text(struct rsm_value map, const char *key)
{
    return rsm_value_octets(rsm_value_get(map, key)).size > 0;
}

/* An approval, a vote, a version: what people call it; false: another map. */
static bool short_map(struct rsm_value map, char *out, size_t size)
{
    char first[CELL_SIZE], second[CELL_SIZE], reason[CELL_SIZE];
    struct rsm_bytes vote = rsm_value_octets(rsm_value_get(map, "vote"));
    bool is_no = vote.size == 2; /* yes, no, silent */
    bool is_version = rsm_value_type(rsm_value_get(map, "lamport")) == RSM_TYPE_UINT &&
                      rsm_value_type(rsm_value_get(map, "kind")) == RSM_TYPE_NONE;
    if (has_text(map, "principal") && has_text(map, "person"))
        snprintf(out, size, "%s", ctl_cell(rsm_value_get(map, "principal"), first, sizeof first));
    else if (has_text(map, "vote"))
        snprintf(out, size, "%s:%s%s%s%s",
                 ctl_cell(rsm_value_get(map, "zone"), first, sizeof first),
                 ctl_cell(rsm_value_get(map, "vote"), second, sizeof second), is_no ? " (" : "",
                 is_no ? ctl_cell(rsm_value_get(map, "reason"), reason, sizeof reason) : "",
                 is_no ? ")" : "");
    else if (is_version)
        snprintf(out, size, "%s %s", ctl_cell(rsm_value_get(map, "author"), first, sizeof first),
                 ctl_cell(rsm_value_get(map, "counter"), second, sizeof second));
    else
        return false;
    return true;
}

const char *ctl_cell(struct rsm_value value, char *out, size_t size)
{
    struct rsm_bytes octets = rsm_value_octets(value);
    switch (rsm_value_type(value)) {
    case RSM_TYPE_BOOL:
        snprintf(out, size, "%s", rsm_value_bool(value) ? "yes" : "no");
        break;
    case RSM_TYPE_UINT:
        snprintf(out, size, "%" PRIu64, rsm_value_uint(value));
        break;
    case RSM_TYPE_STR:
        snprintf(out, size, "%.*s", (int)octets.size, (const char *)octets.data);
        break;
    case RSM_TYPE_BIN: {
        char *hex = hex_of(octets);
        snprintf(out, size, "%s", hex);
        mem_free(hex);
        break;
    }
    case RSM_TYPE_ARRAY: {
        struct rsm_walk walk = rsm_walk_begin(value);
        struct rsm_value item;
        size_t used = 0;
        out[0] = '\0';
        while (used < size && rsm_walk_next(&walk, &item)) {
            char cell[CELL_SIZE];
            int more = snprintf(out + used, size - used, "%s%s", used > 0 ? " " : "",
                                ctl_cell(item, cell, sizeof cell));
            used += more > 0 ? (size_t)more : size;
        }
        break;
    }
    case RSM_TYPE_MAP: {
        if (short_map(value, out, size))
            break;
        json_t *json = to_json(value, 0);
        char *text = json_dumps(json, JSON_COMPACT);
        snprintf(out, size, "%s", text != NULL ? text : "");
        free(text);
        json_decref(json);
        break;
    }
    case RSM_TYPE_NONE:
    case RSM_TYPE_NIL:
    case RSM_TYPE_INT:
    case RSM_TYPE_FLOAT:
    case RSM_TYPE_EXT:
        snprintf(out, size, "-");
        break;
    }
    return plain_text(out, "");
}

#define ABSOLUTE_MS_MIN                                                                            \
    UINT64_C(1000000000000) /* the year 2001: less is how long something takes */

const char *ctl_field_cell(const char *key, struct rsm_value value, char *out, size_t size)
{
    size_t length = strlen(key);
    uint64_t ms = rsm_value_uint(value);
    if (length < 3 || strcmp(key + length - 3, "_ms") != 0 ||
        rsm_value_type(value) != RSM_TYPE_UINT || (ms > 0 && ms < ABSOLUTE_MS_MIN))
        return ctl_cell(value, out, size);
    char text[WHEN_TEXT_SIZE];
    snprintf(out, size, "%s", ms == 0 ? "-" : when_text(ms, text));
    return out;
}

/* The items of one array that came in pages, in their order. */
struct items {
    const struct rsm_buffer *pages;
    size_t page_count;
    const char *key;
    size_t page; /* that `walk` is in, from 1 */
    struct rsm_walk walk;
};

static bool items_next(struct items *items, struct rsm_value *item)
{
    while (items->page == 0 || !rsm_walk_next(&items->walk, item)) {
        if (items->page == items->page_count)
            return false;
        struct rsm_value page = rsm_value_of(rsm_buffer_bytes(&items->pages[items->page++]));
        items->walk = rsm_walk_begin(rsm_value_get(page, items->key));
    }
    return true;
}

static void print_table(struct ctl *ctl, struct items items, const struct ctl_column *columns,
                        unsigned count)
{
    size_t widths[COLUMNS_MAX];
    char cell[CELL_SIZE];
    struct rsm_value item;
    struct items again = items;
    for (unsigned i = 0; i < count; i++)
        widths[i] = strlen(columns[i].title);
    while (items_next(&items, &item)) {
        for (unsigned i = 0; i < count; i++) {
            size_t width = strlen(ctl_field_cell(
                columns[i].key, rsm_value_get(item, columns[i].key), cell, sizeof cell));
            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    if (ctl->color)
        fputs("\033[1m", stdout);
    for (unsigned i = 0; i < count; i++)
        printf("%-*s%s", i + 1 < count ? (int)widths[i] : 0, columns[i].title,
               i + 1 < count ? "  " : "");
    puts(ctl->color ? "\033[0m" : "");
    while (items_next(&again, &item)) {
        for (unsigned i = 0; i < count; i++)
            printf("%-*s%s", i + 1 < count ? (int)widths[i] : 0,
                   ctl_field_cell(columns[i].key, rsm_value_get(item, columns[i].key), cell,
                                  sizeof cell),
                   i + 1 < count ? "  " : "");
        putchar('\n');
    }
}

/* The first page's map, its array made whole by the others, and nothing that comes next. */
static void print_document(struct items items)
{
    json_t *json = to_json(rsm_value_of(rsm_buffer_bytes(&items.pages[0])), 0);
    json_t *array = json_array();
    struct rsm_value item;
    while (items_next(&items, &item))
        json_array_append_new(array, to_json(item, 0));
    json_object_set_new(json, items.key, array);
    json_object_del(json, "next");
    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    putchar('\n');
    json_decref(json);
}

void ctl_print_list_json(struct ctl *ctl, const struct rsm_buffer *pages, size_t page_count,
                         const char *key)
{
    struct items items = {.pages = pages, .page_count = page_count, .key = key};
    struct rsm_value item;
    if (ctl->output == CTL_OUTPUT_JSON)
        print_document(items);
    else
        while (items_next(&items, &item))
            ctl_print_json(item);
}

void ctl_print_list(struct ctl *ctl, const struct rsm_buffer *pages, size_t page_count,
                    const char *key, const struct ctl_column *columns, unsigned count)
{
    struct items items = {.pages = pages, .page_count = page_count, .key = key};
    if (ctl->output == CTL_OUTPUT_TABLE)
        print_table(ctl, items, columns, count);
    else
        ctl_print_list_json(ctl, pages, page_count, key);
}

void ctl_print_map(struct ctl *ctl, struct rsm_value map)
{
    struct rsm_walk walk = rsm_walk_begin(map);
    struct rsm_value key, value;
    if (ctl->output != CTL_OUTPUT_TABLE) {
        print_json(map, ctl->output == CTL_OUTPUT_JSON ? JSON_INDENT(2) : JSON_COMPACT);
        return;
    }
    while (rsm_walk_next(&walk, &key) && rsm_walk_next(&walk, &value)) {
        char name[64], cell[CELL_SIZE];
        ctl_cell(key, name, sizeof name);
        printf("%-22s %s\n", name, ctl_field_cell(name, value, cell, sizeof cell));
    }
}
