/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a host says of itself: gathered once at a time, told to all who ask, carried in the ring;
 * and the clocks of the others, from their heartbeats.
 */
#include "tests/unit/rig_fixture.h"

#define ASK(r, number, name)                                                                       \
        EVENT(r, .kind = EV_REQUEST, .request = {.id = (number), .verb = VERB_FACTS, .host = name})

/* node2 of three, without quorum: facts need none. */
static struct rig *open_rig_with(unsigned heartbeat_sec) {
        struct rig *r = rig_new();
        struct led l;

        led_open(&l, 3);
        r->others_silent = true;
        r->config.heartbeat_usec = heartbeat_sec * USEC_PER_SEC;
        r->config.daemon_grace_usec = 10 * USEC_PER_MINUTE;
        rig_open(r, &l, 2, false);
        rig_quorum(r, false);
        rig_clear(r);
        return r;
}

/* The others say nothing, but not for so long yet that they are left out. */
static struct rig *open_rig(void) {
        return open_rig_with(60);
}

static void done(struct rig *r, uint64_t id, const char *json, const char *why) {
        struct blob *b = json ? blob_new(json, strlen(json)) : NULL;

        EVENT(r, .kind = EV_FACTS_DONE, .facts = {.id = id, .facts = b, .text = why});
        blob_unref(b);
}

static const struct action *reply_to(const struct rig *r, uint64_t request) {
        for (size_t i = 0; i < r->n_acts; i++)
                if (r->acts[i].kind == ACT_REPLY && r->acts[i].reply.request == request)
                        return &r->acts[i];
        ck_abort_msg("no reply to %u", (unsigned)request);
        return NULL;
}

START_TEST(own_are_gathered_once_for_all_who_ask) {
        struct rig *r = open_rig();
        uint64_t id;

        ASK(r, 5, "node2");
        ASK(r, 6, "node2");
        ck_assert_uint_eq(rig_acts(r, ACT_FACTS), 1);
        ck_assert_uint_eq(rig_acts(r, ACT_REPLY), 0);
        id = rig_act(r, ACT_FACTS)->facts.id;
        done(r, id + 1, "{\"not\": \"this one\"}", "");
        ck_assert_uint_eq(rig_acts(r, ACT_REPLY), 0);
        done(r, id, "{}", "");
        ck_assert_uint_eq(rig_acts(r, ACT_REPLY), 2);
        for (uint64_t n = 5; n <= 6; n++) {
                ck_assert_int_eq(reply_to(r, n)->reply.code, REPLY_OK);
                ck_assert_str_eq(reply_to(r, n)->reply.facts->data, "{}");
        }
        rig_clear(r);
        ASK(r, 7, "node2"); /* and anew for the next one */
        ck_assert_uint_eq(rig_acts(r, ACT_FACTS), 1);
        done(r, rig_act(r, ACT_FACTS)->facts.id, NULL, "it hung");
        ck_assert_int_eq(reply_to(r, 7)->reply.code, REPLY_FAILED);
        ck_assert_str_eq(reply_to(r, 7)->reply.text, "it hung");
        ck_assert_ptr_null(reply_to(r, 7)->reply.facts);
        rig_close(r);
}
END_TEST

static struct msg *sent; /* the latest ASK or TELL */

static void keep(void *userdata, const struct action *a) {
        (void)userdata;
        if (a->kind != ACT_SEND || (a->send->kind != MSG_ASK && a->send->kind != MSG_TELL))
                return;
        msg_unref(sent);
        sent = msg_ref(a->send);
}

START_TEST(others_are_asked_in_the_ring) {
        struct rig *r = open_rig();
        struct msg *tell = msg_new(MSG_TELL);

        r->told = keep;
        ASK(r, 5, "node3");
        ck_assert_uint_eq(rig_acts(r, ACT_FACTS), 0);
        ck_assert_int_eq(sent->kind, MSG_ASK);
        ck_assert_int_eq(sent->ask.kind, ASK_FACTS);
        ck_assert_uint_eq(sent->ask.to, 3);
        ck_assert_uint_eq(sent->ask.origin, 2);
        tell->tell.to = 2;
        tell->tell.request = 5;
        tell->tell.facts = blob_new("{}", 2);
        EVENT(r, .kind = EV_MESSAGE, .message = {.from = {3, 1003}, .msg = tell});
        ck_assert_str_eq(reply_to(r, 5)->reply.facts->data, "{}");
        msg_unref(tell);
        sent = msg_unref(sent);
        rig_close(r);
}
END_TEST

START_TEST(others_are_answered_in_the_ring) {
        struct rig *r = open_rig();
        struct msg *ask = msg_new(MSG_ASK);

        r->told = keep;
        ask->ask.kind = ASK_FACTS;
        ask->ask.to = 3;
        ask->ask.origin = 1;
        ask->ask.request = 88;
        EVENT(r, .kind = EV_MESSAGE, .message = {.from = {1, 1001}, .msg = ask});
        ck_assert_uint_eq(rig_acts(r, ACT_FACTS), 0);
        ask->ask.to = 2;
        EVENT(r, .kind = EV_MESSAGE, .message = {.from = {1, 1001}, .msg = ask});
        done(r, rig_act(r, ACT_FACTS)->facts.id, "{\"a\": 1}", "");
        ck_assert_int_eq(sent->kind, MSG_TELL);
        ck_assert_uint_eq(sent->tell.to, 1);
        ck_assert_uint_eq(sent->tell.request, 88);
        ck_assert_str_eq(sent->tell.facts->data, "{\"a\": 1}");
        ck_assert_uint_eq(rig_acts(r, ACT_REPLY), 0);
        msg_unref(ask);
        sent = msg_unref(sent);
        rig_close(r);
}
END_TEST

static void heartbeat(struct rig *r, uint32_t from, int64_t wall_off) {
        struct msg *m = msg_new(MSG_HEARTBEAT);

        m->heartbeat.sent_usec = r->now;
        m->heartbeat.wall = rig_wall(r->now) + (usec_t)wall_off;
        EVENT(r, .kind = EV_MESSAGE, .message = {.from = {from, 1000 + from}, .msg = m});
        msg_unref(m);
}

START_TEST(who_cannot_answer_is_named_at_once) {
        struct rig *r = open_rig_with(1);

        ASK(r, 5, "node9");
        ck_assert_int_eq(reply_to(r, 5)->reply.code, REPLY_USAGE);
        rig_group(r, 0x6, 0xe); /* node3 without hawd */
        ASK(r, 6, "node3");
        ck_assert_str_eq(reply_to(r, 6)->reply.text,
                         "hawd does not run there: systemctl start hawd on node3");
        rig_group(r, 0x6, 0x6);
        ASK(r, 7, "node3");
        ck_assert_str_eq(reply_to(r, 7)->reply.text, "node3 is not in corosync's ring");
        heartbeat(r, 1, 0);
        rig_pass(r, 4 * USEC_PER_SEC);
        rig_clear(r);
        ASK(r, 8, "node1");
        ck_assert_uint_eq(rig_acts(r, ACT_REPLY), 0);
        rig_pass(r, 3 * USEC_PER_SEC);
        ASK(r, 9, "node1");
        ck_assert_str_eq(reply_to(r, 9)->reply.text,
                         "its hawd hangs: systemctl restart hawd on node1");
        rig_close(r);
}
END_TEST

START_TEST(who_falls_silent_is_not_waited_for) {
        struct rig *r = open_rig_with(1);

        heartbeat(r, 1, 0);
        rig_clear(r);
        ASK(r, 5, "node1");
        ASK(r, 6, "node3"); /* of whom no heartbeat came yet */
        rig_pass(r, 4 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_acts(r, ACT_REPLY), 0);
        rig_pass(r, 3 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_acts(r, ACT_REPLY), 1);
        ck_assert_ptr_nonnull(strstr(reply_to(r, 5)->reply.text, "its hawd hangs"));
        rig_group(r, 0x6, 0x6);
        ck_assert_str_eq(reply_to(r, 6)->reply.text, "node3 is not in corosync's ring");
        rig_close(r);
}
END_TEST

START_TEST(who_does_not_answer_is_named_in_time) {
        struct rig *r = open_rig();

        rig_quorum(r, true);
        rig_clear(r);
        ASK(r, 5, "node3"); /* of whom no heartbeat came yet */
        rig_pass(r, 29 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_acts(r, ACT_REPLY), 0);
        rig_pass(r, 2 * USEC_PER_SEC);
        ck_assert_int_eq(reply_to(r, 5)->reply.code, REPLY_FAILED);
        rig_close(r);
}
END_TEST

/* Of the latest heartbeats the least late one counts: their way here can only take away. */
START_TEST(clocks_are_compared) {
        struct rig *r = open_rig();
        int64_t offset = 7;

        ck_assert(!core_clock_offset(r->c, 3, &offset));
        heartbeat(r, 3, 1500000);
        heartbeat(r, 3, 1200000);
        ck_assert(core_clock_offset(r->c, 3, &offset));
        ck_assert_int_eq(offset, 1500000);
        for (int i = 0; i < 16; i++)
                heartbeat(r, 3, -2000000 - i);
        ck_assert(core_clock_offset(r->c, 3, &offset));
        ck_assert_int_eq(offset, -2000000);
        rig_pass(r, 2 * USEC_PER_SEC); /* its own come back to it */
        ck_assert(core_clock_offset(r->c, 2, &offset));
        ck_assert_int_eq(offset, 0);
        rig_close(r);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("facts");
        TCase *tc = unit_case(s, "facts");

        tcase_add_test(tc, own_are_gathered_once_for_all_who_ask);
        tcase_add_test(tc, others_are_asked_in_the_ring);
        tcase_add_test(tc, others_are_answered_in_the_ring);
        tcase_add_test(tc, who_cannot_answer_is_named_at_once);
        tcase_add_test(tc, who_falls_silent_is_not_waited_for);
        tcase_add_test(tc, who_does_not_answer_is_named_in_time);
        tcase_add_test(tc, clocks_are_compared);
        return s;
}

UNIT_MAIN(suite)
