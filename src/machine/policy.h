/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy.h - the policy: numbers and lists that rules look at.
 *
 * policy.set takes a map; keys that it names are set, nil brings a key's default back, the others
 * stay. An unknown key, a wrong type or a number outside its bounds is policy-bad, and nothing is
 * set then.
 *
 * Lists besides: classes (policy_class.c), approval_groups (policy_groups.c), limits and times
 * (policy_limit.h), and
 *     protected [[zone bin, owner bin, type uint, floor uint]...]   default: none, at most 4096
 * The record set keeps at least `floor` records (1 or more): no command lowers it below.
 */
#ifndef RSM_MACHINE_POLICY_H
#define RSM_MACHINE_POLICY_H

#include <rsm/change.h>
#include <rsm/setting.h>
#include <rsm/status.h>

#include "src/base/bytes.h"
#include "src/base/kv.h"
#include "src/base/limits.h"
#include "src/command/body.h"
#include "src/machine/verdict.h"

#define POLICY_PROTECTED_MAX 4096u

/* X(name, least, most, default); all are unsigned integers. */
#define POLICY_LIST(X)                                                                             \
    /* How far a command's Lamport clock may be above the highest known one: one huge value */     \
    /* would make all others look old. */                                                          \
    X(lamport_jump_max, 1, 1000000000, 1000000)                                                    \
    /* TTLs in seconds; RFC 2181 8 ends them at 2^31 - 1. */                                       \
    X(ttl_min, 0, 86400, 0)                                                                        \
    X(ttl_max, 60, 2147483647, 604800)                                                             \
    /* The longest life of a lease without renewal. */                                             \
    X(lease_ms_max, 1000, 86400000, 600000)                                                        \
    /* Rejections that are logged in a minute; more are answered and not logged. */                \
    X(rejections_per_minute, 0, 100000, 600)                                                       \
    /* Record sets of one zone, records of one record set. */                                      \
    X(zone_rrsets_max, 1, 100000000, 10000000)                                                     \
    X(rrset_records_max, 1, 4096, 4096)                                                            \
    /* 1: an enactor may execute a plan's generation after a newer one was published, where that   \
     */                                                                                            \
    /* newer one has not been executed. 0 is the strict choice. */                                 \
    X(plan_superseded, 0, 1, 0)                                                                    \
    /* Who is kept from what another owns: 0 nobody, 1 automata, 2 everybody. */                   \
    X(ownership, 0, 2, 1)                                                                          \
    /* So many times within the window authors undo each other, then the object is frozen; 0: */   \
    /* never. */                                                                                   \
    X(flips_max, 0, 1000, 3)                                                                       \
    X(flip_window_ms, 1000, 2592000000, 3600000)                                                   \
    /* What automata may write to one record set in an hour; 0: no limit. */                       \
    X(object_changes_per_hour, 0, 1000000, 0)                                                      \
    /* 1: a record may point at a name inside our zones that is not there. */                      \
    X(dangling_allowed, 0, 1, 0)                                                                   \
    /* The SOA's expire field in seconds: how long secondaries go on when all of this is dead. */  \
    X(soa_expire_min, 0, 2147483647, 0)                                                            \
    X(soa_expire_max, 0, 2147483647, 2147483647)                                                   \
    /* An automaton deletes what was reported absent so many times, the first so long ago; 0: */   \
    /* whenever it likes. */                                                                       \
    X(absent_times, 0, 1000, 0)                                                                    \
    X(absent_ms, 0, 2678400000, 0)                                                                 \
    /* How long a critical change waits for its votes; an emergency for its approvals, and then    \
     */                                                                                            \
    /* for its votes. Log time. */                                                                 \
    X(critical_deadline_ms, 1000, 86400000, 60000)                                                 \
    X(emergency_request_ms, 60000, 604800000, 7200000)                                             \
    X(emergency_token_ms, 60000, 900000, 900000)                                                   \
    /* So many persons approve an emergency, none of them its author; approval_groups says which.  \
     */                                                                                            \
    X(approvals, 2, 9, 2)                                                                          \
    /* What an approval needs beside the approver's key: 0 nothing, 1 any second factor, 2 one     \
     */                                                                                            \
    /* that signs: no code (totp). */                                                              \
    X(second_factor, 0, 2, 1)                                                                      \
    /* Above 0: at the deadline the yes of so many zones is enough, when no replica said no. 0:    \
     */                                                                                            \
    /* every zone of the voters, always. */                                                        \
    X(vote_zones_least, 0, 9, 0)                                                                   \
    /* The catalog keeps so many zones, and so many leave it within the window at most; 0: any */  \
    /* number. A secondary deletes what its catalog does not have any more. */                     \
    X(catalog_least, 0, 1000000, 1)                                                                \
    X(catalog_leave_max, 0, 1000000, 10)                                                           \
    X(catalog_window_ms, LIMIT_WINDOW_MS_MIN, LIMIT_WINDOW_MS_MAX, 3600000)                        \
    /* So many persons with the role root agree to policy.set, role.* and principal.*; 0: none. */ \
    X(root_approvals, 0, 16, 0)                                                                    \
    /* Changes of a zone within so many ms after one are told to secondaries together. */          \
    X(publish_ms, 0, RSM_PUBLISH_MS_MAX, 50)                                                       \
    /* Automata that come back from a freeze, in each availability zone: how long they are         \
     */                                                                                            \
    /* watched, commands a minute of all of them in the first quarter of that time (twice as       \
     */                                                                                            \
    /* many in each quarter after it), what is left of the limits in percent, and how many of      \
     */                                                                                            \
    /* their commands may be refused before all are frozen again (resume.h). */                    \
    X(resume_watch_ms, 1000, 86400000, 600000)                                                     \
    X(resume_commands, 1, 1000000, 6)                                                              \
    X(resume_limit_percent, 1, 100, 50)                                                            \
    X(resume_refused_max, 0, 1000000, 3)

struct policy {
#define POLICY_FIELD(name, least, most, initial) uint64_t name;
    POLICY_LIST(POLICY_FIELD)
#undef POLICY_FIELD
};

/* The policy in force, defaults where nothing is set. RSM_DAMAGED and as the kv. */
enum rsm_status policy_load(struct kv *kv, struct policy *out);

/* Lists that rules walk. */
enum policy_list {
    POLICY_LIST_CLASSES = 1,
    POLICY_LIST_LIMITS,
    POLICY_LIST_TIMES,
    POLICY_LIST_END,
};

/* A list as it was given, borrowed. RSM_NOT_FOUND: none is set. Else as the kv. */
enum rsm_status policy_list(struct kv *kv, enum policy_list list, struct bytes *list_out);

/* All keys with their values as one canonical map, "protected" included. Appends. */
enum rsm_status policy_encode(struct kv *kv, struct writer *out);

/* The floor of a record set; 0 when it is not protected. */
enum rsm_status policy_floor(struct kv *kv, struct bytes zone, struct bytes owner, uint16_t type,
                             uint32_t *floor_out);

/*
 * Sets what `map` names. Reasons against it are added to `reasons`, then nothing is written.
 * *changed_out: something is now different.
 */
enum rsm_status policy_set(struct kv *kv, struct bytes map, struct reasons *reasons,
                           bool *changed_out);

/* Walks the protected record sets of a zone (empty: of all). `place` begins as an empty key. */
struct policy_protected {
    struct bytes zone, owner; /* zone in `place`, owner in `buffer` */
    uint16_t type;
    uint32_t floor;
    uint8_t buffer[LIMIT_NAME_SIZE];
};

/* ---- policy_class.c: the list "classes" ---- */

#define POLICY_CLASS_DEADLINE_MIN 1000u
#define POLICY_CLASS_DEADLINE_MAX 604800000u /* a week */

/* One item; what it does not name is empty or 0. All borrowed from the list. */
struct policy_class {
    enum rsm_class class;
    struct bytes zone, suffix, label, value, tier;
    struct body_walk kinds; /* texts */
    struct body_walk types;
    uint64_t risk, reach, deadline_ms;
    bool root;
};

/* A whole list; reports what is wrong with it. */
void policy_class_check(struct unpack *list, struct reasons *reasons);

/* policy_groups.c: of the persons who approve, so many have that role; all items count. */
struct policy_group {
    struct bytes role;
    uint32_t least;
};

/* The next item; false: it is none such. */
bool policy_group_take(struct unpack *list, struct policy_group *out);
void policy_groups_check(struct unpack *list, struct reasons *reasons);

struct key;
enum rsm_status policy_next_protected(struct kv *kv, struct bytes zone, struct key *place,
                                      struct policy_protected *out);

#endif
