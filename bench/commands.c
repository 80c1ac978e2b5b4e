/* SPDX-License-Identifier: GPL-3.0-or-later */
/* commands.c - see commands.h. */
#include "bench/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rsm/status.h>

int command_help(enum options_end end, const char *help)
{
    if (end == OPTIONS_HELP) {
        (void)fputs(help, stdout);
        return 0;
    }
    const char *name = help + strlen("rsm-bench ");
    (void)fprintf(stderr, "see rsm-bench %.*s --help\n", (int)strcspn(name, " "), name);
    return rsm_status_exit(RSM_USAGE);
}

const char *command_temporary(void)
{
    const char *temporary = getenv("TMPDIR");
    return temporary != NULL && *temporary != '\0' ? temporary : "/tmp";
}

static void say_why_not(const char *path, int error)
{
    (void)fprintf(stderr, "rsm-bench: %s: %s%s\n", path, strerror(error),
                  error == EEXIST ? "; --force overwrites it" : "");
}

bool command_may_write(const char *path, bool force)
{
    bool is_there = access(path, F_OK) == 0;
    char directory[1024];
    const char *slash = strrchr(path, '/');
    int size = slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path);
    (void)snprintf(directory, sizeof directory, "%.*s", size, slash == NULL ? "." : path);
    if (is_there && !force)
        say_why_not(path, EEXIST);
    else if (access(is_there ? path : directory, is_there ? W_OK : W_OK | X_OK) != 0)
        say_why_not(path, errno);
    else
        return true;
    return false;
}

FILE *command_output(const char *path, bool force)
{
    FILE *out = fopen(path, force ? "we" : "wxe");
    if (out == NULL)
        say_why_not(path, errno);
    return out;
}
