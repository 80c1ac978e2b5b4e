/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change.h - bodies of commands about changes that need more agreement than being chosen: asking
 * for it, a replica's vote, an approval, taking a change back. As rsm/body.h: same statuses.
 */
#ifndef RSM_CHANGE_H
#define RSM_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include <rsm/status.h>
#include <rsm/wire.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How much agreement a change needs to take effect (docs/quorum.md). */
enum rsm_class {
    RSM_CLASS_STANDARD = 1,
    RSM_CLASS_CRITICAL,  /* every zone of the voters votes yes */
    RSM_CLASS_EMERGENCY, /* but first two persons approve, and then its author applies it */
};

/*
 * A command that may wait (docs/quorum.md), with its body, of at least that class. `overrides` are
 * ids of rules that shall not refuse it; such a change is an emergency.
 */
enum rsm_status rsm_body_change_request(enum rsm_class class_least,
                                        const struct rsm_bytes *overrides, size_t override_count,
                                        const char *kind, struct rsm_bytes body,
                                        struct rsm_buffer *body_out);
/*
 * The same, of a change that takes back what the change with the digest `undone` (RSM_DIGEST_SIZE
 * bytes) wrote: that one is rolled back then. Of the standard class unless `class_least` says more.
 */
enum rsm_status rsm_body_change_undo(enum rsm_class class_least, const struct rsm_bytes *overrides,
                                     size_t override_count, struct rsm_bytes undone,
                                     const char *kind, struct rsm_bytes body,
                                     struct rsm_buffer *body_out);
/*
 * The same, of a change that brings forward what a zone was right after `restored_slot` (above 0,
 * below the slot that it comes to stand in): "rrset.change", or "zone.create" of one that is gone.
 * Who watches the log gets a `reset` (docs/protocol.md). Content is in `body`, as in any change.
 */
enum rsm_status rsm_body_change_restore(enum rsm_class class_least,
                                        const struct rsm_bytes *overrides, size_t override_count,
                                        uint64_t restored_slot, const char *kind,
                                        struct rsm_bytes body, struct rsm_buffer *body_out);
/* A replica's own: what it found when it made the effect again, in the state after `slot`. */
enum rsm_status rsm_body_change_vote(struct rsm_bytes change_digest, bool yes, uint64_t slot,
                                     struct rsm_bytes effect_hash, struct rsm_buffer *body_out);
struct rsm_factor;
/* Of exactly the change with this digest (RSM_DIGEST_SIZE bytes); `factor` NULL: without one. */
enum rsm_status rsm_body_change_approve(struct rsm_bytes change_digest,
                                        const struct rsm_factor *factor,
                                        struct rsm_buffer *body_out);
enum rsm_status rsm_body_change_cancel(struct rsm_bytes change_digest, struct rsm_buffer *body_out);
/*
 * Uses what the approvals give: the replicas vote from here on. `approvers` are principals of whom
 * each has to have approved it, in any order, each once; none: whoever it was.
 */
enum rsm_status rsm_body_change_apply(struct rsm_bytes change_digest,
                                      const struct rsm_bytes *approvers, size_t approver_count,
                                      struct rsm_buffer *body_out);

/* X(name, number, text): the steps of a human override (docs/override.md). */
#define RSM_STEP_LIST(X)                                                                           \
    X(FREEZE, 1, "freeze")                                                                         \
    X(ASSESS, 2, "assess")                                                                         \
    X(PLAN, 3, "plan")                                                                             \
    X(EXECUTE, 4, "execute")                                                                       \
    X(VALIDATE, 5, "validate")                                                                     \
    X(RESUME, 6, "resume")

enum rsm_step {
#define RSM_STEP_ENUM(name, number, text) RSM_STEP_##name = number,
    RSM_STEP_LIST(RSM_STEP_ENUM)
#undef RSM_STEP_ENUM
};

/* "unknown" outside the list. Static memory. */
const char *rsm_step_text(enum rsm_step step);
/* RSM_NOT_FOUND for another text. */
enum rsm_status rsm_step_parse(struct rsm_bytes text, enum rsm_step *step_out);
/* A chunk of a recorded terminal: its hash. `state` 1: it goes on; 2: it ended; 3: it failed. */
enum rsm_status rsm_body_override_record(const uint8_t session[16], uint64_t index,
                                         const uint8_t hash[32], uint32_t state,
                                         struct rsm_buffer *body_out);
/* `evidence`: RSM_DIGEST_SIZE bytes, or none. */
enum rsm_status rsm_body_override_step(struct rsm_bytes freeze, enum rsm_step step, bool is_skipped,
                                       struct rsm_bytes evidence, struct rsm_buffer *body_out);

#ifdef __cplusplus
}
#endif
#endif
