/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recording.c - see recording.h. */
#include "tools/resilience-ctl/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>
#include <rsm/change.h>

#include "src/base/mem.h"

#define TRIES 5

struct recorder {
    struct ctl *ctl;
    int file;
    uint8_t session[16];
    crypto_secretstream_xchacha20poly1305_state stream;
    struct writer text;  /* of the chunk in hand */
    struct writer bytes; /* to be written: head (before chunk 0), size, ciphertext */
    uint64_t index;
    char held[4]; /* the beginning of a character whose end has not come */
    size_t held_size;
    struct timespec began;
};

bool recording_load_key(const char *path, uint8_t key_out[RECORDING_KEY_SIZE])
{
    char text[2 * RECORDING_KEY_SIZE + 2] = "";
    struct stat st;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool is_good = file >= 0 && fstat(file, &st) == 0 && S_ISREG(st.st_mode) &&
                   (st.st_mode & (S_IRWXG | S_IRWXO)) == 0 &&
                   read(file, text, sizeof text - 1) >= (ssize_t)(2 * RECORDING_KEY_SIZE);
    if (file >= 0)
        close(file);
    text[2 * RECORDING_KEY_SIZE] = '\0';
    is_good = is_good && hex_decode(key_out, RECORDING_KEY_SIZE, text);
    sodium_memzero(text, sizeof text);
    if (!is_good)
        ctl_fail(RSM_KEY_EXPOSED, "%s: a file of mode 600 with 64 hexadecimal digits is wanted",
                 path);
    return is_good;
}

struct recorder *recorder_new(struct ctl *ctl, const char *path, const char *key_path)
{
    uint8_t key[RECORDING_KEY_SIZE], header[crypto_secretstream_xchacha20poly1305_HEADERBYTES];
    if (!recording_load_key(key_path, key))
        return NULL;
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) {
        ctl_fail(RSM_IO, "%s: %s", path, strerror(errno));
        return NULL;
    }
    struct recorder *r = mem_alloc(sizeof *r);
    *r = (struct recorder){.ctl = ctl, .file = file};
    randombytes_buf(r->session, sizeof r->session);
    (void)crypto_secretstream_xchacha20poly1305_init_push(&r->stream, header, key);
    sodium_memzero(key, sizeof key);
    writer_init(&r->text, RECORDING_CHUNK_MAX);
    writer_init(&r->bytes, 2 * RECORDING_CHUNK_MAX);
    writer_bytes(&r->bytes, bytes_make(RECORDING_MAGIC, sizeof RECORDING_MAGIC));
    writer_bytes(&r->bytes, bytes_make(r->session, sizeof r->session));
    writer_bytes(&r->bytes, bytes_make(header, sizeof header));
    clock_gettime(CLOCK_MONOTONIC, &r->began);
    return r;
}

void recorder_free(struct recorder *r)
{
    if (r == NULL)
        return;
    close(r->file);
    writer_deinit(&r->text);
    writer_deinit(&r->bytes);
    sodium_memzero(&r->stream, sizeof r->stream);
    mem_free(r);
}

struct ctl *recorder_ctl(const struct recorder *r)
{
    return r->ctl;
}

size_t recorder_pending(const struct recorder *r)
{
    return r->text.size;
}

/* How many bytes at `at` are one character of UTF-8; 0: none. */
static size_t character_size(const uint8_t *at, size_t left)
{
    size_t size = at[0] < 0x80 ? 1 : (at[0] & 0xe0) == 0xc0 ? 2 : (at[0] & 0xf0) == 0xe0 ? 3 : 4;
    if (at[0] >= 0xf5 || (at[0] >= 0x80 && at[0] < 0xc2) || size > left)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    /* RFC 3629 4: no longer than needed, no surrogates, nothing above U+10FFFF. */
    bool is_bad = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] >= 0xa0) ||
                  (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] >= 0x90);
    return is_bad ? 0 : size;
}

/* A terminal is read in pieces: they end anywhere. */
static bool is_cut(const uint8_t *at, size_t left)
{
    uint8_t whole[4] = {0x80, at[0] == 0xe0 || at[0] == 0xf0 ? 0xa0 : 0x80, 0x80, 0x80};
    if (left > 3 || at[0] < 0xc2)
        return false;
    memcpy(whole, at, left);
    return character_size(whole, sizeof whole) > left;
}

/* What is no UTF-8 is shown as terminals show it: U+FFFD. */
static void clean_text(struct recorder *r, const char *text, size_t size, struct writer *out)
{
    struct writer all;
    writer_init(&all, size + sizeof r->held);
    writer_bytes(&all, bytes_make(r->held, r->held_size));
    writer_bytes(&all, bytes_make(text, size));
    r->held_size = 0;
    for (size_t i = 0; i < all.size;) {
        size_t one = character_size(all.data + i, all.size - i);
        if (one == 0 && is_cut(all.data + i, all.size - i)) {
            r->held_size = all.size - i;
            memcpy(r->held, all.data + i, r->held_size);
            break;
        }
        if (one > 0)
            writer_bytes(out, bytes_make(all.data + i, one));
        else
            writer_bytes(out, bytes_make("\xef\xbf\xbd", 3));
        i += one > 0 ? one : 1;
    }
    writer_deinit(&all);
}

void recorder_add(struct recorder *r, const char *kind, const char *text, size_t size)
{
    struct timespec now;
    struct writer clean;
    writer_init(&clean, 4 * size + 16);
    clean_text(r, text, size, &clean);
    if (clean.size == 0) { /* all of it is held: its other half comes with the next piece */
        writer_deinit(&clean);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    double seconds =
        (double)(now.tv_sec - r->began.tv_sec) + (double)(now.tv_nsec - r->began.tv_nsec) / 1e9;
    json_t *event = *kind == 'h'
                        ? json_loads(text, 0, NULL)
                        : json_pack("[f,s,s%]", seconds, kind, (char *)clean.data, clean.size);
    char *line = event != NULL ? json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    if (line != NULL)
        writer_format(&r->text, "%s\n", line);
    else
        r->text.failed = true;
    free(line);
    json_decref(event);
    writer_deinit(&clean);
}

/* The person in the shell uses the same key: when a counter was taken, the next one is asked for.
 */
static bool log_hash(struct recorder *r, const uint8_t hash[32], uint32_t state)
{
    enum rsm_status status = RSM_REFUSED;
    for (int i = 0; i < TRIES && status == RSM_REFUSED; i++) {
        struct rsm_buffer body = {NULL, 0};
        rsm_author_free(r->ctl->signer);
        r->ctl->signer = NULL;
        status = ctl_sign_in(r->ctl);
        if (status == RSM_OK)
            status = rsm_body_override_record(r->session, r->index, hash, state, &body);
        if (status == RSM_OK)
            status = rsm_author_submit(
                r->ctl->signer, r->ctl->client, RSM_KIND_OVERRIDE_RECORD, rsm_buffer_bytes(&body),
                r->ctl->reason != NULL ? r->ctl->reason : "", r->ctl->timeout_ms, NULL, NULL);
        rsm_buffer_free(&body);
    }
    if (status != RSM_OK)
        ctl_fail(status, "the log did not take the recording's chunk %llu: %s",
                 (unsigned long long)r->index, rsm_status_sentence(status));
    return status == RSM_OK;
}

static bool write_durably(struct recorder *r)
{
    size_t done = 0;
    while (done < r->bytes.size) {
        ssize_t now = write(r->file, r->bytes.data + done, r->bytes.size - done);
        if (now < 0 && errno == EINTR)
            continue;
        if (now <= 0)
            break;
        done += (size_t)now;
    }
    if (done == r->bytes.size && fdatasync(r->file) == 0)
        return true;
    ctl_fail(RSM_IO, "the recording cannot be written: %s", strerror(errno));
    return false;
}

bool recorder_flush(struct recorder *r, uint32_t state)
{
    uint8_t hash[crypto_hash_sha256_BYTES],
        tag = state == 1 ? crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
                         : crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    size_t size = r->text.size + crypto_secretstream_xchacha20poly1305_ABYTES;
    uint8_t *sealed = mem_alloc(size);
    (void)crypto_secretstream_xchacha20poly1305_push(&r->stream, sealed, NULL, r->text.data,
                                                     r->text.size, NULL, 0, tag);
    writer_u32(&r->bytes, (uint32_t)size);
    writer_bytes(&r->bytes, bytes_make(sealed, size));
    mem_free(sealed);
    (void)crypto_hash_sha256(hash, r->bytes.data, r->bytes.size);
    bool is_good = !r->text.failed && !r->bytes.failed && write_durably(r);
    /* What could not be written is said to have failed, so that the log shows it. */
    is_good = log_hash(r, hash, is_good ? state : 3) && is_good;
    writer_reset(&r->text);
    writer_reset(&r->bytes);
    r->index++;
    return is_good;
}
