/* SPDX-License-Identifier: GPL-3.0-or-later */
/* status.c - every endpoint is asked for itself: one that is down is a line, not an error alone. */
#include <string.h>
#include <time.h>

#include "tools/lib/when.h"
#include "tools/resilience-ctl/address.h"
#include "tools/resilience-ctl/recording.h"
#include "tools/resilience-ctl/status_zones.h"

/*
 * One of two replicas refuses the other: a disk that was replaced, a member that is none any more,
 * or all of this was left behind by a recovery by force.
 */
static void show_refusals(struct rsm_value status)
{
    struct rsm_walk walk = rsm_walk_begin(rsm_value_get(status, "peers"));
    struct rsm_value peer;
    char why[200];
    while (rsm_walk_next(&walk, &peer))
        if (*ctl_cell(rsm_value_get(peer, "refused"), why, sizeof why) != '\0')
            printf("  REFUSED, it and replica %llu: %s\n",
                   (unsigned long long)rsm_value_uint(rsm_value_get(peer, "replica")), why);
}

/* Of its own accord it is no part of any cluster any more. */
static void show_left_behind(struct rsm_value status)
{
    struct rsm_walk walk = rsm_walk_begin(rsm_value_get(status, "alarms"));
    struct rsm_value alarm;
    char name[64];
    while (rsm_walk_next(&walk, &alarm))
        if (strcmp(ctl_cell(alarm, name, sizeof name), "left-behind") == 0)
            printf("  LEFT BEHIND: persons have signed that another replica goes on without this "
                   "disk\n");
}

static void print_row(struct ctl *ctl, const char *endpoint, struct rsm_value s)
{
    char alarms[256], zone[64], waits[64];
    struct rsm_value waits_for = rsm_value_get(s, "rejoin_waits_for");
    const char *role = rsm_value_bool(rsm_value_get(s, "is_leader")) ? "leader" : "follower";
    if (!rsm_value_bool(rsm_value_get(s, "voting")))
        role = "learner";
    ctl_cell(rsm_value_get(s, "alarms"), alarms, sizeof alarms);
    ctl_cell(waits_for, waits, sizeof waits);
    printf("%-24s replica %llu  %-12s %-9s %-9s slot %llu  stored %llu  leader %llu%s%s%s%s\n",
           endpoint, (unsigned long long)rsm_value_uint(rsm_value_get(s, "replica")),
           ctl_cell(rsm_value_get(s, "zone"), zone, sizeof zone), role,
           rsm_value_bool(rsm_value_get(s, "ready")) ? "ready" : "NOT READY",
           (unsigned long long)rsm_value_uint(rsm_value_get(s, "slot")),
           (unsigned long long)rsm_value_uint(rsm_value_get(s, "stored")),
           (unsigned long long)rsm_value_uint(rsm_value_get(s, "leader")),
           *alarms != '\0' ? "  ALARM " : "", alarms,
           rsm_value_count(waits_for) > 0 ? "  waits for replica " : "",
           rsm_value_count(waits_for) > 0 ? waits : "");
    show_left_behind(s);
    show_refusals(s);
    if (ctl->verbose)
        ctl_print_map(ctl, s);
}

/* What one endpoint said. */
struct answer {
    const char *endpoint;
    enum rsm_status status;
    struct rsm_buffer result;
};

static struct rsm_value value_of(const struct answer *a)
{
    return rsm_value_of(rsm_buffer_bytes(&a->result));
}

static void ask(struct ctl *ctl, struct answer *a, struct status_zones *zones)
{
    struct rsm_client *client = NULL;
    struct rsm_value none = {{NULL, 0}};
    uint32_t timeout = ctl->timeout_ms < 2000 ? ctl->timeout_ms : 2000;
    a->status = rsm_client_new(a->endpoint, &client);
    if (a->status == RSM_OK)
        a->status = rsm_client_call(client, "status", none, timeout, &a->result);
    /* Only what serves DNS has counters of it. */
    if (a->status == RSM_OK && rsm_value_count(rsm_value_get(value_of(a), "dns_counters")) > 0)
        (void)status_zones_ask(zones, client, timeout);
    rsm_client_free(client);
}

/* False when the endpoint is not healthy. */
static bool show(struct ctl *ctl, const struct answer *a)
{
    if (a->status != RSM_OK) {
        if (ctl->output == CTL_OUTPUT_TABLE)
            printf("%-24s %s\n", a->endpoint, rsm_status_sentence(a->status));
        else
            printf("{\"endpoint\":\"%s\",\"error\":\"%s\"}\n", a->endpoint,
                   rsm_status_text(a->status));
        return false;
    }
    struct rsm_value s = value_of(a);
    if (ctl->output == CTL_OUTPUT_TABLE)
        print_row(ctl, a->endpoint, s);
    else
        ctl_print_json(s);
    return rsm_value_bool(rsm_value_get(s, "ready")) &&
           rsm_value_count(rsm_value_get(s, "alarms")) == 0;
}

/* What was acknowledged before may be gone: nobody forgets it. */
static void show_recovery(struct rsm_value status)
{
    char names[400];
    struct rsm_value r = rsm_value_get(status, "recovery");
    uint64_t epoch = rsm_value_uint(rsm_value_get(status, "epoch"));
    if (epoch < 2)
        return;
    printf("RECOVERED BY FORCE: epoch %llu since slot %llu: replica %llu went on alone from slot "
           "%llu, signed by %s\n",
           (unsigned long long)epoch, (unsigned long long)rsm_value_uint(rsm_value_get(r, "slot")),
           (unsigned long long)rsm_value_uint(rsm_value_get(r, "replica")),
           (unsigned long long)rsm_value_uint(rsm_value_get(r, "from_slot")),
           ctl_cell(rsm_value_get(r, "signers"), names, sizeof names));
}

/* A procedure that people are in the middle of. */
static void show_overrides(struct rsm_value status)
{
    struct rsm_walk walk = rsm_walk_begin(rsm_value_get(status, "overrides"));
    struct rsm_value o;
    while (rsm_walk_next(&walk, &o)) {
        char author[160], reason[400], freeze[80], next[16], skipped[80];
        printf("OVERRIDE OPEN under freeze %s by %s since slot %llu: %s; next step: %s%s%s\n",
               ctl_cell(rsm_value_get(o, "freeze"), freeze, sizeof freeze),
               ctl_cell(rsm_value_get(o, "author"), author, sizeof author),
               (unsigned long long)rsm_value_uint(rsm_value_get(o, "opened_slot")),
               ctl_cell(rsm_value_get(o, "reason"), reason, sizeof reason),
               ctl_cell(rsm_value_get(o, "next"), next, sizeof next),
               rsm_value_count(rsm_value_get(o, "skipped")) > 0 ? "; skipped: " : "",
               ctl_cell(rsm_value_get(o, "skipped"), skipped, sizeof skipped));
    }
}

/* Emergencies that were asked for, and what each waits for. */
static void show_waiting(struct rsm_value status)
{
    struct rsm_walk walk = rsm_walk_begin(rsm_value_get(status, "waiting"));
    struct rsm_value w;
    while (rsm_walk_next(&walk, &w)) {
        char digest[80], author[160], until[WHEN_TEXT_SIZE];
        bool is_applied = rsm_value_uint(rsm_value_get(w, "voting_ms")) > 0;
        bool is_approved = rsm_value_uint(rsm_value_get(w, "approved_ms")) > 0;
        printf("OVERRIDE WAITS for %s, until %s, by %s: resilience-ctl override status %s\n",
               is_applied    ? "votes"
               : is_approved ? "override apply"
                             : "approvals",
               when_text(rsm_value_uint(rsm_value_get(w, "deadline_ms")), until),
               ctl_cell(rsm_value_get(w, "author"), author, sizeof author),
               ctl_cell(rsm_value_get(w, "digest"), digest, sizeof digest));
    }
}

/* Shells that are recorded, or should be: by whom, since when, and whether it goes on. */
static void show_recordings(struct rsm_value status)
{
    struct rsm_walk walk = rsm_walk_begin(rsm_value_get(status, "recordings"));
    struct rsm_value r;
    while (rsm_walk_next(&walk, &r)) {
        char author[160], since[WHEN_TEXT_SIZE], state[16];
        uint64_t last_s = rsm_value_uint(rsm_value_get(r, "last_ms")) / 1000;
        uint64_t now_s = (uint64_t)time(NULL);
        bool has_failed = strcmp(ctl_cell(rsm_value_get(r, "state"), state, sizeof state), "open");
        bool is_silent = now_s > last_s + RECORDING_SILENT_S;
        printf("SHELL %s by %s since %s (slot %llu), %llu chunks, the last one %llu s ago\n",
               has_failed  ? "NOT RECORDED: the recording failed;"
               : is_silent ? "NOT RECORDED: the recorder says nothing;"
                           : "OPEN, recorded,",
               ctl_cell(rsm_value_get(r, "author"), author, sizeof author),
               when_text(rsm_value_uint(rsm_value_get(r, "opened_ms")), since),
               (unsigned long long)rsm_value_uint(rsm_value_get(r, "opened_slot")),
               (unsigned long long)rsm_value_uint(rsm_value_get(r, "chunks")),
               (unsigned long long)(now_s > last_s ? now_s - last_s : 0));
    }
}

/* What automation may not do now comes first, as the replica that is ahead of all sees it. */
static void show_freezes(const struct answer *answers, int count)
{
    const struct answer *best = NULL;
    uint64_t slot = 0;
    for (int i = 0; i < count; i++) {
        if (answers[i].status != RSM_OK)
            continue;
        uint64_t its = rsm_value_uint(rsm_value_get(value_of(&answers[i]), "slot"));
        if (best == NULL || its > slot) {
            best = &answers[i];
            slot = its;
        }
    }
    if (best == NULL)
        return;
    show_recovery(value_of(best));
    ctl_print_freezes(value_of(best));
    show_overrides(value_of(best));
    show_waiting(value_of(best));
    show_recordings(value_of(best));
}

/* No majority: nothing is decided, by nobody; what is known can be read (docs/override.md). */
static void show_manual_mode(const struct answer *answers, int count)
{
    int heard = 0, ready = 0;
    for (int i = 0; i < count; i++) {
        heard += answers[i].status == RSM_OK ? 1 : 0;
        ready += answers[i].status == RSM_OK &&
                         rsm_value_bool(rsm_value_get(value_of(&answers[i]), "ready"))
                     ? 1
                     : 0;
    }
    if (heard > 0 && ready == 0)
        printf(
            "MANUAL MODE: no majority is reachable. Nothing is changed, by people or automata.\n"
            "  Reads go on with --stale; secondaries answer with what they have, and are told to "
            "ask again.\n"
            "  Bring replicas back, or replace lost ones: docs/operations.md\n");
}

int ctl_status(struct ctl *ctl, int count, char **arguments)
{
    char list[4096];
    struct answer answers[CTL_LIST_MAX];
    int unhealthy = 0, total = 0;
    struct status_zones *zones;
    (void)count;
    (void)arguments;
    if (!ctl_has_endpoints(ctl))
        return rsm_status_exit(RSM_USAGE);
    snprintf(list, sizeof list, "%s", ctl->endpoints);
    char *rest = list;
    zones = status_zones_new();
    while (rest != NULL && total < (int)CTL_LIST_MAX) {
        char *endpoint = strsep(&rest, ",");
        if (*endpoint == '\0')
            continue;
        answers[total] = (struct answer){.endpoint = endpoint};
        ask(ctl, &answers[total++], zones);
    }
    if (ctl->output == CTL_OUTPUT_TABLE) {
        show_manual_mode(answers, total);
        show_freezes(answers, total);
    }
    for (int i = 0; i < total; i++) {
        unhealthy += show(ctl, &answers[i]) ? 0 : 1;
        rsm_buffer_free(&answers[i].result);
    }
    status_zones_print(ctl, zones);
    status_zones_free(zones);
    if (unhealthy == 0)
        return 0;
    fprintf(stderr, "%d of %d endpoints are not healthy\n", unhealthy, total);
    return rsm_status_exit(unhealthy == total ? RSM_CANNOT_CONNECT : RSM_FAILED);
}
