/* SPDX-License-Identifier: Apache-2.0 */
/* mutants_people.h - the part of mutants.h about votes, approvals, freezes and the catalog. */
#ifndef RSM_BASE_MUTANTS_PEOPLE_H
#define RSM_BASE_MUTANTS_PEOPLE_H

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
/* The catalog may lose its last zone. */
#ifndef RSM_MUTANT_EMPTY_CATALOG
#define RSM_MUTANT_EMPTY_CATALOG 0
#endif
/* All zones may leave the catalog one right after the other. */
#ifndef RSM_MUTANT_CATALOG_LEFT_FAST
#define RSM_MUTANT_CATALOG_LEFT_FAST 0
#endif
/* Anybody with the rights writes into the catalog. */
#ifndef RSM_MUTANT_CATALOG_BY_HAND
#define RSM_MUTANT_CATALOG_BY_HAND 0
#endif
/* The root role is not asked. */
#ifndef RSM_MUTANT_NO_ROOT
#define RSM_MUTANT_NO_ROOT 0
#endif
/* Whoever may approve agrees for the root role. */
#ifndef RSM_MUTANT_ROOT_OF_ANYBODY
#define RSM_MUTANT_ROOT_OF_ANYBODY 0
#endif
/* A grant is of every class, whatever it says. */
#ifndef RSM_MUTANT_GRANT_OF_EVERY_CLASS
#define RSM_MUTANT_GRANT_OF_EVERY_CLASS 0
#endif
/* The last holders of the root role may go. */
#ifndef RSM_MUTANT_NO_ROOT_HOLDERS
#define RSM_MUTANT_NO_ROOT_HOLDERS 0
#endif
/* A change is rolled back by one that brings something else. */
#ifndef RSM_MUTANT_UNDO_WITHOUT_CONTENT
#define RSM_MUTANT_UNDO_WITHOUT_CONTENT 0
#endif
/* A change is rolled back that is rolled back, or never was live. */
#ifndef RSM_MUTANT_UNDO_TWICE
#define RSM_MUTANT_UNDO_TWICE 0
#endif
/* A second factor's counter, or step, may be used again. */
#ifndef RSM_MUTANT_FACTOR_AGAIN
#define RSM_MUTANT_FACTOR_AGAIN 0
#endif
/* A second factor that says yes to something else will do. */
#ifndef RSM_MUTANT_FACTOR_OF_ANYTHING
#define RSM_MUTANT_FACTOR_OF_ANYTHING 0
#endif
/* The steps of a human override hold nothing back. */
#ifndef RSM_MUTANT_STEPS_SKIPPED
#define RSM_MUTANT_STEPS_SKIPPED 0
#endif
/* The chunks of a recording are not bound to each other. */
#ifndef RSM_MUTANT_RECORDING_UNCHAINED
#define RSM_MUTANT_RECORDING_UNCHAINED 0
#endif
/* One person who signs twice recovers a cluster. */
#ifndef RSM_MUTANT_RECOVER_WITH_ONE_PERSON
#define RSM_MUTANT_RECOVER_WITH_ONE_PERSON 0
#endif
/* Whatever stands where the signatures of a recovery should be will do. */
#ifndef RSM_MUTANT_RECOVER_UNSIGNED
#define RSM_MUTANT_RECOVER_UNSIGNED 0
#endif
#endif
