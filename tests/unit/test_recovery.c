/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The recovery ladder of a guest: a row per step of recovery_next(), its pauses and its window.
 */
#include "hawd/core/recovery.h"
#include "tests/unit/unit.h"

#define T0 (1000 * USEC_PER_SEC)
#define WINDOW (10 * USEC_PER_MINUTE)

static struct conf_guest policy(enum rung first, enum rung second) {
        return (struct conf_guest){.recovery = {first, second},
                                   .restart_limit = 3,
                                   .relocate_limit = 2,
                                   .restart_window_usec = WINDOW,
                                   .healthy_after_usec = 5 * USEC_PER_MINUTE};
}

static const struct {
        enum rung first, second;
        enum end_why why;
        uint32_t early, restarts, relocations;
        bool here, elsewhere;
        usec_t after; /* the window's begin */
        enum recovery_verdict verdict;
        enum rung rung;
} rows[] = {
        /* 1 the limits, in the order of the policy */
        {1, 2, END_FAILED, 1, 0, 0, true, true, 1, RECOVERY_TAKE, RUNG_RESTART},
        {1, 2, END_FAILED, 1, 2, 0, true, true, 1, RECOVERY_TAKE, RUNG_RESTART},
        {1, 2, END_FAILED, 1, 3, 0, true, true, 1, RECOVERY_TAKE, RUNG_RELOCATE},
        {1, 2, END_FAILED, 1, 3, 2, true, true, 1, RECOVERY_END, RUNG_NONE},
        {2, 1, END_FAILED, 1, 0, 0, true, true, 1, RECOVERY_TAKE, RUNG_RELOCATE},
        {2, 1, END_FAILED, 1, 0, 2, true, true, 1, RECOVERY_TAKE, RUNG_RESTART},
        {1, 0, END_FAILED, 1, 3, 0, true, true, 1, RECOVERY_END, RUNG_NONE},
        {2, 0, END_FAILED, 1, 0, 0, true, true, 1, RECOVERY_TAKE, RUNG_RELOCATE},
        {0, 0, END_FAILED, 1, 0, 0, true, true, 1, RECOVERY_END, RUNG_NONE},
        /* and the window */
        {1, 2, END_FAILED, 1, 3, 2, true, true, WINDOW - 1, RECOVERY_END, RUNG_NONE},
        {1, 2, END_FAILED, 1, 3, 2, true, true, WINDOW, RECOVERY_TAKE, RUNG_RESTART},
        /* 2 what can help */
        {1, 2, END_IO_ERROR, 1, 0, 0, true, true, 1, RECOVERY_TAKE, RUNG_RELOCATE},
        {1, 0, END_IO_ERROR, 1, 0, 0, true, true, 1, RECOVERY_END, RUNG_NONE},
        {1, 2, END_HANG, BOOT_LOOP - 1, 0, 0, true, true, 1, RECOVERY_TAKE, RUNG_RESTART},
        {1, 2, END_HANG, BOOT_LOOP, 0, 0, true, true, 1, RECOVERY_TAKE, RUNG_RELOCATE},
        {1, 0, END_HANG, BOOT_LOOP, 3, 0, true, true, WINDOW, RECOVERY_TAKE, RUNG_RESTART},
        /* 3 what can be done now */
        {1, 2, END_FAILED, 1, 0, 0, false, true, 1, RECOVERY_TAKE, RUNG_RELOCATE},
        {1, 2, END_FAILED, 1, 3, 0, true, false, 1, RECOVERY_WAIT, RUNG_NONE},
        {1, 2, END_FAILED, 1, 0, 0, false, false, 1, RECOVERY_WAIT, RUNG_NONE},
        {1, 0, END_FAILED, 1, 0, 0, false, true, 1, RECOVERY_WAIT, RUNG_NONE},
        {2, 1, END_FAILED, 1, 0, 0, true, false, 1, RECOVERY_TAKE, RUNG_RESTART},
        {1, 2, END_HANG, BOOT_LOOP, 2, 0, true, false, 1, RECOVERY_TAKE, RUNG_RESTART},
        {1, 2, END_HANG, BOOT_LOOP, 3, 0, true, false, 1, RECOVERY_WAIT, RUNG_NONE},
        {1, 2, END_IO_ERROR, 1, 0, 0, true, false, 1, RECOVERY_TAKE, RUNG_RESTART},
        {1, 2, END_IO_ERROR, 1, 0, 2, true, false, 1, RECOVERY_END, RUNG_NONE},
};

START_TEST(next_rung) {
        struct conf_guest p = policy(rows[_i].first, rows[_i].second);
        struct recovery r = {.why = rows[_i].why,
                             .failures = 1,
                             .early = rows[_i].early,
                             .taken = {0, rows[_i].restarts, rows[_i].relocations},
                             .window_wall = T0};
        struct recovery_case c = {.here = rows[_i].here, .elsewhere = rows[_i].elsewhere};
        enum rung rung = RUNG_NONE;

        ck_assert_int_eq(recovery_next(&p, &r, &c, T0 + rows[_i].after, &rung), rows[_i].verdict);
        ck_assert_int_eq(rung, rows[_i].rung);
}
END_TEST

/* A rollback: after the others, with something to go back to, and not for a storage that is gone.
 */
static const struct {
        enum end_why why;
        bool good, here, elsewhere;
        uint32_t taken;
        usec_t after;
        enum recovery_verdict verdict;
        enum rung rung;
} rollbacks[] = {
        {END_CRASHED, true, true, true, 0, 1, RECOVERY_TAKE, RUNG_ROLLBACK},
        {END_CRASHED, true, true, false, 0, 1, RECOVERY_TAKE, RUNG_ROLLBACK},
        {END_CRASHED, true, false, true, 0, 1, RECOVERY_TAKE, RUNG_ROLLBACK},
        {END_CRASHED, true, false, false, 0, 1, RECOVERY_WAIT, RUNG_NONE},
        {END_CRASHED, true, true, true, 2, 1, RECOVERY_END, RUNG_NONE},
        {END_CRASHED, false, true, true, 0, 1, RECOVERY_END, RUNG_NONE},
        {END_IO_ERROR, true, true, true, 0, 1, RECOVERY_END, RUNG_NONE},
        {END_IO_ERROR, true, true, true, 0, WINDOW, RECOVERY_TAKE, RUNG_RESTART},
};

START_TEST(rollback) {
        struct conf_guest p = policy(RUNG_RESTART, RUNG_ROLLBACK);
        struct recovery r = {.why = rollbacks[_i].why,
                             .failures = 4,
                             .early = 1,
                             .taken = {0, 3, 0, rollbacks[_i].taken},
                             .window_wall = T0};
        struct recovery_case c = {.here = rollbacks[_i].here,
                                  .elsewhere = rollbacks[_i].elsewhere,
                                  .known_good = rollbacks[_i].good};
        enum rung rung = RUNG_NONE;

        p.rollback_limit = 2;
        ck_assert_int_eq(recovery_next(&p, &r, &c, T0 + rollbacks[_i].after, &rung),
                         rollbacks[_i].verdict);
        ck_assert_int_eq(rung, rollbacks[_i].rung);
}
END_TEST

START_TEST(replica_is_a_rung_where_there_is_one) {
        struct conf_guest p = policy(RUNG_RESTART, RUNG_REPLICA);
        struct recovery r = {.why = END_FAILED, .failures = 1, .taken = {0, 3}, .window_wall = T0};
        struct recovery_case c = {.here = true, .elsewhere = true};
        enum rung rung = RUNG_NONE;

        ck_assert_int_eq(recovery_next(&p, &r, &c, T0 + 1, &rung), RECOVERY_WAIT);
        c.replica = true;
        ck_assert_int_eq(recovery_next(&p, &r, &c, T0 + 1, &rung), RECOVERY_TAKE);
        ck_assert_int_eq(rung, RUNG_REPLICA);
        r.taken[RUNG_REPLICA] = p.relocate_limit;
        ck_assert_int_eq(recovery_next(&p, &r, &c, T0 + 1, &rung), RECOVERY_END);
}
END_TEST

START_TEST(pauses_double_give_or_take_a_quarter) {
        usec_t want = 2 * USEC_PER_SEC;
        bool differ = false;

        ck_assert_uint_eq(recovery_pause(0, 7), 0);
        ck_assert_uint_eq(recovery_pause(1, 7), 0);
        for (uint32_t n = 2; n < 40; n++, want = MIN(2 * want, 5 * USEC_PER_MINUTE)) {
                ck_assert_uint_ge(recovery_pause(n, 7), want - want / 4);
                ck_assert_uint_le(recovery_pause(n, 7), want + want / 4);
                ck_assert_uint_eq(recovery_pause(n, 7), recovery_pause(n, 7));
                differ |= recovery_pause(n, 7) != recovery_pause(n, 8);
        }
        ck_assert(differ);
}
END_TEST

START_TEST(healthy_for_long_forgets) {
        struct conf_guest p = policy(RUNG_RESTART, RUNG_RELOCATE);
        struct recovery r = {0};

        for (unsigned i = 1; i <= 3; i++) {
                (void)recovery_failed(&r, &p, END_FAILED, T0);
                recovery_took(&r, &p, RUNG_RESTART, T0);
                ck_assert_uint_eq(r.failures, i);
                ck_assert_uint_eq(r.taken[RUNG_RESTART], i);
                recovery_healthy(&r, T0);
        }
        (void)recovery_failed(&r, &p, END_FAILED, T0 + p.healthy_after_usec - 1);
        ck_assert_uint_eq(r.failures, 4);
        recovery_healthy(&r, T0);
        (void)recovery_failed(&r, &p, END_FAILED, T0 + p.healthy_after_usec);
        ck_assert_uint_eq(r.failures, 1);
        ck_assert_uint_eq(r.taken[RUNG_RESTART], 0);
}
END_TEST

START_TEST(window_begins_with_a_failure) {
        struct conf_guest p = policy(RUNG_RESTART, RUNG_RELOCATE);
        struct recovery r = {0};

        (void)recovery_failed(&r, &p, END_FAILED, T0);
        recovery_took(&r, &p, RUNG_RESTART, T0 + 5);
        ck_assert_uint_eq(r.window_wall, T0);
        (void)recovery_failed(&r, &p, END_FAILED, T0 + WINDOW - 1);
        ck_assert_uint_eq(recovery_count(&p, &r, RUNG_RESTART, T0 + WINDOW - 1), 1);
        ck_assert_uint_eq(recovery_count(&p, &r, RUNG_RESTART, T0 + WINDOW), 0);
        recovery_took(&r, &p, RUNG_RESTART, T0 + WINDOW);
        ck_assert_uint_eq(r.taken[RUNG_RESTART], 1);
        ck_assert_uint_eq(r.window_wall, T0 + WINDOW);
}
END_TEST

START_TEST(boot_loop_is_failures_before_it_was_healthy) {
        struct conf_guest p = policy(RUNG_RESTART, RUNG_RELOCATE);
        struct recovery r = {.healthy_wall = T0};

        for (unsigned i = 0; i <= BOOT_LOOP; i++) /* the first one was healthy */
                ck_assert_int_eq(recovery_failed(&r, &p, END_FAILED, T0), i == BOOT_LOOP);
        recovery_healthy(&r, T0);
        ck_assert(!recovery_failed(&r, &p, END_FAILED, T0));
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("recovery");
        TCase *tc = unit_case(s, "recovery");

        tcase_add_loop_test(tc, next_rung, 0, (int)ARRAY_SIZE(rows));
        tcase_add_loop_test(tc, rollback, 0, (int)ARRAY_SIZE(rollbacks));
        tcase_add_test(tc, replica_is_a_rung_where_there_is_one);
        tcase_add_test(tc, pauses_double_give_or_take_a_quarter);
        tcase_add_test(tc, healthy_for_long_forgets);
        tcase_add_test(tc, window_begins_with_a_failure);
        tcase_add_test(tc, boot_loop_is_failures_before_it_was_healthy);
        return s;
}

UNIT_MAIN(suite)
