/* SPDX-License-Identifier: GPL-3.0-or-later */
/* process.c - see process.h. */
#include "bench/process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define TEXT_SIZE 4096u

static bool read_text(const char *path, char text[TEXT_SIZE])
{
    FILE *file = fopen(path, "re");
    text[0] = 0;
    if (file == NULL)
        return false;
    size_t size = fread(text, 1, TEXT_SIZE - 1, file);
    text[size] = 0;
    (void)fclose(file);
    return size > 0;
}

uint64_t process_field(const char *text, const char *name)
{
    size_t size = strlen(name);
    for (const char *line = text; line != NULL && *line != 0;) {
        if (strncmp(line, name, size) == 0)
            return strtoull(line + size, NULL, 10);
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return 0;
}

void process_faults(const char *stat, uint64_t *minor_out, uint64_t *major_out)
{
    unsigned long long minor = 0, major = 0;
    const char *behind = strrchr(stat, ')');
    if (behind == NULL ||
        sscanf(behind, ") %*c %*d %*d %*d %*d %*d %*u %llu %*u %llu", &minor, &major) != 2)
        minor = major = 0;
    *minor_out = minor;
    *major_out = major;
}

static void add_thread(pid_t pid, const char *thread, struct process_use *out)
{
    char path[320], text[TEXT_SIZE];
    (void)snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", (int)pid, thread);
    if (read_text(path, text))
        out->cpu_ns += strtoull(text, NULL, 10);
    (void)snprintf(path, sizeof path, "/proc/%d/task/%s/status", (int)pid, thread);
    if (read_text(path, text))
        out->switches += process_field(text, "voluntary_ctxt_switches:") +
                         process_field(text, "nonvoluntary_ctxt_switches:");
}

bool process_use(pid_t pid, struct process_use *out)
{
    char path[320], text[TEXT_SIZE];
    *out = (struct process_use){0};
    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    if (threads == NULL)
        return false;
    for (const struct dirent *entry = readdir(threads); entry != NULL; entry = readdir(threads))
        if (entry->d_name[0] != '.')
            add_thread(pid, entry->d_name, out);
    (void)closedir(threads);
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (read_text(path, text))
        process_faults(text, &out->minor_faults, &out->major_faults);
    (void)snprintf(path, sizeof path, "/proc/%d/io", (int)pid);
    if (read_text(path, text))
        out->written_bytes = process_field(text, "write_bytes:");
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    if (read_text(path, text)) {
        out->resident_bytes = process_field(text, "VmRSS:") * 1024;
        out->anonymous_bytes = process_field(text, "RssAnon:") * 1024;
    }
    return true;
}

/* Sectors of 512 bytes, the seventh number (Documentation/block/stat.rst). */
uint64_t process_disk_written(const char *directory)
{
    char path[64], text[TEXT_SIZE];
    struct stat st;
    if (stat(directory, &st) != 0)
        return 0;
    (void)snprintf(path, sizeof path, "/sys/dev/block/%u:%u/stat", major(st.st_dev),
                   minor(st.st_dev));
    if (!read_text(path, text))
        return 0;
    const char *at = text;
    for (unsigned i = 0; i < 6; i++) {
        at += strspn(at, " ");
        at += strcspn(at, " ");
    }
    return strtoull(at, NULL, 10) * 512;
}
