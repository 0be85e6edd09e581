/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: guest driver */
/*
 * The libvirt adapter without a libvirtd: what it reads of /proc and the QEMU log, and its jobs
 * against libvirt's own test driver.
 */
#include <fcntl.h>
#include <libvirt/libvirt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hawd/guest/domxml.h"
#include "hawd/guest/guest.h"
#include "hawd/guest/hostinfo.h"
#include "hawd/guest/qemuproc.h"
#include "tests/unit/drbd_fixture.h"
#include "tests/unit/unit.h"

#define TEST_URI "test:///default"
#define TEST_UUID "6695eb01-f6a4-8304-79aa-97f2502e193f"

/* ---- /proc and the log
 * --------------------------------------------------------------------------- */

static void *held_thread(void *arg) {
        (void)arg;
        pause();
        return NULL;
}

/*
 * Run as "... -uuid UUID", this program is a QEMU of that guest; with "-exit" its leader has exited
 * while a thread lives on, as when storage holds it in the kernel.
 */
__attribute__((constructor)) static void play_qemu(int argc, char **argv) {
        pthread_t t;

        if (argc < 4 || strcmp(argv[2], "-uuid") != 0)
                return;
        if (pthread_create(&t, NULL, held_thread, NULL) == 0 && strcmp(argv[1], "-exit") == 0)
                (void)syscall(SYS_exit, 0); /* this thread only, before main() */
        for (;;)
                pause();
}

static pid_t spawn_qemu(const char *how, const char *uuid) {
        pid_t pid = fork();

        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                execl("/proc/self/exe", "qemu", how, "-uuid", uuid, (char *)NULL);
                _exit(1);
        }
        return pid;
}

static void see_process(const char *how) {
        static const char uuid[] = "00000000-1111-4222-8333-444444444444";
        struct qemu_proc procs[QEMU_PROCS_MAX];
        pid_t pid;
        size_t n = 0;

        ck_assert_uint_eq(qemuproc_find(uuid, procs), 0);
        pid = spawn_qemu(how, uuid);
        for (int i = 0; i < 500 && n == 0; i++) {
                usleep(10000);
                n = qemuproc_find(uuid, procs);
        }
        usleep(200000); /* -exit: let the leader go */
        n = qemuproc_find(uuid, procs);
        ck_assert_uint_eq(n, 1);
        ck_assert_int_eq(procs[0].pid, pid);
        ck_assert(qemuproc_alive(&procs[0]));
        procs[0].start++;
        ck_assert(!qemuproc_alive(&procs[0])); /* the pid was given to another */
        procs[0].start--;
        kill(pid, SIGKILL);
        for (int i = 0; i < 500 && qemuproc_alive(&procs[0]); i++)
                usleep(10000);
        ck_assert(!qemuproc_alive(&procs[0])); /* a zombie holds nothing */
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        ck_assert(!qemuproc_alive(&procs[0]));
        ck_assert_uint_eq(qemuproc_find(uuid, procs), 0);
}

START_TEST(a_process_is_found_by_its_uuid) {
        see_process("-run");
}
END_TEST

START_TEST(a_process_whose_leader_exited_is_still_there) {
        see_process("-exit");
}
END_TEST

START_TEST(the_log_tells_qemus_last_words) {
        char text[TEXT_LEN];
        char log[] = "2026-01-01T00:00:00.000001Z qemu: of an earlier run\n"
                     "2026-01-02 03:04:05.678+0000: starting up libvirt version: 9.0.0, qemu\n"
                     "LC_ALL=C \\\n/usr/bin/qemu-system-x86_64 \\\n-name guest=vm \\\n-msg "
                     "timestamp=on\n"
                     "char device redirected to /dev/pts/0 (label charserial0)\n"
                     "2026-01-02 03:04:06.000+0000: Domain id=1 is tainted: high-privileges\n"
                     "2026-01-02T03:04:07.000001Z qemu-system-x86_64: first\n"
                     "2026-01-02T03:04:07.000002Z qemu-system-x86_64: second\n"
                     "2026-01-02 03:04:08.000+0000: shutting down, reason=crashed\n";
        char none[] = "char device redirected to /dev/pts/0\n";
        char many[4096] = "";

        qemulog_pick(log, text);
        ck_assert_str_eq(text, "qemu-system-x86_64: first; qemu-system-x86_64: second");
        qemulog_pick(none, text);
        ck_assert_str_eq(text, "");
        for (int i = 0; i < 40; i++)
                snprintf(many + strlen(many), sizeof(many) - strlen(many),
                         "2026-01-02T03:04:07.000001Z qemu: line %d %060d\n", i, i);
        qemulog_pick(many, text);
        ck_assert_uint_eq(strlen(text), TEXT_LEN - 1);
        ck_assert_ptr_nonnull(strstr(text, "line 39"));
        ck_assert_ptr_null(strstr(text, "line 36"));
        qemulog_tail("../../../etc/passwd", 0, text);
        ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(host_facts_are_parsed) {
        uint64_t mib = 1;
        uint32_t load = 1;

        ck_assert_int_eq(hostinfo_parse("MemTotal: 9 kB\nMemAvailable:   2097663 kB\n",
                                        "1.50 2.00 3.00 1/99 12\n", 2, &mib, &load),
                         0);
        ck_assert_uint_eq(mib, 2048);
        ck_assert_uint_eq(load, 75);
        ck_assert_int_eq(hostinfo_parse("MemTotal: 9 kB\n", "1", 2, &mib, &load), -EBADMSG);
        ck_assert_int_eq(hostinfo_parse("MemAvailable: 9 kB\n", "x", 2, &mib, &load), -EBADMSG);
        ck_assert_int_eq(hostinfo_parse("MemAvailable: 9\n", "1", 2, &mib, &load), -EBADMSG);
        ck_assert_uint_eq(mib, 2048);
        ck_assert_int_eq(hostinfo_read(&mib, &load), 0);
        ck_assert_uint_gt(mib, 0);
}
END_TEST

/* ---- jobs, against libvirt's test driver
 * ------------------------------------------------------------ */

struct world {
        struct guest_adapter *a;
        uint64_t next;
        int ups, downs, ends, events;
        uint64_t order[32];
        enum job_result result[32];
        enum seen_state seen[32];
        char text[32][TEXT_LEN];
        struct guest_spec *spec;
        bool kept, defined;
        int by_hands, redefinitions;
        char by_hand[TEXT_LEN];
        struct guest_spec *redefined;
        uint32_t in_step, final; /* told to each job; told back */
};

static void on_up(void *userdata, const struct domain_seen *d, size_t n) {
        struct world *w = userdata;

        (void)d;
        (void)n;
        w->ups++;
}

static void on_down(void *userdata, const char *why) {
        struct world *w = userdata;

        ck_assert_uint_gt(strlen(why), 0);
        w->downs++;
}

static void on_domain(void *userdata, const struct domain_seen *d) {
        struct world *w = userdata;

        ck_assert_uint_eq(strlen(d->uuid), UUID_LEN - 1);
        w->events++;
}

static void on_healthy(void *userdata, const char *uuid, const char *evidence) {
        (void)userdata;
        (void)uuid;
        (void)evidence;
}

static void on_job(void *userdata, uint64_t id, enum job_result result, enum seen_state seen,
                   const char *text, struct guest_spec *spec, usec_t wall,
                   const struct snap_figures *figures) {
        struct world *w = userdata;

        (void)figures;

        ck_assert_uint_lt(id, ARRAY_SIZE(w->result));
        ck_assert_uint_gt(wall, 0);
        w->order[w->ends++] = id;
        w->result[id] = result;
        w->seen[id] = seen;
        text_set(w->text[id], TEXT_LEN, text);
        if (spec)
                w->spec = guest_spec_ref(spec);
}

static void on_host(void *userdata, uint32_t vcpus, uint64_t memory_mib) {
        (void)userdata;
        ck_assert_uint_gt(vcpus, 0);
        ck_assert_uint_gt(memory_mib, 0);
}

static void on_definition(void *userdata, const char *uuid, const char *name, bool defined) {
        struct world *w = userdata;

        ck_assert_str_eq(uuid, TEST_UUID);
        ck_assert_str_eq(name, "test");
        w->defined = defined;
}

static bool on_kept(void *userdata, const char *uuid) {
        struct world *w = userdata;

        return w->kept && strcmp(uuid, TEST_UUID) == 0;
}

static void on_by_hand(void *userdata, const char *uuid, const char *text) {
        struct world *w = userdata;

        ck_assert_str_eq(uuid, TEST_UUID);
        text_set(w->by_hand, sizeof(w->by_hand), text);
        w->by_hands++;
}

static void on_redefined(void *userdata, struct guest_spec *spec) {
        struct world *w = userdata;

        guest_spec_unref(w->redefined);
        w->redefined = guest_spec_ref(spec);
        w->redefinitions++;
}

static usec_t on_hang_after(void *userdata, const char *uuid, bool *ret_alone) {
        (void)userdata;
        (void)uuid;
        *ret_alone = false;
        return 0;
}

static void on_replica_final(void *userdata, uint32_t gid, uint32_t serial) {
        struct world *w = userdata;

        ck_assert_uint_eq(gid, 7);
        w->final = serial;
}

static const struct guest_callbacks callbacks = {
        .up = on_up,
        .down = on_down,
        .domain = on_domain,
        .definition = on_definition,
        .healthy = on_healthy,
        .job_done = on_job,
        .host = on_host,
        .kept = on_kept,
        .by_hand = on_by_hand,
        .redefined = on_redefined,
        .hang_after = on_hang_after,
        .replica_final = on_replica_final,
};

static uint64_t submit(struct world *w, enum guest_job_op op, const char *name, const char *uuid,
                       struct guest_spec *spec) {
        struct action act = {.kind = ACT_GUEST_JOB};

        act.guest_job.id = ++w->next;
        act.guest_job.op = op;
        act.guest_job.gid = 7;
        act.guest_job.spec = spec;
        act.guest_job.in_step = w->in_step;
        act.guest_job.timeout_usec = 20 * USEC_PER_SEC;
        text_set(act.guest_job.name, NAME_LEN, name);
        text_set(act.guest_job.uuid, UUID_LEN, uuid);
        guest_submit(w->a, &act);
        return w->next;
}

static void run_until(struct world *w, const int *counter, int want) {
        for (int i = 0; i < 4000 && *counter < want; i++) {
                struct pollfd p = {.fd = guest_fd(w->a), .events = POLLIN};

                if (poll(&p, 1, 10) > 0)
                        guest_dispatch(w->a);
        }
        ck_assert_int_ge(*counter, want);
}

static void open_world(struct world *w, const char *uri) {
        char err[TEXT_LEN];

        *w = (struct world){0};
        ck_assert_int_eq(guest_open(uri, "/nonexistent", &callbacks, w, &w->a, err), 0);
}

START_TEST(jobs_of_one_guest_run_in_order) {
        struct world w;

        open_world(&w, TEST_URI);
        run_until(&w, &w.ups, 1);
        submit(&w, GJOB_DUMP, "test", "", NULL);
        run_until(&w, &w.ends, 1);
        ck_assert_int_eq(w.result[1], RESULT_DONE);
        ck_assert_int_eq(w.seen[1], SEEN_RUNNING);
        ck_assert_ptr_nonnull(w.spec);
        ck_assert_str_eq(w.spec->uuid, TEST_UUID);

        submit(&w, GJOB_PAUSE, "test", TEST_UUID, NULL);    /* 2 */
        submit(&w, GJOB_RESUME, "test", TEST_UUID, NULL);   /* 3 */
        submit(&w, GJOB_UNDEFINE, "test", TEST_UUID, NULL); /* 4 */
        submit(&w, GJOB_STOP, "test", TEST_UUID, NULL);     /* 5 */
        submit(&w, GJOB_START, "test", TEST_UUID, w.spec);  /* 6 */
        submit(&w, GJOB_START, "test", TEST_UUID, w.spec);  /* 7 */
        submit(&w, GJOB_DESTROY, "test", TEST_UUID, NULL);  /* 8 */
        submit(&w, GJOB_SETTLE, "test", TEST_UUID, NULL);   /* 9 */
        submit(&w, GJOB_RESUME, "test", TEST_UUID, NULL);   /* 10 */
        run_until(&w, &w.ends, 10);
        for (uint64_t i = 2; i <= 10; i++)
                ck_assert_uint_eq(w.order[i - 1], i);
        ck_assert_int_eq(w.result[2], RESULT_DONE);
        ck_assert_int_eq(w.seen[2], SEEN_PAUSED);
        ck_assert_int_eq(w.result[3], RESULT_DONE);
        ck_assert_int_eq(w.result[4], RESULT_FAILED); /* it runs */
        ck_assert_int_eq(w.result[5], RESULT_DONE);
        ck_assert_int_eq(w.seen[5], SEEN_GONE);
        ck_assert_msg(w.result[6] == RESULT_DONE, "%s", w.text[6]);
        ck_assert_int_eq(w.seen[6], SEEN_RUNNING);
        ck_assert_int_eq(w.result[7], RESULT_DONE); /* adopted */
        ck_assert_ptr_nonnull(strstr(w.text[7], "already"));
        ck_assert_int_eq(w.result[8], RESULT_DONE);
        ck_assert_int_eq(w.result[9], RESULT_DONE);
        ck_assert_int_eq(w.seen[9], SEEN_GONE);
        ck_assert_int_eq(w.result[10], RESULT_FAILED); /* there is none */
        ck_assert_int_gt(w.events, 0);
        guest_spec_unref(w.spec);
        w.a = guest_close(w.a);
}
END_TEST

START_TEST(a_cancelled_job_ends_once) {
        struct world w;

        open_world(&w, TEST_URI);
        submit(&w, GJOB_PAUSE, "test", TEST_UUID, NULL);
        submit(&w, GJOB_RESUME, "test", TEST_UUID, NULL);
        guest_cancel(w.a, 2);
        guest_cancel(w.a, 2);
        guest_cancel(w.a, 77);
        ck_assert_int_eq(w.ends, 0); /* never from inside a call */
        run_until(&w, &w.ends, 2);
        ck_assert_int_eq(w.result[1], RESULT_DONE);
        ck_assert_int_eq(w.result[2], RESULT_CANCELLED);
        guest_close(w.a);
}
END_TEST

START_TEST(xml_of_another_guest_is_refused) {
        struct guest_spec *spec = guest_spec_new();
        static const char xml[] = "<domain type='test'><name>other</name><uuid>" TEST_UUID
                                  "</uuid><memory>1024</memory></domain>";
        struct world w;

        spec->xml = blob_new(xml, sizeof(xml) - 1);
        open_world(&w, TEST_URI);
        submit(&w, GJOB_START, "mine", "00000000-1111-4222-8333-444444444444", spec);
        guest_spec_unref(spec);
        run_until(&w, &w.ends, 1);
        ck_assert_int_eq(w.result[1], RESULT_FAILED);
        ck_assert_ptr_nonnull(strstr(w.text[1], "of another guest"));
        guest_close(w.a);
}
END_TEST

/* ---- what somebody does by hand; the test driver's state is one for all connections of a process
 */

static virDomainPtr by_hand_domain(virConnectPtr *ret) {
        virDomainPtr dom;

        *ret = virConnectOpen(TEST_URI);
        ck_assert_ptr_nonnull(*ret);
        dom = virDomainLookupByName(*ret, "test");
        ck_assert_ptr_nonnull(dom);
        return dom;
}

static void forget(virDomainPtr dom, virConnectPtr conn) {
        virDomainFree(dom);
        virConnectClose(conn);
}

static int autostart(virDomainPtr dom) {
        int on = -1;

        ck_assert_int_eq(virDomainGetAutostart(dom, &on), 0);
        return on;
}

static void pump(struct world *w, int msec) {
        for (int i = 0; i < msec / 10; i++) {
                struct pollfd p = {.fd = guest_fd(w->a), .events = POLLIN};

                if (poll(&p, 1, 10) > 0)
                        guest_dispatch(w->a);
        }
}

START_TEST(autostart_by_hand_is_switched_off) {
        struct world w;
        virConnectPtr conn;
        virDomainPtr dom;

        open_world(&w, TEST_URI);
        dom = by_hand_domain(&conn);
        ck_assert_int_eq(virDomainSetAutostart(dom, 1), 0);
        run_until(&w, &w.ups, 1);
        pump(&w, 300);
        ck_assert_int_eq(autostart(dom), 1); /* not kept: none of hawd's business */
        ck_assert_int_eq(w.by_hands, 0);
        w.a = guest_close(w.a);
        open_world(&w, TEST_URI);
        w.kept = true;
        run_until(&w, &w.by_hands, 1);
        ck_assert_int_eq(autostart(dom), 0);
        ck_assert_ptr_nonnull(strstr(w.by_hand, "autostart"));
        w.a = guest_close(w.a);
        forget(dom, conn);
}
END_TEST

static void define(virConnectPtr conn, virDomainPtr dom, const char *from, const char *to) {
        char *xml = virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_INACTIVE), *at;
        virDomainPtr again;

        ck_assert_ptr_nonnull(xml);
        ck_assert_uint_eq(strlen(from), strlen(to));
        at = strstr(xml, from);
        ck_assert_msg(at, "%s is not in %s", from, xml);
        memcpy(at, to, strlen(to));
        again = virDomainDefineXML(conn, xml);
        ck_assert_ptr_nonnull(again);
        virDomainFree(again);
        free(xml);
}

START_TEST(definition_by_hand_is_told_of) {
        struct world w;
        virConnectPtr conn;
        virDomainPtr dom;

        open_world(&w, TEST_URI);
        w.kept = true;
        run_until(&w, &w.ups, 1);
        submit(&w, GJOB_DUMP, "test", "", NULL);
        run_until(&w, &w.ends, 1);
        submit(&w, GJOB_DESTROY, "test", TEST_UUID, NULL);
        submit(&w, GJOB_START, "test", TEST_UUID, w.spec);
        run_until(&w, &w.ends, 3);
        ck_assert_int_eq(w.result[3], RESULT_DONE);
        pump(&w, 300);
        ck_assert_int_eq(w.redefinitions, 0); /* that was hawd itself */
        dom = by_hand_domain(&conn);
        define(conn, dom, ">8388608<", ">4194304<");
        run_until(&w, &w.redefinitions, 1);
        ck_assert_uint_eq(w.redefined->memory_mib, 4096);
        ck_assert_str_eq(w.redefined->uuid, TEST_UUID);
        define(conn, dom, ">4194304<", ">4194304<");
        pump(&w, 300);
        ck_assert_int_eq(w.redefinitions, 1); /* nothing new */
        ck_assert(w.defined);
        ck_assert_int_eq(virDomainUndefine(dom), 0);
        run_until(&w, &w.by_hands, 1);
        ck_assert_ptr_nonnull(strstr(w.by_hand, "undefined it"));
        ck_assert(!w.defined);
        forget(dom, conn);
        guest_spec_unref(w.spec);
        guest_spec_unref(w.redefined);
        guest_close(w.a);
}
END_TEST

static struct guest_spec *spec_of(const char *name) {
        struct guest_spec *spec = NULL;
        char xml[512], err[TEXT_LEN];

        snprintf(xml, sizeof(xml),
                 "<domain type='test'><name>%s</name><uuid>" TEST_UUID
                 "</uuid><memory>8192</memory><os><type>hvm</type></os></domain>",
                 name);
        ck_assert_msg(spec_from_xml(xml, strlen(xml), &spec, err) == 0, "%s", err);
        return spec;
}

/* S9: the device is another host's to have until DRBD lets this one be primary. */
START_TEST(drbd_is_primary_before_its_guest) {
        struct guest_spec *spec = spec_of("test");
        struct world w;

        drbd_set_up();
        spec->conf.replica =
                (struct conf_replica){.mode = REPLICA_MODE_DRBD, .host = "node2", .resource = "r0"};
        put("on-primary", THEN(ALONE("Primary")), 0644);
        kernel_says(EVENTS("Secondary", "Outdated", "Connecting", "Unknown", "Off", "DUnknown"));
        open_world(&w, TEST_URI);
        run_until(&w, &w.ups, 1);
        submit(&w, GJOB_DESTROY, "test", TEST_UUID, NULL);
        submit(&w, GJOB_START, "test", TEST_UUID, spec);
        run_until(&w, &w.ends, 2);
        ck_assert_int_eq(w.result[2], RESULT_FAILED);
        ck_assert_msg(strstr(w.text[2], "DRBD: r0 on "), "%s", w.text[2]);
        ck_assert_str_eq(asked(), "");
        kernel_says(ALONE("Secondary"));
        submit(&w, GJOB_START, "test", TEST_UUID, spec);
        run_until(&w, &w.ends, 3);
        ck_assert_msg(w.result[3] == RESULT_DONE, "%s", w.text[3]);
        ck_assert_str_eq(asked(), "primary r0\n");
        guest_spec_unref(spec);
        guest_close(w.a);
        drbd_tear_down();
}
END_TEST

/* One end of a guest on DRBD: by @op, when the kernel says @events once it was made secondary. */
static void ended_on_drbd(struct world *w, struct guest_spec *spec, enum guest_job_op op,
                          const char *on_secondary) {
        uint64_t id;

        kernel_says(IN_STEP("Primary", "Secondary"));
        put("on-secondary", on_secondary, 0644);
        put("log", "", 0644);
        w->final = 0;
        w->in_step = 0;
        submit(w, GJOB_START, "test", TEST_UUID, spec);
        w->in_step = 9;
        id = submit(w, op, "test", TEST_UUID, spec);
        run_until(w, &w->ends, (int)id);
        ck_assert_msg(w->result[id] == RESULT_DONE && w->seen[id] == SEEN_GONE, "%s", w->text[id]);
}

START_TEST(drbd_is_given_up_with_its_guest) {
        struct guest_spec *spec = spec_of("test");
        struct world w;

        drbd_set_up();
        spec->conf.replica =
                (struct conf_replica){.mode = REPLICA_MODE_DRBD, .host = "node2", .resource = "r0"};
        open_world(&w, TEST_URI);
        run_until(&w, &w.ups, 1);
        ended_on_drbd(&w, spec, GJOB_STOP, THEN(IN_STEP("Secondary", "Secondary")));
        ck_assert_uint_eq(w.final, 9); /* both are equal */
        ck_assert_str_eq(asked(), "secondary r0\n");
        ended_on_drbd(&w, spec, GJOB_SETTLE, THEN(IN_STEP("Secondary", "Secondary")));
        ck_assert_uint_eq(w.final, 9);
        ended_on_drbd(&w, spec, GJOB_STOP, THEN(ALONE("Secondary")));
        ck_assert_uint_eq(w.final, 0); /* nobody knows what the other side has */
        ended_on_drbd(&w, spec, GJOB_STOP, REFUSED("-2", "Need access to UpToDate data"));
        ck_assert_uint_eq(w.final, 0);
        ck_assert_msg(strstr(w.text[w.next], "UpToDate data"), "%s", w.text[w.next]);
        /* It is open still, for a moment. */
        ended_on_drbd(
                &w, spec, GJOB_STOP,
                "if [ ! -e \"$D/tried\" ]; then : >\"$D/tried\"\n" REFUSED(
                        "-12", "Device is held open by someone") "fi\n" THEN(IN_STEP("Secondary",
                                                                                     "Secondary")));
        ck_assert_uint_eq(w.final, 9);
        ck_assert_str_eq(asked(), "secondary r0\nsecondary r0\n");
        guest_spec_unref(spec);
        guest_close(w.a);
        drbd_tear_down();
}
END_TEST

/* Its definition is somebody's; what runs under the guest's UUID is stopped all the same. */
START_TEST(our_uuid_under_another_name) {
        struct guest_spec *spec = spec_of("mine");
        virConnectPtr conn;
        virDomainPtr dom;
        struct world w;

        open_world(&w, TEST_URI);
        run_until(&w, &w.ups, 1);
        dom = by_hand_domain(&conn);
        submit(&w, GJOB_SETTLE, "mine", TEST_UUID, NULL);   /* 1 */
        submit(&w, GJOB_START, "mine", TEST_UUID, spec);    /* 2 */
        submit(&w, GJOB_UNDEFINE, "mine", TEST_UUID, NULL); /* 3 */
        submit(&w, GJOB_DESTROY, "mine", TEST_UUID, NULL);  /* 4 */
        submit(&w, GJOB_DESTROY, "test", TEST_UUID, NULL);  /* 5 */
        run_until(&w, &w.ends, 4);
        ck_assert_msg(w.result[1] == RESULT_DONE, "%s", w.text[1]);
        ck_assert_int_eq(w.seen[1], SEEN_GONE);
        ck_assert_int_eq(w.result[2], RESULT_FAILED);
        ck_assert_ptr_nonnull(strstr(w.text[2], "under another name, test"));
        ck_assert_int_eq(w.result[3], RESULT_DONE);
        ck_assert_ptr_nonnull(strstr(w.text[3], "defined here as test"));
        ck_assert_int_eq(w.result[4], RESULT_DONE);
        run_until(&w, &w.ends, 5);
        ck_assert_int_eq(w.result[5], RESULT_DONE);
        ck_assert_int_eq(virDomainIsActive(dom), -1); /* only the last one took its definition */
        guest_spec_unref(spec);
        forget(dom, conn);
        guest_close(w.a);
}
END_TEST

START_TEST(no_libvirt_is_down_once) {
        struct world w;

        open_world(&w, "qemu+unix:///system?socket=/nowhere/libvirt-sock");
        run_until(&w, &w.downs, 1);
        submit(&w, GJOB_START, "x", "00000000-1111-4222-8333-444444444444", NULL);
        submit(&w, GJOB_SETTLE, "x", "00000000-1111-4222-8333-444444444444", NULL);
        run_until(&w, &w.ends, 2);
        ck_assert_int_eq(w.result[1], RESULT_FAILED);
        ck_assert_int_eq(w.result[2], RESULT_UNSETTLED);
        for (int i = 0; i < 150; i++) { /* a second try, and a third */
                struct pollfd p = {.fd = guest_fd(w.a), .events = POLLIN};

                if (poll(&p, 1, 10) > 0)
                        guest_dispatch(w.a);
        }
        ck_assert_int_eq(w.downs, 1);
        ck_assert_int_eq(w.ups, 0);
        guest_close(w.a);
}
END_TEST

static struct guest_spec *spec_with_disk(const char *path) {
        struct guest_spec *spec = NULL;
        char xml[1024], err[TEXT_LEN];

        snprintf(xml, sizeof(xml),
                 "<domain type='test'><name>test</name><uuid>" TEST_UUID
                 "</uuid><memory>1024</memory><vcpu>1</vcpu><os>"
                 "<type>hvm</type></os><devices><disk type='file' device='disk'><driver "
                 "name='qemu' type='raw'/><source file='%s'/><target dev='vda' bus='virtio'/>"
                 "</disk></devices></domain>",
                 path);
        ck_assert_msg(spec_from_xml(xml, strlen(xml), &spec, err) == 0, "%s", err);
        return spec;
}

/* 0 its copy is there: promoted, and started; 1 it is not: nothing is started */
START_TEST(a_start_from_a_copy) {
        char dir[] = "/tmp/hawd-start-XXXXXX", path[64], command[512];
        struct action act = {.kind = ACT_GUEST_JOB,
                             .guest_job = {.id = 2,
                                           .op = GJOB_START,
                                           .gid = 3,
                                           .promote = 7,
                                           .name = "test",
                                           .timeout_usec = 20 * USEC_PER_SEC}};
        struct guest_spec *spec;
        struct world w;

        ck_assert_ptr_nonnull(mkdtemp(dir));
        snprintf(command, sizeof(command),
                 "cd %s; printf old > vm; [ %d = 1 ] || printf new > "
                 "vm.hawd-replica-7",
                 dir, _i);
        ck_assert_int_eq(system(command), 0);
        snprintf(path, sizeof(path), "%s/vm", dir);
        spec = spec_with_disk(path);
        spec->conf.replica.mode = REPLICA_MODE_SYNC;
        act.guest_job.spec = spec;
        text_set(act.guest_job.uuid, UUID_LEN, spec->uuid);
        open_world(&w, TEST_URI);
        run_until(&w, &w.ups, 1);
        submit(&w, GJOB_DESTROY, "test", TEST_UUID, NULL); /* 1 */
        guest_submit(w.a, &act);
        run_until(&w, &w.ends, 2);
        ck_assert_msg(w.result[2] == (_i == 0 ? RESULT_DONE : RESULT_FAILED), "%s", w.text[2]);
        if (_i == 1)
                ck_assert_msg(strstr(w.text[2], "the copy is gone"), "%s", w.text[2]);
        snprintf(command, sizeof(command),
                 "cd %s; grep -qx %s vm; r=$?; [ %d = 1 ] || grep -qx "
                 "old vm.hawd-left-7 || r=1; rm -rf %s; exit $r",
                 dir, _i == 0 ? "new" : "old", _i, dir);
        ck_assert_int_eq(system(command), 0);
        guest_spec_unref(spec);
        w.a = guest_close(w.a);
}
END_TEST

static void start_with(struct world *w, struct guest_spec *spec, struct guest_snaps *snaps,
                       enum job_result result, const char *words) {
        struct action act = {.kind = ACT_GUEST_JOB,
                             .guest_job = {.op = GJOB_START,
                                           .spec = spec,
                                           .snaps = snaps_copy(snaps),
                                           .name = "test",
                                           .uuid = TEST_UUID,
                                           .timeout_usec = 20 * USEC_PER_SEC}};

        submit(w, GJOB_DESTROY, "test", TEST_UUID, NULL);
        act.guest_job.id = ++w->next;
        guest_submit(w->a, &act);
        free(act.guest_job.snaps);
        run_until(w, &w->ends, (int)w->next);
        ck_assert_msg(w->result[w->next] == result && strstr(w->text[w->next], words), "%s",
                      w->text[w->next]);
}

/* S8: numbers that the ledger never gave are of a time that it does not know. */
START_TEST(no_start_below_an_unknown_overlay) {
        char dir[] = "/tmp/hawd-start-XXXXXX", path[96], disk[64];
        struct guest_snaps *s = snaps_new();
        struct guest_spec *spec;
        struct world w;

        ck_assert_ptr_nonnull(mkdtemp(dir));
        snprintf(disk, sizeof(disk), "%s/vm.raw", dir);
        snprintf(path, sizeof(path), "%s/vm.hawd-2.qcow2", dir);
        spec = spec_with_disk(disk);
        open_world(&w, TEST_URI);
        run_until(&w, &w.ups, 1);
        start_with(&w, spec, NULL, RESULT_DONE, "started");
        ck_assert_int_eq(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
        start_with(&w, spec, NULL, RESULT_FAILED,
                   "vm.hawd-2.qcow2 is unknown to the ledger: name it as disk vda");
        start_with(&w, spec, s, RESULT_FAILED, "unknown to the ledger");
        s->next = 3; /* given, and not taken in the end */
        start_with(&w, spec, s, RESULT_DONE, "started");
        ck_assert_int_eq(unlink(path), 0);
        start_with(&w, spec, NULL, RESULT_DONE, "started");
        ck_assert_int_eq(rmdir(dir), 0);
        free(s);
        guest_spec_unref(spec);
        w.a = guest_close(w.a);
}
END_TEST

static Suite *guest_suite(void) {
        Suite *s = suite_create("guest");
        TCase *tc = unit_case(s, "host");

        tcase_add_test(tc, a_process_is_found_by_its_uuid);
        tcase_add_test(tc, a_process_whose_leader_exited_is_still_there);
        tcase_add_test(tc, the_log_tells_qemus_last_words);
        tcase_add_test(tc, host_facts_are_parsed);
        tc = unit_case(s, "jobs");
        tcase_add_test(tc, jobs_of_one_guest_run_in_order);
        tcase_add_test(tc, a_cancelled_job_ends_once);
        tcase_add_test(tc, xml_of_another_guest_is_refused);
        tcase_add_loop_test(tc, a_start_from_a_copy, 0, 2);
        tcase_add_test(tc, no_start_below_an_unknown_overlay);
        tcase_add_test(tc, no_libvirt_is_down_once);
        tc = unit_case(s, "by hand");
        tcase_add_test(tc, autostart_by_hand_is_switched_off);
        tcase_add_test(tc, definition_by_hand_is_told_of);
        tcase_add_test(tc, our_uuid_under_another_name);
        tcase_add_test(tc, drbd_is_primary_before_its_guest);
        tcase_add_test(tc, drbd_is_given_up_with_its_guest);
        return s;
}

UNIT_MAIN(guest_suite)
