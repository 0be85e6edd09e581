/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: driver */
/*
 * What DRBD's part of the replica adapter tells, as P and as R.
 */
#include <poll.h>

#include "replication/driver_drbd_engine.h"
#include "tests/unit/drbd_fixture.h"
#include "tests/unit/threads.h"

#define GOOD_DUMP                                                                                  \
        "echo ' fencing resource-and-stonith;'; echo ' fence-peer "                                \
        "/usr/libexec/drbd-fence-peer;'\n"

static struct drbd_engine *engine;
static struct guest_spec *spec;
static struct replica_told last;
static char last_text[TEXT_LEN], last_where[64];
static unsigned n_told;

static void told(void *userdata, const struct replica_told *t) {
        (void)userdata;
        last = *t;
        text_set(last_text, sizeof(last_text), t->text ? t->text : "");
        text_set(last_where, sizeof(last_where), t->where ? t->where : "");
        n_told++;
}

static void set_up(void) {
        drbd_set_up();
        n_told = 0;
        ck_assert_int_eq(drbd_engine_open("node1", told, NULL, &engine, drbd_err), 0);
        spec = guest_spec_new();
        spec->conf.replica.mode = REPLICA_MODE_DRBD;
        text_set(spec->conf.replica.host, NAME_LEN, "node2");
        text_set(spec->conf.replica.resource, NAME_LEN, "r0");
        put("on-dump", GOOD_DUMP, 0644);
}

static void tear_down(void) {
        engine = drbd_engine_close(engine);
        spec = guest_spec_unref(spec);
        drbd_tear_down();
}

static void order_of(enum replica_op op, uint32_t serial, uint32_t loss) {
        const struct action act = {.kind = ACT_REPLICA,
                                   .replica = {.op = op,
                                               .gid = 7,
                                               .serial = serial,
                                               .loss = loss,
                                               .peer = "node2",
                                               .spec = spec}};

        drbd_engine_submit(engine, &act);
}

static void order(enum replica_op op, uint32_t serial) {
        order_of(op, serial, 5);
}

/* The next that is told is @what of @serial. */
static void tells(enum replica_what what, uint32_t serial) {
        unsigned before = n_told;

        while (n_told == before) {
                struct pollfd p = {.fd = drbd_engine_fd(engine), .events = POLLIN};

                ck_assert_int_eq(poll(&p, 1, 50000), 1);
                drbd_engine_dispatch(engine);
        }
        ck_assert_msg(last.what == what, "told %d, not %d: %s", (int)last.what, (int)what,
                      last_text);
        ck_assert_uint_eq(last.gid, 7);
        ck_assert_uint_eq(last.serial, serial);
}

static void tells_why(enum replica_what what, uint32_t serial, const char *why) {
        tells(what, serial);
        ck_assert_msg(strstr(last_text, why), "%s", last_text);
}

START_TEST(p_from_copying_to_in_step) {
        kernel_says(EVENTS("Primary", "UpToDate", "Connected", "Secondary", "SyncSource",
                           "Inconsistent"));
        order(REPLICA_MIRROR, 3);
        tells(TOLD_COPYING, 3);
        tells(TOLD_COPYING, 3);
        kernel_says(IN_STEP("Primary", "Secondary"));
        tells(TOLD_IN_STEP, 3);
        ck_assert_uint_gt(last.as_of, 0);
        tells(TOLD_IN_STEP, 3); /* again and again */
        kernel_says(ALONE("Primary"));
        tells_why(TOLD_ENDED, 3, "lost");
        kernel_says(IN_STEP("Primary", "Secondary")); /* which is another serial's to tell */
        order(REPLICA_MIRROR, 4);
        tells(TOLD_COPYING, 4);
        tells(TOLD_IN_STEP, 4);
        order(REPLICA_CANCEL, 4);
        tells(TOLD_ENDED, 4);
        ck_assert_str_eq(asked(), "dump r0\ndump r0\n");
}
END_TEST

/* The guest has ended: both are equal, and its job says so, not an end of the copying before. */
START_TEST(p_is_secondary_once_its_guest_has_ended) {
        struct pollfd p = {.fd = drbd_engine_fd(engine), .events = POLLIN};

        kernel_says(IN_STEP("Primary", "Secondary"));
        order(REPLICA_MIRROR, 3);
        tells(TOLD_COPYING, 3);
        tells(TOLD_IN_STEP, 3);
        kernel_says(IN_STEP("Secondary", "Secondary"));
        ck_assert_int_eq(poll(&p, 1, 5000), 0); /* two looks */
        kernel_says(EVENTS("Secondary", "UpToDate", "Connected", "Secondary", "SyncSource",
                           "Inconsistent"));
        tells(TOLD_ENDED, 3);
}
END_TEST

START_TEST(p_is_refused) {
        put("on-dump", "echo ' fencing resource-only;'\n", 0644);
        kernel_says(IN_STEP("Primary", "Secondary"));
        order(REPLICA_MIRROR, 1);
        tells_why(TOLD_FAILED, 1, "resource-and-stonith");
        put("on-dump", GOOD_DUMP, 0644);
        kernel_says(IN_STEP("Secondary", "Secondary"));
        order(REPLICA_MIRROR, 2);
        tells_why(TOLD_FAILED, 2, "not primary");
}
END_TEST

/* What was before is ended while the next is told of: the sides have changed places, say. */
START_TEST(an_end_is_of_its_serial) {
        kernel_says(IN_STEP("Secondary", "Primary"));
        order(REPLICA_EXPORT, 2);
        tells(TOLD_EXPORTED, 2);
        order(REPLICA_UNEXPORT, 2);
        tells(TOLD_EXPORT_ENDED, 2);
        kernel_says(IN_STEP("Primary", "Secondary"));
        order(REPLICA_MIRROR, 3);
        tells(TOLD_COPYING, 3);
        order(REPLICA_UNEXPORT, 2);
        tells(TOLD_EXPORT_ENDED, 2);
        order(REPLICA_DROP, 1);
        order(REPLICA_CANCEL, 1);
        tells(TOLD_ENDED, 1);
        tells(TOLD_IN_STEP, 3);
        kernel_says(ALONE("Primary"));
        tells(TOLD_ENDED, 3);
}
END_TEST

START_TEST(r_is_up_and_stands) {
        kernel_says(DOWN);
        put("on-up", THEN(APART("Secondary")), 0644);
        put("on-connect", THEN(IN_STEP("Secondary", "Primary")), 0644);
        order(REPLICA_EXPORT, 1);
        tells(TOLD_EXPORTED, 1);
        ck_assert_str_eq(last_where, "drbd:r0");
        ck_assert_str_eq(asked(), "up r0\nconnect r0\n");
        kernel_says(ALONE("Secondary"));
        order(REPLICA_CHECK, 1);
        tells(TOLD_ALIVE, 1);
        ck_assert_uint_eq(last.loss, 5);
        kernel_says(EVENTS("Secondary", "Outdated", "Connecting", "Unknown", "Off", "DUnknown"));
        order(REPLICA_CHECK, 1);
        tells_why(TOLD_EXPORT_ENDED, 1, "outdated");
}
END_TEST

START_TEST(r_is_spoilt) {
        kernel_says(IN_STEP("Secondary", "Primary"));
        order(REPLICA_EXPORT, 1);
        tells(TOLD_EXPORTED, 1);
        kernel_says(
                EVENTS("Secondary", "Diskless", "Connected", "Primary", "Established", "UpToDate"));
        tells_why(TOLD_EXPORT_ENDED, 1, "no disk");
        order(REPLICA_EXPORT, 2);
        tells_why(TOLD_FAILED, 2, "no disk");
        kernel_says(APART("Secondary")); /* and stays so */
        order(REPLICA_CHECK, 2);
        tells_why(TOLD_EXPORT_ENDED, 2, "not connected");
}
END_TEST

/* The old primary, whose guest has gone: released first, and refused while somebody has it open. */
START_TEST(r_was_primary) {
        kernel_says(IN_STEP("Primary", "Secondary"));
        put("on-secondary", REFUSED("-12", "Device is held open by someone"), 0644);
        order(REPLICA_EXPORT, 1);
        tells_why(TOLD_FAILED, 1, "held open");
        put("on-secondary", THEN(IN_STEP("Secondary", "Secondary")), 0644);
        order(REPLICA_EXPORT, 2);
        tells(TOLD_EXPORTED, 2);
}
END_TEST

/* Which side it is shows in the role. */
START_TEST(after_a_start_of_hawd) {
        kernel_says(IN_STEP("Primary", "Secondary"));
        order_of(REPLICA_CHECK, 6, 0);
        tells(TOLD_IN_STEP, 6);
        kernel_says(ALONE("Primary"));
        tells(TOLD_ENDED, 6);
        kernel_says(ALONE("Secondary"));
        order_of(REPLICA_CHECK, 7, 0);
        tells(TOLD_EXPORTED, 7);
        kernel_says(DOWN);
        tells(TOLD_EXPORT_ENDED, 7);
        order_of(REPLICA_CHECK, 7, 0);
        tells_why(TOLD_EXPORT_ENDED, 7, "drbdadm up r0");
}
END_TEST

/* Guests come and go, and so do replicas: nobody looks for one that is over. */
START_TEST(thread_ends_with_what_there_is_to_tell) {
        static const enum replica_op ends[] = {REPLICA_UNEXPORT, REPLICA_CANCEL, REPLICA_DROP};
        struct guest_spec *of_drbd = spec;

        kernel_says(_i == 1 ? IN_STEP("Primary", "Secondary") : IN_STEP("Secondary", "Primary"));
        for (uint32_t serial = 1; serial < 20; serial++) {
                order(_i == 1 ? REPLICA_MIRROR : REPLICA_EXPORT, serial);
                tells(_i == 1 ? TOLD_COPYING : TOLD_EXPORTED, serial);
                ck_assert(drbd_engine_follows(engine, 7, serial));
                ck_assert(!drbd_engine_follows(engine, 8, serial));
                spec = serial % 2 ? of_drbd : NULL; /* the guest is forgotten */
                order(ends[_i], serial);
                spec = of_drbd;
                if (ends[_i] != REPLICA_DROP)
                        tells(_i == 1 ? TOLD_ENDED : TOLD_EXPORT_ENDED, serial);
                ck_assert_msg(threads_end(50 * USEC_PER_SEC), "a thread is left");
                ck_assert(!drbd_engine_follows(engine, 7, serial));
        }
        order(REPLICA_CANCEL, 1); /* of nobody */
        tells(TOLD_ENDED, 1);
        ck_assert_msg(threads_end(50 * USEC_PER_SEC), "a thread is left");
}
END_TEST

static Suite *drbd_engine_suite(void) {
        Suite *suite = suite_create("drbd_engine");
        TCase *tc = unit_case(suite, "drbd_engine");

        tcase_add_checked_fixture(tc, set_up, tear_down);
        tcase_add_test(tc, p_from_copying_to_in_step);
        tcase_add_test(tc, p_is_secondary_once_its_guest_has_ended);
        tcase_add_test(tc, p_is_refused);
        tcase_add_test(tc, an_end_is_of_its_serial);
        tcase_add_test(tc, r_is_up_and_stands);
        tcase_add_test(tc, r_is_spoilt);
        tcase_add_test(tc, r_was_primary);
        tcase_add_test(tc, after_a_start_of_hawd);
        tcase_add_loop_test(tc, thread_ends_with_what_there_is_to_tell, 0, 3);
        return suite;
}

UNIT_MAIN(drbd_engine_suite)
