/* SPDX-License-Identifier: GPL-3.0-or-later */
/* world.h - what load.c and world.c share: the zone, role, principals and clients of one run. */
#ifndef RSM_BENCH_WORLD_H
#define RSM_BENCH_WORLD_H

#include "bench/load.h"

#define WORLD_NAME_SIZE 64u

struct load_client {
    struct load_world *world;
    struct rsm_key *key;
    struct rsm_author *author;
    struct rsm_client *client; /* NULL until first needed */
    uint8_t owner[WORLD_NAME_SIZE];
    size_t owner_size;
    uint64_t sequence;

    /* of the change that is on its way */
    struct load_run *run;
    uint64_t begin_ns;
};

struct load_world {
    const char *endpoints; /* borrowed */
    struct rsm_client *control;
    struct rsm_author *admin;
    char word[16]; /* in all names of this run; also the role's name */
    uint8_t zone[WORLD_NAME_SIZE];
    size_t zone_size;
    struct load_client *clients; /* owned */
    uint32_t client_count;
    uint32_t principal_count; /* made so far */
};

#endif
