/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R: a cycle is offered, and served by a qemu-nbd for each disk and one for the mark. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "hawd/base/tool.h"
#include "replication/driver_pull.h"

#define LOOK_MSEC 200
#define LISTEN_FD 3 /* where systemd's protocol has it */
#define ARGS_MAX 24

/* A peer that lost its power says no goodbye: what is accepted inherits these. */
static bool keep_alive(int fd) {
        static const int on = 1, idle_s = 10, every_s = 5, times = 4;

        return setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) == 0 &&
               setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s)) == 0 &&
               setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof(every_s)) == 0 &&
               setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof(times)) == 0;
}

static int listen_on(const struct addrinfo *ai, uint16_t *port) {
        struct sockaddr_storage sa;
        socklen_t len = sizeof(sa);
        char service[8];
        int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

        if (fd < 0)
                return -errno;
        if (!keep_alive(fd) || bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, 8) < 0 ||
            getsockname(fd, (struct sockaddr *)&sa, &len) < 0 ||
            getnameinfo((struct sockaddr *)&sa, len, NULL, 0, service, sizeof(service),
                        NI_NUMERICSERV) != 0) {
                r = errno ? -errno : -EIO;
                (void)close(fd);
                return r;
        }
        *port = (uint16_t)strtoul(service, NULL, 10);
        return fd;
}

int pull_listen(const char *host, size_t disks, struct pull_servers *ret, char *err) {
        const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                       .ai_socktype = SOCK_STREAM};
        struct addrinfo *ai = NULL;
        struct pull_servers s = {0};
        uint8_t name[(PULL_NAME_LEN - 1) / 2];

        assert(disks >= 1 && disks <= PULL_DISKS_MAX);
        if (strlen(host) >= PULL_HOST_LEN || getaddrinfo(host, "0", &hints, &ai) != 0) {
                text_fmt(err, TEXT_LEN, "'%.60s' is no address in numbers", host);
                return -EINVAL;
        }
        text_set(s.where.host, sizeof(s.where.host), host);
        for (; s.where.n < disks + 1; s.where.n++) {
                int fd = listen_on(ai, &s.where.ports[s.where.n]);

                if (fd < 0) {
                        text_fmt(err, TEXT_LEN, "nothing can listen at %s: %s", host,
                                 strerror(-fd));
                        freeaddrinfo(ai);
                        pull_unlisten(&s);
                        return fd;
                }
                s.fds[s.where.n] = fd;
        }
        freeaddrinfo(ai);
        if (getrandom(name, sizeof(name), 0) != (ssize_t)sizeof(name))
                abort(); /* a name that can be guessed is none */
        for (size_t i = 0; i < sizeof(name); i++)
                text_fmt(s.where.name + 2 * i, 3, "%02x", name[i]);
        *ret = s;
        return 0;
}

void pull_unlisten(struct pull_servers *s) {
        for (size_t i = 0; i < s->where.n; i++)
                (void)close(s->fds[i]);
        s->where.n = 0;
}

struct server {
        pid_t pid; /* 0: none, or reaped */
        int pidfd;
        int said; /* what it wrote */
};

static int start(struct server *s, const char *const *argv, int listening, char *err) {
        const char *path = getenv("PATH");
        char path_is[1024], pid_is[32];
        char *const env[] = {path_is, pid_is, (char[]){"LISTEN_FDS=1"}, (char[]){"LC_ALL=C"}, NULL};
        pid_t parent = getpid();
        sigset_t none;
        int r;

        text_fmt(path_is, sizeof(path_is), "PATH=%s", path ? path : "/usr/bin:/bin");
        (void)sigemptyset(&none);
        s->said = memfd_create("said", MFD_CLOEXEC);
        s->pid = s->said < 0 ? -1 : fork();
        if (s->pid == 0) {
                int quiet = open("/dev/null", O_RDWR | O_CLOEXEC);

                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)sigprocmask(SIG_SETMASK, &none, NULL);
                (void)signal(SIGPIPE, SIG_DFL);
                (void)snprintf(pid_is, sizeof(pid_is), "LISTEN_PID=%ld", (long)getpid());
                if (getppid() == parent && quiet >= 0 && dup2(quiet, STDIN_FILENO) >= 0 &&
                    dup2(quiet, STDOUT_FILENO) >= 0 && dup2(s->said, STDERR_FILENO) >= 0 &&
                    (listening == LISTEN_FD ? fcntl(listening, F_SETFD, 0)
                                            : dup2(listening, LISTEN_FD)) >= 0)
                        execvpe(argv[0], (char *const *)(uintptr_t)argv, env);
                _exit(127);
        }
        r = s->pid < 0 ? -errno : 0;
        s->pidfd = r == 0 ? pidfd_open(s->pid, 0) : -1;
        if (r == 0 && s->pidfd < 0) {
                r = -errno;
                (void)kill(s->pid, SIGKILL);
                (void)waitpid(s->pid, NULL, 0);
        }
        if (r < 0) {
                if (s->said >= 0)
                        (void)close(s->said);
                s->pid = 0;
                text_fmt(err, TEXT_LEN, "%.60s cannot be started: %s", argv[0], strerror(-r));
        }
        return r;
}

static void last_line(int said, char *err) {
        char buf[512];
        ssize_t n = pread(said, buf, sizeof(buf) - 1, 0);
        char *nl;

        buf[n > 0 ? n : 0] = '\0';
        while ((nl = strrchr(buf, '\n')) && nl[1] == '\0')
                *nl = '\0';
        nl = strrchr(buf, '\n');
        text_fmt(err, TEXT_LEN, "qemu-nbd ended by itself: %.150s", nl ? nl + 1 : buf);
}

/* Return: 0 it ended as it should, -EIO with @err, -EBUSY it is left where it is. */
static int reap(struct server *s, usec_t until, char *err) {
        int status = -1, r = 0;

        if (s->pid <= 0)
                return 0;
        if (!tool_reap(s->pid, until, &status)) {
                text_set(err, TEXT_LEN,
                         "a qemu-nbd was killed and does not end: does this host's disk hang?");
                r = -EBUSY;
        } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
                last_line(s->said, err);
                r = -EIO;
        }
        (void)close(s->pidfd);
        (void)close(s->said);
        *s = (struct server){0};
        return r;
}

/* Return: 0, -EBUSY with @err one is left: it may do what it was asked for, and nothing else. */
static int stop(struct server *s, size_t n, char *err) {
        usec_t until = usec_add(now_boottime(), TOOL_KILLED_USEC);
        char text[TEXT_LEN];
        int r = 0;

        for (size_t i = 0; i < n; i++)
                if (s[i].pid > 0)
                        (void)kill(s[i].pid, SIGKILL); /* what matters was flushed before it is
                                                          spoken of */
        for (size_t i = 0; i < n; i++)
                if (reap(&s[i], until, text) == -EBUSY) {
                        text_set(err, TEXT_LEN, text);
                        r = -EBUSY;
                }
        return r;
}

static int start_server(struct server *s, const struct pull_guest *g, const char *qemu_nbd,
                        const char *format, const char *path, const char *name, int listening,
                        char *err) {
        char tls[DISK_PATH_LEN + 80];
        const char *argv[ARGS_MAX] = {qemu_nbd ? qemu_nbd : "qemu-nbd", "-f", format, "-x", name};
        size_t n = 5;

        if (g->tls_dir) {
                text_fmt(tls, sizeof(tls),
                         "tls-creds-x509,id=tls,endpoint=server,verify-peer=on,dir=%s", g->tls_dir);
                argv[n++] = "--object";
                argv[n++] = tls;
                argv[n++] = "--tls-creds";
                argv[n++] = "tls";
        }
        argv[n] = path;
        return start(s, argv, listening, err);
}

/* QEMU may open it as it may open the guest's disk, where there is one already. */
static int owner(const char *path, const char *as, char *err) {
        struct stat st;

        if (stat(as, &st) < 0)
                return 0;
        if (chmod(path, st.st_mode & 0666) == 0 &&
            (geteuid() != 0 || chown(path, st.st_uid, st.st_gid) == 0))
                return 0;
        text_fmt(err, TEXT_LEN, "%.120s: owner and mode: %s", path, strerror(errno));
        return -errno;
}

static int make(const struct disk_driver *d, const struct pull_guest *g, bool first, char *err) {
        for (size_t i = 0; i < g->n; i++) {
                const struct pull_disk *disk = &g->disks[i];
                char copy[DISK_PATH_LEN], next[DISK_PATH_LEN], size[32];
                const char *const create[] = {"create",     "-q", "-f",
                                              disk->format, "-o", "preallocation=falloc",
                                              copy,         size, NULL};
                const char *const over[] = {"create", "-q", "-u",         "-f", "qcow2", "-b",
                                            copy,     "-F", disk->format, next, size,    NULL};
                const char *path = first ? copy : next;
                int r = disk_step(d, "make", err);

                pull_path(copy, disk->path, g->serial, "");
                pull_path(next, disk->path, g->serial, ".next");
                text_fmt(size, sizeof(size), "%" PRIu64, disk->size);
                if (r == 0 && unlink(path) < 0 && errno != ENOENT) {
                        text_fmt(err, TEXT_LEN, "%.120s cannot be removed: %s", path,
                                 strerror(errno));
                        r = -errno;
                }
                if (r == 0)
                        r = disk_tool(d, first ? create : over, NULL, err);
                if (r == 0)
                        r = owner(path, disk->path, err);
                if (r == 0)
                        r = pull_sync_folder(path, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int offer(const struct disk_driver *d, const struct pull_guest *g, enum pull_mark_kind kind,
                 const struct pull_mark *whole, char *err) {
        struct pull_mark m = {.kind = kind,
                              .serial = g->serial,
                              .disks = (uint32_t)g->n,
                              .cycle = whole->cycle + 1,
                              .as_of = whole->as_of};
        char path[DISK_PATH_LEN];
        uint64_t id;
        int r = disk_step(d, "offer", err);

        if (r < 0)
                return r;
        if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id))
                abort();
        text_fmt(m.id, sizeof(m.id), "%016" PRIx64, id);
        text_set(m.base, sizeof(m.base), whole->id);
        for (size_t i = 0; i < g->n; i++)
                m.sizes[i] = kind == PULL_ASK ? 0 : g->disks[i].size;
        pull_path(path, g->disks[0].path, g->serial, ".mark");
        return pull_put(path, &m, err);
}

/* Until the mark's server ends: P writes it last, when all else is done. */
static int wait_for_mark(const struct disk_driver *d, struct server *mark, char *err) {
        struct pollfd fd = {.fd = mark->pidfd, .events = POLLIN};
        int r;

        do {
                r = disk_step(d, "serve", err);
                if (r < 0)
                        return r;
        } while (poll(&fd, 1, LOOK_MSEC) <= 0);
        return reap(mark, USEC_INFINITY, err); /* it has ended */
}

/* @only_mark: of the disks nothing is served. */
static int serve(const struct disk_driver *d, const struct pull_guest *g, const char *qemu_nbd,
                 const struct pull_servers *s, bool first, bool only_mark, char *err) {
        struct server servers[PULL_DISKS_MAX + 1] = {0};
        char path[DISK_PATH_LEN];
        int r = 0, left;

        for (size_t i = 0; r == 0 && i < g->n && !only_mark; i++) {
                pull_path(path, g->disks[i].path, g->serial, first ? "" : ".next");
                r = start_server(&servers[i], g, qemu_nbd, first ? g->disks[i].format : "qcow2",
                                 path, s->where.name, s->fds[i], err);
        }
        pull_path(path, g->disks[0].path, g->serial, ".mark");
        if (r == 0)
                r = start_server(&servers[g->n], g, qemu_nbd, "raw", path, s->where.name,
                                 s->fds[g->n], err);
        if (r == 0)
                r = wait_for_mark(d, &servers[g->n], err);
        left = stop(servers, g->n + 1, err);
        return left < 0 ? left : r;
}

int pull_ask(const struct disk_driver *d, const struct pull_guest *g, const char *qemu_nbd,
             const struct pull_servers *s, uint64_t *sizes, char *err) {
        const struct pull_mark nothing = {0};
        struct pull_seen seen;
        int r = offer(d, g, PULL_ASK, &nothing, err);

        assert(s->where.n == g->n + 1);
        if (r == 0)
                r = serve(d, g, qemu_nbd, s, true, true, err);
        if (r == 0)
                r = pull_look(g, &seen, err);
        if (r < 0)
                return r;
        if (!seen.mark_is || seen.mark.kind != PULL_SIZES || seen.mark.disks != (uint32_t)g->n) {
                text_set(err, TEXT_LEN, "the other side broke off");
                return -EAGAIN;
        }
        memcpy(sizes, seen.mark.sizes, g->n * sizeof(*sizes));
        return 0;
}

int pull_serve(const struct disk_driver *d, const struct pull_guest *g, const char *qemu_nbd,
               const struct pull_servers *s, struct pull_mark *ret, char *err) {
        struct pull_mark before = {0}, after = {0};
        char text[TEXT_LEN];
        bool first;
        int r, served;

        assert(s->where.n == g->n + 1);
        r = pull_settle(d, g, &before, err);
        first = r == -ENODATA;
        if (r < 0 && !first)
                return r;
        r = make(d, g, first, err);
        if (r == 0)
                r = offer(d, g, PULL_OFFER, &before, err);
        if (r < 0)
                return r;
        served = serve(d, g, qemu_nbd, s, first, false, err);
        if (served == -ECANCELED || served == -ETIMEDOUT || served == -EBUSY)
                return served; /* whoever comes next settles it */
        r = pull_settle(d, g, &after, text);
        if (r == 0 && strcmp(after.id, before.id) != 0) {
                *ret = after;
                return 0;
        }
        if (r < 0 && r != -ENODATA)
                text_set(err, TEXT_LEN, text);
        else if (served == 0)
                text_set(err, TEXT_LEN, "the other side broke off");
        return r < 0 && r != -ENODATA ? r : served < 0 ? served : -EAGAIN;
}
