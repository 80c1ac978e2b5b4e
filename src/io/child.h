/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * child.h - work that may crash, in a child process.
 *
 * Damaged bytes under LMDB can raise SIGBUS, abort or loop. Whoever reads a store that is not known
 * to be sound does it here, and a crash becomes an answer.
 */
#ifndef RSM_IO_CHILD_H
#define RSM_IO_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include <rsm/status.h>

struct child_end {
    bool exited;
    int exit_status; /* when it exited */
    int signal;      /* when it did not; SIGALRM: it took too long */
};

/*
 * Forks, runs `work` in the child, waits for it. What the child writes to its descriptors is seen;
 * its exit status is what `work` returned (0..255). No core file, and SIGALRM after `seconds_max`
 * seconds (0: never). Only while this process has one thread. RSM_IO: no process to be had.
 */
enum rsm_status child_run(int (*work)(void *context), void *context, uint32_t seconds_max,
                          struct child_end *end_out);

/*
 * Reads the whole store in a child and checks every row: before a replica opens its own. RSM_OK
 * (also when there is none yet), RSM_DAMAGED (a check failed, or reading killed the child), RSM_IO
 * (it could not be checked: no memory, a newer format, the child was ended by somebody).
 * `seconds_max` as above: a loop inside LMDB is damage.
 */
enum rsm_status child_verify_store(const char *path, uint32_t seconds_max);

#endif
