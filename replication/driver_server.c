/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R's side of a beginning: waits for P, makes the files, starts a qemu-nbd for each disk. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <jansson.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "replication/driver_export.h"
#include "replication/driver_hello.h"

#define UP_WAIT_USEC (20 * USEC_PER_SEC) /* until a server listens */

/* ---- ports ----------------------------------------------------------------------------------- */

/* A descriptor that listens at a free port of @address, -errno. */
static int listen_at(const char *address, uint16_t *ret_port, char ret_numeric[64], char *err) {
        struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
        struct addrinfo *ai = NULL;
        struct sockaddr_storage sa;
        socklen_t len = sizeof(sa);
        int r = getaddrinfo(address, "0", &hints, &ai), fd;

        if (r != 0) {
                text_fmt(err, TEXT_LEN, "'%.60s' is no address of this host: %s", address,
                         gai_strerror(r));
                return -EINVAL;
        }
        fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, 4) < 0 ||
            getsockname(fd, (struct sockaddr *)&sa, &len) < 0 ||
            getnameinfo((struct sockaddr *)&sa, len, ret_numeric, 64, NULL, 0, NI_NUMERICHOST) !=
                    0) {
                r = -errno;
                text_fmt(err, TEXT_LEN, "no port of %.60s can be had: %s", address, strerror(-r));
                if (fd >= 0)
                        (void)close(fd);
                fd = r;
        } else {
                *ret_port = ntohs(sa.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&sa)->sin6_port
                                                           : ((struct sockaddr_in *)&sa)->sin_port);
        }
        freeaddrinfo(ai);
        return fd;
}

int export_listen(const char *address, bool tls, char *where, char *err) {
        unsigned char random[(MIRROR_TOKEN_LEN - 1) / 2];
        char token[MIRROR_TOKEN_LEN], numeric[64];
        uint16_t port;
        bool v6;
        int fd = listen_at(address, &port, numeric, err);

        if (fd < 0)
                return fd;
        if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
                (void)close(fd);
                text_set(err, TEXT_LEN, "there are no random bytes");
                return -EIO;
        }
        for (size_t i = 0; i < sizeof(random); i++)
                text_fmt(token + 2 * i, 3, "%02x", random[i]);
        v6 = strchr(numeric, ':') != NULL;
        text_fmt(where, MIRROR_WHERE_LEN, "nbd%s://%s%s%s:%u/%s", tls ? "s" : "", v6 ? "[" : "",
                 numeric, v6 ? "]" : "", port, token);
        return fd;
}

/* What is accepted inherits it. In all, less than half of the hold. */
static int notice_silence(int fd, usec_t hold_usec, char *err) {
        unsigned half_msec = (unsigned)MIN(hold_usec / 2 / USEC_PER_MSEC, (usec_t)INT32_MAX);
        int on = 1, count = 3, every = (int)MAX(half_msec / 8 / 1000, 1u);
        int idle = (int)MAX(half_msec / 2 / 1000, 1u), r = 0;

        if (hold_usec == 0)
                return 0;
        if (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) < 0 ||
            setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle)) < 0 ||
            setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every)) < 0 ||
            setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count)) < 0 ||
            setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &half_msec, sizeof(half_msec)) < 0) {
                r = -errno;
                text_fmt(err, TEXT_LEN, "no keepalive can be set: %s", strerror(-r));
        }
        return r;
}

/* ---- a server -------------------------------------------------------------------------------- */

struct spawn {
        const char *argv[40];
        char *env[4];
        int listener, log;
};

__attribute__((noreturn)) static void become(const struct spawn *s) {
        int null = open("/dev/null", O_RDONLY);
        sigset_t none;

        (void)setsid();
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)signal(SIGPIPE, SIG_DFL);
        if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(s->log, STDOUT_FILENO) >= 0 &&
            dup2(s->log, STDERR_FILENO) >= 0 && dup2(s->listener, 3) >= 0 &&
            (s->listener != 3 || fcntl(3, F_SETFD, 0) == 0) && chdir("/") == 0 &&
            syscall(SYS_close_range, 4U, ~0U, 0U) == 0)
                execve("/bin/sh", (char *const *)(uintptr_t)s->argv, s->env);
        _exit(127);
}

/* As nobody's child, so that whoever is first in this system reaps it. */
static pid_t spawn(const struct spawn *s) {
        pid_t child, pid = -1;
        int fds[2], status;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        child = fork();
        if (child == 0) {
                pid = fork();
                if (pid == 0)
                        become(s);
                (void)!write(fds[1], &pid, sizeof(pid));
                _exit(0);
        }
        (void)close(fds[1]);
        if (child < 0 || read(fds[0], &pid, sizeof(pid)) != (ssize_t)sizeof(pid) || pid < 0)
                pid = -EAGAIN;
        (void)close(fds[0]);
        while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
                ;
        return pid;
}

static void last_words(const char *log, char *ret) {
        char buf[1024], *nl;
        int fd = open(log, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd >= 0 ? read(fd, buf, sizeof(buf) - 1) : 0;

        if (fd >= 0)
                (void)close(fd);
        buf[n > 0 ? n : 0] = '\0';
        while ((nl = strrchr(buf, '\n')) && nl[1] == '\0')
                *nl = '\0';
        nl = strrchr(buf, '\n');
        text_set(ret, TEXT_LEN, nl ? nl + 1 : buf);
}

static int wait_up(const struct export *x, size_t i, const char *pid_file, const char *log,
                   char *err) {
        usec_t until = usec_add(now_boottime(), UP_WAIT_USEC);
        char state, said[TEXT_LEN];
        uint64_t start;

        while (access(pid_file, F_OK) < 0) {
                bool gone = !export_start_time(x->servers[i].pid, &start, &state) ||
                            start != x->servers[i].start || state == 'Z';

                if (gone || now_boottime() >= until) {
                        last_words(log, said);
                        text_fmt(err, TEXT_LEN, "qemu-nbd %s: %.140s",
                                 gone ? "ends at once" : "does not come up",
                                 said[0] ? said : "it says nothing");
                        return gone ? -EIO : -ETIMEDOUT;
                }
                (void)usleep(20000);
        }
        (void)unlink(pid_file);
        return 0;
}

/* With discard=ignore at each level: qemu-nbd alone gives the room of zeroes back. */
static char *image_of(const char *copy, const char *format) {
        json_t *j = json_pack("{s:s s:s s:{s:s s:s s:s}}", "driver", format, "discard", "ignore",
                              "file", "driver", "file", "filename", copy, "discard", "ignore");
        char *text = j ? json_dumps(j, JSON_COMPACT) : NULL, *image;
        size_t size = text ? strlen(text) + 6 : 1;

        image = xcalloc(size, 1);
        if (text) /* else: a path that is no UTF-8; qemu-nbd says that there is no file "" */
                text_fmt(image, size, "json:%s", text);
        free(text);
        json_decref(j);
        return image;
}

int export_spawn(const struct export_place *p, struct export *x, size_t i, int listener,
                 const char *token, char *err) {
        char copy[MIRROR_PATH_LEN + 32], log[EXPORT_FILE_LEN], pid_file[EXPORT_FILE_LEN], what[64];
        char pid_arg[EXPORT_FILE_LEN + 16], tls[EXPORT_FILE_LEN + 64], path_is[1024], state;
        const char *path = getenv("PATH");
        const struct mirror_disk *d = &x->disks.disks[i];
        struct spawn s = {.argv = {"sh", "-c", "LISTEN_PID=$$ exec \"$@\"", "sh",
                                   p->qemu_nbd ? p->qemu_nbd : "qemu-nbd", "--cache=none",
                                   "--aio=threads", "-x", token, "--trace",
                                   "enable=" EXPORT_REFUSED, pid_arg},
                          .env = {path_is, (char[]){"LC_ALL=C"}, (char[]){"LISTEN_FDS=1"}, NULL},
                          .listener = listener};
        _cleanup_(freep) char *image = NULL;
        size_t n = 12;
        pid_t pid;
        int r;

        copy_path(d->path, "replica", x->serial, copy);
        text_fmt(what, sizeof(what), ".%zu.log", i);
        export_file(p, x, what, log);
        text_fmt(what, sizeof(what), ".%zu.pid", i);
        export_file(p, x, what, pid_file);
        text_fmt(pid_arg, sizeof(pid_arg), "--pid-file=%s", pid_file);
        text_fmt(path_is, sizeof(path_is), "PATH=%s",
                 path ? path : "/usr/sbin:/usr/bin:/sbin:/bin");
        if (p->tls_dir) {
                text_fmt(tls, sizeof(tls),
                         "tls-creds-x509,id=tls0,endpoint=server,verify-peer=on,dir=%s",
                         p->tls_dir);
                s.argv[n++] = "--object";
                s.argv[n++] = tls;
                s.argv[n++] = "--tls-creds=tls0";
        }
        image = image_of(copy, d->format);
        s.argv[n++] = image;
        (void)unlink(pid_file);
        s.log = open(log, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
        if (s.log < 0) {
                r = -errno;
                text_fmt(err, TEXT_LEN, "%.110s cannot be made: %s", log, strerror(-r));
                return r;
        }
        pid = spawn(&s);
        (void)close(s.log);
        if (pid < 0) {
                text_fmt(err, TEXT_LEN, "qemu-nbd cannot be started: %s", strerror(-pid));
                return pid;
        }
        x->servers[i] = (struct export_server){.pid = pid};
        if (!export_start_time(pid, &x->servers[i].start, &state))
                x->servers[i].start = 0; /* gone already: wait_up() says why */
        return wait_up(x, i, pid_file, log, err);
}

/* ---- the beginning --------------------------------------------------------------------------- */

static int start_servers(const struct mirror_work *w, const struct export_place *p,
                         const char *address, const char *token, struct export *x, uint16_t *ports,
                         char *err) {
        size_t wanted = x->disks.n;
        char numeric[64];
        int r = 0;

        if (mkdir(p->folder, 0700) < 0 && errno != EEXIST) {
                r = -errno;
                text_fmt(err, TEXT_LEN, "%.120s cannot be made: %s", p->folder, strerror(-r));
                return r;
        }
        export_boot_id(x->boot);
        for (x->disks.n = 0; r == 0 && x->disks.n < wanted;) {
                size_t i = x->disks.n;
                int fd = listen_at(address, &ports[i], numeric, err);

                r = fd < 0 ? fd : notice_silence(fd, p->hold_usec, err);
                if (r == 0)
                        r = mirror_step(w, "serve", err);
                if (r == 0) {
                        r = export_spawn(p, x, i, fd, token, err);
                        if (r == 0 || x->servers[i].pid > 0)
                                x->disks.n++;
                }
                if (fd >= 0)
                        (void)close(fd);
        }
        if (r == 0)
                r = mirror_step(w, "keep", err);
        if (r == 0)
                r = export_keep(p, x, err);
        return r;
}

static int make_copies(const struct mirror_work *w, const struct export *x, char *err) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < x->disks.n; i++)
                r = copy_make(w, &x->disks.disks[i], x->serial, err);
        return r;
}

int export_serve(const struct mirror_work *w, const struct export_place *p, int listener,
                 const char *where, const struct mirror_disks *disks, struct export *x, char *err) {
        struct mirror_ports ports;
        char said[TEXT_LEN];
        int fd, r = hello_parse(where, &ports, NULL, err);

        if (r < 0)
                return r;
        x->disks = *disks;
        fd = hello_accept(w, listener, ports.token, x->serial, &x->disks, err);
        if (fd < 0)
                return fd;
        r = make_copies(w, x, err);
        if (r == 0)
                r = start_servers(w, p, ports.address, ports.token, x, ports.port, err);
        if (r < 0) {
                (void)hello_refuse(fd, err);
        } else {
                r = hello_answer(fd, ports.port, x->disks.n, err);
        }
        (void)close(fd);
        if (r < 0) {
                /* Nobody knows their ports, so they can be no harm. */
                (void)export_end(p, x, usec_add(now_boottime(), UP_WAIT_USEC), said);
                export_forget(p, x);
        }
        return r;
}
