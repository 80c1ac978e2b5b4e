/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_crc32c.c - RFC 3720's vectors, and both ways to compute against each other. */
#include <criterion/criterion.h>
#include <string.h>

#include "src/base/crc32c.h"
#include "src/base/prng.h"

/* RFC 3720, appendix B.4: 32 bytes of zeros, of ones, rising and falling. */
Test(crc32c, vectors_of_rfc_3720)
{
    uint8_t data[32];
    static const uint32_t wanted[] = {0x8a9136aa, 0x62a8ab43, 0x46dd794e, 0x113fdb5c};
    for (int kind = 0; kind < 4; kind++) {
        for (uint8_t i = 0; i < 32; i++)
            data[i] = kind == 0 ? 0 : kind == 1 ? 0xff : kind == 2 ? i : (uint8_t)(31 - i);
        cr_assert_eq(crc32c(0, data, sizeof data), wanted[kind], "kind %d", kind);
        cr_assert_eq(crc32c_portable(0, data, sizeof data), wanted[kind], "kind %d", kind);
    }
    cr_assert_eq(crc32c(0, "123456789", 9), 0xe3069283);
    cr_assert_eq(crc32c(0, NULL, 0), 0);
    cr_assert_eq(crc32c_portable(0, NULL, 0), 0);
}

/* Any piece at any address, also in two parts, gives the same by instruction and by table. */
Test(crc32c, the_instruction_and_the_table_agree)
{
    uint8_t data[512];
    struct prng prng;
    prng_init(&prng, 1);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)prng_next(&prng);
    for (int i = 0; i < 20000; i++) {
        size_t first = prng_below(&prng, sizeof data);
        size_t size = prng_below(&prng, sizeof data - first + 1);
        size_t cut = prng_below(&prng, size + 1);
        uint32_t begin = (uint32_t)prng_next(&prng);
        uint32_t whole = crc32c(begin, data + first, size);
        cr_assert_eq(whole, crc32c_portable(begin, data + first, size));
        uint32_t part = crc32c(begin, data + first, cut);
        cr_assert_eq(crc32c(part, data + first + cut, size - cut), whole);
    }
}

/* Long ones are taken in parts side by side: around the sizes at which that begins, and beyond. */
Test(crc32c, parts_side_by_side_agree_with_the_table)
{
    static uint8_t data[20000];
    static const size_t edges[] = {383,  384,  385,  391,  392,  768,
                                   3071, 3072, 3073, 3455, 3456, 6144};
    struct prng prng;
    prng_init(&prng, 2);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)prng_next(&prng);
    for (int i = 0; i < 2000; i++) {
        size_t first = prng_below(&prng, 64);
        size_t size = i < 200 ? edges[(size_t)i % (sizeof edges / sizeof *edges)]
                              : prng_below(&prng, sizeof data - first + 1);
        uint32_t begin = i % 2 == 0 ? 0 : (uint32_t)prng_next(&prng);
        cr_assert_eq(crc32c(begin, data + first, size), crc32c_portable(begin, data + first, size),
                     "%zu bytes at %zu", size, first);
    }
}

/* One flipped bit is always seen. */
Test(crc32c, each_flipped_bit_changes_it)
{
    uint8_t data[100] = {0};
    uint32_t before = crc32c(0, data, sizeof data);
    for (size_t bit = 0; bit < 8 * sizeof data; bit++) {
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_assert_neq(crc32c(0, data, sizeof data), before);
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}
