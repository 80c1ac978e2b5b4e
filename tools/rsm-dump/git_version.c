/* SPDX-License-Identifier: GPL-3.0-or-later */
/* git_version.c - see git_version.h. */
#include "tools/rsm-dump/git_version.h"

#include <string.h>

#include "src/machine/query.h"
#include "src/rr/data.h"

void zone_version_raise(struct zone_version *v, enum version_level level)
{
    if (v->major == 0 || level == VERSION_MAJOR) {
        *v = (struct zone_version){v->major + 1, 0, 0};
        return;
    }
    if (level == VERSION_MINOR) {
        v->minor++;
        v->patch = 0;
    } else {
        v->patch++;
    }
}

/* One of the two lists that are walked side by side. */
struct side {
    struct query_rrsets q;
    enum rsm_status status;
    struct key key; /* of the item, without the zone's id */
};

static void advance(struct kv *kv, struct side *s)
{
    s->status = query_rrset_next(kv, &s->q);
    if (s->status == RSM_OK)
        (void)key_rrset(&s->key, 0, s->q.item.owner, s->q.item.type); /* it is one in the state */
}

/* The serial is another in every version. */
static bool is_same_soa(struct bytes a, struct bytes b)
{
    return a.size == b.size && a.size > 20 && memcmp(a.data, b.data, a.size - 20) == 0 &&
           memcmp(a.data + a.size - 16, b.data + b.size - 16, 16) == 0;
}

static bool is_same(const struct query_rrset *a, const struct query_rrset *b)
{
    struct bytes first = a->record.rdatas, second = b->record.rdatas, x, y;

    if (a->record.ttl != b->record.ttl || a->record.rdata_count != b->record.rdata_count)
        return false;
    if (a->type != RR_TYPE_SOA)
        return bytes_equal(first, second);
    return rrset_rdata_next(&first, &x) && rrset_rdata_next(&second, &y) && is_same_soa(x, y);
}

static enum rsm_status level_of(struct kv *kv, struct bytes zone, const struct query_rrset *item,
                                enum version_level otherwise, enum version_level *out)
{
    struct key key;
    struct bytes value;
    bool is_apex = bytes_equal(item->owner, zone);

    if (is_apex && (item->type == RR_TYPE_NS || item->type == RR_TYPE_SOA)) {
        *out = VERSION_MAJOR;
        return RSM_OK;
    }
    key_protected(&key, zone, item->owner, item->type);
    enum rsm_status status = kv_get(kv, TABLE_PROTECTED, key_bytes(&key), &value);
    *out = status == RSM_OK ? VERSION_MAJOR : otherwise;
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

enum rsm_status zone_version_compare(struct kv *kv, struct bytes zone, uint64_t before,
                                     uint64_t slot, enum version_level *out)
{
    struct side old = {.q = {.zone = zone, .slot = before}};
    struct side new = {.q = {.zone = zone, .slot = slot}};
    enum rsm_status status = RSM_OK;

    *out = VERSION_PATCH;
    advance(kv, &old);
    advance(kv, &new);
    while (status == RSM_OK && (old.status == RSM_OK || new.status == RSM_OK)) {
        enum version_level level = VERSION_PATCH;
        int order = old.status != RSM_OK ? 1
                    : new.status != RSM_OK
                        ? -1
                        : bytes_compare(key_bytes(&old.key), key_bytes(&new.key));
        const struct query_rrset *item = order < 0 ? &old.q.item : &new.q.item;
        if (order != 0)
            status = level_of(kv, zone, item, VERSION_MINOR, &level);
        else if (!is_same(&old.q.item, &new.q.item))
            status = level_of(kv, zone, item, VERSION_PATCH, &level);
        if (level > *out)
            *out = level;
        if (order <= 0)
            advance(kv, &old);
        if (order >= 0)
            advance(kv, &new);
    }
    if (status == RSM_OK && old.status != RSM_NOT_FOUND && old.status != RSM_OK)
        status = old.status;
    if (status == RSM_OK && new.status != RSM_NOT_FOUND &&new.status != RSM_OK)
        status = new.status;
    return status;
}
