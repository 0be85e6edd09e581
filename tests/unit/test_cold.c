/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The whole cluster lost its power and comes back host by host: who boots a little later than the
 * others is not fenced amid its boot; who does not come is lost in the end (L1, L2, PEERS).
 */
#include "tests/unit/net_fixture.h"

#define GRACE (30 * USEC_PER_SEC)

/* All are at work, then all are dark. */
static struct net *dark(uint32_t nodes) {
        struct net *n = net_new(nodes);
        uint32_t all = (2u << nodes) - 2;

        net_devices(n);
        net_group(n, all);
        net_pass(n, 60 * USEC_PER_SEC);
        ck_assert(net_operational(n, all));
        ck_assert_uint_eq(n->config.daemon_grace_usec, GRACE);
        for (uint32_t i = 1; i <= nodes; i++)
                net_crash(n, i);
        n->now += USEC_PER_MINUTE;
        return n;
}

static const struct host *net_host(struct net *n, uint32_t asked, uint32_t id) {
        return &net_model(n, asked)->hosts[model_host_index(net_model(n, asked), id)];
}

static enum host_state state(struct net *n, uint32_t asked, uint32_t id) {
        return net_host(n, asked, id)->state;
}

static uint32_t losses(struct net *n, uint32_t asked, uint32_t id) {
        return net_host(n, asked, id)->losses;
}

START_TEST(who_boots_later_is_not_fenced) {
        struct net *n = dark(3);

        net_boot(n, 1);
        net_boot(n, 2);
        net_group(n, M(1, 2));
        net_pass(n, GRACE - 10 * USEC_PER_SEC);
        ck_assert(net_operational(n, M(1, 2)));
        ck_assert_int_eq(state(n, 1, 1), HOST_ONLINE);
        net_boot(n, 3);
        net_group(n, M(1, 2, 3));
        net_pass(n, GRACE);
        for (uint32_t i = 1; i <= 3; i++) {
                ck_assert_int_eq(state(n, 1, i), HOST_ONLINE);
                ck_assert_uint_eq(losses(n, 1, i), 0);
                ck_assert_uint_eq(n->nodes[i].offs, 0);
        }
        net_free(n);
}
END_TEST

START_TEST(who_does_not_come_is_lost) {
        struct net *n = dark(3);

        net_boot(n, 1);
        net_boot(n, 2);
        net_group(n, M(1, 2));
        net_pass(n, GRACE - USEC_PER_SEC);
        ck_assert_uint_eq(losses(n, 1, 3), 0);
        net_pass(n, 3 * USEC_PER_SEC);
        ck_assert_uint_eq(losses(n, 1, 3), 1);
        ck_assert_uint_eq(n->power[3], READING_OFF);
        net_free(n);
}
END_TEST

/* Whoever leads after a newcomer's coming knows how long the others have waited already. */
START_TEST(newcomers_neither_end_the_wait_nor_begin_it_anew) {
        struct net *n = dark(4);

        net_boot(n, 2);
        net_boot(n, 3);
        net_boot(n, 4);
        net_group(n, M(2, 3, 4));
        net_pass(n, 10 * USEC_PER_SEC);
        for (uint32_t i = 2; i <= 4; i++) { /* each by another that comes back */
                net_crash(n, i);
                n->nodes[i].configuration = 0;
                net_boot(n, i);
                net_group(n, M(2, 3, 4));
                net_pass(n, 5 * USEC_PER_SEC);
                ck_assert_uint_eq(losses(n, 2, 1), 0);
        }
        net_pass(n, 7 * USEC_PER_SEC);
        ck_assert_uint_eq(losses(n, 2, 1), 1);
        net_free(n);
}
END_TEST

/* A host that dies while another's hawd is restarted: somebody was at work all the while. */
START_TEST(one_that_was_there_ends_no_patience) {
        struct net *n = net_new(3);

        net_devices(n);
        net_group(n, M(1, 2, 3));
        net_pass(n, 10 * USEC_PER_SEC);
        net_crash(n, 1);
        net_crash(n, 3);
        net_boot(n, 1);
        net_group(n, M(1, 2));
        net_pass(n, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(losses(n, 1, 3), 1);
        net_free(n);
}
END_TEST

/* Its corosync is there: daemon-grace counts from then. */
START_TEST(its_ring_is_there_and_its_hawd_comes_soon) {
        struct net *n = dark(3);

        net_boot(n, 1);
        net_boot(n, 2);
        net_group(n, M(1, 2));
        net_pass(n, GRACE - 5 * USEC_PER_SEC);
        net_ring(n, 1, 100, M(1, 2, 3));
        net_ring(n, 2, 100, M(1, 2, 3));
        net_pass(n, GRACE - 5 * USEC_PER_SEC);
        ck_assert_uint_eq(losses(n, 1, 3), 0);
        net_pass(n, 10 * USEC_PER_SEC);
        ck_assert_uint_eq(losses(n, 1, 3), 1);
        net_free(n);
}
END_TEST

/* What another says of its patience is bounded by our own. */
START_TEST(words_of_endless_patience) {
        struct net *n = dark(3);
        struct msg *m = msg_new(MSG_EXCHANGE);

        net_boot(n, 1);
        net_boot(n, 2);
        net_group(n, M(1, 2));
        net_pass(n, 10 * USEC_PER_SEC);
        ck_assert(net_operational(n, M(1, 2)));
        n->nodes[2].hangs = true; /* the test speaks for it */
        net_group(n, M(1, 2));
        net_run(n);
        for (size_t i = 0; i < n->n_queue; i++)
                if (n->queue[i].m->kind == MSG_EXCHANGE && n->queue[i].from.nodeid == 1) {
                        m->exchange = n->queue[i].m->exchange;
                        m->view = n->queue[i].m->view;
                }
        ck_assert(m->exchange.continuous);
        m->exchange.cold_usec = USEC_INFINITY;
        TELL(n, 1, .kind = EV_MESSAGE, .message = {.from = {2, n->nodes[2].pid}, .msg = m});
        msg_unref(m);
        n->nodes[2].hangs = false;
        net_group(n, M(1, 2)); /* node 1 says what is left */
        net_pass(n, GRACE + 3 * USEC_PER_SEC);
        ck_assert_uint_eq(losses(n, 1, 3), 1);
        net_free(n);
}
END_TEST

static Suite *cold_suite(void) {
        Suite *s = suite_create("cold start");
        TCase *tc = unit_case(s, "cold start");

        tcase_add_test(tc, who_boots_later_is_not_fenced);
        tcase_add_test(tc, who_does_not_come_is_lost);
        tcase_add_test(tc, newcomers_neither_end_the_wait_nor_begin_it_anew);
        tcase_add_test(tc, one_that_was_there_ends_no_patience);
        tcase_add_test(tc, its_ring_is_there_and_its_hawd_comes_soon);
        tcase_add_test(tc, words_of_endless_patience);
        return s;
}

UNIT_MAIN(cold_suite)
