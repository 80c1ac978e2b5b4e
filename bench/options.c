/* SPDX-License-Identifier: GPL-3.0-or-later */
/* options.c - see options.h. */
#include "bench/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/nearest.h"

bool options_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*end != 0 || errno != 0 || value < min || value > max)
        return false;
    *out = value;
    return true;
}

static bool parse_real(const char *text, const struct option *row)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != 0 || !(value >= (double)row->min && value <= (double)row->max))
        return false;
    *row->real = value;
    return true;
}

static bool parse_numbers(const char *text, const struct option *row)
{
    char copy[256], *place = NULL;
    struct numbers found = {.count = 0};
    size_t size = strlen(text);
    if (size >= sizeof copy || size == 0 || text[0] == ',' || text[size - 1] == ',' ||
        strstr(text, ",,") != NULL)
        return false;
    memcpy(copy, text, size + 1);
    for (char *item = strtok_r(copy, ",", &place); item != NULL;
         item = strtok_r(NULL, ",", &place)) {
        if (found.count == NUMBERS_MAX ||
            !options_number(item, row->min, row->max, &found.values[found.count]))
            return false;
        found.count++;
    }
    *row->numbers = found;
    return true;
}

/* One of "a|b|c"? */
static bool is_word(const char *words, const char *text)
{
    size_t size = strcspn(text, "|");
    for (const char *at = words; size > 0 && text[size] == 0; at++) {
        if (strncmp(at, text, size) == 0 && (at[size] == '|' || at[size] == 0))
            return true;
        at = strchr(at, '|');
        if (at == NULL)
            break;
    }
    return false;
}

static bool take_value(const struct option *row, const char *value)
{
    if (row->text != NULL) {
        *row->text = value;
        return row->words == NULL || is_word(row->words, value);
    }
    if (row->number != NULL)
        return options_number(value, row->min, row->max, row->number);
    return row->numbers != NULL ? parse_numbers(value, row) : parse_real(value, row);
}

static void say_wrong(const struct option *row, const char *value)
{
    (void)fprintf(stderr, "rsm-bench: %s %s: it is ", row->name, value);
    if (row->text != NULL)
        (void)fprintf(stderr, "one of %s\n", row->words);
    else
        (void)fprintf(stderr, "%s from %llu to %llu\n",
                      row->numbers != NULL ? "up to 16 numbers, with commas between them, each"
                                           : "a number",
                      (unsigned long long)row->min, (unsigned long long)row->max);
}

static void say_unknown(const struct option *rows, size_t count, const char *name)
{
    struct nearest n = nearest_begin(name);
    for (size_t i = 0; i < count; i++)
        nearest_offer(&n, rows[i].name);
    (void)fprintf(stderr, "rsm-bench: there is no option %s here", name);
    if (n.best != NULL)
        (void)fprintf(stderr, "; did you mean %s?", n.best);
    (void)fputs("\n", stderr);
}

static const struct option *find(const struct option *rows, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

enum options_end options_parse(const struct option *rows, size_t row_count, int count,
                               char **arguments, const char **plain, uint32_t plain_max,
                               uint32_t *plain_count_out)
{
    *plain_count_out = 0;
    for (int i = 0; i < count; i++)
        if (strcmp(arguments[i], "--help") == 0)
            return OPTIONS_HELP;
    for (int i = 0; i < count; i++) {
        const struct option *row = find(rows, row_count, arguments[i]);
        if (row == NULL && strncmp(arguments[i], "--", 2) != 0 && *plain_count_out < plain_max) {
            plain[(*plain_count_out)++] = arguments[i];
        } else if (row == NULL) {
            say_unknown(rows, row_count, arguments[i]);
            return OPTIONS_BAD;
        } else if (row->flag != NULL) {
            *row->flag = true;
        } else if (i + 1 == count) {
            (void)fprintf(stderr, "rsm-bench: %s wants a value\n", row->name);
            return OPTIONS_BAD;
        } else if (!take_value(row, arguments[++i])) {
            say_wrong(row, arguments[i]);
            return OPTIONS_BAD;
        }
    }
    return OPTIONS_GOOD;
}
