/* SPDX-License-Identifier: Apache-2.0 */
/* verb.c - see verb.h. */
#include "src/command/verb.h"

#include <string.h>

bool verb_matches(struct bytes pattern, const char *verb)
{
    size_t size = strlen(verb);
    if (pattern.size > 0 && pattern.data[pattern.size - 1] == '*')
        return pattern.size - 1 <= size && memcmp(pattern.data, verb, pattern.size - 1) == 0;
    return pattern.size == size && memcmp(pattern.data, verb, size) == 0;
}
