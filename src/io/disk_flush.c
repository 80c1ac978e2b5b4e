/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk_flush.c - see disk_flush.h. */
#include "src/io/disk_flush.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "src/io/disk_direct.h"
#include "src/io/disk_uring.h"

#define TRY_FILE "flush.try"

static const char *const names[] = {[DISK_FLUSH_FDATASYNC] = "fdatasync",
                                    [DISK_FLUSH_ODSYNC] = "odsync",
                                    [DISK_FLUSH_ODIRECT] = "odirect",
                                    [DISK_FLUSH_IO_URING] = "io_uring"};

bool disk_flush_parse(const char *name, enum disk_flush *flush_out)
{
    for (int i = DISK_FLUSH_FDATASYNC; i <= DISK_FLUSH_IO_URING; i++) {
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
    return flush == DISK_FLUSH_ODIRECT || flush == DISK_FLUSH_IO_URING;
}

static bool has_direct(int directory)
{
    struct direct_buffer buffer = {NULL, NULL};
    static const char sector[DISK_SECTOR_SIZE];
    bool is_refused = true;

    int file = openat(directory, TRY_FILE, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    int direct = file < 0 ? -1 : direct_open(directory, TRY_FILE);
    bool good = direct >= 0 &&
                direct_write(direct, 0, sector, sizeof sector, &buffer, &is_refused) == RSM_OK &&
                !is_refused;
    direct_buffer_deinit(&buffer);
    if (direct >= 0)
        close(direct);
    if (file >= 0) {
        close(file);
        (void)unlinkat(directory, TRY_FILE, 0);
    }
    return good;
}

static bool has_uring(void)
{
    struct uring *ring = NULL;
    bool good = uring_open(&ring) == 0;

    uring_close(ring);
    return good;
}

bool disk_flush_is_had(enum disk_flush flush, const char *directory)
{
    int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = descriptor >= 0 && (!disk_flush_is_direct(flush) || has_direct(descriptor)) &&
                (flush != DISK_FLUSH_IO_URING || has_uring());

    if (descriptor >= 0)
        close(descriptor);
    return good;
}
