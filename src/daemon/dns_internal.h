/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dns_internal.h - for src/daemon/dns*.c alone. */
#ifndef RSM_DAEMON_DNS_INTERNAL_H
#define RSM_DAEMON_DNS_INTERNAL_H

#include <event2/event.h>

#include "src/daemon/dns.h"
#include "src/daemon/dns_keys.h"
#include "src/dns/serve.h"
#include "src/machine/tables.h"
#include "src/rr/name.h"

struct exchange;

struct dns {
    struct node *node;         /* borrowed */
    struct dns_server *server; /* owned, as is all below */
    struct serve_policy policy;
    struct draft *draft;
    struct event *work; /* run as soon as the node's step is over */
    /* questions that wait for a read, oldest first */
    struct exchange *waiting, *waiting_last;
    uint32_t waiting_count;
    /* confirmation */
    uint64_t read_token, read_count;
    uint64_t read_began_ms; /* 0: none runs */
    uint64_t confirmed_ms;  /* when the last read that was confirmed began; 0: none */
    bool read_failed;
    bool is_doubtful; /* the last read was not confirmed in time */
    /* NOTIFY */
    struct notify *notify;
    uint32_t target_count;
    struct dns_peer targets[NOTIFY_TARGETS_MAX];
    uint8_t target_zones[NOTIFY_TARGETS_MAX][NAME_SIZE_MAX];
    uint64_t told_slot; /* changes up to it are known to `notify` */
    bool was_leader;
    struct key sweep; /* after taking the lead: the zone that was told last of all zones */
    bool sweeping;
};

/* dns_notify.c */
enum rsm_status dns_notify_open(struct dns *d, const struct config_dns *config, char *text);
/* Finds what changed, sends what is due. */
void dns_notify_work(struct dns *d);
/* True: the datagram is an answer; whatever it was, it is dealt with. */
bool dns_notify_take_answer(struct dns *d, const struct dns_peer *from, struct bytes wire);

#endif
