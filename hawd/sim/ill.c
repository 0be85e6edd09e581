/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Guests that fail though their QEMU is there, true to life: one that hangs (seen after
 * hang-after), whose watchdog ran out, whose kernel panicked, whose disk fails; and hosts that lose
 * their storage.
 */
#include "hawd/sim/fault.h"

#define RETRY_USEC (300 * USEC_PER_MSEC) /* a resumed guest comes to its disk again */

static bool same_run(const struct domain *d, uint64_t run) {
        return d->state == SEEN_RUNNING && d->run == (uint32_t)run;
}

static void hang_seen(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        struct domain *d = &h->lv.dom[c->a];

        if (!same_run(d, c->b) || d->ails != END_HANG)
                return;
        d->ails_seen = true;
        qemu_tell(s, h, (int)c->a);
}

static void io_error(struct sim *s, struct sim_host *h, int g) {
        struct domain *d = &h->lv.dom[g];

        sim_trace(s, h, "guest %s: I/O error", s->guests[g].conf->name);
        d->state = SEEN_PAUSED;
        d->ails = END_IO_ERROR;
        d->ails_seen = true;
        s->stats.ills++;
        qemu_tell(s, h, g);
}

static void comes_to_its_disk(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        struct domain *d = &h->lv.dom[c->a];

        if (h->storage_lost && same_run(d, c->b) && d->ails == END_NONE)
                io_error(s, h, (int)c->a);
}

void ill_resumed(struct sim *s, struct sim_host *h, int g) {
        struct domain *d = &h->lv.dom[g];

        if (d->ails == END_IO_ERROR)
                d->ails = END_NONE;
        d->ails_seen = d->ails != END_NONE;
        if (h->storage_lost)
                sim_at(s, prng_below(&s->rng, RETRY_USEC), OWNER_HOST, h->index, comes_to_its_disk,
                       (uint64_t)g, d->run);
}

void ill_storage(struct sim *s, struct sim_host *h, bool lost) {
        h->storage_lost = lost;
        for (size_t g = 0; lost && g < s->n_guests; g++)
                sim_at(s, prng_below(&s->rng, 3 * USEC_PER_SEC), OWNER_HOST, h->index,
                       comes_to_its_disk, g, h->lv.dom[g].run);
}

static void dies_again(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];

        if (same_run(&h->lv.dom[c->a], c->b))
                qemu_end(s, h, (int)c->a, END_FAILED);
}

void ill_boots(struct sim *s, struct sim_host *h, int g) {
        const struct sim_guest *guest = &s->guests[g];

        if (s->now < guest->loop_until)
                sim_at(s, guest->conf->boot_usec / 2, OWNER_HOST, h->index, dies_again, (uint64_t)g,
                       h->lv.dom[g].run);
}

void ill_fault(struct sim *s, const struct fault *f) {
        int at = qemu_where(s, f->guest, 0);
        struct sim_host *h = at < 0 ? NULL : &s->hosts[at];
        struct domain *d = at < 0 ? NULL : &h->lv.dom[f->guest];

        if (f->kind == FAULT_GUEST_LOOP)
                s->guests[f->guest].loop_until =
                        f->arg ? s->now + f->arg * USEC_PER_MSEC : USEC_INFINITY;
        if (at < 0 || h->frozen || d->state != SEEN_RUNNING || d->ails != END_NONE)
                return;
        switch (f->kind) {
        case FAULT_GUEST_LOOP:
                qemu_end(s, h, f->guest, END_FAILED);
                return;
        case FAULT_GUEST_IO:
                io_error(s, h, f->guest);
                return;
        case FAULT_GUEST_HANG:
                d->ails = END_HANG;
                sim_at(s, s->guests[f->guest].conf->conf.hang_after_usec, OWNER_HOST, at, hang_seen,
                       (uint64_t)f->guest, d->run);
                break;
        case FAULT_GUEST_WATCHDOG:
                d->ails = END_WATCHDOG;
                break;
        default:
                d->ails = END_CRASHED;
                d->state = SEEN_CRASHED;
        }
        s->stats.ills++;
        d->healthy = false;
        d->ails_seen = d->ails != END_HANG;
        if (d->ails_seen)
                qemu_tell(s, h, f->guest);
}
