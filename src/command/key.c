/* SPDX-License-Identifier: Apache-2.0 */
/* key.c - keys in memory, and key files on disk. */
#include "src/command/key.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/command/body.h"
#include "src/command/canonical.h"
#include "src/command/keyfile.h"

/* In sodium_malloc memory, read-only once made. */
struct rsm_key {
    uint8_t secret[SIGNATURE_SECRET_SIZE]; /* seed, then public key */
    bool is_locked;
    char name[LIMIT_PRINCIPAL_SIZE + 1];
};

enum rsm_status key_from_seed(const char *name, const uint8_t seed[KEYFILE_SEED_SIZE],
                              struct rsm_key **key_out)
{
    *key_out = NULL;
    if (sodium_init() < 0)
        return RSM_FAILED;
    struct bytes text = bytes_of_string(name);
    if (text.size > LIMIT_PRINCIPAL_SIZE || !body_is_word(text) || !scan_is_utf8(text))
        return RSM_MALFORMED;
    if (text.data[0] == ' ' || text.data[text.size - 1] == ' ')
        return RSM_MALFORMED; /* a key file's line would come back without it */
    struct rsm_key *key = sodium_malloc(sizeof *key);
    if (key == NULL)
        return RSM_NO_MEMORY;
    *key = (struct rsm_key){.is_locked = false};
    /* sodium_malloc does not say whether it could lock its pages; asked again, it does. */
    key->is_locked = sodium_mlock(key, sizeof *key) == 0;
    memcpy(key->name, text.data, text.size);
    uint8_t public_key[SIGNATURE_KEY_SIZE];
    (void)crypto_sign_seed_keypair(public_key, key->secret, seed);
    (void)sodium_mprotect_readonly(key);
    *key_out = key;
    return RSM_OK;
}

enum rsm_status rsm_key_generate(const char *name, struct rsm_key **key_out)
{
    *key_out = NULL;
    if (sodium_init() < 0) /* else sodium_malloc aborts, where rsm_crypto_init was forgotten */
        return RSM_FAILED;
    uint8_t *seed = sodium_malloc(KEYFILE_SEED_SIZE);
    if (seed == NULL)
        return RSM_NO_MEMORY;
    randombytes_buf(seed, KEYFILE_SEED_SIZE);
    enum rsm_status status = key_from_seed(name, seed, key_out);
    sodium_free(seed);
    return status;
}

void rsm_key_free(struct rsm_key *key)
{
    if (key == NULL)
        return;
    (void)sodium_mprotect_readwrite(key);
    sodium_free(key); /* wipes */
}

const char *rsm_key_name(const struct rsm_key *key)
{
    return key->name;
}

const uint8_t *rsm_key_public(const struct rsm_key *key)
{
    return key->secret + KEYFILE_SEED_SIZE;
}

bool rsm_key_is_locked(const struct rsm_key *key)
{
    return key->is_locked;
}

const uint8_t *key_seed(const struct rsm_key *key)
{
    return key->secret;
}

enum rsm_status key_sign(const struct rsm_key *key, struct signature_tag tag, struct bytes prefix,
                         struct bytes payload, uint8_t signature_out[SIGNATURE_SIZE])
{
    return signature_sign(key->secret, tag, prefix, payload, signature_out);
}

/* ---- files ---- */

static enum rsm_status status_of_errno(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return RSM_NOT_FOUND;
    case ELOOP:
        return RSM_KEY_EXPOSED; /* a symbolic link: whoever can turn it chooses the key */
    case EEXIST:
        return RSM_EXISTS;
    case EACCES:
    case EPERM:
        return RSM_NOT_ALLOWED;
    case ENOSPC:
    case EDQUOT:
        return RSM_DISK_FULL;
    default:
        return RSM_IO;
    }
}

/* Whose file it is, and who else may touch it; asked of the descriptor, so that it cannot change.
 */
static enum rsm_status check_file(int descriptor, size_t *size_out)
{
    struct stat st;
    if (fstat(descriptor, &st) != 0)
        return RSM_IO;
    bool is_ours = st.st_uid == geteuid() || st.st_uid == 0;
    if (!S_ISREG(st.st_mode) || !is_ours || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return RSM_KEY_EXPOSED;
    if (st.st_size > (off_t)KEYFILE_SIZE_MAX)
        return RSM_MALFORMED;
    *size_out = (size_t)st.st_size;
    return RSM_OK;
}

/* Reads the whole file into sodium_malloc memory that the caller frees. */
static enum rsm_status read_file(const char *path, uint8_t **text_out, size_t *size_out)
{
    *text_out = NULL;
    size_t size = 0;
    int descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return status_of_errno(errno);
    enum rsm_status status = check_file(descriptor, &size);
    uint8_t *text = status == RSM_OK ? sodium_malloc(KEYFILE_SIZE_MAX) : NULL;
    if (status == RSM_OK && text == NULL)
        status = RSM_NO_MEMORY;
    size_t done = 0;
    while (status == RSM_OK && done < size) {
        ssize_t n = read(descriptor, text + done, size - done);
        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR)
            status = RSM_IO;
    }
    (void)close(descriptor);
    if (status == RSM_OK) {
        *text_out = text;
        *size_out = size;
    } else {
        sodium_free(text);
    }
    return status;
}

enum rsm_status rsm_key_load(const char *path, const char *passphrase, size_t passphrase_size,
                             struct rsm_key **key_out)
{
    uint8_t *text;
    size_t size;
    *key_out = NULL;
    enum rsm_status status = read_file(path, &text, &size);
    if (status != RSM_OK)
        return status;
    status = keyfile_parse(bytes_make(text, size), passphrase, passphrase_size, key_out);
    sodium_free(text);
    return status;
}

enum rsm_status rsm_key_is_encrypted(const char *path, bool *encrypted_out)
{
    uint8_t *text;
    size_t size;
    *encrypted_out = false;
    enum rsm_status status = read_file(path, &text, &size);
    if (status != RSM_OK)
        return status;
    status = keyfile_is_encrypted(bytes_make(text, size), encrypted_out);
    sodium_free(text);
    return status;
}

static enum rsm_status write_whole(int descriptor, const char *text, size_t size)
{
    size_t done = 0;
    if (fchmod(descriptor, S_IRUSR | S_IWUSR) != 0)
        return RSM_IO;
    while (done < size) {
        ssize_t n = write(descriptor, text + done, size - done);
        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR)
            return n == 0 ? RSM_IO : status_of_errno(errno);
    }
    return fsync(descriptor) == 0 ? RSM_OK : RSM_IO;
}

/* The name is durable only when its directory is. */
static enum rsm_status flush_directory_of(const char *path)
{
    char *copy = mem_copy_string(path);
    int descriptor = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mem_free(copy);
    if (descriptor < 0)
        return RSM_IO;
    int result = fsync(descriptor);
    (void)close(descriptor);
    return result == 0 ? RSM_OK : RSM_IO;
}

enum rsm_status rsm_key_save(const struct rsm_key *key, const char *path, const char *passphrase,
                             size_t passphrase_size)
{
    size_t size = 0;
    char *text = sodium_malloc(KEYFILE_SIZE_MAX);
    if (text == NULL)
        return RSM_NO_MEMORY;
    enum rsm_status status = keyfile_format(key, passphrase, passphrase_size, NULL, text, &size);
    if (status != RSM_OK) {
        sodium_free(text);
        return status;
    }
    int descriptor =
        open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (descriptor < 0) {
        status = status_of_errno(errno);
    } else {
        status = write_whole(descriptor, text, size);
        if (close(descriptor) != 0 && status == RSM_OK)
            status = RSM_IO;
        if (status == RSM_OK)
            status = flush_directory_of(path);
        if (status != RSM_OK)
            (void)unlink(path);
    }
    sodium_free(text);
    return status;
}
