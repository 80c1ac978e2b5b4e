/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mutants.h - the list of planted mistakes (see check.h). Each is 0 unless the test build's command
 * line sets it to 1; the shipped build defines none.
 */
#ifndef RSM_BASE_MUTANTS_H
#define RSM_BASE_MUTANTS_H

/* The causal rule that refuses a plan whose generation was overtaken. */
#ifndef RSM_MUTANT_NO_GENERATION_CHECK
#define RSM_MUTANT_NO_GENERATION_CHECK 0
#endif
/* The check of a lease's fencing token when a plan is executed. */
#ifndef RSM_MUTANT_NO_TOKEN_CHECK
#define RSM_MUTANT_NO_TOKEN_CHECK 0
#endif
/* Collection of plans by reachability; the mutant collects by age. */
#ifndef RSM_MUTANT_COLLECT_BY_AGE
#define RSM_MUTANT_COLLECT_BY_AGE 0
#endif
/* The floor of addresses of a protected endpoint. */
#ifndef RSM_MUTANT_NO_FLOOR
#define RSM_MUTANT_NO_FLOOR 0
#endif
/* Rule 3, the last writer of each object is inside the command's vector clock. */
#ifndef RSM_MUTANT_NO_OBJECT_CHECK
#define RSM_MUTANT_NO_OBJECT_CHECK 0
#endif
/* The accepted vote leaves before its record is durable (M2). */
#ifndef RSM_MUTANT_VOTE_BEFORE_DURABLE
#define RSM_MUTANT_VOTE_BEFORE_DURABLE 0
#endif
/* Quorum of n/2 (M7). */
#ifndef RSM_MUTANT_SMALL_QUORUM
#define RSM_MUTANT_SMALL_QUORUM 0
#endif
/* The value with the lowest vote is taken in phase 1 (M8). */
#ifndef RSM_MUTANT_LOWEST_VOTE
#define RSM_MUTANT_LOWEST_VOTE 0
#endif
/* Votes are counted by message, not by distinct acceptor (M6). */
#ifndef RSM_MUTANT_COUNT_MESSAGES
#define RSM_MUTANT_COUNT_MESSAGES 0
#endif
/* Promises are forgotten at a restart (M1, M10). */
#ifndef RSM_MUTANT_FORGET_PROMISE
#define RSM_MUTANT_FORGET_PROMISE 0
#endif
/* Recovery of the journal takes everything behind a bad group as absent (M50). */
#ifndef RSM_MUTANT_STOP_AT_BAD_GROUP
#define RSM_MUTANT_STOP_AT_BAD_GROUP 0
#endif
/* Recovery skips a bad group and goes on (M51). */
#ifndef RSM_MUTANT_SKIP_BAD_GROUP
#define RSM_MUTANT_SKIP_BAD_GROUP 0
#endif
/* An uncertain tail is cut like one that was never acknowledged (M52). */
#ifndef RSM_MUTANT_CUT_UNCERTAIN_TAIL
#define RSM_MUTANT_CUT_UNCERTAIN_TAIL 0
#endif
/* The journal's checksums do not cover segment, group number and position (M55). */
#ifndef RSM_MUTANT_UNBOUND_CHECKSUM
#define RSM_MUTANT_UNBOUND_CHECKSUM 0
#endif
/* A torn tail is ignored, but not overwritten before the next append (M56). */
#ifndef RSM_MUTANT_KEEP_TORN_TAIL
#define RSM_MUTANT_KEEP_TORN_TAIL 0
#endif
/* A failed flush is tried again, and believed (M57). */
#ifndef RSM_MUTANT_RETRY_FLUSH
#define RSM_MUTANT_RETRY_FLUSH 0
#endif
#endif
