/* SPDX-License-Identifier: Apache-2.0 */
/* mutants_rules.h - the part of mutants.h that is planted in src/machine and src/daemon. */
#ifndef RSM_BASE_MUTANTS_RULES_H
#define RSM_BASE_MUTANTS_RULES_H

/* A row is written over and its table's stamp stays: what was kept of it seems good. */
#ifndef RSM_MUTANT_STAMP_STAYS
#define RSM_MUTANT_STAMP_STAYS 0
#endif
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
/* A zone's label decides no class. */
#ifndef RSM_MUTANT_LABELS_UNSEEN
#define RSM_MUTANT_LABELS_UNSEEN 0
#endif
/* A service needs what is not there. */
#ifndef RSM_MUTANT_SERVICE_LACKS
#define RSM_MUTANT_SERVICE_LACKS 0
#endif
/* A service goes that another one needs. */
#ifndef RSM_MUTANT_SERVICE_LEFT
#define RSM_MUTANT_SERVICE_LEFT 0
#endif
/* Two principals have the same key. */
#ifndef RSM_MUTANT_KEY_OF_TWO
#define RSM_MUTANT_KEY_OF_TWO 0
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
#endif
