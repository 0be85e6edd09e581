/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: driver guest */
/*
 * The replica adapter as R, with the real qemu-nbd: what it tells, and a hawd that comes after it;
 * as P without QEMU: what cannot be done is told. And libvirt's settings for TLS.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "replication/driver_hello.h"
#include "replication/driver_work.h"
#include "tests/unit/drbd_fixture.h"
#include "tests/unit/replica_told.h"
#include "tests/unit/sh.h"
#include "tests/unit/threads.h"

#define UUID "0b5c9f4e-0000-4000-8000-0123456789ab"
#define DISK(target, type)                                                                         \
        "<disk type='file' device='disk'><driver name='qemu' type='" type                          \
        "'/><source file='%s/%s'/><target dev='" target "' bus='virtio'/></disk>"

static char dir[64], state[96], err[TEXT_LEN];
static void setup(void) {
        (void)signal(SIGPIPE, SIG_IGN);
        text_set(dir, sizeof(dir), "/tmp/hawd-adapter-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
        text_fmt(state, sizeof(state), "%s/state", dir);
        sh("mkdir %s", state);
        n_told = n_taken = 0;
        adapter_open(state);
}

static void teardown(void) {
        char command[256];

        adapter = replica_close(adapter);
        threads_end(5 * USEC_PER_SEC); /* those that wait for a peer do so longer */
        text_fmt(command, sizeof(command), "rm -rf %s", dir);
        (void)!system(command);
}

/* ---- what is asked --------------------------------------------------------------------------- */

static struct guest_spec *spec_of(const char *disks) {
        struct guest_spec *spec = guest_spec_new();
        char xml[4096];

        text_set(spec->name, sizeof(spec->name), "vm1");
        text_set(spec->uuid, sizeof(spec->uuid), UUID);
        text_fmt(xml, sizeof(xml), "<domain><devices>%s</devices></domain>", disks);
        spec->xml = blob_new(xml, strlen(xml));
        spec->conf.replica.mode = REPLICA_MODE_SYNC;
        return spec;
}

static void ask_with(enum replica_op op, uint32_t serial, uint32_t loss, struct guest_spec *spec) {
        struct action act = {
                .kind = ACT_REPLICA,
                .replica = {.op = op, .gid = 3, .serial = serial, .loss = loss, .spec = spec}};

        replica_submit(adapter, &act);
        guest_spec_unref(spec);
}

static void ask(enum replica_op op, uint32_t serial, uint32_t loss) {
        char disks[1024];

        text_fmt(disks, sizeof(disks), DISK("vda", "raw"), dir, "vm1");
        ask_with(op, serial, loss, spec_of(disks));
}

/* P comes: the last thing that it finds is that both are one host here. */
static void *come(void *arg) {
        struct mirror_work w = {.deadline = usec_add(now_boottime(), 40 * USEC_PER_SEC)};
        struct mirror_disks d = {.n = 1, .disks = {{.target = "vda", .format = "raw"}}};

        text_fmt(d.disks[0].path, MIRROR_PATH_LEN, "%s/vm1", dir);
        d.disks[0].size = 1 << 20;
        (void)hello_ask(&w, told[n_taken - 1].where, &d, told[n_taken - 1].serial, arg, err);
        return NULL;
}

static struct mirror_ports ports;

/* Until its record is there, from which each hawd after it goes on. */
static void export(uint32_t serial) {
        struct pollfd p = {.fd = replica_fd(adapter), .events = POLLIN};
        char path[160];

        ask(REPLICA_EXPORT, serial, 0);
        is_told(TOLD_EXPORTED, serial, "");
        (void)come(&ports);
        ck_assert_msg(strstr(err, "both hosts share"), "%s", err);
        text_fmt(path, sizeof(path), "%s/replicas/" UUID ".%u", state, serial);
        ck_assert_int_eq(access(path, F_OK), 0);
        for (int i = 0; i < 10; i++) /* it watches them now */
                if (poll(&p, 1, 100) > 0)
                        replica_dispatch(adapter);
}

static void kill_server(uint32_t serial) {
        sh("p=$(awk '/^disk/ { print $5 }' %s/replicas/" UUID ".%u); kill -9 $p; "
           "while [ -e /proc/$p ] && ! grep -q 'State:.Z' /proc/$p/status; do sleep 0.05; done",
           state, serial);
}

START_TEST(stands_and_falls) {
        export(7);
        ask(REPLICA_EXPORT, 7, 0); /* again */
        is_told(TOLD_EXPORTED, 7, "");
        ask(REPLICA_CHECK, 7, 2);
        is_told(TOLD_EXPORTED, 7, "");
        is_told(TOLD_ALIVE, 7, "");
        ck_assert_uint_eq(told[n_taken - 1].loss, 2);
        kill_server(7);
        is_told(TOLD_EXPORT_ENDED, 7, "the server has ended");
        sh("grep -q 'has ended' %s/replicas/" UUID ".7.veto", state);
        ask(REPLICA_CHECK, 7, 3);
        is_told(TOLD_EXPORT_ENDED, 7, "");
}
END_TEST

START_TEST(after_a_restart) {
        export(7);
        adapter = replica_close(adapter);
        if (_i == 1) /* while no hawd is there to see it */
                kill_server(7);
        adapter_open(state);
        if (_i == 0) {
                is_told(TOLD_EXPORTED, 7, "");
                kill_server(7);
        }
        is_told(TOLD_EXPORT_ENDED, 7, "has ended");
        ask(REPLICA_CHECK, 7, 1);
        is_told(TOLD_EXPORT_ENDED, 7, "");
        /* A veto stays. */
        adapter = replica_close(adapter);
        adapter_open(state);
        is_told(TOLD_EXPORT_ENDED, 7, "has ended");
}
END_TEST

START_TEST(ended) {
        char copy[160];

        export(7);
        text_fmt(copy, sizeof(copy), "%s/vm1.hawd-replica-7", dir);
        ask(_i == 0 ? REPLICA_UNEXPORT : REPLICA_DROP, 7, 0);
        is_told(TOLD_EXPORT_ENDED, 7, "as was asked");
        sh("test -z \"$(ls %s/replicas)\"", state);
        ck_assert_int_eq(access(copy, F_OK), _i == 0 ? 0 : -1);
        ask(REPLICA_DROP, 7, 0); /* again */
        is_told(TOLD_EXPORT_ENDED, 7, "as was asked");
        ck_assert_int_eq(access(copy, F_OK), -1);
}
END_TEST

START_TEST(a_later_serial) {
        export(7);
        kill_server(7);
        is_told(TOLD_EXPORT_ENDED, 7, "has ended");
        sh("cd %s/replicas; touch " UUID ".6.veto " UUID ".60.veto other", state);
        export(8);
        sh("cd %s/replicas; test -e " UUID ".60.veto && rm " UUID ".60.veto other", state);
        sh("test \"$(ls %s/replicas | xargs)\" = '" UUID ".8 " UUID ".8.0.log'", state);
        ask(REPLICA_UNEXPORT, 8, 0);
        is_told(TOLD_EXPORT_ENDED, 8, "as was asked");
}
END_TEST

START_TEST(nobody_came) {
        ask(REPLICA_EXPORT, 7, 0);
        is_told(TOLD_EXPORTED, 7, "");
        if (_i == 0)
                ask(REPLICA_UNEXPORT, 7, 0);
        else
                ask(REPLICA_CHECK, 7, 1); /* P is lost */
        is_told(TOLD_EXPORT_ENDED, 7, "no longer wanted");
        is_told(TOLD_EXPORT_ENDED, 7, _i == 0 ? "as was asked" : "no server");
        sh("test -z \"$(ls %s/replicas 2>/dev/null)\"", state);
}
END_TEST

START_TEST(refusals) {
        char disks[1024];
        struct guest_spec *spec;

        switch (_i) {
        case 0:
                ask_with(REPLICA_EXPORT, 7, 0,
                         spec_of("<disk type='block'><source dev='/dev/x'/><target "
                                 "dev='vda'/></disk>"));
                is_told(TOLD_FAILED, 7, "vda is no file");
                break;
        case 1:
                ask_with(REPLICA_MIRROR, 7, 0, spec_of(""));
                is_told(TOLD_FAILED, 7, "no disk that could be copied");
                break;
        case 2:
                text_fmt(disks, sizeof(disks), DISK("vda", "vmdk"), dir, "vm1");
                ask_with(REPLICA_EXPORT, 7, 0, spec_of(disks));
                is_told(TOLD_FAILED, 7, "vmdk");
                break;
        case 3:
                spec = spec_of("");
                spec->conf.replica.mode = REPLICA_MODE_NONE;
                ask_with(REPLICA_EXPORT, 7, 0, spec);
                is_told(TOLD_FAILED, 7, "no replica of this kind");
                break;
        case 4: /* the guest does not run here */
                ask(REPLICA_MIRROR, 7, 0);
                is_told(TOLD_FAILED, 7, "the guest has ended");
                break;
        case 5:
                ask(REPLICA_CANCEL, 7, 0);
                is_told(TOLD_ENDED, 7, "as was asked");
                break;
        default: /* P or R of before: whatever it was, it is over */
                ask(REPLICA_CHECK, 7, 0);
                is_told(TOLD_EXPORT_ENDED, 7, "no server");
                is_told(TOLD_ENDED, 7, "the guest has ended");
        }
}
END_TEST

static const struct {
        const char *conf;
        bool must;
        const char *dir;
} confs[] = {
        {"nbd_tls = 1\ndefault_tls_x509_cert_dir = \"/a\"\n", true, "/a"},
        {"nbd_tls=1 # yes\n nbd_tls_x509_cert_dir=\"/b\"\ndefault_tls_x509_cert_dir=\"/a\"\n", true,
         "/b"},
        {"#nbd_tls = 1\ndefault_tls_x509_cert_dir = \"/a\"\n", false, "/a"},
        {"nbd_tls = 0\nnbd_tls_x509_verify = 1\ndefault_tls_x509_cert_dir = \"/a\"", false, "/a"},
};

/* What is not there, or not configured here: it is DRBD's part that says so. */
START_TEST(drbd_has_its_own_part) {
        struct guest_spec *spec = spec_of("");

        spec->conf.replica.mode = REPLICA_MODE_DRBD;
        text_set(spec->conf.replica.resource, NAME_LEN, "hawd-no-such-resource");
        ask_with(REPLICA_MIRROR, 1, 0, spec);
        is_told(TOLD_FAILED, 1, "drbd");
}
END_TEST

/* The replica is removed: its guest has none by now, and DRBD's part ends what it tells. */
START_TEST(drbd_ends_what_it_began) {
        struct guest_spec *spec = spec_of("");

        drbd_set_up();
        kernel_says(IN_STEP("Secondary", "Primary"));
        spec->conf.replica.mode = REPLICA_MODE_DRBD;
        text_set(spec->conf.replica.resource, NAME_LEN, "r0");
        ask_with(REPLICA_EXPORT, 1, 0, spec);
        is_told(TOLD_EXPORTED, 1, "");
        spec = spec_of("");
        spec->conf.replica.mode = REPLICA_MODE_NONE;
        ask_with(REPLICA_UNEXPORT, 1, 0, spec);
        is_told(TOLD_EXPORT_ENDED, 1, "as it was wanted");
        ck_assert_str_eq(asked(), ""); /* DRBD goes on */
        drbd_tear_down();
}
END_TEST

START_TEST(tls) {
        char path[96], is[256];
        bool must;

        text_fmt(path, sizeof(path), "%s/qemu.conf", dir);
        sh("printf '%%s' '%s' > %s", confs[_i].conf, path);
        mirror_tls(path, &must, is, sizeof(is));
        ck_assert_int_eq(must, confs[_i].must);
        ck_assert_str_eq(is, confs[_i].dir);
        mirror_tls("/nonexistent", &must, is, sizeof(is));
        ck_assert(!must);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("mirror_adapter");
        TCase *tc = unit_case(s, "all");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, stands_and_falls);
        tcase_add_loop_test(tc, after_a_restart, 0, 2);
        tcase_add_loop_test(tc, ended, 0, 2);
        tcase_add_test(tc, a_later_serial);
        tcase_add_loop_test(tc, nobody_came, 0, 2);
        tcase_add_loop_test(tc, refusals, 0, 7);
        tcase_add_test(tc, drbd_has_its_own_part);
        tcase_add_test(tc, drbd_ends_what_it_began);
        tcase_add_loop_test(tc, tls, 0, (int)ARRAY_SIZE(confs));
        return s;
}

UNIT_MAIN(suite)
