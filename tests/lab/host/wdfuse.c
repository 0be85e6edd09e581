/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The watchdog device of a lab host: a file that answers as /dev/watchdog0 does.
 *
 *   wdfuse INIT FILE LOG
 *
 * It runs outside of the host, in its mount namespace only: what stops or kills the host's
 * processes does not stop the timer. When that runs out, INIT, the host's first process, is killed,
 * and so the host; it ends with its host. Returns when FILE, which is there, is the device. LOG
 * gets a line for what happened, with the time (CLOCK_REALTIME, ms): armed SECONDS, closed,
 * disarmed, expired.
 *
 * As the kernel does: open, WDIOC_SETTIMEOUT and a close without 'V' feed it; one opens it at a
 * time.
 */
#define _GNU_SOURCE
#define FUSE_USE_VERSION 35
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <inttypes.h>
#include <linux/watchdog.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { TIMEOUT_MAX = 3600 };

static int log_fd, init_fd;
static int timeout = 60; /* seconds */
static bool armed, open_now, magic;
static int64_t deadline; /* ms; while it is armed */

static void die(const char *what) {
        fprintf(stderr, "wdfuse: %s: %s\n", what, strerror(errno));
        exit(1);
}

static int64_t msec(clockid_t clock) {
        struct timespec t;

        clock_gettime(clock, &t);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void tell(const char *what) {
        dprintf(log_fd, "%" PRId64 " %s\n", msec(CLOCK_REALTIME), what);
}

static void feed(void) {
        deadline = msec(CLOCK_MONOTONIC) + (int64_t)timeout * 1000;
}

static void tell_armed(void) {
        char what[32];

        snprintf(what, sizeof(what), "armed %d", timeout);
        tell(what);
}

static void on_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
        struct stat st = {.st_ino = ino, .st_mode = S_IFREG | 0600, .st_nlink = 1};

        (void)fi;
        fuse_reply_attr(req, &st, 1.0);
}

static void on_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
        (void)ino;
        if (open_now) {
                fuse_reply_err(req, EBUSY);
                return;
        }
        open_now = armed = true;
        magic = false;
        feed();
        tell_armed();
        fi->direct_io = 1;
        fi->nonseekable = 1;
        fuse_reply_open(req, fi);
}

static void on_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
                     struct fuse_file_info *fi) {
        (void)ino;
        (void)off;
        (void)fi;
        magic = memchr(buf, 'V', size) != NULL;
        feed();
        fuse_reply_write(req, size);
}

/* Of the last descriptor. */
static void on_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
        (void)ino;
        (void)fi;
        open_now = false;
        if (magic)
                armed = false;
        else
                feed();
        tell(magic ? "disarmed" : "closed");
        fuse_reply_err(req, 0);
}

static void reply_int(fuse_req_t req, int value) {
        fuse_reply_ioctl(req, 0, &value, sizeof(value));
}

static void set_timeout(fuse_req_t req, const void *in, size_t in_size) {
        int seconds = 0;

        if (in_size >= sizeof(seconds))
                memcpy(&seconds, in, sizeof(seconds));
        if (seconds < 1 || seconds > TIMEOUT_MAX) {
                fuse_reply_err(req, EINVAL);
                return;
        }
        timeout = seconds;
        feed();
        tell_armed();
        reply_int(req, timeout);
}

/* WDIOC_SETOPTIONS has its value going the wrong way (_IOR), so that a file never gets to see it:
 * not supported, as by some drivers. */
static void on_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned cmd, void *arg,
                     struct fuse_file_info *fi, unsigned flags, const void *in, size_t in_size,
                     size_t out_size) {
        const struct watchdog_info info = {.options = WDIOF_SETTIMEOUT | WDIOF_KEEPALIVEPING |
                                                      WDIOF_MAGICCLOSE,
                                           .identity = "lab"};

        (void)ino;
        (void)arg;
        (void)fi;
        (void)flags;
        (void)out_size;
        switch (cmd) {
        case (unsigned)WDIOC_GETSUPPORT:
                fuse_reply_ioctl(req, 0, &info, sizeof(info));
                return;
        case (unsigned)WDIOC_KEEPALIVE:
                feed();
                reply_int(req, 0);
                return;
        case (unsigned)WDIOC_SETTIMEOUT:
                set_timeout(req, in, in_size);
                return;
        case (unsigned)WDIOC_GETTIMEOUT:
                reply_int(req, timeout);
                return;
        default:
                fuse_reply_err(req, ENOTTY);
        }
}

static const struct fuse_lowlevel_ops operations = {
        .getattr = on_getattr,
        .open = on_open,
        .write = on_write,
        .release = on_release,
        .ioctl = on_ioctl,
};

static void run_out(void) {
        armed = false;
        tell("expired"); /* before: so that nothing that comes of it is earlier in the log */
        (void)syscall(SYS_pidfd_send_signal, init_fd, SIGKILL, NULL, 0); /* ESRCH: it is dead */
}

/* Until the host is gone, with all of its processes: only then is its init's descriptor readable.
 */
static void serve(struct fuse_session *session) {
        struct pollfd fds[2] = {{.fd = fuse_session_fd(session), .events = POLLIN},
                                {.fd = init_fd, .events = POLLIN}};
        struct fuse_buf buf = {0};

        while (!fuse_session_exited(session) && !fds[1].revents) {
                int64_t left = armed ? deadline - msec(CLOCK_MONOTONIC) : 60000;

                if (armed && left <= 0) {
                        run_out();
                        continue;
                }
                if (poll(fds, 2, (int)left) <= 0 || !fds[0].revents)
                        continue;
                if (fuse_session_receive_buf(session, &buf) > 0)
                        fuse_session_process_buf(session, &buf);
        }
        free(buf.mem);
}

static void enter_mounts(const char *pid) {
        char path[64];
        int fd;

        snprintf(path, sizeof(path), "/proc/%.20s/ns/mnt", pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || setns(fd, CLONE_NEWNS) < 0)
                die(path);
        close(fd);
}

int main(int argc, char **argv) {
        char name[] = "wdfuse";
        char *words[] = {name, NULL};
        struct fuse_args args = FUSE_ARGS_INIT(1, words);
        struct fuse_session *session;

        if (argc != 4) {
                fprintf(stderr, "usage: wdfuse INIT FILE LOG\n");
                return 2;
        }
        log_fd = open(argv[3], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
        if (log_fd < 0)
                die(argv[3]);
        init_fd = (int)syscall(SYS_pidfd_open, atoi(argv[1]), 0);
        if (init_fd < 0)
                die(argv[1]);
        enter_mounts(argv[1]);
        session = fuse_session_new(&args, &operations, sizeof(operations), NULL);
        if (session == NULL || fuse_session_mount(session, argv[2]) != 0 || fuse_daemonize(0) != 0)
                die(argv[2]);
        /* A busy machine must not make it late; where that is not allowed, it may be. */
        (void)sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1});
        serve(session);
        return 0;
}
