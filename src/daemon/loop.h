/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * loop.h - the running replica: where sockets, threads and signals meet the node.
 *
 * A turn of the loop: wait for events, run their callbacks (each hands something to the node), then
 * one node_flush for all of them.
 */
#ifndef RSM_DAEMON_LOOP_H
#define RSM_DAEMON_LOOP_H

#include "src/daemon/config.h"

struct loop;

/*
 * Opens everything that the configuration names: keys, genesis, data directory (made at the first
 * start), store, journal, listeners. On failure `text` (CONFIG_ERROR_SIZE bytes) says what and why,
 * and nothing is left open. The configuration is borrowed until loop_free.
 */
enum rsm_status loop_new(const struct config *config, struct loop **loop_out, char *text);

/* Runs until SIGTERM or SIGINT, then ends cleanly. Not RSM_OK: something failed for good. */
enum rsm_status loop_run(struct loop *loop);

/* NULL is ignored. */
void loop_free(struct loop *loop);

#endif
