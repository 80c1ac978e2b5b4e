/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * config.h - the configuration file of rsmd.
 *
 * Lines of `key = value`; blank lines and lines that begin with # are free. A key stands once,
 * except client_listen and some of DNS (config_dns.h). packaging/rsmd.conf.example has all keys
 * with their reasons. Paths that do not begin with / are taken from the folder of the configuration
 * file.
 */
#ifndef RSM_DAEMON_CONFIG_H
#define RSM_DAEMON_CONFIG_H

#include <stdbool.h>

#include <rsm/status.h>

#include "src/base/log.h"
#include "src/daemon/config_dns.h"
#include "src/daemon/node.h"
#include "src/io/disk_posix.h"

#define CONFIG_LISTEN_MAX 8u
#define CONFIG_FILE_MAX 65536u
#define CONFIG_ERROR_SIZE 512u

struct config {
    struct node_config node; /* self is `replica`; incarnation and seed are not from the file */
    char *data;              /* owned, absolute or as given */
    char *genesis;
    char *key;
    char *client_listen[CONFIG_LISTEN_MAX]; /* "ip:port" */
    uint32_t client_listen_count;
    char *client_unix; /* NULL: none */
    char *peer_listen; /* "ip:port" */
    bool join;         /* this replica need not be in the genesis: it waits to be added */
    /* What it says of itself to be added under (method member.self). NULL: from the genesis or the
       listening addresses. */
    char *zone;
    char *peer_address;
    char *client_address;
    enum log_level log_level;
    bool plaintext;
    uint64_t map_size;             /* of the store, bytes of address space */
    enum disk_flush journal_flush; /* how the journal's bytes become durable */
    char *totp_file;               /* NULL: no codes are checked (totp.h) */
    char *approval_hook;           /* NULL: nobody is told (approvers.h) */
    char *clock_offset_file;       /* NULL, but in tests: see src/io/clock.h */
    uint32_t flush_timeout_ms;     /* then the process ends */
    uint32_t verify_threads;       /* that verify signatures beside the loop; 0: none */
    uint32_t submit_rate;          /* envelopes in a second of one client connection; 0: no limit */
    uint32_t scrub_rate;           /* of a pass, KiB a second */
    uint32_t scrub_days;           /* between two passes of the scrubber; 0: only when asked for */
    struct config_dns dns;
};

/*
 * Reads the file. On failure `error` (CONFIG_ERROR_SIZE) has "file:line: key: what" and *config is
 * empty. RSM_NOT_FOUND, RSM_NOT_ALLOWED, RSM_IO, RSM_TOO_LARGE, RSM_USAGE (what is written there).
 */
enum rsm_status config_read(const char *path, struct config *config, char *error);
/* As config_read, over bytes; `path` is for the messages and for relative paths. */
enum rsm_status config_parse(const char *path, struct bytes text, struct config *config,
                             char *error);
void config_deinit(struct config *config);

/* True for "ip:port" with a port above 0. */
bool config_is_address(const char *value);
/* Relative paths count from the file that they are written in, wherever rsmd was started. Owned. */
char *config_resolve(const char *file, const char *path);

#endif
