/* SPDX-License-Identifier: Apache-2.0 */
/* text.c - see text.h. */
#include "src/base/text.h"

#include <string.h>

char *text_trim(char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    size_t size = strlen(text);
    while (size > 0 && strchr(" \t\r", text[size - 1]) != NULL)
        text[--size] = '\0';
    return text;
}
