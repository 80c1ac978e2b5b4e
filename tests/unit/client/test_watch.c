/* SPDX-License-Identifier: Apache-2.0 */
/* test_watch.c - watches over lost connections: each slot once, in order. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/client/internal.h"
#include "tests/lib/fake_server.h"

static const struct rsm_value NO_FILTER;

struct seen {
    char text[256]; /* "5 6 C9 7": C for compacted, E for an end */
    bool is_ended;
};

static void on_notice(void *context, const struct rsm_notice *notice)
{
    struct seen *seen = context;
    size_t size = strlen(seen->text);
    const char *mark = notice->status == RSM_OK          ? ""
                       : notice->status == RSM_COMPACTED ? "C"
                       : notice->status == RSM_RESET     ? "R"
                                                         : "E";
    (void)snprintf(seen->text + size, sizeof seen->text - size, "%s%s%llu", size > 0 ? " " : "",
                   mark, (unsigned long long)notice->slot);
    if (notice->status == RSM_OK)
        CHECK(rsm_value_uint(rsm_value_get(notice->value, "slot")) == notice->slot);
    seen->is_ended = seen->is_ended || mark[0] == 'E';
}

/* Reads a "watch" from a slot and answers {"watch": id, "slot": slot}. */
static void serve_watch(struct fake *fake, uint64_t slot_asked, uint64_t watch, uint64_t slot)
{
    struct fake_request r = fake_expect(fake, "watch");
    struct unpack u = unpack_make(r.params);
    struct writer w;
    unpack_array_exactly(&u, 2);
    CHECK(unpack_uint(&u) == slot_asked);
    CHECK(unpack_map(&u) == 0);
    CHECK(unpack_done(&u));
    writer_init(&w, 100);
    pack_map(&w, 2);
    pack_text(&w, "watch");
    pack_uint(&w, watch);
    pack_text(&w, "slot");
    pack_uint(&w, slot);
    fake_answer(fake, r.msgid, writer_result(&w));
    writer_deinit(&w);
}

/* Runs one watch from a slot until it ends, and gives what it saw. */
static struct seen run(void (*script)(struct fake *), uint64_t slot_first)
{
    struct fake fake;
    struct rsm_client *client;
    struct seen seen = {{0}, false};
    fake_start(&fake, NULL, script, NULL);
    cr_assert(rsm_client_new(fake.endpoint, &client) == RSM_OK);
    client->patience.backoff_ms_first = client->patience.backoff_ms_max = 10;
    cr_assert(rsm_client_watch(client, NO_FILTER, slot_first, on_notice, &seen, NULL) == RSM_OK);
    while (!seen.is_ended)
        rsm_client_process(client, 100);
    cr_assert(client->watch_count == 0);
    rsm_client_free(client);
    fake_stop(&fake);
    return seen;
}

static void script_resume(struct fake *fake)
{
    fake_accept(fake);
    serve_watch(fake, 5, 1, 5);
    fake_notify(fake, "event", 1, 5, NULL);
    fake_notify(fake, "something", 1, 6, NULL); /* not known, ignored */
    fake_notify(fake, "event", 7, 6, NULL);     /* not our watch */
    fake_notify(fake, "event", 1, 6, NULL);
    fake_close(fake);
    fake_accept(fake);
    serve_watch(fake, 7, 3, 7);
    fake_notify(fake, "event", 3, 6, NULL); /* again, dropped */
    fake_notify(fake, "event", 3, 9, NULL);
    fake_notify(fake, "event", 3, 9, NULL); /* twice, dropped */
    fake_notify(fake, "watch_end", 3, 10, "NOT_ALLOWED: no more");
    fake_expect_end(fake);
}

Test(watch, resumes_behind_the_last_slot)
{
    struct seen seen = run(script_resume, 5);
    cr_assert(strcmp(seen.text, "5 6 9 E10") == 0, "%s", seen.text);
}

static void script_lost_question(struct fake *fake)
{
    fake_accept(fake);
    (void)fake_expect(fake, "watch");
    fake_close(fake);
    fake_accept(fake);
    serve_watch(fake, 5, 1, 5);
    fake_notify(fake, "event", 1, 5, NULL);
    fake_notify(fake, "watch_end", 1, 6, "FAILED: enough");
    fake_expect_end(fake);
}

Test(watch, is_asked_for_once_on_each_connection)
{
    struct seen seen = run(script_lost_question, 5);
    cr_assert(strcmp(seen.text, "5 E6") == 0, "%s", seen.text);
}

static void script_from_now(struct fake *fake)
{
    fake_accept(fake);
    serve_watch(fake, 0, 1, 42); /* from now on, and now is 42 */
    fake_close(fake);
    fake_accept(fake);
    serve_watch(fake, 42, 1, 42);
    fake_notify(fake, "event", 1, 42, NULL);
    fake_notify(fake, "watch_end", 1, 43, "CLOSED: too slow"); /* goes on by itself */
    serve_watch(fake, 43, 2, 43);
    fake_notify(fake, "event", 2, 43, NULL);
    fake_notify(fake, "watch_end", 2, 44, "FAILED: enough");
    fake_expect_end(fake);
}

Test(watch, now_is_where_it_was_first_asked)
{
    struct seen seen = run(script_from_now, 0);
    cr_assert(strcmp(seen.text, "42 43 E44") == 0, "%s", seen.text);
}

/* [2, method, [{"watch": 1, "slot": slot, and what is said}]] */
static void notify_more(struct fake *fake, const char *method, uint64_t slot, const char *zone,
                        uint8_t head)
{
    uint8_t bytes[HASH_SIZE] = {head};
    struct writer w;
    writer_init(&w, 1024);
    pack_array(&w, 3);
    pack_uint(&w, 2);
    pack_text(&w, method);
    pack_array(&w, 1);
    pack_map(&w, 2u + (zone != NULL) + (head != 0));
    pack_text(&w, "watch");
    pack_uint(&w, 1);
    pack_text(&w, "slot");
    pack_uint(&w, slot);
    if (zone != NULL) {
        pack_text(&w, "zone");
        pack_text(&w, zone);
    }
    if (head != 0) {
        pack_text(&w, "entry_head");
        pack_bin(&w, bytes_make(bytes, sizeof bytes));
    }
    fake_write(fake, w.data, w.size);
    writer_deinit(&w);
}

/* The question names the entry head of the slot before the one it asks for. */
static void serve_watch_after(struct fake *fake, uint64_t slot_asked, uint8_t head)
{
    struct fake_request r = fake_expect(fake, "watch");
    struct unpack u = unpack_make(r.params);
    struct bytes after;
    struct writer w;
    unpack_array_exactly(&u, 2);
    CHECK(unpack_uint(&u) == slot_asked);
    CHECK(unpack_find_octets(unpack_raw(&u), "after", &after));
    CHECK(after.size == HASH_SIZE && after.data[0] == head && unpack_done(&u));
    writer_init(&w, 100);
    pack_map(&w, 2);
    pack_text(&w, "watch");
    pack_uint(&w, 1);
    pack_text(&w, "slot");
    pack_uint(&w, slot_asked);
    fake_answer(fake, r.msgid, writer_result(&w));
    writer_deinit(&w);
}

/* A restore is told before its slot, and again when the connection broke between the two. */
static void script_restore(struct fake *fake)
{
    fake_accept(fake);
    serve_watch(fake, 5, 1, 5);
    notify_more(fake, "event", 5, NULL, 55);
    notify_more(fake, "reset", 6, "a.example.", 0);
    fake_close(fake);
    fake_accept(fake);
    serve_watch_after(fake, 6, 55);
    notify_more(fake, "reset", 4, "a.example.", 0); /* of a slot that was told: dropped */
    notify_more(fake, "reset", 6, "a.example.", 0);
    notify_more(fake, "event", 6, NULL, 66);
    fake_notify(fake, "watch_end", 1, 7, "FAILED: enough");
    fake_expect_end(fake);
}

Test(watch, a_restore_is_told_before_its_slot)
{
    struct seen seen = run(script_restore, 5);
    cr_assert(strcmp(seen.text, "5 R6 R6 6 E7") == 0, "%s", seen.text);
}

/* Another log, which is shorter: it goes on behind its end, and is known by its own head then. */
static void script_another_log(struct fake *fake)
{
    fake_accept(fake);
    serve_watch(fake, 5, 1, 5);
    notify_more(fake, "event", 5, NULL, 55);
    fake_close(fake);
    fake_accept(fake);
    serve_watch_after(fake, 6, 55);
    notify_more(fake, "reset", 3, NULL, 33);
    fake_close(fake);
    fake_accept(fake);
    serve_watch_after(fake, 4, 33);
    notify_more(fake, "event", 4, NULL, 44);
    notify_more(fake, "event", 5, NULL, 0);
    fake_notify(fake, "watch_end", 1, 6, "FAILED: enough");
    fake_expect_end(fake);
}

Test(watch, another_log_begins_behind_its_end)
{
    struct seen seen = run(script_another_log, 5);
    cr_assert(strcmp(seen.text, "5 R3 4 5 E6") == 0, "%s", seen.text);
}

static void script_compacted(struct fake *fake)
{
    fake_accept(fake);
    struct fake_request r = fake_expect(fake, "watch");
    fake_refuse(fake, r.msgid, "COMPACTED first=9: slots before 9 are gone");
    serve_watch(fake, 9, 1, 9);
    fake_notify(fake, "event", 1, 9, NULL);
    fake_notify(fake, "watch_end", 1, 10, "FAILED: enough");
    fake_expect_end(fake);
}

Test(watch, says_that_history_is_gone_and_goes_on)
{
    struct seen seen = run(script_compacted, 3);
    cr_assert(strcmp(seen.text, "C9 9 E10") == 0, "%s", seen.text);
}

static void script_compacted_backwards(struct fake *fake)
{
    fake_accept(fake);
    struct fake_request r = fake_expect(fake, "watch");
    fake_refuse(fake, r.msgid, "COMPACTED first=3: a server that would have us go in circles");
    fake_expect_end(fake);
}

Test(watch, does_not_go_in_circles)
{
    struct seen seen = run(script_compacted_backwards, 3);
    cr_assert(strcmp(seen.text, "E3") == 0, "%s", seen.text);
}

static void script_bad_answer(struct fake *fake)
{
    fake_accept(fake);
    fake_answer_number(fake, fake_expect(fake, "watch").msgid, 1);
    fake_expect_end(fake);
}

Test(watch, bad_answer_ends_it)
{
    struct seen seen = run(script_bad_answer, 3);
    cr_assert(strcmp(seen.text, "E3") == 0, "%s", seen.text);
}

static void script_unwatch(struct fake *fake)
{
    fake_accept(fake);
    serve_watch(fake, 1, 8, 1);
    fake_notify(fake, "event", 8, 1, NULL);
    struct fake_request r = fake_expect(fake, "unwatch");
    CHECK(bytes_equal(r.params, bytes_make("\x91\x08", 2)));
    fake_notify(fake, "event", 8, 2, NULL); /* was on its way */
    fake_answer_number(fake, r.msgid, 0);
    fake_answer_number(fake, fake_expect(fake, "end").msgid, 0);
}

Test(watch, ends_when_told)
{
    struct fake fake;
    struct rsm_client *client;
    struct seen seen = {{0}, false};
    uint64_t watch;
    fake_start(&fake, NULL, script_unwatch, NULL);
    cr_assert(rsm_client_new(fake.endpoint, &client) == RSM_OK);
    cr_assert(rsm_client_watch(client, NO_FILTER, 1, on_notice, &seen, &watch) == RSM_OK);
    while (seen.text[0] == 0)
        rsm_client_process(client, 100);
    rsm_client_unwatch(client, watch);
    rsm_client_unwatch(client, watch);
    cr_assert(rsm_client_call(client, "end", NO_FILTER, 8000, NULL) == RSM_OK);
    cr_assert(strcmp(seen.text, "1") == 0, "%s", seen.text);
    rsm_client_free(client);
    fake_stop(&fake);
}

Test(watch, numbers_in_details)
{
    uint64_t value;
    cr_assert(client_detail_number("X first=12: y", "first", &value) && value == 12);
    cr_assert(client_detail_number("X afirst=1 first=2", "first", &value) && value == 2);
    cr_assert(!client_detail_number("X first=-1", "first", &value));
    cr_assert(!client_detail_number("X first=", "first", &value));
    cr_assert(!client_detail_number("first", "first", &value));
    cr_assert(!client_detail_number("", "first", &value));
}
