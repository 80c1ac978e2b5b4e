/* SPDX-License-Identifier: Apache-2.0 */
/* rule_core.h - the first part of the list of rules (rsm/rule.h): no rule comes to it any more. */
#ifndef RSM_RULE_CORE_H
#define RSM_RULE_CORE_H

/*
 * X(name, number, id, stage, file that checks it, what it demands). Files are in src/machine when
 * no folder is named; a rule that several files check stands with the one that knows it best.
 */
#define RSM_RULE_LIST_CORE(X)                                                                      \
    X(DEPENDENCY_MISSING, 1, "dependency-missing", CAUSAL, "rule_causal.c",                        \
      "every dependency is known")                                                                 \
    X(DEPENDENCY_ORDER, 2, "dependency-order", CAUSAL, "rule_causal.c",                            \
      "a dependency's Lamport clock is lower")                                                     \
    X(COUNTER_GAP, 3, "counter-gap", CAUSAL, "rule_causal.c",                                      \
      "the author's counter is the next one")                                                      \
    X(COUNTER_USED, 4, "counter-used", CAUSAL, "rule_causal.c",                                    \
      "a counter stands for one command for ever")                                                 \
    X(LAMPORT_ORDER, 5, "lamport-order", CAUSAL, "rule_causal.c",                                  \
      "the Lamport clock is above all that was seen")                                              \
    X(LAMPORT_JUMP, 6, "lamport-jump", CAUSAL, "rule_causal.c",                                    \
      "the Lamport clock is not far above the highest")                                            \
    X(CLOCK_FUTURE, 7, "clock-future", CAUSAL, "rule_causal.c",                                    \
      "the vector clock names only events that exist")                                             \
    X(STALE, 8, "stale", CAUSAL, "rule_causal.c",                                                  \
      "the state that the command is based on was overtaken")                                      \
    X(CONCURRENT, 9, "concurrent", CAUSAL, "rule_causal.c",                                        \
      "another command, not seen, wrote the same object")                                          \
    X(STALE_PLAN, 10, "stale-plan", CAUSAL, "kind_plan.c",                                         \
      "a plan's generation is above all before it")                                                \
    X(PLAN_PARENT, 11, "plan-parent", CAUSAL, "kind_plan.c",                                       \
      "a plan's parent is the generation before it")                                               \
    X(PLAN_UNKNOWN, 12, "plan-unknown", PREFLIGHT, "kind_plan.c", "the plan is there")             \
    X(PLAN_SCOPE, 13, "plan-scope", PREFLIGHT, "kind_plan.c",                                      \
      "a plan touches only what its scope declares")                                               \
    X(PLAN_INCOMPLETE, 14, "plan-incomplete", PREFLIGHT, "kind_plan.c",                            \
      "an incomplete source deletes nothing")                                                      \
    X(PLAN_PINNED, 15, "plan-pinned", IMPACT, "kind_plan.c",                                       \
      "what is live, staged or pinned is not collected")                                           \
    X(LEASE_HELD, 16, "lease-held", EXECUTION, "kind_lease.c", "a lease has one holder")           \
    X(LEASE_EXPIRED, 17, "lease-expired", EXECUTION, "kind_lease.c", "the lease is still running") \
    X(LEASE_TOKEN, 18, "lease-token", EXECUTION, "kind_lease.c",                                   \
      "the fencing token is the newest one")                                                       \
    X(CYCLE, 19, "cycle", CAUSAL, "rule_cycle.c", "aliases and dependencies form no cycle")        \
    X(ENDPOINT_EMPTY, 20, "endpoint-empty", IMPACT, "rule_floor.c",                                \
      "a protected endpoint keeps its floor of addresses")                                         \
    X(FROZEN, 21, "frozen", EXECUTION, "rule_freeze.c", "no freeze covers the command")            \
    X(RIGHTS, 22, "rights", PREFLIGHT, "rule_rights.c", "the author's roles grant the command")    \
    X(ZONE_UNKNOWN, 23, "zone-unknown", PREFLIGHT, "kind_zone.c", "the zone is there")             \
    X(ZONE_EXISTS, 24, "zone-exists", PREFLIGHT, "kind_zone.c", "the zone is not there yet")       \
    X(RRSET_UNKNOWN, 25, "rrset-unknown", PREFLIGHT, "changes.c",                                  \
      "a record set that is deleted is there")                                                     \
    X(OUT_OF_ZONE, 26, "out-of-zone", PREFLIGHT, "rule_dns.c", "owners are inside the zone")       \
    X(CNAME_BESIDE, 27, "cname-beside", PREFLIGHT, "rule_dns.c", "no CNAME beside other data")     \
    X(DNAME_BESIDE, 28, "dname-beside", PREFLIGHT, "rule_dns.c",                                   \
      "no data below a DNAME, one DNAME at a name")                                                \
    X(SOA_SINGLE, 29, "soa-single", PREFLIGHT, "rule_dns.c",                                       \
      "one SOA, at the apex, never deleted")                                                       \
    X(APEX_NS, 30, "apex-ns", PREFLIGHT, "rule_dns.c", "the apex keeps its NS")                    \
    X(TTL_RANGE, 31, "ttl-range", PREFLIGHT, "rule_dns.c",                                         \
      "the TTL is within the policy's bounds")                                                     \
    X(RDATA_BAD, 32, "rdata-bad", PREFLIGHT, "rule_dns.c",                                         \
      "the record data is well-formed for its type")                                               \
    X(TYPE_FORBIDDEN, 33, "type-forbidden", PREFLIGHT, "rule_dns.c",                               \
      "the type can be stored in a zone")                                                          \
    X(DUPLICATE_CHANGE, 34, "duplicate-change", PREFLIGHT, "changes.c",                            \
      "a change set names a record set once")                                                      \
    X(QUOTA, 35, "quota", PREFLIGHT, "rule_dns.c", "sizes and counts are within their limits")     \
    X(PRINCIPAL_UNKNOWN, 36, "principal-unknown", PREFLIGHT, "kind_principal.c",                   \
      "the principal is there")                                                                    \
    X(LAST_ADMINISTRATOR, 37, "last-administrator", PREFLIGHT, "kind_principal.c",                 \
      "one administrator always remains")                                                          \
    X(ROLE_UNKNOWN, 38, "role-unknown", PREFLIGHT, "kind_principal.c", "the role is there")        \
    X(POLICY_BAD, 39, "policy-bad", PREFLIGHT, "policy.c",                                         \
      "the policy is well-formed and within its bounds")                                           \
    X(FREEZE_UNKNOWN, 40, "freeze-unknown", PREFLIGHT, "kind_freeze.c", "the freeze is there")     \
    X(TIME_BOUND, 41, "time-bound", EXECUTION, "src/daemon",                                       \
      "the leader's clock is near the acceptor's")                                                 \
    X(KEY_INVALID, 42, "key-invalid", PREFLIGHT, "rule_rights.c",                                  \
      "the key belongs to the author at this slot")                                                \
    X(NO_CHANGE, 43, "no-change", PREFLIGHT, "changes.c", "the command changes something")         \
    X(AUTOMATON_SCOPE, 44, "automaton-scope", PREFLIGHT, "rule_rights.c",                          \
      "an automaton has a scope of its own")                                                       \
    X(SERIAL_RANGE, 45, "serial-range", PREFLIGHT, "changes.c", "the serial can still grow")       \
    X(MEMBER_CHANGE_PENDING, 46, "member-change-pending", EXECUTION, "kind_member.c",              \
      "one change of the members at a time")                                                       \
    X(MEMBER_UNKNOWN, 47, "member-unknown", PREFLIGHT, "kind_member.c", "the replica is a member") \
    X(MEMBER_EXISTS, 48, "member-exists", PREFLIGHT, "kind_member.c",                              \
      "id, key and peer address are no other member's")                                            \
    X(LAST_VOTER, 49, "last-voter", IMPACT, "kind_member.c", "one voter always remains")           \
    X(INCARNATION_USED, 50, "incarnation-used", CAUSAL, "kind_member.c",                           \
      "a removed replica comes back as a new one")                                                 \
    X(EFFECT_MISMATCH, 51, "effect-mismatch", PRECOMMIT, "rule_precommit.c",                       \
      "what would be written is what the command says")

#endif
