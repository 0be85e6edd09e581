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

static void confirm(struct sim *s, const struct sim_host *h) {
        struct fault f = {.kind = FAULT_CONFIRM_TRUE, .host = h->index, .guest = -1};

        fault_apply(s, &f);
}

static void ask(struct sim *s, enum verb verb, int host, int guest) {
        struct fault f = {
                .kind = FAULT_REQUEST, .host = host, .guest = guest, .arg = (uint64_t)verb};

        fault_apply(s, &f);
}

/* Lost for good, fenced too often, or so it says: what hawd asks for is done. */
static void look_at_lost(struct sim *s) {
        struct sim_host *best = sim_best_host(s);
        const struct model *m = best ? core_model(best->core) : NULL;

        for (size_t i = 0; m && i < m->n_hosts; i++) {
                const struct host *mh = &m->hosts[i];
                int k = sim_host_index(s, mh->name);

                if (k >= 0 && (mh->state == HOST_QUARANTINED || mh->state == HOST_OFF))
                        ask(s, VERB_HOST_RELEASE, k, -1);
                if (k >= 0 && mh->state == HOST_OFF && nodelist_has(s, &s->hosts[k]))
                        power_on(s, &s->hosts[k]);
                if (k < 0 || (mh->state != HOST_LOST && mh->state != HOST_FENCING) ||
                    !mh->fence_error[0])
                        continue;
                /* To be fenced, by devices that prove nothing: it stays out until that is done. */
                if (!nodelist_has(s, &s->hosts[k]) || (mh->fence_forced && mh->read_off))
                        power_off(s, &s->hosts[k]);
                confirm(s, &s->hosts[k]);
        }
}

/* Those that failed too often: hawd says so, and what mends it. */
static void look_at_blocked(struct sim *s) {
        struct sim_host *best = sim_best_host(s);
        const struct model *m = best ? core_model(best->core) : NULL;

        for (size_t i = 0; m && i < m->n_guests; i++) {
                const struct guest *g = &m->guests[i];
                int k = sim_guest_index(s, g->spec->uuid);

                if (k >= 0 && g->state == GUEST_BLOCKED &&
                    strstr(g->reason, "hawctl guest recover"))
                        ask(s, VERB_GUEST_RECOVER, -1, k);
        }
}

/* The largest group goes on, and whoever is not in it is switched off before that is said. */
static void give_up(struct sim *s) {
        struct sim_host *best = sim_best_host(s);
        struct core_status st;

        if (!best)
                return;
        core_status(best->core, &st);
        for (size_t i = 0; i < s->n_hosts; i++) {
                bool there = false;

                for (size_t k = 0; k < st.n_group; k++)
                        there |= st.group[k].nodeid == s->hosts[i].nodeid;
                if (!there)
                        power_off(s, &s->hosts[i]);
        }
        ask(s, VERB_ACCEPT_LOSS, -1, -1);
}

/*
 * Peace, and nobody decides: 1 a person switches on what is off  2 and confirms that what does not
 * stay on, or is no host any more, is off  3 all are there, and it is still not enough: what was
 * stored elsewhere only is given up
 */
static void help_nobody(struct sim *s, usec_t idle) {
        usec_t turn = idle % (60 * SEC);

        for (size_t i = 0; i < s->n_hosts; i++) {
                struct sim_host *h = &s->hosts[i];

                if (!nodelist_has(s, h) && turn == 0)
                        power_off(s, h);
                else if (turn == 0)
                        power_on(s, h);
                if (turn == 30 * SEC)
                        confirm(s, h);
        }
        if (idle >= 210 * SEC && turn == 30 * SEC)
                give_up(s);
}

static void help(struct sim *s, usec_t *idle) {
        *idle += 2 * SEC;
        if (!anybody_decides(s))
                help_nobody(s, *idle);
        else if (*idle >= 120 * SEC && *idle % (60 * SEC) == 0) {
                look_at_lost(s);
                look_at_blocked(s);
        }
}

bool settle(struct sim *s, struct outcome *o) {
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

void plan_run(const struct plan *p,
              void (*trace)(struct sim *, const struct sim_host *, const char *),
              struct outcome *ret) {
        struct sim *s = sim_new(&p->conf);
        char err[SIM_VIOLATION_LEN] = "";

        memset(ret, 0, sizeof(*ret));
        s->on_trace = trace;
        if (sim_setup(s, err) < 0 && s->n_violations == 0)
                fail(ret, s, "setup", err);
        if (!ret->failed && s->n_violations == 0) {
                fault_plan(s, p->faults, p->n_faults);
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
