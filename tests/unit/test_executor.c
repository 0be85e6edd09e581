/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * This host's guests: jobs begun once and told until known, what libvirt shows observed (S1, S6).
 */
#include "tests/unit/rig_fixture.h"

/* node2 of three; "web" is gid 1 and runs there when @running. */
static struct rig *open_rig(bool running) {
        struct rig *r = rig_new();
        struct led l;

        led_open(&l, 3);
        if (running)
                led_running(&l, "web", 2);
        else
                led_add(&l, "web");
        rig_open(r, &l, 2, false);
        rig_libvirt(r, running ? "web" : NULL, SEEN_RUNNING);
        rig_clear(r);
        return r;
}

static struct guest *web(struct rig *r) {
        return &rig_model(r)->guests[0];
}

static void start(struct rig *r) {
        BY(r, 1, .kind = OP_GUEST_START, .gid = 1, .host = 2);
}

START_TEST(job_is_begun_once) {
        struct rig *r = open_rig(false);
        const struct action *a;

        start(r);
        ck_assert_uint_eq(rig_acts(r, ACT_GUEST_JOB), 1);
        a = rig_act(r, ACT_GUEST_JOB);
        ck_assert_int_eq(a->guest_job.op, GJOB_START);
        ck_assert_uint_eq(a->guest_job.gid, 1);
        ck_assert_uint_eq(a->guest_job.gen, 1);
        ck_assert_str_eq(a->guest_job.name, "web");
        ck_assert_ptr_nonnull(a->guest_job.spec);
        ck_assert_uint_eq(a->guest_job.timeout_usec, 90 * USEC_PER_SEC);
        rig_group(r, 0xe, 0xe); /* a change of the group begins nothing anew */
        rig_pass(r, 10 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_acts(r, ACT_GUEST_JOB), 1);
        rig_close(r);
}
END_TEST

START_TEST(job_of_another_host_is_not_ours) {
        struct rig *r = open_rig(false);

        BY(r, 1, .kind = OP_GUEST_START, .gid = 1, .host = 3);
        ck_assert_uint_eq(web(r)->claims, 1u << 2);
        ck_assert_uint_eq(rig_acts(r, ACT_GUEST_JOB), 0);
        rig_close(r);
}
END_TEST

/* S4: an entry that is not stable yet has no effect. */
START_TEST(job_waits_for_its_entry_to_be_stable) {
        struct rig *r = open_rig(false);

        r->hold_disk = true;
        start(r);
        ck_assert_uint_eq(rig_acts(r, ACT_GUEST_JOB), 0);
        rig_disk(r);
        ck_assert_uint_eq(rig_acts(r, ACT_GUEST_JOB), 1);
        rig_close(r);
}
END_TEST

START_TEST(result_is_told_until_applied) {
        struct rig *r = open_rig(false);
        const struct op *op;

        start(r);
        r->lose_entries = true;
        rig_job_done(r, rig_job(r, GJOB_START), RESULT_DONE, SEEN_RUNNING);
        op = rig_op(r, OP_GUEST_DONE);
        ck_assert_ptr_nonnull(op);
        ck_assert_uint_eq(op->job, web(r)->job);
        ck_assert_uint_eq(op->host, 2);
        ck_assert_int_eq(op->result, RESULT_DONE);
        ck_assert_str_eq(op->text, "job's text");
        rig_pass(r, 7 * USEC_PER_SEC);
        ck_assert_uint_ge(rig_ops(r, OP_GUEST_DONE), 3);
        ck_assert_int_eq(web(r)->state, GUEST_STARTING);
        r->lose_entries = false;
        rig_pass(r, 3 * USEC_PER_SEC);
        ck_assert_int_eq(web(r)->state, GUEST_RUNNING);
        rig_clear(r);
        rig_pass(r, 10 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_DONE), 0);
        rig_close(r);
}
END_TEST

START_TEST(unknown_result_is_dropped) {
        struct rig *r = open_rig(false);

        start(r);
        rig_job_done(r, 12345, RESULT_FAILED, SEEN_GONE);
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_DONE), 0);
        rig_job_done(r, rig_job(r, GJOB_START), RESULT_DONE, SEEN_RUNNING);
        rig_job_done(r, rig_job(r, GJOB_START), RESULT_FAILED, SEEN_GONE); /* twice */
        ck_assert_int_eq(web(r)->state, GUEST_RUNNING);
        rig_close(r);
}
END_TEST

/* The guest ran and ended, and only then comes the start's good result: it must not be believed
 * to run. */
START_TEST(end_before_the_result_of_its_start) {
        struct rig *r = open_rig(false);

        start(r);
        rig_domain(r, "web", SEEN_RUNNING, END_NONE);
        rig_domain(r, "web", SEEN_GONE, END_FAILED);
        rig_job_done(r, rig_job(r, GJOB_START), RESULT_DONE, SEEN_RUNNING);
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_DONE), 1);
        ck_assert_ptr_nonnull(rig_op(r, OP_GUEST_SEEN));
        ck_assert_int_eq(rig_op(r, OP_GUEST_SEEN)->seen, SEEN_GONE);
        ck_assert_int_eq(rig_op(r, OP_GUEST_SEEN)->end_why, END_FAILED);
        ck_assert_uint_eq(web(r)->claims, 0);
        ck_assert_int_eq(web(r)->state, GUEST_FAILED);
        rig_close(r);
}
END_TEST

/* An old end, of the run before, says nothing of this start. */
START_TEST(old_end_does_not_spoil_a_start) {
        struct rig *r = open_rig(true);

        rig_domain(r, "web", SEEN_GONE, END_FAILED);
        ck_assert_uint_eq(web(r)->claims, 0);
        start(r);
        rig_job_done(r, rig_job(r, GJOB_START), RESULT_DONE, SEEN_RUNNING);
        ck_assert_int_eq(web(r)->state, GUEST_RUNNING);
        rig_clear(r);
        rig_pass(r, 5 * USEC_PER_SEC);
        ck_assert_ptr_null(rig_op(r, OP_GUEST_SEEN));
        rig_close(r);
}
END_TEST

START_TEST(end_is_observed_with_its_reason) {
        struct rig *r = open_rig(true);

        rig_domain(r, "web", SEEN_GONE, END_GUEST_SHUTDOWN);
        ck_assert_int_eq(rig_op(r, OP_GUEST_SEEN)->end_why, END_GUEST_SHUTDOWN);
        ck_assert_uint_eq(rig_op(r, OP_GUEST_SEEN)->gen, 1);
        ck_assert_int_eq(web(r)->desired, DESIRED_STOPPED);
        ck_assert_int_eq(web(r)->state, GUEST_STOPPED);
        rig_close(r);
}
END_TEST

START_TEST(not_on_the_list_is_an_end_nobody_saw) {
        struct rig *r = open_rig(true);

        EVENT(r, .kind = EV_LIBVIRT_DOWN);
        rig_libvirt(r, NULL, SEEN_GONE);
        ck_assert_int_eq(rig_op(r, OP_GUEST_SEEN)->seen, SEEN_GONE);
        ck_assert_int_eq(rig_op(r, OP_GUEST_SEEN)->end_why, END_UNKNOWN);
        ck_assert_int_eq(web(r)->desired, DESIRED_RUNNING);
        rig_close(r);
}
END_TEST

START_TEST(observation_is_told_until_applied) {
        struct rig *r = open_rig(true);

        r->lose_entries = true;
        rig_domain(r, "web", SEEN_PAUSED, END_NONE);
        rig_pass(r, 5 * USEC_PER_SEC);
        ck_assert_uint_ge(rig_ops(r, OP_GUEST_SEEN), 2);
        ck_assert_uint_le(rig_ops(r, OP_GUEST_SEEN), 4);
        r->lose_entries = false;
        rig_pass(r, 3 * USEC_PER_SEC);
        ck_assert_int_eq(web(r)->state, GUEST_PAUSED);
        rig_close(r);
}
END_TEST

/* Only the same thing waits before it is said again. */
START_TEST(news_is_told_at_once) {
        struct rig *r = open_rig(true);

        rig_domain(r, "web", SEEN_PAUSED, END_NONE);
        rig_domain(r, "web", SEEN_RUNNING, END_NONE);
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_SEEN), 2);
        ck_assert_int_eq(web(r)->state, GUEST_RUNNING);
        rig_domain(r, "web", SEEN_GONE, END_FAILED);
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_SEEN), 3);
        ck_assert_uint_eq(web(r)->claims & 2u, 0);
        rig_close(r);
}
END_TEST

/* S1: a copy that nobody gave a claim to is stopped at once, and said once it is. */
START_TEST(rogue_copy_is_stopped_and_told) {
        struct rig *r = open_rig(false);

        rig_domain(r, "web", SEEN_RUNNING, END_NONE);
        ck_assert_uint_eq(rig_jobs(r, GJOB_DESTROY), 1);
        ck_assert_ptr_null(rig_op(r, OP_GUEST_ROGUE));
        rig_pass(r, 5 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_jobs(r, GJOB_DESTROY), 1);
        rig_job_done(r, rig_job(r, GJOB_DESTROY), RESULT_DONE, SEEN_GONE);
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_ROGUE), 1);
        ck_assert_uint_eq(rig_op(r, OP_GUEST_ROGUE)->host, 2);
        rig_pass(r, 5 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_jobs(r, GJOB_DESTROY), 1);
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_ROGUE), 1);
        ck_assert_ptr_null(rig_op(r, OP_GUEST_SEEN));
        rig_close(r);
}
END_TEST

static size_t rogue_incidents(struct rig *r) {
        size_t n = 0;

        for (size_t i = 0; i < rig_model(r)->n_incidents; i++)
                n += rig_model(r)->incidents[i].host == 2 && rig_model(r)->incidents[i].gid == 1;
        return n;
}

/* S5: an incident is recorded, also when what was said first was lost, or nobody decided then. */
START_TEST(rogue_is_told_until_the_ledger_has_it) {
        for (int quorate = 0; quorate < 2; quorate++) {
                struct rig *r = open_rig(false);
                size_t said;

                rig_domain(r, "web", SEEN_RUNNING, END_NONE);
                if (quorate)
                        r->lose_entries = true;
                else
                        rig_quorum(r, false);
                rig_job_done(r, rig_job(r, GJOB_DESTROY), RESULT_DONE, SEEN_GONE);
                rig_pass(r, 5 * USEC_PER_SEC);
                ck_assert_uint_eq(rogue_incidents(r), 0);
                said = rig_ops(r, OP_GUEST_ROGUE);
                ck_assert_uint_eq(said, quorate ? 3 : 0);
                r->lose_entries = false;
                rig_quorum(r, true);
                rig_pass(r, 10 * USEC_PER_SEC);
                ck_assert_uint_eq(rogue_incidents(r), 1);
                ck_assert_uint_eq(rig_ops(r, OP_GUEST_ROGUE), said + 1);
                ck_assert_uint_eq(rig_jobs(r, GJOB_DESTROY), 1);
                rig_close(r);
        }
}
END_TEST

START_TEST(paused_and_crashed_copies_are_rogues_too) {
        static const enum seen_state states[] = {SEEN_PAUSED, SEEN_CRASHED};

        for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
                struct rig *r = open_rig(false);

                rig_domain(r, "web", states[i], END_NONE);
                ck_assert_uint_eq(rig_jobs(r, GJOB_DESTROY), 1);
                rig_close(r);
        }
}
END_TEST

START_TEST(rogue_that_did_not_go_is_tried_again) {
        struct rig *r = open_rig(false);

        rig_domain(r, "web", SEEN_RUNNING, END_NONE);
        rig_job_done(r, rig_job(r, GJOB_DESTROY), RESULT_UNSETTLED, SEEN_RUNNING);
        ck_assert_ptr_null(rig_op(r, OP_GUEST_ROGUE));
        rig_pass(r, 5 * USEC_PER_SEC);
        ck_assert_uint_ge(rig_jobs(r, GJOB_DESTROY), 2);
        rig_close(r);
}
END_TEST

START_TEST(foreign_and_ignored_domains_are_left_alone) {
        struct rig *r = open_rig(false);

        rig_domain(r, "unmanaged", SEEN_RUNNING, END_NONE);
        BY(r, 1, .kind = OP_GUEST_DESIRE, .gid = 1, .desired = DESIRED_IGNORED);
        rig_domain(r, "web", SEEN_RUNNING, END_NONE);
        ck_assert_uint_eq(rig_acts(r, ACT_GUEST_JOB), 0);
        ck_assert_int_eq(rig_op(r, OP_GUEST_SEEN)->seen, SEEN_RUNNING);
        ck_assert_uint_eq(web(r)->claims, 1u << 1);
        rig_close(r);
}
END_TEST

/* A lost libvirt connection is not a guest failure. */
START_TEST(libvirt_down_means_no_observation) {
        struct rig *r = open_rig(true);

        EVENT(r, .kind = EV_LIBVIRT_DOWN);
        rig_domain(r, "web", SEEN_GONE, END_UNKNOWN);
        rig_pass(r, 30 * USEC_PER_SEC);
        ck_assert_ptr_null(rig_op(r, OP_GUEST_SEEN));
        ck_assert_int_eq(web(r)->state, GUEST_RUNNING);
        rig_libvirt(r, "web", SEEN_RUNNING);
        rig_pass(r, 5 * USEC_PER_SEC);
        ck_assert_ptr_null(rig_op(r, OP_GUEST_SEEN));
        rig_close(r);
}
END_TEST

START_TEST(not_quorate_means_no_observation_and_no_job) {
        struct rig *r = open_rig(true);

        rig_quorum(r, false);
        rig_domain(r, "web", SEEN_GONE, END_FAILED);
        rig_pass(r, 10 * USEC_PER_SEC);
        ck_assert_uint_eq(r->n_ops, 0);
        rig_quorum(r, true);
        ck_assert_ptr_nonnull(rig_op(r, OP_GUEST_SEEN));
        rig_close(r);
}
END_TEST

START_TEST(healthy_after_its_boot_time) {
        struct rig *r = open_rig(true);

        rig_pass(r, 19 * USEC_PER_SEC);
        ck_assert_ptr_null(rig_op(r, OP_GUEST_HEALTHY));
        rig_pass(r, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_HEALTHY), 1);
        ck_assert_int_eq(web(r)->health, HEALTH_HEALTHY);
        rig_close(r);
}
END_TEST

static struct rig *open_with_agent(usec_t boot_usec) {
        struct rig *r = rig_new();
        struct led l;

        led_open(&l, 3);
        led_running(&l, "web", 2);
        l.m.guests[0].spec->has_agent = true;
        l.m.guests[0].spec->conf.boot_usec = boot_usec;
        rig_open(r, &l, 2, false);
        rig_libvirt(r, "web", SEEN_RUNNING);
        return r;
}

static const struct {
        usec_t boot, patience;
        const char *said;
} silent_agents[] = {
        {20 * USEC_PER_SEC, 200 * USEC_PER_SEC, "within 200s"},
        {0, 60 * USEC_PER_SEC, "within 1min"},
        {USEC_PER_SEC, 60 * USEC_PER_SEC, "within 1min"},
};

/* L2: guests that start after it must not wait for ever for an agent that was never installed. */
START_TEST(agent_that_never_answers_is_not_waited_for) {
        struct rig *r = open_with_agent(silent_agents[_i].boot);

        rig_pass(r, silent_agents[_i].patience - USEC_PER_SEC);
        ck_assert_ptr_null(rig_op(r, OP_GUEST_HEALTHY));
        rig_pass(r, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_HEALTHY), 1);
        ck_assert_ptr_nonnull(strstr(rig_op(r, OP_GUEST_HEALTHY)->text, "agent did not answer"));
        ck_assert_ptr_nonnull(strstr(rig_op(r, OP_GUEST_HEALTHY)->text, silent_agents[_i].said));
        ck_assert_int_eq(web(r)->health, HEALTH_HEALTHY);
        rig_close(r);
}
END_TEST

START_TEST(healthy_by_its_agent) {
        struct rig *r = open_with_agent(20 * USEC_PER_SEC);
        struct domain_seen d = rig_seen("web", SEEN_RUNNING);

        rig_pass(r, 60 * USEC_PER_SEC);
        ck_assert_ptr_null(
                rig_op(r, OP_GUEST_HEALTHY)); /* it has one: its boot time alone says nothing */
        text_set(d.text, sizeof(d.text), "agent answers");
        EVENT(r, .kind = EV_DOMAIN_HEALTHY, .domain = d);
        ck_assert_str_eq(rig_op(r, OP_GUEST_HEALTHY)->text, "agent answers");
        ck_assert_int_eq(web(r)->health, HEALTH_HEALTHY);
        rig_close(r);
}
END_TEST

static void healthy(struct rig *r) {
        rig_pass(r, 21 * USEC_PER_SEC);
        ck_assert_int_eq(web(r)->health, HEALTH_HEALTHY);
}

/* The incident begins where it gave its last sign of life, not where hang-after was over. */
START_TEST(hang_began_when_it_was_last_good) {
        struct rig *r = open_rig(true);
        struct domain_seen d = rig_seen("web", SEEN_RUNNING);
        const struct incident *x;

        healthy(r);
        d.end_why = END_HANG;
        d.wall = rig_wall(r->now);
        d.good_wall = d.wall - 15 * USEC_PER_SEC;
        EVENT(r, .kind = EV_DOMAIN, .domain = d);
        ck_assert_uint_eq(rig_op(r, OP_GUEST_SEEN)->wall_last_good, d.good_wall);
        x = model_incident(rig_model(r), web(r)->incident);
        ck_assert_ptr_nonnull(x);
        ck_assert_uint_eq(x->at[STEP_LAST_GOOD], d.good_wall);
        ck_assert_uint_gt(x->at[STEP_DETECTED], d.good_wall);
        rig_close(r);
}
END_TEST

/* While it boots it may well do nothing; nor is one judged whose policy says so. */
START_TEST(hang_counts_only_when_it_was_healthy) {
        struct rig *r = open_rig(true);

        rig_domain(r, "web", SEEN_RUNNING, END_HANG);
        ck_assert_ptr_null(rig_op(r, OP_GUEST_SEEN));
        rig_pass(r, 21 * USEC_PER_SEC); /* healthy, and then at once not */
        ck_assert_int_eq(rig_op(r, OP_GUEST_SEEN)->end_why, END_HANG);
        ck_assert_int_eq(web(r)->state, GUEST_FAILED);
        rig_pass(r, 10 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_SEEN), 1);
        rig_close(r);
        r = open_rig(true);
        web(r)->spec->conf.health_by = HEALTH_BY_NONE;
        healthy(r);
        rig_domain(r, "web", SEEN_RUNNING, END_HANG);
        rig_domain(r, "web", SEEN_RUNNING, END_WATCHDOG);
        ck_assert_ptr_null(rig_op(r, OP_GUEST_SEEN));
        web(r)->spec->conf.health_by = HEALTH_BY_WATCHDOG;
        rig_domain(r, "web", SEEN_RUNNING, END_HANG);
        ck_assert_ptr_null(rig_op(r, OP_GUEST_SEEN));
        rig_domain(r, "web", SEEN_RUNNING, END_WATCHDOG);
        ck_assert_ptr_nonnull(rig_op(r, OP_GUEST_SEEN));
        rig_close(r);
}
END_TEST

START_TEST(what_ails_is_ended_by_its_settle) {
        struct rig *r = open_rig(true);

        rig_domain(r, "web", SEEN_RUNNING, END_WATCHDOG);
        ck_assert_int_eq(web(r)->state, GUEST_FAILED);
        BY(r, 1, .kind = OP_GUEST_JOB, .gid = 1, .host = 2, .job_kind = JOB_SETTLE);
        ck_assert(!rig_act(r, ACT_GUEST_JOB)->guest_job.keep_running);
        rig_job_done(r, rig_job(r, GJOB_SETTLE), RESULT_DONE, SEEN_GONE);
        ck_assert_uint_eq(web(r)->claims, 0);
        start(r); /* what ailed the one before does not ail this one */
        rig_job_done(r, rig_job(r, GJOB_START), RESULT_DONE, SEEN_RUNNING);
        ck_assert_int_eq(web(r)->state, GUEST_RUNNING);
        rig_pass(r, 5 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_SEEN), 1);
        rig_close(r);
}
END_TEST

/* libvirt's event may come later than the results of the jobs: it is of the run before. */
START_TEST(late_event_of_an_own_end_is_not_of_the_next_run) {
        struct rig *r = open_rig(true);

        rig_domain(r, "web", SEEN_RUNNING, END_WATCHDOG);
        BY(r, 1, .kind = OP_GUEST_JOB, .gid = 1, .host = 2, .job_kind = JOB_SETTLE);
        rig_job_done(r, rig_job(r, GJOB_SETTLE), RESULT_DONE, SEEN_GONE);
        start(r);
        rig_job_done(r, rig_job(r, GJOB_START), RESULT_DONE, SEEN_RUNNING);
        rig_domain(r, "web", SEEN_GONE, END_DESTROYED);
        rig_domain(r, "web", SEEN_RUNNING, END_NONE);
        ck_assert_int_eq(web(r)->state, GUEST_RUNNING);
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_SEEN), 1);
        rig_domain(r, "web", SEEN_GONE, END_DESTROYED); /* that is of this one */
        ck_assert_int_eq(web(r)->desired, DESIRED_STOPPED);
        rig_close(r);
}
END_TEST

/* The next I/O error may come before the resume's result. */
START_TEST(resumed_disk_is_proven_by_time) {
        struct rig *r = open_rig(true);

        healthy(r);
        rig_domain(r, "web", SEEN_PAUSED, END_IO_ERROR);
        ck_assert_int_eq(web(r)->recovery.why, END_IO_ERROR);
        for (unsigned i = 0; i < 2; i++) {
                BY(r, 1, .kind = OP_GUEST_JOB, .gid = 1, .host = 2, .job_kind = JOB_RESUME);
                rig_domain(r, "web", SEEN_RUNNING, END_NONE);
                if (i == 0)
                        rig_domain(r, "web", SEEN_PAUSED, END_IO_ERROR);
                rig_job_done(r, rig_job(r, GJOB_RESUME), RESULT_DONE, SEEN_RUNNING);
                rig_pass(r, 4 * USEC_PER_SEC);
                ck_assert_int_eq(web(r)->state, i == 0 ? GUEST_PAUSED : GUEST_RUNNING);
                ck_assert_uint_eq(web(r)->recovery.resumes, 1);
                ck_assert_int_ne(web(r)->health, HEALTH_HEALTHY);
        }
        rig_pass(r, 2 * USEC_PER_SEC);
        ck_assert_int_eq(web(r)->health, HEALTH_HEALTHY);
        ck_assert_int_eq(web(r)->recovery.why, END_NONE);
        ck_assert_uint_eq(web(r)->incident, 0);
        rig_close(r);
}
END_TEST

/* It is defined only where it may run: what somebody defines elsewhere goes, also what was there
 * before hawd kept it. What hawd does not keep stays. */
START_TEST(definition_elsewhere_is_undone) {
        struct rig *r = open_rig(false); /* node2, "web" has no claim here */
        struct guest_spec *db = led_spec("db");

        EVENT(r, .kind = EV_DEFINITION, .definition = {db->uuid, "db", true});
        ck_assert_uint_eq(rig_jobs(r, GJOB_UNDEFINE), 0);
        BY(r, 3, .kind = OP_GUEST_ADD, .spec = db, .host = 3, .desired = DESIRED_RUNNING);
        ck_assert_uint_eq(rig_jobs(r, GJOB_UNDEFINE), 1);
        ck_assert_str_eq(rig_act(r, ACT_GUEST_JOB)->guest_job.name, "db");
        rig_job_done(r, rig_job(r, GJOB_UNDEFINE), RESULT_DONE, SEEN_GONE);
        rig_clear(r);
        EVENT(r, .kind = EV_DEFINITION,
              .definition = {model_guest_named(rig_model(r), "db")->spec->uuid, "db", true});
        ck_assert_uint_eq(rig_jobs(r, GJOB_UNDEFINE), 1);
        rig_job_done(r, rig_job(r, GJOB_UNDEFINE), RESULT_DONE, SEEN_GONE);
        rig_clear(r);
        EVENT(r, .kind = EV_DEFINITION, .definition = {"0f", "foreign", true});
        EVENT(r, .kind = EV_DEFINITION, .definition = {"0f", "foreign", false});
        rig_pass(r, 10 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_jobs(r, GJOB_UNDEFINE), 0);
        rig_close(r);
}
END_TEST

START_TEST(stop_and_settle_jobs_are_what_they_say) {
        struct rig *r = open_rig(true);

        BY(r, 1, .kind = OP_GUEST_JOB, .gid = 1, .host = 2, .job_kind = JOB_PAUSE);
        ck_assert_uint_eq(rig_act(r, ACT_GUEST_JOB)->guest_job.timeout_usec, 20 * USEC_PER_SEC);
        rig_job_done(r, rig_job(r, GJOB_PAUSE), RESULT_UNSETTLED, SEEN_GONE);
        ck_assert_int_eq(web(r)->state, GUEST_RUNNING);
        BY(r, 1, .kind = OP_GUEST_JOB, .gid = 1, .host = 2, .job_kind = JOB_STOP);
        ck_assert_uint_eq(rig_act(r, ACT_GUEST_JOB)->guest_job.timeout_usec, 60 * USEC_PER_SEC);
        rig_domain(r, "web", SEEN_GONE, END_DESTROYED); /* by the job: not a wish of somebody */
        rig_job_done(r, rig_job(r, GJOB_STOP), RESULT_UNSETTLED, SEEN_GONE);
        ck_assert_ptr_null(rig_op(r, OP_GUEST_SEEN));
        ck_assert_uint_eq(web(r)->claims, 1u << 1);
        rig_pass(r, 5 * USEC_PER_SEC);
        ck_assert_ptr_null(rig_op(r, OP_GUEST_SEEN)); /* unsettled: the settle job finds out */
        BY(r, 1, .kind = OP_GUEST_JOB, .gid = 1, .host = 2, .job_kind = JOB_SETTLE);
        rig_job_done(r, rig_job(r, GJOB_SETTLE), RESULT_DONE, SEEN_GONE);
        ck_assert_uint_eq(web(r)->claims, 0);
        ck_assert_int_eq(web(r)->desired, DESIRED_RUNNING);
        rig_close(r);
}
END_TEST

static void replica_says(struct led *l, uint32_t host, enum replica_state state) {
        struct op op = {.kind = OP_REPLICA_SAYS,
                        .gid = 1,
                        .host = host,
                        .gen = G(l, 1)->gen,
                        .serial = 1,
                        .replica_state = state,
                        .as_of = l->wall};

        if (state == REPLICA_COPYING)
                op.list = blob_new("there", 5);
        led_apply(l, op);
}

/* "web" on node2, its disks copied to node1, in step. */
static struct rig *open_copied(enum replica_mode mode) {
        struct guest_spec *spec = led_spec("web");
        struct rig *r = rig_new();
        struct led l;

        led_open(&l, 3);
        spec->conf.replica = (struct conf_replica){.mode = mode, .host = "node1", .resource = "r0"};
        APPLY(&l, .kind = OP_GUEST_ADD, .spec = spec, .desired = DESIRED_RUNNING);
        led_start(&l, 1, 2);
        led_done(&l, 1, RESULT_DONE);
        APPLY(&l, .kind = OP_REPLICA_BEGIN, .gid = 1, .host = 1, .budget_usec = USEC_PER_MINUTE);
        replica_says(&l, 1, REPLICA_COPYING);
        replica_says(&l, 2, REPLICA_IN_STEP);
        ck_assert_int_eq(G(&l, 1)->replica.state, REPLICA_IN_STEP);
        rig_open(r, &l, 2, false);
        rig_libvirt(r, "web", SEEN_RUNNING);
        rig_clear(r);
        return r;
}

/* The word that both sides are equal is had only where the guest is ended, and while it is. */
START_TEST(end_of_a_guest_whose_copy_is_in_step) {
        static const struct {
                enum replica_mode mode;
                uint32_t in_step;
                bool spec; /* its resource is given up */
        } rows[] = {{REPLICA_MODE_SYNC, 1, false},
                    {REPLICA_MODE_ASYNC, 0, false},
                    {REPLICA_MODE_DRBD, 1, true}};
        const struct action *a;
        struct rig *r;

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                r = open_copied(rows[i].mode);
                BY(r, 1, .kind = OP_GUEST_JOB, .gid = 1, .host = 2, .job_kind = JOB_STOP);
                a = rig_act(r, ACT_GUEST_JOB);
                ck_assert_int_eq(a->guest_job.op, GJOB_STOP);
                ck_assert_uint_eq(a->guest_job.in_step, rows[i].in_step);
                ck_assert(rows[i].spec == (a->guest_job.spec != NULL));
                ck_assert_str_eq(a->guest_job.peer, "node1");
                rig_close(r);
        }
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("executor");
        TCase *tc = unit_case(s, "guests");

        tcase_add_test(tc, job_is_begun_once);
        tcase_add_test(tc, job_of_another_host_is_not_ours);
        tcase_add_test(tc, job_waits_for_its_entry_to_be_stable);
        tcase_add_test(tc, result_is_told_until_applied);
        tcase_add_test(tc, unknown_result_is_dropped);
        tcase_add_test(tc, end_before_the_result_of_its_start);
        tcase_add_test(tc, old_end_does_not_spoil_a_start);
        tcase_add_test(tc, end_is_observed_with_its_reason);
        tcase_add_test(tc, not_on_the_list_is_an_end_nobody_saw);
        tcase_add_test(tc, observation_is_told_until_applied);
        tcase_add_test(tc, news_is_told_at_once);
        tcase_add_test(tc, rogue_copy_is_stopped_and_told);
        tcase_add_test(tc, rogue_is_told_until_the_ledger_has_it);
        tcase_add_test(tc, paused_and_crashed_copies_are_rogues_too);
        tcase_add_test(tc, rogue_that_did_not_go_is_tried_again);
        tcase_add_test(tc, foreign_and_ignored_domains_are_left_alone);
        tcase_add_test(tc, libvirt_down_means_no_observation);
        tcase_add_test(tc, not_quorate_means_no_observation_and_no_job);
        tcase_add_test(tc, healthy_after_its_boot_time);
        tcase_add_test(tc, healthy_by_its_agent);
        tcase_add_test(tc, hang_began_when_it_was_last_good);
        tcase_add_test(tc, hang_counts_only_when_it_was_healthy);
        tcase_add_test(tc, what_ails_is_ended_by_its_settle);
        tcase_add_test(tc, resumed_disk_is_proven_by_time);
        tcase_add_test(tc, end_of_a_guest_whose_copy_is_in_step);
        tcase_add_test(tc, late_event_of_an_own_end_is_not_of_the_next_run);
        tcase_add_loop_test(tc, agent_that_never_answers_is_not_waited_for, 0,
                            (int)ARRAY_SIZE(silent_agents));
        tcase_add_test(tc, definition_elsewhere_is_undone);
        tcase_add_test(tc, stop_and_settle_jobs_are_what_they_say);
        return s;
}

UNIT_MAIN(suite)
