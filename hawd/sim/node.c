/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The hawd process of a host: the core, fed with what reaches it, and its actions carried out.
 */
#include "hawd/sim/sim.h"

static void stopped(struct sim *s, struct sim_host *h);

/* All members apply the same: the trace shows what the first of them says. */
static void trace_note(struct sim *s, struct sim_host *h, const struct note *n) {
        if (n->version > s->traced_version) {
                s->traced_version = n->version;
                s->traced_pid = h->pid;
        }
        if (n->version && (n->version != s->traced_version || h->pid != s->traced_pid))
                return;
        sim_trace(s, h, "%s%s%s%s%s: %s (v%" PRIu64 ")", note_name(n->id), n->host ? " " : "",
                  n->host ? model_host_name(core_model(h->core), n->host) : "",
                  n->guest[0] ? " " : "", n->guest, n->text, n->version);
}

static void take_note(struct sim *s, struct sim_host *h, const struct note *n) {
        s->stats.notes++;
        if (n->id == NOTE_GUEST_ROGUE)
                s->stats.rogues++;
        else if (n->id == NOTE_GUEST_BLOCKED)
                s->stats.blocked++;
        if (s->on_trace)
                trace_note(s, h, n);
        if (s->on_note)
                s->on_note(s, h, n);
}

static void carry_out(struct sim *s, struct sim_host *h, struct action *a) {
        switch (a->kind) {
        case ACT_PERSIST:
                disk_persist(s, h, TAKE_PTR(a->persist));
                break;
        case ACT_SEND: {
                struct msg *m = TAKE_PTR(a->send);

                if (s->conf->recode) {
                        struct msg *again = s->conf->recode(m);

                        if (!again)
                                sim_violate(s, "wire",
                                            "message of kind %d does not survive the "
                                            "wire",
                                            (int)m->kind);
                        else {
                                (void)msg_unref(m);
                                m = again;
                        }
                }
                totem_send(s, h, m);
                break;
        }
        case ACT_FACTS: /* nor does anybody ask for facts */
        case ACT_REJOIN:
                break;
        case ACT_GUEST_JOB:
                virtd_job(s, h, a);
                break;
        case ACT_GUEST_CANCEL:
                virtd_cancel(s, h, a->cancel.id);
                break;
        case ACT_FENCE:
                bmc_begin(s, h, a);
                break;
        case ACT_FENCE_CANCEL:
                bmc_cancel(s, h, a->cancel.id);
                break;
        case ACT_HISTORY_SEND: /* history is not simulated */
        case ACT_READING:      /* nor is who looks at each reading */
                break;
        case ACT_REPLY:
                people_reply(s, a->reply.request, a->reply.code, a->reply.text);
                break;
        case ACT_NOTE:
                take_note(s, h, a->note);
                break;
        case ACT_STOPPED:
                stopped(s, h);
                break;
        case ACT_KIND_MAX_:
                assert(false);
        }
}

void node_feed(struct sim *s, struct sim_host *h, struct event *ev) {
        uint32_t life = h->hawd_life;
        struct actions acts;
        usec_t d;
        int r;

        if (!h->core)
                return;
        ev->now = sim_boottime(s, h);
        ev->wall = sim_wall(s, h);
        acts = s->actions;
        s->actions = (struct actions){0};
        r = core_step(h->core, ev, &acts);
        if (r < 0)
                sim_violate(s, "core", "%s refuses event %d: %s", h->name, (int)ev->kind,
                            strerror(-r));
        d = core_deadline(h->core);
        h->deadline = d == USEC_INFINITY ? d : usec_sub(usec_add(d, h->booted_at), USEC_PER_SEC);
        truth_core(s, h);
        for (size_t i = 0; i < acts.n && h->core && h->hawd_life == life; i++) {
                if (s->n_ambushes > 0)
                        ambush_look(s, h, &acts.list[i]);
                carry_out(s, h, &acts.list[i]);
        }
        actions_clear(&acts);
        s->actions = acts;
}

/* ---- starting ---- */

static void tell_load(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        struct event ev = {.kind = EV_HOST_LOAD};

        ev.load.vcpus = h->conf->vcpus;
        ev.load.memory_mib = h->conf->memory_mib;
        ev.load.memory_free_mib = h->conf->memory_mib;
        for (size_t g = 0; g < s->n_guests; g++)
                if (h->lv.dom[g].state != SEEN_GONE)
                        ev.load.memory_free_mib -=
                                MIN(ev.load.memory_free_mib, s->guests[g].conf->memory_mib);
        sim_at(s, s->conf->config.heartbeat_usec, OWNER_HAWD, h->index, tell_load, 0, 0);
        node_feed(s, h, &ev);
}

static void connect_ring(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        struct conf_node nodes[SIM_HOSTS_MAX];
        struct event ev = {.kind = EV_NODELIST};

        if (!h->cs.up)
                return;
        memset(nodes, 0, sizeof(nodes));
        for (size_t i = 0; i < s->n_hosts; i++) {
                nodes[i].nodeid = s->hosts[i].nodeid;
                text_set(nodes[i].name, NAME_LEN, s->hosts[i].name);
        }
        ev.nodelist.nodes = nodes;
        ev.nodelist.n_nodes = s->n_hosts;
        node_feed(s, h, &ev);
        totem_join(s, h);
}

void node_start(struct sim *s, struct sim_host *h) {
        struct core_boot boot = {.nodeid = h->nodeid, .hawd_version = "sim"};
        struct state *state;

        if (h->core || !h->powered || !h->cs.up)
                return;
        h->hawd_off = false;
        h->stopping = false;
        h->hawd_life++;
        h->pid = ++s->next_pid;
        state = disk_load(h);
        boot.incarnation = prng_next(&s->rng);
        boot.seed = prng_next(&s->rng);
        boot.epoch = h->store.epoch;
        boot.promised = h->store.promised;
        boot.state = state;
        sim_trace(s, h,
                  "hawd starts, pid %u, epoch %" PRIu64 " promised %" PRIu64 " version %" PRIu64,
                  h->pid, boot.epoch, boot.promised, state ? state->version : 0);
        h->core = core_new(&boot, &s->conf->config);
        (void)state_unref(state);
        h->seen_version = 0;
        h->spins = 0;
        h->deadline = USEC_INFINITY;
        sim_at(s, 0, OWNER_HAWD, h->index, connect_ring, 0, 0);
        sim_at(s, 1, OWNER_HAWD, h->index, tell_load, 0, 0);
        virtd_connect(s, h, sim_delay(s, 30 * USEC_PER_MSEC));
}

/* ---- ending ---- */

static void gone(struct sim *s, struct sim_host *h) {
        disk_crash(s, h);
        h->core = core_free(h->core);
        h->hawd_life++;
        h->deadline = USEC_INFINITY;
        h->stopping = false;
        virtd_hawd_gone(s, h);
        bmc_hawd_gone(h);
        totem_leave(s, h);
}

void node_kill(struct sim *s, struct sim_host *h) {
        if (!h->core)
                return;
        s->stats.crashes++;
        sim_trace(s, h, "hawd dies");
        gone(s, h);
}

static void system_down(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        bool again = h->reboot;

        power_off(s, h);
        if (again)
                power_on(s, h);
}

static void end_process(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];

        sim_trace(s, h, "hawd has stopped");
        gone(s, h);
        if (h->shutdown || h->reboot)
                sim_at(s, 2 * USEC_PER_SEC, OWNER_HOST, h->index, system_down, 0, 0);
}

/* In a call of its own: the core is in the middle of a step. */
static void stopped(struct sim *s, struct sim_host *h) {
        sim_at(s, 0, OWNER_HAWD, h->index, end_process, 0, 0);
}

void node_stop(struct sim *s, struct sim_host *h) {
        struct event ev = {.kind = EV_STOP};

        if (!h->core || h->stopping)
                return;
        h->hawd_off = true;
        h->stopping = true;
        node_feed(s, h, &ev);
}
