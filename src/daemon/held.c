/* SPDX-License-Identifier: GPL-3.0-or-later */
/* held.c - see held.h. */
#include "src/daemon/held.h"

#include "src/base/mem.h"

void held_deinit(struct held *h)
{
    for (size_t i = 0; i < h->count; i++)
        blob_unref(h->frames[i].frame);
    mem_free(h->frames);
    *h = (struct held){.frames = NULL};
}

void held_add(struct held *h, uint32_t to, uint64_t durable_seq, struct blob *frame)
{
    if (h->count == h->capacity) {
        h->capacity = h->capacity * 2 + 16;
        h->frames = mem_realloc(h->frames, h->capacity * sizeof *h->frames);
    }
    h->frames[h->count++] = (struct held_frame){durable_seq, to, blob_ref(frame)};
}

bool held_release(struct held *h, uint64_t seq,
                  void (*send)(void *context, uint32_t to, struct blob *frame), void *context)
{
    size_t kept = 0;
    size_t count = h->count;
    for (size_t i = 0; i < count; i++) {
        struct held_frame *f = &h->frames[i];
        if (f->durable_seq > seq) {
            h->frames[kept++] = *f;
            continue;
        }
        send(context, f->to, f->frame);
        blob_unref(f->frame);
    }
    h->count = kept;
    return kept < count;
}
