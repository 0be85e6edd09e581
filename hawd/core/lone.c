/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An even split: exactly half of the voters are here, and the ring says quorate (two hosts, a
 * quorum device, last man standing; DESIGN 3). A majority of stores is out of reach, so what takes
 * its place is proof: every absent voter is proven off, before an epoch is opened. Pure.
 *
 * 1 The half's winner of the exchange fences; it needs no ledger for that, nobody else can decide.
 *   It says so in the ring before it switches anything: should it hang meanwhile, the rest of the
 *   half takes nobody in again who may still be switched off (S3).
 *
 * 2 The half must hold a voter that was synced before, since its hawd started: while that one was
 *   up, nobody can have proven it off and gone on without it. For the same reason an absent one
 *   whose hawd is known to have ended, and that was not met since, needs no proof: it started anew,
 *   if at all, and is nobody's reason to go on.
 *
 * 3 All absent voters proven: said in the ring; they count no more in this configuration.
 *
 * 4 The first entry of the new epoch takes their vote (OP_HOST_PROVEN); so a lone host whose ledger
 *   names itself as the only voter may start alone later, and the others may not.
 *
 * What every stable entry needs, more than half of the stores, always meets half of them: nothing
 * that was acted on can be missing here.
 */
#include "fencing/ladder.h"
#include "hawd/core/priv.h"

/* It was here without a ledger, and has ours by now: from this entry on its store counts. */
void lone_voted(struct core *c, uint32_t nodeid) {
        uint32_t kept = 0;

        for (uint32_t i = 0; i < c->lone.n_proven; i++)
                if (c->lone.proven[i].nodeid != nodeid)
                        c->lone.proven[kept++] = c->lone.proven[i];
        c->lone.n_proven = kept;
}

bool lone_proven(const struct core *c, uint32_t nodeid) {
        for (uint32_t i = 0; i < c->lone.n_proven; i++)
                if (c->lone.proven[i].nodeid == nodeid)
                        return true;
        return false;
}

/* May a child of ours, or of one that we shared a half with, still switch one of us off? */
bool lone_busy(struct core *c) {
        bool busy = false;

        for (size_t i = 0; i < c->n_fences; i++)
                busy |= c->fences[i].use == FENCE_USE_LONE;
        for (uint32_t i = 0; i < c->n_orders; i++) {
                const struct lone_order *a = &c->orders[i];

                if (c->now >= a->until || !core_in_group(c, a->target) ||
                    core_in_group(c, a->executor)) /* it answers for itself */
                        continue;
                busy = true;
                wake_at(c, a->until);
        }
        return busy;
}

static void order_add(struct core *c, uint32_t executor, uint32_t target, usec_t budget) {
        usec_t until = usec_add(c->now, usec_add(budget, CLOSE_MARGIN_USEC));
        uint32_t i;

        for (i = 0; i < c->n_orders; i++)
                if (c->orders[i].target == target || c->now >= c->orders[i].until)
                        break;
        if (i == HOSTS_MAX)
                return;
        c->orders[i] = (struct lone_order){executor, target, until};
        c->n_orders = MAX(c->n_orders, i + 1);
}

/* The ledger as it will be: a member that started anew has applied nothing of its log yet, and on
 * the winner of an exchange all of it stands. */
struct model *lone_model(struct core *c) {
        struct applied a = {0};

        if (c->n_tail == 0)
                return &c->model;
        if (c->lone.as_of == log_version(c))
                return &c->lone.model;
        model_copy(&c->lone.model, &c->model);
        for (size_t t = 0; t < c->n_tail; t++) {
                ledger_apply(&c->lone.model, c->tail[t], &a);
                applied_clear(&a);
        }
        c->lone.as_of = log_version(c);
        return &c->lone.model;
}

/* Another configuration: what was proven says nothing of it, and what runs is called off. */
void lone_reset(struct core *c) {
        c->lone.active = false;
        c->lone.n_absent = 0;
        c->lone.n_proven = 0;
        c->lone.said = false;
        c->lone.as_of = 0;
        fencer_lone_call_off(c, 0);
}

static bool listed(const uint32_t *list, uint32_t n, uint32_t nodeid) {
        for (uint32_t i = 0; i < n; i++)
                if (list[i] == nodeid)
                        return true;
        return false;
}

static bool left(const struct host *h) {
        return h->state == HOST_OFF || h->state == HOST_AWAY || h->state == HOST_UNSUPERVISED;
}

static bool known_gone(const struct core *c, uint32_t nodeid) {
        for (uint32_t i = 0; i < c->n_gone; i++)
                if (c->gone[i].nodeid == nodeid)
                        return true;
        return false;
}

/* Another hawd than the one that ended has come to a configuration with us. */
static bool met_again(struct core *c, const struct lone_gone *g) {
        const struct peer *p = core_peer(c, g->nodeid);

        return p && p->exchanged && p->exchange.incarnation != g->incarnation;
}

/* While decisions are made here: whose hawd is known to have ended, or is about to. */
static void gone_tick(struct core *c) {
        uint32_t kept = 0;

        for (uint32_t i = 0; i < c->n_gone; i++)
                if (!met_again(c, &c->gone[i]))
                        c->gone[kept++] = c->gone[i];
        c->n_gone = kept;
        for (size_t i = 0; i < c->model.n_hosts && core_operational(c); i++) {
                const struct host *h = &c->model.hosts[i];
                struct lone_gone g = {h->nodeid, h->incarnation};

                if (left(h) && !known_gone(c, h->nodeid) && !met_again(c, &g) &&
                    c->n_gone < HOSTS_MAX)
                        c->gone[c->n_gone++] = g;
        }
}

static void add_absent(struct core *c, uint32_t nodeid) {
        const struct host *h = model_host(lone_model(c), nodeid);
        struct lone_host *x;
        struct peer *p;

        for (uint32_t i = 0; i < c->lone.n_absent; i++)
                if (c->lone.absent[i].nodeid == nodeid)
                        return;
        p = core_peer(c, nodeid);
        if ((p && !p->exchange.virgin) || c->lone.n_absent == HOSTS_MAX)
                return;
        x = &c->lone.absent[c->lone.n_absent++];
        *x = (struct lone_host){.nodeid = nodeid};
        if (p) { /* here, without a ledger: it can go on with nobody, and votes when it has stored
                    ours */
                x->proof = PROOF_GONE;
                text_set(x->error, sizeof(x->error), "its ledger is lost");
        }
        if (h && left(h) && known_gone(c, nodeid)) {
                x->proof = PROOF_GONE;
                text_fmt(x->error, sizeof(x->error), "it is %s, and was not seen since",
                         host_state_name(h->state));
        }
}

/* The exchange is complete: is this a half that may go on by proof? */
void lone_begin(struct core *c) {
        const struct msg_exchange *w = &c->peers[c->winner].exchange;
        bool continuous = false;
        uint32_t here = 0;

        c->lone.half = false;
        if (w->virgin)
                return;
        for (size_t i = 0; i < c->n_peers; i++) {
                const struct msg_exchange *x = &c->peers[i].exchange;

                if (x->virgin || !listed(w->members, w->n_members, c->peers[i].id.nodeid))
                        continue;
                here++;
                continuous |= x->voter && x->continuous;
        }
        c->lone.half = 2 * here == w->n_members;
        c->lone.active = c->lone.half && continuous;
        c->lone.since = c->now;
        if (c->peers[c->winner].id.nodeid != c->nodeid)
                return;
        for (uint32_t i = 0; i < w->n_members; i++)
                add_absent(c, w->members[i]);
        for (size_t i = 0; i < c->model.n_hosts; i++) /* voters until an entry is stable, too */
                if (!c->model.hosts[i].no_vote)
                        add_absent(c, c->model.hosts[i].nodeid);
}

static int64_t importance(struct core *c, bool here) {
        const struct model *m = lone_model(c);
        int64_t sum = 0;

        for (size_t i = 0; i < m->n_guests; i++)
                for (size_t k = 0; k < m->n_hosts; k++)
                        if ((m->guests[i].claims & (1u << k)) &&
                            core_in_group(c, m->hosts[k].nodeid) == here)
                                sum += m->guests[i].spec->conf.priority;
        return sum;
}

/* Both halves see the same ledger, so exactly one of them waits. */
static bool lesser_half(struct core *c) {
        int64_t ours = importance(c, true), theirs = importance(c, false);
        uint32_t lowest = UINT32_MAX;

        for (size_t i = 0; i < lone_model(c)->n_hosts; i++)
                lowest = MIN(lowest, lone_model(c)->hosts[i].nodeid);
        return ours != theirs ? ours < theirs : !core_in_group(c, lowest);
}

/* Until then a host is only looked at. One whose corosync is here has a hawd that may come back. */
static usec_t switch_after(struct core *c, const struct lone_host *h) {
        usec_t wait = c->config->kdump_wait_usec, until;

        if (h->forced)
                return 0;
        if (c->two_node && !core_in_ring(c, h->nodeid) && lesser_half(c))
                wait = MAX(wait, c->config->priority_fencing_delay_usec);
        until = usec_add(c->lone.since, wait);
        /* With any of them back there would be a majority, and nobody to switch off. */
        for (uint32_t i = 0; i < c->lone.n_absent; i++) {
                usec_t since = core_ring_since(c, c->lone.absent[i].nodeid);

                if (since)
                        until = MAX(until, usec_add(MAX(since, c->lone.since),
                                                    c->config->daemon_grace_usec));
        }
        return until;
}

static void announce(struct core *c, struct lone_host *h, const struct ladder_step *s) {
        struct msg *m;

        wake_at(c, usec_add(c->now, RESEND_USEC));
        if (h->announce_told && c->now < usec_add(h->announce_told, RESEND_USEC))
                return;
        h->announce_told = MAX(c->now, 1);
        m = msg_new(MSG_PROVEN);
        m->proven.round = c->round;
        m->proven.n = 1;
        m->proven.hosts = xcalloc(1, sizeof(*m->proven.hosts));
        m->proven.hosts[0].nodeid = h->nodeid;
        for (uint32_t i = 0; i < s->n_devices; i++)
                m->proven.hosts[0].budget_usec =
                        MAX(m->proven.hosts[0].budget_usec, s->devices[i]->timeout_usec);
        core_send(c, m);
}

static void fence(struct core *c, struct lone_host *h) {
        const char *name = core_node_name(c, h->nodeid);
        usec_t due = switch_after(c, h);
        bool look = c->now < due;
        char why[TEXT_LEN];
        struct ladder_step s;
        const struct host *x;

        if (look && core_in_ring(c, h->nodeid)) {
                wake_at(c, due);
                return;
        }
        x = model_host(lone_model(c), h->nodeid);
        if (!x || level_to_try(lone_model(c), c->config, x, h->tries, &s, why, sizeof(why)) < 0) {
                text_fmt(h->error, sizeof(h->error), NOTHING_PROVES,
                         x ? why : "the ledger does not know it", name);
                return;
        }
        if (h->tried) {
                usec_t pause = look ? c->config->fence_retry_min_usec : s.pause_usec;
                usec_t next = usec_add(h->tried, pause);

                /* The first try that switches does not wait for a pause between looks. */
                next = look ? MIN(next, due) : h->looked ? 0 : next;
                if (c->now < next) {
                        wake_at(c, next);
                        return;
                }
        }
        if (!look && c->n_peers > 1 && !h->announced) {
                announce(c, h, &s);
                return;
        }
        h->tried = MAX(c->now, 1);
        h->looked = look;
        h->announced = false;
        fencer_lone(c, h->nodeid, look ? FENCE_LOOK : FENCE_OFF, &s);
}

/* One level of its devices has answered. */
void lone_result(struct core *c, uint32_t nodeid, enum fence_kind kind, bool off,
                 const char *text) {
        for (uint32_t i = 0; i < c->lone.n_absent; i++) {
                struct lone_host *h = &c->lone.absent[i];

                if (h->nodeid != nodeid || h->proof != PROOF_NONE)
                        continue;
                h->tried = MAX(c->now, 1);
                if (kind == FENCE_OFF)
                        h->tries++;
                text_set(h->error, sizeof(h->error), text);
                if (off)
                        h->proof = PROOF_DEVICES;
                else
                        core_note(c, NOTE_FENCE_RESULT, nodeid, NULL,
                                  "%s is not proven off, and nothing is decided before: %s",
                                  core_node_name(c, nodeid), text);
        }
}

static void confirmed(struct lone_host *h, const struct request *r) {
        h->proof = PROOF_OPERATOR;
        text_fmt(h->error, sizeof(h->error), "confirmed by %.64s",
                 r->who[0] ? r->who : "an operator");
}

/* hawctl fence confirm, hawctl fence host, or the loss accepted, while no ledger decides. */
enum reply_code lone_request(struct core *c, const struct request *r, char *why, size_t size) {
        uint32_t fencer = c->phase >= SYNC_PROMISE ? c->peers[c->winner].id.nodeid : 0;
        bool found = false;

        if (fencer == 0 || !core_ring_quorate(c) || c->n_peers == 0)
                return REPLY_NOT_QUORATE;
        if (fencer != c->nodeid) {
                text_fmt(why, size, "say this on %s: its ledger is the newest here",
                         core_node_name(c, fencer));
                return REPLY_USAGE;
        }
        if (r->verb == VERB_ACCEPT_LOSS && !c->peers[c->winner].exchange.virgin) {
                for (uint32_t i = 0; i < c->lone.n_absent; i++)
                        confirmed(&c->lone.absent[i], r);
                c->lone.active = true;
                found = true;
        }
        for (uint32_t i = 0; i < c->lone.n_absent && r->verb != VERB_ACCEPT_LOSS; i++) {
                struct lone_host *h = &c->lone.absent[i];

                if (strcmp(core_node_name(c, h->nodeid), r->host) != 0 || !c->lone.active)
                        continue;
                found = true;
                if (r->verb == VERB_FENCE_HOST)
                        h->forced = true;
                else
                        confirmed(h, r);
        }
        return found ? REPLY_OK : REPLY_NOT_QUORATE;
}

static void say_proven(struct core *c) {
        struct msg *m = msg_new(MSG_PROVEN);

        m->proven.round = c->round;
        m->proven.n = c->lone.n_absent;
        m->proven.hosts = xcalloc(c->lone.n_absent, sizeof(*m->proven.hosts));
        for (uint32_t i = 0; i < c->lone.n_absent; i++) {
                const struct lone_host *h = &c->lone.absent[i];
                struct proven *p = &m->proven.hosts[i];

                p->nodeid = h->nodeid;
                p->proof = h->proof;
                text_set(p->text, sizeof(p->text), h->error);
        }
        core_send(c, m);
        c->lone.said = true;
}

/* Everybody of this half knows it now, before any change that follows. */
static void announced(struct core *c, uint32_t executor, const struct proven *p) {
        order_add(c, executor, p->nodeid, p->budget_usec);
        for (uint32_t i = 0; i < c->lone.n_absent; i++)
                if (c->lone.absent[i].nodeid == p->nodeid) {
                        c->lone.absent[i].announced = true;
                        c->lone.absent[i].announce_told = 0;
                }
}

void lone_take(struct core *c, struct ring_member from, const struct msg *m) {
        if (m->view != c->view || m->proven.round != c->round || c->phase < SYNC_PROMISE ||
            from.nodeid != c->peers[c->winner].id.nodeid)
                return;
        for (uint32_t i = 0; i < m->proven.n && i < HOSTS_MAX; i++) {
                const struct proven *p = &m->proven.hosts[i];

                if (p->proof == PROOF_NONE)
                        announced(c, from.nodeid, p);
                else if (!lone_proven(c, p->nodeid) && c->lone.n_proven < HOSTS_MAX)
                        c->lone.proven[c->lone.n_proven++] = *p;
        }
        sync_advance(c);
}

void lone_tick(struct core *c) {
        bool all = c->lone.n_absent > 0;

        gone_tick(c);

        if (!c->lone.active || c->lone.said || c->lone.n_absent == 0 || !core_ring_quorate(c))
                return;
        for (uint32_t i = 0; i < c->lone.n_absent; i++) {
                struct lone_host *h = &c->lone.absent[i];

                if (fencer_lone_of(c, h->nodeid)) {
                        all = false;
                        if (h->proof != PROOF_NONE) /* an operator's word: nothing may come late */
                                fencer_lone_call_off(c, h->nodeid);
                } else if (h->proof == PROOF_NONE) {
                        all = false;
                        fence(c, h);
                }
        }
        if (all)
                say_proven(c);
}
