/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "hawd/core/priv.h"

void *core_grow(void *array, size_t *cap, size_t n, size_t size) {
        if (n < *cap)
                return array;
        *cap = MAX(8, *cap * 2);
        return xreallocarray(array, *cap, size);
}

void core_note(struct core *c, enum note_id id, uint32_t host, const char *guest, const char *fmt,
               ...) {
        struct note *n = xcalloc(1, sizeof(*n));
        va_list ap;

        n->id = id;
        n->host = host;
        if (guest)
                text_set(n->guest, sizeof(n->guest), guest);
        va_start(ap, fmt);
        (void)vsnprintf(n->text, sizeof(n->text), fmt, ap); /* cut is fine */
        va_end(ap);
        actions_add(c->out, ACT_NOTE)->note = n;
}

void core_send(struct core *c, struct msg *m) {
        m->view = c->view;
        actions_add(c->out, ACT_SEND)->send = m;
}

struct peer *core_peer(struct core *c, uint32_t nodeid) {
        for (size_t i = 0; i < c->n_peers; i++)
                if (c->peers[i].id.nodeid == nodeid)
                        return &c->peers[i];
        return NULL;
}

bool core_in_group(const struct core *c, uint32_t nodeid) {
        for (size_t i = 0; i < c->n_peers; i++)
                if (c->peers[i].id.nodeid == nodeid)
                        return true;
        return false;
}

bool core_in_ring(const struct core *c, uint32_t nodeid) {
        for (size_t i = 0; i < c->n_ring; i++)
                if (c->ring[i] == nodeid)
                        return true;
        return false;
}

usec_t core_ring_since(const struct core *c, uint32_t nodeid) {
        for (size_t i = 0; i < c->n_ring; i++)
                if (c->ring[i] == nodeid)
                        return c->ring_since[i];
        return 0;
}

struct host *core_self(struct core *c) {
        return model_host(&c->model, c->nodeid);
}

/* The others lost their vote when they were proven off, and nobody who voted is missing: what
 * wait_for_all waits for is only those who have none. */
static bool all_voters_here(const struct core *c) {
        uint32_t members[HOSTS_MAX];
        uint32_t n = sync_members(c, members);

        for (uint32_t i = 0; i < n; i++)
                if (!core_in_group(c, members[i]))
                        return false;
        return !c->virgin && n > 0 && n < c->model.n_hosts;
}

/* Membership and quorum come on two descriptors: what was said of another ring says nothing. */
bool core_ring_quorate(const struct core *c) {
        if (c->ring_id.nodeid != c->quorum_id.nodeid || c->ring_id.seq != c->quorum_id.seq)
                return false;
        return c->quorum_flag || (c->quorum_waiting && all_voters_here(c));
}

static const char *store_error(const struct core *c, const struct peer *p) {
        if (p->id.nodeid != c->nodeid)
                return p->heartbeat.store_error;
        return c->store_failed ? c->store_error : "";
}

bool core_stores_fail(const struct core *c) {
        uint32_t voters[HOSTS_MAX], n, good = 0;
        bool any = false;

        for (size_t i = 0; i < c->n_peers; i++)
                any |= store_error(c, &c->peers[i])[0] != '\0';
        if (!any)
                return false;
        n = sync_voters(c, voters);
        for (size_t i = 0; i < c->n_peers; i++)
                for (uint32_t k = 0; k < n; k++)
                        good += voters[k] == c->peers[i].id.nodeid &&
                                store_error(c, &c->peers[i])[0] == '\0';
        return 2 * good <= n;
}

bool core_operational(const struct core *c) {
        return c->phase == SYNC_DONE && c->installed && core_ring_quorate(c) &&
               !core_stores_fail(c);
}

uint32_t core_leader_nodeid(const struct core *c) {
        return c->phase == SYNC_DONE ? c->leader : 0;
}

bool core_leader(const struct core *c) {
        return core_operational(c) && core_leader_nodeid(c) == c->nodeid;
}

struct core *core_new(const struct core_boot *boot, const struct config *config) {
        struct core *c = xcalloc(1, sizeof(*c));

        c->config = config;
        c->nodeid = boot->nodeid;
        c->incarnation = boot->incarnation;
        c->seed = boot->seed;
        text_set(c->hawd_version, sizeof(c->hawd_version), boot->hawd_version);
        text_set(c->dmi, sizeof(c->dmi), boot->dmi ? boot->dmi : "");
        c->epoch = boot->epoch;
        c->promised = MAX(boot->promised, boot->epoch);
        c->virgin = boot->epoch == 0;
        if (boot->store_error) {
                c->store_failed = true;
                text_set(c->store_error, sizeof(c->store_error), boot->store_error);
        }
        c->store_retry = 0;
        c->stop_deadline = USEC_INFINITY;
        c->operational_said = true; /* so that what is missing is said at the start too */
        model_init(&c->model);
        model_init(&c->lone.model);
        if (boot->state) {
                model_copy(&c->model, &boot->state->model);
                for (size_t i = 0; i < boot->state->n_tail; i++)
                        log_tail(c, entry_ref(boot->state->tail[i]));
        }
        c->base_version = c->model.version;
        c->noted_version = log_version(c); /* said when they were stored here, by the hawd before */
        text_set(c->lost, sizeof(c->lost), boot->lost ? boot->lost : "");
        return c;
}

struct core *core_free(struct core *c) {
        if (!c)
                return NULL;
        for (size_t i = 0; i < c->n_tail; i++)
                entry_unref(c->tail[i]);
        for (size_t i = 0; i < c->n_held; i++)
                entry_unref(c->held[i]);
        for (size_t i = 0; i < c->n_batches; i++)
                free(c->batches[i].rows);
        for (size_t i = 0; i < c->n_pendings; i++)
                entry_unref(c->pendings[i].entry);
        for (size_t i = 0; i < c->n_looks; i++)
                entry_unref(c->looks[i].entry);
        for (size_t i = 0; i < c->n_works; i++)
                guest_spec_unref(c->works[i].spec);
        persist_free(c->pending_persist);
        model_clear(&c->lone.model);
        model_clear(&c->model);
        free(c->tail);
        free(c->held);
        free(c->batches);
        free(c->unsaved);
        free(c->domains);
        free(c->works);
        free(c->told);
        free(c->fences);
        free(c->retries);
        free(c->pendings);
        free(c->looks);
        replica_free(c);
        free(c->copyings);
        free(c->questions);
        free(c->surveys);
        free(c->facts_askers);
        free(c);
        return NULL;
}

void core_set_config(struct core *c, const struct config *config) {
        c->config = config;
        c->n_checks = 0;
}

static void heartbeat_send(struct core *c) {
        struct msg *m;

        if (c->n_peers == 0)
                return;
        if (c->now >= c->next_heartbeat) {
                m = msg_new(MSG_HEARTBEAT);
                m->heartbeat = (struct heartbeat){
                        .sent_usec = c->now,
                        .wall = c->own_wall,
                        .memory_free_mib = c->memory_free_mib,
                        .load_pct = c->load_pct,
                        .libvirt_ok = c->libvirt_up || !c->libvirt_known,
                        .watchdog_armed = c->watchdog.armed,
                        .ills = c->ills_now,
                };
                if (c->store_failed)
                        text_set(m->heartbeat.store_error, TEXT_LEN, c->store_error);
                for (size_t i = 0; i < c->n_peers; i++) {
                        const struct peer *p = &c->peers[i];

                        if (p->heartbeat_now == 0 || p->id.nodeid == c->nodeid)
                                continue;
                        m->heartbeat.echoes[m->heartbeat.n_echoes].nodeid = p->id.nodeid;
                        m->heartbeat.echoes[m->heartbeat.n_echoes++].sent_usec =
                                p->heartbeat.sent_usec;
                }
                core_send(c, m);
                c->heartbeat_last = m->heartbeat.sent_usec;
                if (c->heartbeat_first == 0)
                        c->heartbeat_first = c->heartbeat_last;
                lease_renew(c);
                c->next_heartbeat = usec_add(c->now, c->config->heartbeat_usec);
        }
        wake_at(c, c->next_heartbeat);
}

static void take_message(struct core *c, const struct event *ev) {
        const struct msg *m = ev->message.msg;
        struct peer *p;
        int index;

        switch (m->kind) {
        case MSG_EXCHANGE:
                sync_exchange(c, ev->message.from, m);
                break;
        case MSG_PROMISE:
                sync_promise(c, ev->message.from, m);
                break;
        case MSG_STATE:
                sync_state(c, ev->message.from, m);
                break;
        case MSG_ACK:
                log_ack(c, ev->message.from, m);
                break;
        case MSG_ENTRY:
                log_entry(c, ev->message.from, m);
                break;
        case MSG_HEARTBEAT:
                p = core_peer(c, ev->message.from.nodeid);
                if (p) {
                        lease_take(c, p, &m->heartbeat);
                        lease_renew(c);
                        p->heartbeat = m->heartbeat;
                        p->heartbeat_now = c->now;
                        if (p->id.nodeid == c->nodeid)
                                c->own_heard = m->heartbeat.sent_usec;
                        wall_heard(c, p, m->heartbeat.wall);
                        index = model_host_index(&c->model, p->id.nodeid);
                        if (index >= 0)
                                c->heard_wall[index] = c->wall;
                }
                break;
        case MSG_ASK:
                request_ask(c, m);
                break;
        case MSG_TELL:
                request_tell(c, ev->message.from.nodeid, m);
                break;
        case MSG_EXCLUDE:
                sync_exclude(c, m);
                break;
        case MSG_PROVEN:
                lone_take(c, ev->message.from, m);
                break;
        case MSG_HISTORY:
        case MSG_NONE:
        case MSG_KIND_MAX_:
                break;
        }
}

static void take_ring(struct core *c, const struct event *ev) {
        uint32_t ring[HOSTS_MAX];
        usec_t since[HOSTS_MAX];
        bool back = false;
        size_t n = 0;

        for (size_t i = 0; i < ev->ring.n_nodeids && n < HOSTS_MAX; i++, n++) {
                usec_t t = core_ring_since(c, ev->ring.nodeids[i]);

                ring[n] = ev->ring.nodeids[i];
                since[n] = t ? t : MAX(c->now, 1);
                back |= t == 0;
        }
        c->ring_id = ev->ring.id;
        memcpy(c->ring, ring, sizeof(ring));
        memcpy(c->ring_since, since, sizeof(since));
        c->n_ring = n;
        if (back) /* its hawd may be about to come, too */
                fencer_lone_call_off(c, 0);
}

static void take_nodelist(struct core *c, const struct event *ev) {
        c->n_nodes = 0;
        for (size_t i = 0; i < ev->nodelist.n_nodes && c->n_nodes < HOSTS_MAX; i++)
                c->nodes[c->n_nodes++] = ev->nodelist.nodes[i];
        sync_nodelist(c);
}

static int take(struct core *c, const struct event *ev) {
        switch (ev->kind) {
        case EV_TIMEOUT:
                return 0;
        case EV_GROUP:
                sync_group(c, ev);
                return 0;
        case EV_RING:
                take_ring(c, ev);
                return 0;
        case EV_QUORUM:
                c->quorum_id = ev->quorum.id;
                c->quorum_flag = ev->quorum.quorate;
                c->quorum_waiting = ev->quorum.waiting;
                c->two_node = ev->quorum.two_node;
                c->last_man_standing = ev->quorum.last_man_standing;
                return 0;
        case EV_NODELIST:
                take_nodelist(c, ev);
                return 0;
        case EV_MESSAGE:
                take_message(c, ev);
                return 0;
        case EV_PERSISTED:
                log_persisted(c, ev->persist.batch);
                return 0;
        case EV_PERSIST_FAILED:
                log_persist_failed(c, ev->persist.text ? ev->persist.text : "unknown error");
                return 0;
        case EV_LIBVIRT_UP:
        case EV_LIBVIRT_DOWN:
                executor_libvirt(c, ev);
                return 0;
        case EV_DOMAIN:
                executor_domain(c, &ev->domain);
                return 0;
        case EV_DEFINITION:
                executor_definition(c, ev);
                return 0;
        case EV_DOMAIN_HEALTHY:
                executor_healthy(c, &ev->domain);
                return 0;
        case EV_GUEST_JOB_DONE:
                executor_done(c, ev);
                return 0;
        case EV_FENCE_DONE:
                fencer_done(c, ev);
                return 0;
        case EV_FACTS_DONE:
                facts_done(c, ev);
                return 0;
        case EV_REQUEST:
                request_take(c, &ev->request);
                return 0;
        case EV_HOST_LOAD:
                c->memory_free_mib = MIN(ev->load.memory_free_mib, ev->load.memory_mib);
                c->load_pct = ev->load.load_pct;
                c->vcpus = ev->load.vcpus;
                c->memory_mib = ev->load.memory_mib;
                c->load_known = true;
                return 0;
        case EV_SENSORS:
                sensors_done(c, ev);
                return 0;
        case EV_HOST_HEALTH:
                ills_sample(c, &ev->health);
                return 0;
        case EV_WATCHDOG:
                watchdog_take(c, ev);
                return 0;
        case EV_REPLICA:
                if (ev->replica.what >= TOLD_MAX_ || !ev->replica.gid || !ev->replica.serial)
                        return -EINVAL;
                replica_take(c, ev);
                return 0;
        case EV_STOP:
                c->stopping = true;
                c->stop_restart = ev->stop.restart;
                c->stop_deadline = usec_add(c->now, 5 * USEC_PER_SEC);
                return 0;
        case EV_KIND_MAX_:
                break;
        }
        return -EINVAL;
}

static void note_operational(struct core *c) {
        usec_t due;

        if (core_operational(c)) {
                c->not_operational_since = 0;
                if (c->operational_said && c->operational_number == c->number)
                        return;
                c->operational_said = true;
                c->operational_number = c->number;
                core_note(c, NOTE_OPERATIONAL, c->nodeid, NULL,
                          "decisions are made: epoch %" PRIu64 ", version %" PRIu64 ", %zu members",
                          c->number, log_version(c), c->n_peers);
                request_again(c);
                return;
        }
        if (!c->operational_said)
                return;
        if (c->not_operational_since == 0)
                c->not_operational_since = MAX(c->now, 1);
        due = usec_add(c->not_operational_since, RESEND_USEC);
        if (c->now >= due) {
                struct core_status st;

                c->operational_said = false;
                core_status(c, &st);
                core_note(c, NOTE_NOT_OPERATIONAL, c->nodeid, NULL, "no decisions: %s", st.missing);
        } else {
                wake_at(c, due);
        }
}

/* A clean stop: announced and stable, or not possible now; guests run on in either case. */
static void stop_tick(struct core *c) {
        struct host *self = core_self(c);
        bool announced = self && self->incarnation == c->incarnation && self->left_announced &&
                         (self->no_vote || ledger_voters(&c->model) != 2);
        struct op *op;
        struct entry *e;

        if (!c->stopping || c->stopped)
                return;
        if (!watchdog_holds_stop(c) &&
            (announced || c->now >= c->stop_deadline || !core_operational(c))) {
                c->stopped = true;
                actions_add(c->out, ACT_STOPPED);
                return;
        }
        if (!core_operational(c)) /* held by its watchdog */
                return;
        if (c->stop_told == 0 || c->now >= usec_add(c->stop_told, RESEND_USEC)) {
                e = observation(c, OP_HOST_STOPPING, &op);
                op->incarnation = c->incarnation;
                op->flag = c->stop_restart;
                log_propose(c, e);
                c->stop_told = c->now;
        }
        if (c->now < c->stop_deadline)
                wake_at(c, c->stop_deadline);
        wake_at(c, usec_add(c->stop_told, RESEND_USEC));
}

int core_step(struct core *c, const struct event *ev, struct actions *out) {
        int r;

        c->out = out;
        c->now = ev->now;
        wall_measure(c, ev->wall);
        c->wake = USEC_INFINITY;
        r = take(c, ev);
        silent_tick(c);
        sync_resume(c);
        note_operational(c);
        log_tick(c);
        join_tick(c);
        executor_tick(c);
        ills_tick(c);
        replica_tick(c);
        sensors_tick(c);
        fencer_tick(c);
        lone_tick(c);
        lead_tick(c);
        look_tick(c);
        request_tick(c);
        heartbeat_send(c);
        watchdog_tick(c);
        lease_tick(c);
        stop_tick(c);
        log_flush(c);
        c->out = NULL;
        return r;
}

usec_t core_deadline(const struct core *c) {
        return c->wake;
}

const struct model *core_model(const struct core *c) {
        return &c->model;
}

const struct heartbeat *core_heartbeat(const struct core *c, uint32_t nodeid, usec_t *ret_now) {
        for (size_t i = 0; i < c->n_peers; i++)
                if (c->peers[i].id.nodeid == nodeid && c->peers[i].heartbeat_now) {
                        *ret_now = c->peers[i].heartbeat_now;
                        return &c->peers[i].heartbeat;
                }
        return NULL;
}

/* The way here takes time, which makes the other clock look late: the least late one is nearest. */
bool core_clock_offset(const struct core *c, uint32_t nodeid, int64_t *ret_usec) {
        for (size_t i = 0; i < c->n_peers; i++) {
                const struct peer *p = &c->peers[i];
                size_t n = MIN(p->n_clocks, (size_t)CLOCK_SAMPLES);

                if (p->id.nodeid != nodeid || n == 0)
                        continue;
                *ret_usec = nodeid == c->nodeid ? 0 : p->clocks[0];
                for (size_t k = 1; k < n && nodeid != c->nodeid; k++)
                        *ret_usec = MAX(*ret_usec, p->clocks[k]);
                return true;
        }
        return false;
}
