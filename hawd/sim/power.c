/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Power, freezing and thawing of a host as a whole.
 *   off -> booting -> on (corosync, libvirtd and hawd start by themselves; guests do not)
 */
#include "hawd/sim/sim.h"

static void late_hawd(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];

        if (!h->core && !h->hawd_off)
                node_start(s, h);
}

static void booted(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];

        h->lv.up = true;
        h->lv.hung = h->lv.slow = false;
        h->lv.life++;
        corosync_start(s, h);
        h->hawd_off = false;
        sim_at(s, sim_delay(s, 300 * USEC_PER_MSEC), OWNER_HOST, h->index, late_hawd, 0, 0);
}

void power_on(struct sim *s, struct sim_host *h) {
        usec_t boot = s->conf->boot_usec;

        if (h->powered)
                return;
        sim_trace(s, h, "power on");
        s->stats.power_ons++;
        h->powered = true;
        h->life++;
        h->booted_at = s->now;
        h->back_at = s->now;
        h->dark = false;
        h->shutdown = h->reboot = false;
        if (s->zero)
                boot = prng_range(&s->rng, boot * 3 / 4, boot * 5 / 4);
        else
                boot = 0; /* up when the story begins */
        sim_at(s, boot, OWNER_HOST, h->index, booted, 0, 0);
}

void power_off(struct sim *s, struct sim_host *h) {
        if (!h->powered)
                return;
        sim_trace(s, h, "power off");
        /* What it sent last got out, or did not. */
        h->dark = prng_chance(&s->rng, 50);
        if (h->core)
                node_kill(s, h);
        bmc_hawd_gone(h);
        virtd_power_off(h);
        h->frozen = false;
        h->n_held = 0;
        h->powered = false;
        h->life++;
        h->off_at = s->now;
        h->back_at = 0;
        h->lv.up = false;
        if (h->cs.up)
                corosync_kill(s, h);
}

void power_freeze(struct sim *s, struct sim_host *h) {
        if (!h->powered || h->frozen)
                return;
        sim_trace(s, h, "frozen");
        s->stats.freezes++;
        h->frozen = true;
        totem_changed(s);
}

/* Each process goes on by itself; what one process had queued keeps its order. */
void power_thaw(struct sim *s, struct sim_host *h) {
        usec_t at[OWNER_MAX_];

        if (!h->powered || !h->frozen)
                return;
        sim_trace(s, h, "thawed, %zu calls were held", h->n_held);
        h->frozen = false;
        h->deadline = MAX(h->deadline, s->now);
        for (int o = 0; o < OWNER_MAX_; o++)
                at[o] = s->now + prng_below(&s->rng, 20 * USEC_PER_MSEC);
        for (size_t i = 0; i < h->n_held; i++) {
                struct call c = h->held[i];

                at[c.owner] += prng_below(&s->rng, 500);
                c.at = at[c.owner];
                queue_add(&s->queue, c);
        }
        h->n_held = 0;
        /* What comes now on the same descriptors comes behind what waited there. */
        h->cs.quorum_at = MAX(h->cs.quorum_at, at[OWNER_HAWD]);
        h->lv.told_at = MAX(h->lv.told_at, at[OWNER_HAWD]);
        totem_changed(s);
}
