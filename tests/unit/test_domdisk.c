/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: guest */
/*
 * Disks in domain XML: which a snapshot has to take, and another file for one of them.
 */
#include "hawd/guest/domxml.h"
#include "tests/unit/unit.h"

#define DOMAIN(disks)                                                                              \
        "<domain "                                                                                 \
        "type='kvm'><name>a</name><memory>1</memory><devices><emulator>/q</emulator>" disks        \
        "<disk type='file' device='cdrom'><target dev='sda'/></disk></devices></domain>"
#define VDA                                                                                        \
        "<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none'/>"          \
        "<source file='/d/a.qcow2'/><backingStore type='file'><source "                            \
        "file='/d/x'/></backingStore>"                                                             \
        "<target dev='vda' bus='virtio'/></disk>"
#define VDB                                                                                        \
        "<disk type='file'><driver type='raw'/><source file='/d/b &amp; c.raw'/><target "          \
        "dev='vdb'/></disk>"
#define RO                                                                                         \
        "<disk type='network' device='disk'><source name='x'/><target "                            \
        "dev='vdc'/><readonly/></disk>"

static const struct {
        const char *xml;
        int r;
        const char *says; /* an error has it */
} rows[] = {
        {DOMAIN(VDA VDB RO), 2, ""},
        {DOMAIN(""), 0, ""},
        {"<domain/>", 0, ""},
        {DOMAIN(VDA VDB VDA), -E2BIG, "more than 2"},
        {DOMAIN("<disk type='block'><driver type='raw'/><source dev='/dev/x'/><target "
                "dev='vdd'/></disk>"),
         -EOPNOTSUPP, "vdd is no file"},
        {DOMAIN("<disk type='network'><source protocol='rbd' name='x'/><target dev='vdd'/></disk>"),
         -EOPNOTSUPP, "vdd is no file"},
        {DOMAIN("<disk type='file'><source/><target dev='vdd'/></disk>"), -EOPNOTSUPP, "no file"},
        {DOMAIN("<disk type='file'><source file='d'/><target dev='vdd'/></disk>"), -EOPNOTSUPP,
         "no file"},
        {DOMAIN("<disk type='file'><source file='/d'/><target dev='vdd'/></disk>"), -EINVAL,
         "its format"},
        {DOMAIN("<disk type='file'><driver type='raw'/><source file='/d'/></disk>"), -EINVAL,
         "<target"},
        {DOMAIN("<disk type='file'><driver type='raw'/><source file='/d'/><target dev='vdd'/>"
                "<shareable/></disk>"),
         -EOPNOTSUPP, "shared"},
        {DOMAIN("<disk type='file'><driver type='raw'/><source file='/d'/><target dev='vdd'/>"
                "<transient/></disk>"),
         -EOPNOTSUPP, "thrown away"},
        {"<domain", -EINVAL, ""},
        {"<!DOCTYPE x><domain/>", -EINVAL, "DOCTYPE"},
};

START_TEST(which) {
        struct dom_disk d[2];
        char err[TEXT_LEN] = "";
        const char *xml = rows[_i].xml;
        int r = domxml_disks(xml, strlen(xml), d, 2, err);

        ck_assert_msg(r == rows[_i].r, "%d: %s", r, err);
        ck_assert_msg(strstr(err, rows[_i].says), "'%s'", err);
}
END_TEST

START_TEST(what_they_are) {
        static const char xml[] = DOMAIN(VDA VDB RO);
        struct dom_disk d[4];
        char err[TEXT_LEN];

        ck_assert_int_eq(domxml_disks(xml, sizeof(xml) - 1, d, 4, err), 2);
        ck_assert_str_eq(d[0].target, "vda");
        ck_assert_str_eq(d[0].path, "/d/a.qcow2");
        ck_assert_str_eq(d[0].format, "qcow2");
        ck_assert_str_eq(d[1].target, "vdb");
        ck_assert_str_eq(d[1].path, "/d/b & c.raw");
        ck_assert_str_eq(d[1].format, "raw");
}
END_TEST

START_TEST(another_file) {
        static const char xml[] = DOMAIN(VDA VDB);
        struct blob *b = NULL, *again = NULL;
        struct dom_disk d[4];
        char err[TEXT_LEN];

        ck_assert_int_eq(
                domxml_set_disk(xml, sizeof(xml) - 1, "vdb", "/d/b<'2'>", "qcow2", &b, err), 0);
        ck_assert_int_eq(domxml_set_disk(b->data, b->len, "vda", "/d/a.2", "qcow2", &again, err),
                         0);
        ck_assert_int_eq(domxml_disks(again->data, again->len, d, 4, err), 2);
        ck_assert_str_eq(d[0].path, "/d/a.2");
        ck_assert_str_eq(d[1].path, "/d/b<'2'>");
        ck_assert_str_eq(d[1].format, "qcow2");
        /* libvirt follows what the file itself says that it rests on. */
        ck_assert_ptr_null(strstr(again->data, "backingStore"));
        ck_assert_ptr_nonnull(strstr(again->data, "cache=\"none\""));
        ck_assert_ptr_nonnull(strstr(b->data, "backingStore"));
        blob_unref(b);
        blob_unref(again);
}
END_TEST

START_TEST(no_such_disk) {
        static const char xml[] = DOMAIN(VDA);
        struct blob *b = NULL;
        char err[TEXT_LEN];

        ck_assert_int_eq(domxml_set_disk(xml, sizeof(xml) - 1, "vdz", "/d/x", "raw", &b, err),
                         -ENOENT);
        ck_assert_int_eq(domxml_set_disk("<a", 2, "vda", "/d/x", "raw", &b, err), -EINVAL);
        ck_assert_ptr_null(b);
}
END_TEST

static struct guest_spec *of(const char *disks) {
        struct guest_spec *spec;
        char xml[4096], err[TEXT_LEN];

        text_fmt(
                xml, sizeof(xml),
                "<domain type='kvm'><name>a</name><memory>1</memory><devices>%s</devices></domain>",
                disks);
        ck_assert_msg(spec_from_xml(xml, strlen(xml), &spec, err) == 0, "%s", err);
        return spec;
}

static uint64_t number_of(const char *disks) {
        struct guest_spec *s = of(disks);
        uint64_t n = s->disks;

        guest_spec_unref(s);
        return n;
}

START_TEST(other_disks_have_another_number) {
        static const char *const others[] = {
                "",
                VDA,
                VDB,
                VDA VDB VDB,
                VDA RO,
                VDA "<disk type='file'><driver type='qcow2'/><source file='/d/b &amp; c.raw'/>"
                    "<target dev='vdb'/></disk>",
                VDA "<disk type='file'><driver type='raw'/><source file='/d/b'/>"
                    "<target dev='vdb'/></disk>",
                VDA "<disk type='file'><driver type='raw'/><source file='/d/b &amp; c.raw'/>"
                    "<target dev='vdc'/></disk>",
                VDA VDB "<disk type='block'><source dev='/dev/x'/><target dev='vdd'/></disk>",
                VDA VDB "<disk type='block'><source dev='/dev/y'/><target dev='vdd'/></disk>"};
        uint64_t number = number_of(VDA VDB);

        ck_assert(number ==
                  number_of(VDB RO VDA)); /* in another order, and what it may not write */
        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                ck_assert_msg(number != number_of(others[i]), "%zu", i);
        ck_assert(number_of(others[8]) != number_of(others[9]));
        ck_assert(number_of("") != 0);
}
END_TEST

/* libvirt has the overlays in its definition: what somebody changes there keeps the given disks. */
START_TEST(overlays_are_not_taken_over) {
        struct guest_spec *old = of(VDA VDB), *is, *fresh;
        struct guest_snaps *s = snaps_new();

        snap_taken(s->list, &s->n, s->next++, "one", 5);
        fresh = of("<disk type='file'><driver type='qcow2'/><source file='/d/a.hawd-2.qcow2'/>"
                   "<target dev='vda'/></disk><disk type='file'><driver type='qcow2'/>"
                   "<source file='/d/b &amp; c.hawd-2.qcow2'/><target dev='vdb'/></disk>");
        ck_assert(fresh->disks != old->disks);
        is = domxml_as_given(old, s, fresh);
        ck_assert(is->disks == old->disks);
        guest_spec_unref(is);
        is = domxml_as_given(old, NULL, fresh); /* then that is what its owner gave it */
        ck_assert_ptr_eq(is, fresh);
        guest_spec_unref(is);
        guest_spec_unref(fresh);
        fresh = of("<disk type='file'><driver type='qcow2'/><source file='/d/a.hawd-3.qcow2'/>"
                   "<target dev='vda'/></disk>" VDB);
        is = domxml_as_given(old, s, fresh); /* another disk is another disk */
        ck_assert(is->disks == fresh->disks && is->disks != old->disks);
        guest_spec_unref(is);
        guest_spec_unref(fresh);
        guest_spec_unref(old);
        free(s);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("domdisk");
        TCase *tc = unit_case(s, "domdisk");

        tcase_add_loop_test(tc, which, 0, (int)ARRAY_SIZE(rows));
        tcase_add_test(tc, what_they_are);
        tcase_add_test(tc, another_file);
        tcase_add_test(tc, no_such_disk);
        tcase_add_test(tc, other_disks_have_another_number);
        tcase_add_test(tc, overlays_are_not_taken_over);
        return s;
}

UNIT_MAIN(suite)
