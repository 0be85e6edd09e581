/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ring/identity.h"

/* The ledger's list, changes included that may not be stable yet. */
static size_t known_hosts(const struct state *ledger, struct conf_node ret[HOSTS_MAX]) {
        size_t n = 0;

        if (!ledger)
                return 0;
        for (size_t i = 0; i < ledger->model.n_hosts; i++) {
                ret[n].nodeid = ledger->model.hosts[i].nodeid;
                text_set(ret[n++].name, NAME_LEN, ledger->model.hosts[i].name);
        }
        for (size_t t = 0; t < ledger->n_tail; t++)
                for (size_t k = 0; k < ledger->tail[t]->n_ops; k++) {
                        const struct op *op = &ledger->tail[t]->ops[k];
                        size_t i = 0;

                        while (i < n && ret[i].nodeid != op->host)
                                i++;
                        if (op->kind == OP_HOST_ADD && i == n && n < HOSTS_MAX) {
                                ret[n].nodeid = op->host;
                                text_set(ret[n++].name, NAME_LEN, op->name);
                        } else if (op->kind == OP_HOST_REMOVE && i < n) {
                                ret[i] = ret[--n];
                        }
                }
        return n;
}

int identity_solo(const struct state *ledger, const char *name, uint32_t *ret, char *err) {
        struct conf_node hosts[HOSTS_MAX];
        size_t n = known_hosts(ledger, hosts);

        if (!name_valid(name)) {
                text_fmt(err, TEXT_LEN,
                         "'%.64s' cannot name this host (letters, digits, '.', '_' and '-', at "
                         "most %d): hostnamectl set-hostname",
                         name, NAME_LEN - 1);
                return -EINVAL;
        }
        if (n > 1) {
                text_fmt(err, TEXT_LEN,
                         "ring = solo is for one host, and the ledger lists %zu: take the others "
                         "out of corosync.conf and let hawd remove them, or begin with an empty "
                         "ledger",
                         n);
                return -EINVAL;
        }
        if (n == 1 && strcmp(hosts[0].name, name) != 0) {
                text_fmt(err, TEXT_LEN,
                         "the ledger is that of host %s, and this host is called %s: give it its "
                         "name back (hostnamectl), or begin with an empty ledger",
                         hosts[0].name, name);
                return -EINVAL;
        }
        *ret = n ? hosts[0].nodeid : 1;
        return 0;
}

int identity_check(const struct state *ledger, const struct conf_node *nodes, size_t n, char *err) {
        struct conf_node hosts[HOSTS_MAX];
        size_t n_hosts = known_hosts(ledger, hosts);

        for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k < n_hosts; k++) {
                        if (strcmp(nodes[i].name, hosts[k].name) != 0 ||
                            nodes[i].nodeid == hosts[k].nodeid)
                                continue;
                        text_fmt(err, TEXT_LEN,
                                 "%.60s is node %" PRIu32 " in corosync.conf and node %" PRIu32
                                 " in this host's ledger: give it nodeid %" PRIu32
                                 ", or begin with an empty ledger",
                                 nodes[i].name, nodes[i].nodeid, hosts[k].nodeid, hosts[k].nodeid);
                        return -EINVAL;
                }
        return 0;
}
