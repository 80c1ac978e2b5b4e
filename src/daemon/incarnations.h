/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * incarnations.h - which disk each other replica has: the file `peers` of the data directory.
 *
 * A replica whose disk was replaced or wiped has forgotten what it promised and voted for. If it
 * came back as the voter that it was, two majorities could decide two things. So each replica keeps
 * in mind, durably, under which incarnation (drawn when a disk is made new) it knows each peer, and
 * talks to no other under that number. It is the one
 *
 *   - that it met first, or that the log named when it added the member (incarnations_pin);
 *   - or, later, that a peer in doubt about its journal rejoins under: from then on nothing of its
 *     former life is heard any more, and it votes again only after everybody told it what it may
 *     have forgotten (consensus/rejoin.c).
 *
 *   rsm peers\n
 *   format = 2\n
 *   <replica> = <known> <pinned>[ <former>...]\n
 *                                     one line for each that was met, in the order of numbers;
 *                                     pinned: what the log named last, or 0; former: what it was
 *                                     before it rejoined, the last one first
 *   check = <8 hexadecimal digits, CRC-32C of all the bytes before this line>\n
 *
 * Format 1 had one former, or 0; it is read, and written anew with the next change.
 */
#ifndef RSM_DAEMON_INCARNATIONS_H
#define RSM_DAEMON_INCARNATIONS_H

#include "src/base/ids.h"
#include "src/io/data_dir.h"

/* A peer that comes back in doubt again and again takes a new one each time; older ones are
 * dropped. */
#define FORMER_MAX 8u

struct incarnations {
    const struct data_dir *dir;      /* borrowed */
    uint64_t known[REPLICA_MAX + 1]; /* 0: not met yet */
    uint64_t pinned[REPLICA_MAX + 1];
    uint64_t former[REPLICA_MAX + 1][FORMER_MAX]; /* 0: no more of them */
};

/* RSM_OK also when there is no file yet. RSM_DAMAGED, RSM_NEWER_FORMAT, RSM_IO. */
enum rsm_status incarnations_open(struct incarnations *table, const struct data_dir *dir);

/*
 * True when the replica may be talked to under this incarnation. What is new is written down before
 * this returns; when that fails the answer is no. `rejoin`: the peer says that it is in doubt, and
 * takes a new one.
 */
bool incarnations_accept(struct incarnations *table, uint32_t replica, uint64_t incarnation,
                         bool rejoin);

/*
 * The log says that the member has this incarnation; 0 says nothing. Counts once each, and not when
 * the peer has rejoined since, once or several times: the command was written before that. RSM_IO.
 */
enum rsm_status incarnations_pin(struct incarnations *table, uint32_t replica,
                                 uint64_t incarnation);

#endif
