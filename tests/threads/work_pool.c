/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * work_pool.c - a plain program (Criterion does not start under ThreadSanitizer): works come back
 * in the order in which they were handed in, each once, whatever the threads do.
 */
#include <poll.h>
#include <stdio.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/base/prng.h"
#include "src/io/work_pool.h"

#define WORKS 20000u
#define ROOM 300u

struct sum {
    struct work work; /* first */
    uint32_t number, rounds;
    uint64_t result;
};

static uint64_t sum_of(uint32_t number, uint32_t rounds)
{
    struct prng prng;
    uint64_t sum = 0;
    prng_init(&prng, number + 1);
    for (uint32_t i = 0; i < rounds; i++)
        sum += prng_next(&prng);
    return sum;
}

static void run(struct work *work)
{
    struct sum *s = (struct sum *)work;
    s->result = sum_of(s->number, s->rounds);
}

static struct sum *make(uint32_t number)
{
    struct sum *s = mem_alloc(sizeof *s);
    s->work.run = run;
    s->number = number;
    s->rounds = number % 97 == 0 ? 20000 : number % 13; /* some take far longer */
    return s;
}

/* What is done; with `wait` at least one. Returns how many. */
static uint32_t collect(struct work_pool *pool, uint32_t next, bool wait)
{
    uint32_t count = 0;
    for (;;) {
        struct sum *s = (struct sum *)work_pool_collect(pool);
        if (s == NULL && (count > 0 || !wait))
            return count;
        if (s == NULL) {
            struct pollfd set = {.fd = work_pool_descriptor(pool), .events = POLLIN};
            CHECK(poll(&set, 1, -1) == 1);
            continue;
        }
        CHECK(s->number == next + count);
        CHECK(s->result == sum_of(s->number, s->rounds));
        mem_free(s);
        count++;
    }
}

static void all_come_back_in_order(uint32_t threads)
{
    struct work_pool *pool;
    uint32_t added = 0, collected = 0;
    CHECK(work_pool_start(threads, &pool) == RSM_OK);
    while (collected < WORKS) {
        while (added < WORKS && added - collected < ROOM)
            work_pool_add(pool, &make(added++)->work);
        collected += collect(pool, collected, true);
        CHECK(work_pool_count(pool) == added - collected);
    }
    CHECK(work_pool_stop(pool) == NULL);
}

static void what_was_not_collected_comes_back_at_the_end(uint32_t threads)
{
    struct work_pool *pool;
    uint32_t next;
    CHECK(work_pool_start(threads, &pool) == RSM_OK);
    for (uint32_t i = 0; i < ROOM; i++)
        work_pool_add(pool, &make(i)->work);
    next = collect(pool, 0, true);
    struct work *left = work_pool_stop(pool);
    while (left != NULL) {
        struct sum *s = (struct sum *)left;
        left = left->next;
        CHECK(s->number == next);
        CHECK(!s->work.is_done || s->result == sum_of(s->number, s->rounds));
        mem_free(s);
        next++;
    }
    CHECK(next == ROOM);
}

int main(void)
{
    uint64_t live = mem_live_count();
    for (uint32_t threads = 1; threads <= 4; threads++) {
        all_come_back_in_order(threads);
        what_was_not_collected_comes_back_at_the_end(threads);
    }
    CHECK(mem_live_count() == live);
    printf("8 passed, 0 failed\n");
    return 0;
}
