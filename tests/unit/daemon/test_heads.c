/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_heads.c - comparing heads: equal, different, not compared; who must stop. */
#include <criterion/criterion.h>
#include <string.h>

#include "src/base/blob.h"
#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/daemon/heads.h"
#include "src/daemon/submissions.h"

/* Our own heads: the slot's number in every byte. */
static bool lookup(void *context, uint64_t slot, struct heads *out)
{
    (void)context;
    out->slot = slot;
    memset(out->entry, (int)slot, HASH_SIZE);
    memset(out->verdict, (int)slot + 100, HASH_SIZE);
    return true;
}

static struct heads said(uint64_t slot, bool right)
{
    struct heads h;
    lookup(NULL, slot, &h);
    if (!right)
        h.verdict[31] ^= 1;
    return h;
}

static void count(const struct heads_table *t, uint32_t *equal, uint32_t *different)
{
    heads_count(t, 0xe, 1, equal, different); /* replicas 1, 2, 3; we are 1 */
}

Test(heads, a_peer_ahead_is_compared_when_we_get_there)
{
    struct heads_table t = {0};
    struct heads h = said(9, true);
    uint32_t equal, different;
    heads_note(&t, 2, &h, 5, 1, lookup, NULL);
    count(&t, &equal, &different);
    cr_assert(equal == 0 && different == 0, "not compared is neither");
    heads_advance(&t, 8, lookup, NULL);
    cr_assert(t.peers[2].waiting);
    heads_advance(&t, 9, lookup, NULL);
    count(&t, &equal, &different);
    cr_assert(equal == 1 && different == 0);
    cr_assert_eq(t.peers[2].compared, 9);
}

Test(heads, a_difference_is_kept_until_a_later_comparison_is_equal)
{
    struct heads_table t = {0};
    struct heads wrong = said(3, false), right = said(4, true);
    uint32_t equal, different;
    heads_note(&t, 3, &wrong, 5, 1, lookup, NULL);
    count(&t, &equal, &different);
    cr_assert(equal == 0 && different == 1);
    cr_assert_eq(t.peers[3].mismatch, 3);
    heads_note(&t, 3, &right, 5, 2, lookup, NULL);
    count(&t, &equal, &different);
    cr_assert(equal == 1 && different == 0);
}

Test(heads, whoever_is_no_majority_with_those_who_agree_stops)
{
    static const struct {
        uint32_t equal, different, voters;
        bool stop;
    } rows[] = {{0, 0, 3, false}, {2, 0, 3, false}, {1, 1, 3, false}, {0, 1, 3, true},
                {0, 2, 3, true},  {2, 2, 5, false}, {1, 2, 5, true},  {1, 3, 5, true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_assert_eq(heads_must_stop(rows[i].equal, rows[i].different, rows[i].voters),
                     rows[i].stop, "row %zu", i);
}

Test(submissions, one_for_a_digest_by_arrival_and_bounded)
{
    struct submissions *s = submissions_new();
    struct blob *envelope = blob_begin(1 << 20);
    struct submission *first = NULL, *added = NULL;
    uint8_t digest[HASH_SIZE] = {0};
    uint64_t taken = 0;
    for (;; taken++) {
        put_u64(digest, taken);
        if (submissions_add(s, digest, envelope, taken, &added) != RSM_OK)
            break;
        first = first != NULL ? first : added;
        submission_add_token(added, taken + 1);
    }
    cr_assert_eq(taken, LIMIT_PENDING_BYTES >> 20, "the bound of bytes");
    cr_assert_eq(submissions_oldest(s), first);
    cr_assert_eq(submissions_find_id(s, first->id), first);
    put_u64(digest, 5);
    cr_assert_eq(submissions_find(s, digest)->tokens[0], 6);
    cr_assert(submissions_has_tokens(s));
    submissions_remove(s, first);
    cr_assert_eq(submissions_count(s), taken - 1);
    cr_assert_eq(submissions_oldest(s)->since_ms, 1);
    submissions_free(s);
    blob_unref(envelope);
    cr_assert_eq(mem_live_count(), 0);
}
