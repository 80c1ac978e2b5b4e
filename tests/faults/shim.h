/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shim.h - what tests/faults/shim.c gives to a program that arms it from inside. */
#ifndef RSM_TESTS_FAULTS_SHIM_H
#define RSM_TESTS_FAULTS_SHIM_H

#include <stdbool.h>

enum fault_class {
    FAULT_FILE = 1,
    FAULT_MEMORY,
};

enum fault_kind {
    FAULT_EIO = 1,
    FAULT_ENOSPC,
    FAULT_EDQUOT,
    FAULT_EROFS,
    FAULT_EMFILE,
    FAULT_ENOMEM,
    FAULT_EINTR,
    FAULT_SHORT,
    FAULT_DROP,
};

/* From now on the at-th call (0: none) on a file below `path` fails; `stay`: and all later ones. */
void fault_arm(const char *path, enum fault_class class, enum fault_kind kind,
               unsigned long long at, bool stay);
/* Ends it; how many calls there were, whether one failed, and which. */
unsigned long long fault_calls(bool *failed_out, const char **name_out);
const char *fault_kind_name(enum fault_kind kind);

#endif
