/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * override_shell.c - a shell whose terminal is recorded, and what is done with recordings later.
 *
 * Strict, always: while nothing can be written, or the log does not take a hash, nobody goes on
 * working unseen: the session ends. When the recorder itself is killed, its end of the terminal
 * goes, the shell gets SIGHUP, and the log has a recording that never ended.
 *
 * At the beginning, and when a step of the override was done or skipped, the guide is shown
 * (override_guide.c) between what the shell writes, and recorded with it. While nothing is shown a
 * chunk without text goes into the log now and then: so a recorder that is gone can be told from a
 * person who thinks.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "src/machine/recording.h"
#include "tools/resilience-ctl/override.h"
#include "tools/resilience-ctl/recording.h"

#define FLUSH_MS 1000
#define IDLE_S 60 /* then a chunk without text: RECORDING_SILENT_S has to be more */
#define FLUSH_SIZE 32768u
#define READ_SIZE 4096u

static void put_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t done = write(fd, text, size);
        if (done <= 0 && errno != EINTR)
            return;
        text += done > 0 ? done : 0;
        size -= done > 0 ? (size_t)done : 0;
    }
}

/* One turn. False: the shell's side is closed. */
static bool turn(int terminal, struct recorder *r, bool *has_input)
{
    char text[READ_SIZE];
    struct pollfd polls[] = {{terminal, POLLIN, 0}, {*has_input ? STDIN_FILENO : -1, POLLIN, 0}};
    if (poll(polls, 2, FLUSH_MS) < 0)
        return errno == EINTR;
    if ((polls[1].revents & (POLLIN | POLLHUP)) != 0) {
        ssize_t got = read(STDIN_FILENO, text, sizeof text);
        *has_input = got > 0;
        put_all(terminal, got > 0 ? text : "\4", got > 0 ? (size_t)got : 1); /* ^D: no more comes */
    }
    if ((polls[0].revents & (POLLIN | POLLHUP)) == 0)
        return true;
    ssize_t got = read(terminal, text, sizeof text);
    if (got <= 0)
        return false;
    put_all(STDOUT_FILENO, text, (size_t)got);
    recorder_add(r, "o", text, (size_t)got);
    return true;
}

/* What is new of the procedure, on a line of its own; the terminal is raw. */
static void guide(struct recorder *r, uint8_t seen[RSM_DIGEST_SIZE])
{
    struct ctl *ctl = recorder_ctl(r);
    char text[OVERRIDE_GUIDE_SIZE];
    const char *line = text;
    if (!override_guide_if_new(ctl, seen, text))
        return;
    while (*line != '\0') {
        char shown[READ_SIZE];
        size_t size = strcspn(line, "\n");
        int used = snprintf(shown, sizeof shown, "%s# %.*s\r\n", line == text ? "\r\n" : "",
                            (int)(size < 2000 ? size : 2000), line);
        put_all(STDOUT_FILENO, shown, (size_t)used);
        recorder_add(r, "o", shown, (size_t)used);
        line += size + (line[size] == '\n' ? 1 : 0);
    }
}

/* Until the shell ends; false: the recorder failed, and the shell was ended. */
static bool record(int terminal, struct recorder *r)
{
    bool has_input = true, goes_on = true;
    uint8_t seen[RSM_DIGEST_SIZE] = {0};
    struct timespec last, now;
    clock_gettime(CLOCK_MONOTONIC, &last);
    guide(r, seen);
    while (goes_on) {
        goes_on = turn(terminal, r, &has_input);
        clock_gettime(CLOCK_MONOTONIC, &now);
        bool is_due = now.tv_sec > last.tv_sec || recorder_pending(r) >= FLUSH_SIZE;
        bool is_idle = recorder_pending(r) == 0 && now.tv_sec - last.tv_sec < IDLE_S;
        if (!is_due || is_idle)
            continue;
        if (!recorder_flush(r, 1))
            return false;
        last = now;
        if (goes_on)
            guide(r, seen);
    }
    return recorder_flush(r, 2);
}

static int run_shell(struct recorder *r)
{
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    struct termios before, raw;
    const char *shell = getenv("SHELL");
    char head[128];
    int terminal = -1, end = 0;
    bool is_terminal = tcgetattr(STDIN_FILENO, &before) == 0;
    (void)ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
    (void)snprintf(head, sizeof head,
                   "{\"version\":2,\"width\":%u,\"height\":%u,\"timestamp\":%lld}", size.ws_col,
                   size.ws_row, (long long)time(NULL));
    recorder_add(r, "h", head, strlen(head));
    if (!recorder_flush(r, 1))
        return rsm_status_exit(RSM_FAILED);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a failed write, and is told */
    pid_t child = forkpty(&terminal, NULL, NULL, &size);
    if (child == 0) {
        (void)signal(SIGXFSZ, SIG_DFL);
        execl(shell != NULL ? shell : "/bin/sh", shell != NULL ? shell : "sh", (char *)NULL);
        _exit(127);
    }
    if (child < 0)
        return ctl_fail(RSM_IO, "no terminal: %s", strerror(errno));
    if (is_terminal) {
        raw = before;
        cfmakeraw(&raw);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    bool is_good = record(terminal, r);
    close(terminal);
    if (!is_good)
        (void)kill(-child, SIGKILL);
    while (waitpid(child, &end, 0) < 0 && errno == EINTR)
        continue;
    if (is_terminal)
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
    if (!is_good)
        return ctl_fail(RSM_FAILED, "the session was ended: it is not recorded any more");
    return WIFEXITED(end) ? WEXITSTATUS(end) : 1;
}

int ctl_override_shell(struct ctl *ctl, int count, char **arguments)
{
    (void)count;
    enum rsm_status status = ctl_sign_in(ctl);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    struct recorder *r = recorder_new(ctl, arguments[0], arguments[1]);
    if (r == NULL)
        return rsm_status_exit(RSM_FAILED);
    fprintf(stderr, "recorded in %s; resilience-ctl override guide says the next step again\n",
            arguments[0]);
    int result = run_shell(r);
    recorder_free(r);
    return result;
}

/* ---- later ---- */

/* Walks the chunks; each is handed to `take` with what its hash is over. */
static enum rsm_status walk(struct bytes file,
                            bool (*take)(void *context, struct bytes hashed, struct bytes sealed),
                            void *context, uint64_t *chunks_out)
{
    size_t at = RECORDING_HEAD_SIZE, hashed = 0;
    *chunks_out = 0;
    if (file.size < at || memcmp(file.data, RECORDING_MAGIC, sizeof RECORDING_MAGIC) != 0)
        return RSM_MALFORMED;
    while (at < file.size) {
        size_t size = file.size - at >= 4 ? get_u32(file.data + at) : 0;
        if (size < crypto_secretstream_xchacha20poly1305_ABYTES || size > RECORDING_CHUNK_MAX ||
            size > file.size - at - 4)
            return RSM_MALFORMED;
        if (!take(context, bytes_make(file.data + hashed, at + 4 + size - hashed),
                  bytes_make(file.data + at + 4, size)))
            return RSM_DAMAGED;
        at += 4 + size;
        hashed = at;
        ++*chunks_out;
    }
    return RSM_OK;
}

struct followed {
    uint64_t seen, logged;
    uint8_t chain[HASH_SIZE];     /* over all that were seen */
    uint8_t of_logged[HASH_SIZE]; /* over the first `logged` of them */
};

static bool take_hash(void *context, struct bytes hashed, struct bytes sealed)
{
    struct followed *f = context;
    uint8_t hash[HASH_SIZE];
    (void)sealed;
    (void)crypto_hash_sha256(hash, hashed.data, hashed.size);
    recording_link(f->chain, hash);
    if (++f->seen == f->logged)
        memcpy(f->of_logged, f->chain, HASH_SIZE);
    return true;
}

static enum rsm_status ask_log(struct ctl *ctl, const uint8_t *session, struct rsm_buffer *out)
{
    struct rsm_pack *params = rsm_pack_new();
    rsm_pack_array(params, 1);
    rsm_pack_bin(params, rsm_bytes_make(session, RECORDING_SESSION_SIZE));
    enum rsm_status status = ctl_call(ctl, "recording.get", params, out);
    rsm_pack_free(params);
    if (status == RSM_NOT_FOUND)
        ctl_fail(status, "%s", rsm_client_error(ctl->client));
    return status;
}

/*
 * The file against the log; no key is needed for that. A chunk is written first and logged then:
 * who ended in between left one more, or a part of it, behind what the log has. Only of a recording
 * that never ended is that no sign of a forgery, and it is said.
 */
static int compare(struct ctl *ctl, struct bytes file)
{
    struct followed f = {.seen = 0};
    uint64_t chunks;
    struct rsm_buffer result;
    char state[16];
    if (file.size < RECORDING_HEAD_SIZE ||
        memcmp(file.data, RECORDING_MAGIC, sizeof RECORDING_MAGIC) != 0)
        return ctl_fail(RSM_DAMAGED, "this is no recording, or it is cut");
    enum rsm_status status = ask_log(ctl, file.data + sizeof RECORDING_MAGIC, &result);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    struct rsm_value row = rsm_value_of(rsm_buffer_bytes(&result));
    struct rsm_bytes logged = rsm_value_octets(rsm_value_get(row, "chain"));
    f.logged = rsm_value_uint(rsm_value_get(row, "chunks"));
    ctl_cell(rsm_value_get(row, "state"), state, sizeof state);
    bool is_open = strcmp(state, "open") == 0;
    bool is_cut = walk(file, take_hash, &f, &chunks) != RSM_OK;
    bool is_same = f.seen >= f.logged && logged.size == HASH_SIZE &&
                   memcmp(logged.data, f.of_logged, HASH_SIZE) == 0;
    bool is_longer = f.seen > f.logged || is_cut;
    char author[LIMIT_PRINCIPAL_SIZE + 1];
    ctl_cell(rsm_value_get(row, "author"), author, sizeof author);
    unsigned long long slot = rsm_value_uint(rsm_value_get(row, "opened_slot"));
    rsm_buffer_free(&result);
    if (is_cut && (f.seen < f.logged || !is_open))
        return ctl_fail(RSM_DAMAGED, "this is no recording, or it is cut");
    if (!is_same || (is_longer && !is_open))
        return ctl_fail(RSM_DAMAGED,
                        "it is not what was recorded: %llu chunks here, %llu in the log",
                        (unsigned long long)f.seen, (unsigned long long)f.logged);
    printf("by %s since slot %llu: %llu chunks, each as the log has it; the recording %s%s\n",
           author, slot, (unsigned long long)f.logged, is_open ? "never ended" : state,
           is_longer ? ", and what stands behind them here is not in the log" : "");
    return strcmp(state, "ended") == 0 ? 0 : rsm_status_exit(RSM_FAILED);
}

static bool take_text(void *context, struct bytes hashed, struct bytes sealed)
{
    crypto_secretstream_xchacha20poly1305_state *stream = context;
    unsigned long long size;
    unsigned char tag;
    (void)hashed;
    uint8_t *text = mem_alloc(sealed.size);
    bool is_good = crypto_secretstream_xchacha20poly1305_pull(
                       stream, text, &size, &tag, sealed.data, sealed.size, NULL, 0) == 0;
    if (is_good)
        (void)fwrite(text, 1, (size_t)size, stdout);
    mem_free(text);
    return is_good;
}

static int decrypt(struct bytes file, const char *key_path)
{
    crypto_secretstream_xchacha20poly1305_state stream;
    uint8_t key[RECORDING_KEY_SIZE];
    uint64_t chunks;
    if (!recording_load_key(key_path, key))
        return rsm_status_exit(RSM_FAILED);
    const uint8_t *header = file.data + sizeof RECORDING_MAGIC + 16;
    enum rsm_status status = RSM_MALFORMED;
    if (file.size >= RECORDING_HEAD_SIZE &&
        crypto_secretstream_xchacha20poly1305_init_pull(&stream, header, key) == 0)
        status = walk(file, take_text, &stream, &chunks);
    sodium_memzero(key, sizeof key);
    sodium_memzero(&stream, sizeof stream);
    if (status != RSM_OK)
        return ctl_fail(status, "it does not open with this key, or it was changed");
    return 0;
}

int ctl_override_recording(struct ctl *ctl, int count, char **arguments)
{
    struct rsm_buffer text;
    if (!ctl_read_file(arguments[0], 1u << 30, &text))
        return rsm_status_exit(RSM_FAILED);
    struct bytes file = bytes_make(text.data, text.size);
    int result = count > 1 ? decrypt(file, arguments[1]) : compare(ctl, file);
    rsm_buffer_free(&text);
    return result;
}
