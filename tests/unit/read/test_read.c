/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_read.c - methods answered from a state alone, without a process; and parameters of all
 * kinds. */
#include <criterion/criterion.h>

#include <inttypes.h>
#include <string.h>

#include <rsm/wire.h>

#include "src/base/prng.h"
#include "src/machine/logtable.h"
#include "src/read/read.h"
#include "tests/lib/machine_world.h"

#define ZONE "example."
#define ROUNDS 20000u

/* Parameters that every method of a state takes in this world, an options map behind them or none.
 */
static const struct {
    const char *method;
    const char *texts[3];
    const char *key; /* of its result, beside the slot */
} calls[] = {
    {"clock", {"root"}, "counter"},
    {"outcome", {"root", "#*"}, "verdicts"},
    {"explain", {"root", "#*"}, "commands"},
    {"change.list", {NULL}, "changes"},
    {"override.list", {NULL}, "overrides"},
    {"factor.list", {NULL}, "factors"},
    {"zone.list", {NULL}, "zones"},
    {"zone.get", {ZONE}, "zone"},
    {"zone.writer", {ZONE}, "writer"},
    {"rrset.get", {ZONE, ZONE, "SOA"}, "rrset"},
    {"rrset.list", {ZONE}, "rrsets"},
    {"rrset.history", {ZONE, ZONE, "NS"}, "versions"},
    {"principal.list", {NULL}, "principals"},
    {"role.list", {NULL}, "roles"},
    {"service.list", {NULL}, "services"},
    {"policy.get", {NULL}, "policy"},
    {"freeze.list", {NULL}, "freezes"},
    {"frozen.list", {NULL}, "frozen"},
    {"lease.list", {NULL}, "leases"},
    {"plan.list", {NULL}, "plans"},
    {"graph", {ZONE}, "edges"},
    {"log.range", {"#1"}, "entries"},
    {"log.raw", {"#1"}, "entries"},
    {"member.list", {NULL}, "current"},
};

struct bed {
    struct world *w;
    struct genesis genesis;
    struct writer out;
};

/* The row of the newest slot, as a replica and a replay write it. */
static void keep_row(struct world *w)
{
    static const uint8_t heads[HASH_SIZE] = {7};
    struct writer scratch;
    struct log_verdict row = {.entry_head = heads,
                              .verdict_head = heads,
                              .log_time_ms = w->last.log_time_ms,
                              .effects = w->last.effects,
                              .verdicts = verdicts_bytes(&w->last)};
    writer_init(&scratch, LIMIT_VALUE_SIZE);
    cr_assert_eq(log_put(w->kv, w->slot, blob_bytes(w->log[w->slot - 1]), &row, &scratch), RSM_OK);
    writer_deinit(&scratch);
}

static void bed_init(struct bed *b)
{
    *b = (struct bed){.w = world_new()};
    world_genesis_members(&b->genesis);
    writer_init(&b->out, LIMIT_ANSWER_SIZE);
    cr_assert(actor_do(&b->w->actors[0], RSM_KIND_ZONE_CREATE, body_zone(ZONE, 1, NULL, 0)), "%s",
              world_words(b->w));
    keep_row(b->w);
}

static void bed_deinit(struct bed *b)
{
    writer_deinit(&b->out);
    world_free(b->w);
}

static struct call call_of(const struct bed *b)
{
    return (struct call){
        .kv = b->w->kv, .genesis = &b->genesis, .applied = b->w->slot, .at = QUERY_NOW};
}

static enum rsm_status run(struct bed *b, struct call *call, const struct method *method,
                           struct bytes params)
{
    writer_reset(&b->out);
    enum rsm_status status = call_take_params(call, params, method);
    if (status == RSM_OK)
        status = call_take_at(call);
    return status == RSM_OK ? method->run(call, &b->out) : status;
}

static void pack_params(const struct bed *b, struct rsm_pack *pack, const char *const texts[3],
                        bool has_at, uint64_t at)
{
    uint32_t count = 0;
    while (count < 3 && texts[count] != NULL)
        count++;
    rsm_pack_array(pack, count + has_at);
    for (uint32_t i = 0; i < count; i++) {
        if (texts[i][0] == '#')
            rsm_pack_uint(pack, texts[i][1] == '*' ? b->w->actors[0].counter : 1);
        else
            rsm_pack_text(pack, texts[i]);
    }
    if (!has_at)
        return;
    rsm_pack_map(pack, 1);
    rsm_pack_text(pack, "at_slot");
    rsm_pack_uint(pack, at);
}

/* Each answers with a map that says of which slot it is, and has what only a process knows nowhere.
 */
Test(read, each_method_of_a_state)
{
    struct bed b;
    bed_init(&b);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        const struct method *method = read_find(bytes_of_string(calls[i].method));
        struct rsm_pack *pack = rsm_pack_new();
        struct call call = call_of(&b);
        cr_assert_not_null(method, "%s", calls[i].method);
        cr_assert(method->reads);
        pack_params(&b, pack, calls[i].texts, false, 0);
        struct rsm_bytes params = rsm_pack_result(pack);
        enum rsm_status status = run(&b, &call, method, bytes_make(params.data, params.size));
        cr_assert_eq(status, RSM_OK, "%s: %s %s", method->name, rsm_status_text(status), call.text);
        cr_assert_not(b.out.failed);
        struct rsm_value result = rsm_value_of(rsm_bytes_make(b.out.data, b.out.size));
        cr_assert_eq(rsm_value_uint(rsm_value_get(result, "slot")), b.w->slot, "%s", method->name);
        cr_assert_neq(rsm_value_type(rsm_value_get(result, calls[i].key)), 0, "%s", method->name);
        cr_assert_eq(rsm_value_get(result, "leader").raw.size, 0, "%s", method->name);
        cr_assert_eq(rsm_value_get(result, "age_ms").raw.size, 0, "%s", method->name);
        rsm_pack_free(pack);
    }
    cr_assert_null(read_find(bytes_of_string("status")));
    cr_assert_null(read_find(bytes_of_string("submit")));
    cr_assert_null(read_find(bytes_of_string("")));
    bed_deinit(&b);
}

/* What has a history answers of a slot as it did then; a slot that is not there is none. */
Test(read, at_a_slot)
{
    static const char *const zones[3] = {NULL};
    static const char *const sets[3] = {ZONE, "www.example.", "A"};
    struct bed b;
    uint64_t slots[3];
    bed_init(&b);
    for (uint8_t i = 0; i < 3; i++) {
        struct rsm_change change = change_a("www.example.", i + 1, 1);
        cr_assert(actor_do(&b.w->actors[0], RSM_KIND_RRSET_CHANGE, body_change(ZONE, &change, 1)));
        slots[i] = b.w->slot;
    }
    for (size_t i = 0; i < 3; i++) {
        struct rsm_pack *pack = rsm_pack_new();
        struct call call = call_of(&b);
        pack_params(&b, pack, sets, true, slots[i]);
        struct rsm_bytes params = rsm_pack_result(pack);
        cr_assert_eq(run(&b, &call, read_find(bytes_of_string("rrset.history")),
                         bytes_make(params.data, params.size)),
                     RSM_OK);
        struct rsm_value result = rsm_value_of(rsm_bytes_make(b.out.data, b.out.size));
        struct rsm_value versions = rsm_value_get(result, "versions");
        cr_assert_eq(rsm_value_count(versions), i + 1, "as many as there were then");
        cr_assert_eq(rsm_value_uint(rsm_value_get(rsm_value_at(versions, 0), "changed_slot")),
                     slots[i]);
        cr_assert_eq(rsm_value_uint(rsm_value_get(result, "slot")), slots[i]);
        rsm_pack_free(pack);
    }
    for (size_t i = 0; i < 2; i++) {
        struct rsm_pack *pack = rsm_pack_new();
        struct call call = call_of(&b);
        pack_params(&b, pack, zones, true, b.w->slot + i);
        struct rsm_bytes params = rsm_pack_result(pack);
        cr_assert_eq(run(&b, &call, read_find(bytes_of_string("zone.list")),
                         bytes_make(params.data, params.size)),
                     i == 0 ? RSM_OK : RSM_NO_SUCH_STATE);
        cr_assert_eq(call.text[0] != '\0', i == 1, "and why not");
        rsm_pack_free(pack);
    }
    bed_deinit(&b);
}

/* One page of a history: its versions' slots are added to `slots`; what to hand in for the next, of
 * `after_size` bytes. */
static size_t history_page(struct bed *b, uint64_t limit, uint8_t *after, size_t after_size,
                           uint64_t *slots, size_t *count)
{
    struct rsm_pack *pack = rsm_pack_new();
    struct call call = call_of(b);
    rsm_pack_array(pack, 4);
    rsm_pack_text(pack, ZONE);
    rsm_pack_text(pack, "www.example.");
    rsm_pack_text(pack, "A");
    rsm_pack_map(pack, after_size > 0 ? 2 : 1);
    rsm_pack_text(pack, "limit");
    rsm_pack_uint(pack, limit);
    if (after_size > 0) {
        rsm_pack_text(pack, "after");
        rsm_pack_bin(pack, rsm_bytes_make(after, after_size));
    }
    struct rsm_bytes params = rsm_pack_result(pack);
    cr_assert_eq(run(b, &call, read_find(bytes_of_string("rrset.history")),
                     bytes_make(params.data, params.size)),
                 RSM_OK);
    struct rsm_value result = rsm_value_of(rsm_bytes_make(b->out.data, b->out.size));
    struct rsm_value versions = rsm_value_get(result, "versions");
    for (uint32_t i = 0; i < rsm_value_count(versions); i++)
        slots[(*count)++] =
            rsm_value_uint(rsm_value_get(rsm_value_at(versions, i), "changed_slot"));
    struct rsm_bytes next = rsm_value_octets(rsm_value_get(result, "next"));
    if (next.size > 0)
        memcpy(after, next.data, next.size);
    rsm_pack_free(pack);
    return next.size;
}

/* A bundle writes a record set several times in one slot: a page that ends in between leaves out
 * none of them. */
Test(read, a_history_in_pages_that_end_inside_a_slot)
{
    enum { WRITES = 5 };
    struct bed b;
    struct blob *commands[WRITES];
    bed_init(&b);
    struct actor *root = &b.w->actors[0];
    struct rsm_change change = change_a("www.example.", 1, 1);
    cr_assert(actor_do(root, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &change, 1)));
    uint64_t first = b.w->slot;
    for (uint8_t i = 0; i < WRITES; i++) {
        change = change_a("www.example.", (uint8_t)(i + 2), 1);
        struct rsm_buffer body = body_change(ZONE, &change, 1);
        commands[i] = actor_command(root, RSM_KIND_RRSET_CHANGE, &body, "again");
        root->counter++;
    }
    root->counter -= WRITES;
    struct blob *envelope = actor_seal(root, commands, WRITES, true);
    cr_assert(world_apply(b.w, envelope), "%s", world_words(b.w));
    blob_unref(envelope);
    for (uint64_t limit = 1; limit <= WRITES + 2; limit++) {
        uint64_t slots[2 * WRITES + 2];
        uint8_t after[LIMIT_KEY_SIZE];
        size_t count = 0;
        size_t size = 0;
        do {
            size = history_page(&b, limit, after, size, slots, &count);
        } while (size > 0 && count <= WRITES + 1);
        cr_assert_eq(count, WRITES + 1, "%zu versions in pages of %" PRIu64, count, limit);
        for (size_t i = 0; i < count; i++)
            cr_assert_eq(slots[i], i < WRITES ? b.w->slot : first);
    }
    bed_deinit(&b);
}

/* Bytes that nobody would send, and good ones with one byte changed: an answer, or a status. */
Test(read, parameters_of_all_kinds)
{
    struct bed b;
    struct prng random;
    bed_init(&b);
    prng_init(&random, 20261129);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        size_t i = prng_below(&random, sizeof calls / sizeof calls[0]);
        const struct method *method = read_find(bytes_of_string(calls[i].method));
        struct rsm_pack *pack = rsm_pack_new();
        struct call call = call_of(&b);
        uint8_t bytes[256];
        pack_params(&b, pack, calls[i].texts, true, prng_below(&random, b.w->slot + 2));
        struct rsm_bytes params = rsm_pack_result(pack);
        cr_assert(params.size <= sizeof bytes);
        memcpy(bytes, params.data, params.size);
        for (uint64_t k = prng_below(&random, 4); k > 0; k--)
            bytes[prng_below(&random, params.size)] = (uint8_t)prng_next(&random);
        size_t size = params.size - prng_below(&random, 2) * prng_below(&random, params.size);
        enum rsm_status status = run(&b, &call, method, bytes_make(bytes, size));
        cr_assert(status == RSM_OK || status == RSM_BAD_PARAMS || status == RSM_NOT_FOUND ||
                      status == RSM_NO_SUCH_STATE,
                  "round %u, %s: %s %s", round, method->name, rsm_status_text(status), call.text);
        cr_assert(status != RSM_BAD_PARAMS || call.text[0] != '\0', "%s", method->name);
        rsm_pack_free(pack);
    }
    bed_deinit(&b);
}
