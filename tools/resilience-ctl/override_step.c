/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * override_step.c - the six steps of a human override: beginning, assessing, going on, skipping.
 *
 * What people looked at is not in the log, its hash is: `override assess` prints the report and
 * hashes exactly what it printed, so that a report that was kept can be held against the log.
 */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include <rsm/change.h>

#include "tools/resilience-ctl/ctl.h"

static int log_step(struct ctl *ctl, const char *freeze, enum rsm_step step, bool is_skipped,
                    const uint8_t *evidence)
{
    struct rsm_buffer body = {NULL, 0};
    enum rsm_status status = ctl_sign_in(ctl);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    status = rsm_body_override_step(
        rsm_text(freeze), step, is_skipped,
        rsm_bytes_make(evidence, evidence != NULL ? RSM_DIGEST_SIZE : 0), &body);
    char done[40];
    (void)snprintf(done, sizeof done, "step %s is %s", rsm_step_text(step),
                   is_skipped ? "skipped" : "done");
    return ctl_change(ctl, RSM_KIND_OVERRIDE_STEP, status, &body,
                      step == RSM_STEP_FREEZE ? "override is open" : done);
}

int ctl_override_begin(struct ctl *ctl, int count, char **arguments)
{
    if (ctl->reason == NULL)
        return ctl_fail(RSM_USAGE, "--reason is needed: everybody who asks for status reads it");
    return log_step(ctl, count > 0 ? arguments[0] : "automation", RSM_STEP_FREEZE, false, NULL);
}

static bool parse_step(const char *text, enum rsm_step *step_out)
{
    if (rsm_step_parse(rsm_text(text), step_out) == RSM_OK)
        return true;
    ctl_fail(RSM_USAGE, "a step is assess, plan, execute or validate, not \"%s\"", text);
    return false;
}

int ctl_override_step(struct ctl *ctl, int count, char **arguments)
{
    uint8_t evidence[RSM_DIGEST_SIZE];
    enum rsm_step step;
    (void)count;
    if (!parse_step(arguments[1], &step))
        return rsm_status_exit(RSM_USAGE);
    if (!hex_decode(evidence, sizeof evidence, arguments[2]))
        return ctl_fail(RSM_USAGE, "64 digits are wanted: the digest of the emergency, or the hash "
                                   "of what was found");
    return log_step(ctl, arguments[0], step, false, evidence);
}

int ctl_override_skip(struct ctl *ctl, int count, char **arguments)
{
    enum rsm_step step;
    (void)count;
    if (!parse_step(arguments[1], &step))
        return rsm_status_exit(RSM_USAGE);
    if (ctl->reason == NULL)
        return ctl_fail(RSM_USAGE, "--reason is needed: a step that is skipped is skipped aloud");
    return log_step(ctl, arguments[0], step, true, NULL);
}

/* ---- the report ---- */

/* `fields`: a field and what stands before it, in pairs. */
struct report_list {
    const char *title, *method, *key;
    const char *const *fields;
};

static void add_peer(struct rsm_value peer, FILE *out)
{
    char heads[32], zone[64];
    unsigned long long differ = rsm_value_uint(rsm_value_get(peer, "mismatch_slot"));
    fprintf(out, "    replica %llu %s: heads %s, compared up to slot %llu",
            (unsigned long long)rsm_value_uint(rsm_value_get(peer, "replica")),
            ctl_cell(rsm_value_get(peer, "zone"), zone, sizeof zone),
            ctl_cell(rsm_value_get(peer, "heads"), heads, sizeof heads),
            (unsigned long long)rsm_value_uint(rsm_value_get(peer, "compared_slot")));
    if (differ > 0)
        fprintf(out, ", DIFFER since slot %llu", differ);
    fputc('\n', out);
}

/* One endpoint: is it well, and do the others have the same state? */
static void add_endpoint(struct ctl *ctl, const char *endpoint, FILE *out)
{
    struct rsm_client *client = NULL;
    struct rsm_buffer result = {NULL, 0};
    struct rsm_value none = {{NULL, 0}}, peer;
    char text[256];
    enum rsm_status status = rsm_client_new(endpoint, &client);
    if (status == RSM_OK)
        status = rsm_client_call(client, "status", none,
                                 ctl->timeout_ms < 2000 ? ctl->timeout_ms : 2000, &result);
    struct rsm_value s = rsm_value_of(rsm_buffer_bytes(&result));
    if (status != RSM_OK) {
        fprintf(out, "  %s: %s\n", endpoint, rsm_status_sentence(status));
    } else {
        ctl_cell(rsm_value_get(s, "alarms"), text, sizeof text);
        fprintf(out, "  %s: replica %llu, %s, slot %llu, %s%s\n", endpoint,
                (unsigned long long)rsm_value_uint(rsm_value_get(s, "replica")),
                rsm_value_bool(rsm_value_get(s, "ready")) ? "ready" : "NOT READY",
                (unsigned long long)rsm_value_uint(rsm_value_get(s, "slot")),
                text[0] != '\0' ? "ALARM " : "no alarm", text);
        struct rsm_walk walk = rsm_walk_begin(rsm_value_get(s, "peers"));
        while (rsm_walk_next(&walk, &peer))
            add_peer(peer, out);
    }
    rsm_buffer_free(&result);
    rsm_client_free(client);
}

/* "reason incident 7, until -": the fields that people ask for first. */
static void add_fields(struct rsm_value item, const char *const *fields, FILE *out)
{
    char text[1024];
    for (size_t i = 0; fields[i] != NULL; i += 2)
        fprintf(out, "%s%s%s", i == 0 ? "  " : ", ", fields[i + 1],
                ctl_field_cell(fields[i], rsm_value_get(item, fields[i]), text, sizeof text));
    fputc('\n', out);
}

/* All pages of a list; a replica's own word when no majority answers. */
static enum rsm_status add_list(struct ctl *ctl, const struct report_list *list, FILE *out)
{
    struct rsm_bytes after = {NULL, 0};
    struct rsm_buffer page = {NULL, 0};
    enum rsm_status status;
    unsigned count = 0;
    do {
        struct rsm_pack *params = rsm_pack_new();
        struct rsm_buffer last = page; /* `after` is in it */
        rsm_pack_array(params, 1);
        ctl_pack_read_options(ctl, params, after.size > 0 ? "after" : NULL, after, 0);
        status = ctl_call(ctl, list->method, params, &page);
        rsm_pack_free(params);
        rsm_buffer_free(&last);
        struct rsm_value value = rsm_value_of(rsm_buffer_bytes(&page)), item;
        struct rsm_walk walk = rsm_walk_begin(rsm_value_get(value, list->key));
        for (; status == RSM_OK && rsm_walk_next(&walk, &item); count++)
            add_fields(item, list->fields, out);
        after = rsm_value_octets(rsm_value_get(value, "next"));
    } while (status == RSM_OK && after.size > 0);
    rsm_buffer_free(&page);
    if (status == RSM_OK && count == 0)
        fputs("  none\n", out);
    return status;
}

/* Whether somebody confirms what is read; without a majority it is read all the same. */
static void choose_level(struct ctl *ctl, FILE *out)
{
    struct rsm_buffer result;
    struct rsm_value none = {{NULL, 0}};
    if (rsm_client_call(ctl->client, "freeze.list", none, ctl->timeout_ms, &result) ==
        RSM_NO_QUORUM) {
        fputs("NO MAJORITY: what follows is one replica's own word, and may be old\n", out);
        ctl->stale = true;
    }
    rsm_buffer_free(&result);
}

static enum rsm_status write_report(struct ctl *ctl, FILE *out)
{
    static const char *const of_freeze[] = {
        "name",      "",         "scope",  "scope ", "subject",  "of ",    "author", "by ",
        "everybody", "people: ", "reason", "",       "until_ms", "until ", NULL};
    static const char *const of_zone[] = {"zone",   "",         "serial",  "serial ",
                                          "rrsets", "sets ",    "records", "records ",
                                          "writer", "last by ", NULL};
    static const char *const of_service[] = {"name",  "", "tier",  "tier ",  "owner", "of ",
                                             "names", "", "needs", "needs ", NULL};
    static const char *const of_change[] = {"digest",      "",
                                            "class",       "",
                                            "author",      "by ",
                                            "kind",        "",
                                            "state",       "",
                                            "overrides",   "bypasses ",
                                            "approvals",   "approved by ",
                                            "approved_ms", "all since ",
                                            "deadline_ms", "until ",
                                            "votes",       "",
                                            NULL};
    static const struct report_list lists[] = {
        {"freezes", "freeze.list", "freezes", of_freeze},
        {"zones (blast radius: what they serve)", "zone.list", "zones", of_zone},
        {"services (what hangs on their names)", "service.list", "services", of_service},
        {"changes that wait", "change.list", "changes", of_change}};
    char endpoints[4096];
    (void)snprintf(endpoints, sizeof endpoints, "%s", ctl->endpoints);
    fputs("replicas, and divergence between them\n", out);
    char *rest = endpoints;
    while (rest != NULL) {
        const char *endpoint = strsep(&rest, ",");
        if (*endpoint != '\0')
            add_endpoint(ctl, endpoint, out);
    }
    enum rsm_status status = RSM_OK;
    choose_level(ctl, out);
    for (size_t i = 0; i < sizeof lists / sizeof *lists && status == RSM_OK; i++) {
        fprintf(out, "%s\n", lists[i].title);
        status = add_list(ctl, &lists[i], out);
    }
    return status;
}

int ctl_override_assess(struct ctl *ctl, int count, char **arguments)
{
    char *text = NULL;
    size_t size = 0;
    uint8_t hash[RSM_DIGEST_SIZE];
    enum rsm_status status = ctl_connect(ctl);
    FILE *report = status == RSM_OK ? open_memstream(&text, &size) : NULL;
    if (report == NULL)
        return rsm_status_exit(status != RSM_OK ? status : RSM_NO_MEMORY);
    status = write_report(ctl, report);
    if (fclose(report) != 0)
        status = RSM_NO_MEMORY;
    int result = rsm_status_exit(status);
    if (status == RSM_OK) {
        (void)fwrite(text, 1, size, stdout);
        (void)fflush(stdout);
        ctl->is_report = true;
        (void)crypto_hash_sha256(hash, (const uint8_t *)text, size);
        if (count > 0)
            result = log_step(ctl, arguments[0], RSM_STEP_ASSESS, false, hash);
    }
    free(text);
    return result;
}
