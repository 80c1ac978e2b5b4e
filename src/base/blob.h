/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob.h - counted, immutable bytes: the one thing that travels between layers without a copy.
 *
 * Immutable once blob_new returned it (blob_begin lets its maker fill it first). Counted without
 * atomics: a blob belongs to one thread; to hand one to another thread, copy it.
 */
#ifndef RSM_BASE_BLOB_H
#define RSM_BASE_BLOB_H

#include "src/base/bytes.h"

struct blob {
    uint32_t references;
    uint32_t size;
    uint8_t data[];
};

/* A copy with one reference, owned by the caller. */
struct blob *blob_new(struct bytes value);
/* Room for `size` bytes, to be filled at once by the caller; NULL when memory is short. */
struct blob *blob_begin(size_t size);
/* Adds a reference; NULL stays NULL. */
struct blob *blob_ref(struct blob *blob);
/* Drops one; the last one frees. NULL is ignored. */
void blob_unref(struct blob *blob);
/* Empty for NULL. */
struct bytes blob_bytes(const struct blob *blob);

#endif
