/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config_dns.c - see config_dns.h. */
#include "src/daemon/config_dns.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/daemon/config.h"
#include "src/rr/name.h"

#define WORDS_MAX 5u

__attribute__((format(printf, 2, 3))) static enum rsm_status complain(char *why, const char *format,
                                                                      ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, CONFIG_DNS_WHY_SIZE, format, arguments);
    va_end(arguments);
    return RSM_USAGE;
}

/* Words between blanks, in a copy that the caller frees; 0: none, or more than WORDS_MAX. */
static uint32_t split(const char *value, char **copy_out, char *words[WORDS_MAX])
{
    uint32_t count = 0;
    char *rest = NULL;
    *copy_out = mem_copy_string(value);
    for (char *word = strtok_r(*copy_out, " \t", &rest); word != NULL;
         word = strtok_r(NULL, " \t", &rest)) {
        if (count == WORDS_MAX)
            return 0;
        words[count++] = word;
    }
    return count;
}

/* A domain name as it is written in the state: lower case, with its last dot. */
static bool is_name(const char *text, char out[NAME_TEXT_MAX])
{
    uint8_t wire[NAME_SIZE_MAX];
    struct bytes name;
    if (name_from_text(text, (struct bytes){NULL, 0}, wire, &name) != RSM_OK)
        return false;
    name_to_text(name, out);
    return true;
}

enum rsm_status config_dns_listen(struct config_dns *dns, const char *value, char *why)
{
    if (!config_is_address(value))
        return complain(why, "\"%.100s\" is not an address such as 192.0.2.1:53 or [::1]:53",
                        value);
    if (dns->listen_count == DNS_LISTEN_MAX)
        return complain(why, "at most %u addresses", DNS_LISTEN_MAX);
    dns->listen[dns->listen_count++] = mem_copy_string(value);
    return RSM_OK;
}

static bool take_purpose(const char *word, uint32_t *purposes)
{
    static const struct {
        const char *word;
        uint32_t purpose;
    } rows[] = {{"transfer", TSIG_TRANSFER}, {"update", TSIG_UPDATE}, {"notify", TSIG_NOTIFY}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].word, word) == 0) {
            *purposes |= rows[i].purpose;
            return true;
        }
    }
    return false;
}

static const struct config_tsig *find_key(const struct config_dns *dns, const char *name)
{
    for (uint32_t i = 0; i < dns->key_count; i++)
        if (strcmp(dns->keys[i].name, name) == 0)
            return &dns->keys[i];
    return NULL;
}

static enum rsm_status add_key(struct config_dns *dns, const char *file, char *words[WORDS_MAX],
                               uint32_t count, char *why)
{
    char name[NAME_TEXT_MAX];
    char *rest = NULL;
    struct config_tsig key = {.purposes = 0};
    if (!is_name(words[0], name))
        return complain(why, "\"%.100s\" is no name of a key", words[0]);
    if (find_key(dns, name) != NULL)
        return complain(why, "key %.100s stands twice", name);
    if (strcmp(words[1], "hmac-sha256") != 0 && strcmp(words[1], "hmac-sha512") != 0)
        return complain(why, "\"%.100s\" is neither hmac-sha256 nor hmac-sha512", words[1]);
    for (char *word = count >= 4 ? strtok_r(words[3], ",", &rest) : NULL; word != NULL;
         word = strtok_r(NULL, ",", &rest))
        if (!take_purpose(word, &key.purposes))
            return complain(why, "\"%.100s\" is none of transfer, update, notify", word);
    if (key.purposes == 0)
        key.purposes = TSIG_TRANSFER | TSIG_NOTIFY;
    if (count == 5 && (key.purposes & TSIG_UPDATE) == 0)
        return complain(why, "a principal stands behind a key for updates only");
    if (count == 5 && strlen(words[4]) > LIMIT_PRINCIPAL_SIZE)
        return complain(why, "\"%.100s\" is too long for a principal", words[4]);
    if (dns->key_count == TSIG_KEYS_MAX)
        return complain(why, "at most %u keys", TSIG_KEYS_MAX);
    /* Unless said: the principal of the key's own name, without the dot behind it. */
    key.principal = count == 5 ? mem_copy_string(words[4]) : mem_copy_text(name, strlen(name) - 1);
    key.name = mem_copy_string(name);
    key.algorithm = mem_copy_string(words[1]);
    key.path = config_resolve(file, words[2]);
    dns->keys[dns->key_count++] = key;
    return RSM_OK;
}

enum rsm_status config_dns_key(struct config_dns *dns, const char *file, const char *value,
                               char *why)
{
    char *words[WORDS_MAX];
    char *copy;
    uint32_t count = split(value, &copy, words);
    enum rsm_status status =
        count < 3 ? complain(why, "is not NAME ALGORITHM FILE [PURPOSES [PRINCIPAL]]")
                  : add_key(dns, file, words, count, why);
    mem_free(copy);
    return status;
}

static enum rsm_status add_secondary(struct config_dns *dns, char *words[WORDS_MAX], uint32_t count,
                                     char *why)
{
    char zone[NAME_TEXT_MAX];
    char key[NAME_TEXT_MAX];
    bool is_all = strcmp(words[0], "*") == 0;
    if (!is_all && !is_name(words[0], zone))
        return complain(why, "\"%.100s\" is neither * nor a zone", words[0]);
    if (!config_is_address(words[1]))
        return complain(why, "\"%.100s\" is not an address such as 192.0.2.53:53", words[1]);
    if (count == 3 && !is_name(words[2], key))
        return complain(why, "\"%.100s\" is no name of a key", words[2]);
    if (dns->secondary_count == NOTIFY_TARGETS_MAX)
        return complain(why, "at most %u secondaries", NOTIFY_TARGETS_MAX);
    dns->secondaries[dns->secondary_count++] =
        (struct config_secondary){.zone = is_all ? NULL : mem_copy_string(zone),
                                  .address = mem_copy_string(words[1]),
                                  .key = count == 3 ? mem_copy_string(key) : NULL};
    return RSM_OK;
}

enum rsm_status config_dns_secondary(struct config_dns *dns, const char *value, char *why)
{
    char *words[WORDS_MAX];
    char *copy;
    uint32_t count = split(value, &copy, words);
    enum rsm_status status = count < 2 || count > 3 ? complain(why, "is not ZONE ADDRESS [KEY]")
                                                    : add_secondary(dns, words, count, why);
    mem_free(copy);
    return status;
}

enum rsm_status config_dns_check(const struct config_dns *dns, char *why)
{
    for (uint32_t i = 0; i < dns->secondary_count; i++) {
        const char *name = dns->secondaries[i].key;
        const struct config_tsig *key = name != NULL ? find_key(dns, name) : NULL;
        if (name != NULL && key == NULL)
            return complain(why, "there is no tsig_key %.100s", name);
        if (name != NULL && (key->purposes & TSIG_NOTIFY) == 0)
            return complain(why, "key %.100s is not for notify", name);
    }
    if (dns->secondary_count > 0 && dns->listen_count == 0)
        return complain(why, "without dns_listen there is nothing to be told of");
    return RSM_OK;
}

void config_dns_deinit(struct config_dns *dns)
{
    for (uint32_t i = 0; i < dns->listen_count; i++)
        mem_free(dns->listen[i]);
    for (uint32_t i = 0; i < dns->key_count; i++) {
        mem_free(dns->keys[i].name);
        mem_free(dns->keys[i].algorithm);
        mem_free(dns->keys[i].path);
        mem_free(dns->keys[i].principal);
    }
    for (uint32_t i = 0; i < dns->secondary_count; i++) {
        mem_free(dns->secondaries[i].zone);
        mem_free(dns->secondaries[i].address);
        mem_free(dns->secondaries[i].key);
    }
    mem_free(dns->gateway_key);
    *dns = (struct config_dns){.listen_count = 0};
}
