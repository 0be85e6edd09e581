/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "hawd/base/tool.h"

#define LOOK_MSEC 200
#define REAP_LOOK_MSEC 20
#define SAID_LEN 150

struct stream {
        int fd; /* -1: ended */
        char *buf;
        size_t len, max;
};

/* What does not fit is read and forgotten. */
static void read_some(struct stream *s) {
        char waste[4096];
        size_t room = s->max - s->len;
        ssize_t n =
                read(s->fd, room > 0 ? s->buf + s->len : waste, room > 0 ? room : sizeof(waste));

        if (n < 0 && errno == EINTR)
                return;
        if (n <= 0) {
                (void)close(s->fd);
                s->fd = -1;
        } else if (room > 0) {
                s->len += (size_t)n;
        }
}

static pid_t spawn(const char *const *argv, int out[2], int said[2]) {
        const char *path = getenv("PATH");
        char path_is[1024];
        char *const env[] = {path_is, (char[]){"LC_ALL=C"}, NULL}; /* before the fork: threads */
        pid_t parent = getpid(), pid;
        sigset_t none;

        if (pipe2(out, O_CLOEXEC) < 0)
                return -1;
        if (pipe2(said, O_CLOEXEC) < 0) {
                (void)close(out[0]);
                (void)close(out[1]);
                return -1;
        }
        text_fmt(path_is, sizeof(path_is), "PATH=%s",
                 path ? path : "/usr/sbin:/usr/bin:/sbin:/bin");
        (void)sigemptyset(&none);
        pid = fork();
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)sigprocmask(SIG_SETMASK, &none, NULL);
                (void)signal(SIGPIPE, SIG_DFL);
                if (getppid() == parent && dup2(out[1], STDOUT_FILENO) >= 0 &&
                    dup2(said[1], STDERR_FILENO) >= 0)
                        execvpe(argv[0], (char *const *)(uintptr_t)argv, env);
                dprintf(STDERR_FILENO, "%s\n", strerror(errno));
                _exit(127);
        }
        (void)close(out[1]);
        (void)close(said[1]);
        if (pid < 0) {
                (void)close(out[0]);
                (void)close(said[0]);
        }
        return pid;
}

/* The last line says what was wrong, and its end why: paths before it may be long. */
static void last_line(const struct tool *t, char *text, char *err) {
        size_t len = strlen(t->name);
        char *nl;

        for (;;) {
                while ((nl = strrchr(text, '\n')) && nl[1] == '\0')
                        *nl = '\0';
                if (!nl || !t->noise || strncmp(nl + 1, t->noise, strlen(t->noise)) != 0)
                        break;
                *nl = '\0';
        }
        text = nl ? nl + 1 : text;
        if (strncmp(text, t->name, len) == 0 && strncmp(text + len, ": ", 2) == 0)
                text += len + 2;
        len = strlen(text);
        text_fmt(err, TEXT_LEN, "%s %s: %s%s", t->name, t->argv[1] ? t->argv[1] : "",
                 len > SAID_LEN ? "..." : "", len > SAID_LEN ? text + len - SAID_LEN : text);
}

bool tool_reap(pid_t pid, usec_t until, int *ret_status) {
        const struct timespec pause = {.tv_nsec = REAP_LOOK_MSEC * 1000000};
        pid_t r;

        for (;;) {
                do
                        r = waitpid(pid, ret_status, until == USEC_INFINITY ? 0 : WNOHANG);
                while (r < 0 && errno == EINTR);
                if (r != 0)
                        return true;
                if (now_boottime() >= until)
                        return false;
                (void)nanosleep(&pause, NULL);
        }
}

static int follow(const struct tool *t, pid_t pid, struct stream *out, struct stream *said,
                  int *status) {
        int r = 0;

        while (r == 0 && (out->fd >= 0 || said->fd >= 0)) {
                struct pollfd fds[] = {{.fd = out->fd, .events = POLLIN},
                                       {.fd = said->fd, .events = POLLIN}};

                (void)poll(fds, 2, LOOK_MSEC);
                if (out->fd >= 0 && fds[0].revents)
                        read_some(out);
                if (said->fd >= 0 && fds[1].revents)
                        read_some(said);
                if (now_boottime() >= t->deadline)
                        r = -ETIMEDOUT;
                else if (t->go_on && !t->go_on(t->userdata))
                        r = -ECANCELED;
        }
        if (r < 0)
                (void)kill(pid, SIGKILL);
        if (out->fd >= 0)
                (void)close(out->fd);
        if (said->fd >= 0)
                (void)close(said->fd);
        if (!tool_reap(pid, r < 0 ? usec_add(now_boottime(), TOOL_KILLED_USEC) : USEC_INFINITY,
                       status))
                return r;
        if (r == 0 && !(WIFEXITED(*status) && WEXITSTATUS(*status) == 0))
                r = -EIO;
        *status = WIFEXITED(*status) ? WEXITSTATUS(*status) : 128 + WTERMSIG(*status);
        return r;
}

int tool_run(const struct tool *t, int *ret_status, char **ret_out, char *err) {
        _cleanup_(freep) char *buf = xcalloc(TOOL_OUTPUT_MAX + 1, 1);
        char text[4096] = "";
        int out_fds[2], said_fds[2], status = 0, r;
        struct stream out = {.buf = buf, .max = TOOL_OUTPUT_MAX};
        struct stream said = {.buf = text, .max = sizeof(text) - 1};
        pid_t pid;

        pid = spawn(t->argv, out_fds, said_fds);
        if (pid < 0) {
                r = -errno;
                text_fmt(err, TEXT_LEN, "%s cannot be started: %s", t->name, strerror(-r));
                return r;
        }
        out.fd = out_fds[0];
        said.fd = said_fds[0];
        r = follow(t, pid, &out, &said, &status);
        if (ret_status && (r == 0 || r == -EIO))
                *ret_status = status;
        if (r == -EIO)
                last_line(t, text, err);
        else if (r < 0)
                text_fmt(err, TEXT_LEN, "%s %s: %s", t->name, t->argv[1] ? t->argv[1] : "",
                         r == -ETIMEDOUT ? "not done in time" : "no longer wanted");
        else if (ret_out)
                *ret_out = TAKE_PTR(buf);
        return r;
}
