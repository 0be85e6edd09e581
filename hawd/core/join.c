/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Before this host counts as online (S5): the hawd that starts, or that was lost, says so, drains
 * what an earlier one may have left in libvirt, stops what runs without a claim, and reports. Pure.
 *
 *   join said -> own work ended -> every guest settled -> report said -> (leader) online
 */
#include "hawd/core/priv.h"

#define SETTLE_RETRY_USEC (5 * USEC_PER_SEC)

/* One that stops joins no more; but only a host that is present can say that it goes, and take back
 * what it, or the hawd before it, said of its watchdog. */
static bool stops(struct core *c) {
        const struct host *self = core_self(c);

        if (!c->stopping || !watchdog_holds_stop(c))
                return c->stopping;
        return self && self->incarnation == c->incarnation &&
               (host_present(self) || self->left_announced);
}

/* A new hawd, or one that the others gave up: what the ledger holds of this host is not its own. */
bool join_needed(struct core *c) {
        struct host *self = core_self(c);

        if (!self || stops(c))
                return false;
        if (self->incarnation != c->incarnation)
                return true;
        switch (self->state) {
        case HOST_NEW:
        case HOST_LOST:
        case HOST_FENCING:
        case HOST_OFF:
        case HOST_UNSUPERVISED:
        case HOST_AWAY:
                return true;
        default:
                return false;
        }
}

/* What the configuration says wins; what libvirt has not said yet is as it was the last time. */
static struct host_facts own_facts(struct core *c, const struct host *self) {
        const struct conf_host *h = config_host(c->config, self->name);
        struct host_facts f = {.vcpus = self->facts.vcpus, .memory_mib = self->facts.memory_mib};

        if (c->load_known) {
                f.vcpus = c->vcpus;
                f.memory_mib = c->memory_mib;
        }
        if (h && h->vcpus)
                f.vcpus = h->vcpus;
        if (h && h->memory_mib)
                f.memory_mib = h->memory_mib;
        f.config_hash = c->config->hash;
        text_set(f.hawd_version, sizeof(f.hawd_version), c->hawd_version);
        text_set(f.labels, sizeof(f.labels), h ? h->labels : "");
        text_set(f.dmi, sizeof(f.dmi), c->dmi);
        return f;
}

/* The file was read anew, or the machine has changed. */
static void say_facts(struct core *c, const struct host *self, const struct host_facts *f) {
        struct entry *e;
        struct op *op;

        if (f->vcpus == self->facts.vcpus && f->memory_mib == self->facts.memory_mib &&
            f->config_hash == self->facts.config_hash &&
            strcmp(f->labels, self->facts.labels) == 0 && strcmp(f->dmi, self->facts.dmi) == 0)
                return;
        if (c->facts_told && c->now < usec_add(c->facts_told, RESEND_USEC)) {
                wake_at(c, usec_add(c->facts_told, RESEND_USEC));
                return;
        }
        c->facts_told = MAX(c->now, 1);
        e = observation(c, OP_HOST_FACTS, &op);
        op->incarnation = c->incarnation;
        op->facts = *f;
        log_propose(c, e);
}

static void say_join(struct core *c, const struct host_facts *facts) {
        struct entry *e;
        struct op *op;

        if (c->join_told && c->now < usec_add(c->join_told, RESEND_USEC)) {
                wake_at(c, usec_add(c->join_told, RESEND_USEC));
                return;
        }
        c->join_told = MAX(c->now, 1);
        c->report_told = 0;
        wake_at(c, usec_add(c->join_told, RESEND_USEC));
        e = observation(c, OP_HOST_JOIN, &op);
        op->incarnation = c->incarnation;
        op->facts = *facts;
        log_propose(c, e);
}

/*
 * It waits for libvirt, or its joining would call off the fencing of a host that cannot settle its
 * guests. One that nobody has lost joins at once when its size is known: a hawd that restarts while
 * libvirt hangs is joining then, and gets no guest that would hang with it.
 */
static bool may_join(const struct core *c, const struct host *self) {
        if (self->fence_forced)
                return false;
        if (c->libvirt_up)
                return c->load_known;
        return (host_serves(self) || self->state == HOST_UNSUPERVISED) && self->facts.vcpus &&
               self->facts.memory_mib;
}

/* Work of before: not begun, it is called off; begun, it is waited for. Results of jobs are for
 * nobody any more, since joining took the jobs away. */
static bool own_work_ended(struct core *c) {
        bool busy = false;

        work_cancel_all(c);
        for (size_t i = 0; i < c->n_works;) {
                struct work *w = &c->works[i];

                if (w->use == WORK_DUMP || w->use == WORK_SETTLE ||
                    (w->use == WORK_ROGUE && w->done && w->result == RESULT_DONE)) {
                        i++; /* those are waited for later */
                } else if (w->done) {
                        work_remove(c, i);
                } else {
                        busy = true;
                        i++;
                }
        }
        return !busy;
}

static struct work *settle_of(struct core *c, uint32_t gid) {
        for (size_t i = 0; i < c->n_works; i++)
                if (c->works[i].use == WORK_SETTLE && c->works[i].gid == gid)
                        return &c->works[i];
        return NULL;
}

/* One guest: true once nothing asked of libvirt earlier can change what is reported. */
static bool settle(struct core *c, struct guest *g, bool claimed) {
        struct domain *dom = executor_find(c, g->spec->uuid);
        struct work *w = settle_of(c, g->gid);
        struct action *a;

        bool live = dom && dom->seen.state != SEEN_GONE;

        if (!claimed && (!dom || g->desired == DESIRED_IGNORED))
                return true; /* not known to libvirt, or not ours to touch */
        if (w && w->done && w->result == RESULT_DONE)
                return true;
        if (w && !w->done)
                return false;
        if (w) { /* libvirt did not answer: once more, after a while */
                usec_t next = usec_add(c->settle_retry, SETTLE_RETRY_USEC);

                if (c->now < next) {
                        wake_at(c, next);
                        return false;
                }
                work_remove(c, (size_t)(w - c->works));
        }
        c->settle_retry = c->now;
        w = work_add(c, WORK_SETTLE, g->gid, g->spec->uuid);
        w->kind = live && !claimed ? JOB_STOP : JOB_NONE; /* a rogue copy, said afterwards */
        a = work_begin(c, w, GJOB_SETTLE);
        a->guest_job.keep_running = claimed;
        text_set(a->guest_job.name, sizeof(a->guest_job.name), g->spec->name);
        return false;
}

static bool all_settled(struct core *c, uint32_t self_bit) {
        bool all = true;

        for (size_t i = 0; i < c->model.n_guests; i++) {
                struct guest *g = &c->model.guests[i];

                all &= settle(c, g, (g->claims & self_bit) != 0);
        }
        return all;
}

static void forget_settles(struct core *c) {
        for (size_t i = 0; i < c->n_works;)
                if (c->works[i].use == WORK_SETTLE && c->works[i].done)
                        work_remove(c, i);
                else
                        i++;
}

static void say_report(struct core *c, uint32_t self_bit) {
        struct entry *e;
        struct op *op;

        if (c->report_told && c->now < usec_add(c->report_told, RESEND_USEC)) {
                wake_at(c, usec_add(c->report_told, RESEND_USEC));
                return;
        }
        c->report_told = MAX(c->now, 1);
        wake_at(c, usec_add(c->report_told, RESEND_USEC));
        e = observation(c, OP_HOST_REPORT, &op);
        op->incarnation = c->incarnation;
        op->seen_list = xcalloc(c->model.n_guests + 1, sizeof(*op->seen_list));
        for (size_t i = 0; i < c->model.n_guests; i++) {
                struct guest *g = &c->model.guests[i];
                struct domain *dom = executor_find(c, g->spec->uuid);

                if (!(g->claims & self_bit) || !dom || dom->seen.state == SEEN_GONE)
                        continue;
                op->seen_list[op->n_seen++] =
                        (struct seen){.gid = g->gid, .state = dom->seen.state};
        }
        log_propose(c, e);
}

/* Copies that ran without a claim were stopped by their settle: each is said, as that of any other,
 * and the ledger has it before the report. */
static bool rogues_said(struct core *c) {
        size_t n = c->n_works;
        bool all = true;

        for (size_t i = 0; i < n; i++) {
                struct work w = c->works[i];

                all &= w.use != WORK_ROGUE;
                if (w.use != WORK_SETTLE || w.kind != JOB_STOP)
                        continue;
                c->works[i].kind = JOB_NONE;
                w.use = WORK_ROGUE;
                w.told = 0;
                *work_add(c, WORK_ROGUE, w.gid, w.uuid) = w;
                all = false;
        }
        return all;
}

void join_tick(struct core *c) {
        struct host *self = core_self(c);
        struct host_facts facts;
        uint32_t self_bit;

        if (!self || !core_operational(c) || stops(c))
                return;
        self_bit = 1u << model_host_index(&c->model, c->nodeid);
        facts = own_facts(c, self);
        if (join_needed(c)) {
                forget_settles(c);
                if (may_join(c, self))
                        say_join(c, &facts);
                return;
        }
        if (self->state != HOST_JOINING || self->reported) {
                c->join_told = 0;
                forget_settles(c);
                say_facts(c, self, &facts);
                return;
        }
        if (!c->libvirt_up) {
                c->join_told = 0;
                return;
        }
        if (facts.vcpus != self->facts.vcpus || facts.memory_mib != self->facts.memory_mib) {
                say_join(c, &facts); /* it joined before libvirt told its size */
                return;
        }
        c->join_told = 0;
        if (!own_work_ended(c) || !all_settled(c, self_bit))
                return;
        if (rogues_said(c))
                say_report(c, self_bit);
}
