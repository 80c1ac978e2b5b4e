/* SPDX-License-Identifier: GPL-3.0-or-later */
/* world.h - what load.c, world.c and workload.c share: the zones, principals and clients of a run.
 */
#ifndef RSM_BENCH_WORLD_H
#define RSM_BENCH_WORLD_H

#include "bench/draw.h"
#include "bench/load.h"
#include "bench/shared.h"

#define WORLD_NAME_SIZE 64u
#define WORLD_TYPE_TXT 16u

struct load_client {
    struct load_world *world;
    uint32_t index;
    struct rsm_key *key;
    struct rsm_author *author;
    uint64_t sequence;
    uint32_t next_key; /* with shape.is_once */

    /* of the operation that is on its way */
    struct load_run *run;
    uint64_t begin_ns; /* or when it should have begun */
    bool is_read;
    struct rsm_buffer envelope; /* of a change, until its outcome is known */
    uint64_t counter_before;    /* the author's, for a change that turns out not to have happened */
    struct load_client *next;   /* among those without an operation */
};

struct world_name {
    uint8_t data[WORLD_NAME_SIZE]; /* wire form */
    size_t size;
};

struct load_world {
    struct load_shape shape;
    struct rsm_client *control;
    struct rsm_author *admin;
    char word[16]; /* in all names of this run; also the role's name */
    struct world_name zones[LOAD_ZONES_MAX];
    uint32_t zone_count;             /* made so far */
    struct load_client *clients;     /* owned, shape.client_count of them */
    uint32_t principal_count;        /* made so far */
    struct rsm_client **connections; /* owned; NULL until first needed */
    uint32_t connection_count;
    uint32_t sets;         /* record sets of a key; above shape.changes in a kept world alone */
    struct shared *shared; /* owned; NULL: each client signs by itself */
    uint32_t filler_size;  /* bytes of text in each record */
    struct draw draw;
    struct prng prng;
};

/* ---- workload.c: what a client signs and asks for ---- */

/* Whether the client has anything left to write. */
bool workload_has_more(const struct load_client *c);
/* Chooses world->filler_size, by what a change set without any filler takes. */
void workload_size(struct load_world *world);
/* The next change set of this client, or a bundle of them, signed. Owned by the caller. */
struct rsm_buffer workload_sign(struct load_client *c);
/* The same change set as a body, for who signs it elsewhere. */
struct rsm_buffer workload_body(struct load_client *c);
/* All record sets of the keys from `first` on in one zone, up to 512; 0: there are none. */
uint32_t workload_fill(struct load_client *c, uint32_t first, struct rsm_buffer *envelope_out);
/* Parameters of a read of a key that is drawn, of any client. Owned: rsm_pack_free. */
struct rsm_pack *workload_read(struct load_world *world, uint32_t client_count, bool is_stale);

/* A wire name of labels in front of `suffix`, which is a wire name or NULL (the root). */
void world_name(struct world_name *out, const char *const *labels, const struct world_name *suffix);

#endif
