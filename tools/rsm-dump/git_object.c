/* SPDX-License-Identifier: GPL-3.0-or-later */
/* git_object.c - see git_object.h. */
#include "tools/rsm-dump/git_object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/sha1.h>

#include "src/base/check.h"

#define TREE_SIZE_MAX (256u << 20)

void git_object_id(const char *type, struct bytes object, uint8_t id_out[GIT_ID_SIZE])
{
    struct sha1_ctx context;
    char head[48];
    int size = snprintf(head, sizeof head, "%s %zu", type, object.size);
    _Static_assert(SHA1_DIGEST_SIZE == GIT_ID_SIZE, "SHA-1");
    CHECK(size > 0 && (size_t)size < sizeof head);
    sha1_init(&context);
    sha1_update(&context, (size_t)size + 1, (const uint8_t *)head); /* its zero byte as well */
    sha1_update(&context, object.size, object.data);
    sha1_digest(&context, GIT_ID_SIZE, id_out);
}

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const struct git_file *)a)->name, ((const struct git_file *)b)->name);
}

static void put_entry(struct writer *tree, const char *mode, const char *name,
                      const uint8_t id[GIT_ID_SIZE])
{
    writer_format(tree, "%s %s", mode, name);
    writer_u8(tree, 0);
    writer_bytes(tree, bytes_make(id, GIT_ID_SIZE));
}

void git_tree_id(const char *folder, struct git_file *files, size_t count,
                 uint8_t id_out[GIT_ID_SIZE])
{
    struct writer tree;
    writer_init(&tree, TREE_SIZE_MAX);
    if (count > 0) {
        qsort(files, count, sizeof *files, compare_files);
        for (size_t i = 0; i < count; i++)
            put_entry(&tree, "100644", files[i].name, files[i].id);
        git_object_id("tree", writer_result(&tree), id_out);
        writer_reset(&tree);
        put_entry(&tree, "40000", folder, id_out);
    }
    CHECK(!tree.failed);
    git_object_id("tree", writer_result(&tree), id_out);
    writer_deinit(&tree);
}
