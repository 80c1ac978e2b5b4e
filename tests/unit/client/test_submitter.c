/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_submitter.c - callers that share an author, against a server that keeps the author's line as
 * a replica does: the next counter is applied, any other is refused as a gap, and a command whose
 * reason is "refuse" is refused for what it is.
 */
#include <criterion/criterion.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <rsm/body.h>
#include <rsm/submitter.h>

#include "src/base/check.h"
#include "src/command/envelope.h"
#include "src/command/keyfile.h"
#include "src/command/public.h"
#include "tests/lib/fake_server.h"

static const uint8_t CLUSTER[RSM_CLUSTER_ID_SIZE] = {7};

struct line {
    uint64_t counter;  /* the last one that was applied */
    uint32_t settled;  /* commands with a verdict that is not for their counter alone */
    uint32_t expected; /* then the script ends */
    uint32_t bundles;
    uint32_t gaps;
    uint32_t largest;
    bool is_seen_wrong; /* a command names an author that its caller had not seen */
};

static struct rsm_key *make_key(void)
{
    uint8_t seed[KEYFILE_SEED_SIZE] = {1};
    struct rsm_key *key;
    CHECK(rsm_crypto_init() == RSM_OK);
    CHECK(key_from_seed("alice", seed, &key) == RSM_OK);
    return key;
}

/* ---- the server ---- */

static void greet(struct fake *fake, uint64_t counter)
{
    struct writer w;
    struct fake_request hello = fake_expect(fake, "hello");
    writer_init(&w, 4096);
    pack_map(&w, 1);
    pack_text(&w, "cluster_id");
    pack_bin(&w, bytes_make(CLUSTER, sizeof CLUSTER));
    fake_answer(fake, hello.msgid, writer_result(&w));
    struct fake_request clock = fake_expect(fake, "clock");
    writer_reset(&w);
    pack_map(&w, 3);
    pack_text(&w, "counter");
    pack_uint(&w, counter);
    pack_text(&w, "lamport");
    pack_uint(&w, 5);
    pack_text(&w, "slot");
    pack_uint(&w, 9);
    fake_answer(fake, clock.msgid, writer_result(&w));
    writer_deinit(&w);
}

static void pack_verdict(struct writer *w, const struct command *c, const char *rule)
{
    pack_map(w, rule == NULL ? 3 : 4);
    pack_text(w, "author");
    pack_str(w, c->author);
    pack_text(w, "counter");
    pack_uint(w, c->counter);
    pack_text(w, "verdict");
    pack_text(w, rule == NULL ? "applied" : "refused");
    if (rule == NULL)
        return;
    pack_text(w, "rules");
    pack_array(w, 1);
    pack_map(w, 2);
    pack_text(w, "rule");
    pack_text(w, rule);
    pack_text(w, "evidence");
    pack_text(w, "because");
}

static const char *judge(struct line *line, const struct command *c)
{
    if (c->counter != line->counter + 1) {
        line->gaps++;
        return "counter-gap";
    }
    line->settled++;
    if (bytes_equal(c->reason, bytes_of_string("refuse")))
        return "stale";
    line->counter++;
    return NULL;
}

static void answer_bundle(struct fake *fake, struct line *line, const struct fake_request *request)
{
    struct writer w;
    struct envelope envelope;
    struct command command;
    struct unpack params = unpack_make(request->params);
    (void)unpack_array(&params);
    struct bytes raw = unpack_octets(&params, LIMIT_ENVELOPE_SIZE);
    CHECK(envelope_parse(raw, &envelope) == RSM_OK);
    CHECK(envelope_verify(&envelope, CLUSTER) == RSM_OK);
    line->bundles++;
    line->largest = envelope.command_count > line->largest ? envelope.command_count : line->largest;
    writer_init(&w, 1u << 20);
    pack_map(&w, 2);
    pack_text(&w, "slot");
    pack_uint(&w, 100 + line->bundles);
    pack_text(&w, "verdicts");
    pack_array(&w, envelope.command_count);
    struct envelope_walk walk = envelope_commands(&envelope);
    while (envelope_next(&walk, &command)) {
        /* bob was seen by those who say so, and by nobody else. */
        bool says_seen = bytes_equal(command.reason, bytes_of_string("seen bob"));
        line->is_seen_wrong |= says_seen != (command.clock_count == 1);
        pack_verdict(&w, &command, judge(line, &command));
    }
    fake_answer(fake, request->msgid, writer_result(&w));
    writer_deinit(&w);
}

static void serve(struct fake *fake)
{
    struct line *line = fake->context;
    fake_accept(fake);
    greet(fake, line->counter);
    while (line->settled < line->expected) {
        struct fake_request request = fake_expect(fake, "submit");
        answer_bundle(fake, line, &request);
    }
    fake_expect_end(fake);
}

/* ---- the callers ---- */

struct shared {
    struct rsm_submitter *submitter;
    atomic_uint applied, refused, other;
};

static struct rsm_request make_request(struct rsm_buffer *body, const char *reason)
{
    CHECK(rsm_body_freeze_clear(rsm_text("f"), body) == RSM_OK);
    return (struct rsm_request){RSM_KIND_FREEZE_CLEAR, rsm_buffer_bytes(body), reason, {{NULL, 0}}};
}

#define CALLERS 16u
#define CHANGES 60u

static void *call_often(void *context)
{
    struct shared *shared = context;
    struct writer seen;
    writer_init(&seen, 256);
    pack_map(&seen, 3);
    pack_text(&seen, "author");
    pack_text(&seen, "bob");
    pack_text(&seen, "counter");
    pack_uint(&seen, 3);
    pack_text(&seen, "lamport");
    pack_uint(&seen, 4);
    for (unsigned i = 0; i < CHANGES; i++) {
        struct rsm_buffer body, rules;
        uint64_t slot = 0;
        struct rsm_request request = make_request(&body, i % 7 == 6   ? "refuse"
                                                         : i % 2 == 0 ? "seen bob"
                                                                      : NULL);
        if (i % 7 != 6 && i % 2 == 0)
            request.seen = rsm_value_of(bytes_to_public(writer_result(&seen)));
        enum rsm_status status = rsm_submitter_submit(shared->submitter, &request, &slot, &rules);
        if (status == RSM_OK && slot > 100)
            shared->applied++;
        else if (status == RSM_REFUSED && rules.size > 0)
            shared->refused++;
        else
            shared->other++;
        rsm_buffer_free(&rules);
        rsm_buffer_free(&body);
    }
    writer_deinit(&seen);
    return NULL;
}

/* Each change has its one verdict; who stood behind a refused one is not refused for it. */
Test(submitter, callers_share_bundles_and_not_refusals)
{
    struct rsm_key *key = make_key();
    struct line line = {.counter = 41, .expected = CALLERS * CHANGES};
    struct shared shared = {.submitter = NULL};
    struct rsm_submitter_counters counters;
    pthread_t threads[CALLERS];
    static struct fake fake;
    fake_start(&fake, NULL, serve, &line);
    cr_assert_eq(rsm_submitter_new(fake.endpoint, key, NULL, &shared.submitter), RSM_OK);
    for (unsigned i = 0; i < CALLERS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, call_often, &shared), 0);
    for (unsigned i = 0; i < CALLERS; i++)
        pthread_join(threads[i], NULL);
    rsm_submitter_count(shared.submitter, &counters);
    rsm_submitter_free(shared.submitter);
    fake_stop(&fake);
    unsigned refused = CALLERS * (CHANGES / 7);
    cr_assert_eq(shared.refused, refused);
    cr_assert_eq(shared.applied, CALLERS * CHANGES - refused);
    cr_assert_eq(shared.other, 0);
    cr_assert_eq(line.counter, 41 + shared.applied);
    cr_assert_eq(counters.changes, CALLERS * CHANGES);
    cr_assert_eq(counters.bundles, line.bundles);
    cr_assert_eq(counters.again, line.gaps);
    cr_assert_gt(line.largest, 1, "callers that wait together travel together");
    cr_assert_not(line.is_seen_wrong, "what a change has seen is its own");
    rsm_key_free(key);
}

struct noted {
    uint32_t count;
    enum rsm_status status[8];
    uint64_t counter[8];
};

static void on_noted(void *context, const struct rsm_answer *answer)
{
    struct noted *noted = context;
    noted->counter[noted->count] = answer->id.counter;
    noted->status[noted->count++] = answer->status;
}

static void ask_again(struct fake *fake)
{
    struct line *line = fake->context;
    fake_accept(fake);
    greet(fake, line->counter);
    (void)fake_expect(fake, "submit"); /* no answer: it was applied, and nobody is told */
    struct fake_request request = fake_expect(fake, "clock");
    struct writer w;
    writer_init(&w, 256);
    pack_map(&w, 1);
    pack_text(&w, "counter");
    pack_uint(&w, ++line->counter);
    fake_answer(fake, request.msgid, writer_result(&w));
    writer_deinit(&w);
    request = fake_expect(fake, "submit");
    answer_bundle(fake, line, &request);
    fake_expect_end(fake);
}

/* Without a verdict the counter is in doubt: the cluster is asked before anything else is signed.
 */
Test(submitter, an_outcome_that_nobody_knows)
{
    struct rsm_key *key = make_key();
    struct line line = {.counter = 10};
    struct rsm_submitter_options options = {.timeout_ms = 300};
    struct rsm_submitter *s;
    struct rsm_buffer body;
    static struct fake fake;
    fake_start(&fake, NULL, ask_again, &line);
    cr_assert_eq(rsm_submitter_new(fake.endpoint, key, &options, &s), RSM_OK);
    struct rsm_request request = make_request(&body, NULL);
    cr_assert_eq(rsm_submitter_submit(s, &request, NULL, NULL), RSM_OUTCOME_UNKNOWN);
    cr_assert_eq(rsm_submitter_submit(s, &request, NULL, NULL), RSM_OK);
    cr_assert_eq(line.counter, 12);
    rsm_submitter_free(s);
    fake_stop(&fake);
    rsm_buffer_free(&body);
    rsm_key_free(key);
}

static void take_and_wait(struct fake *fake)
{
    fake_accept(fake);
    greet(fake, 0);
    (void)fake_expect(fake, "submit");
    cr_assert_eq(write(*(int *)fake->context, "!", 1), 1);
    fake_expect_end(fake);
}

/* Freed with changes open: what was sent is unknown, and each is told once. */
Test(submitter, freed_while_changes_are_open)
{
    struct rsm_key *key = make_key();
    struct rsm_submitter_options options = {.in_flight_max = 1, .bundle_max = 2};
    struct rsm_submitter *s;
    struct rsm_buffer body;
    struct noted noted = {.count = 0};
    static struct fake fake;
    int ends[2];
    char sent;
    cr_assert_eq(pipe(ends), 0);
    fake_start(&fake, NULL, take_and_wait, &ends[1]);
    cr_assert_eq(rsm_submitter_new(fake.endpoint, key, &options, &s), RSM_OK);
    struct rsm_request request = make_request(&body, NULL);
    for (int i = 0; i < 6; i++)
        cr_assert_eq(rsm_submitter_start(s, &request, on_noted, &noted), RSM_OK);
    cr_assert_eq(read(ends[0], &sent, 1), 1);
    rsm_submitter_free(s);
    fake_stop(&fake);
    cr_assert_eq(noted.count, 6);
    cr_assert_eq(noted.status[0], RSM_OUTCOME_UNKNOWN, "it was sent");
    for (int i = 1; i < 6; i++)
        cr_assert(noted.status[i] == RSM_OUTCOME_UNKNOWN || noted.status[i] == RSM_CLOSED);
    cr_assert_eq(noted.status[5], RSM_CLOSED, "it was never sent");
    close(ends[0]);
    close(ends[1]);
    rsm_buffer_free(&body);
    rsm_key_free(key);
}

Test(submitter, what_cannot_be_submitted)
{
    struct rsm_key *key = make_key();
    struct rsm_submitter *s;
    struct line line = {.counter = 0, .expected = 1};
    static struct fake fake;
    static const struct rsm_submitter_options wrong[] = {{.bundle_max = 1025},
                                                         {.in_flight_max = 65}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_assert_eq(rsm_submitter_new("127.0.0.1:1", key, &wrong[i], &s), RSM_USAGE);
    cr_assert_eq(rsm_submitter_new("nowhere", key, NULL, &s), RSM_USAGE);
    fake_start(&fake, NULL, serve, &line);
    cr_assert_eq(rsm_submitter_new(fake.endpoint, key, NULL, &s), RSM_OK);
    struct rsm_request bad = {RSM_KIND_FREEZE_CLEAR, rsm_text("no body"), NULL, {{NULL, 0}}};
    cr_assert_eq(rsm_submitter_submit(s, &bad, NULL, NULL), RSM_MALFORMED);
    struct rsm_buffer body;
    struct rsm_request good = make_request(&body, NULL);
    cr_assert_eq(rsm_submitter_submit(s, &good, NULL, NULL), RSM_OK, "no counter was taken by it");
    rsm_submitter_free(s);
    fake_stop(&fake);
    rsm_buffer_free(&body);
    rsm_key_free(key);
}
