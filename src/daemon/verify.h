/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * verify.h - signatures are verified beside the main loop, before the node sees them.
 *
 *     request, peer's frame ---> threads: form, digest, signature ---> node (knows the digests)
 *                  \------------- nothing waits: here and now ------/
 *
 * The node stays what it is, one thread's: it is told which digests are good (node_note_verified),
 * and verifies what it was not told of itself. So a wrong answer here can only cost time.
 *
 * Order: what comes from one connection or one peer reaches the node as it came, for all of it goes
 * through one line; a peer's frame without signatures waits only behind others of that peer. When
 * nothing waits, the first envelope of a turn is verified at once: on an idle line a thread would
 * only add its waking up.
 *
 * Room is bounded. Without room a request is refused as busy, a peer's frame counts as lost.
 */
#ifndef RSM_DAEMON_VERIFY_H
#define RSM_DAEMON_VERIFY_H

#include "src/base/blob.h"
#include "src/daemon/node.h"

struct verify;
struct event_base;

#define VERIFY_WORKS_MAX 8192u
#define VERIFY_BYTES_MAX (64u << 20)

/* `threads` 0: everything at once, in the loop. All is borrowed. RSM_IO: no threads to be had. */
enum rsm_status verify_new(uint32_t threads, struct node *node, struct event_base *base,
                           const uint8_t *cluster_id, struct verify **verify_out);
/* Waits for the threads, drops what the node has not seen. Before the node is closed. */
void verify_free(struct verify *v);

/* In the place of node_submit. False: no room, nothing was done. */
bool verify_submit(struct verify *v, uint64_t token, struct blob *envelope);
/* In the place of node_on_frame. */
void verify_frame(struct verify *v, uint32_t from, struct bytes frame);
/* What came from that peer (0: from all) and waits is lost: another connection or life begins. */
void verify_drop_peer(struct verify *v, uint32_t peer);
/* A turn of the loop has ended. */
void verify_end_turn(struct verify *v);
/* Nothing waits. */
bool verify_is_idle(const struct verify *v);

#endif
