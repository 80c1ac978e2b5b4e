/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * record.h - the values of the state's tables, encoder and decoder side by side.
 *
 * Decoders borrow from the value, which the kv owns: it is gone after the next write. They answer
 * RSM_DAMAGED for bytes that are no such record; encoders append to a writer.
 *
 *     version          author blob | counter u64 | lamport u64 | slot u64
 *     TABLE_EVENT      slot u64 | index u32 | lamport u64 | digest 32 | clock blob
 *     TABLE_DIGEST     slot u64 | index u32 | the verdict (verdict.h)
 *     TABLE_OBJECT     version
 *     TABLE_AUTHOR     counter u64 | lamport u64
 *     TABLE_ZONE       flags u8 (record.c) | publish ms u32 | id u64 | serial u32 |
 *                      created slot u64 | rrsets u64 | records u64 | dnames u64 |
 *                      aliases u64 | content version | writer version | labels blob
 *     TABLE_RRSET      flags u8 (1 deleted) | ttl u32 | token u64 | generation u64 | plan blob |
 *                      holder blob | version | reason blob | count u16, then each: size u16, rdata
 *     TABLE_PRINCIPAL  kind u8 | person blob | az blob | keys u8, each 32 | roles u8, each blob |
 *                      budgets: 4 times burst u64, per hour u64
 *     TABLE_FREEZE     scope u8 | everybody u8 | until_ms u64 | set_ms u64 | resumed_ms u64 |
 *                      refused u64 | trips u64 | tripped slot u64 | cause blob | subject blob |
 *                      author blob | reason blob
 *     TABLE_LEASE      holder blob | token u64 | expires_ms u64 | ttl_ms u64 | released u8
 *     TABLE_PLAN       zone blob | planner blob | newest u64 | executed u64 | collected below u64
 *     TABLE_GENERATION status u8 | parent u64 | complete u8 | zone blob | planner blob |
 *                      counter u64 | slot u64 | executed slot u64 | hash 32 | scope blob |
 *                      content blob
 */
#ifndef RSM_MACHINE_RECORD_H
#define RSM_MACHINE_RECORD_H

#include <rsm/body.h>
#include <rsm/key.h>
#include <rsm/status.h>

#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/base/kv.h"

/* Who wrote an object last; counter 0: nobody ever did. */
struct version {
    struct bytes author;
    uint64_t counter;
    uint64_t lamport;
    uint64_t slot;
};

struct event_record {
    uint64_t slot;
    uint32_t index;
    uint64_t lamport;
    const uint8_t *digest;
    struct bytes clock; /* canonical map author -> counter, as in the command */
};

struct digest_record {
    uint64_t slot;
    uint32_t index;
    struct bytes verdict;
};

struct author_record {
    uint64_t counter;
    uint64_t lamport;
};

struct zone_record {
    bool deleted; /* only in TABLE_ZONE_VERSION */
    uint64_t id;
    uint32_t serial; /* of the content as it is now; the SOA's own field is not kept up */
    uint64_t created_slot;
    uint64_t rrset_count;
    uint64_t record_count;
    uint64_t dname_count;                                     /* record sets of type DNAME */
    uint64_t alias_count;                                     /* of type CNAME or DNAME */
    bool has_publish_ms, is_catalog, is_unlisted, has_zonemd; /* kind_settings.c */
    uint32_t publish_ms;
    struct version content; /* the last command that changed a record set of the zone */
    struct version writer;  /* the last command that wrote this row */
    struct bytes labels;    /* canonical map */
};

struct rrset_record {
    bool deleted; /* the row remembers who deleted it */
    uint32_t ttl;
    uint64_t token;      /* of the lease under which a plan wrote it, 0 none */
    uint64_t generation; /* of that plan, 0 none */
    struct bytes plan;
    struct bytes holder; /* who owns it: a principal, or "plan:" and a plan; empty when deleted */
    struct version version;
    struct bytes reason;
    uint32_t rdata_count;
    struct bytes rdatas; /* walk: rrset_rdata_next */
};

struct principal_record {
    enum rsm_principal_kind kind;
    struct bytes person, az;
    uint32_t key_count;
    const uint8_t *keys; /* 32 bytes each */
    uint32_t role_count;
    struct bytes roles; /* blobs: role_next */
    struct rsm_budget budget[RSM_BUDGETS];
};

struct freeze_record {
    enum rsm_freeze_scope scope;
    bool everybody;    /* people too, not automata alone */
    uint64_t until_ms; /* 0: open */
    uint64_t set_ms;
    /* Coming back (resume.h) */
    uint64_t resumed_ms;     /* 0: nobody is; else when the last resume began */
    uint64_t refused;        /* commands of automata that came back */
    uint64_t trips;          /* how often it was set again by itself */
    uint64_t tripped_slot;   /* the last time, 0 never, */
    struct bytes trip_cause; /* and why */
    struct bytes subject, author, reason;
};

struct lease_record {
    struct bytes holder;
    uint64_t token; /* slot of the acquire; the newest one there was */
    uint64_t expires_ms;
    uint64_t ttl_ms;
    bool released;
};

struct plan_record {
    struct bytes zone, planner;
    uint64_t newest;          /* highest generation published */
    uint64_t executed;        /* highest generation executed anywhere, 0 none */
    uint64_t collected_below; /* generations below have no content */
};

enum generation_status {
    GENERATION_PUBLISHED = 1, /* the newest */
    GENERATION_SUPERSEDED,
    GENERATION_COLLECTED, /* content is gone; hash and verdicts stay */
};

struct generation_record {
    enum generation_status status;
    uint64_t parent;
    bool complete;
    struct bytes zone, planner;
    uint64_t counter; /* of the planner's command */
    uint64_t slot;
    uint64_t executed_slot; /* of its last execution, 0 never */
    const uint8_t *hash;    /* BLAKE2b-256 of scope and content */
    struct bytes scope;     /* as in the body, an array */
    struct bytes content;   /* likewise */
};

void version_encode(struct writer *out, const struct version *v);
enum rsm_status version_decode(struct bytes value, struct version *out);
void event_encode(struct writer *out, const struct event_record *e);
enum rsm_status event_decode(struct bytes value, struct event_record *out);
void digest_encode(struct writer *out, const struct digest_record *d);
enum rsm_status digest_decode(struct bytes value, struct digest_record *out);
void author_encode(struct writer *out, const struct author_record *a);
enum rsm_status author_decode(struct bytes value, struct author_record *out);
void zone_encode(struct writer *out, const struct zone_record *z);
enum rsm_status zone_decode(struct bytes value, struct zone_record *out);
/* The record sets of `r` are appended by rrset_rdata_encode, rdata_count times. */
void rrset_encode(struct writer *out, const struct rrset_record *r);
void rrset_rdata_encode(struct writer *out, struct bytes rdata);
enum rsm_status rrset_decode(struct bytes value, struct rrset_record *out);
/* `rdatas` is a copy of the record's; false at the end. */
bool rrset_rdata_next(struct bytes *rdatas, struct bytes *rdata_out);
/* `keys` and `roles` are encoded already; roles as blobs. */
void principal_encode(struct writer *out, const struct principal_record *p);
enum rsm_status principal_decode(struct bytes value, struct principal_record *out);
bool role_next(struct bytes *roles, struct bytes *role_out);
void freeze_encode(struct writer *out, const struct freeze_record *f);
enum rsm_status freeze_decode(struct bytes value, struct freeze_record *out);
void lease_encode(struct writer *out, const struct lease_record *l);
enum rsm_status lease_decode(struct bytes value, struct lease_record *out);
void plan_encode(struct writer *out, const struct plan_record *p);
enum rsm_status plan_decode(struct bytes value, struct plan_record *out);
void generation_encode(struct writer *out, const struct generation_record *g);
enum rsm_status generation_decode(struct bytes value, struct generation_record *out);

/* kv_get of one row and its decoder. RSM_NOT_FOUND, RSM_DAMAGED and as the kv. */
enum rsm_status author_load(struct kv *kv, struct bytes author, struct author_record *out);
enum rsm_status event_load(struct kv *kv, struct bytes author, uint64_t counter,
                           struct event_record *out);
enum rsm_status digest_load(struct kv *kv, const uint8_t digest[HASH_SIZE],
                            struct digest_record *out);
enum rsm_status zone_load(struct kv *kv, struct bytes zone, struct zone_record *out);
enum rsm_status rrset_load(struct kv *kv, uint64_t zone_id, struct bytes owner, uint16_t type,
                           struct rrset_record *out); /* deleted ones are found too */
enum rsm_status principal_load(struct kv *kv, struct bytes name, struct principal_record *out);
enum rsm_status freeze_load(struct kv *kv, struct bytes id, struct freeze_record *out);
enum rsm_status lease_load(struct kv *kv, struct bytes resource, struct lease_record *out);
enum rsm_status plan_load(struct kv *kv, struct bytes plan, struct plan_record *out);
enum rsm_status generation_load(struct kv *kv, struct bytes plan, uint64_t generation,
                                struct generation_record *out);

#endif
