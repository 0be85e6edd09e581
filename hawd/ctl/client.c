/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ctl/client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct client {
        int fd;
        char *buf;
        size_t len, cap; /* of the answer that comes in */
};

static usec_t now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (usec_t)t.tv_sec * USEC_PER_SEC + (usec_t)t.tv_nsec / 1000;
}

/* The kernel's word for a time-out of a socket is that of one that does not wait. */
static int waited_error(int e) {
        return e == EAGAIN || e == EWOULDBLOCK ? -ETIMEDOUT : -e;
}

int client_open(const char *path, usec_t patience_usec, struct client **ret) {
        const struct timeval patience = {.tv_sec = (time_t)(patience_usec / USEC_PER_SEC),
                                         .tv_usec = (suseconds_t)(patience_usec % USEC_PER_SEC)};
        struct sockaddr_un addr = {.sun_family = AF_UNIX};
        struct client *c;
        int fd;

        if (strlen(path) >= sizeof(addr.sun_path))
                return -ENAMETOOLONG;
        text_set(addr.sun_path, sizeof(addr.sun_path), path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
            connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
                int e = errno;

                (void)close(fd);
                return waited_error(e);
        }
        c = xcalloc(1, sizeof(*c));
        c->fd = fd;
        *ret = c;
        return 0;
}

struct client *client_close(struct client *c) {
        if (!c)
                return NULL;
        (void)close(c->fd); /* nothing is written there any more */
        free(c->buf);
        free(c);
        return NULL;
}

int64_t client_peer_pid(const struct client *c) {
        struct ucred who = {0};
        socklen_t len = sizeof(who);

        return getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 ? who.pid : 0;
}

static int send_all(int fd, const char *data, size_t len) {
        while (len > 0) {
                ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return waited_error(errno);
                data += n;
                len -= (size_t)n;
        }
        return 0;
}

int client_call(struct client *c, const char *method, json_t *parameters, bool more) {
        json_t *root = json_pack("{s:s,s:O?}", "method", method, "parameters", parameters);
        _cleanup_(freep) char *text = NULL;

        if (!parameters)
                json_object_del(root, "parameters");
        if (more)
                json_object_set_new(root, "more", json_true());
        text = json_dumps(root, JSON_COMPACT);
        json_decref(root);
        if (!text)
                return -EINVAL; /* no UTF-8 */
        return send_all(c->fd, text, strlen(text) + 1);
}

/* Waits for more bytes and takes them. Return: 0 or an error of client_answer(). */
static int receive(struct client *c, usec_t deadline) {
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        usec_t left = usec_sub(deadline, now());
        int wait = -1;
        ssize_t n;

        if (deadline != USEC_INFINITY) {
                if (left == 0)
                        return -ETIMEDOUT;
                wait = (int)MIN(left / USEC_PER_MSEC + 1, (usec_t)INT32_MAX);
        }
        n = poll(&p, 1, wait);
        if (n <= 0)
                return n == 0 || errno == EINTR ? 0 : -errno;
        if (c->cap - c->len < 4096) {
                if (c->cap >= CLIENT_FRAME_MAX)
                        return -EBADMSG;
                c->cap = MAX((size_t)65536, 2 * c->cap);
                c->buf = xreallocarray(c->buf, c->cap, 1);
        }
        n = recv(c->fd, c->buf + c->len, c->cap - c->len, 0);
        if (n < 0)
                return errno == EINTR ? 0 : -errno;
        if (n == 0)
                return -ECONNRESET;
        c->len += (size_t)n;
        return 0;
}

int client_answer(struct client *c, usec_t timeout_usec, json_t **ret) {
        usec_t deadline = usec_add(now(), timeout_usec);
        char *nul;
        json_t *j;
        int r;

        if (timeout_usec == USEC_INFINITY)
                deadline = USEC_INFINITY;
        while (c->len == 0 || !(nul = memchr(c->buf, '\0', c->len))) {
                r = receive(c, deadline);
                if (r < 0)
                        return r;
        }
        j = json_loadb(c->buf, (size_t)(nul - c->buf), 0, NULL);
        c->len -= (size_t)(nul + 1 - c->buf);
        memmove(c->buf, nul + 1, c->len);
        if (!json_is_object(j)) {
                json_decref(j);
                return -EBADMSG;
        }
        *ret = j;
        return 0;
}
