/* SPDX-License-Identifier: Apache-2.0 */
/* mem.c - the heap, counted. The counters are atomic: threads allocate as well. */
#include "src/base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Atomic uint64_t live;
static _Atomic uint64_t total;
static _Atomic uint64_t fail_in; /* 0: never */

/* Writes and ends without the heap, for there is none. */
static _Noreturn void exhausted(void)
{
    static const char text[] = "out of memory\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written;
    _exit(MEM_EXIT_STATUS);
}

/* True when the test wants this allocation to fail. */
static int must_fail(void)
{
    if (atomic_load_explicit(&fail_in, memory_order_relaxed) == 0)
        return 0;
    return atomic_fetch_sub(&fail_in, 1) == 1;
}

/* Counts what was had; NULL stays NULL. */
static void *counted(void *memory)
{
    if (memory == NULL)
        return NULL;
    atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&total, 1, memory_order_relaxed);
    return memory;
}

void *mem_try_alloc(size_t size)
{
    return must_fail() ? NULL : counted(calloc(1, size > 0 ? size : 1));
}

void *mem_alloc(size_t size)
{
    void *memory = mem_try_alloc(size);
    if (memory == NULL)
        exhausted();
    return memory;
}

void *mem_alloc_aligned(size_t alignment, size_t size)
{
    void *memory = must_fail() ? NULL : counted(aligned_alloc(alignment, size));
    if (memory == NULL)
        exhausted();
    return memset(memory, 0, size);
}

void *mem_alloc_unset(size_t size)
{
    void *memory = must_fail() ? NULL : counted(malloc(size > 0 ? size : 1));
    if (memory == NULL)
        exhausted();
    return memory;
}

void *mem_realloc(void *memory, size_t size)
{
    if (memory == NULL)
        return mem_alloc(size);
    if (must_fail())
        exhausted();
    void *grown = realloc(memory, size > 0 ? size : 1);
    if (grown == NULL)
        exhausted();
    atomic_fetch_add_explicit(&total, 1, memory_order_relaxed);
    return grown;
}

void *mem_made(void *made)
{
    if (made == NULL)
        exhausted();
    return made;
}

void *mem_copy(const void *source, size_t size)
{
    void *copy = mem_alloc_unset(size);
    if (size > 0)
        memcpy(copy, source, size);
    return copy;
}

char *mem_copy_text(const void *text, size_t size)
{
    char *copy = mem_alloc(size + 1);
    if (size > 0)
        memcpy(copy, text, size);
    return copy;
}

char *mem_copy_string(const char *text)
{
    return mem_copy_text(text, strlen(text));
}

void mem_free(void *memory)
{
    if (memory == NULL)
        return;
    atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
    free(memory);
}

uint64_t mem_live_count(void)
{
    return atomic_load(&live);
}

uint64_t mem_total_count(void)
{
    return atomic_load(&total);
}

void mem_fail_after(uint64_t n)
{
    atomic_store(&fail_in, n);
}
