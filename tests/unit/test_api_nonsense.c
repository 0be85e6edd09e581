/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: control */
/* The API given what makes no sense: every method of it, by its own description. */
#include "tests/unit/api_client.h"

/* Each method gets each of these under each name: there is an answer, an error, and hawd goes on.
 */
static json_t *nonsense(size_t k) {
        static char longer[4 * NAME_LEN];

        memset(longer, 'x', sizeof(longer) - 1);
        switch (k) {
        case 0:
                return json_integer(1);
        case 1:
                return json_string(longer);
        default:
                return NULL;
        }
}

static const char *const keys[] = {"guest", "name", "host"};

START_TEST(nonsense_is_an_error) {
        const char *key = keys[_i];
        size_t methods = 0;
        json_t *value;

        for (const char *p = api_interface_text; (p = strstr(p, "\nmethod ")) != NULL;) {
                char method[NAME_LEN];

                p += strlen("\nmethod ");
                text_fmt(method, sizeof(method), "%.*s", (int)strcspn(p, "("), p);
                methods++;
                if (strcmp(method, "GuestAdd") == 0 && strcmp(key, "name") == 0)
                        continue; /* what a domain is called is libvirt's to judge */
                for (size_t k = 0; (value = nonsense(k)) != NULL; k++) {
                        send_call(method, json_pack("{s:o}", key, value), false);
                        ck_assert_msg(receive() && json_object_get(answer, "error"),
                                      "%s of %s, %zu", method, key, k);
                }
        }
        ck_assert_uint_gt(methods, 30);
        ck_assert_uint_eq(fix->n_requests, 0);
        ck_assert_ptr_nonnull(call("Status", NULL));
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("api_nonsense");
        TCase *tc = unit_case(s, "nonsense");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_loop_test(tc, nonsense_is_an_error, 0, (int)ARRAY_SIZE(keys));
        return s;
}

UNIT_MAIN(suite)
