/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hook.h - a program of the operator's, started with some text on its stdin.
 *
 * No shell. The program is a regular file that root or this process's user owns and nobody else can
 * write to. It gets no arguments, no descriptor but stdin, no environment but PATH, stdout and
 * stderr that lead nowhere, a process group of its own, and HOOK_TIME_MS; then the whole group is
 * killed. What it says back is not listened to. Nothing here waits.
 *
 * The daemon's one thread.
 */
#ifndef RSM_IO_HOOK_H
#define RSM_IO_HOOK_H

#include <stdint.h>

#include <rsm/status.h>

#include "src/base/bytes.h"

#define HOOK_RUNS_MAX 8u
#define HOOK_TIME_MS 30000u

struct hook;

/* `path` is copied. Owned by the caller. */
struct hook *hook_new(const char *path);
/* Ends what runs. NULL is ignored. */
void hook_free(struct hook *hook);

/*
 * RSM_OK: it was started, once; whether it does its work is its own business. RSM_BUSY: so many run
 * already. RSM_NOT_FOUND, RSM_NOT_ALLOWED (whose file it is, who may write to it), RSM_IO.
 */
enum rsm_status hook_run(struct hook *hook, struct bytes text, uint64_t now_ms);
/* Takes the ends of those that ended; `now_ms` is a clock that nobody sets. */
void hook_on_tick(struct hook *hook, uint64_t now_ms);
/* Started, and their end not taken yet. */
uint32_t hook_running(const struct hook *hook);

#endif
