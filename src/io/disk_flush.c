/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk_flush.c - see disk_flush.h. */
#include "src/io/disk_flush.h"

#include <string.h>

static const char *const names[] = {[DISK_FLUSH_FDATASYNC] = "fdatasync",
                                    [DISK_FLUSH_ODSYNC] = "odsync",
                                    [DISK_FLUSH_ODIRECT] = "odirect"};

bool disk_flush_parse(const char *name, enum disk_flush *flush_out)
{
    for (int i = DISK_FLUSH_FDATASYNC; i <= DISK_FLUSH_ODIRECT; i++) {
        if (strcmp(name, names[i]) == 0) {
            *flush_out = (enum disk_flush)i;
            return true;
        }
    }
    return false;
}

const char *disk_flush_name(enum disk_flush flush)
{
    return names[flush];
}

bool disk_flush_is_direct(enum disk_flush flush)
{
    return flush == DISK_FLUSH_ODIRECT;
}
