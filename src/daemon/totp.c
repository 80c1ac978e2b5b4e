/* SPDX-License-Identifier: GPL-3.0-or-later */
/* totp.c - see totp.h. */
#include "src/daemon/totp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nettle/hmac.h>
#include <sodium.h>

#include "src/base/mem.h"
#include "src/command/keyfile.h"
#include "src/machine/factor.h"

#define FILE_SIZE_MAX 65536u
#define DIGITS 6u

struct lock {
    uint8_t name[LIMIT_PRINCIPAL_SIZE];
    size_t name_size; /* 0: free */
    uint32_t tries;   /* wrong ones since `since_ms` */
    uint64_t since_ms;
};

struct totp {
    char *path;
    const struct rsm_key *key;
    uint32_t replica;
    struct lock locks[TOTP_PRINCIPALS_MAX];
};

struct totp *totp_new(const char *path, const struct rsm_key *key, uint32_t replica)
{
    struct totp *t = mem_alloc(sizeof *t);
    memset(t, 0, sizeof *t);
    t->path = mem_copy_text(path, strlen(path));
    t->key = key;
    t->replica = replica;
    return t;
}

void totp_free(struct totp *t)
{
    if (t != NULL)
        mem_free(t->path);
    mem_free(t);
}

/* ---- codes ---- */

uint32_t totp_code(struct bytes secret, uint64_t step)
{
    struct hmac_sha1_ctx hmac;
    uint8_t counter[8], digest[SHA1_DIGEST_SIZE];
    put_u64(counter, step);
    hmac_sha1_set_key(&hmac, secret.size, secret.data);
    hmac_sha1_update(&hmac, sizeof counter, counter);
    hmac_sha1_digest(&hmac, sizeof digest, digest);
    const uint8_t *at = digest + (digest[SHA1_DIGEST_SIZE - 1] & 0x0f);
    uint32_t number = get_u32(at) & 0x7fffffffu;
    sodium_memzero(&hmac, sizeof hmac);
    return number % 1000000u;
}

size_t totp_secret_decode(const char *text, uint8_t out[TOTP_SECRET_MAX])
{
    uint32_t bits = 0, held = 0;
    size_t size = 0;
    for (; *text != '\0' && *text != '='; text++) {
        char c = *text;
        uint32_t value = c >= 'A' && c <= 'Z'   ? (uint32_t)(c - 'A')
                         : c >= 'a' && c <= 'z' ? (uint32_t)(c - 'a')
                         : c >= '2' && c <= '7' ? (uint32_t)(c - '2') + 26
                                                : 32;
        if (value == 32)
            return 0;
        bits = bits << 5 | value;
        held += 5;
        if (held < 8)
            continue;
        if (size == TOTP_SECRET_MAX)
            return 0;
        held -= 8;
        out[size++] = (uint8_t)(bits >> held);
    }
    return size;
}

/* ---- the file ---- */

static enum rsm_status read_file(const char *path, char *text, size_t size)
{
    struct stat st;
    size_t used = 0;
    ssize_t got = 1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? RSM_NOT_FOUND : RSM_IO;
    enum rsm_status status = fstat(fd, &st) == 0 ? RSM_OK : RSM_IO;
    bool is_ours = status == RSM_OK && (st.st_uid == geteuid() || st.st_uid == 0);
    if (!is_ours || !S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        status = RSM_KEY_EXPOSED;
    while (status == RSM_OK && used < size - 1 && got > 0) {
        got = read(fd, text + used, size - 1 - used);
        used += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    text[used] = '\0';
    if (status == RSM_OK && got < 0)
        return RSM_IO;
    return status == RSM_OK && used == size - 1 ? RSM_MALFORMED : status;
}

static bool is_text(const char *word, struct bytes wanted)
{
    return word != NULL && strlen(word) == wanted.size &&
           memcmp(word, wanted.data, wanted.size) == 0;
}

static enum rsm_status find_secret(char *text, const struct totp_question *q,
                                   uint8_t secret[TOTP_SECRET_MAX], size_t *size_out)
{
    char *rest = text;
    while (rest != NULL) {
        char *line = strsep(&rest, "\n");
        const char *principal = strsep(&line, " \t");
        const char *id = line != NULL ? strsep(&line, " \t") : NULL;
        if (!is_text(principal, q->principal) || !is_text(id, q->id) || line == NULL)
            continue;
        line[strcspn(line, " \t\r")] = '\0';
        *size_out = totp_secret_decode(line, secret);
        return *size_out >= 16 ? RSM_OK : RSM_MALFORMED; /* RFC 4226 4, R6: 128 bits */
    }
    return RSM_NOT_FOUND;
}

/* ---- tries ---- */

static struct lock *find_lock(struct totp *t, const struct totp_question *q)
{
    struct lock *oldest = &t->locks[0];
    for (size_t i = 0; i < TOTP_PRINCIPALS_MAX; i++) {
        struct lock *lock = &t->locks[i];
        if (bytes_equal(bytes_make(lock->name, lock->name_size), q->principal))
            return lock;
        if (lock->name_size == 0 || lock->since_ms < oldest->since_ms)
            oldest = lock;
    }
    *oldest = (struct lock){.name_size = q->principal.size, .since_ms = q->monotonic_ms};
    memcpy(oldest->name, q->principal.data, q->principal.size);
    return oldest;
}

static bool is_locked(struct lock *lock, uint64_t now_ms)
{
    if (now_ms - lock->since_ms >= TOTP_LOCK_MS) {
        lock->tries = 0;
        lock->since_ms = now_ms;
    }
    return lock->tries >= TOTP_TRIES;
}

/* The step of the code, of those around now; 0: of none. All are tried, whichever it is. */
static uint64_t step_of(struct bytes secret, const struct totp_question *q)
{
    uint64_t now = q->wall_ms / TOTP_STEP_MS, found = 0;
    for (uint64_t step = now - 1; step <= now + 1; step++) {
        char text[16];
        (void)snprintf(text, sizeof text, "%06u", totp_code(secret, step));
        if (q->code.size == DIGITS && sodium_memcmp(text, q->code.data, DIGITS) == 0)
            found = step;
    }
    return found;
}

static enum rsm_status attest(struct totp *t, const struct totp_question *q, uint64_t step,
                              uint8_t data_out[TOTP_DATA_SIZE], uint8_t *signature_out)
{
    uint8_t both[RSM_FACTOR_HASH_SIZE + TOTP_DATA_SIZE];
    put_u64(data_out, step);
    data_out[TOTP_DATA_SIZE - 1] = (uint8_t)t->replica;
    memcpy(both, q->over, RSM_FACTOR_HASH_SIZE);
    memcpy(both + RSM_FACTOR_HASH_SIZE, data_out, TOTP_DATA_SIZE);
    return key_sign(t->key, TOTP_TAG, (struct bytes){NULL, 0}, bytes_make(both, sizeof both),
                    signature_out);
}

enum rsm_status totp_attest(struct totp *t, const struct totp_question *q,
                            uint8_t data_out[TOTP_DATA_SIZE],
                            uint8_t signature_out[RSM_FACTOR_SIGNATURE_SIZE])
{
    uint8_t secret[TOTP_SECRET_MAX];
    size_t size = 0;
    if (q->principal.size == 0 || q->principal.size > LIMIT_PRINCIPAL_SIZE)
        return RSM_NOT_FOUND;
    char *text = mem_alloc(FILE_SIZE_MAX);
    enum rsm_status status = read_file(t->path, text, FILE_SIZE_MAX);
    if (status == RSM_OK)
        status = find_secret(text, q, secret, &size);
    sodium_memzero(text, FILE_SIZE_MAX);
    mem_free(text);
    struct lock *lock = status == RSM_OK ? find_lock(t, q) : NULL;
    if (status == RSM_OK && is_locked(lock, q->monotonic_ms))
        status = RSM_RATE_LIMITED;
    if (status == RSM_OK) {
        uint64_t step = step_of(bytes_make(secret, size), q);
        lock->tries = step == 0 ? lock->tries + 1 : 0;
        status = step == 0 ? RSM_REFUSED : attest(t, q, step, data_out, signature_out);
    }
    sodium_memzero(secret, sizeof secret);
    return status;
}
