/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recover.h - `rsmd recover`: the directory of one replica, without the others.
 *
 * Without --force it reads, and says on stdout what would be kept and what may be lost, and the
 * statement that persons sign. With it, it makes the statement again, holds the signatures against
 * the state of this directory by the very rule that will judge them in the log (kind_recover.c),
 * and writes the file `recovery`: the body of the command cluster.recover, as bytes. The next start
 * does the rest (node_recover.c). The file stays, and means nothing once the state has its epoch.
 */
#ifndef RSM_DAEMON_RECOVER_H
#define RSM_DAEMON_RECOVER_H

#include "src/daemon/config.h"

#define RECOVERY_FILE "recovery"
#define RECOVER_APPROVALS_MAX 9u

struct recover_options {
    const char *approvals[RECOVER_APPROVALS_MAX]; /* files of `resilience-ctl recovery approve` */
    unsigned approval_count;
    bool force;
};

/* The exit status; what is wrong is said on stderr. */
int recover_directory(const struct config *config, const struct recover_options *options);

#endif
