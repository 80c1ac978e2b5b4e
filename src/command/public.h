/* SPDX-License-Identifier: Apache-2.0 */
/*
 * public.h - between the types of include/rsm and ours. For src/command, src/client, src/dns
 * and src/daemon.
 */
#ifndef RSM_COMMAND_PUBLIC_H
#define RSM_COMMAND_PUBLIC_H

#include <rsm/wire.h>

#include "src/base/bytes.h"

static inline struct bytes bytes_of_public(struct rsm_bytes value)
{
    return (struct bytes){value.data, value.size};
}

static inline struct rsm_bytes bytes_to_public(struct bytes value)
{
    return (struct rsm_bytes){value.data, value.size};
}

/* The writer's memory becomes the caller's; the writer is empty afterwards. */
static inline struct rsm_buffer buffer_of_writer(struct writer *w)
{
    struct rsm_buffer buffer = {w->data, w->size};
    w->data = NULL;
    writer_deinit(w);
    return buffer;
}

#endif
