/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_notify.c - when which secondary is told; time is a number here. */
#include "src/dns/notify.h"
#include "tests/unit/dns/fixture.h"

static struct packet *answer_to(const struct notify_send *s, enum packet_rcode rcode)
{
    struct draft *draft = draft_new();
    struct packet *q, *a;
    draft_begin_question(draft, s->id, PACKET_NOTIFY, s->zone, RR_TYPE_SOA, PACKET_CLASS_IN, 0);
    cr_assert_eq(packet_parse(draft_finish(draft), &q), RSM_OK);
    draft_begin_answer(draft, q, 512, 0);
    draft_set_error(draft, rcode, PACKET_EDE_NONE, NULL);
    cr_assert_eq(packet_parse(draft_finish(draft), &a), RSM_OK);
    packet_free(q);
    draft_free(draft);
    return a;
}

static struct notify *make(uint32_t targets)
{
    static struct notify_target list[3];
    list[1].zone = wire_bytes("one.");
    return notify_new(list, targets, 1);
}

static uint32_t send_all(struct notify *n, uint64_t now, bool is_leader)
{
    struct notify_send s;
    uint32_t count = 0;
    while (notify_next(n, now, is_leader, &s))
        count++;
    return count;
}

Test(notify, at_once_then_together)
{
    struct notify *n = make(1);
    struct notify_send s;
    notify_changed(n, wire_bytes("a."), 50, 1000);
    cr_assert(notify_next(n, 1000, true, &s), "at once");
    cr_assert(name_equal(s.zone, wire_bytes("a.")) && s.attempt == 1);
    cr_assert_not(notify_next(n, 1000, true, &s));
    for (uint64_t now = 1001; now < 1050; now++) {
        notify_changed(n, wire_bytes("a."), 50, now);
        cr_assert_not(notify_next(n, now, true, &s), "at %lu", (unsigned long)now);
    }
    cr_assert(notify_next(n, 1050, true, &s), "all of them together");
    cr_assert_not(notify_next(n, 1999, true, &s));
    notify_changed(n, wire_bytes("b."), 50, 1010);
    cr_assert(notify_next(n, 1999, true, &s), "another zone waits for nobody");
    cr_assert(name_equal(s.zone, wire_bytes("b.")));
    notify_free(n);
    cr_assert_eq(mem_live_count(), 0);
}

Test(notify, each_zone_has_its_interval)
{
    struct notify *n = make(1);
    struct notify_send s;
    notify_changed(n, wire_bytes("a."), 2000, 1000);
    notify_changed(n, wire_bytes("b."), 0, 1000);
    cr_assert_eq(send_all(n, 1000, true), 2);
    notify_changed(n, wire_bytes("a."), 2000, 1001);
    notify_changed(n, wire_bytes("b."), 0, 1001);
    cr_assert(notify_next(n, 1001, true, &s) && name_equal(s.zone, wire_bytes("b.")), "at once");
    notify_changed(n, wire_bytes("a."), 500, 1002);
    cr_assert_not(notify_next(n, 1499, true, &s));
    cr_assert(notify_next(n, 1500, true, &s) && name_equal(s.zone, wire_bytes("a.")),
              "the interval as it is now");
    notify_free(n);
}

Test(notify, only_who_is_concerned)
{
    struct notify *n = make(3);
    notify_changed(n, wire_bytes("one."), 50, 5);
    cr_assert_eq(send_all(n, 5, true), 3);
    notify_changed(n, wire_bytes("two."), 50, 5);
    cr_assert_eq(send_all(n, 5, true), 2, "target 1 has zone one alone");
    notify_free(n);
}

Test(notify, again_until_it_answers)
{
    struct notify *n = make(1);
    struct notify_send s;
    uint64_t due[NOTIFY_ATTEMPTS] = {1, 1001, 3001, 7001, 15001};
    notify_changed(n, wire_bytes("a."), 50, 1);
    for (uint32_t i = 0; i < NOTIFY_ATTEMPTS; i++) {
        if (i > 0)
            cr_assert_not(notify_next(n, due[i] - 1, true, &s), "attempt %u", i);
        cr_assert(notify_next(n, due[i], true, &s), "attempt %u", i);
        cr_assert_eq(s.attempt, i + 1);
    }
    cr_assert_eq(send_all(n, 1000000, true), 0);
    cr_assert_eq(notify_counters(n)->given_up, 1);
    notify_changed(n, wire_bytes("a."), 50, 1000000);
    cr_assert(notify_next(n, 1000000, true, &s) && s.attempt == 1, "a newer serial begins anew");
    struct packet *a = answer_to(&s, RCODE_NOERROR);
    cr_assert_eq(notify_on_answer(n, 0, a), NOTIFY_TAKEN);
    cr_assert_eq(notify_on_answer(n, 0, a), NOTIFY_UNKNOWN, "once");
    packet_free(a);
    cr_assert_eq(send_all(n, 2000000, true), 0);
    notify_changed(n, wire_bytes("a."), 50, 2000000);
    cr_assert(notify_next(n, 2000000, true, &s));
    a = answer_to(&s, RCODE_REFUSED);
    cr_assert_eq(notify_on_answer(n, 1, a), NOTIFY_UNKNOWN, "not from there");
    cr_assert_eq(notify_on_answer(n, 0, a), NOTIFY_REFUSED);
    packet_free(a);
    cr_assert_eq(send_all(n, 3000000, true), 0, "who refuses is not told again");
    notify_free(n);
    cr_assert_eq(mem_live_count(), 0);
}

/* With a key an unsigned answer ends nothing. */
Test(notify, an_answer_that_anybody_could_send)
{
    const char *why;
    struct tsig_key *key;
    cr_assert_eq(tsig_key_new("k", "hmac-sha256", SECRET, TSIG_NOTIFY, &key, &why), RSM_OK);
    struct notify_target target = {.key = key};
    struct notify *n = notify_new(&target, 1, 1);
    struct notify_send s;
    notify_changed(n, wire_bytes("a."), 50, 1);
    cr_assert(notify_next(n, 1, true, &s));
    struct packet *a = answer_to(&s, RCODE_NOERROR);
    cr_assert_eq(notify_on_answer(n, 0, a), NOTIFY_UNKNOWN);
    packet_free(a);
    cr_assert(notify_next(n, 1001, true, &s), "told again");
    notify_free(n);
    tsig_key_free(key);
}

/* Who follows keeps quiet, and tells when it leads before the change is old. */
Test(notify, the_leader_alone)
{
    struct notify *n = make(1);
    notify_changed(n, wire_bytes("a."), 50, 100);
    cr_assert_eq(send_all(n, 100, false), 0);
    cr_assert_eq(send_all(n, 5000, false), 0);
    cr_assert_eq(send_all(n, 5001, true), 1, "the leader died right after the commit");
    cr_assert_eq(send_all(n, 6500, false), 0, "no longer the leader");
    notify_changed(n, wire_bytes("b."), 50, 10000);
    cr_assert_eq(send_all(n, 10000 + NOTIFY_HOLD_MS, false), 0);
    cr_assert_eq(send_all(n, 30000, true), 0, "old: the leader of that time told it");
    notify_free(n);
}
