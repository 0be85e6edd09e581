/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A change of the group (DESIGN 3, "Synced"): exchange, promise, install. Pure.
 *
 *   EXCHANGE -> PROMISE -> INSTALL -> DONE, anew on every change of the group
 *
 * What was learnt in one configuration counts in that one only. The promised number is higher than
 * any that a member of the configuration has promised before, so acknowledgements and entries of
 * an older configuration, delivered late, name another epoch and are dropped.
 */
#include <stdio.h>

#include "hawd/core/priv.h"

static uint64_t view_of(const struct ring_member *m, size_t n) {
        uint64_t h = n;

        for (size_t i = 0; i < n; i++) {
                h = hash64(h, &m[i].nodeid, sizeof(m[i].nodeid));
                h = hash64(h, &m[i].pid, sizeof(m[i].pid));
        }
        return h;
}

static bool changes_voters(const struct entry *e) {
        for (size_t k = 0; k < e->n_ops; k++)
                switch (e->ops[k].kind) {
                case OP_HOST_ADD:
                case OP_HOST_REMOVE:
                case OP_HOST_VOTE:
                case OP_HOST_PROVEN:
                        return true;
                default:
                        break;
                }
        return false;
}

static uint32_t voters_of(const struct model *m, uint32_t *ret) {
        uint32_t n = 0;

        for (size_t i = 0; i < m->n_hosts; i++)
                if (!m->hosts[i].no_vote)
                        ret[n++] = m->hosts[i].nodeid;
        return n;
}

/*
 * Who votes when all that is stored here is applied: worked out once for each entry that changes
 * it, since it is asked for all the time. To apply what comes first changes nothing of it.
 */
void sync_tail(struct core *c) {
        struct applied a = {0};
        struct model m;

        if (!changes_voters(c->tail[c->n_tail - 1]))
                return;
        model_init(&m);
        model_copy(&m, &c->model);
        for (size_t t = 0; t < c->n_tail; t++) {
                ledger_apply(&m, c->tail[t], &a);
                applied_clear(&a);
        }
        c->n_tail_voters = voters_of(&m, c->tail_voters);
        model_clear(&m);
}

/*
 * The ledger's own list of members decides majorities, changes not yet stable included. An empty
 * ledger's is the configured nodelist.
 */
uint32_t sync_members(const struct core *c, uint32_t *ret) {
        bool changes = false;
        uint32_t n;

        for (size_t t = 0; t < c->n_tail && !changes; t++)
                changes = changes_voters(c->tail[t]);
        n = changes ? c->n_tail_voters : voters_of(&c->model, ret);
        if (changes)
                memcpy(ret, c->tail_voters, n * sizeof(*ret));
        if (n == 0)
                for (size_t i = 0; i < c->n_nodes; i++)
                        ret[n++] = c->nodes[i].nodeid;
        return n;
}

static uint32_t voters_left(const struct core *c, uint32_t *ret) {
        uint32_t n = sync_members(c, ret), kept = 0;

        for (uint32_t i = 0; i < n; i++)
                if (!lone_proven(c, ret[i]))
                        ret[kept++] = ret[i];
        return kept;
}

bool sync_nobody_votes(const struct core *c) {
        uint32_t voters[HOSTS_MAX];

        return voters_left(c, voters) == 0;
}

/* The same without those that an even split has proven off in this configuration. Where an operator
 * gave up all who voted, those who are here take their place. */
uint32_t sync_voters(const struct core *c, uint32_t *ret) {
        uint32_t n = voters_left(c, ret);

        for (size_t i = 0; n == 0 && i < c->n_peers; i++)
                ret[i] = c->peers[i].id.nodeid;
        return n ? n : (uint32_t)c->n_peers;
}

static void exchange_send(struct core *c) {
        struct msg *m = msg_new(MSG_EXCHANGE);
        const struct host *self = core_self(c);

        m->exchange = (struct msg_exchange){
                .proto_major = PROTO_MAJOR,
                .proto_minor = PROTO_MINOR,
                .round = c->round,
                .incarnation = c->incarnation,
                .epoch = c->epoch,
                .promised = c->promised,
                .version = log_version(c),
                .virgin = c->virgin,
        };
        m->exchange.n_members = sync_members(c, m->exchange.members);
        m->exchange.lost = c->virgin && c->lost[0];
        m->exchange.voter = self && !self->no_vote;
        m->exchange.continuous = c->continuous && !c->stopping;
        m->exchange.cold_usec = usec_sub(c->cold_until, c->now);
        core_send(c, m);
}

static void restart(struct core *c) {
        c->phase = c->n_peers ? SYNC_EXCHANGE : SYNC_NONE;
        c->number = 0;
        c->promise_sent = false;
        c->installed = false;
        c->leader = 0;
        c->next_version = 0;
        c->decision_inflight = false;
        c->ack_due = false;
        for (size_t i = 0; i < c->n_held; i++)
                entry_unref(c->held[i]);
        c->n_held = 0;
        for (size_t i = 0; i < c->n_peers; i++) {
                c->peers[i].exchanged = false;
                c->peers[i].promised = 0;
                c->peers[i].ack_epoch = c->peers[i].ack_version = 0;
        }
        c->exchange_due = c->n_peers > 0;
        c->group_since = MAX(c->now, 1);
        lone_reset(c);
        sync_resume(c);
}

/* Nothing is agreed on with anybody while a child that this member started may still switch a host
 * off that is perhaps among those who come together now (S3). */
void sync_resume(struct core *c) {
        if (!c->exchange_due || lone_busy(c))
                return;
        c->exchange_due = false;
        exchange_send(c);
}

void sync_group(struct core *c, const struct event *ev) {
        struct peer old[HOSTS_MAX];
        size_t n_old = c->n_peers;
        bool self = false;

        memcpy(old, c->peers, sizeof(old));
        c->n_peers = 0;
        for (size_t i = 0; i < ev->group.n_members && c->n_peers < HOSTS_MAX; i++) {
                struct peer *p = &c->peers[c->n_peers++];

                *p = (struct peer){.id = ev->group.members[i]};
                self |= p->id.nodeid == c->nodeid;
                for (size_t k = 0; k < n_old; k++)
                        if (old[k].id.nodeid == p->id.nodeid && old[k].id.pid == p->id.pid) {
                                p->heartbeat = old[k].heartbeat;
                                p->heartbeat_now = old[k].heartbeat_now;
                                p->echoed = old[k].echoed;
                        }
        }
        if (!self)
                c->n_peers = 0;
        c->view = view_of(ev->group.members, c->n_peers);
        c->n_group = c->n_peers;
        c->round++;
        c->checks_after = usec_add(c->now, CHECKS_QUIET_USEC);
        silent_group(c);
        restart(c);
}

/* In the ring's order, so at the same place for all: the configuration goes on without them, as if
 * they had left it. They learn it from the same message, and join anew. */
void sync_exclude(struct core *c, const struct msg *m) {
        struct ring_member left[HOSTS_MAX];
        size_t n = 0;

        if (m->view != c->view)
                return;
        for (size_t i = 0; i < c->n_peers; i++) {
                bool out = false;

                for (uint32_t k = 0; k < m->exclude.n; k++)
                        out |= m->exclude.members[k].nodeid == c->peers[i].id.nodeid &&
                               m->exclude.members[k].pid == c->peers[i].id.pid;
                if (!out)
                        left[n++] = c->peers[i].id;
        }
        if (n == c->n_peers || 2 * n < c->n_group)
                return; /* nobody, or more than half of the group: then it is not they who hang */
        silent_excluded(c, left, n);
        for (size_t i = 0, k = 0; i < c->n_peers; i++)
                if (k < n && c->peers[i].id.nodeid == left[k].nodeid)
                        c->peers[k++] = c->peers[i];
        c->n_peers = n;
        c->view = hash64(c->view, "excluded", 8) ^ view_of(left, n);
        if (!core_in_group(c, c->nodeid)) {
                c->n_peers = 0;
                if (!c->refused_major) /* the others' protocol: joining again mends nothing */
                        actions_add(c->out, ACT_REJOIN);
        }
        c->round++;
        restart(c);
}

static bool is_member(const uint32_t *members, uint32_t n, uint32_t nodeid) {
        for (uint32_t i = 0; i < n; i++)
                if (members[i] == nodeid)
                        return true;
        return false;
}

/* The highest (epoch, version); the lowest node id among equals, whose ledgers are the same. */
static size_t choose_winner(const struct core *c, bool all_virgin) {
        size_t w = SIZE_MAX;

        for (size_t i = 0; i < c->n_peers; i++) {
                const struct msg_exchange *x = &c->peers[i].exchange, *y;

                if (x->virgin && !all_virgin)
                        continue;
                if (w == SIZE_MAX) {
                        w = i;
                        continue;
                }
                y = &c->peers[w].exchange;
                if (x->epoch > y->epoch || (x->epoch == y->epoch && x->version > y->version) ||
                    (x->epoch == y->epoch && x->version == y->version &&
                     c->peers[i].id.nodeid < c->peers[w].id.nodeid))
                        w = i;
        }
        return w;
}

/* A member without a ledger counts only at the very first start, when nobody has one and all
 * configured hosts are there: otherwise it may have lost the disk that held what was stable. */
static bool first_start_complete(struct core *c) {
        size_t n = 0;

        c->missing[0] = '\0';
        for (size_t i = 0; i < c->n_peers; i++)
                if (c->peers[i].exchange.lost) {
                        text_fmt(c->missing, sizeof(c->missing),
                                 "%s lost its ledger%s%.150s, and nobody here has one: start hawd "
                                 "on a "
                                 "host that holds it, or put the kept file back",
                                 core_node_name(c, c->peers[i].id.nodeid),
                                 c->peers[i].id.nodeid == c->nodeid ? ": " : "",
                                 c->peers[i].id.nodeid == c->nodeid ? c->lost : "");
                        return false;
                }
        for (size_t i = 0; i < c->n_nodes; i++) {
                if (core_in_group(c, c->nodes[i].nodeid)) {
                        n++;
                        continue;
                }
                text_fmt(c->missing, sizeof(c->missing),
                         "first start: every configured host must be there once; %s is missing "
                         "(start hawd on it, or take it out of corosync.conf)",
                         c->nodes[i].name);
        }
        return c->n_nodes > 0 && n == c->n_nodes;
}

/* The same on all members, and another one for each host of the list. */
static uint32_t winner_rank(const struct core *c) {
        const struct msg_exchange *w = &c->peers[c->winner].exchange;
        uint32_t rank = 0;

        for (uint32_t i = 0; i < w->n_members; i++)
                rank += w->members[i] < c->peers[c->winner].id.nodeid;
        return rank % HOSTS_MAX;
}

/* After a loss of power hosts come back one by one. Where nobody who is here was at work before, an
 * absent one has daemon-grace to boot; who was keeps what is left of that. */
static void cold_start(struct core *c, bool first) {
        usec_t grace = first ? 0 : c->config->daemon_grace_usec, left = 0;
        bool continuous = false;

        for (size_t i = 0; i < c->n_peers; i++) {
                const struct msg_exchange *x = &c->peers[i].exchange;

                continuous |= x->continuous;
                if (x->continuous)
                        left = MAX(left, MIN(x->cold_usec, grace));
        }
        if (!continuous)
                left = grace;
        c->cold_until = left ? usec_add(c->now, left) : 0;
}

static void exchange_complete(struct core *c) {
        bool all_virgin = true;
        uint64_t promised = 0;

        for (size_t i = 0; i < c->n_peers; i++) {
                if (!c->peers[i].exchanged)
                        return;
                all_virgin &= c->peers[i].exchange.virgin;
                promised = MAX(promised, c->peers[i].exchange.promised);
        }
        if (all_virgin && !first_start_complete(c))
                return;
        cold_start(c, all_virgin);
        c->winner = choose_winner(c, all_virgin);
        lone_begin(c);
        c->number = promised + 1;
        /* No two halves ever open epochs of one number, whatever an operator may have confirmed. */
        while (c->lone.half && c->number % HOSTS_MAX != winner_rank(c))
                c->number++;
        c->phase = SYNC_PROMISE;
        c->missing[0] = '\0';
        log_promise(c, c->number);
}

/* At the first start the nodelist decides whether all are there. */
void sync_nodelist(struct core *c) {
        if (c->phase == SYNC_EXCHANGE)
                exchange_complete(c);
}

void sync_exchange(struct core *c, struct ring_member from, const struct msg *m) {
        struct peer *p = core_peer(c, from.nodeid);

        if (!p || p->id.pid != from.pid || m->view != c->view)
                return;
        if (m->exchange.proto_major != PROTO_MAJOR) {
                silent_refused(c, from, m->exchange.proto_major);
                return;
        }
        if (m->exchange.round < c->round)
                return;
        if (m->exchange.round > c->round) { /* it saw a change of the group that we did not */
                c->round = m->exchange.round;
                restart(c);
        }
        if (c->phase != SYNC_EXCHANGE)
                return;
        p->exchange = m->exchange;
        p->exchanged = true;
        lease_met(c, p);
        exchange_complete(c);
}

/* Our own promise is on disk: say so. */
void sync_promised(struct core *c, uint64_t number) {
        struct msg *m;

        if (number != c->number || c->promise_sent || c->phase < SYNC_PROMISE)
                return;
        m = msg_new(MSG_PROMISE);
        m->promise.number = number;
        c->promise_sent = true;
        core_send(c, m);
}

void sync_promise(struct core *c, struct ring_member from, const struct msg *m) {
        struct peer *p = core_peer(c, from.nodeid);

        if (!p || p->id.pid != from.pid || m->view != c->view || c->phase < SYNC_PROMISE ||
            m->promise.number != c->number)
                return;
        p->promised = c->number;
        sync_advance(c);
}

/* Counted by the winner's list of members, less those that an even split has proven off; virgins
 * count only when the winner is one too. */
static bool majority_promised(const struct core *c) {
        const struct msg_exchange *w = &c->peers[c->winner].exchange;
        uint32_t n = 0, total = 0, all = 0;

        for (uint32_t i = 0; i < w->n_members; i++)
                total += !lone_proven(c, w->members[i]);
        for (size_t i = 0; i < c->n_peers; i++)
                all += c->peers[i].promised == c->number;
        if (total == 0)
                return all == c->n_peers;

        for (size_t i = 0; i < c->n_peers; i++) {
                const struct peer *p = &c->peers[i];

                if (p->promised == c->number && (!p->exchange.virgin || w->virgin) &&
                    is_member(w->members, w->n_members, p->id.nodeid))
                        n++;
        }
        return 2 * n > total;
}

static bool same_as_winner(const struct core *c, const struct peer *p) {
        const struct msg_exchange *w = &c->peers[c->winner].exchange;

        return p->exchange.epoch == w->epoch && p->exchange.version == w->version &&
               p->exchange.virgin == w->virgin;
}

static void state_send(struct core *c) {
        struct msg *m;
        bool wanted = false;

        for (size_t i = 0; i < c->n_peers; i++)
                wanted |= !same_as_winner(c, &c->peers[i]);
        if (!wanted)
                return;
        m = msg_new(MSG_STATE);
        m->state.number = c->number;
        m->state.state = log_state(c);
        core_send(c, m);
}

static void install(struct core *c, struct state *s) {
        c->installed = true;
        log_install(c, c->number, s);
        for (size_t i = 0; i < c->n_held; i++)
                log_append(c, c->held[i]);
        c->n_held = 0;
}

/* PROMISE -> INSTALL when a majority has promised; those equal to the winner need no state. */
void sync_advance(struct core *c) {
        struct peer *self = core_peer(c, c->nodeid);

        if (!self || c->phase < SYNC_PROMISE)
                return;
        if (c->phase == SYNC_PROMISE && majority_promised(c)) {
                c->phase = SYNC_INSTALL;
                if (c->peers[c->winner].id.nodeid == c->nodeid)
                        state_send(c);
        }
        /* One whose disk fails follows without counting (log.c). */
        if (c->phase == SYNC_INSTALL && !c->installed &&
            (self->promised == c->number || c->store_failed) && same_as_winner(c, self))
                install(c, NULL);
}

void sync_state(struct core *c, struct ring_member from, const struct msg *m) {
        struct peer *self = core_peer(c, c->nodeid);

        if (m->view != c->view || c->phase < SYNC_PROMISE || m->state.number != c->number ||
            c->installed || !self || from.nodeid != c->peers[c->winner].id.nodeid)
                return;
        c->phase = SYNC_INSTALL; /* the winner saw the majority; so do we, in the same order */
        if (same_as_winner(c, self)) {
                sync_advance(c);
                return;
        }
        install(c, m->state.state);
}
