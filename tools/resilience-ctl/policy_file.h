/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy_file.h - a policy as a YAML file, with the cases that it must decide (docs/policy.md).
 *
 * The file is the whole policy: what it does not name has its default. Reading it says nothing of
 * whether the state machine takes it (policy_world.h does).
 */
#ifndef RSM_CTL_POLICY_FILE_H
#define RSM_CTL_POLICY_FILE_H

#include <rsm/body.h>
#include <rsm/change.h>
#include <rsm/status.h>

#include "src/base/bytes.h"
#include "src/rr/name.h"

#define POLICY_FILE_SIZE_MAX (4u << 20)
#define POLICY_CASES_MAX 1024u
#define POLICY_CASE_DELETES_MAX 64u
#define POLICY_CASE_EXPECT_MAX 16u
#define POLICY_LABELS_MAX 16u
#define POLICY_FILE_ERROR_SIZE 512u

struct policy_case {
    char *name;
    uint64_t line;
    uint8_t zone_buffer[NAME_SIZE_MAX];
    struct bytes zone;
    char *state; /* a master file; what the zone is before */
    char *label_names[POLICY_LABELS_MAX], *label_values[POLICY_LABELS_MAX];
    uint32_t label_count;
    bool is_automaton;      /* who changes it */
    enum rsm_class granted; /* the highest class that its grants allow; 0: all */
    uint64_t now_ms;        /* log time of the change; 0: whatever */
    char *set;              /* a master file of record sets as they shall be; NULL: none */
    uint8_t delete_buffers[POLICY_CASE_DELETES_MAX][NAME_SIZE_MAX];
    struct rsm_rrset_id deletes[POLICY_CASE_DELETES_MAX];
    uint32_t delete_count;
    bool deletes_zone;
    uint32_t expect[POLICY_CASE_EXPECT_MAX]; /* rules that refuse it; none: it is applied */
    uint32_t expect_count;
    enum rsm_class expect_class; /* it waits with this class; 0: it does not wait */
};

struct policy_file {
    struct writer map; /* the body of policy.set */
    struct policy_case *cases;
    size_t case_count;
};

/* RSM_USAGE and words with the line in `error`. Call policy_file_free in every case. */
enum rsm_status policy_file_read(const char *path, struct bytes text, struct policy_file *out,
                                 char error[POLICY_FILE_ERROR_SIZE]);
/* Reads a file that the state machine takes; prints what is wrong (policy_cmd.c). */
bool policy_file_load(const char *path, struct policy_file *out);
void policy_file_free(struct policy_file *file);

/* The policy as such a file; `map` is what policy.get answers. Appends. */
enum rsm_status policy_file_write(struct writer *out, struct bytes map);

#endif
