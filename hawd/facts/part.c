/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/facts/part.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hawd/base/clock.h"

#define PARTS_MAX 8
#define ANSWER_MAX ((size_t)128 << 20) /* domain XML of all guests at the worst */

/** struct run - one part that runs; fd -1: at its end */
struct run {
        const struct part *part;
        pid_t pid;
        int fd;
        usec_t deadline;
        char *at; /* shared with the child */
        char *buf;
        size_t len, cap;
        bool late;
};

static char *place; /* in a part: where it is */

void part_at(const char *fmt, ...) {
        va_list ap;

        if (!place)
                return;
        va_start(ap, fmt);
        (void)vsnprintf(place, FACTS_WORD_MAX, fmt, ap); /* cut when too long */
        va_end(ap);
}

static void write_all(int fd, const char *s, size_t len) {
        while (len > 0) {
                ssize_t n = write(fd, s, len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return; /* nobody reads any more */
                s += n;
                len -= (size_t)n;
        }
}

static void look(const struct run *r, int fd, pid_t parent) {
        json_t *answer;
        char *text;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(1);
        place = r->at;
        answer = r->part->look(r->part->arg);
        text = json_dumps(answer, JSON_COMPACT);
        if (text)
                write_all(fd, text, strlen(text));
        _exit(0); /* what the libraries registered for an exit is none of our business */
}

/* Return: 0 or -errno. */
static int start(struct run *r) {
        pid_t parent = getpid();
        int fds[2];

        r->fd = -1;
        r->at = mmap(NULL, FACTS_WORD_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                     0);
        if (r->at == MAP_FAILED)
                r->at = NULL; /* then nobody hears where it hangs */
        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        r->pid = fork();
        if (r->pid == 0) {
                close(fds[0]);
                look(r, fds[1], parent);
        }
        close(fds[1]);
        if (r->pid < 0) {
                close(fds[0]);
                return -EAGAIN;
        }
        r->fd = fds[0];
        (void)fcntl(r->fd, F_SETFL, O_NONBLOCK);
        return 0;
}

static void stop_reading(struct run *r) {
        close(r->fd);
        r->fd = -1;
}

static void take(struct run *r) {
        ssize_t n;

        if (r->cap - r->len < 4096) {
                r->cap = MAX((size_t)16384, 2 * r->cap);
                r->buf = xreallocarray(r->buf, r->cap, 1);
        }
        n = read(r->fd, r->buf + r->len, r->cap - r->len);
        if (n > 0)
                r->len += (size_t)n;
        else if (n == 0 || (errno != EAGAIN && errno != EINTR))
                stop_reading(r);
        if (r->len > ANSWER_MAX)
                stop_reading(r);
}

static void give_up(struct run *r) {
        r->late = true;
        (void)kill(r->pid, SIGKILL);
        stop_reading(r);
}

/* Waits for one more piece of any part. Return: whether any is still read. */
static bool wait_piece(struct run *runs, size_t n) {
        struct pollfd fds[PARTS_MAX];
        usec_t now = now_boottime(), next = USEC_INFINITY;
        size_t open = 0;

        for (size_t i = 0; i < n; i++) {
                if (runs[i].fd >= 0 && runs[i].deadline <= now)
                        give_up(&runs[i]);
                fds[i] = (struct pollfd){.fd = runs[i].fd, .events = POLLIN};
                if (runs[i].fd < 0)
                        continue;
                next = MIN(next, runs[i].deadline);
                open++;
        }
        if (open == 0)
                return false;
        if (poll(fds, n, (int)((next - now) / USEC_PER_MSEC + 1)) <= 0)
                return true;
        for (size_t i = 0; i < n; i++)
                if (runs[i].fd >= 0 && fds[i].revents)
                        take(&runs[i]);
        return true;
}

static json_t *result(struct run *r) {
        double sec = (double)r->part->limit_usec / (double)USEC_PER_SEC;
        int status = 0;
        json_t *j;

        if (r->late) /* not waited for: it may be stuck in the kernel */
                return trouble("no answer within %.0f s%s%.100s", sec,
                               r->at && r->at[0] ? ": " : "", r->at ? r->at : "");
        j = json_loadb(r->buf ? r->buf : "", r->len, 0, NULL);
        while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
                ;
        if (json_is_object(j))
                return j;
        json_decref(j);
        if (WIFSIGNALED(status))
                return trouble("looking at it crashed (signal %d)%s%.100s", WTERMSIG(status),
                               r->at && r->at[0] ? ": " : "", r->at ? r->at : "");
        return trouble("looking at it ended without an answer");
}

void parts_run(const struct part *parts, size_t n, json_t *into) {
        struct run runs[PARTS_MAX] = {0};
        int started[PARTS_MAX];

        assert(n <= PARTS_MAX);
        for (size_t i = 0; i < n; i++) {
                runs[i].part = &parts[i];
                runs[i].deadline = usec_add(now_boottime(), parts[i].limit_usec);
                started[i] = start(&runs[i]);
        }
        while (wait_piece(runs, n))
                ;
        for (size_t i = 0; i < n; i++) {
                json_object_set_new(
                        into, parts[i].name,
                        started[i] < 0 ? trouble("no process for it: %s", strerror(-started[i]))
                                       : result(&runs[i]));
                free(runs[i].buf);
                if (runs[i].at)
                        (void)munmap(runs[i].at, FACTS_WORD_MAX);
        }
}
