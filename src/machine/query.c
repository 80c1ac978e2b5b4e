/* SPDX-License-Identifier: GPL-3.0-or-later */
/* query.c - reads of authors, verdicts, objects and lists (see query.h). */
#include "src/machine/query.h"

#include <string.h>

#include "src/machine/members.h"
#include "src/machine/policy.h"
#include "src/machine/staged.h"

/* A replica's votes are signed with the key that it is a member with. */
static enum rsm_status member_key_valid(struct kv *kv, uint32_t id,
                                        const uint8_t key[ENVELOPE_KEY_SIZE])
{
    struct member_config config;
    enum rsm_status status = members_below(kv, UINT64_MAX, &config);
    if (status != RSM_OK)
        return status == RSM_NOT_FOUND ? RSM_UNKNOWN_PRINCIPAL : status;
    const struct member *m = member_config_find(&config, id);
    if (m == NULL)
        return RSM_UNKNOWN_PRINCIPAL;
    return memcmp(m->key, key, sizeof m->key) == 0 ? RSM_OK : RSM_UNKNOWN_KEY;
}

enum rsm_status query_key_valid(struct kv *kv, struct bytes author,
                                const uint8_t key[ENVELOPE_KEY_SIZE])
{
    struct principal_record principal;
    if (replica_of_author(author) != 0)
        return member_key_valid(kv, replica_of_author(author), key);
    enum rsm_status status = principal_load(kv, author, &principal);
    if (status == RSM_NOT_FOUND)
        return RSM_UNKNOWN_PRINCIPAL;
    if (status != RSM_OK)
        return status;
    for (uint32_t i = 0; i < principal.key_count; i++) {
        const uint8_t *own = principal.keys + (size_t)i * ENVELOPE_KEY_SIZE;
        if (memcmp(own, key, ENVELOPE_KEY_SIZE) == 0)
            return RSM_OK;
    }
    return RSM_UNKNOWN_KEY;
}

uint64_t query_rejections_per_minute(struct kv *kv)
{
    struct policy policy = {.rejections_per_minute = 0};
    (void)policy_load(kv, &policy); /* begins with the defaults */
    return policy.rejections_per_minute;
}

/* ---- verdicts ---- */

/* The stored bytes are those of one verdict, without the count that a list has. */
static enum rsm_status read_verdict(const struct digest_record *record, struct verdict *out)
{
    struct verdict_walk walk = {.reader = reader_make(record->verdict), .left = 1};
    return verdict_next(&walk, out) ? RSM_OK : RSM_DAMAGED;
}

bool query_envelope_known(struct kv *kv, const struct envelope *e, uint64_t *slot_out,
                          struct writer *out)
{
    struct verdicts all;
    struct envelope_walk walk = envelope_commands(e);
    struct command command;
    bool is_known = true;
    verdicts_init(&all);
    *slot_out = 0;
    for (uint32_t i = 0; is_known && envelope_next(&walk, &command); i++) {
        uint8_t digest[HASH_SIZE];
        struct digest_record record;
        struct verdict verdict;
        command_digest(command.raw, e->key, digest);
        is_known =
            digest_load(kv, digest, &record) == RSM_OK && read_verdict(&record, &verdict) == RSM_OK;
        if (!is_known)
            break;
        verdicts_add_duplicate(&all, &verdict, record.slot, record.index);
        if (i == 0)
            *slot_out = record.slot;
    }
    writer_reset(out);
    if (is_known)
        writer_bytes(out, verdicts_bytes(&all));
    verdicts_deinit(&all);
    return is_known && !out->failed;
}

enum rsm_status query_outcome(struct kv *kv, const uint8_t digest[HASH_SIZE], uint64_t *slot_out,
                              uint32_t *index_out, struct verdict *out)
{
    struct digest_record record;
    enum rsm_status status = digest_load(kv, digest, &record);
    if (status != RSM_OK)
        return status;
    *slot_out = record.slot;
    *index_out = record.index;
    return read_verdict(&record, out);
}

enum rsm_status query_event(struct kv *kv, struct bytes author, uint64_t counter,
                            struct event_record *out)
{
    return event_load(kv, author, counter, out);
}

enum rsm_status query_clock(struct kv *kv, struct bytes author, struct query_clock *out)
{
    struct author_record record = {.counter = 0};
    struct bytes value;
    enum rsm_status status = author_load(kv, author, &record);
    if (status != RSM_OK && status != RSM_NOT_FOUND)
        return status;
    *out = (struct query_clock){.counter = record.counter, .lamport = record.lamport};
    status = kv_get(kv, TABLE_META, bytes_of_string(META_LAMPORT), &value);
    if (status == RSM_NOT_FOUND)
        return RSM_OK;
    if (status != RSM_OK || value.size != 8)
        return status == RSM_OK ? RSM_DAMAGED : status;
    out->lamport_highest = get_u64(value.data);
    return RSM_OK;
}

uint64_t query_log_time(struct kv *kv)
{
    struct bytes value;
    if (kv_get(kv, TABLE_META, bytes_of_string(META_LOG_TIME), &value) != RSM_OK || value.size != 8)
        return 0;
    return get_u64(value.data);
}

enum rsm_status query_object(struct kv *kv, enum object_kind kind, struct bytes name,
                             struct version *out)
{
    struct key key;
    struct bytes value;
    key_object(&key, kind, name);
    enum rsm_status status = kv_get(kv, TABLE_OBJECT, key_bytes(&key), &value);
    return status == RSM_OK ? version_decode(value, out) : status;
}

/* ---- lists ---- */

static enum rsm_status next_row(struct kv *kv, enum table table, struct query_list *q,
                                struct bytes *value_out)
{
    struct bytes key;
    enum rsm_status status =
        kv_next(kv, (uint8_t)table, key_bytes(&q->place), q->place.size > 0, &key, value_out);
    if (status != RSM_OK)
        return status;
    if (key.size > sizeof q->place.data)
        return RSM_DAMAGED;
    q->place.size = key.size;
    memcpy(q->place.data, key.data, key.size);
    q->name = key_bytes(&q->place);
    return RSM_OK;
}

enum rsm_status query_principal_next(struct kv *kv, struct query_list *q)
{
    struct bytes value;
    enum rsm_status status = next_row(kv, TABLE_PRINCIPAL, q, &value);
    return status == RSM_OK ? principal_decode(value, &q->principal) : status;
}

enum rsm_status query_role_next(struct kv *kv, struct query_list *q)
{
    return next_row(kv, TABLE_ROLE, q, &q->grants);
}

enum rsm_status query_service_next(struct kv *kv, struct query_list *q)
{
    struct bytes value;
    enum rsm_status status = next_row(kv, TABLE_SERVICE, q, &value);
    if (status != RSM_OK)
        return status;
    status = body_service_decode(RSM_KIND_SERVICE_SET, value, &q->service);
    return status == RSM_OK ? RSM_OK : RSM_DAMAGED;
}

enum rsm_status query_freeze_next(struct kv *kv, struct query_list *q)
{
    struct bytes value;
    enum rsm_status status = next_row(kv, TABLE_FREEZE, q, &value);
    return status == RSM_OK ? freeze_decode(value, &q->freeze) : status;
}

enum rsm_status query_lease_next(struct kv *kv, struct query_list *q)
{
    struct bytes value;
    enum rsm_status status = next_row(kv, TABLE_LEASE, q, &value);
    return status == RSM_OK ? lease_decode(value, &q->lease) : status;
}

enum rsm_status query_plan_next(struct kv *kv, struct query_list *q)
{
    struct bytes value;
    enum rsm_status status = next_row(kv, TABLE_PLAN, q, &value);
    return status == RSM_OK ? plan_decode(value, &q->plan) : status;
}

/* Record sets whose current content came from a generation; *is_live_out. */
static enum rsm_status query_generation_live(struct kv *kv, struct bytes plan, uint64_t generation,
                                             bool *is_live_out)
{
    struct key prefix;
    struct bytes key, value;
    key_generation(&prefix, plan, generation);
    enum rsm_status status = kv_next(kv, TABLE_LIVE, key_bytes(&prefix), false, &key, &value);
    *is_live_out = status == RSM_OK && key_begins_with(key, key_bytes(&prefix));
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

enum rsm_status query_generation_next(struct kv *kv, struct query_generations *q)
{
    struct key key, prefix;
    struct bytes found, value;
    key_generation(&prefix, q->plan, 0);
    prefix.size -= 8;
    key_generation(&key, q->plan, q->generation);
    enum rsm_status status = kv_next(kv, TABLE_GENERATION, key_bytes(&key), true, &found, &value);
    if (status != RSM_OK)
        return status;
    if (!key_begins_with(found, key_bytes(&prefix)))
        return RSM_NOT_FOUND;
    if (found.size != prefix.size + 8)
        return RSM_DAMAGED;
    q->generation = get_u64(found.data + prefix.size);
    status = generation_decode(value, &q->record);
    return status == RSM_OK ? query_generation_live(kv, q->plan, q->generation, &q->live) : status;
}
