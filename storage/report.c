/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.c - names of findings and verdicts. */
#include "storage/report.h"

const char *journal_finding_name(enum journal_finding_kind kind)
{
    switch (kind) {
    case JOURNAL_TORN_TAIL:
        return "torn-tail";
    case JOURNAL_UNCERTAIN_TAIL:
        return "uncertain-tail";
    case JOURNAL_MARK_UNREADABLE:
        return "mark-unreadable";
    case JOURNAL_LOST_GROUP:
        return "lost-group";
    case JOURNAL_BAD_GROUP:
        return "bad-group";
    case JOURNAL_BAD_HEAD:
        return "bad-head";
    case JOURNAL_SEAL_LOST:
        return "seal-lost";
    case JOURNAL_SEGMENT_MISSING:
        return "segment-missing";
    case JOURNAL_SEGMENT_SIZE:
        return "segment-size";
    case JOURNAL_SEGMENT_FOREIGN:
        return "segment-foreign";
    case JOURNAL_UNREADABLE:
        return "unreadable";
    case JOURNAL_LEFTOVER:
        return "leftover";
    }
    return "unknown";
}

bool journal_finding_is_harmless(enum journal_finding_kind kind)
{
    switch (kind) {
    case JOURNAL_TORN_TAIL:
    case JOURNAL_BAD_HEAD:
    case JOURNAL_SEAL_LOST:
    case JOURNAL_LEFTOVER:
        return true;
    case JOURNAL_UNCERTAIN_TAIL:
    case JOURNAL_MARK_UNREADABLE:
    case JOURNAL_LOST_GROUP:
    case JOURNAL_BAD_GROUP:
    case JOURNAL_SEGMENT_MISSING:
    case JOURNAL_SEGMENT_SIZE:
    case JOURNAL_SEGMENT_FOREIGN:
    case JOURNAL_UNREADABLE:
        return false;
    }
    return false;
}

const char *journal_verdict_name(enum journal_verdict verdict)
{
    switch (verdict) {
    case JOURNAL_CLEAN:
        return "clean";
    case JOURNAL_CUT:
        return "cut";
    case JOURNAL_UNCERTAIN:
        return "uncertain";
    case JOURNAL_DAMAGED:
        return "damaged";
    }
    return "unknown";
}
