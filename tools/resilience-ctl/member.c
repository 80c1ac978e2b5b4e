/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * member.c - the replicas of a cluster: who they are, a new one, one less, another disk.
 *
 * What takes several changes (`replace`) looks first what is done already, so that it can be called
 * again when it was interrupted, at any point.
 */
#include "tools/resilience-ctl/member.h"

#include <string.h>

#include "tools/resilience-ctl/address.h"

#define TEXT_SIZE 160u

/* ---- list ---- */

/* Without progress: of a past configuration, of which only the log is left. */
static void print_members(struct rsm_value configuration, uint64_t slot, bool has_progress)
{
    static const char *const keys[] = {"replica",      "role",           "zone",
                                       "peer_address", "client_address", "incarnation"};
    static const char *const titles[] = {"REPLICA", "ROLE",    "ZONE",
                                         "PEERS",   "CLIENTS", "INCARNATION"};
    static const int widths[] = {7, 8, 12, 22, 22, 17};
    struct rsm_walk walk = rsm_walk_begin(rsm_value_get(configuration, "members"));
    struct rsm_value member;
    for (size_t i = 0; i < 6; i++)
        printf("%-*s ", widths[i], titles[i]);
    puts(has_progress ? "HEARD  SLOT" : "");
    while (rsm_walk_next(&walk, &member)) {
        char cell[TEXT_SIZE];
        for (size_t i = 0; i < 6; i++)
            printf("%-*s ", widths[i], ctl_cell(rsm_value_get(member, keys[i]), cell, sizeof cell));
        uint64_t applied = rsm_value_uint(rsm_value_get(member, "applied"));
        if (!has_progress) {
            putchar('\n');
            continue;
        }
        printf("%-6s %llu", rsm_value_bool(rsm_value_get(member, "heard")) ? "yes" : "no",
               (unsigned long long)applied);
        if (applied < slot)
            printf(" (%llu behind)", (unsigned long long)(slot - applied));
        putchar('\n');
    }
}

int ctl_member_list(struct ctl *ctl, int count, char **arguments)
{
    struct member_view view;
    (void)count;
    (void)arguments;
    enum rsm_status status = member_look(ctl, &view);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    struct rsm_value all = rsm_value_of(rsm_buffer_bytes(&view.bytes));
    if (ctl->output != CTL_OUTPUT_TABLE) {
        ctl_print_map(ctl, all);
    } else {
        bool has_progress = ctl->at == NULL;
        if (!has_progress)
            printf("configuration %llu, at slot %llu\n", (unsigned long long)view.current_version,
                   (unsigned long long)view.slot);
        else
            printf("configuration %llu; what replica %llu knows at slot %llu, the leader is %llu\n",
                   (unsigned long long)view.current_version,
                   (unsigned long long)rsm_value_uint(rsm_value_get(all, "replica")),
                   (unsigned long long)view.slot,
                   (unsigned long long)rsm_value_uint(rsm_value_get(all, "leader")));
        print_members(view.current, view.slot, has_progress);
        if (view.newest_version != view.current_version) {
            printf("\nconfiguration %llu, from slot %llu on\n",
                   (unsigned long long)view.newest_version, (unsigned long long)view.newest_slot);
            print_members(view.newest, view.slot, has_progress);
        }
    }
    member_view_free(&view);
    return 0;
}

/* ---- what a new process says of itself ---- */

struct newcomer {
    struct rsm_member member; /* borrows from bytes and from the options */
    struct rsm_buffer bytes;  /* owned */
};

static struct rsm_bytes given(const char *option, struct rsm_value all, const char *key)
{
    return option != NULL ? rsm_text(option) : rsm_value_octets(rsm_value_get(all, key));
}

/* A client of its own: the process is no endpoint of the cluster yet. */
static enum rsm_status ask_newcomer(struct ctl *ctl, const char *endpoint, struct newcomer *out)
{
    struct rsm_client *client = NULL;
    struct rsm_value none = {{NULL, 0}};
    *out = (struct newcomer){.bytes = {NULL, 0}};
    enum rsm_status status = rsm_client_new(endpoint, &client);
    if (status == RSM_OK)
        status = rsm_client_call(client, "member.self", none, ctl->timeout_ms, &out->bytes);
    if (status != RSM_OK)
        ctl_fail(status, "the new process at %s: %s", endpoint,
                 client != NULL ? rsm_client_error(client) : rsm_status_sentence(status));
    rsm_client_free(client);
    if (status != RSM_OK)
        return status;
    struct rsm_value all = rsm_value_of(rsm_buffer_bytes(&out->bytes));
    out->member = (struct rsm_member){
        .id = (uint32_t)rsm_value_uint(rsm_value_get(all, "replica")),
        .zone = given(ctl->zone, all, "zone"),
        .key = rsm_value_octets(rsm_value_get(all, "key")),
        .peer_address = given(ctl->peer_address, all, "peer_address"),
        .client_address = given(ctl->client_address, all, "client_address"),
        .incarnation = rsm_value_uint(rsm_value_get(all, "incarnation")),
    };
    return RSM_OK;
}

/* ---- one change, and its effect ---- */

static enum rsm_status begin(struct ctl *ctl, struct member_view *view_out)
{
    *view_out = (struct member_view){.slot = 0};
    enum rsm_status status = ctl_sign_in(ctl);
    if (status == RSM_OK)
        status = member_look(ctl, view_out);
    if (status == RSM_OK)
        status =
            rsm_author_see_result(ctl->signer, rsm_value_of(rsm_buffer_bytes(&view_out->bytes)));
    return status;
}

static bool are_addresses(struct ctl *ctl)
{
    return ctl_is_address("--peer-address", ctl->peer_address, false) &&
           ctl_is_address("--client-address", ctl->client_address, true);
}

static bool parse_id(const char *text, uint64_t *id_out)
{
    if (ctl_parse_number(text, id_out) && *id_out >= 1 && *id_out <= REPLICA_MAX)
        return true;
    ctl_fail(RSM_USAGE, "\"%s\" is no replica: they are numbered 1 to %u", text, REPLICA_MAX);
    return false;
}

/* After a change that was applied: until it governs, unless --wait 0s. */
static int wait_for_change(struct ctl *ctl, const struct member_deadline *deadline)
{
    struct member_view view;
    uint64_t ms = 1;
    if (ctl->no_submit || (ctl->wait != NULL && ctl_parse_duration(ctl->wait, &ms) && ms == 0))
        return 0;
    enum rsm_status status = member_look(ctl, &view);
    uint64_t version = view.newest_version;
    member_view_free(&view);
    if (status == RSM_OK)
        status = member_wait_in_force(ctl, deadline, version);
    return rsm_status_exit(status);
}

static int change(struct ctl *ctl, const struct member_deadline *deadline, enum rsm_kind kind,
                  enum rsm_status status, struct rsm_buffer *body, const char *done)
{
    int result = ctl_change(ctl, kind, status, body, done);
    return result == 0 ? wait_for_change(ctl, deadline) : result;
}

static int add(struct ctl *ctl, const struct member_deadline *deadline,
               const struct rsm_member *member)
{
    struct rsm_buffer body = {NULL, 0};
    struct member_known known;
    enum rsm_status status = member_look_known(ctl, &known);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    status = rsm_body_member_add(member, known.items, known.count, &body);
    return change(ctl, deadline, RSM_KIND_MEMBER_ADD, status, &body, "added");
}

static int remove_member(struct ctl *ctl, const struct member_deadline *deadline, uint64_t id)
{
    struct rsm_buffer body = {NULL, 0};
    enum rsm_status status = rsm_body_member_remove((uint32_t)id, &body);
    return change(ctl, deadline, RSM_KIND_MEMBER_REMOVE, status, &body, "removed");
}

/* ---- commands ---- */

int ctl_member_add(struct ctl *ctl, int count, char **arguments)
{
    struct member_view view;
    struct member_deadline deadline;
    struct newcomer newcomer;
    (void)count;
    if (!ctl_is_address("the new process", arguments[0], true) || !are_addresses(ctl) ||
        !member_deadline_begin(ctl, &deadline))
        return rsm_status_exit(RSM_USAGE);
    enum rsm_status status = ask_newcomer(ctl, arguments[0], &newcomer);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    status = begin(ctl, &view);
    member_view_free(&view);
    int result = status == RSM_OK ? add(ctl, &deadline, &newcomer.member) : rsm_status_exit(status);
    rsm_buffer_free(&newcomer.bytes);
    return result;
}

int ctl_member_promote(struct ctl *ctl, int count, char **arguments)
{
    struct member_deadline deadline;
    struct member_view view;
    uint64_t id;
    (void)count;
    if (!parse_id(arguments[0], &id) || !member_deadline_begin(ctl, &deadline))
        return rsm_status_exit(RSM_USAGE);
    enum rsm_status status = begin(ctl, &view);
    if (status == RSM_OK && view.newest_version != view.current_version)
        status = member_wait_in_force(ctl, &deadline, view.newest_version);
    member_view_free(&view);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    int result = member_promote_when_ready(ctl, &deadline, id);
    return result == 0 ? wait_for_change(ctl, &deadline) : result;
}

int ctl_member_remove(struct ctl *ctl, int count, char **arguments)
{
    struct member_deadline deadline;
    struct member_view view;
    char what[64];
    uint64_t id;
    (void)count;
    if (!parse_id(arguments[0], &id) || !member_deadline_begin(ctl, &deadline))
        return rsm_status_exit(RSM_USAGE);
    snprintf(what, sizeof what, "remove replica %u from the cluster", (unsigned)id);
    if (!ctl_confirm(ctl, what))
        return rsm_status_exit(RSM_USAGE);
    enum rsm_status status = begin(ctl, &view);
    member_view_free(&view);
    return status == RSM_OK ? remove_member(ctl, &deadline, id) : rsm_status_exit(status);
}

int ctl_member_update(struct ctl *ctl, int count, char **arguments)
{
    struct member_deadline deadline;
    struct member_view view;
    struct rsm_buffer body = {NULL, 0};
    uint64_t id;
    (void)count;
    if (!parse_id(arguments[0], &id) || !are_addresses(ctl) ||
        !member_deadline_begin(ctl, &deadline))
        return rsm_status_exit(RSM_USAGE);
    if (ctl->zone == NULL && ctl->peer_address == NULL && ctl->client_address == NULL)
        return ctl_fail(RSM_USAGE, "--zone, --peer-address or --client-address says what is new");
    enum rsm_status status = begin(ctl, &view);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    struct rsm_value found = member_find(view.newest, id);
    struct rsm_member member = {.id = (uint32_t)id,
                                .zone = given(ctl->zone, found, "zone"),
                                .peer_address = given(ctl->peer_address, found, "peer_address"),
                                .client_address =
                                    given(ctl->client_address, found, "client_address")};
    if (rsm_value_type(found) != RSM_TYPE_MAP) {
        member_view_free(&view);
        return ctl_fail(RSM_NOT_FOUND, "replica %u is no member", (unsigned)id);
    }
    status = rsm_body_member_update(&member, &body);
    member_view_free(&view);
    return change(ctl, &deadline, RSM_KIND_MEMBER_UPDATE, status, &body, "updated");
}

/* ---- replace ---- */

/* The old life goes, if it is there still. A member that is heard is perhaps not lost at all. */
static int remove_old(struct ctl *ctl, const struct member_deadline *deadline,
                      const struct newcomer *newcomer, struct rsm_value old)
{
    char what[128];
    unsigned id = newcomer->member.id;
    if (rsm_value_type(old) != RSM_TYPE_MAP)
        return 0;
    bool heard = rsm_value_bool(rsm_value_get(old, "heard"));
    snprintf(what, sizeof what, "replace replica %u%s", id,
             heard ? ", which the cluster hears under its old identity," : "");
    if (!ctl_confirm(ctl, what))
        return rsm_status_exit(RSM_USAGE);
    fprintf(stderr, "replica %u: its old life is removed\n", id);
    return remove_member(ctl, deadline, id);
}

static int add_new(struct ctl *ctl, const struct member_deadline *deadline,
                   const struct newcomer *newcomer)
{
    struct member_view view;
    fprintf(stderr, "replica %u: added under incarnation %llu, to learn\n", newcomer->member.id,
            (unsigned long long)newcomer->member.incarnation);
    enum rsm_status status = begin(ctl, &view);
    member_view_free(&view);
    return status == RSM_OK ? add(ctl, deadline, &newcomer->member) : rsm_status_exit(status);
}

static int replace(struct ctl *ctl, const struct member_deadline *deadline,
                   const struct newcomer *newcomer, const struct member_view *view)
{
    uint64_t id = newcomer->member.id;
    struct rsm_value old = member_find(view->newest, id);
    char role[16];
    bool is_added =
        rsm_value_uint(rsm_value_get(old, "incarnation")) == newcomer->member.incarnation;
    int result = 0;
    if (is_added && strcmp(ctl_cell(rsm_value_get(old, "role"), role, sizeof role), "voter") == 0) {
        fprintf(stderr, "replica %u is a voter already\n", (unsigned)id);
        return 0;
    }
    if (view->newest_version != view->current_version)
        result = rsm_status_exit(member_wait_in_force(ctl, deadline, view->newest_version));
    if (result == 0 && !is_added)
        result = remove_old(ctl, deadline, newcomer, old);
    if (result == 0 && !is_added)
        result = add_new(ctl, deadline, newcomer);
    if (result != 0)
        return result;
    fprintf(stderr, "replica %u: promoted as soon as it has caught up\n", (unsigned)id);
    result = member_promote_when_ready(ctl, deadline, id);
    return result == 0 ? wait_for_change(ctl, deadline) : result;
}

static void keep_place(struct ctl *ctl, struct rsm_value old, struct rsm_member *member)
{
    member->zone = given(ctl->zone, old, "zone");
    member->peer_address = given(ctl->peer_address, old, "peer_address");
    member->client_address = given(ctl->client_address, old, "client_address");
}

int ctl_member_replace(struct ctl *ctl, int count, char **arguments)
{
    struct member_deadline deadline;
    struct member_view view;
    struct newcomer newcomer;
    char endpoint[TEXT_SIZE] = "";
    uint64_t id;
    if (!parse_id(arguments[0], &id) || !are_addresses(ctl) ||
        !member_deadline_begin(ctl, &deadline))
        return rsm_status_exit(RSM_USAGE);
    enum rsm_status status = begin(ctl, &view);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    struct rsm_value old = member_find(view.newest, id);
    if (count > 1)
        snprintf(endpoint, sizeof endpoint, "%s", arguments[1]);
    else if (rsm_value_type(old) == RSM_TYPE_MAP)
        ctl_cell(rsm_value_get(old, "client_address"), endpoint, sizeof endpoint);
    int result = 0;
    if (*endpoint == '\0')
        result = ctl_fail(RSM_USAGE, "replica %u is no member: say where the new process is",
                          (unsigned)id);
    if (result == 0)
        result = rsm_status_exit(ask_newcomer(ctl, endpoint, &newcomer));
    if (result == 0 && newcomer.member.id != id)
        result = ctl_fail(RSM_WRONG_IDENTITY, "the process at %s is replica %u", endpoint,
                          newcomer.member.id);
    if (result == 0 && count == 1) /* in the same place: what the genesis says may be old */
        keep_place(ctl, old, &newcomer.member);
    if (result == 0)
        result = replace(ctl, &deadline, &newcomer, &view);
    if (*endpoint != '\0')
        rsm_buffer_free(&newcomer.bytes);
    member_view_free(&view);
    return result;
}
