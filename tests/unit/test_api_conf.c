/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: control */
/* Text out of the ledger, hawd.conf, and who may what. */
#include "tests/unit/api_client.h"

/* All pages of Export from the beginning: names in their order. */
static char *exported(size_t *ret_pages) {
        char *all = xcalloc(1 << 16, 1);
        json_t *from = json_null();

        for (*ret_pages = 0; *ret_pages == 0 || json_is_string(from); ++*ret_pages) {
                json_t *p = call("Export", json_pack("{s:o}", "from", from)), *x;
                size_t i;

                ck_assert_int_eq(number(p, "version"), 10);
                json_array_foreach(json_object_get(p, "guests"), i, x)
                        strcat(strcat(all, text(x, "name")), " ");
                json_array_foreach(json_object_get(p, "rules"), i, x)
                        strcat(strcat(all, text(x, "name")), ". ");
                from = json_deep_copy(json_object_get(p, "next"));
        }
        json_decref(from);
        return all;
}

START_TEST(export_has_what_people_gave) {
        struct model *m = fix_model(fix);
        json_t *p = call("Export", NULL), *g = json_array_get(json_object_get(p, "guests"), 0);
        _cleanup_(freep) char *all = NULL;
        size_t pages;

        ck_assert_str_eq(text(g, "name"), "dns");
        ck_assert_str_eq(text(g, "desired"), "running");
        ck_assert_str_eq(text(g, "xml"), "<domain/>");
        ck_assert(json_is_false(json_object_get(g, "deleting")));
        ck_assert_str_eq(text(json_object_get(g, "settings"), "priority"), "100");
        ck_assert_str_eq(text(json_object_get(g, "settings"), "start-timeout"), "90s");
        ck_assert_str_eq(text(json_array_get(json_object_get(p, "rules"), 0), "kind"), "separate");
        ck_assert(json_is_null(json_object_get(p, "next")));

        (void)model_rule_add(m, "also");
        m->guests[0].deleting = true;
        all = exported(&pages);
        ck_assert_str_eq(all, "dns lab old web also. apart. ");
        ck_assert_uint_eq(pages, 1);
        g = json_array_get(
                json_object_get(call("Export", json_pack("{s:s}", "from", "guest web")), "guests"),
                0);
        ck_assert(json_is_true(json_object_get(g, "deleting")));
        invalid("Export", json_pack("{s:s}", "from", "web"), "from");
}
END_TEST

START_TEST(export_comes_in_pages) {
        struct model *m = fix_model(fix);
        _cleanup_(freep) char *all = NULL, *big = xcalloc(900 * 1024, 1);
        size_t pages;

        memset(big, '"', 900 * 1024 - 1); /* doubled by JSON */
        for (size_t i = 0; i < m->n_guests; i++) {
                blob_unref(m->guests[i].spec->xml);
                m->guests[i].spec->xml = blob_new(big, strlen(big));
        }
        for (int i = 0; i < 3; i++) {
                static const char *const names[] = {"b", "c", "a"};
                struct rule *r = model_rule_add(m, names[i]);

                memset(big, 'n', 700 * 1024);
                r->guests = blob_new(big, 700 * 1024);
        }
        all = exported(&pages);
        ck_assert_str_eq(all, "dns lab old web a. apart. b. c. ");
        ck_assert_uint_eq(pages, 6);
}
END_TEST

START_TEST(reload_tells_every_mistake) {
        const json_t *p;

        fix->n_mistakes = 5;
        ck_assert_str_eq(fails("Reload", NULL, "io.hawd.BadConfig"),
                         "5 mistakes: the configuration in force is kept");
        p = json_object_get(json_object_get(answer, "parameters"), "mistakes");
        ck_assert_uint_eq(json_array_size(p), 5);
        ck_assert_str_eq(json_string_value(json_array_get(p, 4)), "hawd.conf:5: mistake 4");
        fix->n_mistakes = 0;
        p = call("Reload", NULL);
        ck_assert(json_is_false(json_object_get(p, "changed")));
        ck_assert_uint_eq(json_array_size(json_object_get(p, "differs")), 0);
        ck_assert_uint_eq(json_array_size(json_object_get(p, "restart")), 0);
        for (size_t i = 0; i < 3; i++) /* node3 is lost: what it said of old does not count */
                fix_model(fix)->hosts[i].facts.config_hash = fix->config.hash;
        p = call("Reload", NULL);
        ck_assert(json_is_true(json_object_get(p, "changed")));
        ck_assert_uint_eq(json_array_size(json_object_get(p, "differs")), 1);
        ck_assert_str_eq(json_string_value(json_array_get(json_object_get(p, "differs"), 0)),
                         "node2");
        ck_assert_uint_eq(json_array_size(json_object_get(p, "restart")), 1);
}
END_TEST

/* @states, @hashes against "yes no -": does it differ? */
static void differ(const char *hashes, const char *want) {
        static const enum host_state states[] = {HOST_ONLINE, HOST_DEGRADED, HOST_JOINING,
                                                 HOST_LOST};
        struct model *m = fix_model(fix);
        char got[16] = "";

        m->n_hosts = ARRAY_SIZE(states);
        for (size_t i = 0; i < m->n_hosts; i++) {
                m->hosts[i].nodeid = (uint32_t)i + 1;
                m->hosts[i].state = states[i];
                m->hosts[i].facts.config_hash = (uint64_t)(hashes[i] - '0');
        }
        for (size_t i = 0; i < m->n_hosts; i++) {
                json_t *h = render_host(m, &m->hosts[i], NULL, NULL);

                strcat(got, json_is_true(json_object_get(h, "config_differs")) ? "!" : ".");
                ck_assert_int_eq(json_is_null(json_object_get(h, "config_hash")), hashes[i] == '0');
                json_decref(h);
        }
        ck_assert_msg(strcmp(got, want) == 0, "%s: %s, not %s", hashes, got, want);
}

START_TEST(the_majority_is_right) {
        differ("1111", "....");
        differ("1112", "...."); /* the last is lost */
        differ("1211", ".!..");
        differ("2111", "!...");
        differ("1231", "!!!."); /* nobody is */
        differ("1201", "!!..");
        differ("1000", "....");
        differ("0000", "....");
}
END_TEST

/* Every method of the interface, on the socket for those who may look: the ones behind Watch are
 * refused, by the interface's own word. */
START_TEST(viewers_change_nothing) {
        bool looks = true;
        size_t n = 0;

        client(VARLINK_VIEW);
        for (const char *p = strstr(api_interface_text, "\nmethod "); p;
             p = strstr(p + 1, "\nmethod ")) {
                char name[NAME_LEN];
                const char *error;

                text_fmt(name, sizeof(name), "%.*s", (int)strcspn(p + 8, "("), p + 8);
                if (looks && strcmp(name, "Watch") != 0) {
                        n++;
                        continue;
                }
                send_call(name, NULL, true);
                ck_assert_ptr_nonnull(receive());
                error = json_string_value(json_object_get(answer, "error"));
                if (strcmp(name, "Watch") == 0) {
                        ck_assert_ptr_null(error);
                        looks = false;
                        client(VARLINK_VIEW); /* the stream goes on */
                        continue;
                }
                ck_assert_msg(error && strcmp(error, "org.varlink.service.PermissionDenied") == 0,
                              "%s: %s", name, error ? error : "done");
                n++;
        }
        ck_assert_uint_gt(n, 20);
        ck_assert_uint_eq(fix->n_requests, 0);
        ck_assert_uint_eq(fix->reloads, 0);
}
END_TEST

static const struct {
        const char *xml, *seen;
} passwords[] = {
        {"<domain><graphics type=\"vnc\" passwd=\"s3cret\"/></domain>",
         "<domain><graphics type=\"vnc\" passwd=\"" XML_HIDDEN "\"/></domain>"},
        {"<a passwd='s3\"cret' b=\"1\"/><c passwd=\"x\"/>",
         "<a passwd='" XML_HIDDEN "' b=\"1\"/><c passwd=\"" XML_HIDDEN "\"/>"},
        {"<a\npasswd=\"\"/>", "<a\npasswd=\"" XML_HIDDEN "\"/>"},
        {"<a passwd=\"cut", "<a passwd=\"cut"},
        {"<a passwd=", "<a passwd="},
        {"<a passwdValidTo=\"2026\"/>", "<a passwdValidTo=\"2026\"/>"},
};

/* As with libvirt: a connection for looking gets no password of a display. */
START_TEST(viewers_see_no_password) {
        struct guest_spec *spec = fix_model(fix)->guests[0].spec;
        static const enum varlink_access access[] = {VARLINK_ADMIN, VARLINK_VIEW};

        blob_unref(spec->xml);
        spec->xml = blob_new(passwords[_i].xml, strlen(passwords[_i].xml));
        for (size_t k = 0; k < ARRAY_SIZE(access); k++) {
                const char *want = k == 0 ? passwords[_i].xml : passwords[_i].seen;
                json_t *g = NULL, *p;
                size_t i;

                client(access[k]);
                ck_assert_str_eq(
                        text(call("Guest", json_pack("{s:s,s:b}", "name", spec->name, "xml", 1)),
                             "xml"),
                        want);
                p = call("Export", NULL);
                json_array_foreach(json_object_get(p, "guests"), i,
                                   g) if (strcmp(text(g, "name"), spec->name) == 0) break;
                ck_assert_str_eq(text(g, "xml"), want);
        }
}
END_TEST

static Suite *api_conf_suite(void) {
        Suite *s = suite_create("api_conf");
        TCase *tc = unit_case(s, "api_conf");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, export_has_what_people_gave);
        tcase_add_test(tc, export_comes_in_pages);
        tcase_add_test(tc, reload_tells_every_mistake);
        tcase_add_test(tc, the_majority_is_right);
        tcase_add_test(tc, viewers_change_nothing);
        tcase_add_loop_test(tc, viewers_see_no_password, 0, (int)ARRAY_SIZE(passwords));
        return s;
}

UNIT_MAIN(api_conf_suite)
