/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_server.h - a scripted server on loopback: a thread that runs the test's own script.
 *
 * The script blocks in accept and read; whatever it does not expect is a CHECK, which ends the test
 * as a crash. fake_stop joins it: a test that passes has seen its whole script run.
 */
#ifndef TESTS_LIB_FAKE_SERVER_H
#define TESTS_LIB_FAKE_SERVER_H

#include <pthread.h>

#include "src/base/bytes.h"
#include "src/command/canonical.h"
#include "src/command/pack.h"
#include "src/command/unpack.h"

struct fake {
    int listener;
    int connection; /* -1: none */
    char endpoint[160];
    pthread_t thread;
    void (*script)(struct fake *fake);
    void *context;
    uint8_t in[1u << 17];
    size_t in_size;
};

/* A request, borrowed until the next read. */
struct fake_request {
    uint32_t msgid;
    struct bytes method;
    struct bytes params; /* the array's bytes */
    struct bytes raw;
};

/* Listens on a port of the system's choice, or on `unix_path`; then runs the script. */
void fake_start(struct fake *fake, const char *unix_path, void (*script)(struct fake *),
                void *context);
/* Waits for the script's end. */
void fake_stop(struct fake *fake);

void fake_accept(struct fake *fake);
void fake_close(struct fake *fake);
/* Reads one whole request. */
struct fake_request fake_read(struct fake *fake);
/* Reads one whole request and checks its method. */
struct fake_request fake_expect(struct fake *fake, const char *method);
/* Blocks until the client has closed its side; nothing more may come from it. */
void fake_expect_end(struct fake *fake);
void fake_write(struct fake *fake, const void *data, size_t size);
/* [1, msgid, nil, result]; `result` is packed already. */
void fake_answer(struct fake *fake, uint32_t msgid, struct bytes result);
/* [1, msgid, nil, number] */
void fake_answer_number(struct fake *fake, uint32_t msgid, uint64_t number);
/* [1, msgid, text, nil] */
void fake_refuse(struct fake *fake, uint32_t msgid, const char *text);
/* [2, method, [{"watch": watch, "slot": slot}]], with "error": error unless NULL */
void fake_notify(struct fake *fake, const char *method, uint64_t watch, uint64_t slot,
                 const char *error);

#endif
