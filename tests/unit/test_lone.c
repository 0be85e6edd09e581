/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Even splits (DESIGN 3): nothing is decided by a half before every absent voter is proven off, no
 * half starts from what it remembers, and the vote of who was proven off is gone (S1, S2, S4, S5).
 */
#include "tests/unit/net_fixture.h"

#define BOTH M(1, 2)

static const struct host *host(struct net *n, uint32_t at, uint32_t nodeid) {
        return model_host((struct model *)(uintptr_t)net_model(n, at), nodeid);
}

/* All online, and every device seen to read on. */
static void settled(struct net *n, uint32_t mask) {
        net_group(n, mask);
        net_pass(n, 20 * USEC_PER_SEC);
        ck_assert(net_operational(n, mask));
        for (uint32_t i = 1; i <= n->n_nodes; i++) {
                ck_assert_int_eq(host(n, 1, i)->state, HOST_ONLINE);
                ck_assert(net_model(n, 1)->devices[i - 1].seen_on);
                ck_assert(!host(n, 1, i)->no_vote);
                n->nodes[i].looks = n->nodes[i].offs = 0;
        }
}

static struct net *open_net(uint32_t nodes) {
        struct net *n = net_new(nodes);

        n->two_node = nodes == 2;
        n->half_quorate = true;
        net_devices(n);
        settled(n, nodes == 2 ? BOTH : M(1, 2, 3, 4));
        return n;
}

/* Node 2 is gone, with its machine or without. */
static void lose_2(struct net *n) {
        net_crash(n, 2);
        net_group(n, M(1));
}

START_TEST(survivor_fences_and_goes_on) {
        struct net *n = open_net(2);
        uint64_t epoch = net_status(n, 1).epoch;

        lose_2(n);
        net_run(n);
        ck_assert_uint_eq(n->nodes[1].offs, 1);
        ck_assert(net_operational(n, M(1)));
        ck_assert_uint_gt(net_status(n, 1).epoch, epoch);
        ck_assert_int_eq(host(n, 1, 2)->state, HOST_OFF);
        ck_assert_int_eq(host(n, 1, 2)->proof, PROOF_DEVICES);
        ck_assert(host(n, 1, 2)->no_vote);
        ck_assert(!host(n, 1, 1)->no_vote);
        net_rule(n, 1, "alone", 1);
        net_run(n);
        ck_assert(net_has(n, 1, "alone"));
        net_free(n);
}
END_TEST

/* An observation comes first into the log: the leader waits, or it would count the other as lost,
 * and fence it, by the ledger. */
START_TEST(nothing_else_is_decided_before_that_is_said) {
        struct net *n = open_net(2);
        size_t lost = n->nodes[1].notes[NOTE_HOST_LOST];

        lose_2(n);
        TELL(n, 1, .kind = EV_HOST_LOAD, .load = {.vcpus = 77, .memory_mib = 4096});
        net_run(n);
        ck_assert(net_operational(n, M(1)));
        ck_assert_uint_eq(host(n, 1, 1)->facts.vcpus, 77);
        ck_assert_uint_eq(n->nodes[1].offs, 1);
        ck_assert_int_eq(host(n, 1, 2)->proof, PROOF_DEVICES);
        ck_assert_uint_eq(n->nodes[1].notes[NOTE_HOST_LOST], lost + 1);
        net_free(n);
}
END_TEST

/* S2: unknown is never off, and on is not off. */
START_TEST(without_proof_nothing_is_decided) {
        static const enum power_reading readings[] = {READING_NONE, READING_ON};
        struct net *n = open_net(2);
        uint64_t epoch = net_status(n, 1).epoch;

        n->obeys = false;
        n->power[2] = readings[_i];
        lose_2(n);
        net_pass(n, 5 * USEC_PER_MINUTE);
        ck_assert_uint_gt(n->nodes[1].offs, 2); /* tried for ever */
        ck_assert_int_eq(net_status(n, 1).phase, SYNC_PROMISE);
        ck_assert_uint_eq(n->nodes[1].epoch, epoch);
        net_rule(n, 1, "alone", 1);
        net_run(n);
        ck_assert(!net_has(n, 1, "alone"));
        n->obeys = true;
        net_pass(n, 2 * USEC_PER_MINUTE);
        ck_assert(net_operational(n, M(1)));
        net_free(n);
}
END_TEST

/* The proof says whose word it is, not what was read before. */
START_TEST(confirmed_by_whom) {
        struct event ev = {
                .kind = EV_REQUEST,
                .request = {.id = 9, .verb = VERB_FENCE_CONFIRM, .host = "node2", .who = "ann"}};
        struct net *n = open_net(2);

        n->obeys = false;
        lose_2(n);
        net_pass(n, USEC_PER_MINUTE);
        ck_assert(!net_operational(n, M(1)));
        net_event(n, 1, ev);
        net_pass(n, USEC_PER_MINUTE);
        ck_assert(net_operational(n, M(1)));
        ck_assert_int_eq(host(n, 1, 2)->proof, PROOF_OPERATOR);
        ck_assert_str_eq(host(n, 1, 2)->proof_text, "confirmed by ann");
        net_free(n);
}
END_TEST

/* S2: the device was never seen to read on while its host was there. It is not even asked; and
 * where a person asks for that, it switches and proves nothing. */
START_TEST(device_that_proves_nothing_proves_nothing_here) {
        struct event ev = {.kind = EV_REQUEST,
                           .request = {.id = 9, .verb = VERB_FENCE_HOST, .host = "node2"}};
        struct net *n = net_new(2);

        n->two_node = n->half_quorate = true;
        net_devices(n);
        n->power[2] = READING_NONE;
        net_group(n, BOTH);
        net_pass(n, 20 * USEC_PER_SEC);
        n->power[2] = READING_OFF;
        if (_i == 1)
                net_event(n, 1, ev);
        lose_2(n);
        net_pass(n, USEC_PER_MINUTE);
        ck_assert_int_eq(n->nodes[1].offs > 0, _i == 1);
        ck_assert(!net_operational(n, M(1)));
        net_free(n);
}
END_TEST

/* Its hawd started since: the other may have gone on without it. */
START_TEST(no_lone_cold_start) {
        struct net *n = open_net(2);

        net_crash(n, 1);
        net_crash(n, 2);
        net_boot(n, 1);
        net_group(n, M(1));
        net_pass(n, 5 * USEC_PER_MINUTE);
        ck_assert_uint_eq(n->nodes[1].offs, 0);
        ck_assert(!net_operational(n, M(1)));
        net_boot(n, 2);
        net_group(n, BOTH); /* both hawds are there: at once */
        net_run(n);
        ck_assert(net_operational(n, BOTH));
        net_free(n);
}
END_TEST

/* The flag of the survivor is its ledger: it names one voter. The other's names two. */
START_TEST(survivor_may_start_alone_the_other_not) {
        struct net *n = open_net(2);

        lose_2(n);
        net_run(n);
        ck_assert(net_operational(n, M(1)));
        net_crash(n, 1);
        net_boot(n, 2);
        net_group(n, M(2));
        net_pass(n, USEC_PER_MINUTE);
        ck_assert(!net_operational(n, M(2)));
        net_crash(n, 2);
        net_boot(n, 1);
        net_group(n, M(1));
        net_run(n);
        ck_assert(net_operational(n, M(1)));
        net_boot(n, 2);
        net_group(n, BOTH); /* it has stored the ledger, and votes again */
        net_pass(n, 10 * USEC_PER_SEC);
        ck_assert(net_operational(n, BOTH));
        ck_assert(!host(n, 1, 2)->no_vote);
        ck_assert(net_same(n, BOTH));
        net_free(n);
}
END_TEST

START_TEST(vote_only_after_the_ledger_is_stored) {
        struct net *n = open_net(2);

        lose_2(n);
        net_run(n);
        net_boot(n, 2);
        net_hold(n, 2);
        net_group(n, BOTH);
        net_pass(n, 3 * USEC_PER_SEC);
        ck_assert(net_operational(n, M(1)));
        ck_assert(host(n, 1, 2)->no_vote);
        net_rule(n, 1, "meanwhile", 1); /* what is decided does not wait for it */
        net_run(n);
        ck_assert(net_has(n, 1, "meanwhile"));
        net_release(n, 2);
        net_pass(n, 3 * USEC_PER_SEC);
        ck_assert(!host(n, 1, 2)->no_vote);
        net_free(n);
}
END_TEST

/* S3: who is back is not taken in while a child may still switch it off. */
START_TEST(exchange_waits_for_the_child) {
        struct net *n = open_net(2);

        n->power[2] = READING_MAX_;
        n->obeys = false;
        lose_2(n);
        net_run(n);
        ck_assert_uint_eq(n->nodes[1].n_fences, 1);
        net_boot(n, 2);
        net_group(n, BOTH);
        net_run(n);
        ck_assert_ptr_null(net_said(n, 1, MSG_EXCHANGE));
        ck_assert(!net_operational(n, BOTH));
        n->power[2] = READING_ON; /* called off: it ends, and one more status is read */
        net_fence_done(n, 1, n->nodes[1].fences[0], READING_NONE);
        net_run(n);
        ck_assert_ptr_nonnull(net_said(n, 1, MSG_EXCHANGE));
        ck_assert_uint_gt(n->nodes[1].looks, 0);
        ck_assert(net_operational(n, BOTH));
        net_free(n);
}
END_TEST

/* Both halves live and each may switch the other off: the lesser one waits. */
START_TEST(lesser_half_waits) {
        struct net *n = open_net(2);

        n->power[1] = n->power[2] = READING_NONE;
        n->obeys = false;
        n->config.priority_fencing_delay_usec = 10 * USEC_PER_SEC;
        net_group(n, M(1));
        net_group(n, M(2));
        net_run(n);
        ck_assert_uint_eq(n->nodes[1].offs, 1); /* the lower one, with equal guests */
        ck_assert_uint_eq(n->nodes[2].offs, 0);
        net_pass(n, 9 * USEC_PER_SEC);
        ck_assert_uint_eq(n->nodes[2].offs, 0);
        net_pass(n, 3 * USEC_PER_SEC);
        ck_assert_uint_gt(n->nodes[2].offs, 0);
        net_free(n);
}
END_TEST

/* Whatever a person confirms wrongly: two ledgers of one epoch are never told apart later. */
START_TEST(halves_have_epochs_of_their_own) {
        struct net *n = open_net(2);
        struct event ev = {.kind = EV_REQUEST, .request = {.id = 9, .verb = VERB_FENCE_CONFIRM}};

        n->power[1] = n->power[2] = READING_NONE;
        n->obeys = false;
        net_group(n, M(1));
        net_group(n, M(2));
        net_run(n);
        for (uint32_t i = 1; i <= 2; i++) {
                text_fmt(ev.request.host, NAME_LEN, "node%u", 3 - i);
                net_event(n, i, ev);
        }
        net_pass(n, USEC_PER_MINUTE);
        ck_assert(net_operational(n, BOTH));
        ck_assert_uint_ne(net_status(n, 1).epoch, net_status(n, 2).epoch);
        net_free(n);
}
END_TEST

/* The half's others know it before anything is switched, and all absent ones must be proven. */
START_TEST(half_of_four_says_so_first) {
        struct net *n = open_net(4);
        const struct msg *m;

        n->power[4] = READING_MAX_;
        net_crash(n, 3);
        net_crash(n, 4);
        n->obeys = false;
        n->power[3] = READING_OFF;
        net_group(n, BOTH);
        net_run(n);
        ck_assert_uint_eq(n->nodes[1].offs, 2);
        m = net_said(n, 1, MSG_PROVEN);
        ck_assert_ptr_nonnull(m);
        ck_assert_int_eq(m->proven.hosts[0].proof, PROOF_NONE); /* said before, nothing proven */
        ck_assert_uint_gt(m->proven.hosts[0].budget_usec, 0);
        ck_assert_uint_eq(n->nodes[2].offs, 0);
        ck_assert(!net_operational(n, BOTH)); /* node 4 is not proven off */
        n->power[4] = READING_OFF;
        net_fence_done(n, 1, n->nodes[1].fences[0], READING_OFF);
        net_pass(n, 5 * USEC_PER_SEC);
        ck_assert(net_operational(n, BOTH));
        ck_assert_int_eq(host(n, 1, 3)->state, HOST_OFF);
        ck_assert_int_eq(host(n, 1, 4)->state, HOST_OFF);
        net_free(n);
}
END_TEST

/* S3: the executor left with its child running; the rest of its half waits for the child's end. */
START_TEST(rest_of_the_half_waits_for_its_executor) {
        struct net *n = open_net(4);

        n->obeys = false;
        n->power[3] = n->power[4] = READING_MAX_;
        net_group(n, BOTH);
        net_run(n);
        ck_assert_uint_eq(n->nodes[1].offs, 2);
        net_group(n, M(2, 3, 4)); /* a majority, but node 3 may be switched off yet */
        net_run(n);
        ck_assert_ptr_null(net_said(n, 2, MSG_EXCHANGE));
        ck_assert(!net_operational(n, M(3)));
        net_pass(n, 30 * USEC_PER_SEC);
        ck_assert(net_operational(n, M(2, 3, 4)));
        net_free(n);
}
END_TEST

static Suite *lone_suite(void) {
        Suite *s = suite_create("lone");
        TCase *tc = unit_case(s, "two hosts");

        tcase_add_test(tc, survivor_fences_and_goes_on);
        tcase_add_loop_test(tc, without_proof_nothing_is_decided, 0, 2);
        tcase_add_test(tc, nothing_else_is_decided_before_that_is_said);
        tcase_add_test(tc, confirmed_by_whom);
        tcase_add_loop_test(tc, device_that_proves_nothing_proves_nothing_here, 0, 2);
        tcase_add_test(tc, no_lone_cold_start);
        tcase_add_test(tc, survivor_may_start_alone_the_other_not);
        tcase_add_test(tc, vote_only_after_the_ledger_is_stored);
        tcase_add_test(tc, exchange_waits_for_the_child);
        tcase_add_test(tc, lesser_half_waits);
        tcase_add_test(tc, halves_have_epochs_of_their_own);
        tc = unit_case(s, "halves");
        tcase_add_test(tc, half_of_four_says_so_first);
        tcase_add_test(tc, rest_of_the_half_waits_for_its_executor);
        return s;
}

UNIT_MAIN(lone_suite)
