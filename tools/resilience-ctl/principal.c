/* SPDX-License-Identifier: GPL-3.0-or-later */
/* principal.c - who may do what: principals and roles. */
#include <stdio.h>
#include <string.h>

#include "src/base/limits.h"
#include "src/base/nearest.h"
#include "src/command/body_change.h"
#include "src/command/verb.h"
#include "src/rr/data.h"
#include "tools/resilience-ctl/ctl.h"

static bool parse_kind(const char *text, enum rsm_principal_kind *kind_out)
{
    static const char *const names[] = {"person", "automaton", "replica", "gateway"};
    for (int i = 0; text != NULL && i < 4; i++) {
        if (strcmp(text, names[i]) == 0) {
            *kind_out = (enum rsm_principal_kind)(RSM_PRINCIPAL_PERSON + i);
            return true;
        }
    }
    ctl_fail(RSM_USAGE, "--kind is person, automaton, replica or gateway");
    return false;
}

/* NAME=BURST/PER_HOUR, as changes=100/2000; those that are not named have no limit. */
static bool parse_budget(const struct ctl_list *list, struct rsm_budget budget[RSM_BUDGETS])
{
    static const char *const names[RSM_BUDGETS] = {"commands", "changes", "records", "bytes"};
    memset(budget, 0, RSM_BUDGETS * sizeof *budget);
    for (unsigned i = 0; i < list->count; i++) {
        char name[16], numbers[2][16];
        uint64_t burst, per_hour;
        int end = 0;
        size_t k = 0;
        /* Digits alone: strtoull and %llu make a huge number of -1. */
        bool is_read = sscanf(list->items[i], "%15[a-z]=%13[0-9]/%13[0-9]%n", name, numbers[0],
                              numbers[1], &end) == 3 &&
                       list->items[i][end] == '\0' && ctl_parse_number(numbers[0], &burst) &&
                       ctl_parse_number(numbers[1], &per_hour);
        while (is_read && k < RSM_BUDGETS && strcmp(names[k], name) != 0)
            k++;
        if (!is_read || k == RSM_BUDGETS) {
            ctl_fail(RSM_USAGE,
                     "--budget is commands|changes|records|bytes=BURST/PER_HOUR, not \"%s\"",
                     list->items[i]);
            return false;
        }
        budget[k] = (struct rsm_budget){burst, per_hour};
    }
    return true;
}

static enum rsm_status see(struct ctl *ctl, const char *method)
{
    enum rsm_status status = ctl_sign_in(ctl);
    return status == RSM_OK ? ctl_see_list(ctl, method) : status;
}

int ctl_principal_set(struct ctl *ctl, int count, char **arguments)
{
    enum rsm_principal_kind kind;
    uint8_t keys[CTL_LIST_MAX][RSM_PUBLIC_KEY_SIZE];
    struct rsm_bytes key_list[CTL_LIST_MAX], role_list[CTL_LIST_MAX];
    struct rsm_budget budget[RSM_BUDGETS];
    struct rsm_buffer body = {NULL, 0};
    (void)count;
    if (!parse_kind(ctl->kind, &kind) || !parse_budget(&ctl->budgets, budget))
        return rsm_status_exit(RSM_USAGE);
    if (kind == RSM_PRINCIPAL_PERSON && ctl->person == NULL)
        return ctl_fail(RSM_USAGE, "of --kind person: --person says which one, for keys of one "
                                   "person never count twice");
    for (unsigned i = 0; i < ctl->public_keys.count; i++) {
        if (!hex_decode(keys[i], RSM_PUBLIC_KEY_SIZE, ctl->public_keys.items[i]))
            return ctl_fail(RSM_USAGE, "--public-key is 64 hexadecimal digits, as keygen prints");
        key_list[i] = rsm_bytes_make(keys[i], RSM_PUBLIC_KEY_SIZE);
    }
    for (unsigned i = 0; i < ctl->roles.count; i++)
        role_list[i] = rsm_text(ctl->roles.items[i]);
    enum rsm_status status = see(ctl, "principal.list");
    if (status != RSM_OK)
        return rsm_status_exit(status);
    status =
        rsm_body_principal_set(rsm_text(arguments[0]), kind, rsm_text(ctl->person),
                               rsm_text(ctl->az), key_list, ctl->public_keys.count, role_list,
                               ctl->roles.count, ctl->budgets.count > 0 ? budget : NULL, &body);
    return ctl_change(ctl, RSM_KIND_PRINCIPAL_SET, status, &body, "set");
}

int ctl_principal_delete(struct ctl *ctl, int count, char **arguments)
{
    struct rsm_buffer body = {NULL, 0};
    (void)count;
    if (!ctl_confirm(ctl, "delete the principal"))
        return rsm_status_exit(RSM_USAGE);
    enum rsm_status status = see(ctl, "principal.list");
    if (status != RSM_OK)
        return rsm_status_exit(status);
    status = rsm_body_principal_delete(rsm_text(arguments[0]), &body);
    return ctl_change(ctl, RSM_KIND_PRINCIPAL_DELETE, status, &body, "deleted");
}

static int change_key(struct ctl *ctl, const char *name, bool is_add)
{
    uint8_t key[RSM_PUBLIC_KEY_SIZE];
    struct rsm_buffer body = {NULL, 0};
    if (ctl->public_keys.count != 1 ||
        !hex_decode(key, RSM_PUBLIC_KEY_SIZE, ctl->public_keys.items[0]))
        return ctl_fail(RSM_USAGE, "--public-key names the key, 64 hexadecimal digits");
    enum rsm_status status = see(ctl, "principal.list");
    if (status != RSM_OK)
        return rsm_status_exit(status);
    struct rsm_bytes bytes = rsm_bytes_make(key, sizeof key);
    status = is_add ? rsm_body_principal_key_add(rsm_text(name), bytes, &body)
                    : rsm_body_principal_key_revoke(rsm_text(name), bytes, &body);
    return ctl_change(ctl, is_add ? RSM_KIND_PRINCIPAL_KEY_ADD : RSM_KIND_PRINCIPAL_KEY_REVOKE,
                      status, &body, is_add ? "added" : "revoked");
}

int ctl_principal_key_add(struct ctl *ctl, int count, char **arguments)
{
    (void)count;
    return change_key(ctl, arguments[0], true);
}

int ctl_principal_key_revoke(struct ctl *ctl, int count, char **arguments)
{
    (void)count;
    if (!ctl_confirm(ctl, "revoke the key for good"))
        return rsm_status_exit(RSM_USAGE);
    return change_key(ctl, arguments[0], false);
}

/* -------------------------------------------------------------------------------------------- */
/* Roles. */

#define GRANTS_MAX 64u
#define GRANT_TYPES_MAX 32u

struct grant_text {
    char copy[1024];
    uint8_t zone[NAME_SIZE_MAX], suffix[NAME_SIZE_MAX];
    uint16_t types[GRANT_TYPES_MAX];
};

/* A part that says the highest class of what is done by the grant; false: it says something else.
 */
static bool take_class(const char *part, struct rsm_grant *out, bool *is_good)
{
    static const char word[] = "class=";
    enum rsm_class class;
    if (part == NULL || strncmp(part, word, sizeof word - 1) != 0)
        return false;
    *is_good = *is_good && out->class_most == 0 &&
               body_class_parse(bytes_of_string(part + sizeof word - 1), &class) &&
               class != RSM_CLASS_EMERGENCY;
    if (*is_good)
        out->class_most = class;
    return true;
}

/* The next part that is no class. */
static char *next_part(char **rest, struct rsm_grant *out, bool *is_good)
{
    char *part = strsep(rest, ",");
    while (take_class(part, out, is_good))
        part = strsep(rest, ",");
    return part;
}

/* Some kind of command is meant: a grant of nothing is a mistake in typing. False: explained. */
static bool is_verb(struct rsm_bytes verb)
{
    char text[LIMIT_LABEL_SIZE + 1];
    snprintf(text, sizeof text, "%.*s", (int)verb.size, (const char *)verb.data);
    struct nearest n = nearest_begin(text);
    for (int kind = 1; strcmp(rsm_kind_text((enum rsm_kind)kind), "unknown") != 0; kind++) {
        if (verb_matches(bytes_make(verb.data, verb.size), rsm_kind_text((enum rsm_kind)kind)))
            return true;
        nearest_offer(&n, rsm_kind_text((enum rsm_kind)kind));
    }
    if (n.best != NULL)
        ctl_fail(RSM_USAGE, "\"%s\" is no verb; is it %s?", text, n.best);
    else
        ctl_fail(RSM_USAGE, "\"%s\" is no verb; docs/formats-commands.md has all", text);
    return false;
}

/* VERB[,ZONE[,PATTERN[,TYPE...]]][,class=CLASS]; empty parts match all. */
static bool parse_grant(const char *text, struct grant_text *memory, struct rsm_grant *out)
{
    struct bytes name;
    bool is_good = true;
    *out = (struct rsm_grant){.types = memory->types};
    if (strlen(text) >= sizeof memory->copy)
        return false;
    memcpy(memory->copy, text, strlen(text) + 1);
    char *rest = memory->copy;
    out->verb = rsm_text(strsep(&rest, ","));
    char *part = next_part(&rest, out, &is_good);
    if (part != NULL && *part != '\0') {
        if (!ctl_name(part, (struct bytes){NULL, 0}, memory->zone, &name))
            return false;
        out->zone = ctl_bytes(name);
    }
    part = next_part(&rest, out, &is_good);
    if (part != NULL && *part != '\0') {
        if (!ctl_name(part, (struct bytes){NULL, 0}, memory->suffix, &name))
            return false;
        out->suffix = ctl_bytes(name);
    }
    while ((part = next_part(&rest, out, &is_good)) != NULL)
        if (out->type_count == GRANT_TYPES_MAX ||
            rr_type_from_text(part, &memory->types[out->type_count++]) != RSM_OK)
            return false;
    return is_good && out->verb.size > 0;
}

int ctl_role_set(struct ctl *ctl, int count, char **arguments)
{
    static struct grant_text memory[GRANTS_MAX];
    struct rsm_grant grants[GRANTS_MAX];
    struct rsm_buffer body = {NULL, 0};
    size_t grant_count = (size_t)count - 1;
    if (grant_count > GRANTS_MAX)
        return ctl_fail(RSM_USAGE, "at most %u grants on one command line", GRANTS_MAX);
    for (size_t i = 0; i < grant_count; i++)
        if (!parse_grant(arguments[1 + i], &memory[i], &grants[i]))
            return ctl_fail(
                RSM_USAGE,
                "a grant is VERB[,ZONE[,PATTERN[,TYPE...]]][,class=standard|critical], not "
                "\"%s\"; see resilience-ctl role set --help",
                arguments[1 + i]);
    for (size_t i = 0; i < grant_count; i++)
        if (!is_verb(grants[i].verb))
            return rsm_status_exit(RSM_USAGE);
    enum rsm_status status = see(ctl, "role.list");
    if (status != RSM_OK)
        return rsm_status_exit(status);
    status = rsm_body_role_set(rsm_text(arguments[0]), grants, grant_count, &body);
    return ctl_change(ctl, RSM_KIND_ROLE_SET, status, &body, "set");
}

int ctl_role_delete(struct ctl *ctl, int count, char **arguments)
{
    struct rsm_buffer body = {NULL, 0};
    (void)count;
    if (!ctl_confirm(ctl, "delete the role"))
        return rsm_status_exit(RSM_USAGE);
    enum rsm_status status = see(ctl, "role.list");
    if (status != RSM_OK)
        return rsm_status_exit(status);
    status = rsm_body_role_delete(rsm_text(arguments[0]), &body);
    return ctl_change(ctl, RSM_KIND_ROLE_DELETE, status, &body, "deleted");
}
