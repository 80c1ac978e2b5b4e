/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * judge.h - one command while it is judged; for the files of src/machine alone.
 *
 * Reads and writes go to `kv`, the command's own overlay. Two sorts of failure never mix:
 *   - a rule says no: reasons_add, and go on, so that all rules that fail are reported;
 *   - the state cannot be read: `fault`, sticky. After it reads find nothing and writes do nothing;
 *     whoever began the judgement asks for it at the end.
 *
 * Bytes from a read are gone after the next write. What is needed longer is copied to the machine's
 * scratch writers.
 */
#ifndef RSM_MACHINE_JUDGE_H
#define RSM_MACHINE_JUDGE_H

#include <rsm/change.h>

#include "src/command/body.h"
#include "src/command/envelope.h"
#include "src/machine/actor.h"
#include "src/machine/changes.h"
#include "src/machine/effects.h"
#include "src/machine/graph.h"
#include "src/machine/machine.h"
#include "src/machine/members.h"
#include "src/machine/memo.h"
#include "src/machine/policy.h"
#include "src/machine/record.h"
#include "src/machine/tables.h"
#include "src/machine/verdict.h"
#include "src/rr/data.h"
#include "src/rr/name.h"

/* Those that rr/data.h has no name for. */
#define TYPE_MX 15u
#define TYPE_KEY 25u
#define TYPE_SRV 33u
#define TYPE_DS 43u
#define TYPE_RRSIG 46u
#define TYPE_NSEC 47u
#define TYPE_DNSKEY 48u
#define TYPE_SVCB 64u
#define TYPE_HTTPS 65u

#define CLASS_WHY_SIZE 200u
#define WORDS_SIZE 1280u /* a name of 255 octets, each as \DDD, and a type */

struct name_set;
struct graph;
struct update_work;

struct machine {
    struct kv *inner; /* overlay of the command that is judged */
    struct reasons reasons;
    struct stages_made stages;
    struct writer stage_record; /* the same, encoded when the command is judged */
    struct actor actor;
    struct changes changes;
    struct writer result;  /* the command's result, a map */
    struct writer value;   /* a record in the making */
    struct writer copy;    /* a row that must outlive writes */
    struct writer catalog; /* the catalog's row, likewise */
    struct writer content; /* a plan's content, for its execution */
    struct writer pending; /* refused digests of the slot, written at its end */
    struct writer bad;     /* authors of refusals that resume.h counts */
    struct writer classes; /* the policy's list "classes", as it was before the command */
    struct writer tiers;   /* of the services that the command affects, blobs, each once */
    struct writer labels;  /* of the zone that the command touches, likewise */
    struct writer sorted;  /* rdatas of one set, in order */
    struct memo *memo;
    struct name_set *names;
    struct graph *graph;
    struct update_work *update;
    /* META_DNAMES of the slot that is judged, until some command of it writes the row. */
    bool knows_dnames, writes_dnames;
    uint64_t dnames;
    struct effects effects;
    struct verdicts verdicts; /* for callers who want none */
};

struct judge {
    struct machine *m;
    struct kv *kv;
    uint64_t slot;
    uint32_t index;
    uint64_t now_ms; /* log time */
    const struct command *command;
    const uint8_t *key;
    struct bytes behalf; /* whose rights count, when not the author's (rrset.update); else empty */
    uint8_t digest[HASH_SIZE];

    struct policy policy;
    uint64_t lamport_highest;
    enum rsm_status fault;
    bool is_brief;  /* the slot has so many verdicts that this one names few services (stage.h) */
    bool has_cycle; /* one was told: the graph need not tell it again */

    /* The last writer that rule_causal_version looked at. */
    uint8_t last_author[LIMIT_PRINCIPAL_SIZE];
    size_t last_author_size;
    uint64_t last_counter;
    enum rsm_rule last_rule; /* 0: it was seen */
    /* How much agreement it needs: policy_class.c, kind_change.c. */
    enum rsm_class class;
    bool loosens_catalog;           /* a zone leaves the catalog, or that ceases to be it */
    char class_why[CLASS_WHY_SIZE]; /* what made it so, for people; empty: nothing */
    uint64_t root_needed;           /* persons with the role root who have to agree; 0: none */
    bool waits_for_root;            /* and the author alone is not enough */
    uint64_t deadline_ms; /* how long it waits, when the item that gave the class says it; else 0 */
    uint64_t risk, reach; /* stage 3's; 0 for what changes no records */
    bool reach_is_cut;    /* it reaches more than was looked for: every tier, to be safe */
    struct bytes touched; /* the zone, in touched_buffer; empty: none */
    uint8_t touched_buffer[LIMIT_NAME_SIZE];
    uint32_t overrides[LIMIT_OVERRIDES]; /* rules that shall not refuse it */
    uint32_t override_count;
    struct command inner; /* what a request wraps; then `command` points to it */
    bool is_staged;       /* it waits: staging.c */
    bool is_watched;      /* its author comes back from a freeze: resume.h */
    /* A change that waited takes effect: what it writes has an author of its own (judge.c). */
    bool is_settled;
    uint8_t effect_author[LIMIT_PRINCIPAL_SIZE];
    size_t effect_author_size;
    uint64_t effect_counter, effect_lamport;
    const uint8_t *undoes; /* digest of the change that it takes back; NULL: none */
    uint64_t restores;     /* the slot whose content it says to bring forward; 0: none */
    uint8_t undone_author[LIMIT_PRINCIPAL_SIZE];
    size_t undone_author_size;
};

/* ---- judge.c ---- */

/* True for RSM_OK; a status that is neither that nor RSM_NOT_FOUND becomes the fault. */
bool judge_found(struct judge *j, enum rsm_status status);
void judge_put(struct judge *j, enum table table, struct bytes key, struct bytes value);
/* The writer's bytes, which must not have failed: they are bounded by the command's size. */
void judge_put_writer(struct judge *j, enum table table, struct bytes key, const struct writer *w);
void judge_del(struct judge *j, enum table table, struct bytes key);
#define judge_refuse(j, rule, ...) reasons_add(&(j)->m->reasons, (rule), __VA_ARGS__)
struct version judge_version(const struct judge *j); /* the command as one */
/* The command is about that zone, which has these labels (a canonical map) before it. */
void judge_touch(struct judge *j, struct bytes zone, struct bytes labels);
/* The same for a zone that may be there or not; `zone` may be borrowed from the kv. */
void judge_touch_zone(struct judge *j, struct bytes zone);

/* Whose rights and budget count. */
static inline struct bytes judge_subject(const struct judge *j)
{
    return j->behalf.size > 0 ? j->behalf : j->command->author;
}

/* The verdict of one command; everything is in the overlay m->inner and m->reasons, m->result. */
enum rsm_status judge_command(struct judge *j, bool is_verified);
/* A staged change again, in the state as it is now; m->reasons, m->result and the overlay. */
void judge_settled(struct judge *j);
/* The same for a replica's own check: `slot` and `index` are those of its staging. */
void judge_dry(struct judge *j);
/* Writes what every applied command leaves: its event, its author's counter, the Lamport clock. */
void judge_remember(struct judge *j);

/* ---- words.c: for evidence ---- */

/* "www.example.org."; returns `out`. */
const char *words_name(struct bytes name, char out[WORDS_SIZE]);
/* "rrset www.example.org. A" */
const char *words_rrset(struct bytes owner, uint16_t type, char out[WORDS_SIZE]);
/* "zone example.org." and so on for texts, control characters left out. */
const char *words_object(enum object_kind kind, struct bytes name, char out[WORDS_SIZE]);

/* Text for printf's %.*s. */
#define TEXT_ARGUMENTS(b) (int)(b).size, (const char *)(b).data

/* Without its first label; the root stays. */
struct bytes name_parent(struct bytes name);

#include "src/machine/kinds.h"
#include "src/machine/rules.h"

#endif
