/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * status_zones.c - how long the secondaries of each zone will still answer when no replica does.
 *
 * Every endpoint knows what it was asked (src/dns/holders.h); a secondary may have asked one and
 * fetched from another. So their rows are put together: of one secondary the newest serial that
 * anybody knows it to have, and the last time that anybody said or sent that serial to it. Ages,
 * not times: the endpoints' clocks do not matter.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/mem.h"
#include "tools/resilience-ctl/status_zones.h"

#define SHOWN_ZONES 20u

struct status_zones {
    struct held *items;
    size_t count, capacity;
};

struct status_zones *status_zones_new(void)
{
    return mem_alloc(sizeof(struct status_zones));
}

void status_zones_free(struct status_zones *z)
{
    for (size_t i = 0; i < z->count; i++) {
        mem_free(z->items[i].zone);
        mem_free(z->items[i].address);
        mem_free(z->items[i].key);
    }
    mem_free(z->items);
    mem_free(z);
}

/* ---- collecting ---- */

static char *copy(struct rsm_value map, const char *key)
{
    struct rsm_bytes text = rsm_value_octets(rsm_value_get(map, key));
    return mem_copy_text(text.data, text.size);
}

static struct held *add(struct status_zones *z)
{
    if (z->count == z->capacity) {
        z->capacity = z->capacity == 0 ? 64 : 2 * z->capacity;
        z->items = mem_realloc(z->items, z->capacity * sizeof *z->items);
    }
    z->items[z->count] = (struct held){.is_known = false};
    return &z->items[z->count++];
}

void status_zones_add(struct status_zones *z, struct rsm_value zone)
{
    struct rsm_walk walk = rsm_walk_begin(rsm_value_get(zone, "secondaries"));
    struct rsm_value row;
    struct held *none = add(z); /* so that a zone without any is in the list */
    *none = (struct held){copy(zone, "zone"), copy(zone, ""), copy(zone, ""), .is_known = false};
    while (rsm_walk_next(&walk, &row)) {
        struct held *h = add(z);
        h->zone = copy(zone, "zone");
        h->address = copy(row, "address");
        h->key = copy(row, "key");
        h->is_known = rsm_value_bool(rsm_value_get(row, "known"));
        h->serial = (uint32_t)rsm_value_uint(rsm_value_get(row, "serial"));
        h->age_ms = rsm_value_uint(rsm_value_get(row, "refreshed_age_ms"));
        h->expire_ms = rsm_value_uint(rsm_value_get(row, "expire_ms"));
        h->told_serial = (uint32_t)rsm_value_uint(rsm_value_get(row, "told_serial"));
        h->told_age_ms = rsm_value_uint(rsm_value_get(row, "told_age_ms"));
    }
}

enum rsm_status status_zones_ask(struct status_zones *z, struct rsm_client *client,
                                 uint32_t timeout_ms)
{
    struct rsm_buffer page = {NULL, 0};
    struct rsm_bytes after = {NULL, 0}; /* in the page before */
    enum rsm_status status;
    do {
        struct rsm_pack *params = rsm_pack_new();
        struct rsm_buffer result = {NULL, 0};
        struct rsm_value zone;
        rsm_pack_array(params, after.size > 0 ? 1 : 0);
        if (after.size > 0) {
            rsm_pack_map(params, 1);
            rsm_pack_text(params, "after");
            rsm_pack_bin(params, after);
        }
        status = rsm_client_call(client, "secondary.list", rsm_value_of(rsm_pack_result(params)),
                                 timeout_ms, &result);
        rsm_pack_free(params);
        rsm_buffer_free(&page);
        page = result;
        struct rsm_value map = rsm_value_of(rsm_buffer_bytes(&page));
        struct rsm_walk walk = rsm_walk_begin(rsm_value_get(map, "zones"));
        while (status == RSM_OK && rsm_walk_next(&walk, &zone))
            status_zones_add(z, zone);
        after = rsm_value_octets(rsm_value_get(map, "next"));
    } while (status == RSM_OK && after.size > 0);
    rsm_buffer_free(&page);
    return status;
}

/* ---- putting together ---- */

static int compare(const void *a, const void *b)
{
    const struct held *one = a;
    const struct held *other = b;
    int order = strcmp(one->zone, other->zone);
    if (order == 0)
        order = strcmp(one->address, other->address);
    return order != 0 ? order : strcmp(one->key, other->key);
}

static bool is_newer(uint32_t a, uint32_t b)
{
    return a != b && a - b < UINT32_C(0x80000000);
}

/* What is known of one secondary by the rows of several replicas. */
static struct held merge(const struct held *rows, size_t count)
{
    struct held best = rows[0];
    for (size_t i = 1; i < count; i++) {
        const struct held *h = &rows[i];
        if (!h->is_known)
            continue;
        if (!best.is_known || is_newer(h->serial, best.serial) ||
            (h->serial == best.serial && h->age_ms < best.age_ms))
            best = *h;
    }
    for (size_t i = 0; best.is_known && i < count; i++)
        if (rows[i].told_serial == best.serial && rows[i].told_age_ms < best.age_ms)
            best.age_ms = rows[i].told_age_ms;
    return best;
}

static void count_in(struct zone_rest *rest, const struct held *h)
{
    if (!h->is_known) {
        rest->unknown++;
        return;
    }
    uint64_t left = h->expire_ms > h->age_ms ? h->expire_ms - h->age_ms : 0;
    rest->first_ms = rest->known == 0 || left < rest->first_ms ? left : rest->first_ms;
    rest->last_ms = left > rest->last_ms ? left : rest->last_ms;
    rest->known++;
}

size_t status_zones_rest(struct status_zones *z, struct zone_rest **rests_out)
{
    struct zone_rest *rests = mem_alloc((z->count + 1) * sizeof *rests);
    size_t found = 0, count;
    if (z->count > 0)
        qsort(z->items, z->count, sizeof *z->items, compare);
    for (size_t i = 0; i < z->count; i += count) {
        const struct held *h = &z->items[i];
        for (count = 1; i + count < z->count && compare(h, h + count) == 0; count++)
            ;
        if (found == 0 || strcmp(rests[found - 1].zone, h->zone) != 0) {
            rests[found++] = (struct zone_rest){.zone = h->zone};
        }
        if (h->address[0] == '\0')
            continue;
        struct held merged = merge(h, count);
        count_in(&rests[found - 1], &merged);
    }
    *rests_out = rests;
    return found;
}

/* ---- showing ---- */

/* The soonest first; those of which nothing is known before all others. */
static int compare_rests(const void *a, const void *b)
{
    const struct zone_rest *one = a;
    const struct zone_rest *other = b;
    if ((one->known == 0) != (other->known == 0))
        return one->known == 0 ? -1 : 1;
    if (one->first_ms != other->first_ms)
        return one->first_ms < other->first_ms ? -1 : 1;
    return strcmp(one->zone, other->zone);
}

static const char *duration(uint64_t ms, char out[32])
{
    uint64_t s = ms / 1000;
    if (s >= 86400)
        snprintf(out, 32, "%" PRIu64 "d %" PRIu64 "h", s / 86400, s % 86400 / 3600);
    else if (s >= 3600)
        snprintf(out, 32, "%" PRIu64 "h %" PRIu64 "m", s / 3600, s % 3600 / 60);
    else
        snprintf(out, 32, "%" PRIu64 "m %" PRIu64 "s", s / 60, s % 60);
    return out;
}

static void print_table(const struct zone_rest *rests, size_t count, bool all)
{
    size_t shown = all || count <= SHOWN_ZONES ? count : SHOWN_ZONES;
    char first[32], last[32];
    puts("zones: without a replica the secondaries still answer at least");
    for (size_t i = 0; i < shown; i++) {
        const struct zone_rest *r = &rests[i];
        printf("  %-30s ", r->zone);
        if (r->known == 0)
            printf("unknown: no secondary has fetched it from these replicas\n");
        else
            printf("%s, the last of %u %s\n", duration(r->first_ms, first), r->known,
                   duration(r->last_ms, last));
    }
    if (shown < count)
        printf("  %zu zones more, which have longer: --verbose\n", count - shown);
}

static void print_json(const struct zone_rest *rests, size_t count)
{
    printf("{\"zones\":[");
    for (size_t i = 0; i < count; i++) {
        const struct zone_rest *r = &rests[i];
        printf("%s{\"zone\":\"", i > 0 ? "," : "");
        for (const char *c = r->zone; *c != '\0'; c++)
            printf(*c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
        printf("\",\"secondaries\":%u,\"unknown\":%u,\"first_ms\":%" PRIu64 ",\"last_ms\":%" PRIu64
               "}",
               r->known, r->unknown, r->first_ms, r->last_ms);
    }
    puts("]}");
}

void status_zones_print(struct ctl *ctl, struct status_zones *z)
{
    struct zone_rest *rests;
    size_t count = status_zones_rest(z, &rests);
    if (count > 0)
        qsort(rests, count, sizeof *rests, compare_rests);
    /* None: no endpoint serves DNS, or there is no zone. */
    if (count > 0 && ctl->output == CTL_OUTPUT_TABLE)
        print_table(rests, count, ctl->verbose);
    else if (count > 0)
        print_json(rests, count);
    mem_free(rests);
}
