/* SPDX-License-Identifier: GPL-3.0-or-later */
/* policy.c - policy set. */
#include <stdlib.h>
#include <string.h>

#include "src/rr/data.h"
#include "tools/resilience-ctl/ctl.h"

/* An array with room for the items of a text with commas between them; how many there are. */
static uint32_t pack_array_of(struct rsm_pack *p, const char *text)
{
    uint32_t count = *text != '\0';
    for (const char *c = text; *c != '\0'; c++)
        count += *c == ',';
    rsm_pack_array(p, count);
    return count;
}

/* "www.example.org" in the zone example.org means www.example.org.example.org: nobody means that.
 */
static bool is_meant(const char *owner_text, struct bytes owner, struct bytes zone)
{
    uint8_t buffer[NAME_SIZE_MAX];
    char text[NAME_TEXT_MAX];
    struct bytes whole;
    size_t size = strlen(owner_text);
    if (size == 0 || owner_text[size - 1] == '.' ||
        !ctl_name(owner_text, (struct bytes){NULL, 0}, buffer, &whole) || whole.size <= zone.size ||
        !name_is_at_or_below(whole, zone))
        return true;
    fprintf(stderr,
            "resilience-ctl: \"%s\" would be %s; in front of the zone's name, or with a dot at "
            "its end\n",
            owner_text, name_to_text(owner, text));
    return false;
}

/* ZONE/OWNER/TYPE/FLOOR,... as [[zone, owner, type, floor]...] */
static bool pack_protected(struct rsm_pack *p, char *text)
{
    uint32_t count = pack_array_of(p, text);
    char *rest = text;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t zone_buffer[NAME_SIZE_MAX], owner_buffer[NAME_SIZE_MAX];
        struct bytes zone, owner;
        uint16_t type;
        uint64_t floor;
        char *item = strsep(&rest, ",");
        char *zone_text = strsep(&item, "/");
        char *owner_text = item != NULL ? strsep(&item, "/") : NULL;
        char *type_text = item != NULL ? strsep(&item, "/") : NULL;
        if (type_text == NULL || item == NULL ||
            !ctl_name(zone_text, (struct bytes){NULL, 0}, zone_buffer, &zone) ||
            !ctl_name(owner_text, zone, owner_buffer, &owner) ||
            !is_meant(owner_text, owner, zone) || rr_type_from_text(type_text, &type) != RSM_OK ||
            !ctl_parse_number(item, &floor))
            return false;
        rsm_pack_array(p, 4);
        rsm_pack_bin(p, ctl_bytes(zone));
        rsm_pack_bin(p, ctl_bytes(owner));
        rsm_pack_uint(p, type);
        rsm_pack_uint(p, floor);
    }
    return true;
}

/* One item: what it names, as a canonical map. */
static void pack_class(struct rsm_pack *p, const char *class, struct bytes zone,
                       struct bytes suffix, uint16_t type)
{
    rsm_pack_map(p, 1u + (zone.size > 0) + (suffix.size > 0) + (type != 0));
    rsm_pack_text(p, "class");
    rsm_pack_text(p, class);
    if (suffix.size > 0) {
        rsm_pack_text(p, "suffix");
        rsm_pack_bin(p, ctl_bytes(suffix));
    }
    if (type != 0) {
        rsm_pack_text(p, "types");
        rsm_pack_array(p, 1);
        rsm_pack_uint(p, type);
    }
    if (zone.size > 0) {
        rsm_pack_text(p, "zone");
        rsm_pack_bin(p, ctl_bytes(zone));
    }
}

/* CLASS/ZONE[/SUFFIX[/TYPE]],...; an empty ZONE is any. A policy file can say more. */
static bool pack_classes(struct rsm_pack *p, char *text)
{
    uint32_t count = pack_array_of(p, text);
    char *rest = text;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t zone_buffer[NAME_SIZE_MAX], suffix_buffer[NAME_SIZE_MAX];
        struct bytes zone = {NULL, 0}, suffix = {NULL, 0};
        uint16_t type = 0;
        char *item = strsep(&rest, ",");
        char *class = strsep(&item, "/");
        char *zone_text = item != NULL ? strsep(&item, "/") : NULL;
        char *suffix_text = item != NULL ? strsep(&item, "/") : NULL;
        if (zone_text == NULL ||
            (*zone_text != '\0' && !ctl_name(zone_text, suffix, zone_buffer, &zone)) ||
            (suffix_text != NULL && *suffix_text != '\0' &&
             !ctl_name(suffix_text, zone, suffix_buffer, &suffix)) ||
            (item != NULL && rr_type_from_text(item, &type) != RSM_OK))
            return false;
        pack_class(p, class, zone, suffix, type);
    }
    return true;
}

/* ROLE/LEAST,... as [[role, least]...] */
static bool pack_groups(struct rsm_pack *p, char *text)
{
    uint32_t count = pack_array_of(p, text);
    char *rest = text;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t least;
        char *item = strsep(&rest, ",");
        char *role = strsep(&item, "/");
        if (item == NULL || !ctl_parse_number(item, &least))
            return false;
        rsm_pack_array(p, 2);
        rsm_pack_text(p, role);
        rsm_pack_uint(p, least);
    }
    return true;
}

static int compare_text(const void *a, const void *b)
{
    const char *const *left = a;
    const char *const *right = b;
    return strcmp(*left, *right);
}

static bool pack_policy(struct rsm_pack *p, int count, char **arguments)
{
    /* A canonical map has its keys in order. */
    qsort(arguments, (size_t)count, sizeof *arguments, compare_text);
    rsm_pack_map(p, (uint32_t)count);
    for (int i = 0; i < count; i++) {
        char *equals = strchr(arguments[i], '=');
        uint64_t number;
        if (equals == NULL) {
            ctl_fail(RSM_USAGE, "KEY=VALUE is wanted, not \"%s\"", arguments[i]);
            return false;
        }
        *equals = '\0';
        rsm_pack_text(p, arguments[i]);
        bool good = true;
        if (strcmp(equals + 1, "default") == 0)
            rsm_pack_nil(p);
        else if (strcmp(arguments[i], "protected") == 0)
            good = pack_protected(p, equals + 1);
        else if (strcmp(arguments[i], "classes") == 0)
            good = pack_classes(p, equals + 1);
        else if (strcmp(arguments[i], "approval_groups") == 0)
            good = pack_groups(p, equals + 1);
        else if ((good = ctl_parse_number(equals + 1, &number)))
            rsm_pack_uint(p, number);
        if (!good) {
            ctl_fail(RSM_USAGE,
                     "%s is a number, \"default\", (protected) ZONE/OWNER/TYPE/FLOOR,..., "
                     "(classes) CLASS/ZONE/SUFFIX/TYPE,... or (approval_groups) ROLE/LEAST,...",
                     arguments[i]);
            return false;
        }
    }
    return true;
}

int ctl_policy_set(struct ctl *ctl, int count, char **arguments)
{
    struct rsm_buffer body = {NULL, 0};
    struct rsm_pack *p = rsm_pack_new();
    if (!pack_policy(p, count, arguments)) {
        rsm_pack_free(p);
        return rsm_status_exit(RSM_USAGE);
    }
    enum rsm_status status = ctl_sign_in(ctl);
    if (status == RSM_OK)
        status = ctl_see_list(ctl, "policy.get");
    int result = rsm_status_exit(status);
    if (status == RSM_OK) {
        status = rsm_body_policy_set(rsm_pack_result(p), &body);
        result = ctl_change(ctl, RSM_KIND_POLICY_SET, status, &body, "set");
    }
    rsm_pack_free(p);
    return result;
}
