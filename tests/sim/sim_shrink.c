/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim_shrink.c - a failing seed with fewer faults. The plan is cut by delta debugging: halves are
 * left out, then quarters, down to single faults, as long as the run still fails in the same way
 * (the same invariant). A quiet network is tried first.
 *
 * Without a fault all else goes another way from there on; so each cut is tried with a few other
 * chances as well (--salt), and what is found is a small failing run, not the smallest.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/mem.h"
#include "tests/sim/sim.h"

#define RUNS_MAX 3000u
#define SALTS 8u

struct shrink {
    sim_mode *mode;
    struct sim_request request;
    struct sim_report *report;
    char wanted[24]; /* how it fails: the words up to the first colon or space */
    bool *skip;      /* owned */
    size_t count;
    unsigned runs;
};

/* Behind "at N us: ", up to the next colon: "I1", "reference, event 7", "L", or words. */
static void kind_of_failure(const char *failure, char kind_out[24])
{
    const char *words = strstr(failure, "us: ");
    words = words == NULL ? failure : words + 4;
    size_t size = strcspn(words, ":,0123456789");
    if (words[0] == 'I' && size == 1)
        size = strcspn(words, ":");
    snprintf(kind_out, 24, "%.*s", (int)(size < 23 ? size : 23), words);
}

static bool fails_with(struct shrink *s, uint64_t salt)
{
    struct sim_result result = {0};
    char kind[24];
    s->runs++;
    s->request.salt = salt;
    s->request.cut.skip = s->skip;
    s->request.cut.skip_count = s->count;
    if (s->mode(&s->request, s->report, &result))
        return false;
    kind_of_failure(result.failure, kind);
    return strcmp(kind, s->wanted) == 0;
}

/* With the chance that failed last, or another one. */
static bool still_fails(struct shrink *s)
{
    uint64_t before = s->request.salt;
    if (fails_with(s, before))
        return true;
    for (uint64_t salt = 0; salt < SALTS; salt++) {
        if (salt != before && fails_with(s, salt))
            return true;
    }
    s->request.salt = before;
    return false;
}

/* Leaves out what is left in [first, end); undone when the run then passes. True: something went.
 */
static bool try_without(struct shrink *s, size_t first, size_t end)
{
    bool *before = mem_copy(s->skip, s->count * sizeof(bool));
    bool any = false;
    for (size_t i = first; i < end && i < s->count; i++) {
        any = any || !s->skip[i];
        s->skip[i] = true;
    }
    bool gone = any && still_fails(s);
    if (!gone)
        memcpy(s->skip, before, s->count * sizeof(bool));
    mem_free(before);
    return gone;
}

static void cut_down(struct shrink *s)
{
    for (size_t chunk = (s->count + 1) / 2; chunk > 0 && s->runs < RUNS_MAX;) {
        bool any = false;
        for (size_t first = 0; first < s->count && s->runs < RUNS_MAX; first += chunk)
            any = try_without(s, first, first + chunk) || any;
        if (chunk == 1 && !any)
            break;
        chunk = chunk == 1 ? 1 : (chunk + 1) / 2;
    }
}

static void print_rest(struct shrink *s, const char *mode_name)
{
    struct sim_result result = {0};
    const char *comma = "";
    s->request.list_faults = true;
    (void)s->mode(&s->request, s->report, &result);
    printf("seed %" PRIu64 " fails with these faults after %u runs: %s\n", s->request.seed, s->runs,
           result.failure);
    printf("repeat with: build/release/sim --mode %s --seed %" PRIu64 " --salt %" PRIu64
           "%s --trace --faults ",
           mode_name, s->request.seed, s->request.salt,
           s->request.cut.calm_network ? " --calm" : "");
    for (size_t i = 0; i < s->count; i++) {
        if (s->skip[i])
            continue;
        printf("%s%zu", comma, i);
        comma = ",";
    }
    printf("%s\n", comma[0] == '\0' ? "none" : "");
}

bool sim_shrink(sim_mode *mode, const char *mode_name, uint64_t seed, struct sim_report *report)
{
    struct shrink s = {.mode = mode, .request = {.seed = seed}, .report = report};
    struct sim_result result = {0};
    if (mode(&s.request, report, &result)) {
        printf("seed %" PRIu64 " passes\n", seed);
        return false;
    }
    kind_of_failure(result.failure, s.wanted);
    printf("seed %" PRIu64 ", %zu faults: %s\n", seed, result.fault_count, result.failure);
    s.count = result.fault_count;
    s.skip = mem_alloc(s.count * sizeof(bool) + 1);
    s.request.cut.calm_network = true;
    s.request.cut.calm_network = still_fails(&s);
    cut_down(&s);
    print_rest(&s, mode_name);
    mem_free(s.skip);
    return true;
}
