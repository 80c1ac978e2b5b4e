/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_outage.c - October 2025 does not happen. Its controls: tests/mutants. */
#include <criterion/criterion.h>

#include "tests/lib/outage.h"

Test(outage, does_not_happen)
{
    const char *broken = outage_run(NULL);
    cr_assert_null(broken, "broken at step %s", broken);
}
