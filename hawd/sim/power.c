/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Power, and standing still: of a host as a whole, or of one process that was sent SIGSTOP.
 *   off -> booting -> on (corosync, libvirtd and hawd start by themselves; guests do not)
 */
#include "hawd/sim/parts.h"

#define WATCHDOG_USEC (5 * USEC_PER_SEC) /* systemd's, over a hawd that hangs */

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
        for (int k = 0; k < SIM_DEVICES; k++)
                h->bmc[k].outlet_off = h->bmc[k].no_power = false;
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
        virtd_power_off(s, h);
        dog_power_off(h);
        h->frozen = h->cs.still = false;
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

static void go_on(struct sim *s, struct sim_host *h) {
        sim_release(s, h);
        node_rest(s, h);
        totem_changed(s);
}

void power_thaw(struct sim *s, struct sim_host *h) {
        if (!h->powered || !h->frozen)
                return;
        sim_trace(s, h, "thawed, %zu calls were held", h->n_held);
        h->frozen = false;
        go_on(s, h);
}

/* ---- one process ---- */

static void start_again(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];

        if (!h->hawd_off)
                node_start(s, h);
}

static void watchdog(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];

        if (!h->core || !h->hawd_still || h->hawd_life != c->a)
                return;
        sim_trace(s, h, "systemd ends a hawd that hangs");
        node_kill(s, h);
        sim_at(s, 200 * USEC_PER_MSEC, OWNER_HOST, h->index, start_again, 0, 0);
}

void hawd_freeze(struct sim *s, struct sim_host *h) {
        if (!h->core || h->hawd_still)
                return;
        sim_trace(s, h, "hawd stands still");
        s->stats.process_freezes++;
        h->hawd_still = true;
        sim_at(s, WATCHDOG_USEC + prng_below(&s->rng, 3 * USEC_PER_SEC), OWNER_HOST, h->index,
               watchdog, h->hawd_life, 0);
}

void hawd_thaw(struct sim *s, struct sim_host *h) {
        if (!h->core || !h->hawd_still)
                return;
        sim_trace(s, h, "hawd goes on, %zu messages wait", h->cs.n_in);
        h->hawd_still = false;
        if (!h->frozen)
                go_on(s, h);
}

void corosync_freeze(struct sim *s, struct sim_host *h) {
        if (!h->cs.up || h->cs.still)
                return;
        sim_trace(s, h, "corosync stands still");
        s->stats.process_freezes++;
        h->cs.still = true;
        totem_changed(s);
}

void corosync_thaw(struct sim *s, struct sim_host *h) {
        if (!h->cs.up || !h->cs.still)
                return;
        sim_trace(s, h, "corosync goes on");
        h->cs.still = false;
        if (!h->frozen)
                go_on(s, h);
}
