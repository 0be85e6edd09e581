/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: fence */
/* Which way to open a session is tried next, and what libfreeipmi's errors mean. */
#include "fencing/ipmi_way.h"
#include "tests/unit/unit.h"

#include <freeipmi/freeipmi.h>
#include <stdio.h>

#define MANY 100

/* Fail every way with @class. Return: how many ways were tried. */
static unsigned run(struct ipmi_search *s, enum ipmi_class class) {
        unsigned n = 1;

        while (ipmi_search_failed(s, class) && n < MANY)
                n++;
        return n;
}

START_TEST(silence_changes_nothing) { /* rule 1 */
        struct ipmi_search s;

        ipmi_search_start(&s, -1);
        ck_assert_uint_eq(run(&s, IPMI_CLASS_SILENT), MANY);
        ck_assert_uint_eq(ipmi_search_way(&s).cipher, 17);
        ck_assert_uint_eq(ipmi_search_way(&s).flags, 0);
}
END_TEST

START_TEST(a_stall_tries_the_next_cipher) { /* rule 2 */
        struct ipmi_search s;

        ipmi_search_start(&s, -1);
        ck_assert(ipmi_search_failed(&s, IPMI_CLASS_STALLED));
        ck_assert_uint_eq(ipmi_search_way(&s).cipher, 3);
        ck_assert_uint_eq(ipmi_search_way(&s).flags, 0);
        ck_assert(ipmi_search_failed(&s, IPMI_CLASS_STALLED));
        ck_assert_uint_eq(ipmi_search_way(&s).cipher, 17);
        ck_assert_uint_ne(ipmi_search_way(&s).flags, 0);
}
END_TEST

START_TEST(an_unknown_cipher_is_dropped) { /* rule 3 */
        struct ipmi_search s;

        ipmi_search_start(&s, -1);
        ck_assert(ipmi_search_failed(&s, IPMI_CLASS_CIPHER));
        ck_assert_uint_eq(ipmi_search_way(&s).cipher, 3);
        ck_assert_uint_eq(ipmi_search_way(&s).flags, 0);
        ck_assert(!ipmi_search_failed(&s, IPMI_CLASS_CIPHER));

        ipmi_search_start(&s, 17);
        ck_assert_uint_eq(run(&s, IPMI_CLASS_CIPHER), 1);
}
END_TEST

START_TEST(an_undefined_refusal_tries_all) { /* rules 3, 5 */
        struct ipmi_search s;

        ipmi_search_start(&s, -1);
        ck_assert_uint_gt(run(&s, IPMI_CLASS_OTHER), 6);
        ck_assert_uint_eq(s.best_way.cipher, 17);
}
END_TEST

START_TEST(a_wrong_password_costs_few_attempts) { /* rules 4, 5: BMCs lock accounts */
        struct ipmi_search s;

        ipmi_search_start(&s, -1);
        ck_assert_uint_le(run(&s, IPMI_CLASS_PASSWORD), 4);
        ck_assert_int_eq(s.best, IPMI_CLASS_PASSWORD);
        ck_assert_uint_eq(s.best_way.cipher, 17);
        ipmi_search_start(&s, -1);
        ck_assert_uint_le(run(&s, IPMI_CLASS_USER), 2);
}
END_TEST

START_TEST(the_deepest_error_decides) { /* rule 5: as ipmi_sim answers to a wrong password */
        struct ipmi_search s;
        unsigned passwords = 1;

        ipmi_search_start(&s, -1);
        ck_assert(ipmi_search_failed(&s, IPMI_CLASS_OTHER)); /* no cipher suite 17 */
        ck_assert(ipmi_search_failed(&s, IPMI_CLASS_PRIVILEGE));
        ck_assert_uint_eq(ipmi_search_way(&s).flags,
                          IPMI_WORKAROUND_FLAGS_OUTOFBAND_2_0_OPEN_SESSION_PRIVILEGE);
        ck_assert_uint_eq(ipmi_search_way(&s).cipher, 3);
        while (ipmi_search_failed(&s, IPMI_CLASS_PASSWORD))
                passwords++;
        ck_assert_uint_le(passwords, 4);
        ck_assert_int_eq(s.best, IPMI_CLASS_PASSWORD);
        ck_assert_uint_eq(s.best_way.flags,
                          IPMI_WORKAROUND_FLAGS_OUTOFBAND_2_0_OPEN_SESSION_PRIVILEGE);
}
END_TEST

START_TEST(privilege_asks_for_more) {
        struct ipmi_search s;
        bool admin = false;

        ipmi_search_start(&s, -1);
        ck_assert_uint_eq(ipmi_search_way(&s).privilege, IPMI_PRIVILEGE_LEVEL_OPERATOR);
        while (ipmi_search_failed(&s, IPMI_CLASS_PRIVILEGE))
                admin = admin || ipmi_search_way(&s).privilege == IPMI_PRIVILEGE_LEVEL_ADMIN;
        ck_assert(admin);
}
END_TEST

START_TEST(ways_survive_the_cache) {
        static const char *const odd[] = {
                "",
                "cipher=3",
                "cipher=3 privilege=3 workarounds=0x10",
                "cipher=8 privilege=3 workarounds=0x10 pace=0",
                "cipher=3 privilege=1 workarounds=0x10 pace=0",
                "cipher=3 privilege=3 workarounds=0x80 pace=0",
                "cipher=3 privilege=3 workarounds=0x10 pace=9",
                "cipher=3 privilege=3 workarounds=0x10 pace=0 ",
                "cipher=03 privilege=3 workarounds=0x10 pace=0",
                "cipher=3 privilege=3 workarounds=0x10 pace=0\npassword",
        };
        const struct ipmi_way way = {17, IPMI_PRIVILEGE_LEVEL_ADMIN, 0x14, 2};
        struct ipmi_way again = {0};
        char text[96];

        ipmi_way_format(&way, text, sizeof(text));
        ck_assert_str_eq(text, "cipher=17 privilege=4 workarounds=0x14 pace=2");
        ck_assert_int_eq(ipmi_way_parse(text, &again), 0);
        ck_assert_uint_eq(again.cipher, 17);
        ck_assert_uint_eq(again.flags, 0x14);
        ck_assert_uint_eq(again.pace, 2);
        ipmi_way_workarounds(&again, text, sizeof(text));
        ck_assert_str_eq(text, "supermicro20 opensesspriv");
        for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
                ck_assert_msg(ipmi_way_parse(odd[i], &again) == -EINVAL, "taken: '%s'", odd[i]);
}
END_TEST

static const struct {
        int errnum, sys;
        bool opening, fixed;
        enum fence_code code;
        const char *says;
} meanings[] = {
        {IPMI_ERR_PASSWORD_INVALID, 0, true, false, FENCE_AUTH, "wrong password for user 'fencer'"},
        {IPMI_ERR_USERNAME_INVALID, 0, true, false, FENCE_AUTH, "no such user 'fencer'"},
        {IPMI_ERR_K_G_INVALID, 0, true, false, FENCE_AUTH, "K_g"},
        {IPMI_ERR_PRIVILEGE_LEVEL_CANNOT_BE_OBTAINED, 0, true, false, FENCE_PRIVILEGE, "operator"},
        {IPMI_ERR_PRIVILEGE_LEVEL_INSUFFICIENT, 0, false, false, FENCE_PRIVILEGE, "switch power"},
        {IPMI_ERR_CIPHER_SUITE_ID_UNAVAILABLE, 0, true, false, FENCE_CIPHER, "17 or 3"},
        {IPMI_ERR_CIPHER_SUITE_ID_UNAVAILABLE, 0, true, true, FENCE_CIPHER, "cipher suite 17"},
        {IPMI_ERR_IPMI_ERROR, 0, true, true, FENCE_CIPHER, "cipher-suite = 3"},
        {IPMI_ERR_IPMI_ERROR, 0, true, false, FENCE_PROTOCOL, "refused the session"},
        {IPMI_ERR_BAD_COMPLETION_CODE, 0, false, true, FENCE_PROTOCOL, "answered with an error"},
        {IPMI_ERR_IPMI_2_0_UNAVAILABLE, 0, true, false, FENCE_PROTOCOL, "IPMI 2.0"},
        {IPMI_ERR_CONNECTION_TIMEOUT, 0, true, false, FENCE_TIMEOUT, "no answer"},
        {IPMI_ERR_SESSION_TIMEOUT, 0, false, false, FENCE_TIMEOUT, "stopped answering"},
        {IPMI_ERR_BMC_BUSY, 0, true, false, FENCE_TIMEOUT, "busy"},
        {IPMI_ERR_SYSTEM_ERROR, ENETUNREACH, true, false, FENCE_NO_ROUTE, "no route"},
        {IPMI_ERR_SYSTEM_ERROR, EHOSTUNREACH, true, false, FENCE_NO_ROUTE, "no route"},
        {IPMI_ERR_SYSTEM_ERROR, EPERM, true, false, FENCE_NO_ROUTE, "firewall"},
        {IPMI_ERR_SYSTEM_ERROR, ECONNREFUSED, true, false, FENCE_REFUSED, "nothing listens"},
        {IPMI_ERR_SYSTEM_ERROR, EMFILE, true, false, FENCE_PROTOCOL, "Too many open files"},
};

START_TEST(errors_have_causes_and_mends) {
        const struct ipmi_peer peer = {.device = "bmc1",
                                       .where = "10.0.0.9:623",
                                       .user = "fencer",
                                       .cipher = 17,
                                       .fixed_cipher = meanings[_i].fixed};
        struct fence_error err = {0};
        int code = ipmi_explain(&err, &peer, meanings[_i].errnum, meanings[_i].sys,
                                meanings[_i].opening);

        ck_assert_int_eq(code, (int)meanings[_i].code);
        ck_assert_int_eq(err.code, meanings[_i].code);
        ck_assert_msg(strstr(err.message, meanings[_i].says), "'%s' lacks '%s'", err.message,
                      meanings[_i].says);
        ck_assert_ptr_nonnull(strstr(err.message, "10.0.0.9:623"));
        ck_assert_uint_lt(strlen(err.message), TEXT_LEN); /* fits an event */
}
END_TEST

START_TEST(every_error_has_a_message) {
        struct ipmi_peer peer = {.device = "d", .where = "w", .user = "u", .cipher = 3};

        for (int e = 1; e < IPMI_ERR_ERRNUMRANGE; e++) {
                struct fence_error err = {0};

                (void)ipmi_class_of(e);
                ck_assert_int_gt(ipmi_explain(&err, &peer, e, EIO, e % 2), 0);
                ck_assert(err.message[0]);
        }
}
END_TEST

static Suite *fence_ipmi_suite(void) {
        Suite *suite = suite_create("fence_ipmi");
        TCase *tc = unit_case(suite, "ways");

        tcase_add_test(tc, silence_changes_nothing);
        tcase_add_test(tc, a_stall_tries_the_next_cipher);
        tcase_add_test(tc, an_unknown_cipher_is_dropped);
        tcase_add_test(tc, an_undefined_refusal_tries_all);
        tcase_add_test(tc, a_wrong_password_costs_few_attempts);
        tcase_add_test(tc, the_deepest_error_decides);
        tcase_add_test(tc, privilege_asks_for_more);
        tcase_add_test(tc, ways_survive_the_cache);
        tcase_add_loop_test(tc, errors_have_causes_and_mends, 0, (int)ARRAY_SIZE(meanings));
        tcase_add_test(tc, every_error_has_a_message);
        return suite;
}

UNIT_MAIN(fence_ipmi_suite)
