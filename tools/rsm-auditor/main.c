/* SPDX-License-Identifier: GPL-3.0-or-later */
/* main.c - rsm-auditor: options, the rounds, its status file. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <jansson.h>

#include "src/base/mem.h"
#include "src/base/nearest.h"
#include "src/io/data_dir.h"
#include "tools/lib/proof.h"
#include "tools/rsm-auditor/auditor.h"

#define EXIT_ALARM 1
#define EXIT_WRONG_USAGE 2
#define EXIT_UNREACHABLE 5
#define INTERVAL_MS_DEFAULT 1000u
#define INTERVAL_MS_MAX 3600000u

struct options {
    const char *directory;
    const char *genesis;
    const char *endpoints;
    const char *key;
    uint64_t interval_ms;
    bool once;
};

static void print_help(FILE *out)
{
    fputs(
        "usage: rsm-auditor --dir DIR --genesis FILE --endpoints A,B,C --key FILE [--interval MS]\n"
        "                   [--once]\n"
        "\n"
        "Reads the log from every replica that is named, checks every signature and derives every\n"
        "verdict again, and compares what each replica has, log and state, again and again. It has "
        "no\n"
        "vote, and takes nothing from a single replica: a slot counts when a majority shows it.\n"
        "\n"
        "  --dir DIR        its own directory, made when it is not there (or RSM_AUDITOR_DIR)\n"
        "  --genesis FILE   the cluster's genesis, from whoever set it up, not from a replica\n"
        "  --endpoints ...  all replicas, with commas (or RSM_ENDPOINTS)\n"
        "  --key FILE       signs the checkpoints; made by resilience-ctl keygen NAME --plain\n"
        "  --interval MS    between two looks when nothing is new: 1000\n"
        "  --once           end when every replica was read to its end\n"
        "\n"
        "In DIR: `checkpoint`, the newest one, signed; `status`, JSON; and log and state, which\n"
        "rsm-dump --dir DIR reads. Alarms go to stderr as they come, and when they are over.\n"
        "\n"
        "Example: rsm-auditor --dir /var/lib/rsm-auditor --genesis genesis --key auditor.key \\\n"
        "             --endpoints 10.0.1.1:4001,10.0.2.1:4001,10.0.3.1:4001\n"
        "\n"
        "Exit status: 0 no alarm, 1 an alarm (or it cannot go on), 2 wrong usage, 5 no majority\n"
        "of the replicas was reachable (--once).\n",
        out);
}

static bool parse_number(const char *text, uint64_t max, uint64_t *out)
{
    char *end = NULL;

    errno = 0;
    *out = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *out > 0 && *out <= max;
}

/* False: said on stderr, or by getopt, what is wrong. */
static bool parse_options(int argc, char **argv, struct options *o, bool *help_out)
{
    static const struct option names[] = {
        {"dir", required_argument, NULL, 'd'},
        {"genesis", required_argument, NULL, 'g'},
        {"endpoints", required_argument, NULL, 'e'},
        {"key", required_argument, NULL, 'k'},
        {"interval", required_argument, NULL, 'i'},
        {"once", no_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c = 0;

    *o = (struct options){.directory = getenv("RSM_AUDITOR_DIR"),
                          .endpoints = getenv("RSM_ENDPOINTS"),
                          .interval_ms = INTERVAL_MS_DEFAULT};
    while ((c = getopt_long(argc, argv, "h", names, NULL)) != -1) {
        if (c == 'd')
            o->directory = optarg;
        else if (c == 'g')
            o->genesis = optarg;
        else if (c == 'e')
            o->endpoints = optarg;
        else if (c == 'k')
            o->key = optarg;
        else if (c == 'o')
            o->once = true;
        else if (c == 'h')
            *help_out = true;
        else if (c != 'i') {
            const char *meant = nearest_option(names, argv[optind - 1]);
            if (meant != NULL)
                fprintf(stderr, "rsm-auditor: did you mean --%s?\n", meant);
            return false;
        } else if (!parse_number(optarg, INTERVAL_MS_MAX, &o->interval_ms)) {
            fprintf(stderr, "rsm-auditor: --interval is 1 to %u ms, not \"%s\"\n", INTERVAL_MS_MAX,
                    optarg);
            return false;
        }
    }
    if (*help_out)
        return true;
    if (optind < argc)
        fprintf(stderr, "rsm-auditor: \"%s\": it takes options only\n", argv[optind]);
    else if (o->directory == NULL || o->genesis == NULL || o->endpoints == NULL || o->key == NULL)
        fputs("rsm-auditor: --dir, --genesis, --endpoints and --key are needed; see --help\n",
              stderr);
    else
        return true;
    return false;
}

static json_t *source_json(const struct source *s)
{
    json_t *out = json_pack("{s:s,s:b,s:I,s:I,s:I}", "endpoint", s->endpoint, "reachable",
                            s->is_reachable, "passes", (json_int_t)s->passes, "read_again",
                            (json_int_t)s->again, "state_passes", (json_int_t)s->state_passes);

    if (s->bad_slot != 0)
        json_object_set_new(out, "alarm_slot", json_integer((json_int_t)s->bad_slot));
    if (s->bad_slot != 0 || !s->is_reachable)
        json_object_set_new(out, "text", json_string(s->text));
    if (s->is_state_bad)
        json_object_set_new(out, "state_text", json_string(s->state_text));
    return out;
}

/* Writes the file `status`. */
static enum rsm_status audit_report(struct auditor *a)
{
    char head[2 * HASH_SIZE + 1];
    json_t *sources = json_array();

    hex_encode(head, bytes_make(a->books.ledger.heads.entry, HASH_SIZE));
    for (size_t i = 0; i < a->source_count; i++)
        json_array_append_new(sources, source_json(&a->sources[i]));
    json_t *status =
        json_pack("{s:I,s:s,s:I,s:o}", "slot", (json_int_t)a->books.ledger.slot, "entry_head", head,
                  "alarms", (json_int_t)audit_alarms(a), "replicas", sources);
    if (a->is_stuck)
        json_object_set_new(status, "stuck", json_string(a->stuck_text));
    char *text = json_dumps(status, JSON_INDENT(1) | JSON_SORT_KEYS);
    enum rsm_status result =
        text != NULL ? data_dir_write_file(a->books.dir, "status", bytes_of_string(text))
                     : RSM_NO_MEMORY;
    free(text);
    json_decref(status);
    return result;
}

static size_t count_reachable(const struct auditor *a)
{
    size_t count = 0;

    for (size_t i = 0; i < a->source_count; i++)
        count += a->sources[i].is_reachable;
    return count;
}

/* Waits for the time of the next look; false: SIGTERM or SIGINT came. */
static bool wait_for_next(int signals, uint64_t ms)
{
    struct pollfd watched = {.fd = signals, .events = POLLIN};
    return poll(&watched, 1, (int)ms) <= 0;
}

static int run(struct auditor *a, const struct options *o, int signals)
{
    bool progress = false;
    enum rsm_status status = books_sign(&a->books, a->key);

    while (status == RSM_OK) {
        status = audit_round(a, &progress);
        if (status == RSM_OK)
            status = audit_report(a);
        bool may_end = !progress && audit_is_whole(a);
        if (status != RSM_OK || (o->once && may_end))
            break;
        if (!wait_for_next(signals, may_end ? o->interval_ms : 0))
            break;
    }
    if (status != RSM_OK) {
        fprintf(stderr, "rsm-auditor: the books: %s\n", rsm_status_sentence(status));
        return EXIT_ALARM;
    }
    if (audit_alarms(a) > 0)
        return EXIT_ALARM;
    return o->once && 2 * count_reachable(a) <= a->source_count ? EXIT_UNREACHABLE : 0;
}

/* The genesis as whoever set up the cluster gave it. */
static bool read_genesis(const char *path, struct writer *bytes, struct genesis *out)
{
    if (!proof_read_file(path, GENESIS_SIZE_MAX, bytes))
        return false;
    enum rsm_status status = genesis_parse(writer_result(bytes), out);
    if (status != RSM_OK)
        fprintf(stderr, "rsm-auditor: %s: no genesis (%s)\n", path, rsm_status_sentence(status));
    return status == RSM_OK;
}

static int audit(const struct options *o, int signals)
{
    struct auditor a = {.timeout_ms = 5000};
    struct writer genesis_bytes;
    struct genesis genesis;
    int result = EXIT_ALARM;
    char *endpoints = mem_copy_string(o->endpoints);

    bool good = read_genesis(o->genesis, &genesis_bytes, &genesis);
    if (good && !sources_open(&a, endpoints)) {
        good = false;
        result = EXIT_WRONG_USAGE;
    }
    a.key = good ? proof_load_key(o->key) : NULL;
    if (a.key != NULL) {
        if (books_open(&a.books, o->directory, writer_result(&genesis_bytes), &genesis) == RSM_OK)
            result = run(&a, o, signals);
        books_close(&a.books);
    }
    rsm_key_free(a.key);
    sources_close(&a);
    mem_free(endpoints);
    writer_deinit(&genesis_bytes);
    return result;
}

/* The two signals come through a descriptor, between two looks. */
static int take_signals(void)
{
    sigset_t ends;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &ends, NULL);
    return signalfd(-1, &ends, SFD_CLOEXEC);
}

int main(int argc, char **argv)
{
    struct options options;
    bool help = false;

    if (!parse_options(argc, argv, &options, &help))
        return EXIT_WRONG_USAGE;
    if (help) {
        print_help(stdout);
        return 0;
    }
    int signals = take_signals();
    if (rsm_crypto_init() != RSM_OK || signals < 0) {
        fputs("rsm-auditor: no cryptography, or no descriptors\n", stderr);
        return EXIT_ALARM;
    }
    int result = audit(&options, signals);
    (void)close(signals);
    return result;
}
