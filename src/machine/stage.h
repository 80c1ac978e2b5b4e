/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * stage.h - what became of each stage of a command's judgement; it is kept with the verdict.
 *
 *     stages   size u16 of what follows, then stages 1 to 6 (RSM_STAGE_LIST), each:
 *     stage    stage and outcome u8 (stage * 16 + outcome: 1 passed, 2 failed, 3 skipped) |
 *              why u8 (skipped; else 0) | count u8, then each figure: key u8, size u8 (0 to 8),
 *              the number in that many bytes, shortest form
 *
 * and, only when a service is affected:
 *
 *     affected 0 u8 | count u16 (above 0) | each: size u8 (1 to LIMIT_LABEL_SIZE), name
 *
 * The figure SERVICES says how many there are in all; the names are the first that were found: as
 * many as STAGE_SERVICES_SIZE holds, and STAGE_SERVICES_BRIEF where a slot has many verdicts. The
 * figure REACH_CUT says that there may be more than SERVICES and DEPENDANTS (impact_reach.h).
 *
 * A stage has failed when one of its rules has; the rules are in the verdict with their evidence.
 * The figures are evidence for people and for later stages: they decide nothing when read back.
 * Stage 7, what was read back from the store, comes after the verdict and is each replica's own:
 * it stands in the replica's status.
 */
#ifndef RSM_MACHINE_STAGE_H
#define RSM_MACHINE_STAGE_H

#include <rsm/rule.h>
#include <rsm/status.h>

#include "src/base/bytes.h"
#include "src/base/limits.h"

#define STAGE_COUNT_RECORDED 6u
#define STAGE_FIGURES_MAX 17u /* of one stage */
#define STAGE_SERVICES_BRIEF 4u
/* Some thousands of names: all of what is likely, and far below what a verdict may be. */
#define STAGE_SERVICES_SIZE 49152u
#define STAGES_SIZE_MAX                                                                            \
    (STAGE_COUNT_RECORDED * (3u + STAGE_FIGURES_MAX * 10u) + 3u + STAGE_SERVICES_SIZE)

enum stage_outcome {
    STAGE_PASSED = 1,
    STAGE_FAILED,
    STAGE_SKIPPED,
};

/* X(name, number, words): why a stage was skipped. Numbers are in the log for ever. */
#define STAGE_WHY_LIST(X)                                                                          \
    X(NOT_REACHED, 1, "an earlier stage refused the command")                                      \
    X(NO_RECORDS, 2, "the command changes no records")                                             \
    X(STANDARD, 3, "the class is standard: chosen is enough")                                      \
    X(WAITS, 4, "the change waits for votes or approvals")

enum stage_why {
#define STAGE_WHY_ENUM(name, number, words) STAGE_WHY_##name = number,
    STAGE_WHY_LIST(STAGE_WHY_ENUM)
#undef STAGE_WHY_ENUM
};

/* X(name, number, id): what a figure counts. Numbers are in the log for ever. */
#define STAGE_FIGURE_LIST(X)                                                                       \
    X(RECORD_SETS, 1, "record_sets")                                                               \
    X(DELETED, 2, "deleted")                                                                       \
    X(WRITES, 3, "writes")                                                                         \
    X(NAMES, 4, "names")                                                                           \
    X(DEPENDANTS, 5, "dependants")                                                                 \
    X(SHARE_PERMILLE, 6, "share_permille")                                                         \
    X(RECOVERY_S, 7, "recovery_s")                                                                 \
    X(RISK, 8, "risk")                                                                             \
    X(RISK_TYPES, 9, "risk_types")                                                                 \
    X(RISK_DELETIONS, 10, "risk_deletions")                                                        \
    X(RISK_SHARE, 11, "risk_share")                                                                \
    X(RISK_DEPENDANTS, 12, "risk_dependants")                                                      \
    X(RISK_SIZE, 13, "risk_size")                                                                  \
    X(RISK_RECOVERY, 14, "risk_recovery")                                                          \
    X(SERVICES, 15, "services")                                                                    \
    X(RISK_SERVICES, 16, "risk_services")                                                          \
    X(REACH_CUT, 17, "reach_cut")

enum stage_figure {
#define STAGE_FIGURE_ENUM(name, number, id) STAGE_FIGURE_##name = number,
    STAGE_FIGURE_LIST(STAGE_FIGURE_ENUM)
#undef STAGE_FIGURE_ENUM
};

/* Static memory; for numbers outside the lists "unknown". */
const char *stage_outcome_text(uint32_t outcome);
const char *stage_why_text(uint32_t why);
const char *stage_figure_id(uint32_t figure);

/* ---- in the making; src/machine only ---- */

struct stage_entry {
    bool has_run;
    enum stage_why why; /* of one that has not run */
    uint32_t figure_count;
    struct {
        enum stage_figure key;
        uint64_t value;
    } figures[STAGE_FIGURES_MAX];
};

struct stages_made {
    struct stage_entry entries[STAGE_COUNT_RECORDED + 1]; /* by stage; 0 is not used */
    bool is_brief;                                        /* few services are named */
    uint32_t service_count;
    size_t services_size; /* of those; as they are written */
    uint8_t services[STAGE_SERVICES_SIZE];
};

/* Nothing has run: each stage is skipped, for it was not reached. */
void stages_begin(struct stages_made *s);
/* The stage was looked at: it has passed unless a rule of it fails. */
void stage_ran(struct stages_made *s, enum rsm_stage stage);
void stage_skip(struct stages_made *s, enum rsm_stage stage, enum stage_why why);
/* Sets a figure; given again it takes the place of the former. Above STAGE_FIGURES_MAX: a bug. */
void stage_note(struct stages_made *s, enum rsm_stage stage, enum stage_figure key, uint64_t value);
/* An affected service; those for which there is no room are not kept. */
void stage_name_service(struct stages_made *s, struct bytes service);
/* Appends the record, without its size. `failed`: bit n, a rule of stage n has failed. */
void stages_encode(struct writer *out, const struct stages_made *s, uint32_t failed);

/* ---- reading ---- */

/* One stage, borrowed from the record's bytes. */
struct stage_row {
    enum rsm_stage stage;
    enum stage_outcome outcome;
    uint32_t why; /* enum stage_why, or a number of a newer one; 0: it was not skipped */
    uint32_t figure_count;
    struct bytes figures; /* walk: stage_figure_next */
};

/* `record`: without its size; advanced. False at the end, and at bytes that are no record. */
bool stage_next(struct bytes *record, struct stage_row *out);
/* `figures` is a copy of the row's. */
bool stage_figure_next(struct bytes *figures, uint32_t *key_out, uint64_t *value_out);
/* The names of affected services in a record; walk: stage_service_next. */
struct bytes stages_services(struct bytes record);
/* `services`: advanced. False at the end, and at bytes that are no list of them. */
bool stage_service_next(struct bytes *services, struct bytes *service_out);
/* Stages 1 to 6 and perhaps services, well-formed, to the last byte. */
bool stages_check(struct bytes record);
/* A figure of one stage in a record; false: it is not there. */
bool stages_figure(struct bytes record, enum rsm_stage stage, enum stage_figure key,
                   uint64_t *value_out);

#endif
