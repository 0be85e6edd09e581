/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * corosync on each host: extended virtual synchrony as CPG gives it (changes: totem_form.c).
 *
 * hawd sends into `out`; the token takes it from there into the one order of the configuration
 * (conf->log); each member receives that order at its own pace into `in`, and its hawd takes it
 * from there at its own pace again. While a member of a configuration is unreachable the token
 * does not go round: what was not ordered waits in `out` for the next configuration.
 */
#include "hawd/sim/parts.h"

#define TOKEN_TYPICAL (300 * (usec_t)1)
#define WIRE_TYPICAL (200 * (usec_t)1)
#define DISPATCH_TYPICAL (50 * (usec_t)1)

bool totem_reachable(const struct sim_host *a, const struct sim_host *b) {
        return a == b || (a->net == b->net && !a->dark && !b->dark);
}

struct totem *totem_conf_unref(struct totem *c) {
        if (c && --c->refs == 0) {
                for (size_t i = 0; i < c->n; i++)
                        (void)msg_unref(c->log[i].msg);
                free(c->log);
                free(c);
        }
        return NULL;
}

static bool conf_whole(const struct sim *s, const struct sim_host *h) {
        for (size_t i = 0; i < s->n_hosts; i++) {
                const struct sim_host *m = &s->hosts[i];

                if (!(h->cs.conf->members & 1U << i))
                        continue;
                if (!m->cs.up || sim_still(m, OWNER_COROSYNC) || m->cs.conf != h->cs.conf ||
                    !totem_reachable(h, m))
                        return false;
        }
        return true;
}

/* ---- from corosync to hawd ---- */

static void dispatch(struct sim *s, const struct call *c);

static void dispatch_later(struct sim *s, struct sim_host *h) {
        if (h->cs.dispatch_due || h->cs.n_in == 0 || !h->core)
                return;
        h->cs.dispatch_due = true;
        sim_at(s, sim_delay(s, DISPATCH_TYPICAL), OWNER_HAWD, h->index, dispatch, 0, 0);
}

static void dispatch(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        struct inbox_item it;
        struct event ev = {0};
        uint32_t nodeids[SIM_HOSTS_MAX];

        h->cs.dispatch_due = false;
        if (h->cs.n_in == 0)
                return;
        it = h->cs.in[h->cs.in_first];
        h->cs.in_first++;
        if (--h->cs.n_in == 0)
                h->cs.in_first = 0;
        switch (it.kind) {
        case INBOX_MSG:
                ev.kind = EV_MESSAGE;
                ev.message.from = it.from;
                ev.message.msg = it.msg;
                break;
        case INBOX_GROUP:
                ev.kind = EV_GROUP;
                ev.group.members = it.group;
                ev.group.n_members = it.n_group;
                break;
        case INBOX_RING:
                ev.kind = EV_RING;
                ev.ring.id = it.ring;
                for (size_t i = 0; i < s->n_hosts; i++)
                        if (it.members & 1U << i)
                                nodeids[ev.ring.n_nodeids++] = s->hosts[i].nodeid;
                ev.ring.nodeids = nodeids;
                break;
        }
        node_feed(s, h, &ev);
        (void)msg_unref(it.msg);
        dispatch_later(s, h);
}

/* The caller fills the kind and what belongs to it before the next event. */
struct inbox_item *totem_push(struct sim *s, struct sim_host *h) {
        struct corosync *cs = &h->cs;
        struct inbox_item *it;

        if (cs->in_first + cs->n_in == cs->cap_in) {
                if (cs->in_first > 0) {
                        memmove(cs->in, cs->in + cs->in_first, cs->n_in * sizeof(cs->in[0]));
                        cs->in_first = 0;
                } else {
                        cs->cap_in = cs->cap_in ? 2 * cs->cap_in : 32;
                        cs->in = xreallocarray(cs->in, cs->cap_in, sizeof(cs->in[0]));
                }
        }
        it = &cs->in[cs->in_first + cs->n_in++];
        memset(it, 0, sizeof(*it));
        dispatch_later(s, h);
        return it;
}

void totem_push_group(struct sim *s, struct sim_host *h) {
        struct inbox_item *it;

        if (!h->core || h->cs.joined != h->pid)
                return;
        it = totem_push(s, h);
        it->kind = INBOX_GROUP;
        for (size_t i = 0; i < s->n_hosts; i++)
                if (h->cs.view[i])
                        it->group[it->n_group++] = (struct ring_member){
                                .nodeid = s->hosts[i].nodeid, .pid = h->cs.view[i]};
}

static void push_ring(struct sim *s, struct sim_host *h) {
        struct inbox_item *it = totem_push(s, h);

        it->kind = INBOX_RING;
        it->ring = h->cs.conf->id;
        it->members = h->cs.conf->members;
}

/* ---- receiving, in the order of the configuration ---- */

void totem_receive(struct sim *s, struct sim_host *h, const struct ring_item *it) {
        struct inbox_item *in;

        switch (it->kind) {
        case ITEM_JOIN:
                h->cs.view[it->from] = it->pid;
                if (it->from == h->index)
                        h->cs.joined = it->pid;
                totem_push_group(s, h);
                if (it->from == h->index && h->core && h->pid == it->pid)
                        push_ring(s, h);
                break;
        case ITEM_LEAVE:
                if (h->cs.view[it->from] != it->pid)
                        break;
                h->cs.view[it->from] = 0;
                totem_push_group(s, h); /* its own leaving, too */
                if (it->from == h->index)
                        h->cs.joined = 0;
                break;
        case ITEM_MSG:
                if (!h->core || h->cs.joined != h->pid || h->cs.view[it->from] != it->pid)
                        break;
                s->stats.messages++;
                in = totem_push(s, h);
                in->kind = INBOX_MSG;
                in->from =
                        (struct ring_member){.nodeid = s->hosts[it->from].nodeid, .pid = it->pid};
                in->msg = msg_ref(it->msg);
                break;
        }
}

static void arrive(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        struct totem *conf = h->cs.conf;
        const struct ring_item *it;

        if (!conf || conf->id.seq != c->a || h->cs.received >= conf->n || h->cs.entering.conf)
                return;
        if (s->now < h->cs.late_until) {
                sim_at(s, h->cs.late_until - s->now, OWNER_COROSYNC, h->index, arrive, c->a, 0);
                return;
        }
        it = &conf->log[h->cs.received];
        if (!totem_reachable(h, &s->hosts[it->from]))
                return; /* lost on the wire: comes again when the link does, or the cut decides */
        h->cs.received++;
        totem_receive(s, h, it);
}

static void arrive_later(struct sim *s, struct sim_host *h, usec_t delay) {
        if (!h->cs.conf)
                return;
        sim_at(s, delay, OWNER_COROSYNC, h->index, arrive, h->cs.conf->id.seq, 0);
}

/* What got lost on the way comes again, as far as the links allow. */
void totem_resume(struct sim *s, struct sim_host *h) {
        if (!h->cs.conf)
                return;
        for (size_t k = h->cs.received; k < h->cs.conf->n; k++)
                arrive_later(s, h, sim_delay(s, WIRE_TYPICAL));
        totem_token(s, h, 0);
}

/* ---- sending ---- */

static void token(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        struct corosync *cs = &h->cs;
        struct totem *conf = cs->conf;
        size_t room = 1 + prng_below(&s->rng, 4);

        cs->token_due = false;
        if (s->now < MAX(cs->late_until, s->token_until)) {
                totem_token(s, h, MAX(cs->late_until, s->token_until) - s->now);
                return;
        }
        if (!conf || cs->n_out == 0 || cs->entering.conf ||
            (!conf_whole(s, h) && s->now >= cs->lonely_until))
                return;
        room = MIN(room, cs->n_out);
        for (size_t k = 0; k < room; k++) {
                if (conf->n == conf->cap) {
                        conf->cap = conf->cap ? 2 * conf->cap : 64;
                        conf->log = xreallocarray(conf->log, conf->cap, sizeof(conf->log[0]));
                }
                conf->log[conf->n++] = cs->out[k];
                for (size_t i = 0; i < s->n_hosts; i++)
                        if (conf->members & 1U << i)
                                arrive_later(s, &s->hosts[i],
                                             (int)i == h->index ? 10 : sim_delay(s, WIRE_TYPICAL));
        }
        cs->n_out -= room;
        memmove(cs->out, cs->out + room, cs->n_out * sizeof(cs->out[0]));
        totem_token(s, h, 0);
}

void totem_token(struct sim *s, struct sim_host *h, usec_t delay) {
        if (h->cs.token_due || h->cs.n_out == 0 || !h->cs.up)
                return;
        h->cs.token_due = true;
        sim_at(s, delay + sim_delay(s, TOKEN_TYPICAL), OWNER_COROSYNC, h->index, token, 0, 0);
}

/* Sometimes the token makes some more rounds when messages do not arrive any more: what is sent
 * then is delivered to the sender alone. */
void totem_cut(struct sim *s, struct sim_host *h) {
        if (!s->conf->calm && prng_chance(&s->rng, 40))
                h->cs.lonely_until = s->now + prng_range(&s->rng, 1, 60) * USEC_PER_MSEC;
}

static void out_add(struct sim *s, struct sim_host *h, struct ring_item it) {
        struct corosync *cs = &h->cs;

        if (cs->n_out == cs->cap_out) {
                cs->cap_out = cs->cap_out ? 2 * cs->cap_out : 16;
                cs->out = xreallocarray(cs->out, cs->cap_out, sizeof(cs->out[0]));
        }
        it.from = h->index;
        cs->out[cs->n_out++] = it;
        totem_token(s, h, 0);
}

void totem_send(struct sim *s, struct sim_host *h, struct msg *m) {
        if (!h->cs.up) {
                (void)msg_unref(m);
                return;
        }
        out_add(s, h, (struct ring_item){.kind = ITEM_MSG, .pid = h->pid, .msg = m});
}

void totem_join(struct sim *s, struct sim_host *h) {
        out_add(s, h, (struct ring_item){.kind = ITEM_JOIN, .pid = h->pid});
        votes_say(s, h);
}

void totem_rejoin(struct sim *s, struct sim_host *h) {
        if (!h->cs.up)
                return;
        s->stats.rejoins++;
        sim_trace(s, h, "hawd leaves the group and joins it anew");
        out_add(s, h, (struct ring_item){.kind = ITEM_LEAVE, .pid = h->pid});
        out_add(s, h, (struct ring_item){.kind = ITEM_JOIN, .pid = h->pid});
}

static void drop_inbox(struct sim_host *h) {
        for (size_t i = 0; i < h->cs.n_in; i++)
                (void)msg_unref(h->cs.in[h->cs.in_first + i].msg);
        h->cs.n_in = h->cs.in_first = 0;
        h->cs.dispatch_due = false;
}

/* What hawd handed over before it died is sent, all of it or only the first part. */
void totem_leave(struct sim *s, struct sim_host *h) {
        struct corosync *cs = &h->cs;
        size_t keep = prng_chance(&s->rng, 50) ? cs->n_out : prng_below(&s->rng, cs->n_out + 1);

        drop_inbox(h);
        if (!cs->up)
                return;
        while (cs->n_out > keep) {
                struct ring_item *last = &cs->out[cs->n_out - 1];

                if (last->kind != ITEM_MSG)
                        break;
                (void)msg_unref(last->msg);
                cs->n_out--;
        }
        out_add(s, h, (struct ring_item){.kind = ITEM_LEAVE, .pid = h->pid});
}

/* ---- starting and ending ---- */

void corosync_start(struct sim *s, struct sim_host *h) {
        struct corosync *cs = &h->cs;

        if (cs->up || !h->powered)
                return;
        cs->up = true;
        cs->life++;
        cs->token_due = cs->still = false;
        cs->late_until = cs->lonely_until = 0;
        votes_boot(s, h);
        memset(cs->view, 0, sizeof(cs->view));
        cs->joined = 0;
        sim_trace(s, h, "corosync starts");
        totem_changed(s);
}

void corosync_kill(struct sim *s, struct sim_host *h) {
        struct corosync *cs = &h->cs;

        if (!cs->up)
                return;
        if (h->core)
                node_kill(s, h); /* BindsTo=corosync */
        cs->up = cs->still = false;
        cs->life++;
        totem_forget_entering(h);
        for (size_t i = 0; i < cs->n_out; i++)
                (void)msg_unref(cs->out[i].msg);
        cs->n_out = 0;
        drop_inbox(h);
        cs->conf = totem_conf_unref(cs->conf);
        cs->received = 0;
        cs->votes.quorate = false;
        sim_trace(s, h, "corosync ends");
        totem_changed(s);
}
