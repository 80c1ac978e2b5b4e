/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replica_dir.h - a replica's data directory, made without a replica: genesis, journal, store.
 *
 * Slots are applied as a replica applies them; those up to the last replica_dir_commit are in the
 * store, all are in the journal, voted for and chosen.
 */
#ifndef RSM_TESTS_LIB_REPLICA_DIR_H
#define RSM_TESTS_LIB_REPLICA_DIR_H

#include <rsm/command.h>

#include "src/command/genesis.h"
#include "src/machine/machine.h"
#include "storage/chain.h"
#include "storage/identity.h"
#include "tests/lib/temp_dir.h"

struct data_dir;
struct disk;
struct journal;
struct store;

struct replica_dir {
    struct temp_dir temp;
    char path[TEMP_DIR_SIZE + 64];
    struct identity identity;
    struct rsm_key *key; /* of the administrator "alice" */
    struct writer genesis_bytes;
    struct genesis genesis;
    struct data_dir *dir; /* held while open */
    struct disk *disk;
    struct journal *journal;
    struct store *store;
    struct kv *state; /* overlay over the store */
    struct machine *machine;
    struct verdicts verdicts;
    struct chain_heads heads;
    uint64_t slot;
    uint64_t sequence;
    uint64_t counter; /* alice's last */
    uint64_t time_ms;
};

void replica_dir_make(struct replica_dir *r);
/* Ends the writing, as a killed process does; the directory stays. */
void replica_dir_stop(struct replica_dir *r);
/* Stops and removes everything. */
void replica_dir_remove(struct replica_dir *r);

/* The next slot: an entry as it is. */
void replica_dir_add(struct replica_dir *r, struct bytes entry);
/* The next slot: a command of alice's. `body` is freed. `damage_signature`: one bit of it flipped.
 */
void replica_dir_command(struct replica_dir *r, enum rsm_kind kind, struct rsm_buffer body,
                         bool damage_signature);
/* A zone with SOA, NS and one address; and an address changed. */
void replica_dir_add_zone(struct replica_dir *r, const char *name);
void replica_dir_change(struct replica_dir *r, const char *zone, uint8_t last_octet);
/* What was added so far goes to the store. */
void replica_dir_commit(struct replica_dir *r);

#endif
