/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/control/varlink.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "hawd/control/varlink_internal.h"

#define TURN_FRAMES 8 /* of one client, before others have their turn */
#define BACKLOG 32

static void log_client(const struct client *c, int priority, const char *why) {
        const struct varlink_config *config = &c->server->config;
        char text[TEXT_LEN];

        if (!config->log)
                return;
        text_fmt(text, sizeof(text), "client of uid %u, pid %d dropped: %s", (unsigned)c->peer.uid,
                 (int)c->peer.pid, why);
        config->log(config->ud, priority, text);
}

/* Whether the next frame may be taken up now. */
static bool client_free(const struct client *c) {
        return !c->dead && !c->linger && c->call == 0 && frame_writer_pending(&c->out) == 0;
}

static int32_t on_client(int32_t fd, int32_t revents, void *data);

/*
 * What to wait for: nothing is read while a call is answered or an answer waits to be written.
 * A frame that waits for its turn makes the loop call at once, as the socket can be written to;
 * a job would do, but libqb takes up to 50 ms for one.
 */
static void client_poll(struct client *c) {
        qb_loop_t *loop = c->server->config.loop;
        int32_t events = 0;

        if (c->dead || c->gone)
                return;
        if (frame_writer_pending(&c->out) > 0 || (client_free(c) && frame_reader_ready(&c->in)))
                events |= POLLOUT;
        else if (!c->eof && c->call == 0)
                events |= POLLIN;
        if (events == c->events)
                return;
        if (c->events < 0 ? qb_loop_poll_add(loop, QB_LOOP_LOW, c->fd, events, c, on_client) < 0
                          : qb_loop_poll_mod(loop, QB_LOOP_LOW, c->fd, events, c, on_client) < 0) {
                client_drop(c, "the loop refused its descriptor");
                return;
        }
        c->events = events;
}

static void client_unpoll(struct client *c) {
        if (c->events >= 0)
                (void)qb_loop_poll_del(c->server->config.loop, c->fd); /* it is there */
        c->events = -1;
}

void client_drop(struct client *c, const char *why) {
        if (c->dead)
                return;
        if (why)
                log_client(c, LOG_WARNING, why);
        client_unpoll(c);
        if (c->linger)
                (void)qb_loop_timer_del(c->server->config.loop, c->timer); /* may have fired */
        (void)close(c->fd); /* nothing to be done about it */
        c->dead = true;
        c->call = 0;
        varlink_queue_turn(c->server);
}

static void client_flush(struct client *c) {
        while (!c->dead && !c->gone && frame_writer_pending(&c->out) > 0) {
                ssize_t n = send(c->fd, c->out.buf + c->out.start, frame_writer_pending(&c->out),
                                 MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
                        return;
                if (n < 0) {
                        client_drop(c, NULL);
                        return;
                }
                frame_writer_written(&c->out, (size_t)n);
        }
        if (c->linger && !c->dead)
                client_drop(c, NULL);
}

void client_send(struct client *c, const char *text, size_t len) {
        if (c->dead || c->gone || c->linger)
                return;
        frame_writer_add(&c->out, text, len);
        client_flush(c);
        client_poll(c);
}

static void on_linger_end(void *data) {
        struct client *c = data;

        c->linger = false; /* the timer is no more */
        client_drop(c, NULL);
}

void client_linger(struct client *c, const char *text, size_t len, const char *why) {
        log_client(c, LOG_WARNING, why);
        frame_writer_cut(&c->out);
        frame_writer_add(&c->out, text, len);
        c->call = 0;
        if (qb_loop_timer_add(c->server->config.loop, QB_LOOP_LOW,
                              VARLINK_LINGER_SEC * UINT64_C(1000000000), c, on_linger_end,
                              &c->timer) < 0) {
                client_drop(c, NULL);
                return;
        }
        c->linger = true;
        client_flush(c);
        client_poll(c);
}

/* Takes what the socket has, one chunk; all of it when the client is gone (bounded by its buffer).
 */
static void client_read(struct client *c, bool all) {
        do {
                size_t room;
                char *buf = frame_reader_room(&c->in, &room);
                ssize_t n = recv(c->fd, buf, room, MSG_DONTWAIT);

                if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
                        return;
                if (n <= 0) {
                        c->eof = true;
                        return;
                }
                frame_reader_filled(&c->in, (size_t)n);
        } while (all && c->in.end - c->in.start <= c->in.max);
}

static void client_turn(struct client *c) {
        for (int i = 0; i < TURN_FRAMES && client_free(c); i++) {
                const char *frame;
                size_t len;
                int r = frame_reader_next(&c->in, &frame, &len);

                if (r < 0)
                        client_drop(c, "its message is too long");
                if (r <= 0)
                        break;
                client_dispatch(c, frame, len);
        }
        if (client_free(c) && frame_reader_ready(&c->in)) {
                if (c->gone) /* no longer in the loop */
                        varlink_queue_turn(c->server);
        } else if (client_free(c) && (c->eof || c->gone)) {
                client_drop(c, c->in.end > c->in.start ? "it hung up within a message" : NULL);
        }
        client_poll(c);
}

static int32_t on_client(int32_t fd, int32_t revents, void *data) {
        struct client *c = data;

        (void)fd; /* c->fd */
        if (revents & POLLOUT)
                client_flush(c);
        if (!c->dead && !c->eof && (revents & (POLLIN | POLLHUP | POLLERR)))
                client_read(c, revents & (POLLHUP | POLLERR));
        if (!c->dead && (revents & (POLLHUP | POLLERR))) {
                client_unpoll(c);
                c->gone = true;
                c->call = 0;
                frame_writer_done(&c->out);
                if (c->linger)
                        client_drop(c, NULL);
        }
        client_turn(c);
        return 0;
}

static void client_clear(struct client *c) {
        frame_reader_done(&c->in);
        frame_writer_done(&c->out);
        *c = (struct client){.server = c->server, .fd = -1, .events = -1};
}

static void on_turn(void *data) {
        struct varlink *v = data;

        v->turn_queued = false;
        for (size_t i = 0; i < VARLINK_CLIENTS_MAX; i++) {
                struct client *c = &v->clients[i];

                if (c->fd >= 0 && !c->dead)
                        client_turn(c);
                if (c->dead)
                        client_clear(c);
        }
}

void varlink_queue_turn(struct varlink *v) {
        if (v->turn_queued)
                return;
        v->turn_queued = qb_loop_job_add(v->config.loop, QB_LOOP_LOW, v, on_turn) == 0;
}

size_t varlink_clients(const struct varlink *v) {
        size_t n = 0;

        for (size_t i = 0; i < VARLINK_CLIENTS_MAX; i++)
                n += v->clients[i].fd >= 0 && !v->clients[i].dead;
        return n;
}

/* Only from the loop, never from within a client's call. */
static struct client *free_slot(struct varlink *v, enum varlink_access access) {
        struct client *slot = NULL;
        size_t viewers = 0;

        for (size_t i = 0; i < VARLINK_CLIENTS_MAX; i++) {
                struct client *c = &v->clients[i];

                if (c->dead)
                        client_clear(c); /* before its turn: its slot is asked for */
                if (c->fd < 0)
                        slot = slot ? slot : c;
                else
                        viewers += c->access < VARLINK_ADMIN;
        }
        return access < VARLINK_ADMIN && viewers >= VARLINK_VIEWERS_MAX ? NULL : slot;
}

int varlink_adopt(struct varlink *v, int fd, enum varlink_access access) {
        struct client *c = free_slot(v, access);
        struct peer peer = {0};
        int r = c ? peer_read(fd, &peer) : -EMFILE;

        if (r < 0) {
                (void)close(fd); /* ours by contract */
                return r;
        }
        c->fd = fd;
        c->access = access;
        c->peer = peer;
        frame_reader_init(&c->in,
                          access == VARLINK_ADMIN ? VARLINK_FRAME_MAX : VARLINK_VIEW_FRAME_MAX);
        client_poll(c);
        return 0;
}

/* Told before it is closed, as far as the empty socket's buffer goes: always, for one line. */
static void refuse(struct varlink *v, int fd) {
        char text[TEXT_LEN];

        text_fmt(text, sizeof(text),
                 "{\"error\":\"%s\",\"parameters\":{\"message\":\"too many clients are connected; "
                 "try again, or end those that watch\"}}",
                 v->config.error_busy);
        (void)send(fd, text, strlen(text) + 1, MSG_NOSIGNAL | MSG_DONTWAIT); /* best effort */
        (void)close(fd);
        if (v->config.log)
                v->config.log(v->config.ud, LOG_WARNING, "a client was refused: too many");
}

static enum varlink_access access_of(const struct listener *l, int fd) {
        struct peer peer;

        if (peer_read(fd, &peer) < 0)
                return VARLINK_NOTHING;
        if (peer.uid == 0 || peer.uid == geteuid())
                return l->access;
        if (l->gid != (gid_t)-1 && peer_in_group(fd, &peer, l->gid))
                return l->access;
        return VARLINK_NOTHING;
}

static int32_t on_listener(int32_t fd, int32_t revents, void *data) {
        struct listener *l = data;
        int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        enum varlink_access access;

        (void)revents; /* readable, or accept4() says what is wrong */
        if (client < 0)
                return 0; /* it went away, or no descriptor is free: the next round tries again */
        access = access_of(l, client);
        if (free_slot(l->server, access))
                (void)varlink_adopt(l->server, client, access); /* closed on failure */
        else
                refuse(l->server, client);
        return 0;
}

/* A socket that nobody serves is removed. Return: 0, or -EADDRINUSE. */
static int remove_stale(const struct sockaddr_un *addr) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        bool used;

        if (fd < 0)
                return -errno;
        used = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 || errno == EAGAIN;
        (void)close(fd); /* only asked */
        if (used)
                return -EADDRINUSE;
        return unlink(addr->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

/* Nobody may connect before the mode and the group are right: listen() comes last. */
static int bind_socket(int fd, const struct sockaddr_un *addr, gid_t gid) {
        mode_t old = umask(0177);
        int r = bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 ? -errno : 0;

        (void)umask(old);
        if (r < 0)
                return r;
        if (gid != (gid_t)-1 &&
            (chown(addr->sun_path, (uid_t)-1, gid) < 0 || chmod(addr->sun_path, 0660) < 0))
                r = -errno;
        if (r == 0 && listen(fd, BACKLOG) < 0)
                r = -errno;
        if (r < 0)
                (void)unlink(addr->sun_path); /* the first error counts */
        return r;
}

int varlink_listen(struct varlink *v, const char *path, enum varlink_access access, gid_t gid) {
        struct sockaddr_un addr = {.sun_family = AF_UNIX};
        struct listener *l = &v->listeners[v->n_listeners];
        int fd, r;

        if (v->n_listeners == LISTENERS_MAX)
                return -EMFILE;
        if (strlen(path) >= sizeof(addr.sun_path))
                return -ENAMETOOLONG;
        text_set(addr.sun_path, sizeof(addr.sun_path), path);
        r = remove_stale(&addr);
        if (r < 0)
                return r;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        r = bind_socket(fd, &addr, gid);
        if (r == 0) {
                *l = (struct listener){.server = v, .fd = fd, .access = access, .gid = gid};
                r = qb_loop_poll_add(v->config.loop, QB_LOOP_LOW, fd, POLLIN, l, on_listener);
                if (r < 0)
                        (void)unlink(path); /* the first error counts */
        }
        if (r < 0) {
                (void)close(fd);
                return r;
        }
        l->path = xstrdup(path);
        v->n_listeners++;
        return 0;
}

struct varlink *varlink_new(const struct varlink_config *config) {
        struct varlink *v = xcalloc(1, sizeof(*v));

        v->config = *config;
        for (size_t i = 0; i < VARLINK_CLIENTS_MAX; i++)
                v->clients[i] = (struct client){.server = v, .fd = -1, .events = -1};
        return v;
}

struct varlink *varlink_free(struct varlink *v) {
        if (!v)
                return NULL;
        for (size_t i = 0; i < v->n_listeners; i++) {
                struct listener *l = &v->listeners[i];

                (void)qb_loop_poll_del(v->config.loop, l->fd); /* it is there */
                (void)close(l->fd);
                (void)unlink(l->path); /* the next start removes it otherwise */
                free(l->path);
        }
        for (size_t i = 0; i < VARLINK_CLIENTS_MAX; i++) {
                struct client *c = &v->clients[i];

                if (c->fd >= 0 && c->call != 0 && c->more && !c->dead)
                        (void)varlink_reply(v, c->call, NULL); /* last one of the stream */
                if (c->fd >= 0)
                        client_drop(c, NULL);
                client_clear(c);
        }
        if (v->turn_queued)
                (void)qb_loop_job_del(v->config.loop, QB_LOOP_LOW, v, on_turn); /* it is there */
        free(v);
        return NULL;
}
