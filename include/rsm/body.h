/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body.h - the bodies of commands, one builder for each kind (rsm/command.h).
 *
 * Domain names and record data are in DNS wire form, names in lower case. What is checked here is
 * form and limits; whether a change is sane is judged by the replicas.
 *
 * Each builder: RSM_OK and *body_out owned by the caller (rsm_buffer_free); RSM_TOO_LARGE or
 * RSM_TOO_MANY above a limit; RSM_MALFORMED for a text that is not UTF-8 or a name that is no wire
 * name; RSM_NO_MEMORY. On failure *body_out is empty.
 */
#ifndef RSM_BODY_H
#define RSM_BODY_H

#include <stdbool.h>

#include <rsm/change.h>
#include <rsm/freeze.h>
#include <rsm/status.h>
#include <rsm/wire.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One record set as it shall be. No rdatas: the set is deleted, and ttl is 0. */
struct rsm_change {
    struct rsm_bytes owner;
    uint16_t type;
    uint32_t ttl;
    const struct rsm_bytes *rdatas;
    size_t rdata_count;
};

struct rsm_label {
    struct rsm_bytes name, value; /* text; names are unique, in any order */
};

/* A record set's name. */
struct rsm_rrset_id {
    struct rsm_bytes owner;
    uint16_t type;
};

/*
 * May do what matches `verb` ("rrset.*") below `suffix` in `zone`; an empty part matches all.
 * `class_most`: RSM_CLASS_STANDARD or RSM_CLASS_CRITICAL when changes of a higher class are not
 * granted, 0 when all are.
 */
struct rsm_grant {
    struct rsm_bytes verb; /* text */
    struct rsm_bytes zone;
    struct rsm_bytes suffix;
    const uint16_t *types;
    size_t type_count;
    enum rsm_class class_most;
};

enum rsm_principal_kind {
    RSM_PRINCIPAL_PERSON = 1,
    RSM_PRINCIPAL_AUTOMATON,
    RSM_PRINCIPAL_REPLICA,
    RSM_PRINCIPAL_GATEWAY,
};

/* A new zone: its labels, and what is in it from the start, SOA and NS at its apex included. */
enum rsm_status rsm_body_zone_create(struct rsm_bytes zone, const struct rsm_label *labels,
                                     size_t label_count, const struct rsm_change *changes,
                                     size_t change_count, struct rsm_buffer *body_out);
/* The labels of a zone as they shall be, all of them. */
enum rsm_status rsm_body_zone_label(struct rsm_bytes zone, const struct rsm_label *labels,
                                    size_t label_count, struct rsm_buffer *body_out);
/* A zone with all that is in it. */
enum rsm_status rsm_body_zone_delete(struct rsm_bytes zone, struct rsm_buffer *body_out);
/* Record sets as they shall be, all of them or none; at most 65,536, each once. */
enum rsm_status rsm_body_rrset_change(struct rsm_bytes zone, const struct rsm_change *changes,
                                      size_t change_count, struct rsm_buffer *body_out);

/*
 * Record sets that `from` owns are owned by `to` from now on: a principal, or "plan:" and a plan's
 * name. Content and serial stay.
 */
enum rsm_status rsm_body_rrset_takeover(struct rsm_bytes zone, struct rsm_bytes from,
                                        struct rsm_bytes to, const struct rsm_rrset_id *scope,
                                        size_t scope_count, struct rsm_buffer *body_out);

/* Record sets that were looked for and not found, and such that were found again. */
enum rsm_status rsm_body_rrset_observe(struct rsm_bytes zone, const struct rsm_rrset_id *absent,
                                       size_t absent_count, const struct rsm_rrset_id *present,
                                       size_t present_count, struct rsm_buffer *body_out);

/* What a principal spends; each command that is applied costs some of each. */
enum rsm_budget_kind {
    RSM_BUDGET_COMMANDS = 0, /* 1 */
    RSM_BUDGET_CHANGES,      /* its record sets */
    RSM_BUDGET_RECORDS,      /* records that they have afterwards */
    RSM_BUDGET_BYTES,        /* the command's own */
    RSM_BUDGETS,
};

/* A token bucket in log time. Both 0: no limit. */
struct rsm_budget {
    uint64_t burst;    /* what is there when nothing was spent for long; at most 2^40 */
    uint64_t per_hour; /* what comes back in an hour; at most 2^40 */
};

/*
 * `az` is the availability zone in which an automaton runs, empty: not said. `keys` are
 * RSM_PUBLIC_KEY_SIZE bytes each. `budget` has RSM_BUDGETS items; NULL: no limits, which
 * an automaton does not get.
 */
enum rsm_status rsm_body_principal_set(struct rsm_bytes name, enum rsm_principal_kind kind,
                                       struct rsm_bytes person, struct rsm_bytes az,
                                       const struct rsm_bytes *keys, size_t key_count,
                                       const struct rsm_bytes *roles, size_t role_count,
                                       const struct rsm_budget *budget,
                                       struct rsm_buffer *body_out);
/* One key more, of RSM_PUBLIC_KEY_SIZE bytes; and one that is nobody's from that slot on. */
enum rsm_status rsm_body_principal_key_add(struct rsm_bytes name, struct rsm_bytes key,
                                           struct rsm_buffer *body_out);
enum rsm_status rsm_body_principal_key_revoke(struct rsm_bytes name, struct rsm_bytes key,
                                              struct rsm_buffer *body_out);
/* Nobody signs under that name any more. */
enum rsm_status rsm_body_principal_delete(struct rsm_bytes name, struct rsm_buffer *body_out);
/* A role as it shall be: all its grants. And one that is gone, with what it granted. */
enum rsm_status rsm_body_role_set(struct rsm_bytes name, const struct rsm_grant *grants,
                                  size_t grant_count, struct rsm_buffer *body_out);
enum rsm_status rsm_body_role_delete(struct rsm_bytes name, struct rsm_buffer *body_out);

/* `policy` is a canonical MessagePack map; its keys: docs/formats-commands.md. */
enum rsm_status rsm_body_policy_set(struct rsm_bytes policy, struct rsm_buffer *body_out);

/*
 * A lease's token is the slot of its acquire: with a higher one given out, a lower one is worth
 * nothing. `ttl_ms` is log time, from the command's slot on.
 */
enum rsm_status rsm_body_lease_acquire(struct rsm_bytes resource, uint64_t ttl_ms,
                                       struct rsm_buffer *body_out);
enum rsm_status rsm_body_lease_renew(struct rsm_bytes resource, uint64_t token, uint64_t ttl_ms,
                                     struct rsm_buffer *body_out);
enum rsm_status rsm_body_lease_release(struct rsm_bytes resource, uint64_t token,
                                       struct rsm_buffer *body_out);

/* The wanted content of some record sets of a zone. */
struct rsm_plan {
    struct rsm_bytes name;
    uint64_t generation;
    uint64_t parent; /* the generation it was made from, 0: none */
    struct rsm_bytes zone;
    const struct rsm_rrset_id *scope; /* what it may touch */
    size_t scope_count;
    const struct rsm_change *content;
    size_t content_count;
    bool complete; /* false: the source was not seen whole, so that nothing may be deleted */
};

enum rsm_status rsm_body_plan_publish(const struct rsm_plan *plan, struct rsm_buffer *body_out);
/* An empty `scope` means the plan's whole scope. */
enum rsm_status rsm_body_plan_execute(struct rsm_bytes plan, uint64_t generation,
                                      const struct rsm_rrset_id *scope, size_t scope_count,
                                      struct rsm_bytes lease, uint64_t token,
                                      struct rsm_buffer *body_out);
/* Generations below `below`. */
enum rsm_status rsm_body_plan_collect(struct rsm_bytes plan, uint64_t below,
                                      struct rsm_buffer *body_out);

/* A replica of the cluster. */
struct rsm_member {
    uint32_t id;                     /* 1..9 */
    struct rsm_bytes zone;           /* text: where it stands, such as an availability zone */
    struct rsm_bytes key;            /* RSM_PUBLIC_KEY_SIZE bytes: its peers know it by that */
    struct rsm_bytes peer_address;   /* "host:port" */
    struct rsm_bytes client_address; /* "host:port" or "unix:/path" */
    uint64_t incarnation;            /* of its data directory; never 0 */
};

/* Under which incarnation the leader knows a member now. */
struct rsm_incarnation {
    uint32_t replica;
    uint64_t incarnation; /* never 0 */
};

/*
 * It learns at first, and votes from its promotion on. `known`, sorted by replica, are the other
 * members as the leader knows them: so the newcomer takes none for another one.
 */
enum rsm_status rsm_body_member_add(const struct rsm_member *member,
                                    const struct rsm_incarnation *known, size_t known_count,
                                    struct rsm_buffer *body_out);
enum rsm_status rsm_body_member_promote(uint32_t id, const struct rsm_incarnation *known,
                                        size_t known_count, struct rsm_buffer *body_out);
enum rsm_status rsm_body_member_remove(uint32_t id, struct rsm_buffer *body_out);
/* Zone and addresses; key and incarnation are not looked at: they change by remove and add only. */
enum rsm_status rsm_body_member_update(const struct rsm_member *member,
                                       struct rsm_buffer *body_out);

#ifdef __cplusplus
}
#endif
#endif
