/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Before a host counts as online (S5): join said, own work ended, guests settled, report said.
 */
#include "tests/unit/rig_fixture.h"

/* node2 of three with a new hawd; "web" (gid 1) had its claim there, "db" (gid 2) runs on node3. */
static struct rig *open_rig(void) {
        struct rig *r = rig_new();
        struct led l;

        led_open(&l, 3);
        led_running(&l, "web", 2);
        led_running(&l, "db", 3);
        rig_open(r, &l, 2, true);
        return r;
}

static struct host *self(struct rig *r) {
        return model_host(rig_model(r), 2);
}

static struct guest *web(struct rig *r) {
        return &rig_model(r)->guests[0];
}

/* Joining calls off its fencing: not before it can settle what may run here. */
START_TEST(join_of_a_lost_host_needs_libvirt) {
        struct rig *r = rig_new();
        struct led l;

        led_open(&l, 3);
        led_running(&l, "web", 2);
        APPLY(&l, .kind = OP_HOST_LOST, .host = 2, .text = "it left the ring");
        rig_open(r, &l, 2, true);
        rig_pass(r, 10 * USEC_PER_SEC);
        ck_assert_ptr_null(rig_op(r, OP_HOST_JOIN));
        rig_libvirt(r, "web", SEEN_RUNNING);
        ck_assert_uint_eq(rig_ops(r, OP_HOST_JOIN), 1);
        ck_assert_uint_eq(rig_op(r, OP_HOST_JOIN)->incarnation, 777);
        ck_assert_uint_eq(rig_op(r, OP_HOST_JOIN)->facts.vcpus, 4);
        ck_assert_uint_eq(rig_op(r, OP_HOST_JOIN)->facts.memory_mib, 8192);
        ck_assert_str_eq(rig_op(r, OP_HOST_JOIN)->facts.hawd_version, "test");
        ck_assert_int_eq(self(r)->state, HOST_JOINING);
        rig_close(r);
}
END_TEST

/* Its guests run on; but it is no host to start others on. */
START_TEST(restart_with_a_hung_libvirt_is_joining) {
        struct rig *r = open_rig();

        EVENT(r, .kind = EV_LIBVIRT_DOWN);
        rig_pass(r, 60 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_HOST_JOIN), 1);
        ck_assert_int_eq(self(r)->state, HOST_JOINING);
        ck_assert_ptr_null(rig_op(r, OP_HOST_REPORT));
        ck_assert_uint_eq(rig_jobs(r, GJOB_SETTLE), 0);
        ck_assert_uint_eq(web(r)->claims, 1u << 1);
        /* It answers, and the host has another size than the ledger holds. */
        EVENT(r, .kind = EV_HOST_LOAD,
              .load = {.memory_free_mib = 4000, .vcpus = 6, .memory_mib = 16384});
        rig_libvirt(r, "web", SEEN_RUNNING);
        ck_assert_uint_eq(rig_ops(r, OP_HOST_JOIN), 2);
        ck_assert_uint_eq(self(r)->facts.vcpus, 6);
        ck_assert_uint_eq(self(r)->facts.memory_mib, 16384);
        rig_job_done(r, rig_job(r, GJOB_SETTLE), RESULT_DONE, SEEN_RUNNING);
        ck_assert(self(r)->reported);
        ck_assert_int_eq(web(r)->state, GUEST_RUNNING);
        rig_close(r);
}
END_TEST

START_TEST(facts_of_the_config_win) {
        struct rig *r = open_rig();

        r->config.hosts[r->config.n_hosts++] = (struct conf_host){
                .name = "node2", .vcpus = 16, .memory_mib = 65536, .labels = "rack1"};
        rig_libvirt(r, NULL, SEEN_GONE);
        ck_assert_uint_eq(rig_op(r, OP_HOST_JOIN)->facts.vcpus, 16);
        ck_assert_uint_eq(rig_op(r, OP_HOST_JOIN)->facts.memory_mib, 65536);
        ck_assert_str_eq(rig_op(r, OP_HOST_JOIN)->facts.labels, "rack1");
        rig_close(r);
}
END_TEST

START_TEST(join_is_told_until_applied) {
        struct rig *r = rig_new();
        struct led l;

        led_open(&l, 3);
        r->lose_entries = true;
        rig_open(r, &l, 2, true);
        rig_pass(r, 5 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_HOST_JOIN), 3);
        rig_close(r);
}
END_TEST

/* A slow libvirtd may still start what an earlier hawd asked for: first settled, then reported. */
START_TEST(settled_before_reported) {
        struct rig *r = open_rig();
        const struct action *a;

        rig_libvirt(r, "web", SEEN_RUNNING);
        ck_assert_uint_eq(rig_jobs(r, GJOB_SETTLE), 1); /* of web; db is not ours, nor seen here */
        a = rig_act(r, ACT_GUEST_JOB);
        ck_assert(a->guest_job.keep_running);
        ck_assert_str_eq(a->guest_job.name, "web");
        rig_pass(r, 20 * USEC_PER_SEC);
        ck_assert_ptr_null(rig_op(r, OP_HOST_REPORT));
        ck_assert_uint_eq(rig_jobs(r, GJOB_SETTLE), 1);
        rig_job_done(r, rig_job(r, GJOB_SETTLE), RESULT_DONE, SEEN_RUNNING);
        ck_assert_uint_eq(rig_ops(r, OP_HOST_REPORT), 1);
        ck_assert(self(r)->reported);
        ck_assert_uint_eq(web(r)->claims, 1u << 1);
        ck_assert_int_eq(web(r)->state, GUEST_RUNNING);
        rig_close(r);
}
END_TEST

START_TEST(not_running_ends_the_claim_by_the_report) {
        struct rig *r = open_rig();

        rig_libvirt(r, NULL, SEEN_GONE);
        rig_job_done(r, rig_job(r, GJOB_SETTLE), RESULT_DONE, SEEN_GONE);
        ck_assert(self(r)->reported);
        ck_assert_uint_eq(web(r)->claims, 0);
        ck_assert_int_eq(web(r)->state, GUEST_FAILED);
        rig_close(r);
}
END_TEST

/* Its start came out while it settled: the settle's word counts, not the first list. */
START_TEST(settle_that_finds_it_running_keeps_the_claim) {
        struct rig *r = open_rig();

        rig_libvirt(r, NULL, SEEN_GONE);
        rig_job_done(r, rig_job(r, GJOB_SETTLE), RESULT_DONE, SEEN_RUNNING);
        ck_assert(self(r)->reported);
        ck_assert_uint_eq(web(r)->claims, 1u << 1);
        rig_close(r);
}
END_TEST

START_TEST(unsettled_is_tried_again_and_nothing_reported) {
        struct rig *r = open_rig();

        rig_libvirt(r, NULL, SEEN_GONE);
        rig_job_done(r, rig_job(r, GJOB_SETTLE), RESULT_UNSETTLED, SEEN_GONE);
        ck_assert_ptr_null(rig_op(r, OP_HOST_REPORT));
        ck_assert_uint_eq(rig_jobs(r, GJOB_SETTLE), 1);
        rig_pass(r, 6 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_jobs(r, GJOB_SETTLE), 2);
        ck_assert_ptr_null(rig_op(r, OP_HOST_REPORT));
        rig_job_done(r, rig_job(r, GJOB_SETTLE), RESULT_DONE, SEEN_GONE);
        ck_assert_ptr_nonnull(rig_op(r, OP_HOST_REPORT));
        rig_close(r);
}
END_TEST

/* S5: found running without a claim of its own: stopped, and said, before it counts. */
START_TEST(rogue_is_stopped_before_the_report) {
        struct rig *r = open_rig();
        struct domain_seen d[2] = {rig_seen("web", SEEN_RUNNING), rig_seen("db", SEEN_RUNNING)};
        size_t rogue = SIZE_MAX, report = SIZE_MAX;
        uint64_t db = 0, own = 0;

        EVENT(r, .kind = EV_LIBVIRT_UP, .libvirt = {.domains = d, .n_domains = 2});
        ck_assert_uint_eq(rig_jobs(r, GJOB_SETTLE), 2);
        for (size_t i = 0; i < r->n_acts; i++)
                if (r->acts[i].kind == ACT_GUEST_JOB) {
                        bool is_db = strcmp(r->acts[i].guest_job.name, "db") == 0;

                        ck_assert_int_eq(r->acts[i].guest_job.keep_running, !is_db);
                        *(is_db ? &db : &own) = r->acts[i].guest_job.id;
                }
        rig_job_done(r, own, RESULT_DONE, SEEN_RUNNING);
        rig_pass(r, 5 * USEC_PER_SEC);
        ck_assert_ptr_null(rig_op(r, OP_HOST_REPORT));
        rig_job_done(r, db, RESULT_DONE, SEEN_GONE);
        for (size_t i = 0; i < r->n_ops; i++) {
                if (r->ops[i].kind == OP_GUEST_ROGUE)
                        rogue = i;
                if (r->ops[i].kind == OP_HOST_REPORT)
                        report = i;
        }
        ck_assert_uint_ne(rogue, SIZE_MAX);
        ck_assert_uint_lt(rogue, report);
        ck_assert_uint_eq(r->ops[rogue].gid, 2);
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_ROGUE), 1);
        rig_close(r);
}
END_TEST

START_TEST(report_is_told_until_applied) {
        struct rig *r = open_rig();

        rig_libvirt(r, NULL, SEEN_GONE);
        r->lose_entries = true;
        rig_job_done(r, rig_job(r, GJOB_SETTLE), RESULT_DONE, SEEN_GONE);
        rig_pass(r, 5 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_HOST_REPORT), 3);
        r->lose_entries = false;
        rig_pass(r, 3 * USEC_PER_SEC);
        ck_assert(self(r)->reported);
        rig_close(r);
}
END_TEST

/* The others gave this host up while a start was under way here: it is called off, and its end is
 * awaited, before anything is settled or reported. */
START_TEST(work_of_before_is_cancelled_and_awaited) {
        struct rig *r = rig_new();
        struct led l;
        uint64_t start;

        led_open(&l, 3);
        led_add(&l, "web");
        rig_open(r, &l, 2, false);
        rig_libvirt(r, NULL, SEEN_GONE);
        BY(r, 1, .kind = OP_GUEST_START, .gid = 1, .host = 2);
        start = rig_job(r, GJOB_START);
        ck_assert_uint_eq(rig_acts(r, ACT_GUEST_CANCEL), 0);
        BY(r, 1, .kind = OP_HOST_LOST, .host = 2, .text = "test");
        ck_assert_uint_eq(rig_ops(r, OP_HOST_JOIN), 1);
        ck_assert_uint_eq(rig_acts(r, ACT_GUEST_CANCEL), 1);
        ck_assert_uint_eq(rig_act(r, ACT_GUEST_CANCEL)->cancel.id, start);
        rig_pass(r, 30 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_acts(r, ACT_GUEST_CANCEL), 1);
        ck_assert_uint_eq(rig_jobs(r, GJOB_SETTLE), 0);
        ck_assert_ptr_null(rig_op(r, OP_HOST_REPORT));
        rig_job_done(r, start, RESULT_CANCELLED, SEEN_GONE);
        ck_assert_uint_eq(rig_jobs(r, GJOB_SETTLE), 1);
        ck_assert_ptr_null(rig_op(r, OP_HOST_REPORT));
        rig_job_done(r, rig_job(r, GJOB_SETTLE), RESULT_DONE, SEEN_GONE);
        ck_assert_ptr_nonnull(rig_op(r, OP_HOST_REPORT));
        ck_assert_uint_eq(web(r)->claims, 0);
        ck_assert_ptr_null(rig_op(r, OP_GUEST_DONE)); /* for nobody any more */
        rig_close(r);
}
END_TEST

START_TEST(joining_host_does_nothing_else) {
        struct rig *r = open_rig();

        rig_libvirt(r, "web", SEEN_RUNNING);
        rig_job_done(r, rig_job(r, GJOB_SETTLE), RESULT_DONE, SEEN_RUNNING);
        ck_assert(self(r)->reported);
        rig_domain(r, "web", SEEN_GONE, END_FAILED);
        rig_pass(r, 5 * USEC_PER_SEC);
        ck_assert_int_eq(self(r)->state, HOST_JOINING);
        ck_assert_ptr_null(rig_op(r, OP_GUEST_SEEN));
        BY(r, 1, .kind = OP_HOST_ONLINE, .host = 2);
        ck_assert_ptr_nonnull(rig_op(r, OP_GUEST_SEEN));
        rig_close(r);
}
END_TEST

START_TEST(forced_fencing_keeps_it_out) {
        struct rig *r = rig_new();
        struct led l;

        led_open(&l, 3);
        rig_open(r, &l, 2, false);
        rig_libvirt(r, NULL, SEEN_GONE);
        BY(r, 1, .kind = OP_FENCE_REQUEST, .host = 2, .text = "ann");
        rig_pass(r, 10 * USEC_PER_SEC);
        ck_assert_ptr_null(rig_op(r, OP_HOST_JOIN));
        BY(r, 1, .kind = OP_FENCE_CONFIRM, .host = 2, .text = "ann");
        ck_assert_ptr_nonnull(rig_op(r, OP_HOST_JOIN));
        rig_close(r);
}
END_TEST

START_TEST(stop_is_announced_and_then_ends) {
        struct rig *r = rig_new();
        struct led l;

        led_open(&l, 3);
        rig_open(r, &l, 2, false);
        rig_libvirt(r, NULL, SEEN_GONE);
        r->lose_entries = true;
        EVENT(r, .kind = EV_STOP);
        ck_assert_ptr_nonnull(rig_op(r, OP_HOST_STOPPING));
        ck_assert_ptr_null(rig_act(r, ACT_STOPPED));
        r->lose_entries = false;
        rig_pass(r, 3 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_acts(r, ACT_STOPPED), 1);
        ck_assert_int_eq(self(r)->state, HOST_AWAY);
        ck_assert_ptr_null(rig_op(r, OP_HOST_JOIN));
        rig_close(r);
}
END_TEST

START_TEST(stop_does_not_wait_for_ever) {
        struct rig *r = open_rig();

        r->lose_entries = true;
        EVENT(r, .kind = EV_STOP);
        rig_pass(r, 4 * USEC_PER_SEC);
        ck_assert_ptr_null(rig_act(r, ACT_STOPPED));
        rig_pass(r, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_acts(r, ACT_STOPPED), 1);
        rig_close(r);
        r = open_rig();
        rig_quorum(r, false);
        EVENT(r, .kind = EV_STOP);
        ck_assert_uint_eq(rig_acts(r, ACT_STOPPED), 1);
        rig_close(r);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("join");
        TCase *tc = unit_case(s, "join");

        tcase_add_test(tc, join_of_a_lost_host_needs_libvirt);
        tcase_add_test(tc, restart_with_a_hung_libvirt_is_joining);
        tcase_add_test(tc, facts_of_the_config_win);
        tcase_add_test(tc, join_is_told_until_applied);
        tcase_add_test(tc, settled_before_reported);
        tcase_add_test(tc, not_running_ends_the_claim_by_the_report);
        tcase_add_test(tc, settle_that_finds_it_running_keeps_the_claim);
        tcase_add_test(tc, unsettled_is_tried_again_and_nothing_reported);
        tcase_add_test(tc, rogue_is_stopped_before_the_report);
        tcase_add_test(tc, report_is_told_until_applied);
        tcase_add_test(tc, work_of_before_is_cancelled_and_awaited);
        tcase_add_test(tc, joining_host_does_nothing_else);
        tcase_add_test(tc, forced_fencing_keeps_it_out);
        tcase_add_test(tc, stop_is_announced_and_then_ends);
        tcase_add_test(tc, stop_does_not_wait_for_ever);
        return s;
}

UNIT_MAIN(suite)
