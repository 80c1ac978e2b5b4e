/* SPDX-License-Identifier: GPL-3.0-or-later */
/* changes.h - a zone as it is, as it shall be, and the change set between the two. */
#ifndef RSM_CTL_CHANGES_H
#define RSM_CTL_CHANGES_H

#include "src/rr/zonefile.h"
#include "tools/resilience-ctl/ctl.h"

/* A record set as the cluster has it; points into the pages. */
struct zone_set {
    struct bytes owner;
    uint16_t type;
    uint32_t ttl;
    uint32_t count;
    struct rsm_value rdatas; /* array of bin */
};

/* A zone as it is: all its record sets, in canonical order. */
struct zone_content {
    struct rsm_buffer *pages; /* owned */
    size_t page_count;
    struct zone_set *sets; /* owned */
    size_t set_count;
};

/* RSM_NOT_FOUND: no such zone (not printed). Call zone_content_free in every case. */
enum rsm_status zone_content_read(struct ctl *ctl, struct bytes zone, struct bytes owner,
                                  struct zone_content *out);
void zone_content_free(struct zone_content *content);

/* Of its SOA; 0 when it has none. */
uint32_t zone_content_serial(const struct zone_content *content);

/* A change set in the making; rdatas are borrowed from what it was made of. */
struct change_list {
    struct rsm_change *changes; /* owned */
    struct rsm_bytes **rdatas;  /* owned, one array a change */
    size_t count, capacity;
};

void change_list_add(struct change_list *list, struct bytes owner, uint16_t type, uint32_t ttl,
                     const struct bytes *rdatas, size_t rdata_count);
void change_list_free(struct change_list *list);

bool zone_content_has(const struct zone_content *content, struct bytes owner, uint16_t type);

/* Which record sets a change may touch. */
struct change_scope {
    bool may_delete;
    struct bytes keeps_ns;     /* this owner's NS are not deleted; empty: nobody's */
    const struct bytes *names; /* only these owners; NULL: all */
    size_t name_count;
};

/* What brings `now` to `wanted`; the SOA only when more than its serial differs. */
void change_list_between(struct change_list *list, const struct zone_content *now,
                         const struct zonefile *wanted, const struct change_scope *scope);
/* What brings `from` to `to`, deletions as well; both outlive the list. */
void change_list_to(struct change_list *list, const struct zone_content *from,
                    const struct zone_content *to);
/* Prints "- old" and "+ new" lines. */
void change_list_print(const struct change_list *list, const struct zone_content *now, FILE *out);

/* Reads a master file; prints its errors. Keeps `text_out`, which `out` does not need. */
enum rsm_status zonefile_load(const char *path, struct bytes origin, struct zonefile *out);

#endif
