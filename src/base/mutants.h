/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mutants.h - the list of planted mistakes (see check.h). Each is 0 unless the test build's command
 * line sets it to 1; the shipped build defines none.
 */
#ifndef RSM_BASE_MUTANTS_H
#define RSM_BASE_MUTANTS_H

#include "src/base/mutants_node.h"
#include "src/base/mutants_people.h"
#include "src/base/mutants_rules.h"

/* The floor of addresses of a protected endpoint. */
#ifndef RSM_MUTANT_NO_FLOOR
#define RSM_MUTANT_NO_FLOOR 0
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
#ifndef RSM_MUTANT_LOSS_WITHOUT_END
#define RSM_MUTANT_LOSS_WITHOUT_END 0
#endif
#ifndef RSM_MUTANT_LOSS_WITHOUT_PROMISE
#define RSM_MUTANT_LOSS_WITHOUT_PROMISE 0
#endif
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
/* A promise leaves before its record is durable (M1). */
#ifndef RSM_MUTANT_PROMISE_BEFORE_DURABLE
#define RSM_MUTANT_PROMISE_BEFORE_DURABLE 0
#endif
/* The leader counts its own vote before its own flush (M3). */
#ifndef RSM_MUTANT_COUNT_OWN_VOTE_EARLY
#define RSM_MUTANT_COUNT_OWN_VOTE_EARLY 0
#endif
/* Votes in an earlier ballot of the leader count for the present one (M9). */
#ifndef RSM_MUTANT_COUNT_OLD_VOTES
#define RSM_MUTANT_COUNT_OLD_VOTES 0
#endif
/* The prepare leaves before the own promise is durable (M10). */
#ifndef RSM_MUTANT_REUSE_ROUND
#define RSM_MUTANT_REUSE_ROUND 0
#endif
/* A promise for an earlier ballot counts for the present one (M12). */
#ifndef RSM_MUTANT_COUNT_OLD_PROMISE
#define RSM_MUTANT_COUNT_OLD_PROMISE 0
#endif
/* An accept is held against the last vote, not against the promise (M13). */
#ifndef RSM_MUTANT_ACCEPT_BELOW_PROMISE
#define RSM_MUTANT_ACCEPT_BELOW_PROMISE 0
#endif
/* A vote does not raise the promise (M14). */
#ifndef RSM_MUTANT_ACCEPT_KEEPS_PROMISE
#define RSM_MUTANT_ACCEPT_KEEPS_PROMISE 0
#endif
/* A prepare below the promise is promised (M15). */
#ifndef RSM_MUTANT_PROMISE_LOWER
#define RSM_MUTANT_PROMISE_LOWER 0
#endif
/* The own vote wins over what phase 1 found (M16). */
#ifndef RSM_MUTANT_OWN_VALUE_FIRST
#define RSM_MUTANT_OWN_VALUE_FIRST 0
#endif
/* Phase 1 ignores votes above the proposer's own last one (M18). */
#ifndef RSM_MUTANT_PREPARE_OWN_END
#define RSM_MUTANT_PREPARE_OWN_END 0
#endif
/* The votes of a slot are counted by the configuration before a change (M43, M44). */
#ifndef RSM_MUTANT_COUNT_BY_OLD_CONFIGURATION
#define RSM_MUTANT_COUNT_BY_OLD_CONFIGURATION 0
#endif
/* Phase 1 asks no quorum of the configuration that is on its way (M43). */
#ifndef RSM_MUTANT_PREPARE_OLD_CONFIGURATION
#define RSM_MUTANT_PREPARE_OLD_CONFIGURATION 0
#endif
/* A leader goes on into a new configuration under a ballot that it never promised (M43). */
#ifndef RSM_MUTANT_LEAD_ON_INTO_CONFIGURATION
#define RSM_MUTANT_LEAD_ON_INTO_CONFIGURATION 0
#endif
/* A replica in doubt votes again without the others' promises (finding 2 of the memory loss). */
#ifndef RSM_MUTANT_REJOIN_KEEPS_PROMISE
#define RSM_MUTANT_REJOIN_KEEPS_PROMISE 0
#endif
/* A replica in doubt votes again without the others' votes. */
#ifndef RSM_MUTANT_REJOIN_KEEPS_VOTES
#define RSM_MUTANT_REJOIN_KEEPS_VOTES 0
#endif
/* A replica in doubt votes again when a majority told it what they know. */
#ifndef RSM_MUTANT_REJOIN_ASKS_QUORUM
#define RSM_MUTANT_REJOIN_ASKS_QUORUM 0
#endif
/* A wiped replica is talked to as the one that it was (M45). */
#ifndef RSM_MUTANT_TALK_TO_ANY_INCARNATION
#define RSM_MUTANT_TALK_TO_ANY_INCARNATION 0
#endif
/* A slot is chosen without the leader's own vote: see proposer.c. */
#ifndef RSM_MUTANT_COUNT_OWN_VOTE_OPTIONAL
#define RSM_MUTANT_COUNT_OWN_VOTE_OPTIONAL 0
#endif
/* A replica that peers have seen say more than its journal holds votes on. */
#ifndef RSM_MUTANT_BELIEVE_OWN_DISK
#define RSM_MUTANT_BELIEVE_OWN_DISK 0
#endif
/* A rejoin goes on when a quorum of voters know that they have lost something. */
#ifndef RSM_MUTANT_REJOIN_WHATEVER_IS_LOST
#define RSM_MUTANT_REJOIN_WHATEVER_IS_LOST 0
#endif
/* A promise is cut at the batch limit and does not say so (M19). */
#ifndef RSM_MUTANT_PROMISE_CUT_SILENTLY
#define RSM_MUTANT_PROMISE_CUT_SILENTLY 0
#endif
/* A leader that heard of the votes in its window only takes them for all. */
#ifndef RSM_MUTANT_LEAD_FROM_PART_OF_VOTES
#define RSM_MUTANT_LEAD_FROM_PART_OF_VOTES 0
#endif
/* A new leader leaves gaps (M21). */
#ifndef RSM_MUTANT_LEAVE_GAPS
#define RSM_MUTANT_LEAVE_GAPS 0
#endif
/* A new leader puts a no-op over votes that only others reported (M22). */
#ifndef RSM_MUTANT_NOOP_OVER_VOTE
#define RSM_MUTANT_NOOP_OVER_VOTE 0
#endif
/* A follower takes its vote of any ballot as chosen (M23). */
#ifndef RSM_MUTANT_MARK_ANY_BALLOT
#define RSM_MUTANT_MARK_ANY_BALLOT 0
#endif
/* A new leader answers reads before it has recovered (M27). */
#ifndef RSM_MUTANT_READ_BEFORE_RECOVERY
#define RSM_MUTANT_READ_BEFORE_RECOVERY 0
#endif
/* The leader answers reads without a round (M28). */
#ifndef RSM_MUTANT_READ_WITHOUT_ROUND
#define RSM_MUTANT_READ_WITHOUT_ROUND 0
#endif
/* Answers to a round before the read count for it (M29). */
#ifndef RSM_MUTANT_EARLIER_ROUND_COUNTS
#define RSM_MUTANT_EARLIER_ROUND_COUNTS 0
#endif
/* A read ends before its slot is applied (M30). */
#ifndef RSM_MUTANT_READ_BEFORE_APPLIED
#define RSM_MUTANT_READ_BEFORE_APPLIED 0
#endif
/* A leader without a quorum keeps leading (M34). */
#ifndef RSM_MUTANT_LEAD_WITHOUT_CONTACT
#define RSM_MUTANT_LEAD_WITHOUT_CONTACT 0
#endif
/* No pre-vote, a timeout prepares at once (M35). */
#ifndef RSM_MUTANT_NO_PREVOTE
#define RSM_MUTANT_NO_PREVOTE 0
#endif
/* Preempted does not carry the higher ballot (M37). */
#ifndef RSM_MUTANT_PREEMPTED_WITHOUT_BALLOT
#define RSM_MUTANT_PREEMPTED_WITHOUT_BALLOT 0
#endif
/* A leader keeps leading while its disk hangs (M38). */
#ifndef RSM_MUTANT_LEAD_WHILE_STALLED
#define RSM_MUTANT_LEAD_WHILE_STALLED 0
#endif
/* A deposed leader does not report what it lost (M39). */
#ifndef RSM_MUTANT_FORGET_LOST
#define RSM_MUTANT_FORGET_LOST 0
#endif
/* An acceptor refuses recovered values (M94). */
#ifndef RSM_MUTANT_REFUSE_RECOVERED
#define RSM_MUTANT_REFUSE_RECOVERED 0
#endif
/* Ballots of one round are equal, whoever owns them (M11). */
#ifndef RSM_MUTANT_BALLOT_WITHOUT_REPLICA
#define RSM_MUTANT_BALLOT_WITHOUT_REPLICA 0
#endif
/* A refused value is replaced under the same ballot (M26). */
#ifndef RSM_MUTANT_REPLACE_UNDER_BALLOT
#define RSM_MUTANT_REPLACE_UNDER_BALLOT 0
#endif
/* A replica in doubt votes after it has watched one slot (M46). */
#ifndef RSM_MUTANT_REJOIN_AFTER_ONE_SLOT
#define RSM_MUTANT_REJOIN_AFTER_ONE_SLOT 0
#endif
/* A replica in doubt votes before it has learned what it may have decided (M49). */
#ifndef RSM_MUTANT_REJOIN_UNLEARNED
#define RSM_MUTANT_REJOIN_UNLEARNED 0
#endif
#endif
