/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_sim.h - the store of a simulated replica: an ordered map in memory, or in a share of the
 * seeds the real LMDB store in a directory of its own. Either way a commit is there whole or not at
 * all, and a crash finds the last one.
 */
#ifndef RSM_TESTS_SIM_STORE_SIM_H
#define RSM_TESTS_SIM_STORE_SIM_H

#include <stdbool.h>

#include "src/base/ids.h"
#include "src/base/kv.h"

struct store_sim;

struct store_sim *store_sim_new(const uint8_t cluster[CLUSTER_ID_SIZE], uint32_t replica,
                                bool real);
void store_sim_free(struct store_sim *s);
/* As of the last commit; what a node takes as its base. */
struct kv *store_sim_kv(struct store_sim *s);
/* Durable when it returns. */
void store_sim_commit(struct store_sim *s, struct kv *overlay);
/* A copy that stays; freed with kv_free. */
struct kv *store_sim_cut(struct store_sim *s);
/* A snapshot takes the place of all that was there, durably; takes `content` over. */
void store_sim_install(struct store_sim *s, struct kv *content);
/* The process died: closes it and opens it again. */
void store_sim_crash(struct store_sim *s);
/* The disk is gone: an empty one takes its place. */
void store_sim_wipe(struct store_sim *s);
/* The applied slot of the last commit; 0: none. */
uint64_t store_sim_applied(struct store_sim *s);

#endif
