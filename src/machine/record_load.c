/* SPDX-License-Identifier: GPL-3.0-or-later */
/* record_load.c - one row of a table, got and decoded. */
#include "src/machine/record.h"

#include "src/machine/tables.h"

enum rsm_status author_load(struct kv *kv, struct bytes author, struct author_record *out)
{
    struct bytes value;
    enum rsm_status status = kv_get(kv, TABLE_AUTHOR, author, &value);
    return status == RSM_OK ? author_decode(value, out) : status;
}

enum rsm_status event_load(struct kv *kv, struct bytes author, uint64_t counter,
                           struct event_record *out)
{
    struct key key;
    struct bytes value;
    key_event(&key, author, counter);
    enum rsm_status status = kv_get(kv, TABLE_EVENT, key_bytes(&key), &value);
    return status == RSM_OK ? event_decode(value, out) : status;
}

enum rsm_status digest_load(struct kv *kv, const uint8_t digest[HASH_SIZE],
                            struct digest_record *out)
{
    struct bytes value;
    enum rsm_status status = kv_get(kv, TABLE_DIGEST, bytes_make(digest, HASH_SIZE), &value);
    return status == RSM_OK ? digest_decode(value, out) : status;
}

enum rsm_status zone_load(struct kv *kv, struct bytes zone, struct zone_record *out)
{
    struct bytes value;
    enum rsm_status status = kv_get(kv, TABLE_ZONE, zone, &value);
    return status == RSM_OK ? zone_decode(value, out) : status;
}

enum rsm_status rrset_load(struct kv *kv, uint64_t zone_id, struct bytes owner, uint16_t type,
                           struct rrset_record *out)
{
    struct key key;
    struct bytes value;
    if (!key_rrset(&key, zone_id, owner, type))
        return RSM_NOT_FOUND;
    enum rsm_status status = kv_get(kv, TABLE_RRSET, key_bytes(&key), &value);
    return status == RSM_OK ? rrset_decode(value, out) : status;
}

enum rsm_status principal_load(struct kv *kv, struct bytes name, struct principal_record *out)
{
    struct bytes value;
    enum rsm_status status = kv_get(kv, TABLE_PRINCIPAL, name, &value);
    return status == RSM_OK ? principal_decode(value, out) : status;
}

enum rsm_status freeze_load(struct kv *kv, struct bytes id, struct freeze_record *out)
{
    struct bytes value;
    enum rsm_status status = kv_get(kv, TABLE_FREEZE, id, &value);
    return status == RSM_OK ? freeze_decode(value, out) : status;
}

enum rsm_status lease_load(struct kv *kv, struct bytes resource, struct lease_record *out)
{
    struct bytes value;
    enum rsm_status status = kv_get(kv, TABLE_LEASE, resource, &value);
    return status == RSM_OK ? lease_decode(value, out) : status;
}

enum rsm_status plan_load(struct kv *kv, struct bytes plan, struct plan_record *out)
{
    struct bytes value;
    enum rsm_status status = kv_get(kv, TABLE_PLAN, plan, &value);
    return status == RSM_OK ? plan_decode(value, out) : status;
}

enum rsm_status generation_load(struct kv *kv, struct bytes plan, uint64_t generation,
                                struct generation_record *out)
{
    struct key key;
    struct bytes value;
    key_generation(&key, plan, generation);
    enum rsm_status status = kv_get(kv, TABLE_GENERATION, key_bytes(&key), &value);
    return status == RSM_OK ? generation_decode(value, out) : status;
}
