/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: driver guest */
/*
 * P's side against a monitor that this program plays: what an answer that makes no sense is taken
 * for, and that nothing is asked of QEMU that its host's settings forbid. (tests/lab has a QEMU.)
 */
#include <libvirt/libvirt-qemu.h>
#include <stdio.h>

#include "hawd/base/clock.h"
#include "replication/driver_work.h"
#include "tests/unit/sh.h"
#include "tests/unit/unit.h"

#define TOKEN "0123456789abcdef0123456789abcdef"

static struct {
        const char *command, *answer;
        const char *after; /* NULL, or what has been asked by then; the last that fits counts */
} says[8];
static char asked[4096], err[TEXT_LEN];

/* In the place of libvirt's. */
int virDomainQemuMonitorCommand(virDomainPtr dom, const char *cmd, char **result,
                                unsigned int flags) {
        size_t len = strlen(asked);
        const char *answer = "{\"return\":[]}";

        (void)dom;
        (void)flags;
        text_fmt(asked + len, sizeof(asked) - len, "%s\n", cmd);
        for (size_t i = 0; i < ARRAY_SIZE(says) && says[i].command; i++)
                if (strstr(cmd, says[i].command) &&
                    (!says[i].after || strstr(asked, says[i].after)))
                        answer = says[i].answer;
        *result = xstrdup(answer);
        return 0;
}

static virConnectPtr conn;
static virDomainPtr dom;

static void setup(void) {
        conn = virConnectOpen("test:///default");
        dom = conn ? virDomainLookupByName(conn, "test") : NULL;
        ck_assert_ptr_nonnull(dom);
        memset(says, 0, sizeof(says));
        asked[0] = err[0] = '\0';
}

static void teardown(void) {
        virDomainFree(dom);
        virConnectClose(conn);
}

static void monitor_says_after(const char *after, const char *command, const char *answer) {
        size_t i = 0;

        while (says[i].command)
                i++;
        says[i].command = command;
        says[i].answer = answer;
        says[i].after = after;
}

static void monitor_says(const char *command, const char *answer) {
        monitor_says_after(NULL, command, answer);
}

#define JOB(id, status) "{\"id\":\"" id "\",\"status\":\"" status "\",\"type\":\"mirror\"}"

static const struct {
        const char *answer;
        int r;
        size_t n;
        bool ready, ended;
} rows[] = {
        {"{\"return\":[" JOB("hawd-3.7-vda", "ready") "]}", 0, 1, true, false},
        {"{\"return\":[" JOB("hawd-3.7-vda", "ready") "," JOB("hawd-3.7-vdb", "running") "]}", 0, 2,
         false, false},
        {"{\"return\":[" JOB("hawd-3.7-vda", "ready") "," JOB("hawd-3.7-vdb", "concluded") "]}", 0,
         2, false, true},
        {"{\"return\":[" JOB("hawd-3.7-vda", "ready") "," JOB("hawd-3.6-vdb", "concluded") "]}", 0,
         1, true, false},
        /* somebody else's */
        {"{\"return\":[" JOB("hawd-3.7", "ready") "," JOB("hawd-x.7-vda", "ready") "," JOB(
                 "hawd-3.7-vda ", "ready") "," JOB("drive0", "ready") "]}",
         0, 0, false, false},
        /* no sense */
        {"{\"return\":[{},7,null,[],{\"id\":5,\"status\":{}},{\"id\":\"hawd-3.7-vda\","
         "\"current-progress\":\"x\",\"total-progress\":-5,\"error\":[]}]}",
         0, 1, false, false},
        {"{\"return\":{\"a\":1}}", 0, 0, false, false},
        {"{\"return\":\"\"}", 0, 0, false, false},
        {"", -EIO, 0, false, false},
        {"{", -EIO, 0, false, false},
        {"[]", -EIO, 0, false, false},
        {"{\"error\":{}}", -EIO, 0, false, false},
        {"{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"no such\"}}", -EIO, 0, false, false},
};

START_TEST(jobs) {
        struct mirror_seen seen = {.n = 77};

        monitor_says("query-jobs", rows[_i].answer);
        ck_assert_int_eq(mirror_look(dom, &seen, err), rows[_i].r);
        if (rows[_i].r < 0) {
                ck_assert_ptr_nonnull(strstr(err, "QEMU refuses query-jobs"));
                ck_assert_uint_eq(seen.n, 77);
                return;
        }
        ck_assert_uint_eq(seen.n, rows[_i].n);
        ck_assert_int_eq(seen.ready, rows[_i].ready);
        ck_assert_int_eq(seen.ended, rows[_i].ended);
        ck_assert_uint_eq(seen.lag_bytes, 0);
}
END_TEST

/* Whatever it says, an end is waited for no longer than the deadline. */
START_TEST(an_end_that_does_not_come) {
        struct mirror_work w = {.deadline = usec_add(now_boottime(), USEC_PER_SEC / 2)};

        monitor_says("query-jobs", "{\"return\":[" JOB("hawd-3.7-vda", "aborting") "]}");
        monitor_says(
                "query-yank",
                "{\"return\":[{},3,{\"type\":\"block-node\",\"node-name\":\"hawd-3.7-vda\"}]}");
        FAILS(mirror_cancel(&w, dom, 7, err), ETIMEDOUT, "");
        ck_assert_ptr_nonnull(strstr(asked, "\"yank\""));
        ck_assert_ptr_null(strstr(asked, "job-dismiss"));
}
END_TEST

#define REFUSED "{\"error\":{\"class\":\"GenericError\",\"desc\":\"Job in state 'concluded'\"}}"
#define BOTH(a, b) "{\"return\":[" JOB("hawd-3.7-vda", a) "," JOB("hawd-3.7-vdb", b) "]}"

/* QEMU refuses to cancel what has just ended by itself. */
START_TEST(ended_by_itself) {
        struct mirror_work w = {.deadline = usec_add(now_boottime(), 20 * USEC_PER_SEC)};

        monitor_says("query-jobs", BOTH("ready", "ready"));
        monitor_says("block-job-cancel", REFUSED);
        if (_i == 1) { /* and one for another reason */
                FAILS(mirror_cancel(&w, dom, 7, err), EIO, "in state 'concluded'");
                return;
        }
        monitor_says_after("block-job-cancel", "query-jobs", BOTH("concluded", "concluded"));
        OK(mirror_cancel(&w, dom, 7, err));
        ck_assert_ptr_nonnull(strstr(asked, "job-dismiss"));
}
END_TEST

/* S9: equal are the copies of all disks whose jobs came to their end without an error. */
START_TEST(final) {
        static const struct {
                const char *then;
                int r;
        } ends[] = {
                {BOTH("concluded", "concluded"), 0},
                {"{\"return\":[" JOB("hawd-3.7-vda", "concluded") "]}", -EIO},
                {"{\"return\":[]}", -EIO},
                {"{\"return\":[" JOB("hawd-3.7-vda",
                                     "concluded") ",{\"id\":\"hawd-3.7-vdb\","
                                                  "\"status\":\"concluded\",\"error\":\"EIO\"}]}",
                 -EIO},
        };
        struct mirror_work w = {.deadline = usec_add(now_boottime(), 20 * USEC_PER_SEC)};
        uint32_t serial = 0;

        monitor_says("query-jobs", BOTH("ready", "ready"));
        monitor_says_after("block-job-cancel", "query-jobs", ends[_i].then);
        ck_assert_msg(mirror_final(&w, dom, &serial, err) == ends[_i].r, "%s", err);
        ck_assert_uint_eq(serial, ends[_i].r == 0 ? 7 : 0);
}
END_TEST

static const struct {
        const char *where;
        bool must, has;
        const char *says;
} hosts[] = {
        {"nbd://127.0.0.1:1/" TOKEN, true, true, "nothing is copied in the clear"},
        {"nbds://127.0.0.1:1/" TOKEN, false, false, "has no certificates"},
        {"nbds://127.0.0.1:1/" TOKEN, false, true, "its disk vda is"}, /* which comes next */
        {"nbds://127.0.0.1:1/" TOKEN, true, true, "its disk vda is"},
        {"nbd://127.0.0.1:1/" TOKEN, false, true, "its disk vda is"},
        {"nbd://127.0.0.1:1", false, true, "no place for a replica"},
};

/* What the thread @w has told. */
static void told_at_last(struct worker *w, enum replica_what what, const char *words) {
        struct letter *l = mailbox_take(&w->board->box);
        struct work_note *n = (struct work_note *)l;

        ck_assert_msg(n && !l->next, "not just one thing is told");
        ck_assert_msg(n->what == what && strstr(n->text, words), "%d '%s'", (int)n->what, n->text);
        work_note_free(n);
}

START_TEST(tls_or_nothing) {
        bool pull = _i >= (int)ARRAY_SIZE(hosts);
        size_t i = (size_t)_i % ARRAY_SIZE(hosts);
        struct board *b = board_new();
        struct worker *w = worker_new(b, pull ? WORK_PULL_COPY : WORK_COPY);

        text_set(b->uri, sizeof(b->uri), "test:///default");
        b->tls = hosts[i].must;
        text_set(b->tls_dir, sizeof(b->tls_dir), hosts[i].has ? "/etc/pki/qemu" : "");
        w->disks.n = 1;
        w->serial = 7;
        text_set(w->disks.disks[0].target, MIRROR_TARGET_LEN, "vda");
        text_set(w->disks.disks[0].path, MIRROR_PATH_LEN, "/nowhere/vda");
        text_set(w->disks.disks[0].format, sizeof(w->disks.disks[0].format), "raw");
        text_set(w->uuid, UUID_LEN, "6695eb01-f6a4-8304-79aa-97f2502e193f");
        text_set(w->where, sizeof(w->where), hosts[i].where);
        if (!pull) {
                work_copy(w);
                told_at_last(w, TOLD_FAILED, hosts[i].says);
                ck_assert_ptr_null(strstr(asked, "blockdev-add"));
        } else { /* the first two: the others would go on for long */
                text_fmt(w->where, sizeof(w->where), "127.0.0.1 1,2 " TOKEN "%s",
                         hosts[i].where[3] == 's' ? " tls" : "");
                work_pull_copy(w);
                told_at_last(w, TOLD_FAILED, hosts[i].says);
        }
        worker_unref(w);
        board_unref(b);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("mirror_qmp");
        TCase *tc = unit_case(s, "all");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_loop_test(tc, jobs, 0, (int)ARRAY_SIZE(rows));
        tcase_add_test(tc, an_end_that_does_not_come);
        tcase_add_loop_test(tc, ended_by_itself, 0, 2);
        tcase_add_loop_test(tc, final, 0, 4);
        tcase_add_loop_test(tc, tls_or_nothing, 0, (int)ARRAY_SIZE(hosts) + 2);
        return s;
}

UNIT_MAIN(suite)
