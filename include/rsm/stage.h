/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage.h - the stages that a command goes through; each rule belongs to one (rsm/rule.h). Their
 * numbers are in the log for ever, and are never given to others. `docs/rules.md` explains them.
 */
#ifndef RSM_STAGE_H
#define RSM_STAGE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, number, id, what it looks at), in the order in which a command goes through them */
#define RSM_STAGE_LIST(X)                                                                          \
    X(PREFLIGHT, 1, "pre-flight", "schema, rights, quota, what has to be there, risk")             \
    X(CAUSAL, 2, "causal", "clocks, order, dependencies, cycles, prerequisites")                   \
    X(IMPACT, 3, "impact", "what the change reaches, and what must not be reached")                \
    X(QUORUM, 4, "quorum", "how much agreement the change needs to take effect")                   \
    X(EXECUTION, 5, "execution", "freezes, leases, times: whether it may happen now")              \
    X(PRECOMMIT, 6, "pre-commit", "the effect, looked at again before it joins the state")         \
    X(POSTCOMMIT, 7, "post-commit", "what was written, read back from the store")

enum rsm_stage {
#define RSM_STAGE_ENUM(name, number, id, text) RSM_STAGE_##name = number,
    RSM_STAGE_LIST(RSM_STAGE_ENUM)
#undef RSM_STAGE_ENUM
};

/* Its stable id, such as "pre-flight"; what it looks at. Static memory. */
const char *rsm_stage_id(uint32_t stage);
const char *rsm_stage_text(uint32_t stage);

#ifdef __cplusplus
}
#endif
#endif
