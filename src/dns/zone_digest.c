/* SPDX-License-Identifier: GPL-3.0-or-later */
/* zone_digest.c - see zone_digest.h. */
#include "src/dns/zone_digest.h"

#include <string.h>

#include "src/base/mem.h"
#include "src/rr/data.h"

#define TYPE_RRSIG 46u

struct zone_digest {
    uint8_t zone_buffer[LIMIT_NAME_SIZE];
    struct bytes zone;
    struct zonemd_hash *hash; /* owned */
    struct query_rrsets sets;
    bool has_soa;
    uint32_t serial;
};

struct zone_digest *zone_digest_begin(struct bytes zone, uint64_t slot)
{
    struct zonemd_hash *hash = zonemd_hash_new();
    if (hash == NULL)
        return NULL;
    struct zone_digest *d = mem_alloc(sizeof *d);
    memcpy(d->zone_buffer, zone.data, zone.size);
    d->zone = bytes_make(d->zone_buffer, zone.size);
    d->hash = hash;
    d->sets = (struct query_rrsets){.zone = d->zone, .slot = slot};
    return d;
}

void zone_digest_free(struct zone_digest *d)
{
    if (d == NULL)
        return;
    zonemd_hash_free(d->hash);
    mem_free(d);
}

/* RFC 8976 3.3.1: not the digest itself, nor its signature. */
static bool is_left_out(const struct zone_digest *d, const struct query_rrset *set,
                        struct bytes rdata)
{
    if (!bytes_equal(set->owner, d->zone))
        return false;
    return set->type == RR_TYPE_ZONEMD ||
           (set->type == TYPE_RRSIG && rdata.size >= 2 && get_u16(rdata.data) == RR_TYPE_ZONEMD);
}

static bool add_set(struct zone_digest *d, uint32_t *count)
{
    const struct query_rrset *set = &d->sets.item;
    struct bytes rdatas = set->record.rdatas;
    struct bytes rdata;
    for (; rrset_rdata_next(&rdatas, &rdata); ++*count) {
        if (set->type == RR_TYPE_SOA) {
            d->serial = rr_soa_serial(rdata);
            d->has_soa = true;
        }
        if (!is_left_out(d, set, rdata) &&
            !zonemd_hash_add(d->hash, set->owner, set->type, set->record.ttl, rdata))
            return false;
    }
    return true;
}

enum rsm_status zone_digest_step(struct zone_digest *d, struct kv *kv, uint32_t records,
                                 bool *is_done_out, uint8_t rdata_out[ZONEMD_RDATA_SIZE])
{
    uint32_t count = 0;
    *is_done_out = false;
    do {
        enum rsm_status status = query_rrset_next(kv, &d->sets);
        if (status == RSM_NOT_FOUND && d->has_soa) {
            *is_done_out = zonemd_hash_end(d->hash, d->serial, rdata_out);
            return *is_done_out ? RSM_OK : RSM_NO_MEMORY;
        }
        if (status != RSM_OK)
            return status;
        if (!add_set(d, &count))
            return RSM_NO_MEMORY;
    } while (count < records);
    return RSM_OK;
}
