/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shown.c - see shown.h. */
#include "tools/rsm-dump/shown.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/rr/data.h"
#include "src/rr/name.h"
#include "tools/lib/plain.h"

const char *shown_time(uint64_t ms, char out[SHOWN_TIME_SIZE])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts;
    char day[SHOWN_TIME_SIZE - 8] = "";

    if (ms / 1000 > INT32_MAX * UINT64_C(100) || gmtime_r(&seconds, &parts) == NULL ||
        strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &parts) == 0)
        snprintf(out, SHOWN_TIME_SIZE, "%llu ms", (unsigned long long)ms);
    else
        snprintf(out, SHOWN_TIME_SIZE, "%s.%03uZ", day, (unsigned)(ms % 1000));
    return out;
}

json_t *shown_hex(struct bytes data)
{
    char *digits = mem_alloc(2 * data.size + 1);

    hex_encode(digits, data);
    json_t *value = json_string(digits);
    mem_free(digits);
    return value;
}

json_t *shown_text(struct bytes text)
{
    json_t *value = json_stringn((const char *)text.data, text.size);

    if (text.size == 0)
        return json_string("");
    return value != NULL ? value : shown_hex(text);
}

json_t *shown_name(struct bytes name)
{
    char text[NAME_TEXT_MAX];

    if (!name_check(name))
        return shown_hex(name);
    return json_string(name_to_text(name, text));
}

json_t *shown_rdata(uint16_t type, struct bytes rdata)
{
    struct rr_text texts;
    const char *text;
    json_t *value = NULL;

    rr_text_init(&texts);
    if (rr_text_of(&texts, type, rdata, &text) == RSM_OK) {
        value = json_string(text);
    } else {
        json_t *digits = shown_hex(rdata);
        value = json_sprintf("\\# %zu %s", rdata.size, shown_of(digits));
        json_decref(digits);
    }
    rr_text_deinit(&texts);
    return value != NULL ? value : json_null();
}

/* A value that holds no others. */
static json_t *scalar(struct rsm_value v)
{
    struct rsm_bytes octets = rsm_value_octets(v);
    struct bytes bytes = bytes_make(octets.data, octets.size);

    switch (rsm_value_type(v)) {
    case RSM_TYPE_BOOL:
        return json_boolean(rsm_value_bool(v));
    case RSM_TYPE_UINT:
        return json_integer((json_int_t)rsm_value_uint(v));
    case RSM_TYPE_INT:
        return json_integer(rsm_value_int(v));
    case RSM_TYPE_STR:
        return shown_text(bytes);
    case RSM_TYPE_BIN:
        return shown_name(bytes);
    case RSM_TYPE_NONE:
    case RSM_TYPE_NIL:
    case RSM_TYPE_FLOAT:
    case RSM_TYPE_EXT:
    case RSM_TYPE_ARRAY:
    case RSM_TYPE_MAP:
        break;
    }
    return json_null();
}

/* A container in the making. */
struct level {
    json_t *target;
    struct rsm_walk walk;
    bool is_map;
    json_t *key; /* owned: the pair's first half */
};

/* Puts `item` (stolen) where it belongs; a key waits for its value. */
static void put(struct level *level, json_t *item)
{
    if (!level->is_map) {
        json_array_append_new(level->target, item);
    } else if (level->key == NULL) {
        level->key = item;
    } else {
        json_object_set_new(level->target, shown_of(level->key), item);
        json_decref(level->key);
        level->key = NULL;
    }
}

static bool is_container(struct rsm_value v)
{
    return rsm_value_type(v) == RSM_TYPE_ARRAY || rsm_value_type(v) == RSM_TYPE_MAP;
}

static void begin(struct level *level, struct rsm_value v)
{
    level->is_map = rsm_value_type(v) == RSM_TYPE_MAP;
    level->target = level->is_map ? json_object() : json_array();
    level->walk = rsm_walk_begin(v);
    level->key = NULL;
}

json_t *shown_value(struct bytes value)
{
    struct level levels[LIMIT_DEPTH + 1];
    struct rsm_value v;
    size_t depth = 0;

    if (rsm_value_parse(rsm_bytes_make(value.data, value.size), &v) != RSM_OK)
        return shown_hex(value);
    if (!is_container(v))
        return scalar(v);
    begin(&levels[depth++], v);
    for (;;) {
        struct level *level = &levels[depth - 1];
        if (rsm_walk_next(&level->walk, &v)) {
            if (is_container(v) && depth <= LIMIT_DEPTH)
                begin(&levels[depth++], v);
            else
                put(level, scalar(v));
            continue;
        }
        json_t *done = level->target;
        json_decref(level->key);
        if (--depth == 0)
            return done;
        put(&levels[depth - 1], done);
    }
}

void shown_put(const char *text)
{
    char *copy = mem_copy_string(text);
    fputs(plain_text(copy, ""), stdout);
    mem_free(copy);
}

const char *shown_of(const json_t *value)
{
    const char *text = json_string_value(value);

    return text != NULL ? text : "";
}

void shown_print(json_t *value, bool compact)
{
    json_dumpf(value, stdout,
               (compact ? JSON_COMPACT : JSON_INDENT(2)) | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    putchar('\n');
    json_decref(value);
}
