/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recount_plane.c - see recount_plane.h. */
#include "tests/sim/recount_plane.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/mem.h"

#define NAME_MAX 64u
#define NEEDS 4u
#define TYPE_A 1u
#define CLASS_IN 1u
#define CLASS_NONE 254u
#define CLASS_ANY 255u

struct text {
    uint8_t data[NAME_MAX];
    size_t size;
};

struct host {
    struct text zone, name;
    uint32_t addresses[PLANE_ADDRESSES];
    size_t count;
};

struct counted_service {
    struct text name;
    struct text needs[NEEDS]; /* services */
    size_t need_count;
    bool is_there;
};

struct labelled {
    struct text zone;
    bool is_critical;
};

struct plane_book {
    struct sim *sim;
    struct host *hosts; /* owned, as the next two */
    struct counted_service *services;
    struct labelled *zones;
    size_t host_count, service_count, zone_count;
    bool labels_decide; /* the policy's classes say so */
};

struct plane_book *plane_book_new(struct sim *sim)
{
    struct plane_book *b = mem_alloc(sizeof(*b));
    b->sim = sim;
    return b;
}

void plane_book_free(struct plane_book *b)
{
    mem_free(b->hosts);
    mem_free(b->services);
    mem_free(b->zones);
    mem_free(b);
}

static void text_set(struct text *t, struct bytes from)
{
    t->size = from.size < NAME_MAX ? from.size : NAME_MAX;
    memcpy(t->data, from.data, t->size);
}

static bool text_is(const struct text *t, struct bytes other)
{
    return bytes_equal(bytes_make(t->data, t->size), other);
}

/* ---- updates ---- */

static struct host *host_of(struct plane_book *b, struct bytes zone, struct bytes name)
{
    for (size_t i = 0; i < b->host_count; i++)
        if (text_is(&b->hosts[i].name, name))
            return &b->hosts[i];
    b->hosts = mem_realloc(b->hosts, (b->host_count + 1) * sizeof(*b->hosts));
    struct host *h = &b->hosts[b->host_count++];
    *h = (struct host){.count = 0};
    text_set(&h->zone, zone);
    text_set(&h->name, name);
    return h;
}

struct record {
    struct bytes owner;
    uint64_t class, type;
    struct bytes rdata;
};

static struct record read_record(struct reader *r)
{
    struct record out;
    (void)read_count(r);
    out.owner = read_bytes(r);
    out.class = read_uint(r);
    out.type = read_uint(r);
    (void)read_uint(r);
    out.rdata = read_bytes(r);
    return out;
}

/* One prerequisite at most; of addresses, or of whatever is at the name. */
static bool holds(const struct host *h, const struct record *wanted)
{
    if (wanted->class == CLASS_ANY)
        return h->count > 0;
    if (wanted->class == CLASS_NONE)
        return h->count == 0;
    return h->count == 1 && wanted->rdata.size == 4 &&
           h->addresses[0] == get_u32(wanted->rdata.data);
}

static void remove_address(struct host *h, uint32_t address)
{
    size_t kept = 0;
    for (size_t i = 0; i < h->count; i++)
        if (h->addresses[i] != address)
            h->addresses[kept++] = h->addresses[i];
    h->count = kept;
}

static void do_record(struct host *h, const struct record *r)
{
    if (r->type != TYPE_A)
        return;
    if (r->class == CLASS_ANY) {
        h->count = 0;
        return;
    }
    uint32_t address = r->rdata.size == 4 ? get_u32(r->rdata.data) : 0;
    remove_address(h, address);
    if (r->class == CLASS_IN && h->count < PLANE_ADDRESSES)
        h->addresses[h->count++] = address;
}

/* rrset.update [principal, request, zone, prerequisites, updates] */
static void take_update(struct plane_book *b, const struct told *t, const struct plane_verdict *v,
                        uint64_t slot)
{
    struct reader r = t->body;
    (void)read_bytes(&r);
    (void)read_bytes(&r);
    struct bytes zone = read_bytes(&r);
    bool do_hold = true;
    for (uint32_t left = read_count(&r); left > 0 && !r.failed; left--) {
        struct record wanted = read_record(&r);
        do_hold = do_hold && holds(host_of(b, zone, wanted.owner), &wanted);
    }
    if (v->is_applied && !do_hold)
        sim_fail(b->sim, "I32: slot %" PRIu64 ": an update whose prerequisite does not hold", slot);
    if (v->names_prerequisite && do_hold)
        sim_fail(b->sim, "I32: slot %" PRIu64 ": a prerequisite that holds refuses an update",
                 slot);
    for (uint32_t left = read_count(&r); v->is_applied && left > 0 && !r.failed; left--) {
        struct record record = read_record(&r);
        do_record(host_of(b, zone, record.owner), &record);
    }
}

/* ---- services ---- */

static struct counted_service *service_of(const struct plane_book *b, struct bytes name)
{
    for (size_t i = 0; i < b->service_count; i++)
        if (text_is(&b->services[i].name, name))
            return &b->services[i];
    return NULL;
}

static bool is_there(const struct plane_book *b, struct bytes name)
{
    const struct counted_service *s = service_of(b, name);
    return s != NULL && s->is_there;
}

/* service.set [name, owner, tier, names, needs]; a need is a bin for a name, else a service */
static struct counted_service read_service(const struct told *t)
{
    struct reader r = t->body;
    struct counted_service out = {.is_there = true};
    text_set(&out.name, read_bytes(&r));
    skip_value(&r);
    skip_value(&r);
    skip_value(&r);
    for (uint32_t left = read_count(&r); left > 0 && !r.failed; left--) {
        bool is_name = r.offset < r.size && r.data[r.offset] >= 0xc4 && r.data[r.offset] <= 0xc6;
        struct bytes need = read_bytes(&r);
        if (!is_name && out.need_count < NEEDS)
            text_set(&out.needs[out.need_count++], need);
    }
    return out;
}

/* Somebody on the ways from `from` needs `name`; every service is gone into once. */
static bool leads_to(const struct plane_book *b, const struct counted_service *from,
                     struct bytes name)
{
    bool *was = mem_alloc((b->service_count + 1) * sizeof(*was));
    const struct counted_service **todo = mem_alloc((b->service_count + 1) * sizeof(*todo));
    size_t count = 0;
    bool found = false;
    todo[count++] = from;
    while (count > 0 && !found) {
        const struct counted_service *s = todo[--count];
        for (size_t i = 0; i < s->need_count; i++) {
            struct bytes need = bytes_make(s->needs[i].data, s->needs[i].size);
            const struct counted_service *next = service_of(b, need);
            found |= bytes_equal(need, name);
            if (next == NULL || !next->is_there || was[next - b->services])
                continue;
            was[next - b->services] = true;
            todo[count++] = next;
        }
    }
    mem_free(was);
    mem_free(todo);
    return found;
}

static void write_service(struct plane_book *b, const struct counted_service *s)
{
    struct counted_service *row = service_of(b, bytes_make(s->name.data, s->name.size));
    if (row == NULL) {
        b->services = mem_realloc(b->services, (b->service_count + 1) * sizeof(*b->services));
        row = &b->services[b->service_count++];
    }
    *row = *s;
}

static void take_service(struct plane_book *b, const struct told *t, const struct plane_verdict *v,
                         uint64_t slot)
{
    struct counted_service s = read_service(t);
    struct bytes name = bytes_make(s.name.data, s.name.size);
    bool lacks = false;
    for (size_t i = 0; i < s.need_count; i++) {
        struct bytes need = bytes_make(s.needs[i].data, s.needs[i].size);
        lacks |= !is_there(b, need) && !bytes_equal(need, name);
    }
    bool is_cycle = leads_to(b, &s, name);
    if ((v->is_applied || v->is_staged) && (lacks || is_cycle))
        sim_fail(b->sim, "I33: slot %" PRIu64 ": a service that needs %s", slot,
                 lacks ? "what is not there" : "itself");
    if ((v->names_dangling && !lacks) || (v->names_cycle && !is_cycle))
        sim_fail(b->sim, "I33: slot %" PRIu64 ": a good service is refused", slot);
    if (v->is_applied)
        write_service(b, &s);
}

static void take_service_away(struct plane_book *b, const struct told *t,
                              const struct plane_verdict *v, uint64_t slot)
{
    struct reader r = t->body;
    struct bytes name = read_bytes(&r);
    bool is_needed = false;
    for (size_t i = 0; i < b->service_count; i++)
        for (size_t k = 0; b->services[i].is_there && k < b->services[i].need_count; k++)
            is_needed |= text_is(&b->services[i].needs[k], name);
    if ((v->is_applied || v->is_staged) && (is_needed || !is_there(b, name)))
        sim_fail(b->sim, "I33: slot %" PRIu64 ": a service goes that is needed, or not there",
                 slot);
    if (v->names_dangling && !is_needed)
        sim_fail(b->sim, "I33: slot %" PRIu64 ": a service stays that none needs", slot);
    if (v->is_applied)
        service_of(b, name)->is_there = false;
}

size_t plane_service_count(const struct plane_book *b)
{
    size_t count = 0;
    for (size_t i = 0; i < b->service_count; i++)
        count += b->services[i].is_there ? 1 : 0;
    return count;
}

/* ---- labels ---- */

static struct labelled *zone_of(const struct plane_book *b, struct bytes zone)
{
    for (size_t i = 0; i < b->zone_count; i++)
        if (text_is(&b->zones[i].zone, zone))
            return &b->zones[i];
    return NULL;
}

/* zone.label [zone, {label: value}] */
static void take_labels(struct plane_book *b, const struct told *t)
{
    struct reader r = t->body, at;
    struct bytes zone = read_bytes(&r);
    struct bytes map = bytes_make(r.data + r.offset, r.size - r.offset);
    struct labelled *row = zone_of(b, zone);
    if (row == NULL) {
        b->zones = mem_realloc(b->zones, (b->zone_count + 1) * sizeof(*b->zones));
        row = &b->zones[b->zone_count++];
        *row = (struct labelled){.is_critical = false};
        text_set(&row->zone, zone);
    }
    row->is_critical =
        find_value(map, "tier", &at) && bytes_equal(read_bytes(&at), bytes_of_string("critical"));
}

/* Of those that the authors here write. */
static bool is_of_zone(const struct told *t)
{
    return told_is(t, "rrset.change") || told_is(t, "zone.set") || told_is(t, "zone.label");
}

uint32_t plane_class(const struct plane_book *b, const struct told *t)
{
    struct reader r = t->body;
    bool is_update = told_is(t, "rrset.update");
    if (!b->labels_decide || (!is_of_zone(t) && !is_update))
        return 1;
    if (is_update) {
        (void)read_bytes(&r);
        (void)read_bytes(&r);
    }
    const struct labelled *zone = zone_of(b, read_bytes(&r));
    return zone != NULL && zone->is_critical ? 2 : 1;
}

static void judge_class(struct plane_book *b, const struct told *t, const struct plane_verdict *v,
                        uint64_t slot)
{
    bool is_critical = plane_class(b, t) > 1;
    if (v->is_applied && is_critical)
        sim_fail(b->sim, "I34: slot %" PRIu64 ": a change of a critical zone without votes", slot);
    if (v->is_staged && !is_critical && t->asked.size == 0 && is_of_zone(t))
        sim_fail(b->sim, "I34: slot %" PRIu64 ": a change waits that nothing makes critical", slot);
}

static void take_policy(struct plane_book *b, const struct told *t)
{
    struct reader at;
    struct bytes body = bytes_make(t->body.data + t->body.offset, t->body.size - t->body.offset);
    if (find_value(body, "classes", &at))
        b->labels_decide = read_count(&at) > 0;
}

/* ---- all of it ---- */

void plane_on_command(struct plane_book *b, const struct told *t, const struct plane_verdict *v,
                      uint64_t slot)
{
    judge_class(b, t, v, slot);
    if (told_is(t, "rrset.update"))
        take_update(b, t, v, slot);
    else if (told_is(t, "service.set"))
        take_service(b, t, v, slot);
    else if (told_is(t, "service.delete"))
        take_service_away(b, t, v, slot);
    else if (told_is(t, "zone.label") && v->is_applied)
        take_labels(b, t);
    else if (told_is(t, "policy.set") && v->is_applied)
        take_policy(b, t);
}

void plane_on_live(struct plane_book *b, const struct told *t)
{
    if (told_is(t, "zone.label"))
        take_labels(b, t);
}

void plane_visit(const struct plane_book *b,
                 void (*visit)(void *context, struct bytes zone, struct bytes owner,
                               const uint32_t *addresses, size_t count),
                 void *context)
{
    for (size_t i = 0; i < b->host_count; i++) {
        const struct host *h = &b->hosts[i];
        visit(context, bytes_make(h->zone.data, h->zone.size),
              bytes_make(h->name.data, h->name.size), h->addresses, h->count);
    }
}
