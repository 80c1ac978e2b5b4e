/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk_lock.c - see disk_lock.h. */
#include "src/io/disk_lock.h"

#include <errno.h>
#include <sys/file.h>

#include "src/base/log.h"

bool disk_lock(int descriptor)
{
    int error = flock(descriptor, LOCK_EX | LOCK_NB);

    if (error != 0 && errno == EWOULDBLOCK)
        LOG(LOG_WARNING, "journal-wait",
            LOG_TEXT("why", "a process before this one has writes under way, or holds a lock"));
    while (error != 0 && (errno == EWOULDBLOCK || errno == EINTR))
        error = flock(descriptor, LOCK_EX);
    return error == 0;
}
