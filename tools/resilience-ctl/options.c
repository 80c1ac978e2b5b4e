/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * options.c - flags, variables and the file: the flag wins over the variable over the file.
 *
 * The file is $RSM_CONFIG or ~/.config/rsm/ctl.conf, lines of `endpoints = ...`, `key = ...`,
 * `output = ...`, `timeout = ...`.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "src/base/nearest.h"
#include "src/base/text.h"
#include "tools/resilience-ctl/ctl.h"

enum kind {
    TEXT = 1,
    NUMBER,
    SWITCH,
    LIST,
};

struct flag {
    const char *name;
    unsigned option; /* enum ctl_option; 0: every command takes it */
    enum kind kind;
    size_t offset;
};

#define AT(member) offsetof(struct ctl, member)

static const struct flag flags[] = {
    {"endpoints", 0, TEXT, AT(endpoints)},
    {"key", 0, TEXT, AT(key_path)},
    {"yes", 0, SWITCH, AT(yes)},
    {"reason", OPT_CHANGE, TEXT, AT(reason)},
    {"envelope-out", OPT_CHANGE, TEXT, AT(envelope_out)},
    {"no-submit", OPT_CHANGE, SWITCH, AT(no_submit)},
    {"class", OPT_CHANGE, TEXT, AT(class)},
    {"override", OPT_CHANGE, LIST, AT(overrides)},
    {"at", OPT_READ | OPT_AT, TEXT, AT(at)},
    {"stale", OPT_READ, SWITCH, AT(stale)},
    {"dir", OPT_DEV | OPT_CLUSTER, TEXT, AT(dir)},
    {"replicas", OPT_DEV, NUMBER, AT(replicas)},
    {"base-port", OPT_DEV, NUMBER, AT(base_port)},
    {"replica", OPT_DEV, NUMBER, AT(replica)},
    {"name", OPT_CLUSTER, TEXT, AT(name)},
    {"member", OPT_CLUSTER, LIST, AT(members)},
    {"admin", OPT_CLUSTER, TEXT, AT(admin)},
    {"person", OPT_CLUSTER | OPT_PRINCIPAL, TEXT, AT(person)},
    {"out", OPT_KEYGEN, TEXT, AT(out)},
    {"plain", OPT_KEYGEN | OPT_CLUSTER, SWITCH, AT(plain)},
    {"replace", OPT_IMPORT, SWITCH, AT(replace)},
    {"label", OPT_IMPORT, LIST, AT(labels)},
    {"from", OPT_LOG, NUMBER, AT(from)},
    {"limit", OPT_LOG | OPT_GRAPH, NUMBER, AT(limit)},
    {"author", OPT_LOG, TEXT, AT(author)},
    {"follow", OPT_LOG, SWITCH, AT(follow)},
    {"since", OPT_SINCE, NUMBER, AT(since)},
    {"ttl", OPT_LEASE, TEXT, AT(ttl)},
    {"token", OPT_LEASE | OPT_PLAN, NUMBER, AT(token)},
    {"lease", OPT_PLAN, TEXT, AT(lease)},
    {"parent", OPT_PLAN, NUMBER, AT(parent)},
    {"incomplete", OPT_PLAN, SWITCH, AT(incomplete)},
    {"kind", OPT_PRINCIPAL, TEXT, AT(kind)},
    {"role", OPT_PRINCIPAL, LIST, AT(roles)},
    {"public-key", OPT_PRINCIPAL, LIST, AT(public_keys)},
    {"budget", OPT_PRINCIPAL, LIST, AT(budgets)},
    {"id", OPT_FREEZE | OPT_RESUME, TEXT, AT(id)},
    {"scope", OPT_FREEZE, TEXT, AT(scope)},
    {"everybody", OPT_FREEZE, SWITCH, AT(everybody)},
    {"gradual", OPT_RESUME, SWITCH, AT(gradual)},
    {"az", OPT_PRINCIPAL | OPT_RESUME, TEXT, AT(az)},
    {"until", OPT_FREEZE, TEXT, AT(until)},
    {"zone", OPT_MEMBER, TEXT, AT(zone)},
    {"peer-address", OPT_MEMBER, TEXT, AT(peer_address)},
    {"client-address", OPT_MEMBER, TEXT, AT(client_address)},
    {"wait", OPT_WAIT | OPT_CHANGE, TEXT, AT(wait)},
    {"owner", OPT_SERVICE, TEXT, AT(owner)},
    {"tier", OPT_SERVICE, TEXT, AT(tier)},
    {"below", OPT_SERVICE, LIST, AT(below)},
    {"needs", OPT_SERVICE, LIST, AT(needs)},
    {"digest", OPT_DIGEST, TEXT, AT(digest)},
    {"factor", OPT_FACTOR, TEXT, AT(factor)},
    {"factor-key", OPT_FACTOR, TEXT, AT(factor_key)},
    {"factor-program", OPT_FACTOR, TEXT, AT(factor_program)},
    {"code", OPT_FACTOR, TEXT, AT(code)},
    {"rp", OPT_RP, TEXT, AT(rp)},
    {"config", OPT_CONFIG, TEXT, AT(config)},
    {"approver", OPT_APPROVER, LIST, AT(approvers)},
    {"from-axfr", OPT_TRANSFER, TEXT, AT(from_axfr)},
    {"with", OPT_SERVER, TEXT, AT(with)},
    {"tsig", OPT_TRANSFER | OPT_SERVER, TEXT, AT(tsig)},
    {"format", OPT_GRAPH | OPT_FORMAT, TEXT, AT(format)},
    {"verbose", OPT_VERBOSE, SWITCH, AT(verbose)},
};

#define FLAG_COUNT (sizeof flags / sizeof flags[0])
/* After the table's: options whose values are not stored as they come. */
enum { FLAG_OUTPUT = FLAG_COUNT, FLAG_TIMEOUT, FLAG_HELP, FLAG_VERSION, FLAG_END };

bool ctl_parse_number(const char *text, uint64_t *value_out)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    *value_out = value;
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
}

bool ctl_parse_duration(const char *text, uint64_t *ms_out)
{
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || errno != 0 || value > UINT32_MAX)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(end, units[i].unit) == 0) {
            *ms_out = value * units[i].ms;
            return true;
        }
    }
    return false;
}

static bool set_output(struct ctl *ctl, const char *value)
{
    static const char *const names[] = {"table", "json", "jsonl"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(value, names[i]) == 0) {
            ctl->output = (enum ctl_output)(CTL_OUTPUT_TABLE + i);
            return true;
        }
    }
    fprintf(stderr, "resilience-ctl: --output is table, json or jsonl, not \"%s\"\n", value);
    return false;
}

static bool set_timeout(struct ctl *ctl, const char *value)
{
    uint64_t ms;
    if (ctl_parse_duration(value, &ms) && ms > 0 && ms <= 3600000) {
        ctl->timeout_ms = (uint32_t)ms;
        return true;
    }
    fprintf(stderr, "resilience-ctl: --timeout is a time such as 500ms, 10s or 2m, not \"%s\"\n",
            value);
    return false;
}

static bool set_flag(struct ctl *ctl, const struct flag *flag, const char *value)
{
    char *place = (char *)ctl + flag->offset;
    switch (flag->kind) {
    case TEXT:
        *(const char **)(void *)place = value;
        return true;
    case SWITCH:
        *(bool *)place = true;
        return true;
    case NUMBER:
        if (ctl_parse_number(value, (uint64_t *)(void *)place))
            return true;
        fprintf(stderr, "resilience-ctl: --%s is a number, not \"%s\"\n", flag->name, value);
        return false;
    case LIST: {
        struct ctl_list *list = (struct ctl_list *)(void *)place;
        if (list->count < CTL_LIST_MAX) {
            list->items[list->count++] = value;
            return true;
        }
        fprintf(stderr, "resilience-ctl: --%s more than %u times\n", flag->name, CTL_LIST_MAX);
        return false;
    }
    }
    return false;
}

/* -------------------------------------------------------------------------------------------- */
/* Variables and the file. */

static bool set_by_name(struct ctl *ctl, const char *name, const char *value)
{
    if (strcmp(name, "endpoints") == 0)
        ctl->endpoints = value;
    else if (strcmp(name, "key") == 0)
        ctl->key_path = value;
    else if (strcmp(name, "output") == 0)
        return set_output(ctl, value);
    else if (strcmp(name, "timeout") == 0)
        return set_timeout(ctl, value);
    else
        return false;
    return true;
}

static enum rsm_status read_config(struct ctl *ctl)
{
    char path[4096];
    struct rsm_buffer text;
    const char *given = getenv("RSM_CONFIG");
    const char *home = getenv("HOME");
    if (given != NULL)
        snprintf(path, sizeof path, "%s", given);
    else if (home != NULL)
        snprintf(path, sizeof path, "%s/.config/rsm/ctl.conf", home);
    if ((given == NULL && home == NULL) || (given == NULL && access(path, F_OK) != 0))
        return RSM_OK;
    if (!ctl_read_file(path, 65536, &text))
        return RSM_USAGE;
    ctl->config_text = mem_copy_text(text.data, text.size);
    rsm_buffer_free(&text);
    char *rest = ctl->config_text;
    for (unsigned number = 1; rest != NULL; number++) {
        char *line = text_trim(strsep(&rest, "\n"));
        char *equals = strchr(line, '=');
        if (*line == '\0' || *line == '#')
            continue;
        if (equals != NULL)
            *equals = '\0';
        if (equals == NULL || !set_by_name(ctl, text_trim(line), text_trim(equals + 1))) {
            fprintf(stderr, "resilience-ctl: %s:%u: %s: no such key\n", path, number,
                    text_trim(line));
            return RSM_USAGE;
        }
    }
    return RSM_OK;
}

static enum rsm_status read_environment(struct ctl *ctl)
{
    static const char *const names[][2] = {{"RSM_ENDPOINTS", "endpoints"},
                                           {"RSM_KEY", "key"},
                                           {"RSM_OUTPUT", "output"},
                                           {"RSM_TIMEOUT", "timeout"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i][0]);
        if (value != NULL && *value != '\0' && !set_by_name(ctl, names[i][1], value))
            return RSM_USAGE;
    }
    return RSM_OK;
}

/* -------------------------------------------------------------------------------------------- */

static void fill_options(struct option *options)
{
    for (size_t i = 0; i < FLAG_COUNT; i++)
        options[i] = (struct option){flags[i].name,
                                     flags[i].kind == SWITCH ? no_argument : required_argument,
                                     NULL, (int)(256 + i)};
    options[FLAG_OUTPUT] = (struct option){"output", required_argument, NULL, 256 + FLAG_OUTPUT};
    options[FLAG_TIMEOUT] = (struct option){"timeout", required_argument, NULL, 256 + FLAG_TIMEOUT};
    options[FLAG_HELP] = (struct option){"help", no_argument, NULL, 256 + FLAG_HELP};
    options[FLAG_VERSION] = (struct option){"version", no_argument, NULL, 256 + FLAG_VERSION};
    options[FLAG_END] = (struct option){NULL, 0, NULL, 0};
}

struct given {
    bool flags[FLAG_COUNT];
    bool help, version;
};

static bool take_options(struct ctl *ctl, int count, char **arguments, struct given *given)
{
    struct option options[FLAG_END + 1];
    int option;
    fill_options(options);
    while ((option = getopt_long(count, arguments, "h", options, NULL)) != -1) {
        int index = option - 256;
        bool good = true;
        if (option == '?') { /* getopt has said why */
            const char *meant = nearest_option(options, arguments[optind - 1]);
            if (meant != NULL)
                fprintf(stderr, "resilience-ctl: did you mean --%s?\n", meant);
            return false;
        }
        if (option == 'h' || index == FLAG_HELP)
            given->help = true;
        else if (index == FLAG_VERSION)
            given->version = true;
        else if (index == FLAG_OUTPUT)
            good = set_output(ctl, optarg);
        else if (index == FLAG_TIMEOUT)
            good = set_timeout(ctl, optarg);
        else {
            given->flags[index] = true;
            good = set_flag(ctl, &flags[index], optarg);
        }
        if (!good)
            return false;
    }
    return true;
}

static const char *nearest_noun(const char *noun)
{
    struct nearest n = nearest_begin(noun);
    for (unsigned i = 0; i < ctl_command_count; i++)
        nearest_offer(&n, ctl_commands[i].noun);
    return n.best;
}

static const char *nearest_verb(const char *noun, const char *verb)
{
    struct nearest n = nearest_begin(verb);
    for (unsigned i = 0; i < ctl_command_count; i++)
        if (strcmp(ctl_commands[i].noun, noun) == 0 && ctl_commands[i].verb != NULL)
            nearest_offer(&n, ctl_commands[i].verb);
    return n.best;
}

/* Of a noun alone, what can follow. False: it is none. */
static bool says_verbs(const char *noun)
{
    const char *before = "";
    for (unsigned i = 0; i < ctl_command_count; i++) {
        if (strcmp(ctl_commands[i].noun, noun) != 0 || ctl_commands[i].verb == NULL)
            continue;
        if (*before == '\0')
            fprintf(stderr, "resilience-ctl: %s what? One of ", noun);
        fprintf(stderr, "%s%s", before, ctl_commands[i].verb);
        before = ", ";
    }
    if (*before != '\0')
        fputs("; see resilience-ctl --help\n", stderr);
    return *before != '\0';
}

static void say_no_command(const char *noun, const char *verb)
{
    if (verb == NULL && says_verbs(noun))
        return;
    const char *near_noun = nearest_noun(noun);
    bool is_noun = near_noun != NULL && strcmp(near_noun, noun) == 0;
    const char *near_verb =
        near_noun != NULL && verb != NULL ? nearest_verb(near_noun, verb) : NULL;
    fprintf(stderr, "resilience-ctl: there is no command \"%s%s%s\"; ", noun,
            verb != NULL ? " " : "", verb != NULL ? verb : "");
    if (near_verb != NULL)
        fprintf(stderr, "did you mean \"%s %s\"? ", near_noun, near_verb);
    else if (near_noun != NULL && !is_noun)
        fprintf(stderr, "did you mean \"%s\"? ", near_noun);
    fputs("try resilience-ctl --help\n", stderr);
}

static enum rsm_status find_command(int *count, char **arguments, bool help,
                                    const struct ctl_command **command_out)
{
    bool noun_known = false;
    const char *noun = *count > 0 ? arguments[0] : NULL;
    const char *verb = *count > 1 ? arguments[1] : NULL;
    if (noun == NULL) {
        ctl_help_all(help ? stdout : stderr);
        return help ? RSM_NOT_FOUND : RSM_USAGE;
    }
    const struct ctl_command *command = ctl_find(noun, verb, &noun_known);
    if (command == NULL) {
        if (help && noun_known) {
            ctl_help(NULL, stdout);
            return RSM_NOT_FOUND;
        }
        say_no_command(noun, verb);
        return RSM_USAGE;
    }
    *count -= command->verb != NULL ? 2 : 1;
    *command_out = command;
    return RSM_OK;
}

/* Why a command has no past to show. */
static const char *why_no_at(const struct ctl_command *command)
{
    static const struct {
        const char *noun, *verb; /* verb NULL: all of the noun */
        const char *why;
    } reasons[] = {
        {"status", NULL, "it asks the replicas how they are at this moment, which no log keeps"},
        {"stages", NULL, "it asks the replicas for what they have measured since their start"},
        {"scrub", NULL, "it reads the disks as they are"},
        {"dev", NULL, "it is about processes here, of which no log has a past"},
        {"log", NULL, "the log is its own past: --from SLOT"},
        {"watch", NULL, "the log is its own past: --from SLOT"},
        {"zone", "diff", "it takes its two slots or times as arguments"},
        {"policy", NULL, "it is about a file, and the policy in force; policy show has --at"},
        {"plan", NULL, "it is about what would change now; zone export and plan list have --at"},
        {"override", NULL, "it is about what to do now; override status has --at"},
        {"rules", NULL,
         "rules are the program's, not the state's; explain says which have met a command"},
    };
    if (command->options & OPT_CHANGE)
        return "what it changes is the state as it is now";
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (strcmp(reasons[i].noun, command->noun) == 0 &&
            (reasons[i].verb == NULL || strcmp(reasons[i].verb, command->verb) == 0))
            return reasons[i].why;
    return "it reads no state";
}

static enum rsm_status check_use(const struct ctl_command *command, int count,
                                 const struct given *given)
{
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        if (given->flags[i] && flags[i].option != 0 && (flags[i].option & command->options) == 0) {
            bool is_at = strcmp(flags[i].name, "at") == 0;
            fprintf(stderr, "resilience-ctl: %s%s%s takes no --%s%s%s\n", command->noun,
                    command->verb != NULL ? " " : "", command->verb != NULL ? command->verb : "",
                    flags[i].name, is_at ? ": " : "", is_at ? why_no_at(command) : "");
            return RSM_USAGE;
        }
    }
    if (count < command->arguments_min ||
        (command->arguments_max >= 0 && count > command->arguments_max)) {
        fprintf(stderr, "resilience-ctl: wrong number of arguments\n");
        ctl_help(command, stderr);
        return RSM_USAGE;
    }
    return RSM_OK;
}

enum rsm_status ctl_parse_options(struct ctl *ctl, int *count, char **arguments,
                                  const struct ctl_command **command_out)
{
    struct given given = {.help = false};
    ctl->output = CTL_OUTPUT_TABLE;
    ctl->timeout_ms = 10000;
    ctl->color = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
    if (read_config(ctl) != RSM_OK || read_environment(ctl) != RSM_OK ||
        !take_options(ctl, *count, arguments, &given))
        return RSM_USAGE;
    if (given.version) {
        puts("resilience-ctl " RSM_VERSION);
        return RSM_NOT_FOUND;
    }
    /* getopt has moved the options to the front. */
    *count -= optind;
    enum rsm_status status = find_command(count, arguments + optind, given.help, command_out);
    if (status != RSM_OK)
        return status;
    if (given.help) {
        ctl_help(*command_out, stdout);
        return RSM_NOT_FOUND;
    }
    return check_use(*command_out, *count, &given);
}
