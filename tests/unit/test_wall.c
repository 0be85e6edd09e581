/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Clocks that differ: what a host stamps is by the middle one, so that incidents have parts that
 * can be added up.
 */
#include "tests/unit/rig_fixture.h"

#define A_DAY ((int64_t)(24 * 60 * USEC_PER_MINUTE))

/* node2 of three; "web" runs there. */
static struct rig *open_rig(void) {
        struct rig *r = rig_new();
        struct led l;

        led_open(&l, 3);
        led_running(&l, "web", 2);
        rig_open(r, &l, 2, false);
        rig_libvirt(r, "web", SEEN_RUNNING);
        return r;
}

/* What it stamps with its own clock at @own, as the ledger gets it; less @own. */
static int64_t stamped_now(struct rig *r) {
        struct domain_seen d = rig_seen("web", SEEN_PAUSED);
        const struct op *op;

        rig_clear(r);
        d.wall = rig_wall(r->now);
        EVENT(r, .kind = EV_DOMAIN, .domain = d);
        op = rig_op(r, OP_GUEST_SEEN);
        ck_assert_ptr_nonnull(op);
        ck_assert_uint_eq(op->wall, rig_model(r)->guests[0].since_wall);
        rig_domain(r, "web", SEEN_RUNNING, END_NONE);
        return (int64_t)op->wall - (int64_t)d.wall;
}

/* The same, after heartbeats of all. */
static int64_t stamped(struct rig *r) {
        rig_pass(r, 3 * USEC_PER_SEC);
        return stamped_now(r);
}

static const struct {
        int64_t node1, node3, shift;
} rows[] = {
        {0, 0, 0},
        {A_DAY, 0, 0}, /* theirs is wrong */
        {0, -A_DAY, 0},
        {A_DAY, -A_DAY, 0},
        {A_DAY, A_DAY, A_DAY}, /* ours is */
        {-600 * 1000000, -500 * 1000000, -500 * 1000000},
        {900000, 900000, 0}, /* near enough: what is measured is not better */
        {2000000, 2000000, 2000000},
};

START_TEST(middle_clock_counts) {
        struct rig *r = open_rig();

        r->ahead[1] = rows[_i].node1;
        r->ahead[3] = rows[_i].node3;
        ck_assert_int_eq(stamped(r), rows[_i].shift);
        rig_close(r);
}
END_TEST

/* Measured anew after a clock was set: what came before says nothing. */
START_TEST(clock_that_is_set_counts_at_once) {
        struct rig *r = open_rig();

        ck_assert_int_eq(stamped(r), 0);
        r->ahead[1] = r->ahead[3] = -600 * 1000000;
        ck_assert_int_eq(stamped(r), -600 * 1000000);
        r->ahead[1] = r->ahead[3] = 0;
        ck_assert_int_eq(stamped(r), 0);
        rig_close(r);
}
END_TEST

/* A clock of our own that is set: right at once, not when the next heartbeats have come, one by
 * one. */
START_TEST(own_clock_that_is_set_is_seen_at_once) {
        static const int64_t jumps[] = {2 * A_DAY, -A_DAY, -A_DAY};
        struct rig *r = open_rig();
        int64_t ahead = 0;

        ck_assert_int_eq(stamped(r), 0);
        for (size_t i = 0; i < ARRAY_SIZE(jumps); i++) {
                ahead += jumps[i];
                rig_own_ahead = ahead;
                ck_assert_int_eq(stamped_now(r), -ahead);
                r->ahead[1] = r->ahead[3] = -ahead; /* echoes are by our own clock */
                ck_assert_int_eq(stamped(r), -ahead);
        }
        rig_own_ahead = 0;
        rig_close(r);
}
END_TEST

/* Two are left, one of them wrong: it goes on as it was while there were three. */
START_TEST(of_two_the_one_of_before_counts) {
        struct rig *r = open_rig();

        r->ahead[3] = -600 * 1000000;
        ck_assert_int_eq(stamped(r), 0);
        rig_group(r, 1u << 2 | 1u << 3, 1u << 2 | 1u << 3);
        ck_assert_int_eq(stamped(r), 0);
        rig_close(r);
        r = open_rig();
        r->ahead[1] = r->ahead[3] = 600 * 1000000;
        ck_assert_int_eq(stamped(r), 600 * 1000000);
        rig_group(r, 1u << 2 | 1u << 3, 1u << 2 | 1u << 3);
        ck_assert_int_eq(stamped(r), 600 * 1000000);
        rig_close(r);
}
END_TEST

/* Of the wire: no number of it is reckoned with before it is one. */
START_TEST(a_time_that_is_none_is_not_heard) {
        struct rig *r = open_rig();

        r->ahead[1] = INT64_MAX;
        r->ahead[3] = INT64_MIN;
        ck_assert_int_eq(stamped(r), 0);
        rig_close(r);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("wall");
        TCase *tc = unit_case(s, "clocks");

        tcase_add_loop_test(tc, middle_clock_counts, 0, (int)ARRAY_SIZE(rows));
        tcase_add_test(tc, clock_that_is_set_counts_at_once);
        tcase_add_test(tc, own_clock_that_is_set_is_seen_at_once);
        tcase_add_test(tc, a_time_that_is_none_is_not_heard);
        tcase_add_test(tc, of_two_the_one_of_before_counts);
        return s;
}

UNIT_MAIN(suite)
