/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * update_prereq.c - the prerequisite section of a dynamic update (RFC 2136 3.2).
 *
 *     class  type   demands                                      else
 *     ANY    ANY    the name has some record set                 prereq-nxdomain
 *     ANY    type   the record set is there                      prereq-nxrrset
 *     NONE   ANY    the name has no record set                   prereq-yxdomain
 *     NONE   type   the record set is not there                  prereq-yxrrset
 *     IN     type   all of these of one set together are it      prereq-nxrrset
 *
 * A name that only has names below it has no record set. TTLs are not compared.
 */
#include "src/machine/update.h"

#include <inttypes.h>
#include <stdlib.h>

#include "src/base/check.h"
#include "src/machine/update_internal.h"

/* What is there, as evidence; false: nothing. */
static bool find_any(struct judge *j, uint64_t zone_id, struct bytes owner, uint16_t *type_out)
{
    struct update_work *work = j->m->update;
    update_load_owner(j, work, zone_id, owner);
    if (work->set_count == 0)
        return false;
    *type_out = work->sets[0].type;
    return true;
}

static bool load_set(struct judge *j, uint64_t zone_id, const struct body_record *r,
                     struct rrset_record *out)
{
    return judge_found(j, rrset_load(j->kv, zone_id, r->owner, r->type, out)) && !out->deleted;
}

/* Who last wrote a set, for evidence. */
#define WRITER_ARGUMENTS(v) TEXT_ARGUMENTS((v).author), (v).counter, (v).slot

static void check_name(struct judge *j, uint64_t zone_id, const struct body_record *r)
{
    char words[WORDS_SIZE], type_text[RR_TYPE_TEXT_MAX];
    uint16_t type;
    bool is_there = find_any(j, zone_id, r->owner, &type);
    if (r->record_class == RSM_CLASS_ANY && !is_there)
        judge_refuse(j, RSM_RULE_PREREQ_NXDOMAIN, "%s has no record set; the update asks for one",
                     words_name(r->owner, words));
    if (r->record_class == RSM_CLASS_NONE && is_there)
        judge_refuse(j, RSM_RULE_PREREQ_YXDOMAIN, "%s has a record set, %s; the update forbids any",
                     words_name(r->owner, words), rr_type_to_text(type, type_text));
}

static void check_set(struct judge *j, uint64_t zone_id, const struct body_record *r)
{
    char words[WORDS_SIZE];
    struct rrset_record set;
    bool is_there = load_set(j, zone_id, r, &set);
    if (r->record_class == RSM_CLASS_ANY && !is_there)
        judge_refuse(j, RSM_RULE_PREREQ_NXRRSET, "%s is not there; the update asks for it",
                     words_rrset(r->owner, r->type, words));
    if (r->record_class == RSM_CLASS_NONE && is_there)
        judge_refuse(j, RSM_RULE_PREREQ_YXRRSET,
                     "%s is there, written by %.*s %" PRIu64 " in slot %" PRIu64
                     "; the update forbids it",
                     words_rrset(r->owner, r->type, words), WRITER_ARGUMENTS(set.version));
}

/* ---- value-dependent ---- */

static int compare_values(const void *a, const void *b)
{
    const struct update_item *x = a, *y = b;
    int order = bytes_compare(x->record.owner, y->record.owner);
    if (order == 0 && x->record.type != y->record.type)
        order = x->record.type < y->record.type ? -1 : 1;
    return order != 0 ? order : bytes_compare(x->record.rdata, y->record.rdata);
}

static bool is_same_set(const struct body_record *a, const struct body_record *b)
{
    return a->type == b->type && bytes_equal(a->owner, b->owner);
}

/* A stored SOA has serial 0; what clients are shown has the zone's. */
static struct bytes with_serial(struct judge *j, const struct zone_record *row, uint16_t type,
                                struct bytes rdata)
{
    struct writer *copy = &j->m->update->rdata;
    if (type != RR_TYPE_SOA)
        return rdata;
    writer_reset(copy);
    writer_bytes(copy, rdata);
    CHECK(!copy->failed);
    rr_soa_set_serial(copy->data, copy->size, row->serial);
    return writer_result(copy);
}

/* Items [first, end) against the set; both are sorted. */
static bool is_equal(struct judge *j, const struct zone_record *row, size_t first, size_t end,
                     const struct rrset_record *set)
{
    const struct update_item *items = j->m->update->items;
    struct bytes rdatas = set->rdatas, rdata;
    size_t place = first;
    while (rrset_rdata_next(&rdatas, &rdata)) {
        if (place == end || !bytes_equal(items[place].record.rdata,
                                         with_serial(j, row, items[place].record.type, rdata)))
            return false;
        place++;
        while (place < end && bytes_equal(items[place].record.rdata, items[place - 1].record.rdata))
            place++; /* the same record twice is once (RFC 2136 1.1.1) */
    }
    return place == end;
}

static void check_values(struct judge *j, const struct zone_record *row, size_t first, size_t end)
{
    char words[WORDS_SIZE];
    struct rrset_record set;
    const struct body_record *r = &j->m->update->items[first].record;
    if (!load_set(j, row->id, r, &set))
        judge_refuse(j, RSM_RULE_PREREQ_NXRRSET,
                     "%s is not there; the update asks for %zu records of it",
                     words_rrset(r->owner, r->type, words), end - first);
    else if (!is_equal(j, row, first, end, &set))
        judge_refuse(j, RSM_RULE_PREREQ_NXRRSET,
                     "%s has other records than the update asks for, written by %.*s %" PRIu64
                     " in slot %" PRIu64 "; read it again",
                     words_rrset(r->owner, r->type, words), WRITER_ARGUMENTS(set.version));
}

void update_check_prerequisites(struct judge *j, const struct zone_record *row,
                                const struct body_update *body)
{
    struct update_work *work = j->m->update;
    struct body_walk walk = body->prerequisites;
    struct body_record r;
    if (MUTANT(NO_PREREQUISITES))
        return;
    while (body_next_record(&walk, &r)) {
        if (r.record_class != RSM_CLASS_IN && r.type == BODY_TYPE_ANY)
            check_name(j, row->id, &r);
        else if (r.record_class != RSM_CLASS_IN)
            check_set(j, row->id, &r);
    }
    update_load_items(work, body->prerequisites, RSM_CLASS_IN);
    if (work->item_count > 0)
        qsort(work->items, work->item_count, sizeof *work->items, compare_values);
    for (size_t first = 0; first < work->item_count && j->fault == RSM_OK;) {
        size_t end = first + 1;
        while (end < work->item_count &&
               is_same_set(&work->items[first].record, &work->items[end].record))
            end++;
        check_values(j, row, first, end);
        first = end;
    }
}
