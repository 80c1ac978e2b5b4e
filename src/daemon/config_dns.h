/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * config_dns.h - the lines of the configuration that are about DNS.
 *
 *     dns_listen = 192.0.2.1:53                               may stand several times, as may:
 *     tsig_key = NAME ALGORITHM FILE [PURPOSE,PURPOSE [PRINCIPAL]]      transfer, update, notify
 *     gateway_key = FILE                                      signs what keys for updates ask for
 *     secondary = ZONE|* ADDRESS:PORT [KEY]
 */
#ifndef RSM_DAEMON_CONFIG_DNS_H
#define RSM_DAEMON_CONFIG_DNS_H

#include <stdbool.h>

#include <rsm/status.h>

#include "src/dns/notify.h"
#include "src/net/dns_server.h"

struct config_tsig {
    char *name, *algorithm;
    char *path; /* of a file with the secret in base64 */
    uint32_t purposes;
    char *principal; /* whose updates are signed with it */
};

struct config_secondary {
    char *zone; /* NULL: all */
    char *address;
    char *key; /* NULL: what it is told is not signed */
};

/* All texts are owned. */
struct config_dns {
    char *listen[DNS_LISTEN_MAX];
    uint32_t listen_count;
    struct config_tsig keys[TSIG_KEYS_MAX];
    uint32_t key_count;
    struct config_secondary secondaries[NOTIFY_TARGETS_MAX];
    uint32_t secondary_count;
    char *gateway_key; /* NULL: no updates */
    bool allow_unsigned_queries;
    bool allow_unsigned_transfers;
};

#define CONFIG_DNS_WHY_SIZE 300u

/*
 * Each takes the value of a line; RSM_USAGE: `why` (CONFIG_DNS_WHY_SIZE) says what is wrong with
 * it. Relative paths count from the folder of `file`.
 */
enum rsm_status config_dns_listen(struct config_dns *dns, const char *value, char *why);
enum rsm_status config_dns_key(struct config_dns *dns, const char *file, const char *value,
                               char *why);
enum rsm_status config_dns_secondary(struct config_dns *dns, const char *value, char *why);
/* When all lines are read: keys that secondaries name are there, and good for it. */
enum rsm_status config_dns_check(const struct config_dns *dns, char *why);
void config_dns_deinit(struct config_dns *dns);

#endif
