/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ledger as a placement problem: which hosts can be used, what is taken, rules by name, slots.
 */
#include "hawd/core/plan.h"
#include "tests/unit/ledger_fixture.h"

static struct config config;

static void open_plan(struct plan *p, struct led *l) {
        config_defaults(&config);
        plan_init(p, &l->m, &config);
}

START_TEST(only_online_hosts_can_be_used) {
        struct plan p;
        struct led l;

        led_open(&l, 3);
        APPLY(&l, .kind = OP_HOST_ADD, .host = 4, .name = "node4");
        led_lose(&l, 2);
        led_join(&l, 3);
        APPLY(&l, .kind = OP_HOST_JOIN, .host = 3, .incarnation = 1);
        open_plan(&p, &l);
        ck_assert_ptr_null(p.hosts[0].unusable);
        ck_assert_str_eq(p.hosts[1].unusable, "lost");
        ck_assert_str_eq(p.hosts[2].unusable, "joining");
        ck_assert_str_eq(p.hosts[3].unusable, "new");
        plan_free(&p);
        H(&l, 1)->facts.memory_mib = config.memory_reserve_mib; /* all of it is reserved */
        open_plan(&p, &l);
        ck_assert_str_eq(p.hosts[0].unusable, "its size is not known yet");
        plan_free(&p);
        led_close(&l);
}
END_TEST

START_TEST(reserve_and_overcommit) {
        struct plan p;
        struct led l;

        led_open(&l, 1);
        open_plan(&p, &l);
        ck_assert_uint_eq(p.hosts[0].memory_mib, 8192 - 512);
        ck_assert_uint_eq(p.hosts[0].vcpus, 16); /* 4 CPUs, 400 % */
        plan_free(&p);
        led_close(&l);
}
END_TEST

/* What may run counts as running, also where its end is unknown. */
START_TEST(a_claim_is_room_taken) {
        struct plan p;
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        led_running(&l, "web", 2);
        gid = led_add(&l, "db");
        led_start(&l, gid, 2);
        led_done(&l, gid, RESULT_UNSETTLED);
        led_add(&l, "waits");
        open_plan(&p, &l);
        ck_assert_uint_eq(p.hosts[1].memory_used_mib, 2048);
        ck_assert_uint_eq(p.hosts[1].vcpus_used, 4);
        ck_assert_uint_eq(p.hosts[0].memory_used_mib, 0);
        ck_assert_int_eq(p.problem.guests[0].host, 1);
        ck_assert_int_eq(p.problem.guests[0].last, 1);
        ck_assert_int_eq(p.problem.guests[2].host, -1);
        ck_assert_int_eq(p.problem.guests[2].last, -1);
        plan_free(&p);
        led_close(&l);
}
END_TEST

START_TEST(rules_by_name) {
        struct plan p;
        struct led l;

        led_open(&l, 2);
        led_add(&l, "web");
        led_add(&l, "web2");
        led_add(&l, "db");
        APPLY(&l, .kind = OP_RULE_SET, .name = "r", .rule_kind = RULE_REQUIRE, .flag = true,
              .list = blob_new(" db,\tweb unknown ", 17), .list2 = blob_new("node2 node9", 11));
        APPLY(&l, .kind = OP_RULE_SET, .name = "s", .rule_kind = RULE_TOGETHER,
              .list = blob_new("web2", 4));
        open_plan(&p, &l);
        ck_assert_int_eq(p.rules[0].kind, PLACE_REQUIRE);
        ck_assert(p.rules[0].strict);
        ck_assert_uint_eq(p.rules[0].n_guests, 2);
        ck_assert_uint_eq(p.rules[0].guests[0], 0);
        ck_assert_uint_eq(p.rules[0].guests[1], 2);
        ck_assert(!p.rules[0].hosts[0]);
        ck_assert(p.rules[0].hosts[1]);
        ck_assert_int_eq(p.rules[1].kind, PLACE_TOGETHER);
        ck_assert_ptr_null(p.rules[1].hosts);
        plan_free(&p);
        led_close(&l);
}
END_TEST

START_TEST(place_on_one_host_of_all) {
        struct place_result r;
        struct plan p;
        struct led l;

        led_open(&l, 3);
        led_add(&l, "web");
        led_lose(&l, 3);
        open_plan(&p, &l);
        for (uint32_t h = 0; h < 2; h++) {
                ck_assert_int_eq(plan_place_on(&p, 0, h, &r), PLACE_OK);
                ck_assert_uint_eq(r.host, h);
        }
        ck_assert_int_eq(plan_place_on(&p, 0, 2, &r), PLACE_E_NO_HOST);
        plan_free(&p);
        led_close(&l);
}
END_TEST

START_TEST(slots) {
        struct plan p;
        struct led l;

        led_open(&l, 2);
        led_start(&l, led_add(&l, "web"), 2);
        open_plan(&p, &l);
        config.host_start_slots = 2;
        config.cluster_start_slots = 3;
        ck_assert_uint_eq(p.starting[1], 1);
        ck_assert(plan_slot(&p, 1, &config));
        ck_assert(!plan_slot(&p, 1, &config)); /* the host's are taken */
        ck_assert(plan_slot(&p, 0, &config));
        ck_assert(!plan_slot(&p, 0, &config)); /* the cluster's are */
        plan_free(&p);
        led_close(&l);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("plan");
        TCase *tc = unit_case(s, "plan");

        tcase_add_test(tc, only_online_hosts_can_be_used);
        tcase_add_test(tc, reserve_and_overcommit);
        tcase_add_test(tc, a_claim_is_room_taken);
        tcase_add_test(tc, rules_by_name);
        tcase_add_test(tc, place_on_one_host_of_all);
        tcase_add_test(tc, slots);
        return s;
}

UNIT_MAIN(suite)
