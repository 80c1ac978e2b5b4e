/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session.c - the way to the cluster and back: connect, sign in, call, submit, say what came. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include <rsm/change.h>
#include <rsm/rule.h>

#include "tools/lib/plain.h"
#include "tools/lib/when.h"
#include "tools/resilience-ctl/address.h"
#include "tools/resilience-ctl/check.h"
#include "tools/resilience-ctl/ctl.h"
#include "tools/resilience-ctl/past.h"

#define PASSPHRASE_MAX 1024u
#define FAIL_TEXT_SIZE 8192u

int ctl_fail(enum rsm_status status, const char *format, ...)
{
    char text[FAIL_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "resilience-ctl: %s\n", plain_text(text, "\n\t"));
    return rsm_status_exit(status);
}

enum rsm_status ctl_connect(struct ctl *ctl)
{
    if (ctl->client != NULL)
        return RSM_OK;
    if (!ctl_has_endpoints(ctl))
        return RSM_USAGE;
    enum rsm_status status = rsm_client_new(ctl->endpoints, &ctl->client);
    if (status != RSM_OK)
        ctl_fail(status, "--endpoints \"%s\": %s", ctl->endpoints, rsm_status_sentence(status));
    return status;
}

/* -------------------------------------------------------------------------------------------- */
/* Keys. */

static bool read_line(FILE *file, char *line, size_t size)
{
    if (fgets(line, (int)size, file) == NULL)
        return false;
    line[strcspn(line, "\r\n")] = '\0';
    return true;
}

/* From the file that RSM_PASSPHRASE_FILE names, else from the terminal, without echo. */
static bool read_passphrase(const char *path, char *passphrase)
{
    const char *file_path = getenv("RSM_PASSPHRASE_FILE");
    FILE *file =
        fopen(file_path != NULL ? file_path : "/dev/tty", file_path != NULL ? "re" : "r+e");
    if (file == NULL) {
        ctl_fail(RSM_BAD_PASSPHRASE,
                 "%s has a passphrase, and there is neither a terminal nor RSM_PASSPHRASE_FILE",
                 path);
        return false;
    }
    struct stat found;
    struct termios before, silent;
    bool good = false;
    if (file_path != NULL && fstat(fileno(file), &found) == 0 && (found.st_mode & 077) != 0 &&
        S_ISREG(found.st_mode)) {
        ctl_fail(RSM_KEY_EXPOSED, "%s: others can read it: chmod 600", file_path);
    } else if (file_path != NULL) {
        good = read_line(file, passphrase, PASSPHRASE_MAX);
    } else if (tcgetattr(fileno(file), &before) == 0) {
        silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(fileno(file), TCSAFLUSH, &silent);
        fprintf(file, "passphrase of %s: ", path);
        fflush(file);
        good = read_line(file, passphrase, PASSPHRASE_MAX);
        tcsetattr(fileno(file), TCSAFLUSH, &before);
        fputc('\n', file);
    }
    fclose(file);
    return good;
}

enum rsm_status ctl_load_key(struct ctl *ctl)
{
    bool encrypted = false;
    if (ctl->key != NULL) /* who signs in again is not asked for a passphrase again */
        return RSM_OK;
    if (ctl->key_path == NULL) {
        ctl_fail(RSM_USAGE, "who signs? --key or RSM_KEY names a key file");
        return RSM_USAGE;
    }
    enum rsm_status status = rsm_key_is_encrypted(ctl->key_path, &encrypted);
    if (status == RSM_OK && encrypted) {
        char *passphrase = sodium_malloc(PASSPHRASE_MAX);
        status = passphrase != NULL && read_passphrase(ctl->key_path, passphrase)
                     ? rsm_key_load(ctl->key_path, passphrase, strlen(passphrase), &ctl->key)
                     : RSM_BAD_PASSPHRASE;
        sodium_free(passphrase);
    } else if (status == RSM_OK) {
        status = rsm_key_load(ctl->key_path, NULL, 0, &ctl->key);
    }
    if (status == RSM_KEY_EXPOSED)
        ctl_fail(status, "%s: others can read or replace it, so it is refused: chmod 600",
                 ctl->key_path);
    else if (status != RSM_OK)
        ctl_fail(status, "%s: %s", ctl->key_path, rsm_status_sentence(status));
    return status;
}

/* What a replica answers begins with the status already. */
static void fail_by_client(struct ctl *ctl, enum rsm_status status)
{
    const char *text = rsm_status_text(status), *words = rsm_client_error(ctl->client);
    if (strncmp(words, text, strlen(text)) == 0)
        ctl_fail(status, "%s", words);
    else
        ctl_fail(status, "%s: %s", text, words);
}

enum rsm_status ctl_sign_in(struct ctl *ctl)
{
    if (ctl->signer != NULL)
        return RSM_OK;
    enum rsm_status status = ctl_load_key(ctl);
    if (status == RSM_OK)
        status = ctl_connect(ctl);
    if (status != RSM_OK)
        return status;
    status = rsm_author_open(ctl->client, ctl->key, ctl->timeout_ms, &ctl->signer);
    if (status != RSM_OK)
        fail_by_client(ctl, status);
    if (status == RSM_NO_QUORUM)
        fputs("  nothing was signed or changed, and nothing is without a majority; who is there: "
              "resilience-ctl status\n",
              stderr);
    return status;
}

void ctl_close(struct ctl *ctl)
{
    past_free(ctl->past);
    rsm_author_free(ctl->signer);
    rsm_client_free(ctl->client);
    rsm_key_free(ctl->key);
}

/* -------------------------------------------------------------------------------------------- */
/* Reading. */

bool ctl_has_read_options(const struct ctl *ctl)
{
    return ctl->at != NULL || ctl->stale;
}

/* --at: a slot, or a time in UTC: its last millisecond. */
static bool parse_at(const char *text, bool *is_slot_out, uint64_t *value_out)
{
    uint64_t first_ms;
    *is_slot_out = ctl_parse_number(text, value_out);
    return *is_slot_out || when_parse(text, &first_ms, value_out);
}

void ctl_pack_read_options(struct ctl *ctl, struct rsm_pack *params, const char *key,
                           struct rsm_bytes value, uint64_t pin_slot)
{
    bool is_slot = pin_slot > 0;
    uint64_t at = pin_slot;
    bool has_at = is_slot || (ctl->at != NULL && parse_at(ctl->at, &is_slot, &at));
    rsm_pack_map(params, (uint32_t)has_at + (uint32_t)ctl->stale + (key != NULL));
    if (has_at) {
        rsm_pack_text(params, is_slot ? "at_slot" : "at_ms");
        rsm_pack_uint(params, at);
    }
    if (ctl->stale) {
        rsm_pack_text(params, "level");
        rsm_pack_text(params, "stale");
    }
    if (key != NULL) {
        rsm_pack_text(params, key);
        rsm_pack_bin(params, value);
    }
}

enum rsm_status ctl_call(struct ctl *ctl, const char *method, struct rsm_pack *params,
                         struct rsm_buffer *result_out)
{
    struct past_moment at;
    *result_out = (struct rsm_buffer){NULL, 0};
    if (ctl->at != NULL && !parse_at(ctl->at, &at.is_slot, &at.value)) {
        ctl_fail(RSM_USAGE, "--at is a slot or a time such as 2026-11-23T15:00:00Z, not \"%s\"",
                 ctl->at);
        return RSM_USAGE;
    }
    enum rsm_status status = ctl_connect(ctl);
    if (status != RSM_OK)
        return status;
    struct rsm_value value = {{NULL, 0}};
    if (params != NULL)
        value = rsm_value_of(rsm_pack_result(params));
    const struct method *past = past_method(ctl, method);
    if (past != NULL)
        return past_call(ctl, past, at, value.raw, result_out);
    status = rsm_client_call(ctl->client, method, value, ctl->timeout_ms, result_out);
    if (status == RSM_OK || status == RSM_NOT_FOUND)
        return status;
    fail_by_client(ctl, status);
    return status;
}

const char *ctl_call_words(const struct ctl *ctl)
{
    return ctl->past != NULL ? past_words(ctl->past) : rsm_client_error(ctl->client);
}

enum rsm_status ctl_see_rrset(struct ctl *ctl, struct bytes zone, struct bytes owner, uint16_t type)
{
    struct rsm_buffer result;
    struct rsm_pack *params = rsm_pack_new();
    rsm_pack_array(params, 3);
    rsm_pack_bin(params, ctl_bytes(zone));
    rsm_pack_bin(params, ctl_bytes(owner));
    rsm_pack_uint(params, type);
    enum rsm_status status = ctl_call(ctl, "rrset.get", params, &result);
    rsm_pack_free(params);
    if (status == RSM_OK)
        status = rsm_author_see_result(ctl->signer, rsm_value_of(rsm_buffer_bytes(&result)));
    rsm_buffer_free(&result);
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

enum rsm_status ctl_see_list(struct ctl *ctl, const char *method)
{
    struct rsm_bytes after = {NULL, 0};
    struct rsm_buffer page = {NULL, 0};
    enum rsm_status status;
    do {
        struct rsm_buffer last = page; /* `after` is in it */
        struct rsm_pack *params = rsm_pack_new();
        rsm_pack_array(params, 1);
        ctl_pack_read_options(ctl, params, after.size > 0 ? "after" : NULL, after, 0);
        status = ctl_call(ctl, method, after.size > 0 ? params : NULL, &page);
        rsm_pack_free(params);
        rsm_buffer_free(&last);
        struct rsm_value value = rsm_value_of(rsm_buffer_bytes(&page));
        if (status == RSM_OK)
            status = rsm_author_see_result(ctl->signer, value);
        after = rsm_value_octets(rsm_value_get(value, "next"));
    } while (status == RSM_OK && after.size > 0);
    rsm_buffer_free(&page);
    return status;
}

/* -------------------------------------------------------------------------------------------- */
/* Changing. */

bool ctl_confirm(struct ctl *ctl, const char *what)
{
    char line[16];
    if (ctl->yes)
        return true;
    if (!isatty(STDIN_FILENO)) {
        ctl_fail(RSM_USAGE, "%s needs --yes when nobody can be asked", what);
        return false;
    }
    fprintf(stderr, "%s? [y/N] ", what);
    return read_line(stdin, line, sizeof line) && (line[0] == 'y' || line[0] == 'Y');
}

/* Which of the rules that stand against it an override may name, and which nobody lets past. */
static void print_way_out(struct rsm_value rules)
{
    for (int may = 1; may >= 0; may--) {
        struct rsm_walk walk = rsm_walk_begin(rules);
        struct rsm_value rule;
        uint64_t seen[8] = {0}; /* bit n: rule n stands there already */
        char list[1024] = "";
        size_t used = 0;
        while (rsm_walk_next(&walk, &rule)) {
            struct rsm_bytes id = rsm_value_octets(rsm_value_get(rule, "rule"));
            uint32_t number = rsm_rule_parse(id.data, id.size);
            if (number >= 512 || used + 64 > sizeof list ||
                rsm_rule_may_be_overridden(number) != may || (seen[number / 64] >> number % 64 & 1))
                continue;
            seen[number / 64] |= UINT64_C(1) << number % 64;
            used +=
                (size_t)snprintf(list + used, sizeof list - used, may ? "%s%s" : "%s%s",
                                 used > 0 ? may ? " --override " : ", " : "", rsm_rule_id(number));
        }
        if (used == 0 && may)
            return;
        if (used > 0 && may)
            fprintf(stderr,
                    "  to have it let past: the same with --override %s, and two approvals\n"
                    "  (or, in a file of `override request`, added to its list `bypass`)\n",
                    list);
        else if (used > 0)
            fprintf(stderr, "  no override lets past: %s\n", list);
    }
}

static void print_refusal(struct rsm_value rules)
{
    ctl_print_rules(stderr, "  refused by ", rules);
    print_way_out(rules);
}

static int print_verdicts(struct ctl *ctl, const struct rsm_buffer *result, const char *done)
{
    struct rsm_value value = rsm_value_of(rsm_buffer_bytes(result));
    struct rsm_value slot = rsm_value_get(value, "slot");
    struct rsm_walk walk = rsm_verdicts(rsm_buffer_bytes(result));
    struct rsm_verdict verdict;
    int status = 0;
    if (ctl->output != CTL_OUTPUT_TABLE)
        ctl_print_map(ctl, value);
    while (rsm_verdict_next(&walk, &verdict)) {
        char text[1024];
        if (verdict.settled)
            continue;
        if (verdict.staged) {
            char digest[2 * RSM_DIGEST_SIZE + 1];
            struct rsm_bytes octets = rsm_value_octets(verdict.digest);
            if (octets.size == sizeof ctl->staged_digest)
                memcpy(ctl->staged_digest, octets.data, octets.size);
            fprintf(stderr, "staged in slot %llu, not in effect: %s\n",
                    (unsigned long long)rsm_value_uint(slot),
                    ctl_cell(verdict.result, text, sizeof text));
            fprintf(stderr, "  to follow it: resilience-ctl outcome %s\n",
                    ctl_cell(verdict.digest, digest, sizeof digest));
            if (status == 0)
                status = ctl->wait != NULL ? ctl_change_wait(ctl, rsm_value_octets(verdict.digest))
                                           : rsm_status_exit(RSM_STAGED);
        } else if (!verdict.applied) {
            fprintf(stderr, "refused in slot %llu\n", (unsigned long long)rsm_value_uint(slot));
            print_refusal(verdict.rules);
            status = rsm_status_exit(RSM_REFUSED);
        } else if (ctl->output == CTL_OUTPUT_TABLE) {
            bool has_result = rsm_value_count(verdict.result) > 0;
            fprintf(ctl->is_report ? stderr : stdout, "%s in slot %llu%s%s\n", done,
                    (unsigned long long)rsm_value_uint(slot), has_result ? " " : "",
                    has_result ? ctl_cell(verdict.result, text, sizeof text) : "");
            (void)fflush(stdout); /* what follows on stderr follows this */
        }
    }
    return status;
}

int ctl_submit(struct ctl *ctl, struct rsm_bytes envelope, const char *done)
{
    struct rsm_buffer result = {NULL, 0};
    enum rsm_status status = rsm_client_submit(ctl->client, envelope, ctl->timeout_ms, &result);
    int exit_status = rsm_status_exit(status);
    if (status == RSM_OK)
        exit_status = print_verdicts(ctl, &result, done);
    else
        fail_by_client(ctl, status);
    rsm_buffer_free(&result);
    return exit_status;
}

/* --class and --override: the change as a request. */
static enum rsm_status wrap(struct ctl *ctl, enum rsm_kind *kind, struct rsm_buffer *body)
{
    enum rsm_class class = RSM_CLASS_STANDARD;
    struct rsm_bytes rules[CTL_LIST_MAX];
    struct rsm_buffer inner = *body;
    if (*kind == RSM_KIND_CHANGE_REQUEST) /* an override's file: it has them already */
        return RSM_OK;
    if (ctl->class == NULL && ctl->overrides.count == 0 && ctl->undone == NULL &&
        ctl->restored == 0)
        return RSM_OK;
    if (ctl->class != NULL && strcmp(ctl->class, "critical") == 0)
        class = RSM_CLASS_CRITICAL;
    else if (ctl->class != NULL && strcmp(ctl->class, "emergency") == 0)
        class = RSM_CLASS_EMERGENCY;
    else if (ctl->class != NULL)
        return RSM_USAGE;
    for (unsigned i = 0; i < ctl->overrides.count; i++)
        rules[i] = rsm_text(ctl->overrides.items[i]);
    struct rsm_bytes undone = {ctl->undone, ctl->undone != NULL ? RSM_DIGEST_SIZE : 0};
    enum rsm_status status =
        ctl->restored != 0
            ? rsm_body_change_restore(class, rules, ctl->overrides.count, ctl->restored,
                                      rsm_kind_text(*kind), rsm_buffer_bytes(&inner), body)
            : rsm_body_change_undo(class, rules, ctl->overrides.count, undone, rsm_kind_text(*kind),
                                   rsm_buffer_bytes(&inner), body);
    rsm_buffer_free(&inner);
    *kind = RSM_KIND_CHANGE_REQUEST;
    return status;
}

int ctl_change(struct ctl *ctl, enum rsm_kind kind, enum rsm_status body_status,
               struct rsm_buffer *body, const char *done)
{
    struct rsm_buffer envelope = {NULL, 0};
    enum rsm_status status = body_status;
    uint64_t counter = 0;
    if (status == RSM_OK)
        status = wrap(ctl, &kind, body);
    if (status != RSM_OK)
        return ctl_fail(status, "the change cannot be encoded: %s", rsm_status_sentence(status));
    status = ctl_sign_in(ctl);
    int exit_status = rsm_status_exit(status);
    if (status == RSM_OK) {
        counter = rsm_author_counter(ctl->signer);
        status = rsm_author_sign(ctl->signer, kind, rsm_buffer_bytes(body),
                                 ctl->reason != NULL ? ctl->reason : "", NULL, 0, &envelope);
        if (status != RSM_OK)
            exit_status = ctl_fail(status, "cannot sign: %s", rsm_status_sentence(status));
    }
    if (status == RSM_OK && ctl->envelope_out != NULL &&
        !ctl_write_file(ctl->envelope_out, rsm_buffer_bytes(&envelope))) {
        status = RSM_IO;
        exit_status = rsm_status_exit(status);
    }
    if (status == RSM_OK && ctl->no_submit) {
        if (ctl->envelope_out == NULL)
            exit_status = ctl_fail(RSM_USAGE, "--no-submit without --envelope-out does nothing");
    } else if (status == RSM_OK) {
        exit_status = ctl_submit(ctl, rsm_buffer_bytes(&envelope), done);
        if (exit_status == rsm_status_exit(RSM_OUTCOME_UNKNOWN))
            fprintf(stderr, "  to ask for it: resilience-ctl outcome %s %llu\n",
                    rsm_key_name(ctl->key), (unsigned long long)counter);
    }
    rsm_buffer_free(&envelope);
    rsm_buffer_free(body);
    return exit_status;
}

int ctl_each_endpoint(struct ctl *ctl, int (*visit)(struct ctl *ctl, const char *endpoint))
{
    char list[4096];
    int failed = 0;
    if (!ctl_has_endpoints(ctl))
        return rsm_status_exit(RSM_USAGE);
    snprintf(list, sizeof list, "%s", ctl->endpoints);
    char *rest = list;
    while (rest != NULL) {
        char *endpoint = strsep(&rest, ",");
        if (*endpoint != '\0')
            failed += visit(ctl, endpoint);
    }
    return failed == 0 ? 0 : rsm_status_exit(RSM_CANNOT_CONNECT);
}
