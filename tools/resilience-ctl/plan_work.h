/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plan_work.h - a YAML file says what a zone, or some names in it, shall be; for `plan` and for
 * `override`.
 *
 *     zone: example.org
 *     reason: new web server         # optional
 *     names: [www, api]              # optional: only these; else the whole zone
 *     bypass: [frozen]               # override alone: rules that shall not refuse it
 *     records: |                     # as in a master file
 *       www 300 IN A 192.0.2.1
 *
 * For `override` several zones may stand in one file, each a change of its own:
 *
 *     reason: new web servers
 *     bypass: [frozen]               # of all
 *     changes:
 *       - zone: example.org
 *         names: [www]
 *         records: ...
 *       - zone: example.net
 *         records: ...
 *
 * What the records do not have is deleted, within `names`; the SOA's serial is the cluster's.
 */
#ifndef RSM_CTL_PLAN_WORK_H
#define RSM_CTL_PLAN_WORK_H

#include <rsm/rule.h>

#include "src/base/ids.h"
#include "src/base/limits.h"
#include "tools/resilience-ctl/changes.h"

#define PLAN_DIGEST_SIZE (2 * HASH_SIZE + 1)
#define PLAN_CHANGES_MAX 16u /* of one file; each needs approvals of its own */

struct plan_file {
    char *zone, *reason, *records; /* owned */
    char **names;                  /* owned */
    size_t name_count;
    bool has_names;
    char *bypass[LIMIT_OVERRIDES]; /* owned */
    size_t bypass_count;
    size_t change_count; /* how many the file has */
};

struct plan_work {
    struct plan_file file;
    uint8_t zone_buffer[NAME_SIZE_MAX];
    struct bytes zone;
    uint8_t (*name_buffers)[NAME_SIZE_MAX]; /* owned */
    struct bytes *names;                    /* owned */
    struct zonefile wanted;
    struct zone_content now;
    struct change_list list; /* what brings the one to the other */
};

/* Reads file and zone; prints what is wrong. Call plan_work_free in every case. */
enum rsm_status plan_work_begin(struct ctl *ctl, const char *path, bool is_override, size_t which,
                                struct plan_work *w);
/* The author has seen all that the change set is made from. */
enum rsm_status plan_work_see(struct ctl *ctl, const struct plan_work *w);
/* The change set as a body, and its digest; prints what is wrong. */
enum rsm_status plan_work_encode(const struct plan_work *w, struct rsm_buffer *body_out,
                                 char digest_out[PLAN_DIGEST_SIZE]);
void plan_work_free(struct plan_work *w);

#endif
