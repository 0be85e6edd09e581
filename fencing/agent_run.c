/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fencing/agent_run.h"
#include "fencing/agent_cage.h"
#include "fencing/guard.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { IN, OUT, ERR, N_PIPES };

/* Our ends of the pipes, the child, and what it said. */
struct child {
        pid_t pid;
        int pidfd;
        int pipes[N_PIPES];
        const char *input;
        char *text[N_PIPES];
        size_t len[N_PIPES];
};

static void close_fd(int *fd) {
        if (*fd >= 0)
                (void)close(*fd);
        *fd = -1;
}

static int start(struct child *c, const char *path, usec_t until, void (*on_group)(pid_t),
                 struct fence_error *err) {
        int theirs[N_PIPES] = {-1, -1, -1};
        int r = 0;

        for (int i = 0; i < N_PIPES && r == 0; i++) {
                int fds[2];

                if (pipe2(fds, O_CLOEXEC) < 0) {
                        r = fence_fail(err, FENCE_AGENT_FAILED, "pipe: %s", strerror(errno));
                        break;
                }
                c->pipes[i] = i == IN ? fds[1] : fds[0];
                theirs[i] = i == IN ? fds[0] : fds[1];
                (void)fcntl(c->pipes[i], F_SETFL, O_NONBLOCK); /* poll says when */
        }
        if (r == 0) {
                c->pid = cage_start(path, theirs, until);
                if (c->pid < 0)
                        r = fence_fail(err, FENCE_AGENT_FAILED, "fork: %s", strerror(-c->pid));
        }
        for (int i = 0; i < N_PIPES; i++)
                close_fd(&theirs[i]);
        if (r != 0)
                return r;
        on_group(c->pid);
        c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
        if (c->pidfd < 0)
                return fence_fail(err, FENCE_AGENT_FAILED, "pidfd_open: %s", strerror(errno));
        return 0;
}

static void feed(struct child *c) {
        size_t left = strlen(c->input);
        ssize_t n = left > 0 ? write(c->pipes[IN], c->input, left) : 0;

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n < 0 || (size_t)n == left) /* an agent that does not read says why on its stderr */
                close_fd(&c->pipes[IN]);
        else
                c->input += n;
}

static void drain(struct child *c, int i) {
        char buf[64 * 1024];
        ssize_t n = read(c->pipes[i], buf, sizeof(buf));

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n <= 0) {
                close_fd(&c->pipes[i]);
                return;
        }
        n = (ssize_t)MIN((size_t)n, AGENT_OUT_MAX - c->len[i]); /* more than that is no agent */
        c->text[i] = xreallocarray(c->text[i], 1, c->len[i] + (size_t)n + 1);
        memcpy(c->text[i] + c->len[i], buf, (size_t)n);
        c->len[i] += (size_t)n;
        c->text[i][c->len[i]] = '\0';
}

static int too_late(const char *path, struct fence_error *err) {
        return fence_fail(err, FENCE_TIMEOUT, "%.100s did not end in time", path);
}

/* Move data until the agent ends. Return: 0 or FENCE_TIMEOUT. */
static int converse(struct child *c, const char *path, usec_t until, struct fence_error *err) {
        for (;;) {
                struct pollfd fds[N_PIPES + 1];
                usec_t left = usec_sub(until, guard_now());
                int n;

                for (int i = 0; i < N_PIPES; i++)
                        fds[i] = (struct pollfd){.fd = c->pipes[i],
                                                 .events = i == IN ? POLLOUT : POLLIN};
                fds[N_PIPES] = (struct pollfd){.fd = c->pidfd, .events = POLLIN};
                if (left == 0)
                        return too_late(path, err);
                n = poll(fds, N_PIPES + 1, (int)MIN(left / USEC_PER_MSEC + 1, (usec_t)60000));
                if (n < 0 && errno != EINTR)
                        return fence_fail(err, FENCE_TIMEOUT, "poll: %s", strerror(errno));
                if (n <= 0)
                        continue;
                if (fds[IN].revents)
                        feed(c);
                for (int i = OUT; i < N_PIPES; i++) {
                        if (fds[i].revents)
                                drain(c, i);
                }
                if (fds[N_PIPES].revents && !(fds[OUT].revents & POLLIN) &&
                    !(fds[ERR].revents & POLLIN))
                        return 0; /* ended, and all it said was read */
        }
}

/* An agent may have repeated its password. */
static void text_free(char *text) {
        if (text)
                explicit_bzero(text, strlen(text));
        free(text);
}

int agent_run(const char *path, const char *input, usec_t until, void (*on_group)(pid_t),
              struct agent_run *ret, struct fence_error *err) {
        struct child c = {.pid = -1, .pidfd = -1, .pipes = {-1, -1, -1}, .input = input};
        int status = 0, r;

        (void)signal(SIGPIPE, SIG_IGN); /* an agent may end before it reads */
        r = start(&c, path, until, on_group, err);
        if (r == 0)
                r = converse(&c, path, until, err);
        if (c.pid > 0) {
                (void)kill(-c.pid, SIGKILL); /* it, or what it left behind; none is fine */
                on_group(0);                 /* before its number can be used again */
                while (waitpid(c.pid, &status, 0) < 0 && errno == EINTR)
                        ;
        }
        for (int i = 0; i < N_PIPES; i++)
                close_fd(&c.pipes[i]);
        close_fd(&c.pidfd);
        if (r == 0 && WIFSIGNALED(status) && guard_now() >= until) /* the keeper was quicker */
                r = too_late(path, err);
        if (r == 0)
                *ret = (struct agent_run){.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                                          .out = c.text[OUT] ? TAKE_PTR(c.text[OUT]) : xstrdup(""),
                                          .err = c.text[ERR] ? TAKE_PTR(c.text[ERR]) : xstrdup("")};
        text_free(c.text[OUT]);
        text_free(c.text[ERR]);
        return r;
}

void agent_run_clear(struct agent_run *r) {
        text_free(r->out);
        text_free(r->err);
        *r = (struct agent_run){0};
}
