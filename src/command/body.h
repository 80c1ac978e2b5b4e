/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body.h - decoders of command bodies, one for each kind (the builders are rsm/body.h).
 *
 *     zone.create       [zone bin, labels {str: str}, changes]
 *     zone.delete       [zone bin]
 *     zone.label        [zone bin, labels]
 *     rrset.change      [zone bin, changes]
 *     rrset.takeover    [zone bin, from str, to str, scope]
 *     rrset.update      [principal str, request bin32 or empty, zone bin, prerequisites, updates]
 *     rrset.observe     [zone bin, absent as scope, present as scope]
 *     principal.set     [name str, kind str, person str, az str, keys [bin32...], roles [str...],
 *                        budget []: no limits, or [[burst uint, per hour uint] x 4]]
 *     principal.key-add, principal.key-revoke   [name str, key bin32]
 *     principal.delete  [name str]
 *     role.set          [name str, grants [[verb str, zone bin, suffix bin, types [uint...]]...]];
 *                       a grant may have a fifth item, class str: "standard" or "critical"
 *     role.delete       [name str]
 *     policy.set        [policy map]
 *     freeze.set        [id str, scope str, subject (bin for a zone, else str), everybody bool,
 *                        until_ms uint]
 *     freeze.clear      [id str]
 *     freeze.resume     [id str, az str, gradual bool, trips uint]
 *     freeze.trip       [cause str]
 *     lease.acquire     [resource str, ttl_ms uint]
 *     lease.renew       [resource str, token uint, ttl_ms uint]
 *     lease.release     [resource str, token uint]
 *     plan.publish      [plan str, generation uint, parent uint, zone bin, scope [[owner bin, type
 *                        uint]...], content as changes, complete bool]
 *     plan.execute      [plan str, generation uint, scope, lease str, token uint]
 *     plan.collect      [plan str, below uint]
 *     member.add        [id uint, zone str, key bin32, peer str, client str, incarnation uint,
 * known] member.promote    [id uint, known] member.remove     [id uint] member.update     [id uint,
 * zone str, peer str, client str] known             [[id uint, incarnation uint]...], sorted by id
 *     change.request    [class str, overrides [rule id str...], kind str, body of that kind]
 *     change.vote       [change bin32, yes bool, slot uint, effect bin32]
 *     change.approve    [change bin32, factor [] or [id str, over bin32, data bin, signature
 * bin64]] factor.enroll     [principal str, id str, method str, public bin, relying party str]
 *     factor.revoke     [principal str, id str]
 *     change.cancel     [change bin32]
 *     change.apply      [change bin32, approvers [str...] sorted]
 *     prerequisites, updates [[owner bin, class uint, type uint, ttl uint, rdata bin]...]
 *     changes           [[owner bin, type uint, ttl uint, rdatas [bin...]]...]
 *
 * body_check is called by envelope_parse: whoever has a struct command has a body that its decoder
 * takes. Names are wire names in lower case, of at most 255 bytes, uncompressed; record data is
 * not looked into here (src/rr does). What a decoder returns borrows from the body.
 */
#ifndef RSM_COMMAND_BODY_H
#define RSM_COMMAND_BODY_H

#include <rsm/body.h>
#include <rsm/command.h>

#include "src/base/bytes.h"
#include "src/command/unpack.h"

/* Items of a list inside a body. */
struct body_walk {
    struct unpack cursor;
    uint32_t left;
};

struct body_change {
    struct bytes owner;
    uint16_t type;
    uint32_t ttl;
    uint32_t rdata_count; /* 0: the set is deleted */
    struct body_walk rdatas;
    struct bytes raw; /* the change's own bytes */
};

struct body_rrset_id {
    struct bytes owner;
    uint16_t type;
};

struct body_grant {
    struct bytes verb, zone, suffix;
    struct body_walk types;
    enum rsm_class class_most; /* 0: of every class */
};

struct body_label {
    struct bytes name, value;
};

/* Each list comes as a walk: its `left` is the count; copy it to walk again. */
struct body_zone {
    struct bytes zone;
    struct body_walk labels;  /* zone.create, zone.label */
    struct body_walk changes; /* zone.create, rrset.change */
};

struct body_takeover {
    struct bytes zone;
    struct bytes from, to; /* owners of record sets */
    struct body_walk scope;
};

struct body_observe {
    struct bytes zone;
    struct body_walk absent, present;
};

struct body_principal {
    struct bytes name;
    enum rsm_principal_kind kind;
    struct bytes person, az;
    struct body_walk keys;
    struct body_walk roles;
    struct rsm_budget budget[RSM_BUDGETS];
};

struct body_principal_key {
    struct bytes name;
    const uint8_t *key; /* RSM_PUBLIC_KEY_SIZE bytes */
};

struct body_role {
    struct bytes name;
    struct body_walk grants;
};

struct body_lease {
    struct bytes resource;
    uint64_t token;  /* 0 for acquire */
    uint64_t ttl_ms; /* 0 for release */
};

struct body_plan {
    struct bytes plan;
    uint64_t generation; /* plan.collect: `below` */
    uint64_t parent;     /* publish */
    struct bytes zone;   /* publish */
    struct body_walk scope;
    struct body_walk content; /* publish */
    bool complete;            /* publish */
    struct bytes lease;       /* execute */
    uint64_t token;           /* execute */
};

struct body_member {
    uint32_t id;        /* 1..REPLICA_MAX */
    struct bytes zone;  /* add, update; and so are both addresses */
    const uint8_t *key; /* add: RSM_PUBLIC_KEY_SIZE bytes; else NULL */
    struct bytes peer_address, client_address;
    uint64_t incarnation;   /* add: above 0; else 0 */
    struct body_walk known; /* add, promote */
};

struct body_incarnation {
    uint32_t id;          /* 1..REPLICA_MAX */
    uint64_t incarnation; /* above 0 */
};

/* The whole form of a body: RSM_WRONG_TYPE, RSM_TOO_LARGE, RSM_TOO_MANY, RSM_MALFORMED. */
enum rsm_status body_check(enum rsm_kind kind, struct bytes body);

/* The kind must be one of the group named; statuses as body_check, never an error once checked. */
enum rsm_status body_zone_decode(enum rsm_kind kind, struct bytes body, struct body_zone *out);
enum rsm_status body_takeover_decode(struct bytes body, struct body_takeover *out);
enum rsm_status body_observe_decode(struct bytes body, struct body_observe *out);
enum rsm_status body_principal_decode(enum rsm_kind kind, struct bytes body,
                                      struct body_principal *out); /* also .delete: the name */
enum rsm_status body_principal_key_decode(enum rsm_kind kind, struct bytes body,
                                          struct body_principal_key *out);
enum rsm_status body_role_decode(enum rsm_kind kind, struct bytes body, struct body_role *out);
enum rsm_status body_policy_decode(struct bytes body, struct bytes *map_out);
enum rsm_status body_lease_decode(enum rsm_kind kind, struct bytes body, struct body_lease *out);
enum rsm_status body_plan_decode(enum rsm_kind kind, struct bytes body, struct body_plan *out);
enum rsm_status body_member_decode(enum rsm_kind kind, struct bytes body, struct body_member *out);

/* The next item; false at the end (and, for bytes that were not checked, at the first bad item). */
bool body_next_change(struct body_walk *walk, struct body_change *out);
/* After the last item: how the walk failed, or RSM_WRONG_TYPE when bytes are left behind it. */
enum rsm_status body_walk_status(const struct body_walk *walk);
bool body_next_octets(struct body_walk *walk, struct bytes *out); /* rdatas, keys, roles */
bool body_next_rrset_id(struct body_walk *walk, struct body_rrset_id *out);
bool body_next_grant(struct body_walk *walk, struct body_grant *out);
bool body_next_label(struct body_walk *walk, struct body_label *out);
bool body_next_type(struct body_walk *walk, uint16_t *out);
bool body_next_incarnation(struct body_walk *walk, struct body_incarnation *out);

/* A whole wire name in lower case: labels of 1..63 bytes, root at the end, 1..255 bytes in all. */
bool body_is_name(struct bytes name);
/* A text that serves as a name: not empty, no control characters. */
bool body_is_word(struct bytes word);

/* "host:port" with a port of 1..65535 (the host's own form is the resolver's), or "unix:/path". */
bool body_is_address(struct bytes address, bool may_be_unix);

/* "person", "automaton", "replica", "gateway". */
const char *body_principal_kind_text(enum rsm_principal_kind kind);

#include "src/command/body_freeze.h"
#include "src/command/body_update.h"

#endif
