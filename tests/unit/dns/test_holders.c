/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_holders.c - what a primary may take for known of its secondaries; time is a number here. */
#include "src/dns/holders.h"
#include "tests/unit/dns/fixture.h"

static struct holder holder(const char *zone, const char *address, const char *key)
{
    return (struct holder){.zone = wire_bytes(zone),
                           .address = bytes_make(address, 4),
                           .key = key != NULL ? wire_bytes(key) : (struct bytes){NULL, 0}};
}

static uint32_t count_of(const struct holders *h, const char *zone)
{
    struct holder_row row = {.place_size = 0};
    uint32_t count = 0;
    while (holders_next(h, wire_bytes(zone), &row)) {
        cr_assert(name_equal(row.who.zone, wire_bytes(zone)));
        count++;
    }
    return count;
}

Test(holders, a_soa_with_the_serial_it_has_is_a_refresh)
{
    struct holders *h = holders_new();
    struct holder who = holder("a.", "\x7f\0\0\1", "xfr.");
    static const struct {
        bool is_refresh;
        uint32_t serial;
        uint64_t now;
        bool known; /* what is expected afterwards */
        uint32_t has;
        uint64_t refreshed, told;
    } rows[] = {
        {false, 5, 10, false, 0, 0, 10}, /* it asked: what it has is not known */
        {true, 5, 20, true, 5, 20, 20},  /* transferred */
        {false, 5, 30, true, 5, 30, 30}, /* asked, nothing is newer */
        {false, 6, 40, true, 5, 30, 40}, /* told of a newer one: perhaps it comes for it elsewhere
                                          */
        {false, 5, 50, true, 5, 50, 50}, {true, 6, 60, true, 6, 60, 60},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct holder_row row = {.place_size = 0};
        if (rows[i].is_refresh)
            holders_on_refreshed(h, &who, rows[i].serial, 900, rows[i].now);
        else
            holders_on_told(h, &who, rows[i].serial, rows[i].now);
        cr_assert(holders_next(h, wire_bytes("a."), &row), "row %zu", i);
        cr_assert(row.is_known == rows[i].known && row.serial == rows[i].has &&
                      row.refreshed_ms == rows[i].refreshed && row.told_ms == rows[i].told &&
                      row.told_serial == rows[i].serial,
                  "row %zu", i);
        cr_assert(name_equal(row.who.key, wire_bytes("xfr.")));
        cr_assert(bytes_equal(row.who.address, who.address));
    }
    holders_free(h);
    cr_assert_eq(mem_live_count(), 0);
}

Test(holders, apart_by_zone_address_and_key)
{
    struct holders *h = holders_new();
    struct holder all[] = {holder("a.", "\x7f\0\0\1", "x."), holder("a.", "\x7f\0\0\1", NULL),
                           holder("a.", "\x7f\0\0\2", "x."), holder("b.a.", "\x7f\0\0\1", "x.")};
    for (size_t i = 0; i < 4; i++)
        holders_on_refreshed(h, &all[i], 1, 1, 1);
    cr_assert_eq(holders_count(h), 4);
    cr_assert_eq(count_of(h, "a."), 3);
    cr_assert_eq(count_of(h, "b.a."), 1);
    cr_assert_eq(count_of(h, "c."), 0);
    holders_free(h);
}

Test(holders, full_until_the_expired_are_forgotten)
{
    struct holders *h = holders_new();
    for (uint32_t i = 0; i < HOLDERS_MAX; i++) {
        uint8_t address[4];
        put_u32(address, i);
        struct holder who = {.zone = wire_bytes("a."), .address = bytes_make(address, 4)};
        holders_on_refreshed(h, &who, 1, 60, 1000 + i % 2 * 85999000u);
    }
    struct holder fresh = holder("b.", "\x7f\0\0\1", NULL);
    holders_on_told(h, &fresh, 1, 86000500);
    cr_assert_eq(count_of(h, "b."), 0, "there is no room, and nobody has expired");
    holders_on_told(h, &fresh, 1, 86402000);
    cr_assert_eq(count_of(h, "b."), 1);
    cr_assert_eq(holders_count(h), HOLDERS_MAX / 2 + 1, "half of them had");
    holders_free(h);
    cr_assert_eq(mem_live_count(), 0);
}
