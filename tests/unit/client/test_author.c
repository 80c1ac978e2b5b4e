/* SPDX-License-Identifier: Apache-2.0 */
/* test_author.c - an author's clocks, and that the public headers are C++ as well. */
#include <criterion/criterion.h>

#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rsm/author.h>
#include <rsm/body.h>

#include "src/base/check.h"
#include "src/command/envelope.h"
#include "src/command/keyfile.h"
#include "src/command/public.h"
#include "tests/lib/fake_server.h"

static const uint8_t CLUSTER[RSM_CLUSTER_ID_SIZE] = {7};

static struct rsm_key *make_key(void)
{
    uint8_t seed[KEYFILE_SEED_SIZE] = {1};
    struct rsm_key *key;
    CHECK(rsm_crypto_init() == RSM_OK);
    CHECK(key_from_seed("alice", seed, &key) == RSM_OK);
    return key;
}

static struct rsm_author *make_author(const struct rsm_key *key)
{
    struct rsm_author *author;
    CHECK(rsm_author_new(key, CLUSTER, &author) == RSM_OK);
    return author;
}

static struct rsm_event event(const char *author, uint64_t counter)
{
    return (struct rsm_event){rsm_text(author), counter};
}

/* The next command, parsed; its bytes in *buffer_out. */
static struct command next_command(struct rsm_author *author, struct rsm_buffer *buffer_out)
{
    struct rsm_buffer body;
    struct command c;
    CHECK(rsm_body_freeze_clear(rsm_text("f"), &body) == RSM_OK);
    CHECK(rsm_author_command(author, RSM_KIND_FREEZE_CLEAR, rsm_buffer_bytes(&body), "why", NULL, 0,
                             buffer_out) == RSM_OK);
    CHECK(command_parse(bytes_make(buffer_out->data, buffer_out->size), &c) == RSM_OK);
    rsm_buffer_free(&body);
    return c;
}

Test(author, clocks_grow_with_what_is_seen)
{
    struct rsm_key *key = make_key();
    struct rsm_author *author = make_author(key);
    struct rsm_buffer buffer;
    struct command c = next_command(author, &buffer);
    cr_assert(c.counter == 1 && c.lamport == 1 && c.clock_count == 0);
    rsm_buffer_free(&buffer);
    cr_assert(rsm_author_see(author, event("bob", 4), 50) == RSM_OK);
    cr_assert(rsm_author_see(author, event("bob", 3), 20) == RSM_OK, "older");
    cr_assert(rsm_author_see(author, event("alice", 9), 10) == RSM_OK, "own, from elsewhere");
    c = next_command(author, &buffer);
    cr_assert(c.counter == 10 && c.lamport == 51 && c.clock_count == 1);
    cr_assert(command_clock_of(&c, bytes_of_string("bob")) == 4);
    rsm_buffer_free(&buffer);
    rsm_author_forget(author);
    c = next_command(author, &buffer);
    cr_assert(c.counter == 11 && c.lamport == 52 && c.clock_count == 0);
    rsm_buffer_free(&buffer);
    cr_assert(rsm_author_see(author, event("bob", 4), UINT64_MAX) == RSM_TOO_LARGE,
              "a clock from the future poisons nothing");
    c = next_command(author, &buffer);
    cr_assert(c.lamport == 53);
    rsm_buffer_free(&buffer);
    rsm_author_free(author);
    rsm_key_free(key);
}

/* {"rrsets": [{"version": v(bob 3)}, {"version": v(carol 5)}], "note": {"author": "x"}} */
Test(author, sees_every_version_in_a_result)
{
    struct rsm_key *key = make_key();
    struct rsm_author *author = make_author(key);
    struct rsm_buffer buffer;
    struct rsm_pack *p = rsm_pack_new();
    static const char *const names[] = {"bob", "carol"};
    rsm_pack_map(p, 2);
    rsm_pack_text(p, "rrsets");
    rsm_pack_array(p, 2);
    for (uint64_t i = 0; i < 2; i++) {
        rsm_pack_map(p, 1);
        rsm_pack_text(p, "version");
        rsm_pack_map(p, 4);
        rsm_pack_text(p, "lamport");
        rsm_pack_uint(p, 10 + i);
        rsm_pack_text(p, "author");
        rsm_pack_text(p, names[i]);
        rsm_pack_text(p, "slot");
        rsm_pack_uint(p, 3);
        rsm_pack_text(p, "counter");
        rsm_pack_uint(p, 3 + 2 * i);
    }
    rsm_pack_text(p, "note");
    rsm_pack_map(p, 1);
    rsm_pack_text(p, "author");
    rsm_pack_text(p, "x");
    cr_assert(rsm_author_see_result(author, rsm_value_of(rsm_pack_result(p))) == RSM_OK);
    struct command c = next_command(author, &buffer);
    cr_assert(c.clock_count == 2 && c.lamport == 12);
    cr_assert(command_clock_of(&c, bytes_of_string("bob")) == 3);
    cr_assert(command_clock_of(&c, bytes_of_string("carol")) == 5);
    rsm_buffer_free(&buffer);
    rsm_pack_free(p);
    rsm_author_free(author);
    rsm_key_free(key);
}

static struct rsm_pack *pack_verdicts(const char *const *verdicts, uint32_t count)
{
    struct rsm_pack *p = rsm_pack_new();
    rsm_pack_map(p, 1);
    rsm_pack_text(p, "verdicts");
    rsm_pack_array(p, count);
    for (uint32_t i = 0; i < count; i++) {
        bool applied = strcmp(verdicts[i], "applied") == 0;
        rsm_pack_map(p, applied ? 3 : 4);
        rsm_pack_text(p, "author");
        rsm_pack_text(p, "alice");
        rsm_pack_text(p, "counter");
        rsm_pack_uint(p, i + 1);
        rsm_pack_text(p, "verdict");
        rsm_pack_text(p, applied ? "applied" : "refused");
        if (applied)
            continue;
        rsm_pack_text(p, "rules");
        rsm_pack_array(p, 1);
        rsm_pack_map(p, 2);
        rsm_pack_text(p, "rule");
        rsm_pack_text(p, verdicts[i]);
        rsm_pack_text(p, "evidence");
        rsm_pack_text(p, "");
    }
    return p;
}

/* A refused command gives its counter back; a used one is gone. */
Test(author, learns_from_verdicts)
{
    static const struct {
        const char *verdicts[3];
        uint64_t counter_next;
    } rows[] = {
        {{"applied", "applied", "applied"}, 4},
        {{"applied", "stale", "counter-gap"}, 2},
        {{"stale", "counter-gap", "counter-gap"}, 1},
        {{"applied", "applied", "stale"}, 3},
        {{"counter-used", "counter-used", "counter-used"}, 4},
    };
    struct rsm_key *key = make_key();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rsm_author *author = make_author(key);
        struct rsm_pack *p = pack_verdicts(rows[i].verdicts, 3);
        rsm_author_set_counter(author, 3);
        rsm_author_learn(author, rsm_pack_result(p));
        cr_assert(rsm_author_counter(author) == rows[i].counter_next, "row %zu: %llu", i,
                  (unsigned long long)rsm_author_counter(author));
        rsm_pack_free(p);
        rsm_author_free(author);
    }
    rsm_key_free(key);
}

static void serve_author(struct fake *fake)
{
    struct writer w;
    fake_accept(fake);
    struct fake_request r = fake_expect(fake, "hello");
    writer_init(&w, 1000);
    pack_map(&w, 1);
    pack_text(&w, "cluster_id");
    pack_bin(&w, bytes_make(CLUSTER, sizeof CLUSTER));
    fake_answer(fake, r.msgid, writer_result(&w));
    writer_reset(&w);
    r = fake_expect(fake, "clock");
    CHECK(bytes_equal(r.params, bytes_make("\x91\xa5"
                                           "alice",
                                           7)));
    pack_map(&w, 2);
    pack_text(&w, "counter");
    pack_uint(&w, 0);
    pack_text(&w, "lamport");
    pack_uint(&w, 900);
    fake_answer(fake, r.msgid, writer_result(&w));
    writer_deinit(&w);

    for (int i = 0; i < 2; i++) { /* refused, then applied: both with counter 1 */
        r = fake_expect(fake, "submit");
        struct unpack u = unpack_make(r.params);
        struct envelope e;
        struct command c;
        unpack_array_exactly(&u, 1);
        CHECK(envelope_parse(unpack_bin(&u, 10000), &e) == RSM_OK);
        CHECK(envelope_verify(&e, CLUSTER) == RSM_OK);
        struct envelope_walk walk = envelope_commands(&e);
        CHECK(envelope_next(&walk, &c));
        CHECK(c.counter == 1);
        CHECK(c.lamport == 901 + (uint64_t)i);
        static const char *const verdicts[] = {"stale", "applied"};
        struct rsm_pack *p = pack_verdicts(&verdicts[i], 1);
        fake_answer(fake, r.msgid, bytes_of_public(rsm_pack_result(p)));
        rsm_pack_free(p);
    }
    (void)fake_expect(fake, "submit");
    fake_expect_end(fake); /* never answered */
}

Test(author, submits)
{
    struct fake fake;
    struct rsm_client *client;
    struct rsm_author *author;
    struct rsm_buffer body, result, envelope;
    struct rsm_key *key = make_key();
    fake_start(&fake, NULL, serve_author, NULL);
    cr_assert(rsm_client_new(fake.endpoint, &client) == RSM_OK);
    cr_assert(rsm_author_open(client, key, 8000, &author) == RSM_OK);
    cr_assert(memcmp(rsm_author_cluster_id(author), CLUSTER, sizeof CLUSTER) == 0);
    cr_assert(rsm_body_freeze_clear(rsm_text("f"), &body) == RSM_OK);
    struct rsm_bytes b = rsm_buffer_bytes(&body);
    cr_assert(rsm_author_submit(author, client, RSM_KIND_FREEZE_CLEAR, b, "", 8000, &result,
                                NULL) == RSM_REFUSED);
    cr_assert(result.size > 0, "with its reasons");
    rsm_buffer_free(&result);
    cr_assert(rsm_author_submit(author, client, RSM_KIND_FREEZE_CLEAR, b, "", 8000, NULL, NULL) ==
              RSM_OK);
    cr_assert(rsm_author_counter(author) == 2);
    cr_assert(rsm_author_submit(author, client, RSM_KIND_FREEZE_CLEAR, b, "", 150, &result,
                                &envelope) == RSM_OUTCOME_UNKNOWN);
    cr_assert(rsm_envelope_check(rsm_buffer_bytes(&envelope), CLUSTER) == RSM_OK,
              "the bytes to ask about, or to submit again");
    rsm_buffer_free(&envelope);
    rsm_buffer_free(&body);
    rsm_client_free(client);
    fake_stop(&fake);
    rsm_author_free(author);
    rsm_key_free(key);
}

/* Every public header compiles as C++, alone, with warnings as errors. */
Test(author, headers_are_cpp)
{
    static const char *const headers[] = {"author.h", "body.h", "client.h", "command.h",
                                          "key.h",    "rule.h", "status.h", "wire.h"};
    extern char **environ;
    if (access("include/rsm/wire.h", R_OK) != 0 || access("/usr/bin/g++", X_OK) != 0)
        cr_skip_test("no g++ here, or not in the top folder");
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        char line[200], *arguments[16] = {NULL}, *place = NULL;
        pid_t child;
        int ended;
        (void)snprintf(line, sizeof line,
                       "g++ -x c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -Iinclude "
                       "-fsyntax-only include/rsm/%s",
                       headers[i]);
        arguments[0] = strtok_r(line, " ", &place);
        for (size_t k = 1; k < 15 && arguments[k - 1] != NULL; k++)
            arguments[k] = strtok_r(NULL, " ", &place);
        cr_assert(posix_spawn(&child, "/usr/bin/g++", NULL, NULL, arguments, environ) == 0);
        cr_assert(waitpid(child, &ended, 0) == child);
        cr_assert(WIFEXITED(ended) && WEXITSTATUS(ended) == 0, "%s", headers[i]);
    }
}
