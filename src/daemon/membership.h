/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * membership.h - the members of the applied state, carried to the links, and what this process says
 * of itself before it is one of them.
 */
#ifndef RSM_DAEMON_MEMBERSHIP_H
#define RSM_DAEMON_MEMBERSHIP_H

#include <rsm/key.h>

#include "src/daemon/config.h"
#include "src/daemon/incarnations.h"
#include "src/daemon/methods.h"

struct peer_links;

struct membership {
    struct node *node; /* borrowed, as all */
    struct peer_links *links;
    struct incarnations *incarnations;
    const struct genesis *genesis;
    uint64_t applied;     /* looked at last */
    uint64_t version;     /* newest configuration that the links have; 0: none yet */
    uint64_t next_slot;   /* when the links can forget the one before; 0: they have */
    struct blob *left_by; /* owned: what left this disk behind (left_behind.h), or NULL */
};

/* The key of a member, of either configuration; false for a stranger. */
bool membership_key(const struct membership *m, uint32_t replica,
                    uint8_t key_out[RSM_PUBLIC_KEY_SIZE]);

/* After every turn, and once before the first: cheap while no slot was applied. */
enum rsm_status membership_follow(struct membership *m);

/* That body leaves this disk behind, as left_behind_by has it; once. The links follow later. */
void membership_leave_behind(struct membership *m, struct bytes body);

/*
 * Whether a process with this configuration and key may run: as the genesis names it, or as one
 * that waits to be added. On RSM_WRONG_IDENTITY *why_out has words, static memory.
 */
enum rsm_status membership_check(const struct config *config, const struct genesis *genesis,
                                 const uint8_t key[RSM_PUBLIC_KEY_SIZE], const char **why_out);

/* Room for a zone and two addresses, with their ends. */
#define MEMBERSHIP_TEXTS_SIZE (LIMIT_LABEL_SIZE + 2u * LIMIT_ADDRESS_SIZE + 3u)

/* The result borrows from all of these; `texts` has MEMBERSHIP_TEXTS_SIZE bytes. */
struct methods_self membership_self(const struct config *config, const struct genesis *genesis,
                                    const uint8_t *key, const struct data_dir *dir,
                                    const struct incarnations *peers, char *texts);

#endif
