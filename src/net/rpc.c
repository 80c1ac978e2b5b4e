/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rpc.c - connections of clients over bufferevents.
 *
 * A connection object lives until its socket is closed and no request of it is held: handlers that
 * answer later may outlive the client. States: open -> closed (close_connection), then freed with
 * the last reference (unref).
 */
#include "src/net/rpc.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/util.h>

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/command/canonical.h"
#include "src/command/pack.h"
#include "src/command/unpack.h"
#include "src/net/acceptor.h"
#include "src/net/inlet.h"

#define GO_ON                                                                                      \
    EV_TIMEOUT /* of `readable`, which has no timer: after a pause, with what is in `in` */
#define FRAME_SECONDS 30 /* from a frame's first byte to its last */
#define DESCRIPTORS_KEPT                                                                           \
    24u /* for the journal, the store and the peers: clients get none of them */
#define ERROR_TEXT_MAX 4096u
#define ERROR_DETAILS_MAX 256u
#define NOTIFY_AHEAD_MAX (1u << 20) /* of a watch, in the output of its connection */

struct rpc_connection {
    struct rpc_server *server;
    struct bufferevent *stream; /* owned; NULL once closed; writes, and closes the socket */
    struct event *readable;     /* owned, while the stream is there */
    struct evbuffer *in;        /* owned; what came and is no whole frame yet, or paused */
    struct evbuffer *fresh;     /* owned; what this turn has to say, while the stream's is empty */
    bool is_fresh;              /* in the server's list of those, which holds a reference */
    struct rpc_connection *fresh_next;
    struct event *frame_timer; /* owned; runs while a frame is not whole */
    struct scan scan;
    uint64_t id;
    uint32_t references; /* the server's own while open, and one for each request */
    uint32_t in_flight;
    bool paused;  /* not reading: too much is in flight */
    bool closing; /* closed as soon as the output has gone */
    bool error_maps;
    struct rpc_connection *next, *previous;
};

struct rpc_server {
    struct rpc_config config;
    struct acceptor *acceptor; /* owned */
    struct inlet *inlet;       /* owned */
    char *unix_path;           /* removed at the end */
    struct rpc_connection *connections;
    struct rpc_connection *fresh; /* those with something to say since the last rpc_push */
    uint64_t next_id;
    bool stopping;
    struct rpc_counters counters;
    struct writer scratch;
};

static void read_frames(struct rpc_connection *c);

/* -------------------------------------------------------------------------------------------- */
/* Life of a connection. */

static void unref(struct rpc_connection *c)
{
    CHECK(c->references > 0);
    if (--c->references > 0)
        return;
    evbuffer_free(c->in);
    evbuffer_free(c->fresh);
    mem_free(c);
}

static void close_connection(struct rpc_connection *c)
{
    struct rpc_server *s = c->server;
    if (c->stream == NULL)
        return;
    event_free(c->readable);
    bufferevent_free(c->stream);
    event_free(c->frame_timer);
    c->stream = NULL;
    if (c->previous != NULL)
        c->previous->next = c->next;
    else
        s->connections = c->next;
    if (c->next != NULL)
        c->next->previous = c->previous;
    s->counters.connections--;
    s->config.on_closed(s->config.context, c);
    unref(c);
}

static void close_bad(struct rpc_connection *c, const char *why)
{
    c->server->counters.closed_bad++;
    LOG(LOG_DEBUG, "client-closed", LOG_U64("connection", c->id), LOG_TEXT("why", why));
    close_connection(c);
}

static size_t unwritten(const struct rpc_connection *c)
{
    return evbuffer_get_length(bufferevent_get_output(c->stream)) + evbuffer_get_length(c->fresh);
}

/* Lets what was written go out, then closes. */
static void close_after_output(struct rpc_connection *c)
{
    c->closing = true;
    event_del(c->readable);
    if (unwritten(c) == 0)
        close_connection(c);
}

/* False when the client does not read and is closed. */
static bool put(struct rpc_connection *c, struct bytes bytes)
{
    if (c->stream == NULL || c->closing)
        return false;
    struct rpc_server *s = c->server;
    if (unwritten(c) + bytes.size > LIMIT_OUTPUT_BUFFER) {
        close_bad(c, "it does not read its answers");
        return false;
    }
    if (evbuffer_get_length(bufferevent_get_output(c->stream)) > 0)
        return bufferevent_write(c->stream, bytes.data, bytes.size) == 0;
    if (!c->is_fresh) {
        c->is_fresh = true;
        c->references++;
        c->fresh_next = s->fresh;
        s->fresh = c;
    }
    return evbuffer_add(c->fresh, bytes.data, bytes.size) == 0;
}

/* What the socket does not take goes the stream's way, and so does finding out that it is broken.
 */
static void write_fresh(struct rpc_connection *c)
{
    (void)evbuffer_write(c->fresh, bufferevent_getfd(c->stream));
    if (evbuffer_get_length(c->fresh) > 0)
        bufferevent_write_buffer(c->stream, c->fresh);
    if (c->closing && unwritten(c) == 0)
        close_connection(c);
}

void rpc_push(struct rpc_server *s)
{
    struct rpc_connection *c;
    while ((c = s->fresh) != NULL) {
        s->fresh = c->fresh_next;
        c->is_fresh = false;
        if (c->stream != NULL && evbuffer_get_length(c->fresh) > 0)
            write_fresh(c);
        unref(c);
    }
}

/* -------------------------------------------------------------------------------------------- */
/* Answers. */

static void free_request(struct rpc_request *request)
{
    struct rpc_connection *c = request->connection;
    c->in_flight--;
    mem_free(request->bytes);
    mem_free(request);
    if (c->paused && c->stream != NULL && !c->closing &&
        c->in_flight < LIMIT_IN_FLIGHT_PER_CONNECTION / 2) {
        c->paused = false;
        event_add(c->readable, NULL);
        /* What had arrived already raises no event of its own. */
        event_active(c->readable, GO_ON, 0);
    }
    unref(c);
}

static void begin_response(struct writer *w, const struct rpc_request *request)
{
    writer_reset(w);
    pack_array(w, 4);
    pack_uint(w, 1);
    writer_bytes(w, bytes_make(request->msgid, request->msgid_size));
}

void rpc_answer(struct rpc_request *request, struct bytes result)
{
    struct rpc_connection *c = request->connection;
    struct writer *w = &c->server->scratch;
    if (c->stream != NULL) {
        begin_response(w, request);
        pack_nil(w);
        pack_raw(w, result);
        if (w->failed) {
            rpc_answer_error(request, RSM_TOO_LARGE, NULL,
                             "the answer is larger than an answer may be; ask for less");
            return;
        }
        put(c, writer_result(w));
    }
    free_request(request);
}

/* Somebody's bytes may have come into the text; strict clients die of what is no UTF-8. */
static void pack_words(struct writer *w, char *words)
{
    struct bytes bytes = bytes_of_string(words);
    if (!scan_is_utf8(bytes))
        for (size_t i = 0; i < bytes.size; i++)
            if ((unsigned char)words[i] >= 0x80)
                words[i] = '?';
    pack_str(w, bytes);
}

/* "key=value key=value" as a map of strings. */
static void pack_details(struct writer *w, const char *details)
{
    char copy[ERROR_DETAILS_MAX] = "";
    uint32_t count = 0;
    char *rest = NULL;
    if (details != NULL)
        snprintf(copy, sizeof copy, "%s", details);
    for (const char *at = copy; (at = strchr(at, '=')) != NULL; at++)
        count++;
    pack_map(w, count);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=');
        CHECK(value != NULL);
        *value++ = '\0';
        pack_words(w, word);
        pack_words(w, value);
    }
}

static void pack_error(struct writer *w, bool as_map, enum rsm_status status, const char *details,
                       const char *text)
{
    char error[ERROR_TEXT_MAX];
    if (as_map) {
        snprintf(error, sizeof error, "%s", text);
        pack_map(w, 3);
        pack_text(w, "code");
        pack_text(w, rsm_status_text(status));
        pack_text(w, "details");
        pack_details(w, details);
        pack_text(w, "text");
        pack_words(w, error);
    } else {
        snprintf(error, sizeof error, "%s%s%s: %s", rsm_status_text(status),
                 details != NULL ? " " : "", details != NULL ? details : "", text);
        pack_words(w, error);
    }
    pack_nil(w);
}

void rpc_set_error_maps(struct rpc_connection *connection, bool on)
{
    connection->error_maps = on;
}

void rpc_answer_error(struct rpc_request *request, enum rsm_status status, const char *details,
                      const char *text)
{
    struct rpc_connection *c = request->connection;
    struct writer *w = &c->server->scratch;
    c->server->counters.errors++;
    if (c->stream != NULL) {
        begin_response(w, request);
        pack_error(w, c->error_maps, status, details, text);
        put(c, writer_result(w));
    }
    free_request(request);
}

bool rpc_notify(struct rpc_connection *connection, const char *method, struct bytes params)
{
    if (connection->stream == NULL)
        return false;
    struct writer *w = &connection->server->scratch;
    writer_reset(w);
    pack_array(w, 3);
    pack_uint(w, 2);
    pack_text(w, method);
    pack_raw(w, params);
    return !w->failed && put(connection, writer_result(w));
}

/* -------------------------------------------------------------------------------------------- */
/* Requests. */

/* The msgid is echoed as it came: any integer of at most nine bytes. */
static bool take_msgid(struct unpack *u, struct rpc_request *request)
{
    enum unpack_type type = unpack_peek(u);
    struct bytes raw = unpack_raw(u);
    if (type != UNPACK_UINT || raw.size > sizeof request->msgid)
        return false;
    memcpy(request->msgid, raw.data, raw.size);
    request->msgid_size = (uint8_t)raw.size;
    return true;
}

/* `u` reads an object that was scanned, from its last members but one on. */
static void dispatch(struct rpc_connection *c, struct rpc_request *request, struct unpack *u)
{
    struct rpc_server *s = c->server;
    struct bytes method = unpack_octets(u, 256);
    bool is_array = unpack_peek(u) == UNPACK_ARRAY;
    struct bytes params = unpack_rest(u);
    s->counters.requests++;
    c->references++;
    c->in_flight++;
    request->connection = c;
    if (!unpack_done(u)) {
        rpc_answer_error(request, RSM_WRONG_TYPE, NULL, "the method is no string");
        return;
    }
    if (!is_array) {
        rpc_answer_error(request, RSM_BAD_PARAMS, NULL, "params must be an array");
        return;
    }
    if (s->stopping) {
        rpc_answer_error(request, RSM_UNAVAILABLE, NULL, "this replica is stopping");
        return;
    }
    request->bytes = mem_alloc_unset(method.size + params.size);
    memcpy(request->bytes, method.data, method.size);
    memcpy(request->bytes + method.size, params.data, params.size);
    request->method = bytes_make(request->bytes, method.size);
    request->params = bytes_make(request->bytes + method.size, params.size);
    s->config.on_request(s->config.context, request);
}

/* False when the object is no message of the protocol: who sends such is no client of ours. */
static bool handle_object(struct rpc_connection *c, struct bytes object)
{
    struct unpack u = unpack_make(object);
    if (unpack_peek(&u) != UNPACK_ARRAY)
        return false;
    uint32_t count = unpack_array(&u);
    if (count != 3 && count != 4)
        return false;
    uint64_t type = unpack_uint(&u);
    if (!unpack_ok(&u) || type > 2 || (type == 2) != (count == 3))
        return false;
    if (type != 0)
        return true; /* a notification that we do not know, or an answer that we did not ask for */
    struct rpc_request *request = mem_alloc(sizeof *request);
    if (!take_msgid(&u, request)) {
        mem_free(request);
        return false; /* no answer is possible without it */
    }
    dispatch(c, request, &u);
    return true;
}

static void lost_framing(struct rpc_connection *c, enum rsm_status status)
{
    /* Nobody knows which request it was; msgid 0 with the reason is the best that can be said. */
    struct writer *w = &c->server->scratch;
    writer_reset(w);
    pack_array(w, 4);
    pack_uint(w, 1);
    pack_uint(w, 0);
    pack_error(w, c->error_maps, status, NULL,
               "this is no MessagePack-RPC; the connection is closed");
    c->server->counters.closed_bad++;
    if (put(c, writer_result(w)))
        close_after_output(c);
}

static void watch_frame(struct rpc_connection *c, bool incomplete)
{
    struct timeval limit = {.tv_sec = FRAME_SECONDS};
    if (!incomplete)
        event_del(c->frame_timer);
    else if (!event_pending(c->frame_timer, EV_TIMEOUT, NULL))
        event_add(c->frame_timer, &limit);
}

static void read_frames(struct rpc_connection *c)
{
    struct evbuffer *in = c->in;
    c->references++; /* a handler may close it */
    while (c->stream != NULL && !c->closing) {
        if (c->in_flight >= LIMIT_IN_FLIGHT_PER_CONNECTION) {
            c->paused = true;
            event_del(c->readable);
            break;
        }
        size_t available = evbuffer_get_length(in);
        if (available == 0) {
            watch_frame(c, false);
            break;
        }
        const uint8_t *bytes = evbuffer_pullup(in, -1);
        size_t size = 0;
        enum rsm_status status = bytes != NULL
                                     ? scan_continue(&c->scan, bytes_make(bytes, available), &size)
                                     : RSM_NO_MEMORY;
        if (status != RSM_OK) {
            lost_framing(c, status);
            break;
        }
        if (size == 0) {
            watch_frame(c, true);
            break;
        }
        watch_frame(c, false);
        scan_init(&c->scan, SCAN_WELL_FORMED, LIMIT_FRAME_SIZE);
        if (!handle_object(c, bytes_make(bytes, size))) {
            lost_framing(c, RSM_MALFORMED);
            break;
        }
        if (c->stream != NULL)
            evbuffer_drain(in, size);
    }
    unref(c);
}

/* -------------------------------------------------------------------------------------------- */
/* libevent's callbacks. */

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    struct rpc_connection *c = context;
    size_t size;
    if (what & GO_ON) { /* and the socket's own event comes again: `in` must not grow meanwhile */
        read_frames(c);
        return;
    }
    switch (inlet_read(c->server->inlet, fd, c->in, &size)) {
    case INLET_BYTES:
        read_frames(c);
        return;
    case INLET_NOTHING:
        return;
    case INLET_CLOSED:
    case INLET_BROKEN:
        close_connection(c);
        return;
    }
}

static void on_written(struct bufferevent *stream, void *context)
{
    struct rpc_connection *c = context;
    (void)stream;
    if (c->closing && unwritten(c) == 0) /* the last words may wait for the end of the turn */
        close_connection(c);
}

static void on_event(struct bufferevent *stream, short what, void *context)
{
    (void)stream;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        close_connection(context);
}

static void on_frame_late(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    close_bad(context, "a frame took too long");
}

static bool on_connection(void *context, uint32_t index, int fd, const struct sockaddr *address,
                          socklen_t size)
{
    struct rpc_server *s = context;
    (void)index;
    (void)address;
    (void)size;
    if (s->counters.connections >= s->config.connections_max)
        return false;
    struct rpc_connection *c = mem_alloc(sizeof *c);
    c->server = s;
    c->id = ++s->next_id;
    c->references = 1;
    c->stream = mem_made(bufferevent_socket_new(s->config.base, fd, BEV_OPT_CLOSE_ON_FREE));
    c->fresh = mem_made(evbuffer_new());
    c->frame_timer = mem_made(evtimer_new(s->config.base, on_frame_late, c));
    c->in = mem_made(evbuffer_new());
    c->readable = mem_made(event_new(s->config.base, fd, EV_READ | EV_PERSIST, on_readable, c));
    scan_init(&c->scan, SCAN_WELL_FORMED, LIMIT_FRAME_SIZE);
    c->next = s->connections;
    if (c->next != NULL)
        c->next->previous = c;
    s->connections = c;
    s->counters.connections++;
    s->counters.accepted++;
    bufferevent_setcb(c->stream, NULL, on_written, on_event, c);
    bufferevent_enable(c->stream, EV_WRITE);
    /*
     * Whole frames are taken after each reading: what stays is less than one, or what was read
     * before a pause. A fast sender waits in its own socket.
     */
    event_add(c->readable, NULL);
    return true;
}

/* -------------------------------------------------------------------------------------------- */

struct rpc_server *rpc_new(const struct rpc_config *config)
{
    struct rpc_server *s = mem_alloc(sizeof *s);
    s->inlet = mem_alloc(sizeof *s->inlet);
    s->config = *config;
    struct acceptor_config acceptor = {.base = config->base,
                                       .context = s,
                                       .event = "accept",
                                       .descriptors_kept = DESCRIPTORS_KEPT,
                                       .refused = &s->counters.refused,
                                       .on_connection = on_connection};
    s->acceptor = acceptor_new(&acceptor);
    writer_init(&s->scratch, LIMIT_ANSWER_SIZE + 65536u);
    return s;
}

enum rsm_status rpc_listen(struct rpc_server *server, const char *address, char *text)
{
    return acceptor_listen_on(server->acceptor, address, text);
}

/* True when somebody answers on the socket. */
static bool is_alive(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true;
    bool alive = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
    close(fd);
    return alive;
}

enum rsm_status rpc_listen_unix(struct rpc_server *server, const char *path, char *text)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat found;
    if (strlen(path) >= sizeof address.sun_path) {
        snprintf(text, 256, "%.100s: a path of a socket has at most %zu bytes", path,
                 sizeof address.sun_path - 1);
        return RSM_TOO_LARGE;
    }
    memcpy(address.sun_path, path, strlen(path));
    if (lstat(path, &found) == 0) {
        if (!S_ISSOCK(found.st_mode) || is_alive(&address)) {
            snprintf(text, 256, "%.200s: something else is there, or somebody listens", path);
            return RSM_LOCKED;
        }
        unlink(path);
    }
    mode_t before = umask(0177);
    enum rsm_status status = acceptor_listen(server->acceptor, (struct sockaddr *)&address,
                                             (socklen_t)sizeof address, path, text);
    umask(before);
    if (status == RSM_OK) {
        mem_free(server->unix_path);
        server->unix_path = mem_copy_string(path);
    }
    return status;
}

void rpc_stop_accepting(struct rpc_server *server)
{
    server->stopping = true;
    acceptor_stop(server->acceptor);
}

bool rpc_is_drained(const struct rpc_server *server)
{
    for (const struct rpc_connection *c = server->connections; c != NULL; c = c->next)
        if (unwritten(c) > 0)
            return false;
    return true;
}

void rpc_free(struct rpc_server *server)
{
    if (server == NULL)
        return;
    while (server->connections != NULL)
        close_connection(server->connections);
    rpc_push(server); /* nobody is there any more: gives the list's references back */
    acceptor_free(server->acceptor);
    if (server->unix_path != NULL)
        unlink(server->unix_path);
    mem_free(server->unix_path);
    writer_deinit(&server->scratch);
    mem_free(server->inlet);
    mem_free(server);
}

bool rpc_has_room(const struct rpc_connection *connection)
{
    return connection->stream != NULL && unwritten(connection) < NOTIFY_AHEAD_MAX;
}

uint64_t rpc_connection_id(const struct rpc_connection *connection)
{
    return connection->id;
}

const struct rpc_counters *rpc_get_counters(const struct rpc_server *server)
{
    return &server->counters;
}
