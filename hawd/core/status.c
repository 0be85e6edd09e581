/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What keeps this member from deciding, in words. Pure.
 */
#include <stdio.h>

#include "hawd/core/priv.h"

const char *core_node_name(const struct core *c, uint32_t nodeid) {
        for (size_t i = 0; i < c->n_nodes; i++)
                if (c->nodes[i].nodeid == nodeid)
                        return c->nodes[i].name;
        return model_host_name(&c->model, nodeid);
}

/* Names of the members for which @there does not hold, blank-separated; their number. */
static uint32_t absent(const struct core *c, bool (*there)(const struct core *, uint32_t),
                       char *buf, size_t size, uint32_t *ret_total) {
        uint32_t members[HOSTS_MAX];
        uint32_t n = sync_members(c, members), gone = 0;
        size_t used = 0;

        buf[0] = '\0';
        for (uint32_t i = 0; i < n; i++) {
                int r;

                if (there(c, members[i]))
                        continue;
                gone++;
                r = snprintf(buf + used, size - used, "%s%s", used ? " " : "",
                             core_node_name(c, members[i]));
                if (r > 0 && (size_t)r < size - used)
                        used += (size_t)r;
        }
        *ret_total = n;
        return gone;
}

/* Exactly half of the voters are here: what proof is still missing, or why none helps. */
static bool half_missing(const struct core *c, const char *names, char *buf, size_t size) {
        const struct lone *l = &c->lone;

        if (!l->half || l->n_proven || c->phase < SYNC_PROMISE || c->phase == SYNC_DONE)
                return false;
        if (!l->active) {
                text_fmt(buf, size,
                         "only half of the hosts are here, and this one started without them: %s "
                         "may have decided since. Start hawd there; if it is lost for good and "
                         "off: hawctl host accept-loss --yes",
                         names);
                return true;
        }
        for (uint32_t i = 0; i < l->n_absent; i++)
                if (l->absent[i].proof == PROOF_NONE) {
                        text_fmt(buf, size, "half of the hosts are here; %s is not proven off: %s",
                                 core_node_name(c, l->absent[i].nodeid),
                                 l->absent[i].error[0] ? l->absent[i].error : "being fenced");
                        return true;
                }
        text_fmt(buf, size, "half of the hosts are here: %s must be proven off", names);
        return true;
}

/* Some are here without the ledger that they had: they count when they have stored it again. */
static bool lost_missing(const struct core *c, char *buf, size_t size) {
        const struct msg_exchange *w = &c->peers[c->winner].exchange;
        char names[TEXT_LEN] = "";
        uint32_t have = 0;

        if (c->phase != SYNC_PROMISE || w->virgin)
                return false;
        for (uint32_t i = 0; i < w->n_members; i++)
                for (size_t k = 0; k < c->n_peers; k++) {
                        size_t used = strlen(names);

                        if (c->peers[k].id.nodeid != w->members[i])
                                continue;
                        have += !c->peers[k].exchange.virgin;
                        if (c->peers[k].exchange.virgin)
                                text_fmt(names + used, sizeof(names) - used, "%s%s",
                                         used ? " " : "", core_node_name(c, w->members[i]));
                }
        if (2 * have > w->n_members || names[0] == '\0')
                return false;
        text_fmt(buf, size,
                 "only %u of %u hosts have the ledger, a majority is needed: %s lost theirs; mend "
                 "it "
                 "(hawctl status there), start hawd on the others, or, if what they stored is gone "
                 "for good: hawctl host accept-loss --yes",
                 have, w->n_members, names);
        return true;
}

/* Too few of those who vote can store: named with the reason, as far as there is room. */
static void stores_missing(const struct core *c, char *buf, size_t size) {
        size_t used;

        text_set(buf, size, "a majority of the hosts cannot store the ledger; guests run on:");
        for (size_t i = 0; i < c->n_peers; i++) {
                const struct peer *p = &c->peers[i];
                const char *why =
                        p->id.nodeid == c->nodeid ? c->store_error : p->heartbeat.store_error;

                if (why[0] == '\0' || (p->id.nodeid == c->nodeid && !c->store_failed))
                        continue;
                used = strlen(buf);
                text_fmt(buf + used, size - used, " %s: %.100s;", core_node_name(c, p->id.nodeid),
                         why);
        }
        buf[strlen(buf) - 1] = '\0';
}

static void phase_missing(const struct core *c, char *buf, size_t size) {
        char names[TEXT_LEN];
        uint32_t total, gone = absent(c, core_in_group, names, sizeof(names), &total);

        if (half_missing(c, names[0] ? names : "one that lost its ledger", buf, size))
                return;
        if (c->phase == SYNC_DONE && c->installed && core_stores_fail(c)) {
                stores_missing(c, buf, size);
                return;
        }
        if (lost_missing(c, buf, size))
                return;
        if (2 * (total - gone) <= total) {
                text_fmt(buf, size,
                         "too few members: hawd runs in the group on %u of %u hosts%s, a majority "
                         "is needed; missing: %s (start them, or hawd on them)",
                         total - gone, total,
                         c->model.n_hosts > total ? " whose ledger counts" : "", names);
                return;
        }
        switch (c->phase) {
        case SYNC_EXCHANGE:
                text_set(buf, size, "the members exchange their ledgers' versions");
                break;
        case SYNC_PROMISE:
                text_set(buf, size, "waiting for a majority to store its promise");
                break;
        case SYNC_INSTALL:
                text_set(buf, size, "waiting for a majority to store the ledger");
                break;
        case SYNC_NONE:
        case SYNC_DONE:
                text_set(buf, size, "joining the group");
                break;
        }
}

static void find_missing(const struct core *c, char *buf, size_t size) {
        char names[TEXT_LEN];
        uint32_t total, gone;

        buf[0] = '\0';
        if (core_operational(c))
                return;
        if (c->n_peers == 0 && c->refused_major) {
                text_fmt(buf, size,
                         "the others speak protocol %u, this hawd %u: upgrade the older ones",
                         c->refused_major, PROTO_MAJOR);
        } else if (c->n_peers == 0) {
                text_set(buf, size, "not in the group yet: is corosync running on this host?");
        } else if (c->missing[0]) {
                text_set(buf, size, c->missing);
        } else if (c->n_ring && (c->ring_id.nodeid != c->quorum_id.nodeid ||
                                 c->ring_id.seq != c->quorum_id.seq)) {
                text_set(buf, size, "the ring has changed: waiting for votequorum's word on it");
        } else if (!core_ring_quorate(c) && c->quorum_waiting) {
                absent(c, core_in_ring, names, sizeof(names), &total);
                text_fmt(buf, size,
                         "wait_for_all: votequorum waits until every host was seen once; missing: "
                         "%s (start it; only if it is surely off, end the waiting: "
                         "corosync-cmapctl -s quorum.cancel_wait_for_all u8 1)",
                         names);
        } else if (!core_ring_quorate(c) && c->n_ring) {
                gone = absent(c, core_in_ring, names, sizeof(names), &total);
                text_fmt(buf, size,
                         "the ring is not quorate: %u of %u hosts are in it; missing: %s",
                         total - gone, total, names[0] ? names : "none (votequorum says no)");
        } else {
                phase_missing(c, buf, size);
        }
}

void core_status(const struct core *c, struct core_status *ret) {
        *ret = (struct core_status){
                .nodeid = c->nodeid,
                .incarnation = c->incarnation,
                .phase = c->phase,
                .ring_quorate = core_ring_quorate(c),
                .split = c->lone.active,
                .operational = core_operational(c),
                .leader = core_leader(c),
                .leader_nodeid = core_leader_nodeid(c),
                .epoch = c->epoch,
                .version = log_version(c),
                .applied = c->model.version,
                .libvirt_up = c->libvirt_up,
                .store_failed = c->store_failed,
                .n_group = c->n_peers,
                .n_ring = c->n_ring,
                .lease_renewed = c->lease_renewed,
        };
        text_set(ret->store_error, sizeof(ret->store_error), c->store_failed ? c->store_error : "");
        find_missing(c, ret->missing, sizeof(ret->missing));
        for (size_t i = 0; i < c->n_peers; i++)
                ret->group[i] = c->peers[i].id;
        memcpy(ret->ring, c->ring, sizeof(ret->ring));
        ret->n_voters = sync_voters(c, ret->voters);
}
