/* SPDX-License-Identifier: Apache-2.0 */
/* body_setting.h - the decoder of zone.set's body (see body.h). */
#ifndef RSM_COMMAND_BODY_SETTING_H
#define RSM_COMMAND_BODY_SETTING_H

#include <rsm/setting.h>

#include "src/command/body.h"

struct body_zone_set {
    struct bytes zone;
    struct body_walk settings;
};

struct body_setting {
    enum rsm_setting setting;
    uint64_t value;
};

enum rsm_status body_zone_set_decode(struct bytes body, struct body_zone_set *out);
bool body_next_setting(struct body_walk *walk, struct body_setting *out);

#endif
