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
    (void)fputs(help, end == OPTIONS_HELP ? stdout : stderr);
    return end == OPTIONS_HELP ? 0 : rsm_status_exit(RSM_USAGE);
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
    if (force || access(path, F_OK) != 0)
        return true;
    say_why_not(path, EEXIST);
    return false;
}

FILE *command_output(const char *path, bool force)
{
    FILE *out = fopen(path, force ? "we" : "wxe");
    if (out == NULL)
        say_why_not(path, errno);
    return out;
}
