/* SPDX-License-Identifier: GPL-3.0-or-later */
/* main.c - options, one command, its exit status. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>

#include "src/base/mem.h"
#include "tools/resilience-ctl/ctl.h"

int main(int argc, char **argv)
{
    struct ctl ctl = {.endpoints = NULL};
    const struct ctl_command *command = NULL;
    int count = argc;
    signal(SIGPIPE, SIG_IGN);
    if (rsm_crypto_init() != RSM_OK)
        return ctl_fail(RSM_FAILED, "this libsodium judges signatures differently");
    enum rsm_status status = ctl_parse_options(&ctl, &count, argv, &command);
    int result = status == RSM_NOT_FOUND ? 0 : rsm_status_exit(status);
    if (status == RSM_OK)
        result = command->run(&ctl, count, argv + optind + (command->verb != NULL ? 2 : 1));
    ctl_close(&ctl);
    mem_free(ctl.config_text);
    errno = 0;
    bool is_lost = fflush(stdout) != 0 || ferror(stdout);
    if (is_lost && errno != EPIPE && result == 0) /* whoever closed the pipe has seen enough */
        result = ctl_fail(RSM_IO, "the output could not be written");
    return result;
}
