/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_next.c - what whoever was refused does next, one line for each rule. The evidence says what
 * was wrong, and often more; this is what is true of every refusal by the rule.
 */
#include <rsm/rule.h>

#define RULE_NEXT_LIST(X)                                                                          \
    X(DEPENDENCY_MISSING, "wait until the dependency is in effect (outcome), or leave it out")     \
    X(DEPENDENCY_ORDER, "take a Lamport clock above the dependency's and sign anew")               \
    X(COUNTER_GAP, "take the author's next counter (method clock) and sign anew")                  \
    X(COUNTER_USED, "look what became of it (outcome); another command takes the next counter")    \
    X(LAMPORT_ORDER, "take a Lamport clock above all that was seen and sign anew")                 \
    X(LAMPORT_JUMP, "take a Lamport clock near the highest known one (method clock)")              \
    X(CLOCK_FUTURE, "name events that are in the log alone; is this another cluster's clock?")     \
    X(STALE, "read the object again, decide again on what is there now, sign anew")                \
    X(CONCURRENT, "read the object again, decide again on what is there now, sign anew")           \
    X(STALE_PLAN, "execute the newest generation, or publish a newer one (plan list)")             \
    X(PLAN_PARENT, "publish with the highest generation as parent (plan show)")                    \
    X(PLAN_UNKNOWN, "look which plans and generations there are (plan list, plan show)")           \
    X(PLAN_SCOPE, "leave it out, or publish a generation whose scope names it")                    \
    X(PLAN_INCOMPLETE, "publish from a complete source, or delete it in a change of its own")      \
    X(PLAN_PINNED, "collect below it; what is live is given up by executing a newer generation")   \
    X(LEASE_HELD, "wait until it ends, or let its holder release it (lease list)")                 \
    X(LEASE_EXPIRED, "acquire the lease anew and look at the state before you go on")              \
    X(LEASE_TOKEN, "stop: another holder came since; acquire the lease anew (lease list)")         \
    X(CYCLE, "leave out one of the edges that are printed (graph NAME shows them)")                \
    X(ENDPOINT_EMPTY, "keep as many records as the floor says, or change the policy's protected")  \
    X(FROZEN, "wait for the freeze's end, or ask whoever froze it (automation list)")              \
    X(RIGHTS, "ask an administrator for a grant (role list, principal list)")                      \
    X(ZONE_UNKNOWN, "look how it is written (zone list), or make it first (zone create)")          \
    X(ZONE_EXISTS, "change it (plan apply, record set), or delete it first")                       \
    X(RRSET_UNKNOWN, "look how it is written (record list ZONE)")                                  \
    X(OUT_OF_ZONE, "name the zone that the owner is in (zone list)")                               \
    X(CNAME_BESIDE, "delete the other record sets of the name in the same change, or take no "     \
                    "CNAME")                                                                       \
    X(DNAME_BESIDE, "delete what is below the DNAME in the same change, or take another name")     \
    X(SOA_SINGLE, "give the zone exactly one SOA, at its apex")                                    \
    X(APEX_NS, "give the zone's apex an NS record set")                                            \
    X(TTL_RANGE, "take a TTL within the bounds, or change the policy's ttl_min and ttl_max")       \
    X(RDATA_BAD, "correct the record's data")                                                      \
    X(TYPE_FORBIDDEN, "leave that type out")                                                       \
    X(DUPLICATE_CHANGE, "name each record set once")                                               \
    X(QUOTA,                                                                                       \
      "the evidence has the bound: make it smaller or shorter, split it, or add what is missing")  \
    X(PRINCIPAL_UNKNOWN, "look how it is written (principal list), or make it (principal set)")    \
    X(LAST_ADMINISTRATOR, "make another person an administrator first (principal set --role "      \
                          "admin); the roles admin and root are never written")                    \
    X(ROLE_UNKNOWN, "look how it is written (role list), or make it first (role set)")             \
    X(POLICY_BAD, "correct the policy (policy check FILE)")                                        \
    X(FREEZE_UNKNOWN, "look which freezes there are (automation list)")                            \
    X(TIME_BOUND, "nothing: the leader's clock is off, and another replica leads soon (status)")   \
    X(KEY_INVALID, "sign with a key of the principal (principal list, key-add)")                   \
    X(NO_CHANGE, "nothing: it is so already; else look at what is there")                          \
    X(AUTOMATON_SCOPE, "give its role a grant that names the zone and its verbs (role set)")       \
    X(SERIAL_RANGE, "take a serial less than 2^31 above the zone's")                               \
    X(MEMBER_CHANGE_PENDING, "wait until the change before is in force (member list)")             \
    X(MEMBER_UNKNOWN, "look which members there are (member list)")                                \
    X(MEMBER_EXISTS, "take another number, key or address, or remove that member first")           \
    X(LAST_VOTER, "promote another member first (member promote)")                                 \
    X(INCARNATION_USED, "start it on an empty directory: a life that was removed does not return") \
    X(EFFECT_MISMATCH, "report it: the program is at fault, nothing was changed")                  \
    X(KEY_REVOKED, "sign with a key that was not revoked, or make a new one (keygen)")             \
    X(BUDGET, "wait as long as the evidence says, or ask for a larger budget (principal set)")     \
    X(AUTOMATON_BUDGET, "give it a budget of commands and of changes (principal set --budget)")    \
    X(OWNER, "ask the owner, or have it taken over (record takeover)")                             \
    X(OSCILLATION, "a person writes the record set, and decides so (automation frozen)")           \
    X(OBJECT_BUDGET, "wait as long as the evidence says; does something write too often?")         \
    X(DANGLING, "add the target in the same change, or take the pointer away first")               \
    X(PREREQ_NXDOMAIN, "look at what is there, and send another update")                           \
    X(PREREQ_YXDOMAIN, "look at what is there, and send another update")                           \
    X(PREREQ_NXRRSET, "look at what is there, and send another update")                            \
    X(PREREQ_YXRRSET, "look at what is there, and send another update")                            \
    X(PREREQ_PLAN, "add a prerequisite that says what the record set is now, or use the plan")     \
    X(REQUEST_DONE, "nothing: it was done; a new update is a new message")                         \
    X(LIMIT, "change less at once, wait until the window has passed, or change the policy's "      \
             "limits")                                                                             \
    X(TIME_WINDOW, "wait until the time that the evidence says, or change the policy's times")     \
    X(SOA_EXPIRE, "take an expire within the bounds, or change the policy's")                      \
    X(ABSENT, "report it absent as often and as long as the policy wants (record absent)")         \
    X(NAME_RESERVED, "take another name")                                                          \
    X(CHANGE_UNKNOWN, "look at the digest (outcome, override status)")                             \
    X(CHANGE_SETTLED, "look what became of it (outcome); submit it again if it is still wanted")   \
    X(VOTE_INVALID, "nothing: a replica votes by itself, once")                                    \
    X(VOTED_NO, "see to what the replica said (its rule, its status), then submit it again")       \
    X(CHANGE_EXPIRED, "submit it again when all zones can be reached (status)")                    \
    X(CHANGE_CANCELLED, "submit it again if it is still wanted")                                   \
    X(APPROVER, "let other persons approve it (override status)")                                  \
    X(OVERRIDE_RULE, "name rules that an override may name alone (rules)")                         \
    X(UPDATE_CLASS, "sign it as a change set, which waits for its votes")                          \
    X(OVERRIDE_TOKEN, "ask again and have it approved again (override request)")                   \
    X(CLASS_RAISED, "submit it again: it gets its class of now")                                   \
    X(RESUME, "look how far each freeze is (status, automation list)")                             \
    X(RESUME_RATE, "wait as long as the evidence says: automata come back slowly")                 \
    X(CATALOG, "zone set ZONE listed=on or off; the catalog itself is written by nobody")          \
    X(ROOT_HOLDERS, "give the role root to more persons first, or lower root_approvals")           \
    X(UNDO, "take back what is live, with what was there before (undo SLOT does)")                 \
    X(FACTOR_MISSING, "approve with a second factor (override approve --factor)")                  \
    X(FACTOR_UNKNOWN, "enroll the second factor first, or use one that is (factor list)")          \
    X(FACTOR_DIGEST, "approve exactly this change: let the authenticator sign its digest anew")    \
    X(FACTOR_SIGNATURE, "use the second factor that was enrolled")                                 \
    X(FACTOR_PRESENCE, "touch the authenticator, for this relying party")                          \
    X(FACTOR_REPLAYED, "use the next code, or let the authenticator sign anew")                    \
    X(FACTOR_TIME, "use the code of now; is the clock of the device right?")                       \
    X(FACTOR_USED, "enroll another second factor")                                                 \
    X(OVERRIDE_STEP, "do the step that is next, or skip it aloud (override guide)")                \
    X(RECORDING, "go on with the chunk that follows, or begin another recording")                  \
    X(CLASS_GRANTED, "let somebody sign it whose grants allow the class, or split it")             \
    X(RECOVERY,                                                                                    \
      "look at the recovery statement again: its signers, its epoch, its slot (rsmd recover)")     \
    X(KEY_TAKEN, "make a key of its own (keygen), or revoke it there first and make a new one")

const char *rsm_rule_next(uint32_t rule)
{
    switch (rule) {
#define RULE_NEXT(name, text)                                                                      \
    case RSM_RULE_##name:                                                                          \
        return text;
        RULE_NEXT_LIST(RULE_NEXT)
#undef RULE_NEXT
    }
    return "look at docs/rules.md";
}
