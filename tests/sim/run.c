/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A random plan, run: set up, faults, peace, and then all must become well. */
#include "tests/sim/random.h"

#define SEC USEC_PER_SEC

static void fail(struct outcome *o, const struct sim *s, const char *promise, const char *text) {
        o->failed = true;
        text_set(o->promise, sizeof(o->promise), promise);
        text_set(o->text, sizeof(o->text), text);
        o->at = s->now - s->zero;
}

static bool anybody_decides(struct sim *s) {
        struct sim_host *best = sim_best_host(s);
        struct core_status st;

        if (best)
                core_status(best->core, &st);
        return best && st.operational;
}

/* Where nobody decides, a person switches on what was switched off (the last fence of a pair). */
static void help(struct sim *s, usec_t *idle) {
        if (anybody_decides(s)) {
                *idle = 0;
        } else if ((*idle += 2 * SEC) >= 60 * SEC) {
                *idle = 0;
                for (size_t i = 0; i < s->n_hosts; i++)
                        power_on(s, &s->hosts[i]);
        }
}

static bool settle(struct sim *s, struct outcome *o) {
        char promise[8] = "", why[SIM_VIOLATION_LEN] = "";
        usec_t from = s->now, since = 0, idle = 0;

        /* Well, and still well some time later. */
        while (s->now - from < SETTLE_MAX) {
                if (!sim_run(s, s->now + 2 * SEC))
                        return false;
                if (!truth_settled(s, promise, why)) {
                        since = 0;
                        help(s, &idle);
                        continue;
                }
                if (since == 0)
                        since = s->now;
                if (s->now - since >= 6 * SEC) {
                        o->settled = since - from;
                        return true;
                }
        }
        fail(o, s, promise, why);
        return false;
}

void plan_run(const struct plan *p, uint64_t keep,
              void (*trace)(struct sim *, const struct sim_host *, const char *),
              struct outcome *ret) {
        struct sim *s = sim_new(&p->conf);
        struct fault faults[PLAN_FAULTS_MAX];
        char err[SIM_VIOLATION_LEN] = "";
        size_t n = 0;

        memset(ret, 0, sizeof(*ret));
        s->on_trace = trace;
        for (size_t i = 0; i < p->n_faults; i++)
                if (keep >> i & 1)
                        faults[n++] = p->faults[i];
        if (sim_setup(s, err) < 0 && s->n_violations == 0)
                fail(ret, s, "setup", err);
        if (!ret->failed && s->n_violations == 0) {
                fault_plan(s, faults, n);
                if (sim_run(s, s->zero + p->faults_end + 10 * SEC)) {
                        fault_heal(s);
                        (void)settle(s, ret); /* says itself what failed */
                }
        }
        if (s->n_violations > 0) {
                fail(ret, s, s->violations[0].promise, s->violations[0].text);
                ret->at = s->violations[0].at - s->zero;
        }
        ret->stats = s->stats;
        ret->virtual_usec = s->now;
        s->on_trace = NULL; /* what follows is no part of the story */
        sim_free(s);
}
