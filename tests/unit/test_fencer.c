/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fence jobs carried out here, and the regular look at every device (S2, S3).
 */
#include "hawd/core/note.h"
#include "tests/unit/rig_fixture.h"

/* node2 of three; node3 is lost and has two devices on level 1. Its job is not started yet. */
static struct rig *open_rig(void) {
        struct rig *r = rig_new();
        struct led l;

        led_open(&l, 3);
        led_device(&l, "psu-a", 3);
        led_device(&l, "psu-b", 3);
        led_running(&l, "web", 3);
        led_lose(&l, 3);
        rig_device(r, "psu-a", "node3", 1);
        rig_device(r, "psu-b", "node3", 1)->timeout_usec = 7 * USEC_PER_SEC;
        rig_open(r, &l, 2, false);
        rig_group(r, 1u << 1 | 1u << 2, 1u << 1 | 1u << 2);
        rig_clear(r);
        return r;
}

static void fence(struct rig *r, enum fence_kind kind) {
        BY(r, 1, .kind = OP_FENCE_START, .host = 3, .loss = 1, .fence_kind = kind, .executor = 2,
           .level = 1, .devices = {"psu-a", "psu-b"}, .n_devices = 2,
           .budget_usec = 20 * USEC_PER_SEC);
}

static const struct action *nth(const struct rig *r, size_t n) {
        for (size_t i = 0; i < r->n_acts; i++)
                if (r->acts[i].kind == ACT_FENCE && n-- == 0)
                        return &r->acts[i];
        ck_abort_msg("no such fence action");
        return NULL;
}

static uint64_t id(const struct rig *r, size_t n) {
        return nth(r, n)->fence.id;
}

static struct host *node3(struct rig *r) {
        return model_host(rig_model(r), 3);
}

START_TEST(every_device_at_once) {
        struct rig *r = open_rig();

        fence(r, FENCE_OFF);
        ck_assert_uint_eq(rig_acts(r, ACT_FENCE), 2);
        ck_assert_str_eq(nth(r, 0)->fence.device, "psu-a");
        ck_assert_str_eq(nth(r, 1)->fence.device, "psu-b");
        ck_assert_int_eq(nth(r, 0)->fence.action, FENCE_ACT_OFF);
        ck_assert_uint_eq(nth(r, 0)->fence.timeout_usec, 20 * USEC_PER_SEC);
        ck_assert_uint_eq(nth(r, 1)->fence.timeout_usec, 7 * USEC_PER_SEC);
        ck_assert_uint_eq(nth(r, 0)->fence.deadline_usec, r->now + 20 * USEC_PER_SEC);
        rig_pass(r, 5 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_acts(r, ACT_FENCE), 2); /* begun once */
        rig_close(r);
}
END_TEST

/* What only looks reads twice too. */
START_TEST(a_look_reads_off_twice) {
        struct rig *r = open_rig();

        fence(r, FENCE_LOOK);
        ck_assert_int_eq(nth(r, 0)->fence.action, FENCE_ACT_STATUS);
        rig_fence_done(r, id(r, 0), READING_OFF);
        rig_fence_done(r, id(r, 1), READING_OFF);
        ck_assert_ptr_null(rig_op(r, OP_FENCE_DONE));
        ck_assert_uint_eq(rig_acts(r, ACT_FENCE), 4);
        ck_assert_int_eq(nth(r, 2)->fence.action, FENCE_ACT_STATUS);
        rig_fence_done(r, id(r, 2), READING_OFF);
        rig_fence_done(r, id(r, 3), READING_ON);
        ck_assert_int_eq(rig_op(r, OP_FENCE_DONE)->fence_result, FENCE_FAILED);
        ck_assert_int_eq(node3(r)->state, HOST_LOST);
        rig_close(r);
}
END_TEST

START_TEST(job_of_another_is_not_ours) {
        struct rig *r = open_rig();

        BY(r, 1, .kind = OP_FENCE_START, .host = 3, .loss = 1, .executor = 1, .level = 1,
           .devices = {"psu-a"}, .n_devices = 1, .budget_usec = USEC_PER_SEC);
        ck_assert_uint_eq(rig_model(r)->n_fence_jobs, 1);
        ck_assert_uint_eq(rig_acts(r, ACT_FENCE), 0);
        rig_close(r);
}
END_TEST

START_TEST(both_devices_are_needed) {
        struct rig *r = open_rig();

        fence(r, FENCE_OFF);
        rig_fence_done(r, id(r, 0), READING_OFF);
        ck_assert_ptr_null(rig_op(r, OP_FENCE_DONE));
        ck_assert_int_eq(node3(r)->state, HOST_FENCING);
        rig_fence_done(r, id(r, 1), READING_OFF);
        ck_assert_int_eq(rig_op(r, OP_FENCE_DONE)->fence_result, FENCE_PROVEN_OFF);
        ck_assert_uint_eq(rig_op(r, OP_FENCE_DONE)->loss, 1);
        ck_assert_int_eq(node3(r)->state, HOST_OFF);
        ck_assert_str_eq(node3(r)->proof_text,
                         "psu-a: found off, read twice; psu-b: found off, read twice");
        rig_close(r);
}
END_TEST

/* One supply reads off long before the other: it may be on again by then, so both are read anew. */
START_TEST(supplies_are_off_together) {
        struct rig *r = open_rig();

        fence(r, FENCE_OFF);
        EVENT(r, .kind = EV_FENCE_DONE,
              .fence = {.id = id(r, 0), .reading = READING_OFF, .switched = true});
        rig_pass(r, 5 * USEC_PER_SEC);
        rig_fence_done(r, id(r, 1), READING_OFF);
        ck_assert_ptr_null(rig_op(r, OP_FENCE_DONE));
        ck_assert_uint_eq(rig_acts(r, ACT_FENCE), 4);
        ck_assert_int_eq(nth(r, 2)->fence.action, FENCE_ACT_STATUS);
        ck_assert_str_eq(nth(r, 2)->fence.device, "psu-a");
        rig_fence_done(r, id(r, 2), _i ? READING_ON : READING_OFF);
        rig_pass(r, 5 * USEC_PER_SEC); /* no third time */
        rig_fence_done(r, id(r, 3), READING_OFF);
        ck_assert_int_eq(rig_op(r, OP_FENCE_DONE)->fence_result,
                         _i ? FENCE_FAILED : FENCE_PROVEN_OFF);
        if (_i == 0)
                ck_assert_str_eq(node3(r)->proof_text, "psu-a: switched off, reads off twice; "
                                                       "psu-b: found off, read twice");
        rig_close(r);
}
END_TEST

/* By the hawd.conf here the device is another host's, or nobody's: that one is not switched off. */
START_TEST(device_of_another_host_here) {
        struct rig *r = open_rig();

        if (_i)
                text_set(r->config.devices[1].host, NAME_LEN, "node1");
        else
                r->config.n_devices = 1;
        fence(r, FENCE_OFF);
        ck_assert_uint_eq(rig_acts(r, ACT_FENCE), 1);
        ck_assert_str_eq(nth(r, 0)->fence.device, "psu-a");
        rig_fence_done(r, id(r, 0), READING_OFF);
        ck_assert_int_eq(rig_op(r, OP_FENCE_DONE)->fence_result, FENCE_FAILED);
        ck_assert_ptr_nonnull(
                strstr(node3(r)->fence_error,
                       _i ? "psu-b: no reading: not used: by hawd.conf of node2 it is "
                            "of node1"
                          : "hawd.conf of node2 has no [fence psu-b]"));
        rig_close(r);
}
END_TEST

/* Seen to read on by other settings than those here: what they lead to may be another switch. */
START_TEST(settings_are_those_that_were_seen) {
        struct rig *r = open_rig();

        text_set(r->config.devices[0].address, sizeof(r->config.devices[0].address), "10.0.0.1");
        for (int i = 0; i < 2; i++) {
                struct device *d = model_device(rig_model(r), r->config.devices[i].name);

                d->settings = config_device_settings(&r->config.devices[i]);
        }
        if (_i)
                text_set(r->config.devices[0].address, sizeof(r->config.devices[0].address),
                         "10.0.0.2");
        fence(r, FENCE_OFF);
        ck_assert_uint_eq(rig_acts(r, ACT_FENCE), _i ? 1 : 2);
        if (_i) {
                rig_fence_done(r, id(r, 0), READING_OFF);
                ck_assert_int_eq(rig_op(r, OP_FENCE_DONE)->fence_result, FENCE_FAILED);
                ck_assert_ptr_nonnull(strstr(node3(r)->fence_error, "has other settings"));
        }
        rig_close(r);
}
END_TEST

/* What the readings of the two devices come to. */
static const struct {
        enum fence_kind kind;
        enum power_reading a, b;
        enum fence_result result;
} results[] = {
        {FENCE_OFF, READING_OFF, READING_OFF, FENCE_PROVEN_OFF},
        {FENCE_OFF, READING_OFF, READING_ON, FENCE_FAILED},
        {FENCE_OFF, READING_ON, READING_OFF, FENCE_FAILED},
        {FENCE_OFF, READING_OFF, READING_NONE, FENCE_FAILED},
        {FENCE_OFF, READING_NONE, READING_OFF, FENCE_FAILED},
        {FENCE_OFF, READING_NONE, READING_NONE, FENCE_FAILED},
        {FENCE_OFF, READING_ON, READING_ON, FENCE_IS_ON},
        {FENCE_ON, READING_ON, READING_ON, FENCE_IS_ON},
        {FENCE_ON, READING_OFF, READING_OFF, FENCE_FAILED},
};

START_TEST(readings) {
        struct rig *r = open_rig();

        if (results[_i].kind == FENCE_ON)
                BY(r, 1, .kind = OP_FENCE_CONFIRM, .host = 3, .text = "ann");
        fence(r, results[_i].kind);
        ck_assert_int_eq(nth(r, 0)->fence.action,
                         results[_i].kind == FENCE_OFF ? FENCE_ACT_OFF : FENCE_ACT_ON);
        rig_fence_done(r, id(r, 1), results[_i].b);
        rig_fence_done(r, id(r, 0), results[_i].a);
        ck_assert_int_eq(rig_op(r, OP_FENCE_DONE)->fence_result, results[_i].result);
        rig_close(r);
}
END_TEST

/* S3: it hung, and reads all of meanwhile at once: it begins nothing before it has come to the end.
 */
START_TEST(nothing_begins_out_of_an_old_queue) {
        struct rig *r = open_rig();

        r->lose_heartbeats = true;
        r->now += USEC_PER_MINUTE;
        fence(r, FENCE_OFF);
        ck_assert_uint_eq(rig_model(r)->n_fence_jobs, 1);
        ck_assert_uint_eq(rig_acts(r, ACT_FENCE), 0);
        r->lose_heartbeats = false;
        rig_pass(r, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_acts(r, ACT_FENCE), 2);
        rig_close(r);
}
END_TEST

START_TEST(result_is_told_until_applied) {
        struct rig *r = open_rig();

        fence(r, FENCE_OFF);
        r->lose_entries = true;
        rig_fence_done(r, id(r, 0), READING_OFF);
        rig_fence_done(r, id(r, 1), READING_NONE);
        rig_pass(r, 5 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_FENCE_DONE), 3);
        r->lose_entries = false;
        rig_pass(r, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_model(r)->n_fence_jobs, 0);
        rig_clear(r);
        rig_pass(r, 5 * USEC_PER_SEC);
        ck_assert_ptr_null(rig_op(r, OP_FENCE_DONE));
        rig_close(r);
}
END_TEST

/* S3: the host is back: its fencing is called off, and ends with one more status. */
START_TEST(called_off_reads_once_more) {
        struct rig *r = open_rig();

        fence(r, FENCE_OFF);
        rig_fence_done(r, id(r, 0), READING_ON);
        BY(r, 3, .kind = OP_HOST_JOIN, .host = 3, .incarnation = 9);
        ck_assert_uint_eq(rig_acts(r, ACT_FENCE_CANCEL), 1); /* the other has ended already */
        ck_assert_uint_eq(rig_act(r, ACT_FENCE_CANCEL)->cancel.id, id(r, 1));
        rig_pass(r, 3 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_acts(r, ACT_FENCE_CANCEL), 1);
        ck_assert_uint_eq(rig_acts(r, ACT_FENCE), 2);
        rig_fence_done(r, id(r, 1), READING_NONE);
        ck_assert_uint_eq(rig_acts(r, ACT_FENCE), 4);
        ck_assert_int_eq(nth(r, 2)->fence.action, FENCE_ACT_STATUS);
        ck_assert_int_eq(nth(r, 3)->fence.action, FENCE_ACT_STATUS);
        ck_assert_ptr_null(rig_op(r, OP_FENCE_DONE));
        ck_assert_uint_eq(rig_model(r)->n_fence_jobs, 1);
        rig_fence_done(r, id(r, 2), READING_ON);
        rig_fence_done(r, id(r, 3), READING_ON);
        ck_assert_int_eq(rig_op(r, OP_FENCE_DONE)->fence_result, FENCE_CANCELLED);
        ck_assert_uint_eq(rig_model(r)->n_fence_jobs, 0);
        ck_assert_int_eq(node3(r)->state, HOST_JOINING);
        rig_close(r);
}
END_TEST

/* Even when the last look reads off: it is a look, not a proof of this loss. */
START_TEST(last_look_is_no_proof) {
        struct rig *r = open_rig();

        fence(r, FENCE_OFF);
        BY(r, 3, .kind = OP_HOST_JOIN, .host = 3, .incarnation = 9);
        rig_fence_done(r, id(r, 0), READING_OFF);
        rig_fence_done(r, id(r, 1), READING_OFF);
        rig_fence_done(r, id(r, 2), READING_OFF);
        rig_fence_done(r, id(r, 3), READING_OFF);
        ck_assert_int_eq(rig_op(r, OP_FENCE_DONE)->fence_result, FENCE_CANCELLED);
        ck_assert_int_eq(node3(r)->proof, PROOF_NONE);
        ck_assert_uint_eq(rig_model(r)->guests[0].claims, 1u << 2);
        rig_close(r);
}
END_TEST

/* A new hawd on the executor finds the job called off already: nothing is switched any more. */
START_TEST(called_off_before_it_began) {
        struct rig *r = rig_new();
        struct led l;

        led_open(&l, 3);
        led_device(&l, "bmc3", 3);
        led_lose(&l, 3);
        APPLY(&l, .kind = OP_FENCE_START, .host = 3, .loss = 1, .executor = 2, .level = 1,
              .devices = {"bmc3"}, .n_devices = 1, .budget_usec = USEC_PER_SEC);
        led_join(&l, 3);
        ck_assert(l.m.fence_jobs[0].cancelling);
        rig_device(r, "bmc3", "node3", 1);
        rig_open(r, &l, 2, true);
        ck_assert_uint_eq(rig_acts(r, ACT_FENCE), 1);
        ck_assert_int_eq(nth(r, 0)->fence.action, FENCE_ACT_STATUS);
        rig_fence_done(r, id(r, 0), READING_OFF);
        ck_assert_uint_eq(rig_acts(r, ACT_FENCE), 1);
        ck_assert_int_eq(rig_op(r, OP_FENCE_DONE)->fence_result, FENCE_CANCELLED);
        rig_close(r);
}
END_TEST

/* ---- the regular look ------------------------------------------------------------------------ */

/* node2 of two looks at node1, which is online and has bmc1. */
static struct rig *open_checker(bool known) {
        struct rig *r = rig_new();
        struct led l;

        led_open(&l, 2);
        if (known)
                led_device(&l, "bmc1", 1);
        rig_device(r, "bmc1", "node1", 1);
        rig_device(r, "bmc2", "node2", 1); /* looked at by node1 */
        rig_open(r, &l, 2, false);
        return r;
}

/* The look under way gets this reading. */
static void look(struct rig *r, enum power_reading reading) {
        const struct action *a;

        for (unsigned i = 0; i < 70 && !rig_act(r, ACT_FENCE); i++)
                rig_pass(r, USEC_PER_SEC);
        a = rig_act(r, ACT_FENCE);
        ck_assert_ptr_nonnull(a);
        ck_assert_str_eq(a->fence.device, "bmc1");
        ck_assert_int_eq(a->fence.action, FENCE_ACT_STATUS);
        rig_fence_done(r, a->fence.id, reading);
}

static struct rig *looking(bool known) {
        struct rig *r = open_checker(known);

        rig_group(r, 0x6, 0x6);
        rig_pass(r, 3 * USEC_PER_SEC); /* no look right after a change of the group */
        for (uint64_t i = 1; i < 4; i++)
                rig_fence_done(r, i, READING_ON);
        rig_clear(r);
        return r;
}

START_TEST(check_tells_what_is_new) {
        struct rig *r = looking(false);
        struct device *d = model_device(rig_model(r), "bmc1");

        ck_assert_ptr_nonnull(d);
        ck_assert(d->seen_on);
        ck_assert_uint_eq(d->reached_by, 2);
        look(r, READING_ON);
        ck_assert_ptr_null(rig_op(r, OP_DEVICE_SEEN)); /* nothing new */
        rig_clear(r);
        look(r, READING_NONE);
        ck_assert_int_eq(rig_op(r, OP_DEVICE_SEEN)->reading, READING_NONE);
        ck_assert(!model_device(rig_model(r), "bmc1")->reachable);
        ck_assert(model_device(rig_model(r), "bmc1")->seen_on);
        rig_close(r);
}
END_TEST

/* The ledger hears of a device that goes on answering now and then, or it would look forgotten. */
START_TEST(check_tells_now_and_then) {
        struct rig *r = looking(true);
        size_t looks = 0, told = 0, notes = 0;

        for (unsigned i = 0; i < 3600; i++) {
                for (size_t k = 0; k < r->n_acts; k++)
                        notes += r->acts[k].kind == ACT_NOTE && r->acts[k].note->id == NOTE_DEVICE;
                told += rig_ops(r, OP_DEVICE_SEEN);
                if (rig_act(r, ACT_FENCE)) {
                        uint64_t id = rig_act(r, ACT_FENCE)->fence.id;

                        rig_clear(r);
                        rig_fence_done(r, id, READING_ON);
                        looks++;
                } else {
                        rig_clear(r);
                }
                rig_pass(r, USEC_PER_SEC);
        }
        ck_assert_uint_ge(looks, 50);
        ck_assert_uint_ge(told, 1);
        ck_assert_uint_le(told, 2);
        ck_assert_uint_eq(notes, 0);
        ck_assert_uint_ge(model_device(rig_model(r), "bmc1")->checked_wall + 31 * USEC_PER_MINUTE,
                          rig_wall(r->now));
        rig_close(r);
}
END_TEST

START_TEST(check_tells_settings_and_guid) {
        static const char guid[] = "4c4c4544-0031-3510-8052-b4c04f4a3732";
        struct rig *r = looking(true);
        const struct device *d = model_device(rig_model(r), "bmc1");

        ck_assert_uint_eq(d->settings, config_device_settings(&r->config.devices[0]));
        text_set(r->config.devices[0].address, 16, "10.9.9.9");
        look(r, READING_NONE);
        d = model_device(rig_model(r), "bmc1");
        ck_assert(!d->seen_on); /* another switch, of which nothing is known */
        ck_assert_uint_eq(d->settings, config_device_settings(&r->config.devices[0]));
        rig_clear(r);
        for (unsigned i = 0; i < 70 && !rig_act(r, ACT_FENCE); i++)
                rig_pass(r, USEC_PER_SEC);
        EVENT(r, .kind = EV_FENCE_DONE,
              .fence = {
                      .id = rig_act(r, ACT_FENCE)->fence.id, .reading = READING_ON, .guid = guid});
        d = model_device(rig_model(r), "bmc1");
        ck_assert(d->seen_on);
        ck_assert_str_eq(d->guid, guid);
        rig_close(r);
}
END_TEST

START_TEST(off_once_is_no_distrust) {
        struct rig *r = looking(true);

        look(r, READING_OFF);
        ck_assert(!model_device(rig_model(r), "bmc1")->distrusted);
        rig_clear(r);
        look(r, READING_ON);
        rig_clear(r);
        look(r, READING_OFF); /* and on in between: once again */
        ck_assert(!model_device(rig_model(r), "bmc1")->distrusted);
        rig_close(r);
}
END_TEST

/* Off again, and its host has heard a heartbeat that was sent after the first look. */
START_TEST(off_twice_is_distrust) {
        struct rig *r = looking(true);
        usec_t first;

        look(r, READING_OFF);
        first = r->now;
        rig_clear(r);
        look(r, READING_OFF);
        ck_assert_uint_le(r->now - first, 3 * USEC_PER_SEC);
        ck_assert(model_device(rig_model(r), "bmc1")->distrusted);
        rig_close(r);
}
END_TEST

/* Nothing comes from the host: it may be off, and the ring not have missed it yet. */
START_TEST(off_without_an_echo_is_distrust_in_time) {
        struct rig *r = looking(true);
        usec_t first;

        r->config.heartbeat_usec = 5 * USEC_PER_SEC; /* after 25 s it would count as silent */
        r->config.daemon_grace_usec = USEC_PER_MINUTE;
        look(r, READING_OFF);
        r->others_silent = true;
        for (first = r->now; r->now < first + 15 * USEC_PER_SEC;) {
                ck_assert(!model_device(rig_model(r), "bmc1")->distrusted);
                rig_clear(r);
                look(r, READING_OFF);
                ck_assert_uint_le(r->now - first, 20 * USEC_PER_SEC);
        }
        ck_assert(model_device(rig_model(r), "bmc1")->distrusted);
        rig_close(r);
}
END_TEST

/* Off while its host left the group during the look says nothing about the device. */
START_TEST(off_of_a_host_that_left_is_no_distrust) {
        struct rig *r = rig_new();
        struct led l;

        led_open(&l, 3);
        led_device(&l, "bmc3", 3);
        led_device(&l, "bmc1", 1);
        rig_device(r, "bmc1", "node1", 1);
        rig_open(r, &l, 2, false);
        for (unsigned turn = 0; turn < 3; turn++) {
                for (unsigned i = 0; i < 70 && !rig_act(r, ACT_FENCE); i++)
                        rig_pass(r, USEC_PER_SEC);
                ck_assert_ptr_nonnull(rig_act(r, ACT_FENCE));
                rig_group(r, 1u << 2 | 1u << 3, 0xe); /* node1's hawd is gone ... */
                rig_group(r, 0xe, 0xe);               /* ... and back */
                rig_fence_done(r, rig_act(r, ACT_FENCE)->fence.id, READING_OFF);
                rig_clear(r);
        }
        ck_assert(!model_device(rig_model(r), "bmc1")->distrusted);
        look(r, READING_OFF); /* and so this is the first that says anything */
        ck_assert(!model_device(rig_model(r), "bmc1")->distrusted);
        rig_close(r);
}
END_TEST

START_TEST(checks_rest_in_between) {
        struct rig *r = looking(true);

        look(r, READING_ON);
        rig_clear(r);
        rig_pass(r, 50 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_acts(r, ACT_FENCE), 0);
        rig_pass(r, 20 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_acts(r, ACT_FENCE), 1);
        rig_pass(r, 200 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_acts(r, ACT_FENCE), 1); /* one at a time */
        rig_close(r);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("fencer");
        TCase *tc = unit_case(s, "jobs");

        tcase_add_test(tc, every_device_at_once);
        tcase_add_test(tc, a_look_reads_off_twice);
        tcase_add_test(tc, job_of_another_is_not_ours);
        tcase_add_test(tc, both_devices_are_needed);
        tcase_add_loop_test(tc, supplies_are_off_together, 0, 2);
        tcase_add_loop_test(tc, device_of_another_host_here, 0, 2);
        tcase_add_loop_test(tc, settings_are_those_that_were_seen, 0, 2);
        tcase_add_loop_test(tc, readings, 0, (int)ARRAY_SIZE(results));
        tcase_add_test(tc, nothing_begins_out_of_an_old_queue);
        tcase_add_test(tc, result_is_told_until_applied);
        tcase_add_test(tc, called_off_reads_once_more);
        tcase_add_test(tc, last_look_is_no_proof);
        tcase_add_test(tc, called_off_before_it_began);
        tc = unit_case(s, "checks");
        tcase_add_test(tc, check_tells_what_is_new);
        tcase_add_test(tc, check_tells_now_and_then);
        tcase_add_test(tc, check_tells_settings_and_guid);
        tcase_add_test(tc, off_once_is_no_distrust);
        tcase_add_test(tc, off_twice_is_distrust);
        tcase_add_test(tc, off_without_an_echo_is_distrust_in_time);
        tcase_add_test(tc, off_of_a_host_that_left_is_no_distrust);
        tcase_add_test(tc, checks_rest_in_between);
        return s;
}

UNIT_MAIN(suite)
