/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ledger: a guest's snapshots. Nothing that is left is ever lost (S8), and what a start is from is
 * right after an end at any moment.
 */
#include "tests/unit/ledger_fixture.h"

static struct guest_snaps *S(struct led *l, uint32_t gid) {
        return G(l, gid)->snaps;
}

static const struct snapshot *named(struct led *l, uint32_t gid, const char *name) {
        struct guest_snaps *s = S(l, gid);
        int i = s ? snap_find_name(s->list, s->n, name) : -1;

        return i < 0 ? NULL : &s->list[i];
}

static const struct snapshot *current(struct led *l, uint32_t gid) {
        struct guest_snaps *s = S(l, gid);

        return &s->list[snap_current(s->list, s->n)];
}

static void done_as(struct led *l, uint32_t gid, enum job_result result, enum seen_state seen) {
        struct guest *g = G(l, gid);
        struct op op = {.kind = OP_GUEST_DONE,
                        .gid = gid,
                        .job = g->job,
                        .host = g->job_host,
                        .result = result,
                        .seen = seen,
                        .snap_mib = 7,
                        .pause_usec = 40000};

        text_set(op.text, sizeof(op.text), "result");
        led_apply(l, op);
}

static void done(struct led *l, uint32_t gid, enum job_result result) {
        done_as(l, gid, result, SEEN_RUNNING);
}

static void job(struct led *l, uint32_t gid, enum guest_job_kind kind, uint32_t id) {
        APPLY(l, .kind = OP_GUEST_JOB, .gid = gid, .host = G(l, gid)->host, .job_kind = kind,
              .snap = id);
}

static void healthy(struct led *l, uint32_t gid) {
        APPLY(l, .kind = OP_GUEST_HEALTHY, .gid = gid, .gen = G(l, gid)->gen,
              .host = G(l, gid)->host);
}

static void take(struct led *l, uint32_t gid, const char *name) {
        struct op op = {.kind = OP_SNAP_TAKE, .gid = gid, .flag = true};

        text_set(op.name, sizeof(op.name), name);
        led_apply(l, op);
        ck_assert_int_eq(l->a.code, REPLY_OK);
        if (G(l, gid)->claims == 0)
                return;
        job(l, gid, JOB_SNAPSHOT, 0);
        done(l, gid, RESULT_DONE);
        ck_assert_ptr_nonnull(named(l, gid, name));
        l->wall += USEC_PER_MINUTE;
}

static void dies(struct led *l, uint32_t gid) {
        APPLY(l, .kind = OP_GUEST_SEEN, .gid = gid, .gen = G(l, gid)->gen, .host = G(l, gid)->host,
              .seen = SEEN_GONE, .end_why = END_CRASHED);
        ck_assert_uint_eq(G(l, gid)->claims, 0);
}

START_TEST(taken_while_it_runs) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        healthy(&l, gid);
        CHANGED(&l, .kind = OP_SNAP_TAKE, .gid = gid, .name = "one", .flag = true);
        ck_assert_int_eq(S(&l, gid)->wish.act, SNAP_ACT_TAKE);
        ck_assert_uint_eq(S(&l, gid)->n, 1); /* not before its host has done it */
        UNCHANGED(&l, .kind = OP_SNAP_TAKE, .gid = gid, .name = "two", .flag = true);
        ck_assert_int_eq(l.a.code, REPLY_BUSY);
        job(&l, gid, JOB_SNAPSHOT, 0);
        ck_assert_int_eq(G(&l, gid)->job_kind, JOB_SNAPSHOT);
        done(&l, gid, RESULT_DONE);
        ck_assert(led_noted(&l, NOTE_SNAP_TAKEN));
        ck_assert_int_eq(G(&l, gid)->state, GUEST_RUNNING);
        ck_assert(named(&l, gid, "one")->good && named(&l, gid, "one")->by_hand);
        ck_assert_uint_eq(named(&l, gid, "one")->mib, 7);
        ck_assert_uint_eq(S(&l, gid)->pause_usec, 40000);
        ck_assert_uint_eq(current(&l, gid)->file, 2);
        ck_assert(!S(&l, gid)->unmade);
        UNCHANGED(&l, .kind = OP_SNAP_TAKE, .gid = gid, .name = "one", .flag = true);
        ck_assert_int_eq(l.a.code, REPLY_USAGE);
        led_close(&l);
}
END_TEST

/* Its files are the ledger's alone: the next start makes the overlay. */
START_TEST(taken_while_it_does_not_run) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        healthy(&l, gid);
        APPLY(&l, .kind = OP_GUEST_DESIRE, .gid = gid, .desired = DESIRED_STOPPED);
        job(&l, gid, JOB_STOP, 0);
        done(&l, gid, RESULT_DONE);
        take(&l, gid, "one");
        ck_assert(named(&l, gid, "one")->good); /* it was stopped in good health */
        ck_assert(S(&l, gid)->unmade);
        UNCHANGED(&l, .kind = OP_SNAP_TAKE, .gid = gid, .name = "two", .flag = true);
        APPLY(&l, .kind = OP_GUEST_DESIRE, .gid = gid, .desired = DESIRED_RUNNING);
        led_start(&l, gid, 1);
        ck_assert(S(&l, gid)->unmade); /* until it has run */
        led_done(&l, gid, RESULT_DONE);
        ck_assert(!S(&l, gid)->unmade);
        led_close(&l);
}
END_TEST

START_TEST(refused_is_not_taken) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        APPLY(&l, .kind = OP_SNAP_TAKE, .gid = gid, .name = "one", .flag = true);
        job(&l, gid, JOB_SNAPSHOT, 0);
        done(&l, gid, RESULT_FAILED);
        ck_assert(led_noted(&l, NOTE_SNAP_FAILED));
        ck_assert_int_eq(S(&l, gid)->wish.act, SNAP_ACT_NONE);
        ck_assert_str_eq(S(&l, gid)->error, "result");
        ck_assert_uint_eq(S(&l, gid)->n, 1);
        ck_assert_int_eq(G(&l, gid)->state, GUEST_RUNNING);
        led_close(&l);
}
END_TEST

/* Switched by a try that was given up, it wrote in the overlay before it ended. */
START_TEST(an_ended_one_has_the_overlay) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        APPLY(&l, .kind = OP_SNAP_TAKE, .gid = gid, .name = "one", .flag = true);
        job(&l, gid, JOB_SNAPSHOT, 0);
        done(&l, gid, RESULT_UNSETTLED);
        job(&l, gid, JOB_SNAPSHOT, 0);
        done_as(&l, gid, RESULT_FAILED, SEEN_GONE);
        ck_assert_int_eq(S(&l, gid)->wish.act, SNAP_ACT_TAKE);
        APPLY(&l, .kind = OP_GUEST_SEEN, .gid = gid, .gen = G(&l, gid)->gen, .host = 2,
              .seen = SEEN_GONE, .end_why = END_FAILED);
        ck_assert_ptr_nonnull(named(&l, gid, "one"));
        ck_assert_uint_eq(current(&l, gid)->file, named(&l, gid, "one")->id + 1);
        led_close(&l);
}
END_TEST

/* It may have been switched, or not: asked again, and when the guest ends, its overlay counts. */
START_TEST(unknown_is_kept_until_it_is_known) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        healthy(&l, gid);
        APPLY(&l, .kind = OP_SNAP_TAKE, .gid = gid, .name = "one", .flag = true);
        job(&l, gid, JOB_SNAPSHOT, 0);
        done(&l, gid, RESULT_UNSETTLED);
        ck_assert_int_eq(S(&l, gid)->wish.act, SNAP_ACT_TAKE);
        ck_assert_uint_eq(G(&l, gid)->claims, 2);
        dies(&l, gid);
        ck_assert_int_eq(S(&l, gid)->wish.act, SNAP_ACT_NONE);
        ck_assert(!named(&l, gid, "one")->good);
        ck_assert_uint_eq(current(&l, gid)->file, 2);
        ck_assert(S(&l, gid)->unmade);
        led_close(&l);
}
END_TEST

/* The same when its host is lost: not before it is proven off. */
START_TEST(wanted_of_a_lost_host) {
        struct led l;
        uint32_t gid;

        led_open(&l, 3);
        led_device(&l, "bmc2", 2);
        gid = led_running(&l, "web", 2);
        APPLY(&l, .kind = OP_SNAP_TAKE, .gid = gid, .name = "one", .flag = true);
        job(&l, gid, JOB_SNAPSHOT, 0);
        led_lose(&l, 2);
        ck_assert_uint_eq(S(&l, gid)->n, 1);
        led_fenced(&l, led_fence(&l, 2, FENCE_OFF, "bmc2"), FENCE_PROVEN_OFF);
        ck_assert_uint_eq(G(&l, gid)->claims, 0);
        ck_assert_uint_eq(S(&l, gid)->n, 2);
        ck_assert(S(&l, gid)->unmade);
        led_close(&l);
}
END_TEST

START_TEST(known_good_only_in_good_health) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        take(&l, gid, "booting");
        ck_assert(!named(&l, gid, "booting")->good);
        healthy(&l, gid);
        APPLY(&l, .kind = OP_SNAP_TAKE, .gid = gid, .name = "ill", .flag = true);
        APPLY(&l, .kind = OP_GUEST_SEEN, .gid = gid, .gen = G(&l, gid)->gen, .host = 2,
              .seen = SEEN_RUNNING, .end_why = END_HANG);
        job(&l, gid, JOB_SNAPSHOT, 0); /* it is to be recovered: not now */
        ck_assert_int_eq(G(&l, gid)->job_kind, JOB_NONE);
        led_close(&l);
}
END_TEST

/* S8 */
START_TEST(a_rollback_keeps_what_it_leaves) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        healthy(&l, gid);
        take(&l, gid, "one");
        take(&l, gid, "two");
        UNCHANGED(&l, .kind = OP_SNAP_ROLLBACK, .gid = gid, .name = "three");
        CHANGED(&l, .kind = OP_SNAP_ROLLBACK, .gid = gid, .name = "one");
        ck_assert_uint_eq(S(&l, gid)->n, 3); /* not before it has ended */
        UNCHANGED(&l, .kind = OP_SNAP_DELETE, .gid = gid, .name = "one");
        job(&l, gid, JOB_STOP, 0);
        APPLY(&l, .kind = OP_GUEST_DONE, .gid = gid, .job = G(&l, gid)->job, .host = 2,
              .result = RESULT_DONE, .seen = SEEN_GONE);
        ck_assert(led_noted(&l, NOTE_SNAP_ROLLED_BACK));
        ck_assert_int_eq(G(&l, gid)->state, GUEST_FAILED); /* it is wanted running */
        ck_assert_int_eq(named(&l, gid, "left-4")->kind, SNAP_LEFT);
        ck_assert_uint_eq(named(&l, gid, "left-4")->file, 3);
        ck_assert_uint_eq(current(&l, gid)->parent, named(&l, gid, "one")->id);
        ck_assert_uint_eq(current(&l, gid)->file, 4);
        ck_assert(S(&l, gid)->unmade);
        led_close(&l);
}
END_TEST

START_TEST(a_start_goes_back) {
        struct led l;
        uint32_t gid, one;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        healthy(&l, gid);
        take(&l, gid, "one");
        one = named(&l, gid, "one")->id;
        dies(&l, gid);
        UNCHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 1, .snap = 77);
        UNCHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 1, .snap = current(&l, gid)->id);
        CHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 1, .snap = one);
        ck_assert_int_eq(named(&l, gid, "left-3")->kind, SNAP_LEFT);
        ck_assert_uint_eq(current(&l, gid)->parent, one);
        led_done(&l, gid, RESULT_DONE);
        healthy(&l, gid);
        ck_assert_str_eq(l.m.incidents[l.m.n_incidents - 1].outcome,
                         "recovered on node1; it went back to its snapshot one, the disk that it "
                         "left is kept as left-3");
        /* And fails again, before it worked for long: that one did not help. */
        dies(&l, gid);
        ck_assert(named(&l, gid, "one")->failed);
        ck_assert_int_eq(snap_known_good(S(&l, gid)->list, S(&l, gid)->n), -1);
        led_close(&l);
}
END_TEST

START_TEST(deleted_by_its_host) {
        struct led l;
        uint32_t gid, one;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        take(&l, gid, "one");
        take(&l, gid, "two");
        one = named(&l, gid, "one")->id;
        job(&l, gid, JOB_SNAP_DELETE, one); /* nobody has asked for it */
        ck_assert_int_eq(G(&l, gid)->job_kind, JOB_NONE);
        CHANGED(&l, .kind = OP_SNAP_DELETE, .gid = gid, .name = "one");
        UNCHANGED(&l, .kind = OP_SNAP_DELETE, .gid = gid, .name = "one");
        UNCHANGED(&l, .kind = OP_SNAP_ROLLBACK, .gid = gid, .name = "one");
        job(&l, gid, JOB_SNAP_DELETE, one);
        ck_assert_uint_eq(S(&l, gid)->deleted, one);
        done(&l, gid, RESULT_UNSETTLED); /* the commit goes on */
        ck_assert_ptr_nonnull(named(&l, gid, "one"));
        job(&l, gid, JOB_SNAP_DELETE, one);
        done(&l, gid, RESULT_DONE);
        ck_assert_ptr_null(named(&l, gid, "one"));
        ck_assert_uint_eq(named(&l, gid, "two")->file, 0); /* it has the files of "one" */
        ck_assert_uint_eq(current(&l, gid)->file, 3);
        led_close(&l);
}
END_TEST

/* It needs another one over it first. */
START_TEST(the_newest_is_not_committed_into) {
        struct led l;
        uint32_t gid, one;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        take(&l, gid, "one");
        one = named(&l, gid, "one")->id;
        APPLY(&l, .kind = OP_SNAP_DELETE, .gid = gid, .name = "one");
        ck_assert(named(&l, gid, "one")->deleting);
        job(&l, gid, JOB_SNAP_DELETE, one);
        ck_assert_int_eq(G(&l, gid)->job_kind, JOB_NONE);
        take(&l, gid, "two");
        job(&l, gid, JOB_SNAP_DELETE, one);
        ck_assert_int_eq(G(&l, gid)->job_kind, JOB_SNAP_DELETE);
        led_close(&l);
}
END_TEST

START_TEST(what_a_kept_disk_needs_stays) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        take(&l, gid, "one");
        take(&l, gid, "two");
        dies(&l, gid);
        APPLY(&l, .kind = OP_SNAP_ROLLBACK, .gid = gid, .name = "two");
        ck_assert_ptr_nonnull(named(&l, gid, "left-4"));
        UNCHANGED(&l, .kind = OP_SNAP_DELETE, .gid = gid, .name = "two");
        UNCHANGED(&l, .kind = OP_SNAP_DELETE, .gid = gid, .name = "one");
        CHANGED(&l, .kind = OP_SNAP_DELETE, .gid = gid, .name = "left-4");
        led_close(&l);
}
END_TEST

START_TEST(ignored_ones_have_none) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        APPLY(&l, .kind = OP_GUEST_DESIRE, .gid = gid, .desired = DESIRED_IGNORED);
        UNCHANGED(&l, .kind = OP_SNAP_TAKE, .gid = gid, .name = "one", .flag = true);
        ck_assert_int_eq(l.a.code, REPLY_USAGE);
        UNCHANGED(&l, .kind = OP_SNAP_TAKE, .gid = 99, .name = "one", .flag = true);
        led_close(&l);
}
END_TEST

START_TEST(other_disks_have_no_snapshots) {
        struct guest_spec *s;
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        s = led_spec("web");
        s->disks = 7;
        APPLY(&l, .kind = OP_GUEST_SET, .gid = gid, .spec = s, .text = "x");
        APPLY(&l, .kind = OP_SNAP_TAKE, .gid = gid, .name = "one", .flag = true,
              .no_quiesce = true);
        ck_assert(S(&l, gid)->wish.no_quiesce);
        s = led_spec("web");
        s->disks = 8;
        UNCHANGED(&l, .kind = OP_GUEST_SET, .gid = gid, .spec = guest_spec_ref(s), .text = "x");
        job(&l, gid, JOB_SNAPSHOT, 0); /* while it is taken, and when it is */
        done(&l, gid, RESULT_DONE);
        UNCHANGED(&l, .kind = OP_GUEST_SET, .gid = gid, .spec = s, .text = "x");
        ck_assert_int_eq(l.a.code, REPLY_USAGE);
        s = led_spec("web");
        s->disks = 7;
        s->memory_mib = 77;
        APPLY(&l, .kind = OP_GUEST_SET, .gid = gid, .spec = s, .text = "x");
        ck_assert_uint_eq(G(&l, gid)->spec->memory_mib, 77);
        led_close(&l);
}
END_TEST

START_TEST(settings_that_contradict_are_refused) {
        struct guest_spec *s;
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        s = led_spec("web");
        s->conf.replica = (struct conf_replica){.mode = REPLICA_MODE_SYNC, .host = "node1"};
        text_set(s->conf.snapshot, sizeof(s->conf.snapshot), "daily");
        UNCHANGED(&l, .kind = OP_GUEST_SET, .gid = gid, .spec = s, .text = "x");
        ck_assert_int_eq(l.a.code, REPLY_USAGE);
        s = led_spec("web");
        s->conf.snapshot_kind = SNAPSHOT_INTERNAL;
        s->conf.snapshot_space_mib = 1;
        UNCHANGED(&l, .kind = OP_GUEST_SET, .gid = gid, .spec = s, .text = "x");
        s = led_spec("new");
        s->conf.snapshot_kind = SNAPSHOT_INTERNAL;
        s->conf.snapshot_space_mib = 1;
        APPLY(&l, .kind = OP_GUEST_ADD, .spec = s);
        ck_assert_ptr_null(model_guest_named(&l.m, "new"));
        led_close(&l);
}
END_TEST

START_TEST(inside_of_its_disks) {
        struct guest_spec *s;
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        healthy(&l, gid);
        s = led_spec("web");
        s->conf.snapshot_kind = SNAPSHOT_INTERNAL;
        APPLY(&l, .kind = OP_GUEST_SET, .gid = gid, .spec = s, .text = "x");
        take(&l, gid, "one");
        ck_assert(snaps_inside(S(&l, gid)));
        s = led_spec("web"); /* holds until all are gone */
        APPLY(&l, .kind = OP_GUEST_SET, .gid = gid, .spec = s, .text = "x");
        take(&l, gid, "two");
        ck_assert(named(&l, gid, "two")->inside && current(&l, gid)->file == 0);
        dies(&l, gid);
        APPLY(&l, .kind = OP_SNAP_ROLLBACK, .gid = gid, .name = "one", .text = "x");
        ck_assert_uint_eq(current(&l, gid)->parent, named(&l, gid, "one")->id);
        ck_assert_uint_eq(named(&l, gid, S(&l, gid)->left)->file, current(&l, gid)->id);
        ck_assert(S(&l, gid)->unmade);
        led_start(&l, gid, 1);
        led_done(&l, gid, RESULT_DONE);
        /* Any of them, in any order; then the next one is as the settings say. */
        while (S(&l, gid)->n > 1) {
                struct op op = {.kind = OP_SNAP_DELETE, .gid = gid};
                const struct snapshot *x = &S(&l, gid)->list[S(&l, gid)->list[0].kind ? 0 : 1];
                uint32_t id = x->id;

                text_set(op.name, sizeof(op.name), x->name);
                led_apply(&l, op);
                job(&l, gid, JOB_SNAP_DELETE, id);
                ck_assert_int_eq(G(&l, gid)->job_kind, JOB_SNAP_DELETE);
                done(&l, gid, RESULT_DONE);
        }
        ck_assert_uint_eq(S(&l, gid)->n, 1);
        take(&l, gid, "three");
        ck_assert(!snaps_inside(S(&l, gid)) && current(&l, gid)->file == current(&l, gid)->id);
        led_close(&l);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("apply_snap");
        TCase *tc = unit_case(s, "all");

        tcase_add_test(tc, taken_while_it_runs);
        tcase_add_test(tc, taken_while_it_does_not_run);
        tcase_add_test(tc, refused_is_not_taken);
        tcase_add_test(tc, an_ended_one_has_the_overlay);
        tcase_add_test(tc, unknown_is_kept_until_it_is_known);
        tcase_add_test(tc, wanted_of_a_lost_host);
        tcase_add_test(tc, known_good_only_in_good_health);
        tcase_add_test(tc, a_rollback_keeps_what_it_leaves);
        tcase_add_test(tc, a_start_goes_back);
        tcase_add_test(tc, deleted_by_its_host);
        tcase_add_test(tc, the_newest_is_not_committed_into);
        tcase_add_test(tc, what_a_kept_disk_needs_stays);
        tcase_add_test(tc, ignored_ones_have_none);
        tcase_add_test(tc, other_disks_have_no_snapshots);
        tcase_add_test(tc, settings_that_contradict_are_refused);
        tcase_add_test(tc, inside_of_its_disks);
        return s;
}

UNIT_MAIN(suite)
