/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kind_resume.c - bringing automata back from a freeze, and stopping that (resume.h). */
#include "src/machine/judge.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/check.h"
#include "src/machine/resume.h"
#include "src/machine/staged.h"

struct az_list {
    uint32_t count;
    struct {
        uint8_t size;
        uint8_t name[LIMIT_LABEL_SIZE];
    } items[RESUME_ZONES_MAX];
};

static struct bytes az_at(const struct az_list *list, uint32_t i)
{
    return bytes_make(list->items[i].name, list->items[i].size);
}

/* In the order of their names, each once; what has no room comes last, with those of no zone. */
static void az_add(struct az_list *list, struct bytes az)
{
    uint32_t at = 0;
    while (at < list->count && bytes_compare(az_at(list, at), az) < 0)
        at++;
    if (az.size == 0 || list->count == RESUME_ZONES_MAX ||
        (at < list->count && bytes_equal(az_at(list, at), az)))
        return;
    memmove(&list->items[at + 1], &list->items[at], (list->count - at) * sizeof list->items[0]);
    list->items[at].size = (uint8_t)az.size;
    memcpy(list->items[at].name, az.data, az.size);
    list->count++;
}

/* Where automata run that the freeze stops. */
static void collect_azs(struct judge *j, const struct freeze_record *freeze, struct az_list *out)
{
    struct key place = {.size = 0};
    struct bytes name, value;
    out->count = 0;
    if (freeze->scope == RSM_FREEZE_AUTHOR)
        return; /* one automaton: it is the last one as well */
    while (judge_found(
        j, kv_next(j->kv, TABLE_PRINCIPAL, key_bytes(&place), place.size > 0, &name, &value))) {
        struct principal_record p;
        if (name.size > sizeof place.data || !judge_found(j, principal_decode(value, &p)))
            return;
        place.size = name.size;
        memcpy(place.data, name.data, name.size);
        if (p.kind == RSM_PRINCIPAL_AUTOMATON &&
            (freeze->scope != RSM_FREEZE_AZ || bytes_equal(freeze->subject, p.az)))
            az_add(out, p.az);
    }
}

/* When the next zone may begin: behind those that are watched, or wait. */
static uint64_t next_begin(struct judge *j, struct bytes id)
{
    struct key place = {.size = 0};
    struct resume_item item;
    struct bytes az;
    uint64_t begin_ms = j->now_ms;
    while (!MUTANT(RESUME_ALL_AT_ONCE) &&
           judge_found(j, resume_next(j->kv, id, &place, &az, &item)))
        begin_ms = item.end_ms > begin_ms ? item.end_ms : begin_ms;
    return begin_ms;
}

/* False: the zone has a row already. */
static bool bring_back(struct judge *j, const struct body_freeze *body, struct bytes az)
{
    struct bytes value;
    struct key key;
    key_resume(&key, body->id, az);
    if (judge_found(j, kv_get(j->kv, TABLE_RESUME, key_bytes(&key), &value)))
        return false;
    struct resume_item item = {.begin_ms = j->now_ms, .end_ms = j->now_ms};
    if (body->gradual) {
        item.begin_ms = next_begin(j, body->id);
        item.end_ms = item.begin_ms + j->policy.resume_watch_ms;
    }
    struct writer w;
    writer_init(&w, 64);
    resume_encode(&w, &item);
    judge_put_writer(j, TABLE_RESUME, key_bytes(&key), &w);
    writer_deinit(&w);
    return true;
}

/* What stands against it, before anything is written. */
static void check_resume(struct judge *j, const struct body_freeze *body,
                         const struct freeze_record *freeze)
{
    if (freeze->everybody)
        judge_refuse(j, RSM_RULE_RESUME,
                     "freeze %.*s stops people too, a resume brings automata back; set it again "
                     "without everybody, or clear it",
                     TEXT_ARGUMENTS(body->id));
    if (freeze->until_ms != 0 && j->now_ms >= freeze->until_ms)
        judge_refuse(j, RSM_RULE_RESUME, "freeze %.*s ended at log time %" PRIu64 "; clear it",
                     TEXT_ARGUMENTS(body->id), freeze->until_ms);
    if (body->az.size == 0 && !body->gradual)
        judge_refuse(j, RSM_RULE_RESUME, "all at once is no resume; clear freeze %.*s",
                     TEXT_ARGUMENTS(body->id));
    if (body->trips != freeze->trips && !MUTANT(RESUME_UNSEEN_TRIP))
        judge_refuse(j, RSM_RULE_STALE,
                     "freeze %.*s was set again in slot %" PRIu64 " (%" PRIu64
                     " times in all, the author knows of %" PRIu64
                     "): %.*s; look into it, then resume again",
                     TEXT_ARGUMENTS(body->id), freeze->tripped_slot, freeze->trips, body->trips,
                     TEXT_ARGUMENTS(freeze->trip_cause));
}

/* The zones that the command names, one after the other. */
static void bring_all_back(struct judge *j, const struct body_freeze *body,
                           const struct freeze_record *freeze)
{
    struct az_list azs;
    bool is_known = false, is_any = false;
    bool is_all = body->az.size == 0 || freeze->scope == RSM_FREEZE_AZ;
    collect_azs(j, freeze, &azs);
    for (uint32_t i = 0; i < azs.count; i++) {
        bool is_named = bytes_equal(az_at(&azs, i), body->az);
        is_known |= is_named;
        if (body->az.size == 0 || is_named)
            is_any |= bring_back(j, body, az_at(&azs, i));
    }
    if (body->az.size > 0 && !is_known) {
        judge_refuse(j, RSM_RULE_RESUME,
                     "freeze %.*s stops no automaton of %.*s; see principal list",
                     TEXT_ARGUMENTS(body->id), TEXT_ARGUMENTS(body->az));
        return;
    }
    if (is_all)
        is_any |= bring_back(j, body, (struct bytes){NULL, 0});
    if (!is_any)
        judge_refuse(j, RSM_RULE_NO_CHANGE, "automata of %.*s come back already, or are back",
                     TEXT_ARGUMENTS(body->az));
}

static void put_resumed(struct judge *j, const struct body_freeze *body, bool is_watched)
{
    struct freeze_record freeze;
    struct bytes value;
    struct writer *copy = &j->m->copy;
    if (!judge_found(j, kv_get(j->kv, TABLE_FREEZE, body->id, &value)))
        return;
    writer_reset(copy);
    writer_bytes(copy, value);
    if (!judge_found(j, freeze_decode(writer_result(copy), &freeze)))
        return;
    if (freeze.resumed_ms == 0)
        (void)judge_found(j, resume_count_add(j->kv, 1));
    freeze.refused = is_watched ? freeze.refused : 0;
    freeze.resumed_ms = j->now_ms;
    freeze.until_ms = 0; /* the way back is the end */
    writer_reset(&j->m->value);
    freeze_encode(&j->m->value, &freeze);
    judge_put_writer(j, TABLE_FREEZE, body->id, &j->m->value);
}

void kind_freeze_resume(struct judge *j)
{
    struct body_freeze body;
    struct freeze_record freeze;
    struct bytes value;
    bool is_watched = false;
    enum rsm_status status = body_freeze_decode(j->command->kind, j->command->body, &body);
    CHECK(status == RSM_OK);
    bool is_there = judge_found(j, kv_get(j->kv, TABLE_FREEZE, body.id, &value));
    writer_reset(&j->m->copy);
    if (is_there)
        writer_bytes(&j->m->copy, value);
    if (is_there && !judge_found(j, freeze_decode(writer_result(&j->m->copy), &freeze)))
        return;
    if (is_there && freeze.scope == RSM_FREEZE_ZONE)
        rule_rights_zone(j, freeze.subject);
    else
        rule_rights_general(j);
    rule_freeze(j, (struct bytes){NULL, 0});
    rule_causal_object(j, OBJECT_FREEZE, body.id, NULL);
    if (!is_there) {
        judge_refuse(j, RSM_RULE_FREEZE_UNKNOWN, "there is no freeze %.*s",
                     TEXT_ARGUMENTS(body.id));
        return;
    }
    check_resume(j, &body, &freeze);
    (void)judge_found(j, resume_is_running(j->kv, body.id, j->now_ms, &is_watched));
    bring_all_back(j, &body, &freeze);
    put_resumed(j, &body, is_watched);
    procedure_before_resume(j, body.id);
    object_write(j, OBJECT_FREEZE, body.id);
}

void kind_freeze_trip(struct judge *j)
{
    struct body_freeze body;
    struct key place = {.size = 0};
    struct bytes id, value;
    bool is_any = false;
    enum rsm_status status = body_freeze_decode(j->command->kind, j->command->body, &body);
    CHECK(status == RSM_OK);
    if (replica_of_author(j->command->author) == 0)
        judge_refuse(j, RSM_RULE_RIGHTS, "%.*s is no replica; freeze automation by freeze.set",
                     TEXT_ARGUMENTS(j->command->author));
    while (judge_found(
        j, kv_next(j->kv, TABLE_FREEZE, key_bytes(&place), place.size > 0, &id, &value))) {
        struct freeze_record freeze;
        bool is_running = false;
        place.size = id.size;
        memcpy(place.data, id.data, id.size);
        writer_reset(&j->m->copy);
        writer_bytes(&j->m->copy, value);
        if (!judge_found(j, freeze_decode(writer_result(&j->m->copy), &freeze)))
            return;
        if (freeze.resumed_ms != 0)
            (void)judge_found(j,
                              resume_is_running(j->kv, key_bytes(&place), j->now_ms, &is_running));
        if (!is_running)
            continue;
        (void)judge_found(j, resume_trip(j->kv, key_bytes(&place), &freeze, j->slot, body.id));
        object_write(j, OBJECT_FREEZE, key_bytes(&place));
        is_any = true;
    }
    if (!is_any)
        judge_refuse(j, RSM_RULE_NO_CHANGE, "no automaton comes back from a freeze now");
}
