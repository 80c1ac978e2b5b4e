/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * left_behind.h - a disk that another replica goes on without (`rsmd recover`), and how it hears.
 *
 * Nobody asked it, and two of three that were only away are a majority of the members that they
 * know: they would go on as well. What the log of the one that goes on can do is to say so: each
 * refusal of a peer carries the body of the newest cluster.recover (peer_hello.h), with the
 * statement that names this very disk and the signatures. They are held against the persons of the
 * disk's own state: no stranger, and no former member alone, can stop anybody. Then it raises the
 * alarm `left-behind`, talks to nobody any more, hands the body on to whoever dials it, and keeps
 * it in the file `left-behind`, so that the next start begins there. Who never reaches one of those
 * that go on hears nothing.
 */
#ifndef RSM_DAEMON_LEFT_BEHIND_H
#define RSM_DAEMON_LEFT_BEHIND_H

#include "src/base/kv.h"
#include "src/command/recovery.h"
#include "src/io/data_dir.h"

#define LEFT_BEHIND_FILE "left-behind"

/*
 * Whether that body leaves the disk of `self` with that incarnation behind, and persons signed it
 * whom this state lets: then *out is it, borrowed.
 */
bool left_behind_by(struct kv *state, const uint8_t *cluster_id, uint32_t self,
                    uint64_t incarnation, struct bytes body, struct body_recover *out);

/*
 * Appends what tells others that this log goes on without them; nothing when it never was
 * recovered. RSM_DAMAGED.
 */
enum rsm_status left_behind_proof(struct kv *state, struct writer *out);

/* The file; *out stays NULL without one. As data_dir_read_file. */
enum rsm_status left_behind_read(struct data_dir *dir, struct blob **out);

#endif
