/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replication/driver_hello.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hawd/base/clock.h"

#define HELLO_MAX ((size_t)MIRROR_DISKS_MAX * (MIRROR_PATH_LEN + 128))
#define LOOK_MSEC 200
#define PATIENCE_USEC (10 * USEC_PER_SEC) /* with one that came and says nothing */

int hello_parse(const char *where, struct mirror_ports *ret, uint16_t *ret_port, char *err) {
        const char *s = where, *end;
        unsigned port;
        size_t len;
        int at = 0;

        *ret = (struct mirror_ports){0};
        if (strncmp(s, "nbd", 3) != 0)
                goto bad;
        s += 3;
        ret->tls = *s == 's';
        s += ret->tls;
        if (strncmp(s, "://", 3) != 0)
                goto bad;
        s += 3;
        end = *s == '[' ? strchr(s, ']') : strchr(s, ':');
        s += *s == '[';
        if (!end || end == s || (len = (size_t)(end - s)) >= sizeof(ret->address))
                goto bad;
        memcpy(ret->address, s, len);
        end += *end == ']';
        if (sscanf(end, ":%u/%32[0-9a-f]%n", &port, ret->token, &at) != 2 || end[at] ||
            strlen(ret->token) != MIRROR_TOKEN_LEN - 1 || port == 0 || port > UINT16_MAX)
                goto bad;
        if (ret_port)
                *ret_port = (uint16_t)port;
        return 0;
bad:
        text_fmt(err, TEXT_LEN, "'%.100s' is no place for a replica", where);
        return -EINVAL;
}

/* Until @until says so: 0, -ETIMEDOUT, -ECANCELED; @patience is with the other side. */
static int wait_for(const struct mirror_work *w, int fd, short events, usec_t patience,
                    const char *step, char *err) {
        struct pollfd p = {.fd = fd, .events = events};

        for (;;) {
                int r = mirror_step(w, step, err);

                if (r < 0)
                        return r;
                if (poll(&p, 1, LOOK_MSEC) > 0)
                        return 0;
                if (now_boottime() >= patience) {
                        text_set(err, TEXT_LEN, "the other host says nothing");
                        return -ETIMEDOUT;
                }
        }
}

static int write_all(int fd, const char *text, char *err) {
        size_t len = strlen(text);

        while (len > 0) {
                ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0) {
                        int r = n < 0 ? -errno : -EPIPE;

                        text_fmt(err, TEXT_LEN, "the other host cannot be told: %s", strerror(-r));
                        return r;
                }
                text += n;
                len -= (size_t)n;
        }
        return 0;
}

/* Up to and with a line that is @last, or the first line when NULL. NUL-terminated. */
static int read_text(const struct mirror_work *w, int fd, const char *last, usec_t patience,
                     char *buf, size_t size, char *err) {
        size_t len = 0;

        for (;;) {
                ssize_t n;
                int r = wait_for(w, fd, POLLIN, patience, "hello", err);

                if (r < 0)
                        return r;
                n = read(fd, buf + len, size - 1 - len);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0) {
                        text_fmt(err, TEXT_LEN, "the other host breaks off: %s",
                                 n < 0 ? strerror(errno) : "it has closed the connection");
                        return -ECONNRESET;
                }
                len += (size_t)n;
                buf[len] = '\0';
                if (last ? strstr(buf, last) != NULL : strchr(buf, '\n') != NULL)
                        return 0;
                if (len == size - 1) {
                        text_set(err, TEXT_LEN, "the other host says too much");
                        return -E2BIG;
                }
        }
}

/* ---- R --------------------------------------------------------------------------------------- */

/* 0 it is P; -EACCES somebody else; -EINVAL P means something else. */
static int judge(char *text, const char *token, uint32_t serial, struct mirror_disks *disks,
                 char *err) {
        char *save = NULL, *line = strtok_r(text, "\n", &save), said[MIRROR_TOKEN_LEN];
        uint32_t number;
        size_t n = 0;

        if (!line || sscanf(line, "hawd-replica 1 %32s %" SCNu32, said, &number) != 2 ||
            strcmp(said, token) != 0)
                return -EACCES;
        while (number == serial && n < disks->n && (line = strtok_r(NULL, "\n", &save))) {
                struct mirror_disk d, *is = &disks->disks[n];
                int at = 0;

                if (sscanf(line, "disk %15s %7s %" SCNu64 " %n", d.target, d.format, &d.size,
                           &at) != 3 ||
                    at == 0 || strcmp(d.target, is->target) != 0 ||
                    strcmp(d.format, is->format) != 0 || strcmp(line + at, is->path) != 0)
                        break;
                is->size = d.size;
                n++;
        }
        line = strtok_r(NULL, "\n", &save);
        if (n == disks->n && line && strcmp(line, "go") == 0)
                return 0;
        text_set(err, TEXT_LEN, "the two hosts do not mean the same disks: the guest was changed");
        return -EINVAL;
}

int hello_accept(const struct mirror_work *w, int listener, const char *token, uint32_t serial,
                 struct mirror_disks *disks, char *err) {
        _cleanup_(freep) char *text = xcalloc(HELLO_MAX, 1);
        int fd, r;

        for (;;) {
                r = wait_for(w, listener, POLLIN, USEC_INFINITY, "hello", err);
                if (r < 0)
                        return r;
                fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
                if (fd < 0)
                        continue;
                r = read_text(w, fd, "\ngo\n", usec_add(now_boottime(), PATIENCE_USEC), text,
                              HELLO_MAX, err);
                if (r == 0)
                        r = judge(text, token, serial, disks, err);
                if (r == 0)
                        return fd;
                if (r == -EINVAL)
                        (void)hello_refuse(fd, err);
                (void)close(fd);
                if (r == -EINVAL || r == -ECANCELED)
                        return r;
        }
}

int hello_answer(int fd, const uint16_t *ports, size_t n, char *err) {
        char text[16 * MIRROR_DISKS_MAX] = "ok";
        size_t len;

        for (size_t i = 0; i < n; i++) {
                len = strlen(text);
                text_fmt(text + len, sizeof(text) - len, " %u", ports[i]);
        }
        len = strlen(text);
        text_fmt(text + len, sizeof(text) - len, "\n");
        return write_all(fd, text, err);
}

int hello_refuse(int fd, const char *why) {
        char text[TEXT_LEN + 8], err[TEXT_LEN];

        text_fmt(text, sizeof(text), "no %s\n", why);
        return write_all(fd, text, err);
}

/* ---- P --------------------------------------------------------------------------------------- */

static int connect_to(const struct mirror_work *w, const char *address, uint16_t port, char *err) {
        struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
        struct addrinfo *ai = NULL;
        char service[8];
        socklen_t len = sizeof(int);
        int fd, r, bad = 0;

        text_fmt(service, sizeof(service), "%u", port);
        r = getaddrinfo(address, service, &hints, &ai);
        if (r != 0) {
                text_fmt(err, TEXT_LEN, "'%.60s' is no address: %s", address, gai_strerror(r));
                return -EINVAL;
        }
        fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        r = fd < 0 || (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0 && errno != EINPROGRESS)
                    ? -errno
                    : 0;
        freeaddrinfo(ai);
        if (r == 0)
                r = wait_for(w, fd, POLLOUT, usec_add(now_boottime(), PATIENCE_USEC), "connect",
                             err);
        else
                text_set(err, TEXT_LEN, strerror(-r));
        if (r == 0 && (getsockopt(fd, SOL_SOCKET, SO_ERROR, &bad, &len) < 0 || bad != 0)) {
                r = bad ? -bad : -errno;
                text_set(err, TEXT_LEN, strerror(-r));
        }
        if (r == 0)
                (void)fcntl(fd, F_SETFL, 0); /* short texts to a socket with room */
        if (r < 0) {
                char said[TEXT_LEN];

                text_set(said, sizeof(said), err);
                text_fmt(err, TEXT_LEN, "%.60s port %u does not answer: %.90s", address, port,
                         said);
                if (fd >= 0)
                        (void)close(fd);
                return r;
        }
        return fd;
}

static int read_answer(const char *text, size_t n, struct mirror_ports *ret, char *err) {
        const char *s = text + 2;

        if (strncmp(text, "no ", 3) == 0) {
                text_set(err, TEXT_LEN, text + 3);
                err[strcspn(err, "\n")] = '\0';
                return -EREMOTEIO;
        }
        for (size_t i = 0; i < n && strncmp(text, "ok", 2) == 0; i++) {
                unsigned port = 0;
                int at = 0;

                if (sscanf(s, " %5u%n", &port, &at) != 1 || port == 0 || port > UINT16_MAX)
                        break;
                ret->port[i] = (uint16_t)port;
                s += at;
                if (i + 1 == n && strcmp(s, "\n") == 0)
                        return 0;
        }
        text_set(err, TEXT_LEN, "the other host gives no answer that makes sense");
        return -EPROTO;
}

/* Both sides write the same folder: that would be no replica. */
static int check_apart(const struct mirror_disks *disks, uint32_t serial, char *err) {
        char copy[MIRROR_PATH_LEN + 32];

        for (size_t i = 0; i < disks->n; i++) {
                copy_path(disks->disks[i].path, "replica", serial, copy);
                if (access(copy, F_OK) == 0) {
                        text_fmt(err, TEXT_LEN,
                                 "%.110s is on storage that both hosts share: a copy there is lost "
                                 "with the disk",
                                 disks->disks[i].path);
                        return -EEXIST;
                }
        }
        return 0;
}

int hello_ask(const struct mirror_work *w, const char *where, const struct mirror_disks *disks,
              uint32_t serial, struct mirror_ports *ret, char *err) {
        _cleanup_(freep) char *text = xcalloc(HELLO_MAX, 1);
        uint16_t port;
        int fd, r = hello_parse(where, ret, &port, err);
        size_t len;

        if (r < 0)
                return r;
        fd = connect_to(w, ret->address, port, err);
        if (fd < 0)
                return fd;
        text_fmt(text, HELLO_MAX, "hawd-replica 1 %s %" PRIu32 "\n", ret->token, serial);
        for (size_t i = 0; i < disks->n; i++) {
                const struct mirror_disk *d = &disks->disks[i];

                len = strlen(text);
                text_fmt(text + len, HELLO_MAX - len, "disk %s %s %" PRIu64 " %s\n", d->target,
                         d->format, d->size, d->path);
        }
        len = strlen(text);
        text_fmt(text + len, HELLO_MAX - len, "go\n");
        r = write_all(fd, text, err);
        if (r == 0)
                r = read_text(w, fd, NULL, USEC_INFINITY, text, HELLO_MAX, err);
        (void)close(fd);
        if (r == 0)
                r = read_answer(text, disks->n, ret, err);
        return r < 0 ? r : check_apart(disks, serial, err);
}
