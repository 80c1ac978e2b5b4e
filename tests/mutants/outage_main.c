/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * outage_main.c - the outage scenario as a program: exit status 0 when all went as it should, 1 and
 * the step at which it did not. Built with a control switched off, it has to end with 1.
 */
#include <stdio.h>

#include "tests/lib/outage.h"

int main(void)
{
    const char *broken = outage_run(stdout);
    if (broken == NULL) {
        printf("the outage did not happen\n");
        return 0;
    }
    printf("the outage happened: broken at step %s\n", broken);
    return 1;
}
