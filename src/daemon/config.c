/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config.c - one table of keys; every error names file, line and key. */
#include "src/daemon/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/util.h>

#include "src/base/mem.h"
#include "src/base/nearest.h"
#include "src/base/text.h"
#include "src/command/body.h"
#include "src/io/work_pool.h"

enum value_kind {
    VALUE_U32 = 1,
    VALUE_U64,
    VALUE_PATH,
    VALUE_ADDRESS,
    VALUE_ADDRESSES,
    VALUE_YES_NO,
    VALUE_LEVEL,
    VALUE_FLUSH,
    VALUE_TEXT,
    VALUE_PEER,
    VALUE_CLIENT,
    VALUE_DNS_LISTEN,
    VALUE_DNS_KEY,
    VALUE_DNS_SECONDARY,
};

static bool may_repeat(enum value_kind kind)
{
    return kind == VALUE_ADDRESSES || kind >= VALUE_DNS_LISTEN;
}

struct key {
    const char *name;
    enum value_kind kind;
    size_t offset; /* in struct config */
    uint64_t min, max;
    bool required;
};

#define AT(member) offsetof(struct config, member)

static const struct key keys[] = {
    {"replica", VALUE_U32, AT(node.self), 1, REPLICA_MAX, true},
    {"data", VALUE_PATH, AT(data), 0, 0, true},
    {"genesis", VALUE_PATH, AT(genesis), 0, 0, true},
    {"key", VALUE_PATH, AT(key), 0, 0, true},
    {"client_listen", VALUE_ADDRESSES, AT(client_listen), 0, 0, false},
    {"client_unix", VALUE_PATH, AT(client_unix), 0, 0, false},
    {"peer_listen", VALUE_ADDRESS, AT(peer_listen), 0, 0, true},
    {"join", VALUE_YES_NO, AT(join), 0, 0, false},
    {"zone", VALUE_TEXT, AT(zone), 0, LIMIT_LABEL_SIZE, false},
    {"peer_address", VALUE_PEER, AT(peer_address), 0, 0, false},
    {"client_address", VALUE_CLIENT, AT(client_address), 0, 0, false},
    {"log_level", VALUE_LEVEL, AT(log_level), 0, 0, false},
    {"plaintext", VALUE_YES_NO, AT(plaintext), 0, 0, false},
    {"tick_ms", VALUE_U32, AT(node.tick_ms), 1, 1000, false},
    {"heartbeat_ticks", VALUE_U32, AT(node.heartbeat_ticks), 1, 1000, false},
    {"election_ticks_min", VALUE_U32, AT(node.election_ticks_min), 3, 10000, false},
    {"election_ticks_max", VALUE_U32, AT(node.election_ticks_max), 4, 20000, false},
    {"stall_ticks", VALUE_U32, AT(node.stall_ticks), 1, 100000, false},
    {"window", VALUE_U32, AT(node.window), 1, MEMBER_DISTANCE, false},
    {"batch_entries", VALUE_U32, AT(node.batch_entries), 1, LIMIT_BATCH_ENTRIES, false},
    {"journal_flush", VALUE_FLUSH, AT(journal_flush), 0, 0, false},
    {"segment_size", VALUE_U32, AT(node.segment_size), 65536, 1u << 30, false},
    {"store_commit_ms", VALUE_U32, AT(node.store_commit_ms), 1, 60000, false},
    {"store_commit_bytes", VALUE_U32, AT(node.store_commit_bytes), 4096, 1u << 30, false},
    {"store_commit_rows", VALUE_U32, AT(node.store_commit_rows), 16, UINT32_MAX, false},
    {"submit_timeout_ms", VALUE_U32, AT(node.submit_timeout_ms), 100, 600000, false},
    {"clock_bound_ms", VALUE_U32, AT(node.clock_bound_ms), 100, 86400000, false},
    {"snapshot_lag", VALUE_U32, AT(node.snapshot_lag), 1, UINT32_MAX, false},
    {"snapshot_rate", VALUE_U32, AT(node.snapshot_rate), 64, 1u << 30, false},
    {"map_size", VALUE_U64, AT(map_size), 1u << 20, UINT64_C(1) << 46, false},
    {"totp_file", VALUE_PATH, AT(totp_file), 0, 0, false},
    {"approval_hook", VALUE_PATH, AT(approval_hook), 0, 0, false},
    {"clock_offset_file", VALUE_PATH, AT(clock_offset_file), 0, 0, false},
    {"scrub_days", VALUE_U32, AT(scrub_days), 0, 3650, false},
    {"verify_threads", VALUE_U32, AT(verify_threads), 0, WORK_POOL_THREADS_MAX, false},
    {"submit_rate", VALUE_U32, AT(submit_rate), 0, 1u << 30, false},
    {"scrub_rate", VALUE_U32, AT(scrub_rate), 64, 1u << 30, false},
    {"dns_listen", VALUE_DNS_LISTEN, AT(dns), 0, 0, false},
    {"tsig_key", VALUE_DNS_KEY, AT(dns), 0, 0, false},
    {"secondary", VALUE_DNS_SECONDARY, AT(dns), 0, 0, false},
    {"gateway_key", VALUE_PATH, AT(dns.gateway_key), 0, 0, false},
    {"dns_allow_unsigned_queries", VALUE_YES_NO, AT(dns.allow_unsigned_queries), 0, 0, false},
    {"dns_allow_unsigned_transfers", VALUE_YES_NO, AT(dns.allow_unsigned_transfers), 0, 0, false},
    {"flush_timeout_ms", VALUE_U32, AT(flush_timeout_ms), 100, 600000, false},
};

#define KEY_COUNT (sizeof keys / sizeof keys[0])

struct parser {
    const char *path;
    unsigned line;
    struct config *config;
    char *error;
    bool seen[KEY_COUNT];
};

__attribute__((format(printf, 3, 4))) static enum rsm_status
complain(struct parser *p, const char *key, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int used = snprintf(p->error, CONFIG_ERROR_SIZE, "%s:%u: %s: ", p->path, p->line, key);
    if (used > 0 && (size_t)used < CONFIG_ERROR_SIZE)
        vsnprintf(p->error + used, CONFIG_ERROR_SIZE - (size_t)used, format, arguments);
    va_end(arguments);
    return RSM_USAGE;
}

static void *field(struct config *config, const struct key *key)
{
    return (char *)config + key->offset;
}

static enum rsm_status set_number(struct parser *p, const struct key *key, const char *value)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (*value < '0' || *value > '9' || *end != '\0' || errno != 0)
        return complain(p, key->name, "\"%s\" is not a number", value);
    if (number < key->min || number > key->max)
        return complain(p, key->name, "%s is not within %" PRIu64 " to %" PRIu64, value, key->min,
                        key->max);
    if (key->kind == VALUE_U32)
        *(uint32_t *)field(p->config, key) = (uint32_t)number;
    else
        *(uint64_t *)field(p->config, key) = number;
    return RSM_OK;
}

char *config_resolve(const char *file, const char *path)
{
    const char *slash = strrchr(file, '/');
    if (*path == '/' || slash == NULL)
        return mem_copy_string(path);
    size_t folder = (size_t)(slash - file) + 1;
    char *joined = mem_alloc(folder + strlen(path) + 1);
    memcpy(joined, file, folder);
    memcpy(joined + folder, path, strlen(path));
    return joined;
}

bool config_is_address(const char *value)
{
    struct sockaddr_storage address;
    int size = (int)sizeof address;
    if (evutil_parse_sockaddr_port(value, (struct sockaddr *)&address, &size) != 0)
        return false;
    in_port_t port = address.ss_family == AF_INET6
                         ? ((struct sockaddr_in6 *)(void *)&address)->sin6_port
                         : ((struct sockaddr_in *)(void *)&address)->sin_port;
    return port != 0;
}

static enum rsm_status set_address(struct parser *p, const struct key *key, const char *value)
{
    if (!config_is_address(value))
        return complain(p, key->name,
                        "\"%s\" is not an address such as 127.0.0.1:4001 or [::1]:4001", value);
    if (key->kind == VALUE_ADDRESS) {
        *(char **)field(p->config, key) = mem_copy_string(value);
        return RSM_OK;
    }
    if (p->config->client_listen_count == CONFIG_LISTEN_MAX)
        return complain(p, key->name, "at most %u addresses", CONFIG_LISTEN_MAX);
    p->config->client_listen[p->config->client_listen_count++] = mem_copy_string(value);
    return RSM_OK;
}

static enum rsm_status set_word(struct parser *p, const struct key *key, const char *value)
{
    static const char *const levels[] = {"error", "warning", "info", "debug"};
    if (key->kind == VALUE_YES_NO) {
        if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
            return complain(p, key->name, "\"%s\" is neither yes nor no", value);
        *(bool *)field(p->config, key) = strcmp(value, "yes") == 0;
        return RSM_OK;
    }
    for (int i = 0; i < 4; i++) {
        if (strcmp(value, levels[i]) == 0) {
            *(enum log_level *)field(p->config, key) = (enum log_level)(LOG_ERROR + i);
            return RSM_OK;
        }
    }
    return complain(p, key->name, "\"%s\" is none of error, warning, info, debug", value);
}

/* What goes into a member command as it stands. */
static enum rsm_status set_text(struct parser *p, const struct key *key, const char *value)
{
    struct bytes text = bytes_of_string(value);
    if (key->kind == VALUE_TEXT && (!body_is_word(text) || text.size > key->max))
        return complain(p, key->name, "is not a text of 1 to %" PRIu64 " bytes", key->max);
    /* Peers are dialled without a name service; clients have one of their own. */
    if ((key->kind == VALUE_PEER && !config_is_address(value)) ||
        (key->kind != VALUE_TEXT && !body_is_address(text, key->kind == VALUE_CLIENT)))
        return complain(p, key->name, "\"%s\" is not an address such as 192.0.2.4:4101%s", value,
                        key->kind == VALUE_CLIENT ? " or unix:/run/rsm/client.sock" : "");
    *(char **)field(p->config, key) = mem_copy_string(value);
    return RSM_OK;
}

static enum rsm_status set_dns(struct parser *p, const struct key *key, const char *value)
{
    char why[CONFIG_DNS_WHY_SIZE] = "";
    struct config_dns *dns = &p->config->dns;
    enum rsm_status status = key->kind == VALUE_DNS_LISTEN ? config_dns_listen(dns, value, why)
                             : key->kind == VALUE_DNS_KEY ? config_dns_key(dns, p->path, value, why)
                                                          : config_dns_secondary(dns, value, why);
    return status == RSM_OK ? RSM_OK : complain(p, key->name, "%s", why);
}

static enum rsm_status set(struct parser *p, const struct key *key, const char *value)
{
    if (*value == '\0')
        return complain(p, key->name, "has no value");
    switch (key->kind) {
    case VALUE_U32:
    case VALUE_U64:
        return set_number(p, key, value);
    case VALUE_PATH:
        *(char **)field(p->config, key) = config_resolve(p->path, value);
        return RSM_OK;
    case VALUE_ADDRESS:
    case VALUE_ADDRESSES:
        return set_address(p, key, value);
    case VALUE_YES_NO:
    case VALUE_LEVEL:
        return set_word(p, key, value);
    case VALUE_FLUSH:
        if (disk_flush_parse(value, field(p->config, key)))
            return RSM_OK;
        return complain(p, key->name, "\"%s\" is none of fdatasync, odsync, odirect, io_uring",
                        value);
    case VALUE_TEXT:
    case VALUE_PEER:
    case VALUE_CLIENT:
        return set_text(p, key, value);
    case VALUE_DNS_LISTEN:
    case VALUE_DNS_KEY:
    case VALUE_DNS_SECONDARY:
        return set_dns(p, key, value);
    }
    return RSM_USAGE;
}

static enum rsm_status parse_line(struct parser *p, char *line)
{
    line = text_trim(line);
    if (*line == '\0' || *line == '#')
        return RSM_OK;
    char *equals = strchr(line, '=');
    if (equals == NULL)
        return complain(p, line, "is not of the form key = value");
    *equals = '\0';
    char *name = text_trim(line);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (strcmp(keys[i].name, name) != 0)
            continue;
        if (p->seen[i] && !may_repeat(keys[i].kind))
            return complain(p, name, "stands twice");
        p->seen[i] = true;
        return set(p, &keys[i], text_trim(equals + 1));
    }
    struct nearest n = nearest_begin(name);
    for (size_t i = 0; i < KEY_COUNT; i++)
        nearest_offer(&n, keys[i].name);
    if (n.best != NULL)
        return complain(p, name, "there is no such key; is it %s?", n.best);
    return complain(p, name, "there is no such key");
}

/* True for 127.0.0.0/8 and ::1 of an "ip:port". */
static bool is_loopback(const char *address)
{
    struct sockaddr_storage parsed;
    int size = (int)sizeof parsed;
    if (evutil_parse_sockaddr_port(address, (struct sockaddr *)&parsed, &size) != 0)
        return false;
    if (parsed.ss_family == AF_INET)
        return ntohl(((struct sockaddr_in *)(void *)&parsed)->sin_addr.s_addr) >> 24 == 127;
    return parsed.ss_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)(void *)&parsed)->sin6_addr);
}

static enum rsm_status check_whole(struct parser *p)
{
    struct config *c = p->config;
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (keys[i].required && !p->seen[i])
            return complain(p, keys[i].name, "is missing");
    if (c->client_listen_count == 0 && c->client_unix == NULL)
        return complain(p, "client_listen", "neither client_listen nor client_unix is given");
    if (c->join && c->zone == NULL)
        return complain(p, "zone", "is missing: with join = yes no genesis says it");
    if (c->node.election_ticks_min <= 2 * c->node.heartbeat_ticks)
        return complain(p, "election_ticks_min", "must be above twice heartbeat_ticks");
    if (c->node.election_ticks_max <= c->node.election_ticks_min)
        return complain(p, "election_ticks_max", "must be above election_ticks_min");
    if (c->flush_timeout_ms < 10 * c->node.tick_ms)
        return complain(p, "flush_timeout_ms", "must be at least ten times tick_ms");
    char why[CONFIG_DNS_WHY_SIZE] = "";
    if (config_dns_check(&c->dns, why) != RSM_OK)
        return complain(p, "secondary", "%s", why);
    if (c->plaintext)
        return RSM_OK;
    for (uint32_t i = 0; i < c->client_listen_count; i++)
        if (!is_loopback(c->client_listen[i]))
            return complain(p, "client_listen",
                            "%s is not loopback: connections are not encrypted, so this needs "
                            "plaintext = yes",
                            c->client_listen[i]);
    if (!is_loopback(c->peer_listen))
        return complain(
            p, "peer_listen",
            "%s is not loopback: links are not encrypted, so this needs plaintext = yes",
            c->peer_listen);
    return RSM_OK;
}

/*
 * On one or two processors a thread only takes turns with the loop; with more, half of them, for
 * replicas may share a machine.
 */
static uint32_t threads_to_verify(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors <= 2 ? 0 : processors >= 8 ? 4 : (uint32_t)processors / 2;
}

static void set_defaults(struct config *config)
{
    *config = (struct config){.log_level = LOG_INFO,
                              .map_size = UINT64_C(1) << 36,
                              .journal_flush = DISK_FLUSH_ODIRECT,
                              .flush_timeout_ms = 10000,
                              .scrub_days = 7,
                              .scrub_rate = 65536,
                              .verify_threads = threads_to_verify(),
                              .submit_rate = 20000,
                              .dns = {.listen_count = 0}};
    node_config_default(&config->node);
}

enum rsm_status config_parse(const char *path, struct bytes text, struct config *config,
                             char *error)
{
    struct parser p = {.path = path, .config = config, .error = error};
    enum rsm_status status = RSM_OK;
    set_defaults(config);
    char *copy = mem_copy_text(text.data, text.size);
    char *rest = copy;
    if (memchr(copy, '\0', text.size) != NULL)
        status = complain(&p, "file", "has zero bytes in it, so it is no text");
    while (status == RSM_OK && rest != NULL) {
        char *line = strsep(&rest, "\n");
        p.line++;
        status = parse_line(&p, line);
    }
    if (status == RSM_OK)
        status = check_whole(&p);
    mem_free(copy);
    if (status != RSM_OK)
        config_deinit(config);
    return status;
}

static enum rsm_status fail_errno(const char *path, char *error, enum rsm_status status)
{
    snprintf(error, CONFIG_ERROR_SIZE, "%s: %s", path, strerror(errno));
    return status;
}

enum rsm_status config_read(const char *path, struct config *config, char *error)
{
    *config = (struct config){0};
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (descriptor < 0)
        return fail_errno(path, error,
                          errno == ENOENT   ? RSM_NOT_FOUND
                          : errno == EACCES ? RSM_NOT_ALLOWED
                                            : RSM_IO);
    uint8_t *text = mem_alloc(CONFIG_FILE_MAX + 1);
    size_t size = 0;
    ssize_t got = 1;
    while (got > 0 && size <= CONFIG_FILE_MAX) {
        got = read(descriptor, text + size, CONFIG_FILE_MAX + 1 - size);
        if (got > 0)
            size += (size_t)got;
    }
    enum rsm_status status = RSM_OK;
    if (got < 0)
        status = fail_errno(path, error, RSM_IO);
    close(descriptor);
    if (status == RSM_OK && size > CONFIG_FILE_MAX) {
        snprintf(error, CONFIG_ERROR_SIZE, "%s: larger than %u bytes", path, CONFIG_FILE_MAX);
        status = RSM_TOO_LARGE;
    }
    if (status == RSM_OK)
        status = config_parse(path, bytes_make(text, size), config, error);
    mem_free(text);
    return status;
}

void config_deinit(struct config *config)
{
    mem_free(config->data);
    mem_free(config->genesis);
    mem_free(config->key);
    mem_free(config->client_unix);
    mem_free(config->peer_listen);
    mem_free(config->totp_file);
    mem_free(config->approval_hook);
    mem_free(config->clock_offset_file);
    mem_free(config->zone);
    mem_free(config->peer_address);
    mem_free(config->client_address);
    for (uint32_t i = 0; i < config->client_listen_count; i++)
        mem_free(config->client_listen[i]);
    config_dns_deinit(&config->dns);
    *config = (struct config){0};
}
