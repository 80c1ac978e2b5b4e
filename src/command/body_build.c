/* SPDX-License-Identifier: Apache-2.0 */
/* body_build.c - builders of rsm/body.h: zones, record sets, leases, plans. */
#include <rsm/body.h>
#include <rsm/setting.h>
#include <rsm/update.h>

#include <stdlib.h>

#include "src/base/limits.h"
#include "src/command/build.h"

static enum rsm_status put_changes(struct writer *w, const struct rsm_change *changes, size_t count)
{
    enum rsm_status status = build_count(w, count, LIMIT_CHANGES);
    for (size_t i = 0; i < count && status == RSM_OK; i++) {
        pack_array(w, 4);
        build_put_bin(w, changes[i].owner);
        pack_uint(w, changes[i].type);
        pack_uint(w, changes[i].ttl);
        status = build_count(w, changes[i].rdata_count, LIMIT_RRSET_RECORDS);
        for (size_t k = 0; k < changes[i].rdata_count && status == RSM_OK; k++)
            build_put_bin(w, changes[i].rdatas[k]);
    }
    return status;
}

static int compare_labels(const void *a, const void *b)
{
    return bytes_compare(bytes_of_public((*(const struct rsm_label *const *)a)->name),
                         bytes_of_public((*(const struct rsm_label *const *)b)->name));
}

static enum rsm_status put_labels(struct writer *w, const struct rsm_label *labels, size_t count)
{
    const struct rsm_label *sorted[LIMIT_LABELS_PER_ZONE];
    if (count > LIMIT_LABELS_PER_ZONE)
        return RSM_TOO_MANY;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &labels[i];
    if (count > 0)
        qsort(sorted, count, sizeof sorted[0], compare_labels);
    pack_map(w, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        build_put_str(w, sorted[i]->name);
        build_put_str(w, sorted[i]->value);
    }
    return RSM_OK;
}

static enum rsm_status put_scope(struct writer *w, const struct rsm_rrset_id *scope, size_t count)
{
    enum rsm_status status = build_count(w, count, LIMIT_CHANGES);
    for (size_t i = 0; i < count && status == RSM_OK; i++) {
        pack_array(w, 2);
        build_put_bin(w, scope[i].owner);
        pack_uint(w, scope[i].type);
    }
    return status;
}

/* ---- zones ---- */

enum rsm_status rsm_body_zone_create(struct rsm_bytes zone, const struct rsm_label *labels,
                                     size_t label_count, const struct rsm_change *changes,
                                     size_t change_count, struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 3, body_out);
    build_put_bin(&w, zone);
    enum rsm_status status = put_labels(&w, labels, label_count);
    if (status == RSM_OK)
        status = put_changes(&w, changes, change_count);
    return build_end(&w, RSM_KIND_ZONE_CREATE, status, body_out);
}

enum rsm_status rsm_body_zone_label(struct rsm_bytes zone, const struct rsm_label *labels,
                                    size_t label_count, struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 2, body_out);
    build_put_bin(&w, zone);
    enum rsm_status status = put_labels(&w, labels, label_count);
    return build_end(&w, RSM_KIND_ZONE_LABEL, status, body_out);
}

enum rsm_status rsm_body_zone_delete(struct rsm_bytes zone, struct rsm_buffer *body_out)
{
    return build_bin(RSM_KIND_ZONE_DELETE, zone, body_out);
}

/* In the order of their texts, which is that of their numbers. */
enum rsm_status rsm_body_zone_set(struct rsm_bytes zone, const struct rsm_zone_setting *settings,
                                  size_t count, struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 2, body_out);
    build_put_bin(&w, zone);
    pack_map(&w, (uint32_t)count);
    uint32_t last = 0;
    for (size_t put = 0; put < count; put++) {
        const struct rsm_zone_setting *next = NULL;
        for (size_t i = 0; i < count; i++)
            if (settings[i].setting > last && (next == NULL || settings[i].setting < next->setting))
                next = &settings[i];
        if (next == NULL) /* one stands twice */
            return build_end(&w, RSM_KIND_ZONE_SET, RSM_MALFORMED, body_out);
        build_put_str(&w, rsm_text(rsm_setting_text(next->setting)));
        pack_uint(&w, next->value);
        last = (uint32_t)next->setting;
    }
    return build_end(&w, RSM_KIND_ZONE_SET, RSM_OK, body_out);
}

enum rsm_status rsm_body_rrset_change(struct rsm_bytes zone, const struct rsm_change *changes,
                                      size_t change_count, struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 2, body_out);
    build_put_bin(&w, zone);
    enum rsm_status status = put_changes(&w, changes, change_count);
    return build_end(&w, RSM_KIND_RRSET_CHANGE, status, body_out);
}

enum rsm_status rsm_body_rrset_takeover(struct rsm_bytes zone, struct rsm_bytes from,
                                        struct rsm_bytes to, const struct rsm_rrset_id *scope,
                                        size_t scope_count, struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 4, body_out);
    build_put_bin(&w, zone);
    build_put_str(&w, from);
    build_put_str(&w, to);
    enum rsm_status status = put_scope(&w, scope, scope_count);
    return build_end(&w, RSM_KIND_RRSET_TAKEOVER, status, body_out);
}

static enum rsm_status put_records(struct writer *w, const struct rsm_record *records, size_t count)
{
    enum rsm_status status = build_count(w, count, LIMIT_UPDATE_RECORDS);
    for (size_t i = 0; i < count && status == RSM_OK; i++) {
        pack_array(w, 5);
        build_put_bin(w, records[i].owner);
        pack_uint(w, records[i].record_class);
        pack_uint(w, records[i].type);
        pack_uint(w, records[i].ttl);
        build_put_bin(w, records[i].rdata);
    }
    return status;
}

enum rsm_status rsm_body_rrset_update(const struct rsm_update *update, struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 5, body_out);
    build_put_str(&w, update->principal);
    build_put_bin(&w, update->request);
    build_put_bin(&w, update->zone);
    enum rsm_status status = put_records(&w, update->prerequisites, update->prerequisite_count);
    if (status == RSM_OK)
        status = put_records(&w, update->updates, update->update_count);
    return build_end(&w, RSM_KIND_RRSET_UPDATE, status, body_out);
}

enum rsm_status rsm_body_rrset_observe(struct rsm_bytes zone, const struct rsm_rrset_id *absent,
                                       size_t absent_count, const struct rsm_rrset_id *present,
                                       size_t present_count, struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 3, body_out);
    build_put_bin(&w, zone);
    enum rsm_status status = put_scope(&w, absent, absent_count);
    if (status == RSM_OK)
        status = put_scope(&w, present, present_count);
    return build_end(&w, RSM_KIND_RRSET_OBSERVE, status, body_out);
}

/* ---- leases ---- */

enum rsm_status rsm_body_lease_acquire(struct rsm_bytes resource, uint64_t ttl_ms,
                                       struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 2, body_out);
    build_put_str(&w, resource);
    pack_uint(&w, ttl_ms);
    return build_end(&w, RSM_KIND_LEASE_ACQUIRE, RSM_OK, body_out);
}

enum rsm_status rsm_body_lease_renew(struct rsm_bytes resource, uint64_t token, uint64_t ttl_ms,
                                     struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 3, body_out);
    build_put_str(&w, resource);
    pack_uint(&w, token);
    pack_uint(&w, ttl_ms);
    return build_end(&w, RSM_KIND_LEASE_RENEW, RSM_OK, body_out);
}

enum rsm_status rsm_body_lease_release(struct rsm_bytes resource, uint64_t token,
                                       struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 2, body_out);
    build_put_str(&w, resource);
    pack_uint(&w, token);
    return build_end(&w, RSM_KIND_LEASE_RELEASE, RSM_OK, body_out);
}

/* ---- plans ---- */

enum rsm_status rsm_body_plan_publish(const struct rsm_plan *plan, struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 7, body_out);
    build_put_str(&w, plan->name);
    pack_uint(&w, plan->generation);
    pack_uint(&w, plan->parent);
    build_put_bin(&w, plan->zone);
    enum rsm_status status = put_scope(&w, plan->scope, plan->scope_count);
    if (status == RSM_OK)
        status = put_changes(&w, plan->content, plan->content_count);
    pack_bool(&w, plan->complete);
    return build_end(&w, RSM_KIND_PLAN_PUBLISH, status, body_out);
}

enum rsm_status rsm_body_plan_execute(struct rsm_bytes plan, uint64_t generation,
                                      const struct rsm_rrset_id *scope, size_t scope_count,
                                      struct rsm_bytes lease, uint64_t token,
                                      struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 5, body_out);
    build_put_str(&w, plan);
    pack_uint(&w, generation);
    enum rsm_status status = put_scope(&w, scope, scope_count);
    build_put_str(&w, lease);
    pack_uint(&w, token);
    return build_end(&w, RSM_KIND_PLAN_EXECUTE, status, body_out);
}

enum rsm_status rsm_body_plan_collect(struct rsm_bytes plan, uint64_t below,
                                      struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 2, body_out);
    build_put_str(&w, plan);
    pack_uint(&w, below);
    return build_end(&w, RSM_KIND_PLAN_COLLECT, RSM_OK, body_out);
}
