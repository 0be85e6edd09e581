/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A change of the group (DESIGN 3, "Synced"): exchange, promise, install.
 */
#include "tests/unit/net_fixture.h"

#define ALL M(1, 2, 3)

/* Three nodes, synced once, with their hosts in the ledger. */
static struct net *started(void) {
        struct net *n = net_new(3);

        net_group(n, ALL);
        net_run(n);
        ck_assert(net_operational(n, ALL));
        return n;
}

START_TEST(first_start_needs_every_host) {
        struct net *n = net_new(3);

        net_group(n, M(1, 2));
        net_pass(n, 5 * USEC_PER_SEC);
        ck_assert(!net_operational(n, M(1)));
        ck_assert_int_eq(net_status(n, 1).phase, SYNC_EXCHANGE);
        ck_assert_ptr_nonnull(strstr(net_status(n, 1).missing, "node3 is missing"));
        ck_assert_uint_eq(net_status(n, 1).epoch, 0);
        net_group(n, ALL);
        net_run(n);
        ck_assert(net_operational(n, ALL));
        ck_assert_uint_eq(net_model(n, 1)->n_hosts, 3);
        ck_assert(net_same(n, ALL));
        net_free(n);
}
END_TEST

START_TEST(epochs_grow_and_the_lowest_leads) {
        struct net *n = started();
        uint64_t epoch = net_status(n, 1).epoch;

        ck_assert_uint_eq(epoch, 1);
        ck_assert_uint_eq(net_status(n, 3).leader_nodeid, 1);
        net_group(n, M(2, 3));
        net_run(n);
        ck_assert(net_operational(n, M(2, 3)));
        ck_assert_uint_eq(net_status(n, 2).epoch, epoch + 1);
        ck_assert_uint_eq(net_status(n, 3).leader_nodeid, 2);
        ck_assert(net_status(n, 2).leader);
        ck_assert(!net_status(n, 3).leader);
        net_free(n);
}
END_TEST

START_TEST(minority_decides_nothing) {
        struct net *n = started();
        uint64_t version;

        net_group(n, M(2, 3));
        net_group(n, M(1));
        net_run(n);
        version = net_status(n, 1).applied;
        ck_assert(!net_operational(n, M(1)));
        net_rule(n, 1, "alone", 7);
        ck_assert_uint_eq(n->nodes[1].reply_code, REPLY_NOT_QUORATE);
        net_pass(n, 60 * USEC_PER_SEC);
        ck_assert_uint_eq(net_status(n, 1).applied, version);
        ck_assert_ptr_null(net_said(n, 1, MSG_ENTRY));
        net_free(n);
}
END_TEST

/* (1) A promise is said only when it is on disk. */
START_TEST(promise_only_after_it_is_stored) {
        struct net *n = started();

        net_hold(n, 2);
        net_hold(n, 3);
        net_group(n, ALL);
        net_run(n);
        ck_assert_ptr_nonnull(net_said(n, 1, MSG_PROMISE));
        ck_assert_ptr_null(net_said(n, 2, MSG_PROMISE));
        ck_assert_int_eq(net_status(n, 1).phase, SYNC_PROMISE); /* no majority yet */
        ck_assert_uint_eq(n->nodes[2].promised, 1);
        while (n->nodes[2].promised == 1 && n->nodes[2].n_held)
                net_disk(n, 2, 1); /* what was written before it comes first */
        ck_assert_uint_eq(n->nodes[2].promised, 2);
        ck_assert_uint_eq(net_said(n, 2, MSG_PROMISE)->promise.number, 2);
        net_run(n);
        ck_assert_int_ge(net_status(n, 1).phase, SYNC_INSTALL);
        ck_assert_ptr_null(net_said(n, 2, MSG_ACK)); /* its install is not stored */
        ck_assert(!net_operational(n, M(1)));
        net_release(n, 2);
        net_run(n);
        ck_assert(net_operational(n, M(1, 2)));
        net_free(n);
}
END_TEST

/* A promise outlives its process: the next number is higher than any that was promised. */
START_TEST(promise_survives_a_crash) {
        struct net *n = started();
        uint64_t promised;

        for (unsigned i = 0; i < 3; i++) { /* node 1 promises more and more, installs nothing */
                net_group(n, M(1, 2));
                net_drop(n, 1);
                net_hold(n, 2);
                net_group(n, M(1, 2));
                for (unsigned k = 0; k < 6; k++)
                        net_deliver(n, 1);
                net_drop(n, 1);
                net_release(n, 2);
        }
        promised = n->nodes[1].promised;
        ck_assert_uint_gt(promised, n->nodes[3].promised);
        net_crash(n, 1);
        net_boot(n, 1);
        net_group(n, M(1, 3)); /* only its own disk knows */
        net_run(n);
        ck_assert(net_operational(n, M(1, 3)));
        ck_assert_uint_gt(net_status(n, 3).epoch, promised);
        net_free(n);
}
END_TEST

/* (2) The highest version of the highest epoch wins; who was away takes it over. */
START_TEST(winner_is_the_one_that_knows_most) {
        struct net *n = started();

        net_group(n, M(2, 3));
        net_run(n);
        net_rule(n, 3, "kept", 1);
        net_run(n);
        ck_assert_uint_eq(n->nodes[3].reply_code, REPLY_OK);
        net_group(n, M(1, 2)); /* node 1 is the lowest, but node 2 knows more */
        net_run(n);
        ck_assert(net_operational(n, M(1, 2)));
        ck_assert(net_has(n, 1, "kept"));
        ck_assert(net_same(n, M(1, 2)));
        net_crash(n, 1); /* and it is on its disk */
        net_boot(n, 1);
        net_group(n, M(1, 3));
        net_run(n);
        ck_assert(net_has(n, 1, "kept"));
        net_free(n);
}
END_TEST

/* Within one epoch: what two of three have stored is stable, and the third may not undo it. */
START_TEST(higher_version_of_one_epoch_wins) {
        struct net *n = started();

        net_hold(n, 1);
        net_rule(n, 3, "kept", 1);
        net_run(n);
        ck_assert_uint_eq(n->nodes[3].reply_code, REPLY_OK);
        net_crash(n, 1);
        net_boot(n, 1);
        ck_assert_uint_eq(net_status(n, 1).epoch, net_status(n, 2).epoch);
        ck_assert_uint_lt(net_status(n, 1).version, net_status(n, 2).version);
        net_group(n, M(1, 2));
        net_run(n);
        ck_assert(net_operational(n, M(1, 2)));
        ck_assert(net_has(n, 1, "kept"));
        ck_assert(net_has(n, 2, "kept"));
        net_free(n);
}
END_TEST

/* The epoch goes before the version: many entries of an old epoch, stable nowhere, lose. */
START_TEST(epoch_goes_before_version) {
        struct net *n = started();

        net_hold(n, 2);
        net_hold(n, 3);
        for (unsigned i = 0; i < 30; i++) {
                net_rule(n, 1, i % 2 ? "lost-a" : "lost-b", 10 + i);
                net_deliver(n, 1); /* delivered to node 1 alone */
        }
        net_run(n);                     /* the others take them too, but never store them */
        net_pass(n, 31 * USEC_PER_SEC); /* and the clients give up */
        net_crash(n, 2);
        net_crash(n, 3);
        net_boot(n, 2);
        net_boot(n, 3);
        net_group(n, M(2, 3));
        net_run(n);
        ck_assert(net_operational(n, M(2, 3)));
        ck_assert_uint_gt(net_status(n, 1).version, net_status(n, 2).version);
        net_group(n, ALL);
        net_run(n);
        ck_assert(net_operational(n, ALL));
        ck_assert(!net_has(n, 1, "lost-a"));
        ck_assert(!net_has(n, 2, "lost-a"));
        ck_assert(net_same(n, ALL));
        net_free(n);
}
END_TEST

/* The winner's entries that were not stable are completed, as they are. */
START_TEST(unstable_tail_is_completed) {
        struct net *n = started();
        uint64_t version;

        net_hold(n, 2);
        net_hold(n, 3);
        net_rule(n, 1, "tail", 5);
        net_run(n);
        ck_assert(!net_has(n, 1, "tail")); /* stored by one of three */
        version = net_status(n, 1).version;
        net_crash(n, 2);
        net_crash(n, 3);
        net_boot(n, 3);
        net_group(n, M(1, 3));
        net_run(n);
        ck_assert(net_operational(n, M(1, 3)));
        ck_assert(net_has(n, 1, "tail"));
        ck_assert(net_has(n, 3, "tail"));
        ck_assert_uint_ge(net_status(n, 3).applied, version);
        ck_assert_uint_eq(n->nodes[1].n_replies, 1);
        ck_assert_uint_eq(n->nodes[1].reply_code, REPLY_OK);
        net_free(n);
}
END_TEST

/* A member that lost its disk does not count until it is synced: two virgins of three and one
 * that knows are no majority of two who know. */
START_TEST(virgins_do_not_count) {
        struct net *n = started();

        net_rule(n, 1, "kept", 5);
        net_run(n);
        net_crash(n, 3);
        net_wipe(n, 3);
        net_boot(n, 3);
        net_group(n, M(1, 3));
        net_pass(n, 5 * USEC_PER_SEC);
        ck_assert_int_eq(net_status(n, 1).phase, SYNC_PROMISE);
        ck_assert(!net_operational(n, M(1)));
        ck_assert(!net_operational(n, M(3)));
        net_group(n, ALL);
        net_run(n);
        ck_assert(net_operational(n, ALL));
        ck_assert(net_has(n, 3, "kept"));
        net_group(n, M(1, 3)); /* now it does */
        net_run(n);
        ck_assert(net_operational(n, M(1, 3)));
        net_free(n);
}
END_TEST

/* All that were there before have lost their ledgers: a new one would know none of the guests. */
START_TEST(lost_ledgers_are_no_first_start) {
        struct net *n = started();

        for (uint32_t i = 1; i <= 3; i++) {
                net_crash(n, i);
                net_wipe(n, i);
                n->nodes[i].lost = i == 2 ? "the disk was replaced" : NULL;
                net_boot(n, i);
        }
        net_group(n, ALL);
        net_pass(n, 10 * USEC_PER_SEC);
        ck_assert(!net_operational(n, M(1)));
        ck_assert_ptr_nonnull(strstr(net_status(n, 1).missing, "node2 lost its ledger"));
        ck_assert_ptr_nonnull(strstr(net_status(n, 2).missing, "the disk was replaced"));
        net_free(n);
}
END_TEST

/* Two that lost their disks are not a first start: the third may have what was stable. */
START_TEST(virgins_alone_start_nothing) {
        struct net *n = started();

        for (uint32_t id = 2; id <= 3; id++) {
                net_crash(n, id);
                net_wipe(n, id);
                net_boot(n, id);
        }
        net_group(n, M(2, 3));
        net_pass(n, 5 * USEC_PER_SEC);
        ck_assert(!net_operational(n, M(2)));
        ck_assert_uint_eq(net_model(n, 2)->n_hosts, 0);
        net_free(n);
}
END_TEST

/* Members count their changes of the group differently; the highest round brings them together. */
START_TEST(rounds_bring_everybody_together) {
        struct net *n = started();

        for (unsigned i = 0; i < 4; i++)
                net_group(n, M(3)); /* node 3 saw more changes than the others */
        net_group(n, ALL);
        net_run(n);
        ck_assert(net_operational(n, ALL));
        ck_assert_uint_eq(net_status(n, 1).epoch, net_status(n, 3).epoch);
        net_group(n, ALL);
        net_run(n);
        ck_assert(net_operational(n, ALL));
        net_free(n);
}
END_TEST

/* A word of an older round of the same members counts no more: node 2 has not spoken yet. */
START_TEST(older_rounds_are_dropped) {
        struct net *n = started();
        struct msg *old = msg_new(MSG_EXCHANGE);

        net_group(n, ALL);
        old->view = net_said(n, 2, MSG_EXCHANGE)->view;
        old->exchange = net_said(n, 2, MSG_EXCHANGE)->exchange;
        net_run(n);
        net_group(n, ALL);
        TELL(n, 1, .kind = EV_MESSAGE, .message = {.from = {2, n->nodes[2].pid}, .msg = old});
        for (size_t i = 0; i < n->n_queue; i++) /* its own and node 3's, not node 2's */
                if (n->queue[i].configuration == n->nodes[1].configuration &&
                    n->queue[i].m->kind == MSG_EXCHANGE && n->queue[i].from.nodeid != 2)
                        TELL(n, 1, .kind = EV_MESSAGE,
                             .message = {.from = n->queue[i].from, .msg = n->queue[i].m});
        ck_assert_int_eq(net_status(n, 1).phase, SYNC_EXCHANGE);
        net_run(n);
        ck_assert(net_operational(n, ALL));
        msg_unref(old);
        net_free(n);
}
END_TEST

START_TEST(words_of_another_configuration_are_dropped) {
        struct net *n = started();
        struct msg *ack = msg_new(MSG_ACK), *promise = msg_new(MSG_PROMISE);

        net_hold(n, 2);
        net_hold(n, 3);
        net_group(n, ALL);
        net_run(n);
        ck_assert_int_eq(net_status(n, 1).phase, SYNC_PROMISE);
        promise->promise.number = 2;
        promise->view = 12345;
        ack->ack.epoch = 2;
        ack->ack.version = 100;
        ack->view = 12345;
        for (uint32_t id = 2; id <= 3; id++) {
                TELL(n, 1, .kind = EV_MESSAGE,
                     .message = {.from = {id, n->nodes[id].pid}, .msg = promise});
                TELL(n, 1, .kind = EV_MESSAGE,
                     .message = {.from = {id, n->nodes[id].pid}, .msg = ack});
        }
        ck_assert_int_eq(net_status(n, 1).phase, SYNC_PROMISE);
        promise->view = net_said(n, 1, MSG_PROMISE)->view;
        TELL(n, 1, .kind = EV_MESSAGE, .message = {.from = {2, 55555}, .msg = promise}); /* pid */
        ck_assert_int_eq(net_status(n, 1).phase, SYNC_PROMISE);
        promise->promise.number = 1;
        TELL(n, 1, .kind = EV_MESSAGE, .message = {.from = {2, n->nodes[2].pid}, .msg = promise});
        ck_assert_int_eq(net_status(n, 1).phase, SYNC_PROMISE);
        promise->promise.number = 2;
        TELL(n, 1, .kind = EV_MESSAGE, .message = {.from = {2, n->nodes[2].pid}, .msg = promise});
        ck_assert_int_ge(net_status(n, 1).phase, SYNC_INSTALL);
        net_run(n);
        ck_assert(!net_operational(n, M(1))); /* only its own acknowledgement counts */
        msg_unref(ack);
        msg_unref(promise);
        net_free(n);
}
END_TEST

START_TEST(exchange_of_another_configuration_is_dropped) {
        struct net *n = started();
        struct msg *x = msg_new(MSG_EXCHANGE);

        net_group(n, ALL);
        net_deliver(n, 1); /* its own */
        x->exchange = net_said(n, 1, MSG_EXCHANGE)->exchange;
        x->view = 12345;
        for (uint32_t id = 2; id <= 3; id++)
                TELL(n, 1, .kind = EV_MESSAGE,
                     .message = {.from = {id, n->nodes[id].pid}, .msg = x});
        ck_assert_int_eq(net_status(n, 1).phase, SYNC_EXCHANGE);
        x->view = net_said(n, 1, MSG_EXCHANGE)->view;
        for (uint32_t id = 2; id <= 3; id++)
                TELL(n, 1, .kind = EV_MESSAGE,
                     .message = {.from = {id, n->nodes[id].pid}, .msg = x});
        ck_assert_int_ge(net_status(n, 1).phase, SYNC_PROMISE);
        msg_unref(x);
        net_free(n);
}
END_TEST

/* Membership and quorum come on two descriptors: another ring's quorum says nothing. */
START_TEST(quorum_of_another_ring_is_none) {
        struct net *n = started();
        uint32_t ids[] = {1, 2, 3};

        TELL(n, 1, .kind = EV_RING, .ring = {.id = {1, 99}, .nodeids = ids, .n_nodeids = 3});
        ck_assert(!net_operational(n, M(1)));
        ck_assert(!net_status(n, 1).ring_quorate);
        net_rule(n, 1, "none", 3);
        ck_assert_uint_eq(n->nodes[1].reply_code, REPLY_NOT_QUORATE);
        TELL(n, 1, .kind = EV_QUORUM, .quorum = {.id = {2, 99}, .quorate = true});
        ck_assert(!net_operational(n, M(1)));
        TELL(n, 1, .kind = EV_QUORUM, .quorum = {.id = {1, 99}, .quorate = false});
        ck_assert(!net_operational(n, M(1)));
        TELL(n, 1, .kind = EV_QUORUM, .quorum = {.id = {1, 99}, .quorate = true});
        ck_assert(net_operational(n, M(1)));
        net_free(n);
}
END_TEST

/* Another major version takes no part, and everybody can read why. */
START_TEST(other_major_version_is_refused) {
        struct net *n = net_new(3);
        struct msg *m = msg_new(MSG_EXCHANGE);

        net_group(n, ALL);
        m->view = net_said(n, 1, MSG_EXCHANGE)->view;
        m->exchange = net_said(n, 1, MSG_EXCHANGE)->exchange;
        m->exchange.proto_major = PROTO_MAJOR + 1;
        TELL(n, 1, .kind = EV_MESSAGE, .message = {.from = {2, n->nodes[2].pid}, .msg = m});
        ck_assert_uint_eq(n->nodes[1].notes[NOTE_PEER_REFUSED], 1);
        net_deliver(n, 1);
        ck_assert_int_eq(net_status(n, 1).phase, SYNC_EXCHANGE);
        msg_unref(m);
        net_free(n);
}
END_TEST

/* One change of the list of members at a time, alone in its entry. */
START_TEST(member_list_changes_one_at_a_time) {
        struct conf_node more[] = {{1, "node1"}, {2, "node2"}, {3, "node3"}, {4, "a"}, {5, "b"}};
        struct net *n = started();
        size_t adds = 0, before = n->n_queue;

        for (uint32_t id = 1; id <= 3; id++)
                TELL(n, id, .kind = EV_NODELIST, .nodelist = {.nodes = more, .n_nodes = 5});
        net_run(n);
        ck_assert_uint_eq(net_model(n, 1)->n_hosts, 5);
        for (size_t i = before; i < n->n_queue; i++) {
                const struct msg *m = n->queue[i].m;

                if (m->kind != MSG_ENTRY || m->entry->ops[0].kind != OP_HOST_ADD)
                        continue;
                ck_assert_uint_eq(m->entry->n_ops, 1);
                adds++;
        }
        ck_assert_uint_eq(adds, 2);
        net_group(n, M(1, 2)); /* those who never came do not count: two of three */
        net_pass(n, 5 * USEC_PER_SEC);
        ck_assert(net_operational(n, M(1)));
        ck_assert(net_model(n, 1)->hosts[3].no_vote && net_model(n, 1)->hosts[4].no_vote);
        net_free(n);
}
END_TEST

/* One that has not acknowledged the install may have an older ledger. */
START_TEST(executor_is_a_synced_member) {
        struct net *n = net_new(5);

        net_devices(n);
        n->power[5] = READING_MAX_;
        n->obeys = false;
        net_group(n, M(1, 2, 3, 4, 5));
        net_pass(n, 5 * USEC_PER_SEC);
        for (size_t i = 0; i < 5; i++)
                ck_assert_int_eq(net_model(n, 1)->hosts[i].state, HOST_ONLINE);
        for (uint32_t id = 1; id <= 5; id++) { /* as if it had been read */
                struct model *m = (struct model *)(uintptr_t)net_model(n, id);

                m->devices[m->n_devices] = (struct device){.host = 5, .seen_on = true};
                text_set(m->devices[m->n_devices++].name, NAME_LEN, "bmc5");
        }
        net_hold(n, 1);
        net_group(n, M(1, 2, 3, 4));
        net_run(n);
        ck_assert(net_operational(n, M(2, 3, 4)));
        ck_assert_uint_eq(net_model(n, 2)->n_fence_jobs, 1);
        ck_assert_uint_eq(net_model(n, 2)->fence_jobs[0].executor, 2);
        net_free(n);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("sync");
        TCase *tc = unit_case(s, "sync");

        tcase_add_test(tc, first_start_needs_every_host);
        tcase_add_test(tc, epochs_grow_and_the_lowest_leads);
        tcase_add_test(tc, minority_decides_nothing);
        tcase_add_test(tc, promise_only_after_it_is_stored);
        tcase_add_test(tc, promise_survives_a_crash);
        tcase_add_test(tc, winner_is_the_one_that_knows_most);
        tcase_add_test(tc, higher_version_of_one_epoch_wins);
        tcase_add_test(tc, epoch_goes_before_version);
        tcase_add_test(tc, unstable_tail_is_completed);
        tcase_add_test(tc, virgins_do_not_count);
        tcase_add_test(tc, lost_ledgers_are_no_first_start);
        tcase_add_test(tc, virgins_alone_start_nothing);
        tcase_add_test(tc, rounds_bring_everybody_together);
        tcase_add_test(tc, older_rounds_are_dropped);
        tcase_add_test(tc, words_of_another_configuration_are_dropped);
        tcase_add_test(tc, exchange_of_another_configuration_is_dropped);
        tcase_add_test(tc, quorum_of_another_ring_is_none);
        tcase_add_test(tc, other_major_version_is_refused);
        tcase_add_test(tc, member_list_changes_one_at_a_time);
        tcase_add_test(tc, executor_is_a_synced_member);
        return s;
}

UNIT_MAIN(suite)
