/* SPDX-License-Identifier: GPL-3.0-or-later */
/* policy_list.h - items of the policy's lists, out of YAML (see policy_file.h). */
#ifndef RSM_CTL_POLICY_LIST_H
#define RSM_CTL_POLICY_LIST_H

#include "tools/resilience-ctl/policy_yaml.h"

/* Each appends one item as policy.set wants it. */
void policy_pack_class(struct yaml_reading *r, struct writer *out, yaml_node_t *item);
void policy_pack_group(struct yaml_reading *r, struct writer *out, yaml_node_t *item);
void policy_pack_limit(struct yaml_reading *r, struct writer *out, yaml_node_t *item);
void policy_pack_protected(struct yaml_reading *r, struct writer *out, yaml_node_t *item);
void policy_pack_time(struct yaml_reading *r, struct writer *out, yaml_node_t *item);

#endif
