/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The hawd process of a host: the core, fed with what reaches it, and its actions carried out.
 */
#include "hawd/sim/parts.h"

#define SENSORS_USEC (300 * USEC_PER_MSEC) /* for a look at a BMC's sensors */

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
                  n->host ? sim_host_name(s, n->host) : "", n->guest[0] ? " " : "", n->guest,
                  n->text, n->version);
}

static void take_note(struct sim *s, struct sim_host *h, const struct note *n) {
        s->stats.notes++;
        if (n->id == NOTE_GUEST_ROGUE) {
                s->stats.rogues++;
                if (n->version)
                        truth_rogue(s, n->guest);
        }
        if (n->id == NOTE_HOST_DEGRADED)
                s->stats.degraded++;
        if (n->id == NOTE_GUEST_BLOCKED)
                s->stats.blocked++;
        s->stats.vetoes += n->id == NOTE_REPLICA_BROKEN;
        if (s->on_trace)
                trace_note(s, h, n);
        if (s->on_note)
                s->on_note(s, h, n);
}

static void send(struct sim *s, struct sim_host *h, struct msg *m) {
        struct msg *again;

        if (!s->conf->recode) {
                totem_send(s, h, m);
                return;
        }
        again = s->conf->recode(m);
        if (!again)
                sim_violate(s, "wire", "message of kind %d does not survive the wire",
                            (int)m->kind);
        else
                totem_send(s, h, again);
        (void)msg_unref(m);
}

static enum measured measured(bool bad) {
        return bad ? MEASURED_BAD : MEASURED_GOOD;
}

static void sensors_answer(struct sim *s, const struct call *c) {
        struct sim_host *by = &s->hosts[c->host];
        struct event ev = {.kind = EV_SENSORS, .sensors = {.nodeid = (uint32_t)c->a}};

        ev.sensors.text = "a sensor is critical";
        for (size_t i = 0; i < s->n_hosts; i++)
                if (s->hosts[i].nodeid == c->a && !by->mgmt_cut &&
                    s->hosts[i].bmc[0].mode == BMC_OK && !s->hosts[i].bmc[0].no_power)
                        ev.sensors.said = measured(s->hosts[i].ills & ILL_BIT(ILL_SENSORS));
        node_feed(s, by, &ev);
}

static void carry_out(struct sim *s, struct sim_host *h, struct action *a) {
        switch (a->kind) {
        case ACT_PERSIST:
                disk_persist(s, h, TAKE_PTR(a->persist));
                break;
        case ACT_SEND:
                truth_decided(s, h, a->send);
                send(s, h, TAKE_PTR(a->send));
                break;
        case ACT_REJOIN:
                totem_rejoin(s, h);
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
        case ACT_READING: /* nobody looks at each reading */
        case ACT_FACTS:   /* nor asks for facts */
                break;
        case ACT_REPLY:
                people_reply(s, a->reply.request, a->reply.code, a->reply.text);
                break;
        case ACT_NOTE:
                take_note(s, h, a->note);
                break;
        case ACT_SENSORS:
                sim_at(s, SENSORS_USEC, OWNER_HAWD, h->index, sensors_answer, a->sensors.nodeid, 0);
                break;
        case ACT_WATCHDOG:
                dog_act(s, h, a);
                break;
        case ACT_STOPPED:
                stopped(s, h);
                break;
        case ACT_REPLICA:
                copies_act(s, h, a);
                break;
        case ACT_KIND_MAX_:
                assert(false);
        }
}

/* Each action is a moment at which something may happen to its host: it is struck by an ambush, it
 * dies, or stands still and does the rest when it goes on. */
static void carry_on(struct sim *s, struct sim_host *h, struct actions *acts, size_t from,
                     bool step) {
        uint32_t life = h->hawd_life;

        for (size_t i = from; h->core && h->hawd_life == life; i++) {
                if (step && s->on_step)
                        s->on_step(s, h);
                if (i >= acts->n || !h->core || h->hawd_life != life)
                        return;
                if (sim_still(h, OWNER_HAWD)) {
                        h->rest = *acts;
                        h->rest_at = i;
                        *acts = (struct actions){0};
                        return;
                }
                if (s->n_ambushes > 0)
                        ambush_look(s, h, &acts->list[i]);
                carry_out(s, h, &acts->list[i]);
        }
}

/* Heartbeats and looks at the clock that lead to nothing are no steps of a story. */
static bool is_step(const struct event *ev, const struct actions *acts) {
        if (ev->kind != EV_TIMEOUT && ev->kind != EV_HOST_LOAD && ev->kind != EV_HOST_HEALTH &&
            ev->kind != EV_SENSORS &&
            (ev->kind != EV_MESSAGE || ev->message.msg->kind != MSG_HEARTBEAT))
                return true;
        for (size_t i = 0; i < acts->n; i++)
                if (acts->list[i].kind != ACT_SEND || acts->list[i].send->kind != MSG_HEARTBEAT)
                        return true;
        return false;
}

void node_rest(struct sim *s, struct sim_host *h) {
        struct actions acts = h->rest;

        if (sim_still(h, OWNER_HAWD))
                return;
        h->rest = (struct actions){0};
        if (h->core)
                carry_on(s, h, &acts, h->rest_at, true);
        actions_free(&acts);
}

static bool heard(const struct event *ev, enum msg_kind kind) {
        return ev->kind == EV_MESSAGE && ev->message.msg->kind == kind;
}

void node_feed(struct sim *s, struct sim_host *h, struct event *ev) {
        struct actions acts;
        int r;

        if (!h->core)
                return;
        assert(!sim_still(h, OWNER_HAWD));
        ev->now = sim_boottime(s, h);
        ev->wall = sim_wall(s, h);
        acts = s->actions;
        s->actions = (struct actions){0};
        r = core_step(h->core, ev, &acts);
        if (r < 0)
                sim_violate(s, "core", "%s refuses event %d: %s", h->name, (int)ev->kind,
                            strerror(-r));
        h->deadline = sim_virtual(h, core_deadline(h->core));
        if (ev->kind == EV_GROUP || heard(ev, MSG_EXCLUDE))
                truth_group(s, h);
        else if (heard(ev, MSG_HEARTBEAT))
                truth_heartbeat(s, h);
        truth_core(s, h);
        carry_on(s, h, &acts, 0, is_step(ev, &acts));
        actions_clear(&acts);
        s->actions = acts;
}

/* ---- its hawd.conf ---- */

const struct config *node_conf(const struct sim *s, const struct sim_host *h) {
        return h->config ? h->config : &s->conf->config;
}

static void drop_devices(struct config *c, const char *host) {
        size_t n = 0;

        for (size_t i = 0; i < c->n_devices; i++)
                if (strcmp(c->devices[i].host, host) != 0)
                        c->devices[n++] = c->devices[i];
        c->n_devices = n;
}

/* Somebody edits it here and reloads, and not on the others. @variant: 0 as on all, else other
 * times (of them the eight bits above the first bit say which), and bit 16 + host: without the
 * devices of that host. */
void node_config(struct sim *s, struct sim_host *h, uint64_t variant) {
        struct prng r;
        struct config *c = h->config ? h->config : xcalloc(1, sizeof(*c));

        *c = s->conf->config;
        prng_init(&r, variant & 0xffff, 11);
        if (variant & 1) {
                c->heartbeat_usec = prng_range(&r, 500, 4000) * USEC_PER_MSEC;
                c->daemon_grace_usec = prng_range(&r, 5, 40) * USEC_PER_SEC;
                c->fence_check_usec = prng_range(&r, 15, 90) * USEC_PER_SEC;
                c->host_start_slots = (uint32_t)prng_range(&r, 1, 6);
                c->fence_retry_max_usec = prng_range(&r, 5, 60) * USEC_PER_SEC;
                c->after_fence = prng_chance(&r, 50) ? AFTER_FENCE_ON : AFTER_FENCE_STAY;
                c->hash++;
        }
        for (size_t i = 0; i < s->n_hosts; i++)
                if (variant >> (16 + i) & 1)
                        drop_devices(c, s->hosts[i].name);
        s->stats.configs++;
        sim_trace(s, h, "hawd.conf is another one here: %#" PRIx64, variant);
        h->config = c;
        if (h->core)
                core_set_config(h->core, c);
}

/* ---- starting ---- */

/* Storage that is lost in truth shows only where it is looked at. */
static void tell_health(struct sim *s, struct sim_host *h) {
        bool looked_at = config_storage_paths(node_conf(s, h), h->name)[0] != '\0';
        struct event ev = {.kind = EV_HOST_HEALTH};

        ev.health.storage =
                measured((h->ills & ILL_BIT(ILL_STORAGE)) || (looked_at && h->storage_lost));
        ev.health.uplink = measured(h->ills & ILL_BIT(ILL_UPLINK));
        ev.health.memory_full = h->ills & ILL_BIT(ILL_MEMORY) ? 9900 : 0;
        text_set(ev.health.storage_text, ILL_TEXT, "its storage is lost");
        text_set(ev.health.uplink_text, ILL_TEXT, "its uplink has no carrier");
        node_feed(s, h, &ev);
}

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
        sim_at(s, node_conf(s, h)->heartbeat_usec, OWNER_HAWD, h->index, tell_load, 0, 0);
        node_feed(s, h, &ev);
        if (!sim_still(h, OWNER_HAWD)) /* it may have been struck meanwhile */
                tell_health(s, h);
}

static void connect_ring(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];

        if (!h->cs.up)
                return;
        nodelist_tell(s, h);
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
        h->core = core_new(&boot, node_conf(s, h));
        (void)state_unref(state);
        h->seen_version = 0;
        h->group = 0;
        h->spins = 0;
        h->deadline = USEC_INFINITY;
        dog_hawd_starts(s, h);
        copies_hawd_starts(s, h);
        sim_at(s, 0, OWNER_HAWD, h->index, connect_ring, 0, 0);
        sim_at(s, 1, OWNER_HAWD, h->index, tell_load, 0, 0);
        virtd_connect(s, h, sim_delay(s, 30 * USEC_PER_MSEC));
}

/* ---- ending ---- */

static void gone(struct sim *s, struct sim_host *h, bool for_good) {
        dog_hawd_gone(s, h, for_good);
        disk_crash(s, h);
        h->core = core_free(h->core);
        h->hawd_still = false;
        actions_free(&h->rest);
        h->rest = (struct actions){0};
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
        gone(s, h, false);
}

static void system_down(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        bool again = h->reboot;

        power_off(s, h);
        if (again)
                power_on(s, h);
}

static void start_again(struct sim *s, const struct call *c) {
        node_start(s, &s->hosts[c->host]);
}

static void end_process(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        bool again = h->restart;

        sim_trace(s, h, "hawd has stopped");
        gone(s, h, !again);
        if (again)
                sim_at(s, 200 * USEC_PER_MSEC, OWNER_HOST, h->index, start_again, 0, 0);
        if (h->shutdown || h->reboot)
                sim_at(s, 2 * USEC_PER_SEC, OWNER_HOST, h->index, system_down, 0, 0);
}

/* In a call of its own: the core is in the middle of a step. */
static void stopped(struct sim *s, struct sim_host *h) {
        sim_at(s, 0, OWNER_HAWD, h->index, end_process, 0, 0);
}

void node_stop(struct sim *s, struct sim_host *h, bool restart) {
        struct event ev = {.kind = EV_STOP, .stop = {.restart = restart}};

        if (!h->core || h->stopping)
                return;
        h->hawd_off = !restart;
        h->stopping = true;
        h->restart = restart;
        node_feed(s, h, &ev);
}
