/* SPDX-License-Identifier: Apache-2.0 */
/* setting.h - zone.set: how a zone is served. As rsm/body.h: same statuses. */
#ifndef RSM_SETTING_H
#define RSM_SETTING_H

#include <stdbool.h>

#include <rsm/status.h>
#include <rsm/wire.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, number, text, most): how a zone is served; in the order of their texts. */
#define RSM_SETTING_LIST(X)                                                                        \
    /* 1: the zone is the catalog of all others (RFC 9432); the state machine writes it. */        \
    X(CATALOG, 1, "catalog", 1)                                                                    \
    /* 0: the catalog does not have this zone. */                                                  \
    X(LISTED, 2, "listed", 1)                                                                      \
    /* Changes within so many milliseconds after one are told to secondaries together. */          \
    X(PUBLISH_MS, 3, "publish_ms", RSM_PUBLISH_POLICY)                                             \
    /* 1: it is served with a digest of all its records (RFC 8976). */                             \
    X(ZONEMD, 4, "zonemd", 1)

#define RSM_PUBLISH_MS_MAX 60000u
/* In the place of a number of milliseconds: what the policy says. */
#define RSM_PUBLISH_POLICY 60001u

enum rsm_setting {
#define RSM_SETTING_ENUM(name, number, text, most) RSM_SETTING_##name = number,
    RSM_SETTING_LIST(RSM_SETTING_ENUM)
#undef RSM_SETTING_ENUM
};

struct rsm_zone_setting {
    enum rsm_setting setting;
    uint64_t value;
};

/* "unknown" for a number outside the list. Static memory. */
const char *rsm_setting_text(enum rsm_setting setting);
/* False: there is none of that name. */
bool rsm_setting_parse(struct rsm_bytes text, enum rsm_setting *setting_out);
/* Each setting once, in any order; others stay as they are. */
enum rsm_status rsm_body_zone_set(struct rsm_bytes zone, const struct rsm_zone_setting *settings,
                                  size_t count, struct rsm_buffer *body_out);

#ifdef __cplusplus
}
#endif
#endif
