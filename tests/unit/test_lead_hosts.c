/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The leader: who is lost and when, who is fenced by whom and how often (S2, S3, L2).
 */
#include "tests/unit/rig_fixture.h"

#define MASK(...) rig_mask_((const uint32_t[]){__VA_ARGS__, 0})

static uint32_t rig_mask_(const uint32_t *ids) {
        uint32_t mask = 0;

        for (; *ids; ids++)
                mask |= 1u << *ids;
        return mask;
}

/* node1 leads; each host has one BMC that can prove, node4 has two levels. */
static struct rig *open_as(uint32_t nodeid, uint32_t hosts) {
        struct rig *r = rig_new();
        struct led l;

        led_open(&l, hosts);
        for (uint32_t i = 1; i <= hosts; i++) {
                char name[NAME_LEN], host[NAME_LEN];

                text_fmt(name, sizeof(name), "bmc%u", i);
                text_fmt(host, sizeof(host), "node%u", i);
                led_device(&l, name, i);
                rig_device(r, name, host, 1);
        }
        led_device(&l, "pdu4", 4);
        rig_device(r, "pdu4", "node4", 2);
        rig_open(r, &l, nodeid, false);
        rig_libvirt(r, NULL, SEEN_GONE);
        rig_clear(r);
        return r;
}

static struct rig *open_rig(void) {
        return open_as(1, 4);
}

static struct host *node(struct rig *r, uint32_t id) {
        return model_host(rig_model(r), id);
}

/* The open job's executor says so. */
static void fenced(struct rig *r, enum fence_result result) {
        struct fence_job j = rig_model(r)->fence_jobs[0];

        ck_assert_uint_eq(rig_model(r)->n_fence_jobs, 1);
        BY(r, j.executor, .kind = OP_FENCE_DONE, .job = j.id, .host = j.host, .loss = j.loss,
           .executor = j.executor, .fence_result = result, .text = "read");
}

START_TEST(out_of_the_ring_is_lost_at_once) {
        struct rig *r = open_rig();

        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3));
        ck_assert_uint_eq(rig_ops(r, OP_HOST_LOST), 1);
        ck_assert_uint_eq(rig_op(r, OP_HOST_LOST)->host, 4);
        ck_assert_str_eq(rig_op(r, OP_HOST_LOST)->text, "it left the ring");
        ck_assert_uint_ne(rig_op(r, OP_HOST_LOST)->wall_last_good, 0);
        ck_assert_uint_eq(node(r, 4)->losses, 1);
        rig_close(r);
}
END_TEST

START_TEST(only_the_leader_decides) {
        struct rig *r = open_as(2, 4);

        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3));
        rig_pass(r, 60 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_HOST_LOST), 0);
        rig_close(r);
        r = open_as(2, 4);
        rig_group(r, MASK(2, 3, 4), MASK(2, 3, 4)); /* node1 is gone: node2 leads */
        ck_assert_uint_eq(rig_op(r, OP_HOST_LOST)->host, 1);
        rig_close(r);
}
END_TEST

START_TEST(daemon_gets_its_grace_while_corosync_stays) {
        struct rig *r = open_rig();

        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3, 4));
        rig_pass(r, 29 * USEC_PER_SEC);
        ck_assert_ptr_null(rig_op(r, OP_HOST_LOST));
        rig_pass(r, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_HOST_LOST), 1);
        ck_assert_ptr_nonnull(strstr(rig_op(r, OP_HOST_LOST)->text, "daemon-grace"));
        rig_close(r);
}
END_TEST

START_TEST(grace_ends_when_the_ring_loses_it_too) {
        struct rig *r = open_rig();

        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3, 4));
        rig_pass(r, 5 * USEC_PER_SEC);
        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3));
        ck_assert_uint_eq(rig_ops(r, OP_HOST_LOST), 1);
        rig_close(r);
}
END_TEST

START_TEST(grace_counts_anew_after_a_return) {
        struct rig *r = open_rig();

        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3, 4));
        rig_pass(r, 20 * USEC_PER_SEC);
        rig_group(r, MASK(1, 2, 3, 4), MASK(1, 2, 3, 4));
        rig_pass(r, 5 * USEC_PER_SEC);
        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3, 4));
        rig_pass(r, 20 * USEC_PER_SEC);
        ck_assert_ptr_null(rig_op(r, OP_HOST_LOST));
        rig_close(r);
}
END_TEST

/* What was seen to begin while it led says nothing when it leads again: node2 leads and misses
 * node5; node1 leads, node5 is back; both leave together, and node5 has its whole grace. */
START_TEST(grace_counts_anew_with_leadership) {
        struct rig *r = open_as(2, 5);

        rig_group(r, MASK(2, 3, 4), MASK(1, 2, 3, 4, 5));
        rig_pass(r, 20 * USEC_PER_SEC);
        rig_group(r, MASK(1, 2, 3, 4, 5), MASK(1, 2, 3, 4, 5));
        rig_pass(r, 100 * USEC_PER_SEC);
        rig_group(r, MASK(2, 3, 4), MASK(1, 2, 3, 4, 5));
        rig_pass(r, 20 * USEC_PER_SEC);
        ck_assert_ptr_null(rig_op(r, OP_HOST_LOST));
        rig_pass(r, 11 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_HOST_LOST), 2);
        rig_close(r);
}
END_TEST

/* A hawd that comes and goes elsewhere does not keep another from being counted as lost. */
START_TEST(grace_goes_on_over_changes_of_others) {
        struct rig *r = open_as(1, 5);

        rig_group(r, MASK(1, 2, 3, 4), MASK(1, 2, 3, 4, 5));
        for (unsigned i = 0; i < 3; i++) {
                rig_pass(r, 5 * USEC_PER_SEC);
                rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3, 4, 5));
                rig_pass(r, 5 * USEC_PER_SEC);
                rig_group(r, MASK(1, 2, 3, 4), MASK(1, 2, 3, 4, 5));
        }
        rig_pass(r, USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_HOST_LOST), 1);
        ck_assert_uint_eq(rig_op(r, OP_HOST_LOST)->host, 5);
        rig_close(r);
}
END_TEST

/* Nor from being fenced again. */
START_TEST(pause_goes_on_over_changes_of_others) {
        struct rig *r = open_as(1, 5);

        rig_group(r, MASK(1, 2, 3, 4), MASK(1, 2, 3, 4));
        for (unsigned i = 0; i < 8; i++) { /* the pause is a minute by now */
                fenced(r, FENCE_FAILED);
                rig_pass(r, 61 * USEC_PER_SEC);
        }
        fenced(r, FENCE_FAILED);
        rig_clear(r);
        for (unsigned i = 0; i < 7; i++) {
                rig_pass(r, 5 * USEC_PER_SEC);
                rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3, 4));
                rig_pass(r, 5 * USEC_PER_SEC);
                rig_group(r, MASK(1, 2, 3, 4), MASK(1, 2, 3, 4));
        }
        ck_assert_uint_eq(rig_ops(r, OP_FENCE_START), 1);
        rig_close(r);
}
END_TEST

START_TEST(unsupervised_is_not_lost_while_in_the_ring) {
        struct rig *r = open_rig();

        BY(r, 1, .kind = OP_GUEST_ADD, .spec = led_spec("web"), .host = 4);
        BY(r, 4, .kind = OP_HOST_STOPPING, .host = 4, .incarnation = INCARNATION(4));
        ck_assert_int_eq(node(r, 4)->state, HOST_UNSUPERVISED);
        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3, 4));
        rig_pass(r, 600 * USEC_PER_SEC);
        ck_assert_ptr_null(rig_op(r, OP_HOST_LOST));
        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3));
        ck_assert_uint_eq(rig_op(r, OP_HOST_LOST)->host, 4);
        rig_close(r);
}
END_TEST

/* corosync is restarted: hawd is stopped before it, and started after it. */
START_TEST(a_stop_and_the_ring_soon_after_has_its_grace) {
        struct rig *r = open_rig();

        BY(r, 1, .kind = OP_GUEST_ADD, .spec = led_spec("web"), .host = 4);
        BY(r, 4, .kind = OP_HOST_STOPPING, .host = 4, .incarnation = INCARNATION(4));
        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3, 4));
        rig_pass(r, USEC_PER_SEC);
        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3));
        rig_pass(r, 28 * USEC_PER_SEC);
        ck_assert_ptr_null(rig_op(r, OP_HOST_LOST));
        rig_pass(r, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_op(r, OP_HOST_LOST)->host, 4);
        rig_close(r);
}
END_TEST

START_TEST(away_is_never_lost) {
        struct rig *r = open_rig();

        BY(r, 4, .kind = OP_HOST_STOPPING, .host = 4, .incarnation = INCARNATION(4));
        ck_assert_int_eq(node(r, 4)->state, HOST_AWAY);
        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3));
        rig_pass(r, 600 * USEC_PER_SEC);
        ck_assert_ptr_null(rig_op(r, OP_HOST_LOST));
        rig_close(r);
}
END_TEST

START_TEST(online_after_report_and_fencing) {
        struct rig *r = open_rig();

        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3));
        ck_assert_int_eq(node(r, 4)->state, HOST_FENCING);
        rig_group(r, MASK(1, 2, 3, 4), MASK(1, 2, 3, 4));
        BY(r, 4, .kind = OP_HOST_JOIN, .host = 4, .incarnation = 9);
        BY(r, 4, .kind = OP_HOST_REPORT, .host = 4, .incarnation = 9);
        ck_assert_ptr_null(rig_op(r, OP_HOST_ONLINE)); /* its fencing has not ended */
        fenced(r, FENCE_CANCELLED);
        ck_assert_uint_eq(rig_ops(r, OP_HOST_ONLINE), 1);
        ck_assert_int_eq(node(r, 4)->state, HOST_ONLINE);
        rig_close(r);
}
END_TEST

/* ---- the ladder ------------------------------------------------------------------------------ */

START_TEST(levels_in_turn_with_pauses) {
        struct rig *r = open_rig();
        const struct op *op;

        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3));
        op = rig_op(r, OP_FENCE_START);
        ck_assert_uint_eq(op->level, 1);
        ck_assert_str_eq(op->devices[0], "bmc4");
        ck_assert_uint_eq(op->n_devices, 1);
        ck_assert_uint_eq(op->loss, 1);
        ck_assert_uint_eq(op->budget_usec, 20 * USEC_PER_SEC);
        fenced(r, FENCE_FAILED);
        op = rig_op(r, OP_FENCE_START); /* the next level at once */
        ck_assert_uint_eq(op->level, 2);
        ck_assert_str_eq(op->devices[0], "pdu4");
        fenced(r, FENCE_FAILED);
        ck_assert_uint_eq(rig_model(r)->n_fence_jobs, 0); /* a pause before the second round */
        rig_pass(r, 1900 * USEC_PER_MSEC);
        ck_assert_uint_eq(rig_model(r)->n_fence_jobs, 0);
        rig_pass(r, 200 * USEC_PER_MSEC);
        ck_assert_uint_eq(rig_model(r)->n_fence_jobs, 1);
        ck_assert_uint_eq(rig_op(r, OP_FENCE_START)->level, 1);
        fenced(r, FENCE_FAILED);
        fenced(r, FENCE_FAILED);
        rig_pass(r, 3900 * USEC_PER_MSEC); /* and a longer one before the third */
        ck_assert_uint_eq(rig_model(r)->n_fence_jobs, 0);
        rig_pass(r, 200 * USEC_PER_MSEC);
        ck_assert_uint_eq(rig_model(r)->n_fence_jobs, 1);
        rig_close(r);
}
END_TEST

START_TEST(never_gives_up) {
        struct rig *r = open_rig();

        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3));
        for (unsigned i = 0; i < 30; i++) {
                rig_pass(r, 61 * USEC_PER_SEC);
                ck_assert_uint_eq(rig_model(r)->n_fence_jobs, 1);
                fenced(r, FENCE_FAILED);
                rig_clear(r);
        }
        rig_close(r);
}
END_TEST

/* Who reached the device last does it; the others take over when it fails. */
START_TEST(executor_is_who_reached_it_then_the_others) {
        struct rig *r = open_rig();
        uint32_t seen = 0;

        BY(r, 3, .kind = OP_DEVICE_SEEN, .name = "bmc4", .host = 4, .executor = 3,
           .reading = READING_ON);
        BY(r, 3, .kind = OP_DEVICE_SEEN, .name = "pdu4", .host = 4, .executor = 3,
           .reading = READING_ON);
        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3));
        ck_assert_uint_eq(rig_op(r, OP_FENCE_START)->executor, 3);
        for (unsigned i = 0; i < 3; i++) {
                seen |= 1u << rig_model(r)->fence_jobs[0].executor;
                fenced(r, FENCE_FAILED);
                rig_pass(r, 5 * USEC_PER_SEC);
        }
        ck_assert_uint_eq(seen, MASK(1, 2, 3));
        rig_close(r);
}
END_TEST

START_TEST(executor_is_in_the_group_and_not_the_lost_one) {
        struct rig *r = open_rig();

        BY(r, 4, .kind = OP_DEVICE_SEEN, .name = "bmc3", .host = 3, .executor = 4,
           .reading = READING_ON);
        rig_group(r, MASK(1, 2), MASK(1, 2, 4)); /* node4's hawd is not there */
        rig_pass(r, USEC_PER_SEC);
        if (rig_op(r, OP_FENCE_START))
                ck_assert_uint_le(rig_op(r, OP_FENCE_START)->executor, 2);
        rig_close(r);
        r = open_rig();
        BY(r, 4, .kind = OP_DEVICE_SEEN, .name = "bmc4", .host = 4, .executor = 4,
           .reading = READING_ON);
        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3));
        ck_assert_uint_ne(rig_op(r, OP_FENCE_START)->executor, 4);
        rig_close(r);
}
END_TEST

START_TEST(all_devices_of_the_level_and_the_longest_budget) {
        struct rig *r = open_rig();

        rig_device(r, "bmc4b", "node4", 1)->timeout_usec = 33 * USEC_PER_SEC;
        BY(r, 1, .kind = OP_DEVICE_SEEN, .name = "bmc4b", .host = 4, .executor = 1,
           .reading = READING_ON);
        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3));
        ck_assert_uint_eq(rig_op(r, OP_FENCE_START)->n_devices, 2);
        ck_assert_str_eq(rig_op(r, OP_FENCE_START)->devices[1], "bmc4b");
        ck_assert_uint_eq(rig_op(r, OP_FENCE_START)->budget_usec, 33 * USEC_PER_SEC);
        rig_close(r);
}
END_TEST

START_TEST(no_device_says_so_once) {
        struct rig *r = open_rig();

        r->config.n_devices = 0;
        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3));
        ck_assert_uint_eq(rig_ops(r, OP_FENCE_WAIT), 1);
        ck_assert_ptr_nonnull(strstr(node(r, 4)->fence_error, "hawctl fence confirm node4 --yes"));
        rig_pass(r, 30 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_FENCE_WAIT), 1);
        ck_assert_uint_eq(rig_ops(r, OP_FENCE_START), 0);
        rig_close(r);
}
END_TEST

START_TEST(back_in_the_group_is_not_fenced) {
        struct rig *r = open_rig();

        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3));
        fenced(r, FENCE_FAILED);
        rig_group(r, MASK(1, 2, 3, 4), MASK(1, 2, 3, 4));
        fenced(r, FENCE_FAILED);
        rig_clear(r);
        rig_pass(r, 60 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_FENCE_START), 0);
        BY(r, 1, .kind = OP_FENCE_REQUEST, .host = 4, .text = "ann"); /* unless somebody asks */
        rig_pass(r, 60 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_FENCE_START), 1);
        rig_close(r);
}
END_TEST

/* Asked for by a person, a level that may prove nothing is switched off; once it reads off, it is
 * not switched again. */
START_TEST(read_off_is_not_switched_again) {
        struct rig *r = open_rig();

        BY(r, 1, .kind = OP_DEVICE_SEEN, .name = "bmc3", .host = 3, .executor = 1,
           .reading = READING_OFF, .flag = true);
        BY(r, 1, .kind = OP_FENCE_REQUEST, .host = 3, .text = "ann");
        rig_group(r, MASK(1, 2, 4), MASK(1, 2, 4));
        ck_assert_uint_eq(rig_ops(r, OP_FENCE_START), 1);
        fenced(r, FENCE_FAILED);
        rig_clear(r);
        rig_pass(r, 60 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_FENCE_START), 1);
        fenced(r, FENCE_PROVEN_OFF);
        rig_clear(r);
        rig_pass(r, 300 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_FENCE_START), 0);
        ck_assert_ptr_nonnull(strstr(node(r, 3)->fence_error, "hawctl fence confirm node3 --yes"));
        rig_close(r);
}
END_TEST

/* An off that was called off came late: the device alone is switched on again, with pauses. */
START_TEST(own_late_off_is_switched_on_again) {
        struct rig *r = open_rig();

        BY(r, 1, .kind = OP_DEVICE_OFF, .name = "pdu4", .host = 4, .wall = rig_wall(r->now));
        BY(r, 1, .kind = OP_DEVICE_SEEN, .name = "pdu4", .host = 4, .executor = 1,
           .reading = READING_OFF, .flag = true, .wall = rig_wall(r->now));
        rig_pass(r, USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_FENCE_START), 1);
        ck_assert_int_eq(rig_op(r, OP_FENCE_START)->fence_kind, FENCE_ON);
        ck_assert_uint_eq(rig_op(r, OP_FENCE_START)->n_devices, 1);
        ck_assert_str_eq(rig_op(r, OP_FENCE_START)->devices[0], "pdu4");
        fenced(r, FENCE_FAILED);
        rig_clear(r);
        rig_pass(r, r->config.fence_check_usec - USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_FENCE_START), 0);
        rig_pass(r, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_FENCE_START), 1);
        fenced(r, FENCE_IS_ON);
        BY(r, 1, .kind = OP_DEVICE_SEEN, .name = "pdu4", .host = 4, .executor = 1,
           .reading = READING_ON);
        rig_clear(r);
        rig_pass(r, 10 * r->config.fence_check_usec);
        ck_assert_uint_eq(rig_ops(r, OP_FENCE_START), 0);
        rig_close(r);
}
END_TEST

/* A device that no hawd.conf has any more is forgotten, unless its host may be proven off by it. */
START_TEST(device_of_no_conf_is_forgotten) {
        struct rig *r = open_rig();
        struct model *m = rig_model(r);

        ck_assert_ptr_nonnull(model_device(m, "pdu4"));
        m->hosts[2].facts.config_hash ^= 1; /* it has the device, perhaps */
        BY(r, 1, .kind = OP_DEVICE_SEEN, .name = "old4", .host = 4, .executor = 1,
           .reading = READING_ON);
        rig_pass(r, 5 * USEC_PER_SEC);
        ck_assert_ptr_nonnull(model_device(m, "old4"));
        m->hosts[2].facts.config_hash ^= 1;
        rig_pass(r, 5 * USEC_PER_SEC);
        ck_assert_ptr_null(model_device(m, "old4"));
        ck_assert_ptr_nonnull(model_device(m, "pdu4"));
        m->hosts[2].facts.config_hash ^= 1;
        BY(r, 1, .kind = OP_DEVICE_SEEN, .name = "old4", .host = 4, .executor = 1,
           .reading = READING_ON);
        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3));
        m->hosts[2].facts.config_hash ^= 1;
        rig_pass(r, 5 * USEC_PER_SEC);
        ck_assert_ptr_nonnull(model_device(m, "old4")); /* node4 is lost */
        rig_close(r);
}
END_TEST

/* Nothing ends in silence: who gives up says so, once, and what is left to do. */
START_TEST(not_switched_on_is_said) {
        struct rig *r = open_rig();

        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3));
        fenced(r, FENCE_PROVEN_OFF);
        for (unsigned i = 0; i < 900; i++) {
                if (rig_model(r)->n_fence_jobs)
                        fenced(r, FENCE_FAILED);
                rig_pass(r, USEC_PER_SEC);
        }
        ck_assert_ptr_nonnull(strstr(node(r, 4)->fence_error, "switch it on by hand"));
        ck_assert_uint_eq(rig_ops(r, OP_FENCE_WAIT), 1);
        rig_close(r);
}
END_TEST

/* One of two that says that it leaves takes its vote with it; not the hawd that came after it,
 * though it has not joined yet. */
START_TEST(vote_of_who_leaves) {
        struct rig *r = open_as(1, 2);

        node(r, 2)->incarnation -= (uint64_t)_i; /* of the one before */
        BY(r, 2, .kind = OP_HOST_STOPPING, .host = 2, .incarnation = node(r, 2)->incarnation);
        rig_pass(r, USEC_PER_SEC);
        ck_assert(node(r, 2)->left_announced);
        ck_assert_uint_eq(rig_ops(r, OP_HOST_VOTE), _i ? 0 : 1);
        rig_close(r);
}
END_TEST

START_TEST(switched_on_after_the_fence) {
        struct rig *r = open_rig();

        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3));
        fenced(r, FENCE_PROVEN_OFF);
        ck_assert_int_eq(node(r, 4)->state, HOST_OFF);
        ck_assert_int_eq(rig_op(r, OP_FENCE_START)->fence_kind, FENCE_ON);
        fenced(r, FENCE_IS_ON);
        rig_clear(r);
        rig_pass(r, 50 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_FENCE_START), 0);
        rig_pass(r, 50 * USEC_PER_SEC); /* one more look, then it is left alone */
        ck_assert_uint_eq(rig_ops(r, OP_FENCE_START), 1);
        fenced(r, FENCE_IS_ON);
        rig_clear(r);
        rig_pass(r, 200 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_FENCE_START), 0);
        rig_close(r);
        r = open_rig();
        r->config.after_fence = AFTER_FENCE_OFF;
        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3));
        fenced(r, FENCE_PROVEN_OFF);
        rig_clear(r);
        rig_pass(r, 100 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_FENCE_START), 0);
        rig_close(r);
}
END_TEST

/* ---- orphans --------------------------------------------------------------------------------- */

/* node3 fences node4 and is lost: its child may still switch until its budget has surely run out.
 */
static struct rig *orphan(uint64_t *ret_job) {
        struct rig *r = open_rig();

        BY(r, 3, .kind = OP_DEVICE_SEEN, .name = "bmc4", .host = 4, .executor = 3,
           .reading = READING_ON);
        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3));
        *ret_job = rig_model(r)->fence_jobs[0].id;
        ck_assert_uint_eq(rig_model(r)->fence_jobs[0].executor, 3);
        rig_clear(r);
        return r;
}

START_TEST(orphan_is_closed_after_budget_and_margin) {
        uint64_t job;
        struct rig *r = orphan(&job);

        rig_group(r, MASK(1, 2, 4),
                  MASK(1, 2, 3, 4));    /* node4 keeps the majority, node3's hawd is gone */
        rig_pass(r, 24 * USEC_PER_SEC); /* budget 20 s, margin 5 s */
        ck_assert_ptr_null(rig_op(r, OP_FENCE_CLOSE));
        ck_assert_ptr_nonnull(model_fence_job(rig_model(r), job));
        rig_pass(r, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_op(r, OP_FENCE_CLOSE)->job, job);
        ck_assert_ptr_null(model_fence_job(rig_model(r), job));
        rig_close(r);
}
END_TEST

START_TEST(orphan_whose_executor_returns_counts_anew) {
        uint64_t job;
        struct rig *r = orphan(&job);

        rig_group(r, MASK(1, 2, 4), MASK(1, 2, 3, 4));
        rig_pass(r, 20 * USEC_PER_SEC);
        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3));
        rig_pass(r, 100 * USEC_PER_SEC);
        ck_assert_ptr_null(rig_op(r, OP_FENCE_CLOSE));
        rig_group(r, MASK(1, 2, 4), MASK(1, 2, 3, 4));
        rig_pass(r, 20 * USEC_PER_SEC);
        ck_assert_ptr_null(rig_op(r, OP_FENCE_CLOSE));
        rig_pass(r, 6 * USEC_PER_SEC);
        ck_assert_ptr_nonnull(rig_op(r, OP_FENCE_CLOSE));
        rig_close(r);
}
END_TEST

/* node2 saw the executor gone while it led; then node1 led and the executor was back, and may have
 * begun anew: its budget counts from when it is gone again. */
START_TEST(orphan_counts_anew_with_leadership) {
        struct rig *r = open_as(2, 5);

        BY(r, 1, .kind = OP_HOST_LOST, .host = 4, .text = "test");
        BY(r, 1, .kind = OP_FENCE_START, .host = 4, .loss = 1, .executor = 5, .level = 1,
           .devices = {"bmc4"}, .n_devices = 1, .budget_usec = 20 * USEC_PER_SEC);
        rig_group(r, MASK(2, 3, 4), MASK(1, 2, 3, 4, 5));
        rig_pass(r, 20 * USEC_PER_SEC);
        rig_group(r, MASK(1, 2, 3, 4, 5), MASK(1, 2, 3, 4, 5));
        rig_pass(r, 100 * USEC_PER_SEC);
        rig_group(r, MASK(2, 3, 4), MASK(1, 2, 3, 4, 5));
        rig_pass(r, 24 * USEC_PER_SEC);
        ck_assert_ptr_null(rig_op(r, OP_FENCE_CLOSE));
        rig_pass(r, 2 * USEC_PER_SEC);
        ck_assert_ptr_nonnull(rig_op(r, OP_FENCE_CLOSE));
        rig_close(r);
}
END_TEST

/* ---- members --------------------------------------------------------------------------------- */

START_TEST(removed_only_when_nothing_can_run_there) {
        struct conf_node nodes[] = {{1, "node1"}, {2, "node2"}, {3, "node3"}};
        struct rig *r = open_rig();

        EVENT(r, .kind = EV_NODELIST, .nodelist = {.nodes = nodes, .n_nodes = 3});
        ck_assert_ptr_null(rig_op(r, OP_HOST_REMOVE)); /* in the group */
        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3));
        ck_assert_ptr_null(rig_op(r, OP_HOST_REMOVE)); /* lost */
        ck_assert_int_eq(node(r, 4)->state, HOST_FENCING);
        r->config.after_fence = AFTER_FENCE_OFF;
        fenced(r, FENCE_PROVEN_OFF);
        ck_assert_uint_eq(rig_ops(r, OP_HOST_REMOVE), 1);
        ck_assert_ptr_null(node(r, 4));
        rig_close(r);
}
END_TEST

/* Its devices are of its name, and would switch both. */
START_TEST(known_under_another_id_waits_for_the_old_one) {
        struct conf_node nodes[] = {{1, "node1"}, {2, "node2"}, {3, "node3"}, {5, "node4"}};
        struct core_waiting w[HOSTS_MAX];
        struct rig *r = open_rig();

        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3));
        r->config.after_fence = AFTER_FENCE_OFF;
        EVENT(r, .kind = EV_NODELIST, .nodelist = {.nodes = nodes, .n_nodes = 4});
        ck_assert_ptr_null(rig_op(r, OP_HOST_ADD));
        ck_assert_ptr_null(node(r, 5));
        ck_assert_uint_eq(core_waiting(r->c, w), 1);
        ck_assert_uint_eq(w[0].nodeid, 5);
        ck_assert_uint_eq(w[0].holder, 4);
        ck_assert_str_eq(w[0].name, "node4");
        ck_assert_str_eq(w[0].why,
                         "the ledger knows node4 as node 4, which is not in the nodelist any more "
                         "but cannot be forgotten yet: it is lost and not proven off");
        ck_assert_str_eq(w[0].mend, "hawctl explain host node4 says what helps");
        fenced(r, FENCE_PROVEN_OFF);
        ck_assert_uint_eq(core_waiting(r->c, w), 0);
        ck_assert_ptr_null(node(r, 4));
        ck_assert_ptr_nonnull(node(r, 5));
        rig_close(r);
}
END_TEST

/* What keeps the old one: what @why names. */
static void kept_since(struct rig *r, const char *why, const char *mend) {
        struct conf_node nodes[] = {{1, "node1"}, {2, "node2"}, {3, "node3"}, {5, "node4"}};
        struct core_waiting w[HOSTS_MAX];

        EVENT(r, .kind = EV_NODELIST, .nodelist = {.nodes = nodes, .n_nodes = 4});
        ck_assert_uint_eq(core_waiting(r->c, w), 1);
        ck_assert_msg(strstr(w[0].why, why) != NULL, "%s", w[0].why);
        ck_assert_msg(strstr(w[0].mend, mend) != NULL, "%s", w[0].mend);
}

START_TEST(who_waits_for_a_name_is_told_why) {
        struct rig *r = open_rig();

        kept_since(r, "its hawd still takes part", "systemctl stop hawd corosync");
        BY(r, 1, .kind = OP_GUEST_ADD, .spec = led_spec("web"), .desired = DESIRED_STOPPED);
        node(r, 4)->state = HOST_QUARANTINED;
        rig_group(r, MASK(1, 2, 3), MASK(1, 2, 3, 4));
        kept_since(r, "it is quarantined", "hawctl explain host node4");
        rig_model(r)->guests[0].claims = 1u << 3;
        kept_since(r, "it is quarantined, and 1 guest may run there", "guest list --host node4");
        rig_close(r);
}
END_TEST

/* The 33rd is not proposed again and again: others come and go meanwhile. */
START_TEST(a_full_ledger_takes_nobody_in) {
        struct conf_node nodes[] = {{1, "node1"}, {2, "node2"}, {3, "node3"}, {5, "node5"}};
        struct core_waiting w[HOSTS_MAX];
        struct rig *r = open_rig();
        struct model *m = rig_model(r);

        r->config.after_fence = AFTER_FENCE_OFF;
        while (m->n_hosts < HOSTS_MAX) {
                struct host *h = &m->hosts[m->n_hosts++];

                *h = (struct host){
                        .nodeid = 100 + (uint32_t)m->n_hosts, .state = HOST_LOST, .no_vote = true};
                text_fmt(h->name, sizeof(h->name), "old%u", h->nodeid);
        }
        EVENT(r, .kind = EV_NODELIST, .nodelist = {.nodes = nodes, .n_nodes = 4});
        ck_assert_ptr_null(rig_op(r, OP_HOST_ADD));
        ck_assert_uint_eq(core_waiting(r->c, w), 1);
        ck_assert_uint_eq(w[0].holder, 0);
        ck_assert_ptr_nonnull(strstr(w[0].why, "holds no more"));
        BY(r, 1, .kind = OP_FENCE_CONFIRM, .host = m->hosts[HOSTS_MAX - 1].nodeid, .text = "ann");
        ck_assert_ptr_nonnull(rig_op(r, OP_HOST_REMOVE)); /* there is room again */
        ck_assert_ptr_nonnull(rig_op(r, OP_HOST_ADD));
        ck_assert_uint_eq(core_waiting(r->c, w), 0);
        rig_close(r);
}
END_TEST

START_TEST(renamed_by_the_nodelist) {
        struct conf_node nodes[] = {{1, "node2"}, {2, "node1"}, {3, "web3"}, {4, "node4"}};
        struct core_waiting w[HOSTS_MAX];
        struct rig *r = open_rig();

        EVENT(r, .kind = EV_NODELIST, .nodelist = {.nodes = nodes, .n_nodes = 4});
        ck_assert_uint_eq(rig_ops(r, OP_HOST_RENAME), 1);
        ck_assert_str_eq(node(r, 3)->name, "web3");
        /* Names that are swapped would swap what fences whom: nobody takes another's. */
        ck_assert_str_eq(node(r, 1)->name, "node1");
        ck_assert_str_eq(node(r, 2)->name, "node2");
        ck_assert_uint_eq(core_waiting(r->c, w), 2);
        ck_assert_uint_eq(w[0].nodeid, 1);
        ck_assert_uint_eq(w[0].holder, 2);
        ck_assert_str_eq(w[0].why,
                         "node 2 still has the name node2: it waits itself, for the name node1");
        ck_assert_ptr_nonnull(strstr(w[0].mend, "call node 2 something that no host is called"));
        rig_clear(r);
        EVENT(r, .kind = EV_NODELIST, .nodelist = {.nodes = nodes, .n_nodes = 4});
        ck_assert_ptr_null(rig_op(r, OP_HOST_RENAME));
        rig_close(r);
}
END_TEST

/* S7: as a member that does not lead: it has met a hawd that is not the one which announced. */
START_TEST(who_met_another_hawd_says_so) {
        struct rig *r = rig_new();
        struct host *h;
        struct led l;

        led_open(&l, 3);
        h = model_host(&l.m, 3);
        h->watchdog_usec = h->lease_usec = 10 * USEC_PER_SEC;
        h->incarnation += (uint64_t)_i;
        rig_open(r, &l, 2, false);
        rig_pass(r, 7 * USEC_PER_SEC);
        ck_assert_int_eq(rig_op(r, OP_HOST_WATCHDOG) != NULL, _i);
        ck_assert_uint_eq(model_host(rig_model(r), 3)->watchdog_usec, _i ? 0 : 10 * USEC_PER_SEC);
        rig_close(r);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("lead_hosts");
        TCase *tc = unit_case(s, "loss");

        tcase_add_test(tc, out_of_the_ring_is_lost_at_once);
        tcase_add_test(tc, only_the_leader_decides);
        tcase_add_test(tc, daemon_gets_its_grace_while_corosync_stays);
        tcase_add_test(tc, grace_ends_when_the_ring_loses_it_too);
        tcase_add_test(tc, grace_counts_anew_after_a_return);
        tcase_add_test(tc, grace_counts_anew_with_leadership);
        tcase_add_test(tc, grace_goes_on_over_changes_of_others);
        tcase_add_test(tc, unsupervised_is_not_lost_while_in_the_ring);
        tcase_add_test(tc, a_stop_and_the_ring_soon_after_has_its_grace);
        tcase_add_test(tc, away_is_never_lost);
        tcase_add_test(tc, online_after_report_and_fencing);
        tc = unit_case(s, "ladder");
        tcase_add_test(tc, levels_in_turn_with_pauses);
        tcase_add_test(tc, pause_goes_on_over_changes_of_others);
        tcase_add_test(tc, never_gives_up);
        tcase_add_test(tc, executor_is_who_reached_it_then_the_others);
        tcase_add_test(tc, executor_is_in_the_group_and_not_the_lost_one);
        tcase_add_test(tc, all_devices_of_the_level_and_the_longest_budget);
        tcase_add_test(tc, no_device_says_so_once);
        tcase_add_test(tc, back_in_the_group_is_not_fenced);
        tcase_add_test(tc, read_off_is_not_switched_again);
        tcase_add_test(tc, own_late_off_is_switched_on_again);
        tcase_add_loop_test(tc, vote_of_who_leaves, 0, 2);
        tcase_add_test(tc, switched_on_after_the_fence);
        tcase_add_test(tc, not_switched_on_is_said);
        tcase_add_test(tc, device_of_no_conf_is_forgotten);
        tc = unit_case(s, "orphans");
        tcase_add_test(tc, orphan_is_closed_after_budget_and_margin);
        tcase_add_test(tc, orphan_whose_executor_returns_counts_anew);
        tcase_add_test(tc, orphan_counts_anew_with_leadership);
        tcase_add_test(tc, removed_only_when_nothing_can_run_there);
        tcase_add_test(tc, known_under_another_id_waits_for_the_old_one);
        tcase_add_test(tc, renamed_by_the_nodelist);
        tcase_add_test(tc, who_waits_for_a_name_is_told_why);
        tcase_add_test(tc, a_full_ledger_takes_nobody_in);
        tcase_add_loop_test(tc, who_met_another_hawd_says_so, 0, 2);
        return s;
}

UNIT_MAIN(suite)
