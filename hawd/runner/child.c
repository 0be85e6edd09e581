/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hawd/runner/child.h"

struct child {
        qb_loop_t *loop;
        struct child_spec spec;
        pid_t pid; /* 0: could not be started */
        int pidfd;
        int out;    /* -1: at its end */
        bool ended; /* reaped: its pid may be another's by now */
        bool cancelled;
        enum child_end end;
        int status;
        qb_loop_timer_handle timer;
        size_t len;
        char buf[];
};

static void close_output(struct child *c) {
        if (c->out < 0)
                return;
        (void)qb_loop_poll_del(c->loop, c->out);
        close(c->out);
        c->out = -1;
}

struct child *child_free(struct child *c) {
        if (!c)
                return NULL;
        if (c->pid > 0 && !c->ended) {
                (void)kill(c->pid, SIGKILL);
                (void)waitpid(c->pid, NULL, 0);
        }
        if (c->timer)
                (void)qb_loop_timer_del(c->loop, c->timer); /* gone already: no matter */
        close_output(c);
        if (c->pidfd >= 0) {
                if (!c->ended)
                        (void)qb_loop_poll_del(c->loop, c->pidfd);
                close(c->pidfd);
        }
        free(c);
        return NULL;
}

static void tell(struct child *c) {
        child_end_fn end = c->spec.end;

        c->buf[c->len] = '\0';
        end(c->spec.userdata, c->end, c->status, c->buf, c->len); /* which frees it */
}

/* Return: whether there may be more. */
static bool take_output(struct child *c) {
        ssize_t n = read(c->out, c->buf + c->len, c->spec.output_max - c->len);

        if (n > 0) {
                c->len += (size_t)n;
                if (c->len < c->spec.output_max)
                        return true;
                if (c->end == CHILD_ENDED)
                        c->end = CHILD_TOO_MUCH;
        } else if (n < 0 && errno == EINTR) {
                return true;
        } else if (n < 0 && errno == EAGAIN) {
                return false;
        }
        close_output(c);
        return false;
}

static int32_t on_output(int32_t fd, int32_t revents, void *data) {
        (void)fd;
        (void)revents;
        (void)take_output(data);
        return 0;
}

/* Its end counts, not that of its output, which something that it left behind may hold. */
static int32_t on_end(int32_t fd, int32_t revents, void *data) {
        struct child *c = data;
        siginfo_t info = {0};

        (void)revents;
        if (waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0)
                return 0;
        c->ended = true;
        c->status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
        (void)qb_loop_poll_del(c->loop, fd);
        while (c->out >= 0 && take_output(c))
                ;
        close_output(c);
        tell(c);
        return 0;
}

static void on_time(void *data) {
        struct child *c = data;

        c->timer = 0;
        if (c->pid == 0) {
                tell(c);
                return;
        }
        c->end = CHILD_TOO_LONG;
        (void)kill(c->pid, SIGKILL); /* not reaped yet, so the pid is its own */
}

static void ordinary(void) {
        int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

        /* Best effort: hawd's own score is so low that it would be spared. */
        if (fd >= 0)
                (void)!write(fd, "0", 1);
}

static void child_exec(const struct child_spec *spec, int out, pid_t parent) {
        sigset_t none;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(1);
        sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)signal(SIGPIPE, SIG_DFL);
        if (spec->ordinary)
                ordinary();
        if (dup2(out, STDOUT_FILENO) < 0)
                _exit(1);
        execv(spec->argv[0], (char *const *)(uintptr_t)spec->argv);
        _exit(127);
}

/* Return: 0, or -errno with nothing left behind. */
static int start(struct child *c) {
        pid_t parent = getpid();
        int fds[2], r;

        if (access(c->spec.argv[0], X_OK) < 0 || pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        c->pid = fork();
        if (c->pid == 0)
                child_exec(&c->spec, fds[1], parent);
        r = -errno;
        close(fds[1]);
        if (c->pid > 0) {
                c->pidfd = pidfd_open(c->pid, 0);
                r = -errno;
        }
        if (c->pid < 0 || c->pidfd < 0) {
                if (c->pid > 0) {
                        (void)kill(c->pid, SIGKILL);
                        (void)waitpid(c->pid, NULL, 0);
                }
                c->pid = 0;
                close(fds[0]);
                return r;
        }
        c->out = fds[0];
        (void)fcntl(c->out, F_SETFL, O_NONBLOCK); /* not the child's end */
        (void)qb_loop_poll_add(c->loop, QB_LOOP_HIGH, c->out, POLLIN, c, on_output);
        (void)qb_loop_poll_add(c->loop, QB_LOOP_HIGH, c->pidfd, POLLIN, c, on_end);
        return 0;
}

static void arm(struct child *c, usec_t t) {
        if (c->timer)
                (void)qb_loop_timer_del(c->loop, c->timer);
        c->timer = 0;
        (void)qb_loop_timer_add(c->loop, QB_LOOP_HIGH, t * 1000, c, on_time, &c->timer);
}

struct child *child_new(qb_loop_t *loop, const struct child_spec *spec) {
        struct child *c = xcalloc(1, sizeof(*c) + spec->output_max + 1);

        c->loop = loop;
        c->spec = *spec;
        c->out = c->pidfd = -1;
        c->end = CHILD_ENDED;
        c->status = start(c);
        if (c->status < 0)
                c->end = CHILD_NOT_STARTED;
        arm(c, c->status < 0 ? 0 : spec->limit_usec);
        c->spec.argv = NULL; /* borrowed for the start only */
        return c;
}

bool child_started(const struct child *c) {
        return c->pid > 0;
}

void child_cancel(struct child *c, usec_t grace_usec) {
        if (c->pid == 0 || c->cancelled)
                return;
        c->cancelled = true;
        if (!c->ended)
                (void)kill(c->pid, SIGTERM);
        arm(c, grace_usec);
}
