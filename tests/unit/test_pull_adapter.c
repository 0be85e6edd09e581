/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: driver guest */
/*
 * The replica adapter as R of an asynchronous replica, with the real qemu-nbd: what it tells, what
 * it keeps, and a promotion in the middle of a cycle. As P without QEMU: what cannot be done is
 * told.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "replication/driver_pull.h"
#include "tests/unit/certificates.h"
#include "tests/unit/replica_told.h"
#include "tests/unit/sh.h"
#include "tests/unit/threads.h"

#define UUID "0b5c9f4e-0000-4000-8000-0123456789ab"
#define MIB ((uint64_t)1024 * 1024)

static const char *uuid = UUID;
static char dir[64], err[TEXT_LEN];

static void setup(void) {
        (void)signal(SIGPIPE, SIG_IGN);
        text_set(dir, sizeof(dir), "/tmp/hawd-pulled-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
        n_told = n_taken = 0;
        adapter_open(dir);
}

static void teardown(void) {
        adapter = replica_close(adapter);
        threads_end(PATIENCE_USEC);
        sh("rm -rf %s", dir);
}

static void ask(enum replica_op op, uint32_t serial, uint32_t loss, const char *where) {
        struct action act = {.kind = ACT_REPLICA,
                             .replica = {.op = op, .gid = 3, .serial = serial, .loss = loss}};
        struct guest_spec *spec = guest_spec_new();
        char xml[1024];

        text_set(spec->name, sizeof(spec->name), "vm1");
        text_set(spec->uuid, sizeof(spec->uuid), uuid);
        text_fmt(xml, sizeof(xml),
                 "<domain><devices><disk type='file' device='disk'><driver name='qemu' "
                 "type='raw'/><source file='%s/vm1'/><target dev='vda' "
                 "bus='virtio'/></disk></devices></domain>",
                 dir);
        spec->xml = blob_new(xml, strlen(xml));
        spec->conf.replica.mode = REPLICA_MODE_ASYNC;
        act.replica.spec = spec;
        act.replica.where = where ? blob_new(where, strlen(where)) : NULL;
        replica_submit(adapter, &act);
        blob_unref(act.replica.where);
        guest_spec_unref(spec);
}

/* ---- P --------------------------------------------------------------------------------------- */

static struct disk_driver d;
static struct pull_where where;

/* Connected to R's mark, and what it says; again while R is busy with something else. */
static void come(struct pull_peer *mark, enum pull_mark_kind kind, struct pull_mark *m) {
        char buf[PULL_MARK_SIZE];

        d = (struct disk_driver){.deadline = usec_add(now_boottime(), PATIENCE_USEC)};
        for (;;) {
                *mark = (struct pull_peer){.d = &d, .what = "R", .step = "offer"};
                ck_assert_msg(pull_connect(mark, NULL, where.host, where.ports[1], where.name, NULL,
                                           NULL, err) == 0,
                              "%s", err);
                ck_assert_msg(pull_read(mark, buf, sizeof(buf), 0, err) == 0, "%s", err);
                ck_assert_int_eq(pull_mark_get(buf, m), 0);
                if (m->kind == kind)
                        return;
                pull_disconnect(mark);
                ck_assert(now_boottime() < d.deadline);
        }
}

static void mark_with(struct pull_peer *mark, struct pull_mark *m, enum pull_mark_kind kind) {
        char buf[PULL_MARK_SIZE];

        m->kind = kind;
        pull_mark_put(m, buf);
        ck_assert_msg(pull_write(mark, buf, sizeof(buf), 0, true, err) == 0, "%s", err);
        pull_disconnect(mark);
}

static void say_size(void) {
        struct pull_peer mark;
        struct pull_mark m;

        come(&mark, PULL_ASK, &m);
        m.sizes[0] = MIB;
        mark_with(&mark, &m, PULL_SIZES);
}

static void cycle(int byte, usec_t as_of, bool whole) {
        struct pull_peer mark, to = {.d = &d, .what = "R", .step = "copy"};
        char data[4096];
        struct pull_mark m;

        come(&mark, PULL_OFFER, &m);
        ck_assert_msg(pull_connect(&to, NULL, where.host, where.ports[0], where.name, NULL, NULL,
                                   err) == 0,
                      "%s", err);
        memset(data, byte, sizeof(data));
        ck_assert_msg(pull_write(&to, data, sizeof(data), 0, true, err) == 0, "%s", err);
        pull_disconnect(&to);
        m.as_of = as_of;
        if (whole)
                mark_with(&mark, &m, PULL_WHOLE);
        else
                pull_disconnect(&mark);
}

static void export(uint32_t serial) {
        ask(REPLICA_EXPORT, serial, 0, NULL);
        is_told(TOLD_EXPORTED, serial, "");
        ck_assert_int_eq(pull_where_get(told[n_taken - 1].where, &where), 0);
        ck_assert_uint_eq(where.n, 2);
}

static void promoted(uint32_t serial, int byte) {
        struct mirror_work w = {.deadline = usec_add(now_boottime(), PATIENCE_USEC)};
        struct mirror_disks disks = {.n = 1, .disks = {{.target = "vda", .format = "raw"}}};

        text_fmt(disks.disks[0].path, MIRROR_PATH_LEN, "%s/vm1", dir);
        for (int again = 0; again < 2; again++) { /* and once more, as after a crash */
                ck_assert_msg(pull_promote_ready(&w, &disks, serial, err) == 0, "%s", err);
                ck_assert_msg(copy_promote(&w, &disks, serial, err) == 0, "%s", err);
        }
        sh("qemu-io -f raw -c 'read -q -P %d 0 4k' -c 'read -q -P 0 4k 4k' %s/vm1 | "
           "(! grep -i fail)",
           byte, dir);
}

START_TEST(promoted_in_the_middle_of_a_cycle) {
        struct pull_peer mark;
        struct pull_mark m;

        export(7);
        say_size();
        cycle(0x11, 1, true);
        cycle(0x22, 2, true);
        ask(REPLICA_CHECK, 7, 5, NULL); /* P is lost, for R; it says nothing of the copy's age */
        is_told(TOLD_ALIVE, 7, "");
        ck_assert_uint_eq(told[n_taken - 1].loss, 5);
        come(&mark, PULL_OFFER, &m);
        ck_assert_uint_eq(m.as_of, 2);
        promoted(7, 0x22);
        is_told(TOLD_EXPORT_ENDED, 7, "");
        pull_disconnect(&mark);
        ask(REPLICA_CHECK, 7, 5, NULL);
        is_told(TOLD_EXPORT_ENDED, 7, "no server");
}
END_TEST

START_TEST(nothing_whole_is_not_promoted) {
        struct mirror_work w = {.deadline = usec_add(now_boottime(), PATIENCE_USEC)};
        struct mirror_disks disks = {.n = 1, .disks = {{.target = "vda", .format = "raw"}}};

        export(7);
        say_size();
        cycle(0x11, 1, false);
        text_fmt(disks.disks[0].path, MIRROR_PATH_LEN, "%s/vm1", dir);
        ck_assert_int_eq(pull_promote_ready(&w, &disks, 7, err), -ENODATA);
        is_told(TOLD_EXPORT_ENDED, 7, "");
}
END_TEST

START_TEST(next_serial_has_the_copy_of_the_last) {
        export(7);
        say_size();
        cycle(0x11, 1, true);
        if (_i == 1) { /* hawd is restarted: its servers end with it, nothing of it is left */
                adapter = replica_close(adapter);
                adapter_open(dir);
        }
        export(8);
        cycle(0x22, 2, true); /* the size is known */
        if (_i == 0)
                is_told(TOLD_EXPORT_ENDED, 7, "");
        promoted(8, 0x22);
        sh("test \"$(ls %s | grep -c 'hawd-replica-7')\" = 0", dir);
}
END_TEST

START_TEST(ended) {
        export(7);
        say_size();
        cycle(0x11, 1, true);
        ask(_i == 0 ? REPLICA_UNEXPORT : REPLICA_DROP, 7, 0, NULL);
        is_told(TOLD_EXPORT_ENDED, 7, "as was asked");
        sh("test \"$(ls %s | grep -c 'hawd-replica')\" %s 0", dir, _i == 0 ? "-gt" : "=");
}
END_TEST

START_TEST(as_p_without_its_guest) {
        static const char name[] = "127.0.0.1 1,2 00112233445566778899aabbccddeeff";

        switch (_i) {
        case 0:
                ask(REPLICA_MIRROR, 7, 0, "nbd://10.0.0.1:1/x");
                is_told(TOLD_FAILED, 7, "no place for a replica");
                break;
        case 1:
                ask(REPLICA_MIRROR, 7, 0, name);
                is_told(TOLD_ENDED, 7, "the guest has ended");
                break;
        case 2:
                ask(REPLICA_CANCEL, 7, 0, NULL);
                is_told(TOLD_ENDED, 7, "the guest has ended");
                break;
        default: /* P or R of before: whatever it was, it is over */
                ask(REPLICA_CHECK, 7, 0, NULL);
                is_told(TOLD_EXPORT_ENDED, 7, "no server");
                is_told(TOLD_ENDED, 7, "the guest has ended");
        }
}
END_TEST

/* ---- P, whose certificates do not fit -------------------------------------------------------- */

static struct pull_disk disk_at_r = {.target = "vda", .format = "raw"};
static struct pull_guest at_r = {.disks = &disk_at_r, .n = 1, .serial = 7};
static struct pull_servers servers;
static atomic_bool enough;

static bool not_enough(void *userdata, const char *step) {
        (void)userdata;
        (void)step;
        return !enough;
}

static void *r_that_wants_tls(void *arg) {
        struct disk_driver by = {.deadline = USEC_INFINITY, .go_on = not_enough};
        char text[TEXT_LEN];
        uint64_t sizes[1];

        (void)arg;
        (void)pull_ask(&by, &at_r, NULL, &servers, sizes, text);
        return NULL;
}

/* Not after the minutes that R may take to make room. */
START_TEST(as_p_that_r_refuses) {
        char place[MIRROR_WHERE_LEN], certs[96];
        pthread_t r;

        certificates(dir, "127.0.0.1");
        text_fmt(certs, sizeof(certs), "%s/certs", dir);
        text_fmt(disk_at_r.path, sizeof(disk_at_r.path), "%s/certs/vm1", dir);
        at_r.tls_dir = certs;
        ck_assert_msg(pull_listen("127.0.0.1", 1, &servers, err) == 0, "%s", err);
        pull_where_put(&servers.where, place); /* in the clear */
        ck_assert_int_eq(pthread_create(&r, NULL, r_that_wants_tls, NULL), 0);
        uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f"; /* that libvirt's test driver has */
        ask(REPLICA_MIRROR, 7, 0, place);
        do {
                is_told_next();
                ck_assert_uint_lt(n_taken, 20); /* one in 2.5 seconds */
        } while (told[n_taken - 1].what == TOLD_COPYING);
        ck_assert_msg(told[n_taken - 1].what == TOLD_ENDED &&
                              strstr(told[n_taken - 1].text, "TLS with the replica host fails"),
                      "told %d '%s'", (int)told[n_taken - 1].what, told[n_taken - 1].text);
        enough = true;
        ck_assert_int_eq(pthread_join(r, NULL), 0);
        pull_unlisten(&servers);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("pull_adapter");
        TCase *tc = unit_case(s, "all");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, promoted_in_the_middle_of_a_cycle);
        tcase_add_test(tc, nothing_whole_is_not_promoted);
        tcase_add_loop_test(tc, next_serial_has_the_copy_of_the_last, 0, 2);
        tcase_add_loop_test(tc, ended, 0, 2);
        tcase_add_loop_test(tc, as_p_without_its_guest, 0, 4);
        tcase_add_test(tc, as_p_that_r_refuses);
        return s;
}

UNIT_MAIN(suite)
