/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lease.c - leases: who may act now, and the fencing token that says so. */
#include <string.h>

#include "tools/resilience-ctl/ctl.h"

static bool ttl_of(struct ctl *ctl, uint64_t *ms_out)
{
    if (ctl_parse_duration(ctl->ttl != NULL ? ctl->ttl : "30s", ms_out))
        return true;
    ctl_fail(RSM_USAGE, "--ttl is a time such as 30s, not \"%s\"", ctl->ttl);
    return false;
}

/* What the lease's last writer did is seen: taking an expired lease is a new decision. */
static enum rsm_status see(struct ctl *ctl)
{
    enum rsm_status status = ctl_sign_in(ctl);
    return status == RSM_OK ? ctl_see_list(ctl, "lease.list") : status;
}

/* What is said of a lease for some time; RSM_KIND_LEASE_ACQUIRE or RSM_KIND_LEASE_RENEW. */
static int hold(struct ctl *ctl, const char *resource, enum rsm_kind kind, const char *verb)
{
    uint64_t ttl_ms;
    struct rsm_buffer body = {NULL, 0};
    if (!ttl_of(ctl, &ttl_ms))
        return rsm_status_exit(RSM_USAGE);
    enum rsm_status status = see(ctl);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    if (kind == RSM_KIND_LEASE_ACQUIRE)
        status = rsm_body_lease_acquire(rsm_text(resource), ttl_ms, &body);
    else
        status = rsm_body_lease_renew(rsm_text(resource), ctl->token, ttl_ms, &body);
    return ctl_change(ctl, kind, status, &body, verb);
}

int ctl_lease_acquire(struct ctl *ctl, int count, char **arguments)
{
    (void)count;
    return hold(ctl, arguments[0], RSM_KIND_LEASE_ACQUIRE, "acquired");
}

int ctl_lease_renew(struct ctl *ctl, int count, char **arguments)
{
    (void)count;
    return hold(ctl, arguments[0], RSM_KIND_LEASE_RENEW, "renewed");
}

int ctl_lease_release(struct ctl *ctl, int count, char **arguments)
{
    struct rsm_buffer body = {NULL, 0};
    (void)count;
    enum rsm_status status = see(ctl);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    status = rsm_body_lease_release(rsm_text(arguments[0]), ctl->token, &body);
    return ctl_change(ctl, RSM_KIND_LEASE_RELEASE, status, &body, "released");
}
