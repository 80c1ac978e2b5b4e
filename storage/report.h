/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.h - what a recovery or a scan of the journal found. */
#ifndef RSM_STORAGE_REPORT_H
#define RSM_STORAGE_REPORT_H

#include <stdbool.h>

#include "src/base/ids.h"

#define JOURNAL_FINDINGS_MAX 64u

enum journal_verdict {
    JOURNAL_CLEAN = 1,
    JOURNAL_CUT,
    JOURNAL_UNCERTAIN,
    JOURNAL_DAMAGED,
};

/* What was found where. Those marked (harmless) alone leave the journal clean. */
enum journal_finding_kind {
    JOURNAL_TORN_TAIL = 1,   /* (harmless) never acknowledged, cut */
    JOURNAL_UNCERTAIN_TAIL,  /* torn or absent, its mark says that it was written */
    JOURNAL_MARK_UNREADABLE, /* a mark does not check: the tail is uncertain */
    JOURNAL_LOST_GROUP,      /* acknowledged, and not there */
    JOURNAL_BAD_GROUP,       /* sectors that are neither new nor old, or a group that cannot be */
    JOURNAL_BAD_HEAD,        /* (harmless) the head does not check, all groups do; mended */
    JOURNAL_SEAL_LOST,       /* (harmless) the seal does not check, the next segment follows */
    JOURNAL_SEGMENT_MISSING, /* a segment that must be there is not */
    JOURNAL_SEGMENT_SIZE,    /* shorter or longer than its head says */
    JOURNAL_SEGMENT_FOREIGN, /* of another replica, incarnation, cluster or number */
    JOURNAL_UNREADABLE,      /* the disk gave an error for these bytes */
    JOURNAL_LEFTOVER,        /* (harmless) an unfinished preparation or removal; finished */
};

struct journal_finding {
    enum journal_finding_kind kind;
    uint64_t segment;
    uint64_t offset;     /* bytes from the beginning of the file */
    uint64_t group;      /* the group concerned; 0 unknown */
    uint64_t slot_first; /* slots concerned, half-open; 0, 0 unknown */
    uint64_t slot_end;
};

struct journal_report {
    enum journal_verdict verdict;
    uint32_t finding_count; /* all, also those that did not fit */
    struct journal_finding findings[JOURNAL_FINDINGS_MAX];
    uint64_t segments; /* in use */
    uint64_t groups;   /* that check */
    uint64_t records;  /* that were visited */
    uint64_t last_sequence;
    struct ballot promise; /* the highest seen in any valid record, also behind a damage */
    uint64_t accepted_end; /* one above the highest slot voted for, likewise; 0 none */
    uint64_t chosen_end;   /* likewise */
    uint64_t cut_bytes;
    /* Votes that are gone were for slots below this one: 0 none is gone, LOSS_UNKNOWN (loss.h). */
    uint64_t lost_slot_end;
};

/* A stable name such as "torn-tail". Static memory. */
const char *journal_finding_name(enum journal_finding_kind kind);
bool journal_finding_is_harmless(enum journal_finding_kind kind);
const char *journal_verdict_name(enum journal_verdict verdict);

#endif
