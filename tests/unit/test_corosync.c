/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: ring */
/* The ring of corosync against a corosync in this process: order, flow control, restarts. */
#include "hawd/wire/frag.h"
#include "tests/unit/fake_corosync.h"
#include "tests/unit/ring_fixture.h"

#define IN_FLIGHT_MAX 64
#define DATA_MAX (FAKE_ATOMIC - FRAG_HEADER_LEN)

static const int us[] = {2, 0, -1}; /* the pid is filled in */
static int self_pid[3], everybody[7], the_others[5];

static int open_ring(void) {
        return ring_open_corosync("test", &callbacks, &heard, &ring, err);
}

static void setup(void) {
        fake_init();
        memset(&heard, 0, sizeof(heard));
        loop = qb_loop_create();
        memcpy(self_pid, us, sizeof(us));
        self_pid[1] = getpid();
        memcpy(everybody, (int[]){3, 30, 2, getpid(), 1, 10, -1}, sizeof(everybody));
        memcpy(the_others, (int[]){1, 10, 3, 30, -1}, sizeof(the_others));
}

static void teardown(void) {
        ring = ring_close(ring);
        qb_loop_destroy(loop);
        for (size_t i = 0; i < fake.n_sent; i++)
                free(fake.sent[i].iov_base);
}

/* In the group, everything said. */
static void setup_attached(void) {
        setup();
        ck_assert_msg(open_ring() == 0, "%s", err);
        attach();
        heard_is("nodes 1=node1 2=node2 3=node3\n");
}

/* A piece of another host's message. */
static void peer_piece(size_t handle, uint32_t nodeid, const char *text, size_t len,
                       uint32_t counter, uint32_t index) {
        uint8_t bytes[FAKE_ATOMIC];
        struct frag_cut cut;
        const uint8_t *data;
        size_t n;

        ck_assert_int_eq(frag_cut((const uint8_t *)text, len, FRAG_HEADER_LEN + 50, counter, &cut),
                         0);
        n = frag_piece(&cut, index, bytes, &data);
        memcpy(bytes + FRAG_HEADER_LEN, data, n);
        fake_message(handle, nodeid, nodeid * 10, bytes, FRAG_HEADER_LEN + n);
}

/* ---- opening --------------------------------------------------------------------------------- */

START_TEST(nothing_is_said_before_attaching) {
        struct fake_event *e;

        ck_assert_int_eq(open_ring(), 0);
        ck_assert_uint_eq(ring_nodeid(ring), FAKE_SELF);
        fake_group(0, everybody, NULL, self_pid);
        e = fake_event(&fake.cpg[0]);
        e->kind = FAKE_RING;
        e->nodeid = 5;
        fake_quorum(5, true);
        heard_is("");
        attach();
        heard_is("nodes 1=node1 2=node2 3=node3\n");
        turn();
        ck_assert(heard_has("group 1 2* 3\nring 1.5: 1 2 3\n"));
        ck_assert(heard_has("quorum 1.5 yes\n"));
}
END_TEST

static void refuses(int code, const char *text) {
        ck_assert_int_eq(open_ring(), code);
        ck_assert_msg(strstr(err, text) != NULL, "%s", err);
        ck_assert_ptr_null(ring);
}

START_TEST(what_does_not_open_is_explained) {
        fake.init = CS_ERR_LIBRARY;
        refuses(-ENOTCONN, "corosync does not run on this host");
        fake.init = CS_ERR_ACCESS;
        refuses(-EACCES, "run hawd as root");
        fake.init = CS_OK;
        fake.quorum_type = QUORUM_FREE;
        refuses(-EINVAL, "provider: corosync_votequorum");
        fake.quorum_type = QUORUM_SET;
        fake.nodes[0].nodeid = 1;
        refuses(-EINVAL, "have the same name or id");
        fake.n_nodes = 0;
        refuses(-EINVAL, "has no nodelist");
}
END_TEST

/* ---- sending --------------------------------------------------------------------------------- */

static bool both_sent(void) {
        return fake.n_sent == 2;
}

START_TEST(flow_control_delays_and_keeps_the_order) {
        fake.mcast_again = 3;
        ck_assert_int_eq(say("first", 5), 0);
        ck_assert_int_eq(say("second", 6), 0);
        ck_assert_uint_eq(fake.n_sent, 0);
        turn_until(both_sent);
        fake_return(0, 2);
        turn();
        heard_is("message 2: 5 first\nmessage 2: 6 second\n");
}
END_TEST

/* Corosync queues without bound for a client that does not read: this one stops to send. */
START_TEST(own_pieces_must_come_back_before_more_go) {
        char text[8];

        for (int i = 0; i < 3 * IN_FLIGHT_MAX; i++) {
                int n = snprintf(text, sizeof(text), "m%d", i);

                ck_assert_int_eq(say(text, (size_t)n), 0);
        }
        turn();
        ck_assert_uint_eq(fake.n_sent, IN_FLIGHT_MAX);
        fake_return(0, 10);
        turn();
        ck_assert_uint_eq(fake.n_sent, IN_FLIGHT_MAX + 10);
        while (fake.n_returned < 3 * IN_FLIGHT_MAX) {
                ck_assert_uint_le(fake.n_sent - fake.n_returned, IN_FLIGHT_MAX);
                fake_return(0, 50);
                turn();
        }
        ck_assert_uint_eq(heard.messages, 3 * IN_FLIGHT_MAX);
        ck_assert(heard_has("message 2: 3 m98\nmessage 2: 3 m99\nmessage 2: 4 m100\n"));
}
END_TEST

START_TEST(a_long_message_is_alone_on_its_way) {
        static char text[5 * DATA_MAX];

        memset(text, 'a', sizeof(text));
        ck_assert_int_eq(say(text, sizeof(text)), 0);
        ck_assert_int_eq(say("next", 4), 0);
        ck_assert_uint_eq(fake.n_sent, 5);
        fake_return(0, 4);
        turn();
        ck_assert_uint_eq(fake.n_sent, 5);
        heard_is("");
        fake_return(0, 1);
        turn();
        ck_assert_uint_eq(fake.n_sent, 6);
        fake_return(0, 1);
        turn();
        heard_is("message 2: 5000 aaaaaaaaaaaaaaaaaaaa\nmessage 2: 4 next\n");
}
END_TEST

/* Who joins in the middle has no part in what was begun before: it is begun anew, for all. */
START_TEST(somebody_joins_amid_a_long_message) {
        const int joined[] = {3, 30, -1};
        static char text[3 * DATA_MAX];

        memset(text, 'b', sizeof(text));
        ck_assert_int_eq(say(text, sizeof(text)), 0);
        fake_return(0, 1);
        fake_group(0, everybody, NULL, joined);
        turn();
        heard_is("group 1 2* 3\n");
        ck_assert_uint_eq(fake.n_sent, 6);
        fake_return(0, 2); /* of the first try */
        turn();
        heard_is("");
        fake_return(0, 3);
        turn();
        heard_is("message 2: 3000 bbbbbbbbbbbbbbbbbbbb\n");
        ck_assert_int_eq(say("next", 4), 0);
        ck_assert_uint_eq(fake.n_sent, 7);
}
END_TEST

START_TEST(what_cannot_be_sent_is_refused) {
        static char text[1 << 20];
        int rc = 0;
        size_t n = 0;

        ck_assert_int_eq(say("", 0), -EINVAL);
        ck_assert_int_eq(say(text, FRAG_TOTAL_MAX + 1), -EMSGSIZE);
        fake.mcast_again = UINT32_MAX;
        while (rc == 0 && ++n < 400)
                rc = say(text, sizeof(text));
        ck_assert_int_eq(rc, -ENOBUFS);
        ck_assert_uint_eq(n, RING_QUEUE_MAX / sizeof(text) + 1);
}
END_TEST

/* ---- receiving ------------------------------------------------------------------------------- */

START_TEST(pieces_of_others_are_joined) {
        const char *text =
                "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789";

        peer_piece(0, 1, text, 72, 1, 0);
        peer_piece(0, 3, "short", 5, 1, 0);
        peer_piece(0, 1, text, 72, 1, 1);
        turn();
        heard_is("message 3: 5 short\nmessage 1: 72 abcdefghijklmnopqrst\n");
}
END_TEST

/* Once for each process, until it leaves; the others are heard. */
START_TEST(who_is_not_understood_is_refused_once) {
        const uint8_t newer[FRAG_HEADER_LEN + 1] = {'h', 'a', 'w', 'd', 0, 99};
        const int left[] = {3, 30, -1};

        fake_message(0, 3, 30, newer, sizeof(newer));
        fake_message(0, 3, 30, newer, sizeof(newer));
        fake_message(0, 1, 10, "garbage", 7);
        peer_piece(0, 1, "but this", 8, 1, 0);
        turn();
        heard_is("refused 3: speaks version 99 of the protocol, this host version 1: upgrade the "
                 "older of the two\n"
                 "refused 1: 7 bytes that are no message of hawd\n"
                 "message 1: 8 but this\n");
        fake_group(0, the_others, left, NULL);
        fake_message(0, 3, 30, newer, sizeof(newer));
        turn();
        ck_assert(heard_has("refused 3: "));
}
END_TEST

/* ---- quorum and nodelist --------------------------------------------------------------------- */

START_TEST(waiting_for_all_is_told_from_a_lack_of_votes) {
        fake.waiting = 1;
        fake.votes.total_votes = 1;
        fake.votes.quorum = 2;
        fake_quorum(1, false);
        turn();
        heard_is("quorum 1.1 no\n");
        fake.votes.quorum = 1;
        fake_quorum(2, false);
        turn();
        heard_is("quorum 1.2 no waiting\n");
        fake_cmap_change(); /* of something else */
        turn();
        heard_is("");
        fake.waiting = 0; /* an operator ended the waiting */
        fake_cmap_change();
        turn();
        heard_is("quorum 1.2 no\n");
        fake_quorum(2, true);
        turn();
        heard_is("quorum 1.2 yes\n");
}
END_TEST

START_TEST(last_man_standing_is_followed) {
        fake_quorum(1, true);
        turn();
        heard_is("quorum 1.1 yes\n");
        fake.votes.flags = VOTEQUORUM_INFO_LAST_MAN_STANDING | VOTEQUORUM_INFO_QUORATE;
        fake_cmap_change();
        turn();
        heard_is("quorum 1.1 yes lms\n");
        fake_quorum(2, true);
        turn();
        heard_is("quorum 1.2 yes lms\n");
}
END_TEST

START_TEST(the_nodelist_is_followed) {
        fake.reloading = 1;
        fake.n_nodes = 2;
        fake_cmap_change();
        turn();
        heard_is("");
        fake.reloading = 0;
        fake_cmap_change();
        turn();
        heard_is("nodes 2=node2 3=node3\n");
        fake_cmap_change();
        turn();
        heard_is("");
}
END_TEST

START_TEST(a_nodelist_that_does_not_do_is_not_taken) {
        fake.nodes[0].nodeid = 0;
        fake_cmap_change();
        turn();
        ck_assert(heard_has("complaint: "));
        ck_assert(heard_has("has no nodeid"));
        heard_clear();
        ck_assert_int_eq(say("still here", 10), 0);
        fake.nodes[0].nodeid = 4;
        fake_cmap_change();
        turn();
        heard_is("nodes 1=node1 2=node2 4=node3\n");
}
END_TEST

/* ---- ends ------------------------------------------------------------------------------------ */

START_TEST(corosync_ends) {
        peer_piece(0, 1, "last words", 10, 1, 0);
        fake_end();
        turn();
        heard_is("message 1: 10 last words\n"
                 "down: cpg broke off (CS_ERR_LIBRARY): corosync ended or was restarted\n");
        ck_assert_int_eq(say("too late", 8), -ENOTCONN);
        fake_cmap_change();
        ring_rejoin(ring);
        turn();
        heard_is("");
}
END_TEST

START_TEST(corosync_ends_while_sending) {
        fake.mcast = CS_ERR_LIBRARY;
        (void)say("lost", 4);
        ck_assert(heard_has("down: corosync takes no message"));
        heard_clear();
        ck_assert_int_eq(say("too late", 8), -ENOTCONN);
        turn();
        heard_is("");
}
END_TEST

static void leave(void) {
        ring_leave(ring);
}

START_TEST(leaving_ends_it_all) {
        heard.on_message = leave;
        peer_piece(0, 1, "one", 3, 1, 0);
        peer_piece(0, 1, "two", 3, 2, 0);
        turn();
        heard_is("message 1: 3 one\n");
        ck_assert_uint_eq(fake.left, 1);
        ck_assert_uint_eq(fake.finalized, 1);
        ck_assert_int_eq(say("more", 4), -ENOTCONN);
}
END_TEST

START_TEST(a_corosync_that_hangs_does_not_hold_the_one_who_leaves) {
        fake_hang(true);
        ring_leave(ring);
        ring = ring_close(ring);
        ck_assert_uint_eq(fake.left, 0);
        fake_hang(false);
}
END_TEST

/* ---- joining anew ---------------------------------------------------------------------------- */

static bool joined_again(void) {
        return fake.n_cpg == 2 && fake.cpg[1].joined;
}

static void rejoin(void) {
        heard.on_message = NULL;
        ring_rejoin(ring);
        ring_rejoin(ring); /* the same one */
}

START_TEST(rejoining_is_a_new_life) {
        static char text[3 * DATA_MAX];
        const uint8_t newer[FRAG_HEADER_LEN + 1] = {'h', 'a', 'w', 'd', 0, 99};

        memset(text, 'c', sizeof(text));
        fake_message(0, 3, 30, newer, sizeof(newer));
        peer_piece(0, 1, "one", 3, 1, 0);
        heard.on_message = rejoin;
        ck_assert_int_eq(say(text, sizeof(text)), 0);
        turn_until(joined_again);
        turn();
        ck_assert(heard_has("message 1: 3 one\ngroup\n"));
        ck_assert_uint_eq(fake.finalized, 1);
        heard_clear();
        /* What was on its way is gone, what is sent now goes. */
        ck_assert_uint_eq(fake.n_sent, 3);
        fake_group(1, everybody, NULL, self_pid);
        fake_message(1, 3, 30, newer, sizeof(newer));
        turn();
        ck_assert(heard_has("group 1 2* 3\nrefused 3: "));
        heard_clear();
        ck_assert_int_eq(say("back", 4), 0);
        ck_assert_uint_eq(fake.n_sent, 4);
        fake.n_returned = 3;
        fake_return(1, 1);
        turn();
        heard_is("message 2: 4 back\n");
        ck_assert_uint_eq(fake.n_cpg, 2);
}
END_TEST

static bool group_is_gone(void) {
        return heard_has("group\n");
}

/* Corosync is stopped: the loop goes on, quorum is heard, and what is sent belongs to no group. */
START_TEST(rejoining_does_not_hold_the_loop) {
        fake_hang(true);
        ring_rejoin(ring);
        turn_until(group_is_gone);
        heard_clear();
        ck_assert_int_eq(say("to nobody", 9), 0);
        fake_quorum(9, false);
        turn();
        heard_is("quorum 1.9 no\n");
        ck_assert_uint_eq(fake.n_mcast, 0);
        fake_hang(false);
        turn_until(joined_again);
        turn();
        ck_assert_int_eq(say("again", 5), 0);
        ck_assert_uint_eq(fake.n_sent, 1);
}
END_TEST

static bool is_down(void) {
        return heard_has("down: ");
}

START_TEST(rejoining_that_fails_is_the_end) {
        fake.join = CS_ERR_NO_MEMORY;
        ring_rejoin(ring);
        turn_until(is_down);
        ck_assert(heard_has("down: the group cannot be joined again: "));
        ck_assert_int_eq(say("too late", 8), -ENOTCONN);
}
END_TEST

START_TEST(leaving_amid_rejoining) {
        ring_rejoin(ring);
        ring_leave(ring);
        turn();
        heard_is("");
        ck_assert_uint_eq(fake.n_cpg, 1);
}
END_TEST

START_TEST(corosync_ends_amid_rejoining) {
        fake_hang(true);
        ring_rejoin(ring);
        turn_until(group_is_gone);
        fake_end();
        turn_until(is_down);
        ring = ring_close(ring);
        fake_hang(false);
        turn();
}
END_TEST

static Suite *corosync_suite(void) {
        Suite *s = suite_create("corosync");
        TCase *tc = unit_case(s, "open");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, nothing_is_said_before_attaching);
        tcase_add_test(tc, what_does_not_open_is_explained);
        tc = unit_case(s, "attached");
        tcase_add_checked_fixture(tc, setup_attached, teardown);
        tcase_add_test(tc, flow_control_delays_and_keeps_the_order);
        tcase_add_test(tc, own_pieces_must_come_back_before_more_go);
        tcase_add_test(tc, a_long_message_is_alone_on_its_way);
        tcase_add_test(tc, somebody_joins_amid_a_long_message);
        tcase_add_test(tc, what_cannot_be_sent_is_refused);
        tcase_add_test(tc, pieces_of_others_are_joined);
        tcase_add_test(tc, who_is_not_understood_is_refused_once);
        tcase_add_test(tc, waiting_for_all_is_told_from_a_lack_of_votes);
        tcase_add_test(tc, last_man_standing_is_followed);
        tcase_add_test(tc, the_nodelist_is_followed);
        tcase_add_test(tc, a_nodelist_that_does_not_do_is_not_taken);
        tcase_add_test(tc, corosync_ends);
        tcase_add_test(tc, corosync_ends_while_sending);
        tcase_add_test(tc, leaving_ends_it_all);
        tcase_add_test(tc, a_corosync_that_hangs_does_not_hold_the_one_who_leaves);
        tcase_add_test(tc, rejoining_is_a_new_life);
        tcase_add_test(tc, rejoining_does_not_hold_the_loop);
        tcase_add_test(tc, rejoining_that_fails_is_the_end);
        tcase_add_test(tc, leaving_amid_rejoining);
        tcase_add_test(tc, corosync_ends_amid_rejoining);
        return s;
}

UNIT_MAIN(corosync_suite)
