/* SPDX-License-Identifier: Apache-2.0 */
/* test_failover.c - lost connections, replicas that cannot serve, doubt, deadlines. */
#include <criterion/criterion.h>

#include "tests/unit/client/fixture.h"

/* ---- failing over ---- */

static void serve_no_leader(struct fake *fake)
{
    fake_accept(fake);
    fake_refuse(fake, fake_read(fake).msgid, "NO_LEADER: nobody leads");
    fake_expect_end(fake);
}

static void serve_silence(struct fake *fake)
{
    fake_accept(fake);
    (void)fake_read(fake);
    fake_expect_end(fake);
}

static void serve_closed_door(struct fake *fake)
{
    fake_accept(fake);
    fake_close(fake);
}

/* Impatient with the first, patient with the second: a slow machine does not send it back. */
Test(failover, goes_elsewhere)
{
    static void (*const scripts[])(struct fake *) = {serve_no_leader, serve_silence,
                                                     serve_closed_door};
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct fake bad, good;
        struct outcome outcome = {0};
        fake_start(&bad, NULL, scripts[i], NULL);
        fake_start(&good, NULL, serve_number, NULL);
        struct rsm_client *client = connect_to(&bad, &good);
        client->patience.silence_ms_max = scripts[i] == serve_silence ? 50 : 10 * LONG_MS;
        cr_assert(rsm_client_start(client, "x", NO_PARAMS, LONG_MS, on_outcome, &outcome, NULL) ==
                  RSM_OK);
        while (outcome.count == 0) {
            rsm_client_process(client, 100);
            if (client->endpoint_index == 1)
                client->patience.silence_ms_max = 10 * LONG_MS;
        }
        cr_assert(outcome.number == 42, "script %zu: %s", i, rsm_status_text(outcome.status));
        rsm_client_free(client);
        fake_stop(&bad);
        fake_stop(&good);
    }
}

static void serve_busy(struct fake *fake)
{
    fake_accept(fake);
    fake_refuse(fake, fake_read(fake).msgid, "BUSY: later");
    fake_refuse(fake, fake_read(fake).msgid, "RATE_LIMITED: later");
    fake_answer_number(fake, fake_read(fake).msgid, 8);
}

/* "Later" is no reason to leave the replica. */
Test(failover, busy_is_asked_again)
{
    struct fake fake;
    enum rsm_status status;
    fake_start(&fake, NULL, serve_busy, NULL);
    struct rsm_client *client =
        connect_to(&fake, &fake); /* another turn would be a new connection */
    cr_assert(call_number(client, "x", LONG_MS, &status) == 8);
    rsm_client_free(client);
    fake_stop(&fake);
}

static void serve_lost_answer(struct fake *fake)
{
    static uint8_t first[1000];
    fake_accept(fake);
    struct fake_request r = fake_expect(fake, "submit");
    CHECK(r.raw.size < sizeof first);
    size_t size = r.raw.size;
    memcpy(first, r.raw.data, size);
    fake_close(fake); /* taken, perhaps chosen; nobody knows */
    fake_accept(fake);
    r = fake_expect(fake, "submit");
    CHECK(bytes_equal(r.raw, bytes_make(first, size)));
    fake_answer_number(fake, r.msgid, 12);
    fake_expect_end(fake);
}

/* The same bytes go out again after a lost connection, and the caller sees one outcome. */
Test(failover, submits_the_same_bytes_again)
{
    struct fake fake;
    struct rsm_buffer result;
    fake_start(&fake, NULL, serve_lost_answer, NULL);
    struct rsm_client *client = connect_to(&fake, NULL);
    cr_assert(rsm_client_submit(client, ENVELOPE, LONG_MS, &result) == RSM_OK);
    cr_assert(rsm_value_uint(rsm_value_of(rsm_buffer_bytes(&result))) == 12);
    rsm_buffer_free(&result);
    rsm_client_free(client);
    fake_stop(&fake);
}

static void serve_order(struct fake *fake)
{
    for (int round = 0; round < 2; round++) {
        fake_accept(fake);
        for (uint8_t i = 0; i < 5; i++) {
            struct fake_request r = fake_expect(fake, "submit");
            CHECK(r.params.data[3] == i);
            if (round == 1)
                fake_answer_number(fake, r.msgid, i);
        }
        if (round == 0)
            fake_close(fake);
    }
}

/* An author's commands never overtake each other, not after a lost connection either. */
Test(failover, submits_in_order)
{
    struct fake fake;
    struct outcome outcomes[5] = {{0}};
    fake_start(&fake, NULL, serve_order, NULL);
    struct rsm_client *client = connect_to(&fake, NULL);
    struct outcome gone = {0};
    uint64_t call; /* leaves a hole in the table, so that places are out of order */
    cr_assert(rsm_client_start(client, "x", NO_PARAMS, LONG_MS, on_outcome, &gone, &call) ==
              RSM_OK);
    for (uint8_t i = 0; i < 5; i++) {
        cr_assert(rsm_client_start_submit(client, rsm_bytes_make(&i, 1), LONG_MS, on_outcome,
                                          &outcomes[i], NULL) == RSM_OK);
        if (i == 2)
            rsm_client_cancel(client, call);
    }
    while (outcomes[4].count == 0)
        rsm_client_process(client, 100);
    for (uint64_t i = 0; i < 5; i++)
        cr_assert(outcomes[i].count == 1 && outcomes[i].number == i);
    rsm_client_free(client);
    fake_stop(&fake);
}

/* ---- deadlines ---- */

static bool was_sent(const struct call *call)
{
    return call->is_sent;
}

static bool is_doubtful(const struct call *call)
{
    return call->is_doubtful && !call->is_sent;
}

static bool was_refused(const struct call *call)
{
    return call->last_status == RSM_NO_LEADER && !call->is_sent;
}

/* Lets the deadline of the only call come exactly when it is in a state, and gives its end. */
static enum rsm_status end_when(struct rsm_client *client, bool is_submit,
                                bool (*reached)(const struct call *))
{
    struct outcome outcome = {0};
    enum rsm_status status =
        is_submit ? rsm_client_start_submit(client, ENVELOPE, LONG_MS, on_outcome, &outcome, NULL)
                  : rsm_client_start(client, "x", NO_PARAMS, LONG_MS, on_outcome, &outcome, NULL);
    cr_assert(status == RSM_OK);
    while (outcome.count == 0) {
        if (reached(&client->calls[0]))
            client->calls[0].deadline_ms = 0;
        rsm_client_process(client, 1);
    }
    return outcome.status;
}

Test(failover, nobody_answers)
{
    struct fake fake;
    fake_start(&fake, NULL, serve_silence, NULL);
    struct rsm_client *client = connect_to(&fake, NULL);
    cr_assert(end_when(client, false, was_sent) == RSM_TIMED_OUT);
    rsm_client_free(client);
    fake_stop(&fake);
}

Test(failover, submission_without_an_answer)
{
    struct fake fake;
    fake_start(&fake, NULL, serve_silence, NULL);
    struct rsm_client *client = connect_to(&fake, NULL);
    cr_assert(end_when(client, true, was_sent) == RSM_OUTCOME_UNKNOWN);
    rsm_client_free(client);
    fake_stop(&fake);
}

/* Reads what comes until "end", and says each time that nobody leads. */
static void refuse_until_end(struct fake *fake)
{
    for (;;) {
        struct fake_request r = fake_read(fake);
        if (bytes_equal(r.method, bytes_of_string("end"))) {
            fake_answer_number(fake, r.msgid, 0);
            return;
        }
        fake_refuse(fake, r.msgid, "NO_LEADER: nobody leads");
    }
}

static void serve_doubt(struct fake *fake)
{
    fake_accept(fake);
    (void)fake_expect(fake, "submit");
    fake_close(fake);
    fake_accept(fake);
    refuse_until_end(fake);
}

static bool is_doubtful_and_refused(const struct call *call)
{
    return is_doubtful(call) && was_refused(call);
}

/* A submission that may have been taken has an unknown outcome, whatever was said later. */
Test(failover, outcome_unknown)
{
    struct fake fake;
    enum rsm_status status;
    fake_start(&fake, NULL, serve_doubt, NULL);
    struct rsm_client *client = connect_to(&fake, NULL);
    cr_assert(end_when(client, true, is_doubtful_and_refused) == RSM_OUTCOME_UNKNOWN);
    cr_assert(call_number(client, "end", LONG_MS, &status) == 0);
    rsm_client_free(client);
    fake_stop(&fake);
}

/* Loses the submission, then says "no" for a reason of its own, then has the verdict. */
static void serve_no_of_the_moment(struct fake *fake)
{
    fake_accept(fake);
    (void)fake_expect(fake, "submit");
    fake_close(fake);
    fake_accept(fake);
    fake_refuse(fake, fake_expect(fake, "submit").msgid, "DISK_FULL: not here");
    fake_close(fake);
    fake_accept(fake);
    fake_answer_number(fake, fake_expect(fake, "submit").msgid, 7);
}

/* What one replica cannot take now says nothing of what another one has taken before. */
Test(failover, a_no_of_the_moment_settles_nothing)
{
    struct fake fake;
    struct outcome outcome = {0};
    fake_start(&fake, NULL, serve_no_of_the_moment, NULL);
    struct rsm_client *client = connect_to(&fake, NULL);
    cr_assert(rsm_client_start_submit(client, ENVELOPE, LONG_MS, on_outcome, &outcome, NULL) ==
              RSM_OK);
    while (outcome.count == 0)
        rsm_client_process(client, 10);
    cr_assert(outcome.status == RSM_OK && outcome.number == 7);
    rsm_client_free(client);
    fake_stop(&fake);
}

static void serve_no_leader_ever(struct fake *fake)
{
    fake_accept(fake);
    refuse_until_end(fake);
}

/* One that was refused each time, and certainly not taken, is not in doubt. */
Test(failover, not_taken_is_not_unknown)
{
    struct fake fake;
    enum rsm_status status;
    fake_start(&fake, NULL, serve_no_leader_ever, NULL);
    struct rsm_client *client = connect_to(&fake, NULL);
    cr_assert(end_when(client, true, was_refused) == RSM_NO_LEADER);
    cr_assert(call_number(client, "end", LONG_MS, &status) == 0);
    rsm_client_free(client);
    fake_stop(&fake);
}

Test(failover, nobody_listens)
{
    struct fake fake;
    enum rsm_status status;
    fake_start(&fake, NULL, serve_nothing, NULL);
    struct rsm_client *client = connect_to(&fake, NULL);
    fake_stop(&fake); /* the port is free again, and nobody is there */
    cr_assert(call_number(client, "x", SHORT_MS, &status) == -1 && status == RSM_CANNOT_CONNECT);
    cr_assert(strstr(rsm_client_error(client), "127.0.0.1:") != NULL, "says where");
    cr_assert(rsm_client_submit(client, ENVELOPE, SHORT_MS, NULL) == RSM_CANNOT_CONNECT);
    rsm_client_free(client);
}
