/* SPDX-License-Identifier: GPL-3.0-or-later */
/* history.c - lines into operations; names into numbers. */
#include "tests/lin/history.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/mem.h"

#define LINE_MAX_SIZE 1024u

/* ---- names ---- */

static uint64_t hash_text(const char *text, size_t size)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (uint8_t)text[i]) * 1099511628211u;
    return hash ^ hash >> 29;
}

static void names_grow_table(struct lin_names *names)
{
    uint32_t size = names->table_size == 0 ? 64 : 2 * names->table_size;
    mem_free(names->table);
    names->table = mem_alloc(size * sizeof *names->table);
    names->table_size = size;
    for (uint32_t i = 0; i < names->count; i++) {
        const char *text = names->items[i].text;
        uint32_t at = (uint32_t)hash_text(text, strlen(text)) & (size - 1);
        while (names->table[at] != 0)
            at = (at + 1) & (size - 1);
        names->table[at] = i + 1;
    }
}

static uint32_t intern(struct lin_names *names, const char *text, size_t size)
{
    if (2 * (names->count + 1) > names->table_size)
        names_grow_table(names);
    uint32_t at = (uint32_t)hash_text(text, size) & (names->table_size - 1);
    while (names->table[at] != 0) {
        const char *known = names->items[names->table[at] - 1].text;
        if (strlen(known) == size && memcmp(known, text, size) == 0)
            return names->table[at] - 1;
        at = (at + 1) & (names->table_size - 1);
    }
    if (names->count == names->capacity) {
        names->capacity = names->capacity == 0 ? 32 : 2 * names->capacity;
        names->items = mem_realloc(names->items, names->capacity * sizeof *names->items);
    }
    names->items[names->count] = (struct lin_name){.text = mem_copy_text(text, size)};
    names->table[at] = ++names->count;
    return names->count - 1;
}

static uint32_t intern_value(struct lin_history *h, const char *text)
{
    uint32_t value = intern(&h->values, text, strlen(text));
    struct lin_name *name = &h->values.items[value];
    if (value == LIN_NOTHING || name->owner != 0)
        return value;
    const char *owner = text + (*text == '~');
    name->is_gone = *text == '~';
    name->owner = intern(&h->owners, owner, strcspn(owner, ".")) + 1;
    return value;
}

static void names_deinit(struct lin_names *names)
{
    for (uint32_t i = 0; i < names->count; i++)
        mem_free(names->items[i].text);
    mem_free(names->items);
    mem_free(names->table);
}

void lin_history_init(struct lin_history *h)
{
    *h = (struct lin_history){.ops = NULL};
    (void)intern_value(h, "-");
    h->values.items[LIN_NOTHING].is_gone = true;
}

void lin_history_deinit(struct lin_history *h)
{
    names_deinit(&h->keys);
    names_deinit(&h->values);
    names_deinit(&h->owners);
    mem_free(h->ops);
}

/* ---- lines ---- */

static bool complain(char *error, const char *what)
{
    (void)snprintf(error, 256, "%s", what);
    return false;
}

static bool number(char **rest, uint64_t *number_out)
{
    char *word = strsep(rest, " "), *end;
    if (word == NULL || *word < '0' || *word > '9')
        return false;
    *number_out = strtoull(word, &end, 10);
    return *end == '\0';
}

static const char *word(char **rest)
{
    const char *found = strsep(rest, " ");
    return found != NULL && *found != '\0' ? found : NULL;
}

static const struct {
    const char *text;
    enum lin_outcome outcome;
} outcomes[] = {{"read", LIN_VALUE},    {"applied", LIN_APPLIED}, {"conflict", LIN_CONFLICT},
                {"absent", LIN_ABSENT}, {"other", LIN_OTHER},     {"none", LIN_NONE}};

static bool parse_outcome(const char *text, enum lin_outcome *outcome_out)
{
    for (size_t i = 0; text != NULL && i < sizeof outcomes / sizeof outcomes[0]; i++) {
        if (strcmp(outcomes[i].text, text) == 0) {
            *outcome_out = outcomes[i].outcome;
            return true;
        }
    }
    return false;
}

/* Operations are numbered by the recorder; a return comes soon after its call. */
static struct lin_op *find(struct lin_history *h, uint64_t id)
{
    for (size_t i = h->count; i > 0; i--)
        if (h->ops[i - 1].id == id)
            return &h->ops[i - 1];
    return NULL;
}

static bool on_call(struct lin_history *h, char *rest, char *error)
{
    uint64_t id, client, time;
    if (!number(&rest, &id) || !number(&rest, &client) || !number(&rest, &time))
        return complain(error, "call ID CLIENT TIME ...");
    const char *kind = word(&rest), *key = word(&rest);
    if (kind == NULL || key == NULL)
        return complain(error, "a call without a kind or a key");
    struct lin_op op = {.id = id,
                        .client = (uint32_t)client,
                        .call_ns = time,
                        .done_ns = LIN_NEVER,
                        .outcome = LIN_UNKNOWN};
    op.key = intern(&h->keys, key, strlen(key));
    if (strcmp(kind, "read") == 0 || strcmp(kind, "stale") == 0) {
        op.kind = *kind == 'r' ? LIN_READ : LIN_STALE;
    } else if (strcmp(kind, "change") == 0) {
        const char *value = word(&rest), *expect = word(&rest);
        if (value == NULL || expect == NULL || strcmp(value, "-") == 0)
            return complain(error, "call ... change KEY VALUE EXPECT");
        op.kind = LIN_CHANGE;
        op.value = intern_value(h, value);
        op.expect = intern_value(h, expect);
    } else {
        return complain(error, "no such kind of call");
    }
    if (rest != NULL)
        return complain(error, "words behind the end of a call");
    if (h->count == h->capacity) {
        h->capacity = h->capacity == 0 ? 256 : 2 * h->capacity;
        h->ops = mem_realloc(h->ops, h->capacity * sizeof *h->ops);
    }
    h->ops[h->count++] = op;
    return true;
}

static bool on_return(struct lin_history *h, char *rest, bool is_again, char *error)
{
    uint64_t id, time;
    enum lin_outcome outcome;
    if (!number(&rest, &id) || !number(&rest, &time) || !parse_outcome(word(&rest), &outcome))
        return complain(error, "done ID TIME OUTCOME ...");
    struct lin_op *op = find(h, id);
    if (op == NULL)
        return complain(error, "a return without its call");
    uint64_t slot = 0, written = 0;
    const char *value = NULL;
    if (outcome == LIN_VALUE)
        value = word(&rest);
    if (outcome != LIN_NONE && !number(&rest, &slot))
        return complain(error, "a return without its slot");
    if (outcome == LIN_VALUE && (value == NULL || !number(&rest, &written)))
        return complain(error, "done ID TIME read VALUE SLOT WRITTEN");
    if (rest != NULL || (outcome != LIN_NONE && (outcome == LIN_VALUE) != (op->kind != LIN_CHANGE)))
        return complain(error, "a return that does not fit its call");
    if (is_again) {
        op->again = outcome;
        op->again_slot = slot;
        return true;
    }
    if (op->done_ns != LIN_NEVER || time < op->call_ns)
        return complain(error, "a call that returns twice, or before it began");
    op->done_ns = time;
    op->outcome = outcome;
    op->slot = slot;
    op->written = written;
    if (value != NULL)
        op->value = intern_value(h, value);
    return true;
}

bool lin_history_line(struct lin_history *h, const char *line, char *error)
{
    char copy[LINE_MAX_SIZE];
    if (snprintf(copy, sizeof copy, "%s", line) >= (int)sizeof copy)
        return complain(error, "a line that is too long");
    char *rest = copy;
    const char *first = word(&rest);
    if (first == NULL || *first == '#')
        return true;
    if (strcmp(first, "call") == 0)
        return on_call(h, rest, error);
    if (strcmp(first, "done") == 0)
        return on_return(h, rest, false, error);
    if (strcmp(first, "again") == 0)
        return on_return(h, rest, true, error);
    return complain(error, "neither call, done nor again");
}

bool lin_history_read(struct lin_history *h, FILE *file, char *error)
{
    char line[LINE_MAX_SIZE], why[256] = "";
    for (unsigned count = 1; fgets(line, sizeof line, file) != NULL; count++) {
        line[strcspn(line, "\n")] = '\0';
        if (!lin_history_line(h, line, why)) {
            (void)snprintf(error, 256, "line %u: %.200s", count, why);
            return false;
        }
    }
    return true;
}

void lin_op_print(const struct lin_history *h, const struct lin_op *op, FILE *out)
{
    static const char *const kinds[] = {"", "read", "stale", "change"};
    static const char *const results[] = {"",         "unknown", "read",  "applied",
                                          "conflict", "absent",  "other", "none"};
    fprintf(out, "  %" PRIu64 " client %u %s %s", op->id, op->client, kinds[op->kind],
            h->keys.items[op->key].text);
    if (op->kind == LIN_CHANGE)
        fprintf(out, " to %s over %s", h->values.items[op->value].text,
                h->values.items[op->expect].text);
    fprintf(out, ": %s", results[op->outcome]);
    if (op->outcome == LIN_VALUE)
        fprintf(out, " %s written %" PRIu64, h->values.items[op->value].text, op->written);
    fprintf(out, " slot %" PRIu64 " [%.3f, ", op->slot, (double)op->call_ns / 1e6);
    if (op->done_ns == LIN_NEVER)
        fprintf(out, "never] ms\n");
    else
        fprintf(out, "%.3f] ms\n", (double)op->done_ns / 1e6);
}

/* ---- one step ---- */

static bool conflicts(const struct lin_history *h, const struct lin_op *op, uint32_t state)
{
    return state != LIN_NOTHING && state != op->expect &&
           h->values.items[state].owner != h->values.items[op->value].owner;
}

bool lin_step(const struct lin_history *h, const struct lin_op *op, uint32_t state,
              uint32_t *state_out)
{
    *state_out = state;
    if (op->kind != LIN_CHANGE)
        return op->value == state;
    bool is_conflict = conflicts(h, op, state);
    bool is_absent = h->values.items[op->value].is_gone && h->values.items[state].is_gone;
    switch (op->outcome) {
    case LIN_CONFLICT:
        return is_conflict;
    case LIN_ABSENT:
        return is_absent;
    case LIN_UNKNOWN:
    case LIN_APPLIED:
        *state_out = op->value;
        return !is_conflict && !is_absent;
    case LIN_VALUE:
    case LIN_OTHER:
    case LIN_NONE:
        break;
    }
    return false;
}
