/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * update_request.c - which messages were applied lately.
 *
 *     TABLE_REQUEST   0, principal text, identity                 -> slot u64 | index u32
 *                     1, log time u64, principal text, identity   -> nothing
 *
 * Each update that is remembered forgets at most FORGET_MAX that are older than the window, so that
 * the table shrinks faster than it grows, and no command pays for many.
 */
#include "src/machine/update.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/check.h"

#define FORGET_MAX 4u
#define TIME_KEY_HEAD 9u /* 1, log time */

bool update_is_done(struct judge *j, const struct body_update *body)
{
    struct key key;
    struct bytes value;
    if (body->request.size == 0)
        return false;
    key_request(&key, judge_subject(j), body->request);
    if (!judge_found(j, kv_get(j->kv, TABLE_REQUEST, key_bytes(&key), &value)))
        return false;
    if (value.size != 12) {
        j->fault = RSM_DAMAGED;
        return true;
    }
    judge_refuse(j, RSM_RULE_REQUEST_DONE, "this message of %.*s was applied in slot %" PRIu64,
                 TEXT_ARGUMENTS(judge_subject(j)), get_u64(value.data));
    return true;
}

/* The oldest row by time; false: it is within the window, or there is none. */
static bool forget_oldest(struct judge *j)
{
    struct bytes key, value;
    struct key by_time, by_name = {.size = 0};
    if (!judge_found(j, kv_next(j->kv, TABLE_REQUEST, bytes_make("\1", 1), false, &key, &value)) ||
        key.size <= TIME_KEY_HEAD || key.size > sizeof by_time.data ||
        get_u64(key.data + 1) + RSM_REQUEST_WINDOW_MS >= j->now_ms)
        return false;
    by_time.size = key.size;
    memcpy(by_time.data, key.data, key.size);
    by_name.size = key.size - TIME_KEY_HEAD + 1;
    by_name.data[0] = 0;
    memcpy(by_name.data + 1, key.data + TIME_KEY_HEAD, key.size - TIME_KEY_HEAD);
    judge_del(j, TABLE_REQUEST, key_bytes(&by_time));
    judge_del(j, TABLE_REQUEST, key_bytes(&by_name));
    return true;
}

void update_remember(struct judge *j, const struct body_update *body)
{
    struct key key;
    uint8_t place[12];
    if (body->request.size == 0)
        return;
    for (uint32_t i = 0; i < FORGET_MAX && forget_oldest(j); i++)
        continue;
    put_u64(place, j->slot);
    put_u32(place + 8, j->index);
    key_request(&key, judge_subject(j), body->request);
    judge_put(j, TABLE_REQUEST, key_bytes(&key), bytes_make(place, sizeof place));
    key_request_time(&key, j->now_ms, judge_subject(j), body->request);
    judge_put(j, TABLE_REQUEST, key_bytes(&key), bytes_make(NULL, 0));
}
