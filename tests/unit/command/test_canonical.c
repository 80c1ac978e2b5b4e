/* SPDX-License-Identifier: Apache-2.0 */
/* test_canonical.c - the scan: one table for single objects, then bombs, streams and truncation. */
#include <criterion/criterion.h>

#include "src/base/prng.h"
#include "src/command/canonical.h"
#include "src/command/pack.h"
#include "tests/unit/command/fixture.h"

#define OK RSM_OK
#define BAD RSM_MALFORMED
#define NOT RSM_NOT_CANONICAL

struct row {
    const char *hex;
    enum rsm_status well_formed, canonical;
    const char *what;
};

static const struct row ROWS[] = {
    {"00", OK, OK, "0"},
    {"7f", OK, OK, "127"},
    {"cc7f", OK, NOT, "127 as uint8"},
    {"cc80", OK, OK, "128 as uint8"},
    {"cd00ff", OK, NOT, "255 as uint16"},
    {"cd0100", OK, OK, "256 as uint16"},
    {"ce0000ffff", OK, NOT, "65535 as uint32"},
    {"ce00010000", OK, OK, "65536 as uint32"},
    {"cf00000000ffffffff", OK, NOT, "2^32-1 as uint64"},
    {"cf0000000100000000", OK, OK, "2^32 as uint64"},
    {"d001", OK, NOT, "1 as int8"},
    {"d1012c", OK, NOT, "300 as int16, as Go sends it"},
    {"d37fffffffffffffff", OK, NOT, "2^63-1 as int64"},
    {"ff", OK, OK, "-1"},
    {"e0", OK, OK, "-32"},
    {"d0e0", OK, NOT, "-32 as int8"},
    {"d0df", OK, OK, "-33 as int8"},
    {"d1ff80", OK, NOT, "-128 as int16"},
    {"d1ff7f", OK, OK, "-129 as int16"},
    {"d2ffff8000", OK, NOT, "-32768 as int32"},
    {"d2ffff7fff", OK, OK, "-32769 as int32"},
    {"d3ffffffff80000000", OK, NOT, "-2^31 as int64"},
    {"d3ffffffff7fffffff", OK, OK, "-2^31-1 as int64"},
    {"d38000000000000000", OK, OK, "-2^63"},
    {"c0", OK, OK, "nil"},
    {"c1", BAD, BAD, "never used"},
    {"c2", OK, OK, "false"},
    {"c3", OK, OK, "true"},
    {"ca00000000", OK, NOT, "float32"},
    {"cb0000000000000000", OK, NOT, "float64"},
    {"d40100", OK, NOT, "fixext1"},
    {"d6ff00000000", OK, NOT, "timestamp"},
    {"c70001", OK, NOT, "ext8, empty"},
    {"a0", OK, OK, "empty str"},
    {"d900", OK, NOT, "empty str8"},
    {"a161", OK, OK, "a"},
    {"da000161", OK, NOT, "a as str16"},
    {"db0000000161", OK, NOT, "a as str32"},
    {"a1ff", OK, NOT, "no UTF-8"},
    {"a2c080", OK, NOT, "overlong zero"},
    {"a3eda080", OK, NOT, "surrogate"},
    {"a4f4908080", OK, NOT, "above U+10FFFF"},
    {"a4f48fbfbf", OK, OK, "U+10FFFF"},
    {"a3e282ac", OK, OK, "euro"},
    {"a2e282", OK, NOT, "euro cut off"},
    {"c400", OK, OK, "empty bin"},
    {"c50000", OK, NOT, "empty bin16"},
    {"c60000000100", OK, NOT, "bin32 of 1"},
    {"c401ff", OK, OK, "bin of any byte"},
    {"90", OK, OK, "[]"},
    {"dc0000", OK, NOT, "[] as array16"},
    {"dd00000000", OK, NOT, "[] as array32"},
    {"80", OK, OK, "{}"},
    {"de0000", OK, NOT, "{} as map16"},
    {"df00000000", OK, NOT, "{} as map32"},
    {"82a16101a16202", OK, OK, "{a, b}"},
    {"82a16201a16102", OK, NOT, "{b, a}"},
    {"82a16101a16102", OK, NOT, "{a, a}"},
    {"82a161a162a16201", OK, OK, "a value is no key"},
    {"82a16101a2616101", OK, OK, "{a, aa}: a prefix comes first"},
    {"8101c0", OK, NOT, "a number as key"},
    {"81c40161c0", OK, NOT, "a bin as key"},
    {"8180c0", OK, NOT, "a map as key"},
    {"82a16180a162a161", OK, OK, "an empty map between keys"},
    {"82a16181a16301a16202", OK, OK, "inner keys are compared among themselves"},
    {"c0c0", BAD, NOT, "something after the end"},
    {"", BAD, BAD, "nothing"},
    {"92c0", BAD, BAD, "an item is missing"},
    {"a261", BAD, BAD, "a byte is missing"},
    {"cd01", BAD, BAD, "half a number"},
    {"92c0c1", BAD, BAD, "never used, inside"},
    {"dd0fffffff", RSM_TOO_MANY, RSM_TOO_MANY, "6.4 GB of array"},
    {"ddff000000", RSM_TOO_MANY, RSM_TOO_MANY, "96 GiB of array"},
    {"ddffffffff", RSM_TOO_MANY, RSM_TOO_MANY, "more array"},
    {"dfffffffff", RSM_TOO_MANY, RSM_TOO_MANY, "a map that counts twice"},
    {"dc0010", BAD, BAD, "16 items in no bytes"},
    {"c6ffffffff", BAD, BAD, "4 GiB of bin"},
    {"90909090", BAD, NOT, "four objects"},
};

/* Every form of a header, alone, under both rules. */
Test(canonical, table)
{
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct bytes data = fixture_hex(ROWS[i].hex);
        enum rsm_status well_formed = scan_whole(SCAN_WELL_FORMED, data, 1000);
        enum rsm_status canonical = scan_whole(SCAN_CANONICAL, data, 1000);
        cr_assert(well_formed == ROWS[i].well_formed, "%s: well-formed gives %s", ROWS[i].what,
                  rsm_status_text(well_formed));
        cr_assert(canonical == ROWS[i].canonical, "%s: canonical gives %s", ROWS[i].what,
                  rsm_status_text(canonical));
        fixture_free(data);
    }
}

/* LIMIT_DEPTH containers pass, one more does not, empty or not. */
Test(canonical, depth)
{
    uint8_t nested[LIMIT_DEPTH + 1];
    memset(nested, 0x91, sizeof nested);
    nested[LIMIT_DEPTH - 1] = 0x90;
    cr_assert(scan_whole(SCAN_CANONICAL, bytes_make(nested, LIMIT_DEPTH), 1000) == RSM_OK);
    nested[LIMIT_DEPTH - 1] = 0x91;
    nested[LIMIT_DEPTH] = 0x90;
    cr_assert(scan_whole(SCAN_CANONICAL, bytes_make(nested, LIMIT_DEPTH + 1), 1000) ==
              RSM_TOO_DEEP);
    nested[LIMIT_DEPTH] = 0xc0;
    cr_assert(scan_whole(SCAN_CANONICAL, bytes_make(nested, LIMIT_DEPTH + 1), 1000) == RSM_OK);
}

/* 31 nested array16 headers of 65,535 items each: 93 bytes that hold 62 MiB in msgpack-c. */
Test(canonical, nested_array_bomb)
{
    uint8_t bomb[93];
    size_t size;
    struct scan s;
    for (size_t i = 0; i < sizeof bomb; i += 3)
        memcpy(bomb + i, "\xdc\xff\xff", 3);
    scan_init(&s, SCAN_WELL_FORMED, LIMIT_FRAME_SIZE);
    cr_assert(scan_continue(&s, bytes_make(bomb, sizeof bomb), &size) == RSM_TOO_DEEP);
    cr_assert(scan_continue(&s, bytes_make(bomb, sizeof bomb), &size) == RSM_TOO_DEEP, "sticky");
    scan_init(&s, SCAN_WELL_FORMED, 100000);
    cr_assert(scan_continue(&s, bytes_make(bomb, sizeof bomb), &size) == RSM_TOO_LARGE,
              "two levels already owe more than 100,000 bytes");
}

/* Headers that each stay below the limit of elements, but not together. */
Test(canonical, elements_in_all)
{
    size_t items = LIMIT_ELEMENTS / 16 - 1, size;
    struct writer w;
    struct scan s;
    writer_init(&w, LIMIT_FRAME_SIZE);
    pack_array(&w, 17);
    for (int i = 0; i < 17; i++) {
        pack_array(&w, (uint32_t)items);
        for (size_t k = 0; k < items; k++)
            pack_uint(&w, 0);
    }
    cr_assert(!w.failed);
    scan_init(&s, SCAN_WELL_FORMED, LIMIT_FRAME_SIZE);
    cr_assert(scan_continue(&s, writer_result(&w), &size) == RSM_TOO_MANY);
    writer_deinit(&w);
}

/* A random object that msgpack-c packs; about `budget` bytes. */
static void pack_random(struct writer *w, struct prng *p, uint32_t depth)
{
    uint8_t noise[40];
    uint64_t choice = prng_below(p, depth < 6 ? 9 : 7);
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)('a' + prng_below(p, 26));
    uint32_t count = (uint32_t)prng_below(p, 20);
    if (choice == 0)
        pack_nil(w);
    else if (choice == 1)
        pack_bool(w, true);
    else if (choice == 2)
        pack_uint(w, prng_next(p) >> prng_below(p, 64));
    else if (choice == 3)
        pack_int(w, -(int64_t)(prng_next(p) >> (1 + prng_below(p, 62))));
    else if (choice <= 5)
        pack_str(w, bytes_make(noise, prng_below(p, sizeof noise)));
    else if (choice == 6)
        pack_bin(w, bytes_make(noise, prng_below(p, sizeof noise)));
    else if (choice == 7) {
        pack_array(w, count);
        for (uint32_t i = 0; i < count; i++)
            pack_random(w, p, depth + 1);
    } else {
        pack_map(w, count);
        for (uint32_t i = 0; i < count; i++) {
            noise[0] = (uint8_t)i;
            pack_str(w, bytes_make(noise, 4));
            pack_random(w, p, depth + 1);
        }
    }
}

/* What msgpack-c packs with sorted keys is canonical; cut anywhere it is not; in a stream of any
 * pieces the object's end is found at the same place, and only once all bytes are there. */
Test(canonical, random_objects_in_pieces)
{
    struct prng p;
    prng_init(&p, 7);
    for (int round = 0; round < 300; round++) {
        struct writer w;
        writer_init(&w, 1u << 20);
        pack_random(&w, &p, 0);
        size_t size = w.size;
        struct bytes object = fixture_exact(w.data, size);
        cr_assert(scan_whole(SCAN_CANONICAL, object, 1u << 20) == RSM_OK, "round %d", round);
        writer_u8(&w, 0xc1); /* the next object is none of this one's business */
        for (int rules = SCAN_WELL_FORMED; rules <= SCAN_CANONICAL; rules++) {
            struct scan s;
            size_t there = 0, found = 0;
            scan_init(&s, (enum scan_rules)rules, 1u << 20);
            while (found == 0 && there < w.size) {
                there += 1 + prng_below(&p, 30);
                there = there < w.size ? there : w.size;
                struct bytes piece = fixture_exact(w.data, there);
                cr_assert(scan_continue(&s, piece, &found) == RSM_OK);
                cr_assert(found == 0 || there >= size);
                fixture_free(piece);
            }
            cr_assert(found == size, "round %d: %zu instead of %zu", round, found, size);
        }
        for (size_t cut = 0; cut < size; cut += 1 + size / 50) {
            struct bytes part = fixture_exact(w.data, cut);
            cr_assert(scan_whole(SCAN_WELL_FORMED, part, 1u << 20) == RSM_MALFORMED);
            fixture_free(part);
        }
        fixture_free(object);
        writer_deinit(&w);
    }
}

/* A stream byte by byte looks at each header once: the place never goes back. */
Test(canonical, stream_keeps_its_place)
{
    enum { COUNT = 60000 };
    struct writer w;
    struct scan s;
    size_t found = 0, steps = 0;
    writer_init(&w, 1u << 20);
    pack_array(&w, COUNT);
    for (int i = 0; i < COUNT; i++)
        pack_uint(&w, 1);
    scan_init(&s, SCAN_WELL_FORMED, 1u << 20);
    for (size_t there = 1; there <= w.size; there++) {
        size_t before = s.offset;
        cr_assert(scan_continue(&s, bytes_make(w.data, there), &found) == RSM_OK);
        cr_assert(s.offset >= before);
        steps += s.offset - before;
    }
    cr_assert(found == w.size);
    cr_assert(steps == w.size, "each byte was stepped over once");
    writer_deinit(&w);
}

Test(canonical, size_limit)
{
    struct bytes data = fixture_hex("a3616263");
    size_t size;
    struct scan s;
    cr_assert(scan_whole(SCAN_CANONICAL, data, 4) == RSM_OK);
    cr_assert(scan_whole(SCAN_CANONICAL, data, 3) == RSM_TOO_LARGE);
    scan_init(&s, SCAN_WELL_FORMED, 3);
    cr_assert(scan_continue(&s, bytes_make(data.data, 1), &size) == RSM_TOO_LARGE,
              "known from the header alone");
    scan_init(&s, SCAN_WELL_FORMED, 0);
    cr_assert(scan_continue(&s, data, &size) == RSM_TOO_LARGE);
    fixture_free(data);
}
