/* SPDX-License-Identifier: GPL-3.0-or-later */
/* zonemd.c - see zonemd.h. */
#include "src/rr/zonemd.h"

#include <string.h>

#include <libdnssec/digest.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/rr/name.h"

#define CLASS_IN 1u
#define SCHEME_SIMPLE 1u
#define HASH_SHA384 1u
#define DIGEST_SIZE 48u

struct zonemd_hash {
    dnssec_digest_ctx_t *context; /* owned; the library takes it when it fails or ends */
};

struct zonemd_hash *zonemd_hash_new(void)
{
    dnssec_digest_ctx_t *context = NULL;
    if (dnssec_digest_init(DNSSEC_DIGEST_SHA384, &context) != DNSSEC_EOK)
        return NULL;
    struct zonemd_hash *h = mem_alloc(sizeof *h);
    h->context = context;
    return h;
}

void zonemd_hash_free(struct zonemd_hash *h)
{
    if (h == NULL)
        return;
    dnssec_binary_t digest = {.size = 0};
    if (h->context != NULL && dnssec_digest_finish(h->context, &digest) == DNSSEC_EOK)
        dnssec_binary_free(&digest);
    mem_free(h);
}

static bool add(struct zonemd_hash *h, const uint8_t *data, size_t size)
{
    /* It is read alone. */
    dnssec_binary_t binary = {.size = size, .data = (uint8_t *)(uintptr_t)data};
    if (h->context == NULL)
        return false;
    if (size > 0 && dnssec_digest(h->context, &binary) != DNSSEC_EOK)
        h->context = NULL;
    return h->context != NULL;
}

bool zonemd_hash_add(struct zonemd_hash *h, struct bytes owner, uint16_t type, uint32_t ttl,
                     struct bytes rdata)
{
    uint8_t head[NAME_SIZE_MAX + 10];
    CHECK(owner.size <= NAME_SIZE_MAX && rdata.size <= UINT16_MAX);
    memcpy(head, owner.data, owner.size);
    put_u16(head + owner.size, type);
    put_u16(head + owner.size + 2, CLASS_IN);
    put_u32(head + owner.size + 4, ttl);
    put_u16(head + owner.size + 8, (uint16_t)rdata.size);
    return add(h, head, owner.size + 10) && add(h, rdata.data, rdata.size);
}

bool zonemd_hash_end(struct zonemd_hash *h, uint32_t serial, uint8_t rdata_out[ZONEMD_RDATA_SIZE])
{
    dnssec_binary_t digest = {.size = 0};
    dnssec_digest_ctx_t *context = h->context;
    h->context = NULL;
    if (context == NULL || dnssec_digest_finish(context, &digest) != DNSSEC_EOK)
        return false;
    CHECK(digest.size == DIGEST_SIZE);
    put_u32(rdata_out, serial);
    rdata_out[4] = SCHEME_SIMPLE;
    rdata_out[5] = HASH_SHA384;
    memcpy(rdata_out + 6, digest.data, DIGEST_SIZE);
    dnssec_binary_free(&digest);
    return true;
}
