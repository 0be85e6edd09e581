/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random objects of every kind that travels, for test_wire.c: as full as the codec takes them.
 */
#pragma once

#include "hawd/core/event.h"
#include "hawd/core/note.h"
#include "hawd/wire/wire.h"

/*
 * A field that was added to one of these structs needs a number in hawd.proto, its two lines in the
 * codec and one in the generator below; then correct its size here.
 */
#if __SIZEOF_POINTER__ == 8
_Static_assert(sizeof(struct guest_snaps) == 2896, "guest_snaps changed, see above");
_Static_assert(sizeof(struct guest_spec) == 1056, "guest_spec changed, see above");
_Static_assert(sizeof(struct op) == 1168, "op changed, see above");
_Static_assert(sizeof(struct entry) == 64, "entry changed, see above");
_Static_assert(sizeof(struct host) == 1712, "host changed, see above");
_Static_assert(sizeof(struct device) == 344, "device changed, see above");
_Static_assert(sizeof(struct guest) == 1576, "guest changed, see above");
_Static_assert(sizeof(struct rule) == 96, "rule changed, see above");
_Static_assert(sizeof(struct fence_job) == 312, "fence_job changed, see above");
_Static_assert(sizeof(struct incident) == 528, "incident changed, see above");
_Static_assert(sizeof(struct heartbeat) == 744, "heartbeat changed, see above");
_Static_assert(sizeof(struct msg_exchange) == 200, "msg_exchange changed, see above");
_Static_assert(sizeof(struct history_row) == 560, "history_row changed, see above");
#endif

static uint64_t seed;

/* ---- random values --------------------------------------------------------------------------- */

static uint64_t rnd(void) {
        seed = hash64(seed, "wire", 4);
        return seed;
}

static uint32_t rnd_below(uint32_t n) {
        return (uint32_t)(rnd() % n);
}

/* Small, large and none alike: each has its own length on the wire. */
static uint64_t rnd64(void) {
        return rnd() >> rnd_below(64);
}

static uint32_t rnd32(void) {
        return (uint32_t)rnd64();
}

/* As far as can be counted. */
static uint64_t rnd_number(void) {
        return rnd64() >> 14;
}

static bool rnd_bool(void) {
        return rnd() & 1;
}

static void rnd_text(char *dst, size_t size) {
        size_t len = rnd_bool() ? size - 1 : rnd_below((uint32_t)size);

        for (size_t i = 0; i < len; i++)
                dst[i] = (char)(1 + rnd_below(255));
}
#define RND_TEXT(array) rnd_text((array), sizeof(array))

static void rnd_name(char dst[NAME_LEN]) {
        static const char chars[] = "abcXYZ019._-";
        size_t len = 1 + rnd_below(NAME_LEN - 1);

        for (size_t i = 0; i < len; i++)
                dst[i] = chars[rnd_below(i == 0 ? 9 : sizeof(chars) - 1)];
}

static struct blob *rnd_blob(size_t max) {
        struct blob *b;

        if (rnd_below(4) == 0)
                return NULL;
        b = blob_new("", 0);
        if (rnd_bool()) {
                _cleanup_(freep) char *text = xcalloc(1, max);
                size_t len = rnd_below((uint32_t)max);

                memset(text, 'x', len);
                blob_unref(b);
                b = blob_new(text, len);
        }
        return b;
}

/* ---- random objects -------------------------------------------------------------------------- */

static struct guest_spec *rnd_spec(void) {
        struct guest_spec *s = guest_spec_new();

        rnd_name(s->name);
        text_fmt(s->uuid, sizeof(s->uuid), "7f3c2f0e-1b1d-4f0a-9c55-%012" PRIx64, rnd() >> 16);
        s->vcpus = rnd32();
        s->memory_mib = rnd64();
        s->has_agent = rnd_bool();
        s->disks = rnd64();
        s->conf.priority = (int32_t)rnd32();
        s->conf.start_timeout_usec = rnd64();
        s->conf.stop_timeout_usec = rnd64();
        s->conf.boot_usec = rnd64();
        s->conf.restart_limit = rnd32();
        s->conf.restart_window_usec = rnd64();
        s->conf.on_shutdown = rnd_below(2);
        s->conf.hang_after_usec = rnd64();
        for (size_t i = 0, n = rnd_below(RUNGS + 1); i < n; i++)
                s->conf.recovery[i] = 1 + rnd_below(RUNGS);
        s->conf.relocate_limit = rnd32();
        s->conf.rollback_limit = rnd32();
        RND_TEXT(s->conf.snapshot);
        s->conf.snapshot_keep = (struct conf_keep){rnd32(), rnd32(), rnd32(), rnd32()};
        s->conf.snapshot_space_mib = rnd64();
        s->conf.snapshot_left_usec = rnd64();
        s->conf.snapshot_quiesce = rnd_below(QUIESCE_NEVER + 1);
        s->conf.snapshot_kind = rnd_below(SNAPSHOT_INTERNAL + 1);
        s->conf.healthy_after_usec = rnd64();
        s->conf.health_by = rnd_below(HEALTH_BY_NONE + 1);
        s->conf.replica.mode = rnd_below(REPLICA_MODE_MAX_);
        if (rnd_bool())
                rnd_name(s->conf.replica.host);
        if (rnd_bool())
                rnd_name(s->conf.replica.resource);
        s->conf.replica_lag_usec = rnd64();
        s->conf.replica_loss_usec = rnd64();
        s->n_after = rnd_below(ARRAY_SIZE(s->after) + 1);
        for (size_t i = 0; i < s->n_after; i++)
                rnd_name(s->after[i]);
        s->xml = rnd_blob(rnd_below(50) == 0 ? WIRE_XML_MAX : 5000);
        return s;
}

static void rnd_facts(struct host_facts *f) {
        f->vcpus = rnd32();
        f->memory_mib = rnd64();
        f->config_hash = rnd();
        RND_TEXT(f->hawd_version);
        RND_TEXT(f->labels);
        RND_TEXT(f->dmi);
}

static void rnd_op(struct op *op) {
        op->host = 1 + rnd32() / 2;
        op->gid = rnd32();
        op->host_version = rnd64();
        op->guest_version = rnd64();
        op->gen = rnd64();
        op->job = rnd64();
        op->incarnation = rnd();
        op->executor = rnd32();
        op->settings = rnd();
        RND_TEXT(op->guid);
        op->loss = rnd32();
        op->level = rnd32();
        op->budget_usec = rnd64();
        op->wall = rnd64();
        op->wall_last_good = rnd64();
        op->fence_kind = rnd_below(FENCE_KIND_MAX_);
        op->job_kind = rnd_below(JOB_KIND_MAX_);
        op->result = rnd_below(RESULT_MAX_);
        op->fence_result = rnd_below(FENCE_RESULT_MAX_);
        op->seen = rnd_below(SEEN_MAX_);
        op->end_why = rnd_below(END_MAX_);
        op->rung = rnd_below(RUNG_MAX_);
        op->reading = rnd_below(READING_MAX_);
        op->proof = rnd_below(PROOF_MAX_);
        op->watchdog_usec = rnd64();
        op->lease_usec = rnd64();
        op->serial = rnd32();
        op->replica_state = rnd_below(REPLICA_STATE_MAX_);
        op->as_of = rnd64();
        op->lag_bytes = rnd64();
        op->snap = rnd32();
        op->snap_mib = rnd64();
        op->pause_usec = rnd64();
        op->ill = rnd_below(ILL_MAX_);
        op->no_quiesce = rnd_bool();
        op->guest_state = rnd_below(GUEST_STATE_MAX_);
        op->desired = rnd_below(DESIRED_MAX_);
        op->rule_kind = rnd_below(RULE_KIND_MAX_);
        op->flag = rnd_bool();
        if (op->kind == OP_HOST_ADD || op->kind == OP_DEVICE_SEEN || op->kind == OP_DEVICE_OFF ||
            op->kind == OP_DEVICE_FORGET || op->kind == OP_RULE_SET || rnd_bool())
                rnd_name(op->name);
        RND_TEXT(op->text);
        op->n_devices = rnd_below(LEVEL_DEVICES_MAX + 1);
        for (size_t i = 0; i < op->n_devices; i++)
                rnd_name(op->devices[i]);
        if (rnd_bool())
                rnd_facts(&op->facts);
        if (op->kind == OP_GUEST_ADD || rnd_bool())
                op->spec = rnd_spec();
        op->n_seen = rnd_bool() ? rnd_below(40) : 0;
        if (op->n_seen > 0)
                op->seen_list = xcalloc(op->n_seen, sizeof(*op->seen_list));
        for (size_t i = 0; i < op->n_seen; i++)
                op->seen_list[i] = (struct seen){rnd32(), rnd_below(SEEN_MAX_)};
        op->list = rnd_blob(300);
        op->list2 = rnd_blob(300);
}

static struct entry *rnd_entry(void) {
        struct entry *e = entry_new();
        uint32_t n = rnd_below(8);

        e->origin = rnd32();
        e->incarnation = rnd();
        e->request = rnd64();
        e->decision = rnd_bool();
        e->epoch = rnd_number();
        for (uint32_t i = 0; i < n; i++) {
                struct op *op = entry_add(e, rnd_below(OP_KIND_MAX_));

                if (op->kind != OP_NONE)
                        rnd_op(op);
        }
        return e;
}

static void rnd_host(struct host *h, uint32_t nodeid) {
        h->nodeid = nodeid;
        rnd_name(h->name);
        h->version = rnd64();
        h->state = rnd_below(HOST_STATE_MAX_);
        rnd_facts(&h->facts);
        h->incarnation = rnd();
        h->since_wall = rnd64();
        h->losses = rnd32();
        h->loss_version = rnd64();
        h->lost_wall = rnd64();
        h->proof = rnd_below(PROOF_MAX_);
        RND_TEXT(h->proof_text);
        h->watchdog_usec = rnd64();
        h->lease_usec = rnd64();
        RND_TEXT(h->watchdog_error);
        h->fence_tries = rnd32();
        h->fence_level = rnd32();
        RND_TEXT(h->fence_error);
        h->fence_forced = rnd_bool();
        h->read_off = rnd_bool();
        h->power_on_wanted = rnd_bool();
        h->reported = rnd_bool();
        h->left_announced = rnd_bool();
        h->no_vote = rnd_bool();
        for (size_t i = 0; i < ILL_MAX_; i++)
                if (rnd_bool()) {
                        h->ills |= ILL_BIT(i);
                        RND_TEXT(h->ill_text[i]);
                }
        h->n_fenced = rnd_below(FENCED_KEPT + 1);
        for (size_t i = 0; i < h->n_fenced; i++)
                h->fenced_wall[i] = rnd64();
}

static void rnd_device(struct device *d) {
        rnd_name(d->name);
        d->host = rnd32();
        d->seen_on = rnd_bool();
        d->distrusted = rnd_bool();
        d->reached_by = rnd32();
        d->reachable = rnd_bool();
        d->checked_wall = rnd64();
        RND_TEXT(d->error);
        d->off_wall = rnd64();
        d->on_due = rnd32();
        d->settings = rnd();
        RND_TEXT(d->guid);
}

/* What was taken, gone back to and marked before, so that it is a tree. */
static struct guest_snaps *rnd_snaps(void) {
        struct guest_snaps *s = snaps_new();
        uint32_t steps = rnd_below(12);

        s->list[0].inside = rnd_bool();
        for (uint32_t i = 0; i < steps; i++) {
                struct snapshot *x = &s->list[rnd_below((uint32_t)s->n)];
                char name[NAME_LEN], why[TEXT_LEN];

                text_fmt(name, sizeof(name), "s%u", s->next);
                if (rnd_bool())
                        snap_taken(s->list, &s->n, s->next++, name, rnd64())->good = rnd_bool();
                else if (snap_rollback_ok(s->list, s->n, (size_t)(x - s->list), why))
                        snap_rolled_back(s->list, &s->n, (size_t)(x - s->list), s->next++, name,
                                         rnd64());
                x->by_hand = rnd_bool();
                x->failed = rnd_bool();
                x->mib = rnd64();
                x->deleting = x->kind != SNAP_CURRENT && rnd_below(4) == 0;
        }
        s->unmade = rnd_bool();
        s->deleted = rnd32();
        s->taken_wall = rnd64();
        s->pause_usec = rnd64();
        RND_TEXT(s->error);
        s->trial = rnd32();
        s->incident = rnd64();
        rnd_name(s->left);
        if (rnd_bool()) {
                s->wish = (struct snap_wish){.act = SNAP_ACT_TAKE,
                                             .id = s->next++,
                                             .by_hand = rnd_bool(),
                                             .good = rnd_bool(),
                                             .no_quiesce = rnd_bool(),
                                             .wall = rnd64()};
                text_fmt(s->wish.name, sizeof(s->wish.name), "w%u", s->next);
        }
        return s;
}

static void rnd_guest(struct model *m) {
        struct guest_spec *s = rnd_spec();
        struct guest *g;

        if (model_guest_named(m, s->name)) { /* the codec takes each name once */
                guest_spec_unref(s);
                return;
        }
        m->next_gid += rnd_below(3);
        g = model_guest_add(m, s);
        guest_spec_unref(s);
        g->version = rnd64();
        g->desired = rnd_below(DESIRED_MAX_);
        g->state = rnd_below(GUEST_STATE_MAX_);
        g->health = rnd_below(HEALTH_MAX_);
        g->gen = rnd64();
        g->host = rnd32();
        for (size_t i = 0; i < m->n_hosts; i++) {
                g->tried |= (uint32_t)rnd_bool() << i;
                if (rnd_bool())
                        continue;
                g->claims |= 1u << i;
                g->claim[i] = (struct claim){rnd64(), rnd64()};
        }
        g->job_kind = rnd_below(JOB_KIND_MAX_);
        g->job = g->job_kind == JOB_NONE ? 0 : 1 + rnd64() / 2;
        g->job_host = rnd32();
        g->move_to = rnd32();
        g->start_failures = rnd32();
        g->recovery.why = rnd_below(END_MAX_);
        g->recovery.failures = rnd32();
        g->recovery.early = rnd32();
        g->recovery.resumes = rnd32();
        g->recovery.taken[RUNG_RESTART] = rnd32();
        g->recovery.taken[RUNG_RELOCATE] = rnd32();
        g->recovery.taken[RUNG_ROLLBACK] = rnd32();
        g->recovery.taken[RUNG_REPLICA] = rnd32();
        g->recovery.window_wall = rnd64();
        g->recovery.healthy_wall = rnd64();
        g->snaps = rnd_bool() ? rnd_snaps() : NULL;
        g->late_end = rnd_bool();
        g->deleting = rnd_bool();
        g->undefine = rnd_bool();
        g->since_wall = rnd64();
        RND_TEXT(g->reason);
        RND_TEXT(g->placed_why);
        RND_TEXT(g->start_error);
        g->promoting = rnd32();
        g->replica.data = rnd32();
        g->replica.host = rnd32();
        g->replica.serial = rnd32();
        if (!g->replica.data && !g->replica.host && !g->replica.serial)
                return;
        g->replica.state = rnd_below(REPLICA_STATE_MAX_);
        g->replica.gen = rnd64();
        g->replica.as_of = rnd64();
        g->replica.since_wall = rnd64();
        g->replica.lag_bytes = rnd64();
        g->replica.stands_loss = rnd32();
        g->replica.unsure = rnd_bool();
        g->replica.forced = rnd32();
        g->replica.where = rnd_blob(300);
        RND_TEXT(g->replica.error);
        g->replica.hold_usec = rnd64();
        g->replica.off_wall = rnd64();
        g->replica.resyncs = rnd32();
        g->replica.promoted_gen = rnd64();
        g->replica.loss_usec = rnd64();
}

static void rnd_rule(struct model *m) {
        char name[NAME_LEN] = "";
        struct rule *r;

        rnd_name(name);
        if (model_rule(m, name))
                return;
        r = model_rule_add(m, name);
        r->version = rnd64();
        r->kind = rnd_below(RULE_KIND_MAX_);
        r->strict = rnd_bool();
        r->guests = rnd_blob(300);
        r->hosts = rnd_blob(300);
}

static void rnd_fence_job(struct fence_job *j, uint32_t host) {
        j->id = 1 + (rnd64() / 2 & ~(uint64_t)HOSTS_MAX) + host;
        j->kind = rnd_below(FENCE_KIND_MAX_);
        j->host = host;
        j->loss = rnd32();
        j->executor = rnd32();
        j->level = rnd32();
        j->cancelling = rnd_bool();
        j->version = rnd64();
        j->n_devices = 1 + rnd_below(LEVEL_DEVICES_MAX);
        for (size_t i = 0; i < j->n_devices; i++)
                rnd_name(j->devices[i]);
        j->budget_usec = rnd64();
}

static void rnd_incident(struct model *m) {
        struct incident *x;

        m->next_incident += rnd_below(3);
        x = model_incident_add(m);
        x->kind = rnd_below(INCIDENT_KIND_MAX_);
        x->host = rnd32();
        x->gid = rnd32();
        if (rnd_bool())
                rnd_name(x->guest);
        RND_TEXT(x->cause);
        RND_TEXT(x->outcome);
        x->to_host = rnd32();
        for (size_t i = 0; i < STEP_MAX_; i++)
                x->at[i] = rnd64();
        x->open = rnd_bool();
}

static uint64_t rnd_incident_of(const struct model *m) {
        return m->n_incidents && rnd_bool() ? m->incidents[rnd() % m->n_incidents].id : 0;
}

static void rnd_model(struct model *m) {
        uint32_t n;

        m->version = rnd_number();
        if (rnd_bool())
                rnd_name(m->cluster);
        n = rnd_below(4) == 0 ? HOSTS_MAX : rnd_below(6);
        for (uint32_t i = 0; i < n; i++) {
                struct host h = {0};

                rnd_host(&h, 1000 * i + 1 + rnd_below(1000));
                if (!model_host_named(m, h.name))
                        m->hosts[m->n_hosts++] = h;
        }
        n = rnd_below(10);
        for (uint32_t i = 0; i < n; i++) {
                struct device d = {0};

                rnd_device(&d);
                if (!model_device(m, d.name))
                        m->devices[m->n_devices++] = d;
        }
        n = rnd_below(12);
        for (uint32_t i = 0; i < n; i++)
                rnd_guest(m);
        n = rnd_below(6);
        for (uint32_t i = 0; i < n; i++)
                rnd_rule(m);
        n = rnd_below(5);
        m->n_fence_jobs = MIN(n, m->n_hosts);
        for (size_t i = 0; i < m->n_fence_jobs; i++)
                rnd_fence_job(&m->fence_jobs[i], m->hosts[i].nodeid);
        n = rnd_below(6);
        for (uint32_t i = 0; i < n; i++)
                rnd_incident(m);
        for (size_t i = 0; i < m->n_hosts; i++)
                m->hosts[i].incident = rnd_incident_of(m);
        for (size_t i = 0; i < m->n_guests; i++)
                m->guests[i].incident = rnd_incident_of(m);
}

static struct state *rnd_state(void) {
        struct state *s = state_new();

        rnd_model(&s->model);
        s->model.version >>= 1;
        s->epoch = rnd_number();
        s->n_tail = rnd_below(5);
        s->version = s->model.version + s->n_tail;
        if (s->n_tail > 0)
                s->tail = xcalloc(s->n_tail, sizeof(struct entry *));
        for (size_t i = 0; i < s->n_tail; i++)
                s->tail[i] = rnd_entry();
        return s;
}

static void rnd_exchange(struct msg_exchange *x) {
        x->proto_major = rnd32();
        x->proto_minor = rnd32();
        x->round = rnd_number();
        x->incarnation = rnd();
        x->epoch = rnd_number();
        x->promised = rnd_number();
        x->version = rnd_number();
        x->virgin = rnd_bool();
        x->n_members = rnd_below(HOSTS_MAX + 1);
        for (size_t i = 0; i < x->n_members; i++)
                x->members[i] = rnd32();
        x->voter = rnd_bool();
        x->continuous = rnd_bool();
        x->lost = rnd_bool();
        x->cold_usec = rnd64();
}

static void rnd_heartbeat(struct heartbeat *h) {
        h->sent_usec = rnd64();
        h->wall = rnd64();
        h->memory_free_mib = rnd64();
        h->load_pct = rnd32();
        h->libvirt_ok = rnd_bool();
        RND_TEXT(h->store_error);
        h->ills = rnd32();
        h->watchdog_armed = rnd_bool();
        h->n_echoes = rnd_below(HEARTBEAT_ECHOES + 1);
        for (size_t i = 0; i < h->n_echoes; i++) {
                h->echoes[i].nodeid = rnd32();
                h->echoes[i].sent_usec = rnd64();
        }
}

static void rnd_history(struct msg *m) {
        m->history.to = rnd32();
        m->history.ask = rnd_bool();
        m->history.version = rnd64();
        m->history.seq = rnd32();
        m->history.until = rnd64();
        m->history.end = rnd_bool();
        m->history.partial = rnd_bool();
        m->history.n_rows = rnd_below(20);
        if (m->history.n_rows > 0)
                m->history.rows = xcalloc(m->history.n_rows, sizeof(*m->history.rows));
        for (size_t i = 0; i < m->history.n_rows; i++) {
                struct history_row *r = &m->history.rows[i];

                r->version = rnd64();
                r->seq = rnd32();
                r->wall = rnd64();
                r->note.id = rnd_below(NOTE_MAX_);
                r->note.host = rnd32();
                r->note.incident = rnd64();
                r->note.version = rnd64();
                RND_TEXT(r->host_name);
                RND_TEXT(r->note.guest);
                RND_TEXT(r->note.text);
        }
}

static struct msg *rnd_msg(enum msg_kind kind) {
        struct msg *m = msg_new(kind);

        m->view = rnd();
        if (kind == MSG_EXCHANGE) {
                rnd_exchange(&m->exchange);
        } else if (kind == MSG_PROMISE) {
                m->promise.number = rnd_number();
        } else if (kind == MSG_STATE) {
                m->state.number = rnd_number();
                m->state.state = rnd_state();
        } else if (kind == MSG_ACK) {
                m->ack.epoch = rnd_number();
                m->ack.version = rnd_number();
        } else if (kind == MSG_ENTRY) {
                m->entry = rnd_entry();
        } else if (kind == MSG_HEARTBEAT) {
                rnd_heartbeat(&m->heartbeat);
        } else if (kind == MSG_ASK) {
                m->ask.kind = rnd_below(ASK_KIND_MAX_);
                m->ask.to = rnd32();
                m->ask.origin = rnd32();
                m->ask.request = rnd64();
                RND_TEXT(m->ask.name);
                m->ask.spec = rnd_bool() ? rnd_spec() : NULL;
        } else if (kind == MSG_TELL) {
                m->tell.to = rnd32();
                m->tell.request = rnd64();
                m->tell.code = (int32_t)rnd_below(REPLY_CODE_MAX_);
                RND_TEXT(m->tell.text);
                RND_TEXT(m->tell.device);
                m->tell.reading = (enum power_reading)rnd_below(READING_MAX_);
                m->tell.took_usec = rnd64();
                m->tell.facts = rnd_blob(FACTS_MAX);
        } else if (kind == MSG_HISTORY) {
                rnd_history(m);
        } else if (kind == MSG_EXCLUDE) {
                m->exclude.n = rnd_below(HOSTS_MAX + 1);
                for (size_t i = 0; i < m->exclude.n; i++)
                        m->exclude.members[i] = (struct ring_member){rnd32(), rnd32()};
        } else if (kind == MSG_PROVEN) {
                m->proven.round = rnd64();
                m->proven.n = rnd_below(HOSTS_MAX + 1);
                m->proven.hosts =
                        m->proven.n ? xcalloc(m->proven.n, sizeof(*m->proven.hosts)) : NULL;
                for (size_t i = 0; i < m->proven.n; i++) {
                        m->proven.hosts[i].nodeid = rnd32();
                        m->proven.hosts[i].proof = rnd_below(PROOF_MAX_);
                        m->proven.hosts[i].budget_usec = rnd64();
                        RND_TEXT(m->proven.hosts[i].text);
                }
        }
        return m;
}
