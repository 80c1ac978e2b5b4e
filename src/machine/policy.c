/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy.c - the policy (see policy.h).
 *
 *     TABLE_POLICY  "policy"     canonical map of the numbers that are set
 *                   "protected"  the list as it was given; TABLE_PROTECTED has it by key
 *                   other lists  as they were given
 *
 * The list stands apart: every command reads the numbers, and the list may be long.
 */
#include "src/machine/policy.h"

#include <inttypes.h>
#include <string.h>

#include "src/command/body.h"
#include "src/command/pack.h"
#include "src/command/unpack.h"
#include "src/machine/judge.h"
#include "src/machine/policy_limit.h"

#define NUMBERS bytes_of_string("policy")
#define PROTECTED bytes_of_string("protected")
#define CLASSES bytes_of_string("classes")
#define LIMITS bytes_of_string("limits")
#define TIMES bytes_of_string("times")
#define GROUPS bytes_of_string("approval_groups")
#define NUMBERS_SIZE_MAX 4096u

struct number {
    const char *name;
    uint64_t least, most, initial;
    size_t offset; /* in struct policy */
};

/* In the order of policy.h; the map needs its keys sorted, see sort_numbers. */
static const struct number numbers[] = {
#define POLICY_NUMBER(name, least, most, initial)                                                  \
    {#name, least, most, initial, offsetof(struct policy, name)},
    POLICY_LIST(POLICY_NUMBER)
#undef POLICY_NUMBER
};

#define NUMBER_COUNT (sizeof numbers / sizeof *numbers)

static uint64_t *field(struct policy *p, const struct number *n)
{
    return (uint64_t *)(void *)((uint8_t *)p + n->offset);
}

static const struct number *find_number(struct bytes name)
{
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        if (bytes_equal(name, bytes_of_string(numbers[i].name)))
            return &numbers[i];
    }
    return NULL;
}

/* The numbers that are set: bit i stands for numbers[i]. */
static enum rsm_status load(struct kv *kv, struct policy *out, uint64_t *set_out)
{
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        *field(out, &numbers[i]) = numbers[i].initial;
    *set_out = 0;
    struct bytes map;
    enum rsm_status status = kv_get(kv, TABLE_POLICY, NUMBERS, &map);
    if (status != RSM_OK)
        return status == RSM_NOT_FOUND ? RSM_OK : status;
    struct unpack u = unpack_make(map);
    for (uint32_t left = unpack_map(&u); left > 0 && unpack_ok(&u); left--) {
        const struct number *n = find_number(unpack_str(&u, LIMIT_LABEL_SIZE));
        if (n == NULL)
            return RSM_DAMAGED;
        *field(out, n) = unpack_uint_max(&u, n->most);
        *set_out |= UINT64_C(1) << (n - numbers);
    }
    return unpack_done(&u) ? RSM_OK : RSM_DAMAGED;
}

enum rsm_status policy_load(struct kv *kv, struct policy *out)
{
    uint64_t set;
    return load(kv, out, &set);
}

enum rsm_status policy_list(struct kv *kv, enum policy_list list, struct bytes *list_out)
{
    const char *name = list == POLICY_LIST_CLASSES  ? "classes"
                       : list == POLICY_LIST_LIMITS ? "limits"
                                                    : "times";
    return kv_get(kv, TABLE_POLICY, bytes_of_string(name), list_out);
}

/* Indices of numbers in the order of their names. */
static void sort_numbers(size_t order[NUMBER_COUNT])
{
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        size_t at = i;
        while (at > 0 && strcmp(numbers[order[at - 1]].name, numbers[i].name) > 0) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
}

/* In the order of their names. */
static const char *const lists[] = {"approval_groups", "classes", "limits", "protected", "times"};

#define LIST_COUNT (sizeof lists / sizeof *lists)

static enum rsm_status encode_list(struct kv *kv, const char *name, struct writer *out)
{
    struct bytes list;
    enum rsm_status status = kv_get(kv, TABLE_POLICY, bytes_of_string(name), &list);
    if (status != RSM_OK && status != RSM_NOT_FOUND)
        return status;
    pack_text(out, name);
    if (status == RSM_OK)
        pack_raw(out, list);
    else
        pack_array(out, 0);
    return RSM_OK;
}

enum rsm_status policy_encode(struct kv *kv, struct writer *out)
{
    struct policy policy;
    enum rsm_status status = policy_load(kv, &policy);
    if (status != RSM_OK)
        return status;
    size_t order[NUMBER_COUNT];
    sort_numbers(order);
    pack_map(out, NUMBER_COUNT + LIST_COUNT);
    size_t list = 0;
    for (size_t i = 0; i <= NUMBER_COUNT && status == RSM_OK; i++) {
        const struct number *n = i < NUMBER_COUNT ? &numbers[order[i]] : NULL;
        while (status == RSM_OK && list < LIST_COUNT &&
               (n == NULL || strcmp(n->name, lists[list]) > 0))
            status = encode_list(kv, lists[list++], out);
        if (n != NULL && status == RSM_OK) {
            pack_text(out, n->name);
            pack_uint(out, *field(&policy, n));
        }
    }
    if (status != RSM_OK)
        return status;
    return out->failed ? RSM_TOO_LARGE : RSM_OK;
}

enum rsm_status policy_floor(struct kv *kv, struct bytes zone, struct bytes owner, uint16_t type,
                             uint32_t *floor_out)
{
    struct key key;
    struct bytes value;
    *floor_out = 0;
    key_protected(&key, zone, owner, type);
    enum rsm_status status = kv_get(kv, TABLE_PROTECTED, key_bytes(&key), &value);
    if (status != RSM_OK)
        return status == RSM_NOT_FOUND ? RSM_OK : status;
    if (value.size != 4)
        return RSM_DAMAGED;
    *floor_out = get_u32(value.data);
    return RSM_OK;
}

/* Size of the wire name at the beginning of a key; 0 when there is none. */
static size_t leading_name(struct bytes key)
{
    size_t offset = 0;
    while (offset < key.size && key.data[offset] != 0)
        offset += 1u + key.data[offset];
    return offset < key.size ? offset + 1 : 0;
}

enum rsm_status policy_next_protected(struct kv *kv, struct bytes zone, struct key *place,
                                      struct policy_protected *out)
{
    struct bytes key, value;
    bool is_first = place->size == 0;
    struct bytes from = is_first ? zone : key_bytes(place);
    enum rsm_status status = kv_next(kv, TABLE_PROTECTED, from, !is_first, &key, &value);
    if (status != RSM_OK)
        return status;
    if (!key_begins_with(key, zone))
        return RSM_NOT_FOUND;
    size_t zone_size = leading_name(key);
    if (zone_size == 0 || key.size < zone_size + 2 || value.size != 4 ||
        key.size - 2 > LIMIT_NAME_SIZE + zone_size || key.size > sizeof place->data)
        return RSM_DAMAGED;
    place->size = key.size;
    memcpy(place->data, key.data, key.size);
    size_t labels = key.size - 2 - zone_size;
    if (labels + zone_size > sizeof out->buffer)
        return RSM_DAMAGED;
    memcpy(out->buffer, place->data + zone_size, labels);
    memcpy(out->buffer + labels, place->data, zone_size);
    out->zone = bytes_make(place->data, zone_size);
    out->owner = bytes_make(out->buffer, labels + zone_size);
    out->type = get_u16(place->data + place->size - 2);
    out->floor = get_u32(value.data);
    return RSM_OK;
}

/* ---- setting ---- */

/* `reasons` is NULL when the list is known to be good. */
#define refuse(reasons, ...)                                                                       \
    do {                                                                                           \
        if ((reasons) != NULL)                                                                     \
            reasons_add((reasons), RSM_RULE_POLICY_BAD, __VA_ARGS__);                              \
    } while (0)

/* One item of "protected"; false: refused. */
static bool take_protected(struct unpack *u, struct policy_protected *out, struct reasons *reasons)
{
    unpack_array_exactly(u, 4);
    out->zone = unpack_bin(u, LIMIT_NAME_SIZE);
    out->owner = unpack_bin(u, LIMIT_NAME_SIZE);
    out->type = (uint16_t)unpack_uint_max(u, UINT16_MAX);
    out->floor = (uint32_t)unpack_uint_max(u, LIMIT_RRSET_RECORDS);
    if (!unpack_ok(u)) {
        refuse(reasons, "protected: each is [zone bin, owner bin, type uint, floor uint]");
        return false;
    }
    if (!body_is_name(out->zone) || !body_is_name(out->owner) ||
        !name_is_at_or_below(out->owner, out->zone) || out->floor == 0) {
        refuse(reasons, "protected: names are wire names in lower case, the owner inside the zone, "
                        "the floor 1 or more");
        return false;
    }
    return true;
}

static void check_protected(struct unpack *u, struct reasons *reasons)
{
    uint32_t count = unpack_array(u);
    if (!unpack_ok(u)) {
        refuse(reasons, "protected is not an array");
        return;
    }
    if (count > POLICY_PROTECTED_MAX)
        refuse(reasons, "protected: %" PRIu32 " items, at most %u", count, POLICY_PROTECTED_MAX);
    struct policy_protected item;
    while (count > 0 && take_protected(u, &item, reasons))
        count--;
}

static void check_number(struct unpack *u, const struct number *n, struct reasons *reasons)
{
    uint64_t value = unpack_uint(u);
    if (!unpack_ok(u))
        refuse(reasons, "%s is not an unsigned integer", n->name);
    else if (value < n->least || value > n->most)
        refuse(reasons, "%s is %" PRIu64 ", but must be %" PRIu64 " to %" PRIu64, n->name, value,
               n->least, n->most);
}

static void check(struct bytes map, struct reasons *reasons)
{
    struct unpack u = unpack_make(map);
    for (uint32_t left = unpack_map(&u); left > 0 && unpack_ok(&u); left--) {
        struct bytes name = unpack_str(&u, LIMIT_LABEL_SIZE);
        struct unpack value = unpack_make(unpack_raw(&u));
        const struct number *n = find_number(name);
        if (!unpack_ok(&u)) {
            refuse(reasons, "a key is longer than %u bytes", LIMIT_LABEL_SIZE);
            return;
        }
        if (unpack_peek(&value) == UNPACK_NIL)
            continue;
        if (n != NULL)
            check_number(&value, n, reasons);
        else if (bytes_equal(name, PROTECTED))
            check_protected(&value, reasons);
        else if (bytes_equal(name, LIMITS))
            policy_limits_check(&value, reasons);
        else if (bytes_equal(name, TIMES))
            policy_times_check(&value, reasons);
        else if (bytes_equal(name, CLASSES))
            policy_class_check(&value, reasons);
        else if (bytes_equal(name, GROUPS))
            policy_groups_check(&value, reasons);
        else
            refuse(reasons, "%.*s is no policy", TEXT_ARGUMENTS(name));
    }
}

static enum rsm_status clear_protected(struct kv *kv)
{
    struct bytes key, value;
    enum rsm_status status;
    while ((status = kv_next(kv, TABLE_PROTECTED, (struct bytes){NULL, 0}, false, &key, &value)) ==
           RSM_OK) {
        struct key copy = {.size = key.size};
        if (key.size > sizeof copy.data)
            return RSM_DAMAGED;
        memcpy(copy.data, key.data, key.size);
        status = kv_del(kv, TABLE_PROTECTED, key_bytes(&copy));
        if (status != RSM_OK)
            return status;
    }
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

/* TABLE_PROTECTED has the list by key. */
static enum rsm_status index_protected(struct kv *kv, struct unpack list)
{
    enum rsm_status status = clear_protected(kv);
    if (unpack_peek(&list) == UNPACK_NIL)
        return status;
    for (uint32_t left = unpack_array(&list); left > 0 && status == RSM_OK; left--) {
        struct policy_protected item;
        struct key key;
        uint8_t floor[4];
        if (!take_protected(&list, &item, NULL))
            return RSM_DAMAGED; /* was checked */
        key_protected(&key, item.zone, item.owner, item.type);
        put_u32(floor, item.floor);
        status = kv_put(kv, TABLE_PROTECTED, key_bytes(&key), bytes_make(floor, sizeof floor));
    }
    return status;
}

static enum rsm_status set_list(struct kv *kv, struct bytes name, struct bytes raw, bool *changed)
{
    struct bytes before;
    struct unpack u = unpack_make(raw);
    bool is_reset = unpack_nil(&u);
    enum rsm_status status = kv_get(kv, TABLE_POLICY, name, &before);
    if (status != RSM_OK && status != RSM_NOT_FOUND)
        return status;
    if (is_reset ? status == RSM_NOT_FOUND : status == RSM_OK && bytes_equal(before, raw))
        return RSM_OK;
    *changed = true;
    status = bytes_equal(name, PROTECTED) ? index_protected(kv, unpack_make(raw)) : RSM_OK;
    if (status != RSM_OK)
        return status;
    return is_reset ? kv_del(kv, TABLE_POLICY, name) : kv_put(kv, TABLE_POLICY, name, raw);
}

static enum rsm_status put_numbers(struct kv *kv, struct policy *policy, uint64_t set)
{
    struct writer w;
    size_t order[NUMBER_COUNT];
    uint32_t count = 0;
    sort_numbers(order);
    writer_init(&w, NUMBERS_SIZE_MAX);
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        count += (uint32_t)(set >> i & 1u);
    pack_map(&w, count);
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        if ((set >> order[i] & 1u) == 0)
            continue;
        pack_text(&w, numbers[order[i]].name);
        pack_uint(&w, *field(policy, &numbers[order[i]]));
    }
    enum rsm_status status = kv_put(kv, TABLE_POLICY, NUMBERS, writer_result(&w));
    writer_deinit(&w);
    return status;
}

static enum rsm_status apply(struct kv *kv, struct bytes map, bool *changed)
{
    struct policy policy;
    uint64_t set;
    enum rsm_status status = load(kv, &policy, &set);
    struct unpack u = unpack_make(map);
    for (uint32_t left = unpack_map(&u); left > 0 && status == RSM_OK; left--) {
        struct bytes name = unpack_str(&u, LIMIT_LABEL_SIZE);
        struct bytes raw = unpack_raw(&u);
        const struct number *n = find_number(name);
        if (n == NULL) {
            status = set_list(kv, name, raw, changed);
            continue;
        }
        struct unpack value = unpack_make(raw);
        uint64_t bit = UINT64_C(1) << (n - numbers);
        bool is_reset = unpack_nil(&value);
        uint64_t number = is_reset ? n->initial : unpack_uint(&value);
        *changed |= number != *field(&policy, n) || is_reset != ((set & bit) == 0);
        *field(&policy, n) = number;
        set = is_reset ? set & ~bit : set | bit;
    }
    return status == RSM_OK && *changed ? put_numbers(kv, &policy, set) : status;
}

enum rsm_status policy_set(struct kv *kv, struct bytes map, struct reasons *reasons,
                           bool *changed_out)
{
    uint32_t before = reasons->count;
    *changed_out = false;
    check(map, reasons);
    if (reasons->count > before)
        return RSM_OK;
    enum rsm_status status = apply(kv, map, changed_out);
    if (status != RSM_OK)
        return status;
    struct policy policy;
    status = policy_load(kv, &policy);
    if (status == RSM_OK && policy.ttl_min > policy.ttl_max)
        refuse(reasons, "ttl_min %" PRIu64 " is above ttl_max %" PRIu64, policy.ttl_min,
               policy.ttl_max);
    return status;
}
