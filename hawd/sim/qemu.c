/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The guests' QEMU processes, true to life, and what libvirtd tells hawd of them. What libvirtd
 * could not tell (it hangs, or hawd is not connected) is not told later, but shows on connecting.
 */
#include "hawd/sim/parts.h"

int qemu_where(const struct sim *s, int g, int from) {
        for (size_t i = (size_t)from; i < s->n_hosts; i++)
                if (s->hosts[i].powered && s->hosts[i].lv.dom[g].state != SEEN_GONE)
                        return (int)i;
        return -1;
}

static enum end_why shown_why(const struct domain *d) {
        return d->state == SEEN_GONE ? d->end_why : d->ails_seen ? d->ails : END_NONE;
}

void qemu_seen(const struct sim *s, const struct sim_host *h, int g, struct domain_seen *ret) {
        const struct domain *d = &h->lv.dom[g];

        memset(ret, 0, sizeof(*ret));
        text_set(ret->uuid, UUID_LEN, s->guests[g].uuid);
        text_set(ret->name, NAME_LEN, s->guests[g].conf->name);
        ret->state = d->state;
        ret->end_why = shown_why(d);
        ret->wall = sim_wall(s, h);
        if (ret->end_why == END_HANG)
                ret->good_wall = usec_sub(ret->wall, s->guests[g].conf->conf.hang_after_usec);
}

static void told(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        struct event ev = {.kind = EV_DOMAIN};

        if (!h->lv.connected)
                return;
        qemu_seen(s, h, (int)c->a, &ev.domain);
        ev.domain.state = (enum seen_state)(c->b & 0xff);
        ev.domain.end_why = (enum end_why)(c->b >> 8);
        node_feed(s, h, &ev);
}

void qemu_tell(struct sim *s, struct sim_host *h, int g) {
        struct domain *d = &h->lv.dom[g];
        uint64_t what = (uint64_t)d->state | (uint64_t)shown_why(d) << 8;
        usec_t at;

        d->untold = h->lv.hung;
        if (!h->core || !h->lv.up || h->lv.hung || !h->lv.connected)
                return;
        /* One stream of events: as late as they are, they keep their order. */
        at = s->now + sim_delay(s, 3 * USEC_PER_MSEC);
        h->lv.told_at = MAX(h->lv.told_at + 1, at);
        sim_at(s, h->lv.told_at - s->now, OWNER_HAWD, h->index, told, (uint64_t)g, what);
}

static void tell_one_healthy(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        struct event ev = {.kind = EV_DOMAIN_HEALTHY};
        const struct domain *d = &h->lv.dom[c->a];

        if (!h->lv.connected || h->lv.hung || d->state != SEEN_RUNNING || !d->healthy)
                return;
        qemu_seen(s, h, (int)c->a, &ev.domain);
        node_feed(s, h, &ev);
}

void qemu_tell_healthy(struct sim *s, struct sim_host *h) {
        if (!h->core || !h->lv.connected)
                return;
        for (size_t g = 0; g < s->n_guests; g++)
                if (h->lv.dom[g].healthy)
                        sim_at(s, sim_delay(s, 5 * USEC_PER_MSEC), OWNER_HAWD, h->index,
                               tell_one_healthy, g, 0);
}

static void booted(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        struct domain *d = &h->lv.dom[c->a];

        if (d->state != SEEN_RUNNING || d->run != (uint32_t)c->b || d->ails != END_NONE)
                return;
        d->healthy = true;
        if (h->core && h->lv.connected)
                sim_at(s, sim_delay(s, 5 * USEC_PER_MSEC), OWNER_HAWD, h->index, tell_one_healthy,
                       c->a, 0);
}

void qemu_start(struct sim *s, struct sim_host *h, int g, bool by_person) {
        struct domain *d = &h->lv.dom[g];
        struct sim_guest *guest = &s->guests[g];

        if (by_person)
                s->stats.rogue_starts++;
        else
                truth_start(s, h, g);
        if (!by_person)
                truth_disk(s, h, g);
        sim_trace(s, h, "guest %s starts%s", guest->conf->name, by_person ? ", by a person" : "");
        s->stats.starts++;
        d->state = SEEN_RUNNING;
        d->defined = true;
        d->healthy = false;
        d->ails = END_NONE;
        d->ails_seen = false;
        d->by_person = by_person;
        d->since = s->now;
        d->run++;
        guest->starts = xreallocarray(guest->starts, guest->n_starts + 1, sizeof(guest->starts[0]));
        guest->starts[guest->n_starts++] = (struct sim_start){.at = s->now, .host = h->index};
        sim_at(s, guest->conf->boot_usec, OWNER_HOST, h->index, booted, (uint64_t)g, d->run);
        snaps_runs(s, h, g, by_person);
        ill_boots(s, h, g);
        qemu_tell(s, h, g);
}

void qemu_end(struct sim *s, struct sim_host *h, int g, enum end_why why) {
        struct domain *d = &h->lv.dom[g];

        if (d->state == SEEN_GONE)
                return;
        sim_trace(s, h, "guest %s ends: %s", s->guests[g].conf->name, end_why_name(why));
        snaps_ends(s, h, g);
        d->state = SEEN_GONE;
        d->end_why = why;
        d->healthy = false;
        d->run++;
        qemu_tell(s, h, g);
}

void qemu_pause(struct sim *s, struct sim_host *h, int g, bool pause) {
        struct domain *d = &h->lv.dom[g];

        if (d->state == SEEN_GONE)
                return;
        if (d->state == SEEN_CRASHED)
                return;
        d->state = pause ? SEEN_PAUSED : SEEN_RUNNING;
        if (!pause)
                ill_resumed(s, h, g);
        qemu_tell(s, h, g);
}
