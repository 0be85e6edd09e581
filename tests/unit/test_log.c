/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Entries: proposed, stored, acknowledged, stable, applied (S4, S10).
 */
#include "tests/unit/net_fixture.h"

#define ALL M(1, 2, 3)

static struct net *started(void) {
        struct net *n = net_new(3);

        net_group(n, ALL);
        net_run(n);
        net_pass(n, 3 * USEC_PER_SEC); /* the hosts have joined, nothing is left to decide */
        ck_assert(net_operational(n, ALL));
        return n;
}

/* S4: applied only when a majority has stored it. */
START_TEST(applied_only_when_a_majority_stored_it) {
        struct net *n = started();

        net_hold(n, 2);
        net_hold(n, 3);
        net_rule(n, 1, "rule", 1);
        net_run(n);
        ck_assert(!net_has(n, 1, "rule"));
        ck_assert(!net_has(n, 2, "rule"));
        ck_assert_uint_eq(n->nodes[1].n_replies, 0);
        ck_assert_uint_eq(net_status(n, 1).version, net_status(n, 1).applied + 1);
        net_release(n, 2);
        net_run(n);
        ck_assert(net_has(n, 1, "rule"));
        ck_assert(net_has(n, 2, "rule"));
        ck_assert(net_has(n, 3, "rule")); /* stable is stable, stored here or not */
        ck_assert_uint_eq(n->nodes[1].replied, 1);
        net_free(n);
}
END_TEST

/* An acknowledgement is said only when the entry is on disk. */
START_TEST(acknowledged_only_when_stored) {
        struct net *n = started();
        uint64_t version = net_status(n, 2).version;

        net_hold(n, 2);
        net_rule(n, 1, "rule", 1);
        net_run(n);
        ck_assert_uint_eq(net_said(n, 2, MSG_ACK)->ack.version, version);
        net_disk(n, 2, SIZE_MAX);
        ck_assert_uint_eq(net_said(n, 2, MSG_ACK)->ack.version, version + 1);
        ck_assert_uint_eq(n->nodes[2].disk->version, version + 1);
        net_free(n);
}
END_TEST

/* The last entry before a loss may have been delivered to the lost host alone: it never acted on
 * it, and what it has is dropped when it comes back. */
START_TEST(entry_of_a_lost_host_alone_is_never_applied) {
        struct net *n = started();

        net_rule(n, 1, "ghost", 1);
        net_deliver(n, 1);
        net_deliver(n, 1);
        ck_assert(!net_has(n, 1, "ghost"));
        ck_assert_uint_gt(net_status(n, 1).version, net_status(n, 1).applied);
        n->nodes[2].next = n->nodes[3].next = n->n_queue; /* nobody else gets it */
        net_group(n, M(2, 3));
        net_run(n);
        net_rule(n, 3, "real", 2);
        net_run(n);
        ck_assert(net_has(n, 2, "real"));
        net_group(n, ALL);
        net_drop(n, 1);
        net_group(n, ALL);
        net_run(n);
        ck_assert(net_same(n, ALL));
        ck_assert(net_has(n, 1, "real"));
        net_free(n);
}
END_TEST

/* Entries of another epoch, out of their turn, or not of the leader are dropped. */
START_TEST(entry_of_another_epoch_is_dropped) {
        struct net *n = started();
        struct msg *late = msg_new(MSG_ENTRY);
        uint64_t version, epoch = net_status(n, 1).epoch;

        late->entry = entry_new();
        late->entry->epoch = epoch;
        entry_add(late->entry, OP_RULE_SET);
        text_set(late->entry->ops[0].name, NAME_LEN, "late");
        net_group(n, ALL);
        net_run(n);
        version = net_status(n, 2).version;
        late->entry_version = version + 1;
        TELL(n, 2, .kind = EV_MESSAGE, .message = {.from = {1, n->nodes[1].pid}, .msg = late});
        ck_assert_uint_eq(net_status(n, 2).version, version);
        late->entry->epoch = net_status(n, 2).epoch + 1;
        TELL(n, 2, .kind = EV_MESSAGE, .message = {.from = {1, n->nodes[1].pid}, .msg = late});
        ck_assert_uint_eq(net_status(n, 2).version, version);
        late->entry->epoch = net_status(n, 2).epoch;
        late->entry_version = version + 2; /* one before it is lacking */
        TELL(n, 2, .kind = EV_MESSAGE, .message = {.from = {1, n->nodes[1].pid}, .msg = late});
        ck_assert_uint_eq(net_status(n, 2).version, version);
        late->entry_version = version + 1;
        TELL(n, 2, .kind = EV_MESSAGE, .message = {.from = {3, n->nodes[3].pid}, .msg = late});
        ck_assert_uint_eq(net_status(n, 2).version, version); /* node3 does not lead */
        TELL(n, 2, .kind = EV_MESSAGE, .message = {.from = {1, n->nodes[1].pid}, .msg = late});
        ck_assert_uint_eq(net_status(n, 2).version, version + 1);
        msg_unref(late);
        net_free(n);
}
END_TEST

START_TEST(ack_of_another_epoch_does_not_count) {
        struct net *n = started();
        struct msg *ack = msg_new(MSG_ACK);

        net_hold(n, 2);
        net_hold(n, 3);
        net_rule(n, 1, "rule", 1);
        net_run(n);
        ack->view = net_said(n, 1, MSG_ACK)->view;
        ack->ack.epoch = net_status(n, 1).epoch - 1;
        ack->ack.version = 1000;
        for (uint32_t id = 2; id <= 3; id++)
                TELL(n, 1, .kind = EV_MESSAGE,
                     .message = {.from = {id, n->nodes[id].pid}, .msg = ack});
        ck_assert(!net_has(n, 1, "rule"));
        ack->ack.epoch++;
        TELL(n, 1, .kind = EV_MESSAGE, .message = {.from = {2, n->nodes[2].pid}, .msg = ack});
        ck_assert(net_has(n, 1, "rule"));
        msg_unref(ack);
        net_free(n);
}
END_TEST

/* Delivered before the state has come: kept, and applied behind it. */
START_TEST(entries_before_the_install_are_held) {
        struct net *n = started();

        net_group(n, M(1, 2));
        net_run(n);
        net_rule(n, 1, "while-away", 1);
        net_run(n);
        net_hold(n, 3); /* node 3's promise is late: the others go on without it */
        net_group(n, ALL);
        while (net_deliver(n, 1) || net_deliver(n, 2) ||
               (net_status(n, 3).phase < SYNC_PROMISE && net_deliver(n, 3)))
                ;
        ck_assert(net_operational(n, M(1, 2)));
        ck_assert_int_eq(net_status(n, 3).phase, SYNC_PROMISE);
        net_rule(n, 2, "held", 2);
        while (net_deliver(n, 1) || net_deliver(n, 2))
                ;
        ck_assert(net_has(n, 1, "held"));
        net_release(n, 3);
        net_run(n);
        ck_assert(net_has(n, 3, "while-away"));
        ck_assert(net_has(n, 3, "held"));
        ck_assert(net_same(n, ALL));
        net_crash(n, 3);
        net_boot(n, 3);
        net_group(n, M(2, 3));
        net_run(n);
        ck_assert(net_operational(n, M(2, 3)));
        net_free(n);
}
END_TEST

/* The same with the entry ordered before the state: it goes behind the winner's last version, and
 * nowhere else. */
START_TEST(entry_between_promise_and_state_is_held) {
        struct net *n = started();
        struct msg *m = msg_new(MSG_ENTRY), *ack = msg_new(MSG_ACK);
        uint64_t version, winner;

        net_group(n, M(1, 2));
        net_run(n);
        net_rule(n, 1, "while-away", 1);
        net_run(n);
        winner = net_status(n, 1).version;
        net_group(n, ALL);
        while (net_status(n, 3).phase < SYNC_PROMISE)
                ck_assert(net_deliver(n, 3));
        version = net_status(n, 3).version;
        ck_assert_uint_lt(version, winner);
        ack->view = net_said(n, 3, MSG_PROMISE)->view;
        ack->ack.epoch = net_said(n, 3, MSG_PROMISE)->promise.number;
        ack->ack.version = winner;
        TELL(n, 3, .kind = EV_MESSAGE, .message = {.from = {1, n->nodes[1].pid}, .msg = ack});
        m->entry = entry_new();
        m->entry->epoch = ack->ack.epoch;
        m->entry_version = version + 1; /* next in its own old log: not in this one */
        entry_add(m->entry, OP_RULE_SET);
        text_set(m->entry->ops[0].name, NAME_LEN, "early");
        TELL(n, 3, .kind = EV_MESSAGE, .message = {.from = {1, n->nodes[1].pid}, .msg = m});
        m->entry_version = winner + 1;
        TELL(n, 3, .kind = EV_MESSAGE, .message = {.from = {1, n->nodes[1].pid}, .msg = m});
        ck_assert_uint_eq(net_status(n, 3).version, version); /* not behind its old ledger */
        while (net_status(n, 3).epoch < ack->ack.epoch) {     /* until it has installed the state */
                bool any = false;

                for (uint32_t id = 1; id <= 3; id++)
                        any |= net_deliver(n, id);
                ck_assert(any);
        }
        ck_assert_uint_eq(net_status(n, 3).version, winner + 1);
        msg_unref(ack);
        msg_unref(m);
        net_free(n);
}
END_TEST

/* S10: nothing stored: no acknowledgement until one write of all has worked; no row is lost. */
START_TEST(persist_failure_means_no_vote_until_repaired) {
        struct net *n = started();
        uint64_t version = net_status(n, 2).version;
        size_t rows;

        n->nodes[2].fail_disk = true;
        net_rule(n, 1, "one", 1);
        net_run(n);
        ck_assert(net_status(n, 2).store_failed);
        ck_assert_str_eq(net_status(n, 2).store_error, "disk full");
        ck_assert_uint_eq(n->nodes[2].notes[NOTE_STORE_FAILED], 1);
        ck_assert_uint_eq(net_said(n, 2, MSG_ACK)->ack.version, version);
        ck_assert(net_has(n, 2, "one")); /* the others' majority made it stable */
        rows = n->nodes[2].n_rows;
        net_hold(n, 3);
        net_rule(n, 1, "two", 2);
        net_pass(n, 5 * USEC_PER_SEC);    /* its retries fail too */
        ck_assert(!net_has(n, 1, "two")); /* one of three has stored it */
        ck_assert_uint_eq(net_said(n, 2, MSG_ACK)->ack.version, version);
        ck_assert_uint_eq(n->nodes[2].n_rows, rows);
        n->nodes[2].fail_disk = false;
        net_pass(n, 3 * USEC_PER_SEC);
        ck_assert(!net_status(n, 2).store_failed);
        ck_assert_uint_eq(n->nodes[2].notes[NOTE_STORE_BACK], 1);
        ck_assert_uint_ge(net_said(n, 2, MSG_ACK)->ack.version, version + 2);
        ck_assert(net_has(n, 1, "two"));
        net_release(n, 3);
        net_run(n);
        ck_assert_uint_eq(n->nodes[2].n_rows, n->nodes[1].n_rows);
        net_crash(n, 2);
        net_boot(n, 2);
        ck_assert_uint_ge(net_status(n, 2).version, version + 2);
        net_free(n);
}
END_TEST

START_TEST(failed_promise_is_repaired) {
        struct net *n = started();

        n->nodes[2].fail_disk = true;
        net_group(n, M(1, 2));
        net_run(n);
        ck_assert_ptr_null(net_said(n, 2, MSG_PROMISE));
        ck_assert(!net_operational(n, M(1)));
        n->nodes[2].fail_disk = false;
        net_pass(n, 3 * USEC_PER_SEC);
        ck_assert(net_operational(n, M(1, 2)));
        net_free(n);
}
END_TEST

/* A majority without its stores decides nothing; the guests are left alone. */
START_TEST(two_full_disks_stop_decisions) {
        struct net *n = started();

        n->nodes[1].fail_disk = n->nodes[2].fail_disk = true;
        net_rule(n, 3, "rule", 1);
        net_pass(n, 10 * USEC_PER_SEC);
        ck_assert(!net_has(n, 3, "rule"));
        n->nodes[1].fail_disk = false;
        net_pass(n, 3 * USEC_PER_SEC);
        ck_assert(net_has(n, 3, "rule"));
        net_free(n);
}
END_TEST

/* Every member's history has the same rows. */
START_TEST(rows_are_stored_with_the_ledger) {
        struct net *n = started();
        size_t rows;

        net_pass(n, USEC_PER_SEC); /* rows may wait a little for the next write */
        rows = n->nodes[1].n_rows;
        ck_assert_uint_gt(rows, 0);
        net_rule(n, 2, "rule", 1);
        net_pass(n, USEC_PER_SEC);
        for (uint32_t id = 1; id <= 3; id++)
                ck_assert_uint_eq(n->nodes[id].n_rows, rows + 1);
        ck_assert_uint_eq(n->nodes[3].notes[NOTE_RULE_SET], 1);
        net_free(n);
}
END_TEST

/* Power loss everywhere: the disks give the ledger back. */
START_TEST(restart_from_disk) {
        struct net *n = started();
        uint64_t version;

        net_rule(n, 1, "rule", 1);
        net_run(n);
        version = net_status(n, 1).applied;
        for (uint32_t id = 1; id <= 3; id++)
                net_crash(n, id);
        for (uint32_t id = 1; id <= 3; id++)
                net_boot(n, id);
        ck_assert_uint_eq(net_status(n, 1).version, version);
        net_group(n, M(2, 3));
        net_run(n);
        ck_assert(net_operational(n, M(2, 3)));
        ck_assert(net_has(n, 2, "rule"));
        ck_assert(net_same(n, M(2, 3)));
        net_free(n);
}
END_TEST

/* A client's request is applied once, also when the group changes under it. */
START_TEST(request_is_proposed_again_after_a_change) {
        struct net *n = started();

        net_rule(n, 1, "rule", 9);
        net_drop(n, 1); /* lost with the old configuration */
        net_group(n, M(1, 2));
        net_run(n);
        ck_assert(net_has(n, 2, "rule"));
        ck_assert_uint_eq(n->nodes[1].replied, 9);
        ck_assert_uint_eq(n->nodes[1].n_replies, 1);
        net_free(n);
}
END_TEST

/* The store's base follows, so that its log does not grow for ever. */
START_TEST(log_is_compacted) {
        struct net *n = started();
        size_t compacted = 0;

        net_hold(n, 3);
        for (unsigned i = 0; i < 300; i++) {
                net_rule(n, 1, i % 2 ? "a" : "b", 100 + i);
                net_run(n);
                for (size_t k = 0; k < n->nodes[3].n_held; k++)
                        compacted += n->nodes[3].held[k]->compact != NULL;
                net_disk(n, 3, SIZE_MAX);
        }
        ck_assert_uint_eq(compacted, 1);
        net_free(n);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("log");
        TCase *tc = unit_case(s, "log");

        tcase_add_test(tc, applied_only_when_a_majority_stored_it);
        tcase_add_test(tc, acknowledged_only_when_stored);
        tcase_add_test(tc, entry_of_a_lost_host_alone_is_never_applied);
        tcase_add_test(tc, entry_of_another_epoch_is_dropped);
        tcase_add_test(tc, ack_of_another_epoch_does_not_count);
        tcase_add_test(tc, entries_before_the_install_are_held);
        tcase_add_test(tc, entry_between_promise_and_state_is_held);
        tcase_add_test(tc, persist_failure_means_no_vote_until_repaired);
        tcase_add_test(tc, failed_promise_is_repaired);
        tcase_add_test(tc, two_full_disks_stop_decisions);
        tcase_add_test(tc, rows_are_stored_with_the_ledger);
        tcase_add_test(tc, restart_from_disk);
        tcase_add_test(tc, request_is_proposed_again_after_a_change);
        tcase_add_test(tc, log_is_compacted);
        return s;
}

UNIT_MAIN(suite)
