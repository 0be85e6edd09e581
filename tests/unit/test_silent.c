/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A member that hangs: the others go on without it, its guests are not touched, and it joins anew;
 * but never does a lesser part leave out the greater (S4, S5, L2).
 */
#include "tests/unit/net_fixture.h"

#define ALL M(1, 2, 3)

static struct net *started(void) {
        struct net *n = net_new(3);

        net_group(n, ALL);
        net_pass(n, 10 * USEC_PER_SEC);
        ck_assert(net_operational(n, ALL));
        return n;
}

START_TEST(the_others_go_on) {
        struct net *n = started();
        uint64_t epoch = net_status(n, 1).epoch;

        n->nodes[3].hangs = true;
        net_pass(n, 3 * USEC_PER_SEC);
        ck_assert_uint_eq(net_status(n, 1).epoch, epoch); /* a pause is nobody's silence */
        net_pass(n, 10 * USEC_PER_SEC);
        ck_assert_uint_gt(net_status(n, 1).epoch, epoch);
        ck_assert(net_operational(n, M(1, 2)));
        ck_assert_uint_eq(n->nodes[1].notes[NOTE_PEER_SILENT], 1);
        ck_assert_int_eq(net_model(n, 1)->hosts[2].state, HOST_ONLINE); /* daemon-grace */
        net_rule(n, 1, "meanwhile", 1);
        net_run(n);
        ck_assert(net_has(n, 2, "meanwhile"));
        n->nodes[3].hangs = false;
        net_run(n);
        ck_assert_uint_eq(n->nodes[3].rejoins, 1);
        ck_assert(!net_operational(n, M(3)));
        net_rule(n, 3, "late", 1); /* what it had to say is of another configuration */
        net_run(n);
        ck_assert(!net_has(n, 1, "late"));
        net_group(n, M(1, 2)); /* as it asked for */
        net_group(n, ALL);
        net_run(n);
        ck_assert(net_operational(n, ALL));
        ck_assert(net_same(n, ALL));
        net_free(n);
}
END_TEST

/* It would hold up the exchange of all. */
START_TEST(one_that_hangs_already_holds_up_nobody) {
        struct net *n = started();

        n->nodes[3].hangs = true;
        net_group(n, ALL);
        net_run(n);
        ck_assert(!net_operational(n, M(1)));
        net_pass(n, 10 * USEC_PER_SEC);
        ck_assert(net_operational(n, M(1, 2)));
        net_free(n);
}
END_TEST

START_TEST(one_of_three_leaves_out_nobody) {
        struct net *n = started();
        uint64_t epoch = net_status(n, 1).epoch;

        n->nodes[2].hangs = n->nodes[3].hangs = true;
        net_pass(n, USEC_PER_MINUTE);
        ck_assert_ptr_null(net_said(n, 1, MSG_EXCLUDE));
        ck_assert_uint_eq(net_status(n, 1).epoch, epoch);
        net_free(n);
}
END_TEST

START_TEST(words_to_leave_out_most_are_dropped) {
        struct net *n = started();
        struct msg *m = msg_new(MSG_EXCLUDE);
        uint64_t epoch = net_status(n, 1).epoch;

        m->view = net_said(n, 1, MSG_EXCHANGE)->view;
        m->exclude.n = 2;
        for (uint32_t i = 0; i < 2; i++)
                m->exclude.members[i] = (struct ring_member){i + 1, n->nodes[i + 1].pid};
        TELL(n, 2, .kind = EV_MESSAGE, .message = {.from = {3, n->nodes[3].pid}, .msg = m});
        net_run(n);
        ck_assert_uint_eq(n->nodes[2].rejoins, 0);
        ck_assert_uint_eq(net_status(n, 2).epoch, epoch);
        m->view++; /* and words of another configuration */
        m->exclude.n = 1;
        TELL(n, 2, .kind = EV_MESSAGE, .message = {.from = {3, n->nodes[3].pid}, .msg = m});
        ck_assert_int_eq(net_status(n, 2).phase, SYNC_DONE);
        msg_unref(m);
        net_free(n);
}
END_TEST

/* What was not heard while this member stood still is nobody's silence. */
START_TEST(own_pause_blames_nobody) {
        struct net *n = started();

        n->nodes[1].hangs = n->nodes[2].hangs = n->nodes[3].hangs = true;
        net_pass(n, USEC_PER_MINUTE);
        n->nodes[1].hangs = n->nodes[2].hangs = n->nodes[3].hangs = false;
        net_pass(n, 3 * USEC_PER_SEC);
        for (uint32_t i = 1; i <= 3; i++)
                ck_assert_ptr_null(net_said(n, i, MSG_EXCLUDE));
        ck_assert(net_operational(n, ALL));
        net_free(n);
}
END_TEST

static Suite *silent_suite(void) {
        Suite *s = suite_create("silent");
        TCase *tc = unit_case(s, "silent");

        tcase_add_test(tc, the_others_go_on);
        tcase_add_test(tc, one_that_hangs_already_holds_up_nobody);
        tcase_add_test(tc, one_of_three_leaves_out_nobody);
        tcase_add_test(tc, words_to_leave_out_most_are_dropped);
        tcase_add_test(tc, own_pause_blames_nobody);
        return s;
}

UNIT_MAIN(silent_suite)
