/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns_update.c - dynamic updates (RFC 2136) at this replica: from a signed message to the gateway,
 * and from its reply to the client.
 *
 * The exchange waits in `updating` meanwhile. When its connection is closed first, the update goes
 * on and nobody is told.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "src/base/log.h"
#include "src/command/public.h"
#include "src/daemon/config.h"
#include "src/daemon/dns_internal.h"
#include "src/io/clock.h"

/* ---- what the gateway asks of us ---- */

static struct kv *gateway_state(void *context)
{
    return node_state(((struct dns *)context)->node);
}

static void gateway_submit(void *context, struct blob *envelope)
{
    struct dns *d = context;
    node_submit(d->node, DNS_TOKEN_BIT | ++d->submit_count, envelope);
}

static void reply_to(struct exchange *x, const struct update_reply *reply)
{
    dns_exchange_end(x, reply->rcode, reply->ede, reply->text[0] != '\0' ? reply->text : NULL);
}

static void gateway_done(void *context, uint64_t waiter, const struct update_reply *reply)
{
    struct dns *d = context;
    struct exchange *x = d->updating.first;
    while (x != NULL && x->waiter != waiter)
        x = x->next;
    if (x != NULL)
        reply_to(x, reply);
}

enum rsm_status dns_update_open(struct dns *d, const struct config_dns *config,
                                const uint8_t *cluster_id, char *text)
{
    if (config->gateway_key == NULL)
        return RSM_OK;
    enum rsm_status status = rsm_key_load(config->gateway_key, NULL, 0, &d->gateway_key);
    if (status != RSM_OK) {
        (void)snprintf(text, CONFIG_ERROR_SIZE, "gateway_key: %s: %s", config->gateway_key,
                       rsm_status_sentence(status));
        return status;
    }
    struct gateway_config gateway = {.key = d->gateway_key,
                                     .cluster_id = cluster_id,
                                     .context = d,
                                     .state = gateway_state,
                                     .submit = gateway_submit,
                                     .done = gateway_done};
    d->gateway = gateway_new(&gateway);
    return RSM_OK;
}

void dns_update_close(struct dns *d)
{
    gateway_free(d->gateway);
    rsm_key_free(d->gateway_key);
}

/* ---- messages ---- */

static const struct config_tsig *key_of(const struct dns *d, struct bytes name)
{
    char text[NAME_TEXT_MAX];
    (void)name_to_text(name, text);
    for (uint32_t i = 0; i < d->config->key_count; i++) {
        if (strcmp(d->config->keys[i].name, text) == 0)
            return &d->config->keys[i];
    }
    return NULL;
}

static void describe(const struct exchange *x, const struct config_tsig *key, char *out,
                     size_t size)
{
    char address[INET6_ADDRSTRLEN] = "?";
    const struct sockaddr_storage *from = &x->peer.address;
    if (from->ss_family == AF_INET)
        (void)inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)from)->sin_addr,
                        address, sizeof address);
    else if (from->ss_family == AF_INET6)
        (void)inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr,
                        address, sizeof address);
    (void)snprintf(out, size, "DNS update from %s by key %.60s", address, key->name);
}

static void refuse(struct exchange *x, enum packet_rcode rcode, enum packet_ede ede,
                   const char *text)
{
    struct update_reply reply = {.rcode = rcode, .ede = ede};
    (void)snprintf(reply.text, sizeof reply.text, "%s", text);
    reply_to(x, &reply);
}

/* Which message it is, for whoever gets it again: whose key, and the signature. */
static void identify(const struct exchange *x, struct bytes key, uint8_t identity[HASH_SIZE])
{
    struct bytes mac = serve_signature(x->serve);
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, NULL, 0, HASH_SIZE);
    (void)crypto_generichash_update(&state, key.data, key.size);
    (void)crypto_generichash_update(&state, mac.data, mac.size);
    (void)crypto_generichash_final(&state, identity, HASH_SIZE);
}

static void take(struct exchange *x, struct bytes key_name, const struct config_tsig *key)
{
    struct dns *d = x->dns;
    struct update_reply reply;
    struct rsm_buffer body;
    char reason[160];
    const struct packet *p = serve_packet(x->serve);
    struct gateway_request request = {.waiter = ++d->waiter_count, .reason = reason};
    identify(x, key_name, request.identity);
    request.zone = packet_head(p)->name;
    if (!update_build(p, key->principal, bytes_to_public(bytes_make(request.identity, HASH_SIZE)),
                      &body, &reply)) {
        reply_to(x, &reply);
        return;
    }
    describe(x, key, reason, sizeof reason);
    request.body = rsm_buffer_bytes(&body);
    x->waiter = request.waiter;
    exchange_link(x, &d->updating);
    gateway_take(d->gateway, &request, clock_monotonic_ms());
    rsm_buffer_free(&body);
    gateway_turn(d->gateway, clock_monotonic_ms());
}

void dns_update_begin(struct exchange *x)
{
    struct dns *d = x->dns;
    struct serve_summary summary;
    serve_get_summary(x->serve, &summary);
    const struct config_tsig *key = key_of(d, summary.key);
    if (d->gateway == NULL)
        refuse(x, RCODE_NOTIMP, PACKET_EDE_OTHER, "this replica has no gateway_key for updates");
    else if (key == NULL)
        refuse(x, RCODE_REFUSED, PACKET_EDE_PROHIBITED, "the key is not for updates");
    else if (d->updating.count >= LIMIT_DNS_WAITING)
        refuse(x, RCODE_SERVFAIL, PACKET_EDE_NOT_READY, "too many updates wait at this replica");
    else
        take(x, summary.key, key);
}

bool dns_on_submitted(struct dns *d, uint64_t token, const struct node_outcome *outcome)
{
    if ((token & DNS_TOKEN_BIT) == 0)
        return false;
    if (d == NULL || d->gateway == NULL)
        return true;
    gateway_on_submitted(d->gateway, outcome);
    event_active(d->work, EV_TIMEOUT, 0); /* more may wait; the node is in the middle of a step */
    return true;
}

void dns_update_turn(struct dns *d)
{
    if (d->gateway != NULL)
        gateway_turn(d->gateway, clock_monotonic_ms());
}
