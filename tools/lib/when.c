/* SPDX-License-Identifier: GPL-3.0-or-later */
/* when.c - see when.h. */
#include "tools/lib/when.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

bool when_parse(const char *text, uint64_t *first_out, uint64_t *last_out)
{
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d"};

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm parts = {0};
        unsigned fraction = 0;
        const char *end = strptime(text, forms[i], &parts);
        bool is_whole = end != NULL && strcmp(end, i == 0 ? "Z" : "") == 0;
        bool is_exact = end != NULL && i == 0 && strlen(end) == 5 &&
                        strspn(end + 1, "0123456789") == 3 &&
                        sscanf(end, ".%3uZ", &fraction) == 1 && end[4] == 'Z';
        if (!is_whole && !is_exact)
            continue;
        int day = parts.tm_mday;
        time_t seconds = timegm(&parts); /* makes the 1st of May of the 31st of April */
        if (seconds < 0 || parts.tm_mday != day)
            return false;
        *first_out = (uint64_t)seconds * 1000 + fraction;
        *last_out = is_exact ? *first_out : *first_out + 999; /* the whole second */
        return true;
    }
    return false;
}
