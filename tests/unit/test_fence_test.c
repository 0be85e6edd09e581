/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fence devices read for a client: by this member, by others, by all; each reading told once, and
 * one answer at the end, whoever leaves or falls silent.
 */
#include "tests/unit/rig_fixture.h"

#define REQUEST 42

/* What the core sends to other members. */
static struct {
        uint32_t asked[HOSTS_MAX];
        size_t n_asked;
        struct device_reading told[16];
        size_t n_told;
        uint32_t told_to;
        char last_word[TEXT_LEN];
        int32_t last_code;
        unsigned n_last;
} sent;

static void take_down(void *ud, const struct action *a) {
        const struct msg *m = a->kind == ACT_SEND ? a->send : NULL;

        (void)ud;
        if (m && m->kind == MSG_ASK) {
                ck_assert_int_eq(m->ask.kind, ASK_FENCE_TEST);
                sent.asked[sent.n_asked++] = m->ask.to;
        } else if (m && m->kind == MSG_TELL && m->tell.device[0]) {
                struct device_reading *row = &sent.told[sent.n_told++];

                row->reading = m->tell.reading;
                row->took_usec = m->tell.took_usec;
                text_set(row->device, sizeof(row->device), m->tell.device);
                sent.told_to = m->tell.to;
        } else if (m && m->kind == MSG_TELL) {
                sent.n_last++;
                sent.last_code = m->tell.code;
                text_set(sent.last_word, sizeof(sent.last_word), m->tell.text);
        }
}

/* node2 of three; node3 has two devices, node1 has one. Quiet, so that no regular look disturbs. */
static struct rig *open_rig(void) {
        struct rig *r = rig_new();
        struct led l;

        memset(&sent, 0, sizeof(sent));
        led_open(&l, 3);
        r->config.fence_check_usec = 24 * 60 * USEC_PER_MINUTE;
        rig_device(r, "bmc1", "node1", 1);
        rig_device(r, "psu-a", "node3", 1);
        rig_device(r, "psu-b", "node3", 2);
        rig_open(r, &l, 2, false);
        rig_quorum(r, false); /* needed for nothing of this */
        rig_clear(r);
        r->told = take_down;
        return r;
}

#define TEST(r, ...)                                                                               \
        EVENT(r, .kind = EV_REQUEST,                                                               \
              .request = {.id = REQUEST, .verb = VERB_FENCE_TEST, __VA_ARGS__})

static const struct action *nth(const struct rig *r, enum action_kind kind, size_t n) {
        for (size_t i = 0; i < r->n_acts; i++)
                if (r->acts[i].kind == kind && n-- == 0)
                        return &r->acts[i];
        ck_abort_msg("no such action");
        return NULL;
}

static void read_as(struct rig *r, size_t n, enum power_reading reading) {
        rig_fence_done(r, nth(r, ACT_FENCE, n)->fence.id, reading);
}

static void answered(struct rig *r, enum reply_code code, const char *text) {
        ck_assert_uint_eq(rig_acts(r, ACT_REPLY), 1);
        ck_assert_uint_eq(rig_act(r, ACT_REPLY)->reply.request, REQUEST);
        ck_assert_msg(strstr(rig_act(r, ACT_REPLY)->reply.text, text) != NULL, "answered: %s",
                      rig_act(r, ACT_REPLY)->reply.text);
        ck_assert_int_eq(rig_act(r, ACT_REPLY)->reply.code, code);
}

static void hear(struct rig *r, uint32_t from, const char *device, enum power_reading reading,
                 const char *text) {
        struct msg *m = msg_new(MSG_TELL);

        m->tell.to = r->nodeid;
        m->tell.request = REQUEST;
        m->tell.reading = reading;
        m->tell.took_usec = 7;
        text_set(m->tell.device, sizeof(m->tell.device), device);
        text_set(m->tell.text, sizeof(m->tell.text), text);
        EVENT(r, .kind = EV_MESSAGE, .message = {.from = {from, 1000 + from}, .msg = m});
        msg_unref(m);
}

START_TEST(a_hosts_devices_from_here) {
        struct rig *r = open_rig();
        const struct device_reading *row;

        TEST(r, .host = "node3");
        ck_assert_uint_eq(rig_acts(r, ACT_FENCE), 2);
        ck_assert_int_eq(nth(r, ACT_FENCE, 0)->fence.action, FENCE_ACT_STATUS);
        ck_assert_uint_eq(sent.n_asked, 0);
        r->now += 3 * USEC_PER_SEC;
        read_as(r, 1, READING_NONE);
        ck_assert_uint_eq(rig_acts(r, ACT_READING), 1); /* told at once */
        row = &nth(r, ACT_READING, 0)->reading.row;
        ck_assert_str_eq(row->device, "psu-b");
        ck_assert_uint_eq(row->by, 2);
        ck_assert_int_eq(row->reading, READING_NONE);
        ck_assert_uint_eq(row->took_usec, 3 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_acts(r, ACT_REPLY), 0);
        read_as(r, 0, READING_ON);
        ck_assert_uint_eq(rig_acts(r, ACT_READING), 2);
        answered(r, REPLY_OK, "1 on, 0 off, 1 not read");
        rig_pass(r, 120 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_acts(r, ACT_REPLY), 1);
        rig_close(r);
}
END_TEST

START_TEST(some_at_a_time) {
        struct rig *r = open_rig();
        char name[NAME_LEN];

        for (unsigned i = 0; i < 17; i++) {
                text_fmt(name, sizeof(name), "pdu%u", i);
                rig_device(r, name, "node3", 3);
        }
        TEST(r, .host = "");
        for (size_t i = 0; i < 20; i++) {
                ck_assert_uint_eq(rig_acts(r, ACT_FENCE), MIN(20, i + 8));
                ck_assert_uint_eq(rig_acts(r, ACT_REPLY), 0);
                read_as(r, i, READING_ON);
        }
        ck_assert_uint_eq(rig_acts(r, ACT_READING), 20);
        answered(r, REPLY_OK, "20 on");
        rig_close(r);
}
END_TEST

START_TEST(every_member_is_asked) {
        struct rig *r = open_rig();

        TEST(r, .host = "node1", .from = FENCE_TEST_ALL);
        ck_assert_uint_eq(sent.n_asked, 2);
        ck_assert_uint_eq(sent.asked[0] + sent.asked[1], 1 + 3);
        ck_assert_uint_eq(rig_acts(r, ACT_FENCE), 1);
        read_as(r, 0, READING_ON);
        hear(r, 3, "bmc1", READING_NONE, "no route");
        ck_assert_uint_eq(rig_act(r, ACT_READING)->reading.row.by, 3);
        ck_assert_uint_eq(rig_act(r, ACT_READING)->reading.row.took_usec, 7);
        ck_assert_str_eq(rig_act(r, ACT_READING)->reading.row.text, "no route");
        hear(r, 3, "", READING_NONE, "");
        hear(r, 1, "bmc1", READING_ON, "");
        ck_assert_uint_eq(rig_acts(r, ACT_REPLY), 0);
        hear(r, 1, "", READING_NONE, "");
        answered(r, REPLY_OK, "2 on, 0 off, 1 not read");
        hear(r, 1, "bmc1", READING_ON, ""); /* late: nobody waits */
        ck_assert_uint_eq(rig_acts(r, ACT_READING), 3);
        rig_close(r);
}
END_TEST

START_TEST(one_member_is_asked) {
        struct rig *r = open_rig();

        TEST(r, .from = "node3");
        ck_assert_uint_eq(sent.n_asked, 1);
        ck_assert_uint_eq(sent.asked[0], 3);
        ck_assert_uint_eq(rig_acts(r, ACT_FENCE), 0);
        hear(r, 3, "", READING_NONE, "no fence device: add one");
        answered(r, REPLY_FAILED, "node3: no fence device: add one");
        rig_clear(r);
        TEST(r, .from = "node9");
        answered(r, REPLY_USAGE, "no hawd of the group runs on a host node9");
        rig_close(r);
}
END_TEST

START_TEST(who_leaves_is_not_waited_for) {
        struct rig *r = open_rig();

        TEST(r, .from = FENCE_TEST_ALL, .host = "node1");
        read_as(r, 0, READING_ON);
        hear(r, 1, "", READING_NONE, "");
        rig_group(r, 1u << 1 | 1u << 2, 1u << 1 | 1u << 2);
        answered(r, REPLY_FAILED, "node3: left before it was done");
        rig_close(r);
}
END_TEST

START_TEST(silence_has_an_end) {
        struct rig *r = open_rig();

        r->config.devices[2].timeout_usec = 100 * USEC_PER_SEC;
        TEST(r, .from = "node1");
        rig_pass(r, 100 * USEC_PER_SEC);
        hear(r, 1, "bmc1", READING_ON, ""); /* counted anew from here */
        rig_pass(r, 129 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_acts(r, ACT_REPLY), 0);
        rig_pass(r, 2 * USEC_PER_SEC);
        answered(r, REPLY_FAILED, "node1: no answer in time");
        rig_close(r);
}
END_TEST

static void ask(struct rig *r, uint32_t from, const char *host) {
        struct msg *m = msg_new(MSG_ASK);

        m->ask.kind = ASK_FENCE_TEST;
        m->ask.to = r->nodeid;
        m->ask.origin = from;
        m->ask.request = 9;
        text_set(m->ask.name, sizeof(m->ask.name), host);
        EVENT(r, .kind = EV_MESSAGE, .message = {.from = {from, 1000 + from}, .msg = m});
        msg_unref(m);
}

START_TEST(read_for_another_member) {
        struct rig *r = open_rig();

        ask(r, 1, "node3");
        ck_assert_uint_eq(rig_acts(r, ACT_FENCE), 2);
        read_as(r, 0, READING_OFF);
        ck_assert_uint_eq(sent.n_told, 1);
        ck_assert_uint_eq(sent.told_to, 1);
        ck_assert_str_eq(sent.told[0].device, "psu-a");
        ck_assert_int_eq(sent.told[0].reading, READING_OFF);
        ck_assert_uint_eq(sent.n_last, 0);
        read_as(r, 1, READING_NONE);
        ck_assert_uint_eq(sent.n_told, 2);
        ck_assert_uint_eq(sent.n_last, 1);
        ck_assert_int_eq(sent.last_code, REPLY_OK);
        ck_assert_str_eq(sent.last_word, "");
        ck_assert_uint_eq(rig_acts(r, ACT_READING), 0);
        rig_close(r);
}
END_TEST

START_TEST(no_device_is_said) {
        struct rig *r = open_rig();

        TEST(r, .host = "node2");
        answered(r, REPLY_FAILED, "node2: no fence device of node2: add a [fence NAME] section");
        ask(r, 3, "node2");
        ck_assert_int_eq(sent.last_code, REPLY_FAILED);
        ck_assert_ptr_nonnull(strstr(sent.last_word, "no fence device of node2"));
        rig_close(r);
}
END_TEST

START_TEST(an_asker_that_left_is_forgotten) {
        struct rig *r = open_rig();

        ask(r, 3, "node3");
        rig_group(r, 1u << 1 | 1u << 2, 1u << 1 | 1u << 2);
        read_as(r, 0, READING_ON);
        read_as(r, 1, READING_ON);
        ck_assert_uint_eq(sent.n_told, 0);
        ck_assert_uint_eq(sent.n_last, 0);
        rig_close(r);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("fence_test");
        TCase *tc = unit_case(s, "fence test");

        tcase_add_test(tc, a_hosts_devices_from_here);
        tcase_add_test(tc, some_at_a_time);
        tcase_add_test(tc, every_member_is_asked);
        tcase_add_test(tc, one_member_is_asked);
        tcase_add_test(tc, who_leaves_is_not_waited_for);
        tcase_add_test(tc, silence_has_an_end);
        tcase_add_test(tc, read_for_another_member);
        tcase_add_test(tc, no_device_is_said);
        tcase_add_test(tc, an_asker_that_left_is_forgotten);
        return s;
}

UNIT_MAIN(suite)
