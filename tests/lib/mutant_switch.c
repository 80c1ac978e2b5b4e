/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mutant_switch.c - see mutant_switch.h. */
#include "tests/lib/mutant_switch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef RSM_MUTANT_NAMES

int rsm_mutant_switch;

bool mutant_set(const char *name)
{
    static const char *const names[] = {RSM_MUTANT_NAMES};
    rsm_mutant_switch = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0)
            rsm_mutant_switch = (int)i + 1;
    }
    return rsm_mutant_switch != 0;
}

/* Before any test: a program of Criterion has a main() of its own. */
__attribute__((constructor)) static void set_from_environment(void)
{
    const char *name = getenv("RSM_MUTANT");
    if (name == NULL || mutant_set(name))
        return;
    fprintf(stderr, "RSM_MUTANT: no switch for %s in this build\n", name);
    exit(2);
}

#else

bool mutant_set(const char *name)
{
    (void)name;
    return false;
}

#endif
