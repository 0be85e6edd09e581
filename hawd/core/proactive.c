/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Guests of degraded hosts: where each should go, said to people, or done. Pure.
 *
 * A move is a cold one: stopped, and started there. So it is for those whose policy lets them be
 * relocated, counts as a relocation, and leads to a host that is well and has room; one at a time.
 */
#include "hawd/core/plan.h"
#include "hawd/core/priv.h"
#include "hawd/core/promote.h"

/* Memory gets better with each guest that goes: a look at what one has brought, first. */
#define RELIEF_USEC USEC_PER_MINUTE

static bool relocatable(const struct core *c, const struct guest *g, const char **ret_why) {
        const struct conf_guest *conf = &g->spec->conf;
        bool may = false;

        for (size_t i = 0; i < RUNGS && conf->recovery[i] != RUNG_NONE; i++)
                may |= conf->recovery[i] == RUNG_RELOCATE;
        *ret_why = !may ? "its recovery has no relocate"
                   : recovery_count(conf, &g->recovery, RUNG_RELOCATE, c->wall) >=
                                   rung_limit(conf, RUNG_RELOCATE)
                           ? "it was relocated relocate-limit times within restart-window"
                           : NULL;
        return !*ret_why;
}

/* @g, at index @gi, runs on degraded @h. Return: may it be moved; why, or why not, in @a. */
static bool advise(const struct core *c, struct plan *p, uint32_t gi, uint32_t h,
                   struct core_advice *a) {
        const struct guest *g = &c->model.guests[gi];
        bool excluded[HOSTS_MAX] = {false};
        struct place_result r;
        const char *why;

        *a = (struct core_advice){0};
        text_set(a->guest, sizeof(a->guest), g->spec->name);
        if (!relocatable(c, g, &why)) {
                text_set(a->why, sizeof(a->why), why);
                return false;
        }
        if (c->model.hosts[h].ills & ILL_BIT(ILL_LIBVIRT)) {
                text_set(a->why, sizeof(a->why),
                         "its libvirt does not answer: it cannot be stopped");
                return false;
        }
        for (size_t i = 0; i < c->model.n_hosts; i++)
                excluded[i] = g->spec->conf.replica.mode != REPLICA_MODE_NONE &&
                              (c->model.hosts[i].nodeid != g->replica.host || !replica_equal(g));
        if (place_guest(&p->problem, gi, excluded, &r) != PLACE_OK) {
                text_set(a->why, sizeof(a->why),
                         g->spec->conf.replica.mode == REPLICA_MODE_NONE
                                 ? "no other host that is well can take it"
                                 : "it can go to its replica only, when that is in step");
                return false;
        }
        a->to = c->model.hosts[r.host].nodeid;
        text_set(a->why, sizeof(a->why), r.why);
        place_charge(&p->problem, gi, r.host);
        return true;
}

/* Where those of @h may go: not there, nor from one degraded host to another. */
static void plan_leave(const struct core *c, struct plan *p, uint32_t h) {
        plan_init(p, &c->model, c->config);
        pass_over_silent(c, p);
        p->hosts[h].unusable = "it is there";
        for (size_t i = 0; i < c->model.n_hosts; i++)
                if (p->hosts[i].ailing && !p->hosts[i].unusable)
                        p->hosts[i].unusable = p->hosts[i].ailing;
}

static bool runs_there(const struct guest *g, uint32_t h) {
        return g->claims == (1u << h) && g->state == GUEST_RUNNING &&
               g->desired == DESIRED_RUNNING && !g->deleting;
}

size_t core_advice(const struct core *c, uint32_t nodeid, struct core_advice *ret, size_t max) {
        int h = model_host_index(&c->model, nodeid);
        struct plan p;
        size_t n = 0;

        if (h < 0 || c->model.hosts[h].state != HOST_DEGRADED ||
            config_proactive(c->config, c->model.hosts[h].name) == PROACTIVE_OFF)
                return 0;
        plan_leave(c, &p, (uint32_t)h);
        for (uint32_t i = 0; i < c->model.n_guests && n < max; i++)
                if (runs_there(&c->model.guests[i], (uint32_t)h))
                        (void)advise(c, &p, i, (uint32_t)h, &ret[n++]);
        plan_free(&p);
        return n;
}

/* ---- the leader's part -------------------------------------------------------------------------
 */

/* One that is moving, or about to; by whomever. */
static bool somebody_moves(const struct core *c) {
        for (size_t i = 0; i < c->model.n_guests; i++) {
                const struct guest *g = &c->model.guests[i];

                if (g->move_to || g->state == GUEST_STARTING || g->state == GUEST_STOPPING)
                        return true;
        }
        return false;
}

/* What was bad, and is good at the moment, moves nobody. Sensors are not its own to measure. */
static bool bad_now(const struct core *c, const struct host *h) {
        usec_t heard;
        const struct heartbeat *hb = core_heartbeat(c, h->nodeid, &heard);

        return (h->ills & ILL_BIT(ILL_SENSORS)) ||
               (hb && core_in_group(c, h->nodeid) && (h->ills & hb->ills));
}

static bool relief_due(struct core *c, const struct host *h, size_t i) {
        usec_t due = usec_add(c->relieved[i], RELIEF_USEC);

        if (h->ills != ILL_BIT(ILL_MEMORY) || c->relieved[i] == 0 || c->now >= due)
                return true;
        wake_at(c, due);
        return false;
}

/* Of the guests there, the most important one that can go. */
static bool evacuate_one(struct core *c, struct entry *e, struct plan *p, uint32_t h) {
        const struct host *host = &c->model.hosts[h];
        const struct guest *best = NULL;
        struct core_advice a, best_a;
        struct op *op;
        char ills[64];

        for (uint32_t i = 0; i < c->model.n_guests; i++) {
                const struct guest *g = &c->model.guests[i];

                if (!runs_there(g, h) || g->job_kind != JOB_NONE ||
                    (best && best->spec->conf.priority >= g->spec->conf.priority) ||
                    !advise(c, p, i, h, &a))
                        continue;
                best = g;
                best_a = a;
        }
        if (!best)
                return false;
        c->relieved[h] = MAX(c->now, 1);
        op = entry_add(e, OP_GUEST_MOVE);
        op->gid = best->gid;
        op->guest_version = best->version;
        op->host = best_a.to;
        op->host_version = model_host(&c->model, best_a.to)->version;
        op->wall = c->wall;
        op->flag = true;
        text_fmt(op->text, sizeof(op->text), "hawd: %.60s is degraded by %s", host->name,
                 ills_text(host->ills, ills, sizeof(ills)));
        return true;
}

void lead_evacuate(struct core *c, struct entry *e) {
        struct plan p;

        if (e->n_ops || somebody_moves(c))
                return;
        for (uint32_t i = 0; i < c->model.n_hosts; i++) {
                const struct host *h = &c->model.hosts[i];
                bool done;

                if (h->state != HOST_DEGRADED || !bad_now(c, h) ||
                    config_proactive(c->config, h->name) != PROACTIVE_EVACUATE ||
                    !relief_due(c, h, i))
                        continue;
                plan_leave(c, &p, i);
                done = evacuate_one(c, e, &p, i);
                plan_free(&p);
                if (done)
                        return;
        }
}

/* Once for what a host suffers from: to this host's journal, since it is of this moment. */
void lead_advise(struct core *c) {
        for (size_t i = 0; i < c->model.n_hosts; i++) {
                const struct host *h = &c->model.hosts[i];
                struct core_advice a[8];
                size_t n;

                if (c->advised[i] == h->ills)
                        continue;
                c->advised[i] = h->ills;
                n = core_advice(c, h->nodeid, a, ARRAY_SIZE(a));
                for (size_t k = 0; k < n; k++)
                        if (a[k].to)
                                core_note(c, NOTE_MOVE_ADVISED, h->nodeid, a[k].guest,
                                          "%s should move to %s, away from degraded %s: %s",
                                          a[k].guest, model_host_name(&c->model, a[k].to), h->name,
                                          a[k].why);
                        else
                                core_note(c, NOTE_MOVE_ADVISED, h->nodeid, a[k].guest,
                                          "%s stays on degraded %s: %s", a[k].guest, h->name,
                                          a[k].why);
        }
}
