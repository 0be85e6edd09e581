/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The lease (S7): what renews it, what does not, and when the others may count on its end.
 */
#include "hawd/core/lease.h"
#include "tests/unit/net_fixture.h"

#define ALL M(1, 2, 3)

static struct net *started(uint32_t nodes, uint32_t mask) {
        struct net *n = net_new(nodes);

        net_devices(n);
        n->half_quorate = n->two_node = nodes == 2;
        net_group(n, mask);
        net_pass(n, 10 * USEC_PER_SEC);
        ck_assert(net_operational(n, mask));
        return n;
}

static usec_t renewed(struct net *n, uint32_t id) {
        return net_status(n, id).lease_renewed;
}

static usec_t length(const struct net *n) {
        return 2 * n->config.heartbeat_usec;
}

/* @members have heard, in this order, of node 1's heartbeat of @sent. */
static void echo(struct net *n, uint32_t member, uint32_t of, usec_t sent) {
        struct msg *m = msg_new(MSG_HEARTBEAT);

        m->heartbeat.sent_usec = n->now;
        m->heartbeat.n_echoes = 1;
        m->heartbeat.echoes[0].nodeid = of;
        m->heartbeat.echoes[0].sent_usec = sent;
        TELL(n, 1, .kind = EV_MESSAGE,
             .message = {.from = {member, n->nodes[member].pid}, .msg = m});
        msg_unref(m);
}

START_TEST(echoes_of_a_majority_renew_it) {
        struct net *n = started(3, ALL);

        for (uint32_t i = 1; i <= 3; i++)
                ck_assert(lease_held(renewed(n, i), n->now, length(n)));
        n->nodes[3].hangs = true; /* one of three is not needed */
        net_pass(n, 3 * USEC_PER_SEC);
        ck_assert(lease_held(renewed(n, 1), n->now, length(n)));
        net_free(n);
}
END_TEST

/* It hears itself for ever. */
START_TEST(alone_it_runs_out) {
        struct net *n = started(3, ALL);
        usec_t cut = n->now;

        net_group(n, M(3));
        net_group(n, M(1, 2));
        net_pass(n, 20 * USEC_PER_SEC);
        ck_assert_uint_le(renewed(n, 3), cut);
        ck_assert_uint_gt(renewed(n, 3), 0);
        ck_assert(!lease_held(renewed(n, 3), n->now, 10 * USEC_PER_SEC));
        ck_assert(lease_held(renewed(n, 1), n->now, length(n)));
        net_free(n);
}
END_TEST

/* Half of the votes is no majority: the other half may decide as well. */
START_TEST(half_is_not_enough) {
        struct net *n = started(4, M(1, 2, 3, 4));
        usec_t cut = n->now;

        net_group(n, M(1, 2));
        net_pass(n, 5 * USEC_PER_SEC);
        ck_assert_uint_le(renewed(n, 1), cut);
        net_free(n);
}
END_TEST

START_TEST(two_need_each_other) {
        struct net *n = started(2, M(1, 2));
        usec_t cut = n->now;

        ck_assert(lease_held(renewed(n, 1), n->now, length(n)));
        n->obeys = false;
        n->power[2] = READING_NONE; /* nothing proves the other off */
        net_group(n, M(1));
        net_pass(n, 60 * USEC_PER_SEC);
        ck_assert_uint_le(renewed(n, 1), cut);
        net_free(n);
}
END_TEST

/* Node 3 was proven off and votes no more, which it does not know; with one of those who do know it
 * is no majority: the other one may have gone on alone. */
START_TEST(a_list_of_the_past_is_not_counted) {
        struct net *n = net_new(3);
        usec_t cut;

        n->last_man_standing = true;
        net_devices(n);
        net_group(n, ALL);
        net_pass(n, 20 * USEC_PER_SEC);
        cut = n->now;
        net_group(n, M(3));
        net_group(n, M(1, 2));
        net_pass(n, 20 * USEC_PER_SEC);
        ck_assert(net_model(n, 1)->hosts[2].no_vote);
        ck_assert(!net_model(n, 3)->hosts[2].no_vote);
        n->obeys = false;
        n->power[1] = READING_NONE;
        net_group(n, M(1));
        net_group(n, M(2, 3));
        net_pass(n, 10 * USEC_PER_SEC);
        ck_assert_uint_le(renewed(n, 3), cut);
        net_free(n);
}
END_TEST

/* One that lost its ledger may have decided with others a moment ago. */
START_TEST(who_lost_its_ledger_is_not_counted) {
        struct net *n = started(3, ALL);
        usec_t cut = n->now;

        net_crash(n, 2);
        net_wipe(n, 2);
        net_boot(n, 2);
        net_group(n, M(1));
        net_group(n, M(2, 3));
        net_pass(n, 10 * USEC_PER_SEC);
        ck_assert_uint_le(renewed(n, 3), cut);
        net_group(n, ALL); /* it stores ours */
        net_pass(n, 3 * USEC_PER_SEC);
        net_group(n, M(1));
        net_group(n, M(2, 3));
        net_pass(n, 10 * USEC_PER_SEC);
        ck_assert(lease_held(renewed(n, 3), n->now, length(n)));
        net_free(n);
}
END_TEST

/* Once the other is proven off and the ledger says so, nobody is left who could give it up. */
START_TEST(the_only_voter_needs_nobody) {
        struct net *n = started(2, M(1, 2));

        net_group(n, M(1));
        net_pass(n, 60 * USEC_PER_SEC);
        ck_assert(net_operational(n, M(1)));
        ck_assert(net_model(n, 1)->hosts[1].no_vote);
        ck_assert(lease_held(renewed(n, 1), n->now, length(n)));
        net_free(n);
}
END_TEST

/* The hawd of node 3 stands still, the others part from it; then it takes what waited for it. */
START_TEST(queued_heartbeats_renew_nothing) {
        struct net *n = started(3, ALL);
        usec_t stopped;

        n->nodes[3].hangs = true;
        stopped = n->now;
        net_pass(n, 3 * USEC_PER_SEC); /* theirs, which echo its last one, wait in its queue */
        net_group(n, M(1, 2));
        net_pass(n, 30 * USEC_PER_SEC);
        n->nodes[3].hangs = false;
        TELL(n, 3, .kind = EV_TIMEOUT); /* it sends one of now, in a configuration of the past */
        net_run(n);
        ck_assert_uint_le(renewed(n, 3), stopped);
        ck_assert(!lease_held(renewed(n, 3), n->now, 20 * USEC_PER_SEC));
        net_free(n);
}
END_TEST

/* Of a time before this hawd, of the future, of somebody else's: another's word is not trusted. */
START_TEST(echoes_of_what_was_not_sent) {
        struct net *n = started(3, ALL);
        usec_t before = renewed(n, 1);

        n->now += 5 * USEC_PER_SEC;
        TELL(n, 1, .kind = EV_TIMEOUT); /* it sends one, which nobody has got */
        ck_assert_uint_eq(renewed(n, 1), before);
        echo(n, 2, 1, n->now + 1);
        echo(n, 2, 1, USEC_INFINITY);
        echo(n, 2, 3, n->now);
        echo(n, 1, 1, n->now); /* its own */
        ck_assert_uint_eq(renewed(n, 1), before);
        echo(n, 2, 1, n->now);
        ck_assert_uint_eq(renewed(n, 1), n->now);
        net_free(n);
}
END_TEST

/* The host's clock began anew with it, so that a number of before may look like one of now. */
START_TEST(echoes_of_the_hawd_before) {
        struct net *n = started(3, ALL);
        usec_t boot;

        net_crash(n, 1);
        net_group(n, M(2, 3));
        n->now += 5 * USEC_PER_SEC;
        boot = n->now;
        net_boot(n, 1);
        net_group(n, ALL);
        net_run(n);
        n->now += 5 * USEC_PER_SEC;
        ck_assert_uint_eq(renewed(n, 1), 0);
        echo(n, 2, 1, boot - USEC_PER_SEC);
        ck_assert_uint_eq(renewed(n, 1), 0);
        echo(n, 2, 1, boot);
        ck_assert_uint_eq(renewed(n, 1), boot);
        net_free(n);
}
END_TEST

/* An echo of an older one, late, takes nothing back. */
START_TEST(it_never_goes_back) {
        struct net *n = started(3, ALL);
        usec_t first = renewed(n, 1);

        net_pass(n, 5 * USEC_PER_SEC);
        ck_assert_uint_gt(renewed(n, 1), first);
        first = renewed(n, 1);
        echo(n, 2, 1, first - USEC_PER_SEC);
        ck_assert_uint_ge(renewed(n, 1), first);
        net_free(n);
}
END_TEST

START_TEST(nobody_holds_one_before_it_has_a_ledger) {
        struct net *n = net_new(3);

        net_group(n, M(1));
        net_pass(n, 10 * USEC_PER_SEC);
        ck_assert_uint_eq(renewed(n, 1), 0);
        ck_assert(!lease_held(0, n->now, USEC_INFINITY));
        net_free(n);
}
END_TEST

START_TEST(when_the_others_may_count_on_its_end) {
        /* 10 s, twice 10 s, and a tenth of all that */
        ck_assert_uint_eq(lease_gone_after(10 * USEC_PER_SEC, 10 * USEC_PER_SEC),
                          33 * USEC_PER_SEC);
        ck_assert_uint_eq(lease_gone_after(5 * USEC_PER_SEC, 60 * USEC_PER_SEC), 137500000);
        ck_assert_uint_eq(lease_gone_after(10 * USEC_PER_SEC, 0), USEC_INFINITY); /* not armed */
        ck_assert_uint_eq(lease_gone_after(10 * USEC_PER_SEC, USEC_INFINITY), USEC_INFINITY);
        ck_assert_uint_eq(lease_gone_after(USEC_INFINITY, USEC_PER_SEC), USEC_INFINITY);
        ck_assert(lease_held(100, 199, 100));
        ck_assert(!lease_held(100, 200, 100));
        ck_assert(lease_held(100, USEC_INFINITY - 1, USEC_INFINITY));
}
END_TEST

static Suite *lease_suite(void) {
        Suite *s = suite_create("lease");
        TCase *tc = unit_case(s, "lease");

        tcase_add_test(tc, echoes_of_a_majority_renew_it);
        tcase_add_test(tc, alone_it_runs_out);
        tcase_add_test(tc, half_is_not_enough);
        tcase_add_test(tc, two_need_each_other);
        tcase_add_test(tc, a_list_of_the_past_is_not_counted);
        tcase_add_test(tc, who_lost_its_ledger_is_not_counted);
        tcase_add_test(tc, the_only_voter_needs_nobody);
        tcase_add_test(tc, queued_heartbeats_renew_nothing);
        tcase_add_test(tc, echoes_of_what_was_not_sent);
        tcase_add_test(tc, echoes_of_the_hawd_before);
        tcase_add_test(tc, it_never_goes_back);
        tcase_add_test(tc, nobody_holds_one_before_it_has_a_ledger);
        tcase_add_test(tc, when_the_others_may_count_on_its_end);
        return s;
}

UNIT_MAIN(lease_suite)
