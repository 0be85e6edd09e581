/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: driver */
/*
 * R's side with the real qemu-nbd: who has the secret is served; while its client is there it lives
 * and stands, also for a hawd that comes later; after that, or with a veto, never again.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "replication/driver_hello.h"
#include "replication/mirror.h"
#include "tests/unit/certificates.h"
#include "tests/unit/sh.h"
#include "tests/unit/unit.h"

#define UUID "0b5c9f4e-0000-4000-8000-0123456789ab"

static char dir[64], folder[96], err[TEXT_LEN];
static struct export_place place;

static void setup(void) {
        (void)signal(SIGPIPE, SIG_IGN);
        text_set(dir, sizeof(dir), "/tmp/hawd-export-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
        text_fmt(folder, sizeof(folder), "%s/replicas", dir);
        place = (struct export_place){.folder = folder, .hold_usec = 60 * USEC_PER_SEC};
        err[0] = '\0';
}

static void teardown(void) {
        char command[128];

        text_fmt(command, sizeof(command), "rm -rf %s", dir);
        (void)!system(command);
}

static struct mirror_disks disks_of(size_t n) {
        struct mirror_disks d = {.n = n};

        for (size_t i = 0; i < n; i++) {
                text_fmt(d.disks[i].target, MIRROR_TARGET_LEN, "vd%c", (char)('a' + i));
                text_set(d.disks[i].format, sizeof(d.disks[i].format), i == 0 ? "raw" : "qcow2");
                text_fmt(d.disks[i].path, MIRROR_PATH_LEN, "%s/disk of %zu", dir, i);
        }
        return d;
}

/* ---- R in a thread --------------------------------------------------------------------------- */

static struct {
        struct mirror_work work;
        struct mirror_disks disks;
        struct export x;
        char where[MIRROR_WHERE_LEN], err[TEXT_LEN];
        int listener, r;
        pthread_t thread;
} side;

static void *serve(void *arg) {
        (void)arg;
        side.r = export_serve(&side.work, &place, side.listener, side.where, &side.disks, &side.x,
                              side.err);
        return NULL;
}

static void begin(const char *address, size_t n) {
        memset(&side, 0, sizeof(side));
        side.work.deadline = usec_add(now_boottime(), 40 * USEC_PER_SEC);
        side.disks = disks_of(n);
        side.x.serial = 7;
        side.x.gid = 3;
        text_set(side.x.uuid, UUID_LEN, UUID);
        side.listener = export_listen(address, place.tls_dir != NULL, side.where, err);
        ck_assert_msg(side.listener >= 0, "%s", err);
        ck_assert_int_eq(pthread_create(&side.thread, NULL, serve, NULL), 0);
}

static int end(void) {
        ck_assert_int_eq(pthread_join(side.thread, NULL), 0);
        (void)close(side.listener);
        text_set(err, TEXT_LEN, side.err);
        return side.r;
}

static struct mirror_ports ports;

static int ask(size_t n) {
        struct mirror_work w = {.deadline = usec_add(now_boottime(), 40 * USEC_PER_SEC)};
        struct mirror_disks d = disks_of(n);
        char own[MIRROR_PATH_LEN];

        for (size_t i = 0; i < n; i++) {
                d.disks[i].size = (i + 1) << 20;
                text_set(own, sizeof(own), d.disks[i].path);
        }
        return hello_ask(&w, side.where, &d, 7, &ports, err);
}

/* In this test both sides see the same folder, which is the last thing that P looks for. */
static void asked(size_t n) {
        FAILS(ask(n), EEXIST, "storage that both hosts share");
        OK(end());
}

static bool stands(void) {
        struct export x;

        OK(export_read(&place, UUID, 7, &x, err)); /* as a hawd would that has just begun */
        return export_lives(&place, &x, err);
}

/* A client that stays, as QEMU does. */
static pid_t client(size_t i, int *ret_stdin) {
        char url[256];
        int fds[2], out[2];
        char c;
        pid_t pid;

        text_fmt(url, sizeof(url), "nbd://127.0.0.1:%u/%s", ports.port[i], ports.token);
        ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
        ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
        pid = fork();
        if (pid == 0) {
                (void)dup2(fds[0], STDIN_FILENO);
                (void)dup2(out[1], STDOUT_FILENO);
                execlp("qemu-io", "qemu-io", "-f", "raw", url, NULL);
                _exit(127);
        }
        (void)close(fds[0]);
        (void)close(out[1]);
        ck_assert_int_eq(write(fds[1], "write -P 7 0 64k\n", 17), 17);
        ck_assert_int_eq(read(out[0], &c, 1), 1); /* it is there */
        *ret_stdin = fds[1];
        return pid;
}

static void leave(pid_t pid, int fd) {
        int status;

        (void)close(fd);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
}

static void wait_gone(void) {
        struct export x;

        OK(export_read(&place, UUID, 7, &x, err));
        for (int i = 0; i < 300; i++) {
                int fd = export_pidfd(&x, 0);

                if (fd == -ESRCH)
                        return;
                ck_assert_int_ge(fd, 0);
                (void)close(fd);
                (void)usleep(100000);
        }
        ck_abort_msg("the server does not end");
}

START_TEST(served) {
        struct export x;
        int in;
        pid_t pid;

        begin("127.0.0.1", 2);
        asked(2);
        ck_assert_msg(stands(), "%s", err);
        OK(export_read(&place, UUID, 7, &x, err));
        ck_assert_uint_eq(x.gid, 3);
        ck_assert_uint_eq(x.disks.n, 2);
        ck_assert_uint_eq(x.disks.disks[1].size, 2 << 20);
        ck_assert_str_eq(x.disks.disks[1].path, side.disks.disks[1].path);
        pid = client(0, &in);
        ck_assert_msg(stands(), "%s", err);
        /* A silent P is noticed: idle for less than half of the hold. */
        sh("for i in $(seq 100); do ss -tno state established '( sport = :%u )' | "
           "grep -q 'timer:(keepalive,1[0-5]' && exit 0; sleep 0.1; done; exit 1",
           ports.port[0]);
        sh("test $(stat -c %%b '%s/disk of 0.hawd-replica-7') -ge 2048", dir);
        leave(pid, in);
        wait_gone();
        ck_assert(!stands());
        ck_assert_msg(strstr(err, "the server of disk vda has ended"), "%s", err);
        sh("qemu-io -r -f raw -c 'read -P 7 0 64k' '%s/disk of 0.hawd-replica-7' | grep -vq fail",
           dir);
        OK(export_end(&place, &x, usec_add(now_boottime(), 30 * USEC_PER_SEC), err));
        export_forget(&place, &x);
        FAILS(export_read(&place, UUID, 7, &x, err), ENOENT, UUID);
        sh("test -z \"$(ls -A %s)\"", folder);
}
END_TEST

START_TEST(vetoes) {
        struct export x, *list;
        size_t n;
        char path[160];

        begin("::1", 1);
        asked(1);
        ck_assert_msg(stands(), "%s", err);
        OK(export_read(&place, UUID, 7, &x, err));
        if (_i == 0) {
                OK(export_veto(&place, &x, "its server ended", err));
                ck_assert(!stands());
                ck_assert_str_eq(err, "its server ended");
        } else if (_i == 1) { /* what P may not know yet */
                sh("echo 'nbd_co_send_structured_error error = 28 (ENOSPC)' >> %s/" UUID
                   ".7.0.log; echo more >> %s/" UUID ".7.0.log",
                   folder, folder);
                ck_assert(!stands());
                ck_assert_msg(strstr(err, "ENOSPC"), "%s", err);
        } else if (_i == 2) { /* somebody else came, who had not the secret */
                sh("echo 'qemu-nbd: option negotiation failed' >> %s/" UUID ".7.0.log", folder);
                ck_assert_msg(stands(), "%s", err);
        } else if (_i == 3) { /* another process has its number now */
                text_fmt(path, sizeof(path), "%s/" UUID ".7", folder);
                sh("sed -i 's/ %" PRIu64 " \\// 1 \\//' %s", x.servers[0].start, path);
                ck_assert(!stands());
        } else if (_i == 4) { /* this kernel is not the one that ran it */
                text_fmt(path, sizeof(path), "%s/" UUID ".7", folder);
                sh("sed -i 's/%s/01234567-89ab-cdef-0123-456789abcdef/' %s", x.boot, path);
                ck_assert(!stands());
        } else { /* no log, nothing known */
                sh("rm %s/" UUID ".7.0.log", folder);
                ck_assert(!stands());
        }
        OK(export_list(&place, &list, &n, err));
        ck_assert_uint_eq(n, 1);
        ck_assert_str_eq(list[0].uuid, UUID);
        free(list);
        OK(export_end(&place, &x, usec_add(now_boottime(), 30 * USEC_PER_SEC), err));
        ck_assert(!stands());
}
END_TEST

static const struct {
        const char *credentials; /* QEMU's at P; "": in the clear */
        const char *says;
} clients[] = {
        {"dir=%s/certs", "read 4096/4096 bytes"},
        {"", "TLS negotiation required"},
        {"dir=%s/others", "hasn't got a known issuer"},
        {"dir=%s/mixed,sanity-check=off", "can't open"}, /* R's word, that does not know it */
        {"dir=%s/certs", "does not match the hostname"},
};

/* By TLS or not at all, and why is said; who is refused is no end of the mirror. */
START_TEST(by_tls) {
        char tls_dir[96], out[96];

        certificates(dir, _i == 4 ? "127.0.0.2" : "127.0.0.1");
        text_fmt(tls_dir, sizeof(tls_dir), "%s/certs", dir);
        place.tls_dir = tls_dir;
        begin("127.0.0.1", 1);
        ck_assert_int_eq(strncmp(side.where, "nbds://", 7), 0);
        asked(1);
        ck_assert(ports.tls);
        text_fmt(out, sizeof(out), "%s/said", dir);
        if (clients[_i].credentials[0])
                sh("qemu-io --object tls-creds-x509,id=t,endpoint=client,verify-peer=on,$(printf "
                   "'%s' %s) --image-opts driver=nbd,server.type=inet,server.host=127.0.0.1,"
                   "server.port=%u,export=%s,tls-creds=t -c 'read 0 4k' > %s 2>&1 || true",
                   clients[_i].credentials, dir, ports.port[0], ports.token, out);
        else
                sh("qemu-io -f raw -c 'read 0 4k' nbd://127.0.0.1:%u/%s > %s 2>&1 || true",
                   ports.port[0], ports.token, out);
        sh("grep -q \"%s\" %s || { cat %s; exit 1; }", clients[_i].says, out, out);
        if (_i == 0)
                wait_gone();
        else
                ck_assert_msg(stands(), "%s", err);
        OK(export_end(&place, &side.x, usec_add(now_boottime(), 30 * USEC_PER_SEC), err));
}
END_TEST

/* Who has not the secret hinders nobody, whatever he says. */
START_TEST(strangers) {
        struct mirror_ports p;
        uint16_t port;

        begin("127.0.0.1", 1);
        OK(hello_parse(side.where, &p, &port, err));
        sh("bash -c 'exec 3<>/dev/tcp/127.0.0.1/%u; printf \"hawd-replica 1 "
           "%032d 7\\ngo\\n\" >&3; ! read -r -t 20 -u 3'",
           port, 0);
        sh("bash -c 'exec 3<>/dev/tcp/127.0.0.1/%u; head -c 100000 /dev/urandom >&3' "
           "2>/dev/null || true",
           port);
        asked(1);
        ck_assert_msg(stands(), "%s", err);
        OK(export_end(&place, &side.x, usec_add(now_boottime(), 30 * USEC_PER_SEC), err));
}
END_TEST

START_TEST(refusals) {
        switch (_i) {
        case 0: /* P says which disks it means */
                begin("127.0.0.1", 2);
                FAILS(ask(1), EREMOTEIO, "the same disks");
                ck_assert_int_eq(end(), -EINVAL);
                break;
        case 1: /* and hears why R cannot */
                begin("127.0.0.1", 1);
                sh("mkdir '%s/disk of 0.hawd-replica-7'", dir);
                FAILS(ask(1), EREMOTEIO, "cannot be removed");
                ck_assert_int_lt(end(), 0);
                break;
        case 2:
                place.qemu_nbd = "/bin/false";
                begin("127.0.0.1", 1);
                FAILS(ask(1), EREMOTEIO, "ends at once");
                FAILS(end(), EIO, "ends at once");
                break;
        case 3:
                place.qemu_nbd = "hawd-there-is-no-such-program";
                begin("127.0.0.1", 1);
                FAILS(ask(1), EREMOTEIO, "not found");
                ck_assert_int_eq(end(), -EIO);
                break;
        case 4: /* R has no certificates: nothing is served in the clear */
                place.tls_dir = dir;
                begin("127.0.0.1", 1);
                FAILS(ask(1), EREMOTEIO, "ca-cert.pem");
                FAILS(end(), EIO, "ca-cert.pem");
                break;
        case 5: /* nobody comes */
                memset(&side, 0, sizeof(side));
                begin("127.0.0.1", 1);
                (void)close(side.listener);
                (void)end();
                side.disks = disks_of(1);
                side.listener = export_listen("127.0.0.1", false, side.where, err);
                side.work.deadline = now_boottime() + USEC_PER_SEC / 2;
                FAILS(export_serve(&side.work, &place, side.listener, side.where, &side.disks,
                                   &side.x, err),
                      ETIMEDOUT, "hello");
                (void)close(side.listener);
                FAILS(ask(1), ECONNREFUSED, "does not answer");
                break;
        default:
                FAILS(export_listen("nowhere.example", false, side.where, err), EINVAL,
                      "no address");
                FAILS(export_listen("192.0.2.1", false, side.where, err), EADDRNOTAVAIL, "no port");
        }
        sh("test -z \"$(ls -A %s 2>/dev/null)\"", folder);
}
END_TEST

static const struct {
        const char *where;
        bool ok;
} wheres[] = {
        {"nbd://10.0.0.1:1234/0123456789abcdef0123456789abcdef", true},
        {"nbds://[fe80::1]:1/0123456789abcdef0123456789abcdef", true},
        {"nbd://10.0.0.1:1234/0123456789abcdef0123456789abcde", false},
        {"nbd://10.0.0.1:1234/0123456789abcdef0123456789abcdef0", false},
        {"nbd://10.0.0.1:70000/0123456789abcdef0123456789abcdef", false},
        {"nbd://10.0.0.1:0/0123456789abcdef0123456789abcdef", false},
        {"nbd://10.0.0.1/0123456789abcdef0123456789abcdef", false},
        {"nbd://:1/0123456789abcdef0123456789abcdef", false},
        {"nbd://[::1/0123456789abcdef0123456789abcdef", false},
        {"http://10.0.0.1:1/0123456789abcdef0123456789abcdef", false},
        {"", false},
};

START_TEST(places) {
        struct mirror_ports p;
        uint16_t port;

        ck_assert_int_eq(hello_parse(wheres[_i].where, &p, &port, err),
                         wheres[_i].ok ? 0 : -EINVAL);
        if (wheres[_i].ok)
                ck_assert_str_eq(p.token, "0123456789abcdef0123456789abcdef");
        ck_assert_int_eq(_i == 1,
                         wheres[_i].ok && p.tls && port == 1 && strcmp(p.address, "fe80::1") == 0);
}
END_TEST

START_TEST(damaged) {
        static const char *const texts[] = {
                "",
                "export 2 " UUID " 3 7 " UUID "\nend\n",
                "export 1 " UUID " 3 7 " UUID "\nend\n",
                "export 1 " UUID " 3 7 " UUID "\ndisk vda raw 5 44 9 /a\n",
                "export 1 " UUID " 3 7 " UUID "\ndisk vda raw 5 1 9 /a\nend\n",
                "export 1 " UUID " 3 7 " UUID "\ndisk vda raw 5 44 9 a\nend\n",
                "export 1 " UUID " 3 8 " UUID "\ndisk vda raw 5 44 9 /a\nend\n",
        };
        struct export x, *list;
        size_t n;

        sh("mkdir %s; printf '%s' > %s/" UUID ".7; touch %s/other", folder, texts[_i], folder,
           folder);
        FAILS(export_read(&place, UUID, 7, &x, err), EUCLEAN, "not what hawd wrote");
        OK(export_list(&place, &list, &n, err));
        ck_assert_uint_eq(n, 0);
        free(list);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("mirror_export");
        TCase *tc = unit_case(s, "all");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, served);
        tcase_add_loop_test(tc, vetoes, 0, 6);
        tcase_add_test(tc, strangers);
        tcase_add_loop_test(tc, refusals, 0, 7);
        tcase_add_loop_test(tc, by_tls, 0, (int)ARRAY_SIZE(clients));
        tcase_add_loop_test(tc, places, 0, (int)ARRAY_SIZE(wheres));
        tcase_add_loop_test(tc, damaged, 0, 7);
        return s;
}

UNIT_MAIN(suite)
