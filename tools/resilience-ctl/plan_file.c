/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plan_file.c - plan diff and plan apply: a YAML file says what a zone, or some names in it, shall
 * be.
 *
 *     zone: example.org
 *     reason: new web server         # optional
 *     names: [www, api]              # optional: only these; else the whole zone
 *     records: |                     # as in a master file
 *       www 300 IN A 192.0.2.1
 *
 * What the records do not have is deleted, within `names`; the SOA's serial is the cluster's.
 */
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "src/base/mem.h"
#include "src/machine/effects.h"
#include "tools/resilience-ctl/changes.h"
#include "tools/resilience-ctl/check.h"

#define PLAN_FILE_MAX (16u << 20)
#define PLAN_NAMES_MAX 4096u

struct plan_file {
    char *zone, *reason, *records; /* owned */
    char **names;                  /* owned */
    size_t name_count;
    bool has_names;
};

static char *scalar(yaml_document_t *document, int index)
{
    const yaml_node_t *node = yaml_document_get_node(document, index);
    if (node == NULL || node->type != YAML_SCALAR_NODE)
        return NULL;
    return mem_copy_text(node->data.scalar.value, node->data.scalar.length);
}

static bool take_names(yaml_document_t *document, int index, struct plan_file *out)
{
    yaml_node_t *node = yaml_document_get_node(document, index);
    if (node == NULL || node->type != YAML_SEQUENCE_NODE)
        return false;
    size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (count > PLAN_NAMES_MAX)
        return false;
    out->has_names = true;
    out->names = mem_alloc((count + 1) * sizeof *out->names);
    for (size_t i = 0; i < count; i++) {
        out->names[i] = scalar(document, node->data.sequence.items.start[i]);
        if (out->names[i] == NULL)
            return false;
        out->name_count++;
    }
    return true;
}

static bool take_key(yaml_document_t *document, const yaml_node_pair_t *pair, const char *path,
                     struct plan_file *out)
{
    char *key = scalar(document, pair->key);
    char **place = NULL;
    bool good = false;
    if (key != NULL && strcmp(key, "zone") == 0)
        place = &out->zone;
    else if (key != NULL && strcmp(key, "reason") == 0)
        place = &out->reason;
    else if (key != NULL && strcmp(key, "records") == 0)
        place = &out->records;
    if (place != NULL && *place == NULL) {
        *place = scalar(document, pair->value);
        good = *place != NULL;
    } else if (key != NULL && strcmp(key, "names") == 0 && !out->has_names) {
        good = take_names(document, pair->value, out);
    }
    if (!good) {
        const yaml_node_t *node = yaml_document_get_node(document, pair->key);
        ctl_fail(RSM_USAGE,
                 "%s:%zu: %s: zone, reason, names (a list) and records (text) may stand "
                 "here, once each",
                 path, node != NULL ? node->start_mark.line + 1 : 0, key != NULL ? key : "?");
    }
    mem_free(key);
    return good;
}

static bool take_document(yaml_document_t *document, const char *path, struct plan_file *out)
{
    yaml_node_t *root = yaml_document_get_root_node(document);
    if (root == NULL || root->type != YAML_MAPPING_NODE) {
        ctl_fail(RSM_USAGE, "%s: a mapping with zone and records is wanted", path);
        return false;
    }
    for (yaml_node_pair_t *pair = root->data.mapping.pairs.start;
         pair < root->data.mapping.pairs.top; pair++)
        if (!take_key(document, pair, path, out))
            return false;
    if (out->zone == NULL || out->records == NULL) {
        ctl_fail(RSM_USAGE, "%s: zone and records are both needed", path);
        return false;
    }
    return true;
}

static bool read_plan_file(const char *path, struct plan_file *out)
{
    struct rsm_buffer text;
    yaml_parser_t parser;
    yaml_document_t document;
    *out = (struct plan_file){0};
    if (!ctl_read_file(path, PLAN_FILE_MAX, &text))
        return false;
    if (!yaml_parser_initialize(&parser)) {
        rsm_buffer_free(&text);
        return false;
    }
    yaml_parser_set_input_string(&parser, text.data, text.size);
    bool good = yaml_parser_load(&parser, &document) == 1;
    if (good) {
        good = take_document(&document, path, out);
        yaml_document_delete(&document);
    } else {
        ctl_fail(RSM_USAGE, "%s:%zu: %s", path, parser.problem_mark.line + 1,
                 parser.problem != NULL ? parser.problem : "not YAML");
    }
    yaml_parser_delete(&parser);
    rsm_buffer_free(&text);
    return good;
}

static void free_plan_file(struct plan_file *file)
{
    mem_free(file->zone);
    mem_free(file->reason);
    mem_free(file->records);
    for (size_t i = 0; i < file->name_count; i++)
        mem_free(file->names[i]);
    mem_free(file->names);
}

/* -------------------------------------------------------------------------------------------- */

/* Everything that diff and apply share. */
struct work {
    struct plan_file file;
    uint8_t zone_buffer[NAME_SIZE_MAX];
    struct bytes zone;
    uint8_t (*name_buffers)[NAME_SIZE_MAX]; /* owned */
    struct bytes *names;                    /* owned */
    struct zonefile wanted;
    struct zone_content now;
    struct change_list list;
};

static void work_free(struct work *w)
{
    change_list_free(&w->list);
    zone_content_free(&w->now);
    zonefile_free(&w->wanted);
    mem_free(w->name_buffers);
    mem_free(w->names);
    free_plan_file(&w->file);
}

static bool take_scope(struct work *w, struct change_scope *scope)
{
    *scope = (struct change_scope){.may_delete = true};
    if (!w->file.has_names)
        return true;
    w->name_buffers = mem_alloc((w->file.name_count + 1) * sizeof *w->name_buffers);
    w->names = mem_alloc((w->file.name_count + 1) * sizeof *w->names);
    for (size_t i = 0; i < w->file.name_count; i++)
        if (!ctl_name(w->file.names[i], w->zone, w->name_buffers[i], &w->names[i]))
            return false;
    scope->names = w->names;
    scope->name_count = w->file.name_count;
    return true;
}

/* A record outside the names that the file says it is about is a mistake of whoever wrote it. */
static bool inside_scope(const struct work *w, const struct change_scope *scope)
{
    char text[NAME_TEXT_MAX];
    for (size_t i = 0; scope->names != NULL && i < w->wanted.rrset_count; i++) {
        bool found = false;
        for (size_t k = 0; k < scope->name_count && !found; k++)
            found = name_equal(scope->names[k], w->wanted.rrsets[i].owner);
        if (!found) {
            ctl_fail(RSM_USAGE, "%s is in records, and not in names",
                     name_to_text(w->wanted.rrsets[i].owner, text));
            return false;
        }
    }
    return true;
}

static enum rsm_status compare(struct ctl *ctl, const char *path, struct work *w)
{
    struct change_scope scope;
    *w = (struct work){.zone = {NULL, 0}};
    if (!read_plan_file(path, &w->file) ||
        !ctl_name(w->file.zone, (struct bytes){NULL, 0}, w->zone_buffer, &w->zone) ||
        !take_scope(w, &scope))
        return RSM_USAGE;
    enum rsm_status status =
        zonefile_parse(bytes_of_string(w->file.records), w->zone, 3600, &w->wanted);
    if (status != RSM_OK) {
        ctl_fail(RSM_USAGE, "%s: records: line %llu: %s", path,
                 (unsigned long long)w->wanted.errors[0].line, w->wanted.errors[0].text);
        return RSM_USAGE;
    }
    if (!inside_scope(w, &scope))
        return RSM_USAGE;
    status = zone_content_read(ctl, w->zone, (struct bytes){NULL, 0}, &w->now);
    if (status == RSM_NOT_FOUND)
        ctl_fail(status, "there is no zone %s", w->file.zone);
    if (status == RSM_OK)
        change_list_between(&w->list, &w->now, &w->wanted, &scope);
    return status;
}

/* -------------------------------------------------------------------------------------------- */
/* What was reviewed. */

#define DIGEST_TEXT_SIZE (2 * HASH_SIZE + 1)

/*
 * Over the change set and over what it would write over: when either is another one, so is this.
 * The command that is signed has seen the record sets as they were read, so that a change between
 * this and its slot makes it stale.
 */
static bool digest_of(const struct work *w, struct rsm_bytes body, char out[DIGEST_TEXT_SIZE])
{
    char *text = NULL;
    size_t size = 0;
    uint8_t hash[HASH_SIZE];
    FILE *shown = open_memstream(&text, &size);
    if (shown == NULL)
        return false;
    change_list_print(&w->list, &w->now, shown);
    bool good = fclose(shown) == 0;
    effects_hash_parts("rsm plan review v1", bytes_make(body.data, body.size),
                       bytes_make(text, size), hash);
    hex_encode(out, bytes_make(hash, sizeof hash));
    free(text);
    return good;
}

/* The author has seen all that the change set is made from. */
static enum rsm_status see_all(struct ctl *ctl, const struct work *w)
{
    enum rsm_status status = ctl_sign_in(ctl);
    for (size_t i = 0; status == RSM_OK && i < w->now.page_count; i++)
        status =
            rsm_author_see_result(ctl->signer, rsm_value_of(rsm_buffer_bytes(&w->now.pages[i])));
    return status;
}

/* The change set as a body, and its digest; prints what is wrong. */
static enum rsm_status encode(const struct work *w, struct rsm_buffer *body_out,
                              char digest_out[DIGEST_TEXT_SIZE])
{
    *body_out = (struct rsm_buffer){NULL, 0};
    enum rsm_status status =
        rsm_body_rrset_change(ctl_bytes(w->zone), w->list.changes, w->list.count, body_out);
    if (status == RSM_OK && !digest_of(w, rsm_buffer_bytes(body_out), digest_out))
        status = RSM_FAILED;
    if (status != RSM_OK)
        ctl_fail(status, "the change cannot be encoded: %s", rsm_status_sentence(status));
    return status;
}

/* Judged at the cluster. */
static enum rsm_status judge(struct ctl *ctl, const struct work *w, struct rsm_buffer *result_out,
                             char digest_out[DIGEST_TEXT_SIZE])
{
    struct rsm_buffer body;
    *result_out = (struct rsm_buffer){NULL, 0};
    enum rsm_status status = encode(w, &body, digest_out);
    if (status == RSM_OK)
        status = see_all(ctl, w);
    if (status == RSM_OK)
        status = ctl_check(ctl, RSM_KIND_RRSET_CHANGE, rsm_buffer_bytes(&body), result_out);
    rsm_buffer_free(&body);
    return status;
}

int ctl_plan_diff(struct ctl *ctl, int count, char **arguments)
{
    struct work w;
    struct rsm_buffer result = {NULL, 0};
    char digest[DIGEST_TEXT_SIZE];
    (void)count;
    enum rsm_status status = compare(ctl, arguments[0], &w);
    if (status == RSM_OK) {
        change_list_print(&w.list, &w.now, stdout);
        fprintf(stderr, "%zu record sets would change\n", w.list.count);
    }
    if (status == RSM_OK && w.list.count > 0 && ctl->key_path != NULL) {
        status = judge(ctl, &w, &result, digest);
        if (status == RSM_OK) {
            ctl_print_answers(rsm_value_of(rsm_buffer_bytes(&result)));
            fprintf(stderr, "digest %s\n", digest);
        }
    }
    rsm_buffer_free(&result);
    work_free(&w);
    return rsm_status_exit(status);
}

static void print_check(struct ctl *ctl, const struct work *w, struct rsm_value result,
                        const char *digest)
{
    if (ctl->output != CTL_OUTPUT_TABLE) {
        ctl_print_json(result);
        fprintf(stderr, "digest %s\n", digest);
        return;
    }
    change_list_print(&w->list, &w->now, stdout);
    ctl_print_answers(result);
    ctl_print_check(result);
    printf("digest %s\n", digest);
}

int ctl_plan_check(struct ctl *ctl, int count, char **arguments)
{
    struct work w;
    struct rsm_buffer buffer = {NULL, 0};
    char digest[DIGEST_TEXT_SIZE];
    (void)count;
    enum rsm_status status = compare(ctl, arguments[0], &w);
    if (status == RSM_OK && w.list.count == 0) {
        fprintf(stderr, "the zone is as the plan says: nothing to do\n");
    } else if (status == RSM_OK) {
        status = judge(ctl, &w, &buffer, digest);
        struct rsm_value result = rsm_value_of(rsm_buffer_bytes(&buffer));
        if (status == RSM_OK)
            print_check(ctl, &w, result, digest);
        if (status == RSM_OK && !ctl_check_passed(result))
            status = RSM_REFUSED;
    }
    rsm_buffer_free(&buffer);
    work_free(&w);
    return rsm_status_exit(status);
}

/* What is there now must be what was reviewed. */
static bool is_reviewed(struct ctl *ctl, const char *digest)
{
    if (ctl->digest == NULL || strcmp(ctl->digest, digest) == 0)
        return true;
    ctl_fail(RSM_REFUSED,
             "this is not what was reviewed: its digest is %s, not %s; the zone or the file has "
             "changed since: look at it again with plan check",
             digest, ctl->digest);
    return false;
}

static int apply(struct ctl *ctl, struct work *w)
{
    struct rsm_buffer body;
    char question[64], digest[DIGEST_TEXT_SIZE];
    change_list_print(&w->list, &w->now, stderr);
    if (w->list.count == 0 && ctl->digest == NULL) {
        fprintf(stderr, "the zone is as the plan says: nothing to do\n");
        return 0;
    }
    enum rsm_status status = encode(w, &body, digest);
    if (status == RSM_OK && !is_reviewed(ctl, digest))
        status = RSM_REFUSED;
    snprintf(question, sizeof question, "change %zu record sets", w->list.count);
    if (status == RSM_OK && !ctl_confirm(ctl, question))
        status = RSM_USAGE;
    if (status == RSM_OK)
        status = see_all(ctl, w);
    if (status != RSM_OK) {
        rsm_buffer_free(&body);
        return rsm_status_exit(status);
    }
    if (ctl->reason == NULL)
        ctl->reason = w->file.reason;
    return ctl_change(ctl, RSM_KIND_RRSET_CHANGE, status, &body, "applied");
}

int ctl_plan_apply(struct ctl *ctl, int count, char **arguments)
{
    struct work w;
    (void)count;
    enum rsm_status status = compare(ctl, arguments[0], &w);
    int result = status == RSM_OK ? apply(ctl, &w) : rsm_status_exit(status);
    work_free(&w);
    return result;
}
