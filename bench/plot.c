/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plot.c - see plot.h. */
#include "bench/plot.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEAR 1.02 /* by what a point has to be above the one before, in one direction */

static bool has_suffix(const char *path, const char *suffix)
{
    size_t size = strlen(path), end = strlen(suffix);
    return size > end && strcmp(path + size - end, suffix) == 0;
}

/* Runs gnuplot with `option` alone; its exit status, or -1 when it could not be started. */
static int run_gnuplot(const char *option, int input)
{
    extern char **environ;
    posix_spawn_file_actions_t actions;
    char program[] = "gnuplot", argument[16];
    char *const arguments[] = {program, argument, NULL};
    pid_t child;
    int ended = 0;
    (void)snprintf(argument, sizeof argument, "%s", option);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    int result = posix_spawnp(&child, program, &actions, NULL, arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (result != 0)
        return -1;
    while (waitpid(child, &ended, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : 1;
}

bool plot_check(const char *path)
{
    if (!has_suffix(path, ".png") && !has_suffix(path, ".svg")) {
        (void)fprintf(stderr, "rsm-bench: --plot %s: the name ends with .png or .svg\n", path);
        return false;
    }
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int result = run_gnuplot("--version", null);
    (void)close(null);
    if (result == 0)
        return true;
    (void)fprintf(stderr, "rsm-bench: --plot needs gnuplot, which is not here (Debian: apt-get "
                          "install gnuplot-nox); --csv writes the figures for other tools\n");
    return false;
}

/* In quotes of gnuplot's that take everything but themselves, which are doubled. */
static void print_quoted(const char *text, FILE *out)
{
    (void)fputc('\'', out);
    for (; *text != 0; text++)
        if (*text == '\'')
            (void)fputs("''", out);
        else
            (void)fputc(*text, out);
    (void)fputc('\'', out);
}

/*
 * "one in x waits longer than y" for each bucket that is not empty, but those that nobody could
 * tell from the point before: a picture of many runs stays small.
 */
static void print_distribution(const char *name, const struct histogram *h, FILE *out)
{
    uint64_t seen = 0;
    double last_x = 0, last_y = 0;
    (void)fprintf(out, "$%s << EOD\n", name);
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (h->buckets[i] == 0)
            continue;
        seen += h->buckets[i];
        uint64_t above = h->count - seen;
        double x = above > 0 ? (double)h->count / (double)above : (double)h->count + 1;
        double y = (double)histogram_bucket_ns(i) / 1000.0;
        if (above > 0 && x < last_x * NEAR && y < last_y * NEAR)
            continue;
        (void)fprintf(out, "%.6g %.6g\n", last_x = x, last_y = y);
    }
    (void)fprintf(out, "EOD\n");
}

static void print_curves(const struct report *r, FILE *out)
{
    (void)fprintf(out, "$curve << EOD\n");
    for (uint32_t i = 0; i < r->point_count; i++) {
        const struct point *p = &r->points[i];
        const struct histogram *h = p->load.write.count > 0 ? &p->load.write : &p->load.read;
        double done = (double)(p->load.writes_in_time + p->load.reads_in_time);
        (void)fprintf(out, "%.6g %.6g %.6g\n", p->load.seconds > 0 ? done / p->load.seconds : 0,
                      (double)histogram_quantile_ns(h, 50000) / 1000.0,
                      (double)histogram_quantile_ns(h, 99000) / 1000.0);
    }
    (void)fprintf(out, "EOD\n");
}

static void print_data(const struct report *r, FILE *out)
{
    char name[32];
    for (uint32_t i = 0; i < r->point_count; i++) {
        const struct point *p = &r->points[i];
        (void)snprintf(name, sizeof name, "write%u", i);
        if (p->load.write.count > 0)
            print_distribution(name, &p->load.write, out);
        (void)snprintf(name, sizeof name, "read%u", i);
        if (p->load.read.count > 0)
            print_distribution(name, &p->load.read, out);
        (void)snprintf(name, sizeof name, "floor%u", i);
        if (p->floor.histograms[floor_of_clients(p->clients)].count > 0)
            print_distribution(name, &p->floor.histograms[floor_of_clients(p->clients)], out);
    }
    print_curves(r, out);
}

static void print_line(const char *name, uint32_t index, const struct point *p, const char *what,
                       const char *style, bool *is_first, FILE *out)
{
    (void)fprintf(out, "%s$%s%u using 1:2 with lines lw 2 %s title \"%s, clients: %u",
                  *is_first ? "" : ", ", name, index, style, what, p->clients);
    if (p->rate > 0)
        (void)fprintf(out, " at %.0f/s", p->rate);
    (void)fprintf(out, "\"");
    *is_first = false;
}

void plot_script(const char *path, const struct report *r, FILE *out)
{
    bool is_first = true;
    (void)fprintf(out, "set terminal %s size 1400,600\nset output ",
                  has_suffix(path, ".svg") ? "svg" : "pngcairo");
    print_quoted(path, out);
    (void)fputc('\n', out);
    print_data(r, out);
    (void)fprintf(out, "set multiplot layout 1,2\nset grid\nset key below\nset logscale xy\n"
                       "set xlabel 'one of so many waits longer'\nset ylabel 'latency, us'\nplot ");
    for (uint32_t i = 0; i < r->point_count; i++) {
        const struct point *p = &r->points[i];
        if (p->load.write.count > 0)
            print_line("write", i, p, "change", "", &is_first, out);
        if (p->load.read.count > 0)
            print_line("read", i, p, "read", "", &is_first, out);
        if (p->floor.histograms[floor_of_clients(p->clients)].count > 0)
            print_line("floor", i, p, "floor", "dt 2", &is_first, out);
    }
    (void)fprintf(out,
                  "%s\nunset logscale x\nset xlabel 'operations a second'\n"
                  "set xrange [0:*]\nplot $curve using 1:2 with linespoints lw 2 title 'median', "
                  "$curve using 1:3 with linespoints lw 2 title 'p99'\nunset multiplot\n",
                  is_first ? "1 notitle" : "");
}

bool plot_write(const char *path, const struct report *r)
{
    FILE *script = tmpfile();
    if (script == NULL) {
        (void)fprintf(stderr, "rsm-bench: a temporary file: %s\n", strerror(errno));
        return false;
    }
    plot_script(path, r, script);
    bool good = fflush(script) == 0 && lseek(fileno(script), 0, SEEK_SET) == 0 &&
                run_gnuplot("-", fileno(script)) == 0;
    (void)fclose(script);
    if (!good)
        (void)fprintf(stderr, "rsm-bench: %s: gnuplot could not draw it\n", path);
    return good;
}
