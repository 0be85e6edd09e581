/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/core/event.h"
#include "hawd/wire/wire.h"
#include "hawd/wire/wire_pb.h"

/* ---- the state ------------------------------------------------------------------------------- */

Hawd__State *wire_put_state(struct wire_out *o, const struct state *s) {
        Hawd__State *p = wire_alloc(o, 1, sizeof(*p));

        hawd__state__init(p);
        p->epoch = s->epoch;
        p->version = s->version;
        p->model = wire_put_model(o, &s->model);
        p->n_tail = wire_put_count(o, s->n_tail, WIRE_TAIL_MAX);
        p->tail = wire_alloc(o, p->n_tail, sizeof(Hawd__Entry *));
        for (size_t i = 0; i < p->n_tail; i++)
                p->tail[i] = wire_put_entry(o, s->tail[i]);
        return p;
}

static void get_tail(struct wire_in *in, const Hawd__State *p, struct state *s) {
        size_t n = wire_get_count(in, "entries behind the model", p->n_tail, WIRE_TAIL_MAX);

        if (s->version < s->model.version || s->version - s->model.version != n) {
                wire_refuse(in, "state of version %" PRIu64 " with %zu entries behind %" PRIu64,
                            s->version, n, s->model.version);
                return;
        }
        if (n == 0)
                return;
        s->tail = xcalloc(n, sizeof(struct entry *));
        for (size_t i = 0; i < n && !in->failed; i++)
                s->tail[s->n_tail++] = wire_get_entry(in, p->tail[i]);
}

struct state *wire_get_state(struct wire_in *in, const Hawd__State *p) {
        struct state *s = state_new();

        if (!p || !p->model) {
                wire_refuse(in, "a state without a model");
                return s;
        }
        s->epoch = wire_get_number(in, "epoch", p->epoch);
        s->version = wire_get_number(in, "version", p->version);
        wire_get_model(in, p->model, &s->model);
        get_tail(in, p, s);
        return s;
}

/* ---- encoding, one function a kind ----------------------------------------------------------- */

static void put_exchange(struct wire_out *o, const struct msg *m, Hawd__Msg *p) {
        const struct msg_exchange *x = &m->exchange;
        Hawd__Exchange *e = wire_alloc(o, 1, sizeof(*e));

        hawd__exchange__init(e);
        e->proto_major = x->proto_major;
        e->proto_minor = x->proto_minor;
        e->round = x->round;
        e->incarnation = x->incarnation;
        e->epoch = x->epoch;
        e->promised = x->promised;
        e->version = x->version;
        e->virgin = x->virgin;
        e->n_members = wire_put_count(o, x->n_members, HOSTS_MAX);
        e->members = wire_alloc(o, e->n_members, sizeof(*e->members));
        for (size_t i = 0; i < e->n_members; i++)
                e->members[i] = x->members[i];
        e->voter = x->voter;
        e->continuous = x->continuous;
        e->lost = x->lost;
        e->cold_usec = x->cold_usec;
        p->body_case = HAWD__MSG__BODY_EXCHANGE;
        p->exchange = e;
}

static void put_promise(struct wire_out *o, const struct msg *m, Hawd__Msg *p) {
        p->body_case = HAWD__MSG__BODY_PROMISE;
        p->promise = wire_alloc(o, 1, sizeof(*p->promise));
        hawd__promise__init(p->promise);
        p->promise->number = m->promise.number;
}

static void put_state_msg(struct wire_out *o, const struct msg *m, Hawd__Msg *p) {
        p->body_case = HAWD__MSG__BODY_STATE;
        p->state = wire_alloc(o, 1, sizeof(*p->state));
        hawd__state_msg__init(p->state);
        p->state->number = m->state.number;
        p->state->state = wire_put_state(o, m->state.state);
}

static void put_ack(struct wire_out *o, const struct msg *m, Hawd__Msg *p) {
        p->body_case = HAWD__MSG__BODY_ACK;
        p->ack = wire_alloc(o, 1, sizeof(*p->ack));
        hawd__ack__init(p->ack);
        p->ack->epoch = m->ack.epoch;
        p->ack->version = m->ack.version;
}

static void put_entry_msg(struct wire_out *o, const struct msg *m, Hawd__Msg *p) {
        p->body_case = HAWD__MSG__BODY_ENTRY;
        p->entry = wire_put_entry(o, m->entry);
}

static void put_heartbeat(struct wire_out *o, const struct msg *m, Hawd__Msg *p) {
        const struct heartbeat *x = &m->heartbeat;
        Hawd__Heartbeat *h = wire_alloc(o, 1, sizeof(*h));

        hawd__heartbeat__init(h);
        h->sent_usec = x->sent_usec;
        h->wall = x->wall;
        h->memory_free_mib = x->memory_free_mib;
        h->load_pct = x->load_pct;
        h->libvirt_ok = x->libvirt_ok;
        h->store_error = WIRE_PUT_TEXT(x->store_error);
        h->ills = x->ills;
        h->watchdog_armed = x->watchdog_armed;
        h->n_echoes = wire_put_count(o, x->n_echoes, HEARTBEAT_ECHOES);
        h->echoes = (Hawd__Echo **)wire_array(o, h->n_echoes, sizeof(Hawd__Echo));
        for (size_t i = 0; i < h->n_echoes; i++) {
                hawd__echo__init(h->echoes[i]);
                h->echoes[i]->nodeid = x->echoes[i].nodeid;
                h->echoes[i]->sent_usec = x->echoes[i].sent_usec;
        }
        p->body_case = HAWD__MSG__BODY_HEARTBEAT;
        p->heartbeat = h;
}

static void put_ask(struct wire_out *o, const struct msg *m, Hawd__Msg *p) {
        Hawd__Ask *a = wire_alloc(o, 1, sizeof(*a));

        hawd__ask__init(a);
        a->kind = wire_put_enum(o, &wire_ask_kind, m->ask.kind);
        a->to = m->ask.to;
        a->origin = m->ask.origin;
        a->request = m->ask.request;
        a->name = WIRE_PUT_TEXT(m->ask.name);
        a->spec = wire_put_spec(o, m->ask.spec);
        p->body_case = HAWD__MSG__BODY_ASK;
        p->ask = a;
}

static void put_tell(struct wire_out *o, const struct msg *m, Hawd__Msg *p) {
        Hawd__Tell *t = wire_alloc(o, 1, sizeof(*t));

        hawd__tell__init(t);
        t->to = m->tell.to;
        t->request = m->tell.request;
        t->code = wire_put_enum(o, &wire_reply_code, (unsigned)m->tell.code);
        t->text = WIRE_PUT_TEXT(m->tell.text);
        t->device = WIRE_PUT_TEXT(m->tell.device);
        t->reading = wire_put_enum(o, &wire_power_reading, m->tell.reading);
        t->took_usec = m->tell.took_usec;
        t->facts = wire_put_blob(o, m->tell.facts, FACTS_MAX);
        p->body_case = HAWD__MSG__BODY_TELL;
        p->tell = t;
}

static void put_history(struct wire_out *o, const struct msg *m, Hawd__Msg *p) {
        p->body_case = HAWD__MSG__BODY_HISTORY;
        p->history = wire_put_history(o, m);
}

static void put_exclude(struct wire_out *o, const struct msg *m, Hawd__Msg *p) {
        Hawd__Exclude *x = wire_alloc(o, 1, sizeof(*x));

        hawd__exclude__init(x);
        x->n_members = wire_put_count(o, m->exclude.n, HOSTS_MAX);
        x->members = (Hawd__RingMember **)wire_array(o, x->n_members, sizeof(Hawd__RingMember));
        for (size_t i = 0; i < x->n_members; i++) {
                hawd__ring_member__init(x->members[i]);
                x->members[i]->nodeid = m->exclude.members[i].nodeid;
                x->members[i]->pid = m->exclude.members[i].pid;
        }
        p->body_case = HAWD__MSG__BODY_EXCLUDE;
        p->exclude = x;
}

static void put_proven(struct wire_out *o, const struct msg *m, Hawd__Msg *p) {
        Hawd__Proven *x = wire_alloc(o, 1, sizeof(*x));

        hawd__proven__init(x);
        x->round = m->proven.round;
        x->n_hosts = wire_put_count(o, m->proven.n, HOSTS_MAX);
        x->hosts = (Hawd__ProvenHost **)wire_array(o, x->n_hosts, sizeof(Hawd__ProvenHost));
        for (size_t i = 0; i < x->n_hosts; i++) {
                const struct proven *h = &m->proven.hosts[i];

                hawd__proven_host__init(x->hosts[i]);
                x->hosts[i]->nodeid = h->nodeid;
                x->hosts[i]->proof = wire_put_enum(o, &wire_proof, h->proof);
                x->hosts[i]->budget_usec = h->budget_usec;
                x->hosts[i]->text = WIRE_PUT_TEXT(h->text);
        }
        p->body_case = HAWD__MSG__BODY_PROVEN;
        p->proven = x;
}

static void (*const put_kind[])(struct wire_out *o, const struct msg *m, Hawd__Msg *p) = {
        [MSG_EXCHANGE] = put_exchange, [MSG_PROMISE] = put_promise, [MSG_STATE] = put_state_msg,
        [MSG_ACK] = put_ack,           [MSG_ENTRY] = put_entry_msg, [MSG_HEARTBEAT] = put_heartbeat,
        [MSG_ASK] = put_ask,           [MSG_TELL] = put_tell,       [MSG_HISTORY] = put_history,
        [MSG_EXCLUDE] = put_exclude,   [MSG_PROVEN] = put_proven,
};
_Static_assert(ARRAY_SIZE(put_kind) == MSG_KIND_MAX_, "a kind of message has no number");

int wire_msg_encode(const struct msg *m, uint8_t **ret, size_t *ret_len) {
        _cleanup_(wire_out_clear) struct wire_out o = {0};
        Hawd__Msg p = HAWD__MSG__INIT;

        if ((size_t)m->kind >= ARRAY_SIZE(put_kind) || !put_kind[m->kind])
                return -EINVAL;
        p.view = m->view;
        p.entry_version = m->entry_version;
        put_kind[m->kind](&o, m, &p);
        return wire_pack(&o, &p.base, WIRE_MSG_MAX, ret, ret_len);
}

/* ---- decoding -------------------------------------------------------------------------------- */

static void get_exchange(struct wire_in *in, const Hawd__Exchange *p, struct msg_exchange *x) {
        size_t n = wire_get_count(in, "members", p->n_members, HOSTS_MAX);

        x->proto_major = p->proto_major;
        x->proto_minor = p->proto_minor;
        x->round = wire_get_number(in, "round", p->round);
        x->incarnation = p->incarnation;
        x->epoch = wire_get_number(in, "epoch", p->epoch);
        x->promised = wire_get_number(in, "promise", p->promised);
        x->version = wire_get_number(in, "version", p->version);
        x->virgin = p->virgin;
        x->n_members = (uint32_t)n;
        for (size_t i = 0; i < n; i++)
                x->members[i] = p->members[i];
        x->voter = p->voter;
        x->continuous = p->continuous;
        x->lost = p->lost;
        x->cold_usec = p->cold_usec;
}

static void get_heartbeat(struct wire_in *in, const Hawd__Heartbeat *p, struct heartbeat *h) {
        size_t n = wire_get_count(in, "echoes", p->n_echoes, HEARTBEAT_ECHOES);

        h->sent_usec = p->sent_usec;
        h->wall = p->wall;
        h->memory_free_mib = p->memory_free_mib;
        h->load_pct = p->load_pct;
        h->libvirt_ok = p->libvirt_ok;
        WIRE_GET_TEXT(in, "store's error", p->store_error, h->store_error);
        h->ills = p->ills;
        h->watchdog_armed = p->watchdog_armed;
        h->n_echoes = (uint32_t)n;
        for (size_t i = 0; i < n; i++) {
                h->echoes[i].nodeid = p->echoes[i]->nodeid;
                h->echoes[i].sent_usec = p->echoes[i]->sent_usec;
        }
}

/* The name is what a client typed, and may fit nothing: who serves the request says so. */
static void get_ask(struct wire_in *in, const Hawd__Ask *p, struct msg *m) {
        m->ask.kind = wire_get_enum(in, &wire_ask_kind, p->kind);
        m->ask.to = p->to;
        m->ask.origin = p->origin;
        m->ask.request = p->request;
        WIRE_GET_TEXT(in, "name in a request", p->name, m->ask.name);
        m->ask.spec = wire_get_spec(in, p->spec);
}

static void get_tell(struct wire_in *in, const Hawd__Tell *p, struct msg *m) {
        m->tell.to = p->to;
        m->tell.request = p->request;
        m->tell.code = (int32_t)wire_get_enum(in, &wire_reply_code, p->code);
        WIRE_GET_TEXT(in, "text of a reply", p->text, m->tell.text);
        WIRE_GET_TEXT(in, "device of a reply", p->device, m->tell.device);
        m->tell.reading = wire_get_enum(in, &wire_power_reading, p->reading);
        m->tell.took_usec = p->took_usec;
        m->tell.facts = wire_get_blob(in, "facts", p->facts, FACTS_MAX);
}

static void get_exclude(struct wire_in *in, const Hawd__Exclude *p, struct msg *m) {
        m->exclude.n = (uint32_t)wire_get_count(in, "silent members", p->n_members, HOSTS_MAX);
        for (size_t i = 0; i < m->exclude.n; i++) {
                m->exclude.members[i].nodeid = p->members[i]->nodeid;
                m->exclude.members[i].pid = p->members[i]->pid;
        }
}

static void get_proven(struct wire_in *in, const Hawd__Proven *p, struct msg *m) {
        size_t n = wire_get_count(in, "proven hosts", p->n_hosts, HOSTS_MAX);

        m->proven.round = p->round;
        m->proven.n = (uint32_t)n;
        m->proven.hosts = n ? xcalloc(n, sizeof(*m->proven.hosts)) : NULL;
        for (size_t i = 0; i < n; i++) {
                struct proven *h = &m->proven.hosts[i];

                h->nodeid = p->hosts[i]->nodeid;
                h->proof = wire_get_enum(in, &wire_proof, p->hosts[i]->proof);
                h->budget_usec = p->hosts[i]->budget_usec;
                WIRE_GET_TEXT(in, "text of a proof", p->hosts[i]->text, h->text);
        }
}

static enum msg_kind get_kind(Hawd__Msg__BodyCase body) {
        switch (body) {
        case HAWD__MSG__BODY_EXCHANGE:
                return MSG_EXCHANGE;
        case HAWD__MSG__BODY_PROMISE:
                return MSG_PROMISE;
        case HAWD__MSG__BODY_STATE:
                return MSG_STATE;
        case HAWD__MSG__BODY_ACK:
                return MSG_ACK;
        case HAWD__MSG__BODY_ENTRY:
                return MSG_ENTRY;
        case HAWD__MSG__BODY_HEARTBEAT:
                return MSG_HEARTBEAT;
        case HAWD__MSG__BODY_ASK:
                return MSG_ASK;
        case HAWD__MSG__BODY_TELL:
                return MSG_TELL;
        case HAWD__MSG__BODY_HISTORY:
                return MSG_HISTORY;
        case HAWD__MSG__BODY_EXCLUDE:
                return MSG_EXCLUDE;
        case HAWD__MSG__BODY_PROVEN:
                return MSG_PROVEN;
        default:
                return MSG_NONE;
        }
}

static void get_body(struct wire_in *in, const Hawd__Msg *p, struct msg *m) {
        switch (m->kind) {
        case MSG_EXCHANGE:
                get_exchange(in, p->exchange, &m->exchange);
                break;
        case MSG_PROMISE:
                m->promise.number = wire_get_number(in, "promise", p->promise->number);
                break;
        case MSG_STATE:
                m->state.number = wire_get_number(in, "epoch", p->state->number);
                m->state.state = wire_get_state(in, p->state->state);
                break;
        case MSG_ACK:
                m->ack.epoch = wire_get_number(in, "epoch", p->ack->epoch);
                m->ack.version = wire_get_number(in, "version", p->ack->version);
                break;
        case MSG_ENTRY:
                m->entry = wire_get_entry(in, p->entry);
                break;
        case MSG_HEARTBEAT:
                get_heartbeat(in, p->heartbeat, &m->heartbeat);
                break;
        case MSG_ASK:
                get_ask(in, p->ask, m);
                break;
        case MSG_TELL:
                get_tell(in, p->tell, m);
                break;
        case MSG_HISTORY:
                wire_get_history(in, p->history, m);
                break;
        case MSG_EXCLUDE:
                get_exclude(in, p->exclude, m);
                break;
        case MSG_PROVEN:
                get_proven(in, p->proven, m);
                break;
        default:
                wire_refuse(in, "a message of a kind that this version does not know");
                break;
        }
}

int wire_msg_decode(const uint8_t *bytes, size_t len, struct msg **ret, char *err) {
        struct wire_in in;
        Hawd__Msg *p = wire_unpack(&in, err, &hawd__msg__descriptor, bytes, len);
        struct msg *m;

        if (!p)
                return -EBADMSG;
        m = msg_new(get_kind(p->body_case));
        m->view = p->view;
        m->entry_version = wire_get_number(&in, "version", p->entry_version);
        get_body(&in, p, m);
        wire_unpacked_free(&in, p);
        if (in.failed) {
                msg_unref(m);
                return -EBADMSG;
        }
        *ret = m;
        return 0;
}
