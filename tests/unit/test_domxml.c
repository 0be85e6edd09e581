/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: guest */
#include <stdio.h>

#include "hawd/guest/domxml.h"
#include "tests/unit/unit.h"

#define UUID "83bda69f-b9ed-423c-8ff1-00404cc312ed"
#define AGENT(state)                                                                               \
        "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'" state           \
        "/></channel>"

static struct guest_spec *good(const char *xml) {
        struct guest_spec *spec = NULL;
        char err[TEXT_LEN] = "";

        ck_assert_msg(spec_from_xml(xml, strlen(xml), &spec, err) == 0, "%s", err);
        return spec;
}

static void bad(const char *xml, size_t len, const char *want) {
        struct guest_spec *spec = NULL;
        char err[TEXT_LEN] = "";

        ck_assert_int_eq(spec_from_xml(xml, len, &spec, err), -EINVAL);
        ck_assert_ptr_null(spec);
        ck_assert_msg(strstr(err, want), "'%s' has no '%s'", err, want);
}

START_TEST(spec_is_read) {
        struct guest_spec *s = good(
                "<domain type='kvm' id='7'><name> vm1 </name>"
                "<uuid>83BDA69FB9ED423C8FF100404CC312ED</uuid><memory unit='KiB'>1048577</memory>"
                "<vcpu placement='static' current='2'>4</vcpu><devices>" AGENT(
                        "") "</devices>"
                            "<on_crash>preserve</on_crash></domain>");

        ck_assert_str_eq(s->name, "vm1");
        ck_assert_str_eq(s->uuid, UUID);
        ck_assert_uint_eq(s->memory_mib, 1025);
        ck_assert_uint_eq(s->vcpus, 2);
        ck_assert(s->has_agent);
        ck_assert_ptr_null(strstr(s->xml->data, "id='7'"));
        ck_assert_ptr_null(strstr(s->xml->data, "id=\"7\""));
        ck_assert_ptr_nonnull(strstr(s->xml->data, "<name>vm1</name>"));
        ck_assert_ptr_nonnull(strstr(s->xml->data, "<uuid>" UUID "</uuid>"));
        ck_assert_ptr_nonnull(strstr(s->xml->data, "<on_crash>destroy</on_crash>"));
        ck_assert_ptr_nonnull(strstr(s->xml->data, "<on_poweroff>destroy</on_poweroff>"));
        ck_assert_ptr_nonnull(strstr(s->xml->data, "<on_reboot>restart</on_reboot>"));
        guest_spec_unref(s);
}
END_TEST

START_TEST(what_was_written_out_without_passwords_is_refused) {
        static const char xml[] =
                "<domain type='kvm'><name>a</name><memory>1</memory><devices>"
                "<graphics type='vnc' passwd='" XML_HIDDEN "'/></devices></domain>";

        bad(xml, sizeof(xml) - 1, "without its passwords");
}
END_TEST

START_TEST(normalising_twice_changes_nothing) {
        struct guest_spec *a = good("<?xml version='1.0'?><!-- mine --><domain type='qemu' "
                                    "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
                                    "<name>a</name><memory>1024</memory>"
                                    "<title>&lt;caf\xc3\xa9 &amp; more></title>"
                                    "<qemu:commandline><qemu:arg value='-s'/></qemu:commandline>"
                                    "</domain>");
        struct guest_spec *b = good(a->xml->data);

        ck_assert_str_eq(a->uuid, b->uuid);
        ck_assert_uint_eq(a->xml->len, b->xml->len);
        ck_assert_str_eq(a->xml->data, b->xml->data);
        ck_assert_ptr_nonnull(strstr(a->xml->data, "qemu:arg"));
        ck_assert_ptr_nonnull(strstr(a->xml->data, "&amp; more"));
        guest_spec_unref(a);
        guest_spec_unref(b);
}
END_TEST

START_TEST(a_missing_uuid_is_made_up) {
        const char *xml = "<domain type='qemu'><name>a</name><memory>1</memory></domain>";
        struct guest_spec *a = good(xml), *b = good(xml);

        ck_assert_uint_eq(strlen(a->uuid), UUID_LEN - 1);
        ck_assert_int_eq(a->uuid[14], '4');
        ck_assert_ptr_nonnull(strchr("89ab", a->uuid[19]));
        ck_assert_str_ne(a->uuid, b->uuid);
        ck_assert_ptr_nonnull(strstr(a->xml->data, a->uuid));
        ck_assert_uint_eq(a->vcpus, 1);
        ck_assert(!a->has_agent);
        guest_spec_unref(a);
        guest_spec_unref(b);
}
END_TEST

START_TEST(memory_units) {
        static const struct {
                const char *unit, *number;
                uint64_t mib;
        } rows[] = {
                {"", "1", 1},
                {"", "1024", 1},
                {"", "1025", 2},
                {" unit='bytes'", "1048577", 2},
                {" unit='MB'", "1000", 954},
                {" unit='M'", "96", 96},
                {" unit='GiB'", "4", 4096},
                {" unit='TiB'", "1", 1048576},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char xml[256];
                struct guest_spec *s;

                snprintf(xml, sizeof(xml),
                         "<domain type='qemu'><name>a</name><memory%s>%s</memory></domain>",
                         rows[i].unit, rows[i].number);
                s = good(xml);
                ck_assert_uint_eq(s->memory_mib, rows[i].mib);
                guest_spec_unref(s);
        }
}
END_TEST

START_TEST(mistakes_name_the_element) {
        static const struct {
                const char *xml, *want;
        } rows[] = {
                {"", "malformed"},
                {"<domain type='qemu'><name>a</domain>", "line 1"},
                {"<network/>", "begins with <network>"},
                {"<domain/>", "<domain type=''>: hawd keeps domains of type kvm and qemu"},
                {"<domain type='xen'><name>a</name></domain>", "<domain type='xen'>"},
                {"<domain type='kvm'/>", "<name> is missing"},
                {"<domain type='qemu'><name>a b</name></domain>", "<name>: 'a b'"},
                {"<domain type='qemu'><name>../x</name></domain>", "<name>: '../x'"},
                {"<domain type='qemu'><name>a</name><uuid>12</uuid></domain>", "<uuid>: '12'"},
                {"<domain type='qemu'><name>a</name></domain>", "<memory> is missing"},
                {"<domain type='qemu'><name>a</name><memory>lots</memory></domain>",
                 "<memory>: 'lots'"},
                {"<domain type='qemu'><name>a</name><memory>-1</memory></domain>",
                 "<memory>: '-1'"},
                {"<domain type='qemu'><name>a</name><memory>0</memory></domain>", "<memory>: '0'"},
                {"<domain type='qemu'><name>a</name><memory unit='PiX'>1</memory></domain>",
                 "'PiX' is no unit"},
                {"<domain type='qemu'><name>a</name><memory unit='T'>99999999999</memory></domain>",
                 "<memory>: '99999999999'"},
                {"<domain type='qemu'><name>a</name><memory>1</memory><vcpu>x</vcpu></domain>",
                 "<vcpu>: 'x'"},
                {"<domain type='qemu'><name>a</name><memory>1</memory><vcpu>0</vcpu></domain>",
                 "<vcpu>: '0'"},
                {"<domain type='kvm' xmlns:q='a&lt;b'><name>a</name><memory>1</memory></domain>",
                 "once normalised, the domain XML is malformed"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                bad(rows[i].xml, strlen(rows[i].xml), rows[i].want);
}
END_TEST

START_TEST(no_dtd_no_entities_no_flood) {
        static const char dtd[] = "<!DOCTYPE d [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
                                  "<domain type='qemu'><name>&e;</name></domain>";
        static const char head[] = "<?xml version='1.0' encoding='UTF-16LE'?>";
        char wide[2 * (sizeof(head) + sizeof(dtd))];
        char *big = xcalloc(DOMXML_MAX + 1, 1);
        size_t n = 0;

        bad(dtd, sizeof(dtd) - 1, "DOCTYPE");
        for (const char *c = head; *c; c++, wide[n++] = '\0')
                wide[n++] = *c;
        for (const char *c = dtd; *c; c++, wide[n++] = '\0')
                wide[n++] = *c;
        bad(wide, n, "DOCTYPE");
        memset(big, ' ', DOMXML_MAX + 1);
        bad(big, DOMXML_MAX + 1, "longer than 1024 KiB");
        n = (size_t)snprintf(big, DOMXML_MAX, "%s",
                             "<domain type='kvm'><name>a</name><memory>1</memory><title><![CDATA[");
        memset(big + n, '&', DOMXML_MAX / 2); /* five bytes each, once it is normalised */
        memcpy(big + n + DOMXML_MAX / 2, "]]></title></domain>", 20);
        bad(big, n + DOMXML_MAX / 2 + 20, "longer than 1024 KiB");
        for (n = 0; n < 3 * 100000; n += 3)
                memcpy(big + n, "<a>", 3);
        bad(big, n, "malformed"); /* too deep */
        bad("<domain type='qemu'><name>&x;</name></domain>", 45, "malformed");
        free(big);
}
END_TEST

START_TEST(order_does_not_make_another_definition) {
        static const char a[] = "<domain><name>a</name><devices><disk n='1'/><net><mac/></net>"
                                "</devices><memory>1</memory></domain>";
        static const char b[] = "<domain>\n <memory>1</memory>\n <name>a</name><devices>\n"
                                "  <net><mac/></net> <disk n='1'/></devices></domain>";
        static const char c[] = "<domain><name>a</name><devices><disk n='2'/><net><mac/></net>"
                                "</devices><memory>1</memory></domain>";

        ck_assert_uint_eq(domxml_hash(a, sizeof(a) - 1), domxml_hash(b, sizeof(b) - 1));
        ck_assert_uint_ne(domxml_hash(a, sizeof(a) - 1), domxml_hash(c, sizeof(c) - 1));
        ck_assert_uint_eq(domxml_hash("<domain>", 8), 0);
        ck_assert_uint_ne(domxml_hash("<domain/>", 9), 0);
}
END_TEST

START_TEST(connected_agents) {
        static const char yes[] =
                "<domain type='qemu'><devices>" AGENT(" state='connected'") "</devices></domain>";
        static const char no[] = "<domain type='qemu'><devices>" AGENT(
                " state='disconnected'") "</devices></domain>";

        ck_assert(domxml_agent_connected(yes, sizeof(yes) - 1));
        ck_assert(!domxml_agent_connected(no, sizeof(no) - 1));
        ck_assert(!domxml_agent_connected("<domain/>", 9));
        ck_assert(!domxml_agent_connected("", 0));
}
END_TEST

START_TEST(uuids) {
        char uuid[UUID_LEN] = "";

        ck_assert_int_eq(uuid_normalise("83BDA69FB9ED423C8FF100404CC312ED", uuid), 0);
        ck_assert_str_eq(uuid, UUID);
        ck_assert_int_eq(uuid_normalise(UUID, uuid), 0);
        ck_assert_str_eq(uuid, UUID);
        ck_assert_int_eq(uuid_normalise(UUID "0", uuid), -EINVAL);
        ck_assert_int_eq(uuid_normalise("83bda69f", uuid), -EINVAL);
        ck_assert_int_eq(uuid_normalise("", uuid), -EINVAL);
        ck_assert_int_eq(uuid_normalise("g3bda69f-b9ed-423c-8ff1-00404cc312ed", uuid), -EINVAL);
        ck_assert_str_eq(uuid, UUID);
}
END_TEST

static Suite *domxml_suite(void) {
        Suite *s = suite_create("domxml");
        TCase *tc = unit_case(s, "domxml");

        tcase_add_test(tc, spec_is_read);
        tcase_add_test(tc, what_was_written_out_without_passwords_is_refused);
        tcase_add_test(tc, normalising_twice_changes_nothing);
        tcase_add_test(tc, a_missing_uuid_is_made_up);
        tcase_add_test(tc, memory_units);
        tcase_add_test(tc, mistakes_name_the_element);
        tcase_add_test(tc, no_dtd_no_entities_no_flood);
        tcase_add_test(tc, order_does_not_make_another_definition);
        tcase_add_test(tc, connected_agents);
        tcase_add_test(tc, uuids);
        return s;
}

UNIT_MAIN(domxml_suite)
