/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scan.c - a recovery that only looks. */
#include "storage/scan.h"

#include "src/base/check.h"
#include "storage/recover.h"

enum rsm_status journal_scan(struct disk *disk, const struct journal_identity *identity,
                             const struct journal_scanner *scanner,
                             struct journal_report *report_out,
                             struct journal_identity *identity_out)
{
    struct recovery r = {.disk = disk, .scanner = scanner, .report = report_out};

    if (identity != NULL) {
        r.identity = *identity;
        r.identity_is_known = true;
    }
    enum rsm_status status = recover_run(&r);
    CHECK(identity == NULL || r.identity.incarnation == identity->incarnation);
    CHECK(status != RSM_OK || report_out->verdict >= JOURNAL_CLEAN);
    *identity_out = r.identity;
    recover_deinit(&r);
    return status;
}
