/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Disks of guests that have a replica, and the copies of them, true to life: what has been written
 * and acknowledged, QEMU's end of a mirror on P, the server's on R, and the link between them.
 *
 *   link down    sync: the guest's writes wait; after the hold QEMU goes on alone. R's end notices
 *                a dead link by itself, and ends, well before. drbd: they wait for the ledger.
 *   server dead  sync, async: QEMU goes on alone at once
 *   P dead       nobody says so to R's end: it lives until it notices
 *
 * All is looked at once a second, when each guest that runs writes once.
 */
#include "hawd/sim/fault.h"
#include "hawd/sim/truth.h"

#define TICK_USEC USEC_PER_SEC
#define TELL_USEC (5 * USEC_PER_SEC)
#define NOTICE_PCT 40 /* of the hold: R's end ends when nothing came for so long */
#define GARBAGE UINT32_MAX
#define FAILS_PCT 5

static bool has_replica(const struct sim *s, int g) {
        return s->guests[g].conf->conf.replica.mode != REPLICA_MODE_NONE;
}

static enum replica_mode mode_of(const struct sim *s, int g) {
        return s->guests[g].conf->conf.replica.mode;
}

/* ---- what the adapters tell ---- */

static void told(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        int g = (int)(c->a & 0xffff);
        struct event ev = {.kind = EV_REPLICA};
        const struct guest *mg = truth_guest(s, core_model(h->core), g);
        char where[128];

        if (!mg)
                return;
        ev.replica.what = (enum replica_what)(c->a >> 16 & 0xffff);
        ev.replica.gid = mg->gid;
        ev.replica.serial = (uint32_t)(c->a >> 32);
        ev.replica.text = "as it is in the simulator";
        text_fmt(where, sizeof(where), "nbd://%s/%s-%u", h->name, s->guests[g].conf->name,
                 ev.replica.serial);
        if (ev.replica.what == TOLD_EXPORTED)
                ev.replica.where = where;
        else if (ev.replica.what == TOLD_ALIVE)
                ev.replica.loss = (uint32_t)c->b;
        else
                ev.replica.as_of = c->b;
        node_feed(s, h, &ev);
}

static void tell(struct sim *s, int host, int g, enum replica_what what, uint32_t serial,
                 uint64_t b) {
        uint64_t a = (uint64_t)g | (uint64_t)what << 16 | (uint64_t)serial << 32;

        if (s->hosts[host].core)
                sim_at(s, what == TOLD_FINAL ? 0 : USEC_PER_MSEC, OWNER_HAWD, host, told, a, b);
}

static void tell_mirror(struct sim *s, int g) {
        struct sim_copying *run = &s->guests[g].run;

        run->told_at = s->now;
        tell(s, run->p, g, run->in_step ? TOLD_IN_STEP : TOLD_COPYING, run->serial,
             run->in_step ? mode_of(s, g) == REPLICA_MODE_ASYNC ? run->as_of
                                                                : sim_wall(s, &s->hosts[run->p])
                          : 0);
}

/* ---- the two ends ---- */

static bool reaches(const struct sim_host *a, const struct sim_host *b) {
        return a->powered && b->powered && !a->frozen && !b->frozen && a->net == b->net &&
               !a->copies_cut && !b->copies_cut;
}

static bool link_up(const struct sim *s, const struct sim_copying *run) {
        return reaches(&s->hosts[run->p], &s->hosts[run->r]);
}

/* The QEMU that copies still is the one that began. */
static bool client_lives(const struct sim *s, int g) {
        const struct sim_copying *run = &s->guests[g].run;
        const struct domain *d = run->p < 0 ? NULL : &s->hosts[run->p].lv.dom[g];

        return d && (run->copying || run->in_step) && d->state != SEEN_GONE &&
               d->run == run->p_run && s->hosts[run->p].life == run->p_life;
}

static void server_ends(struct sim *s, int g, const char *why) {
        struct sim_copying *run = &s->guests[g].run;

        if (!run->server)
                return;
        sim_trace(s, &s->hosts[run->r], "the server of %s-%u ends: %s", s->guests[g].conf->name,
                  run->serial, why);
        run->server = false;
        tell(s, run->r, g, TOLD_EXPORT_ENDED, run->serial, 0);
}

static void client_ends(struct sim *s, int g, const char *why) {
        struct sim_copying *run = &s->guests[g].run;

        sim_trace(s, &s->hosts[run->p], "the mirror of %s-%u ends: %s", s->guests[g].conf->name,
                  run->serial, why);
        run->copying = run->in_step = run->waits = false;
        tell(s, run->p, g, TOLD_ENDED, run->serial, 0);
        if (link_up(s, run))
                server_ends(s, g, "its client has gone");
}

/* ---- writes ---- */

static struct sim_received *copy_of(struct sim *s, int g) {
        struct sim_copying *run = &s->guests[g].run;

        return &s->guests[g].copy[run->r];
}

static void acknowledged(struct sim *s, int g, int host) {
        struct sim_guest *guest = &s->guests[g];

        if (guest->truth.n == guest->cap_acked) {
                guest->cap_acked = guest->cap_acked ? 2 * guest->cap_acked : 256;
                guest->acked =
                        xreallocarray(guest->acked, guest->cap_acked, sizeof(guest->acked[0]));
        }
        guest->acked[guest->truth.n++] = s->now;
        guest->disk[host] = guest->truth;
}

static void write_once(struct sim *s, int g) {
        struct sim_guest *guest = &s->guests[g];
        struct sim_copying *run = &guest->run;
        int at = qemu_where(s, g, 0);
        const struct domain *d;
        bool both = client_lives(s, g) && mode_of(s, g) != REPLICA_MODE_ASYNC;

        for (; at >= 0 && s->hosts[at].lv.dom[g].by_person; at = qemu_where(s, g, at + 1))
                ;
        d = at < 0 ? NULL : &s->hosts[at].lv.dom[g];
        if (!d || s->hosts[at].frozen || d->state != SEEN_RUNNING ||
            memcmp(&guest->disk[at], &guest->truth, sizeof(guest->truth)) != 0)
                return;
        if (both && run->p == at && (!link_up(s, run) || !run->server))
                return; /* it waits */
        acknowledged(s, g, at);
        if (both && run->p == at && run->in_step)
                copy_of(s, g)->content = guest->truth;
}

/* ---- time goes on ---- */

static void begin_cycle(struct sim *s, int g) {
        struct sim_copying *run = &s->guests[g].run;

        run->cycle = s->guests[g].disk[run->p];
        run->cycle_wall = sim_wall(s, &s->hosts[run->p]);
        run->done_at = s->now + prng_range(&s->rng, 1, 5) * USEC_PER_SEC;
}

static void cycle(struct sim *s, int g) {
        struct sim_copying *run = &s->guests[g].run;

        if (s->now < run->done_at || !link_up(s, run) || !run->server)
                return;
        if (run->cycle_wall) {
                copy_of(s, g)->content = run->cycle;
                run->as_of = run->cycle_wall;
                run->cycle_wall = 0;
                run->done_at = s->now + s->guests[g].conf->conf.replica_lag_usec / 2;
                tell_mirror(s, g);
        } else {
                begin_cycle(s, g);
        }
}

static void client_tick(struct sim *s, int g) {
        struct sim_copying *run = &s->guests[g].run;
        bool up = link_up(s, run), drbd = mode_of(s, g) == REPLICA_MODE_DRBD;

        if (s->hosts[run->p].frozen)
                return;
        if (up && !run->server) {
                if (!drbd)
                        client_ends(s, g, "its server is gone");
                else if (!run->waits)
                        tell(s, run->p, g, TOLD_ENDED, run->serial, 0);
                run->waits = drbd;
                return;
        }
        if (!up && drbd && !run->waits) { /* the writes wait until the ledger knows */
                run->waits = true;
                tell(s, run->p, g, TOLD_ENDED, run->serial, 0);
        } else if (!up && !drbd && s->now - run->down_since >= run->hold) {
                client_ends(s, g, "its server did not answer for the whole hold");
        } else if (up && run->copying && s->now >= run->done_at) {
                run->copying = false;
                run->in_step = true;
                run->as_of = sim_wall(s, &s->hosts[run->p]);
                *copy_of(s, g) = (struct sim_received){
                        .serial = run->serial, .whole = true, .content = s->guests[g].disk[run->p]};
                s->stats.in_steps++;
                tell_mirror(s, g);
        } else if (up && run->in_step && mode_of(s, g) == REPLICA_MODE_ASYNC) {
                cycle(s, g);
        } else if (up && run->in_step && !run->waits && s->now - run->told_at >= TELL_USEC) {
                tell_mirror(s, g);
        }
}

static void server_tick(struct sim *s, int g) {
        struct sim_copying *run = &s->guests[g].run;
        const struct sim_host *r = &s->hosts[run->r];

        if (!r->powered || r->life != run->r_life) {
                run->server = false; /* it died with its host */
                return;
        }
        if (r->frozen || run->p < 0)
                return;
        if (link_up(s, run) && !client_lives(s, g))
                server_ends(s, g, "its client has gone");
        else if (!link_up(s, run) && mode_of(s, g) != REPLICA_MODE_DRBD &&
                 s->now - run->down_since >= run->hold * NOTICE_PCT / 100)
                server_ends(s, g, "nothing comes from its client");
}

static void tick(struct sim *s, const struct call *c) {
        (void)c;
        for (int g = 0; g < (int)s->n_guests; g++) {
                struct sim_copying *run = &s->guests[g].run;

                if (!has_replica(s, g))
                        continue;
                if (run->p >= 0 && run->r >= 0 && run->serial) {
                        if (link_up(s, run))
                                run->down_since = 0;
                        else if (run->down_since == 0)
                                run->down_since = s->now;
                }
                if (run->server)
                        server_tick(s, g);
                if (client_lives(s, g))
                        client_tick(s, g);
                write_once(s, g);
        }
        sim_at(s, TICK_USEC, OWNER_WORLD, -1, tick, 0, 0);
}

void copies_begin(struct sim *s) {
        bool any = false;

        for (int g = 0; g < (int)s->n_guests; g++) {
                s->guests[g].run.p = s->guests[g].run.r = -1;
                any |= has_replica(s, g);
        }
        if (any)
                sim_at(s, TICK_USEC, OWNER_WORLD, -1, tick, 0, 0);
}

/* ---- what the core asks for ---- */

static void export(struct sim *s, struct sim_host *h, int g, const struct action *a) {
        struct sim_guest *guest = &s->guests[g];

        if (guest->run.serial == a->replica.serial && guest->run.r == h->index) {
                tell(s, h->index, g, guest->run.server ? TOLD_EXPORTED : TOLD_EXPORT_ENDED,
                     a->replica.serial, 0);
                return;
        }
        if (a->replica.serial < guest->run.serial ||
            (!s->conf->calm && prng_chance(&s->rng, FAILS_PCT))) {
                tell(s, h->index, g, TOLD_FAILED, a->replica.serial, 0);
                return;
        }
        guest->run = (struct sim_copying){.serial = a->replica.serial,
                                          .p = -1,
                                          .r = h->index,
                                          .r_life = h->life,
                                          .server = true,
                                          .hold = a->replica.hold_usec};
        guest->copy[h->index] = (struct sim_received){.serial = a->replica.serial};
        tell(s, h->index, g, TOLD_EXPORTED, a->replica.serial, 0);
}

static void mirror(struct sim *s, struct sim_host *h, int g, const struct action *a) {
        struct sim_guest *guest = &s->guests[g];
        struct sim_copying *run = &guest->run;
        const struct domain *d = &h->lv.dom[g];

        if (run->serial == a->replica.serial && run->p == h->index && client_lives(s, g)) {
                tell_mirror(s, g);
                return;
        }
        if (run->serial != a->replica.serial || !run->server || run->p >= 0 ||
            d->state == SEEN_GONE || d->by_person || !reaches(h, &s->hosts[run->r])) {
                tell(s, h->index, g, TOLD_FAILED, a->replica.serial, 0);
                return;
        }
        truth_copied(s, h, g);
        run->p = h->index;
        run->p_run = d->run;
        run->p_life = h->life;
        run->copying = true;
        run->done_at = s->now + prng_range(&s->rng, 2, 20) * USEC_PER_SEC;
        run->hold = MIN(run->hold, a->replica.hold_usec);
        tell_mirror(s, g);
}

static void look(struct sim *s, struct sim_host *h, int g, const struct action *a) {
        struct sim_copying *run = &s->guests[g].run;
        bool this = run->serial == a->replica.serial;

        if (this && run->p == h->index && client_lives(s, g))
                tell_mirror(s, g);
        else if (this && run->r == h->index && run->server)
                tell(s, h->index, g, TOLD_ALIVE, a->replica.serial, a->replica.loss);
        else if (this && run->r == h->index && mode_of(s, g) == REPLICA_MODE_DRBD &&
                 copy_of(s, g)->whole)
                tell(s, h->index, g, TOLD_ALIVE, a->replica.serial, a->replica.loss);
        else if (s->guests[g].copy[h->index].serial == a->replica.serial)
                tell(s, h->index, g, TOLD_EXPORT_ENDED, a->replica.serial, 0);
        else
                tell(s, h->index, g, TOLD_ENDED, a->replica.serial, 0);
}

void copies_act(struct sim *s, struct sim_host *h, const struct action *a) {
        int g = sim_guest_index(s, a->replica.spec->uuid);
        struct sim_copying *run = &s->guests[g].run;
        bool this = run->serial == a->replica.serial;

        switch (a->replica.op) {
        case REPLICA_EXPORT:
                export(s, h, g, a);
                break;
        case REPLICA_MIRROR:
                mirror(s, h, g, a);
                break;
        case REPLICA_CHECK:
                look(s, h, g, a);
                break;
        case REPLICA_CANCEL:
                if (this && run->p == h->index && client_lives(s, g))
                        client_ends(s, g, "hawd ended it");
                else
                        tell(s, h->index, g, TOLD_ENDED, a->replica.serial, 0);
                break;
        case REPLICA_DROP:
                s->guests[g].copy[h->index] = (struct sim_received){0};
                /* fall through */
        case REPLICA_UNEXPORT:
                if (this && run->r == h->index)
                        server_ends(s, g, "hawd ended it");
                break;
        case REPLICA_OP_MAX_:
                break;
        }
}

/* It tells what it finds of the hawd before. */
void copies_hawd_starts(struct sim *s, struct sim_host *h) {
        for (int g = 0; g < (int)s->n_guests; g++) {
                struct sim_copying *run = &s->guests[g].run;
                struct sim_received *copy = &s->guests[g].copy[h->index];

                if (!has_replica(s, g))
                        continue;
                if (run->p == h->index && client_lives(s, g))
                        tell_mirror(s, g);
                if (copy->serial)
                        tell(s, h->index, g,
                             run->serial == copy->serial && run->r == h->index && run->server &&
                                             run->r_life == h->life
                                     ? TOLD_EXPORTED
                                     : TOLD_EXPORT_ENDED,
                             copy->serial, 0);
        }
}

void copies_final(struct sim *s, struct sim_host *h, int g) {
        struct sim_copying *run = &s->guests[g].run;
        const struct domain *d = &h->lv.dom[g];

        if (!has_replica(s, g) || run->p != h->index || !client_lives(s, g) || !run->in_step ||
            mode_of(s, g) == REPLICA_MODE_ASYNC || run->waits || !run->server || !link_up(s, run) ||
            d->state == SEEN_CRASHED)
                return;
        sim_trace(s, h, "the copy %s-%u is final", s->guests[g].conf->name, run->serial);
        tell(s, h->index, g, TOLD_FINAL, run->serial, sim_wall(s, h));
        run->copying = run->in_step = false;
        server_ends(s, g, "its client has ended in good order");
}

bool copies_promote(struct sim *s, struct sim_host *h, int g, uint32_t serial) {
        struct sim_guest *guest = &s->guests[g];
        struct sim_received *copy = &guest->copy[h->index];

        if (!serial || guest->promoted[h->index] == serial)
                return true;
        if (copy->serial != serial)
                return false;
        if (guest->run.serial == serial)
                server_ends(s, g, "promoted");
        sim_trace(s, h, "the copy %s-%u becomes its disk", guest->conf->name, serial);
        guest->disk[h->index] = copy->content;
        if (!copy->whole)
                guest->disk[h->index].story = GARBAGE;
        guest->promoted[h->index] = serial;
        *copy = (struct sim_received){0};
        s->stats.promotions++;
        return true;
}

bool copies_sees_disk(struct sim *s, const struct sim_host *h, int g) {
        struct sim_guest *guest = &s->guests[g];

        if (guest->home < 0)
                guest->home = h->index;
        return has_replica(s, g) || guest->home == h->index ||
               (!h->conf->local && !s->hosts[guest->home].conf->local);
}

void copies_fault(struct sim *s, const struct fault *f) {
        if (f->kind == FAULT_REPLICA_KILL)
                server_ends(s, f->guest, "killed");
        else
                s->hosts[f->host].copies_cut = f->kind == FAULT_REPLICA_CUT;
}
