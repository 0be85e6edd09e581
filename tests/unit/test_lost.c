/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Members whose disk lost the ledger, or cannot be read or written: what they may do, and others.
 */
#include <stdio.h>

#include "hawd/core/note.h"
#include "tests/unit/net_fixture.h"

#define ALL M(1, 2, 3)

static struct net *started(void) {
        struct net *n = net_new(3);

        net_group(n, ALL);
        net_run(n);
        net_pass(n, 2 * USEC_PER_SEC);
        ck_assert(net_operational(n, ALL));
        net_rule(n, 1, "kept", 1);
        net_run(n);
        ck_assert(net_has(n, 3, "kept"));
        return n;
}

static void lose(struct net *n, uint32_t id) {
        net_crash(n, id);
        net_wipe(n, id);
        n->nodes[id].lost = "damaged";
        net_boot(n, id);
}

static bool missing_says(struct net *n, uint32_t id, const char *what) {
        struct core_status st = net_status(n, id);

        if (!strstr(st.missing, what))
                fprintf(stderr, "%s\n", st.missing);
        return strstr(st.missing, what);
}

/* All configured hosts are there and nobody has a ledger: yet it is no first start. */
START_TEST(nothing_is_made_up_when_all_have_lost_it) {
        struct net *n = started();

        for (uint32_t id = 1; id <= 3; id++)
                lose(n, id);
        net_group(n, ALL);
        net_pass(n, 20 * USEC_PER_SEC);
        for (uint32_t id = 1; id <= 3; id++) {
                ck_assert(!net_status(n, id).operational);
                ck_assert_uint_eq(net_model(n, id)->n_hosts, 0);
                ck_assert_uint_eq(n->nodes[id].promised, 0);
        }
        ck_assert(missing_says(n, 2, "node1 lost its ledger, and nobody here has one"));
        ck_assert_uint_ge(n->nodes[2].notes[NOTE_NOT_OPERATIONAL], 1);
        net_free(n);
}
END_TEST

/* One that never had one does not make it one either. */
START_TEST(one_that_has_lost_it_is_enough) {
        struct net *n = net_new(3);

        net_crash(n, 3);
        n->nodes[3].lost = "damaged";
        net_boot(n, 3);
        net_group(n, ALL);
        net_pass(n, 5 * USEC_PER_SEC);
        ck_assert(!net_operational(n, M(1)));
        ck_assert(missing_says(n, 1, "node3 lost its ledger"));
        net_crash(n, 3); /* an operator removed what was left: now it is a first start */
        n->nodes[3].lost = NULL;
        net_boot(n, 3);
        net_group(n, ALL);
        net_pass(n, 5 * USEC_PER_SEC);
        ck_assert(net_operational(n, ALL));
        net_free(n);
}
END_TEST

START_TEST(a_majority_has_lost_it) {
        struct net *n = started();
        struct state *disk = state_ref(n->nodes[2].disk);
        uint64_t epoch = n->nodes[2].epoch, promised = n->nodes[2].promised;

        lose(n, 1);
        lose(n, 2);
        net_group(n, ALL);
        net_pass(n, 20 * USEC_PER_SEC);
        ck_assert(!net_status(n, 3).operational);
        ck_assert(missing_says(n, 3,
                               "only 1 of 3 hosts have the ledger, a majority is needed: "
                               "node1 node2 lost theirs"));
        ck_assert(missing_says(n, 1, "node1 node2 lost theirs"));
        /* One of the two gets it back: from the kept file, say. */
        net_crash(n, 2);
        state_unref(n->nodes[2].disk);
        n->nodes[2].disk = disk;
        n->nodes[2].epoch = epoch;
        n->nodes[2].promised = promised;
        n->nodes[2].lost = NULL;
        net_boot(n, 2);
        net_group(n, ALL);
        net_pass(n, 5 * USEC_PER_SEC);
        ck_assert(net_operational(n, ALL));
        ck_assert(net_has(n, 1, "kept"));
        net_group(n, M(1, 2)); /* the one that was given it counts now */
        net_pass(n, 5 * USEC_PER_SEC);
        ck_assert(net_operational(n, M(1, 2)));
        net_free(n);
}
END_TEST

/* Its word counts for nothing, and it goes by what the others have stored (S4). */
START_TEST(one_that_cannot_store_follows) {
        struct net *n = started();

        n->nodes[2].fail_disk = true;
        net_group(n, ALL);
        net_pass(n, 3 * USEC_PER_SEC);
        ck_assert(net_operational(n, ALL));
        ck_assert(net_status(n, 2).store_failed);
        ck_assert_ptr_null(net_said(n, 2, MSG_PROMISE));
        net_rule(n, 2, "later", 2);
        net_run(n);
        for (uint32_t id = 1; id <= 3; id++)
                ck_assert(net_has(n, id, "later"));
        ck_assert_ptr_null(net_said(n, 2, MSG_ACK));
        ck_assert_str_eq(net_said(n, 2, MSG_HEARTBEAT)->heartbeat.store_error, "disk full");
        /* With one other it is no majority, and it leads nobody. */
        net_group(n, M(2, 3));
        net_pass(n, 5 * USEC_PER_SEC);
        ck_assert(!net_status(n, 2).operational && !net_status(n, 3).operational);
        ck_assert(!net_status(n, 2).leader);
        n->nodes[2].fail_disk = false;
        net_pass(n, 5 * USEC_PER_SEC);
        ck_assert(net_operational(n, M(2, 3)));
        ck_assert_str_eq(net_said(n, 2, MSG_HEARTBEAT)->heartbeat.store_error, "");
        net_crash(n, 2);
        net_boot(n, 2);
        ck_assert(net_has(n, 2, "later"));
        net_free(n);
}
END_TEST

/* Its database cannot even be read: it has nothing to offer, and works with the others' ledger. */
START_TEST(one_whose_disk_cannot_be_read_follows) {
        struct net *n = started();
        uint64_t promised;

        net_crash(n, 1);
        n->nodes[1].lost = n->nodes[1].store_error = "no such disk";
        n->nodes[1].fail_disk = true;
        {
                struct node *d = &n->nodes[1];
                uint64_t epoch = d->epoch;

                promised = d->promised;
                d->epoch = d->promised = 0; /* what is on it is not known */
                net_boot(n, 1);
                d->epoch = epoch;
                d->promised = promised;
        }
        net_group(n, ALL);
        net_pass(n, 10 * USEC_PER_SEC);
        ck_assert(net_operational(n, ALL));
        ck_assert(net_has(n, 1, "kept"));
        ck_assert_int_eq(net_model(n, 2)->hosts[0].state, HOST_ONLINE);
        ck_assert_ptr_null(net_said(n, 1, MSG_ACK));
        ck_assert_uint_eq(n->nodes[1].promised, promised);
        ck_assert_str_eq(net_status(n, 1).store_error, "disk full");
        net_free(n);
}
END_TEST

START_TEST(stores_of_a_majority_fail) {
        struct net *n = started();
        size_t log;

        n->nodes[1].fail_disk = n->nodes[2].fail_disk = true;
        net_rule(n, 3, "first", 2);
        net_pass(n, 5 * USEC_PER_SEC);
        for (uint32_t id = 1; id <= 3; id++) {
                ck_assert(!net_status(n, id).operational);
                ck_assert(missing_says(n, id,
                                       "a majority of the hosts cannot store the ledger; "
                                       "guests run on: node1: disk full; node2: disk full"));
        }
        net_rule(n, 3, "second", 3); /* answered at once, not when patience ends */
        ck_assert_uint_eq(n->nodes[3].replied, 3);
        ck_assert_uint_eq(n->nodes[3].reply_code, REPLY_NOT_QUORATE);
        log = net_status(n, 3).version;
        net_pass(n, 30 * USEC_PER_SEC);
        ck_assert_uint_eq(net_status(n, 3).version, log); /* nothing is piled up */
        n->nodes[1].fail_disk = false;
        net_pass(n, 5 * USEC_PER_SEC);
        ck_assert(net_operational(n, ALL));
        ck_assert(net_has(n, 2, "first")); /* what was proposed before is completed */
        ck_assert_uint_ge(n->nodes[3].notes[NOTE_OPERATIONAL], 2);
        net_free(n);
}
END_TEST

static Suite *lost_suite(void) {
        Suite *s = suite_create("lost");
        TCase *tc = unit_case(s, "lost");

        tcase_add_test(tc, nothing_is_made_up_when_all_have_lost_it);
        tcase_add_test(tc, one_that_has_lost_it_is_enough);
        tcase_add_test(tc, a_majority_has_lost_it);
        tcase_add_test(tc, one_that_cannot_store_follows);
        tcase_add_test(tc, one_whose_disk_cannot_be_read_follows);
        tcase_add_test(tc, stores_of_a_majority_fail);
        return s;
}

UNIT_MAIN(lost_suite)
