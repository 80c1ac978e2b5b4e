/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * history.c - what a zone was: diff, blame; and old content brought forward: undo (and restore.c).
 *
 * Nothing goes back: slots, serials and counters grow, and what was is written again by a new
 * change set, signed by whoever asks for it and judged as any other.
 */
#include <string.h>

#include "src/rr/data.h"
#include "tools/resilience-ctl/history.h"

#define AT_SIZE 32u

enum rsm_status history_read_at(struct ctl *ctl, struct bytes zone, const char *at,
                                struct zone_content *out)
{
    const char *kept = ctl->at;
    ctl->at = at;
    enum rsm_status status = zone_content_read(ctl, zone, (struct bytes){NULL, 0}, out);
    ctl->at = kept;
    return status;
}

/* The same, where it is no error that the zone was not there yet: it was empty. */
static enum rsm_status read_or_empty(struct ctl *ctl, struct bytes zone, const char *at,
                                     bool *is_there_out, struct zone_content *out)
{
    enum rsm_status status = history_read_at(ctl, zone, at, out);
    *is_there_out = status == RSM_OK;
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

int ctl_zone_diff(struct ctl *ctl, int count, char **arguments)
{
    uint8_t buffer[NAME_SIZE_MAX];
    struct bytes zone;
    struct zone_content old = {0}, new = {0};
    struct change_list list = {0};
    bool was_there = false, is_there = false;
    if (!ctl_name(arguments[0], (struct bytes){NULL, 0}, buffer, &zone))
        return rsm_status_exit(RSM_USAGE);
    enum rsm_status status = read_or_empty(ctl, zone, arguments[1], &was_there, &old);
    if (status == RSM_OK)
        status = read_or_empty(ctl, zone, count > 2 ? arguments[2] : NULL, &is_there, &new);
    if (status == RSM_OK && !was_there && !is_there) {
        ctl_fail(RSM_NOT_FOUND, "there was no zone %s then, and is none", arguments[0]);
        status = RSM_NOT_FOUND;
    }
    if (status == RSM_OK) {
        change_list_to(&list, &old, &new);
        change_list_print(&list, &old, stdout);
    }
    change_list_free(&list);
    zone_content_free(&old);
    zone_content_free(&new);
    return rsm_status_exit(status);
}

int ctl_zone_blame(struct ctl *ctl, int count, char **arguments)
{
    static const struct ctl_column columns[] = {{"SLOT", "changed_slot"},
                                                {"WRITTEN BY", "version"},
                                                {"OWNER", "owner"},
                                                {"TYPE", "type"},
                                                {"REASON", "reason"}};
    uint8_t zone_buffer[NAME_SIZE_MAX], owner_buffer[NAME_SIZE_MAX];
    struct bytes zone, owner = {NULL, 0};
    struct zone_content content;
    if (count > 2)
        return ctl_record_history(ctl, count, arguments);
    if (!ctl_name(arguments[0], (struct bytes){NULL, 0}, zone_buffer, &zone) ||
        (count > 1 && !ctl_name(arguments[1], zone, owner_buffer, &owner)))
        return rsm_status_exit(RSM_USAGE);
    enum rsm_status status = zone_content_read(ctl, zone, owner, &content);
    if (status == RSM_NOT_FOUND)
        ctl_fail(status, "there is no zone %s", arguments[0]);
    if (status == RSM_OK)
        ctl_print_list(ctl, content.pages, content.page_count, "rrsets", columns, 5);
    if (status == RSM_OK && count > 1 && content.set_count == 0)
        fprintf(stderr,
                "  nothing is there now; who deleted it: resilience-ctl zone blame %s %s TYPE\n",
                arguments[0], arguments[1]);
    zone_content_free(&content);
    return rsm_status_exit(status);
}

int history_submit(struct ctl *ctl, struct bytes zone, const struct change_list *list,
                   const char *done)
{
    struct rsm_buffer body = {NULL, 0};
    if (list->count == 0) {
        fprintf(stderr, "the zone is so already: nothing to do\n");
        return 0;
    }
    enum rsm_status status =
        rsm_body_rrset_change(ctl_bytes(zone), list->changes, list->count, &body);
    return ctl_change(ctl, RSM_KIND_RRSET_CHANGE, status, &body, done);
}

void history_see_content(struct ctl *ctl, const struct zone_content *content)
{
    for (size_t i = 0; i < content->page_count; i++)
        rsm_author_see_result(ctl->signer, rsm_value_of(rsm_buffer_bytes(&content->pages[i])));
}

enum rsm_status history_see_targets(struct ctl *ctl, struct bytes zone,
                                    const struct change_list *list)
{
    enum rsm_status status = RSM_OK;
    for (size_t i = 0; i < list->count && status == RSM_OK; i++)
        status = ctl_see_rrset(ctl, zone,
                               bytes_make(list->changes[i].owner.data, list->changes[i].owner.size),
                               list->changes[i].type);
    return status;
}

/* ---- undo ---- */

/* Who wrote a record set last; sees it, and says when it was not `slot`. */
static enum rsm_status is_untouched(struct ctl *ctl, struct bytes zone,
                                    const struct rsm_change *change, uint64_t slot, bool *out)
{
    struct bytes owner = bytes_make(change->owner.data, change->owner.size);
    char text[NAME_TEXT_MAX], type[RR_TYPE_TEXT_MAX], author[200];
    struct rsm_buffer result;
    struct rsm_pack *params = rsm_pack_new();
    rsm_pack_array(params, 3);
    rsm_pack_bin(params, ctl_bytes(zone));
    rsm_pack_bin(params, change->owner);
    rsm_pack_uint(params, change->type);
    enum rsm_status status = ctl_call(ctl, "rrset.get", params, &result);
    rsm_pack_free(params);
    if (status != RSM_OK)
        return status;
    struct rsm_value value = rsm_value_of(rsm_buffer_bytes(&result));
    struct rsm_value version = rsm_value_get(value, "version");
    uint64_t last = rsm_value_uint(rsm_value_get(version, "slot"));
    *out = last == slot;
    status = rsm_author_see_result(ctl->signer, value);
    if (!*out)
        ctl_fail(RSM_REFUSED, "%s %s was written again in slot %llu, by %s",
                 name_to_text(owner, text), rr_type_to_text(change->type, type),
                 (unsigned long long)last,
                 ctl_cell(rsm_value_get(version, "author"), author, sizeof author));
    rsm_buffer_free(&result);
    return status;
}

/* All that the slot wrote has to be as it left it. RSM_REFUSED: said which is not. */
static enum rsm_status check_untouched(struct ctl *ctl, struct bytes zone,
                                       const struct change_list *list, uint64_t slot)
{
    bool all = true;
    for (size_t i = 0; i < list->count; i++) {
        bool one = false;
        enum rsm_status status = is_untouched(ctl, zone, &list->changes[i], slot, &one);
        if (status != RSM_OK)
            return status;
        all = all && one;
    }
    return all ? RSM_OK : RSM_REFUSED;
}

/*
 * The digest of the change whose effect the slot has, when it has one alone: that one is rolled
 * back. Of a bundle only a part might be undone here.
 */
static bool find_digest(struct ctl *ctl, uint64_t slot, uint8_t digest_out[RSM_DIGEST_SIZE])
{
    struct rsm_buffer result;
    struct rsm_pack *params = rsm_pack_new();
    unsigned found = 0;
    rsm_pack_array(params, 1);
    rsm_pack_uint(params, slot);
    enum rsm_status status = ctl_call(ctl, "explain", params, &result);
    rsm_pack_free(params);
    if (status != RSM_OK)
        return false;
    struct rsm_value commands = rsm_value_get(rsm_value_of(rsm_buffer_bytes(&result)), "commands");
    for (uint32_t i = 0; i < rsm_value_count(commands); i++) {
        struct rsm_value v = rsm_value_get(rsm_value_at(commands, i), "verdict");
        struct rsm_bytes kind = rsm_value_octets(rsm_value_get(v, "verdict"));
        struct rsm_bytes digest = rsm_value_octets(rsm_value_get(v, "digest"));
        bool is_one = kind.size == 7 && (memcmp(kind.data, "applied", 7) == 0 ||
                                         memcmp(kind.data, "settled", 7) == 0);
        if (!is_one || digest.size != RSM_DIGEST_SIZE)
            continue;
        memcpy(digest_out, digest.data, RSM_DIGEST_SIZE);
        found++;
    }
    rsm_buffer_free(&result);
    return found == 1;
}

static int undo_in_zone(struct ctl *ctl, struct bytes zone, const char *name, uint64_t slot)
{
    char before[AT_SIZE], after[AT_SIZE];
    struct zone_content old = {0}, new = {0}, now = {0};
    struct change_list list = {0};
    uint8_t digest[RSM_DIGEST_SIZE];
    snprintf(before, sizeof before, "%llu", (unsigned long long)(slot - 1));
    snprintf(after, sizeof after, "%llu", (unsigned long long)slot);
    enum rsm_status status = history_read_at(ctl, zone, after, &new);
    if (status == RSM_OK)
        status = history_read_at(ctl, zone, before, &old);
    if (status == RSM_OK)
        status = history_read_at(ctl, zone, NULL, &now);
    int result = rsm_status_exit(status);
    if (status == RSM_NOT_FOUND)
        result = ctl_fail(RSM_REFUSED,
                          "slot %llu made or deleted the zone %s, or it is gone since: zone delete "
                          "and zone import undo that",
                          (unsigned long long)slot, name);
    if (status == RSM_OK) {
        history_see_content(ctl, &now);
        change_list_to(&list, &new, &old); /* only what the slot wrote; all else stays */
        change_list_print(&list, &new, stderr);
        status = check_untouched(ctl, zone, &list, slot);
        result = rsm_status_exit(status);
    }
    if (status == RSM_OK && list.count > 0 && !ctl_confirm(ctl, "write this"))
        result = rsm_status_exit(RSM_USAGE);
    else if (status == RSM_OK) {
        ctl->undone = find_digest(ctl, slot, digest) ? digest : NULL;
        result = history_submit(ctl, zone, &list, "undone");
        ctl->undone = NULL;
    }
    change_list_free(&list);
    zone_content_free(&old);
    zone_content_free(&new);
    zone_content_free(&now);
    return result;
}

/* The zone whose content the slot changed: its only one, for a change set has one zone. */
static enum rsm_status zone_of_slot(struct ctl *ctl, uint64_t slot, uint8_t buffer[NAME_SIZE_MAX],
                                    struct bytes *zone_out)
{
    struct rsm_buffer page;
    struct rsm_value zone;
    char at[AT_SIZE];
    uint8_t next[NAME_SIZE_MAX];
    struct rsm_bytes after = {NULL, 0};
    unsigned found = 0;
    const char *kept = ctl->at;
    enum rsm_status status = RSM_OK;
    snprintf(at, sizeof at, "%llu", (unsigned long long)slot);
    do {
        struct rsm_pack *params = rsm_pack_new();
        ctl->at = at;
        rsm_pack_array(params, 1);
        ctl_pack_read_options(ctl, params, after.size > 0 ? "after" : NULL, after, 0);
        status = ctl_call(ctl, "zone.list", params, &page);
        ctl->at = kept;
        rsm_pack_free(params);
        if (status != RSM_OK)
            return status;
        struct rsm_value list = rsm_value_of(rsm_buffer_bytes(&page));
        struct rsm_walk walk = rsm_walk_begin(rsm_value_get(list, "zones"));
        while (rsm_walk_next(&walk, &zone)) {
            struct rsm_bytes wire = rsm_value_octets(rsm_value_get(zone, "zone_wire"));
            struct rsm_value content = rsm_value_get(zone, "content");
            if (rsm_value_uint(rsm_value_get(content, "slot")) != slot || wire.size > NAME_SIZE_MAX)
                continue;
            memcpy(buffer, wire.data, wire.size);
            *zone_out = bytes_make(buffer, wire.size);
            found++;
        }
        after = rsm_value_octets(rsm_value_get(list, "next"));
        if (after.size > sizeof next)
            after.size = 0;
        if (after.size > 0)
            memcpy(next, after.data, after.size);
        after.data = next;
        rsm_buffer_free(&page);
    } while (after.size > 0);
    return found == 1 ? RSM_OK : found == 0 ? RSM_NOT_FOUND : RSM_TOO_MANY;
}

int ctl_undo(struct ctl *ctl, int count, char **arguments)
{
    uint8_t buffer[NAME_SIZE_MAX];
    char name[NAME_TEXT_MAX];
    struct bytes zone = {NULL, 0};
    uint64_t slot;
    (void)count;
    if (!ctl_parse_number(arguments[0], &slot) || slot == 0)
        return ctl_fail(RSM_USAGE, "\"%s\" is no slot", arguments[0]);
    enum rsm_status status = ctl_sign_in(ctl);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    status = zone_of_slot(ctl, slot, buffer, &zone);
    if (status == RSM_NOT_FOUND)
        return ctl_fail(status, "slot %llu changed no zone's content", (unsigned long long)slot);
    if (status == RSM_TOO_MANY)
        return ctl_fail(RSM_REFUSED,
                        "slot %llu is a bundle that changed several zones: undo it by zone restore",
                        (unsigned long long)slot);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    return undo_in_zone(ctl, zone, name_to_text(zone, name), slot);
}
