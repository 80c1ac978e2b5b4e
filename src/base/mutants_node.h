/* SPDX-License-Identifier: Apache-2.0 */
/* mutants_node.h - the part of mutants.h that is planted where core, journal and state meet. */
#ifndef RSM_BASE_MUTANTS_NODE_H
#define RSM_BASE_MUTANTS_NODE_H

/* Election timeouts have no random part (M36). */
#ifndef RSM_MUTANT_EQUAL_TIMEOUTS
#define RSM_MUTANT_EQUAL_TIMEOUTS 0
#endif
/* A forwarded read takes the answer to another one (M31). */
#ifndef RSM_MUTANT_READ_ANY_ANSWER
#define RSM_MUTANT_READ_ANY_ANSWER 0
#endif
/* A promise leaves out votes whose record waits for the flush (M20). */
#ifndef RSM_MUTANT_PROMISE_WITHOUT_QUEUED
#define RSM_MUTANT_PROMISE_WITHOUT_QUEUED 0
#endif
/* An installed snapshot drops the votes above it (M66). */
#ifndef RSM_MUTANT_SNAPSHOT_DROPS_VOTES
#define RSM_MUTANT_SNAPSHOT_DROPS_VOTES 0
#endif
/* A checkpoint of the journal does not carry the promise on (M5). */
#ifndef RSM_MUTANT_CHECKPOINT_FORGETS
#define RSM_MUTANT_CHECKPOINT_FORGETS 0
#endif
/* A frame does not wait for the flush that it needs (M1, M2 in the node). */
#ifndef RSM_MUTANT_SEND_BEFORE_FLUSH
#define RSM_MUTANT_SEND_BEFORE_FLUSH 0
#endif
/* A flush beside the turns counts as ended when it has begun (M1 in the node). */
#ifndef RSM_MUTANT_FLUSH_NOT_AWAITED
#define RSM_MUTANT_FLUSH_NOT_AWAITED 0
#endif
/* Its end counts for what was appended since it began (M1 in the node). */
#ifndef RSM_MUTANT_FLUSH_COVERS_LATER
#define RSM_MUTANT_FLUSH_COVERS_LATER 0
#endif
/* An acceptor takes any timestamp for fresh (the bound of C1). */
#ifndef RSM_MUTANT_ANY_TIME
#define RSM_MUTANT_ANY_TIME 0
#endif
/* A commit that the store had no room for is believed (M63). */
#ifndef RSM_MUTANT_BELIEVE_FULL_STORE
#define RSM_MUTANT_BELIEVE_FULL_STORE 0
#endif
/* Applying a slot reads the local clock (M82). */
#ifndef RSM_MUTANT_APPLY_LOCAL_CLOCK
#define RSM_MUTANT_APPLY_LOCAL_CLOCK 0
#endif
/* What is applied depends on which replica applies it (M83). */
#ifndef RSM_MUTANT_APPLY_BY_REPLICA
#define RSM_MUTANT_APPLY_BY_REPLICA 0
#endif
/* A snapshot is read from the store as it moves on (M70). */
#ifndef RSM_MUTANT_SNAPSHOT_NO_CUT
#define RSM_MUTANT_SNAPSHOT_NO_CUT 0
#endif
/* A snapshot leaves out the author counters (M72). */
#ifndef RSM_MUTANT_SNAPSHOT_WITHOUT_AUTHORS
#define RSM_MUTANT_SNAPSHOT_WITHOUT_AUTHORS 0
#endif
/* A snapshot leaves out where verdicts are (M72). */
#ifndef RSM_MUTANT_SNAPSHOT_WITHOUT_DIGESTS
#define RSM_MUTANT_SNAPSHOT_WITHOUT_DIGESTS 0
#endif
/* An older snapshot is begun over a newer state (M69). */
#ifndef RSM_MUTANT_OLD_SNAPSHOT
#define RSM_MUTANT_OLD_SNAPSHOT 0
#endif
/* Pieces of two snapshots are taken for one (M73). */
#ifndef RSM_MUTANT_SNAPSHOT_MIXED
#define RSM_MUTANT_SNAPSHOT_MIXED 0
#endif
/* A journal that is gone is taken for a new one (M45). */
#ifndef RSM_MUTANT_VOTE_WITHOUT_JOURNAL
#define RSM_MUTANT_VOTE_WITHOUT_JOURNAL 0
#endif
/* Doubt is forgotten with the process, the peers have been told (M47). */
#ifndef RSM_MUTANT_FORGET_DOUBT
#define RSM_MUTANT_FORGET_DOUBT 0
#endif
/* A time-out is told as a failure, though the outcome is unknown (M81). */
#ifndef RSM_MUTANT_TIMEOUT_IS_FAILURE
#define RSM_MUTANT_TIMEOUT_IS_FAILURE 0
#endif
/* Segments are dropped when their slots are applied, not when they are stored (M60). */
#ifndef RSM_MUTANT_DROP_APPLIED
#define RSM_MUTANT_DROP_APPLIED 0
#endif
/* A disk that waits to be added takes the vote of its number under the genesis for its own. */
#ifndef RSM_MUTANT_JOIN_AS_GENESIS_MEMBER
#define RSM_MUTANT_JOIN_AS_GENESIS_MEMBER 0
#endif
/* A replica votes, and leads, with a journal that is damaged (M53, M54). */
#ifndef RSM_MUTANT_VOTE_IN_DOUBT
#define RSM_MUTANT_VOTE_IN_DOUBT 0
#endif
/* A snapshot lacks the configurations (M72). */
#ifndef RSM_MUTANT_SNAPSHOT_WITHOUT_MEMBERS
#define RSM_MUTANT_SNAPSHOT_WITHOUT_MEMBERS 0
#endif
/* A leader whose disk is low leads on, and refuses what the others forward. */
#ifndef RSM_MUTANT_LEAD_WITH_LOW_DISK
#define RSM_MUTANT_LEAD_WITH_LOW_DISK 0
#endif
#endif
