/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * octodns.h - zones as octoDNS's YamlProvider has them: names to record sets.
 *
 *     ---
 *     '':
 *       - type: 'MX'
 *         values:
 *           - exchange: 'mx.example.org.'
 *             preference: 10
 *     www:
 *       ttl: 300
 *       type: A
 *       value: 192.0.2.1
 *
 * There is no SOA in it. What the format has no word for is an error in both directions: nothing
 * is left out in silence. TXT data is one text, cut into strings of 255 bytes on its way in.
 */
#ifndef RSM_CTL_OCTODNS_H
#define RSM_CTL_OCTODNS_H

#include "tools/resilience-ctl/changes.h"

#define OCTODNS_TTL 3600u /* where none is said, as in octoDNS */
#define OCTODNS_SIZE_MAX (64u << 20)
#define OCTODNS_ERROR_SIZE 256u
#define OCTODNS_FIELDS_MAX 6u

/* A part of a record's data, as the data's text has them one after the other. */
struct octodns_field {
    const char *name; /* NULL: the value is the text itself */
    enum { OCTODNS_NUMBER = 1, OCTODNS_WORD, OCTODNS_TEXT, OCTODNS_REST } kind;
};

struct octodns_type {
    uint16_t type;
    bool is_single; /* has `value`, never `values` */
    bool is_text;   /* TXT: strings are joined, ; is escaped */
    struct octodns_field fields[OCTODNS_FIELDS_MAX];
};

/* NULL: octoDNS has no such type. */
const struct octodns_type *octodns_find(uint16_t type);

/* The YAML as a master file. RSM_MALFORMED: `error` (OCTODNS_ERROR_SIZE) has line and words. */
enum rsm_status octodns_to_master(struct rsm_bytes yaml, struct bytes zone, struct writer *out,
                                  char *error);
/* Reads a file; prints what is wrong. */
enum rsm_status octodns_load(const char *path, struct bytes zone, struct zonefile *out);
/* Appends the whole document; prints what is wrong. */
enum rsm_status octodns_write(const struct zone_content *content, struct bytes zone,
                              struct writer *out);

#endif
