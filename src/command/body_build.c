/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_build.c - the builders of rsm/body.h, in the order of the kinds.
 *
 * What a builder wrote is scanned and checked as a replica would (command/body.h), so that there is
 * one definition of a good body, and a builder's mistake cannot leave this process.
 */
#include <rsm/body.h>
#include <rsm/change.h>
#include <rsm/factor.h>
#include <rsm/command.h>
#include <rsm/service.h>
#include <rsm/setting.h>
#include <rsm/update.h>

#include <stdlib.h>

#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/command/body.h"
#include "src/command/body_change.h"
#include "src/command/canonical.h"
#include "src/command/pack.h"
#include "src/command/public.h"

static void begin(struct writer *w, uint32_t field_count, struct rsm_buffer *body_out)
{
    *body_out = (struct rsm_buffer){NULL, 0};
    writer_init(w, LIMIT_ENVELOPE_SIZE);
    pack_array(w, field_count);
}

static enum rsm_status end(struct writer *w, enum rsm_kind kind, enum rsm_status status,
                           struct rsm_buffer *body_out)
{
    if (status == RSM_OK && w->failed)
        status = RSM_TOO_LARGE;
    if (status == RSM_OK)
        status = scan_whole(SCAN_CANONICAL, writer_result(w), LIMIT_ENVELOPE_SIZE);
    if (status == RSM_NOT_CANONICAL)
        status = RSM_MALFORMED; /* text that is not UTF-8, a label twice */
    if (status == RSM_OK)
        status = body_check(kind, writer_result(w));
    if (status == RSM_OK)
        *body_out = buffer_of_writer(w);
    else
        writer_deinit(w);
    return status;
}

static void put_str(struct writer *w, struct rsm_bytes text)
{
    pack_str(w, bytes_of_public(text));
}

static void put_bin(struct writer *w, struct rsm_bytes value)
{
    pack_bin(w, bytes_of_public(value));
}

/* An array's header, when the count is within its limit; the rest is refused before it is read. */
static enum rsm_status put_count(struct writer *w, size_t count, size_t count_max)
{
    if (count > count_max)
        return RSM_TOO_MANY;
    pack_array(w, (uint32_t)count);
    return RSM_OK;
}

static enum rsm_status put_changes(struct writer *w, const struct rsm_change *changes, size_t count)
{
    enum rsm_status status = put_count(w, count, LIMIT_CHANGES);
    for (size_t i = 0; i < count && status == RSM_OK; i++) {
        pack_array(w, 4);
        put_bin(w, changes[i].owner);
        pack_uint(w, changes[i].type);
        pack_uint(w, changes[i].ttl);
        status = put_count(w, changes[i].rdata_count, LIMIT_RRSET_RECORDS);
        for (size_t k = 0; k < changes[i].rdata_count && status == RSM_OK; k++)
            put_bin(w, changes[i].rdatas[k]);
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
        put_str(w, sorted[i]->name);
        put_str(w, sorted[i]->value);
    }
    return RSM_OK;
}

static enum rsm_status put_scope(struct writer *w, const struct rsm_rrset_id *scope, size_t count)
{
    enum rsm_status status = put_count(w, count, LIMIT_CHANGES);
    for (size_t i = 0; i < count && status == RSM_OK; i++) {
        pack_array(w, 2);
        put_bin(w, scope[i].owner);
        pack_uint(w, scope[i].type);
    }
    return status;
}

/* Bodies that are one name or text. */
static enum rsm_status build_str(enum rsm_kind kind, struct rsm_bytes text,
                                 struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 1, body_out);
    put_str(&w, text);
    return end(&w, kind, RSM_OK, body_out);
}

/* ---- zones ---- */

enum rsm_status rsm_body_zone_create(struct rsm_bytes zone, const struct rsm_label *labels,
                                     size_t label_count, const struct rsm_change *changes,
                                     size_t change_count, struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 3, body_out);
    put_bin(&w, zone);
    enum rsm_status status = put_labels(&w, labels, label_count);
    if (status == RSM_OK)
        status = put_changes(&w, changes, change_count);
    return end(&w, RSM_KIND_ZONE_CREATE, status, body_out);
}

enum rsm_status rsm_body_zone_label(struct rsm_bytes zone, const struct rsm_label *labels,
                                    size_t label_count, struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 2, body_out);
    put_bin(&w, zone);
    enum rsm_status status = put_labels(&w, labels, label_count);
    return end(&w, RSM_KIND_ZONE_LABEL, status, body_out);
}

enum rsm_status rsm_body_zone_delete(struct rsm_bytes zone, struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 1, body_out);
    put_bin(&w, zone);
    return end(&w, RSM_KIND_ZONE_DELETE, RSM_OK, body_out);
}

/* In the order of their texts, which is that of their numbers. */
enum rsm_status rsm_body_zone_set(struct rsm_bytes zone, const struct rsm_zone_setting *settings,
                                  size_t count, struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 2, body_out);
    put_bin(&w, zone);
    pack_map(&w, (uint32_t)count);
    uint32_t last = 0;
    for (size_t put = 0; put < count; put++) {
        const struct rsm_zone_setting *next = NULL;
        for (size_t i = 0; i < count; i++)
            if (settings[i].setting > last && (next == NULL || settings[i].setting < next->setting))
                next = &settings[i];
        if (next == NULL) /* one stands twice */
            return end(&w, RSM_KIND_ZONE_SET, RSM_MALFORMED, body_out);
        put_str(&w, rsm_text(rsm_setting_text(next->setting)));
        pack_uint(&w, next->value);
        last = (uint32_t)next->setting;
    }
    return end(&w, RSM_KIND_ZONE_SET, RSM_OK, body_out);
}

enum rsm_status rsm_body_rrset_change(struct rsm_bytes zone, const struct rsm_change *changes,
                                      size_t change_count, struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 2, body_out);
    put_bin(&w, zone);
    enum rsm_status status = put_changes(&w, changes, change_count);
    return end(&w, RSM_KIND_RRSET_CHANGE, status, body_out);
}

enum rsm_status rsm_body_rrset_takeover(struct rsm_bytes zone, struct rsm_bytes from,
                                        struct rsm_bytes to, const struct rsm_rrset_id *scope,
                                        size_t scope_count, struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 4, body_out);
    put_bin(&w, zone);
    put_str(&w, from);
    put_str(&w, to);
    enum rsm_status status = put_scope(&w, scope, scope_count);
    return end(&w, RSM_KIND_RRSET_TAKEOVER, status, body_out);
}

static enum rsm_status put_records(struct writer *w, const struct rsm_record *records, size_t count)
{
    enum rsm_status status = put_count(w, count, LIMIT_UPDATE_RECORDS);
    for (size_t i = 0; i < count && status == RSM_OK; i++) {
        pack_array(w, 5);
        put_bin(w, records[i].owner);
        pack_uint(w, records[i].record_class);
        pack_uint(w, records[i].type);
        pack_uint(w, records[i].ttl);
        put_bin(w, records[i].rdata);
    }
    return status;
}

enum rsm_status rsm_body_rrset_update(const struct rsm_update *update, struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 5, body_out);
    put_str(&w, update->principal);
    put_bin(&w, update->request);
    put_bin(&w, update->zone);
    enum rsm_status status = put_records(&w, update->prerequisites, update->prerequisite_count);
    if (status == RSM_OK)
        status = put_records(&w, update->updates, update->update_count);
    return end(&w, RSM_KIND_RRSET_UPDATE, status, body_out);
}

enum rsm_status rsm_body_rrset_observe(struct rsm_bytes zone, const struct rsm_rrset_id *absent,
                                       size_t absent_count, const struct rsm_rrset_id *present,
                                       size_t present_count, struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 3, body_out);
    put_bin(&w, zone);
    enum rsm_status status = put_scope(&w, absent, absent_count);
    if (status == RSM_OK)
        status = put_scope(&w, present, present_count);
    return end(&w, RSM_KIND_RRSET_OBSERVE, status, body_out);
}

/* ---- principals and roles ---- */

enum rsm_status rsm_body_principal_set(struct rsm_bytes name, enum rsm_principal_kind kind,
                                       struct rsm_bytes person, struct rsm_bytes az,
                                       const struct rsm_bytes *keys, size_t key_count,
                                       const struct rsm_bytes *roles, size_t role_count,
                                       const struct rsm_budget *budget, struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 7, body_out);
    put_str(&w, name);
    pack_text(&w, body_principal_kind_text(kind));
    put_str(&w, person);
    put_str(&w, az);
    enum rsm_status status = put_count(&w, key_count, LIMIT_KEYS_PER_PRINCIPAL);
    for (size_t i = 0; i < key_count && status == RSM_OK; i++)
        put_bin(&w, keys[i]);
    if (status == RSM_OK)
        status = put_count(&w, role_count, LIMIT_ROLES_PER_PRINCIPAL);
    for (size_t i = 0; i < role_count && status == RSM_OK; i++)
        put_str(&w, roles[i]);
    pack_array(&w, budget != NULL ? RSM_BUDGETS : 0);
    for (size_t i = 0; budget != NULL && i < RSM_BUDGETS; i++) {
        pack_array(&w, 2);
        pack_uint(&w, budget[i].burst);
        pack_uint(&w, budget[i].per_hour);
    }
    return end(&w, RSM_KIND_PRINCIPAL_SET, status, body_out);
}

static enum rsm_status build_key(enum rsm_kind kind, struct rsm_bytes name, struct rsm_bytes key,
                                 struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 2, body_out);
    put_str(&w, name);
    put_bin(&w, key);
    return end(&w, kind, RSM_OK, body_out);
}

enum rsm_status rsm_body_principal_key_add(struct rsm_bytes name, struct rsm_bytes key,
                                           struct rsm_buffer *body_out)
{
    return build_key(RSM_KIND_PRINCIPAL_KEY_ADD, name, key, body_out);
}

enum rsm_status rsm_body_principal_key_revoke(struct rsm_bytes name, struct rsm_bytes key,
                                              struct rsm_buffer *body_out)
{
    return build_key(RSM_KIND_PRINCIPAL_KEY_REVOKE, name, key, body_out);
}

enum rsm_status rsm_body_principal_delete(struct rsm_bytes name, struct rsm_buffer *body_out)
{
    return build_str(RSM_KIND_PRINCIPAL_DELETE, name, body_out);
}

enum rsm_status rsm_body_role_set(struct rsm_bytes name, const struct rsm_grant *grants,
                                  size_t grant_count, struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 2, body_out);
    put_str(&w, name);
    enum rsm_status status = put_count(&w, grant_count, LIMIT_GRANTS_PER_ROLE);
    for (size_t i = 0; i < grant_count && status == RSM_OK; i++) {
        pack_array(&w, grants[i].class_most != 0 ? 5 : 4);
        put_str(&w, grants[i].verb);
        put_bin(&w, grants[i].zone);
        put_bin(&w, grants[i].suffix);
        status = put_count(&w, grants[i].type_count, LIMIT_TYPES_PER_GRANT);
        for (size_t k = 0; k < grants[i].type_count && status == RSM_OK; k++)
            pack_uint(&w, grants[i].types[k]);
        if (grants[i].class_most != 0)
            pack_text(&w, body_class_text(grants[i].class_most));
    }
    return end(&w, RSM_KIND_ROLE_SET, status, body_out);
}

enum rsm_status rsm_body_role_delete(struct rsm_bytes name, struct rsm_buffer *body_out)
{
    return build_str(RSM_KIND_ROLE_DELETE, name, body_out);
}

/* ---- policy and freezes ---- */

enum rsm_status rsm_body_policy_set(struct rsm_bytes policy, struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 1, body_out);
    pack_raw(&w, bytes_of_public(policy));
    return end(&w, RSM_KIND_POLICY_SET, RSM_OK, body_out);
}

enum rsm_status rsm_body_freeze_set(struct rsm_bytes id, enum rsm_freeze_scope scope,
                                    struct rsm_bytes subject, bool everybody, uint64_t until_ms,
                                    struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 5, body_out);
    put_str(&w, id);
    pack_text(&w, body_freeze_scope_text(scope));
    if (scope == RSM_FREEZE_ZONE)
        put_bin(&w, subject);
    else
        put_str(&w, subject);
    pack_bool(&w, everybody);
    pack_uint(&w, until_ms);
    return end(&w, RSM_KIND_FREEZE_SET, RSM_OK, body_out);
}

enum rsm_status rsm_body_freeze_clear(struct rsm_bytes id, struct rsm_buffer *body_out)
{
    return build_str(RSM_KIND_FREEZE_CLEAR, id, body_out);
}

enum rsm_status rsm_body_freeze_resume(struct rsm_bytes id, struct rsm_bytes az, bool gradual,
                                       uint64_t trips, struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 4, body_out);
    put_str(&w, id);
    put_str(&w, az);
    pack_bool(&w, gradual);
    pack_uint(&w, trips);
    return end(&w, RSM_KIND_FREEZE_RESUME, RSM_OK, body_out);
}

enum rsm_status rsm_body_freeze_trip(struct rsm_bytes cause, struct rsm_buffer *body_out)
{
    return build_str(RSM_KIND_FREEZE_TRIP, cause, body_out);
}

/* ---- leases ---- */

enum rsm_status rsm_body_lease_acquire(struct rsm_bytes resource, uint64_t ttl_ms,
                                       struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 2, body_out);
    put_str(&w, resource);
    pack_uint(&w, ttl_ms);
    return end(&w, RSM_KIND_LEASE_ACQUIRE, RSM_OK, body_out);
}

enum rsm_status rsm_body_lease_renew(struct rsm_bytes resource, uint64_t token, uint64_t ttl_ms,
                                     struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 3, body_out);
    put_str(&w, resource);
    pack_uint(&w, token);
    pack_uint(&w, ttl_ms);
    return end(&w, RSM_KIND_LEASE_RENEW, RSM_OK, body_out);
}

enum rsm_status rsm_body_lease_release(struct rsm_bytes resource, uint64_t token,
                                       struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 2, body_out);
    put_str(&w, resource);
    pack_uint(&w, token);
    return end(&w, RSM_KIND_LEASE_RELEASE, RSM_OK, body_out);
}

/* ---- plans ---- */

enum rsm_status rsm_body_plan_publish(const struct rsm_plan *plan, struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 7, body_out);
    put_str(&w, plan->name);
    pack_uint(&w, plan->generation);
    pack_uint(&w, plan->parent);
    put_bin(&w, plan->zone);
    enum rsm_status status = put_scope(&w, plan->scope, plan->scope_count);
    if (status == RSM_OK)
        status = put_changes(&w, plan->content, plan->content_count);
    pack_bool(&w, plan->complete);
    return end(&w, RSM_KIND_PLAN_PUBLISH, status, body_out);
}

enum rsm_status rsm_body_plan_execute(struct rsm_bytes plan, uint64_t generation,
                                      const struct rsm_rrset_id *scope, size_t scope_count,
                                      struct rsm_bytes lease, uint64_t token,
                                      struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 5, body_out);
    put_str(&w, plan);
    pack_uint(&w, generation);
    enum rsm_status status = put_scope(&w, scope, scope_count);
    put_str(&w, lease);
    pack_uint(&w, token);
    return end(&w, RSM_KIND_PLAN_EXECUTE, status, body_out);
}

enum rsm_status rsm_body_plan_collect(struct rsm_bytes plan, uint64_t below,
                                      struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 2, body_out);
    put_str(&w, plan);
    pack_uint(&w, below);
    return end(&w, RSM_KIND_PLAN_COLLECT, RSM_OK, body_out);
}

/* ---- members ---- */

static enum rsm_status put_known(struct writer *w, const struct rsm_incarnation *known,
                                 size_t count)
{
    enum rsm_status status = put_count(w, count, LIMIT_REPLICAS);
    for (size_t i = 0; i < count && status == RSM_OK; i++) {
        pack_array(w, 2);
        pack_uint(w, known[i].replica);
        pack_uint(w, known[i].incarnation);
    }
    return status;
}

enum rsm_status rsm_body_member_add(const struct rsm_member *member,
                                    const struct rsm_incarnation *known, size_t known_count,
                                    struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 7, body_out);
    pack_uint(&w, member->id);
    put_str(&w, member->zone);
    put_bin(&w, member->key);
    put_str(&w, member->peer_address);
    put_str(&w, member->client_address);
    pack_uint(&w, member->incarnation);
    enum rsm_status status = put_known(&w, known, known_count);
    return end(&w, RSM_KIND_MEMBER_ADD, status, body_out);
}

enum rsm_status rsm_body_member_promote(uint32_t id, const struct rsm_incarnation *known,
                                        size_t known_count, struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 2, body_out);
    pack_uint(&w, id);
    enum rsm_status status = put_known(&w, known, known_count);
    return end(&w, RSM_KIND_MEMBER_PROMOTE, status, body_out);
}

enum rsm_status rsm_body_member_remove(uint32_t id, struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 1, body_out);
    pack_uint(&w, id);
    return end(&w, RSM_KIND_MEMBER_REMOVE, RSM_OK, body_out);
}

enum rsm_status rsm_body_member_update(const struct rsm_member *member, struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 4, body_out);
    pack_uint(&w, member->id);
    put_str(&w, member->zone);
    put_str(&w, member->peer_address);
    put_str(&w, member->client_address);
    return end(&w, RSM_KIND_MEMBER_UPDATE, RSM_OK, body_out);
}

/* ---- services ---- */

enum rsm_status rsm_body_service_set(const struct rsm_service *service, struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 5, body_out);
    put_str(&w, service->name);
    put_str(&w, service->owner);
    put_str(&w, service->tier);
    enum rsm_status status = put_count(&w, service->name_count, LIMIT_SERVICE_NAMES);
    for (size_t i = 0; i < service->name_count && status == RSM_OK; i++) {
        pack_array(&w, 2);
        put_bin(&w, service->names[i].name);
        pack_bool(&w, service->names[i].below);
    }
    if (status == RSM_OK)
        status = put_count(&w, service->need_count, LIMIT_SERVICE_NAMES);
    for (size_t i = 0; i < service->need_count && status == RSM_OK; i++) {
        if (service->needs[i].name.size > 0)
            put_bin(&w, service->needs[i].name);
        else
            put_str(&w, service->needs[i].service);
    }
    return end(&w, RSM_KIND_SERVICE_SET, status, body_out);
}

enum rsm_status rsm_body_service_delete(struct rsm_bytes name, struct rsm_buffer *body_out)
{
    return build_str(RSM_KIND_SERVICE_DELETE, name, body_out);
}

/* ---- changes that wait ---- */

struct request {
    enum rsm_class class_least;
    const struct rsm_bytes *overrides;
    size_t override_count;
    struct rsm_bytes undone;
    uint64_t restored_slot; /* 0: none */
};

enum rsm_status rsm_body_change_request(enum rsm_class class_least,
                                        const struct rsm_bytes *overrides, size_t override_count,
                                        const char *kind, struct rsm_bytes body,
                                        struct rsm_buffer *body_out)
{
    struct rsm_bytes none = {NULL, 0};
    return rsm_body_change_undo(class_least, overrides, override_count, none, kind, body, body_out);
}

static enum rsm_status build_request(const struct request *request, const char *kind,
                                     struct rsm_bytes body, struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, request->restored_slot != 0 ? 6 : 5, body_out);
    pack_text(&w, body_class_text(request->class_least));
    enum rsm_status status = put_count(&w, request->override_count, LIMIT_OVERRIDES);
    for (size_t i = 0; i < request->override_count && status == RSM_OK; i++)
        put_str(&w, request->overrides[i]);
    pack_text(&w, kind);
    pack_raw(&w, bytes_of_public(body));
    put_bin(&w, request->undone);
    if (request->restored_slot != 0)
        pack_uint(&w, request->restored_slot);
    return end(&w, RSM_KIND_CHANGE_REQUEST, status, body_out);
}

enum rsm_status rsm_body_change_undo(enum rsm_class class_least, const struct rsm_bytes *overrides,
                                     size_t override_count, struct rsm_bytes undone,
                                     const char *kind, struct rsm_bytes body,
                                     struct rsm_buffer *body_out)
{
    struct request request = {.class_least = class_least,
                              .overrides = overrides,
                              .override_count = override_count,
                              .undone = undone};
    return build_request(&request, kind, body, body_out);
}

enum rsm_status rsm_body_change_restore(enum rsm_class class_least,
                                        const struct rsm_bytes *overrides, size_t override_count,
                                        uint64_t restored_slot, const char *kind,
                                        struct rsm_bytes body, struct rsm_buffer *body_out)
{
    struct request request = {.class_least = class_least,
                              .overrides = overrides,
                              .override_count = override_count,
                              .restored_slot = restored_slot};
    return build_request(&request, kind, body, body_out);
}

enum rsm_status rsm_body_change_vote(struct rsm_bytes change_digest, bool yes, uint64_t slot,
                                     struct rsm_bytes effect_hash, struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 4, body_out);
    put_bin(&w, change_digest);
    pack_bool(&w, yes);
    pack_uint(&w, slot);
    put_bin(&w, effect_hash);
    return end(&w, RSM_KIND_CHANGE_VOTE, RSM_OK, body_out);
}

enum rsm_status rsm_body_override_step(struct rsm_bytes freeze, enum rsm_step step, bool is_skipped,
                                       struct rsm_bytes evidence, struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 4, body_out);
    put_str(&w, freeze);
    pack_text(&w, rsm_step_text(step));
    pack_bool(&w, is_skipped);
    put_bin(&w, evidence);
    return end(&w, RSM_KIND_OVERRIDE_STEP, RSM_OK, body_out);
}

enum rsm_status rsm_body_override_record(const uint8_t session[16], uint64_t index,
                                         const uint8_t hash[32], uint32_t state,
                                         struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 4, body_out);
    pack_bin(&w, bytes_make(session, 16));
    pack_uint(&w, index);
    pack_bin(&w, bytes_make(hash, 32));
    pack_uint(&w, state);
    return end(&w, RSM_KIND_OVERRIDE_RECORD, RSM_OK, body_out);
}

enum rsm_status rsm_body_factor_enroll(struct rsm_bytes principal, struct rsm_bytes id,
                                       enum rsm_factor_method method, struct rsm_bytes public_half,
                                       struct rsm_bytes relying_party, struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 5, body_out);
    put_str(&w, principal);
    put_str(&w, id);
    pack_text(&w, rsm_factor_text(method));
    put_bin(&w, public_half);
    put_str(&w, relying_party);
    return end(&w, RSM_KIND_FACTOR_ENROLL, RSM_OK, body_out);
}

enum rsm_status rsm_body_factor_revoke(struct rsm_bytes principal, struct rsm_bytes id,
                                       struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 2, body_out);
    put_str(&w, principal);
    put_str(&w, id);
    return end(&w, RSM_KIND_FACTOR_REVOKE, RSM_OK, body_out);
}

static enum rsm_status build_digest(enum rsm_kind kind, struct rsm_bytes digest,
                                    struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 1, body_out);
    put_bin(&w, digest);
    return end(&w, kind, RSM_OK, body_out);
}

enum rsm_status rsm_body_change_approve(struct rsm_bytes change_digest,
                                        const struct rsm_factor *factor,
                                        struct rsm_buffer *body_out)
{
    struct writer w;
    begin(&w, 2, body_out);
    put_bin(&w, change_digest);
    pack_array(&w, factor != NULL ? 4 : 0);
    if (factor != NULL) {
        put_str(&w, factor->id);
        put_bin(&w, factor->over);
        put_bin(&w, factor->data);
        put_bin(&w, factor->signature);
    }
    return end(&w, RSM_KIND_CHANGE_APPROVE, RSM_OK, body_out);
}

enum rsm_status rsm_body_change_apply(struct rsm_bytes change_digest,
                                      const struct rsm_bytes *approvers, size_t approver_count,
                                      struct rsm_buffer *body_out)
{
    struct writer w;
    struct rsm_bytes sorted[LIMIT_APPROVERS];
    if (approver_count > LIMIT_APPROVERS)
        return RSM_TOO_MANY;
    for (size_t i = 0; i < approver_count; i++) {
        size_t at = i;
        for (; at > 0 &&
               bytes_compare(bytes_of_public(sorted[at - 1]), bytes_of_public(approvers[i])) > 0;
             at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = approvers[i];
    }
    begin(&w, 2, body_out);
    put_bin(&w, change_digest);
    pack_array(&w, (uint32_t)approver_count);
    for (size_t i = 0; i < approver_count; i++)
        put_str(&w, sorted[i]);
    return end(&w, RSM_KIND_CHANGE_APPLY, RSM_OK, body_out);
}

enum rsm_status rsm_body_change_cancel(struct rsm_bytes change_digest, struct rsm_buffer *body_out)
{
    return build_digest(RSM_KIND_CHANGE_CANCEL, change_digest, body_out);
}
