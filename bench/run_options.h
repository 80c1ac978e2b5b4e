/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run_options.h - what `run` and `sweep` have in common: what is measured, and where. */
#ifndef RSM_BENCH_RUN_OPTIONS_H
#define RSM_BENCH_RUN_OPTIONS_H

#include "bench/session.h"

struct run_options {
    struct session_options session;
    const char *dir, *endpoints, *key;
    struct numbers processes;
    uint64_t replicas, base_port, repeat;
    uint64_t bundle, changes, size, zones, keys, connections, first_key;
};

#define RUN_OPTION_COUNT 26u

#define RUN_OPTIONS_HELP                                                                           \
    "where:\n"                                                                                     \
    "  --dir DIR          for a cluster of its own and the floor (a new one in $TMPDIR or /tmp)\n" \
    "  --replicas N       of its own cluster (3)\n"                                                \
    "  --base-port N      of its own cluster\n"                                                    \
    "  --endpoints A,B    a cluster that runs already\n"                                           \
    "  --key FILE         its administrator's key, plain\n"                                        \
    "  --processes N,N    its replicas on this machine, in the order of the endpoints: their "     \
    "use\n"                                                                                        \
    "  --at leader|follower|any  which replica the clients ask (leader)\n"                         \
    "how much:\n"                                                                                  \
    "  --clients N,N,...  1 to 1024; one is measured after the other (1,8,64,256)\n"               \
    "  --rate N,N,...     open loop: so many operations a second; a latency is from the "          \
    "intended\n"                                                                                   \
    "                     start. Without it: closed loop, each client begins when it has its\n"    \
    "                     answer\n"                                                                \
    "  --seconds S        of each (5), after --warm-up S (a tenth, half a second at least)\n"      \
    "  --count N          or end after so many\n"                                                  \
    "  --repeat N         everything again, in turns (1)\n"                                        \
    "  --timeout-ms N     of one call (20000)\n"                                                   \
    "what:\n"                                                                                      \
    "  --size N           bytes of a signed change set (256; there is a least size)\n"             \
    "  --changes N        record sets in one change set (1)\n"                                     \
    "  --bundle N         change sets under one signature (1)\n"                                   \
    "  --zones N          1 to 64 (1); --keys N of each client (1)\n"                              \
    "  --distribution uniform|zipf  of the keys (uniform)\n"                                       \
    "  --connections N    that all clients share (0: each its own)\n"                              \
    "  --shared           all clients are callers of one librsm client and author, which "         \
    "bundles\n"                                                                                    \
    "                     their changes by itself (rsm/submitter.h)\n"                             \
    "  --reads N          percent of the operations that are reads (0)\n"                          \
    "  --level linearizable|stale  of the reads (linearizable)\n"                                  \
    "  --seed N           of the draws (1)\n"                                                      \
    "  --floor-count N    of each floor measurement, before each load (500; 0: none)\n"

void run_options_default(struct run_options *o);
void run_options_rows(struct run_options *o, struct option rows[RUN_OPTION_COUNT]);
/* What the rows cannot say; takes the numbers over into the session's. False: said on stderr. */
bool run_options_check(struct run_options *o);
/* The arguments as one line. */
void run_options_describe(const char *command, int count, char **arguments, char *out, size_t size);

/* The cluster that a run is against: one of its own, or the one that it was told. */
struct run_place {
    struct cluster cluster;
    struct session_cluster where;
    const char *described; /* the directory in words */
};

/* Says on stderr what went wrong. Closed in any case. */
enum rsm_status run_place_open(struct run_place *p, const struct run_options *o);
void run_place_close(struct run_place *p);

#endif
