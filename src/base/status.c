/* SPDX-License-Identifier: Apache-2.0 */
/* status.c - the list of operating errors as tables. */
#include <rsm/status.h>

#include <string.h>

struct status_row {
    const char *text;
    int exit_status;
    const char *sentence;
};

static const struct status_row rows[RSM_STATUS_COUNT] = {
#define STATUS_ROW(name, text, exit_status, sentence) [RSM_##name] = {text, exit_status, sentence},
    RSM_STATUS_LIST(STATUS_ROW)
#undef STATUS_ROW
};

static const struct status_row unknown_row = {"UNKNOWN", 1, "an unknown status"};

static const struct status_row *row_of(enum rsm_status status)
{
    return (unsigned)status < RSM_STATUS_COUNT ? &rows[status] : &unknown_row;
}

const char *rsm_status_text(enum rsm_status status)
{
    return row_of(status)->text;
}

const char *rsm_status_sentence(enum rsm_status status)
{
    return row_of(status)->sentence;
}

int rsm_status_exit(enum rsm_status status)
{
    return row_of(status)->exit_status;
}

enum rsm_status rsm_status_parse(const char *text)
{
    size_t size = strcspn(text, " :");
    for (unsigned i = 0; i < RSM_STATUS_COUNT; i++)
        if (strlen(rows[i].text) == size && memcmp(rows[i].text, text, size) == 0)
            return (enum rsm_status)i;
    return RSM_FAILED;
}
