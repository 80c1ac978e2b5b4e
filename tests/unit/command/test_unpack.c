/* SPDX-License-Identifier: Apache-2.0 */
/* test_unpack.c - the cursor, alone and beside msgpack-c. */
#include <criterion/criterion.h>

#include <inttypes.h>

#include <msgpack.h>

#include "src/base/prng.h"
#include "src/command/canonical.h"
#include "src/command/pack.h"
#include "src/command/unpack.h"
#include "tests/unit/command/fixture.h"

/* Integers of any form and width, as clients send them. */
Test(unpack, integers_of_any_form)
{
    static const struct {
        const char *hex;
        int64_t value;
    } rows[] = {
        {"05", 5},
        {"cc05", 5},
        {"cd0005", 5},
        {"ce00000005", 5},
        {"cf0000000000000005", 5},
        {"d005", 5},
        {"d10005", 5},
        {"d200000005", 5},
        {"d30000000000000005", 5},
        {"d1012c", 300},
        {"ff", -1},
        {"e0", -32},
        {"d0ff", -1},
        {"d1ffff", -1},
        {"d2ffffffff", -1},
        {"d3ffffffffffffffff", -1},
        {"d38000000000000000", INT64_MIN},
        {"cf7fffffffffffffff", INT64_MAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes data = fixture_hex(rows[i].hex);
        struct unpack u = unpack_make(data);
        int64_t value = unpack_int(&u);
        cr_assert(unpack_done(&u) && value == rows[i].value, "%s gives %" PRId64, rows[i].hex,
                  value);
        u = unpack_make(data);
        uint64_t natural = unpack_uint(&u);
        if (rows[i].value >= 0)
            cr_assert(unpack_done(&u) && natural == (uint64_t)rows[i].value, "%s", rows[i].hex);
        else
            cr_assert(u.status == RSM_WRONG_TYPE && natural == 0, "%s", rows[i].hex);
        fixture_free(data);
    }
    struct bytes data = fixture_hex("cf8000000000000000");
    struct unpack u = unpack_make(data);
    cr_assert(unpack_int(&u) == 0 && u.status == RSM_TOO_LARGE);
    fixture_free(data);
}

/* The first error stays, and every read after it gives nothing. */
Test(unpack, error_is_sticky)
{
    struct bytes data = fixture_hex("93a161c3c40161");
    struct unpack u = unpack_make(data);
    cr_assert(unpack_array(&u) == 3);
    cr_assert(unpack_bin(&u, 10).size == 0);
    cr_assert(u.status == RSM_WRONG_TYPE);
    cr_assert(!unpack_bool(&u));
    cr_assert(unpack_raw(&u).size == 0 && unpack_peek(&u) == 0 && !unpack_nil(&u));
    cr_assert(unpack_rest(&u).size == 0);
    cr_assert(unpack_uint(&u) == 0 && unpack_map(&u) == 0 && unpack_octets(&u, 9).size == 0);
    cr_assert(u.status == RSM_WRONG_TYPE && !unpack_done(&u));
    fixture_free(data);
}

Test(unpack, sizes_are_limits)
{
    struct bytes data = fixture_hex("a3616263");
    struct unpack u = unpack_make(data);
    cr_assert(unpack_str(&u, 3).size == 3 && unpack_done(&u));
    u = unpack_make(data);
    cr_assert(unpack_str(&u, 2).size == 0 && u.status == RSM_TOO_LARGE);
    u = unpack_make(data);
    cr_assert(unpack_bin_exactly(&u, 3) == NULL && u.status == RSM_WRONG_TYPE);
    fixture_free(data);
}

Test(unpack, finds_keys)
{
    /* {"a": 1, b"b": [2, 3], 7: nil, "c": b"x"} */
    struct bytes map = fixture_hex("84a16101c40162920203"
                                   "07c0a163c40178");
    struct unpack u;
    uint64_t number;
    struct bytes octets;
    cr_assert(unpack_find_uint(map, "a", &number) && number == 1);
    cr_assert(unpack_find(map, "b", &u) && unpack_array(&u) == 2);
    cr_assert(unpack_uint(&u) == 2 && unpack_uint(&u) == 3 && unpack_done(&u),
              "the value and nothing behind it");
    cr_assert(unpack_find_octets(map, "c", &octets) && octets.size == 1 && octets.data[0] == 'x');
    cr_assert(!unpack_find(map, "d", &u) && !unpack_find_uint(map, "c", &number));
    cr_assert(!unpack_find(bytes_make("\x91\xc0", 2), "a", &u), "not a map");
    fixture_free(map);
}

/* ---- beside msgpack-c ---- */

static void print_octets(struct writer *w, char mark, const void *data, size_t size)
{
    writer_format(w, "%c%zu:", mark, size);
    writer_bytes(w, bytes_make(data, size));
}

static void print_theirs(struct writer *w, const msgpack_object *o)
{
    switch (o->type) {
    case MSGPACK_OBJECT_NIL:
        writer_format(w, "nil ");
        break;
    case MSGPACK_OBJECT_BOOLEAN:
        writer_format(w, "bool%d ", o->via.boolean);
        break;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        writer_format(w, "%" PRIu64 " ", o->via.u64);
        break;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        writer_format(w, "%" PRId64 " ", o->via.i64);
        break;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        writer_format(w, "float ");
        break;
    case MSGPACK_OBJECT_STR:
        print_octets(w, 's', o->via.str.ptr, o->via.str.size);
        break;
    case MSGPACK_OBJECT_BIN:
        print_octets(w, 'b', o->via.bin.ptr, o->via.bin.size);
        break;
    case MSGPACK_OBJECT_EXT:
        writer_format(w, "ext ");
        break;
    case MSGPACK_OBJECT_ARRAY:
        writer_format(w, "[%u ", o->via.array.size);
        for (uint32_t i = 0; i < o->via.array.size; i++)
            print_theirs(w, &o->via.array.ptr[i]);
        break;
    case MSGPACK_OBJECT_MAP:
        writer_format(w, "{%u ", o->via.map.size);
        for (uint32_t i = 0; i < o->via.map.size; i++) {
            print_theirs(w, &o->via.map.ptr[i].key);
            print_theirs(w, &o->via.map.ptr[i].val);
        }
        break;
    }
}

/* One item after the other; the nesting follows from the counts. */
static void print_ours(struct writer *w, struct unpack *u)
{
    while (unpack_ok(u) && !unpack_done(u)) {
        struct bytes octets;
        switch (unpack_peek(u)) {
        case UNPACK_NIL:
            writer_format(w, "nil ");
            cr_assert(unpack_nil(u));
            break;
        case UNPACK_BOOL:
            writer_format(w, "bool%d ", unpack_bool(u));
            break;
        case UNPACK_UINT:
            writer_format(w, "%" PRIu64 " ", unpack_uint(u));
            break;
        case UNPACK_INT:
            writer_format(w, "%" PRId64 " ", unpack_int(u));
            break;
        case UNPACK_FLOAT:
            writer_format(w, "float ");
            (void)unpack_raw(u);
            break;
        case UNPACK_STR:
            octets = unpack_str(u, SIZE_MAX);
            print_octets(w, 's', octets.data, octets.size);
            break;
        case UNPACK_BIN:
            octets = unpack_bin(u, SIZE_MAX);
            print_octets(w, 'b', octets.data, octets.size);
            break;
        case UNPACK_ARRAY:
            writer_format(w, "[%u ", unpack_array(u));
            break;
        case UNPACK_MAP:
            writer_format(w, "{%u ", unpack_map(u));
            break;
        case UNPACK_EXT:
            writer_format(w, "ext ");
            (void)unpack_raw(u);
            break;
        }
    }
}

/* Random bytes that are well-formed are read by msgpack-c to the same value, and bytes that
 * msgpack-c cannot read are never taken by the scan. */
Test(unpack, reads_what_msgpack_c_reads)
{
    struct prng p;
    int good = 0;
    prng_init(&p, 11);
    for (int round = 0; round < 200000; round++) {
        uint8_t data[24];
        size_t size = 1 + prng_below(&p, sizeof data), offset = 0;
        for (size_t i = 0; i < size; i++)
            data[i] = (uint8_t)(prng_chance(&p, 500000) ? 0x80 + prng_below(&p, 0x60)
                                                        : prng_below(&p, 256));
        if (scan_whole(SCAN_WELL_FORMED, bytes_make(data, size), sizeof data) != RSM_OK)
            continue;
        good++;
        msgpack_zone zone;
        msgpack_object object;
        cr_assert(msgpack_zone_init(&zone, 2048));
        cr_assert(msgpack_unpack((const char *)data, size, &offset, &zone, &object) ==
                  MSGPACK_UNPACK_SUCCESS);
        struct writer theirs, ours;
        writer_init(&theirs, 65536);
        writer_init(&ours, 65536);
        struct unpack u = unpack_make(bytes_make(data, size));
        print_theirs(&theirs, &object);
        print_ours(&ours, &u);
        cr_assert(unpack_done(&u));
        cr_assert(bytes_equal(writer_result(&theirs), writer_result(&ours)), "round %d", round);
        writer_deinit(&theirs);
        writer_deinit(&ours);
        msgpack_zone_destroy(&zone);
    }
    cr_assert(good > 5000, "only %d of the random strings were objects", good);
}

/* The cursor stays inside bytes that nobody scanned. */
Test(unpack, survives_unscanned_bytes)
{
    struct prng p;
    prng_init(&p, 12);
    for (int round = 0; round < 100000; round++) {
        uint8_t noise[12];
        size_t size = prng_below(&p, sizeof noise + 1);
        for (size_t i = 0; i < size; i++)
            noise[i] = (uint8_t)(prng_chance(&p, 700000) ? 0xc0 + prng_below(&p, 0x20)
                                                         : prng_below(&p, 256));
        struct bytes data = fixture_exact(noise, size);
        struct unpack u = unpack_make(data), found;
        struct bytes raw = unpack_raw(&u);
        cr_assert(raw.size <= size);
        cr_assert(!unpack_ok(&u) || raw.size > 0);
        (void)unpack_find(data, "a", &found);
        fixture_free(data);
    }
}

/* The last member is what unpack_raw would have walked through; behind it there is nothing. */
Test(unpack, the_rest_is_the_last_member)
{
    struct bytes data = fixture_hex("92a16182c30102a178");
    struct unpack u = unpack_make(data), walked;
    cr_assert(unpack_array(&u) == 2 && unpack_octets(&u, 1).size == 1);
    walked = u;
    struct bytes raw = unpack_raw(&walked), rest = unpack_rest(&u);
    cr_assert(rest.data == raw.data && rest.size == raw.size && rest.size == 6);
    cr_assert(unpack_done(&u) && unpack_done(&walked));
    cr_assert(unpack_rest(&u).data == NULL && u.status == RSM_MALFORMED);
    fixture_free(data);
}

/* The public view gives the same, and nothing for what is not there. */
Test(unpack, public_values)
{
    struct rsm_pack *p = rsm_pack_new();
    rsm_pack_map(p, 4);
    rsm_pack_text(p, "list");
    rsm_pack_array(p, 3);
    rsm_pack_int(p, -5);
    rsm_pack_bool(p, true);
    rsm_pack_nil(p);
    rsm_pack_text(p, "n");
    rsm_pack_uint(p, 1u << 20);
    rsm_pack_text(p, "bin");
    rsm_pack_bin(p, rsm_bytes_make("\x00\xff", 2));
    rsm_pack_text(p, "empty");
    rsm_pack_map(p, 0);
    struct rsm_value v, item;
    cr_assert(rsm_value_parse(rsm_pack_result(p), &v) == RSM_OK);
    cr_assert(rsm_value_type(v) == RSM_TYPE_MAP && rsm_value_count(v) == 4);
    struct rsm_value list = rsm_value_get(v, "list");
    cr_assert(rsm_value_count(list) == 3 && rsm_value_int(rsm_value_at(list, 0)) == -5);
    cr_assert(rsm_value_bool(rsm_value_at(list, 1)));
    cr_assert(rsm_value_type(rsm_value_at(list, 2)) == RSM_TYPE_NIL);
    cr_assert(rsm_value_type(rsm_value_at(list, 3)) == RSM_TYPE_NONE);
    cr_assert(rsm_value_uint(rsm_value_get(v, "n")) == 1u << 20);
    cr_assert(rsm_value_octets(rsm_value_get(v, "bin")).size == 2);
    cr_assert(rsm_value_type(rsm_value_get(v, "nothing")) == RSM_TYPE_NONE);
    cr_assert(rsm_value_uint(rsm_value_get(v, "bin")) == 0);
    cr_assert(rsm_value_count(rsm_value_get(v, "empty")) == 0);
    uint32_t items = 0;
    for (struct rsm_walk walk = rsm_walk_begin(v); rsm_walk_next(&walk, &item);)
        items++;
    cr_assert(items == 8, "keys and values");
    cr_assert(rsm_value_parse(rsm_bytes_make("\x91", 1), &v) == RSM_MALFORMED);
    cr_assert(rsm_value_type(v) == RSM_TYPE_NONE);
    rsm_pack_free(p);
}
