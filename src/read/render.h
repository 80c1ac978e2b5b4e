/* SPDX-License-Identifier: GPL-3.0-or-later */
/* render.h - pieces of results: names, versions, record sets, verdicts, changes, freezes. */
#ifndef RSM_READ_RENDER_H
#define RSM_READ_RENDER_H

#include "src/machine/change_state.h"
#include "src/read/call.h"

/* people.c: the fields of status that say what people do: overrides, epoch, recovery, recordings.
 */
void pack_people(struct kv *kv, uint64_t now_ms, struct writer *out);

/* freeze.c: the fields of a freeze behind its name; "freezes", those that have not ended. */
#define FREEZE_FIELDS 12u
void pack_freeze(struct call *call, struct writer *out, const struct query_list *q);
void pack_freezes(struct call *call, struct writer *out);

/* The key of a field, as text. */
void pack_key(struct writer *out, const char *key);
/* A field: key and number. */
void pack_number(struct writer *out, const char *key, uint64_t value);
/* "owner" and "owner_wire": two fields. */
void pack_name_fields(struct writer *out, const char *key, const char *wire_key, struct bytes name);
/* A version as a map: who wrote it, and in which slot. */
void pack_version(struct writer *out, const struct version *v);
/* A record set as a map. */
void pack_rrset(struct writer *out, struct bytes owner, uint16_t type, uint64_t slot,
                const struct rrset_record *record);
/* One verdict, which stands in `slot`. */
void pack_verdict(struct writer *out, uint64_t slot, const struct verdict *v);
/* explain.c: its stages, as an array of maps; the last one is `post` unless NULL. */
void pack_stages(struct writer *out, const struct verdict *v, const struct stage_after *post);
/* The array of verdicts of a slot (TABLE_VERDICT's bytes). */
void pack_verdicts(struct writer *out, uint64_t slot, struct bytes encoded);
/* HASH_SIZE bytes. */
void pack_hash(struct writer *out, const uint8_t hash[HASH_SIZE]);
/*
 * One slot of the log as a map, with the watch's number in front when it is not 0. `author` not
 * empty: RSM_NOT_FOUND when the slot has nothing of that author.
 */
enum rsm_status pack_slot(struct writer *out, struct kv *kv, uint64_t slot, struct bytes author,
                          uint64_t watch);

/* outcome.c: a command by what a call names: its digest, or author and counter. */
enum rsm_status find_outcome(struct call *call, uint64_t *slot_out, uint32_t *index_out,
                             struct verdict *out);

/*
 * change.c: a change as a map: one that waits or waited with its votes and approvals, any other one
 * with `state`.
 */
enum rsm_status pack_change(struct kv *kv, struct writer *out, const uint8_t *digest, uint64_t slot,
                            enum change_state state);

#endif
