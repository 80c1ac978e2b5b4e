/* SPDX-License-Identifier: GPL-3.0-or-later */
/* submissions.c - a hash table by digest and a list by arrival. */
#include "src/daemon/submissions.h"

#include <string.h>

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/base/mem.h"

#define BUCKETS 16384u /* a power of two; LIMIT_PENDING_COUNT / 4: short chains */

_Static_assert((BUCKETS & (BUCKETS - 1)) == 0, "bucket numbers are masked");

struct submissions {
    struct submission *buckets[BUCKETS];
    struct submission *oldest;
    struct submission *newest;
    uint64_t next_id;
    uint64_t count;
    uint64_t bytes;
};

static struct submission **bucket_of(struct submissions *s, const uint8_t digest[HASH_SIZE])
{
    /* A digest is uniform already. */
    return &s->buckets[get_u32(digest) & (BUCKETS - 1)];
}

struct submissions *submissions_new(void)
{
    struct submissions *s = mem_alloc(sizeof *s);
    s->next_id = 1;
    return s;
}

void submissions_free(struct submissions *s)
{
    if (s == NULL)
        return;
    while (s->oldest != NULL)
        submissions_remove(s, s->oldest);
    mem_free(s);
}

struct submission *submissions_find(struct submissions *s, const uint8_t digest[HASH_SIZE])
{
    struct submission *at = *bucket_of(s, digest);
    while (at != NULL && memcmp(at->digest, digest, HASH_SIZE) != 0)
        at = at->bucket_next;
    return at;
}

struct submission *submissions_find_id(struct submissions *s, uint64_t id)
{
    /* Ids grow with arrival, and what is asked for was proposed lately: search from the new end. */
    struct submission *at = s->newest;
    while (at != NULL && at->id > id)
        at = at->older;
    return at != NULL && at->id == id ? at : NULL;
}

bool submissions_is_full(const struct submissions *s, size_t size)
{
    return s->count >= LIMIT_PENDING_COUNT || s->bytes + size > LIMIT_PENDING_BYTES;
}

enum rsm_status submissions_add(struct submissions *s, const uint8_t digest[HASH_SIZE],
                                struct blob *envelope, uint64_t now_ms,
                                struct submission **submission_out)
{
    CHECK(submissions_find(s, digest) == NULL);
    if (submissions_is_full(s, envelope->size))
        return RSM_BUSY;
    struct submission *added = mem_alloc(sizeof *added);
    memcpy(added->digest, digest, HASH_SIZE);
    added->envelope = blob_ref(envelope);
    added->id = s->next_id++;
    added->since_ms = now_ms;
    added->state = SUBMISSION_QUEUED;
    struct submission **bucket = bucket_of(s, digest);
    added->bucket_next = *bucket;
    *bucket = added;
    added->older = s->newest;
    if (s->newest != NULL)
        s->newest->newer = added;
    else
        s->oldest = added;
    s->newest = added;
    s->count++;
    s->bytes += envelope->size;
    *submission_out = added;
    return RSM_OK;
}

void submission_add_token(struct submission *submission, uint64_t token)
{
    if (submission->token_count == submission->token_capacity) {
        submission->token_capacity = submission->token_capacity * 2 + 1;
        submission->tokens =
            mem_realloc(submission->tokens, submission->token_capacity * sizeof(uint64_t));
    }
    submission->tokens[submission->token_count++] = token;
}

void submissions_remove(struct submissions *s, struct submission *submission)
{
    struct submission **link = bucket_of(s, submission->digest);
    while (*link != submission) {
        CHECK(*link != NULL);
        link = &(*link)->bucket_next;
    }
    *link = submission->bucket_next;
    if (submission->older != NULL)
        submission->older->newer = submission->newer;
    else
        s->oldest = submission->newer;
    if (submission->newer != NULL)
        submission->newer->older = submission->older;
    else
        s->newest = submission->older;
    s->count--;
    s->bytes -= submission->envelope->size;
    blob_unref(submission->envelope);
    mem_free(submission->tokens);
    mem_free(submission);
}

struct submission *submissions_oldest(struct submissions *s)
{
    return s->oldest;
}

uint64_t submissions_count(const struct submissions *s)
{
    return s->count;
}

bool submissions_has_tokens(const struct submissions *s)
{
    for (const struct submission *at = s->oldest; at != NULL; at = at->newer)
        if (at->token_count > 0)
            return true;
    return false;
}
