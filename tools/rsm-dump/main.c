/* SPDX-License-Identifier: GPL-3.0-or-later */
/* main.c - the program; run.c has its inside, so that tests can call it. */
#include "tools/rsm-dump/dump.h"

int main(int argc, char **argv)
{
    return dump_main(argc, argv);
}
