/* SPDX-License-Identifier: GPL-3.0-or-later */
/* text.c - names and files of the command line. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tools/resilience-ctl/ctl.h"

struct rsm_bytes ctl_bytes(struct bytes b)
{
    return rsm_bytes_make(b.data, b.size);
}

bool ctl_name(const char *text, struct bytes origin, uint8_t buffer[NAME_SIZE_MAX],
              struct bytes *name_out)
{
    if (name_from_text(text, origin, buffer, name_out) == RSM_OK)
        return true;
    fprintf(stderr, "resilience-ctl: \"%s\" is no domain name\n", text);
    return false;
}

bool ctl_read_file(const char *path, size_t size_max, struct rsm_buffer *out)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct writer text;
    uint8_t chunk[65536];
    ssize_t got = 0;
    *out = (struct rsm_buffer){NULL, 0};
    if (fd < 0) {
        fprintf(stderr, "resilience-ctl: %s: %s\n", path, strerror(errno));
        return false;
    }
    writer_init(&text, size_max);
    while (!text.failed && (got = read(fd, chunk, sizeof chunk)) > 0)
        writer_bytes(&text, bytes_make(chunk, (size_t)got));
    int error = errno;
    if (!is_stdin)
        close(fd);
    if (got < 0 || text.failed) {
        fprintf(stderr, "resilience-ctl: %s: %s\n", path,
                text.failed ? "larger than such a file may be" : strerror(error));
        writer_deinit(&text);
        return false;
    }
    /* The writer's memory becomes the buffer's: both are freed by mem_free. */
    *out = (struct rsm_buffer){text.data, text.size};
    return true;
}

bool ctl_write_file(const char *path, struct rsm_bytes bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    size_t done = 0;
    while (fd >= 0 && done < bytes.size) {
        ssize_t written = write(fd, bytes.data + done, bytes.size - done);
        if (written <= 0)
            break;
        done += (size_t)written;
    }
    bool good = fd >= 0 && done == bytes.size;
    int error = errno;
    if (fd >= 0 && close(fd) != 0)
        good = false;
    if (!good)
        fprintf(stderr, "resilience-ctl: %s: %s\n", path, strerror(error));
    return good;
}
