/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mutant_switch.c - in the build with switches: which planted mistake is on. */
#include <string.h>

#include "tests/sim/sim.h"

#ifdef RSM_MUTANT_NAMES

int rsm_mutant_switch;

bool sim_mutant_set(const char *name)
{
    static const char *const names[] = {RSM_MUTANT_NAMES};
    rsm_mutant_switch = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0)
            rsm_mutant_switch = (int)i + 1;
    }
    return rsm_mutant_switch != 0;
}

#else

bool sim_mutant_set(const char *name)
{
    (void)name;
    return false;
}

#endif
