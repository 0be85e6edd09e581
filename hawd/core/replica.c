/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Copies of guests' disks on this host, whether it is P, which has the disks, or R, which has the
 * copy: what the stable ledger wants of them against what the adapter says of them. Pure.
 *
 *   R  EXPORT -> says where -> (CHECK when P is lost -> stands) -> UNEXPORT, DROP
 *   P  MIRROR -> says in step, again and again -> says behind -> CANCEL, when that is stable
 *
 * All goes by level: what is not done yet is asked for again, what the ledger does not show yet is
 * said again.
 */
#include "hawd/core/priv.h"
#include "hawd/core/promote.h"

#define ASK_AGAIN_USEC (15 * USEC_PER_SEC)
#define SAY_EVERY_USEC (30 * USEC_PER_SEC) /* in step, as of when; or a tenth of the hold */

/** struct copy - what the adapter said of one serial of a guest's copy here */
struct copy {
        uint32_t gid, serial;
        bool exported, export_ended; /* as R */
        bool mirrored, ended, final; /* as P: copying goes on; it is over; and both are equal */
        bool in_step;                /* mirrored, and is in step */
        bool failed;                 /* what was asked for last could not be done */
        uint32_t alive_loss;         /* it was alive after this loss of P */
        usec_t as_of;                /* wall */
        uint64_t lag_bytes;
        struct blob *where;
        char text[TEXT_LEN];
        enum replica_op asked;
        uint32_t asked_loss;
        usec_t asked_at;         /* 0: nothing was asked yet */
        uint64_t told;           /* what was said last, */
        usec_t told_at;          /* and when */
        struct guest_spec *spec; /* that the adapter was asked with last; NULL: it was not */
};

static struct copy *find(struct core *c, uint32_t gid, uint32_t serial) {
        for (size_t i = 0; i < c->n_copies; i++)
                if (c->copies[i].gid == gid && c->copies[i].serial == serial)
                        return &c->copies[i];
        return NULL;
}

static struct copy *get(struct core *c, uint32_t gid, uint32_t serial) {
        struct copy *v = find(c, gid, serial);

        if (v)
                return v;
        c->copies = core_grow(c->copies, &c->cap_copies, c->n_copies, sizeof(*c->copies));
        v = &c->copies[c->n_copies++];
        *v = (struct copy){.gid = gid, .serial = serial};
        return v;
}

static void drop(struct core *c, size_t i) {
        blob_unref(c->copies[i].where);
        guest_spec_unref(c->copies[i].spec);
        c->copies[i] = c->copies[--c->n_copies];
}

void replica_free(struct core *c) {
        while (c->n_copies)
                drop(c, c->n_copies - 1);
        free(c->copies);
        c->copies = NULL;
}

/* In step as of when R lived, by its echo: what its own adapter cannot see. Of async it is the copy
 * that counts, and R has that. */
static usec_t as_of(struct core *c, const struct replica_told *t) {
        const struct guest *g = model_guest(&c->model, t->gid);
        const struct peer *r = g ? core_peer(c, g->replica.host) : NULL;
        usec_t said = wall_of(c, t->as_of);

        if (!g || g->spec->conf.replica.mode == REPLICA_MODE_ASYNC || t->what == TOLD_FINAL)
                return said;
        if (!r || !r->echoed)
                return 0;
        return MIN(said, usec_sub(c->wall, usec_sub(c->now, r->echoed)));
}

void replica_take(struct core *c, const struct event *ev) {
        const struct replica_told *t = &ev->replica;
        struct copy *v = get(c, t->gid, t->serial);

        if (t->text)
                text_set(v->text, sizeof(v->text), t->text);
        v->failed = t->what == TOLD_FAILED;
        switch (t->what) {
        case TOLD_EXPORTED:
                v->exported = true;
                blob_unref(v->where);
                v->where = t->where ? blob_new(t->where, strlen(t->where)) : NULL;
                break;
        case TOLD_EXPORT_ENDED:
                v->export_ended = true;
                break;
        case TOLD_ALIVE:
                v->alive_loss = t->loss;
                break;
        case TOLD_COPYING:
        case TOLD_IN_STEP:
                v->mirrored = true;
                v->in_step = t->what == TOLD_IN_STEP;
                v->lag_bytes = t->lag_bytes;
                v->as_of = MAX(v->as_of, as_of(c, t));
                break;
        case TOLD_FINAL:
                v->final = true;
                v->as_of = MAX(v->as_of, as_of(c, t));
                break;
        case TOLD_ENDED:
                v->ended = true;
                v->mirrored = v->in_step = false;
                break;
        case TOLD_FAILED:
                v->asked_at = MAX(c->now, 1);
                break;
        case TOLD_MAX_:
                break;
        }
}

/* ---- asking the adapter ---- */

static void ask(struct core *c, const struct guest *g, struct copy *v, enum replica_op op,
                uint32_t loss) {
        const struct conf_host *self = config_host(c->config, core_node_name(c, c->nodeid));
        struct action *a;

        if (v->asked_at && v->asked == op && v->asked_loss == loss &&
            c->now < usec_add(v->asked_at, ASK_AGAIN_USEC)) {
                wake_at(c, usec_add(v->asked_at, ASK_AGAIN_USEC));
                return;
        }
        v->asked = op;
        v->asked_loss = loss;
        v->asked_at = MAX(c->now, 1);
        wake_at(c, usec_add(c->now, ASK_AGAIN_USEC));
        a = actions_add(c->out, ACT_REPLICA);
        a->replica.op = op;
        a->replica.gid = g->gid;
        a->replica.serial = v->serial;
        a->replica.loss = loss;
        a->replica.gen = g->replica.gen;
        text_set(a->replica.peer, sizeof(a->replica.peer),
                 model_host_name(&c->model,
                                 g->replica.data == c->nodeid ? g->replica.host : g->replica.data));
        a->replica.spec = guest_spec_ref(g->spec);
        guest_spec_unref(v->spec);
        v->spec = guest_spec_ref(g->spec);
        a->replica.where = op == REPLICA_MIRROR ? blob_ref(g->replica.where) : NULL;
        a->replica.hold_usec = g->replica.hold_usec;
        a->replica.lag_usec = g->spec->conf.replica_lag_usec;
        if (self)
                text_set(a->replica.address, sizeof(a->replica.address), self->replica_address);
}

/* ---- saying it in the ring ---- */

/* Once, and again while the ledger does not show it. */
static struct op *say(struct core *c, const struct guest *g, struct copy *v, enum op_kind kind,
                      enum replica_state state, struct entry **e) {
        uint64_t what = (uint64_t)kind << 32 | (uint64_t)state << 24 | v->alive_loss;
        struct op *op;

        if (v->told_at && v->told == what && c->now < usec_add(v->told_at, RESEND_USEC)) {
                wake_at(c, usec_add(v->told_at, RESEND_USEC));
                return NULL;
        }
        v->told = what;
        v->told_at = MAX(c->now, 1);
        wake_at(c, usec_add(c->now, RESEND_USEC));
        *e = observation(c, kind, &op);
        op->gid = g->gid;
        op->serial = v->serial;
        op->gen = g->replica.gen;
        op->replica_state = state;
        op->as_of = v->as_of;
        op->lag_bytes = v->lag_bytes;
        text_set(op->text, sizeof(op->text), v->text);
        return op;
}

static void say_state(struct core *c, const struct guest *g, struct copy *v,
                      enum replica_state state) {
        struct entry *e;
        struct op *op = say(c, g, v, OP_REPLICA_SAYS, state, &e);

        if (!op)
                return;
        if (state == REPLICA_COPYING)
                op->list = blob_ref(v->where);
        log_propose(c, e);
}

/* ---- R ---- */

static void copy_receives(struct core *c, const struct guest *g, struct copy *v) {
        if (v->export_ended || v->failed)
                say_state(c, g, v, REPLICA_BROKEN);
        else if (!v->exported)
                ask(c, g, v, REPLICA_EXPORT, 0);
        else if (!g->replica.where)
                say_state(c, g, v, REPLICA_COPYING);
}

/* S9: what R says after P's loss decides; it looks after the loss, not before. */
static void copy_in_step(struct core *c, const struct guest *g, struct copy *v) {
        const struct host *p = model_host(&c->model, g->replica.data);
        bool lost = p && !host_present(p) && p->state != HOST_UNSUPERVISED && p->losses;
        struct entry *e;
        struct op *op;

        if (lost && g->replica.stands_loss == p->losses)
                return;
        if (v->export_ended) {
                say_state(c, g, v, REPLICA_BROKEN);
        } else if (lost && v->alive_loss != p->losses) {
                ask(c, g, v, REPLICA_CHECK, p->losses);
        } else if (lost) {
                op = say(c, g, v, OP_REPLICA_STANDS, REPLICA_IN_STEP, &e);
                if (!op)
                        return;
                op->loss = v->alive_loss;
                log_propose(c, e);
        } else if (!v->exported) { /* of the hawd before */
                ask(c, g, v, REPLICA_CHECK, 0);
        }
}

/* ---- P ---- */

static bool runs_here(struct core *c, const struct guest *g) {
        int self = model_host_index(&c->model, c->nodeid);

        return g->claims == 1u << self && (g->state == GUEST_RUNNING || g->state == GUEST_PAUSED) &&
               g->replica.gen == g->gen;
}

static void data_copying(struct core *c, const struct guest *g, struct copy *v) {
        if (v->ended || v->failed)
                say_state(c, g, v, REPLICA_BEHIND);
        else if (v->in_step)
                say_state(c, g, v, REPLICA_IN_STEP);
        else if (g->replica.where && runs_here(c, g) && !v->mirrored)
                ask(c, g, v, REPLICA_MIRROR, 0);
}

/* Of async each whole copy: what the ledger does not know of counts as lost. */
static usec_t say_every(const struct guest *g) {
        const struct conf_guest *conf = &g->spec->conf;
        usec_t every = MIN(SAY_EVERY_USEC, g->replica.hold_usec / 10);

        return conf->replica.mode == REPLICA_MODE_ASYNC ? MIN(every, conf->replica_lag_usec / 4)
                                                        : every;
}

static void data_in_step(struct core *c, const struct guest *g, struct copy *v) {
        usec_t due = usec_add(g->replica.as_of, say_every(g));

        if (v->final)
                say_state(c, g, v, REPLICA_FINAL);
        else if (v->ended)
                say_state(c, g, v, REPLICA_BEHIND);
        else if (!v->mirrored && runs_here(c, g)) /* of the hawd before */
                ask(c, g, v, REPLICA_CHECK, 0);
        else if (v->in_step && (v->as_of >= due || g->replica.unsure))
                say_state(c, g, v, REPLICA_IN_STEP);
}

/* ---- both ---- */

/* What the ledger has of this serial says, stable, that it is over: then it may end in fact. */
static void wind_up(struct core *c, const struct guest *g, struct copy *v) {
        bool mine = g->replica.host == c->nodeid || g->replica.data == c->nodeid;

        if (v->mirrored)
                ask(c, g, v, REPLICA_CANCEL, 0);
        else if (!mine)
                ask(c, g, v, REPLICA_DROP, 0);
        else if (v->exported && !v->export_ended)
                ask(c, g, v, REPLICA_UNEXPORT, 0);
}

/* Its guest is no longer kept: nobody would end it later, nor what has only been asked for yet. The
 * files stay. */
static void let_go(struct core *c, struct copy *v) {
        bool as_p = v->mirrored || (v->asked == REPLICA_MIRROR && !v->ended);
        bool as_r = (v->exported || v->asked == REPLICA_EXPORT) && !v->export_ended;
        struct action *a;

        if (!v->spec || (!as_p && !as_r))
                return;
        a = actions_add(c->out, ACT_REPLICA);
        a->replica.op = as_p ? REPLICA_CANCEL : REPLICA_UNEXPORT;
        a->replica.gid = v->gid;
        a->replica.serial = v->serial;
        a->replica.spec = TAKE_PTR(v->spec);
}

static void copy_tick(struct core *c, const struct guest *g, struct copy *v) {
        const struct replica *r = &g->replica;
        bool current = v->serial == r->serial, at_data = r->data == c->nodeid;

        if (current && r->host == c->nodeid && r->state == REPLICA_COPYING)
                copy_receives(c, g, v);
        else if (current && r->host == c->nodeid && r->state == REPLICA_IN_STEP)
                copy_in_step(c, g, v);
        else if (current && at_data && r->state == REPLICA_COPYING)
                data_copying(c, g, v);
        else if (current && at_data &&
                 (r->state == REPLICA_IN_STEP || (r->state == REPLICA_BROKEN && v->final)))
                data_in_step(c, g, v);
        else if (g->job_kind != JOB_START || g->job_host != c->nodeid)
                wind_up(c, g, v);
}

/* Nothing is left to be done or said of it. */
static bool idle(const struct core *c, const struct guest *g, const struct copy *v) {
        bool over = (!v->mirrored || v->ended) && (!v->exported || v->export_ended);

        if (!g)
                return true;
        if (g->replica.serial == v->serial && replica_live(g))
                return false;
        if (g->replica.host != c->nodeid && g->replica.data != c->nodeid)
                return v->asked == REPLICA_DROP && v->asked_at;
        return over &&
               !(v->final && g->replica.state == REPLICA_BROKEN && g->replica.serial == v->serial);
}

void replica_tick(struct core *c) {
        const struct host *self = core_self(c);

        if (!self || !core_operational(c) || join_needed(c) || c->stopping ||
            self->state == HOST_JOINING)
                return;
        for (size_t i = 0; i < c->model.n_guests; i++) {
                const struct guest *g = &c->model.guests[i];

                if (replica_live(g) &&
                    (g->replica.host == c->nodeid || g->replica.data == c->nodeid))
                        (void)get(c, g->gid, g->replica.serial);
        }
        for (size_t i = 0; i < c->n_copies;) {
                const struct guest *g = model_guest(&c->model, c->copies[i].gid);

                if (g)
                        copy_tick(c, g, &c->copies[i]);
                else
                        let_go(c, &c->copies[i]);
                if (idle(c, g, &c->copies[i]))
                        drop(c, i);
                else
                        i++;
        }
}
