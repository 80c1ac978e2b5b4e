/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule.h - the rules that can refuse a command, each by its stable id.
 *
 * A verdict lists all rules that failed, each with evidence. The numbers are in the log for ever:
 * new rules go to the end, none is ever renumbered. `docs/protocol.md` explains each.
 */
#ifndef RSM_RULE_H
#define RSM_RULE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, number, id, what it demands) */
#define RSM_RULE_LIST(X)                                                                           \
    X(DEPENDENCY_MISSING, 1, "dependency-missing", "every dependency is known")                    \
    X(DEPENDENCY_ORDER, 2, "dependency-order", "a dependency's Lamport clock is lower")            \
    X(COUNTER_GAP, 3, "counter-gap", "the author's counter is the next one")                       \
    X(COUNTER_USED, 4, "counter-used", "a counter stands for one command for ever")                \
    X(LAMPORT_ORDER, 5, "lamport-order", "the Lamport clock is above all that was seen")           \
    X(LAMPORT_JUMP, 6, "lamport-jump", "the Lamport clock is not far above the highest")           \
    X(CLOCK_FUTURE, 7, "clock-future", "the vector clock names only events that exist")            \
    X(STALE, 8, "stale", "the state that the command is based on was overtaken")                   \
    X(CONCURRENT, 9, "concurrent", "another command, not seen, wrote the same object")             \
    X(STALE_PLAN, 10, "stale-plan", "a plan's generation is above all before it")                  \
    X(PLAN_PARENT, 11, "plan-parent", "a plan's parent is the generation before it")               \
    X(PLAN_UNKNOWN, 12, "plan-unknown", "the plan is there")                                       \
    X(PLAN_SCOPE, 13, "plan-scope", "a plan touches only what its scope declares")                 \
    X(PLAN_INCOMPLETE, 14, "plan-incomplete", "an incomplete source deletes nothing")              \
    X(PLAN_PINNED, 15, "plan-pinned", "what is live, staged or pinned is not collected")           \
    X(LEASE_HELD, 16, "lease-held", "a lease has one holder")                                      \
    X(LEASE_EXPIRED, 17, "lease-expired", "the lease is still running")                            \
    X(LEASE_TOKEN, 18, "lease-token", "the fencing token is the newest one")                       \
    X(CYCLE, 19, "cycle", "aliases and dependencies form no cycle")                                \
    X(ENDPOINT_EMPTY, 20, "endpoint-empty", "a protected endpoint keeps its floor of addresses")   \
    X(FROZEN, 21, "frozen", "no freeze covers the command")                                        \
    X(RIGHTS, 22, "rights", "the author's roles grant the command")                                \
    X(ZONE_UNKNOWN, 23, "zone-unknown", "the zone is there")                                       \
    X(ZONE_EXISTS, 24, "zone-exists", "the zone is not there yet")                                 \
    X(RRSET_UNKNOWN, 25, "rrset-unknown", "a record set that is deleted is there")                 \
    X(OUT_OF_ZONE, 26, "out-of-zone", "owners are inside the zone")                                \
    X(CNAME_BESIDE, 27, "cname-beside", "no CNAME beside other data")                              \
    X(DNAME_BESIDE, 28, "dname-beside", "no data below a DNAME, one DNAME at a name")              \
    X(SOA_SINGLE, 29, "soa-single", "one SOA, at the apex, never deleted")                         \
    X(APEX_NS, 30, "apex-ns", "the apex keeps its NS")                                             \
    X(TTL_RANGE, 31, "ttl-range", "the TTL is within the policy's bounds")                         \
    X(RDATA_BAD, 32, "rdata-bad", "the record data is well-formed for its type")                   \
    X(TYPE_FORBIDDEN, 33, "type-forbidden", "the type can be stored in a zone")                    \
    X(DUPLICATE_CHANGE, 34, "duplicate-change", "a change set names a record set once")            \
    X(QUOTA, 35, "quota", "sizes and counts are within their limits")                              \
    X(PRINCIPAL_UNKNOWN, 36, "principal-unknown", "the principal is there")                        \
    X(LAST_ADMINISTRATOR, 37, "last-administrator", "one administrator always remains")            \
    X(ROLE_UNKNOWN, 38, "role-unknown", "the role is there")                                       \
    X(POLICY_BAD, 39, "policy-bad", "the policy is well-formed and within its bounds")             \
    X(FREEZE_UNKNOWN, 40, "freeze-unknown", "the freeze is there")                                 \
    X(TIME_BOUND, 41, "time-bound", "the leader's clock is near the acceptor's")                   \
    X(KEY_INVALID, 42, "key-invalid", "the key belongs to the author at this slot")                \
    X(NO_CHANGE, 43, "no-change", "the command changes something")                                 \
    X(AUTOMATON_SCOPE, 44, "automaton-scope", "an automaton has a scope of its own")               \
    X(SERIAL_RANGE, 45, "serial-range", "the serial can still grow")                               \
    X(MEMBER_CHANGE_PENDING, 46, "member-change-pending", "one change of the members at a time")   \
    X(MEMBER_UNKNOWN, 47, "member-unknown", "the replica is a member")                             \
    X(MEMBER_EXISTS, 48, "member-exists", "id, key and peer address are no other member's")        \
    X(LAST_VOTER, 49, "last-voter", "one voter always remains")                                    \
    X(INCARNATION_USED, 50, "incarnation-used", "a removed replica comes back as a new one")

enum rsm_rule {
#define RSM_RULE_ENUM(name, number, id, text) RSM_RULE_##name = number,
    RSM_RULE_LIST(RSM_RULE_ENUM)
#undef RSM_RULE_ENUM
};

/* The stable id, such as "stale-plan"; "unknown" for a number outside the list. Static memory. */
const char *rsm_rule_id(uint32_t rule);

/* What the rule demands, for people. Static memory. */
const char *rsm_rule_text(uint32_t rule);

#ifdef __cplusplus
}
#endif
#endif
