/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem.h - all heap memory. Counted, so that tests can fail the n-th allocation.
 *
 * When memory is exhausted, mem_alloc ends the process with a message and exit status
 * MEM_EXIT_STATUS: a replica is built to be killed at any moment, and a restart is intact. What an
 * outsider's number decides (a frame, a snapshot) uses mem_try_alloc, whose failure is a refusal.
 */
#ifndef RSM_BASE_MEM_H
#define RSM_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

#define MEM_EXIT_STATUS 70

/* Zeroed memory; never NULL. `size` 0 gives a pointer that may only be freed. Thread-safe. */
void *mem_alloc(size_t size);
/* The same for a type whose alignment is above that of max_align_t; `size` is of that type. */
void *mem_alloc_aligned(size_t alignment, size_t size);
/* Zeroed memory, or NULL. */
void *mem_try_alloc(size_t size);
/* As mem_alloc, not zeroed: for what is filled at once. */
void *mem_alloc_unset(size_t size);
/* As realloc, never NULL; what is added is not zeroed. */
void *mem_realloc(void *memory, size_t size);
/* Copies, of `size` bytes or a C string; mem_copy_text puts an end mark behind. As mem_alloc. */
void *mem_copy(const void *source, size_t size);
char *mem_copy_string(const char *text);
char *mem_copy_text(const void *text, size_t size);
/* What a library made of memory of its own, NULL when there was none: ends as mem_alloc then. */
void *mem_made(void *made);
/* NULL is ignored. */
void mem_free(void *memory);

/* Allocations that are not freed yet, and all ever made. */
uint64_t mem_live_count(void);
uint64_t mem_total_count(void);
/* Test builds: the n-th allocation from now on fails (1 is the next); 0 switches it off. */
void mem_fail_after(uint64_t n);

#endif
