/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the codec refuses, one row each, and the three things of a newer version that pass. The
 * messages are made with protobuf directly: the encoder would not.
 */
#include "hawd/core/note.h"
#include "hawd/wire/hawd.pb-c.h"
#include "hawd/wire/wire.h"
#include "tests/unit/unit.h"

static char err[TEXT_LEN];

static ProtobufCBinaryData text(const char *s) {
        return (ProtobufCBinaryData){.len = strlen(s), .data = (uint8_t *)(uintptr_t)s};
}

static ProtobufCBinaryData filled(size_t len) {
        static uint8_t bytes[WIRE_XML_MAX + 1];

        memset(bytes, 'x', sizeof(bytes));
        return (ProtobufCBinaryData){.len = len, .data = bytes};
}

static ProtobufCBinaryData with_nul(void) {
        static uint8_t bytes[] = {'a', 0, 'b'};

        return (ProtobufCBinaryData){.len = 3, .data = bytes};
}

static int decode(const ProtobufCMessage *p, struct msg **ret) {
        uint8_t *bytes = xcalloc(1, protobuf_c_message_get_packed_size(p) + 1);
        size_t len = protobuf_c_message_pack(p, bytes);
        int r;

        text_set(err, sizeof(err), "");
        r = wire_msg_decode(bytes, len, ret, err);
        free(bytes);
        return r;
}

/* ---- a message with one of each, in which every row breaks one thing --------------------------
 */

struct sample {
        Hawd__Msg msg;
        Hawd__Entry entry;
        Hawd__Op op, *ops[2];
        Hawd__GuestSpec spec, other_spec;
        Hawd__GuestConf conf;
        Hawd__Blob blob;
        Hawd__HostFacts facts;
        Hawd__Seen seen, *seens[1];
        ProtobufCBinaryData names[16];

        Hawd__StateMsg state_msg;
        Hawd__State state;
        Hawd__Model model;
        Hawd__Host host[2], *hosts[HOSTS_MAX + 1];
        Hawd__Guest guest[2], *guests[2];
        Hawd__Claim claim[2], *claims[2];
        uint32_t tried[1];
        Hawd__Rule rule[2], *rules[2];
        Hawd__FenceJob job, *jobs[FENCE_JOBS_MAX + 1];
        Hawd__Device device[2], *devices[DEVICES_MAX + 1];
        Hawd__Incident incident[2], *incidents[2];

        Hawd__Exchange exchange;
        uint32_t members[HOSTS_MAX + 1];
        Hawd__Heartbeat heartbeat;
        Hawd__Echo echo, *echoes[HEARTBEAT_ECHOES + 1];
        Hawd__Ask ask;
        Hawd__Tell tell;
        Hawd__History history;
        Hawd__HistoryRow row, *rows[1];
};

static void sample_entry(struct sample *s) {
        hawd__entry__init(&s->entry);
        hawd__op__init(&s->op);
        hawd__guest_spec__init(&s->spec);
        hawd__guest_conf__init(&s->conf);
        hawd__blob__init(&s->blob);
        hawd__host_facts__init(&s->facts);
        hawd__seen__init(&s->seen);
        for (size_t i = 0; i < ARRAY_SIZE(s->names); i++)
                s->names[i] = text("name");
        s->spec.name = text("web1");
        s->spec.uuid = text("7f3c2f0e-1b1d-4f0a-9c55-0123456789ab");
        s->spec.conf = &s->conf;
        s->spec.xml = &s->blob;
        s->spec.after = s->names;
        s->seens[0] = &s->seen;
        s->op.kind = HAWD__OP_KIND__OP_GUEST_ADD;
        s->op.spec = &s->spec;
        s->op.facts = &s->facts;
        s->op.devices = s->names;
        s->op.n_seen_list = 1;
        s->op.seen_list = s->seens;
        s->ops[0] = s->ops[1] = &s->op;
        s->entry.n_ops = 1;
        s->entry.ops = s->ops;
        s->msg.body_case = HAWD__MSG__BODY_ENTRY;
        s->msg.entry = &s->entry;
}

static void sample_model(struct sample *s) {
        hawd__model__init(&s->model);
        s->other_spec = s->spec;
        s->other_spec.name = text("web2");
        s->other_spec.uuid = text("7f3c2f0e-1b1d-4f0a-9c55-0123456789ac");
        for (uint32_t i = 0; i < 2; i++) {
                hawd__host__init(&s->host[i]);
                s->host[i].nodeid = i + 1;
                s->host[i].name = text(i == 0 ? "alpha" : "beta");
                hawd__claim__init(&s->claim[i]);
                s->claim[i].host = i + 1;
                s->claims[i] = &s->claim[i];
                hawd__guest__init(&s->guest[i]);
                s->guest[i].gid = i + 1;
                s->guest[i].spec = i == 0 ? &s->spec : &s->other_spec;
                s->guests[i] = &s->guest[i];
                hawd__rule__init(&s->rule[i]);
                s->rule[i].name = text(i == 0 ? "apart" : "near");
                s->rules[i] = &s->rule[i];
                hawd__incident__init(&s->incident[i]);
                s->incident[i].id = i + 1;
                s->incidents[i] = &s->incident[i];
        }
        for (size_t i = 0; i < ARRAY_SIZE(s->hosts); i++)
                s->hosts[i] = &s->host[MIN(i, (size_t)1)];
        s->guest[0].n_claims = 2;
        s->guest[0].claims = s->claims;
        s->guest[0].n_tried = 1;
        s->guest[0].tried = s->tried;
        s->tried[0] = 2;
        hawd__fence_job__init(&s->job);
        s->job.id = s->job.host = 1;
        s->job.n_devices = 1;
        s->job.devices = s->names;
        for (size_t i = 0; i < ARRAY_SIZE(s->jobs); i++)
                s->jobs[i] = &s->job;
        for (size_t i = 0; i < 2; i++) {
                hawd__device__init(&s->device[i]);
                s->device[i].name = text(i == 0 ? "bmc1" : "bmc2");
        }
        for (size_t i = 0; i < ARRAY_SIZE(s->devices); i++)
                s->devices[i] = &s->device[MIN(i, (size_t)1)];
        s->model.next_gid = 3;
        s->model.next_incident = 3;
        s->model.n_hosts = s->model.n_guests = s->model.n_rules = s->model.n_incidents = 2;
        s->model.n_fence_jobs = 1;
        s->model.n_devices = 2;
        s->model.hosts = s->hosts;
        s->model.guests = s->guests;
        s->model.rules = s->rules;
        s->model.incidents = s->incidents;
        s->model.fence_jobs = s->jobs;
        s->model.devices = s->devices;
}

static void to_state(struct sample *s) {
        static Hawd__Entry *tail[1];

        tail[0] = &s->entry;
        sample_model(s);
        hawd__state__init(&s->state);
        hawd__state_msg__init(&s->state_msg);
        s->model.version = 7;
        s->state.version = 8;
        s->state.model = &s->model;
        s->state.n_tail = 1;
        s->state.tail = tail;
        s->state_msg.state = &s->state;
        s->msg.body_case = HAWD__MSG__BODY_STATE;
        s->msg.state = &s->state_msg;
}

static void to_exchange(struct sample *s) {
        hawd__exchange__init(&s->exchange);
        s->exchange.members = s->members;
        s->msg.body_case = HAWD__MSG__BODY_EXCHANGE;
        s->msg.exchange = &s->exchange;
}

static void to_heartbeat(struct sample *s) {
        hawd__heartbeat__init(&s->heartbeat);
        hawd__echo__init(&s->echo);
        for (size_t i = 0; i < ARRAY_SIZE(s->echoes); i++)
                s->echoes[i] = &s->echo;
        s->heartbeat.echoes = s->echoes;
        s->msg.body_case = HAWD__MSG__BODY_HEARTBEAT;
        s->msg.heartbeat = &s->heartbeat;
}

static void to_ask(struct sample *s) {
        hawd__ask__init(&s->ask);
        s->ask.kind = HAWD__ASK_KIND__ASK_GUEST_ADD;
        s->ask.name = text("a name that libvirt takes");
        s->msg.body_case = HAWD__MSG__BODY_ASK;
        s->msg.ask = &s->ask;
}

static void to_tell(struct sample *s) {
        hawd__tell__init(&s->tell);
        s->msg.body_case = HAWD__MSG__BODY_TELL;
        s->msg.tell = &s->tell;
}

static void to_history(struct sample *s) {
        hawd__history__init(&s->history);
        hawd__history_row__init(&s->row);
        s->row.kind = text("host-lost");
        s->row.text = text("it is gone");
        s->rows[0] = &s->row;
        s->history.n_rows = 1;
        s->history.rows = s->rows;
        s->msg.body_case = HAWD__MSG__BODY_HISTORY;
        s->msg.history = &s->history;
}

static void to_nothing(struct sample *s) {
        s->msg.body_case = HAWD__MSG__BODY__NOT_SET;
}

/* ---- rows ------------------------------------------------------------------------------------ */

#define ROW(name, change)                                                                          \
        static void name(struct sample *s) {                                                       \
                change;                                                                            \
        }

ROW(bad_name, s->spec.name = text("two words"))
ROW(dash_name, s->spec.name = text("-rf"))
ROW(control_name, s->spec.name = text("a\033[2J"))
ROW(long_name, s->spec.name = filled(NAME_LEN))
ROW(nul_name, s->spec.name = with_nul())
ROW(bad_uuid, s->spec.uuid = text("7f3c2f0e-1b1d-4f0a-9c55-0123456789ag"))
ROW(short_uuid, s->spec.uuid = text("7f3c2f0e"))
ROW(long_uuid, s->spec.uuid = filled(UUID_LEN))
ROW(no_conf, s->spec.conf = NULL)
ROW(bad_on_shutdown, s->conf.on_shutdown = 2)
ROW(many_after, s->spec.n_after = 9)
ROW(bad_after, {
        s->spec.n_after = 1;
        s->names[0] = text("");
})
ROW(long_xml, s->blob.data = filled(WIRE_XML_MAX + 1))
ROW(nul_xml, s->blob.data = with_nul())
ROW(long_text, s->op.text = filled(TEXT_LEN))
ROW(nul_text, s->op.text = with_nul())
ROW(long_version, s->facts.hawd_version = filled(24))
ROW(many_devices, s->op.n_devices = LEVEL_DEVICES_MAX + 1)
ROW(bad_seen, s->seen.state = 9)
ROW(bad_result, s->op.result = 99)
ROW(negative_result, s->op.result = (Hawd__JobResult)-1)
ROW(bad_job_kind, s->op.job_kind = 77)
ROW(long_list, {
        s->op.list = &s->blob;
        s->op.spec = NULL;
        s->blob.data = filled(WIRE_LIST_MAX + 1);
})
ROW(no_state, s->state_msg.state = NULL)
ROW(no_model, s->state.model = NULL)
ROW(short_tail, s->state.version = 9)
ROW(old_version, s->state.version = 6)
ROW(bad_tail, s->op.text = with_nul())
ROW(many_hosts, {
        s->model.n_hosts = HOSTS_MAX + 1;
        s->model.n_guests = 0;
})
ROW(same_host, s->host[1].nodeid = 1)
ROW(no_nodeid, s->host[0].nodeid = 0)
ROW(no_host_name, s->host[0].name = text(""))
ROW(bad_host_state, s->host[0].state = 12)
ROW(bad_proof, s->host[0].proof = 5)
ROW(claim_of_nobody, s->claim[1].host = 3)
ROW(claim_twice, s->claim[1].host = 1)
ROW(tried_nowhere, s->tried[0] = 3)
ROW(same_gid, s->guest[1].gid = 1)
ROW(gid_zero, s->guest[0].gid = 0)
ROW(gid_of_future, s->guest[1].gid = 3)
ROW(no_spec, s->guest[0].spec = NULL)
ROW(no_guest_name, s->spec.name = text(""))
ROW(bad_guest_state, s->guest[0].state = 8)
ROW(bad_health, s->guest[0].health = 3)
ROW(same_rule, s->rule[1].name = text("apart"))
ROW(bad_rule, s->rule[0].kind = 5)
ROW(many_jobs, s->model.n_fence_jobs = FENCE_JOBS_MAX + 1)
ROW(many_job_devices, s->job.n_devices = LEVEL_DEVICES_MAX + 1)
ROW(many_model_devices, s->model.n_devices = DEVICES_MAX + 1)
ROW(same_incident, s->incident[1].id = 1)
ROW(incident_of_future, s->incident[1].id = 3)
ROW(same_host_name, s->host[1].name = text("alpha"))
ROW(same_device, s->device[1].name = text("bmc1"))
ROW(same_guest_name, s->other_spec.name = text("web1"))
ROW(same_guest_uuid, s->other_spec.uuid = s->spec.uuid)
ROW(name_is_uuid, s->other_spec.name = s->spec.uuid)
ROW(no_guest_uuid, s->spec.uuid = text(""))
ROW(job_without_number, s->guest[0].job_kind = 1)
ROW(number_without_job, s->guest[0].job = 4096)
ROW(fence_job_of_nobody, s->job.host = 3)
ROW(fence_job_zero, s->job.id = 0)
ROW(fence_job_of_nothing, s->job.n_devices = 0)
ROW(two_fence_jobs, s->model.n_fence_jobs = 2)
ROW(host_incident_gone, s->host[0].incident = 9)
ROW(guest_incident_gone, s->guest[1].incident = 9)
ROW(next_gid_beyond, s->model.next_gid = UINT32_MAX)
ROW(no_next_incident, {
        s->model.n_incidents = 0;
        s->model.next_incident = 0;
})
ROW(model_version_beyond, {
        s->model.version = WIRE_NUMBER_MAX + 1;
        s->state.version = WIRE_NUMBER_MAX + 2;
})
ROW(epoch_beyond, s->state.epoch = UINT64_MAX)
ROW(promise_beyond, s->exchange.promised = WIRE_NUMBER_MAX + 1)
ROW(round_beyond, s->exchange.round = UINT64_MAX)
ROW(entry_epoch_beyond, s->entry.epoch = UINT64_MAX)
ROW(entry_version_beyond, s->msg.entry_version = UINT64_MAX)
ROW(add_without_spec, s->op.spec = NULL)
ROW(add_without_name, s->spec.name = text(""))
ROW(add_without_uuid, s->spec.uuid = text(""))
ROW(host_without_name, {
        s->op.kind = HAWD__OP_KIND__OP_HOST_ADD;
        s->op.host = 4;
})
ROW(host_without_id, {
        s->op.kind = HAWD__OP_KIND__OP_HOST_ADD;
        s->op.name = text("node4");
})
ROW(device_without_name, s->op.kind = HAWD__OP_KIND__OP_DEVICE_SEEN)
ROW(rule_without_name, s->op.kind = HAWD__OP_KIND__OP_RULE_SET)
ROW(many_members, s->exchange.n_members = HOSTS_MAX + 1)
ROW(many_echoes, s->heartbeat.n_echoes = HEARTBEAT_ECHOES + 1)
ROW(bad_ask, s->ask.kind = 5)
ROW(long_ask, s->ask.name = filled(NAME_LEN))
ROW(bad_code, s->tell.code = 5)
ROW(bad_power, s->tell.reading = 3)
ROW(long_device, s->tell.device = filled(NAME_LEN))
ROW(long_note, s->row.text = filled(2 * TEXT_LEN))
ROW(no_kind, s->row.kind = text(""))
ROW(nothing, (void)s)

static const struct row {
        void (*to)(struct sample *s);
        void (*change)(struct sample *s);
        const char *text;
} rows[] = {
        {NULL, bad_name, "guest 'two words' is no valid name"},
        {NULL, dash_name, "guest '-rf' is no valid name"},
        {NULL, control_name, "guest 'a?[2J' is no valid name"},
        {NULL, long_name, "guest of 64 bytes, at most 63"},
        {NULL, nul_name, "guest with a NUL inside"},
        {NULL, bad_uuid, "0123456789ag' is no UUID"},
        {NULL, short_uuid, "'7f3c2f0e' is no UUID"},
        {NULL, long_uuid, "guest UUID of 37 bytes"},
        {NULL, no_conf, "a guest without settings"},
        {NULL, bad_on_shutdown, "on-shutdown 2 is not known"},
        {NULL, many_after, "9 of start dependency, at most 8"},
        {NULL, bad_after, "start dependency '' is no valid name"},
        {NULL, long_xml, "domain XML of 1048577 bytes"},
        {NULL, nul_xml, "domain XML with a NUL"},
        {NULL, long_text, "text of an op of 192 bytes"},
        {NULL, nul_text, "text of an op with a NUL"},
        {NULL, long_version, "version of hawd of 24 bytes"},
        {NULL, many_devices, "5 of fence device"},
        {NULL, bad_seen, "seen state 9"},
        {NULL, bad_result, "job result 99"},
        {NULL, negative_result, "job result -1"},
        {NULL, bad_job_kind, "guest job 77"},
        {NULL, long_list, "list of an op of 65537 bytes"},
        {to_state, no_state, "a state without a model"},
        {to_state, no_model, "a state without a model"},
        {to_state, short_tail, "state of version 9 with 1 entries behind 7"},
        {to_state, old_version, "state of version 6"},
        {to_state, bad_tail, "text of an op with a NUL"},
        {to_state, many_hosts, "33 of hosts"},
        {to_state, same_host, "host 1 has node id 1, which is taken"},
        {to_state, no_nodeid, "host 0 has node id 0"},
        {to_state, no_host_name, "host '' is no valid name"},
        {to_state, bad_host_state, "host state 12"},
        {to_state, bad_proof, "proof 5"},
        {to_state, claim_of_nobody, "guest 1: claim of node 3"},
        {to_state, claim_twice, "guest 1: claim of node 1"},
        {to_state, tried_nowhere, "guest 1: tried on node 3"},
        {to_state, same_gid, "guest id 1 behind 1"},
        {to_state, gid_zero, "guest id 0 behind 0"},
        {to_state, gid_of_future, "guest id 3 behind 1, next one 3"},
        {to_state, no_spec, "guest 1 has no name"},
        {to_state, no_guest_name, "guest 1 has no name"},
        {to_state, bad_guest_state, "guest state 8"},
        {to_state, bad_health, "health 3"},
        {to_state, same_rule, "rule apart twice"},
        {to_state, bad_rule, "rule kind 5"},
        {to_state, many_jobs, "65 of fence jobs"},
        {to_state, many_job_devices, "5 of fence device"},
        {to_state, many_model_devices, "129 of fence devices"},
        {to_state, same_incident, "incident 1 behind 1"},
        {to_state, incident_of_future, "incident 3 behind 1, next one 3"},
        {to_state, same_host_name, "two hosts are called alpha"},
        {to_state, same_device, "two fence devices are called bmc1"},
        {to_state, same_guest_name, "two guests are called web1"},
        {to_state, same_guest_uuid, "two guests are called 7f3c2f0e-1b1d-4f0a-9c55-0123456789ab"},
        {to_state, name_is_uuid, "two guests are called 7f3c2f0e"},
        {to_state, no_guest_uuid, "guest 1 has no name, or no UUID"},
        {to_state, job_without_number, "guest 1 has a job without a number"},
        {to_state, number_without_job, "guest 1 has a job without a number"},
        {to_state, fence_job_of_nobody, "a fence job of node 3, which is no host"},
        {to_state, fence_job_zero, "a fence job without a number"},
        {to_state, fence_job_of_nothing, "a fence job without a number or a device"},
        {to_state, two_fence_jobs, "two fence jobs of node 1"},
        {to_state, host_incident_gone, "incident 9 is referred to"},
        {to_state, guest_incident_gone, "incident 9 is referred to"},
        {to_state, next_gid_beyond, "next guest id 4294967295"},
        {to_state, no_next_incident, "next incident 0"},
        {to_state, model_version_beyond, "is none: it is beyond"},
        {to_state, epoch_beyond, "epoch 18446744073709551615 is none"},
        {to_exchange, promise_beyond, "promise 1125899906842625 is none"},
        {to_exchange, round_beyond, "round 18446744073709551615 is none"},
        {NULL, entry_epoch_beyond, "epoch of an entry 18446744073709551615"},
        {NULL, entry_version_beyond, "version 18446744073709551615"},
        {NULL, add_without_spec, "a guest without a name"},
        {NULL, add_without_name, "a guest without a name"},
        {NULL, add_without_uuid, "a guest without a name, or without a UUID"},
        {NULL, host_without_name, "a host without a node id"},
        {NULL, host_without_id, "a host without a node id"},
        {NULL, device_without_name, "a fence device or a rule without a name"},
        {NULL, rule_without_name, "a fence device or a rule without a name"},
        {to_exchange, many_members, "33 of members"},
        {to_heartbeat, many_echoes, "33 of echoes"},
        {to_ask, bad_ask, "ask kind 5"},
        {to_ask, long_ask, "name in a request of 64 bytes"},
        {to_tell, bad_code, "reply code 5"},
        {to_tell, bad_power, "power reading 3"},
        {to_tell, long_device, "device of a reply of 64 bytes"},
        {to_history, long_note, "text of a note of 384 bytes"},
        {to_history, no_kind, "kind of a note '' is no valid name"},
        {to_nothing, nothing, "a kind that this version does not know"},
};

static struct sample *sample(void (*to)(struct sample *s)) {
        struct sample *s = xcalloc(1, sizeof(*s));

        hawd__msg__init(&s->msg);
        sample_entry(s);
        if (to)
                to(s);
        return s;
}

START_TEST(row_is_refused) {
        const struct row *row = &rows[_i];
        struct sample *s = sample(row->to);
        struct msg *m = NULL;

        if (row->to != to_nothing) {
                ck_assert_msg(decode(&s->msg.base, &m) == 0, "row %d unchanged: %s", _i, err);
                m = msg_unref(m);
        }
        row->change(s);
        ck_assert_msg(decode(&s->msg.base, &m) == -EBADMSG, "row %d: %s", _i, row->text);
        ck_assert_msg(strstr(err, row->text), "row %d: \"%s\" instead of \"%s\"", _i, err,
                      row->text);
        ck_assert_ptr_null(m);
        free(s);
}
END_TEST

/* ---- what passes ----------------------------------------------------------------------------- */

START_TEST(newer_op_becomes_none) {
        struct sample *s = sample(NULL);
        Hawd__Op newer = s->op;
        struct msg *m = NULL;

        newer.kind = 1234;
        newer.result = 99; /* its values mean nothing here */
        s->ops[0] = &newer;
        s->entry.n_ops = 2;
        ck_assert_int_eq(decode(&s->msg.base, &m), 0);
        ck_assert_uint_eq(m->entry->n_ops, 2);
        ck_assert_int_eq((int)m->entry->ops[0].kind, OP_NONE);
        ck_assert_ptr_null(m->entry->ops[0].spec);
        ck_assert_int_eq((int)m->entry->ops[1].kind, OP_GUEST_ADD);
        msg_unref(m);
        free(s);
}
END_TEST

/* Two of them may not answer to one name; but a guest may be called by its own UUID. */
START_TEST(called_by_its_uuid) {
        struct sample *s = sample(to_state);
        struct msg *m = NULL;

        s->spec.name = s->spec.uuid;
        ck_assert_msg(decode(&s->msg.base, &m) == 0, "%s", err);
        msg_unref(m);
        free(s);
}
END_TEST

START_TEST(newer_note_keeps_its_text) {
        struct sample *s = sample(to_history);
        struct msg *m = NULL;

        s->row.kind = text("host-levitates");
        ck_assert_int_eq(decode(&s->msg.base, &m), 0);
        ck_assert_uint_eq(m->history.rows[0].note.id, NOTE_NONE);
        ck_assert_str_eq(m->history.rows[0].note.text, "it is gone");
        msg_unref(m);
        free(s);
}
END_TEST

START_TEST(unknown_fields_pass) {
        /* view 5; fields 1000 (varint), 1001 (bytes), 1002 (64 bits), 1003 (32); promise 9. */
        static const uint8_t bytes[] = {
                0x08, 5, 0xc0, 0x3e, 7, 0xca, 0x3e, 3, 'a', 0, 'b', 0xd1, 0x3e, 1,    2, 3,
                4,    5, 6,    7,    8, 0xdd, 0x3e, 1, 2,   3, 4,   0x5a, 2,    0x08, 9,
        };
        struct msg *m = NULL;

        ck_assert_msg(wire_msg_decode(bytes, sizeof(bytes), &m, err) == 0, "%s", err);
        ck_assert_uint_eq(m->view, 5);
        ck_assert_int_eq((int)m->kind, MSG_PROMISE);
        ck_assert_uint_eq(m->promise.number, 9);
        msg_unref(m);
}
END_TEST

/* ---- bytes ----------------------------------------------------------------------------------- */

START_TEST(every_prefix) {
        struct sample *s = sample(to_state);
        size_t len = protobuf_c_message_get_packed_size(&s->msg.base);
        uint8_t *bytes = xcalloc(1, len);
        struct msg *m;

        protobuf_c_message_pack(&s->msg.base, bytes);
        for (size_t n = 0; n < len; n++) {
                uint8_t *part = xcalloc(1, n + 1); /* so that the sanitizer sees its end */

                memcpy(part, bytes, n);
                ck_assert_int_eq(wire_msg_decode(part, n, &m, err), -EBADMSG);
                free(part);
        }
        free(bytes);
        free(s);
}
END_TEST

START_TEST(out_of_proportion) {
        /* 2 bytes an op, half a kilobyte unpacked: 40 MiB would be 10 GiB. */
        const size_t ops = (size_t)20 << 20;
        uint8_t *bytes = xcalloc(1, ops * 2);
        struct entry *e = NULL;

        for (size_t i = 0; i < ops; i++)
                bytes[i * 2] = 0x52; /* field 10, length 0 */
        ck_assert_int_eq(wire_entry_decode(bytes, ops * 2, &e, err), -EBADMSG);
        ck_assert_ptr_nonnull(strstr(err, "out of proportion"));
        ck_assert_int_eq(wire_entry_decode(bytes, (WIRE_OPS_MAX + 1) * 2, &e, err), -EBADMSG);
        ck_assert_str_eq(err, "16385 of ops in an entry, at most 16384 are taken");
        ck_assert_int_eq(wire_entry_decode(bytes, WIRE_OPS_MAX * 2, &e, err), 0);
        entry_unref(e);
        free(bytes);
}
END_TEST

START_TEST(encoder_refuses) {
        struct msg *m = msg_new(MSG_ENTRY);
        struct model model;
        struct guest_spec *spec = guest_spec_new();
        uint8_t *bytes;
        size_t len;

        m->entry = entry_new();
        entry_add(m->entry, OP_HOST_ADD)->result = RESULT_MAX_;
        ck_assert_int_eq(wire_msg_encode(m, &bytes, &len), -EINVAL);
        m->entry->ops[0].result = RESULT_DONE;
        m->entry->ops[0].kind = OP_KIND_MAX_;
        ck_assert_int_eq(wire_entry_encode(m->entry, &bytes, &len), -EINVAL);
        m->entry->ops[0].kind = OP_HOST_ADD;
        m->entry->ops[0].n_devices = LEVEL_DEVICES_MAX + 1;
        ck_assert_int_eq(wire_entry_encode(m->entry, &bytes, &len), -EINVAL);
        m->entry->ops[0].n_devices = 0;
        text_set(m->entry->ops[0].name, NAME_LEN, "two words");
        ck_assert_int_eq(wire_entry_encode(m->entry, &bytes, &len), -EINVAL);
        msg_unref(m);

        m = msg_new(MSG_NONE);
        ck_assert_int_eq(wire_msg_encode(m, &bytes, &len), -EINVAL);
        msg_unref(m);

        model_init(&model);
        model_guest_add(&model, spec)->claims = 1; /* of no host */
        ck_assert_int_eq(wire_model_encode(&model, &bytes, &len), -EINVAL);
        model_clear(&model);
        guest_spec_unref(spec);
}
END_TEST

/* Of a guest that was stored before there was a ladder: not "never hangs", nor "all snapshots
 * stay". One that says what is to be tried says the rest, too. */
START_TEST(older_settings_get_the_defaults) {
        struct sample *s = sample(NULL);
        struct config defaults;
        Hawd__Rung rung = HAWD__RUNG__RUNG_NONE;
        const struct conf_guest *c;
        struct msg *m = NULL;

        config_defaults(&defaults);
        s->conf.priority = 7;
        s->conf.restart_limit = 9;
        if (_i) {
                s->conf.n_recovery = 1;
                s->conf.recovery = &rung;
        }
        ck_assert_int_eq(decode(&s->msg.base, &m), 0);
        c = &m->entry->ops[0].spec->conf;
        ck_assert_int_eq(c->priority, 7);
        ck_assert_uint_eq(c->restart_limit, 9);
        ck_assert_uint_eq(c->hang_after_usec, _i ? 0 : 2 * USEC_PER_MINUTE);
        ck_assert_uint_eq(c->healthy_after_usec,
                          _i ? 0 : defaults.guest_defaults.healthy_after_usec);
        ck_assert_uint_eq(c->replica_lag_usec, _i ? 0 : defaults.guest_defaults.replica_lag_usec);
        ck_assert_uint_eq(c->snapshot_keep.last,
                          _i ? 0 : defaults.guest_defaults.snapshot_keep.last);
        ck_assert_int_eq(c->recovery[0], _i ? RUNG_NONE : RUNG_RESTART);
        ck_assert_int_eq(c->recovery[1], _i ? RUNG_NONE : RUNG_RELOCATE);
        msg_unref(m);
        free(s);
}
END_TEST

static Suite *refuse_suite(void) {
        Suite *s = suite_create("wire refuses");
        TCase *tc = unit_case(s, "refuses");

        tcase_add_loop_test(tc, row_is_refused, 0, (int)ARRAY_SIZE(rows));
        tcase_add_test(tc, newer_op_becomes_none);
        tcase_add_test(tc, called_by_its_uuid);
        tcase_add_test(tc, newer_note_keeps_its_text);
        tcase_add_test(tc, unknown_fields_pass);
        tcase_add_test(tc, every_prefix);
        tcase_add_test(tc, out_of_proportion);
        tcase_add_test(tc, encoder_refuses);
        tcase_add_loop_test(tc, older_settings_get_the_defaults, 0, 2);
        return s;
}

UNIT_MAIN(refuse_suite)
