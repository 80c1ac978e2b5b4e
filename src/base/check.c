/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - the end of a program that found a bug in itself. */
#include "src/base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: this must hold and does not: %s\n", file, line, condition);
    abort();
}

bool mutant_is_on(const char *name)
{
    return name != NULL;
}
