/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * journal.h - the acceptor's memory: promises, votes and chosen marks, durable before they are
 * spoken of.
 *
 * Records are collected and become durable together by one flush (a group: segment.h). A segment is
 *
 *   prepared   zero-filled, head written, flushed   journal_prepare_next, off the commit path
 *   current    takes groups                         the flush of a group that does not fit before
 *   sealed     its head names its last group        the same, before the next segment's first group
 *   dropped    removed                              journal_drop_below
 *
 * Recovery (storage/recover.c) decides between
 *
 *   clean       nothing is wrong
 *   cut         the last group was torn and never acknowledged; it was overwritten with zeros
 *   uncertain   the last group is torn, and may have been acknowledged
 *   damaged     something is gone that was acknowledged, or may have been: see the findings
 *
 * In the last two it must not vote under this incarnation: what it forgot is not absent. The
 * journal is then open for reading only.
 *
 * Thread: the main loop's. Only journal_flush, journal_prepare_next, journal_drop_below and
 * (rarely, when nothing was prepared) journal_append wait for the disk.
 */
#ifndef RSM_STORAGE_JOURNAL_H
#define RSM_STORAGE_JOURNAL_H

#include <rsm/status.h>

#include "storage/disk.h"
#include "storage/record.h"
#include "storage/report.h"

#define JOURNAL_FORMAT 1u

struct journal;

/* Bound into every checksum: bytes of another replica or incarnation never check. */
struct journal_identity {
    uint8_t cluster[CLUSTER_ID_SIZE];
    uint32_t replica;
    uint64_t incarnation;
};

struct journal_options {
    uint32_t segment_size;   /* bytes; 0: 16 MiB. Brought to 32 KiB .. LIMIT_SEGMENT_SIZE */
    uint32_t prepared_count; /* segments kept ready; 0: 2 */
    bool create;             /* make the first segment when there is no file at all */
};

/*
 * Borrowed during the call. A status that is not RSM_OK ends the recovery. `is_evidence`: it stands
 * behind a damaged place, so its chosen marks may mean votes that are missing.
 */
typedef enum rsm_status journal_visit(void *context, const struct record *record, bool is_evidence);

/*
 * Opens the journal on `disk` (borrowed until journal_close), recovers it, and calls `visit` for
 * each valid record in order, checkpoints included, and then for those behind a doubtful place.
 *
 * RSM_OK: clean or cut; more can be appended, the next sequence is report->last_sequence + 1.
 * RSM_UNCERTAIN, RSM_DAMAGED: *journal_out is open, but for reading only: journal_append answers
 * RSM_READ_ONLY. The disk was not changed. What check was visited.
 * Anything else leaves *journal_out NULL: RSM_NOT_FOUND (no file, and not to be created),
 * RSM_WRONG_IDENTITY (all heads that say something are of another cluster or replica; segments of
 * another incarnation alone are damage: the one of this incarnation is gone), RSM_NEWER_FORMAT,
 * RSM_IO, RSM_DISK_FULL, RSM_NO_MEMORY, or what `visit` said.
 * Done again after a crash at any moment of a recovery, it comes to the same result.
 */
enum rsm_status journal_open(struct disk *disk, const struct journal_identity *identity,
                             const struct journal_options *options, journal_visit *visit,
                             void *context, struct journal_report *report_out,
                             struct journal **journal_out);

/*
 * The slot up to which this journal relies on the store: votes there may have been dropped. A store
 * that holds less has been lost or taken back; then the journal must not be opened until the store
 * holds so much again, or what was voted for would look as if it had not been. Reads heads and
 * marks alone. RSM_OK, also with no file (0); RSM_TOO_MANY, RSM_NEWER_FORMAT, RSM_WRONG_IDENTITY,
 * RSM_IO.
 */
enum rsm_status journal_base(struct disk *disk, const struct journal_identity *identity,
                             uint64_t *slot_out);

/* Forgets what was not flushed; NULL is ignored. */
void journal_close(struct journal *j);

/*
 * Adds a record (copied) to the group that the next flush writes. record->sequence is the last one
 * plus 1, the kind is no checkpoint; both are checked as bugs. The value is at most
 * LIMIT_VALUE_SIZE: a record larger than a segment gets a larger segment.
 *
 * RSM_DISK_FULL: nothing was appended; for votes this comes while promises and chosen marks still
 * fit. RSM_READ_ONLY: see journal_open. RSM_IO: as journal_flush.
 */
enum rsm_status journal_append(struct journal *j, const struct record *record);

/*
 * Writes what was appended and flushes it; RSM_OK at once when there is nothing. On any failure the
 * journal is dead (every later call says RSM_IO) and the process must end: what is on the disk is
 * unknown, and a second flush would report bytes that are not there.
 */
enum rsm_status journal_flush(struct journal *j);

/*
 * The same, but where the disk can do it beside the caller: RSM_BUSY: what was appended so far is
 * under way, and journal_flush_end says when it is durable; what is appended meanwhile is for the
 * next flush. Any other call that writes to the current segment waits for it first.
 */
enum rsm_status journal_flush_begin(struct journal *j);
/* RSM_BUSY: not yet. RSM_OK: durable, also when nothing is under way. RSM_IO: as journal_flush. */
enum rsm_status journal_flush_end(struct journal *j);

/* Everything up to this sequence is durable. */
uint64_t journal_durable_seq(const struct journal *j);

/*
 * Work for idle moments, off the commit path: writes the lazy `b` mark (without it a crash leaves
 * the last group less certain) and flushes it, and goes on with preparing a segment (half a MiB of
 * zeros at a time, beside the caller where the disk can) while fewer than prepared_count are ready.
 * Call it after 10 ms without an append, and again while journal_is_idle_work_due. RSM_DISK_FULL:
 * new commands should be refused (journal_is_low), votes go on; clears by itself later. RSM_IO.
 */
enum rsm_status journal_prepare_next(struct journal *j);
bool journal_is_idle_work_due(struct journal *j); /* while the disk is full: now and then */
/* The same between appends, each 10 ms: no mark, and zeros in small steps. */
enum rsm_status journal_prepare_ahead(struct journal *j);

/*
 * The store holds every slot up to `slot`, durably: removes the segments before the current one
 * whose votes are all for slots up to there, oldest first. RSM_IO: as journal_flush.
 */
enum rsm_status journal_drop_below(struct journal *j, uint64_t slot);

/* Where the last durable group ends: what lies before is written no more, but for the marks. */
struct journal_extent {
    uint64_t first;   /* the lowest segment */
    uint64_t segment; /* the current one */
    uint64_t offset;
};

struct journal_extent journal_extent(const struct journal *j);

/*
 * Begins the next segment now, with a checkpoint alone, durably: then journal_drop_below removes
 * the one that was current, in which damage was found. Nothing waits for a flush. RSM_DISK_FULL:
 * nothing changed. RSM_IO: as journal_flush.
 */
enum rsm_status journal_turn(struct journal *j);

/* Fewer segments than the reserve are ready, and the last try to prepare one found no space. */
bool journal_is_low(const struct journal *j);
/*
 * Before votes are begun: `size` bytes of records fit, none above `largest`, and the marks of their
 * slots; segments are prepared or enlarged where need be. RSM_DISK_FULL: they may not fit. RSM_IO.
 */
enum rsm_status journal_make_room(struct journal *j, uint64_t size, uint64_t largest);
/* Before a promise to another replica: it leaves room for own ones and marks. */
enum rsm_status journal_make_room_for_promise(struct journal *j);

struct journal_counters {
    uint64_t flushes; /* of groups; flushes of heads and preparation apart */
    uint64_t groups;
    uint64_t bytes;         /* written for groups, sectors and marks included */
    uint64_t segments;      /* files in use, the current one included */
    uint64_t prepared;      /* ready */
    uint64_t prepared_late; /* had to be prepared on the commit path */
    uint64_t dropped;
};

void journal_get_counters(const struct journal *j, struct journal_counters *counters_out);

#endif
