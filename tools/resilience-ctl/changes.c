/* SPDX-License-Identifier: GPL-3.0-or-later */
/* changes.c - see changes.h. */
#include "tools/resilience-ctl/changes.h"

#include <string.h>

#include "src/base/mem.h"
#include "src/rr/data.h"

/* -------------------------------------------------------------------------------------------- */
/* The zone as it is. */

static void add_page(struct zone_content *content, struct rsm_buffer page)
{
    struct rsm_value list = rsm_value_get(rsm_value_of(rsm_buffer_bytes(&page)), "rrsets");
    struct rsm_walk walk = rsm_walk_begin(list);
    struct rsm_value item;
    content->pages =
        mem_realloc(content->pages, (content->page_count + 1) * sizeof *content->pages);
    content->pages[content->page_count++] = page;
    content->sets = mem_realloc(content->sets, (content->set_count + rsm_value_count(list) + 1) *
                                                   sizeof *content->sets);
    while (rsm_walk_next(&walk, &item)) {
        struct rsm_bytes owner = rsm_value_octets(rsm_value_get(item, "owner_wire"));
        struct rsm_value rdatas = rsm_value_get(item, "rdata_wire");
        content->sets[content->set_count++] =
            (struct zone_set){.owner = bytes_make(owner.data, owner.size),
                              .type = (uint16_t)rsm_value_uint(rsm_value_get(item, "type_code")),
                              .ttl = (uint32_t)rsm_value_uint(rsm_value_get(item, "ttl")),
                              .count = rsm_value_count(rdatas),
                              .rdatas = rdatas};
    }
}

static struct rsm_pack *page_params(struct ctl *ctl, struct bytes zone, struct bytes owner,
                                    struct rsm_bytes after, uint64_t pin_slot)
{
    struct rsm_pack *params = rsm_pack_new();
    char text[NAME_TEXT_MAX];
    bool has_after = after.size > 0;
    rsm_pack_array(params, 2);
    rsm_pack_bin(params, ctl_bytes(zone));
    if (owner.size > 0 && !has_after)
        ctl_pack_read_options(ctl, params, "owner", rsm_text(name_to_text(owner, text)), 0);
    else
        ctl_pack_read_options(ctl, params, has_after ? "after" : NULL, after, pin_slot);
    return params;
}

enum rsm_status zone_content_read(struct ctl *ctl, struct bytes zone, struct bytes owner,
                                  struct zone_content *out)
{
    uint8_t next[NAME_SIZE_MAX + 2];
    struct rsm_bytes after = {NULL, 0};
    uint64_t slot = 0; /* of the first page: all the others show the same state */
    *out = (struct zone_content){0};
    for (;;) {
        struct rsm_buffer page;
        struct rsm_pack *params = page_params(ctl, zone, owner, after, slot);
        enum rsm_status status = ctl_call(ctl, "rrset.list", params, &page);
        rsm_pack_free(params);
        if (status != RSM_OK)
            return status;
        add_page(out, page);
        struct rsm_value last = rsm_value_of(rsm_buffer_bytes(&out->pages[out->page_count - 1]));
        slot = rsm_value_uint(rsm_value_get(last, "slot"));
        after = rsm_value_octets(rsm_value_get(last, "next"));
        if (after.size == 0 || after.size > sizeof next)
            return RSM_OK;
        memcpy(next, after.data, after.size);
        after.data = next;
    }
}

void zone_content_free(struct zone_content *content)
{
    for (size_t i = 0; i < content->page_count; i++)
        rsm_buffer_free(&content->pages[i]);
    mem_free(content->pages);
    mem_free(content->sets);
    *content = (struct zone_content){0};
}

uint32_t zone_content_serial(const struct zone_content *content)
{
    struct rsm_value rdata;
    for (size_t i = 0; i < content->set_count; i++) {
        struct rsm_walk walk = rsm_walk_begin(content->sets[i].rdatas);
        if (content->sets[i].type != RR_TYPE_SOA || !rsm_walk_next(&walk, &rdata))
            continue;
        struct rsm_bytes bytes = rsm_value_octets(rdata);
        return bytes.size >= 22 ? rr_soa_serial(bytes_make(bytes.data, bytes.size)) : 0;
    }
    return 0;
}

/* -------------------------------------------------------------------------------------------- */
/* Change sets. */

void change_list_add(struct change_list *list, struct bytes owner, uint16_t type, uint32_t ttl,
                     const struct bytes *rdatas, size_t rdata_count)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity * 2 + 64;
        list->changes = mem_realloc(list->changes, list->capacity * sizeof *list->changes);
        list->rdatas = mem_realloc(list->rdatas, list->capacity * sizeof *list->rdatas);
    }
    struct rsm_bytes *copies = mem_alloc((rdata_count + 1) * sizeof *copies);
    for (size_t i = 0; i < rdata_count; i++)
        copies[i] = ctl_bytes(rdatas[i]);
    list->rdatas[list->count] = copies;
    list->changes[list->count++] = (struct rsm_change){.owner = ctl_bytes(owner),
                                                       .type = type,
                                                       .ttl = rdata_count > 0 ? ttl : 0,
                                                       .rdatas = copies,
                                                       .rdata_count = rdata_count};
}

void change_list_free(struct change_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        mem_free(list->rdatas[i]);
    mem_free(list->rdatas);
    mem_free(list->changes);
    *list = (struct change_list){0};
}

static bool in_scope(const struct change_scope *scope, struct bytes owner)
{
    if (scope->names == NULL)
        return true;
    for (size_t i = 0; i < scope->name_count; i++)
        if (name_equal(scope->names[i], owner))
            return true;
    return false;
}

static const struct zone_set *find_set(const struct zone_content *content, struct bytes owner,
                                       uint16_t type)
{
    for (size_t i = 0; i < content->set_count; i++)
        if (content->sets[i].type == type && name_equal(content->sets[i].owner, owner))
            return &content->sets[i];
    return NULL;
}

bool zone_content_has(const struct zone_content *content, struct bytes owner, uint16_t type)
{
    return find_set(content, owner, type) != NULL;
}

static const struct zonefile_rrset *find_wanted(const struct zonefile *wanted, struct bytes owner,
                                                uint16_t type)
{
    for (size_t i = 0; i < wanted->rrset_count; i++)
        if (wanted->rrsets[i].type == type && name_equal(wanted->rrsets[i].owner, owner))
            return &wanted->rrsets[i];
    return NULL;
}

/* A SOA that differs in its serial alone is no change: the cluster counts it. */
static bool same_data(uint16_t type, struct rsm_bytes now, struct bytes wanted)
{
    struct bytes left = bytes_make(now.data, now.size);
    if (type != RR_TYPE_SOA || left.size != wanted.size || left.size < 22)
        return bytes_equal(left, wanted);
    size_t head = left.size - 20;
    return memcmp(left.data, wanted.data, head) == 0 &&
           memcmp(left.data + head + 4, wanted.data + head + 4, 16) == 0;
}

static bool same_set(const struct zone_set *now, const struct zonefile_rrset *wanted)
{
    struct rsm_walk walk = rsm_walk_begin(now->rdatas);
    struct rsm_value rdata;
    if (now->ttl != wanted->ttl || now->count != wanted->count)
        return false;
    for (uint32_t i = 0; rsm_walk_next(&walk, &rdata); i++)
        if (!same_data(now->type, rsm_value_octets(rdata), wanted->rdatas[i]))
            return false;
    return true;
}

/*
 * Both are in canonical order of owners and then types, so one pass finds the partners; a search
 * behind it would only be needed for lists that are not, and then it costs time, not rightness.
 */
void change_list_between(struct change_list *list, const struct zone_content *now,
                         const struct zonefile *wanted, const struct change_scope *scope)
{
    size_t hint = 0;
    for (size_t i = 0; i < wanted->rrset_count; i++) {
        const struct zonefile_rrset *w = &wanted->rrsets[i];
        const struct zone_set *n = NULL;
        if (!in_scope(scope, w->owner))
            continue;
        for (size_t k = hint; k < now->set_count && k < hint + 8 && n == NULL; k++)
            if (now->sets[k].type == w->type && name_equal(now->sets[k].owner, w->owner))
                n = &now->sets[hint = k];
        if (n == NULL)
            n = find_set(now, w->owner, w->type);
        if (n == NULL || !same_set(n, w))
            change_list_add(list, w->owner, w->type, w->ttl, w->rdatas, w->count);
    }
    hint = 0;
    for (size_t i = 0; scope->may_delete && i < now->set_count; i++) {
        const struct zone_set *n = &now->sets[i];
        const struct zonefile_rrset *w = NULL;
        if (!in_scope(scope, n->owner) || n->type == RR_TYPE_SOA ||
            (n->type == RR_TYPE_NS && bytes_equal(n->owner, scope->keeps_ns)))
            continue;
        for (size_t k = hint; k < wanted->rrset_count && k < hint + 8 && w == NULL; k++)
            if (wanted->rrsets[k].type == n->type && name_equal(wanted->rrsets[k].owner, n->owner))
                w = &wanted->rrsets[hint = k];
        if (w == NULL && find_wanted(wanted, n->owner, n->type) == NULL)
            change_list_add(list, n->owner, n->type, 0, NULL, 0);
    }
}

static bool same_content(const struct zone_set *a, const struct zone_set *b)
{
    struct rsm_walk x = rsm_walk_begin(a->rdatas), y = rsm_walk_begin(b->rdatas);
    struct rsm_value one, other;
    if (a->ttl != b->ttl || a->count != b->count)
        return false;
    while (rsm_walk_next(&x, &one) && rsm_walk_next(&y, &other)) {
        struct rsm_bytes data = rsm_value_octets(other);
        if (!same_data(a->type, rsm_value_octets(one), bytes_make(data.data, data.size)))
            return false;
    }
    return true;
}

static void add_set(struct change_list *list, const struct zone_set *set)
{
    struct rsm_walk walk = rsm_walk_begin(set->rdatas);
    struct bytes *rdatas = mem_alloc((set->count + 1) * sizeof *rdatas);
    struct rsm_value rdata;
    size_t count = 0;
    while (count < set->count && rsm_walk_next(&walk, &rdata)) {
        struct rsm_bytes data = rsm_value_octets(rdata);
        rdatas[count++] = bytes_make(data.data, data.size);
    }
    change_list_add(list, set->owner, set->type, set->ttl, rdatas, count);
    mem_free(rdatas);
}

/* The place of a set in a list of the same order, from `hint` on; else anywhere. */
static const struct zone_set *find_near(const struct zone_content *content,
                                        const struct zone_set *set, size_t *hint)
{
    for (size_t k = *hint; k < content->set_count && k < *hint + 8; k++)
        if (content->sets[k].type == set->type && name_equal(content->sets[k].owner, set->owner))
            return &content->sets[*hint = k];
    return find_set(content, set->owner, set->type);
}

void change_list_to(struct change_list *list, const struct zone_content *from,
                    const struct zone_content *to)
{
    size_t hint = 0;
    for (size_t i = 0; i < to->set_count; i++) {
        const struct zone_set *old = find_near(from, &to->sets[i], &hint);
        if (old == NULL || !same_content(old, &to->sets[i]))
            add_set(list, &to->sets[i]);
    }
    hint = 0;
    for (size_t i = 0; i < from->set_count; i++)
        if (find_near(to, &from->sets[i], &hint) == NULL)
            change_list_add(list, from->sets[i].owner, from->sets[i].type, 0, NULL, 0);
}

static void print_record(FILE *out, char sign, struct bytes owner, uint16_t type, uint32_t ttl,
                         struct rsm_bytes rdata)
{
    struct writer line;
    writer_init(&line, 1u << 20);
    if (zonefile_write(&line, owner, type, ttl, bytes_make(rdata.data, rdata.size)) == RSM_OK)
        fprintf(out, "%c%.*s", sign, (int)line.size, (const char *)line.data);
    writer_deinit(&line);
}

void change_list_print(const struct change_list *list, const struct zone_content *now, FILE *out)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct rsm_change *c = &list->changes[i];
        struct bytes owner = bytes_make(c->owner.data, c->owner.size);
        const struct zone_set *old = find_set(now, owner, c->type);
        if (old != NULL) {
            struct rsm_walk walk = rsm_walk_begin(old->rdatas);
            struct rsm_value rdata;
            while (rsm_walk_next(&walk, &rdata))
                print_record(out, '-', owner, c->type, old->ttl, rsm_value_octets(rdata));
        }
        for (size_t k = 0; k < c->rdata_count; k++)
            print_record(out, '+', owner, c->type, c->ttl, c->rdatas[k]);
    }
}

enum rsm_status zonefile_load(const char *path, struct bytes origin, struct zonefile *out)
{
    struct rsm_buffer text;
    *out = (struct zonefile){0};
    if (!ctl_read_file(path, ZONEFILE_SIZE_MAX, &text))
        return RSM_FAILED;
    enum rsm_status status = zonefile_parse(bytes_make(text.data, text.size), origin, 3600, out);
    rsm_buffer_free(&text);
    for (uint64_t i = 0; i < out->error_count && i < ZONEFILE_ERRORS_MAX; i++)
        fprintf(stderr, "%s:%llu: %s\n", path, (unsigned long long)out->errors[i].line,
                out->errors[i].text);
    if (out->error_count > ZONEFILE_ERRORS_MAX)
        fprintf(stderr, "%s: and %llu errors more\n", path,
                (unsigned long long)(out->error_count - ZONEFILE_ERRORS_MAX));
    if (status != RSM_OK)
        ctl_fail(status, "%s: nothing was imported", path);
    return status;
}
