/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: ring */
/* The ring of one host, and who a host is by its ledger. */
#include "hawd/ring/identity.h"
#include "tests/unit/ring_fixture.h"

static void setup(void) {
        memset(&heard, 0, sizeof(heard));
        loop = qb_loop_create();
        ring = ring_open_solo(5, "alpha", &callbacks, &heard);
        attach();
        heard_is("nodes 5=alpha\n");
        turn();
        heard_is("ring 5.1: 5\nquorum 5.1 yes\ngroup 5*\n");
}

static void teardown(void) {
        ring = ring_close(ring);
        qb_loop_destroy(loop);
}

START_TEST(it_hears_what_it_says_in_order) {
        ck_assert_uint_eq(ring_nodeid(ring), 5);
        ck_assert_int_eq(say("one", 3), 0);
        ck_assert_int_eq(say("two", 3), 0);
        ck_assert_int_eq(say("", 0), -EINVAL);
        heard_is("");
        turn();
        heard_is("message 5: 3 one\nmessage 5: 3 two\n");
}
END_TEST

static void answer(void) {
        heard.on_message = NULL;
        ck_assert_int_eq(say("answer", 6), 0);
}

START_TEST(a_callback_may_send) {
        heard.on_message = answer;
        ck_assert_int_eq(say("question", 8), 0);
        ck_assert_int_eq(say("more", 4), 0);
        turn();
        heard_is("message 5: 8 question\nmessage 5: 4 more\nmessage 5: 6 answer\n");
}
END_TEST

START_TEST(joining_anew_forgets_what_was_said) {
        ring_rejoin(ring);
        ck_assert_int_eq(say("lost", 4), 0);
        turn();
        heard_is("group\nring 5.1: 5\nquorum 5.1 yes\ngroup 5*\n");
        ck_assert_int_eq(say("back", 4), 0);
        turn();
        heard_is("message 5: 4 back\n");
}
END_TEST

static void leave(void) {
        ring_leave(ring);
}

START_TEST(leaving_ends_it_all) {
        heard.on_message = leave;
        ck_assert_int_eq(say("one", 3), 0);
        ck_assert_int_eq(say("two", 3), 0);
        ring_rejoin(ring);
        ring_leave(ring);
        turn();
        heard_is("");
        ck_assert_int_eq(say("three", 5), -ENOTCONN);
}
END_TEST

START_TEST(leaving_in_a_callback) {
        heard.on_message = leave;
        ck_assert_int_eq(say("one", 3), 0);
        ck_assert_int_eq(say("two", 3), 0);
        turn();
        heard_is("message 5: 3 one\n");
}
END_TEST

/* ---- identity -------------------------------------------------------------------------------- */

static struct state *ledger(const struct conf_node *hosts, size_t n) {
        struct state *s = state_new();

        s->model.n_hosts = n;
        for (size_t i = 0; i < n; i++) {
                s->model.hosts[i].nodeid = hosts[i].nodeid;
                text_set(s->model.hosts[i].name, NAME_LEN, hosts[i].name);
        }
        return s;
}

/* An entry behind the model that adds or removes a host. */
static void change(struct state *s, enum op_kind kind, uint32_t nodeid, const char *name) {
        struct entry *e = entry_new();
        struct op *op = entry_add(e, kind);

        op->host = nodeid;
        text_set(op->name, sizeof(op->name), name);
        s->tail = xreallocarray(s->tail, s->n_tail + 1, sizeof(*s->tail));
        s->tail[s->n_tail++] = e;
}

static void solo_is(const struct state *s, const char *name, uint32_t nodeid) {
        uint32_t got = 0;

        ck_assert_msg(identity_solo(s, name, &got, err) == 0, "%s", err);
        ck_assert_uint_eq(got, nodeid);
}

static void solo_refuses(const struct state *s, const char *name, const char *text) {
        uint32_t got = 77;

        ck_assert_int_eq(identity_solo(s, name, &got, err), -EINVAL);
        ck_assert_msg(strstr(err, text) != NULL, "%s", err);
        ck_assert_uint_eq(got, 77);
}

START_TEST(solo_takes_its_number_of_the_ledger) {
        const struct conf_node three[] = {{1, "alpha"}, {2, "beta"}, {3, "gamma"}};
        struct state *s;

        solo_is(NULL, "alpha", 1);
        s = ledger(three, 0);
        solo_is(s, "alpha", 1);
        change(s, OP_HOST_ADD, 4, "delta");
        solo_is(s, "delta", 4);
        change(s, OP_HOST_ADD, 5, "epsilon");
        solo_refuses(s, "delta", "the ledger lists 2");
        change(s, OP_HOST_REMOVE, 4, "");
        solo_is(s, "epsilon", 5);
        state_unref(s);
        s = ledger(three + 1, 1);
        solo_is(s, "beta", 2);
        solo_refuses(s, "alpha", "is that of host beta, and this host is called alpha");
        solo_refuses(s, "no name", "'no name' cannot name this host");
        solo_refuses(s, "", "hostnamectl set-hostname");
        state_unref(s);
        s = ledger(three, 3);
        solo_refuses(s, "alpha", "the ledger lists 3");
        state_unref(s);
}
END_TEST

START_TEST(a_name_keeps_its_number) {
        const struct conf_node known[] = {{1, "alpha"}, {2, "beta"}};
        const struct conf_node more[] = {{1, "alpha"}, {2, "beta"}, {3, "gamma"}};
        const struct conf_node renamed[] = {{1, "omega"}, {2, "beta"}};
        const struct conf_node exchanged[] = {{1, "alpha"}, {3, "beta"}};
        struct state *s = ledger(known, 2);

        ck_assert_int_eq(identity_check(NULL, exchanged, 2, err), 0);
        ck_assert_int_eq(identity_check(s, more, 3, err), 0);
        ck_assert_int_eq(identity_check(s, more, 1, err), 0);
        ck_assert_int_eq(identity_check(s, renamed, 2, err), 0);
        ck_assert_int_eq(identity_check(s, exchanged, 2, err), -EINVAL);
        ck_assert_str_eq(err,
                         "beta is node 3 in corosync.conf and node 2 in this host's ledger: give "
                         "it nodeid 2, or begin with an empty ledger");
        state_unref(s);
}
END_TEST

static Suite *solo_suite(void) {
        Suite *s = suite_create("solo");
        TCase *tc = unit_case(s, "solo");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, it_hears_what_it_says_in_order);
        tcase_add_test(tc, a_callback_may_send);
        tcase_add_test(tc, joining_anew_forgets_what_was_said);
        tcase_add_test(tc, leaving_ends_it_all);
        tcase_add_test(tc, leaving_in_a_callback);
        tc = unit_case(s, "identity");
        tcase_add_test(tc, solo_takes_its_number_of_the_ledger);
        tcase_add_test(tc, a_name_keeps_its_number);
        return s;
}

UNIT_MAIN(solo_suite)
