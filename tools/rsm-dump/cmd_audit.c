/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cmd_audit.c - `export audit`: the log as JSON Lines, an object for each verdict.
 *
 * It is slot_json (what `log --json` prints) turned round: a slot's commands and verdicts side by
 * side, and with the end of a change that waited the approvals that came before it. The log is
 * read from its beginning for those, and for the plans that commands are based on, wherever the
 * range begins.
 */
#include <string.h>

#include "tools/rsm-dump/shown.h"
#include "tools/rsm-dump/slot.h"

struct audit {
    struct dump *d;
    json_t *waiting;   /* "author counter" of what waits -> its digest */
    json_t *approvals; /* digest -> [{"author", "slot", "log_time"}...] */
    json_t *plans;     /* "plan generation", or digest of what was staged -> whose it is: basis */
};

/* "author counter": what a command is known by. */
static json_t *event_of(const json_t *verdict)
{
    return json_sprintf("%s %lld", shown_of(json_object_get(verdict, "author")),
                        (long long)json_integer_value(json_object_get(verdict, "counter")));
}

static bool is_text(const json_t *object, const char *key, const char *text)
{
    return strcmp(shown_of(json_object_get(object, key)), text) == 0;
}

/* The same value under a key of another object, null when it is not there. */
static void carry(json_t *to, const char *key, const json_t *from, const char *from_key)
{
    json_t *value = json_object_get(from, from_key);

    json_object_set_new(to, key, value != NULL ? json_incref(value) : json_null());
}

/* "plan generation": of plan.publish and the array of plan.execute and plan.collect. */
static json_t *plan_of(const json_t *command)
{
    const json_t *body = json_object_get(command, "body");
    bool is_published = json_is_object(body);
    const json_t *plan = is_published ? json_object_get(body, "plan") : json_array_get(body, 0);
    const json_t *generation =
        is_published ? json_object_get(body, "generation") : json_array_get(body, 1);

    return json_sprintf("%s %lld", shown_of(plan), (long long)json_integer_value(generation));
}

/* The plan that a command carries out, or is about, or NULL: what others may look up. */
static const json_t *basis_of(const struct audit *a, const json_t *command)
{
    static const char *const about[] = {"change.vote", "change.approve", "change.cancel",
                                        "change.apply"};
    const json_t *found = NULL;

    if (is_text(command, "kind", "plan.execute") || is_text(command, "kind", "plan.collect")) {
        json_t *name = plan_of(command);
        found = json_object_get(a->plans, shown_of(name));
        json_decref(name);
    }
    for (size_t i = 0; i < sizeof(about) / sizeof(about[0]); i++)
        if (is_text(command, "kind", about[i]))
            found = json_object_get(a->plans,
                                    shown_of(json_array_get(json_object_get(command, "body"), 0)));
    if (is_text(command, "kind", "override.step")) /* [freeze, step, skipped, evidence] */
        found = json_object_get(a->plans,
                                shown_of(json_array_get(json_object_get(command, "body"), 3)));
    return found;
}

/* What later commands are based on: plans that were published, changes that wait. */
static void remember_plan(struct audit *a, const json_t *slot, const json_t *command,
                          const json_t *verdict)
{
    bool is_plan = is_text(command, "kind", "plan.publish");
    bool is_staged = is_text(verdict, "verdict", "staged");
    json_t *item = json_object(), *name = plan_of(command);

    carry(item, is_staged ? "change" : "plan",
          is_staged ? command : json_object_get(command, "body"), is_staged ? "digest" : "plan");
    if (!is_staged) {
        carry(item, "generation", json_object_get(command, "body"), "generation");
        carry(item, "hash", json_object_get(verdict, "result"), "hash");
    }
    carry(item, "author", verdict, "author");
    carry(item, "slot", slot, "slot");
    if (is_staged)
        json_object_set(a->plans, shown_of(json_object_get(command, "digest")), item);
    else if (is_plan && is_text(verdict, "verdict", "applied"))
        json_object_set(a->plans, shown_of(name), item);
    json_decref(name);
    json_decref(item);
}

/* Keeps what the end of a change will need: its digest, and who approved it. */
static void remember(struct audit *a, const json_t *slot, const json_t *command,
                     const json_t *verdict)
{
    const char *change =
        shown_of(json_array_get(json_object_get(command, "body"), 0)); /* [change, ...] */

    if (is_text(verdict, "verdict", "staged")) {
        json_t *event = event_of(verdict);
        carry(a->waiting, shown_of(event), command, "digest");
        json_decref(event);
    }
    if (!is_text(command, "kind", "change.approve") || !is_text(verdict, "verdict", "applied") ||
        json_object_get(verdict, "first_slot") != NULL)
        return;
    json_t *list = json_object_get(a->approvals, change);
    if (list == NULL) {
        list = json_array();
        json_object_set_new(a->approvals, change, list);
    }
    json_t *item = json_object();
    carry(item, "author", verdict, "author");
    carry(item, "slot", slot, "slot");
    carry(item, "log_time", slot, "log_time");
    json_array_append_new(list, item);
}

/* Votes and approvals, of a change that has waited and waits no more. */
static void add_end(struct audit *a, json_t *line, const json_t *verdict)
{
    json_t *event = event_of(verdict);
    json_t *digest = json_object_get(a->waiting, shown_of(event));
    json_t *list = json_object_get(a->approvals, shown_of(digest));

    json_object_set_new(line, "digest", digest != NULL ? json_incref(digest) : json_null());
    carry(line, "votes", json_object_get(verdict, "result"), "votes");
    json_object_set_new(line, "approvals", list != NULL ? json_incref(list) : json_array());
    (void)json_object_del(a->waiting, shown_of(event));
    json_decref(event);
}

static void add_command(const struct audit *a, json_t *line, const json_t *slot,
                        const json_t *command)
{
    static const char *const same[] = {"kind", "reason", "body", "digest"};
    json_t *basis = json_object();

    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        carry(line, same[i], command, same[i]);
    carry(line, "key", slot, "key");
    carry(basis, "lamport", command, "lamport");
    carry(basis, "clock", command, "clock");
    carry(basis, "dependencies", command, "dependencies");
    const json_t *plan = basis_of(a, command);
    json_object_set_new(basis, "plan", plan != NULL ? json_deep_copy(plan) : json_null());
    json_object_set_new(line, "basis", basis);
}

static json_t *skipped_of(const json_t *verdict)
{
    json_t *list = json_array();
    json_t *stage = NULL;
    size_t i = 0;

    json_array_foreach(json_object_get(verdict, "stages"), i, stage)
    {
        if (!is_text(stage, "outcome", "skipped"))
            continue;
        json_t *item = json_object();
        carry(item, "stage", stage, "stage");
        carry(item, "why", stage, "why");
        json_array_append_new(list, item);
    }
    return list;
}

/* `command` may be NULL: the end of a change, or a command that was too large to keep. */
static void take_verdict(struct audit *a, const json_t *slot, const json_t *command,
                         json_t *verdict, bool is_wanted)
{
    static const char *const same[] = {"author", "counter", "verdict", "rules", "stages"};
    json_t *line = json_object();

    carry(line, "slot", slot, "slot");
    carry(line, "log_time", slot, "log_time");
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        carry(line, same[i], verdict, same[i]);
    json_object_set_new(line, "skipped", skipped_of(verdict));
    carry(line, "result", verdict, "result");
    carry(line, "first_slot", verdict, "first_slot");
    if (command != NULL) {
        add_command(a, line, slot, command);
        remember(a, slot, command, verdict);
        if (json_object_get(verdict, "first_slot") == NULL)
            remember_plan(a, slot, command, verdict);
    }
    if (is_text(verdict, "verdict", "settled"))
        add_end(a, line, verdict);
    carry(line, "entry_head", slot, "entry_head");
    if (is_wanted)
        shown_print(json_incref(line), true);
    json_decref(line);
}

static void take_slot(struct audit *a, const json_t *slot, bool is_wanted)
{
    const json_t *commands = json_object_get(slot, "commands");
    json_t *verdict = NULL;
    size_t i = 0;
    size_t used = 0;

    json_array_foreach(json_object_get(slot, "verdicts"), i, verdict)
    {
        bool is_end = is_text(verdict, "verdict", "settled");
        take_verdict(a, slot, is_end ? NULL : json_array_get(commands, used++), verdict, is_wanted);
    }
}

int command_export_audit(struct dump *d)
{
    struct audit a = {
        .d = d, .waiting = json_object(), .approvals = json_object(), .plans = json_object()};
    uint64_t last = d->to < d->applied ? d->to : d->applied;

    for (uint64_t slot = 1; slot <= last; slot++) {
        struct slot_view view;
        enum rsm_status status = dump_slot(d, slot, &view);
        if (status != RSM_OK) {
            dump_finding(d, "slot %llu: its rows in the store: %s", (unsigned long long)slot,
                         rsm_status_sentence(status));
            continue;
        }
        json_t *shown = slot_json(d, &view);
        take_slot(&a, shown, slot >= d->from);
        json_decref(shown);
    }
    json_decref(a.waiting);
    json_decref(a.approvals);
    json_decref(a.plans);
    return dump_exit(d);
}
