/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: ctl guest */
#include <stdio.h>

#include "hawd/core/model.h"
#include "hawd/ctl/objects.h"
#include "tests/unit/unit.h"

#define UUID1 "00000000-0000-4000-8000-000000000001"
#define UUID2 "00000000-0000-4000-8000-000000000002"
#define XML(name, uuid)                                                                            \
        "  <domain type='kvm'>\n"                                                                  \
        "    <name>" name "</name>\n"                                                              \
        "    <uuid>" uuid "</uuid>\n"                                                              \
        "    <memory unit='MiB'>64</memory>\n"                                                     \
        "  </domain>\n"

static struct objects now, want;
static struct conf_file *reading;

static void setup(void) {
        now = want = (struct objects){0};
        reading = NULL;
}

static void teardown(void) {
        objects_clear(&now);
        objects_clear(&want);
        reading = conf_file_free(reading);
}

/* Read into @want. Return: the mistakes, one a line; malloc'ed. */
static char *mistakes(const char *text, const char *hosts, bool prune) {
        struct conf_errors errors = {0};
        char *all = xcalloc(65536, 1);

        objects_clear(&want);
        conf_file_free(reading);
        reading = objects_read(text, &want);
        objects_xml(&want, &now, reading);
        objects_check(&want, &now, hosts, prune, reading);
        conf_file_errors(reading, "f", &errors);
        for (size_t i = 0; i < errors.n; i++) {
                strcat(all, errors.lines[i]);
                strcat(all, "\n");
        }
        conf_errors_clear(&errors);
        return all;
}

static void read_ok(const char *text, struct objects *o) {
        _cleanup_(freep) char *said = mistakes(text, "node1 node2", false);

        ck_assert_str_eq(said, "");
        *o = want;
        want = (struct objects){0};
}

static const char *get(const struct objects *o, enum object_kind kind, const char *name,
                       const char *key) {
        const struct object *x = objects_find(o, kind, name);

        ck_assert_msg(x != NULL, "no %s", name);
        return object_get(x, key);
}

START_TEST(all_of_it_is_read) {
        read_ok("# a comment\n"
                "[rule apart]\nkind=separate\nstrict = yes\nguests = web dns, web\nguests = db\n"
                "[guest web]\n"
                "priority = 200\nstop-timeout = 90 s\nafter = dns\nafter = db\ndesired = paused\n"
                "xml =\n" XML("web", UUID1) "on-shutdown = restart\n",
                &now);
        ck_assert_uint_eq(now.n, 2);
        ck_assert_str_eq(now.list[0].name, "web");
        ck_assert_str_eq(now.list[0].uuid, UUID1);
        ck_assert_str_eq(get(&now, OBJECT_GUEST, "web", "desired"), "paused");
        ck_assert_str_eq(get(&now, OBJECT_GUEST, "web", "stop-timeout"), "90s");
        ck_assert_str_eq(get(&now, OBJECT_GUEST, "web", "after"), "db dns");
        ck_assert_str_eq(get(&now, OBJECT_GUEST, "web", "on-shutdown"), "restart");
        ck_assert_ptr_null(now.list[0].values[object_key(OBJECT_GUEST, "boot-time")]);
        ck_assert_int_eq(strncmp(get(&now, OBJECT_GUEST, "web", "xml"), "<domain", 7), 0);
        ck_assert_str_eq(get(&now, OBJECT_RULE, "apart", "guests"), "db dns web");
        ck_assert_str_eq(get(&now, OBJECT_RULE, "apart", "strict"), "yes");
        ck_assert_ptr_null(objects_find(&now, OBJECT_GUEST, "apart"));
}
END_TEST

START_TEST(words_are_those_of_the_ledger) {
        char text[256];

        for (unsigned i = 0; i < DESIRED_MAX_; i++) {
                text_fmt(text, sizeof(text), "[guest web]\ndesired = %s\nxml =\n%s",
                         desired_name((enum desired)i), XML("web", UUID1));
                read_ok(text, &now);
                ck_assert_str_eq(get(&now, OBJECT_GUEST, "web", "desired"),
                                 desired_name((enum desired)i));
                objects_clear(&now);
        }
        for (unsigned i = 0; i < RULE_KIND_MAX_; i++) {
                const char *kind = rule_kind_name((enum rule_kind)i);

                text_fmt(text, sizeof(text), "[rule r]\nkind = %s\nguests = a b\n%s", kind,
                         rule_among_guests(kind) ? "" : "hosts = node1\n");
                read_ok(text, &now);
                ck_assert_str_eq(get(&now, OBJECT_RULE, "r", "kind"), kind);
                objects_clear(&now);
        }
}
END_TEST

/* Texts of XML that an indentation, a blank or an end could spoil. */
static const char *const xmls[] = {
        "<domain/>",
        "<domain>\n\n  <a>\n\n\n  </a>\n</domain>",
        "<domain>\n  \n\t\n<a/>   \n[guest x]\npriority = 3\n# no comment\n; nor this\n</domain>",
        "<domain>\n\t<a b='\xc3\xa4 ; = \\'/>\\\n</domain>",
};

START_TEST(what_is_written_is_read_back) {
        struct object *o = objects_add(&now, OBJECT_GUEST, "web");
        _cleanup_(freep) char *text = NULL, *again = NULL;
        char err[TEXT_LEN];
        char *names = NULL;

        for (int i = 0; i < 200; i++) {
                char name[NAME_LEN];

                text_fmt(name, sizeof(name), "guest-with-a-long-name-%d", i);
                ck_assert_int_eq(names_add(&names, name, err), 0);
        }
        object_set(o, "desired", "ignored");
        object_set(o, "priority", "-5");
        object_set(o, "start-timeout", "1s 1us");
        object_set(o, "after", "");
        object_set(o, "xml", xmls[_i]);
        o = objects_add(&now, OBJECT_RULE, "r");
        object_set(o, "kind", "together");
        object_set(o, "guests", names);
        free(names);
        text = objects_write(&now);
        reading = objects_read(text, &want);
        ck_assert_uint_eq(want.n, 2);
        for (size_t i = 0; i < want.n; i++)
                for (size_t k = 0; k < OBJECT_KEYS_MAX; k++) {
                        const char *a = now.list[i].values[k], *b = want.list[i].values[k];

                        ck_assert_msg(!a == !b && (!a || strcmp(a, b) == 0), "'%s' '%s'", a, b);
                }
        again = objects_write(&want);
        ck_assert_str_eq(again, text);
}
END_TEST

START_TEST(indentation_is_that_of_the_first_line) {
        reading =
                objects_read("[guest a]\nxml =\n\n\t  <a>\n\t    <b/>\n\t c\n\t  </a>\n\n\n# end\n"
                             "priority = 1\r\n[guest b]\r\nxml =\r\n  <a>\r\n  </a>\r\n",
                             &want);
        ck_assert_str_eq(get(&want, OBJECT_GUEST, "a", "xml"), "<a>\n  <b/>\nc\n</a>");
        ck_assert_int_eq(object_line(objects_find(&want, OBJECT_GUEST, "a"), "xml"), 4);
        ck_assert_str_eq(get(&want, OBJECT_GUEST, "a", "priority"), "1");
        ck_assert_str_eq(get(&want, OBJECT_GUEST, "b", "xml"), "<a>\n</a>");
}
END_TEST

static const struct {
        const char *text, *mistakes;
} bad[] = {
        {"[guest a]\nxml = <domain/>\n",
         "f:2: 'xml' stands in the lines below, each of them indented\n"},
        {"[guest a]\nxml =\npriority = 1\n",
         "f:2: 'xml' needs a value: the lines below it, each of them indented\n"},
        {"[guest a]\nprio = 1\nafter = b c/d\nafter = a\ndesired = up\npriority = x\n",
         "f:1: [guest a] is new and needs 'xml'; hawctl guest add enrols a domain of libvirt\n"
         "f:2: [guest] has no key 'prio': did you mean 'priority'?\n"
         "f:3: 'c/d' is no name: use up to 63 of letters, digits and . _ -\n"
         "f:3: a cannot wait for itself\n"
         "f:5: 'up' is no value for 'desired': use running, stopped, paused or ignored\n"
         "f:6: 'x' is not a number from -1000000 to 1000000\n"},
        {"[guest old]\nafter = 1 2 3 4 5 6 7 8 9\n", "f:2: 'after' has 9 guests: at most 8\n"},
        {"[guest old]\nxml =\n  <domain>\n    <name>old</name>\n  </dom>\n",
         "f:5: the domain XML is malformed: Opening and ending tag mismatch: domain line 1 and "
         "dom\n"},
        {"[guest old]\nxml =\n  <domain type='kvm'/>\n", "f:3: <name> is missing\n"},
        {"[guest old]\nxml =\n" XML("other", UUID1),
         "f:3: [guest old] has the XML of 'other': make the names equal\n"},
        {"[guest old]\nxml =\n" XML("old", UUID2),
         "f:3: the UUID of old is " UUID1 " and cannot be changed to " UUID2 "\n"},
        {"[guest new]\nxml =\n" XML("new", UUID1),
         "f:3: old has the UUID " UUID1 " already: give new another\n"},
        {"[guest a]\nxml =\n" XML("a", UUID2) "[guest b]\nxml =\n" XML("b", UUID2),
         "f:3: b has the UUID " UUID2 " already: give a another\n"
         "f:10: a has the UUID " UUID2 " already: give b another\n"},
        {"[guest old]\nafter = a\n[guest a]\nafter = b\nxml =\n" XML(
                 "a", UUID2) "[guest b]\n"
                             "after = old\nxml =\n" XML("b",
                                                        "00000000-0000-4000-8000-000000000003"),
         "f:2: old would wait for a guest that waits for old: none of them could start\n"
         "f:4: a would wait for a guest that waits for a: none of them could start\n"
         "f:12: b would wait for a guest that waits for b: none of them could start\n"},
        {"[rule r]\nguests = a b\n",
         "f:1: [rule r] needs 'kind': separate, together, require, prefer or avoid\n"},
        {"[rule r]\nkind = separate\nguests = a\n",
         "f:1: [rule r]: separate needs two guests or more, and no hosts\n"},
        {"[rule r]\nkind = separate\nguests = a b\nhosts = node1\n",
         "f:1: [rule r]: separate needs two guests or more, and no hosts\n"},
        {"[rule r]\nkind = avoid\nguests = a\n", "f:1: [rule r]: avoid needs guests and hosts\n"},
        {"[rule r]\nkind = avoid\nguests = a\nhosts = node1 node9\n",
         "f:4: the cluster has no host 'node9'; hawctl host list shows them\n"},
        {"[rule r]\nkind = sep\nstrict = maybe\n",
         "f:2: 'sep' is no value for 'kind': use separate, together, require, prefer or avoid\n"
         "f:3: 'maybe' is no value for 'strict': use no or yes\n"},
        {"[rule pinned]\nguests =\n", "f:1: [rule pinned]: require needs guests and hosts\n"},
        {"[host node1]\nlabels = x\n[guests a]\n[guest]\n[guest a/b]\nkind = x\n",
         "f:1: [host] belongs into hawd.conf, on every host\n"
         "f:3: there is no section [guests]: did you mean [guest NAME]?\n"
         "f:4: [guest] needs a name, as in [guest NAME]\n"
         "f:5: 'a/b' is no name: use up to 63 of letters, digits and . _ -\n"},
        {"[rule r]\nkind = avoid\n[rule r]\n", "f:1: [rule r]: avoid needs guests and hosts\n"
                                               "f:3: [rule r] is there already, in line 1\n"},
};

START_TEST(every_mistake_is_told_with_its_line) {
        _cleanup_(freep) char *said = NULL;

        read_ok("[guest old]\nxml =\n" XML("old", UUID1) "[rule pinned]\nkind = require\n"
                                                         "guests = old\nhosts = node1\n",
                &now);
        said = mistakes(bad[_i].text, "node1 node2", false);
        ck_assert_str_eq(said, bad[_i].mistakes);
}
END_TEST

START_TEST(what_goes_is_in_nobodys_way) {
        _cleanup_(freep) char *said = NULL, *stay = NULL;

        read_ok("[guest old]\nafter = new\nxml =\n" XML("old", UUID1), &now);
        said = mistakes("[guest new]\nafter = old\nxml =\n" XML("new", UUID1), "", true);
        ck_assert_str_eq(said, "");
        stay = mistakes("[guest new]\nafter = old\nxml =\n" XML("new", UUID2), "", false);
        ck_assert_str_eq(stay, "f:2: new would wait for a guest that waits for new: none of them "
                               "could start\n");
}
END_TEST

START_TEST(what_is_so_already_is_no_mistake) {
        _cleanup_(freep) char *text = NULL, *said = NULL;

        read_ok("[guest a]\nxml =\n" XML("a", UUID1) "[guest b]\nxml =\n" XML("b", UUID2), &now);
        object_set(&now.list[0], "after", "b");
        object_set(&now.list[1], "after", "a");
        text = objects_write(&now);
        said = mistakes(text, "", false);
        ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(rule_of_a_host_that_has_left_stays) {
        static const char rule[] = "[rule r]\nkind = avoid\nguests = a\nhosts = node1 node2\n";
        _cleanup_(freep) char *same = NULL, *changed = NULL;

        read_ok(rule, &now);
        same = mistakes(rule, "node1", false);
        ck_assert_str_eq(same, "");
        changed = mistakes("[rule r]\nkind = avoid\nguests = a b\nhosts = node1 node2\n", "node1",
                           false);
        ck_assert_str_eq(changed,
                         "f:4: the cluster has no host 'node2'; hawctl host list shows them\n");
}
END_TEST

START_TEST(a_guest_without_uuid_keeps_its_own) {
        static const char text[] = "[guest a]\nxml =\n  <domain type='kvm'><name>a</name>\n"
                                   "  <memory>65536</memory></domain>\n";
        _cleanup_(freep) char *kept = NULL, *said = NULL;

        read_ok(text, &now);
        ck_assert_uint_eq(strlen(now.list[0].uuid), UUID_LEN - 1);
        kept = xstrdup(object_get(&now.list[0], "xml"));
        said = mistakes(text, "", false);
        ck_assert_str_eq(said, "");
        ck_assert_str_eq(object_get(&want.list[0], "xml"), kept);
}
END_TEST

START_TEST(sets_of_names) {
        char name[NAME_LEN], err[TEXT_LEN], *list = NULL;
        const char *p = " b,,a ";

        ck_assert_int_eq(names_add(&list, "b, a", err), 0);
        ck_assert_int_eq(names_add(&list, "c\tb aa", err), 0);
        ck_assert_str_eq(list, "a aa b c");
        ck_assert(names_have(list, "aa"));
        ck_assert(!names_have(list, "d"));
        ck_assert_int_eq(names_add(&list, "d -x", err), -EINVAL);
        ck_assert_str_eq(list, "a aa b c");
        ck_assert(names_next(&p, name));
        ck_assert_str_eq(name, "b");
        ck_assert(names_next(&p, name));
        ck_assert(!names_next(&p, name));
        ck_assert_int_eq(
                names_add(&list, "x123456789012345678901234567890123456789012345678901234567890123",
                          err),
                -EINVAL);
        free(list);
}
END_TEST

static Suite *objects_suite(void) {
        Suite *s = suite_create("objects");
        TCase *tc = unit_case(s, "objects");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, all_of_it_is_read);
        tcase_add_test(tc, words_are_those_of_the_ledger);
        tcase_add_loop_test(tc, what_is_written_is_read_back, 0, (int)ARRAY_SIZE(xmls));
        tcase_add_test(tc, indentation_is_that_of_the_first_line);
        tcase_add_loop_test(tc, every_mistake_is_told_with_its_line, 0, (int)ARRAY_SIZE(bad));
        tcase_add_test(tc, what_goes_is_in_nobodys_way);
        tcase_add_test(tc, what_is_so_already_is_no_mistake);
        tcase_add_test(tc, rule_of_a_host_that_has_left_stays);
        tcase_add_test(tc, a_guest_without_uuid_keeps_its_own);
        tcase_add_test(tc, sets_of_names);
        return s;
}

UNIT_MAIN(objects_suite)
