/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_mem.c - the counted heap, blobs on it, and what happens when it is exhausted. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "src/base/blob.h"
#include "src/base/check.h"
#include "src/base/mem.h"

Test(mem, allocations_are_counted_and_zeroed)
{
    uint64_t live = mem_live_count();
    uint64_t total = mem_total_count();
    uint8_t *memory = mem_alloc(100);
    for (int i = 0; i < 100; i++)
        cr_assert_eq(memory[i], 0);
    void *empty = mem_alloc(0);
    cr_assert_not_null(empty);
    char *text = mem_copy_text("abcdef", 3);
    cr_assert_str_eq(text, "abc");
    char *string = mem_copy_string("");
    cr_assert_str_eq(string, "");
    cr_assert_eq(mem_live_count(), live + 4);
    memory = mem_realloc(memory, 200);
    cr_assert_eq(mem_live_count(), live + 4, "grown memory is one allocation still");
    mem_free(memory);
    mem_free(empty);
    mem_free(text);
    mem_free(string);
    mem_free(NULL);
    cr_assert_eq(mem_live_count(), live);
    cr_assert_geq(mem_total_count(), total + 4);
}

Test(mem, a_type_has_the_alignment_that_it_asks_for)
{
    struct wide {
        _Alignas(64) uint8_t bytes[192];
    };
    struct wide *several[8];
    uint64_t live = mem_live_count();
    for (int i = 0; i < 8; i++) {
        several[i] = mem_alloc_aligned(_Alignof(struct wide), sizeof(struct wide));
        cr_assert_eq((uintptr_t)several[i] % 64, 0);
        for (size_t k = 0; k < sizeof(struct wide); k++)
            cr_assert_eq(several[i]->bytes[k], 0);
        memset(several[i], 0xff, sizeof(struct wide));
    }
    cr_assert_eq(mem_live_count(), live + 8);
    for (int i = 0; i < 8; i++)
        mem_free(several[i]);
    cr_assert_eq(mem_live_count(), live);
}

/* For every n, the n-th allocation fails, and only that one. */
Test(mem, the_nth_allocation_fails)
{
    for (uint64_t n = 1; n <= 20; n++) {
        uint64_t live = mem_live_count();
        void *made[20];
        mem_fail_after(n);
        for (uint64_t i = 1; i <= 20; i++) {
            made[i - 1] = mem_try_alloc(8);
            cr_assert_eq(made[i - 1] == NULL, i == n, "n %d, i %d", (int)n, (int)i);
        }
        for (int i = 0; i < 20; i++)
            mem_free(made[i]);
        cr_assert_eq(mem_live_count(), live);
    }
    mem_fail_after(1);
    mem_fail_after(0);
    void *memory = mem_try_alloc(1);
    cr_assert_not_null(memory, "0 switches it off");
    mem_free(memory);
}

Test(mem, what_cannot_be_had_ends_the_process, .exit_code = MEM_EXIT_STATUS)
{
    mem_fail_after(2);
    mem_free(mem_alloc(1));
    mem_free(mem_alloc(1));
}

Test(mem, what_a_library_could_not_make_ends_the_process, .exit_code = MEM_EXIT_STATUS)
{
    int made = 0;
    cr_assert_eq(mem_made(&made), &made);
    (void)mem_made(NULL);
    cr_assert_fail("it goes on");
}

Test(mem, growth_that_cannot_be_had_ends_the_process, .exit_code = MEM_EXIT_STATUS)
{
    void *memory = mem_alloc(1);
    mem_fail_after(1);
    mem_free(mem_realloc(memory, 2));
}

Test(check, a_condition_that_does_not_hold_aborts, .signal = SIGABRT)
{
    int one = 1;
    CHECK(one == 1);
    CHECK(one == 2);
}

Test(blob, is_freed_with_its_last_reference)
{
    uint64_t live = mem_live_count();
    struct blob *blob = blob_new(bytes_of_string("content"));
    cr_assert(bytes_equal(blob_bytes(blob), bytes_of_string("content")));
    cr_assert_eq(blob_ref(blob), blob);
    blob_unref(blob);
    cr_assert(bytes_equal(blob_bytes(blob), bytes_of_string("content")));
    cr_assert_eq(mem_live_count(), live + 1);
    blob_unref(blob);
    cr_assert_eq(mem_live_count(), live);
}

Test(blob, null_is_an_empty_one)
{
    cr_assert_null(blob_ref(NULL));
    blob_unref(NULL);
    cr_assert_eq(blob_bytes(NULL).size, 0);
    struct blob *blob = blob_new((struct bytes){NULL, 0});
    cr_assert_eq(blob_bytes(blob).size, 0);
    blob_unref(blob);
}

/* An outsider's number decides the size: short memory is a refusal, not the end. */
Test(blob, begin_says_when_memory_is_short)
{
    uint64_t live = mem_live_count();
    mem_fail_after(1);
    cr_assert_null(blob_begin(100));
    cr_assert_null(blob_begin(UINT32_MAX), "a size that its header cannot hold");
    cr_assert_eq(mem_live_count(), live);
    struct blob *blob = blob_begin(3);
    memcpy(blob->data, "abc", 3);
    cr_assert(bytes_equal(blob_bytes(blob), bytes_of_string("abc")));
    blob_unref(blob);
}

Test(blob, a_reference_too_many_is_a_bug, .signal = SIGABRT)
{
    struct blob *blob = blob_new(bytes_of_string("x"));
    blob->references = 0;
    blob_ref(blob);
}
