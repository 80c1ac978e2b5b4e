/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * git_object.h - the ids that git gives to what `export git` writes, without git: SHA-1 over
 * "<type> <size>", a zero byte, and the object (gitformat-objects). That is what binds a signed
 * manifest to a history; what a file is stands there besides, as SHA-256.
 */
#ifndef RSM_TOOLS_GIT_OBJECT_H
#define RSM_TOOLS_GIT_OBJECT_H

#include <stddef.h>

#include "src/base/bytes.h"

#define GIT_ID_SIZE 20u

/* `type`: "blob", "tree" or "commit". */
void git_object_id(const char *type, struct bytes object, uint8_t id_out[GIT_ID_SIZE]);

/* A file of the one folder that there is. */
struct git_file {
    const char *name; /* without the folder */
    uint8_t id[GIT_ID_SIZE];
};

/* The id of the tree that has these files in `folder`, in any order; sorts them. No file: no
 * folder, as fast-import has it. */
void git_tree_id(const char *folder, struct git_file *files, size_t count,
                 uint8_t id_out[GIT_ID_SIZE]);

#endif
