/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_observe.c - what came between two looks at a replica, and what /proc says of a process. */
#include <criterion/criterion.h>
#include <unistd.h>

#include "bench/report.h"

/* [{stage, what, count, sum_ns, max_ns, buckets}], as a replica answers. */
static struct rsm_pack *answer(uint64_t flushes, uint64_t bucket)
{
    struct rsm_pack *p = rsm_pack_new();
    rsm_pack_array(p, 1);
    rsm_pack_map(p, 5);
    rsm_pack_text(p, "stage");
    rsm_pack_text(p, "flush");
    rsm_pack_text(p, "what");
    rsm_pack_text(p, "the own flush");
    rsm_pack_text(p, "sum_ns");
    rsm_pack_uint(p, flushes * 100);
    rsm_pack_text(p, "max_ns");
    rsm_pack_uint(p, 100);
    rsm_pack_text(p, "buckets");
    rsm_pack_array(p, 2);
    rsm_pack_uint(p, bucket);
    rsm_pack_uint(p, flushes);
    return p;
}

static void look(struct observe *o, uint64_t commands, uint64_t flushes, uint64_t bucket)
{
    struct rsm_pack *p = answer(flushes, bucket);
    cr_assert_eq(observe_init(o, "127.0.0.1:1", NULL, 0), RSM_OK);
    o->replicas[0].is_known = true;
    o->replicas[0].is_leader = true;
    o->replicas[0].commands = commands;
    o->replicas[0].flushes = flushes;
    observe_take_stages(&o->replicas[0], rsm_value_of(rsm_pack_result(p)));
    rsm_pack_free(p);
}

Test(observe, differences_add_up)
{
    static struct observe before, after, sum;
    cr_assert_eq(observe_init(&sum, "127.0.0.1:1", NULL, 0), RSM_OK);
    look(&before, 100, 10, 100);
    look(&after, 300, 60, 100);
    observe_add_difference(&sum, &before, &after);
    observe_add_difference(&sum, &before, &after);
    cr_assert_eq(sum.replicas[0].commands, 400);
    cr_assert_float_eq(report_use(&sum.replicas[0]).flushes, 0.25, 1e-9);
    const struct observe_stage *flush = observe_find(&sum.replicas[0], "flush");
    cr_assert_not_null(flush);
    cr_assert_eq(flush->times.count, 100);
    cr_assert_eq(flush->times.sum_ns, 10000);
    cr_assert_null(observe_find(&sum.replicas[0], "nothing"));
    observe_deinit(&before);
    observe_deinit(&after);
    observe_deinit(&sum);
}

/* A replica that was started anew has smaller numbers; one that is gone adds nothing. */
Test(observe, restarts_and_silence)
{
    static struct observe before, after, sum;
    cr_assert_eq(observe_init(&sum, "127.0.0.1:1", NULL, 0), RSM_OK);
    look(&before, 100, 10, 100);
    look(&after, 5, 5, 100);
    observe_add_difference(&sum, &before, &after);
    cr_assert_eq(sum.replicas[0].commands, 5);
    cr_assert_eq(observe_find(&sum.replicas[0], "flush")->times.count, 5);
    after.replicas[0].is_known = false;
    observe_add_difference(&sum, &before, &after);
    cr_assert_eq(sum.replicas[0].commands, 5);
    observe_deinit(&before);
    observe_deinit(&after);
    observe_deinit(&sum);
}

Test(observe, odd_answers_are_left_out)
{
    static struct observe o;
    look(&o, 1, 7, HISTOGRAM_BUCKETS);
    cr_assert_eq(o.replicas[0].stages[0].times.count, 0, "there is no such bucket");
    static const uint8_t number[] = {5};
    observe_take_stages(&o.replicas[0], rsm_value_of(rsm_bytes_make(number, 1)));
    cr_assert_eq(o.replicas[0].stage_count, 0);
    observe_deinit(&o);
    cr_assert_eq(observe_init(&o, "a,b,c,d,e,f,g,h,i,j", NULL, 0), RSM_USAGE);
    observe_deinit(&o);
    cr_assert_eq(observe_init(&o, "", NULL, 0), RSM_USAGE);
}

Test(process, reads_what_proc_says)
{
    static const char text[] = "Name:\tx\nvoluntary_ctxt_switches:\t12\n"
                               "nonvoluntary_ctxt_switches:\t3\n";
    cr_assert_eq(process_field(text, "voluntary_ctxt_switches:"), 12);
    cr_assert_eq(process_field(text, "nonvoluntary_ctxt_switches:"), 3);
    cr_assert_eq(process_field(text, "none:"), 0);
    cr_assert_eq(process_field("", "none:"), 0);
    struct process_use use;
    cr_assert(process_use(getpid(), &use));
    cr_assert_gt(use.resident_bytes, 100000);
    cr_assert_gt(use.cpu_ns, 0);
    cr_assert_not(process_use(0, &use));
}
