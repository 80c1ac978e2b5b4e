/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan_work.c - see plan_work.h. */
#include "tools/resilience-ctl/plan_work.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/machine/effects.h"
#include "tools/resilience-ctl/policy_yaml.h"

/* Sets that a plan makes are asked for one by one; a whole new zone has no deleted ones. */
#define SEE_DELETED_MAX 256u

#define PLAN_FILE_MAX (16u << 20)
#define PLAN_NAMES_MAX 4096u

/* ---- the file ---- */

struct taking {
    struct plan_file *out;
    bool is_override;
    size_t which;
};

static void take_bypass(struct yaml_reading *r, yaml_node_t *node, struct plan_file *out)
{
    size_t count = yaml_count(r, node, LIMIT_OVERRIDES);
    for (size_t i = 0; i < count && yaml_is_good(r); i++) {
        yaml_node_t *item = yaml_item(r, node, i);
        const char *id = yaml_text(r, item);
        if (yaml_is_good(r) && !rsm_rule_may_be_overridden(rsm_rule_parse(id, strlen(id))))
            yaml_fail(r, item, "%s is no rule that an override may name", id);
        for (size_t k = 0; yaml_is_good(r) && k < out->bypass_count; k++)
            if (strcmp(out->bypass[k], id) == 0)
                yaml_fail(r, item, "%s stands here twice", id);
        out->bypass[out->bypass_count] = yaml_copy(r, item);
        if (out->bypass[out->bypass_count] != NULL)
            out->bypass_count++;
    }
}

/* One zone's change. */
static void take_change(struct yaml_reading *r, yaml_node_t *node, struct plan_file *out)
{
    yaml_node_t *names = yaml_get(r, node, "names");
    out->zone = yaml_copy(r, yaml_get(r, node, "zone"));
    out->records = yaml_copy(r, yaml_get(r, node, "records"));
    if (out->zone == NULL || out->records == NULL)
        return;
    out->has_names = names != NULL;
    size_t count = yaml_count(r, names, PLAN_NAMES_MAX);
    out->names = mem_alloc((count + 1) * sizeof *out->names);
    for (size_t i = 0; i < count && yaml_is_good(r); i++) {
        out->names[i] = yaml_copy(r, yaml_item(r, names, i));
        out->name_count += out->names[i] != NULL ? 1 : 0;
    }
}

static void take_document(struct yaml_reading *r, void *context)
{
    static const char *const keys[] = {"zone", "reason", "names", "records", NULL};
    static const char *const more[] = {"zone", "reason", "names", "records", "bypass", NULL};
    static const char *const many[] = {"reason", "bypass", "changes", NULL};
    static const char *const one[] = {"zone", "names", "records", NULL};
    struct taking *t = context;
    struct plan_file *out = t->out;
    yaml_node_t *root = yaml_document_get_root_node(r->document);
    bool is_map = root != NULL && root->type == YAML_MAPPING_NODE;
    yaml_node_t *changes = is_map ? yaml_get(r, root, "changes") : NULL;
    if (changes != NULL && !t->is_override) {
        yaml_fail(
            r, changes,
            "a plan is one change set, and that is of one zone: a file for each zone, applied "
            "in an order that is good at each point");
        return;
    }
    if (!yaml_check_map(r, root, changes != NULL ? many : t->is_override ? more : keys))
        return;
    yaml_node_t *reason = yaml_get(r, root, "reason");
    out->reason = reason != NULL ? yaml_copy(r, reason) : NULL;
    out->change_count = 1;
    if (changes == NULL) {
        take_change(r, root, out);
    } else {
        out->change_count = yaml_count(r, changes, PLAN_CHANGES_MAX);
        if (yaml_is_good(r) && t->which >= out->change_count) /* or it became shorter meanwhile */
            yaml_fail(r, changes, "change %zu is not there", t->which + 1);
        yaml_node_t *item = yaml_is_good(r) ? yaml_item(r, changes, t->which) : NULL;
        if (item != NULL && yaml_check_map(r, item, one))
            take_change(r, item, out);
    }
    take_bypass(r, yaml_get(r, root, "bypass"), out);
}

/*
 * Change `which`, from 0, of the file; more than one, and a bypass, are for `override` alone.
 * Prints what is wrong. Owned pieces are freed by plan_work_free alone.
 */
static bool plan_file_read(const char *path, bool is_override, size_t which, struct plan_file *out)
{
    struct rsm_buffer text;
    char error[POLICY_FILE_ERROR_SIZE];
    struct taking t = {out, is_override, which};
    *out = (struct plan_file){0};
    if (!ctl_read_file(path, PLAN_FILE_MAX, &text))
        return false;
    enum rsm_status status =
        yaml_read(path, bytes_make(text.data, text.size), PLAN_FILE_MAX, error, take_document, &t);
    rsm_buffer_free(&text);
    if (status != RSM_OK)
        ctl_fail(status, "%s", error);
    return status == RSM_OK;
}

static void free_plan_file(struct plan_file *file)
{
    mem_free(file->zone);
    mem_free(file->reason);
    mem_free(file->records);
    for (size_t i = 0; i < file->name_count; i++)
        mem_free(file->names[i]);
    for (size_t i = 0; i < file->bypass_count; i++)
        mem_free(file->bypass[i]);
    mem_free(file->names);
}

/* ---- against the zone as it is ---- */

void plan_work_free(struct plan_work *w)
{
    change_list_free(&w->list);
    zone_content_free(&w->now);
    zonefile_free(&w->wanted);
    mem_free(w->name_buffers);
    mem_free(w->names);
    free_plan_file(&w->file);
}

static bool take_scope(struct plan_work *w, struct change_scope *scope)
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
static bool inside_scope(const struct plan_work *w, const struct change_scope *scope)
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

enum rsm_status plan_work_begin(struct ctl *ctl, const char *path, bool is_override, size_t which,
                                struct plan_work *w)
{
    struct change_scope scope;
    *w = (struct plan_work){.zone = {NULL, 0}};
    if (!plan_file_read(path, is_override, which, &w->file) ||
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

/*
 * Over the change set and over what it would write over: when either is another one, so is this.
 * The command that is signed has seen the record sets as they were read, so that a change between
 * this and its slot makes it stale.
 */
static bool digest_of(const struct plan_work *w, struct rsm_bytes body, char out[PLAN_DIGEST_SIZE])
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

/*
 * Who deleted a set that the plan makes again: what is not there has no row among those that were
 * read. One that came meanwhile is not seen, so that it is not written over unseen.
 */
static enum rsm_status see_deleted(struct ctl *ctl, struct bytes zone, const struct rsm_change *c)
{
    struct rsm_buffer result;
    struct rsm_pack *params = rsm_pack_new();
    rsm_pack_array(params, 3);
    rsm_pack_bin(params, ctl_bytes(zone));
    rsm_pack_bin(params, c->owner);
    rsm_pack_uint(params, c->type);
    enum rsm_status status = ctl_call(ctl, "rrset.get", params, &result);
    rsm_pack_free(params);
    struct rsm_value all = rsm_value_of(rsm_buffer_bytes(&result));
    if (status == RSM_OK && rsm_value_type(rsm_value_get(all, "rrset")) == RSM_TYPE_NIL)
        status = rsm_author_see_result(ctl->signer, all);
    rsm_buffer_free(&result);
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

enum rsm_status plan_work_see(struct ctl *ctl, const struct plan_work *w)
{
    enum rsm_status status = ctl_sign_in(ctl);
    for (size_t i = 0; status == RSM_OK && i < w->now.page_count; i++)
        status =
            rsm_author_see_result(ctl->signer, rsm_value_of(rsm_buffer_bytes(&w->now.pages[i])));
    uint32_t looked = 0;
    for (size_t i = 0; status == RSM_OK && i < w->list.count && looked < SEE_DELETED_MAX; i++) {
        const struct rsm_change *c = &w->list.changes[i];
        if (zone_content_has(&w->now, bytes_make(c->owner.data, c->owner.size), c->type))
            continue;
        status = see_deleted(ctl, w->zone, c);
        looked++;
    }
    return status;
}

enum rsm_status plan_work_encode(const struct plan_work *w, struct rsm_buffer *body_out,
                                 char digest_out[PLAN_DIGEST_SIZE])
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
