/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_log.c - `log`, a line for each slot, and `show`, everything about one. */
#include <string.h>

#include "tools/rsm-dump/slot.h"
#include "tools/rsm-dump/shown.h"

static void print_text(struct bytes text)
{
    json_t *value = shown_text(text);

    shown_put(shown_of(value));
    json_decref(value);
}

/* " alice 3 rrset.change example.org." */
static void print_command(struct dump *d, const struct command *c)
{
    struct bytes zone = slot_command_zone(d, c);

    putchar(' ');
    print_text(c->author);
    printf(" %llu %s", (unsigned long long)c->counter, rsm_kind_text(c->kind));
    if (zone.size > 0) {
        json_t *name = shown_name(zone);
        printf(" %s", shown_of(name));
        json_decref(name);
    }
}

/* " applied", or " refused: stale, frozen". */
static void print_verdict(const struct verdict *v)
{
    struct reader reader = reader_make(v->reasons);
    struct bytes evidence;
    const char *between = ": ";
    uint32_t rule = 0;

    printf(" %s", verdict_kind_text(v->kind));
    while (v->kind == VERDICT_REFUSED && verdict_reason_next(&reader, &rule, &evidence)) {
        printf("%s%s", between, rsm_rule_id(rule));
        between = ", ";
    }
    if (verdict_is_duplicate(v))
        printf(" (in slot %llu already)", (unsigned long long)v->first_slot);
}

/* Commands and verdicts side by side; verdicts alone when there is no envelope. */
static void print_commands(struct dump *d, const struct slot_view *view,
                           const struct slot_parts *parts)
{
    struct verdict_walk verdicts = verdict_walk(view->verdicts.verdicts);
    struct envelope_walk walk = {0};
    struct command command;
    struct verdict verdict;
    const char *between = "";

    if (parts->has_envelope)
        walk = envelope_commands(&parts->envelope);
    while (parts->has_envelope && envelope_next(&walk, &command)) {
        fputs(between, stdout);
        print_command(d, &command);
        if (view->has_verdicts && verdict_next(&verdicts, &verdict))
            print_verdict(&verdict);
        between = ";";
    }
    if (parts->has_rejection && !parts->has_envelope) {
        putchar(' ');
        print_text(parts->author);
        printf(" %u commands refused", parts->rejection.refused_count);
    }
}

void slot_print(struct dump *d, const struct slot_view *view, const struct slot_parts *parts)
{
    char time[SHOWN_TIME_SIZE] = "-";

    if (view->has_verdicts)
        shown_time(view->verdicts.log_time_ms, time);
    else if (parts->entry.kind != ENTRY_NOOP)
        shown_time(parts->entry.timestamp_ms, time);
    printf("%llu %s %s", (unsigned long long)view->slot, time, slot_kind(parts));
    print_commands(d, view, parts);
    puts(view->in_store ? "" : "  (chosen, in the journal only)");
}

int command_log(struct dump *d)
{
    uint8_t buffer[LIMIT_NAME_SIZE];
    struct bytes zone;
    struct bytes author = bytes_make(NULL, 0);
    uint64_t last = dump_last(d);

    if (!dump_parse_zone(d, buffer, &zone))
        return EXIT_WRONG_USAGE;
    if (d->options->author != NULL)
        author = bytes_of_string(d->options->author);
    if (d->to < last)
        last = d->to;
    uint64_t slot = d->from;
    for (; slot <= last; slot++) {
        struct slot_view view;
        struct slot_parts parts;
        enum rsm_status status = dump_slot(d, slot, &view);
        if (status != RSM_OK) {
            dump_finding(d, "slot %llu: its rows in the store: %s", (unsigned long long)slot,
                         rsm_status_sentence(status));
            continue;
        }
        slot_take_apart(&view, &parts);
        if (parts.status != RSM_OK)
            dump_finding(d, "slot %llu: %s", (unsigned long long)slot,
                         rsm_status_sentence(parts.status));
        if (!slot_matches(d, &parts, zone, author))
            continue;
        if (d->options->json)
            shown_print(slot_json(d, &view), true);
        else
            slot_print(d, &view, &parts);
    }
    return dump_exit(d);
}

int command_show(struct dump *d)
{
    struct slot_view view;
    uint64_t slot = 0;

    if (!dump_parse_slot(d, d->options->first, &slot))
        return EXIT_NOTHING_THERE;
    enum rsm_status status = dump_slot(d, slot, &view);
    if (status == RSM_NOT_FOUND) {
        fprintf(stderr, "rsm-dump: %s: no such slot\n", d->options->first);
        return EXIT_NOTHING_THERE;
    }
    if (status != RSM_OK) {
        dump_finding(d, "slot %llu: its rows in the store: %s", (unsigned long long)slot,
                     rsm_status_sentence(status));
        return EXIT_FINDING;
    }
    shown_print(slot_json(d, &view), d->options->json);
    return dump_exit(d);
}
