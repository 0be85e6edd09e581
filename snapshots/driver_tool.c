/* SPDX-License-Identifier: GPL-3.0-or-later */
/* qemu-img as a child with a time limit, that ends with the thread that waits for it. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "snapshots/driver.h"

#define OUT_MAX ((size_t)256 * 1024)
#define ARGS_MAX 24
#define LOOK_MSEC 200

int disk_step(const struct disk_driver *d, const char *step, char *err) {
        if (now_boottime() >= d->deadline) {
                text_fmt(err, TEXT_LEN, "no time is left before: %s", step);
                return -ETIMEDOUT;
        }
        if (d->go_on && !d->go_on(d->userdata, step)) {
                text_fmt(err, TEXT_LEN, "no longer wanted, ended before: %s", step);
                return -ECANCELED;
        }
        return 0;
}

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
        text_fmt(path_is, sizeof(path_is), "PATH=%s", path ? path : "/usr/bin:/bin");
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

#define SAID_LEN 150

/* The last line says what was wrong, and its end why: paths before it may be long. */
static void last_line(char *text, char *err, const char *what) {
        size_t len;
        char *nl;

        while ((nl = strrchr(text, '\n')) && nl[1] == '\0')
                *nl = '\0';
        nl = strrchr(text, '\n');
        text = nl ? nl + 1 : text;
        if (strncmp(text, "qemu-img: ", strlen("qemu-img: ")) == 0)
                text += strlen("qemu-img: ");
        len = strlen(text);
        text_fmt(err, TEXT_LEN, "qemu-img %s: %s%s", what, len > SAID_LEN ? "..." : "",
                 len > SAID_LEN ? text + len - SAID_LEN : text);
}

static int follow(const struct disk_driver *d, pid_t pid, struct stream *out, struct stream *said) {
        int status, r = 0;

        while (r == 0 && (out->fd >= 0 || said->fd >= 0)) {
                struct pollfd fds[] = {{.fd = out->fd, .events = POLLIN},
                                       {.fd = said->fd, .events = POLLIN}};

                (void)poll(fds, 2, LOOK_MSEC);
                if (out->fd >= 0 && fds[0].revents)
                        read_some(out);
                if (said->fd >= 0 && fds[1].revents)
                        read_some(said);
                if (now_boottime() >= d->deadline)
                        r = -ETIMEDOUT;
                else if (d->go_on && !d->go_on(d->userdata, "qemu-img"))
                        r = -ECANCELED;
        }
        if (r < 0)
                (void)kill(pid, SIGKILL);
        if (out->fd >= 0)
                (void)close(out->fd);
        if (said->fd >= 0)
                (void)close(said->fd);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        if (r == 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
                r = -EIO;
        return r;
}

int disk_tool(const struct disk_driver *d, const char *const *args, char **ret_out, char *err) {
        const char *argv[ARGS_MAX] = {d->qemu_img ? d->qemu_img : "qemu-img"};
        _cleanup_(freep) char *buf = xcalloc(OUT_MAX + 1, 1);
        char text[4096] = "";
        int out_fds[2], said_fds[2], r;
        struct stream out = {.buf = buf, .max = OUT_MAX};
        struct stream said = {.buf = text, .max = sizeof(text) - 1};
        pid_t pid;

        for (size_t i = 0; args[i]; i++) {
                assert(i + 2 < ARGS_MAX);
                argv[i + 1] = args[i];
        }
        pid = spawn(argv, out_fds, said_fds);
        if (pid < 0) {
                r = -errno;
                text_fmt(err, TEXT_LEN, "qemu-img cannot be started: %s", strerror(-r));
                return r;
        }
        out.fd = out_fds[0];
        said.fd = said_fds[0];
        r = follow(d, pid, &out, &said);
        if (r == -EIO)
                last_line(text, err, args[0]);
        else if (r < 0)
                text_fmt(err, TEXT_LEN, "qemu-img %s: %s", args[0],
                         r == -ETIMEDOUT ? "not done in time" : "no longer wanted");
        else if (ret_out)
                *ret_out = TAKE_PTR(buf);
        return r;
}
