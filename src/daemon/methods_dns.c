/* SPDX-License-Identifier: GPL-3.0-or-later */
/* methods_dns.c - what this replica knows of its secondaries, and counters of the DNS side. */
#include <arpa/inet.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/daemon/dns.h"
#include "src/daemon/methods_internal.h"
#include "src/io/clock.h"

/* ---- secondary.list ---- */

static void pack_address(struct writer *out, struct bytes address)
{
    char text[INET6_ADDRSTRLEN] = "";
    int family = address.size == 4 ? AF_INET : AF_INET6;
    if (inet_ntop(family, address.data, text, sizeof text) == NULL)
        text[0] = '\0';
    pack_key(out, "address");
    pack_text(out, text);
}

static void pack_holder(struct writer *out, const struct holder_row *row, uint64_t now_ms)
{
    char key[NAME_TEXT_MAX];
    pack_map(out, 8);
    pack_address(out, row->who.address);
    pack_key(out, "key");
    pack_text(out, row->who.key.size > 0 ? name_to_text(row->who.key, key) : "");
    pack_key(out, "known");
    pack_bool(out, row->is_known);
    pack_number(out, "serial", row->serial);
    pack_number(out, "refreshed_age_ms", row->is_known ? now_ms - row->refreshed_ms : 0);
    pack_number(out, "expire_ms", 1000u * (uint64_t)row->expire_s);
    pack_number(out, "told_serial", row->told_serial);
    pack_number(out, "told_age_ms", now_ms - row->told_ms);
}

/* A zone with what its secondaries have; without one of them as well. */
static void pack_held_zone(struct writer *out, const struct dns *dns, struct bytes zone,
                           uint32_t serial)
{
    struct writer rows;
    struct holder_row *row = mem_alloc(sizeof *row);
    uint32_t count = 0;
    uint64_t now_ms = clock_monotonic_ms();
    writer_init(&rows, PAGE_BYTES);
    while (dns != NULL && dns_next_holder(dns, zone, row)) {
        pack_holder(&rows, row, now_ms);
        count++;
    }
    pack_map(out, 4);
    pack_name_fields(out, "zone", "zone_wire", zone);
    pack_number(out, "serial", serial);
    pack_key(out, "secondaries");
    pack_array(out, count);
    writer_bytes(out, writer_result(&rows));
    out->failed |= rows.failed;
    writer_deinit(&rows);
    mem_free(row);
}

enum rsm_status read_secondary_list(struct call *call, struct writer *out)
{
    struct query_zones *q = mem_alloc(sizeof *q);
    struct page page;
    uint8_t last[LIMIT_NAME_SIZE];
    size_t last_size = 0;
    enum rsm_status status = RSM_NOT_FOUND;
    q->slot = QUERY_NOW;
    set_key(&q->place, option_after(call, LIMIT_NAME_SIZE));
    page_begin(call, &page);
    while (node_has_state(serving(call)->m->node) &&
           (status = query_zone_next(call->kv, q)) == RSM_OK) {
        if (!page_has_room(&page))
            break;
        pack_held_zone(&page.items, serving(call)->m->dns, q->zone, q->record.serial);
        last_size = q->zone.size;
        memcpy(last, q->zone.data, last_size);
    }
    mem_free(q);
    page_end(call, out, "zones", &page, bytes_make(last, last_size));
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

/* ---- status ---- */

/* One counter of a group, by its name there. */
struct counter {
    const char *name;
    uint64_t value;
};

/* Empty when this replica serves no DNS. */
static void pack_group(struct writer *out, const char *group, bool is_there,
                       const struct counter *counters, size_t count)
{
    pack_key(out, group);
    pack_map(out, is_there ? (uint32_t)count : 0);
    for (size_t i = 0; i < count && is_there; i++)
        pack_number(out, counters[i].name, counters[i].value);
}

void pack_dns_counters(struct writer *out, const struct methods *m)
{
    struct dns_counters c = {.holders = 0};
    if (m->dns != NULL)
        dns_get_counters(m->dns, &c);
    const struct counter server[] = {
        {"connections", c.server.connections},
        {"accepted", c.server.accepted},
        {"refused", c.server.refused},
        {"timed_out", c.server.timed_out},
        {"datagrams", c.server.datagrams},
        {"unsent", c.server.unsent},
        {"secondaries", c.holders},
    };
    const struct counter notify[] = {
        {"sent", c.notify.sent},           {"answered", c.notify.answered},
        {"refused", c.notify.refused},     {"given_up", c.notify.given_up},
        {"forgotten", c.notify.forgotten},
    };
    const struct counter gateway[] = {
        {"taken", c.gateway.taken},     {"applied", c.gateway.applied},
        {"refused", c.gateway.refused}, {"repeated", c.gateway.repeated},
        {"late", c.gateway.late},       {"waiting", c.gateway.waiting},
    };
    bool is_there = m->dns != NULL;
    pack_group(out, "dns_counters", is_there, server, sizeof server / sizeof *server);
    pack_group(out, "notify_counters", is_there, notify, sizeof notify / sizeof *notify);
    pack_group(out, "gateway_counters", is_there, gateway, sizeof gateway / sizeof *gateway);
}
