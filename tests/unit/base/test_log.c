/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_log.c - log lines as they arrive at the other end of a pipe, and a pipe that is full. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/base/log.h"

static int pipe_ends[2];

static void open_pipe(void)
{
    cr_assert_eq(pipe(pipe_ends), 0);
    log_configure(pipe_ends[1], LOG_INFO, 2);
}

/* What is in the pipe now; never waits. Returns its size, `text` ends with a 0. */
static size_t drain(char *text, size_t room)
{
    size_t size = 0;
    int flags = fcntl(pipe_ends[0], F_GETFL);
    fcntl(pipe_ends[0], F_SETFL, flags | O_NONBLOCK);
    for (;;) {
        ssize_t got = read(pipe_ends[0], text + size, room - 1 - size);
        if (got <= 0)
            break;
        size += (size_t)got;
    }
    text[size] = '\0';
    return size;
}

/* The line behind its time, "2026-11-23T15:02:11.123456Z ". */
static const char *behind_time(const char *line)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.ddddddZ ";
    for (size_t i = 0; i < sizeof shape - 1; i++) {
        if (shape[i] == 'd')
            cr_assert(line[i] >= '0' && line[i] <= '9', "%s", line);
        else
            cr_assert_eq(line[i], shape[i], "%s", line);
    }
    return line + sizeof shape - 1;
}

static const struct {
    const char *text, *written;
} values[] = {
    {"plain", "plain"},
    {"", "\"\""},
    {"two words", "\"two words\""},
    {"a=b", "\"a=b\""},
    {"say \"no\"", "\"say \\\"no\\\"\""},
    {"back\\slash", "\"back\\\\slash\""},
    {"line\nfeed\x1b[31m", "\"line\\x0afeed\\x1b[31m\""},
    {"\x7f", "\"\\x7f\""},
    {"gr\xc3\xbcn", "gr\xc3\xbcn"},
};

/* A value can neither end its line nor make a second field, whatever an outsider put into it. */
Test(log, values_are_escaped, .init = open_pipe)
{
    char text[4096];
    char wanted[200];
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        LOG(LOG_WARNING, "x", LOG_TEXT("v", values[i].text), LOG_U64("n", UINT64_MAX));
        drain(text, sizeof text);
        snprintf(wanted, sizeof wanted, "warning replica=2 event=x v=%s n=18446744073709551615\n",
                 values[i].written);
        cr_assert_str_eq(behind_time(text), wanted);
    }
}

Test(log, levels_above_the_configured_one_are_silent, .init = open_pipe)
{
    char text[4096];
    LOG(LOG_DEBUG, "quiet", LOG_U64("n", 1));
    cr_assert_eq(drain(text, sizeof text), 0);
    log_configure(pipe_ends[1], LOG_DEBUG, 0);
    LOG(LOG_DEBUG, "heard", LOG_U64("n", 1));
    drain(text, sizeof text);
    cr_assert_str_eq(behind_time(text), "debug event=heard n=1\n", "replica 0 prints none");
    LOG(LOG_ERROR, "broken", LOG_U64("n", 2));
    drain(text, sizeof text);
    cr_assert_str_eq(behind_time(text), "error event=broken n=2\n");
}

/* A line is cut to what a pipe takes whole; quotes are closed and no escape is cut in two. */
Test(log, a_long_line_is_cut_but_well_formed, .init = open_pipe)
{
    static char value[3 * PIPE_BUF];
    char text[2 * PIPE_BUF];
    memset(value, '\n', sizeof value - 1);
    for (size_t shift = 0; shift < 8; shift++) {
        memset(value, 'a', shift);
        LOG(LOG_INFO, "long", LOG_TEXT("v", value), LOG_TEXT("second", "x"));
        size_t size = drain(text, sizeof text);
        cr_assert(size > PIPE_BUF / 2 && size <= PIPE_BUF);
        cr_assert_eq(strchr(text, '\n'), text + size - 1);
        cr_assert_eq(text[size - 2], '"', "shift %zu", shift);
        cr_assert_eq(memcmp(text + size - 6, "\\x0a", 4), 0, "shift %zu", shift);
    }
}

/*
 * A reader that sleeps costs lines, not time: if the log blocked, this test would never end. The
 * flags of the descriptor, which others share, stay as they were.
 */
Test(log, a_full_pipe_drops_lines_and_says_how_many, .init = open_pipe)
{
    enum { LINES = 5000 };
    static char value[1001];
    static char text[1 << 17];
    int flags = fcntl(pipe_ends[1], F_GETFL);
    memset(value, 'v', sizeof value - 1);
    for (int i = 0; i < LINES; i++)
        LOG(LOG_INFO, "flood", LOG_TEXT("v", value));
    uint64_t dropped = log_dropped_count();
    cr_assert_eq(fcntl(pipe_ends[1], F_GETFL), flags);
    size_t size = drain(text, sizeof text);
    uint64_t lines = 0;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    cr_assert_gt(lines, 0);
    cr_assert_eq(lines + dropped, LINES);
    cr_assert_eq(text[size - 1], '\n', "lines arrive whole or not at all");

    char wanted[100];
    LOG(LOG_INFO, "after", LOG_U64("n", 1));
    drain(text, sizeof text);
    snprintf(wanted, sizeof wanted, "info replica=2 event=after n=1 dropped=%d\n", (int)dropped);
    cr_assert_str_eq(behind_time(text), wanted);
    LOG(LOG_INFO, "after", LOG_U64("n", 2));
    drain(text, sizeof text);
    cr_assert_null(strstr(text, "dropped"), "it is said once");
    cr_assert_eq(log_dropped_count(), dropped, "the sum stays");
}

/* The count has its place also in a line that is full. */
Test(log, a_full_line_says_what_was_dropped, .init = open_pipe)
{
    static char value[2 * PIPE_BUF];
    static char text[1 << 17];
    memset(value, 'v', sizeof value - 1);
    while (log_dropped_count() == 0)
        LOG(LOG_INFO, "flood", LOG_TEXT("v", value));
    drain(text, sizeof text);
    LOG(LOG_INFO, "after", LOG_TEXT("v", value));
    size_t size = drain(text, sizeof text);
    cr_assert_leq(size, PIPE_BUF);
    cr_assert_not_null(strstr(text, "v dropped=1\n"));
}

/* A sink that is gone loses lines, and nothing else. */
Test(log, a_closed_descriptor_only_drops, .init = open_pipe)
{
    log_configure(-1, LOG_INFO, 1);
    LOG(LOG_INFO, "lost", LOG_U64("n", 1));
    cr_assert_eq(log_dropped_count(), 1);
}
