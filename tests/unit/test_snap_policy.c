/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When the leader asks for a snapshot of a guest, and which it lets go.
 */
#include "hawd/core/snap_policy.h"
#include "tests/unit/ledger_fixture.h"

#define HOUR (60 * USEC_PER_MINUTE)

static usec_t next(struct led *l, uint32_t gid, const char *schedule) {
        text_set(G(l, gid)->spec->conf.snapshot, SCHEDULE_LEN, schedule);
        return snap_next(&l->m, G(l, gid), l->wall);
}

START_TEST(never_without_a_schedule) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        ck_assert_uint_eq(next(&l, gid, ""), USEC_INFINITY);
        ck_assert_uint_eq(next(&l, gid, "off"), USEC_INFINITY);
        ck_assert_uint_eq(next(&l, gid, "nonsense"), USEC_INFINITY);
        led_close(&l);
}
END_TEST

START_TEST(the_first_at_once_and_then_by_schedule) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        ck_assert_uint_eq(next(&l, gid, "1h"), l.wall);
        APPLY(&l, .kind = OP_SNAP_TAKE, .gid = gid, .name = "by-hand", .flag = true);
        ck_assert_uint_eq(next(&l, gid, "1h"), l.wall); /* that was none by schedule */
        G(&l, gid)->snaps->wish = (struct snap_wish){0};
        APPLY(&l, .kind = OP_SNAP_TAKE, .gid = gid, .name = "auto-2");
        ck_assert_uint_eq(next(&l, gid, "1h"), l.wall + HOUR);
        ck_assert_uint_eq(next(&l, gid, "auto"), l.wall + 24 * HOUR); /* nothing is known yet */
        led_close(&l);
}
END_TEST

/* What fails more often is taken more often. */
START_TEST(auto_reckons_with_its_incidents) {
        struct led l;
        uint32_t gid;
        usec_t seldom, often;

        led_open(&l, 2);
        l.wall = 1000 * HOUR;
        gid = led_running(&l, "web", 2);
        G(&l, gid)->snaps = snaps_new();
        G(&l, gid)->snaps->taken_wall = l.wall;
        G(&l, gid)->snaps->pause_usec = USEC_PER_SEC;
        G(&l, gid)->recovery.healthy_wall = l.wall - 500 * HOUR;
        seldom = next(&l, gid, "auto");
        for (unsigned i = 0; i < 50; i++) {
                struct incident *x = model_incident_add(&l.m);

                x->kind = INCIDENT_GUEST;
                x->gid = gid;
                x->at[STEP_DETECTED] = l.wall - (500 - 10 * i) * HOUR;
        }
        often = next(&l, gid, "auto");
        ck_assert_uint_gt(often, l.wall);
        ck_assert_uint_lt(often, seldom);
        led_close(&l);
}
END_TEST

START_TEST(retention_of_the_settings) {
        struct conf_guest c = {
                .snapshot_keep = {1, 2, 3, 4}, .snapshot_space_mib = 5, .snapshot_left_usec = 6};
        struct retention r = snap_retention(&c);

        ck_assert(r.last == 1 && r.hourly == 2 && r.daily == 3 && r.weekly == 4 &&
                  r.space_mib == 5 && r.left_usec == 6);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("snap_policy");
        TCase *tc = unit_case(s, "all");

        tcase_add_test(tc, never_without_a_schedule);
        tcase_add_test(tc, the_first_at_once_and_then_by_schedule);
        tcase_add_test(tc, auto_reckons_with_its_incidents);
        tcase_add_test(tc, retention_of_the_settings);
        return s;
}

UNIT_MAIN(suite)
