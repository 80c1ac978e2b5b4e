/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * git_version.h - the semantic version of a zone, derived from what changed, never typed.
 *
 *     major   the zone is deleted, or made again; the NS or the SOA (but for its serial) at the
 * apex changed; a record set that policy protected at that time changed minor   a record set came
 * or went patch   data or TTL of a record set changed; or the serial alone
 *
 * A zone begins with 1.0.0.
 */
#ifndef RSM_TOOLS_GIT_VERSION_H
#define RSM_TOOLS_GIT_VERSION_H

#include "src/base/kv.h"

#include <rsm/status.h>

enum version_level {
    VERSION_PATCH = 1,
    VERSION_MINOR,
    VERSION_MAJOR,
};

struct zone_version {
    uint64_t major; /* 0: the zone was not there yet */
    uint64_t minor;
    uint64_t patch;
};

void zone_version_raise(struct zone_version *v, enum version_level level);

/*
 * What the zone's content (wire name) at `slot` is to that at `before`, two slots of one life, in a
 * state `kv` that stands at `slot`. RSM_DAMAGED, RSM_IO.
 */
enum rsm_status zone_version_compare(struct kv *kv, struct bytes zone, uint64_t before,
                                     uint64_t slot, enum version_level *out);

#endif
