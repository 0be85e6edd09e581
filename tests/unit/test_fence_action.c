/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: fence */
/* One fence action against a scripted device and a clock of the test's own. A case per rule of
 * action.h. */
#include "fencing/action.h"
#include "tests/unit/unit.h"

#define SECOND USEC_PER_SEC

/* A device whose power follows orders, or not. */
struct device {
        usec_t now;
        const char *script; /* one reading each: + on, - off, t time-out, a auth, p garbage; the
                               last one for ever; NULL: by power */
        bool power, obeys;
        usec_t acts_after; /* obeying takes this long */
        usec_t switched_at;
        bool goal;
        enum fence_code refuses; /* orders */
        unsigned reads, sends, published;
        bool in_flight;
        usec_t stops; /* this process does, when it is about to send */
        usec_t first_send;
};

static struct device dev;

static usec_t fake_now(void *ctx) {
        (void)ctx;
        return dev.now;
}

static void fake_sleep(void *ctx, usec_t usec) {
        (void)ctx;
        dev.now += usec;
}

static void fake_publish(void *ctx, const struct fence_result *r) {
        (void)ctx;
        (void)r;
        dev.published++;
}

static void fake_sending(void *ctx, bool in_flight) {
        (void)ctx;
        dev.in_flight = in_flight;
        if (in_flight)
                dev.now += dev.stops;
}

static int fake_open(const struct fence_target *t, void **ret_self, struct fence_error *err) {
        (void)t;
        (void)err;
        *ret_self = &dev;
        return 0;
}

static void fake_close(void *self) {
        (void)self;
}

static int fake_read(void *self, usec_t until, enum fence_power *ret, struct fence_error *err) {
        char c;

        (void)self;
        ck_assert_uint_ge(until, dev.now);
        dev.reads++;
        dev.now += 10 * USEC_PER_MSEC;
        if (dev.switched_at && dev.now >= dev.switched_at + dev.acts_after)
                dev.power = dev.goal;
        c = dev.script ? *dev.script : dev.power ? '+' : '-';
        if (dev.script && dev.script[1])
                dev.script++;
        switch (c) {
        case '+':
                *ret = FENCE_POWER_ON;
                return 0;
        case '-':
                *ret = FENCE_POWER_OFF;
                return 0;
        case 't':
                dev.now += SECOND;
                return fence_fail(err, FENCE_TIMEOUT, "silent");
        case 'a':
                return fence_fail(err, FENCE_AUTH, "wrong password");
        case '0':
                return 0; /* claims success, says nothing */
        default:
                return fence_fail(err, FENCE_PROTOCOL, "garbage");
        }
}

static int fake_send(void *self, usec_t until, enum fence_order order, struct fence_error *err) {
        (void)self;
        (void)until;
        ck_assert(dev.in_flight);
        dev.sends++;
        if (!dev.first_send)
                dev.first_send = dev.now;
        if (dev.refuses)
                return fence_fail(err, dev.refuses, "refused");
        if (dev.obeys && !dev.switched_at) {
                dev.switched_at = dev.now;
                dev.goal = order == FENCE_ORDER_ON;
        }
        return 0;
}

static void fake_identify(void *self, usec_t until, bool ask, struct fence_identity *ret) {
        (void)self;
        (void)until;
        (void)ask;
        (void)ret;
}

static const struct fence_driver fake_driver = {
        .name = "fake",
        .open = fake_open,
        .read = fake_read,
        .send = fake_send,
        .identify = fake_identify,
        .close = fake_close,
};

static struct fence_result result;

static bool act(enum fence_action action, usec_t timeout, usec_t deadline) {
        static const struct conf_device device;
        const struct fence_target target = {.device = &device};
        const struct fence_ops ops = {fake_now, fake_sleep, fake_publish, fake_sending, NULL};
        const struct fence_job job = {action, dev.now + timeout, deadline};
        struct fence_handle handle;
        struct fence_error err;
        bool reached;

        result = (struct fence_result){.action = action};
        ck_assert_int_eq(fence_open(&fake_driver, &target, &handle, &err), 0);
        reached = fence_act(&handle, &job, &ops, &result);
        fence_close(&handle);
        ck_assert(!dev.in_flight);
        /* Whatever happened: off is never said of one reading, nor without reaching the goal. */
        if (action == FENCE_ACTION_OFF)
                ck_assert_int_eq(reached, result.power == FENCE_POWER_OFF && result.reads >= 2);
        ck_assert_int_eq(reached, result.error.code == FENCE_OK);
        return reached;
}

static void setup(void) {
        dev = (struct device){.now = 100 * SECOND, .power = true, .obeys = true};
}

START_TEST(status_is_one_reading) {
        ck_assert(act(FENCE_ACTION_STATUS, 5 * SECOND, USEC_INFINITY));
        ck_assert_int_eq(result.power, FENCE_POWER_ON);
        ck_assert_int_eq(result.found, FENCE_POWER_ON);
        ck_assert_uint_eq(result.reads, 1);
        ck_assert_uint_eq(dev.sends, 0);
}
END_TEST

START_TEST(status_tries_again) {
        dev.script = "tp-";
        ck_assert(act(FENCE_ACTION_STATUS, 5 * SECOND, USEC_INFINITY));
        ck_assert_int_eq(result.power, FENCE_POWER_OFF);
        ck_assert_uint_eq(dev.reads, 3);
}
END_TEST

START_TEST(off_found_off_takes_two_readings) { /* rule 1 */
        dev.power = false;
        ck_assert(act(FENCE_ACTION_OFF, 5 * SECOND, USEC_INFINITY));
        ck_assert_int_eq(result.found, FENCE_POWER_OFF);
        ck_assert(!result.switched);
        ck_assert_uint_eq(dev.reads, 2);
        ck_assert_uint_eq(dev.sends, 0);
}
END_TEST

START_TEST(one_off_among_ons_is_not_off) { /* rule 1 */
        dev.script = "-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+";
        ck_assert(!act(FENCE_ACTION_OFF, 6 * SECOND, USEC_INFINITY));
        ck_assert_int_ne(result.power, FENCE_POWER_OFF);
        ck_assert(result.switched);
}
END_TEST

START_TEST(off_switches_and_reads_twice) { /* rules 1, 2 */
        dev.acts_after = 3 * SECOND;
        ck_assert(act(FENCE_ACTION_OFF, 20 * SECOND, USEC_INFINITY));
        ck_assert_int_eq(result.found, FENCE_POWER_ON);
        ck_assert(result.switched);
        ck_assert_uint_eq(dev.sends, 1);
        ck_assert_uint_eq(result.reads, 2);
}
END_TEST

START_TEST(accepted_is_not_off) { /* rules 2, 5 */
        dev.obeys = false;
        ck_assert(!act(FENCE_ACTION_OFF, 60 * SECOND, USEC_INFINITY));
        ck_assert_int_eq(result.error.code, FENCE_STILL_ON);
        ck_assert_int_eq(result.power, FENCE_POWER_ON);
        ck_assert(result.switched);
        ck_assert_uint_gt(dev.sends, 1);
        ck_assert_uint_le(dev.sends, 5);
}
END_TEST

START_TEST(no_order_after_the_deadline) { /* rule 3 */
        ck_assert(!act(FENCE_ACTION_OFF, 20 * SECOND, dev.now));
        ck_assert_int_eq(result.error.code, FENCE_DEADLINE);
        ck_assert_int_eq(result.power, FENCE_POWER_ON);
        ck_assert(!result.switched);
        ck_assert_uint_eq(dev.sends, 0);
}
END_TEST

START_TEST(the_deadline_passes_while_reading) { /* rule 3: checked right before sending */
        dev.script = "ttt+";
        ck_assert(!act(FENCE_ACTION_OFF, 20 * SECOND, dev.now + 2 * SECOND));
        ck_assert_int_eq(result.error.code, FENCE_DEADLINE);
        ck_assert_uint_eq(dev.sends, 0);
}
END_TEST

START_TEST(a_stop_right_before_sending_is_seen) { /* rule 3: the clock is read behind the alarm */
        dev.power = true;
        dev.stops = 10 * SECOND;
        ck_assert(!act(FENCE_ACTION_OFF, 60 * SECOND, dev.now + 5 * SECOND));
        ck_assert_int_eq(result.error.code, FENCE_DEADLINE);
        ck_assert_uint_eq(dev.sends, 0);
        ck_assert(!result.switched);
        ck_assert_int_eq(result.power, FENCE_POWER_ON);
}
END_TEST

START_TEST(no_repeated_order_after_the_deadline) { /* rule 3 */
        usec_t deadline = dev.now + 2 * SECOND;

        dev.obeys = false;
        ck_assert(!act(FENCE_ACTION_OFF, 20 * SECOND, deadline));
        ck_assert_uint_eq(dev.sends, 1);
        ck_assert_uint_lt(dev.first_send, deadline);
        ck_assert(result.switched);
        ck_assert_int_eq(result.power, FENCE_POWER_ON);
}
END_TEST

START_TEST(a_late_off_counts_after_the_deadline) { /* rule 3 forbids orders, not readings */
        dev.acts_after = 6 * SECOND;
        ck_assert(act(FENCE_ACTION_OFF, 20 * SECOND, dev.now + 2 * SECOND));
        ck_assert_uint_eq(dev.sends, 1);
}
END_TEST

START_TEST(the_deadline_forbids_no_proof) {
        dev.power = false;
        ck_assert(act(FENCE_ACTION_OFF, 5 * SECOND, dev.now - SECOND));
}
END_TEST

START_TEST(a_failed_reading_breaks_the_row) { /* rule 4 */
        dev.script = "-t-t-t-t-t-t-t-t-t-t-t-t-t-t-t";
        ck_assert(!act(FENCE_ACTION_OFF, 10 * SECOND, USEC_INFINITY));
        ck_assert_int_eq(result.power, FENCE_POWER_UNKNOWN);
        ck_assert_uint_eq(dev.sends, 0);
}
END_TEST

START_TEST(silence_is_unknown) { /* rule 6 */
        dev.script = "t";
        ck_assert(!act(FENCE_ACTION_OFF, 10 * SECOND, USEC_INFINITY));
        ck_assert_int_eq(result.power, FENCE_POWER_UNKNOWN);
        ck_assert_int_eq(result.error.code, FENCE_TIMEOUT);
        ck_assert_uint_gt(dev.reads, 5); /* tried to the end */
        ck_assert_uint_eq(dev.sends, 0);
}
END_TEST

START_TEST(silence_after_the_order_is_unknown) { /* rule 6 */
        dev.script = "+t";
        ck_assert(!act(FENCE_ACTION_OFF, 10 * SECOND, USEC_INFINITY));
        ck_assert_int_eq(result.power, FENCE_POWER_UNKNOWN);
        ck_assert_int_eq(result.found, FENCE_POWER_ON);
        ck_assert(result.switched);
}
END_TEST

START_TEST(garbage_is_unknown_and_given_up) { /* rule 6 */
        usec_t start = dev.now;

        dev.script = "p";
        ck_assert(!act(FENCE_ACTION_OFF, 60 * SECOND, USEC_INFINITY));
        ck_assert_int_eq(result.error.code, FENCE_PROTOCOL);
        ck_assert_int_eq(result.power, FENCE_POWER_UNKNOWN);
        ck_assert_uint_lt(dev.now - start, 7 * SECOND); /* the next level waits for this one */
}
END_TEST

START_TEST(success_without_a_state_is_garbage) { /* the wrapper's check */
        dev.script = "0";
        ck_assert(!act(FENCE_ACTION_OFF, 5 * SECOND, USEC_INFINITY));
        ck_assert_int_eq(result.error.code, FENCE_PROTOCOL);
}
END_TEST

START_TEST(a_wrong_password_is_not_repeated) {
        dev.script = "a";
        ck_assert(!act(FENCE_ACTION_OFF, 60 * SECOND, USEC_INFINITY));
        ck_assert_int_eq(result.error.code, FENCE_AUTH);
        ck_assert_uint_eq(dev.reads, 1);
}
END_TEST

START_TEST(a_refused_order_is_repeated_a_few_times) { /* rule 5 */
        dev.refuses = FENCE_PROTOCOL;
        ck_assert(!act(FENCE_ACTION_OFF, 60 * SECOND, USEC_INFINITY));
        ck_assert_uint_eq(dev.sends, 5);
        ck_assert_int_eq(result.error.code, FENCE_PROTOCOL);
        ck_assert_int_eq(result.power, FENCE_POWER_ON);
}
END_TEST

START_TEST(a_forbidden_order_ends_it) {
        dev.refuses = FENCE_PRIVILEGE;
        ck_assert(!act(FENCE_ACTION_OFF, 60 * SECOND, USEC_INFINITY));
        ck_assert_uint_eq(dev.sends, 1);
        ck_assert_int_eq(result.error.code, FENCE_PRIVILEGE);
        ck_assert_int_eq(result.power, FENCE_POWER_ON);
}
END_TEST

START_TEST(an_error_that_switched_after_all_is_off) {
        dev.refuses = FENCE_TIMEOUT;
        dev.script = "+--";
        ck_assert(act(FENCE_ACTION_OFF, 20 * SECOND, USEC_INFINITY));
        ck_assert(result.switched);
}
END_TEST

START_TEST(on_switches) {
        dev.power = false;
        dev.acts_after = SECOND;
        ck_assert(act(FENCE_ACTION_ON, 20 * SECOND, USEC_INFINITY));
        ck_assert_int_eq(result.power, FENCE_POWER_ON);
        ck_assert_int_eq(result.found, FENCE_POWER_OFF);
        ck_assert_uint_eq(dev.sends, 1);
}
END_TEST

START_TEST(on_found_on_sends_nothing) {
        ck_assert(act(FENCE_ACTION_ON, 20 * SECOND, USEC_INFINITY));
        ck_assert_uint_eq(dev.sends, 0);
}
END_TEST

START_TEST(on_has_the_deadline_too) {
        dev.power = false;
        ck_assert(!act(FENCE_ACTION_ON, 20 * SECOND, dev.now));
        ck_assert_int_eq(result.error.code, FENCE_DEADLINE);
        ck_assert_uint_eq(dev.sends, 0);
}
END_TEST

START_TEST(on_that_stays_off) {
        dev.power = dev.obeys = false;
        ck_assert(!act(FENCE_ACTION_ON, 20 * SECOND, USEC_INFINITY));
        ck_assert_int_eq(result.error.code, FENCE_STILL_OFF);
        ck_assert_int_eq(result.power, FENCE_POWER_OFF);
}
END_TEST

START_TEST(the_line_is_json) {
        struct fence_result r = {.device = "bmc1",
                                 .action = FENCE_ACTION_OFF,
                                 .power = FENCE_POWER_OFF,
                                 .found = FENCE_POWER_ON,
                                 .switched = true,
                                 .reads = 2,
                                 .elapsed_usec = 1234567};
        char line[FENCE_LINE_LEN];

        ck_assert_uint_eq(result_format(&r, line, sizeof(line)), strlen(line));
        ck_assert_str_eq(line,
                         "{\"device\":\"bmc1\",\"action\":\"off\",\"result\":\"off\",\"found\":"
                         "\"on\",\"switched\":true,\"reads\":2,\"error\":\"\",\"message\":\"\","
                         "\"elapsed_ms\":1234}\n");

        r.power = FENCE_POWER_UNKNOWN;
        (void)fence_fail(&r.error, FENCE_AGENT_FAILED, "say \"%s\"\n\\\t%c%c", "x", 1, (char)0xe9);
        text_set(r.identity.guid, sizeof(r.identity.guid), "00010203-0405-0607-0809-0a0b0c0d0e0f");
        r.identity.cipher = 17;
        (void)result_format(&r, line, sizeof(line));
        ck_assert_ptr_nonnull(strstr(line, "\"result\":\"unknown\""));
        ck_assert_ptr_nonnull(
                strstr(line, "\"message\":\"say \\\"x\\\" \\\\ ??\",\"guid\":\"0001"));
        ck_assert_ptr_nonnull(strstr(line, "\"cipher\":17,\"workarounds\":\"\""));

        memset(r.error.message, '"', sizeof(r.error.message) - 1); /* the longest there is */
        (void)result_format(&r, line, sizeof(line));
        r.error.code = FENCE_NO_SECRET;
        (void)result_format(&r, line, sizeof(line));
        ck_assert_ptr_nonnull(strstr(line, "\"result\":\"error\""));
}
END_TEST

static Suite *fence_action_suite(void) {
        Suite *suite = suite_create("fence_action");
        TCase *tc = unit_case(suite, "action");

        tcase_add_checked_fixture(tc, setup, NULL);
        tcase_add_test(tc, status_is_one_reading);
        tcase_add_test(tc, status_tries_again);
        tcase_add_test(tc, off_found_off_takes_two_readings);
        tcase_add_test(tc, one_off_among_ons_is_not_off);
        tcase_add_test(tc, off_switches_and_reads_twice);
        tcase_add_test(tc, accepted_is_not_off);
        tcase_add_test(tc, no_order_after_the_deadline);
        tcase_add_test(tc, the_deadline_passes_while_reading);
        tcase_add_test(tc, a_stop_right_before_sending_is_seen);
        tcase_add_test(tc, no_repeated_order_after_the_deadline);
        tcase_add_test(tc, a_late_off_counts_after_the_deadline);
        tcase_add_test(tc, the_deadline_forbids_no_proof);
        tcase_add_test(tc, a_failed_reading_breaks_the_row);
        tcase_add_test(tc, silence_is_unknown);
        tcase_add_test(tc, silence_after_the_order_is_unknown);
        tcase_add_test(tc, garbage_is_unknown_and_given_up);
        tcase_add_test(tc, success_without_a_state_is_garbage);
        tcase_add_test(tc, a_wrong_password_is_not_repeated);
        tcase_add_test(tc, a_refused_order_is_repeated_a_few_times);
        tcase_add_test(tc, a_forbidden_order_ends_it);
        tcase_add_test(tc, an_error_that_switched_after_all_is_off);
        tcase_add_test(tc, on_switches);
        tcase_add_test(tc, on_found_on_sends_nothing);
        tcase_add_test(tc, on_has_the_deadline_too);
        tcase_add_test(tc, on_that_stays_off);
        tcase_add_test(tc, the_line_is_json);
        return suite;
}

UNIT_MAIN(fence_action_suite)
