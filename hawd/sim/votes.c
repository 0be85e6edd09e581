/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * votequorum, as corosync.conf's section quorum asks for it: a majority of the nodelist's votes,
 * and
 *
 *   two_node            one of two will do
 *   wait_for_all        a corosync that started is not quorate before it has seen all once, or
 * meets one that has last_man_standing   those who stay quorate for a while are all that is
 * expected auto_tie_breaker    half of the votes will do with the lowest node id qdevice a third
 * party gives one half its vote, never both at a time
 *
 * Its words come on a descriptor of their own, before or after what comes from CPG.
 */
#include "hawd/sim/parts.h"

#define QNET_TYPICAL (400 * USEC_PER_MSEC) /* a qdevice asks, and is answered */

enum word { WORD_QUORATE = 1, WORD_WAITING = 2 };

static uint32_t count(uint32_t mask) {
        return (uint32_t)__builtin_popcount(mask);
}

void votes_boot(struct sim *s, struct sim_host *h) {
        if (nodelist_has(s, h) || h->cs.listed == 0)
                h->cs.listed = s->listed | 1U << h->index;
        h->cs.votes = (struct votes){.expected = count(h->cs.listed),
                                     .wait = s->conf->quorum.wait_for_all};
}

static void speaks(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        struct event ev = {.kind = EV_QUORUM};

        ev.quorum.id.nodeid = (uint32_t)(c->b >> 8);
        ev.quorum.id.seq = c->a;
        ev.quorum.quorate = c->b & WORD_QUORATE;
        ev.quorum.waiting = c->b & WORD_WAITING;
        ev.quorum.last_man_standing = s->conf->quorum.last_man_standing;
        ev.quorum.two_node = s->conf->quorum.two_node;
        sim_trace(s, h, "votequorum: ring %u.%" PRIu64 " is %squorate%s", ev.quorum.id.nodeid,
                  ev.quorum.id.seq, ev.quorum.quorate ? "" : "not ",
                  c->b & WORD_WAITING ? ": it waits for all" : "");
        node_feed(s, h, &ev);
}

void votes_say(struct sim *s, struct sim_host *h) {
        const struct totem *c = h->cs.conf;
        const struct votes *v = &h->cs.votes;
        uint64_t word = (v->quorate ? WORD_QUORATE : 0) | (v->waiting ? WORD_WAITING : 0);
        usec_t at;

        if (!h->core || !c)
                return;
        at = s->now + prng_below(&s->rng, 5 * USEC_PER_MSEC);
        if (!s->conf->calm && prng_chance(&s->rng, 10))
                at += prng_below(&s->rng, 500 * USEC_PER_MSEC);
        h->cs.quorum_at = MAX(h->cs.quorum_at + 1, at);
        sim_at(s, h->cs.quorum_at - s->now, OWNER_HAWD, h->index, speaks, c->id.seq,
               (uint64_t)c->id.nodeid << 8 | word);
}

/* ---- who is quorate ---- */

static bool enough(const struct sim *s, const struct sim_host *h, uint32_t votes,
                   uint32_t expected) {
        const struct sim_quorum *q = &s->conf->quorum;
        uint32_t members = h->cs.conf->members;

        if (q->qdevice) {
                expected++;
                votes += h->cs.conf->id.seq == s->qnet_ring ? 1 : 0;
        }
        if (2 * votes > expected)
                return true;
        if (q->two_node && expected == 2)
                return votes >= 1;
        return q->auto_tie_breaker && 2 * votes == expected &&
               __builtin_ctz(members) == __builtin_ctz(h->cs.listed);
}

static void judge(struct sim *s, struct sim_host *h) {
        struct votes *v = &h->cs.votes;
        uint32_t votes = count(h->cs.conf->members & h->cs.listed);
        bool would = enough(s, h, votes, v->expected);

        v->waiting = would && v->wait;
        v->quorate = would && !v->wait;
        if (v->waiting)
                s->stats.waits_for_all++;
        if (v->quorate && 2 * votes <= count(h->cs.listed))
                s->stats.half_quorate++;
        votes_say(s, h);
}

/* ---- last_man_standing ---- */

static void window_over(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        struct votes *v = &h->cs.votes;

        if (!h->cs.conf || h->cs.conf->id.seq != c->a || !v->quorate)
                return;
        v->expected = count(h->cs.conf->members);
        s->stats.shrunk_votes++;
        sim_trace(s, h, "votequorum: %u votes are expected from now on", v->expected);
        judge(s, h);
}

/* ---- qdevice ---- */

/* Does the ring of @seq, of one half, still live as it was? */
static const struct totem *half_ring(const struct sim *s, uint64_t seq) {
        for (size_t i = 0; i < s->n_hosts; i++) {
                const struct sim_host *h = &s->hosts[i];

                if (h->cs.up && h->cs.conf && h->cs.conf->id.seq == seq)
                        return h->cs.conf;
        }
        return NULL;
}

/* The other half, if it forms a ring of its own too. */
static const struct totem *other_half(const struct sim *s, const struct totem *c) {
        for (size_t i = 0; i < s->n_hosts; i++) {
                const struct sim_host *h = &s->hosts[i];

                if (h->cs.up && !sim_still(h, OWNER_COROSYNC) && h->cs.conf &&
                    !(c->members & 1U << i) && count(h->cs.conf->members) == count(c->members))
                        return h->cs.conf;
        }
        return NULL;
}

static void tell_members(struct sim *s, uint64_t seq) {
        for (size_t i = 0; i < s->n_hosts; i++) {
                struct sim_host *h = &s->hosts[i];

                if (h->cs.up && h->cs.conf && h->cs.conf->id.seq == seq)
                        judge(s, h);
        }
}

/* One that had the vote is told that it has it no more before another gets it. */
static void qnetd_answers(struct sim *s, const struct call *c) {
        const struct totem *mine = half_ring(s, c->a), *other;
        uint64_t before = s->qnet_ring;

        if (!mine || before == c->a || 2 * count(mine->members) != count(s->listed))
                return;
        other = other_half(s, mine);
        if (other && (before == other->id.seq ||
                      __builtin_ctz(other->members) < __builtin_ctz(mine->members)))
                return;
        s->qnet_ring = 0;
        tell_members(s, before);
        s->qnet_ring = c->a;
        tell_members(s, c->a);
}

/* ---- changes ---- */

/* What it meets in the new ring counts: the expected votes of one that was quorate, that all were
 * seen, that another has seen all. */
static void meet(const struct sim *s, struct sim_host *h) {
        struct votes *v = &h->cs.votes;
        uint32_t members = h->cs.conf->members, expected = v->expected;
        bool quorate = v->quorate;

        for (size_t i = 0; i < s->n_hosts; i++) {
                const struct sim_host *m = &s->hosts[i];

                if (!(members & 1U << i) || m == h || !m->cs.up)
                        continue;
                v->wait &= m->cs.votes.wait;
                if (m->cs.votes.quorate && !quorate)
                        expected = m->cs.votes.expected;
                else if (m->cs.votes.quorate == quorate)
                        expected = MAX(expected, m->cs.votes.expected);
                quorate |= m->cs.votes.quorate;
        }
        if ((members & h->cs.listed) == h->cs.listed)
                v->wait = false;
        v->expected = MAX(expected, count(members));
}

void votes_ring(struct sim *s, struct sim_host *h) {
        const struct sim_quorum *q = &s->conf->quorum;
        uint32_t n;

        meet(s, h);
        n = count(h->cs.conf->members);
        judge(s, h);
        if (q->last_man_standing && h->cs.votes.quorate && n < h->cs.votes.expected)
                sim_at(s, q->window_usec, OWNER_COROSYNC, h->index, window_over, h->cs.conf->id.seq,
                       0);
        if (q->qdevice && 2 * n == count(h->cs.listed))
                sim_at(s, sim_delay(s, QNET_TYPICAL), OWNER_COROSYNC, h->index, qnetd_answers,
                       h->cs.conf->id.seq, 0);
}

void votes_listed(struct sim *s, struct sim_host *h) {
        h->cs.votes.expected = count(h->cs.listed);
        if (h->cs.conf) {
                h->cs.votes.expected = MAX(h->cs.votes.expected, count(h->cs.conf->members));
                judge(s, h);
        }
}
