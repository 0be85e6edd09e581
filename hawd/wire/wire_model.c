/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/wire/wire.h"
#include "hawd/wire/wire_pb.h"

/* ---- hosts and devices ----------------------------------------------------------------------- */

static void put_ills(struct wire_out *o, const struct host *h, Hawd__Host *p) {
        p->ills = (Hawd__HostIll **)wire_array(o, ILL_MAX_, sizeof(Hawd__HostIll));
        for (size_t i = 0; i < ILL_MAX_; i++) {
                Hawd__HostIll *x = p->ills[p->n_ills];

                if (!(h->ills & ILL_BIT(i)))
                        continue;
                p->n_ills++;
                hawd__host_ill__init(x);
                x->ill = wire_put_enum(o, &wire_ill, (unsigned)i);
                x->text = WIRE_PUT_TEXT(h->ill_text[i]);
        }
}

static void get_ills(struct wire_in *in, const Hawd__Host *p, struct host *h) {
        for (size_t i = 0; i < p->n_ills && !in->failed; i++) {
                unsigned ill = wire_get_enum(in, &wire_ill, p->ills[i]->ill);

                if (h->ills & ILL_BIT(ill))
                        wire_refuse(in, "node %u suffers twice from %s", h->nodeid,
                                    ill_name((enum ill)ill));
                h->ills |= ILL_BIT(ill);
                WIRE_GET_TEXT(in, "what a host suffers from", p->ills[i]->text, h->ill_text[ill]);
        }
}

static void put_host(struct wire_out *o, const struct host *h, Hawd__Host *p) {
        hawd__host__init(p);
        p->nodeid = h->nodeid;
        p->name = wire_put_name(o, h->name, WIRE_REQUIRED);
        p->version = h->version;
        p->state = wire_put_enum(o, &wire_host_state, h->state);
        p->facts = wire_put_facts(o, &h->facts);
        p->incarnation = h->incarnation;
        p->since_wall = h->since_wall;
        p->incident = h->incident;
        p->reported = h->reported;
        p->left_announced = h->left_announced;
        p->losses = h->losses;
        p->loss_version = h->loss_version;
        p->lost_wall = h->lost_wall;
        p->proof = wire_put_enum(o, &wire_proof, h->proof);
        p->proof_text = WIRE_PUT_TEXT(h->proof_text);
        p->fence_tries = h->fence_tries;
        p->fence_level = h->fence_level;
        p->fence_error = WIRE_PUT_TEXT(h->fence_error);
        p->power_on_wanted = h->power_on_wanted;
        p->fence_forced = h->fence_forced;
        p->read_off = h->read_off;
        p->no_vote = h->no_vote;
        p->watchdog_usec = h->watchdog_usec;
        p->lease_usec = h->lease_usec;
        p->watchdog_error = WIRE_PUT_TEXT(h->watchdog_error);
        put_ills(o, h, p);
        p->n_fenced_wall = wire_put_count(o, h->n_fenced, FENCED_KEPT);
        p->fenced_wall = wire_alloc(o, p->n_fenced_wall, sizeof(*p->fenced_wall));
        for (size_t i = 0; i < p->n_fenced_wall; i++)
                p->fenced_wall[i] = h->fenced_wall[i];
}

static void get_host(struct wire_in *in, const Hawd__Host *p, struct host *h) {
        h->nodeid = p->nodeid;
        wire_get_name(in, "host", WIRE_REQUIRED, p->name, h->name);
        h->version = p->version;
        h->state = wire_get_enum(in, &wire_host_state, p->state);
        wire_get_facts(in, p->facts, &h->facts);
        h->incarnation = p->incarnation;
        h->since_wall = p->since_wall;
        h->incident = p->incident;
        h->reported = p->reported;
        h->left_announced = p->left_announced;
        h->losses = p->losses;
        h->loss_version = p->loss_version;
        h->lost_wall = p->lost_wall;
        h->proof = wire_get_enum(in, &wire_proof, p->proof);
        WIRE_GET_TEXT(in, "text of a proof", p->proof_text, h->proof_text);
        h->fence_tries = p->fence_tries;
        h->fence_level = p->fence_level;
        WIRE_GET_TEXT(in, "fence error", p->fence_error, h->fence_error);
        h->power_on_wanted = p->power_on_wanted;
        h->fence_forced = p->fence_forced;
        h->read_off = p->read_off;
        h->no_vote = p->no_vote;
        h->watchdog_usec = p->watchdog_usec;
        h->lease_usec = p->lease_usec;
        WIRE_GET_TEXT(in, "error of a watchdog", p->watchdog_error, h->watchdog_error);
        get_ills(in, p, h);
        h->n_fenced = (uint32_t)wire_get_count(in, "fences", p->n_fenced_wall, FENCED_KEPT);
        for (size_t i = 0; i < h->n_fenced; i++)
                h->fenced_wall[i] = p->fenced_wall[i];
}

static void put_device(struct wire_out *o, const struct device *d, Hawd__Device *p) {
        hawd__device__init(p);
        p->name = wire_put_name(o, d->name, WIRE_REQUIRED);
        p->host = d->host;
        p->seen_on = d->seen_on;
        p->distrusted = d->distrusted;
        p->reached_by = d->reached_by;
        p->reachable = d->reachable;
        p->checked_wall = d->checked_wall;
        p->error = WIRE_PUT_TEXT(d->error);
        p->off_wall = d->off_wall;
        p->on_due = d->on_due;
        p->settings = d->settings;
        p->guid = WIRE_PUT_TEXT(d->guid);
}

static void get_device(struct wire_in *in, const Hawd__Device *p, struct device *d) {
        wire_get_name(in, "fence device", WIRE_REQUIRED, p->name, d->name);
        d->host = p->host;
        d->seen_on = p->seen_on;
        d->distrusted = p->distrusted;
        d->reached_by = p->reached_by;
        d->reachable = p->reachable;
        d->checked_wall = p->checked_wall;
        WIRE_GET_TEXT(in, "error of a device", p->error, d->error);
        d->off_wall = p->off_wall;
        d->on_due = p->on_due;
        d->settings = p->settings;
        WIRE_GET_TEXT(in, "GUID of a device", p->guid, d->guid);
}

/* ---- guests ---------------------------------------------------------------------------------- */

/* Bits of host indexes travel as node ids. */
static void put_claims(struct wire_out *o, const struct model *m, const struct guest *g,
                       Hawd__Guest *p) {
        if (m->n_hosts < HOSTS_MAX && ((g->claims | g->tried) >> m->n_hosts) != 0)
                o->failed = true;
        p->claims = (Hawd__Claim **)wire_array(o, m->n_hosts, sizeof(Hawd__Claim));
        p->tried = wire_alloc(o, m->n_hosts, sizeof(*p->tried));
        for (size_t i = 0; i < m->n_hosts; i++) {
                if (g->claims & (1u << i)) {
                        Hawd__Claim *c = p->claims[p->n_claims++];

                        hawd__claim__init(c);
                        c->host = m->hosts[i].nodeid;
                        c->version = g->claim[i].version;
                        c->gen = g->claim[i].gen;
                }
                if (g->tried & (1u << i))
                        p->tried[p->n_tried++] = m->hosts[i].nodeid;
        }
}

static void get_claims(struct wire_in *in, const struct model *m, const Hawd__Guest *p,
                       struct guest *g) {
        for (size_t i = 0; i < p->n_claims && !in->failed; i++) {
                int host = model_host_index(m, p->claims[i]->host);

                if (host < 0 || (g->claims & (1u << host))) {
                        wire_refuse(in, "guest %u: claim of node %u, which has none to give",
                                    g->gid, p->claims[i]->host);
                        return;
                }
                g->claims |= 1u << host;
                g->claim[host].version = p->claims[i]->version;
                g->claim[host].gen = p->claims[i]->gen;
        }
        for (size_t i = 0; i < p->n_tried && !in->failed; i++) {
                int host = model_host_index(m, p->tried[i]);

                if (host < 0)
                        wire_refuse(in, "guest %u: tried on node %u, which is no host", g->gid,
                                    p->tried[i]);
                else
                        g->tried |= 1u << host;
        }
}

static void put_replica(struct wire_out *o, const struct replica *r, Hawd__Guest *guest) {
        Hawd__Replica *p;

        if (!r->data && !r->host && !r->serial)
                return;
        p = guest->replica = wire_alloc(o, 1, sizeof(*p));
        hawd__replica__init(p);
        p->data = r->data;
        p->host = r->host;
        p->serial = r->serial;
        p->state = wire_put_enum(o, &wire_replica_state, r->state);
        p->gen = r->gen;
        p->as_of = r->as_of;
        p->since_wall = r->since_wall;
        p->lag_bytes = r->lag_bytes;
        p->stands_loss = r->stands_loss;
        p->unsure = r->unsure;
        p->forced = r->forced;
        p->where = wire_put_blob(o, r->where, WIRE_LIST_MAX);
        p->error = WIRE_PUT_TEXT(r->error);
        p->hold_usec = r->hold_usec;
        p->off_wall = r->off_wall;
        p->resyncs = r->resyncs;
        p->promoted_gen = r->promoted_gen;
        p->loss_usec = r->loss_usec;
}

static void get_replica(struct wire_in *in, const Hawd__Replica *p, struct replica *r) {
        if (!p)
                return;
        r->data = p->data;
        r->host = p->host;
        r->serial = p->serial;
        r->state = wire_get_enum(in, &wire_replica_state, p->state);
        r->gen = p->gen;
        r->as_of = p->as_of;
        r->since_wall = p->since_wall;
        r->lag_bytes = p->lag_bytes;
        r->stands_loss = p->stands_loss;
        r->unsure = p->unsure;
        r->forced = p->forced;
        r->where = wire_get_blob(in, "exports of a replica", p->where, WIRE_LIST_MAX);
        WIRE_GET_TEXT(in, "error of a replica", p->error, r->error);
        r->hold_usec = p->hold_usec;
        r->off_wall = p->off_wall;
        r->resyncs = p->resyncs;
        r->promoted_gen = p->promoted_gen;
        r->loss_usec = p->loss_usec;
}

static void put_guest(struct wire_out *o, const struct model *m, const struct guest *g,
                      Hawd__Guest *p) {
        hawd__guest__init(p);
        p->gid = g->gid;
        p->version = g->version;
        p->spec = wire_put_spec(o, g->spec);
        if (!g->spec->name[0])
                o->failed = true;
        p->desired = wire_put_enum(o, &wire_desired, g->desired);
        p->state = wire_put_enum(o, &wire_guest_state, g->state);
        p->health = wire_put_enum(o, &wire_health, g->health);
        p->gen = g->gen;
        p->host = g->host;
        put_claims(o, m, g, p);
        p->since_wall = g->since_wall;
        p->reason = WIRE_PUT_TEXT(g->reason);
        p->placed_why = WIRE_PUT_TEXT(g->placed_why);
        p->start_error = WIRE_PUT_TEXT(g->start_error);
        p->incident = g->incident;
        p->job_kind = wire_put_enum(o, &wire_guest_job, g->job_kind);
        p->job = g->job;
        p->job_host = g->job_host;
        p->move_to = g->move_to;
        p->late_end = g->late_end;
        p->deleting = g->deleting;
        p->undefine = g->undefine;
        p->start_failures = g->start_failures;
        p->restarts = g->recovery.taken[RUNG_RESTART];
        p->relocations = g->recovery.taken[RUNG_RELOCATE];
        p->rollbacks = g->recovery.taken[RUNG_ROLLBACK];
        p->restart_wall = g->recovery.window_wall;
        p->failed_why = wire_put_enum(o, &wire_end_why, g->recovery.why);
        p->failures = g->recovery.failures;
        p->early = g->recovery.early;
        p->resumes = g->recovery.resumes;
        p->healthy_wall = g->recovery.healthy_wall;
        put_replica(o, &g->replica, p);
        p->promoting = g->promoting;
        p->snaps = wire_put_snaps(o, g->snaps);
        p->promotions = g->recovery.taken[RUNG_REPLICA];
}

static void get_guest(struct wire_in *in, const struct model *m, const Hawd__Guest *p,
                      struct guest *g) {
        g->gid = p->gid;
        g->version = p->version;
        g->spec = wire_get_spec(in, p->spec);
        if (!g->spec || !g->spec->name[0])
                wire_refuse(in, "guest %u has no name", p->gid);
        g->desired = wire_get_enum(in, &wire_desired, p->desired);
        g->state = wire_get_enum(in, &wire_guest_state, p->state);
        g->health = wire_get_enum(in, &wire_health, p->health);
        g->gen = p->gen;
        g->host = p->host;
        get_claims(in, m, p, g);
        g->since_wall = p->since_wall;
        WIRE_GET_TEXT(in, "reason of a guest", p->reason, g->reason);
        WIRE_GET_TEXT(in, "reason of a placement", p->placed_why, g->placed_why);
        WIRE_GET_TEXT(in, "error of a start", p->start_error, g->start_error);
        g->incident = p->incident;
        g->job_kind = wire_get_enum(in, &wire_guest_job, p->job_kind);
        g->job = p->job;
        g->job_host = p->job_host;
        g->move_to = p->move_to;
        g->late_end = p->late_end;
        g->deleting = p->deleting;
        g->undefine = p->undefine;
        g->start_failures = p->start_failures;
        g->recovery.taken[RUNG_RESTART] = p->restarts;
        g->recovery.taken[RUNG_RELOCATE] = p->relocations;
        g->recovery.taken[RUNG_ROLLBACK] = p->rollbacks;
        g->recovery.window_wall = p->restart_wall;
        g->recovery.why = wire_get_enum(in, &wire_end_why, p->failed_why);
        g->recovery.failures = p->failures;
        g->recovery.early = p->early;
        g->recovery.resumes = p->resumes;
        g->recovery.healthy_wall = p->healthy_wall;
        get_replica(in, p->replica, &g->replica);
        g->promoting = p->promoting;
        g->snaps = wire_get_snaps(in, p->snaps);
        g->recovery.taken[RUNG_REPLICA] = p->promotions;
}

/* ---- rules, fence jobs, incidents ------------------------------------------------------------ */

static void put_rule(struct wire_out *o, const struct rule *r, Hawd__Rule *p) {
        hawd__rule__init(p);
        p->name = wire_put_name(o, r->name, WIRE_REQUIRED);
        p->version = r->version;
        p->kind = wire_put_enum(o, &wire_rule_kind, r->kind);
        p->strict = r->strict;
        p->guests = wire_put_blob(o, r->guests, WIRE_LIST_MAX);
        p->hosts = wire_put_blob(o, r->hosts, WIRE_LIST_MAX);
}

static void get_rule(struct wire_in *in, const Hawd__Rule *p, struct rule *r) {
        wire_get_name(in, "rule", WIRE_REQUIRED, p->name, r->name);
        r->version = p->version;
        r->kind = wire_get_enum(in, &wire_rule_kind, p->kind);
        r->strict = p->strict;
        r->guests = wire_get_blob(in, "guests of a rule", p->guests, WIRE_LIST_MAX);
        r->hosts = wire_get_blob(in, "hosts of a rule", p->hosts, WIRE_LIST_MAX);
}

static void put_fence_job(struct wire_out *o, const struct fence_job *j, Hawd__FenceJob *p) {
        hawd__fence_job__init(p);
        p->id = j->id;
        p->kind = wire_put_enum(o, &wire_fence_kind, j->kind);
        p->host = j->host;
        p->loss = j->loss;
        p->executor = j->executor;
        p->level = j->level;
        p->cancelling = j->cancelling;
        p->version = j->version;
        p->n_devices = wire_put_count(o, j->n_devices, LEVEL_DEVICES_MAX);
        p->devices = wire_put_names(o, j->devices, p->n_devices);
        p->budget_usec = j->budget_usec;
}

static void get_fence_job(struct wire_in *in, const Hawd__FenceJob *p, struct fence_job *j) {
        j->id = p->id;
        j->kind = wire_get_enum(in, &wire_fence_kind, p->kind);
        j->host = p->host;
        j->loss = p->loss;
        j->executor = p->executor;
        j->level = p->level;
        j->cancelling = p->cancelling;
        j->version = p->version;
        j->n_devices = wire_get_names(in, "fence device", p->devices, p->n_devices, j->devices,
                                      LEVEL_DEVICES_MAX);
        j->budget_usec = p->budget_usec;
}

_Static_assert(STEP_MAX_ == 6, "a new time of an incident has no number");

static void put_incident(struct wire_out *o, const struct incident *x, Hawd__Incident *p) {
        hawd__incident__init(p);
        p->id = x->id;
        p->kind = wire_put_enum(o, &wire_incident_kind, x->kind);
        p->host = x->host;
        p->gid = x->gid;
        p->guest = wire_put_name(o, x->guest, WIRE_MAY_BE_EMPTY);
        p->cause = WIRE_PUT_TEXT(x->cause);
        p->outcome = WIRE_PUT_TEXT(x->outcome);
        p->to_host = x->to_host;
        p->open = x->open;
        p->at_last_good = x->at[STEP_LAST_GOOD];
        p->at_detected = x->at[STEP_DETECTED];
        p->at_fenced = x->at[STEP_FENCED];
        p->at_placed = x->at[STEP_PLACED];
        p->at_started = x->at[STEP_STARTED];
        p->at_healthy = x->at[STEP_HEALTHY];
}

static void get_incident(struct wire_in *in, const Hawd__Incident *p, struct incident *x) {
        x->id = p->id;
        x->kind = wire_get_enum(in, &wire_incident_kind, p->kind);
        x->host = p->host;
        x->gid = p->gid;
        wire_get_name(in, "guest of an incident", WIRE_MAY_BE_EMPTY, p->guest, x->guest);
        WIRE_GET_TEXT(in, "cause of an incident", p->cause, x->cause);
        WIRE_GET_TEXT(in, "outcome of an incident", p->outcome, x->outcome);
        x->to_host = p->to_host;
        x->open = p->open;
        x->at[STEP_LAST_GOOD] = p->at_last_good;
        x->at[STEP_DETECTED] = p->at_detected;
        x->at[STEP_FENCED] = p->at_fenced;
        x->at[STEP_PLACED] = p->at_placed;
        x->at[STEP_STARTED] = p->at_started;
        x->at[STEP_HEALTHY] = p->at_healthy;
}

/* ---- the model ------------------------------------------------------------------------------- */

/* The field of @p with the objects of @m, each by put(); arguments as put() wants them. */
#define PUT_LIST(field, type, max, put_call)                                                       \
        do {                                                                                       \
                p->n_##field = wire_put_count(o, m->n_##field, (max));                             \
                p->field = (type **)wire_array(o, p->n_##field, sizeof(type));                     \
                for (size_t i = 0; i < p->n_##field; i++)                                          \
                        put_call;                                                                  \
        } while (0)

Hawd__Model *wire_put_model(struct wire_out *o, const struct model *m) {
        Hawd__Model *p = wire_alloc(o, 1, sizeof(*p));

        hawd__model__init(p);
        p->version = m->version;
        p->cluster = wire_put_name(o, m->cluster, WIRE_MAY_BE_EMPTY);
        p->next_gid = m->next_gid;
        p->next_incident = m->next_incident;
        PUT_LIST(hosts, Hawd__Host, HOSTS_MAX, put_host(o, &m->hosts[i], p->hosts[i]));
        PUT_LIST(devices, Hawd__Device, DEVICES_MAX, put_device(o, &m->devices[i], p->devices[i]));
        PUT_LIST(guests, Hawd__Guest, WIRE_GUESTS_MAX,
                 put_guest(o, m, &m->guests[i], p->guests[i]));
        PUT_LIST(rules, Hawd__Rule, WIRE_RULES_MAX, put_rule(o, &m->rules[i], p->rules[i]));
        PUT_LIST(fence_jobs, Hawd__FenceJob, FENCE_JOBS_MAX,
                 put_fence_job(o, &m->fence_jobs[i], p->fence_jobs[i]));
        PUT_LIST(incidents, Hawd__Incident, WIRE_INCIDENTS_MAX,
                 put_incident(o, &m->incidents[i], p->incidents[i]));
        return p;
}

static void get_hosts(struct wire_in *in, const Hawd__Model *p, struct model *m) {
        size_t n = wire_get_count(in, "hosts", p->n_hosts, HOSTS_MAX);

        for (size_t i = 0; i < n && !in->failed; i++) {
                if (p->hosts[i]->nodeid == 0 || model_host_index(m, p->hosts[i]->nodeid) >= 0)
                        wire_refuse(in, "host %zu has node id %u, which is taken or none", i,
                                    p->hosts[i]->nodeid);
                get_host(in, p->hosts[i], &m->hosts[m->n_hosts++]);
        }
        n = wire_get_count(in, "fence devices", p->n_devices, DEVICES_MAX);
        for (size_t i = 0; i < n && !in->failed; i++)
                get_device(in, p->devices[i], &m->devices[m->n_devices++]);
        n = wire_get_count(in, "fence jobs", p->n_fence_jobs, FENCE_JOBS_MAX);
        for (size_t i = 0; i < n && !in->failed; i++)
                get_fence_job(in, p->fence_jobs[i], &m->fence_jobs[m->n_fence_jobs++]);
}

/* Arrays of their own size: n counts what is filled, so that model_clear() drops just that. */
static void *get_array(size_t n, size_t size, size_t *ret_cap) {
        *ret_cap = n;
        return n > 0 ? xcalloc(n, size) : NULL;
}

static void get_guests(struct wire_in *in, const Hawd__Model *p, struct model *m) {
        size_t n = wire_get_count(in, "guests", p->n_guests, WIRE_GUESTS_MAX);
        uint32_t last = 0;

        m->guests = get_array(n, sizeof(*m->guests), &m->cap_guests);
        for (size_t i = 0; i < n && !in->failed; i++) {
                if (p->guests[i]->gid <= last || p->guests[i]->gid >= p->next_gid)
                        wire_refuse(in, "guest id %u behind %u, next one %u", p->guests[i]->gid,
                                    last, p->next_gid);
                last = p->guests[i]->gid;
                get_guest(in, m, p->guests[i], &m->guests[m->n_guests++]);
        }
}

static void get_rules(struct wire_in *in, const Hawd__Model *p, struct model *m) {
        size_t n = wire_get_count(in, "rules", p->n_rules, WIRE_RULES_MAX);

        m->rules = get_array(n, sizeof(*m->rules), &m->cap_rules);
        for (size_t i = 0; i < n && !in->failed; i++) {
                struct rule *r = &m->rules[m->n_rules];

                get_rule(in, p->rules[i], r);
                if (!in->failed && model_rule(m, r->name))
                        wire_refuse(in, "rule %s twice", r->name);
                m->n_rules++;
        }
}

static void get_incidents(struct wire_in *in, const Hawd__Model *p, struct model *m) {
        size_t n = wire_get_count(in, "incidents", p->n_incidents, WIRE_INCIDENTS_MAX);
        uint64_t last = 0;

        m->incidents = get_array(n, sizeof(*m->incidents), &m->cap_incidents);
        for (size_t i = 0; i < n && !in->failed; i++) {
                if (p->incidents[i]->id <= last || p->incidents[i]->id >= p->next_incident)
                        wire_refuse(in,
                                    "incident %" PRIu64 " behind %" PRIu64 ", next one %" PRIu64,
                                    p->incidents[i]->id, last, p->next_incident);
                last = p->incidents[i]->id;
                get_incident(in, p->incidents[i], &m->incidents[m->n_incidents++]);
        }
}

void wire_get_model(struct wire_in *in, const Hawd__Model *p, struct model *m) {
        m->version = p->version;
        wire_get_name(in, "cluster", WIRE_MAY_BE_EMPTY, p->cluster, m->cluster);
        m->next_gid = p->next_gid;
        m->next_incident = p->next_incident;
        get_hosts(in, p, m);
        get_guests(in, p, m);
        get_rules(in, p, m);
        get_incidents(in, p, m);
        wire_check_model(in, m);
}

int wire_model_encode(const struct model *m, uint8_t **ret, size_t *ret_len) {
        _cleanup_(wire_out_clear) struct wire_out o = {0};

        return wire_pack(&o, &wire_put_model(&o, m)->base, SIZE_MAX, ret, ret_len);
}

int wire_model_decode(const uint8_t *bytes, size_t len, struct model *ret, char *err) {
        struct wire_in in;
        Hawd__Model *p = wire_unpack(&in, err, &hawd__model__descriptor, bytes, len);
        struct model m;

        if (!p)
                return -EBADMSG;
        model_init(&m);
        wire_get_model(&in, p, &m);
        wire_unpacked_free(&in, p);
        if (in.failed) {
                model_clear(&m);
                return -EBADMSG;
        }
        *ret = m;
        return 0;
}
