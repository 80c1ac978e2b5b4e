/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * query.h - reads of the state, for the daemon's methods and for rsm-dump.
 *
 * Any kv that holds a state will do: the applied overlay, the store's snapshot, a replay. All bytes
 * that come back are borrowed from it, until it is next written to (or read, for a store that says
 * so). Nothing here writes.
 *
 * Lists are cursors: zero the struct, set its fixed part, call _next until it is not RSM_OK;
 * RSM_NOT_FOUND is the end. To go on later (paging), start again with `after` set to the last name.
 *
 * `slot` in a question: QUERY_NOW, or a slot: the state as it was right after that slot.
 */
#ifndef RSM_MACHINE_QUERY_H
#define RSM_MACHINE_QUERY_H

#include "src/command/envelope.h"
#include "src/command/body_service.h"
#include "src/machine/record.h"
#include "src/machine/tables.h"
#include "src/machine/verdict.h"

#define QUERY_NOW UINT64_MAX
#define QUERY_SOA_SIZE 640u /* two names of 255 bytes and five numbers */

/* ---- who ---- */

/* RSM_OK, RSM_UNKNOWN_PRINCIPAL, RSM_UNKNOWN_KEY, RSM_DAMAGED, RSM_IO. */
enum rsm_status query_key_valid(struct kv *kv, struct bytes author,
                                const uint8_t key[ENVELOPE_KEY_SIZE]);
/* The policy's bound; its default when the policy cannot be read. */
uint64_t query_rejections_per_minute(struct kv *kv);

/* ---- verdicts ---- */

/*
 * True when every command of the envelope has its verdict in this state. Then *slot_out is where
 * the first command's is, and `out` (emptied first) has all verdicts as in TABLE_VERDICT: duplicate
 * ones, with the slot of each. A commands' own digest decides, in whatever envelope it came.
 */
bool query_envelope_known(struct kv *kv, const struct envelope *e, uint64_t *slot_out,
                          struct writer *out);
/* One verdict by the command's digest. RSM_NOT_FOUND. */
enum rsm_status query_outcome(struct kv *kv, const uint8_t digest[HASH_SIZE], uint64_t *slot_out,
                              uint32_t *index_out, struct verdict *out);
/* The applied command with that id (refused ones are known by digest only). RSM_NOT_FOUND. */
enum rsm_status query_event(struct kv *kv, struct bytes author, uint64_t counter,
                            struct event_record *out);

/* What an author needs to go on: its last counter, its Lamport clock; 0 when it is new. */
struct query_clock {
    uint64_t counter;
    uint64_t lamport;
    uint64_t lamport_highest; /* of anybody */
};

enum rsm_status query_clock(struct kv *kv, struct bytes author, struct query_clock *out);

/* 0 when it cannot be read. */
uint64_t query_log_time(struct kv *kv);

/* ---- objects ---- */

/*
 * Who wrote an object last. `name`: the zone's wire name, or the text; nothing for the policy. For
 * record sets use query_rrset. RSM_NOT_FOUND: nobody.
 */
enum rsm_status query_object(struct kv *kv, enum object_kind kind, struct bytes name,
                             struct version *out);

/* ---- zones ---- */

/* RSM_NOT_FOUND: no such zone (any more). `slot`: see above. */
enum rsm_status query_zone(struct kv *kv, struct bytes zone, uint64_t slot,
                           struct zone_record *out);
/*
 * The last version of a zone up to a slot and the index in it, deleted or not, and the slot in
 * which it came to be. RSM_NOT_FOUND: it never was until then.
 */
enum rsm_status query_zone_version(struct kv *kv, struct bytes zone, uint64_t slot, uint32_t index,
                                   uint64_t *slot_out, struct zone_record *out);

struct query_zones {
    uint64_t slot;    /* fixed; QUERY_NOW or a slot */
    struct key place; /* begin: empty, or the wire name after which to go on */
    struct bytes zone;
    struct zone_record record;
};

/* In memcmp order of wire names. */
enum rsm_status query_zone_next(struct kv *kv, struct query_zones *q);

/* ---- record sets ---- */

/* A SOA comes with the zone's serial at that slot in its rdata. */
struct query_rrset {
    struct bytes owner; /* wire form, in owner_buffer */
    uint16_t type;
    uint64_t slot; /* of this version; a SOA's is the slot of its serial */
    struct rrset_record record;
    uint8_t owner_buffer[LIMIT_NAME_SIZE];
    uint8_t soa_buffer[QUERY_SOA_SIZE];
};

/*
 * RSM_NOT_FOUND: no such zone, or no such record set at that slot. With QUERY_NOW and a record set
 * that was deleted: RSM_NOT_FOUND, and out->record.version has who deleted it (counter 0: nobody).
 */
enum rsm_status query_rrset(struct kv *kv, struct bytes zone, struct bytes owner, uint16_t type,
                            uint64_t slot, struct query_rrset *out);

struct query_rrsets {
    struct bytes zone;       /* fixed, borrowed */
    uint64_t slot;           /* fixed */
    struct bytes only_owner; /* fixed; empty: all owners */
    bool started;
    struct zone_record zone_record;
    struct key place; /* the key of the last record set, or where they begin */
    bool has_place;   /* it is the former */
    struct query_rrset item;
};

/* In canonical order of owners, then types. RSM_NOT_FOUND is also the answer without a zone. */
enum rsm_status query_rrset_next(struct kv *kv, struct query_rrsets *q);
/* Go on behind (owner, type); owner must be a wire name. Call before the first _next. */
void query_rrset_after(struct kv *kv, struct query_rrsets *q, struct bytes owner, uint16_t type);

/* Versions of a record set, newest first, over all lives of the zone. */
struct query_history {
    struct bytes zone, owner; /* fixed */
    uint16_t type;            /* fixed */
    /* Fixed; 0: from the newest. Versions of lower slots only, and of this one those before the
       index: a bundle writes a record set several times in one slot. */
    uint64_t before_slot;
    uint32_t before_index;
    bool started;
    uint64_t life_created; /* slot in which the life of the zone that is walked began */
    struct key place;      /* begins with the record set's key in that life */
    size_t place_prefix;
    uint64_t slot;
    uint32_t index;
    struct rrset_record record;
    uint8_t soa_buffer[QUERY_SOA_SIZE];
};

enum rsm_status query_history_next(struct kv *kv, struct query_history *q);

/* ---- the rest: name in `key`, record decoded ---- */

struct query_list {
    struct key place; /* begin: empty, or the name after which to go on */
    struct bytes name;
    bool started;
    union {
        struct principal_record principal;
        struct bytes grants; /* canonical array, as in role.set */
        struct body_service service;
        struct freeze_record freeze;
        struct lease_record lease;
        struct plan_record plan;
    };
};

enum rsm_status query_principal_next(struct kv *kv, struct query_list *q);
enum rsm_status query_role_next(struct kv *kv, struct query_list *q);
enum rsm_status query_service_next(struct kv *kv, struct query_list *q);
/* Those that have run out are in the list as well: compare until_ms with log time. */
enum rsm_status query_freeze_next(struct kv *kv, struct query_list *q);
enum rsm_status query_lease_next(struct kv *kv, struct query_list *q);
enum rsm_status query_plan_next(struct kv *kv, struct query_list *q);

struct query_generations {
    struct bytes plan;   /* fixed */
    uint64_t generation; /* begin: 0, or the one after which to go on */
    struct generation_record record;
    bool live; /* some record set's current content came from it */
};

/* Lowest first. */
enum rsm_status query_generation_next(struct kv *kv, struct query_generations *q);

#endif
