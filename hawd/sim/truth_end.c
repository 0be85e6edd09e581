/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When all faults have ended: is everything well again (L1, L2, L3), and nothing forgotten (S10)?
 */
#include <stdarg.h>

#include "hawd/sim/truth.h"

static bool unsettled(char *promise, char *why, const char *which, const char *fmt, ...)
        PRINTF_LIKE(4, 5);
static bool unsettled(char *promise, char *why, const char *which, const char *fmt, ...) {
        va_list ap;

        text_set(promise, 8, which);
        va_start(ap, fmt);
        (void)vsnprintf(why, SIM_VIOLATION_LEN, fmt, ap); /* a cut line is good enough */
        va_end(ap);
        return false;
}

/* What hawd switched off late it switches on again. */
static bool supplied(const struct sim_host *h, char *promise, char *why) {
        for (int k = 0; k < SIM_DEVICES; k++)
                if (h->bmc[k].outlet_off)
                        return unsettled(promise, why, "L3", "supply %d of %s is off", k + 1,
                                         h->name);
        return true;
}

static bool hosts_settled(struct sim *s, const struct model *m, char *promise, char *why) {
        for (size_t i = 0; i < s->n_hosts; i++) {
                struct sim_host *h = &s->hosts[i];
                struct core_status st;

                if (!nodelist_has(s, h))
                        continue;
                if (!h->powered || !h->core)
                        return unsettled(promise, why, "L3", "%s is %s", h->name,
                                         h->powered ? "without hawd" : "off");
                if (!supplied(h, promise, why))
                        return false;
                core_status(h->core, &st);
                if (!st.operational)
                        return unsettled(promise, why, "L3", "%s is not operational: %s", h->name,
                                         st.missing);
        }
        for (size_t i = 0; i < m->n_hosts; i++) {
                int k = sim_host_index(s, m->hosts[i].name);

                if (k < 0 || !nodelist_has(s, &s->hosts[k]))
                        return unsettled(promise, why, "L2", "%s is %s, and no host of the cluster",
                                         m->hosts[i].name, host_state_name(m->hosts[i].state));
                if (m->hosts[i].state != HOST_ONLINE)
                        return unsettled(promise, why, "L3", "%s is %s: %s", m->hosts[i].name,
                                         host_state_name(m->hosts[i].state),
                                         m->hosts[i].fence_error);
        }
        if (m->n_hosts != (size_t)__builtin_popcount(s->listed))
                return unsettled(promise, why, "L3", "%zu hosts are known, %d are in the nodelist",
                                 m->n_hosts, __builtin_popcount(s->listed));
        return true;
}

/* With a host that was removed; it says so. */
static bool disks_are_gone(const struct sim *s, const struct guest *g) {
        uint32_t p = g->replica.data;

        return p && p <= s->n_hosts && !nodelist_has(s, &s->hosts[p - 1]) && g->reason[0];
}

/* What it waits for is not wanted: then it can not be placed, and says so. */
static bool waits_for_unwanted(const struct sim *s, const struct model *m, const struct guest *g) {
        for (size_t i = 0; i < m->n_guests; i++)
                for (uint32_t k = 0; k < g->spec->n_after; k++)
                        if (strcmp(m->guests[i].spec->name, g->spec->after[k]) == 0 &&
                            (m->guests[i].desired != DESIRED_RUNNING ||
                             disks_are_gone(s, &m->guests[i]) ||
                             waits_for_unwanted(s, m, &m->guests[i])))
                                return g->reason[0];
        return false;
}

/* What somebody starts on a host that was removed is beyond hawd's reach. */
static int cluster_where(const struct sim *s, int g, int from) {
        int i = qemu_where(s, g, from);

        while (i >= 0 && !nodelist_has(s, &s->hosts[i]))
                i = qemu_where(s, g, i + 1);
        return i;
}

static bool guest_settled(struct sim *s, const struct model *m, const struct guest *g,
                          char *promise, char *why) {
        int k = sim_guest_index(s, g->spec->uuid);
        int at = k < 0 ? -1 : cluster_where(s, k, 0);
        const char *name = g->spec->name;

        if (k < 0 || g->desired == DESIRED_IGNORED || g->deleting)
                return true;
        if (!s->guests[k].wish_unclear && g->desired != s->guests[k].conf->desired)
                return unsettled(promise, why, "S10", "guest %s is wanted %s, which nobody asked",
                                 name, desired_name(g->desired));
        if (g->desired == DESIRED_STOPPED)
                return at < 0 || unsettled(promise, why, "L1", "guest %s runs on %s, not wanted",
                                           name, s->hosts[at].name);
        if (at < 0 && waits_for_unwanted(s, m, g))
                return true;
        if (at < 0 && disks_are_gone(s, g))
                return true;
        if (at < 0)
                return unsettled(promise, why, g->reason[0] ? "L1" : "L2",
                                 "guest %s does not run: it is %s, %s", name,
                                 guest_state_name(g->state), g->reason);
        if (cluster_where(s, k, at + 1) >= 0)
                return unsettled(promise, why, "S5", "guest %s runs on %s and on %s", name,
                                 s->hosts[at].name, s->hosts[cluster_where(s, k, at + 1)].name);
        if (s->hosts[at].nodeid != g->host || g->job_kind != JOB_NONE)
                return unsettled(promise, why, "L1", "guest %s is %s, runs on %s, job %s: %s", name,
                                 guest_state_name(g->state), s->hosts[at].name,
                                 guest_job_name(g->job_kind), g->reason);
        if (g->desired == DESIRED_RUNNING &&
            (g->state != GUEST_RUNNING || s->hosts[at].lv.dom[k].state != SEEN_RUNNING))
                return unsettled(promise, why, "L1", "guest %s is %s and in truth %s: %s", name,
                                 guest_state_name(g->state),
                                 seen_state_name(s->hosts[at].lv.dom[k].state), g->reason);
        if (g->desired == DESIRED_RUNNING && s->hosts[at].lv.dom[k].ails != END_NONE &&
            g->spec->conf.health_by != HEALTH_BY_NONE)
                return unsettled(promise, why, "L1", "guest %s is running, and in truth has a %s",
                                 name, end_why_name(s->hosts[at].lv.dom[k].ails));
        return true;
}

static bool nothing_forgotten(struct sim *s, const struct model *m, char *promise, char *why) {
        for (size_t k = 0; k < s->n_guests; k++) {
                const struct truth *t = s->truth;
                const struct guest *g = truth_guest(s, m, (int)k);

                if (!g && !s->guests[k].wish_unclear)
                        return unsettled(promise, why, "S10", "guest %s is forgotten",
                                         s->guests[k].conf->name);
                if (g && t->rogue[k].stopped_at > t->rogue[k].noted_at &&
                    s->hosts[t->rogue[k].host].hawd_life == t->rogue[k].hawd_life)
                        return unsettled(promise, why, "S5",
                                         "%s stopped a copy of guest %s, and no incident says so",
                                         s->hosts[t->rogue[k].host].name, s->guests[k].conf->name);
        }
        return true;
}

bool truth_settled(struct sim *s, char *promise, char *why) {
        struct sim_host *best = sim_best_host(s);
        const struct model *m;

        if (!best)
                return unsettled(promise, why, "L3", "no hawd runs");
        m = core_model(best->core);
        if (!hosts_settled(s, m, promise, why))
                return false;
        if (m->version < s->truth->top)
                return unsettled(promise, why, "S10",
                                 "version %" PRIu64 " was applied, the newest is %" PRIu64,
                                 s->truth->top, m->version);
        for (size_t i = 0; i < m->n_guests; i++)
                if (!guest_settled(s, m, &m->guests[i], promise, why))
                        return false;
        return nothing_forgotten(s, m, promise, why);
}
