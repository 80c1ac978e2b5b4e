/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rule_cycle.c - no chain of aliases leads back to itself, over all zones, after the change.
 *
 * Each name has at most one next name: its CNAME's target, the rewriting by a DNAME above it
 * (RFC 6672 2.2), or the target of a wildcard CNAME when the name is not there (RFC 4592). So no
 * depth-first search is needed: from each name that changed, follow the chain, with a set of names
 * that were seen. Seen in this walk: a cycle, and the walk's names from there on are its path. Seen
 * in an earlier walk: that one ended well. No recursion, each name is visited once.
 *
 * A new cycle goes through a changed name, so that walking from those finds it, with one case to be
 * looked for: a new DNAME rewrites names that nobody listed. The walk begins at a made-up name
 * below it, and at the aliases below its target.
 *
 * Dependencies between commands cannot be a cycle: each has a lower Lamport clock (rule 1).
 */
#include "src/machine/judge.h"

#include <string.h>

#include "src/base/check.h"
#include "src/machine/names.h"

/* Names of all walks of one command. 65,536 changed sets and as many others on their chains. */
#define CYCLE_STEPS_MAX (1u << 19)
#define PATH_SHOWN_MAX 8u

struct walk {
    struct judge *j;
    uint32_t number;
    size_t first; /* the walk's first name in the set */
};

bool zone_of_name(struct judge *j, struct bytes name, struct bytes *zone_out,
                  struct zone_record *row_out)
{
    for (;;) {
        if (judge_found(j, zone_load(j->kv, name, row_out))) {
            *zone_out = name;
            return true;
        }
        if (name.size <= 1 || j->fault != RSM_OK)
            return false;
        name = name_parent(name);
    }
}

static bool load_alias(struct judge *j, uint64_t zone_id, struct bytes owner, uint16_t type,
                       struct bytes *target_out)
{
    struct rrset_record record;
    if (!judge_found(j, rrset_load(j->kv, zone_id, owner, type, &record)) || record.deleted)
        return false;
    struct bytes rdatas = record.rdatas;
    return rrset_rdata_next(&rdatas, target_out) && body_is_name(*target_out);
}

/* True when something is at the name or below it. */
static bool exists(struct judge *j, uint64_t zone_id, struct bytes name)
{
    struct key prefix, place;
    struct bytes key, value;
    if (!key_owner(&prefix, zone_id, name, true))
        return false;
    place = prefix;
    while (judge_found(j, kv_next(j->kv, TABLE_RRSET, key_bytes(&place), place.size > prefix.size,
                                  &key, &value)) &&
           key_begins_with(key, key_bytes(&prefix))) {
        struct rrset_record record;
        if (!judge_found(j, rrset_decode(value, &record)) || !record.deleted)
            return true;
        CHECK(key.size <= sizeof place.data);
        place.size = key.size;
        memcpy(place.data, key.data, key.size);
    }
    return false;
}

/* Puts `head` in front of `tail`; false when it is longer than a name may be. */
static bool join(struct bytes head, struct bytes tail, uint8_t out[LIMIT_NAME_SIZE],
                 struct bytes *name_out)
{
    if (head.size + tail.size > LIMIT_NAME_SIZE)
        return false;
    uint8_t buffer[LIMIT_NAME_SIZE]; /* `out` may hold what `head` points to */
    memcpy(buffer, head.data, head.size);
    memcpy(buffer + head.size, tail.data, tail.size);
    memcpy(out, buffer, head.size + tail.size);
    *name_out = bytes_make(out, head.size + tail.size);
    return true;
}

enum step { STEP_END = 1, STEP_NEXT, STEP_TOO_LONG };

static enum step rewrite(struct judge *j, const struct zone_record *row, struct bytes zone,
                         struct bytes name, uint8_t out[LIMIT_NAME_SIZE], struct bytes *next_out)
{
    for (struct bytes above = name; above.size > zone.size;) {
        above = name_parent(above);
        struct bytes target;
        if (!load_alias(j, row->id, above, RR_TYPE_DNAME, &target))
            continue;
        struct bytes head = bytes_make(name.data, name.size - above.size);
        return join(head, target, out, next_out) ? STEP_NEXT : STEP_TOO_LONG;
    }
    return STEP_END;
}

static enum step match_wildcard(struct judge *j, const struct zone_record *row, struct bytes zone,
                                struct bytes name, struct bytes *next_out)
{
    static const uint8_t star[2] = {1, '*'};
    struct bytes encloser = name;
    do {
        if (encloser.size <= zone.size)
            return STEP_END;
        encloser = name_parent(encloser);
    } while (!exists(j, row->id, encloser) && encloser.size > zone.size);
    uint8_t buffer[LIMIT_NAME_SIZE];
    struct bytes wildcard;
    if (!join(bytes_make(star, sizeof star), encloser, buffer, &wildcard) ||
        !load_alias(j, row->id, wildcard, RR_TYPE_CNAME, next_out))
        return STEP_END;
    return STEP_NEXT;
}

/* The name that follows; it is in `out` or borrowed from the kv. */
static enum step next_name(struct judge *j, struct bytes name, uint8_t out[LIMIT_NAME_SIZE],
                           struct bytes *next_out)
{
    struct bytes zone;
    struct zone_record row;
    if (!zone_of_name(j, name, &zone, &row) || row.alias_count == 0)
        return STEP_END;
    if (load_alias(j, row.id, name, RR_TYPE_CNAME, next_out))
        return STEP_NEXT;
    if (row.dname_count > 0) {
        enum step step = rewrite(j, &row, zone, name, out, next_out);
        if (step != STEP_END)
            return step;
    }
    if (exists(j, row.id, name))
        return STEP_END;
    return match_wildcard(j, &row, zone, name, next_out);
}

static void add_name(struct writer *text, struct bytes name)
{
    char words[WORDS_SIZE];
    writer_format(text, "%s", words_name(name, words));
}

/* "a. -> b. -> a."; the middle of a long path is counted. */
static void refuse_cycle(struct walk *w, size_t begin, size_t end)
{
    struct name_set *names = w->j->m->names;
    struct writer text;
    size_t count = end - begin;
    writer_init(&text, 1u << 16);
    for (size_t i = begin; i < end; i++) {
        if (count > PATH_SHOWN_MAX && i == begin + PATH_SHOWN_MAX - 1) {
            writer_format(&text, "(%zu more) -> ", count - PATH_SHOWN_MAX);
            i = end - 1;
        }
        add_name(&text, name_set_at(names, i));
        writer_format(&text, " -> ");
    }
    add_name(&text, name_set_at(names, begin));
    w->j->has_cycle = true;
    judge_refuse(w->j, RSM_RULE_CYCLE, "aliases lead back: %.*s",
                 TEXT_ARGUMENTS(writer_result(&text)));
    writer_deinit(&text);
}

static void follow(struct walk *w, struct bytes name)
{
    struct name_set *names = w->j->m->names;
    uint8_t buffer[LIMIT_NAME_SIZE];
    uint8_t current[LIMIT_NAME_SIZE];
    char words[WORDS_SIZE];
    w->number++;
    w->first = name_set_count(names);
    for (;;) {
        size_t index;
        uint32_t number;
        memmove(current, name.data, name.size);
        name = bytes_make(current, name.size);
        if (!name_set_add(names, name, w->number, &index, &number)) {
            if (number == w->number)
                refuse_cycle(w, index, name_set_count(names));
            return;
        }
        if (name_set_count(names) > CYCLE_STEPS_MAX) {
            judge_refuse(w->j, RSM_RULE_QUOTA, "chains of aliases of more than %u names",
                         CYCLE_STEPS_MAX);
            return;
        }
        enum step step = next_name(w->j, name, buffer, &name);
        if (step == STEP_TOO_LONG)
            judge_refuse(w->j, RSM_RULE_CYCLE, "aliases make a name grow without end: %s",
                         words_name(name, words));
        if (step != STEP_NEXT)
            return;
    }
}

/* Aliases below the target of a new DNAME. */
static void follow_below(struct walk *w, struct bytes target)
{
    struct judge *j = w->j;
    struct bytes zone, key, value;
    struct zone_record row;
    struct key prefix, place;
    if (!zone_of_name(j, target, &zone, &row) || row.alias_count == 0 ||
        !key_owner(&prefix, row.id, target, true))
        return;
    place = prefix;
    while (judge_found(j, kv_next(j->kv, TABLE_RRSET, key_bytes(&place), place.size > prefix.size,
                                  &key, &value)) &&
           key_begins_with(key, key_bytes(&prefix)) &&
           name_set_count(j->m->names) <= CYCLE_STEPS_MAX) {
        struct rrset_record record;
        struct rrset_key parts;
        uint8_t owner[LIMIT_NAME_SIZE];
        CHECK(key.size <= sizeof place.data);
        place.size = key.size;
        memcpy(place.data, key.data, key.size);
        if (judge_found(j, rrset_decode(value, &record)) && !record.deleted &&
            key_parse_rrset(key, owner, &parts) && parts.type == RR_TYPE_CNAME)
            follow(w, parts.owner);
    }
}

static void follow_dname(struct walk *w, const struct change_context *c, struct bytes owner)
{
    static const uint8_t made_up[2] = {1, 1};
    uint8_t buffer[LIMIT_NAME_SIZE];
    struct bytes name, target;
    if (join(bytes_make(made_up, sizeof made_up), owner, buffer, &name))
        follow(w, name);
    if (load_alias(w->j, c->row->id, owner, RR_TYPE_DNAME, &target)) {
        memcpy(buffer, target.data, target.size);
        follow_below(w, bytes_make(buffer, target.size));
    }
}

void rule_cycle(struct judge *j, const struct change_context *c)
{
    const struct changes *all = &j->m->changes;
    struct walk w = {.j = j};
    if (c->row->alias_count == 0)
        return;
    name_set_clear(j->m->names);
    for (size_t i = 0; i < all->count && j->fault == RSM_OK; i++) {
        const struct change *item = &all->items[i];
        if (!item->is_written || name_set_count(j->m->names) > CYCLE_STEPS_MAX)
            continue;
        bool is_gone = item->rdata_count == 0; /* a wildcard may be seen through the gap */
        if (item->type == RR_TYPE_DNAME && !is_gone)
            follow_dname(&w, c, item->owner);
        else if (item->type == RR_TYPE_CNAME || is_gone)
            follow(&w, item->owner);
    }
}
