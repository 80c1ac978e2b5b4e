/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dns_keys.h - reads the secrets that tsig_key lines name. */
#ifndef RSM_DAEMON_DNS_KEYS_H
#define RSM_DAEMON_DNS_KEYS_H

#include "src/daemon/config_dns.h"

/*
 * All keys, owned by the caller (dns_keys_free). A file is a line of base64 and readable to its
 * owner alone, who is this user or root: RSM_KEY_EXPOSED; RSM_NOT_FOUND, RSM_NOT_ALLOWED, RSM_IO,
 * RSM_MALFORMED. On failure nothing is left, and `why` (CONFIG_DNS_WHY_SIZE) has the words.
 */
enum rsm_status dns_keys_read(const struct config_dns *dns, struct tsig_keys *keys_out, char *why);
void dns_keys_free(struct tsig_keys *keys);

#endif
