/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gpg.h - signatures that `gpg --verify` checks are gpg's own business: it is asked for them. */
#ifndef RSM_TOOLS_GPG_H
#define RSM_TOOLS_GPG_H

#include <stdbool.h>

#include "src/base/bytes.h"

/*
 * A detached, armoured signature of `text` by the key that gpg knows as `key`, written to the new
 * file `path`. gpg's environment, agent and terminal are the caller's. False: said on stderr why.
 */
bool gpg_sign(const char *key, struct bytes text, const char *path);

#endif
