/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy_world.h - the real state machine over a state in memory, to try a policy on.
 *
 * Nothing of it goes anywhere: keys are made for it, and go with it.
 */
#ifndef RSM_CTL_POLICY_WORLD_H
#define RSM_CTL_POLICY_WORLD_H

#include <rsm/command.h>

#include "src/base/kv.h"
#include "src/machine/machine.h"
#include "tools/resilience-ctl/policy_file.h"

enum policy_actor {
    POLICY_ADMIN = 0,
    POLICY_AUTOMATON,
    POLICY_ACTORS,
};

struct policy_world {
    struct kv *kv;
    struct machine *machine;
    struct rsm_key *keys[POLICY_ACTORS];
    uint64_t counters[POLICY_ACTORS];
    uint64_t slot, lamport, now_ms;
    struct verdicts verdicts; /* of the last command */
};

/* A state with an administrator and nothing else, at log time `now_ms`. Statuses of the keys. */
enum rsm_status policy_world_init(struct policy_world *w, uint64_t now_ms);
void policy_world_deinit(struct policy_world *w);

/* Takes the body. *verdict_out is borrowed until the next command. */
enum rsm_status policy_world_do(struct policy_world *w, enum policy_actor who, enum rsm_kind kind,
                                struct rsm_buffer *body, struct verdict *verdict_out);

/* Makes the automaton, with the right to change what is in `zone`, up to that class (0: each). */
enum rsm_status policy_world_automaton(struct policy_world *w, struct bytes zone,
                                       enum rsm_class granted);

/*
 * One case of the file under its policy: true when it is decided as it expects. `words` (a writer)
 * gets what came of it; with a false result also what was wrong.
 */
bool policy_case_run(const struct policy_file *file, const struct policy_case *c,
                     struct writer *words);

/* The policy alone: what the state machine has against it, in words. */
/* The class with which a change waits; RSM_CLASS_STANDARD: it does not. */
enum rsm_class policy_verdict_class(const struct verdict *v);
bool policy_is_taken(const struct policy_file *file, struct writer *words);

#endif
