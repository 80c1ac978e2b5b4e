/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_bytes.c - cursors: what they read and write, where they fail, and that failure sticks. */
#include <criterion/criterion.h>
#include <string.h>

#include "src/base/bytes.h"
#include "src/base/mem.h"

static const struct {
    const char *a, *b;
    int order;
} comparisons[] = {
    {"", "", 0},    {"a", "a", 0},          {"a", "b", -1},   {"b", "a", 1},
    {"", "a", -1},  {"a", "ab", -1},        {"ab", "a", 1},   {"ab", "b", -1},
    {"b", "ab", 1}, {"a\x7f", "a\x80", -1}, {"\xff", "a", 1},
};

Test(bytes, sort_by_memcmp_a_prefix_first)
{
    for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; i++) {
        struct bytes a = bytes_of_string(comparisons[i].a);
        struct bytes b = bytes_of_string(comparisons[i].b);
        int order = bytes_compare(a, b);
        cr_assert_eq((order > 0) - (order < 0), comparisons[i].order, "row %zu", i);
        cr_assert_eq(bytes_equal(a, b), comparisons[i].order == 0, "row %zu", i);
    }
    cr_assert(bytes_equal((struct bytes){NULL, 0}, bytes_of_string("")));
}

Test(bytes, integers_are_big_endian)
{
    static const uint8_t wanted[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    struct writer w;
    writer_init(&w, 100);
    writer_u8(&w, 1);
    writer_u16(&w, 0x0203);
    writer_u32(&w, 0x04050607);
    writer_u64(&w, UINT64_C(0x08090a0b0c0d0e0f));
    cr_assert(bytes_equal(writer_result(&w), bytes_make(wanted, sizeof wanted)));
    struct reader r = reader_make(writer_result(&w));
    cr_assert_eq(reader_u8(&r), 1);
    cr_assert_eq(reader_u16(&r), 0x0203);
    cr_assert_eq(reader_u32(&r), 0x04050607);
    cr_assert_eq(reader_left(&r), 8);
    cr_assert_not(reader_done(&r));
    cr_assert_eq(reader_u64(&r), UINT64_C(0x08090a0b0c0d0e0f));
    cr_assert(reader_done(&r));
    writer_deinit(&w);
}

/* Each read of a source that is one byte too short gives zeros, fails, and fails for good. */

Test(bytes, a_writer_loses_its_front)
{
    struct writer w;
    writer_init(&w, 10);
    writer_drop_front(&w, 0);
    writer_bytes(&w, bytes_of_string("abcdef"));
    writer_drop_front(&w, 2);
    writer_bytes(&w, bytes_of_string("gh"));
    cr_assert(bytes_equal(writer_result(&w), bytes_of_string("cdefgh")));
    writer_drop_front(&w, 6);
    cr_assert_eq(w.size, 0);
    writer_deinit(&w);
}

Test(bytes, a_short_source_fails_and_stays_failed)
{
    static const uint8_t data[8] = {255, 255, 255, 255, 255, 255, 255, 255};
    for (int kind = 0; kind < 6; kind++) {
        static const size_t sizes[] = {1, 2, 4, 8, 5, 5};
        uint8_t copy[5] = {1, 1, 1, 1, 1};
        struct reader r = reader_make(bytes_make(data, sizes[kind] - 1));
        uint64_t got = kind == 0   ? reader_u8(&r)
                       : kind == 1 ? reader_u16(&r)
                       : kind == 2 ? reader_u32(&r)
                       : kind == 3 ? reader_u64(&r)
                       : kind == 4 ? reader_bytes(&r, 5).size
                                   : 0;
        if (kind == 5)
            reader_copy(&r, copy, sizeof copy);
        cr_assert_eq(got, 0, "kind %d", kind);
        cr_assert(kind != 5 || memcmp(copy, "\0\0\0\0\0", 5) == 0);
        cr_assert(r.failed, "kind %d", kind);
        cr_assert_eq(reader_left(&r), 0);
        cr_assert_eq(reader_u8(&r), 0, "a byte is left, but the cursor has failed");
        cr_assert_not(reader_done(&r));
    }
}

Test(bytes, a_blob_is_bounded_before_it_is_read)
{
    static const uint8_t data[] = {0, 0, 0, 3, 'a', 'b', 'c', 0xff, 0xff, 0xff, 0xff};
    struct reader r = reader_make(bytes_make(data, sizeof data));
    cr_assert(bytes_equal(reader_blob(&r, 3), bytes_of_string("abc")));
    cr_assert_eq(reader_blob(&r, SIZE_MAX).size, 0);
    cr_assert(r.failed, "a length beyond the end");
    r = reader_make(bytes_make(data, sizeof data));
    cr_assert_eq(reader_blob(&r, 2).size, 0);
    cr_assert(r.failed, "a length above the limit");
}

Test(bytes, an_empty_blob_is_read_at_the_end)
{
    static const uint8_t data[4];
    struct reader r = reader_make(bytes_make(data, sizeof data));
    cr_assert_eq(reader_blob(&r, 0).size, 0);
    cr_assert(reader_done(&r));
}

/* A writer takes exactly size_max bytes, whatever the pieces, and not one more. */
Test(bytes, a_writer_stops_at_its_limit)
{
    for (size_t size_max = 0; size_max < 200; size_max++) {
        struct writer w;
        writer_init(&w, size_max);
        for (size_t i = 0; i < size_max; i++)
            writer_u8(&w, (uint8_t)i);
        cr_assert_not(w.failed, "size_max %zu", size_max);
        writer_u8(&w, 0);
        cr_assert(w.failed);
        cr_assert_eq(writer_result(&w).size, size_max);
        writer_bytes(&w, (struct bytes){NULL, 0});
        cr_assert(w.failed, "the error sticks");
        writer_reset(&w);
        cr_assert_not(w.failed);
        cr_assert_eq(writer_result(&w).size, 0);
        writer_deinit(&w);
    }
}

Test(bytes, a_text_that_just_fits_is_written)
{
    struct writer w;
    writer_init(&w, 8);
    writer_format(&w, "%s=%u", "port", 443U);
    cr_assert_not(w.failed);
    cr_assert(bytes_equal(writer_result(&w), bytes_of_string("port=443")));
    writer_format(&w, "%s", "");
    cr_assert_not(w.failed, "nothing always fits");
    writer_format(&w, "x");
    cr_assert(w.failed);
    cr_assert_eq(writer_result(&w).size, 8);
    writer_deinit(&w);
}

Test(bytes, a_formatted_text_follows_what_was_there)
{
    struct writer w;
    uint64_t live = mem_live_count();
    writer_init(&w, 1000);
    writer_u8(&w, 'a');
    for (int i = 0; i < 40; i++)
        writer_format(&w, "%02d", i);
    writer_blob(&w, bytes_of_string("end"));
    struct bytes all = writer_result(&w);
    cr_assert_eq(all.size, 1 + 80 + 4 + 3);
    cr_assert_eq(memcmp(all.data, "a000102", 7), 0);
    cr_assert_eq(memcmp(all.data + 79, "39\0\0\0\3end", 9), 0);
    writer_deinit(&w);
    cr_assert_eq(mem_live_count(), live);
}

Test(bytes, hexadecimal_both_ways)
{
    static const uint8_t data[] = {0x00, 0x09, 0x9a, 0xaf, 0xff};
    char text[2 * sizeof data + 1];
    uint8_t back[sizeof data];
    hex_encode(text, bytes_make(data, sizeof data));
    cr_assert_str_eq(text, "00099aafff");
    cr_assert(hex_decode(back, sizeof back, "00099AaFff"));
    cr_assert_eq(memcmp(back, data, sizeof data), 0);
    static const char *const bad[] = {"",           "00099aaff",  "00099aafff0", "00099aaffg",
                                      "00099aaf f", "0x099aafff", "00099aafff00"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_not(hex_decode(back, sizeof back, bad[i]), "%s", bad[i]);
}
