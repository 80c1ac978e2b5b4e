/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * update.c - the update section of a dynamic update (RFC 2136 3.4.2), as changes of record sets.
 *
 * The records are sorted by owner, in their own order within one: no record of one name has any
 * effect on another name. For each owner the sets that the state has are loaded, the records are
 * done one after the other, and each set that one of them touched becomes a change. Everything
 * else, from DNS's own rules to protected endpoints, is then asked of the changes as of any other.
 *
 *     a  add CNAME beside other data, other data beside CNAME    nothing
 *     b  add SOA: no SOA at the name, or a serial not above      nothing; else it replaces
 *     c  add CNAME, DNAME (RFC 6672 5.2), WKS of same protocol   replaces
 *     d  add what is there                                       its TTL, for the whole set
 *     e  add anything else                                       one more; its TTL for all
 *     f  delete a set: SOA, NS of the apex                       nothing; else all of it goes
 *     g  delete all at a name                                    as f, for each set
 *     h  delete one: SOA; the last NS of the apex                nothing; else it goes
 *
 * A set has one TTL (RFC 2181 5.2), which is why d and e give it to all.
 */
#include "src/machine/update.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/command/pack.h"
#include "src/machine/update_internal.h"

#define TYPE_WKS 11u
#define WKS_KEY_SIZE 5u /* address and protocol, RFC 1035 3.4.2 */
#define SOA_TAIL_SIZE 22u

struct update_work *update_work_new(void)
{
    struct update_work *work = mem_alloc(sizeof *work);
    writer_init(&work->rdata, LIMIT_RDATA_SIZE);
    return work;
}

void update_work_free(struct update_work *work)
{
    if (work == NULL)
        return;
    for (size_t i = 0; i < work->set_capacity; i++)
        mem_free(work->sets[i].rdatas);
    mem_free(work->sets);
    mem_free(work->items);
    mem_free(work->outputs);
    writer_deinit(&work->rdata);
    mem_free(work);
}

/* ---- the sets of one owner ---- */

static void set_append(struct update_set *set, struct bytes rdata)
{
    if (set->count == set->capacity) {
        set->capacity = set->capacity == 0 ? 8 : 2 * set->capacity;
        set->rdatas = mem_realloc(set->rdatas, set->capacity * sizeof *set->rdatas);
    }
    set->rdatas[set->count++] = rdata;
}

static struct update_set *new_set(struct update_work *work, uint16_t type)
{
    if (work->set_count == work->set_capacity) {
        size_t before = work->set_capacity;
        work->set_capacity = before == 0 ? 8 : 2 * before;
        work->sets = mem_realloc(work->sets, work->set_capacity * sizeof *work->sets);
        memset(work->sets + before, 0, (work->set_capacity - before) * sizeof *work->sets);
    }
    struct update_set *set = &work->sets[work->set_count++];
    *set = (struct update_set){.type = type, .rdatas = set->rdatas, .capacity = set->capacity};
    return set;
}

static struct update_set *find_set(struct update_work *work, uint16_t type)
{
    for (size_t i = 0; i < work->set_count; i++) {
        if (work->sets[i].type == type)
            return &work->sets[i];
    }
    return NULL;
}

static bool has_records(struct update_work *work, uint16_t type)
{
    const struct update_set *set = find_set(work, type);
    return set != NULL && set->count > 0;
}

void update_load_owner(struct judge *j, struct update_work *work, uint64_t zone_id,
                       struct bytes owner)
{
    struct key prefix, place;
    struct bytes key, value, rdata;
    work->set_count = 0;
    if (!key_owner(&prefix, zone_id, owner, false))
        return;
    place = prefix;
    while (judge_found(j, kv_next(j->kv, TABLE_RRSET, key_bytes(&place), place.size > prefix.size,
                                  &key, &value)) &&
           key_begins_with(key, key_bytes(&prefix))) {
        struct rrset_record record;
        if (!judge_found(j, rrset_decode(value, &record)))
            return;
        if (!record.deleted) {
            struct update_set *set = new_set(work, get_u16(key.data + key.size - 2));
            set->ttl = record.ttl;
            set->plan = record.plan;
            set->was_there = true;
            while (rrset_rdata_next(&record.rdatas, &rdata))
                set_append(set, rdata);
        }
        CHECK(key.size <= sizeof place.data);
        place.size = key.size;
        memcpy(place.data, key.data, key.size);
    }
}

/* ---- one record ---- */

static bool is_beside_cname(uint16_t type)
{
    return type == RR_TYPE_CNAME || type == TYPE_RRSIG || type == TYPE_NSEC || type == TYPE_KEY;
}

/* Row a. */
static bool meets_cname(struct update_work *work, uint16_t type)
{
    if (type != RR_TYPE_CNAME)
        return !is_beside_cname(type) && has_records(work, RR_TYPE_CNAME);
    for (size_t i = 0; i < work->set_count; i++) {
        if (work->sets[i].count > 0 && !is_beside_cname(work->sets[i].type))
            return true;
    }
    return false;
}

/* Row b: whether it goes in. */
static bool is_newer_soa(struct update_work *work, const struct zone_record *row,
                         struct bytes rdata)
{
    if (!has_records(work, RR_TYPE_SOA) || rdata.size < SOA_TAIL_SIZE)
        return false;
    uint32_t serial = work->soa_serial != 0 ? work->soa_serial : row->serial;
    uint32_t ahead = rr_soa_serial(rdata) - serial; /* RFC 1982 3.2 */
    if (ahead == 0 || ahead >= 0x80000000u)
        return false;
    work->soa_serial = rr_soa_serial(rdata);
    return true;
}

/* Rows c and d: the record that the new one takes the place of; set->count when there is none. */
static uint32_t find_replaced(const struct update_set *set, struct bytes rdata)
{
    for (uint32_t i = 0; i < set->count; i++) {
        struct bytes old = set->rdatas[i];
        if (rr_type_is_singleton(set->type) || bytes_equal(old, rdata) ||
            (set->type == TYPE_WKS && old.size >= WKS_KEY_SIZE && rdata.size >= WKS_KEY_SIZE &&
             memcmp(old.data, rdata.data, WKS_KEY_SIZE) == 0))
            return i;
    }
    return set->count;
}

static void add_record(struct update_work *work, const struct zone_record *row,
                       const struct body_record *r)
{
    if (meets_cname(work, r->type) ||
        (r->type == RR_TYPE_SOA && !is_newer_soa(work, row, r->rdata)))
        return;
    struct update_set *set = find_set(work, r->type);
    if (set == NULL)
        set = new_set(work, r->type);
    uint32_t place = find_replaced(set, r->rdata);
    if (place == set->count)
        set_append(set, r->rdata);
    else
        set->rdatas[place] = r->rdata;
    set->ttl = r->ttl;
    set->is_touched = true;
}

static bool is_kept_at_apex(uint16_t type)
{
    return type == RR_TYPE_SOA || type == RR_TYPE_NS;
}

static void empty_set(struct update_set *set, bool is_apex)
{
    if (set->count == 0 || (is_apex && is_kept_at_apex(set->type)))
        return;
    set->count = 0;
    set->is_touched = true;
}

static void delete_record(struct update_set *set, struct bytes rdata, bool is_apex)
{
    if (set->type == RR_TYPE_SOA || (is_apex && set->type == RR_TYPE_NS && set->count == 1))
        return;
    for (uint32_t i = 0; i < set->count; i++) {
        if (!bytes_equal(set->rdatas[i], rdata))
            continue;
        memmove(set->rdatas + i, set->rdatas + i + 1, (set->count - i - 1) * sizeof *set->rdatas);
        set->count--;
        set->is_touched = true;
        return;
    }
}

static void do_record(struct update_work *work, const struct zone_record *row,
                      const struct body_record *r, bool is_apex)
{
    if (r->record_class == RSM_CLASS_IN) {
        add_record(work, row, r);
        return;
    }
    for (size_t i = 0; i < work->set_count; i++) {
        struct update_set *set = &work->sets[i];
        if (r->type != BODY_TYPE_ANY && r->type != set->type)
            continue;
        if (r->record_class == RSM_CLASS_ANY)
            empty_set(set, is_apex);
        else
            delete_record(set, r->rdata, is_apex);
    }
}

/* ---- changes out of sets ---- */

/* Plans are ordered by generation and token; whoever writes over one must have seen what is there.
 */
static void check_plan(struct judge *j, const struct body_update *body, struct bytes owner,
                       const struct update_set *set)
{
    struct body_walk walk = body->prerequisites;
    struct body_record r;
    if (set->plan.size == 0)
        return;
    while (body_next_record(&walk, &r)) {
        if (r.record_class == RSM_CLASS_IN && r.type == set->type && bytes_equal(r.owner, owner))
            return;
    }
    char words[WORDS_SIZE];
    judge_refuse(j, RSM_RULE_PREREQ_PLAN,
                 "%s has content of plan %.*s; an update of it needs a prerequisite with the "
                 "records that it has now",
                 words_rrset(owner, set->type, words), TEXT_ARGUMENTS(set->plan));
}

/* The set's records as a body has them; changes_add comes when machine.content grows no more. */
static void put_output(struct judge *j, struct update_work *work, struct bytes owner,
                       const struct update_set *set)
{
    struct writer *content = &j->m->content;
    if (work->output_count == work->output_capacity) {
        work->output_capacity = work->output_capacity == 0 ? 16 : 2 * work->output_capacity;
        work->outputs = mem_realloc(work->outputs, work->output_capacity * sizeof *work->outputs);
    }
    work->outputs[work->output_count++] =
        (struct update_output){.owner = owner,
                               .type = set->type,
                               .ttl = set->count == 0 ? 0 : set->ttl,
                               .rdata_count = set->count,
                               .offset = content->size};
    for (uint32_t i = 0; i < set->count; i++)
        pack_bin(content, set->rdatas[i]);
}

static void put_owner(struct judge *j, struct update_work *work, const struct body_update *body,
                      struct bytes owner)
{
    for (size_t i = 0; i < work->set_count; i++) {
        const struct update_set *set = &work->sets[i];
        if (!set->is_touched || (!set->was_there && set->count == 0))
            continue;
        check_plan(j, body, owner, set);
        put_output(j, work, owner, set);
    }
}

static void add_outputs(struct judge *j, struct update_work *work)
{
    CHECK(!j->m->content.failed);
    struct bytes content = writer_result(&j->m->content);
    for (size_t i = 0; i < work->output_count; i++) {
        const struct update_output *o = &work->outputs[i];
        size_t end = i + 1 < work->output_count ? work->outputs[i + 1].offset : content.size;
        struct body_change change = {
            .owner = o->owner, .type = o->type, .ttl = o->ttl, .rdata_count = o->rdata_count};
        change.rdatas = (struct body_walk){
            .cursor = unpack_make(bytes_part(content, o->offset, end - o->offset)),
            .left = o->rdata_count};
        changes_add(j, &change, true);
    }
}

static int compare_items(const void *a, const void *b)
{
    const struct update_item *x = a, *y = b;
    int order = bytes_compare(x->record.owner, y->record.owner);
    if (order != 0)
        return order;
    return x->order < y->order ? -1 : x->order > y->order;
}

void update_load_items(struct update_work *work, struct body_walk walk, uint16_t only_class)
{
    struct body_record r;
    work->item_count = 0;
    if (walk.left > work->item_capacity) {
        work->item_capacity = walk.left;
        work->items = mem_realloc(work->items, work->item_capacity * sizeof *work->items);
    }
    for (uint32_t order = 0; body_next_record(&walk, &r); order++) {
        if (only_class == 0 || r.record_class == only_class)
            work->items[work->item_count++] = (struct update_item){.record = r, .order = order};
    }
}

void update_add_changes(struct judge *j, const struct zone_record *row,
                        const struct body_update *body)
{
    struct update_work *work = j->m->update;
    writer_reset(&j->m->content);
    work->output_count = 0;
    work->soa_serial = 0;
    update_load_items(work, body->updates, 0);
    if (work->item_count > 0)
        qsort(work->items, work->item_count, sizeof *work->items, compare_items);
    for (size_t first = 0; first < work->item_count && j->fault == RSM_OK;) {
        struct bytes owner = work->items[first].record.owner;
        bool is_apex = bytes_equal(owner, body->zone);
        size_t end = first;
        update_load_owner(j, work, row->id, owner);
        for (; end < work->item_count && bytes_equal(work->items[end].record.owner, owner); end++)
            do_record(work, row, &work->items[end].record, is_apex);
        put_owner(j, work, body, owner);
        first = end;
    }
    add_outputs(j, work);
}
