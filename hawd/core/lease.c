/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/core/lease.h"
#include "hawd/core/priv.h"

#define JOINS_USEC (5 * USEC_PER_SEC)

static struct met *met(struct core *c, uint32_t nodeid) {
        for (size_t i = 0; i < c->n_met; i++)
                if (c->met[i].nodeid == nodeid)
                        return &c->met[i];
        return NULL;
}

void lease_met(struct core *c, const struct peer *p) {
        struct met *x = met(c, p->id.nodeid);

        if (!x && c->n_met == HOSTS_MAX) { /* of hosts that are no more */
                memmove(&c->met[0], &c->met[1], (HOSTS_MAX - 1) * sizeof(c->met[0]));
                c->n_met--;
        }
        if (!x)
                x = &c->met[c->n_met++];
        if (x->nodeid != p->id.nodeid || x->incarnation != p->exchange.incarnation)
                *x = (struct met){.nodeid = p->id.nodeid,
                                  .incarnation = p->exchange.incarnation,
                                  .since = c->now};
}

/* What was announced is of a hawd that is no more, and the one that came since has nothing armed:
 * its host may have been reset, have booted, and run guests again that somebody started. While that
 * one is there it has a moment to join, which takes back what was announced, too. */
static bool outdated(struct core *c, const struct host *h, struct met *x) {
        const struct peer *p = core_peer(c, h->nodeid);

        if (p && p->heartbeat_now)
                x->armed = p->heartbeat.watchdog_armed;
        if (h->watchdog_usec == 0 || x->incarnation == h->incarnation || x->armed)
                return false;
        if (p && c->now < usec_add(x->since, JOINS_USEC)) {
                wake_at(c, usec_add(x->since, JOINS_USEC));
                return false;
        }
        return !p || p->heartbeat_now;
}

/* S7: said by all who have met it: one of them is there whenever somebody decides without it. */
void lease_tick(struct core *c) {
        for (size_t i = 0; i < c->n_met && core_operational(c); i++) {
                struct met *x = &c->met[i];
                const struct host *h = model_host(&c->model, x->nodeid);
                struct entry *e;
                struct op *op;

                if (!h || !outdated(c, h, x))
                        continue;
                if (x->told && c->now < usec_add(x->told, RESEND_USEC)) {
                        wake_at(c, usec_add(x->told, RESEND_USEC));
                        continue;
                }
                x->told = MAX(c->now, 1);
                wake_at(c, usec_add(x->told, RESEND_USEC));
                e = observation(c, OP_HOST_WATCHDOG, &op);
                op->host = h->nodeid;
                op->incarnation = h->incarnation;
                text_set(op->text, sizeof(op->text),
                         "another hawd began there, with none armed, and has not joined");
                log_propose(c, e);
        }
}

/* An echo is another's word: only of what this hawd did send. One of its host's time before a
 * restart of hawd, or of the host, may be any number. */
void lease_take(struct core *c, struct peer *p, const struct heartbeat *hb) {
        for (uint32_t i = 0; i < hb->n_echoes; i++) {
                usec_t sent = hb->echoes[i].sent_usec;

                if (hb->echoes[i].nodeid == c->nodeid && sent >= c->heartbeat_first &&
                    sent <= c->heartbeat_last)
                        p->echoed = MAX(p->echoed, sent);
        }
}

/* What a host has echoed; this one's own vote goes with whatever it sent. One whose ledger was lost
 * may have decided with others, and not know it: it counts when it has stored ours. */
static usec_t echo_of(const struct core *c, uint32_t nodeid) {
        if (nodeid == c->nodeid)
                return c->heartbeat_last;
        for (size_t i = 0; i < c->n_peers; i++) {
                const struct peer *p = &c->peers[i];

                if (p->id.nodeid == nodeid)
                        return p->exchange.virgin && p->ack_epoch != c->number ? 0 : p->echoed;
        }
        return 0;
}

/* Who votes, by the newest ledger of this configuration: by one of the past, those who have parted
 * from the ones that decide now could be a majority. */
static uint32_t voters_here(const struct core *c, uint32_t *ret) {
        const struct msg_exchange *w = &c->peers[c->winner].exchange;

        if (c->installed)
                return sync_members(c, ret);
        if (c->phase < SYNC_PROMISE)
                return 0;
        memcpy(ret, w->members, sizeof(w->members));
        return w->n_members;
}

/* The latest time that a strict majority of @voters knows of: the n / 2 + 1st, latest first. */
static usec_t majority_knows(const struct core *c, const uint32_t *voters, uint32_t n) {
        usec_t echoes[HOSTS_MAX];

        for (uint32_t i = 0; i < n; i++) {
                usec_t t = echo_of(c, voters[i]);
                uint32_t k = i;

                for (; k > 0 && echoes[k - 1] < t; k--)
                        echoes[k] = echoes[k - 1];
                echoes[k] = t;
        }
        return n ? echoes[n / 2] : 0;
}

/* What a majority knew once stays true when its members leave. */
void lease_renew(struct core *c) {
        uint32_t voters[HOSTS_MAX], n;

        if (c->virgin || c->n_peers == 0)
                return;
        n = voters_here(c, voters);
        c->lease_renewed = MAX(c->lease_renewed, majority_knows(c, voters, n));
}

bool lease_held(usec_t renewed, usec_t now, usec_t length) {
        return renewed > 0 && now < usec_add(renewed, length);
}

usec_t lease_gone_after(usec_t length, usec_t timeout) {
        usec_t sum = usec_add(length, usec_add(timeout, timeout));

        return timeout == 0 ? USEC_INFINITY : usec_add(sum, sum / 10);
}

bool lease_gone_text(const struct host *h, char *buf, size_t size) {
        usec_t length =
                usec_add(lease_gone_after(h->lease_usec, h->watchdog_usec), USEC_PER_SEC - 1);

        buf[0] = '\0';
        if (h->watchdog_usec == 0)
                return false;
        format_duration(length - length % USEC_PER_SEC, buf, size);
        return true;
}
