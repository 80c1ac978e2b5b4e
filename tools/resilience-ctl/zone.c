/* SPDX-License-Identifier: GPL-3.0-or-later */
/* zone.c - zones: create, delete, list, import, export. */
#include <string.h>
#include <unistd.h>

#include <rsm/setting.h>

#include "src/rr/data.h"
#include "tools/resilience-ctl/lists.h"
#include "tools/resilience-ctl/octodns.h"
#include "tools/resilience-ctl/transfer.h"

/* --format */
static bool take_format(struct ctl *ctl, bool *is_octodns_out)
{
    *is_octodns_out = ctl->format != NULL && strcmp(ctl->format, "octodns") == 0;
    if (ctl->format == NULL || *is_octodns_out || strcmp(ctl->format, "master") == 0)
        return true;
    ctl_fail(RSM_USAGE, "--format is master or octodns, not \"%s\"", ctl->format);
    return false;
}

static const struct ctl_column zone_columns[] = {{"ZONE", "zone"},
                                                 {"SERIAL", "serial"},
                                                 {"SETS", "rrsets"},
                                                 {"RECORDS", "records"},
                                                 {"SLOT", "created_slot"}};

int ctl_zone_list(struct ctl *ctl, int count, char **arguments)
{
    (void)count;
    (void)arguments;
    return ctl_show_list(ctl, "zone.list", "zones", zone_columns, 5);
}

/* "name=value" */
static bool split_labels(struct ctl *ctl, struct rsm_label *labels)
{
    for (unsigned i = 0; i < ctl->labels.count; i++) {
        const char *text = ctl->labels.items[i];
        const char *equals = strchr(text, '=');
        if (equals == NULL || equals == text) {
            ctl_fail(RSM_USAGE, "--label is NAME=VALUE, not \"%s\"", text);
            return false;
        }
        labels[i].name = rsm_bytes_make(text, (size_t)(equals - text));
        labels[i].value = rsm_text(equals + 1);
    }
    return true;
}

static enum rsm_status see_zone(struct ctl *ctl, struct bytes zone, const char *method)
{
    struct rsm_buffer result;
    struct rsm_pack *params = rsm_pack_new();
    rsm_pack_array(params, 1);
    rsm_pack_bin(params, ctl_bytes(zone));
    enum rsm_status status = ctl_call(ctl, method, params, &result);
    rsm_pack_free(params);
    if (status == RSM_OK)
        status = rsm_author_see_result(ctl->signer, rsm_value_of(rsm_buffer_bytes(&result)));
    rsm_buffer_free(&result);
    return status;
}

static int create(struct ctl *ctl, struct bytes zone, const struct zonefile *file)
{
    struct change_list list = {0};
    struct rsm_label labels[CTL_LIST_MAX];
    struct rsm_buffer body = {NULL, 0};
    if (!split_labels(ctl, labels))
        return rsm_status_exit(RSM_USAGE);
    for (size_t i = 0; i < file->rrset_count; i++)
        change_list_add(&list, file->rrsets[i].owner, file->rrsets[i].type, file->rrsets[i].ttl,
                        file->rrsets[i].rdatas, file->rrsets[i].count);
    if (isatty(STDERR_FILENO) && file->record_count > 1000)
        fprintf(stderr, "%llu records in %zu record sets: one signed change set\n",
                (unsigned long long)file->record_count, file->rrset_count);
    /* What was deleted under this name is seen: making it again is a new decision. */
    enum rsm_status status = see_zone(ctl, zone, "zone.writer");
    if (status == RSM_OK || status == RSM_NOT_FOUND)
        status = rsm_body_zone_create(ctl_bytes(zone), labels, ctl->labels.count, list.changes,
                                      list.count, &body);
    int result = ctl_change(ctl, RSM_KIND_ZONE_CREATE, status, &body, "created");
    change_list_free(&list);
    return result;
}

int ctl_zone_create(struct ctl *ctl, int count, char **arguments)
{
    uint8_t buffer[NAME_SIZE_MAX];
    struct bytes zone;
    struct zonefile file = {0};
    if (!ctl_name(arguments[0], (struct bytes){NULL, 0}, buffer, &zone))
        return rsm_status_exit(RSM_USAGE);
    enum rsm_status status = count == 2 ? zonefile_load(arguments[1], zone, &file) : RSM_OK;
    if (status == RSM_OK)
        status = ctl_sign_in(ctl);
    int result = status == RSM_OK ? create(ctl, zone, &file) : rsm_status_exit(status);
    zonefile_free(&file);
    return result;
}

int ctl_zone_delete(struct ctl *ctl, int count, char **arguments)
{
    uint8_t buffer[NAME_SIZE_MAX];
    char question[NAME_TEXT_MAX + 64];
    struct bytes zone;
    struct rsm_buffer body = {NULL, 0};
    (void)count;
    if (!ctl_name(arguments[0], (struct bytes){NULL, 0}, buffer, &zone))
        return rsm_status_exit(RSM_USAGE);
    snprintf(question, sizeof question, "delete the zone %.1000s and all that is in it",
             arguments[0]);
    if (!ctl_confirm(ctl, question))
        return rsm_status_exit(RSM_USAGE);
    enum rsm_status status = ctl_sign_in(ctl);
    if (status == RSM_OK)
        status = see_zone(ctl, zone, "zone.get");
    if (status == RSM_NOT_FOUND)
        return ctl_fail(status, "there is no zone %s", arguments[0]);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    return ctl_change(ctl, RSM_KIND_ZONE_DELETE, rsm_body_zone_delete(ctl_bytes(zone), &body),
                      &body, "deleted");
}

/* "200", "policy" */
static bool take_publish_ms(const char *text, uint64_t *out)
{
    *out = RSM_PUBLISH_POLICY;
    return strcmp(text, "policy") == 0 ||
           (ctl_parse_number(text, out) && *out <= RSM_PUBLISH_MS_MAX);
}

static bool take_switch(const char *text, uint64_t *out)
{
    *out = strcmp(text, "on") == 0;
    return *out == 1 || strcmp(text, "off") == 0;
}

/* "publish_ms=200", "listed=off" */
static bool take_setting(const char *text, struct rsm_zone_setting *out)
{
    const char *equals = strchr(text, '=');
    size_t size = equals != NULL ? (size_t)(equals - text) : 0;
    if (size == 0 || !rsm_setting_parse(rsm_bytes_make(text, size), &out->setting)) {
        ctl_fail(RSM_USAGE, "\"%s\" is no setting, such as publish_ms=200", text);
        return false;
    }
    bool is_time = out->setting == RSM_SETTING_PUBLISH_MS;
    bool is_good =
        is_time ? take_publish_ms(equals + 1, &out->value) : take_switch(equals + 1, &out->value);
    if (!is_good && is_time)
        ctl_fail(RSM_USAGE, "publish_ms is 0 to %u, or policy", RSM_PUBLISH_MS_MAX);
    else if (!is_good)
        ctl_fail(RSM_USAGE, "%s is on or off", rsm_setting_text(out->setting));
    return is_good;
}

int ctl_zone_set(struct ctl *ctl, int count, char **arguments)
{
    uint8_t buffer[NAME_SIZE_MAX];
    struct rsm_zone_setting settings[CTL_LIST_MAX];
    struct rsm_buffer body = {NULL, 0};
    struct bytes zone;
    if (!ctl_name(arguments[0], (struct bytes){NULL, 0}, buffer, &zone))
        return rsm_status_exit(RSM_USAGE);
    for (int i = 1; i < count; i++)
        if (i > (int)CTL_LIST_MAX || !take_setting(arguments[i], &settings[i - 1]))
            return rsm_status_exit(RSM_USAGE);
    enum rsm_status status = ctl_sign_in(ctl);
    if (status == RSM_OK)
        status = see_zone(ctl, zone, "zone.get");
    if (status == RSM_NOT_FOUND)
        return ctl_fail(status, "there is no zone %s", arguments[0]);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    status = rsm_body_zone_set(ctl_bytes(zone), settings, (size_t)count - 1, &body);
    if (status == RSM_MALFORMED)
        return ctl_fail(RSM_USAGE, "a setting stands twice");
    return ctl_change(ctl, RSM_KIND_ZONE_SET, status, &body, "set");
}

/* From another primary: its secondaries take only what has a higher serial (RFC 1982 3.2). */
static void add_serial(struct change_list *list, const struct ctl *ctl,
                       const struct zone_content *now, const struct zonefile *file)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->changes[i].type == RR_TYPE_SOA)
            return;
    for (size_t i = 0; ctl->from_axfr != NULL && i < file->rrset_count; i++) {
        const struct zonefile_rrset *set = &file->rrsets[i];
        if (set->type == RR_TYPE_SOA && rr_soa_serial(set->rdatas[0]) > zone_content_serial(now))
            change_list_add(list, set->owner, set->type, set->ttl, set->rdatas, set->count);
    }
}

/* An existing zone: the difference, as one change set. */
static int bring(struct ctl *ctl, struct bytes zone, const struct zone_content *now,
                 const struct zonefile *file)
{
    struct change_list list = {0};
    struct change_scope scope = {.may_delete = ctl->replace};
    bool is_octodns = false;
    if (take_format(ctl, &is_octodns) && is_octodns)
        scope.keeps_ns = zone; /* as octoDNS does with files that do not name them */
    struct rsm_buffer body = {NULL, 0};
    int result = 0;
    for (size_t i = 0; i < now->page_count; i++)
        rsm_author_see_result(ctl->signer, rsm_value_of(rsm_buffer_bytes(&now->pages[i])));
    change_list_between(&list, now, file, &scope);
    add_serial(&list, ctl, now, file);
    if (list.count == 0) {
        fprintf(stderr, "the zone is as the file says: nothing to do\n");
    } else {
        enum rsm_status status =
            rsm_body_rrset_change(ctl_bytes(zone), list.changes, list.count, &body);
        result = ctl_change(ctl, RSM_KIND_RRSET_CHANGE, status, &body, "changed");
    }
    change_list_free(&list);
    return result;
}

int ctl_import(struct ctl *ctl, struct bytes zone, const struct zonefile *file)
{
    struct zone_content now = {0};
    enum rsm_status status = ctl_sign_in(ctl);
    int result = rsm_status_exit(status);
    if (status == RSM_OK)
        status = zone_content_read(ctl, zone, (struct bytes){NULL, 0}, &now);
    if (status == RSM_OK)
        result = bring(ctl, zone, &now, file);
    else if (status == RSM_NOT_FOUND)
        result = create(ctl, zone, file);
    else
        result = rsm_status_exit(status);
    zone_content_free(&now);
    return result;
}

int ctl_zone_import(struct ctl *ctl, int count, char **arguments)
{
    uint8_t buffer[NAME_SIZE_MAX];
    struct bytes zone;
    struct zonefile file = {0};
    bool is_octodns;
    if (!ctl_name(arguments[0], (struct bytes){NULL, 0}, buffer, &zone) ||
        !take_format(ctl, &is_octodns))
        return rsm_status_exit(RSM_USAGE);
    if ((ctl->from_axfr != NULL) == (count == 2))
        return ctl_fail(RSM_USAGE, "either a FILE, or --from-axfr IP[:PORT]");
    if (ctl->from_axfr != NULL)
        return ctl_import_from_server(ctl, zone);
    enum rsm_status status = is_octodns ? octodns_load(arguments[1], zone, &file)
                                        : zonefile_load(arguments[1], zone, &file);
    int result = status == RSM_OK ? ctl_import(ctl, zone, &file) : rsm_status_exit(status);
    zonefile_free(&file);
    return result;
}

/* The SOA first: programs that read master files want it so. */
static bool write_sets(const struct zone_content *content, bool soa, struct writer *out)
{
    for (size_t i = 0; i < content->set_count; i++) {
        const struct zone_set *set = &content->sets[i];
        struct rsm_walk walk = rsm_walk_begin(set->rdatas);
        struct rsm_value rdata;
        if ((set->type == RR_TYPE_SOA) != soa)
            continue;
        while (rsm_walk_next(&walk, &rdata)) {
            struct rsm_bytes bytes = rsm_value_octets(rdata);
            if (zonefile_write(out, set->owner, set->type, set->ttl,
                               bytes_make(bytes.data, bytes.size)) != RSM_OK)
                return false;
        }
    }
    return true;
}

int ctl_zone_export(struct ctl *ctl, int count, char **arguments)
{
    uint8_t buffer[NAME_SIZE_MAX];
    struct bytes zone;
    struct zone_content content;
    struct writer text;
    bool is_octodns;
    (void)count;
    if (!ctl_name(arguments[0], (struct bytes){NULL, 0}, buffer, &zone) ||
        !take_format(ctl, &is_octodns))
        return rsm_status_exit(RSM_USAGE);
    enum rsm_status status = zone_content_read(ctl, zone, (struct bytes){NULL, 0}, &content);
    if (status == RSM_NOT_FOUND)
        ctl_fail(status, "there is no zone %s: %s", arguments[0], rsm_client_error(ctl->client));
    writer_init(&text, ZONEFILE_SIZE_MAX);
    if (status == RSM_OK && is_octodns) {
        status = octodns_write(&content, zone, &text);
    } else if (status == RSM_OK &&
               (!write_sets(&content, true, &text) || !write_sets(&content, false, &text))) {
        status = RSM_MALFORMED;
        ctl_fail(status, "a record of the zone has no text form");
    }
    if (status == RSM_OK)
        fwrite(text.data, 1, text.size, stdout);
    writer_deinit(&text);
    zone_content_free(&content);
    return rsm_status_exit(status);
}
