/* SPDX-License-Identifier: GPL-3.0-or-later */
/* when.c - see when.h. */
#include "tools/lib/when.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

/* The milliseconds of ".25" and the like, one digit at least; what stands behind it, or NULL: no
 * fraction. */
static const char *take_fraction(const char *text, uint64_t *ms_out)
{
    uint64_t scale = 100;
    *ms_out = 0;
    if (text[0] != '.' || text[1] < '0' || text[1] > '9')
        return NULL;
    for (text++; *text >= '0' && *text <= '9'; text++, scale /= 10)
        *ms_out += (uint64_t)(*text - '0') * scale;
    return text;
}

bool when_parse(const char *text, uint64_t *first_out, uint64_t *last_out)
{
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d"};
    static const size_t sizes[] = {19, 16, 10}; /* of what a form says in digits */

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm parts = {0};
        uint64_t ms = 0;
        char same[24];
        const char *end = strptime(text, forms[i], &parts);
        const char *behind = end != NULL && i == 0 ? take_fraction(end, &ms) : NULL;
        if (end == NULL || strcmp(behind != NULL ? behind : end, i == 0 ? "Z" : "") != 0)
            continue;
        time_t seconds = timegm(&parts); /* makes the 1st of May of the 31st of April */
        (void)strftime(same, sizeof same, "%Y-%m-%dT%H:%M:%S", &parts);
        if (seconds < 0 || strncmp(text, same, sizes[i]) != 0)
            return false;
        *first_out = (uint64_t)seconds * 1000 + ms;
        *last_out = behind != NULL ? *first_out : *first_out + 999; /* the whole second */
        return true;
    }
    return false;
}

const char *when_text(uint64_t ms, char out[WHEN_TEXT_SIZE])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts;
    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(out, WHEN_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        out[0] = '\0';
    return out;
}
