/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lists.c - commands that show one list of the state. */
#include "src/base/mem.h"
#include "tools/resilience-ctl/ctl.h"

int ctl_show_list(struct ctl *ctl, const char *method, const char *key,
                  const struct ctl_column *columns, unsigned count)
{
    struct rsm_buffer *pages = NULL;
    size_t page_count = 0;
    struct rsm_bytes after = {NULL, 0}; /* in the last page */
    enum rsm_status status;
    do {
        struct rsm_pack *params = rsm_pack_new();
        pages = mem_realloc(pages, (page_count + 1) * sizeof *pages);
        rsm_pack_array(params, 1);
        ctl_pack_read_options(ctl, params, after.size > 0 ? "after" : NULL, after, 0);
        status = ctl_call(ctl, method, params, &pages[page_count]);
        rsm_pack_free(params);
        struct rsm_value page = rsm_value_of(rsm_buffer_bytes(&pages[page_count++]));
        after = rsm_value_octets(rsm_value_get(page, "next"));
    } while (status == RSM_OK && after.size > 0);
    if (status == RSM_OK)
        ctl_print_list(ctl, pages, page_count, key, columns, count);
    for (size_t i = 0; i < page_count; i++)
        rsm_buffer_free(&pages[i]);
    mem_free(pages);
    return rsm_status_exit(status);
}

int ctl_lease_list(struct ctl *ctl, int count, char **arguments)
{
    static const struct ctl_column columns[] = {{"RESOURCE", "name"},
                                                {"HOLDER", "holder"},
                                                {"TOKEN", "token"},
                                                {"UNTIL (ms)", "expires_ms"},
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

int ctl_role_list(struct ctl *ctl, int count, char **arguments)
{
    static const struct ctl_column columns[] = {{"NAME", "name"}, {"GRANTS", "grants"}};
    (void)count;
    (void)arguments;
    return ctl_show_list(ctl, "role.list", "roles", columns, 2);
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
