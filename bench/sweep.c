/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep.c - see sweep.h. */
#include "bench/sweep.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/io/disk_flush.h"

/* Those that the replicas do not know, or cannot do here, are left out; see sweep_command.c. */
#define KNOBS                                                                                      \
    "window=1,64;batch_entries=1,32;journal_flush=fdatasync,odsync,odirect,io_uring;"              \
    "verify_threads=0,1,2;store_commit_ms=50,1000;segment_size=4194304,67108864;"                  \
    "tick_ms=50;pin=spread,one;bundle=16"

static bool copy_part(char *out, size_t out_size, const char *text, size_t size)
{
    if (size == 0 || size >= out_size)
        return false;
    memcpy(out, text, size);
    out[size] = 0;
    return strcspn(out, " \t\r\n#") == size;
}

static bool add_knob(struct sweep *s, const char *text, size_t size)
{
    const char *equals = memchr(text, '=', size);
    if (equals == NULL)
        return false;
    const char *end = text + size;
    for (const char *at = equals + 1; at <= end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *value_end = comma != NULL ? comma : end;
        struct sweep_variant *v = &s->variants[s->count];
        if (s->count == SWEEP_VARIANTS_MAX ||
            !copy_part(v->knob, sizeof v->knob, text, (size_t)(equals - text)) ||
            !copy_part(v->value, sizeof v->value, at, (size_t)(value_end - at)))
            return false;
        s->count++;
        at = value_end + 1;
    }
    return true;
}

bool sweep_parse(struct sweep *s, const char *text)
{
    if (text == NULL)
        text = KNOBS;
    *s = (struct sweep){.count = 1};
    for (const char *at = text;; at++) {
        size_t size = strcspn(at, ";");
        if (!add_knob(s, at, size))
            return false;
        at += size;
        if (*at == 0)
            return true;
    }
}

bool sweep_config_line(const struct sweep_variant *v, char *line, uint32_t size)
{
    line[0] = 0;
    if (v->knob[0] == 0 || strcmp(v->knob, "pin") == 0 || strcmp(v->knob, "bundle") == 0)
        return false;
    (void)snprintf(line, size, "%s = %s\n", v->knob, v->value);
    return true;
}

bool sweep_is_had(const struct sweep_variant *v, const char *directory, char *why, uint32_t size)
{
    enum disk_flush flush;
    why[0] = 0;
    if (strcmp(v->knob, "journal_flush") != 0 || !disk_flush_parse(v->value, &flush) ||
        disk_flush_is_had(flush, directory))
        return true;
    (void)snprintf(why, size, "not to be had here: %s",
                   disk_flush_is_had(DISK_FLUSH_ODIRECT, directory)
                       ? "the system gives no ring of io_uring"
                       : "the file system takes no direct writes of 512 bytes");
    return false;
}

/* All threads of a process, to one processor. */
static bool pin_process(pid_t process, int processor)
{
    char path[64];
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)processor, &set);
    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)process);
    DIR *threads = opendir(path);
    bool good = threads != NULL;
    for (const struct dirent *entry = good ? readdir(threads) : NULL; entry != NULL && good;
         entry = readdir(threads))
        if (entry->d_name[0] != '.')
            good = sched_setaffinity((pid_t)strtol(entry->d_name, NULL, 10), sizeof set, &set) == 0;
    if (threads != NULL)
        (void)closedir(threads);
    return good;
}

bool sweep_pin(const char *value, const pid_t *processes, uint32_t count)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    bool spreads = strcmp(value, "spread") == 0;
    if ((!spreads && strcmp(value, "one") != 0) || processors < 1)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (processes[i] != 0 && !pin_process(processes[i], spreads ? (int)(i % processors) : 0))
            return false;
    return true;
}
