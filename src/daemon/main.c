/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * main.c - rsmd, one replica. Exit status: 0 stopped by a signal; 1 failed, the log or stderr says
 * why; 2 wrong usage or configuration; 70 out of memory; 71 the disk hung.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rsm/key.h>

#include "src/base/kv.h"
#include "src/base/nearest.h"
#include "src/daemon/loop.h"
#include "src/daemon/recover.h"
#include "src/io/again.h"
#include "src/io/scrubber.h"
#include "src/io/clock.h"

#ifndef RSM_VERSION
#define RSM_VERSION "unknown"
#endif

#define DESCRIPTORS 8192u

static const char usage[] =
    "rsmd - one replica of a DNS control plane\n"
    "\n"
    "  rsmd --config FILE     run (see packaging/rsmd.conf.example for all keys)\n"
    "  rsmd --config FILE --check-config\n"
    "                         read the configuration, say what is wrong with it, and end\n"
    "  rsmd --config FILE --accept-loss\n"
    "                         run, and should so many replicas have lost something that nobody "
    "knows\n"
    "                         what was chosen (rejoin-blocked), go on with what they have; look\n"
    "                         with rsm-dump loss first\n"
    "  rsmd recover --config FILE\n"
    "                         the others are lost for good: what this replica alone has, what may "
    "be\n"
    "                         lost, and a statement for two persons to sign\n"
    "  rsmd recover --config FILE --force --approval FILE --approval FILE\n"
    "                         signed: from the next start on it goes on alone, in a new epoch\n"
    "  rsmd --version\n"
    "  rsmd --help\n"
    "\n"
    "SIGTERM and SIGINT stop it cleanly; a second one at once. It logs to stderr.\n"
    "Exit status: 0 stopped, 1 failed, 2 wrong usage or configuration, 70 out of memory,\n"
    "71 the disk did not answer in time.\n"
    "\n"
    "Example: rsmd --config /etc/rsm/rsmd.conf\n"
    "Example: rsmd recover --config /etc/rsm/rsmd.conf > statement\n";

/* Keys must not end in a core file, nor be read by a debugger of the same user. */
static void guard_process(void)
{
    struct rlimit none = {0, 0};
    struct rlimit files;
    umask(077);
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < DESCRIPTORS) {
        files.rlim_cur = files.rlim_max < DESCRIPTORS ? files.rlim_max : DESCRIPTORS;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    signal(SIGPIPE, SIG_IGN);
}

/* Before keys and tables are used. */
static bool begin_process(void)
{
    uint8_t seed[KV_SEED_SIZE];
    if (rsm_crypto_init() != RSM_OK) {
        fprintf(stderr, "rsmd: this libsodium judges signatures differently; not starting\n");
        return false;
    }
    if (getrandom(seed, sizeof seed, 0) != (ssize_t)sizeof seed) {
        fprintf(stderr, "rsmd: no random numbers to be had\n");
        return false;
    }
    kv_seed(seed);
    return true;
}

static int run(const struct config *config, char **arguments)
{
    char text[CONFIG_ERROR_SIZE] = "";
    struct loop *loop;
    int cause = 0;
    log_configure(STDERR_FILENO, config->log_level, config->node.self);
    uint32_t again = again_prepare(arguments, &cause);
    if (config->node.accepts_loss)
        LOG(LOG_WARNING, "loss-accepted",
            LOG_TEXT("text", "started with --accept-loss: what is left counts as all there is"));
    if (config->clock_offset_file != NULL) {
        if (!clock_follow(config->clock_offset_file)) {
            fprintf(stderr, "rsmd: %s cannot be opened\n", config->clock_offset_file);
            return 1;
        }
        LOG(LOG_WARNING, "clock", LOG_TEXT("text", "this replica's clock is a test's"));
    }
    if (again > 0)
        LOG(LOG_ERROR, "began-again", LOG_U64("times", again), LOG_U64("signal", (uint64_t)cause));
    if (!begin_process())
        return 1;
    enum rsm_status status = loop_new(config, &loop, text);
    if (status != RSM_OK) {
        LOG(LOG_ERROR, "not-started", LOG_TEXT("status", rsm_status_text(status)),
            LOG_TEXT("text", text));
        return 1;
    }
    status = loop_run(loop);
    loop_free(loop);
    if (status == RSM_DAMAGED) /* a start looks at the whole store, and replaces it */
        again_now();
    return status == RSM_OK ? 0 : 1;
}

/* A pass of the scrubber is this program again: see scrubber.h. Not for people: not in the usage.
 */
static bool is_scrub(int argc, char **argv)
{
    return argc == 6 && strcmp(argv[1], "--" SCRUB_OPTION) == 0;
}

static int usage_error(const char *text)
{
    fprintf(stderr, "rsmd: %s; try rsmd --help\n", text);
    return 2;
}

/* Behind what getopt said of the argument, if anything. */
static int option_error(const struct option *options, const char *argument, const char *text)
{
    const char *meant = nearest_option(options, argument);
    if (meant != NULL)
        fprintf(stderr, "rsmd: did you mean --%s?\n", meant);
    return usage_error(text);
}

/* rsmd recover: `argv` begins with that word. */
static int recover(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"force", no_argument, NULL, 'f'},
                                            {"approval", required_argument, NULL, 'a'},
                                            {NULL, 0, NULL, 0}};
    struct recover_options recover = {.force = false};
    struct config config;
    char error[CONFIG_ERROR_SIZE] = "";
    const char *path = NULL;
    int option;
    while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        if (option == 'c')
            path = optarg;
        else if (option == 'f')
            recover.force = true;
        else if (option == 'a' && recover.approval_count < RECOVER_APPROVALS_MAX)
            recover.approvals[recover.approval_count++] = optarg;
        else
            return option_error(options, argv[optind - 1],
                                "recover takes --config FILE, --force, and at most nine --approval "
                                "FILE");
    }
    if (path == NULL || optind != argc || (recover.approval_count > 0 && !recover.force))
        return usage_error("recover needs --config FILE; --approval goes with --force");
    guard_process();
    if (config_read(path, &config, error) != RSM_OK) {
        fprintf(stderr, "rsmd: %s\n", error);
        return 2;
    }
    log_configure(STDERR_FILENO, LOG_WARNING, config.node.self);
    int status = begin_process() ? recover_directory(&config, &recover) : 1;
    config_deinit(&config);
    return status;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"check-config", no_argument, NULL, 'k'},
        {"accept-loss", no_argument, NULL, 'a'},  {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    const char *path = NULL;
    bool check_only = false;
    bool accepts_loss = false;
    int option;
    if (is_scrub(argc, argv)) {
        guard_process();
        return scrub_run(argv[2], strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10),
                         strtoull(argv[5], NULL, 10));
    }
    if (argc > 1 && strcmp(argv[1], "recover") == 0)
        return recover(argc - 1, argv + 1);
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            path = optarg;
            break;
        case 'k':
            check_only = true;
            break;
        case 'a':
            accepts_loss = true;
            break;
        case 'v':
            puts("rsmd " RSM_VERSION);
            return 0;
        case 'h':
            fputs(usage, stdout);
            return 0;
        default:
            return option_error(options, argv[optind - 1], "wrong usage");
        }
    }
    if (path == NULL || optind != argc) {
        fputs("rsmd: --config FILE is needed, and nothing else; try rsmd --help\n", stderr);
        return 2;
    }
    struct config config;
    char error[CONFIG_ERROR_SIZE] = "";
    guard_process();
    if (config_read(path, &config, error) != RSM_OK) {
        fprintf(stderr, "rsmd: %s\n", error);
        return 2;
    }
    config.node.accepts_loss = accepts_loss;
    int status = check_only ? 0 : run(&config, argv);
    config_deinit(&config);
    return status;
}
