/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The watchdog of a host: a timer of its own, which runs on while everything else there stands
 * still, by a clock of its own; and systemd's store, which keeps its descriptor when hawd dies.
 *
 * What arms it, sets it or closes it without 'V' feeds it, as in the kernel.
 */
#include "hawd/sim/parts.h"

#define DOG_KEPT_PCT 80 /* systemd has the descriptor; else it is closed with hawd */

static void run_out(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];

        if (!h->dog.armed || h->dog.serial != c->a)
                return;
        s->stats.dog_resets++;
        sim_trace(s, h, "its watchdog resets it");
        power_off(s, h);
        power_on(s, h);
}

static void feed(struct sim *s, struct sim_host *h) {
        usec_t t = h->dog.timeout;

        h->dog.serial++;
        t += (usec_t)((int64_t)(t / 1000) * h->conf->dog_permille);
        sim_at(s, t, OWNER_WORLD, h->index, run_out, h->dog.serial, 0);
}

static void tell(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        struct event ev = {.kind = EV_WATCHDOG,
                           .watchdog = {.armed = h->dog.open,
                                        .taken = c->a,
                                        .timeout_usec = h->dog.open ? h->dog.timeout : 0}};

        node_feed(s, h, &ev);
}

static void arm(struct sim *s, struct sim_host *h, usec_t timeout) {
        if (!h->dog.open)
                feed(s, h); /* by the open */
        h->dog.open = h->dog.armed = true;
        h->dog.timeout = timeout;
        feed(s, h);
}

void dog_act(struct sim *s, struct sim_host *h, const struct action *a) {
        if (sim_boottime(s, h) >= a->watchdog.until_usec) { /* the adapter's own last look */
                if (a->watchdog.op != WATCHDOG_PET)
                        sim_at(s, 0, OWNER_HAWD, h->index, tell, h->dog.taken, 0);
                return;
        }
        switch (a->watchdog.op) {
        case WATCHDOG_PET:
                if (h->dog.open)
                        feed(s, h);
                return;
        case WATCHDOG_ARM:
                arm(s, h, a->watchdog.timeout_usec);
                break;
        case WATCHDOG_DISARM:
                h->dog.open = h->dog.armed = false;
                break;
        }
        h->dog.taken = false;
        sim_at(s, 0, OWNER_HAWD, h->index, tell, false, 0);
}

/* Before it comes to the ring. */
void dog_hawd_starts(struct sim *s, struct sim_host *h) {
        h->dog.open = h->dog.taken = h->dog.kept;
        h->dog.kept = false;
        if (h->dog.open)
                sim_at(s, 0, OWNER_HAWD, h->index, tell, true, 0);
}

void dog_hawd_gone(struct sim *s, struct sim_host *h, bool for_good) {
        if (!h->dog.open)
                return;
        h->dog.open = false;
        h->dog.kept = !for_good && prng_chance(&s->rng, DOG_KEPT_PCT);
        if (!h->dog.kept)
                feed(s, h);
}

void dog_power_off(struct sim_host *h) {
        h->dog = (struct dog){.serial = h->dog.serial + 1};
}
