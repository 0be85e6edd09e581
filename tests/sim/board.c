/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/board.h"

#define TRACE_LINES 60
#define RUN_SECONDS 60

struct board *board;

bool board_open(void) {
        board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                     0);
        if (board != MAP_FAILED)
                return true;
        perror("mmap");
        return false;
}

void board_done(const struct outcome *o) {
        const uint64_t *from = (const uint64_t *)&o->stats;
        uint64_t *to = (uint64_t *)&board->stats;

        _Static_assert(sizeof(struct sim_stats) % sizeof(uint64_t) == 0, "only counters");
        for (size_t i = 0; i < sizeof(struct sim_stats) / sizeof(uint64_t); i++)
                __atomic_fetch_add(&to[i], from[i], __ATOMIC_RELAXED);
        __atomic_fetch_add(&board->virtual_usec, o->virtual_usec, __ATOMIC_RELAXED);
        __atomic_fetch_add(&board->settled_sum, o->settled, __ATOMIC_RELAXED);
        if (o->settled > board->settled_max)
                board->settled_max = o->settled; /* a lost update is good enough here */
        __atomic_fetch_add(&board->done, 1, __ATOMIC_RELAXED);
}

void board_add(uint64_t number, const struct outcome *o) {
        uint64_t i = __atomic_fetch_add(&board->n_failures, 1, __ATOMIC_RELAXED);

        if (i < FAILURES_MAX) {
                board->failures[i].number = number;
                board->failures[i].o = *o;
        }
}

void board_clear(void) {
        memset(board, 0, sizeof(*board));
}

/* ---- many ---- */

static pid_t spawn(size_t me, void (*one)(uint64_t, struct outcome *)) {
        struct outcome o;
        pid_t pid;

        (void)fflush(NULL);
        pid = fork();
        if (pid != 0)
                return pid;
        for (;;) {
                uint64_t n = __atomic_fetch_add(&board->next, 1, __ATOMIC_RELAXED);

                if (n > board->last)
                        exit(0); /* so that sanitizers look for leaks */
                board->at[me] = n;
                (void)alarm(RUN_SECONDS);
                one(n, &o);
                board_done(&o);
                if (o.failed)
                        board_add(n, &o);
        }
}

void board_died(int status, struct outcome *o) {
        memset(o, 0, sizeof(*o));
        o->failed = true;
        text_set(o->promise, sizeof(o->promise), "crash");
        if (WIFSIGNALED(status))
                text_fmt(o->text, sizeof(o->text), "the run died of signal %d (%s)%s",
                         WTERMSIG(status), strsignal(WTERMSIG(status)),
                         WTERMSIG(status) == SIGALRM ? ": it does not end" : "");
        else
                text_fmt(o->text, sizeof(o->text), "the run exited with %d", WEXITSTATUS(status));
}

void board_run(uint64_t first, uint64_t last, size_t jobs,
               void (*one)(uint64_t, struct outcome *)) {
        pid_t pids[64];
        size_t alive = 0;

        board->next = first;
        board->last = last;
        for (size_t i = 0; i < jobs; i++, alive++)
                pids[i] = spawn(i, one);
        while (alive > 0) {
                int status;
                pid_t pid = wait(&status);
                size_t i = 0;
                struct outcome o;

                if (pid < 0)
                        break;
                while (i < jobs && pids[i] != pid)
                        i++;
                if (i == jobs)
                        continue;
                alive--;
                if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                        continue;
                board_died(status, &o);
                board_add(board->at[i], &o);
                __atomic_fetch_add(&board->done, 1, __ATOMIC_RELAXED);
                if (WIFSIGNALED(status) && board->next <= board->last) {
                        pids[i] = spawn(i, one);
                        alive++;
                }
        }
}

/* ---- one ---- */

static char ring[TRACE_LINES][1200];
static size_t ring_n;

static void put_line(struct sim *s, const struct sim_host *h, const char *text, char *buf,
                     size_t size) {
        int64_t us = (int64_t)s->now - (int64_t)s->zero;

        text_fmt(buf, size, "[%4" PRId64 ".%06" PRId64 "] %-6s %s", us / 1000000,
                 us < 0 ? -us % 1000000 : us % 1000000, h ? h->name : "-", text);
}

static void keep_line(struct sim *s, const struct sim_host *h, const char *text) {
        put_line(s, h, text, ring[ring_n++ % TRACE_LINES], sizeof(ring[0]));
}

void trace_line(struct sim *s, const struct sim_host *h, const char *text) {
        char line[1200];

        put_line(s, h, text, line, sizeof(line));
        (void)puts(line);
}

static void print_ring(void) {
        for (size_t i = ring_n > TRACE_LINES ? ring_n - TRACE_LINES : 0; i < ring_n; i++)
                (void)puts(ring[i % TRACE_LINES]);
        (void)fflush(stdout);
}

static void on_abort(int sig) {
        print_ring(); /* not safe in a handler, but the process is lost anyway and this helps */
        (void)signal(sig, SIG_DFL);
        (void)raise(sig);
}

void board_try(const struct plan *p, bool trace, struct outcome *ret) {
        int status = 0;
        pid_t pid;

        (void)fflush(NULL);
        pid = fork();
        if (pid == 0) {
                (void)alarm(RUN_SECONDS);
                if (trace)
                        (void)signal(SIGABRT, on_abort);
                else if (!freopen("/dev/null", "w", stderr))
                        _exit(1);
                plan_run(p, trace ? keep_line : NULL, &board->single);
                if (trace)
                        print_ring();
                _exit(0);
        }
        if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0)
                *ret = board->single;
        else
                board_died(status, ret);
}
