/* SPDX-License-Identifier: GPL-3.0-or-later */
/* policy_limit.c - the lists "limits" and "times" (see policy_limit.h). */
#include "src/machine/policy_limit.h"

#include <string.h>

#include "src/base/limits.h"
#include "src/command/body.h"

#define DAY_MINUTES 1440u
#define MINUTE_MS 60000u
#define OFFSET_MAX (DAY_MINUTES + 14u * 60u) /* no place on earth is further from UTC */

static struct bytes take_word(struct unpack *u, bool may_be_empty)
{
    struct bytes word = unpack_str(u, LIMIT_LABEL_SIZE);
    if (unpack_ok(u) && !body_is_word(word) && !(may_be_empty && word.size == 0))
        unpack_fail(u, RSM_MALFORMED);
    return word;
}

static struct bytes take_zone(struct unpack *u)
{
    struct bytes zone = unpack_bin(u, LIMIT_NAME_SIZE);
    if (unpack_ok(u) && zone.size > 0 && !body_is_name(zone))
        unpack_fail(u, RSM_MALFORMED);
    return zone;
}

static enum limit_who take_who(struct unpack *u)
{
    static const char *const words[] = {"", "change", "author", "automata"};
    struct bytes who = unpack_str(u, LIMIT_LABEL_SIZE);
    for (uint32_t i = LIMIT_CHANGE; i <= LIMIT_AUTOMATA; i++) {
        if (bytes_equal(who, bytes_of_string(words[i])))
            return (enum limit_who)i;
    }
    unpack_fail(u, RSM_MALFORMED);
    return LIMIT_CHANGE;
}

bool policy_limit_take(struct unpack *list, struct policy_limit *out)
{
    struct unpack u = unpack_make(unpack_raw(list));
    unpack_array_exactly(&u, 10);
    out->name = take_word(&u, false);
    if (out->name.size > LIMIT_NAME_MAX)
        unpack_fail(&u, RSM_TOO_LARGE);
    out->who = take_who(&u);
    out->acts = (uint32_t)unpack_uint_max(&u, LIMIT_ADD | LIMIT_ALTER | LIMIT_DELETE);
    out->zone = take_zone(&u);
    out->label = take_word(&u, true);
    out->value = take_word(&u, true);
    out->count = unpack_uint_max(&u, UINT32_MAX);
    out->share = unpack_uint_max(&u, 1000);
    out->window_ms = unpack_uint_max(&u, LIMIT_WINDOW_MS_MAX);
    out->existing = unpack_uint_max(&u, UINT32_MAX);
    bool has_window = out->window_ms >= LIMIT_WINDOW_MS_MIN;
    return unpack_ok(list) && unpack_done(&u) && out->acts != 0 && out->count + out->share > 0 &&
           (out->who == LIMIT_CHANGE ? out->window_ms == 0 : has_window) &&
           (out->label.size > 0 || out->value.size == 0);
}

bool policy_time_take(struct unpack *list, struct policy_time *out)
{
    struct unpack u = unpack_make(unpack_raw(list));
    unpack_array_exactly(&u, 8);
    out->zone = take_zone(&u);
    struct bytes who = unpack_str(&u, LIMIT_LABEL_SIZE);
    out->is_for_automata = bytes_equal(who, bytes_of_string("automata"));
    out->days = (uint32_t)unpack_uint_max(&u, 127);
    out->from = (uint32_t)unpack_uint_max(&u, DAY_MINUTES);
    out->to = (uint32_t)unpack_uint_max(&u, DAY_MINUTES);
    out->offset = (uint32_t)unpack_uint_max(&u, OFFSET_MAX);
    out->label = take_word(&u, true);
    out->value = take_word(&u, true);
    return unpack_ok(list) && unpack_done(&u) && out->days != 0 && out->from < out->to &&
           out->offset >= DAY_MINUTES - 14u * 60u &&
           (out->label.size > 0 || out->value.size == 0) &&
           (out->is_for_automata || bytes_equal(who, bytes_of_string("all")));
}

void policy_limits_check(struct unpack *list, struct reasons *reasons)
{
    uint32_t count = unpack_array(list);
    struct bytes before[POLICY_LIMITS_MAX];
    bool is_good = unpack_ok(list) && count <= POLICY_LIMITS_MAX;
    for (uint32_t i = 0; is_good && i < count; i++) {
        struct policy_limit limit;
        is_good = policy_limit_take(list, &limit);
        before[i] = limit.name;
        for (uint32_t k = 0; k < i && is_good; k++)
            is_good = !bytes_equal(before[k], limit.name);
    }
    if (!is_good)
        reasons_add(reasons, RSM_RULE_POLICY_BAD,
                    "limits: at most %u items with names of their own, each [name, \"change\", "
                    "\"author\" or \"automata\", acts 1 to 7, zone bin, label, value, count, share "
                    "up to 1000, window_ms (0 for a change, else %u to 31 days), existing]; a "
                    "count or a share is needed",
                    POLICY_LIMITS_MAX, LIMIT_WINDOW_MS_MIN);
}

void policy_times_check(struct unpack *list, struct reasons *reasons)
{
    uint32_t count = unpack_array(list);
    bool is_good = unpack_ok(list) && count <= POLICY_TIMES_MAX;
    struct policy_time time;
    for (; is_good && count > 0; count--)
        is_good = policy_time_take(list, &time);
    if (!is_good)
        reasons_add(reasons, RSM_RULE_POLICY_BAD,
                    "times: at most %u items, each [zone bin, \"all\" or \"automata\", days 1 to "
                    "127, from below to, minutes of the day, offset 600 to 2280 (1440 is UTC), "
                    "label, value]",
                    POLICY_TIMES_MAX);
}

/* ---- windows ---- */

void velocity_encode(struct writer *out, const struct velocity *v)
{
    writer_u64(out, v->period);
    for (size_t i = 0; i <= LIMIT_PARTS; i++)
        writer_u64(out, v->counts[i]);
}

enum rsm_status velocity_decode(struct bytes value, struct velocity *out)
{
    struct reader r = reader_make(value);
    out->period = reader_u64(&r);
    for (size_t i = 0; i <= LIMIT_PARTS; i++)
        out->counts[i] = reader_u64(&r);
    return reader_done(&r) ? RSM_OK : RSM_DAMAGED;
}

/* counts[0] is of the open part, counts[i] of the i-th before it. */
uint64_t velocity_sum(struct velocity *v, uint64_t window_ms, uint64_t now_ms)
{
    uint64_t period = now_ms / (window_ms / LIMIT_PARTS);
    uint64_t steps = period > v->period ? period - v->period : 0;
    uint64_t sum = 0;
    for (size_t i = LIMIT_PARTS + 1; i > 0; i--)
        v->counts[i - 1] = i - 1 >= steps ? v->counts[i - 1 - steps] : 0;
    v->period += steps;
    for (size_t i = 0; i <= LIMIT_PARTS; i++)
        sum += v->counts[i];
    return sum;
}

/* ---- times ---- */

bool policy_time_is_in(const struct policy_time *t, uint64_t now_ms, uint64_t *next_ms_out)
{
    uint64_t minutes = now_ms / MINUTE_MS + t->offset; /* a day ahead of local time */
    uint64_t day = minutes / DAY_MINUTES;
    uint64_t minute = minutes % DAY_MINUTES;
    for (uint64_t ahead = 0; ahead <= 7; ahead++) {
        uint64_t weekday = (day + ahead + 2) % 7; /* day 1, 1 January 1970, was a Thursday: 3 */
        if ((t->days >> weekday & 1u) == 0)
            continue;
        if (ahead == 0 && minute >= t->from && minute < t->to)
            return true;
        if (ahead == 0 && minute >= t->from)
            continue;
        *next_ms_out = ((day + ahead) * DAY_MINUTES + t->from - t->offset) * MINUTE_MS;
        return false;
    }
    *next_ms_out = 0; /* not reached: a day of the week is set, and comes again within 7 days */
    return false;
}
