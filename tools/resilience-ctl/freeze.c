/* SPDX-License-Identifier: GPL-3.0-or-later */
/* freeze.c - automation freeze, resume, list and frozen; the lines of status about them. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "src/base/limits.h"
#include "tools/lib/when.h"
#include "tools/resilience-ctl/ctl.h"
#include "tools/resilience-ctl/lists.h"

static bool parse_scope(const char *text, enum rsm_freeze_scope *scope_out)
{
    static const char *const names[] = {"global", "zone", "author", "az", "kind"};
    for (int i = 0; i < 5; i++) {
        if (strcmp(text, names[i]) == 0) {
            *scope_out = (enum rsm_freeze_scope)(RSM_FREEZE_GLOBAL + i);
            return true;
        }
    }
    ctl_fail(RSM_USAGE, "--scope is global, zone, az, author or kind, not \"%s\"", text);
    return false;
}

/* --until: a time from now, as 30m, or one in UTC. 0 leaves the freeze open. */
static bool parse_until(struct ctl *ctl, uint64_t *until_ms_out)
{
    struct timespec now;
    uint64_t ms, last_ms;
    *until_ms_out = 0;
    if (ctl->until == NULL)
        return true;
    /* A day alone may mean its beginning or its end. */
    if (strchr(ctl->until, 'T') != NULL && when_parse(ctl->until, until_ms_out, &last_ms))
        return true;
    if (!ctl_parse_duration(ctl->until, &ms)) {
        ctl_fail(RSM_USAGE,
                 "--until is a time from now such as 30m, or one such as 2026-11-23T15:00:00Z, "
                 "not \"%s\"",
                 ctl->until);
        return false;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    *until_ms_out = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 + ms;
    return true;
}

/* The subject of --scope; false: explained. `buffer` is a zone's wire name. */
static bool take_subject(enum rsm_freeze_scope scope, const char *text,
                         uint8_t buffer[NAME_SIZE_MAX], struct rsm_bytes *subject_out)
{
    struct bytes zone;
    *subject_out = rsm_text(text != NULL ? text : "");
    if ((scope == RSM_FREEZE_GLOBAL) != (text == NULL)) {
        ctl_fail(RSM_USAGE, scope == RSM_FREEZE_GLOBAL
                                ? "--scope global takes no subject; did you mean --scope zone?"
                                : "--scope zone, az, author and kind are followed by which one");
        return false;
    }
    if (scope != RSM_FREEZE_ZONE)
        return true;
    if (!ctl_name(text, (struct bytes){NULL, 0}, buffer, &zone))
        return false;
    *subject_out = ctl_bytes(zone);
    return true;
}

/* A freeze has an id of its own for each thing that is frozen: "automation", "zone:example.org". */
static void default_id(const char *scope, const char *subject, char *out, size_t size)
{
    if (subject == NULL)
        (void)snprintf(out, size, "automation");
    else
        (void)snprintf(out, size, "%s:%s", scope, subject);
}

int ctl_automation_freeze(struct ctl *ctl, int count, char **arguments)
{
    const char *scope_text = ctl->scope != NULL ? ctl->scope : "global";
    const char *subject_text = count > 0 ? arguments[0] : NULL;
    enum rsm_freeze_scope scope;
    uint64_t until_ms;
    uint8_t buffer[NAME_SIZE_MAX];
    char id[LIMIT_LABEL_SIZE + 1];
    struct rsm_bytes subject;
    struct rsm_buffer body = {NULL, 0};
    if (ctl->reason == NULL || ctl->reason[0] == '\0')
        return ctl_fail(RSM_USAGE, "--reason is needed: everybody who is stopped will read it");
    if (!parse_scope(scope_text, &scope) || !parse_until(ctl, &until_ms) ||
        !take_subject(scope, subject_text, buffer, &subject))
        return rsm_status_exit(RSM_USAGE);
    default_id(scope_text, subject_text, id, sizeof id);
    enum rsm_status status = ctl_sign_in(ctl);
    if (status == RSM_OK)
        status = ctl_see_list(ctl, "freeze.list");
    if (status != RSM_OK)
        return rsm_status_exit(status);
    status = rsm_body_freeze_set(rsm_text(ctl->id != NULL ? ctl->id : id), scope, subject,
                                 ctl->everybody, until_ms, &body);
    return ctl_change(ctl, RSM_KIND_FREEZE_SET, status, &body, "frozen");
}

/* -------------------------------------------------------------------------------------------- */

static bool is_text(struct rsm_value value, const char *text)
{
    struct rsm_bytes octets = rsm_value_octets(value);
    return octets.size == strlen(text) && memcmp(octets.data, text, octets.size) == 0;
}

static struct rsm_value find_freeze(struct rsm_value list, const char *id)
{
    struct rsm_value none = {{NULL, 0}};
    for (uint32_t i = 0; i < rsm_value_count(list); i++)
        if (is_text(rsm_value_get(rsm_value_at(list, i), "name"), id))
            return rsm_value_at(list, i);
    return none;
}

/*
 * Which freeze is meant: --id, else the one of all automation, else that of the zone, else the only
 * one. `id` has room for LIMIT_LABEL_SIZE + 1. An empty value: explained.
 */
static struct rsm_value choose(struct ctl *ctl, struct rsm_value list, char *id)
{
    struct rsm_value none = {{NULL, 0}};
    char of_az[LIMIT_LABEL_SIZE + 8];
    (void)snprintf(of_az, sizeof of_az, "az:%s", ctl->az != NULL ? ctl->az : "");
    const char *names[] = {ctl->id != NULL ? ctl->id : "automation", of_az};
    struct rsm_value found = none;
    for (int i = 0; i < (ctl->id != NULL ? 1 : 2) && found.raw.size == 0; i++)
        found = find_freeze(list, names[i]);
    if (found.raw.size == 0 && ctl->id == NULL && rsm_value_count(list) == 1)
        found = rsm_value_at(list, 0);
    if (found.raw.size == 0 && rsm_value_count(list) == 0)
        ctl_fail(RSM_NOT_FOUND, "nothing is frozen");
    else if (found.raw.size == 0)
        ctl_fail(RSM_NOT_FOUND,
                 ctl->id != NULL
                     ? "there is no freeze %s; resilience-ctl automation list has them"
                     : "there is no freeze %s and more than one other; --id says which: "
                       "resilience-ctl automation list",
                 names[0]);
    else
        (void)ctl_cell(rsm_value_get(found, "name"), id, LIMIT_LABEL_SIZE + 1);
    return found;
}

int ctl_automation_resume(struct ctl *ctl, int count, char **arguments)
{
    struct rsm_buffer body = {NULL, 0}, result = {NULL, 0};
    char id[LIMIT_LABEL_SIZE + 1];
    struct rsm_pack *params = rsm_pack_new();
    (void)count;
    (void)arguments;
    enum rsm_status status = ctl_sign_in(ctl);
    if (status == RSM_OK)
        status = ctl_see_list(ctl, "freeze.list");
    rsm_pack_array(params, 0);
    if (status == RSM_OK)
        status = ctl_call(ctl, "freeze.list", params, &result);
    rsm_pack_free(params);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    struct rsm_value list = rsm_value_get(rsm_value_of(rsm_buffer_bytes(&result)), "freezes");
    struct rsm_value freeze = choose(ctl, list, id);
    uint64_t trips = rsm_value_uint(rsm_value_get(freeze, "trips"));
    bool is_found = freeze.raw.size > 0;
    rsm_buffer_free(&result);
    if (!is_found)
        return rsm_status_exit(RSM_NOT_FOUND);
    if (!ctl->gradual && ctl->az == NULL) {
        status = rsm_body_freeze_clear(rsm_text(id), &body);
        return ctl_change(ctl, RSM_KIND_FREEZE_CLEAR, status, &body, "resumed");
    }
    status = rsm_body_freeze_resume(rsm_text(id), rsm_text(ctl->az), ctl->gradual, trips, &body);
    return ctl_change(ctl, RSM_KIND_FREEZE_RESUME, status, &body,
                      ctl->gradual ? "resuming, see status" : "resumed");
}

int ctl_automation_list(struct ctl *ctl, int count, char **arguments)
{
    static const struct ctl_column columns[] = {
        {"ID", "name"},          {"SCOPE", "scope"},   {"SUBJECT", "subject"},
        {"PEOPLE", "everybody"}, {"AUTHOR", "author"}, {"REASON", "reason"},
        {"UNTIL", "until_ms"},   {"TRIPS", "trips"},   {"LAST TRIP", "trip_cause"}};
    (void)count;
    (void)arguments;
    return ctl_show_list(ctl, "freeze.list", "freezes", columns, 9);
}

int ctl_automation_frozen(struct ctl *ctl, int count, char **arguments)
{
    static const struct ctl_column columns[] = {{"OWNER", "owner"},   {"TYPE", "type"},
                                                {"AUTHOR", "author"}, {"AND", "other"},
                                                {"FLIPS", "flips"},   {"SINCE SLOT", "slot"}};
    (void)count;
    (void)arguments;
    return ctl_show_list(ctl, "frozen.list", "frozen", columns, 6);
}

/* -------------------------------------------------------------------------------------------- */

/* "in 12 s"; "" when it is past. */
static const char *when(uint64_t at_ms, uint64_t now_ms, char *out, size_t size)
{
    if (at_ms <= now_ms)
        return "";
    (void)snprintf(out, size, "in %" PRIu64 " s", (at_ms - now_ms + 999) / 1000);
    return out;
}

static void print_az(struct rsm_value item, uint64_t now_ms)
{
    char az[LIMIT_LABEL_SIZE + 1], text[48];
    uint64_t begin_ms = rsm_value_uint(rsm_value_get(item, "begin_ms"));
    uint64_t end_ms = rsm_value_uint(rsm_value_get(item, "end_ms"));
    struct rsm_value state = rsm_value_get(item, "state");
    (void)ctl_cell(rsm_value_get(item, "az"), az, sizeof az);
    printf("  %-20s ", *az != '\0' ? az : "all others");
    if (is_text(state, "watched"))
        printf("watched, back %s, %" PRIu64 " commands this minute\n",
               when(end_ms, now_ms, text, sizeof text),
               rsm_value_uint(rsm_value_get(item, "commands")));
    else if (is_text(state, "back"))
        puts("back");
    else
        printf("frozen, comes back %s\n", when(begin_ms, now_ms, text, sizeof text));
}

static void print_freeze(struct rsm_value f, uint64_t now_ms)
{
    char id[LIMIT_LABEL_SIZE + 1], scope[32], subject[NAME_TEXT_MAX], author[300], reason[1100];
    char text[48], cause[1100];
    struct rsm_value resuming = rsm_value_get(f, "resuming");
    uint64_t until_ms = rsm_value_uint(rsm_value_get(f, "until_ms"));
    (void)ctl_cell(rsm_value_get(f, "subject"), subject, sizeof subject);
    printf("%s %s (%s%s%s, %s) by %s%s%s: %s\n",
           rsm_value_count(resuming) > 0 ? "RESUMING" : "FROZEN",
           ctl_cell(rsm_value_get(f, "name"), id, sizeof id),
           ctl_cell(rsm_value_get(f, "scope"), scope, sizeof scope), *subject != '\0' ? " " : "",
           subject, rsm_value_bool(rsm_value_get(f, "everybody")) ? "everybody" : "automata",
           ctl_cell(rsm_value_get(f, "author"), author, sizeof author),
           until_ms > 0 ? ", ends " : "", when(until_ms, now_ms, text, sizeof text),
           ctl_cell(rsm_value_get(f, "reason"), reason, sizeof reason));
    if (rsm_value_uint(rsm_value_get(f, "trips")) > 0)
        printf("  frozen again by itself, %" PRIu64 " times, last in slot %" PRIu64 ": %s\n",
               rsm_value_uint(rsm_value_get(f, "trips")),
               rsm_value_uint(rsm_value_get(f, "tripped_slot")),
               ctl_cell(rsm_value_get(f, "trip_cause"), cause, sizeof cause));
    for (uint32_t i = 0; i < rsm_value_count(resuming); i++)
        print_az(rsm_value_at(resuming, i), now_ms);
    if (rsm_value_count(resuming) > 0)
        printf("  %" PRIu64 " of their commands were refused\n",
               rsm_value_uint(rsm_value_get(f, "refused")));
}

void ctl_print_freezes(struct rsm_value status)
{
    struct rsm_value list = rsm_value_get(status, "freezes");
    uint64_t now_ms = rsm_value_uint(rsm_value_get(status, "log_time_ms"));
    for (uint32_t i = 0; i < rsm_value_count(list); i++)
        print_freeze(rsm_value_at(list, i), now_ms);
}
