/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_report.c - a run's figures in every form, from made-up ones. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "bench/plot.h"
#include "src/base/mem.h"

static struct report *make_report(void)
{
    struct report *r = mem_alloc(sizeof *r);
    struct load_result *load = mem_alloc(sizeof *load);
    struct floor_result *floor = mem_alloc(sizeof *floor);
    r->directory = "/tmp";
    r->shape = (struct load_shape){.bundle = 1, .changes = 1, .envelope_size = 256};
    r->has_floor = true;
    r->points = mem_alloc(2 * sizeof r->points[0]);
    r->point_count = 2;
    load->seconds = 2;
    for (uint64_t i = 1; i <= 1000; i++) {
        histogram_add(&load->write, i * 1000);
        histogram_add(&floor->histograms[FLOOR_QUORUM], i * 500);
        histogram_add(&floor->histograms[FLOOR_GROUP], i * 250);
    }
    load->applied = load->writes_in_time = load->operations = load->all_writes = 1000;
    load->all_writes_ns = load->write.sum_ns;
    for (uint32_t i = 0; i < 2; i++) {
        struct point *p = &r->points[i];
        p->clients = i == 0 ? 1 : 8;
        p->rate = i == 0 ? 0 : 500;
        p->repetitions = mem_alloc(2 * sizeof p->repetitions[0]);
        report_add(p, load, floor);
        report_add(p, load, floor);
    }
    mem_free(load);
    mem_free(floor);
    return r;
}

static void free_report(struct report *r)
{
    for (uint32_t i = 0; i < r->point_count; i++)
        mem_free(r->points[i].repetitions);
    mem_free(r->points);
    mem_free(r);
}

/* What `print` writes; owned by the C library. */
static char *text_of(const struct report *r, void (*print)(const struct report *, FILE *))
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    cr_assert_not_null(out);
    print(r, out);
    (void)fclose(out);
    return text;
}

static uint32_t lines_of(const char *text)
{
    uint32_t lines = 0;
    for (; *text != 0; text++)
        lines += *text == '\n' ? 1 : 0;
    return lines;
}

Test(report, ratios_are_to_the_floor_of_as_many_clients)
{
    struct report *r = make_report();
    cr_assert_float_eq(r->points[0].repetitions[1].ratio, 2, 0.02);
    cr_assert_float_eq(r->points[1].repetitions[1].ratio, 4, 0.04);
    cr_assert_float_eq(r->points[0].repetitions[0].writes_per_second, 500, 1e-9);
    cr_assert_eq(r->points[0].load.write.count, 2000, "both repetitions");
    free_report(r);
}

/* Each point did 500 changes a second; the floor's part is what is asked of it. */
Test(report, shares_of_what_the_machine_can_do)
{
    struct report *r = make_report();
    struct point *p = &r->points[1];
    for (unsigned i = 0; i < FLOOR_COUNT; i++)
        p->floor.seconds[i] = 0.5;
    for (uint64_t i = 0; i < 4000; i++)
        histogram_add(&p->floor.histograms[FLOOR_SIGNED], 1000);
    struct shares s = report_shares(r, p);
    cr_assert_float_eq(s.of_floor, 500.0 / 4000, 1e-9, "the group's 2,000 in 0.5 s");
    cr_assert_float_eq(s.of_signing, 500.0 / 8000, 1e-9);
    cr_assert_eq(s.processors, 0, "no replica was looked at");
    r->shape.bundle = 10;
    cr_assert_float_eq(report_shares(r, p).of_signing, 50.0 / 8000, 1e-9, "a signature for ten");
    p->observed.count = 2;
    for (uint32_t i = 0; i < 2; i++)
        p->observed.replicas[i] = (struct observe_replica){
            .is_known = true, .has_use = true, .commands = 10, .use = {.cpu_ns = 1000000}};
    p->load.cpu_ns = 2000 * 50000;
    s = report_shares(r, p);
    cr_assert_float_eq(s.change_us, 50 + 100 + 100, 1e-9);
    cr_assert_float_eq(s.processors, 500 * 250e-6, 1e-9);
    r->shape.is_shared = true;
    cr_assert_eq(report_shares(r, p).of_signing, 0, "a librsm client chooses its bundles");
    free_report(r);
}

static void add_stage(struct observe_replica *r, const char *name, uint64_t ns)
{
    struct observe_stage *s = &r->stages[r->stage_count++];
    (void)snprintf(s->name, sizeof s->name, "%s", name);
    histogram_add(&s->times, ns);
}

/* What is in no stage of the follower that was asked, nor of the leader, is between them. */
Test(report, passed_on)
{
    static struct observe o;
    static struct observe_stage stages[2][3];
    o.count = 2;
    o.replicas[0].stages = stages[0];
    o.replicas[1].stages = stages[1];
    o.replicas[0].is_leader = true;
    add_stage(&o.replicas[0], "flush", 70000);
    add_stage(&o.replicas[0], "apply", 20000);
    add_stage(&o.replicas[0], "quorum", 90000); /* beside the path */
    cr_assert_lt(report_passed_us(&o), 0, "nobody asked the follower");
    add_stage(&o.replicas[1], "decode", 5000);
    add_stage(&o.replicas[1], "total", 200000);
    cr_assert_float_eq(report_passed_us(&o), 105, 1e-9);
}

Test(report, json_holds_what_compare_reads)
{
    struct report *r = make_report();
    json_t *root = report_json(r);
    cr_assert_not_null(root);
    const json_t *runs = json_object_get(root, "runs");
    cr_assert_eq(json_array_size(runs), 2);
    const json_t *point = json_array_get(runs, 1);
    cr_assert_float_eq(json_number_value(json_object_get(point, "rate")), 500, 1e-9);
    const json_t *write = json_object_get(point, "write");
    double median = json_number_value(json_object_get(write, "median_us"));
    cr_assert(median > 497 && median < 503, "%f", median);
    cr_assert_eq(json_array_size(json_object_get(point, "repetitions")), 2);
    uint64_t count = 0;
    size_t i;
    const json_t *bucket;
    json_array_foreach(json_object_get(write, "buckets"), i, bucket) count +=
        (uint64_t)json_integer_value(json_array_get(bucket, 1));
    cr_assert_eq(count, 2000);
    json_decref(root);
    free_report(r);
}

/* Each line has as many fields as the head. */
static void check_fields(const char *text)
{
    uint32_t commas = 0, head = 0;
    for (const char *at = text; *at != 0; at++) {
        commas += *at == ',' ? 1 : 0;
        if (*at != '\n')
            continue;
        head = head == 0 ? commas : head;
        cr_assert_eq(commas, head, "%s", text);
        commas = 0;
    }
}

Test(report, csv_and_table)
{
    static struct observe_stage stages[2][2];
    struct report *r = make_report();
    for (uint32_t i = 0; i < 2; i++) {
        struct observe_replica *replica = &r->points[i].observed.replicas[0];
        r->points[i].observed.count = 1;
        replica->is_known = true;
        replica->stages = stages[i];
        replica->stage_count = 2; /* one of them has nothing */
        histogram_add(&replica->stages[1].times, 5000);
    }
    char *text = text_of(r, report_print_csv);
    cr_assert_eq(lines_of(text), 1 + 2 * 2 * 2 + 2 * 3, "and client, replica, stage: %s", text);
    check_fields(text);
    cr_assert_not_null(strstr(text, "\n8,500.000,2,write,500.0,1000,"), "%s", text);
    free(text);
    text = text_of(r, report_print_table);
    cr_assert_not_null(strstr(text, "8 at 500/s"), "%s", text);
    cr_assert_not_null(strstr(text, "where the time goes"), "%s", text);
    r->points[0].observed.count = r->points[1].observed.count = 0;
    free(text);
    text = text_of(r, report_print_table);
    cr_assert_null(strstr(text, "where the time goes"), "no replica was looked at");
    free(text);
    free_report(r);
}

static void print_script(const struct report *r, FILE *out)
{
    plot_script("it's here.svg", r, out);
}

/* The name of the file is quoted, so that it cannot be anything else to gnuplot. */
Test(plot, script)
{
    struct report *r = make_report();
    char *text = text_of(r, print_script);
    cr_assert_not_null(strstr(text, "set terminal svg"));
    cr_assert_not_null(strstr(text, "set output 'it''s here.svg'\n"));
    cr_assert_not_null(strstr(text, "$write1 << EOD\n"));
    cr_assert_null(strstr(text, "$read"), "nothing was read");
    cr_assert_lt(lines_of(text), 4 * 300, "a thousand times, two of them a point apart");
    cr_assert_not_null(strstr(text, "\n2001 1001.47\nEOD\n"), "the last of 2,000");
    cr_assert_null(strstr(text, "nan"));
    cr_assert_null(strstr(text, "inf"));
    free(text);
    free_report(r);
}

Test(process, faults_behind_any_name)
{
    uint64_t minor, major;
    process_faults("7 (a) b (c) S 1 7 7 0 -1 4194560 11 12 13 14 15 16 17", &minor, &major);
    cr_assert_eq(minor, 11);
    cr_assert_eq(major, 13);
    process_faults("7 (a", &minor, &major);
    cr_assert_eq(minor + major, 0);
    process_faults("7 (a) S 1 7", &minor, &major);
    cr_assert_eq(minor + major, 0);
}

Test(process, disk_of_a_directory)
{
    cr_assert_eq(process_disk_written("/proc"), 0, "no disk");
    cr_assert_eq(process_disk_written("/nowhere"), 0);
}
