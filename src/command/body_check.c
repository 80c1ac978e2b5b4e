/* SPDX-License-Identifier: Apache-2.0 */
/* body_check.c - every list of a body, walked to its end (see body.h). */
#include "src/command/body.h"
#include "src/command/body_change.h"
#include "src/command/body_service.h"
#include "src/command/body_step.h"
#include "src/command/body_setting.h"
#include "src/command/recovery.h"

#include "src/base/check.h"
#include "src/base/limits.h"

static enum rsm_status check_changes(struct body_walk walk)
{
    struct body_change change;
    while (body_next_change(&walk, &change)) {
        while (change.rdatas.left > 0) {
            (void)unpack_bin(&change.rdatas.cursor, LIMIT_RDATA_SIZE);
            change.rdatas.left--;
        }
        if (!unpack_ok(&change.rdatas.cursor))
            return change.rdatas.cursor.status;
    }
    return body_walk_status(&walk);
}

static enum rsm_status check_scope(struct body_walk walk)
{
    struct body_rrset_id id;
    while (body_next_rrset_id(&walk, &id))
        continue;
    return walk.cursor.status;
}

static enum rsm_status check_zone(enum rsm_kind kind, struct bytes body)
{
    struct body_zone zone;
    enum rsm_status status = body_zone_decode(kind, body, &zone);
    if (status != RSM_OK || kind == RSM_KIND_ZONE_DELETE)
        return status;
    struct body_label label;
    while (kind != RSM_KIND_RRSET_CHANGE && body_next_label(&zone.labels, &label))
        continue;
    status = zone.labels.cursor.status;
    return status == RSM_OK && kind != RSM_KIND_ZONE_LABEL ? check_changes(zone.changes) : status;
}

static enum rsm_status check_zone_set(struct bytes body)
{
    struct body_zone_set set;
    struct body_setting setting;
    enum rsm_status status = body_zone_set_decode(body, &set);
    while (status == RSM_OK && body_next_setting(&set.settings, &setting))
        continue;
    return status == RSM_OK ? set.settings.cursor.status : status;
}

static enum rsm_status check_takeover(struct bytes body)
{
    struct body_takeover takeover;
    enum rsm_status status = body_takeover_decode(body, &takeover);
    return status == RSM_OK ? check_scope(takeover.scope) : status;
}

/* RFC 2136 2.4: the five forms of a prerequisite. */
static bool is_prerequisite(const struct body_record *r)
{
    switch (r->record_class) {
    case RSM_CLASS_ANY:
    case RSM_CLASS_NONE:
        return r->ttl == 0 && r->rdata.size == 0;
    case RSM_CLASS_IN:
        return r->ttl == 0 && r->type != BODY_TYPE_ANY;
    }
    return false;
}

/* RFC 2136 2.5: the four forms of an update. */
static bool is_update(const struct body_record *r)
{
    switch (r->record_class) {
    case RSM_CLASS_ANY:
        return r->ttl == 0 && r->rdata.size == 0;
    case RSM_CLASS_NONE:
        return r->ttl == 0 && r->type != BODY_TYPE_ANY;
    case RSM_CLASS_IN:
        return r->type != BODY_TYPE_ANY;
    }
    return false;
}

static enum rsm_status check_records(struct body_walk walk,
                                     bool (*is_good)(const struct body_record *))
{
    struct body_record record;
    while (body_next_record(&walk, &record)) {
        /* 249 to 254: types of transactions and questions (RFC 6895 3.1). */
        if (record.type == 0 || (record.type >= 249 && record.type <= 254) || !is_good(&record))
            return RSM_MALFORMED;
    }
    return walk.cursor.status;
}

static enum rsm_status check_update(struct bytes body)
{
    struct body_update update;
    enum rsm_status status = body_update_decode(body, &update);
    if (status == RSM_OK)
        status = check_records(update.prerequisites, is_prerequisite);
    if (status == RSM_OK)
        status = check_records(update.updates, is_update);
    return status;
}

static enum rsm_status check_observe(struct bytes body)
{
    struct body_observe observe;
    enum rsm_status status = body_observe_decode(body, &observe);
    if (status == RSM_OK)
        status = check_scope(observe.absent);
    return status == RSM_OK ? check_scope(observe.present) : status;
}

static enum rsm_status check_principal(enum rsm_kind kind, struct bytes body)
{
    struct body_principal p;
    enum rsm_status status = body_principal_decode(kind, body, &p);
    if (status != RSM_OK || kind == RSM_KIND_PRINCIPAL_DELETE)
        return status;
    for (; p.keys.left > 0; p.keys.left--)
        (void)unpack_bin_exactly(&p.keys.cursor, RSM_PUBLIC_KEY_SIZE);
    if (!unpack_ok(&p.keys.cursor))
        return p.keys.cursor.status;
    for (; p.roles.left > 0; p.roles.left--) {
        struct bytes role = unpack_str(&p.roles.cursor, LIMIT_LABEL_SIZE);
        if (unpack_ok(&p.roles.cursor) && !body_is_word(role))
            unpack_fail(&p.roles.cursor, RSM_MALFORMED);
    }
    return p.roles.cursor.status;
}

static enum rsm_status check_role(enum rsm_kind kind, struct bytes body)
{
    struct body_role role;
    enum rsm_status status = body_role_decode(kind, body, &role);
    struct body_grant grant;
    if (status != RSM_OK || kind == RSM_KIND_ROLE_DELETE)
        return status;
    while (body_next_grant(&role.grants, &grant)) {
        uint16_t type;
        while (body_next_type(&grant.types, &type))
            continue;
        if (!unpack_ok(&grant.types.cursor))
            return grant.types.cursor.status;
    }
    return role.grants.cursor.status;
}

static enum rsm_status check_plan(enum rsm_kind kind, struct bytes body)
{
    struct body_plan plan;
    enum rsm_status status = body_plan_decode(kind, body, &plan);
    if (status != RSM_OK || kind == RSM_KIND_PLAN_COLLECT)
        return status;
    status = check_scope(plan.scope);
    if (status != RSM_OK || kind == RSM_KIND_PLAN_EXECUTE)
        return status;
    return check_changes(plan.content);
}

static enum rsm_status check_member(enum rsm_kind kind, struct bytes body)
{
    struct body_member member;
    struct body_incarnation known;
    uint32_t before = 0;
    enum rsm_status status = body_member_decode(kind, body, &member);
    if (status != RSM_OK)
        return status;
    while (body_next_incarnation(&member.known, &known)) {
        if (known.id <= before)
            return RSM_MALFORMED;
        before = known.id;
    }
    return member.known.cursor.status;
}

/* Sorted, each once. */
static enum rsm_status check_words(struct body_walk walk, size_t size_max)
{
    struct bytes before = {NULL, 0};
    for (; walk.left > 0; walk.left--) {
        struct bytes word = unpack_str(&walk.cursor, size_max);
        if (!unpack_ok(&walk.cursor))
            return walk.cursor.status;
        if (!body_is_word(word) || bytes_compare(before, word) >= 0)
            return RSM_MALFORMED;
        before = word;
    }
    return RSM_OK;
}

static enum rsm_status check_ballot(enum rsm_kind kind, struct bytes body)
{
    struct body_ballot ballot;
    enum rsm_status status = body_ballot_decode(kind, body, &ballot);
    if (status != RSM_OK || kind != RSM_KIND_CHANGE_APPLY)
        return status;
    return check_words(ballot.approvers, LIMIT_PRINCIPAL_SIZE);
}

static enum rsm_status check_request(struct bytes body)
{
    struct body_request request;
    enum rsm_status status = body_request_decode(body, &request);
    if (status == RSM_OK)
        status = check_words(request.overrides, LIMIT_LABEL_SIZE);
    if (status != RSM_OK)
        return status;
    /* One level deep: a request is none of the kinds that a request may wrap. */
    return body_check(request.kind, request.body);
}

static enum rsm_status check_override(enum rsm_kind kind, struct bytes body)
{
    struct body_step step;
    struct body_chunk chunk;
    struct body_recover recover;
    if (kind == RSM_KIND_CLUSTER_RECOVER)
        return body_recover_decode(body, &recover);
    return kind == RSM_KIND_OVERRIDE_STEP ? body_step_decode(body, &step)
                                          : body_chunk_decode(body, &chunk);
}

enum rsm_status body_check(enum rsm_kind kind, struct bytes body)
{
    union {
        struct bytes map;
        struct body_freeze freeze;
        struct body_lease lease;
        struct body_principal_key key;
        struct body_enroll enroll;
    } scratch;

    switch (kind) {
    case RSM_KIND_ZONE_CREATE:
    case RSM_KIND_ZONE_DELETE:
    case RSM_KIND_ZONE_LABEL:
    case RSM_KIND_RRSET_CHANGE:
        return check_zone(kind, body);
    case RSM_KIND_ZONE_SET:
        return check_zone_set(body);
    case RSM_KIND_SERVICE_SET:
    case RSM_KIND_SERVICE_DELETE:
        return body_service_check(kind, body);
    case RSM_KIND_RRSET_OBSERVE:
        return check_observe(body);
    case RSM_KIND_RRSET_TAKEOVER:
        return check_takeover(body);
    case RSM_KIND_RRSET_UPDATE:
        return check_update(body);
    case RSM_KIND_PRINCIPAL_SET:
    case RSM_KIND_PRINCIPAL_DELETE:
        return check_principal(kind, body);
    case RSM_KIND_PRINCIPAL_KEY_ADD:
    case RSM_KIND_PRINCIPAL_KEY_REVOKE:
        return body_principal_key_decode(kind, body, &scratch.key);
    case RSM_KIND_ROLE_SET:
    case RSM_KIND_ROLE_DELETE:
        return check_role(kind, body);
    case RSM_KIND_POLICY_SET:
        return body_policy_decode(body, &scratch.map);
    case RSM_KIND_FREEZE_SET:
    case RSM_KIND_FREEZE_CLEAR:
    case RSM_KIND_FREEZE_RESUME:
    case RSM_KIND_FREEZE_TRIP:
        return body_freeze_decode(kind, body, &scratch.freeze);
    case RSM_KIND_LEASE_ACQUIRE:
    case RSM_KIND_LEASE_RENEW:
    case RSM_KIND_LEASE_RELEASE:
        return body_lease_decode(kind, body, &scratch.lease);
    case RSM_KIND_PLAN_PUBLISH:
    case RSM_KIND_PLAN_EXECUTE:
    case RSM_KIND_PLAN_COLLECT:
        return check_plan(kind, body);
    case RSM_KIND_MEMBER_ADD:
    case RSM_KIND_MEMBER_PROMOTE:
    case RSM_KIND_MEMBER_REMOVE:
    case RSM_KIND_MEMBER_UPDATE:
        return check_member(kind, body);
    case RSM_KIND_CHANGE_REQUEST:
        return check_request(body);
    case RSM_KIND_CHANGE_VOTE:
    case RSM_KIND_CHANGE_APPROVE:
    case RSM_KIND_CHANGE_CANCEL:
    case RSM_KIND_CHANGE_APPLY:
        return check_ballot(kind, body);
    case RSM_KIND_FACTOR_ENROLL:
    case RSM_KIND_FACTOR_REVOKE:
        return body_enroll_decode(kind, body, &scratch.enroll);
    case RSM_KIND_OVERRIDE_STEP:
    case RSM_KIND_OVERRIDE_RECORD:
    case RSM_KIND_CLUSTER_RECOVER:
        return check_override(kind, body);
    }
    return RSM_UNKNOWN_KIND;
}
