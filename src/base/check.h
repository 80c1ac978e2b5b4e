/* SPDX-License-Identifier: Apache-2.0 */
/* check.h - conditions whose failure is a bug in this program: on in every build. */
#ifndef RSM_BASE_CHECK_H
#define RSM_BASE_CHECK_H

#include <stdbool.h>

/* Prints place and condition to stderr and aborts. */
_Noreturn void check_failed(const char *file, int line, const char *condition);

/* True. Called by MUTANT alone, so that the name stays in the program. */
bool mutant_is_on(const char *name);

/* Never for bytes from a peer, a client or a disk: those are checked at the edge, see STYLE 6. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            check_failed(__FILE__, __LINE__, #condition);                                          \
    } while (0)

/* Whole-object checks that cost too much for the shipped build; on with -DRSM_VERIFY=1. */
#if defined(RSM_VERIFY) && RSM_VERIFY
#define VERIFY(condition) CHECK(condition)
#else
#define VERIFY(condition) ((void)0)
#endif

/*
 * A known mistake, switched on in a test build by -DRSM_MUTANT_<name>=1; 0 in what is shipped. One
 * that is on leaves its name in the program, where `make check` looks for it.
 */
#define MUTANT(name) (RSM_MUTANT_##name && mutant_is_on("RSM_MUTANT_" #name))
#include "src/base/mutants.h"

#endif
