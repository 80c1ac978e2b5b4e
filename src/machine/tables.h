/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tables.h - the tables that hold the log and the state, and the bytes of their keys.
 *
 * Integers are big-endian, so that keys sort as numbers do. A "text" in a key that has something
 * behind it is one byte of size and the bytes; a wire name needs none, it ends itself.
 *
 * A *name key* is a domain name turned round, so that memcmp order is the canonical order of
 * RFC 4034 6.1 and a subtree is one range: the labels from the root's side, each with 00 behind
 * it, octets 00 and 01 inside a label written as 01 01 and 01 02. The root is the empty key.
 *
 *     record set   zone id u64 | name key | 00 | type u16
 *     version      record set  | slot u64 | index u16
 *     change       slot u64 | index u16 | record set
 *
 * No label is empty and none begins with a bare 00, so that a name's own record sets come right
 * before the names below it. Zone ids are never used twice: a zone that is made again has nothing
 * of its former life but the serial floor.
 */
#ifndef RSM_MACHINE_TABLES_H
#define RSM_MACHINE_TABLES_H

#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/base/limits.h"

/* The numbers are in every store and in the effects hashes, for ever; 0 is the store's own. */
enum table {
    TABLE_META = 1,     /* text -> see below */
    TABLE_LOG,          /* slot u64 -> the slot's value as chosen; by the caller of machine_apply */
    TABLE_VERDICT,      /* slot u64 -> logtable.h; by the caller of machine_apply */
    TABLE_TIME,         /* log time u64 -> the highest slot with that time, u64 */
    TABLE_AUTHOR,       /* author -> last counter u64, its Lamport clock u64 */
    TABLE_EVENT,        /* author text, counter u64 -> an applied command: record.h */
    TABLE_DIGEST,       /* command digest -> where its first verdict is: record.h */
    TABLE_OBJECT,       /* kind u8, name -> last writer: record.h */
    TABLE_ZONE,         /* wire name -> record.h */
    TABLE_ZONE_VERSION, /* wire name, slot u64, index u16 -> the zone as it became: record.h */
    TABLE_SERIAL,       /* wire name -> highest serial of a zone that was deleted, u32 */
    TABLE_RRSET,        /* record set -> record.h */
    TABLE_RRSET_VERSION, /* version -> the record set as it became: record.h */
    TABLE_PRINCIPAL,     /* name -> record.h */
    TABLE_ROLE,          /* name -> the grants, canonical MessagePack as in role.set */
    TABLE_POLICY,        /* "policy" -> canonical MessagePack map: policy.h */
    TABLE_PROTECTED,     /* zone wire name, owner wire name, type u16 -> floor u32 */
    TABLE_FREEZE,        /* id -> record.h */
    TABLE_LEASE,         /* resource -> record.h */
    TABLE_PLAN,          /* plan -> record.h */
    TABLE_GENERATION,    /* plan text, generation u64 -> record.h */
    TABLE_LIVE,          /* plan text, generation u64, record set -> nothing: content in use */
    TABLE_MEMBER,        /* version u64 -> a configuration of the members: members.h */
    TABLE_REVOKED,       /* public key -> principal blob, slot u64 of its revocation */
    TABLE_SPENT,         /* principal -> what is left of its budget: budget.h */
    TABLE_FLIP,          /* record set -> who undid whom: flip.h */
    TABLE_NODE,          /* node -> id: graph.h, as are the next three */
    TABLE_NODE_ROW,
    TABLE_EDGE,
    TABLE_EDGE_BACK,
    TABLE_CHANGE,         /* change -> wire name of the zone: what a zone's new serial is about */
    TABLE_REQUEST,        /* requests of updates: update_request.c */
    TABLE_VELOCITY,       /* limit text, author text, zone wire name -> policy_limit.h */
    TABLE_ABSENT,         /* record set -> how often it was missed: rule_absent.c */
    TABLE_STAGED,         /* digest -> a change that waits, or waited: staged.h */
    TABLE_STAGED_COMMAND, /* digest -> its bytes, while it waits */
    TABLE_PENDING,        /* slot u64, index u16 -> digest of a change that waits */
    TABLE_VOTE,           /* digest, replica u8 -> staged.h */
    TABLE_APPROVAL,       /* digest, person -> staged.h */
    TABLE_RESUME,         /* freeze text, availability zone -> how it comes back: resume.h */
    TABLE_UNDONE,         /* digest of a change -> who took it back: undone.h */
    TABLE_FACTOR,         /* principal text, id -> a second factor: factor.h */
    TABLE_FACTOR_KEY,     /* its public half -> principal blob, id blob: for ever */
    TABLE_PROCEDURE,      /* freeze id -> a human override under it: procedure.h */
    TABLE_SERVICE,        /* service -> the body of its service.set: service.h */
    TABLE_SERVICE_NAME,   /* name in wire form, service -> below u8: service.h */
    TABLE_RECORDING,      /* session -> hashes of a recorded terminal: recording.h */
    TABLE_RECOVERY,       /* epoch u64 -> how one replica went on alone: recovery.h */
    TABLE_END,
};

/* Keys of TABLE_META. */
#define META_APPLIED "applied"     /* slot u64: the state is the one after this slot */
#define META_LOG_TIME "log-time"   /* ms u64 */
#define META_LAMPORT "lamport"     /* highest Lamport clock of any applied command, u64 */
#define META_ZONE_ID "zone-id"     /* the last zone id given out, u64 */
#define META_NODE_ID "node-id"     /* the last id of a node of the graph given out, u64 */
#define META_DNAMES "dnames"       /* how many edges of the graph are DNAMEs, u64; none: 0 */
#define META_LABEL_LOW "label-low" /* the lowest and the highest label of a node, u64 */
#define META_LABEL_HIGH "label-high"
#define META_RESUMES "resumes"           /* how many freezes are on their way back, u64; none: 0 */
#define META_CATALOG "catalog"           /* wire name of the catalog zone; none: there is none */
#define META_PENDING "pending"           /* how many rows TABLE_PENDING has, u64; none: 0 */
#define META_ENTRY_HEAD "entry-head"     /* 32 bytes; written by the caller of machine_apply */
#define META_VERDICT_HEAD "verdict-head" /* 32 bytes; written by the caller of machine_apply */

/* Objects of causal rule 3; record sets keep their last writer themselves. */
enum object_kind {
    OBJECT_ZONE = 1,
    OBJECT_PRINCIPAL,
    OBJECT_ROLE,
    OBJECT_POLICY,
    OBJECT_FREEZE,
    OBJECT_LEASE,
    OBJECT_PLAN,
    OBJECT_RRSET,   /* only in evidence and queries */
    OBJECT_MEMBERS, /* all of them together: nobody changes members without knowing the others */
    OBJECT_SERVICE,
    OBJECT_SETTINGS, /* of a zone, apart from its content: zone.set */
    OBJECT_LABELS,   /* of a zone, likewise: zone.label */
};

/*
 * Only a name with very many octets 00 and 01 has a longer name key, and is refused (quota): so the
 * longest key, of TABLE_LIVE, fits LIMIT_KEY_SIZE.
 */
#define NAME_KEY_SIZE_MAX 340u
#define RRSET_KEY_SIZE_MAX (8u + NAME_KEY_SIZE_MAX + 1u + 2u)

/* A key in the making, in memory of the caller. */
struct key {
    size_t size;
    uint8_t data[512];
};

static inline struct bytes key_bytes(const struct key *k)
{
    return bytes_make(k->data, k->size);
}

/* Each begins the key anew; inputs are within their limits. */
void key_slot(struct key *k, uint64_t slot);
void key_event(struct key *k, struct bytes author, uint64_t counter);
void key_object(struct key *k, enum object_kind kind, struct bytes name);
void key_zone_version(struct key *k, struct bytes zone, uint64_t slot, uint32_t index);
/* False when the name key is too long; then the key is empty. */
bool key_rrset(struct key *k, uint64_t zone_id, struct bytes owner, uint16_t type);
/* All record sets of one owner begin with it; with `below` also those of all names below. */
bool key_owner(struct key *k, uint64_t zone_id, struct bytes owner, bool below);
void key_zone_id(struct key *k, uint64_t zone_id);
/* Adds to a record set's key. */
void key_add_version(struct key *k, uint64_t slot, uint32_t index);
void key_protected(struct key *k, struct bytes zone, struct bytes owner, uint16_t type);
void key_generation(struct key *k, struct bytes plan, uint64_t generation);
/* 0, author text, identity; and 1, log time u64, author text, identity. */
void key_request(struct key *k, struct bytes author, struct bytes identity);
void key_request_time(struct key *k, uint64_t time_ms, struct bytes author, struct bytes identity);
void key_live(struct key *k, struct bytes plan, uint64_t generation, struct bytes rrset_key);

/* Changes from a slot and index on; with a record set's key (or its beginning) behind them. */
void key_change(struct key *k, uint64_t slot, uint32_t index, struct bytes rrset_key);

/* A record set's key taken apart; the owner is written to `owner_out` (room for 255 bytes). */
struct rrset_key {
    uint64_t zone_id;
    uint16_t type;
    struct bytes owner; /* wire form, in owner_out */
};

/* False for bytes that are no such key (a damaged store). */
bool key_parse_rrset(struct bytes key, uint8_t *owner_out, struct rrset_key *out);
/* A version's key: the record set's part, and slot and index. */
bool key_parse_version(struct bytes key, struct bytes *rrset_out, uint64_t *slot_out,
                       uint32_t *index_out);
/* A name as a node of the graph (graph.h); with nothing behind it: all below it begin with it too.
 */
bool key_node_name(struct key *k, struct bytes name);
/* The name of a node that is one; false: it is a service. `name_out` is in `buffer`. */
bool key_parse_node(struct bytes node, uint8_t buffer[LIMIT_NAME_SIZE], struct bytes *name_out);
void key_node_service(struct key *k, struct bytes service);
bool key_begins_with(struct bytes key, struct bytes prefix);

#endif
