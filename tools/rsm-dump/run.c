/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run.c - rsm-dump: the command line, and the child that does the reading. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/nearest.h"
#include "src/command/envelope.h"
#include "src/io/child.h"
#include "tools/lib/plain.h"
#include "tools/rsm-dump/dump.h"

struct verb {
    const char *name;
    unsigned arguments;
    const char *usage;
    const char *help;
    const char *example;
    int (*run)(struct dump *d);
    bool findings_on_stdout;
    bool needs_no_directory;
};

static const struct verb verbs[] = {
    {"log", 0, "log [--from SLOT|TIME] [--to SLOT|TIME] [--zone ZONE] [--author NAME]",
     "one line for each slot, oldest first; what is chosen and still only in the journal is marked",
     "rsm-dump --dir data/1 log --from 10 --zone example.org", command_log, false, false},
    {"show", 1, "show SLOT", "everything about one slot: commands, verdicts with reasons, hashes",
     "rsm-dump --dir data/1 show 12", command_show, false, false},
    {"journal", 0, "journal [--aside]",
     "segments and records of the journal, and what is damaged where; --aside: of the one that a "
     "replica in doubt had before",
     "rsm-dump --dir data/1 journal", command_journal, true, false},
    {"state", 0, "state [--at SLOT|TIME] [--zone ZONE]",
     "the state as it was, replayed from the log",
     "rsm-dump --dir data/1 state --at 2026-11-23T15:02:11Z", command_state, false, false},
    {"diff", 2, "diff SLOT SLOT", "what changed in the state between two slots",
     "rsm-dump --dir data/1 diff 10 20", command_diff, false, false},
    {"replay", 0, "replay [--to SLOT|TIME] [--step [--from SLOT|TIME]]",
     "replays from the genesis to a slot and says its verdicts, how many rows of the state it "
     "changed, and both chain heads, and whether they are the stored ones; --step: of each slot",
     "rsm-dump --dir data/1 replay --to 12 --step", command_replay, false, false},
    {"loss", 0, "loss [DIR...]",
     "of all replicas of a cluster, each with its directory: what their damaged journals can have "
     "lost together; look before rsmd --accept-loss",
     "rsm-dump --dir data/1 loss data/2 data/3", command_loss, true, false},
    {"verify", 0, "verify",
     "checks chains, signatures, order, verdicts and state by replaying all; names the first slot "
     "that is wrong",
     "rsm-dump --dir data/1 verify", command_verify, true, false},
    {"checkpoint", 0, "checkpoint [--at SLOT|TIME] [--key FILE [--checkpoint-state FILE]]",
     "size and root of the Merkle tree over the log, as a note signed with --key (without: its "
     "text alone)",
     "rsm-dump --dir data/1 checkpoint --key auditor.key > log.checkpoint", command_checkpoint,
     false, false},
    {"prove", 1,
     "prove SLOT [--at SLOT|TIME] --key FILE | --checkpoint FILE [--checkpoint-state FILE]",
     "a receipt: that the slot, with its verdicts, is in the log that the checkpoint is of",
     "rsm-dump --dir data/1 prove 12 --checkpoint log.checkpoint > 12.tlog-proof", command_prove,
     false, false},
    {"consistency", 1,
     "consistency SLOT [--at SLOT|TIME] --key FILE | --checkpoint FILE [--checkpoint-state FILE]",
     "a proof that the log up to SLOT is the beginning of the log that the checkpoint is of",
     "rsm-dump --dir data/1 consistency 1000 --key auditor.key > grown.proof", command_consistency,
     false, false},
    {"check-proof", 1,
     "check-proof FILE --verifier KEY... [--old FILE] [--log ORIGIN|ID] [--slot N]\n"
     "      [--change DIGEST|AUTHOR/COUNTER [--verdict WORD]]\n"
     "      [--checkpoint-state FILE [--growth FILE]]",
     "checks what prove or consistency made, without any data; --old: the older checkpoint. "
     "--log, --slot, --change, --verdict: what it has to be of, else status 4. "
     "--checkpoint-state: the last checkpoint seen, which the next one has to extend (--growth "
     "shows it of a receipt's)",
     "rsm-dump check-proof 12.tlog-proof --verifier auditor@example+2cf1a5d0+AQ...",
     command_check_proof, true, true},
    {"export", 1,
     "export git|manifest|audit [--from SLOT|TIME] [--to SLOT|TIME] [--zone ZONE]\n"
     "      [--gpg-key KEY --signature FILE]",
     "git: the history of the zones for git fast-import: a commit for each slot that changed one, "
     "a tag for each version; --from: what follows an earlier export. manifest: what git calls "
     "these commits, and the SHA-256 of their files; --gpg-key: gpg signs it. audit: a JSON object "
     "a line "
     "for each command and each end of a change that waited: who, what, when, on what basis, "
     "checks, votes, approvals, verdict",
     "rsm-dump --dir data/1 export audit --from 2026-11-01 --to 2026-11-28T12:00:00Z > audit.jsonl",
     command_export, false, false},
    {"report", 1,
     "report text|json|html [--from SLOT|TIME] [--to SLOT|TIME] [--key FILE [--signature FILE]]",
     "what happened in these slots, counted: commands, refusals, overrides, what was skipped; "
     "--key signs: the text in itself, json and html in a new file (--signature)",
     "rsm-dump --dir data/1 report text --from 1000 --to 2000 --key auditor.key > report",
     command_report, false, false},
    {"check-report", 1, "check-report FILE [--signature FILE] --verifier KEY...",
     "checks the signature of a report",
     "rsm-dump check-report report --verifier auditor@example+2cf1a5d0+AQ...", command_check_report,
     true, true},
    {"verifier-key", 0, "verifier-key --key FILE", "the public key of a signer, for --verifier",
     "rsm-dump verifier-key --key auditor.key", command_verifier_key, false, true},
};
#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

static void print_help(FILE *out)
{
    fputs("usage: rsm-dump --dir DIR [--json] COMMAND\n"
          "\n"
          "Looks at a replica's data directory, running or stopped, or at a copy of it. Never\n"
          "writes to it.\n"
          "\n",
          out);
    for (size_t i = 0; i < VERB_COUNT; i++)
        fprintf(out, "  %s\n      %s\n      example: %s\n", verbs[i].usage, verbs[i].help,
                verbs[i].example);
    fputs("\n"
          "  --dir DIR    the data directory (or RSM_DATA_DIR)\n"
          "  --json       one JSON object a line\n"
          "  SLOT         a number; TIME: 2026-11-23T15:02:11Z, the last slot at or before\n"
          "               (--from: the first at or after); also with .123Z, or a date alone, UTC\n"
          "  --checkpoint-state FILE  the last checkpoint of the log that was seen here; a log\n"
          "               that does not extend it is refused, else it is replaced\n"
          "  KEY          NAME+ID+BASE64, as verifier-key prints it; may be given 16 times\n"
          "\n"
          "Data goes to stdout, everything else to stderr.\n"
          "Exit status: 0 done, 1 something is wrong with the data (or the reading), 2 wrong\n"
          "usage, 3 no such slot, or no replica's data there, 4 a good proof of something else\n"
          "than was expected.\n",
          out);
}

void dump_finding(struct dump *d, const char *format, ...)
{
    char text[512];
    FILE *out = d->findings_on_stdout ? stdout : stderr;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    d->finding_count++;
    if (!d->options->json || !d->findings_on_stdout) {
        fprintf(out, "finding: %s\n", plain_text(text, ""));
        return;
    }
    json_t *line = json_pack("{s:s}", "finding", text);
    json_dumpf(line, out, JSON_COMPACT);
    fputc('\n', out);
    json_decref(line);
}

int dump_exit(const struct dump *d)
{
    return d->finding_count > 0 ? EXIT_FINDING : EXIT_FINE;
}

struct work {
    const struct options *options;
    const struct verb *verb;
};

/* What could not be written is no output. */
static int end_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "rsm-dump: writing the output: %s\n", strerror(errno));
    return EXIT_FINDING;
}

static int work_in_child(void *context)
{
    const struct work *work = context;
    struct dump d = {.options = work->options,
                     .findings_on_stdout = work->verb->findings_on_stdout};
    int status = EXIT_NOTHING_THERE;

    if (command_crypto_init() != RSM_OK) {
        fputs("rsm-dump: no cryptography\n", stderr);
        return EXIT_FINDING;
    }
    if (work->verb->needs_no_directory)
        status = work->verb->run(&d);
    else if (dump_open(&d))
        status = dump_parse_range(&d) ? work->verb->run(&d) : EXIT_WRONG_USAGE;
    dump_close(&d);
    return end_output(status);
}

/* The options with a text; false: `c` is none of them, or one verifier too many. */
static bool take_text(struct options *o, int c, const char *text)
{
    if (c == 'V' && o->verifier_count == VERIFIERS_MAX) {
        fprintf(stderr, "rsm-dump: more than %u keys\n", VERIFIERS_MAX);
        return false;
    }
    if (c == 'd')
        o->directory = text;
    else if (c == 'f')
        o->from = text;
    else if (c == 't')
        o->to = text;
    else if (c == 'z')
        o->zone = text;
    else if (c == 'a')
        o->author = text;
    else if (c == 'w')
        o->at = text;
    else if (c == 'k')
        o->key = text;
    else if (c == 'c')
        o->checkpoint = text;
    else if (c == 'o')
        o->old = text;
    else if (c == 'g')
        o->gpg_key = text;
    else if (c == 'x')
        o->signature = text;
    else if (c == 'G')
        o->growth = text;
    else if (c == 'K')
        o->kept = text;
    else if (c == 'L')
        o->log = text;
    else if (c == 'N')
        o->slot = text;
    else if (c == 'C')
        o->change = text;
    else if (c == 'W')
        o->verdict = text;
    else if (c == 'V')
        o->verifiers[o->verifier_count++] = text;
    else
        return false; /* getopt said why */
    return true;
}

/* False: said on stderr what is wrong. */
static bool parse_options(int argc, char **argv, struct options *o, bool *help_out)
{
    static const struct option names[] = {
        {"dir", required_argument, NULL, 'd'},
        {"json", no_argument, NULL, 'j'},
        {"aside", no_argument, NULL, 's'},
        {"step", no_argument, NULL, 'S'},
        {"from", required_argument, NULL, 'f'},
        {"to", required_argument, NULL, 't'},
        {"zone", required_argument, NULL, 'z'},
        {"author", required_argument, NULL, 'a'},
        {"at", required_argument, NULL, 'w'},
        {"key", required_argument, NULL, 'k'},
        {"checkpoint", required_argument, NULL, 'c'},
        {"old", required_argument, NULL, 'o'},
        {"growth", required_argument, NULL, 'G'},
        {"checkpoint-state", required_argument, NULL, 'K'},
        {"log", required_argument, NULL, 'L'},
        {"slot", required_argument, NULL, 'N'},
        {"change", required_argument, NULL, 'C'},
        {"verdict", required_argument, NULL, 'W'},
        {"gpg-key", required_argument, NULL, 'g'},
        {"signature", required_argument, NULL, 'x'},
        {"verifier", required_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c = 0;

    *o = (struct options){.directory = getenv("RSM_DATA_DIR")};
    while ((c = getopt_long(argc, argv, "h", names, NULL)) != -1) {
        if (c == 'j')
            o->json = true;
        else if (c == 's')
            o->aside = true;
        else if (c == 'S')
            o->step = true;
        else if (c == 'h')
            *help_out = true;
        else if (c == '?') {
            const char *meant = nearest_option(names, argv[optind - 1]);
            if (meant != NULL)
                fprintf(stderr, "rsm-dump: did you mean --%s?\n", meant);
            return false;
        } else if (!take_text(o, c, optarg))
            return false;
    }
    return true;
}

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    }
    return NULL;
}

static void say_no_command(const char *name)
{
    struct nearest n = nearest_begin(name);
    for (size_t i = 0; i < VERB_COUNT; i++)
        nearest_offer(&n, verbs[i].name);
    fprintf(stderr, "rsm-dump: %s: no such command; ", name);
    if (n.best != NULL)
        fprintf(stderr, "did you mean %s? ", n.best);
    fputs("see --help\n", stderr);
}

/* An option of another command; said on stderr. */
static bool is_misplaced(const struct options *o, const struct verb *verb)
{
    bool checks = verb->run == command_check_proof;
    bool keeps = checks || verb->run == command_checkpoint || verb->run == command_prove ||
                 verb->run == command_consistency;
    const struct {
        const char *name;
        bool is_given, is_right;
        const char *of;
    } options[] = {
        {"--aside", o->aside, verb->run == command_journal, "the command journal"},
        {"--step", o->step, verb->run == command_replay, "the command replay"},
        {"--growth", o->growth != NULL, checks && o->kept != NULL,
         "check-proof --checkpoint-state"},
        {"--log", o->log != NULL, checks, "the command check-proof"},
        {"--slot", o->slot != NULL, checks, "the command check-proof"},
        {"--change", o->change != NULL, checks, "the command check-proof"},
        {"--verdict", o->verdict != NULL, checks, "the command check-proof"},
        {"--checkpoint-state", o->kept != NULL, keeps,
         "check-proof, checkpoint, prove and consistency"},
    };
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (!options[i].is_given || options[i].is_right)
            continue;
        fprintf(stderr, "rsm-dump: %s is for %s\n", options[i].name, options[i].of);
        return true;
    }
    return false;
}

/* The child did not come to an end of its own. */
static int report_death(const struct child_end *end)
{
    if (end->signal == SIGPIPE)
        return EXIT_FINE; /* whoever read us has seen enough */
    fprintf(stderr,
            "finding: reading the data killed the process (signal %d, %s): store or "
            "journal are damaged\n",
            end->signal, strsignal(end->signal));
    return EXIT_FINDING;
}

int dump_main(int argc, char **argv)
{
    struct options options;
    struct child_end end;
    bool help = false;

    optind = 1;
    if (!parse_options(argc, argv, &options, &help))
        return EXIT_WRONG_USAGE;
    if (help) {
        print_help(stdout);
        return end_output(EXIT_FINE);
    }
    if (optind >= argc) {
        print_help(stderr);
        return EXIT_WRONG_USAGE;
    }
    const struct verb *verb = find_verb(argv[optind]);
    int given = argc - optind - 1;
    bool takes_more = verb != NULL && verb->run == command_loss && given < (int)LIMIT_REPLICAS;
    if (verb == NULL) {
        say_no_command(argv[optind]);
        return EXIT_WRONG_USAGE;
    }
    if (given != (int)verb->arguments && !takes_more) {
        fprintf(stderr, "rsm-dump: %s: usage: rsm-dump --dir DIR %s\n", verb->name, verb->usage);
        return EXIT_WRONG_USAGE;
    }
    if (is_misplaced(&options, verb))
        return EXIT_WRONG_USAGE;
    bool is_report = verb->run == command_report || verb->run == command_check_report;
    if (is_report ? options.gpg_key != NULL
                  : (options.gpg_key == NULL) != (options.signature == NULL)) {
        fputs("rsm-dump: --gpg-key KEY goes with --signature FILE, for export manifest\n", stderr);
        return EXIT_WRONG_USAGE;
    }
    if (options.directory == NULL && !verb->needs_no_directory) {
        fputs("rsm-dump: which directory? --dir DIR, or RSM_DATA_DIR\n", stderr);
        return EXIT_WRONG_USAGE;
    }
    options.first = given > 0 ? argv[optind + 1] : NULL;
    options.second = given > 1 ? argv[optind + 2] : NULL;
    options.others = argv + optind + 1;
    options.other_count = given;
    struct work work = {&options, verb};
    if (child_run(work_in_child, &work, 0, &end) != RSM_OK) {
        fputs("rsm-dump: cannot start a process\n", stderr);
        return EXIT_FINDING;
    }
    return end.exited ? end.exit_status : report_death(&end);
}
