/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What clients ask for: into the ledger, and answered when it is applied, on this host. Pure.
 */
#include <stdarg.h>
#include <stdio.h>

#include "hawd/core/priv.h"

#define REQUEST_PATIENCE_USEC (30 * USEC_PER_SEC)

struct action *core_reply(struct core *c, uint64_t request, enum reply_code code, const char *fmt,
                          ...) {
        struct action *a = actions_add(c->out, ACT_REPLY);
        va_list ap;

        a->reply.request = request;
        a->reply.code = code;
        va_start(ap, fmt);
        (void)vsnprintf(a->reply.text, sizeof(a->reply.text), fmt, ap); /* cut is fine */
        va_end(ap);
        return a;
}

static struct pending *pending_find(struct core *c, uint64_t request) {
        for (size_t i = 0; i < c->n_pendings; i++)
                if (c->pendings[i].request == request)
                        return &c->pendings[i];
        return NULL;
}

struct pending *request_wait(struct core *c, uint64_t request, struct entry *e) {
        struct pending *p;

        c->pendings = core_grow(c->pendings, &c->cap_pendings, c->n_pendings, sizeof(*c->pendings));
        p = &c->pendings[c->n_pendings++];
        *p = (struct pending){.request = request, .entry = e, .since = c->now};
        return p;
}

static void pending_remove(struct core *c, struct pending *p) {
        size_t i = (size_t)(p - c->pendings);

        entry_unref(p->entry);
        memmove(p, p + 1, (c->n_pendings - i - 1) * sizeof(*p));
        c->n_pendings--;
}

static void pending_propose(struct core *c, struct pending *p) {
        struct entry *e = entry_new();

        /* A copy: what was sent is immutable, and of another epoch. */
        e->request = p->request;
        for (size_t i = 0; i < p->entry->n_ops; i++) {
                struct op *op = entry_add(e, OP_NONE);

                *op = p->entry->ops[i];
                guest_spec_ref(op->spec);
                blob_ref(op->list);
                blob_ref(op->list2);
        }
        if (log_propose(c, e))
                p->epoch = c->number;
}

void request_wish(struct core *c, uint64_t request, struct entry *e) {
        struct pending *p = pending_find(c, request);

        if (!p) { /* it was told that there is no answer */
                entry_unref(e);
                return;
        }
        p->entry = e;
        pending_propose(c, p);
}

/* Ours by entry; or an enrolment that the guest's host proposed for our client. */
static struct pending *pending_of(struct core *c, const struct entry *e) {
        const struct op *op = e->n_ops ? &e->ops[0] : NULL;

        if (e->origin == c->nodeid && e->incarnation == c->incarnation && e->request)
                return pending_find(c, e->request);
        if (op && op->kind == OP_GUEST_ADD && op->executor == c->nodeid && op->job)
                return pending_find(c, op->job);
        return NULL;
}

void request_applied(struct core *c, const struct entry *e, const struct applied *a) {
        struct pending *p = pending_of(c, e);

        if (!p)
                return;
        core_reply(c, p->request, a->code, "%s", a->text);
        pending_remove(c, p);
}

/* The group changed and decisions are made again: all that could still be applied of the old epoch
 * has been, so what was not is proposed once more. */
void request_again(struct core *c) {
        for (size_t i = 0; i < c->n_pendings; i++)
                if (c->pendings[i].entry && c->pendings[i].epoch != c->number)
                        pending_propose(c, &c->pendings[i]);
}

void request_tick(struct core *c) {
        for (size_t i = 0; i < c->n_pendings;) {
                struct pending *p = &c->pendings[i];
                usec_t due = usec_add(p->since, REQUEST_PATIENCE_USEC);
                char no_use[TEXT_LEN] = "";
                struct core_status st;

                if (p->facts_of)
                        facts_no_use(c, p->facts_of, no_use);
                if (no_use[0]) {
                        core_reply(c, p->request, REPLY_FAILED, "%s", no_use);
                        pending_remove(c, p);
                        continue;
                }
                if (c->now < due) {
                        wake_at(c, due);
                        i++;
                        continue;
                }
                core_status(c, &st);
                core_reply(c, p->request, st.operational ? REPLY_FAILED : REPLY_NOT_QUORATE,
                           "no answer in time%s%.120s", st.missing[0] ? ": " : "", st.missing);
                pending_remove(c, p);
        }
}

/* An answer for the client of @asker; elsewhere it travels. */
void request_answer(struct core *c, uint32_t asker, uint64_t request, enum reply_code code,
                    const char *text, struct blob *facts) {
        struct pending *p;
        struct msg *m;

        if (asker == c->nodeid) {
                p = pending_find(c, request);
                if (p)
                        pending_remove(c, p);
                core_reply(c, request, code, "%s", text)->reply.facts = blob_ref(facts);
                return;
        }
        m = msg_new(MSG_TELL);
        m->tell.to = asker;
        m->tell.request = request;
        m->tell.code = (int32_t)code;
        text_set(m->tell.text, sizeof(m->tell.text), text);
        m->tell.facts = blob_ref(facts);
        core_send(c, m);
}

void request_tell(struct core *c, uint32_t from, const struct msg *m) {
        struct pending *p;

        if (m->tell.to != c->nodeid || test_told(c, from, m))
                return;
        if (look_is(m->tell.request)) {
                look_told(c, from, m);
                return;
        }
        p = pending_find(c, m->tell.request);
        if (!p)
                return;
        core_reply(c, p->request,
                   m->tell.code >= 0 && m->tell.code < REPLY_CODE_MAX_
                           ? (enum reply_code)m->tell.code
                           : REPLY_FAILED,
                   "%s", m->tell.text)
                ->reply.facts = blob_ref(m->tell.facts);
        pending_remove(c, p);
}

static void dump(struct core *c, const char *name, uint32_t asker, uint64_t request,
                 struct guest_spec *settings) {
        struct work *w = work_add(c, WORK_DUMP, 0, "");
        struct action *a = work_begin(c, w, GJOB_DUMP);

        w->asker = asker;
        w->request = request;
        w->spec = guest_spec_ref(settings);
        text_set(a->guest_job.name, sizeof(a->guest_job.name), name);
}

void request_ask(struct core *c, const struct msg *m) {
        if (m->ask.to != c->nodeid)
                return;
        if (m->ask.kind == ASK_FENCE_TEST)
                test_ask(c, m);
        else if (m->ask.kind == ASK_FACTS)
                facts_serve(c, m->ask.origin, m->ask.request);
        else if (m->ask.kind == ASK_GUEST_RUNS)
                look_serve(c, m);
        else if (m->ask.kind == ASK_GUEST_ADD)
                dump(c, m->ask.name, m->ask.origin, m->ask.request, m->ask.spec);
}

static void guest_add(struct core *c, const struct request *r) {
        const struct host *h = r->host[0] ? model_host_named(&c->model, r->host) : core_self(c);
        struct msg *m;

        if (!h || !core_in_group(c, h->nodeid)) {
                core_reply(c, r->id, REPLY_USAGE, "there is no host %s in the group", r->host);
                return;
        }
        request_wait(c, r->id, NULL);
        if (h->nodeid == c->nodeid) {
                dump(c, r->guest, c->nodeid, r->id, r->spec);
                return;
        }
        m = msg_new(MSG_ASK);
        m->ask.kind = ASK_GUEST_ADD;
        m->ask.to = h->nodeid;
        m->ask.origin = c->nodeid;
        m->ask.request = r->id;
        text_set(m->ask.name, sizeof(m->ask.name), r->guest);
        m->ask.spec = guest_spec_ref(r->spec);
        core_send(c, m);
}

/* Guest, host and rule of the request, found and checked; false: answered. */
static bool resolve(struct core *c, const struct request *r, struct op *op) {
        const struct guest *g = NULL;
        const struct host *h = NULL;

        if (r->guest[0] && r->verb != VERB_GUEST_CREATE) {
                g = model_guest_named(&c->model, r->guest);
                if (!g) {
                        core_reply(c, r->id, REPLY_USAGE,
                                   "there is no guest %s: see hawctl guest "
                                   "list",
                                   r->guest);
                        return false;
                }
                op->gid = g->gid;
        }
        if (r->host[0]) {
                h = model_host_named(&c->model, r->host);
                if (!h) {
                        core_reply(c, r->id, REPLY_USAGE,
                                   "there is no host %s: see hawctl host "
                                   "list",
                                   r->host);
                        return false;
                }
                op->host = h->nodeid;
        }
        return true;
}

static const struct {
        enum op_kind kind;
        enum desired desired;
        bool flag;
} wishes[VERB_MAX_] = {
        [VERB_GUEST_CREATE] = {OP_GUEST_ADD, DESIRED_RUNNING, false},
        [VERB_GUEST_SET] = {OP_GUEST_SET, DESIRED_RUNNING, false},
        [VERB_GUEST_START] = {OP_GUEST_DESIRE, DESIRED_RUNNING, false},
        [VERB_GUEST_STOP] = {OP_GUEST_DESIRE, DESIRED_STOPPED, false},
        [VERB_GUEST_IGNORE] = {OP_GUEST_DESIRE, DESIRED_IGNORED, false},
        [VERB_GUEST_PAUSE] = {OP_GUEST_DESIRE, DESIRED_PAUSED, false},
        [VERB_GUEST_RESUME] = {OP_GUEST_DESIRE, DESIRED_RUNNING, true},
        [VERB_GUEST_MOVE] = {OP_GUEST_MOVE, DESIRED_RUNNING, false},
        [VERB_GUEST_DELETE] = {OP_GUEST_DELETE, DESIRED_RUNNING, true},
        [VERB_GUEST_REMOVE] = {OP_GUEST_DELETE, DESIRED_RUNNING, false},
        [VERB_RULE_SET] = {OP_RULE_SET, DESIRED_RUNNING, false},
        [VERB_RULE_DELETE] = {OP_RULE_DELETE, DESIRED_RUNNING, false},
        [VERB_FENCE_HOST] = {OP_FENCE_REQUEST, DESIRED_RUNNING, false},
        [VERB_FENCE_CONFIRM] = {OP_FENCE_CONFIRM, DESIRED_RUNNING, false},
        [VERB_HOST_RELEASE] = {OP_HOST_RELEASE, DESIRED_RUNNING, false},
        [VERB_GUEST_RECOVER] = {OP_GUEST_RECOVER, DESIRED_RUNNING, false},
        [VERB_REPLICA_PROMOTE] = {OP_REPLICA_FORCE, DESIRED_RUNNING, false},
        [VERB_REPLICA_FORCE] = {OP_REPLICA_FORCE, DESIRED_RUNNING, true},
        [VERB_REPLICA_RESYNC] = {OP_REPLICA_RESYNC, DESIRED_RUNNING, false},
        [VERB_REPLICA_OUTDATE] = {OP_REPLICA_SAYS, DESIRED_RUNNING, false},
        [VERB_SNAP_TAKE] = {OP_SNAP_TAKE, DESIRED_RUNNING, true},
        [VERB_SNAP_DELETE] = {OP_SNAP_DELETE, DESIRED_RUNNING, false},
        [VERB_SNAP_ROLLBACK] = {OP_SNAP_ROLLBACK, DESIRED_RUNNING, false},
};

static bool too_long(const char *list) {
        return list && strlen(list) > RULE_LIST_MAX;
}

static void wish(struct core *c, const struct request *r) {
        struct entry *e;
        const struct guest *g;
        struct op *op;

        if (wishes[r->verb].kind == OP_NONE) {
                core_reply(c, r->id, REPLY_USAGE, "this hawd does not know that verb");
                return;
        }
        if (r->spec && !name_valid(r->spec->name)) {
                core_reply(c, r->id, REPLY_USAGE,
                           "'%.64s' is no name for a guest: letters, digits and ._-",
                           r->spec->name);
                return;
        }
        /* A ledger with such a guest could be read by nobody. */
        if (r->verb == VERB_GUEST_CREATE && (!r->spec || !r->spec->uuid[0])) {
                core_reply(c, r->id, REPLY_USAGE, "a guest needs a definition, with a UUID");
                return;
        }
        if (r->verb == VERB_GUEST_SET && !r->spec) {
                core_reply(c, r->id, REPLY_USAGE, "a guest is set to which settings?");
                return;
        }
        if (r->verb == VERB_RULE_SET && (!name_valid(r->rule) || !r->guests || !r->guests[0])) {
                core_reply(c, r->id, REPLY_USAGE, "a rule needs a name, and guests");
                return;
        }
        if (too_long(r->guests) || too_long(r->hosts)) { /* no member would take the entry */
                core_reply(c, r->id, REPLY_USAGE,
                           "rule %s: a list of names may have %zu KiB: make several rules of it",
                           r->rule, RULE_LIST_MAX / 1024);
                return;
        }
        e = entry_new();
        op = entry_add(e, wishes[r->verb].kind);
        if (!resolve(c, r, op)) {
                entry_unref(e);
                return;
        }
        if (r->verb == VERB_FENCE_CONFIRM && core_in_group(c, op->host)) {
                core_reply(c, r->id, REPLY_USAGE, "%s is not off: its hawd is in the group",
                           r->host);
                entry_unref(e);
                return;
        }
        g = model_guest(&c->model, op->gid);
        if (r->verb == VERB_REPLICA_OUTDATE && !g) {
                core_reply(c, r->id, REPLY_USAGE, "outdate the replica of which guest?");
                entry_unref(e);
                return;
        }
        /* S9: who asks goes on alone then; on the other host that would be a person's doing. */
        if (r->verb == VERB_REPLICA_OUTDATE && g->replica.data != c->nodeid) {
                core_reply(c, r->id, REPLY_USAGE,
                           "the disks of %s are not this host's: DRBD must not be primary here",
                           r->guest);
                entry_unref(e);
                return;
        }
        op->wall = c->wall;
        op->desired = r->verb == VERB_GUEST_CREATE ? r->desired : wishes[r->verb].desired;
        op->flag = r->verb == VERB_RULE_SET ? r->strict : wishes[r->verb].flag;
        if (r->verb == VERB_REPLICA_OUTDATE) {
                op->host = c->nodeid;
                op->serial = g->replica.serial;
                op->replica_state = REPLICA_BEHIND;
        }
        text_set(op->text, sizeof(op->text), r->who[0] ? r->who : "an operator");
        op->spec = guest_spec_ref(r->spec);
        text_set(op->name, sizeof(op->name), r->snapshot[0] ? r->snapshot : r->rule);
        op->rule_kind = r->rule_kind;
        op->no_quiesce = r->no_quiesce;
        if (r->guests && r->guests[0])
                op->list = blob_new(r->guests, strlen(r->guests));
        if (r->hosts && r->hosts[0])
                op->list2 = blob_new(r->hosts, strlen(r->hosts));
        if (r->verb != VERB_GUEST_CREATE) {
                pending_propose(c, request_wait(c, r->id, e));
                return;
        }
        request_wait(c, r->id, NULL);
        look_begin(c, e, true, c->nodeid, r->id);
}

void request_take(struct core *c, const struct request *r) {
        struct core_status st;

        if (r->verb == VERB_FENCE_TEST) { /* needs no ledger */
                test_take(c, r);
                return;
        }
        if (r->verb == VERB_FACTS) { /* nor does this: it matters most when little works */
                facts_ask(c, r);
                return;
        }
        if (!core_operational(c)) {
                bool split = r->verb == VERB_FENCE_HOST || r->verb == VERB_FENCE_CONFIRM ||
                             r->verb == VERB_ACCEPT_LOSS;
                char why[TEXT_LEN] = "";
                enum reply_code code =
                        split ? lone_request(c, r, why, sizeof(why)) : REPLY_NOT_QUORATE;

                if (code != REPLY_NOT_QUORATE) {
                        core_reply(c, r->id, code, "%s", why);
                        return;
                }
                core_status(c, &st);
                core_reply(c, r->id, REPLY_NOT_QUORATE, "%.*s", (int)TEXT_LEN - 1, st.missing);
                return;
        }
        if (r->verb == VERB_ACCEPT_LOSS)
                core_reply(c, r->id, REPLY_USAGE, "decisions are made: nothing is to be given up");
        else if (r->verb == VERB_GUEST_ADD)
                guest_add(c, r);
        else if (r->verb > VERB_NONE && r->verb < VERB_MAX_)
                wish(c, r);
        else
                core_reply(c, r->id, REPLY_USAGE, "this hawd does not know that verb");
}
