/* SPDX-License-Identifier: GPL-3.0-or-later */
/* record.c - values of the state's tables (see record.h). */
#include "src/machine/record.h"

#include <string.h>

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/machine/tables.h"

static enum rsm_status finish(const struct reader *r)
{
    return reader_done(r) ? RSM_OK : RSM_DAMAGED;
}

static const uint8_t *read_hash(struct reader *r)
{
    return reader_bytes(r, HASH_SIZE).data;
}

static void read_version(struct reader *r, struct version *out)
{
    out->author = reader_blob(r, LIMIT_PRINCIPAL_SIZE);
    out->counter = reader_u64(r);
    out->lamport = reader_u64(r);
    out->slot = reader_u64(r);
}

void version_encode(struct writer *out, const struct version *v)
{
    writer_blob(out, v->author);
    writer_u64(out, v->counter);
    writer_u64(out, v->lamport);
    writer_u64(out, v->slot);
}

enum rsm_status version_decode(struct bytes value, struct version *out)
{
    struct reader r = reader_make(value);
    read_version(&r, out);
    return finish(&r);
}

void event_encode(struct writer *out, const struct event_record *e)
{
    writer_u64(out, e->slot);
    writer_u32(out, e->index);
    writer_u64(out, e->lamport);
    writer_bytes(out, bytes_make(e->digest, HASH_SIZE));
    writer_blob(out, e->clock);
}

enum rsm_status event_decode(struct bytes value, struct event_record *out)
{
    struct reader r = reader_make(value);
    out->slot = reader_u64(&r);
    out->index = reader_u32(&r);
    out->lamport = reader_u64(&r);
    out->digest = read_hash(&r);
    out->clock = reader_blob(&r, LIMIT_VALUE_SIZE);
    return finish(&r);
}

void digest_encode(struct writer *out, const struct digest_record *d)
{
    writer_u64(out, d->slot);
    writer_u32(out, d->index);
    writer_bytes(out, d->verdict);
}

enum rsm_status digest_decode(struct bytes value, struct digest_record *out)
{
    struct reader r = reader_make(value);
    out->slot = reader_u64(&r);
    out->index = reader_u32(&r);
    out->verdict = reader_bytes(&r, reader_left(&r));
    return finish(&r);
}

void author_encode(struct writer *out, const struct author_record *a)
{
    writer_u64(out, a->counter);
    writer_u64(out, a->lamport);
}

enum rsm_status author_decode(struct bytes value, struct author_record *out)
{
    struct reader r = reader_make(value);
    out->counter = reader_u64(&r);
    out->lamport = reader_u64(&r);
    return finish(&r);
}

/* Of a row of TABLE_ZONE. */
enum zone_flag {
    ZONE_DELETED = 1,
    ZONE_HAS_PUBLISH_MS = 2,
    ZONE_IS_CATALOG = 4,
    ZONE_IS_UNLISTED = 8,
    ZONE_HAS_ZONEMD = 16,
};

void zone_encode(struct writer *out, const struct zone_record *z)
{
    writer_u8(
        out,
        (uint8_t)((z->deleted ? ZONE_DELETED : 0) | (z->has_publish_ms ? ZONE_HAS_PUBLISH_MS : 0) |
                  (z->is_catalog ? ZONE_IS_CATALOG : 0) | (z->is_unlisted ? ZONE_IS_UNLISTED : 0) |
                  (z->has_zonemd ? ZONE_HAS_ZONEMD : 0)));
    writer_u32(out, z->publish_ms);
    writer_u64(out, z->id);
    writer_u32(out, z->serial);
    writer_u64(out, z->created_slot);
    writer_u64(out, z->rrset_count);
    writer_u64(out, z->record_count);
    writer_u64(out, z->dname_count);
    writer_u64(out, z->alias_count);
    version_encode(out, &z->content);
    version_encode(out, &z->writer);
    writer_blob(out, z->labels);
}

enum rsm_status zone_decode(struct bytes value, struct zone_record *out)
{
    struct reader r = reader_make(value);
    uint8_t flags = reader_u8(&r);
    out->deleted = (flags & ZONE_DELETED) != 0;
    out->has_publish_ms = (flags & ZONE_HAS_PUBLISH_MS) != 0;
    out->is_catalog = (flags & ZONE_IS_CATALOG) != 0;
    out->is_unlisted = (flags & ZONE_IS_UNLISTED) != 0;
    out->has_zonemd = (flags & ZONE_HAS_ZONEMD) != 0;
    out->publish_ms = reader_u32(&r);
    out->id = reader_u64(&r);
    out->serial = reader_u32(&r);
    out->created_slot = reader_u64(&r);
    out->rrset_count = reader_u64(&r);
    out->record_count = reader_u64(&r);
    out->dname_count = reader_u64(&r);
    out->alias_count = reader_u64(&r);
    read_version(&r, &out->content);
    read_version(&r, &out->writer);
    out->labels = reader_blob(&r, LIMIT_VALUE_SIZE);
    return finish(&r);
}

void rrset_encode(struct writer *out, const struct rrset_record *r)
{
    writer_u8(out, r->deleted ? 1 : 0);
    writer_u32(out, r->ttl);
    writer_u64(out, r->token);
    writer_u64(out, r->generation);
    writer_blob(out, r->plan);
    writer_blob(out, r->holder);
    version_encode(out, &r->version);
    writer_blob(out, r->reason);
    writer_u16(out, (uint16_t)r->rdata_count);
}

void rrset_rdata_encode(struct writer *out, struct bytes rdata)
{
    CHECK(rdata.size <= LIMIT_RDATA_SIZE);
    writer_u16(out, (uint16_t)rdata.size);
    writer_bytes(out, rdata);
}

enum rsm_status rrset_decode(struct bytes value, struct rrset_record *out)
{
    struct reader r = reader_make(value);
    out->deleted = reader_u8(&r) != 0;
    out->ttl = reader_u32(&r);
    out->token = reader_u64(&r);
    out->generation = reader_u64(&r);
    out->plan = reader_blob(&r, LIMIT_LABEL_SIZE);
    out->holder = reader_blob(&r, LIMIT_OWNER_SIZE);
    read_version(&r, &out->version);
    out->reason = reader_blob(&r, LIMIT_REASON_SIZE);
    out->rdata_count = reader_u16(&r);
    size_t begin = r.offset;
    for (uint32_t i = 0; i < out->rdata_count; i++)
        (void)reader_bytes(&r, reader_u16(&r));
    if (r.failed)
        return RSM_DAMAGED;
    out->rdatas = bytes_make(value.data + begin, r.offset - begin);
    return finish(&r);
}

bool rrset_rdata_next(struct bytes *rdatas, struct bytes *rdata_out)
{
    if (rdatas->size < 2)
        return false;
    size_t size = get_u16(rdatas->data);
    CHECK(size <= rdatas->size - 2); /* walked by rrset_decode */
    *rdata_out = bytes_make(rdatas->data + 2, size);
    *rdatas = bytes_make(rdatas->data + 2 + size, rdatas->size - 2 - size);
    return true;
}

void principal_encode(struct writer *out, const struct principal_record *p)
{
    writer_u8(out, (uint8_t)p->kind);
    writer_blob(out, p->person);
    writer_blob(out, p->az);
    writer_u8(out, (uint8_t)p->key_count);
    writer_bytes(out, bytes_make(p->keys, (size_t)p->key_count * RSM_PUBLIC_KEY_SIZE));
    writer_u8(out, (uint8_t)p->role_count);
    writer_bytes(out, p->roles);
    for (size_t i = 0; i < RSM_BUDGETS; i++) {
        writer_u64(out, p->budget[i].burst);
        writer_u64(out, p->budget[i].per_hour);
    }
}

enum rsm_status principal_decode(struct bytes value, struct principal_record *out)
{
    struct reader r = reader_make(value);
    uint8_t kind = reader_u8(&r);
    if (kind < RSM_PRINCIPAL_PERSON || kind > RSM_PRINCIPAL_GATEWAY)
        return RSM_DAMAGED;
    out->kind = (enum rsm_principal_kind)kind;
    out->person = reader_blob(&r, LIMIT_PRINCIPAL_SIZE);
    out->az = reader_blob(&r, LIMIT_LABEL_SIZE);
    out->key_count = reader_u8(&r);
    out->keys = reader_bytes(&r, (size_t)out->key_count * RSM_PUBLIC_KEY_SIZE).data;
    out->role_count = reader_u8(&r);
    size_t begin = r.offset;
    for (uint32_t i = 0; i < out->role_count; i++)
        (void)reader_blob(&r, LIMIT_LABEL_SIZE);
    if (r.failed)
        return RSM_DAMAGED;
    out->roles = bytes_make(value.data + begin, r.offset - begin);
    for (size_t i = 0; i < RSM_BUDGETS; i++) {
        out->budget[i].burst = reader_u64(&r);
        out->budget[i].per_hour = reader_u64(&r);
    }
    return finish(&r);
}

bool role_next(struct bytes *roles, struct bytes *role_out)
{
    struct reader r = reader_make(*roles);
    *role_out = reader_blob(&r, LIMIT_LABEL_SIZE);
    if (r.failed)
        return false;
    *roles = bytes_make(roles->data + r.offset, roles->size - r.offset);
    return true;
}

void freeze_encode(struct writer *out, const struct freeze_record *f)
{
    writer_u8(out, (uint8_t)f->scope);
    writer_u8(out, f->everybody ? 1 : 0);
    writer_u64(out, f->until_ms);
    writer_u64(out, f->set_ms);
    writer_u64(out, f->resumed_ms);
    writer_u64(out, f->refused);
    writer_u64(out, f->trips);
    writer_u64(out, f->tripped_slot);
    writer_blob(out, f->trip_cause);
    writer_blob(out, f->subject);
    writer_blob(out, f->author);
    writer_blob(out, f->reason);
}

enum rsm_status freeze_decode(struct bytes value, struct freeze_record *out)
{
    struct reader r = reader_make(value);
    uint8_t scope = reader_u8(&r);
    if (scope < RSM_FREEZE_GLOBAL || scope > RSM_FREEZE_KIND)
        return RSM_DAMAGED;
    out->scope = (enum rsm_freeze_scope)scope;
    out->everybody = reader_u8(&r) != 0;
    out->until_ms = reader_u64(&r);
    out->set_ms = reader_u64(&r);
    out->resumed_ms = reader_u64(&r);
    out->refused = reader_u64(&r);
    out->trips = reader_u64(&r);
    out->tripped_slot = reader_u64(&r);
    out->trip_cause = reader_blob(&r, LIMIT_REASON_SIZE);
    out->subject = reader_blob(&r, LIMIT_NAME_SIZE);
    out->author = reader_blob(&r, LIMIT_PRINCIPAL_SIZE);
    out->reason = reader_blob(&r, LIMIT_REASON_SIZE);
    return finish(&r);
}

void lease_encode(struct writer *out, const struct lease_record *l)
{
    writer_blob(out, l->holder);
    writer_u64(out, l->token);
    writer_u64(out, l->expires_ms);
    writer_u64(out, l->ttl_ms);
    writer_u8(out, l->released ? 1 : 0);
}

enum rsm_status lease_decode(struct bytes value, struct lease_record *out)
{
    struct reader r = reader_make(value);
    out->holder = reader_blob(&r, LIMIT_PRINCIPAL_SIZE);
    out->token = reader_u64(&r);
    out->expires_ms = reader_u64(&r);
    out->ttl_ms = reader_u64(&r);
    out->released = reader_u8(&r) != 0;
    return finish(&r);
}

void plan_encode(struct writer *out, const struct plan_record *p)
{
    writer_blob(out, p->zone);
    writer_blob(out, p->planner);
    writer_u64(out, p->newest);
    writer_u64(out, p->executed);
    writer_u64(out, p->collected_below);
}

enum rsm_status plan_decode(struct bytes value, struct plan_record *out)
{
    struct reader r = reader_make(value);
    out->zone = reader_blob(&r, LIMIT_NAME_SIZE);
    out->planner = reader_blob(&r, LIMIT_PRINCIPAL_SIZE);
    out->newest = reader_u64(&r);
    out->executed = reader_u64(&r);
    out->collected_below = reader_u64(&r);
    return finish(&r);
}

void generation_encode(struct writer *out, const struct generation_record *g)
{
    writer_u8(out, (uint8_t)g->status);
    writer_u64(out, g->parent);
    writer_u8(out, g->complete ? 1 : 0);
    writer_blob(out, g->zone);
    writer_blob(out, g->planner);
    writer_u64(out, g->counter);
    writer_u64(out, g->slot);
    writer_u64(out, g->executed_slot);
    writer_bytes(out, bytes_make(g->hash, HASH_SIZE));
    writer_blob(out, g->scope);
    writer_blob(out, g->content);
}

enum rsm_status generation_decode(struct bytes value, struct generation_record *out)
{
    struct reader r = reader_make(value);
    uint8_t status = reader_u8(&r);
    if (status < GENERATION_PUBLISHED || status > GENERATION_COLLECTED)
        return RSM_DAMAGED;
    out->status = (enum generation_status)status;
    out->parent = reader_u64(&r);
    out->complete = reader_u8(&r) != 0;
    out->zone = reader_blob(&r, LIMIT_NAME_SIZE);
    out->planner = reader_blob(&r, LIMIT_PRINCIPAL_SIZE);
    out->counter = reader_u64(&r);
    out->slot = reader_u64(&r);
    out->executed_slot = reader_u64(&r);
    out->hash = read_hash(&r);
    out->scope = reader_blob(&r, LIMIT_VALUE_SIZE);
    out->content = reader_blob(&r, LIMIT_VALUE_SIZE);
    return finish(&r);
}
