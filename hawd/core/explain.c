/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "Why is it there?", "why does it not run?": answered from the ledger, in numbered lines. Pure.
 */
#include <stdarg.h>
#include <stdio.h>

#include "fencing/ladder.h"
#include "hawd/core/lease.h"
#include "hawd/core/plan.h"
#include "hawd/core/priv.h"
#include "hawd/core/promote.h"
#include "hawd/core/snap_policy.h"

struct lines {
        char *buf;
        size_t len;
        unsigned n;
};

static void line(struct lines *l, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void line(struct lines *l, const char *fmt, ...) {
        char text[2048];
        va_list ap;
        int n;

        n = snprintf(text, sizeof(text), "%2u  ", ++l->n);
        va_start(ap, fmt);
        n += vsnprintf(text + n, sizeof(text) - (size_t)n - 1, fmt, ap);
        va_end(ap);
        n = MIN(n, (int)sizeof(text) - 2);
        text[n++] = '\n';
        l->buf = xreallocarray(l->buf, l->len + (size_t)n + 1, 1);
        memcpy(l->buf + l->len, text, (size_t)n);
        l->len += (size_t)n;
        l->buf[l->len] = '\0';
}

static void explain_fencing(const struct core *c, struct lines *l, const struct host *h) {
        struct ladder_step s;
        char gone[32];

        if (h->proof != PROOF_NONE)
                line(l, "%s is proven off by %s: %s", h->name, proof_name(h->proof), h->proof_text);
        if (h->state != HOST_LOST && h->state != HOST_FENCING)
                return;
        line(l, "%s is lost (loss %u) and not proven off: what it may run starts nowhere else",
             h->name, h->losses);
        if (h->fence_error[0])
                line(l, "last try (%u so far): %s", h->fence_tries, h->fence_error);
        if (ladder_next(c->config, h->name, h->fence_tries, &s) == 0)
                line(l, "next: level %u by %s%s, again and again with growing pauses", s.level,
                     s.devices[0]->name, s.n_devices > 1 ? " and others" : "");
        else
                line(l, "it has no fence device in hawd.conf: nothing can be tried");
        if (lease_gone_text(h, gone, sizeof(gone)))
                line(l,
                     "its watchdog proves it off %s after it left, unless it is back before: its "
                     "lease, the watchdog's timeout twice, and a tenth",
                     gone);
        line(l,
             "mend: repair its fence device; or make sure that it is off, then: hawctl fence "
             "confirm %s --yes",
             h->name);
}

static void explain_missing(const struct core *c, struct lines *l) {
        struct core_status st;

        core_status(c, &st);
        if (!st.operational)
                line(l, "no decisions are made at present: %s", st.missing);
}

static bool silent(const struct core *c, const struct host *h) {
        usec_t heard;
        const struct heartbeat *hb = core_heartbeat(c, h->nodeid, &heard);

        return hb && !hb->libvirt_ok;
}

static void explain_advice(const struct core *c, struct lines *l, const struct host *h) {
        bool evacuate = config_proactive(c->config, h->name) == PROACTIVE_EVACUATE;
        struct core_advice a[16];
        size_t n = core_advice(c, h->nodeid, a, ARRAY_SIZE(a));

        for (size_t i = 0; i < n; i++)
                if (a[i].to)
                        line(l, "%s %s to %s: %s", a[i].guest,
                             evacuate ? "is to be moved" : "should move",
                             model_host_name(&c->model, a[i].to), a[i].why);
                else
                        line(l, "%s stays: %s", a[i].guest, a[i].why);
}

static void explain_ills(const struct core *c, struct lines *l, const struct host *h) {
        char after[32];

        for (size_t i = 0; i < ILL_MAX_; i++)
                if (h->ills & ILL_BIT(i))
                        line(l, "it is degraded by %s: %s", ill_name((enum ill)i), h->ill_text[i]);
        if (h->ills == 0)
                return;
        format_duration(c->config->well_after_usec, after, sizeof(after));
        line(l,
             "%s; it is well again when all of that has been good for %s, longer when it comes "
             "back "
             "again and again",
             h->ills & ILLS_NO_START ? "no guest starts there"
                                     : "guests start there only where no other host can take them",
             after);
        explain_advice(c, l, h);
}

/* What waits for its name, or it for another's. */
static void explain_name(const struct core *c, struct lines *l, const struct host *h) {
        struct core_waiting w[HOSTS_MAX];
        size_t n = core_waiting(c, w);

        for (size_t i = 0; i < n; i++)
                if (w[i].nodeid == h->nodeid || w[i].holder == h->nodeid)
                        line(l, "node %u of the nodelist waits for the name %s: %s; mend: %s",
                             w[i].nodeid, w[i].name, w[i].why, w[i].mend);
}

char *core_explain_host(const struct core *c, const char *name) {
        const struct host *h = NULL;
        struct lines l = {0};

        for (size_t i = 0; i < c->model.n_hosts; i++)
                if (strcmp(c->model.hosts[i].name, name) == 0)
                        h = &c->model.hosts[i];
        if (!h)
                return NULL;
        explain_missing(c, &l);
        line(&l, "%s is %s; %s the hawd group, %s the ring", h->name, host_state_name(h->state),
             core_in_group(c, h->nodeid) ? "in" : "not in",
             core_in_ring(c, h->nodeid) ? "in" : "not in");
        explain_fencing(c, &l, h);
        if (h->state == HOST_UNSUPERVISED)
                line(&l, "its hawd was stopped by intent, its guests run on; start hawd there");
        if (h->state == HOST_JOINING)
                line(&l, "%s",
                     h->reported    ? "its called-off fencing has not ended yet"
                     : silent(c, h) ? "it is to settle its guests before it counts, but its "
                                      "libvirt does not answer: see virsh list there"
                                    : "it settles its guests with libvirt before it counts");
        else if (silent(c, h))
                line(&l,
                     "its libvirt does not answer: its guests run on, and no other starts there; "
                     "see virsh list there");
        explain_ills(c, &l, h);
        if (h->state == HOST_NEW)
                line(&l, "its hawd was never seen: start hawd there");
        explain_name(c, &l, h);
        return l.buf;
}

static void explain_recovery(const struct core *c, struct lines *l, const struct guest *g) {
        const struct conf_guest *conf = &g->spec->conf;
        const struct recovery *r = &g->recovery;

        if (r->failures == 0)
                return;
        line(l, "it failed by itself %u times%s%s%s", r->failures,
             r->why == END_NONE ? "" : ", at last by ",
             r->why == END_NONE ? "" : end_why_name(r->why),
             r->early >= BOOT_LOOP ? ": a boot loop" : "");
        for (size_t i = 0; i < RUNGS && conf->recovery[i] != RUNG_NONE; i++)
                line(l, "its recovery: %s, taken %u of %u times", rung_name(conf->recovery[i]),
                     recovery_count(conf, r, conf->recovery[i], c->wall),
                     rung_limit(conf, conf->recovery[i]));
        if (g->snaps && g->snaps->trial)
                line(l,
                     "it went back to a snapshot, and what it left is kept as %s: hawctl "
                     "snapshot list %s",
                     g->snaps->left, g->spec->name);
        if (g->state == GUEST_BLOCKED || r->resumes)
                line(l, "mend: what it fails by; then: hawctl guest recover %s", g->spec->name);
}

static void explain_snaps(const struct core *c, struct lines *l, const struct guest *g) {
        usec_t next = snap_next(&c->model, g, c->wall);
        const struct guest_snaps *s = g->snaps;
        int good = s ? snap_known_good(s->list, s->n) : -1;
        char text[64];

        if (good >= 0)
                line(l, "a rollback would go to its snapshot %s", s->list[good].name);
        if (next != USEC_INFINITY) {
                format_duration(usec_sub(next, c->wall) / USEC_PER_SEC * USEC_PER_SEC, text,
                                sizeof(text));
                line(l, "its next snapshot is due %s%s%s", next <= c->wall ? "now" : "in ",
                     next <= c->wall ? "" : text,
                     s && s->n >= SNAPSHOTS_MAX ? ", but there are as many as can be: delete some"
                     : g->health != HEALTH_HEALTHY || g->incident ? ", once it is healthy"
                                                                  : "");
        }
        if (s && s->error[0])
                line(l, "the last of its snapshots is not done: %s", s->error);
}

static void explain_replica(const struct core *c, struct lines *l, const struct guest *g) {
        const struct replica *r = &g->replica;
        char text[TEXT_LEN];

        if (g->spec->conf.replica.mode == REPLICA_MODE_NONE)
                return;
        if (!replica_wanted(g)) {
                line(l, "its replica has no place yet: %s",
                     r->data ? "it is to go to the host that has its disks, or to none of the "
                               "cluster: hawctl replica add"
                             : "it starts first, then its disks are copied");
                return;
        }
        line(l, "its disks are on %s, their copy (%s) on %s is %s%s%s",
             model_host_name(&c->model, r->data), replica_mode_name(g->spec->conf.replica.mode),
             model_host_name(&c->model, r->host), replica_state_name(r->state),
             r->error[0] ? ": " : "", r->error);
        if (g->claims == 0 && g->desired == DESIRED_RUNNING) {
                struct promotion p = replica_judge(&c->model, g, false);

                promotion_text(&c->model, g, &p, text);
                line(l, "from its copy: %s", text);
        }
}

static void explain_waiting(const struct core *c, struct lines *l, const struct guest *g) {
        struct plan plan;
        struct place_result r;
        size_t gi = (size_t)(g - c->model.guests);

        for (uint32_t i = 0; i < g->spec->n_after; i++)
                line(l, "starts only after %s is healthy", g->spec->after[i]);
        plan_init(&plan, &c->model, c->config);
        pass_over_silent(c, &plan);
        if (g->spec->conf.replica.mode != REPLICA_MODE_NONE)
                line(l, "it starts only where its disks are, or from their copy");
        else if (place_guest(&plan.problem, (uint32_t)gi, NULL, &r) == PLACE_OK)
                line(l, "it would start on %s: %s", c->model.hosts[r.host].name, r.why);
        else
                line(l, "it cannot be placed now: %s", r.why);
        plan_free(&plan);
        if (g->start_error[0])
                line(l, "its latest start failed on %s", g->start_error);
        if (g->tried)
                for (size_t i = 0; i < c->model.n_hosts; i++)
                        if (g->tried & (1u << i))
                                line(l, "passed over for now: %s (it failed there)",
                                     c->model.hosts[i].name);
}

static void explain_claims(const struct core *c, struct lines *l, const struct guest *g) {
        for (size_t i = 0; i < c->model.n_hosts; i++) {
                const struct host *h = &c->model.hosts[i];

                if (!(g->claims & (1u << i)))
                        continue;
                line(l, "%s has the claim on it, given at ledger version %" PRIu64, h->name,
                     g->claim[i].version);
                explain_fencing(c, l, h);
        }
}

char *core_explain_guest(const struct core *c, const char *name) {
        const struct guest *g = NULL;
        struct lines l = {0};

        for (size_t i = 0; i < c->model.n_guests; i++)
                if (strcmp(c->model.guests[i].spec->name, name) == 0 ||
                    strcmp(c->model.guests[i].spec->uuid, name) == 0)
                        g = &c->model.guests[i];
        if (!g)
                return NULL;
        explain_missing(c, &l);
        line(&l, "%s is wanted %s and is %s: %s", g->spec->name, desired_name(g->desired),
             guest_state_name(g->state), g->reason[0] ? g->reason : "no reason recorded");
        if (g->host)
                line(&l, "%s %s: %s", g->claims ? "it is on" : "it was last on",
                     model_host_name(&c->model, g->host),
                     g->placed_why[0] ? g->placed_why : "no decision recorded");
        explain_claims(c, &l, g);
        explain_replica(c, &l, g);
        explain_recovery(c, &l, g);
        explain_snaps(c, &l, g);
        if (g->job_kind != JOB_NONE)
                line(&l, "under way: %s on %s", guest_job_name(g->job_kind),
                     model_host_name(&c->model, g->job_host));
        if (g->claims == 0 && g->desired == DESIRED_RUNNING && g->job_kind == JOB_NONE)
                explain_waiting(c, &l, g);
        return l.buf;
}
