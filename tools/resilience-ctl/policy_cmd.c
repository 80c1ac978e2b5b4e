/* SPDX-License-Identifier: GPL-3.0-or-later */
/* policy_cmd.c - policy check, test, show, diff and apply: the policy as a file. */
#include <string.h>

#include "src/machine/policy.h"
#include "tools/resilience-ctl/ctl.h"
#include "tools/resilience-ctl/policy_world.h"

static bool is_taken(const char *path, const struct policy_file *file)
{
    struct writer words;
    writer_init(&words, 65536);
    bool is_good = policy_is_taken(file, &words);
    if (!is_good)
        ctl_fail(RSM_REFUSED, "%s: the state machine does not take it: %.*s", path, (int)words.size,
                 (const char *)words.data);
    writer_deinit(&words);
    return is_good;
}

bool policy_file_load(const char *path, struct policy_file *out)
{
    struct rsm_buffer text;
    char error[POLICY_FILE_ERROR_SIZE];
    *out = (struct policy_file){.cases = NULL};
    if (!ctl_read_file(path, POLICY_FILE_SIZE_MAX, &text))
        return false;
    enum rsm_status status = policy_file_read(path, bytes_make(text.data, text.size), out, error);
    rsm_buffer_free(&text);
    if (status != RSM_OK)
        ctl_fail(status, "%s", error);
    return status == RSM_OK && is_taken(path, out);
}

/* How many cases are decided otherwise; `shows_all` prints the good ones as well. */
static size_t run_cases(const char *path, const struct policy_file *file, bool shows_all)
{
    size_t failed = 0;
    for (size_t i = 0; i < file->case_count; i++) {
        const struct policy_case *c = &file->cases[i];
        struct writer words;
        writer_init(&words, 65536);
        bool is_so = policy_case_run(file, c, &words);
        failed += !is_so;
        if (!is_so)
            printf("%s:%llu: FAILED %s: %.*s\n", path, (unsigned long long)c->line, c->name,
                   (int)words.size, (const char *)words.data);
        else if (shows_all)
            printf("ok %s: %.*s\n", c->name, (int)words.size, (const char *)words.data);
        writer_deinit(&words);
    }
    return failed;
}

int ctl_policy_check(struct ctl *ctl, int count, char **arguments)
{
    struct policy_file file;
    (void)ctl;
    (void)count;
    bool is_good = policy_file_load(arguments[0], &file);
    if (is_good)
        printf("%s: a good policy, with %zu cases of its own\n", arguments[0], file.case_count);
    policy_file_free(&file);
    return rsm_status_exit(is_good ? RSM_OK : RSM_USAGE);
}

int ctl_policy_test(struct ctl *ctl, int count, char **arguments)
{
    struct policy_file file;
    (void)ctl;
    (void)count;
    bool is_good = policy_file_load(arguments[0], &file);
    size_t failed = is_good ? run_cases(arguments[0], &file, true) : 0;
    if (is_good)
        printf("%zu passed, %zu failed\n", file.case_count - failed, failed);
    policy_file_free(&file);
    if (!is_good)
        return rsm_status_exit(RSM_USAGE);
    return failed == 0 ? 0 : 1;
}

/* ---- the policy in force, and what a file would make of it ---- */

static enum rsm_status get(struct ctl *ctl, struct writer *out)
{
    struct rsm_buffer result;
    enum rsm_status status = ctl_call(ctl, "policy.get", NULL, &result);
    if (status == RSM_OK) {
        struct rsm_value map = rsm_value_get(rsm_value_of(rsm_buffer_bytes(&result)), "policy");
        struct rsm_bytes raw = map.raw;
        status = policy_file_write(out, bytes_make(raw.data, raw.size));
    }
    rsm_buffer_free(&result);
    return status;
}

static enum rsm_status effect(const struct policy_file *file, struct writer *out)
{
    struct kv *kv = kv_mem_new();
    struct writer map;
    struct reasons reasons;
    bool is_changed;
    writer_init(&map, LIMIT_VALUE_SIZE);
    reasons_init(&reasons);
    enum rsm_status status = policy_set(kv, writer_result(&file->map), &reasons, &is_changed);
    if (status == RSM_OK)
        status = policy_encode(kv, &map);
    if (status == RSM_OK)
        status = policy_file_write(out, writer_result(&map));
    reasons_deinit(&reasons);
    writer_deinit(&map);
    kv_free(kv);
    return status;
}

static bool has_line(struct bytes text, struct bytes line)
{
    size_t begin = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != '\n')
            continue;
        if (bytes_equal(bytes_make(text.data + begin, i - begin), line))
            return true;
        begin = i + 1;
    }
    return false;
}

/* Each line is one number or one item, so that lines are what differs. */
static size_t print_missing(FILE *out, char sign, struct bytes from, struct bytes other)
{
    size_t begin = 0, count = 0;
    for (size_t i = 0; i < from.size; i++) {
        if (from.data[i] != '\n')
            continue;
        struct bytes line = bytes_make(from.data + begin, i - begin);
        if (!has_line(other, line)) {
            fprintf(out, "%c%.*s\n", sign, (int)line.size, (const char *)line.data);
            count++;
        }
        begin = i + 1;
    }
    return count;
}

static enum rsm_status print_diff(struct ctl *ctl, const struct policy_file *file, FILE *out,
                                  size_t *count_out)
{
    struct writer now, then;
    writer_init(&now, LIMIT_VALUE_SIZE);
    writer_init(&then, LIMIT_VALUE_SIZE);
    enum rsm_status status = ctl_connect(ctl);
    if (status == RSM_OK)
        status = get(ctl, &now);
    if (status == RSM_OK)
        status = effect(file, &then);
    *count_out = 0;
    if (status == RSM_OK)
        *count_out = print_missing(out, '-', writer_result(&now), writer_result(&then)) +
                     print_missing(out, '+', writer_result(&then), writer_result(&now));
    writer_deinit(&now);
    writer_deinit(&then);
    return status;
}

int ctl_policy_show(struct ctl *ctl, int count, char **arguments)
{
    struct writer text;
    (void)count;
    (void)arguments;
    writer_init(&text, LIMIT_VALUE_SIZE);
    enum rsm_status status = ctl_connect(ctl);
    if (status == RSM_OK)
        status = get(ctl, &text);
    if (status == RSM_OK)
        (void)fwrite(text.data, 1, text.size, stdout);
    writer_deinit(&text);
    return rsm_status_exit(status);
}

int ctl_policy_diff(struct ctl *ctl, int count, char **arguments)
{
    struct policy_file file;
    size_t lines;
    (void)count;
    enum rsm_status status = policy_file_load(arguments[0], &file) ? RSM_OK : RSM_USAGE;
    if (status == RSM_OK)
        status = print_diff(ctl, &file, stdout, &lines);
    if (status == RSM_OK && lines == 0)
        fprintf(stderr, "the policy is as the file says\n");
    policy_file_free(&file);
    return rsm_status_exit(status);
}

static int apply(struct ctl *ctl, const struct policy_file *file)
{
    struct rsm_buffer body = {NULL, 0};
    size_t lines;
    enum rsm_status status = print_diff(ctl, file, stderr, &lines);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    if (lines == 0) {
        fprintf(stderr, "the policy is as the file says: nothing to do\n");
        return 0;
    }
    if (!ctl_confirm(ctl, "set this policy"))
        return rsm_status_exit(RSM_USAGE);
    status = ctl_sign_in(ctl);
    if (status == RSM_OK)
        status = ctl_see_list(ctl, "policy.get");
    if (status != RSM_OK)
        return rsm_status_exit(status);
    status = rsm_body_policy_set(rsm_bytes_make(file->map.data, file->map.size), &body);
    return ctl_change(ctl, RSM_KIND_POLICY_SET, status, &body, "set");
}

int ctl_policy_apply(struct ctl *ctl, int count, char **arguments)
{
    struct policy_file file;
    int result = rsm_status_exit(RSM_USAGE);
    (void)count;
    if (policy_file_load(arguments[0], &file)) {
        if (run_cases(arguments[0], &file, false) > 0)
            result =
                ctl_fail(RSM_REFUSED, "%s does not decide its own cases as it says", arguments[0]);
        else
            result = apply(ctl, &file);
    }
    policy_file_free(&file);
    return result;
}
