/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The main() of a unit test: UNIT_MAIN(my_suite) where `static Suite *my_suite(void)`.
 * Runs it, prints Check's closing line, exits 1 when a test failed.
 */
#pragma once

#include <check.h>
#include <stdlib.h>

/** unit_case() - a test case with a time-out that a sanitizer on a busy machine can hold */
static inline TCase *unit_case(Suite *suite, const char *name) {
        TCase *tc = tcase_create(name);

        tcase_set_timeout(tc, 60);
        suite_add_tcase(suite, tc);
        return tc;
}

#define UNIT_MAIN(suite_fn)                                                                        \
        int main(void) {                                                                           \
                SRunner *runner = srunner_create(suite_fn());                                      \
                int failed;                                                                        \
                                                                                                   \
                srunner_run_all(runner, CK_NORMAL);                                                \
                failed = srunner_ntests_failed(runner);                                            \
                srunner_free(runner);                                                              \
                return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;                                  \
        }
