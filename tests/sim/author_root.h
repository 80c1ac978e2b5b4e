/* SPDX-License-Identifier: GPL-3.0-or-later */
/* author_root.h - what authors say of the root role (author_root.c). */
#ifndef RSM_TESTS_SIM_AUTHOR_ROOT_H
#define RSM_TESTS_SIM_AUTHOR_ROOT_H

#include "tests/sim/sim_node.h"

/* Which author's person it is: one has two names. */
uint32_t root_person(uint32_t index);
/* The administrator's: how many have to agree, or who holds the role. */
enum rsm_kind root_operation(struct node_cluster *c, struct rsm_buffer *body);
/* Some change that waits for the role, as that replica knows it; false: none. */
bool root_find(struct node_cluster *c, uint32_t at, uint8_t digest_out[HASH_SIZE]);
void root_approve(const uint8_t digest[HASH_SIZE], struct rsm_buffer *body);

#endif
