/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Changes of the ring's configuration.
 *
 * Those who leave an old configuration together deliver the same of it: all up to a cut that is
 * not before what any of them has received, and behind it what they sent themselves (what a lost
 * member sent last may be missing: it may have delivered that alone). Then each sees who left the
 * group, who joined it, the new ring id, and, on the other descriptor, the quorum. A member may
 * come to see it somewhat later than the others, or never, when the next change comes first.
 */
#include "hawd/sim/parts.h"

/* The configuration that it is in, or about to be. */
static struct totem *conf_of(const struct sim_host *h) {
        return h->cs.entering.conf ? h->cs.entering.conf : h->cs.conf;
}

static uint32_t component(const struct sim *s, const struct sim_host *h) {
        uint32_t comp = 0;

        for (size_t i = 0; i < s->n_hosts; i++) {
                const struct sim_host *m = &s->hosts[i];

                if (m->cs.up && !sim_still(m, OWNER_COROSYNC) && totem_reachable(h, m) &&
                    (m == h || (nodelist_has(s, m) && nodelist_has(s, h))))
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
                if (!conf_of(&s->hosts[i]) || (conf && conf_of(&s->hosts[i]) != conf))
                        return false;
                conf = conf_of(&s->hosts[i]);
        }
        return conf && conf->members == comp;
}

static void check_ring(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        uint32_t comp, own = 0;

        if (!h->cs.up || sim_still(h, OWNER_COROSYNC))
                return;
        comp = component(s, h);
        if (formed(s, comp))
                return;
        for (size_t i = 0; i < s->n_hosts; i++)
                if (comp & 1U << i && conf_of(&s->hosts[i]) == conf_of(h))
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
                if (comp & 1U << i && (!conf_of(h) || conf_of(&s->hosts[i]) != conf_of(h)))
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
                if (!sim_still(h, OWNER_COROSYNC) && meets_others(s, h))
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
        votes_ring(s, h);
        totem_token(s, h, prng_range(&s->rng, 2, 20) * USEC_PER_MSEC);
}

void totem_forget_entering(struct sim_host *h) {
        h->cs.entering.conf = totem_conf_unref(h->cs.entering.conf);
}

/* Do all of them still come to see it? Else the token is lost before it has come to @h. */
static bool coming(const struct sim *s, const struct sim_host *h) {
        const struct totem *conf = h->cs.entering.conf;

        for (size_t i = 0; i < s->n_hosts; i++) {
                const struct sim_host *m = &s->hosts[i];

                if (conf->members & 1U << i && (!m->cs.up || sim_still(m, OWNER_COROSYNC) ||
                                                conf_of(m) != conf || !totem_reachable(h, m)))
                        return false;
        }
        return true;
}

static void see(struct sim *s, struct sim_host *h, const struct entering *e) {
        see_leavers(s, h, e->mates);
        see_joiners(s, h, e->comp, e->mates, e->joined, e->one_by_one);
        enter(s, h, e->conf);
}

void totem_enter_late(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        struct entering e = h->cs.entering;

        if (!e.conf || e.conf->id.seq != c->a)
                return;
        if (!coming(s, h)) {
                totem_forget_entering(h);
                check_later(s, h, prng_range(&s->rng, 1, 50) * USEC_PER_MSEC);
                return;
        }
        h->cs.entering.conf = NULL;
        see(s, h, &e);
        (void)totem_conf_unref(e.conf);
        totem_resume(s, h);
        for (size_t i = 0; i < s->n_hosts; i++) /* the token went no further than to @h */
                if (e.comp & 1U << i)
                        totem_token(s, &s->hosts[i], 0);
}

/* All that leave an old configuration together have the same of it before they see the next. */
static void flush_all(struct sim *s, uint32_t comp, const uint32_t *mates) {
        struct cut cuts[SIM_HOSTS_MAX];
        size_t n = 0;

        for (size_t i = 0; i < s->n_hosts; i++) {
                struct sim_host *h = &s->hosts[i];
                size_t k = 0;

                if (!(comp & 1U << i) || !h->cs.conf)
                        continue;
                while (k < n && cuts[k].old != h->cs.conf)
                        k++;
                if (k == n)
                        cuts[n++] = (struct cut){.old = h->cs.conf,
                                                 .at = choose_cut(s, h->cs.conf, comp)};
                flush(s, h, mates[i], cuts[k].at);
        }
}

/* Those who see it at once may send before the others do. */
static void some_late(struct sim *s, struct entering *all, uint32_t comp) {
        uint32_t late = 0;
        usec_t d;

        if (s->conf->calm || !prng_chance(&s->rng, 10))
                return;
        for (size_t i = 0; i < s->n_hosts; i++)
                if (comp & 1U << i && prng_chance(&s->rng, 40))
                        late |= 1U << i;
        d = prng_chance(&s->rng, 70) ? 20 * USEC_PER_MSEC : s->conf->detect_usec * 8 / 10;
        for (size_t i = 0; i < s->n_hosts; i++) {
                struct sim_host *h = &s->hosts[i];

                if (!(comp & 1U << i))
                        continue;
                if (!(late & 1U << i)) {
                        if (late && prng_chance(&s->rng, 50))
                                h->cs.lonely_until =
                                        s->now + prng_below(&s->rng, 5 * USEC_PER_MSEC);
                        continue;
                }
                s->stats.late_enters++;
                h->cs.entering = all[i];
                h->cs.entering.conf->refs++;
                sim_at(s, prng_below(&s->rng, d), OWNER_COROSYNC, h->index, totem_enter_late,
                       all[i].conf->id.seq, 0);
        }
}

void totem_form(struct sim *s, uint32_t comp) {
        struct totem *conf = conf_new(s, comp);
        struct entering all[SIM_HOSTS_MAX];
        uint32_t joined[SIM_HOSTS_MAX] = {0}, mates[SIM_HOSTS_MAX] = {0};
        bool one_by_one = prng_chance(&s->rng, 50);

        sim_trace(s, NULL, "ring %u.%" PRIu64 " forms, members %#x", conf->id.nodeid, conf->id.seq,
                  comp);
        conf->refs = 1;
        for (size_t i = 0; i < s->n_hosts; i++) {
                if (!(comp & 1U << i))
                        continue;
                totem_forget_entering(&s->hosts[i]);
                mates[i] = mates_of(s, &s->hosts[i], comp);
        }
        flush_all(s, comp, mates);
        for (size_t i = 0; i < s->n_hosts; i++)
                if (comp & 1U << i && s->hosts[i].core && s->hosts[i].cs.joined == s->hosts[i].pid)
                        joined[i] = s->hosts[i].pid;
        for (size_t i = 0; i < s->n_hosts; i++) {
                all[i] = (struct entering){
                        .conf = conf, .comp = comp, .mates = mates[i], .one_by_one = one_by_one};
                memcpy(all[i].joined, joined, sizeof(joined));
        }
        some_late(s, all, comp);
        for (size_t i = 0; i < s->n_hosts; i++)
                if (comp & 1U << i && s->hosts[i].cs.entering.conf != conf)
                        see(s, &s->hosts[i], &all[i]);
        (void)totem_conf_unref(conf);
}
