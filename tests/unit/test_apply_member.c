/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ledger: votes, what an even split has proven, quarantine (S2, S4, L3).
 */
#include "tests/unit/ledger_fixture.h"

START_TEST(vote_is_taken_and_given) {
        struct led l;

        led_open(&l, 3);
        UNCHANGED(&l, .kind = OP_HOST_VOTE, .host = 3, .flag = true); /* it has one */
        CHANGED(&l, .kind = OP_HOST_VOTE, .host = 3);
        ck_assert(H(&l, 3)->no_vote);
        ck_assert_uint_eq(ledger_voters(&l.m), 2);
        ck_assert(led_noted(&l, NOTE_HOST_VOTE));
        UNCHANGED(&l, .kind = OP_HOST_VOTE, .host = 3);
        CHANGED(&l, .kind = OP_HOST_VOTE, .host = 3, .flag = true);
        ck_assert_uint_eq(ledger_voters(&l.m), 3);
        UNCHANGED(&l, .kind = OP_HOST_VOTE, .host = 3,
                  .host_version = H(&l, 3)->version - 1); /* decided before */
        led_close(&l);
}
END_TEST

/* A ledger without a voter could never be changed again. */
START_TEST(last_vote_stays) {
        struct led l;

        led_open(&l, 2);
        CHANGED(&l, .kind = OP_HOST_VOTE, .host = 2);
        UNCHANGED(&l, .kind = OP_HOST_VOTE, .host = 1);
        led_lose(&l, 1);
        UNCHANGED(&l, .kind = OP_HOST_PROVEN, .host = 1, .proof = PROOF_OPERATOR);
        led_close(&l);
}
END_TEST

START_TEST(proven_absent_is_lost_and_off_in_one) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        UNCHANGED(&l, .kind = OP_HOST_PROVEN, .host = 2, .proof = PROOF_NONE);
        APPLY(&l, .kind = OP_HOST_PROVEN, .host = 2, .proof = PROOF_DEVICES, .text = "read off");
        ck_assert(H(&l, 2)->no_vote);
        ck_assert_int_eq(H(&l, 2)->state, HOST_OFF);
        ck_assert_int_eq(H(&l, 2)->proof, PROOF_DEVICES);
        ck_assert_uint_eq(H(&l, 2)->losses, 1);
        ck_assert_uint_eq(G(&l, gid)->claims, 0);
        ck_assert_int_eq(G(&l, gid)->state, GUEST_FAILED);
        led_close(&l);
}
END_TEST

/* "Gone" says only that it goes on with nobody: what runs there runs. */
START_TEST(gone_is_no_proof_of_off) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        APPLY(&l, .kind = OP_HOST_STOPPING, .host = 2, .incarnation = INCARNATION(2));
        ck_assert_int_eq(H(&l, 2)->state, HOST_UNSUPERVISED);
        APPLY(&l, .kind = OP_HOST_PROVEN, .host = 2, .proof = PROOF_GONE);
        ck_assert(H(&l, 2)->no_vote);
        ck_assert_int_eq(H(&l, 2)->state, HOST_UNSUPERVISED);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        led_close(&l);
}
END_TEST

/* A fence job of before the split says nothing of this loss. */
START_TEST(proven_absent_calls_its_fencing_off) {
        struct led l;

        led_open(&l, 2);
        led_device(&l, "bmc2", 2);
        led_lose(&l, 2);
        ck_assert_uint_ne(led_fence(&l, 2, FENCE_OFF, "bmc2"), 0);
        APPLY(&l, .kind = OP_HOST_PROVEN, .host = 2, .proof = PROOF_DEVICES, .text = "read off");
        ck_assert_int_eq(H(&l, 2)->state, HOST_OFF);
        ck_assert(l.m.fence_jobs[0].cancelling);
        led_close(&l);
}
END_TEST

START_TEST(fenced_too_often_is_quarantined_until_released) {
        struct led l;
        uint32_t gid;

        led_open(&l, 3);
        led_lose(&l, 3);
        APPLY(&l, .kind = OP_FENCE_CONFIRM, .host = 3, .text = "ann");
        led_join(&l, 3);
        APPLY(&l, .kind = OP_HOST_REPORT, .host = 3, .incarnation = INCARNATION(3));
        APPLY(&l, .kind = OP_HOST_ONLINE, .host = 3, .flag = true, .text = "fenced too often");
        ck_assert_int_eq(H(&l, 3)->state, HOST_QUARANTINED);
        gid = led_add(&l, "web");
        UNCHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 3);
        UNCHANGED(&l, .kind = OP_HOST_RELEASE, .host = 1, .text = "ann");
        ck_assert_int_eq(l.a.code, REPLY_USAGE);
        CHANGED(&l, .kind = OP_HOST_RELEASE, .host = 3, .text = "ann");
        ck_assert_int_eq(H(&l, 3)->state, HOST_ONLINE);
        CHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 3);
        led_close(&l);
}
END_TEST

START_TEST(renamed_is_the_same_host) {
        struct led l;
        uint32_t gid;

        led_open(&l, 3);
        gid = led_running(&l, "web", 2);
        APPLY(&l, .kind = OP_RULE_SET, .name = "where", .rule_kind = RULE_REQUIRE,
              .list = blob_new("web", 3), .list2 = blob_new("node1 node2", 11));
        APPLY(&l, .kind = OP_RULE_SET, .name = "not", .rule_kind = RULE_AVOID,
              .list = blob_new("web", 3), .list2 = blob_new("node20 node3", 12));
        UNCHANGED(&l, .kind = OP_HOST_RENAME, .host = 2, .name = "node2");
        UNCHANGED(&l, .kind = OP_HOST_RENAME, .host = 2, .name = "node3"); /* another's */
        UNCHANGED(&l, .kind = OP_HOST_RENAME, .host = 9, .name = "node9");
        UNCHANGED(&l, .kind = OP_HOST_RENAME, .host = 2, .name = "no name");
        CHANGED(&l, .kind = OP_HOST_RENAME, .host = 2, .name = "a-much-longer-name");
        ck_assert(led_noted(&l, NOTE_HOST_RENAMED));
        ck_assert_str_eq(H(&l, 2)->name, "a-much-longer-name");
        ck_assert_int_eq(H(&l, 2)->state, HOST_ONLINE);
        ck_assert_uint_eq(G(&l, gid)->claims, 2);
        ck_assert_str_eq(model_rule(&l.m, "where")->hosts->data, "node1 a-much-longer-name");
        ck_assert_str_eq(model_rule(&l.m, "not")->hosts->data, "node20 node3");
        led_close(&l);
}
END_TEST

static Suite *apply_member_suite(void) {
        Suite *s = suite_create("apply_member");
        TCase *tc = unit_case(s, "votes");

        tcase_add_test(tc, vote_is_taken_and_given);
        tcase_add_test(tc, last_vote_stays);
        tcase_add_test(tc, proven_absent_is_lost_and_off_in_one);
        tcase_add_test(tc, gone_is_no_proof_of_off);
        tcase_add_test(tc, proven_absent_calls_its_fencing_off);
        tcase_add_test(tc, renamed_is_the_same_host);
        tc = unit_case(s, "quarantine");
        tcase_add_test(tc, fenced_too_often_is_quarantined_until_released);
        return s;
}

UNIT_MAIN(apply_member_suite)
