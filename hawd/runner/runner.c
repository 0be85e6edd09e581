/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "hawd/runner/runner.h"

struct child {
        struct child *next;
        struct runner *runner;
        uint64_t id;
        enum fence_action action;
        char device[NAME_LEN];
        pid_t pid; /* 0: could not be started */
        int pidfd;
        int out;    /* -1: at its end */
        bool ended; /* reaped */
        bool killed;
        qb_loop_timer_handle timer;
        size_t len;
        char buf[RUNNER_OUTPUT_MAX];
        char error[TEXT_LEN];
};

struct runner {
        qb_loop_t *loop;
        const struct runner_paths *paths;
        runner_done_fn done;
        void *userdata;
        struct child *children;
};

static const char *const action_names[] = {
        [FENCE_ACT_STATUS] = "status",
        [FENCE_ACT_OFF] = "off",
        [FENCE_ACT_ON] = "on",
};

struct runner *runner_new(qb_loop_t *loop, const struct runner_paths *paths, runner_done_fn done,
                          void *userdata) {
        struct runner *r = xcalloc(1, sizeof(*r));

        *r = (struct runner){.loop = loop, .paths = paths, .done = done, .userdata = userdata};
        return r;
}

static void child_free(struct child *c) {
        struct runner *r = c->runner;

        for (struct child **p = &r->children; *p; p = &(*p)->next)
                if (*p == c) {
                        *p = c->next;
                        break;
                }
        if (c->timer)
                (void)qb_loop_timer_del(r->loop, c->timer); /* gone already: no matter */
        if (c->out >= 0) {
                (void)qb_loop_poll_del(r->loop, c->out);
                close(c->out);
        }
        if (c->pidfd >= 0) {
                if (!c->ended)
                        (void)qb_loop_poll_del(r->loop, c->pidfd);
                close(c->pidfd);
        }
        free(c);
}

struct runner *runner_free(struct runner *r) {
        if (!r)
                return NULL;
        while (r->children) {
                if (r->children->pid > 0 && !r->children->ended) {
                        (void)kill(r->children->pid, SIGKILL);
                        (void)waitpid(r->children->pid, NULL, 0);
                }
                child_free(r->children);
        }
        free(r);
        return NULL;
}

static void child_tell(struct child *c) {
        enum power_reading reading = READING_NONE;
        bool switched = false;
        char text[TEXT_LEN];
        struct runner *r = c->runner;
        uint64_t id = c->id;

        if (c->error[0]) {
                text_set(text, sizeof(text), c->error);
                switched = c->action == FENCE_ACT_OFF && c->pid > 0; /* may have been */
        } else {
                c->buf[c->len] = '\0';
                if (runner_parse(c->buf, c->action, &reading, &switched, text) < 0)
                        text_fmt(text, sizeof(text), "hawd-fence ended without an answer");
        }
        child_free(c);
        r->done(r->userdata, id, reading, switched, text, now_wall());
}

static void child_check(struct child *c) {
        if (c->ended && c->out < 0)
                child_tell(c);
}

static int32_t on_output(int32_t fd, int32_t revents, void *data) {
        struct child *c = data;
        ssize_t n = read(fd, c->buf + c->len, sizeof(c->buf) - 1 - c->len);

        (void)revents;
        if (n > 0) {
                c->len += (size_t)n;
                if (c->len < sizeof(c->buf) - 1)
                        return 0;
                text_set(c->error, sizeof(c->error), "hawd-fence says too much");
        } else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
                return 0;
        }
        (void)qb_loop_poll_del(c->runner->loop, fd);
        close(fd);
        c->out = -1;
        child_check(c);
        return 0;
}

static int32_t on_end(int32_t fd, int32_t revents, void *data) {
        struct child *c = data;
        siginfo_t info;

        (void)revents;
        if (waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0)
                return 0;
        c->ended = true;
        (void)qb_loop_poll_del(c->runner->loop, fd);
        child_check(c);
        return 0;
}

static void on_time(void *data) {
        struct child *c = data;

        c->timer = 0;
        if (c->pid == 0) {
                child_tell(c);
                return;
        }
        c->killed = true;
        text_set(c->error, sizeof(c->error), "hawd-fence did not end in time and was killed");
        (void)kill(c->pid, SIGKILL); /* not reaped yet, so the pid is its own */
}

static void child_exec(const struct child *c, const struct runner_paths *paths, int out,
                       const char *timeout, const char *deadline, pid_t parent) {
        const char *argv[] = {paths->program,
                              "--config",
                              paths->config,
                              "--secrets",
                              paths->secrets,
                              "--device",
                              c->device,
                              "--action",
                              action_names[c->action],
                              "--timeout",
                              timeout,
                              "--deadline-boottime-usec",
                              deadline,
                              NULL};
        sigset_t none;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(1);
        sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)signal(SIGPIPE, SIG_DFL);
        if (dup2(out, STDOUT_FILENO) < 0)
                _exit(1);
        execv(paths->program, (char *const *)(uintptr_t)argv);
        _exit(127);
}

/* Return: 0, or -errno with nothing left behind. */
static int child_start(struct child *c, const struct action *act) {
        char timeout[24], deadline[24];
        pid_t parent = getpid();
        int fds[2];

        text_fmt(timeout, sizeof(timeout), "%" PRIu64, act->fence.timeout_usec / USEC_PER_MSEC);
        text_fmt(deadline, sizeof(deadline), "%" PRIu64, act->fence.deadline_usec);
        if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
                return -errno;
        c->pid = fork();
        if (c->pid == 0)
                child_exec(c, c->runner->paths, fds[1], timeout, deadline, parent);
        close(fds[1]);
        if (c->pid < 0) {
                int r = -errno;

                c->pid = 0;
                close(fds[0]);
                return r;
        }
        c->out = fds[0];
        c->pidfd = pidfd_open(c->pid, 0);
        if (c->pidfd < 0) {
                int r = -errno;

                (void)kill(c->pid, SIGKILL);
                (void)waitpid(c->pid, NULL, 0);
                c->pid = 0;
                close(c->out);
                c->out = -1;
                return r;
        }
        (void)qb_loop_poll_add(c->runner->loop, QB_LOOP_HIGH, c->out, POLLIN, c, on_output);
        (void)qb_loop_poll_add(c->runner->loop, QB_LOOP_HIGH, c->pidfd, POLLIN, c, on_end);
        return 0;
}

void runner_start(struct runner *r, const struct action *act) {
        struct child *c = xcalloc(1, sizeof(*c));
        usec_t limit = usec_add(act->fence.timeout_usec, RUNNER_GRACE_USEC);
        int code;

        c->runner = r;
        c->id = act->fence.id;
        c->action = act->fence.action;
        c->out = c->pidfd = -1;
        text_set(c->device, sizeof(c->device), act->fence.device);
        c->next = r->children;
        r->children = c;
        code = access(r->paths->program, X_OK) < 0 ? -errno : child_start(c, act);
        if (code < 0) { /* told from the loop, as every end is */
                text_fmt(c->error, sizeof(c->error), "%.100s cannot be run: %s", r->paths->program,
                         strerror(-code));
                limit = 0;
        }
        (void)qb_loop_timer_add(r->loop, QB_LOOP_HIGH, limit * 1000, c, on_time, &c->timer);
}

void runner_cancel(struct runner *r, uint64_t id) {
        for (struct child *c = r->children; c; c = c->next) {
                if (c->id != id || c->pid == 0 || c->killed)
                        continue;
                c->killed = true;
                if (!c->ended)
                        (void)kill(c->pid, SIGTERM);
                if (c->timer)
                        (void)qb_loop_timer_del(r->loop, c->timer);
                (void)qb_loop_timer_add(r->loop, QB_LOOP_HIGH, RUNNER_GRACE_USEC * 1000, c, on_time,
                                        &c->timer);
        }
}
