/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dns_internal.h - for src/daemon/dns*.c alone. */
#ifndef RSM_DAEMON_DNS_INTERNAL_H
#define RSM_DAEMON_DNS_INTERNAL_H

#include <event2/event.h>

#include "src/daemon/dns.h"
#include "src/daemon/dns_keys.h"
#include "src/daemon/gateway.h"
#include "src/dns/holders.h"
#include "src/dns/serve.h"
#include "src/machine/tables.h"
#include "src/rr/name.h"

/* Exchanges that wait for the same thing, oldest first. */
struct exchange_list {
    struct exchange *first, *last;
    uint32_t count;
};

struct exchange {
    struct dns *dns;
    struct serve *serve; /* owned */
    struct dns_peer peer;
    uint64_t began_ms;
    uint64_t waiter;            /* of an update: its number at the gateway */
    struct transfer_want want;  /* in `digesting`: for which one; borrowed from `serve` */
    struct exchange_list *list; /* that it is in; NULL: it waits for nothing */
    struct exchange *next, *previous;
};

struct dns {
    struct node *node;               /* borrowed */
    const struct config_dns *config; /* borrowed */
    struct dns_server *server;       /* owned, as is all below */
    struct serve_policy policy;
    struct draft *draft;
    struct event *work;           /* run as soon as the node's step is over */
    struct exchange_list waiting; /* for a read */
    /* updates */
    struct exchange_list updating; /* for the gateway */
    struct rsm_key *gateway_key;   /* NULL: no updates; and so with the gateway */
    struct gateway *gateway;
    uint64_t waiter_count, submit_count;
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
    /* ZONEMD */
    struct exchange_list digesting; /* for a digest */
    struct digests *digests;
    /* what secondaries are known to have */
    struct holders *holders;
};

/* dns.c */
void exchange_link(struct exchange *x, struct exchange_list *list);
/* Goes on with the answer; the exchange may be gone when it returns, as it is behind the next. */
void dns_exchange_answer(struct exchange *x);
/* One message that says this; text: NULL or words. */
void dns_exchange_end(struct exchange *x, enum packet_rcode rcode, enum packet_ede ede,
                      const char *text);

/* dns_digest.c: digests of zones that are served with them, and those being made */
void dns_digest_open(struct dns *d, struct event_base *base);
void dns_digest_close(struct dns *d);
/* True: the exchange has all digests that it needs; else it waits, and goes on later. */
bool dns_digest_ready(struct exchange *x);

/* dns_holders.c: all of an answer has gone to the system. */
void dns_holders_note(struct exchange *x);

/* dns_update.c */
enum rsm_status dns_update_open(struct dns *d, const struct config_dns *config,
                                const uint8_t *cluster_id, char *text);
void dns_update_close(struct dns *d);
/* An update that is signed well. The exchange may be gone when it returns. */
void dns_update_begin(struct exchange *x);
/* Signs what waits, ends what waited too long. */
void dns_update_turn(struct dns *d);

/* dns_notify.c */
enum rsm_status dns_notify_open(struct dns *d, const struct config_dns *config, char *text);
/* Finds what changed, sends what is due. */
void dns_notify_work(struct dns *d);
/* True: the datagram is an answer; whatever it was, it is dealt with. */
bool dns_notify_take_answer(struct dns *d, const struct dns_peer *from, struct bytes wire);

#endif
