/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_base.c - cursors, memory, generator, checksum, statuses, log lines. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rsm/rule.h>
#include <rsm/status.h>

#include "src/base/blob.h"
#include "src/base/crc32c.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/base/prng.h"

Test(bytes, a_record_there_and_back)
{
    struct writer w;
    writer_init(&w, 1024);
    writer_u8(&w, 1);
    writer_u16(&w, 0x0203);
    writer_u32(&w, 0x04050607);
    writer_u64(&w, UINT64_C(0x08090a0b0c0d0e0f));
    writer_blob(&w, bytes_of_string("blob"));
    struct reader r = reader_make(writer_result(&w));
    cr_assert_eq(reader_u8(&r), 1);
    cr_assert_eq(reader_u16(&r), 0x0203);
    cr_assert_eq(reader_u32(&r), 0x04050607);
    cr_assert_eq(reader_u64(&r), UINT64_C(0x08090a0b0c0d0e0f));
    cr_assert(bytes_equal(reader_blob(&r, 4), bytes_of_string("blob")));
    cr_assert(reader_done(&r));
    cr_assert_eq(w.data[1], 2, "big-endian");
    writer_deinit(&w);
}

Test(bytes, errors_are_sticky)
{
    uint8_t three[3] = {1, 2, 3};
    struct reader r = reader_make(bytes_make(three, sizeof three));
    cr_assert_eq(reader_u32(&r), 0);
    cr_assert(r.failed);
    cr_assert_eq(reader_u8(&r), 0, "nothing is read after an error");
    cr_assert_not(reader_done(&r));
    struct writer w;
    writer_init(&w, 3);
    writer_u32(&w, 1);
    cr_assert(w.failed);
    writer_u8(&w, 1);
    cr_assert_eq(w.size, 0, "nothing is written after an error");
    writer_deinit(&w);
}

Test(bytes, a_blob_above_its_bound_is_an_error)
{
    uint8_t bytes[8] = {0, 0, 0, 4, 'a', 'b', 'c', 'd'};
    struct reader r = reader_make(bytes_make(bytes, sizeof bytes));
    reader_blob(&r, 3);
    cr_assert(r.failed);
}

Test(bytes, order_is_that_of_memcmp_and_a_prefix_comes_first)
{
    cr_assert_lt(bytes_compare(bytes_of_string("a"), bytes_of_string("ab")), 0);
    cr_assert_lt(bytes_compare(bytes_of_string("a\x7f"), bytes_of_string("a\x80")), 0);
    cr_assert_eq(bytes_compare(bytes_of_string(""), bytes_of_string("")), 0);
    cr_assert_gt(bytes_compare(bytes_of_string("b"), bytes_of_string("ab")), 0);
}

Test(bytes, hexadecimal)
{
    uint8_t out[2];
    char text[5];
    cr_assert(hex_decode(out, 2, "0aFf"));
    hex_encode(text, bytes_make(out, 2));
    cr_assert_str_eq(text, "0aff");
    cr_assert_not(hex_decode(out, 2, "0af"));
    cr_assert_not(hex_decode(out, 2, "0afg"));
}

Test(mem, the_nth_allocation_fails_and_is_told)
{
    mem_fail_after(2);
    void *first = mem_try_alloc(10);
    void *second = mem_try_alloc(10);
    void *third = mem_try_alloc(10);
    cr_assert_not_null(first);
    cr_assert_null(second);
    cr_assert_not_null(third);
    cr_assert_eq(mem_live_count(), 2);
    mem_free(first);
    mem_free(third);
    cr_assert_eq(mem_live_count(), 0);
}

Test(mem, exhaustion_ends_the_process_with_its_status, .exit_code = MEM_EXIT_STATUS)
{
    mem_fail_after(1);
    mem_alloc(10);
}

Test(blob, the_last_reference_frees)
{
    struct blob *blob = blob_new(bytes_of_string("text"));
    cr_assert_eq(blob_ref(blob), blob);
    blob_unref(blob);
    cr_assert(bytes_equal(blob_bytes(blob), bytes_of_string("text")));
    blob_unref(blob);
    cr_assert_eq(mem_live_count(), 0);
    cr_assert_eq(blob_bytes(NULL).size, 0);
    blob_unref(NULL);
}

/* First outputs of xoshiro256** seeded by splitmix64 from 0, of the authors' reference programs. */
Test(prng, known_values)
{
    struct prng p;
    prng_init(&p, 0);
    cr_assert_eq(p.state[0], UINT64_C(0xe220a8397b1dcdaf));
    cr_assert_eq(p.state[1], UINT64_C(0x6e789e6aa1b965f4));
    cr_assert_eq(prng_next(&p), UINT64_C(0x99ec5f36cb75f2b4));
}

Test(prng, stays_within_its_bounds)
{
    struct prng p;
    bool seen[5] = {false};
    prng_init(&p, 1);
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t value = prng_range(&p, 3, 7);
        cr_assert(value >= 3 && value <= 7);
        seen[value - 3] = true;
    }
    for (unsigned i = 0; i < 5; i++)
        cr_assert(seen[i]);
    cr_assert_not(prng_chance(&p, 0));
    cr_assert(prng_chance(&p, 1000000));
}

/* RFC 3720, B.4. */
Test(crc32c, vectors_and_both_ways_are_equal)
{
    uint8_t bytes[1000];
    struct prng p;
    memset(bytes, 0, 32);
    cr_assert_eq(crc32c(0, bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, 32);
    cr_assert_eq(crc32c(0, bytes, 32), 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = i;
    cr_assert_eq(crc32c(0, bytes, 32), 0x46dd794e);
    prng_init(&p, 3);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)prng_next(&p);
    for (size_t size = 0; size < sizeof bytes; size++)
        cr_assert_eq(crc32c(7, bytes, size), crc32c_portable(7, bytes, size));
    cr_assert_eq(crc32c(crc32c(0, bytes, 100), bytes + 100, 900), crc32c(0, bytes, 1000));
}

Test(status, texts_are_unique_and_parsed)
{
    for (unsigned i = 0; i < RSM_STATUS_COUNT; i++) {
        const char *text = rsm_status_text((enum rsm_status)i);
        char longer[128];
        cr_assert_eq(rsm_status_parse(text), (enum rsm_status)i);
        snprintf(longer, sizeof longer, "%s leader=2: words", text);
        cr_assert_eq(rsm_status_parse(longer), (enum rsm_status)i);
        for (unsigned k = 0; k < i; k++)
            cr_assert_str_neq(text, rsm_status_text((enum rsm_status)k));
    }
    cr_assert_eq(rsm_status_parse("SOMETHING_NEW: x"), RSM_FAILED);
    cr_assert_str_eq(rsm_status_text((enum rsm_status)9999), "UNKNOWN");
    cr_assert_eq(rsm_status_exit(RSM_OUTCOME_UNKNOWN), 124);
}

Test(rule, ids_are_unique)
{
    for (uint32_t i = 1; i <= RSM_RULE_SERIAL_RANGE; i++) {
        cr_assert_str_neq(rsm_rule_id(i), "unknown");
        for (uint32_t k = 1; k < i; k++)
            cr_assert_str_neq(rsm_rule_id(i), rsm_rule_id(k));
    }
    cr_assert_str_eq(rsm_rule_id(9999), "unknown");
}

Test(log, values_that_could_deceive_are_quoted)
{
    int ends[2];
    char line[512] = "";
    cr_assert_eq(pipe(ends), 0);
    log_configure(ends[1], LOG_INFO, 3);
    LOG(LOG_DEBUG, "silent", LOG_U64("n", 1));
    LOG(LOG_INFO, "event", LOG_TEXT("a", "two words\n\"x\""), LOG_TEXT("empty", ""),
        LOG_U64("n", 42));
    cr_assert_gt(read(ends[0], line, sizeof line - 1), 0);
    cr_assert_not_null(strstr(line, " info replica=3 event=event a=\"two words\\x0a\\\"x\\\"\" "
                                    "empty=\"\" n=42\n"),
                       "%s", line);
}

Test(log, a_full_pipe_loses_lines_and_says_so)
{
    int ends[2];
    static char drained[1 << 20];
    cr_assert_eq(pipe(ends), 0);
    log_configure(ends[1], LOG_INFO, 0);
    for (unsigned i = 0; i < 5000; i++)
        LOG(LOG_INFO, "flood", LOG_U64("n", i));
    uint64_t dropped = log_dropped_count();
    cr_assert_gt(dropped, 0);
    cr_assert_gt(read(ends[0], drained, sizeof drained), 0);
    LOG(LOG_INFO, "after", LOG_U64("n", 0));
    ssize_t size = read(ends[0], drained, sizeof drained - 1);
    cr_assert_gt(size, 0);
    drained[size] = '\0';
    cr_assert_not_null(strstr(drained, "event=after n=0 dropped="));
}
