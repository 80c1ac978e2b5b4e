/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal.h - what the parts of librsm share.
 *
 *   client.c    life, the endpoints' turn, rsm_client_process
 *   calls.c     the table of open calls: start, send, answer, expire
 *   watch.c     watches, restarted on every new connection
 *   blocking.c  the blocking forms
 *   author.c    clocks of an author; uses only the public interface
 *
 * A call's states:
 *   waiting  -- the connection is open and retry_at_ms has come --> sent
 *   sent     -- connection lost, or an answer that says "not now" --> waiting
 *   either   -- a final answer, the deadline, rsm_client_cancel --> gone
 * Calls are sent in the order in which they were started, also again: an author's commands are
 * refused for good when they overtake each other.
 */
#ifndef RSM_CLIENT_INTERNAL_H
#define RSM_CLIENT_INTERNAL_H

#include <rsm/client.h>

#include "src/base/ids.h"
#include "src/base/prng.h"
#include "src/client/connection.h"
#include "src/client/endpoint.h"

#define CLIENT_CALLS_MAX LIMIT_IN_FLIGHT_PER_CONNECTION
#define CLIENT_WATCHES_MAX 16u
#define CLIENT_DETAIL_SIZE 512u
#define CLIENT_NEVER UINT64_MAX

/* Patience, in ms. Fixed for programs; tests are less patient. */
struct client_patience {
    uint32_t connect_ms_max;   /* one attempt */
    uint32_t silence_ms_max;   /* something is awaited and nothing comes: try another replica */
    uint32_t backoff_ms_first; /* between rounds through all endpoints, doubled each time */
    uint32_t backoff_ms_max;
};

struct call {
    uint64_t id;    /* 0: free. The low 32 bits are the msgid, the low 10 the place in the table */
    uint8_t *frame; /* owned; the request, the same for every attempt */
    size_t frame_size;
    uint64_t deadline_ms; /* CLIENT_NEVER for a watch */
    bool is_submit;
    bool is_patient; /* "poll": the replica answers when something happens */
    rsm_on_result on_result;
    void *context;

    bool is_sent;     /* on this connection, and not answered */
    bool is_doubtful; /* a submission that some replica may have taken */
    uint32_t attempts;
    uint64_t retry_at_ms;
    enum rsm_status last_status; /* of the last "not now"; RSM_OK: none */
    char last_detail[128];
};

struct watch {
    uint64_t id;     /* 0: free */
    uint8_t *filter; /* owned; a map */
    size_t filter_size;
    rsm_on_notice on_notice;
    void *context;

    struct rsm_client *client;
    uint64_t slot_next;      /* 0: from now, until the server says where that is */
    uint8_t head[HASH_SIZE]; /* entry head of the slot before it, with has_head */
    bool has_head;
    uint64_t call;      /* the open "watch" call, 0: none */
    uint64_t server_id; /* valid while is_active */
    bool is_active;
};

struct rsm_client {
    /* fixed after rsm_client_new */
    struct endpoint endpoints[ENDPOINT_COUNT_MAX];
    unsigned endpoint_count;
    int poll; /* epoll; what rsm_client_descriptor returns */
    struct client_patience patience;

    /* changing */
    struct connection connection;
    unsigned endpoint_index;
    unsigned failures; /* attempts since something was last received */
    uint64_t connect_at_ms;
    uint64_t connect_deadline_ms;
    uint64_t received_ms; /* when something last came, or was first awaited */
    bool wants_rotation;  /* this replica cannot serve now */
    bool is_processing;
    struct prng prng;

    struct call calls[CLIENT_CALLS_MAX];
    uint32_t call_end; /* no call at or behind it */
    uint32_t call_count;
    uint64_t generation;
    struct watch watches[CLIENT_WATCHES_MAX];
    uint32_t watch_count;
    uint64_t watch_generation;

    char trouble[CLIENT_DETAIL_SIZE]; /* why the last connection failed */
    char error[CLIENT_DETAIL_SIZE];   /* of the last blocking call */
};

/* client.c */
uint64_t client_now_ms(void);
/* Closes, notes what is doubtful, and turns to the next endpoint. */
void client_fail_connection(struct rsm_client *client, enum rsm_status why);

/* calls.c. `timeout_ms` CLIENT_NEVER: no deadline. */
enum rsm_status call_start(struct rsm_client *client, const char *method, struct rsm_value params,
                           uint64_t timeout_ms, bool is_submit, rsm_on_result on_result,
                           void *context, uint64_t *call_out);
/* The connection is lost: what was sent waits again. */
void calls_lost(struct rsm_client *client);
/* Sends what is due, in order. */
void calls_send(struct rsm_client *client, uint64_t now_ms);
/* Ends what is over its deadline. */
void calls_expire(struct rsm_client *client, uint64_t now_ms);
/* The answer to a msgid; error empty: none. An unknown msgid is a cancelled call's: ignored. */
void calls_answer(struct rsm_client *client, uint32_t msgid, struct bytes error,
                  struct bytes result);
/* When something is to be done: a deadline, or a retry while connected. */
uint64_t calls_due_ms(const struct rsm_client *client);
bool calls_await_answer(const struct rsm_client *client);
void calls_free(struct rsm_client *client);

/* watch.c */
void watches_start(struct rsm_client *client);
void watches_lost(struct rsm_client *client);
void watches_notify(struct rsm_client *client, struct bytes method, struct bytes params);
void watches_free(struct rsm_client *client);

/* "key=123" in an error's text; false when it is not there. */
bool client_detail_number(const char *detail, const char *key, uint64_t *value_out);

#endif
