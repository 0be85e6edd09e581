/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: driver */
/*
 * R's side of an asynchronous replica by the real qemu-img and qemu-nbd, cut off at every step and
 * done again; and the copying of a disk between two servers.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "hawd/base/tool.h"
#include "replication/driver_pull.h"
#include "tests/unit/certificates.h"
#include "tests/unit/sh.h"
#include "tests/unit/unit.h"

#define MIB ((uint64_t)1024 * 1024)
#define A "000000000000000a"
#define B "000000000000000b"

static char dir[64];
static char err[TEXT_LEN];
static struct pull_disk disks[2];
static struct pull_guest guest = {.disks = disks, .n = 2, .serial = 3};

static void set_up(void) {
        text_set(dir, sizeof(dir), "/tmp/hawd-pull-XXXXXX");
        ck_assert(mkdtemp(dir));
        for (size_t i = 0; i < 2; i++) {
                disks[i] = (struct pull_disk){.size = MIB};
                text_fmt(disks[i].path, DISK_PATH_LEN, "%s/%zu", dir, i);
                text_set(disks[i].format, sizeof(disks[i].format), i == 0 ? "qcow2" : "raw");
                text_set(disks[i].target, sizeof(disks[i].target), i == 0 ? "vda" : "vdb");
        }
        guest.serial = 3;
        guest.tls_dir = NULL;
}

static void tear_down(void) {
        sh("rm -rf %s", dir);
}

struct stop {
        const char *at;
        unsigned skip;
};

static bool go_on(void *userdata, const char *step) {
        struct stop *s = userdata;

        return !s->at || strcmp(step, s->at) != 0 || s->skip-- > 0;
}

static struct disk_driver driver(struct stop *s) {
        return (struct disk_driver){.deadline = now_boottime() + 50 * USEC_PER_SEC,
                                    .go_on = s ? go_on : NULL,
                                    .userdata = s};
}

static const char *file(size_t i, const char *suffix) {
        static char paths[8][DISK_PATH_LEN];
        static unsigned next;
        char *p = paths[next++ % 8];

        pull_path(p, disks[i].path, guest.serial, suffix);
        return p;
}

static bool is_there(size_t i, const char *suffix) {
        return access(file(i, suffix), F_OK) == 0;
}

static void put(const char *suffix, enum pull_mark_kind kind, const char *id, const char *base,
                usec_t as_of) {
        struct pull_mark m = {
                .kind = kind, .serial = guest.serial, .disks = 2, .cycle = as_of, .as_of = as_of};

        text_set(m.id, sizeof(m.id), id);
        text_set(m.base, sizeof(m.base), base);
        ck_assert_msg(pull_put(file(0, suffix), &m, err) == 0, "%s", err);
}

/* A whole copy with 0x11 as of 1, and over it a cycle with 0x22 as of 2. */
static void given(bool cycle) {
        for (size_t i = 0; i < 2; i++) {
                const char *copy = file(i, ""), *next = file(i, ".next");

                sh("qemu-img create -q -f %s %s 1M", disks[i].format, copy);
                sh("qemu-io -f %s -c 'write -q -P 0x11 0 128k' %s", disks[i].format, copy);
                if (!cycle)
                        continue;
                sh("qemu-img create -q -f qcow2 -b %s -F %s %s 1M", copy, disks[i].format, next);
                sh("qemu-io -f qcow2 -c 'write -q -P 0x22 0 64k' %s", next);
        }
        put(".whole", PULL_WHOLE, A, "", 1);
        if (cycle)
                put(".mark", PULL_WHOLE, B, A, 2);
}

static void holds(unsigned first, unsigned second) {
        for (size_t i = 0; i < 2; i++)
                sh("qemu-io -f %s -c 'read -q -P %u 0 64k' -c 'read -q -P %u 64k 64k' %s | "
                   "(! grep -i fail)",
                   disks[i].format, first, second, file(i, ""));
}

static void at_rest(usec_t as_of) {
        struct disk_driver d = driver(NULL);
        struct pull_mark m;

        ck_assert_msg(pull_settle(&d, &guest, &m, err) == 0, "%s", err);
        ck_assert_uint_eq(m.as_of, as_of);
        for (size_t i = 0; i < 2; i++)
                ck_assert(!is_there(i, ".next"));
        ck_assert(!is_there(0, ".mark"));
}

START_TEST(whole_cycle_is_committed_whatever_is_cut_off) {
        static const struct stop stops[] = {
                {"commit", 0}, {"commit", 1}, {"whole", 0}, {"clean", 0}, {NULL, 0}};
        struct stop s = stops[_i];
        struct disk_driver d = driver(&s);
        struct pull_mark m;

        given(true);
        ck_assert_int_eq(pull_settle(&d, &guest, &m, err), s.at ? -ECANCELED : 0);
        at_rest(2);
        holds(0x22, 0x11);
}
END_TEST

/* Half of one disk is in the copy: it is a mixture, and the overlays hold all that was to go in. */
START_TEST(commit_that_stopped_in_the_middle) {
        given(true);
        sh("qemu-io -f qcow2 -c 'write -q -P 0x22 0 32k' %s", file(0, ""));
        at_rest(2);
        holds(0x22, 0x11);
}
END_TEST

START_TEST(broken_cycle_leaves_the_copy) {
        given(true);
        put(".mark", PULL_OFFER, B, A, 1);
        at_rest(1);
        holds(0x11, 0x11);
        sh("head -c 100 /dev/urandom > %s", file(0, ".mark"));
        at_rest(1);
}
END_TEST

START_TEST(commit_without_its_overlay_is_refused) {
        struct disk_driver d = driver(NULL);
        struct pull_mark m;

        given(true);
        sh("rm %s", file(1, ".next"));
        ck_assert_int_eq(pull_settle(&d, &guest, &m, err), -EUCLEAN);
        ck_assert_msg(strstr(err, "of 2 overlays"), "%s", err);
        ck_assert(is_there(0, ".next") && is_there(0, ".mark"));
}
END_TEST

START_TEST(first_copy_is_worth_nothing_before_its_mark) {
        struct disk_driver d = driver(NULL);
        struct pull_mark m;

        given(false);
        sh("rm %s", file(0, ".whole"));
        put(".mark", PULL_OFFER, A, "", 0);
        ck_assert_int_eq(pull_settle(&d, &guest, &m, err), -ENODATA);
        put(".mark", PULL_WHOLE, A, "", 1);
        at_rest(1);
}
END_TEST

START_TEST(older_copy_is_taken_over) {
        static const struct stop stops[] = {{"take-over", 0}, {"whole", 1}, {NULL, 0}};
        struct stop s = stops[_i];
        struct disk_driver d = driver(&s);
        struct pull_mark m;

        given(true);
        guest.serial = 5;
        ck_assert_int_eq(pull_take_over(&d, &guest, 3, err), s.at ? -ECANCELED : 0);
        d = driver(NULL);
        ck_assert_msg(pull_take_over(&d, &guest, 3, err) == 0, "%s", err);
        at_rest(2);
        holds(0x22, 0x11);
        guest.serial = 3;
        ck_assert_int_eq(pull_settle(&d, &guest, &m, err), -ENODATA);
        guest.serial = 5;
        ck_assert_msg(pull_take_over(&d, &guest, 3, err) == 0, "%s", err); /* and once more */
        at_rest(2);
}
END_TEST

START_TEST(removed_copy_is_never_taken_for_one) {
        struct stop s = {"remove", 0};
        struct disk_driver d = driver(&s);

        given(true);
        ck_assert_int_eq(pull_remove(&d, &guest, err), -ECANCELED);
        ck_assert(is_there(0, ".whole"));
        d = driver(NULL);
        ck_assert_msg(pull_remove(&d, &guest, err) == 0, "%s", err);
        ck_assert_msg(pull_remove(&d, &guest, err) == 0, "%s", err);
        sh("test -z \"$(ls %s)\"", dir);
}
END_TEST

/* ---- servers --------------------------------------------------------------------------------- */

struct serving {
        struct pull_servers s;
        struct pull_mark got;
        char err[TEXT_LEN];
        const char *qemu_nbd;
        uint64_t sizes[2];
        int r;
        pthread_t thread;
};

static void *serve(void *arg) {
        struct serving *v = arg;
        struct disk_driver d = driver(NULL);

        v->r = pull_serve(&d, &guest, v->qemu_nbd, &v->s, &v->got, v->err);
        return NULL;
}

static void serve_begins(struct serving *v) {
        ck_assert_int_eq(pthread_create(&v->thread, NULL, serve, v), 0);
}

static int served(struct serving *v) {
        ck_assert_int_eq(pthread_join(v->thread, NULL), 0);
        return v->r;
}

static void connect_to(struct pull_peer *p, const struct disk_driver *d, const struct serving *v,
                       size_t i) {
        const struct pull_where *w = &v->s.where;

        *p = (struct pull_peer){.d = d, .what = "R", .step = "copy"};
        ck_assert_msg(
                pull_connect(p, NULL, w->host, w->ports[i], w->name, NULL, guest.tls_dir, err) == 0,
                "%s", err);
}

/* As P: @byte at the start of each disk, and the mark unless it is broken off. */
static void cycle(const struct serving *v, int byte, usec_t as_of, bool whole) {
        struct disk_driver d = driver(NULL);
        struct pull_peer mark, to;
        char buf[PULL_MARK_SIZE];
        struct pull_mark m;

        connect_to(&mark, &d, v, 2);
        ck_assert_msg(pull_read(&mark, buf, sizeof(buf), 0, err) == 0, "%s", err);
        ck_assert_int_eq(pull_mark_get(buf, &m), 0);
        ck_assert_int_eq(m.kind, PULL_OFFER);
        for (size_t i = 0; i < 2; i++) {
                char data[4096];

                memset(data, byte, sizeof(data));
                connect_to(&to, &d, v, i);
                ck_assert_uint_eq(to.size, MIB);
                ck_assert_msg(pull_write(&to, data, sizeof(data), 0, true, err) == 0, "%s", err);
                pull_disconnect(&to);
        }
        m.kind = PULL_WHOLE;
        m.as_of = as_of;
        pull_mark_put(&m, buf);
        if (whole)
                ck_assert_msg(pull_write(&mark, buf, sizeof(buf), 0, true, err) == 0, "%s", err);
        pull_disconnect(&mark);
}

static void starts_with(int byte) {
        for (size_t i = 0; i < 2; i++)
                sh("qemu-io -f %s -c 'read -q -P %d 0 4k' -c 'read -q -P 0 4k 4k' %s | "
                   "(! grep -i fail)",
                   disks[i].format, byte, file(i, ""));
}

START_TEST(cycles_one_by_one) {
        struct serving v = {0};

        ck_assert_msg(pull_listen("127.0.0.1", 2, &v.s, err) == 0, "%s", err);
        serve_begins(&v);
        cycle(&v, 0x11, 1, false); /* the first copy is broken off */
        ck_assert_int_eq(served(&v), -EAGAIN);
        ck_assert(!is_there(0, ".whole"));
        serve_begins(&v);
        cycle(&v, 0x22, 2, true);
        ck_assert_msg(served(&v) == 0, "%s", v.err);
        ck_assert_uint_eq(v.got.as_of, 2);
        starts_with(0x22);
        serve_begins(&v);
        cycle(&v, 0x33, 3, false);
        ck_assert_int_eq(served(&v), -EAGAIN);
        starts_with(0x22);
        at_rest(2);
        /* P was there before R offered anything, at the same port */
        v.got = (struct pull_mark){0};
        serve_begins(&v);
        cycle(&v, 0x44, 4, true);
        ck_assert_msg(served(&v) == 0, "%s", v.err);
        ck_assert_uint_eq(v.got.as_of, 4);
        ck_assert_uint_eq(v.got.cycle, 2);
        starts_with(0x44);
        at_rest(4);
        pull_unlisten(&v.s);
}
END_TEST

/* Whoever has no certificate of theirs is refused, and hinders nobody. */
START_TEST(by_tls) {
        static const struct {
                const char *tls;
                const char *says;
        } rows[] = {{NULL, "TLS"}, {"others", "certificate"}, {"mixed", "TLS"}};
        char certs[96], path[96];
        struct disk_driver d = driver(NULL);
        struct serving v = {0};
        struct pull_peer p;

        certificates(dir, "127.0.0.1");
        text_fmt(certs, sizeof(certs), "%s/certs", dir);
        guest.tls_dir = certs;
        ck_assert_msg(pull_listen("127.0.0.1", 2, &v.s, err) == 0, "%s", err);
        serve_begins(&v);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                const struct pull_where *w = &v.s.where;
                int r;

                text_fmt(path, sizeof(path), "%s/%s", dir, rows[i].tls ? rows[i].tls : "");
                p = (struct pull_peer){.d = &d, .what = "R", .step = "copy"};
                r = pull_connect(&p, NULL, w->host, w->ports[0], w->name, NULL,
                                 rows[i].tls ? path : NULL, err);
                ck_assert_ptr_null(p.nbd);
                ck_assert_msg(r == -EACCES && strstr(err, rows[i].says), "%zu: %d %s", i, r, err);
        }
        cycle(&v, 0x11, 1, true);
        ck_assert_msg(served(&v) == 0, "%s", v.err);
        starts_with(0x11);
        pull_unlisten(&v.s);
}
END_TEST

static void *ask(void *arg) {
        struct serving *v = arg;
        struct disk_driver d = driver(NULL);

        v->r = pull_ask(&d, &guest, NULL, &v->s, v->sizes, v->err);
        return NULL;
}

static void answer(const struct serving *v, enum pull_mark_kind kind) {
        struct disk_driver d = driver(NULL);
        struct pull_peer mark;
        char buf[PULL_MARK_SIZE];
        struct pull_mark m;

        connect_to(&mark, &d, v, 2);
        ck_assert_msg(pull_read(&mark, buf, sizeof(buf), 0, err) == 0, "%s", err);
        ck_assert_int_eq(pull_mark_get(buf, &m), 0);
        ck_assert_int_eq(m.kind, PULL_ASK);
        m.kind = kind;
        m.sizes[0] = 5 * MIB;
        m.sizes[1] = 7 * MIB;
        pull_mark_put(&m, buf);
        ck_assert_msg(pull_write(&mark, buf, sizeof(buf), 0, true, err) == 0, "%s", err);
        pull_disconnect(&mark);
}

START_TEST(sizes_are_asked_of_the_other_side) {
        struct serving v = {0};

        ck_assert_msg(pull_listen("127.0.0.1", 2, &v.s, err) == 0, "%s", err);
        ck_assert_int_eq(pthread_create(&v.thread, NULL, ask, &v), 0);
        answer(&v, PULL_WHOLE); /* of what? */
        ck_assert_int_eq(served(&v), -EAGAIN);
        ck_assert_int_eq(pthread_create(&v.thread, NULL, ask, &v), 0);
        answer(&v, PULL_SIZES);
        ck_assert_msg(served(&v) == 0, "%s", v.err);
        ck_assert(v.sizes[0] == 5 * MIB && v.sizes[1] == 7 * MIB);
        pull_unlisten(&v.s);
}
END_TEST

static bool unless_halted(void *userdata, const char *step) {
        (void)step;
        return !pull_halted(userdata);
}

static void *serve_entered(void *arg) {
        struct serving *v = arg;
        struct pull_entry e;
        struct disk_driver d = driver(NULL);

        d.go_on = unless_halted;
        d.userdata = &e;
        pull_enter(&e, &guest);
        v->r = pull_serve(&d, &guest, NULL, &v->s, &v->got, v->err);
        pull_leave(&e);
        return NULL;
}

START_TEST(another_thread_ends_the_servers) {
        struct pull_guest by = guest; /* its own serial, or the one that comes after it */
        struct serving v = {0};
        struct disk_driver d = driver(NULL);
        struct pull_peer p;

        ck_assert_msg(pull_halt(&guest, false, 0, err) == 0, "%s", err); /* nobody serves */
        ck_assert_msg(pull_listen("127.0.0.1", 2, &v.s, err) == 0, "%s", err);
        given(false);
        ck_assert_int_eq(pthread_create(&v.thread, NULL, serve_entered, &v), 0);
        connect_to(&p, &d, &v, 0); /* it serves now */
        ck_assert_msg(pull_halt(&guest, true, 0, err) == 0, "%s", err);
        ck_assert_int_eq(v.r, 0);
        by.serial += _i == 0 ? 0 : 1;
        ck_assert_int_eq(pull_halt(&by, _i != 0, now_boottime() + 30 * USEC_PER_SEC, err), 0);
        ck_assert_int_eq(served(&v), -ECANCELED);
        pull_disconnect(&p);
        at_rest(1);
        pull_unlisten(&v.s);
}
END_TEST

/* A copy with this mark, and an older one that is whole as of 2: which one is left. */
static void prepared_after(enum pull_mark_kind kind, usec_t as_of, usec_t left) {
        struct disk_driver d = driver(NULL);

        sh("rm %s/*", dir);
        guest.serial = 3;
        given(true);
        guest.serial = 4;
        given(false);
        sh("rm %s", file(0, ".whole"));
        put(".mark", kind, A, "", as_of);
        guest.serial = 9;
        ck_assert_msg(pull_prepare(&d, &guest, err) == 0, "%s", err);
        at_rest(left);
}

START_TEST(newest_whole_copy_is_kept_and_no_other) {
        struct disk_driver d = driver(NULL);

        sh("touch %s/0.hawd-replica-1 %s/1.hawd-replica-1 %s/0.hawd-left-1 %s/0", dir, dir, dir,
           dir);
        given(true);
        guest.serial = 9;
        sh("touch %s/1.hawd-replica-8", dir);
        ck_assert_msg(pull_prepare(&d, &guest, err) == 0, "%s", err);
        at_rest(2);
        holds(0x22, 0x11);
        sh("test \"$(ls %s | xargs)\" = '0 0.hawd-left-1 0.hawd-replica-9 0.hawd-replica-9.whole "
           "1.hawd-replica-9'",
           dir);
        ck_assert_msg(pull_prepare(&d, &guest, err) == 0, "%s", err);
        at_rest(2);
        /* one whose first copy came to its end just now, and an older one */
        prepared_after(PULL_WHOLE, 7, 7);
        /* one that was never whole, and an older one */
        prepared_after(PULL_OFFER, 0, 2);
}
END_TEST

START_TEST(server_that_cannot_run_is_named) {
        struct serving v = {.qemu_nbd = "false"};

        ck_assert_msg(pull_listen("127.0.0.1", 2, &v.s, err) == 0, "%s", err);
        given(false);
        serve_begins(&v);
        ck_assert_int_eq(served(&v), -EIO);
        ck_assert_msg(strstr(v.err, "qemu-nbd ended by itself"), "%s", v.err);
        at_rest(1);
        pull_unlisten(&v.s);
        ck_assert_int_eq(pull_listen("node1", 2, &v.s, err), -EINVAL);
        ck_assert_int_eq(pull_listen("192.0.2.1", 2, &v.s, err), -EADDRNOTAVAIL);
        ck_assert_msg(strstr(err, "192.0.2.1"), "%s", err);
}
END_TEST

static bool until_told(void *userdata, const char *step) {
        (void)userdata;
        (void)step;
        return access(disks[1].path, F_OK) < 0;
}

/* One whom another process traces is waited for in vain, killed or not, as one that the kernel does
 * not let go. */
START_TEST(server_that_does_not_end_is_left) {
        struct serving v = {0};
        char script[96], pids[96];
        int status = 0;
        pid_t server = 0, child;
        bool ended;

        text_fmt(script, sizeof(script), "%s/server", dir);
        text_fmt(pids, sizeof(pids), "%s/pids", dir);
        sh("printf '#!/bin/sh\\necho $$ >%s.new; mv %s.new %s; exec sleep 1000\\n' >%s; chmod +x "
           "%s",
           pids, pids, pids, script, script);
        ck_assert_msg(pull_listen("127.0.0.1", 2, &v.s, err) == 0, "%s", err);
        given(false);
        child = fork();
        if (child == 0) {
                struct disk_driver d = driver(NULL);

                d.go_on = until_told;
                _exit(pull_serve(&d, &guest, script, &v.s, &v.got, err) == -EBUSY ? 0 : 1);
        }
        for (usec_t until = now_boottime() + 50 * USEC_PER_SEC;
             server == 0 && now_boottime() < until; (void)usleep(10000)) {
                FILE *f = fopen(pids, "re");

                if (f && fscanf(f, "%d", &server) != 1)
                        server = 0;
                if (f)
                        (void)fclose(f);
        }
        ck_assert_msg(server > 0 && ptrace(PTRACE_SEIZE, server, NULL, NULL) == 0, "%d: %s",
                      (int)server, strerror(errno));
        sh("touch %s", disks[1].path);
        ended = tool_reap(child, now_boottime() + 50 * USEC_PER_SEC, &status);
        if (!ended)
                (void)kill(child, SIGKILL);
        ck_assert_msg(ended, "it waits for a server that does not end");
        ck_assert_int_eq(status, 0);
        at_rest(1);
        pull_unlisten(&v.s);
}
END_TEST

/* ---- copying --------------------------------------------------------------------------------- */

static pid_t nbd(const char *socket, const char *format, const char *path) {
        pid_t pid = fork();

        if (pid == 0) {
                execlp("qemu-nbd", "qemu-nbd", "-t", "-k", socket, "-x", "x", "-f", format, path,
                       (char *)NULL);
                _exit(127);
        }
        for (int i = 0; i < 600 && access(socket, F_OK) < 0; i++)
                (void)usleep(50000);
        return pid;
}

static int copy_over(enum pull_how how, uint64_t *bytes) {
        struct disk_driver d = driver(NULL);
        struct pull_peer from = {.d = &d, .what = "P", .step = "copy"},
                         to = {.d = &d, .what = "R", .step = "copy"};
        char p[80], r[80];
        int rc;

        text_fmt(p, sizeof(p), "%s/p.sock", dir);
        text_fmt(r, sizeof(r), "%s/r.sock", dir);
        ck_assert_msg(pull_connect(&from, p, NULL, 0, "x", "base:allocation", NULL, err) == 0, "%s",
                      err);
        ck_assert_msg(pull_connect(&to, r, NULL, 0, "x", NULL, NULL, err) == 0, "%s", err);
        *bytes = 0;
        rc = pull_copy(&from, &to, how, bytes, err);
        pull_disconnect(&from);
        pull_disconnect(&to);
        return rc;
}

START_TEST(copies_what_there_is) {
        char p[80], r[80], ps[80], rs[80];
        pid_t a, b;
        uint64_t bytes;

        text_fmt(p, sizeof(p), "%s/p", dir);
        text_fmt(r, sizeof(r), "%s/r", dir);
        text_fmt(ps, sizeof(ps), "%s/p.sock", dir);
        text_fmt(rs, sizeof(rs), "%s/r.sock", dir);
        sh("qemu-img create -q -f qcow2 %s 16M && qemu-img create -q -f raw %s 16M", p, r);
        sh("qemu-io -f qcow2 -c 'write -q -P 0x11 1M 3M' -c 'write -q -P 0x22 12M 64k' %s", p);
        a = nbd(ps, "qcow2", p);
        b = nbd(rs, "raw", r);
        ck_assert_msg(copy_over(PULL_FRESH, &bytes) == 0, "%s", err);
        ck_assert_uint_eq(bytes, 3 * MIB + 64 * 1024);
        sh("qemu-img compare -q -U -f qcow2 -F raw %s %s", p, r);
        /* the same again: nothing differs; then a part does, and what P has as zeros */
        ck_assert_msg(copy_over(PULL_COMPARE, &bytes) == 0, "%s", err);
        ck_assert_uint_eq(bytes, 0);
        sh("qemu-io -f raw -c 'write -q -P 0x33 2M 4k' -c 'write -q -P 0x44 8M 1M' "
           "'nbd+unix:///x?socket=%s'",
           rs);
        ck_assert_msg(copy_over(PULL_COMPARE, &bytes) == 0, "%s", err);
        ck_assert_uint_eq(bytes, MIB);
        sh("qemu-img compare -q -U -f qcow2 -F raw %s %s", p, r);
        (void)kill(b, SIGKILL);
        (void)waitpid(b, NULL, 0);
        /* another size is another disk */
        sh("rm -f %s %s && qemu-img create -q -f raw %s 8M", rs, r, r);
        b = nbd(rs, "raw", r);
        ck_assert_int_eq(copy_over(PULL_FRESH, &bytes), -EINVAL);
        ck_assert_msg(strstr(err, "add the replica anew"), "%s", err);
        (void)kill(a, SIGKILL);
        (void)kill(b, SIGKILL);
        (void)waitpid(a, NULL, 0);
        (void)waitpid(b, NULL, 0);
}
END_TEST

START_TEST(peer_that_is_not_there) {
        struct disk_driver d = driver(NULL);
        struct stop s = {"copy", 0};
        struct pull_servers v;
        struct pull_peer p = {.d = &d, .what = "R", .step = "copy"};
        char path[80];

        text_fmt(path, sizeof(path), "%s/nobody.sock", dir);
        ck_assert_int_eq(pull_connect(&p, path, NULL, 0, "x", NULL, NULL, err), -EAGAIN);
        ck_assert_ptr_null(p.nbd);
        /* one that never answers, and one who does not want to wait any more */
        ck_assert_int_eq(pull_listen("127.0.0.1", 1, &v, err), 0);
        d = driver(&s);
        ck_assert_int_eq(
                pull_connect(&p, NULL, "127.0.0.1", v.where.ports[0], "x", NULL, NULL, err),
                -ECANCELED);
        d = driver(NULL);
        d.deadline = now_boottime() + USEC_PER_SEC;
        ck_assert_int_eq(
                pull_connect(&p, NULL, "127.0.0.1", v.where.ports[0], "x", NULL, NULL, err),
                -ETIMEDOUT);
        ck_assert_ptr_null(p.nbd);
        pull_unlisten(&v);
}
END_TEST

static Suite *pull_driver_suite(void) {
        Suite *s = suite_create("pull_driver");
        TCase *tc = unit_case(s, "files");

        tcase_add_checked_fixture(tc, set_up, tear_down);
        tcase_add_loop_test(tc, whole_cycle_is_committed_whatever_is_cut_off, 0, 5);
        tcase_add_test(tc, commit_that_stopped_in_the_middle);
        tcase_add_test(tc, broken_cycle_leaves_the_copy);
        tcase_add_test(tc, commit_without_its_overlay_is_refused);
        tcase_add_test(tc, first_copy_is_worth_nothing_before_its_mark);
        tcase_add_loop_test(tc, older_copy_is_taken_over, 0, 3);
        tcase_add_test(tc, removed_copy_is_never_taken_for_one);
        tcase_add_test(tc, cycles_one_by_one);
        tcase_add_test(tc, by_tls);
        tcase_add_test(tc, sizes_are_asked_of_the_other_side);
        tcase_add_loop_test(tc, another_thread_ends_the_servers, 0, 2);
        tcase_add_test(tc, newest_whole_copy_is_kept_and_no_other);
        tcase_add_test(tc, server_that_cannot_run_is_named);
        tcase_add_test(tc, server_that_does_not_end_is_left);
        tcase_add_test(tc, copies_what_there_is);
        tcase_add_test(tc, peer_that_is_not_there);
        return s;
}

UNIT_MAIN(pull_driver_suite)
