/* SPDX-License-Identifier: Apache-2.0 */
/* verb.h - patterns of kinds of commands, as grants, freezes and classes have them. */
#ifndef RSM_COMMAND_VERB_H
#define RSM_COMMAND_VERB_H

#include <stdbool.h>

#include "src/base/bytes.h"

/* "rrset.*" and "*" match "rrset.change"; without a * at its end a pattern matches itself. */
bool verb_matches(struct bytes pattern, const char *verb);

#endif
