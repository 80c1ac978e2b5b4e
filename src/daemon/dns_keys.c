/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dns_keys.c - see dns_keys.h. */
#include "src/daemon/dns_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_SIZE_MAX 1024u

static enum rsm_status complain(char *why, const char *path, const char *what,
                                enum rsm_status status)
{
    snprintf(why, CONFIG_DNS_WHY_SIZE, "%.200s: %.90s", path, what);
    return status;
}

/* The text without blanks around it; the caller wipes `text`. */
static enum rsm_status read_secret(const char *path, char text[FILE_SIZE_MAX], char *why)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return complain(why, path, strerror(errno),
                        errno == ENOENT   ? RSM_NOT_FOUND
                        : errno == EACCES ? RSM_NOT_ALLOWED
                                          : RSM_IO);
    enum rsm_status status = fstat(fd, &st) == 0 ? RSM_OK : RSM_IO;
    bool is_ours = status == RSM_OK && (st.st_uid == geteuid() || st.st_uid == 0);
    if (!is_ours || !S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        status = complain(why, path, "others can read or replace it: chmod 600", RSM_KEY_EXPOSED);
    ssize_t size = status == RSM_OK ? read(fd, text, FILE_SIZE_MAX - 1) : 0;
    close(fd);
    if (status != RSM_OK)
        return status;
    if (size < 0)
        return complain(why, path, strerror(errno), RSM_IO);
    text[size] = '\0';
    text[strcspn(text, "\r\n \t")] = '\0';
    return RSM_OK;
}

static enum rsm_status read_key(const struct config_tsig *line, struct tsig_keys *keys, char *why)
{
    char text[FILE_SIZE_MAX] = "";
    const char *words = "";
    struct tsig_key *key = NULL;
    enum rsm_status status = read_secret(line->path, text, why);
    if (status == RSM_OK) {
        status = tsig_key_new(line->name, line->algorithm, text, line->purposes, &key, &words);
        if (status != RSM_OK)
            (void)complain(why, line->path, words, status);
    }
    explicit_bzero(text, sizeof text);
    if (status == RSM_OK)
        keys->keys[keys->count++] = key;
    return status;
}

enum rsm_status dns_keys_read(const struct config_dns *dns, struct tsig_keys *keys_out, char *why)
{
    enum rsm_status status = RSM_OK;
    *keys_out = (struct tsig_keys){.count = 0};
    for (uint32_t i = 0; status == RSM_OK && i < dns->key_count; i++)
        status = read_key(&dns->keys[i], keys_out, why);
    if (status != RSM_OK)
        dns_keys_free(keys_out);
    return status;
}

void dns_keys_free(struct tsig_keys *keys)
{
    for (uint32_t i = 0; i < keys->count; i++)
        tsig_key_free(keys->keys[i]);
    keys->count = 0;
}
