/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_lin.c - tests of the checker: planted anomalies are found by the check that has to, legal
 * histories pass, both agree with trying every order, and what is no history is refused.
 */
#include <inttypes.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/base/prng.h"
#include "tests/lin/anomalies.h"
#include "tests/lin/generate.h"

#define STATES_MAX 5000000u

static unsigned passed, failed;

static void expect(bool good, const char *what, const char *name)
{
    passed += good;
    failed += !good;
    if (!good)
        printf("FAILED %s: %s\n", what, name);
}

static bool read_text(struct lin_history *h, const char *text)
{
    char error[256] = "";
    char *copy = mem_copy_string(text), *rest = copy, *line;
    bool good = true;
    lin_history_init(h);
    while (good && (line = strsep(&rest, "\n")) != NULL)
        good = lin_history_line(h, line, error);
    if (!good)
        printf("%s\n", error);
    mem_free(copy);
    return good;
}

static void planted(void)
{
    for (size_t i = 0; i < sizeof anomalies / sizeof anomalies[0]; i++) {
        const struct anomaly *a = &anomalies[i];
        struct lin_history h;
        expect(read_text(&h, a->text), "not read", a->name);
        bool by_order = lin_blackbox(&h, STATES_MAX, NULL) == LIN_BAD;
        bool by_slots = lin_witness(&h, NULL) == LIN_BAD;
        expect(by_order == (strchr(a->by, 'b') != NULL), "black box", a->name);
        expect(by_slots == (strchr(a->by, 'w') != NULL), "witness", a->name);
        lin_history_deinit(&h);
    }
}

static struct lin_mix draw_mix(uint64_t seed)
{
    struct prng prng;
    prng_init(&prng, seed);
    return (struct lin_mix){.seed = seed,
                            .clients = 2 + (unsigned)prng_below(&prng, 9),
                            .keys = 1 + (unsigned)prng_below(&prng, 4),
                            .operations = 50 + (unsigned)prng_below(&prng, 250),
                            .unknown_ppm = (uint32_t)prng_below(&prng, 3) * 20000};
}

static void legal(void)
{
    unsigned good = 0;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        struct lin_history h;
        struct lin_mix mix = draw_mix(seed);
        lin_history_init(&h);
        lin_generate(&h, &mix);
        bool by_slots = lin_witness(&h, stdout) == LIN_GOOD;
        bool by_order = lin_blackbox(&h, STATES_MAX, stdout) == LIN_GOOD;
        good += by_slots && by_order;
        if (!by_slots || !by_order)
            printf("seed %" PRIu64 "\n", seed);
        lin_history_deinit(&h);
    }
    printf("note: %u of 1000 generated legal histories pass\n", good);
    expect(good == 1000, "a legal history", "generated");
}

/* A value that was overwritten before the read began: by an answered change that replaced it. */
static bool is_overwritten(const struct lin_history *h, const struct lin_op *read, uint32_t value)
{
    for (size_t i = 0; i < h->count; i++) {
        const struct lin_op *op = &h->ops[i];
        if (op->kind == LIN_CHANGE && op->outcome == LIN_APPLIED && op->key == read->key &&
            op->done_ns < read->call_ns && op->expect == value)
            return true;
    }
    return false;
}

/* Makes one read of the history stale. */
static bool plant_stale_read(struct lin_history *h, struct prng *prng)
{
    for (unsigned tries = 0; tries < 2000; tries++) {
        struct lin_op *read = &h->ops[prng_below(prng, h->count)];
        const struct lin_op *write = &h->ops[prng_below(prng, h->count)];
        if (read->kind != LIN_READ || read->outcome != LIN_VALUE || write->kind != LIN_CHANGE ||
            write->outcome != LIN_APPLIED || write->key != read->key ||
            write->value == read->value || !is_overwritten(h, read, write->value))
            continue;
        read->value = write->value;
        read->written = write->slot;
        return true;
    }
    return false;
}

static void stale_reads(void)
{
    unsigned planted_count = 0, by_order = 0, by_slots = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct lin_history h;
        struct prng prng;
        struct lin_mix mix = {
            .seed = seed, .clients = 5, .keys = 1, .operations = 200, .unknown_ppm = 10000};
        prng_init(&prng, seed);
        lin_history_init(&h);
        lin_generate(&h, &mix);
        if (plant_stale_read(&h, &prng)) {
            planted_count++;
            by_order += lin_blackbox(&h, STATES_MAX, NULL) == LIN_BAD;
            by_slots += lin_witness(&h, NULL) == LIN_BAD;
        }
        lin_history_deinit(&h);
    }
    printf(
        "note: %u stale reads planted in histories of 200 operations: black box %u, witness %u\n",
        planted_count, by_order, by_slots);
    expect(planted_count >= 200, "too few could be planted", "stale reads");
    expect(by_order == planted_count, "black box", "planted stale reads");
    expect(by_slots == planted_count, "witness", "planted stale reads");
}

/* ---- every order of a small history ---- */

static bool some_order(const struct lin_history *h, unsigned left, uint32_t state)
{
    bool is_over = true;
    for (size_t i = 0; i < h->count; i++)
        is_over = is_over && ((left >> i & 1) == 0 || h->ops[i].outcome == LIN_UNKNOWN);
    if (is_over)
        return true;
    for (size_t i = 0; i < h->count; i++) {
        const struct lin_op *op = &h->ops[i];
        uint32_t after;
        bool may_be_next = (left >> i & 1) != 0;
        for (size_t j = 0; j < h->count && may_be_next; j++)
            may_be_next = (left >> j & 1) == 0 || h->ops[j].done_ns >= op->call_ns;
        if (may_be_next && lin_step(h, op, state, &after) &&
            some_order(h, left & ~(1u << i), after))
            return true;
    }
    return false;
}

/* A small legal history, then one answer is changed: mostly wrong now, sometimes still right. */
static void every_order(void)
{
    unsigned wrong = 0, right = 0, disagree = 0;
    for (uint64_t seed = 1; seed <= 20000; seed++) {
        struct lin_history h;
        struct prng prng;
        struct lin_mix mix = {
            .seed = seed, .clients = 3, .keys = 1, .operations = 8, .unknown_ppm = 100000};
        prng_init(&prng, seed);
        lin_history_init(&h);
        lin_generate(&h, &mix);
        size_t kept = 0;
        for (size_t i = 0; i < h.count; i++)
            if (h.ops[i].kind == LIN_CHANGE ||
                (h.ops[i].kind == LIN_READ && h.ops[i].outcome == LIN_VALUE))
                h.ops[kept++] = h.ops[i];
        h.count = kept;
        struct lin_op *op = kept > 0 ? &h.ops[prng_below(&prng, kept)] : NULL;
        if (op != NULL && op->kind == LIN_READ)
            op->value = (uint32_t)prng_below(&prng, h.values.count);
        else if (op != NULL && op->outcome != LIN_UNKNOWN)
            op->outcome = prng_chance(&prng, 500000) ? LIN_APPLIED : LIN_CONFLICT;
        bool truth = some_order(&h, (1u << kept) - 1, LIN_NOTHING);
        right += truth;
        wrong += !truth;
        disagree += truth != (lin_blackbox(&h, STATES_MAX, NULL) == LIN_GOOD);
        lin_history_deinit(&h);
    }
    printf("note: every order of 20000 small histories: %u right, %u wrong\n", right, wrong);
    expect(wrong > 2000 && right > 2000, "too few of one sort", "every order");
    expect(disagree == 0, "black box", "every order");
}

/* A search that is cut off says so; it does not pass. */
static void limits(void)
{
    struct lin_history h;
    struct lin_mix mix = {.seed = 7, .clients = 10, .keys = 1, .operations = 500};
    lin_history_init(&h);
    lin_generate(&h, &mix);
    expect(lin_blackbox(&h, 100, NULL) == LIN_UNDECIDED, "not undecided", "100 states");
    expect(lin_blackbox(&h, STATES_MAX, NULL) == LIN_GOOD, "not good", "enough states");
    lin_history_deinit(&h);
}

static void bad_lines(void)
{
    static const char *const lines[] = {
        "hello",
        "call 1 1 x read k",
        "call 1 1 10 write k",
        "call 1 1 10 read",
        "call 1 1 10 read k more",
        "call 1 1 10 change k",
        "call 1 1 10 change k - -",
        "done 9 10 read a.1 1 1",
        "call 1 1 10 read k\ndone 1 20 applied 1",
        "call 1 1 10 read k\ndone 1 5 read a.1 1 1",
        "call 1 1 10 read k\ndone 1 20 read a.1 1",
        "call 1 1 10 change k a.1 -\ndone 1 20 applied 1\ndone 1 30 applied 1",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char error[256] = "", copy[256], *rest = copy, *line;
        struct lin_history h;
        bool good = true;
        lin_history_init(&h);
        (void)snprintf(copy, sizeof copy, "%s", lines[i]);
        while (good && (line = strsep(&rest, "\n")) != NULL)
            good = lin_history_line(&h, line, error);
        expect(!good && error[0] != '\0', "taken as a line of a history", lines[i]);
        lin_history_deinit(&h);
    }
}

int main(void)
{
    planted();
    legal();
    stale_reads();
    every_order();
    limits();
    bad_lines();
    printf("%u passed, %u failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
