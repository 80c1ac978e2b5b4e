/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * genesis.c - state 0: the administrator, the roles that are always there, time.
 *
 *     role       may
 *     admin      everything; never changed
 *     operator   zones, record sets, freezes, leases, plans, steps of an override, services
 *     planner    publish plans
 *     enactor    execute and collect plans, hold leases
 *     approver   approve emergencies
 *     root       agree to what decides who may do what (rule_root.c); never changed
 *     reader     nothing: for principals that only authenticate
 *
 * These name no zone, so that they are for people; an automaton gets a role of its own.
 */
#include "src/machine/machine.h"

#include <rsm/key.h>

#include "src/command/genesis.h"
#include "src/command/pack.h"
#include "src/machine/judge.h"
#include "src/machine/members.h"

struct builtin {
    const char *role;
    const char *verbs[8];
};

static const struct builtin builtins[] = {
    {"admin", {"*"}},
    {"operator", {"zone.*", "rrset.*", "freeze.*", "lease.*", "plan.*", "override.*", "service.*"}},
    {"planner", {"plan.publish"}},
    {"enactor", {"plan.execute", "plan.collect", "lease.*"}},
    {"approver", {"change.approve"}},
    {"root", {"change.approve", "change.cancel"}},
    {"reader", {NULL}},
};

static enum rsm_status put_role(struct kv *kv, const struct builtin *b)
{
    struct writer w;
    uint32_t count = 0;
    while (count < 8 && b->verbs[count] != NULL)
        count++;
    writer_init(&w, 4096);
    pack_array(&w, count);
    for (uint32_t i = 0; i < count; i++) {
        pack_array(&w, 4);
        pack_text(&w, b->verbs[i]);
        pack_bin(&w, (struct bytes){NULL, 0});
        pack_bin(&w, (struct bytes){NULL, 0});
        pack_array(&w, 0);
    }
    enum rsm_status status = kv_put(kv, TABLE_ROLE, bytes_of_string(b->role), writer_result(&w));
    writer_deinit(&w);
    return status;
}

static enum rsm_status put_administrator(struct kv *kv, const struct genesis *g)
{
    struct writer roles, value;
    writer_init(&roles, 64);
    writer_blob(&roles, bytes_of_string("admin"));
    struct principal_record principal = {.kind = RSM_PRINCIPAL_PERSON,
                                         .person = g->admin_person,
                                         .key_count = 1,
                                         .keys = g->admin_key,
                                         .role_count = 1,
                                         .roles = writer_result(&roles)};
    writer_init(&value, 4096);
    principal_encode(&value, &principal);
    enum rsm_status status = kv_put(kv, TABLE_PRINCIPAL, g->admin_principal, writer_result(&value));
    writer_deinit(&roles);
    writer_deinit(&value);
    return status;
}

static enum rsm_status put_times(struct kv *kv, uint64_t created_ms)
{
    uint8_t time[8], zero[8];
    put_u64(time, created_ms);
    put_u64(zero, 0);
    struct bytes now = bytes_make(time, sizeof time);
    struct bytes none = bytes_make(zero, sizeof zero);
    enum rsm_status status = kv_put(kv, TABLE_META, bytes_of_string(META_LOG_TIME), now);
    if (status == RSM_OK)
        status = kv_put(kv, TABLE_TIME, now, none);
    if (status == RSM_OK)
        status = kv_put(kv, TABLE_META, bytes_of_string(META_APPLIED), none);
    return status;
}

enum rsm_status machine_genesis(struct kv *kv, const struct genesis *genesis)
{
    enum rsm_status status = put_administrator(kv, genesis);
    for (size_t i = 0; i < sizeof builtins / sizeof *builtins && status == RSM_OK; i++)
        status = put_role(kv, &builtins[i]);
    if (status == RSM_OK)
        status = members_begin(kv, genesis);
    return status == RSM_OK ? put_times(kv, genesis->created_ms) : status;
}
