/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libvirtd itself on each host: it is connected to, hangs, goes on, is restarted, dies with power.
 */
#include "hawd/sim/parts.h"

static void connected(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        _cleanup_(freep) struct domain_seen *list = NULL;
        struct event ev = {.kind = EV_LIBVIRT_UP};

        if (h->lv.connected)
                return;
        if (!h->lv.up || h->lv.hung) {
                virtd_connect(s, h, USEC_PER_SEC);
                return;
        }
        h->lv.connected = true;
        list = xcalloc(s->n_guests + 1, sizeof(*list));
        for (size_t g = 0; g < s->n_guests; g++)
                if (h->lv.dom[g].state != SEEN_GONE || h->lv.dom[g].defined)
                        qemu_seen(s, h, (int)g, &list[ev.libvirt.n_domains++]);
        ev.libvirt.domains = list;
        node_feed(s, h, &ev);
        qemu_tell_healthy(s, h);
}

void virtd_connect(struct sim *s, struct sim_host *h, usec_t delay) {
        sim_at(s, delay, OWNER_HAWD, h->index, connected, 0, 0);
}

static void disconnect(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        struct event ev = {.kind = EV_LIBVIRT_DOWN};

        if (!h->lv.connected)
                return;
        h->lv.connected = false;
        for (size_t i = 0; i < h->lv.n_jobs; i++)
                if (h->lv.jobs[i].stage == STAGE_CALLED)
                        virtd_report(s, h, &h->lv.jobs[i], RESULT_UNSETTLED);
        virtd_connect(s, h, USEC_PER_SEC);
        node_feed(s, h, &ev);
}

static void keepalive(struct sim *s, const struct call *c) {
        if (s->hosts[c->host].lv.hung)
                disconnect(s, c);
}

void virtd_hang(struct sim *s, struct sim_host *h) {
        if (!h->lv.up || h->lv.hung)
                return;
        sim_trace(s, h, "libvirtd hangs");
        h->lv.hung = true;
        if (h->core)
                sim_at(s, 15 * USEC_PER_SEC, OWNER_HAWD, h->index, keepalive, 0, 0);
}

void virtd_resume(struct sim *s, struct sim_host *h) {
        if (!h->lv.up || !h->lv.hung)
                return;
        sim_trace(s, h, "libvirtd goes on");
        h->lv.hung = false;
        for (size_t g = 0; g < s->n_guests; g++)
                if (h->lv.dom[g].untold)
                        qemu_tell(s, h, (int)g);
        qemu_tell_healthy(s, h);
        for (size_t i = 0; i < h->lv.n_jobs; i++)
                if (h->lv.jobs[i].ripe)
                        sim_at(s, sim_delay(s, 20 * USEC_PER_MSEC), OWNER_LIBVIRTD, h->index,
                               virtd_effect, h->lv.jobs[i].seq, 0);
}

/* Killed and started again: what it was doing is gone, or was just done. */
void virtd_restart(struct sim *s, struct sim_host *h) {
        if (!h->lv.up)
                return;
        sim_trace(s, h, "libvirtd restarts");
        h->lv.hung = false;
        h->lv.slow = false;
        if (h->core)
                sim_at(s, 0, OWNER_HAWD, h->index, disconnect, 0, 0);
        h->lv.life++;
        for (size_t i = 0; i < h->lv.n_jobs;) {
                struct lv_job j = h->lv.jobs[i];

                if (j.stage != STAGE_CALLED) {
                        i++;
                        continue;
                }
                if (!j.reported)
                        virtd_report(s, h, &h->lv.jobs[i], RESULT_UNSETTLED);
                virtd_job_remove(h, j.seq);
                if (j.op == GJOB_START && prng_chance(&s->rng, 30))
                        (void)virtd_start(s, h, &j);
        }
}

void virtd_power_off(struct sim *s, struct sim_host *h) {
        h->lv.n_jobs = 0;
        h->lv.connected = false;
        h->lv.life++;
        for (size_t g = 0; g < s->n_guests; g++) {
                struct domain *d = &h->lv.dom[g];

                if (d->state != SEEN_GONE)
                        d->end_why = END_UNKNOWN;
                d->state = SEEN_GONE;
                d->healthy = false;
                d->run++;
        }
}
