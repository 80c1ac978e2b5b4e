/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_thread.h - the one thread that commits frozen overlays to the store.
 *
 *   idle -> busy (store_thread_commit) -> done (the thread) -> idle (store_thread_collect)
 *
 * The overlay belongs to the thread from store_thread_commit until store_thread_collect answered:
 * nobody writes to it, and it is read by both. The descriptor becomes readable when done.
 */
#ifndef RSM_IO_STORE_THREAD_H
#define RSM_IO_STORE_THREAD_H

#include <stdbool.h>

#include <rsm/status.h>

#include "src/base/kv.h"

struct store;
struct store_thread;

/* Starts it. `store` is borrowed until store_thread_stop. RSM_IO when there is no thread to be had.
 */
enum rsm_status store_thread_start(struct store *store, struct store_thread **thread_out);

/* Waits for a running commit, ends the thread, frees. NULL is ignored. */
void store_thread_stop(struct store_thread *thread);

/* Commits go into this store from now on. Only when idle. */
void store_thread_set_store(struct store_thread *thread, struct store *store);

/* Reads back what was committed: `store` is a snapshot of it, for the call. In the thread. */
typedef void store_thread_look(void *context, const struct kv *frozen, struct kv *store);

/*
 * Begins to commit `frozen`, and to look at what came of it where it went well; `look` may be NULL.
 * Only when idle (a bug otherwise). Never waits.
 */
void store_thread_commit(struct store_thread *thread, const struct kv *frozen,
                         store_thread_look *look, void *context);

/* An eventfd: readable from the end of a commit until store_thread_collect. Owned by the thread. */
int store_thread_descriptor(const struct store_thread *thread);

/*
 * True when a commit has ended; then idle again, and *status_out is what store_commit said, or
 * RSM_LOCKED: there was no reader to be had to look at it.
 */
bool store_thread_collect(struct store_thread *thread, enum rsm_status *status_out);

/* Waits until the commit that was begun has ended; it is still to be collected. Not when idle. */
void store_thread_wait(struct store_thread *thread);

/* Begun and not collected. */
bool store_thread_is_busy(const struct store_thread *thread);

#endif
