/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * factor_ask.c - see factor.h.
 *
 *     key-eddsa       --factor-key FILE: a key file that is not the one which signs commands
 *     totp            --code DIGITS: the replica that is asked checks it, and says so with its key
 *     all that sign   --factor-program FILE (a name alone is looked for in PATH): is run as FILE
 *                     METHOD HASH RELYING_PARTY (hex; the last one may be empty) and prints
 *                     DATA SIGNATURE in hex; - for no data. Devices and PKCS#11 modules are its
 *                     business, not ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/machine/factor.h"
#include "tools/resilience-ctl/factor.h"

#define ANSWER_SIZE (2 * FACTOR_DATA_SIZE_MAX + 2 * RSM_FACTOR_SIGNATURE_SIZE + 16)

extern char **environ;

struct enrolled {
    enum rsm_factor_method method;
    char relying_party[LIMIT_LABEL_SIZE + 1];
};

static bool is_text(struct rsm_value value, const char *text)
{
    struct rsm_bytes octets = rsm_value_octets(value);
    return octets.size == strlen(text) && memcmp(octets.data, text, octets.size) == 0;
}

static enum rsm_status find(struct ctl *ctl, struct enrolled *out)
{
    struct rsm_buffer result;
    struct rsm_value factor;
    bool is_found = false;
    enum rsm_status status = ctl_call(ctl, "factor.list", NULL, &result);
    if (status != RSM_OK)
        return status;
    struct rsm_walk walk =
        rsm_walk_begin(rsm_value_get(rsm_value_of(rsm_buffer_bytes(&result)), "factors"));
    while (!is_found && rsm_walk_next(&walk, &factor)) {
        is_found = is_text(rsm_value_get(factor, "principal"), rsm_key_name(ctl->key)) &&
                   is_text(rsm_value_get(factor, "id"), ctl->factor);
        if (is_found && rsm_factor_parse(rsm_value_octets(rsm_value_get(factor, "method")),
                                         &out->method) != RSM_OK)
            is_found = false;
        if (is_found)
            ctl_cell(rsm_value_get(factor, "relying_party"), out->relying_party,
                     sizeof out->relying_party);
    }
    rsm_buffer_free(&result);
    if (is_found)
        return RSM_OK;
    ctl_fail(RSM_NOT_FOUND, "%s has no second factor %s: factor list", rsm_key_name(ctl->key),
             ctl->factor);
    return RSM_NOT_FOUND;
}

/* ---- another key ---- */

static enum rsm_status ask_key(struct ctl *ctl, struct factor_answer *out)
{
    struct rsm_key *own = ctl->key, *other;
    const char *path = ctl->key_path;
    /* The same way as the first one: modes, passphrase. */
    ctl->key = NULL;
    ctl->key_path = ctl->factor_key;
    enum rsm_status status = ctl_load_key(ctl);
    other = ctl->key;
    ctl->key = own;
    ctl->key_path = path;
    if (status == RSM_OK)
        status = rsm_factor_sign(other, out->over, out->signature);
    rsm_key_free(other);
    return status;
}

/* ---- a program ---- */

static ssize_t run(const char *program, char *const arguments[], char *text, size_t size)
{
    posix_spawn_file_actions_t actions;
    pid_t child = 0;
    int ends[2], status = 0;
    size_t used = 0;
    ssize_t got = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    int error = posix_spawnp(&child, program, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    while (error == 0 && used < size - 1 &&
           ((got = read(ends[0], text + used, size - 1 - used)) > 0 || (got < 0 && errno == EINTR)))
        used += got > 0 ? (size_t)got : 0;
    close(ends[0]);
    text[used] = '\0';
    while (error == 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return error == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? (ssize_t)used : -1;
}

static enum rsm_status ask_program(struct ctl *ctl, struct enrolled *enrolled,
                                   struct factor_answer *out)
{
    char hash[2 * RSM_FACTOR_HASH_SIZE + 1], text[ANSWER_SIZE];
    char *arguments[] = {(char *)(uintptr_t)ctl->factor_program,
                         (char *)(uintptr_t)rsm_factor_text(enrolled->method), hash,
                         enrolled->relying_party, NULL};
    hex_encode(hash, bytes_make(out->over, sizeof out->over));
    if (run(ctl->factor_program, arguments, text, sizeof text) < 0) {
        ctl_fail(RSM_FAILED, "%s did not sign", ctl->factor_program);
        return RSM_FAILED;
    }
    char *rest = text;
    const char *data = strsep(&rest, " ");
    if (rest != NULL)
        rest[strcspn(rest, "\r\n")] = '\0';
    out->data_size = strcmp(data, "-") == 0 ? 0 : strlen(data) / 2;
    bool is_good = rest != NULL && out->data_size <= sizeof out->data &&
                   (out->data_size == 0 || hex_decode(out->data, out->data_size, data)) &&
                   hex_decode(out->signature, sizeof out->signature, rest);
    if (!is_good)
        ctl_fail(RSM_FAILED, "%s printed no DATA and SIGNATURE in hex", ctl->factor_program);
    return is_good ? RSM_OK : RSM_FAILED;
}

/* ---- a replica ---- */

static enum rsm_status ask_replica(struct ctl *ctl, struct rsm_bytes digest,
                                   struct factor_answer *out)
{
    struct rsm_buffer result;
    struct rsm_pack *params = rsm_pack_new();
    rsm_pack_array(params, 4);
    rsm_pack_bin(params, digest);
    rsm_pack_text(params, rsm_key_name(ctl->key));
    rsm_pack_text(params, ctl->factor);
    rsm_pack_text(params, ctl->code);
    enum rsm_status status = ctl_call(ctl, "factor.attest", params, &result);
    rsm_pack_free(params);
    if (status == RSM_NOT_FOUND)
        ctl_fail(status, "%s", rsm_client_error(ctl->client));
    if (status != RSM_OK)
        return status;
    struct rsm_value value = rsm_value_of(rsm_buffer_bytes(&result));
    struct rsm_bytes data = rsm_value_octets(rsm_value_get(value, "data"));
    struct rsm_bytes signature = rsm_value_octets(rsm_value_get(value, "signature"));
    if (data.size == TOTP_DATA_SIZE && signature.size == sizeof out->signature) {
        memcpy(out->data, data.data, data.size);
        memcpy(out->signature, signature.data, signature.size);
        out->data_size = data.size;
    } else {
        status = RSM_MALFORMED;
        ctl_fail(status, "the replica's answer is no attestation");
    }
    rsm_buffer_free(&result);
    return status;
}

enum rsm_status factor_ask(struct ctl *ctl, struct rsm_bytes digest, struct factor_answer *out)
{
    struct enrolled enrolled;
    *out = (struct factor_answer){.data_size = 0};
    enum rsm_status status = find(ctl, &enrolled);
    if (status != RSM_OK)
        return status;
    rsm_factor_hash(digest, rsm_text(rsm_key_name(ctl->key)), out->over);
    if (enrolled.method == RSM_FACTOR_TOTP && ctl->code != NULL)
        return ask_replica(ctl, digest, out);
    if (enrolled.method == RSM_FACTOR_KEY_EDDSA && ctl->factor_key != NULL)
        return ask_key(ctl, out);
    if (enrolled.method != RSM_FACTOR_TOTP && ctl->factor_program != NULL)
        return ask_program(ctl, &enrolled, out);
    ctl_fail(RSM_USAGE, "%s is a %s: --code, --factor-key or --factor-program is needed for it",
             ctl->factor, rsm_factor_text(enrolled.method));
    return RSM_USAGE;
}
