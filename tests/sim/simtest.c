/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * simtest: random clusters by the thousand, and the stories of tests/sim/cases.
 *
 *   simtest [--seeds A-B] [--jobs N] [--stories DIR]    all of it; exits 1 if anything failed
 *   simtest --seed N [--luck M] [--keep 0,3,4] [--hosts 0,1] [--guests none] [--trace] [--ini]
 *   simtest --shrink N
 *   simtest --every-step STORY [--at STEP,HOST,FAULT]
 */
#include <getopt.h>
#include <unistd.h>

#include "tests/sim/every.h"
#include "tests/sim/shrink.h"
#include "tests/sim/stories.h"

#define SHOWN_MAX 3 /* failures that are shrunk and traced */
#define SEEDS 10000

struct options {
        uint64_t first, last, seed, shrink, luck;
        struct keep keep;
        const char *stories, *every, *blow;
        size_t jobs;
        bool trace, ini;
};

static void one_seed(uint64_t seed, struct outcome *ret) {
        struct plan *p = xcalloc(1, sizeof(*p));

        plan_make(seed, p);
        plan_run(p, NULL, ret);
        free(p);
}

static void show_failure(const char *self, const struct failure *f, bool deep) {
        struct plan *p = xcalloc(1, sizeof(*p));
        struct small small;

        (void)printf("\nseed %" PRIu64 " breaks %s at %.3f s: %s\n", f->number, f->o.promise,
                     (double)f->o.at / 1e6, f->o.text);
        if (deep) {
                plan_make(f->number, p);
                shrink(p, &f->o, &small);
                shrink_show(self, p, &small);
        } else {
                (void)printf("again: %s --seed %" PRIu64 " --trace\n", self, f->number);
        }
        free(p);
}

static int run_one(const struct options *o) {
        struct plan *p = xcalloc(1, sizeof(*p)), *cut = xcalloc(1, sizeof(*cut));
        struct outcome out = {0};

        plan_make(o->seed, p);
        plan_cut(p, &o->keep, cut);
        if (o->luck)
                cut->conf.seed = o->luck;
        (void)setvbuf(stdout, NULL, _IOLBF, 0);
        if (o->ini) {
                plan_ini(cut, stdout);
        } else {
                plan_print(p, &o->keep);
                plan_run(cut, o->trace ? trace_line : NULL, &out);
                if (out.failed)
                        (void)printf("seed %" PRIu64 " breaks %s at %.3f s: %s\n", o->seed,
                                     out.promise, (double)out.at / 1e6, out.text);
                else
                        (void)printf("seed %" PRIu64 " keeps every promise; well %.0f s after the "
                                     "faults\n",
                                     o->seed, (double)out.settled / 1e6);
        }
        free(cut);
        free(p);
        return out.failed;
}

static int shrink_one(const char *self, uint64_t seed) {
        struct plan *p = xcalloc(1, sizeof(*p));
        struct failure f = {.number = seed};

        plan_make(seed, p);
        board_try(p, false, &f.o);
        if (f.o.failed)
                show_failure(self, &f, true);
        else
                (void)printf("seed %" PRIu64 " keeps every promise\n", seed);
        free(p);
        return f.o.failed;
}

static int run_every(const char *self, const struct options *o) {
        size_t passed = 0, failed = 0;

        if (o->blow)
                return every_again(o->every, o->blow);
        every_step(self, o->every, o->jobs, &passed, &failed);
        (void)printf("%zu passed, %zu failed\n", passed, failed);
        return failed > 0;
}

/* ---- the sum ---- */

static bool covered(void) {
        const struct sim_stats *st = &board->stats;
        const struct {
                const char *what;
                uint64_t n;
        } counts[] = {{"ring changes", st->views},
                      {"seen late", st->late_enters},
                      {"late messages", st->late_rings},
                      {"installs", st->installs},
                      {"entries stored", st->entries},
                      {"guest starts", st->starts},
                      {"failed starts", st->failed_starts},
                      {"fenced off", st->fences_off},
                      {"power ons", st->power_ons},
                      {"hawd crashes", st->crashes},
                      {"freezes", st->freezes},
                      {"of a process", st->process_freezes},
                      {"ill guests", st->ills},
                      {"late starts", st->late_effects},
                      {"settles", st->settles},
                      {"watchdog resets", st->dog_resets},
                      {"proofs by lease", st->lease_proofs},
                      {"degraded", st->degraded},
                      {"starts on the degraded", st->degraded_starts},
                      {"copies in step", st->in_steps},
                      {"promoted", st->promotions},
                      {"with a loss", st->losses},
                      {"vetoes", st->vetoes},
                      {"lost writes", st->lost_writes},
                      {"disk errors", st->disk_errors},
                      {"lost disks", st->lost_disks},
                      {"confirms", st->confirms},
                      {"falsely off", st->fooled},
                      {"blocked", st->blocked},
                      {"copies by hand", st->rogue_starts},
                      {"rogues stopped", st->rogues},
                      {"nodes added", st->node_adds},
                      {"removed", st->node_removes},
                      {"other configs", st->configs},
                      {"clocks set", st->clock_steps},
                      {"half a ring quorate", st->half_quorate},
                      {"fewer votes expected", st->shrunk_votes},
                      {"waits for all", st->waits_for_all},
                      {"ambushes", st->ambushes},
                      {"snapshots", st->snapshots},
                      {"rollbacks", st->rollbacks},
                      {"commits", st->commits},
                      {"stale refused", st->refused}};
        bool all = true;

        (void)printf("%" PRIu64 " runs, %.1f hours of virtual time, %" PRIu64
                     " events; well after the faults within %.0f s, on average %.0f s\n",
                     board->done, (double)board->virtual_usec / 3.6e9, st->events,
                     (double)board->settled_max / 1e6,
                     (double)board->settled_sum / 1e6 / (double)MAX(1, board->done));
        for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
                (void)printf("%s%s %" PRIu64, i ? ", " : "", counts[i].what, counts[i].n);
                all = all && counts[i].n > 0;
        }
        (void)puts("");
        return all;
}

static int run_all(const char *self, const struct options *o) {
        size_t failed = 0, passed = o->stories ? stories_run(o->stories, &failed) : 0;
        uint64_t n = o->last - o->first + 1;

        if (o->stories && n)
                every_folder(self, "tests/sim/every", o->jobs, &passed, &failed);
        board_clear();
        board_run(o->first, o->last, o->jobs, one_seed);
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

/* ---- options ---- */

/* "0,3,4" or "none". */
static bool read_list(const char *s, uint64_t *ret) {
        char *end;

        *ret = 0;
        if (strcmp(s, "none") == 0)
                return true;
        while (*s >= '0' && *s <= '9') {
                *ret |= UINT64_C(1) << (strtoul(s, &end, 10) & 63);
                s = *end == ',' ? end + 1 : end;
        }
        return *s == '\0';
}

static bool read_range(const char *s, struct options *o) {
        char *end;

        o->first = strtoull(s, &end, 10);
        o->last = *end == '-' ? strtoull(end + 1, &end, 10) : o->first;
        o->stories = NULL;
        return end != s && *end == '\0' && o->last >= o->first;
}

static bool read_number(const char *s, uint64_t *ret) {
        char *end;

        *ret = strtoull(s, &end, 10);
        return end != s && *end == '\0';
}

static void usage(FILE *out) {
        (void)fputs("simtest [--seeds A-B] [--jobs N]     random clusters; without --seeds the "
                    "stories, too\n"
                    "simtest --stories DIR                the stories of a folder\n"
                    "simtest --seed N [--trace] [--luck M] [--keep LIST] [--hosts LIST] "
                    "[--guests LIST] [--ini]\n"
                    "                                     one, with only some of its faults, "
                    "hosts, guests; as a scenario\n"
                    "simtest --shrink N                   one that fails, made small\n"
                    "simtest --every-step STORY           each fault at each step of it, for each "
                    "member\n"
                    "simtest --every-step STORY --at STEP,HOST,FAULT\n",
                    out);
}

static int read_options(int argc, char **argv, struct options *o) {
        static const struct option options[] = {{"seeds", required_argument, NULL, 'S'},
                                                {"seed", required_argument, NULL, 's'},
                                                {"shrink", required_argument, NULL, 'x'},
                                                {"jobs", required_argument, NULL, 'j'},
                                                {"luck", required_argument, NULL, 'l'},
                                                {"keep", required_argument, NULL, 'k'},
                                                {"hosts", required_argument, NULL, 'h'},
                                                {"guests", required_argument, NULL, 'g'},
                                                {"stories", required_argument, NULL, 'c'},
                                                {"every-step", required_argument, NULL, 'e'},
                                                {"at", required_argument, NULL, 'a'},
                                                {"trace", no_argument, NULL, 't'},
                                                {"ini", no_argument, NULL, 'i'},
                                                {"help", no_argument, NULL, '?'},
                                                {NULL, 0, NULL, 0}};
        uint64_t jobs = o->jobs;
        bool ok = true;
        int c;

        while (ok && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
                switch (c) {
                case 'S':
                        ok = read_range(optarg, o);
                        break;
                case 's':
                        ok = read_number(optarg, &o->seed);
                        break;
                case 'x':
                        ok = read_number(optarg, &o->shrink);
                        break;
                case 'j':
                        ok = read_number(optarg, &jobs);
                        break;
                case 'l':
                        ok = read_number(optarg, &o->luck);
                        break;
                case 'k':
                        ok = read_list(optarg, &o->keep.faults);
                        break;
                case 'h':
                        ok = read_list(optarg, &o->keep.hosts) && o->keep.hosts;
                        break;
                case 'g':
                        ok = read_list(optarg, &o->keep.guests);
                        break;
                case 'c':
                        o->stories = optarg;
                        o->first = 1;
                        o->last = 0;
                        break;
                case 'e':
                        o->every = optarg;
                        break;
                case 'a':
                        o->blow = optarg;
                        break;
                case 't':
                        o->trace = true;
                        break;
                case 'i':
                        o->ini = true;
                        break;
                default:
                        ok = false;
                }
        }
        o->jobs = MIN(64, MAX(1, jobs));
        return ok && optind == argc ? 0 : -EINVAL;
}

int main(int argc, char **argv) {
        struct options o = {.first = 1,
                            .last = SEEDS,
                            .keep = KEEP_ALL,
                            .stories = "tests/sim/cases",
                            .jobs = (size_t)MAX(1, sysconf(_SC_NPROCESSORS_ONLN))};

        if (read_options(argc, argv, &o) < 0) {
                usage(stderr);
                return 2;
        }
        if (!board_open())
                return 2;
        if (o.seed)
                return run_one(&o);
        if (o.every)
                return run_every(argv[0], &o);
        if (o.shrink)
                return shrink_one(argv[0], o.shrink);
        return run_all(argv[0], &o);
}
