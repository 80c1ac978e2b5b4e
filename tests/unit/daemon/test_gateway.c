/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_gateway.c - the author inside the daemon, over a state machine of its own: what its clients
 * are told when all goes well, when a verdict is a refusal, is late, or never comes.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rsm/update.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/command/body.h"
#include "src/daemon/gateway_internal.h"
#include "src/rr/data.h"
#include "tests/lib/machine_world.h"

#define ZONE "example."
#define WAITERS 9000

static const uint8_t cluster[CLUSTER_ID_SIZE] = {7};
static struct world *w;
static struct rsm_key *key;
static struct gateway *g;
static uint64_t now_ms;
static bool is_silent;    /* `submit` keeps what it is given */
static struct blob *kept; /* the last envelope */
static uint32_t submit_count;
static uint64_t fail_at; /* the so-many-th allocation from `take` on fails; 0: none */
static struct update_reply replies[WAITERS];
static uint32_t told[WAITERS];

static struct kv *state(void *context)
{
    (void)context;
    return w->kv;
}

static void answer_ok(struct blob *envelope)
{
    (void)world_apply(w, envelope);
    struct node_outcome outcome = {
        .status = RSM_OK, .slot = w->slot, .verdicts = verdicts_bytes(&w->last)};
    gateway_on_submitted(g, &outcome);
}

static void answer_status(enum rsm_status status)
{
    struct node_outcome outcome = {.status = status, .text = "because"};
    gateway_on_submitted(g, &outcome);
}

static void submit(void *context, struct blob *envelope)
{
    (void)context;
    submit_count++;
    blob_unref(kept);
    kept = blob_ref(envelope);
    if (!is_silent)
        answer_ok(envelope);
}

static void done(void *context, uint64_t waiter, const struct update_reply *reply)
{
    (void)context;
    replies[waiter] = *reply;
    told[waiter]++;
}

static void make_gateway_principal(void)
{
    struct rsm_bytes public = {rsm_key_public(key), RSM_PUBLIC_KEY_SIZE};
    struct rsm_buffer body;
    cr_assert(rsm_body_principal_set(text_bytes("gate"), RSM_PRINCIPAL_GATEWAY, text_bytes(""),
                                     rsm_text(""), &public, 1, NULL, 0, NULL, &body) == RSM_OK);
    actor_see_all(&w->actors[0]);
    cr_assert(actor_do(&w->actors[0], RSM_KIND_PRINCIPAL_SET, body), "%s", world_words(w));
}

static void set_up(void)
{
    cr_assert(rsm_crypto_init() == RSM_OK);
    w = world_new();
    cr_assert(rsm_key_generate("gate", &key) == RSM_OK);
    make_gateway_principal();
    cr_assert(actor_do(&w->actors[0], RSM_KIND_ZONE_CREATE, body_zone(ZONE, 10, NULL, 0)));
    world_role(w, "dyn", "rrset.update", ZONE);
    (void)world_principal(w, "acme", RSM_PRINCIPAL_AUTOMATON, "dyn");
    struct gateway_config config = {
        .key = key, .cluster_id = cluster, .state = state, .submit = submit, .done = done};
    g = gateway_new(&config);
    now_ms = 1000;
}

static void tear_down(void)
{
    gateway_free(g);
    blob_unref(kept);
    rsm_key_free(key);
    world_free(w);
}

TestSuite(gateway, .init = set_up, .fini = tear_down);

/* "owner gets 192.0.2.n, if it has nothing". Messages with the same number are the same message. */
static void take(uint64_t waiter, uint32_t message, const char *owner, uint8_t n)
{
    struct rsm_record need = {
        .owner = wire(owner), .record_class = RSM_CLASS_NONE, .type = BODY_TYPE_ANY};
    struct rsm_record add = {.owner = wire(owner),
                             .record_class = RSM_CLASS_IN,
                             .type = RR_TYPE_A,
                             .ttl = 60,
                             .rdata = address(n)};
    struct gateway_request request = {.waiter = waiter, .reason = "test", .zone = wire_bytes(ZONE)};
    put_u32(request.identity, message);
    struct rsm_update update = {.principal = text_bytes("acme"),
                                .request = {request.identity, HASH_SIZE},
                                .zone = wire(ZONE),
                                .prerequisites = &need,
                                .prerequisite_count = 1,
                                .updates = &add,
                                .update_count = 1};
    struct rsm_buffer body;
    cr_assert(rsm_body_rrset_update(&update, &body) == RSM_OK);
    request.body = rsm_buffer_bytes(&body);
    mem_fail_after(fail_at);
    gateway_take(g, &request, now_ms);
    rsm_buffer_free(&body);
}

/* Turns until nothing waits; time passes where the gateway wants a pause. */
static void run(void)
{
    for (uint32_t i = 0; i < 1000 && gateway_counters(g)->waiting > 0; i++) {
        gateway_turn(g, now_ms);
        now_ms += 10;
    }
    cr_assert_eq(gateway_counters(g)->waiting, 0);
}

Test(gateway, an_update_is_done_and_answered)
{
    take(1, 1, "a.example.", 5);
    cr_assert_eq(told[1], 0);
    run();
    cr_assert_eq(told[1], 1);
    cr_assert_eq(replies[1].rcode, RCODE_NOERROR, "%s", replies[1].text);
    cr_assert_eq(world_address(w, ZONE, "a.example.", QUERY_NOW), 5);
}

/* A client that heard nothing sends the same bytes again: one update, one answer for both. */
Test(gateway, a_message_that_comes_again)
{
    is_silent = true;
    take(1, 1, "a.example.", 5);
    gateway_turn(g, now_ms);
    take(2, 1, "a.example.", 5);
    answer_ok(kept);
    cr_assert(told[1] == 1 && told[2] == 1);
    take(3, 1, "a.example.", 5);
    cr_assert(told[3] == 1);
    for (size_t i = 1; i <= 3; i++)
        cr_assert_eq(replies[i].rcode, RCODE_NOERROR, "%zu: %s", i, replies[i].text);
    cr_assert_eq(submit_count, 1);
    is_silent = false;
    take(4, 2, "a.example.", 5);
    run();
    cr_assert_eq(replies[4].rcode, RCODE_YXDOMAIN, "another message with the same words");
    cr_assert(strncmp(replies[4].text, "prereq-yxdomain: a.example.", 27) == 0, "%s",
              replies[4].text);
}

/* Behind a refused one the counters have a gap: the others are signed again, none is lost. */
Test(gateway, refusals_inside_a_batch)
{
    enum { COUNT = 60 };
    char owner[32];
    for (uint32_t i = 0; i < COUNT; i++) {
        (void)snprintf(owner, sizeof owner, "n%u.example.", i / 3);
        take(i, i, owner, (uint8_t)i);
    }
    run();
    for (uint32_t i = 0; i < COUNT; i++) {
        cr_assert_eq(told[i], 1);
        cr_assert_eq(replies[i].rcode, i % 3 == 0 ? RCODE_NOERROR : RCODE_YXDOMAIN, "%u: %s", i,
                     replies[i].text);
    }
    cr_assert_eq(gateway_counters(g)->applied, COUNT / 3);
}

/* Without a verdict the same bytes go out again, and nobody is told that nothing was done. */
Test(gateway, an_unknown_outcome_stays_open)
{
    is_silent = true;
    take(1, 1, "a.example.", 5);
    gateway_turn(g, now_ms);
    struct blob *first = blob_ref(kept);
    answer_status(RSM_OUTCOME_UNKNOWN);
    for (uint32_t i = 0; i < 70; i++) {
        now_ms += 100;
        uint32_t before = submit_count;
        gateway_turn(g, now_ms);
        if (submit_count > before) {
            cr_assert(bytes_equal(blob_bytes(kept), blob_bytes(first)), "other bytes were signed");
            answer_status(i % 2 == 0 ? RSM_OUTCOME_UNKNOWN : RSM_NO_QUORUM);
        }
    }
    cr_assert_eq(told[1], 1);
    cr_assert_eq(replies[1].rcode, RCODE_SERVFAIL);
    cr_assert(strstr(replies[1].text, "may still be done") != NULL, "%s", replies[1].text);
    take(2, 1, "a.example.", 5);
    is_silent = false;
    run();
    cr_assert_eq(replies[2].rcode, RCODE_NOERROR, "%s", replies[2].text);
    cr_assert_eq(world_address(w, ZONE, "a.example.", QUERY_NOW), 5);
    blob_unref(first);
}

/* The first of two tries was chosen after all: the verdict that comes is the first one. */
Test(gateway, chosen_although_it_looked_lost)
{
    is_silent = true;
    take(1, 1, "a.example.", 5);
    gateway_turn(g, now_ms);
    (void)world_apply(w, kept);
    answer_status(RSM_OUTCOME_UNKNOWN);
    is_silent = false;
    now_ms += GATEWAY_PAUSE_MS;
    run();
    cr_assert_eq(replies[1].rcode, RCODE_NOERROR, "%s", replies[1].text);
}

Test(gateway, without_a_quorum)
{
    is_silent = true;
    take(1, 1, "a.example.", 5);
    for (uint32_t i = 0; i < 70; i++) {
        uint32_t before = submit_count;
        gateway_turn(g, now_ms);
        if (submit_count > before)
            answer_status(RSM_NO_QUORUM);
        now_ms += 100;
    }
    cr_assert_eq(told[1], 1);
    cr_assert_eq(replies[1].rcode, RCODE_SERVFAIL);
    cr_assert_eq(replies[1].ede, PACKET_EDE_NOT_READY);
    cr_assert(strstr(replies[1].text, "NO_QUORUM: because; the update was not done") != NULL, "%s",
              replies[1].text);
    cr_assert_eq(gateway_counters(g)->waiting, 0);
    is_silent = false;
    take(2, 1, "a.example.", 5);
    run();
    cr_assert_eq(replies[2].rcode, RCODE_NOERROR, "forgotten: it is a new one");
}

/* A replica that begins again, or is behind, learns its counter from the refusal. */
Test(gateway, a_counter_that_was_used)
{
    take(1, 1, "a.example.", 5);
    run();
    g->counter = 0;
    struct kv *newer = w->kv;
    struct world *old = world_empty_copy(w);
    is_silent = true;
    take(2, 2, "b.example.", 6);
    w->kv = old->kv;
    gateway_turn(g, now_ms); /* signs counter 1 */
    w->kv = newer;
    answer_ok(kept);
    cr_assert_eq(told[2], 0);
    is_silent = false;
    run();
    cr_assert_eq(replies[2].rcode, RCODE_NOERROR, "%s", replies[2].text);
    world_free(old);
}

Test(gateway, a_principal_that_nobody_made)
{
    is_silent = true;
    take(1, 1, "a.example.", 5);
    gateway_turn(g, now_ms);
    answer_status(RSM_UNKNOWN_PRINCIPAL);
    cr_assert_eq(replies[1].rcode, RCODE_SERVFAIL);
    cr_assert(strstr(replies[1].text, "UNKNOWN_PRINCIPAL") != NULL, "%s", replies[1].text);
}

Test(gateway, limits)
{
    is_silent = true;
    for (uint32_t i = 0; i <= GATEWAY_WAITERS_MAX; i++)
        take(i, 1, "a.example.", 5);
    cr_assert_eq(replies[GATEWAY_WAITERS_MAX].rcode, RCODE_SERVFAIL);
    cr_assert_eq(told[0], 0);
    for (uint32_t i = 2; i <= GATEWAY_REQUESTS_MAX; i++)
        take(100 + i % 500, i, "b.example.", 5);
    cr_assert_eq(told[101], 0);
    take(99, GATEWAY_REQUESTS_MAX + 1, "c.example.", 5);
    cr_assert_eq(replies[99].rcode, RCODE_SERVFAIL);
    cr_assert(strstr(replies[99].text, "too many") != NULL);
}

enum { CHILD_GOOD = 0, CHILD_WRONG = 1, CHILD_BEYOND = 2 };

/* What a client is told when the n-th allocation fails is so, and the next update is done. */
static int update_without_memory(uint64_t n)
{
    uint64_t before = mem_total_count();
    fail_at = n;
    take(1, 1, "a.example.", 5);
    for (uint32_t i = 0; i < 1000 && gateway_counters(g)->waiting > 0; i++) {
        gateway_turn(g, now_ms);
        now_ms += 10;
    }
    bool is_beyond = mem_total_count() - before + 1 < n;
    fail_at = 0;
    mem_fail_after(0);
    bool is_done = world_address(w, ZONE, "a.example.", QUERY_NOW) == 5;
    if (told[1] != 1 || (replies[1].rcode == RCODE_NOERROR) != is_done)
        return CHILD_WRONG;
    take(2, 2, "b.example.", 6);
    for (uint32_t i = 0; i < 1000 && gateway_counters(g)->waiting > 0; i++) {
        gateway_turn(g, now_ms);
        now_ms += 10;
    }
    if (told[2] != 1 || replies[2].rcode != RCODE_NOERROR)
        return CHILD_WRONG;
    return is_beyond ? CHILD_BEYOND : CHILD_GOOD;
}

/* Each allocation from an update's arrival to its answer fails once: SERVFAIL, or the process ends
 * as it does without memory; never a wrong answer. */
Test(gateway, the_nth_allocation_fails)
{
    uint32_t refused = 0, ended = 0;
    uint64_t n = 1;
    for (int code = CHILD_GOOD; code != CHILD_BEYOND; n++) {
        int status;
        cr_assert_lt(n, 100000);
        fflush(NULL);
        pid_t child = fork();
        cr_assert_geq(child, 0);
        if (child == 0) {
            close(STDERR_FILENO);
            _exit(update_without_memory(n));
        }
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_assert(WIFEXITED(status), "allocation %lu: status %x", (unsigned long)n,
                  (unsigned)status);
        code = WEXITSTATUS(status);
        cr_assert_neq(code, CHILD_WRONG, "allocation %lu", (unsigned long)n);
        refused += code == CHILD_GOOD;
        ended += code == MEM_EXIT_STATUS;
    }
    cr_assert_gt(refused, 1, "the request and its body are refused for want of memory");
    cr_assert_gt(ended, 0);
}
