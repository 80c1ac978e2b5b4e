/* SPDX-License-Identifier: GPL-3.0-or-later */
/* label.c - zone label: the labels that policies select zones by. */
#include <string.h>

#include "src/base/limits.h"
#include "src/rr/name.h"
#include "tools/resilience-ctl/ctl.h"

struct labels {
    struct rsm_label items[LIMIT_LABELS_PER_ZONE + CTL_LIST_MAX];
    size_t count;
};

static void set_label(struct labels *l, struct rsm_bytes name, struct rsm_bytes value)
{
    size_t at = 0;
    while (at < l->count && (l->items[at].name.size != name.size ||
                             memcmp(l->items[at].name.data, name.data, name.size) != 0))
        at++;
    if (value.size > 0) {
        l->items[at] = (struct rsm_label){name, value};
        l->count += at == l->count ? 1 : 0;
    } else if (at < l->count) {
        l->items[at] = l->items[--l->count];
    }
}

static void take_present(struct labels *l, struct rsm_value map)
{
    struct rsm_walk walk = rsm_walk_begin(map);
    struct rsm_value name, value;
    while (l->count < LIMIT_LABELS_PER_ZONE && rsm_walk_next(&walk, &name) &&
           rsm_walk_next(&walk, &value))
        set_label(l, rsm_value_octets(name), rsm_value_octets(value));
}

static bool take_arguments(struct labels *l, int count, char **arguments)
{
    for (int i = 1; i < count; i++) {
        const char *equals = strchr(arguments[i], '=');
        if (equals == NULL || equals == arguments[i] || i > (int)CTL_LIST_MAX) {
            ctl_fail(RSM_USAGE, "\"%s\" is no label such as tier=critical", arguments[i]);
            return false;
        }
        set_label(l, rsm_bytes_make(arguments[i], (size_t)(equals - arguments[i])),
                  rsm_text(equals + 1));
    }
    return true;
}

int ctl_zone_label(struct ctl *ctl, int count, char **arguments)
{
    uint8_t buffer[NAME_SIZE_MAX];
    struct bytes zone;
    struct rsm_buffer result = {NULL, 0}, body = {NULL, 0};
    struct labels labels = {.count = 0};
    if (!ctl_name(arguments[0], (struct bytes){NULL, 0}, buffer, &zone))
        return rsm_status_exit(RSM_USAGE);
    enum rsm_status status = ctl_sign_in(ctl);
    struct rsm_pack *params = rsm_pack_new();
    rsm_pack_array(params, 1);
    rsm_pack_bin(params, ctl_bytes(zone));
    if (status == RSM_OK)
        status = ctl_call(ctl, "zone.get", params, &result);
    rsm_pack_free(params);
    struct rsm_value all = rsm_value_of(rsm_buffer_bytes(&result));
    int exit_status = rsm_status_exit(status);
    if (status == RSM_NOT_FOUND)
        ctl_fail(status, "there is no zone %s", arguments[0]);
    if (status == RSM_OK)
        status = rsm_author_see_result(ctl->signer, all);
    if (status == RSM_OK) {
        take_present(&labels, rsm_value_get(rsm_value_get(all, "zone"), "labels"));
        exit_status = rsm_status_exit(RSM_USAGE);
        if (take_arguments(&labels, count, arguments)) {
            status = rsm_body_zone_label(ctl_bytes(zone), labels.items, labels.count, &body);
            exit_status = ctl_change(ctl, RSM_KIND_ZONE_LABEL, status, &body, "labelled");
        }
    }
    rsm_buffer_free(&result);
    return exit_status;
}
