/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_status_zones.c - what several replicas know of one secondary, put together. */
#include <criterion/criterion.h>
#include <string.h>

#include "src/base/mem.h"
#include "tools/resilience-ctl/status_zones.h"

struct row {
    const char *address;
    bool known;
    uint32_t serial;
    uint64_t age_ms;
    uint32_t told_serial;
    uint64_t told_age_ms;
};

static void add_number(struct rsm_pack *p, const char *key, uint64_t value)
{
    rsm_pack_text(p, key);
    rsm_pack_uint(p, value);
}

static void add_row(struct rsm_pack *p, const struct row *row)
{
    rsm_pack_map(p, 8);
    rsm_pack_text(p, "address");
    rsm_pack_text(p, row->address);
    rsm_pack_text(p, "key");
    rsm_pack_text(p, "xfr.");
    rsm_pack_text(p, "known");
    rsm_pack_bool(p, row->known);
    add_number(p, "serial", row->serial);
    add_number(p, "refreshed_age_ms", row->age_ms);
    add_number(p, "expire_ms", 100000);
    add_number(p, "told_serial", row->told_serial);
    add_number(p, "told_age_ms", row->told_age_ms);
}

/* One replica's answer about a zone. */
static void add(struct status_zones *z, const char *zone, const struct row *rows, uint32_t count)
{
    struct rsm_pack *p = rsm_pack_new();
    rsm_pack_map(p, 2);
    rsm_pack_text(p, "zone");
    rsm_pack_text(p, zone);
    rsm_pack_text(p, "secondaries");
    rsm_pack_array(p, count);
    for (uint32_t i = 0; i < count; i++)
        add_row(p, &rows[i]);
    status_zones_add(z, rsm_value_of(rsm_pack_result(p)));
    rsm_pack_free(p);
}

Test(status_zones, the_rows_of_several_replicas_are_one_secondary)
{
    static const struct {
        const char *what;
        struct row first, second;
        uint32_t known;
        uint64_t left_ms;
    } cases[] = {
        {"the later refresh",
         {"a", true, 5, 9000, 5, 9000},
         {"a", true, 5, 4000, 5, 4000},
         1,
         96000},
        {"the newer serial, even when refreshed longer ago",
         {"a", true, 6, 9000, 6, 9000},
         {"a", true, 5, 4000, 5, 4000},
         1,
         91000},
        {"serials wrap", {"a", true, 2, 9000, 2, 9000}, {"a", true, UINT32_MAX, 1, 5, 1}, 1, 91000},
        {"fetched from one, asked the other",
         {"a", true, 6, 9000, 6, 9000},
         {"a", false, 0, 0, 6, 1000},
         1,
         99000},
        {"told of a newer one, which nobody saw it fetch",
         {"a", true, 6, 9000, 6, 9000},
         {"a", false, 0, 0, 7, 1000},
         1,
         91000},
        {"expired", {"a", true, 6, 100001, 6, 100001}, {"a", false, 0, 0, 7, 1}, 1, 0},
        {"never known", {"a", false, 0, 0, 6, 9000}, {"a", false, 0, 0, 7, 1}, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct status_zones *z = status_zones_new();
        struct zone_rest *rests;
        add(z, "one.", &cases[i].first, 1);
        add(z, "one.", &cases[i].second, 1);
        cr_assert_eq(status_zones_rest(z, &rests), 1, "%s", cases[i].what);
        cr_assert_eq(rests[0].known, cases[i].known, "%s", cases[i].what);
        cr_assert_eq(rests[0].unknown, 1 - cases[i].known, "%s", cases[i].what);
        cr_assert_eq(rests[0].first_ms, cases[i].left_ms, "%s", cases[i].what);
        cr_assert_eq(rests[0].last_ms, cases[i].left_ms, "%s", cases[i].what);
        mem_free(rests);
        status_zones_free(z);
    }
    cr_assert_eq(mem_live_count(), 0);
}

Test(status_zones, zones_apart_and_the_first_and_last_of_each)
{
    struct row rows[] = {{"a", true, 1, 10000, 1, 10000}, {"b", true, 1, 30000, 1, 30000}};
    struct status_zones *z = status_zones_new();
    struct zone_rest *rests;
    add(z, "two.", rows, 2);
    add(z, "none.", NULL, 0);
    add(z, "none.", NULL, 0);
    cr_assert_eq(status_zones_rest(z, &rests), 2);
    cr_assert_str_eq(rests[0].zone, "none.");
    cr_assert(rests[0].known == 0 && rests[0].unknown == 0);
    cr_assert(rests[1].known == 2 && rests[1].first_ms == 70000 && rests[1].last_ms == 90000);
    mem_free(rests);
    status_zones_free(z);
}
