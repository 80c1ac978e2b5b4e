/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer.c - zones of other servers: zone import --from-axfr, zone compare --with.
 *
 * An import begins above the serial that the old primary serves: its secondaries then take the new
 * primary's content for newer. What came is counted by type, and compared with what the cluster has
 * afterwards, read again: a type that was lost on the way is a failure, not a surprise later.
 */
#include "tools/resilience-ctl/transfer.h"

#include <string.h>

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/rr/data.h"
#include "tools/resilience-ctl/axfr.h"

#define TYPES 65536u

/* ---- fetching ---- */

static enum rsm_status fetch(struct ctl *ctl, const char *server, struct bytes zone,
                             struct axfr_result *out)
{
    char error[AXFR_ERROR_SIZE] = "", name[NAME_TEXT_MAX];
    struct tsig_key *key = NULL;
    *out = (struct axfr_result){.serial = 0};
    enum rsm_status status = ctl->tsig != NULL ? axfr_key_load(ctl->tsig, &key, error) : RSM_OK;
    if (status != RSM_OK) {
        ctl_fail(status, "%s: %s", ctl->tsig, error);
        return status;
    }
    struct axfr_source source = {.server = server, .key = key, .timeout_ms = ctl->timeout_ms};
    status = axfr_fetch(&source, zone, out, error);
    tsig_key_free(key);
    if (status != RSM_OK)
        ctl_fail(status, "transfer of %s from %s: %s", name_to_text(zone, name), server, error);
    return status;
}

static struct zonefile_rrset *find_soa(struct zonefile *zone)
{
    for (size_t i = 0; i < zone->rrset_count; i++)
        if (zone->rrsets[i].type == RR_TYPE_SOA)
            return &zone->rrsets[i];
    return NULL;
}

/* The copy takes the place of the set's own data, and outlives the zone's use. */
static void set_serial(struct zonefile_rrset *soa, uint32_t serial, struct writer *copy)
{
    CHECK(soa != NULL); /* a transfer has one */
    writer_init(copy, LIMIT_RDATA_SIZE);
    writer_bytes(copy, soa->rdatas[0]);
    rr_soa_set_serial(copy->data, copy->size, serial);
    soa->rdatas[0] = writer_result(copy);
}

/* ---- counting ---- */

struct counts {
    uint64_t source[TYPES], now[TYPES];
};

static bool print_counts(const struct counts *counts, bool is_exact, FILE *out)
{
    char type_text[RR_TYPE_TEXT_MAX];
    uint64_t source = 0, now = 0;
    bool is_good = true;
    fprintf(out, "%-10s %10s %10s\n", "TYPE", "SOURCE", "ZONE");
    for (uint32_t type = 0; type < TYPES; type++) {
        uint64_t a = counts->source[type], b = counts->now[type];
        if (a == 0 && b == 0)
            continue;
        bool differs = is_exact ? a != b : a > b;
        is_good &= !differs;
        source += a;
        now += b;
        fprintf(out, "%-10s %10llu %10llu%s\n", rr_type_to_text((uint16_t)type, type_text),
                (unsigned long long)a, (unsigned long long)b, differs ? "  <- differs" : "");
    }
    fprintf(out, "%-10s %10llu %10llu\n", "all", (unsigned long long)source,
            (unsigned long long)now);
    return is_good;
}

/* True when the zone has all of the source, record by record. */
static bool verify(struct ctl *ctl, struct bytes zone, const struct zonefile *source)
{
    struct zone_content now = {0};
    struct change_list list = {0};
    struct change_scope scope = {.may_delete = ctl->replace};
    if (zone_content_read(ctl, zone, (struct bytes){NULL, 0}, &now) != RSM_OK) {
        zone_content_free(&now);
        return false;
    }
    struct counts *counts = mem_alloc(sizeof *counts);
    for (size_t i = 0; i < source->rrset_count; i++)
        counts->source[source->rrsets[i].type] += source->rrsets[i].count;
    for (size_t i = 0; i < now.set_count; i++)
        counts->now[now.sets[i].type] += now.sets[i].count;
    bool is_good = print_counts(counts, ctl->replace, stderr);
    mem_free(counts);
    change_list_between(&list, &now, source, &scope);
    if (list.count > 0) {
        fprintf(stderr, "not as the source has it:\n");
        change_list_print(&list, &now, stderr);
        is_good = false;
    }
    change_list_free(&list);
    zone_content_free(&now);
    return is_good;
}

int ctl_import_from_server(struct ctl *ctl, struct bytes zone)
{
    struct axfr_result source;
    struct writer soa = {.data = NULL};
    enum rsm_status status = fetch(ctl, ctl->from_axfr, zone, &source);
    int result = rsm_status_exit(status);
    if (status == RSM_OK && source.serial == UINT32_MAX) {
        result = ctl_fail(RSM_REFUSED, "the source's serial is 2^32 - 1: no serial is above it; "
                                       "move the old primary to a lower one first (RFC 1982)");
    } else if (status == RSM_OK) {
        set_serial(find_soa(&source.zone), source.serial + 1, &soa);
        fprintf(stderr, "%llu records with serial %u in %u messages\n",
                (unsigned long long)source.record_count, source.serial, source.message_count);
        result = ctl_import(ctl, zone, &source.zone);
        if (result == 0 && !ctl->no_submit && !verify(ctl, zone, &source.zone))
            result = ctl_fail(RSM_FAILED, "the zone is not what the source served");
    }
    zonefile_free(&source.zone);
    writer_deinit(&soa);
    return result;
}

/* ---- comparing ---- */

/* The cluster serves the zone with a ZONEMD that stands in no record set. */
static bool makes_digest(struct ctl *ctl, struct bytes zone)
{
    struct rsm_buffer result;
    struct rsm_pack *params = rsm_pack_new();
    rsm_pack_array(params, 1);
    rsm_pack_bin(params, ctl_bytes(zone));
    enum rsm_status status = ctl_call(ctl, "zone.get", params, &result);
    rsm_pack_free(params);
    struct rsm_value row = rsm_value_get(rsm_value_of(rsm_buffer_bytes(&result)), "zone");
    struct rsm_value settings = rsm_value_get(row, "settings");
    bool is_made = status == RSM_OK && rsm_value_uint(rsm_value_get(settings, "zonemd")) == 1;
    rsm_buffer_free(&result);
    return is_made;
}

/* Takes the digest of the apex out of what differs. */
static void drop_digest(struct change_list *list, struct bytes zone)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct rsm_change *c = &list->changes[i];
        if (c->type != RR_TYPE_ZONEMD ||
            !name_equal(bytes_make(c->owner.data, c->owner.size), zone))
            continue;
        mem_free(list->rdatas[i]);
        list->count--;
        memmove(&list->changes[i], &list->changes[i + 1],
                (list->count - i) * sizeof *list->changes);
        memmove(&list->rdatas[i], &list->rdatas[i + 1], (list->count - i) * sizeof *list->rdatas);
        return;
    }
}

int ctl_zone_compare(struct ctl *ctl, int count, char **arguments)
{
    uint8_t buffer[NAME_SIZE_MAX];
    struct bytes zone;
    struct axfr_result served;
    struct zone_content now = {0};
    struct change_list list = {0};
    struct change_scope scope = {.may_delete = true};
    (void)count;
    if (!ctl_name(arguments[0], (struct bytes){NULL, 0}, buffer, &zone))
        return rsm_status_exit(RSM_USAGE);
    if (ctl->with == NULL)
        return ctl_fail(RSM_USAGE, "--with IP[:PORT] says which server");
    enum rsm_status status = zone_content_read(ctl, zone, (struct bytes){NULL, 0}, &now);
    if (status == RSM_NOT_FOUND)
        ctl_fail(status, "there is no zone %s", arguments[0]);
    if (status == RSM_OK)
        status = fetch(ctl, ctl->with, zone, &served);
    int result = rsm_status_exit(status);
    if (status == RSM_OK) {
        change_list_between(&list, &now, &served.zone, &scope);
        if (makes_digest(ctl, zone))
            drop_digest(&list, zone);
        change_list_print(&list, &now, stdout);
        printf("%s: serial %u here, %u at %s; %zu record sets differ\n", arguments[0],
               zone_content_serial(&now), served.serial, ctl->with, list.count);
        result = list.count == 0 ? 0 : rsm_status_exit(RSM_FAILED);
        change_list_free(&list);
        zonefile_free(&served.zone);
    }
    zone_content_free(&now);
    return result;
}
