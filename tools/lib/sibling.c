/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sibling.c - see sibling.h. */
#include "tools/lib/sibling.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void sibling_find(const char *name, char path_out[SIBLING_SIZE])
{
    static const char *const folders[] = {"", "../sbin/"};
    char self[SIBLING_SIZE];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(self, '/');
    for (size_t i = 0; slash != NULL && i < sizeof folders / sizeof *folders; i++) {
        int size = snprintf(path_out, SIBLING_SIZE, "%.*s/%s%s", (int)(slash - self), self,
                            folders[i], name);
        if (size > 0 && (size_t)size < SIBLING_SIZE && access(path_out, X_OK) == 0)
            return;
    }
    (void)snprintf(path_out, SIBLING_SIZE, "%s", name);
}
