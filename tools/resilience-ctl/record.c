/* SPDX-License-Identifier: GPL-3.0-or-later */
/* record.c - single record sets. */
#include <string.h>

#include "src/base/mem.h"
#include "src/rr/data.h"
#include "tools/resilience-ctl/changes.h"

struct target {
    uint8_t zone_buffer[NAME_SIZE_MAX], owner_buffer[NAME_SIZE_MAX];
    struct bytes zone, owner;
    uint16_t type;
};

static bool parse_target(struct target *t, const char *zone, const char *owner, const char *type)
{
    if (!ctl_name(zone, (struct bytes){NULL, 0}, t->zone_buffer, &t->zone) ||
        !ctl_name(owner, t->zone, t->owner_buffer, &t->owner))
        return false;
    if (type == NULL || rr_type_from_text(type, &t->type) == RSM_OK)
        return true;
    ctl_fail(RSM_USAGE, "\"%s\" is no record type", type);
    return false;
}

static int change(struct ctl *ctl, const struct target *t, uint32_t ttl, const struct bytes *rdatas,
                  size_t count, const char *done)
{
    struct change_list list = {0};
    struct rsm_buffer body = {NULL, 0};
    enum rsm_status status = ctl_sign_in(ctl);
    if (status == RSM_OK)
        status = ctl_see_rrset(ctl, t->zone, t->owner, t->type);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    change_list_add(&list, t->owner, t->type, ttl, rdatas, count);
    status = rsm_body_rrset_change(ctl_bytes(t->zone), list.changes, list.count, &body);
    int result = ctl_change(ctl, RSM_KIND_RRSET_CHANGE, status, &body, done);
    change_list_free(&list);
    return result;
}

int ctl_record_set(struct ctl *ctl, int count, char **arguments)
{
    struct target t;
    uint64_t ttl;
    size_t rdata_count = (size_t)count - 4;
    if (!parse_target(&t, arguments[0], arguments[1], arguments[3]))
        return rsm_status_exit(RSM_USAGE);
    if (!ctl_parse_number(arguments[2], &ttl) || ttl > INT32_MAX)
        return ctl_fail(RSM_USAGE, "\"%s\" is no TTL (seconds)", arguments[2]);
    struct writer *texts = mem_alloc(rdata_count * sizeof *texts);
    struct bytes *rdatas = mem_alloc(rdata_count * sizeof *rdatas);
    enum rsm_status status = RSM_OK;
    for (size_t i = 0; i < rdata_count && status == RSM_OK; i++) {
        char error[256] = "";
        uint8_t *folded;
        writer_init(&texts[i], 65536);
        status =
            rr_data_from_text(t.type, arguments[4 + i], t.zone, &texts[i], error, sizeof error);
        if (status != RSM_OK) {
            ctl_fail(RSM_USAGE, "\"%s\" is no data of type %s: %s", arguments[4 + i], arguments[3],
                     error);
            continue;
        }
        folded = texts[i].data;
        status = rr_data_canonical(t.type, writer_result(&texts[i]), folded);
        rdatas[i] = writer_result(&texts[i]);
    }
    int result = status == RSM_OK ? change(ctl, &t, (uint32_t)ttl, rdatas, rdata_count, "set")
                                  : rsm_status_exit(RSM_USAGE);
    for (size_t i = 0; i < rdata_count; i++)
        writer_deinit(&texts[i]);
    mem_free(texts);
    mem_free(rdatas);
    return result;
}

int ctl_record_delete(struct ctl *ctl, int count, char **arguments)
{
    struct target t;
    char question[NAME_TEXT_MAX + 64];
    (void)count;
    if (!parse_target(&t, arguments[0], arguments[1], arguments[2]))
        return rsm_status_exit(RSM_USAGE);
    snprintf(question, sizeof question, "delete %.1000s %.32s", arguments[1], arguments[2]);
    if (!ctl_confirm(ctl, question))
        return rsm_status_exit(RSM_USAGE);
    return change(ctl, &t, 0, NULL, 0, "deleted");
}

static void print_set(struct rsm_value set)
{
    struct rsm_bytes owner = rsm_value_octets(rsm_value_get(set, "owner_wire"));
    struct rsm_walk walk = rsm_walk_begin(rsm_value_get(set, "rdata_wire"));
    struct rsm_value rdata;
    struct writer line;
    writer_init(&line, 1u << 24);
    while (rsm_walk_next(&walk, &rdata)) {
        struct rsm_bytes bytes = rsm_value_octets(rdata);
        zonefile_write(&line, bytes_make(owner.data, owner.size),
                       (uint16_t)rsm_value_uint(rsm_value_get(set, "type_code")),
                       (uint32_t)rsm_value_uint(rsm_value_get(set, "ttl")),
                       bytes_make(bytes.data, bytes.size));
    }
    fwrite(line.data, 1, line.size, stdout);
    writer_deinit(&line);
}

int ctl_record_get(struct ctl *ctl, int count, char **arguments)
{
    struct target t;
    struct rsm_buffer result;
    (void)count;
    if (!parse_target(&t, arguments[0], arguments[1], arguments[2]))
        return rsm_status_exit(RSM_USAGE);
    struct rsm_pack *params = rsm_pack_new();
    rsm_pack_array(params, 4);
    rsm_pack_bin(params, ctl_bytes(t.zone));
    rsm_pack_bin(params, ctl_bytes(t.owner));
    rsm_pack_uint(params, t.type);
    ctl_pack_read_options(ctl, params, NULL, (struct rsm_bytes){NULL, 0}, 0);
    enum rsm_status status = ctl_call(ctl, "rrset.get", params, &result);
    rsm_pack_free(params);
    struct rsm_value value = rsm_value_of(rsm_buffer_bytes(&result));
    if (status == RSM_OK && rsm_value_type(rsm_value_get(value, "rrset")) == RSM_TYPE_NIL)
        status = RSM_NOT_FOUND;
    if (status == RSM_NOT_FOUND)
        ctl_fail(status, "%s has no record set %s %s", arguments[0], arguments[1], arguments[2]);
    else if (status == RSM_OK && ctl->output == CTL_OUTPUT_TABLE)
        print_set(rsm_value_get(value, "rrset"));
    else if (status == RSM_OK)
        ctl_print_map(ctl, value);
    rsm_buffer_free(&result);
    return rsm_status_exit(status);
}

int ctl_record_list(struct ctl *ctl, int count, char **arguments)
{
    struct target t = {.owner = {NULL, 0}};
    struct zone_content content;
    bool good = count == 2
                    ? parse_target(&t, arguments[0], arguments[1], NULL)
                    : ctl_name(arguments[0], (struct bytes){NULL, 0}, t.zone_buffer, &t.zone);
    if (!good)
        return rsm_status_exit(RSM_USAGE);
    enum rsm_status status = zone_content_read(ctl, t.zone, t.owner, &content);
    if (status == RSM_NOT_FOUND)
        ctl_fail(status, "there is no zone %s", arguments[0]);
    if (status == RSM_OK && ctl->output != CTL_OUTPUT_TABLE) {
        ctl_print_list_json(ctl, content.pages, content.page_count, "rrsets");
    } else if (status == RSM_OK) {
        for (size_t i = 0; i < content.page_count; i++) {
            struct rsm_value page = rsm_value_of(rsm_buffer_bytes(&content.pages[i]));
            struct rsm_walk walk = rsm_walk_begin(rsm_value_get(page, "rrsets"));
            struct rsm_value set;
            while (rsm_walk_next(&walk, &set))
                print_set(set);
        }
    }
    zone_content_free(&content);
    return rsm_status_exit(status);
}

/* A page of a record set's versions; `after`: the end of the page before. */
static enum rsm_status read_versions(struct ctl *ctl, const struct target *t,
                                     struct rsm_bytes after, struct rsm_buffer *out)
{
    struct rsm_pack *params = rsm_pack_new();
    rsm_pack_array(params, 4);
    rsm_pack_bin(params, ctl_bytes(t->zone));
    rsm_pack_bin(params, ctl_bytes(t->owner));
    rsm_pack_uint(params, t->type);
    ctl_pack_read_options(ctl, params, after.size > 0 ? "after" : NULL, after, 0);
    enum rsm_status status = ctl_call(ctl, "rrset.history", params, out);
    rsm_pack_free(params);
    return status;
}

int ctl_record_history(struct ctl *ctl, int count, char **arguments)
{
    static const struct ctl_column columns[] = {
        {"SLOT", "changed_slot"}, {"DELETED", "deleted"},    {"TTL", "ttl"},
        {"DATA", "rdata"},        {"WRITTEN BY", "version"}, {"REASON", "reason"}};
    struct target t;
    struct rsm_buffer *pages = NULL;
    struct rsm_bytes after = {NULL, 0}; /* in the last page */
    size_t page_count = 0;
    enum rsm_status status;
    (void)count;
    if (!parse_target(&t, arguments[0], arguments[1], arguments[2]))
        return rsm_status_exit(RSM_USAGE);
    do {
        pages = mem_realloc(pages, (page_count + 1) * sizeof *pages);
        status = read_versions(ctl, &t, after, &pages[page_count]);
        struct rsm_value page = rsm_value_of(rsm_buffer_bytes(&pages[page_count++]));
        after = rsm_value_octets(rsm_value_get(page, "next"));
        if (status == RSM_OK && page_count == 1 &&
            rsm_value_count(rsm_value_get(page, "versions")) == 0)
            status = RSM_NOT_FOUND;
    } while (status == RSM_OK && after.size > 0);
    if (status == RSM_OK)
        ctl_print_list(ctl, pages, page_count, "versions", columns, 6);
    else if (status == RSM_NOT_FOUND)
        ctl_fail(status, "that record set has never been");
    for (size_t i = 0; i < page_count; i++)
        rsm_buffer_free(&pages[i]);
    mem_free(pages);
    return rsm_status_exit(status);
}

/* A zone and record sets of it, as the command line names them. */
struct named {
    struct bytes zone; /* in zone_buffer */
    struct rsm_rrset_id *ids;
    size_t count;
    uint8_t (*names)[NAME_SIZE_MAX];
    uint8_t zone_buffer[NAME_SIZE_MAX];
};

static void named_deinit(struct named *n)
{
    mem_free(n->names);
    mem_free(n->ids);
}

/* False: one of them is none, which was said. In either case named_deinit. */
static bool named_init(struct named *n, const char *zone, size_t count, char **arguments)
{
    *n = (struct named){.count = count};
    if (!ctl_name(zone, (struct bytes){NULL, 0}, n->zone_buffer, &n->zone))
        return false;
    n->ids = mem_alloc((count + 1) * sizeof *n->ids);
    n->names = mem_alloc((count + 1) * sizeof *n->names);
    for (size_t i = 0; i < count; i++)
        if (!ctl_parse_rrset_id(arguments[i], n->names[i], &n->ids[i]))
            return false;
    return true;
}

int ctl_record_takeover(struct ctl *ctl, int count, char **arguments)
{
    struct rsm_buffer body = {NULL, 0};
    struct named n;
    bool is_good = named_init(&n, arguments[0], (size_t)count - 3, arguments + 3);
    enum rsm_status status = is_good ? ctl_sign_in(ctl) : RSM_USAGE;
    for (size_t i = 0; i < n.count && status == RSM_OK; i++)
        status = ctl_see_rrset(ctl, n.zone, bytes_make(n.ids[i].owner.data, n.ids[i].owner.size),
                               n.ids[i].type);
    int result = rsm_status_exit(status);
    if (status == RSM_OK) {
        status = rsm_body_rrset_takeover(ctl_bytes(n.zone), rsm_text(arguments[1]),
                                         rsm_text(arguments[2]), n.ids, n.count, &body);
        result = ctl_change(ctl, RSM_KIND_RRSET_TAKEOVER, status, &body, "taken over");
    }
    named_deinit(&n);
    return result;
}

static int observe(struct ctl *ctl, int count, char **arguments, bool is_present)
{
    struct rsm_buffer body = {NULL, 0};
    struct named n;
    bool is_good = named_init(&n, arguments[0], (size_t)count - 1, arguments + 1);
    enum rsm_status status = is_good ? ctl_sign_in(ctl) : RSM_USAGE;
    int result = rsm_status_exit(status);
    if (status == RSM_OK) {
        status = rsm_body_rrset_observe(ctl_bytes(n.zone), n.ids, is_present ? 0 : n.count, n.ids,
                                        is_present ? n.count : 0, &body);
        result = ctl_change(ctl, RSM_KIND_RRSET_OBSERVE, status, &body, "noted");
    }
    named_deinit(&n);
    return result;
}

int ctl_record_absent(struct ctl *ctl, int count, char **arguments)
{
    return observe(ctl, count, arguments, false);
}

int ctl_record_present(struct ctl *ctl, int count, char **arguments)
{
    return observe(ctl, count, arguments, true);
}
