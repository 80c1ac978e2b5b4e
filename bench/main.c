/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * main.c - rsm-bench: commit latency and throughput, beside this machine's floor; which settings
 * are best here; whether a difference is real.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <rsm/status.h>

#include "bench/commands.h"
#include "bench/load.h"
#include "src/base/nearest.h"

static const char HELP[] =
    "rsm-bench COMMAND [options]\n"
    "\n"
    "  run       loads against a cluster, its own or one that runs, and where the time goes\n"
    "  floor     what this machine needs for the least that a commit can be\n"
    "  compare   whether two results of run differ, or it is chance\n"
    "  sweep     one setting at a time: which is best on this machine, and which moves p99 most\n"
    "\n"
    "rsm-bench COMMAND --help has the options and an example; docs/performance.md how to read what "
    "is\n"
    "printed.\n";

static const struct {
    const char *name;
    int (*run)(int count, char **arguments);
} commands[] = {
    {"run", command_run},
    {"floor", command_floor},
    {"compare", command_compare},
    {"sweep", command_sweep},
};

/* The first ^C ends the run and stops the local cluster; a second one ends this process. */
static void on_signal(int signal_number)
{
    (void)signal_number;
    load_interrupt();
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

static void say_no_command(const char *name)
{
    struct nearest n = nearest_begin(name);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        nearest_offer(&n, commands[i].name);
    fprintf(stderr, "rsm-bench: there is no command %s", name);
    if (n.best != NULL)
        fprintf(stderr, "; did you mean %s?", n.best);
    fputs("; see rsm-bench --help\n", stderr);
}

static int run(int count, char **arguments)
{
    if (count > 1 && (strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "help") == 0))
        return command_help(OPTIONS_HELP, HELP);
    catch_signals();
    for (size_t i = 0; i < sizeof commands / sizeof commands[0] && count > 1; i++)
        if (strcmp(arguments[1], commands[i].name) == 0)
            return commands[i].run(count - 2, arguments + 2);
    if (count > 1)
        say_no_command(arguments[1]);
    else
        fputs(HELP, stderr);
    return rsm_status_exit(RSM_USAGE);
}

int main(int count, char **arguments)
{
    int status = run(count, arguments);
    bool is_written = fflush(stdout) == 0 && !ferror(stdout);
    if (!is_written)
        fputs("rsm-bench: the output could not be written\n", stderr);
    return status == 0 && !is_written ? 1 : status;
}
