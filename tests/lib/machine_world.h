/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * machine_world.h - a state machine, people who write to it, and the log of what they wrote.
 *
 * Envelopes are real but for their signatures, which the machine is told about anyway. An actor
 * keeps its counter and what it has seen; it sees nobody's commands by itself.
 */
#ifndef RSM_TESTS_MACHINE_WORLD_H
#define RSM_TESTS_MACHINE_WORLD_H

#include <rsm/command.h>

#include "src/base/blob.h"
#include "src/machine/machine.h"
#include "src/machine/query.h"
#include "tests/lib/machine_data.h"

#define ACTORS_MAX 12u
#define WORLD_START_MS UINT64_C(1760000000000)

struct world;

struct actor {
    struct world *world;
    const char *name;
    uint8_t key[RSM_PUBLIC_KEY_SIZE];
    uint64_t counter; /* of its last applied command */
    uint64_t lamport; /* 0: the next command is above all known ones */
    uint64_t seen[ACTORS_MAX];
};

struct world {
    struct kv *kv;
    struct machine *machine;
    uint64_t slot;
    uint64_t now_ms;
    uint64_t lamport; /* highest of any command that was built */
    struct actor actors[ACTORS_MAX];
    size_t actor_count;
    struct blob **log; /* values by slot - 1 */
    size_t log_capacity;
    struct verdicts last; /* of the last slot */
    struct verdict verdict;
    struct machine *plain; /* keeps nothing of what it reads, and must say the same */
    struct verdicts plainly;
};

/* Its three members: keys 101, 102, 103 and zeros, peer addresses 127.0.0.1:7001 to 7003. */
struct genesis;
void world_genesis_members(struct genesis *genesis);

/*
 * A state with its administrator, who is actors[0] ("root"). Its policy makes nothing critical
 * (classes: [{class: standard}]), until a test sets "classes" anew.
 */
struct world *world_new(void);
void world_free(struct world *w);
/* The same state machine over a fresh state, with nothing applied. */
struct world *world_empty_copy(const struct world *w);

/* An actor whom the state does not know yet. */
struct actor *world_actor(struct world *w, const char *name);
/* A principal with one role, made by the administrator. */
struct actor *world_principal(struct world *w, const char *name, enum rsm_principal_kind kind,
                              const char *role);
/* An automaton of a zone of availability with one role and a large budget, by the same. */
struct actor *world_automaton(struct world *w, const char *name, const char *az, const char *role);
/* A role with one grant for a zone, by the administrator. */
void world_role(struct world *w, const char *role, const char *verb, const char *zone);

/* The administrator sets one number of the policy. */
void world_policy(struct world *w, const char *name, uint64_t value);
/* And its classes: the one item of body_class. */
void world_class(struct world *w, const char *class, const char *suffix, const char *tier);

/* Has seen everything that is applied. */
void actor_see_all(struct actor *a);
void actor_see(struct actor *a, const struct actor *other);

/* The next command of an actor, its own bytes. */
struct blob *actor_command(struct actor *a, enum rsm_kind kind, struct rsm_buffer *body,
                           const char *reason);
/* One command in an envelope. Takes the body. */
struct blob *actor_envelope(struct actor *a, enum rsm_kind kind, struct rsm_buffer *body);
/* A form around commands: a bundle when `is_bundle`. Takes the commands. */
struct blob *actor_seal(struct actor *a, struct blob **commands, size_t count, bool is_bundle);

/* Applies an envelope in the next slot; true when all of its commands were applied now. */
bool world_apply(struct world *w, struct blob *envelope);
bool world_apply_value(struct world *w, struct bytes value, bool is_verified);
/* The slot's value around an envelope. */
struct blob *world_value(const struct world *w, struct blob *envelope);
enum machine_judgement world_judge(struct world *w, struct blob *envelope, struct verdicts *out);
/* The entry by which a leader says that it did not propose an envelope, with its verdicts. */
struct blob *world_rejection(const struct world *w, struct blob *envelope,
                             const struct verdicts *verdicts);
/* Builds, applies, drops. True: applied. */
bool actor_do(struct actor *a, enum rsm_kind kind, struct rsm_buffer body);
/* Having seen everything, asks for a change of at least this class, which then waits. */
void actor_request(struct actor *a, enum rsm_class least, const char *zone,
                   const struct rsm_change *change, uint8_t digest_out[HASH_SIZE]);
/* So many ms later a slot that has only the time. */
void world_tick(struct world *w, uint64_t ms);

/* The first verdict of the last slot names the rule. */
bool world_refused(struct world *w, enum rsm_rule rule);
/* And no other. */
bool world_refused_only(struct world *w, enum rsm_rule rule);
/* How many reasons it has. */
uint32_t world_reason_count(struct world *w);
/* Its evidence for a rule; "" when it does not name it. Valid until the next call. */
const char *world_evidence(struct world *w, enum rsm_rule rule);
/* All of it in words; valid until the next call. */
const char *world_words(struct world *w);

/* A hash over the whole state. */
void world_hash(struct kv *kv, uint8_t hash_out[HASH_SIZE]);

/* Records in a set now; 0 when there is none. */
uint32_t world_count(struct world *w, const char *zone, const char *owner, uint16_t type);
/* The last octet of a set's first address; 0 when there is none. */
uint8_t world_address(struct world *w, const char *zone, const char *owner, uint64_t slot);
uint32_t world_serial(struct world *w, const char *zone);

#endif
