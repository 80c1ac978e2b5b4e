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
 *     have forgotten (consensus/rejoin.c)
 *   - or that it has rejoined under, when what is known is in the list of what it was.
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
 *
 * A replica's own line says what it was itself, and it tells that to its peers: a voter that was
 * made one while the other rejoined, and so was asked for nothing, knows it by its former number.
 */
#ifndef RSM_DAEMON_INCARNATIONS_H
#define RSM_DAEMON_INCARNATIONS_H

#include "src/base/ids.h"
#include "src/io/data_dir.h"

struct incarnations {
    const struct data_dir *dir;      /* borrowed */
    uint64_t known[REPLICA_MAX + 1]; /* 0: not met yet */
    uint64_t pinned[REPLICA_MAX + 1];
    uint64_t former[REPLICA_MAX + 1][FORMER_MAX]; /* 0: no more of them */
};

/* RSM_OK also when there is no file yet. RSM_DAMAGED, RSM_NEWER_FORMAT, RSM_IO. */
enum rsm_status incarnations_open(struct incarnations *table, const struct data_dir *dir);

/*
 * True when the replica may be talked to as what it says it is. What is new is written down before
 * this returns; when that fails the answer is no. New is taken of who is in doubt, and of who was
 * in doubt and was before what is known; `takes_any`: of everybody.
 */
bool incarnations_accept(struct incarnations *table, uint32_t replica,
                         const struct incarnation *incarnation, bool takes_any);

/* This replica's disk is in doubt, and calls itself `next`; it was `number` when it was made new,
 * or last got its vote back. Durable when this returns. RSM_IO. */
enum rsm_status incarnations_rename(struct incarnations *table, uint32_t self, uint64_t number,
                                    uint64_t next);
/* What this replica says that it is under that number. */
struct incarnation incarnations_own(const struct incarnations *table, uint32_t self,
                                    uint64_t number, bool rejoins);

/*
 * The log says that the member has this incarnation; 0 says nothing. Counts once each, and not when
 * the peer has rejoined since, once or several times: the command was written before that. RSM_IO.
 */
enum rsm_status incarnations_pin(struct incarnations *table, uint32_t replica,
                                 uint64_t incarnation);

#endif
