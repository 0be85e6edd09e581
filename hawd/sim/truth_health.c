/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the leader lets guests start, held against what the ledger and the heartbeats say of the
 * hosts: never where a start fails, and on one that is degraded only when no other can take it.
 */
#include "hawd/sim/truth.h"

static bool in_group(const struct sim_host *by, uint32_t nodeid) {
        struct core_status st;

        core_status(by->core, &st);
        for (size_t i = 0; i < st.n_group; i++)
                if (st.group[i].nodeid == nodeid)
                        return true;
        return false;
}

static bool well(const struct sim_host *by, const struct host *h) {
        usec_t heard;
        const struct heartbeat *hb = core_heartbeat(by->core, h->nodeid, &heard);

        return h->state == HOST_ONLINE && h->ills == 0 && hb && hb->libvirt_ok && hb->ills == 0 &&
               hb->store_error[0] == '\0' && in_group(by, h->nodeid);
}

static bool of_a_rule(const struct model *m, const struct guest *g) {
        for (size_t i = 0; i < m->n_rules; i++)
                if (m->rules[i].guests && strstr(m->rules[i].guests->data, g->spec->name))
                        return true;
        return false;
}

/* Whatever else @e starts is counted as if it went there, too. */
static bool has_room(const struct sim *s, const struct sim_host *by, struct model *m, size_t host,
                     const struct entry *e) {
        const struct config *c = node_conf(s, by);
        uint64_t memory = c->memory_reserve_mib, vcpus = 0;

        for (size_t i = 0; i < m->n_guests; i++)
                if (m->guests[i].claims >> host & 1) {
                        memory += m->guests[i].spec->memory_mib;
                        vcpus += m->guests[i].spec->vcpus;
                }
        for (size_t i = 0; i < e->n_ops; i++) {
                const struct guest *g =
                        e->ops[i].kind == OP_GUEST_START ? model_guest(m, e->ops[i].gid) : NULL;

                memory += g ? g->spec->memory_mib : 0;
                vcpus += g ? g->spec->vcpus : 0;
        }
        return memory <= m->hosts[host].facts.memory_mib &&
               vcpus * 100 <= (uint64_t)m->hosts[host].facts.vcpus * c->cpu_overcommit_pct;
}

/* A restart in place, where its policy has nothing else left; or somebody moves it there; or its
 * disks are there alone. */
static bool had_to_be_there(const struct guest *g, const struct op *op) {
        const struct conf_guest *conf = &g->spec->conf;

        if (g->move_to == op->host || conf->replica.mode != REPLICA_MODE_NONE)
                return true;
        for (size_t i = 0; op->rung == RUNG_RESTART && i < RUNGS; i++)
                if (conf->recovery[i] == RUNG_RELOCATE &&
                    recovery_count(conf, &g->recovery, RUNG_RELOCATE, op->wall) <
                            conf->relocate_limit)
                        return false;
        return op->rung == RUNG_RESTART;
}

/* It is to be relocated: not to where it failed. */
static bool left(const struct op *op, const struct guest *g, const struct host *h) {
        return op->rung == RUNG_RELOCATE && g->host == h->nodeid;
}

static void placed(struct sim *s, const struct sim_host *by, struct model *m, const struct entry *e,
                   const struct op *op) {
        const struct host *h = model_host(m, op->host);
        const struct guest *g = model_guest(m, op->gid);
        char ills[64];

        if (!h || !g || h->ills == 0)
                return;
        s->stats.degraded_starts++;
        if (h->ills & ILLS_NO_START)
                sim_violate(s, "health", "guest %s is to start on %s, which is degraded by %s",
                            g->spec->name, h->name, ills_text(h->ills, ills, sizeof(ills)));
        if (had_to_be_there(g, op) || of_a_rule(m, g))
                return;
        for (size_t i = 0; i < m->n_hosts; i++)
                if (!(g->tried >> i & 1) && !left(op, g, &m->hosts[i]) && well(by, &m->hosts[i]) &&
                    has_room(s, by, m, i, e))
                        sim_violate(s, "health",
                                    "guest %s is to start on %s, which is degraded by %s, while "
                                    "%s is well and has room",
                                    g->spec->name, h->name, ills_text(h->ills, ills, sizeof(ills)),
                                    m->hosts[i].name);
}

void truth_decided(struct sim *s, const struct sim_host *by, const struct msg *said) {
        struct model *m = (struct model *)(uintptr_t)core_model(by->core); /* only read */

        if (said->kind != MSG_ENTRY || !said->entry->decision || said->entry->origin != by->nodeid)
                return;
        for (size_t i = 0; i < said->entry->n_ops; i++)
                if (said->entry->ops[i].kind == OP_GUEST_START)
                        placed(s, by, m, said->entry, &said->entry->ops[i]);
}
