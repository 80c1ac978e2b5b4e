/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * changes.c - a set of changes of record sets, for zone.create, rrset.change and plan.execute.
 *
 * Sorted by their keys, so that a set named twice stands side by side, an owner's sets are looked
 * at together, and the tables are written in order. What is written joins the state only if no rule
 * has anything against the command.
 *
 * The serial of the zone grows by one when what is served changes, and only then. A SOA that is
 * given with a higher serial raises it. The serial in a stored SOA is 0: the zone's row has it, and
 * query.c puts it in its place.
 */
#include "src/machine/judge.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"

#define SERIAL_JUMP_MAX 0x7fffffffu /* RFC 1982 3.2: further, a secondary takes it for older */

void changes_begin(struct judge *j)
{
    j->m->changes.count = 0;
    j->m->changes.gone = 0;
    writer_reset(&j->m->changes.keys);
}

void changes_add(struct judge *j, const struct body_change *change, bool may_lack)
{
    struct changes *all = &j->m->changes;
    if (all->count == all->capacity) {
        all->capacity = all->capacity == 0 ? 16 : 2 * all->capacity;
        all->items = mem_realloc(all->items, all->capacity * sizeof *all->items);
    }
    all->items[all->count] = (struct change){.owner = change->owner,
                                             .type = change->type,
                                             .ttl = change->ttl,
                                             .rdata_count = change->rdata_count,
                                             .rdatas = change->rdatas,
                                             .order = (uint32_t)all->count,
                                             .may_lack = may_lack};
    all->count++;
}

struct bytes change_key(const struct judge *j, const struct change *change)
{
    return bytes_make(j->m->changes.keys.data + change->key_offset, change->key_size);
}

/* ---- sorting and checking ---- */

/* qsort has no argument for it; the sort below is over pointers that it needs. */
static int compare_keys(const uint8_t *keys, const struct change *a, const struct change *b)
{
    int order = bytes_compare(bytes_make(keys + a->key_offset, a->key_size),
                              bytes_make(keys + b->key_offset, b->key_size));
    if (order != 0)
        return order;
    return a->order < b->order ? -1 : a->order > b->order;
}

static void sift(const uint8_t *keys, struct change *items, size_t root, size_t count)
{
    for (;;) {
        size_t child = 2 * root + 1;
        if (child >= count)
            return;
        if (child + 1 < count && compare_keys(keys, &items[child], &items[child + 1]) < 0)
            child++;
        if (compare_keys(keys, &items[root], &items[child]) >= 0)
            return;
        struct change swap = items[root];
        items[root] = items[child];
        items[child] = swap;
        root = child;
    }
}

/* Heapsort: in place, no recursion, no bad case that a client could send. */
static void sort(const uint8_t *keys, struct change *items, size_t count)
{
    bool is_sorted = true;
    for (size_t i = 1; i < count && is_sorted; i++)
        is_sorted = compare_keys(keys, &items[i - 1], &items[i]) < 0;
    if (is_sorted)
        return;
    for (size_t i = count / 2; i > 0; i--)
        sift(keys, items, i - 1, count);
    for (size_t end = count - 1; end > 0; end--) {
        struct change swap = items[0];
        items[0] = items[end];
        items[end] = swap;
        sift(keys, items, 0, end);
    }
}

static void make_key(struct judge *j, const struct change_context *c, struct change *item)
{
    struct writer *keys = &j->m->changes.keys;
    struct key key;
    if (!key_rrset(&key, c->row->id, item->owner, item->type)) {
        char words[WORDS_SIZE];
        judge_refuse(j, RSM_RULE_QUOTA, "%s: too many octets 0 and 1 in the name",
                     words_rrset(item->owner, item->type, words));
        item->is_bad = true;
    }
    item->key_offset = keys->size;
    item->key_size = (uint32_t)key.size;
    writer_bytes(keys, key_bytes(&key));
    CHECK(!keys->failed);
}

void changes_check(struct judge *j, const struct change_context *c)
{
    struct changes *all = &j->m->changes;
    for (size_t i = 0; i < all->count; i++) {
        rule_dns_change(j, c->zone, &all->items[i]);
        make_key(j, c, &all->items[i]);
    }
    rule_catalog_changes(j, c);
    rule_dns_zonemd(j, c);
    sort(all->keys.data, all->items, all->count);
    for (size_t i = 1; i < all->count; i++) {
        struct change *item = &all->items[i];
        if (item->key_size == 0 ||
            !bytes_equal(change_key(j, item), change_key(j, &all->items[i - 1])))
            continue;
        char words[WORDS_SIZE];
        judge_refuse(j, RSM_RULE_DUPLICATE_CHANGE, "%s is named twice",
                     words_rrset(item->owner, item->type, words));
        item->is_bad = true;
    }
}

/* ---- the data of one set ---- */

static void sort_rdatas(struct bytes *items, size_t count)
{
    /* Sets are small as a rule and come sorted out of an export. */
    for (size_t gap = count / 2; gap > 0; gap /= 2) {
        for (size_t i = gap; i < count; i++) {
            struct bytes item = items[i];
            size_t at = i;
            while (at >= gap && bytes_compare(items[at - gap], item) > 0) {
                items[at] = items[at - gap];
                at -= gap;
            }
            items[at] = item;
        }
    }
}

/* Writes the set's data, sorted, to m->sorted. False: a record is there twice. */
static bool collect(struct judge *j, struct change *item, uint32_t *serial_out)
{
    struct changes *all = &j->m->changes;
    struct writer *sorted = &j->m->sorted;
    size_t count = 0;
    if (item->rdata_count > all->rdata_capacity) {
        all->rdata_capacity = item->rdata_count;
        all->rdatas = mem_realloc(all->rdatas, all->rdata_capacity * sizeof *all->rdatas);
    }
    struct body_walk walk = item->rdatas;
    while (count < item->rdata_count && body_next_octets(&walk, &all->rdatas[count]))
        count++;
    CHECK(count == item->rdata_count);
    sort_rdatas(all->rdatas, count);
    writer_reset(sorted);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && bytes_equal(all->rdatas[i - 1], all->rdatas[i]))
            return false;
        rrset_rdata_encode(sorted, all->rdatas[i]);
    }
    CHECK(!sorted->failed);
    if (item->type == RR_TYPE_SOA && count == 1) {
        *serial_out = rr_soa_serial(all->rdatas[0]);
        rr_soa_set_serial(sorted->data + 2, sorted->size - 2, 0);
    }
    return true;
}

/* ---- writing ---- */

struct writing {
    const struct change_context *context;
    bool content_changed;
    bool anything_written;
    bool zone_was_checked; /* its creation, for sets that were never written */
    uint32_t soa_serial;   /* given with a SOA */
};

/*
 * Rule 3, and for plans rule 4: they are ordered by generation and token, not by clocks. Neither
 * for updates: kind_update.c.
 */
static void check_writer(struct judge *j, struct writing *w, const struct change *item,
                         const struct rrset_record *old, bool is_there)
{
    const struct change_context *c = w->context;
    if (c->is_update)
        return;
    if (!is_there) {
        if (!w->zone_was_checked && !c->is_new_zone && c->serial_floor > 0) {
            w->zone_was_checked = true;
            rule_causal_object(j, OBJECT_ZONE, c->zone, NULL);
        }
        return;
    }
    char words[WORDS_SIZE];
    if (c->plan.size > 0 && c->token < old->token && !MUTANT(NO_TOKEN_CHECK))
        judge_refuse(j, RSM_RULE_LEASE_TOKEN,
                     "%s was written under token %" PRIu64 ", this is token %" PRIu64,
                     words_rrset(item->owner, item->type, words), old->token, c->token);
    if (c->plan.size == 0 || !bytes_equal(c->plan, old->plan)) {
        rule_causal_rrset(j, &old->version, item->owner, item->type);
        return;
    }
    if (c->generation < old->generation && !MUTANT(NO_GENERATION_CHECK))
        judge_refuse(j, RSM_RULE_STALE_PLAN,
                     "%s has generation %" PRIu64 " of plan %.*s (slot %" PRIu64
                     "), this is generation %" PRIu64,
                     words_rrset(item->owner, item->type, words), old->generation,
                     TEXT_ARGUMENTS(c->plan), old->version.slot, c->generation);
}

void live_set(struct judge *j, struct bytes plan, uint64_t generation, struct bytes rrset_key,
              bool is_live)
{
    struct key key;
    if (plan.size == 0)
        return;
    key_live(&key, plan, generation, rrset_key);
    if (is_live)
        judge_put(j, TABLE_LIVE, key_bytes(&key), (struct bytes){NULL, 0});
    else
        judge_del(j, TABLE_LIVE, key_bytes(&key));
}

static void count_set(struct zone_record *row, uint16_t type, uint32_t before, uint32_t after)
{
    row->record_count = row->record_count - before + after;
    uint64_t step = before == 0 && after > 0 ? 1 : 0;
    uint64_t back = before > 0 && after == 0 ? 1 : 0;
    row->rrset_count = row->rrset_count + step - back;
    if (type == RR_TYPE_DNAME)
        row->dname_count = row->dname_count + step - back;
    if (type == RR_TYPE_DNAME || type == RR_TYPE_CNAME)
        row->alias_count = row->alias_count + step - back;
}

/*
 * What a serial is about, for IXFR and NOTIFY. Of a new zone the SOA alone: there is no serial
 * before it that a difference could begin at.
 */
static void put_change(struct judge *j, const struct change_context *c, struct bytes rrset_key,
                       uint16_t type)
{
    struct key key;
    if (c->is_new_zone && type != RR_TYPE_SOA)
        return;
    key_change(&key, j->slot, j->index, rrset_key);
    judge_put(j, TABLE_CHANGE, key_bytes(&key), c->zone);
}

/* What stays of the record set that was there, behind the first write. */
struct kept {
    uint64_t token; /* the fence, also when somebody writes by hand */
    struct bytes holder;
    uint8_t buffer[LIMIT_OWNER_SIZE];
};

static void keep(struct judge *j, const struct change_context *c, const struct change *item,
                 const struct rrset_record *old, struct kept *out)
{
    uint8_t buffer[LIMIT_OWNER_SIZE];
    struct bytes subject = owner_of_change(judge_subject(j), c->plan, buffer);
    rule_owner(j, old, subject, item->owner, item->type);
    if (item->rdata_count == 0)
        rule_absent(j, change_key(j, item), old, item->owner, item->type);
    struct bytes holder = old->deleted || old->holder.size == 0 ? subject : old->holder;
    CHECK(holder.size <= sizeof out->buffer);
    memcpy(out->buffer, holder.data, holder.size);
    out->holder = bytes_make(out->buffer, item->rdata_count > 0 ? holder.size : 0);
    out->token = c->token > old->token ? c->token : old->token;
}

static void put_set(struct judge *j, const struct change_context *c, const struct change *item,
                    const struct kept *kept)
{
    struct writer *value = &j->m->value;
    bool is_deleted = item->rdata_count == 0;
    struct rrset_record record = {.deleted = is_deleted,
                                  .ttl = is_deleted ? 0 : item->ttl,
                                  .token = kept->token,
                                  .generation = c->generation,
                                  .plan = c->plan,
                                  .holder = kept->holder,
                                  .version = judge_version(j),
                                  .reason = j->command->reason,
                                  .rdata_count = item->rdata_count};
    writer_reset(value);
    rrset_encode(value, &record);
    if (!is_deleted)
        writer_bytes(value, writer_result(&j->m->sorted));
    struct bytes rrset_key = change_key(j, item);
    judge_put_writer(j, TABLE_RRSET, rrset_key, value);
    struct key key = {.size = rrset_key.size};
    memcpy(key.data, rrset_key.data, rrset_key.size);
    key_add_version(&key, j->slot, j->index);
    judge_put_writer(j, TABLE_RRSET_VERSION, key_bytes(&key), value);
    if (!is_deleted)
        live_set(j, c->plan, c->generation, rrset_key, true);
}

static bool is_same_data(const struct judge *j, const struct change *item,
                         const struct rrset_record *old)
{
    if (old->deleted || item->rdata_count == 0)
        return old->deleted && item->rdata_count == 0;
    return old->ttl == item->ttl && bytes_equal(old->rdatas, writer_result(&j->m->sorted));
}

static void write_one(struct judge *j, struct writing *w, struct change *item)
{
    const struct change_context *c = w->context;
    char words[WORDS_SIZE];
    if (item->rdata_count > 0 && !collect(j, item, &w->soa_serial)) {
        judge_refuse(j, RSM_RULE_RDATA_BAD, "%s: the same record twice",
                     words_rrset(item->owner, item->type, words));
        return;
    }
    struct bytes value;
    struct rrset_record old = {.deleted = true};
    bool is_there = judge_found(j, kv_get(j->kv, TABLE_RRSET, change_key(j, item), &value)) &&
                    judge_found(j, rrset_decode(value, &old));
    check_writer(j, w, item, &old, is_there);
    item->count_before = item->count_after = old.rdata_count;
    if (old.deleted && item->rdata_count == 0) {
        if (!item->may_lack)
            judge_refuse(j, RSM_RULE_RRSET_UNKNOWN, "%s is not there",
                         words_rrset(item->owner, item->type, words));
        return;
    }
    bool is_same = is_same_data(j, item, &old);
    bool is_same_origin = bytes_equal(old.plan, c->plan) && old.generation == c->generation &&
                          (c->plan.size == 0 || old.token == c->token);
    if (is_same && (c->plan.size == 0 || is_same_origin))
        return;
    struct kept kept;
    keep(j, c, item, &old, &kept);
    struct key live = {.size = 0};
    if (old.plan.size > 0)
        key_live(&live, old.plan, old.generation, change_key(j, item));
    if (!is_same)
        rule_flip(j, item, &old, is_there); /* `old` is gone after a write */
    if (live.size > 0)
        judge_del(j, TABLE_LIVE, key_bytes(&live));
    item->count_after = item->rdata_count;
    item->is_written = true;
    item->is_changed = !is_same;
    w->anything_written = true;
    w->content_changed |= !is_same;
    count_set(c->row, item->type, item->count_before, item->count_after);
    put_set(j, c, item, &kept);
    if (!is_same)
        put_change(j, c, change_key(j, item), item->type);
}

static void raise_serial(struct judge *j, struct writing *w)
{
    struct zone_record *row = w->context->row;
    char words[WORDS_SIZE];
    uint32_t floor = w->context->is_new_zone ? w->context->serial_floor : row->serial;
    if (floor == UINT32_MAX) {
        judge_refuse(j, RSM_RULE_SERIAL_RANGE, "%s: serial %" PRIu32 " is the last one",
                     words_object(OBJECT_ZONE, w->context->zone, words), floor);
        return;
    }
    row->serial = floor + 1;
    if (w->soa_serial > row->serial)
        row->serial = w->soa_serial;
    /* Also when the SOA says nothing new but its serial. A key that is too long was refused. */
    struct key soa;
    if (w->soa_serial > floor && key_rrset(&soa, row->id, w->context->zone, RR_TYPE_SOA))
        put_change(j, w->context, key_bytes(&soa), RR_TYPE_SOA);
    if (floor > 0 && row->serial - floor > SERIAL_JUMP_MAX)
        judge_refuse(j, RSM_RULE_SERIAL_RANGE,
                     "%s: from serial %" PRIu32 " to %" PRIu32 " is further than 2^31 - 1",
                     words_object(OBJECT_ZONE, w->context->zone, words), floor, row->serial);
}

static void write_all(struct judge *j, struct change_context *c)
{
    struct changes *all = &j->m->changes;
    struct writing w = {.context = c};
    for (size_t i = 0; i < all->count && j->fault == RSM_OK; i++) {
        if (!all->items[i].is_bad)
            write_one(j, &w, &all->items[i]);
    }
    if (w.soa_serial > c->row->serial && !c->is_new_zone)
        w.content_changed = true;
    if (w.content_changed || c->is_new_zone) {
        raise_serial(j, &w);
        c->row->content = judge_version(j);
        zone_write(j, c->zone, c->row);
    } else if (!c->is_update && !w.anything_written && j->m->reasons.count == 0) {
        judge_refuse(j, RSM_RULE_NO_CHANGE, "every record set is so already");
    }
    if (c->row->rrset_count > j->policy.zone_rrsets_max) {
        char words[WORDS_SIZE];
        judge_refuse(j, RSM_RULE_QUOTA, "%s: %" PRIu64 " record sets, at most %" PRIu64,
                     words_object(OBJECT_ZONE, c->zone, words), c->row->rrset_count,
                     j->policy.zone_rrsets_max);
    }
}

void changes_make(struct judge *j, struct change_context *c)
{
    changes_check(j, c);
    write_all(j, c);
    rule_dns_after(j, c);
    rule_cycle(j, c);
    rule_graph(j, c);
    rule_impact(j, c);
    if (c->is_new_zone)
        return; /* nothing was there that could become too little */
    rule_floor(j, c);
    rule_limit(j, c->zone, c->row);
}
