/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gpg.c - see gpg.h. */
#include "tools/rsm-dump/gpg.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child: the text comes from `input`; stdout is the manifest's, so gpg gets stderr for it.
 */
static void become_gpg(const char *key, const char *path, int input)
{
    if (dup2(input, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        _exit(127);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)execlp("gpg", "gpg", "--batch", "--armor", "--detach-sign", "--local-user", key,
                 "--output", path, (char *)NULL);
    fprintf(stderr, "rsm-dump: gpg: %s; apt-get install gpg\n", strerror(errno));
    _exit(127);
}

static bool write_all(int fd, struct bytes text)
{
    size_t done = 0;
    while (done < text.size) {
        ssize_t got = write(fd, text.data + done, text.size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

bool gpg_sign(const char *key, struct bytes text, const char *path)
{
    int ends[2], status = 0;
    if (access(path, F_OK) == 0) {
        fprintf(stderr, "rsm-dump: %s is there already; a signature goes to a new file\n", path);
        return false;
    }
    if (pipe(ends) != 0)
        return false;
    (void)signal(SIGPIPE, SIG_IGN);
    pid_t child = fork();
    if (child == 0) {
        close(ends[1]);
        become_gpg(key, path, ends[0]);
    }
    close(ends[0]);
    bool is_written = child > 0 && write_all(ends[1], text);
    close(ends[1]);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    (void)signal(SIGPIPE, SIG_DFL);
    bool is_good = is_written && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!is_good)
        fprintf(stderr, "rsm-dump: gpg did not sign with %s\n", key);
    return is_good;
}
