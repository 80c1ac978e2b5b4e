/* SPDX-License-Identifier: GPL-3.0-or-later */
/* address.c - see address.h. */
#include "tools/resilience-ctl/address.h"

#include <string.h>

#include "src/client/endpoint.h"
#include "tools/resilience-ctl/ctl.h"

bool ctl_is_address(const char *what, const char *text, bool may_be_unix)
{
    struct endpoint parsed;
    unsigned count;
    if (text == NULL)
        return true;
    /* The replicas' own parser knows no name at all, not even that one. */
    bool is_good = strncmp(text, "localhost", 9) != 0 &&
                   endpoint_parse_list(text, &parsed, 1, &count) == RSM_OK &&
                   (may_be_unix || parsed.address.ss_family != AF_UNIX);
    if (!is_good)
        ctl_fail(RSM_USAGE,
                 "%s: \"%s\" is no address such as 10.0.0.1:4101 or [2001:db8::1]:4101; names are "
                 "looked up nowhere",
                 what, text);
    return is_good;
}

bool ctl_has_endpoints(const struct ctl *ctl)
{
    struct endpoint parsed[ENDPOINT_COUNT_MAX];
    unsigned count;
    if (ctl->endpoints == NULL || *ctl->endpoints == '\0')
        ctl_fail(RSM_USAGE, "where is the cluster? --endpoints or RSM_ENDPOINTS says it");
    else if (endpoint_parse_list(ctl->endpoints, parsed, ENDPOINT_COUNT_MAX, &count) != RSM_OK)
        ctl_fail(RSM_USAGE,
                 "--endpoints \"%s\": no list of addresses such as 10.0.0.1:4001,[::1]:4001 or "
                 "unix:/path; names are looked up nowhere",
                 ctl->endpoints);
    else
        return true;
    return false;
}
