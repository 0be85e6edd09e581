/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A Varlink server on the descriptors of a qb_loop: JSON objects ended by NUL on AF_UNIX streams.
 * Knows nothing of hawd. Everything is bounded: clients, frames, what waits to be written.
 *
 * A connection takes its calls one after the other, as the protocol demands. A handler gets the
 * number of its call and answers now or later; a number whose client is gone is no error.
 *
 *   IDLE -> CALLED on a frame       CALLED -> IDLE on varlink_reply() or varlink_error()
 *   any -> LINGER (a stream's reader was too slow) -> closed     any -> closed
 *
 * One thread only: that of the loop.
 */
#pragma once

#include <jansson.h>
#include <qb/qbloop.h>

#include "hawd/base/base.h"
#include "hawd/control/peer.h"

#define VARLINK_CLIENTS_MAX 64
#define VARLINK_VIEWERS_MAX 48                    /* of these, so that an administrator gets in */
#define VARLINK_FRAME_MAX ((size_t)4 << 20)       /* from those who may change something */
#define VARLINK_VIEW_FRAME_MAX ((size_t)64 << 10) /* from those who may look */
#define VARLINK_REPLY_MAX ((size_t)4 << 20)       /* longer answers come in pages */
#define VARLINK_STREAM_MAX ((size_t)256 << 10)    /* what a slow reader of a stream may owe */
#define VARLINK_LINGER_SEC 5                      /* to read the reason why it is dropped */

/** What a socket lets its users do; a method names the least that it needs. */
enum varlink_access { VARLINK_NOTHING, VARLINK_VIEW, VARLINK_ADMIN };

struct varlink_method {
        const char *name; /* without the interface */
        enum varlink_access access;
        bool more; /* makes sense only as a stream */
        void (*call)(void *ud, uint64_t call, json_t *parameters); /* parameters are borrowed */
};

/** struct varlink_config - borrowed for the life of the server */
struct varlink_config {
        qb_loop_t *loop;
        const char *vendor, *product, *version, *url; /* org.varlink.service.GetInfo */
        const char *interface;
        const char *description; /* the interface in Varlink's own language */
        const struct varlink_method *methods;
        size_t n_methods;
        const char *error_busy;   /* name of the error with a `message`: too many clients */
        const char *error_failed; /* too long an answer, too slow a reader */
        void (*log)(void *ud, int priority, const char *text);
        void *ud; /* for the methods and the log */
};

struct varlink;

struct varlink *varlink_new(const struct varlink_config *config);
/** varlink_free() - ends streams in order, closes all, removes the sockets; NULL-safe, returns
 * NULL. */
struct varlink *varlink_free(struct varlink *v);

/**
 * varlink_listen() - open a socket
 * @path:   a stale socket in the way is removed, one in use is -EADDRINUSE
 * @access: of root, of this process's own user, and of the members of @gid; nobody else's
 * @gid:    (gid_t)-1: no group, the mode is 0600; else 0660
 *
 * Return: 0 or -errno.
 */
int varlink_listen(struct varlink *v, const char *path, enum varlink_access access, gid_t gid);

/** varlink_adopt() - serve the connected @fd, which is taken over; 0, or -EMFILE: too many. */
int varlink_adopt(struct varlink *v, int fd, enum varlink_access access);

/* Answers. @parameters is always taken over; NULL is an empty object.
 * Return: 0, -ENOENT when nobody waits for @call any more, -EINVAL where a stream was not asked
 * for. */
int varlink_reply(struct varlink *v, uint64_t call, json_t *parameters);
int varlink_error(struct varlink *v, uint64_t call, const char *error, json_t *parameters);
int varlink_notify(struct varlink *v, uint64_t call, json_t *parameters); /* one of a stream */

/** varlink_invalid() - org.varlink.service.InvalidParameter */
int varlink_invalid(struct varlink *v, uint64_t call, const char *parameter);

/** varlink_peer() - who called; false when it is gone. */
bool varlink_peer(struct varlink *v, uint64_t call, struct peer *ret);
/** varlink_may() - may who called do what needs @access? */
bool varlink_may(struct varlink *v, uint64_t call, enum varlink_access access);

size_t varlink_clients(const struct varlink *v);
