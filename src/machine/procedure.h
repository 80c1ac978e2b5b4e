/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * procedure.h - a human override as a procedure of six steps, which the log leads through.
 *
 *     1 freeze    a freeze is in force; the procedure has its id
 *     2 assess    somebody looked at the cluster; evidence: hash of the report
 *     3 plan      an emergency is staged; evidence: its digest
 *     4 execute   it is live; evidence: its digest, the planned one
 *     5 validate  somebody looked whether all is well; evidence: hash of what was found
 *     6 resume    the freeze is lifted (freeze.resume, freeze.clear), which ends the procedure
 *
 * Steps come in this order. 2 to 4 may be skipped, by a command that says so, with a reason; 1 and
 * 5 never: while 5 is not done, the freeze stays, and stops no less when it is said again; one that
 * ends by itself has no procedure. While a procedure of the author's has not come to
 * 4, nothing of his is applied.
 *
 *     TABLE_PROCEDURE  freeze id -> next u8 | opened slot u64 | opened ms u64 | closed slot u64 |
 *                      author blob | reason blob | 6 times: state u8 (0 open, 1 done, 2 skipped),
 *                      slot u64, evidence 32
 */
#ifndef RSM_MACHINE_PROCEDURE_H
#define RSM_MACHINE_PROCEDURE_H

#include <rsm/change.h>

#include "src/base/kv.h"
#include "src/machine/tables.h"

enum step_state { STEP_OPEN = 0, STEP_DONE, STEP_SKIPPED };

struct procedure_step {
    enum step_state state;
    uint64_t slot;
    uint8_t evidence[HASH_SIZE]; /* zeros: none */
};

struct procedure_record {
    enum rsm_step next; /* RSM_STEP_RESUME: only the freeze is left */
    uint64_t opened_slot, opened_ms;
    uint64_t closed_slot; /* 0: it is open */
    struct bytes author, reason;
    struct procedure_step steps[RSM_STEP_RESUME + 1]; /* by step; 0 is not used */
};

void procedure_encode(struct writer *out, const struct procedure_record *p);
enum rsm_status procedure_decode(struct bytes value, struct procedure_record *out);
/* RSM_NOT_FOUND, RSM_DAMAGED and as the kv. */
enum rsm_status procedure_load(struct kv *kv, struct bytes freeze, struct procedure_record *out);
/* Open ones, in the order of ids. `place` begins empty. RSM_NOT_FOUND: no more. */
enum rsm_status procedure_next(struct kv *kv, struct key *place, struct procedure_record *out);

#endif
