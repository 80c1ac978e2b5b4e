/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body.c - the decoders, and the check that walks a whole body once.
 *
 * A decoder takes the fields and leaves each list as a walk; body_check then walks the lists. Bytes
 * are canonical already (envelope_parse), but nothing here relies on it for its own safety.
 */
#include "src/command/body.h"
#include "src/command/body_change.h"
#include "src/command/body_setting.h"

#include <string.h>

#include "src/base/check.h"
#include "src/base/ids.h"
#include "src/base/limits.h"
#include "src/command/envelope.h"
#include "src/command/public.h"

/* Bytes from 'A' to 'Z' in a word of eight: a high bit for each. */
static uint64_t upper_bits(uint64_t eight)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t low = eight & 0x7f * each;
    return (low + (0x80 - 'A') * each) & ~(low + (0x7f - 'Z') * each) & ~eight & 0x80 * each;
}

static bool has_upper(struct bytes text)
{
    size_t at = 0;
    uint64_t eight, found = 0;
    for (; text.size - at >= sizeof eight; at += sizeof eight) {
        memcpy(&eight, text.data + at, sizeof eight);
        found |= upper_bits(eight);
    }
    for (; at < text.size; at++)
        found |= text.data[at] >= 'A' && text.data[at] <= 'Z';
    return found != 0;
}

/* A label's size is at most 63, which is below 'A'. */
bool body_is_name(struct bytes name)
{
    if (name.size == 0 || name.size > LIMIT_NAME_SIZE || has_upper(name))
        return false;
    size_t offset = 0;
    while (offset < name.size && name.data[offset] != 0) {
        if (name.data[offset] > 63)
            return false;
        offset += 1u + name.data[offset];
    }
    return offset + 1 == name.size;
}

static struct bytes take_name(struct unpack *u)
{
    struct bytes name = unpack_bin(u, LIMIT_NAME_SIZE);
    if (unpack_ok(u) && !body_is_name(name))
        unpack_fail(u, RSM_MALFORMED);
    return name;
}

/* A name, or nothing, which means "any". */
static struct bytes take_optional_name(struct unpack *u)
{
    struct bytes name = unpack_bin(u, LIMIT_NAME_SIZE);
    if (unpack_ok(u) && name.size > 0 && !body_is_name(name))
        unpack_fail(u, RSM_MALFORMED);
    return name;
}

/* Text that people see as a name: something, and no control characters. */
static struct bytes take_word(struct unpack *u, size_t size_max)
{
    struct bytes word = unpack_str(u, size_max);
    if (unpack_ok(u) && !body_is_word(word))
        unpack_fail(u, RSM_MALFORMED);
    return word;
}

bool body_is_word(struct bytes word)
{
    for (size_t i = 0; i < word.size; i++)
        if (word.data[i] < 0x20 || word.data[i] == 0x7f)
            return false;
    return word.size > 0;
}

static bool is_host_port(struct bytes address)
{
    size_t colon = address.size;
    while (colon > 0 && address.data[colon - 1] != ':')
        colon--;
    if (colon < 2 || colon == address.size || address.size - colon > 5)
        return false;
    uint32_t port = 0;
    for (size_t i = colon; i < address.size; i++) {
        if (address.data[i] < '0' || address.data[i] > '9')
            return false;
        port = port * 10 + (uint32_t)(address.data[i] - '0');
    }
    return port >= 1 && port <= 65535 && address.data[colon] != '0';
}

static bool is_unix_path(struct bytes address)
{
    return address.size > 6 && address.size <= 5 + 107 && memcmp(address.data, "unix:/", 6) == 0;
}

bool body_is_address(struct bytes address, bool may_be_unix)
{
    return body_is_word(address) && address.size <= LIMIT_ADDRESS_SIZE &&
           (is_host_port(address) || (may_be_unix && is_unix_path(address)));
}

static struct bytes take_address(struct unpack *u, bool may_be_unix)
{
    struct bytes address = take_word(u, LIMIT_ADDRESS_SIZE);
    if (unpack_ok(u) && !body_is_address(address, may_be_unix))
        unpack_fail(u, RSM_MALFORMED);
    return address;
}

static uint64_t take_number(struct unpack *u)
{
    return unpack_uint_max(u, ENVELOPE_COUNTER_MAX);
}

static struct body_walk take_container(struct unpack *u, bool is_map, uint32_t count_max)
{
    struct body_walk walk = {.cursor = unpack_make(unpack_raw(u))};
    if (!unpack_ok(u))
        return (struct body_walk){.left = 0};
    walk.left = is_map ? unpack_map(&walk.cursor) : unpack_array(&walk.cursor);
    if (!unpack_ok(&walk.cursor))
        unpack_fail(u, walk.cursor.status);
    else if (walk.left > count_max)
        unpack_fail(u, RSM_TOO_MANY);
    return walk;
}

static struct body_walk take_list(struct unpack *u, uint32_t count_max)
{
    return take_container(u, false, count_max);
}

/*
 * The list that is a body's last item: a body is one whole object, so its items reach to the
 * body's end, and need not be walked to find it. body_walk_is_whole says so when they were.
 */
static struct body_walk take_last_list(struct unpack *u, uint32_t count_max)
{
    struct body_walk walk = {.cursor = unpack_make(bytes_make(u->data, u->size))};
    walk.left = unpack_array(u);
    walk.cursor.offset = u->offset;
    if (unpack_ok(u) && walk.left > count_max)
        unpack_fail(u, RSM_TOO_MANY);
    if (!unpack_ok(u))
        return (struct body_walk){.left = 0};
    u->offset = u->size;
    return walk;
}

enum rsm_status body_walk_status(const struct body_walk *walk)
{
    if (!unpack_ok(&walk->cursor))
        return walk->cursor.status;
    return unpack_done(&walk->cursor) ? RSM_OK : RSM_WRONG_TYPE;
}

static enum rsm_status finish(const struct unpack *u)
{
    if (!unpack_ok(u))
        return u->status;
    return unpack_done(u) ? RSM_OK : RSM_WRONG_TYPE;
}

/* ---- walks ---- */

static bool walk_step(struct body_walk *walk)
{
    if (walk->left == 0 || !unpack_ok(&walk->cursor))
        return false;
    walk->left--;
    return true;
}

/* The result of an item read by a cursor of its own. */
static bool walk_took(struct body_walk *walk, const struct unpack *item)
{
    enum rsm_status status = finish(item);
    if (status != RSM_OK)
        unpack_fail(&walk->cursor, status);
    return unpack_ok(&walk->cursor);
}

bool body_next_change(struct body_walk *walk, struct body_change *out)
{
    struct unpack *u = &walk->cursor;
    if (!walk_step(walk))
        return false;
    size_t first = u->offset;
    unpack_array_exactly(u, 4);
    out->owner = take_name(u);
    out->type = (uint16_t)unpack_uint_max(u, UINT16_MAX);
    out->ttl = (uint32_t)unpack_uint_max(u, UINT32_MAX);
    out->rdatas = take_list(u, LIMIT_RRSET_RECORDS);
    out->rdata_count = out->rdatas.left;
    if (unpack_ok(u) && out->rdata_count == 0 && out->ttl != 0)
        unpack_fail(u, RSM_MALFORMED);
    out->raw = bytes_make(u->data + first, u->offset - first);
    return unpack_ok(u);
}

bool body_next_record(struct body_walk *walk, struct body_record *out)
{
    if (!walk_step(walk))
        return false;
    struct unpack u = unpack_make(unpack_raw(&walk->cursor));
    unpack_array_exactly(&u, 5);
    out->owner = take_name(&u);
    out->record_class = (uint16_t)unpack_uint_max(&u, UINT16_MAX);
    out->type = (uint16_t)unpack_uint_max(&u, UINT16_MAX);
    out->ttl = (uint32_t)unpack_uint_max(&u, UINT32_MAX);
    out->rdata = unpack_bin(&u, LIMIT_RDATA_SIZE);
    return walk_took(walk, &u);
}

bool body_next_octets(struct body_walk *walk, struct bytes *out)
{
    if (!walk_step(walk))
        return false;
    *out = unpack_octets(&walk->cursor, LIMIT_RDATA_SIZE);
    return unpack_ok(&walk->cursor);
}

bool body_next_rrset_id(struct body_walk *walk, struct body_rrset_id *out)
{
    if (!walk_step(walk))
        return false;
    struct unpack u = unpack_make(unpack_raw(&walk->cursor));
    unpack_array_exactly(&u, 2);
    out->owner = take_name(&u);
    out->type = (uint16_t)unpack_uint_max(&u, UINT16_MAX);
    return walk_took(walk, &u);
}

/* The highest class has no word here: one encoding for one grant. */
static enum rsm_class take_class_most(struct unpack *u)
{
    enum rsm_class class = RSM_CLASS_EMERGENCY;
    struct bytes text = unpack_str(u, LIMIT_LABEL_SIZE);
    if (unpack_ok(u) && (!body_class_parse(text, &class) || class == RSM_CLASS_EMERGENCY))
        unpack_fail(u, RSM_MALFORMED);
    return class;
}

bool body_next_grant(struct body_walk *walk, struct body_grant *out)
{
    if (!walk_step(walk))
        return false;
    struct unpack u = unpack_make(unpack_raw(&walk->cursor));
    uint32_t count = unpack_array(&u);
    if (count != 4 && count != 5)
        unpack_fail(&u, RSM_MALFORMED);
    out->verb = take_word(&u, LIMIT_LABEL_SIZE);
    out->zone = take_optional_name(&u);
    out->suffix = take_optional_name(&u);
    out->types = take_list(&u, LIMIT_TYPES_PER_GRANT);
    out->class_most = count == 5 ? take_class_most(&u) : (enum rsm_class)0;
    return walk_took(walk, &u);
}

bool body_next_label(struct body_walk *walk, struct body_label *out)
{
    if (!walk_step(walk))
        return false;
    out->name = take_word(&walk->cursor, LIMIT_LABEL_SIZE);
    out->value = unpack_str(&walk->cursor, LIMIT_LABEL_SIZE);
    return unpack_ok(&walk->cursor);
}

bool body_next_type(struct body_walk *walk, uint16_t *out)
{
    if (!walk_step(walk))
        return false;
    *out = (uint16_t)unpack_uint_max(&walk->cursor, UINT16_MAX);
    return unpack_ok(&walk->cursor);
}

static uint32_t take_replica(struct unpack *u)
{
    uint64_t id = unpack_uint_max(u, UINT32_MAX);
    if (unpack_ok(u) && (id == 0 || id > REPLICA_MAX))
        unpack_fail(u, RSM_MALFORMED);
    return (uint32_t)id;
}

static uint64_t take_incarnation(struct unpack *u)
{
    uint64_t incarnation = take_number(u);
    if (unpack_ok(u) && incarnation == 0)
        unpack_fail(u, RSM_MALFORMED);
    return incarnation;
}

bool body_next_incarnation(struct body_walk *walk, struct body_incarnation *out)
{
    if (!walk_step(walk))
        return false;
    struct unpack u = unpack_make(unpack_raw(&walk->cursor));
    unpack_array_exactly(&u, 2);
    out->id = take_replica(&u);
    out->incarnation = take_incarnation(&u);
    return walk_took(walk, &u);
}

/* ---- decoders ---- */

enum rsm_status body_zone_decode(enum rsm_kind kind, struct bytes body, struct body_zone *out)
{
    bool is_label = kind == RSM_KIND_ZONE_LABEL;
    CHECK(kind == RSM_KIND_ZONE_CREATE || kind == RSM_KIND_ZONE_DELETE || is_label ||
          kind == RSM_KIND_RRSET_CHANGE);
    *out = (struct body_zone){.zone = {NULL, 0}};
    struct unpack u = unpack_make(body);
    unpack_array_exactly(&u, kind == RSM_KIND_ZONE_CREATE                ? 3
                             : kind == RSM_KIND_RRSET_CHANGE || is_label ? 2
                                                                         : 1);
    out->zone = take_name(&u);
    if (kind == RSM_KIND_ZONE_CREATE || is_label)
        out->labels = take_container(&u, true, LIMIT_LABELS_PER_ZONE);
    if (kind != RSM_KIND_ZONE_DELETE && !is_label)
        out->changes = take_last_list(&u, LIMIT_CHANGES);
    return finish(&u);
}

/* ---- zone.set ---- */

static const struct {
    const char *text;
    uint64_t most;
} SETTINGS[] = {[0] = {NULL, 0},
#define SETTING_ROW(name, number, text, most) [number] = {text, most},
                RSM_SETTING_LIST(SETTING_ROW)
#undef SETTING_ROW
};

#define SETTINGS_END (sizeof SETTINGS / sizeof SETTINGS[0])

const char *rsm_setting_text(enum rsm_setting setting)
{
    return setting > 0 && setting < SETTINGS_END ? SETTINGS[setting].text : "unknown";
}

bool rsm_setting_parse(struct rsm_bytes text, enum rsm_setting *setting_out)
{
    for (uint32_t i = 1; i < SETTINGS_END; i++) {
        *setting_out = (enum rsm_setting)i;
        if (bytes_equal(bytes_make(text.data, text.size), bytes_of_string(SETTINGS[i].text)))
            return true;
    }
    return false;
}

enum rsm_status body_zone_set_decode(struct bytes body, struct body_zone_set *out)
{
    *out = (struct body_zone_set){.zone = {NULL, 0}};
    struct unpack u = unpack_make(body);
    unpack_array_exactly(&u, 2);
    out->zone = take_name(&u);
    out->settings = take_container(&u, true, SETTINGS_END - 1);
    return finish(&u);
}

bool body_next_setting(struct body_walk *walk, struct body_setting *out)
{
    if (!walk_step(walk))
        return false;
    struct bytes name = unpack_str(&walk->cursor, LIMIT_LABEL_SIZE);
    out->value = unpack_uint(&walk->cursor);
    if (unpack_ok(&walk->cursor) &&
        (!rsm_setting_parse(rsm_bytes_make(name.data, name.size), &out->setting) ||
         out->value > SETTINGS[out->setting].most))
        unpack_fail(&walk->cursor, RSM_MALFORMED);
    return unpack_ok(&walk->cursor);
}

enum rsm_status body_takeover_decode(struct bytes body, struct body_takeover *out)
{
    *out = (struct body_takeover){.zone = {NULL, 0}};
    struct unpack u = unpack_make(body);
    unpack_array_exactly(&u, 4);
    out->zone = take_name(&u);
    out->from = take_word(&u, LIMIT_OWNER_SIZE);
    out->to = take_word(&u, LIMIT_OWNER_SIZE);
    out->scope = take_list(&u, LIMIT_CHANGES);
    return finish(&u);
}

enum rsm_status body_update_decode(struct bytes body, struct body_update *out)
{
    *out = (struct body_update){.zone = {NULL, 0}};
    struct unpack u = unpack_make(body);
    unpack_array_exactly(&u, 5);
    out->principal = unpack_str(&u, LIMIT_PRINCIPAL_SIZE);
    if (unpack_ok(&u) && out->principal.size > 0 && !body_is_word(out->principal))
        unpack_fail(&u, RSM_MALFORMED);
    out->request = unpack_bin(&u, RSM_REQUEST_SIZE);
    if (unpack_ok(&u) && out->request.size != 0 && out->request.size != RSM_REQUEST_SIZE)
        unpack_fail(&u, RSM_MALFORMED);
    out->zone = take_name(&u);
    out->prerequisites = take_list(&u, LIMIT_UPDATE_RECORDS);
    out->updates = take_list(&u, LIMIT_UPDATE_RECORDS);
    return finish(&u);
}

enum rsm_status body_observe_decode(struct bytes body, struct body_observe *out)
{
    *out = (struct body_observe){.zone = {NULL, 0}};
    struct unpack u = unpack_make(body);
    unpack_array_exactly(&u, 3);
    out->zone = take_name(&u);
    out->absent = take_list(&u, LIMIT_CHANGES);
    out->present = take_list(&u, LIMIT_CHANGES);
    return finish(&u);
}

static const char *const PRINCIPAL_KINDS[] = {
    [RSM_PRINCIPAL_PERSON] = "person",
    [RSM_PRINCIPAL_AUTOMATON] = "automaton",
    [RSM_PRINCIPAL_REPLICA] = "replica",
    [RSM_PRINCIPAL_GATEWAY] = "gateway",
};

static const char *const FREEZE_SCOPES[] = {
    [RSM_FREEZE_GLOBAL] = "global", [RSM_FREEZE_ZONE] = "zone", [RSM_FREEZE_AUTHOR] = "author",
    [RSM_FREEZE_AZ] = "az",         [RSM_FREEZE_KIND] = "kind",
};

const char *body_principal_kind_text(enum rsm_principal_kind kind)
{
    return kind >= RSM_PRINCIPAL_PERSON && kind <= RSM_PRINCIPAL_GATEWAY ? PRINCIPAL_KINDS[kind]
                                                                         : "unknown";
}

const char *body_freeze_scope_text(enum rsm_freeze_scope scope)
{
    return scope >= RSM_FREEZE_GLOBAL && scope <= RSM_FREEZE_KIND ? FREEZE_SCOPES[scope]
                                                                  : "unknown";
}

/* A text out of a table that begins at 1. */
static uint32_t take_choice(struct unpack *u, const char *const *texts, uint32_t last)
{
    struct bytes text = unpack_str(u, LIMIT_LABEL_SIZE);
    for (uint32_t i = 1; i <= last && unpack_ok(u); i++)
        if (bytes_equal(text, bytes_of_string(texts[i])))
            return i;
    unpack_fail(u, RSM_MALFORMED);
    return 0;
}

/* Nothing, or a pair for each; a rate without a burst would never let anything through. */
static void take_budget(struct unpack *u, struct rsm_budget budget[RSM_BUDGETS])
{
    uint32_t count = unpack_array(u);
    if (unpack_ok(u) && count != 0 && count != RSM_BUDGETS)
        unpack_fail(u, RSM_MALFORMED);
    for (uint32_t i = 0; i < count && unpack_ok(u); i++) {
        unpack_array_exactly(u, 2);
        budget[i].burst = unpack_uint_max(u, LIMIT_BUDGET);
        budget[i].per_hour = unpack_uint_max(u, LIMIT_BUDGET);
        if (unpack_ok(u) && (budget[i].burst == 0) != (budget[i].per_hour == 0))
            unpack_fail(u, RSM_MALFORMED);
    }
}

static struct bytes take_az(struct unpack *u)
{
    struct bytes az = unpack_str(u, LIMIT_LABEL_SIZE);
    if (unpack_ok(u) && az.size > 0 && !body_is_word(az))
        unpack_fail(u, RSM_MALFORMED);
    return az;
}

enum rsm_status body_principal_decode(enum rsm_kind kind, struct bytes body,
                                      struct body_principal *out)
{
    CHECK(kind == RSM_KIND_PRINCIPAL_SET || kind == RSM_KIND_PRINCIPAL_DELETE);
    *out = (struct body_principal){.name = {NULL, 0}};
    struct unpack u = unpack_make(body);
    unpack_array_exactly(&u, kind == RSM_KIND_PRINCIPAL_SET ? 7 : 1);
    out->name = take_word(&u, LIMIT_PRINCIPAL_SIZE);
    if (kind == RSM_KIND_PRINCIPAL_SET) {
        out->kind =
            (enum rsm_principal_kind)take_choice(&u, PRINCIPAL_KINDS, RSM_PRINCIPAL_GATEWAY);
        out->person = unpack_str(&u, LIMIT_PRINCIPAL_SIZE);
        out->az = take_az(&u);
        out->keys = take_list(&u, LIMIT_KEYS_PER_PRINCIPAL);
        out->roles = take_list(&u, LIMIT_ROLES_PER_PRINCIPAL);
        take_budget(&u, out->budget);
    }
    return finish(&u);
}

enum rsm_status body_principal_key_decode(enum rsm_kind kind, struct bytes body,
                                          struct body_principal_key *out)
{
    CHECK(kind == RSM_KIND_PRINCIPAL_KEY_ADD || kind == RSM_KIND_PRINCIPAL_KEY_REVOKE);
    struct unpack u = unpack_make(body);
    unpack_array_exactly(&u, 2);
    out->name = take_word(&u, LIMIT_PRINCIPAL_SIZE);
    out->key = unpack_bin_exactly(&u, RSM_PUBLIC_KEY_SIZE);
    return finish(&u);
}

enum rsm_status body_role_decode(enum rsm_kind kind, struct bytes body, struct body_role *out)
{
    CHECK(kind == RSM_KIND_ROLE_SET || kind == RSM_KIND_ROLE_DELETE);
    *out = (struct body_role){.name = {NULL, 0}};
    struct unpack u = unpack_make(body);
    unpack_array_exactly(&u, kind == RSM_KIND_ROLE_SET ? 2 : 1);
    out->name = take_word(&u, LIMIT_LABEL_SIZE);
    if (kind == RSM_KIND_ROLE_SET)
        out->grants = take_list(&u, LIMIT_GRANTS_PER_ROLE);
    return finish(&u);
}

enum rsm_status body_policy_decode(struct bytes body, struct bytes *map_out)
{
    struct unpack u = unpack_make(body);
    unpack_array_exactly(&u, 1);
    bool is_map = unpack_peek(&u) == UNPACK_MAP;
    *map_out = unpack_raw(&u);
    return unpack_ok(&u) && !is_map ? RSM_WRONG_TYPE : finish(&u);
}

enum rsm_status body_freeze_decode(enum rsm_kind kind, struct bytes body, struct body_freeze *out)
{
    bool is_resume = kind == RSM_KIND_FREEZE_RESUME;
    CHECK(is_resume || kind == RSM_KIND_FREEZE_SET || kind == RSM_KIND_FREEZE_CLEAR ||
          kind == RSM_KIND_FREEZE_TRIP);
    *out = (struct body_freeze){.id = {NULL, 0}};
    struct unpack u = unpack_make(body);
    unpack_array_exactly(&u, kind == RSM_KIND_FREEZE_SET ? 5 : is_resume ? 4 : 1);
    out->id = take_word(&u, LIMIT_LABEL_SIZE);
    if (is_resume) {
        out->az = take_az(&u);
        out->gradual = unpack_bool(&u);
        out->trips = take_number(&u);
    }
    if (kind != RSM_KIND_FREEZE_SET)
        return finish(&u);
    out->scope = (enum rsm_freeze_scope)take_choice(&u, FREEZE_SCOPES, RSM_FREEZE_KIND);
    if (out->scope == RSM_FREEZE_ZONE)
        out->subject = take_name(&u);
    else if (out->scope == RSM_FREEZE_AUTHOR)
        out->subject = take_word(&u, LIMIT_PRINCIPAL_SIZE);
    else if (out->scope == RSM_FREEZE_GLOBAL)
        out->subject = unpack_str(&u, 0);
    else
        out->subject = take_word(&u, LIMIT_LABEL_SIZE);
    out->everybody = unpack_bool(&u);
    out->until_ms = take_number(&u);
    return finish(&u);
}

enum rsm_status body_lease_decode(enum rsm_kind kind, struct bytes body, struct body_lease *out)
{
    CHECK(kind == RSM_KIND_LEASE_ACQUIRE || kind == RSM_KIND_LEASE_RENEW ||
          kind == RSM_KIND_LEASE_RELEASE);
    *out = (struct body_lease){.resource = {NULL, 0}};
    struct unpack u = unpack_make(body);
    unpack_array_exactly(&u, kind == RSM_KIND_LEASE_RENEW ? 3 : 2);
    out->resource = take_word(&u, LIMIT_LABEL_SIZE);
    if (kind != RSM_KIND_LEASE_ACQUIRE)
        out->token = take_number(&u);
    if (kind != RSM_KIND_LEASE_RELEASE)
        out->ttl_ms = take_number(&u);
    return finish(&u);
}

enum rsm_status body_plan_decode(enum rsm_kind kind, struct bytes body, struct body_plan *out)
{
    CHECK(kind == RSM_KIND_PLAN_PUBLISH || kind == RSM_KIND_PLAN_EXECUTE ||
          kind == RSM_KIND_PLAN_COLLECT);
    *out = (struct body_plan){.plan = {NULL, 0}};
    struct unpack u = unpack_make(body);
    unpack_array_exactly(&u, kind == RSM_KIND_PLAN_PUBLISH   ? 7
                             : kind == RSM_KIND_PLAN_EXECUTE ? 5
                                                             : 2);
    out->plan = take_word(&u, LIMIT_LABEL_SIZE);
    out->generation = take_number(&u);
    if (kind == RSM_KIND_PLAN_COLLECT)
        return finish(&u);
    if (kind == RSM_KIND_PLAN_PUBLISH) {
        out->parent = take_number(&u);
        out->zone = take_name(&u);
    }
    out->scope = take_list(&u, LIMIT_CHANGES);
    if (kind == RSM_KIND_PLAN_PUBLISH) {
        out->content = take_list(&u, LIMIT_CHANGES);
        out->complete = unpack_bool(&u);
    } else {
        out->lease = take_word(&u, LIMIT_LABEL_SIZE);
        out->token = take_number(&u);
    }
    return finish(&u);
}

enum rsm_status body_member_decode(enum rsm_kind kind, struct bytes body, struct body_member *out)
{
    bool is_add = kind == RSM_KIND_MEMBER_ADD;
    bool has_place = is_add || kind == RSM_KIND_MEMBER_UPDATE;
    bool has_known = is_add || kind == RSM_KIND_MEMBER_PROMOTE;
    CHECK(has_place || has_known || kind == RSM_KIND_MEMBER_REMOVE);
    *out = (struct body_member){.id = 0};
    struct unpack u = unpack_make(body);
    unpack_array_exactly(&u, is_add ? 7 : has_place ? 4 : has_known ? 2 : 1);
    out->id = take_replica(&u);
    if (has_place)
        out->zone = take_word(&u, LIMIT_LABEL_SIZE);
    if (is_add)
        out->key = unpack_bin_exactly(&u, RSM_PUBLIC_KEY_SIZE);
    if (has_place) {
        out->peer_address = take_address(&u, false);
        out->client_address = take_address(&u, true);
    }
    if (is_add)
        out->incarnation = take_incarnation(&u);
    if (has_known)
        out->known = take_list(&u, LIMIT_REPLICAS);
    return finish(&u);
}

/* ---- changes that wait ---- */

static const char *const CLASSES[] = {
    [RSM_CLASS_STANDARD] = "standard",
    [RSM_CLASS_CRITICAL] = "critical",
    [RSM_CLASS_EMERGENCY] = "emergency",
};

const char *body_class_text(enum rsm_class class)
{
    return class >= RSM_CLASS_STANDARD && class <= RSM_CLASS_EMERGENCY ? CLASSES[class] : "unknown";
}

bool body_class_parse(struct bytes text, enum rsm_class *out)
{
    for (uint32_t i = RSM_CLASS_STANDARD; i <= RSM_CLASS_EMERGENCY; i++) {
        *out = (enum rsm_class)i;
        if (bytes_equal(text, bytes_of_string(CLASSES[i])))
            return true;
    }
    return false;
}

bool body_may_be_requested(enum rsm_kind kind)
{
    switch (kind) {
    case RSM_KIND_ZONE_CREATE:
    case RSM_KIND_ZONE_DELETE:
    case RSM_KIND_ZONE_SET:
    case RSM_KIND_ZONE_LABEL:
    case RSM_KIND_RRSET_CHANGE:
    case RSM_KIND_RRSET_TAKEOVER:
    case RSM_KIND_SERVICE_SET:
    case RSM_KIND_SERVICE_DELETE:
    case RSM_KIND_PRINCIPAL_SET:
    case RSM_KIND_PRINCIPAL_DELETE:
    case RSM_KIND_PRINCIPAL_KEY_ADD:
    case RSM_KIND_PRINCIPAL_KEY_REVOKE:
    case RSM_KIND_ROLE_SET:
    case RSM_KIND_ROLE_DELETE:
    case RSM_KIND_FACTOR_ENROLL:
    case RSM_KIND_FACTOR_REVOKE:
    case RSM_KIND_POLICY_SET:
    case RSM_KIND_FREEZE_CLEAR:
    case RSM_KIND_FREEZE_RESUME:
    case RSM_KIND_PLAN_PUBLISH:
    case RSM_KIND_PLAN_EXECUTE:
    case RSM_KIND_PLAN_COLLECT:
    case RSM_KIND_MEMBER_ADD:
    case RSM_KIND_MEMBER_PROMOTE:
    case RSM_KIND_MEMBER_REMOVE:
    case RSM_KIND_MEMBER_UPDATE:
        return true;
    case RSM_KIND_FREEZE_SET: /* a brake works at once */
    case RSM_KIND_FREEZE_TRIP:
    case RSM_KIND_LEASE_ACQUIRE:
    case RSM_KIND_LEASE_RENEW:
    case RSM_KIND_LEASE_RELEASE:
    case RSM_KIND_RRSET_UPDATE:
    case RSM_KIND_RRSET_OBSERVE:
    case RSM_KIND_CHANGE_REQUEST:
    case RSM_KIND_CHANGE_VOTE:
    case RSM_KIND_CHANGE_APPROVE:
    case RSM_KIND_CHANGE_APPLY:
    case RSM_KIND_CHANGE_CANCEL:
    case RSM_KIND_OVERRIDE_STEP:
    case RSM_KIND_OVERRIDE_RECORD:
    case RSM_KIND_CLUSTER_RECOVER:
        return false;
    }
    return false;
}

enum rsm_status body_request_decode(struct bytes body, struct body_request *out)
{
    *out = (struct body_request){.body = {NULL, 0}};
    struct unpack u = unpack_make(body);
    uint32_t count = unpack_array(&u);
    if (unpack_ok(&u) && count != 5 && count != 6)
        unpack_fail(&u, RSM_WRONG_TYPE);
    struct bytes class = unpack_str(&u, LIMIT_LABEL_SIZE);
    if (unpack_ok(&u) && !body_class_parse(class, &out->class_least))
        unpack_fail(&u, RSM_MALFORMED);
    out->overrides = take_list(&u, LIMIT_OVERRIDES);
    struct rsm_bytes kind = bytes_to_public(unpack_str(&u, LIMIT_LABEL_SIZE));
    if (unpack_ok(&u) && rsm_kind_parse(kind, &out->kind) != RSM_OK)
        unpack_fail(&u, RSM_UNKNOWN_KIND);
    if (unpack_ok(&u) && !body_may_be_requested(out->kind))
        unpack_fail(&u, RSM_MALFORMED);
    out->body = unpack_raw(&u);
    struct bytes undone = unpack_bin(&u, HASH_SIZE);
    if (unpack_ok(&u) && undone.size != 0 && undone.size != HASH_SIZE)
        unpack_fail(&u, RSM_MALFORMED);
    out->undone = undone.size == HASH_SIZE ? undone.data : NULL;
    if (count == 6)
        out->restored = unpack_uint(&u);
    bool restores = out->kind == RSM_KIND_RRSET_CHANGE || out->kind == RSM_KIND_ZONE_CREATE;
    if (unpack_ok(&u) && count == 6 && (out->restored == 0 || !restores))
        unpack_fail(&u, RSM_MALFORMED); /* of nothing: five fields say that */
    return finish(&u);
}

enum rsm_status body_ballot_decode(enum rsm_kind kind, struct bytes body, struct body_ballot *out)
{
    bool is_vote = kind == RSM_KIND_CHANGE_VOTE;
    bool is_apply = kind == RSM_KIND_CHANGE_APPLY;
    CHECK(is_vote || is_apply || kind == RSM_KIND_CHANGE_APPROVE || kind == RSM_KIND_CHANGE_CANCEL);
    *out = (struct body_ballot){.change = NULL};
    struct unpack u = unpack_make(body);
    unpack_array_exactly(&u, is_vote ? 4 : kind == RSM_KIND_CHANGE_CANCEL ? 1 : 2);
    out->change = unpack_bin_exactly(&u, HASH_SIZE);
    if (is_apply)
        out->approvers = take_list(&u, LIMIT_APPROVERS);
    if (kind == RSM_KIND_CHANGE_APPROVE)
        body_factor_take(&u, &out->factor);
    if (is_vote) {
        out->yes = unpack_bool(&u);
        out->slot = take_number(&u);
        out->effect = unpack_bin_exactly(&u, HASH_SIZE);
    }
    return finish(&u);
}
