/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rules.h - what the files of src/machine ask of each other while a command is judged. Included by
 * judge.h, which has the types; for the files of src/machine alone.
 *
 * A rule reports what it finds by judge_refuse and returns; kinds go on, so that all is reported.
 */
#ifndef RSM_MACHINE_RULES_H
#define RSM_MACHINE_RULES_H

/* ---- rule_causal.c: causal rules 1 to 3 ---- */

void rule_causal_event(struct judge *j);
/* Rule 3; `what` names the object in the evidence. */
void rule_causal_object(struct judge *j, enum object_kind kind, struct bytes name,
                        const char *what);
void rule_causal_rrset(struct judge *j, const struct version *last, struct bytes owner,
                       uint16_t type);
void rule_causal_version(struct judge *j, const struct version *last, const char *what);
/* The command is the object's last writer now. */
void object_write(struct judge *j, enum object_kind kind, struct bytes name);

/* ---- rule_rights.c ---- */

/* Loads the author: key-invalid, key-revoked. */
void rule_rights_begin(struct judge *j);
/* Who had the key, until when; borrowed from the kv. False: it was never revoked. */
bool key_is_revoked(struct judge *j, const uint8_t *key, struct bytes *of_out, uint64_t *slot_out);
/* A command of that verb on nothing in a zone. */
void rule_rights_general(struct judge *j);
void rule_rights_zone(struct judge *j, struct bytes zone);
void rule_rights_changes(struct judge *j, struct bytes zone);
/* Of BODY_TYPE_ANY: some grant reaches the owner, for whatever types. */
void rule_rights_rrset(struct judge *j, struct bytes zone, struct bytes owner, uint16_t type);
/*
 * A gateway speaks for an automaton: rights and freezes are that one's from here on. Reports an
 * author who is no gateway, and a principal who is not there or no automaton.
 */
void rule_rights_behalf(struct judge *j, struct bytes principal);
/* A role of the principal's grants a command of that verb on nothing in a zone. */
bool principal_may(struct judge *j, const struct principal_record *p, const char *verb);
bool principal_has_key(const struct principal_record *p, const uint8_t *key);
bool principal_has_role(const struct principal_record *p, struct bytes role);
/* The command has its class, and why: class-granted when the author's grants allow less. */
void rule_rights_class(struct judge *j);
/* True when some grant of these (blobs as in struct actor) reaches zones without naming one. */
bool grants_are_boundless(struct bytes grants);
/* Appends the grants of one role (role.set's array). */
void grants_append(struct writer *out, struct bytes role, struct bytes array);

/* ---- rule_budget.c ---- */

/* Behind the change, which it measures: takes its cost from what the author has left. */
void rule_budget(struct judge *j);
/* An automaton without a budget; reports it. */
void rule_budget_of_automaton(struct judge *j, struct bytes name, const struct rsm_budget *budget);

/* ---- rule_owner.c ---- */

/* Who owns what such a command makes; `buffer` is used for a plan. */
struct bytes owner_of_change(struct bytes author, struct bytes plan,
                             uint8_t buffer[LIMIT_OWNER_SIZE]);
/* `subject` would write the record set (owner, type), which is `old` now. */
void rule_owner(struct judge *j, const struct rrset_record *old, struct bytes subject,
                struct bytes owner, uint16_t type);
/* The author would delete it. */
void rule_owner_of_key(struct judge *j, const struct rrset_record *old, struct bytes rrset_key);

/* ---- kind_member.c ---- */

/* Reports an incarnation that the replica had in any configuration: its disk is gone. */
void member_check_incarnation(struct judge *j, uint32_t id, uint64_t incarnation);
/* Writes the configuration, which is the command's result. */
void member_write(struct judge *j, const struct member_config *config);

/* ---- rule_flip.c ---- */

/*
 * A record set whose content changes, before it is written: its new data is in m->sorted. Writes,
 * so that `old` is gone afterwards.
 */
void rule_flip(struct judge *j, const struct change *item, const struct rrset_record *old,
               bool is_there);

/* ---- rule_absent.c ---- */

/* The author would delete the record set, which is `old` now. */
void rule_absent(struct judge *j, struct bytes rrset_key, const struct rrset_record *old,
                 struct bytes owner, uint16_t type);
void rule_absent_zone(struct judge *j, struct bytes zone);

/* ---- rule_limit.c ---- */

/* Behind the writes: what was done to the zone's record sets, and when. */
void rule_limit(struct judge *j, struct bytes zone, const struct zone_record *row);
/* True when a zone's labels (zone_record) have this one with this value. */
bool zone_has_label(struct bytes labels, struct bytes label, struct bytes value);
/* ---- rule_undo.c ---- */

/* Behind the change: it takes back what it says it does. */
void rule_undo(struct judge *j);

/* ---- rule_freeze.c ---- */

/* `zone`: empty for a command that touches none. */
void rule_freeze(struct judge *j, struct bytes zone);

/* ---- changes.c, rule_dns.c, rule_cycle.c, rule_floor.c ---- */

void changes_begin(struct judge *j);
void changes_add(struct judge *j, const struct body_change *change, bool may_lack);
/* Reads a zone's row into machine.copy. False: there is none. */
bool zone_copy(struct judge *j, struct bytes zone, struct zone_record *out);
/* Writes the row and its version. */
void zone_write(struct judge *j, struct bytes zone, const struct zone_record *row);
/* Content of a plan's generation that goes is not in use any more, and the other way round. */
void live_set(struct judge *j, struct bytes plan, uint64_t generation, struct bytes rrset_key,
              bool is_live);

/* Sorts; reports what is wrong with each change by itself. */
void changes_check(struct judge *j, const struct change_context *c);
/*
 * changes_check; writes the record sets and the zone's row, reports what is stale, unknown or no
 * change, and asks the rules that look at what came of it.
 */
void changes_make(struct judge *j, struct change_context *c);
struct bytes change_key(const struct judge *j, const struct change *change);

/* What is wrong with one change: out-of-zone, types, TTLs, sizes, data. Sets is_bad. */
void rule_dns_change(struct judge *j, struct bytes zone, struct change *change);
/* A zone that is served with a digest has none of its own. */
void rule_dns_zonemd(struct judge *j, const struct change_context *c);
/* What DNS forbids between record sets, after the change. */
void rule_dns_after(struct judge *j, const struct change_context *c);
void rule_cycle(struct judge *j, const struct change_context *c);
void rule_floor(struct judge *j, const struct change_context *c);
/* The graph of dependencies follows the change; cycles and targets that are not there. */
void rule_graph(struct judge *j, const struct change_context *c);
/* How many edges of the graph are DNAMEs. */
uint64_t graph_dnames(struct judge *j);
/* A record set goes with its zone. */
void rule_graph_drop(struct judge *j, uint64_t zone_id, struct bytes owner, uint16_t type);
/* A service needs these now, and nothing else; or it is gone, and nothing may need it. */
void rule_graph_service(struct judge *j, struct bytes service, const struct body_walk *needs);
/* Who points into a zone that was deleted. */
void rule_graph_zone(struct judge *j, struct bytes zone);
/* Stage 3's figures: how far the change reaches, its risk (impact.h). */
void rule_impact(struct judge *j, const struct change_context *c);
void rule_impact_zone(struct judge *j, struct bytes zone, const struct zone_record *row);
/* Every protected record set of a zone that is deleted. */
void rule_floor_zone(struct judge *j, struct bytes zone, uint64_t zone_id);

/* The zone that a name is in: the longest one that is there. False: none. */
bool zone_of_name(struct judge *j, struct bytes name, struct bytes *zone_out,
                  struct zone_record *row_out);

/* ---- rule_catalog.c ---- */

/* What would be written by hand into a catalog. */
void rule_catalog_changes(struct judge *j, const struct change_context *c);
/* The zone would leave the catalog, which is `row` before. */
void rule_catalog_leave(struct judge *j, struct bytes catalog, const struct zone_record *row,
                        struct bytes zone);

/* ---- rule_precommit.c ---- */

/* Looks at the effect again before it joins the state. No rule has failed. */
void rule_precommit(struct judge *j);
/* Why what is written of a record set is not what the change says; NULL: it is. */
const char *precommit_difference(const struct change *change, const struct rrset_record *record,
                                 const struct version *version);

#include "src/machine/rules_agree.h"

#endif
