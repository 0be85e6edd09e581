/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Changes of the ring's configuration.
 *
 * Those who leave an old configuration together deliver the same of it: all up to a cut that is
 * not before what any of them has received, and behind it what they sent themselves (what a lost
 * member sent last may be missing: it may have delivered that alone). Then each sees who left the
 * group, who joined it, the new ring id, and, on the other descriptor, the quorum.
 */
#include "hawd/sim/sim.h"

static uint32_t component(const struct sim *s, const struct sim_host *h) {
        uint32_t comp = 0;

        for (size_t i = 0; i < s->n_hosts; i++) {
                const struct sim_host *m = &s->hosts[i];

                if (m->cs.up && !m->frozen && totem_reachable(h, m))
                        comp |= 1U << i;
        }
        return comp;
}

static void check_ring(struct sim *s, const struct call *c);

static void check_later(struct sim *s, const struct sim_host *h, usec_t delay) {
        sim_at(s, delay, OWNER_WORLD, h->index, check_ring, 0, 0);
}

static bool formed(const struct sim *s, uint32_t comp) {
        const struct totem *conf = NULL;

        for (size_t i = 0; i < s->n_hosts; i++) {
                if (!(comp & 1U << i))
                        continue;
                if (!s->hosts[i].cs.conf || (conf && s->hosts[i].cs.conf != conf))
                        return false;
                conf = s->hosts[i].cs.conf;
        }
        return conf && conf->members == comp;
}

static void check_ring(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        uint32_t comp, own = 0;

        if (!h->cs.up || h->frozen)
                return;
        comp = component(s, h);
        if (formed(s, comp))
                return;
        for (size_t i = 0; i < s->n_hosts; i++)
                if (comp & 1U << i && s->hosts[i].cs.conf == h->cs.conf)
                        own |= 1U << i;
        /* Sometimes those who know each other form a ring of their own first. */
        if (own != comp && !formed(s, own) && prng_chance(&s->rng, 30)) {
                totem_form(s, own);
                check_later(s, h, prng_range(&s->rng, 200, 900) * USEC_PER_MSEC);
                return;
        }
        totem_form(s, comp);
}

static bool meets_others(const struct sim *s, const struct sim_host *h) {
        uint32_t comp = component(s, h);

        for (size_t i = 0; i < s->n_hosts; i++)
                if (comp & 1U << i && (!h->cs.conf || s->hosts[i].cs.conf != h->cs.conf))
                        return true;
        return false;
}

static usec_t merge_delay(struct sim *s) {
        usec_t d = s->conf->detect_usec;

        if (!s->conf->calm && prng_chance(&s->rng, 30))
                return prng_range(&s->rng, 1, 50) * USEC_PER_MSEC;
        return prng_range(&s->rng, d / 10, d * 6 / 10);
}

/* Coming is noticed sooner than going, which takes the token's time-out. */
void totem_changed(struct sim *s) {
        usec_t d = s->conf->detect_usec;

        for (size_t i = 0; i < s->n_hosts; i++) {
                struct sim_host *h = &s->hosts[i];

                if (!h->cs.up)
                        continue;
                totem_resume(s, h);
                check_later(s, h, s->conf->calm ? d : prng_range(&s->rng, d * 9 / 10, d * 23 / 20));
                if (!h->frozen && meets_others(s, h))
                        check_later(s, h, merge_delay(s));
        }
}

/* ---- forming ---- */

struct cut {
        const struct totem *old;
        size_t at;
};

static size_t choose_cut(struct sim *s, const struct totem *old, uint32_t comp) {
        size_t from = 0;

        for (size_t i = 0; i < s->n_hosts; i++)
                if (comp & 1U << i && s->hosts[i].cs.conf == old)
                        from = MAX(from, s->hosts[i].cs.received);
        switch (prng_below(&s->rng, 4)) {
        case 0:
                return from;
        case 1:
                return prng_range(&s->rng, from, old->n);
        default:
                return old->n;
        }
}

/* What @h still delivers of its old configuration before it leaves it with @mates. */
static void flush(struct sim *s, struct sim_host *h, uint32_t mates, size_t cut) {
        const struct totem *old = h->cs.conf;

        for (size_t k = h->cs.received; k < old->n; k++)
                if (k < cut || mates & 1U << old->log[k].from)
                        totem_receive(s, h, &old->log[k]);
        h->cs.received = old->n;
}

static uint32_t mates_of(const struct sim *s, const struct sim_host *h, uint32_t comp) {
        uint32_t mates = 1U << h->index;

        for (size_t i = 0; h->cs.conf && i < s->n_hosts; i++)
                if (comp & 1U << i && s->hosts[i].cs.conf == h->cs.conf)
                        mates |= 1U << i;
        return mates;
}

static void see_leavers(struct sim *s, struct sim_host *h, uint32_t mates) {
        bool any = false;

        for (size_t i = 0; i < s->n_hosts; i++) {
                if (h->cs.view[i] && !(mates & 1U << i)) {
                        h->cs.view[i] = 0;
                        any = true;
                }
        }
        if (any)
                totem_push_group(s, h);
}

static void see_joiners(struct sim *s, struct sim_host *h, uint32_t comp, uint32_t mates,
                        const uint32_t *joined, bool one_by_one) {
        bool any = false;

        for (size_t i = 0; i < s->n_hosts; i++) {
                if (!(comp & 1U << i) || mates & 1U << i || !joined[i])
                        continue;
                h->cs.view[i] = joined[i];
                any = true;
                if (one_by_one)
                        totem_push_group(s, h);
        }
        if (any && !one_by_one)
                totem_push_group(s, h);
}

static struct totem *conf_new(struct sim *s, uint32_t comp) {
        struct totem *c = xcalloc(1, sizeof(*c));

        s->ring_seq += 4;
        c->id.seq = s->ring_seq;
        c->id.nodeid = s->hosts[__builtin_ctz(comp)].nodeid;
        c->members = comp;
        s->stats.views++;
        return c;
}

static void enter(struct sim *s, struct sim_host *h, struct totem *conf) {
        struct inbox_item *it;

        h->cs.conf = totem_conf_unref(h->cs.conf);
        h->cs.conf = conf;
        conf->refs++;
        h->cs.received = 0;
        if (h->core && h->cs.joined == h->pid) {
                it = totem_push(s, h);
                it->kind = INBOX_RING;
                it->ring = conf->id;
                it->members = conf->members;
        }
        totem_say_quorum(s, h);
        totem_token(s, h, prng_range(&s->rng, 2, 20) * USEC_PER_MSEC);
}

void totem_form(struct sim *s, uint32_t comp) {
        struct totem *conf = conf_new(s, comp);
        struct cut cuts[SIM_HOSTS_MAX];
        uint32_t mates[SIM_HOSTS_MAX] = {0}, joined[SIM_HOSTS_MAX] = {0};
        bool one_by_one = prng_chance(&s->rng, 50);
        size_t n_cuts = 0;

        sim_trace(s, NULL, "ring %u.%" PRIu64 " forms, members %#x", conf->id.nodeid, conf->id.seq,
                  comp);
        for (size_t i = 0; i < s->n_hosts; i++) {
                struct sim_host *h = &s->hosts[i];
                size_t k = 0;

                if (!(comp & 1U << i))
                        continue;
                mates[i] = mates_of(s, h, comp);
                if (!h->cs.conf)
                        continue;
                while (k < n_cuts && cuts[k].old != h->cs.conf)
                        k++;
                if (k == n_cuts)
                        cuts[n_cuts++] = (struct cut){.old = h->cs.conf,
                                                      .at = choose_cut(s, h->cs.conf, comp)};
                flush(s, h, mates[i], cuts[k].at);
        }
        for (size_t i = 0; i < s->n_hosts; i++)
                if (comp & 1U << i && s->hosts[i].core && s->hosts[i].cs.joined == s->hosts[i].pid)
                        joined[i] = s->hosts[i].pid;
        for (size_t i = 0; i < s->n_hosts; i++) {
                if (!(comp & 1U << i))
                        continue;
                see_leavers(s, &s->hosts[i], mates[i]);
                see_joiners(s, &s->hosts[i], comp, mates[i], joined, one_by_one);
        }
        for (size_t i = 0; i < s->n_hosts; i++)
                if (comp & 1U << i)
                        enter(s, &s->hosts[i], conf);
}
