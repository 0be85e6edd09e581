/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hosts of the nodelist that are not in the ledger as the nodelist has them, and that the next
 * decisions will not take in: another host of the ledger has that name, and names are what fence
 * devices are of. Pure.
 */
#include "hawd/core/priv.h"

static const struct conf_node *node_of(const struct core *c, uint32_t nodeid) {
        for (size_t i = 0; i < c->n_nodes; i++)
                if (c->nodes[i].nodeid == nodeid)
                        return &c->nodes[i];
        return NULL;
}

static const struct host *holder_of(const struct core *c, const char *name) {
        for (size_t i = 0; i < c->model.n_hosts; i++)
                if (strcmp(c->model.hosts[i].name, name) == 0)
                        return &c->model.hosts[i];
        return NULL;
}

/* Renamed itself by the nodelist, to a name that is not free either. */
static void of_another_to_be_renamed(const struct conf_node *holder, struct core_waiting *w) {
        text_fmt(w->why, sizeof(w->why),
                 "node %u still has the name %s: it waits itself, for the name %s", holder->nodeid,
                 w->name, holder->name);
        text_fmt(w->mend, sizeof(w->mend),
                 "names are given one by one: in corosync.conf call node %u something that no host "
                 "is called, corosync-cfgtool -R, and its new name after that",
                 holder->nodeid);
}

static size_t claims_on(const struct model *m, uint32_t nodeid) {
        uint32_t bit = 1u << model_host_index(m, nodeid);
        size_t n = 0;

        for (size_t i = 0; i < m->n_guests; i++)
                n += (m->guests[i].claims & bit) != 0;
        return n;
}

/* In the order in which they have to go. */
static void of_one_that_is_out(const struct core *c, const struct host *h, struct core_waiting *w) {
        size_t claims = claims_on(&c->model, h->nodeid);
        char reason[TEXT_LEN];

        if (core_in_group(c, h->nodeid)) {
                text_set(reason, sizeof(reason), "its hawd still takes part");
                text_fmt(w->mend, sizeof(w->mend),
                         "systemctl stop hawd corosync on the machine that is node %u", h->nodeid);
        } else if (h->state == HOST_LOST || h->state == HOST_FENCING) {
                text_set(reason, sizeof(reason), "it is lost and not proven off");
                text_fmt(w->mend, sizeof(w->mend), "hawctl explain host %s says what helps",
                         h->name);
        } else if (claims > 0) {
                text_fmt(reason, sizeof(reason), "it is %s, and %zu %s may run there",
                         host_state_name(h->state), claims, claims == 1 ? "guest" : "guests");
                text_fmt(w->mend, sizeof(w->mend), "hawctl guest list --host %s", h->name);
        } else if (fence_job_open(&c->model, h->nodeid)) {
                text_set(reason, sizeof(reason), "a fence job against it has not ended");
                text_set(w->mend, sizeof(w->mend), "it ends by itself: hawctl fence history");
        } else if (!h->no_vote && ledger_voters(&c->model) < 2) {
                text_set(reason, sizeof(reason), "it is the last one whose ledger counts");
                text_set(w->mend, sizeof(w->mend), "start hawd on the others");
        } else {
                text_fmt(reason, sizeof(reason), "it is %s", host_state_name(h->state));
                text_fmt(w->mend, sizeof(w->mend), "hawctl explain host %s", h->name);
        }
        text_fmt(w->why, sizeof(w->why),
                 "the ledger knows %s as node %u, which is not in the nodelist any more but cannot "
                 "be forgotten yet: %s",
                 h->name, h->nodeid, reason);
}

static bool waits(const struct core *c, const struct conf_node *node, struct core_waiting *w) {
        const struct host *holder = holder_of(c, node->name);
        bool known = model_host_index(&c->model, node->nodeid) >= 0;
        const struct conf_node *other;

        *w = (struct core_waiting){.nodeid = node->nodeid, .holder = holder ? holder->nodeid : 0};
        text_set(w->name, sizeof(w->name), node->name);
        if (holder && holder->nodeid == node->nodeid)
                return false;
        if (!holder) {
                if (known || c->model.n_hosts < HOSTS_MAX)
                        return false; /* it comes with the next entries */
                text_fmt(w->why, sizeof(w->why), "the ledger knows %d hosts, it holds no more",
                         HOSTS_MAX);
                text_set(w->mend, sizeof(w->mend),
                         "those that are out of the nodelist are forgotten when they are proven "
                         "off: hawctl host list");
                return true;
        }
        other = node_of(c, holder->nodeid);
        if (!other) {
                if (!core_in_group(c, holder->nodeid) && host_removable(&c->model, holder))
                        return false;
                of_one_that_is_out(c, holder, w);
                return true;
        }
        if (!holder_of(c, other->name))
                return false; /* it is about to be renamed */
        of_another_to_be_renamed(other, w);
        return true;
}

size_t core_waiting(const struct core *c, struct core_waiting ret[HOSTS_MAX]) {
        size_t n = 0;

        for (size_t i = 0; i < c->n_nodes && n < HOSTS_MAX; i++)
                n += waits(c, &c->nodes[i], &ret[n]);
        return n;
}
