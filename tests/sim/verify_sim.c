/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * verify_sim.c - stands before envelope_verify (the linker's --wrap): an envelope that was good
 * once in this process is good. Verification is most of what a replica computes, and every replica
 * does it; in a share of the seeds each does so here as well.
 */
#include <string.h>

#include "src/command/envelope.h"
#include "tests/sim/memory.h"
#include "tests/sim/sim_node.h"

#define PLACES 16384u

enum rsm_status __real_envelope_verify(const struct envelope *e,
                                       const uint8_t cluster_id[CLUSTER_ID_SIZE]);
enum rsm_status __wrap_envelope_verify(const struct envelope *e,
                                       const uint8_t cluster_id[CLUSTER_ID_SIZE]);

static bool is_real;
static uint64_t known[PLACES][2];

void verify_sim_begin(bool real)
{
    is_real = real;
}

enum rsm_status __wrap_envelope_verify(const struct envelope *e,
                                       const uint8_t cluster_id[CLUSTER_ID_SIZE])
{
    uint64_t hash = memory_value_hash(e->raw);
    uint64_t cluster = memory_value_hash(bytes_make(cluster_id, CLUSTER_ID_SIZE));
    uint64_t *place = known[hash % PLACES];
    if (!is_real && place[0] == hash && place[1] == cluster)
        return RSM_OK;
    enum rsm_status status = __real_envelope_verify(e, cluster_id);
    if (status == RSM_OK) {
        place[0] = hash;
        place[1] = cluster;
    }
    return status;
}
