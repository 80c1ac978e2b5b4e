/* SPDX-License-Identifier: GPL-3.0-or-later */
/* counted.h - a layer that counts what goes through it to the kv below. */
#ifndef RSM_TESTS_LIB_COUNTED_H
#define RSM_TESTS_LIB_COUNTED_H

#include "src/base/kv.h"

struct counted {
    struct kv kv;
    struct kv *below;
    uint64_t gets, walks, writes;
};

/* kv_free frees the layer and the kv below it. */
struct counted *counted_new(struct kv *below);
/* The layer alone. */
void counted_free_layer(struct counted *c);

#endif
