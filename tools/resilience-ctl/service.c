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

/* The service of that name in a page; nothing: it is not there. */
static struct rsm_value find_service(struct rsm_value page, const char *name)
{
    struct rsm_walk walk = rsm_walk_begin(rsm_value_get(page, "services"));
    struct rsm_value item;
    while (rsm_walk_next(&walk, &item)) {
        struct rsm_bytes found = rsm_value_octets(rsm_value_get(item, "name"));
        if (found.size == strlen(name) && memcmp(found.data, name, found.size) == 0)
            return item;
    }
    return (struct rsm_value){{NULL, 0}};
}

int ctl_service_show(struct ctl *ctl, int count, char **arguments)
{
    struct rsm_bytes after = {NULL, 0};
    struct rsm_buffer page = {NULL, 0};
    struct rsm_value item = {{NULL, 0}};
    enum rsm_status status;
    (void)count;
    do {
        struct rsm_buffer last = page; /* `after` is in it */
        struct rsm_pack *params = rsm_pack_new();
        rsm_pack_array(params, 1);
        ctl_pack_read_options(ctl, params, after.size > 0 ? "after" : NULL, after, 0);
        status = ctl_call(ctl, "service.list", params, &page);
        rsm_pack_free(params);
        rsm_buffer_free(&last);
        struct rsm_value value = rsm_value_of(rsm_buffer_bytes(&page));
        item = find_service(value, arguments[0]);
        after = rsm_value_octets(rsm_value_get(value, "next"));
    } while (status == RSM_OK && item.raw.size == 0 && after.size > 0);
    if (status == RSM_OK && item.raw.size == 0) {
        status = RSM_NOT_FOUND;
        ctl_fail(status, "there is no service %s", arguments[0]);
    }
    if (status == RSM_OK)
        ctl_print_map(ctl, item);
    rsm_buffer_free(&page);
    return rsm_status_exit(status);
}
