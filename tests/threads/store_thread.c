/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_thread.c - a plain program (Criterion does not start under ThreadSanitizer): the main loop
 * reads the frozen overlay and the snapshot while the store's thread commits.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/io/store_thread.h"
#include "storage/store.h"
#include "tests/lib/temp_dir.h"

#define ROUNDS 60u
#define ROWS 50u

static struct bytes key_of(unsigned round, unsigned row, char buffer[32])
{
    int size = snprintf(buffer, 32, "%04u/%04u", round, row);

    return bytes_make(buffer, (size_t)size);
}

static void wait_for_end(struct store_thread *thread, enum rsm_status expected)
{
    struct pollfd poll_set = {.fd = store_thread_descriptor(thread), .events = POLLIN};
    enum rsm_status status = RSM_FAILED;

    CHECK(poll(&poll_set, 1, -1) == 1);
    CHECK(store_thread_is_busy(thread));
    CHECK(store_thread_collect(thread, &status));
    CHECK(status == expected);
    CHECK(!store_thread_is_busy(thread));
    CHECK(!store_thread_collect(thread, &status));
    CHECK(poll(&poll_set, 1, 0) == 0);
}

static void write_rows(struct kv *kv, unsigned round)
{
    char buffer[32];

    for (unsigned i = 0; i < ROWS; i++)
        CHECK(kv_put(kv, 1, key_of(round, i, buffer), bytes_make(&round, sizeof(round))) == RSM_OK);
}

/* Every row of a round is seen, in whatever layer it is just now. */
static void read_rows(struct kv *kv, unsigned round)
{
    char buffer[32];
    struct bytes value;

    for (unsigned i = 0; i < ROWS; i++) {
        CHECK(kv_get(kv, 1, key_of(round, i, buffer), &value) == RSM_OK);
        CHECK(value.size == sizeof(round) && memcmp(value.data, &round, sizeof(round)) == 0);
    }
}

/* All rows in order: the frozen layer puts its own into order for it, under the thread's eyes. */
static void walk_rows(struct kv *kv, unsigned rounds)
{
    char buffer[32], last[32];
    struct bytes place = {NULL, 0};
    struct bytes key, value;
    unsigned count = 0;

    while (kv_next(kv, 1, place, count > 0, &key, &value) == RSM_OK) {
        CHECK(bytes_equal(key, key_of(count / ROWS, count % ROWS, buffer)));
        memcpy(last, key.data, key.size);
        place = bytes_make(last, key.size);
        count++;
    }
    CHECK(count == rounds * ROWS);
}

/* In the store's thread: what was committed is there, all of it. `context`: rounds before. */
static void look(void *context, const struct kv *frozen, struct kv *store)
{
    unsigned *looks = context;
    CHECK(kv_overlay_count(frozen) == ROWS);
    for (unsigned before = 0; before <= *looks; before += 5)
        read_rows(store, before);
    read_rows(store, *looks);
    ++*looks;
}

/* Rounds of: freeze, commit in the background, go on reading and writing above. */
static void commit_rounds(struct store *store, struct store_thread *thread)
{
    struct kv *frozen = kv_overlay_new(store_kv(store));
    struct kv *applied = kv_overlay_new(frozen);
    unsigned looks = 0;

    for (unsigned round = 0; round < ROUNDS; round++) {
        write_rows(applied, round);
        struct kv *swap = applied;
        applied = frozen;
        frozen = swap;
        kv_overlay_set_below(frozen, store_kv(store));
        kv_overlay_set_below(applied, frozen);
        store_thread_commit(thread, frozen, look, &looks);
        for (unsigned before = 0; before <= round; before += 7)
            read_rows(applied, before);
        read_rows(applied, round);
        walk_rows(applied, round + 1);
        wait_for_end(thread, RSM_OK);
        CHECK(looks == round + 1);
        kv_overlay_clear(frozen);
        CHECK(store_refresh(store) == RSM_OK);
        read_rows(store_kv(store), round);
    }
    kv_free(applied);
    kv_free(frozen);
}

int main(void)
{
    struct temp_dir dir;
    struct store *store = NULL;
    struct store_thread *thread = NULL;
    const struct store_identity identity = {.replica = 1};
    const struct store_options options = {.map_size = 64 << 20};

    temp_dir_make(&dir);
    CHECK(store_open(dir.path, &identity, &options, &store) == RSM_OK);
    CHECK(store_thread_start(store, &thread) == RSM_OK);
    store_thread_stop(thread); /* one that was never used */
    CHECK(store_thread_start(store, &thread) == RSM_OK);
    commit_rounds(store, thread);

    /* Stopped in the middle of a commit: it ends first. */
    struct kv *last = kv_overlay_new(store_kv(store));
    write_rows(last, ROUNDS);
    store_thread_commit(thread, last, NULL, NULL);
    store_thread_stop(thread);
    CHECK(store_refresh(store) == RSM_OK);
    read_rows(store_kv(store), ROUNDS);
    kv_free(last);
    store_close(store);
    temp_dir_remove(&dir);
    printf("%u passed, 0 failed\n", ROUNDS + 2);
    return 0;
}
