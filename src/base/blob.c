/* SPDX-License-Identifier: Apache-2.0 */
/* blob.c - counted bytes. */
#include "src/base/blob.h"

#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"

struct blob *blob_begin(size_t size)
{
    if (size > UINT32_MAX - sizeof(struct blob))
        return NULL;
    struct blob *blob = mem_try_alloc(sizeof *blob + size);
    if (blob == NULL)
        return NULL;
    blob->references = 1;
    blob->size = (uint32_t)size;
    return blob;
}

struct blob *blob_new(struct bytes value)
{
    CHECK(value.size <= UINT32_MAX - sizeof(struct blob));
    struct blob *blob = mem_alloc_unset(sizeof *blob + value.size);
    *blob = (struct blob){.references = 1, .size = (uint32_t)value.size};
    if (value.size > 0)
        memcpy(blob->data, value.data, value.size);
    return blob;
}

struct blob *blob_ref(struct blob *blob)
{
    if (blob != NULL) {
        CHECK(blob->references > 0 && blob->references < UINT32_MAX);
        blob->references++;
    }
    return blob;
}

void blob_unref(struct blob *blob)
{
    if (blob == NULL)
        return;
    CHECK(blob->references > 0);
    if (--blob->references == 0)
        mem_free(blob);
}

struct bytes blob_bytes(const struct blob *blob)
{
    if (blob == NULL)
        return (struct bytes){0, 0};
    return bytes_make(blob->data, blob->size);
}
