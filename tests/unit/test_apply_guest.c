/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ledger: a guest's start, jobs and ends; where its claims begin and end (S1, S6).
 */
#include "tests/unit/ledger_fixture.h"

static void done(struct led *l, uint32_t gid, enum job_result result, enum seen_state seen) {
        struct guest *g = G(l, gid);

        APPLY(l, .kind = OP_GUEST_DONE, .gid = gid, .job = g->job, .host = g->job_host,
              .result = result, .seen = seen, .text = "result");
}

START_TEST(start_gives_the_claim_and_the_job) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_add(&l, "web");
        led_start(&l, gid, 2);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        ck_assert_uint_eq(G(&l, gid)->claim[1].version, l.m.version);
        ck_assert_uint_eq(G(&l, gid)->claim[1].gen, 1);
        ck_assert_uint_eq(G(&l, gid)->gen, 1);
        ck_assert_int_eq(G(&l, gid)->job_kind, JOB_START);
        ck_assert_uint_eq(G(&l, gid)->job_host, 2);
        ck_assert_str_eq(G(&l, gid)->placed_why, "test");
        led_close(&l);
}
END_TEST

START_TEST(start_is_refused_when_stale) {
        struct led l;
        uint32_t gid;
        uint64_t gv, hv;

        led_open(&l, 2);
        gid = led_add(&l, "web");
        gv = G(&l, gid)->version;
        hv = H(&l, 2)->version;
        UNCHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 2, .guest_version = gv - 1);
        UNCHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 2, .host_version = hv - 1);
        UNCHANGED(&l, .kind = OP_GUEST_START, .gid = gid + 1, .host = 2);
        UNCHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 9);
        CHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 2, .guest_version = gv,
                .host_version = hv);
        led_close(&l);
}
END_TEST

/* S1 */
START_TEST(start_needs_that_no_other_claim_exists) {
        struct led l;
        uint32_t gid;

        led_open(&l, 3);
        gid = led_running(&l, "web", 2);
        UNCHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 3);
        UNCHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 2);
        led_lose(&l, 2);
        UNCHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 3);
        led_close(&l);
}
END_TEST

START_TEST(start_needs_an_online_host) {
        struct led l;
        uint32_t gid;

        led_open(&l, 3);
        gid = led_add(&l, "web");
        led_lose(&l, 2);
        UNCHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 2);
        led_join(&l, 2);
        UNCHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 2); /* joining */
        led_close(&l);
}
END_TEST

START_TEST(start_needs_a_wish) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_add(&l, "web");
        APPLY(&l, .kind = OP_GUEST_DESIRE, .gid = gid, .desired = DESIRED_STOPPED);
        UNCHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 2);
        APPLY(&l, .kind = OP_GUEST_DESIRE, .gid = gid, .desired = DESIRED_IGNORED);
        UNCHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 2);
        APPLY(&l, .kind = OP_GUEST_DESIRE, .gid = gid, .desired = DESIRED_RUNNING);
        APPLY(&l, .kind = OP_GUEST_DELETE, .gid = gid, .flag = true);
        UNCHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 2);
        led_close(&l);
}
END_TEST

/* Where the claim ends and where it stays, by what the start came to. */
static const struct {
        enum job_result result;
        uint32_t claims;
        enum guest_state state;
        uint32_t tried;
} starts[] = {
        {RESULT_DONE, 1u << 1, GUEST_RUNNING, 0},
        {RESULT_FAILED, 0, GUEST_FAILED, 1u << 1},
        {RESULT_UNSETTLED, 1u << 1, GUEST_FAILED, 0},
        {RESULT_CANCELLED, 0, GUEST_FAILED, 0},
};

START_TEST(start_result) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_add(&l, "web");
        led_start(&l, gid, 2);
        led_done(&l, gid, starts[_i].result);
        ck_assert_uint_eq(G(&l, gid)->claims, starts[_i].claims);
        ck_assert_int_eq(G(&l, gid)->state, starts[_i].state);
        ck_assert_uint_eq(G(&l, gid)->tried, starts[_i].tried);
        ck_assert_int_eq(G(&l, gid)->job_kind, JOB_NONE);
        ck_assert_uint_eq(G(&l, gid)->job, 0);
        if (starts[_i].claims)
                UNCHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 1);
        else
                CHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 1);
        led_close(&l);
}
END_TEST

/* S6: a result counts for its job, from its host, once. */
START_TEST(result_of_another_job_is_refused) {
        struct led l;
        uint32_t gid;
        uint64_t job;

        led_open(&l, 2);
        gid = led_add(&l, "web");
        job = led_start(&l, gid, 2);
        UNCHANGED(&l, .kind = OP_GUEST_DONE, .gid = gid, .job = job + 1, .host = 2,
                  .result = RESULT_FAILED);
        UNCHANGED(&l, .kind = OP_GUEST_DONE, .gid = gid, .job = job, .host = 1,
                  .result = RESULT_FAILED);
        led_done(&l, gid, RESULT_DONE);
        UNCHANGED(&l, .kind = OP_GUEST_DONE, .gid = gid, .job = job, .host = 2,
                  .result = RESULT_FAILED);
        UNCHANGED(&l, .kind = OP_GUEST_DONE, .gid = gid, .job = 0, .host = 2,
                  .result = RESULT_FAILED);
        led_close(&l);
}
END_TEST

START_TEST(jobs_of_one_entry_differ) {
        struct entry *e = entry_new();
        struct led l;
        uint32_t a, b;

        led_open(&l, 2);
        a = led_add(&l, "a");
        b = led_add(&l, "b");
        for (uint32_t i = 0; i < 2; i++) {
                struct op *op = entry_add(e, OP_GUEST_START);

                op->gid = i ? b : a;
                op->host = 2;
        }
        applied_clear(&l.a);
        ledger_apply(&l.m, e, &l.a);
        entry_unref(e);
        ck_assert_uint_ne(G(&l, a)->job, 0);
        ck_assert_uint_ne(G(&l, a)->job, G(&l, b)->job);
        led_close(&l);
}
END_TEST

/* Two starts of one guest in one entry: the second finds a claim. */
START_TEST(second_start_of_one_entry_is_dropped) {
        struct entry *e = entry_new();
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_add(&l, "web");
        for (uint32_t i = 1; i <= 2; i++) {
                struct op *op = entry_add(e, OP_GUEST_START);

                op->gid = gid;
                op->host = i;
        }
        applied_clear(&l.a);
        ledger_apply(&l.m, e, &l.a);
        entry_unref(e);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 0);
        ck_assert_uint_eq(G(&l, gid)->gen, 1);
        led_close(&l);
}
END_TEST

START_TEST(stop_result) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        APPLY(&l, .kind = OP_GUEST_DESIRE, .gid = gid, .desired = DESIRED_STOPPED, .text = "ann");
        UNCHANGED(&l, .kind = OP_GUEST_JOB, .gid = gid, .host = 1, .job_kind = JOB_STOP);
        UNCHANGED(&l, .kind = OP_GUEST_JOB, .gid = gid, .host = 2, .job_kind = JOB_START);
        UNCHANGED(&l, .kind = OP_GUEST_JOB, .gid = gid, .host = 2, .job_kind = JOB_STOP,
                  .guest_version = 1);
        CHANGED(&l, .kind = OP_GUEST_JOB, .gid = gid, .host = 2, .job_kind = JOB_STOP);
        ck_assert_int_eq(G(&l, gid)->state, GUEST_STOPPING);
        UNCHANGED(&l, .kind = OP_GUEST_JOB, .gid = gid, .host = 2, .job_kind = JOB_SETTLE);
        done(&l, gid, RESULT_CANCELLED, SEEN_RUNNING);
        ck_assert_int_eq(G(&l, gid)->state, GUEST_RUNNING);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        APPLY(&l, .kind = OP_GUEST_JOB, .gid = gid, .host = 2, .job_kind = JOB_STOP);
        done(&l, gid, RESULT_FAILED, SEEN_GONE);
        ck_assert_int_eq(G(&l, gid)->state, GUEST_FAILED); /* its end is unknown */
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        APPLY(&l, .kind = OP_GUEST_JOB, .gid = gid, .host = 2, .job_kind = JOB_STOP);
        done(&l, gid, RESULT_UNSETTLED, SEEN_GONE);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        APPLY(&l, .kind = OP_GUEST_JOB, .gid = gid, .host = 2, .job_kind = JOB_STOP);
        done(&l, gid, RESULT_DONE, SEEN_GONE);
        ck_assert_int_eq(G(&l, gid)->state, GUEST_STOPPED);
        ck_assert_uint_eq(G(&l, gid)->claims, 0);
        led_close(&l);
}
END_TEST

/* hawd's own shutdown may take effect late, and looks like one from inside. */
START_TEST(late_end_is_nobodys_wish) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        APPLY(&l, .kind = OP_GUEST_JOB, .gid = gid, .host = 2, .job_kind = JOB_STOP);
        done(&l, gid, RESULT_UNSETTLED, SEEN_RUNNING);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        APPLY(&l, .kind = OP_GUEST_SEEN, .gid = gid, .gen = 1, .host = 2, .seen = SEEN_GONE,
              .end_why = END_GUEST_SHUTDOWN);
        ck_assert_uint_eq(G(&l, gid)->claims, 0);
        ck_assert_int_eq(G(&l, gid)->desired, DESIRED_RUNNING);
        led_start(&l, gid, 1); /* the next generation's ends are its own */
        led_done(&l, gid, RESULT_DONE);
        APPLY(&l, .kind = OP_GUEST_SEEN, .gid = gid, .gen = 2, .host = 1, .seen = SEEN_GONE,
              .end_why = END_GUEST_SHUTDOWN);
        ck_assert_int_eq(G(&l, gid)->desired, DESIRED_STOPPED);
        led_close(&l);
}
END_TEST

START_TEST(settle_result) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_add(&l, "web");
        led_start(&l, gid, 2);
        done(&l, gid, RESULT_UNSETTLED, SEEN_GONE);
        APPLY(&l, .kind = OP_GUEST_JOB, .gid = gid, .host = 2, .job_kind = JOB_SETTLE);
        done(&l, gid, RESULT_UNSETTLED, SEEN_GONE);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        APPLY(&l, .kind = OP_GUEST_JOB, .gid = gid, .host = 2, .job_kind = JOB_SETTLE);
        done(&l, gid, RESULT_DONE, SEEN_RUNNING);
        ck_assert_int_eq(G(&l, gid)->state, GUEST_RUNNING);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        APPLY(&l, .kind = OP_GUEST_JOB, .gid = gid, .host = 2, .job_kind = JOB_SETTLE);
        done(&l, gid, RESULT_DONE, SEEN_GONE);
        ck_assert_int_eq(G(&l, gid)->state, GUEST_FAILED);
        ck_assert_uint_eq(G(&l, gid)->claims, 0);
        ck_assert_uint_eq(G(&l, gid)->tried, 1u << 1);
        led_close(&l);
}
END_TEST

START_TEST(settled_stop_is_no_failed_start) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        APPLY(&l, .kind = OP_GUEST_DESIRE, .gid = gid, .desired = DESIRED_STOPPED);
        APPLY(&l, .kind = OP_GUEST_JOB, .gid = gid, .host = 2, .job_kind = JOB_STOP);
        done(&l, gid, RESULT_UNSETTLED, SEEN_GONE);
        APPLY(&l, .kind = OP_GUEST_JOB, .gid = gid, .host = 2, .job_kind = JOB_SETTLE);
        done(&l, gid, RESULT_DONE, SEEN_GONE);
        ck_assert_int_eq(G(&l, gid)->state, GUEST_STOPPED);
        ck_assert_uint_eq(G(&l, gid)->claims, 0);
        ck_assert_uint_eq(G(&l, gid)->tried, 0);
        ck_assert_uint_eq(G(&l, gid)->start_failures, 0);
        led_close(&l);
}
END_TEST

START_TEST(pause_and_resume) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        APPLY(&l, .kind = OP_GUEST_JOB, .gid = gid, .host = 2, .job_kind = JOB_PAUSE);
        done(&l, gid, RESULT_FAILED, SEEN_RUNNING);
        ck_assert_int_eq(G(&l, gid)->state, GUEST_RUNNING);
        APPLY(&l, .kind = OP_GUEST_JOB, .gid = gid, .host = 2, .job_kind = JOB_PAUSE);
        done(&l, gid, RESULT_DONE, SEEN_PAUSED);
        ck_assert_int_eq(G(&l, gid)->state, GUEST_PAUSED);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1); /* paused is running (S1) */
        APPLY(&l, .kind = OP_GUEST_JOB, .gid = gid, .host = 2, .job_kind = JOB_RESUME);
        done(&l, gid, RESULT_DONE, SEEN_RUNNING);
        ck_assert_int_eq(G(&l, gid)->state, GUEST_RUNNING);
        led_close(&l);
}
END_TEST

/* What an end is taken for: a wish of a person, or a failure. */
static const struct {
        enum end_why why;
        enum on_shutdown on_shutdown;
        enum desired desired;
        enum guest_state state;
} ends[] = {
        {END_GUEST_SHUTDOWN, ON_SHUTDOWN_RESPECT, DESIRED_STOPPED, GUEST_STOPPED},
        {END_DESTROYED, ON_SHUTDOWN_RESPECT, DESIRED_STOPPED, GUEST_STOPPED},
        {END_GUEST_SHUTDOWN, ON_SHUTDOWN_RESTART, DESIRED_RUNNING, GUEST_FAILED},
        {END_FAILED, ON_SHUTDOWN_RESPECT, DESIRED_RUNNING, GUEST_FAILED},
        {END_CRASHED, ON_SHUTDOWN_RESPECT, DESIRED_RUNNING, GUEST_FAILED},
        {END_HOST_SHUTDOWN, ON_SHUTDOWN_RESPECT, DESIRED_RUNNING, GUEST_FAILED},
        {END_UNKNOWN, ON_SHUTDOWN_RESPECT, DESIRED_RUNNING, GUEST_FAILED},
};

START_TEST(end_ends_the_claim) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        G(&l, gid)->spec->conf.on_shutdown = ends[_i].on_shutdown;
        APPLY(&l, .kind = OP_GUEST_SEEN, .gid = gid, .host = 2, .gen = 1, .seen = SEEN_GONE,
              .end_why = ends[_i].why);
        ck_assert_uint_eq(G(&l, gid)->claims, 0);
        ck_assert_int_eq(G(&l, gid)->desired, ends[_i].desired);
        ck_assert_int_eq(G(&l, gid)->state, ends[_i].state);
        ck_assert_int_eq(G(&l, gid)->incident != 0, ends[_i].state == GUEST_FAILED);
        led_close(&l);
}
END_TEST

START_TEST(seen_is_refused_when_stale) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        UNCHANGED(&l, .kind = OP_GUEST_SEEN, .gid = gid, .host = 2, .gen = 2, .seen = SEEN_GONE);
        UNCHANGED(&l, .kind = OP_GUEST_SEEN, .gid = gid, .host = 1, .gen = 1, .seen = SEEN_GONE);
        UNCHANGED(&l, .kind = OP_GUEST_SEEN, .gid = gid, .host = 2, .gen = 1, .seen = SEEN_RUNNING);
        /* Seen gone before its restart, told after it: that copy was of an older generation. */
        APPLY(&l, .kind = OP_GUEST_SEEN, .gid = gid, .host = 2, .gen = 1, .seen = SEEN_GONE,
              .end_why = END_FAILED);
        led_start(&l, gid, 2);
        UNCHANGED(&l, .kind = OP_GUEST_SEEN, .gid = gid, .host = 2, .gen = 2, .seen = SEEN_GONE);
        led_done(&l, gid, RESULT_DONE);
        UNCHANGED(&l, .kind = OP_GUEST_SEEN, .gid = gid, .host = 2, .gen = 1, .seen = SEEN_GONE);
        led_close(&l);
}
END_TEST

START_TEST(seen_paused_crashed_running) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        APPLY(&l, .kind = OP_GUEST_SEEN, .gid = gid, .host = 2, .gen = 1, .seen = SEEN_PAUSED,
              .text = "by a person");
        ck_assert_int_eq(G(&l, gid)->state, GUEST_PAUSED);
        ck_assert_int_eq(G(&l, gid)->desired, DESIRED_PAUSED);
        APPLY(&l, .kind = OP_GUEST_SEEN, .gid = gid, .host = 2, .gen = 1, .seen = SEEN_RUNNING);
        ck_assert_int_eq(G(&l, gid)->state, GUEST_RUNNING);
        ck_assert_int_eq(G(&l, gid)->desired, DESIRED_RUNNING);
        APPLY(&l, .kind = OP_GUEST_SEEN, .gid = gid, .host = 2, .gen = 1, .seen = SEEN_CRASHED);
        ck_assert_int_eq(G(&l, gid)->state, GUEST_FAILED);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1); /* its QEMU is still there */
        led_close(&l);
}
END_TEST

/* libvirt shows it paused first, on a busy host for a while. */
START_TEST(panic_is_no_wish_to_pause) {
        for (int gone = 0; gone < 2; gone++) {
                struct led l;
                uint32_t gid;

                led_open(&l, 2);
                gid = led_running(&l, "web", 2);
                APPLY(&l, .kind = OP_GUEST_SEEN, .gid = gid, .host = 2, .gen = 1,
                      .seen = SEEN_PAUSED);
                ck_assert_int_eq(G(&l, gid)->desired, DESIRED_PAUSED);
                APPLY(&l, .kind = OP_GUEST_SEEN, .gid = gid, .host = 2, .gen = 1,
                      .seen = gone ? SEEN_GONE : SEEN_CRASHED, .end_why = END_CRASHED);
                ck_assert_int_eq(G(&l, gid)->state, GUEST_FAILED);
                ck_assert_int_eq(G(&l, gid)->desired, DESIRED_RUNNING);
                led_close(&l);
        }
}
END_TEST

static void seen(struct led *l, uint32_t gid, enum seen_state state, enum end_why why) {
        APPLY(l, .kind = OP_GUEST_SEEN, .gid = gid, .host = 2, .gen = G(l, gid)->gen, .seen = state,
              .end_why = why, .text = "what was seen");
}

static void start_by(struct led *l, uint32_t gid, uint32_t nodeid, enum rung rung) {
        CHANGED(l, .kind = OP_GUEST_START, .gid = gid, .host = nodeid, .rung = rung,
                .text = "test");
        led_done(l, gid, RESULT_DONE);
}

START_TEST(rungs_are_counted_where_they_are_taken) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        for (unsigned i = 1; i <= 2; i++) {
                l.wall += USEC_PER_SEC;
                seen(&l, gid, SEEN_GONE, END_FAILED);
                ck_assert_int_eq(G(&l, gid)->recovery.why, END_FAILED);
                ck_assert_uint_eq(G(&l, gid)->recovery.failures, i);
                start_by(&l, gid, 2, RUNG_RESTART);
                ck_assert_int_eq(G(&l, gid)->recovery.why, END_NONE);
                ck_assert_uint_eq(G(&l, gid)->recovery.taken[RUNG_RESTART], i);
        }
        seen(&l, gid, SEEN_GONE, END_FAILED);
        CHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 1, .rung = RUNG_RELOCATE);
        ck_assert_uint_eq(G(&l, gid)->recovery.taken[RUNG_RELOCATE], 1);
        ck_assert_uint_eq(G(&l, gid)->tried,
                          1u << 1); /* nor does it go back when that start fails */
        led_done(&l, gid, RESULT_DONE);
        ck_assert_uint_eq(G(&l, gid)->tried, 0);
        led_close(&l);
}
END_TEST

START_TEST(boot_loop_is_the_cause_of_the_incident) {
        struct led l;
        uint32_t gid;
        const struct incident *x;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        APPLY(&l, .kind = OP_GUEST_HEALTHY, .gid = gid, .host = 2, .gen = 1);
        for (unsigned i = 0; i <= BOOT_LOOP; i++) { /* the first one had been healthy */
                seen(&l, gid, SEEN_GONE, END_FAILED);
                x = led_incident(&l, G(&l, gid)->incident);
                ck_assert_int_eq(strncmp(x->cause, "boot loop", 9) == 0, i == BOOT_LOOP);
                start_by(&l, gid, 2, RUNG_RESTART);
        }
        led_close(&l);
}
END_TEST

static const struct {
        enum seen_state seen;
        enum end_why why;
} ailing[] = {
        {SEEN_RUNNING, END_HANG},
        {SEEN_RUNNING, END_WATCHDOG},
        {SEEN_PAUSED, END_WATCHDOG},
        {SEEN_CRASHED, END_CRASHED},
};

/* S1: its QEMU is there, so the claim stays until it is ended. */
START_TEST(what_ails_keeps_its_claim_until_its_qemu_is_ended) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        seen(&l, gid, ailing[_i].seen, ailing[_i].why);
        ck_assert_int_eq(G(&l, gid)->state, GUEST_FAILED);
        ck_assert_int_eq(G(&l, gid)->desired, DESIRED_RUNNING);
        ck_assert_int_eq(G(&l, gid)->recovery.why, ailing[_i].why);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        ck_assert_ptr_nonnull(strstr(led_incident(&l, G(&l, gid)->incident)->cause,
                                     end_why_name(ailing[_i].why)));
        seen(&l, gid, ailing[_i].seen, ailing[_i].why); /* said twice, it failed once */
        ck_assert_uint_eq(G(&l, gid)->recovery.failures, 1);
        APPLY(&l, .kind = OP_GUEST_JOB, .gid = gid, .host = 2, .job_kind = JOB_SETTLE);
        done(&l, gid, RESULT_UNSETTLED, SEEN_RUNNING);
        ck_assert_int_eq(G(&l, gid)->state, GUEST_BLOCKED);
        ck_assert_ptr_nonnull(strstr(G(&l, gid)->reason, "hawctl fence host node2"));
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        APPLY(&l, .kind = OP_GUEST_JOB, .gid = gid, .host = 2, .job_kind = JOB_SETTLE);
        done(&l, gid, RESULT_DONE, SEEN_GONE);
        ck_assert_int_eq(G(&l, gid)->state, GUEST_FAILED);
        ck_assert_uint_eq(G(&l, gid)->claims, 0);
        ck_assert_uint_eq(G(&l, gid)->tried, 0); /* no failed start: the ladder says where */
        ck_assert_int_eq(G(&l, gid)->recovery.why, ailing[_i].why);
        led_close(&l);
}
END_TEST

START_TEST(io_error_is_no_wish_and_ends_when_its_disk_answers) {
        struct led l;
        uint32_t gid;
        uint64_t id;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        seen(&l, gid, SEEN_PAUSED, END_IO_ERROR);
        id = G(&l, gid)->incident;
        for (unsigned i = 0; i < 3; i++) {
                ck_assert_int_eq(G(&l, gid)->state, GUEST_PAUSED);
                ck_assert_int_eq(G(&l, gid)->desired, DESIRED_RUNNING);
                ck_assert_int_eq(G(&l, gid)->recovery.why, END_IO_ERROR);
                ck_assert_uint_eq(G(&l, gid)->recovery.resumes, i);
                ck_assert_uint_eq(G(&l, gid)->incident, id);
                APPLY(&l, .kind = OP_GUEST_JOB, .gid = gid, .host = 2, .job_kind = JOB_RESUME);
                done(&l, gid, RESULT_DONE, SEEN_RUNNING);
                ck_assert_int_eq(G(&l, gid)->health, HEALTH_BOOTING); /* that is to be seen */
                if (i < 2)
                        seen(&l, gid, SEEN_PAUSED, END_IO_ERROR);
        }
        ck_assert_uint_eq(G(&l, gid)->recovery.failures, 1);
        APPLY(&l, .kind = OP_GUEST_HEALTHY, .gid = gid, .host = 2, .gen = 1);
        ck_assert_int_eq(G(&l, gid)->recovery.why, END_NONE);
        ck_assert_uint_eq(G(&l, gid)->incident, 0);
        led_close(&l);
}
END_TEST

START_TEST(storage_back_for_one_is_tried_by_all) {
        struct led l;
        uint32_t one, other;

        led_open(&l, 2);
        one = led_running(&l, "web", 2);
        other = led_running(&l, "db", 2);
        seen(&l, one, SEEN_PAUSED, END_IO_ERROR);
        seen(&l, other, SEEN_PAUSED, END_IO_ERROR);
        G(&l, other)->recovery.resumes = 9;
        APPLY(&l, .kind = OP_GUEST_JOB, .gid = one, .host = 2, .job_kind = JOB_RESUME);
        done(&l, one, RESULT_DONE, SEEN_RUNNING);
        ck_assert_uint_eq(G(&l, other)->recovery.resumes, 9); /* that is to be seen */
        CHANGED(&l, .kind = OP_GUEST_HEALTHY, .gid = one, .host = 2, .gen = 1);
        ck_assert_uint_eq(G(&l, other)->recovery.resumes, 0);
        led_close(&l);
}
END_TEST

START_TEST(io_error_given_up_on_its_host) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        seen(&l, gid, SEEN_PAUSED, END_IO_ERROR);
        APPLY(&l, .kind = OP_GUEST_JOB, .gid = gid, .host = 2, .job_kind = JOB_SETTLE,
              .text = "why");
        ck_assert_int_eq(G(&l, gid)->state, GUEST_FAILED);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        done(&l, gid, RESULT_DONE, SEEN_GONE);
        ck_assert_uint_eq(G(&l, gid)->claims, 0);
        ck_assert_int_eq(G(&l, gid)->recovery.why, END_IO_ERROR);
        led_close(&l);
}
END_TEST

START_TEST(lost_host_is_no_failure_of_its_guest) {
        struct led l;
        uint32_t gid;

        led_open(&l, 3);
        gid = led_running(&l, "web", 2);
        seen(&l, gid, SEEN_RUNNING, END_HANG);
        led_lose(&l, 2);
        ck_assert_int_eq(G(&l, gid)->recovery.why, END_NONE);
        led_close(&l);
}
END_TEST

START_TEST(ignored_is_only_watched) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_add(&l, "web");
        APPLY(&l, .kind = OP_GUEST_DESIRE, .gid = gid, .desired = DESIRED_IGNORED);
        UNCHANGED(&l, .kind = OP_GUEST_SEEN, .gid = gid, .host = 2, .seen = SEEN_GONE);
        CHANGED(&l, .kind = OP_GUEST_SEEN, .gid = gid, .host = 2, .seen = SEEN_RUNNING);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        ck_assert_int_eq(G(&l, gid)->state, GUEST_RUNNING);
        UNCHANGED(&l, .kind = OP_GUEST_SEEN, .gid = gid, .host = 1, .seen = SEEN_RUNNING);
        APPLY(&l, .kind = OP_GUEST_SEEN, .gid = gid, .host = 2, .gen = 1, .seen = SEEN_GONE,
              .end_why = END_FAILED);
        ck_assert_int_eq(G(&l, gid)->state, GUEST_STOPPED);
        ck_assert_uint_eq(G(&l, gid)->incident, 0);
        led_close(&l);
}
END_TEST

START_TEST(healthy_closes_the_incident_with_its_parts) {
        struct incident *x;
        struct led l;
        uint32_t gid;
        uint64_t id;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        UNCHANGED(&l, .kind = OP_GUEST_HEALTHY, .gid = gid, .host = 2, .gen = 2);
        UNCHANGED(&l, .kind = OP_GUEST_HEALTHY, .gid = gid, .host = 1, .gen = 1);
        CHANGED(&l, .kind = OP_GUEST_HEALTHY, .gid = gid, .host = 2, .gen = 1, .text = "agent");
        UNCHANGED(&l, .kind = OP_GUEST_HEALTHY, .gid = gid, .host = 2, .gen = 1, .text = "agent");
        l.wall += 10 * USEC_PER_SEC;
        APPLY(&l, .kind = OP_GUEST_SEEN, .gid = gid, .host = 2, .gen = 1, .seen = SEEN_GONE,
              .end_why = END_FAILED, .text = "qemu died");
        id = G(&l, gid)->incident;
        UNCHANGED(&l, .kind = OP_GUEST_HEALTHY, .gid = gid, .host = 2, .gen = 1);
        l.wall += USEC_PER_SEC;
        led_start(&l, gid, 1);
        l.wall += 2 * USEC_PER_SEC;
        led_done(&l, gid, RESULT_DONE);
        ck_assert_int_eq(G(&l, gid)->health, HEALTH_BOOTING);
        ck_assert(led_incident(&l, id)->open);
        l.wall += 4 * USEC_PER_SEC;
        APPLY(&l, .kind = OP_GUEST_HEALTHY, .gid = gid, .host = 1, .gen = 2, .text = "agent");
        x = led_incident(&l, id);
        ck_assert(!x->open);
        ck_assert_uint_eq(x->to_host, 1);
        ck_assert_uint_eq(x->host, 2);
        ck_assert_str_eq(x->outcome, "recovered on node1");
        ck_assert_str_eq(x->cause, "failed on node2: qemu died");
        ck_assert_ptr_nonnull(strstr(l.a.rows[l.a.n - 1].note.text,
                                     "placed +1.000 s, started +2.000 s, healthy +4.000 s"));
        ck_assert_uint_eq(G(&l, gid)->incident, 0);
        led_close(&l);
}
END_TEST

/* From the loss of the host to healthy elsewhere: every step of it in one incident. */
START_TEST(host_loss_incident_has_every_step) {
        struct incident *x;
        struct led l;
        uint32_t gid;
        uint64_t id;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        l.wall = 5000 * USEC_PER_SEC;
        APPLY(&l, .kind = OP_HOST_LOST, .host = 2, .text = "gone",
              .wall_last_good = 4999 * USEC_PER_SEC);
        id = G(&l, gid)->incident;
        ck_assert_uint_ne(id, 0);
        l.wall += USEC_PER_SEC;
        APPLY(&l, .kind = OP_FENCE_CONFIRM, .host = 2, .text = "ann");
        l.wall += USEC_PER_SEC;
        led_start(&l, gid, 1);
        l.wall += USEC_PER_SEC;
        led_done(&l, gid, RESULT_DONE);
        l.wall += USEC_PER_SEC;
        APPLY(&l, .kind = OP_GUEST_HEALTHY, .gid = gid, .host = 1, .gen = 2);
        x = led_incident(&l, id);
        for (unsigned s = STEP_LAST_GOOD; s < STEP_MAX_; s++)
                ck_assert_uint_eq(x->at[s], (4999 + s) * USEC_PER_SEC);
        ck_assert_uint_eq(x->to_host, 1);
        led_close(&l);
}
END_TEST

START_TEST(reason_blocks_and_unblocks) {
        struct led l;
        uint32_t gid, runs;

        led_open(&l, 2);
        gid = led_add(&l, "web");
        runs = led_running(&l, "runs", 1);
        UNCHANGED(&l, .kind = OP_GUEST_REASON, .gid = runs, .guest_state = GUEST_BLOCKED);
        UNCHANGED(&l, .kind = OP_GUEST_REASON, .gid = gid, .guest_state = GUEST_RUNNING);
        UNCHANGED(&l, .kind = OP_GUEST_REASON, .gid = gid, .guest_version = 1,
                  .guest_state = GUEST_BLOCKED);
        CHANGED(&l, .kind = OP_GUEST_REASON, .gid = gid, .guest_state = GUEST_BLOCKED,
                .text = "no room");
        ck_assert_int_eq(G(&l, gid)->state, GUEST_BLOCKED);
        ck_assert_str_eq(G(&l, gid)->reason, "no room");
        ck_assert(led_noted(&l, NOTE_GUEST_BLOCKED));
        CHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 2);
        led_close(&l);
}
END_TEST

START_TEST(forget_only_the_deleted_without_a_claim) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        UNCHANGED(&l, .kind = OP_GUEST_FORGET, .gid = gid);
        APPLY(&l, .kind = OP_GUEST_DELETE, .gid = gid, .flag = true);
        UNCHANGED(&l, .kind = OP_GUEST_FORGET, .gid = gid); /* has a claim */
        APPLY(&l, .kind = OP_GUEST_JOB, .gid = gid, .host = 2, .job_kind = JOB_STOP);
        done(&l, gid, RESULT_DONE, SEEN_GONE);
        ck_assert_int_eq(G(&l, gid)->state, GUEST_STOPPED);
        CHANGED(&l, .kind = OP_GUEST_FORGET, .gid = gid);
        ck_assert_ptr_null(G(&l, gid));
        UNCHANGED(&l, .kind = OP_GUEST_FORGET, .gid = gid);
        led_close(&l);
}
END_TEST

START_TEST(rogue_is_an_incident_of_its_own) {
        struct led l;
        uint32_t gid;
        uint64_t open;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        led_lose(&l, 2);
        open = G(&l, gid)->incident;
        APPLY(&l, .kind = OP_GUEST_ROGUE, .gid = gid, .host = 1, .text = "stopped");
        ck_assert_uint_eq(G(&l, gid)->incident, open);
        ck_assert(led_incident(&l, open)->open);
        ck_assert(led_noted(&l, NOTE_GUEST_ROGUE));
        ck_assert(!l.m.incidents[l.m.n_incidents - 1].open);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        led_close(&l);
}
END_TEST

/* It is said until it is known: what was said twice is one incident. */
START_TEST(rogue_said_twice_is_one_incident) {
        struct led l;
        uint32_t gid;
        size_t n;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        APPLY(&l, .kind = OP_GUEST_ROGUE, .gid = gid, .host = 1, .wall = 77, .text = "stopped");
        n = l.m.n_incidents;
        UNCHANGED(&l, .kind = OP_GUEST_ROGUE, .gid = gid, .host = 1, .wall = 77, .text = "stopped");
        ck_assert_uint_eq(l.m.n_incidents, n);
        APPLY(&l, .kind = OP_GUEST_ROGUE, .gid = gid, .host = 1, .wall = 78, .text = "stopped");
        ck_assert_uint_eq(l.m.n_incidents, n + 1);
        led_close(&l);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("apply_guest");
        TCase *tc = unit_case(s, "guests");

        tcase_add_test(tc, start_gives_the_claim_and_the_job);
        tcase_add_test(tc, start_is_refused_when_stale);
        tcase_add_test(tc, start_needs_that_no_other_claim_exists);
        tcase_add_test(tc, start_needs_an_online_host);
        tcase_add_test(tc, start_needs_a_wish);
        tcase_add_loop_test(tc, start_result, 0, (int)ARRAY_SIZE(starts));
        tcase_add_test(tc, result_of_another_job_is_refused);
        tcase_add_test(tc, jobs_of_one_entry_differ);
        tcase_add_test(tc, second_start_of_one_entry_is_dropped);
        tcase_add_test(tc, stop_result);
        tcase_add_test(tc, late_end_is_nobodys_wish);
        tcase_add_test(tc, settle_result);
        tcase_add_test(tc, settled_stop_is_no_failed_start);
        tcase_add_test(tc, pause_and_resume);
        tcase_add_loop_test(tc, end_ends_the_claim, 0, (int)ARRAY_SIZE(ends));
        tcase_add_test(tc, seen_is_refused_when_stale);
        tcase_add_test(tc, seen_paused_crashed_running);
        tcase_add_test(tc, panic_is_no_wish_to_pause);
        tcase_add_test(tc, rungs_are_counted_where_they_are_taken);
        tcase_add_test(tc, boot_loop_is_the_cause_of_the_incident);
        tcase_add_loop_test(tc, what_ails_keeps_its_claim_until_its_qemu_is_ended, 0,
                            (int)ARRAY_SIZE(ailing));
        tcase_add_test(tc, io_error_is_no_wish_and_ends_when_its_disk_answers);
        tcase_add_test(tc, storage_back_for_one_is_tried_by_all);
        tcase_add_test(tc, io_error_given_up_on_its_host);
        tcase_add_test(tc, lost_host_is_no_failure_of_its_guest);
        tcase_add_test(tc, ignored_is_only_watched);
        tcase_add_test(tc, healthy_closes_the_incident_with_its_parts);
        tcase_add_test(tc, host_loss_incident_has_every_step);
        tcase_add_test(tc, reason_blocks_and_unblocks);
        tcase_add_test(tc, forget_only_the_deleted_without_a_claim);
        tcase_add_test(tc, rogue_is_an_incident_of_its_own);
        tcase_add_test(tc, rogue_said_twice_is_one_incident);
        return s;
}

UNIT_MAIN(suite)
