/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ledger: a guest's replica (S9). Who may say what of it, what a start makes of it, and what the
 * loss of either host does. P is node1, R is node2.
 */
#include "hawd/core/promote.h"
#include "tests/unit/ledger_fixture.h"

#define SEC USEC_PER_SEC
#define HOLD (300 * SEC)

static struct replica *R(struct led *l, uint32_t gid) {
        return &G(l, gid)->replica;
}

static struct guest_spec *spec(const char *name, enum replica_mode mode) {
        struct guest_spec *s = led_spec(name);

        s->conf.replica.mode = mode;
        text_set(s->conf.replica.host, NAME_LEN, mode == REPLICA_MODE_NONE ? "" : "node2");
        return s;
}

static void says(struct led *l, uint32_t gid, uint32_t host, enum replica_state state) {
        struct op op = {.kind = OP_REPLICA_SAYS,
                        .gid = gid,
                        .host = host,
                        .gen = R(l, gid)->gen,
                        .serial = R(l, gid)->serial,
                        .replica_state = state,
                        .as_of = l->wall};

        if (host == R(l, gid)->host && state == REPLICA_COPYING)
                op.list = blob_new("nbd://node2/x", 13);
        text_set(op.text, sizeof(op.text), "said");
        led_apply(l, op);
}

static void begin(struct led *l, uint32_t gid) {
        CHANGED(l, .kind = OP_REPLICA_BEGIN, .gid = gid, .host = R(l, gid)->host,
                .budget_usec = HOLD);
}

static void in_step(struct led *l, uint32_t gid) {
        begin(l, gid);
        says(l, gid, R(l, gid)->host, REPLICA_COPYING);
        says(l, gid, R(l, gid)->data, REPLICA_IN_STEP);
        ck_assert_int_eq(R(l, gid)->state, REPLICA_IN_STEP);
}

/* A guest on node1, with its replica on node2 in step. */
static uint32_t open_with(struct led *l, enum replica_mode mode) {
        uint32_t gid;

        led_open(l, 3);
        APPLY(l, .kind = OP_GUEST_ADD, .spec = spec("web", mode), .desired = DESIRED_RUNNING);
        gid = l->m.guests[0].gid;
        led_start(l, gid, 1);
        led_done(l, gid, RESULT_DONE);
        in_step(l, gid);
        return gid;
}

static void proven(struct led *l, uint32_t nodeid, usec_t later) {
        led_lose(l, nodeid);
        l->wall += later;
        CHANGED(l, .kind = OP_HOST_PROVEN, .host = nodeid, .proof = PROOF_DEVICES, .text = "off");
        ck_assert_int_eq(H(l, nodeid)->state, HOST_OFF);
}

static void stands(struct led *l, uint32_t gid) {
        CHANGED(l, .kind = OP_REPLICA_STANDS, .gid = gid, .host = R(l, gid)->host,
                .serial = R(l, gid)->serial, .loss = H(l, R(l, gid)->data)->losses);
}

#define PROMOTE_ON(g, node, n) .kind = OP_GUEST_START, .gid = (g), .host = (node), .serial = (n)

/* It counts as begun: the copy may have been written to. */
static void start_from_copy_fails(struct led *l, uint32_t gid) {
        proven(l, 1, SEC);
        stands(l, gid);
        CHANGED(l, PROMOTE_ON(gid, 2, 1));
        ck_assert_uint_eq(G(l, gid)->promoting, 1);
        led_done(l, gid, RESULT_FAILED);
        ck_assert_uint_eq(G(l, gid)->promoting, 1);
}

START_TEST(is_in_step_by_the_word_of_both) {
        struct led l;
        uint32_t gid;

        led_open(&l, 3);
        APPLY(&l, .kind = OP_GUEST_ADD, .spec = spec("web", REPLICA_MODE_SYNC),
              .desired = DESIRED_RUNNING);
        gid = l.m.guests[0].gid;
        ck_assert_uint_eq(R(&l, gid)->data, 0);
        UNCHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 2); /* that is the copy's */
        led_start(&l, gid, 1);
        ck_assert_uint_eq(R(&l, gid)->data, 1);
        ck_assert_uint_eq(R(&l, gid)->host, 2);
        UNCHANGED(&l, .kind = OP_REPLICA_BEGIN, .gid = gid); /* it does not run yet */
        led_done(&l, gid, RESULT_DONE);
        begin(&l, gid);
        ck_assert_uint_eq(R(&l, gid)->serial, 1);
        UNCHANGED(&l, .kind = OP_REPLICA_BEGIN, .gid = gid);
        says(&l, gid, 1, REPLICA_IN_STEP); /* R has not said where */
        ck_assert_int_eq(R(&l, gid)->state, REPLICA_COPYING);
        says(&l, gid, 3, REPLICA_COPYING);
        ck_assert_ptr_null(R(&l, gid)->where);
        says(&l, gid, 2, REPLICA_COPYING);
        ck_assert_str_eq(R(&l, gid)->where->data, "nbd://node2/x");
        says(&l, gid, 2, REPLICA_IN_STEP); /* R cannot know */
        ck_assert_int_eq(R(&l, gid)->state, REPLICA_COPYING);
        says(&l, gid, 1, REPLICA_IN_STEP);
        ck_assert_int_eq(R(&l, gid)->state, REPLICA_IN_STEP);
        ck_assert(led_noted(&l, NOTE_REPLICA_IN_STEP));
        ck_assert_uint_eq(R(&l, gid)->as_of, l.wall);
        led_close(&l);
}
END_TEST

/* As in a split brain of DRBD: it is said, each time. */
START_TEST(what_cannot_be_copied_is_told) {
        for (uint32_t by = 1; by <= 2; by++) {
                struct led l;
                uint32_t gid = open_with(&l, REPLICA_MODE_DRBD);

                says(&l, gid, 1, REPLICA_BEHIND);
                ck_assert(!led_noted(&l, NOTE_REPLICA_FAILED));
                begin(&l, gid);
                says(&l, gid, by, by == 1 ? REPLICA_BEHIND : REPLICA_BROKEN);
                ck_assert_int_eq(R(&l, gid)->state, REPLICA_NONE);
                ck_assert_str_eq(R(&l, gid)->error, "said");
                ck_assert(led_noted(&l, NOTE_REPLICA_FAILED));
                led_close(&l);
        }
}
END_TEST

START_TEST(another_serial_says_nothing) {
        struct led l;
        uint32_t gid = open_with(&l, REPLICA_MODE_SYNC);

        UNCHANGED(&l, .kind = OP_REPLICA_SAYS, .gid = gid, .host = 2, .serial = 2,
                  .replica_state = REPLICA_BROKEN);
        UNCHANGED(&l, .kind = OP_REPLICA_SAYS, .gid = gid, .host = 1,
                  .replica_state = REPLICA_BEHIND);
        UNCHANGED(&l, .kind = OP_REPLICA_SAYS, .gid = gid, .host = 1, .serial = 1,
                  .gen = G(&l, gid)->gen + 1, .replica_state = REPLICA_FINAL);
        led_close(&l);
}
END_TEST

START_TEST(promoted_after_the_loss_of_its_host) {
        struct led l;
        uint32_t gid = open_with(&l, REPLICA_MODE_SYNC);

        led_lose(&l, 1);
        UNCHANGED(&l, PROMOTE_ON(gid, 2, 1)); /* S1: it may still run */
        stands(&l, gid);
        l.wall += 10 * SEC;
        APPLY(&l, .kind = OP_HOST_PROVEN, .host = 1, .proof = PROOF_DEVICES, .text = "off");
        UNCHANGED(&l, PROMOTE_ON(gid, 3, 1));
        UNCHANGED(&l, PROMOTE_ON(gid, 2, 2));
        UNCHANGED(&l, PROMOTE_ON(gid, 2, 0)); /* not without the copy */
        CHANGED(&l, PROMOTE_ON(gid, 2, 1));
        ck_assert(led_noted(&l, NOTE_REPLICA_PROMOTED));
        ck_assert_uint_eq(R(&l, gid)->data, 2); /* they change places */
        ck_assert_uint_eq(R(&l, gid)->host, 1);
        ck_assert_int_eq(R(&l, gid)->state, REPLICA_NONE);
        ck_assert_uint_eq(G(&l, gid)->promoting, 1);
        led_done(&l, gid, RESULT_DONE);
        ck_assert_uint_eq(G(&l, gid)->promoting, 0);
        APPLY(&l, .kind = OP_GUEST_HEALTHY, .gid = gid, .gen = G(&l, gid)->gen, .host = 2);
        ck_assert_ptr_nonnull(
                strstr(l.m.incidents[l.m.n_incidents - 1].outcome, "nothing is lost"));
        led_online(&l, 1);
        in_step(&l, gid); /* back, from R to P */
        ck_assert_uint_eq(R(&l, gid)->serial, 2);
        led_close(&l);
}
END_TEST

/* It goes on with the copy until it has run: what lies there else is of long ago. */
START_TEST(a_start_that_fails_keeps_to_the_copy) {
        struct led l;
        uint32_t gid = open_with(&l, REPLICA_MODE_SYNC);

        start_from_copy_fails(&l, gid);
        led_online(&l, 1);
        UNCHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 1); /* never trusted again */
        led_start(&l, gid, 2);
        ck_assert_uint_eq(G(&l, gid)->promoting, 1);
        led_done(&l, gid, RESULT_DONE);
        ck_assert_uint_eq(G(&l, gid)->promoting, 0);
        led_close(&l);
}
END_TEST

START_TEST(veto_of_its_end) {
        struct led l;
        uint32_t gid = open_with(&l, REPLICA_MODE_SYNC);

        says(&l, gid, 2, REPLICA_BROKEN);
        ck_assert_int_eq(R(&l, gid)->state, REPLICA_BROKEN);
        proven(&l, 1, SEC);
        UNCHANGED(&l, .kind = OP_REPLICA_STANDS, .gid = gid, .host = 2, .serial = 1, .loss = 1);
        UNCHANGED(&l, PROMOTE_ON(gid, 2, 1));
        CHANGED(&l, .kind = OP_REPLICA_FORCE, .gid = gid, .flag = true, .text = "joe");
        CHANGED(&l, PROMOTE_ON(gid, 2, 1));
        led_done(&l, gid, RESULT_DONE);
        APPLY(&l, .kind = OP_GUEST_HEALTHY, .gid = gid, .gen = G(&l, gid)->gen, .host = 2);
        ck_assert_ptr_nonnull(
                strstr(l.m.incidents[l.m.n_incidents - 1].outcome, "written last is lost"));
        led_close(&l);
}
END_TEST

/* After it stood for this loss, its end is no matter; for another loss it is. */
START_TEST(stands_for_one_loss) {
        struct led l;
        uint32_t gid = open_with(&l, REPLICA_MODE_SYNC);

        UNCHANGED(&l, .kind = OP_REPLICA_STANDS, .gid = gid, .host = 2, .serial = 1, .loss = 0);
        led_lose(&l, 1);
        UNCHANGED(&l, .kind = OP_REPLICA_STANDS, .gid = gid, .host = 2, .serial = 1, .loss = 2);
        UNCHANGED(&l, .kind = OP_REPLICA_STANDS, .gid = gid, .host = 3, .serial = 1, .loss = 1);
        stands(&l, gid);
        says(&l, gid, 2, REPLICA_BROKEN);
        ck_assert_int_eq(R(&l, gid)->state, REPLICA_IN_STEP);
        led_online(&l, 1); /* back without a proof */
        ck_assert(R(&l, gid)->unsure);
        says(&l, gid, 1, REPLICA_IN_STEP);
        ck_assert(!R(&l, gid)->unsure);
        led_lose(&l, 1);
        says(&l, gid, 2, REPLICA_BROKEN);
        ck_assert_int_eq(R(&l, gid)->state, REPLICA_BROKEN);
        led_close(&l);
}
END_TEST

START_TEST(back_and_gone_again_is_unsure) {
        struct led l;
        uint32_t gid = open_with(&l, REPLICA_MODE_SYNC);

        led_lose(&l, 1);
        led_online(&l, 1);
        proven(&l, 1, SEC);
        stands(&l, gid);
        UNCHANGED(&l, PROMOTE_ON(gid, 2, 1));
        led_close(&l);
}
END_TEST

START_TEST(too_late_is_an_older_copy) {
        struct led l;
        uint32_t gid = open_with(&l, REPLICA_MODE_SYNC);

        proven(&l, 1, promotion_limit(HOLD) + 1);
        stands(&l, gid);
        UNCHANGED(&l, PROMOTE_ON(gid, 2, 1));
        led_close(&l);
        gid = open_with(&l, REPLICA_MODE_SYNC);
        proven(&l, 1, promotion_limit(HOLD));
        stands(&l, gid);
        CHANGED(&l, PROMOTE_ON(gid, 2, 1));
        led_close(&l);
}
END_TEST

START_TEST(behind_when_the_other_host_is_lost) {
        struct led l;
        uint32_t gid = open_with(&l, REPLICA_MODE_SYNC);

        led_lose(&l, 2);
        ck_assert_int_eq(R(&l, gid)->state, REPLICA_BEHIND);
        ck_assert(led_noted(&l, NOTE_REPLICA_BEHIND));
        says(&l, gid, 1, REPLICA_IN_STEP); /* said before, heard late */
        ck_assert_int_eq(R(&l, gid)->state, REPLICA_BEHIND);
        UNCHANGED(&l, .kind = OP_REPLICA_BEGIN, .gid = gid);
        led_online(&l, 2);
        begin(&l, gid);
        led_lose(&l, 2);
        ck_assert_int_eq(R(&l, gid)->state, REPLICA_NONE); /* half a copy is none */
        led_close(&l);
}
END_TEST

START_TEST(a_start_on_its_own_disks_leaves_the_copy_behind) {
        struct led l;
        uint32_t gid = open_with(&l, REPLICA_MODE_SYNC);

        proven(&l, 1, SEC);
        stands(&l, gid);
        led_online(&l, 1);
        led_start(&l, gid, 1);
        ck_assert_int_eq(R(&l, gid)->state, REPLICA_BEHIND);
        ck_assert_uint_eq(R(&l, gid)->stands_loss, 0);
        led_done(&l, gid, RESULT_DONE);
        says(&l, gid, 1, REPLICA_IN_STEP); /* of the generation before */
        ck_assert_int_eq(R(&l, gid)->state, REPLICA_BEHIND);
        led_close(&l);
}
END_TEST

static void stopped(struct led *l, uint32_t gid) {
        APPLY(l, .kind = OP_GUEST_JOB, .gid = gid, .host = 1, .job_kind = JOB_STOP);
        says(l, gid, 1, REPLICA_FINAL);
        ck_assert_int_eq(R(l, gid)->state, REPLICA_FINAL);
}

START_TEST(final_goes_over_without_a_loss) {
        struct led l;
        uint32_t gid = open_with(&l, REPLICA_MODE_SYNC);

        says(&l, gid, 2, REPLICA_BROKEN); /* its end ends with the mirror */
        stopped(&l, gid);
        led_done(&l, gid, RESULT_DONE);
        UNCHANGED(&l, .kind = OP_REPLICA_SAYS, .gid = gid, .host = 2, .serial = 1,
                  .replica_state = REPLICA_BROKEN);
        CHANGED(&l, PROMOTE_ON(gid, 2, 1));
        led_close(&l);
        /* Not by the word of a host that was lost before the guest had ended. */
        gid = open_with(&l, REPLICA_MODE_SYNC);
        stopped(&l, gid);
        proven(&l, 1, SEC);
        ck_assert_int_eq(R(&l, gid)->state, REPLICA_BEHIND);
        UNCHANGED(&l, PROMOTE_ON(gid, 2, 1));
        led_close(&l);
        /* Nor when it runs on after all. */
        gid = open_with(&l, REPLICA_MODE_SYNC);
        stopped(&l, gid);
        led_done(&l, gid, RESULT_CANCELLED);
        ck_assert_int_eq(R(&l, gid)->state, REPLICA_BEHIND);
        led_close(&l);
}
END_TEST

START_TEST(forced_by_a_person) {
        struct led l;
        uint32_t gid = open_with(&l, REPLICA_MODE_ASYNC);

        UNCHANGED(&l, .kind = OP_REPLICA_FORCE, .gid = gid, .flag = true); /* it runs */
        ck_assert_int_eq(l.a.code, REPLY_USAGE);
        proven(&l, 1, 60 * SEC);
        UNCHANGED(&l, PROMOTE_ON(gid, 2, 1));
        UNCHANGED(&l, .kind = OP_REPLICA_FORCE, .gid = gid);
        ck_assert_int_eq(l.a.code, REPLY_FAILED);
        ck_assert_ptr_nonnull(strstr(l.a.text, "--accept-loss"));
        CHANGED(&l, .kind = OP_REPLICA_FORCE, .gid = gid, .flag = true, .text = "joe");
        CHANGED(&l, PROMOTE_ON(gid, 2, 1));
        ck_assert_uint_eq(R(&l, gid)->loss_usec, 60 * SEC);
        ck_assert_uint_eq(R(&l, gid)->forced, 0);
        led_close(&l);
}
END_TEST

START_TEST(policy_allows_a_loss) {
        struct led l;
        uint32_t gid = open_with(&l, REPLICA_MODE_ASYNC);

        G(&l, gid)->spec->conf.replica_loss_usec = 60 * SEC;
        proven(&l, 1, 60 * SEC);
        CHANGED(&l, PROMOTE_ON(gid, 2, 1));
        ck_assert_uint_eq(R(&l, gid)->loss_usec, 60 * SEC);
        led_close(&l);
}
END_TEST

START_TEST(settings_change_it) {
        struct led l;
        uint32_t gid = open_with(&l, REPLICA_MODE_SYNC);
        struct guest_spec *s = spec("web", REPLICA_MODE_SYNC);

        text_set(s->conf.replica.host, NAME_LEN, "node9");
        APPLY(&l, .kind = OP_GUEST_SET, .gid = gid, .spec = s);
        ck_assert_int_eq(l.a.code, REPLY_USAGE);
        APPLY(&l, .kind = OP_GUEST_SET, .gid = gid, .spec = spec("web", REPLICA_MODE_SYNC));
        ck_assert_int_eq(R(&l, gid)->state, REPLICA_IN_STEP);
        s = spec("web", REPLICA_MODE_SYNC);
        text_set(s->conf.replica.host, NAME_LEN, "node3");
        APPLY(&l, .kind = OP_GUEST_SET, .gid = gid, .spec = s);
        ck_assert_int_eq(R(&l, gid)->state, REPLICA_NONE);
        ck_assert_uint_eq(R(&l, gid)->host, 3);
        in_step(&l, gid);
        s = spec("web", REPLICA_MODE_ASYNC);
        text_set(s->conf.replica.host, NAME_LEN, "node3");
        APPLY(&l, .kind = OP_GUEST_SET, .gid = gid, .spec = s);
        ck_assert_int_eq(R(&l, gid)->state, REPLICA_NONE);
        APPLY(&l, .kind = OP_GUEST_SET, .gid = gid, .spec = spec("web", REPLICA_MODE_NONE));
        ck_assert_uint_eq(R(&l, gid)->data, 0);
        ck_assert_uint_eq(R(&l, gid)->serial, 2); /* none is used again */
        led_close(&l);
}
END_TEST

START_TEST(resync_begins_anew) {
        struct led l;
        uint32_t gid = open_with(&l, REPLICA_MODE_SYNC);

        CHANGED(&l, .kind = OP_REPLICA_RESYNC, .gid = gid, .text = "joe");
        ck_assert_int_eq(R(&l, gid)->state, REPLICA_BEHIND);
        begin(&l, gid);
        ck_assert_uint_eq(R(&l, gid)->serial, 2);
        led_close(&l);
}
END_TEST

/* S9: what it wrote is not on the copy. On another host it is not the guest's disks. */
START_TEST(a_copy_without_a_claim_wrote) {
        struct led l;
        uint32_t gid = open_with(&l, REPLICA_MODE_SYNC), on = _i ? 1 : 3;

        G(&l, gid)->desired = DESIRED_STOPPED;
        CHANGED(&l, .kind = OP_GUEST_JOB, .gid = gid, .host = 1, .job_kind = JOB_STOP);
        led_done(&l, gid, RESULT_DONE);
        says(&l, gid, 1, REPLICA_FINAL);
        ck_assert_int_eq(R(&l, gid)->state, REPLICA_FINAL);
        CHANGED(&l, .kind = OP_GUEST_ROGUE, .gid = gid, .host = on, .text = "stopped");
        ck_assert_int_eq(R(&l, gid)->state, _i ? REPLICA_BEHIND : REPLICA_FINAL);
        led_close(&l);
}
END_TEST

static void set(struct led *l, uint32_t gid, enum replica_mode mode) {
        APPLY(l, .kind = OP_GUEST_SET, .gid = gid, .spec = spec("web", mode));
}

START_TEST(not_where_it_runs) {
        struct led l;
        uint32_t gid;

        led_open(&l, 3);
        gid = led_running(&l, "web", _i ? 1 : 2);
        set(&l, gid, REPLICA_MODE_SYNC);
        ck_assert_int_eq(l.a.code, _i ? REPLY_OK : REPLY_USAGE);
        ck_assert_uint_eq(R(&l, gid)->host, _i ? 2 : 0);
        led_close(&l);
        led_open(&l, 3);
        APPLY(&l, .kind = OP_GUEST_ADD, .spec = spec("web", REPLICA_MODE_SYNC),
              .desired = DESIRED_RUNNING, .host = _i ? 1 : 2);
        ck_assert_int_eq(l.a.code, _i ? REPLY_OK : REPLY_USAGE);
        ck_assert_uint_eq(l.m.n_guests, (size_t)_i);
        led_close(&l);
}
END_TEST

/* It may be all that is left of the guest's disks. */
START_TEST(not_given_up_while_its_host_is_away) {
        struct led l;
        uint32_t gid = open_with(&l, REPLICA_MODE_SYNC);

        led_lose(&l, 1);
        set(&l, gid, REPLICA_MODE_NONE);
        ck_assert_int_eq(l.a.code, REPLY_FAILED);
        ck_assert(strstr(l.a.text, "hawctl replica promote web"));
        set(&l, gid, REPLICA_MODE_ASYNC);
        ck_assert_int_eq(l.a.code, REPLY_FAILED);
        ck_assert_int_eq(R(&l, gid)->state, REPLICA_IN_STEP);
        set(&l, gid, REPLICA_MODE_SYNC); /* the same */
        ck_assert_int_eq(l.a.code, REPLY_OK);
        led_online(&l, 1);
        set(&l, gid, REPLICA_MODE_NONE);
        ck_assert_int_eq(l.a.code, REPLY_OK);
        ck_assert_int_eq(R(&l, gid)->state, REPLICA_NONE);
        led_close(&l);
}
END_TEST

/* Its start would find another disk. */
START_TEST(not_given_up_while_it_is_started_from) {
        struct led l;
        uint32_t gid = open_with(&l, REPLICA_MODE_SYNC);

        start_from_copy_fails(&l, gid);
        set(&l, gid, REPLICA_MODE_NONE);
        ck_assert_int_eq(l.a.code, REPLY_BUSY);
        ck_assert_uint_eq(G(&l, gid)->promoting, 1);
        led_start(&l, gid, 2);
        led_done(&l, gid, RESULT_DONE);
        set(&l, gid, REPLICA_MODE_NONE);
        ck_assert_int_eq(l.a.code, REPLY_OK);
        led_close(&l);
}
END_TEST

START_TEST(nothing_is_asked_of_a_guest_without_one) {
        struct led l;
        uint32_t gid;

        led_open(&l, 2);
        gid = led_running(&l, "web", 2);
        UNCHANGED(&l, .kind = OP_REPLICA_RESYNC, .gid = gid, .text = "joe");
        ck_assert_int_eq(l.a.code, REPLY_USAGE);
        ck_assert_ptr_nonnull(strstr(l.a.text, "web has no replica: hawctl replica add"));
        UNCHANGED(&l, .kind = OP_REPLICA_FORCE, .gid = gid, .flag = true, .text = "joe");
        ck_assert_int_eq(l.a.code, REPLY_USAGE);
        ck_assert_ptr_nonnull(strstr(l.a.text, "web has no replica: hawctl replica add"));
        led_close(&l);
}
END_TEST

START_TEST(with_snapshots_is_refused) {
        struct led l;
        uint32_t gid = open_with(&l, REPLICA_MODE_SYNC), other;

        UNCHANGED(&l, .kind = OP_SNAP_TAKE, .gid = gid, .name = "one", .flag = true);
        ck_assert_int_eq(l.a.code, REPLY_USAGE);
        other = led_running(&l, "db", 1);
        APPLY(&l, .kind = OP_SNAP_TAKE, .gid = other, .name = "one", .flag = true);
        APPLY(&l, .kind = OP_GUEST_JOB, .gid = other, .host = 1, .job_kind = JOB_SNAPSHOT);
        led_done(&l, other, RESULT_DONE);
        UNCHANGED(&l, .kind = OP_GUEST_SET, .gid = other, .spec = spec("db", REPLICA_MODE_SYNC));
        ck_assert_int_eq(l.a.code, REPLY_USAGE);
        led_close(&l);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("apply_replica");
        TCase *tc = unit_case(s, "apply_replica");

        tcase_add_test(tc, is_in_step_by_the_word_of_both);
        tcase_add_test(tc, what_cannot_be_copied_is_told);
        tcase_add_test(tc, another_serial_says_nothing);
        tcase_add_test(tc, promoted_after_the_loss_of_its_host);
        tcase_add_test(tc, a_start_that_fails_keeps_to_the_copy);
        tcase_add_test(tc, veto_of_its_end);
        tcase_add_test(tc, stands_for_one_loss);
        tcase_add_test(tc, back_and_gone_again_is_unsure);
        tcase_add_test(tc, too_late_is_an_older_copy);
        tcase_add_test(tc, behind_when_the_other_host_is_lost);
        tcase_add_test(tc, a_start_on_its_own_disks_leaves_the_copy_behind);
        tcase_add_test(tc, final_goes_over_without_a_loss);
        tcase_add_test(tc, forced_by_a_person);
        tcase_add_test(tc, policy_allows_a_loss);
        tcase_add_test(tc, settings_change_it);
        tcase_add_test(tc, resync_begins_anew);
        tcase_add_test(tc, nothing_is_asked_of_a_guest_without_one);
        tcase_add_test(tc, with_snapshots_is_refused);
        tcase_add_loop_test(tc, a_copy_without_a_claim_wrote, 0, 2);
        tcase_add_loop_test(tc, not_where_it_runs, 0, 2);
        tcase_add_test(tc, not_given_up_while_its_host_is_away);
        tcase_add_test(tc, not_given_up_while_it_is_started_from);
        return s;
}

UNIT_MAIN(suite)
