/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When the leader has a guest's disks copied (anew): each condition by itself, and the pauses.
 */
#include "tests/unit/rig_fixture.h"

#define SEC USEC_PER_SEC
#define MINUTE USEC_PER_MINUTE

/* node1 leads; "web" (gid 1) runs, healthy, on node2, and is to be copied to node3. */
static void open_led(struct led *l) {
        struct guest *g;

        led_open(l, 3);
        led_running(l, "web", 2);
        g = &l->m.guests[0];
        g->health = HEALTH_HEALTHY;
        g->spec->conf.replica.mode = REPLICA_MODE_SYNC;
        text_set(g->spec->conf.replica.host, NAME_LEN, "node3");
        g->replica.data = 2;
        g->replica.host = 3;
}

static struct rig *open_rig(struct led *l) {
        struct rig *r = rig_new();

        rig_open(r, l, 1, false);
        return r;
}

static size_t begun(const struct rig *r) {
        return rig_ops(r, OP_REPLICA_BEGIN);
}

static void as_it_is(struct led *l) {
        (void)l;
}

static void not_wanted(struct led *l) {
        l->m.guests[0].spec->conf.replica.mode = REPLICA_MODE_NONE;
}

static void no_data_yet(struct led *l) {
        l->m.guests[0].replica.data = 0;
}

static void copy_has_no_host(struct led *l) {
        l->m.guests[0].replica.host = 0;
}

static void copied_already(struct led *l) {
        l->m.guests[0].replica.state = REPLICA_COPYING;
}

static void in_step(struct led *l) {
        l->m.guests[0].replica.state = REPLICA_IN_STEP;
}

static void booting(struct led *l) {
        l->m.guests[0].health = HEALTH_BOOTING;
}

static void paused(struct led *l) {
        l->m.guests[0].state = GUEST_PAUSED;
}

static void wanted_stopped(struct led *l) {
        l->m.guests[0].desired = DESIRED_PAUSED;
}

static void ails(struct led *l) {
        l->m.guests[0].recovery.why = END_IO_ERROR;
}

static void elsewhere(struct led *l) {
        l->m.guests[0].replica.data = 1;
}

static void two_claims(struct led *l) {
        l->m.guests[0].claims |= 1u;
}

static void from_the_copy(struct led *l) {
        l->m.guests[0].promoting = 1;
}

static void data_degraded(struct led *l) {
        model_host(&l->m, 2)->state = HOST_DEGRADED;
}

static void copy_degraded(struct led *l) {
        model_host(&l->m, 3)->state = HOST_DEGRADED;
}

static void just_broken(struct led *l) { /* the trouble may go on */
        l->m.guests[0].replica.state = REPLICA_BROKEN;
        l->m.guests[0].replica.since_wall = rig_wall(100 * SEC);
}

static void behind_since_long(struct led *l) {
        l->m.guests[0].replica.state = REPLICA_BEHIND;
        l->m.guests[0].replica.since_wall = rig_wall(100 * SEC) - 2 * MINUTE;
}

static const struct {
        void (*make)(struct led *l);
        bool begins;
} rows[] = {
        {as_it_is, true},
        {behind_since_long, true},
        {not_wanted, false},
        {no_data_yet, false},
        {copy_has_no_host, false},
        {copied_already, false},
        {in_step, false},
        {booting, false},
        {paused, false},
        {wanted_stopped, false},
        {ails, false},
        {elsewhere, false},
        {two_claims, false},
        {from_the_copy, false},
        {data_degraded, false},
        {copy_degraded, false},
        {just_broken, false},
};

START_TEST(begins) {
        const struct op *op;
        struct led l;
        struct rig *r;

        open_led(&l);
        rows[_i].make(&l);
        r = open_rig(&l);
        r->lose_entries = true;
        rig_pass(r, SEC);
        op = rig_op(r, OP_REPLICA_BEGIN);
        ck_assert_int_eq(op != NULL, rows[_i].begins);
        if (op) {
                ck_assert_uint_eq(op->gid, 1);
                ck_assert_uint_eq(op->host, 3);
                ck_assert_uint_ne(op->guest_version, 0); /* it may have changed meanwhile */
                ck_assert_uint_eq(op->budget_usec, r->config.replica_hold_usec);
        }
        rig_close(r);
}
END_TEST

/* Neither host may be away; which one came back is no matter. */
START_TEST(both_are_there) {
        uint32_t all = 1u << 1 | 1u << 2 | 1u << 3, away = _i ? 1u << 2 : 1u << 3;
        struct led l;
        struct rig *r;

        open_led(&l);
        l.m.guests[0].replica.state = REPLICA_COPYING;
        r = open_rig(&l);
        rig_group(r, all & ~away, all);
        rig_clear(r);
        model_guest(rig_model(r), 1)->replica.state = REPLICA_NONE;
        rig_pass(r, 5 * SEC); /* in the ring, within daemon-grace */
        ck_assert_uint_eq(begun(r), 0);
        rig_close(r);
}
END_TEST

static void broke_off(struct rig *r) {
        struct guest *g = model_guest(rig_model(r), 1);

        ck_assert_int_eq(g->replica.state, REPLICA_COPYING);
        BY(r, 2, .kind = OP_REPLICA_SAYS, .gid = 1, .host = 2, .serial = g->replica.serial,
           .gen = g->gen, .replica_state = REPLICA_BEHIND, .text = "it broke off");
        ck_assert_int_eq(g->replica.state, REPLICA_NONE);
}

/* Return: after how long it is begun. */
static usec_t begun_after(struct rig *r) {
        usec_t from = r->now;

        rig_clear(r);
        while (begun(r) == 0) {
                rig_pass(r, SEC);
                ck_assert_uint_lt(r->now, from + 70 * MINUTE);
        }
        return r->now - from;
}

/* One that breaks off again and again is begun more and more seldom, up to an hour; a person may
 * ask at once. */
START_TEST(pauses_double) {
        struct led l;
        struct rig *r;

        open_led(&l);
        r = open_rig(&l);
        ck_assert_uint_eq(begun(r), 1);
        for (unsigned k = 0; k < 8; k++) {
                usec_t pause = MIN(MINUTE << k, 60 * MINUTE), t;

                broke_off(r);
                t = begun_after(r);
                ck_assert_uint_ge(t, pause - SEC);
                ck_assert_uint_le(t, pause + SEC);
        }
        broke_off(r);
        rig_clear(r);
        BY(r, 2, .kind = OP_REPLICA_RESYNC, .gid = 1, .text = "ann");
        rig_pass(r, SEC);
        ck_assert_uint_eq(begun(r), 1);
        rig_close(r);
}
END_TEST

/* In step for ten minutes: the pauses begin anew. */
START_TEST(proven_begins_anew) {
        struct led l;
        struct rig *r;
        struct guest *g;

        open_led(&l);
        r = open_rig(&l);
        g = model_guest(rig_model(r), 1);
        for (unsigned k = 0; k < 4; k++) {
                broke_off(r);
                (void)begun_after(r);
        }
        g->replica.state = REPLICA_IN_STEP;
        g->replica.since_wall = rig_wall(r->now) - (_i ? 0 : 11 * MINUTE);
        rig_pass(r, 9 * MINUTE); /* the last pause but a bit is over */
        g->replica.state = REPLICA_NONE;
        (void)begun_after(r);
        broke_off(r);
        ck_assert_int_eq(begun_after(r) < 2 * MINUTE, !_i);
        rig_close(r);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("lead_replica");
        TCase *tc = unit_case(s, "lead_replica");

        tcase_add_loop_test(tc, begins, 0, (int)ARRAY_SIZE(rows));
        tcase_add_loop_test(tc, both_are_there, 0, 2);
        tcase_add_test(tc, pauses_double);
        tcase_add_loop_test(tc, proven_begins_anew, 0, 2);
        return s;
}

UNIT_MAIN(suite)
