/* SPDX-License-Identifier: GPL-3.0-or-later */
/* methods_internal.h - for src/daemon/methods*.c alone. */
#ifndef RSM_DAEMON_METHODS_INTERNAL_H
#define RSM_DAEMON_METHODS_INTERNAL_H

#include "src/command/pack.h"
#include "src/command/unpack.h"
#include "src/daemon/admission.h"
#include "src/daemon/node_change.h"
#include "src/daemon/methods.h"
#include "src/machine/members.h"
#include "src/machine/query.h"

#define CALL_TEXT_SIZE 512u
#define PAGE_ITEMS_DEFAULT 1000u
#define PAGE_ITEMS_MAX 10000u
#define PAGE_BYTES (1u << 20) /* a page ends behind the item that passes this */

struct waiting;
struct watch;
struct poll;

struct methods {
    struct node *node;
    const struct genesis *genesis;
    const struct rpc_server *rpc;
    const struct peer_links *links;
    struct totp *totp; /* NULL: this replica checks no codes */
    struct scrub *scrub;
    const struct dns *dns;         /* NULL: none is served */
    struct waiting *waiting[1024]; /* by token */
    uint64_t next_token;
    struct watch *watches;
    uint64_t next_watch;
    uint64_t watch_changes; /* watches that went with their connection */
    struct poll *polls;
    uint32_t tick_ms;
    uint64_t ticks; /* so many have passed: the time of `admission` */
    struct admission admission;
    struct verify *verify; /* where envelopes are handed in */
    struct methods_self self;
    struct writer out;
};

/* One call while its handler runs. */
struct call {
    struct methods *m;
    struct rpc_request *request;
    struct unpack params; /* behind the array's header */
    uint32_t param_count;
    struct bytes options; /* the map behind the positional parameters; empty: none */
    bool stale;
    uint64_t at; /* QUERY_NOW, or the slot that is asked for */
    char text[CALL_TEXT_SIZE];
};

/* RSM_BAD_PARAMS with words. */
__attribute__((format(printf, 3, 4))) enum rsm_status
call_fail(struct call *call, enum rsm_status status, const char *format, ...);

/* A method that reads the state: `out` is emptied before and has one object afterwards. */
typedef enum rsm_status method_read(struct call *call, struct writer *out);

/* Begins the result's map: `fields` more follow; slot, and for stale reads age_ms, are packed. */
void result_begin(struct call *call, struct writer *out, uint32_t fields);

/* Parameters; RSM_BAD_PARAMS with words that name them. */
enum rsm_status param_name(struct call *call, const char *what, uint8_t buffer[LIMIT_NAME_SIZE],
                           struct bytes *name_out);
enum rsm_status param_type(struct call *call, const char *what, uint16_t *type_out);
enum rsm_status param_text(struct call *call, const char *what, struct bytes *text_out);
enum rsm_status param_uint(struct call *call, const char *what, uint64_t *value_out);
/* Options of the call's map. */
uint64_t option_limit(const struct call *call);

/* methods_freeze.c: the fields of a freeze behind its name; "freezes", those that have not ended.
 */
#define FREEZE_FIELDS 12u
void pack_freeze(struct call *call, struct writer *out, const struct query_list *q);
void pack_freezes(struct call *call, struct writer *out);

/* methods_read.c: a page of a list in the making. */
struct page {
    struct writer items;
    uint32_t count;
    uint64_t limit;
    bool full; /* there is more */
};

void page_begin(struct call *call, struct page *page);
/* False: the page is full, this item belongs to the next one. */
bool page_has_room(struct page *page);
void page_end(struct call *call, struct writer *out, const char *name, struct page *page,
              struct bytes next);
/* The option `after`: the opaque "next" of the page before. */
struct bytes option_after(const struct call *call, size_t size_max);
void set_key(struct key *key, struct bytes bytes);

/* methods_people.c: `overrides`, `epoch`, `recovery`, `recordings`. */
void pack_people(struct kv *kv, uint64_t now_ms, struct writer *out);

/* methods_dns.c: three fields of `status`, maps; empty when no DNS is served. */
void pack_dns_counters(struct writer *out, const struct methods *m);

/* methods_render.c: pieces of results */
void pack_key(struct writer *out, const char *key);
/* A field: key and number. */
void pack_number(struct writer *out, const char *key, uint64_t value);
/* "owner" and "owner_wire": two fields. */
void pack_name_fields(struct writer *out, const char *key, const char *wire_key, struct bytes name);
void pack_version(struct writer *out, const struct version *v);
/* A record set as a map. */
void pack_rrset(struct writer *out, struct bytes owner, uint16_t type, uint64_t slot,
                const struct rrset_record *record);
/* One verdict, which stands in `slot`. */
void pack_verdict(struct writer *out, uint64_t slot, const struct verdict *v);
/* methods_explain.c: its stages, as an array of maps; the last one is `post` unless NULL. */
struct stage_after {
    enum stage_outcome outcome;
    const char *why;
};

void pack_stages(struct writer *out, const struct verdict *v, const struct stage_after *post);
/* The array of verdicts of a slot (TABLE_VERDICT's bytes). */
void pack_verdicts(struct writer *out, uint64_t slot, struct bytes encoded);
void pack_hash(struct writer *out, const uint8_t hash[HASH_SIZE]);
/*
 * One slot of the log as a map, with the watch's number in front when it is not 0. `author` not
 * empty: RSM_NOT_FOUND when the slot has nothing of that author.
 */
enum rsm_status pack_slot(struct writer *out, struct kv *kv, uint64_t slot, struct bytes author,
                          uint64_t watch);

/* methods_read.c: a command by what a call names: its digest, or author and counter. */
enum rsm_status find_outcome(struct call *call, uint64_t *slot_out, uint32_t *index_out,
                             struct verdict *out);

/*
 * methods_change.c: a change as a map: one that waits or waited with its votes and approvals, any
 * other one with `state`.
 */
enum rsm_status pack_change(struct kv *kv, struct writer *out, const uint8_t *digest, uint64_t slot,
                            enum change_state state);

/* A member of the newest configuration, or still one of the present one. */
bool methods_find_member(struct methods *m, uint32_t id, struct member *out);

/* methods_read.c, methods_list.c, methods_status.c, methods_member.c */
method_read read_clock, read_outcome, read_zone_list, read_zone_get, read_zone_writer,
    read_rrset_get, read_rrset_list, read_rrset_history, read_principal_list, read_role_list,
    read_service_list, read_policy_get, read_freeze_list, read_frozen_list, read_lease_list,
    read_plan_list, read_plan_get, read_log_range, read_status, read_hello, read_rr_parse,
    read_member_list, read_member_self, run_scrub, read_stages, read_explain, read_graph,
    read_log_raw, read_check, read_change_list, read_secondary_list, read_override_list,
    read_factor_list, read_factor_attest, read_recording_get;

/* methods_status.c */
method_read read_genesis;

/* methods_watch.c: they take the request over. */
void watch_begin(struct call *call);
/* Whether its first slot is behind the log as it is here: a majority has to say how far that is. */
bool watch_needs_majority(struct call *call);
void watch_end(struct call *call);
void poll_begin(struct call *call);
void watch_on_closed(struct methods *m, struct rpc_connection *connection);
void watch_on_applied(struct methods *m);
void watch_on_tick(struct methods *m);
void watch_free_all(struct methods *m);

#endif
