/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Placement: a row for each numbered step of place_guest().
 */
#include "policy/placement.h"
#include "tests/unit/unit.h"

/* Three equal hosts, ids 30, 20, 10; guest 0 is placed, guest 1 is somewhere. */
struct case_ {
        struct place_host hosts[3];
        struct place_guest guests[3];
        struct place_rule rules[2];
        struct place_problem p;
};

static void open_case(struct case_ *c) {
        static const char *const names[] = {"c", "b", "a"};

        *c = (struct case_){.p = {.n_hosts = 3, .n_guests = 3}};
        c->p.hosts = c->hosts;
        c->p.guests = c->guests;
        c->p.rules = c->rules;
        for (uint32_t i = 0; i < 3; i++) {
                c->hosts[i] = (struct place_host){
                        .id = 30 - 10 * i, .name = names[i], .memory_mib = 8000, .vcpus = 16};
                c->guests[i] = (struct place_guest){.id = i + 1,
                                                    .name = "g",
                                                    .vcpus = 2,
                                                    .memory_mib = 1000,
                                                    .host = -1,
                                                    .last = -1};
        }
}

static void rule(struct case_ *c, enum place_rule_kind kind, bool strict, const bool *hosts) {
        static const uint32_t guests[] = {0, 1};

        c->rules[c->p.n_rules++] = (struct place_rule){.name = "r",
                                                       .kind = kind,
                                                       .strict = strict,
                                                       .guests = guests,
                                                       .n_guests = 2,
                                                       .hosts = hosts};
}

static void lands_on(struct case_ *c, const char *host, const char *why) {
        struct place_result r;

        ck_assert_int_eq(place_guest(&c->p, 0, NULL, &r), PLACE_OK);
        ck_assert_str_eq(c->hosts[r.host].name, host);
        ck_assert_str_eq(r.why, why);
}

static void fails(struct case_ *c, int code, const char *why) {
        struct place_result r = {.host = 77};

        ck_assert_int_eq(place_guest(&c->p, 0, NULL, &r), code);
        ck_assert_uint_eq(r.host, 77);
        ck_assert_str_eq(r.why, why);
}

START_TEST(step_1_usable) {
        struct case_ c;

        open_case(&c);
        c.hosts[1].unusable = "lost";
        c.hosts[2].unusable = "joining";
        lands_on(&c, "c", "the only host possible; not b (lost), a (joining)");
        c.hosts[0].unusable = "off";
        fails(&c, PLACE_E_NO_HOST, "no host can be used; not c (off), b (lost), a (joining)");
}
END_TEST

START_TEST(step_1_not_excluded) {
        const bool excluded[] = {true, false, true};
        struct place_result r;
        struct case_ c;

        open_case(&c);
        ck_assert_int_eq(place_guest(&c.p, 0, excluded, &r), PLACE_OK);
        ck_assert_str_eq(c.hosts[r.host].name, "b");
        ck_assert_str_eq(r.why, "the only host possible; not c (its start failed there), a (its "
                                "start failed there)");
}
END_TEST

static const bool only_b[] = {false, true, false};
static const bool not_b[] = {true, false, true};

START_TEST(step_2_separate) {
        struct case_ c;

        open_case(&c);
        c.guests[1].host = 2;
        rule(&c, PLACE_SEPARATE, true, NULL);
        lands_on(&c, "b", "lowest id among equals before c; not a (rule r)");
        c.guests[1].host = -1; /* nowhere: breaks nothing */
        lands_on(&c, "a", "lowest id among equals before b");
}
END_TEST

START_TEST(step_2_together) {
        struct case_ c;

        open_case(&c);
        rule(&c, PLACE_TOGETHER, true, NULL);
        lands_on(&c, "a", "lowest id among equals before b"); /* the other one is nowhere */
        c.guests[1].host = 0;
        lands_on(&c, "c", "the only host possible; not b (rule r), a (rule r)");
}
END_TEST

START_TEST(step_2_require) {
        struct case_ c;

        open_case(&c);
        rule(&c, PLACE_REQUIRE, false, only_b); /* strict by nature */
        lands_on(&c, "b", "the only host possible; not c (rule r), a (rule r)");
        c.hosts[1].unusable = "lost";
        fails(&c, PLACE_E_RULE, "rules leave no host; not c (rule r), b (lost), a (rule r)");
}
END_TEST

START_TEST(step_2_strict_prefer_and_avoid) {
        struct case_ c;

        open_case(&c);
        rule(&c, PLACE_PREFER, true, only_b);
        c.hosts[1].unusable = "lost";
        fails(&c, PLACE_E_RULE, "rules leave no host; not c (rule r), b (lost), a (rule r)");
        open_case(&c);
        rule(&c, PLACE_AVOID, true, not_b);
        lands_on(&c, "b", "the only host possible; not c (rule r), a (rule r)");
}
END_TEST

START_TEST(step_2_rule_of_others) {
        static const uint32_t others[] = {1, 2};
        struct case_ c;

        open_case(&c);
        rule(&c, PLACE_REQUIRE, true, only_b);
        c.rules[0].guests = others;
        lands_on(&c, "a", "lowest id among equals before b");
}
END_TEST

START_TEST(step_3_memory) {
        struct case_ c;

        open_case(&c);
        c.hosts[2].memory_used_mib = 7001;
        c.hosts[1].memory_used_mib = 9000; /* overcommitted already */
        lands_on(&c, "c",
                 "the only host possible; not b (0 MiB and 16 vCPU free), a (999 MiB and 16 vCPU "
                 "free)");
        c.hosts[2].memory_used_mib = 7000; /* just fits, and is the best fit */
        lands_on(&c, "a", "best fit before c; not b (0 MiB and 16 vCPU free)");
}
END_TEST

START_TEST(step_3_vcpus) {
        struct case_ c;

        open_case(&c);
        for (unsigned i = 0; i < 3; i++)
                c.hosts[i].vcpus_used = 15;
        fails(&c, PLACE_E_NO_CAPACITY,
              "no host has room; not c (8000 MiB and 1 vCPU free), b (8000 MiB and 1 vCPU free), a "
              "(8000 MiB and 1 vCPU free)");
        c.hosts[1].vcpus_used = 14;
        lands_on(&c, "b",
                 "the only host possible; not c (8000 MiB and 1 vCPU free), a (8000 MiB and 1 vCPU "
                 "free)");
}
END_TEST

/* What is said is the step that came furthest. */
START_TEST(worst_error_is_the_furthest_step) {
        struct case_ c;

        open_case(&c);
        c.hosts[0].unusable = "lost";
        c.hosts[1].memory_used_mib = 8000;
        rule(&c, PLACE_AVOID, true, (const bool[]){false, false, true});
        fails(&c, PLACE_E_NO_CAPACITY,
              "no host has room; not c (lost), b (0 MiB and 16 vCPU free), a (rule r)");
}
END_TEST

START_TEST(step_4_not_ailing) {
        struct case_ c;

        open_case(&c);
        c.hosts[1].ailing = c.hosts[2].ailing = "ill";
        rule(&c, PLACE_PREFER, false, only_b); /* step 5 would say b */
        c.guests[0].last = 2;                  /* step 6 would say a */
        lands_on(&c, "c", "healthy before b (ill)");
        c.hosts[0].memory_used_mib = 7500; /* then one that ails is better than none */
        lands_on(&c, "b",
                 "fewest soft rules broken before a (ill); itself ill; not c (500 MiB and 16 vCPU "
                 "free)");
}
END_TEST

START_TEST(step_5_fewest_soft_rules) {
        struct case_ c;

        open_case(&c);
        rule(&c, PLACE_PREFER, false, only_b);
        c.guests[0].last = 2;              /* step 6 would say a */
        c.hosts[0].memory_used_mib = 7000; /* step 7 would say c */
        lands_on(&c, "b", "fewest soft rules broken before a");
        rule(&c, PLACE_SEPARATE, false, NULL);
        c.guests[1].host = 1; /* each breaks one now, but for c and a, which break one too */
        lands_on(&c, "a", "it ran there last before c");
}
END_TEST

START_TEST(step_6_where_it_ran_last) {
        struct case_ c;

        open_case(&c);
        c.guests[0].last = 0;
        c.hosts[1].memory_used_mib = 6000; /* step 7 would say b */
        lands_on(&c, "c", "it ran there last before b");
        c.hosts[0].unusable = "lost";
        lands_on(&c, "b", "best fit before a; not c (lost)");
}
END_TEST

START_TEST(step_7_least_squared_residual) {
        struct case_ c;

        open_case(&c);
        c.hosts[0].memory_used_mib = 4000;
        c.hosts[0].vcpus_used = 8;
        c.hosts[2].memory_used_mib = 6900; /* fuller in one, empty in the other */
        lands_on(&c, "c", "best fit before a");
}
END_TEST

START_TEST(step_8_lowest_id) {
        struct case_ c;

        open_case(&c);
        lands_on(&c, "a", "lowest id among equals before b");
}
END_TEST

START_TEST(charging_counts) {
        struct place_result r;
        struct case_ c;

        open_case(&c);
        c.hosts[0].unusable = c.hosts[1].unusable = "off";
        c.hosts[2].memory_mib = 2500;
        place_charge(&c.p, 1, 2);
        ck_assert_int_eq(c.guests[1].host, 2);
        ck_assert_uint_eq(c.hosts[2].memory_used_mib, 1000);
        ck_assert_uint_eq(c.hosts[2].vcpus_used, 2);
        ck_assert_int_eq(place_guest(&c.p, 0, NULL, &r), PLACE_OK);
        ck_assert_uint_eq(c.hosts[2].memory_used_mib, 1000); /* choosing charges nothing */
        place_charge(&c.p, 2, 2);
        ck_assert_int_eq(place_guest(&c.p, 0, NULL, &r), PLACE_E_NO_CAPACITY);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("placement");
        TCase *tc = unit_case(s, "steps");

        tcase_add_test(tc, step_1_usable);
        tcase_add_test(tc, step_1_not_excluded);
        tcase_add_test(tc, step_2_separate);
        tcase_add_test(tc, step_2_together);
        tcase_add_test(tc, step_2_require);
        tcase_add_test(tc, step_2_strict_prefer_and_avoid);
        tcase_add_test(tc, step_2_rule_of_others);
        tcase_add_test(tc, step_3_memory);
        tcase_add_test(tc, step_3_vcpus);
        tcase_add_test(tc, worst_error_is_the_furthest_step);
        tcase_add_test(tc, step_4_not_ailing);
        tcase_add_test(tc, step_5_fewest_soft_rules);
        tcase_add_test(tc, step_6_where_it_ran_last);
        tcase_add_test(tc, step_7_least_squared_residual);
        tcase_add_test(tc, step_8_lowest_id);
        tcase_add_test(tc, charging_counts);
        return s;
}

UNIT_MAIN(suite)
