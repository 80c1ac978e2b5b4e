/* SPDX-License-Identifier: GPL-3.0-or-later */
/* peer_handshake.c - who is at the other end: hello, answer, proof; then frames. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <sodium.h>

#include "src/base/check.h"
#include "src/base/crc32c.h"
#include "src/base/log.h"
#include "src/command/keyfile.h"
#include "src/command/signature.h"
#include "src/net/peer_link_internal.h"

#define PROOF_HEAD_SIZE 3u /* the code, and the size of what is behind it */
#define ANSWER_SIZE (PEER_ANSWER_HEAD_SIZE + SIGNATURE_SIZE)

static const char acceptor_text[] = "rsm peer acceptor v3";
static const char dialler_text[] = "rsm peer dialler v3";
/* As SIGNATURE_TAG: the zero at the end is a part of it. */
static const struct signature_tag acceptor_tag = {acceptor_text, sizeof acceptor_text};
static const struct signature_tag dialler_tag = {dialler_text, sizeof dialler_text};

static bool sign(struct link *l, struct signature_tag tag, uint8_t signature[SIGNATURE_SIZE])
{
    return key_sign(l->links->config.key, tag, (struct bytes){NULL, 0},
                    bytes_make(l->transcript, sizeof l->transcript), signature) == RSM_OK;
}

static bool verify(struct link *l, struct signature_tag tag, const uint8_t *signature)
{
    const struct peer *peer = &l->links->peers[l->peer];
    return peer->is_member &&
           signature_verify(peer->key, tag, (struct bytes){NULL, 0},
                            bytes_make(l->transcript, sizeof l->transcript), signature) == RSM_OK;
}

/*
 * An outgoing connection is open when our proof has left; the peer may refuse it still. So only an
 * incoming one shows that the peer takes us.
 */
static void opened(struct link *l)
{
    struct peer *peer = &l->links->peers[l->peer];
    l->state = LINK_OPEN;
    event_del(l->timer);
    if (l->incoming) {
        peer->refused = 0;
        link_dial_soon(&l->links->outgoing[l->peer]);
    }
    if (peer->refused == 0)
        LOG(LOG_INFO, "peer-link", LOG_U64("peer", l->peer),
            LOG_TEXT("direction", l->incoming ? "in" : "out"), LOG_TEXT("state", "open"));
}

/* These may be refused because the log went on without them. */
static bool has_proof(uint8_t code)
{
    return code == PEER_REFUSED_MEMBER || code == PEER_REFUSED_INCARNATION;
}

/* Says why, as far as the socket takes it, and closes. */
static void refuse(struct link *l, enum peer_refusal code)
{
    const struct peer_links *links = l->links;
    uint8_t bytes[PROOF_HEAD_SIZE + PEER_PROOF_SIZE_MAX] = {(uint8_t)code};
    size_t size = 1;
    if (has_proof(bytes[0]) && links->proof_size > 0) {
        put_u16(bytes + 1, (uint16_t)links->proof_size);
        memcpy(bytes + PROOF_HEAD_SIZE, links->proof, links->proof_size);
        size = PROOF_HEAD_SIZE + links->proof_size;
    }
    if (send(l->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        LOG(LOG_DEBUG, "peer-link", LOG_U64("peer", l->peer), LOG_TEXT("why", strerror(errno)));
    link_drop(l, peer_refusal_text(bytes[0]));
}

/* False, and refused, when the peer may not be talked to under its incarnation. */
static bool accept_incarnation(struct link *l)
{
    const struct peer_links_config *c = &l->links->config;
    if (!c->accept(c->context, l->peer, &l->incarnation)) {
        refuse(l, PEER_REFUSED_INCARNATION);
        return false;
    }
    link_close_other_incarnations(l);
    return true;
}

/* -------------------------------------------------------------------------------------------- */
/* The handshake. */

bool link_send_hello(struct link *l)
{
    const struct peer_links_config *c = &l->links->config;
    struct peer_hello hello = {
        .cluster_id = c->cluster_id, .from = c->self, .to = l->peer, .incarnation = c->incarnation};
    randombytes_buf(hello.nonce, sizeof hello.nonce);
    peer_hello_encode(&hello, l->transcript);
    evbuffer_add(l->out, l->transcript, PEER_HELLO_SIZE);
    l->state = LINK_HELLO_SENT;
    return link_write_out(l);
}

/* Acceptor: who is it, and for whom? Then our nonce and our proof. */
static bool on_hello(struct link *l)
{
    const struct peer_links_config *c = &l->links->config;
    struct peer_hello hello;
    uint8_t head[PEER_HELLO_HEAD_SIZE];
    if (evbuffer_copyout(l->in, head, sizeof head) == (ssize_t)sizeof head &&
        !peer_hello_is_known(head)) {
        refuse(l, PEER_REFUSED_VERSION);
        return false;
    }
    if (evbuffer_get_length(l->in) < PEER_HELLO_SIZE)
        return true;
    evbuffer_remove(l->in, l->transcript, PEER_HELLO_SIZE);
    uint8_t wrong = peer_hello_decode(l->transcript, c->cluster_id, c->self, &hello);
    l->peer = hello.from;
    l->incarnation = hello.incarnation;
    if (wrong == 0 && !l->links->peers[l->peer].is_member)
        wrong = PEER_REFUSED_MEMBER;
    if (wrong != 0) {
        refuse(l, (enum peer_refusal)wrong);
        return false;
    }
    uint8_t signature[SIGNATURE_SIZE];
    struct peer_hello answer = {.incarnation = c->incarnation};
    randombytes_buf(answer.nonce, sizeof answer.nonce);
    peer_answer_encode(&answer, l->transcript + PEER_HELLO_SIZE);
    if (!sign(l, acceptor_tag, signature)) {
        link_drop(l, "cannot sign");
        return false;
    }
    evbuffer_add(l->out, l->transcript + PEER_HELLO_SIZE, PEER_ANSWER_HEAD_SIZE);
    evbuffer_add(l->out, signature, sizeof signature);
    l->state = LINK_WAIT_PROOF;
    return link_write_out(l);
}

/* Behind a refusal. What has not come yet comes with the next one: it is dialled again. */
static void take_proof(struct link *l)
{
    const struct peer_links_config *c = &l->links->config;
    uint8_t head[PROOF_HEAD_SIZE];
    if (evbuffer_copyout(l->in, head, sizeof head) < (ssize_t)sizeof head || !has_proof(head[0]))
        return;
    size_t size = get_u16(head + 1);
    if (size == 0 || size > PEER_PROOF_SIZE_MAX ||
        evbuffer_get_length(l->in) < sizeof head + size || c->on_left_behind == NULL)
        return;
    const uint8_t *bytes = evbuffer_pullup(l->in, (ssize_t)(sizeof head + size));
    if (bytes != NULL)
        c->on_left_behind(c->context, bytes_make(bytes + sizeof head, size));
}

/* Dialler: a byte that is not 0 is a refusal. True: it is none, as far as it is there. */
static bool not_refused(struct link *l)
{
    uint8_t code = 0;
    if (evbuffer_copyout(l->in, &code, 1) < 1 || code == 0)
        return true;
    l->refused = true;
    take_proof(l);
    link_drop(l, peer_refusal_text(code));
    return false;
}

static bool on_answer(struct link *l)
{
    uint8_t signature[SIGNATURE_SIZE];
    struct peer_hello answer;
    if (!not_refused(l))
        return false;
    if (evbuffer_get_length(l->in) < ANSWER_SIZE)
        return true;
    evbuffer_remove(l->in, l->transcript + PEER_HELLO_SIZE, PEER_ANSWER_HEAD_SIZE);
    evbuffer_remove(l->in, signature, sizeof signature);
    bool is_known = peer_answer_decode(l->transcript + PEER_HELLO_SIZE, &answer);
    l->incarnation = answer.incarnation;
    if (!is_known || !verify(l, acceptor_tag, signature) || !sign(l, dialler_tag, signature)) {
        link_drop(l, peer_refusal_text(PEER_REFUSED_PROOF));
        return false;
    }
    if (!accept_incarnation(l))
        return false;
    evbuffer_add(l->out, signature, sizeof signature);
    opened(l);
    return link_write_out(l);
}

static bool on_proof(struct link *l)
{
    uint8_t signature[SIGNATURE_SIZE];
    if (evbuffer_get_length(l->in) < SIGNATURE_SIZE)
        return true;
    evbuffer_remove(l->in, signature, sizeof signature);
    if (!verify(l, dialler_tag, signature)) {
        refuse(l, PEER_REFUSED_PROOF);
        return false;
    }
    if (!accept_incarnation(l))
        return false;
    opened(l);
    return true;
}

/* -------------------------------------------------------------------------------------------- */
/* Frames. */

/* False: the frame's effects have ended the link, which is not there any more. */
static bool hand_over(struct link *l, struct bytes frame)
{
    struct peer_links *links = l->links;
    links->counters.frames_in++;
    links->handling = l;
    links->config.on_frame(links->config.context, l->peer, frame);
    bool is_there = links->handling == l;
    links->handling = NULL;
    if (!is_there) {
        evbuffer_free(links->handled);
        links->handled = NULL;
    }
    return is_there;
}

static bool on_frames(struct link *l)
{
    if (!l->incoming) {
        if (!not_refused(l))
            return false;
        if (evbuffer_get_length(l->in) > 0) {
            link_drop(l, "bytes where none may come");
            return false;
        }
        return true;
    }
    for (;;) {
        uint8_t head[LINK_FRAME_HEAD_SIZE];
        if (evbuffer_copyout(l->in, head, sizeof head) < (ssize_t)sizeof head)
            return true;
        uint32_t size = get_u32(head);
        if (get_u32(head + 8) != crc32c(0, head, 8)) {
            link_drop(l, "a frame's head with a wrong checksum");
            return false;
        }
        if (size == 0 || size > LIMIT_PEER_FRAME_SIZE) {
            link_drop(l, "a frame of an impossible size");
            return false;
        }
        if (evbuffer_get_length(l->in) < sizeof head + size)
            return true;
        const uint8_t *bytes = evbuffer_pullup(l->in, (ssize_t)(sizeof head + size));
        if (bytes == NULL) {
            link_drop(l, "no memory for a frame");
            return false;
        }
        if (get_u32(head + 4) != crc32c(0, bytes + sizeof head, size)) {
            link_drop(l, "a frame with a wrong checksum");
            return false;
        }
        if (!hand_over(l, bytes_make(bytes + sizeof head, size)))
            return false;
        evbuffer_drain(l->in, sizeof head + size);
    }
}

bool link_advance(struct link *l)
{
    enum link_state before;
    do {
        before = l->state;
        bool alive = true;
        switch (l->state) {
        case LINK_UNUSED:
        case LINK_IDLE:
        case LINK_CONNECTING:
            break;
        case LINK_HELLO_SENT:
            alive = on_answer(l);
            break;
        case LINK_WAIT_HELLO:
            alive = on_hello(l);
            break;
        case LINK_WAIT_PROOF:
            alive = on_proof(l);
            break;
        case LINK_OPEN:
            alive = on_frames(l);
            break;
        }
        if (!alive)
            return false;
    } while (l->state != before);
    return true;
}
