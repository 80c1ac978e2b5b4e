/* SPDX-License-Identifier: GPL-3.0-or-later */
/* service.c - see service.h. */
#include "src/machine/service.h"

#include <string.h>

#include "src/machine/judge.h"

enum rsm_status service_load(struct kv *kv, struct bytes service, struct body_service *out)
{
    struct bytes value;
    enum rsm_status status = kv_get(kv, TABLE_SERVICE, service, &value);
    if (status != RSM_OK)
        return status;
    return body_service_decode(RSM_KIND_SERVICE_SET, value, out) == RSM_OK ? RSM_OK : RSM_DAMAGED;
}

/* The services that name exactly w->name, from w->place on. */
static enum rsm_status next_of_name(struct kv *kv, struct service_walk *w, bool *below_out)
{
    struct bytes key, value;
    bool is_first = w->place.size == 0;
    enum rsm_status status = kv_next(
        kv, TABLE_SERVICE_NAME, is_first ? w->name : key_bytes(&w->place), !is_first, &key, &value);
    if (status != RSM_OK)
        return status;
    if (!key_begins_with(key, w->name))
        return RSM_NOT_FOUND;
    if (key.size > sizeof w->place.data || value.size != 1)
        return RSM_DAMAGED;
    w->place.size = key.size;
    memcpy(w->place.data, key.data, key.size);
    w->service = bytes_make(w->place.data + w->name.size, key.size - w->name.size);
    *below_out = value.data[0] != 0;
    return RSM_OK;
}

enum rsm_status service_next(struct kv *kv, struct service_walk *w)
{
    for (;;) {
        bool below = false;
        enum rsm_status status = next_of_name(kv, w, &below);
        if (status == RSM_OK && w->is_above && !below)
            continue;
        if (status != RSM_NOT_FOUND)
            return status;
        if (w->name.size <= 1)
            return RSM_NOT_FOUND;
        w->name = name_parent(w->name);
        w->is_above = true;
        w->place.size = 0;
    }
}
