/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns_notify.c - what changed is read from the state (TABLE_CHANGE) after each batch of slots; who
 * takes the lead, at a start as well, tells all zones once: the former leader may have died between
 * a commit and its NOTIFY.
 */
#include <stdio.h>
#include <string.h>

#include <netinet/in.h>

#include <event2/util.h>
#include <sodium.h>

#include "src/base/log.h"
#include "src/daemon/config.h"
#include "src/daemon/dns_internal.h"
#include "src/io/clock.h"
#include "src/machine/policy.h"
#include "src/machine/query_change.h"
#include "src/rr/data.h"

#define SWEEP_ZONES_A_TURN 100u
#define SENDS_A_TURN 256u

static enum rsm_status open_target(struct dns *d, const struct config_secondary *line,
                                   struct notify_target *target, uint8_t zone[NAME_SIZE_MAX],
                                   char *text)
{
    uint8_t key[NAME_SIZE_MAX];
    struct bytes name = {NULL, 0};
    struct dns_peer *peer = &d->targets[d->target_count++];
    int size = (int)sizeof peer->address;
    /* All of it was looked at when the configuration was read. */
    if (line->zone != NULL)
        (void)name_from_text(line->zone, name, zone, &target->zone);
    if (line->key != NULL && name_from_text(line->key, name, key, &name) == RSM_OK)
        target->key = tsig_find(&d->policy.keys, name);
    (void)evutil_parse_sockaddr_port(line->address, (struct sockaddr *)&peer->address, &size);
    peer->size = (socklen_t)size;
    if (dns_server_socket_for(d->server, (struct sockaddr *)&peer->address, &peer->socket))
        return RSM_OK;
    snprintf(text, CONFIG_ERROR_SIZE, "secondary %s: no dns_listen of the same family to send from",
             line->address);
    return RSM_USAGE;
}

enum rsm_status dns_notify_open(struct dns *d, const struct config_dns *config, char *text)
{
    struct notify_target targets[NOTIFY_TARGETS_MAX] = {{.key = NULL}};
    uint64_t seed;
    enum rsm_status status = RSM_OK;
    for (uint32_t i = 0; status == RSM_OK && i < config->secondary_count; i++)
        status = open_target(d, &config->secondaries[i], &targets[i], d->target_zones[i], text);
    randombytes_buf(&seed, sizeof seed);
    d->notify = notify_new(targets, config->secondary_count, seed);
    d->told_slot = node_applied(d->node);
    return status;
}

/* -------------------------------------------------------------------------------------------- */
/* What changed. */

/* The zone's own interval, or the policy's. */
static void note_change(struct dns *d, struct bytes zone, uint64_t now_ms)
{
    struct kv *kv = node_state(d->node);
    struct zone_record row;
    struct policy policy;
    uint8_t buffer[NAME_SIZE_MAX];
    memcpy(buffer, zone.data, zone.size);
    struct bytes name = bytes_make(buffer, zone.size);
    if (query_zone(kv, name, QUERY_NOW, &row) != RSM_OK)
        return; /* gone meanwhile */
    uint64_t interval_ms = row.publish_ms;
    if (!row.has_publish_ms && policy_load(kv, &policy) == RSM_OK)
        interval_ms = policy.publish_ms;
    notify_changed(d->notify, name, interval_ms, now_ms);
}

static void find_changes(struct dns *d, uint64_t now_ms)
{
    struct query_changed_zones q = {.after = d->told_slot, .slot = node_applied(d->node)};
    if (q.after >= q.slot || !node_has_state(d->node))
        return;
    while (query_changed_zone_next(node_state(d->node), &q) == RSM_OK)
        note_change(d, q.zone, now_ms);
    d->told_slot = q.slot;
}

/* All zones, some at a time. */
static void sweep(struct dns *d, uint64_t now_ms)
{
    struct query_zones q = {.slot = QUERY_NOW, .place = d->sweep};
    for (uint32_t i = 0; d->sweeping && i < SWEEP_ZONES_A_TURN; i++) {
        if (query_zone_next(node_state(d->node), &q) != RSM_OK) {
            d->sweeping = false;
            break;
        }
        note_change(d, q.zone, now_ms);
    }
    d->sweep = q.place;
}

/* -------------------------------------------------------------------------------------------- */
/* Messages. */

static void send_notify(struct dns *d, const struct notify_send *s)
{
    struct query_rrset soa;
    struct bytes rdata, wire;
    draft_begin_question(d->draft, s->id, PACKET_NOTIFY, s->zone, RR_TYPE_SOA, PACKET_CLASS_IN,
                         tsig_size(s->tsig));
    draft_set_authoritative(d->draft);
    /* A hint only (RFC 1996 3.7); a zone that is gone meanwhile has none. */
    if (query_rrset(node_state(d->node), s->zone, s->zone, RR_TYPE_SOA, QUERY_NOW, &soa) ==
        RSM_OK) {
        struct bytes rdatas = soa.record.rdatas;
        if (rrset_rdata_next(&rdatas, &rdata))
            (void)draft_put(d->draft, PACKET_ANSWER, s->zone, RR_TYPE_SOA, PACKET_CLASS_IN,
                            soa.record.ttl, rdata);
    }
    if (tsig_sign(s->tsig, d->draft, &wire) == RSM_OK)
        dns_server_send(d->server, &d->targets[s->target], wire);
}

void dns_notify_work(struct dns *d)
{
    struct node_status status;
    struct notify_send next;
    uint64_t now_ms = clock_monotonic_ms();
    if (d->target_count == 0)
        return;
    node_get_status(d->node, &status);
    if (status.is_leader && !d->was_leader) {
        d->sweeping = true;
        d->sweep.size = 0;
    }
    d->was_leader = status.is_leader;
    find_changes(d, now_ms);
    if (d->sweeping && d->was_leader)
        sweep(d, now_ms);
    for (uint32_t i = 0; i < SENDS_A_TURN && notify_next(d->notify, now_ms, d->was_leader, &next);
         i++) {
        if (next.attempt == NOTIFY_ATTEMPTS) {
            char zone[NAME_TEXT_MAX];
            LOG(LOG_WARNING, "dns-notify", LOG_TEXT("zone", name_to_text(next.zone, zone)),
                LOG_U64("target", next.target), LOG_TEXT("text", "no answer; told a last time"));
        }
        send_notify(d, &next);
    }
}

static bool is_same_address(const struct dns_peer *a, const struct dns_peer *b)
{
    const struct sockaddr *one = (const struct sockaddr *)&a->address;
    const struct sockaddr *other = (const struct sockaddr *)&b->address;
    return evutil_sockaddr_cmp(one, other, 1) == 0;
}

bool dns_notify_take_answer(struct dns *d, const struct dns_peer *from, struct bytes wire)
{
    struct packet *packet;
    if (wire.size < PACKET_HEADER_SIZE || (wire.data[2] & 0x80u) == 0)
        return false;
    if (packet_parse(wire, &packet) != RSM_OK)
        return true;
    enum notify_answer what = NOTIFY_UNKNOWN;
    for (uint32_t i = 0; what == NOTIFY_UNKNOWN && i < d->target_count; i++)
        if (is_same_address(&d->targets[i], from))
            what = notify_on_answer(d->notify, i, packet);
    if (what == NOTIFY_REFUSED)
        LOG(LOG_WARNING, "dns-notify", LOG_U64("rcode", packet_head(packet)->rcode),
            LOG_TEXT("text", "a secondary refuses to be told"));
    packet_free(packet);
    return true;
}
