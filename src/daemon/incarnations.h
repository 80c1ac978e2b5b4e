/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * incarnations.h - which disk each other replica has: the file `peers` of the data directory.
 *
 * A replica whose disk was replaced or wiped has forgotten what it promised and voted for. If it
 * came back as the voter that it was, two majorities could decide two things. So each replica keeps
 * in mind, durably, the incarnation (drawn when a disk is made new) under which it first met each
 * peer, and talks to no other under that number.
 *
 *   rsm peers\n
 *   format = 1\n
 *   <replica> = <incarnation>\n       one line for each that was met, in the order of numbers
 *   check = <8 hexadecimal digits, CRC-32C of all the bytes before this line>\n
 */
#ifndef RSM_DAEMON_INCARNATIONS_H
#define RSM_DAEMON_INCARNATIONS_H

#include "src/base/ids.h"
#include "src/io/data_dir.h"

struct incarnations {
    const struct data_dir *dir;      /* borrowed */
    uint64_t known[REPLICA_MAX + 1]; /* 0: not met yet */
};

/* RSM_OK also when there is no file yet. RSM_DAMAGED, RSM_NEWER_FORMAT, RSM_IO. */
enum rsm_status incarnations_open(struct incarnations *table, const struct data_dir *dir);

/*
 * True when the replica may be talked to under this incarnation. The first time it is written down
 * before this returns; when that fails the answer is no.
 */
bool incarnations_accept(struct incarnations *table, uint32_t replica, uint64_t incarnation);

#endif
