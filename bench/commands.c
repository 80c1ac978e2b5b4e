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
    return temporary != NULL ? temporary : "/tmp";
}

FILE *command_output(const char *path, bool force, bool only_checks)
{
    if (only_checks) {
        if (force || access(path, F_OK) != 0)
            return stderr;
        errno = EEXIST;
    } else {
        FILE *out = fopen(path, force ? "we" : "wxe");
        if (out != NULL)
            return out;
    }
    (void)fprintf(stderr, "rsm-bench: %s: %s%s\n", path, strerror(errno),
                  errno == EEXIST ? "; --force overwrites it" : "");
    return NULL;
}
