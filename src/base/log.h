/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - one line per event on stderr: time, level, replica, event and key=value pairs.
 *
 *     2026-11-23T15:02:11.123456Z info replica=2 event=leader ballot=7.2 slot=1201
 *
 * Values with blanks, quotes or control characters are quoted and escaped. A sink that would block
 * loses the line; the next line that passes says how many were dropped. Never log secrets.
 */
#ifndef RSM_BASE_LOG_H
#define RSM_BASE_LOG_H

#include <stdint.h>

enum log_level {
    LOG_ERROR = 1, /* something is broken, a person must look */
    LOG_WARNING,
    LOG_INFO, /* rare events: leader changes, alarms, connections of peers */
    LOG_DEBUG,
};

/* At least one field.  Pass text only through LOG_TEXT, numbers through LOG_U64. */
struct log_field {
    const char *name;
    const char *text; /* NULL: the number counts */
    uint64_t number;
};

#define LOG_TEXT(name, text) ((struct log_field){(name), (text), 0})
#define LOG_U64(name, number) ((struct log_field){(name), 0, (uint64_t)(number)})

/* Set once before threads start. `descriptor` is usually 2; replica 0 prints none. */
void log_configure(int descriptor, enum log_level level, uint32_t replica);
/* Called by the macro. */
void log_write(enum log_level level, const char *event, const struct log_field *fields);
/* Lines that could not be written so far: the descriptor was full. Any thread. */
uint64_t log_dropped_count(void);
/* For the macro: what is above it is not even put together. */
enum log_level log_current_level(void);

#define LOG(level, event, ...)                                                                     \
    do {                                                                                           \
        if ((level) <= log_current_level())                                                        \
            log_write((level), (event), (const struct log_field[]){__VA_ARGS__, {0, 0, 0}});       \
    } while (0)

#endif
