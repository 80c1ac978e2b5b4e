/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim.h - one seed of the simulator: virtual time, one generator, one queue of events.
 *
 * Everything that happens is an event in the queue; events of the same microsecond run in the order
 * in which they were set. All chance comes from the one generator, so a seed replays exactly; every
 * step is mixed into a hash, so that two runs can be compared.
 *
 * Time is in microseconds of the simulated world.
 */
#ifndef RSM_TESTS_SIM_SIM_H
#define RSM_TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/prng.h"

#define SIM_MS UINT64_C(1000)
#define SIM_SECOND UINT64_C(1000000)

typedef void sim_run(void *context, void *argument);

struct sim_event {
    uint64_t time;
    uint64_t order;
    sim_run *run;
    sim_run *drop; /* frees the argument of an event that will not run; may be NULL */
    void *context;
    void *argument;
};

struct sim {
    uint64_t seed;
    uint64_t now;
    uint64_t order_next;
    struct prng prng;
    struct sim_event *heap;
    size_t heap_count;
    size_t heap_capacity;
    uint64_t hash;
    uint64_t event_count;
    bool trace;
    bool failed;
    char failure[400];
};

void sim_init(struct sim *sim, uint64_t seed, bool trace);
void sim_deinit(struct sim *sim);
/* From here on, chance is another one; 0: as it is. */
void sim_salt(struct sim *sim, uint64_t salt);
/* Runs `run(context, argument)` after `delay` microseconds. */
void sim_after(struct sim *sim, uint64_t delay, sim_run *run, sim_run *drop, void *context,
               void *argument);
/* Runs events until `end`, or until something failed. */
void sim_run_until(struct sim *sim, uint64_t end);
/* The first failure counts; the run stops after the present event. */
void sim_fail(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A line of the trace, printed with the time in front when tracing. */
void sim_note(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Mixes a number into the hash of the run. */
void sim_mix(struct sim *sim, uint64_t value);

bool sim_chance(struct sim *sim, uint32_t parts_per_million);
/* Uniform in [first, last]. */
uint64_t sim_range(struct sim *sim, uint64_t first, uint64_t last);

/* Which faults of the plan are left out, and which rates are 0: the shrinker's. */
struct sim_cut {
    const bool *skip; /* by index in the plan; behind skip_count nothing is left out */
    size_t skip_count;
    bool calm_network; /* no loss, no duplicates, nothing late */
};

/*
 * Rare moments of whole nodes, seen from outside: on the disk, in frames, in what a replica says of
 * itself. X(name, text)
 */
#define SIM_MARK_LIST(X)                                                                           \
    X(TORN_FLUSH, "a power cut lost sectors of a flush")                                           \
    X(GROUP_SURVIVED, "a group was whole after a crash though its flush had not ended")            \
    X(FLUSH_BESIDE, "a flush went on beside the turns")                                            \
    X(COMMIT_SURVIVED, "a commit was there after a crash though it was not reported")              \
    X(GROUPS_LOST, "durable groups were gone after a crash")                                       \
    X(DIED_IN_RECOVERY, "a replica died while it started")                                         \
    X(START_FAILED, "a replica did not start, and did later")                                      \
    X(UNCERTAIN, "a journal was found uncertain")                                                  \
    X(DAMAGED, "a journal was found damaged")                                                      \
    X(TOLD_BY_PEER, "a peer had seen more of the journal than its disk held")                      \
    X(DOUBT_LASTED, "a start was in doubt because an earlier one was")                             \
    X(REJOINED, "a replica in doubt voted again")                                                  \
    X(TWO_IN_DOUBT, "a replica came into doubt while another one was")                             \
    X(DISK_ERROR_ENDS, "a replica ended because its disk failed")                                  \
    X(REPLAY_COMMIT, "a replay waited for a commit")                                               \
    X(STORE_FULL, "a commit found the store full")                                                 \
    X(DISK_LOW, "a replica said that its disk is low")                                             \
    X(SEGMENT_DROPPED, "a segment that held votes was removed")                                    \
    X(SNAPSHOT, "a snapshot took the place of a state")                                            \
    X(CAUGHT_UP, "a learn message came")                                                           \
    X(FORWARDED, "a command was forwarded to the leader")                                          \
    X(FORWARD_FAILED, "and the leader did not take it")                                            \
    X(REFUSED, "a command was refused by the rules")                                               \
    X(REFUSED_AGAIN, "the refused bytes were sent again")                                          \
    X(DUPLICATE, "a command that was in the log was handed in again")                              \
    X(DENIED, "a client was told that its command is not done")                                    \
    X(OUTCOME_UNKNOWN, "a client was told that the outcome is unknown")                            \
    X(CLIENT_DIED, "a client died with a command under way")                                       \
    X(OLD_FRAME, "a frame of an earlier life was dropped")                                         \
    X(RECOGNISED, "a replica was known by what it was before it rejoined")                         \
    X(MEMBER_ADDED, "a learner was added")                                                         \
    X(MEMBER_PROMOTED, "a learner became a voter")                                                 \
    X(MEMBER_REMOVED, "a member was removed")                                                      \
    X(MEMBER_IN_FORCE, "a change of the members came into force")                                  \
    X(MEMBER_NOT_READY, "a leader found a change of the members too early")                        \
    X(RACE_LOST, "of two commands with one counter the earlier one was done")                      \
    X(CHANGE_STAGED, "a change waited for votes")                                                  \
    X(CHANGE_LIVE, "and took effect")                                                              \
    X(CHANGE_EXPIRED, "or its deadline came")                                                      \
    X(CHANGE_REFUSED, "or a replica said no")                                                      \
    X(CHANGE_SUPERSEDED, "or it was overtaken")                                                    \
    X(UPDATE_APPLIED, "a dynamic update was done")                                                 \
    X(UPDATE_REFUSED, "a prerequisite of an update did not hold")                                  \
    X(SERVICE_SET, "a service was set")                                                            \
    X(SERVICE_REFUSED, "a service closed a cycle, or needed or left what is not there")            \
    X(ZONE_LABELLED, "a zone was labelled")                                                        \
    X(ZONE_CRITICAL, "and its label made a change of it wait")                                     \
    X(ROOT_ASKED, "the administrator asked for what the root role has to agree to")                \
    X(ROOT_APPROVED, "and somebody agreed")                                                        \
    X(ROBOT_LIMITED, "an automaton met the policy's limits or its budget")                         \
    X(ROBOT_REFUSED, "an automaton was refused")                                                   \
    X(ROBOT_FROZEN, "because of a freeze, or on its way back from one")                            \
    X(ROBOT_CLASS, "an automaton asked for a class that its grants do not allow")                  \
    X(RESUME_BEGUN, "automata came back from a freeze")                                            \
    X(REPLACED, "a removed replica came back with a new disk")                                     \
    X(REAL_STORE, "a run with the LMDB store")                                                     \
    X(REPLAYED_LOG, "the log was applied again from the genesis")

enum sim_mark {
#define SIM_MARK_ENUM(name, text) SIM_MARK_##name,
    SIM_MARK_LIST(SIM_MARK_ENUM)
#undef SIM_MARK_ENUM
        SIM_MARK_COUNT
};

const char *sim_mark_name(enum sim_mark mark);

/* What a run did, added up over the seeds. */
struct sim_report {
    uint64_t seeds, events;
    uint64_t simulated_us;
    uint64_t writes_acknowledged;
    uint64_t reads_confirmed;
    uint64_t crashes;
    uint64_t partitions;
    uint64_t messages;
    uint64_t elections;
    uint64_t paxos_events; /* that the reference replayed */
    uint64_t member_changes;
    uint64_t doubts;  /* journals that were found damaged or uncertain */
    uint64_t rejoins; /* and replaced by a fresh one */
    uint64_t beyond;  /* runs that failed behind a fault that is beyond the model */
    uint64_t blocked; /* runs that rightly ended without progress */
    uint64_t *marks;  /* of the core; `mark_count` of them */
    size_t mark_count;
    uint64_t *faults; /* by enum fault_kind */
    uint64_t node_marks[SIM_MARK_COUNT];
};

/* What came of a run. */
struct sim_result {
    uint64_t hash; /* of every step */
    char failure[400];
    size_t fault_count; /* in the plan */
};

struct sim_request {
    uint64_t seed;
    bool trace;
    bool list_faults;   /* print the plan, as far as it is not cut out */
    struct sim_cut cut; /* all zero: the whole plan */
    uint64_t salt;      /* not 0: other chance behind the same options and plan */
};

/* A mode runs one seed. False: it failed, and result->failure has the words. */
typedef bool sim_mode(const struct sim_request *request, struct sim_report *report,
                      struct sim_result *result);

/* Cuts a failing seed down to few faults and prints them. False: it passes. */
bool sim_shrink(sim_mode *mode, const char *mode_name, uint64_t seed, struct sim_report *report);

sim_mode sim_core_run;
/* Seeds 1..64: patterns of one-way links of 3 voters; 65..1088: of two-way links of 5. */
sim_mode sim_links_run;
/* Whole nodes: journal, state machine, signed commands. */
sim_mode sim_node_run;
/* The seed is the number of a scenario (planned.h). */
sim_mode sim_planned_run;

#endif
