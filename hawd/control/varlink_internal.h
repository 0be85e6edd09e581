/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the two halves of the Varlink server share: varlink.c has sockets and clients,
 * varlink_call.c the messages. Not for others.
 */
#pragma once

#include "hawd/control/frame.h"
#include "hawd/control/varlink.h"

struct client {
        struct varlink *server;
        int fd; /* -1: the slot is free */
        enum varlink_access access;
        struct peer peer;
        struct frame_reader in;
        struct frame_writer out;
        uint64_t call;  /* the one that is not answered yet; 0: none */
        bool more;      /* it asked for a stream */
        bool oneway;    /* it wants no answer */
        bool eof;       /* sends no more */
        bool gone;      /* reads no more: what it sent is still done, unanswered */
        bool linger;    /* written out, then closed */
        bool dead;      /* closed, freed by the next turn */
        int32_t events; /* as the loop knows them; -1: not in the loop */
        qb_loop_timer_handle timer;
};

struct listener {
        struct varlink *server;
        int fd;
        enum varlink_access access;
        gid_t gid;
        char *path;
};

#define LISTENERS_MAX 4

struct varlink {
        struct varlink_config config;
        struct listener listeners[LISTENERS_MAX];
        size_t n_listeners;
        struct client clients[VARLINK_CLIENTS_MAX];
        uint64_t last_call;
        bool turn_queued;
};

/** client_drop() - close, with @why in the log unless it is NULL (the client hung up). */
void client_drop(struct client *c, const char *why);
/** client_linger() - drop all that was not begun, write @text and close soon. */
void client_linger(struct client *c, const char *text, size_t len, const char *why);
/** client_send() - queue one frame and write what the socket takes. */
void client_send(struct client *c, const char *text, size_t len);
/** client_dispatch() - one frame; the client may be dead or called afterwards. */
void client_dispatch(struct client *c, const char *frame, size_t len);
/** varlink_queue_turn() - look at all clients as soon as the loop has time. */
void varlink_queue_turn(struct varlink *v);
