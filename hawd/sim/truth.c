/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The promises, held against what is true. What a core believes is read from its model; what is
 * true is power, QEMU processes and disks, which no core can see.
 */
#include <stdarg.h>

#include "hawd/sim/sim.h"

struct truth {
        uint64_t *hash; /* of the model at each version, by whoever came there first; 0: nobody */
        size_t cap;
        uint64_t top; /* newest version that anybody applied */
        struct {
                uint32_t losses;
                usec_t at;       /* when the first member knew of it */
                uint32_t proven; /* number of the loss whose proof was looked at */
        } loss[SIM_HOSTS_MAX];
};

struct truth *truth_new(void) {
        return xcalloc(1, sizeof(struct truth));
}

struct truth *truth_free(struct truth *k) {
        if (k)
                free(k->hash);
        free(k);
        return NULL;
}

/* All who applied version n have the same model then (S5), and nobody goes back (S10). */
static void check_history(struct sim *s, struct sim_host *h, const struct model *m) {
        struct truth *k = s->truth;
        uint64_t hash;

        if (m->version < h->seen_version) {
                struct core_status st;

                /* It may apply again what it knows; it may not forget. */
                core_status(h->core, &st);
                if (st.version < h->seen_version)
                        sim_violate(s, "S10", "%s goes back from version %" PRIu64 " to %" PRIu64,
                                    h->name, h->seen_version, st.version);
        }
        if (m->version >= k->cap) {
                size_t cap = MAX(2 * k->cap, m->version + 256);

                k->hash = xreallocarray(k->hash, cap, sizeof(k->hash[0]));
                memset(k->hash + k->cap, 0, (cap - k->cap) * sizeof(k->hash[0]));
                k->cap = cap;
        }
        k->top = MAX(k->top, m->version);
        hash = model_hash(m);
        if (k->hash[m->version] == 0)
                k->hash[m->version] = hash;
        else if (k->hash[m->version] != hash)
                sim_violate(s, "S5", "%s has another ledger at version %" PRIu64 " than others",
                            h->name, m->version);
}

/* Of all members, also those that do not decide just now. */
static const struct model *newest_model(struct sim *s) {
        const struct model *m = NULL;

        for (size_t i = 0; i < s->n_hosts; i++)
                if (s->hosts[i].core && (!m || core_model(s->hosts[i].core)->version > m->version))
                        m = core_model(s->hosts[i].core);
        return m;
}

/* A host that counts as off was off at some time since it was lost (S2, S3). */
static void check_proof(struct sim *s, const struct sim_host *by, const struct host *mh) {
        int i = sim_host_index(s, mh->name);
        struct truth *k = s->truth;
        const struct sim_host *t;

        if (i < 0)
                return;
        t = &s->hosts[i];
        if (mh->losses > k->loss[i].losses) {
                k->loss[i].losses = mh->losses;
                k->loss[i].at = s->now;
        }
        if (mh->proof == PROOF_NONE || mh->losses != k->loss[i].losses ||
            k->loss[i].proven == mh->losses)
                return;
        k->loss[i].proven = mh->losses;
        if (mh->proof == PROOF_OPERATOR)
                return; /* who confirms falsely breaks the promise, not hawd */
        if (t->powered && t->back_at < k->loss[i].at)
                sim_violate(s, "S2", "%s counts %s as proven off (%s), but it was never off since",
                            by->name, t->name, mh->proof_text);
}

/* A host is online only when nothing can switch it off any more (S3). */
static void check_online(struct sim *s, const struct sim_host *by, const struct host *mh) {
        int i = sim_host_index(s, mh->name);
        const struct sim_host *who;

        if (i < 0 || mh->state != HOST_ONLINE ||
            newest_model(s)->version > s->hosts[by->index].seen_version)
                return;
        who = bmc_may_switch_off(s, i);
        if (who)
                sim_violate(s, "S3", "%s is online, but a hawd-fence on %s may still switch it off",
                            mh->name, who->name);
}

static void check_guests(struct sim *s, const struct sim_host *h, const struct model *m) {
        for (size_t i = 0; i < m->n_guests; i++) {
                const struct guest *g = &m->guests[i];

                if (__builtin_popcount(g->claims) > 1)
                        sim_violate(s, "S1", "guest %s has claims of two hosts", g->spec->name);
                if ((g->state == GUEST_FAILED || g->state == GUEST_BLOCKED) && !g->reason[0])
                        sim_violate(s, "L2", "%s has guest %s %s without a reason", h->name,
                                    g->spec->name, guest_state_name(g->state));
        }
}

void truth_core(struct sim *s, struct sim_host *h) {
        const struct model *m = core_model(h->core);

        if (m->version == h->seen_version)
                return;
        check_history(s, h, m);
        h->seen_version = m->version;
        for (size_t i = 0; i < m->n_hosts; i++) {
                check_proof(s, h, &m->hosts[i]);
                check_online(s, h, &m->hosts[i]);
        }
        check_guests(s, h, m);
}

void truth_start(struct sim *s, struct sim_host *h, int g) {
        for (int i = qemu_where(s, g, 0); i >= 0; i = qemu_where(s, g, i + 1))
                sim_violate(s, "S1", "guest %s starts on %s while it is %s on %s%s",
                            s->guests[g].conf->name, h->name,
                            seen_state_name(s->hosts[i].lv.dom[g].state), s->hosts[i].name,
                            s->hosts[i].frozen ? " (frozen)" : "");
}

void truth_switch_off(struct sim *s, struct sim_host *by, int target) {
        const struct sim_host *t = &s->hosts[target];
        const struct model *m = newest_model(s);

        if (!m || !t->core || t->frozen)
                return;
        for (size_t i = 0; i < m->n_hosts; i++)
                if (m->hosts[i].nodeid == t->nodeid && m->hosts[i].state == HOST_ONLINE)
                        sim_violate(s, "S3", "%s switches %s off, which is online", by->name,
                                    t->name);
}

void truth_kill(struct sim *s, struct sim_host *by, int g) {
        const struct model *m = newest_model(s);

        for (size_t i = 0; m && i < m->n_guests; i++) {
                const struct guest *mg = &m->guests[i];
                int index = model_host_index(m, by->nodeid);

                if (strcmp(mg->spec->uuid, s->guests[g].uuid) == 0 && index >= 0 &&
                    mg->claims == 1U << index && mg->state == GUEST_RUNNING &&
                    mg->desired == DESIRED_RUNNING && mg->job_kind == JOB_NONE && !mg->deleting)
                        sim_violate(s, "kill", "%s ends guest %s, which rightly runs there",
                                    by->name, mg->spec->name);
        }
}

void truth_decided(struct sim *s, struct sim_host *h, uint64_t version, uint64_t print,
                   const char *what) {
        size_t stored = 0;

        for (size_t i = 0; i < s->n_hosts; i++)
                if (disk_has(&s->hosts[i].store, version, print))
                        stored++;
        if (version == 0 || 2 * stored <= s->n_hosts)
                sim_violate(s, "S4",
                            "%s acts (%s) on entry %" PRIu64 ", which %zu of %zu hosts have stored",
                            h->name, what, version, stored, s->n_hosts);
}

/* ---- in the end ---- */

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

static bool hosts_settled(struct sim *s, const struct model *m, char *promise, char *why) {
        for (size_t i = 0; i < s->n_hosts; i++) {
                struct sim_host *h = &s->hosts[i];
                struct core_status st;

                if (!h->powered || !h->core)
                        return unsettled(promise, why, "L3", "%s is %s", h->name,
                                         h->powered ? "without hawd" : "off");
                core_status(h->core, &st);
                if (!st.operational)
                        return unsettled(promise, why, "L3", "%s is not operational: %s", h->name,
                                         st.missing);
        }
        for (size_t i = 0; i < m->n_hosts; i++)
                if (m->hosts[i].state != HOST_ONLINE)
                        return unsettled(promise, why, "L3", "%s is %s: %s", m->hosts[i].name,
                                         host_state_name(m->hosts[i].state),
                                         m->hosts[i].fence_error);
        return true;
}

/* What it waits for is not wanted: then it can not be placed, and says so. */
static bool waits_for_unwanted(const struct model *m, const struct guest *g) {
        for (size_t i = 0; i < m->n_guests; i++)
                for (uint32_t k = 0; k < g->spec->n_after; k++)
                        if (strcmp(m->guests[i].spec->name, g->spec->after[k]) == 0 &&
                            (m->guests[i].desired != DESIRED_RUNNING ||
                             waits_for_unwanted(m, &m->guests[i])))
                                return g->reason[0];
        return false;
}

static bool guest_settled(struct sim *s, const struct model *m, const struct guest *g,
                          char *promise, char *why) {
        int k = sim_guest_index(s, g->spec->uuid);
        int at = k < 0 ? -1 : qemu_where(s, k, 0);
        const char *name = g->spec->name;

        if (k < 0 || g->desired == DESIRED_IGNORED || g->deleting)
                return true;
        if (!s->guests[k].wish_unclear && g->desired != s->guests[k].conf->desired)
                return unsettled(promise, why, "S10", "guest %s is wanted %s, which nobody asked",
                                 name, desired_name(g->desired));
        if (g->desired == DESIRED_STOPPED)
                return at < 0 || unsettled(promise, why, "L1", "guest %s runs on %s, not wanted",
                                           name, s->hosts[at].name);
        if (at < 0 && waits_for_unwanted(m, g))
                return true;
        if (at < 0)
                return unsettled(promise, why, g->reason[0] ? "L1" : "L2",
                                 "guest %s does not run: it is %s, %s", name,
                                 guest_state_name(g->state), g->reason);
        if (s->hosts[at].nodeid != g->host || g->job_kind != JOB_NONE)
                return unsettled(promise, why, "L1", "guest %s is %s, runs on %s, job %s: %s", name,
                                 guest_state_name(g->state), s->hosts[at].name,
                                 guest_job_name(g->job_kind), g->reason);
        if (g->desired == DESIRED_RUNNING &&
            (g->state != GUEST_RUNNING || s->hosts[at].lv.dom[k].state != SEEN_RUNNING))
                return unsettled(promise, why, "L1", "guest %s is %s and in truth %s: %s", name,
                                 guest_state_name(g->state),
                                 seen_state_name(s->hosts[at].lv.dom[k].state), g->reason);
        return true;
}

static bool stray_copies(struct sim *s, const struct model *m, char *promise, char *why) {
        for (size_t k = 0; k < s->n_guests; k++) {
                bool known = false;

                for (size_t i = 0; i < m->n_guests && !known; i++)
                        known = strcmp(m->guests[i].spec->uuid, s->guests[k].uuid) == 0;
                if (!known && !s->guests[k].wish_unclear)
                        return unsettled(promise, why, "S10", "guest %s is forgotten",
                                         s->guests[k].conf->name);
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
        return stray_copies(s, m, promise, why);
}
