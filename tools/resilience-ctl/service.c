/* SPDX-License-Identifier: GPL-3.0-or-later */
/* service.c - service set, list, show, delete: what names are for, and what that needs. */
#include <string.h>

#include <rsm/service.h>

#include "src/rr/name.h"
#include "tools/resilience-ctl/ctl.h"
#include "tools/resilience-ctl/lists.h"

#define SERVICE_PREFIX "service:"

struct made {
    uint8_t buffers[3 * CTL_LIST_MAX][NAME_SIZE_MAX];
    struct rsm_service_name names[2 * CTL_LIST_MAX];
    struct rsm_service_need needs[CTL_LIST_MAX];
    struct rsm_service service;
    size_t buffer_count;
};

static bool take_name(struct made *m, const char *text, struct rsm_bytes *out)
{
    struct bytes name;
    if (!ctl_name(text, (struct bytes){NULL, 0}, m->buffers[m->buffer_count++], &name))
        return false;
    *out = ctl_bytes(name);
    return true;
}

static bool add_name(struct made *m, const char *text, bool below)
{
    struct rsm_service_name *item = &m->names[m->service.name_count++];
    item->below = below;
    return take_name(m, text, &item->name);
}

static bool take_arguments(struct ctl *ctl, int count, char **arguments, struct made *m)
{
    const size_t prefix = strlen(SERVICE_PREFIX);
    if (count - 1 > (int)CTL_LIST_MAX) {
        ctl_fail(RSM_USAGE, "at most %u names on one command line", CTL_LIST_MAX);
        return false;
    }
    for (int i = 1; i < count; i++)
        if (!add_name(m, arguments[i], false))
            return false;
    for (unsigned i = 0; i < ctl->below.count; i++)
        if (!add_name(m, ctl->below.items[i], true))
            return false;
    for (unsigned i = 0; i < ctl->needs.count; i++) {
        const char *text = ctl->needs.items[i];
        struct rsm_service_need *need = &m->needs[m->service.need_count++];
        if (strncmp(text, SERVICE_PREFIX, prefix) == 0)
            need->service = rsm_text(text + prefix);
        else if (!take_name(m, text, &need->name))
            return false;
    }
    m->service.names = m->names;
    m->service.needs = m->needs;
    return true;
}

int ctl_service_set(struct ctl *ctl, int count, char **arguments)
{
    static struct made m;
    struct rsm_buffer body = {NULL, 0};
    if (ctl->owner == NULL || ctl->tier == NULL)
        return ctl_fail(RSM_USAGE, "--owner and --tier are needed: who is asked, and how much "
                                   "hangs on it");
    m.service.name = rsm_text(arguments[0]);
    m.service.owner = rsm_text(ctl->owner);
    m.service.tier = rsm_text(ctl->tier);
    if (!take_arguments(ctl, count, arguments, &m))
        return rsm_status_exit(RSM_USAGE);
    enum rsm_status status = ctl_sign_in(ctl);
    if (status == RSM_OK)
        status = ctl_see_list(ctl, "service.list");
    if (status != RSM_OK)
        return rsm_status_exit(status);
    status = rsm_body_service_set(&m.service, &body);
    return ctl_change(ctl, RSM_KIND_SERVICE_SET, status, &body, "set");
}

int ctl_service_delete(struct ctl *ctl, int count, char **arguments)
{
    struct rsm_buffer body = {NULL, 0};
    (void)count;
    if (!ctl_confirm(ctl, "delete the service"))
        return rsm_status_exit(RSM_USAGE);
    enum rsm_status status = ctl_sign_in(ctl);
    if (status == RSM_OK)
        status = ctl_see_list(ctl, "service.list");
    if (status != RSM_OK)
        return rsm_status_exit(status);
    status = rsm_body_service_delete(rsm_text(arguments[0]), &body);
    return ctl_change(ctl, RSM_KIND_SERVICE_DELETE, status, &body, "deleted");
}

int ctl_service_list(struct ctl *ctl, int count, char **arguments)
{
    static const struct ctl_column columns[] = {{"SERVICE", "name"},
                                                {"TIER", "tier"},
                                                {"OWNER", "owner"},
                                                {"NAMES", "names"},
                                                {"NEEDS", "needs"}};
    (void)count;
    (void)arguments;
    return ctl_show_list(ctl, "service.list", "services", columns, 5);
}

int ctl_service_show(struct ctl *ctl, int count, char **arguments)
{
    struct rsm_buffer result;
    (void)count;
    enum rsm_status status = ctl_call(ctl, "service.list", NULL, &result);
    if (status == RSM_OK) {
        struct rsm_value list = rsm_value_get(rsm_value_of(rsm_buffer_bytes(&result)), "services");
        struct rsm_walk walk = rsm_walk_begin(list);
        struct rsm_value item;
        status = RSM_NOT_FOUND;
        while (status == RSM_NOT_FOUND && rsm_walk_next(&walk, &item)) {
            struct rsm_bytes name = rsm_value_octets(rsm_value_get(item, "name"));
            if (name.size != strlen(arguments[0]) ||
                memcmp(name.data, arguments[0], name.size) != 0)
                continue;
            ctl_print_map(ctl, item);
            status = RSM_OK;
        }
        if (status == RSM_NOT_FOUND)
            ctl_fail(status, "there is no service %s", arguments[0]);
    }
    rsm_buffer_free(&result);
    return rsm_status_exit(status);
}
