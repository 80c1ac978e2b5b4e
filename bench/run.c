/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run.c - rsm-bench run. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/commands.h"
#include "bench/draw.h"
#include "bench/plot.h"
#include "bench/run_options.h"
#include "src/base/mem.h"

const char HELP_RUN[] =
    "rsm-bench run [options]\n"
    "\n"
    "Signed changes and reads from one number of clients after the other, beside what this "
    "machine\n"
    "needs for the least that a commit can be, and where the time goes. Starts a cluster of its "
    "own\n"
    "unless told where one is.\n"
    "\n" RUN_OPTIONS_HELP "\n"
    "a store that is filled once and measured again:\n"
    "  --world DIR        the zones and authors of this run, with their keys: made the first time, "
    "used\n"
    "                     again later, never deleted\n"
    "  --distribution once  each client writes its keys one after the other, and the run ends with "
    "the\n"
    "                     last; --first-key N (0) is where they begin\n"
    "\n"
    "results:\n"
    "  --output table|json|csv  on stdout (table)\n"
    "  --json FILE        and --csv FILE: all figures there as well\n"
    "  --plot FILE        .png or .svg: distributions, and throughput against latency (gnuplot)\n"
    "  --force            overwrites these files\n"
    "  --progress         a line each second on stderr, also when that is no terminal; --quiet: "
    "none\n"
    "\n"
    "exit status: 0 all were answered; 1 some were refused or had no answer; 2 wrong usage; else "
    "what\n"
    "went wrong.\n"
    "\n"
    "example: rsm-bench run --clients 1,64 --seconds 5 --repeat 5 --json today.json\n";

struct run_command {
    struct run_options run;
    const char *output, *json, *csv, *plot;
    bool force, progress, quiet;
};

static enum options_end parse(struct run_command *c, int count, char **arguments)
{
    struct option rows[RUN_OPTION_COUNT + 9] = {{.name = NULL}};
    const struct option more[] = {
        {.name = "--world", .text = &c->run.session.shape.kept},
        {.name = "--first-key", .number = &c->run.first_key, .max = DRAW_KEYS_MAX},
        {.name = "--output", .text = &c->output, .words = "table|json|csv"},
        {.name = "--json", .text = &c->json},
        {.name = "--csv", .text = &c->csv},
        {.name = "--plot", .text = &c->plot},
        {.name = "--force", .flag = &c->force},
        {.name = "--progress", .flag = &c->progress},
        {.name = "--quiet", .flag = &c->quiet},
    };
    uint32_t plain_count;
    c->output = "table";
    run_options_default(&c->run);
    run_options_rows(&c->run, rows);
    memcpy(rows + RUN_OPTION_COUNT, more, sizeof more);
    enum options_end end =
        options_parse(rows, RUN_OPTION_COUNT + 9, count, arguments, NULL, 0, &plain_count);
    c->run.session.shows_progress = !c->quiet && (c->progress || isatty(STDERR_FILENO));
    return end == OPTIONS_GOOD && !run_options_check(&c->run) ? OPTIONS_BAD : end;
}

/* Before anything is measured: a run of an hour shall not end with "is there already". */
static bool check_files(const struct run_command *c)
{
    if (c->plot != NULL && !plot_check(c->plot))
        return false;
    const char *const paths[] = {c->json, c->csv, c->plot};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (paths[i] != NULL && !command_may_write(paths[i], c->force))
            return false;
    return true;
}

static enum rsm_status measure(const struct run_command *c, struct report *r)
{
    struct run_place place;
    struct session session = {.world = NULL};
    enum rsm_status status = run_place_open(&place, &c->run);
    if (status == RSM_OK) {
        r->replicas = place.cluster.is_up ? place.cluster.replicas : 0;
        r->directory = place.described;
        status = session_make_report(r, &c->run.session, place.where.endpoints);
    }
    if (status == RSM_OK) {
        status = session_open(&session, &c->run.session, &place.where);
        session.points_all = r->point_count * (uint32_t)c->run.repeat;
        for (uint64_t i = 0; i < c->run.repeat && status == RSM_OK; i++)
            status = session_repeat(&session, r);
        session_close(&session);
    }
    run_place_close(&place);
    return status;
}

static bool write_json(const struct report *r, FILE *out)
{
    json_t *root = report_json(r);
    int result = root != NULL ? json_dumpf(root, out, JSON_INDENT(1) | JSON_REAL_PRECISION(8)) : -1;
    (void)fputc('\n', out);
    json_decref(root);
    return result == 0;
}

static void write_csv(const struct report *r, FILE *out)
{
    report_print_csv(r, out);
}

/* False: said on stderr. */
static bool write_file(const struct run_command *c, const struct report *r, const char *path,
                       bool is_json)
{
    if (path == NULL)
        return true;
    FILE *out = command_output(path, c->force);
    if (out == NULL)
        return false;
    bool good = true;
    if (is_json)
        good = write_json(r, out);
    else
        write_csv(r, out);
    if (fclose(out) == 0 && good)
        return true;
    (void)fprintf(stderr, "rsm-bench: %s: could not be written\n", path);
    return false;
}

static int show(const struct run_command *c, const struct report *r)
{
    bool good = write_file(c, r, c->json, true) && write_file(c, r, c->csv, false);
    if (strcmp(c->output, "json") == 0)
        (void)write_json(r, stdout);
    else if (strcmp(c->output, "csv") == 0)
        write_csv(r, stdout);
    else
        report_print_table(r, stdout);
    if (c->plot != NULL)
        good = plot_write(c->plot, r) && good;
    uint64_t bad = 0;
    for (uint32_t i = 0; i < r->point_count; i++)
        bad += r->points[i].load.refused + r->points[i].load.failed +
               (r->points[i].rate > 0 ? 0 : r->points[i].load.busy);
    return bad > 0 || !good ? 1 : 0;
}

int command_run(int count, char **arguments)
{
    struct run_command *c = mem_alloc(sizeof *c);
    struct report *report = mem_alloc(sizeof *report);
    enum options_end end = parse(c, count, arguments);
    int result = rsm_status_exit(RSM_USAGE);
    if (end != OPTIONS_GOOD) {
        result = command_help(end, HELP_RUN);
    } else if (check_files(c)) {
        run_options_describe("run", count, arguments, report->command, sizeof report->command);
        enum rsm_status status = measure(c, report);
        result = status == RSM_OK ? show(c, report) : rsm_status_exit(status);
        session_free_report(report);
    }
    mem_free(report);
    mem_free(c);
    return result;
}
