/* SPDX-License-Identifier: GPL-3.0-or-later */
/* identity.c - the identity file as text; see identity.h. */
#include "storage/identity.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/crc32c.h"

static const char first_line[] = "rsm data directory\nformat = ";

void identity_encode(const struct identity *identity, struct writer *w)
{
    char cluster[2 * CLUSTER_ID_SIZE + 1];
    size_t begin = w->size;

    CHECK(!w->failed); /* or the check would be over something else */
    hex_encode(cluster, bytes_make(identity->cluster, CLUSTER_ID_SIZE));
    writer_format(w,
                  "%s%u\ncluster = %s\nreplica = %" PRIu32 "\nincarnation = %" PRIu64
                  "\njoined = %" PRIu64 "\n",
                  first_line, IDENTITY_FORMAT, cluster, identity->replica, identity->incarnation,
                  identity->joined);
    if (!w->failed)
        writer_format(w, "check = %08" PRIx32 "\n", crc32c(0, w->data + begin, w->size - begin));
    CHECK(w->failed || w->size - begin <= IDENTITY_TEXT_SIZE);
}

/* Skips `text`; false when something else is there. */
static bool skip(struct reader *r, const char *text)
{
    size_t size = strlen(text);
    struct bytes found = reader_bytes(r, size);

    CHECK(r->failed || found.size == size); /* as many as are compared */
    return !r->failed && memcmp(found.data, text, size) == 0;
}

/* A decimal number without sign or leading zeros. */
static bool read_number(struct reader *r, uint64_t *out)
{
    size_t begin = r->offset;

    CHECK(!r->failed); /* the text before it was there */
    *out = 0;
    while (r->offset < r->size && r->data[r->offset] >= '0' && r->data[r->offset] <= '9') {
        uint64_t digit = (uint64_t)(r->data[r->offset] - '0');
        if (*out > (UINT64_MAX - digit) / 10)
            return false;
        *out = *out * 10 + digit;
        r->offset++;
    }
    CHECK(r->offset <= r->size);
    return r->offset > begin;
}

/*
 * Reads what is needed and writes it again: only the one text that identity_encode makes is equal,
 * check included.
 */
static enum rsm_status decode(struct bytes text, struct identity *out)
{
    struct reader r = reader_make(text);
    char cluster[2 * CLUSTER_ID_SIZE + 1];
    uint64_t number = 0;

    if (!skip(&r, first_line) || !read_number(&r, &number))
        return RSM_DAMAGED;
    if (number > IDENTITY_FORMAT)
        return RSM_NEWER_FORMAT;
    if (!skip(&r, "\ncluster = "))
        return RSM_DAMAGED;
    reader_copy(&r, cluster, sizeof(cluster) - 1);
    cluster[sizeof(cluster) - 1] = '\0';
    if (r.failed || !hex_decode(out->cluster, CLUSTER_ID_SIZE, cluster))
        return RSM_DAMAGED;
    if (!skip(&r, "\nreplica = ") || !read_number(&r, &number) || number < 1 ||
        number > REPLICA_MAX)
        return RSM_DAMAGED;
    out->replica = (uint32_t)number;
    if (!skip(&r, "\nincarnation = ") || !read_number(&r, &out->incarnation) ||
        out->incarnation == 0)
        return RSM_DAMAGED;
    if (!skip(&r, "\njoined = ") || !read_number(&r, &out->joined))
        return RSM_DAMAGED;
    CHECK(!r.failed && r.offset <= text.size);
    return RSM_OK;
}

enum rsm_status identity_decode(struct bytes text, struct identity *identity_out)
{
    struct writer again;

    *identity_out = (struct identity){0};
    enum rsm_status status = decode(text, identity_out);
    if (status == RSM_OK) {
        writer_init(&again, IDENTITY_TEXT_SIZE);
        identity_encode(identity_out, &again);
        CHECK(!again.failed); /* the longest numbers fit */
        if (!bytes_equal(writer_result(&again), text))
            status = RSM_DAMAGED;
        writer_deinit(&again);
    }
    CHECK(status != RSM_OK || text.size <= IDENTITY_TEXT_SIZE);
    CHECK(status != RSM_OK || (identity_out->replica >= 1 && identity_out->replica <= REPLICA_MAX));
    CHECK(status != RSM_OK || identity_out->incarnation != 0);
    if (status != RSM_OK)
        *identity_out = (struct identity){0};
    return status;
}
