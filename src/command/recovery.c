/* SPDX-License-Identifier: Apache-2.0 */
/* recovery.c - see recovery.h. */
#include "src/command/recovery.h"

#include <sodium.h>

#include "src/base/limits.h"
#include "src/command/canonical.h"
#include "src/command/keyfile.h"
#include "src/command/pack.h"
#include "src/command/public.h"

#define PEOPLE_MIN 2u

void recovery_encode(struct writer *out, const struct recovery *r,
                     const struct body_incarnation *others, uint32_t count)
{
    pack_array(out, 9);
    pack_bin(out, bytes_make(r->cluster, CLUSTER_ID_SIZE));
    pack_uint(out, r->replica);
    pack_uint(out, r->former);
    pack_uint(out, r->incarnation);
    pack_uint(out, r->epoch);
    pack_uint(out, r->slot);
    pack_bin(out, bytes_make(r->entry_head, HASH_SIZE));
    pack_uint(out, r->votes_end);
    pack_array(out, count);
    for (uint32_t i = 0; i < count; i++) {
        pack_array(out, 2);
        pack_uint(out, others[i].id);
        pack_uint(out, others[i].incarnation);
    }
}

/* A list whose items are read later, each by itself. */
static struct body_walk take_list(struct unpack *u, uint32_t count_max)
{
    struct unpack items = unpack_make(unpack_raw(u));
    struct body_walk walk = {.cursor = items};
    walk.left = unpack_array(&walk.cursor);
    if (unpack_ok(u) && !unpack_ok(&walk.cursor))
        unpack_fail(u, walk.cursor.status);
    if (unpack_ok(u) && walk.left > count_max)
        unpack_fail(u, RSM_TOO_MANY);
    return walk;
}

static uint64_t take_number(struct unpack *u, uint64_t least, uint64_t most)
{
    uint64_t value = unpack_uint_max(u, most);
    if (unpack_ok(u) && value < least)
        unpack_fail(u, RSM_MALFORMED);
    return value;
}

static enum rsm_status finish(const struct unpack *u)
{
    if (!unpack_ok(u))
        return u->status;
    return unpack_done(u) ? RSM_OK : RSM_WRONG_TYPE;
}

static enum rsm_status check_others(const struct recovery *r)
{
    struct body_walk walk = r->others;
    struct body_incarnation item;
    uint32_t before = 0;
    while (body_next_incarnation(&walk, &item)) {
        if (item.id <= before || item.id == r->replica)
            return RSM_MALFORMED;
        before = item.id;
    }
    return walk.cursor.status;
}

enum rsm_status recovery_decode(struct bytes statement, struct recovery *out)
{
    struct unpack u = unpack_make(statement);
    *out = (struct recovery){.raw = statement};
    unpack_array_exactly(&u, 9);
    out->cluster = unpack_bin_exactly(&u, CLUSTER_ID_SIZE);
    out->replica = (uint32_t)take_number(&u, 1, REPLICA_MAX);
    out->former = take_number(&u, 1, SLOT_MAX);
    out->incarnation = take_number(&u, 1, SLOT_MAX);
    out->epoch = take_number(&u, 2, SLOT_MAX);
    out->slot = take_number(&u, 1, SLOT_MAX);
    out->entry_head = unpack_bin_exactly(&u, HASH_SIZE);
    out->votes_end = take_number(&u, 1, SLOT_MAX);
    out->others = take_list(&u, LIMIT_REPLICAS);
    enum rsm_status status = finish(&u);
    if (status == RSM_OK && (out->incarnation == out->former || out->votes_end <= out->slot))
        status = RSM_MALFORMED;
    return status == RSM_OK ? check_others(out) : status;
}

uint64_t recovery_incarnation(const struct recovery *r)
{
    struct writer w;
    uint8_t hash[crypto_hash_sha256_BYTES];
    struct recovery without = *r;
    without.incarnation = 0;
    writer_init(&w, RECOVERY_SIZE_MAX);
    recovery_encode(&w, &without, NULL, 0);
    (void)crypto_hash_sha256(hash, w.data, w.size);
    writer_deinit(&w);
    uint64_t incarnation = get_u64(hash) & SLOT_MAX;
    return incarnation == 0 || incarnation == r->former ? incarnation + 1 : incarnation;
}

enum rsm_status recovery_sign(const struct rsm_key *key, const struct recovery *r,
                              uint8_t signature_out[SIGNATURE_SIZE])
{
    return key_sign(key, RECOVERY_TAG, bytes_make(r->cluster, CLUSTER_ID_SIZE), r->raw,
                    signature_out);
}

enum rsm_status recovery_verify(const uint8_t key[SIGNATURE_KEY_SIZE], const struct recovery *r,
                                const uint8_t signature[SIGNATURE_SIZE])
{
    return signature_verify(key, RECOVERY_TAG, bytes_make(r->cluster, CLUSTER_ID_SIZE), r->raw,
                            signature);
}

bool recovery_next_approval(struct body_walk *walk, struct recovery_approval *out)
{
    if (walk->left == 0 || !unpack_ok(&walk->cursor))
        return false;
    walk->left--;
    struct unpack u = unpack_make(unpack_raw(&walk->cursor));
    unpack_array_exactly(&u, 2);
    out->principal = unpack_str(&u, LIMIT_PRINCIPAL_SIZE);
    if (unpack_ok(&u) && !body_is_word(out->principal))
        unpack_fail(&u, RSM_MALFORMED);
    out->signature = unpack_bin_exactly(&u, SIGNATURE_SIZE);
    enum rsm_status status = finish(&u);
    if (status != RSM_OK)
        unpack_fail(&walk->cursor, status);
    return unpack_ok(&walk->cursor);
}

enum rsm_status body_recover_decode(struct bytes body, struct body_recover *out)
{
    struct unpack u = unpack_make(body);
    struct recovery_approval approval;
    struct bytes before = {NULL, 0};
    *out = (struct body_recover){.statement = {.replica = 0}};
    unpack_array_exactly(&u, 2);
    struct bytes statement = unpack_raw(&u);
    out->approvals = take_list(&u, RECOVERY_APPROVALS_MAX);
    enum rsm_status status = finish(&u);
    if (status == RSM_OK)
        status = recovery_decode(statement, &out->statement);
    if (status != RSM_OK)
        return status;
    if (out->approvals.left < PEOPLE_MIN)
        return RSM_MALFORMED;
    struct body_walk walk = out->approvals;
    while (recovery_next_approval(&walk, &approval)) {
        if (bytes_compare(before, approval.principal) >= 0)
            return RSM_MALFORMED;
        before = approval.principal;
    }
    return walk.cursor.status;
}

enum rsm_status body_recover_encode(struct bytes statement,
                                    const struct recovery_approval *approvals, uint32_t count,
                                    struct rsm_buffer *body_out)
{
    struct writer w;
    struct body_recover made;
    struct bytes before = {NULL, 0};
    *body_out = (struct rsm_buffer){NULL, 0};
    writer_init(&w, RECOVERY_SIZE_MAX);
    pack_array(&w, 2);
    pack_raw(&w, statement);
    pack_array(&w, count);
    for (uint32_t done = 0; done < count; done++) {
        const struct recovery_approval *next = NULL;
        for (uint32_t i = 0; i < count; i++) /* the next one in order */
            if (bytes_compare(approvals[i].principal, before) > 0 &&
                (next == NULL || bytes_compare(approvals[i].principal, next->principal) < 0))
                next = &approvals[i];
        if (next == NULL)
            break; /* one stands there twice: the form is wrong then */
        pack_array(&w, 2);
        pack_str(&w, next->principal);
        pack_bin(&w, bytes_make(next->signature, SIGNATURE_SIZE));
        before = next->principal;
    }
    enum rsm_status status = w.failed ? RSM_TOO_LARGE : RSM_OK;
    if (status == RSM_OK)
        status = scan_whole(SCAN_CANONICAL, writer_result(&w), RECOVERY_SIZE_MAX);
    if (status == RSM_OK)
        status = body_recover_decode(writer_result(&w), &made);
    if (status == RSM_OK)
        *body_out = buffer_of_writer(&w);
    else
        writer_deinit(&w);
    return status;
}
