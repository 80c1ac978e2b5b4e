/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack.h - MessagePack into a struct writer, through msgpack-c's packer.
 *
 * Integers and headers come out in their shortest form. That map keys are sorted and unique and
 * that str is UTF-8 is the caller's part: what must be canonical is scanned afterwards
 * (command/canonical.h). Errors are the writer's, sticky.
 */
#ifndef RSM_COMMAND_PACK_H
#define RSM_COMMAND_PACK_H

#include "src/base/bytes.h"

void pack_nil(struct writer *w);
void pack_bool(struct writer *w, bool value);
void pack_uint(struct writer *w, uint64_t value);
/* Non-negative values come out unsigned. */
void pack_int(struct writer *w, int64_t value);
void pack_str(struct writer *w, struct bytes text);
void pack_text(struct writer *w, const char *text);
void pack_bin(struct writer *w, struct bytes value);
/* The header; `count` items follow. */
void pack_array(struct writer *w, uint32_t count);
/* The header; `count` keys and values follow, in turn. */
void pack_map(struct writer *w, uint32_t count);
/* An object that is packed already. */
void pack_raw(struct writer *w, struct bytes object);

#endif
