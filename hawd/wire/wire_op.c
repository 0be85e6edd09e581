/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/wire/wire.h"
#include "hawd/wire/wire_pb.h"

/* ---- guest specs and facts ------------------------------------------------------------------- */

/* With its end, so that none at all differs from an entry of before there was a ladder. */
static void put_recovery(struct wire_out *o, const struct conf_guest *c, Hawd__GuestConf *p) {
        p->recovery = wire_alloc(o, RUNGS + 1, sizeof(*p->recovery));
        for (size_t i = 0; i < RUNGS && c->recovery[i] != RUNG_NONE; i++)
                p->recovery[p->n_recovery++] = wire_put_enum(o, &wire_rung, c->recovery[i]);
        p->recovery[p->n_recovery++] = wire_put_enum(o, &wire_rung, RUNG_NONE);
        p->relocate_limit = c->relocate_limit;
        p->rollback_limit = c->rollback_limit;
        p->healthy_after_usec = c->healthy_after_usec;
}

static void put_schedule(struct wire_out *o, const struct conf_guest *c, Hawd__GuestConf *p) {
        p->snapshot = WIRE_PUT_TEXT(c->snapshot);
        p->snapshot_last = c->snapshot_keep.last;
        p->snapshot_hourly = c->snapshot_keep.hourly;
        p->snapshot_daily = c->snapshot_keep.daily;
        p->snapshot_weekly = c->snapshot_keep.weekly;
        p->snapshot_space_mib = c->snapshot_space_mib;
        p->snapshot_left_usec = c->snapshot_left_usec;
        p->snapshot_quiesce = wire_put_enum(o, &wire_quiesce, c->snapshot_quiesce);
        p->snapshot_kind = wire_put_enum(o, &wire_snapshot_kind, c->snapshot_kind);
}

static Hawd__GuestConf *put_conf(struct wire_out *o, const struct conf_guest *c) {
        Hawd__GuestConf *p = wire_alloc(o, 1, sizeof(*p));

        hawd__guest_conf__init(p);
        p->priority = c->priority;
        p->start_timeout_usec = c->start_timeout_usec;
        p->stop_timeout_usec = c->stop_timeout_usec;
        p->boot_usec = c->boot_usec;
        p->restart_limit = c->restart_limit;
        p->restart_window_usec = c->restart_window_usec;
        p->on_shutdown = wire_put_enum(o, &wire_on_shutdown, c->on_shutdown);
        p->hang_after_usec = c->hang_after_usec;
        put_recovery(o, c, p);
        put_schedule(o, c, p);
        p->health_by = wire_put_enum(o, &wire_health_by, c->health_by);
        p->replica_mode = wire_put_enum(o, &wire_replica_mode, c->replica.mode);
        p->replica_host = wire_put_name(o, c->replica.host, WIRE_MAY_BE_EMPTY);
        p->replica_resource = wire_put_name(o, c->replica.resource, WIRE_MAY_BE_EMPTY);
        p->replica_lag_usec = c->replica_lag_usec;
        p->replica_loss_usec = c->replica_loss_usec;
        return p;
}

Hawd__GuestSpec *wire_put_spec(struct wire_out *o, const struct guest_spec *s) {
        Hawd__GuestSpec *p;

        if (!s)
                return NULL;
        p = wire_alloc(o, 1, sizeof(*p));
        hawd__guest_spec__init(p);
        p->name = wire_put_name(o, s->name, WIRE_MAY_BE_EMPTY);
        p->uuid = wire_put_uuid(o, s->uuid);
        p->vcpus = s->vcpus;
        p->memory_mib = s->memory_mib;
        p->has_agent = s->has_agent;
        p->disks = s->disks;
        p->conf = put_conf(o, &s->conf);
        p->n_after = wire_put_count(o, s->n_after, ARRAY_SIZE(s->after));
        p->after = wire_put_names(o, s->after, p->n_after);
        p->xml = wire_put_blob(o, s->xml, WIRE_XML_MAX);
        return p;
}

/* A rung that only a newer hawd knows is passed over: the others are tried. */
static void get_recovery(const Hawd__GuestConf *p, struct conf_guest *c) {
        size_t n = 0;

        c->relocate_limit = p->relocate_limit;
        c->rollback_limit = p->rollback_limit;
        c->healthy_after_usec = p->healthy_after_usec;
        for (size_t i = 0; i < p->n_recovery && n < RUNGS; i++) {
                int rung = wire_enum_find(&wire_rung, p->recovery[i]);

                if (rung > RUNG_NONE)
                        c->recovery[n++] = (enum rung)rung;
        }
}

static void get_schedule(struct wire_in *in, const Hawd__GuestConf *p, struct conf_guest *c) {
        WIRE_GET_TEXT(in, "schedule of snapshots", p->snapshot, c->snapshot);
        c->snapshot_keep = (struct conf_keep){.last = p->snapshot_last,
                                              .hourly = p->snapshot_hourly,
                                              .daily = p->snapshot_daily,
                                              .weekly = p->snapshot_weekly};
        c->snapshot_space_mib = p->snapshot_space_mib;
        c->snapshot_left_usec = p->snapshot_left_usec;
        c->snapshot_quiesce = wire_get_enum(in, &wire_quiesce, p->snapshot_quiesce);
        c->snapshot_kind = wire_get_enum(in, &wire_snapshot_kind, p->snapshot_kind);
}

static void get_conf(struct wire_in *in, const Hawd__GuestConf *p, struct conf_guest *c) {
        if (!p) {
                wire_refuse(in, "a guest without settings");
                return;
        }
        /* Of before there was a ladder: what came with it and since is as by an empty hawd.conf. */
        if (p->n_recovery == 0)
                conf_guest_defaults(c);
        c->priority = p->priority;
        c->start_timeout_usec = p->start_timeout_usec;
        c->stop_timeout_usec = p->stop_timeout_usec;
        c->boot_usec = p->boot_usec;
        c->restart_limit = p->restart_limit;
        c->restart_window_usec = p->restart_window_usec;
        c->on_shutdown = wire_get_enum(in, &wire_on_shutdown, p->on_shutdown);
        if (p->n_recovery == 0)
                return;
        c->hang_after_usec = p->hang_after_usec;
        get_recovery(p, c);
        get_schedule(in, p, c);
        c->health_by = wire_get_enum(in, &wire_health_by, p->health_by);
        c->replica.mode = wire_get_enum(in, &wire_replica_mode, p->replica_mode);
        wire_get_name(in, "host of a replica", WIRE_MAY_BE_EMPTY, p->replica_host, c->replica.host);
        wire_get_name(in, "resource of a replica", WIRE_MAY_BE_EMPTY, p->replica_resource,
                      c->replica.resource);
        c->replica_lag_usec = p->replica_lag_usec;
        c->replica_loss_usec = p->replica_loss_usec;
}

struct guest_spec *wire_get_spec(struct wire_in *in, const Hawd__GuestSpec *p) {
        struct guest_spec *s;

        if (!p)
                return NULL;
        s = guest_spec_new();
        wire_get_name(in, "guest", WIRE_MAY_BE_EMPTY, p->name, s->name);
        wire_get_uuid(in, p->uuid, s->uuid);
        s->vcpus = p->vcpus;
        s->memory_mib = p->memory_mib;
        s->has_agent = p->has_agent;
        s->disks = p->disks;
        get_conf(in, p->conf, &s->conf);
        s->n_after = wire_get_names(in, "start dependency", p->after, p->n_after, s->after,
                                    ARRAY_SIZE(s->after));
        s->xml = wire_get_blob(in, "domain XML", p->xml, WIRE_XML_MAX);
        return s;
}

Hawd__HostFacts *wire_put_facts(struct wire_out *o, const struct host_facts *f) {
        Hawd__HostFacts *p = wire_alloc(o, 1, sizeof(*p));

        hawd__host_facts__init(p);
        p->vcpus = f->vcpus;
        p->memory_mib = f->memory_mib;
        p->config_hash = f->config_hash;
        p->hawd_version = WIRE_PUT_TEXT(f->hawd_version);
        p->labels = WIRE_PUT_TEXT(f->labels);
        p->dmi = WIRE_PUT_TEXT(f->dmi);
        return p;
}

void wire_get_facts(struct wire_in *in, const Hawd__HostFacts *p, struct host_facts *f) {
        if (!p)
                return;
        f->vcpus = p->vcpus;
        f->memory_mib = p->memory_mib;
        f->config_hash = p->config_hash;
        WIRE_GET_TEXT(in, "version of hawd", p->hawd_version, f->hawd_version);
        WIRE_GET_TEXT(in, "labels", p->labels, f->labels);
        WIRE_GET_TEXT(in, "system UUID", p->dmi, f->dmi);
}

/* ---- ops ------------------------------------------------------------------------------------- */

static void put_seen(struct wire_out *o, const struct op *op, Hawd__Op *p) {
        p->n_seen_list = wire_put_count(o, op->n_seen, WIRE_GUESTS_MAX);
        p->seen_list = (Hawd__Seen **)wire_array(o, p->n_seen_list, sizeof(Hawd__Seen));
        for (size_t i = 0; i < p->n_seen_list; i++) {
                Hawd__Seen *s = p->seen_list[i];

                hawd__seen__init(s);
                s->gid = op->seen_list[i].gid;
                s->state = wire_put_enum(o, &wire_seen_state, op->seen_list[i].state);
        }
}

static bool facts_given(const struct host_facts *f) {
        return f->vcpus || f->memory_mib || f->config_hash || f->hawd_version[0] || f->labels[0] ||
               f->dmi[0];
}

static void put_op_common(struct wire_out *o, const struct op *op, Hawd__Op *p) {
        p->kind = wire_put_enum(o, &wire_op_kind, op->kind);
        p->host = op->host;
        p->gid = op->gid;
        p->host_version = op->host_version;
        p->guest_version = op->guest_version;
        p->gen = op->gen;
        p->job = op->job;
        p->incarnation = op->incarnation;
        p->wall = op->wall;
        p->wall_last_good = op->wall_last_good;
        p->name = wire_put_name(o, op->name, WIRE_MAY_BE_EMPTY);
        p->text = WIRE_PUT_TEXT(op->text);
        p->flag = op->flag;
        if (facts_given(&op->facts))
                p->facts = wire_put_facts(o, &op->facts);
        p->rule_kind = wire_put_enum(o, &wire_rule_kind, op->rule_kind);
        p->list = wire_put_blob(o, op->list, WIRE_LIST_MAX);
        p->list2 = wire_put_blob(o, op->list2, WIRE_LIST_MAX);
}

static void put_op(struct wire_out *o, const struct op *op, Hawd__Op *p) {
        hawd__op__init(p);
        put_op_common(o, op, p);

        p->executor = op->executor;
        p->loss = op->loss;
        p->level = op->level;
        p->budget_usec = op->budget_usec;
        p->fence_kind = wire_put_enum(o, &wire_fence_kind, op->fence_kind);
        p->fence_result = wire_put_enum(o, &wire_fence_result, op->fence_result);
        p->reading = wire_put_enum(o, &wire_power_reading, op->reading);
        p->settings = op->settings;
        p->guid = WIRE_PUT_TEXT(op->guid);
        p->proof = wire_put_enum(o, &wire_proof, op->proof);
        p->watchdog_usec = op->watchdog_usec;
        p->lease_usec = op->lease_usec;
        p->n_devices = wire_put_count(o, op->n_devices, LEVEL_DEVICES_MAX);
        p->devices = wire_put_names(o, op->devices, p->n_devices);

        p->job_kind = wire_put_enum(o, &wire_guest_job, op->job_kind);
        p->result = wire_put_enum(o, &wire_job_result, op->result);
        p->seen = wire_put_enum(o, &wire_seen_state, op->seen);
        p->end_why = wire_put_enum(o, &wire_end_why, op->end_why);
        p->guest_state = wire_put_enum(o, &wire_guest_state, op->guest_state);
        p->desired = wire_put_enum(o, &wire_desired, op->desired);
        p->spec = wire_put_spec(o, op->spec);
        put_seen(o, op, p);
        p->rung = wire_put_enum(o, &wire_rung, op->rung);
        p->serial = op->serial;
        p->replica_state = wire_put_enum(o, &wire_replica_state, op->replica_state);
        p->as_of = op->as_of;
        p->lag_bytes = op->lag_bytes;
        p->snap = op->snap;
        p->snap_mib = op->snap_mib;
        p->pause_usec = op->pause_usec;
        p->ill = wire_put_enum(o, &wire_ill, op->ill);
        p->no_quiesce = op->no_quiesce;
}

static void get_seen(struct wire_in *in, const Hawd__Op *p, struct op *op) {
        size_t n = wire_get_count(in, "guests seen", p->n_seen_list, WIRE_GUESTS_MAX);

        if (n == 0)
                return;
        op->seen_list = xcalloc(n, sizeof(*op->seen_list));
        op->n_seen = (uint32_t)n;
        for (size_t i = 0; i < n; i++) {
                op->seen_list[i].gid = p->seen_list[i]->gid;
                op->seen_list[i].state =
                        wire_get_enum(in, &wire_seen_state, p->seen_list[i]->state);
        }
}

static void get_op_common(struct wire_in *in, const Hawd__Op *p, struct op *op) {
        op->host = p->host;
        op->gid = p->gid;
        op->host_version = p->host_version;
        op->guest_version = p->guest_version;
        op->gen = p->gen;
        op->job = p->job;
        op->incarnation = p->incarnation;
        op->wall = p->wall;
        op->wall_last_good = p->wall_last_good;
        wire_get_name(in, "name in an op", WIRE_MAY_BE_EMPTY, p->name, op->name);
        WIRE_GET_TEXT(in, "text of an op", p->text, op->text);
        op->flag = p->flag;
        wire_get_facts(in, p->facts, &op->facts);
        op->rule_kind = wire_get_enum(in, &wire_rule_kind, p->rule_kind);
        op->list = wire_get_blob(in, "list of an op", p->list, WIRE_LIST_MAX);
        op->list2 = wire_get_blob(in, "list of an op", p->list2, WIRE_LIST_MAX);
}

static void get_op(struct wire_in *in, const Hawd__Op *p, struct op *op) {
        get_op_common(in, p, op);

        op->executor = p->executor;
        op->loss = p->loss;
        op->level = p->level;
        op->budget_usec = p->budget_usec;
        op->fence_kind = wire_get_enum(in, &wire_fence_kind, p->fence_kind);
        op->fence_result = wire_get_enum(in, &wire_fence_result, p->fence_result);
        op->reading = wire_get_enum(in, &wire_power_reading, p->reading);
        op->settings = p->settings;
        WIRE_GET_TEXT(in, "GUID in an op", p->guid, op->guid);
        op->proof = wire_get_enum(in, &wire_proof, p->proof);
        op->watchdog_usec = p->watchdog_usec;
        op->lease_usec = p->lease_usec;
        op->n_devices = wire_get_names(in, "fence device", p->devices, p->n_devices, op->devices,
                                       LEVEL_DEVICES_MAX);

        op->job_kind = wire_get_enum(in, &wire_guest_job, p->job_kind);
        op->result = wire_get_enum(in, &wire_job_result, p->result);
        op->seen = wire_get_enum(in, &wire_seen_state, p->seen);
        op->end_why = wire_get_enum(in, &wire_end_why, p->end_why);
        op->guest_state = wire_get_enum(in, &wire_guest_state, p->guest_state);
        op->desired = wire_get_enum(in, &wire_desired, p->desired);
        op->spec = wire_get_spec(in, p->spec);
        get_seen(in, p, op);
        op->rung = wire_get_enum(in, &wire_rung, p->rung);
        op->serial = p->serial;
        op->replica_state = wire_get_enum(in, &wire_replica_state, p->replica_state);
        op->as_of = p->as_of;
        op->lag_bytes = p->lag_bytes;
        op->snap = p->snap;
        op->snap_mib = p->snap_mib;
        op->pause_usec = p->pause_usec;
        op->ill = wire_get_enum(in, &wire_ill, p->ill);
        op->no_quiesce = p->no_quiesce;
        wire_check_op(in, op);
}

/* ---- entries --------------------------------------------------------------------------------- */

Hawd__Entry *wire_put_entry(struct wire_out *o, const struct entry *e) {
        Hawd__Entry *p = wire_alloc(o, 1, sizeof(*p));

        hawd__entry__init(p);
        p->origin = e->origin;
        p->incarnation = e->incarnation;
        p->request = e->request;
        p->decision = e->decision;
        p->epoch = e->epoch;
        p->n_ops = wire_put_count(o, e->n_ops, WIRE_OPS_MAX);
        p->ops = (Hawd__Op **)wire_array(o, p->n_ops, sizeof(Hawd__Op));
        for (size_t i = 0; i < p->n_ops; i++)
                put_op(o, &e->ops[i], p->ops[i]);
        return p;
}

struct entry *wire_get_entry(struct wire_in *in, const Hawd__Entry *p) {
        struct entry *e = entry_new();
        size_t n = wire_get_count(in, "ops in an entry", p->n_ops, WIRE_OPS_MAX);

        e->origin = p->origin;
        e->incarnation = p->incarnation;
        e->request = p->request;
        e->decision = p->decision;
        e->epoch = wire_get_number(in, "epoch of an entry", p->epoch);
        for (size_t i = 0; i < n && !in->failed; i++) {
                int kind = wire_enum_find(&wire_op_kind, p->ops[i]->kind);

                /* Of a newer minor version, with values that mean nothing here: kept as empty. */
                if (kind <= 0)
                        (void)entry_add(e, OP_NONE);
                else
                        get_op(in, p->ops[i], entry_add(e, (enum op_kind)kind));
        }
        return e;
}

int wire_entry_encode(const struct entry *e, uint8_t **ret, size_t *ret_len) {
        _cleanup_(wire_out_clear) struct wire_out o = {0};

        return wire_pack(&o, &wire_put_entry(&o, e)->base, SIZE_MAX, ret, ret_len);
}

int wire_entry_decode(const uint8_t *bytes, size_t len, struct entry **ret, char *err) {
        struct wire_in in;
        Hawd__Entry *p = wire_unpack(&in, err, &hawd__entry__descriptor, bytes, len);
        struct entry *e;

        if (!p)
                return -EBADMSG;
        e = wire_get_entry(&in, p);
        wire_unpacked_free(&in, p);
        if (in.failed) {
                entry_unref(e);
                return -EBADMSG;
        }
        *ret = e;
        return 0;
}
