/* SPDX-License-Identifier: GPL-3.0-or-later */
/* process.h - what a process has used so far, from /proc (proc(5)). */
#ifndef RSM_BENCH_PROCESS_H
#define RSM_BENCH_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process_use {
    uint64_t cpu_ns;        /* of all its threads that live: task/TID/schedstat */
    uint64_t switches;      /* context switches, of one's own will or not: task/TID/status */
    uint64_t written_bytes; /* made dirty or written directly: io; 0 when it may not be read */
    uint64_t minor_faults, major_faults; /* pages of a map: in memory, or read from the disk */
    uint64_t resident_bytes;
    uint64_t anonymous_bytes; /* of them, those that are no page of a file */
};

/* False when there is no such process, or it may not be looked at. */
bool process_use(pid_t pid, struct process_use *out);

/*
 * Bytes that everybody has written so far to the disk that the directory is on
 * (/sys/dev/block/M:N/stat); 0 when it is on none.
 */
uint64_t process_disk_written(const char *directory);

/*
 * The value behind `name` at the beginning of a line of such a file ("voluntary_ctxt_switches:"),
 * 0 when there is none.
 */
uint64_t process_field(const char *text, const char *name);

/* Both numbers of page faults in /proc/PID/stat, whatever the process's name is; else 0. */
void process_faults(const char *stat, uint64_t *minor_out, uint64_t *major_out);

#endif
