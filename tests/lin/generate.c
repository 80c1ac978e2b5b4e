/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * generate.c - each client calls, is executed at one moment, is answered, and calls again. All in
 * virtual time; moments of different clients interleave, executions define the truth.
 */
#include "tests/lin/generate.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/base/prng.h"

#define CLIENTS_MAX 32u
#define KEYS_MAX 16u
#define SLOTS_MAX 8192u

enum phase {
    PHASE_IDLE = 1,
    PHASE_CALLED,
    PHASE_EXECUTED,
};

struct client {
    enum phase phase;
    uint64_t at; /* of the next moment */
    uint64_t op;
    uint32_t key;
    enum lin_kind kind;
    char value[32], expect[KEYS_MAX][32]; /* what it has seen of each key */
    char answer[96];
    bool is_lost;
};

struct truth {
    char value[32];
    uint64_t slot;
};

struct world {
    struct lin_history *h;
    const struct lin_mix *mix;
    struct prng prng;
    struct client clients[CLIENTS_MAX];
    struct truth keys[KEYS_MAX][SLOTS_MAX]; /* the value as of each slot */
    uint64_t slot, ops, values;
};

static void say(struct world *w, const char *line)
{
    char error[256];
    CHECK(lin_history_line(w->h, line, error));
}

static void call(struct world *w, unsigned number)
{
    struct client *c = &w->clients[number];
    char line[256];
    c->op = ++w->ops;
    c->key = (uint32_t)prng_below(&w->prng, w->mix->keys);
    uint64_t dice = prng_below(&w->prng, 100);
    c->kind = dice < 35 ? LIN_READ : dice < 50 ? LIN_STALE : LIN_CHANGE;
    int used =
        snprintf(line, sizeof line, "call %" PRIu64 " %u %" PRIu64 " %s k%u", c->op, number, c->at,
                 c->kind == LIN_READ    ? "read"
                 : c->kind == LIN_STALE ? "stale"
                                        : "change",
                 c->key);
    if (c->kind == LIN_CHANGE) {
        (void)snprintf(c->value, sizeof c->value, "%sa%u.%" PRIu64,
                       prng_chance(&w->prng, 100000) ? "~" : "", number, ++w->values);
        (void)snprintf(line + used, sizeof line - (size_t)used, " %s %s", c->value,
                       c->expect[c->key]);
    }
    say(w, line);
    c->is_lost = prng_chance(&w->prng, w->mix->unknown_ppm);
    c->phase = PHASE_CALLED;
    c->at += prng_range(&w->prng, 1, 200);
}

static const char *owner_of(const char *value)
{
    return value + (*value == '~');
}

static bool same_owner(const char *a, const char *b)
{
    size_t size = strcspn(owner_of(a), ".");
    return size == strcspn(owner_of(b), ".") && memcmp(owner_of(a), owner_of(b), size) == 0;
}

static void execute_change(struct world *w, struct client *c)
{
    const char *now = w->keys[c->key][w->slot].value;
    const char *outcome = "applied";
    if (strcmp(now, "-") != 0 && strcmp(now, c->expect[c->key]) != 0 && !same_owner(now, c->value))
        outcome = "conflict";
    else if (c->value[0] == '~' && (now[0] == '-' || now[0] == '~'))
        outcome = "absent";
    w->slot++;
    CHECK(w->slot < SLOTS_MAX);
    for (unsigned key = 0; key < w->mix->keys; key++)
        w->keys[key][w->slot] = w->keys[key][w->slot - 1];
    if (outcome[1] == 'p') {
        struct truth *truth = &w->keys[c->key][w->slot];
        memcpy(truth->value, c->value, sizeof truth->value);
        truth->slot = w->slot;
    }
    (void)snprintf(c->answer, sizeof c->answer, "%s %" PRIu64, outcome, w->slot);
}

static void execute(struct world *w, struct client *c)
{
    bool happens = !c->is_lost || prng_chance(&w->prng, 500000);
    c->answer[0] = '\0';
    if (c->kind == LIN_CHANGE && happens) {
        execute_change(w, c);
    } else if (c->kind != LIN_CHANGE) {
        uint64_t slot = w->slot;
        if (c->kind == LIN_STALE)
            slot -= prng_below(&w->prng, slot < 20 ? slot + 1 : 20);
        const struct truth *truth = &w->keys[c->key][slot];
        (void)snprintf(c->answer, sizeof c->answer, "read %s %" PRIu64 " %" PRIu64, truth->value,
                       slot, truth->slot);
        memcpy(c->expect[c->key], truth->value, sizeof truth->value);
    }
    c->phase = PHASE_EXECUTED;
    c->at += prng_range(&w->prng, 1, 200);
}

static void give_answer(struct world *w, struct client *c)
{
    char line[256];
    if (!c->is_lost) {
        (void)snprintf(line, sizeof line, "done %" PRIu64 " %" PRIu64 " %s", c->op, c->at,
                       c->answer);
        say(w, line);
    }
    c->phase = PHASE_IDLE;
    c->at += prng_range(&w->prng, 1, 100);
}

static struct client *next_client(struct world *w)
{
    struct client *next = NULL;
    for (unsigned i = 0; i < w->mix->clients; i++) {
        struct client *c = &w->clients[i];
        bool is_over = c->phase == PHASE_IDLE && w->ops >= w->mix->operations;
        if (!is_over && (next == NULL || c->at < next->at))
            next = c;
    }
    return next;
}

void lin_generate(struct lin_history *h, const struct lin_mix *mix)
{
    struct world *w = mem_alloc(sizeof *w);
    struct client *c;
    CHECK(mix->clients <= CLIENTS_MAX && mix->keys <= KEYS_MAX && mix->operations < SLOTS_MAX);
    w->h = h;
    w->mix = mix;
    prng_init(&w->prng, mix->seed);
    for (unsigned i = 0; i < mix->clients; i++) {
        w->clients[i].phase = PHASE_IDLE;
        w->clients[i].at = prng_range(&w->prng, 1, 50);
        for (unsigned key = 0; key < mix->keys; key++)
            memcpy(w->clients[i].expect[key], "-", 2);
    }
    for (unsigned key = 0; key < mix->keys; key++)
        memcpy(w->keys[key][0].value, "-", 2);
    while ((c = next_client(w)) != NULL) {
        switch (c->phase) {
        case PHASE_IDLE:
            call(w, (unsigned)(c - w->clients));
            break;
        case PHASE_CALLED:
            execute(w, c);
            break;
        case PHASE_EXECUTED:
            give_answer(w, c);
            break;
        }
    }
    mem_free(w);
}
