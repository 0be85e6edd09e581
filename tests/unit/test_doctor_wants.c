/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: facts */
/* What guests need of a host, and whether it is there. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hawd/facts/wants.h"
#include "tests/unit/unit.h"

#define DOMAIN(body)                                                                               \
        "<domain type='kvm'><name>vm1</name><uuid>0f1e2d3c-0000-4000-8000-000000000001</uuid>"     \
        "<os><type arch='x86_64' machine='q35'>hvm</type></os>" body "</domain>"
#define DEVICES(body) DOMAIN("<devices>" body "</devices>")

/* One thing in the XML, and what is needed because of it: "kind what" lines. */
static const struct {
        const char *xml, *needs;
} rows[] = {
        {DEVICES("<disk type='file' device='disk'><source file='/img/a.qcow2'/></disk>"),
         "disk /img/a.qcow2\n"},
        {DEVICES("<disk type='file'><source file='/img/a.qcow2'/></disk>"), "disk /img/a.qcow2\n"},
        {DEVICES("<disk type='block' device='lun'><source dev='/dev/vg/a'/></disk>"),
         "disk /dev/vg/a\n"},
        {DEVICES("<disk type='file' device='cdrom'><source file='/iso/x.iso'/></disk>"),
         "cdrom /iso/x.iso\n"},
        {DEVICES("<disk type='file' device='cdrom'/>"), ""},
        {DEVICES("<disk device='cdrom'><source file='/iso/x.iso' "
                 "startupPolicy='optional'/></disk>"),
         ""},
        {DEVICES("<disk type='volume'><source pool='fast' volume='a'/></disk>"), "pool fast a\n"},
        {DEVICES("<disk type='network'><source protocol='rbd' name='p/a'/></disk>"), ""},
        {DEVICES("<interface type='bridge'><source bridge='br0'/></interface>"), "bridge br0\n"},
        {DEVICES("<interface type='bridge'><source bridge='ovs'/><virtualport "
                 "type='openvswitch'/></interface>"),
         "bridge ovs ovs\n"},
        {DEVICES("<interface type='network'><source network='default'/></interface>"),
         "network default\n"},
        {DEVICES("<interface type='direct'><source dev='eth0' mode='bridge'/></interface>"),
         "netdev eth0\n"},
        {DEVICES("<interface type='user'/>"), ""},
        {DEVICES("<filesystem type='mount'><source dir='/srv/x'/><target dir='x'/></filesystem>"),
         "filesystem /srv/x\n"},
        {DEVICES("<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>"),
         "tpm /var/lib/libvirt/swtpm/0f1e2d3c-0000-4000-8000-000000000001\n"},
        {DEVICES("<tpm model='tpm-crb'><backend type='passthrough'/></tpm>"), ""},
        {DEVICES("<emulator> /usr/bin/qemu-kvm\n</emulator>"), "emulator /usr/bin/qemu-kvm\n"},
        {DOMAIN("<os><kernel>ignored: the first os counts</kernel></os>"), ""},
        {"<domain><os><kernel>/k</kernel><initrd>/i</initrd><loader "
         "readonly='yes'>/l.fd</loader><nvram>/n.fd</nvram></os></domain>",
         "kernel /k\nkernel /i\nfirmware /l.fd\nnvram /n.fd\n"},
};

static void describe(const json_t *wants, char *buf, size_t size) {
        const json_t *need;
        size_t i, n = 0;

        buf[0] = '\0';
        json_array_foreach(json_object_get(wants, "needs"), i, need) {
                const char *volume = json_string_value(json_object_get(need, "volume"));

                text_fmt(buf + n, size - n, "%s %s%s%s%s\n",
                         json_string_value(json_object_get(need, "kind")),
                         json_string_value(json_object_get(need, "what")), volume ? " " : "",
                         volume ? volume : "",
                         json_is_true(json_object_get(need, "ovs")) ? " ovs" : "");
                n += strlen(buf + n);
        }
}

START_TEST(needs_are_found) {
        json_t *wants = wants_of(rows[_i].xml, strlen(rows[_i].xml));
        char got[1024];

        ck_assert_ptr_nonnull(wants);
        describe(wants, got, sizeof(got));
        ck_assert_str_eq(got, rows[_i].needs);
        json_decref(wants);
}
END_TEST

/* One <driver>, and the disks that do not pause their guest when they fail. */
#define DISK(device, driver)                                                                       \
        DEVICES("<disk type='file'" device ">" driver "<target dev='vda'/></disk>")
static const struct {
        const char *xml, *pass;
} policies[] = {
        {DISK("", ""), "vda"},
        {DISK("", "<driver name='qemu'/>"), "vda"},
        {DISK("", "<driver error_policy='stop'/>"), ""},
        {DISK(" device='disk'", "<driver error_policy='stop' rerror_policy='stop'/>"), ""},
        {DISK("", "<driver error_policy='stop' rerror_policy='report'/>"), "vda"},
        {DISK("", "<driver error_policy='enospace' rerror_policy='stop'/>"), "vda"},
        {DISK("", "<driver rerror_policy='stop'/>"), "vda"},
        {DISK(" device='lun'", "<driver error_policy='report'/>"), "vda"},
        {DISK(" device='cdrom'", ""), ""},
        {DISK(" device='floppy'", ""), ""},
        {DEVICES(""), ""},
};

START_TEST(disks_that_do_not_pause_are_named) {
        json_t *wants = wants_of(policies[_i].xml, strlen(policies[_i].xml));
        json_t *all = json_pack("{s:[O]}", "guests", wants), *o = facts_storage("", all);
        const json_t *pass = json_object_get(o, "errors_pass");

        ck_assert_uint_eq(json_array_size(pass), *policies[_i].pass ? 1 : 0);
        if (*policies[_i].pass) {
                const json_t *x = json_array_get(pass, 0);

                ck_assert_str_eq(json_string_value(json_object_get(x, "disk")), policies[_i].pass);
                ck_assert_str_eq(json_string_value(json_object_get(x, "guest")), "vm1");
        }
        json_decref(o);
        json_decref(all);
        json_decref(wants);
}
END_TEST

static const struct {
        const char *xml, *mode;
} cpus[] = {
        {DOMAIN(""), NULL},
        {DOMAIN("<cpu mode='host-passthrough'/>"), "host-passthrough"},
        {DOMAIN("<cpu mode='host-model'/>"), "host-model"},
        {DOMAIN("<cpu mode='custom'><model>EPYC</model></cpu>"), "custom"},
        {DOMAIN("<cpu match='exact'><model>EPYC</model></cpu>"), "custom"},
};

START_TEST(the_cpu_is_kept) {
        json_t *wants = wants_of(cpus[_i].xml, strlen(cpus[_i].xml));
        const json_t *cpu = json_object_get(wants, "cpu");

        if (cpus[_i].mode) {
                ck_assert_str_eq(json_string_value(json_object_get(cpu, "mode")), cpus[_i].mode);
                ck_assert_ptr_nonnull(
                        strstr(json_string_value(json_object_get(cpu, "xml")), "<cpu "));
        } else {
                ck_assert(json_is_null(cpu));
        }
        ck_assert_str_eq(json_string_value(json_object_get(wants, "type")), "kvm");
        ck_assert_str_eq(json_string_value(json_object_get(wants, "machine")), "q35");
        json_decref(wants);
}
END_TEST

START_TEST(what_is_no_domain_wants_nothing) {
        static const char *const texts[] = {"", "x", "<network/>", "<domain>",
                                            "<!DOCTYPE d [<!ENTITY e SYSTEM 'x'>]><d>&e;</d>"};

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                ck_assert_ptr_null(wants_of(texts[i], strlen(texts[i])));
}
END_TEST

/* ---- is it there? ---- */

static char root[] = "/tmp/hawd-doctor-XXXXXX";

static void put(const char *path, const char *text) {
        char full[512];
        FILE *f;

        text_fmt(full, sizeof(full), "%s%s", root, path);
        for (char *c = full + strlen(root) + 1; *c; c++)
                if (*c == '/') {
                        *c = '\0';
                        (void)mkdir(full, 0755);
                        *c = '/';
                }
        f = fopen(full, "we");
        ck_assert_ptr_nonnull(f);
        ck_assert_int_ge(fputs(text, f), 0);
        ck_assert_int_eq(fclose(f), 0);
}

static void setup(void) {
        char path[512];

        ck_assert_ptr_nonnull(mkdtemp(root));
        put("/img/a.qcow2", "x");
        put("/sys/class/net/br0/flags", "0x1003\n");
        put("/sys/class/net/br0/bridge/x", "");
        put("/sys/class/net/brdown/flags", "0x1002\n");
        put("/sys/class/net/brdown/bridge/x", "");
        put("/sys/class/net/eth0/flags", "0x1003\n");
        text_fmt(path, sizeof(path), "%s/img/fifo", root);
        ck_assert_int_eq(mkfifo(path, 0600), 0);
}

static void teardown(void) {
        char cmd[128];

        text_fmt(cmd, sizeof(cmd), "rm -rf %s", root);
        ck_assert_int_eq(system(cmd), 0);
}

static const struct {
        const char *kind, *what;
        bool ovs;
        const char *why; /* NULL: it is there */
} there[] = {
        {"disk", "/img/a.qcow2", false, NULL},
        {"disk", "/img", false, NULL},
        {"disk", "/img/none", false, "No such file or directory"},
        {"disk", "/img/fifo", false, "neither a file nor a block device"},
        {"disk", "relative.img", false, NULL},
        {"cdrom", "/img/none", false, "No such file or directory"},
        {"emulator", "/img/a.qcow2", false, "it cannot be executed"},
        {"bridge", "br0", false, NULL},
        {"bridge", "brdown", false, "it is down"},
        {"bridge", "none", false, "no such interface"},
        {"bridge", "../br0", false, "no such interface"},
        {"bridge", "eth0", false, "it is no bridge"},
        {"bridge", "eth0", true, NULL},
        {"netdev", "eth0", false, NULL},
        {"pool", "fast", false, NULL}, /* libvirt's business */
};

START_TEST(what_is_missing_is_named) {
        json_t *wants =
                json_pack("{s:[{s:s,s:[{s:s,s:s,s:b}]}]}", "guests", "name", "vm1", "needs", "kind",
                          there[_i].kind, "what", there[_i].what, "ovs", (int)there[_i].ovs);
        json_t *o = facts_storage(root, wants);
        const json_t *missing = json_array_get(json_object_get(o, "missing"), 0);

        if (there[_i].why) {
                ck_assert_str_eq(json_string_value(json_object_get(missing, "guest")), "vm1");
                ck_assert_str_eq(json_string_value(json_object_get(missing, "what")),
                                 there[_i].what);
                ck_assert_ptr_nonnull(
                        strstr(json_string_value(json_object_get(missing, "why")), there[_i].why));
        } else {
                ck_assert_ptr_null(missing);
        }
        json_decref(o);
        json_decref(wants);
}
END_TEST

START_TEST(a_long_list_is_cut_and_counted) {
        json_t *needs = json_array(), *wants, *o;

        for (int i = 0; i < FACTS_LIST_MAX + 7; i++)
                json_array_append_new(needs,
                                      json_pack("{s:s,s:s}", "kind", "disk", "what", "/none"));
        wants = json_pack("{s:[{s:s,s:o}]}", "guests", "name", "vm1", "needs", needs);
        o = facts_storage(root, wants);
        ck_assert_uint_eq(json_array_size(json_object_get(o, "missing")), FACTS_LIST_MAX);
        ck_assert_int_eq(json_integer_value(json_object_get(o, "missing_more")), 7);
        json_decref(o);
        json_decref(wants);
}
END_TEST

START_TEST(room_for_copies) {
        json_t *wants = json_pack(
                "{s:[{s:s,s:s,s:[{s:s,s:s},{s:s,s:s},{s:s,s:s},{s:s,s:s}]},{s:s,s:s,s:[]}]}",
                "guests", "name", "vm1", "replica", "node2 async", "needs", "kind", "disk", "what",
                "/img/raw", "kind", "disk", "what", "/img/q", "kind", "disk", "what", "/none/x",
                "kind", "bridge", "what", "br0", "name", "vm2", "replica", "node2 drbd r0",
                "needs");
        json_t *o;
        const json_t *list, *c;
        char cmd[512];

        text_fmt(cmd, sizeof(cmd),
                 "cd %s/img && truncate -s 5M raw && qemu-img create -q -f qcow2 q 7M && "
                 "dd if=/dev/zero of=q.hawd-replica-3 bs=1M count=2 status=none && "
                 "dd if=/dev/zero of=qq.hawd-replica-3 bs=1M count=1 status=none && "
                 "dd if=/dev/zero of=q.hawd-left-2 bs=1M count=3 status=none",
                 root);
        ck_assert_int_eq(system(cmd), 0);
        o = facts_storage(root, wants);
        list = json_object_get(o, "copies");
        ck_assert_uint_eq(json_array_size(list), 3);
        c = json_array_get(list, 0);
        ck_assert_int_eq(json_integer_value(json_object_get(c, "size_mib")), 5);
        ck_assert_int_gt(json_integer_value(json_object_get(c, "free_mib")), 0);
        ck_assert_int_eq(json_integer_value(json_object_get(c, "copy_mib")), 0);
        c = json_array_get(list, 1);
        ck_assert_int_eq(json_integer_value(json_object_get(c, "size_mib")), 7);
        ck_assert_int_eq(json_integer_value(json_object_get(c, "copy_mib")), 2);
        ck_assert(json_is_null(json_object_get(c, "why")));
        ck_assert_uint_eq(json_array_size(json_object_get(c, "left")), 1);
        c = json_array_get(json_object_get(c, "left"), 0);
        ck_assert_str_eq(json_string_value(json_object_get(c, "what")), "q.hawd-left-2");
        ck_assert_int_eq(json_integer_value(json_object_get(c, "mib")), 3);
        c = json_array_get(list, 2);
        ck_assert_str_eq(json_string_value(json_object_get(c, "why")), "No such file or directory");
        json_decref(o);
        json_decref(wants);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("doctor wants");
        TCase *tc = unit_case(s, "xml");

        tcase_add_loop_test(tc, needs_are_found, 0, (int)ARRAY_SIZE(rows));
        tcase_add_loop_test(tc, disks_that_do_not_pause_are_named, 0, (int)ARRAY_SIZE(policies));
        tcase_add_loop_test(tc, the_cpu_is_kept, 0, (int)ARRAY_SIZE(cpus));
        tcase_add_test(tc, what_is_no_domain_wants_nothing);
        tc = unit_case(s, "there");
        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_loop_test(tc, what_is_missing_is_named, 0, (int)ARRAY_SIZE(there));
        tcase_add_test(tc, a_long_list_is_cut_and_counted);
        tcase_add_test(tc, room_for_copies);
        return s;
}

UNIT_MAIN(suite)
