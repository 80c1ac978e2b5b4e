/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint.c - see endpoint.h. */
#include "src/client/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

static bool parse_port(const char *text, in_port_t *port_out)
{
    uint32_t port = 0;
    size_t size = strlen(text);
    if (size == 0 || size > 5)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        port = 10 * port + (uint32_t)(text[i] - '0');
    }
    *port_out = htons((uint16_t)port);
    return port >= 1 && port <= 65535;
}

static bool parse_unix(const char *path, struct endpoint *out)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(path);
    if (path[0] != '/' || size >= sizeof address.sun_path)
        return false;
    memcpy(address.sun_path, path, size);
    memcpy(&out->address, &address, sizeof address);
    out->address_size = sizeof address;
    return true;
}

/* `host` without its brackets. */
static bool parse_inet(const char *host, bool is_six, in_port_t port, struct endpoint *out)
{
    if (is_six) {
        struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = port};
        if (inet_pton(AF_INET6, host, &address.sin6_addr) != 1)
            return false;
        memcpy(&out->address, &address, sizeof address);
        out->address_size = sizeof address;
        return true;
    }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = port};
    if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host,
                  &address.sin_addr) != 1)
        return false;
    memcpy(&out->address, &address, sizeof address);
    out->address_size = sizeof address;
    return true;
}

static bool parse_one(const char *text, size_t size, struct endpoint *out)
{
    char copy[ENDPOINT_TEXT_SIZE] = {0};
    in_port_t port;
    if (size == 0 || size >= sizeof copy)
        return false;
    memcpy(copy, text, size);
    memcpy(out->text, copy, sizeof copy);
    if (strncmp(copy, "unix:", 5) == 0)
        return parse_unix(copy + 5, out);
    char *colon = strrchr(copy, ':');
    if (colon == NULL || !parse_port(colon + 1, &port))
        return false;
    *colon = 0;
    bool is_six = copy[0] == '[' && colon > copy + 1 && colon[-1] == ']';
    if (is_six)
        colon[-1] = 0;
    return parse_inet(is_six ? copy + 1 : copy, is_six, port, out);
}

enum rsm_status endpoint_parse_list(const char *text, struct endpoint *endpoints_out,
                                    unsigned count_max, unsigned *count_out)
{
    unsigned count = 0;
    *count_out = 0;
    for (;;) {
        text += strspn(text, " \t");
        size_t size = strcspn(text, ",");
        size_t trimmed = size;
        while (trimmed > 0 && (text[trimmed - 1] == ' ' || text[trimmed - 1] == '\t'))
            trimmed--;
        if (count == count_max || !parse_one(text, trimmed, &endpoints_out[count]))
            return RSM_USAGE;
        count++;
        if (text[size] == 0)
            break;
        text += size + 1;
    }
    *count_out = count;
    return RSM_OK;
}
