/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule.h - the rules that can refuse a command, each by its stable id.
 *
 * A verdict lists all rules that failed, each with evidence, and what became of each stage. The
 * numbers are in the log for ever: new rules and stages go to the end, none is ever renumbered.
 * `docs/rules.md` explains the stages, `docs/protocol.md` how a verdict is shown.
 */
#ifndef RSM_RULE_H
#define RSM_RULE_H

#include <stddef.h>
#include <stdint.h>

#include <rsm/stage.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * X(name, number, id, stage, file that checks it, what it demands). Files are in src/machine when
 * no folder is named; a rule that several files check stands with the one that knows it best.
 */
#define RSM_RULE_LIST(X)                                                                           \
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
      "what would be written is what the command says")                                            \
    X(KEY_REVOKED, 52, "key-revoked", PREFLIGHT, "rule_rights.c",                                  \
      "a key that was revoked is nobody's, from that slot on")                                     \
    X(BUDGET, 53, "budget", PREFLIGHT, "rule_budget.c", "the author has not spent its budget")     \
    X(AUTOMATON_BUDGET, 54, "automaton-budget", PREFLIGHT, "rule_budget.c",                        \
      "an automaton has a budget of its own")                                                      \
    X(OWNER, 55, "owner", IMPACT, "rule_owner.c",                                                  \
      "a record set is altered and deleted by its owner")                                          \
    X(OSCILLATION, 56, "oscillation", EXECUTION, "rule_flip.c",                                    \
      "no two authors undo each other again and again")                                            \
    X(OBJECT_BUDGET, 57, "object-budget", EXECUTION, "rule_flip.c",                                \
      "automata write one record set only so often")                                               \
    X(DANGLING, 58, "dangling", CAUSAL, "rule_graph.c",                                            \
      "what records of our zones point at inside our zones is there")                              \
    X(PREREQ_NXDOMAIN, 59, "prereq-nxdomain", CAUSAL, "update_prereq.c",                           \
      "a name that the update asks for is in use")                                                 \
    X(PREREQ_YXDOMAIN, 60, "prereq-yxdomain", CAUSAL, "update_prereq.c",                           \
      "a name that the update forbids is not in use")                                              \
    X(PREREQ_NXRRSET, 61, "prereq-nxrrset", CAUSAL, "update_prereq.c",                             \
      "a record set that the update asks for is there")                                            \
    X(PREREQ_YXRRSET, 62, "prereq-yxrrset", CAUSAL, "update_prereq.c",                             \
      "a record set that the update forbids is not there")                                         \
    X(PREREQ_PLAN, 63, "prereq-plan", CAUSAL, "update.c",                                          \
      "an update of a plan's content names what is there now")                                     \
    X(REQUEST_DONE, 64, "request-done", CAUSAL, "update_request.c",                                \
      "one message of a client is one update")                                                     \
    X(LIMIT, 65, "limit", IMPACT, "rule_limit.c",                                                  \
      "what is changed at once and in a time is within the policy's limits")                       \
    X(TIME_WINDOW, 66, "time-window", EXECUTION, "rule_limit.c",                                   \
      "the policy allows changes of the zone at this time")                                        \
    X(SOA_EXPIRE, 67, "soa-expire", PREFLIGHT, "rule_dns.c",                                       \
      "secondaries keep the zone long enough")                                                     \
    X(ABSENT, 68, "absent", IMPACT, "rule_absent.c",                                               \
      "what automata delete has been absent for long enough")                                      \
    X(NAME_RESERVED, 69, "name-reserved", PREFLIGHT, "kind_principal.c",                           \
      "names that the cluster gives itself are nobody's")                                          \
    X(CHANGE_UNKNOWN, 70, "change-unknown", PREFLIGHT, "kind_change.c", "the change was staged")   \
    X(CHANGE_SETTLED, 71, "change-settled", EXECUTION, "kind_change.c", "the change still waits")  \
    X(VOTE_INVALID, 72, "vote-invalid", QUORUM, "kind_change.c",                                   \
      "a voter of the change's members votes once")                                                \
    X(VOTED_NO, 73, "voted-no", QUORUM, "settle.c", "no replica votes no")                         \
    X(CHANGE_EXPIRED, 74, "change-expired", QUORUM, "settle.c",                                    \
      "what is needed comes before the deadline")                                                  \
    X(CHANGE_CANCELLED, 75, "change-cancelled", EXECUTION, "kind_change.c",                        \
      "nobody takes the change back")                                                              \
    X(APPROVER, 76, "approver", QUORUM, "kind_approve.c",                                          \
      "two persons approve, neither of them the author")                                           \
    X(OVERRIDE_RULE, 77, "override-rule", PREFLIGHT, "kind_change.c",                              \
      "only rules that an override may name are named")                                            \
    X(UPDATE_CLASS, 78, "update-class", QUORUM, "policy_class.c", "an update needs no votes")      \
    X(OVERRIDE_TOKEN, 79, "override-token", QUORUM, "kind_approve.c",                              \
      "an approved emergency is applied once, and in time")                                        \
    X(CLASS_RAISED, 80, "class-raised", QUORUM, "settle.c",                                        \
      "the change needs no more agreement now than when it was staged")                            \
    X(RESUME, 81, "resume", PREFLIGHT, "kind_resume.c", "what comes back is frozen, and automata") \
    X(RESUME_RATE, 82, "resume-rate", EXECUTION, "rule_freeze.c",                                  \
      "automata that come back begin slowly")                                                      \
    X(CATALOG, 83, "catalog", IMPACT, "rule_catalog.c",                                            \
      "the catalog keeps its zones, and is written by the state machine alone")                    \
    X(ROOT_HOLDERS, 84, "root-holders", PREFLIGHT, "rule_root.c", "enough hold the role root")     \
    X(UNDO, 85, "undo", CAUSAL, "rule_undo.c",                                                     \
      "what takes a live change back leaves what was before")                                      \
    X(FACTOR_MISSING, 86, "factor-missing", QUORUM, "rule_factor.c",                               \
      "an approval has the second factor that the policy asks for")                                \
    X(FACTOR_UNKNOWN, 87, "factor-unknown", QUORUM, "rule_factor.c",                               \
      "the second factor is enrolled for the approver")                                            \
    X(FACTOR_DIGEST, 88, "factor-digest", QUORUM, "rule_factor.c",                                 \
      "the second factor says yes to this change, by this approver")                               \
    X(FACTOR_SIGNATURE, 89, "factor-signature", QUORUM, "rule_factor.c",                           \
      "the second factor's signature is good")                                                     \
    X(FACTOR_PRESENCE, 90, "factor-presence", QUORUM, "rule_factor.c",                             \
      "the authenticator has seen its person, for this relying party")                             \
    X(FACTOR_REPLAYED, 91, "factor-replayed", QUORUM, "rule_factor.c",                             \
      "a counter and a code are used once")                                                        \
    X(FACTOR_TIME, 92, "factor-time", QUORUM, "rule_factor.c", "a code is of now")                 \
    X(FACTOR_USED, 93, "factor-used", PREFLIGHT, "kind_factor.c",                                  \
      "a second factor is one principal's for ever, and no key that signs commands")

enum rsm_rule {
#define RSM_RULE_ENUM(name, number, id, stage, file, text) RSM_RULE_##name = number,
    RSM_RULE_LIST(RSM_RULE_ENUM)
#undef RSM_RULE_ENUM
};

/* The stable id, such as "stale-plan"; "unknown" for a number outside the list. Static memory. */
const char *rsm_rule_id(uint32_t rule);
/* What the rule demands, for people. Static memory. */
const char *rsm_rule_text(uint32_t rule);
/* The rule's number; 0 when no rule has this id. */
uint32_t rsm_rule_parse(const void *id, size_t size);
/*
 * An override may name it: it looks at what a change leaves, and changes nothing of what it writes.
 * What a change may do to rights, clocks, versions and DNS itself nobody overrides.
 */
int rsm_rule_may_be_overridden(uint32_t rule);
/* The stage that the rule belongs to; RSM_STAGE_PREFLIGHT for a number outside the list. */
enum rsm_stage rsm_rule_stage(uint32_t rule);

/* The file that checks it, for people. Static memory. */
const char *rsm_rule_file(uint32_t rule);
uint32_t rsm_rule_last(void); /* the rules' numbers are 1 to this one */

#ifdef __cplusplus
}
#endif
#endif
