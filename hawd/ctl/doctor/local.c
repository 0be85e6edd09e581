/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ctl/doctor/local.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hawd/base/build.h"
#include "hawd/base/program.h"
#include "hawd/core/msg.h"

#define LIMIT_MS 30000

static int64_t now_ms(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

json_t *facts_entry(const char *name, const char *error, const char *text) {
        json_t *facts = text ? json_loads(text, 0, NULL) : NULL;
        const char *why = error ? error : "what it says is no JSON";

        if (json_is_object(facts) && !error)
                return json_pack("{s:s,s:n,s:o}", "name", name, "error", "facts", facts);
        json_decref(facts);
        return json_pack("{s:s,s:s,s:n}", "name", name, "error", why, "facts");
}

/* Return: how much was read until the end, or -errno. */
static ssize_t read_all(int fd, char *buf, size_t size) {
        int64_t deadline = now_ms() + LIMIT_MS;
        size_t len = 0;

        for (;;) {
                struct pollfd p = {.fd = fd, .events = POLLIN};
                int64_t left = deadline - now_ms();
                ssize_t n;

                if (left <= 0)
                        return -ETIMEDOUT;
                if (poll(&p, 1, (int)left) <= 0)
                        continue;
                n = read(fd, buf + len, size - len);
                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n == 0 || len == size)
                        return (ssize_t)len;
                len += n > 0 ? (size_t)n : 0;
        }
}

static void run(const char *program, int out) {
        if (dup2(out, STDOUT_FILENO) >= 0)
                execl(program, program, (char *)NULL);
        _exit(127);
}

/* Return: 0 with the text in @buf, or -1 with @err. */
static int gather(char *buf, size_t size, char err[TEXT_LEN]) {
        char program[PATH_MAX];
        int fds[2], status = 0;
        ssize_t n;
        pid_t pid;

        program_find(program, HAWD_FACTS_PROGRAM);
        if (access(program, X_OK) < 0 || pipe2(fds, O_CLOEXEC) < 0) {
                text_fmt(err, TEXT_LEN, "%.120s cannot be run: %s", program, strerror(errno));
                return -1;
        }
        pid = fork();
        if (pid == 0)
                run(program, fds[1]);
        close(fds[1]);
        n = pid > 0 ? read_all(fds[0], buf, size - 1) : -EAGAIN;
        close(fds[0]);
        if (pid > 0 && n < 0)
                (void)kill(pid, SIGKILL);
        if (pid > 0)
                (void)waitpid(pid, &status, 0);
        if (n < 0) {
                text_fmt(err, TEXT_LEN, "%.120s: %s", program, strerror((int)-n));
                return -1;
        }
        buf[n] = '\0';
        if (status != 0 || n == 0) {
                text_fmt(err, TEXT_LEN, "%.120s ended with status %d", program,
                         WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
                return -1;
        }
        return 0;
}

json_t *local_facts(void) {
        _cleanup_(freep) char *text = xcalloc(FACTS_MAX + 1, 1);
        char name[NAME_LEN] = "this host", err[TEXT_LEN] = "";
        int r;

        (void)gethostname(name, sizeof(name) - 1); /* cut is fine */
        r = gather(text, FACTS_MAX + 1, err);
        return facts_entry(name, r < 0 ? err : NULL, text);
}
