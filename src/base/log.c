/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.c - one line, one write, never blocking.
 *
 * A line is at most PIPE_BUF bytes, so that a pipe takes it whole or not at all, and poll says
 * before whether it would: the flags of an inherited stderr are left alone, since O_NONBLOCK would
 * hit everybody who shares it. Another writer may fill the pipe in between; then this one blocks
 * for as long as that reader sleeps. The watchdog is there for that case.
 */
#include "src/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE PIPE_BUF
/* Kept free at a line's end: a closing quote, " dropped=" with 20 digits, the line feed. */
#define LINE_TAIL 32

static int log_descriptor = STDERR_FILENO;
static enum log_level log_level_max = LOG_INFO;
static uint32_t log_replica;
static _Atomic uint64_t dropped_total;
static _Atomic uint64_t dropped_unsaid;

struct line {
    char text[LINE_SIZE];
    size_t size;
};

/* Adds the whole piece, or nothing: false when it does not fit in front of the tail. */
static bool add(struct line *line, const char *text, size_t size)
{
    if (line->size + size > LINE_SIZE - LINE_TAIL)
        return false;
    memcpy(line->text + line->size, text, size);
    line->size += size;
    return true;
}

static bool add_text(struct line *line, const char *text)
{
    return add(line, text, strlen(text));
}

static bool needs_quotes(const char *text)
{
    if (*text == '\0')
        return true;
    for (; *text != '\0'; text++)
        if ((unsigned char)*text <= ' ' || *text == '"' || *text == '=' || *text == '\\' ||
            *text == 0x7f)
            return true;
    return false;
}

/*
 * A value that is too long is cut between two bytes or escapes, and its quotes are closed:
 * the closing quote has the first byte of the tail.
 */
static void add_value(struct line *line, const char *text)
{
    bool quotes = needs_quotes(text);
    bool fits = !quotes || add_text(line, "\"");
    if (!fits)
        return;
    for (; fits && *text != '\0'; text++) {
        char piece[5] = {*text, '\0'};
        if (*text == '"' || *text == '\\')
            snprintf(piece, sizeof piece, "\\%c", *text);
        else if ((unsigned char)*text < ' ' || *text == 0x7f)
            snprintf(piece, sizeof piece, "\\x%02x", (unsigned)(unsigned char)*text);
        fits = add_text(line, piece);
    }
    if (quotes)
        line->text[line->size++] = '"';
}

static void add_number(struct line *line, const char *name, uint64_t number)
{
    char text[96];
    snprintf(text, sizeof text, " %s=%" PRIu64, name, number);
    add_text(line, text);
}

static void add_time(struct line *line)
{
    struct timespec now;
    struct tm utc;
    char text[40];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t size = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    add(line, text, size);
    snprintf(text, sizeof text, ".%06ldZ", now.tv_nsec / 1000);
    add_text(line, text);
}

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_ERROR:
        return "error";
    case LOG_WARNING:
        return "warning";
    case LOG_INFO:
        return "info";
    case LOG_DEBUG:
        return "debug";
    }
    return "unknown";
}

void log_configure(int descriptor, enum log_level level, uint32_t replica)
{
    log_descriptor = descriptor;
    log_level_max = level;
    log_replica = replica;
}

enum log_level log_current_level(void)
{
    return log_level_max;
}

uint64_t log_dropped_count(void)
{
    return atomic_load(&dropped_total);
}

static bool write_line(const struct line *line)
{
    struct pollfd ready = {.fd = log_descriptor, .events = POLLOUT};
    if (poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0)
        return false;
    ssize_t written;
    do
        written = write(log_descriptor, line->text, line->size);
    while (written < 0 && errno == EINTR);
    return written == (ssize_t)line->size;
}

/* A field that finds no room for its name and a little of its value is left out as a whole. */
static void add_field(struct line *line, const struct log_field *field)
{
    char name[96];
    if (field->text == NULL) {
        add_number(line, field->name, field->number);
        return;
    }
    snprintf(name, sizeof name, " %s=", field->name);
    if (line->size + strlen(name) + 8 > LINE_SIZE - LINE_TAIL)
        return;
    add_text(line, name);
    add_value(line, field->text);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    struct line line = {.size = 0};
    add_time(&line);
    add_text(&line, " ");
    add_text(&line, level_name(level));
    if (log_replica != 0)
        add_number(&line, "replica", log_replica);
    add_text(&line, " event=");
    add_value(&line, event);
    for (; fields->name != NULL; fields++)
        add_field(&line, fields);
    uint64_t dropped = atomic_load(&dropped_unsaid);
    if (dropped > 0)
        line.size +=
            (size_t)snprintf(line.text + line.size, LINE_TAIL - 2, " dropped=%" PRIu64, dropped);
    line.text[line.size++] = '\n';
    if (write_line(&line)) {
        atomic_fetch_sub(&dropped_unsaid, dropped);
    } else {
        atomic_fetch_add(&dropped_unsaid, 1);
        atomic_fetch_add(&dropped_total, 1);
    }
}
