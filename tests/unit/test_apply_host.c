/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ledger: hosts are added, join, report, are lost, come back and go (S2, S3, S5).
 */
#include "tests/unit/ledger_fixture.h"

START_TEST(add_once) {
        struct led l;

        led_open(&l, 2);
        APPLY(&l, .kind = OP_HOST_ADD, .host = 3, .name = "node3");
        ck_assert_uint_eq(l.m.n_hosts, 3);
        ck_assert_int_eq(H(&l, 3)->state, HOST_NEW);
        ck_assert(led_noted(&l, NOTE_HOST_ADDED));
        UNCHANGED(&l, .kind = OP_HOST_ADD, .host = 3, .name = "other");
        UNCHANGED(&l, .kind = OP_HOST_ADD, .host = 4, .name = "node3");
        led_close(&l);
}
END_TEST

START_TEST(stale_version_is_refused) {
        struct led l;
        uint64_t version;

        led_open(&l, 2);
        version = H(&l, 2)->version;
        UNCHANGED(&l, .kind = OP_HOST_LOST, .host = 2, .host_version = version - 1);
        ck_assert_int_eq(l.a.code, REPLY_BUSY);
        ck_assert_str_eq(l.a.text, "node2 has changed meanwhile: try again");
        UNCHANGED(&l, .kind = OP_HOST_LOST, .host = 9);
        ck_assert_int_eq(l.a.code, REPLY_USAGE);
        CHANGED(&l, .kind = OP_HOST_LOST, .host = 2, .host_version = version, .text = "gone");
        led_close(&l);
}
END_TEST

START_TEST(each_op_is_dropped_alone) {
        struct entry *e = entry_new();
        struct led l;

        led_open(&l, 3);
        entry_add(e, OP_HOST_LOST)->host = 9;
        entry_add(e, OP_HOST_LOST)->host = 2;
        applied_clear(&l.a);
        ledger_apply(&l.m, e, &l.a);
        entry_unref(e);
        ck_assert_int_eq(H(&l, 2)->state, HOST_LOST);
        ck_assert_int_eq(l.a.code, REPLY_USAGE);
        led_close(&l);
}
END_TEST

START_TEST(join_report_online) {
        struct led l;

        led_open(&l, 1);
        APPLY(&l, .kind = OP_HOST_ADD, .host = 2, .name = "node2");
        UNCHANGED(&l, .kind = OP_HOST_ONLINE, .host = 2); /* never joined */
        led_join(&l, 2);
        ck_assert_int_eq(H(&l, 2)->state, HOST_JOINING);
        ck_assert_uint_eq(H(&l, 2)->facts.memory_mib, 8192);
        UNCHANGED(&l, .kind = OP_HOST_ONLINE, .host = 2);                   /* has not reported */
        UNCHANGED(&l, .kind = OP_HOST_REPORT, .host = 2, .incarnation = 7); /* another hawd */
        CHANGED(&l, .kind = OP_HOST_REPORT, .host = 2, .incarnation = INCARNATION(2));
        UNCHANGED(&l, .kind = OP_HOST_REPORT, .host = 2, .incarnation = INCARNATION(2));
        CHANGED(&l, .kind = OP_HOST_ONLINE, .host = 2);
        ck_assert_int_eq(H(&l, 2)->state, HOST_ONLINE);
        UNCHANGED(&l, .kind = OP_HOST_REPORT, .host = 2, .incarnation = INCARNATION(2));
        UNCHANGED(&l, .kind = OP_HOST_ONLINE, .host = 2);
        led_close(&l);
}
END_TEST

START_TEST(join_said_twice_counts_once) {
        struct led l;

        led_open(&l, 2);
        APPLY(&l, .kind = OP_HOST_ADD, .host = 3, .name = "node3");
        led_join(&l, 3);
        UNCHANGED(&l, .kind = OP_HOST_JOIN, .host = 3, .incarnation = INCARNATION(3));
        led_close(&l);
}
END_TEST

/* S5: what the ledger gave to the hawd before is not the new one's: its jobs end, claims stay. */
START_TEST(join_takes_jobs_and_leaves_claims) {
        struct led l;
        uint32_t gid;
        uint64_t job;

        led_open(&l, 2);
        gid = led_add(&l, "web");
        job = led_start(&l, gid, 2);
        APPLY(&l, .kind = OP_HOST_JOIN, .host = 2, .incarnation = 999);
        ck_assert_int_eq(H(&l, 2)->state, HOST_JOINING);
        ck_assert_uint_eq(H(&l, 2)->incarnation, 999);
        ck_assert_int_eq(G(&l, gid)->job_kind, JOB_NONE);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        UNCHANGED(&l, .kind = OP_GUEST_DONE, .gid = gid, .job = job, .host = 2,
                  .result = RESULT_FAILED);
        led_close(&l);
}
END_TEST

static void report(struct led *l, uint32_t nodeid, uint32_t gid, enum seen_state state) {
        struct op op = {.kind = OP_HOST_REPORT,
                        .host = nodeid,
                        .incarnation = INCARNATION(nodeid),
                        .seen_list = xcalloc(1, sizeof(struct seen)),
                        .n_seen = 1};

        op.seen_list[0] = (struct seen){gid, state};
        led_apply(l, op);
}

START_TEST(report_keeps_or_ends_claims) {
        uint32_t runs, paused, gone, elsewhere;
        struct led l;
        struct op op;

        led_open(&l, 3);
        runs = led_running(&l, "runs", 2);
        paused = led_running(&l, "paused", 2);
        gone = led_running(&l, "gone", 2);
        elsewhere = led_running(&l, "elsewhere", 3);
        led_lose(&l, 2);
        led_join(&l, 2);
        op = (struct op){.kind = OP_HOST_REPORT,
                         .host = 2,
                         .incarnation = INCARNATION(2),
                         .seen_list = xcalloc(2, sizeof(struct seen)),
                         .n_seen = 2};
        op.seen_list[0] = (struct seen){runs, SEEN_RUNNING};
        op.seen_list[1] = (struct seen){paused, SEEN_PAUSED};
        led_apply(&l, op);
        ck_assert_int_eq(G(&l, runs)->state, GUEST_RUNNING);
        ck_assert_uint_eq(G(&l, runs)->claims, 1u << 1);
        ck_assert_int_eq(G(&l, runs)->health, HEALTH_BOOTING);
        ck_assert_int_eq(G(&l, paused)->state, GUEST_PAUSED);
        ck_assert_uint_eq(G(&l, paused)->claims, 1u << 1);
        ck_assert_int_eq(G(&l, gone)->state, GUEST_FAILED);
        ck_assert_uint_eq(G(&l, gone)->claims, 0);
        ck_assert_uint_ne(G(&l, gone)->incident, 0);
        ck_assert_uint_eq(G(&l, elsewhere)->claims, 1u << 2);
        led_close(&l);
}
END_TEST

/* A report says nothing of guests that others hold. */
START_TEST(report_of_a_foreign_guest_changes_nothing_of_it) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 1);
        led_lose(&l, 2);
        led_join(&l, 2);
        report(&l, 2, gid, SEEN_RUNNING);
        ck_assert_uint_eq(G(&l, gid)->host, 1);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 0);
        led_close(&l);
}
END_TEST

START_TEST(lost_keeps_claims_and_counts_losses) {
        struct led l;
        uint32_t gid;

        led_open(&l, 3);
        gid = led_running(&l, "web", 2);
        led_start(&l, led_add(&l, "starting"), 2);
        led_lose(&l, 2);
        ck_assert_uint_eq(H(&l, 2)->losses, 1);
        ck_assert_uint_eq(H(&l, 2)->loss_version, l.m.version);
        ck_assert_int_eq(H(&l, 2)->proof, PROOF_NONE);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        ck_assert_int_eq(G(&l, gid)->state, GUEST_FAILED);
        ck_assert_uint_eq(G(&l, gid + 1)->claims, 1u << 1);
        ck_assert_int_eq(G(&l, gid + 1)->job_kind, JOB_NONE);
        /* S2: not elsewhere, not there. */
        UNCHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 3);
        UNCHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 2);
        UNCHANGED(&l, .kind = OP_HOST_LOST, .host = 2);
        led_join(&l, 2);
        led_lose(&l, 2);
        ck_assert_uint_eq(H(&l, 2)->losses, 2);
        led_close(&l);
}
END_TEST

START_TEST(lost_needs_a_host_that_takes_part) {
        struct led l;

        led_open(&l, 2);
        APPLY(&l, .kind = OP_HOST_ADD, .host = 3, .name = "node3");
        UNCHANGED(&l, .kind = OP_HOST_LOST, .host = 3); /* never seen */
        APPLY(&l, .kind = OP_HOST_STOPPING, .host = 2, .incarnation = INCARNATION(2));
        ck_assert_int_eq(H(&l, 2)->state, HOST_AWAY);
        UNCHANGED(&l, .kind = OP_HOST_LOST, .host = 2); /* it left nothing to prove */
        led_close(&l);
}
END_TEST

START_TEST(incident_has_last_good_and_closes_online) {
        struct incident *x;
        struct led l;
        uint64_t id;

        led_open(&l, 3);
        l.wall = 2000 * USEC_PER_SEC;
        APPLY(&l, .kind = OP_HOST_LOST, .host = 2, .text = "it left the ring",
              .wall_last_good = 1998 * USEC_PER_SEC);
        id = H(&l, 2)->incident;
        x = led_incident(&l, id);
        ck_assert_int_eq(x->kind, INCIDENT_HOST);
        ck_assert_uint_eq(x->at[STEP_LAST_GOOD], 1998 * USEC_PER_SEC);
        ck_assert_uint_eq(x->at[STEP_DETECTED], 2000 * USEC_PER_SEC);
        l.wall = 2003 * USEC_PER_SEC;
        APPLY(&l, .kind = OP_FENCE_CONFIRM, .host = 2, .text = "ann");
        ck_assert_uint_eq(led_incident(&l, id)->at[STEP_FENCED], 2003 * USEC_PER_SEC);
        l.wall = 2063 * USEC_PER_SEC;
        led_online(&l, 2);
        x = led_incident(&l, id);
        ck_assert(!x->open);
        ck_assert_uint_eq(H(&l, 2)->incident, 0);
        ck_assert_str_eq(x->outcome, "back online");
        ck_assert(led_noted(&l, NOTE_INCIDENT_CLOSED));
        ck_assert_ptr_nonnull(strstr(l.a.rows[l.a.n - 1].note.text,
                                     "detected +2.000 s, fenced +3.000 s, healthy +60.000 s"));
        led_close(&l);
}
END_TEST

START_TEST(stopping_is_away_or_unsupervised) {
        struct led l;

        led_open(&l, 3);
        UNCHANGED(&l, .kind = OP_HOST_STOPPING, .host = 2, .incarnation = 7);
        APPLY(&l, .kind = OP_HOST_STOPPING, .host = 2, .incarnation = INCARNATION(2));
        ck_assert_int_eq(H(&l, 2)->state, HOST_AWAY);
        ck_assert(H(&l, 2)->left_announced);
        UNCHANGED(&l, .kind = OP_HOST_STOPPING, .host = 2, .incarnation = INCARNATION(2));
        led_running(&l, "web", 3);
        APPLY(&l, .kind = OP_HOST_STOPPING, .host = 3, .incarnation = INCARNATION(3));
        ck_assert_int_eq(H(&l, 3)->state, HOST_UNSUPERVISED);
        ck_assert(led_noted(&l, NOTE_HOST_UNSUPERVISED));
        led_lose(&l, 3); /* its guests are still its own */
        ck_assert_uint_eq(l.m.guests[0].claims, 1u << 2);
        led_close(&l);
}
END_TEST

START_TEST(remove_keeps_the_other_hosts_bits) {
        struct led l;
        uint32_t a, b, d;

        led_open(&l, 4);
        a = led_running(&l, "a", 1);
        b = led_running(&l, "b", 3);
        d = led_running(&l, "d", 4);
        G(&l, a)->tried = 1u << 3 | 1u << 1 | 1u << 0;
        APPLY(&l, .kind = OP_HOST_STOPPING, .host = 2, .incarnation = INCARNATION(2));
        CHANGED(&l, .kind = OP_HOST_REMOVE, .host = 2);
        ck_assert_uint_eq(l.a.n, 1); /* history knows whose it was when its number is another's */
        ck_assert_str_eq(l.a.rows[0].host_name, "node2");
        ck_assert_uint_eq(l.m.n_hosts, 3);
        ck_assert_int_eq(model_host_index(&l.m, 3), 1);
        ck_assert_uint_eq(G(&l, a)->claims, 1u << 0);
        ck_assert_uint_eq(G(&l, b)->claims, 1u << 1);
        ck_assert_uint_eq(G(&l, d)->claims, 1u << 2);
        ck_assert_uint_eq(G(&l, b)->claim[1].gen, 1);
        ck_assert_uint_eq(G(&l, d)->claim[2].gen, 1);
        ck_assert_uint_eq(G(&l, d)->claim[3].gen, 0);
        ck_assert_uint_eq(G(&l, a)->tried, 1u << 2 | 1u << 0);
        /* And they still are what they were: the claim of node 4 ends with node 4's report only. */
        CHANGED(&l, .kind = OP_GUEST_SEEN, .gid = d, .host = 4, .gen = 1, .seen = SEEN_GONE,
                .end_why = END_FAILED);
        ck_assert_uint_eq(G(&l, d)->claims, 0);
        led_close(&l);
}
END_TEST

START_TEST(remove_is_refused_while_it_matters) {
        struct led l;

        led_open(&l, 3);
        led_device(&l, "bmc2", 2);
        UNCHANGED(&l, .kind = OP_HOST_REMOVE, .host = 2); /* online */
        led_running(&l, "web", 2);
        led_lose(&l, 2);
        UNCHANGED(&l, .kind = OP_HOST_REMOVE, .host = 2); /* lost */
        led_fenced(&l, led_fence(&l, 2, FENCE_OFF, "bmc2"), FENCE_PROVEN_OFF);
        ck_assert_int_eq(H(&l, 2)->state, HOST_OFF);
        ck_assert_uint_ne(led_fence(&l, 2, FENCE_ON, "bmc2"), 0);
        UNCHANGED(&l, .kind = OP_HOST_REMOVE, .host = 2); /* being switched on */
        led_fenced(&l, l.m.fence_jobs[0].id, FENCE_FAILED);
        CHANGED(&l, .kind = OP_HOST_REMOVE, .host = 2);
        led_close(&l);
}
END_TEST

/* A claim that is newer than the loss (it cannot be, but for a mistake) is not ended by its proof,
 * and a host with a claim is not removed. */
START_TEST(proof_ends_only_claims_before_the_loss) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        led_lose(&l, 2);
        G(&l, gid)->claim[1].version = l.m.version + 1;
        APPLY(&l, .kind = OP_FENCE_CONFIRM, .host = 2, .text = "ann");
        ck_assert_int_eq(H(&l, 2)->state, HOST_OFF);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        UNCHANGED(&l, .kind = OP_HOST_REMOVE, .host = 2);
        led_close(&l);
}
END_TEST

/* A QEMU that is still there, even crashed, keeps the claim (S1). */
START_TEST(report_of_a_crashed_one_keeps_the_claim) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        led_lose(&l, 2);
        led_join(&l, 2);
        report(&l, 2, gid, SEEN_CRASHED);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        ck_assert_int_eq(G(&l, gid)->state, GUEST_FAILED);
        led_close(&l);
}
END_TEST

/* What hung goes on being ended when its hawd restarts meanwhile: it is not taken for a guest that
 * runs, which would first have to become healthy to be seen hanging. */
START_TEST(report_of_one_that_is_to_be_ended) {
        static const struct {
                enum end_why why;
                enum seen_state seen, then;
                enum guest_state state;
        } rows[] = {
                {END_HANG, SEEN_RUNNING, SEEN_RUNNING, GUEST_FAILED},
                {END_WATCHDOG, SEEN_PAUSED, SEEN_PAUSED, GUEST_FAILED},
                {END_CRASHED, SEEN_CRASHED, SEEN_CRASHED, GUEST_FAILED},
                {END_HANG, SEEN_RUNNING, SEEN_GONE, GUEST_FAILED},
                {END_NONE, SEEN_RUNNING, SEEN_RUNNING, GUEST_RUNNING},
        };
        struct led l;
        uint32_t gid;
        struct op op = {.kind = OP_HOST_REPORT, .host = 2, .incarnation = INCARNATION(2)};

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        if (rows[_i].why != END_NONE)
                CHANGED(&l, .kind = OP_GUEST_SEEN, .gid = gid, .host = 2, .seen = rows[_i].seen,
                        .end_why = rows[_i].why, .gen = G(&l, gid)->gen);
        led_join(&l, 2);
        op.seen_list = xcalloc(1, sizeof(struct seen));
        op.n_seen = rows[_i].then == SEEN_GONE ? 0 : 1;
        op.seen_list[0] = (struct seen){gid, rows[_i].then};
        led_apply(&l, op);
        ck_assert_int_eq(G(&l, gid)->state, rows[_i].state);
        ck_assert_int_eq(G(&l, gid)->recovery.why,
                         rows[_i].then == SEEN_GONE ? END_NONE : rows[_i].why);
        ck_assert_uint_eq(G(&l, gid)->recovery.failures, rows[_i].why != END_NONE);
        ck_assert_uint_eq(G(&l, gid)->claims, rows[_i].then == SEEN_GONE ? 0 : 1u << 1);
        led_close(&l);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("apply_host");
        TCase *tc = unit_case(s, "hosts");

        tcase_add_test(tc, add_once);
        tcase_add_test(tc, stale_version_is_refused);
        tcase_add_test(tc, each_op_is_dropped_alone);
        tcase_add_test(tc, join_report_online);
        tcase_add_test(tc, join_said_twice_counts_once);
        tcase_add_test(tc, join_takes_jobs_and_leaves_claims);
        tcase_add_test(tc, report_keeps_or_ends_claims);
        tcase_add_test(tc, report_of_a_foreign_guest_changes_nothing_of_it);
        tcase_add_test(tc, report_of_a_crashed_one_keeps_the_claim);
        tcase_add_test(tc, lost_keeps_claims_and_counts_losses);
        tcase_add_test(tc, lost_needs_a_host_that_takes_part);
        tcase_add_test(tc, incident_has_last_good_and_closes_online);
        tcase_add_test(tc, stopping_is_away_or_unsupervised);
        tcase_add_test(tc, remove_keeps_the_other_hosts_bits);
        tcase_add_test(tc, remove_is_refused_while_it_matters);
        tcase_add_test(tc, proof_ends_only_claims_before_the_loss);
        tcase_add_loop_test(tc, report_of_one_that_is_to_be_ended, 0, 5);
        return s;
}

UNIT_MAIN(suite)
