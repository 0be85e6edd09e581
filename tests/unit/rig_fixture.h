/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One real core among peers that only agree: what it sends is delivered back to it, and they
 * exchange, promise and acknowledge whatever it does. So each step of it can be looked at.
 *
 * It boots with a ledger made by ledger_fixture.h. The ops it proposes are kept in ops[], what it
 * wants done in acts[]; rig_clear() forgets both. The lowest node id of the group acknowledges
 * first and so leads; where that is a peer, it numbers what the core proposes.
 */
#pragma once

#include "hawd/core/core.h"
#include "tests/unit/ledger_fixture.h"

#define RIG_KEPT 256

struct rig {
        struct config config;
        struct core *c;
        uint32_t nodeid;
        usec_t now;
        uint64_t ring_seq;
        struct ring_member group[HOSTS_MAX];
        size_t n_group;
        bool lose_entries;        /* what it proposes never comes back */
        bool lose_heartbeats;     /* nor its heartbeats */
        bool others_silent;       /* no heartbeat of another member comes */
        int64_t ahead[HOSTS_MAX]; /* the clock of each other member, by node id */
        bool no_answers;          /* of others, to what runs there */
        uint32_t runs_on;         /* the member where the domain that is asked for runs */
        bool hold_disk;           /* batches wait for rig_disk() */
        uint64_t batch;           /* the latest handed out */
        struct op ops[RIG_KEPT];
        size_t n_ops;
        struct action acts[RIG_KEPT];
        size_t n_acts;
        void (*told)(void *userdata, const struct action *a); /* each action, for traces */
        void *userdata;
};

static int64_t rig_own_ahead __attribute__((unused)); /* this host's clock was set by so much */

static inline usec_t rig_wall(usec_t now) { /* a little later than the ledger was made */
        return (usec_t)(910 * (int64_t)USEC_PER_SEC + (int64_t)now + rig_own_ahead);
}

static inline void rig_pump(struct rig *r, struct actions *out);

/* One event, and all that follows of it at once. */
static inline void rig_event(struct rig *r, struct event ev) {
        struct actions out = {0};

        ev.now = r->now;
        ev.wall = rig_wall(r->now);
        ck_assert_int_eq(core_step(r->c, &ev, &out), 0);
        rig_pump(r, &out);
        actions_free(&out);
}

#define EVENT(r, ...) rig_event((r), (struct event){__VA_ARGS__})

static inline void rig_message(struct rig *r, struct ring_member from, struct msg *m,
                               struct actions *out) {
        struct event ev = {.kind = EV_MESSAGE, .now = r->now, .wall = rig_wall(r->now)};

        ev.message.from = from;
        ev.message.msg = m;
        ck_assert_int_eq(core_step(r->c, &ev, out), 0);
}

static inline void rig_heartbeat(const struct rig *r, uint32_t from, const struct msg *m,
                                 struct msg *echo) {
        echo->heartbeat = m->heartbeat;
        echo->heartbeat.wall = m->heartbeat.wall + (usec_t)r->ahead[from];
        echo->heartbeat.n_echoes = 1;
        echo->heartbeat.echoes[0].nodeid = r->nodeid;
        echo->heartbeat.echoes[0].sent_usec = m->heartbeat.sent_usec;
}

/* The peers say what the core says: same ledger, same promise, same acknowledgement; each in the
 * order of the node ids. */
static inline void rig_echo(struct rig *r, struct msg *m, struct actions *out) {
        for (size_t i = 0; i < r->n_group; i++) {
                struct msg *echo;

                if (r->group[i].nodeid == r->nodeid) {
                        rig_message(r, r->group[i], m, out);
                        continue;
                }
                echo = msg_new(m->kind);
                echo->view = m->view;
                if (m->kind == MSG_EXCHANGE) {
                        echo->exchange = m->exchange;
                        echo->exchange.incarnation = INCARNATION(r->group[i].nodeid);
                        echo->exchange.continuous = true; /* the others were at work before */
                        echo->exchange.cold_usec = 0;
                } else if (m->kind == MSG_PROMISE) {
                        echo->promise = m->promise;
                } else if (m->kind == MSG_HEARTBEAT) {
                        rig_heartbeat(r, r->group[i].nodeid, m, echo);
                } else {
                        echo->ack = m->ack;
                }
                rig_message(r, r->group[i], echo, out);
                msg_unref(echo);
        }
}

/* A peer that leads numbers the entry and sends it to all. */
static inline void rig_number(struct rig *r, struct entry *e, struct actions *out) {
        struct msg *m = msg_new(MSG_ENTRY);
        struct core_status st;

        core_status(r->c, &st);
        m->entry = entry_ref(e);
        m->entry_version = st.version + 1;
        rig_message(r, r->group[0], m, out);
        msg_unref(m);
}

/* Does the domain run there? */
static inline void rig_answer(struct rig *r, const struct msg *ask, struct actions *out) {
        struct ring_member from = {ask->ask.to, 1000 + ask->ask.to};
        struct msg *m = msg_new(MSG_TELL);

        m->view = ask->view;
        m->tell.to = ask->ask.origin;
        m->tell.request = ask->ask.request;
        m->tell.code = ask->ask.to == r->runs_on ? REPLY_USAGE : REPLY_OK;
        text_fmt(m->tell.text, sizeof(m->tell.text), "%s runs there", ask->ask.spec->name);
        rig_message(r, from, m, out);
        msg_unref(m);
}

static inline void rig_sent(struct rig *r, struct msg *m, struct actions *out) {
        struct ring_member self = {r->nodeid, 1000 + r->nodeid};

        if (m->kind == MSG_ENTRY && m->entry->origin == r->nodeid)
                for (size_t k = 0; k < m->entry->n_ops; k++) {
                        ck_assert_uint_lt(r->n_ops, RIG_KEPT);
                        r->ops[r->n_ops] = m->entry->ops[k];
                        r->ops[r->n_ops].spec = NULL; /* borrowed ones are not kept */
                        r->ops[r->n_ops].list = r->ops[r->n_ops].list2 = NULL;
                        r->ops[r->n_ops++].seen_list = NULL;
                }
        if ((m->kind == MSG_ENTRY && r->lose_entries) ||
            (m->kind == MSG_HEARTBEAT && r->lose_heartbeats))
                return;
        if (m->kind == MSG_EXCHANGE || m->kind == MSG_PROMISE || m->kind == MSG_ACK ||
            (m->kind == MSG_HEARTBEAT && !r->others_silent))
                rig_echo(r, m, out);
        else if (m->kind == MSG_ASK && m->ask.kind == ASK_GUEST_RUNS && !r->no_answers)
                rig_answer(r, m, out);
        else if (m->kind == MSG_ENTRY && m->entry_version == 0)
                rig_number(r, m->entry, out);
        else
                rig_message(r, self, m, out);
}

static inline void rig_keep(struct rig *r, struct action *a) {
        ck_assert_uint_lt(r->n_acts, RIG_KEPT);
        r->acts[r->n_acts++] = *a;
        a->kind = ACT_STOPPED; /* owned here now */
}

static inline void rig_pump(struct rig *r, struct actions *out) {
        for (size_t i = 0; i < out->n; i++) {
                struct event ev = {.kind = EV_PERSISTED, .now = r->now, .wall = rig_wall(r->now)};
                struct msg *m;

                if (r->told)
                        r->told(r->userdata, &out->list[i]);
                switch (out->list[i].kind) {
                case ACT_PERSIST:
                        ev.persist.batch = r->batch = out->list[i].persist->batch;
                        if (!r->hold_disk)
                                ck_assert_int_eq(core_step(r->c, &ev, out), 0);
                        break;
                case ACT_SEND:
                        m = msg_ref(out->list[i].send);
                        rig_sent(r, m, out);
                        msg_unref(m);
                        break;
                default:
                        rig_keep(r, &out->list[i]);
                        break;
                }
        }
}

/* Time passes; the core is woken as often as it asks to be. */
static inline void rig_pass(struct rig *r, usec_t t) {
        usec_t end = r->now + t;

        while (r->now < end) {
                usec_t next = core_deadline(r->c);

                r->now = MIN(end, MAX(next, r->now + USEC_PER_MSEC));
                EVENT(r, .kind = EV_TIMEOUT);
        }
}

static inline void rig_disk(struct rig *r) {
        r->hold_disk = false;
        EVENT(r, .kind = EV_PERSISTED, .persist = {.batch = r->batch});
}

static inline void rig_quorum(struct rig *r, bool quorate) {
        EVENT(r, .kind = EV_QUORUM, .quorum = {.id = {1, r->ring_seq}, .quorate = quorate});
}

/* A new configuration: bit n of the masks is node n. */
static inline void rig_group(struct rig *r, uint32_t group, uint32_t ring) {
        uint32_t nodeids[HOSTS_MAX];
        size_t n = 0;

        r->n_group = 0;
        for (uint32_t id = 1; id < HOSTS_MAX; id++) {
                if (ring & (1u << id))
                        nodeids[n++] = id;
                if (group & (1u << id))
                        r->group[r->n_group++] = (struct ring_member){id, 1000 + id};
        }
        r->ring_seq++;
        EVENT(r, .kind = EV_RING,
              .ring = {.id = {1, r->ring_seq}, .nodeids = nodeids, .n_nodeids = n});
        rig_quorum(r, true);
        EVENT(r, .kind = EV_GROUP, .group = {.members = r->group, .n_members = r->n_group});
}

static inline void rig_clear(struct rig *r) {
        struct actions own = {.list = r->acts, .n = r->n_acts, .cap = RIG_KEPT};

        actions_clear(&own);
        r->n_acts = r->n_ops = 0;
}

static inline struct conf_device *rig_device(struct rig *r, const char *name, const char *host,
                                             uint32_t level) {
        struct conf_device *d = &r->config.devices[r->config.n_devices++];

        *d = (struct conf_device){.level = level, .timeout_usec = 20 * USEC_PER_SEC};
        text_set(d->name, sizeof(d->name), name);
        text_set(d->host, sizeof(d->host), host);
        return d;
}

/* Core @nodeid with the ledger of @l, whose hosts are all in the group. Takes the ledger. The hawd
 * is the one that the ledger knows, or a new one when @restarted. */
static inline void rig_open(struct rig *r, struct led *l, uint32_t nodeid, bool restarted) {
        struct core_boot boot = {.nodeid = nodeid,
                                 .incarnation = restarted ? 777 : INCARNATION(nodeid),
                                 .seed = 1,
                                 .epoch = 5,
                                 .promised = 5,
                                 .state = state_new(),
                                 .hawd_version = "test"};
        struct conf_node nodes[HOSTS_MAX];
        struct host_facts facts;
        uint32_t all = 0;

        r->nodeid = nodeid;
        r->now = 100 * USEC_PER_SEC;
        model_copy(&boot.state->model, &l->m);
        boot.state->epoch = 5;
        boot.state->version = l->m.version;
        r->c = core_new(&boot, &r->config);
        state_unref(boot.state);
        for (size_t i = 0; i < l->m.n_hosts; i++) {
                nodes[i].nodeid = l->m.hosts[i].nodeid;
                text_set(nodes[i].name, sizeof(nodes[i].name), l->m.hosts[i].name);
                all |= 1u << nodes[i].nodeid;
        }
        EVENT(r, .kind = EV_NODELIST, .nodelist = {.nodes = nodes, .n_nodes = l->m.n_hosts});
        facts = model_host(&l->m, nodeid)->facts; /* what it said is still so */
        r->config.hash = facts.config_hash;
        led_close(l);
        EVENT(r, .kind = EV_HOST_LOAD,
              .load = {.memory_free_mib = 4000,
                       .vcpus = facts.vcpus ? facts.vcpus : 4,
                       .memory_mib = facts.memory_mib ? facts.memory_mib : 8192});
        rig_group(r, all, all);
}

static inline struct rig *rig_new(void) {
        struct rig *r = xcalloc(1, sizeof(*r));

        config_defaults(&r->config);
        return r;
}

static inline void rig_close(struct rig *r) {
        rig_clear(r);
        core_free(r->c);
        free(r);
}

static inline struct model *rig_model(struct rig *r) {
        return (struct model *)(uintptr_t)core_model(r->c);
}

/* An entry of one op by another member; takes what @op owns. */
static inline void rig_op_by(struct rig *r, uint32_t from, struct op op) {
        struct ring_member member = {from, 1000 + from};
        struct actions out = {0};
        struct core_status st;
        bool leads = r->group[0].nodeid == r->nodeid;
        struct msg *m = msg_new(MSG_ENTRY);

        core_status(r->c, &st);
        m->entry = entry_new();
        m->entry->origin = from;
        m->entry->incarnation = INCARNATION(from);
        m->entry->epoch = st.epoch;
        *entry_add(m->entry, op.kind) = op;
        if (m->entry->ops[0].wall == 0)
                m->entry->ops[0].wall = rig_wall(r->now);
        if (leads)
                rig_message(r, member, m, &out);
        else
                rig_number(r, m->entry, &out);
        msg_unref(m);
        rig_pump(r, &out);
        actions_free(&out);
}

#define BY(r, from, ...) rig_op_by((r), (from), (struct op){__VA_ARGS__})

/* The latest proposed op of @kind, or NULL. */
static inline const struct op *rig_op(const struct rig *r, enum op_kind kind) {
        for (size_t i = r->n_ops; i > 0; i--)
                if (r->ops[i - 1].kind == kind)
                        return &r->ops[i - 1];
        return NULL;
}

static inline size_t rig_ops(const struct rig *r, enum op_kind kind) {
        size_t n = 0;

        for (size_t i = 0; i < r->n_ops; i++)
                n += r->ops[i].kind == kind;
        return n;
}

static inline const struct action *rig_act(const struct rig *r, enum action_kind kind) {
        for (size_t i = r->n_acts; i > 0; i--)
                if (r->acts[i - 1].kind == kind)
                        return &r->acts[i - 1];
        return NULL;
}

static inline size_t rig_acts(const struct rig *r, enum action_kind kind) {
        size_t n = 0;

        for (size_t i = 0; i < r->n_acts; i++)
                n += r->acts[i].kind == kind;
        return n;
}

/* The guest job of @op asked for, or a failed test. */
static inline uint64_t rig_job(const struct rig *r, enum guest_job_op op) {
        for (size_t i = r->n_acts; i > 0; i--)
                if (r->acts[i - 1].kind == ACT_GUEST_JOB && r->acts[i - 1].guest_job.op == op)
                        return r->acts[i - 1].guest_job.id;
        ck_abort_msg("guest job %d was not asked for", (int)op);
        return 0;
}

static inline size_t rig_jobs(const struct rig *r, enum guest_job_op op) {
        size_t n = 0;

        for (size_t i = 0; i < r->n_acts; i++)
                n += r->acts[i].kind == ACT_GUEST_JOB && r->acts[i].guest_job.op == op;
        return n;
}

static inline void rig_job_done(struct rig *r, uint64_t id, enum job_result result,
                                enum seen_state seen) {
        EVENT(r, .kind = EV_GUEST_JOB_DONE,
              .guest_job = {.id = id,
                            .result = result,
                            .seen = seen,
                            .text = "job's text",
                            .wall = rig_wall(r->now)});
}

static inline struct domain_seen rig_seen(const char *name, enum seen_state state) {
        struct guest_spec *s = led_spec(name);
        struct domain_seen d = {.state = state, .wall = 1};

        text_set(d.name, sizeof(d.name), s->name);
        text_set(d.uuid, sizeof(d.uuid), s->uuid);
        guest_spec_unref(s);
        return d;
}

static inline void rig_domain(struct rig *r, const char *name, enum seen_state state,
                              enum end_why why) {
        struct domain_seen d = rig_seen(name, state);

        d.end_why = why;
        EVENT(r, .kind = EV_DOMAIN, .domain = d);
}

/* libvirt is there and shows @name (NULL: nothing) in @state. */
static inline void rig_libvirt(struct rig *r, const char *name, enum seen_state state) {
        struct domain_seen d = {0};

        if (name)
                d = rig_seen(name, state);
        EVENT(r, .kind = EV_LIBVIRT_UP, .libvirt = {.domains = &d, .n_domains = name ? 1 : 0});
}

static inline void rig_fence_done(struct rig *r, uint64_t id, enum power_reading reading) {
        EVENT(r, .kind = EV_FENCE_DONE,
              .fence = {.id = id, .reading = reading, .text = "", .wall = rig_wall(r->now)});
}
