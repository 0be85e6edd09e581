/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One real core among members that say what it says: with them it takes any ledger through
 * exchange, promise and install, leads, and decides on what is in it. What it asks of libvirt, of
 * fence devices and of the disk is answered as the input says.
 *
 * Besides not crashing: its model can always be stored, and read back as it was.
 */
#pragma once

#include "hawd/core/core.h"
#include "hawd/wire/wire.h"
#include "tests/fuzz/fuzz.h"

#define MIRROR_QUEUE 4096
#define MIRROR_STEPS 800 /* what decides for ever is cut off here: that is another test's */

struct mirror {
        struct core *c;
        struct config config;
        struct input in;
        uint32_t self;
        uint32_t members[HOSTS_MAX]; /* of the group, self first */
        size_t n_members;
        uint64_t view, number; /* as the core said them last */
        usec_t now;
        struct msg *queue[MIRROR_QUEUE];
        size_t n_queue, next;
        unsigned steps;
        bool fail_disk, disk_failed;                        /* now; ever */
        void (*persist)(void *ud, const struct persist *p); /* a store that keeps it, or NULL */
        void *ud;
};

static inline void mirror_event(struct mirror *x, struct event ev);

/* Peers as they would be, had they the same disk: all but the heartbeat's and the ask's sender. */
static inline bool mirrored(const struct msg *m) {
        return m->kind == MSG_EXCHANGE || m->kind == MSG_PROMISE || m->kind == MSG_ACK ||
               m->kind == MSG_HEARTBEAT;
}

static inline void mirror_sent(struct mirror *x, struct msg *m) {
        uint8_t *bytes = NULL;
        size_t len;

        x->view = m->view;
        if (m->kind == MSG_PROMISE)
                x->number = m->promise.number;
        must(wire_msg_encode(m, &bytes, &len) == 0); /* what it says, others can read */
        free(bytes);
        if (x->n_queue < MIRROR_QUEUE)
                x->queue[x->n_queue++] = msg_ref(m);
}

static inline void mirror_job(struct mirror *x, const struct action *a) {
        uint8_t how = input_byte(&x->in);
        struct event ev = {.kind = EV_GUEST_JOB_DONE};

        if (how == 0xff)
                return; /* it hangs */
        ev.guest_job.id = a->guest_job.id;
        ev.guest_job.result = (how >> 4) % RESULT_MAX_;
        ev.guest_job.seen = how % SEEN_MAX_;
        ev.guest_job.text = "";
        if (a->guest_job.op == GJOB_START && ev.guest_job.result == RESULT_DONE)
                ev.guest_job.seen = SEEN_RUNNING;
        mirror_event(x, ev);
}

static inline void mirror_fence(struct mirror *x, const struct action *a) {
        uint8_t how = input_byte(&x->in);
        struct event ev = {.kind = EV_FENCE_DONE};

        if (how == 0xff)
                return;
        ev.fence.id = a->fence.id;
        ev.fence.reading = how % READING_MAX_;
        ev.fence.switched = how & 0x80;
        ev.fence.text = "";
        mirror_event(x, ev);
}

static inline void mirror_facts(struct mirror *x, const struct action *a) {
        struct blob *b = input_byte(&x->in) & 1 ? blob_new("{}", 2) : NULL;
        struct event ev = {.kind = EV_FACTS_DONE};

        ev.facts.id = a->facts.id;
        ev.facts.facts = b;
        ev.facts.text = "";
        mirror_event(x, ev);
        blob_unref(b);
}

static inline void mirror_persist(struct mirror *x, const struct persist *p) {
        struct event ev = {.kind = EV_PERSISTED};

        ev.persist.batch = p->batch;
        if (x->fail_disk) {
                x->disk_failed = true;
                ev.kind = EV_PERSIST_FAILED;
                ev.persist.code = -ENOSPC;
                ev.persist.text = "disk full";
        } else if (x->persist) {
                x->persist(x->ud, p);
        }
        mirror_event(x, ev);
}

static inline void mirror_event(struct mirror *x, struct event ev) {
        struct actions out = {0};

        if (x->steps++ >= MIRROR_STEPS)
                return;
        ev.now = x->now;
        ev.wall = 1700000000 * USEC_PER_SEC + x->now;
        must(core_step(x->c, &ev, &out) == 0);
        for (size_t i = 0; i < out.n; i++) /* sent before what the answers below lead to */
                if (out.list[i].kind == ACT_SEND)
                        mirror_sent(x, out.list[i].send);
        for (size_t i = 0; i < out.n; i++) {
                struct action *a = &out.list[i];

                if (a->kind == ACT_PERSIST)
                        mirror_persist(x, a->persist);
                else if (a->kind == ACT_GUEST_JOB)
                        mirror_job(x, a);
                else if (a->kind == ACT_FENCE)
                        mirror_fence(x, a);
                else if (a->kind == ACT_FACTS)
                        mirror_facts(x, a);
        }
        actions_free(&out);
}

static inline void mirror_deliver(struct mirror *x, uint32_t from, struct msg *m) {
        struct event ev = {.kind = EV_MESSAGE};

        ev.message.from = (struct ring_member){from, 100 + from};
        ev.message.msg = m;
        mirror_event(x, ev);
}

static inline void mirror_run(struct mirror *x) {
        while (x->next < x->n_queue && x->steps < MIRROR_STEPS) {
                struct msg *m = x->queue[x->next++];
                size_t n = mirrored(m) ? x->n_members : MIN(x->n_members, 1u);

                for (size_t i = 0; i < n; i++)
                        mirror_deliver(x, x->members[i], m);
        }
}

/* The hosts of @mask that the ledger or the nodelist has, and this one, are there. */
static inline void mirror_group(struct mirror *x, uint32_t mask) {
        struct ring_member members[HOSTS_MAX];
        const struct model *m = core_model(x->c);
        struct event ev = {.kind = EV_RING};

        x->n_members = 0;
        x->members[x->n_members++] = x->self;
        for (size_t i = 0; i < MAX(m->n_hosts, (size_t)3) && x->n_members < HOSTS_MAX; i++) {
                uint32_t id = m->n_hosts ? m->hosts[i % m->n_hosts].nodeid : (uint32_t)i + 1;

                if (i < MAX(m->n_hosts, 3 * (size_t)(m->n_hosts == 0)) && id != x->self &&
                    (mask & (1u << i)))
                        x->members[x->n_members++] = id;
        }
        for (size_t i = 0; i < x->n_members; i++)
                members[i] = (struct ring_member){x->members[i], 100 + x->members[i]};
        ev.ring.id = (struct ring_id){x->self, x->now};
        ev.ring.nodeids = x->members;
        ev.ring.n_nodeids = x->n_members;
        mirror_event(x, ev);
        ev = (struct event){.kind = EV_QUORUM};
        ev.quorum.id = (struct ring_id){x->self, x->now};
        ev.quorum.quorate = true; /* of halves too */
        ev.quorum.two_node = x->n_members == 1;
        ev.quorum.last_man_standing = mask & 0x80;
        mirror_event(x, ev);
        ev = (struct event){.kind = EV_GROUP};
        ev.group.members = members;
        ev.group.n_members = x->n_members;
        mirror_event(x, ev);
        mirror_run(x);
}

/* What it knows can be stored, sent and read back. */
static inline void mirror_check(const struct model *m) {
        uint8_t *bytes = NULL;
        size_t len;
        struct model again;
        char err[TEXT_LEN] = "";

        must(wire_model_encode(m, &bytes, &len) == 0);
        if (wire_model_decode(bytes, len, &again, err) < 0) {
                (void)fprintf(stderr, "refused: %s\n", err);
                abort();
        }
        must(model_hash(m) == model_hash(&again));
        model_clear(&again);
        free(bytes);
}

static inline void mirror_ask_all(struct mirror *x) {
        const struct model *m = core_model(x->c);
        struct core_status st;

        core_status(x->c, &st);
        for (size_t i = 0; i < MIN(m->n_hosts, (size_t)4); i++)
                free(core_explain_host(x->c, m->hosts[i].name));
        for (size_t i = 0; i < MIN(m->n_guests, (size_t)4); i++)
                free(core_explain_guest(x->c, m->guests[i].spec->name));
}

static inline void mirror_pass(struct mirror *x, usec_t t) {
        usec_t end = x->now + t;
        struct event ev = {.kind = EV_TIMEOUT};

        for (unsigned i = 0; i < 40 && core_deadline(x->c) <= end; i++) {
                x->now = MAX(x->now, core_deadline(x->c));
                mirror_event(x, ev);
                mirror_run(x);
        }
        x->now = end;
        mirror_event(x, ev);
        mirror_run(x);
}

static inline void mirror_devices(struct mirror *x) {
        const struct model *m = core_model(x->c);

        for (size_t i = 0; i < MIN(m->n_hosts, (size_t)4); i++) {
                struct conf_device *d = &x->config.devices[x->config.n_devices++];

                *d = (struct conf_device){.level = 1 + (uint32_t)i % 2,
                                          .timeout_usec = 20 * USEC_PER_SEC};
                text_fmt(d->name, sizeof(d->name), "bmc%zu", i + 1);
                text_set(d->host, sizeof(d->host), m->hosts[i].name);
        }
}

/** mirror_start() - boot with @s (NULL: nothing stored), and all of its hosts are there */
static inline void mirror_start(struct mirror *x, struct core_boot *boot) {
        struct conf_node nodes[HOSTS_MAX];
        const struct model *m;
        struct event ev = {.kind = EV_NODELIST};
        size_t n = 0;

        config_defaults(&x->config);
        x->now = 100 * USEC_PER_SEC;
        x->self =
                boot->state && boot->state->model.n_hosts ? boot->state->model.hosts[0].nodeid : 1;
        boot->nodeid = x->self;
        boot->incarnation = 7;
        boot->hawd_version = "test";
        x->c = core_new(boot, &x->config);
        m = core_model(x->c);
        mirror_check(m);
        mirror_devices(x);
        for (; n < (m->n_hosts ? m->n_hosts : 3); n++) {
                nodes[n].nodeid = m->n_hosts ? m->hosts[n].nodeid : (uint32_t)n + 1;
                text_fmt(nodes[n].name, sizeof(nodes[n].name), "node%zu", n + 1);
        }
        ev.nodelist.nodes = nodes;
        ev.nodelist.n_nodes = n;
        mirror_event(x, ev);
        mirror_event(x, (struct event){.kind = EV_LIBVIRT_UP});
        ev = (struct event){.kind = EV_HOST_LOAD};
        ev.load.memory_free_mib = 4000;
        ev.load.vcpus = 4;
        ev.load.memory_mib = 8192;
        mirror_event(x, ev);
        ev = (struct event){.kind = EV_HOST_HEALTH};
        ev.health.storage = MEASURED_BAD;
        mirror_event(x, ev);
        mirror_group(x, UINT32_MAX);
        mirror_pass(x, USEC_PER_SEC);
        mirror_check(core_model(x->c));
}

static inline void mirror_end(struct mirror *x) {
        core_free(x->c);
        for (size_t i = 0; i < x->n_queue; i++)
                msg_unref(x->queue[i]);
}

/* ---- what the input does to it --------------------------------------------------------------- */

/* A message of a member, in its configuration and of its epoch, or as it says itself. */
static inline void mirror_message(struct mirror *x, uint8_t from) {
        struct input part = input_bytes(&x->in);
        char err[TEXT_LEN];
        struct msg *m;

        if (wire_msg_decode(part.p, part.len, &m, err) < 0)
                return;
        if (!(from & 0x40)) {
                m->view = x->view;
                if (m->kind == MSG_PROMISE)
                        m->promise.number = x->number;
                else if (m->kind == MSG_STATE)
                        m->state.number = x->number;
                else if (m->kind == MSG_ACK)
                        m->ack.epoch = x->number;
                else if (m->kind == MSG_ENTRY)
                        m->entry->epoch = x->number;
        }
        mirror_deliver(x, x->members[from % x->n_members], m);
        msg_unref(m);
        mirror_run(x);
}

static inline void mirror_entry(struct mirror *x, uint8_t from) {
        struct input part = input_bytes(&x->in);
        struct msg *m = msg_new(MSG_ENTRY);
        char err[TEXT_LEN];

        if (wire_entry_decode(part.p, part.len, &m->entry, err) == 0) {
                m->entry->epoch = x->number;
                mirror_deliver(x, x->members[from % x->n_members], m);
                mirror_run(x);
        }
        msg_unref(m);
}

static inline void mirror_domain(struct mirror *x, uint8_t which) {
        const struct model *m = core_model(x->c);
        uint8_t how = input_byte(&x->in);
        struct event ev = {.kind = how & 0x80 ? EV_DOMAIN_HEALTHY : EV_DOMAIN};

        if (m->n_guests == 0)
                return;
        text_set(ev.domain.uuid, UUID_LEN, m->guests[which % m->n_guests].spec->uuid);
        ev.domain.state = how % SEEN_MAX_;
        ev.domain.end_why = (how >> 3) % END_MAX_;
        mirror_event(x, ev);
        mirror_run(x);
}

static inline void mirror_request(struct mirror *x, uint8_t which) {
        const struct model *m = core_model(x->c);
        struct event ev = {.kind = EV_REQUEST};
        uint8_t who = input_byte(&x->in);

        ev.request.id = x->steps + 1;
        ev.request.verb = 1 + which % (VERB_MAX_ - 1);
        if (m->n_guests)
                text_set(ev.request.guest, NAME_LEN, m->guests[who % m->n_guests].spec->name);
        if (m->n_hosts)
                text_set(ev.request.host, NAME_LEN, m->hosts[who % m->n_hosts].name);
        text_set(ev.request.who, NAME_LEN, "somebody");
        text_set(ev.request.rule, NAME_LEN, who & 1 ? "apart" : "together");
        ev.request.rule_kind = who % RULE_KIND_MAX_;
        ev.request.guests = "a b";
        ev.request.hosts = "node1";
        mirror_event(x, ev);
        mirror_run(x);
}

/** mirror_play() - until the input is used up */
static inline void mirror_play(struct mirror *x) {
        while (x->in.len > 0 && x->steps < MIRROR_STEPS) {
                uint8_t what = input_byte(&x->in), arg = input_byte(&x->in);

                switch (what % 9) {
                case 0:
                        mirror_pass(x, (1 + arg % 32) * USEC_PER_SEC);
                        break;
                case 1:
                        mirror_message(x, arg);
                        break;
                case 2:
                        mirror_entry(x, arg);
                        break;
                case 3:
                        mirror_domain(x, arg);
                        break;
                case 4:
                        x->now++; /* another ring id */
                        mirror_group(x, (uint32_t)arg * 0x01010101u);
                        break;
                case 5:
                        mirror_request(x, arg);
                        break;
                case 6:
                        mirror_ask_all(x);
                        break;
                case 7:
                        x->fail_disk = arg & 1;
                        break;
                default:
                        mirror_event(x, (struct event){.kind = arg & 1 ? EV_LIBVIRT_UP
                                                                       : EV_LIBVIRT_DOWN});
                        break;
                }
                mirror_check(core_model(x->c));
        }
}
