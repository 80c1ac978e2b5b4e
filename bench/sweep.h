/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep.h - the settings that a sweep tries, one at a time. */
#ifndef RSM_BENCH_SWEEP_H
#define RSM_BENCH_SWEEP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SWEEP_VARIANTS_MAX 48u

/*
 * One setting. What is no key of the daemon's configuration:
 *
 *   pin=spread   replica n runs on processor n modulo their number alone
 *   pin=one      all replicas on the first one
 *   bundle=N     change sets under one signature: what signatures cost, which cannot be switched
 * off
 */
struct sweep_variant {
    char knob[40], value[40]; /* both empty: as the replicas are without a setting */
};

struct sweep {
    struct sweep_variant variants[SWEEP_VARIANTS_MAX]; /* the first is without a setting */
    uint32_t count;
};

/* "window=1,64;journal_flush=odirect", or NULL for all that are known. False: not of this form. */
bool sweep_parse(struct sweep *s, const char *text);
/* Whether a variant is a line of rsmd.conf; then it is printed as that. */
bool sweep_config_line(const struct sweep_variant *v, char *line, uint32_t size);
/*
 * Whether what it says would be measured by replicas whose directories are in `directory`: a way to
 * flush that system or file system refuse would have another one in its place. Why not, a sentence.
 */
bool sweep_is_had(const struct sweep_variant *v, const char *directory, char *why, uint32_t size);
/* Pins the processes as the value says; false: it says something else, or that did not work. */
bool sweep_pin(const char *value, const pid_t *processes, uint32_t count);

#endif
