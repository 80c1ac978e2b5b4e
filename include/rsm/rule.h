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

#include <rsm/rule_core.h>
#include <rsm/stage.h>

#ifdef __cplusplus
extern "C" {
#endif

/* As in rsm/rule_core.h; new ones go to the end. */
#define RSM_RULE_LIST(X)                                                                           \
    RSM_RULE_LIST_CORE(X)                                                                          \
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
      "a second factor is one principal's for ever, and no key that signs commands")               \
    X(OVERRIDE_STEP, 94, "override-step", EXECUTION, "kind_step.c",                                \
      "the steps of an override are done in order, or skipped aloud")                              \
    X(RECORDING, 95, "recording", CAUSAL, "kind_record.c",                                         \
      "a recording goes on chunk by chunk, by its author, until it ends")                          \
    X(CLASS_GRANTED, 96, "class-granted", QUORUM, "rule_rights.c",                                 \
      "the author's grants allow changes of this class")                                           \
    X(RECOVERY, 97, "recovery", PREFLIGHT, "kind_recover.c",                                       \
      "two persons sign exactly what one replica goes on from alone")                              \
    X(KEY_TAKEN, 98, "key-taken", PREFLIGHT, "kind_principal.c", "a key is one principal's")

enum rsm_rule {
#define RSM_RULE_ENUM(name, number, id, stage, file, text) RSM_RULE_##name = number,
    RSM_RULE_LIST(RSM_RULE_ENUM)
#undef RSM_RULE_ENUM
};

/* The stable id, such as "stale-plan"; "unknown" for a number outside the list. Static memory. */
const char *rsm_rule_id(uint32_t rule);
/* What the rule demands, for people. Static memory. */
const char *rsm_rule_text(uint32_t rule);
/* What whoever was refused by it does next. Static memory. */
const char *rsm_rule_next(uint32_t rule);
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
