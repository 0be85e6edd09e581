/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * simtest: random clusters by the thousand, and the stories of tests/sim/cases.
 *
 *   simtest [--seeds A-B] [--jobs N] [--stories DIR]    all of it; exits 1 if anything failed
 *   simtest --seed N [--keep 0,3,4] [--trace]           one, with only some of its faults
 *
 * Each seed runs in a child, so that an assert of the core or an endless loop is a failure of that
 * seed. A failing one is shrunk: faults are dropped while the same promise is still broken.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/random.h"
#include "tests/sim/stories.h"

#define FAILURES_MAX 64
#define SHOWN_MAX 3 /* failures that are shrunk and traced */
#define TRACE_LINES 60
#define SEED_SECONDS 60

struct failure {
        uint64_t seed;
        struct outcome o;
};

/** struct board - shared by the parent and its workers */
struct board {
        uint64_t next, last;
        uint64_t done;
        uint64_t at[64]; /* seed each worker is at */
        uint64_t n_failures;
        struct failure failures[FAILURES_MAX];
        struct sim_stats stats;
        uint64_t virtual_usec, settled_max, settled_sum;
        struct outcome single; /* of a child that ran one */
};

static struct board *board;

static void add_stats(const struct outcome *o) {
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

static void add_failure(uint64_t seed, const struct outcome *o) {
        uint64_t i = __atomic_fetch_add(&board->n_failures, 1, __ATOMIC_RELAXED);

        if (i < FAILURES_MAX) {
                board->failures[i].seed = seed;
                board->failures[i].o = *o;
        }
}

/* ---- many ---- */

static void work(size_t me) {
        struct plan *p = xcalloc(1, sizeof(*p));
        struct outcome o;

        for (;;) {
                uint64_t seed = __atomic_fetch_add(&board->next, 1, __ATOMIC_RELAXED);

                if (seed > board->last)
                        break;
                board->at[me] = seed;
                (void)alarm(SEED_SECONDS);
                plan_make(seed, p);
                plan_run(p, UINT64_MAX, NULL, &o);
                add_stats(&o);
                if (o.failed)
                        add_failure(seed, &o);
        }
        free(p);
}

static pid_t spawn(size_t me) {
        pid_t pid;

        (void)fflush(NULL);
        pid = fork();
        if (pid == 0) {
                work(me);
                exit(0); /* so that sanitizers look for leaks */
        }
        return pid;
}

static void died(int status, struct outcome *o) {
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

static void run_many(size_t jobs) {
        pid_t pids[64];
        size_t alive = 0;

        for (size_t i = 0; i < jobs; i++, alive++)
                pids[i] = spawn(i);
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
                died(status, &o);
                add_failure(board->at[i], &o);
                __atomic_fetch_add(&board->done, 1, __ATOMIC_RELAXED);
                if (WIFSIGNALED(status) && board->next <= board->last) {
                        pids[i] = spawn(i);
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

static void print_line(struct sim *s, const struct sim_host *h, const char *text) {
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

/* In a child; @trace: print the last lines of it. */
static void try_plan(const struct plan *p, uint64_t keep, bool trace, struct outcome *ret) {
        int status = 0;
        pid_t pid;

        (void)fflush(NULL);
        pid = fork();
        if (pid == 0) {
                (void)alarm(SEED_SECONDS);
                if (trace)
                        (void)signal(SIGABRT, on_abort);
                else if (!freopen("/dev/null", "w", stderr))
                        _exit(1);
                plan_run(p, keep, trace ? keep_line : NULL, &board->single);
                if (trace)
                        print_ring();
                _exit(0);
        }
        if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0)
                *ret = board->single;
        else
                died(status, ret);
}

static uint64_t shrink(const struct plan *p, const char *promise) {
        uint64_t keep = p->n_faults == 64 ? UINT64_MAX : (UINT64_C(1) << p->n_faults) - 1;
        bool smaller = true;

        while (smaller) {
                smaller = false;
                for (size_t i = p->n_faults; i-- > 0;) {
                        struct outcome o;

                        if (!(keep >> i & 1))
                                continue;
                        try_plan(p, keep & ~(UINT64_C(1) << i), false, &o);
                        if (o.failed && strcmp(o.promise, promise) == 0) {
                                keep &= ~(UINT64_C(1) << i);
                                smaller = true;
                        }
                }
        }
        return keep;
}

static void print_plan(const struct plan *p, uint64_t keep) {
        (void)printf("%zu hosts, %zu guests, detect %" PRIu64 " ms, %s second line%s\n",
                     p->conf.n_hosts, p->conf.n_guests, p->conf.detect_usec / 1000,
                     p->conf.second_line ? "with the" : "without a",
                     p->conf.recode ? ", through the wire" : "");
        for (size_t i = 0; i < p->n_faults; i++) {
                char text[256];

                if (!(keep >> i & 1))
                        continue;
                fault_text(&p->conf, &p->faults[i], text, sizeof(text));
                (void)printf("  %2zu  at %8.3f s  %s\n", i, (double)p->faults[i].at / 1e6, text);
        }
}

static void show_failure(const char *self, const struct failure *f, bool deep) {
        struct plan *p = xcalloc(1, sizeof(*p));
        struct outcome o;
        uint64_t keep;

        (void)printf("\nseed %" PRIu64 " breaks %s at %.3f s: %s\n", f->seed, f->o.promise,
                     (double)f->o.at / 1e6, f->o.text);
        if (deep) {
                plan_make(f->seed, p);
                keep = shrink(p, f->o.promise);
                print_plan(p, keep);
                (void)printf("the last lines of the shortest run:\n");
                try_plan(p, keep, true, &o);
                (void)printf("%s: %s\nagain: %s --seed %" PRIu64 " --trace --keep ", o.promise,
                             o.text, self, f->seed);
                for (size_t i = 0, first = 1; i < p->n_faults; i++) {
                        if (!(keep >> i & 1))
                                continue;
                        (void)printf("%s%zu", first ? "" : ",", i);
                        first = 0;
                }
                (void)printf("%s\n", keep ? "" : "none");
        }
        free(p);
}

static int run_one(uint64_t seed, uint64_t keep, bool trace) {
        struct plan *p = xcalloc(1, sizeof(*p));
        struct outcome o;

        plan_make(seed, p);
        print_plan(p, keep);
        (void)setvbuf(stdout, NULL, _IOLBF, 0);
        plan_run(p, keep, trace ? print_line : NULL, &o);
        free(p);
        if (o.failed)
                (void)printf("seed %" PRIu64 " breaks %s at %.3f s: %s\n", seed, o.promise,
                             (double)o.at / 1e6, o.text);
        else
                (void)printf("seed %" PRIu64 " keeps every promise; well %.0f s after the faults\n",
                             seed, (double)o.settled / 1e6);
        return o.failed;
}

/* ---- the sum ---- */

static bool covered(void) {
        const struct sim_stats *st = &board->stats;
        const struct {
                const char *what;
                uint64_t n;
        } counts[] = {{"ring changes", st->views},
                      {"installs", st->installs},
                      {"entries stored", st->entries},
                      {"guest starts", st->starts},
                      {"failed starts", st->failed_starts},
                      {"fenced off", st->fences_off},
                      {"power ons", st->power_ons},
                      {"hawd crashes", st->crashes},
                      {"freezes", st->freezes},
                      {"late starts", st->late_effects},
                      {"settles", st->settles},
                      {"lost writes", st->lost_writes},
                      {"disk errors", st->disk_errors},
                      {"confirms", st->confirms},
                      {"blocked", st->blocked},
                      {"rogues stopped", st->rogues},
                      {"ambushes", st->ambushes},
                      {"stale refused", st->refused}};
        bool all = true;

        (void)printf("%" PRIu64 " seeds, %.1f hours of virtual time, %" PRIu64
                     " events; well after the faults within %.0f s, on average %.0f s\n",
                     board->done, (double)board->virtual_usec / 3.6e9, st->events,
                     (double)board->settled_max / 1e6,
                     (double)board->settled_sum / 1e6 / (double)MAX(1, board->done));
        for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
                (void)printf("%s%s %" PRIu64, i ? ", " : "", counts[i].what, counts[i].n);
                all = all && (counts[i].n > 0 || strcmp(counts[i].what, "stale refused") == 0 ||
                              strcmp(counts[i].what, "rogues stopped") == 0);
        }
        (void)puts("");
        return all;
}

static uint64_t parse_keep(const char *s) {
        uint64_t keep = 0;
        char *end;

        while (*s >= '0' && *s <= '9') {
                keep |= UINT64_C(1) << (strtoul(s, &end, 10) & 63);
                s = *end == ',' ? end + 1 : end;
        }
        return keep;
}

static int run_all(const char *self, const char *stories, uint64_t first, uint64_t last,
                   size_t jobs) {
        size_t failed = 0, passed = stories ? stories_run(stories, &failed) : 0;
        uint64_t n = last - first + 1;

        board->next = first;
        board->last = last;
        run_many(jobs);
        for (uint64_t i = 0; i < MIN(board->n_failures, FAILURES_MAX); i++)
                show_failure(self, &board->failures[i], i < SHOWN_MAX);
        (void)puts("");
        if (!covered() && n >= 1000) {
                (void)puts("something above never happened: the faults do not cover it");
                failed++;
        }
        failed += board->n_failures;
        (void)printf("%" PRIu64 " passed, %zu failed\n", passed + n - board->n_failures, failed);
        return failed > 0;
}

int main(int argc, char **argv) {
        static const struct option options[] = {{"seeds", required_argument, NULL, 'S'},
                                                {"seed", required_argument, NULL, 's'},
                                                {"jobs", required_argument, NULL, 'j'},
                                                {"keep", required_argument, NULL, 'k'},
                                                {"stories", required_argument, NULL, 'c'},
                                                {"trace", no_argument, NULL, 't'},
                                                {NULL, 0, NULL, 0}};
        uint64_t first = 1, last = 2000, seed = 0, keep = UINT64_MAX;
        const char *stories = "tests/sim/cases";
        bool trace = false;
        size_t jobs = 2;
        int o;

        while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
                char *end = NULL;

                if (o == 'S') {
                        first = strtoull(optarg, &end, 10);
                        last = *end == '-' ? strtoull(end + 1, NULL, 10) : first;
                        stories = NULL;
                } else if (o == 's') {
                        seed = strtoull(optarg, NULL, 10);
                } else if (o == 'j') {
                        jobs = MIN(64, MAX(1, strtoul(optarg, NULL, 10)));
                } else if (o == 'k') {
                        keep = parse_keep(optarg);
                } else if (o == 'c') {
                        stories = optarg;
                        first = 1;
                        last = 0;
                } else if (o == 't') {
                        trace = true;
                } else {
                        return 2;
                }
        }
        board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                     0);
        if (board == MAP_FAILED) {
                perror("mmap");
                return 2;
        }
        if (seed)
                return run_one(seed, keep, trace);
        return run_all(argv[0], stories, first, last, jobs);
}
