/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * restore.c - old content of a zone, or of all zones, written again.
 *
 * A zone that is there gets one change set; one that was deleted is made again, with the labels
 * that it had. Its serial goes on where its former life ended: the state machine sees to that.
 */
#include <stdlib.h>
#include <string.h>

#include "src/base/limits.h"
#include "src/base/mem.h"
#include "tools/resilience-ctl/history.h"

/* A zone to be restored. */
struct target {
    const char *text; /* as it is shown */
    struct bytes zone;
    const char *at;
    bool *wrote; /* out: something was submitted, and took effect */
};

static int confirm_and_submit(struct ctl *ctl, const struct target *t,
                              const struct change_list *list)
{
    if (list->count == 0)
        return history_submit(ctl, t->zone, list, "restored");
    if (!ctl_confirm(ctl, "write this"))
        return rsm_status_exit(RSM_USAGE);
    int result = history_submit(ctl, t->zone, list, "restored");
    *t->wrote = result == 0;
    return result;
}

static int restore_there(struct ctl *ctl, const struct target *t, const struct zone_content *now,
                         const struct zone_content *old)
{
    struct change_list list = {0};
    history_see_content(ctl, now);
    change_list_to(&list, now, old);
    change_list_print(&list, now, stderr);
    enum rsm_status status = history_see_targets(ctl, t->zone, &list);
    int result = status == RSM_OK ? confirm_and_submit(ctl, t, &list) : rsm_status_exit(status);
    change_list_free(&list);
    return result;
}

/* ---- a zone that is gone ---- */

/* `method` of the zone as it was at `at` (NULL: now). */
static enum rsm_status ask_zone(struct ctl *ctl, const struct target *t, const char *method,
                                const char *at, struct rsm_buffer *out)
{
    const char *kept = ctl->at;
    ctl->at = at;
    struct rsm_pack *params = rsm_pack_new();
    rsm_pack_array(params, ctl_has_read_options(ctl) ? 2 : 1);
    rsm_pack_bin(params, ctl_bytes(t->zone));
    if (ctl_has_read_options(ctl))
        ctl_pack_read_options(ctl, params, NULL, (struct rsm_bytes){NULL, 0}, 0);
    enum rsm_status status = ctl_call(ctl, method, params, out);
    rsm_pack_free(params);
    ctl->at = kept;
    return status;
}

/* Who deleted it is seen: making it again is a new decision. */
static enum rsm_status see_deletion(struct ctl *ctl, const struct target *t)
{
    struct rsm_buffer result;
    enum rsm_status status = ask_zone(ctl, t, "zone.writer", NULL, &result);
    if (status == RSM_OK)
        status = rsm_author_see_result(ctl->signer, rsm_value_of(rsm_buffer_bytes(&result)));
    rsm_buffer_free(&result);
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

static enum rsm_status body_again(struct ctl *ctl, const struct target *t,
                                  const struct change_list *list, struct rsm_buffer *body)
{
    struct rsm_label labels[LIMIT_LABELS_PER_ZONE];
    struct rsm_buffer result;
    struct rsm_value name, value;
    size_t count = 0;
    *body = (struct rsm_buffer){NULL, 0};
    enum rsm_status status = ask_zone(ctl, t, "zone.get", t->at, &result);
    if (status == RSM_OK) {
        struct rsm_value row = rsm_value_get(rsm_value_of(rsm_buffer_bytes(&result)), "zone");
        struct rsm_walk walk = rsm_walk_begin(rsm_value_get(row, "labels"));
        while (count < LIMIT_LABELS_PER_ZONE && rsm_walk_next(&walk, &name) &&
               rsm_walk_next(&walk, &value))
            labels[count++] = (struct rsm_label){rsm_value_octets(name), rsm_value_octets(value)};
        status = rsm_body_zone_create(ctl_bytes(t->zone), labels, count, list->changes, list->count,
                                      body);
    }
    rsm_buffer_free(&result);
    return status;
}

static int restore_gone(struct ctl *ctl, const struct target *t, const struct zone_content *old)
{
    struct change_list list = {0};
    struct zone_content nothing = {0};
    struct rsm_buffer body;
    fprintf(stderr, "%s was deleted: it is made again\n", t->text);
    change_list_to(&list, &nothing, old);
    change_list_print(&list, &nothing, stderr);
    int result = rsm_status_exit(RSM_USAGE);
    if (ctl_confirm(ctl, "write this")) {
        enum rsm_status status = see_deletion(ctl, t);
        body = (struct rsm_buffer){NULL, 0};
        if (status == RSM_OK)
            status = body_again(ctl, t, &list, &body);
        result = status == RSM_OK ? ctl_change(ctl, RSM_KIND_ZONE_CREATE, status, &body, "restored")
                                  : rsm_status_exit(status);
        *t->wrote = result == 0;
    }
    change_list_free(&list);
    return result;
}

/* The slot that the content is of: `at` may be a time. */
static uint64_t slot_of(const struct zone_content *content)
{
    struct rsm_value page = rsm_value_of(rsm_buffer_bytes(&content->pages[0]));
    return rsm_value_uint(rsm_value_get(page, "slot"));
}

static int restore(struct ctl *ctl, const struct target *t)
{
    struct zone_content now = {0}, old = {0};
    int result;
    enum rsm_status was = history_read_at(ctl, t->zone, t->at, &old);
    enum rsm_status is = was == RSM_OK ? history_read_at(ctl, t->zone, NULL, &now) : RSM_OK;
    ctl->restored = was == RSM_OK ? slot_of(&old) : 0;
    if (was == RSM_NOT_FOUND)
        result = ctl_fail(was, "there was no zone %s then", t->text);
    else if (was != RSM_OK || (is != RSM_OK && is != RSM_NOT_FOUND))
        result = rsm_status_exit(was != RSM_OK ? was : is);
    else if (is == RSM_NOT_FOUND)
        result = restore_gone(ctl, t, &old);
    else
        result = restore_there(ctl, t, &now, &old);
    ctl->restored = 0;
    zone_content_free(&now);
    zone_content_free(&old);
    return result;
}

int ctl_zone_restore(struct ctl *ctl, int count, char **arguments)
{
    uint8_t buffer[NAME_SIZE_MAX];
    struct bytes zone;
    bool wrote = false;
    (void)count;
    if (!ctl_name(arguments[0], (struct bytes){NULL, 0}, buffer, &zone))
        return rsm_status_exit(RSM_USAGE);
    enum rsm_status status = ctl_sign_in(ctl);
    struct target target = {arguments[0], zone, arguments[1], &wrote};
    return status == RSM_OK ? restore(ctl, &target) : rsm_status_exit(status);
}

/* ---- everything ---- */

struct zone_names {
    struct rsm_buffer *pages; /* owned */
    size_t page_count;
    struct bytes *names; /* wire form, in the pages; owned */
    size_t count;
};

static void free_names(struct zone_names *z)
{
    for (size_t i = 0; i < z->page_count; i++)
        rsm_buffer_free(&z->pages[i]);
    mem_free(z->pages);
    mem_free(z->names);
}

/* All zones as of `at` (NULL: now). */
static enum rsm_status list_zones(struct ctl *ctl, const char *at, struct zone_names *out)
{
    const char *kept = ctl->at;
    struct rsm_bytes after = {NULL, 0};
    enum rsm_status status = RSM_OK;
    *out = (struct zone_names){NULL, 0, NULL, 0};
    ctl->at = at;
    do {
        struct rsm_pack *params = rsm_pack_new();
        rsm_pack_array(params, 1);
        ctl_pack_read_options(ctl, params, after.size > 0 ? "after" : NULL, after, 0);
        out->pages = mem_realloc(out->pages, (out->page_count + 1) * sizeof *out->pages);
        status = ctl_call(ctl, "zone.list", params, &out->pages[out->page_count]);
        rsm_pack_free(params);
        struct rsm_value page = rsm_value_of(rsm_buffer_bytes(&out->pages[out->page_count++]));
        struct rsm_walk walk = rsm_walk_begin(rsm_value_get(page, "zones"));
        struct rsm_value item;
        while (status == RSM_OK && rsm_walk_next(&walk, &item)) {
            struct rsm_bytes wire = rsm_value_octets(rsm_value_get(item, "zone_wire"));
            out->names = mem_realloc(out->names, (out->count + 1) * sizeof *out->names);
            out->names[out->count++] = bytes_make(wire.data, wire.size);
        }
        after = rsm_value_octets(rsm_value_get(page, "next"));
    } while (status == RSM_OK && after.size > 0);
    ctl->at = kept;
    return status;
}

static int by_bytes(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* Sorts the names of `then`. */
static void name_new_ones(struct zone_names *then, const struct zone_names *now)
{
    char text[NAME_TEXT_MAX];
    if (then->count > 0)
        qsort(then->names, then->count, sizeof *then->names, by_bytes);
    for (size_t i = 0; i < now->count; i++) {
        if (then->count == 0 || bsearch(&now->names[i], then->names, then->count,
                                        sizeof *then->names, by_bytes) == NULL)
            fprintf(stderr, "%s: was made since, and stays; zone delete takes it away\n",
                    name_to_text(now->names[i], text));
    }
}

int ctl_zone_restore_all(struct ctl *ctl, int count, char **arguments)
{
    struct zone_names then = {NULL, 0, NULL, 0}, now = {NULL, 0, NULL, 0};
    size_t restored = 0, done = 0;
    (void)count;
    enum rsm_status status = ctl_sign_in(ctl);
    if (status == RSM_OK)
        status = list_zones(ctl, arguments[0], &then);
    if (status == RSM_OK)
        status = list_zones(ctl, NULL, &now);
    int result = rsm_status_exit(status);
    for (; status == RSM_OK && done < then.count && result == 0; done++) {
        char text[NAME_TEXT_MAX];
        bool wrote = false;
        struct target target = {name_to_text(then.names[done], text), then.names[done],
                                arguments[0], &wrote};
        fprintf(stderr, "%s\n", text);
        result = restore(ctl, &target);
        restored += wrote ? 1 : 0;
    }
    if (status == RSM_OK) {
        name_new_ones(&then, &now);
        printf("%zu zones restored, %zu of %zu looked at\n", restored, done, then.count);
    }
    free_names(&then);
    free_names(&now);
    return result;
}
