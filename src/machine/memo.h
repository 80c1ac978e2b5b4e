/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * memo.h - what nearly every command reads, kept from one command to the next: the policy's
 * numbers, its lists, principals with their grants, and that a table has no rows at all.
 *
 * Nothing here is state. Each item stands beside the stamp of the tables that it was read from
 * (src/base/kv.h) and counts only while the stamp of the kv that is asked about is the same; so one
 * memo serves the speculation, the applied state and any other kv in turn, and a write to such a
 * table, wherever it is made, is all that it takes to be read anew. Where there is no stamp, each
 * question is asked of the kv.
 */
#ifndef RSM_MACHINE_MEMO_H
#define RSM_MACHINE_MEMO_H

#include "src/base/kv.h"
#include "src/machine/policy.h"
#include "src/machine/record.h"
#include "src/machine/tables.h"

struct memo;

/* Owned by the caller. */
struct memo *memo_new(void);
/* NULL is ignored. */
void memo_free(struct memo *m);
/* From now on nothing is kept: for tests, which compare. */
void memo_switch_off(struct memo *m);

/* Statuses are those of the kv; what is not RSM_OK or RSM_NOT_FOUND is not kept. */

/* RSM_OK: the table has a row; RSM_NOT_FOUND: it has none. For tables that are seldom written. */
enum rsm_status memo_has_rows(struct memo *m, struct kv *kv, enum table table);
/* policy_load. */
enum rsm_status memo_policy(struct memo *m, struct kv *kv, struct policy *out);
/* policy_list. Borrowed until the next call for a list of that name. */
enum rsm_status memo_list(struct memo *m, struct kv *kv, enum policy_list list,
                          struct bytes *list_out);

/* A principal, and what its roles grant. */
struct memo_principal {
    struct principal_record row;
    bool is_administrator, is_root; /* by the names of its roles */
    struct bytes grants;            /* of all roles that are there: grants_append */
};

/* Borrowed until the next call. RSM_NOT_FOUND: there is none. */
enum rsm_status memo_principal(struct memo *m, struct kv *kv, struct bytes name,
                               struct memo_principal *out);

#endif
