/* SPDX-License-Identifier: GPL-3.0-or-later */
/* policy_yaml.h - reading a YAML document by what is expected; the first mistake is kept. */
#ifndef RSM_CTL_POLICY_YAML_H
#define RSM_CTL_POLICY_YAML_H

#include <stdbool.h>

#include <yaml.h>

#include "tools/resilience-ctl/policy_file.h"

struct yaml_reading {
    yaml_document_t *document;
    const char *path;
    char *error; /* POLICY_FILE_ERROR_SIZE; empty: nothing is wrong so far */
};

/*
 * Parses `text` (at most `size_max` bytes) and hands the document to `take`. RSM_USAGE and words
 * with path and line in `error` (POLICY_FILE_ERROR_SIZE) for what is no YAML, or what `take` found.
 */
enum rsm_status yaml_read(const char *path, struct bytes text, size_t size_max, char *error,
                          void (*take)(struct yaml_reading *r, void *context), void *context);

/* A scalar's text; owned by the caller. NULL and a mistake for anything else. */
char *yaml_copy(struct yaml_reading *r, const yaml_node_t *node);

/* Keeps the first mistake, with the node's line. */
void yaml_fail(struct yaml_reading *r, const yaml_node_t *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool yaml_is_good(const struct yaml_reading *r);

/* The value under `key`; NULL: it is not there. The node is a mapping. */
yaml_node_t *yaml_get(struct yaml_reading *r, yaml_node_t *map, const char *key);
/* A mapping whose keys are all in `keys` (which ends with NULL), each once. */
bool yaml_check_map(struct yaml_reading *r, yaml_node_t *node, const char *const *keys);
/* Items of a sequence, at most `most`; a single scalar is one item. NULL node: none. */
size_t yaml_count(struct yaml_reading *r, yaml_node_t *node, size_t most);
yaml_node_t *yaml_item(struct yaml_reading *r, yaml_node_t *node, size_t index);
/* A scalar's text, borrowed from the document; "" and a mistake for anything else. */
const char *yaml_text(struct yaml_reading *r, const yaml_node_t *node);

uint64_t yaml_number(struct yaml_reading *r, const yaml_node_t *node, uint64_t most);
/* "30s", "2h"; in ms. */
uint64_t yaml_duration(struct yaml_reading *r, const yaml_node_t *node);
/* "30%" or "2.5%", in parts of a thousand. */
uint64_t yaml_share(struct yaml_reading *r, const yaml_node_t *node);
/* "08:30", in minutes. */
uint64_t yaml_minute(struct yaml_reading *r, const yaml_node_t *node);
/* "+01:00", "-03:30" or "Z" in minutes, plus 1440. */
uint64_t yaml_offset(struct yaml_reading *r, const yaml_node_t *node);
/* A place in `words`, which ends with NULL. */
size_t yaml_choice(struct yaml_reading *r, const yaml_node_t *node, const char *const *words);
/* A name below `origin` or absolute. */
struct bytes yaml_name(struct yaml_reading *r, const yaml_node_t *node, struct bytes origin,
                       uint8_t buffer[NAME_SIZE_MAX]);
uint16_t yaml_type(struct yaml_reading *r, const yaml_node_t *node);

#endif
