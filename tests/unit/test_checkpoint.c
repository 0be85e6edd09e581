/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The checkpoint interval of Young and Daly, by values computed with 50 digits.
 */
#include <math.h>

#include "policy/checkpoint.h"
#include "tests/unit/unit.h"

#include "hawd/base/base.h"

static const struct {
        double cost, mtbf, young, daly;
} rows[] = {
        {60, 86400, 3219.9378876, 3180.0621136},
        {5, 3600, 189.73665961, 186.417966451},
        {2, 1, 2, 1}, /* d = 2M: the MTBF itself */
        {500, 10, 100, 10},
};

START_TEST(row) {
        double v = 0;

        ck_assert_int_eq(checkpoint_young(rows[_i].cost, rows[_i].mtbf, &v), 0);
        ck_assert_double_eq_tol(v, rows[_i].young, 1e-9 * rows[_i].young);
        ck_assert_int_eq(checkpoint_daly(rows[_i].cost, rows[_i].mtbf, &v), 0);
        ck_assert_double_eq_tol(v, rows[_i].daly, 1e-9 * rows[_i].daly);
}
END_TEST

static const double bad[][2] = {{0, 1},   {-1, 1},  {1, 0},        {1, -1},
                                {NAN, 1}, {1, NAN}, {INFINITY, 1}, {1, INFINITY}};

START_TEST(out_of_domain_is_an_error) {
        double v = 7;

        ck_assert_int_eq(checkpoint_young(bad[_i][0], bad[_i][1], &v), -EINVAL);
        ck_assert_int_eq(checkpoint_daly(bad[_i][0], bad[_i][1], &v), -EINVAL);
        ck_assert_double_eq(v, 7);
}
END_TEST

START_TEST(never_infinite) {
        double v = 7;

        ck_assert_int_eq(checkpoint_young(1e200, 1e200, &v), -EINVAL);
        ck_assert_double_eq(v, 7);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("checkpoint");
        TCase *tc = unit_case(s, "checkpoint");

        tcase_add_loop_test(tc, row, 0, (int)ARRAY_SIZE(rows));
        tcase_add_loop_test(tc, out_of_domain_is_an_error, 0, (int)ARRAY_SIZE(bad));
        tcase_add_test(tc, never_infinite);
        return s;
}

UNIT_MAIN(suite)
