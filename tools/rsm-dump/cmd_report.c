/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cmd_report.c - `report`: what happened in a range of slots, counted; `check-report`: its
 * signature.
 *
 * Everything is counted from commands and verdicts of the log, nothing from the state: whoever has
 * `log --json` can count it again. A report is a set of numbers with names, in one order:
 *
 *     range    first, last slot, and their log time; without a slot: what was asked for, slots 0
 *     command  by kind and what became of it; a command that was sent twice counts once
 *     author   the same by author
 *     refused  by rule: one command may break several
 *     staged   how changes that waited ended, by class and state
 *     skipped  stages that were not gone through, by stage; steps of overrides that were skipped
 *
 * It can be signed (--key): a C2SP note, as checkpoints are. As text it is the note itself; JSON
 * and HTML stay what they are, and what makes a note of them goes to a file of its own
 * (--signature): the document with that file behind it is the note.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/command/body_step.h"
#include "src/command/note.h"
#include "src/machine/stage.h"
#include "tools/lib/plain.h"
#include "tools/lib/proof.h"
#include "tools/rsm-dump/shown.h"
#include "tools/rsm-dump/slot.h"

#define LINE_MAX_SIZE 1024u

static void bump(json_t *report, const char *group, const char *name, const char *what)
{
    json_t *part = json_object_get(report, group);
    char key[LINE_MAX_SIZE];
    (void)snprintf(key, sizeof key, what != NULL ? "%s %s" : "%s", name, what);
    json_int_t before = json_integer_value(json_object_get(part, key));
    json_object_set_new(part, key, json_integer(before + 1));
}

/* A text of the log as a name; shown_text leaves no line ends in it. */
static void name_of(struct bytes text, char out[LINE_MAX_SIZE])
{
    json_t *value = shown_text(text);
    (void)snprintf(out, LINE_MAX_SIZE, "%s", shown_of(value));
    json_decref(value);
}

static const char *outcome_of(const struct verdict *v)
{
    return v->kind == VERDICT_APPLIED  ? "applied"
           : v->kind == VERDICT_STAGED ? "staged"
                                       : "refused";
}

static void count_stages(json_t *report, struct bytes stages)
{
    struct stage_row row;
    while (stage_next(&stages, &row))
        if (row.outcome == STAGE_SKIPPED)
            bump(report, "skipped", "stage", rsm_stage_id(row.stage));
}

static void count_reasons(json_t *report, const struct verdict *v)
{
    struct reader reader = reader_make(v->reasons);
    struct bytes evidence;
    uint32_t rule;
    while (verdict_reason_next(&reader, &rule, &evidence))
        bump(report, "refused", rsm_rule_id(rule), NULL);
}

static void count_settled(json_t *report, const struct verdict *v)
{
    struct bytes class, state;
    char name[64];
    if (!unpack_find_octets(v->result, "class", &class) ||
        !unpack_find_octets(v->result, "state", &state))
        return;
    (void)snprintf(name, sizeof name, "%.*s %.*s", (int)class.size, (const char *)class.data,
                   (int)state.size, (const char *)state.data);
    bump(report, "staged", name, NULL);
}

static void count_command(json_t *report, const struct command *c, const struct verdict *v)
{
    char author[LINE_MAX_SIZE];
    struct body_step step;
    name_of(v->author, author);
    bump(report, "command", c != NULL ? rsm_kind_text(c->kind) : "too-large", outcome_of(v));
    bump(report, "author", author, outcome_of(v));
    if (v->kind == VERDICT_REFUSED)
        count_reasons(report, v);
    else if (c != NULL && c->kind == RSM_KIND_OVERRIDE_STEP &&
             body_step_decode(c->body, &step) == RSM_OK && step.is_skipped)
        bump(report, "skipped", "override-step", rsm_step_text(step.step));
    count_stages(report, v->stages);
}

static void count_slot(json_t *report, const struct slot_view *view, const struct slot_parts *parts)
{
    struct verdict_walk verdicts = verdict_walk(view->verdicts.verdicts);
    struct envelope_walk walk = {.left = 0};
    struct command command;
    struct verdict v;
    if (parts->has_envelope)
        walk = envelope_commands(&parts->envelope);
    while (verdict_next(&verdicts, &v)) {
        if (v.kind == VERDICT_SETTLED) {
            count_settled(report, &v);
            continue;
        }
        bool has_command = parts->has_envelope && envelope_next(&walk, &command);
        if (!verdict_is_duplicate(&v))
            count_command(report, has_command ? &command : NULL, &v);
    }
}

/* A range without a slot has neither a first nor a last one: it is named as it was asked for. */
static void name_range(const struct dump *d, json_t *range)
{
    const struct options *o = d->options;
    char last[32];
    (void)snprintf(last, sizeof last, "%llu", (unsigned long long)d->applied);
    json_object_set_new(range, "from",
                        shown_text(bytes_of_string(o->from != NULL ? o->from : "1")));
    json_object_set_new(range, "to", shown_text(bytes_of_string(o->to != NULL ? o->to : last)));
    json_object_set_new(range, "slots", json_integer(0));
}

static json_t *count_all(struct dump *d)
{
    static const char *const groups[] = {"command", "author", "refused", "staged", "skipped"};
    json_t *report = json_object(), *range = json_object();
    char time[SHOWN_TIME_SIZE];
    uint64_t last = d->to < d->applied ? d->to : d->applied;
    uint64_t slot = d->from;
    json_object_set_new(report, "range", range);
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        json_object_set_new(report, groups[i], json_object());
    for (uint64_t first = slot; slot <= last; slot++) {
        struct slot_view view;
        struct slot_parts parts;
        enum rsm_status status = dump_slot(d, slot, &view);
        if (status != RSM_OK || !view.has_verdicts) {
            dump_finding(d, "slot %llu: its rows in the store: %s", (unsigned long long)slot,
                         rsm_status_sentence(status));
            continue;
        }
        slot_take_apart(&view, &parts);
        count_slot(report, &view, &parts);
        shown_time(view.verdicts.log_time_ms, time);
        if (slot == first)
            json_object_set_new(range, "first", json_pack("[I,s]", (json_int_t)slot, time));
        json_object_set_new(range, "last", json_pack("[I,s]", (json_int_t)slot, time));
    }
    if (d->from > last)
        name_range(d, range);
    return report;
}

/* ---- forms ---- */

static void add_html(struct writer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '<')
            writer_format(out, "&lt;");
        else if (*text == '&')
            writer_format(out, "&amp;");
        else
            writer_u8(out, (uint8_t)*text);
    }
}

static void add_row(struct writer *out, bool is_html, const char *group, const char *key,
                    const char *value)
{
    if (!is_html) {
        writer_format(out, "%s %s %s\n", group, key, value);
        return;
    }
    writer_format(out, "<tr><td>%s<td>", group);
    add_html(out, key);
    writer_format(out, "<td>");
    add_html(out, value);
    writer_format(out, "\n");
}

static void write_rows(struct writer *out, json_t *report, bool is_html, const uint8_t *cluster)
{
    static const char *const groups[] = {"range",   "command", "author",
                                         "refused", "staged",  "skipped"};
    char hex[2 * CLUSTER_ID_SIZE + 1], value[LINE_MAX_SIZE];
    hex_encode(hex, bytes_make(cluster, CLUSTER_ID_SIZE));
    writer_format(out,
                  is_html ? "<!doctype html><meta charset=utf-8><title>rsm report</title>"
                            "<h1>rsm/%s</h1><table>\n"
                          : "rsm report\nrsm/%s\n",
                  hex);
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        const char *key;
        json_t *item, *sorted = json_object_get(report, groups[i]);
        char *text = json_dumps(sorted, JSON_SORT_KEYS | JSON_COMPACT);
        json_t *ordered = text != NULL ? json_loads(text, 0, NULL) : NULL;
        json_object_foreach(ordered, key, item)
        {
            if (json_is_array(item))
                (void)snprintf(value, sizeof value, "%lld %s",
                               (long long)json_integer_value(json_array_get(item, 0)),
                               json_string_value(json_array_get(item, 1)));
            else if (json_is_string(item))
                (void)snprintf(value, sizeof value, "%s", json_string_value(item));
            else
                (void)snprintf(value, sizeof value, "%lld", (long long)json_integer_value(item));
            char *plain = mem_copy_string(key);
            add_row(out, is_html, groups[i], plain_text(plain, ""), value);
            mem_free(plain);
        }
        json_decref(ordered);
        free(text);
    }
    if (is_html)
        writer_format(out, "</table>\n");
}

/* The note of `text`; what comes behind the text alone, when that has a file of its own. */
static bool sign(const struct dump *d, struct bytes text, struct writer *out)
{
    struct rsm_key *key = proof_load_key(d->options->key);
    bool is_signed = key != NULL && note_sign(key, text, out) == RSM_OK;
    if (key != NULL && !is_signed)
        fprintf(stderr, "rsm-dump: the report is too large for a note, or the key's name has "
                        "blanks or +\n");
    rsm_key_free(key);
    return is_signed;
}

static bool write_signature(const char *path, struct bytes text)
{
    FILE *file = fopen(path, "wxe");
    bool is_good = file != NULL && fwrite(text.data, 1, text.size, file) == text.size;
    if (file != NULL && fclose(file) != 0)
        is_good = false;
    if (!is_good)
        fprintf(stderr, "rsm-dump: %s: %s; a signature goes to a new file\n", path,
                strerror(errno));
    return is_good;
}

static void write_json(struct writer *out, json_t *report, const uint8_t *cluster)
{
    char hex[2 * CLUSTER_ID_SIZE + 1];
    hex_encode(hex, bytes_make(cluster, CLUSTER_ID_SIZE));
    json_object_set_new(json_object_get(report, "range"), "cluster", json_string(hex));
    char *text = json_dumps(report, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    writer_format(out, "%s\n", text != NULL ? text : "");
    free(text);
}

/* The document, signed as it was asked for, on stdout. */
static bool print_report(const struct dump *d, struct bytes text)
{
    const struct options *o = d->options;
    struct writer note;
    writer_init(&note, 16u << 20);
    bool is_good = o->key == NULL || sign(d, text, &note);
    struct bytes out = text;
    if (o->signature != NULL && is_good)
        is_good =
            write_signature(o->signature, bytes_make(note.data + text.size, note.size - text.size));
    else if (o->key != NULL)
        out = writer_result(&note);
    if (is_good)
        (void)fwrite(out.data, 1, out.size, stdout);
    writer_deinit(&note);
    return is_good;
}

int command_report(struct dump *d)
{
    const char *form = d->options->first;
    bool is_html = strcmp(form, "html") == 0, is_json = strcmp(form, "json") == 0;
    struct writer text;
    if (!is_html && !is_json && strcmp(form, "text") != 0) {
        fputs("rsm-dump: a report is text, json or html\n", stderr);
        return EXIT_WRONG_USAGE;
    }
    bool is_apart = d->options->signature != NULL;
    if ((is_html || is_json) ? (d->options->key != NULL) != is_apart
                             : is_apart && d->options->key == NULL) {
        fputs("rsm-dump: --key FILE signs; json and html stay what they are, so --signature FILE "
              "goes with it\n",
              stderr);
        return EXIT_WRONG_USAGE;
    }
    json_t *report = count_all(d);
    writer_init(&text, 16u << 20);
    if (is_json)
        write_json(&text, report, d->identity.cluster);
    else
        write_rows(&text, report, is_html, d->identity.cluster);
    json_decref(report);
    bool is_good = !text.failed && print_report(d, writer_result(&text));
    writer_deinit(&text);
    return is_good ? dump_exit(d) : EXIT_FINDING;
}
