/* SPDX-License-Identifier: Apache-2.0 */
/* test_genesis.c - the genesis, and vector clocks. */
#include <criterion/criterion.h>

#include "src/command/clock.h"
#include "src/command/genesis.h"
#include "src/command/pack.h"
#include "tests/unit/command/fixture.h"

static uint8_t keys[LIMIT_REPLICAS + 1][GENESIS_KEY_SIZE];
static const char *const PEERS[] = {"127.0.0.1:4001", "127.0.0.1:4002", "[::1]:4003"};

static struct genesis make_genesis(void)
{
    struct genesis g = {.name = bytes_of_string("test"),
                        .salt = FIXTURE_CLUSTER,
                        .member_count = 3,
                        .admin_principal = bytes_of_string("admin"),
                        .admin_person = bytes_of_string("Ada"),
                        .admin_key = keys[LIMIT_REPLICAS],
                        .created_ms = 1234567890123};
    for (uint32_t i = 0; i < 3; i++) {
        keys[i][0] = (uint8_t)(i + 1);
        g.members[i] =
            (struct genesis_member){.id = i + 1,
                                    .zone = bytes_of_string("az"),
                                    .key = keys[i],
                                    .peer_address = bytes_of_string(PEERS[i]),
                                    .client_address = bytes_of_string("unix:/run/rsm.sock")};
    }
    return g;
}

static enum rsm_status encode(const struct genesis *g)
{
    struct writer w;
    writer_init(&w, GENESIS_SIZE_MAX);
    enum rsm_status status = genesis_encode(g, &w);
    writer_deinit(&w);
    return status;
}

Test(genesis, round_trip)
{
    struct genesis g = make_genesis(), parsed, again;
    struct writer w;
    writer_init(&w, GENESIS_SIZE_MAX);
    cr_assert(genesis_encode(&g, &w) == RSM_OK);
    cr_assert(genesis_parse(writer_result(&w), &parsed) == RSM_OK);
    cr_assert(parsed.member_count == 3 && parsed.created_ms == 1234567890123);
    cr_assert(bytes_equal(parsed.admin_person, bytes_of_string("Ada")));
    cr_assert(genesis_member(&parsed, 2)->key[0] == 2 && genesis_member(&parsed, 4) == NULL);
    w.data[w.size - 1] ^= 1; /* a moment later: another cluster */
    cr_assert(genesis_parse(writer_result(&w), &again) == RSM_OK);
    cr_assert(memcmp(parsed.cluster_id, again.cluster_id, CLUSTER_ID_SIZE) != 0);
    cr_assert(memcmp(parsed.head, again.head, HASH_SIZE) != 0);
    writer_deinit(&w);
}

Test(genesis, truncated_at_every_length)
{
    struct genesis g = make_genesis(), parsed;
    struct writer w;
    writer_init(&w, GENESIS_SIZE_MAX);
    cr_assert(genesis_encode(&g, &w) == RSM_OK);
    for (size_t size = 0; size < w.size; size++) {
        struct bytes part = fixture_exact(w.data, size);
        cr_assert(genesis_parse(part, &parsed) == RSM_MALFORMED, "%zu", size);
        fixture_free(part);
    }
    w.data[1] = 2;
    cr_assert(genesis_parse(writer_result(&w), &parsed) == RSM_NEWER_FORMAT);
    writer_deinit(&w);
}

/* Everything that is wrong in one field only. */
Test(genesis, wrong_fields)
{
    static const char *const addresses[] = {
        "",        "127.0.0.1", ":4001", "127.0.0.1:",       "127.0.0.1:0", "127.0.0.1:04001",
        "h:65536", "h:123456",  "h:4a",  "unix:/run/a.sock", "h:-1",        "h\n:1"};
    struct genesis g = make_genesis();
    cr_assert(encode(&g) == RSM_OK);
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        g = make_genesis();
        g.members[0].peer_address = bytes_of_string(addresses[i]);
        cr_assert(encode(&g) == RSM_MALFORMED, "%s", addresses[i]);
    }
    g = make_genesis();
    g.members[1].id = 1;
    cr_assert(encode(&g) == RSM_MALFORMED, "an id twice");
    g = make_genesis();
    g.members[0].id = 3;
    g.members[2].id = 1;
    cr_assert(encode(&g) == RSM_MALFORMED, "not sorted");
    g = make_genesis();
    g.members[2].id = REPLICA_MAX + 1;
    cr_assert(encode(&g) == RSM_MALFORMED, "an id above the highest");
    g = make_genesis();
    g.members[0].id = 0;
    cr_assert(encode(&g) == RSM_MALFORMED, "id 0 is nobody");
    g = make_genesis();
    g.members[1].key = g.members[0].key;
    cr_assert(encode(&g) == RSM_MALFORMED, "a key twice");
    g = make_genesis();
    g.members[1].peer_address = g.members[0].peer_address;
    cr_assert(encode(&g) == RSM_MALFORMED, "an address twice");
    g = make_genesis();
    g.member_count = 0;
    cr_assert(encode(&g) == RSM_MALFORMED, "nobody");
    g = make_genesis();
    g.admin_principal = bytes_of_string("");
    cr_assert(encode(&g) == RSM_MALFORMED, "no administrator");
    g = make_genesis();
    g.name = bytes_of_string("\xff");
    cr_assert(encode(&g) == RSM_MALFORMED, "no UTF-8");
}

/* ---- clocks ---- */

/* 0 for an author that is not in it. */
static uint64_t counter_of(const struct vector_clock *c, struct bytes author)
{
    for (size_t i = 0; i < c->count; i++)
        if (bytes_equal(bytes_make(c->entries[i].author, c->entries[i].author_size), author))
            return c->entries[i].counter;
    return 0;
}

/* Seen in any order and more than once, it is what a command's clock has to be. */
Test(clock, keeps_the_highest_counter_of_each_author_in_their_order)
{
    static const char seen[] = "z1b9a3b2m4a5x0"; /* z has 1, b has 9, ... */
    struct vector_clock c;
    char found[sizeof seen] = "";
    vector_clock_init(&c);
    for (size_t i = 0; i + 1 < sizeof seen; i += 2)
        cr_assert(vector_clock_see(&c, bytes_make(&seen[i], 1), (uint64_t)(seen[i + 1] - '0')) ==
                  RSM_OK);
    for (size_t i = 0; i < c.count; i++) {
        cr_assert(c.entries[i].author_size == 1);
        found[2 * i] = c.entries[i].author[0];
        found[2 * i + 1] = (char)('0' + c.entries[i].counter);
    }
    cr_assert_str_eq(found, "a5b9m4z1");
    vector_clock_deinit(&c);
    cr_assert(c.count == 0 && c.entries == NULL);
}

Test(clock, is_bounded)
{
    struct vector_clock c;
    vector_clock_init(&c);
    for (uint32_t i = 0; i < LIMIT_CLOCK_ENTRIES; i++)
        cr_assert(vector_clock_see(&c, bytes_make(&i, sizeof i), 1) == RSM_OK);
    cr_assert(vector_clock_see(&c, bytes_of_string("one more"), 1) == RSM_TOO_MANY);
    cr_assert(c.count == LIMIT_CLOCK_ENTRIES);
    uint32_t known = 5;
    cr_assert(vector_clock_see(&c, bytes_make(&known, sizeof known), 2) == RSM_OK);
    cr_assert_eq(counter_of(&c, bytes_make(&known, sizeof known)), 2);
    vector_clock_deinit(&c);
}
