/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: driver */
/*
 * The calls of drbd-utils, and what is made of their answers.
 */
#include "tests/unit/drbd_fixture.h"

static struct drbd_driver d;

static void set_up(void) {
        drbd_set_up();
        d = (struct drbd_driver){.here = "node1", .deadline = now_boottime() + USEC_PER_MINUTE};
}

static int take(enum drbd_take how) {
        return drbd_take(&d, "r0", "node2", how, drbd_err);
}

START_TEST(takes_what_is_its_own) {
        kernel_says(DOWN);
        put("on-up",
            THEN(EVENTS("Secondary", "Inconsistent", "Connected", "Secondary", "SyncTarget",
                        "UpToDate")) "echo up >\"$D/was-up\"\n",
            0644);
        /* A resync to here is waited for. */
        put("drbdsetup",
            "#!/bin/sh\nD=${0%/*}\ncat \"$D/events\"\n[ ! -e \"$D/was-up\" ] || { rm "
            "\"$D/was-up\"; " THEN(IN_STEP("Secondary", "Secondary")) "}\n",
            0755);
        put("on-primary", THEN(IN_STEP("Primary", "Secondary")), 0644);
        ck_assert_int_eq(take(DRBD_TAKE_OWN), 0);
        ck_assert_str_eq(asked(), "up r0\nprimary r0\n");
        ck_assert_int_eq(take(DRBD_TAKE_OWN), 0);
        ck_assert_str_eq(asked(), "up r0\nprimary r0\n"); /* it is */
}
END_TEST

/* What 8.4 said when it was asked before its pings had failed. */
#define TOO_EARLY REFUSED("-1", "Multiple primaries not allowed by config")
#define NOT_FENCED REFUSED("-7", "Refusing to be Primary while peer is not outdated")
static const char at_the_third_try[] =
        "if [ ! -e \"$D/1\" ]; then : >\"$D/1\"\n" TOO_EARLY "fi\n"
        "if [ ! -e \"$D/2\" ]; then : >\"$D/2\"\n" THEN(ALONE("Secondary")) NOT_FENCED "fi\n";

START_TEST(takes_over_when_the_loss_is_noticed) {
        char script[2048];

        text_fmt(script, sizeof(script), "%s%s", at_the_third_try, THEN(ALONE("Primary")));
        kernel_says(IN_STEP("Secondary", "Primary"));
        put("on-primary", script, 0644);
        ck_assert_int_eq(take(DRBD_TAKE_OVER), 0);
        ck_assert_str_eq(asked(), "primary r0\nprimary r0\nprimary r0\n");
}
END_TEST

START_TEST(waits_no_longer_than_it_may) {
        kernel_says(IN_STEP("Secondary", "Primary"));
        put("on-primary", REFUSED("-1", "Multiple primaries not allowed by config"), 0644);
        d.deadline = now_boottime() + 2 * USEC_PER_SEC;
        ck_assert_int_eq(take(DRBD_TAKE_OVER), -ETIMEDOUT);
        ck_assert_ptr_nonnull(strstr(drbd_err, "Multiple primaries"));
}
END_TEST

static const struct {
        const char *events;
        enum drbd_take how;
        bool tried;
        const char *says;
} rows[] = {
        {ALONE("Secondary"), DRBD_TAKE_OVER, true, NULL},
        {APART("Secondary"), DRBD_TAKE_OVER, false, "not connected"},
        {APART("Secondary"), DRBD_TAKE_OWN, true, NULL},
        {APART("Secondary"), DRBD_TAKE_ANYHOW, true, NULL},
        {EVENTS("Secondary", "Inconsistent", "Connecting", "Unknown", "Off", "DUnknown"),
         DRBD_TAKE_OVER, false, "inconsistent"},
        {EVENTS("Secondary", "Inconsistent", "Connecting", "Unknown", "Off", "DUnknown"),
         DRBD_TAKE_ANYHOW, false, "inconsistent"},
        {EVENTS("Secondary", "Inconsistent", "Connected", "Primary", "SyncTarget", "UpToDate"),
         DRBD_TAKE_OVER, false, "brought up to date"},
        {EVENTS("Secondary", "Outdated", "Connecting", "Unknown", "Off", "DUnknown"), DRBD_TAKE_OWN,
         false, "outdated"},
        {EVENTS("Secondary", "Outdated", "Connecting", "Unknown", "Off", "DUnknown"),
         DRBD_TAKE_OVER, false, "outdated"},
        {EVENTS("Secondary", "Failed", "Connecting", "Unknown", "Off", "DUnknown"), DRBD_TAKE_OWN,
         false, "no disk"},
        {EVENTS("Secondary", "Consistent", "Connecting", "Unknown", "Off", "DUnknown"),
         DRBD_TAKE_OWN, true, NULL},
        {EVENTS("Secondary", "Consistent", "Connecting", "Unknown", "Off", "DUnknown"),
         DRBD_TAKE_OVER, false, "does not tell"},
};

START_TEST(row) {
        kernel_says(rows[_i].events);
        put("on-primary", THEN(ALONE("Primary")), 0644);
        ck_assert_int_eq(take(rows[_i].how), rows[_i].tried ? 0 : -EUCLEAN);
        ck_assert_str_eq(asked(), rows[_i].tried ? "primary r0\n" : "");
        if (rows[_i].says)
                ck_assert_ptr_nonnull(strstr(drbd_err, rows[_i].says));
}
END_TEST

/* An `up` that was killed half way: no disk yet, or no peer. */
START_TEST(half_up) {
        kernel_says(EVENTS("Secondary", "Diskless", "StandAlone", "Unknown", "Off", "DUnknown"));
        put("on-adjust", THEN(ALONE("Secondary")), 0644);
        ck_assert_int_eq(drbd_up(&d, "r0", drbd_err), 0);
        ck_assert_str_eq(asked(), "adjust r0\n");
        kernel_says("exists resource name:r0 role:Secondary suspended:no\nexists -\n");
        put("on-primary", THEN(ALONE("Primary")), 0644);
        ck_assert_int_eq(take(DRBD_TAKE_OVER), 0);
        ck_assert_str_eq(asked(), "adjust r0\nadjust r0\nprimary r0\n");
        /* Not a guest's that goes on by its peer's disk, nor one whose disk has failed. */
        kernel_says(
                EVENTS("Primary", "Diskless", "Connected", "Secondary", "Established", "UpToDate"));
        ck_assert_int_eq(drbd_up(&d, "r0", drbd_err), 0);
        kernel_says(EVENTS("Secondary", "Failed", "Connecting", "Unknown", "Off", "DUnknown"));
        ck_assert_int_eq(drbd_up(&d, "r0", drbd_err), 0);
        ck_assert_str_eq(asked(), "adjust r0\nadjust r0\nprimary r0\n");
}
END_TEST

START_TEST(refused_for_good) {
        kernel_says(ALONE("Secondary"));
        put("on-primary", REFUSED("-2", "Need access to UpToDate data"), 0644);
        ck_assert_int_eq(take(DRBD_TAKE_OVER), -EUCLEAN);
        ck_assert_str_eq(drbd_err, "drbdadm primary: 0: State change failed: (-2) Need access to "
                                   "UpToDate data");
}
END_TEST

static bool unwanted(void *userdata) {
        (void)userdata;
        return false;
}

START_TEST(nothing_that_is_not_wanted) {
        struct drbd_driver no = d;

        no.go_on = unwanted;
        kernel_says(ALONE("Secondary"));
        ck_assert_int_eq(drbd_take(&no, "r0", "node2", DRBD_TAKE_OVER, drbd_err), -ECANCELED);
        ck_assert_str_eq(asked(), "");
        no = d;
        no.deadline = now_boottime();
        ck_assert_int_eq(drbd_take(&no, "r0", "node2", DRBD_TAKE_OVER, drbd_err), -ETIMEDOUT);
        ck_assert_str_eq(asked(), "");
}
END_TEST

START_TEST(releases) {
        bool equal = false;

        kernel_says(IN_STEP("Primary", "Secondary"));
        put("on-secondary", THEN(IN_STEP("Secondary", "Secondary")), 0644);
        ck_assert_int_eq(drbd_release(&d, "r0", "node2", &equal, drbd_err), 0);
        ck_assert(equal);
        ck_assert_str_eq(asked(), "secondary r0\n");
        kernel_says(ALONE("Primary"));
        put("on-secondary", THEN(ALONE("Secondary")), 0644);
        ck_assert_int_eq(drbd_release(&d, "r0", "node2", &equal, drbd_err), 0);
        ck_assert(!equal);
        kernel_says(DOWN);
        ck_assert_int_eq(drbd_release(&d, "r0", "node2", &equal, drbd_err), 0);
        ck_assert(!equal);
        kernel_says(IN_STEP("Primary", "Secondary"));
        put("on-secondary", REFUSED("-12", "Device is held open by someone"), 0644);
        ck_assert_int_eq(drbd_release(&d, "r0", "node2", &equal, drbd_err), -EBUSY);
        ck_assert_ptr_nonnull(strstr(drbd_err, "held open"));
}
END_TEST

START_TEST(connects) {
        kernel_says(DOWN);
        ck_assert_int_eq(drbd_connect(&d, "r0", false, drbd_err), -EUCLEAN);
        kernel_says(ALONE("Secondary"));
        ck_assert_int_eq(drbd_connect(&d, "r0", false, drbd_err), 0);
        ck_assert_str_eq(asked(), "");
        kernel_says(APART("Primary"));
        ck_assert_int_eq(drbd_connect(&d, "r0", true, drbd_err), -EBUSY); /* a guest has it */
        ck_assert_str_eq(asked(), "");
        ck_assert_int_eq(drbd_connect(&d, "r0", false, drbd_err), 0);
        kernel_says(APART("Secondary"));
        ck_assert_int_eq(drbd_connect(&d, "r0", true, drbd_err), 0);
        kernel_says(ALONE("Secondary"));
        ck_assert_int_eq(drbd_connect(&d, "r0", true, drbd_err), 0);
        ck_assert_int_eq(drbd_disconnect(&d, "r0", drbd_err), 0);
        ck_assert_str_eq(asked(), "connect r0\nconnect --discard-my-data r0\ndisconnect r0\n"
                                  "connect --discard-my-data r0\ndisconnect r0\n");
}
END_TEST

START_TEST(looks) {
        struct drbd_status s;

        kernel_says("exists resource name:r0 role:Primary\n"); /* cut off */
        ck_assert_int_eq(drbd_look(&d, "r0", &s, drbd_err), -EIO);
        ck_assert_ptr_nonnull(strstr(drbd_err, "exists -"));
        put("drbdsetup",
            "#!/bin/sh\necho \"Could not connect to 'drbd' generic netlink family\" >&2; exit 20\n",
            0755);
        ck_assert_int_eq(drbd_look(&d, "r0", &s, drbd_err), 0); /* no module: nothing is up */
        ck_assert(!s.up);
        put("drbdsetup", "#!/bin/sh\necho 'what else' >&2; exit 20\n", 0755);
        ck_assert_int_eq(drbd_look(&d, "r0", &s, drbd_err), -EIO);
        ck_assert_str_eq(drbd_err, "drbdsetup events2: what else");
        put("on-dump", "echo \"'r0' not defined in your config (for this host).\" >&2; exit 1\n",
            0644);
        ck_assert_int_eq(drbd_rely(&d, "r0", drbd_err), -ENODEV);
        ck_assert_ptr_nonnull(strstr(drbd_err, "not defined"));
        put("on-dump", "echo 'resource r0 {'; echo ' fencing resource-only;'; echo '}'\n", 0644);
        ck_assert_int_eq(drbd_rely(&d, "r0", drbd_err), -EUCLEAN);
        ck_assert_ptr_nonnull(strstr(drbd_err, "resource-and-stonith"));
        ck_assert_int_eq(setenv("PATH", "/nonexistent", 1), 0);
        ck_assert_int_eq(drbd_look(&d, "r0", &s, drbd_err), -ENODEV);
        ck_assert_ptr_nonnull(strstr(drbd_err, "install drbd-utils"));
}
END_TEST

static Suite *drbd_driver_suite(void) {
        Suite *suite = suite_create("drbd_driver");
        TCase *tc = unit_case(suite, "drbd_driver");

        tcase_add_checked_fixture(tc, set_up, drbd_tear_down);
        tcase_add_test(tc, takes_what_is_its_own);
        tcase_add_test(tc, takes_over_when_the_loss_is_noticed);
        tcase_add_test(tc, waits_no_longer_than_it_may);
        tcase_add_loop_test(tc, row, 0, ARRAY_SIZE(rows));
        tcase_add_test(tc, half_up);
        tcase_add_test(tc, refused_for_good);
        tcase_add_test(tc, nothing_that_is_not_wanted);
        tcase_add_test(tc, releases);
        tcase_add_test(tc, connects);
        tcase_add_test(tc, looks);
        return suite;
}

UNIT_MAIN(drbd_driver_suite)
