/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns.h - the replica as a DNS primary: where sockets, the answering code and the node meet.
 *
 * No answer about zones is given unless this replica is known not to be behind: a confirmed read
 * (node_read) that began less than DNS_FRESH_MS ago. Without one the question waits for it, at most
 * DNS_CONFIRM_MS; then it gets SERVFAIL, and so does at once whoever asks until a read is
 * confirmed. A transfer goes on as the state was when it began.
 */
#ifndef RSM_DAEMON_DNS_H
#define RSM_DAEMON_DNS_H

#include "src/daemon/config_dns.h"
#include "src/daemon/gateway.h"
#include "src/daemon/node.h"
#include "src/dns/holders.h"

struct event_base;
struct dns;

#define DNS_FRESH_MS 50u
#define DNS_CONFIRM_MS 1000u

/* Of tokens that node_read and node_submit give back: those of the clients are counted from 1. */
#define DNS_TOKEN_BIT (UINT64_C(1) << 63)

/*
 * Reads the keys and listens; updates are signed for that cluster. The configuration is borrowed
 * and has dns_listen; the node is called from the events of `base`. On failure *dns_out is NULL and
 * `text` (CONFIG_ERROR_SIZE) says why.
 */
enum rsm_status dns_new(const struct config_dns *config, struct event_base *base, struct node *node,
                        const uint8_t *cluster_id, struct dns **dns_out, char *text);
/* All of these ignore NULL. */
void dns_free(struct dns *d);
/* No more questions; transfers in hand are broken off by dns_free. */
void dns_stop_accepting(struct dns *d);
/* From the node's environment. True: the token was one of ours. */
bool dns_on_read_ready(struct dns *d, uint64_t token, enum rsm_status status);
bool dns_on_submitted(struct dns *d, uint64_t token, const struct node_outcome *outcome);
void dns_on_applied(struct dns *d, uint64_t slot);
/* For `status`; NULL is what a replica without dns_listen has. */
struct dns_counters {
    struct dns_server_counters server;
    struct notify_counters notify;
    struct gateway_counters gateway;
    uint32_t holders;
};

void dns_get_counters(const struct dns *d, struct dns_counters *out);
/* What the secondaries have of a zone, as far as this replica knows: see src/dns/holders.h. */
bool dns_next_holder(const struct dns *d, struct bytes zone, struct holder_row *row);
/* Once a tick. */
void dns_on_tick(struct dns *d);

#endif
