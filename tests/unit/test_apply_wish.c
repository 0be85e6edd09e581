/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ledger: what a person asks for: guests, moves, deletions, rules.
 */
#include "tests/unit/ledger_fixture.h"

START_TEST(add_without_a_host_waits) {
        struct led l;
        uint32_t gid;

        led_open(&l, 1);
        gid = led_add(&l, "web");
        ck_assert_int_eq(G(&l, gid)->state, GUEST_FAILED);
        ck_assert_uint_eq(G(&l, gid)->claims, 0);
        ck_assert(led_noted(&l, NOTE_GUEST_ADDED));
        UNCHANGED(&l, .kind = OP_GUEST_ADD, .spec = led_spec("web"));
        ck_assert_int_eq(l.a.code, REPLY_USAGE);
        UNCHANGED(&l, .kind = OP_GUEST_ADD);
        led_close(&l);
}
END_TEST

START_TEST(add_refuses_a_uuid_that_is_there) {
        struct guest_spec *s = led_spec("other");
        struct led l;

        led_open(&l, 1);
        led_add(&l, "web");
        text_set(s->uuid, sizeof(s->uuid), l.m.guests[0].spec->uuid);
        UNCHANGED(&l, .kind = OP_GUEST_ADD, .spec = s);
        ck_assert_int_eq(l.a.code, REPLY_USAGE);
        led_close(&l);
}
END_TEST

START_TEST(add_where_it_runs_gives_the_claim) {
        struct led l;
        struct guest *g;

        led_open(&l, 2);
        CHANGED(&l, .kind = OP_GUEST_ADD, .spec = led_spec("web"), .host = 2);
        g = &l.m.guests[0];
        ck_assert_uint_eq(g->claims, 1u << 1);
        ck_assert_uint_eq(g->claim[1].gen, g->gen);
        ck_assert_int_eq(g->state, GUEST_RUNNING);
        led_lose(&l, 2);
        UNCHANGED(&l, .kind = OP_GUEST_ADD, .spec = led_spec("db"), .host = 2);
        ck_assert_int_eq(l.a.code, REPLY_FAILED);
        led_close(&l);
}
END_TEST

START_TEST(set_keeps_name_and_uuid) {
        struct guest_spec *s = led_spec("web");
        struct led l;
        uint32_t gid;

        led_open(&l, 1);
        gid = led_add(&l, "web");
        UNCHANGED(&l, .kind = OP_GUEST_SET, .gid = gid, .spec = led_spec("other"));
        ck_assert_int_eq(l.a.code, REPLY_USAGE);
        s->conf.priority = 500;
        CHANGED(&l, .kind = OP_GUEST_SET, .gid = gid, .spec = s);
        ck_assert_int_eq(G(&l, gid)->spec->conf.priority, 500);
        led_close(&l);
}
END_TEST

START_TEST(recover_forgets_the_failures) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        APPLY(&l, .kind = OP_GUEST_SEEN, .gid = gid, .host = 2, .gen = 1, .seen = SEEN_GONE,
              .end_why = END_FAILED);
        G(&l, gid)->recovery.taken[RUNG_RESTART] = 3;
        APPLY(&l, .kind = OP_GUEST_REASON, .gid = gid, .guest_state = GUEST_BLOCKED, .text = "why");
        CHANGED(&l, .kind = OP_GUEST_RECOVER, .gid = gid, .text = "ann");
        ck_assert_int_eq(G(&l, gid)->state, GUEST_FAILED);
        ck_assert_uint_eq(G(&l, gid)->recovery.failures, 0);
        ck_assert_uint_eq(G(&l, gid)->recovery.taken[RUNG_RESTART], 0);
        ck_assert_int_eq(G(&l, gid)->recovery.why, END_FAILED); /* it is still to be recovered */
        APPLY(&l, .kind = OP_GUEST_DESIRE, .gid = gid, .desired = DESIRED_STOPPED);
        UNCHANGED(&l, .kind = OP_GUEST_RECOVER, .gid = gid, .text = "ann");
        ck_assert_int_eq(l.a.code, REPLY_USAGE);
        ck_assert_ptr_nonnull(strstr(l.a.text, "hawctl guest start web"));
        led_close(&l);
}
END_TEST

START_TEST(desire_stopped_and_running) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_add(&l, "web");
        led_start(&l, gid, 2);
        led_done(&l, gid, RESULT_FAILED);
        ck_assert_uint_ne(G(&l, gid)->tried, 0);
        CHANGED(&l, .kind = OP_GUEST_DESIRE, .gid = gid, .desired = DESIRED_RUNNING);
        ck_assert_uint_eq(G(&l, gid)->tried, 0); /* a person asks: every host again */
        ck_assert_uint_eq(G(&l, gid)->start_failures, 0);
        CHANGED(&l, .kind = OP_GUEST_DESIRE, .gid = gid, .desired = DESIRED_STOPPED, .text = "ann");
        ck_assert_int_eq(G(&l, gid)->state, GUEST_STOPPED);
        ck_assert(led_noted(&l, NOTE_GUEST_DESIRED));
        ck_assert_str_eq(l.a.rows[0].note.text, "web is wanted stopped, by ann");
        led_close(&l);
}
END_TEST

/* A wish does not end a claim: only the job that carries it out does. */
START_TEST(desire_keeps_the_claim) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        APPLY(&l, .kind = OP_GUEST_DESIRE, .gid = gid, .desired = DESIRED_STOPPED);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        led_lose(&l, 2);
        APPLY(&l, .kind = OP_GUEST_DESIRE, .gid = gid, .desired = DESIRED_RUNNING);
        APPLY(&l, .kind = OP_GUEST_DELETE, .gid = gid, .flag = true);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        led_close(&l);
}
END_TEST

START_TEST(pause_and_resume_where_they_make_sense) {
        struct led l;
        uint32_t gid, stopped;

        led_open(&l, 2);
        stopped = led_add(&l, "stopped");
        gid = led_running(&l, "web", 2);
        UNCHANGED(&l, .kind = OP_GUEST_DESIRE, .gid = stopped, .desired = DESIRED_PAUSED);
        ck_assert_int_eq(l.a.code, REPLY_USAGE);
        UNCHANGED(&l, .kind = OP_GUEST_DESIRE, .gid = gid, .desired = DESIRED_RUNNING,
                  .flag = true); /* resume of what is not paused */
        CHANGED(&l, .kind = OP_GUEST_DESIRE, .gid = gid, .desired = DESIRED_PAUSED);
        CHANGED(&l, .kind = OP_GUEST_DESIRE, .gid = gid, .desired = DESIRED_RUNNING, .flag = true);
        led_close(&l);
}
END_TEST

START_TEST(move_needs_a_running_guest_and_an_online_host) {
        struct led l;
        uint32_t gid;

        led_open(&l, 3);
        gid = led_running(&l, "web", 2);
        UNCHANGED(&l, .kind = OP_GUEST_MOVE, .gid = gid, .host = 2);
        ck_assert_int_eq(l.a.code, REPLY_USAGE);
        UNCHANGED(&l, .kind = OP_GUEST_MOVE, .gid = gid, .host = 9);
        led_lose(&l, 3);
        UNCHANGED(&l, .kind = OP_GUEST_MOVE, .gid = gid, .host = 3);
        ck_assert_int_eq(l.a.code, REPLY_FAILED);
        APPLY(&l, .kind = OP_GUEST_MOVE, .gid = gid, .host = 1, .text = "ann");
        ck_assert_uint_eq(G(&l, gid)->move_to, 1);
        APPLY(&l, .kind = OP_GUEST_DESIRE, .gid = gid, .desired = DESIRED_STOPPED);
        UNCHANGED(&l, .kind = OP_GUEST_MOVE, .gid = gid, .host = 1);
        led_close(&l);
}
END_TEST

/* A move is one stop and one start, wherever it starts then: it does not go on for ever. */
START_TEST(move_is_over_with_the_next_start) {
        struct led l;
        uint32_t gid;

        led_open(&l, 3);
        gid = led_running(&l, "web", 2);
        APPLY(&l, .kind = OP_GUEST_MOVE, .gid = gid, .host = 1, .text = "ann");
        APPLY(&l, .kind = OP_GUEST_JOB, .gid = gid, .host = 2, .job_kind = JOB_STOP);
        led_done(&l, gid, RESULT_DONE);
        led_start(&l, gid, 3);
        ck_assert_uint_eq(G(&l, gid)->move_to, 0);
        led_close(&l);
}
END_TEST

START_TEST(delete_stops_first) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        CHANGED(&l, .kind = OP_GUEST_DELETE, .gid = gid, .flag = true, .text = "ann");
        ck_assert(G(&l, gid)->deleting);
        UNCHANGED(&l, .kind = OP_GUEST_DESIRE, .gid = gid, .desired = DESIRED_RUNNING);
        ck_assert_int_eq(l.a.code, REPLY_USAGE);
        UNCHANGED(&l, .kind = OP_GUEST_MOVE, .gid = gid, .host = 1);
        led_close(&l);
}
END_TEST

START_TEST(remove_lets_go_only_of_what_is_somewhere) {
        struct led l;
        uint32_t gid, waits;

        led_open(&l, 2);
        waits = led_add(&l, "waits");
        UNCHANGED(&l, .kind = OP_GUEST_DELETE, .gid = waits);
        ck_assert_int_eq(l.a.code, REPLY_USAGE);
        gid = led_add(&l, "web");
        led_start(&l, gid, 2);
        UNCHANGED(&l, .kind = OP_GUEST_DELETE, .gid = gid);
        ck_assert_int_eq(l.a.code, REPLY_BUSY);
        led_done(&l, gid, RESULT_DONE);
        CHANGED(&l, .kind = OP_GUEST_DELETE, .gid = gid);
        ck_assert_ptr_null(G(&l, gid));
        led_close(&l);
}
END_TEST

/* S1: its claim would be forgotten with it, while it may run where it was. */
START_TEST(remove_keeps_what_may_run_unseen) {
        struct led l;
        uint32_t gid, ignored;

        led_open(&l, 3);
        gid = led_running(&l, "web", 2);
        ignored = led_running(&l, "old", 2);
        APPLY(&l, .kind = OP_GUEST_DESIRE, .gid = ignored, .desired = DESIRED_IGNORED);
        led_lose(&l, 2);
        UNCHANGED(&l, .kind = OP_GUEST_DELETE, .gid = gid);
        ck_assert_int_eq(l.a.code, REPLY_FAILED);
        ck_assert_str_eq(l.a.text, "web is failed on node2, which is lost: it is let go of only "
                                   "where it runs, under the eyes of hawd");
        UNCHANGED(&l, .kind = OP_GUEST_DELETE, .gid = ignored);
        led_join(&l, 2);
        UNCHANGED(&l, .kind = OP_GUEST_DELETE, .gid = gid); /* it has not said what it runs */
        led_close(&l);
}
END_TEST

START_TEST(rules_are_set_replaced_deleted) {
        struct led l;

        led_open(&l, 2);
        CHANGED(&l, .kind = OP_RULE_SET, .name = "apart", .rule_kind = RULE_SEPARATE, .flag = true,
                .list = blob_new("a b", 3));
        ck_assert_uint_eq(l.m.n_rules, 1);
        ck_assert_str_eq(l.a.rows[0].note.text, "rule apart: separate a b, strict");
        CHANGED(&l, .kind = OP_RULE_SET, .name = "apart", .rule_kind = RULE_PREFER,
                .list = blob_new("a", 1), .list2 = blob_new("node1", 5));
        ck_assert_uint_eq(l.m.n_rules, 1);
        ck_assert_int_eq(l.m.rules[0].kind, RULE_PREFER);
        ck_assert_str_eq(l.m.rules[0].hosts->data, "node1");
        UNCHANGED(&l, .kind = OP_RULE_DELETE, .name = "none");
        ck_assert_int_eq(l.a.code, REPLY_USAGE);
        CHANGED(&l, .kind = OP_RULE_DELETE, .name = "apart");
        ck_assert_uint_eq(l.m.n_rules, 0);
        led_close(&l);
}
END_TEST

START_TEST(wishes_for_a_missing_guest_are_refused) {
        static const enum op_kind kinds[] = {OP_GUEST_SET, OP_GUEST_DESIRE, OP_GUEST_MOVE,
                                             OP_GUEST_DELETE};
        struct led l;

        led_open(&l, 1);
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                UNCHANGED(&l, .kind = kinds[i], .gid = 77, .host = 1);
                ck_assert_int_eq(l.a.code, REPLY_USAGE);
        }
        UNCHANGED(&l, .kind = OP_NONE);
        led_close(&l);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("apply_wish");
        TCase *tc = unit_case(s, "wishes");

        tcase_add_test(tc, add_without_a_host_waits);
        tcase_add_test(tc, add_refuses_a_uuid_that_is_there);
        tcase_add_test(tc, add_where_it_runs_gives_the_claim);
        tcase_add_test(tc, set_keeps_name_and_uuid);
        tcase_add_test(tc, desire_stopped_and_running);
        tcase_add_test(tc, recover_forgets_the_failures);
        tcase_add_test(tc, desire_keeps_the_claim);
        tcase_add_test(tc, pause_and_resume_where_they_make_sense);
        tcase_add_test(tc, move_needs_a_running_guest_and_an_online_host);
        tcase_add_test(tc, move_is_over_with_the_next_start);
        tcase_add_test(tc, delete_stops_first);
        tcase_add_test(tc, remove_lets_go_only_of_what_is_somewhere);
        tcase_add_test(tc, remove_keeps_what_may_run_unseen);
        tcase_add_test(tc, rules_are_set_replaced_deleted);
        tcase_add_test(tc, wishes_for_a_missing_guest_are_refused);
        return s;
}

UNIT_MAIN(suite)
