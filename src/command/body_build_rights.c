/* SPDX-License-Identifier: Apache-2.0 */
/* body_build_rights.c - builders of rsm/body.h: rights, policy, freezes, members, services. */
#include <rsm/body.h>
#include <rsm/factor.h>
#include <rsm/service.h>

#include "src/base/limits.h"
#include "src/command/body.h"
#include "src/command/body_change.h"
#include "src/command/build.h"

/* ---- principals and roles ---- */

enum rsm_status rsm_body_principal_set(struct rsm_bytes name, enum rsm_principal_kind kind,
                                       struct rsm_bytes person, struct rsm_bytes az,
                                       const struct rsm_bytes *keys, size_t key_count,
                                       const struct rsm_bytes *roles, size_t role_count,
                                       const struct rsm_budget *budget, struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 7, body_out);
    build_put_str(&w, name);
    pack_text(&w, body_principal_kind_text(kind));
    build_put_str(&w, person);
    build_put_str(&w, az);
    enum rsm_status status = build_count(&w, key_count, LIMIT_KEYS_PER_PRINCIPAL);
    for (size_t i = 0; i < key_count && status == RSM_OK; i++)
        build_put_bin(&w, keys[i]);
    if (status == RSM_OK)
        status = build_count(&w, role_count, LIMIT_ROLES_PER_PRINCIPAL);
    for (size_t i = 0; i < role_count && status == RSM_OK; i++)
        build_put_str(&w, roles[i]);
    pack_array(&w, budget != NULL ? RSM_BUDGETS : 0);
    for (size_t i = 0; budget != NULL && i < RSM_BUDGETS; i++) {
        pack_array(&w, 2);
        pack_uint(&w, budget[i].burst);
        pack_uint(&w, budget[i].per_hour);
    }
    return build_end(&w, RSM_KIND_PRINCIPAL_SET, status, body_out);
}

static enum rsm_status build_key(enum rsm_kind kind, struct rsm_bytes name, struct rsm_bytes key,
                                 struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 2, body_out);
    build_put_str(&w, name);
    build_put_bin(&w, key);
    return build_end(&w, kind, RSM_OK, body_out);
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
    build_begin(&w, 2, body_out);
    build_put_str(&w, name);
    enum rsm_status status = build_count(&w, grant_count, LIMIT_GRANTS_PER_ROLE);
    for (size_t i = 0; i < grant_count && status == RSM_OK; i++) {
        pack_array(&w, grants[i].class_most != 0 ? 5 : 4);
        build_put_str(&w, grants[i].verb);
        build_put_bin(&w, grants[i].zone);
        build_put_bin(&w, grants[i].suffix);
        status = build_count(&w, grants[i].type_count, LIMIT_TYPES_PER_GRANT);
        for (size_t k = 0; k < grants[i].type_count && status == RSM_OK; k++)
            pack_uint(&w, grants[i].types[k]);
        if (grants[i].class_most != 0)
            pack_text(&w, body_class_text(grants[i].class_most));
    }
    return build_end(&w, RSM_KIND_ROLE_SET, status, body_out);
}

enum rsm_status rsm_body_role_delete(struct rsm_bytes name, struct rsm_buffer *body_out)
{
    return build_str(RSM_KIND_ROLE_DELETE, name, body_out);
}

/* ---- second factors ---- */

enum rsm_status rsm_body_factor_enroll(struct rsm_bytes principal, struct rsm_bytes id,
                                       enum rsm_factor_method method, struct rsm_bytes public_half,
                                       struct rsm_bytes relying_party, struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 5, body_out);
    build_put_str(&w, principal);
    build_put_str(&w, id);
    pack_text(&w, rsm_factor_text(method));
    build_put_bin(&w, public_half);
    build_put_str(&w, relying_party);
    return build_end(&w, RSM_KIND_FACTOR_ENROLL, RSM_OK, body_out);
}

enum rsm_status rsm_body_factor_revoke(struct rsm_bytes principal, struct rsm_bytes id,
                                       struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 2, body_out);
    build_put_str(&w, principal);
    build_put_str(&w, id);
    return build_end(&w, RSM_KIND_FACTOR_REVOKE, RSM_OK, body_out);
}

/* ---- policy and freezes ---- */

enum rsm_status rsm_body_policy_set(struct rsm_bytes policy, struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 1, body_out);
    pack_raw(&w, bytes_of_public(policy));
    return build_end(&w, RSM_KIND_POLICY_SET, RSM_OK, body_out);
}

enum rsm_status rsm_body_freeze_set(struct rsm_bytes id, enum rsm_freeze_scope scope,
                                    struct rsm_bytes subject, bool everybody, uint64_t until_ms,
                                    struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 5, body_out);
    build_put_str(&w, id);
    pack_text(&w, body_freeze_scope_text(scope));
    if (scope == RSM_FREEZE_ZONE)
        build_put_bin(&w, subject);
    else
        build_put_str(&w, subject);
    pack_bool(&w, everybody);
    pack_uint(&w, until_ms);
    return build_end(&w, RSM_KIND_FREEZE_SET, RSM_OK, body_out);
}

enum rsm_status rsm_body_freeze_clear(struct rsm_bytes id, struct rsm_buffer *body_out)
{
    return build_str(RSM_KIND_FREEZE_CLEAR, id, body_out);
}

enum rsm_status rsm_body_freeze_resume(struct rsm_bytes id, struct rsm_bytes az, bool gradual,
                                       uint64_t trips, struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 4, body_out);
    build_put_str(&w, id);
    build_put_str(&w, az);
    pack_bool(&w, gradual);
    pack_uint(&w, trips);
    return build_end(&w, RSM_KIND_FREEZE_RESUME, RSM_OK, body_out);
}

enum rsm_status rsm_body_freeze_trip(struct rsm_bytes cause, struct rsm_buffer *body_out)
{
    return build_str(RSM_KIND_FREEZE_TRIP, cause, body_out);
}

/* ---- members ---- */

static enum rsm_status put_known(struct writer *w, const struct rsm_incarnation *known,
                                 size_t count)
{
    enum rsm_status status = build_count(w, count, LIMIT_REPLICAS);
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
    build_begin(&w, 7, body_out);
    pack_uint(&w, member->id);
    build_put_str(&w, member->zone);
    build_put_bin(&w, member->key);
    build_put_str(&w, member->peer_address);
    build_put_str(&w, member->client_address);
    pack_uint(&w, member->incarnation);
    enum rsm_status status = put_known(&w, known, known_count);
    return build_end(&w, RSM_KIND_MEMBER_ADD, status, body_out);
}

enum rsm_status rsm_body_member_promote(uint32_t id, const struct rsm_incarnation *known,
                                        size_t known_count, struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 2, body_out);
    pack_uint(&w, id);
    enum rsm_status status = put_known(&w, known, known_count);
    return build_end(&w, RSM_KIND_MEMBER_PROMOTE, status, body_out);
}

enum rsm_status rsm_body_member_remove(uint32_t id, struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 1, body_out);
    pack_uint(&w, id);
    return build_end(&w, RSM_KIND_MEMBER_REMOVE, RSM_OK, body_out);
}

enum rsm_status rsm_body_member_update(const struct rsm_member *member, struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 4, body_out);
    pack_uint(&w, member->id);
    build_put_str(&w, member->zone);
    build_put_str(&w, member->peer_address);
    build_put_str(&w, member->client_address);
    return build_end(&w, RSM_KIND_MEMBER_UPDATE, RSM_OK, body_out);
}

/* ---- services ---- */

enum rsm_status rsm_body_service_set(const struct rsm_service *service, struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 5, body_out);
    build_put_str(&w, service->name);
    build_put_str(&w, service->owner);
    build_put_str(&w, service->tier);
    enum rsm_status status = build_count(&w, service->name_count, LIMIT_SERVICE_NAMES);
    for (size_t i = 0; i < service->name_count && status == RSM_OK; i++) {
        pack_array(&w, 2);
        build_put_bin(&w, service->names[i].name);
        pack_bool(&w, service->names[i].below);
    }
    if (status == RSM_OK)
        status = build_count(&w, service->need_count, LIMIT_SERVICE_NAMES);
    for (size_t i = 0; i < service->need_count && status == RSM_OK; i++) {
        if (service->needs[i].name.size > 0)
            build_put_bin(&w, service->needs[i].name);
        else
            build_put_str(&w, service->needs[i].service);
    }
    return build_end(&w, RSM_KIND_SERVICE_SET, status, body_out);
}

enum rsm_status rsm_body_service_delete(struct rsm_bytes name, struct rsm_buffer *body_out)
{
    return build_str(RSM_KIND_SERVICE_DELETE, name, body_out);
}
