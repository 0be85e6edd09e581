/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * corosync's nodelist, changed while it runs: the operator writes corosync.conf on all hosts and
 * reloads; each corosync takes it up at its own time, one that is off when it starts. A host that
 * is removed is left as it was, with the old file.
 */
#include "hawd/sim/parts.h"

bool nodelist_has(const struct sim *s, const struct sim_host *h) {
        return s->listed >> h->index & 1;
}

void nodelist_tell(struct sim *s, struct sim_host *h) {
        struct conf_node nodes[SIM_HOSTS_MAX];
        struct event ev = {.kind = EV_NODELIST};

        memset(nodes, 0, sizeof(nodes));
        for (size_t i = 0; i < s->n_hosts; i++) {
                struct conf_node *n = &nodes[ev.nodelist.n_nodes];

                if (!(h->cs.listed & 1U << i))
                        continue;
                n->nodeid = s->hosts[i].nodeid;
                text_set(n->name, NAME_LEN, s->hosts[i].name);
                ev.nodelist.n_nodes++;
        }
        ev.nodelist.nodes = nodes;
        node_feed(s, h, &ev);
}

static void told(struct sim *s, const struct call *c) {
        nodelist_tell(s, &s->hosts[c->host]);
}

static void reload(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];

        if (h->cs.listed == s->listed || !nodelist_has(s, h))
                return;
        h->cs.listed = s->listed;
        votes_listed(s, h);
        if (h->core)
                sim_at(s, prng_below(&s->rng, 10 * USEC_PER_MSEC), OWNER_HAWD, h->index, told, 0,
                       0);
}

void nodelist_set(struct sim *s, struct sim_host *h, bool listed) {
        if (nodelist_has(s, h) == listed)
                return;
        sim_trace(s, h, "is %s the nodelist", listed ? "added to" : "removed from");
        s->listed ^= 1U << h->index;
        if (listed)
                s->stats.node_adds++;
        else
                s->stats.node_removes++;
        for (size_t i = 0; i < s->n_hosts; i++)
                if (s->hosts[i].cs.up)
                        sim_at(s, prng_below(&s->rng, 2 * USEC_PER_SEC), OWNER_COROSYNC, (int)i,
                               reload, 0, 0);
        totem_changed(s);
}
