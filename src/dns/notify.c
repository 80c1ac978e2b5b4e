/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * notify.c - a zone waits (changed, due at some time), then each of its targets has a message in
 * flight; both are lists, short because a zone leaves the first as soon as it was told.
 */
#include "src/dns/notify.h"

#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/base/prng.h"
#include "src/rr/name.h"

#define BUCKETS 1024u
#define FIRST_RETRY_MS 1000u

struct zone {
    struct zone *next;
    uint64_t told_ms;    /* 0: never */
    uint64_t changed_ms; /* of the first change that was not told; 0: all were */
    uint64_t due_ms;
    uint64_t interval_ms;
    uint8_t size;
    uint8_t name[NAME_SIZE_MAX];
};

struct flight {
    struct flight *next;
    uint64_t due_ms; /* of the next attempt */
    uint32_t attempts;
    uint32_t target;
    uint16_t id;
    struct tsig_exchange tsig;
    uint8_t size;
    uint8_t name[NAME_SIZE_MAX];
};

struct notify {
    struct notify_target targets[NOTIFY_TARGETS_MAX];
    uint32_t target_count;
    struct prng prng;
    struct zone *buckets[BUCKETS];
    uint32_t zone_count, flight_count;
    uint64_t look_ms; /* no zone is due earlier */
    struct flight *flights;
    uint64_t flight_look_ms;
    struct notify_counters counters;
};

struct notify *notify_new(const struct notify_target *targets, uint32_t count, uint64_t seed)
{
    struct notify *n = mem_alloc(sizeof *n);
    CHECK(count <= NOTIFY_TARGETS_MAX);
    if (count > 0)
        memcpy(n->targets, targets, count * sizeof *targets);
    n->target_count = count;
    n->look_ms = n->flight_look_ms = UINT64_MAX;
    prng_init(&n->prng, seed);
    return n;
}

void notify_free(struct notify *n)
{
    if (n == NULL)
        return;
    for (uint32_t i = 0; i < BUCKETS; i++) {
        while (n->buckets[i] != NULL) {
            struct zone *zone = n->buckets[i];
            n->buckets[i] = zone->next;
            mem_free(zone);
        }
    }
    while (n->flights != NULL) {
        struct flight *flight = n->flights;
        n->flights = flight->next;
        mem_free(flight);
    }
    mem_free(n);
}

const struct notify_counters *notify_counters(const struct notify *n)
{
    return &n->counters;
}

/* -------------------------------------------------------------------------------------------- */
/* Zones that wait. */

static bool is_for(const struct notify_target *target, struct bytes zone)
{
    return target->zone.size == 0 || name_equal(target->zone, zone);
}

static bool has_target(const struct notify *n, struct bytes zone)
{
    for (uint32_t i = 0; i < n->target_count; i++)
        if (is_for(&n->targets[i], zone))
            return true;
    return false;
}

/* FNV-1a: nobody gains by collisions but who may make zones. */
static struct zone **bucket_of(struct notify *n, struct bytes zone)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < zone.size; i++)
        hash = (hash ^ zone.data[i]) * 16777619u;
    return &n->buckets[hash % BUCKETS];
}

static struct zone *find_zone(struct notify *n, struct bytes name)
{
    struct zone **bucket = bucket_of(n, name);
    for (struct zone *zone = *bucket; zone != NULL; zone = zone->next)
        if (name_equal(bytes_make(zone->name, zone->size), name))
            return zone;
    if (n->zone_count == NOTIFY_ZONES_MAX)
        return NULL;
    struct zone *zone = mem_alloc(sizeof *zone);
    zone->size = (uint8_t)name.size;
    memcpy(zone->name, name.data, name.size);
    zone->next = *bucket;
    *bucket = zone;
    n->zone_count++;
    return zone;
}

void notify_changed(struct notify *n, struct bytes name, uint64_t interval_ms, uint64_t now_ms)
{
    if (!has_target(n, name))
        return;
    struct zone *zone = find_zone(n, name);
    if (zone == NULL) {
        n->counters.forgotten++;
        return;
    }
    zone->interval_ms = interval_ms;
    if (zone->changed_ms == 0)
        zone->changed_ms = now_ms;
    zone->due_ms = zone->changed_ms;
    if (zone->told_ms != 0 && zone->told_ms + interval_ms > zone->changed_ms)
        zone->due_ms = zone->told_ms + interval_ms;
    if (zone->due_ms < n->look_ms)
        n->look_ms = zone->due_ms;
}

/* -------------------------------------------------------------------------------------------- */
/* Messages in flight. */

static void begin_flight(struct notify *n, struct bytes zone, uint32_t target, uint64_t now_ms)
{
    struct flight *flight = n->flights;
    while (flight != NULL &&
           (flight->target != target || !name_equal(bytes_make(flight->name, flight->size), zone)))
        flight = flight->next;
    if (flight == NULL) {
        flight = mem_alloc(sizeof *flight);
        flight->target = target;
        flight->size = (uint8_t)zone.size;
        memcpy(flight->name, zone.data, zone.size);
        flight->next = n->flights;
        n->flights = flight;
        n->flight_count++;
    }
    flight->attempts = 0;
    flight->due_ms = now_ms;
    n->flight_look_ms = now_ms;
}

static void end_flight(struct notify *n, struct flight **at)
{
    struct flight *flight = *at;
    *at = flight->next;
    n->flight_count--;
    mem_free(flight);
}

/* A zone that is due becomes flights; one that has nothing to say for long goes. */
static void look_at_zone(struct notify *n, struct zone **at, uint64_t now_ms, bool is_leader)
{
    struct zone *zone = *at;
    struct bytes name = bytes_make(zone->name, zone->size);
    bool has_room = n->flight_count + n->target_count <= NOTIFY_FLIGHTS_MAX;
    if (zone->changed_ms != 0 && zone->due_ms <= now_ms && is_leader && has_room) {
        for (uint32_t i = 0; i < n->target_count; i++)
            if (is_for(&n->targets[i], name))
                begin_flight(n, name, i, now_ms);
        zone->told_ms = now_ms;
        zone->changed_ms = 0;
    }
    if (zone->changed_ms != 0 && !is_leader && zone->changed_ms + NOTIFY_HOLD_MS <= now_ms)
        zone->changed_ms = 0;
    uint64_t look_ms = zone->changed_ms != 0 ? zone->due_ms : zone->told_ms + zone->interval_ms;
    if (zone->changed_ms != 0 && look_ms <= now_ms)
        look_ms = now_ms + 1; /* no lead, or no room */
    if (zone->changed_ms == 0 && look_ms <= now_ms) {
        *at = zone->next;
        n->zone_count--;
        mem_free(zone);
        return;
    }
    if (look_ms < n->look_ms)
        n->look_ms = look_ms;
}

static void look_at_zones(struct notify *n, uint64_t now_ms, bool is_leader)
{
    if (now_ms < n->look_ms)
        return;
    n->look_ms = UINT64_MAX;
    for (uint32_t i = 0; i < BUCKETS; i++) {
        struct zone **at = &n->buckets[i];
        while (*at != NULL) {
            struct zone *zone = *at;
            look_at_zone(n, at, now_ms, is_leader);
            if (*at == zone)
                at = &zone->next;
        }
    }
}

static void fill_send(struct notify *n, struct flight *flight, uint64_t now_ms,
                      struct notify_send *out)
{
    flight->due_ms = now_ms + ((uint64_t)FIRST_RETRY_MS << flight->attempts);
    flight->attempts++;
    flight->id = (uint16_t)prng_next(&n->prng);
    tsig_begin(n->targets[flight->target].key, &flight->tsig);
    n->counters.sent++;
    *out = (struct notify_send){.zone = bytes_make(flight->name, flight->size),
                                .target = flight->target,
                                .id = flight->id,
                                .attempt = flight->attempts,
                                .tsig = &flight->tsig};
}

bool notify_next(struct notify *n, uint64_t now_ms, bool is_leader, struct notify_send *out)
{
    look_at_zones(n, now_ms, is_leader);
    if (now_ms < n->flight_look_ms)
        return false;
    n->flight_look_ms = UINT64_MAX;
    struct flight **at = &n->flights;
    while (*at != NULL) {
        struct flight *flight = *at;
        if (flight->due_ms <= now_ms && (flight->attempts == NOTIFY_ATTEMPTS || !is_leader)) {
            n->counters.given_up++;
            end_flight(n, at);
            continue;
        }
        if (flight->due_ms <= now_ms) {
            fill_send(n, flight, now_ms, out);
            n->flight_look_ms = now_ms; /* there may be more */
            return true;
        }
        if (flight->due_ms < n->flight_look_ms)
            n->flight_look_ms = flight->due_ms;
        at = &flight->next;
    }
    return false;
}

enum notify_answer notify_on_answer(struct notify *n, uint32_t target, const struct packet *answer)
{
    const struct packet_head *h = packet_head(answer);
    for (struct flight **at = &n->flights; *at != NULL; at = &(*at)->next) {
        struct flight *flight = *at;
        if (flight->target != target || flight->id != h->id || flight->attempts == 0)
            continue;
        if (h->has_question && !name_equal(h->name, bytes_make(flight->name, flight->size)))
            continue;
        bool is_error = h->rcode != RCODE_NOERROR;
        /* An error may come unsigned (RFC 8945 5.2); then it ends nothing: anybody can say it. */
        if (!tsig_check_answer(&flight->tsig, answer))
            return is_error ? NOTIFY_REFUSED : NOTIFY_UNKNOWN;
        n->counters.answered += is_error ? 0 : 1;
        n->counters.refused += is_error ? 1 : 0;
        end_flight(n, at);
        return is_error ? NOTIFY_REFUSED : NOTIFY_TAKEN;
    }
    return NOTIFY_UNKNOWN;
}
