/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Real cores on a ring whose order, losses and disks the test drives by hand.
 *
 * What a member sends goes to the end of one queue, marked with the configuration it was sent in;
 * each member takes those of its own configuration, in that order, one by one (net_deliver()).
 * net_group() makes a new configuration; undelivered messages of the old one are delivered to all
 * who stay first (virtual synchrony), or to nobody after net_drop(). A batch is on disk at
 * once, or with net_disk() for a node whose disk is held. A node boots again from its disk.
 */
#pragma once

#include "hawd/core/core.h"
#include "tests/unit/ledger_fixture.h"

#define NODES 5 /* node ids 1 .. NODES */
#define QUEUE 4096

struct node {
        struct core *c;
        uint32_t pid;
        uint64_t configuration; /* 0: in none */
        size_t next;            /* in the queue */
        bool hold_disk, fail_disk;
        bool hangs; /* takes nothing, does nothing */
        unsigned rejoins;
        const char *lost, *store_error; /* told at the next boot */
        struct persist *held[64];
        size_t n_held;
        uint64_t epoch, promised; /* on its disk */
        struct state *disk;
        size_t n_rows; /* history rows on its disk */
        size_t notes[NOTE_MAX_];
        uint32_t reply_code;
        uint64_t replied; /* request of the last reply */
        size_t n_replies;
        unsigned looks, offs; /* asked of fence devices */
        uint64_t fences[16];  /* not answered: by id, the latest last */
        size_t n_fences;
        size_t asked_at; /* messages sent when a host was to be switched off */
        struct {         /* its watchdog, as the core has used it */
                bool armed;
                const char *refused; /* why it is not armed, when it is tried */
                bool no_proof;
                usec_t timeout, fed, until;
                unsigned arms, pets, disarms;
        } dog;
        bool stopped;
};

struct net {
        struct config config;
        uint32_t n_nodes;
        struct node nodes[NODES + 1];
        struct {
                uint64_t configuration;
                struct ring_member from;
                struct msg *m;
        } queue[QUEUE];
        size_t n_queue;
        uint64_t configurations;
        usec_t now;
        bool two_node, half_quorate, last_man_standing; /* of corosync's quorum */
        /* What bmcN, the device of node N, reads; NONE: it does not answer, MAX_: it hangs. */
        enum power_reading power[NODES + 1];
        bool obeys; /* devices: off is off */
};

static inline void net_actions(struct net *n, uint32_t id, struct actions *out);

static inline void net_event(struct net *n, uint32_t id, struct event ev) {
        struct actions out = {0};

        ev.now = n->now;
        ev.wall = 10000 * USEC_PER_SEC + n->now;
        ck_assert_int_eq(core_step(n->nodes[id].c, &ev, &out), 0);
        net_actions(n, id, &out);
        actions_free(&out);
}

#define TELL(n, id, ...) net_event((n), (id), (struct event){__VA_ARGS__})

static inline void disk_append(struct node *d, struct persist *p) {
        struct state *s = d->disk;

        ck_assert_uint_eq(p->first_version, s->model.version + s->n_tail + 1);
        for (size_t i = 0; i < p->n_entries; i++) {
                s->tail = xreallocarray(s->tail, s->n_tail + 1, sizeof(*s->tail));
                s->tail[s->n_tail++] = entry_ref(p->entries[i]);
        }
        s->version = s->model.version + s->n_tail;
}

/* What the store does with a batch, by event.h. */
static inline void disk_write(struct node *d, struct persist *p) {
        if (p->set_promised)
                d->promised = p->promised;
        if (p->install) {
                struct state *s = state_new();

                state_unref(d->disk);
                model_copy(&s->model, &p->install->model);
                s->tail = xcalloc(p->install->n_tail + 1, sizeof(*s->tail));
                for (size_t i = 0; i < p->install->n_tail; i++)
                        s->tail[s->n_tail++] = entry_ref(p->install->tail[i]);
                s->version = s->model.version + s->n_tail;
                d->disk = s;
        }
        if (p->install_epoch)
                d->epoch = p->install_epoch;
        if (p->n_entries)
                disk_append(d, p);
        d->n_rows += p->n_rows;
}

static inline void net_written(struct net *n, uint32_t id, struct persist *p) {
        struct node *d = &n->nodes[id];
        uint64_t batch = p->batch;

        if (!d->fail_disk)
                disk_write(d, p);
        persist_free(p);
        if (d->fail_disk)
                TELL(n, id, .kind = EV_PERSIST_FAILED,
                     .persist = {.batch = batch, .code = -ENOSPC, .text = "disk full"});
        else
                TELL(n, id, .kind = EV_PERSISTED, .persist = {.batch = batch});
}

static inline void net_fence_done(struct net *n, uint32_t id, uint64_t action,
                                  enum power_reading reading) {
        TELL(n, id, .kind = EV_FENCE_DONE,
             .fence = {.id = action, .reading = reading, .text = "", .wall = 1});
}

static inline void net_fence(struct net *n, uint32_t id, const struct action *a) {
        struct node *d = &n->nodes[id];
        uint32_t target = (uint32_t)(a->fence.device[3] - '0');

        ck_assert_uint_lt(target, ARRAY_SIZE(n->power));
        if (a->fence.action == FENCE_ACT_STATUS)
                d->looks++;
        if (a->fence.action == FENCE_ACT_OFF) {
                d->offs++;
                d->asked_at = n->n_queue;
                if (n->obeys)
                        n->power[target] = READING_OFF;
        }
        if (n->power[target] == READING_MAX_) {
                ck_assert_uint_lt(d->n_fences, ARRAY_SIZE(d->fences));
                d->fences[d->n_fences++] = a->fence.id;
        } else {
                net_fence_done(n, id, a->fence.id, n->power[target]);
        }
}

static inline void net_send(struct net *n, uint32_t id, struct msg *m) {
        ck_assert_uint_lt(n->n_queue, QUEUE);
        n->queue[n->n_queue].configuration = n->nodes[id].configuration;
        n->queue[n->n_queue].from = (struct ring_member){id, n->nodes[id].pid};
        n->queue[n->n_queue++].m = msg_ref(m);
}

static inline void net_dog(struct net *n, uint32_t id, const struct action *a) {
        struct node *d = &n->nodes[id];

        d->dog.until = a->watchdog.until_usec;
        ck_assert_uint_lt(n->now, d->dog.until); /* or the adapter would not do it */
        if (a->watchdog.op != WATCHDOG_DISARM)
                d->dog.fed = n->now;
        if (a->watchdog.op == WATCHDOG_PET) {
                ck_assert(d->dog.armed);
                d->dog.pets++;
                return;
        }
        d->dog.arms += a->watchdog.op == WATCHDOG_ARM;
        d->dog.disarms += a->watchdog.op == WATCHDOG_DISARM;
        d->dog.armed = a->watchdog.op == WATCHDOG_ARM && !d->dog.refused;
        d->dog.timeout = d->dog.armed ? a->watchdog.timeout_usec : 0;
        TELL(n, id, .kind = EV_WATCHDOG,
             .watchdog = {.armed = d->dog.armed,
                          .timeout_usec = d->dog.timeout,
                          .no_proof = d->dog.armed && d->dog.no_proof,
                          .text = d->dog.armed && d->dog.no_proof  ? "of a BMC"
                                  : a->watchdog.op == WATCHDOG_ARM ? d->dog.refused
                                                                   : NULL});
}

/* Actions are carried out in their order; what a finished batch leads to comes behind them. */
static inline void net_actions(struct net *n, uint32_t id, struct actions *out) {
        struct node *d = &n->nodes[id];
        struct persist *now[16];
        struct action fences[16], dogs[4];
        size_t n_now = 0, n_fences = 0, n_dogs = 0;

        for (size_t i = 0; i < out->n; i++) {
                struct action *a = &out->list[i];

                if (a->kind == ACT_PERSIST) {
                        if (d->hold_disk) {
                                ck_assert_uint_lt(d->n_held, ARRAY_SIZE(d->held));
                                d->held[d->n_held++] = TAKE_PTR(a->persist);
                        } else {
                                ck_assert_uint_lt(n_now, ARRAY_SIZE(now));
                                now[n_now++] = TAKE_PTR(a->persist);
                        }
                } else if (a->kind == ACT_SEND) {
                        net_send(n, id, a->send);
                } else if (a->kind == ACT_NOTE) {
                        d->notes[a->note->id]++;
                } else if (a->kind == ACT_REPLY) {
                        d->replied = a->reply.request;
                        d->reply_code = a->reply.code;
                        d->n_replies++;
                } else if (a->kind == ACT_REJOIN) {
                        d->rejoins++;
                } else if (a->kind == ACT_FENCE) {
                        ck_assert_uint_lt(n_fences, ARRAY_SIZE(fences));
                        fences[n_fences++] = *a;
                } else if (a->kind == ACT_WATCHDOG) {
                        ck_assert_uint_lt(n_dogs, ARRAY_SIZE(dogs));
                        dogs[n_dogs++] = *a;
                } else if (a->kind == ACT_STOPPED) {
                        d->stopped = true;
                }
        }
        for (size_t i = 0; i < n_now; i++)
                net_written(n, id, now[i]);
        for (size_t i = 0; i < n_fences; i++)
                net_fence(n, id, &fences[i]);
        for (size_t i = 0; i < n_dogs; i++)
                net_dog(n, id, &dogs[i]);
}

/* Each node has a BMC that can be read. */
static inline void net_devices(struct net *n) {
        for (uint32_t i = 1; i <= n->n_nodes; i++) {
                struct conf_device *d = &n->config.devices[n->config.n_devices++];

                *d = (struct conf_device){.level = 1, .timeout_usec = 20 * USEC_PER_SEC};
                text_fmt(d->name, sizeof(d->name), "bmc%u", i);
                text_fmt(d->host, sizeof(d->host), "node%u", i);
                n->power[i] = READING_ON;
        }
        n->obeys = true;
}

/* The oldest @count held batches of @id are on its disk. */
static inline void net_disk(struct net *n, uint32_t id, size_t count) {
        struct node *d = &n->nodes[id];

        while (count-- && d->n_held) {
                struct persist *p = d->held[0];

                memmove(d->held, d->held + 1, --d->n_held * sizeof(d->held[0]));
                net_written(n, id, p);
        }
}

static inline void net_hold(struct net *n, uint32_t id) {
        n->nodes[id].hold_disk = true;
}

static inline void net_release(struct net *n, uint32_t id) {
        n->nodes[id].hold_disk = false;
        net_disk(n, id, SIZE_MAX);
}

/* The next message of its configuration. Return: false when there is none. */
static inline bool net_deliver(struct net *n, uint32_t id) {
        struct node *d = &n->nodes[id];

        while (d->configuration && d->next < n->n_queue) {
                size_t i = d->next++;

                if (n->queue[i].configuration != d->configuration)
                        continue;
                TELL(n, id, .kind = EV_MESSAGE,
                     .message = {.from = n->queue[i].from, .msg = n->queue[i].m});
                return true;
        }
        return false;
}

/* Until nothing is under way but what is held. */
static inline void net_run(struct net *n) {
        bool any = true;

        while (any) {
                any = false;
                for (uint32_t id = 1; id <= n->n_nodes; id++)
                        any |= n->nodes[id].c && !n->nodes[id].hangs && net_deliver(n, id);
        }
}

/* What is under way in the configuration of @id is delivered to nobody who has not got it. */
static inline void net_drop(struct net *n, uint32_t id) {
        for (uint32_t k = 1; k <= n->n_nodes; k++)
                if (n->nodes[k].configuration == n->nodes[id].configuration)
                        n->nodes[k].next = n->n_queue;
}

static inline void net_ring(struct net *n, uint32_t id, uint64_t seq, uint32_t mask) {
        uint32_t ids[NODES];
        size_t k = 0;

        for (uint32_t i = 1; i <= n->n_nodes; i++)
                if (mask & (1u << i))
                        ids[k++] = i;
        TELL(n, id, .kind = EV_RING, .ring = {.id = {ids[0], seq}, .nodeids = ids, .n_nodeids = k});
        TELL(n, id, .kind = EV_QUORUM,
             .quorum = {.id = {ids[0], seq},
                        .quorate = 2 * k > n->n_nodes || (n->half_quorate && 2 * k == n->n_nodes),
                        .two_node = n->two_node,
                        .last_man_standing = n->last_man_standing});
}

/* The nodes of @mask (bit n is node n) make a configuration: ring, quorum, group. */
static inline void net_group(struct net *n, uint32_t mask) {
        struct ring_member members[NODES];
        uint64_t configuration = ++n->configurations;
        size_t k = 0;
        bool any = true;

        while (any) { /* virtual synchrony: what one that stays got, all that stay get */
                any = false;
                for (uint32_t i = 1; i <= n->n_nodes; i++)
                        any |= (mask & (1u << i)) && n->nodes[i].configuration &&
                               !n->nodes[i].hangs && net_deliver(n, i);
        }
        for (uint32_t i = 1; i <= n->n_nodes; i++)
                if (mask & (1u << i)) {
                        members[k++] = (struct ring_member){i, n->nodes[i].pid};
                        n->nodes[i].configuration = configuration;
                        n->nodes[i].next = n->n_queue;
                }
        for (uint32_t i = 1; i <= n->n_nodes; i++)
                if ((mask & (1u << i)) && !n->nodes[i].hangs) {
                        net_ring(n, i, configuration, mask);
                        TELL(n, i, .kind = EV_GROUP, .group = {.members = members, .n_members = k});
                }
}

static inline void net_boot(struct net *n, uint32_t id) {
        struct node *d = &n->nodes[id];
        struct conf_node nodes[NODES];
        struct core_boot boot = {.nodeid = id,
                                 .incarnation = 1000 * id + d->pid,
                                 .seed = id,
                                 .epoch = d->epoch,
                                 .promised = d->promised,
                                 .state = d->epoch ? d->disk : NULL,
                                 .lost = d->lost,
                                 .store_error = d->store_error,
                                 .hawd_version = "test"};

        d->c = core_new(&boot, &n->config);
        for (uint32_t i = 1; i <= n->n_nodes; i++) {
                nodes[i - 1].nodeid = i;
                text_fmt(nodes[i - 1].name, sizeof(nodes[i - 1].name), "node%u", i);
        }
        TELL(n, id, .kind = EV_NODELIST, .nodelist = {.nodes = nodes, .n_nodes = n->n_nodes});
        TELL(n, id, .kind = EV_LIBVIRT_UP, .libvirt = {0});
        TELL(n, id, .kind = EV_HOST_LOAD,
             .load = {.memory_free_mib = 4000, .vcpus = 4, .memory_mib = 8192});
}

/* Its process ends; its disk stays as it is, what was not written is gone. */
static inline void net_crash(struct net *n, uint32_t id) {
        struct node *d = &n->nodes[id];

        d->c = core_free(d->c);
        d->configuration = 0;
        while (d->n_held)
                persist_free(d->held[--d->n_held]);
        d->hold_disk = d->fail_disk = false;
        d->pid++;
}

static inline void net_wipe(struct net *n, uint32_t id) {
        struct node *d = &n->nodes[id];

        state_unref(d->disk);
        d->disk = state_new();
        d->epoch = d->promised = 0;
}

/* Nodes 1 .. @nodes, all new, not grouped yet. */
static inline struct net *net_new(uint32_t nodes) {
        struct net *n = xcalloc(1, sizeof(*n));

        config_defaults(&n->config);
        n->n_nodes = nodes;
        n->now = 100 * USEC_PER_SEC;
        for (uint32_t i = 1; i <= nodes; i++) {
                n->nodes[i].pid = 100 + i;
                n->nodes[i].disk = state_new();
                net_boot(n, i);
        }
        return n;
}

static inline void net_free(struct net *n) {
        for (uint32_t i = 1; i <= n->n_nodes; i++) {
                net_crash(n, i);
                state_unref(n->nodes[i].disk);
        }
        for (size_t i = 0; i < n->n_queue; i++)
                msg_unref(n->queue[i].m);
        free(n);
}

/* Time passes, and everything due is done. */
static inline void net_pass(struct net *n, usec_t t) {
        usec_t end = n->now + t;

        while (n->now < end) {
                n->now += USEC_PER_SEC / 2;
                for (uint32_t i = 1; i <= n->n_nodes; i++)
                        if (n->nodes[i].c && !n->nodes[i].hangs)
                                TELL(n, i, .kind = EV_TIMEOUT);
                net_run(n);
        }
}

static inline struct core_status net_status(struct net *n, uint32_t id) {
        struct core_status st;

        core_status(n->nodes[id].c, &st);
        return st;
}

static inline const struct model *net_model(struct net *n, uint32_t id) {
        return core_model(n->nodes[id].c);
}

static inline bool net_operational(struct net *n, uint32_t mask) {
        for (uint32_t i = 1; i <= n->n_nodes; i++)
                if ((mask & (1u << i)) && !net_status(n, i).operational)
                        return false;
        return true;
}

/* Equal ledgers, applied as far as each other. */
static inline bool net_same(struct net *n, uint32_t mask) {
        uint64_t hash = 0;

        for (uint32_t i = 1; i <= n->n_nodes; i++) {
                if (!(mask & (1u << i)))
                        continue;
                if (hash && hash != model_hash(net_model(n, i)))
                        return false;
                hash = model_hash(net_model(n, i));
        }
        return true;
}

/* A client of @id asks for rule @name; it is in the ledger once applied. */
static inline void net_rule(struct net *n, uint32_t id, const char *name, uint64_t request) {
        struct event ev = {.kind = EV_REQUEST,
                           .request = {.id = request,
                                       .verb = VERB_RULE_SET,
                                       .rule_kind = RULE_SEPARATE,
                                       .guests = "a b"}};

        text_set(ev.request.rule, sizeof(ev.request.rule), name);
        net_event(n, id, ev);
}

static inline bool net_has(struct net *n, uint32_t id, const char *rule) {
        const struct model *m = net_model(n, id);

        for (size_t i = 0; i < m->n_rules; i++)
                if (strcmp(m->rules[i].name, rule) == 0)
                        return true;
        return false;
}

/* The latest message of @kind that @id sent in its present configuration, or NULL. */
static inline const struct msg *net_said(struct net *n, uint32_t id, enum msg_kind kind) {
        for (size_t i = n->n_queue; i > 0; i--)
                if (n->queue[i - 1].from.nodeid == id && n->queue[i - 1].m->kind == kind &&
                    n->queue[i - 1].configuration == n->nodes[id].configuration)
                        return n->queue[i - 1].m;
        return NULL;
}

#define M(...) net_mask_((const uint32_t[]){__VA_ARGS__, 0})
static inline uint32_t net_mask_(const uint32_t *ids) {
        uint32_t mask = 0;

        for (; *ids; ids++)
                mask |= 1u << *ids;
        return mask;
}
