/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lists.c - commands that show one list of the state. */
#include "tools/resilience-ctl/lists.h"

#include "src/base/mem.h"
#include "src/rr/data.h"

/* As they came; the last one is there also when the call failed. */
struct pages {
    struct rsm_buffer *buffers; /* owned, as is each */
    size_t count;
};

static enum rsm_status pages_fetch(struct ctl *ctl, const char *method, struct pages *out)
{
    struct rsm_bytes after = {NULL, 0}; /* in the last page */
    enum rsm_status status;
    *out = (struct pages){.count = 0};
    do {
        struct rsm_pack *params = rsm_pack_new();
        out->buffers = mem_realloc(out->buffers, (out->count + 1) * sizeof *out->buffers);
        rsm_pack_array(params, 1);
        ctl_pack_read_options(ctl, params, after.size > 0 ? "after" : NULL, after, 0);
        status = ctl_call(ctl, method, params, &out->buffers[out->count]);
        rsm_pack_free(params);
        struct rsm_value page = rsm_value_of(rsm_buffer_bytes(&out->buffers[out->count++]));
        after = rsm_value_octets(rsm_value_get(page, "next"));
    } while (status == RSM_OK && after.size > 0);
    return status;
}

static void pages_free(struct pages *pages)
{
    for (size_t i = 0; i < pages->count; i++)
        rsm_buffer_free(&pages->buffers[i]);
    mem_free(pages->buffers);
}

int ctl_show_list(struct ctl *ctl, const char *method, const char *key,
                  const struct ctl_column *columns, unsigned count)
{
    struct pages pages;
    enum rsm_status status = pages_fetch(ctl, method, &pages);
    if (status == RSM_OK)
        ctl_print_list(ctl, pages.buffers, pages.count, key, columns, count);
    pages_free(&pages);
    return rsm_status_exit(status);
}

int ctl_lease_list(struct ctl *ctl, int count, char **arguments)
{
    static const struct ctl_column columns[] = {{"RESOURCE", "name"},
                                                {"HOLDER", "holder"},
                                                {"TOKEN", "token"},
                                                {"UNTIL", "expires_ms"},
                                                {"RELEASED", "released"}};
    (void)count;
    (void)arguments;
    return ctl_show_list(ctl, "lease.list", "leases", columns, 5);
}

int ctl_principal_list(struct ctl *ctl, int count, char **arguments)
{
    static const struct ctl_column columns[] = {{"NAME", "name"},
                                                {"KIND", "kind"},
                                                {"PERSON", "person"},
                                                {"ROLES", "roles"},
                                                {"KEYS", "keys"}};
    (void)count;
    (void)arguments;
    return ctl_show_list(ctl, "principal.list", "principals", columns, 5);
}

/* A name of a grant as role set takes it; empty: any. */
static void print_name(struct rsm_value value, FILE *out)
{
    char text[NAME_TEXT_MAX];
    struct rsm_bytes octets = rsm_value_octets(value);
    putc(',', out);
    if (octets.size > 0)
        fputs(name_to_text(bytes_make(octets.data, octets.size), text), out);
}

/* [verb, zone, pattern, types, class], as role set takes it: VERB,ZONE,PATTERN,TYPE,class=CLASS */
static void print_grant(struct rsm_value grant, FILE *out)
{
    char text[RR_TYPE_TEXT_MAX], verb[256];
    struct rsm_value zone = rsm_value_at(grant, 1), pattern = rsm_value_at(grant, 2);
    struct rsm_value types = rsm_value_at(grant, 3);
    bool has_types = rsm_value_count(types) > 0;
    bool has_pattern = has_types || rsm_value_octets(pattern).size > 0;
    fputs(ctl_cell(rsm_value_at(grant, 0), verb, sizeof verb), out);
    if (has_pattern || rsm_value_octets(zone).size > 0)
        print_name(zone, out);
    if (has_pattern)
        print_name(pattern, out);
    for (uint32_t i = 0; i < rsm_value_count(types); i++)
        fprintf(out, ",%s",
                rr_type_to_text((uint16_t)rsm_value_uint(rsm_value_at(types, i)), text));
    if (rsm_value_count(grant) > 4)
        fprintf(out, ",class=%s", ctl_cell(rsm_value_at(grant, 4), verb, sizeof verb));
}

void ctl_print_role(struct rsm_value name, struct rsm_value grants, FILE *out)
{
    char text[256];
    uint32_t count = rsm_value_count(grants);
    ctl_cell(name, text, sizeof text);
    for (uint32_t i = 0; i < count || i == 0; i++) {
        fprintf(out, "%-20s  ", text);
        if (count > 0)
            print_grant(rsm_value_at(grants, i), out);
        putc('\n', out);
    }
}

int ctl_role_list(struct ctl *ctl, int count, char **arguments)
{
    struct pages pages;
    (void)count;
    (void)arguments;
    enum rsm_status status = pages_fetch(ctl, "role.list", &pages);
    if (status == RSM_OK && ctl->output != CTL_OUTPUT_TABLE)
        ctl_print_list_json(ctl, pages.buffers, pages.count, "roles");
    else if (status == RSM_OK)
        printf("%-20s  GRANT\n", "ROLE");
    for (size_t i = 0; status == RSM_OK && ctl->output == CTL_OUTPUT_TABLE && i < pages.count;
         i++) {
        struct rsm_walk walk = rsm_walk_begin(
            rsm_value_get(rsm_value_of(rsm_buffer_bytes(&pages.buffers[i])), "roles"));
        struct rsm_value role;
        while (rsm_walk_next(&walk, &role))
            ctl_print_role(rsm_value_get(role, "name"), rsm_value_get(role, "grants"), stdout);
    }
    pages_free(&pages);
    return rsm_status_exit(status);
}

int ctl_plan_list(struct ctl *ctl, int count, char **arguments)
{
    static const struct ctl_column columns[] = {{"PLAN", "name"},
                                                {"PLANNER", "planner"},
                                                {"NEWEST", "newest"},
                                                {"EXECUTED", "executed"},
                                                {"COLLECTED BELOW", "collected_below"}};
    (void)count;
    (void)arguments;
    return ctl_show_list(ctl, "plan.list", "plans", columns, 5);
}

int ctl_plan_show(struct ctl *ctl, int count, char **arguments)
{
    static const struct ctl_column columns[] = {{"GENERATION", "generation"},
                                                {"PARENT", "parent"},
                                                {"STATUS", "status"},
                                                {"LIVE", "live"},
                                                {"PLANNER", "planner"},
                                                {"SLOT", "slot"},
                                                {"EXECUTED IN", "executed_slot"}};
    struct rsm_buffer result;
    struct rsm_pack *params = rsm_pack_new();
    (void)count;
    rsm_pack_array(params, 2);
    rsm_pack_text(params, arguments[0]);
    ctl_pack_read_options(ctl, params, NULL, (struct rsm_bytes){NULL, 0}, 0);
    enum rsm_status status = ctl_call(ctl, "plan.get", params, &result);
    rsm_pack_free(params);
    if (status == RSM_OK)
        ctl_print_list(ctl, &result, 1, "generations", columns, 7);
    else if (status == RSM_NOT_FOUND)
        ctl_fail(status, "there is no plan %s", arguments[0]);
    rsm_buffer_free(&result);
    return rsm_status_exit(status);
}

int ctl_policy_get(struct ctl *ctl, int count, char **arguments)
{
    struct rsm_buffer result;
    struct rsm_pack *params = rsm_pack_new();
    (void)count;
    (void)arguments;
    rsm_pack_array(params, 1);
    ctl_pack_read_options(ctl, params, NULL, (struct rsm_bytes){NULL, 0}, 0);
    enum rsm_status status = ctl_call(ctl, "policy.get", params, &result);
    rsm_pack_free(params);
    if (status == RSM_OK)
        ctl_print_map(ctl, rsm_value_get(rsm_value_of(rsm_buffer_bytes(&result)), "policy"));
    rsm_buffer_free(&result);
    return rsm_status_exit(status);
}
