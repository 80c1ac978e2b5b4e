/* SPDX-License-Identifier: Apache-2.0 */
/* mutants_rules.h - the part of mutants.h that is planted in src/machine and src/daemon. */
#ifndef RSM_BASE_MUTANTS_RULES_H
#define RSM_BASE_MUTANTS_RULES_H

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
/* Rule 3, the last writer of each object is inside the command's vector clock. */
#ifndef RSM_MUTANT_NO_OBJECT_CHECK
#define RSM_MUTANT_NO_OBJECT_CHECK 0
#endif
/* A dynamic update is done whatever its prerequisites. */
#ifndef RSM_MUTANT_NO_PREREQUISITES
#define RSM_MUTANT_NO_PREREQUISITES 0
#endif
/* A counter may skip some (M77). */
#ifndef RSM_MUTANT_COUNTER_GAP
#define RSM_MUTANT_COUNTER_GAP 0
#endif
/* A command that is sent again is judged again (M78). */
#ifndef RSM_MUTANT_FRESH_VERDICT
#define RSM_MUTANT_FRESH_VERDICT 0
#endif
/* Log time is the leader's clock, not the highest one so far (M86). */
#ifndef RSM_MUTANT_LEADER_TIME
#define RSM_MUTANT_LEADER_TIME 0
#endif
/* A refused command leaves its counter and its Lamport clock (M87). */
#ifndef RSM_MUTANT_REFUSED_TRACE
#define RSM_MUTANT_REFUSED_TRACE 0
#endif
/* What could be written of a refused change set stays (M88). */
#ifndef RSM_MUTANT_PARTIAL_CHANGES
#define RSM_MUTANT_PARTIAL_CHANGES 0
#endif
/* A change of the members governs from the slot behind it on (M40). */
#ifndef RSM_MUTANT_MEMBER_AT_ONCE
#define RSM_MUTANT_MEMBER_AT_ONCE 0
#endif
/* A second change of the members is taken before the first governs (M42). */
#ifndef RSM_MUTANT_MEMBER_TWO_CHANGES
#define RSM_MUTANT_MEMBER_TWO_CHANGES 0
#endif
/* A role that has all verbs is an automaton's as well. */
#ifndef RSM_MUTANT_AUTOMATON_ANY_VERB
#define RSM_MUTANT_AUTOMATON_ANY_VERB 0
#endif
/* An automaton comes to be without a budget. */
#ifndef RSM_MUTANT_AUTOMATON_WITHOUT_BUDGET
#define RSM_MUTANT_AUTOMATON_WITHOUT_BUDGET 0
#endif
/* Nobody looks what a principal has spent. */
#ifndef RSM_MUTANT_NO_BUDGET
#define RSM_MUTANT_NO_BUDGET 0
#endif
/* A key that was revoked comes back. */
#ifndef RSM_MUTANT_REVOKED_KEY_AGAIN
#define RSM_MUTANT_REVOKED_KEY_AGAIN 0
#endif
/* Nobody asks whose a record set is. */
#ifndef RSM_MUTANT_NO_OWNER
#define RSM_MUTANT_NO_OWNER 0
#endif
/* An automaton takes record sets over. */
#ifndef RSM_MUTANT_AUTOMATON_TAKES_OVER
#define RSM_MUTANT_AUTOMATON_TAKES_OVER 0
#endif
/* Authors that undo each other go on for ever. */
#ifndef RSM_MUTANT_NO_FLIPS
#define RSM_MUTANT_NO_FLIPS 0
#endif
/* Automata write one record set as often as they like. */
#ifndef RSM_MUTANT_NO_OBJECT_BUDGET
#define RSM_MUTANT_NO_OBJECT_BUDGET 0
#endif
/* An edge that goes stays in the table of who points at what. */
#ifndef RSM_MUTANT_ONE_WAY_EDGES
#define RSM_MUTANT_ONE_WAY_EDGES 0
#endif
/* Nodes keep their places in the order when an edge does not fit. */
#ifndef RSM_MUTANT_KEEP_LABELS
#define RSM_MUTANT_KEEP_LABELS 0
#endif
/* A name that goes away is not looked for as a target. */
#ifndef RSM_MUTANT_FORGET_POINTERS
#define RSM_MUTANT_FORGET_POINTERS 0
#endif
/* The policy's limits are not asked. */
#ifndef RSM_MUTANT_NO_LIMIT
#define RSM_MUTANT_NO_LIMIT 0
#endif
/* A SOA expires as soon as it likes. */
#ifndef RSM_MUTANT_NO_SOA_EXPIRE
#define RSM_MUTANT_NO_SOA_EXPIRE 0
#endif
/* An automaton deletes what it missed once. */
#ifndef RSM_MUTANT_NO_ABSENT
#define RSM_MUTANT_NO_ABSENT 0
#endif
/* The policy's times are not asked. */
#ifndef RSM_MUTANT_NO_TIMES
#define RSM_MUTANT_NO_TIMES 0
#endif
/* A replica's second vote replaces its first one. */
#ifndef RSM_MUTANT_VOTES_TWICE
#define RSM_MUTANT_VOTES_TWICE 0
#endif
/* A vote behind the deadline counts. */
#ifndef RSM_MUTANT_LATE_VOTES_COUNT
#define RSM_MUTANT_LATE_VOTES_COUNT 0
#endif
/* A no is taken for silence. */
#ifndef RSM_MUTANT_NO_IS_SILENCE
#define RSM_MUTANT_NO_IS_SILENCE 0
#endif
/* More than half of the zones are enough for a critical change. */
#ifndef RSM_MUTANT_MAJORITY_IS_ALL
#define RSM_MUTANT_MAJORITY_IS_ALL 0
#endif
/* A change that waits never expires. */
#ifndef RSM_MUTANT_NO_DEADLINE
#define RSM_MUTANT_NO_DEADLINE 0
#endif
/* An emergency needs no approvals. */
#ifndef RSM_MUTANT_NO_APPROVALS
#define RSM_MUTANT_NO_APPROVALS 0
#endif
/* The author's person approves under another name. */
#ifndef RSM_MUTANT_AUTHOR_APPROVES
#define RSM_MUTANT_AUTHOR_APPROVES 0
#endif
/* The time of an approved emergency counts from its request. */
#ifndef RSM_MUTANT_TOKEN_FROM_REQUEST
#define RSM_MUTANT_TOKEN_FROM_REQUEST 0
#endif
/* An approved emergency is applied as often as one likes. */
#ifndef RSM_MUTANT_TOKEN_TWICE
#define RSM_MUTANT_TOKEN_TWICE 0
#endif
/* An approval counts when its key was revoked since. */
#ifndef RSM_MUTANT_STALE_APPROVALS
#define RSM_MUTANT_STALE_APPROVALS 0
#endif
/* Nothing is critical unless a policy says so. */
#ifndef RSM_MUTANT_NO_DEFAULT_CLASS
#define RSM_MUTANT_NO_DEFAULT_CLASS 0
#endif
/* A change takes effect with the class that it was staged with, whatever it would have now. */
#ifndef RSM_MUTANT_CLASS_STAYS
#define RSM_MUTANT_CLASS_STAYS 0
#endif
/* What a change that waited writes counts as seen by whoever saw it staged. */
#ifndef RSM_MUTANT_EFFECT_IS_SEEN
#define RSM_MUTANT_EFFECT_IS_SEEN 0
#endif
/* What the author wrote after a change was staged counts as seen by it. */
#ifndef RSM_MUTANT_OWN_LATER_SEEN
#define RSM_MUTANT_OWN_LATER_SEEN 0
#endif
/* A freeze of automata stops people, too. */
#ifndef RSM_MUTANT_FREEZE_OF_PEOPLE
#define RSM_MUTANT_FREEZE_OF_PEOPLE 0
#endif
/* All availability zones come back together. */
#ifndef RSM_MUTANT_RESUME_ALL_AT_ONCE
#define RSM_MUTANT_RESUME_ALL_AT_ONCE 0
#endif
/* They come back at full rate. */
#ifndef RSM_MUTANT_RESUME_FULL_RATE
#define RSM_MUTANT_RESUME_FULL_RATE 0
#endif
/* They come back with all of their limits. */
#ifndef RSM_MUTANT_RESUME_FULL_LIMITS
#define RSM_MUTANT_RESUME_FULL_LIMITS 0
#endif
/* However much of theirs is refused, they are not stopped again. */
#ifndef RSM_MUTANT_NO_TRIP
#define RSM_MUTANT_NO_TRIP 0
#endif
/* Whoever does not know that they were stopped again brings them back once more. */
#ifndef RSM_MUTANT_RESUME_UNSEEN_TRIP
#define RSM_MUTANT_RESUME_UNSEEN_TRIP 0
#endif
/* A change that was staged before the freeze takes effect in it. */
#ifndef RSM_MUTANT_FREEZE_SPARES_STAGED
#define RSM_MUTANT_FREEZE_SPARES_STAGED 0
#endif
#endif
