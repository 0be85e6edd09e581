/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/every.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hawd/sim/scenario.h"
#include "tests/sim/board.h"

#define RUN_SECONDS 60
#define ALONE_MAX (100 * USEC_PER_SEC) /* most become well without anybody's help */
#define CALM_USEC (3 * USEC_PER_SEC)   /* so long well: the story is over */
#define TEXT_MAX ((size_t)1 << 20)

/* What a member is struck by; each ends by itself, as far as hawd sees to it. */
static const struct {
        const char *name;
        enum fault_kind kind;
        uint64_t arg;
} blows[] = {
        {"power", FAULT_POWER_OFF, 0},       {"kill", FAULT_HAWD_KILL, 300},
        {"freeze", FAULT_HAWD_FREEZE, 5000}, {"cut", FAULT_NET_CUT, 7000},
        {"hang", FAULT_LIBVIRT_HANG, 25000},
};

struct every {
        const char *path;
        struct scenario *sc;
        struct sim *sim;
        uint64_t step;
        usec_t last; /* fault of the story */
        bool counts; /* from the first fault on */
        bool child;  /* this one was struck, */
        uint64_t at; /* at this step: this host, this blow */
        size_t host, blow;
        size_t jobs, alive;
        struct outcome *result; /* of a child: shared */
};

static struct every *every; /* the hook has no argument of its own */

static bool load(struct every *e) {
        struct conf_errors errors = {0};
        FILE *f = fopen(e->path, "re");
        char *text = xcalloc(TEXT_MAX + 1, 1);
        bool ok = false;

        e->sc = xcalloc(1, sizeof(*e->sc));
        if (!f || fread(text, 1, TEXT_MAX, f) == 0)
                (void)printf("%s: cannot be read\n", e->path);
        else
                ok = scenario_parse(e->path, text, e->sc, &errors) == 0 && e->sc->n_faults > 0;
        for (size_t i = 0; i < errors.n; i++)
                (void)printf("%s\n", errors.lines[i]);
        conf_errors_clear(&errors);
        if (f)
                (void)fclose(f); /* read only */
        free(text);
        for (size_t i = 0; i < e->sc->n_faults; i++)
                e->last = MAX(e->last, e->sc->faults[i].at);
        return ok;
}

static void strike(struct every *e, size_t host, size_t blow) {
        struct fault f = {
                .kind = blows[blow].kind, .host = (int)host, .guest = -1, .arg = blows[blow].arg};

        e->counts = false;
        e->sim->on_step = NULL;
        fault_apply(e->sim, &f);
}

/* ---- the end of a run ---- */

static void fail(struct outcome *o, const char *promise, const char *text, usec_t at) {
        o->failed = true;
        o->at = at;
        text_set(o->promise, sizeof(o->promise), promise);
        text_set(o->text, sizeof(o->text), text);
}

static bool well(struct sim *s) {
        char promise[8], why[SIM_VIOLATION_LEN];

        return truth_settled(s, promise, why);
}

/* By itself, if it can; else with everything mended. */
static void finish(struct every *e, struct outcome *o) {
        struct sim *s = e->sim;
        usec_t until = MAX(s->now, s->zero + e->last) + ALONE_MAX;

        memset(o, 0, sizeof(*o));
        while (s->now < until && sim_run(s, s->now + USEC_PER_SEC))
                if (s->now > s->zero + e->last + 10 * USEC_PER_SEC && well(s))
                        break;
        if (s->n_violations == 0) {
                if (!well(s))
                        __atomic_fetch_add(&board->helped, 1, __ATOMIC_RELAXED);
                fault_heal(s);
                (void)settle(s, o); /* says itself what failed */
        }
        if (s->n_violations > 0)
                fail(o, s->violations[0].promise, s->violations[0].text,
                     s->violations[0].at - s->zero);
}

/* ---- all of them ---- */

static void reap(struct every *e) {
        int status;

        if (wait(&status) < 0)
                return;
        e->alive--;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
                struct outcome o;

                board_died(status, &o);
                board_add(UINT64_MAX, &o);
        }
}

static uint64_t number(const struct every *e, uint64_t step, size_t host, size_t blow) {
        return (step * e->sim->n_hosts + host) * ARRAY_SIZE(blows) + blow;
}

static bool spawn(struct every *e, size_t host, size_t blow) {
        pid_t pid;

        while (e->alive >= e->jobs)
                reap(e);
        pid = fork();
        if (pid != 0) {
                e->alive += pid > 0;
                return false;
        }
        (void)alarm(RUN_SECONDS);
        e->child = true;
        e->at = e->step;
        e->host = host;
        e->blow = blow;
        strike(e, host, blow);
        return true;
}

static void on_step(struct sim *s, struct sim_host *h) {
        (void)h;
        if (!every->counts)
                return;
        for (size_t i = 0; i < s->n_hosts; i++)
                for (size_t b = 0; b < ARRAY_SIZE(blows); b++)
                        if (spawn(every, i, b))
                                return;
        every->step++;
}

static void on_step_again(struct sim *s, struct sim_host *h) {
        (void)h;
        (void)s;
        if (every->counts && every->step++ == every->at)
                strike(every, every->host, every->blow);
}

/* Up to the first fault, then step by step until all is well again. */
static bool run_story(struct every *e, void (*hook)(struct sim *, struct sim_host *),
                      void (*trace)(struct sim *, const struct sim_host *, const char *)) {
        char err[SIM_VIOLATION_LEN];
        usec_t first = e->sc->faults[0].at, since = 0;
        struct sim *s;

        e->sc->conf.excuse_lies = true;
        s = e->sim = sim_new(&e->sc->conf);
        s->on_trace = trace;
        if (sim_setup(s, err) < 0) {
                (void)printf("%s: %s\n", e->path, err);
                return false;
        }
        for (size_t i = 0; i < e->sc->n_faults; i++)
                first = MIN(first, e->sc->faults[i].at);
        fault_plan(s, e->sc->faults, e->sc->n_faults);
        (void)sim_run(s, s->zero + first - 1); /* nothing has happened yet */
        s->on_step = hook;
        every = e;
        e->counts = true;
        since = s->now;
        while (sim_run(s, s->now + 100 * USEC_PER_MSEC) && e->counts &&
               s->now < s->zero + e->sc->end_usec) {
                if (s->now < s->zero + e->last || !well(s))
                        since = s->now;
                else if (s->now - since >= CALM_USEC)
                        break;
        }
        e->counts = false;
        s->on_step = NULL;
        return true;
}

static void child_ends(struct every *e) {
        struct outcome o;

        finish(e, &o);
        board_done(&o);
        if (o.failed)
                board_add(number(e, e->at, e->host, e->blow), &o);
        _exit(0);
}

static void show(const struct every *e, const char *self, const struct failure *f) {
        uint64_t n = f->number, per = ARRAY_SIZE(blows);

        if (n == UINT64_MAX) {
                (void)printf("  a child died: %s\n", f->o.text);
                return;
        }
        (void)printf("  %s of %s at step %" PRIu64 " breaks %s at %.3f s: %s\n"
                     "  again: %s --every-step %s --at %" PRIu64 ",%" PRIu64 ",%s\n",
                     blows[n % per].name, e->sc->conf.hosts[n / per % e->sim->n_hosts].name,
                     n / per / e->sim->n_hosts, f->o.promise, (double)f->o.at / 1e6, f->o.text,
                     self, e->path, n / per / e->sim->n_hosts, n / per % e->sim->n_hosts,
                     blows[n % per].name);
}

static void close_story(struct every *e) {
        sim_free(e->sim);
        scenario_clear(e->sc);
        free(e->sc);
}

void every_step(const char *self, const char *path, size_t jobs, size_t *passed, size_t *failed) {
        struct every e = {.path = path, .jobs = jobs};
        uint64_t bad;

        board_clear();
        (void)fflush(NULL);
        if (!load(&e) || !run_story(&e, on_step, NULL)) {
                (*failed)++;
                close_story(&e);
                return;
        }
        if (e.child)
                child_ends(&e);
        while (e.alive > 0)
                reap(&e);
        bad = board->n_failures + (e.sim->n_violations > 0);
        (void)printf("%s: %" PRIu64 " steps x %zu members x %zu faults: %s%" PRIu64
                     " passed, %" PRIu64 " with the help of a person\n",
                     path, e.step, e.sim->n_hosts, ARRAY_SIZE(blows), bad ? "only " : "",
                     board->done - board->n_failures, board->helped);
        for (uint64_t i = 0; i < MIN(board->n_failures, FAILURES_MAX); i++)
                show(&e, self, &board->failures[i]);
        *passed += board->done - board->n_failures;
        *failed += bad;
        close_story(&e);
}

static int is_ini(const struct dirent *d) {
        size_t n = strlen(d->d_name);

        return n > 4 && strcmp(d->d_name + n - 4, ".ini") == 0;
}

void every_folder(const char *self, const char *dir, size_t jobs, size_t *passed, size_t *failed) {
        struct dirent **list = NULL;
        int n = scandir(dir, &list, is_ini, alphasort);

        if (n <= 0) {
                (void)printf("%s: no stories there\n", dir);
                (*failed)++;
        }
        for (int i = 0; i < n; i++) {
                char path[512];

                text_fmt(path, sizeof(path), "%s/%s", dir, list[i]->d_name);
                every_step(self, path, jobs, passed, failed);
                free(list[i]);
        }
        free(list);
}

/* ---- one ---- */

static bool read_blow(struct every *e, const char *text) {
        char name[32];

        if (sscanf(text, "%" SCNu64 ",%zu,%31s", &e->at, &e->host, name) != 3)
                return false;
        for (e->blow = 0; e->blow < ARRAY_SIZE(blows); e->blow++)
                if (strcmp(blows[e->blow].name, name) == 0)
                        return true;
        return false;
}

int every_again(const char *path, const char *blow) {
        struct every e = {.path = path};
        struct outcome o = {0};

        if (!read_blow(&e, blow)) {
                (void)fprintf(stderr, "--at %s: say STEP,HOST,FAULT, as a failure does\n", blow);
                return 2;
        }
        if (!load(&e) || !run_story(&e, on_step_again, trace_line)) {
                close_story(&e);
                return 2;
        }
        finish(&e, &o);
        if (o.failed)
                (void)printf("breaks %s at %.3f s: %s\n", o.promise, (double)o.at / 1e6, o.text);
        else
                (void)printf("keeps every promise\n");
        close_story(&e);
        return o.failed;
}
