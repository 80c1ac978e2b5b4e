/* SPDX-License-Identifier: Apache-2.0 */
/*
 * freeze.h - bodies of commands that stop automata and bring them back (docs/freezes.md). As
 * rsm/body.h: same statuses.
 */
#ifndef RSM_FREEZE_H
#define RSM_FREEZE_H

#include <stdbool.h>

#include <rsm/status.h>
#include <rsm/wire.h>

#ifdef __cplusplus
extern "C" {
#endif

enum rsm_freeze_scope {
    RSM_FREEZE_GLOBAL = 1,
    RSM_FREEZE_ZONE,   /* subject: the zone's wire name */
    RSM_FREEZE_AUTHOR, /* subject: a principal's name */
    RSM_FREEZE_AZ,     /* subject: the availability zone of automata */
    RSM_FREEZE_KIND,   /* subject: kinds of commands, as in a grant: "rrset.change", "plan.*" */
};

/*
 * Stops automata within the scope, people too when `everybody`. `until_ms` is log time, 0 leaves it
 * open. The freeze's reason is the command's.
 */
enum rsm_status rsm_body_freeze_set(struct rsm_bytes id, enum rsm_freeze_scope scope,
                                    struct rsm_bytes subject, bool everybody, uint64_t until_ms,
                                    struct rsm_buffer *body_out);
/* The freeze is over for everybody it stopped, at once. */
enum rsm_status rsm_body_freeze_clear(struct rsm_bytes id, struct rsm_buffer *body_out);

/*
 * Automata of one availability zone come back (`az` empty: of all, one zone after the other, and at
 * last those that name none), at once or `gradual`ly. `trips` is how often the freeze had come back
 * by itself when the author looked.
 */
enum rsm_status rsm_body_freeze_resume(struct rsm_bytes id, struct rsm_bytes az, bool gradual,
                                       uint64_t trips, struct rsm_buffer *body_out);
/* A replica's own: something is wrong with it, so no automaton comes back now. */
enum rsm_status rsm_body_freeze_trip(struct rsm_bytes cause, struct rsm_buffer *body_out);

#ifdef __cplusplus
}
#endif
#endif
