/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dns_holders.c - what answers say of the secondaries they went to, and counters for `status`. */
#include <netinet/in.h>
#include <string.h>

#include "src/daemon/dns_internal.h"
#include "src/io/clock.h"

static struct bytes address_of(const struct dns_peer *peer)
{
    const struct sockaddr_storage *from = &peer->address;
    if (from->ss_family == AF_INET)
        return bytes_make(&((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
    return bytes_make(&((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
}

void dns_holders_note(struct exchange *x)
{
    struct dns *d = x->dns;
    struct serve_summary s;
    serve_get_summary(x->serve, &s);
    if (!s.has_serial)
        return;
    struct holder who = {.zone = s.zone, .address = address_of(&x->peer), .key = s.key};
    if (s.is_refresh)
        holders_on_refreshed(d->holders, &who, s.serial, s.expire_s, clock_monotonic_ms());
    else
        holders_on_told(d->holders, &who, s.serial, clock_monotonic_ms());
}

bool dns_next_holder(const struct dns *d, struct bytes zone, struct holder_row *row)
{
    return holders_next(d->holders, zone, row);
}

void dns_get_counters(const struct dns *d, struct dns_counters *out)
{
    *out = (struct dns_counters){.server = *dns_server_counters(d->server),
                                 .notify = *notify_counters(d->notify),
                                 .holders = holders_count(d->holders)};
    if (d->gateway != NULL)
        out->gateway = *gateway_counters(d->gateway);
}
