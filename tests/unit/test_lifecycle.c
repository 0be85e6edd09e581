/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: guest driver */
/*
 * What libvirt's events come to: why a guest ended, or does not do its work though it is there.
 */
#include <libvirt/libvirt.h>

#include "hawd/guest/lifecycle.h"
#include "tests/unit/unit.h"

#define TEST_UUID "6695eb01-f6a4-8304-79aa-97f2502e193f"

static bool take(struct lifecycle *l, int event, int detail, usec_t now, struct domain_seen *ret) {
        struct lifecycle_raw raw = {.uuid = TEST_UUID, .name = "vm", .wall = 7};

        raw.event = event;
        raw.detail = detail;
        return lifecycle_take(l, &raw, now, ret);
}

START_TEST(each_end_has_its_reason) {
        static const struct {
                int before, before_detail; /* -1: none */
                int detail;
                enum end_why why;
        } rows[] = {
                {VIR_DOMAIN_EVENT_SHUTDOWN, VIR_DOMAIN_EVENT_SHUTDOWN_GUEST,
                 VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN, END_GUEST_SHUTDOWN},
                {VIR_DOMAIN_EVENT_SHUTDOWN, VIR_DOMAIN_EVENT_SHUTDOWN_FINISHED,
                 VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN, END_GUEST_SHUTDOWN},
                {VIR_DOMAIN_EVENT_SHUTDOWN, VIR_DOMAIN_EVENT_SHUTDOWN_HOST,
                 VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN, END_HOST_SHUTDOWN},
                {-1, 0, VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN, END_UNKNOWN},
                {-1, 0, VIR_DOMAIN_EVENT_STOPPED_DESTROYED, END_DESTROYED},
                {VIR_DOMAIN_EVENT_SHUTDOWN, VIR_DOMAIN_EVENT_SHUTDOWN_HOST,
                 VIR_DOMAIN_EVENT_STOPPED_DESTROYED, END_DESTROYED},
                {-1, 0, VIR_DOMAIN_EVENT_STOPPED_FAILED, END_FAILED},
                {VIR_DOMAIN_EVENT_CRASHED, 0, VIR_DOMAIN_EVENT_STOPPED_CRASHED, END_CRASHED},
                {-1, 0, VIR_DOMAIN_EVENT_STOPPED_SAVED, END_DESTROYED},
                {-1, 0, VIR_DOMAIN_EVENT_STOPPED_MIGRATED, END_DESTROYED},
                {-1, 0, VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT, END_DESTROYED},
                {-1, 0, 99, END_UNKNOWN},
        };
        struct lifecycle l = {0};
        struct domain_seen d;

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                if (rows[i].before >= 0)
                        ck_assert(!take(&l, rows[i].before, rows[i].before_detail, 1, &d));
                ck_assert(take(&l, VIR_DOMAIN_EVENT_STOPPED, rows[i].detail, 2, &d));
                ck_assert_int_eq(d.state, SEEN_GONE);
                ck_assert_msg(d.end_why == rows[i].why, "row %zu: %s", i, end_why_name(d.end_why));
                ck_assert_str_eq(d.uuid, TEST_UUID);
                ck_assert_uint_eq(d.wall, 7);
                ck_assert_uint_eq(l.n, 0);
        }
        lifecycle_clear(&l);
}
END_TEST

START_TEST(a_crash_counts_when_nothing_follows) {
        struct lifecycle l = {0};
        struct domain_seen d;

        ck_assert_uint_eq(lifecycle_deadline(&l), USEC_INFINITY);
        ck_assert(!take(&l, VIR_DOMAIN_EVENT_CRASHED, 0, 100, &d));
        ck_assert_uint_eq(lifecycle_deadline(&l), 100 + CRASH_SETTLE_USEC);
        ck_assert(!lifecycle_due(&l, 99 + CRASH_SETTLE_USEC, &d));
        ck_assert(lifecycle_due(&l, 100 + CRASH_SETTLE_USEC, &d));
        ck_assert_int_eq(d.state, SEEN_CRASHED);
        ck_assert(!lifecycle_due(&l, USEC_INFINITY - 1, &d));
        /* on_crash restart: it goes on */
        ck_assert(!take(&l, VIR_DOMAIN_EVENT_CRASHED, 0, 100, &d));
        ck_assert(take(&l, VIR_DOMAIN_EVENT_RESUMED, 0, 101, &d));
        ck_assert(!lifecycle_due(&l, USEC_INFINITY - 1, &d));
        lifecycle_clear(&l);
}
END_TEST

START_TEST(what_goes_on) {
        struct lifecycle l = {0};
        struct domain_seen d;

        ck_assert(take(&l, VIR_DOMAIN_EVENT_STARTED, 0, 1, &d));
        ck_assert_int_eq(d.state, SEEN_RUNNING);
        ck_assert(take(&l, VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_IOERROR, 1, &d));
        ck_assert_int_eq(d.state, SEEN_PAUSED);
        ck_assert_ptr_nonnull(strstr(d.text, "I/O error"));
        ck_assert(take(&l, VIR_DOMAIN_EVENT_RESUMED, 0, 1, &d));
        ck_assert_int_eq(d.state, SEEN_RUNNING);
        ck_assert(!take(&l, VIR_DOMAIN_EVENT_DEFINED, 0, 1, &d));
        ck_assert(!take(&l, VIR_DOMAIN_EVENT_UNDEFINED, 0, 1, &d));
        /* The end of a migration by hand is no pause that somebody wants. */
        ck_assert(
                !take(&l, VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED, 1, &d));
        /* A lost connection forgets who asked for a shutdown. */
        ck_assert(!take(&l, VIR_DOMAIN_EVENT_SHUTDOWN, VIR_DOMAIN_EVENT_SHUTDOWN_GUEST, 1, &d));
        lifecycle_clear(&l);
        ck_assert(take(&l, VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN, 1, &d));
        ck_assert_int_eq(d.end_why, END_UNKNOWN);
        lifecycle_clear(&l);
}
END_TEST

START_TEST(a_state_says_why_it_is_so) {
        static const struct {
                int state, reason;
                enum seen_state seen;
                enum end_why why;
                const char *text;
        } rows[] = {
                {VIR_DOMAIN_RUNNING, 0, SEEN_RUNNING, END_NONE, ""},
                {VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_STARTING_UP, SEEN_RUNNING, END_NONE, ""},
                {VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_USER, SEEN_PAUSED, END_NONE, ""},
                {VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_IOERROR, SEEN_PAUSED, END_IO_ERROR,
                 "I/O error"},
                {VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_WATCHDOG, SEEN_PAUSED, END_WATCHDOG,
                 "watchdog"},
                {VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_MIGRATION, SEEN_PAUSED, END_NONE,
                 "migration"},
                {VIR_DOMAIN_PMSUSPENDED, 0, SEEN_PAUSED, END_NONE, "asleep"},
                {VIR_DOMAIN_CRASHED, 0, SEEN_CRASHED, END_CRASHED, ""},
                {VIR_DOMAIN_SHUTOFF, 0, SEEN_GONE, END_NONE, ""},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct domain_seen d = {.end_why = END_HANG, .text = "of before"};

                seen_from_state(rows[i].state, rows[i].reason, &d);
                ck_assert_int_eq(d.state, rows[i].seen);
                ck_assert_msg(d.end_why == rows[i].why, "row %zu: %s", i, end_why_name(d.end_why));
                ck_assert_msg(rows[i].text[0] ? strstr(d.text, rows[i].text) != NULL : !d.text[0],
                              "row %zu: %s", i, d.text);
        }
}
END_TEST

START_TEST(a_watchdog_is_told_whatever_qemu_does) {
        static const struct {
                int action;
                bool told; /* at once; else by the STOPPED that follows */
                enum seen_state seen;
                const char *text;
        } rows[] = {
                {VIR_DOMAIN_EVENT_WATCHDOG_NONE, true, SEEN_RUNNING, "action none"},
                {VIR_DOMAIN_EVENT_WATCHDOG_PAUSE, true, SEEN_PAUSED, "paused by its watchdog"},
                {VIR_DOMAIN_EVENT_WATCHDOG_RESET, true, SEEN_RUNNING, "action reset"},
                {VIR_DOMAIN_EVENT_WATCHDOG_POWEROFF, false, SEEN_GONE, "QEMU ended it"},
                {VIR_DOMAIN_EVENT_WATCHDOG_SHUTDOWN, true, SEEN_RUNNING, "action shutdown"},
                {VIR_DOMAIN_EVENT_WATCHDOG_DEBUG, true, SEEN_RUNNING, "action debug"},
                {VIR_DOMAIN_EVENT_WATCHDOG_INJECTNMI, true, SEEN_RUNNING, "inject-nmi"},
                {99, true, SEEN_RUNNING, "not known"},
                {-1, true, SEEN_RUNNING, "not known"},
        };
        struct lifecycle l = {0};
        struct domain_seen d;

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                ck_assert(take(&l, LIFECYCLE_WATCHDOG, rows[i].action, 1, &d) == rows[i].told);
                if (!rows[i].told)
                        ck_assert(take(&l, VIR_DOMAIN_EVENT_STOPPED,
                                       VIR_DOMAIN_EVENT_STOPPED_FAILED, 1, &d));
                ck_assert_int_eq(d.state, rows[i].seen);
                ck_assert_int_eq(d.end_why, END_WATCHDOG);
                ck_assert_msg(strstr(d.text, rows[i].text), "row %zu: %s", i, d.text);
                ck_assert_str_eq(d.uuid, TEST_UUID);
                lifecycle_clear(&l);
        }
}
END_TEST

START_TEST(what_the_watchdog_asked_for_is_no_wish) {
        struct lifecycle l = {0};
        struct domain_seen d;

        /* action shutdown: the guest heeds the button, and that is no shutdown from inside */
        ck_assert(take(&l, LIFECYCLE_WATCHDOG, VIR_DOMAIN_EVENT_WATCHDOG_SHUTDOWN, 1, &d));
        ck_assert(!take(&l, VIR_DOMAIN_EVENT_SHUTDOWN, VIR_DOMAIN_EVENT_SHUTDOWN_GUEST, 1, &d));
        ck_assert(take(&l, VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN, 1, &d));
        ck_assert_int_eq(d.end_why, END_WATCHDOG);
        /* destroyed by somebody meanwhile, that is what ended it */
        ck_assert(!take(&l, LIFECYCLE_WATCHDOG, VIR_DOMAIN_EVENT_WATCHDOG_POWEROFF, 1, &d));
        ck_assert(take(&l, VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_DESTROYED, 1, &d));
        ck_assert_int_eq(d.end_why, END_DESTROYED);
        /* another run of it knows nothing of that */
        ck_assert(!take(&l, LIFECYCLE_WATCHDOG, VIR_DOMAIN_EVENT_WATCHDOG_POWEROFF, 1, &d));
        ck_assert(take(&l, VIR_DOMAIN_EVENT_STARTED, 0, 1, &d));
        ck_assert(take(&l, VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_FAILED, 1, &d));
        ck_assert_int_eq(d.end_why, END_FAILED);
        lifecycle_clear(&l);
}
END_TEST

static bool io_error(struct lifecycle *l, int action, const char *text, struct domain_seen *d) {
        struct lifecycle_raw raw = {
                .uuid = TEST_UUID, .name = "vm", .event = LIFECYCLE_IO_ERROR, .detail = action};

        text_set(raw.text, sizeof(raw.text), text);
        return lifecycle_take(l, &raw, 1, d);
}

START_TEST(an_io_error_names_its_disk) {
        const int paused = VIR_DOMAIN_EVENT_SUSPENDED, by_io = VIR_DOMAIN_EVENT_SUSPENDED_IOERROR;
        struct lifecycle l = {0};
        struct domain_seen d;

        ck_assert(!io_error(&l, VIR_DOMAIN_EVENT_IO_ERROR_PAUSE, "vda (/x): no space left", &d));
        ck_assert(!io_error(&l, VIR_DOMAIN_EVENT_IO_ERROR_PAUSE, "vdb (/y)", &d)); /* the first */
        ck_assert(take(&l, paused, by_io, 1, &d));
        ck_assert_int_eq(d.state, SEEN_PAUSED);
        ck_assert_int_eq(d.end_why, END_IO_ERROR);
        ck_assert_str_eq(d.text, "paused by an I/O error of its disk vda (/x): no space left");
        ck_assert(take(&l, VIR_DOMAIN_EVENT_RESUMED, 0, 1, &d));
        ck_assert_int_eq(d.end_why, END_NONE);
        ck_assert_str_eq(d.text, "");
        /* an error that the guest is told of pauses nothing, and a later pause is somebody's */
        ck_assert(!io_error(&l, VIR_DOMAIN_EVENT_IO_ERROR_REPORT, "vda (/x)", &d));
        ck_assert(take(&l, paused, by_io, 1, &d));
        ck_assert_str_eq(d.text, "paused by an I/O error of its disk");
        ck_assert(!io_error(&l, VIR_DOMAIN_EVENT_IO_ERROR_PAUSE, "vda (/x)", &d));
        ck_assert(take(&l, paused, VIR_DOMAIN_EVENT_SUSPENDED_PAUSED, 1, &d));
        ck_assert_int_eq(d.end_why, END_NONE);
        ck_assert_str_eq(d.text, "");
        ck_assert_uint_eq(l.n, 0);
        lifecycle_clear(&l);
}
END_TEST

static Suite *lifecycle_suite(void) {
        Suite *s = suite_create("lifecycle");
        TCase *tc = unit_case(s, "ends");

        tcase_add_test(tc, each_end_has_its_reason);
        tcase_add_test(tc, a_crash_counts_when_nothing_follows);
        tcase_add_test(tc, what_goes_on);
        tc = unit_case(s, "causes");
        tcase_add_test(tc, a_state_says_why_it_is_so);
        tcase_add_test(tc, a_watchdog_is_told_whatever_qemu_does);
        tcase_add_test(tc, what_the_watchdog_asked_for_is_no_wish);
        tcase_add_test(tc, an_io_error_names_its_disk);
        return s;
}

UNIT_MAIN(lifecycle_suite)
