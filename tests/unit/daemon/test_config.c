/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_config.c - the configuration file: every error names file, line and key. */
#include <criterion/criterion.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/daemon/config.h"

#define GOOD                                                                                       \
    "replica = 2\ndata = data\ngenesis = /g\nkey = k\nclient_listen = 127.0.0.1:4001\n"            \
    "peer_listen = [::1]:4101\n"

Test(config, a_good_file)
{
    struct config c;
    char error[CONFIG_ERROR_SIZE];
    cr_assert_eq(config_parse("/etc/rsm/rsmd.conf", bytes_of_string("# note\n\n" GOOD "window=7\n"),
                              &c, error),
                 RSM_OK, "%s", error);
    cr_assert_eq(c.node.self, 2);
    cr_assert_eq(c.node.window, 7);
    cr_assert_str_eq(c.data, "/etc/rsm/data");
    cr_assert_str_eq(c.genesis, "/g");
    config_deinit(&c);
    cr_assert_eq(mem_live_count(), 0);
}

Test(config, lines_of_dns)
{
    struct config c;
    char error[CONFIG_ERROR_SIZE];
    cr_assert_eq(config_parse("/etc/rsm/rsmd.conf",
                              bytes_of_string(GOOD "dns_listen = 192.0.2.1:53\n"
                                                   "dns_listen = [2001:db8::1]:53\n"
                                                   "tsig_key = XFR.Key hmac-sha256 keys/x\n"
                                                   "tsig_key = u hmac-sha512 /k/u update,transfer\n"
                                                   "tsig_key = v.w hmac-sha256 v update acme@x\n"
                                                   "gateway_key = gateway.key\n"
                                                   "secondary = * 192.0.2.53:53 xfr.key\n"
                                                   "secondary = Example.COM [2001:db8::2]:53\n"
                                                   "dns_allow_unsigned_queries = yes\n"),
                              &c, error),
                 RSM_OK, "%s", error);
    const struct config_dns *d = &c.dns;
    cr_assert(d->listen_count == 2 && d->key_count == 3 && d->secondary_count == 2);
    cr_assert_str_eq(d->keys[0].name, "xfr.key.");
    cr_assert_str_eq(d->keys[0].path, "/etc/rsm/keys/x");
    cr_assert_eq(d->keys[0].purposes, TSIG_TRANSFER | TSIG_NOTIFY);
    cr_assert_eq(d->keys[1].purposes, TSIG_TRANSFER | TSIG_UPDATE);
    cr_assert_str_eq(d->keys[1].principal, "u");
    cr_assert_str_eq(d->keys[2].principal, "acme@x");
    cr_assert_str_eq(d->gateway_key, "/etc/rsm/gateway.key");
    cr_assert_null(d->secondaries[0].zone);
    cr_assert_str_eq(d->secondaries[0].key, "xfr.key.");
    cr_assert_str_eq(d->secondaries[1].zone, "example.com.");
    cr_assert_null(d->secondaries[1].key);
    cr_assert(d->allow_unsigned_queries && !d->allow_unsigned_transfers);
    config_deinit(&c);
    cr_assert_eq(mem_live_count(), 0);
}

Test(config, errors_name_file_line_and_key)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {GOOD "nonsense = 1\n", "f:7: nonsense:"},
        {GOOD "replica = 1\n", "f:7: replica: stands twice"},
        {GOOD "window = 0\n", "f:7: window: 0 is not within 1 to 1024"},
        {GOOD "batch_entries = 513\n", "f:7: batch_entries: 513 is not within 1 to 512"},
        {GOOD "window = many\n", "f:7: window: \"many\" is not a number"},
        {GOOD "window = -1\n", "f:7: window:"},
        {GOOD "window = 99999999999999999999\n", "f:7: window:"},
        {GOOD "window =\n", "f:7: window: has no value"},
        {GOOD "just words\n", "f:7: just words: is not of the form"},
        {GOOD "plaintext = maybe\n", "f:7: plaintext:"},
        {GOOD "log_level = loud\n", "f:7: log_level:"},
        {GOOD "client_listen = localhost:1\n", "f:7: client_listen:"},
        {GOOD "client_listen = 127.0.0.1\n", "f:7: client_listen:"},
        {GOOD "client_listen = 192.0.2.1:4001\n", "client_listen: 192.0.2.1:4001 is not loopback"},
        {GOOD "election_ticks_max = 15\n", "election_ticks_max: must be above"},
        {GOOD "heartbeat_ticks = 8\n", "election_ticks_min: must be above"},
        {GOOD "flush_timeout_ms = 100\ntick_ms = 11\n", "flush_timeout_ms: must be at least ten"},
        {GOOD "journal_flush = never\n", "f:7: journal_flush: \"never\" is none of fdatasync"},
        {GOOD "join = perhaps\n", "f:7: join: \"perhaps\" is neither"},
        {GOOD "join = yes\n", "zone: is missing: with join"},
        {GOOD "join = yes\nzone = a\tb\n", "f:8: zone: is not a text"},
        {GOOD "peer_address = nowhere\n", "f:7: peer_address: \"nowhere\" is not an address"},
        {GOOD "peer_address = unix:/p\n", "f:7: peer_address:"},
        {GOOD "peer_address = replica-4.example:4101\n", "f:7: peer_address:"},
        {GOOD "client_address = unix:\n", "or unix:/run/rsm/client.sock"},
        {GOOD "dns_listen = 127.0.0.1\n", "f:7: dns_listen: \"127.0.0.1\" is not an address"},
        {GOOD "tsig_key = a hmac-sha256\n", "f:7: tsig_key: is not NAME ALGORITHM FILE"},
        {GOOD "tsig_key = a..b hmac-sha256 f\n", "f:7: tsig_key: \"a..b\" is no name"},
        {GOOD "tsig_key = a hmac-md5 f\n", "f:7: tsig_key: \"hmac-md5\" is neither"},
        {GOOD "tsig_key = a hmac-sha256 f read\n", "\"read\" is none of transfer, update, notify"},
        {GOOD "tsig_key = a hmac-sha256 f\ntsig_key = A. hmac-sha256 g\n", "f:8: tsig_key: key a."},
        {GOOD "tsig_key = a hmac-sha256 f update too many\n", "f:7: tsig_key: is not NAME"},
        {GOOD "tsig_key = a hmac-sha256 f transfer who\n", "a principal stands behind a key for"},
        {GOOD "secondary = *\n", "f:7: secondary: is not ZONE ADDRESS"},
        {GOOD "secondary = * nowhere\n", "f:7: secondary: \"nowhere\" is not an address"},
        {GOOD "dns_listen = 127.0.0.1:53\nsecondary = * 127.0.0.1:54 key\n", "no tsig_key key."},
        {GOOD "dns_listen = 127.0.0.1:53\ntsig_key = k hmac-sha256 f update\n"
              "secondary = * 127.0.0.1:54 k\n",
         "secondary: key k. is not for notify"},
        {GOOD "secondary = * 127.0.0.1:54\n", "secondary: without dns_listen"},
        {"replica = 2\n", "is missing"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config c;
        char error[CONFIG_ERROR_SIZE] = "";
        cr_assert_eq(config_parse("f", bytes_of_string(rows[i].text), &c, error), RSM_USAGE,
                     "row %zu", i);
        cr_assert_not_null(strstr(error, rows[i].error), "row %zu: %s", i, error);
    }
    cr_assert_eq(mem_live_count(), 0);
}

/* What a replica says of itself to be added under. */
Test(config, one_that_joins)
{
    struct config c;
    char error[CONFIG_ERROR_SIZE];
    cr_assert_eq(config_parse("f",
                              bytes_of_string(GOOD "join = yes\nzone = eu 2\n"
                                                   "peer_address = [2001:db8::4]:4101\n"
                                                   "client_address = unix:/run/rsm/c\n"),
                              &c, error),
                 RSM_OK, "%s", error);
    cr_assert(c.join);
    cr_assert_str_eq(c.zone, "eu 2");
    cr_assert_str_eq(c.peer_address, "[2001:db8::4]:4101");
    cr_assert_str_eq(c.client_address, "unix:/run/rsm/c");
    config_deinit(&c);
    cr_assert_eq(mem_live_count(), 0);
}

Test(config, zero_bytes_are_no_text)
{
    struct config c;
    char error[CONFIG_ERROR_SIZE] = "";
    cr_assert_eq(config_parse("f", bytes_make(GOOD "\0x", sizeof GOOD + 1), &c, error), RSM_USAGE);
}

Test(config, files_that_cannot_be_read)
{
    struct config c;
    char error[CONFIG_ERROR_SIZE] = "";
    cr_assert_eq(config_read("/nonexistent/file", &c, error), RSM_NOT_FOUND);
    cr_assert_not_null(strstr(error, "/nonexistent/file"));
    cr_assert_eq(config_read("/", &c, error), RSM_IO);
    cr_assert_eq(config_read("/dev/zero", &c, error), RSM_TOO_LARGE);
}
