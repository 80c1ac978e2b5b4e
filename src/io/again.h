/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * again.h - a process that begins again in its own place, when only that mends it.
 *
 * A page of the store that cannot be read, or whose bytes lead LMDB astray, ends a process: SIGBUS,
 * SIGSEGV, or LMDB's own abort. What was acknowledged is on the disk, and the next start looks at
 * every row in a child, so the program is executed anew, under the same number, with the same
 * arguments. Not more than a few times in short succession: then the fault ends it, as always.
 */
#ifndef RSM_IO_AGAIN_H
#define RSM_IO_AGAIN_H

#include <signal.h>
#include <stdint.h>

/*
 * Remembers the arguments (borrowed for ever) and takes over the faults that nobody has taken yet.
 * Once, at the beginning. Returns how often this process began again lately, and in *signal_out
 * why: a signal's number, 0 for again_now.
 */
uint32_t again_prepare(char **arguments, int *signal_out);

/* Never again: it was told to stop. */
void again_never(void);
/* Begins again now. Returns when it was done too often, or cannot be done. */
void again_now(void);

/*
 * What a thread beside the main one blocks: signals are the main loop's, but not those that its own
 * steps raise. A fault whose signal is blocked ends the process without a word and without another
 * beginning: so a damaged page under the store's thread would.
 */
void again_signals_of_thread(sigset_t *set_out);

#endif
