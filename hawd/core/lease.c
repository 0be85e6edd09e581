/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/core/lease.h"
#include "hawd/core/priv.h"

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

/* What a host has echoed; this one's own vote goes with whatever it sent. */
static usec_t echo_of(const struct core *c, uint32_t nodeid) {
        if (nodeid == c->nodeid)
                return c->heartbeat_last;
        for (size_t i = 0; i < c->n_peers; i++)
                if (c->peers[i].id.nodeid == nodeid)
                        return c->peers[i].echoed;
        return 0;
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
        n = sync_members(c, voters);
        c->lease_renewed = MAX(c->lease_renewed, majority_knows(c, voters, n));
}

bool lease_held(usec_t renewed, usec_t now, usec_t length) {
        return renewed > 0 && now < usec_add(renewed, length);
}

usec_t lease_gone_after(usec_t length, usec_t timeout) {
        usec_t sum = usec_add(length, usec_add(timeout, timeout));

        return timeout == 0 ? USEC_INFINITY : usec_add(sum, sum / 10);
}
