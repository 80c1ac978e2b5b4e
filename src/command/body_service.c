/* SPDX-License-Identifier: Apache-2.0 */
/* body_service.c - see body_service.h. */
#include "src/command/body_service.h"

#include "src/base/check.h"
#include "src/base/limits.h"

static struct bytes take_word(struct unpack *u)
{
    struct bytes word = unpack_str(u, LIMIT_LABEL_SIZE);
    if (unpack_ok(u) && !body_is_word(word))
        unpack_fail(u, RSM_MALFORMED);
    return word;
}

static struct body_walk take_list(struct unpack *u)
{
    struct body_walk walk = {.cursor = unpack_make(unpack_raw(u))};
    if (!unpack_ok(u))
        return (struct body_walk){.left = 0};
    walk.left = unpack_array(&walk.cursor);
    if (!unpack_ok(&walk.cursor))
        unpack_fail(u, walk.cursor.status);
    else if (walk.left > LIMIT_SERVICE_NAMES)
        unpack_fail(u, RSM_TOO_MANY);
    return walk;
}

enum rsm_status body_service_decode(enum rsm_kind kind, struct bytes body, struct body_service *out)
{
    bool is_set = kind == RSM_KIND_SERVICE_SET;
    CHECK(is_set || kind == RSM_KIND_SERVICE_DELETE);
    *out = (struct body_service){.name = {NULL, 0}};
    struct unpack u = unpack_make(body);
    unpack_array_exactly(&u, is_set ? 5 : 1);
    out->name = take_word(&u);
    if (is_set) {
        out->owner = take_word(&u);
        out->tier = take_word(&u);
        out->names = take_list(&u);
        out->needs = take_list(&u);
    }
    if (!unpack_ok(&u))
        return u.status;
    return unpack_done(&u) ? RSM_OK : RSM_WRONG_TYPE;
}

static bool step(struct body_walk *walk)
{
    if (walk->left == 0 || !unpack_ok(&walk->cursor))
        return false;
    walk->left--;
    return true;
}

static struct bytes take_name(struct unpack *u)
{
    struct bytes name = unpack_bin(u, LIMIT_NAME_SIZE);
    if (unpack_ok(u) && !body_is_name(name))
        unpack_fail(u, RSM_MALFORMED);
    return name;
}

bool body_next_service_name(struct body_walk *walk, struct body_service_name *out)
{
    if (!step(walk))
        return false;
    unpack_array_exactly(&walk->cursor, 2);
    out->name = take_name(&walk->cursor);
    out->below = unpack_bool(&walk->cursor);
    return unpack_ok(&walk->cursor);
}

bool body_next_service_need(struct body_walk *walk, struct body_service_need *out)
{
    if (!step(walk))
        return false;
    *out = (struct body_service_need){.name = {NULL, 0}};
    if (unpack_peek(&walk->cursor) == UNPACK_BIN)
        out->name = take_name(&walk->cursor);
    else
        out->service = take_word(&walk->cursor);
    return unpack_ok(&walk->cursor);
}

enum rsm_status body_service_check(enum rsm_kind kind, struct bytes body)
{
    struct body_service service;
    struct body_service_name name;
    struct body_service_need need;
    enum rsm_status status = body_service_decode(kind, body, &service);
    if (status != RSM_OK || kind == RSM_KIND_SERVICE_DELETE)
        return status;
    while (body_next_service_name(&service.names, &name))
        continue;
    while (body_next_service_need(&service.needs, &need))
        continue;
    return unpack_ok(&service.names.cursor) ? service.needs.cursor.status
                                            : service.names.cursor.status;
}
