/* SPDX-License-Identifier: GPL-3.0-or-later */
/* override.c - override request, approve, status, cancel (docs/override.md). */
#include "tools/resilience-ctl/override.h"

#include <inttypes.h>
#include <string.h>

#include <rsm/change.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/command/body_change.h"
#include "tools/lib/plain.h"
#include "tools/resilience-ctl/factor.h"
#include "tools/resilience-ctl/lists.h"

/* ---- asking ---- */

/* The rules in their order, each once; false: there is no room, or it is none that may be named. */
static bool add_rule(const char *rule, const char *sorted[LIMIT_OVERRIDES], size_t *count)
{
    size_t at = 0;
    if (!rsm_rule_may_be_overridden(rsm_rule_parse(rule, strlen(rule))))
        return false;
    while (at < *count && strcmp(sorted[at], rule) < 0)
        at++;
    if (at < *count && strcmp(sorted[at], rule) == 0)
        return true;
    if (*count == LIMIT_OVERRIDES)
        return false;
    memmove(&sorted[at + 1], &sorted[at], (*count - at) * sizeof *sorted);
    sorted[at] = rule;
    ++*count;
    return true;
}

enum rsm_status override_body(const struct ctl *ctl, const struct plan_work *w,
                              struct rsm_buffer *out)
{
    struct rsm_bytes rules[LIMIT_OVERRIDES];
    const char *sorted[LIMIT_OVERRIDES];
    struct rsm_buffer inner = {NULL, 0};
    size_t count = 0;
    for (size_t i = 0; i < w->file.bypass_count; i++)
        CHECK(add_rule(w->file.bypass[i], sorted, &count)); /* as the file was read */
    for (unsigned i = 0; i < ctl->overrides.count; i++) {
        if (add_rule(ctl->overrides.items[i], sorted, &count))
            continue;
        ctl_fail(RSM_USAGE, "%s is no rule that an override may name", ctl->overrides.items[i]);
        return RSM_USAGE;
    }
    for (size_t i = 0; i < count; i++)
        rules[i] = rsm_text(sorted[i]);
    *out = (struct rsm_buffer){NULL, 0};
    enum rsm_status status =
        rsm_body_rrset_change(ctl_bytes(w->zone), w->list.changes, w->list.count, &inner);
    if (status == RSM_OK)
        status = rsm_body_change_request(RSM_CLASS_EMERGENCY, rules, count,
                                         rsm_kind_text(RSM_KIND_RRSET_CHANGE),
                                         rsm_buffer_bytes(&inner), out);
    rsm_buffer_free(&inner);
    if (status != RSM_OK)
        ctl_fail(status, "the change cannot be encoded: %s", rsm_status_sentence(status));
    return status;
}

int override_ask(struct ctl *ctl, const struct plan_work *w, uint8_t digest_out[RSM_DIGEST_SIZE])
{
    struct rsm_buffer body = {NULL, 0};
    if (ctl->reason == NULL)
        ctl->reason = w->file.reason;
    if (ctl->reason == NULL)
        return ctl_fail(RSM_USAGE, "--reason, or reason in the file: approvers will read it");
    enum rsm_status status = plan_work_see(ctl, w);
    if (status == RSM_OK)
        status = override_body(ctl, w, &body);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    int result = ctl_change(ctl, RSM_KIND_CHANGE_REQUEST, status, &body, "requested");
    if (result != rsm_status_exit(RSM_STAGED))
        return result;
    memcpy(digest_out, ctl->staged_digest, RSM_DIGEST_SIZE);
    return 0;
}

/* One that says the same and waits already: approvers have to find one digest, not two. */
static enum rsm_status find_asked(struct ctl *ctl, const struct plan_work *w,
                                  uint8_t digest_out[RSM_DIGEST_SIZE])
{
    struct rsm_buffer body;
    struct override o = {.row = {NULL, 0}};
    enum rsm_status status = ctl_sign_in(ctl);
    if (status == RSM_OK)
        status = override_body(ctl, w, &body);
    if (status != RSM_OK)
        return status;
    status = override_find_own(ctl, bytes_make(body.data, body.size), &o);
    rsm_buffer_free(&body);
    if (status == RSM_OK) {
        memcpy(digest_out, o.digest, RSM_DIGEST_SIZE);
        fprintf(stderr, "asked for already, in slot %" PRIu64 ": it waits\n",
                rsm_value_uint(rsm_value_get(o.value, "slot")));
    }
    override_free(&o);
    return status;
}

static int request(struct ctl *ctl, const struct plan_work *w)
{
    uint8_t digest[RSM_DIGEST_SIZE];
    char hex[OVERRIDE_DIGEST_SIZE];
    change_list_print(&w->list, &w->now, stderr);
    enum rsm_status found = find_asked(ctl, w, digest);
    int result = found == RSM_NOT_FOUND ? override_ask(ctl, w, digest) : rsm_status_exit(found);
    if (result != 0)
        return result;
    hex_encode(hex, bytes_make(digest, sizeof digest));
    printf("%s\n", hex);
    fprintf(stderr, "  two persons other than the author run: resilience-ctl override approve %s\n",
            hex);
    return 0;
}

int ctl_override_request(struct ctl *ctl, int count, char **arguments)
{
    static const bool none[PLAN_CHANGES_MAX] = {false};
    const char *reason = ctl->reason;
    struct override_file file;
    size_t asked = 0;
    (void)count;
    (void)arguments;
    if (ctl->config == NULL)
        return ctl_fail(RSM_USAGE, "--config names a file that says what shall be changed");
    enum rsm_status status = override_file_read(ctl, &file);
    if (status == RSM_OK)
        status = override_file_check(ctl, &file, none);
    int result = rsm_status_exit(status);
    for (size_t i = 0; i < file.count && result == 0; i++) {
        if (file.works[i].list.count == 0)
            continue;
        ctl->reason = reason; /* else it is the file's, which goes with each change */
        result = request(ctl, &file.works[i]);
        asked += result == 0 ? 1 : 0;
    }
    ctl->reason = reason;
    override_file_free(&file);
    if (result == 0 && asked == 0)
        return ctl_fail(RSM_USAGE, "all is as the file says: there is nothing to ask for");
    if (asked > 0)
        fprintf(stderr,
                "  then: resilience-ctl override apply --config %s --approver A --approver B\n",
                ctl->config);
    return result;
}

/* ---- showing ---- */

static void print_request(const struct override *o, const struct body_request *request, FILE *out)
{
    struct body_walk rules = request->overrides;
    struct bytes rule;
    char author[LIMIT_PRINCIPAL_SIZE + 1], reason[LIMIT_REASON_SIZE + 1];
    snprintf(author, sizeof author, "%.*s", (int)o->command.author.size,
             (const char *)o->command.author.data);
    snprintf(reason, sizeof reason, "%.*s", (int)o->command.reason.size,
             (const char *)o->command.reason.data);
    fprintf(out, "author  %s (%" PRIu64 ")\nreason  %s\nbypass ", plain_text(author, ""),
            o->command.counter, plain_text(reason, ""));
    if (rules.left == 0)
        fputs(" nothing", out);
    while (body_next_octets(&rules, &rule))
        fprintf(out, " %.*s", (int)rule.size, (const char *)rule.data);
    fputc('\n', out);
}

/* Each record set whole, however many records it has: what is not shown must not be approved. */
static void take_change(struct change_list *list, struct body_change *change)
{
    uint32_t count = 0;
    struct bytes *rdatas = mem_alloc((change->rdatas.left + 1) * sizeof *rdatas);
    while (body_next_octets(&change->rdatas, &rdatas[count]))
        count++;
    change_list_add(list, change->owner, change->type, change->ttl, rdatas, count);
    mem_free(rdatas);
}

static enum rsm_status print_changes(struct ctl *ctl, const struct body_request *request, FILE *out)
{
    struct body_zone body;
    struct body_change change;
    struct zone_content now = {.pages = NULL};
    struct change_list list = {.changes = NULL};
    char name[NAME_TEXT_MAX];
    enum rsm_status status = body_zone_decode(request->kind, request->body, &body);
    if (status != RSM_OK) {
        ctl_fail(status, "what this one changes cannot be read");
        return status;
    }
    fprintf(out, "zone    %s\n", name_to_text(body.zone, name));
    status = zone_content_read(ctl, body.zone, (struct bytes){NULL, 0}, &now);
    if (status == RSM_OK || status == RSM_NOT_FOUND) { /* a zone that is to be made is not there */
        while (body_next_change(&body.changes, &change))
            take_change(&list, &change);
        change_list_print(&list, &now, out);
        status = RSM_OK;
    }
    change_list_free(&list);
    zone_content_free(&now);
    return status;
}

/* A body that is no change of records: names as text, where it is known that they are names. */
static void print_body(const struct body_request *request, FILE *out)
{
    struct rsm_value body = rsm_value_of(ctl_bytes(request->body));
    struct rsm_bytes zone = rsm_value_octets(rsm_value_at(body, 0));
    char name[NAME_TEXT_MAX];
    if (request->kind == RSM_KIND_ROLE_SET) {
        ctl_print_role(rsm_value_at(body, 0), rsm_value_at(body, 1), out);
        return;
    }
    if (request->kind == RSM_KIND_ZONE_LABEL || request->kind == RSM_KIND_RRSET_TAKEOVER)
        fprintf(out, "zone    %s\n", name_to_text(bytes_make(zone.data, zone.size), name));
    ctl_print_json(body);
}

enum rsm_status override_print(struct ctl *ctl, const struct override *o, FILE *out)
{
    struct body_request request;
    char hex[OVERRIDE_DIGEST_SIZE];
    fprintf(out, "digest  %s\n", override_hex(o, hex));
    if (o->command.kind != RSM_KIND_CHANGE_REQUEST ||
        body_request_decode(o->command.body, &request) != RSM_OK) {
        request = (struct body_request){.kind = o->command.kind, .body = o->command.body};
        request.overrides.left = 0;
    }
    print_request(o, &request, out);
    fprintf(out, "kind    %s\n", rsm_kind_text(request.kind));
    if (request.kind == RSM_KIND_RRSET_CHANGE || request.kind == RSM_KIND_ZONE_CREATE ||
        request.kind == RSM_KIND_ZONE_DELETE)
        return print_changes(ctl, &request, out);
    print_body(&request, out);
    return RSM_OK;
}

/* The next step, as a line to use. */
static void print_next(const struct override *o)
{
    char hex[OVERRIDE_DIGEST_SIZE];
    if (rsm_value_uint(rsm_value_get(o->value, "approved_ms")) == 0)
        printf("next    resilience-ctl override approve %s\n", override_hex(o, hex));
    else if (rsm_value_uint(rsm_value_get(o->value, "voting_ms")) == 0)
        printf("next    resilience-ctl override apply %s\n", override_hex(o, hex));
}

static int show_one(struct ctl *ctl, const char *id)
{
    struct override o;
    char state[32];
    enum rsm_status status = override_find(ctl, id, &o);
    if (status == RSM_OK && ctl->output != CTL_OUTPUT_TABLE) {
        ctl_print_map(ctl, o.value);
    } else if (status == RSM_OK) {
        ctl_cell(rsm_value_get(o.value, "state"), state, sizeof state);
        status = override_print(ctl, &o, stdout);
        ctl_print_map(ctl, o.value);
        if (strcmp(state, "staged") == 0)
            print_next(&o);
    }
    override_free(&o);
    return rsm_status_exit(status);
}

int ctl_override_status(struct ctl *ctl, int count, char **arguments)
{
    static const struct ctl_column columns[] = {
        {"DIGEST", "digest"},       {"AUTHOR", "author"},        {"BYPASS", "overrides"},
        {"APPROVALS", "approvals"}, {"APPROVED", "approved_ms"}, {"APPLIED", "voting_ms"},
        {"UNTIL", "deadline_ms"}};
    if (count > 0)
        return show_one(ctl, arguments[0]);
    int result = ctl_show_list(ctl, "override.list", "overrides", columns, 7);
    (void)fflush(stdout);
    if (result == 0 && ctl->output == CTL_OUTPUT_TABLE)
        fputs("  what each changes, and the next line to use: resilience-ctl override status "
              "DIGEST\n",
              stderr);
    return result;
}

/* ---- approving, taking back ---- */

/* With the second factor that --factor names. */
static enum rsm_status approval_body(struct ctl *ctl, struct rsm_bytes digest,
                                     struct rsm_buffer *body)
{
    struct factor_answer answer;
    if (ctl->factor == NULL)
        return rsm_body_change_approve(digest, NULL, body);
    enum rsm_status status = factor_ask(ctl, digest, &answer);
    if (status != RSM_OK)
        return status;
    struct rsm_factor factor = {rsm_text(ctl->factor),
                                rsm_bytes_make(answer.over, sizeof answer.over),
                                rsm_bytes_make(answer.data, answer.data_size),
                                rsm_bytes_make(answer.signature, sizeof answer.signature)};
    return rsm_body_change_approve(digest, &factor, body);
}

static int about(struct ctl *ctl, const char *id, enum rsm_kind kind, const char *done,
                 const char *question)
{
    struct override o = {.row = {NULL, 0}};
    struct rsm_buffer body = {NULL, 0};
    enum rsm_status status = ctl_sign_in(ctl);
    if (status == RSM_OK)
        status = override_find(ctl, id, &o);
    if (status == RSM_OK)
        status = override_print(ctl, &o, stderr);
    int result = rsm_status_exit(status);
    struct rsm_bytes digest = rsm_bytes_make(o.digest, sizeof o.digest);
    if (status == RSM_OK) {
        /* Who gives all of the digest has read it; who gives its beginning reads it now. */
        if (strlen(id) != OVERRIDE_DIGEST_SIZE - 1 && !ctl_confirm(ctl, question))
            status = RSM_USAGE;
        else
            status = kind == RSM_KIND_CHANGE_APPROVE ? approval_body(ctl, digest, &body)
                                                     : rsm_body_change_cancel(digest, &body);
        /* What is wrong with the factor was said. */
        result =
            status == RSM_OK ? ctl_change(ctl, kind, status, &body, done) : rsm_status_exit(status);
    }
    override_free(&o);
    return result;
}

int ctl_override_approve(struct ctl *ctl, int count, char **arguments)
{
    (void)count;
    return about(ctl, arguments[0], RSM_KIND_CHANGE_APPROVE, "approved", "approve this");
}

int ctl_override_cancel(struct ctl *ctl, int count, char **arguments)
{
    (void)count;
    return about(ctl, arguments[0], RSM_KIND_CHANGE_CANCEL, "taken back", "take this back");
}
